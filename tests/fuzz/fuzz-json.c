/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON: it has one canonical text, which says the same. */
#include "fuzz.h"

#include <string.h>

#include "model/json.h"

const char fuzz_noun[] = "json";

static HrJson *
parse_own(const char *text)
{
    g_autoptr(GError) error = NULL;
    HrJson *json = hr_json_parse(text, strlen(text), &error);

    g_assert_no_error(error);
    return json;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrJson) json = hr_json_parse((const char *)data, size, &error);
    g_autoptr(HrJson) again = NULL;
    g_autoptr(HrJson) third = NULL;
    g_autofree char *canonical = NULL;
    g_autofree char *same = NULL;
    g_autofree char *pretty = NULL;
    g_autofree char *plain = NULL;

    fuzz_check_error(json == NULL, error);
    if (json == NULL)
        return 0;
    g_assert_null(memchr(data, '\0', size));
    canonical = hr_json_canonical(json);
    g_assert_true(g_utf8_validate(canonical, -1, NULL));
    again = parse_own(canonical);
    same = hr_json_canonical(again);
    g_assert_cmpstr(same, ==, canonical);
    pretty = hr_json_pretty(json);
    third = parse_own(pretty);
    plain = hr_json_canonical(third);
    g_assert_cmpstr(plain, ==, canonical);
    hr_json_wipe(g_steal_pointer(&third));
    return 0;
}
