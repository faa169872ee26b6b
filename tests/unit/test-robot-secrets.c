/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of where robots' secrets come from. */
#include "sync/robot-secrets.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define MASTER "0123456789abcdef0123456789abcdef"

static char *directory;

static char *
make_file(const char *name, const char *text, int mode)
{
    char *path = g_build_filename(directory, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
    g_assert_true(hr_file_replace(path, text, strlen(text), mode, NULL));
    return path;
}

static HrRobotSecrets *
open_secrets(const HrRobotSecretsConfig *config)
{
    g_autoptr(GError) error = NULL;
    HrRobotSecrets *secrets = hr_robot_secrets_new(config, &error);

    g_assert_no_error(error);
    return secrets;
}

static void
assert_gives(HrRobotSecrets *secrets, const char *key, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSecret) secret = hr_robot_secrets_get(secrets, key, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(hr_secret_reveal(secret), ==, expected);
}

/* The error names the robot and has `part` in it, and nothing of a secret. */
static void
assert_refuses(HrRobotSecrets *secrets, const char *key, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *robot = g_strconcat("robot ", key, NULL);

    g_assert_null(hr_robot_secrets_get(secrets, key, &error));
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, robot));
    g_assert_nonnull(strstr(error->message, part));
    g_assert_null(strstr(error->message, "Hunter"));
    g_assert_null(strstr(error->message, "hunter"));
}

static void
test_from_nowhere(void)
{
    HrRobotSecretsConfig config = {.from = HR_ROBOT_SECRETS_KEEP};
    g_autoptr(HrRobotSecrets) keep = open_secrets(&config);
    HrRobotSecretsConfig other = {.from = HR_ROBOT_SECRETS_REPORT};
    g_autoptr(HrRobotSecrets) report = open_secrets(&other);
    g_autoptr(GError) error = NULL;

    g_assert_false(hr_robot_secrets_tells(NULL));
    g_assert_false(hr_robot_secrets_tells(keep));
    g_assert_false(hr_robot_secrets_tells(report));
    g_assert_false(hr_robot_secrets_reports(NULL));
    g_assert_false(hr_robot_secrets_reports(keep));
    g_assert_true(hr_robot_secrets_reports(report));
    g_assert_null(hr_robot_secrets_get(NULL, "a", &error));
    g_assert_null(hr_robot_secrets_get(keep, "a", &error));
    g_assert_null(hr_robot_secrets_get(report, "a", &error));
    g_assert_no_error(error);
    g_assert_cmpuint(hr_robot_secrets_version(keep), ==, 0);
    g_assert_null(hr_robot_secrets_get_version(keep, "a", 2, &error));
    g_assert_error(error, HR_ERROR, HR_CONFIG);
}

static void
test_from_files(void)
{
    HrRobotSecretsConfig config = {.from = HR_ROBOT_SECRETS_FILE,
                                   .path = directory};
    g_autoptr(HrRobotSecrets) secrets = open_secrets(&config);
    g_autofree char *one = make_file("ci", "Hunter2two\n", 0600);
    g_autofree char *other = make_file("library/ci", "Hun\"ter\\2", 0600);
    g_autofree char *open = make_file("open", "Hunter2two", 0644);
    g_autofree char *weak = make_file("weak", "hunter2two", 0600);
    g_autofree char *outside = make_file("../outside", "Hunter2two", 0600);

    g_assert_true(hr_robot_secrets_tells(secrets));
    assert_gives(secrets, "ci", "{\"/secret\":\"Hunter2two\"}");
    assert_gives(secrets, "library/ci", "{\"/secret\":\"Hun\\\"ter\\\\2\"}");
    assert_refuses(secrets, "open", "open to others");
    assert_refuses(secrets, "weak", "has no upper case letter");
    assert_refuses(secrets, "missing", "/missing: No such file");
    assert_refuses(secrets, "library", "is no regular file");
    assert_refuses(secrets, "../outside", "can have no file below");
    assert_refuses(secrets, "a//b", "can have no file below");
    assert_refuses(secrets, ".", "can have no file below");
    g_assert_cmpint(g_unlink(outside), ==, 0);
}

static void
test_from_variables(void)
{
    HrRobotSecretsConfig config = {.from = HR_ROBOT_SECRETS_ENV,
                                   .prefix = (char *)"ROBOT_"};
    g_autoptr(HrRobotSecrets) secrets = open_secrets(&config);

    g_setenv("ROBOT_LIBRARY_CI_1", "Hunter2two", true);
    g_setenv("ROBOT_WEAK", "Hunterhunter", true);
    assert_gives(secrets, "library/ci-1", "{\"/secret\":\"Hunter2two\"}");
    assert_gives(secrets, "library/ci-1", "{\"/secret\":\"Hunter2two\"}");
    assert_refuses(secrets, "library/ci.1",
                   "ROBOT_LIBRARY_CI_1 would stand for robot library/ci-1");
    assert_refuses(secrets, "missing", "env:ROBOT_MISSING");
    assert_refuses(secrets, "weak", "has no digit");
}

