/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Semver: versions in tags, and ranges of them. */
#include "model/semver.h"

#include <string.h>

#include "base/error.h"

#define DIGITS "0123456789"
#define IDENTIFIER                                                            \
    DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-"

/* ------------------------------------------------------------- versions */

/* What stands in the place of a number. */
typedef enum Part {
    PART_NUMBER,
    PART_ANY,    /* x, X or a star */
    PART_MISSING /* nothing */
} Part;

/* A version as it is written, perhaps with holes. */
typedef struct Pattern {
    HrVersion version; /* holes are 0 */
    Part parts[3];
} Pattern;

static bool
take_number(const char **cursor, uint64_t *number)
{
    size_t length = strspn(*cursor, DIGITS);
    g_autofree char *digits = g_strndup(*cursor, length);
    guint64 value;

    /* Leading zeros do no harm. */
    if (length == 0 ||
        !g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64, &value, NULL))
        return false;
    *number = value;
    *cursor += length;
    return true;
}

/* "rc.1": parts between dots, none empty; numbers without leading zeros if
 * they have an order. */
static bool
take_identifiers(const char **cursor, bool ordered, char **text)
{
    const char *start = *cursor;

    for (;;) {
        size_t length = strspn(*cursor, IDENTIFIER);
        bool number = strspn(*cursor, DIGITS) >= length;

        if (length == 0 ||
            (ordered && number && length > 1 && **cursor == '0'))
            return false;
        *cursor += length;
        if (**cursor != '.')
            break;
        (*cursor)++;
    }
    if (text != NULL)
        *text = g_strndup(start, (gsize)(*cursor - start));
    return true;
}

static bool
take_part(const char **cursor, Pattern *pattern, unsigned index)
{
    if (strchr("xX*", **cursor) != NULL && **cursor != '\0') {
        pattern->parts[index] = PART_ANY;
        (*cursor)++;
        return true;
    }
    pattern->parts[index] = PART_NUMBER;
    return take_number(cursor, &pattern->version.number[index]);
}

/* Reads up to what cannot belong to a version. */
static bool
take_pattern(const char **cursor, Pattern *pattern)
{
    *pattern = (Pattern){.parts = {PART_MISSING, PART_MISSING, PART_MISSING}};
    if (**cursor == 'v')
        (*cursor)++;
    for (unsigned i = 0; i < 3; i++) {
        if (i > 0 && **cursor != '.')
            break;
        if (i > 0)
            (*cursor)++;
        if (!take_part(cursor, pattern, i))
            return false;
    }
    if (**cursor == '-') {
        (*cursor)++;
        if (!take_identifiers(cursor, true, &pattern->version.prerelease))
            return false;
    }
    if (pattern->version.prerelease == NULL)
        pattern->version.prerelease = g_strdup("");
    if (**cursor == '+') {
        (*cursor)++;
        return take_identifiers(cursor, false, NULL);
    }
    return true;
}

bool
hr_version_parse(HrVersion *version, const char *text)
{
    Pattern pattern;
    bool good = take_pattern(&text, &pattern) && *text == '\0';

    for (unsigned i = 0; i < 3; i++)
        good = good && pattern.parts[i] != PART_ANY;
    *version = pattern.version;
    if (!good)
        hr_version_clear(version);
    return good;
}

void
hr_version_clear(HrVersion *version)
{
    g_clear_pointer(&version->prerelease, g_free);
}

static int
compare_identifiers(const char *one, const char *other)
{
    bool numbers[2] = {strspn(one, DIGITS) == strlen(one),
                       strspn(other, DIGITS) == strlen(other)};

    if (numbers[0] != numbers[1])
        return numbers[0] ? -1 : 1;
    /* Without leading zeros the longer number is the larger. */
    if (numbers[0] && strlen(one) != strlen(other))
        return strlen(one) < strlen(other) ? -1 : 1;
    return strcmp(one, other);
}

static int
compare_prereleases(const char *one, const char *other)
{
    g_auto(GStrv) mine = NULL;
    g_auto(GStrv) theirs = NULL;

    /* What has none comes after what has one. */
    if (*one == '\0' || *other == '\0')
        return (*one == '\0') - (*other == '\0');
    mine = g_strsplit(one, ".", -1);
    theirs = g_strsplit(other, ".", -1);
    for (unsigned i = 0;; i++) {
        int order;

        if (mine[i] == NULL || theirs[i] == NULL)
            return (mine[i] != NULL) - (theirs[i] != NULL);
        order = compare_identifiers(mine[i], theirs[i]);
        if (order != 0)
            return order;
    }
}

