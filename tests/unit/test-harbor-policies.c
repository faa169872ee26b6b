/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the documents of policies and settings of a Harbor: spelled out
 * ones, and every answer that a running Harbor was recorded to give. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "registry-harbor/policy-documents.h"

static json_t *
parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    g_assert_nonnull(value);
    return value;
}

/* Takes `document`. */
static void
assert_document(json_t *document, const char *expected)
{
    char *text;

    if (expected == NULL) {
        g_assert_null(document);
        return;
    }
    g_assert_nonnull(document);
    text = harbor_json_canonical(document);
    g_assert_cmpstr(text, ==, expected);
    free(text);
    json_decref(document);
}

static void
test_retention(void)
{
    json_t *policy = parse(
        "{\"algorithm\":\"or\",\"id\":7,\"rules\":["
        "{\"action\":\"retain\",\"id\":1,\"template\":\"latestPushedK\","
        "\"params\":{\"latestPushedK\":10},"
        "\"tag_selectors\":[{\"kind\":\"doublestar\",\"decoration\":"
        "\"matches\",\"pattern\":\"**\","
        "\"extras\":\"{\\\"untagged\\\":true}\"}],"
        "\"scope_selectors\":{\"repository\":[{\"kind\":\"doublestar\","
        "\"decoration\":\"repoMatches\",\"pattern\":\"**\"}]}},"
        "{\"action\":\"retain\",\"template\":\"always\",\"disabled\":true}],"
        "\"scope\":{\"level\":\"project\",\"ref\":2},\"trigger\":{\"kind\":"
        "\"Schedule\",\"references\":{},\"settings\":{\"cron\":"
        "\"0 0 0 * * *\",\"next_scheduled_time\":\"2026\"}}}");

    assert_document(
        harbor_retention_document(policy),
        "{\"cron\":\"0 0 0 * * *\",\"rules\":["
        "{\"disabled\":true,\"template\":\"always\"},"
        "{\"params\":{\"latestPushedK\":10},\"scope_selectors\":"
        "{\"repository\":[{\"decoration\":\"repoMatches\",\"pattern\":"
        "\"**\"}]},\"tag_selectors\":[{\"decoration\":\"matches\","
        "\"extras\":{\"untagged\":true},\"pattern\":\"**\"}],"
        "\"template\":\"latestPushedK\"}]}");
    json_decref(policy);
}

static void
test_retention_of_nothing_is_none(void)
{
    json_t *policy = parse("{\"algorithm\":\"or\",\"id\":1,\"rules\":[],"
                           "\"trigger\":{\"settings\":{\"cron\":\"\"}}}");

    assert_document(harbor_retention_document(policy), NULL);
    json_decref(policy);
}

static void
test_immutable_is_named_by_what_it_covers(void)
{
    json_t *rule = parse(
        "{\"id\":3,\"action\":\"immutable\",\"disabled\":true,"
        "\"tag_selectors\":[{\"kind\":\"doublestar\",\"decoration\":"
        "\"matches\",\"pattern\":\"v*\"}],\"scope_selectors\":{\"repository\":"
        "[{\"kind\":\"doublestar\",\"decoration\":\"repoMatches\","
        "\"pattern\":\"**\"}]}}");
    json_t *document = harbor_immutable_document(rule);
    char *selectors = harbor_immutable_selectors(document);

    g_assert_cmpstr(selectors, ==, "repoMatches:** matches:v*");
    assert_document(
        document, "{\"disabled\":true,\"scope_selectors\":{\"repository\":["
                  "{\"decoration\":\"repoMatches\",\"pattern\":\"**\"}]},"
                  "\"tag_selectors\":[{\"decoration\":\"matches\",\"pattern\":"
                  "\"v*\"}]}");
    free(selectors);
    json_decref(rule);
}

