/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Report by kind: how many items of each kind met what. */
#include "app/report-kinds.h"

#include <inttypes.h>
#include <string.h>

#include "model/item.h"

/* What an item may meet, in the order in which it is told. */
typedef enum Fate {
    FATE_CREATE,
    FATE_UPDATE,
    FATE_CHANGED,
    FATE_KEPT,
    FATE_REFUSED,
    FATE_SKIPPED,
    FATE_FAILED,
    FATE_EXTRA,
    FATE_COUNT
} Fate;

static const struct {
    const char *words;
    const char *name;
} fates[FATE_COUNT] = {
    [FATE_CREATE] = {"to create", "create"},
    [FATE_UPDATE] = {"to update", "update"},
    [FATE_CHANGED] = {"changed", "changed"},
    [FATE_KEPT] = {"kept", "keep"},
    [FATE_REFUSED] = {"refused", "refuse"},
    [FATE_SKIPPED] = {"skipped", "skipped"},
    [FATE_FAILED] = {"failed", "failed"},
    [FATE_EXTRA] = {"extra", "extra"},
};

typedef struct Tally {
    const char *kind;
    uint64_t counts[FATE_COUNT];
} Tally;

static Fate
fate_planned(const HrChange *change)
{
    switch (change->action) {
    case HR_ACTION_CREATE:
        return FATE_CREATE;
    case HR_ACTION_UPDATE:
        return FATE_UPDATE;
    case HR_ACTION_KEEP:
        return FATE_KEPT;
    case HR_ACTION_EXTRA:
        return FATE_EXTRA;
    default:
        return FATE_REFUSED;
    }
}

static Fate
fate_done(const HrChange *change)
{
    if (change->action == HR_ACTION_EXTRA)
        return FATE_EXTRA;
    switch (change->result) {
    case HR_RESULT_DONE:
        return FATE_CHANGED;
    case HR_RESULT_SKIPPED:
        return FATE_SKIPPED;
    default:
        return FATE_FAILED;
    }
}

static void
count(GArray *tallies, const char *kind, Fate fate)
{
    Tally *tally = NULL;

    if (kind == NULL)
        kind = HR_KIND_TAG;
    for (guint i = 0; i < tallies->len && tally == NULL; i++)
        if (strcmp(g_array_index(tallies, Tally, i).kind, kind) == 0)
            tally = &g_array_index(tallies, Tally, i);
    if (tally == NULL) {
        Tally fresh = {.kind = kind};

        g_array_append_val(tallies, fresh);
        tally = &g_array_index(tallies, Tally, tallies->len - 1);
    }
    tally->counts[fate]++;
}

/* In the order of the plan, which is that of writing. */
static GArray *
count_all(const HrPlan *plan, bool done)
{
    GArray *tallies = g_array_new(false, true, sizeof(Tally));

    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        count(tallies, change->kind,
              done ? fate_done(change) : fate_planned(change));
    }
    for (guint i = 0; i < plan->problems->len; i++) {
        const HrProblem *problem = plan->problems->pdata[i];

        count(tallies, problem->kind, FATE_FAILED);
    }
    return tallies;
}

static bool
is_about_documents(const GArray *tallies)
{
    for (guint i = 0; i < tallies->len; i++)
        if (!hr_kind_is_content(g_array_index(tallies, Tally, i).kind))
            return true;
    return false;
}

static void
append_tally(GString *text, const Tally *tally)
{
    const char *separator = " ";

    g_string_append_printf(text, "%s%s", text->len > 0 ? "; " : "",
                           tally->kind);
    for (Fate fate = 0; fate < FATE_COUNT; fate++) {
        if (tally->counts[fate] == 0)
            continue;
        g_string_append_printf(text, "%s%" PRIu64 " %s", separator,
                               tally->counts[fate], fates[fate].words);
        separator = ", ";
    }
}

static char *
describe(const HrPlan *plan, bool done)
{
    g_autoptr(GArray) tallies = count_all(plan, done);
    GString *text = g_string_new(NULL);

    for (guint i = 0; is_about_documents(tallies) && i < tallies->len; i++)
        append_tally(text, &g_array_index(tallies, Tally, i));
    return g_string_free(text, FALSE);
}

char *
hr_report_kinds_planned(const HrPlan *plan)
{
    return describe(plan, false);
}

char *
hr_report_kinds_done(const HrPlan *plan)
{
    return describe(plan, true);
}

HrJson *
hr_report_kinds_to_json(const HrPlan *plan, bool done)
{
    g_autoptr(GArray) tallies = count_all(plan, done);
    HrJson *json = hr_json_new_object();

    for (guint i = 0; i < tallies->len; i++) {
        const Tally *tally = &g_array_index(tallies, Tally, i);
        HrJson *one = hr_json_new_object();

        for (Fate fate = 0; fate < FATE_COUNT; fate++)
            if (tally->counts[fate] > 0)
                hr_json_set_number(one, fates[fate].name,
                                   (int64_t)tally->counts[fate]);
        hr_json_set(json, tally->kind, one);
    }
    return json;
}
