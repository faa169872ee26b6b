/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names: the list that a plugin fills, from the inside of core/plug. */
#ifndef HR_PLUG_NAMES_H
#define HR_PLUG_NAMES_H

#include <glib.h>
#include <harbor-replicator/hr-host.h>
#include <stdbool.h>

/* Names taken of one listing; no registry is as large. */
#define HR_NAMES_LIMIT 10000000u

struct hr_names {
    bool (*valid)(const char *name);
    const char *what;  /* "repository name", for the sentence */
    GHashTable *known; /* of the names in `list` */
    GPtrArray *list;   /* char *, owned */
};

#endif
