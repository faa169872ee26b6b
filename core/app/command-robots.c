/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* robots: the secrets of robot accounts that exist already. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "app/options.h"
#include "app/report.h"
#include "app/robots-report.h"
#include "app/session.h"
#include "base/error.h"
#include "base/log.h"
#include "model/robot-secret.h"

/* The syncs of one source, and what comes of them. */
typedef struct Group {
    GPtrArray *syncs;  /* HrSyncConfig; borrowed */
    GPtrArray *passes; /* HrPass *                */
    HrRobotSecrets *secrets;
    HrRobotsOrder order;
    HrRobotsReport report;
    GError *error;
} Group;

static void
free_group(gpointer data)
{
    Group *group = data;

    g_ptr_array_unref(group->syncs);
    g_ptr_array_unref(group->passes);
    hr_robot_secrets_free(group->secrets);
    hr_robots_report_clear(&group->report);
    g_clear_error(&group->error);
    g_free(group);
}

/* ------------------------------------------------------------- prepare */

/* True if both get the secrets of robots from the same place. */
static bool
same_secrets(const HrRobotSecretsConfig *one,
             const HrRobotSecretsConfig *other)
{
    return one->from == other->from && one->version == other->version &&
           g_strcmp0(one->path, other->path) == 0 &&
           g_strcmp0(one->prefix, other->prefix) == 0 &&
           g_strcmp0(one->command, other->command) == 0 &&
           g_strcmp0(one->key, other->key) == 0;
}

/* A robot has one secret: whoever replicates it must agree on it. */
static bool
check_group(const Group *group, GError **error)
{
    const HrSyncConfig *first = group->syncs->pdata[0];
    HrRobotSecretsFrom from = first->robot_secrets.from;

    for (guint i = 1; i < group->syncs->len; i++) {
        const HrSyncConfig *sync = group->syncs->pdata[i];

        if (!same_secrets(&first->robot_secrets, &sync->robot_secrets))
            return hr_error_set(error, HR_CONFIG,
                                "%s:%u: sync %s: robot_secrets is another one "
                                "than that of sync %s, which has the same "
                                "source %s",
                                sync->place.file, sync->place.line, sync->name,
                                first->name, sync->source->name);
    }
    if (from == HR_ROBOT_SECRETS_KEEP || from == HR_ROBOT_SECRETS_REPORT)
        return hr_error_set(error, HR_CONFIG,
                            "%s:%u: sync %s: robot_secrets.from is \"%s\": "
                            "there is no secret to compare with or to set; "
                            "choose derive, file, env or exec",
                            first->place.file, first->place.line, first->name,
                            hr_robot_secrets_from_name(from));
    if (group->order.task == HR_ROBOTS_ROTATE &&
        from != HR_ROBOT_SECRETS_DERIVE)
        return hr_error_set(error, HR_CONFIG,
                            "%s:%u: sync %s: robot_secrets.from is \"%s\": "
                            "only derived secrets have versions; change the "
                            "secrets there, then run `robots adopt`",
                            first->place.file, first->place.line, first->name,
                            hr_robot_secrets_from_name(from));
    return true;
}

static Group *
find_group(GPtrArray *groups, const HrSyncConfig *sync)
{
    for (guint i = 0; i < groups->len; i++) {
        Group *group = groups->pdata[i];
        const HrSyncConfig *first = group->syncs->pdata[0];

        if (first->source == sync->source)
            return group;
    }
    return NULL;
}

/* True if robots are to be found there: unless it was named, only a sync that
 * has secrets for them. */
static bool
has_robots(const HrSyncConfig *sync, bool named)
{
    HrRobotSecretsFrom from = sync->robot_secrets.from;

    return (sync->kinds == NULL ||
            g_strv_contains((const char *const *)sync->kinds, "robot")) &&
           (named || (from != HR_ROBOT_SECRETS_KEEP &&
                      from != HR_ROBOT_SECRETS_REPORT));
}

