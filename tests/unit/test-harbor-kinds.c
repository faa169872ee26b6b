/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tests of what registry-harbor makes of Harbor's JSON and of documents.  The
 * cases are in data/harbor-kinds.json; what Harbor gives there came from one
 * that ran.
 */
#include <glib.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "registry-harbor/document.h"
#include "registry-harbor/group-document.h"
#include "registry-harbor/label-document.h"
#include "registry-harbor/member-document.h"
#include "registry-harbor/robot-document.h"
#include "registry-harbor/texts.h"
#include "registry-harbor/user-document.h"

/* The host's half of fit_documents. */
typedef struct Sink {
    hr_fit_sink base;
    json_t *taken;
    json_t *lacks; /* reasons by their pointers */
} Sink;

static void
take(hr_fit_sink *base, const char *text)
{
    Sink *sink = (Sink *)base;

    g_assert_null(sink->taken);
    sink->taken = harbor_text_read(text);
    g_assert_nonnull(sink->taken);
}

static void
take_lack(hr_fit_sink *base, const char *pointer, const char *reason)
{
    Sink *sink = (Sink *)base;

    g_assert_null(json_object_get(sink->lacks, pointer));
    json_object_set_new(sink->lacks, pointer, json_string(reason));
}

/* Takes `actual`. */
static void
assert_json(json_t *actual, const json_t *wanted)
{
    g_autofree char *left =
        json_dumps(actual, JSON_SORT_KEYS | JSON_ENCODE_ANY);
    g_autofree char *right =
        json_dumps(wanted, JSON_SORT_KEYS | JSON_ENCODE_ANY);

    g_assert_cmpstr(left, ==, json_is_null(wanted) ? NULL : right);
    json_decref(actual);
}

/* Blocks that were let go of with a secret in them. */
static unsigned told;

static const char secret[] = "Canary-Secret-0123456789";

static void
look_and_free(void *block)
{
    if (block != NULL && memmem(block, malloc_usable_size(block), secret,
                                strlen(secret)) != NULL)
        told++;
    free(block);
}

static void
test_wiping(void)
{
    json_malloc_t allocate;
    json_free_t let_go;
    json_t *held;
    json_t *root;

    json_get_alloc_funcs(&allocate, &let_go);
    json_set_alloc_funcs(malloc, look_and_free);
    held = json_string(secret);
    root = json_pack("{s:s, s:{s:[{s:s}]}, s:O}", "one", secret, "targets",
                     "list", "auth_header", secret, "held", held);
    harbor_secrets_wipe(root);
    g_assert_cmpuint(told, ==, 0);
    g_assert_cmpstr(json_string_value(held), ==, secret);
    json_decref(held);
    g_assert_cmpuint(told, ==, 1);
    harbor_secrets_wipe(NULL);
    json_set_alloc_funcs(allocate, let_go);
}

static int
is_kind(const json_t *one, const char *kind)
{
    return strcmp(harbor_json_text(one, "kind", ""), kind) == 0;
}

static char *
make_robot_key(const json_t *one, const json_t *given)
{
    const char *project = json_string_value(json_object_get(one, "project"));
    const char *name =
        harbor_robot_short_name(harbor_json_text(given, "name", ""),
                                harbor_json_text(one, "prefix", ""), project);

    if (name == NULL)
        return NULL;
    return project != NULL ? harbor_text("%s/%s", project, name)
                           : harbor_text("%s", name);
}

static char *
make_key(const json_t *one, const json_t *given)
{
    const char *project = harbor_json_text(one, "project", "");

    if (is_kind(one, "robot"))
        return make_robot_key(one, given);
    if (is_kind(one, "usergroup"))
        return harbor_group_key(given);
    if (is_kind(one, "member"))
        return harbor_member_key(project, given,
                                 json_object_get(one, "group"));
    if (is_kind(one, "label"))
        return harbor_label_key(project, given);
    return harbor_text("%s", harbor_json_text(given, "username", ""));
}

static json_t *
make_document(const json_t *one, const json_t *given)
{
    if (is_kind(one, "robot"))
        return harbor_robot_document(given);
    if (is_kind(one, "usergroup"))
        return harbor_group_document(given);
    if (is_kind(one, "member"))
        return harbor_member_document(given);
    if (is_kind(one, "label"))
        return harbor_label_document(given);
    return harbor_user_document(given);
}

static void
test_reads(gconstpointer data)
{
    const json_t *one = data;
    const json_t *all = json_object_get(one, "given");
    const char *wanted = json_string_value(json_object_get(one, "key"));

    g_assert_cmpuint(json_array_size(all), >, 0);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *given = json_array_get(all, i);
        g_autofree char *key = make_key(one, given);

        g_assert_cmpstr(key, ==, wanted);
        if (wanted != NULL)
            assert_json(make_document(one, given),
                        json_object_get(one, "document"));
    }
}

