/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gathering: passes of one source meet, and do not wait for ever. */
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "sync/gathering.h"

#define NOW INT64_C(1000000000)
#define ROOT "sha256:root"
#define OTHER "sha256:other"
#define THIRD "sha256:third"

typedef struct Copy {
    unsigned woken;
} Copy;

static void
ready_cb(void *data)
{
    ((Copy *)data)->woken++;
}

/* So many passes that run and have announced ROOT. */
static HrGathering *
open_gathering(uint64_t *selves, unsigned count)
{
    HrGathering *gathering = hr_gathering_new();

    for (unsigned i = 0; i < count; i++)
        selves[i] = hr_gathering_join(gathering, &selves[i]);
    for (unsigned i = 0; i < count; i++) {
        hr_gathering_begin(gathering, selves[i]);
        hr_gathering_announce(gathering, selves[i], ROOT);
    }
    return gathering;
}

static bool
arrive(HrGathering *gathering, uint64_t self, Copy *copy, int64_t now)
{
    return hr_gathering_arrive(gathering, self, ROOT, ready_cb, copy, now);
}

static uint64_t
company(HrGathering *gathering, uint64_t self, const Copy *copy, bool *leads,
        int64_t now)
{
    return hr_gathering_company(gathering, self, ROOT, copy, leads, now);
}

/* The last to come leads; the others go on when it has read. */
static void
test_meets(void)
{
    uint64_t selves[3];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 3);
    Copy copies[3] = {{0}};
    bool leads;

    g_assert_true(hr_gathering_has_others(gathering));
    g_assert_false(arrive(gathering, selves[0], &copies[0], NOW));
    g_assert_false(arrive(gathering, selves[2], &copies[2], NOW));
    g_assert_true(arrive(gathering, selves[1], &copies[1], NOW));
    g_assert_cmphex(company(gathering, selves[1], &copies[1], &leads, NOW), ==,
                    7);
    g_assert_true(leads);
    g_assert_cmpuint(copies[0].woken + copies[2].woken, ==, 0);
    hr_gathering_loaded(gathering, ROOT);
    for (unsigned i = 0; i < 3; i++) {
        int64_t soon = hr_clock_monotonic_us();

        g_assert_cmpuint(copies[i].woken, ==, i == 1 ? 0 : 1);
        g_assert_cmphex(
            company(gathering, selves[i], &copies[i], &leads, soon), ==, 7);
        g_assert_false(leads);
        /* Who comes an hour later is alone. */
        g_assert_cmphex(company(gathering, selves[i], &copies[i], &leads,
                                soon + INT64_C(3600) * G_USEC_PER_SEC),
                        ==, 0);
    }
}

/* What only one wants, nobody waits for; nor a pass that has not begun. */
static void
test_alone(void)
{
    uint64_t selves[2];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 2);
    uint64_t later = hr_gathering_join(gathering, &later);
    Copy copy = {0};
    Copy partner = {0};
    bool leads;

    hr_gathering_announce(gathering, selves[0], OTHER);
    g_assert_true(hr_gathering_arrive(gathering, selves[0], OTHER, ready_cb,
                                      &copy, NOW));
    g_assert_cmphex(
        hr_gathering_company(gathering, selves[0], OTHER, &copy, &leads, NOW),
        ==, 0);
    g_assert_false(leads);
    hr_gathering_announce(gathering, later, ROOT);
    g_assert_false(arrive(gathering, selves[0], &copy, NOW));
    g_assert_true(arrive(gathering, selves[1], &partner, NOW));
    hr_gathering_loaded(gathering, ROOT);
    g_assert_cmpuint(copy.woken, ==, 1);
}

/* A pass that is over is not waited for. */
static void
test_leaves(void)
{
    uint64_t selves[3];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 3);
    Copy copies[2] = {{0}};
    bool leads;

    for (unsigned i = 0; i < 2; i++)
        g_assert_false(arrive(gathering, selves[i], &copies[i], NOW));
    hr_gathering_leave(gathering, selves[2]);
    g_assert_cmpuint(copies[0].woken, ==, 1);
    g_assert_cmpuint(copies[1].woken, ==, 0);
    g_assert_cmphex(company(gathering, selves[0], &copies[0], &leads, NOW), ==,
                    3);
    g_assert_true(leads);
    hr_gathering_loaded(gathering, ROOT);
    g_assert_cmpuint(copies[1].woken, ==, 1);
}

