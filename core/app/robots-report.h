/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robots report: what became of the secrets of robots, for people line by
 * line as it happens, for programs at the end. */
#ifndef HR_APP_ROBOTS_REPORT_H
#define HR_APP_ROBOTS_REPORT_H

#include <glib.h>
#include <stdbool.h>

#include "model/json.h"
#include "sync/robots.h"

#define HR_ROBOT_RESULTS (HR_ROBOT_FAILED + 1)

/* The robots of one source. */
typedef struct HrRobotsReport {
    char *name;     /* "paris -> rome, oslo" */
    HrJson *robots; /* NULL: printed instead */
    bool quiet;     /* prints no robots that are as they should be */
    unsigned counts[HR_ROBOT_RESULTS];
} HrRobotsReport;

/* As HrRobotsOrder::tell; `data` is the report. */
void
hr_robots_report_take(const HrRobot *robot, void *data);

/* Prints the line of totals. */
void
hr_robots_report_print(const HrRobotsReport *report);

/* The counts, and the robots, which are no longer the report's, as members of
 * an object. */
void
hr_robots_report_to_json(HrRobotsReport *report, HrJson *object);

/* The exit code of a report that came to its end. */
int
hr_robots_report_code(const HrRobotsReport *report);

void
hr_robots_report_clear(HrRobotsReport *report);

#endif
