/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Robots: the secrets of robot accounts that exist already, over all endpoints
 * of one source, one robot after the other.
 *
 *     check     tells who has the secret that robot_secrets tells
 *     adopt     sets it where it is another one, of robots at both ends
 *     rotate    moves from one version of derived secrets to another
 *
 * Targets come first and the source last, so that whoever uses the source is
 * the last to notice; each secret that was set is tried before the next is.
 * What an endpoint has is looked at before anything is written: so whatever
 * was broken off goes on when it is run again, and a secret that nobody knows
 * is never written over but by adopting.
 */
#ifndef HR_SYNC_ROBOTS_H
#define HR_SYNC_ROBOTS_H

#include <glib.h>
#include <stdbool.h>

#include "sync/pass.h"

typedef enum HrRobotsTask {
    HR_ROBOTS_CHECK,
    HR_ROBOTS_ADOPT,
    HR_ROBOTS_ROTATE
} HrRobotsTask;

/* What an endpoint has of a robot. */
typedef enum HrRobotSecretState {
    HR_ROBOT_ABSENT, /* no such robot                          */
    HR_ROBOT_RIGHT,  /* the secret that is wanted              */
    HR_ROBOT_OLD,    /* the version that is rotated away from  */
    HR_ROBOT_OTHER,  /* another one                            */
    HR_ROBOT_UNTOLD, /* nobody can tell                        */
    HR_ROBOT_SET     /* the one that is wanted, since just now */
} HrRobotSecretState;

typedef struct HrRobotPlace {
    HrRegistry *registry; /* borrowed */
    HrRobotSecretState state;
    char *message; /* why nobody can tell; or NULL */
} HrRobotPlace;

typedef enum HrRobotResult {
    HR_ROBOT_SAME,      /* as wanted everywhere                        */
    HR_ROBOT_DIFFERENT, /* check: not so                               */
    HR_ROBOT_PLANNED,   /* would be set; nothing was written           */
    HR_ROBOT_DONE,      /* was set                                     */
    HR_ROBOT_SKIPPED,   /* is none to be touched                       */
    HR_ROBOT_UNKNOWN,   /* could not be told                           */
    HR_ROBOT_FAILED
} HrRobotResult;

/* What became of one robot. */
typedef struct HrRobot {
    const char *key;
    HrRobotPlace *places; /* targets, then the source */
    unsigned place_count;
    HrRobotResult result;
    char *message; /* or NULL */
} HrRobot;

/* "right", "old" */
const char *
hr_robot_state_name(HrRobotSecretState state);

/* "same", "done" */
const char *
hr_robot_result_name(HrRobotResult result);

/* What is to be done. */
typedef struct HrRobotsOrder {
    HrRobotsTask task;
    bool dry_run;     /* look, and write nothing         */
    unsigned from;    /* rotate: the version so far      */
    unsigned to;      /* rotate: the version to move to  */
    const char *only; /* this robot alone; NULL: all     */

    /* Called for each robot in the order of their keys. */
    void (*tell)(const HrRobot *robot, void *data);
    void *data;
} HrRobotsOrder;

/* Carries the order out for passes that have the same source, of which those
 * robots are meant that they select.  Fails if it could not be begun, or, but
 * for check, as soon as an endpoint fails; the robot that this happened to was
 * told then.  On a worker. */
bool
hr_robots_run(const HrRobotsOrder *order, const HrPass *const *passes,
              unsigned count, HrCall *call, GError **error);

#endif
