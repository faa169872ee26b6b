/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts that people write and read. */
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Longest names compared for nearness; keys and endpoint names are shorter. */
#define NEAR_LENGTH 63

/* A hundred years: longer than any use, and far from overflow when it is
 * turned into microseconds and added to a clock. */
#define LONGEST_DURATION_MS (INT64_C(36500) * 86400000)

/* Digits after the point that count; more change nothing of interest. */
#define FRACTION_DIGITS 9

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

/* A decimal number, exactly: whole + fraction / scale. */
typedef struct Decimal {
    int64_t whole;
    int64_t fraction;
    int64_t scale;
} Decimal;

static const Unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", INT64_C(1000000000000)},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
};

static const Unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

/* Reads "12" or "1.5" at *cursor, without sign or exponent.  A whole part
 * over INT64_MAX becomes INT64_MAX and sets *over. */
static bool
read_decimal(const char **cursor, Decimal *number, bool *over)
{
    const char *c = *cursor;

    *number = (Decimal){.scale = 1};
    if (!g_ascii_isdigit(*c))
        return false;
    for (; g_ascii_isdigit(*c); c++) {
        if (__builtin_mul_overflow(number->whole, 10, &number->whole) ||
            __builtin_add_overflow(number->whole, *c - '0', &number->whole)) {
            number->whole = INT64_MAX;
            *over = true;
        }
    }
    if (*c == '.') {
        if (!g_ascii_isdigit(*++c))
            return false;
        for (unsigned i = 0; g_ascii_isdigit(*c); c++, i++) {
            if (i >= FRACTION_DIGITS)
                continue;
            number->fraction = number->fraction * 10 + (*c - '0');
            number->scale *= 10;
        }
    }
    *cursor = c;
    return true;
}

/* Adds number * factor, rounded down; false if the sum passes INT64_MAX. */
static bool
add_scaled(int64_t *sum, const Decimal *number, int64_t factor)
{
    int64_t whole;
    /* fraction * factor / scale without passing 64 bits on the way. */
    int64_t part = number->fraction * (factor / number->scale) +
                   number->fraction * (factor % number->scale) / number->scale;

    return !__builtin_mul_overflow(number->whole, factor, &whole) &&
           !__builtin_add_overflow(whole, part, &whole) &&
           !__builtin_add_overflow(*sum, whole, sum);
}

static const Unit *
read_unit(const char **cursor, const Unit *units, size_t count)
{
    size_t length = strspn(*cursor, "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].name) == length &&
            strncmp(units[i].name, *cursor, length) == 0) {
            *cursor += length;
            return &units[i];
        }
    }
    return NULL;
}

bool
hr_text_parse_size(const char *text, int64_t *bytes, GError **error)
{
    const char *cursor = text;
    const Unit *unit = NULL;
    Decimal number;
    bool over = false;
    int64_t total = 0;

    if (read_decimal(&cursor, &number, &over))
        unit = read_unit(&cursor, size_units, G_N_ELEMENTS(size_units));
    if (unit == NULL || *cursor != '\0')
        return hr_error_set(error, HR_INVALID,
                            "'%s' is not a size: write it as \"512KiB\" or "
                            "\"5GiB\" (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)",
                            text);
    if (over || !add_scaled(&total, &number, unit->factor))
        return hr_error_set(error, HR_INVALID,
                            "'%s' is too large a size: 8388607TiB is the most",
                            text);
    *bytes = total;
    return true;
}

bool
hr_text_parse_duration(const char *text, int64_t *ms, GError **error)
{
    const char *cursor = text;
    int64_t total = 0;
    bool over = false;

    if (strcmp(text, "0") == 0) {
        *ms = 0;
        return true;
    }
    do {
        const Unit *unit = NULL;
        Decimal number;

        if (read_decimal(&cursor, &number, &over))
            unit = read_unit(&cursor, duration_units,
                             G_N_ELEMENTS(duration_units));
        if (unit == NULL)
            return hr_error_set(error, HR_INVALID,
                                "'%s' is not a duration: write it as "
                                "\"250ms\", \"10s\", \"5m\", \"1h30m\" or "
                                "\"2d\"",
                                text);
        over = over || !add_scaled(&total, &number, unit->factor);
    } while (*cursor != '\0');
    if (over || total > LONGEST_DURATION_MS)
        return hr_error_set(error, HR_INVALID,
                            "'%s' is too long a duration: 36500d is the most",
                            text);
    *ms = total;
    return true;
}

