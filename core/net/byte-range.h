/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Byte range: which bytes of a whole a server sends, or has.
 *
 *     Content-Range: bytes 100-199/200    of an answer; "*" hides the whole
 *     Range: 0-99                         of an upload: what has arrived
 *     Range: bytes=0-99                   the same, as some write it
 *
 * Both ends count.  Internal to core/net; pure.
 */
#ifndef HR_NET_BYTE_RANGE_H
#define HR_NET_BYTE_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* 0 <= first <= last < INT64_MAX, so that one more than `last`, and the number
 * of bytes, fit as well; last < total unless that is not told. */
typedef struct HrByteRange {
    int64_t first;
    int64_t last;
    int64_t total; /* -1: not told */
} HrByteRange;

/* The Content-Range of an answer.  False, and *range is left alone, if it is
 * none, is of another unit than bytes, or does not hold together. */
bool
hr_byte_range_parse(const char *text, HrByteRange *range);

/* The Range of an upload: *arrived_bytes is where to go on, one more than what
 * the server names.  "0-0" is what servers say to an upload that has no byte,
 * or one: it gives 1, and who sent nothing yet knows better.  False, and
 * *arrived_bytes is left alone, if it is no range or does not start at 0. */
bool
hr_byte_range_parse_upload(const char *text, int64_t *arrived_bytes);

#endif
