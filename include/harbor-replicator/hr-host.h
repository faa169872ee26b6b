/* SPDX-License-Identifier: MIT-0 */
/*
 * What the host does for a plugin: the table handed to its init function.
 *
 * Every service takes the plugin's module handle first.  All of them may be
 * called from any thread that the host called the plugin on, and from no
 * other, unless a service says more.
 */
#ifndef HR_HOST_H
#define HR_HOST_H

#include <harbor-replicator/hr-abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One loaded plugin, as the host sees it.  Lives until the end of the process,
 * after its fini has returned. */
typedef struct hr_module hr_module;

/* One operation on behalf of somebody: carries the deadline, the cancel
 * token, the correlation id and, after a failure, the error text.  Borrowed;
 * valid until the function that received it returns; used by one thread. */
typedef struct hr_call hr_call;

/* One configured endpoint: address, credentials, limits and settings. */
typedef struct hr_endpoint hr_endpoint;

/* The settings of one strategy or sink in the configuration. */
typedef struct hr_settings hr_settings;

/* A list that the plugin fills with names. */
typedef struct hr_names hr_names;

/* One HTTP request under way, then its response. */
typedef struct hr_http_exchange hr_http_exchange;

/* A digest being computed. */
typedef struct hr_hash hr_hash;

/* Where the bytes of a blob come from, and where they go.  Filled in by
 * hr_registry_ops::open_blob and ::create_blob through hr_host_blob. */
typedef struct hr_blob_source hr_blob_source;
typedef struct hr_blob_target hr_blob_target;

/* The plugin's own state of one local blob being read or written. */
typedef struct hr_blob_reader hr_blob_reader;
typedef struct hr_blob_writer hr_blob_writer;

/* ------------------------------------------------------------------ log */

typedef struct hr_host_log {
    uint32_t struct_size;
    uint32_t reserved;

    /* Writes one line of log.  `level` is HR_LOG_*.  `message` is one
     * sentence without line breaks and without secrets. */
    void (*write)(hr_module *module, uint32_t level, const char *message);

    /* Returns 1 if messages of `level` are written at all, else 0: lets a
     * plugin spare the work of making one. */
    int32_t (*enabled)(hr_module *module, uint32_t level);
} hr_host_log;

/* ----------------------------------------------------------------- call */

typedef struct hr_host_call {
    uint32_t struct_size;
    uint32_t reserved;

    /* Records why an operation failed and returns `status`, so that a
     * function can end with `return host->call->fail(...)`.  `message` is
     * copied; it reads from the outside in ("manifest sha256:ab12: ...")
     * and does not repeat the endpoint's name, which the host adds. */
    hr_status (*fail)(hr_module *module, hr_call *call, hr_status status,
                      const char *message);

    /* Returns 1 once the operation is cancelled or past its deadline.  A
     * plugin that works for long without calling the host asks now and then
     * and returns HR_CANCELLED. */
    int32_t (*cancelled)(hr_module *module, hr_call *call);

    /* Takes the recorded failure back, for a plugin that got on without. */
    void (*forgive)(hr_module *module, hr_call *call);

    /* The text of the recorded failure, "" if there is none: for a plugin
     * that answers many queries at once and tells each its own reason.
     * Borrowed until the next fail or forgive. */
    const char *(*reason)(hr_module *module, hr_call *call);

    /* Says what may be done about the recorded failure, where that does not
     * follow from its class.  `wait_ms` is when: not before so many
     * milliseconds from now; 0 leaves it to the host.  Nothing is recorded:
     * nothing happens. */
    void (*hint)(hr_module *module, hr_call *call, hr_eligibility eligibility,
                 int64_t wait_ms);
} hr_host_call;

/* --------------------------------------------------------------- config */

typedef struct hr_host_config {
    uint32_t struct_size;
    uint32_t reserved;

    /* Name of the endpoint in the configuration. */
    const char *(*endpoint_name)(hr_module *module, hr_endpoint *endpoint);

    /* The settings of an endpoint: the options its provider declared. */
    hr_settings *(*endpoint_settings)(hr_module *module,
                                      hr_endpoint *endpoint);

    /* Value of a declared option, or its default, or NULL when it has
     * neither.  HR_OPTION_PATH values are absolute.  Borrowed; lives as long
     * as the instance that the settings were given to. */
    const char *(*string)(hr_module *module, hr_settings *settings,
                          const char *name);

    /* Value of a declared HR_OPTION_INTEGER, HR_OPTION_SIZE (bytes),
     * HR_OPTION_DURATION (milliseconds) or HR_OPTION_BOOLEAN (0 or 1);
     * 0 when it is not set and has no default. */
    int64_t (*number)(hr_module *module, hr_settings *settings,
                      const char *name);

    /* The name that requests with HR_HTTP_BASIC go with, or NULL if there is
     * none.  Borrowed; lives as long as the endpoint. */
    const char *(*endpoint_username)(hr_module *module, hr_endpoint *endpoint);
} hr_host_config;

/* ---------------------------------------------------------------- names */

