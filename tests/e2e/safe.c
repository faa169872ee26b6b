/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * registry-safe: a registry of robots and their secrets, for tests.
 *
 *     PATH/library+ci     the secret of robot library/ci; "-" is one that
 *                         nobody can try, "!" one that is not to be touched
 *     PATH/.gap           a project whose robots may not be seen
 *     PATH/.log           what was asked for: "check library/ci"
 *     PATH/.deaf          secrets that are set are not taken
 *     PATH/.fails         the one thing that fails, as it is logged; "all"
 *                         stands for everything
 *
 * It holds no content.
 */
#include <dirent.h>
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-registry.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_CAPACITY 4096
#define TEXT_CAPACITY 256

struct hr_registry {
    char path[PATH_CAPACITY];
};

static const hr_host *host;
static hr_module *module;

static hr_status
fail(hr_call *call, hr_status status, const char *message)
{
    return host->call->fail(module, call, status, message);
}

static void
join(char path[PATH_CAPACITY], const hr_registry *registry, const char *key)
{
    size_t start;

    snprintf(path, PATH_CAPACITY, "%s/", registry->path);
    start = strlen(path);
    snprintf(path + start, PATH_CAPACITY - start, "%s", key);
    for (char *at = path + start; *at != '\0'; at++)
        if (*at == '/')
            *at = '+';
}

/* The one line of a file; false if there is none. */
static bool
read_line(const hr_registry *registry, const char *key,
          char text[TEXT_CAPACITY])
{
    char path[PATH_CAPACITY];
    FILE *file;

    join(path, registry, key);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    if (fgets(text, TEXT_CAPACITY, file) == NULL)
        text[0] = '\0';
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
    return true;
}

/* Writes down what is asked for; it may be what is to fail. */
static hr_status
note(hr_registry *registry, hr_call *call, const char *what, const char *key)
{
    char path[PATH_CAPACITY], line[TEXT_CAPACITY], wanted[TEXT_CAPACITY];
    FILE *file;

    snprintf(line, sizeof line, "%s %s", what, key);
    snprintf(path, sizeof path, "%.*s/.log", PATH_CAPACITY - 8,
             registry->path);
    file = fopen(path, "a");
    if (file != NULL) {
        fprintf(file, "%s\n", line);
        fclose(file);
    }
    if (read_line(registry, ".fails", wanted) &&
        (strcmp(wanted, line) == 0 || strcmp(wanted, "all") == 0))
        return fail(call, HR_TRANSIENT, "the server has a bad day");
    return HR_OK;
}

static hr_status
open_registry(hr_call *call, hr_endpoint *endpoint, hr_registry **registry)
{
    hr_settings *settings = host->config->endpoint_settings(module, endpoint);

    (void)call;
    *registry = calloc(1, sizeof **registry);
    snprintf((*registry)->path, PATH_CAPACITY, "%s",
             host->config->string(module, settings, "path"));
    return HR_OK;
}

static void
close_registry(hr_registry *registry)
{
    free(registry);
}

/* ---------------------------------------------------------------- content */

static hr_status
probe(hr_registry *registry, hr_call *call)
{
    return note(registry, call, "probe", "");
}

static hr_status
list_nothing(hr_registry *registry, hr_call *call, hr_names *names)
{
    (void)registry, (void)call, (void)names;
    return HR_OK;
}

static hr_status
list_tags(hr_registry *registry, hr_call *call, const char *repository,
          hr_names *names)
{
    (void)registry, (void)repository, (void)names;
    return fail(call, HR_NOT_FOUND, "there is no repository");
}

static hr_status
resolve(hr_registry *registry, hr_call *call,
        hr_manifest_query *const *queries, size_t count)
{
    (void)registry, (void)call;
    for (size_t i = 0; i < count; i++)
        queries[i]->status = HR_NOT_FOUND;
    return HR_OK;
}

