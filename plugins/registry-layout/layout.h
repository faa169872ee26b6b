/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layout: what the files of this plugin share.
 *
 *     ops.c          the table of functions the host calls
 *       listing.c      names of repositories and tags
 *       manifests.c    resolve, get, put
 *       referrers.c    what refers to a manifest
 *         subjects.c     what manifests were found to refer to
 *       blobs.c        stat, read, write
 *       documents.c    what there is beside content: list, read
 *       document-write.c
 *         document-file.c  one of its files
 *         repository.c   index.json in memory, and its one writer at a time
 *           index.c        index.json taken apart and put together
 *             scan.c         finds the members of a JSON text
 *         store.c        files named by their digest: whole, or not there
 *           verified.c     which files have been found whole already
 *           place.c        directories, entered without following links
 *             file.c         reading, and writing that survives a crash
 *               fail.c         sentences for what can go wrong
 *
 * Each includes only this header; arrows go down.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <harbor-replicator/hr-registry.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Bounds on what is believed about a directory. */
#define LAYOUT_INDEX_LIMIT_BYTES (16u * 1024 * 1024)
#define LAYOUT_MANIFEST_LIMIT_BYTES (4u * 1024 * 1024)
#define LAYOUT_DOCUMENT_LIMIT_BYTES (1u * 1024 * 1024)
#define LAYOUT_KEY_LIMIT 1024
#define LAYOUT_KIND_LIMIT 64
#define LAYOUT_DEPTH_LIMIT 64
#define LAYOUT_PATH_CAPACITY 4096
#define LAYOUT_TEMP_CAPACITY 64

/* Repositories whose index stays in memory. */
#define LAYOUT_REPOSITORY_LIMIT 64

typedef struct Verified Verified;
typedef struct Subjects Subjects;
typedef struct Index Index;
typedef struct Repository Repository;

/* One open directory of repositories. */
struct hr_registry {
    char *root;  /* absolute path                                        */
    char *only;  /* `root` is the layout of this one repository; or NULL */
    bool create; /* make directories that are missing                    */
    Verified *verified;
    Subjects *subjects;
    atomic_bool pool_swept; /* old temporary files are gone from the pool */
    atomic_bool documents_swept;   /* ... and from .configuration */
    pthread_mutex_t document_lock; /* held while a document is replaced */

    pthread_mutex_t lock;     /* guards the rest                        */
    Repository *repositories; /* the one used last comes first          */
    unsigned repository_count;
};

/* Given by init. */
extern const hr_host *layout_host;
extern hr_module *layout_module;

/* --------------------------------------------------------------- fail.c */

/* Sets the call's error and returns `status`. */
__attribute__((format(printf, 3, 4))) hr_status
layout_fail(hr_call *call, hr_status status, const char *format, ...);

/* The same for errno value `error` at file `path`; `what` is what was tried
 * ("write"), `needed_bytes` how much room was wanted (0: not known). */
hr_status
layout_fail_errno(hr_call *call, int error, const char *what, const char *path,
                  uint64_t needed_bytes);

/* "PATH:LINE:COLUMN: WHAT" of the place `at` in the text of a file. */
hr_status
layout_fail_at(hr_call *call, const char *path, const char *text,
               const char *at, const char *what);

__attribute__((format(printf, 2, 3))) void
layout_log(uint32_t level, const char *format, ...);

bool
layout_cancelled(hr_call *call);

/* Zeroed memory.  Ends the program when there is none, as the host does. */
void *
layout_alloc(size_t size);

void *
layout_copy(const void *bytes, size_t size);

char *
layout_copy_text(const char *text);

/* Takes the call's error over into the message of one query. */
void
layout_explain(hr_call *call, char message[HR_MESSAGE_CAPACITY]);

/* --------------------------------------------------------------- file.c */

/* Opens a regular file for reading; `*stat` describes it.  -1 and errno; a
 * symbolic link is ELOOP, anything else that is no file EINVAL. */
int
layout_file_open(int directory, const char *name, struct stat *stat);

/* Reads `size` bytes from the start.  NULL and errno; EIO if it is shorter.
 * The text gets a final zero. */
char *
layout_file_read(int fd, size_t size);

/* Makes a new file with a name of its own, ".tmp-...".  -1 and errno. */
int
layout_temp_open(int directory, char name[LAYOUT_TEMP_CAPACITY]);

/* A name nobody uses, for a link. */
void
layout_temp_name(char name[LAYOUT_TEMP_CAPACITY]);

/* Writes everything; false and errno. */
bool
layout_file_write(int fd, const void *bytes, size_t size);

