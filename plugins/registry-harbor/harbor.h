/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of registry-harbor share.
 *
 *     registry-harbor.c   the table of operations, options, open and close
 *     identity.c          who we are, what this Harbor is        (identify)
 *     rights.c            what a robot that logs in may do
 *     kinds.c             the table of kinds, and what goes over it
 *     kind-NAME.c         one kind: its requests
 *     NAME-document.c     one kind: Harbor's JSON to document and back; pure
 *     content.c           repositories and artifacts by the API's lists
 *     resolve.c           which manifests are there
 *     foresee.c           what a write of content would meet
 *     api.c, batch.c      requests, one or many at once
 *     paging.c            lists that are complete, or fail
 *     memory.c            which name has which id here
 *
 * Content itself goes through ../lib/distribution.
 *
 * The instance is used by any number of workers at once.  What they share is
 * behind one lock, which nobody holds while a request is under way:
 *
 *     identify ----> HarborIdentity, replaced as a whole; HarborAsk has one
 *              '---> the list of projects, until somebody lists them anew
 *     lists -------> ids by name
 *
 * What is behind the lock goes in and out as a copy: jansson looks at reference
 * counts without a barrier, so that no value may belong to two threads.
 */
#ifndef HARBOR_HARBOR_H
#define HARBOR_HARBOR_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "../lib/distribution/distribution.h"
#include "document.h"
#include "texts.h"

/* Versions as numbers that can be compared. */
#define HARBOR_VERSION(major, minor, patch)                                   \
    ((major)*1000000u + (minor)*1000u + (patch))

/* Who we are to a Harbor, and what it is.  Never changed once it is made. */
typedef struct HarborIdentity {
    atomic_int references;
    unsigned version;   /* HARBOR_VERSION                              */
    char *product;      /* "Harbor 2.9.0"                              */
    char *address;      /* that it gives as its own; ""                */
    char *auth_mode;    /* "db_auth" and so on; "": not told           */
    char *name;         /* that we log in with                         */
    char *prefix;       /* of robots' full names: "robot$"             */
    bool robot;         /* the login is one                            */
    bool administrator; /* a user who may do everything                */
    bool read_only;
    bool quotas; /* projects have them                          */
    int64_t clock_ahead_ms;
    json_t *permissions; /* of a robot; NULL: not known                 */
    json_t *denied;      /* kinds that a robot was refused: object      */
    json_t *catalogue;   /* answer of GET /permissions; NULL: there is
                              none, or it was not told                    */
    json_t *settings;    /* answer of GET /configurations; NULL: not told */
} HarborIdentity;

/* Ids by name; see memory.c. */
typedef struct HarborMemory {
    json_t *ids;   /* family -> name -> id     */
    json_t *names; /* family -> id -> name     */
} HarborMemory;

/* One Harbor. */
struct hr_registry {
    dist_registry dist;   /* first                                    */
    const char *settings; /* option `settings`: which are synchronised */
    pthread_mutex_t lock;
    HarborIdentity *identity; /* of the last identify; NULL: none yet     */
    HarborMemory memory;
    json_t *projects;       /* short rows of the last list; NULL: none   */
    json_t *whole_projects; /* see projects.c; NULL: taken already        */
    json_t *artifacts;      /* rows by repository, kept for another list  */
    size_t artifacts_kept;  /* so many                                   */
    json_t *told;           /* see referrers.c                            */
    size_t told_count;      /* facts in it                              */
    json_t *group_names;    /* key by name: see kind-usergroup.c          */
    json_t *trying;         /* robots whose secrets are being tried       */
};

/* One operation of the host on behalf of which we ask. */
typedef struct HarborAsk {
    hr_registry *registry;
    hr_call *call;
    HarborIdentity *who; /* a reference; never NULL but while identifying */
} HarborAsk;

/* Begins one.  Finds out who we are if nobody has so far.  Ends with
 * harbor_ask_end, also after a failure. */
hr_status
harbor_ask_begin(HarborAsk *ask, hr_registry *registry, hr_call *call);

void
harbor_ask_end(HarborAsk *ask);

/* ---------------------------------------------------------------- api.c */

typedef struct HarborRequest {
    uint32_t method;
    const char *path;     /* below /api/v2.0, with its query               */
    const json_t *body;   /* or NULL                                       */
    const char *username; /* asks as somebody else, once; or NULL          */
    const char *password;
} HarborRequest;

typedef struct HarborAnswer {
    uint32_t status; /* 0: none came                                      */
    json_t *body;    /* NULL: empty                                       */
    int64_t total;   /* X-Total-Count; -1: not told                       */
    char *location;  /* or NULL                                           */
} HarborAnswer;

