/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * World: the guards of one endpoint over a transport that is made up: no
 * socket, no thread, no clock but the test's.  Its server is the test's
 * `answer`; jobs are requests of it.
 */
#ifndef HR_TEST_GUARDS_WORLD_H
#define HR_TEST_GUARDS_WORLD_H

#include <glib.h>

#include "guard/guards.h"

#define SECOND_US INT64_C(1000000)

typedef struct World World;

/* One request of the made-up transport. */
typedef struct Job {
    HrLeg leg; /* first: the transport stage casts */
    HrOperation operation;
    World *world;
    int64_t wake_us;    /* of the operation or the leg; INT64_MAX: none  */
    int64_t answer_us;  /* while on the wire                             */
    bool operation_due; /* ready() was called */
    bool leg_due;
    bool in_leg;
    bool over;
    HrStep last;
    int64_t began_us;
    int64_t ended_us;
} Job;

struct World {
    HrGuards *guards;
    HrLine line;
    GRand *rand;
    int64_t now_us;
    int64_t alarm_us;
    GPtrArray *jobs; /* Job, not over */
    unsigned on_wire;
    unsigned most_on_wire;
    unsigned sent;
    /* What the server does: */
    HrOutcome (*answer)(World *world, int64_t *after_us);
};

void
init_world(World *world, const HrPolicy *policy, guint32 seed);

/* One whose blobs wait in the line of another's; goes before it. */
void
init_world_beside(World *world, const HrPolicy *policy, guint32 seed,
                  World *other);

HrRandom
world_random(World *world);

/* Fails if a job is not over. */
void
clear_world(World *world);

/* Sends a request on its way as far as it goes now. */
void
start_job(World *world, Job *job, HrOperationClass class, bool idempotent,
          int64_t deadline_us);

/* One that hands long waits back, as jobs of a pass do. */
void
start_parking_job(World *world, Job *job, HrOperationClass class);

/* The two ends of a copy, which wait for each other. */
void
start_copy(World *from, World *to, Job ends[2]);

/* The same of something tiny. */
void
start_tiny_copy(World *from, World *to, Job ends[2]);

void
cancel_job(Job *job);

/* On to the next thing that happens, not beyond `until_us`.  False if there
 * is none. */
bool
step_world(World *world, int64_t until_us);

/* Nothing is held and nobody waits. */
void
expect_quiet(const World *world);

#endif