static void
test_webhook_keeps_its_secret_beside(void)
{
    json_t *policy = parse(
        "{\"name\":\"hook\",\"enabled\":true,\"id\":1,\"event_types\":"
        "[\"PUSH_ARTIFACT\",\"DELETE_ARTIFACT\"],\"targets\":["
        "{\"type\":\"slack\",\"address\":\"https://s.example\"},"
        "{\"type\":\"http\",\"address\":\"http://h.example\",\"auth_header\":"
        "\"Bearer x\",\"payload_format\":\"Default\"}]}");
    json_t *secrets = NULL;
    json_t *document = harbor_webhook_document(policy, &secrets);
    json_t *body;

    g_assert_cmpstr(harbor_json_text(secrets, "/targets/0/auth_header", ""),
                    ==, "Bearer x");
    g_assert_cmpuint(json_object_size(secrets), ==, 1);
    body = harbor_webhook_body("hook", document, NULL, policy);
    g_assert_cmpstr(
        harbor_json_text(json_array_get(json_object_get(body, "targets"), 0),
                         "auth_header", ""),
        ==, "Bearer x");
    assert_document(
        document,
        "{\"event_types\":[\"DELETE_ARTIFACT\",\"PUSH_ARTIFACT\"],"
        "\"targets\":[{\"address\":\"http://h.example\",\"auth_header\":true,"
        "\"type\":\"http\"},{\"address\":\"https://s.example\",\"type\":"
        "\"slack\"}]}");
    json_decref(body);
    json_decref(secrets);
    json_decref(policy);
}

static void
test_registry_update_sends_what_differs(void)
{
    json_t *wanted =
        parse("{\"url\":\"https://a\",\"insecure\":true,\"credential\":"
              "{\"type\":\"basic\",\"access_key\":\"u\"}}");
    json_t *found =
        parse("{\"url\":\"https://a\",\"description\":\"old\",\"credential\":"
              "{\"type\":\"basic\",\"access_key\":\"u\"}}");

    assert_document(harbor_registry_update(wanted, found, NULL),
                    "{\"description\":\"\",\"insecure\":true}");
    json_decref(found);
    json_decref(wanted);
}

static void
test_registry_shows_no_stars(void)
{
    json_t *registry = parse(
        "{\"name\":\"b\",\"id\":1,\"status\":\"healthy\",\"type\":\"harbor\","
        "\"url\":\"http://b\",\"insecure\":false,\"credential\":{\"type\":"
        "\"basic\",\"access_key\":\"admin\",\"access_secret\":\"*****\"}}");

    assert_document(harbor_registry_document(registry),
                    "{\"credential\":{\"access_key\":\"admin\",\"type\":"
                    "\"basic\"},\"type\":\"harbor\",\"url\":\"http://b\"}");
    json_decref(registry);
}

static void
test_settings_are_chosen_by_name(void)
{
    g_assert_true(harbor_configuration_wants("default", "token_expiration"));
    g_assert_false(harbor_configuration_wants("default", "auth_mode"));
    g_assert_false(harbor_configuration_wants("default", "oidc_endpoint"));
    g_assert_true(
        harbor_configuration_wants("default, oidc_endpoint", "oidc_endpoint"));
    g_assert_false(
        harbor_configuration_wants("oidc_endpoint", "token_expiration"));
    g_assert_false(harbor_configuration_wants("oidc_end", "oidc_endpoint"));
    g_assert_false(
        harbor_configuration_wants("robot_name_prefix", "robot_name_prefix"));
}

static void
test_schedule_that_would_run_now_is_none(void)
{
    json_t *manual = parse("{\"schedule\":{\"type\":\"Manual\"}}");
    json_t *daily =
        parse("{\"id\":1,\"job_parameters\":\"{\\\"delete_untagged\\\":true,"
              "\\\"workers\\\":0}\",\"schedule\":{\"cron\":\"0 0 0 * * *\","
              "\"next_scheduled_time\":\"x\",\"type\":\"Daily\"}}");

    assert_document(harbor_schedule_document(manual), NULL);
    assert_document(harbor_schedule_document(daily),
                    "{\"cron\":\"0 0 0 * * *\",\"parameters\":"
                    "{\"delete_untagged\":true},\"type\":\"Daily\"}");
    json_decref(daily);
    json_decref(manual);
}

