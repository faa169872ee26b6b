/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Document write: a file is replaced, unless somebody else was faster.
 *
 * The new file is written beside the kinds and synced; then, with the lock
 * held, the one that is there is looked at once more and replaced.  So the
 * lock is held for a moment only, and of two processes one learns that it came
 * second.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"

/* A document on its way to the disk. */
typedef struct Writing {
    hr_registry *registry;
    hr_call *call;
    const hr_document_write *write;
    json_t *wanted;
    char path[LAYOUT_PATH_CAPACITY]; /* below .configuration */
    char *text;
    Place configuration;
    Place directory;
    const char *name;
    char temp[LAYOUT_TEMP_CAPACITY];
} Writing;

/* Takes the text of a document apart; NULL and the call's error. */
static json_t *
parse_text(hr_call *call, const hr_document_write *write, const char *text)
{
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(document))
        return document;
    json_decref(document);
    layout_fail(call, HR_INVALID, "%s %s: the document is no JSON object",
                write->kind, write->key);
    return NULL;
}

/* True if `found` (NULL: anything) is what the file holds. */
static bool
is_as_found(hr_call *call, const hr_document_write *write, json_t *there)
{
    json_t *found = write->found != NULL
                        ? parse_text(call, write, write->found)
                        : json_incref(there);
    bool same = found != NULL && json_equal(found, there) != 0;

    json_decref(found);
    return same;
}

/* Whether the file may be replaced; `*done` if it says so already. */
static hr_status
look_again(Writing *writing, bool *done)
{
    const hr_document_write *write = writing->write;
    hr_call *call = writing->call;
    json_t *there;
    DocumentFile loaded;
    hr_status status = layout_document_load(
        call, &writing->directory, writing->name, writing->path, &loaded);

    *done = false;
    if (status == HR_NOT_FOUND && write->action == HR_WRITE_CREATE) {
        layout_host->call->forgive(layout_module, call);
        return HR_OK;
    }
    if (status != HR_OK)
        return status;
    there = json_object_get(loaded.root, "document");
    *done = json_equal(there, writing->wanted) != 0;
    if (!*done && write->action == HR_WRITE_CREATE)
        status =
            layout_fail(call, HR_CONFLICT, "%s is there already", loaded.path);
    else if (!*done && !is_as_found(call, write, there))
        status = layout_fail(call, HR_CONFLICT,
                             "%s was changed by somebody else meanwhile",
                             loaded.path);
    layout_document_clear(&loaded);
    return status;
}

/* Puts the file that was written in its place. */
static hr_status
publish(Writing *writing)
{
    hr_registry *registry = writing->registry;
    hr_status status;
    bool done = false;
    int lock = -1;

    pthread_mutex_lock(&registry->document_lock);
    status = layout_place_lock(writing->call, &writing->configuration, &lock);
    if (status == HR_OK)
        status = look_again(writing, &done);
    if (status == HR_OK && !done &&
        renameat(writing->configuration.fd, writing->temp,
                 writing->directory.fd, writing->name) != 0)
        status = layout_fail_errno(writing->call, errno, "write",
                                   writing->directory.path, 0);
    if (lock >= 0)
        close(lock);
    pthread_mutex_unlock(&registry->document_lock);
    if (status != HR_OK || done) {
        unlinkat(writing->configuration.fd, writing->temp, 0);
        return status;
    }
    if (fsync(writing->directory.fd) != 0)
        return layout_fail_errno(writing->call, errno, "write",
                                 writing->directory.path, 0);
    return HR_OK;
}

/* Writes the text beside the kinds, whole and synced. */
static hr_status
write_temp(Writing *writing)
{
    size_t size = strlen(writing->text);
    int fd = layout_temp_open(writing->configuration.fd, writing->temp);
    int error;

    if (fd >= 0 && layout_file_write(fd, writing->text, size) &&
        fsync(fd) == 0) {
        close(fd);
        return HR_OK;
    }
    error = errno;
    if (fd >= 0) {
        unlinkat(writing->configuration.fd, writing->temp, 0);
        close(fd);
    }
    return layout_fail_errno(writing->call, error, "write to",
                             writing->configuration.path, size);
}

static hr_status
write_file(Writing *writing)
{
    char parts[LAYOUT_PATH_CAPACITY];
    hr_status status;

    if (!atomic_exchange(&writing->registry->documents_swept, true))
        layout_temp_sweep(writing->configuration.fd,
                          writing->configuration.path);
    memcpy(parts, writing->path, sizeof parts);
    status = layout_document_directory(writing->call, &writing->configuration,
                                       parts, PLACE_MAKE, &writing->directory,
                                       &writing->name);
    if (status != HR_OK)
        return status;
    status = write_temp(writing);
    if (status == HR_OK)
        status = publish(writing);
    layout_place_close(&writing->directory);
    return status;
}

/* Secrets have no place in a file that is read, compared and kept in git. */
hr_status
layout_write_document(hr_registry *registry, hr_call *call,
                      const hr_document_write *write)
{
    Writing writing = {.registry = registry, .call = call, .write = write};
    hr_status status =
        layout_document_path(call, write->kind, write->key, writing.path);

    if (status != HR_OK)
        return status;
    writing.wanted = parse_text(call, write, write->text);
    if (writing.wanted == NULL)
        return HR_INVALID;
    status = layout_document_render(call, write->kind, write->key,
                                    writing.wanted, &writing.text);
    if (status == HR_OK)
        status = layout_configuration_open(registry, call, PLACE_MAKE,
                                           &writing.configuration);
    if (status == HR_OK) {
        status = write_file(&writing);
        layout_place_close(&writing.configuration);
    }
    free(writing.text);
    json_decref(writing.wanted);
    return status;
}