static hr_status
get_manifest(hr_registry *registry, hr_call *call, const char *repository,
             const char *reference, uint64_t limit_bytes,
             hr_manifest_sink *sink)
{
    (void)registry, (void)repository, (void)reference, (void)limit_bytes;
    (void)sink;
    return fail(call, HR_NOT_FOUND, "there is no manifest");
}

static hr_status
put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put)
{
    (void)registry, (void)put;
    return fail(call, HR_UNSUPPORTED, "it takes no content");
}

static hr_status
stat_blobs(hr_registry *registry, hr_call *call, hr_blob_query *const *queries,
           size_t count)
{
    (void)registry, (void)call;
    for (size_t i = 0; i < count; i++)
        queries[i]->status = HR_NOT_FOUND;
    return HR_OK;
}

static hr_status
open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
          hr_blob_source *source)
{
    (void)registry, (void)blob, (void)source;
    return fail(call, HR_NOT_FOUND, "there is no blob");
}

static hr_status
create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
            const char *mount_from, hr_blob_target *target)
{
    (void)registry, (void)blob, (void)mount_from, (void)target;
    return fail(call, HR_UNSUPPORTED, "it takes no content");
}

/* -------------------------------------------------------------- documents */

static hr_status
identify(hr_registry *registry, hr_call *call, hr_identity *identity)
{
    snprintf(identity->principal, sizeof identity->principal, "a tester");
    identity->flags = HR_IDENTITY_ALL_RIGHTS;
    return note(registry, call, "identify", "");
}

static hr_status
knows(hr_registry *registry, hr_call *call, const char *kind, uint32_t access)
{
    (void)registry, (void)access;
    if (strcmp(kind, "robot") == 0)
        return HR_OK;
    return fail(call, HR_UNSUPPORTED, "it has robots only");
}

static hr_status
give(hr_registry *registry, hr_call *call, const char *key,
     hr_document_sink *sink)
{
    char secret[TEXT_CAPACITY];
    hr_document document = {
        .struct_size = sizeof document,
        .kind = "robot",
        .key = key,
        .text = "{}",
    };

    if (!read_line(registry, key, secret))
        return fail(call, HR_NOT_FOUND, "there is no such robot");
    if (strcmp(secret, "!") == 0) {
        document.flags = HR_DOCUMENT_PROTECTED;
        document.reason = "it is the system's";
    }
    return sink->take(sink, call, &document);
}

static hr_status
list_documents(hr_registry *registry, hr_call *call,
               const hr_document_scope *scope, hr_document_sink *sink)
{
    hr_status status = note(registry, call, "list", scope->kind);
    DIR *directory = status == HR_OK ? opendir(registry->path) : NULL;
    char hidden[TEXT_CAPACITY] = "";
    size_t length;
    struct dirent *entry;

    if (read_line(registry, ".gap", hidden))
        sink->gap(sink, hidden, HR_AUTH_DENIED, "it may not be seen");
    length = strlen(hidden);

    if (status == HR_OK && directory == NULL)
        return fail(call, HR_NOT_FOUND, "there is no such directory");
    while (status == HR_OK && (entry = readdir(directory)) != NULL) {
        char key[TEXT_CAPACITY];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(key, sizeof key, "%s", entry->d_name);
        if (length > 0 && strncmp(key, hidden, length) == 0 &&
            key[length] == '+')
            continue;
        for (char *at = key; *at != '\0'; at++)
            if (*at == '+')
                *at = '/';
        status = give(registry, call, key, sink);
    }
    if (directory != NULL)
        closedir(directory);
    return status;
}

static hr_status
read_document(hr_registry *registry, hr_call *call, const char *kind,
              const char *key, hr_document_sink *sink)
{
    (void)kind;
    return give(registry, call, key, sink);
}

/* Of {"/secret":"TEXT"} the text; there are no escapes in tests. */
static void
take_secret(const char *secrets, char text[TEXT_CAPACITY])
{
    static const char head[] = "{\"/secret\":\"";

    snprintf(text, TEXT_CAPACITY, "%s",
             secrets != NULL && strncmp(secrets, head, strlen(head)) == 0
                 ? secrets + strlen(head)
                 : "");
    text[strcspn(text, "\"")] = '\0';
}