/* Puts `bytes` under `name` in place of what is there, or nothing happens:
 * temporary file, fsync, rename, fsync of the directory.  `*stat` (may be
 * NULL) then describes the file.  False and errno. */
bool
layout_file_replace(int directory, const char *name, const void *bytes,
                    size_t size, struct stat *stat);

/* Removes temporary files that a crash left behind more than an hour ago. */
void
layout_temp_sweep(int directory, const char *path);

/* -------------------------------------------------------------- place.c */

/* An open directory, and its path for messages. */
typedef struct Place {
    int fd;
    char path[LAYOUT_PATH_CAPACITY];
} Place;

/* Whether missing directories are made. */
typedef enum PlaceMode {
    PLACE_FIND,
    PLACE_MAKE
} PlaceMode;

/* Opens the root.  HR_NOT_FOUND if there is none. */
hr_status
layout_root_open(const hr_registry *registry, hr_call *call, PlaceMode mode,
                 Place *place);

/* Opens the directory of a repository. */
hr_status
layout_place_open(const hr_registry *registry, hr_call *call,
                  const char *repository, PlaceMode mode, Place *place);

/* Opens `name` inside `place`.  On failure *child is closed. */
hr_status
layout_place_enter(hr_call *call, const Place *place, const char *name,
                   PlaceMode mode, Place *child);

void
layout_place_close(Place *place);

/* Waits until no other process holds the lock of that directory; closing *fd
 * lets go of it.  *fd is -1 where the file system knows no locks. */
hr_status
layout_place_lock(hr_call *call, const Place *place, int *fd);

/* "PATH/name", cut off if it does not fit. */
void
layout_path_join(char path[LAYOUT_PATH_CAPACITY], const Place *place,
                 const char *name);

/* The name of the directory that holds component `name` of a repository, and
 * back: NULL if no component is stored under that name. */
const char *
layout_component_store(const char *name);

const char *
layout_component_load(const char *name);

/* ----------------------------------------------------------- verified.c */

Verified *
layout_verified_new(void);

void
layout_verified_free(Verified *verified);

/* True if the file was seen to have that digest, and is still the same. */
bool
layout_verified_knows(Verified *verified, const struct stat *stat,
                      const char *digest);

void
layout_verified_add(Verified *verified, const struct stat *stat,
                    const char *digest);

/* ----------------------------------------------------------- subjects.c */

Subjects *
layout_subjects_new(void);

void
layout_subjects_free(Subjects *subjects);

/* True if the manifest was read before: `subject` is what it refers to, ""
 * for nothing. */
bool
layout_subjects_find(Subjects *subjects, const char *digest,
                     char subject[HR_DIGEST_CAPACITY]);

void
layout_subjects_add(Subjects *subjects, const char *digest,
                    const char *subject);

/* -------------------------------------------------------------- store.c */

/* Where files of one digest algorithm are: BASE/blobs/ALGORITHM in a
 * repository, BASE/ALGORITHM in the pool. */
typedef struct Store {
    Place base; /* temporary files go here, on the same file system */
    Place files;
} Store;

#define LAYOUT_ANY_SIZE UINT64_MAX

/* Opens the store of a repository for digests like `digest`. */
hr_status
layout_store_open(const hr_registry *registry, hr_call *call,
                  const char *repository, const char *digest, PlaceMode mode,
                  Store *store);

/* The same inside a place that is open already; `place` stays the caller's. */
hr_status
layout_store_open_at(hr_call *call, const Place *place, const char *digest,
                     PlaceMode mode, Store *store);

void
layout_store_close(Store *store);

/* Opens a file only if its bytes have that digest, and that size unless it is
 * LAYOUT_ANY_SIZE.  HR_NOT_FOUND if not; when a file is in the way that is
 * something else, a warning names it.  `fd` may be NULL. */
hr_status
layout_store_find(const hr_registry *registry, hr_call *call,
                  const Store *store, const char *digest, uint64_t size,
                  struct stat *stat, int *fd);

/* Makes the temporary file `temp` of the store (synced, and known to have
 * that digest) the file of its digest, and shares it through the pool.
 * Removes `temp` in any case. */
hr_status
layout_store_publish(hr_registry *registry, hr_call *call, const Store *store,
                     const char *temp, const char *digest);

/* Writes a file of bytes that have that digest. */
hr_status
layout_store_write(hr_registry *registry, hr_call *call, const Store *store,
                   const char *digest, const void *bytes, size_t size);

/* Takes a file from the pool, or from repository `other` (may be NULL),
 * without its bytes being sent.  HR_NOT_FOUND if neither has it whole. */
