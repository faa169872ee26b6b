/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists that are complete.
 *
 *     page_size=0 --as many rows as X-Total-Count-------------> done
 *         |    '----another number, twice the same------------> done: Harbor
 *         |                          counts rows that it shows nobody
 *         '----no more than a page of them: it was not heeded
 *                    |
 *                    v
 *     pages of 100, the latest first and the first page first: the
 *     same total with each, no row twice, all of them ---------> done
 *
 * Rows that come while pages are read push others to a later page, where some
 * come a second time; rows that go change the total.  Both at once push, too.
 * Where rows have no order none of that holds: such a list comes in one piece
 * or not at all.
 */
#include <stdlib.h>
#include <string.h>

#include "kinds.h"

/* Harbor's pages, if it is not asked for others, and its largest. */
#define USUAL_ROWS 10u
#define PAGE_ROWS 100u

/* How often a list is read that changes meanwhile. */
#define ROUNDS 4u

/* A listing of more pages than this is one that never ends. */
#define PAGES_LIMIT 100000u

static hr_status
fail_changing(const HarborAsk *ask, const HarborList *list)
{
    return dist_fail(ask->call, HR_TRANSIENT,
                     "%s: the list changes while it is read", list->what);
}

static char *
make_path(const HarborList *list, const char *page)
{
    return harbor_text("%s%c%s", list->path,
                       strchr(list->path, '?') != NULL ? '&' : '?', page);
}

/* Null is how Harbor writes an empty list now and then. */
static hr_status
take_rows(const HarborAsk *ask, const char *what, const HarborAnswer *answer,
          json_t **rows)
{
    *rows = NULL;
    if (json_is_array(answer->body))
        *rows = json_incref(answer->body);
    else if (answer->body == NULL || json_is_null(answer->body))
        *rows = json_array();
    else
        return dist_fail(ask->call, HR_INVALID, "%s: the answer is no list",
                         what);
    return HR_OK;
}

static hr_status
ask_rows(const HarborAsk *ask, const HarborList *list, const char *page,
         json_t **rows, int64_t *total)
{
    HARBOR_AUTOFREE char *path = make_path(list, page);
    HarborRequest request = {.method = HR_HTTP_GET, .path = path};
    HarborAnswer answer;
    hr_status status = harbor_request(ask, &request, list->what, &answer);

    *rows = NULL;
    if (status == HR_OK)
        status = take_rows(ask, list->what, &answer, rows);
    *total = answer.total;
    harbor_answer_end(&answer);
    return status;
}

/* ------------------------------------------------------------- in pages */

/* One list on its way. */
typedef struct Paging {
    const HarborAsk *ask;
    const HarborList *list;
    int64_t total; /* as the first page said it                          */
    json_t *known; /* ids of rows                                        */
    json_t *rows;
    bool changed; /* while it was read                                   */
} Paging;

/* Adds the rows of a page.  False if one was there before. */
static bool
add_page(const Paging *paging, const json_t *page)
{
    const HarborList *list = paging->list;

    for (size_t i = 0; i < json_array_size(page); i++) {
        json_t *row = json_array_get(page, i);
        const json_t *id =
            json_object_get(row, list->id != NULL ? list->id : "id");
        HARBOR_AUTOFREE char *text = NULL;

        if (id == NULL)
            return false;
        text = harbor_json_canonical(id);
        if (json_object_get(paging->known, text) != NULL)
            return false;
        json_object_set_new(paging->known, text, json_true());
        json_array_append_new(paging->rows, list->shorten != NULL
                                                ? list->shorten(row)
                                                : json_incref(row));
    }
    return true;
}

static char *
page_query(const HarborList *list, size_t number)
{
    return harbor_text("page=%zu&page_size=%u%s%s", number, PAGE_ROWS,
                       list->sort != NULL ? "&sort=" : "",
                       list->sort != NULL ? list->sort : "");
}

/* The first page is there: what follows is asked for at once. */
static char *
page_path(void *data, size_t index)
{
    const Paging *paging = data;
    HARBOR_AUTOFREE char *query = page_query(paging->list, index + 2);

    return make_path(paging->list, query);
}

static char *
page_what(void *data, size_t index)
{
    const Paging *paging = data;

    (void)index;
    return harbor_text("%s", paging->list->what);
}

