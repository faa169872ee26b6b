/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Selection: which repositories and tags a sync wants, and why.  The rules in
 * their order, of which the first that says no decides:
 *
 *     names  ->  allow  ->  deny  ->  semver  ->  sort  ->  latest
 */
#ifndef HR_SYNC_SELECTION_H
#define HR_SYNC_SELECTION_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"

typedef struct HrExplanation HrExplanation;

/* Why one repository or tag is in or out. */
typedef struct HrExplained {
    char *key; /* "library/nginx" or "library/nginx:1.2" */
    bool in;
    char *rule; /* "semver >=1.0" */
} HrExplained;

HrExplanation *
hr_explanation_new(void);

void
hr_explanation_free(HrExplanation *explanation);

/* HrExplained, sorted by key; when nobody adds any more. */
const GPtrArray *
hr_explanation_list(HrExplanation *explanation);

/* True if the repository is wanted.  `select` NULL: everything is.  Tells
 * `explanation` (may be NULL) why; from any thread. */
bool
hr_selection_wants_repository(const HrSelect *select, const char *repository,
                              HrExplanation *explanation);

/* Leaves the wanted ones of a repository's tags. */
void
hr_selection_keep_tags(const HrSelect *select, const char *repository,
                       GPtrArray *tags, HrExplanation *explanation);

/* True if no rule that looks at one tag alone is against it. */
bool
hr_selection_admits_tag(const HrSelect *select, const char *tag);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrExplanation, hr_explanation_free)

#endif
