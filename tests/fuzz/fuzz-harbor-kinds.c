/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Documents that registry-harbor makes of what a Harbor says of robots,
 * groups, members, labels and accounts: what was read can stay where it is,
 * and whatever anybody wants becomes something that fits and stays the same.
 *
 * The first line is a key, the second what is taken for a row of a list, and
 * for a document.
 */
#include "fuzz.h"

#include <string.h>

#include "registry-harbor/document.h"
#include "registry-harbor/fit.h"
#include "registry-harbor/group-document.h"
#include "registry-harbor/label-document.h"
#include "registry-harbor/member-document.h"
#include "registry-harbor/robot-document.h"
#include "registry-harbor/texts.h"
#include "registry-harbor/user-document.h"

const char fuzz_noun[] = "harbor-kinds";

/* The catalogue of a Harbor that knows little. */
#define CATALOGUE                                                             \
    "{\"project\":[{\"resource\":\"repository\",\"action\":\"pull\"}],"       \
    "\"system\":[{\"resource\":\"project\",\"action\":\"list\"}]}"

typedef struct Kind {
    const char *name;
    json_t *(*document)(const json_t *row);
    void (*fit)(hr_document_fit *fit);
} Kind;

/* The host's half of fit_documents. */
typedef struct Sink {
    hr_fit_sink base;
    char *taken;
    unsigned lacks;
} Sink;

static void
take(hr_fit_sink *base, const char *text)
{
    Sink *sink = (Sink *)base;

    g_assert_null(sink->taken);
    sink->taken = g_strdup(text);
}

static void
take_lack(hr_fit_sink *base, const char *pointer, const char *reason)
{
    g_assert_cmpint(*pointer, ==, '/');
    g_assert_cmpstr(reason, !=, "");
    ((Sink *)base)->lacks++;
}

static void
fit_robot(hr_document_fit *fit)
{
    json_auto_t *catalogue = harbor_text_read(CATALOGUE);
    const HarborRobotLimits limits = {
        .product = "Harbor 2.12.0",
        .minor = 12,
        .catalogue = catalogue,
    };

    harbor_robot_fit(&limits, fit);
}

static char *
find_holder(const void *data, const char *name)
{
    (void)data;
    return strcmp(name, "taken") == 0 ? harbor_text("http/taken") : NULL;
}

static void
fit_group(hr_document_fit *fit)
{
    const HarborGroupLimits limits = {
        .auth_mode = "oidc_auth",
        .holder = find_holder,
    };

    harbor_group_fit(&limits, fit);
}

static void
fit_member(hr_document_fit *fit)
{
    harbor_member_fit("replicator", fit);
}

static const Kind kinds[] = {
    {"robot", harbor_robot_document, fit_robot},
    {"usergroup", harbor_group_document, fit_group},
    {"member", harbor_member_document, fit_member},
    {"label", harbor_label_document, harbor_label_fit},
    {"user", harbor_user_document, harbor_user_fit},
};

/* What becomes of a text; NULL if it cannot be there.  *lacks tells how much
 * of it is left out. */
static char *
fit_text(const Kind *kind, const char *key, const char *text,
         const char *found, unsigned *lacks)
{
    Sink sink = {.base = {sizeof sink.base, 0, take, take_lack}};
    hr_document_fit fit = {
        .struct_size = sizeof fit,
        .kind = kind->name,
        .key = key,
        .text = text,
        .found = found,
        .secrets = "{\"/password\":\"Abcdef12345\"}",
        .sink = &sink.base,
        .status = HR_BUG,
    };

    kind->fit(&fit);
    g_assert_nonnull(memchr(fit.message, '\0', sizeof fit.message));
    if (fit.status == HR_OK) {
        g_assert_nonnull(sink.taken);
        g_assert_cmpstr(fit.message, ==, "");
    } else {
        g_assert_cmpint(fit.status, ==, HR_UNSUPPORTED);
        g_assert_null(sink.taken);
        g_assert_cmpstr(fit.message, !=, "");
    }
    *lacks = sink.lacks;
    return sink.taken;
}

/* What fits does so again, and nothing of it is left out. */
static void
check_wanted(const Kind *kind, const char *key, const char *text)
{
    unsigned lacks;
    g_autofree char *once = fit_text(kind, key, text, NULL, &lacks);
    g_autofree char *twice = NULL;

    if (once == NULL)
        return;
    twice = fit_text(kind, key, once, NULL, &lacks);
    g_assert_cmpstr(twice, ==, once);
    g_assert_cmpuint(lacks, ==, 0);
}

/* A robot that is there as it is wanted can stay, whatever it is; of others
 * Harbor has checked all that is checked here. */
static void
check_found(const Kind *kind, const char *key, const json_t *row)
{
    json_auto_t *document = kind->document(row);
    g_autofree char *text =
        document != NULL ? harbor_json_canonical(document) : NULL;
    g_autofree char *kept = NULL;
    unsigned lacks;

    if (text == NULL)
        return;
    kept = fit_text(kind, key, text, text, &lacks);
    if (strcmp(kind->name, "robot") == 0)
        g_assert_nonnull(kept);
    if (kept != NULL && strcmp(kind->name, "usergroup") != 0)
        g_assert_cmpstr(kept, ==, text);
}

static void
check_group_key(const json_t *row)
{
    HARBOR_AUTOFREE char *key = harbor_group_key(row);
    const char *name = "";
    int type;

    if (key == NULL)
        return;
    type = harbor_group_key_read(key, &name);
    g_assert_cmpint(type, ==, (int)harbor_json_number(row, "group_type", 0));
    g_assert_cmpstr(name, !=, "");
    if (type != HARBOR_GROUP_LDAP)
        g_assert_cmpstr(name, ==, harbor_json_text(row, "group_name", ""));
}

static void
check_robot_name(const char *full)
{
    const char *name = harbor_robot_short_name(full, "robot$", "team");
    HARBOR_AUTOFREE char *key =
        name != NULL ? harbor_text("team/%s", name) : NULL;
    HARBOR_AUTOFREE char *stored =
        key != NULL ? harbor_robot_stored_name(key) : NULL;

    if (name == NULL)
        return;
    g_assert_cmpstr(name, !=, "");
    g_assert_true(g_str_has_suffix(full, name));
    /* The key splits at its first slash. */
    if (strchr(name, '/') == NULL)
        g_assert_true(g_str_has_suffix(full, stored));
}

static void
check_key(const char *key)
{
    HarborMemberKey member;

    if (harbor_member_key_read(key, &member)) {
        g_autofree char *again =
            g_strconcat(member.project, "/", member.who, NULL);

        g_assert_cmpstr(again, ==, key);
        g_assert_true(g_str_has_suffix(member.who, member.name));
    }
    harbor_member_key_end(&member);
    check_robot_name(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(GStrv) lines = fuzz_lines(data, size, 2);
    const char *key = lines[0] != NULL ? lines[0] : "";
    const char *text = *key != '\0' && lines[1] != NULL ? lines[1] : "{}";
    json_auto_t *row = NULL;

    if (!g_utf8_validate(key, -1, NULL))
        return 0;
    check_key(key);
    row = harbor_text_read(text);
    if (row == NULL)
        return 0;
    check_group_key(row);
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        check_found(&kinds[i], key, row);
        check_wanted(&kinds[i], key, text);
    }
    return 0;
}
