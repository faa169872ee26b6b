/* SPDX-License-Identifier: MIT-0 */
/*
 * A registry: something that holds repositories of tagged artifacts.
 *
 * All functions run on worker threads and may block.  They are straight-line
 * code: send requests through the host, wait, look at the answer.  Unless a
 * function says otherwise it returns HR_OK or a class of error, with the text
 * set by hr_host_call::fail.
 *
 * "repository" is a name as in the distribution specification, "reference" a
 * tag or a digest; the host has checked their grammar.
 */
#ifndef HR_REGISTRY_H
#define HR_REGISTRY_H

#include <harbor-replicator/hr-abi.h>
#include <harbor-replicator/hr-document.h>
#include <harbor-replicator/hr-host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open registry: the plugin's own state of one endpoint. */
typedef struct hr_registry hr_registry;

/* What a reference points to, asked and answered.  The host sets the first
 * block, the plugin the second. */
typedef struct hr_manifest_query {
    uint32_t struct_size;
    uint32_t reserved;
    const char *repository;
    const char *reference;

    hr_status status;          /* HR_OK, HR_NOT_FOUND, or an error        */
    uint32_t reserved_out;
    uint64_t size;             /* of the manifest, bytes                  */
    char digest[HR_DIGEST_CAPACITY];
    char media_type[HR_MEDIA_TYPE_CAPACITY];
    char message[HR_MESSAGE_CAPACITY]; /* why, for an error; or ""        */
} hr_manifest_query;

/* What a plugin has asked about a blob that it is to create, and not heard
 * yet; the plugin's own. */
typedef struct hr_blob_start hr_blob_start;

/* A blob of a repository. */
typedef struct hr_blob {
    uint32_t struct_size;
    uint32_t reserved;
    const char *repository;
    const char *digest;
    uint64_t size;             /* bytes                                   */
    hr_blob_start *start;      /* for create_blob: what begin_blob gave;
                                  else NULL                               */
} hr_blob;

/* Whether a registry has a blob.  As hr_manifest_query, in two blocks. */
typedef struct hr_blob_query {
    uint32_t struct_size;
    uint32_t reserved;
    const char *repository;
    const char *digest;
    uint64_t size;             /* that it must have; a blob of another
                                  size counts as not found                */

    hr_status status;          /* HR_OK, HR_NOT_FOUND, or an error        */
    uint32_t reserved_out;
    char message[HR_MESSAGE_CAPACITY]; /* why, for an error; or ""        */
} hr_blob_query;

/* Whether a registry can do something. */
enum {
    HR_ABILITY_UNKNOWN = 0,
    HR_ABILITY_YES = 1,
    HR_ABILITY_NO = 2
};

/* One thing that a registry can do or cannot, as it was found out.
 * Borrowed. */
typedef struct hr_ability {
    uint32_t struct_size;
    int32_t state;             /* HR_ABILITY_*                            */
    const char *name;          /* lower case with dashes: "referrers"     */
    const char *detail;        /* half a sentence: what showed it, or what
                                  follows; or ""                          */
} hr_ability;

/* Takes abilities, in the order in which they are to be shown; copies. */
typedef struct hr_ability_sink hr_ability_sink;
struct hr_ability_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void (*take)(hr_ability_sink *sink, const hr_ability *ability);
};

enum {
    /* Uploads may be begun, and are cancelled again. */
    HR_EXAMINE_WRITE = 1u << 0
};

/* What to look at. */
typedef struct hr_examination {
    uint32_t struct_size;
    uint32_t flags;            /* HR_EXAMINE_WRITE                        */
    const char *repository;    /* to look at, or to write to; NULL: any   */
    hr_ability_sink *sink;
} hr_examination;

/* How an upload broke off; set by the host. */
typedef struct hr_blob_break {
    uint32_t struct_size;
    hr_status status;          /* why; HR_INTEGRITY with an http_status of
                                  4xx: the registry has other bytes       */
    uint64_t sent_bytes;       /* from the blob's start on, that left us,
                                  in all attempts                         */
    uint32_t http_status;      /* of the last answer; 0: none came        */
    uint32_t reserved;
    const char *location;      /* of the session now, absolute            */
} hr_blob_break;

