/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gathering: passes of one source, which want the same things from it at the
 * same time, so that each is read once.
 *
 *     announce   each pass says what artifacts it will copy
 *     arrive     a copy parks until the others of its artifact are there
 *     load       one of them, which leads, reads the manifests; the rest find
 *                them in the cache
 *     go on      all of them: their blobs meet again on the loop (net/share)
 *
 * Whoever keeps the others waiting for too long is left behind and reads for
 * itself from then on; but not one that a third keeps from coming.  Nothing depends on others for its result: those who do
 * not come cost time, at most GATHERING_PATIENCE each.
 *
 * From any thread; time is an argument.
 */
#ifndef HR_SYNC_GATHERING_H
#define HR_SYNC_GATHERING_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/manifest.h"
#include "work/cancel.h"
#include "work/pool.h"

/* Targets of one source that can take part; those beyond read alone. */
#define HR_GATHERING_LIMIT 64

/* How long a pass may keep others waiting without getting on, and, beside a
 * tenth of the time, how long it may hold them up all in all. */
#define HR_GATHERING_PATIENCE_US (3 * G_USEC_PER_SEC)

/* Copies of a pass that wait for others before its driver does. */
#define HR_GATHERING_WAITING_LIMIT 32

typedef struct HrGathering HrGathering;

typedef void (*HrGatheringReady)(void *data);

HrGathering *
hr_gathering_new(void);

/* All passes are over. */
void
hr_gathering_free(HrGathering *gathering);

/* A pass takes part: the bit of its target, by which it is known here; 0 if
 * there is no room for it.  Passes to one target share a bit: what they want
 * they bring there once anyway (sync/blob-board).  Before any of them
 * begins. */
uint64_t
hr_gathering_join(HrGathering *gathering, const void *target);

/* True if there is more than one target. */
bool
hr_gathering_has_others(HrGathering *gathering);

/* It runs now: others wait for its announcements. */
void
hr_gathering_begin(HrGathering *gathering, uint64_t self);

void
hr_gathering_announce(HrGathering *gathering, uint64_t self,
                      const char *digest);

/* All is announced.  Waits until the others that run have announced too, or
 * kept us waiting for too long.  Not from a worker. */
void
hr_gathering_await(HrGathering *gathering, uint64_t self, HrCancel *cancel);

/* A pass that has begun is over, in whatever way. */
void
hr_gathering_leave(HrGathering *gathering, uint64_t self);

/* A copy is about to load its artifact.  True: it goes on at once.  False: it
 * parks, and `ready(data)` is called when it may; it may be called before this
 * returns. */
bool
hr_gathering_arrive(HrGathering *gathering, uint64_t self, const char *digest,
                    HrGatheringReady ready, void *data, int64_t now_us);

/* Of a copy that goes on: the passes that came together, itself among them; 0
 * if it is alone.  *leads: it reads, and calls hr_gathering_loaded, whatever
 * came of it. */
uint64_t
hr_gathering_company(HrGathering *gathering, uint64_t self, const char *digest,
                     const void *data, bool *leads, int64_t now_us);

void
hr_gathering_loaded(HrGathering *gathering, const char *digest);

/* Holds up a pass that is too far ahead of the others.  `lane` has its copies:
 * as long as its workers are busy nobody is kept from anything.  Not from a
 * worker. */
void
hr_gathering_pace(HrGathering *gathering, uint64_t self, HrLane *lane,
                  HrCancel *cancel);

/* Looks who has waited for long enough; several times a second.  `over`: all
 * go on. */
void
hr_gathering_tick(HrGathering *gathering, int64_t now_us, bool over);

/* What was read: a manifest that somebody has loaded, or NULL; the caller's
 * (hr_manifest_free). */
HrManifest *
hr_gathering_find(HrGathering *gathering, const char *digest);

/* Has others find it; for some time. */
void
hr_gathering_keep(HrGathering *gathering, HrManifest *manifest);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrGathering, hr_gathering_free)

#endif
