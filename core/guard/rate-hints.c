/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rate hints: a field is read into parts, whole or not at all; then the parts
 * are sorted into quotas by what they have in common: a policy's name, or the
 * length of its window.
 */
#include "guard/rate-hints.h"

#include <math.h>
#include <strings.h>

#include "guard/structured-field.h"

#define SCARCE 0.1        /* less than that share left: pace */
#define TIME_FROM 1e9     /* resets from here on are points in time, ... */
#define TIME_MS_FROM 1e11 /* ... and from here on in milliseconds */
#define LONGEST_S (366 * 86400.0)

/* Which fields belong together. */
typedef enum Family {
    FAMILY_NAMED,      /* RateLimit and RateLimit-Policy with names */
    FAMILY_DICTIONARY, /* RateLimit: limit=... */
    FAMILY_WINDOWS,    /* RateLimit-Policy: 100;w=60 */
    FAMILY_FIELDS,     /* RateLimit-Limit and so on */
    FAMILY_X_FIELDS
} Family;

typedef enum Role {
    ROLE_CURRENT,
    ROLE_POLICY,
    ROLE_LIMIT,
    ROLE_REMAINING,
    ROLE_RESET
} Role;

/* A field that is being taken. */
typedef struct Field {
    Family family; /* of its bare numbers */
    Role role;
    int64_t wall_s;
    unsigned count;
    HrFieldPart parts[HR_FIELD_PARTS];
} Field;

/* What one part says; what it does not is negative. */
typedef struct Numbers {
    double q;
    double w;
    double r;
    double t;
} Numbers;

void
hr_rate_hints_init(HrRateHints *hints)
{
    *hints = (HrRateHints){
        .limit = -1, .remaining = -1, .reset_s = -1, .window_s = -1};
}

/* FNV-1a: a server that makes two of its names collide fools itself. */
static uint64_t
key_of(Family family, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash << 3 | family;
}

/* A number without a window is its family's plain one. */
static uint64_t
key_of_window(Family family, double window_s)
{
    return window_s < 0 ? key_of(family, "", 0)
                        : key_of(family, &window_s, sizeof window_s);
}

static Family
family_of(uint64_t key)
{
    return (Family)(key & 7);
}

static HrRateQuota *
find_quota(HrRateHints *hints, uint64_t key)
{
    for (unsigned i = 0; i < hints->count; i++)
        if (hints->quotas[i].key == key)
            return &hints->quotas[i];
    return NULL;
}

/* NULL if there are too many. */
static HrRateQuota *
claim_quota(HrRateHints *hints, uint64_t key)
{
    HrRateQuota *quota = find_quota(hints, key);

    if (quota != NULL || hints->count == HR_RATE_HINTS_POLICIES)
        return quota;
    quota = &hints->quotas[hints->count++];
    *quota = (HrRateQuota){.key = key,
                           .limit = -1,
                           .remaining = -1,
                           .reset_s = -1,
                           .window_s = -1};
    return quota;
}

/* Seconds from now on; negative if that cannot be told. */
static double
until_reset(double reset, int64_t wall_s)
{
    if (reset < TIME_FROM)
        return reset;
    if (wall_s <= 0)
        return -1;
    if (reset >= TIME_MS_FROM)
        reset /= 1000;
    return fmax(reset - (double)wall_s, 0);
}

static bool
read_numbers(const HrFieldPart *part, Numbers *numbers)
{
    *numbers = (Numbers){.q = -1, .w = -1, .r = -1, .t = -1};
    return hr_field_number(part, "q", &numbers->q) &&
           hr_field_number(part, "w", &numbers->w) &&
           hr_field_number(part, "r", &numbers->r) &&
           hr_field_number(part, "t", &numbers->t);
}

static bool
has_pair(const Field *field, const char *name)
{
    for (unsigned i = 0; i < field->count; i++)
        if (hr_field_text_is(field->parts[i].name, name))
            return true;
    return false;
}

/* A part that is wrong in itself, or missing, spoils its field. */
static bool
is_sound(const Field *field)
{
    bool current = field->role == ROLE_CURRENT;
    Numbers numbers;

    for (unsigned i = 0; i < field->count; i++) {
        if (!read_numbers(&field->parts[i], &numbers))
            return false;
        if (field->parts[i].kind == HR_FIELD_NAME &&
            (current ? numbers.r : numbers.q) < 0)
            return false;
    }
    switch (field->parts[0].kind) {
    case HR_FIELD_NAME:
        return current || field->role == ROLE_POLICY;
    case HR_FIELD_PAIR:
        return current && has_pair(field, "limit") &&
               has_pair(field, "remaining");
    default:
        return !current;
    }
}

static void
take_name(HrRateHints *hints, const Field *field, const HrFieldPart *part)
{
    uint64_t key = key_of(FAMILY_NAMED, part->name.at, part->name.length);
    HrRateQuota *quota = claim_quota(hints, key);
    const HrFieldValue *unit = hr_field_parameter(part, "qu");
    Numbers numbers;

    if (quota == NULL || !read_numbers(part, &numbers))
        return;
    if (field->role == ROLE_POLICY) {
        quota->limit = numbers.q;
        quota->window_s = numbers.w;
        quota->other = unit != NULL && unit->text.at != NULL &&
                       !hr_field_text_is(unit->text, "requests");
    } else {
        quota->remaining = numbers.r;
        quota->reset_s = until_reset(numbers.t, field->wall_s);
    }
}

