/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents: what is taken from plugins, and how they are compared. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "model/document.h"

static HrDocument *
take(const char *key, const char *text, const char *secrets, GError **error)
{
    hr_document given = {
        .struct_size = sizeof given,
        .kind = "robot",
        .key = key,
        .text = text,
        .secrets = secrets,
    };

    return hr_document_take(&given, "robot", error);
}

static void
test_canonical(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrDocument) document =
        take("p/ci", "{ \"b\": 1, \"a\": [true, null] }",
             "{\"/secret\": \"x\"}", &error);

    g_assert_no_error(error);
    g_assert_cmpstr(document->text, ==, "{\"a\":[true,null],\"b\":1}");
    g_assert_cmpstr(hr_secret_reveal(document->secrets), ==,
                    "{\"/secret\":\"x\"}");
    g_assert_false(document->is_protected);
}

static void
expect_refused(const char *key, const char *text, const char *secrets,
               const char *word)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrDocument) document = take(key, text, secrets, &error);

    g_assert_null(document);
    g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
    g_assert_nonnull(strstr(error->message, word));
    g_assert_null(strstr(error->message, "hunter2"));
}

static void
test_refused(void)
{
    g_autofree char *long_key = g_strnfill(HR_DOCUMENT_KEY_LIMIT + 1, 'k');
    g_autofree char *filler = g_strnfill(HR_DOCUMENT_LIMIT_BYTES, ' ');
    g_autofree char *large = g_strconcat("{}", filler, NULL);

    expect_refused("", "{}", NULL, "key");
    expect_refused("a\nb", "{}", NULL, "key");
    expect_refused("a\x7f", "{}", NULL, "key");
    expect_refused("\xff", "{}", NULL, "key");
    expect_refused(long_key, "{}", NULL, "key");
    expect_refused("a", "[]", NULL, "no JSON object");
    expect_refused("a", "{", NULL, "malformed");
    expect_refused("a", "{\"a\":1,\"a\":2}", NULL, "malformed");
    expect_refused("a", large, NULL, "larger");
    expect_refused("a", "{}", "hunter2", "secrets");
    expect_refused("a", "{}", "{\"/a\":{\"b\":\"hunter2\"}}", "secrets");
    expect_refused("a", "{}", "{\"a\":\"hunter2\"}", "secrets");
    expect_refused("a", NULL, NULL, "no document");
}

static void
test_other_kind(void)
{
    hr_document given = {
        .struct_size = sizeof given,
        .kind = "label",
        .key = "a",
        .text = "{}",
    };
    g_autoptr(GError) error = NULL;

    g_assert_null(hr_document_take(&given, "robot", &error));
    g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
}

static void
test_secrets(void)
{
    g_autoptr(HrSecret) one = hr_secret_new("{\"/a\":\"x\",\"/b\":\"y\"}");
    g_autoptr(HrSecret) part = hr_secret_new("{\"/b\":\"y\"}");
    g_autoptr(HrSecret) other = hr_secret_new("{\"/b\":\"z\"}");

    g_assert_true(hr_secrets_agree(one, part));
    g_assert_true(hr_secrets_agree(part, one));
    g_assert_true(hr_secrets_agree(one, NULL));
    g_assert_true(hr_secrets_agree(NULL, NULL));
    g_assert_false(hr_secrets_agree(one, other));
    g_assert_false(hr_secrets_agree(other, one));
}

static void
expect_line(const char *found, const char *wanted, const char *expected)
{
    g_autofree char *line = hr_document_compare_line(found, wanted);

    g_assert_cmpstr(line, ==, expected);
}

static void
test_values(void)
{
    expect_line("{\"role\":\"guest\"}", "{\"role\":\"developer\"}",
                "role: guest -> developer");
    expect_line("{\"a\":1,\"b\":true}", "{\"a\":2}", "a: 1 -> 2; b: true ->");
    expect_line("{}", "{\"a\":{\"b\":1}}", "a: -> {\"b\":1}");
    expect_line("{\"a\":{\"b/c\":1}}", "{\"a\":{\"b/c\":2}}",
                "/a/b~1c: 1 -> 2");
    expect_line("{\"a\":\"\"}", "{\"a\":\"x y\"}", "a: \"\" -> \"x y\"");
    expect_line("{\"a\":1}", "{\"a\":1}", "");
}

static void
test_sets(void)
{
    expect_line("{\"items\":[\"CVE-1\",\"CVE-2\"]}",
                "{\"items\":[\"CVE-2\",\"CVE-3\"]}", "items: +CVE-3 -CVE-1");
    expect_line("{\"a\":[1,1]}", "{\"a\":[1]}", "a: -1");
    expect_line("{\"a\":[1,2]}", "{\"a\":[2,1]}", "a: another order");
    expect_line(
        "{\"p\":[{\"access\":[{\"action\":\"pull\",\"resource\":\"r\"}]"
        ",\"namespace\":\"x\"}]}",
        "{\"p\":[{\"access\":[{\"action\":\"pull\",\"resource\":\"r\"},"
        "{\"action\":\"push\",\"resource\":\"r\"}],\"namespace\":"
        "\"x\"}]}",
        "/p/0/access: +push:r");
}

/* Whatever somebody wrote into a description. */
static void
test_shown(void)
{
    g_autofree char *many = g_strnfill(500, 'x');
    g_autofree char *wanted = g_strdup_printf("{\"a\":\"%s\"}", many);
    g_autofree char *line = hr_document_compare_line("{}", wanted);

    g_assert_cmpuint(strlen(line), <, 100);
    expect_line("{}", "{\"a\":\"x\\u001b[31my\"}", "a: -> x?[31my");
    expect_line("{}", "{\"x\\u001b[31my\":1}", "x?[31my: -> 1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/document/is-brought-into-one-spelling", test_canonical);
    g_test_add_func("/document/that-is-none-is-refused", test_refused);
    g_test_add_func("/document/of-another-kind-is-refused", test_other_kind);
    g_test_add_func("/document/secrets-agree-where-both-know", test_secrets);
    g_test_add_func("/document/values-are-told-before-and-after", test_values);
    g_test_add_func("/document/sets-are-told-by-what-comes-and-goes",
                    test_sets);
    g_test_add_func("/document/what-is-shown-is-short-and-plain", test_shown);
    return g_test_run();
}
