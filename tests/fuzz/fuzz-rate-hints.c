/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers about rates, one "Name: value" a line: what is read points into the
 * field, and the pace that follows is one that can be kept. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "guard/rate-hints.h"
#include "guard/structured-field.h"

#define NOW_US INT64_C(1000000000000)
#define WALL_S 1700000000
#define YEAR_US (INT64_C(367) * 86400 * 1000000)

const char fuzz_noun[] = "rate-hints";

static void
check_span(HrFieldText text, const char *field)
{
    if (text.at == NULL)
        return;
    g_assert_true(text.at >= field);
    g_assert_true(text.at + text.length <= field + strlen(field));
}

static void
check_field(const char *field)
{
    HrFieldPart parts[HR_FIELD_PARTS];
    unsigned count = hr_field_read(field, parts);

    g_assert_cmpuint(count, <=, HR_FIELD_PARTS);
    for (unsigned i = 0; i < count; i++) {
        g_assert_cmpint(parts[i].kind, ==, parts[0].kind);
        if (parts[i].kind != HR_FIELD_NUMBER)
            check_span(parts[i].name, field);
        if (parts[i].kind != HR_FIELD_NAME)
            g_assert_true(parts[i].number >= 0 && isfinite(parts[i].number));
        g_assert_cmpuint(parts[i].count, <=, HR_FIELD_PARAMETERS);
        for (unsigned j = 0; j < parts[i].count; j++) {
            check_span(parts[i].parameters[j].key, field);
            check_span(parts[i].parameters[j].value.text, field);
        }
    }
}

static void
check_hints(const HrRateHints *hints)
{
    const double numbers[] = {hints->limit, hints->remaining, hints->reset_s,
                              hints->window_s};
    double per_s;
    int64_t until_us;

    g_assert_cmpuint(hints->count, <=, HR_RATE_HINTS_POLICIES);
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_assert_true(numbers[i] == -1 ||
                      (numbers[i] >= 0 && isfinite(numbers[i])));
    if (!hr_rate_hints_pace(hints, NOW_US, &per_s, &until_us))
        return;
    g_assert_true(isfinite(per_s) && per_s > 0);
    g_assert_cmpint(until_us, >, NOW_US);
    g_assert_cmpint(until_us, <=, NOW_US + YEAR_US);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(GStrv) lines = fuzz_lines(data, size, 16);
    HrRateHints hints;

    hr_rate_hints_init(&hints);
    for (char **line = lines; *line != NULL; line++) {
        char *colon = strchr(*line, ':');

        if (colon == NULL)
            continue;
        *colon = '\0';
        check_field(colon + 1);
        hr_rate_hints_take(&hints, *line, colon + 1, WALL_S);
        check_hints(&hints);
    }
    return 0;
}
