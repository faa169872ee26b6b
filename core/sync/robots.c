/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robots: the secrets of robot accounts that exist already; see robots.h. */
#include "sync/robots.h"

#include <string.h>

#include "base/error.h"
#include "plug/documents.h"
#include "sync/robots-state.h"

static const char kind[] = "robot";

const char *
hr_robot_state_name(HrRobotSecretState state)
{
    static const char *const names[] = {
        [HR_ROBOT_ABSENT] = "absent", [HR_ROBOT_RIGHT] = "right",
        [HR_ROBOT_OLD] = "old",       [HR_ROBOT_OTHER] = "other",
        [HR_ROBOT_UNTOLD] = "untold", [HR_ROBOT_SET] = "set",
    };

    return names[state];
}

const char *
hr_robot_result_name(HrRobotResult result)
{
    static const char *const names[] = {
        [HR_ROBOT_SAME] = "same",       [HR_ROBOT_DIFFERENT] = "different",
        [HR_ROBOT_PLANNED] = "planned", [HR_ROBOT_DONE] = "done",
        [HR_ROBOT_SKIPPED] = "skipped", [HR_ROBOT_UNKNOWN] = "unknown",
        [HR_ROBOT_FAILED] = "failed",
    };

    return names[result];
}

/* ------------------------------------------------------------ one robot */

static void
clear_robot(HrRobot *robot)
{
    for (unsigned i = 0; i < robot->place_count; i++)
        g_free(robot->places[i].message);
    g_free(robot->places);
    g_free(robot->message);
}

static void
conclude(HrRobot *robot, HrRobotResult result, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void
conclude(HrRobot *robot, HrRobotResult result, const char *format, ...)
{
    va_list arguments;

    robot->result = result;
    g_free(robot->message);
    va_start(arguments, format);
    robot->message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
}

/* The places where it is in that state, joined: "rome, paris"; caller
 * frees. */
static char *
name_places(const HrRobot *robot, HrRobotSecretState state)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (unsigned i = 0; i < robot->place_count; i++)
        if (robot->places[i].state == state)
            g_string_append_printf(
                names, "%s%s", names->len > 0 ? ", " : "",
                hr_registry_name(robot->places[i].registry));
    return g_string_free(g_steal_pointer(&names), false);
}

static unsigned
count_places(const HrRobot *robot, HrRobotSecretState state)
{
    unsigned count = 0;

    for (unsigned i = 0; i < robot->place_count; i++)
        count += robot->places[i].state == state;
    return count;
}

/* Tries one secret.  True if it could be told: *right is whether it is the
 * one. */
static bool
try_secret(const HrRobotsWalk *walk, const HrRobot *robot, HrRobotPlace *place,
           const HrSecret *secrets, bool *right, GError **error)
{
    g_autoptr(GError) failed = NULL;

    *right = hr_registry_check_secret(place->registry, walk->call, kind,
                                      robot->key, secrets, &failed);
    if (*right || hr_error_status(failed) == HR_AUTH_DENIED)
        return true;
    if (hr_error_status(failed) != HR_UNSUPPORTED) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return false;
    }
    place->state = HR_ROBOT_UNTOLD;
    g_free(place->message);
    place->message = g_strdup(failed->message);
    return true;
}

/* Finds out which secret a place has.  The one that the place before had is
 * tried first, for a wrong one costs Harbor, and us, a second and a half. */
static bool
look_at_place(HrRobotsWalk *walk, const HrRobot *robot, HrRobotPlace *place,
              GError **error)
{
    const HrSecret *secrets[] = {walk->wanted, walk->old};
    static const HrRobotSecretState states[] = {HR_ROBOT_RIGHT, HR_ROBOT_OLD};

    place->state = HR_ROBOT_OTHER;
    for (unsigned i = 0; i < G_N_ELEMENTS(secrets); i++) {
        unsigned which = walk->old_first ? 1 - i : i;
        bool right = false;

        if (secrets[which] == NULL)
            continue;
        if (!try_secret(walk, robot, place, secrets[which], &right, error))
            return false;
        if (place->state == HR_ROBOT_UNTOLD)
            return true;
        if (!right)
            continue;
        walk->old_first = which == 1;
        place->state = states[which];
        return true;
    }
    return true;
}