int
hr_version_compare(const HrVersion *one, const HrVersion *other)
{
    for (unsigned i = 0; i < 3; i++)
        if (one->number[i] != other->number[i])
            return one->number[i] < other->number[i] ? -1 : 1;
    return compare_prereleases(one->prerelease, other->prerelease);
}

/* --------------------------------------------------------------- ranges */

typedef enum Operator {
    IS,
    IS_NOT,
    ABOVE,
    BELOW,
    AT_LEAST,
    AT_MOST,
    TILDE,
    CARET
} Operator;

typedef struct Comparator {
    Operator operator;
    HrVersion version;
    bool holes;     /* any number is missing or "x" */
    bool any_minor; /* from the minor on */
    bool any_patch; /* the patch alone */
} Comparator;

/* Alternatives of comparators that must all hold. */
struct HrVersionRange {
    GPtrArray *alternatives; /* GPtrArray of Comparator */
};

static const struct {
    const char *text;
    Operator operator;
} operators[] = {
    {"!=", IS_NOT},  {">=", AT_LEAST}, {"=>", AT_LEAST}, {"<=", AT_MOST},
    {"=<", AT_MOST}, {"~>", TILDE},    {">", ABOVE},     {"<", BELOW},
    {"=", IS},       {"~", TILDE},     {"^", CARET},
};

static void
free_comparator(void *data)
{
    Comparator *comparator = data;

    hr_version_clear(&comparator->version);
    g_free(comparator);
}

static void
free_alternative(void *data)
{
    g_ptr_array_unref(data);
}

static void
skip_space(const char **cursor)
{
    *cursor += strspn(*cursor, " \t\r\n\v\f");
}

static Comparator *
make_comparator(Operator operator, Pattern * pattern)
{
    Comparator *comparator = g_new0(Comparator, 1);
    uint64_t *number = pattern->version.number;

    comparator->operator= operator;
    if (pattern->parts[0] != PART_NUMBER) {
        number[0] = number[1] = number[2] = 0;
        comparator->holes = true;
    } else if (pattern->parts[1] != PART_NUMBER) {
        number[1] = number[2] = 0;
        comparator->holes = comparator->any_minor = true;
    } else if (pattern->parts[2] != PART_NUMBER) {
        number[2] = 0;
        comparator->holes = comparator->any_patch = true;
    }
    comparator->version = pattern->version;
    return comparator;
}

static Operator
take_operator(const char **cursor)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(operators); i++)
        if (g_str_has_prefix(*cursor, operators[i].text)) {
            *cursor += strlen(operators[i].text);
            skip_space(cursor);
            return operators[i].operator;
        }
    return IS;
}

static bool
at_end(const char *cursor)
{
    return *cursor == '\0' || strchr(" \t\r\n\v\f,", *cursor) != NULL;
}

/* " - 2.0": the other end of a range. */
static bool
take_hyphen(const char **cursor)
{
    const char *at = *cursor;

    skip_space(&at);
    if (at == *cursor || *at != '-')
        return false;
    at++;
    if (*at != ' ' && *at != '\t')
        return false;
    skip_space(&at);
    *cursor = at;
    return true;
}

/* One comparator, or the two that a hyphen joins. */
static bool
take_comparator(const char **cursor, GPtrArray *all)
{
    const char *start = *cursor;
    Operator operator= take_operator(cursor);
    bool bare = *cursor == start;
    Pattern pattern;

    if (!take_pattern(cursor, &pattern) || !at_end(*cursor)) {
        hr_version_clear(&pattern.version);
        return false;
    }
    if (!bare || !take_hyphen(cursor)) {
        g_ptr_array_add(all, make_comparator(operator, & pattern));
        return true;
    }
    g_ptr_array_add(all, make_comparator(AT_LEAST, &pattern));
    if (!take_pattern(cursor, &pattern) || !at_end(*cursor)) {
        hr_version_clear(&pattern.version);
        return false;
    }
    g_ptr_array_add(all, make_comparator(AT_MOST, &pattern));
    return true;
}

static bool
take_alternative(HrVersionRange *range, const char *text)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(free_comparator);

    g_ptr_array_add(range->alternatives, all);
    skip_space(&text);
    do {
        if (!take_comparator(&text, all))
            return false;
        skip_space(&text);
        if (*text == ',') {
            text++;
            skip_space(&text);
            if (*text == '\0')
                return false;
        }
    } while (*text != '\0');
    return true;
}