/* Who does not come in time is left behind, for all artifacts. */
static void
test_left_behind(void)
{
    uint64_t selves[2];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 2);
    Copy copies[3] = {{0}};
    bool leads;

    for (unsigned i = 0; i < 2; i++)
        hr_gathering_announce(gathering, selves[i], OTHER);
    g_assert_false(arrive(gathering, selves[0], &copies[0], NOW));
    hr_gathering_tick(gathering, NOW + HR_GATHERING_PATIENCE_US, false);
    g_assert_cmpuint(copies[0].woken, ==, 0);
    hr_gathering_tick(gathering, NOW + HR_GATHERING_PATIENCE_US + 1, false);
    g_assert_cmpuint(copies[0].woken, ==, 1);
    g_assert_cmphex(company(gathering, selves[0], &copies[0], &leads, NOW), ==,
                    0);
    g_assert_true(leads);
    hr_gathering_loaded(gathering, ROOT);
    g_assert_true(hr_gathering_arrive(gathering, selves[0], OTHER, ready_cb,
                                      &copies[1], NOW));
    g_assert_cmphex(hr_gathering_company(gathering, selves[0], OTHER,
                                         &copies[1], &leads, NOW),
                    ==, 0);
    hr_gathering_loaded(gathering, OTHER);
    g_assert_true(hr_gathering_arrive(gathering, selves[1], OTHER, ready_cb,
                                      &copies[2], NOW));
}

/* Who comes to others is not stuck, and is waited for. */
static void
test_gets_on(void)
{
    uint64_t selves[2];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 2);
    Copy copies[3] = {{0}};
    int64_t late = NOW + HR_GATHERING_PATIENCE_US;

    for (unsigned i = 0; i < 2; i++)
        hr_gathering_announce(gathering, selves[i], OTHER);
    g_assert_false(arrive(gathering, selves[0], &copies[0], NOW));
    g_assert_false(hr_gathering_arrive(gathering, selves[1], OTHER, ready_cb,
                                       &copies[1], late - 1));
    hr_gathering_tick(gathering, late + 1, false);
    g_assert_cmpuint(copies[0].woken, ==, 0);
    g_assert_true(arrive(gathering, selves[1], &copies[2], late + 1));
    hr_gathering_loaded(gathering, ROOT);
    g_assert_cmpuint(copies[0].woken, ==, 1);
    /* The other does not, now that nobody keeps it. */
    hr_gathering_tick(gathering, late + 1 + HR_GATHERING_PATIENCE_US, false);
    g_assert_cmpuint(copies[1].woken, ==, 0);
    hr_gathering_tick(gathering, late + 2 + HR_GATHERING_PATIENCE_US, false);
    g_assert_cmpuint(copies[1].woken, ==, 1);
    hr_gathering_loaded(gathering, OTHER);
}

static bool
arrive_at(HrGathering *gathering, uint64_t self, const char *digest,
          Copy *copy, int64_t now)
{
    return hr_gathering_arrive(gathering, self, digest, ready_cb, copy, now);
}

/* One that waits, with all that it has, for another that was slow to come is
 * not blamed for it. */
static void
test_kept(void)
{
    uint64_t selves[3];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 3);
    Copy copies[7] = {{0}};
    int64_t late = NOW + HR_GATHERING_PATIENCE_US;
    bool leads;

    for (unsigned i = 0; i < 3; i++) {
        hr_gathering_announce(gathering, selves[i], OTHER);
        hr_gathering_announce(gathering, selves[i], THIRD);
    }
    g_assert_false(arrive(gathering, selves[0], &copies[0], NOW));
    g_assert_false(arrive_at(gathering, selves[2], OTHER, &copies[1], NOW));
    g_assert_false(arrive_at(gathering, selves[1], THIRD, &copies[2], late));
    hr_gathering_tick(gathering, late + 1, false);
    g_assert_cmpuint(copies[1].woken, ==, 0);
    g_assert_false(arrive(gathering, selves[2], &copies[3], late + 2));
    g_assert_true(arrive(gathering, selves[1], &copies[4], late + 2));
    hr_gathering_loaded(gathering, ROOT);
    g_assert_cmpuint(copies[0].woken, ==, 1);
    /* Now it has its time. */
    hr_gathering_tick(gathering, late + HR_GATHERING_PATIENCE_US, false);
    g_assert_false(arrive_at(gathering, selves[0], OTHER, &copies[5],
                             late + HR_GATHERING_PATIENCE_US));
    g_assert_true(arrive_at(gathering, selves[1], OTHER, &copies[6],
                            late + HR_GATHERING_PATIENCE_US));
    g_assert_cmphex(hr_gathering_company(gathering, selves[0], OTHER,
                                         &copies[5], &leads, late),
                    ==, 7);
    hr_gathering_loaded(gathering, OTHER);
    hr_gathering_tick(gathering, NOW, true);
    hr_gathering_loaded(gathering, THIRD);
}

