/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* verify: prove both sides equal, or list where not. */
#include <inttypes.h>
#include <stdio.h>

#include "app/app.h"
#include "app/options.h"
#include "app/report.h"
#include "app/session.h"
#include "sync/plan.h"
#include "sync/verify.h"

static void
print_differences(const GPtrArray *differences)
{
    for (guint i = 0; i < differences->len; i++) {
        const HrDifference *difference = differences->pdata[i];

        g_autofree char *name =
            hr_plan_item_name(difference->item_kind, difference->key);

        printf("  %-9s %-40s (%s)\n", hr_difference_name(difference->kind),
               name, difference->message);
    }
}

static void
print_verification(const char *name, const HrVerification *result, bool deep)
{
    print_differences(result->differences);
    print_differences(result->kept);
    printf("%s: %s: checked %" PRIu64 ", equal %" PRIu64
           ", different %u, kept %u; manifests hashed %" PRIu64
           ", blobs %s %" PRIu64 "\n",
           name, result->differences->len == 0 ? "equal" : "NOT EQUAL",
           result->checked, result->equal, result->differences->len,
           result->kept->len, result->manifests, deep ? "hashed" : "present",
           result->blobs);
}

static HrJson *
differences_to_json(const GPtrArray *differences)
{
    HrJson *list = hr_json_new_array();

    for (guint i = 0; i < differences->len; i++) {
        const HrDifference *difference = differences->pdata[i];
        HrJson *item = hr_json_new_object();

        hr_json_set_text(item, "kind", difference->item_kind);
        hr_json_set_text(item, "key", difference->key);
        hr_json_set_text(item, "difference",
                         hr_difference_name(difference->kind));
        hr_json_set_text(item, "message", difference->message);
        hr_json_append(list, item);
    }
    return list;
}

static HrJson *
verification_to_json(const HrSyncConfig *sync, const HrVerification *result)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "name", sync->name);
    hr_json_set_text(json, "source", sync->source->name);
    hr_json_set_text(json, "target", sync->target->name);
    hr_json_set_boolean(json, "equal", result->differences->len == 0);
    hr_json_set_number(json, "checked", (int64_t)result->checked);
    hr_json_set_number(json, "manifests", (int64_t)result->manifests);
    hr_json_set_number(json, "blobs", (int64_t)result->blobs);
    hr_json_set(json, "differences", differences_to_json(result->differences));
    hr_json_set(json, "kept", differences_to_json(result->kept));
    return json;
}

/* Something that could not be looked at is no proof of a difference, and none
 * of equality. */
static int
worst_code(const HrVerification *result, int code)
{
    if (code == HR_EXIT_DONE && result->differences->len > 0)
        code = HR_EXIT_DIFFERENT;
    for (guint i = 0; i < result->differences->len; i++) {
        const HrDifference *difference = result->differences->pdata[i];

        if (difference->kind == HR_DIFFERENCE_UNKNOWN)
            code = HR_EXIT_SOME_FAILED;
    }
    return code;
}

static HrJson *
failure_to_json(const HrSyncConfig *sync, const GError *error)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "name", sync->name);
    hr_json_set_text(json, "source", sync->source->name);
    hr_json_set_text(json, "target", sync->target->name);
    hr_json_set_boolean(json, "equal", false);
    hr_json_set_text(json, "message", error->message);
    return json;
}

/* A sync on its way. */
typedef struct Verifying {
    const HrSyncConfig *sync;
    HrPass pass;
    bool deep;
    HrVerification *result; /* NULL if there is nothing to say */
    GError *error;          /* why, then                       */
} Verifying;

static void
drive_verify(void *data)
{
    Verifying *verifying = data;

    verifying->result =
        hr_verify_run(&verifying->pass, verifying->deep, &verifying->error);
}

/* Tells about one sync; returns its exit code. */
static int
tell(Verifying *verifying, HrJson *list)
{
    const HrSyncConfig *sync = verifying->sync;
    g_autoptr(HrVerification) result = verifying->result;
    g_autoptr(GError) error = verifying->error;

    if (result == NULL) {
        g_prefix_error(&error, "sync %s: ", sync->name);
        if (list != NULL)
            hr_json_append(list, failure_to_json(sync, error));
        return hr_session_report_error(error);
    }
    if (list != NULL)
        hr_json_append(list, verification_to_json(sync, result));
    else
        print_verification(sync->name, result, verifying->deep);
    return worst_code(result, HR_EXIT_DONE);
}

/* One code for all: their own if they agree; a difference says more than
 * equality, and a failure more than both. */
static int
combine_codes(int one, int other)
{
    if (one == other || other == HR_EXIT_DONE)
        return one;
    return one == HR_EXIT_DONE ? other : HR_EXIT_SOME_FAILED;
}

static int
run_verify(HrSession *session, const GPtrArray *syncs, bool deep, bool json)
{
    HrJson *list = json ? hr_json_new_array() : NULL;
    g_autofree Verifying *all = g_new0(Verifying, syncs->len);
    g_autofree HrDriven *driven = g_new0(HrDriven, syncs->len);
    unsigned count = 0;
    int code = HR_EXIT_DONE;

    for (guint i = 0; i < syncs->len; i++) {
        all[i].sync = syncs->pdata[i];
        all[i].deep = deep;
        if (hr_session_prepare(session, all[i].sync, &all[i].pass,
                               &all[i].error))
            driven[count++] = (HrDriven){&all[i].pass, drive_verify, &all[i]};
    }
    hr_session_run(session, driven, count);
    for (guint i = 0; i < syncs->len; i++) {
        int own = tell(&all[i], list);

        code = i == 0 ? own : combine_codes(code, own);
    }
    if (json)
        hr_report_print_json("syncs", list, code);
    return code;
}

int
hr_command_verify(const HrApp *app, int argc, char **argv)
{
    gboolean deep = false;
    GOptionEntry entries[] = {
        {"deep", 0, 0, G_OPTION_ARG_NONE, &deep,
         "Read and hash every blob of the target too", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    HrOptions options = {
        .usage = "[SYNC...]",
        .summary = "Proves that each target equals its source, or lists where "
                   "not: the same digest for\nevery selected tag, every "
                   "manifest of the target read and hashed, every blob there.",
        .description =
            "Exit code 0: equal; 5: differences found; 1: something "
            "could not be looked at.",
        .entries = entries,
        .output = true,
    };
    g_auto(GStrv) names = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(HrSession) session = NULL;
    g_autoptr(GPtrArray) syncs = NULL;
    int code;

    if (!hr_options_parse(&options, argc, argv, &names, &code))
        return code;
    session = hr_session_load(app, &error);
    if (session != NULL)
        syncs = hr_session_choose_syncs(session, names, &error);
    if (syncs == NULL || !hr_session_start(session, &error))
        return hr_session_report_error(error);
    return run_verify(session, syncs, deep, options.json);
}
