/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ends: what a plugin says about the two ends of a blob's way, from the inside
 * of core/plug.
 */
#ifndef HR_PLUG_ENDS_H
#define HR_PLUG_ENDS_H

#include <harbor-replicator/hr-host.h>
#include <stdbool.h>

#include "net/pipe.h"
#include "plug/registry.h"

struct hr_blob_source {
    HrRegistry *registry;
    HrPipe *pipe;
    hr_blob_reader *reader; /* local: to be closed */
    bool described;
};

struct hr_blob_target {
    HrRegistry *registry;
    HrPipe *pipe;
    hr_blob_writer *writer; /* local, or session: to be ended */
    bool local;
    bool upload; /* a session that may be gone on with */
    HrTransferKind kind;
    bool described;
};

/* The pipe's functions for local ends; `data` is the end. */
bool
hr_blob_source_read(void *data, HrCall *call, void *buffer, size_t capacity,
                    size_t *size, GError **error);

bool
hr_blob_target_write(void *data, HrCall *call, const void *bytes, size_t size,
                     GError **error);

#endif
