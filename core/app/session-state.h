/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Session, inside: what its own files share.  Nobody else includes this. */
#ifndef HR_APP_SESSION_STATE_H
#define HR_APP_SESSION_STATE_H

#include "app/opened.h"
#include "app/session.h"
#include "observe/progress-bar.h"
#include "work/lifecycle.h"

struct HrSession {
    const HrApp *app;
    HrPlugins *plugins;
    HrConfig *config;
    HrAssembly *parts; /* what is started: */
    HrNet *net;
    HrPool *pool;
    HrFeed *feed;
    HrCancel *cancel;
    GPtrArray *opened;     /* HrOpened */
    GPtrArray *strategies; /* HrStrategy */
    GPtrArray *accounts;   /* what passes add to, one each */
    GPtrArray *secrets;    /* HrRobotSecrets */
    HrCreationMemory *creations;
    bool complete; /* see hr_session_look_below_tags */
    HrTurns *turns;
    HrProgressBar *bar;
};

/* Adds what is started and stopped, each using those before it
 * (session-parts.c). */
void
hr_session_add_parts(HrSession *session);

/* Workers for each sync. */
unsigned
hr_session_workers(const HrSession *session);

/* Of those more, for big blobs. */
unsigned
hr_session_movers(const HrSession *session);

/* The endpoint, open; opened now if it was not before. */
HrOpened *
hr_session_open_endpoint(HrSession *session, const HrEndpointConfig *config,
                         GError **error);

/* What the main thread does while others work: signals, what passes left to
 * each other, the terminal.  `data` is the session. */
void
hr_session_tick(void *data);

#endif
