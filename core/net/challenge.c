/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Challenge: what a server asks for with WWW-Authenticate. */
#include "net/challenge.h"

#include <string.h>

/* More than any server has reason to send. */
#define CHALLENGE_LIMIT 16u
#define PARAMETER_LIMIT 32u

static void
free_challenge(void *data)
{
    HrChallenge *challenge = data;

    g_free(challenge->scheme);
    g_ptr_array_unref(challenge->parameters);
    g_free(challenge);
}

static HrChallenge *
add_challenge(GPtrArray *challenges, const char *scheme)
{
    HrChallenge *challenge = g_new0(HrChallenge, 1);

    challenge->scheme = g_ascii_strdown(scheme, -1);
    challenge->parameters = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(challenges, challenge);
    return challenge;
}

static void
skip_space(const char **cursor)
{
    *cursor += strspn(*cursor, " \t");
}

char *
hr_challenge_unquote(const char *body)
{
    g_autoptr(GString) value = g_string_new(NULL);

    for (; *body != '\0'; body++) {
        if (*body == '"')
            return NULL;
        if (*body == '\\' && *++body == '\0')
            return NULL;
        g_string_append_c(value, *body);
    }
    return g_strdup(value->str);
}

/* A quoted string, or what stands up to the next delimiter.  NULL if a quote
 * is not closed: then nothing is left to read. */
static char *
take_value(const char **cursor)
{
    const char *start = *cursor;
    const char *end;
    g_autofree char *body = NULL;

    if (*start != '"') {
        size_t length = strcspn(start, " \t,\"");

        *cursor += length;
        return length > 0 ? g_strndup(start, length) : NULL;
    }
    for (end = start + 1; *end != '\0' && *end != '"'; end++)
        if (*end == '\\' && end[1] != '\0')
            end++;
    if (*end == '\0') {
        *cursor = end;
        return NULL;
    }
    *cursor = end + 1;
    body = g_strndup(start + 1, (gsize)(end - start - 1));
    return hr_challenge_unquote(body);
}

/* A token, or a quoted one. */
static char *
take_name(const char **cursor)
{
    const char *start = *cursor;
    size_t length;

    if (*start == '"')
        return take_value(cursor);
    length = strcspn(start, " \t,=\"");
    *cursor += length;
    return length > 0 ? g_strndup(start, length) : NULL;
}

static void
add_parameter(HrChallenge *challenge, const char *name, char *value)
{
    if (challenge == NULL || value == NULL ||
        challenge->parameters->len >= 2 * PARAMETER_LIMIT ||
        hr_challenge_parameter(challenge, name) != NULL) {
        g_free(value);
        return;
    }
    g_ptr_array_add(challenge->parameters, g_ascii_strdown(name, -1));
    g_ptr_array_add(challenge->parameters, value);
}

/* Names of parameters, which nobody calls a scheme. */
static bool
is_parameter_name(const char *name)
{
    static const char *const names[] = {"realm", "service", "scope",
                                        "error", "charset", NULL};
    g_autofree char *lower = g_ascii_strdown(name, -1);

    return g_strv_contains(names, lower);
}

/* "abc==" after a scheme: credentials of a form of their own. */
static bool
is_token68(const char *after)
{
    after += strspn(after, "=");
    skip_space(&after);
    return *after == '\0' || *after == ',';
}

static void
parse_value(GPtrArray *challenges, const char *text)
{
    HrChallenge *current = NULL;
    bool first = false; /* a scheme stands right before */

    while (challenges->len < CHALLENGE_LIMIT) {
        g_autofree char *name = NULL;
        const char *after;

        text += strspn(text, " \t,");
        if (*text == '\0')
            return;
        name = take_name(&text);
        if (name == NULL) {
            text += *text != '\0';
            continue;
        }
        after = text;
        skip_space(&after);
        if (first && is_token68(after)) {
            text = after + strspn(after, "=");
            first = false;
        } else if (*after == '=') {
            text = after + 1;
            skip_space(&text);
            add_parameter(current, name, take_value(&text));
            first = false;
        } else if (!is_parameter_name(name)) {
            current = add_challenge(challenges, name);
            first = *after != ',';
        }
    }
}

GPtrArray *
hr_challenges_parse(const char *const *values, unsigned count)
{
    GPtrArray *challenges = g_ptr_array_new_with_free_func(free_challenge);

    for (unsigned i = 0; i < count; i++)
        parse_value(challenges, values[i]);
    return challenges;
}

const char *
hr_challenge_parameter(const HrChallenge *challenge, const char *name)
{
    const GPtrArray *all = challenge->parameters;

    for (guint i = 0; i + 1 < all->len; i += 2)
        if (g_ascii_strcasecmp(all->pdata[i], name) == 0)
            return all->pdata[i + 1];
    return NULL;
}

const HrChallenge *
hr_challenges_pick(const GPtrArray *challenges)
{
    const HrChallenge *basic = NULL;

    for (guint i = 0; i < challenges->len; i++) {
        const HrChallenge *one = challenges->pdata[i];

        if (strcmp(one->scheme, "bearer") == 0 &&
            hr_challenge_parameter(one, "realm") != NULL)
            return one;
        if (strcmp(one->scheme, "basic") == 0 && basic == NULL)
            basic = one;
    }
    return basic;
}

bool
hr_challenge_wants_more(const HrChallenge *challenge)
{
    const char *error = hr_challenge_parameter(challenge, "error");
    const char *scope = hr_challenge_parameter(challenge, "scope");
    const char *first = scope != NULL ? strchr(scope, ':') : NULL;

    return strcmp(challenge->scheme, "bearer") == 0 &&
           g_strcmp0(error, "insufficient_scope") == 0 && first != NULL &&
           strchr(first + 1, ':') != NULL;
}
