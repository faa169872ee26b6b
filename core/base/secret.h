/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A secret text.  There is no way to print one; it is wiped when the last
 * reference goes, and left out of core dumps as far as the system allows.
 */
#ifndef HR_BASE_SECRET_H
#define HR_BASE_SECRET_H

#include <glib.h>

typedef struct HrSecret HrSecret;

/* Copies `text`; the caller wipes its own. */
HrSecret *
hr_secret_new(const char *text);

HrSecret *
hr_secret_ref(HrSecret *secret);

void
hr_secret_unref(HrSecret *secret);

/* The text, borrowed: for handing to a transport, never to a formatter. */
const char *
hr_secret_reveal(const HrSecret *secret);

/* Overwrites `size` bytes in a way the compiler keeps. */
void
hr_secret_wipe(void *data, size_t size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrSecret, hr_secret_unref)

#endif