void
harbor_answer_end(HarborAnswer *answer);

/* Sends a request on its way. */
hr_status
harbor_begin(const HarborAsk *ask, const HarborRequest *request,
             hr_http_exchange **exchange);

/* Waits for its answer, frees `exchange`.  HR_OK for 2xx; otherwise the
 * failure is recorded, beginning with `what` ("list the labels"), and `answer`
 * still tells the status.  `answer` is ended by the caller in any case. */
hr_status
harbor_end(const HarborAsk *ask, hr_http_exchange *exchange, const char *what,
           HarborAnswer *answer);

/* Both. */
hr_status
harbor_request(const HarborAsk *ask, const HarborRequest *request,
               const char *what, HarborAnswer *answer);

/* Reads an object: HR_INVALID if the answer is none.  *object is the
 * caller's. */
hr_status
harbor_get(const HarborAsk *ask, const char *path, const char *what,
           json_t **object);

/* Writes; `body` is taken, wiped, for it may hold secrets, and may be NULL.  *id, if it is not NULL, gets the
 * number that Location ends in, 0 if there is none. */
hr_status
harbor_write(const HarborAsk *ask, uint32_t method, const char *path,
             json_t *body, const char *what, int64_t *id);

/* -------------------------------------------------------------- batch.c */

/* Many GETs, a few of them at a time. */
typedef struct HarborBatch {
    size_t count;
    void *data;

    /* The path of one, malloced, taken; NULL: it is left out. */
    char *(*path)(void *data, size_t index);

    /* What is asked by it, malloced, taken. */
    char *(*what)(void *data, size_t index);

    /* Takes the answer, in order; with a `status` other than HR_OK the
     * failure is recorded.  Anything but HR_OK ends the batch. */
    hr_status (*take)(void *data, size_t index, hr_status status,
                      HarborAnswer *answer);
} HarborBatch;

hr_status
harbor_batch(const HarborAsk *ask, const HarborBatch *batch);

/* ------------------------------------------------------------- paging.c */

/* A list of Harbor's. */
typedef struct HarborList {
    const char *path; /* with its query, without page and page_size        */
    const char *what; /* "list the labels"                                 */
    const char *sort; /* what brings later rows first ("-id"), in case it is
                         read in pages; NULL: it keeps no order            */
    const char *id;   /* member that tells rows apart; NULL: "id"          */
    bool paged;       /* rows are long: it is read in pages from the start */
    json_t *(*shorten)(const json_t *row); /* what is kept of a row of a
                                              page; NULL: all of it        */
} HarborList;

/* All rows, as an array that is the caller's; or it fails: a part is never
 * the whole.  Rows that Harbor counts and does not show are no failure. */
hr_status
harbor_list(const HarborAsk *ask, const HarborList *list, json_t **rows);

/* For lists of which many are asked for at once: the path of the first request,
 * malloced, and all rows from the answer to it. */
char *
harbor_list_path(const HarborList *list);

hr_status
harbor_list_complete(const HarborAsk *ask, const HarborList *list,
                     const HarborAnswer *answer, json_t **rows);

/* Lists of projects, one each, a few at a time. */
typedef struct HarborWalk {
    void *data;
    const char *things; /* "members"                                       */
    const char *sort;   /* as in HarborList                                */

    /* Path of a project's list, malloced, taken; NULL: it has none. */
    char *(*path)(void *data, const json_t *project);

    hr_status (*take)(void *data, const json_t *project, json_t *rows);
} HarborWalk;

/* Walks all projects in the scope.  What may not be seen, or has gone
 * meanwhile, is a gap. */
hr_status
harbor_walk(const HarborAsk *ask, const hr_document_scope *scope,
            const HarborWalk *walk, hr_document_sink *sink);

/* Whether a project is in the scope. */
bool
harbor_in_scope(const hr_document_scope *scope, const char *project);

/* ----------------------------------------------------------- projects.c */

/* Rows of GET /projects as of the last identify or later, with "name",
 * "project_id", "registry_id", "metadata" and the caller's roles; *rows is the
 * caller's. */
hr_status
harbor_projects(const HarborAsk *ask, json_t **rows);

/* Whole rows, from now, or as identify has just found them. */
hr_status
harbor_projects_anew(const HarborAsk *ask, json_t **rows);

/* A project was made: whoever wants the list asks for it. */
void
harbor_projects_forget(hr_registry *registry);

/* Lists them as part of what may be seen. */
hr_status
harbor_projects_learn(const HarborAsk *ask);

/* One row, from now; *row is the caller's.  HR_NOT_FOUND if there is none. */
hr_status
harbor_project_read(const HarborAsk *ask, const char *name, json_t **row);