typedef struct hr_host_names {
    uint32_t struct_size;
    uint32_t reserved;

    /* Appends a copy of `name`.  Names that break the grammar of what is
     * listed are refused with HR_INVALID and the call's error is set.
     * Duplicates are dropped. */
    hr_status (*add)(hr_module *module, hr_call *call, hr_names *names,
                     const char *name);

    /* Number of names so far. */
    uint64_t (*count)(hr_module *module, hr_names *names);
} hr_host_names;

/* ----------------------------------------------------------------- http */

enum {
    HR_HTTP_GET = 0,
    HR_HTTP_HEAD = 1,
    HR_HTTP_POST = 2,
    HR_HTTP_PUT = 3,
    HR_HTTP_PATCH = 4,
    HR_HTTP_DELETE = 5
};

enum {
    /* The request may be sent twice with the same effect as once.  GET,
     * HEAD, PUT and DELETE are so without being told. */
    HR_HTTP_IDEMPOTENT = 1u << 0,
    /* `target` is an address that the server gave (Location, Link): it is
     * refused unless it passes the origin check. */
    HR_HTTP_SERVER_GIVEN = 1u << 1,
    /* The endpoint's user name and password go with it as they are (Basic),
     * and no token, whatever the registry asks of other requests.  Without a
     * password it fails with HR_AUTH_DENIED. */
    HR_HTTP_BASIC = 1u << 2
};

/*
 * What an answer to one request stands for, where it is not what the status
 * code says in general.  Settings of the configuration (errors) go before it.
 */
typedef struct hr_http_answer {
    uint32_t struct_size;
    uint32_t status;            /* 400 to 599; 0: any of them               */
    const char *code;           /* error code of its body, any case; NULL:
                                   any, or none                             */
    hr_status category;         /* HR_OK: an answer like any other, neither
                                   repeated nor held against the server     */
    hr_eligibility eligibility;
} hr_http_answer;

/*
 * One request.  Borrowed by `send`, which copies what it needs.
 *
 * `target` starts with "/" and is appended to the endpoint's address, or,
 * with HR_HTTP_SERVER_GIVEN, is a URI reference that the server sent and is
 * resolved against `base` (the target of the request it came in answer to;
 * NULL stands for the endpoint's address).
 */
typedef struct hr_http_request {
    uint32_t struct_size;
    uint32_t method;           /* HR_HTTP_GET and so on                    */
    uint32_t flags;
    uint32_t attempts;         /* at most so many, where the policy has
                                  more; 0: as the policy has               */
    const char *target;
    const char *base;
    const char *const *headers; /* "Name: value", ends in NULL; or NULL    */
    const void *body;           /* NULL for none                           */
    uint64_t body_size;
    uint64_t limit_bytes;       /* longest response body taken; 0: 4 MiB   */
    const hr_http_answer *const *answers; /* the first that fits counts;
                                   ends in NULL; or NULL                    */
    const char *username;       /* asks as somebody else: Basic with these, to
                                   the endpoint itself, and nothing of the
                                   endpoint's own login; or NULL            */
    const char *password;       /* of `username`; the host wipes its copy   */
} hr_http_request;

typedef struct hr_host_http {
    uint32_t struct_size;
    uint32_t reserved;

    /* Queues a request and returns at once.  The host adds credentials, and
     * the User-Agent unless a header is one, follows no redirect, and applies
     * its policy (limits, timeouts, repetition): a plugin never repeats a
     * request.  On HR_OK *exchange is owned by the plugin, which waits for it
     * and frees it.  Otherwise it is NULL and the call's error is set. */
    hr_status (*send)(hr_module *module, hr_endpoint *endpoint, hr_call *call,
                      const hr_http_request *request,
                      hr_http_exchange **exchange);

    /* Waits until the response is complete.  HR_OK: there is a response, of
     * whatever status code.  Otherwise there is none and the call's error is
     * set.  Send many, then wait for each: that is how a plugin keeps many
     * requests in flight. */
    hr_status (*wait)(hr_module *module, hr_http_exchange *exchange);

    /* Status code of the response, 0 before there is one. */
    uint32_t (*status)(hr_module *module, const hr_http_exchange *exchange);

    /* First header of that name (any case), or NULL.  Lives as long as the
     * exchange. */
    const char *(*header)(hr_module *module, const hr_http_exchange *exchange,
                          const char *name);

    /* Body of the response and its size; never NULL after HR_OK from wait,
     * followed by a zero that is not counted.  Lives as long as the
     * exchange. */
    const char *(*body)(hr_module *module, const hr_http_exchange *exchange,
                        uint64_t *size_bytes);

    /* Sets the call's error from the response: the status code and the
     * registry's own error code and message if the body has them; `what`
     * says what was tried ("list tags of library/nginx").  Returns the class
     * that the response stands for. */
    hr_status (*fail)(hr_module *module, const hr_http_exchange *exchange,
                      const char *what);

    /* Frees an exchange; one that is still under way is given up.  NULL is
     * allowed. */
    void (*free)(hr_module *module, hr_http_exchange *exchange);
} hr_host_http;

