/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many requests, a few of them at a time. */
#include <stdlib.h>

#include "harbor.h"

/* Harbor answers no faster to more. */
#define IN_FLIGHT 8u

/* One that is under way, or was left out. */
typedef struct Slot {
    bool asked;
    hr_status status; /* of sending it */
    char *what;
    hr_http_exchange *exchange;
} Slot;

static void
begin_slot(const HarborAsk *ask, const HarborBatch *batch, size_t index,
           Slot *slot)
{
    HARBOR_AUTOFREE char *path = batch->path(batch->data, index);
    HarborRequest request = {.method = HR_HTTP_GET, .path = path};

    *slot = (Slot){.asked = path != NULL};
    if (path == NULL)
        return;
    slot->what = batch->what(batch->data, index);
    slot->status = harbor_begin(ask, &request, &slot->exchange);
}

static hr_status
end_slot(const HarborAsk *ask, const HarborBatch *batch, size_t index,
         Slot *slot)
{
    HarborAnswer answer = {.total = -1};
    hr_status status = slot->status;

    if (!slot->asked)
        return HR_OK;
    if (status == HR_OK)
        status = harbor_end(ask, slot->exchange, slot->what, &answer);
    else
        status = dist_explain(ask->call, status, "%s", slot->what);
    slot->exchange = NULL;
    status = batch->take(batch->data, index, status, &answer);
    harbor_answer_end(&answer);
    return status;
}

hr_status
harbor_batch(const HarborAsk *ask, const HarborBatch *batch)
{
    Slot slots[IN_FLIGHT] = {0};
    hr_status status = HR_OK;
    size_t begun = 0;

    for (size_t i = 0; i < batch->count && status == HR_OK; i++) {
        for (; begun < batch->count && begun < i + IN_FLIGHT; begun++)
            begin_slot(ask, batch, begun, &slots[begun % IN_FLIGHT]);
        status = end_slot(ask, batch, i, &slots[i % IN_FLIGHT]);
        free(slots[i % IN_FLIGHT].what);
        slots[i % IN_FLIGHT].what = NULL;
    }
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        dist_host->http->free(dist_module, slots[i].exchange);
        free(slots[i].what);
    }
    return status;
}
