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

    g_assert_false(hr_selection_needs_ages(selection));
    hr_selection_finish(selection, 0);
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
    hr_selection_finish(selection, 0);
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

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What belongs to a digest is not counted among the newest; without such
 * rules it is a tag like others. */
static void
test_companions(void)
{
    static const char *const tags[] = {"1.0", "2.0", "sha256-" HEX,
                                       "sha256-" HEX ".sig", NULL};
    HrSelect select = {.latest = 1, .order = HR_TAG_ORDER_ALPHABETICAL};
    g_autoptr(GPtrArray) list = make_tags(tags);

    for (unsigned latest = 0; latest < 2; latest++) {
        g_autoptr(HrSelection) selection = NULL;

        select.latest = latest;
        selection = hr_selection_new(&select, list);
        hr_selection_set_aside(selection);
        hr_selection_finish(selection, 0);
        for (guint i = 0; i < selection->count; i++) {
            const HrCandidate *candidate = &selection->candidates[i];
            bool companion = i >= 2;
            g_autofree char *reason =
                hr_selection_reason(selection, candidate);

            g_assert_cmpint(candidate->out, ==,
                            latest == 0 || i == 1 ? HR_TAG_RULE_NONE
                            : companion           ? HR_TAG_RULE_COMPANION
                                                  : HR_TAG_RULE_LATEST);
            if (companion && latest > 0)
                g_assert_nonnull(strstr(reason, "belongs to a digest"));
        }
    }
}

static void
test_brings(void)
{
    g_autoptr(HrExplanation) explanation = hr_explanation_new();
    const HrExplained *one;

    hr_explanation_bring(explanation, "app", "x.sig", "belongs to app:1");
    hr_explanation_add(explanation, "app", "x.sig", false, "allow 1");
    one = hr_explanation_list(explanation)->pdata[0];
    g_assert_true(one->in);
    g_assert_cmpstr(one->rule, ==, "allow 1; belongs to app:1");
}

