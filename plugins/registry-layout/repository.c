/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Repository: index.json in memory, and its one writer at a time.
 *
 *     put --\
 *     put ---> queue --(the first who finds nobody writing)--> takes all:
 *     put --/            flock .lock, read again if it changed, apply,
 *                        write, rename, fsync; then wakes those it wrote for
 *
 * So eight threads that push wait for one write, not for eight.  Readers see
 * a tag a moment before its index.json is on the disk; whoever put it learns
 * of it only afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"

#define INDEX_NAME "index.json"

struct Repository {
    Repository *next;
    char *name;
    unsigned pins; /* guarded by the registry's lock */

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t turn;
    Index *index;        /* NULL: not read yet, or not there */
    struct stat seen;    /* the file that `index` was read from */
    uint64_t generation; /* counts how often it was read */
    bool swept;
    bool writing;
    Change *queue;
    Change **queue_end;
};

/* ------------------------------------------------------------ the cache */

static Repository *
new_repository(const char *name)
{
    Repository *repository = layout_alloc(sizeof *repository);

    repository->name = layout_copy_text(name);
    repository->queue_end = &repository->queue;
    pthread_mutex_init(&repository->lock, NULL);
    pthread_cond_init(&repository->turn, NULL);
    return repository;
}

static void
free_repository(Repository *repository)
{
    pthread_cond_destroy(&repository->turn);
    pthread_mutex_destroy(&repository->lock);
    layout_index_free(repository->index);
    free(repository->name);
    free(repository);
}

/* Drops the unpinned one that was not used for longest; false if there is
 * none. */
static bool
evict_locked(hr_registry *registry)
{
    Repository **oldest = NULL;
    Repository *evicted;

    for (Repository **at = &registry->repositories; *at != NULL;
         at = &(*at)->next)
        if ((*at)->pins == 0)
            oldest = at;
    if (oldest == NULL)
        return false;
    evicted = *oldest;
    *oldest = evicted->next;
    registry->repository_count--;
    free_repository(evicted);
    return true;
}

Repository *
layout_repository_pin(hr_registry *registry, const char *name)
{
    Repository **at = &registry->repositories;
    Repository *repository;

    pthread_mutex_lock(&registry->lock);
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    repository = *at;
    if (repository != NULL) {
        *at = repository->next;
    } else {
        if (registry->repository_count >= LAYOUT_REPOSITORY_LIMIT)
            evict_locked(registry);
        repository = new_repository(name);
        registry->repository_count++;
    }
    repository->next = registry->repositories;
    registry->repositories = repository;
    repository->pins++;
    pthread_mutex_unlock(&registry->lock);
    return repository;
}

void
layout_repository_unpin(hr_registry *registry, Repository *repository)
{
    pthread_mutex_lock(&registry->lock);
    repository->pins--;
    pthread_mutex_unlock(&registry->lock);
}

void
layout_repositories_clear(hr_registry *registry)
{
    while (evict_locked(registry))
        continue;
}

/* ----------------------------------------------------------------- read */

static void
forget_locked(Repository *repository)
{
    layout_index_free(repository->index);
    repository->index = NULL;
    repository->generation++;
}

static bool
is_current(const Repository *repository, const struct stat *now)
{
    const struct stat *seen = &repository->seen;

    return repository->index != NULL && seen->st_dev == now->st_dev &&
           seen->st_ino == now->st_ino && seen->st_size == now->st_size &&
           seen->st_mtim.tv_sec == now->st_mtim.tv_sec &&
           seen->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}

static hr_status
load_locked(Repository *repository, hr_call *call, const char *path, int fd,
            const struct stat *stat)
{
    size_t size = (size_t)stat->st_size;
    ScanFault fault;
    hr_status status = HR_OK;
    char *text;

    forget_locked(repository);
    if (size > LAYOUT_INDEX_LIMIT_BYTES)
        return layout_fail(call, HR_INVALID,
                           "%s has %zu bytes, more than the limit of 16 MiB: "
                           "split the repository",
                           path, size);
    text = layout_file_read(fd, size);
    if (text == NULL)
        return layout_fail_errno(call, errno, "read", path, 0);
    repository->index = layout_index_parse(text, size, &fault);
    repository->seen = *stat;
    if (repository->index == NULL)
        status = layout_fail_at(call, path, text, fault.at, fault.what);
    free(text);
    return status;
}