static void
take_pair(HrRateHints *hints, const Field *field, const HrFieldPart *part)
{
    HrRateQuota *quota =
        claim_quota(hints, key_of_window(FAMILY_DICTIONARY, -1));

    if (quota == NULL)
        return;
    if (hr_field_text_is(part->name, "limit"))
        quota->limit = part->number;
    else if (hr_field_text_is(part->name, "remaining"))
        quota->remaining = part->number;
    else if (hr_field_text_is(part->name, "reset"))
        quota->reset_s = until_reset(part->number, field->wall_s);
}

static void
take_number(HrRateHints *hints, const Field *field, const HrFieldPart *part)
{
    HrRateQuota *quota;
    Numbers numbers;

    if (!read_numbers(part, &numbers))
        return;
    quota = claim_quota(hints, key_of_window(field->family, numbers.w));
    if (quota == NULL)
        return;
    quota->window_s = numbers.w;
    if (field->role == ROLE_REMAINING)
        quota->remaining = part->number;
    else if (field->role == ROLE_RESET)
        quota->reset_s = until_reset(part->number, field->wall_s);
    else
        quota->limit = part->number;
}

static void
take_parts(HrRateHints *hints, const Field *field)
{
    for (unsigned i = 0; i < field->count; i++) {
        const HrFieldPart *part = &field->parts[i];

        if (part->kind == HR_FIELD_NAME)
            take_name(hints, field, part);
        else if (part->kind == HR_FIELD_PAIR)
            take_pair(hints, field, part);
        else
            take_number(hints, field, part);
    }
}

/* What a quota was not told itself but others of its family were: one limit
 * for a bare "remaining", one reset for all windows, the window of a limit. */
static HrRateQuota
complete(const HrRateHints *hints, const HrRateQuota *quota)
{
    Family family = family_of(quota->key);
    HrRateQuota whole = *quota;

    for (unsigned i = 0; i < hints->count && family != FAMILY_NAMED; i++) {
        const HrRateQuota *near = &hints->quotas[i];

        if (family_of(near->key) == family) {
            if (whole.limit < 0)
                whole.limit = near->limit;
            if (whole.reset_s < 0)
                whole.reset_s = near->reset_s;
        }
    }
    if (family == FAMILY_NAMED || whole.limit < 0)
        return whole;
    for (unsigned i = 0; i < hints->count && whole.window_s < 0; i++)
        if (family_of(hints->quotas[i].key) != FAMILY_NAMED &&
            hints->quotas[i].limit == whole.limit)
            whole.window_s = hints->quotas[i].window_s;
    return whole;
}

/* 2 if nothing is known, for then anything else is tighter. */
static double
share_left(const HrRateQuota *quota)
{
    if (quota->other || quota->remaining < 0)
        return 2;
    if (quota->remaining == 0)
        return 0;
    return quota->limit > 0 ? fmin(quota->remaining / quota->limit, 1) : 1;
}

static void
choose_tightest(HrRateHints *hints)
{
    double smallest = 3;

    hints->limit = -1;
    hints->remaining = -1;
    hints->reset_s = -1;
    hints->window_s = -1;
    for (unsigned i = 0; i < hints->count; i++) {
        HrRateQuota quota = complete(hints, &hints->quotas[i]);
        double share = share_left(&quota);

        if (quota.other || share > smallest ||
            (share == smallest && quota.reset_s <= hints->reset_s))
            continue;
        smallest = share;
        hints->limit = quota.limit;
        hints->remaining = quota.remaining;
        hints->reset_s = quota.reset_s;
        hints->window_s = quota.window_s;
    }
}

static void
take_field(HrRateHints *hints, Family family, Role role, const char *value,
           int64_t wall_s)
{
    Field field = {.family = family, .role = role, .wall_s = wall_s};

    field.count = hr_field_read(value, field.parts);
    if (field.count == 0 || !is_sound(&field))
        return;
    take_parts(hints, &field);
    choose_tightest(hints);
}

void
hr_rate_hints_take(HrRateHints *hints, const char *name, const char *value,
                   int64_t wall_s)
{
    static const struct {
        const char *name;
        Family family;
        Role role;
    } fields[] = {
        {"RateLimit", FAMILY_WINDOWS, ROLE_CURRENT},
        {"RateLimit-Policy", FAMILY_WINDOWS, ROLE_POLICY},
        {"RateLimit-Limit", FAMILY_FIELDS, ROLE_LIMIT},
        {"RateLimit-Remaining", FAMILY_FIELDS, ROLE_REMAINING},
        {"RateLimit-Reset", FAMILY_FIELDS, ROLE_RESET},
        {"X-RateLimit-Limit", FAMILY_X_FIELDS, ROLE_LIMIT},
        {"X-RateLimit-Remaining", FAMILY_X_FIELDS, ROLE_REMAINING},
        {"X-RateLimit-Reset", FAMILY_X_FIELDS, ROLE_RESET},
    };

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcasecmp(name, fields[i].name) == 0) {
            take_field(hints, fields[i].family, fields[i].role, value, wall_s);
            return;
        }
    }
}

bool
hr_rate_hints_pace(const HrRateHints *hints, int64_t now_us, double *per_s,
                   int64_t *until_us)
{
    double left_s = hints->reset_s >= 0 ? hints->reset_s : hints->window_s;

    if (hints->remaining < 0 || !(left_s > 0))
        return false;
    if (hints->remaining > 0 && !(hints->remaining < SCARCE * hints->limit))
        return false;
    left_s = fmin(left_s, LONGEST_S);
    *per_s = fmax(hints->remaining, 1) / left_s;
    *until_us = now_us + (int64_t)ceil(left_s * 1e6);
    return true;
}
