/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registry: an open instance of a registry plugin, seen from core.
 *
 * Keeps to the plugin's thread model, pins its module, checks what comes back
 * (digest grammar, sizes), and turns statuses into GErrors prefixed with the
 * endpoint's name.  All functions may be called from any worker.
 */
#ifndef HR_PLUG_REGISTRY_H
#define HR_PLUG_REGISTRY_H

#include <glib.h>
#include <harbor-replicator/hr-registry.h>
#include <stdbool.h>

#include "model/manifest.h"
#include "model/referrer.h"
#include "net/net.h"
#include "net/pipe.h"
#include "plug/plugins.h"
#include "work/call.h"

typedef struct HrRegistry HrRegistry;

/* Opens an instance of `provider` for `endpoint`, which outlives it. */
HrRegistry *
hr_registry_open(HrPlugins *plugins, const hr_provider *provider,
                 HrEndpoint *endpoint, HrCall *call, GError **error);

/* No call is under way. */
void
hr_registry_close(HrRegistry *registry);

/* The endpoint's name. */
const char *
hr_registry_name(const HrRegistry *registry);

HrEndpoint *
hr_registry_endpoint(const HrRegistry *registry);

/* True if both are the same registry (provider and origin), so that blobs
 * can be mounted from one repository into another. */
bool
hr_registry_same(const HrRegistry *one, const HrRegistry *other);

/* HR_MOUNT_*: what may be mounted from where. */
uint32_t
hr_registry_mounts(HrRegistry *registry);

bool
hr_registry_probe(HrRegistry *registry, HrCall *call, GError **error);

/* One thing that a registry can do or cannot. */
typedef struct HrAbility {
    char *name;
    int state; /* HR_ABILITY_* */
    char *detail;
} HrAbility;

/* HrAbility, in order; the caller's.  `repository` (may be NULL) and `write`
 * as in hr_examination.  HR_UNSUPPORTED if the plugin cannot tell. */
GPtrArray *
hr_registry_examine(HrRegistry *registry, HrCall *call, const char *repository,
                    bool write, GError **error);

/* Names (char *), sorted, each once; the caller's. */
GPtrArray *
hr_registry_list_repositories(HrRegistry *registry, HrCall *call,
                              GError **error);

GPtrArray *
hr_registry_list_tags(HrRegistry *registry, HrCall *call,
                      const char *repository, GError **error);

/* A tag, as a list told of it. */
typedef struct HrListed {
    char *tag;
    char *digest;
    char *media_type;      /* "": not known */
    uint64_t size;         /* of the manifest; 0: not known */
    uint64_t content_size; /* with all that belongs to it; 0: not known */
} HrListed;

bool
hr_registry_has_artifacts(const HrRegistry *registry);

/* HrListed, sorted by tag, each once; the caller's.  HR_UNSUPPORTED if the
 * registry has no such lists for this repository. */
GPtrArray *
hr_registry_list_artifacts(HrRegistry *registry, HrCall *call,
                           const char *repository, GError **error);

/* HrDescriptor of the manifests that an index lists, with digest and media
 * type, so far as that is known without reading it; the caller's.
 * HR_UNSUPPORTED if it is not. */
GPtrArray *
hr_registry_list_parts(HrRegistry *registry, HrCall *call,
                       const char *repository, const char *digest,
                       GError **error);

/* True if the registry can tell what writes of content would meet. */
bool
hr_registry_foresees(const HrRegistry *registry);

/* Each of `count` writes has its status afterwards. */
bool
hr_registry_foresee(HrRegistry *registry, HrCall *call,
                    hr_content_write *const *writes, size_t count,
                    GError **error);

/* Resolves `count` queries; each has its status afterwards.  Answers that
 * break the grammar of digests or media types become HR_INVALID.  The strings
 * of queries are borrowed. */
bool
hr_registry_resolve(HrRegistry *registry, HrCall *call,
                    hr_manifest_query *const *queries, size_t count,
                    GError **error);

/* Reads and parses one manifest.  A digest as `reference`, or
 * `expected_digest` (may be NULL), must be that of the bytes. */
HrManifest *
hr_registry_get_manifest(HrRegistry *registry, HrCall *call,
                         const char *repository, const char *reference,
                         const char *expected_digest, GError **error);

/* `expected` as hr_manifest_put::expected.  *listed (may be NULL) tells
 * whether the registry itself lists it as a referrer of its subject. */
bool
hr_registry_put_manifest(HrRegistry *registry, HrCall *call,
                         const char *repository, const char *reference,
                         const HrManifest *manifest, const char *expected,
                         bool *listed, GError **error);

