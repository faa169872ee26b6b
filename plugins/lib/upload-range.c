/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Range header that says how much of an upload a registry has. */
#include "upload-range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t
hr_lib_upload_range(const char *text)
{
    unsigned long long last;
    char *end;

    if (text == NULL)
        return 0;
    if (strncmp(text, "bytes", 5) == 0 && (text[5] == '=' || text[5] == ' '))
        text += 6;
    if (text[0] != '0' || text[1] != '-' || text[2] < '0' || text[2] > '9')
        return 0;
    errno = 0;
    last = strtoull(text + 2, &end, 10);
    if (errno != 0 || *end != '\0' || last == 0 || last >= INT64_MAX)
        return 0;
    return last + 1;
}
