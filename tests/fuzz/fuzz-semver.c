/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Versions and ranges.  The first two lines are ranges, the rest versions:
 * they must be in one order, and "A || B" must hold what A or B holds.
 */
#include "fuzz.h"

#include <inttypes.h>

#include "base/error.h"
#include "model/semver.h"

#define VERSION_LIMIT 6

const char fuzz_noun[] = "semver";

static HrVersionRange *
parse_range(const char *text)
{
    g_autoptr(GError) error = NULL;
    HrVersionRange *range = hr_version_range_parse(text, &error);

    fuzz_check_error(range == NULL, error);
    if (range == NULL)
        g_assert_cmpint(hr_error_status(error), ==, HR_CONFIG);
    return range;
}

static void
check_version(const HrVersion *version)
{
    g_autofree char *own = g_strdup_printf(
        "%" PRIu64 ".%" PRIu64 ".%" PRIu64 "%s%s", version->number[0],
        version->number[1], version->number[2],
        *version->prerelease != '\0' ? "-" : "", version->prerelease);
    HrVersion again;

    g_assert_true(hr_version_parse(&again, own));
    g_assert_cmpint(hr_version_compare(version, &again), ==, 0);
    g_assert_cmpstr(again.prerelease, ==, version->prerelease);
    hr_version_clear(&again);
}

static int
sign(int number)
{
    return (number > 0) - (number < 0);
}

static void
check_order(const HrVersion *versions, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < count; j++) {
            int order = sign(hr_version_compare(&versions[i], &versions[j]));

            g_assert_cmpint(
                sign(hr_version_compare(&versions[j], &versions[i])), ==,
                -order);
            for (unsigned k = 0; k < count && order <= 0; k++)
                if (hr_version_compare(&versions[j], &versions[k]) <= 0)
                    g_assert_cmpint(
                        hr_version_compare(&versions[i], &versions[k]), <=, 0);
        }
}

/* Those two, and the one that has them as alternatives. */
static void
check_ranges(char **lines, const HrVersion *versions, unsigned count)
{
    g_autoptr(HrVersionRange) one = parse_range(lines[0]);
    g_autoptr(HrVersionRange) other = parse_range(lines[1]);
    g_autofree char *text = g_strconcat(lines[0], "||", lines[1], NULL);
    g_autoptr(HrVersionRange) either = parse_range(text);

    if (one == NULL || other == NULL)
        return;
    g_assert_nonnull(either);
    for (unsigned i = 0; i < count; i++)
        for (int all = 0; all < 2; all++) {
            bool first = hr_version_range_holds(one, &versions[i], all);
            bool second = hr_version_range_holds(other, &versions[i], all);

            g_assert_cmpint(hr_version_range_holds(either, &versions[i], all),
                            ==, first || second);
            /* Asking for pre-releases takes nothing away. */
            if (first)
                g_assert_true(hr_version_range_holds(one, &versions[i], true));
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(GStrv) lines = fuzz_lines(data, size, VERSION_LIMIT + 2);
    HrVersion versions[VERSION_LIMIT];
    unsigned count = 0;

    if (g_strv_length(lines) < 2)
        return 0;
    for (char **line = lines + 2; *line != NULL; line++)
        if (hr_version_parse(&versions[count], *line))
            check_version(&versions[count++]);
    check_order(versions, count);
    check_ranges(lines, versions, count);
    while (count > 0)
        hr_version_clear(&versions[--count]);
    return 0;
}
