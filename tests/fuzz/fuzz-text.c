/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts that are shown, or read from people: one line stays one line, JSON
 * stays JSON, sizes and durations stay within their bounds. */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "config/expand.h"
#include "model/json.h"

#define LONGEST_MS (INT64_C(36500) * 86400 * 1000)

const char fuzz_noun[] = "text";

static void
check_numbers(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) other = NULL;
    int64_t bytes = 0;
    int64_t ms = 0;
    bool is_size = hr_text_parse_size(text, &bytes, &error);
    bool is_duration = hr_text_parse_duration(text, &ms, &other);

    fuzz_check_error(!is_size, error);
    fuzz_check_error(!is_duration, other);
    g_assert_cmpint(bytes, >=, 0);
    g_assert_cmpint(ms, >=, 0);
    g_assert_cmpint(ms, <=, LONGEST_MS);
    g_free(hr_text_format_size(bytes));
    g_free(hr_text_format_duration(ms * 1000));
}

static void
check_line(const char *text)
{
    g_autofree char *line = hr_text_one_line(text);
    g_autofree char *again = hr_text_one_line(line);

    g_assert_true(g_utf8_validate(line, -1, NULL));
    for (const char *c = line; *c != '\0'; c++)
        g_assert_false(g_ascii_iscntrl(*c));
    g_assert_cmpstr(again, ==, line);
}

static void
check_json(const char *text)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(HrJson) json = NULL;
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    hr_text_append_json(out, text);
    json = hr_json_parse(out->str, out->len, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(hr_json_text(json), ==, valid);
}

/* Nothing is left of what may be a secret, also when it is hidden twice. */
static void
check_redaction(const char *text)
{
    g_autofree char *redacted = hr_text_redact_url(text);
    g_autofree char *again = hr_text_redact_url(redacted);
    g_autofree char *url =
        g_strconcat("https://user:", text, "@host/path?digest=", text, NULL);
    g_autofree char *hidden = hr_text_redact_url(url);

    g_assert_null(strchr(redacted, '#'));
    g_assert_cmpstr(again, ==, redacted);
    /* A secret that ends an address by itself is no longer one in it. */
    if (strlen(text) > 8 && strpbrk(text, "@/?#&=%:[]") == NULL)
        g_assert_null(strstr(hidden, text));
}

static void
check_expansion(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *escaped = hr_config_escape(text);
    g_autofree char *same = hr_config_expand(escaped, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(same, ==, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"endpoints", "syncs", "select", NULL};
    g_autofree char *text = fuzz_text(data, size);

    check_numbers(text);
    check_line(text);
    check_json(text);
    check_redaction(text);
    check_expansion(text);
    hr_text_nearest(text, names);
    return 0;
}
