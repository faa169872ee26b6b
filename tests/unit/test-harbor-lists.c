/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of a Harbor that are complete, or fail; ids by name.  The host is a
 * double whose server is a list of numbers. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "registry-harbor/kinds.h"

/* What the server has, and how it behaves. */
typedef struct Server {
    GArray *rows; /* int, the latest first */
    int hidden;   /* rows that it counts and does not show */
    bool pages;   /* page_size=0 is not heeded */
    bool silent;  /* tells no total */
    unsigned asked;
    unsigned turn;   /* before this request, from 1, ... */
    int drop;        /* ... this row goes, 0: none, ... */
    int add;         /* ... and this one comes */
    bool restless;   /* one comes before each request */
    unsigned status; /* 0: 200 */
} Server;

static Server server;
static GString *failure;

struct hr_http_exchange {
    unsigned status;
    char *body;
    char *total;
};

static void
remove_row(int row)
{
    for (guint i = 0; i < server.rows->len; i++)
        if (g_array_index(server.rows, int, i) == row) {
            g_array_remove_index(server.rows, i);
            return;
        }
}

static void
turn(void)
{
    static int next = 100000;

    server.asked++;
    if (server.restless) {
        next++;
        g_array_prepend_val(server.rows, next);
    }
    if (server.asked != server.turn)
        return;
    if (server.drop != 0)
        remove_row(server.drop);
    if (server.add != 0)
        g_array_prepend_val(server.rows, server.add);
}

static unsigned
parameter(const char *target, const char *name, unsigned usual)
{
    g_autofree char *word = g_strdup_printf("%s=", name);
    const char *at = target;

    while ((at = strstr(at, word)) != NULL) {
        if (at[-1] == '?' || at[-1] == '&')
            return (unsigned)atoi(at + strlen(word));
        at++;
    }
    return usual;
}

static hr_status
send_request(hr_module *module, hr_endpoint *endpoint, hr_call *call,
             const hr_http_request *request, hr_http_exchange **exchange)
{
    unsigned size = parameter(request->target, "page_size", 10);
    unsigned page = parameter(request->target, "page", 1);
    g_autoptr(GString) body = g_string_new("[");
    guint first;
    guint end;

    (void)module;
    (void)endpoint;
    (void)call;
    g_assert_nonnull(strstr(request->target, "/api/v2.0/things?"));
    g_assert_true((request->flags & HR_HTTP_BASIC) != 0);
    g_assert_cmpuint(request->attempts, ==, 3);
    turn();
    if (size == 0 && server.pages)
        size = 10;
    first = size == 0 ? 0 : (page - 1) * size;
    end = size == 0 ? server.rows->len : MIN(first + size, server.rows->len);
    for (guint i = first; i < end; i++)
        g_string_append_printf(body, "%s{\"id\":%d}", i > first ? "," : "",
                               g_array_index(server.rows, int, i));
    g_string_append(body, "]");
    *exchange = g_new0(hr_http_exchange, 1);
    (*exchange)->status = server.status != 0 ? server.status : 200;
    (*exchange)->body = g_strdup(body->str);
    (*exchange)->total =
        server.silent
            ? NULL
            : g_strdup_printf("%d", (int)server.rows->len + server.hidden);
    return HR_OK;
}

static hr_status
wait_exchange(hr_module *module, hr_http_exchange *exchange)
{
    (void)module;
    (void)exchange;
    return HR_OK;
}

static uint32_t
status_of(hr_module *module, const hr_http_exchange *exchange)
{
    (void)module;
    return exchange->status;
}

static const char *
header_of(hr_module *module, const hr_http_exchange *exchange,
          const char *name)
{
    (void)module;
    return strcmp(name, "X-Total-Count") == 0 ? exchange->total : NULL;
}

static const char *
body_of(hr_module *module, const hr_http_exchange *exchange, uint64_t *size)
{
    (void)module;
    *size = strlen(exchange->body);
    return exchange->body;
}

static hr_status
fail_exchange(hr_module *module, const hr_http_exchange *exchange,
              const char *what)
{
    (void)module;
    g_string_printf(failure, "%s: HTTP %u", what, exchange->status);
    return exchange->status == 500 ? HR_UNKNOWN : HR_AUTH_DENIED;
}

static void
free_exchange(hr_module *module, hr_http_exchange *exchange)
{
    (void)module;
    if (exchange == NULL)
        return;
    g_free(exchange->body);
    g_free(exchange->total);
    g_free(exchange);
}