static void
test_from_a_program(void)
{
    g_autofree char *program =
        make_file("tell",
                  "#!/bin/sh\nread robot\ntest $# = 0 || exit 2\n"
                  "case $robot in\nlibrary/ci) echo Hunter2two;;\n"
                  "weak) echo hunter;;\nmute) ;;\n"
                  "*) echo Hunter2two; exit 1;;\nesac\n",
                  0700);
    HrRobotSecretsConfig config = {.from = HR_ROBOT_SECRETS_EXEC,
                                   .command = program};
    g_autoptr(HrRobotSecrets) secrets = open_secrets(&config);
    HrRobotSecretsConfig missing = {.from = HR_ROBOT_SECRETS_EXEC,
                                    .command = (char *)"/nowhere/tell"};
    g_autoptr(HrRobotSecrets) none = open_secrets(&missing);

    assert_gives(secrets, "library/ci", "{\"/secret\":\"Hunter2two\"}");
    assert_refuses(secrets, "weak", "has not 8 to 128");
    assert_refuses(secrets, "mute", "tell printed nothing");
    assert_refuses(secrets, "other", "tell ended with an error");
    assert_refuses(none, "a", "cannot run /nowhere/tell");
}

static void
test_from_a_master_key(void)
{
    g_autofree char *path = make_file("master", MASTER "\n", 0600);
    g_autofree char *reference = g_strconcat("file:", path, NULL);
    HrRobotSecretsConfig config = {
        .from = HR_ROBOT_SECRETS_DERIVE, .key = reference, .version = 1};
    g_autoptr(HrRobotSecrets) secrets = open_secrets(&config);
    g_autoptr(HrSecret) next = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(hr_robot_secrets_version(secrets), ==, 1);
    assert_gives(secrets, "library/ci",
                 "{\"/secret\":\"hw1KrlYjesZqcd7IVFotfJzdqioLSPkm\"}");
    next = hr_robot_secrets_get_version(secrets, "ci", 2, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(hr_secret_reveal(next), ==,
                    "{\"/secret\":\"5sn4jYKB0ZLqSCmEdfuIS0V5mk9mbBW8\"}");
}

static void
test_refuses_a_short_master_key(void)
{
    g_autofree char *path = make_file("short", "Hunter2two", 0600);
    g_autofree char *reference = g_strconcat("file:", path, NULL);
    HrRobotSecretsConfig config = {
        .from = HR_ROBOT_SECRETS_DERIVE, .key = reference, .version = 1};
    g_autoptr(GError) error = NULL;

    g_assert_null(hr_robot_secrets_new(&config, &error));
    g_assert_error(error, HR_ERROR, HR_CONFIG);
    g_assert_nonnull(strstr(error->message, "shorter than 32"));
    g_assert_null(strstr(error->message, "Hunter"));
    g_clear_error(&error);
    config.key = (char *)"env:NO_SUCH_KEY";
    g_assert_null(hr_robot_secrets_new(&config, &error));
    g_assert_nonnull(strstr(error->message, "robot_secrets.key: "));
    g_assert_nonnull(strstr(error->message, "env:NO_SUCH_KEY"));
}

int
main(int argc, char **argv)
{
    g_autofree char *base = g_dir_make_tmp("robot-secrets-XXXXXX", NULL);
    char *remove[] = {(char *)"rm", (char *)"-rf", base, NULL};
    int code;

    g_test_init(&argc, &argv, NULL);
    directory = g_build_filename(base, "robots", NULL);
    g_test_add_func("/robot-secrets/from-nowhere", test_from_nowhere);
    g_test_add_func("/robot-secrets/from-files", test_from_files);
    g_test_add_func("/robot-secrets/from-variables", test_from_variables);
    g_test_add_func("/robot-secrets/from-a-program", test_from_a_program);
    g_test_add_func("/robot-secrets/from-a-master-key",
                    test_from_a_master_key);
    g_test_add_func("/robot-secrets/refuses-a-short-master-key",
                    test_refuses_a_short_master_key);
    code = g_test_run();
    g_spawn_sync(NULL, remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                 NULL, NULL, NULL);
    g_free(directory);
    return code;
}
