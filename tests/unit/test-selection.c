/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which tags a sync wants, and why. */
#include "sync/selection.h"

#include <string.h>

#include "config/loader.h"
#include "model/semver.h"

static GPtrArray *
make_tags(const char *const *names)
{
    GPtrArray *tags = g_ptr_array_new_with_free_func(g_free);

    for (; *names != NULL; names++)
        g_ptr_array_add(tags, g_strdup(*names));
    return tags;
}

static const char *const all[] = {"1.0.0",  "1.10.0", "1.9.0", "2.0.0-rc.1",
                                  "2.0.0",  "latest", "v1.2",  "d2024-01-02",
                                  "stable", NULL};

static void
expect(HrSelect *select, const char *const *wanted)
{
    g_autoptr(GPtrArray) tags = make_tags(all);
    guint count = 0;

    hr_selection_keep_tags(select, "app", tags, NULL);
    for (; wanted[count] != NULL; count++) {
        g_assert_cmpuint(count, <, tags->len);
        g_assert_cmpstr(tags->pdata[count], ==, wanted[count]);
    }
    g_assert_cmpuint(tags->len, ==, count);
}

static void
test_rules(void)
{
    static const char *const in_range[] = {"1.10.0", "1.9.0", "v1.2", NULL};
    static const char *const with_rc[] = {"2.0.0-rc.1", "2.0.0", NULL};
    static const char *const newest[] = {"1.10.0", "2.0.0-rc.1", "2.0.0",
                                         NULL};
    static const char *const last[] = {"latest", "v1.2", "stable", NULL};
    HrSelect select = {0};

    select.semver = hr_version_range_parse(">=1.2, <2", NULL);
    expect(&select, in_range);
    hr_version_range_free(select.semver);
    select.semver = hr_version_range_parse(">1.10", NULL);
    select.prereleases = true;
    expect(&select, with_rc);
    g_clear_pointer(&select.semver, hr_version_range_free);
    select.semver = hr_version_range_parse("*", NULL);
    select.latest = 3;
    expect(&select, newest);
    g_clear_pointer(&select.semver, hr_version_range_free);
    select.order = HR_TAG_ORDER_ALPHABETICAL;
    expect(&select, last);
    hr_select_clear(&select);
}

static void
test_reasons(void)
{
    HrSelect select = {.latest = 1};
    g_autoptr(HrExplanation) explanation = hr_explanation_new();
    g_autoptr(GPtrArray) tags = make_tags(all);
    const GPtrArray *list;

    select.semver = hr_version_range_parse("1.x", NULL);
    select.semver_text = g_strdup("1.x");
    hr_selection_keep_tags(&select, "app", tags, explanation);
    list = hr_explanation_list(explanation);
    g_assert_cmpuint(list->len, ==, G_N_ELEMENTS(all) - 1);
    for (guint i = 0; i < list->len; i++) {
        const HrExplained *one = list->pdata[i];

        g_assert_cmpint(one->in, ==, strcmp(one->key, "app:1.10.0") == 0);
        if (strcmp(one->key, "app:1.9.0") == 0)
            g_assert_cmpstr(one->rule, ==, "latest 1: it is number 2");
        if (strcmp(one->key, "app:2.0.0") == 0)
            g_assert_cmpstr(one->rule, ==, "semver 1.x");
        if (strcmp(one->key, "app:latest") == 0)
            g_assert_cmpstr(one->rule, ==, "semver 1.x: it is no version");
    }
    g_assert_true(hr_selection_admits_tag(&select, "1.0.0"));
    g_assert_false(hr_selection_admits_tag(&select, "2.0.0"));
    g_assert_true(hr_selection_admits_tag(NULL, "2.0.0"));
    hr_select_clear(&select);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selection/rules-in-their-order", test_rules);
    g_test_add_func("/selection/says-why", test_reasons);
    return g_test_run();
}
