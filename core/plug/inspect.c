/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inspect: what a file is, without letting it into this process.
 *
 *     file --ELF tables--> shared object with the entry symbol?
 *          --child: dlopen, entry, validate--> description as JSON
 *
 * Even a constructor of the file runs only in the child.
 */
#include "plug/inspect.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "model/json.h"
#include "plug/plugins.h"
#include "plug/trust.h"
#include "plug/validate.h"

#define FILE_LIMIT_BYTES (256 * 1024 * 1024)
#define REPORT_LIMIT_BYTES (1024 * 1024)

/* What a description may cost before the child is ended. */
#define CHILD_SECONDS 5

/* Sets *reason if the bytes are no shared object of this machine. */
static bool
check_elf(const char *data, size_t size, const char **reason)
{
    const ElfW(Ehdr) *header = (const void *)data;
    ElfW(Ehdr) own;
    g_autofree char *self = NULL;
    gsize self_size = 0;

    *reason = NULL;
    if (size < sizeof *header || memcmp(data, ELFMAG, SELFMAG) != 0)
        *reason = "it is no ELF file: not a shared object at all";
    else if (!g_file_get_contents("/proc/self/exe", &self, &self_size, NULL) ||
             self_size < sizeof own)
        *reason = "this program's own file cannot be read";
    if (*reason != NULL)
        return false;
    memcpy(&own, self, sizeof own);
    if (header->e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
        header->e_ident[EI_DATA] != own.e_ident[EI_DATA] ||
        header->e_machine != own.e_machine)
        *reason = "it is built for another machine";
    else if (header->e_type != ET_DYN)
        *reason = "it is no shared object";
    else if (header->e_shoff > size ||
             header->e_phoff +
                     (uint64_t)header->e_phnum * header->e_phentsize >
                 size)
        *reason = "it is cut off: its tables lie beyond its end";
    return *reason == NULL;
}

static HrJson *
describe_provider(const hr_provider *provider)
{
    HrJson *json = hr_json_new_object();
    HrJson *options = hr_json_new_array();

    hr_json_set_text(json, "kind", hr_kind_name(provider->kind));
    hr_json_set_text(json, "name", provider->name);
    hr_json_set_text(json, "summary", provider->summary);
    hr_json_set_text(json, "threads", hr_threads_name(provider->threads));
    for (const hr_option *const *option = provider->options;
         option != NULL && *option != NULL; option++)
        hr_json_append_text(options, (*option)->name);
    hr_json_set(json, "options", options);
    return json;
}

static void
describe_plugin(HrJson *json, const hr_plugin *plugin)
{
    HrJson *providers = hr_json_new_array();

    hr_json_set_text(json, "name", plugin->name);
    hr_json_set_text(json, "plugin_version", plugin->version);
    hr_json_set_text(json, "licence", plugin->licence);
    hr_json_set_text(json, "summary", plugin->summary);
    hr_json_set_number(json, "abi_major", plugin->abi_major);
    hr_json_set_number(json, "abi_minor", plugin->abi_minor);
    hr_json_set_number(json, "needs_minor", plugin->needs_minor);
    for (const hr_provider *const *provider = plugin->providers;
         *provider != NULL; provider++)
        hr_json_append(providers, describe_provider(*provider));
    hr_json_set(json, "providers", providers);
}

/* In the child: loads the file and writes what it is. */
static char *
examine(const char *path)
{
    g_autoptr(HrJson) json = hr_json_new_object();
    g_autoptr(GError) error = NULL;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol;
    const hr_plugin *(*entry)(void) = NULL;
    const hr_plugin *plugin;

    if (handle == NULL) {
        g_autofree char *message =
            g_strdup_printf("it cannot be loaded: %s", dlerror());

        hr_json_set_text(json, "problem", message);
        return hr_json_canonical(json);
    }
    symbol = dlsym(handle, HR_PLUGIN_ENTRY_SYMBOL);
    if (symbol == NULL) {
        hr_json_set_text(json, "problem",
                         "it exports no " HR_PLUGIN_ENTRY_SYMBOL
                         ": it is no plugin for this version");
        return hr_json_canonical(json);
    }
    memcpy(&entry, &symbol, sizeof entry);
    plugin = entry();
    if (hr_plugin_validate(plugin, &error))
        describe_plugin(json, plugin);
    else
        hr_json_set_text(json, "problem", error->message);
    return hr_json_canonical(json);
}

static void
limit_child(void)
{
    struct rlimit seconds = {CHILD_SECONDS, CHILD_SECONDS};
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CPU, &seconds);
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGALRM, SIG_DFL);
    alarm(CHILD_SECONDS);
}

