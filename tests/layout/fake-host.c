/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: the services, as simple as they can be. */
#include "fake-host.h"

#include <pthread.h>
#include <string.h>

struct hr_hash {
    GChecksum *checksum;
};

typedef struct FakeManifestSink {
    hr_manifest_sink sink;
    char *text;
} FakeManifestSink;

static const hr_registry_ops *ops;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GString *log_text;
static GHashTable *metrics;

/* ------------------------------------------------------------- services */

static void
log_write(hr_module *module, uint32_t level, const char *message)
{
    (void)module;
    if (level > HR_LOG_WARNING)
        return;
    pthread_mutex_lock(&lock);
    if (log_text == NULL)
        log_text = g_string_new(NULL);
    g_string_append_printf(log_text, "%s\n", message);
    pthread_mutex_unlock(&lock);
}

static int32_t
log_enabled(hr_module *module, uint32_t level)
{
    (void)module;
    return level <= HR_LOG_INFO;
}

char *
fake_log_take(void)
{
    char *text;

    pthread_mutex_lock(&lock);
    text = log_text != NULL ? g_string_free(log_text, FALSE) : g_strdup("");
    log_text = NULL;
    pthread_mutex_unlock(&lock);
    return text;
}

static hr_status
call_fail(hr_module *module, hr_call *call, hr_status status,
          const char *message)
{
    (void)module;
    g_assert_cmpint(status, !=, HR_OK);
    /* The plugin may hand back what `reason` lent it. */
    memmove(call->reason, message,
            MIN(strlen(message) + 1, sizeof call->reason));
    call->reason[sizeof call->reason - 1] = '\0';
    call->status = status;
    return status;
}

static int32_t
call_cancelled(hr_module *module, hr_call *call)
{
    (void)module;
    return atomic_load(&call->cancelled);
}

static void
call_forgive(hr_module *module, hr_call *call)
{
    (void)module;
    call->status = HR_OK;
    call->reason[0] = '\0';
}

static const char *
call_reason(hr_module *module, hr_call *call)
{
    (void)module;
    return call->reason;
}

static const char *
endpoint_name(hr_module *module, hr_endpoint *endpoint)
{
    (void)module, (void)endpoint;
    return "fake";
}

static hr_settings *
endpoint_settings(hr_module *module, hr_endpoint *endpoint)
{
    (void)module;
    return (hr_settings *)endpoint;
}

static const FakeSetting *
find_setting(hr_settings *settings, const char *name)
{
    const FakeSetting *at = ((hr_endpoint *)settings)->settings;

    while (at->name != NULL && strcmp(at->name, name) != 0)
        at++;
    return at;
}

static const char *
config_string(hr_module *module, hr_settings *settings, const char *name)
{
    (void)module;
    return find_setting(settings, name)->text;
}

static int64_t
config_number(hr_module *module, hr_settings *settings, const char *name)
{
    (void)module;
    return find_setting(settings, name)->number;
}

static hr_status
names_add(hr_module *module, hr_call *call, hr_names *names, const char *name)
{
    (void)module, (void)call;
    g_ptr_array_add(names->list, g_strdup(name));
    return HR_OK;
}

static uint64_t
names_count(hr_module *module, hr_names *names)
{
    (void)module;
    return names->list->len;
}

static hr_status
source_reader(hr_module *module, hr_blob_source *source,
              hr_blob_reader *reader)
{
    (void)module;
    source->reader = reader;
    return HR_OK;
}

static hr_status
target_writer(hr_module *module, hr_blob_target *target,
              hr_blob_writer *writer)
{
    (void)module;
    target->writer = writer;
    return HR_OK;
}

static hr_status
target_present(hr_module *module, hr_blob_target *target, int32_t mounted)
{
    (void)module;
    target->present = true;
    target->mounted = mounted != 0;
    return HR_OK;
}

static int32_t
digest_valid(hr_module *module, const char *text)
{
    (void)module;
    return g_str_has_prefix(text, "sha256:") && strlen(text) == 71 &&
           strspn(text + 7, "0123456789abcdef") == 64;
}

static hr_hash *
digest_start(hr_module *module, const char *like)
{
    hr_hash *hash = g_new(hr_hash, 1);

    (void)module, (void)like;
    hash->checksum = g_checksum_new(G_CHECKSUM_SHA256);
    return hash;
}

static void
digest_update(hr_module *module, hr_hash *hash, const void *data,
              uint64_t size)
{
    (void)module;
    g_checksum_update(hash->checksum, data, (gssize)size);
}

static void
digest_finish(hr_module *module, hr_hash *hash,
              char digest[HR_DIGEST_CAPACITY])
{
    (void)module;
    if (digest != NULL)
        g_snprintf(digest, HR_DIGEST_CAPACITY, "sha256:%s",
                   g_checksum_get_string(hash->checksum));
    g_checksum_free(hash->checksum);
    g_free(hash);
}

