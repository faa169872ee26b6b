/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshot: what both sides hold, side by side. */
#include "sync/snapshot.h"

#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "sync/selection.h"
#include "sync/snapshot-state.h"

#define FITS_AT_ONCE 64

typedef struct Walk {
    const HrPass *pass;
    const HrDocumentVisitor *visitor;
    HrGroup *group;
    char **projects[2];        /* of each side, that are wanted; NULL: all */
    char *const *repositories; /* likewise, of both */
} Walk;

/* What is asked of one side. */
typedef struct Side {
    struct KindJob *job;
    HrRegistry *registry;
    const char *const *projects;
    HrParking parking;
    HrDocumentList *list;
    GError *error; /* why there is none, then */
} Side;

typedef struct KindJob {
    const Walk *walk;
    HrKind kind;
    Side sides[2];
    atomic_uint missing; /* lists that are not there yet */
    void (*done)(struct KindJob *job, HrCall *call); /* frees it */
    void *data;                                      /* of `done` */
} KindJob;

static void
free_job(KindJob *job)
{
    for (unsigned i = 0; i < 2; i++) {
        hr_document_list_free(job->sides[i].list);
        g_clear_error(&job->sides[i].error);
    }
    g_free(job);
}

static void
run_side(void *data)
{
    Side *side = data;
    KindJob *job = side->job;
    const HrPass *pass = job->walk->pass;
    HrGroup *group = job->walk->group;
    g_autoptr(HrCall) call = hr_pass_call(pass);
    g_autoptr(GError) error = NULL;

    side->list = hr_registry_list_documents(
        side->registry, call, job->kind.name, side->projects,
        (const char *const *)job->walk->repositories, &error);
    if (side->list == NULL &&
        hr_pass_park(pass, &side->parking, call, hr_error_status(error),
                     run_side, side))
        return;
    side->error = g_steal_pointer(&error);
    if (atomic_fetch_sub(&job->missing, 1) == 1)
        job->done(job, call);
    hr_group_leave(group);
}

/* Both lists of one kind; `done` gets the job, on a worker. */
static void
submit_kind(const Walk *walk, const HrKind *kind,
            void (*done)(KindJob *job, HrCall *call), void *data)
{
    const HrPass *pass = walk->pass;
    KindJob *job = g_new0(KindJob, 1);

    job->walk = walk;
    job->kind = *kind;
    job->done = done;
    job->data = data;
    atomic_init(&job->missing, 2);
    job->sides[0].registry = pass->source;
    job->sides[1].registry = pass->target;
    for (unsigned i = 0; i < 2; i++) {
        job->sides[i].job = job;
        job->sides[i].projects = (const char *const *)walk->projects[i];
    }
    for (unsigned i = 0; i < 2; i++)
        if (!hr_pass_submit(pass, walk->group, run_side, &job->sides[i]) &&
            atomic_fetch_sub(&job->missing, 1) == 1)
            free_job(job);
}

static bool
is_wanted(const HrPass *pass, const HrKind *kind, const char *key)
{
    const HrSelect *select = pass->select;
    g_autofree char *project = hr_kind_project(kind, key);
    g_autofree char *repository = NULL;

    if (select == NULL)
        return true;
    if (project != NULL && !hr_filter_judge(&select->projects, project, NULL))
        return false;
    if (kind->scope != HR_SCOPE_CONTENT)
        return true;
    repository = hr_kind_repository(key);
    return hr_selection_wants_repository(select, repository, NULL);
}

/* The same of a project or a repository; "" is everything. */
static bool
is_scope_wanted(const HrPass *pass, const HrKind *kind, const char *scope)
{
    if (pass->select == NULL || *scope == '\0')
        return true;
    if (strchr(scope, '/') != NULL)
        return is_wanted(pass, kind, scope);
    return hr_filter_judge(&pass->select->projects, scope, NULL);
}

/* The fit of a document of the source to be asked for; false if it does not
 * count. */
