/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Broken uploads: what a target has of blobs whose upload broke off. */
#include "sync/broken-uploads.h"

#include <string.h>

#include "base/clock.h"
#include "base/lock.h"

/* About 12 KiB each, most of it the digest's trail. */
#define LIMIT 100

/* For all that are given up at once. */
#define GIVE_UP_US (5 * G_USEC_PER_SEC)

struct HrBrokenUploads {
    HrCancel *cancel;
    pthread_mutex_t mutex;
    GQueue transfers; /* HrTransfer, the oldest first */
};

HrBrokenUploads *
hr_broken_uploads_new(HrCancel *cancel)
{
    HrBrokenUploads *broken = g_new0(HrBrokenUploads, 1);

    broken->cancel = hr_cancel_ref(cancel);
    pthread_mutex_init(&broken->mutex, NULL);
    g_queue_init(&broken->transfers);
    return broken;
}

static HrCall *
new_call(const HrBrokenUploads *broken)
{
    return hr_call_new(broken->cancel, hr_clock_monotonic_us() + GIVE_UP_US);
}

void
hr_broken_uploads_free(HrBrokenUploads *broken)
{
    g_autoptr(HrCall) call = NULL;
    HrTransfer *transfer;

    if (broken == NULL)
        return;
    call = new_call(broken);
    while ((transfer = g_queue_pop_head(&broken->transfers)) != NULL)
        hr_transfer_free(transfer, call);
    pthread_mutex_destroy(&broken->mutex);
    hr_cancel_unref(broken->cancel);
    g_free(broken);
}

void
hr_broken_uploads_put(HrBrokenUploads *broken, HrTransfer *transfer)
{
    HrTransfer *oldest = NULL;

    pthread_mutex_lock(&broken->mutex);
    g_queue_push_tail(&broken->transfers, transfer);
    if (broken->transfers.length > LIMIT)
        oldest = g_queue_pop_head(&broken->transfers);
    pthread_mutex_unlock(&broken->mutex);
    if (oldest != NULL) {
        g_autoptr(HrCall) call = new_call(broken);

        hr_transfer_free(oldest, call);
    }
}

HrTransfer *
hr_broken_uploads_take(HrBrokenUploads *broken, const char *repository,
                       const char *digest)
{
    HR_LOCKED(&broken->mutex);
    for (GList *link = broken->transfers.head; link != NULL;
         link = link->next) {
        HrTransfer *transfer = link->data;

        if (strcmp(hr_transfer_digest(transfer), digest) != 0 ||
            strcmp(hr_transfer_repository(transfer), repository) != 0)
            continue;
        g_queue_delete_link(&broken->transfers, link);
        return transfer;
    }
    return NULL;
}
