/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans: kept, read again, and refused when they were changed. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "model/item.h"
#include "sync/plan.h"

#define DIGEST_A                                                              \
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B                                                              \
    "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TYPE "application/vnd.oci.image.manifest.v1+json"

static void
add(HrPlan *plan, const char *key, HrAction action)
{
    HrChange *change = g_new0(HrChange, 1);

    change->kind = HR_KIND_TAG;
    change->key = g_strdup(key);
    change->action = action;
    change->reason = g_strdup("not on the target");
    change->source = hr_tag_document(DIGEST_A, TYPE, 123);
    if (action != HR_ACTION_CREATE)
        change->target = hr_tag_document(DIGEST_B, TYPE, 45);
    hr_plan_add(plan, change);
}

static HrPlan *
make_plan(bool reversed)
{
    HrPlan *plan = hr_plan_new("s", "one", "other");
    g_autoptr(GError) error = NULL;

    add(plan, reversed ? "b:2" : "a:1",
        reversed ? HR_ACTION_UPDATE : HR_ACTION_CREATE);
    add(plan, reversed ? "a:1" : "b:2",
        reversed ? HR_ACTION_CREATE : HR_ACTION_UPDATE);
    hr_error_set(&error, HR_OVERLOAD, "HTTP 503");
    hr_plan_add_problem(plan, "c:3", error);
    plan->checked = 7;
    plan->unchanged = 5;
    hr_plan_seal(plan);
    return plan;
}

static char *
text_of(const HrPlan *plan)
{
    g_autoptr(HrJson) json = hr_plan_to_json(plan);

    return hr_json_pretty(json);
}

static HrPlan *
read_text(const char *text, GError **error)
{
    g_autoptr(HrJson) json = hr_json_parse(text, strlen(text), error);

    return json != NULL ? hr_plan_from_json(json, error) : NULL;
}

static void
test_order(void)
{
    g_autoptr(HrPlan) one = make_plan(false);
    g_autoptr(HrPlan) other = make_plan(true);
    g_autofree char *one_text = text_of(one);
    g_autofree char *other_text = text_of(other);

    g_assert_cmpstr(one->hash, ==, other->hash);
    g_assert_cmpstr(one_text, ==, other_text);
}

static void
add_document(HrPlan *plan, const char *kind, const char *key,
             const char *source, const char *target)
{
    HrChange *change = g_new0(HrChange, 1);

    change->kind = g_intern_string(kind);
    change->key = g_strdup(key);
    change->action = source == NULL   ? HR_ACTION_EXTRA
                     : target == NULL ? HR_ACTION_CREATE
                                      : HR_ACTION_UPDATE;
    change->reason = g_strdup("a reason");
    change->source = g_strdup(source);
    change->target = g_strdup(target);
    change->secrets = strcmp(kind, "webhook") == 0;
    if (strcmp(kind, "member") == 0) {
        change->widens = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(change->widens, g_strdup("role developer"));
    }
    hr_plan_add(plan, change);
}

static HrPlan *
make_document_plan(void)
{
    HrPlan *plan = make_plan(false);
    g_autoptr(GError) error = NULL;

    add_document(plan, "schedule", "gc", "{}", NULL);
    add_document(plan, "quota", "low", "{\"storage\":1}", "{\"storage\":2}");
    add_document(plan, "quota", "high", "{\"storage\":2}", "{\"storage\":1}");
    add_document(plan, "webhook", "p/w", "{}", NULL);
    add_document(plan, "weather", "sun", "{}", NULL);
    add_document(plan, "robot", "old", NULL, "{\"duration\":1}");
    add_document(plan, "member", "p/user/jo", "{\"role\":\"developer\"}",
                 "{\"role\":\"guest\"}");
    add_document(plan, "project", "p", "{}", NULL);
    hr_error_set(&error, HR_AUTH_DENIED, "may not");
    hr_plan_add_document_problem(plan, "label", "", error);
    hr_plan_add_remark(plan, "robot", "ci", "cannot be held: /x: no");
    strcpy(plan->logins.target, "sha256:who");
    hr_plan_seal(plan);
    return plan;
}

static void
test_order_of_writing(void)
{
    static const char *const expected[] = {
        "project p",  "quota high",  "member p/user/jo",
        "robot old",  "webhook p/w", "weather sun",
        "a:1",        "b:2",         "quota low",
        "schedule gc"};
    g_autoptr(HrPlan) plan = make_document_plan();

    g_assert_cmpuint(plan->changes->len, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];
        g_autofree char *name = hr_plan_item_name(change->kind, change->key);

        g_assert_cmpstr(name, ==, expected[i]);
    }
}

