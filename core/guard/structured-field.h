/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structured field: a header's value in the grammar of RFC 9651, as far as
 * the limits of servers are written in it: a list of names, of numbers, or of
 * pairs, each with parameters.
 *
 *     "default";r=50;t=30, "daily";r=900       100;w=21600       limit=100
 */
#ifndef HR_GUARD_STRUCTURED_FIELD_H
#define HR_GUARD_STRUCTURED_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#define HR_FIELD_PARTS 16
#define HR_FIELD_PARAMETERS 8 /* those after them are not kept */

typedef enum HrFieldKind {
    HR_FIELD_NAME,   /* "default" or default */
    HR_FIELD_NUMBER, /* 100 */
    HR_FIELD_PAIR    /* limit=100 */
} HrFieldKind;

/* A piece of the field's own text, not terminated. */
typedef struct HrFieldText {
    const char *at;
    size_t length;
} HrFieldText;

/* Text that is NULL, and no number: bytes, or a truth value. */
typedef struct HrFieldValue {
    bool is_number;
    double number;
    HrFieldText text; /* strings without their quotes, escapes as written */
} HrFieldValue;

typedef struct HrFieldParameter {
    HrFieldText key;
    HrFieldValue value;
} HrFieldParameter;

typedef struct HrFieldPart {
    HrFieldKind kind;
    HrFieldText name; /* of a name, or the key of a pair */
    double number;    /* of a number or a pair; never negative */
    unsigned count;
    HrFieldParameter parameters[HR_FIELD_PARAMETERS];
} HrFieldPart;

/* The number of parts, which are all of one kind.  0 if anything is wrong
 * with any of them. */
unsigned
hr_field_read(const char *value, HrFieldPart parts[HR_FIELD_PARTS]);

bool
hr_field_text_is(HrFieldText text, const char *expected);

/* False if there is such a parameter and it is no number; without it *number
 * is left alone.  Of several the last counts. */
bool
hr_field_number(const HrFieldPart *part, const char *key, double *number);

/* NULL if there is none. */
const HrFieldValue *
hr_field_parameter(const HrFieldPart *part, const char *key);

#endif
