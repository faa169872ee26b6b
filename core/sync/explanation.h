/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Explanation: why each repository and tag is in or out.  From any thread. */
#ifndef HR_SYNC_EXPLANATION_H
#define HR_SYNC_EXPLANATION_H

#include <glib.h>
#include <stdbool.h>

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

/* `tag` NULL: about the repository itself. */
void
hr_explanation_add(HrExplanation *explanation, const char *repository,
                   const char *tag, bool in, const char *rule);

/* Adds half a sentence to what was, or will be, said of a tag. */
void
hr_explanation_note(HrExplanation *explanation, const char *repository,
                    const char *tag, const char *note);

/* Says that a tag is in after all, whatever was or will be said of it, and
 * why. */
void
hr_explanation_bring(HrExplanation *explanation, const char *repository,
                     const char *tag, const char *reason);

/* HrExplained, sorted by key; when nobody adds any more. */
const GPtrArray *
hr_explanation_list(HrExplanation *explanation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrExplanation, hr_explanation_free)

#endif
