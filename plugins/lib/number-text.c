/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as text. */
#include "number-text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* 2^53: whole numbers below it are exact. */
#define WHOLE_LIMIT 9007199254740992.0

void
hr_lib_number_text(double value, char text[HR_LIB_NUMBER_CAPACITY])
{
    if (isnan(value) || isinf(value)) {
        snprintf(text, HR_LIB_NUMBER_CAPACITY, "%s",
                 isnan(value) ? "NaN"
                 : value > 0  ? "+Inf"
                              : "-Inf");
        return;
    }
    /* Counts stay whole, where %g would write an exponent. */
    if (value > -WHOLE_LIMIT && value < WHOLE_LIMIT &&
        (double)(int64_t)value == value) {
        snprintf(text, HR_LIB_NUMBER_CAPACITY, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, HR_LIB_NUMBER_CAPACITY, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return;
    }
}
