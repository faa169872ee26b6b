/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An index that two write: nothing of either is lost where it can be
 * noticed. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "sync/fallback-tag.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"

/* A tag in a registry of one tag, and another client of it. */
typedef struct Shop {
    HrManifest *index;
    bool compares;   /* refuses to replace what was not expected */
    int interferes;  /* before which step the other one writes: see Step */
    unsigned times;  /* how often */
    bool overwrites; /* without reading first */
    unsigned other;  /* number of its next entry */
    unsigned reads, writes;
    bool written; /* just now */
} Shop;

enum Step {
    STEP_NONE,
    STEP_LOOK,      /* between reading and the look before the write */
    STEP_WRITE,     /* between that look and the write               */
    STEP_LOOK_BACK, /* between the write and the look after it       */
};

static HrReferrer *
make_entry(unsigned number)
{
    g_autofree char *text = g_strdup_printf(
        "{\"manifests\":[{\"mediaType\":\"text/x\",\"size\":1,\"digest\":"
        "\"sha256:%064x\"}]}",
        number);
    g_autoptr(GPtrArray) list = hr_referrers_new();

    g_assert_true(hr_referrers_read(list, text, strlen(text), NULL));
    return g_ptr_array_steal_index(list, 0);
}

static GPtrArray *
make_list(unsigned number)
{
    GPtrArray *list = hr_referrers_new();

    g_ptr_array_add(list, make_entry(number));
    return list;
}

static bool
has(const HrManifest *index, unsigned number)
{
    g_autoptr(GPtrArray) list = make_list(number);
    g_autoptr(GPtrArray) present = hr_referrers_new();
    gsize size;
    const char *text = g_bytes_get_data(index->bytes, &size);

    g_assert_true(hr_referrers_read(present, text, size, NULL));
    return hr_referrers_have(present, list);
}

static void
replace(Shop *shop, HrManifest *index)
{
    hr_manifest_free(shop->index);
    shop->index = index;
}

/* The other client's turn. */
static void
interfere(Shop *shop, int step)
{
    g_autoptr(GPtrArray) list = NULL;

    if (shop->interferes != step || shop->times == 0)
        return;
    shop->times--;
    list = make_list(1000 + shop->other++);
    replace(shop, hr_referrers_merge(shop->overwrites ? NULL : shop->index,
                                     list, NULL, NULL));
}

static HrManifest *
copy_index(const HrManifest *index)
{
    return hr_manifest_parse(index->bytes, OCI_INDEX, NULL, NULL);
}

static bool
read_cb(void *data, HrManifest **index, GError **error)
{
    Shop *shop = data;

    (void)error;
    shop->reads++;
    *index = shop->index != NULL ? copy_index(shop->index) : NULL;
    return true;
}

static bool
look_cb(void *data, char digest[HR_DIGEST_CAPACITY], GError **error)
{
    Shop *shop = data;

    (void)error;
    interfere(shop, shop->written ? STEP_LOOK_BACK : STEP_LOOK);
    shop->written = false;
    g_strlcpy(digest, shop->index != NULL ? shop->index->digest : "",
              HR_DIGEST_CAPACITY);
    return true;
}

static bool
write_cb(void *data, const HrManifest *index, const char *expected,
         GError **error)
{
    Shop *shop = data;
    const char *current;

    interfere(shop, STEP_WRITE);
    current = shop->index != NULL ? shop->index->digest : "";
    if (shop->compares && strcmp(current, expected) != 0)
        return hr_error_set(error, HR_PRECONDITION, "it has moved");
    shop->writes++;
    shop->written = true;
    replace(shop, copy_index(index));
    return true;
}

static bool
grow(Shop *shop, unsigned number, GError **error)
{
    const HrFallbackStore store = {read_cb, look_cb, write_cb, shop};
    g_autoptr(GPtrArray) list = make_list(number);

    return hr_fallback_tag_grow(&store, list, NULL, error);
}

