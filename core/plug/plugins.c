/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plugins: find, trust, load, validate, promote, pin, drain, fini. */
#include "plug/plugins.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "plug/module.h"
#include "plug/trust.h"
#include "plug/validate.h"

/* How long the end of the program waits for pins to go. */
#define DRAIN_WAIT_US (10 * G_USEC_PER_SEC)
#define DRAIN_STEP_US 1000

struct HrPlugins {
    char **directories;
    GPtrArray *modules; /* HrModule, oldest first */
    GPtrArray *refused; /* HrModule whose init failed: their code has run */
};

static void
free_module(HrModule *module)
{
    pthread_mutex_destroy(&module->serial);
    g_free(module->file);
    g_clear_error(&module->refusal);
    g_free(module);
}

HrPlugins *
hr_plugins_new(const char *const *directories)
{
    HrPlugins *plugins = g_new0(HrPlugins, 1);

    plugins->directories = g_strdupv((char **)directories);
    plugins->modules = g_ptr_array_new();
    plugins->refused = g_ptr_array_new();
    return plugins;
}

static void
drain(HrModule *module)
{
    int64_t until = hr_clock_monotonic_us() + DRAIN_WAIT_US;

    while (atomic_load(&module->pins) > 0) {
        if (hr_clock_monotonic_us() >= until) {
            hr_log(HR_LOG_WARNING,
                   "%s: still in use at the end of the program",
                   module->plugin->name);
            return;
        }
        usleep(DRAIN_STEP_US);
    }
    if (module->plugin->fini != NULL)
        module->plugin->fini();
}

void
hr_plugins_free(HrPlugins *plugins)
{
    if (plugins == NULL)
        return;
    for (guint i = plugins->modules->len; i > 0; i--) {
        HrModule *module = plugins->modules->pdata[i - 1];

        drain(module);
        /* One that is still in use keeps what it uses. */
        if (atomic_load(&module->pins) == 0)
            free_module(module);
    }
    for (guint i = 0; i < plugins->refused->len; i++)
        free_module(plugins->refused->pdata[i]);
    g_ptr_array_unref(plugins->refused);
    g_ptr_array_unref(plugins->modules);
    g_strfreev(plugins->directories);
    g_free(plugins);
}

/* The plugin directory of a build tree that this program runs from. */
static char *
find_build_directory(void)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *directory =
        program != NULL ? g_path_get_dirname(program) : g_strdup("/");

    for (unsigned i = 0; i < 4; i++) {
        g_autofree char *status =
            g_build_filename(directory, "config.status", NULL);
        g_autofree char *libraries =
            g_build_filename(directory, ".libs", NULL);
        char *parent;

        if (g_file_test(status, G_FILE_TEST_IS_REGULAR) &&
            g_file_test(libraries, G_FILE_TEST_IS_DIR))
            return g_steal_pointer(&libraries);
        parent = g_path_get_dirname(directory);
        g_free(directory);
        directory = parent;
    }
    return NULL;
}

char **
hr_plugins_default_directories(void)
{
    const char *path = secure_getenv("HARBOR_REPLICATOR_PLUGIN_PATH");
    g_autofree char *build = NULL;

    if (path != NULL && *path != '\0')
        return g_strsplit(path, ":", -1);
    build = find_build_directory();
    return g_strsplit(build != NULL ? build : HR_PLUGINDIR, ":", 1);
}

/* The provider of a loaded module, or NULL. */
static const hr_provider *
find_loaded(const HrPlugins *plugins, uint32_t kind, const char *name)
{
    for (guint i = 0; i < plugins->modules->len; i++) {
        const HrModule *module = plugins->modules->pdata[i];

        for (const hr_provider *const *provider = module->plugin->providers;
             *provider != NULL; provider++)
            if ((*provider)->kind == kind &&
                strcmp((*provider)->name, name) == 0)
                return *provider;
    }
    return NULL;
}

/* What a plugin provides must not be there already. */
static bool
check_duplicates(const HrPlugins *plugins, const hr_plugin *plugin,
                 GError **error)
{
    for (const hr_provider *const *provider = plugin->providers;
         *provider != NULL; provider++) {
        const hr_provider *other =
            find_loaded(plugins, (*provider)->kind, (*provider)->name);

        if (other == NULL)
            continue;
        return hr_error_set(
            error, HR_CONFIG, "%s '%s' is provided by %s already: remove one",
            hr_kind_name(other->kind), other->name,
            hr_module_file(hr_plugins_module((HrPlugins *)plugins, other)));
    }
    return true;
}