/* Those who only wait for each other do not do so for ever. */
static void
test_circle(void)
{
    uint64_t selves[2];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 2);
    Copy copies[2] = {{0}};
    int64_t late = NOW + HR_GATHERING_PATIENCE_US;

    for (unsigned i = 0; i < 2; i++)
        hr_gathering_announce(gathering, selves[i], OTHER);
    g_assert_false(arrive(gathering, selves[0], &copies[0], NOW));
    g_assert_false(arrive_at(gathering, selves[1], OTHER, &copies[1], NOW));
    for (int64_t now = NOW; now <= late + HR_GATHERING_PATIENCE_US + 1;
         now += HR_GATHERING_PATIENCE_US / 10)
        hr_gathering_tick(gathering, now, false);
    hr_gathering_tick(gathering, late + HR_GATHERING_PATIENCE_US + 1, false);
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpuint(copies[i].woken, ==, 1);
    hr_gathering_loaded(gathering, ROOT);
    hr_gathering_loaded(gathering, OTHER);
}

/* The end of the program does not wait for anybody. */
static void
test_over(void)
{
    uint64_t selves[3];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 3);
    Copy copies[2] = {{0}};

    for (unsigned i = 0; i < 2; i++)
        g_assert_false(arrive(gathering, selves[i], &copies[i], NOW));
    hr_gathering_tick(gathering, NOW + 1, true);
    g_assert_cmpuint(copies[0].woken, ==, 1);
    hr_gathering_loaded(gathering, ROOT);
    g_assert_cmpuint(copies[1].woken, ==, 1);
}

/* Two copies of one artifact in one pass, as tags of the same digest are. */
static void
test_twice(void)
{
    uint64_t selves[2];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 2);
    Copy copies[4] = {{0}};
    bool leads;

    g_assert_false(arrive(gathering, selves[0], &copies[0], NOW));
    g_assert_false(arrive(gathering, selves[0], &copies[1], NOW));
    g_assert_true(arrive(gathering, selves[1], &copies[2], NOW));
    g_assert_false(arrive(gathering, selves[1], &copies[3], NOW));
    hr_gathering_loaded(gathering, ROOT);
    for (unsigned i = 0; i < 4; i++) {
        g_assert_cmpuint(copies[i].woken, ==, i == 2 ? 0 : 1);
        g_assert_cmphex(company(gathering, selves[i / 2], &copies[i], &leads,
                                hr_clock_monotonic_us()),
                        ==, 3);
    }
}

/* Two passes to one target are one here, until both are over. */
static void
test_one_target(void)
{
    uint64_t selves[2];
    g_autoptr(HrGathering) gathering = hr_gathering_new();
    Copy copies[3] = {{0}};

    selves[0] = hr_gathering_join(gathering, &selves[0]);
    g_assert_cmphex(hr_gathering_join(gathering, &selves[0]), ==, selves[0]);
    g_assert_false(hr_gathering_has_others(gathering));
    selves[1] = hr_gathering_join(gathering, &selves[1]);
    g_assert_true(hr_gathering_has_others(gathering));
    hr_gathering_begin(gathering, selves[0]);
    for (unsigned i = 0; i < 2; i++) {
        hr_gathering_begin(gathering, selves[i]);
        hr_gathering_announce(gathering, selves[i], ROOT);
        hr_gathering_announce(gathering, selves[i], OTHER);
    }
    hr_gathering_leave(gathering, selves[0]);
    g_assert_false(arrive(gathering, selves[1], &copies[0], NOW));
    g_assert_true(arrive(gathering, selves[0], &copies[1], NOW));
    hr_gathering_loaded(gathering, ROOT);
    g_assert_cmpuint(copies[0].woken, ==, 1);
    hr_gathering_leave(gathering, selves[0]);
    g_assert_true(hr_gathering_arrive(gathering, selves[1], OTHER, ready_cb,
                                      &copies[2], NOW));
}

typedef struct Driver {
    HrGathering *gathering;
    uint64_t self;
    HrCancel *cancel;
    atomic_bool through;
} Driver;

static void *
drive(void *data)
{
    Driver *driver = data;

    hr_gathering_await(driver->gathering, driver->self, driver->cancel);
    atomic_store(&driver->through, true);
    return NULL;
}

/* A driver waits until the others have said what they want: that, or that
 * they are over, or that the program is. */
