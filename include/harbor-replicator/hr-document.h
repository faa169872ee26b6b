/* SPDX-License-Identifier: MIT-0 */
/*
 * Documents: what a registry holds beside content - projects, members, robot
 * accounts, labels, policies - as items of a kind, each with a key and a
 * document, the same for every registry of the world.
 *
 * A document is a JSON object in UTF-8.  It names things by their names and
 * never by a server's ids, has no member that the server manages (ids, times,
 * counters), has sets sorted, and leaves out what has its default.  So two
 * registries that mean the same give the same document.  The host brings it
 * into the one canonical spelling; the plugin decides what is in it.  What
 * each kind holds is described in doc/kinds.
 *
 * Secrets are never part of a document.  They go beside it: a flat JSON
 * object that maps the place where a secret belongs (a JSON pointer into the
 * document, as "/targets/0/auth_header", whether or not that member exists)
 * to its text.  NULL, and a place that is not in it, mean: not known here.
 * Nobody logs it or writes it to a file.
 */
#ifndef HR_DOCUMENT_H
#define HR_DOCUMENT_H

#include <harbor-replicator/hr-abi.h>
#include <harbor-replicator/hr-host.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /* Seen, and never to be written: it is the system's, the login's own
     * account, or not editable.  `reason` says which. */
    HR_DOCUMENT_PROTECTED = 1u << 0
};

/* One document.  Borrowed. */
typedef struct hr_document {
    uint32_t struct_size;
    uint32_t flags;            /* HR_DOCUMENT_*                           */
    const char *kind;          /* "robot"                                 */
    const char *key;           /* "library/ci", of at most 1024 bytes     */
    const char *text;          /* of the document                         */
    const char *secrets;       /* as above; or NULL                       */
    const char *reason;        /* of HR_DOCUMENT_PROTECTED, half a
                                  sentence; or NULL                       */
} hr_document;

/* Takes documents, in any order; copies. */
typedef struct hr_document_sink hr_document_sink;
struct hr_document_sink {
    uint32_t struct_size;
    uint32_t reserved;

    /* One document.  HR_INVALID, and the call's error set, if it is none:
     * the plugin returns that. */
    hr_status (*take)(hr_document_sink *sink, hr_call *call,
                      const hr_document *document);

    /* What is below `scope` (a project or a repository) could not be seen:
     * nothing may be concluded from its absence.  `message` is as for
     * hr_host_call::fail. */
    void (*gap)(hr_document_sink *sink, const char *scope, hr_status status,
                const char *message);
};

/* Which documents of a kind are asked for.  Lists end in NULL. */
typedef struct hr_document_scope {
    uint32_t struct_size;
    uint32_t reserved;
    const char *kind;
    const char *const *projects;     /* only what belongs to these, for kinds
                                        that belong to projects; NULL: all */
    const char *const *repositories; /* only what belongs to these, for kinds
                                        that belong to repositories or to what
                                        is in them; NULL: all              */
} hr_document_scope;

/* Takes what becomes of a document at a registry (hr_document_fit); copies. */
typedef struct hr_fit_sink hr_fit_sink;
struct hr_fit_sink {
    uint32_t struct_size;
    uint32_t reserved;

    /* The document as the registry would hold it.  At most once. */
    void (*take)(hr_fit_sink *sink, const char *text);

    /* What it cannot hold: a JSON pointer into the document that was asked
     * about, and the reason, half a sentence. */
    void (*lacks)(hr_fit_sink *sink, const char *pointer, const char *reason);
};

/* What would become of a document here, asked and answered in two blocks. */
typedef struct hr_document_fit {
    uint32_t struct_size;
    uint32_t reserved;
    const char *kind;
    const char *key;
    const char *text;          /* wanted                                  */
    const char *found;         /* the document that is there now, or NULL */
    const char *secrets;       /* that would be given with it, as of a
                                  document; or NULL                       */
    hr_fit_sink *sink;

    hr_status status;          /* HR_OK; HR_UNSUPPORTED: it cannot be here
                                  at all; or an error                     */
    uint32_t reserved_out;
    char message[HR_MESSAGE_CAPACITY]; /* why; or ""                      */
} hr_document_fit;

enum {
    HR_WRITE_CREATE = 1,       /* nothing of that key is there            */
    HR_WRITE_UPDATE = 2        /* `found` is there                        */
};

