/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as text: short, and nothing lost. */
#include <glib.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/number-text.h"

#define NUMBERS 100000

static void
expect(double value, const char *expected)
{
    char text[HR_LIB_NUMBER_CAPACITY];

    hr_lib_number_text(value, text);
    g_assert_cmpstr(text, ==, expected);
}

static void
test_known(void)
{
    expect(0, "0");
    expect(1, "1");
    expect(-17, "-17");
    expect(1000000, "1000000");
    expect(9007199254740991.0, "9007199254740991");
    expect(0.1, "0.1");
    expect(0.1 + 0.2, "0.30000000000000004");
    expect(2.5, "2.5");
    expect(0.005, "0.005");
    expect(1.0 / 3, "0.3333333333333333");
    expect(1e300, "1e+300");
    expect(-5e-324, "-5e-324");
    expect(1.7976931348623157e308, "1.7976931348623157e+308");
    expect(NAN, "NaN");
    expect(INFINITY, "+Inf");
    expect(-INFINITY, "-Inf");
}

/* Any bits that are a number come back as they were. */
static void
test_exact(void)
{
    unsigned seed = (unsigned)g_test_rand_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (unsigned i = 0; i < NUMBERS; i++) {
        uint64_t bits =
            (uint64_t)g_rand_int(random) << 32 | g_rand_int(random);
        char text[HR_LIB_NUMBER_CAPACITY];
        double value;
        double back;

        memcpy(&value, &bits, sizeof value);
        if (isnan(value))
            continue;
        hr_lib_number_text(value, text);
        back = strtod(text, NULL);
        g_assert_cmpint(memcmp(&back, &value, sizeof value), ==, 0);
        hr_lib_number_text((double)(bits >> 11), text);
        g_assert_true(strtod(text, NULL) == (double)(bits >> 11));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/number-text/is-short", test_known);
    g_test_add_func("/number-text/is-exact", test_exact);
    return g_test_run();
}
