/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents: one file for each, below PATH/.configuration; found and read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"

#define CONFIGURATION_NAME ".configuration"

/* Directories below a kind; keys make fewer. */
#define DEPTH_LIMIT 20

/* --------------------------------------------------------------- identity */

static bool
is_writable(const hr_registry *registry)
{
    return access(registry->root, W_OK) == 0 || errno == ENOENT;
}

hr_status
layout_identify(hr_registry *registry, hr_call *call, hr_identity *identity)
{
    hr_status status = layout_probe(registry, call);
    hr_hash *hash;

    if (status != HR_OK)
        return status;
    /* There is one account: whoever runs this. */
    hash = layout_host->digest->start(layout_module, NULL);
    layout_host->digest->update(layout_module, hash, "layout",
                                strlen("layout"));
    layout_host->digest->finish(layout_module, hash, identity->fingerprint);
    snprintf(identity->principal, sizeof identity->principal,
             "files in %.400s", registry->root);
    identity->flags = HR_IDENTITY_ALL_RIGHTS;
    if (!is_writable(registry))
        identity->flags |= HR_IDENTITY_READ_ONLY;
    return HR_OK;
}

hr_status
layout_knows(hr_registry *registry, hr_call *call, const char *kind,
             uint32_t access)
{
    if (registry->only != NULL)
        return layout_fail(call, HR_UNSUPPORTED,
                           "%s is the layout of one repository, as "
                           "`repository` says, and holds no configuration",
                           registry->root);
    if (!layout_kind_valid(kind))
        return layout_fail(call, HR_UNSUPPORTED, "%s is no name of a kind",
                           kind);
    if ((access & HR_ACCESS_WRITE) != 0 && !is_writable(registry))
        return layout_fail_errno(call, errno, "write to", registry->root, 0);
    return HR_OK;
}

/* ----------------------------------------------------------------- places */

hr_status
layout_configuration_open(const hr_registry *registry, hr_call *call,
                          PlaceMode mode, Place *place)
{
    hr_status status = layout_root_open(registry, call, mode, place);
    Place root = *place;

    if (status != HR_OK)
        return status;
    status = layout_place_enter(call, &root, CONFIGURATION_NAME, mode, place);
    layout_place_close(&root);
    return status;
}

hr_status
layout_document_directory(hr_call *call, const Place *configuration,
                          char *path, PlaceMode mode, Place *place,
                          const char **name)
{
    Place at = *configuration;
    hr_status status = HR_OK;
    char *slash;

    while ((slash = strchr(path, '/')) != NULL) {
        *slash = '\0';
        status = layout_place_enter(call, &at, path, mode, place);
        if (at.fd != configuration->fd)
            layout_place_close(&at);
        if (status != HR_OK)
            return status;
        at = *place;
        path = slash + 1;
    }
    *name = path;
    return HR_OK;
}

/* ---------------------------------------------------------------- reading */

void
layout_document_clear(DocumentFile *file)
{
    free(file->text);
    json_decref(file->root);
}

hr_status
layout_document_load(hr_call *call, const Place *directory, const char *name,
                     const char *place, DocumentFile *file)
{
    struct stat stat;
    hr_status status;
    int fd;

    file->text = NULL;
    file->root = NULL;
    layout_path_join(file->path, directory, name);
    fd = layout_file_open(directory->fd, name, &stat);
    if (fd < 0)
        return layout_fail_errno(call, errno, "open", file->path, 0);
    if (stat.st_size > (off_t)LAYOUT_DOCUMENT_LIMIT_BYTES) {
        close(fd);
        return layout_fail(call, HR_INVALID,
                           "%s has more than the limit of 1 MiB: it is no "
                           "document",
                           file->path);
    }
    file->text = layout_file_read(fd, (size_t)stat.st_size);
    close(fd);
    if (file->text == NULL)
        return layout_fail_errno(call, errno, "read", file->path, 0);
    status = layout_document_parse(call, file->path, file->text,
                                   (size_t)stat.st_size, &file->root);
    if (status == HR_OK)
        status = layout_document_expect(call, file->path, file->text,
                                        file->root, place);
    if (status != HR_OK)
        layout_document_clear(file);
    return status;
}

/* Hands a document out; what the host does not like gets the file's name. */
static hr_status
hand_out(hr_call *call, const DocumentFile *file, hr_document_sink *sink)
{
    json_t *root = file->root;
    char *text = json_dumps(json_object_get(root, "document"), JSON_COMPACT);
    char reason[HR_MESSAGE_CAPACITY];
    hr_document document = {
        .struct_size = sizeof document,
        .kind = json_string_value(json_object_get(root, "kind")),
        .key = json_string_value(json_object_get(root, "key")),
        .text = text,
    };
    hr_status status = sink->take(sink, call, &document);

    free(text);
    if (status == HR_OK)
        return HR_OK;
    layout_explain(call, reason);
    return layout_fail(call, status, "%s: %s", file->path, reason);
}

/* A walk over the files of one kind. */
typedef struct Walk {
    hr_call *call;
    hr_document_sink *sink;
    char place[LAYOUT_PATH_CAPACITY]; /* below .configuration */
    unsigned depth;
} Walk;

