/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rights: what is widened, and what is not. */
#include <glib.h>
#include <string.h>

#include "model/rights.h"

/* `expected` NULL: nothing is widened. */
static void
expect(const char *kind, const char *key, const char *wanted,
       const char *found, bool fresh, const char *expected)
{
    g_autoptr(GPtrArray) widened =
        hr_rights_widened(kind, key, wanted, found, fresh);
    g_autofree char *all = NULL;

    if (expected == NULL) {
        g_assert_null(widened);
        return;
    }
    g_assert_nonnull(widened);
    g_ptr_array_add(widened, NULL);
    all = g_strjoinv(", ", (char **)widened->pdata);
    g_assert_cmpstr(all, ==, expected);
}

static void
test_members(void)
{
    const char *guest = "{\"role\":\"guest\"}";
    const char *developer = "{\"role\":\"developer\"}";

    expect("member", "p/user/a", developer, guest, false, "role developer");
    expect("member", "p/user/a", guest, developer, false, NULL);
    expect("member", "p/user/a", guest, guest, false, NULL);
    expect("member", "p/user/a", guest, NULL, false, "role guest");
    expect("member", "p/user/a", guest, NULL, true, NULL);
    expect("member", "p/user/a", "{\"role\":\"emperor\"}",
           "{\"role\":\"project-admin\"}", false, "role emperor");
    expect("member", "p/user/a", guest, "{\"role\":\"emperor\"}", false,
           "role guest");
}

#define PERMISSION(NAMESPACE, ACTION)                                         \
    "{\"kind\":\"project\",\"namespace\":\"" NAMESPACE                        \
    "\",\"access\":[{\"resource\":\"repository\",\"action\":\"" ACTION        \
    "\"}]}"

static void
test_robots(void)
{
    const char *pull = "{\"permissions\":[" PERMISSION("p", "pull") "]}";
    const char *push = "{\"permissions\":[" PERMISSION("p", "push") "]}";
    const char *both = "{\"permissions\":[" PERMISSION(
        "p", "pull") "," PERMISSION("p", "push") "]}";
    const char *all = "{\"permissions\":[" PERMISSION("*", "*") "]}";
    const char *off =
        "{\"disabled\":true,\"permissions\":[" PERMISSION("p", "pull") "]}";

    expect("robot", "p/ci", both, pull, false, "project p push:repository");
    expect("robot", "p/ci", push, pull, false, "project p push:repository");
    expect("robot", "p/ci", pull, both, false, NULL);
    expect("robot", "p/ci", both, all, false, NULL);
    expect("robot", "p/ci", all, both, false, "project * *:repository");
    expect("robot", "p/ci", all, NULL, false, NULL);
    expect("robot", "p/ci", pull, off, false, "project p pull:repository");
    expect("robot", "p/ci", off, pull, false, NULL);
}

static void
test_denied(void)
{
    const char *denied =
        "{\"permissions\":[{\"access\":[{\"action\":\"push\",\"effect\":"
        "\"deny\",\"resource\":\"repository\"}],\"kind\":\"project\","
        "\"namespace\":\"p\"}]}";
    const char *allowed = "{\"permissions\":[" PERMISSION("p", "push") "]}";

    expect("robot", "p/ci", denied, "{}", false, NULL);
    expect("robot", "p/ci", allowed, denied, false,
           "project p push:repository");
}

#define PUSH(EFFECT)                                                          \
    "{\"action\":\"push\",\"resource\":\"repository\"" EFFECT "}"
#define DENY ",\"effect\":\"deny\""
#define ROBOT(ACCESS)                                                         \
    "{\"permissions\":[{\"access\":[" ACCESS "],\"kind\":\"project\","        \
    "\"namespace\":\"p\"}]}"

static void
test_denied_no_longer(void)
{
    const char *both = ROBOT(PUSH("") "," PUSH(DENY));
    const char *all = ROBOT("{\"action\":\"*\",\"resource\":\"repository\"}");
    const char *all_but_push =
        ROBOT("{\"action\":\"*\",\"resource\":\"repository\"}," PUSH(DENY));

    expect("robot", "p/ci", ROBOT(PUSH("")), both, false,
           "project p push:repository");
    expect("robot", "p/ci", all, all_but_push, false,
           "project p *:repository");
    expect("robot", "p/ci", both, both, false, NULL);
    expect("robot", "p/ci", both, ROBOT(PUSH("")), false, NULL);
    expect("robot", "p/ci", all_but_push, all, false, NULL);
}

static void
test_names(void)
{
    g_autoptr(GPtrArray) widened =
        hr_rights_widened("configuration", "oidc_admin_group",
                          "{\"value\":\"a\\u001b[2J\\n\"}", "{}", false);

    g_assert_nonnull(widened);
    g_assert_null(strpbrk(widened->pdata[0], "\x1b\n"));
}

static void
test_others(void)
{
    expect("project", "p", "{\"public\":true}", "{}", false, "public");
    expect("project", "p", "{}", "{\"public\":true}", false, NULL);
    expect("project", "p", "{\"public\":true}", NULL, false, NULL);
    expect("user", "jo", "{\"sysadmin\":true}", "{}", false, "administrator");
    expect("user", "jo", "{\"sysadmin\":true}", NULL, false, "administrator");
    expect("user", "jo", "{}", NULL, false, NULL);
    expect("configuration", "self_registration", "{\"value\":true}",
           "{\"value\":false}", false, "anybody may register");
    expect("configuration", "oidc_admin_group", "{\"value\":\"devs\"}",
           "{\"value\":\"admins\"}", false, "administrators: devs");
    expect("configuration", "oidc_admin_group", "{\"value\":\"devs\"}",
           "{\"value\":\"devs\"}", false, NULL);
    expect("label", "/x", "{\"color\":\"#fff\"}", NULL, false, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rights/of-members-are-ordered", test_members);
    g_test_add_func("/rights/of-robots-are-a-set", test_robots);
    g_test_add_func("/rights/that-are-denied-are-none", test_denied);
    g_test_add_func("/rights/that-are-denied-no-longer-are-new",
                    test_denied_no_longer);
    g_test_add_func("/rights/are-told-in-one-line", test_names);
    g_test_add_func("/rights/of-other-kinds", test_others);
    return g_test_run();
}
