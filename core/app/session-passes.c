/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Session passes: what passes get to work with, and how they are driven. */
#include <string.h>

#include "app/session-state.h"
#include "base/clock.h"
#include "model/item.h"

/* Stored blobs remembered of a target.  About 250 bytes each; what is
 * forgotten costs one HEAD. */
#define BOARD_LIMIT 4096

/* What passes add to, for as long as the loops run. */
typedef struct Account {
    HrProgress progress;
    char name[];
} Account;

static Account *
open_account(HrSession *session, const char *name)
{
    size_t size = strlen(name) + 1;
    Account *account = g_malloc0(sizeof *account + size);

    memcpy(account->name, name, size);
    g_ptr_array_add(session->accounts, account);
    hr_progress_bar_add(session->bar, account->name, &account->progress);
    return account;
}

static bool
prepare_sides(HrSession *session, const char *name,
              const HrEndpointConfig *source, const HrEndpointConfig *target,
              HrPass *pass, GError **error)
{
    Account *account = open_account(session, name);
    g_autofree char *big_name = g_strconcat(name, ": big blobs", NULL);
    HrOpened *one = hr_session_open_endpoint(session, source, error);
    HrOpened *other =
        one != NULL ? hr_session_open_endpoint(session, target, error) : NULL;

    if (other == NULL)
        return false;
    if (other->board == NULL)
        other->board = hr_blob_board_new(BOARD_LIMIT,
                                         hr_registry_mounts(other->registry));
    if (one->gathering == NULL)
        one->gathering = hr_gathering_new();
    *pass = (HrPass){
        .name = account->name,
        .source = one->registry,
        .target = other->registry,
        .patience_us =
            MAX(source->policy.patience_us, target->policy.patience_us),
        .lane = hr_pool_lane(session->pool, name, hr_session_workers(session)),
        .big_lane =
            hr_pool_lane(session->pool, big_name, hr_session_movers(session)),
        .priority = HR_PRIORITY_NORMAL,
        .cancel = session->cancel,
        .feed = session->feed,
        .progress = &account->progress,
        .board = other->board,
        .turns = session->turns,
        .gathering = one->gathering,
        .self = hr_gathering_join(one->gathering, other),
        .creations = session->creations,
        .wall_us = hr_clock_wall_us(),
    };
    return true;
}

static bool
open_strategy(HrSession *session, const char *name, HrSettings *settings,
              HrPass *pass, GError **error)
{
    g_autoptr(HrCall) call = hr_call_new(session->cancel, HR_TIME_NEVER);
    const hr_provider *provider =
        hr_plugins_provider(session->plugins, HR_KIND_STRATEGY, name, error);

    if (provider != NULL)
        pass->strategy = hr_strategy_open(session->plugins, provider, settings,
                                          call, error);
    if (pass->strategy == NULL)
        return false;
    g_ptr_array_add(session->strategies, pass->strategy);
    return true;
}

static bool
open_secrets(HrSession *session, const HrSyncConfig *sync, HrPass *pass,
             GError **error)
{
    pass->robot_secrets = hr_robot_secrets_new(&sync->robot_secrets, error);
    if (pass->robot_secrets == NULL) {
        g_prefix_error(error, "%s:%u: sync %s: ", sync->place.file,
                       sync->place.line, sync->name);
        return false;
    }
    g_ptr_array_add(session->secrets, pass->robot_secrets);
    pass->check_secrets = pass->complete || sync->robot_secrets.check_always;
    return true;
}

void
hr_session_look_below_tags(HrSession *session)
{
    session->complete = true;
}

bool
hr_session_prepare(HrSession *session, const HrSyncConfig *sync, HrPass *pass,
                   GError **error)
{
    if (!prepare_sides(session, sync->name, sync->source, sync->target, pass,
                       error))
        return false;
    pass->select = &sync->select;
    pass->complete = session->complete;
    pass->foreign_layers = sync->foreign_layers;
    pass->referrers = sync->referrers;
    pass->kinds = sync->kinds;
    pass->escalation = sync->escalation;
    if (sync->rename.strip != NULL || sync->rename.prefix != NULL ||
        sync->rename.template != NULL)
        pass->rename = &sync->rename;
    return open_secrets(session, sync, pass, error) &&
           open_strategy(session, sync->strategy, sync->strategy_settings,
                         pass, error);
}

static char *const content_only[] = {(char *)HR_KIND_TAG, NULL};

bool
hr_session_prepare_copy(HrSession *session, const HrEndpointConfig *source,
                        const HrEndpointConfig *target, HrPass *pass,
                        GError **error)
{
    if (!prepare_sides(session, "copy", source, target, pass, error))
        return false;
    pass->kinds = content_only;
    /* Somebody waits for it. */
    pass->priority = HR_PRIORITY_INTERACTIVE;
    return open_strategy(session, "source-wins", NULL, pass, error);
}

void
hr_session_run(HrSession *session, const HrDriven *passes, unsigned count)
{
    unsigned limit =
        session->config != NULL ? session->config->parallel_syncs : 1;

    hr_side_by_side_run(passes, count, limit, hr_session_tick, session);
    hr_progress_bar_clear(session->bar);
    for (guint i = 0; i < session->opened->len; i++) {
        HrOpened *opened = session->opened->pdata[i];

        g_clear_pointer(&opened->board, hr_blob_board_free);
        g_clear_pointer(&opened->gathering, hr_gathering_free);
    }
}

unsigned
hr_session_report_guards(const HrPass *pass, HrGuardReport guards[2])
{
    HrRegistry *const sides[] = {pass->source, pass->target};
    unsigned count = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(sides); i++) {
        HrEndpoint *endpoint;

        if (sides[i] == NULL || (i == 1 && sides[1] == sides[0]))
            continue;
        endpoint = hr_registry_endpoint(sides[i]);
        /* A directory needs no guards. */
        if (hr_endpoint_origin(endpoint) == NULL)
            continue;
        guards[count].endpoint = hr_endpoint_name(endpoint);
        hr_endpoint_stats(endpoint, &guards[count++].stats);
    }
    return count;
}
