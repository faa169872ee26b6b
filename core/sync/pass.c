/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pass: jobs, waiting, and the first question to both sides. */
#include "sync/pass.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "guard/retry.h"
#include "model/item.h"
#include "model/json.h"
#include "plug/documents.h"

/* Less is how long an answer may take. */
#define CLOCK_TOLERANCE_MS 60000

char *
hr_pass_target_name(const HrPass *pass, const char *repository)
{
    if (pass->target_repository != NULL)
        return g_strdup(pass->target_repository);
    return hr_rename_repository(pass->rename, repository);
}

const GPtrArray *
hr_pass_platforms(const HrPass *pass)
{
    return pass->select != NULL ? pass->select->platforms : NULL;
}

bool
hr_pass_submit(const HrPass *pass, HrGroup *group, HrJobFunc func, void *data)
{
    hr_group_enter(group);
    if (!hr_cancel_triggered(pass->cancel) &&
        hr_pool_submit(pass->lane, pass->priority, func, data, pass->cancel,
                       HR_TIME_NEVER, NULL))
        return true;
    hr_group_leave(group);
    return false;
}

HrCall *
hr_pass_call(const HrPass *pass)
{
    HrCall *call = hr_call_new(pass->cancel, HR_TIME_NEVER);

    hr_call_set_parks(call, true);
    hr_call_set_priority(call, pass->priority);
    hr_call_set_progress(call, pass->progress);
    return call;
}

bool
hr_pass_may_park(hr_status status)
{
    switch (status) {
    case HR_TRANSIENT:
    case HR_THROTTLED:
    case HR_TIMEOUT:
    case HR_OVERLOAD:
    case HR_NETWORK:
    case HR_QUOTA:
    case HR_LOCAL_REJECT:
        return true;
    default:
        return false;
    }
}

static double
random_cb(void *data)
{
    return erand48(data);
}

bool
hr_pass_park(const HrPass *pass, HrParking *parking, const HrCall *call,
             hr_status status, HrJobFunc func, void *data)
{
    int64_t now = hr_clock_monotonic_us();
    unsigned short seed[3] = {(unsigned short)now, (unsigned short)(now >> 16),
                              (unsigned short)(uintptr_t)data};
    HrRandom random = {.next = random_cb, .data = seed};
    int64_t at = hr_call_retry_at_us(call);

    if (at == 0 || !hr_pass_may_park(status) ||
        hr_cancel_triggered(pass->cancel))
        return false;
    if (parking->since_us == 0)
        parking->since_us = now;
    /* What was not tried as often as it may be costs no round. */
    if (hr_call_exhausted(call))
        at = MAX(at, now + hr_retry_round_us(parking->rounds++, &random));
    at = MAX(at, now);
    /* Those that were put off together do not come back together. */
    at += (int64_t)((double)(at - now) * hr_random_next(&random) / 10);
    if (at - parking->since_us > pass->patience_us)
        return false;
    hr_log_call(HR_LOG_INFO, hr_call_correlation(call),
                "%s: a job is put off for %" G_GINT64_FORMAT " ms (%s)",
                pass->name, (at - now) / 1000, hr_status_name(status));
    atomic_fetch_add(&pass->progress->parked, 1);
    hr_pool_resume_at(pass->lane, func, data, pass->cancel, at);
    return true;
}

typedef struct ProbeJob {
    const HrPass *pass;
    HrRegistry *registry;
    HrGroup *group;
    hr_identity identity; /* all zero: not known */
    GError *error;
} ProbeJob;

/* Times that a registry tells, and terms that it counts, are by its clock. */
static void
log_clock(const HrPass *pass, const HrRegistry *registry, int64_t ahead_ms)
{
    if (ABS(ahead_ms) >= CLOCK_TOLERANCE_MS)
        hr_log(HR_LOG_WARNING,
               "%s: the clock of %s is %" G_GINT64_FORMAT " s %s ours",
               pass->name, hr_registry_name(registry), ABS(ahead_ms) / 1000,
               ahead_ms > 0 ? "ahead of" : "behind");
}

