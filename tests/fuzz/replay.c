/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replay: hands a target the files of its corpus, one TAP case each.
 *
 *     fuzz-NOUN              all files of tests/fuzz/corpus/NOUN
 *     fuzz-NOUN FILE...      these files
 *
 * A file that is a finding ends the program; the line before names it.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
order_paths(gconstpointer one, gconstpointer other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static char *
corpus_path(void)
{
    const char *top = g_getenv("HR_SRCDIR");

    return g_build_filename(top != NULL ? top : "..", "tests", "fuzz",
                            "corpus", fuzz_noun, NULL);
}

static void
add_corpus(GPtrArray *paths)
{
    g_autofree char *folder = corpus_path();
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) directory = g_dir_open(folder, 0, &error);
    const char *name;

    if (directory == NULL) {
        printf("Bail out! %s\n", error->message);
        exit(1);
    }
    while ((name = g_dir_read_name(directory)) != NULL)
        g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(paths, order_paths);
}

/* From memory of just that size, so that reading behind it is noticed. */
static void
replay(const char *path)
{
    g_autofree char *bytes = NULL;
    g_autofree uint8_t *input = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;

    if (!g_file_get_contents(path, &bytes, &size, &error)) {
        printf("Bail out! %s\n", error->message);
        exit(1);
    }
    input = g_malloc(MAX(size, 1));
    memcpy(input, bytes, size);
    LLVMFuzzerTestOneInput(input, size);
}

int
main(int argc, char **argv)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        if (!g_str_has_prefix(argv[i], "--"))
            g_ptr_array_add(paths, g_strdup(argv[i]));
    if (paths->len == 0)
        add_corpus(paths);
    if (paths->len == 0) {
        printf("Bail out! the corpus of %s is empty\n", fuzz_noun);
        return 1;
    }
    printf("1..%u\n", paths->len);
    for (guint i = 0; i < paths->len; i++) {
        g_autofree char *name = g_path_get_basename(paths->pdata[i]);

        printf("# %s\n", name);
        fflush(stdout);
        replay(paths->pdata[i]);
        printf("ok %u - %s/%s\n", i + 1, fuzz_noun, name);
    }
    return 0;
}
