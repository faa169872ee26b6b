/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Platforms.  The first line is one as people write it, the next three are
 * what an index says of one. */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "model/platform.h"

const char fuzz_noun[] = "platform";

static void
check_part(const char *part)
{
    g_assert_cmpuint(strlen(part), >, 0);
    g_assert_cmpuint(strlen(part), <=, 32);
    for (; *part != '\0'; part++)
        g_assert_true(g_ascii_islower(*part) || g_ascii_isdigit(*part) ||
                      *part == '.' || *part == '-');
}

static void
check_platform(const HrPlatform *platform)
{
    HrPlatform any = *platform;

    check_part(platform->os);
    check_part(platform->architecture);
    if (platform->variant != NULL)
        check_part(platform->variant);
    any.variant = NULL;
    g_assert_true(hr_platform_holds(&any, platform));
    if (platform->variant != NULL)
        g_assert_true(hr_platform_holds(platform, platform));
}

static HrPlatform *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    HrPlatform *platform = hr_platform_parse(text, &error);

    fuzz_check_error(platform == NULL, error);
    if (platform == NULL) {
        g_assert_cmpint(hr_error_status(error), ==, HR_CONFIG);
    } else {
        g_autofree char *own = hr_platform_text(platform);

        check_platform(platform);
        g_assert_cmpstr(own, ==, text);
    }
    return platform;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(GStrv) lines = fuzz_lines(data, size, 4);
    guint count = g_strv_length(lines);
    g_autoptr(HrPlatform) wanted = NULL;
    g_autoptr(HrPlatform) said = NULL;

    if (count == 0)
        return 0;
    wanted = parse(lines[0]);
    said = hr_platform_new(count > 1 ? lines[1] : NULL,
                           count > 2 ? lines[2] : NULL,
                           count > 3 ? lines[3] : NULL);
    if (said != NULL)
        check_platform(said);
    if (said != NULL && wanted != NULL && hr_platform_holds(wanted, said))
        g_assert_cmpstr(wanted->architecture, ==, said->architecture);
    return 0;
}
