/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of secret references: each way to keep a secret elsewhere. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "config/secret-helper.h"
#include "config/secret-reference.h"

static char *directory;

/* A file in the test's directory; the caller frees the path. */
static char *
make_file(const char *name, const char *data, gssize size, int mode)
{
    char *path = g_build_filename(directory, name, NULL);

    if (size < 0)
        size = (gssize)strlen(data);
    g_assert_true(hr_file_replace(path, data, (size_t)size, mode, NULL));
    return path;
}

static void
assert_secret(const char *reference, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSecret) secret =
        hr_secret_reference_resolve(reference, "reg.example:5000", &error);

    g_assert_no_error(error);
    g_assert_cmpstr(hr_secret_reveal(secret), ==, expected);
}

/* The sentence names the reference and has `part` in it. */
static void
assert_refused(const char *reference, const char *part)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(
        hr_secret_reference_resolve(reference, "reg.example:5000", &error));
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, part));
    g_assert_null(strstr(error->message, "hunter2"));
}

static void
test_knows_the_forms(void)
{
    static const char *const good[] = {"env:A",     "env:_a1",
                                       "file:/x",   "cred:robot.key",
                                       "exec:pass", "exec:osx-keychain"};
    static const char *const none[] = {"", "secret", "env", "ENV:A", "http:x"};
    static const char *const bad[] = {
        "env:",    "env:1A",   "env:A B", "file:",    "file:rel", "cred:",
        "cred:..", "cred:a/b", "exec:",   "exec:a/b", "exec:.x",  "exec:a b"};

    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_true(hr_secret_reference_valid(good[i]));
        g_assert_null(hr_secret_reference_problem(good[i]));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(none); i++) {
        g_assert_false(hr_secret_reference_valid(none[i]));
        g_assert_null(hr_secret_reference_problem(none[i]));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(hr_secret_reference_valid(bad[i]));
        g_assert_nonnull(hr_secret_reference_problem(bad[i]));
        assert_refused(bad[i], "env:NAME");
    }
}

static void
test_reads_the_environment(void)
{
    g_setenv("HR_TEST_SECRET", "hunter2", true);
    assert_secret("env:HR_TEST_SECRET", "hunter2");
    g_setenv("HR_TEST_SECRET", "", true);
    assert_refused("env:HR_TEST_SECRET", "is empty");
    g_unsetenv("HR_TEST_SECRET");
    assert_refused("env:HR_TEST_SECRET", "not set");
}

static void
test_reads_a_private_file(void)
{
    static const struct {
        const char *data;
        const char *secret;
    } cases[] = {
        {"hunter2", "hunter2"},       {"hunter2\n", "hunter2"},
        {"hunter2\r\n", "hunter2"},   {"hunter2\n\n", "hunter2\n"},
        {" hunter2 \n", " hunter2 "},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = make_file("good", cases[i].data, -1, 0400);
        g_autofree char *reference = g_strconcat("file:", path, NULL);

        assert_secret(reference, cases[i].secret);
    }
}

static void
refuse_file(const char *data, gssize size, int mode, const char *part)
{
    g_autofree char *path = make_file("bad", data, size, mode);
    g_autofree char *reference = g_strconcat("file:", path, NULL);

    assert_refused(reference, part);
    assert_refused(reference, path);
}

static void
test_refuses_files_that_are_not_private(void)
{
    g_autofree char *large = g_strnfill(65537, 'x');

    refuse_file("hunter2", -1, 0640, "open to others");
    refuse_file("hunter2", -1, 0604, "open to others");
    refuse_file("hunter2", -1, 0620, "open to others");
    refuse_file("", -1, 0600, "is empty");
    refuse_file("\n", -1, 0600, "is empty");
    refuse_file("hunter2\0x", 9, 0600, "zero byte");
    refuse_file(large, -1, 0600, "larger than 64 KiB");
}

static void
test_takes_a_file_at_the_limit(void)
{
    g_autofree char *large = g_strnfill(65536, 'x');
    g_autofree char *path = make_file("good", large, -1, 0600);
    g_autofree char *reference = g_strconcat("file:", path, NULL);

    assert_secret(reference, large);
}