static void
test_preheat_policy_spells_its_texts_out(void)
{
    json_t *policy = parse(
        "{\"id\":1,\"name\":\"p\",\"provider_id\":4,\"provider_name\":\"df\","
        "\"enabled\":true,\"filters\":\"[{\\\"type\\\":\\\"tag\\\","
        "\\\"value\\\":\\\"v*\\\"}]\",\"trigger\":\"{\\\"type\\\":"
        "\\\"manual\\\",\\\"trigger_setting\\\":{\\\"cron\\\":\\\"\\\"}}\"}");

    assert_document(harbor_preheat_policy_document(policy),
                    "{\"filters\":[{\"type\":\"tag\",\"value\":\"v*\"}],"
                    "\"provider\":\"df\"}");
    json_decref(policy);
}

/* ------------------------------------------------------------ recordings */

/* What Harbor would show of a document after it was stored, as a document:
 * bodies have the members of answers. */
typedef json_t *(*Again)(const json_t *answer, json_t *document,
                         json_t **secrets);

static json_t *
retention_again(const json_t *answer, json_t *document, json_t **secrets)
{
    json_t *body = harbor_retention_body(document, 2);
    json_t *again = harbor_retention_document(body);

    (void)answer;
    (void)secrets;
    json_decref(body);
    return again;
}

static json_t *
immutable_again(const json_t *answer, json_t *document, json_t **secrets)
{
    json_t *body = harbor_immutable_body(document);
    json_t *again = harbor_immutable_document(body);

    (void)answer;
    (void)secrets;
    json_decref(body);
    return again;
}

static json_t *
webhook_again(const json_t *answer, json_t *document, json_t **secrets)
{
    json_t *body = harbor_webhook_body("n", document, *secrets, NULL);
    json_t *others = NULL;
    json_t *again = harbor_webhook_document(body, &others);

    (void)answer;
    g_assert_true(*secrets == NULL ? others == NULL
                                   : json_equal(*secrets, others));
    json_decref(others);
    json_decref(body);
    return again;
}

static json_t *
registry_again(const json_t *answer, json_t *document, json_t **secrets)
{
    json_t *body = harbor_registry_body("n", document, NULL);
    json_t *again = harbor_registry_document(body);

    (void)answer;
    (void)secrets;
    json_decref(body);
    return again;
}

static json_t *
scanner_again(const json_t *answer, json_t *document, json_t **secrets)
{
    json_t *body = harbor_scanner_body("n", document, *secrets);
    json_t *none = NULL;
    json_t *again = harbor_scanner_document(body, &none);

    /* It is set by a request of its own. */
    if (harbor_json_flag(answer, "is_default", false))
        json_object_set_new(again, "default", json_true());
    json_decref(none);
    json_decref(body);
    return again;
}

static json_t *
instance_again(const json_t *answer, json_t *document, json_t **secrets)
{
    json_t *body = harbor_preheat_instance_body("n", document, *secrets, 1);
    json_t *others = NULL;
    json_t *again = harbor_preheat_instance_document(body, &others);

    (void)answer;
    g_assert_true(json_equal(*secrets, others));
    json_decref(others);
    json_decref(body);
    return again;
}

static json_t *
retention_document(const json_t *answer, json_t **secrets)
{
    (void)secrets;
    return harbor_retention_document(answer);
}

static json_t *
immutable_document(const json_t *answer, json_t **secrets)
{
    (void)secrets;
    return harbor_immutable_document(answer);
}

static json_t *
registry_document(const json_t *answer, json_t **secrets)
{
    (void)secrets;
    return harbor_registry_document(answer);
}

typedef struct Recorded {
    const char *scenario;
    const char *path; /* that its GET has in it */
    json_t *(*document)(const json_t *answer, json_t **secrets);
    Again again;
} Recorded;