/* Puts syncs of one source together. */
static GPtrArray *
make_groups(const GPtrArray *syncs, const HrRobotsOrder *order, bool named)
{
    GPtrArray *groups = g_ptr_array_new_with_free_func(free_group);

    for (guint i = 0; i < syncs->len; i++) {
        Group *group = find_group(groups, syncs->pdata[i]);

        if (!has_robots(syncs->pdata[i], named))
            continue;
        if (group == NULL) {
            group = g_new0(Group, 1);
            group->syncs = g_ptr_array_new();
            group->passes = g_ptr_array_new_with_free_func(g_free);
            group->order = *order;
            g_ptr_array_add(groups, group);
        }
        g_ptr_array_add(group->syncs, syncs->pdata[i]);
    }
    return groups;
}

/* The names of the targets, each once; the caller's. */
static GPtrArray *
list_targets(const Group *group)
{
    GPtrArray *names = g_ptr_array_new();

    for (guint i = 0; i < group->syncs->len; i++) {
        const HrSyncConfig *sync = group->syncs->pdata[i];

        if (!g_ptr_array_find(names, sync->target->name, NULL))
            g_ptr_array_add(names, sync->target->name);
    }
    return names;
}

/* "paris -> rome, oslo"; caller frees. */
static char *
name_group(const Group *group)
{
    const HrSyncConfig *first = group->syncs->pdata[0];
    g_autoptr(GPtrArray) targets = list_targets(group);
    g_autofree char *names = NULL;

    g_ptr_array_add(targets, NULL);
    names = g_strjoinv(", ", (char **)targets->pdata);
    return g_strconcat(first->source->name, " -> ", names, NULL);
}

/* What a pass needs for its robots: no jobs are made of it. */
static bool
add_pass(HrSession *session, Group *group, const HrSyncConfig *sync,
         GError **error)
{
    HrPass *pass = g_new0(HrPass, 1);

    g_ptr_array_add(group->passes, pass);
    pass->name = sync->name;
    pass->source = hr_session_open_registry(session, sync->source, error);
    if (pass->source != NULL)
        pass->target = hr_session_open_registry(session, sync->target, error);
    pass->select = &sync->select;
    pass->kinds = sync->kinds;
    pass->robot_secrets = group->secrets;
    if (sync->rename.strip != NULL || sync->rename.prefix != NULL ||
        sync->rename.template != NULL)
        pass->rename = &sync->rename;
    return pass->target != NULL;
}

static bool
prepare_group(HrSession *session, Group *group, bool json, GError **error)
{
    const HrSyncConfig *first = group->syncs->pdata[0];
    const HrRobotSecretsConfig *secrets = &first->robot_secrets;
    HrRobotsOrder *order = &group->order;

    if (!check_group(group, error))
        return false;
    group->secrets = hr_robot_secrets_new(secrets, error);
    if (group->secrets == NULL) {
        g_prefix_error(error, "%s:%u: sync %s: ", first->place.file,
                       first->place.line, first->name);
        return false;
    }
    for (guint i = 0; i < group->syncs->len; i++)
        if (!add_pass(session, group, group->syncs->pdata[i], error))
            return false;
    if (order->from == 0)
        order->from = secrets->version != order->to ? secrets->version
                                                    : MAX(order->to, 2) - 1;
    group->report.name = name_group(group);
    group->report.robots = json ? hr_json_new_array() : NULL;
    order->tell = hr_robots_report_take;
    order->data = &group->report;
    return true;
}

/* ----------------------------------------------------------------- run */

static void
run_group(void *data, HrCall *call)
{
    Group *group = data;

    hr_robots_run(&group->order, (const HrPass *const *)group->passes->pdata,
                  group->passes->len, call, &group->error);
}

