/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of registry-oci share. */
#ifndef HR_OCI_H
#define HR_OCI_H

#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-registry.h>

#include "habits.h"

/* Given to us by init; the same for all instances. */
extern const hr_host *oci_host;
extern hr_module *oci_module;

/* One registry. */
struct hr_registry {
    hr_endpoint *endpoint;
    int mount; /* HR_MOUNT_* */
    /* As configured: 0 is never, whatever it can do. */
    int referrers; /* lists them                                 */
    int head;      /* answers HEAD for manifests                 */
    oci_habits habits;
};

/* The Accept header of every kind of manifest; ends in NULL. */
extern const char *const oci_accept[];

/* A text made of pieces; *text is the caller's, NULL without memory. */
char *
oci_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Records a failure with a text made of pieces. */
hr_status
oci_fail(hr_call *call, hr_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts what was tried before the failure that the host recorded, and returns
 * `status`. */
hr_status
oci_explain(hr_call *call, hr_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Records the failure that a response stands for, after what was tried. */
hr_status
oci_refused(hr_call *call, const hr_http_exchange *exchange,
            const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Moves the recorded failure into the answer of a query. */
void
oci_take_reason(hr_call *call, char message[HR_MESSAGE_CAPACITY]);

/* Content-Length of a response.  1 if it has one that is a number. */
int
oci_content_length(const hr_http_exchange *exchange, uint64_t *length);

/* Sends a request without body.  As hr_host_http::send. */
hr_status
oci_send(hr_registry *registry, hr_call *call, uint32_t method,
         const char *target, const char *const *headers,
         hr_http_exchange **exchange);

/* Sends one and waits for its response. */
hr_status
oci_ask(hr_registry *registry, hr_call *call, const hr_http_request *request,
        hr_http_exchange **exchange);

/* Media type of a response, without parameters. */
void
oci_media_type(char media_type[HR_MEDIA_TYPE_CAPACITY],
               const hr_http_exchange *exchange);

/* A list that comes in pages; the texts are the caller's until it ended. */
typedef struct OciPages {
    hr_call *call;
    const char *what;  /* "list tags of library/nginx" */
    const char *first; /* target of the first page, and what later ones are
                          relative to */
    /* Takes one page, of whatever status. */
    hr_status (*take)(void *data, const hr_http_exchange *exchange);
    void *data;
    uint64_t limit_bytes; /* of a page */
} OciPages;

/* The digest (sha256) of some bytes. */
void
oci_digest_of(const void *bytes, uint64_t size,
              char digest[HR_DIGEST_CAPACITY]);

/* Asks whether the registry is there and takes the credentials. */
hr_status
oci_probe(hr_registry *registry, hr_call *call);

/* examine.c */
hr_status
oci_examine(hr_registry *registry, hr_call *call,
            const hr_examination *examination);

/* pages.c */

/* Asks for the first page. */
hr_status
oci_pages_begin(hr_registry *registry, const OciPages *pages,
                hr_http_exchange **exchange);

/* Takes it, then all that follow.  Frees `exchange`. */
hr_status
oci_pages_end(hr_registry *registry, const OciPages *pages,
              hr_http_exchange *exchange);

/* list.c */
hr_status
oci_list_repositories(hr_registry *registry, hr_call *call, hr_names *names);

hr_status
oci_list_tags(hr_registry *registry, hr_call *call, const char *repository,
              hr_names *names);

/* manifest.c */
hr_status
oci_resolve(hr_registry *registry, hr_call *call,
            hr_manifest_query *const *queries, size_t count);

hr_status
oci_get_manifest(hr_registry *registry, hr_call *call, const char *repository,
                 const char *reference, uint64_t limit_bytes,
                 hr_manifest_sink *sink);

hr_status
oci_put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put);

/* referrers.c */
hr_status
oci_list_referrers(hr_registry *registry, hr_call *call,
                   hr_referrers_query *const *queries, size_t count);

/* blob.c */
hr_status
oci_stat_blobs(hr_registry *registry, hr_call *call,
               hr_blob_query *const *queries, size_t count);

hr_status
oci_open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
              hr_blob_source *source);

/* upload.c */
hr_status
oci_create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                const char *mount_from, hr_blob_target *target);

hr_status
oci_commit_blob(hr_registry *registry, hr_call *call, hr_blob_writer *session);

void
oci_abort_blob(hr_registry *registry, hr_call *call, hr_blob_writer *session);

hr_status
oci_resume_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                hr_blob_writer *session, const hr_blob_break *how,
                hr_blob_target *target);

#endif
