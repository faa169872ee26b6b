/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is decided about one item. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "sync/compare.h"

typedef struct Oracle {
    uint32_t action;
    unsigned asked;
    bool fails;
} Oracle;

static bool
answer(void *data, const hr_conflict *conflict, hr_decision *decision,
       GError **error)
{
    Oracle *oracle = data;

    g_assert_cmpstr(conflict->kind, ==, "tag");
    g_assert_cmpuint(conflict->mode, ==, HR_MODE_ONE_WAY);
    oracle->asked++;
    if (oracle->fails)
        return hr_error_set(error, HR_BUG, "no answer");
    decision->action = oracle->action;
    g_strlcpy(decision->reason, "because", sizeof decision->reason);
    return true;
}

static HrAction
compare(const char *source, const char *target, Oracle *oracle)
{
    HrComparison comparison = {
        .kind = "tag", .key = "a:1", .source = source, .target = target};
    g_autofree char *reason = NULL;
    HrAction action;

    g_assert_true(
        hr_compare(&comparison, answer, oracle, &action, &reason, NULL));
    g_assert_true((reason == NULL) == (action == HR_ACTION_NONE));
    return action;
}

static void
test_without_strategy(void)
{
    Oracle oracle = {.action = HR_DECIDE_SOURCE};

    g_assert_cmpint(compare("x", NULL, &oracle), ==, HR_ACTION_CREATE);
    g_assert_cmpint(compare("x", "x", &oracle), ==, HR_ACTION_NONE);
    g_assert_cmpint(compare(NULL, "x", &oracle), ==, HR_ACTION_NONE);
    g_assert_cmpint(compare(NULL, NULL, &oracle), ==, HR_ACTION_NONE);
    g_assert_cmpuint(oracle.asked, ==, 0);
}

static void
test_difference(void)
{
    static const struct {
        uint32_t decision;
        HrAction action;
    } table[] = {
        {HR_DECIDE_SOURCE, HR_ACTION_UPDATE},
        {HR_DECIDE_TARGET, HR_ACTION_KEEP},
        {HR_DECIDE_SKIP, HR_ACTION_KEEP},
        {HR_DECIDE_FAIL, HR_ACTION_REFUSE},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        Oracle oracle = {.action = table[i].decision};

        g_assert_cmpint(compare("x", "y", &oracle), ==, table[i].action);
        g_assert_cmpuint(oracle.asked, ==, 1);
    }
}

static void
test_strategy_fails(void)
{
    HrComparison comparison = {
        .kind = "tag", .key = "a:1", .source = "x", .target = "y"};
    Oracle oracle = {.fails = true};
    g_autoptr(GError) error = NULL;
    g_autofree char *reason = NULL;
    HrAction action;

    g_assert_false(
        hr_compare(&comparison, answer, &oracle, &action, &reason, &error));
    g_assert_error(error, HR_ERROR, HR_BUG);
}

static void
test_names(void)
{
    for (int i = HR_ACTION_NONE; i <= HR_ACTION_REFUSE; i++) {
        HrAction action;

        g_assert_true(
            hr_action_from_name(hr_action_name((HrAction)i), &action));
        g_assert_cmpint(action, ==, i);
    }
    g_assert_false(hr_action_from_name("delete everything", &(HrAction){0}));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/compare/needs-no-strategy-where-sides-do-not-differ",
                    test_without_strategy);
    g_test_add_func("/compare/lets-the-strategy-settle-a-difference",
                    test_difference);
    g_test_add_func("/compare/passes-on-the-failure-of-a-strategy",
                    test_strategy_fails);
    g_test_add_func("/compare/names-every-action", test_names);
    return g_test_run();
}
