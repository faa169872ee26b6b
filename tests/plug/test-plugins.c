/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each way of being wrong has one sentence; what is right is kept to its
 * thread model, pinned, drained and ended once. */
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "plug/inspect.h"
#include "plug/plugins.h"
#include "plug/strategy.h"

#define THREADS 8
#define DECISIONS 10

static char *room; /* a directory that only we can write */

/* Where the modules were built. */
static char *
module_path(const char *mock)
{
    g_autofree char *file = g_strconcat(mock, ".so", NULL);
    const char *build = g_getenv("HR_BUILDDIR");

    return g_build_filename(build != NULL ? build : ".", "tests", "plug",
                            ".libs", file, NULL);
}

static void
empty_room(void)
{
    GDir *dir = g_dir_open(room, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(room, name, NULL);

        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_dir_close(dir);
    g_assert_cmpint(g_chmod(room, 0755), ==, 0);
}

/* A room of another name.  A plugin that was loaded stays mapped, and the
 * dynamic linker knows it by its path. */
static void
change_room(void)
{
    g_autofree char *here = g_get_current_dir();

    if (room != NULL) {
        empty_room();
        g_rmdir(room);
        g_free(room);
    }
    room = g_build_filename(here, "plugins-XXXXXX", NULL);
    g_assert_nonnull(g_mkdtemp_full(room, 0755));
}

/* Puts a mock into the room under a plugin's name. */
static char *
install(const char *mock, const char *as)
{
    g_autofree char *from = module_path(mock);
    char *to = g_build_filename(room, as, NULL);
    g_autofree char *data = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(from, &data, &size, NULL));
    g_assert_true(g_file_set_contents(to, data, (gssize)size, NULL));
    g_assert_cmpint(g_chmod(to, 0755), ==, 0);
    return to;
}

static HrPlugins *
open_plugins(void)
{
    const char *const directories[] = {room, NULL};

    return hr_plugins_new(directories);
}

/* Loads strategy "mock" from the room and expects this in the refusal. */
static void
expect_refusal(const char *part)
{
    g_autoptr(HrPlugins) plugins = open_plugins();
    g_autoptr(GError) error = NULL;

    g_assert_null(
        hr_plugins_provider(plugins, HR_KIND_STRATEGY, "mock", &error));
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    if (strstr(error->message, part) == NULL)
        g_error("'%s' is not in '%s'", part, error->message);
    g_assert_nonnull(strstr(error->message, room));
    g_assert_null(strchr(error->message, '\n'));
}

typedef struct Wrong {
    const char *mock;
    const char *sentence;
} Wrong;

static const Wrong wrong[] = {
    {"mock-no-entry", "exports no hr_plugin_entry_v1"},
    {"mock-entry-v2", "built for plugin ABI 2, this program has 1"},
    {"mock-wrong-magic", "wrong magic number"},
    {"mock-wrong-major", "built for plugin ABI 7, this program has 1"},
    {"mock-newer-minor", "needs plugin ABI 1.9, this program has 1.0"},
    {"mock-too-small", "its description is too small (8 bytes"},
    {"mock-ops-too-small", "its table of functions is too small (8 bytes"},
    {"mock-duplicate", "provider strategy 'mock': it is provided twice"},
    {"mock-missing-function", "the required function 'decide' is missing"},
    {"mock-undefined", "hr_mock_symbol_of_nobody"},
    {"mock-init-fails", "its init failed: unsupported"},
    {"mock-wrong-kind", "its kind 9 is not known"},
    {"mock-wrong-ops", "its table of functions is too small"},
    {"mock-wrong-threads", "its thread model 5 is not known"},
    {"mock-bad-name", "not of the form [a-z0-9-]"},
    {"mock-nothing", "it provides nothing"},
    {"mock-other-name", "belongs into a file strategy-other.so"},
};

static void
test_wrong(gconstpointer data)
{
    const Wrong *what = data;
    g_autofree char *file = NULL;

    empty_room();
    file = install(what->mock, "strategy-mock.so");
    expect_refusal(what->sentence);
    change_room();
}

/* What inspect says of the same files, without loading them here. */
static void
test_inspect(gconstpointer data)
{
    const Wrong *what = data;
    g_autofree char *file = NULL;
    g_autofree char *text = NULL;
    bool acceptable = true;

    empty_room();
    file = install(what->mock, "strategy-mock.so");
    text = hr_plugin_inspect(file, false, &acceptable, NULL);
    g_assert_false(acceptable);
    if (strstr(text, what->sentence) == NULL)
        g_error("'%s' is not in '%s'", what->sentence, text);
}

static void
test_writable_file(void)
{
    g_autofree char *file = NULL;

    empty_room();
    file = install("mock-good", "strategy-mock.so");
    g_assert_cmpint(g_chmod(file, 0777), ==, 0);
    expect_refusal("is writable by others");
}

