/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Selection: which repositories a sync wants, and the tags of one of them on
 * their way through the rules, of which the first that says no decides:
 *
 *     names  ->  allow  ->  deny  ->  semver  ->  sort  ->  latest
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
    HR_TAG_RULE_LATEST
} HrTagRule;

typedef struct HrCandidate {
    char *tag;
    HrTagRule out;
    bool is_version;
    HrVersion version;
    guint rank; /* from 1, among those that latest looked at; or 0 */
} HrCandidate;

typedef struct HrSelection {
    const HrSelect *select; /* NULL: everything is wanted */
    HrCandidate *candidates;
    guint count;
} HrSelection;

/* Asks all rules about these tags (char *, copied), sorted as a registry's
 * list is.  `select` is borrowed. */
HrSelection *
hr_selection_new(const HrSelect *select, const GPtrArray *tags);

void
hr_selection_free(HrSelection *selection);

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

#endif
