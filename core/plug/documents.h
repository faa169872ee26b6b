/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Documents of a registry, seen from core: what hr-registry.h has for them,
 * with everything that comes back checked.  All functions may be called from
 * any worker; those that fail set an error with the endpoint's name in front.
 */
#ifndef HR_PLUG_DOCUMENTS_H
#define HR_PLUG_DOCUMENTS_H

#include "model/document.h"
#include "plug/registry.h"

/* True if the registry can hold documents at all. */
bool
hr_registry_has_documents(const HrRegistry *registry);

/* True if hr_registry_identify asks the registry: then it answers what
 * hr_registry_probe would, too. */
bool
hr_registry_has_identity(const HrRegistry *registry);

/* True if the registry can tell whether secrets are right, and set them. */
bool
hr_registry_has_secrets(const HrRegistry *registry);

/* Fills in who we are there, and what it is. */
bool
hr_registry_identify(HrRegistry *registry, HrCall *call, hr_identity *identity,
                     GError **error);

/* Whether documents of a kind can be had, for HR_ACCESS_*; no request.
 * HR_UNSUPPORTED or HR_AUTH_DENIED, and why, if not. */
bool
hr_registry_knows(HrRegistry *registry, HrCall *call, const char *kind,
                  uint32_t access, GError **error);

/* What could not be seen of a kind. */
typedef struct HrDocumentGap {
    char *scope; /* project or repository */
    GError *error;
} HrDocumentGap;

/* What a registry lists of a kind. */
typedef struct HrDocumentList {
    GPtrArray *documents; /* HrDocument, sorted by key, each key once */
    GPtrArray *gaps;      /* HrDocumentGap */
} HrDocumentList;

void
hr_document_list_free(HrDocumentList *list);

/* The document of that key; or NULL. */
const HrDocument *
hr_document_list_find(const HrDocumentList *list, const char *key);

/* What a key lies in that could not be seen; or NULL. */
const HrDocumentGap *
hr_document_list_gap(const HrDocumentList *list, const char *key);

/* All documents of a kind.  `projects`, `repositories` as in
 * hr_document_scope. */
HrDocumentList *
hr_registry_list_documents(HrRegistry *registry, HrCall *call,
                           const char *kind, const char *const *projects,
                           const char *const *repositories, GError **error);

/* One document as it is now; NULL and HR_NOT_FOUND if there is none. */
HrDocument *
hr_registry_read_document(HrRegistry *registry, HrCall *call, const char *kind,
                          const char *key, GError **error);

/* What a registry cannot hold of a document. */
typedef struct HrLack {
    char *pointer;
    char *reason;
} HrLack;

/* What would become of a document there. */
typedef struct HrFit {
    const char *kind; /* asked; borrowed, as the others */
    const char *key;
    const char *text;
    const char *found;       /* or NULL */
    const HrSecret *secrets; /* that would be given with it; or NULL */

    char *held;       /* as it would hold it, canonical; NULL: not at all */
    GPtrArray *lacks; /* HrLack; or NULL */
    GError *error;    /* why it is not held; HR_UNSUPPORTED: it cannot be */
} HrFit;

void
hr_fit_clear(HrFit *fit);

/* Asks about `count` documents. */
bool
hr_registry_fit_documents(HrRegistry *registry, HrCall *call, HrFit *fits,
                          size_t count, GError **error);

/* Writes one: creates it if `found` is NULL. */
bool
hr_registry_write_document(HrRegistry *registry, HrCall *call,
                           const char *kind, const char *key, const char *text,
                           const char *found, const HrSecret *secrets,
                           GError **error);

/* Whether the secrets are those that the registry has.  HR_AUTH_DENIED: they
 * are not; HR_UNSUPPORTED: nobody can tell. */
bool
hr_registry_check_secret(HrRegistry *registry, HrCall *call, const char *kind,
                         const char *key, const HrSecret *secrets,
                         GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrDocumentList, hr_document_list_free)

#endif