static void
test_find(void)
{
    static const char *const sorted[] = {"1.0", "1.1", "2.0", "latest", NULL};
    HrSelect select = {.latest = 2};
    g_autoptr(GPtrArray) tags = make_tags(sorted);
    g_autoptr(HrSelection) selection = hr_selection_new(&select, tags);

    hr_selection_finish(selection, 0);
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

#define DAY (INT64_C(86400) * G_USEC_PER_SEC)
#define NOW (20000 * DAY)

/* Tags named for their age in days; "none" does not say, "gone" vanished,
 * "sick" could not be looked at. */
static const char *const aged[] = {"1",  "10",   "2",    "200",  "40", "5",
                                   "-1", "gone", "none", "sick", NULL};

static HrSelection *
select_aged(const HrSelect *select)
{
    g_autoptr(GPtrArray) tags = make_tags(aged);
    HrSelection *selection = hr_selection_new(select, tags);

    g_assert_true(hr_selection_needs_ages(selection));
    for (guint i = 0; i < selection->count; i++) {
        HrCandidate *candidate = &selection->candidates[i];

        candidate->seen[0] = g_new0(HrTagSeen, 1);
        if (strcmp(candidate->tag, "gone") == 0)
            candidate->seen[0]->status = HR_NOT_FOUND;
        else if (strcmp(candidate->tag, "sick") == 0)
            candidate->seen[0]->status = HR_TLS;
        else if (strcmp(candidate->tag, "none") != 0)
            candidate->created_us =
                NOW - DAY * g_ascii_strtoll(candidate->tag, NULL, 10);
        if (candidate->seen[0]->status != HR_OK)
            candidate->seen[0]->message = g_strdup("a sentence");
    }
    hr_selection_finish(selection, NOW);
    return selection;
}

static void
expect_reason(const HrSelection *selection, const char *tag, HrTagRule out,
              const char *reason)
{
    for (guint i = 0; i < selection->count; i++) {
        const HrCandidate *candidate = &selection->candidates[i];
        g_autofree char *found = hr_selection_reason(selection, candidate);

        if (strcmp(candidate->tag, tag) != 0)
            continue;
        g_assert_cmpint(candidate->out, ==, out);
        g_assert_cmpstr(found, ==, reason);
        return;
    }
    g_assert_not_reached();
}

static void
test_ages(void)
{
    const HrSelect select = {.min_age_us = 2 * DAY, .max_age_us = 40 * DAY};
    g_autoptr(HrSelection) selection = select_aged(&select);

    expect_reason(selection, "1", HR_TAG_RULE_MIN_AGE,
                  "min_age 2d: created 24 h 0 min ago");
    expect_reason(selection, "-1", HR_TAG_RULE_MIN_AGE,
                  "min_age 2d: its creation time lies in the future");
    expect_reason(selection, "none", HR_TAG_RULE_MIN_AGE,
                  "min_age 2d: its creation time is not known");
    expect_reason(selection, "2", HR_TAG_RULE_NONE,
                  "min_age 2d: created 2 days ago");
    expect_reason(selection, "40", HR_TAG_RULE_NONE,
                  "min_age 2d: created 40 days ago");
    expect_reason(selection, "200", HR_TAG_RULE_MAX_AGE,
                  "max_age 40d: created 200 days ago");
    expect_reason(selection, "gone", HR_TAG_RULE_NONE,
                  "it vanished from the source after it was listed");
    expect_reason(selection, "sick", HR_TAG_RULE_UNREADABLE,
                  "its age could not be found out: a sentence");
}

static void
test_unknown_is_out_of_max_age_too(void)
{
    const HrSelect select = {.max_age_us = 40 * DAY};
    g_autoptr(HrSelection) selection = select_aged(&select);

    expect_reason(selection, "none", HR_TAG_RULE_MAX_AGE,
                  "max_age 40d: its creation time is not known");
    expect_reason(selection, "-1", HR_TAG_RULE_NONE,
                  "max_age 40d: its creation time lies in the future");
    expect_reason(selection, "1", HR_TAG_RULE_NONE,
                  "max_age 40d: created 24 h 0 min ago");
}

static void
test_taken(void)
{
    const HrSelect cool = {.min_age_us = 2 * DAY, .latest = 2};
    const HrSelect old = {.min_age_us = 2 * DAY, .max_age_us = 40 * DAY};
    const HrSelect ranked = {
        .min_age_us = 2 * DAY, .order = HR_TAG_ORDER_CREATED, .latest = 1};
    g_autoptr(GPtrArray) tags = make_tags(aged);
    g_autoptr(HrSelection) selection = hr_selection_new(&cool, tags);
    g_autoptr(HrSelection) unsparing = hr_selection_new(&old, tags);
    g_autoptr(HrSelection) ranking = hr_selection_new(&ranked, tags);

    g_assert_true(hr_selection_spares_taken(selection));
    g_assert_false(hr_selection_spares_taken(unsparing));
    g_assert_false(hr_selection_spares_taken(ranking));
    selection->candidates[0].taken = true;
    hr_selection_finish(selection, NOW);
    expect_reason(selection, "1", HR_TAG_RULE_NONE,
                  "latest 2: it is number 1");
    expect_reason(selection, "10", HR_TAG_RULE_MIN_AGE,
                  "min_age 2d: its creation time is not known");
}

static void
test_newest_created(void)
{
    const HrSelect select = {
        .min_age_us = 2 * DAY, .order = HR_TAG_ORDER_CREATED, .latest = 2};
    const HrSelect unlimited = {.order = HR_TAG_ORDER_CREATED, .latest = 7};
    g_autoptr(HrSelection) selection = select_aged(&select);
    g_autoptr(HrSelection) each = select_aged(&unlimited);

    /* Age comes before latest: 1 is not counted. */
    expect_reason(selection, "1", HR_TAG_RULE_MIN_AGE,
                  "min_age 2d: created 24 h 0 min ago");
    expect_reason(selection, "2", HR_TAG_RULE_NONE,
                  "latest 2: it is number 1, created 2 days ago");
    expect_reason(selection, "5", HR_TAG_RULE_NONE,
                  "latest 2: it is number 2, created 5 days ago");
    expect_reason(selection, "10", HR_TAG_RULE_LATEST,
                  "latest 2: it is number 3, created 10 days ago");
    expect_reason(selection, "gone", HR_TAG_RULE_NONE,
                  "it vanished from the source after it was listed");
    expect_reason(each, "200", HR_TAG_RULE_NONE,
                  "latest 7: it is number 7, created 200 days ago");
    expect_reason(each, "none", HR_TAG_RULE_LATEST,
                  "latest 7: it is number 8, its creation time is not known");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selection/rules-in-their-order", test_rules);
    g_test_add_func("/selection/says-why", test_reasons);
    g_test_add_func("/selection/finds-a-tag-again", test_find);
    g_test_add_func("/selection/what-belongs-to-a-digest-is-set-aside",
                    test_companions);
    g_test_add_func("/selection/what-is-brought-is-in-after-all", test_brings);
    g_test_add_func("/selection/leaves-out-the-young-and-the-old", test_ages);
    g_test_add_func("/selection/what-does-not-say-its-age-is-out",
                    test_unknown_is_out_of_max_age_too);
    g_test_add_func("/selection/what-was-taken-needs-no-age", test_taken);
    g_test_add_func("/selection/takes-the-newest-created",
                    test_newest_created);
    return g_test_run();
}