static void
test_documents_come_back(void)
{
    g_autoptr(HrPlan) plan = make_document_plan();
    g_autofree char *text = text_of(plan);
    g_autoptr(GError) error = NULL;
    g_autoptr(HrPlan) again = read_text(text, &error);
    g_autofree char *other = NULL;
    const HrChange *change;

    g_assert_no_error(error);
    other = text_of(again);
    g_assert_cmpstr(text, ==, other);
    change = again->changes->pdata[2];
    g_assert_cmpstr(change->widens->pdata[0], ==, "role developer");
    g_assert_false(change->secrets);
    g_assert_true(((HrChange *)again->changes->pdata[4])->secrets);
    change = again->changes->pdata[3];
    g_assert_cmpint(change->action, ==, HR_ACTION_EXTRA);
    g_assert_null(change->source);
    g_assert_cmpstr(((HrProblem *)again->problems->pdata[1])->kind, ==,
                    "label");
    g_assert_cmpstr(((HrRemark *)again->remarks->pdata[0])->message, ==,
                    "cannot be held: /x: no");
    g_assert_cmpstr(again->logins.target, ==, "sha256:who");
    g_assert_cmpstr(again->logins.source, ==, "");
}

/* Any word of it, and what is said of rights, too. */
static void
test_documents_edited(void)
{
    static const char *const words[][2] = {
        {"\"role developer\"", "\"role guest\""},
        {"cannot be held", "can be held"},
        {"\"secrets\": true", "\"secrets\": false"},
        {"p/user/jo", "p/user/me"},
        {"sha256:who", "sha256:whoever"},
        {"\"weather\"", "\"rain\""}};
    g_autoptr(HrPlan) plan = make_document_plan();
    g_autofree char *text = text_of(plan);

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        g_auto(GStrv) parts = g_strsplit(text, words[i][0], -1);
        g_autofree char *edited = g_strjoinv(words[i][1], parts);
        g_autoptr(GError) error = NULL;

        g_assert_cmpstr(edited, !=, text);
        g_assert_null(read_text(edited, &error));
        g_assert_nonnull(strstr(error->message, "changed after"));
    }
}

/* Whoever writes a plan by hand can write its hash, too. */
static void
test_twice(void)
{
    static const char *const kinds[] = {"member", "quota", HR_KIND_TAG};
    static const char *const keys[] = {"p/user/jo", "p", "a:1"};

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(HrPlan) plan = hr_plan_new("s", "one", "other");
        g_autoptr(GError) error = NULL;
        g_autofree char *source = hr_tag_document(DIGEST_A, TYPE, 1);
        g_autofree char *target = hr_tag_document(DIGEST_B, TYPE, 1);
        g_autofree char *text = NULL;

        add_document(plan, kinds[i], keys[i], source, NULL);
        add_document(plan, kinds[i], keys[i], source, target);
        hr_plan_seal(plan);
        text = text_of(plan);
        g_assert_null(read_text(text, &error));
        g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
        g_assert_nonnull(strstr(error->message, "two changes of"));
    }
}

static void
test_actions(void)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(HrPlan) plan = hr_plan_new("s", "one", "other");
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;
        HrChange *change;

        add_document(plan, "project", "p", "{}", i == 0 ? NULL : "{}");
        change = plan->changes->pdata[0];
        change->action = i == 0 ? HR_ACTION_UPDATE : HR_ACTION_CREATE;
        hr_plan_seal(plan);
        text = text_of(plan);
        g_assert_null(read_text(text, &error));
        g_assert_nonnull(strstr(error->message, "creates what is there"));
    }
}

/* A thing has one key, and not two that read alike. */
static void
test_keys(void)
{
    static const char *const bad[] = {
        "",
        "a",
        "a:",
        ":1",
        "A:1",
        "a:1:2",
        "a@1",
        "a:1@" DIGEST_A,
        "a@b",
        "a@" DIGEST_A "0",
        "a:" DIGEST_A,
    };
    static const char *const good[] = {"a:1", "a/b:latest", "a@" DIGEST_A};

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *repository = NULL;
        g_autofree char *reference = NULL;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", bad[i]);
        g_assert_false(
            hr_tag_key_parse(bad[i], &repository, &reference, &error));
        g_assert_error(error, HR_ERROR, HR_INVALID);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *repository = NULL;
        g_autofree char *reference = NULL;
        g_autofree char *again = NULL;

        g_assert_true(
            hr_tag_key_parse(good[i], &repository, &reference, NULL));
        again = hr_tag_key(repository, reference);
        g_assert_cmpstr(again, ==, good[i]);
    }
}