/* Takes a manifest's bytes, exactly as stored; copies.  Called at most once
 * per get_manifest, and once for each page of a list of referrers. */
typedef struct hr_manifest_sink hr_manifest_sink;
struct hr_manifest_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void (*take)(hr_manifest_sink *sink, const char *media_type,
                 const void *bytes, uint64_t size_bytes);
};

/* A manifest to be stored.  The host sets the first block, the plugin the
 * second. */
typedef struct hr_manifest_put {
    uint32_t struct_size;
    uint32_t reserved;
    const char *repository;
    const char *reference;     /* a tag, or the digest                    */
    const char *digest;        /* of the bytes                            */
    const char *media_type;
    const void *bytes;         /* to be stored as they are                */
    uint64_t size_bytes;
    const char *expected;      /* digest that the tag leads to so far, ""
                                  for a tag that is not there: a registry
                                  that can compare refuses with
                                  HR_PRECONDITION if that is not so any
                                  more.  NULL: whatever is there          */

    int32_t listed;            /* 1: the registry itself will list it among
                                  the referrers of its `subject`          */
    uint32_t reserved_out;
} hr_manifest_put;

/* What refers to a manifest (has it as its `subject`), asked and answered.
 * As hr_manifest_query, in two blocks. */
typedef struct hr_referrers_query {
    uint32_t struct_size;
    uint32_t reserved;
    const char *repository;
    const char *digest;        /* what is referred to                     */
    hr_manifest_sink *sink;    /* takes the list                          */

    hr_status status;          /* HR_OK, also for none; HR_UNSUPPORTED if
                                  the registry has no such lists; or an
                                  error                                   */
    uint32_t reserved_out;
    char message[HR_MESSAGE_CAPACITY]; /* why, for an error; or ""        */
} hr_referrers_query;

/* From where a registry takes a blob over, without an upload
 * (hr_registry_ops::mounts). */
enum {
    HR_MOUNT_AUTO = 0,      /* from any repository that has it; the host
                               finds out whether it wants more            */
    HR_MOUNT_COMMITTED = 1, /* from one that has a manifest with it       */
    HR_MOUNT_NEVER = 2      /* from nowhere                               */
};