/* What remains to be done once all robots are there; NULL: nothing. */
static char *
tell_next(const Group *group)
{
    const HrSyncConfig *first = group->syncs->pdata[0];
    const HrRobotsOrder *order = &group->order;

    if (group->error != NULL && order->task != HR_ROBOTS_CHECK)
        return g_strdup("nothing was undone: mend this and run the same "
                        "command again, it goes on where it stopped");
    if (order->task != HR_ROBOTS_ROTATE || order->dry_run ||
        first->robot_secrets.version == order->to ||
        group->report.counts[HR_ROBOT_FAILED] > 0)
        return NULL;
    return g_strdup_printf("%s:%u: set robot_secrets.version = %u before the "
                           "next pass, which would set version %u again",
                           first->place.file, first->place.line, order->to,
                           first->robot_secrets.version);
}

/* The exit code of an error; some robots may have been done before it. */
static int
code_of_error(const Group *group)
{
    int code = hr_session_report_error(group->error);

    return group->report.counts[HR_ROBOT_DONE] > 0 ? HR_EXIT_SOME_FAILED
                                                   : code;
}

static HrJson *
group_to_json(Group *group, const char *next)
{
    const HrSyncConfig *first = group->syncs->pdata[0];
    HrJson *json = hr_json_new_object();
    HrJson *targets = hr_json_new_array();
    g_autoptr(GPtrArray) names = list_targets(group);

    for (guint i = 0; i < names->len; i++)
        hr_json_append_text(targets, names->pdata[i]);
    hr_json_set_text(json, "source", first->source->name);
    hr_json_set(json, "targets", targets);
    hr_robots_report_to_json(&group->report, json);
    if (group->error != NULL)
        hr_json_set_text(json, "message", group->error->message);
    hr_json_set_text(json, "next", next);
    return json;
}

/* Tells about one source; returns its exit code. */
static int
tell(Group *group, HrJson *list)
{
    const HrSyncConfig *first = group->syncs->pdata[0];
    g_autofree char *next = tell_next(group);
    int code = hr_robots_report_code(&group->report);

    if (group->error != NULL)
        g_prefix_error(&group->error, "robots of %s: ", first->source->name);
    if (list == NULL)
        hr_robots_report_print(&group->report);
    else
        hr_json_append(list, group_to_json(group, next));
    if (group->error != NULL)
        code = code_of_error(group);
    if (next != NULL)
        hr_log(HR_LOG_WARNING, "%s", next);
    return code;
}

/* A failure says more than a difference, and that more than equality. */
static int
combine_codes(int one, int other)
{
    if (one == other || other == HR_EXIT_DONE)
        return one;
    return one == HR_EXIT_DONE ? other : HR_EXIT_SOME_FAILED;
}

static int
run_groups(HrSession *session, GPtrArray *groups, bool json)
{
    HrJson *list = json ? hr_json_new_array() : NULL;
    int code = HR_EXIT_DONE;

    for (guint i = 0; i < groups->len; i++) {
        Group *group = groups->pdata[i];
        int own;

        if (!hr_session_run_job(session, run_group, group))
            hr_error_set(&group->error, HR_CANCELLED, "interrupted");
        own = tell(group, list);
        code = i == 0 ? own : combine_codes(code, own);
        /* Whoever cannot be reached now may be an end of the others, too. */
        if (group->error != NULL && group->order.task != HR_ROBOTS_CHECK)
            break;
    }
    if (json)
        hr_report_print_json("sources", list, code);
    return code;
}

static int
run_order(const HrApp *app, const HrRobotsOrder *order, char *const *names,
          bool json)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSession) session = hr_session_load(app, &error);
    g_autoptr(GPtrArray) syncs = NULL;
    g_autoptr(GPtrArray) groups = NULL;

    if (session != NULL)
        syncs = hr_session_choose_syncs(session, names, &error);
    if (syncs == NULL || !hr_session_start(session, &error))
        return hr_session_report_error(error);
    groups = make_groups(syncs, order, names[0] != NULL);
    if (groups->len == 0) {
        hr_error_set(&error, HR_CONFIG,
                     "%s: no sync has robots among its kinds, and "
                     "robot_secrets that tells their secrets",
                     hr_session_config(session)->path);
        return hr_session_report_error(error);
    }
    for (guint i = 0; i < groups->len; i++) {
        Group *group = groups->pdata[i];

        group->report.quiet = app->quiet;
        if (!prepare_group(session, group, json, &error))
            return hr_session_report_error(error);
    }
    return run_groups(session, groups, json);
}

