/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* WWW-Authenticate, one value a line: what is read from it can be written so
 * that it is read again, and scopes have one clean form. */
#include "fuzz.h"

#include <string.h>

#include "net/challenge.h"
#include "net/scope.h"

const char fuzz_noun[] = "challenge";

static void
append_quoted(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
}

static char *
write_challenges(const GPtrArray *challenges)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < challenges->len; i++) {
        const HrChallenge *one = challenges->pdata[i];

        g_string_append(out, i > 0 ? ", " : "");
        append_quoted(out, one->scheme);
        for (guint j = 0; j < one->parameters->len; j += 2) {
            g_string_append(out, j > 0 ? ", " : " ");
            append_quoted(out, one->parameters->pdata[j]);
            g_string_append_c(out, '=');
            append_quoted(out, one->parameters->pdata[j + 1]);
        }
    }
    return g_string_free(out, FALSE);
}

static void
check_same(const GPtrArray *one, const GPtrArray *other)
{
    g_assert_cmpuint(one->len, ==, other->len);
    for (guint i = 0; i < one->len; i++) {
        const HrChallenge *left = one->pdata[i];
        const HrChallenge *right = other->pdata[i];

        g_assert_cmpstr(left->scheme, ==, right->scheme);
        g_assert_cmpuint(left->parameters->len, ==, right->parameters->len);
        for (guint j = 0; j < left->parameters->len; j++)
            g_assert_cmpstr(left->parameters->pdata[j], ==,
                            right->parameters->pdata[j]);
    }
}

static void
check_scope(const char *scope)
{
    g_autofree char *clean = hr_scope_clean(scope);
    g_autofree char *again = hr_scope_clean(clean);

    g_assert_cmpstr(again, ==, clean);
    g_assert_cmpuint(strlen(clean), <=, strlen(scope));
}

static void
check_challenge(const HrChallenge *challenge)
{
    const GPtrArray *all = challenge->parameters;
    g_autofree char *lower = g_ascii_strdown(challenge->scheme, -1);
    const char *scope = hr_challenge_parameter(challenge, "scope");

    g_assert_cmpstr(challenge->scheme, ==, lower);
    g_assert_cmpuint(all->len % 2, ==, 0);
    for (guint i = 0; i < all->len; i += 2)
        g_assert_true(hr_challenge_parameter(challenge, all->pdata[i]) ==
                      all->pdata[i + 1]);
    if (hr_challenge_wants_more(challenge))
        g_assert_nonnull(scope);
    if (scope != NULL)
        check_scope(scope);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(GStrv) lines = fuzz_lines(data, size, 8);
    g_autoptr(GPtrArray) found =
        hr_challenges_parse((const char *const *)lines, g_strv_length(lines));
    const HrChallenge *picked = hr_challenges_pick(found);
    g_autofree char *text = write_challenges(found);
    const char *const own[] = {text};
    g_autoptr(GPtrArray) again = hr_challenges_parse(own, 1);

    for (guint i = 0; i < found->len; i++)
        check_challenge(found->pdata[i]);
    if (picked != NULL)
        g_assert_true(strcmp(picked->scheme, "basic") == 0 ||
                      hr_challenge_parameter(picked, "realm") != NULL);
    check_same(found, again);
    return 0;
}