/* A document to be written. */
typedef struct hr_document_write {
    uint32_t struct_size;
    uint32_t action;           /* HR_WRITE_*                              */
    const char *kind;
    const char *key;
    const char *text;          /* wanted, as it fits                      */
    const char *found;         /* what read_document has just given; NULL
                                  for HR_WRITE_CREATE                     */
    const char *secrets;       /* to be set, too; or NULL: none           */
} hr_document_write;

/* Whether a secret is the one that a registry has, asked and answered in two
 * blocks. */
typedef struct hr_secret_check {
    uint32_t struct_size;
    uint32_t reserved;
    const char *kind;
    const char *key;
    const char *secrets;       /* as of a document                        */

    hr_status status;          /* HR_OK: it is; HR_AUTH_DENIED: it is not;
                                  HR_UNSUPPORTED: nobody can tell (as of an
                                  account that is disabled); or an error  */
    uint32_t reserved_out;
    char message[HR_MESSAGE_CAPACITY]; /* why; or ""                      */
} hr_secret_check;

enum {
    HR_IDENTITY_READ_ONLY = 1u << 0,  /* the registry takes no writes now  */
    HR_IDENTITY_ROBOT = 1u << 1,      /* the login is a robot account      */
    HR_IDENTITY_ALL_RIGHTS = 1u << 2  /* the login may do everything       */
};

#define HR_IDENTITY_CAPACITY 512u

/* Who we are to a registry, and what it is; filled in by the plugin. */
typedef struct hr_identity {
    uint32_t struct_size;
    uint32_t flags;            /* HR_IDENTITY_*                           */
    char principal[HR_IDENTITY_CAPACITY]; /* "user admin, administrator"  */
    char product[HR_IDENTITY_CAPACITY];   /* "Harbor 2.9.0"; or ""        */
    char fingerprint[HR_DIGEST_CAPACITY]; /* another one if another account
                                  asks, or one with other rights          */
    int64_t clock_ahead_ms;    /* of the registry's clock; 0: not known   */
} hr_identity;

/* For what a kind is wanted. */
enum {
    HR_ACCESS_READ = 1,
    HR_ACCESS_WRITE = 2
};

/* An artifact that a list told of.  Borrowed. */
typedef struct hr_artifact {
    uint32_t struct_size;
    uint32_t reserved;
    const char *tag;
    const char *digest;
    const char *media_type;    /* of its manifest; "": not known          */
    uint64_t size;             /* of its manifest, bytes; 0: not known    */
    uint64_t content_size;     /* with all that belongs to it, bytes; 0:
                                  not known                               */
} hr_artifact;

/* Takes artifacts, one for each tag, in any order; copies. */
typedef struct hr_artifact_sink hr_artifact_sink;
struct hr_artifact_sink {
    uint32_t struct_size;
    uint32_t reserved;
    hr_status (*take)(hr_artifact_sink *sink, hr_call *call,
                      const hr_artifact *artifact);
};

/* One manifest that an index lists.  Borrowed. */
typedef struct hr_part {
    uint32_t struct_size;
    uint32_t reserved;
    const char *digest;
    const char *media_type;
} hr_part;

/* Takes them; copies. */
typedef struct hr_part_sink hr_part_sink;
struct hr_part_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void (*take)(hr_part_sink *sink, const hr_part *part);
};

/* What a write of content would meet, asked and answered in two blocks. */
typedef struct hr_content_write {
    uint32_t struct_size;
    uint32_t action;           /* HR_WRITE_*                              */
    const char *repository;
    const char *tag;
    uint64_t content_size;     /* bytes that it takes at most; 0: not
                                  known                                   */
    uint64_t total_size;       /* of all writes that are asked about, in its
                                  project; bytes                          */

    hr_status status;          /* HR_OK: nothing is known against it; or the
                                  class of the refusal: HR_QUOTA,
                                  HR_IMMUTABLE, HR_AUTH_DENIED,
                                  HR_NOT_FOUND (of its project)           */
    int32_t certain;           /* 1: it would be refused; 0: it might     */
    char message[HR_MESSAGE_CAPACITY]; /* why; or ""                      */
} hr_content_write;

#ifdef __cplusplus
}
#endif

#endif
