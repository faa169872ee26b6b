/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as text. */
#ifndef HR_LIB_NUMBER_TEXT_H
#define HR_LIB_NUMBER_TEXT_H

#define HR_LIB_NUMBER_CAPACITY 32

/* The shortest text that reads back as the same number; "NaN", "+Inf" and
 * "-Inf" for what is none. */
void
hr_lib_number_text(double value, char text[HR_LIB_NUMBER_CAPACITY]);

#endif