static void
test_writable_directory(void)
{
    g_autofree char *file = NULL;

    empty_room();
    file = install("mock-good", "strategy-mock.so");
    g_assert_cmpint(g_chmod(room, 0777), ==, 0);
    expect_refusal("is writable by others, who could swap plugins");
    g_assert_cmpint(g_chmod(room, 0755), ==, 0);
}

static void
test_writable_parent(void)
{
    g_autofree char *inner = g_build_filename(room, "inner", NULL);
    g_autofree char *file = NULL;
    g_autofree char *moved = g_build_filename(inner, "strategy-mock.so", NULL);
    const char *const directories[] = {inner, NULL};
    g_autoptr(HrPlugins) plugins = hr_plugins_new(directories);
    g_autoptr(GError) error = NULL;

    empty_room();
    file = install("mock-good", "strategy-mock.so");
    g_assert_cmpint(g_mkdir(inner, 0755), ==, 0);
    g_assert_cmpint(g_rename(file, moved), ==, 0);
    g_assert_cmpint(g_chmod(room, 0777), ==, 0);
    g_assert_null(
        hr_plugins_provider(plugins, HR_KIND_STRATEGY, "mock", &error));
    g_assert_nonnull(strstr(error->message, "writable by others"));
    g_assert_cmpint(g_chmod(room, 0755), ==, 0);
    g_unlink(moved);
    g_rmdir(inner);
}

static void
test_symlink(void)
{
    g_autofree char *target = module_path("mock-good");
    g_autofree char *link = g_build_filename(room, "strategy-mock.so", NULL);

    empty_room();
    g_assert_cmpint(symlink(target, link), ==, 0);
    expect_refusal("symbolic link that leads out of the plugin directory");
}

static void
test_no_object(void)
{
    g_autofree char *file = NULL;
    g_autofree char *text = NULL;
    bool acceptable = true;

    empty_room();
    file = install("mock-good", "strategy-mock.so");
    g_assert_true(g_file_set_contents(file, "#!/bin/sh\n", -1, NULL));
    g_chmod(file, 0755);
    expect_refusal("it cannot be loaded");
    text = hr_plugin_inspect(file, false, &acceptable, NULL);
    g_assert_false(acceptable);
    g_assert_nonnull(strstr(text, "no ELF file"));
}

/* The ELF header says another machine; and a file that ends too soon. */
static void
test_foreign_object(void)
{
    g_autofree char *file = NULL;
    g_autofree char *data = NULL;
    g_autofree char *text = NULL;
    g_autofree char *cut = NULL;
    bool acceptable = true;
    gsize size;

    empty_room();
    file = install("mock-good", "strategy-mock.so");
    g_assert_true(g_file_get_contents(file, &data, &size, NULL));
    g_assert_true(g_file_set_contents(file, data, 700, NULL));
    cut = hr_plugin_inspect(file, false, &acceptable, NULL);
    g_assert_false(acceptable);
    g_assert_nonnull(strstr(cut, "cut off"));
    data[18] ^= 0x55;
    g_assert_true(g_file_set_contents(file, data, (gssize)size, NULL));
    text = hr_plugin_inspect(file, false, &acceptable, NULL);
    g_assert_false(acceptable);
    g_assert_nonnull(strstr(text, "another machine"));
    g_chmod(file, 0755);
    expect_refusal("it cannot be loaded");
}

static void
test_missing(void)
{
    g_autofree char *file = NULL;
    g_autoptr(HrPlugins) plugins = open_plugins();
    g_autoptr(GError) error = NULL;

    empty_room();
    file = install("mock-good", "strategy-mock.so");
    g_assert_null(
        hr_plugins_provider(plugins, HR_KIND_STRATEGY, "mook", &error));
    g_assert_nonnull(strstr(error->message, "there are: mock"));
    g_clear_error(&error);
    g_assert_null(hr_plugins_provider(plugins, HR_KIND_STRATEGY,
                                      "../../etc/passwd", &error));
    g_assert_nonnull(strstr(error->message, "is no name of a strategy"));
}

static void
test_duplicate_files(void)
{
    g_autofree char *other = NULL;
    g_autofree char *mock = NULL;
    g_autoptr(HrPlugins) plugins = open_plugins();
    g_autoptr(GPtrArray) refusals = g_ptr_array_new_with_free_func(g_free);

    empty_room();
    mock = install("mock-good", "strategy-mock.so");
    other = install("mock-other-and-mock", "strategy-other.so");
    hr_plugins_load_all(plugins, refusals);
    g_assert_cmpuint(hr_plugins_modules(plugins)->len, ==, 1);
    g_assert_cmpuint(refusals->len, ==, 1);
    g_assert_nonnull(
        strstr(refusals->pdata[0], "strategy 'mock' is provided by"));
    change_room();
}