static bool
look(HrRobotsWalk *walk, HrRobot *robot, GError **error)
{
    for (unsigned i = 0; i < robot->place_count; i++) {
        HrRobotPlace *place = &robot->places[i];

        /* One that is hidden has its message already. */
        if (place->state != HR_ROBOT_ABSENT && place->message == NULL &&
            !look_at_place(walk, robot, place, error))
            return false;
    }
    return true;
}

/* Sets the secret and nothing else: the document goes back as it is. */
static bool
set_at_place(const HrRobotsWalk *walk, const HrRobot *robot,
             HrRobotPlace *place, GError **error)
{
    g_autoptr(HrDocument) now = hr_registry_read_document(
        place->registry, walk->call, kind, robot->key, error);
    bool right = false;

    if (now == NULL ||
        !hr_registry_write_document(place->registry, walk->call, kind,
                                    robot->key, now->text, now->text,
                                    walk->wanted, error) ||
        !try_secret(walk, robot, place, walk->wanted, &right, error))
        return false;
    if (!right)
        return hr_error_set(error, HR_UNSUPPORTED,
                            "%s: the secret was set and is not taken%s%s",
                            hr_registry_name(place->registry),
                            place->message != NULL ? ": " : "",
                            place->message != NULL ? place->message : "");
    place->state = HR_ROBOT_SET;
    return true;
}

static bool
set_everywhere(const HrRobotsWalk *walk, HrRobot *robot, GError **error)
{
    for (unsigned i = 0; i < robot->place_count; i++) {
        HrRobotPlace *place = &robot->places[i];

        if ((place->state == HR_ROBOT_OLD || place->state == HR_ROBOT_OTHER) &&
            !set_at_place(walk, robot, place, error))
            return false;
    }
    return true;
}

/* Tells that an endpoint has failed, and how far the robot is. */
static void
conclude_failure(HrRobot *robot, const GError *error)
{
    g_autofree char *set = name_places(robot, HR_ROBOT_SET);
    g_autofree char *right = name_places(robot, HR_ROBOT_RIGHT);

    conclude(robot, HR_ROBOT_FAILED, "%s%s%s%s%s", error->message,
             *set != '\0' ? "; set already at " : "", set,
             *right != '\0' ? "; was right before at " : "", right);
}

static bool
conclude_different(HrRobot *robot)
{
    g_autofree char *other = name_places(robot, HR_ROBOT_OTHER);

    if (*other == '\0')
        return false;
    conclude(robot, HR_ROBOT_DIFFERENT, "another secret at %s", other);
    return true;
}

/* True if what was found lets the secret be set. */
static bool
may_set(const HrRobotsWalk *walk, HrRobot *robot)
{
    g_autofree char *other = name_places(robot, HR_ROBOT_OTHER);

    if (count_places(robot, HR_ROBOT_OLD) == 0 && *other == '\0')
        return false;
    if (walk->order->task == HR_ROBOTS_ROTATE && *other != '\0') {
        conclude(robot, HR_ROBOT_FAILED,
                 "neither version %u nor %u at %s: its secret is not known; "
                 "`robots adopt --robot %s` sets the configured one",
                 walk->order->from, walk->order->to, other, robot->key);
        return false;
    }
    return true;
}

/* Some place cannot tell: nothing is set anywhere, or they would part. */
static bool
conclude_untold(HrRobot *robot)
{
    for (unsigned i = 0; i < robot->place_count; i++)
        if (robot->places[i].state == HR_ROBOT_UNTOLD) {
            conclude(robot, HR_ROBOT_UNKNOWN, "%s", robot->places[i].message);
            return true;
        }
    return false;
}

/* Does what is to be done; false if the walk is to end. */
static bool
carry_out(HrRobotsWalk *walk, HrRobot *robot, GError **error)
{
    const HrRobotsOrder *order = walk->order;

    if (!look(walk, robot, error)) {
        conclude_failure(robot, *error);
        return false;
    }
    if (order->task == HR_ROBOTS_CHECK && conclude_different(robot))
        return true;
    if (conclude_untold(robot) || order->task == HR_ROBOTS_CHECK)
        return true;
    if (!may_set(walk, robot))
        return true;
    if (order->dry_run) {
        conclude(robot, HR_ROBOT_PLANNED, "would be set");
        return true;
    }
    if (!set_everywhere(walk, robot, error)) {
        conclude_failure(robot, *error);
        return false;
    }
    g_clear_pointer(&robot->message, g_free);
    robot->result = HR_ROBOT_DONE;
    return true;
}

