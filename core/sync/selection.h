/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Selection: which repositories a sync wants, and the tags of one of them on
 * their way through the rules, of which the first that says no decides:
 *
 *     names  ->  allow  ->  deny  ->  semver  ->  age  ->  sort  ->  latest
 *     '----------- hr_selection_new ------'      '- hr_selection_finish -'
 *
 * Rules about age need to know when images were created: whoever makes a
 * selection finds that out in between, for the tags that are still in.  What
 * nobody knows the age of is out: a cool-down that cannot be judged lets
 * nothing through.  What the target has taken already needs none.
 */
#ifndef HR_SYNC_SELECTION_H
#define HR_SYNC_SELECTION_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "model/semver.h"
#include "sync/explanation.h"

/* True if the repository is wanted.  `select` NULL: everything is.  Tells
 * `explanation` (may be NULL) why; from any thread. */
bool
hr_selection_wants_repository(const HrSelect *select, const char *repository,
                              HrExplanation *explanation);

/* True if no rule that looks at one tag alone is against it. */
bool
hr_selection_admits_tag(const HrSelect *select, const char *tag);

/* The rule that says no; HR_TAG_RULE_NONE: the tag is in. */
typedef enum HrTagRule {
    HR_TAG_RULE_NONE,
    HR_TAG_RULE_NAME, /* names, allow and deny */
    HR_TAG_RULE_SEMVER,
    HR_TAG_RULE_COMPANION,  /* of a digest: see hr_selection_set_aside */
    HR_TAG_RULE_UNREADABLE, /* its age could not be found out */
    HR_TAG_RULE_MIN_AGE,
    HR_TAG_RULE_MAX_AGE,
    HR_TAG_RULE_LATEST
} HrTagRule;

/* What a side said about a tag when its age was looked for. */
typedef struct HrTagSeen {
    hr_status status; /* HR_OK, HR_NOT_FOUND: vanished, or an error */
    uint64_t size;
    uint64_t content_size; /* with all that belongs to it; 0: not known */
    char *digest;          /* NULL unless HR_OK */
    char *media_type;
    char *message; /* of an error; or NULL */
} HrTagSeen;

void
hr_tag_seen_free(HrTagSeen *seen);

typedef struct HrCandidate {
    char *tag;
    HrTagRule out;
    bool is_version;
    HrVersion version;
    int64_t created_us; /* see model/created.h */
    HrTagSeen *seen[2]; /* by source and target; NULL: nobody looked */
    bool taken;         /* the target has the same */
    guint rank;         /* from 1, among those that latest looked at; or 0 */
} HrCandidate;

typedef struct HrSelection {
    const HrSelect *select; /* NULL: everything is wanted */
    HrCandidate *candidates;
    guint count;
    int64_t now_us; /* wall clock, once it is finished */
} HrSelection;

/* Asks the rules before those of age about these tags (char *, copied), sorted
 * as a registry's list is.  `select` is borrowed. */
HrSelection *
hr_selection_new(const HrSelect *select, const GPtrArray *tags);

void
hr_selection_free(HrSelection *selection);

/* Where rules choose among tags, those that belong to a digest (signatures,
 * lists of referrers; model/referrer.h) are none to choose from: they are out,
 * and come with what they belong to. */
void
hr_selection_set_aside(HrSelection *selection);

/* True if `seen` and `created_us` of the candidates that are in have to be
 * found out before the end. */
bool
hr_selection_needs_ages(const HrSelection *selection);

/* True if the age of what the target has taken does not matter: then
 * `seen[1]` and `taken` spare looking into images. */
bool
hr_selection_spares_taken(const HrSelection *selection);

/* Asks the rest of the rules. */
void
hr_selection_finish(HrSelection *selection, int64_t now_us);

/* The candidate of that name, or NULL.  Only if the tags were sorted. */
const HrCandidate *
hr_selection_find(const HrSelection *selection, const char *tag);

/* Which rule decided about a candidate, and how; caller frees. */
char *
hr_selection_reason(const HrSelection *selection,
                    const HrCandidate *candidate);

/* Tells about all of them. */
void
hr_selection_explain(const HrSelection *selection, const char *repository,
                     HrExplanation *explanation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrSelection, hr_selection_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrTagSeen, hr_tag_seen_free)

#endif
