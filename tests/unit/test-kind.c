/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kinds: what belongs where, what comes first, and what needs what. */
#include <glib.h>
#include <string.h>

#include "model/kind.h"

static void
test_table(void)
{
    HrKind other = hr_kind_of("weather");

    for (unsigned i = 0; hr_kind_standard(i) != NULL; i++) {
        const HrKind *kind = hr_kind_standard(i);

        g_assert_true(hr_kind_name_valid(kind->name));
        g_assert_true(hr_kind_is_standard(kind->name));
        g_assert_false(hr_kind_is_content(kind->name));
        g_assert_true(i == 0 || kind[-1].rank < kind->rank);
    }
    g_assert_false(hr_kind_is_standard("weather"));
    g_assert_cmpstr(other.name, ==, "weather");
    g_assert_true(other.name == hr_kind_intern("weather"));
    g_assert_true(hr_kind_of("robot").name == hr_kind_intern("robot"));
    g_assert_null(hr_kind_intern(NULL));
    g_assert_cmpint(other.rank, ==, HR_RANK_OTHER);
    g_assert_true(hr_kind_is_content("tag"));
    g_assert_cmpint(hr_kind_of("tag").rank, ==, HR_RANK_CONTENT);
}

static void
test_names(void)
{
    g_autofree char *longest = g_strnfill(64, 'a');
    g_autofree char *longer = g_strnfill(65, 'a');

    g_assert_true(hr_kind_name_valid("artifact-label"));
    g_assert_true(hr_kind_name_valid(longest));
    g_assert_false(hr_kind_name_valid(longer));
    g_assert_false(hr_kind_name_valid(""));
    g_assert_false(hr_kind_name_valid("-a"));
    g_assert_false(hr_kind_name_valid("../a"));
    g_assert_false(hr_kind_name_valid("Tag"));
}

static void
expect_project(const char *name, const char *key, const char *expected)
{
    HrKind kind = hr_kind_of(name);
    g_autofree char *project = hr_kind_project(&kind, key);

    g_assert_cmpstr(project, ==, expected);
}

static void
test_projects(void)
{
    expect_project("project", "library", "library");
    expect_project("quota", "library", "library");
    expect_project("member", "library/oidc/devs", "library");
    expect_project("robot", "library/ci", "library");
    expect_project("robot", "ci", NULL);
    expect_project("label", "/urgent", NULL);
    expect_project("repository", "library/a/b", "library");
    expect_project("artifact-label", "library/a@sha256:00", "library");
    expect_project("usergroup", "oidc/devs", NULL);
    expect_project("weather", "a/b", NULL);
}

static HrRank
rank(const char *name, const char *key, const char *wanted, const char *found)
{
    HrKind kind = hr_kind_of(name);

    return hr_kind_rank(&kind, key, wanted, found);
}

static void
test_ranks(void)
{
    const char *small = "{\"storage\":100}";
    const char *large = "{\"storage\":200}";
    const char *unlimited = "{\"storage\":-1}";

    g_assert_cmpint(rank("label", "/a", "{}", NULL), ==, HR_RANK_GLOBAL_LABEL);
    g_assert_cmpint(rank("label", "p/a", "{}", NULL), ==,
                    HR_RANK_PROJECT_LABEL);
    g_assert_cmpint(rank("quota", "p", large, small), ==, HR_RANK_QUOTA);
    g_assert_cmpint(rank("quota", "p", small, NULL), ==, HR_RANK_QUOTA);
    g_assert_cmpint(rank("quota", "p", small, large), ==,
                    HR_RANK_QUOTA_LOWERED);
    g_assert_cmpint(rank("quota", "p", unlimited, large), ==, HR_RANK_QUOTA);
    g_assert_cmpint(rank("quota", "p", large, unlimited), ==,
                    HR_RANK_QUOTA_LOWERED);
}

static void
expect_needs(const char *name, const char *key, const char *text,
             const char *expected)
{
    HrKind kind = hr_kind_of(name);
    g_autoptr(GPtrArray) needs = hr_kind_dependencies(&kind, key, text);
    g_autofree char *all = NULL;

    g_ptr_array_add(needs, NULL);
    all = g_strjoinv(" ", (char **)needs->pdata);
    g_assert_cmpstr(all, ==, expected);
}

static void
test_dependencies(void)
{
    expect_needs("project", "a", "{\"public\":true}", "");
    expect_needs("project", "a",
                 "{\"proxy_registry\":\"hub\",\"scanner\":\"trivy\"}",
                 "registry:hub scanner:trivy");
    expect_needs("member", "a/oidc/devs", "{\"role\":\"guest\"}",
                 "project:a usergroup:oidc/devs");
    expect_needs("member", "a/user/jo", "{\"role\":\"guest\"}",
                 "project:a user:jo");
    expect_needs("robot", "ci",
                 "{\"permissions\":[{\"kind\":\"project\",\"namespace\":\"a\"}"
                 ",{\"kind\":\"project\",\"namespace\":\"*\"},"
                 "{\"kind\":\"system\",\"namespace\":\"/\"}]}",
                 "project:a");
    expect_needs("artifact-label", "a/b@sha256:00",
                 "{\"labels\":[\"/x\",\"a/y\"]}",
                 "project:a label:/x label:a/y");
    expect_needs("label", "/x", "{}", "");
    expect_needs("retention", "a", "{}", "project:a");
    expect_needs("replication", "r", "{\"dest_registry\":\"hub\"}",
                 "registry:hub");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kind/the-table-is-in-the-order-of-writing", test_table);
    g_test_add_func("/kind/names-are-plain", test_names);
    g_test_add_func("/kind/keys-tell-their-project", test_projects);
    g_test_add_func("/kind/labels-and-quotas-have-two-places", test_ranks);
    g_test_add_func("/kind/what-a-document-needs", test_dependencies);
    return g_test_run();
}
