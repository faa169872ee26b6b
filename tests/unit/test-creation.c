/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered of when images were created. */
#include "sync/creation.h"

#include <glib.h>

static void
test_memory(void)
{
    g_autoptr(HrCreationMemory) memory = hr_creation_memory_new(2);
    int64_t us = 0;

    g_assert_false(hr_creation_memory_find(memory, "sha256:a", &us));
    hr_creation_memory_add(memory, "sha256:a", 1);
    hr_creation_memory_add(memory, "sha256:b", HR_CREATED_UNKNOWN);
    hr_creation_memory_add(memory, "sha256:a", 3);
    g_assert_true(hr_creation_memory_find(memory, "sha256:a", &us));
    g_assert_cmpint(us, ==, 1);
    g_assert_true(hr_creation_memory_find(memory, "sha256:b", &us));
    g_assert_cmpint(us, ==, HR_CREATED_UNKNOWN);
    hr_creation_memory_add(memory, "sha256:c", 5);
    g_assert_false(hr_creation_memory_find(memory, "sha256:a", &us));
    g_assert_true(hr_creation_memory_find(memory, "sha256:b", &us));
    g_assert_true(hr_creation_memory_find(memory, "sha256:c", &us));
    g_assert_cmpint(us, ==, 5);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/creation/remembers-so-many", test_memory);
    return g_test_run();
}