static void
test_survives(void)
{
    static const Wrong hard[] = {
        {"mock-crashes", "crashes"},
        {"mock-hangs", "does not come back"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(hard); i++) {
        g_autofree char *file = NULL;
        g_autofree char *text = NULL;
        bool acceptable = true;

        empty_room();
        file = install(hard[i].mock, "strategy-mock.so");
        text = hr_plugin_inspect(file, false, &acceptable, NULL);
        g_assert_false(acceptable);
        g_assert_nonnull(strstr(text, hard[i].sentence));
    }
}

static void
test_inspect_good(void)
{
    g_autofree char *log = g_build_filename(room, "log", NULL);
    g_autofree char *file = NULL;
    g_autofree char *text = NULL;
    bool acceptable = false;

    empty_room();
    file = install("mock-good", "strategy-mock.so");
    g_setenv("MOCK_LOG", log, true);
    text = hr_plugin_inspect(file, false, &acceptable, NULL);
    g_unsetenv("MOCK_LOG");
    g_assert_true(acceptable);
    g_assert_nonnull(strstr(text, "strategy-mock"));
    g_assert_nonnull(strstr(text, "1.2.3"));
    g_assert_nonnull(strstr(text, "threads serial"));
    g_assert_false(g_file_test(log, G_FILE_TEST_EXISTS));
}

/* ------------------------------------------------------- thread models */

static HrStrategy *strategies[2];

static void *
decide_often(void *data)
{
    HrStrategy *strategy = strategies[GPOINTER_TO_UINT(data) % 2];
    g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
    hr_conflict conflict = {.struct_size = sizeof conflict,
                            .mode = HR_MODE_ONE_WAY,
                            .kind = "tag",
                            .key = "a:1"};

    for (unsigned i = 0; i < DECISIONS; i++) {
        hr_decision decision;

        g_assert_true(
            hr_strategy_decide(strategy, call, &conflict, &decision, NULL));
        g_assert_cmpuint(decision.action, ==, HR_DECIDE_SOURCE);
    }
    return NULL;
}

/* Runs two instances under eight threads; the most that were inside at once,
 * over both and in either. */
static void
measure(const char *mock, int *most, int *in_one)
{
    g_autoptr(HrPlugins) plugins = open_plugins();
    g_autoptr(HrCall) call = hr_call_new(NULL, HR_TIME_NEVER);
    g_autofree char *file = NULL;
    const hr_provider *provider;
    pthread_t threads[THREADS];
    hr_conflict conflict = {.struct_size = sizeof conflict};
    hr_decision decision;
    int misuse;
    int cancelled;

    empty_room();
    file = install(mock, "strategy-mock.so");
    provider = hr_plugins_provider(plugins, HR_KIND_STRATEGY, "mock", NULL);
    g_assert_nonnull(provider);
    for (unsigned i = 0; i < 2; i++)
        strategies[i] = hr_strategy_open(plugins, provider, NULL, call, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, decide_often, GUINT_TO_POINTER(i));
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_assert_true(
        hr_strategy_decide(strategies[0], call, &conflict, &decision, NULL));
    g_assert_cmpint(
        sscanf(decision.reason,
               "most %d, in one instance %d, misuse %d, cancelled %d", most,
               in_one, &misuse, &cancelled),
        ==, 4);
    g_assert_cmpint(misuse, ==, HR_BUG);
    g_assert_cmpint(cancelled, ==, 0);
    for (unsigned i = 0; i < 2; i++)
        hr_strategy_close(strategies[i]);
    change_room();
}

static void
test_thread_models(void)
{
    int most;
    int in_one;

    hr_log_configure(-1, HR_LOG_FORMAT_TEXT, false);
    measure("mock-good", &most, &in_one);
    g_assert_cmpint(most, ==, 1);
    measure("mock-per-instance", &most, &in_one);
    g_assert_cmpint(most, ==, 2);
    g_assert_cmpint(in_one, ==, 1);
    measure("mock-parallel", &most, &in_one);
    g_assert_cmpint(in_one, >, 1);
    hr_log_configure(HR_LOG_INFO, HR_LOG_FORMAT_TEXT, false);
}

static void *
unpin_later(void *data)
{
    g_usleep(100000);
    hr_module_unpin(data);
    return NULL;
}

/* Ended once each, newest first, and not before the last pin has gone. */
static void
test_end(void)
{
    g_autofree char *log = g_strconcat(room, ".log", NULL);
    HrPlugins *plugins = open_plugins();
    g_autofree char *mock = NULL;
    g_autofree char *other = NULL;
    g_autofree char *text = NULL;
    const hr_provider *provider;
    pthread_t thread;
    int64_t start;

    empty_room();
    mock = install("mock-good", "strategy-mock.so");
    other = install("mock-other-name", "strategy-other.so");
    g_unlink(log);
    g_setenv("MOCK_LOG", log, true);
    provider = hr_plugins_provider(plugins, HR_KIND_STRATEGY, "mock", NULL);
    g_assert_nonnull(provider);
    g_assert_nonnull(
        hr_plugins_provider(plugins, HR_KIND_STRATEGY, "other", NULL));
    hr_module_pin(hr_plugins_module(plugins, provider));
    pthread_create(&thread, NULL, unpin_later,
                   hr_plugins_module(plugins, provider));
    start = hr_clock_monotonic_us();
    hr_plugins_free(plugins);
    g_assert_cmpint(hr_clock_monotonic_us() - start, >=, 90000);
    pthread_join(thread, NULL);
    g_unsetenv("MOCK_LOG");
    g_assert_true(g_file_get_contents(log, &text, NULL, NULL));
    g_assert_cmpstr(text, ==,
                    "init mock\ninit other\nfini other\nfini mock\n");
    g_unlink(log);
    change_room();
}

/* What failed to start is not started again, and fails for the same reason. */
static void
test_init_once(void)
{
    g_autofree char *file = NULL;
    g_autofree char *log = NULL;
    g_autofree char *said = NULL;
    g_autofree char *first = NULL;
    g_autoptr(HrPlugins) plugins = NULL;

    empty_room();
    file = install("mock-init-fails", "strategy-mock.so");
    log = g_build_filename(room, "log", NULL);
    g_setenv("MOCK_LOG", log, true);
    plugins = open_plugins();
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(
            hr_plugins_provider(plugins, HR_KIND_STRATEGY, "mock", &error));
        if (i == 0)
            first = g_strdup(error->message);
        g_assert_cmpstr(error->message, ==, first);
    }
    g_unsetenv("MOCK_LOG");
    g_assert_true(g_file_get_contents(log, &said, NULL, NULL));
    g_assert_cmpstr(said, ==, "init mock\n");
    g_assert_cmpuint(hr_plugins_modules(plugins)->len, ==, 0);
    change_room();
}

