/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Range header that says how much of an upload a registry has. */
#ifndef HR_LIB_UPLOAD_RANGE_H
#define HR_LIB_UPLOAD_RANGE_H

#include <stdint.h>

/* Bytes that are there according to "0-499" (or, as some write, "bytes=0-499"
 * or "bytes 0-499"): 500.  0 for NULL, for what cannot be read, and for "0-0",
 * which registries say of an upload that has nothing. */
uint64_t
hr_lib_upload_range(const char *text);

#endif