HrVersionRange *
hr_version_range_parse(const char *text, GError **error)
{
    g_autoptr(HrVersionRange) range = g_new0(HrVersionRange, 1);
    g_auto(GStrv) parts = g_strsplit(text, "||", -1);

    range->alternatives = g_ptr_array_new_with_free_func(free_alternative);
    if (*parts == NULL) {
        hr_error_set(error, HR_CONFIG, "an empty range holds nothing");
        return NULL;
    }
    for (char **part = parts; *part != NULL; part++)
        if (!take_alternative(range, *part)) {
            hr_error_set(error, HR_CONFIG,
                         "'%s' is no range of versions: write \">=1.2, <2\", "
                         "\"^1.4\", \"~1.2\", \"1.x\" or \"1.2 - 1.4\"",
                         *part);
            return NULL;
        }
    return g_steal_pointer(&range);
}

void
hr_version_range_free(HrVersionRange *range)
{
    if (range == NULL)
        return;
    g_ptr_array_unref(range->alternatives);
    g_free(range);
}

static bool
is_other(const Comparator *comparator, const HrVersion *version)
{
    const HrVersion *own = &comparator->version;

    if (!comparator->holes)
        return hr_version_compare(version, own) != 0;
    if (own->number[0] != version->number[0])
        return true;
    if (comparator->any_minor)
        return false;
    if (own->number[1] != version->number[1])
        return true;
    if (comparator->any_patch && *version->prerelease == '\0' &&
        *own->prerelease == '\0')
        return false;
    if (comparator->any_patch)
        return compare_prereleases(version->prerelease, own->prerelease) != 0;
    return hr_version_compare(version, own) != 0;
}

static bool
is_above(const Comparator *comparator, const HrVersion *version)
{
    const HrVersion *own = &comparator->version;

    if (!comparator->holes)
        return hr_version_compare(version, own) > 0;
    if (own->number[0] != version->number[0])
        return version->number[0] > own->number[0];
    if (comparator->any_minor)
        return false;
    if (comparator->any_patch)
        return version->number[1] > own->number[1];
    return hr_version_compare(version, own) > 0;
}

static bool
is_at_most(const Comparator *comparator, const HrVersion *version)
{
    const HrVersion *own = &comparator->version;

    if (!comparator->holes)
        return hr_version_compare(version, own) <= 0;
    if (version->number[0] != own->number[0])
        return version->number[0] < own->number[0];
    return comparator->any_minor || version->number[1] <= own->number[1];
}

/* From there on, within the minor. */
static bool
is_near(const Comparator *comparator, const HrVersion *version)
{
    const HrVersion *own = &comparator->version;
    bool zero = own->number[0] == 0 && own->number[1] == 0 &&
                own->number[2] == 0 && *own->prerelease == '\0';

    if (hr_version_compare(version, own) < 0)
        return false;
    /* "*" is everything. */
    if (zero && !comparator->any_minor && !comparator->any_patch)
        return true;
    return version->number[0] == own->number[0] &&
           (comparator->any_minor || version->number[1] == own->number[1]);
}

/* From there on, as long as the first number that is not 0 stays. */
static bool
is_compatible(const Comparator *comparator, const HrVersion *version)
{
    const HrVersion *own = &comparator->version;

    if (hr_version_compare(version, own) < 0)
        return false;
    if (own->number[0] > 0 || comparator->any_minor)
        return version->number[0] == own->number[0];
    if (version->number[0] > 0)
        return false;
    if (own->number[1] > 0 || comparator->any_patch)
        return version->number[1] == own->number[1];
    return version->number[1] == 0 && version->number[2] == own->number[2];
}

static bool
holds(const Comparator *comparator, const HrVersion *version, bool prereleases)
{
    const HrVersion *own = &comparator->version;

    if (*version->prerelease != '\0' && !prereleases)
        return false;
    switch (comparator->operator) {
    case IS:
        return comparator->holes ? is_near(comparator, version)
                                 : hr_version_compare(version, own) == 0;
    case IS_NOT:
        return is_other(comparator, version);
    case ABOVE:
        return is_above(comparator, version);
    case BELOW:
        return hr_version_compare(version, own) < 0;
    case AT_LEAST:
        return hr_version_compare(version, own) >= 0;
    case AT_MOST:
        return is_at_most(comparator, version);
    case TILDE:
        return is_near(comparator, version);
    default:
        return is_compatible(comparator, version);
    }
}

static bool
names_prerelease(const GPtrArray *all)
{
    for (guint i = 0; i < all->len; i++) {
        const Comparator *comparator = all->pdata[i];

        if (*comparator->version.prerelease != '\0')
            return true;
    }
    return false;
}

bool
hr_version_range_holds(const HrVersionRange *range, const HrVersion *version,
                       bool prereleases)
{
    for (guint i = 0; i < range->alternatives->len; i++) {
        const GPtrArray *all = range->alternatives->pdata[i];
        bool named = prereleases || names_prerelease(all);
        bool every = true;

        for (guint j = 0; j < all->len && every; j++)
            every = holds(all->pdata[j], version, named);
        if (every)
            return true;
    }
    return false;
}