typedef struct hr_registry_ops {
    uint32_t struct_size;
    uint32_t reserved;

    /* Opens the registry that an endpoint describes.  No request yet.
     * *registry is the plugin's until close. */
    hr_status (*open)(hr_call *call, hr_endpoint *endpoint,
                      hr_registry **registry);

    /* Closes it.  No call is under way and none will come. */
    void (*close)(hr_registry *registry);

    /* Finds out with one cheap exchange whether the registry is there and
     * takes the credentials: HR_AUTH_DENIED if it does not. */
    hr_status (*probe)(hr_registry *registry, hr_call *call);

    /* Lists all repositories, or fails: a part is never returned as the
     * whole.  HR_UNSUPPORTED if the registry has no such list. */
    hr_status (*list_repositories)(hr_registry *registry, hr_call *call,
                                   hr_names *names);

    /* Lists all tags of a repository, or fails.  HR_NOT_FOUND if there is no
     * such repository. */
    hr_status (*list_tags)(hr_registry *registry, hr_call *call,
                           const char *repository, hr_names *names);

    /* Resolves references without transferring manifests (HEAD).  Each query
     * gets a status of its own; the function fails as a whole only if it
     * could not ask at all.  At most 1024 queries. */
    hr_status (*resolve)(hr_registry *registry, hr_call *call,
                         hr_manifest_query *const *queries, size_t count);

    /* Reads one manifest.  The bytes go to `sink` as they are; the host
     * checks the digest.  HR_INVALID if it is larger than `limit_bytes`. */
    hr_status (*get_manifest)(hr_registry *registry, hr_call *call,
                              const char *repository, const char *reference,
                              uint64_t limit_bytes, hr_manifest_sink *sink);

    /* Stores one manifest under a tag or under its digest, byte for byte.
     * Durable when it returns. */
    hr_status (*put_manifest)(hr_registry *registry, hr_call *call,
                              hr_manifest_put *put);

    /* Tells which blobs a registry has.  As resolve. */
    hr_status (*stat_blobs)(hr_registry *registry, hr_call *call,
                            hr_blob_query *const *queries, size_t count);

    /* Describes where a blob's bytes come from, with one of
     * hr_host_blob::source_*. */
    hr_status (*open_blob)(hr_registry *registry, hr_call *call,
                           const hr_blob *blob, hr_blob_source *source);

    /* Describes where a blob's bytes go, with one of hr_host_blob::target_*.
     * `mount_from` names another repository of the same registry that has
     * the blob, or is NULL.  Frees the blob's `start`, also on failure. */
    hr_status (*create_blob)(hr_registry *registry, hr_call *call,
                             const hr_blob *blob, const char *mount_from,
                             hr_blob_target *target);

    /* The rest is for plugins that give out readers, writers or sessions;
     * others leave them NULL.  One that gives out readers has the first two,
     * one that gives out writers or sessions has the last three. */

    /* Reads up to `capacity` bytes; *size 0 means the end. */
    hr_status (*read_blob)(hr_registry *registry, hr_call *call,
                           hr_blob_reader *reader, void *buffer,
                           size_t capacity, size_t *size);

    /* Ends reading, at whatever point. */
    void (*close_blob)(hr_registry *registry, hr_blob_reader *reader);

    /* Appends bytes.  Nothing is visible before commit_blob. */
    hr_status (*write_blob)(hr_registry *registry, hr_call *call,
                            hr_blob_writer *writer, const void *data,
                            size_t size);

    /* Publishes the blob: the host has checked its size and digest.  Frees
     * `writer`, also on failure. */
    hr_status (*commit_blob)(hr_registry *registry, hr_call *call,
                             hr_blob_writer *writer);

    /* Throws away what was written.  Frees `writer`.  `call` may be
     * cancelled already. */
    void (*abort_blob)(hr_registry *registry, hr_call *call,
                       hr_blob_writer *writer);

    /* Tells what refers to manifests.  The list of one is given as image
     * indexes, one for each page, whose `manifests` are the referrers; the
     * sink gets none or all of them: a part is never the whole.  Otherwise as
     * resolve.  Optional: without it, the registry has no such lists. */
    hr_status (*list_referrers)(hr_registry *registry, hr_call *call,
                                hr_referrers_query *const *queries,
                                size_t count);

    /* Goes on with an upload (hr_host_blob::target_upload) that broke off or
     * was refused: asks the registry how much of it is there and describes
     * how the rest goes on, with target_upload and the same `writer`, or, if
     * all was stored and only the answer lost, with target_present: then the
     * session is ended with abort_blob.  HR_NOT_FOUND or HR_UNSUPPORTED if
     * there is nothing to go on with: the host ends the session with
     * abort_blob and begins anew with create_blob.  Any other failure is that
     * of the attempt; if there is another, it is asked again, with the same
     * `how`.  Not asked when it was the source that gave wrong bytes: that is
     * always begun anew.  `writer` stays the host's, also on failure.  May be
     * NULL: always anew. */
    hr_status (*resume_blob)(hr_registry *registry, hr_call *call,
                             const hr_blob *blob, hr_blob_writer *writer,
                             const hr_blob_break *how,
                             hr_blob_target *target);

    /* Finds out what the registry can do, with a few requests, and tells the
     * sink.  What could not be asked is told as unknown; fails only if the
     * registry is away or takes no credentials.  May be NULL. */
    hr_status (*examine)(hr_registry *registry, hr_call *call,
                         const hr_examination *examination);

    /* From where the registry takes blobs over: HR_MOUNT_*.  Never blocks.
     * May be NULL: HR_MOUNT_AUTO. */
    uint32_t (*mounts)(hr_registry *registry);

    /* The rest is for registries that hold documents (hr-document.h); others
     * leave it NULL.  A kind that a function is asked about is one that `knows`
     * has said yes to. */

    /* Proves who we are, and finds out what the registry is and what the
     * login may do; before each pass, and before anything is listed.
     * HR_AUTH_DENIED if the credentials are not taken, or if there are none
     * and the registry would show a stranger a part as the whole. */
    hr_status (*identify)(hr_registry *registry, hr_call *call,
                          hr_identity *identity);

    /* Whether documents of a kind can be had (HR_ACCESS_READ) or written
     * (HR_ACCESS_WRITE), by this login.  HR_UNSUPPORTED if the registry has
     * no such thing, HR_AUTH_DENIED if the login may not; with the reason.
     * After identify, and without a request of its own. */
    hr_status (*knows)(hr_registry *registry, hr_call *call, const char *kind,
                       uint32_t access);

    /* Lists all documents of a kind in a scope, or fails: a part is never
     * returned as the whole, but for gaps that the sink is told of. */
    hr_status (*list_documents)(hr_registry *registry, hr_call *call,
                                const hr_document_scope *scope,
                                hr_document_sink *sink);

    /* Reads one document as it is now.  HR_NOT_FOUND if there is none. */
    hr_status (*read_document)(hr_registry *registry, hr_call *call,
                               const char *kind, const char *key,
                               hr_document_sink *sink);

    /* Tells what would become of documents here: what this version of the
     * registry, or this one in particular, cannot hold.  Needs no request
     * beyond those that identify and list_documents have made.  May be NULL:
     * everything fits. */
    hr_status (*fit_documents)(hr_registry *registry, hr_call *call,
                               hr_document_fit *const *fits, size_t count);

    /* Writes one document, all of it or, as far as the registry allows,
     * nothing.  HR_CONFLICT if one is there that was to be created.  Asked
     * again with the same document it leads to the same state: what an
     * earlier attempt has left half done is completed.  Does not read back:
     * the host does. */
    hr_status (*write_document)(hr_registry *registry, hr_call *call,
                                const hr_document_write *write);

    /* Tells whether secrets are right, with one attempt each.  May be NULL:
     * nobody can tell. */
    hr_status (*check_secrets)(hr_registry *registry, hr_call *call,
                               hr_secret_check *const *checks, size_t count);

    /* Lists the artifacts that tags of a repository lead to, all of them or
     * none: what list_tags and resolve tell, in fewer requests.  HR_NOT_FOUND
     * if there is no such repository, HR_UNSUPPORTED if there are no such
     * lists for it: then those two are asked.  Raises no pull event.  May be
     * NULL. */
    hr_status (*list_artifacts)(hr_registry *registry, hr_call *call,
                                const char *repository,
                                hr_artifact_sink *sink);

    /* Tells what speaks against writes of content, before the first byte.
     * May be NULL: nothing is known. */
    hr_status (*foresee)(hr_registry *registry, hr_call *call,
                         hr_content_write *const *writes, size_t count);

    /* Asks what create_blob needs to know and returns without waiting for the
     * answer, so that the questions about several blobs are on their way
     * together.  create_blob follows for each *start, with the same arguments
     * and on the same thread, also if `call` is over by then.  May be NULL:
     * create_blob asks by itself, one blob after the other. */
    hr_status (*begin_blob)(hr_registry *registry, hr_call *call,
                            const hr_blob *blob, const char *mount_from,
                            hr_blob_start **start);

    /* Tells which manifests an index lists, all of them or none, without
     * reading it: no pull event is raised.  HR_UNSUPPORTED if that is not
     * known: then it is read.  Only for those who want to know what belongs
     * together; whoever copies an index reads it.  May be NULL. */
    hr_status (*list_parts)(hr_registry *registry, hr_call *call,
                            const char *repository, const char *digest,
                            hr_part_sink *sink);
} hr_registry_ops;

#ifdef __cplusplus
}
#endif

#endif
