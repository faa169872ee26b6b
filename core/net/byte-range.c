/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Byte range: which bytes of a whole a server sends, or has. */
#include "net/byte-range.h"

#include <glib.h>
#include <string.h>

static void
skip_blanks(const char **at)
{
    *at += strspn(*at, " \t");
}

static bool
take_sign(const char **at, char sign)
{
    if (**at != sign)
        return false;
    (*at)++;
    return true;
}

/* Digits alone: no sign, and nothing that does not fit. */
static bool
take_number(const char **at, int64_t *number)
{
    const char *start = *at;
    int64_t sum = 0;

    for (; g_ascii_isdigit(**at); (*at)++) {
        int digit = **at - '0';

        if (sum > (INT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return *at > start;
}

static bool
take_ends(const char **at, HrByteRange *range)
{
    return take_number(at, &range->first) && take_sign(at, '-') &&
           take_number(at, &range->last) && range->first <= range->last &&
           range->last < INT64_MAX;
}

/* Units are not told apart by case. */
static bool
take_unit(const char **at)
{
    if (g_ascii_strncasecmp(*at, "bytes", 5) != 0)
        return false;
    *at += 5;
    return true;
}

static bool
is_over(const char *at)
{
    skip_blanks(&at);
    return *at == '\0';
}

bool
hr_byte_range_parse(const char *text, HrByteRange *range)
{
    HrByteRange found = {.total = -1};

    skip_blanks(&text);
    if (!take_unit(&text) || (*text != ' ' && *text != '\t'))
        return false;
    skip_blanks(&text);
    if (!take_ends(&text, &found) || !take_sign(&text, '/'))
        return false;
    if (!take_sign(&text, '*') &&
        (!take_number(&text, &found.total) || found.last >= found.total))
        return false;
    if (!is_over(text))
        return false;
    *range = found;
    return true;
}

bool
hr_byte_range_parse_upload(const char *text, int64_t *arrived_bytes)
{
    HrByteRange found;

    skip_blanks(&text);
    if (take_unit(&text) && !take_sign(&text, '=') && !take_sign(&text, ' '))
        return false;
    if (!take_ends(&text, &found) || found.first != 0 || !is_over(text))
        return false;
    *arrived_bytes = found.last + 1;
    return true;
}
