/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of a follow, shared by its files:
 *
 *     follow.c         what the walk and the batches say; rounds
 *     follow-parts.c   the structs below
 *     follow-source.c  what there is on the source
 *     follow-held.c    what a tag leads to as well
 *     follow-target.c  what the target lists
 *
 * Rounds and batches take turns: between them `found`, `fallbacks` and
 * `doubtful` are handed over.  While batches are out several threads write
 * them, under the mutex; a round is one job, and has everything to itself but
 * for the fetches that it waits for.
 */
#ifndef HR_SYNC_FOLLOW_STATE_H
#define HR_SYNC_FOLLOW_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "model/referrer.h"
#include "sync/follow.h"

/* A manifest that others refer to. */
typedef struct Subject {
    char *digest;    /* NULL if its tag does not tell: it is cut off there */
    char *label;     /* "app:1.0" */
    GPtrArray *list; /* HrReferrer: what the source lists */
    char *tag;       /* its fallback tag */
    char *source_digest; /* of that tag on the source; NULL: none there */
    char *target_digest; /* on the target, "" for none; NULL: not known */
    GPtrArray *listed;   /* HrReferrer that the target lists, or NULL */
    bool all_listed;
    GError *error; /* why neither is known */
} Subject;

/* What ties a manifest or tag to what was selected. */
typedef struct Tie {
    HrTie shown;
    Subject *subject;  /* of a referrer */
    char *reason;      /* owns that of `shown` */
    unsigned depth;    /* of referrers of referrers */
    unsigned *hanging; /* number of what hangs on one tag, shared */
    bool guessed;      /* maybe there is no such tag */
} Tie;

/* A manifest of the source that something may hang on. */
typedef struct Node {
    char *digest;
    char *label;
    bool is_index;
    bool is_list; /* index of a fallback tag: what it lists refers to others */
    bool changed; /* the target has it not, or not under this tag */
    bool asked;   /* for what refers to it */
    bool has_images; /* perhaps some of that are tagged */
    unsigned depth;
    unsigned *hanging;
} Node;

/* A fallback tag that the two sides have not alike. */
typedef struct Fallback {
    char *tag;
    char *label;
    char *source_digest;
    char *target_digest; /* "" if there is none */
    char *media_type;
    uint64_t size;
    unsigned depth;
    unsigned *hanging;
} Fallback;

/* Something that the source has: a referrer that the target has too, and
 * perhaps does not list. */
typedef struct Doubtful {
    Tie *tie; /* or NULL */
    char *reference;
    char *digest;
    char *media_type;
    uint64_t size;
} Doubtful;

/* A manifest to be read from the source: an index (`node`), or what a fallback
 * tag leads to (`fallback`). */
typedef struct Fetch {
    HrFollow *follow;
    Node *node;
    Fallback *fallback;
    GPtrArray *parts;     /* HrDescriptor, where nothing had to be read */
    HrManifest *manifest; /* otherwise */
    GError *error;
    HrParking parking;
} Fetch;

/* One that waits to be seen on both sides. */
typedef struct Sought {
    char *reference;
    Tie *tie;
    HrTagSeen *seen;
    bool may_be_tagged; /* see follow-held.c */
    bool released;      /* was held once */
} Sought;

typedef enum Stage {
    STAGE_GATHER, /* what is new */
    STAGE_ASK,    /* for the source's lists */
    STAGE_FETCH,  /* indexes, of the source */
    STAGE_READ,   /* them; more may be new */
    STAGE_JUDGE,  /* what the target lists */
    STAGE_SEND    /* batches */
} Stage;

struct HrFollow {
    const HrPass *pass;
    const HrVisitor *visitor;
    HrVisitor own;
    HrGroup *group;
    char *source_repository;
    char *target_repository;
    bool named;
    GHashTable *known;      /* tags of the target, or NULL */
    GHashTable *companions; /* companion tags that no rule took in */
    atomic_size_t pending;  /* tags out, and one for whoever may add more */

    pthread_mutex_t mutex;
    GPtrArray *found;     /* Node */
    GPtrArray *fallbacks; /* Fallback */
    GPtrArray *doubtful;  /* Doubtful */
    GHashTable *tagged;   /* digests that tags of cosign lead to */

    Stage stage;
    bool has_turn;
    char *turn; /* its name, while it is had or waited for */
    HrParking parking;
    GPtrArray *fresh;   /* Node: of this round; borrowed from `nodes` */
    GPtrArray *fetches; /* Fetch */
    atomic_size_t fetching;
    GPtrArray *sought;   /* Sought */
    GPtrArray *held;     /* Sought: for the next round */
    GHashTable *nodes;   /* digest -> Node that was looked at */
    GHashTable *items;   /* digests of referrers that were found */
    GPtrArray *subjects; /* Subject, to the end */
    GPtrArray *ties;     /* Tie, to the end */
    GPtrArray *counters; /* unsigned, to the end */
};

/* --------------------------------------------------------- follow-parts.c */

/* Its lists, all empty. */
void
hr_follow_make_lists(HrFollow *follow);

void
hr_follow_free(HrFollow *follow);

void
hr_follow_node_free(void *node);

Node *
hr_follow_node(const char *digest, const char *media_type, const char *label,
               unsigned depth, unsigned *hanging);

/* Takes `reason`. */
Tie *
hr_follow_tie(HrFollow *follow, char *reason, unsigned depth,
              unsigned *hanging);

/* Has it seen on both sides at the end of the round; takes `seen`.  What it
 * returns is the follow's. */
Sought *
hr_follow_seek(HrFollow *follow, const char *reference, Tie *tie,
               HrTagSeen *seen);

/* "app@sha256:ab12", as people read it. */
char *
hr_follow_short_label(const HrFollow *follow, const char *digest);

void
hr_follow_problem(const HrFollow *follow, const char *reference,
                  const GError *error);

/* --------------------------------------------------------------- follow.c */

/* Goes on with the round, at `stage`. */
void
hr_follow_round(void *follow);

/* Shows the visitor something of which both sides are known; `target_digest`
 * "" if it is not there. */
void
hr_follow_show(HrFollow *follow, HrCall *call, const Doubtful *shown,
               const char *target_digest);

/* True if the caller may ask a registry whose lists are unknown, or they are
 * known.  False: somebody else is asking, and the round will be resumed. */
bool
hr_follow_take_turn(HrFollow *follow, HrRegistry *registry);

void
hr_follow_give_turn(HrFollow *follow);

/* ---------------------------------------------------------- follow-held.c */

/* True if a tag may lead to it as well, by what its registry says of it. */
bool
hr_follow_may_be_tagged(const HrReferrer *referrer);

/* Remembers what a tag of cosign leads to.  Under the mutex. */
void
hr_follow_note_tag(HrFollow *follow, const hr_manifest_query *source);

/* Before batches are sent: keeps back what has to wait for tags, and forgets
 * what one is known to lead to. */
void
hr_follow_hold(HrFollow *follow);

/* When they are back: what was held is sought again. */
void
hr_follow_release(HrFollow *follow);

/* -------------------------------------------------------- follow-source.c */

/* Each goes on at the next stage, or returns false: the round will be
 * resumed. */
bool
hr_follow_ask_source(HrFollow *follow, HrCall *call);

bool
hr_follow_fetch(HrFollow *follow);

void
hr_follow_read(HrFollow *follow, HrCall *call);

/* -------------------------------------------------------- follow-target.c */

/* Shows the visitor what is doubtful no more. */
bool
hr_follow_judge(HrFollow *follow, HrCall *call);

#endif
