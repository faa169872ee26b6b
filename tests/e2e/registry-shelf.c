/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * registry-shelf: a registry that holds documents and nothing else, and
 * behaves as the file says that it is kept in (`path`; shelves.py):
 *
 *     {"documents": {KIND: {KEY: {"document": {...}, "secrets": {...},
 *                                 "protected": REASON}}},
 *      "identity": {"read_only": true, "status": N, "message": "..."},
 *      "denied": {KIND: "read" | "write"},   what the login may not
 *      "gaps": {KIND: [SCOPE]},              what cannot be seen
 *      "raw": {KIND: [{"kind", "key", "text"}]},  listed as it is
 *      "lacks": {KIND: {MEMBER: REASON}},    what cannot be held
 *      "never": {KIND: {KEY: REASON}},       what cannot be held at all
 *      "distorts": {KIND: {MEMBER: VALUE}},  what is written otherwise
 *      "fails": {KIND: {KEY: STATUS}},       what cannot be written
 *      "overtakes": {KIND: {KEY: DOCUMENT}}, what somebody else writes before
 *                                            it is read for the first time
 *      "logins": {KEY: SECRET}}              what robots really have
 *
 * Each write is a line in PATH.log, with its secrets.  With NAMELESS in the
 * environment it does not say who is asking.
 */
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-registry.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const hr_host *host;
static hr_module *module;

struct hr_registry {
    char *path;
    json_t *state;
    char name[4096]; /* of a file beside it */
};

static hr_status
fail(hr_call *call, hr_status status, const char *message)
{
    return host->call->fail(module, call, status, message);
}

static const char *
text_at(const json_t *at, const char *name)
{
    return json_string_value(json_object_get(at, name));
}

/* state[part][kind], or NULL. */
static json_t *
part_of(const hr_registry *registry, const char *part, const char *kind)
{
    return json_object_get(json_object_get(registry->state, part), kind);
}

static json_t *
find(const hr_registry *registry, const char *kind, const char *key)
{
    return json_object_get(part_of(registry, "documents", kind), key);
}

static hr_status
save(hr_registry *registry, hr_call *call)
{
    snprintf(registry->name, sizeof registry->name, "%s.new", registry->path);
    if (json_dump_file(registry->state, registry->name,
                       JSON_INDENT(1) | JSON_SORT_KEYS) != 0 ||
        rename(registry->name, registry->path) != 0)
        return fail(call, HR_LOCAL_RESOURCE, "the shelf cannot be written");
    return HR_OK;
}

/* ------------------------------------------------------------ as any other */

static hr_status
open_shelf(hr_call *call, hr_endpoint *endpoint, hr_registry **opened)
{
    hr_settings *settings = host->config->endpoint_settings(module, endpoint);
    const char *path = host->config->string(module, settings, "path");
    json_t *state = json_load_file(path, 0, NULL);
    hr_registry *registry = calloc(1, sizeof *registry);

    if (state == NULL || registry == NULL) {
        json_decref(state);
        free(registry);
        return fail(call, HR_CONFIG, "there is no such shelf");
    }
    registry->path = strdup(path);
    registry->state = state;
    *opened = registry;
    return HR_OK;
}

static void
close_shelf(hr_registry *registry)
{
    json_decref(registry->state);
    free(registry->path);
    free(registry);
}

static hr_status
probe(hr_registry *registry, hr_call *call)
{
    (void)registry;
    (void)call;
    return HR_OK;
}

static hr_status
list_repositories(hr_registry *registry, hr_call *call, hr_names *names)
{
    (void)registry;
    (void)call;
    (void)names;
    return HR_OK;
}

static hr_status
list_tags(hr_registry *registry, hr_call *call, const char *repository,
          hr_names *names)
{
    (void)registry;
    (void)repository;
    (void)names;
    return fail(call, HR_NOT_FOUND, "there is no content");
}