static json_t *
make_robot_body(const json_t *one, const char *key, const json_t *document)
{
    int stage = harbor_json_flag(one, "unfinished", false)
                    ? HARBOR_ROBOT_AS_UNFINISHED
                    : HARBOR_ROBOT_AS_WANTED;
    g_autofree char *full =
        harbor_robot_full_name(harbor_json_text(one, "prefix", ""), key);

    return strcmp(harbor_json_text(one, "action", ""), "create") == 0
               ? harbor_robot_create_body(key, document, stage)
               : harbor_robot_update_body(full, key, document, stage);
}

static json_t *
make_user_body(const json_t *one, const char *key, const json_t *document)
{
    const char *action = harbor_json_text(one, "action", "");
    const json_t *secrets = json_object_get(one, "secrets");

    if (strcmp(action, "create") == 0)
        return harbor_user_create_body(key, document,
                                       harbor_user_password(secrets));
    return strcmp(action, "sysadmin") == 0
               ? harbor_user_sysadmin_body(document)
               : harbor_user_profile_body(document);
}

static json_t *
make_member_body(const json_t *one, const char *key, const json_t *document)
{
    HarborMemberKey member;
    json_t *body;

    g_assert_true(harbor_member_key_read(key, &member));
    body = strcmp(harbor_json_text(one, "action", ""), "create") == 0
               ? harbor_member_create_body(&member, document,
                                           harbor_json_number(one, "id", 0))
               : harbor_member_update_body(document);
    harbor_member_key_end(&member);
    return body;
}

static json_t *
make_body(const json_t *one)
{
    const char *key = harbor_json_text(one, "key", "");
    const json_t *document = json_object_get(one, "document");
    int create = strcmp(harbor_json_text(one, "action", ""), "create") == 0;

    if (is_kind(one, "robot"))
        return make_robot_body(one, key, document);
    if (is_kind(one, "usergroup"))
        return create ? harbor_group_create_body(key, document)
                      : harbor_group_update_body(key, document);
    if (is_kind(one, "member"))
        return make_member_body(one, key, document);
    if (is_kind(one, "label"))
        return harbor_label_body(key, document,
                                 harbor_json_number(one, "id", 0));
    return make_user_body(one, key, document);
}

static void
test_writes(gconstpointer data)
{
    const json_t *one = data;

    assert_json(make_body(one), json_object_get(one, "body"));
}

static char *
find_holder(const void *data, const char *name)
{
    const char *holder = json_string_value(json_object_get(data, name));

    return holder != NULL ? harbor_text("%s", holder) : NULL;
}

static void
ask_fit(const json_t *one, hr_document_fit *fit)
{
    const json_t *limits = json_object_get(one, "limits");
    HarborRobotLimits robot = {
        .product = harbor_json_text(limits, "product", ""),
        .minor = (unsigned)harbor_json_number(limits, "minor", 0),
        .catalogue = json_object_get(limits, "catalogue"),
    };
    HarborGroupLimits group = {
        .auth_mode = harbor_json_text(limits, "auth_mode", ""),
        .holder = find_holder,
        .data = json_object_get(limits, "names"),
    };

    if (is_kind(one, "robot"))
        harbor_robot_fit(&robot, fit);
    else if (is_kind(one, "usergroup"))
        harbor_group_fit(&group, fit);
    else if (is_kind(one, "member"))
        harbor_member_fit(json_string_value(json_object_get(limits, "login")),
                          fit);
    else if (is_kind(one, "label"))
        harbor_label_fit(fit);
    else
        harbor_user_fit(fit);
}

static void
assert_lacks(const json_t *lacks, const json_t *wanted)
{
    const char *pointer;
    json_t *part;

    g_assert_cmpuint(json_object_size(lacks), ==, json_object_size(wanted));
    json_object_foreach ((json_t *)wanted, pointer, part) {
        const char *reason = harbor_json_text(lacks, pointer, "");

        if (strstr(reason, json_string_value(part)) == NULL)
            g_error("%s: \"%s\" does not say \"%s\"", pointer, reason,
                    json_string_value(part));
    }
}

static char *
write_or_null(const json_t *object)
{
    return object != NULL ? harbor_json_canonical(object) : NULL;
}

