/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of names in JSON, as registries answer them. */
#ifndef HR_LIB_JSON_NAMES_H
#define HR_LIB_JSON_NAMES_H

#include <stddef.h>

/* Deepest nesting of an answer that is looked at. */
#define HR_LIB_JSON_DEPTH 64

/* Called for each name; anything but 0 ends the reading and is returned. */
typedef int (*hr_lib_name_func)(void *data, const char *name);

/* Reads the array `member` of the object in `text`; null and a missing member
 * are an empty list.  0 when all were read, what `func` returned if that was
 * not 0, or -1 with a sentence in `problem` (`capacity` bytes) if the text is
 * no such object. */
int
hr_lib_json_names(const char *text, size_t size, const char *member,
                  hr_lib_name_func func, void *data, char *problem,
                  size_t capacity);

/* 1 if brackets of a JSON text nest no deeper than HR_LIB_JSON_DEPTH. */
int
hr_lib_json_shallow(const char *text, size_t size);

#endif