static hr_status
page_take(void *data, size_t index, hr_status status, HarborAnswer *answer)
{
    Paging *paging = data;
    json_auto_t *page = NULL;

    (void)index;
    if (status == HR_OK)
        status = take_rows(paging->ask, paging->list->what, answer, &page);
    if (status != HR_OK)
        return status;
    /* Without an order a second page could be of another list. */
    if (paging->list->sort == NULL && json_array_size(page) > 0)
        return dist_fail(paging->ask->call, HR_UNSUPPORTED,
                         "%s: the server gives the list in pages only, and "
                         "in no order: it may lose some",
                         paging->list->what);
    if (answer->total != paging->total || !add_page(paging, page))
        paging->changed = true;
    return HR_OK;
}

static hr_status
read_others(Paging *paging)
{
    const HarborList *list = paging->list;
    const HarborBatch batch = {.count =
                                   (size_t)((paging->total - 1) / PAGE_ROWS),
                               .data = paging,
                               .path = page_path,
                               .what = page_what,
                               .take = page_take};

    if (paging->total > (int64_t)PAGE_ROWS * PAGES_LIMIT)
        return dist_fail(paging->ask->call, HR_INVALID,
                         "%s: the list does not end", list->what);
    return harbor_batch(paging->ask, &batch);
}

static hr_status
read_first(Paging *paging, const HarborAnswer *first, json_t **page)
{
    HARBOR_AUTOFREE char *query = page_query(paging->list, 1);

    if (first == NULL)
        return ask_rows(paging->ask, paging->list, query, page,
                        &paging->total);
    paging->total = first->total;
    return take_rows(paging->ask, paging->list->what, first, page);
}

/* Reads all pages once; `first` is the answer to the first of them, NULL if
 * nobody has asked for it. */
static hr_status
read_pages(Paging *paging, const HarborAnswer *first)
{
    json_auto_t *page = NULL;
    hr_status status = read_first(paging, first, &page);

    if (status != HR_OK)
        return status;
    if (paging->total < 0)
        return dist_fail(paging->ask->call, HR_INVALID,
                         "%s: the server does not say how long the list is "
                         "(X-Total-Count)",
                         paging->list->what);
    paging->changed = !add_page(paging, page);
    if (paging->total > PAGE_ROWS && !paging->changed)
        status = read_others(paging);
    return status;
}

/* Rows that are counted and were not shown; -1: it changed meanwhile. */
static int64_t
count_hidden(const Paging *paging)
{
    int64_t hidden = paging->total - (int64_t)json_array_size(paging->rows);

    return paging->changed ? -1 : hidden;
}

/* As many twice, and fewer than are counted: Harbor shows some to nobody. */
static hr_status
list_in_pages(const HarborAsk *ask, const HarborList *list,
              const HarborAnswer *first, json_t **rows)
{
    int64_t before = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        Paging paging = {.ask = ask,
                         .list = list,
                         .known = json_object(),
                         .rows = json_array()};
        hr_status status = read_pages(&paging, round == 0 ? first : NULL);
        int64_t hidden = count_hidden(&paging);

        json_decref(paging.known);
        /* None, or as many as a moment ago. */
        if (status == HR_OK && hidden >= 0 && hidden == before) {
            *rows = paging.rows;
            return HR_OK;
        }
        before = hidden >= 0 ? hidden : 0;
        json_decref(paging.rows);
        if (status != HR_OK)
            return status;
    }
    return fail_changing(ask, list);
}

/* -------------------------------------------------------- in one piece */

static bool
is_one_page(const json_t *rows, int64_t total)
{
    size_t count = json_array_size(rows);

    return total > (int64_t)count &&
           (count == USUAL_ROWS || count == PAGE_ROWS);
}

/* Goes on from the answer to the first question, whose rows are taken. */
static hr_status
complete(const HarborAsk *ask, const HarborList *list, json_t *first,
         int64_t first_total, json_t **rows)
{
    json_t *found = first;
    int64_t total = first_total;

    for (unsigned round = 0; round < ROUNDS; round++) {
        json_t *again = NULL;
        int64_t again_total;
        hr_status status;
        bool same;

        if (total < 0 || total == (int64_t)json_array_size(found)) {
            *rows = found;
            return HR_OK;
        }
        if (is_one_page(found, total)) {
            json_decref(found);
            return list_in_pages(ask, list, NULL, rows);
        }
        status = ask_rows(ask, list, "page_size=0", &again, &again_total);
        same = status == HR_OK && again_total == total &&
               json_array_size(again) == json_array_size(found);
        json_decref(found);
        if (status != HR_OK)
            return status;
        found = again;
        total = again_total;
        if (same) {
            *rows = found;
            return HR_OK;
        }
    }
    json_decref(found);
    return fail_changing(ask, list);
}