static bool
begin_fit(const KindJob *job, const HrDocument *source, HrFit *fit)
{
    const HrDocumentList *target = job->sides[1].list;
    const HrDocument *found = hr_document_list_find(target, source->key);

    if (!is_wanted(job->walk->pass, &job->kind, source->key) ||
        (found == NULL && hr_document_list_gap(target, source->key) != NULL))
        return false;
    *fit = (HrFit){
        .kind = job->kind.name,
        .key = source->key,
        .text = source->text,
        .found = found != NULL ? found->text : NULL,
        .secrets = source->secrets,
    };
    return true;
}

static void
visit_source(const KindJob *job, HrCall *call, const HrFit *fit)
{
    const HrDocumentVisitor *visitor = job->walk->visitor;
    HrDocumentPair pair = {
        .kind = &job->kind,
        .key = fit->key,
        .source = hr_document_list_find(job->sides[0].list, fit->key),
        .target = hr_document_list_find(job->sides[1].list, fit->key),
        .fit = fit,
    };

    visitor->visit(visitor->data, call, &pair);
}

/* Asks what would become of some, and shows them. */
static bool
visit_part(const KindJob *job, HrCall *call, HrFit *fits, size_t count,
           GError **error)
{
    bool asked = hr_registry_fit_documents(job->walk->pass->target, call, fits,
                                           count, error);

    for (size_t i = 0; i < count; i++) {
        if (asked)
            visit_source(job, call, &fits[i]);
        hr_fit_clear(&fits[i]);
    }
    return asked;
}

/* In parts, so that not all texts are there twice. */
static bool
visit_sources(const KindJob *job, HrCall *call, GError **error)
{
    const GPtrArray *documents = job->sides[0].list->documents;
    HrFit fits[FITS_AT_ONCE];
    size_t count = 0;

    for (guint i = 0; i < documents->len; i++) {
        count += begin_fit(job, documents->pdata[i], &fits[count]);
        if (count < FITS_AT_ONCE)
            continue;
        if (!visit_part(job, call, fits, count, error))
            return false;
        count = 0;
    }
    return count == 0 || visit_part(job, call, fits, count, error);
}

/* What only the target has. */
static void
visit_extras(const KindJob *job, HrCall *call)
{
    const HrDocumentVisitor *visitor = job->walk->visitor;
    const HrDocumentList *source = job->sides[0].list;
    const GPtrArray *documents = job->sides[1].list->documents;

    for (guint i = 0; i < documents->len; i++) {
        const HrDocument *target = documents->pdata[i];
        HrDocumentPair pair = {
            .kind = &job->kind,
            .key = target->key,
            .target = target,
        };

        if (is_wanted(job->walk->pass, &job->kind, target->key) &&
            hr_document_list_find(source, target->key) == NULL &&
            hr_document_list_gap(source, target->key) == NULL)
            visitor->visit(visitor->data, call, &pair);
    }
}

static void
report_gaps(const KindJob *job, const HrDocumentList *list)
{
    const HrDocumentVisitor *visitor = job->walk->visitor;

    for (guint i = 0; i < list->gaps->len; i++) {
        const HrDocumentGap *gap = list->gaps->pdata[i];

        if (is_scope_wanted(job->walk->pass, &job->kind, gap->scope))
            visitor->problem(visitor->data, job->kind.name, gap->scope,
                             gap->error);
    }
}

static void
compare_kind(KindJob *job, HrCall *call)
{
    const HrDocumentVisitor *visitor = job->walk->visitor;
    const HrDocumentList *source = job->sides[0].list;
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < 2; i++)
        if (job->sides[i].error != NULL)
            visitor->problem(visitor->data, job->kind.name, "",
                             job->sides[i].error);
    if (source == NULL || job->sides[1].list == NULL)
        return;
    report_gaps(job, source);
    report_gaps(job, job->sides[1].list);
    if (visit_sources(job, call, &error))
        visit_extras(job, call);
    else
        visitor->problem(visitor->data, job->kind.name, "", error);
}

static void
end_kind(KindJob *job, HrCall *call)
{
    if (!hr_cancel_triggered(job->walk->pass->cancel))
        compare_kind(job, call);
    free_job(job);
}

/* The wanted projects of each side. */
typedef struct Projects {
    char **names[2];
    GError *error;
} Projects;

