/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The chain: order, waiting, refusal, going in again, cancelling. */
#include "guard/chain.h"

#include <glib.h>
#include <string.h>

/* Five stages that write down what is done to them, and behave as told. */
#define STAGES 5

typedef struct Trip {
    HrPassage passage; /* first: stages cast */
    GString *log;
    HrStep on_enter[STAGES];
    HrStep on_exit[STAGES];
    int entered[STAGES];
    int abandoned[STAGES];
    int left[STAGES];
} Trip;

static void
note(Trip *trip, const char *what, int stage)
{
    g_string_append_printf(trip->log, "%s%d ", what, stage);
}

#define DEFINE_STAGE(n)                                                       \
    static HrStep enter##n(HrPassage *passage, int64_t now_us)                \
    {                                                                         \
        Trip *trip = (Trip *)passage;                                         \
        HrStep step = trip->on_enter[n];                                      \
        (void)now_us;                                                         \
        note(trip, step == HR_STEP_ON ? "in" : "try", n);                     \
        trip->entered[n] += step == HR_STEP_ON;                               \
        if (step == HR_STEP_WAIT)                                             \
            passage->at_us = 100 + n;                                         \
        return step;                                                          \
    }                                                                         \
    static void abandon##n(HrPassage *passage, int64_t now_us)                \
    {                                                                         \
        Trip *trip = (Trip *)passage;                                         \
        (void)now_us;                                                         \
        note(trip, "gone", n);                                                \
        trip->abandoned[n]++;                                                 \
    }                                                                         \
    static HrStep exit##n(HrPassage *passage, int64_t now_us)                 \
    {                                                                         \
        Trip *trip = (Trip *)passage;                                         \
        HrStep step = trip->on_exit[n];                                       \
        (void)now_us;                                                         \
        note(trip, step == HR_STEP_WAIT ? "again" : "out", n);                \
        trip->on_exit[n] = HR_STEP_ON;                                        \
        trip->left[n] += step == HR_STEP_ON || passage->cancelled;            \
        return step;                                                          \
    }                                                                         \
    static void headers##n(HrPassage *passage, int64_t now_us)                \
    {                                                                         \
        (void)now_us;                                                         \
        note((Trip *)passage, "headers", n);                                  \
    }                                                                         \
    static int64_t data##n(HrPassage *passage, int64_t now_us,                \
                           uint64_t bytes)                                    \
    {                                                                         \
        note((Trip *)passage, "data", n);                                     \
        return now_us + (int64_t)bytes * n;                                   \
    }                                                                         \
    static void trailers##n(HrPassage *passage, int64_t now_us)               \
    {                                                                         \
        (void)now_us;                                                         \
        note((Trip *)passage, "trailers", n);                                 \
    }                                                                         \
    static void close##n(HrPassage *passage, int64_t now_us)                  \
    {                                                                         \
        (void)now_us;                                                         \
        note((Trip *)passage, "close", n);                                    \
    }                                                                         \
    static const HrStage stage##n = {"stage" #n,  enter##n,   abandon##n,     \
                                     exit##n,     headers##n, data##n,        \
                                     trailers##n, close##n};

DEFINE_STAGE(0)
DEFINE_STAGE(1)
DEFINE_STAGE(2)
DEFINE_STAGE(3)
DEFINE_STAGE(4)

/* One in between that does nothing at all. */
static const HrStage stage_plain = {.name = "plain"};

static const HrStage *const all_stages[] = {
    &stage0, &stage1, &stage_plain, &stage2, &stage3, &stage4, NULL,
};

static void
init(Trip *trip)
{
    memset(trip, 0, sizeof *trip);
    trip->log = g_string_new(NULL);
    hr_passage_init(&trip->passage, all_stages);
}

static void
expect_log(Trip *trip, const char *text)
{
    g_assert_cmpstr(trip->log->str, ==, text);
    g_string_truncate(trip->log, 0);
}

static void
test_order(void)
{
    Trip trip;

    init(&trip);
    g_assert_cmpint(hr_passage_advance(&trip.passage, 1), ==, HR_STEP_ON);
    expect_log(&trip, "in0 in1 in2 in3 in4 ");
    hr_passage_headers(&trip.passage, 2);
    expect_log(&trip, "headers4 headers3 headers2 headers1 headers0 ");
    g_assert_cmpint(hr_passage_data(&trip.passage, 10, 5), ==, 10 + 5 * 4);
    expect_log(&trip, "data4 data3 data2 data1 data0 ");
    hr_passage_trailers(&trip.passage, 3);
    expect_log(&trip, "trailers4 trailers3 trailers2 trailers1 trailers0 ");
    hr_passage_close(&trip.passage, 4);
    expect_log(&trip, "close4 close3 close2 close1 close0 ");
    g_assert_cmpint(hr_passage_leave(&trip.passage, 5), ==, HR_STEP_ON);
    expect_log(&trip, "out4 out3 out2 out1 out0 ");
    g_string_free(trip.log, true);
}