/* "/projects/NAME/REST", the name escaped; malloced. */
char *
harbor_project_path(const char *name, const char *rest);

/* Id of a project.  HR_NOT_FOUND if there is none. */
hr_status
harbor_project_id(const HarborAsk *ask, const char *name, int64_t *id);

/* ------------------------------------------------------------- memory.c */

/* Families of names: "project", "registry", "label" and so on; the kind that
 * knows them says what a name is. */

void
harbor_remember(hr_registry *registry, const char *family, const char *name,
                int64_t id);

/* 0: not known. */
int64_t
harbor_recall(hr_registry *registry, const char *family, const char *name);

/* The name of an id; the caller's.  NULL: not known. */
char *
harbor_recall_name(hr_registry *registry, const char *family, int64_t id);

/* For ids that are no numbers; the caller's. */
void
harbor_remember_text(hr_registry *registry, const char *family,
                     const char *name, const char *id);

char *
harbor_recall_text(hr_registry *registry, const char *family,
                   const char *name);

char *
harbor_recall_text_name(hr_registry *registry, const char *family,
                        const char *id);

void
harbor_forget(hr_registry *registry, const char *family, const char *name);

/* ----------------------------------------------------------- identity.c */

hr_status
harbor_identify(hr_registry *registry, hr_call *call, hr_identity *identity);

/* Finds out who we are, and keeps it. */
hr_status
harbor_identity_learn(hr_registry *registry, hr_call *call);

void
harbor_identity_unref(HarborIdentity *who);

/* --------------------------------------------------------- identities of
 * robots: rights.c */

/* Fills in what a robot may do, as far as it can be found out. */
hr_status
harbor_rights_learn(const HarborAsk *ask, HarborIdentity *who);

/* The prefix in a robot's full name; the caller's. */
char *
harbor_prefix_of(const char *full);

/* ------------------------------------------------------------ content.c */

hr_status
harbor_probe(hr_registry *registry, hr_call *call);

/* Rows of GET /repositories; the caller's. */
hr_status
harbor_repositories(const HarborAsk *ask, json_t **rows);

/* "/projects/PROJECT/repositories/NAME", escaped; malloced.  NULL if it is in
 * no project. */
char *
harbor_repository_path(const char *repository);

/* The artifacts of many repositories, a few of them at a time. */
typedef struct HarborArtifacts {
    const json_t *repositories; /* names                                   */
    void *data;

    /* Takes those of a repository that have tags.  Of each row: "digest",
     * "media_type" of the manifest, "size" of it with all that belongs to it,
     * "tags" (names), "labels" (as Harbor gives them; left out where there are
     * none). */
    hr_status (*take)(void *data, const char *repository, const json_t *rows);

    /* They may not be seen, or Harbor fails to tell them, which says nothing
     * about the others: the failure is recorded. */
    void (*refused)(void *data, const char *repository, hr_status status);
} HarborArtifacts;

/* Lists them; a repository that has gone meanwhile is left out.  What was
 * listed is kept for who lists it next. */
hr_status
harbor_artifacts(const HarborAsk *ask, const HarborArtifacts *wanted);

void
harbor_artifacts_forget(hr_registry *registry);

hr_status
harbor_list_repositories(hr_registry *registry, hr_call *call,
                         hr_names *names);

hr_status
harbor_list_artifacts(hr_registry *registry, hr_call *call,
                      const char *repository, hr_artifact_sink *sink);

/* ------------------------------------------------------------ resolve.c */

hr_status
harbor_resolve(hr_registry *registry, hr_call *call,
               hr_manifest_query *const *queries, size_t count);

hr_status
harbor_list_tags(hr_registry *registry, hr_call *call, const char *repository,
                 hr_names *names);

/* ------------------------------------------------------------ foresee.c */

hr_status
harbor_foresee(hr_registry *registry, hr_call *call,
               hr_content_write *const *writes, size_t count);

/* ---------------------------------------------------------- referrers.c */

/* Rows as of harbor_artifacts, with what the list told of accessories. */
void
harbor_told_remember(hr_registry *registry, const char *repository,
                     const json_t *rows);

/* NULL: all of it. */
void
harbor_told_forget(hr_registry *registry, const char *repository);

hr_status
harbor_list_referrers(hr_registry *registry, hr_call *call,
                      hr_referrers_query *const *queries, size_t count);

hr_status
harbor_list_parts(hr_registry *registry, hr_call *call, const char *repository,
                  const char *digest, hr_part_sink *sink);

hr_status
harbor_put_manifest(hr_registry *registry, hr_call *call,
                    hr_manifest_put *put);

#endif
