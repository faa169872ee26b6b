/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors: one GError domain whose codes are hr_status. */
#include "base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* GLib makes the lock around its error domains on first use, in a way that
 * thread sanitizers cannot see.  The first use is here, before any thread. */
__attribute__((constructor)) static void
use_error_domains(void)
{
    g_error_free(g_error_new_literal(hr_error_quark(), HR_UNKNOWN, ""));
}

typedef HrErrorDetails HrErrorPrivate;

static void
hr_error_private_init(HrErrorPrivate *details)
{
    memset(details, 0, sizeof *details);
}

static void
hr_error_private_copy(const HrErrorPrivate *from, HrErrorPrivate *to)
{
    *to = *from;
    to->endpoint = g_strdup(from->endpoint);
    to->operation = g_strdup(from->operation);
    to->correlation = g_strdup(from->correlation);
}

static void
hr_error_private_clear(HrErrorPrivate *details)
{
    g_free(details->endpoint);
    g_free(details->operation);
    g_free(details->correlation);
}

G_DEFINE_EXTENDED_ERROR(HrError, hr_error)

HrErrorDetails *
hr_error_details(const GError *error)
{
    return error != NULL ? hr_error_get_private(error) : NULL;
}

void
hr_error_inherit_details(GError *to, const GError *from)
{
    HrErrorDetails *mine = hr_error_details(to);
    const HrErrorDetails *theirs = hr_error_details(from);

    if (mine == NULL || theirs == NULL || mine->endpoint != NULL)
        return;
    hr_error_private_clear(mine);
    hr_error_private_copy(theirs, mine);
}

const char *
hr_eligibility_name(HrEligibility eligibility)
{
    static const char *const names[] = {
        [HR_RETRY_NEVER] = "never",
        [HR_RETRY_ALWAYS] = "always",
        [HR_RETRY_IF_IDEMPOTENT] = "if-idempotent",
        [HR_RETRY_AFTER] = "after",
        [HR_RETRY_REAUTH] = "reauth",
        [HR_RETRY_REFETCH] = "refetch",
        [HR_RETRY_PARK] = "park",
    };

    return eligibility >= 0 && eligibility < HR_ELIGIBILITY_COUNT
               ? names[eligibility]
               : names[HR_RETRY_NEVER];
}

gboolean
hr_error_set(GError **error, hr_status status, const char *format, ...)
{
    GError *made;
    va_list arguments;

    if (error == NULL)
        return false;
    /* Made before the old one goes: the arguments may point into it. */
    va_start(arguments, format);
    made = g_error_new_valist(HR_ERROR, status, format, arguments);
    va_end(arguments);
    g_clear_error(error);
    *error = made;
    return false;
}

hr_status
hr_error_status(const GError *error)
{
    if (error == NULL)
        return HR_OK;
    return error->domain == HR_ERROR ? error->code : HR_UNKNOWN;
}

const char *
hr_status_name(hr_status status)
{
    static const char *const names[] = {
        [HR_OK] = "ok",
        [HR_TRANSIENT] = "transient",
        [HR_THROTTLED] = "throttled",
        [HR_TIMEOUT] = "timeout",
        [HR_OVERLOAD] = "overload",
        [HR_NETWORK] = "network",
        [HR_TLS] = "tls",
        [HR_AUTH_EXPIRED] = "auth-expired",
        [HR_AUTH_DENIED] = "auth-denied",
        [HR_NOT_FOUND] = "not-found",
        [HR_CONFLICT] = "conflict",
        [HR_PRECONDITION] = "precondition",
        [HR_INVALID] = "invalid",
        [HR_QUOTA] = "quota",
        [HR_IMMUTABLE] = "immutable",
        [HR_INTEGRITY] = "integrity",
        [HR_UNSUPPORTED] = "unsupported",
        [HR_LOCAL_REJECT] = "local-reject",
        [HR_LOCAL_RESOURCE] = "local-resource",
        [HR_CANCELLED] = "cancelled",
        [HR_BUG] = "bug",
        [HR_UNKNOWN] = "unknown",
        [HR_CONFIG] = "config",
    };

    if (status < 0 || (gsize)status >= G_N_ELEMENTS(names))
        return names[HR_UNKNOWN];
    return names[status];
}

hr_status
hr_status_from_errno(int number)
{
    switch (number) {
    case 0:
        return HR_OK;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG:
    case EIO:
        return HR_LOCAL_RESOURCE;
    case EACCES:
    case EPERM:
    case EROFS:
        return HR_AUTH_DENIED;
    case ENOENT:
    case ENOTDIR:
        return HR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return HR_CONFLICT;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
    case EISDIR:
        return HR_INVALID;
    case ETIMEDOUT:
        return HR_TIMEOUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case ENETDOWN:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return HR_NETWORK;
    default:
        return HR_UNKNOWN;
    }
}
