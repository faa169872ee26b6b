/* SPDX-License-Identifier: MIT-0 */
/*
 * The ground rules of the plugin ABI: version, status codes, sized structs.
 *
 * Changes of the ABI, newest first:
 *   1.0  first version
 *
 * Rules that hold for every type in these headers:
 *   - A struct that crosses the boundary starts with `struct_size`, set by
 *     whoever allocates it to sizeof the struct it was compiled against.
 *     A member exists only if HR_HAS says so; versions are never compared.
 *   - Strings are UTF-8, zero-terminated and, unless a function says
 *     otherwise, borrowed: they live until the call that got them returns.
 *   - Nothing allocated on one side is freed on the other.
 *   - Times are microseconds (`_us`) or milliseconds (`_ms`), sizes bytes.
 */
#ifndef HR_ABI_H
#define HR_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A plugin is loaded only when its major equals the host's.  The major is
 * also part of the entry symbol and of the plugin directory's name. */
#define HR_ABI_MAJOR 1u

/* Counts additions that older plugins do not notice. */
#define HR_ABI_MINOR 0u

/* "hrplugin" read as a little-endian number: first word of a description. */
#define HR_PLUGIN_MAGIC UINT64_C(0x6e6967756c707268)

/* True if the sized struct that `pointer` points to is large enough to hold
 * `member` of `type`. */
#define HR_HAS(pointer, type, member)                                         \
    ((size_t)(pointer)->struct_size >=                                        \
     offsetof(type, member) + sizeof(((type *)0)->member))

/* Put before the entry function: the one symbol that a plugin exports. */
#if defined(__GNUC__)
#define HR_EXPORT __attribute__((visibility("default")))
#else
#define HR_EXPORT
#endif

/*
 * The class of an outcome.  Every function of the ABI that can fail returns
 * one; the text that goes with it is set with hr_host_call::fail.  What may
 * be done about an error (try again, wait, give up) is the host's decision
 * and follows from the class.
 */
typedef int32_t hr_status;

enum {
    HR_OK = 0,
    HR_TRANSIENT = 1,      /* the server failed; another try may succeed    */
    HR_THROTTLED = 2,      /* the server asks for fewer requests (429)      */
    HR_TIMEOUT = 3,        /* no answer, or no progress, in time            */
    HR_OVERLOAD = 4,       /* the server has too much to do (503)           */
    HR_NETWORK = 5,        /* name, connection or stream failed             */
    HR_TLS = 6,            /* no trust: certificate or handshake            */
    HR_AUTH_EXPIRED = 7,   /* credentials were good and are no longer       */
    HR_AUTH_DENIED = 8,    /* credentials refused, or not enough rights     */
    HR_NOT_FOUND = 9,      /* there is no such thing                        */
    HR_CONFLICT = 10,      /* it exists, or changed meanwhile (409)         */
    HR_PRECONDITION = 11,  /* a condition of the request is not met (412)   */
    HR_INVALID = 12,       /* malformed input, or a request never accepted  */
    HR_QUOTA = 13,         /* no room left by rule                          */
    HR_IMMUTABLE = 14,     /* may not be changed by rule                    */
    HR_INTEGRITY = 15,     /* bytes do not match their digest or size       */
    HR_UNSUPPORTED = 16,   /* this server or plugin cannot do that          */
    HR_LOCAL_REJECT = 17,  /* refused here, nothing was sent                */
    HR_LOCAL_RESOURCE = 18, /* disk, memory or descriptors are short here   */
    HR_CANCELLED = 19,     /* the caller gave up                            */
    HR_BUG = 20,           /* a contract of these headers was broken        */
    HR_UNKNOWN = 21,       /* none of the above                             */
    HR_CONFIG = 22         /* the configuration is wrong                    */
};

/*
 * What may be done about an error.  It follows from the class; a plugin that
 * knows better says so with hr_http_answer before, or with
 * hr_host_call::hint after.
 */
typedef int32_t hr_eligibility;

enum {
    HR_RETRY_NEVER = 0,         /* it would fail again                      */
    HR_RETRY_ALWAYS = 1,        /* it never reached the server's logic      */
    HR_RETRY_IF_IDEMPOTENT = 2, /* it may have been carried out             */
    HR_RETRY_AFTER = 3,         /* not carried out, the server wants time   */
    HR_RETRY_REAUTH = 4,        /* once, with new credentials               */
    HR_RETRY_REFETCH = 5,       /* look again, decide anew                  */
    HR_RETRY_PARK = 6           /* not now: later, by the scheduler         */
};

/* Severity of a log message or event. */
enum {
    HR_LOG_ERROR = 0,
    HR_LOG_WARNING = 1,
    HR_LOG_INFO = 2,
    HR_LOG_DEBUG = 3,
    HR_LOG_TRACE = 4
};

/* Longest digest, `sha512:` and 128 hex digits, with its final zero. */
#define HR_DIGEST_CAPACITY 136u

/* Longest media type (RFC 6838: 127 "/" 127), with its final zero. */
#define HR_MEDIA_TYPE_CAPACITY 256u

/* Room for the sentence that goes with the status of one query. */
#define HR_MESSAGE_CAPACITY 256u

#ifdef __cplusplus
}
#endif

#endif
