/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Projects and quotas: documents, bodies, what does not fit. */
#include <glib.h>
#include <string.h>

#include "registry-harbor/document.h"
#include "registry-harbor/project-document.h"

static json_t *
parse(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);

    g_assert_nonnull(value);
    return value;
}

static void
assert_json(json_t *found, const char *wanted)
{
    g_autofree char *text =
        found != NULL ? harbor_json_canonical(found) : NULL;

    g_assert_cmpstr(text, ==, wanted);
    json_decref(found);
}

static void
assert_document(const char *row, const char *wanted)
{
    json_auto_t *project = parse(row);

    assert_json(harbor_project_document(project, NULL, NULL), wanted);
}

/* A Harbor sets what another leaves unset, and means the same. */
static void
test_documents(void)
{
    assert_document("{\"name\": \"library\", \"project_id\": 1,"
                    " \"owner_name\": \"admin\", \"repo_count\": 3,"
                    " \"metadata\": {\"public\": \"true\"},"
                    " \"cve_allowlist\": {\"id\": 1, \"items\": []}}",
                    "{\"public\":true}");
    assert_document("{\"metadata\": {\"public\": \"false\","
                    " \"auto_scan\": \"false\", \"prevent_vul\": \"false\","
                    " \"reuse_sys_cve_allowlist\": \"true\","
                    " \"retention_id\": \"7\", \"proxy_speed_kb\": \"-1\"},"
                    " \"cve_allowlist\": {\"items\": null}}",
                    "{}");
    assert_document(
        "{\"metadata\": {\"severity\": \"high\", \"prevent_vul\": \"true\","
        " \"reuse_sys_cve_allowlist\": \"false\"},"
        " \"cve_allowlist\": {\"expires_at\": 1900000000, \"items\":"
        " [{\"cve_id\": \"CVE-2\"}, {\"cve_id\": \"CVE-1\"}]}}",
        "{\"cve_allowlist\":{\"expires_at\":1900000000,"
        "\"items\":[\"CVE-1\",\"CVE-2\"]},"
        "\"metadata\":{\"prevent_vul\":\"true\","
        "\"reuse_sys_cve_allowlist\":\"false\",\"severity\":\"high\"}}");
}

static void
test_creation(void)
{
    json_auto_t *document =
        parse("{\"metadata\": {\"severity\": \"high\"}, \"proxy_registry\":"
              " \"hub\", \"cve_allowlist\": {\"items\": [\"CVE-1\"]}}");

    assert_json(harbor_project_create_body("team", document, 0),
                "{\"metadata\":{\"public\":\"false\",\"severity\":\"high\"},"
                "\"project_name\":\"team\"}");
    assert_json(harbor_project_create_body("team", document, 4),
                "{\"metadata\":{\"public\":\"false\",\"severity\":\"high\"},"
                "\"project_name\":\"team\",\"registry_id\":4}");
}

static void
assert_change(const char *wanted, const char *found, const char *body,
              const char *unset)
{
    json_auto_t *one = parse(wanted);
    json_auto_t *other = parse(found);
    json_t *names = NULL;

    assert_json(harbor_project_update_body(one, other, &names), body);
    assert_json(names, unset);
}

static void
test_changes(void)
{
    assert_change("{\"public\": true}", "{\"public\": true}", NULL, "[]");
    assert_change("{}", "{\"public\": true}",
                  "{\"metadata\":{\"public\":\"false\"}}", "[]");
    assert_change("{\"metadata\": {\"severity\": \"low\"}}",
                  "{\"metadata\": {\"severity\": \"high\","
                  " \"auto_scan\": \"true\"}}",
                  "{\"metadata\":{\"severity\":\"low\"}}", "[\"auto_scan\"]");
    assert_change("{}", "{\"cve_allowlist\": {\"items\": [\"CVE-1\"]}}",
                  "{\"cve_allowlist\":{\"items\":[]}}", "[]");
    assert_change("{\"cve_allowlist\": {\"items\": [\"CVE-1\"]}}", "{}",
                  "{\"cve_allowlist\":{\"items\":[{\"cve_id\":\"CVE-1\"}]}}",
                  "[]");
}

/* What fits, and why the rest does not. */
typedef struct Fitting {
    hr_fit_sink sink; /* first */
    char *text;
    GString *lacks;
} Fitting;

static void
take_text(hr_fit_sink *sink, const char *text)
{
    ((Fitting *)sink)->text = g_strdup(text);
}

static void
take_lack(hr_fit_sink *sink, const char *pointer, const char *reason)
{
    g_string_append_printf(((Fitting *)sink)->lacks, "%s: %s\n", pointer,
                           reason);
}

typedef struct Question {
    unsigned version;
    const char *key;
    const char *text;
    const char *found;
    hr_status status;
    const char *fitted;
    const char *lacks;
} Question;