/* A plugin built from the headers of ABI 1.0 as they were frozen. */
static void
test_frozen(void)
{
    g_autoptr(HrPlugins) plugins = open_plugins();
    g_autoptr(GError) error = NULL;
    g_autofree char *file = NULL;

    empty_room();
    file = install("mock-frozen", "strategy-mock.so");
    g_assert_nonnull(
        hr_plugins_provider(plugins, HR_KIND_STRATEGY, "mock", &error));
    g_assert_no_error(error);
    change_room();
}

static void
add_wrong_cases(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *load = g_strdup_printf(
            "/plugins/refuses/%s", wrong[i].mock + strlen("mock-"));
        g_autofree char *look = g_strdup_printf(
            "/inspect/tells/%s", wrong[i].mock + strlen("mock-"));
        bool only_loading = strcmp(wrong[i].mock, "mock-init-fails") == 0 ||
                            strcmp(wrong[i].mock, "mock-other-name") == 0 ||
                            strcmp(wrong[i].mock, "mock-entry-v2") == 0;

        g_test_add_data_func(load, &wrong[i], test_wrong);
        if (!only_loading)
            g_test_add_data_func(look, &wrong[i], test_inspect);
    }
}

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    change_room();
    add_wrong_cases();
    g_test_add_func("/plugins/refuses/writable-file", test_writable_file);
    g_test_add_func("/plugins/refuses/writable-directory",
                    test_writable_directory);
    g_test_add_func("/plugins/refuses/writable-parent", test_writable_parent);
    g_test_add_func("/plugins/refuses/symlink-out", test_symlink);
    g_test_add_func("/plugins/refuses/no-shared-object", test_no_object);
    g_test_add_func("/plugins/refuses/foreign-or-cut-object",
                    test_foreign_object);
    g_test_add_func("/plugins/refuses/second-file-of-a-provider",
                    test_duplicate_files);
    g_test_add_func("/plugins/lists-what-is-there-for-a-missing-one",
                    test_missing);
    g_test_add_func("/plugins/starts-what-fails-to-start-once",
                    test_init_once);
    g_test_add_func("/plugins/loads-one-built-from-the-frozen-headers",
                    test_frozen);
    g_test_add_func("/inspect/survives-a-crash-and-a-hang", test_survives);
    g_test_add_func("/inspect/describes-without-running-init",
                    test_inspect_good);
    g_test_add_func("/plugins/keeps-to-the-thread-model", test_thread_models);
    g_test_add_func("/plugins/ends-each-once-and-waits-for-pins", test_end);
    result = g_test_run();
    empty_room();
    g_rmdir(room);
    g_free(room);
    return result;
}