static void
test_waiting(void)
{
    Trip trip;

    init(&trip);
    trip.on_enter[2] = HR_STEP_WAIT;
    g_assert_cmpint(hr_passage_advance(&trip.passage, 1), ==, HR_STEP_WAIT);
    g_assert_cmpint(trip.passage.at_us, ==, 102);
    g_assert_cmpint(hr_passage_advance(&trip.passage, 2), ==, HR_STEP_WAIT);
    expect_log(&trip, "in0 in1 try2 try2 ");
    trip.on_enter[2] = HR_STEP_ON;
    g_assert_cmpint(hr_passage_advance(&trip.passage, 3), ==, HR_STEP_ON);
    expect_log(&trip, "in2 in3 in4 ");
    hr_passage_leave(&trip.passage, 4);
    g_string_free(trip.log, true);
}

static void
test_refusal(void)
{
    Trip trip;

    init(&trip);
    trip.on_enter[3] = HR_STEP_STOP;
    g_assert_cmpint(hr_passage_advance(&trip.passage, 1), ==, HR_STEP_STOP);
    g_assert_cmpint(hr_passage_leave(&trip.passage, 2), ==, HR_STEP_ON);
    expect_log(&trip, "in0 in1 in2 try3 out2 out1 out0 ");
    g_string_free(trip.log, true);
}

static void
test_again(void)
{
    Trip trip;

    init(&trip);
    hr_passage_advance(&trip.passage, 1);
    trip.on_exit[1] = HR_STEP_WAIT;
    g_assert_cmpint(hr_passage_leave(&trip.passage, 2), ==, HR_STEP_WAIT);
    g_assert_cmpint(hr_passage_advance(&trip.passage, 3), ==, HR_STEP_ON);
    g_assert_cmpint(hr_passage_leave(&trip.passage, 4), ==, HR_STEP_ON);
    expect_log(&trip, "in0 in1 in2 in3 in4 out4 out3 out2 again1 "
                      "in2 in3 in4 out4 out3 out2 out1 out0 ");
    g_string_free(trip.log, true);
}

static void
test_abandoning(void)
{
    Trip trip;

    init(&trip);
    trip.on_enter[3] = HR_STEP_WAIT;
    hr_passage_advance(&trip.passage, 1);
    hr_passage_cancel(&trip.passage, 2);
    expect_log(&trip, "in0 in1 in2 try3 gone3 out2 out1 out0 ");
    g_assert_cmpint(trip.passage.outcome.status, ==, HR_CANCELLED);
    g_string_free(trip.log, true);
}

/* What was cancelled goes in no more, whatever a stage would like. */
static void
test_cancel_is_final(void)
{
    Trip trip;

    init(&trip);
    hr_passage_advance(&trip.passage, 1);
    trip.on_exit[1] = HR_STEP_WAIT;
    hr_passage_cancel(&trip.passage, 2);
    expect_log(&trip, "in0 in1 in2 in3 in4 out4 out3 out2 again1 out0 ");
    g_assert_cmpuint(trip.passage.depth, ==, 0);
    g_string_free(trip.log, true);
}

/* As many exits as entries at every stage, whatever happens when. */
static void
test_balance(void)
{
    guint32 seed = g_random_int();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    g_test_message("seed %u", seed);
    for (int round = 0; round < 200000; round++) {
        Trip trip;
        int steps = g_rand_int_range(rand, 0, 12);
        bool out = false;

        init(&trip);
        for (int i = 0; i < steps && !out; i++) {
            for (int n = 0; n < STAGES; n++) {
                trip.on_enter[n] = (HrStep)(g_rand_int_range(rand, 0, 6) % 3);
                trip.on_exit[n] = g_rand_int_range(rand, 0, 8) == 0
                                      ? HR_STEP_WAIT
                                      : HR_STEP_ON;
            }
            if (g_rand_boolean(rand))
                hr_passage_advance(&trip.passage, i);
            else
                out = hr_passage_leave(&trip.passage, i) == HR_STEP_ON;
        }
        hr_passage_cancel(&trip.passage, 100);
        for (int n = 0; n < STAGES; n++)
            g_assert_cmpint(trip.entered[n], ==, trip.left[n]);
        g_assert_cmpuint(trip.passage.depth, ==, 0);
        g_assert_false(trip.passage.waiting);
        g_string_free(trip.log, true);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chain/goes-in-and-comes-out-in-one-order", test_order);
    g_test_add_func("/chain/asks-again-where-it-waited", test_waiting);
    g_test_add_func("/chain/leaves-only-what-it-entered", test_refusal);
    g_test_add_func("/chain/goes-in-again-where-a-stage-wants-it", test_again);
    g_test_add_func("/chain/tells-the-stage-where-it-waited-that-it-is-gone",
                    test_abandoning);
    g_test_add_func("/chain/does-not-go-in-again-once-cancelled",
                    test_cancel_is_final);
    g_test_add_func("/chain/leaves-as-often-as-it-enters", test_balance);
    return g_test_run();
}