static hr_status
write_document(hr_registry *registry, hr_call *call,
               const hr_document_write *write)
{
    hr_status status = note(registry, call, "write", write->key);
    char path[PATH_CAPACITY], fresh[PATH_CAPACITY], secret[TEXT_CAPACITY];
    FILE *file;

    if (status != HR_OK)
        return status;
    if (read_line(registry, ".deaf", secret))
        snprintf(secret, sizeof secret, "MadeUp123");
    else
        take_secret(write->secrets, secret);
    join(path, registry, write->key);
    join(fresh, registry, ".new");
    file = fopen(fresh, "w");
    if (file == NULL)
        return fail(call, HR_LOCAL_RESOURCE, "it cannot be written");
    fprintf(file, "%s\n", secret);
    fclose(file);
    /* Whoever is killed leaves it as it was, or as it is to be. */
    if (rename(fresh, path) != 0)
        return fail(call, HR_LOCAL_RESOURCE, "it cannot be written");
    return HR_OK;
}

static void
check(hr_registry *registry, hr_secret_check *check)
{
    char secret[TEXT_CAPACITY], tried[TEXT_CAPACITY];

    take_secret(check->secrets, tried);
    if (!read_line(registry, check->key, secret)) {
        check->status = HR_NOT_FOUND;
    } else if (strcmp(secret, "-") == 0) {
        check->status = HR_UNSUPPORTED;
        snprintf(check->message, sizeof check->message,
                 "%s is disabled: its secret cannot be tried", check->key);
    } else {
        check->status = strcmp(secret, tried) == 0 ? HR_OK : HR_AUTH_DENIED;
    }
}

static hr_status
check_secrets(hr_registry *registry, hr_call *call,
              hr_secret_check *const *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hr_status status = note(registry, call, "check", checks[i]->key);

        if (status != HR_OK)
            return status;
        check(registry, checks[i]);
    }
    return HR_OK;
}

/* ------------------------------------------------------------ description */

static hr_status
init(const hr_host *given, hr_module *own)
{
    host = given;
    module = own;
    return HR_OK;
}

static const hr_registry_ops ops = {
    .struct_size = sizeof ops,
    .open = open_registry,
    .close = close_registry,
    .probe = probe,
    .list_repositories = list_nothing,
    .list_tags = list_tags,
    .resolve = resolve,
    .get_manifest = get_manifest,
    .put_manifest = put_manifest,
    .stat_blobs = stat_blobs,
    .open_blob = open_blob,
    .create_blob = create_blob,
    .identify = identify,
    .knows = knows,
    .list_documents = list_documents,
    .read_document = read_document,
    .write_document = write_document,
    .check_secrets = check_secrets,
};

static const hr_option path_option = {
    .struct_size = sizeof path_option,
    .type = HR_OPTION_PATH,
    .name = "path",
    .help = "The directory with the secrets.",
    .flags = HR_OPTION_REQUIRED,
};

static const hr_option *const options[] = {&path_option, NULL};

static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_REGISTRY,
    .name = "safe",
    .summary = "Robots and their secrets, for tests.",
    .threads = HR_THREADS_SERIAL,
    .ops = &ops,
    .options = options,
};

static const hr_provider *const providers[] = {&provider, NULL};

static const hr_plugin plugin = {
    .magic = HR_PLUGIN_MAGIC,
    .struct_size = sizeof plugin,
    .abi_major = HR_ABI_MAJOR,
    .abi_minor = HR_ABI_MINOR,
    .needs_minor = 0,
    .name = "registry-safe",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "A registry of robots and their secrets, for tests.",
    .providers = providers,
    .init = init,
};

HR_EXPORT const hr_plugin *
hr_plugin_entry_v1(void)
{
    return &plugin;
}
