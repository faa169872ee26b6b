/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Subjects: what manifests refer to, as far as they have been read.  A digest
 * says what a manifest is for ever, so that nothing here grows old.
 */
#include <stdlib.h>
#include <string.h>

#include "layout.h"

/* Manifests remembered, about 150 bytes each; beyond, they are read again. */
#define SUBJECT_LIMIT 65536u
#define BUCKET_COUNT 16384u

typedef struct Known {
    struct Known *next;
    const char *subject; /* "" for none */
    char digest[];
} Known;

struct Subjects {
    pthread_mutex_t lock;
    unsigned count;
    Known *buckets[BUCKET_COUNT];
};

Subjects *
layout_subjects_new(void)
{
    Subjects *subjects = layout_alloc(sizeof *subjects);

    pthread_mutex_init(&subjects->lock, NULL);
    return subjects;
}

static void
clear_locked(Subjects *subjects)
{
    for (unsigned i = 0; i < BUCKET_COUNT; i++) {
        Known *next;

        for (Known *known = subjects->buckets[i]; known != NULL;
             known = next) {
            next = known->next;
            free(known);
        }
        subjects->buckets[i] = NULL;
    }
    subjects->count = 0;
}

void
layout_subjects_free(Subjects *subjects)
{
    clear_locked(subjects);
    pthread_mutex_destroy(&subjects->lock);
    free(subjects);
}

/* The end of a digest is as good as any hash of it. */
static Known **
bucket_of(Subjects *subjects, const char *digest)
{
    size_t length = strlen(digest);
    unsigned long number =
        strtoul(length > 7 ? digest + length - 7 : digest, NULL, 16);

    return &subjects->buckets[number % BUCKET_COUNT];
}

bool
layout_subjects_find(Subjects *subjects, const char *digest,
                     char subject[HR_DIGEST_CAPACITY])
{
    const Known *known;

    pthread_mutex_lock(&subjects->lock);
    known = *bucket_of(subjects, digest);
    while (known != NULL && strcmp(known->digest, digest) != 0)
        known = known->next;
    if (known != NULL)
        strcpy(subject, known->subject);
    pthread_mutex_unlock(&subjects->lock);
    return known != NULL;
}

void
layout_subjects_add(Subjects *subjects, const char *digest,
                    const char *subject)
{
    size_t digest_size = strlen(digest) + 1;
    size_t subject_size = strlen(subject) + 1;
    Known *known = layout_alloc(sizeof *known + digest_size + subject_size);
    Known **bucket;

    memcpy(known->digest, digest, digest_size);
    known->subject =
        memcpy(known->digest + digest_size, subject, subject_size);
    pthread_mutex_lock(&subjects->lock);
    if (subjects->count++ >= SUBJECT_LIMIT)
        clear_locked(subjects);
    bucket = bucket_of(subjects, digest);
    known->next = *bucket;
    *bucket = known;
    pthread_mutex_unlock(&subjects->lock);
}