static hr_status
walk(Walk *at, const Place *directory);

static hr_status
walk_directory(Walk *at, const Place *parent, const char *name)
{
    Place child;
    hr_status status;

    if (at->depth == DEPTH_LIMIT)
        return layout_fail(at->call, HR_INVALID,
                           "%s/%s: directories nest too deeply to be of "
                           "documents",
                           parent->path, name);
    status = layout_place_enter(at->call, parent, name, PLACE_FIND, &child);
    if (status != HR_OK)
        return status;
    at->depth++;
    status = walk(at, &child);
    at->depth--;
    layout_place_close(&child);
    return status;
}

static hr_status
walk_file(Walk *at, const Place *directory, const char *name)
{
    DocumentFile loaded;
    hr_status status =
        layout_document_load(at->call, directory, name, at->place, &loaded);

    if (status == HR_NOT_FOUND) {
        /* Removed since the directory was read. */
        layout_host->call->forgive(layout_module, at->call);
        return HR_OK;
    }
    if (status != HR_OK)
        return status;
    status = hand_out(at->call, &loaded, at->sink);
    layout_document_clear(&loaded);
    return status;
}

/* What is neither a directory nor called like a document is somebody's note;
 * a link might hide some, and is refused where it is opened. */
static hr_status
walk_entry(Walk *at, const Place *directory, const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t length = strlen(at->place);
    hr_status status = HR_OK;
    struct stat stat;

    if (name[0] == '.' ||
        fstatat(directory->fd, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return HR_OK;
    if (length + 1 + strlen(name) >= sizeof at->place)
        return layout_fail(at->call, HR_INVALID, "%s/%s: the path is too long",
                           directory->path, name);
    snprintf(at->place + length, sizeof at->place - length, "/%s", name);
    if (layout_document_is_file(name) && !S_ISDIR(stat.st_mode))
        status = walk_file(at, directory, name);
    else if (S_ISDIR(stat.st_mode) || S_ISLNK(stat.st_mode))
        status = walk_directory(at, directory, name);
    at->place[length] = '\0';
    return status;
}

static hr_status
walk(Walk *at, const Place *directory)
{
    int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    hr_status status = HR_OK;
    struct dirent *entry;

    if (stream == NULL) {
        status = layout_fail_errno(at->call, errno, "open directory",
                                   directory->path, 0);
        if (fd >= 0)
            close(fd);
        return status;
    }
    while (status == HR_OK) {
        errno = 0;
        entry = readdir(stream);
        if (entry == NULL && errno != 0)
            status = layout_fail_errno(at->call, errno, "read directory",
                                       directory->path, 0);
        if (entry == NULL)
            break;
        status = layout_cancelled(at->call)
                     ? layout_fail(at->call, HR_CANCELLED, "cancelled")
                     : walk_entry(at, directory, entry);
    }
    closedir(stream);
    return status;
}

/* What is not there yet holds nothing, but for a root that is not to be
 * made: that is rather a typing error. */
static hr_status
forgive_missing(const hr_registry *registry, hr_call *call, hr_status status)
{
    if (status != HR_NOT_FOUND ||
        (!registry->create && access(registry->root, F_OK) != 0))
        return status;
    layout_host->call->forgive(layout_module, call);
    return HR_OK;
}

/* All of a kind: which projects and repositories are meant is for the host to
 * select, for a directory does not know what belongs to which. */
hr_status
layout_list_documents(hr_registry *registry, hr_call *call,
                      const hr_document_scope *scope, hr_document_sink *sink)
{
    Walk at = {.call = call, .sink = sink};
    Place configuration, place;
    hr_status status =
        layout_configuration_open(registry, call, PLACE_FIND, &configuration);

    if (status != HR_OK)
        return forgive_missing(registry, call, status);
    snprintf(at.place, sizeof at.place, "%s", scope->kind);
    status = layout_place_enter(call, &configuration, scope->kind, PLACE_FIND,
                                &place);
    layout_place_close(&configuration);
    if (status != HR_OK)
        return forgive_missing(registry, call, status);
    status = walk(&at, &place);
    layout_place_close(&place);
    return status;
}

hr_status
layout_read_document(hr_registry *registry, hr_call *call, const char *kind,
                     const char *key, hr_document_sink *sink)
{
    char path[LAYOUT_PATH_CAPACITY], parts[LAYOUT_PATH_CAPACITY];
    Place configuration, place;
    const char *name;
    DocumentFile loaded;
    hr_status status = layout_document_path(call, kind, key, path);

    if (status == HR_OK)
        status = layout_configuration_open(registry, call, PLACE_FIND,
                                           &configuration);
    if (status != HR_OK)
        return status;
    memcpy(parts, path, sizeof parts);
    status = layout_document_directory(call, &configuration, parts, PLACE_FIND,
                                       &place, &name);
    layout_place_close(&configuration);
    if (status != HR_OK)
        return status;
    status = layout_document_load(call, &place, name, path, &loaded);
    layout_place_close(&place);
    if (status != HR_OK)
        return status;
    status = hand_out(call, &loaded, sink);
    layout_document_clear(&loaded);
    return status;
}
