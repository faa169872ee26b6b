/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of names: only texts come out, each failure has a sentence, and who
 * wants no more names gets none. */
#include "fuzz.h"

#include <string.h>

#include "lib/json-names.h"

#define ENOUGH 7

const char fuzz_noun[] = "json-names";

typedef struct Listing {
    unsigned count;
    unsigned limit;
} Listing;

static int
take_name(void *data, const char *name)
{
    Listing *listing = data;

    g_assert_nonnull(name);
    g_assert_true(g_utf8_validate(name, -1, NULL));
    g_assert_cmpuint(listing->count, <, listing->limit);
    return ++listing->count == listing->limit ? ENOUGH : 0;
}

static unsigned
check_member(const char *text, size_t size, const char *member, unsigned limit)
{
    Listing listing = {.limit = limit};
    char problem[64] = "";
    int result = hr_lib_json_names(text, size, member, take_name, &listing,
                                   problem, sizeof problem);

    g_assert_true(result == 0 || result == -1 || result == ENOUGH);
    g_assert_cmpint(result == -1, ==, *problem != '\0');
    g_assert_cmpuint(strlen(problem), <, sizeof problem);
    if (result == ENOUGH)
        g_assert_cmpuint(listing.count, ==, limit);
    return result == 0 ? listing.count : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    unsigned count = check_member(text, size, "tags", G_MAXUINT);

    check_member(text, size, "tags", 1);
    check_member(text, size, "repositories", G_MAXUINT);
    /* All of them may come, too. */
    if (count > 0)
        g_assert_cmpuint(check_member(text, size, "tags", count), ==, 0);
    return 0;
}
