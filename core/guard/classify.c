/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classify: category and eligibility of what went wrong. */
#include "guard/classify.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#define CLASS(category, eligible)                                             \
    ((HrClassification){HR_##category, HR_RETRY_##eligible})

/* Answers that say more by the code in their body than by their status: codes
 * of the distribution specification, and Harbor's own. */
static const struct {
    const char *code;
    unsigned status; /* 0: with any */
    HrClassification is;
} body_codes[] = {
    {"TOOMANYREQUESTS", 0, {HR_THROTTLED, HR_RETRY_AFTER}},
    {"UNSUPPORTED", 0, {HR_UNSUPPORTED, HR_RETRY_NEVER}},
    {"DIGEST_INVALID", 0, {HR_INTEGRITY, HR_RETRY_IF_IDEMPOTENT}},
    {"SIZE_INVALID", 0, {HR_INTEGRITY, HR_RETRY_IF_IDEMPOTENT}},
    {"NAME_INVALID", 0, {HR_INVALID, HR_RETRY_NEVER}},
    {"MANIFEST_INVALID", 0, {HR_INVALID, HR_RETRY_NEVER}},
    {"MANIFEST_BLOB_UNKNOWN", 0, {HR_PRECONDITION, HR_RETRY_REFETCH}},
    {"BLOB_UPLOAD_UNKNOWN", 0, {HR_NOT_FOUND, HR_RETRY_REFETCH}},
    {"BLOB_UPLOAD_INVALID", 0, {HR_CONFLICT, HR_RETRY_REFETCH}},
    {"QUOTA_EXCEEDED", 0, {HR_QUOTA, HR_RETRY_PARK}},
    {"DENIED", 412, {HR_IMMUTABLE, HR_RETRY_NEVER}},
};

static const HrErrorRule *
find_rule(const HrErrorRules *rules, unsigned status, const char *code)
{
    for (unsigned i = 0; rules != NULL && i < rules->count; i++) {
        const HrErrorRule *rule = &rules->items[i];

        if ((rule->status == 0 || rule->status == status) &&
            (rule->code == NULL ||
             (code != NULL && g_ascii_strcasecmp(rule->code, code) == 0)))
            return rule;
    }
    return NULL;
}

static HrClassification
classify_4xx(unsigned status, bool challenged)
{
    switch (status) {
    case 401:
        return challenged ? CLASS(AUTH_EXPIRED, REAUTH)
                          : CLASS(AUTH_DENIED, NEVER);
    case 403:
        /* A token that was not for this. */
        return challenged ? CLASS(AUTH_EXPIRED, REAUTH)
                          : CLASS(AUTH_DENIED, NEVER);
    case 407:
        return CLASS(AUTH_DENIED, NEVER);
    case 404:
    case 410:
        return CLASS(NOT_FOUND, NEVER);
    case 405:
    case 406:
    case 415:
        return CLASS(UNSUPPORTED, NEVER);
    case 408:
        return CLASS(TIMEOUT, IF_IDEMPOTENT);
    case 409:
        return CLASS(CONFLICT, REFETCH);
    case 412:
        return CLASS(PRECONDITION, NEVER);
    case 416:
        /* An upload that is elsewhere than we think: ask where. */
        return CLASS(CONFLICT, REFETCH);
    case 423:
        /* Locked: WebDAV's word, used by registries under maintenance. */
        return CLASS(CONFLICT, PARK);
    case 425:
        return CLASS(TRANSIENT, IF_IDEMPOTENT);
    case 429:
        return CLASS(THROTTLED, AFTER);
    default:
        return CLASS(INVALID, NEVER);
    }
}

static HrClassification
classify_5xx(unsigned status, bool asks_to_wait)
{
    switch (status) {
    case 501:
    case 505:
    case 506:
    case 510:
        return CLASS(UNSUPPORTED, NEVER);
    case 503:
        return asks_to_wait ? CLASS(OVERLOAD, AFTER)
                            : CLASS(OVERLOAD, IF_IDEMPOTENT);
    case 504:
        return CLASS(TIMEOUT, IF_IDEMPOTENT);
    case 507:
        return CLASS(QUOTA, PARK);
    case 508:
        return CLASS(INVALID, NEVER);
    case 511:
        /* A captive portal, not the registry. */
        return CLASS(NETWORK, PARK);
    default:
        return CLASS(TRANSIENT, IF_IDEMPOTENT);
    }
}

HrClassification
hr_classify_http(unsigned status, const char *code, bool asks_to_wait,
                 bool challenged, const HrErrorRules *rules,
                 const HrErrorRules *hints)
{
    const HrErrorRule *rule;

    if (status < 100 || status >= 600)
        return CLASS(UNKNOWN, IF_IDEMPOTENT);
    if (status < 400)
        return CLASS(OK, NEVER);
    rule = find_rule(rules, status, code);
    if (rule == NULL)
        rule = find_rule(hints, status, code);
    if (rule != NULL)
        return (HrClassification){rule->category, rule->eligibility};
    for (unsigned i = 0; code != NULL && i < G_N_ELEMENTS(body_codes); i++)
        if ((body_codes[i].status == 0 || body_codes[i].status == status) &&
            g_ascii_strcasecmp(body_codes[i].code, code) == 0)
            return body_codes[i].is;
    return status < 500 ? classify_4xx(status, challenged)
                        : classify_5xx(status, asks_to_wait);
}

HrClassification
hr_classify_errno(int number)
{
    HrClassification class = {hr_status_from_errno(number), HR_RETRY_NEVER};

    switch (number) {
    case 0:
        return class;
    case EINTR:
    case EAGAIN:
    case EBUSY:
        return CLASS(TRANSIENT, IF_IDEMPOTENT);
    case ENETDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ECONNREFUSED:
    case EADDRNOTAVAIL:
    case EHOSTDOWN:
        return CLASS(NETWORK, ALWAYS);
    default:
        class.eligibility = hr_classify_category(class.status);
        return class;
    }
}

/* Result codes of SQLite: stable numbers of its file format's library.  The
 * low byte is the primary code. */
enum {
    SQLITE_OK_CODE = 0,
    SQLITE_PERM_CODE = 3,
    SQLITE_BUSY_CODE = 5,
    SQLITE_LOCKED_CODE = 6,
    SQLITE_NOMEM_CODE = 7,
    SQLITE_READONLY_CODE = 8,
    SQLITE_INTERRUPT_CODE = 9,
    SQLITE_IOERR_CODE = 10,
    SQLITE_CORRUPT_CODE = 11,
    SQLITE_NOTFOUND_CODE = 12,
    SQLITE_FULL_CODE = 13,
    SQLITE_CANTOPEN_CODE = 14,
    SQLITE_PROTOCOL_CODE = 15,
    SQLITE_SCHEMA_CODE = 17,
    SQLITE_TOOBIG_CODE = 18,
    SQLITE_CONSTRAINT_CODE = 19,
    SQLITE_MISMATCH_CODE = 20,
    SQLITE_MISUSE_CODE = 21,
    SQLITE_AUTH_CODE = 23,
    SQLITE_RANGE_CODE = 25,
    SQLITE_NOTADB_CODE = 26,
    SQLITE_ROW_CODE = 100,
    SQLITE_DONE_CODE = 101
};

HrClassification
hr_classify_sqlite(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK_CODE:
    case SQLITE_ROW_CODE:
    case SQLITE_DONE_CODE:
        return CLASS(OK, NEVER);
    case SQLITE_BUSY_CODE:
        /* BUSY_SNAPSHOT: only a new transaction can see what changed. */
        return code == SQLITE_BUSY_CODE ? CLASS(LOCAL_RESOURCE, ALWAYS)
                                        : CLASS(LOCAL_RESOURCE, REFETCH);
    case SQLITE_LOCKED_CODE:
    case SQLITE_PROTOCOL_CODE:
    case SQLITE_SCHEMA_CODE:
        return CLASS(LOCAL_RESOURCE, ALWAYS);
    case SQLITE_NOMEM_CODE:
    case SQLITE_IOERR_CODE:
    case SQLITE_FULL_CODE:
        return CLASS(LOCAL_RESOURCE, PARK);
    case SQLITE_INTERRUPT_CODE:
        return CLASS(CANCELLED, NEVER);
    case SQLITE_CORRUPT_CODE:
    case SQLITE_NOTADB_CODE:
        return CLASS(INTEGRITY, NEVER);
    case SQLITE_PERM_CODE:
    case SQLITE_READONLY_CODE:
    case SQLITE_CANTOPEN_CODE:
    case SQLITE_AUTH_CODE:
        return CLASS(AUTH_DENIED, NEVER);
    case SQLITE_CONSTRAINT_CODE:
        return CLASS(CONFLICT, NEVER);
    case SQLITE_NOTFOUND_CODE:
        return CLASS(NOT_FOUND, NEVER);
    case SQLITE_TOOBIG_CODE:
    case SQLITE_MISMATCH_CODE:
        return CLASS(INVALID, NEVER);
    case SQLITE_MISUSE_CODE:
    case SQLITE_RANGE_CODE:
        return CLASS(BUG, NEVER);
    default:
        return CLASS(UNKNOWN, NEVER);
    }
}

HrEligibility
hr_classify_category(hr_status status)
{
    switch (status) {
    case HR_TRANSIENT:
    case HR_TIMEOUT:
    case HR_OVERLOAD:
    case HR_NETWORK:
    case HR_UNKNOWN:
        return HR_RETRY_IF_IDEMPOTENT;
    case HR_THROTTLED:
        return HR_RETRY_AFTER;
    case HR_AUTH_EXPIRED:
        return HR_RETRY_REAUTH;
    case HR_CONFLICT:
        return HR_RETRY_REFETCH;
    case HR_QUOTA:
    case HR_LOCAL_REJECT:
    case HR_LOCAL_RESOURCE:
        return HR_RETRY_PARK;
    case HR_INTEGRITY:
        return HR_RETRY_IF_IDEMPOTENT;
    default:
        return HR_RETRY_NEVER;
    }
}

int
hr_category_from_name(const char *name)
{
    for (hr_status status = HR_OK; status <= HR_CONFIG; status++)
        if (strcmp(hr_status_name(status), name) == 0)
            return status;
    return -1;
}

int
hr_eligibility_from_name(const char *name)
{
    for (int i = 0; i < HR_ELIGIBILITY_COUNT; i++)
        if (strcmp(hr_eligibility_name((HrEligibility)i), name) == 0)
            return i;
    return -1;
}