/* The file's name says what is in it: configuration refers to nothing else. */
static bool
check_file_name(const hr_plugin *plugin, const char *file_name, GError **error)
{
    for (const hr_provider *const *provider = plugin->providers;
         *provider != NULL; provider++) {
        g_autofree char *name = g_strdup_printf(
            "%s-%s.so", hr_kind_name((*provider)->kind), (*provider)->name);

        if (strcmp(name, file_name) == 0)
            return true;
    }
    return hr_error_set(
        error, HR_CONFIG,
        "it provides %s '%s' first, which belongs into a file "
        "%s-%s.so: rename it",
        hr_kind_name(plugin->providers[0]->kind), plugin->providers[0]->name,
        hr_kind_name(plugin->providers[0]->kind), plugin->providers[0]->name);
}

typedef const hr_plugin *(*Entry)(void);

static Entry
find_entry(void *handle, GError **error)
{
    void *symbol = dlsym(handle, HR_PLUGIN_ENTRY_SYMBOL);
    Entry entry = NULL;

    if (symbol == NULL) {
        for (unsigned major = 0; major < 100; major++) {
            g_autofree char *other =
                g_strdup_printf("hr_plugin_entry_v%u", major);

            if (dlsym(handle, other) == NULL)
                continue;
            hr_error_set(error, HR_CONFIG,
                         "it is built for plugin ABI %u, this program has %u: "
                         "get a build for this version",
                         major, HR_ABI_MAJOR);
            return NULL;
        }
        hr_error_set(error, HR_CONFIG,
                     "it exports no " HR_PLUGIN_ENTRY_SYMBOL
                     ": it is no plugin of this program");
        return NULL;
    }
    /* POSIX promises that this conversion works; ISO C does not know it. */
    memcpy(&entry, &symbol, sizeof entry);
    return entry;
}

static bool
start_module(HrModule *module, GError **error)
{
    hr_status status;

    /* From here on code of the plugin may have run: it stays mapped. */
    if (dlopen(module->file, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) == NULL)
        return hr_error_set(error, HR_CONFIG, "it cannot be kept loaded: %s",
                            dlerror());
    if (module->plugin->init == NULL)
        return true;
    status = module->plugin->init(hr_host_table(), module);
    return status == HR_OK ||
           hr_error_set(error, HR_CONFIG, "its init failed: %s",
                        hr_status_name(status));
}

static HrModule *
new_module(void *handle, const char *path, const hr_plugin *plugin)
{
    HrModule *module = g_new0(HrModule, 1);

    module->handle = handle;
    module->file = g_strdup(path);
    module->plugin = plugin;
    pthread_mutex_init(&module->serial, NULL);
    return module;
}

/* Maps the trusted file that `fd` is open on. */
static HrModule *
load_file(HrPlugins *plugins, int fd, const char *path, GError **error)
{
    g_autofree char *opened = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *file_name = g_path_get_basename(path);
    g_autofree char *real = g_file_read_link(opened, NULL);
    void *handle;
    Entry entry;
    HrModule *module;

    /* The directories were found to be ours alone, so the name still means the
     * file that was checked; opened by name, debuggers and NOLOAD find it. */
    if (g_strcmp0(real, path) != 0) {
        hr_error_set(error, HR_CONFIG, "it was swapped while it was checked");
        return NULL;
    }
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        hr_error_set(error, HR_CONFIG, "it cannot be loaded: %s", dlerror());
        return NULL;
    }
    entry = find_entry(handle, error);
    if (entry == NULL) {
        dlclose(handle);
        return NULL;
    }
    module = new_module(handle, path, entry());
    if (!hr_plugin_validate(module->plugin, error) ||
        !check_file_name(module->plugin, file_name, error) ||
        !check_duplicates(plugins, module->plugin, error)) {
        dlclose(handle);
        free_module(module);
        return NULL;
    }
    if (!start_module(module, &module->refusal)) {
        g_propagate_error(error, g_error_copy(module->refusal));
        g_ptr_array_add(plugins->refused, module);
        return NULL;
    }
    return module;
}

/* One whose init failed is not started a second time. */
static const GError *
find_refusal(const HrPlugins *plugins, const char *path)
{
    for (guint i = 0; i < plugins->refused->len; i++) {
        const HrModule *module = plugins->refused->pdata[i];

        if (strcmp(module->file, path) == 0)
            return module->refusal;
    }
    return NULL;
}

/* Loads one file of a directory.  HR_NOT_FOUND if it is not there. */
static HrModule *
load_from(HrPlugins *plugins, const char *directory, const char *name,
          GError **error)
{
    g_autofree char *path = NULL;
    int fd = hr_trust_open(directory, name, &path, error);
    const GError *refusal;
    HrModule *module = NULL;

    if (fd < 0)
        return NULL;
    refusal = find_refusal(plugins, path);
    if (refusal != NULL)
        g_propagate_error(error, g_error_copy(refusal));
    else
        module = load_file(plugins, fd, path, error);
    close(fd);
    if (module == NULL) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    g_ptr_array_add(plugins->modules, module);
    hr_log(HR_LOG_DEBUG, "loaded %s %s from %s", module->plugin->name,
           module->plugin->version, path);
    return module;
}

