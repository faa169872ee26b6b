/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Foresight: what the target would say to a plan's writes of content. */
#include "sync/foresight.h"

#include <string.h>

#include "base/log.h"
#include "model/item.h"

typedef struct Foresight {
    const HrPass *pass;
    HrPlan *plan;
    HrGroup *group;
    GPtrArray *changes;       /* HrChange, as `writes` */
    hr_content_write *writes; /* their texts are owned */
    GHashTable *totals;       /* project -> bytes (guint64, owned) */
} Foresight;

static char *
project_of(const char *repository)
{
    return g_strndup(repository, strcspn(repository, "/"));
}

/* ------------------------------------------------------------- the question */

static void
add_bytes(Foresight *foresight, const char *repository, uint64_t bytes)
{
    g_autofree char *project = project_of(repository);
    guint64 *total = g_hash_table_lookup(foresight->totals, project);

    if (total == NULL) {
        total = g_new0(guint64, 1);
        g_hash_table_insert(foresight->totals, g_steal_pointer(&project),
                            total);
    }
    *total += bytes;
}

static void
find_writes(Foresight *foresight)
{
    for (guint i = 0; i < foresight->plan->changes->len; i++) {
        HrChange *change = foresight->plan->changes->pdata[i];

        if (hr_change_is_content(change) && hr_change_writes(change))
            g_ptr_array_add(foresight->changes, change);
    }
}

static void
fill_writes(Foresight *foresight)
{
    guint count = foresight->changes->len;

    foresight->writes = g_new0(hr_content_write, count);
    for (guint i = 0; i < count; i++) {
        const HrChange *change = foresight->changes->pdata[i];
        hr_content_write *write = &foresight->writes[i];
        char *repository = NULL;
        char *reference = NULL;

        hr_tag_key_parse(change->key, &repository, &reference, NULL);
        write->struct_size = sizeof *write;
        write->action = change->action == HR_ACTION_CREATE ? HR_WRITE_CREATE
                                                           : HR_WRITE_UPDATE;
        write->repository = repository;
        write->tag = reference;
        write->content_size = change->content_size;
        add_bytes(foresight, repository, change->content_size);
    }
    for (guint i = 0; i < count; i++) {
        hr_content_write *write = &foresight->writes[i];
        g_autofree char *project = project_of(write->repository);

        write->total_size =
            *(guint64 *)g_hash_table_lookup(foresight->totals, project);
    }
}

/* --------------------------------------------------------------- the answer */

static bool
plans(const HrPlan *plan, const char *kind, const char *key)
{
    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];

        if (hr_change_writes(change) && strcmp(change->kind, kind) == 0 &&
            strcmp(change->key, key) == 0)
            return true;
    }
    return false;
}

/* True if the plan does away with the reason before it is one. */
static bool
is_taken_care_of(const HrPlan *plan, const hr_content_write *write)
{
    g_autofree char *project = project_of(write->repository);

    switch (write->status) {
    case HR_NOT_FOUND:
        return plans(plan, "project", project);
    case HR_QUOTA:
        return plans(plan, "quota", project);
    default:
        return false;
    }
}

static void
take_verdict(const Foresight *foresight, HrChange *change,
             const hr_content_write *write)
{
    g_autofree char *before = g_steal_pointer(&change->reason);
    const char *target = hr_registry_name(foresight->pass->target);

    if (write->certain) {
        change->action = HR_ACTION_REFUSE;
        change->reason = g_strdup_printf("%s: %s", target, write->message);
    } else {
        change->reason =
            g_strdup_printf("%s; %s: %s", before, target, write->message);
    }
}

static void
take_answers(const Foresight *foresight)
{
    for (guint i = 0; i < foresight->changes->len; i++) {
        const hr_content_write *write = &foresight->writes[i];

        if (write->status != HR_OK &&
            !is_taken_care_of(foresight->plan, write))
            take_verdict(foresight, foresight->changes->pdata[i], write);
    }
}

static void
run(void *data)
{
    Foresight *foresight = data;
    const HrPass *pass = foresight->pass;
    guint count = foresight->changes->len;
    g_autofree hr_content_write **list = g_new0(hr_content_write *, count);
    g_autoptr(HrCall) call = hr_pass_call(pass);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < count; i++)
        list[i] = &foresight->writes[i];
    if (hr_registry_foresee(pass->target, call, list, count, &error))
        take_answers(foresight);
    else
        hr_log(HR_LOG_INFO,
               "%s: what would be refused could not be found out: %s",
               pass->name, error->message);
    hr_group_leave(foresight->group);
}

void
hr_foresight_add(const HrPass *pass, HrPlan *plan)
{
    g_autoptr(HrGroup) group = hr_group_new();
    g_autoptr(GPtrArray) changes = g_ptr_array_new();
    g_autoptr(GHashTable) totals =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    Foresight foresight = {pass, plan, group, changes, NULL, totals};

    if (!hr_registry_foresees(pass->target))
        return;
    find_writes(&foresight);
    if (changes->len == 0)
        return;
    fill_writes(&foresight);
    if (hr_pass_submit(pass, group, run, &foresight))
        hr_group_wait(group, 0, NULL, NULL);
    for (guint i = 0; i < changes->len; i++) {
        g_free((char *)foresight.writes[i].repository);
        g_free((char *)foresight.writes[i].tag);
    }
    g_free(foresight.writes);
}