char *
hr_text_format_size(int64_t bytes)
{
    static const char *const names[] = {"B",   "KiB", "MiB", "GiB",
                                        "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    unsigned unit = 0;

    if (bytes < 1000)
        return g_strdup_printf("%" PRId64 " B", bytes);
    /* Where rounding would make it four digits, the next unit does. */
    while (value >= 999.5) {
        value /= 1024;
        unit++;
    }
    return g_strdup_printf("%.*f %s", value < 9.95 ? 1 : 0, value,
                           names[unit]);
}

char *
hr_text_format_duration(int64_t us)
{
    /* Limits are where rounding would reach the next form. */
    int64_t seconds = us / 1000000;

    if (us < 99500)
        return g_strdup_printf("%" PRId64 " ms", (us + 500) / 1000);
    if (us < 59950000)
        return g_strdup_printf("%.1f s", (double)us / 1e6);
    seconds = MAX(seconds, 60);
    if (seconds < 3600)
        return g_strdup_printf("%" PRId64 " min %" PRId64 " s", seconds / 60,
                               seconds % 60);
    return g_strdup_printf("%" PRId64 " h %" PRId64 " min", seconds / 3600,
                           seconds % 3600 / 60);
}

/* '-' and '_' and the case are what people mix up most. */
static char
fold(char c)
{
    return c == '-' ? '_' : g_ascii_tolower(c);
}

/* Edit distance in which swapping two neighbours is one edit. */
static unsigned
measure_distance(const char *one, size_t one_length, const char *other,
                 size_t other_length)
{
    unsigned rows[3][NEAR_LENGTH + 1];
    unsigned *before = rows[0];
    unsigned *last = rows[1];
    unsigned *row = rows[2];

    memset(rows, 0, sizeof rows);
    for (unsigned j = 0; j <= other_length; j++)
        last[j] = j;
    for (unsigned i = 1; i <= one_length; i++) {
        unsigned *spare = before;

        row[0] = i;
        for (unsigned j = 1; j <= other_length; j++) {
            char a = fold(one[i - 1]);
            char b = fold(other[j - 1]);
            unsigned best = MIN(last[j], row[j - 1]) + 1;

            best = MIN(best, last[j - 1] + (a != b));
            if (i > 1 && j > 1 && a == fold(other[j - 2]) &&
                b == fold(one[i - 2]))
                best = MIN(best, before[j - 2] + 1);
            row[j] = best;
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[other_length];
}

const char *
hr_text_nearest(const char *name, const char *const *candidates)
{
    size_t length = strlen(name);
    unsigned allowed = (unsigned)CLAMP(length / 3, 1, 3);
    const char *nearest = NULL;

    if (length > NEAR_LENGTH)
        return NULL;
    for (; *candidates != NULL; candidates++) {
        size_t candidate_length = strlen(*candidates);
        unsigned distance;

        if (candidate_length > NEAR_LENGTH)
            continue;
        distance =
            measure_distance(name, length, *candidates, candidate_length);
        if (distance > allowed || distance >= MAX(length, 1))
            continue;
        if (nearest == NULL || distance < allowed) {
            nearest = *candidates;
            allowed = distance;
        }
    }
    return nearest;
}

/* Appends a query with its values hidden: "a=***&b=***". */
static void
append_hidden_query(GString *out, const char *query)
{
    g_auto(GStrv) parts = g_strsplit(query, "&", -1);

    for (char **part = parts; *part != NULL; part++) {
        const char *equals = strchr(*part, '=');

        g_string_append(out, part == parts ? "?" : "&");
        if (equals != NULL)
            g_string_append_len(out, *part, equals - *part);
        g_string_append(out, equals != NULL ? "=***" : "***");
    }
}

/* Where the user info ends, or NULL.  A password with a bare "/", "?" or "#"
 * in it is no valid URL, but people write it: whatever has an "@" and, before
 * that, a ":" that no port number follows, is taken for one. */
static const char *
find_user_info_end(const char *authority)
{
    size_t length = strcspn(authority, "/?#");
    const char *at = g_strrstr_len(authority, (gssize)length, "@");
    const char *colon = memchr(authority, ':', length);

    if (at != NULL || colon == NULL || *authority == '[')
        return at;
    length = strspn(colon + 1, "0123456789");
    if (colon[1 + length] == '\0' || strchr("/?#", colon[1 + length]) != NULL)
        return NULL;
    return strrchr(authority, '@');
}

char *
hr_text_redact_url(const char *url)
{
    GString *out = g_string_new(NULL);
    const char *authority = strstr(url, "://");
    const char *rest = url;
    const char *at;

    /* "://" later on belongs to a query, and text without it may still be
     * "user:password@host". */
    if (authority != NULL && strcspn(url, "/?#@") > (size_t)(authority - url))
        rest = authority + strlen("://");
    else if (g_str_has_prefix(url, "//"))
        rest = url + strlen("//");
    g_string_append_len(out, url, rest - url);
    at = *rest != '/' ? find_user_info_end(rest) : NULL;
    if (at != NULL) {
        g_string_append(out, "***");
        rest = at;
    }
    g_string_append_len(out, rest, (gssize)strcspn(rest, "?#"));
    rest += strcspn(rest, "?#");
    if (*rest == '?') {
        g_autofree char *query = g_strndup(rest + 1, strcspn(rest, "#") - 1);

        append_hidden_query(out, query);
    }
    return g_string_free(out, false);
}

void
hr_text_append_json(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    g_string_append_c(out, '"');
    for (const char *c = valid; *c != '\0'; c++) {
        switch (*c) {
        case '"':
        case '\\':
            g_string_append_c(out, '\\');
            g_string_append_c(out, *c);
            break;
        case '\n':
            g_string_append(out, "\\n");
            break;
        default:
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                g_string_append_printf(out, "\\u%04x", (unsigned)*c);
            else
                g_string_append_c(out, *c);
            break;
        }
    }
    g_string_append_c(out, '"');
}

/* What moves a cursor, ends a line, or makes text read other than it is. */
static bool
is_harmful(gunichar c)
{
    return g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

char *
hr_text_one_line(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *safe = g_string_sized_new(strlen(valid));

    for (const char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
        if (is_harmful(g_utf8_get_char(c)))
            g_string_append_c(safe, '?');
        else
            g_string_append_len(safe, c, g_utf8_next_char(c) - c);
    }
    return g_string_free(safe, false);
}
