/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Listing: referrers that were stored are listed under their subject, where
 * the registry does not do that itself.  All of one subject go into one update
 * of its fallback tag, and one update of a tag is under way at a time, of all
 * passes of the process.
 */
#ifndef HR_SYNC_LISTING_H
#define HR_SYNC_LISTING_H

#include <glib.h>

#include "sync/pass.h"

/* What is to be listed, and who wants to know. */
typedef struct HrListingOrder {
    const char *source_repository; /* borrowed until `done` */
    const char *target_repository;
    const char *subject;
    GPtrArray *entries; /* HrReferrer; taken */
    /* Called once, on any thread; `written` manifests were put. */
    void (*done)(void *data, unsigned written, const GError *error);
    void *data;
} HrListingOrder;

/* Submits the job, counted in `group` until after `done`.  Not from a
 * worker. */
void
hr_listing_submit(const HrPass *pass, HrGroup *group,
                  const HrListingOrder *order);

#endif