/* ----------------------------------------------------------------- blob */

/*
 * An upload session of the distribution protocol, which takes a blob in one
 * PUT, or in PATCH requests and a PUT without a body.  Borrowed.
 */
typedef struct hr_blob_upload {
    uint32_t struct_size;
    uint32_t reserved;
    const char *location;  /* of the session, as the server gave it          */
    const char *base;      /* target of the request that it came in answer
                              to; NULL stands for the endpoint's address     */
    uint64_t offset;       /* bytes that the server has: the rest is sent    */
    uint64_t chunk_bytes;  /* at most so many in a PATCH; 0: no PATCH, and an
                              offset of 0                                    */
    const hr_http_answer *const *answers; /* as in hr_http_request; or NULL.
                              HR_RETRY_REFETCH: ask the plugin at once how to
                              go on (hr_registry_ops::resume_blob)           */
} hr_blob_upload;

typedef struct hr_host_blob {
    uint32_t struct_size;
    uint32_t reserved;

    /* The blob is the body of the response to `request` (copied), which the
     * host sends itself to `endpoint`.  Redirects to other hosts are
     * followed without credentials. */
    hr_status (*source_request)(hr_module *module, hr_blob_source *source,
                                hr_endpoint *endpoint,
                                const hr_http_request *request);

    /* The blob is read with hr_registry_ops::read_blob from `reader`, which
     * the host owns from now on and gives back with close_blob. */
    hr_status (*source_reader)(hr_module *module, hr_blob_source *source,
                               hr_blob_reader *reader);

    /* The blob becomes the body of `request` (copied; its body is ignored).
     * Any 2xx response means the blob is stored.  `session` may be NULL; if
     * not, the host hands it to commit_blob after success or to abort_blob
     * after failure. */
    hr_status (*target_request)(hr_module *module, hr_blob_target *target,
                                hr_endpoint *endpoint,
                                const hr_http_request *request,
                                hr_blob_writer *session);

    /* The blob is written with hr_registry_ops::write_blob to `writer`,
     * which the host owns from now on and ends with commit_blob or
     * abort_blob. */
    hr_status (*target_writer)(hr_module *module, hr_blob_target *target,
                               hr_blob_writer *writer);

    /* Nothing has to be sent: the registry has the blob already, or took it
     * over from another repository (`mounted` 1). */
    hr_status (*target_present)(hr_module *module, hr_blob_target *target,
                                int32_t mounted);

    /* The blob is sent to an upload session (`upload` is copied): each PATCH
     * with a Content-Range "FIRST-LAST", each to the Location that the answer
     * to the one before gave, if it gave one; at last the PUT, to which the
     * digest is added.  Any 2xx response will do.  `session` as in
     * target_request, though never NULL: resume_blob is asked with it. */
    hr_status (*target_upload)(hr_module *module, hr_blob_target *target,
                               hr_endpoint *endpoint,
                               const hr_blob_upload *upload,
                               hr_blob_writer *session);
} hr_host_blob;

/* --------------------------------------------------------------- digest */

typedef struct hr_host_digest {
    uint32_t struct_size;
    uint32_t reserved;

    /* Returns 1 if `text` is a digest of a known algorithm (sha256, sha512)
     * in its only valid spelling, else 0. */
    int32_t (*valid)(hr_module *module, const char *text);

    /* Starts a digest of the algorithm that the digest `like` names; NULL
     * stands for sha256.  NULL if there is no such algorithm.  Ends with
     * `finish`. */
    hr_hash *(*start)(hr_module *module, const char *like);

    /* Adds bytes. */
    void (*update)(hr_module *module, hr_hash *hash, const void *data,
                   uint64_t size_bytes);

    /* Writes the digest as "sha256:..." and frees the hash.  `digest` may be
     * NULL to only free it. */
    void (*finish)(hr_module *module, hr_hash *hash,
                   char digest[HR_DIGEST_CAPACITY]);
} hr_host_digest;

/* --------------------------------------------------------------- metric */

typedef struct hr_host_metric {
    uint32_t struct_size;
    uint32_t reserved;

    /* Adds to a counter of the plugin's own.  The host prefixes the name
     * with "harbor_replicator_plugin_" and adds the label plugin="NAME".
     * `name` is lower case with underscores and ends in "_total". */
    void (*count)(hr_module *module, const char *name, const char *help,
                  uint64_t increment);
} hr_host_metric;

/* ----------------------------------------------------------------- host */

/* The table given to hr_plugin::init.  Lives as long as the process, as do
 * all tables in it. */
typedef struct hr_host {
    uint32_t struct_size;
    uint32_t abi_minor;        /* HR_ABI_MINOR of the host                 */
    const char *version;       /* of the program, "0.1.0"                  */
    const hr_host_log *log;
    const hr_host_call *call;
    const hr_host_config *config;
    const hr_host_names *names;
    const hr_host_http *http;
    const hr_host_blob *blob;
    const hr_host_digest *digest;
    const hr_host_metric *metric;
} hr_host;

#ifdef __cplusplus
}
#endif

#endif