static void
run_child(const char *path, int out)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char *report;
    size_t length;

    setsid();
    limit_child();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    report = examine(path);
    length = strlen(report);
    /* No exit handlers: they would be the plugin's. */
    _exit(write(out, report, length) == (ssize_t)length ? 0 : 1);
}

/* Reads all that the child writes. */
static GString *
read_report(int in)
{
    GString *report = g_string_new(NULL);
    char buffer[4096];

    while (report->len < REPORT_LIMIT_BYTES) {
        ssize_t got = read(in, buffer, sizeof buffer);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        g_string_append_len(report, buffer, got);
    }
    return report;
}

static const char *
explain_death(int status)
{
    if (WIFSIGNALED(status) &&
        (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU ||
         WTERMSIG(status) == SIGKILL))
        return "it does not come back from being asked what it is";
    return "it crashes when it is loaded or asked what it is";
}

/* What the child says, or why it says nothing. */
static HrJson *
ask_child(const char *path, GError **error)
{
    int ends[2];
    int status = 0;
    pid_t child;
    HrJson *json;
    g_autoptr(GString) report = NULL;

    if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0) {
        hr_error_set(error, HR_LOCAL_RESOURCE, "cannot start a child: %s",
                     g_strerror(errno));
        return NULL;
    }
    if (child == 0)
        run_child(path, ends[1]);
    close(ends[1]);
    report = read_report(ends[0]);
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    json = hr_json_parse(report->str, report->len, NULL);
    if (json != NULL && hr_json_is_object(json))
        return json;
    json = hr_json_new_object();
    hr_json_set_text(json, "problem", explain_death(status));
    return json;
}

/* Whether it would be let in from where it lies. */
static void
check_trust(HrJson *json, const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *real = NULL;
    g_autoptr(GError) error = NULL;
    int fd = hr_trust_open(directory, name, &real, &error);

    if (fd < 0)
        hr_json_set_text(json, "distrust", error->message);
    else
        close(fd);
}

static void
append_field(GString *text, const HrJson *json, const char *label,
             const char *name)
{
    const char *value = hr_json_text(hr_json_get(json, name));

    if (value != NULL)
        g_string_append_printf(text, "%-10s %s\n", label, value);
}

static char *
write_text(const HrJson *json, const char *path)
{
    GString *text = g_string_new(NULL);
    const HrJson *providers = hr_json_get(json, "providers");
    int64_t major = 0;
    int64_t minor = 0;
    int64_t needs = 0;

    g_string_append_printf(text, "%-10s %s\n", "file", path);
    append_field(text, json, "name", "name");
    append_field(text, json, "version", "plugin_version");
    append_field(text, json, "licence", "licence");
    append_field(text, json, "summary", "summary");
    if (hr_json_number(hr_json_get(json, "abi_major"), &major) &&
        hr_json_number(hr_json_get(json, "abi_minor"), &minor) &&
        hr_json_number(hr_json_get(json, "needs_minor"), &needs))
        g_string_append_printf(text, "%-10s %d.%d, needs at least %d.%d\n",
                               "ABI", (int)major, (int)minor, (int)major,
                               (int)needs);
    for (size_t i = 0; i < hr_json_length(providers); i++) {
        const HrJson *provider = hr_json_at(providers, i);

        g_string_append_printf(text, "%-10s %s '%s', threads %s\n", "provides",
                               hr_json_text(hr_json_get(provider, "kind")),
                               hr_json_text(hr_json_get(provider, "name")),
                               hr_json_text(hr_json_get(provider, "threads")));
    }
    append_field(text, json, "problem", "problem");
    append_field(text, json, "distrust", "distrust");
    g_string_append_printf(text, "%-10s %s\n", "verdict",
                           hr_json_text(hr_json_get(json, "verdict")));
    return g_string_free(text, false);
}

char *
hr_plugin_inspect(const char *path, bool json_form, bool *acceptable,
                  GError **error)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *data = NULL;
    g_autoptr(HrJson) json = NULL;
    const char *reason;
    size_t size;

    if (!hr_file_read(absolute, FILE_LIMIT_BYTES, &data, &size, error))
        return NULL;
    if (check_elf(data, size, &reason)) {
        json = ask_child(absolute, error);
        if (json == NULL)
            return NULL;
    } else {
        json = hr_json_new_object();
        hr_json_set_text(json, "problem", reason);
    }
    check_trust(json, absolute);
    *acceptable = hr_json_get(json, "problem") == NULL &&
                  hr_json_get(json, "distrust") == NULL;
    hr_json_set_text(json, "verdict",
                     *acceptable ? "would be loaded" : "would be refused");
    if (!json_form)
        return write_text(json, absolute);
    hr_json_set_number(json, "version", 1);
    hr_json_set_text(json, "file", absolute);
    hr_json_set_boolean(json, "acceptable", *acceptable);
    return hr_json_pretty(json);
}
