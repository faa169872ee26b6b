/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Climb: how many blobs an endpoint gets at once. */
#include "guard/climb.h"

#define SECOND INT64_C(1000000)

/* What is compared: goodput over so long, or longer until so much moved. */
#define INTERVAL_US (2 * SECOND)
#define INTERVAL_BYTES (UINT64_C(1) << 16)

/* One more stream is worth it from this gain on. */
#define GAIN 1.05

/* Where neither more nor less was better nothing is tried for a while, longer
 * each time. */
#define REST_MINIMUM 5u
#define REST_MAXIMUM 30u

/* So many streams in a row that end well give a place back that failures
 * took. */
#define GOOD_IN_A_ROW 16u

typedef enum Trial {
    TRIAL_NONE,
    TRIAL_MORE,
    TRIAL_LESS
} Trial;

struct HrClimb {
    HrLimitPolicy policy;
    unsigned value;
    int64_t since_us;
    uint64_t bytes;
    bool crowded;  /* all of the interval: somebody waited for a place */
    double before; /* goodput before the trial */
    Trial trial;
    Trial last;
    unsigned good; /* streams in a row that ended well */
    unsigned rest; /* intervals left */
    unsigned rest_length;
};

static void
restart(HrClimb *climb, int64_t now_us)
{
    climb->since_us = now_us;
    climb->bytes = 0;
    climb->crowded = true;
}

HrClimb *
hr_climb_new(const HrLimitPolicy *policy, int64_t now_us)
{
    HrClimb *climb = g_new0(HrClimb, 1);

    climb->policy = *policy;
    climb->policy.maximum = MAX(policy->maximum, 1);
    climb->policy.minimum = CLAMP(policy->minimum, 1, climb->policy.maximum);
    climb->value =
        CLAMP(policy->initial, climb->policy.minimum, climb->policy.maximum);
    climb->rest_length = REST_MINIMUM;
    restart(climb, now_us);
    return climb;
}

void
hr_climb_free(HrClimb *climb)
{
    g_free(climb);
}

unsigned
hr_climb_value(HrClimb *climb, int64_t now_us)
{
    (void)now_us;
    return climb->policy.adaptive ? climb->value : climb->policy.maximum;
}

static void
try_next(HrClimb *climb, double goodput)
{
    bool more = climb->last != TRIAL_MORE;

    if (climb->value == climb->policy.maximum)
        more = false;
    if (climb->value == climb->policy.minimum)
        more = true;
    climb->before = goodput;
    if (more && climb->value < climb->policy.maximum) {
        climb->value++;
        climb->trial = TRIAL_MORE;
    } else if (!more && climb->value > climb->policy.minimum) {
        climb->value--;
        climb->trial = TRIAL_LESS;
    }
    climb->last = climb->trial;
}

static void
take_rest(HrClimb *climb)
{
    climb->trial = TRIAL_NONE;
    climb->rest = climb->rest_length;
    climb->rest_length = MIN(climb->rest_length * 2, REST_MAXIMUM);
}

/* More has to bring something, less must not cost anything. */
static void
judge(HrClimb *climb, double goodput)
{
    bool good = climb->trial == TRIAL_MORE ? goodput >= climb->before * GAIN
                                           : goodput * GAIN >= climb->before;

    if (good) {
        climb->trial = TRIAL_NONE;
        climb->rest_length = REST_MINIMUM;
        climb->last = climb->last == TRIAL_MORE ? TRIAL_LESS : TRIAL_MORE;
        try_next(climb, goodput);
        return;
    }
    if (climb->trial == TRIAL_MORE)
        climb->value--;
    else
        climb->value++;
    take_rest(climb);
}

void
hr_climb_moved(HrClimb *climb, int64_t now_us, uint64_t bytes,
               unsigned streams, unsigned waiting)
{
    int64_t elapsed_us = now_us - climb->since_us;
    double goodput;

    climb->bytes += bytes;
    if (!climb->policy.adaptive)
        return;
    /* Only a crowd shows what the number of places does. */
    if (waiting == 0 || streams < climb->value)
        climb->crowded = false;
    if (elapsed_us < INTERVAL_US || climb->bytes < INTERVAL_BYTES)
        return;
    goodput = (double)climb->bytes / (double)elapsed_us;
    if (!climb->crowded) {
        restart(climb, now_us);
        return;
    }
    restart(climb, now_us);
    if (climb->trial != TRIAL_NONE)
        judge(climb, goodput);
    else if (climb->rest > 0)
        climb->rest--;
    else
        try_next(climb, goodput);
}

void
hr_climb_ended(HrClimb *climb, int64_t now_us, const HrOutcome *outcome)
{
    unsigned less;

    if (!climb->policy.adaptive || hr_outcome_is_local(outcome))
        return;
    if (!hr_outcome_is_failure(outcome) && outcome->status != HR_THROTTLED) {
        if (++climb->good % GOOD_IN_A_ROW == 0 &&
            climb->value < climb->policy.initial) {
            climb->value++;
            restart(climb, now_us);
        }
        return;
    }
    climb->good = 0;
    less = MAX(climb->value / 10, 1);
    climb->value = climb->value > climb->policy.minimum + less
                       ? climb->value - less
                       : climb->policy.minimum;
    climb->trial = TRIAL_NONE;
    climb->rest = 0;
    climb->last = TRIAL_LESS;
    restart(climb, now_us);
}