/* Which rule decided about a project; what is in it goes with it. */
static void
explain(const HrPass *pass, const char *project)
{
    g_autofree char *name = g_strconcat("project ", project, NULL);
    g_autofree char *rule = NULL;
    bool in = hr_filter_judge(&pass->select->projects, project, &rule);

    hr_explanation_add(pass->explanation, name, NULL, in, rule);
}

/* The names in a list, with those of projects that could not be looked at: they
 * are there, and what is in them is.  NULL: all, for nobody knows. */
static char **
name_projects(const KindJob *job, const HrDocumentList *list)
{
    const HrPass *pass = job->walk->pass;
    GPtrArray *names = g_ptr_array_new();

    for (guint i = 0; i < list->documents->len; i++) {
        const HrDocument *document = list->documents->pdata[i];

        if (pass->explanation != NULL && list == job->sides[0].list)
            explain(pass, document->key);
        if (is_wanted(pass, &job->kind, document->key))
            g_ptr_array_add(names, g_strdup(document->key));
    }
    for (guint i = 0; i < list->gaps->len; i++) {
        const char *scope = ((HrDocumentGap *)list->gaps->pdata[i])->scope;

        if (*scope == '\0') {
            g_ptr_array_set_free_func(names, g_free);
            g_ptr_array_unref(names);
            return NULL;
        }
        if (is_scope_wanted(pass, &job->kind, scope) &&
            hr_document_list_find(list, scope) == NULL)
            g_ptr_array_add(names, g_strdup(scope));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static void
take_projects(KindJob *job, HrCall *call)
{
    Projects *projects = job->data;

    (void)call;
    for (unsigned i = 0; i < 2; i++) {
        const HrDocumentList *list = job->sides[i].list;

        if (list != NULL)
            projects->names[i] = name_projects(job, list);
        else if (projects->error == NULL)
            projects->error = g_steal_pointer(&job->sides[i].error);
    }
    free_job(job);
}

/* Patterns are turned into names, so that nobody is asked about the others'
 * members and robots. */
static bool
find_projects(Walk *walk, const GPtrArray *kinds, GError **error)
{
    const HrSelect *select = walk->pass->select;
    const HrKind *project = NULL;
    Projects projects = {0};

    if (select == NULL)
        return true;
    walk->repositories = select->repositories.names;
    for (unsigned i = 0; i < 2 && select->projects.names != NULL; i++)
        walk->projects[i] = g_strdupv(select->projects.names);
    if (select->projects.names != NULL ||
        (select->projects.allow == NULL && select->projects.deny == NULL))
        return true;
    for (guint i = 0; i < kinds->len; i++)
        if (((HrKind *)kinds->pdata[i])->rank == HR_RANK_PROJECT)
            project = kinds->pdata[i];
    if (project == NULL)
        return true;
    submit_kind(walk, project, take_projects, &projects);
    hr_group_wait(walk->group, 0, NULL, NULL);
    memcpy(walk->projects, projects.names, sizeof projects.names);
    if (projects.error == NULL)
        return true;
    g_propagate_prefixed_error(error, projects.error,
                               "which projects there are: ");
    return false;
}

bool
hr_snapshot_walk(const HrPass *pass, char *const *kinds, bool writes,
                 const HrDocumentVisitor *visitor, GError **error)
{
    g_autoptr(HrGroup) group = hr_group_new();
    g_autoptr(GPtrArray) chosen =
        hr_snapshot_choose(pass, kinds, writes, visitor);
    Walk walk = {.pass = pass, .visitor = visitor, .group = group};
    bool found = chosen->len == 0 || find_projects(&walk, chosen, error);

    for (guint i = 0; found && i < chosen->len; i++)
        submit_kind(&walk, chosen->pdata[i], end_kind, NULL);
    hr_group_wait(group, 0, NULL, NULL);
    for (unsigned i = 0; i < 2; i++)
        g_strfreev(walk.projects[i]);
    if (found && hr_cancel_triggered(pass->cancel))
        return hr_error_set(error, HR_CANCELLED, "interrupted");
    return found;
}