static hr_status
fail_call(hr_module *module, hr_call *call, hr_status status,
          const char *message)
{
    (void)module;
    (void)call;
    g_string_assign(failure, message);
    return status;
}

static void
forgive(hr_module *module, hr_call *call)
{
    (void)module;
    (void)call;
    g_string_assign(failure, "");
}

static const char *
reason(hr_module *module, hr_call *call)
{
    (void)module;
    (void)call;
    return failure->str;
}

static hr_eligibility hinted;

static void
hint(hr_module *module, hr_call *call, hr_eligibility eligibility,
     int64_t wait_ms)
{
    (void)module;
    (void)call;
    (void)wait_ms;
    hinted = eligibility;
}

static const hr_host_http http_table = {
    .struct_size = sizeof http_table,
    .send = send_request,
    .wait = wait_exchange,
    .status = status_of,
    .header = header_of,
    .body = body_of,
    .fail = fail_exchange,
    .free = free_exchange,
};

static const hr_host_call call_table = {
    .struct_size = sizeof call_table,
    .fail = fail_call,
    .forgive = forgive,
    .reason = reason,
    .hint = hint,
};

static const hr_host host = {
    .struct_size = sizeof host,
    .call = &call_table,
    .http = &http_table,
};

/* No project is walked here. */
void
harbor_gap(const HarborAsk *ask, hr_document_sink *sink, const char *scope,
           hr_status status)
{
    (void)ask;
    (void)sink;
    (void)scope;
    (void)status;
    g_assert_not_reached();
}

static void
set_up(unsigned count)
{
    if (server.rows != NULL)
        g_array_unref(server.rows);
    server = (Server){.rows = g_array_new(FALSE, FALSE, sizeof(int))};
    for (unsigned i = count; i > 0; i--) {
        int row = (int)i;

        g_array_append_val(server.rows, row);
    }
    g_string_assign(failure, "");
    hinted = HR_RETRY_ALWAYS;
}

static hr_registry registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static hr_status
list(const char *sort, json_t **rows)
{
    const HarborAsk ask = {.registry = &registry};
    const HarborList list = {
        .path = "/things", .what = "list the things", .sort = sort};

    return harbor_list(&ask, &list, rows);
}

/* All rows are there, each once. */
static void
assert_list(const char *sort, unsigned asked)
{
    json_auto_t *rows = NULL;
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    g_assert_cmpint(list(sort, &rows), ==, HR_OK);
    for (size_t i = 0; i < json_array_size(rows); i++)
        g_hash_table_add(seen, GINT_TO_POINTER(harbor_json_number(
                                   json_array_get(rows, i), "id", 0)));
    g_assert_cmpuint(json_array_size(rows), ==, server.rows->len);
    g_assert_cmpuint(g_hash_table_size(seen), ==, server.rows->len);
    for (guint i = 0; i < server.rows->len; i++)
        g_assert_true(g_hash_table_contains(
            seen, GINT_TO_POINTER(g_array_index(server.rows, int, i))));
    g_assert_cmpuint(server.asked, ==, asked);
}

static void
assert_failure(const char *sort, hr_status status, const char *words)
{
    json_t *rows = NULL;

    g_assert_cmpint(list(sort, &rows), ==, status);
    g_assert_null(rows);
    g_assert_nonnull(strstr(failure->str, "list the things"));
    g_assert_nonnull(strstr(failure->str, words));
}

static void
test_at_once(void)
{
    static const unsigned counts[] = {0, 1, 10, 99, 100, 101, 2000};

    for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++) {
        set_up(counts[i]);
        assert_list(NULL, 1);
        set_up(counts[i]);
        server.silent = true;
        assert_list(NULL, 1);
    }
}

/* The count is of another moment than the rows: asked again. */
static void
test_changes(void)
{
    set_up(300);
    server.hidden = 1;
    assert_list("-id", 2);
    set_up(300);
    server.hidden = 2;
    server.turn = 2;
    server.drop = 7;
    assert_list("-id", 3);
    set_up(300);
    server.hidden = 1;
    server.restless = true;
    assert_failure("-id", HR_TRANSIENT, "changes while it is read");
}