static void
ask(const Question *question, bool quota)
{
    const HarborProjectLimits limits = {"Harbor 2.9.0", question->version};
    Fitting fitting = {.sink = {.struct_size = sizeof(hr_fit_sink),
                                .take = take_text,
                                .lacks = take_lack},
                       .lacks = g_string_new("")};
    hr_document_fit fit = {.struct_size = sizeof fit,
                           .kind = quota ? "quota" : "project",
                           .key = question->key,
                           .text = question->text,
                           .found = question->found,
                           .sink = &fitting.sink};

    if (quota)
        harbor_quota_fit(&fit);
    else
        harbor_project_fit(&limits, &fit);
    g_assert_cmpint(fit.status, ==, question->status);
    g_assert_cmpstr(fitting.text, ==, question->fitted);
    g_assert_cmpstr(fitting.lacks->str, ==,
                    question->lacks != NULL ? question->lacks : "");
    g_assert_cmpint(fit.message[0] != '\0', ==, fit.status != HR_OK);
    g_free(fitting.text);
    g_string_free(fitting.lacks, TRUE);
}

static void
test_fitting(void)
{
    static const char proxy[] = "{\"proxy_registry\": \"hub\"}";
    static const Question questions[] = {
        {2009000, "team", "{\"public\":true}", NULL, HR_OK,
         "{\"public\":true}", NULL},
        {2009000, "Team", "{}", NULL, HR_UNSUPPORTED, NULL, NULL},
        {2009000, "a..b", "{}", NULL, HR_UNSUPPORTED, NULL, NULL},
        {2009000, "a-", "{}", NULL, HR_UNSUPPORTED, NULL, NULL},
        {2009000, "team", "{\"metadata\":{\"auto_sbom_generation\":\"true\"}}",
         NULL, HR_OK, "{}",
         "/metadata/auto_sbom_generation: Harbor 2.9.0 does not have it: it "
         "came with 2.11\n"},
        {2011000, "team", "{\"metadata\":{\"auto_sbom_generation\":\"true\"}}",
         NULL, HR_OK, "{\"metadata\":{\"auto_sbom_generation\":\"true\"}}",
         NULL},
        {2009000, "team", "{\"metadata\":{\"severity\":\"banana\"}}", NULL,
         HR_OK, "{}",
         "/metadata/severity: it is no severity that Harbor knows\n"},
        {2009000, "team", "{\"metadata\":{\"bogus\":\"x\"},\"more\":1}", NULL,
         HR_OK, "{}",
         "/more: a project has no such field\n"
         "/metadata/bogus: a project has no such setting\n"},
        {2009000, "team", proxy, NULL, HR_OK, "{\"proxy_registry\":\"hub\"}",
         NULL},
        {2009000, "team", proxy, proxy, HR_OK, "{\"proxy_registry\":\"hub\"}",
         NULL},
        {2009000, "team", "{}", proxy, HR_OK, "{\"proxy_registry\":\"hub\"}",
         "/proxy_registry: what a project is a cache of cannot be changed "
         "once it is there\n"},
        {2016000, "team", "{\"metadata\":{\"proxy_speed_kb\":\"100\"}}", NULL,
         HR_OK, "{}",
         "/metadata/proxy_speed_kb: only a cache of another registry has "
         "it\n"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(questions); i++)
        ask(&questions[i], false);
}

static void
test_quotas(void)
{
    static const Question questions[] = {
        {0, "team", "{\"storage\":-1}", NULL, HR_OK, "{\"storage\":-1}", NULL},
        {0, "team", "{\"storage\":1125899906842624}", NULL, HR_OK,
         "{\"storage\":1125899906842624}", NULL},
        {0, "team", "{\"storage\":1125899906842625}", NULL, HR_UNSUPPORTED,
         NULL, NULL},
        {0, "team", "{\"storage\":0}", NULL, HR_UNSUPPORTED, NULL, NULL},
        {0, "team", "{}", NULL, HR_UNSUPPORTED, NULL, NULL},
    };
    json_auto_t *row = parse("{\"id\": 2, \"hard\": {\"storage\": 1000},"
                             " \"ref\": {\"name\": \"q1\"},"
                             " \"used\": {\"storage\": 5}}");
    json_auto_t *other = parse("{\"hard\": {\"count\": 5}}");
    json_auto_t *document = harbor_quota_document(row);

    g_assert_null(harbor_quota_document(other));
    assert_json(harbor_quota_body(document), "{\"hard\":{\"storage\":1000}}");
    assert_json(json_incref(document), "{\"storage\":1000}");
    for (unsigned i = 0; i < G_N_ELEMENTS(questions); i++)
        ask(&questions[i], true);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/harbor-projects/documents", test_documents);
    g_test_add_func("/harbor-projects/creation", test_creation);
    g_test_add_func("/harbor-projects/changes", test_changes);
    g_test_add_func("/harbor-projects/what-does-not-fit", test_fitting);
    g_test_add_func("/harbor-projects/quotas", test_quotas);
    return g_test_run();
}
