/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers: finds those that libconfig would silently read as others. */
#include "config/numbers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *
skip_string(const char *text)
{
    for (text++; *text != '\0' && *text != '"'; text++)
        if (text[0] == '\\' && text[1] != '\0')
            text++;
    return text + (*text == '"');
}

static const char *
skip_comment(const char *text)
{
    const char *end;

    if (text[0] != '/' || text[1] != '*')
        return text + strcspn(text, "\n");
    end = strstr(text + 2, "*/");
    return end != NULL ? end + 2 : text + strlen(text);
}

static bool
starts_word(char c)
{
    return g_ascii_isalpha(c) || c == '*' || c == '_';
}

static const char *
skip_word(const char *text)
{
    while (g_ascii_isalnum(*text) || strchr("_*-", *text) != NULL) {
        if (*text == '\0')
            break;
        text++;
    }
    return text;
}

static bool
fits(const char *start, bool marked)
{
    bool hex = start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
    uint64_t limit = marked ? INT64_MAX : INT32_MAX;
    uint64_t number;

    errno = 0;
    number = strtoull(start, NULL, hex ? 16 : 10);
    return errno == 0 && number <= limit;
}

/* Reads one number, without its sign: the lowest one is no loss. */
static const char *
check_number(const char *start, const char *file, unsigned line,
             HrMistakes *mistakes)
{
    bool hex = start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
    const char *end = start + (hex ? 2 : 0);
    g_autofree char *digits = NULL;
    g_autofree char *message = NULL;
    bool marked;

    while (hex ? g_ascii_isxdigit(*end) : g_ascii_isdigit(*end))
        end++;
    /* A fraction is what it says. */
    if (!hex && (*end == '.' || *end == 'e' || *end == 'E'))
        return end + strspn(end, ".0123456789eE+-");
    marked = *end == 'L';
    if (fits(start, marked))
        return end + strspn(end, "L");
    digits = g_strndup(start, (gsize)(end - start));
    message = g_strdup_printf(
        "%s is too large a number%s; a size is written as a string, \"5GiB\"",
        digits, marked ? "" : ": write it with a final L");
    hr_mistakes_add(mistakes, file, line, NULL, message);
    return end + strspn(end, "L");
}

void
hr_numbers_check(const char *text, const char *file, HrMistakes *mistakes)
{
    unsigned line = 1;

    while (*text != '\0') {
        const char *start = text;

        if (*text == '"')
            text = skip_string(text);
        else if (*text == '#' || g_str_has_prefix(text, "//") ||
                 g_str_has_prefix(text, "/*"))
            text = skip_comment(text);
        else if (starts_word(*text))
            text = skip_word(text);
        else if (g_ascii_isdigit(*text))
            text = check_number(text, file, line, mistakes);
        else
            text++;
        for (; start < text; start++)
            line += *start == '\n';
    }
}
