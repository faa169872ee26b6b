/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers: finds those that libconfig would silently read as others.
 *
 * It keeps 32 bits of a number without a final L: 5000000000 becomes
 * 705032704, and 4294967304 becomes 8, which no check of a range notices.
 */
#ifndef HR_CONFIG_NUMBERS_H
#define HR_CONFIG_NUMBERS_H

#include "config/mistakes.h"

/* Adds a mistake for every such number in the text of a file. */
void
hr_numbers_check(const char *text, const char *file, HrMistakes *mistakes);

#endif
