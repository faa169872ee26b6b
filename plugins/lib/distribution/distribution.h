/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Distribution: the content of a registry that speaks the OCI distribution
 * protocol, for the plugins of all registries that do.
 *
 * Describes requests; the host carries them out, with its limits, credentials
 * and patience.  Bytes of blobs never pass through here.
 *
 *     struct hr_registry     of the plugin that links it
 *       dist_registry        first: what the functions below see of it
 *       ...                  the plugin's own
 *
 * So the functions that have the form of hr_registry_ops are put into a
 * plugin's table as they are.
 */
#ifndef HR_DISTRIBUTION_H
#define HR_DISTRIBUTION_H

#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-registry.h>

#include "habits.h"

/* Set by dist_init; the same for all instances. */
extern const hr_host *dist_host;
extern hr_module *dist_module;

/* One registry, as far as its content goes. */
typedef struct dist_registry {
    hr_endpoint *endpoint;
    int mount; /* HR_MOUNT_* */
    /* As configured: 0 is never, whatever it can do. */
    int referrers; /* lists them                                 */
    int head;      /* answers HEAD for manifests                 */
    dist_habits habits;
    /* Headers of a GET of a manifest, ends in NULL; NULL: dist_accept. */
    const char *const *manifest_headers;
} dist_registry;

/* Its part of a plugin's registry, which begins with it. */
static inline dist_registry *
dist_of(hr_registry *registry)
{
    return (dist_registry *)(void *)registry;
}

/* Before anything else, from the plugin's init. */
void
dist_init(const hr_host *host, hr_module *module);

/* Fills in what an endpoint's settings say.  HR_CONFIG if they say nothing
 * that is known. */
hr_status
dist_open(dist_registry *dist, hr_call *call, hr_endpoint *endpoint);

/* What can be set about content, for a plugin's table of options; all of them
 * are needed. */
extern const hr_option dist_upload_option;
extern const hr_option dist_chunk_option;
extern const hr_option dist_mount_option;
extern const hr_option dist_referrers_option;
extern const hr_option dist_head_option;

/* The Accept header of every kind of manifest. */
#define DIST_ACCEPT                                                           \
    "Accept: application/vnd.oci.image.manifest.v1+json, "                    \
    "application/vnd.oci.image.index.v1+json, "                               \
    "application/vnd.docker.distribution.manifest.v2+json, "                  \
    "application/vnd.docker.distribution.manifest.list.v2+json"

/* That alone; ends in NULL. */
extern const char *const dist_accept[];

/* A text made of pieces; *text is the caller's, NULL without memory. */
char *
dist_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Records a failure with a text made of pieces. */
hr_status
dist_fail(hr_call *call, hr_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts what was tried before the failure that the host recorded, and returns
 * `status`. */
hr_status
dist_explain(hr_call *call, hr_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Records the failure that a response stands for, after what was tried. */
hr_status
dist_refused(hr_call *call, const hr_http_exchange *exchange,
             const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Moves the recorded failure into the answer of a query. */
void
dist_take_reason(hr_call *call, char message[HR_MESSAGE_CAPACITY]);

/* Content-Length of a response.  1 if it has one that is a number. */
int
dist_content_length(const hr_http_exchange *exchange, uint64_t *length);

/* Sends a request without body.  As hr_host_http::send. */
hr_status
dist_send(hr_registry *registry, hr_call *call, uint32_t method,
          const char *target, const char *const *headers,
          hr_http_exchange **exchange);

/* Sends one and waits for its response. */
hr_status
dist_ask(hr_registry *registry, hr_call *call, const hr_http_request *request,
         hr_http_exchange **exchange);

/* Media type of a response, without parameters. */
void
dist_media_type(char media_type[HR_MEDIA_TYPE_CAPACITY],
                const hr_http_exchange *exchange);

/* A list that comes in pages; the texts are the caller's until it ended. */
typedef struct DistPages {
    hr_call *call;
    const char *what;  /* "list tags of library/nginx" */
    const char *first; /* target of the first page, and what later ones are
                          relative to */
    /* Takes one page, of whatever status. */
    hr_status (*take)(void *data, const hr_http_exchange *exchange);
    void *data;
    uint64_t limit_bytes; /* of a page */
} DistPages;

/* The digest (sha256) of some bytes. */
void
dist_digest_of(const void *bytes, uint64_t size,
               char digest[HR_DIGEST_CAPACITY]);

/* settings.c */
uint32_t
dist_mounts(hr_registry *registry);

/* probe.c */

/* Asks whether the registry is there and takes the credentials. */
hr_status
dist_probe(hr_registry *registry, hr_call *call);

/* examine.c */
hr_status
dist_examine(hr_registry *registry, hr_call *call,
             const hr_examination *examination);

/* pages.c */

/* Asks for the first page. */
hr_status
dist_pages_begin(hr_registry *registry, const DistPages *pages,
                 hr_http_exchange **exchange);

/* Takes it, then all that follow.  Frees `exchange`. */
hr_status
dist_pages_end(hr_registry *registry, const DistPages *pages,
               hr_http_exchange *exchange);

/* list.c */
hr_status
dist_list_repositories(hr_registry *registry, hr_call *call, hr_names *names);

hr_status
dist_list_tags(hr_registry *registry, hr_call *call, const char *repository,
               hr_names *names);

/* manifest.c */
hr_status
dist_resolve(hr_registry *registry, hr_call *call,
             hr_manifest_query *const *queries, size_t count);

hr_status
dist_get_manifest(hr_registry *registry, hr_call *call, const char *repository,
                  const char *reference, uint64_t limit_bytes,
                  hr_manifest_sink *sink);

hr_status
dist_put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put);

/* referrers.c */
hr_status
dist_list_referrers(hr_registry *registry, hr_call *call,
                    hr_referrers_query *const *queries, size_t count);

/* blob.c */
hr_status
dist_stat_blobs(hr_registry *registry, hr_call *call,
                hr_blob_query *const *queries, size_t count);

hr_status
dist_open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
               hr_blob_source *source);

/* upload.c */
hr_status
dist_begin_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                const char *mount_from, hr_blob_start **start);

hr_status
dist_create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                 const char *mount_from, hr_blob_target *target);

hr_status
dist_commit_blob(hr_registry *registry, hr_call *call,
                 hr_blob_writer *session);

void
dist_abort_blob(hr_registry *registry, hr_call *call, hr_blob_writer *session);

hr_status
dist_resume_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                 hr_blob_writer *session, const hr_blob_break *how,
                 hr_blob_target *target);

#endif
