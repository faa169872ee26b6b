/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of robot secrets: the same from the same key, and always allowed. */
#include "model/robot-secret.h"

#include <string.h>

#define KEY "0123456789abcdef0123456789abcdef"

static void
assert_derived(unsigned version, const char *robot, const char *expected)
{
    g_autoptr(HrSecret) key = hr_secret_new(KEY);
    g_autoptr(HrSecret) secret = hr_robot_secret_derive(key, version, robot);

    g_assert_cmpstr(hr_secret_reveal(secret), ==, expected);
}

/* Computed by another program from the description in the header. */
static void
test_derives_what_is_described(void)
{
    assert_derived(1, "ci", "p5mx4QPo7E4l842NZrzpkYuykVNkThze");
    assert_derived(2, "ci", "5sn4jYKB0ZLqSCmEdfuIS0V5mk9mbBW8");
    assert_derived(1, "library/ci", "hw1KrlYjesZqcd7IVFotfJzdqioLSPkm");
    assert_derived(1, "library", "RlXBT5AvK6tAq7NN0QizCsCLolbPJiJf");
    assert_derived(7, "f\u00fcr/alle", "EG2AhJVfhp72ZRbqsP28JH9XSrngUWHN");
    /* Its first group is not good. */
    assert_derived(1, "r891", "MpvxtHadOZjll8C8FRQvTuz4axuG4kPb");
}

static void
test_depends_on_everything(void)
{
    static const struct {
        const char *key;
        unsigned version;
        const char *robot;
    } cases[] = {
        {KEY, 1, "a"},        {KEY, 11, "a"},  {KEY "x", 1, "a"},
        {KEY, 1, "a/b"},      {KEY, 1, "ab"},  {KEY, 1, "a/b/c"},
        {KEY, 1, "system/a"}, {KEY, 1, "b/a"},
    };
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(HrSecret) key = hr_secret_new(cases[i].key);
        g_autoptr(HrSecret) secret =
            hr_robot_secret_derive(key, cases[i].version, cases[i].robot);

        g_assert_true(
            g_hash_table_add(seen, g_strdup(hr_secret_reveal(secret))));
    }
}

/* Of many characters each comes about as often: a remainder that is not fair
 * would give the first ones a quarter more. */
static void
test_is_always_allowed_and_fair(void)
{
    enum {
        ROBOTS = 10000
    };
    g_autoptr(HrSecret) key = hr_secret_new(KEY);
    unsigned counts[128] = {0};
    unsigned least = G_MAXUINT, most = 0;

    for (unsigned i = 0; i < ROBOTS; i++) {
        g_autofree char *robot = g_strdup_printf("p%u/robot-%u", i % 7, i);
        g_autoptr(HrSecret) secret = hr_robot_secret_derive(key, 1, robot);
        const char *text = hr_secret_reveal(secret);

        g_assert_cmpuint(strlen(text), ==, 32);
        g_assert_null(hr_robot_secret_problem(text));
        for (; *text != '\0'; text++) {
            g_assert_true(g_ascii_isalnum(*text));
            counts[(unsigned char)*text]++;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++)
        if (counts[i] > 0) {
            least = MIN(least, counts[i]);
            most = MAX(most, counts[i]);
        }
    g_test_message("%u to %u of each", least, most);
    g_assert_cmpuint(least * 110, >, most * 100);
}

static void
test_knows_what_is_allowed(void)
{
    g_autofree char *longest = g_strnfill(128, 'x');
    g_autofree char *longer = g_strnfill(129, 'x');

    memcpy(longest, "A1", 2);
    memcpy(longer, "A1", 2);
    g_assert_null(hr_robot_secret_problem("Abcdefg1"));
    g_assert_null(hr_robot_secret_problem("\u00e4\u00f6 A\"b\\c1"));
    g_assert_null(hr_robot_secret_problem(longest));
    g_assert_cmpstr(hr_robot_secret_problem("Abcdef1"), ==,
                    "has not 8 to 128 characters");
    g_assert_cmpstr(hr_robot_secret_problem(longer), ==,
                    "has not 8 to 128 characters");
    g_assert_cmpstr(hr_robot_secret_problem("abcdefg1"), ==,
                    "has no upper case letter");
    g_assert_cmpstr(hr_robot_secret_problem("ABCDEFG1"), ==,
                    "has no lower case letter");
    g_assert_cmpstr(hr_robot_secret_problem("Abcdefgh"), ==, "has no digit");
    g_assert_cmpstr(hr_robot_secret_problem("Abcdefg1\n"), ==,
                    "has a control character in it");
    g_assert_cmpstr(hr_robot_secret_problem("Abcdefg1\xff"), ==,
                    "is no UTF-8");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/robot-secret/derives-what-is-described",
                    test_derives_what_is_described);
    g_test_add_func("/robot-secret/depends-on-everything",
                    test_depends_on_everything);
    g_test_add_func("/robot-secret/is-always-allowed-and-fair",
                    test_is_always_allowed_and_fair);
    g_test_add_func("/robot-secret/knows-what-is-allowed",
                    test_knows_what_is_allowed);
    return g_test_run();
}