static void
test_fits(gconstpointer data)
{
    const json_t *one = data;
    const json_t *text = json_object_get(one, "text");
    g_autofree char *wanted = write_or_null(json_object_get(one, "wanted"));
    g_autofree char *found = write_or_null(json_object_get(one, "found"));
    g_autofree char *secrets = write_or_null(json_object_get(one, "secrets"));
    Sink sink = {
        .base = {sizeof sink.base, 0, take, take_lack},
        .lacks = json_object(),
    };
    hr_document_fit fit = {
        .struct_size = sizeof fit,
        .kind = harbor_json_text(one, "kind", ""),
        .key = harbor_json_text(one, "key", ""),
        .text = wanted,
        .found = found,
        .secrets = secrets,
        .sink = &sink.base,
        .status = HR_BUG,
    };

    ask_fit(one, &fit);
    g_assert_cmpint(fit.status, ==, text != NULL ? HR_OK : HR_UNSUPPORTED);
    if (text != NULL)
        g_assert_cmpstr(fit.message, ==, "");
    else
        g_assert_nonnull(
            strstr(fit.message, harbor_json_text(one, "message", "")));
    if (text != NULL)
        assert_json(json_incref(sink.taken), text);
    else
        g_assert_null(sink.taken);
    assert_lacks(sink.lacks, json_object_get(one, "lacks"));
    json_decref(sink.taken);
    json_decref(sink.lacks);
}

static void
test_tells_unfinished_robots(void)
{
    json_t *document = harbor_text_read("{\"duration\":-1}");
    json_t *half =
        harbor_robot_create_body("sync", document, HARBOR_ROBOT_AS_UNFINISHED);
    json_t *whole =
        harbor_robot_create_body("sync", document, HARBOR_ROBOT_AS_WANTED);

    g_assert_true(harbor_robot_unfinished(half));
    g_assert_false(harbor_robot_unfinished(whole));
    json_decref(document);
    json_decref(half);
    json_decref(whole);
}

static void
test_escapes(void)
{
    g_autofree char *once = harbor_escape("/Team A/ops:α+-._~");
    g_autofree char *twice = harbor_escape_twice("team+ci-1.x");

    g_assert_cmpstr(once, ==, "%2FTeam%20A%2Fops%3A%CE%B1%2B-._~");
    g_assert_cmpstr(twice, ==, "team%252Bci-1.x");
    g_assert_true(harbor_query_plain("a-1.B_c"));
    g_assert_false(harbor_query_plain(""));
    g_assert_false(harbor_query_plain("~a"));
    g_assert_false(harbor_query_plain("a,b"));
    g_assert_false(harbor_query_plain("wäre"));
}

static void
test_knows_keys_that_cannot_be_shown(void)
{
    g_autofree char *longest = g_strnfill(1024, 'x');
    g_autofree char *longer = g_strnfill(1025, 'x');

    g_assert_true(harbor_key_valid("oidc//Team A/ops:α"));
    g_assert_true(harbor_key_valid("oidc/Âé\xc2\xa0"));
    g_assert_true(harbor_key_valid(longest));
    g_assert_false(harbor_key_valid(longer));
    g_assert_false(harbor_key_valid(""));
    g_assert_false(harbor_key_valid("oidc/tab\tname"));
    g_assert_false(harbor_key_valid("oidc/del\x7f"));
    g_assert_false(harbor_key_valid("oidc/next\xc2\x85line"));
}

static json_t *
read_cases(void)
{
    const char *top = g_getenv("HR_SRCDIR");
    g_autofree char *path = g_build_filename(
        top != NULL ? top : ".", "tests/unit/data/harbor-kinds.json", NULL);
    json_error_t error;
    json_t *cases = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    if (cases == NULL)
        g_error("%s, line %d: %s", path, error.line, error.text);
    return cases;
}

static void
add_cases(const json_t *cases, const char *list, GTestDataFunc test)
{
    const json_t *all = json_object_get(cases, list);

    g_assert_cmpuint(json_array_size(all), >, 0);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        g_autofree char *path = g_strconcat(
            "/harbor-kinds/", list, "/", harbor_json_text(one, "kind", ""),
            "/", harbor_json_text(one, "says", ""), NULL);

        g_test_add_data_func(path, one, test);
    }
}

int
main(int argc, char **argv)
{
    json_t *cases;
    int result;

    g_test_init(&argc, &argv, NULL);
    cases = read_cases();
    add_cases(cases, "documents", test_reads);
    add_cases(cases, "bodies", test_writes);
    add_cases(cases, "fits", test_fits);
    g_test_add_func("/harbor-kinds/tells-unfinished-robots",
                    test_tells_unfinished_robots);
    g_test_add_func("/harbor-kinds/escapes", test_escapes);
    g_test_add_func("/harbor-kinds/wipes-secrets-at-any-depth", test_wiping);
    g_test_add_func("/harbor-kinds/knows-keys-that-cannot-be-shown",
                    test_knows_keys_that_cannot_be_shown);
    result = g_test_run();
    json_decref(cases);
    return result;
}
