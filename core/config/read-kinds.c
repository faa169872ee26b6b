/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading which kinds a sync is about, and what becomes of rights. */
#include <string.h>

#include "base/text.h"
#include "config/loader.h"
#include "model/item.h"
#include "model/kind.h"

#define SYNC "syncs[]"

static const char *const escalations[] = {
    [HR_ESCALATION_MARK] = "mark",
    [HR_ESCALATION_REFUSE] = "refuse",
    [HR_ESCALATION_ALLOW] = "allow",
};

const char *
hr_escalation_name(HrEscalation escalation)
{
    return escalations[escalation];
}

bool
hr_escalation_from_name(const char *name, HrEscalation *escalation)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(escalations); i++)
        if (strcmp(escalations[i], name) == 0) {
            *escalation = (HrEscalation)i;
            return true;
        }
    return false;
}

/* The name that somebody may have meant, or NULL. */
static const char *
find_near(const char *name)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    g_ptr_array_add(known, (gpointer)HR_KIND_TAG);
    for (unsigned i = 0; hr_kind_standard(i) != NULL; i++)
        g_ptr_array_add(known, (gpointer)hr_kind_standard(i)->name);
    g_ptr_array_add(known, NULL);
    return hr_text_nearest(name, (const char *const *)known->pdata);
}

/* Where repositories get other names, so do projects, and nobody knows which
 * project of the target is meant. */
static bool
needs_names(const char *name)
{
    return hr_kind_of(name).scope != HR_SCOPE_SYSTEM;
}

static void
check_kind(HrReader *reader, const config_setting_t *group, const char *name)
{
    const config_setting_t *spot = hr_reader_spot(group, "kinds");
    const char *near;

    if (strcmp(name, HR_KIND_TAG) == 0)
        return;
    if (hr_kind_is_standard(name)) {
        if (needs_names(name) && hr_reader_group(group, "rename") != NULL)
            hr_reader_mistake(reader, spot, SYNC ".kinds",
                              "'%s' belongs to projects, and does not go with "
                              "rename",
                              name);
        return;
    }
    near = find_near(name);
    if (near != NULL)
        hr_reader_mistake(reader, spot, SYNC ".kinds",
                          "there is no kind '%s'; did you mean '%s'?", name,
                          near);
    else if (!hr_kind_name_valid(name) || strcmp(name, HR_KIND_REFERRER) == 0)
        hr_reader_mistake(reader, spot, SYNC ".kinds",
                          "'%s' is no name of a kind", name);
}

void
hr_loader_read_kinds(HrLoader *loader, const config_setting_t *group,
                     HrSyncConfig *sync)
{
    HrReader *reader = &loader->reader;
    g_autofree char *word = hr_reader_text(reader, group, SYNC, "escalation");

    sync->kinds = hr_reader_texts(reader, group, SYNC, "kinds");
    for (char **kind = sync->kinds; kind != NULL && *kind != NULL; kind++)
        check_kind(reader, group, *kind);
    if (sync->kinds != NULL)
        hr_loader_drop_repeated(sync->kinds);
    if (word != NULL && !hr_escalation_from_name(word, &sync->escalation))
        hr_reader_mistake(reader, hr_reader_spot(group, "escalation"),
                          SYNC ".escalation",
                          "is mark, refuse or allow, not '%s'", word);
}
