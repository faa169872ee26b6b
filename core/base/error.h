/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors: one GError domain whose codes are hr_status, so that an error
 * crosses the plugin boundary by a cast.
 *
 * A message reads from the outside in ("sync prod-to-dr: library/nginx:1.27:
 * HTTP 503 after 4 attempts"): callers add their place with g_prefix_error.
 */
#ifndef HR_BASE_ERROR_H
#define HR_BASE_ERROR_H

#include <glib.h>
#include <harbor-replicator/hr-abi.h>
#include <stdint.h>

#define HR_ERROR hr_error_quark()

GQuark
hr_error_quark(void);

/* What may be done about an error: HR_RETRY_NEVER and so on. */
typedef hr_eligibility HrEligibility;

#define HR_ELIGIBILITY_COUNT (HR_RETRY_PARK + 1)

/* What an error carries beside its class and its text.  All zero for one that
 * nobody described. */
typedef struct HrErrorDetails {
    HrEligibility eligibility;
    gboolean classified; /* `eligibility` was set                       */
    unsigned attempts;   /* made, the last one included                 */
    int64_t retry_at_us; /* monotonic: not sensible before; 0: unknown  */
    char *endpoint;      /* name in the configuration, or NULL          */
    char *operation;     /* "PUT https://host/v2/...", or NULL          */
    char *correlation;   /* of the call, or NULL                        */
} HrErrorDetails;

/* The details of an error of our domain, to be read and, by who made it,
 * filled in (texts with g_strdup); they live and are copied with the error.
 * NULL for other errors. */
HrErrorDetails *
hr_error_details(const GError *error);

/* Gives `to` what `from` carries, unless it has details already. */
void
hr_error_inherit_details(GError *to, const GError *from);

/* "never", "always", "if-idempotent", ... */
const char *
hr_eligibility_name(HrEligibility eligibility);

/* Sets *error (if `error` is not NULL) and returns false, so that a function
 * can end with `return hr_error_set(error, HR_INVALID, "...", ...)`. */
gboolean
hr_error_set(GError **error, hr_status status, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* The class of an error: its code if it is of our domain, HR_UNKNOWN if not,
 * HR_OK for NULL. */
hr_status
hr_error_status(const GError *error);

/* Stable lower-case word for a status, as in logs and JSON: "auth-denied". */
const char *
hr_status_name(hr_status status);

/* The status for an errno value: ENOSPC, EMFILE, ENOMEM are LOCAL_RESOURCE,
 * EACCES, EPERM and EROFS are AUTH_DENIED, ENOENT is NOT_FOUND, ... */
hr_status
hr_status_from_errno(int number);

#endif