static void
metric_count(hr_module *module, const char *name, const char *help,
             uint64_t increment)
{
    (void)module, (void)help;
    pthread_mutex_lock(&lock);
    if (metrics == NULL)
        metrics = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(
        metrics, (gpointer)name,
        GSIZE_TO_POINTER(GPOINTER_TO_SIZE(g_hash_table_lookup(metrics, name)) +
                         increment));
    pthread_mutex_unlock(&lock);
}

uint64_t
fake_metric(const char *name)
{
    return metrics == NULL
               ? 0
               : GPOINTER_TO_SIZE(g_hash_table_lookup(metrics, name));
}

static const hr_host_log host_log = {
    .struct_size = sizeof host_log,
    .write = log_write,
    .enabled = log_enabled,
};
static const hr_host_call host_call = {
    .struct_size = sizeof host_call,
    .fail = call_fail,
    .cancelled = call_cancelled,
    .forgive = call_forgive,
    .reason = call_reason,
};
static const hr_host_config host_config = {
    .struct_size = sizeof host_config,
    .endpoint_name = endpoint_name,
    .endpoint_settings = endpoint_settings,
    .string = config_string,
    .number = config_number,
};
static const hr_host_names host_names = {
    .struct_size = sizeof host_names,
    .add = names_add,
    .count = names_count,
};
static const hr_host_blob host_blob = {
    .struct_size = sizeof host_blob,
    .source_reader = source_reader,
    .target_writer = target_writer,
    .target_present = target_present,
};
static const hr_host_digest host_digest = {
    .struct_size = sizeof host_digest,
    .valid = digest_valid,
    .start = digest_start,
    .update = digest_update,
    .finish = digest_finish,
};
static const hr_host_metric host_metric = {
    .struct_size = sizeof host_metric,
    .count = metric_count,
};
static const hr_host fake_host = {
    .struct_size = sizeof fake_host,
    .abi_minor = HR_ABI_MINOR,
    .version = "0",
    .log = &host_log,
    .call = &host_call,
    .config = &host_config,
    .names = &host_names,
    .blob = &host_blob,
    .digest = &host_digest,
    .metric = &host_metric,
};

/* ---------------------------------------------------------- what it does */

const hr_registry_ops *
fake_host_start(const hr_plugin *plugin)
{
    g_assert_true(plugin->magic == HR_PLUGIN_MAGIC);
    g_assert_cmpint(plugin->init(&fake_host, NULL), ==, HR_OK);
    ops = plugin->providers[0]->ops;
    return ops;
}

hr_registry *
fake_host_open(const FakeSetting *settings)
{
    hr_endpoint endpoint = {.settings = settings};
    hr_registry *registry = NULL;
    hr_call call = {0};

    g_assert_cmpint(ops->open(&call, &endpoint, &registry), ==, HR_OK);
    return registry;
}

char *
fake_digest(const void *bytes, size_t size)
{
    g_autofree char *hex =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, size);

    return g_strconcat("sha256:", hex, NULL);
}

/* In two pieces, so that appending is seen. */
static hr_status
send_bytes(hr_registry *registry, hr_call *call, hr_blob_writer *writer,
           const char *bytes, size_t size)
{
    hr_status status =
        ops->write_blob(registry, call, writer, bytes, size / 2);

    if (status == HR_OK)
        status = ops->write_blob(registry, call, writer, bytes + size / 2,
                                 size - size / 2);
    if (status == HR_OK)
        return ops->commit_blob(registry, call, writer);
    ops->abort_blob(registry, call, writer);
    return status;
}

hr_status
fake_push_blob(hr_registry *registry, hr_call *call, const char *repository,
               const char *bytes, size_t size, const char *mount_from,
               FakePush *push)
{
    g_autofree char *digest = fake_digest(bytes, size);
    hr_blob blob = {
        .struct_size = sizeof blob,
        .repository = repository,
        .digest = digest,
        .size = size,
    };
    hr_blob_target target = {0};
    hr_status status =
        ops->create_blob(registry, call, &blob, mount_from, &target);
    FakePush unused;

    if (push == NULL)
        push = &unused;
    if (status != HR_OK)
        return status;
    g_assert_true(target.present == (target.writer == NULL));
    *push = target.mounted   ? PUSH_MOUNTED
            : target.present ? PUSH_PRESENT
                             : PUSH_SENT;
    if (target.present)
        return HR_OK;
    return send_bytes(registry, call, target.writer, bytes, size);
}

hr_status
fake_push_manifest(hr_registry *registry, hr_call *call,
                   const char *repository, const char *reference,
                   const char *manifest)
{
    g_autofree char *digest = fake_digest(manifest, strlen(manifest));

    hr_manifest_put put = {
        .struct_size = sizeof put,
        .repository = repository,
        .reference = reference != NULL ? reference : digest,
        .digest = digest,
        .media_type = "application/vnd.oci.image.manifest.v1+json",
        .bytes = manifest,
        .size_bytes = strlen(manifest),
    };

    return ops->put_manifest(registry, call, &put);
}