static hr_status
resolve(hr_registry *registry, hr_call *call,
        hr_manifest_query *const *queries, size_t count)
{
    (void)registry;
    (void)call;
    for (size_t i = 0; i < count; i++)
        queries[i]->status = HR_NOT_FOUND;
    return HR_OK;
}

static hr_status
get_manifest(hr_registry *registry, hr_call *call, const char *repository,
             const char *reference, uint64_t limit_bytes,
             hr_manifest_sink *sink)
{
    (void)registry;
    (void)repository;
    (void)reference;
    (void)limit_bytes;
    (void)sink;
    return fail(call, HR_NOT_FOUND, "there is no content");
}

static hr_status
put_manifest(hr_registry *registry, hr_call *call, hr_manifest_put *put)
{
    (void)registry;
    (void)put;
    return fail(call, HR_UNSUPPORTED, "a shelf takes no content");
}

static hr_status
stat_blobs(hr_registry *registry, hr_call *call, hr_blob_query *const *queries,
           size_t count)
{
    (void)registry;
    (void)call;
    for (size_t i = 0; i < count; i++)
        queries[i]->status = HR_NOT_FOUND;
    return HR_OK;
}

static hr_status
open_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
          hr_blob_source *source)
{
    (void)registry;
    (void)blob;
    (void)source;
    return fail(call, HR_NOT_FOUND, "there is no content");
}

static hr_status
create_blob(hr_registry *registry, hr_call *call, const hr_blob *blob,
            const char *mount_from, hr_blob_target *target)
{
    (void)registry;
    (void)blob;
    (void)mount_from;
    (void)target;
    return fail(call, HR_UNSUPPORTED, "a shelf takes no content");
}

/* --------------------------------------------------------------- documents */

static hr_status
identify(hr_registry *registry, hr_call *call, hr_identity *identity)
{
    const json_t *told = json_object_get(registry->state, "identity");
    json_int_t status = json_integer_value(json_object_get(told, "status"));

    if (status != HR_OK)
        return fail(call, (hr_status)status, text_at(told, "message"));
    strcpy(identity->principal, "a librarian");
    strcpy(identity->product, "Shelf 1");
    if (json_is_true(json_object_get(told, "read_only")))
        identity->flags |= HR_IDENTITY_READ_ONLY;
    return HR_OK;
}

static hr_status
knows(hr_registry *registry, hr_call *call, const char *kind, uint32_t access)
{
    const char *denied =
        text_at(json_object_get(registry->state, "denied"), kind);

    if (denied != NULL &&
        strcmp(denied, access == HR_ACCESS_READ ? "read" : "write") == 0)
        return fail(call, HR_AUTH_DENIED, "a librarian may not");
    return HR_OK;
}

static hr_status
give(hr_document_sink *sink, hr_call *call, const char *kind, const char *key,
     const json_t *one)
{
    json_t *secrets = json_object_get(one, "secrets");
    char *text = json_dumps(json_object_get(one, "document"), 0);
    char *told = secrets != NULL ? json_dumps(secrets, 0) : NULL;
    hr_document document = {
        .struct_size = sizeof document,
        .flags = text_at(one, "protected") != NULL ? HR_DOCUMENT_PROTECTED : 0,
        .kind = kind,
        .key = key,
        .text = text,
        .secrets = told,
        .reason = text_at(one, "protected"),
    };
    hr_status status = sink->take(sink, call, &document);

    free(text);
    free(told);
    return status;
}

static hr_status
give_raw(hr_document_sink *sink, hr_call *call, const json_t *list)
{
    hr_status status = HR_OK;
    size_t i;
    json_t *one;

    json_array_foreach ((json_t *)list, i, one) {
        hr_document document = {
            .struct_size = sizeof document,
            .kind = text_at(one, "kind"),
            .key = text_at(one, "key"),
            .text = text_at(one, "text"),
        };

        if (status == HR_OK)
            status = sink->take(sink, call, &document);
    }
    return status;
}