static const Recorded recorded[] = {
    {"retention", "/retentions/", retention_document, retention_again},
    {"immutable-rules", "/immutabletagrules", immutable_document,
     immutable_again},
    {"webhooks", "/webhook/policies", harbor_webhook_document, webhook_again},
    {"registries", "/registries", registry_document, registry_again},
    {"scanners", "/scanners", harbor_scanner_document, scanner_again},
    {"preheat", "/preheat/instances", harbor_preheat_instance_document,
     instance_again},
};

/* Returns 1 if there was something to compare. */
static unsigned
check_answer(const Recorded *kind, const json_t *answer)
{
    json_t *secrets = NULL;
    json_t *document = kind->document(answer, &secrets);
    json_t *again;
    unsigned compared = 0;

    if (document != NULL) {
        again = kind->again(answer, document, &secrets);
        g_assert_true(json_equal(document, again));
        json_decref(again);
        compared = 1;
    }
    json_decref(document);
    json_decref(secrets);
    return compared;
}

static unsigned
check_line(const Recorded *kind, const char *line)
{
    json_t *step = parse(line);
    const json_t *request = json_object_get(step, "request");
    const json_t *response = json_object_get(step, "response");
    const json_t *body = json_object_get(response, "body");
    unsigned compared = 0;

    if (strcmp(harbor_json_text(request, "method", ""), "GET") == 0 &&
        json_integer_value(json_object_get(response, "status")) == 200 &&
        strstr(harbor_json_text(request, "path", ""), kind->path) != NULL &&
        strstr(harbor_json_text(request, "path", ""), "/info") == NULL &&
        strstr(harbor_json_text(request, "path", ""), "/executions") == NULL) {
        for (size_t i = 0; i < json_array_size(body); i++)
            compared += check_answer(kind, json_array_get(body, i));
        if (json_is_object(body))
            compared += check_answer(kind, body);
    }
    json_decref(step);
    return compared;
}

static void
test_recorded_answers_survive_being_written(gconstpointer data)
{
    const Recorded *kind = data;
    g_autofree char *name = g_strconcat(kind->scenario, ".jsonl", NULL);
    g_autofree char *path =
        g_build_filename(g_getenv("HR_SRCDIR"), "tests", "e2e", "harbor",
                         "recordings", name, NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned compared = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        if (**line != '\0')
            compared += check_line(kind, *line);
    g_assert_cmpuint(compared, >, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/harbor-policies/retention", test_retention);
    g_test_add_func("/harbor-policies/retention-of-nothing-is-none",
                    test_retention_of_nothing_is_none);
    g_test_add_func("/harbor-policies/immutable-is-named-by-what-it-covers",
                    test_immutable_is_named_by_what_it_covers);
    g_test_add_func("/harbor-policies/webhook-keeps-its-secret-beside",
                    test_webhook_keeps_its_secret_beside);
    g_test_add_func("/harbor-policies/registry-update-sends-what-differs",
                    test_registry_update_sends_what_differs);
    g_test_add_func("/harbor-policies/registry-shows-no-stars",
                    test_registry_shows_no_stars);
    g_test_add_func("/harbor-policies/settings-are-chosen-by-name",
                    test_settings_are_chosen_by_name);
    g_test_add_func("/harbor-policies/schedule-that-would-run-now-is-none",
                    test_schedule_that_would_run_now_is_none);
    g_test_add_func("/harbor-policies/preheat-policy-spells-its-texts-out",
                    test_preheat_policy_spells_its_texts_out);
    for (size_t i = 0; i < G_N_ELEMENTS(recorded); i++) {
        g_autofree char *path = g_strconcat(
            "/harbor-policies/recorded-answers-survive-being-written/",
            recorded[i].scenario, NULL);

        g_test_add_data_func(path, &recorded[i],
                             test_recorded_answers_survive_being_written);
    }
    return g_test_run();
}