static gint
order_names(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Names of the plugin files of a directory, sorted. */
static GPtrArray *
list_files(const char *directory, const char *prefix)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(directory, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
        if (g_str_has_suffix(name, ".so") && g_str_has_prefix(name, prefix))
            g_ptr_array_add(names, g_strdup(name));
    if (dir != NULL)
        g_dir_close(dir);
    g_ptr_array_sort(names, order_names);
    return names;
}

static void
set_missing_error(const HrPlugins *plugins, uint32_t kind, const char *name,
                  GError **error)
{
    g_autofree char *prefix = g_strconcat(hr_kind_name(kind), "-", NULL);
    g_autofree char *places = g_strjoinv(", ", plugins->directories);
    g_autoptr(GString) there = g_string_new(NULL);

    for (char **directory = plugins->directories; *directory != NULL;
         directory++) {
        g_autoptr(GPtrArray) files = list_files(*directory, prefix);

        for (guint i = 0; i < files->len; i++) {
            const char *file = (char *)files->pdata[i] + strlen(prefix);

            g_string_append_printf(there, "%s%.*s", there->len > 0 ? ", " : "",
                                   (int)(strlen(file) - 3), file);
        }
    }
    hr_error_set(error, HR_CONFIG, "there is no %s '%s' in %s; there are: %s",
                 hr_kind_name(kind), name, places,
                 there->len > 0 ? there->str : "none");
}

const hr_provider *
hr_plugins_provider(HrPlugins *plugins, uint32_t kind, const char *name,
                    GError **error)
{
    const hr_provider *provider = find_loaded(plugins, kind, name);
    g_autofree char *file =
        g_strdup_printf("%s-%s.so", hr_kind_name(kind), name);

    if (provider != NULL)
        return provider;
    if (!hr_provider_name_valid(name)) {
        hr_error_set(error, HR_CONFIG,
                     "'%s' is no name of a %s: lower case letters, digits and "
                     "'-'",
                     name, hr_kind_name(kind));
        return NULL;
    }
    for (char **directory = plugins->directories; *directory != NULL;
         directory++) {
        g_autoptr(GError) failure = NULL;

        if (load_from(plugins, *directory, file, &failure) != NULL)
            return find_loaded(plugins, kind, name);
        if (hr_error_status(failure) != HR_NOT_FOUND) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return NULL;
        }
    }
    set_missing_error(plugins, kind, name, error);
    return NULL;
}

HrModule *
hr_plugins_module(HrPlugins *plugins, const hr_provider *provider)
{
    for (guint i = 0; i < plugins->modules->len; i++) {
        HrModule *module = plugins->modules->pdata[i];

        for (const hr_provider *const *mine = module->plugin->providers;
             *mine != NULL; mine++)
            if (*mine == provider)
                return module;
    }
    return NULL;
}

static bool
is_loaded(const HrPlugins *plugins, const char *name)
{
    for (guint i = 0; i < plugins->modules->len; i++) {
        const HrModule *module = plugins->modules->pdata[i];
        g_autofree char *file = g_path_get_basename(module->file);

        if (strcmp(file, name) == 0)
            return true;
    }
    return false;
}

void
hr_plugins_load_all(HrPlugins *plugins, GPtrArray *refusals)
{
    for (char **directory = plugins->directories; *directory != NULL;
         directory++) {
        g_autoptr(GPtrArray) files = list_files(*directory, "");

        for (guint i = 0; i < files->len; i++) {
            g_autoptr(GError) error = NULL;

            if (is_loaded(plugins, files->pdata[i]) ||
                load_from(plugins, *directory, files->pdata[i], &error) !=
                    NULL)
                continue;
            if (refusals != NULL)
                g_ptr_array_add(refusals, g_strdup(error->message));
        }
    }
}

const GPtrArray *
hr_plugins_modules(const HrPlugins *plugins)
{
    return plugins->modules;
}

const hr_plugin *
hr_module_description(const HrModule *module)
{
    return module->plugin;
}

const char *
hr_module_file(const HrModule *module)
{
    return module->file;
}

void
hr_module_pin(HrModule *module)
{
    atomic_fetch_add(&module->pins, 1);
}

void
hr_module_unpin(HrModule *module)
{
    atomic_fetch_sub(&module->pins, 1);
}

void
hr_module_lock(HrModule *module)
{
    pthread_mutex_lock(&module->serial);
}

void
hr_module_unlock(HrModule *module)
{
    pthread_mutex_unlock(&module->serial);
}
