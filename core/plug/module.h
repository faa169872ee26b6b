/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Module, from the inside of core/plug: one loaded plugin. */
#ifndef HR_PLUG_MODULE_H
#define HR_PLUG_MODULE_H

#include <harbor-replicator/hr-plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "plug/plugins.h"

struct hr_module {
    void *handle;
    char *file;
    const hr_plugin *plugin;
    pthread_mutex_t serial; /* HR_THREADS_SERIAL: around every call */
    atomic_uint pins;
    GError *refusal; /* its init failed */
};

/* The table that init gets. */
const hr_host *
hr_host_table(void);

/* The tables that are files of their own. */
extern const hr_host_http hr_host_http_table;
extern const hr_host_blob hr_host_blob_table;

/* What a request held in ABI 1.0: no plugin gives less, and later members are
 * there only if HR_HAS says so. */
#define HR_REQUEST_SIZE_MIN                                                   \
    (offsetof(hr_http_request, limit_bytes) +                                 \
     sizeof(((hr_http_request *)0)->limit_bytes))

/* Logs a broken contract and returns HR_BUG. */
hr_status
hr_host_misused(hr_module *module, const char *what);

#endif
