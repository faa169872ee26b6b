/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: what a registry plugin with local blobs needs of a host. */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <glib.h>
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-registry.h>
#include <stdatomic.h>
#include <stdbool.h>

struct hr_call {
    hr_status status;
    char reason[4096];
    atomic_int cancelled;
};

struct hr_names {
    GPtrArray *list;
};

/* One setting: a text, or a number. */
typedef struct FakeSetting {
    const char *name;
    const char *text;
    int64_t number;
} FakeSetting;

struct hr_endpoint {
    const FakeSetting *settings; /* ends with a NULL name */
};

struct hr_blob_source {
    hr_blob_reader *reader;
};

struct hr_blob_target {
    hr_blob_writer *writer;
    bool present;
    bool mounted;
};

/* Calls the plugin's init and gives its table. */
const hr_registry_ops *
fake_host_start(const hr_plugin *plugin);

/* Opens a registry. */
hr_registry *
fake_host_open(const FakeSetting *settings);

/* "sha256:..." of bytes; the caller's. */
char *
fake_digest(const void *bytes, size_t size);

/* Everything logged at warning or above since the last call; the caller's. */
char *
fake_log_take(void);

/* What a metric was counted up to. */
uint64_t
fake_metric(const char *name);

typedef enum FakePush {
    PUSH_SENT,
    PUSH_MOUNTED,
    PUSH_PRESENT
} FakePush;

/* Stores a blob as the host would. */
hr_status
fake_push_blob(hr_registry *registry, hr_call *call, const char *repository,
               const char *bytes, size_t size, const char *mount_from,
               FakePush *push);

/* Stores a manifest; `reference` NULL stands for its digest. */
hr_status
fake_push_manifest(hr_registry *registry, hr_call *call,
                   const char *repository, const char *reference,
                   const char *manifest);

/* Reads a blob. */
hr_status
fake_pull_blob(hr_registry *registry, hr_call *call, const char *repository,
               const char *digest, uint64_t size, GString *bytes);

/* Reads a manifest; *text is the caller's. */
hr_status
fake_pull_manifest(hr_registry *registry, hr_call *call,
                   const char *repository, const char *reference, char **text);

/* Resolves one reference; the query's own status. */
hr_status
fake_resolve(hr_registry *registry, hr_call *call, const char *repository,
             const char *reference, hr_manifest_query *query);

/* Digests of what refers to one, in the order of the list, joined with
 * spaces; NULL if it could not be had. */
char *
fake_referrers(hr_registry *registry, hr_call *call, const char *repository,
               const char *digest);

hr_status
fake_stat(hr_registry *registry, hr_call *call, const char *repository,
          const char *digest, uint64_t size);

/* Names, sorted, joined with spaces; NULL if the listing failed.
 * `repository` NULL lists the repositories. */
char *
fake_list(hr_registry *registry, hr_call *call, const char *repository);

#endif
