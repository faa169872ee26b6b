/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scope: what a token is asked for. */
#include "net/scope.h"

#include <harbor-replicator/hr-host.h>
#include <string.h>

static unsigned
actions_of(unsigned method)
{
    switch (method) {
    case HR_HTTP_GET:
    case HR_HTTP_HEAD:
        return HR_SCOPE_PULL;
    case HR_HTTP_DELETE:
        return HR_SCOPE_PULL | HR_SCOPE_PUSH | HR_SCOPE_DELETE;
    default:
        return HR_SCOPE_PULL | HR_SCOPE_PUSH;
    }
}

/* The repository of a path "NAME/manifests/REF" and the like: a name may have
 * a part that is called as one of them, so that the last counts. */
static char *
repository_of(const char *path)
{
    static const char *const last[] = {"/manifests/", "/blobs/", "/referrers/",
                                       "/tags/"};
    g_autofree char *plain = g_strndup(path, strcspn(path, "?#"));
    char *slash = strrchr(plain, '/');
    char *found = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(last); i++) {
        char *at = g_strrstr(plain, last[i]);

        /* One part more, and no slash in it. */
        if (at != NULL && at + strlen(last[i]) - 1 == slash)
            found = at;
    }
    if (found == NULL)
        found = g_strrstr(plain, "/blobs/uploads/");
    if (found == NULL && g_str_has_suffix(plain, "/blobs/uploads"))
        found = plain + strlen(plain) - strlen("/blobs/uploads");
    return found != NULL && found > plain
               ? g_strndup(plain, (gsize)(found - plain))
               : NULL;
}

static char *
mounted_from(const char *path)
{
    const char *query = strchr(path, '?');
    g_auto(GStrv) parts = NULL;

    if (query == NULL)
        return NULL;
    parts = g_strsplit(query + 1, "&", -1);
    for (char **part = parts; *part != NULL; part++)
        if (g_str_has_prefix(*part, "from="))
            return g_uri_unescape_string(*part + 5, NULL);
    return NULL;
}

void
hr_scope_of_request(HrScope *scope, unsigned method, const char *path)
{
    *scope = (HrScope){0};
    if (!g_str_has_prefix(path, "/v2/"))
        return;
    path += 4;
    if (strncmp(path, "_catalog", 8) == 0) {
        scope->catalog = true;
        return;
    }
    scope->repository = repository_of(path);
    if (scope->repository == NULL)
        return;
    scope->actions = actions_of(method);
    if (method == HR_HTTP_POST)
        scope->from = mounted_from(path);
}

void
hr_scope_clear(HrScope *scope)
{
    g_free(scope->repository);
    g_free(scope->from);
    *scope = (HrScope){0};
}

char *
hr_scope_text(const HrScope *scope)
{
    GString *text = g_string_new(NULL);
    g_autofree char *raw = NULL;

    if (scope->catalog)
        g_string_append(text, "registry:catalog:*");
    if (scope->repository != NULL && scope->actions != 0)
        g_string_append_printf(
            text, "repository:%s:%s%s%s", scope->repository,
            (scope->actions & HR_SCOPE_PULL) != 0 ? "pull," : "",
            (scope->actions & HR_SCOPE_PUSH) != 0 ? "push," : "",
            (scope->actions & HR_SCOPE_DELETE) != 0 ? "delete," : "");
    if (scope->from != NULL)
        g_string_append_printf(text, " repository:%s:pull", scope->from);
    raw = g_string_free(text, false);
    return hr_scope_clean(raw);
}

static gint
order_texts(gconstpointer one, gconstpointer other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Sorted, each once; a "*" alone if there is one.  Sorted first: a server may
 * send thousands. */
static char *
clean_actions(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_autoptr(GPtrArray) kept = g_ptr_array_new();

    for (char **part = parts; *part != NULL; part++) {
        if (strcmp(*part, "*") == 0)
            return g_strdup("*");
        if (**part != '\0')
            g_ptr_array_add(all, *part);
    }
    g_ptr_array_sort(all, order_texts);
    for (guint i = 0; i < all->len; i++)
        if (i == 0 || strcmp(all->pdata[i - 1], all->pdata[i]) != 0)
            g_ptr_array_add(kept, all->pdata[i]);
    g_ptr_array_add(kept, NULL);
    return g_strjoinv(",", (char **)kept->pdata);
}

static void
free_text(gpointer data)
{
    if (data != NULL)
        g_string_free(data, true);
}

/* Adds "a,b" to the actions of `key`, which it takes. */
static void
add_actions(GHashTable *known, char *key, const char *actions)
{
    GString *all = g_hash_table_lookup(known, key);

    if (all == NULL) {
        all = g_string_new(NULL);
        g_hash_table_insert(known, key, all);
    } else {
        g_free(key);
    }
    g_string_append_c(all, ',');
    g_string_append(all, actions);
}

char *
hr_scope_clean(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", -1);
    /* "repository:name:" to all its actions */
    g_autoptr(GHashTable) known =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_text);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iterator;
    gpointer key;
    gpointer value;

    for (char **part = parts; *part != NULL; part++) {
        char *colon = strchr(*part, ':');
        char *actions = strrchr(*part, ':');

        if (**part == '\0')
            continue;
        if (colon == actions) {
            /* No three parts: as it is. */
            g_hash_table_insert(known, g_strdup(*part), NULL);
            continue;
        }
        add_actions(known, g_strndup(*part, (gsize)(actions + 1 - *part)),
                    actions + 1);
    }
    g_hash_table_iter_init(&iterator, known);
    while (g_hash_table_iter_next(&iterator, &key, &value)) {
        const GString *given = value;
        g_autofree char *actions =
            given != NULL ? clean_actions(given->str) : NULL;

        if (value == NULL)
            g_ptr_array_add(all, g_strdup(key));
        else if (*actions != '\0')
            g_ptr_array_add(all, g_strconcat(key, actions, NULL));
    }
    g_ptr_array_sort(all, order_texts);
    g_ptr_array_add(all, NULL);
    return g_strjoinv(" ", (char **)all->pdata);
}
