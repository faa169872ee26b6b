/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind: what sorts of documents there are, in which order they are written,
 * and what one of them needs to be there before.
 *
 * The standard kinds are a table; a plugin may know others, which get an
 * entry of the cautious sort.  Keys are made of "/": the project first, where
 * a kind belongs to one.
 */
#ifndef HR_MODEL_KIND_H
#define HR_MODEL_KIND_H

#include <glib.h>
#include <stdbool.h>

/* What the keys of a kind begin with. */
typedef enum HrKindScope {
    HR_SCOPE_SYSTEM,     /* the registry itself                            */
    HR_SCOPE_PROJECT,    /* the key is a project                           */
    HR_SCOPE_IN_PROJECT, /* "PROJECT/..."; one without a project belongs to
                            the registry: "/NAME", "NAME"                  */
    HR_SCOPE_CONTENT     /* "REPOSITORY", "REPOSITORY@DIGEST"               */
} HrKindScope;

/* The order of writing: one rank after the other. */
typedef enum HrRank {
    HR_RANK_CONFIGURATION,
    HR_RANK_CVE_ALLOWLIST,
    HR_RANK_USER,
    HR_RANK_USERGROUP,
    HR_RANK_REGISTRY,
    HR_RANK_SCANNER,
    HR_RANK_PREHEAT_INSTANCE,
    HR_RANK_GLOBAL_LABEL,
    HR_RANK_PROJECT,
    HR_RANK_QUOTA,
    HR_RANK_MEMBER,
    HR_RANK_PROJECT_LABEL,
    HR_RANK_ROBOT,
    HR_RANK_WEBHOOK,
    HR_RANK_OTHER,         /* kinds that are not standard */
    HR_RANK_CONTENT,       /* tags, and what refers to them */
    HR_RANK_QUOTA_LOWERED, /* so that content is not refused for it */
    HR_RANK_REPOSITORY,
    HR_RANK_ARTIFACT_LABEL,
    HR_RANK_RETENTION,
    HR_RANK_IMMUTABLE,
    HR_RANK_PREHEAT_POLICY,
    HR_RANK_REPLICATION,
    HR_RANK_SCHEDULE,
    HR_RANK_COUNT
} HrRank;

typedef struct HrKind {
    const char *name; /* for ever */
    HrKindScope scope;
    HrRank rank; /* of most of its documents */
    bool opt_in; /* only if the configuration names it */
} HrKind;

/* The standard kinds, in the order of their ranks; NULL behind the last. */
const HrKind *
hr_kind_standard(unsigned index);

/* A kind by its name; one that is not standard gets an entry. */
HrKind
hr_kind_of(const char *name);

/* A name of a kind that is there for ever; NULL for NULL.  From any thread. */
const char *
hr_kind_intern(const char *name);

bool
hr_kind_is_standard(const char *name);

/* Lower-case letters, digits and "-", beginning with a letter, of at most 64
 * characters. */
bool
hr_kind_name_valid(const char *name);

/* True for kinds of content, whose items are no documents. */
bool
hr_kind_is_content(const char *name);

/* The project that a key belongs to, or NULL; caller frees. */
char *
hr_kind_project(const HrKind *kind, const char *key);

/* The repository that a key of HR_SCOPE_CONTENT belongs to; caller frees. */
char *
hr_kind_repository(const char *key);

/* When a document is written: `found` (may be NULL) is what is there. */
HrRank
hr_kind_rank(const HrKind *kind, const char *key, const char *wanted,
             const char *found);

/* What a document needs: "kind:key" (char *), in no order and perhaps not
 * there at all; the caller's. */
GPtrArray *
hr_kind_dependencies(const HrKind *kind, const char *key, const char *text);

#endif