hr_status
layout_store_take(hr_registry *registry, hr_call *call, const Store *store,
                  const char *digest, uint64_t size, const char *other);

/* --------------------------------------------------------------- scan.c */

/* A piece of JSON text. */
typedef struct Span {
    const char *start;
    const char *end;
} Span;

/* Where a text is wrong, and how. */
typedef struct ScanFault {
    const char *at;
    char what[160];
} ScanFault;

/* Goes through the members of an object, or the elements of an array, without
 * a tree in memory. */
typedef struct Scan {
    const char *at;
    const char *end;
    char close; /* '}' or ']' */
    bool first;
    ScanFault *fault; /* `what` is not empty after a failure */
} Scan;

/* Starts at an opening bracket `open`, after white space. */
bool
layout_scan_begin(Scan *scan, Span text, char open, ScanFault *fault);

/* Next member or element; `name` is NULL in arrays, and else the span of the
 * quoted name.  False at the end (`scan->at` is behind the closing bracket)
 * or after a fault. */
bool
layout_scan_next(Scan *scan, Span *name, Span *value);

/* True if only white space follows. */
bool
layout_scan_rest(Scan *scan);

/* True if nothing nests deeper than LAYOUT_DEPTH_LIMIT. */
bool
layout_scan_depth(Span text, ScanFault *fault);

/* True if the span is exactly the quoted text `name`. */
bool
layout_span_is(Span span, const char *name);

/* Copies the text of a string without escapes; false if it is none, or does
 * not fit. */
bool
layout_span_text(Span span, char *text, size_t capacity);

/* What the top level of a manifest says. */
typedef struct ManifestLook {
    char media_type[HR_MEDIA_TYPE_CAPACITY]; /* said or inferred */
    bool has_subject;
} ManifestLook;

void
layout_manifest_look(const char *text, size_t size, ManifestLook *look);

/* -------------------------------------------------------------- index.c */

/* A descriptor of index.json. */
typedef struct IndexEntry {
    const char *tag; /* NULL if it has none */
    const char *digest;
    const char *media_type; /* "" if it has none */
    const char *text;       /* as in the file    */
} IndexEntry;

/* Takes a file apart.  NULL and *fault. */
Index *
layout_index_parse(const char *text, size_t size, ScanFault *fault);

/* One without entries. */
Index *
layout_index_new(void);

void
layout_index_free(Index *index);

/* The entry that a reader takes for a tag, or NULL. */
const IndexEntry *
layout_index_find(const Index *index, const char *tag);

/* An entry of that digest, or NULL. */
const IndexEntry *
layout_index_find_digest(const Index *index, const char *digest);

/* All that are listed, also those without a tag; one that is no descriptor
 * has the digest "". */
size_t
layout_index_count(const Index *index);

const IndexEntry *
layout_index_entry(const Index *index, size_t position);

/* Tags, sorted, each once. */
const IndexEntry *
layout_index_tag(const Index *index, size_t position);

size_t
layout_index_tag_count(const Index *index);

/* Makes `tag` mean that manifest, or, with NULL, lists the manifest without a
 * tag.  False if it is so already. */
bool
layout_index_set(Index *index, const char *tag, const char *digest,
                 const char *media_type, uint64_t size);

/* The text of the file; everything that was not set is as it was read. */
char *
layout_index_render(const Index *index, size_t *size);

/* --------------------------------------------------------- repository.c */

/* One change of index.json; waits in a queue until somebody wrote it. */
typedef struct Change {
    const char *tag;    /* NULL: list without a tag */
    const char *digest; /* NULL: only make sure that there is an index */
    const char *media_type;
    uint64_t size;

    struct Change *next;
    bool settled;
    hr_status status;
    char message[1024];
} Change;

/* The repository in memory; pinned until unpin. */
Repository *
layout_repository_pin(hr_registry *registry, const char *name);

void
layout_repository_unpin(hr_registry *registry, Repository *repository);

/* Removes them all; none is pinned. */
void
layout_repositories_clear(hr_registry *registry);

/* Locks the repository and gives its index as it is on the disk now, to read
 * until layout_repository_unlock.  Not locked on failure.  HR_NOT_FOUND if
 * there is no index.json. */
hr_status
layout_repository_read(Repository *repository, hr_call *call,
                       const Place *place, const Index **index);

void
layout_repository_unlock(Repository *repository);

/* Brings one change to the disk, together with those of other threads. */
hr_status
layout_repository_change(Repository *repository, hr_call *call,
                         const Place *place, Change *change);