static void
test_round_trip(void)
{
    g_autoptr(HrPlan) plan = make_plan(false);
    g_autofree char *text = text_of(plan);
    g_autoptr(GError) error = NULL;
    g_autoptr(HrPlan) again = read_text(text, &error);
    g_autofree char *again_text = NULL;

    g_assert_no_error(error);
    again_text = text_of(again);
    g_assert_cmpstr(text, ==, again_text);
    g_assert_cmpuint(hr_plan_count(again, HR_ACTION_CREATE), ==, 1);
    g_assert_cmpuint(hr_plan_count(again, HR_ACTION_UPDATE), ==, 1);
    g_assert_true(hr_plan_has_work(again));
}

/* Every single character of the text changed by one: none may pass as the
 * same plan with another meaning. */
static void
test_tampering(void)
{
    g_autoptr(HrPlan) plan = make_plan(false);
    g_autofree char *text = text_of(plan);
    unsigned refused = 0;

    for (size_t i = 0; text[i] != '\0'; i++) {
        g_autofree char *changed = g_strdup(text);
        g_autoptr(HrPlan) again = NULL;
        g_autofree char *again_text = NULL;

        changed[i] ^= 1;
        again = read_text(changed, NULL);
        if (again == NULL) {
            refused++;
            continue;
        }
        again_text = text_of(again);
        g_assert_cmpstr(again_text, ==, text);
    }
    g_assert_cmpuint(refused, >, strlen(text) / 2);
}

static void
test_refusals(void)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"sync\":\"s\",\"source\":\"a\",\"target\":\"b\",\"hash\":\"\","
        "\"changes\":[]}",
        "{\"version\":99,\"sync\":\"s\",\"source\":\"a\",\"target\":\"b\","
        "\"hash\":\"\",\"checked\":0,\"unchanged\":0,\"immutable\":0,"
        "\"vanished\":0,"
        "\"changes\":[]}",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(HrPlan) plan = read_text(texts[i], &error);

        g_assert_null(plan);
        g_assert_error(error, HR_ERROR, HR_INVALID);
    }
}

/* A right hash is no proof of sense: anybody can compute it. */
static void
test_nonsense(void)
{
    for (unsigned i = 0; i < 5; i++) {
        g_autoptr(HrPlan) plan = make_plan(false);
        HrChange *change = plan->changes->pdata[0];
        g_autofree char *text = NULL;
        g_autoptr(HrPlan) again = NULL;
        g_autoptr(GError) error = NULL;

        if (i == 0)
            plan->checked = (uint64_t)INT64_MAX + 1;
        else if (i == 1)
            plan->unchanged = UINT64_MAX;
        else if (i == 2)
            plan->immutable = UINT64_MAX;
        else if (i == 3)
            plan->vanished = UINT64_MAX - 1;
        else
            g_clear_pointer(&change->reason, g_free);
        hr_plan_seal(plan);
        text = text_of(plan);
        again = read_text(text, &error);
        g_assert_null(again);
        g_assert_error(error, HR_ERROR, HR_INVALID);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/does-not-depend-on-the-order-of-its-making",
                    test_order);
    g_test_add_func("/plan/keys-have-one-spelling", test_keys);
    g_test_add_func("/plan/reads-back-as-it-was-written", test_round_trip);
    g_test_add_func("/plan/refuses-what-was-changed", test_tampering);
    g_test_add_func("/plan/refuses-what-is-no-plan", test_refusals);
    g_test_add_func("/plan/refuses-negative-counts-and-missing-reasons",
                    test_nonsense);
    g_test_add_func("/plan/documents-are-in-the-order-of-writing",
                    test_order_of_writing);
    g_test_add_func("/plan/documents-come-back-as-they-were",
                    test_documents_come_back);
    g_test_add_func("/plan/one-item-has-one-change", test_twice);
    g_test_add_func("/plan/what-is-created-is-not-there", test_actions);
    g_test_add_func("/plan/documents-that-were-edited-are-refused",
                    test_documents_edited);
    return g_test_run();
}
