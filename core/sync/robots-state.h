/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robots, inside: what its own files share.  Nobody else includes this. */
#ifndef HR_SYNC_ROBOTS_STATE_H
#define HR_SYNC_ROBOTS_STATE_H

#include "plug/documents.h"
#include "sync/robots.h"

/* An endpoint with secrets, and the robots it has. */
typedef struct HrRobotsEnd {
    HrRegistry *registry; /* borrowed */
    bool is_target;       /* and not the source */
    HrDocumentList *list;
} HrRobotsEnd;

/* From one robot to the next. */
typedef struct HrRobotsWalk {
    const HrRobotsOrder *order;
    const HrPass *const *passes; /* borrowed, as what follows */
    unsigned pass_count;
    HrRobotSecrets *secrets; /* the same for all of them */
    HrCall *call;
    HrRobotsEnd *places; /* targets, then the source */
    unsigned place_count;
    HrSecret *wanted; /* of the robot that is looked at */
    HrSecret *old;    /* likewise; NULL: there is none  */
    bool old_first;   /* the last place had the old one */
} HrRobotsWalk;

/* True if a robot is to be looked for at an endpoint: if it is the source, or
 * the target of a pass that is about it. */
bool
hr_robots_belongs(const HrRobotsWalk *walk, const HrRobotsEnd *end,
                  const char *key);

/* Does what is to be done about one robot; false if the walk is to end. */
bool
hr_robots_visit(HrRobotsWalk *walk, const char *key, GError **error);

#endif
