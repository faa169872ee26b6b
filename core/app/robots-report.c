/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robots report: what became of the secrets of robots, and how it is told. */
#include "app/robots-report.h"

#include <stdio.h>

#include "app/app.h"

/* "set at rome, paris", of the places in that state; "" for none. */
static char *
name_places(const HrRobot *robot, HrRobotSecretState state, const char *verb)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < robot->place_count; i++)
        if (robot->places[i].state == state)
            g_string_append_printf(
                text, "%s%s", text->len > 0 ? ", " : verb,
                hr_registry_name(robot->places[i].registry));
    return g_string_free(g_steal_pointer(&text), false);
}

static void
print_robot(const HrRobot *robot)
{
    g_autofree char *set = name_places(robot, HR_ROBOT_SET, "set at ");
    const char *text = robot->message != NULL ? robot->message : set;

    printf("  %-9s %-40s%s%s%s\n", hr_robot_result_name(robot->result),
           robot->key, *text != '\0' ? "  (" : "", text,
           *text != '\0' ? ")" : "");
    /* It may take long, and whoever waits wants to see how far it is. */
    fflush(stdout);
}

static HrJson *
robot_to_json(const HrRobot *robot)
{
    HrJson *json = hr_json_new_object();
    HrJson *places = hr_json_new_array();

    for (unsigned i = 0; i < robot->place_count; i++) {
        const HrRobotPlace *place = &robot->places[i];
        HrJson *item = hr_json_new_object();

        hr_json_set_text(item, "endpoint", hr_registry_name(place->registry));
        hr_json_set_text(item, "secret", hr_robot_state_name(place->state));
        hr_json_set_text(item, "message", place->message);
        hr_json_append(places, item);
    }
    hr_json_set_text(json, "key", robot->key);
    hr_json_set_text(json, "result", hr_robot_result_name(robot->result));
    hr_json_set_text(json, "message", robot->message);
    hr_json_set(json, "places", places);
    return json;
}

void
hr_robots_report_take(const HrRobot *robot, void *data)
{
    HrRobotsReport *report = data;

    report->counts[robot->result]++;
    if (report->robots != NULL)
        hr_json_append(report->robots, robot_to_json(robot));
    else if (!report->quiet || robot->result != HR_ROBOT_SAME)
        print_robot(robot);
}

void
hr_robots_report_print(const HrRobotsReport *report)
{
    unsigned all = 0;

    for (unsigned i = 0; i < HR_ROBOT_RESULTS; i++)
        all += report->counts[i];
    printf("%s: robots %u", report->name, all);
    for (unsigned i = 0; i < HR_ROBOT_RESULTS; i++)
        if (report->counts[i] > 0)
            printf(", %s %u", hr_robot_result_name((HrRobotResult)i),
                   report->counts[i]);
    printf("\n");
}

void
hr_robots_report_to_json(HrRobotsReport *report, HrJson *object)
{
    HrJson *counts = hr_json_new_object();

    for (unsigned i = 0; i < HR_ROBOT_RESULTS; i++)
        hr_json_set_number(counts, hr_robot_result_name((HrRobotResult)i),
                           report->counts[i]);
    hr_json_set(object, "counts", counts);
    hr_json_set(object, "robots", g_steal_pointer(&report->robots));
}

int
hr_robots_report_code(const HrRobotsReport *report)
{
    if (report->counts[HR_ROBOT_FAILED] + report->counts[HR_ROBOT_UNKNOWN] > 0)
        return HR_EXIT_SOME_FAILED;
    return report->counts[HR_ROBOT_DIFFERENT] > 0 ? HR_EXIT_DIFFERENT
                                                  : HR_EXIT_DONE;
}

void
hr_robots_report_clear(HrRobotsReport *report)
{
    g_free(report->name);
    hr_json_unref(report->robots);
}
