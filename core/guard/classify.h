/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Classify: what a signal of a failure stands for: its category (what
 * happened) and its eligibility (what may be done about it).
 *
 * From codes only, never from the text of a message.  What libcurl says is
 * classified in net/failure.c, the only place that knows its codes.  Rules of
 * the configuration come first, then what a plugin says of its request.
 */
#ifndef HR_GUARD_CLASSIFY_H
#define HR_GUARD_CLASSIFY_H

#include "guard/outcome.h"

typedef struct HrClassification {
    hr_status status;
    HrEligibility eligibility;
} HrClassification;

/* A rule of the configuration, or of a plugin for one request: an answer of
 * these codes is this. */
typedef struct HrErrorRule {
    unsigned status;  /* 0: any                                        */
    const char *code; /* registry error code, any case; NULL: any      */
    hr_status category;
    HrEligibility eligibility;
} HrErrorRule;

typedef struct HrErrorRules {
    const HrErrorRule *items;
    unsigned count;
} HrErrorRules;

/* An HTTP answer.  `code` is the first error code of its body ("DENIED"), or
 * NULL; `asks_to_wait` says that it carries a Retry-After, `challenged` that
 * it carries a Bearer challenge.  `rules` go before `hints`; both may be NULL.
 * Status codes below 400 are HR_OK, what is none at all is HR_UNKNOWN. */
HrClassification
hr_classify_http(unsigned status, const char *code, bool asks_to_wait,
                 bool challenged, const HrErrorRules *rules,
                 const HrErrorRules *hints);

/* An errno value. */
HrClassification
hr_classify_errno(int number);

/* A result code of SQLite, extended or not. */
HrClassification
hr_classify_sqlite(int code);

/* What may be done about a category when nothing more is known of it, as when
 * a plugin reports it. */
HrEligibility
hr_classify_category(hr_status status);

/* The category or eligibility of that name, -1 if there is none. */
int
hr_category_from_name(const char *name);

int
hr_eligibility_from_name(const char *name);

#endif
