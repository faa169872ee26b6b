/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what registry-harbor remembers of names and ids. */
#include <glib.h>

#include "registry-harbor/harbor.h"

typedef hr_registry Fixture;

static void
set_up(Fixture *registry, gconstpointer data)
{
    (void)data;
    pthread_mutex_init(&registry->lock, NULL);
}

static void
tear_down(Fixture *registry, gconstpointer data)
{
    (void)data;
    json_decref(registry->memory.ids);
    json_decref(registry->memory.names);
    pthread_mutex_destroy(&registry->lock);
}

static void
assert_name(Fixture *registry, int64_t id, const char *wanted)
{
    char *name = harbor_recall_name(registry, "registry", id);

    g_assert_cmpstr(name, ==, wanted);
    free(name);
}

static void
test_finds_both_ways(Fixture *registry, gconstpointer data)
{
    (void)data;
    harbor_remember(registry, "registry", "hub", 7);
    harbor_remember(registry, "label", "hub", 8);
    g_assert_cmpint(harbor_recall(registry, "registry", "hub"), ==, 7);
    g_assert_cmpint(harbor_recall(registry, "label", "hub"), ==, 8);
    assert_name(registry, 7, "hub");
    harbor_forget(registry, "registry", "hub");
    g_assert_cmpint(harbor_recall(registry, "registry", "hub"), ==, 0);
    assert_name(registry, 7, NULL);
}

static void
test_what_was_renamed_has_one_name(Fixture *registry, gconstpointer data)
{
    (void)data;
    harbor_remember(registry, "registry", "hub", 7);
    harbor_remember(registry, "registry", "mirror", 7);
    g_assert_cmpint(harbor_recall(registry, "registry", "hub"), ==, 0);
    g_assert_cmpint(harbor_recall(registry, "registry", "mirror"), ==, 7);
    assert_name(registry, 7, "mirror");
}

static void
test_what_was_made_anew_has_one_id(Fixture *registry, gconstpointer data)
{
    (void)data;
    harbor_remember(registry, "registry", "hub", 7);
    harbor_remember(registry, "registry", "hub", 9);
    g_assert_cmpint(harbor_recall(registry, "registry", "hub"), ==, 9);
    assert_name(registry, 7, NULL);
    assert_name(registry, 9, "hub");
}

static void
test_names_may_change_places(Fixture *registry, gconstpointer data)
{
    (void)data;
    harbor_remember(registry, "registry", "one", 1);
    harbor_remember(registry, "registry", "two", 2);
    harbor_remember(registry, "registry", "two", 1);
    harbor_remember(registry, "registry", "one", 2);
    g_assert_cmpint(harbor_recall(registry, "registry", "two"), ==, 1);
    g_assert_cmpint(harbor_recall(registry, "registry", "one"), ==, 2);
    assert_name(registry, 1, "two");
    assert_name(registry, 2, "one");
}

static void
add(const char *path, void (*test)(Fixture *registry, gconstpointer data))
{
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/harbor-memory/finds-both-ways", test_finds_both_ways);
    add("/harbor-memory/what-was-renamed-has-one-name",
        test_what_was_renamed_has_one_name);
    add("/harbor-memory/what-was-made-anew-has-one-id",
        test_what_was_made_anew_has_one_id);
    add("/harbor-memory/names-may-change-places",
        test_names_may_change_places);
    return g_test_run();
}