hr_status
fake_pull_blob(hr_registry *registry, hr_call *call, const char *repository,
               const char *digest, uint64_t size, GString *bytes)
{
    hr_blob blob = {
        .struct_size = sizeof blob,
        .repository = repository,
        .digest = digest,
        .size = size,
    };
    hr_blob_source source = {0};
    hr_status status = ops->open_blob(registry, call, &blob, &source);
    char buffer[1000];
    size_t got = 1;

    if (status != HR_OK)
        return status;
    while (status == HR_OK && got > 0) {
        status = ops->read_blob(registry, call, source.reader, buffer,
                                sizeof buffer, &got);
        if (status == HR_OK)
            g_string_append_len(bytes, buffer, (gssize)got);
    }
    ops->close_blob(registry, source.reader);
    return status;
}

static void
take(hr_manifest_sink *sink, const char *media_type, const void *bytes,
     uint64_t size)
{
    FakeManifestSink *own = (FakeManifestSink *)sink;

    g_assert_null(own->text);
    g_assert_cmpstr(media_type, !=, "");
    own->text = g_strndup(bytes, size);
}

hr_status
fake_pull_manifest(hr_registry *registry, hr_call *call,
                   const char *repository, const char *reference, char **text)
{
    FakeManifestSink sink = {.sink = {sizeof sink.sink, 0, take}};
    hr_status status = ops->get_manifest(registry, call, repository, reference,
                                         4 * 1024 * 1024, &sink.sink);

    g_assert_true((status == HR_OK) == (sink.text != NULL));
    *text = sink.text;
    return status;
}

hr_status
fake_resolve(hr_registry *registry, hr_call *call, const char *repository,
             const char *reference, hr_manifest_query *query)
{
    hr_manifest_query *queries[] = {query};

    *query = (hr_manifest_query){
        .struct_size = sizeof *query,
        .repository = repository,
        .reference = reference,
    };
    g_assert_cmpint(ops->resolve(registry, call, queries, 1), ==, HR_OK);
    g_assert_cmpint(call->status, ==, HR_OK);
    return query->status;
}

/* Takes the list as text. */
typedef struct ListTaker {
    hr_manifest_sink sink;
    char *text;
} ListTaker;

static void
take_list(hr_manifest_sink *sink, const char *media_type, const void *bytes,
          uint64_t size_bytes)
{
    ListTaker *taker = (ListTaker *)sink;

    g_assert_cmpstr(media_type, ==, "application/vnd.oci.image.index.v1+json");
    g_assert_null(taker->text);
    taker->text = g_strndup(bytes, (gsize)size_bytes);
}

char *
fake_referrers(hr_registry *registry, hr_call *call, const char *repository,
               const char *digest)
{
    ListTaker taker = {
        .sink = {.struct_size = sizeof(hr_manifest_sink), .take = take_list},
    };
    hr_referrers_query query = {
        .struct_size = sizeof query,
        .repository = repository,
        .digest = digest,
        .sink = &taker.sink,
        .status = HR_BUG,
    };
    hr_referrers_query *queries[] = {&query};
    GString *names = g_string_new(NULL);
    const char *at = taker.text;

    g_assert_cmpint(ops->list_referrers(registry, call, queries, 1), ==,
                    HR_OK);
    at = taker.text;
    while (at != NULL && (at = strstr(at, "\"digest\":\"")) != NULL) {
        at += strlen("\"digest\":\"");
        g_string_append_printf(names, "%s%.*s", names->len > 0 ? " " : "",
                               (int)strcspn(at, "\""), at);
    }
    g_free(taker.text);
    return g_string_free(names, query.status != HR_OK);
}

hr_status
fake_stat(hr_registry *registry, hr_call *call, const char *repository,
          const char *digest, uint64_t size)
{
    hr_blob_query query = {
        .struct_size = sizeof query,
        .repository = repository,
        .digest = digest,
        .size = size,
    };
    hr_blob_query *queries[] = {&query};

    g_assert_cmpint(ops->stat_blobs(registry, call, queries, 1), ==, HR_OK);
    return query.status;
}

static int
compare_names(gconstpointer one, gconstpointer other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

char *
fake_list(hr_registry *registry, hr_call *call, const char *repository)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    hr_names names = {.list = list};
    hr_status status = repository != NULL
                           ? ops->list_tags(registry, call, repository, &names)
                           : ops->list_repositories(registry, call, &names);

    if (status != HR_OK)
        return NULL;
    g_ptr_array_sort(list, compare_names);
    g_ptr_array_add(list, NULL);
    return g_strjoinv(" ", (char **)list->pdata);
}