/* True for what belongs to one of the projects that are asked about, or to
 * none. */
static bool
is_asked(const hr_document_scope *scope, const char *key)
{
    size_t length = strcspn(key, "/");

    if (scope->projects == NULL || key[length] == '\0')
        return true;
    for (const char *const *name = scope->projects; *name != NULL; name++)
        if (strlen(*name) == length && strncmp(*name, key, length) == 0)
            return true;
    return false;
}

static hr_status
list_documents(hr_registry *registry, hr_call *call,
               const hr_document_scope *scope, hr_document_sink *sink)
{
    const char *kind = scope->kind;
    hr_status status = HR_OK;
    const char *key;
    json_t *one;
    size_t i;

    json_object_foreach (part_of(registry, "documents", kind), key, one)
        if (status == HR_OK && is_asked(scope, key))
            status = give(sink, call, kind, key, one);
    json_array_foreach (part_of(registry, "gaps", kind), i, one)
        sink->gap(sink, json_string_value(one), HR_AUTH_DENIED,
                  "a librarian may not look there");
    return status == HR_OK
               ? give_raw(sink, call, part_of(registry, "raw", kind))
               : status;
}

/* Somebody else is faster, once. */
static void
overtake(hr_registry *registry, const char *kind, const char *key)
{
    json_t *list = part_of(registry, "overtakes", kind);
    json_t *document = json_object_get(list, key);

    if (document == NULL)
        return;
    json_object_set_new(part_of(registry, "documents", kind), key,
                        json_pack("{s:O}", "document", document));
    json_object_del(list, key);
}

static hr_status
read_document(hr_registry *registry, hr_call *call, const char *kind,
              const char *key, hr_document_sink *sink)
{
    const json_t *one;

    overtake(registry, kind, key);
    one = find(registry, kind, key);
    if (one == NULL)
        return fail(call, HR_NOT_FOUND, "there is no such document");
    return give(sink, call, kind, key, one);
}

static void
fit_one(const hr_registry *registry, hr_document_fit *fit)
{
    const char *never =
        text_at(part_of(registry, "never", fit->kind), fit->key);
    json_t *wanted;
    const char *member;
    json_t *reason;
    char *text;

    fit->status = never != NULL ? HR_UNSUPPORTED : HR_OK;
    if (never != NULL) {
        snprintf(fit->message, sizeof fit->message, "%s", never);
        return;
    }
    wanted = json_loads(fit->text, 0, NULL);
    json_object_foreach (part_of(registry, "lacks", fit->kind), member,
                         reason) {
        char pointer[256];

        if (json_object_del(wanted, member) != 0)
            continue;
        snprintf(pointer, sizeof pointer, "/%s", member);
        fit->sink->lacks(fit->sink, pointer, json_string_value(reason));
    }
    text = json_dumps(wanted, 0);
    fit->sink->take(fit->sink, text);
    free(text);
    json_decref(wanted);
}

static hr_status
fit_documents(hr_registry *registry, hr_call *call,
              hr_document_fit *const *fits, size_t count)
{
    (void)call;
    for (size_t i = 0; i < count; i++)
        fit_one(registry, fits[i]);
    return HR_OK;
}

static void
note_write(hr_registry *registry, const hr_document_write *write)
{
    FILE *log;

    snprintf(registry->name, sizeof registry->name, "%s.log", registry->path);
    log = fopen(registry->name, "a");
    if (log == NULL)
        return;
    fprintf(log, "%s %s %s %s %s\n",
            write->action == HR_WRITE_CREATE ? "create" : "update",
            write->kind, write->key, write->text,
            write->secrets != NULL ? write->secrets : "-");
    fclose(log);
}

static json_t *
make_document(const hr_registry *registry, const hr_document_write *write)
{
    json_t *document = json_loads(write->text, 0, NULL);
    json_t *one = json_pack("{s:o}", "document", document);

    json_object_update(document, part_of(registry, "distorts", write->kind));
    return one;
}