/* Clears away what a crash left, once per repository. */
void
layout_repository_sweep(Repository *repository, const Place *place);

/* ------------------------------------------------------- document-file.c */

/* "access-rule1": lower case, digits and single dashes. */
bool
layout_kind_valid(const char *kind);

/* Where the file of a document is, below .configuration: the same key always
 * leads to the same path, and another key to another one.  HR_INVALID for a
 * key that is empty or too long. */
hr_status
layout_document_path(hr_call *call, const char *kind, const char *key,
                     char path[LAYOUT_PATH_CAPACITY]);

/* True for a name that files of documents have. */
bool
layout_document_is_file(const char *name);

/* Takes a file apart: *root has a valid `document`, `key` and `kind`.  The
 * file is called `path` in messages. */
hr_status
layout_document_parse(hr_call *call, const char *path, const char *text,
                      size_t size, json_t **root);

/* Fails unless the document `root` belongs to `place` (below .configuration),
 * where it was found. */
hr_status
layout_document_expect(hr_call *call, const char *path, const char *text,
                       json_t *root, const char *place);

/* The text of a file; *text is the caller's. */
hr_status
layout_document_render(hr_call *call, const char *kind, const char *key,
                       json_t *document, char **text);

/* ----------------------------------------------------------- documents.c */

/* Opens .configuration. */
hr_status
layout_configuration_open(const hr_registry *registry, hr_call *call,
                          PlaceMode mode, Place *place);

/* Opens the directory of the document with that path below .configuration,
 * which is cut in pieces; *name is the file's in it. */
hr_status
layout_document_directory(hr_call *call, const Place *configuration,
                          char *path, PlaceMode mode, Place *place,
                          const char **name);

/* One file, taken apart. */
typedef struct DocumentFile {
    char path[LAYOUT_PATH_CAPACITY]; /* for messages */
    char *text;
    json_t *root;
} DocumentFile;

/* Reads the file `name` in `directory`; HR_NOT_FOUND if there is none.
 * `place` is its path below .configuration.  Nothing to clear on failure. */
hr_status
layout_document_load(hr_call *call, const Place *directory, const char *name,
                     const char *place, DocumentFile *file);

void
layout_document_clear(DocumentFile *file);

/* ------------------------------------------------------------ the tables */

hr_status
layout_probe(hr_registry *registry, hr_call *call);

hr_status
layout_list_repositories(hr_registry *registry, hr_call *call,
                         hr_names *names);

hr_status
layout_list_tags(hr_registry *registry, hr_call *call, const char *repository,
                 hr_names *names);

hr_status
layout_resolve(hr_registry *registry, hr_call *call,
               hr_manifest_query *const *queries, size_t count);

hr_status
layout_get_manifest(hr_registry *registry, hr_call *call,
                    const char *repository, const char *reference,
                    uint64_t limit_bytes, hr_manifest_sink *sink);

hr_status
layout_put_manifest(hr_registry *registry, hr_call *call,
                    hr_manifest_put *put);

hr_status
layout_list_referrers(hr_registry *registry, hr_call *call,
                      hr_referrers_query *const *queries, size_t count);

hr_status
layout_stat_blobs(hr_registry *registry, hr_call *call,
                  hr_blob_query *const *queries, size_t count);

hr_status
layout_open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                 hr_blob_source *source);

hr_status
layout_create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
                   const char *mount_from, hr_blob_target *target);

hr_status
layout_read_blob(hr_registry *registry, hr_call *call, hr_blob_reader *reader,
                 void *buffer, size_t capacity, size_t *size);

void
layout_close_blob(hr_registry *registry, hr_blob_reader *reader);

hr_status
layout_write_blob(hr_registry *registry, hr_call *call, hr_blob_writer *writer,
                  const void *data, size_t size);

hr_status
layout_commit_blob(hr_registry *registry, hr_call *call,
                   hr_blob_writer *writer);

void
layout_abort_blob(hr_registry *registry, hr_call *call,
                  hr_blob_writer *writer);

hr_status
layout_identify(hr_registry *registry, hr_call *call, hr_identity *identity);

hr_status
layout_knows(hr_registry *registry, hr_call *call, const char *kind,
             uint32_t access);

hr_status
layout_list_documents(hr_registry *registry, hr_call *call,
                      const hr_document_scope *scope, hr_document_sink *sink);

hr_status
layout_read_document(hr_registry *registry, hr_call *call, const char *kind,
                     const char *key, hr_document_sink *sink);

hr_status
layout_write_document(hr_registry *registry, hr_call *call,
                      const hr_document_write *write);

#endif