/* Of a directory there is nothing to tell. */
static void
log_identity(const HrPass *pass, const HrRegistry *registry,
             const hr_identity *identity)
{
    log_clock(pass, registry, identity->clock_ahead_ms);
    if (identity->product[0] != '\0')
        hr_log(HR_LOG_INFO, "%s: %s is %s, asked by %s", pass->name,
               hr_registry_name(registry), identity->product,
               identity->principal[0] != '\0' ? identity->principal
                                              : "nobody");
}

static void
run_probe(void *data)
{
    ProbeJob *job = data;
    g_autoptr(HrCall) call = hr_call_new(job->pass->cancel, HR_TIME_NEVER);

    hr_call_set_progress(call, job->pass->progress);
    if (!hr_registry_has_identity(job->registry))
        hr_registry_probe(job->registry, call, &job->error);
    else if (hr_registry_identify(job->registry, call, &job->identity,
                                  &job->error))
        log_identity(job->pass, job->registry, &job->identity);
    hr_group_leave(job->group);
}

static bool
check_writable(const ProbeJob *target, GError **error)
{
    if ((target->identity.flags & HR_IDENTITY_READ_ONLY) == 0)
        return true;
    return hr_error_set(error, HR_PRECONDITION,
                        "target %s: it is set to read-only and takes no "
                        "writes now; nothing was planned",
                        hr_registry_name(target->registry));
}

static void
note_logins(const ProbeJob jobs[2], HrLogins *logins)
{
    g_strlcpy(logins->source, jobs[0].identity.fingerprint,
              sizeof logins->source);
    g_strlcpy(logins->target, jobs[1].identity.fingerprint,
              sizeof logins->target);
}

bool
hr_pass_probe(const HrPass *pass, bool writes, HrLogins *logins,
              GError **error)
{
    g_autoptr(HrGroup) group = hr_group_new();
    ProbeJob jobs[2] = {
        {.pass = pass, .registry = pass->source, .group = group},
        {.pass = pass, .registry = pass->target, .group = group},
    };
    bool submitted = true;

    for (unsigned i = 0; i < G_N_ELEMENTS(jobs) && submitted; i++)
        submitted = hr_pass_submit(pass, group, run_probe, &jobs[i]);
    hr_group_wait(group, 0, NULL, NULL);
    if (!submitted)
        return hr_error_set(error, HR_CANCELLED, "interrupted");
    if (logins != NULL)
        note_logins(jobs, logins);
    if (jobs[0].error == NULL && jobs[1].error == NULL)
        return !writes || check_writable(&jobs[1], error);
    if (jobs[0].error != NULL)
        g_propagate_prefixed_error(error, g_steal_pointer(&jobs[0].error),
                                   "source ");
    else
        g_propagate_prefixed_error(error, g_steal_pointer(&jobs[1].error),
                                   "target ");
    g_clear_error(&jobs[1].error);
    return false;
}

bool
hr_pass_wants_content(const HrPass *pass)
{
    return pass->kinds == NULL ||
           g_strv_contains((const char *const *)pass->kinds, HR_KIND_TAG);
}

void
hr_pass_event(const HrPass *pass, int level, const char *event,
              const HrCall *call, const char *key, const char *message)
{
    hr_pass_document_event(pass, level, event, call, NULL, key, message);
}

void
hr_pass_document_event(const HrPass *pass, int level, const char *event,
                       const HrCall *call, const char *kind, const char *key,
                       const char *message)
{
    g_autoptr(HrJson) fields = NULL;
    g_autofree char *text = NULL;

    if (pass->feed == NULL || !hr_feed_wants_events(pass->feed))
        return;
    fields = hr_json_new_object();
    hr_json_set_text(fields, "sync", pass->name);
    hr_json_set_text(fields, "kind", kind);
    hr_json_set_text(fields, "key", key);
    hr_json_set_text(fields, "message", message);
    text = hr_json_canonical(fields);
    hr_feed_event(pass->feed, level, event,
                  call != NULL ? hr_call_correlation(call) : NULL, text);
}
