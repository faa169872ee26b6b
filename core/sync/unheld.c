/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unheld: documents that a target cannot hold. */
#include "sync/unheld.h"

#include <string.h>

#include "model/kind.h"

struct HrUnheld {
    GHashTable *names; /* "kind:key" */
};

HrUnheld *
hr_unheld_new(void)
{
    HrUnheld *unheld = g_new0(HrUnheld, 1);

    unheld->names =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return unheld;
}

void
hr_unheld_free(HrUnheld *unheld)
{
    if (unheld == NULL)
        return;
    g_hash_table_unref(unheld->names);
    g_free(unheld);
}

void
hr_unheld_add(HrUnheld *unheld, const char *kind, const char *key)
{
    g_hash_table_add(unheld->names, g_strconcat(kind, ":", key, NULL));
}

char *
hr_unheld_reason(const HrUnheld *unheld, const char *kind, const char *key,
                 const char *document)
{
    HrKind known = hr_kind_of(kind);
    g_autoptr(GPtrArray) needs = NULL;

    if (g_hash_table_size(unheld->names) == 0)
        return NULL;
    needs = hr_kind_dependencies(&known, key, document);
    for (guint i = 0; i < needs->len; i++) {
        char *name = needs->pdata[i];

        if (!g_hash_table_contains(unheld->names, name))
            continue;
        *strchr(name, ':') = ' ';
        return g_strdup_printf("cannot be held: it needs %s, which cannot be "
                               "held",
                               name);
    }
    return NULL;
}