static void
test_first(void)
{
    Shop shop = {0};
    g_autoptr(GError) error = NULL;

    g_assert_true(grow(&shop, 1, &error));
    g_assert_true(has(shop.index, 1));
    g_assert_true(grow(&shop, 2, &error));
    g_assert_true(has(shop.index, 1));
    g_assert_true(has(shop.index, 2));
    g_assert_cmpuint(shop.writes, ==, 2);
    replace(&shop, NULL);
}

static void
test_there(void)
{
    Shop shop = {0};

    g_assert_true(grow(&shop, 1, NULL));
    g_assert_true(grow(&shop, 1, NULL));
    g_assert_cmpuint(shop.writes, ==, 1);
    g_assert_cmpuint(shop.reads, ==, 2);
    replace(&shop, NULL);
}

/* Whatever the other one does between two steps of ours. */
static void
test_second_writer(void)
{
    for (int step = STEP_LOOK; step <= STEP_LOOK_BACK; step++) {
        Shop shop = {.compares = true, .interferes = step, .times = 2};
        g_autoptr(GError) error = NULL;

        g_assert_true(grow(&shop, 1, &error));
        g_assert_no_error(error);
        /* What came behind our back left ours where it was: that will do. */
        g_assert_cmpuint(shop.other, ==, step == STEP_LOOK_BACK ? 1 : 2);
        g_assert_true(has(shop.index, 1));
        for (unsigned i = 0; i < shop.other; i++)
            g_assert_true(has(shop.index, 1000 + i));
        replace(&shop, NULL);
    }
}

/* One that does not look loses its own, and never ours. */
static void
test_careless_writer(void)
{
    Shop shop = {.interferes = STEP_LOOK_BACK, .times = 1, .overwrites = true};

    g_assert_true(grow(&shop, 1, NULL));
    g_assert_true(has(shop.index, 1));
    g_assert_true(has(shop.index, 1000));
    g_assert_cmpuint(shop.writes, ==, 2);
    replace(&shop, NULL);
}

static void
test_gives_up(void)
{
    for (int step = STEP_LOOK; step <= STEP_WRITE; step++) {
        Shop shop = {.compares = true, .interferes = step, .times = 1000};
        g_autoptr(GError) error = NULL;

        g_assert_false(grow(&shop, 1, &error));
        g_assert_cmpint(hr_error_status(error), ==, HR_CONFLICT);
        g_assert_cmpuint(shop.reads, <, 20);
        /* It was only the other's all the time, and still is. */
        g_assert_true(has(shop.index, 1000));
        g_assert_cmpuint(shop.writes, ==, 0);
        replace(&shop, NULL);
    }
}

static bool
refuse_cb(void *data, const HrManifest *index, const char *expected,
          GError **error)
{
    Shop *shop = data;

    (void)index;
    (void)expected;
    shop->writes++;
    return hr_error_set(error, HR_AUTH_DENIED, "no");
}

static void
test_refused(void)
{
    Shop shop = {0};
    const HrFallbackStore store = {read_cb, look_cb, refuse_cb, &shop};
    g_autoptr(GPtrArray) list = make_list(1);
    g_autoptr(GError) error = NULL;

    g_assert_false(hr_fallback_tag_grow(&store, list, NULL, &error));
    g_assert_cmpint(hr_error_status(error), ==, HR_AUTH_DENIED);
    g_assert_cmpuint(shop.writes, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fallback-tag/grows", test_first);
    g_test_add_func("/fallback-tag/what-is-listed-is-not-written", test_there);
    g_test_add_func("/fallback-tag/two-writers-lose-nothing",
                    test_second_writer);
    g_test_add_func("/fallback-tag/what-was-overwritten-is-put-back",
                    test_careless_writer);
    g_test_add_func("/fallback-tag/gives-up-in-the-end", test_gives_up);
    g_test_add_func("/fallback-tag/a-refusal-is-no-second-writer",
                    test_refused);
    return g_test_run();
}