/* Whether a registry lists what refers to a manifest. */
typedef enum HrReferrerLists {
    HR_REFERRER_LISTS_UNKNOWN, /* nobody asked yet */
    HR_REFERRER_LISTS_THERE,
    HR_REFERRER_LISTS_ABSENT
} HrReferrerLists;

HrReferrerLists
hr_registry_referrer_lists(const HrRegistry *registry);

/* What refers to one manifest. */
typedef struct HrReferrersAnswer {
    const char *repository; /* borrowed, as the digest */
    const char *digest;
    GPtrArray *list; /* HrReferrer; or NULL */
    GError *error;
} HrReferrersAnswer;

/* Asks for `count` lists; each is there afterwards, or the error why not; or
 * neither, without a request, once the registry is known to have none.  The
 * first question to a registry whose lists are unknown is asked alone, so
 * that it costs no more than one request. */
bool
hr_registry_list_referrers(HrRegistry *registry, HrCall *call,
                           HrReferrersAnswer *answers, size_t count,
                           GError **error);

void
hr_referrers_answer_clear(HrReferrersAnswer *answer);

bool
hr_registry_stat_blobs(HrRegistry *registry, HrCall *call,
                       hr_blob_query *const *queries, size_t count,
                       GError **error);

/* One blob from one registry to another; the parts of a transfer.
 *
 * hr_transfer_begin and hr_transfer_open ask source and target plugin to
 * describe their ends; those of several are begun before they are opened.  Then
 * hr_transfer_pipe gives the pipe to run (NULL if nothing has to be sent), and
 * hr_transfer_finish commits, or aborts, the target's end. */
typedef struct HrTransfer HrTransfer;

typedef enum HrTransferKind {
    HR_TRANSFER_COPIED,  /* bytes were (to be) sent          */
    HR_TRANSFER_MOUNTED, /* taken from another repository    */
    HR_TRANSFER_PRESENT  /* the target had it                */
} HrTransferKind;

/* `mount_from` may be NULL.  `address` is one that a manifest gave, to read
 * the blob from instead of from the source (hr_pipe_source_address); or NULL.
 * Does not wait for the target's answer. */
HrTransfer *
hr_transfer_begin(HrRegistry *source, const char *source_repository,
                  HrRegistry *target, const char *target_repository,
                  const char *digest, int64_t size, const char *mount_from,
                  const char *address, HrCall *call, GError **error);

/* Follows each hr_transfer_begin, also if the call is over by then: waits for
 * the answer and has both ends described.  `*source_failed` tells whose fault
 * a failure is; after one, the transfer is only freed. */
bool
hr_transfer_open(HrTransfer *transfer, HrCall *call, bool *source_failed,
                 GError **error);

/* Of the target, and what goes there. */
const char *
hr_transfer_repository(const HrTransfer *transfer);

const char *
hr_transfer_digest(const HrTransfer *transfer);

HrPipe *
hr_transfer_pipe(HrTransfer *transfer);

HrTransferKind
hr_transfer_kind(const HrTransfer *transfer);

/* After the pipe has run (or there was none): true if the blob is stored. */
bool
hr_transfer_finish(HrTransfer *transfer, HrCall *call, GError **error);

/* After a pipe that did not get through: true if its upload may be gone on
 * with. */
bool
hr_transfer_may_resume(const HrTransfer *transfer);

/* Asks the target's plugin how the upload goes on.  True: hr_transfer_pipe is
 * to be run, from where the last one broke off.  HR_NOT_FOUND: there is
 * nothing to go on with. */
bool
hr_transfer_resume(HrTransfer *transfer, HrCall *call, bool *source_failed,
                   GError **error);

/* Aborts if it was not finished; NULL as `call`: without a word to the
 * registry. */
void
hr_transfer_free(HrTransfer *transfer, HrCall *call);

/* Reading one blob of a registry to wherever the caller likes: the pipe has
 * its source end set; the caller sets the target end, runs it and asks for
 * its result. */
typedef struct HrBlobReading HrBlobReading;

HrBlobReading *
hr_blob_reading_new(HrRegistry *registry, const char *repository,
                    const char *digest, int64_t size, HrCall *call,
                    GError **error);

HrPipe *
hr_blob_reading_pipe(HrBlobReading *reading);

/* Gives the plugin its reader back. */
void
hr_blob_reading_free(HrBlobReading *reading);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrBlobReading, hr_blob_reading_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrRegistry, hr_registry_close)

#endif
