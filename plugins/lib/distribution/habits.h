/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Habits: how a registry wants blobs, as configured and as it turned out.
 *
 *     SINGLE --a PUT is too large: 413--------------------> CHUNKED, from
 *       |                                                   that size on
 *       '----a broken PUT left nothing--> CHUNKED
 *     CHUNKED --PATCH is unknown, or spoils the blob------> SINGLE, for good
 *       '------a broken PATCH left nothing, too-----------> SINGLE, for good,
 *              and none ever left anything                  and never resumed
 *
 * What was learnt holds until the endpoint is closed.  Atomics: workers learn
 * at the same time, and it does not matter who is first.
 */
#ifndef HR_DIST_HABITS_H
#define HR_DIST_HABITS_H

#include <stdatomic.h>
#include <stdint.h>

/* What is known of one ability. */
enum {
    DIST_UNKNOWN = 0,
    DIST_YES = 1,
    DIST_NO = 2
};

/* The setting `upload`. */
enum {
    DIST_UPLOAD_AUTO = 0,
    DIST_UPLOAD_SINGLE = 1,
    DIST_UPLOAD_CHUNKED = 2
};

typedef struct dist_habits {
    int upload;         /* DIST_UPLOAD_*, as configured               */
    atomic_int patch;   /* takes PATCH                               */
    atomic_int resume;  /* knows how much of a broken upload it has  */
    atomic_int patches; /* takes several PATCHes for one blob        */
    atomic_uint_least64_t chunk_bytes;
    atomic_uint_least64_t single_limit; /* a PUT of so many was too much  */
    atomic_int put_is_lost; /* DIST_YES: nothing is left of a broken PUT  */
} dist_habits;

/* How one upload was tried, and how it ended. */
typedef struct dist_upload_trial {
    uint64_t size;        /* of the blob                                  */
    uint64_t chunk_bytes; /* 0: in a PUT                                  */
    uint64_t sent_bytes;  /* this time                                    */
    uint32_t http_status; /* of the last answer; 0: none                  */
    int spoilt;           /* the registry has other bytes than were sent  */
    int resumed;          /* it was gone on with before                   */
} dist_upload_trial;

/* Bytes of a PATCH for a blob of `size`, or 0 for a PUT. */
uint64_t
dist_habits_chunk(const dist_habits *habits, uint64_t size);

/* An upload broke off, or was refused.  Returns 1 if it is worth asking the
 * registry how much of it is there. */
int
dist_habits_learn_break(dist_habits *habits, const dist_upload_trial *trial);

/* After learn_break: 1 if it was refused as too large, and there is no way to
 * send smaller bodies. */
int
dist_habits_is_too_large(const dist_habits *habits,
                         const dist_upload_trial *trial);

/* It was asked: `kept` bytes of the upload are there, or, with `gone`, the
 * registry knows nothing of it any more.  Returns 1 if it can be gone on
 * with. */
int
dist_habits_learn_kept(dist_habits *habits, const dist_upload_trial *trial,
                       uint64_t kept, int gone);

#endif