static hr_status
write_document(hr_registry *registry, hr_call *call,
               const hr_document_write *write)
{
    json_t *documents = json_object_get(registry->state, "documents");
    const json_t *status =
        json_object_get(part_of(registry, "fails", write->kind), write->key);
    json_t *secrets;

    if (status != NULL)
        return fail(call, (hr_status)json_integer_value(status),
                    "it does not go on the shelf");
    if (write->action == HR_WRITE_CREATE &&
        find(registry, write->kind, write->key) != NULL)
        return fail(call, HR_CONFLICT, "there is one");
    note_write(registry, write);
    if (part_of(registry, "documents", write->kind) == NULL)
        json_object_set_new(documents, write->kind, json_object());
    json_object_set_new(part_of(registry, "documents", write->kind),
                        write->key, make_document(registry, write));
    if (write->secrets != NULL) {
        secrets = json_loads(write->secrets, 0, NULL);
        if (json_object_get(registry->state, "logins") == NULL)
            json_object_set_new(registry->state, "logins", json_object());
        json_object_set(json_object_get(registry->state, "logins"), write->key,
                        json_object_get(secrets, "/secret"));
        json_object_set(find(registry, write->kind, write->key), "secrets",
                        secrets);
        json_decref(secrets);
    }
    return save(registry, call);
}

static hr_status
check_secrets(hr_registry *registry, hr_call *call,
              hr_secret_check *const *checks, size_t count)
{
    (void)call;
    for (size_t i = 0; i < count; i++) {
        const char *real = text_at(json_object_get(registry->state, "logins"),
                                   checks[i]->key);
        json_t *told = json_loads(checks[i]->secrets, 0, NULL);
        const char *secret = text_at(told, "/secret");

        if (real == NULL || secret == NULL)
            checks[i]->status = HR_UNSUPPORTED;
        else
            checks[i]->status =
                strcmp(real, secret) == 0 ? HR_OK : HR_AUTH_DENIED;
        json_decref(told);
    }
    return HR_OK;
}

static hr_registry_ops ops = {
    .struct_size = sizeof ops,
    .open = open_shelf,
    .close = close_shelf,
    .probe = probe,
    .list_repositories = list_repositories,
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
    .fit_documents = fit_documents,
    .write_document = write_document,
    .check_secrets = check_secrets,
};

static const hr_option path_option = {
    .struct_size = sizeof path_option,
    .type = HR_OPTION_PATH,
    .flags = HR_OPTION_REQUIRED,
    .name = "path",
    .help = "The file that it is kept in.",
};

static const hr_option *const options[] = {&path_option, NULL};

/* What it learns is kept by the instance: one operation at a time. */
static const hr_provider provider = {
    .struct_size = sizeof provider,
    .kind = HR_KIND_REGISTRY,
    .name = "shelf",
    .summary = "Documents on a shelf.",
    .threads = HR_THREADS_PER_INSTANCE,
    .ops = &ops,
    .options = options,
};

static const hr_provider *const providers[] = {&provider, NULL};

static hr_status
init(const hr_host *given, hr_module *own)
{
    host = given;
    module = own;
    return HR_OK;
}

static const hr_plugin plugin = {
    .magic = HR_PLUGIN_MAGIC,
    .struct_size = sizeof plugin,
    .abi_major = HR_ABI_MAJOR,
    .abi_minor = HR_ABI_MINOR,
    .needs_minor = 0,
    .name = "registry-shelf",
    .version = "0.1.0",
    .licence = "LGPL-2.1-or-later",
    .summary = "For tests.",
    .providers = providers,
    .init = init,
};

HR_EXPORT const hr_plugin *
hr_plugin_entry_v1(void)
{
    if (getenv("NAMELESS") != NULL)
        ops.identify = NULL;
    return &plugin;
}