static void
test_refuses_what_is_no_file(void)
{
    g_autofree char *path = make_file("good", "hunter2", -1, 0600);
    g_autofree char *link = g_build_filename(directory, "link", NULL);
    g_autofree char *fifo = g_build_filename(directory, "fifo", NULL);
    g_autofree char *to_link = g_strconcat("file:", link, NULL);
    g_autofree char *to_fifo = g_strconcat("file:", fifo, NULL);
    g_autofree char *to_directory = g_strconcat("file:", directory, NULL);

    g_assert_cmpint(symlink(path, link), ==, 0);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    assert_refused(to_link, "symbolic link");
    assert_refused(to_fifo, "no regular file");
    assert_refused(to_directory, "no regular file");
    assert_refused("file:/no/such/file", "No such file");
}

static void
test_refuses_files_of_others(void)
{
    g_autofree char *path = make_file("good", "hunter2", -1, 0600);
    g_autofree char *reference = g_strconcat("file:", path, NULL);

    if (geteuid() != 0) {
        g_test_skip("only root can give a file away");
        return;
    }
    g_assert_cmpint(chown(path, 12345, (gid_t)-1), ==, 0);
    assert_refused(reference, "belongs to another user");
}

static void
test_reads_credentials_of_systemd(void)
{
    g_autofree char *path = make_file("robot", "hunter2", -1, 0440);

    g_unsetenv("CREDENTIALS_DIRECTORY");
    assert_refused("cred:robot", "LoadCredential=robot:");
    g_setenv("CREDENTIALS_DIRECTORY", directory, true);
    /* The mask of systemd's access list shows as the group's right. */
    assert_secret("cred:robot", "hunter2");
    assert_refused("cred:other", "No such file");
    g_assert_cmpint(chmod(path, 0444), ==, 0);
    assert_refused("cred:robot", "open to others");
    g_unsetenv("CREDENTIALS_DIRECTORY");
}

/* --------------------------------------------------------------- helper */

/* Puts a helper of that name into PATH; `script` is its shell script. */
static void
make_helper(const char *name, const char *script)
{
    g_autofree char *file = g_strconcat("docker-credential-", name, NULL);
    g_autofree char *text = g_strconcat("#!/bin/sh\n", script, NULL);

    g_free(make_file(file, text, -1, 0700));
}

static void
test_asks_a_helper_for_the_server(void)
{
    make_helper("good",
                "read server\n"
                "test \"$1\" = get && test \"$server\" = reg.example:5000 "
                "&& echo '{\"ServerURL\":\"x\",\"Username\":\"u\","
                "\"Secret\":\"hunter2\"}'\n");
    assert_secret("exec:good", "hunter2");
}

static void
test_asks_a_helper_for_docker_hub(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSecret) secret = NULL;

    make_helper("hub", "read server\n"
                       "test \"$server\" = https://index.docker.io/v1/ && "
                       "echo '{\"Secret\":\"hunter2\"}'\n");
    secret = hr_secret_reference_resolve("exec:hub", "registry-1.docker.io",
                                         &error);
    g_assert_no_error(error);
    g_assert_cmpstr(hr_secret_reveal(secret), ==, "hunter2");
}

static void
test_a_helper_may_leave_its_question_unread(void)
{
    make_helper("deaf", "exec <&-\necho '{\"Secret\": \"hunter2\"}'\n");
    assert_secret("exec:deaf", "hunter2");
}

static void
test_refuses_helpers_that_fail(void)
{
    make_helper("fails", "echo credentials not found: hunter2; exit 1\n");
    make_helper("dies", "echo '{\"Secret\":\"hunter2\"}'; kill -9 $$\n");
    make_helper("mute", "exit 0\n");
    make_helper("empty", "echo '{\"Secret\":\"\"}'\n");
    make_helper("chatty", "echo 'hunter2 {\"Secret\":\"hunter2\"}'\n");
    make_helper("endless", "exec cat /dev/zero\n");
    assert_refused("exec:fails", "no entry for reg.example:5000");
    assert_refused("exec:dies", "no entry for reg.example:5000");
    assert_refused("exec:mute", "no secret for reg.example:5000");
    assert_refused("exec:empty", "no secret for reg.example:5000");
    assert_refused("exec:chatty", "no secret for reg.example:5000");
    assert_refused("exec:endless", "too long");
    assert_refused("exec:missing", "no program docker-credential-missing");
}

static void
assert_late(const char *name)
{
    g_autoptr(GError) error = NULL;
    int64_t start = hr_clock_monotonic_us();

    g_assert_null(
        hr_secret_helper_ask(name, "reg.example", 200, NULL, &error));
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    g_assert_cmpint(hr_clock_monotonic_us() - start, <, 20 * 1000000);
}

