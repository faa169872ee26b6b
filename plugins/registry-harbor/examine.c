/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Examining: what this Harbor is, and which documents the login may have; then
 * what any registry of the protocol is asked. */
#include <stdio.h>
#include <stdlib.h>

#include "kinds.h"

static void
tell(const hr_examination *examination, const char *name, int state,
     const char *detail)
{
    const hr_ability ability = {
        .struct_size = sizeof ability,
        .state = state,
        .name = name,
        .detail = detail,
    };

    examination->sink->take(examination->sink, &ability);
}

/* Names of the kinds that may not be read and written, "" for none; the
 * caller's. */
static char *
find_missing(hr_registry *registry, hr_call *call)
{
    char *names = harbor_text("%s", "");

    for (const HarborKind *const *kind = harbor_kinds; *kind != NULL; kind++) {
        char *before = names;

        if (harbor_knows(registry, call, (*kind)->name,
                         HR_ACCESS_READ | HR_ACCESS_WRITE) == HR_OK)
            continue;
        dist_host->call->forgive(dist_module, call);
        names = harbor_text("%s%s%s", before, *before != '\0' ? ", " : "",
                            (*kind)->name);
        free(before);
    }
    return names;
}

hr_status
harbor_examine(hr_registry *registry, hr_call *call,
               const hr_examination *examination)
{
    hr_identity identity = {.struct_size = sizeof identity};
    hr_status status = harbor_identify(registry, call, &identity);
    HARBOR_AUTOFREE char *missing = NULL;
    HARBOR_AUTOFREE char *detail = NULL;
    bool writable = (identity.flags & HR_IDENTITY_READ_ONLY) == 0;

    if (status != HR_OK)
        return status;
    missing = find_missing(registry, call);
    detail = harbor_text("%s, by %s%s%s", identity.product, identity.principal,
                         *missing != '\0' ? "; but not: " : "", missing);
    tell(examination, "documents",
         *missing == '\0' ? HR_ABILITY_YES : HR_ABILITY_NO, detail);
    tell(examination, "writable", writable ? HR_ABILITY_YES : HR_ABILITY_NO,
         writable ? "" : "it is in read-only mode");
    return dist_examine(registry, call, examination);
}
