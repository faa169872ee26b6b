/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of reading how much of an upload a registry has. */
#include <glib.h>

#include "lib/upload-range.h"

typedef struct Case {
    const char *name;
    const char *text;
    uint64_t bytes;
} Case;

static const Case cases[] = {
    {"counts-both-ends", "0-499", 500},
    {"takes-the-unit-of-others", "bytes=0-499", 500},
    {"takes-a-unit-before-a-blank", "bytes 0-0123", 124},
    {"takes-large-ones", "0-9223372036854775806",
     UINT64_C(9223372036854775807)},
    {"has-nothing-without-a-header", NULL, 0},
    {"has-nothing-at-the-start", "0-0", 0},
    {"has-nothing-that-starts-elsewhere", "5-499", 0},
    {"reads-no-more-than-there-is", "0-499/500", 0},
    {"reads-no-sign", "0--4", 0},
    {"reads-no-plus", "0-+4", 0},
    {"reads-nothing-too-large", "0-9223372036854775807", 0},
    {"reads-nothing-empty", "", 0},
    {"reads-nothing-half", "0-", 0},
    {"reads-no-other-unit", "lines=0-4", 0},
};

static void
test_reads(gconstpointer data)
{
    const Case *one = data;

    g_assert_cmpuint(hr_lib_upload_range(one->text), ==, one->bytes);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path =
            g_strconcat("/upload-range/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_reads);
    }
    return g_test_run();
}