/* What is counted and shown to nobody, however many are shown. */
static void
test_hidden(void)
{
    static const unsigned counts[] = {0, 9, 10, 11, 100, 101};

    for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++) {
        json_auto_t *rows = NULL;

        set_up(counts[i]);
        server.hidden = 1;
        g_assert_cmpint(list("-id", &rows), ==, HR_OK);
        g_assert_cmpuint(json_array_size(rows), ==, counts[i]);
    }
}

static void
test_pages(void)
{
    set_up(10);
    server.pages = true;
    assert_list("-id", 1);
    set_up(100);
    server.pages = true;
    assert_list(NULL, 2);
    set_up(350);
    server.pages = true;
    assert_list("-id", 1 + 4);
    set_up(350);
    server.pages = true;
    assert_failure(NULL, HR_UNSUPPORTED, "in no order");
}

/* Whatever happens between two pages, no row is lost. */
static void
test_between_pages(void)
{
    for (unsigned at = 2; at <= 5; at++)
        for (int drop = 0; drop <= 350; drop += 50) {
            set_up(350);
            server.pages = true;
            server.turn = at;
            server.drop = drop;
            assert_list("-id", drop == 0 || at == 2 ? 5 : 9);
        }
    for (unsigned at = 2; at <= 5; at++)
        for (int drop = 0; drop <= 350; drop += 25) {
            json_auto_t *rows = NULL;

            set_up(350);
            server.pages = true;
            server.turn = at;
            server.drop = drop;
            server.add = 1000;
            g_assert_cmpint(list("-id", &rows), ==, HR_OK);
            for (int id = 1; id <= 350; id++) {
                bool found = id == drop;

                for (size_t i = 0; i < json_array_size(rows) && !found; i++)
                    found = harbor_json_number(json_array_get(rows, i), "id",
                                               0) == id;
                g_assert_true(found);
            }
        }
    set_up(350);
    server.pages = true;
    server.restless = true;
    assert_failure("-id", HR_TRANSIENT, "changes while it is read");
}

/* A 500 was tried three times by the host: nobody comes back for it. */
static void
test_failures(void)
{
    set_up(3);
    server.status = 500;
    assert_failure("-id", HR_UNKNOWN, "HTTP 500");
    g_assert_cmpint(hinted, ==, HR_RETRY_NEVER);
    set_up(3);
    server.status = 403;
    assert_failure("-id", HR_AUTH_DENIED, "HTTP 403");
    g_assert_cmpint(hinted, ==, HR_RETRY_ALWAYS);
}

static void
test_memory(void)
{
    g_autofree char *name = NULL;

    g_assert_cmpint(harbor_recall(&registry, "project", "a"), ==, 0);
    g_assert_null(harbor_recall_name(&registry, "project", 1));
    harbor_remember(&registry, "project", "a", 1);
    harbor_remember(&registry, "label", "a", INT64_MAX);
    g_assert_cmpint(harbor_recall(&registry, "project", "a"), ==, 1);
    g_assert_cmpint(harbor_recall(&registry, "label", "a"), ==, INT64_MAX);
    name = harbor_recall_name(&registry, "project", 1);
    g_assert_cmpstr(name, ==, "a");
    harbor_remember(&registry, "project", "a", 2);
    g_assert_cmpint(harbor_recall(&registry, "project", "a"), ==, 2);
    harbor_forget(&registry, "project", "a");
    g_assert_cmpint(harbor_recall(&registry, "project", "a"), ==, 0);
    g_assert_cmpint(harbor_recall(&registry, "label", "a"), ==, INT64_MAX);
    harbor_forget(&registry, "project", "never known");
}

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    failure = g_string_new("");
    dist_init(&host, NULL);
    g_test_add_func("/harbor-lists/come-at-once", test_at_once);
    g_test_add_func("/harbor-lists/are-asked-again-when-they-change",
                    test_changes);
    g_test_add_func("/harbor-lists/hide-rows-that-they-count", test_hidden);
    g_test_add_func("/harbor-lists/come-in-pages", test_pages);
    g_test_add_func("/harbor-lists/lose-nothing-between-pages",
                    test_between_pages);
    g_test_add_func("/harbor-lists/fail-as-a-whole", test_failures);
    g_test_add_func("/harbor-lists/ids-by-name", test_memory);
    result = g_test_run();
    g_array_unref(server.rows);
    g_string_free(failure, TRUE);
    json_decref(registry.memory.ids);
    json_decref(registry.memory.names);
    return result;
}