/* The secrets of the robot; false if they are not to be had. */
static bool
take_secrets(HrRobotsWalk *walk, HrRobot *robot)
{
    const HrRobotsOrder *order = walk->order;
    g_autoptr(GError) failed = NULL;

    g_clear_pointer(&walk->wanted, hr_secret_unref);
    g_clear_pointer(&walk->old, hr_secret_unref);
    if (order->task == HR_ROBOTS_ROTATE) {
        walk->wanted = hr_robot_secrets_get_version(walk->secrets, robot->key,
                                                    order->to, &failed);
        walk->old = hr_robot_secrets_get_version(walk->secrets, robot->key,
                                                 order->from, NULL);
    } else {
        walk->wanted =
            hr_robot_secrets_get(walk->secrets, robot->key, &failed);
    }
    if (walk->wanted != NULL)
        return true;
    conclude(robot, HR_ROBOT_FAILED, "%s",
             failed != NULL ? failed->message : "no secret is told");
    return false;
}

/* What is known of the robot at an endpoint without trying its secret.  One
 * that could not be seen may be there. */
static const HrDocument *
find_at_place(const HrRobotsWalk *walk, const HrRobotsEnd *end,
              const char *key, HrRobotPlace *place)
{
    bool belongs = hr_robots_belongs(walk, end, key);
    const HrDocument *document =
        belongs ? hr_document_list_find(end->list, key) : NULL;
    const HrDocumentGap *gap = belongs && document == NULL
                                   ? hr_document_list_gap(end->list, key)
                                   : NULL;

    place->registry = end->registry;
    place->state =
        document != NULL || gap != NULL ? HR_ROBOT_UNTOLD : HR_ROBOT_ABSENT;
    place->message = gap != NULL ? g_strdup(gap->error->message) : NULL;
    return document;
}

/* True if the robot is one to do something about. */
static bool
is_meant(const HrRobotsWalk *walk, HrRobot *robot)
{
    unsigned present = 0, targets = 0;

    for (unsigned i = 0; i < walk->place_count; i++) {
        const HrDocument *document = find_at_place(
            walk, &walk->places[i], robot->key, &robot->places[i]);

        if (robot->places[i].state == HR_ROBOT_ABSENT)
            continue;
        present++;
        targets += walk->places[i].is_target;
        if (document == NULL || !document->is_protected)
            continue;
        conclude(robot, HR_ROBOT_SKIPPED, "%s: %s",
                 hr_registry_name(walk->places[i].registry),
                 document->reason != NULL ? document->reason
                                          : "not to be changed");
        return false;
    }
    if (present == 0)
        conclude(robot, HR_ROBOT_SKIPPED, "at no endpoint that has secrets");
    else if (targets == 0 && walk->order->task == HR_ROBOTS_ADOPT)
        conclude(robot, HR_ROBOT_SKIPPED,
                 "not at both ends: a pass creates it first");
    else
        return true;
    return false;
}

bool
hr_robots_visit(HrRobotsWalk *walk, const char *key, GError **error)
{
    HrRobot robot = {
        .key = key,
        .places = g_new0(HrRobotPlace, walk->place_count),
        .place_count = walk->place_count,
    };
    g_autoptr(GError) failed = NULL;
    bool goes_on = true;

    if (is_meant(walk, &robot) && take_secrets(walk, &robot))
        goes_on = carry_out(walk, &robot, &failed);
    walk->order->tell(&robot, walk->order->data);
    clear_robot(&robot);
    if (goes_on)
        return true;
    /* Looking may go on without one of the endpoints. */
    if (walk->order->task == HR_ROBOTS_CHECK &&
        hr_error_status(failed) != HR_CANCELLED)
        return true;
    g_propagate_prefixed_error(error, g_steal_pointer(&failed),
                               "robot %s: ", key);
    return false;
}
