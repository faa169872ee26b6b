/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robots, inside: what its own files share.  Nobody else includes this. */
#ifndef HR_SYNC_ROBOTS_STATE_H
#define HR_SYNC_ROBOTS_STATE_H

#include "plug/documents.h"
#include "sync/robots.h"

/* An endpoint with secrets, and the robots it has. */
typedef struct HrRobotsEnd {
    HrRegistry *registry; /* borrowed */
    const HrPass *pass;   /* of this target; NULL: the source */
    HrDocumentList *list;
} HrRobotsEnd;

/* From one robot to the next. */
typedef struct HrRobotsWalk {
    const HrRobotsOrder *order;
    HrRobotSecrets *secrets; /* the same for all passes; borrowed */
    HrCall *call;
    HrRobotsEnd *places; /* targets, then the source */
    unsigned place_count;
    HrSecret *wanted; /* of the robot that is looked at */
    HrSecret *old;    /* likewise; NULL: there is none  */
    bool old_first;   /* the last place had the old one */
} HrRobotsWalk;

/* The robot at an endpoint, if it is there and its pass is about it. */
const HrDocument *
hr_robots_find(const HrRobotsEnd *place, const char *key);

/* Does what is to be done about one robot; false if the walk is to end. */
bool
hr_robots_visit(HrRobotsWalk *walk, const char *key, GError **error);

#endif