static void
test_does_not_wait_for_ever(void)
{
    make_helper("slow", "sleep 60\n");
    make_helper("stays", "echo '{\"Secret\":\"hunter2\"}'\n"
                         "exec >&-\nsleep 60\n");
    assert_late("slow");
    assert_late("stays");
}

static void
test_reads_the_answer_strictly(void)
{
    static const struct {
        const char *json;
        const char *secret;
    } cases[] = {
        {"{\"Secret\":\"a\"}", "a"},
        {" {\n\"A\" : \"b\" ,\t\"Secret\" : \"c\" } \r\n", "c"},
        {"{\"Secret\":\"\"}", ""},
        {"{\"S\":\"Secret\",\"Secret\":\"x\"}", "x"},
        {"{\"Secret\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t"},
        {"{\"Secret\":\"\\u0041\\u00e9\\u20AC\"}", "A\u00e9\u20ac"},
        {"{\"Secret\":\"\\ud83d\\ude00\"}", "\U0001f600"},
        {"{\"\\u0053ecret\":\"x\"}", "x"},
        {"", NULL},
        {"{}", NULL},
        {"{\"A\":\"b\"}", NULL},
        {"\"Secret\"", NULL},
        {"{\"Secret\"}", NULL},
        {"{\"Secret\":\"x\"", NULL},
        {"{\"Secret\":\"x\"} x", NULL},
        {"{\"Secret\":\"x\",}", NULL},
        {"{\"Secret\":\"x\" \"A\":\"b\"}", NULL},
        {"{\"Secret\":\"x", NULL},
        {"{\"Secret\":\"x\\", NULL},
        {"{\"Secret\":\"\\x41\"}", NULL},
        {"{\"Secret\":\"\\u00\"}", NULL},
        {"{\"Secret\":\"\\u0000\"}", NULL},
        {"{\"Secret\":\"\\ud83d\"}", NULL},
        {"{\"Secret\":\"\\ud83d\\u0041\"}", NULL},
        {"{\"Secret\":\"\\ude00\"}", NULL},
        {"{\"Secret\":\"a\nb\"}", NULL},
        {"{\"Secret\":1}", NULL},
        {"{\"Secret\":null}", NULL},
        {"{\"Secret\":{\"Secret\":\"x\"}}", NULL},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *json = g_strdup(cases[i].json);
        const char *username;
        const char *secret;

        g_assert_cmpint(hr_secret_helper_read(json, &username, &secret), ==,
                        cases[i].secret != NULL);
        if (cases[i].secret != NULL)
            g_assert_cmpstr(secret, ==, cases[i].secret);
    }
}

static void
add_directory_to_path(void)
{
    g_autofree char *path =
        g_strconcat(directory, ":", g_getenv("PATH"), NULL);

    g_setenv("PATH", path, true);
}

static void
remove_directory(void)
{
    g_autoptr(GDir) listing = g_dir_open(directory, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(listing)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);

        g_remove(path);
    }
    g_rmdir(directory);
}

#define ADD(name, func) g_test_add_func("/secret-reference/" name, func)

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("hr-secret-XXXXXX", NULL);
    add_directory_to_path();
    ADD("knows-the-forms", test_knows_the_forms);
    ADD("reads-the-environment", test_reads_the_environment);
    ADD("reads-a-private-file", test_reads_a_private_file);
    ADD("refuses-files-that-are-not-private",
        test_refuses_files_that_are_not_private);
    ADD("takes-a-file-at-the-limit", test_takes_a_file_at_the_limit);
    ADD("refuses-what-is-no-file", test_refuses_what_is_no_file);
    ADD("refuses-files-of-others", test_refuses_files_of_others);
    ADD("reads-credentials-of-systemd", test_reads_credentials_of_systemd);
    ADD("asks-a-helper-for-the-server", test_asks_a_helper_for_the_server);
    ADD("asks-a-helper-for-docker-hub", test_asks_a_helper_for_docker_hub);
    ADD("a-helper-may-leave-its-question-unread",
        test_a_helper_may_leave_its_question_unread);
    ADD("refuses-helpers-that-fail", test_refuses_helpers_that_fail);
    ADD("does-not-wait-for-ever", test_does_not_wait_for_ever);
    ADD("reads-the-answer-strictly", test_reads_the_answer_strictly);
    result = g_test_run();
    remove_directory();
    g_free(directory);
    return result;
}