/* Reads index.json unless the one in memory is still the one on the disk. */
static hr_status
refresh_locked(Repository *repository, hr_call *call, const Place *place)
{
    char path[LAYOUT_PATH_CAPACITY];
    struct stat stat;
    hr_status status;
    int fd;

    if (fstatat(place->fd, INDEX_NAME, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
        is_current(repository, &stat))
        return HR_OK;
    layout_path_join(path, place, INDEX_NAME);
    fd = layout_file_open(place->fd, INDEX_NAME, &stat);
    if (fd < 0) {
        int error = errno;

        forget_locked(repository);
        return layout_fail_errno(call, error, "open", path, 0);
    }
    status = load_locked(repository, call, path, fd, &stat);
    close(fd);
    return status;
}

hr_status
layout_repository_read(Repository *repository, hr_call *call,
                       const Place *place, const Index **index)
{
    hr_status status;

    pthread_mutex_lock(&repository->lock);
    status = refresh_locked(repository, call, place);
    *index = repository->index;
    if (status != HR_OK)
        pthread_mutex_unlock(&repository->lock);
    return status;
}

void
layout_repository_unlock(Repository *repository)
{
    pthread_mutex_unlock(&repository->lock);
}

void
layout_repository_sweep(Repository *repository, const Place *place)
{
    bool swept;

    pthread_mutex_lock(&repository->lock);
    swept = repository->swept;
    repository->swept = true;
    pthread_mutex_unlock(&repository->lock);
    if (!swept)
        layout_temp_sweep(place->fd, place->path);
}

/* ---------------------------------------------------------------- write */

/* Applies the batch and gives the new text; NULL in *text if the file says
 * all of it already. */
static hr_status
render_locked(Repository *repository, hr_call *call, const Place *place,
              const Change *batch, char **text, size_t *size)
{
    hr_status status = refresh_locked(repository, call, place);
    bool changed = false;

    *text = NULL;
    if (status == HR_NOT_FOUND) {
        layout_host->call->forgive(layout_module, call);
        repository->index = layout_index_new();
        changed = true;
    } else if (status != HR_OK) {
        return status;
    }
    for (; batch != NULL; batch = batch->next)
        if (batch->digest != NULL &&
            layout_index_set(repository->index, batch->tag, batch->digest,
                             batch->media_type, batch->size))
            changed = true;
    if (!changed)
        return HR_OK;
    *text = layout_index_render(repository->index, size);
    if (*size <= LAYOUT_INDEX_LIMIT_BYTES)
        return HR_OK;
    free(*text);
    *text = NULL;
    forget_locked(repository);
    return layout_fail(call, HR_QUOTA,
                       "%s/" INDEX_NAME " would be larger than the limit of "
                       "16 MiB: replicate into several repositories",
                       place->path);
}

/* Writes one batch while this process and this thread are the only ones. */
static hr_status
write_batch(Repository *repository, hr_call *call, const Place *place,
            const Change *batch)
{
    uint64_t generation;
    struct stat written;
    size_t size = 0;
    char *text;
    hr_status status;
    int error = 0;

    pthread_mutex_lock(&repository->lock);
    status = render_locked(repository, call, place, batch, &text, &size);
    generation = repository->generation;
    pthread_mutex_unlock(&repository->lock);
    if (text == NULL)
        return status;
    if (!layout_file_replace(place->fd, INDEX_NAME, text, size, &written))
        error = errno;
    free(text);
    pthread_mutex_lock(&repository->lock);
    /* A reader may have read the file meanwhile: then what is in memory is
     * not what was written here. */
    if (error != 0 || repository->generation != generation)
        forget_locked(repository);
    else
        repository->seen = written;
    pthread_mutex_unlock(&repository->lock);
    if (error == 0)
        return HR_OK;
    return layout_fail_errno(call, error, "write " INDEX_NAME " in",
                             place->path, size);
}

static Change *
take_queue_locked(Repository *repository)
{
    Change *batch = repository->queue;

    repository->queue = NULL;
    repository->queue_end = &repository->queue;
    return batch;
}

/* Tells everybody in the batch how it went.  When only the writer was
 * cancelled, the others' changes go back into the queue. */
static void
settle_locked(Repository *repository, hr_call *call, Change *batch,
              const Change *own, hr_status status)
{
    const char *reason = layout_host->call->reason(layout_module, call);
    Change *next;

    for (; batch != NULL; batch = next) {
        next = batch->next;
        if (status == HR_CANCELLED && batch != own) {
            batch->next = NULL;
            *repository->queue_end = batch;
            repository->queue_end = &batch->next;
            continue;
        }
        batch->status = status;
        snprintf(batch->message, sizeof batch->message, "%s",
                 status == HR_OK ? "" : reason);
        batch->settled = true;
    }
}

/* Writes everything queued, `own` included. */
static void
lead_locked(Repository *repository, hr_call *call, const Place *place,
            const Change *own)
{
    Change *batch = take_queue_locked(repository);
    hr_status status;
    int lock = -1;

    repository->writing = true;
    pthread_mutex_unlock(&repository->lock);
    status = layout_place_lock(call, place, &lock);
    if (status == HR_OK) {
        status = write_batch(repository, call, place, batch);
        if (lock >= 0)
            close(lock);
    }
    pthread_mutex_lock(&repository->lock);
    repository->writing = false;
    settle_locked(repository, call, batch, own, status);
    pthread_cond_broadcast(&repository->turn);
}

hr_status
layout_repository_change(Repository *repository, hr_call *call,
                         const Place *place, Change *change)
{
    change->next = NULL;
    change->settled = false;
    pthread_mutex_lock(&repository->lock);
    *repository->queue_end = change;
    repository->queue_end = &change->next;
    while (!change->settled) {
        if (repository->writing)
            pthread_cond_wait(&repository->turn, &repository->lock);
        else
            lead_locked(repository, call, place, change);
    }
    pthread_mutex_unlock(&repository->lock);
    if (change->status == HR_OK)
        return HR_OK;
    return layout_fail(call, change->status, "%s", change->message);
}