static void
test_awaits(void)
{
    for (unsigned way = 0; way < 3; way++) {
        uint64_t selves[2];
        g_autoptr(HrGathering) gathering = open_gathering(selves, 2);
        g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
        Driver driver = {gathering, selves[0], cancel, false};
        pthread_t thread;

        pthread_create(&thread, NULL, drive, &driver);
        g_usleep(20000);
        g_assert_false(atomic_load(&driver.through));
        if (way == 0)
            hr_gathering_await(gathering, selves[1], cancel);
        else if (way == 1)
            hr_gathering_leave(gathering, selves[1]);
        else
            hr_cancel_trigger(cancel);
        pthread_join(thread, NULL);
        g_assert_true(atomic_load(&driver.through));
    }
}

/* One that has too many copies waiting is held up, until those it waits for
 * are left behind. */
static void
test_pace(void)
{
    uint64_t selves[2];
    g_autoptr(HrGathering) gathering = open_gathering(selves, 2);
    g_autoptr(HrCancel) cancel = hr_cancel_new(NULL);
    g_autoptr(HrPool) pool = hr_pool_new(1, 1);
    HrLane *lane = hr_pool_lane(pool, "idle", 1);
    Copy copies[HR_GATHERING_WAITING_LIMIT] = {{0}};
    int64_t begun = hr_clock_monotonic_us();

    for (unsigned i = 0; i < G_N_ELEMENTS(copies); i++) {
        hr_gathering_pace(gathering, selves[0], lane, cancel);
        g_assert_false(arrive(gathering, selves[0], &copies[i], begun));
    }
    hr_gathering_pace(gathering, selves[0], lane, cancel);
    g_assert_cmpint(hr_clock_monotonic_us() - begun, >=,
                    HR_GATHERING_PATIENCE_US);
    g_assert_cmpuint(copies[0].woken, ==, 1);
    hr_gathering_loaded(gathering, ROOT);
    for (unsigned i = 0; i < G_N_ELEMENTS(copies); i++)
        g_assert_cmpuint(copies[i].woken, ==, 1);
}

static HrManifest *
make_manifest(unsigned number, size_t padding)
{
    g_autofree char *space = g_strnfill(padding, ' ');
    g_autofree char *text = g_strdup_printf(
        "{\"schemaVersion\":2,\"mediaType\":"
        "\"application/vnd.oci.image.index.v1+json\",\"manifests\":[],"
        "\"annotations\":{\"n\":\"%u\"}%s}",
        number, space);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    GError *error = NULL;
    HrManifest *manifest = hr_manifest_parse(bytes, NULL, NULL, &error);

    g_assert_no_error(error);
    return manifest;
}

/* What is kept is shared, outlives who made it, and is bounded. */
static void
test_manifests(void)
{
    g_autoptr(HrGathering) gathering = hr_gathering_new();
    g_autofree char *first = NULL;
    g_autofree char *last = NULL;

    for (unsigned i = 0; i < 100; i++) {
        HrManifest *manifest = make_manifest(i, 100000);
        g_autoptr(HrManifest) found = NULL;

        g_assert_null(hr_gathering_find(gathering, manifest->digest));
        hr_gathering_keep(gathering, manifest);
        hr_gathering_keep(gathering, manifest);
        g_free(last);
        last = g_strdup(manifest->digest);
        if (first == NULL)
            first = g_strdup(last);
        hr_manifest_free(manifest);
        found = hr_gathering_find(gathering, last);
        g_assert_nonnull(found);
        g_assert_cmpstr(found->digest, ==, last);
    }
    g_assert_null(hr_gathering_find(gathering, first));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gathering/the-last-to-come-leads", test_meets);
    g_test_add_func("/gathering/what-one-wants-nobody-waits-for", test_alone);
    g_test_add_func("/gathering/who-is-over-is-not-waited-for", test_leaves);
    g_test_add_func("/gathering/who-does-not-come-is-left-behind",
                    test_left_behind);
    g_test_add_func("/gathering/who-gets-on-is-waited-for", test_gets_on);
    g_test_add_func("/gathering/who-is-kept-by-another-is-not-late",
                    test_kept);
    g_test_add_func("/gathering/a-circle-is-no-excuse", test_circle);
    g_test_add_func("/gathering/ends-with-the-program", test_over);
    g_test_add_func("/gathering/takes-two-copies-of-one-pass", test_twice);
    g_test_add_func("/gathering/passes-to-one-target-are-one",
                    test_one_target);
    g_test_add_func("/gathering/plans-are-waited-for", test_awaits);
    g_test_add_func("/gathering/holds-up-who-is-too-far-ahead", test_pace);
    g_test_add_func("/gathering/shares-manifests", test_manifests);
    return g_test_run();
}
