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
 *     pages of 100, the latest first: the same total with each,
 *     no row twice, all of them, or twice as many ------------> done
 *
 * Rows that come while pages are read push others to a later page, where they
 * come a second time; rows that go change the total, and both at once between
 * two pages lose nothing.  Where rows have no order, none of that holds: such a
 * list comes in one piece or not at all.
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

/* Adds the rows of a page.  False if one was there before. */
static bool
add_page(const HarborList *list, json_t *known, json_t *rows,
         const json_t *page)
{
    for (size_t i = 0; i < json_array_size(page); i++) {
        json_t *row = json_array_get(page, i);
        const json_t *id =
            json_object_get(row, list->id != NULL ? list->id : "id");
        HARBOR_AUTOFREE char *text = harbor_json_canonical(id);

        if (id == NULL || json_object_get(known, text) != NULL)
            return false;
        json_object_set_new(known, text, json_true());
        json_array_append(rows, row);
    }
    return true;
}

/* What came of reading all pages once. */
typedef enum Reading {
    READING_TORN,  /* they were of different lists                         */
    READING_SHORT, /* the last page came before as many as were counted    */
    READING_WHOLE
} Reading;

/* Without an order a second page could be of another list. */
static hr_status
check_order(const HarborAsk *ask, const HarborList *list, unsigned number,
            const json_t *page)
{
    if (list->sort != NULL || number == 1 || json_array_size(page) == 0)
        return HR_OK;
    return dist_fail(ask->call, HR_UNSUPPORTED,
                     "%s: the server gives the list in pages only, and in no "
                     "order: it may lose some",
                     list->what);
}

static hr_status
read_pages(const HarborAsk *ask, const HarborList *list, json_t *rows,
           Reading *reading)
{
    json_auto_t *known = json_object();
    int64_t first_total = -1;

    *reading = READING_TORN;
    for (unsigned number = 1; number <= PAGES_LIMIT; number++) {
        HARBOR_AUTOFREE char *query =
            harbor_text("page=%u&page_size=%u%s%s", number, PAGE_ROWS,
                        list->sort != NULL ? "&sort=" : "",
                        list->sort != NULL ? list->sort : "");
        json_auto_t *page = NULL;
        int64_t total;
        hr_status status = ask_rows(ask, list, query, &page, &total);

        if (status == HR_OK)
            status = check_order(ask, list, number, page);
        if (status != HR_OK)
            return status;
        if (number == 1)
            first_total = total;
        if (total != first_total || !add_page(list, known, rows, page))
            return HR_OK;
        if (json_array_size(page) < PAGE_ROWS ||
            (int64_t)json_array_size(rows) == total)
            break;
    }
    *reading = first_total < 0 || (int64_t)json_array_size(rows) == first_total
                   ? READING_WHOLE
                   : READING_SHORT;
    return HR_OK;
}

/* As many twice, and fewer than are counted: Harbor shows some to nobody. */
static hr_status
list_in_pages(const HarborAsk *ask, const HarborList *list, json_t **rows)
{
    size_t before = SIZE_MAX;

    for (unsigned round = 0; round < ROUNDS; round++) {
        json_t *found = json_array();
        size_t count;
        Reading reading;
        hr_status status = read_pages(ask, list, found, &reading);

        count = json_array_size(found);
        if (status == HR_OK &&
            (reading == READING_WHOLE ||
             (reading == READING_SHORT && count == before))) {
            *rows = found;
            return HR_OK;
        }
        json_decref(found);
        if (status != HR_OK)
            return status;
        before = reading == READING_SHORT ? count : SIZE_MAX;
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
            return list_in_pages(ask, list, rows);
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
    hr_status status = ask_rows(ask, list, "page_size=0", &first, &total);

    *rows = NULL;
    return status == HR_OK ? complete(ask, list, first, total, rows) : status;
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
    return make_path(&list, "page_size=0");
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
    json_t *first = NULL;
    json_auto_t *rows = NULL;
    hr_status status = take_rows(walking->ask, what, answer, &first);

    if (status == HR_OK)
        status = complete(walking->ask, &list, first, answer->total, &rows);
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
