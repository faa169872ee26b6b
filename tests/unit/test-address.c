/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which addresses a registry may send us to. */
#include "net/address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

static HrAddressKind
kind(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;

    if (strchr(text, ':') != NULL) {
        six->sin6_family = AF_INET6;
        g_assert_cmpint(inet_pton(AF_INET6, text, &six->sin6_addr), ==, 1);
    } else {
        four->sin_family = AF_INET;
        g_assert_cmpint(inet_pton(AF_INET, text, &four->sin_addr), ==, 1);
    }
    return hr_address_kind((struct sockaddr *)&storage);
}

static void
test_kinds(void)
{
    static const struct {
        const char *address;
        HrAddressKind kind;
    } cases[] = {
        {"1.1.1.1", HR_ADDRESS_PUBLIC},
        {"11.0.0.0", HR_ADDRESS_PUBLIC},
        {"172.32.0.1", HR_ADDRESS_PUBLIC},
        {"2606:4700::1111", HR_ADDRESS_PUBLIC},
        {"10.255.255.255", HR_ADDRESS_PRIVATE},
        {"172.16.0.1", HR_ADDRESS_PRIVATE},
        {"192.168.1.1", HR_ADDRESS_PRIVATE},
        {"100.64.0.1", HR_ADDRESS_PRIVATE},
        {"fd12:3456::1", HR_ADDRESS_PRIVATE},
        {"::ffff:10.0.0.1", HR_ADDRESS_PRIVATE},
        {"64:ff9b::192.168.0.1", HR_ADDRESS_PRIVATE},
        {"2002:c0a8:0001::1", HR_ADDRESS_PRIVATE},
        {"127.0.0.1", HR_ADDRESS_LOOPBACK},
        {"127.255.0.1", HR_ADDRESS_LOOPBACK},
        {"::1", HR_ADDRESS_LOOPBACK},
        {"::ffff:127.0.0.1", HR_ADDRESS_LOOPBACK},
        {"0.0.0.0", HR_ADDRESS_FORBIDDEN},
        {"::", HR_ADDRESS_FORBIDDEN},
        {"::ffff:0.0.0.0", HR_ADDRESS_FORBIDDEN},
        {"169.254.169.254", HR_ADDRESS_FORBIDDEN},
        {"::ffff:169.254.169.254", HR_ADDRESS_FORBIDDEN},
        {"64:ff9b::169.254.169.254", HR_ADDRESS_FORBIDDEN},
        {"fe80::1", HR_ADDRESS_FORBIDDEN},
        {"fd00:ec2::254", HR_ADDRESS_FORBIDDEN},
        {"fd20:ce::254", HR_ADDRESS_FORBIDDEN},
        {"fd20:cf::254", HR_ADDRESS_PRIVATE},
        {"100.100.100.200", HR_ADDRESS_FORBIDDEN},
        {"100.100.100.201", HR_ADDRESS_PRIVATE},
        {"168.63.129.16", HR_ADDRESS_FORBIDDEN},
        {"168.63.129.17", HR_ADDRESS_PUBLIC},
        {"::ffff:0:127.0.0.1", HR_ADDRESS_LOOPBACK},
        {"::ffff:0:169.254.169.254", HR_ADDRESS_FORBIDDEN},
        {"64:ff9b:1::10.0.0.1", HR_ADDRESS_FORBIDDEN},
        {"224.0.0.1", HR_ADDRESS_FORBIDDEN},
        {"255.255.255.255", HR_ADDRESS_FORBIDDEN},
        {"ff02::1", HR_ADDRESS_FORBIDDEN},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].address);
        g_assert_cmpint(kind(cases[i].address), ==, cases[i].kind);
        g_assert_cmpint(hr_address_kind_of_text(cases[i].address), ==,
                        cases[i].kind);
    }
    g_assert_cmpint(hr_address_kind_of_text(""), ==, HR_ADDRESS_FORBIDDEN);
    g_assert_cmpint(hr_address_kind_of_text("1.1.1.1:80"), ==,
                    HR_ADDRESS_FORBIDDEN);
}

static void
test_allowed(void)
{
    g_assert_true(hr_address_allowed(HR_ADDRESS_PUBLIC, HR_ADDRESS_PUBLIC));
    g_assert_false(hr_address_allowed(HR_ADDRESS_PUBLIC, HR_ADDRESS_PRIVATE));
    g_assert_false(hr_address_allowed(HR_ADDRESS_PUBLIC, HR_ADDRESS_LOOPBACK));
    g_assert_true(hr_address_allowed(HR_ADDRESS_PRIVATE, HR_ADDRESS_PRIVATE));
    g_assert_false(
        hr_address_allowed(HR_ADDRESS_PRIVATE, HR_ADDRESS_LOOPBACK));
    g_assert_true(hr_address_allowed(HR_ADDRESS_LOOPBACK, HR_ADDRESS_PRIVATE));
    for (int own = 0; own <= HR_ADDRESS_FORBIDDEN; own++)
        g_assert_false(
            hr_address_allowed((HrAddressKind)own, HR_ADDRESS_FORBIDDEN));
}

static void
test_this_machine(void)
{
    static const struct {
        const char *authority;
        bool loopback;
    } cases[] = {
        {"localhost", true},
        {"LocalHost:5000", true},
        {"127.0.0.1", true},
        {"127.1.2.3:5000", true},
        {"[::1]", true},
        {"[::1]:5000", true},
        {"[::ffff:127.0.0.1]:5000", true},
        {"localhost.evil", false},
        {"localhost.evil:5000", false},
        {"localhostess", false},
        {"127.example.com", false},
        {"127.0.0.1.evil", false},
        {"127.0.0.1:80@evil", false},
        {"localhost:80@evil:80", false},
        {"127.1", false},
        {"[::1].evil", false},
        {"[::1", false},
        {"[::1]5000", false},
        {"::1", false},
        {"[127.0.0.1]", false},
        {"[localhost]", false},
        {"[::2]:5000", false},
        {"10.0.0.1", false},
        {"registry.example:5000", false},
        {"", false},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].authority);
        g_assert_true(hr_address_is_loopback(cases[i].authority) ==
                      cases[i].loopback);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/address/kinds", test_kinds);
    g_test_add_func("/address/never-closer-than-the-registry-itself",
                    test_allowed);
    g_test_add_func("/address/this-machine-is-no-name-that-begins-like-it",
                    test_this_machine);
    return g_test_run();
}
