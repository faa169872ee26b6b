/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Through which proxy a request goes. */
#include "net/proxy.h"

#include <glib.h>

static void
test_list(void)
{
    static const struct {
        const char *list;
        const char *host;
        bool spared;
    } cases[] = {
        {"", "a.example", false},
        {"*", "a.example", true},
        {"*", "[::1]", true},
        {"b.example, *", "a.example", true},
        {"a.example", "a.example", true},
        {"A.Example", "a.eXample", true},
        {"a.example", "a.example.", true},
        {"a.example.", "a.example", true},
        {"example", "a.example", true},
        {".example", "a.example", true},
        {".a.example", "a.example", true},
        {"a.example", "ba.example", false},
        {"a.example", "example", false},
        {"b.example,a.example", "a.example", true},
        {"b.example a.example", "a.example", true},
        {" ,, a.example ,", "x.a.example", true},
        {".", "a.example", false},
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.3", "10.1.2.33", false},
        {"2.3", "10.1.2.3", false},
        {"10.0.0.0/8", "10.1.2.3", true},
        {"10.0.0.0/8", "11.1.2.3", false},
        {"10.1.2.0/23", "10.1.3.255", true},
        {"10.1.2.0/23", "10.1.4.0", false},
        {"0.0.0.0/0", "10.1.2.3", true},
        {"10.1.2.3/32", "10.1.2.3", true},
        {"10.0.0.0/33", "10.1.2.3", false},
        {"10.0.0.0/", "10.1.2.3", false},
        {"10.0.0.0/8/8", "10.1.2.3", false},
        {"10.0.0.0/8", "10.example", false},
        {"::1", "[::1]", true},
        {"[::1]", "[::1]", true},
        {"fd00::/8", "[fd12::1]", true},
        {"fd00::/8", "[fe80::1]", false},
        {"0.0.0.0/0", "[::1]", false},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s in '%s'", cases[i].host, cases[i].list);
        g_assert_cmpint(hr_proxy_spares(cases[i].list, cases[i].host), ==,
                        cases[i].spared);
    }
}

static void
set_only(const char *name, const char *value, const char *spared)
{
    static const char *const names[] = {
        "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        g_unsetenv(names[i]);
    g_setenv(name, value, true);
    if (spared != NULL)
        g_setenv("NO_PROXY", spared, true);
}

static void
test_variables(void)
{
    static const struct {
        const char *name;
        bool http;
        bool https;
    } cases[] = {
        {"http_proxy", true, false},  {"HTTP_PROXY", true, false},
        {"https_proxy", false, true}, {"HTTPS_PROXY", false, true},
        {"all_proxy", true, true},    {"ALL_PROXY", true, true},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].name);
        set_only(cases[i].name, "p:1", "b.example,10.0.0.0/8");
        g_assert_cmpstr(hr_proxy_of("http://a.example/x"), ==,
                        cases[i].http ? "p:1" : NULL);
        g_assert_cmpstr(hr_proxy_of("https://a.example:5000/x"), ==,
                        cases[i].https ? "p:1" : NULL);
        g_assert_null(hr_proxy_of("http://c.b.example:80/x"));
        g_assert_null(hr_proxy_of("https://10.1.2.3"));
        set_only(cases[i].name, "", NULL);
        g_assert_null(hr_proxy_of("http://a.example/x"));
        g_assert_null(hr_proxy_of("https://a.example/x"));
    }
    set_only("http_proxy", "p:1", NULL);
    g_setenv("all_proxy", "q:1", true);
    g_assert_cmpstr(hr_proxy_of("http://a.example"), ==, "p:1");
    g_assert_cmpstr(hr_proxy_of("https://a.example"), ==, "q:1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/proxy/lists-of-who-is-spared", test_list);
    g_test_add_func("/proxy/variables", test_variables);
    return g_test_run();
}
