/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* certs.d: certificates that docker and podman use for a registry. */
#include "config/certs-d.h"

#include <glib.h>
#include <string.h>

#include "base/log.h"

static const char *const system_directories[] = {"/etc/containers/certs.d",
                                                 "/etc/docker/certs.d", NULL};

static gint
order_names(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static GPtrArray *
list_names(GDir *dir)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL)
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, order_names);
    return names;
}

static void
add_ca(const char *path, GString *all)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (g_file_get_contents(path, &text, NULL, &error))
        g_string_append_printf(all, "%s\n", text);
    else
        hr_log(HR_LOG_WARNING, "certificates: %s", error->message);
}

static void
take_pair(const char *directory, const char *name, HrCertsD *found)
{
    size_t stem = strlen(name) - strlen(".cert");
    g_autofree char *key_name = g_strdup_printf("%.*s.key", (int)stem, name);
    g_autofree char *key = g_build_filename(directory, key_name, NULL);

    if (found->cert != NULL)
        return;
    if (!g_file_test(key, G_FILE_TEST_IS_REGULAR)) {
        hr_log(HR_LOG_WARNING, "%s/%s: there is no %s beside it", directory,
               name, key_name);
        return;
    }
    found->cert = g_build_filename(directory, name, NULL);
    found->key = g_steal_pointer(&key);
}

static bool
look_in(const char *directory, HrCertsD *found)
{
    GDir *dir = g_dir_open(directory, 0, NULL);
    g_autoptr(GPtrArray) names = NULL;
    g_autoptr(GString) all = g_string_new(NULL);

    if (dir == NULL)
        return false;
    names = list_names(dir);
    g_dir_close(dir);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *path = g_build_filename(directory, name, NULL);

        if (g_str_has_suffix(name, ".crt"))
            add_ca(path, all);
        else if (g_str_has_suffix(name, ".cert"))
            take_pair(directory, name, found);
    }
    if (all->len > 0)
        found->ca_text = g_strdup(all->str);
    found->directory = g_strdup(directory);
    return true;
}

void
hr_certs_d_find(const char *const *directories, const char *host,
                HrCertsD *found)
{
    *found = (HrCertsD){0};
    if (directories == NULL)
        directories = system_directories;
    for (; *directories != NULL; directories++) {
        g_autofree char *directory =
            g_build_filename(*directories, host, NULL);

        if (look_in(directory, found))
            return;
    }
}

void
hr_certs_d_clear(HrCertsD *found)
{
    g_free(found->directory);
    g_free(found->ca_text);
    g_free(found->cert);
    g_free(found->key);
    *found = (HrCertsD){0};
}
