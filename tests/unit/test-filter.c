/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of filters: which names are wanted. */
#include <glib.h>

#include "config/config.h"

static const hr_provider *
look_up(uint32_t kind, const char *name, void *data, GError **error)
{
    static const hr_provider any = {.struct_size = sizeof any};

    (void)kind;
    (void)name;
    (void)data;
    (void)error;
    return &any;
}

/* A configuration with one sync that selects tags as `filter` says. */
static HrConfig *
select_tags(const char *filter)
{
    g_autofree char *text = g_strdup_printf(
        "endpoints = ( { name = \"a\"; type = \"x\"; },\n"
        "              { name = \"b\"; type = \"x\"; } );\n"
        "syncs = ( { name = \"s\"; source = \"a\"; target = \"b\";\n"
        "  select = { tags = { %s }; }; } );\n",
        filter);
    g_autoptr(GError) error = NULL;
    HrConfig *config =
        hr_config_parse(text, "test.conf", look_up, NULL, &error);

    g_assert_no_error(error);
    return config;
}

typedef struct Case {
    const char *name;
    const char *filter;
    const char *passing[4];
    const char *refused[4];
} Case;

static const Case cases[] = {
    {"empty-lets-everything-through", "", {"a", "latest", "1.0"}, {NULL}},
    {"allow-is-anchored-at-both-ends",
     "allow = [ \"v1\" ];",
     {"v1"},
     {"v10", "xv1", "v1\n", "xv1x"}},
    {"alternatives-are-anchored-as-well",
     "allow = [ \"a|b\" ];",
     {"a", "b"},
     {"ab", "ax", "xb"}},
    {"any-pattern-of-allow-will-do",
     "allow = [ \"1\\\\..*\", \"latest\" ];",
     {"1.0", "1.25", "latest"},
     {"2.0", "10", "late"}},
    {"deny-wins-over-allow",
     "allow = [ \".*\" ]; deny = [ \".*-rc[0-9]+\" ];",
     {"1.0", "1.0-rc"},
     {"1.0-rc1", "2-rc22"}},
    {"deny-alone-lets-the-rest-through",
     "deny = [ \"x\" ];",
     {"y", "xx"},
     {"x"}},
    {"names-are-literal",
     "names = [ \"1.0\" ];",
     {"1.0"},
     {"1x0", "1.00", "latest"}},
    {"names-need-no-allow",
     "names = [ \"1.0\" ]; allow = [ \"2.*\" ];",
     {"1.0"},
     {"2.0"}},
    {"deny-wins-over-names",
     "names = [ \"1.0\", \"2.0\" ]; deny = [ \"1.*\" ];",
     {"2.0"},
     {"1.0"}},
    {"case-counts", "allow = [ \"[a-z]+\" ];", {"abc"}, {"Abc", "ABC"}},
    {"deny-that-gives-up-denies",
     "deny = [ \"(x+x+)+[yz]\" ];",
     {"x"},
     {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}},
};

static void
test_filter(gconstpointer data)
{
    const Case *expected = data;
    g_autoptr(HrConfig) config = select_tags(expected->filter);
    const HrFilter *filter = &hr_config_sync(config, "s")->select.tags;

    for (unsigned i = 0; i < 4 && expected->passing[i] != NULL; i++)
        g_assert_true(hr_filter_judge(filter, expected->passing[i], NULL));
    for (unsigned i = 0; i < 4 && expected->refused[i] != NULL; i++)
        g_assert_false(hr_filter_judge(filter, expected->refused[i], NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strconcat("/filter/", cases[i].name, NULL);

        g_test_add_data_func(name, &cases[i], test_filter);
    }
    return g_test_run();
}