hr_status
harbor_list(const HarborAsk *ask, const HarborList *list, json_t **rows)
{
    json_t *first = NULL;
    int64_t total;
    hr_status status;

    *rows = NULL;
    if (list->paged)
        return list_in_pages(ask, list, NULL, rows);
    status = ask_rows(ask, list, "page_size=0", &first, &total);
    return status == HR_OK ? complete(ask, list, first, total, rows) : status;
}

char *
harbor_list_path(const HarborList *list)
{
    HARBOR_AUTOFREE char *query =
        list->paged ? page_query(list, 1) : harbor_text("page_size=0");

    return make_path(list, query);
}

hr_status
harbor_list_complete(const HarborAsk *ask, const HarborList *list,
                     const HarborAnswer *answer, json_t **rows)
{
    json_t *first = NULL;
    hr_status status;

    *rows = NULL;
    if (list->paged)
        return list_in_pages(ask, list, answer, rows);
    status = take_rows(ask, list->what, answer, &first);
    return status == HR_OK ? complete(ask, list, first, answer->total, rows)
                           : status;
}

/* ---------------------------------------------------------- of projects */

typedef struct Walking {
    const HarborAsk *ask;
    const hr_document_scope *scope;
    const HarborWalk *walk;
    hr_document_sink *sink;
    const json_t *projects;
} Walking;

static const char *
name_of(const json_t *project)
{
    return harbor_json_text(project, "name", "");
}

bool
harbor_in_scope(const hr_document_scope *scope, const char *project)
{
    if (scope->projects == NULL)
        return true;
    for (const char *const *name = scope->projects; *name != NULL; name++)
        if (strcmp(*name, project) == 0)
            return true;
    return false;
}

static char *
walk_path(void *data, size_t index)
{
    const Walking *walking = data;
    const json_t *project = json_array_get(walking->projects, index);
    HARBOR_AUTOFREE char *path = NULL;
    HarborList list = {0};

    if (!harbor_in_scope(walking->scope, name_of(project)))
        return NULL;
    path = walking->walk->path(walking->walk->data, project);
    if (path == NULL)
        return NULL;
    list.path = path;
    return harbor_list_path(&list);
}

static char *
walk_what(void *data, size_t index)
{
    const Walking *walking = data;

    return harbor_text("list %s of project %s", walking->walk->things,
                       name_of(json_array_get(walking->projects, index)));
}

static hr_status
take_project(const Walking *walking, const json_t *project,
             const HarborAnswer *answer)
{
    const HarborWalk *walk = walking->walk;
    HARBOR_AUTOFREE char *path = walk->path(walk->data, project);
    HARBOR_AUTOFREE char *what =
        harbor_text("list %s of project %s", walk->things, name_of(project));
    HarborList list = {.path = path, .what = what, .sort = walk->sort};
    json_auto_t *rows = NULL;
    hr_status status =
        harbor_list_complete(walking->ask, &list, answer, &rows);

    return status == HR_OK ? walk->take(walk->data, project, rows) : status;
}

static hr_status
walk_take(void *data, size_t index, hr_status status, HarborAnswer *answer)
{
    const Walking *walking = data;
    const json_t *project = json_array_get(walking->projects, index);

    if (status == HR_OK)
        return take_project(walking, project, answer);
    if (answer->status != 403 && answer->status != 404)
        return status;
    harbor_gap(walking->ask, walking->sink, name_of(project), status);
    return HR_OK;
}

hr_status
harbor_walk(const HarborAsk *ask, const hr_document_scope *scope,
            const HarborWalk *walk, hr_document_sink *sink)
{
    json_auto_t *projects = NULL;
    hr_status status = harbor_projects(ask, &projects);
    Walking walking = {ask, scope, walk, sink, projects};
    const HarborBatch batch = {.count = json_array_size(projects),
                               .data = &walking,
                               .path = walk_path,
                               .what = walk_what,
                               .take = walk_take};

    return status == HR_OK ? harbor_batch(ask, &batch) : status;
}
