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
expect(const HrSelect *select, const char *const *wanted)
{
    g_autoptr(GPtrArray) tags = make_tags(all);
    g_autoptr(HrSelection) selection = hr_selection_new(select, tags);

    for (guint i = 0; i < selection->count; i++) {
        const HrCandidate *candidate = &selection->candidates[i];

        g_assert_cmpstr(candidate->tag, ==, all[i]);
        if (candidate->out != HR_TAG_RULE_NONE)
            continue;
        g_assert_cmpstr(candidate->tag, ==, *wanted);
        wanted++;
    }
    g_assert_null(*wanted);
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
    g_autoptr(HrSelection) selection = NULL;
    const GPtrArray *list;

    select.semver = hr_version_range_parse("1.x", NULL);
    select.semver_text = g_strdup("1.x");
    selection = hr_selection_new(&select, tags);
    hr_selection_explain(selection, "app", explanation);
    hr_explanation_note(explanation, "app", "1.9.0", "and more");
    list = hr_explanation_list(explanation);
    g_assert_cmpuint(list->len, ==, G_N_ELEMENTS(all) - 1);
    for (guint i = 0; i < list->len; i++) {
        const HrExplained *one = list->pdata[i];

        g_assert_cmpint(one->in, ==, strcmp(one->key, "app:1.10.0") == 0);
        if (strcmp(one->key, "app:1.9.0") == 0)
            g_assert_cmpstr(one->rule, ==,
                            "latest 1: it is number 2; and more");
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

static void
test_find(void)
{
    static const char *const sorted[] = {"1.0", "1.1", "2.0", "latest", NULL};
    HrSelect select = {.latest = 2};
    g_autoptr(GPtrArray) tags = make_tags(sorted);
    g_autoptr(HrSelection) selection = hr_selection_new(&select, tags);

    for (guint i = 0; sorted[i] != NULL; i++)
        g_assert_true(hr_selection_find(selection, sorted[i]) ==
                      &selection->candidates[i]);
    g_assert_null(hr_selection_find(selection, "1.2"));
    g_assert_null(hr_selection_find(selection, ""));
    g_assert_cmpint(hr_selection_find(selection, "1.0")->out, ==,
                    HR_TAG_RULE_LATEST);
    g_assert_cmpint(hr_selection_find(selection, "2.0")->out, ==,
                    HR_TAG_RULE_NONE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selection/rules-in-their-order", test_rules);
    g_test_add_func("/selection/says-why", test_reasons);
    g_test_add_func("/selection/finds-a-tag-again", test_find);
    return g_test_run();
}