/* ------------------------------------------------------------- command */

static bool
read_task(const char *word, HrRobotsTask *task)
{
    static const char *const names[] = {
        [HR_ROBOTS_CHECK] = "check",
        [HR_ROBOTS_ADOPT] = "adopt",
        [HR_ROBOTS_ROTATE] = "rotate",
    };

    for (unsigned i = 0; word != NULL && i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], word) == 0) {
            *task = (HrRobotsTask)i;
            return true;
        }
    return false;
}

/* Options that would do nothing are mistakes. */
static int
check_options(const HrRobotsOrder *order, int from, int to)
{
    if (order->task == HR_ROBOTS_ROTATE && to <= 0)
        return hr_options_usage_error("robots", "rotate needs --to VERSION, "
                                                "a number from 1 on");
    if (to > HR_ROBOT_VERSION_MAXIMUM || from > HR_ROBOT_VERSION_MAXIMUM)
        return hr_options_usage_error(
            "robots", "versions end at " G_STRINGIFY(
                          HR_ROBOT_VERSION_MAXIMUM) ", also in the "
                                                    "configuration");
    if (order->task != HR_ROBOTS_ROTATE && (to != 0 || from != 0))
        return hr_options_usage_error("robots",
                                      "--to and --from are for rotate only");
    if (from < 0 || (from != 0 && from == to))
        return hr_options_usage_error(
            "robots", "--from is another version than --to, from 1 on");
    if (order->task == HR_ROBOTS_CHECK && order->dry_run)
        return hr_options_usage_error("robots",
                                      "check writes nothing: leave --dry-run "
                                      "out");
    return HR_EXIT_DONE;
}

int
hr_command_robots(const HrApp *app, int argc, char **argv)
{
    g_autofree char *only = NULL;
    gboolean dry_run = false;
    int from = 0, to = 0;
    GOptionEntry entries[] = {
        {"to", 0, 0, G_OPTION_ARG_INT, &to, "rotate: the version to move to",
         "VERSION"},
        {"from", 0, 0, G_OPTION_ARG_INT, &from,
         "rotate: the version so far (default: the configured one)",
         "VERSION"},
        {"robot", 0, 0, G_OPTION_ARG_STRING, &only,
         "This robot alone: PROJECT/NAME, or NAME of the system", "ROBOT"},
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run,
         "adopt, rotate: only look, set nothing", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    HrOptions options = {
        .usage = "check|adopt|rotate [SYNC...]",
        .summary =
            "The secrets of robot accounts, at the targets and the source of "
            "syncs, as\nrobot_secrets of the configuration tells them.\n\n"
            "  check   tries them, each once\n"
            "  adopt   sets them where robots exist at both ends and have "
            "others\n"
            "  rotate  moves derived secrets to another version\n\n"
            "Targets come first, then the source; each secret is tried after "
            "it was set.  What\nstopped half way goes on when it is run "
            "again.",
        .description =
            "Exit code 0: all are right; 5: check found others; 1: some could "
            "not be told or\nset.",
        .entries = entries,
        .output = true,
    };
    g_auto(GStrv) words = NULL;
    HrRobotsOrder order = {0};
    int code;

    if (!hr_options_parse(&options, argc, argv, &words, &code))
        return code;
    if (!read_task(words[0], &order.task))
        return hr_options_usage_error("robots", "give check, adopt or rotate");
    order.dry_run = dry_run;
    order.only = only;
    code = check_options(&order, from, to);
    if (code != HR_EXIT_DONE)
        return code;
    order.from = (unsigned)from;
    order.to = (unsigned)to;
    return run_order(app, &order, words + 1, options.json);
}
