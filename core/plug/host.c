/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host: the services that a plugin gets in init. */
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "config/settings.h"
#include "net/net.h"
#include "observe/metrics.h"
#include "plug/module.h"
#include "plug/names.h"
#include "work/call.h"

static const char *
module_name(const hr_module *module)
{
    return module != NULL ? module->plugin->name : "a plugin";
}

hr_status
hr_host_misused(hr_module *module, const char *what)
{
    hr_log(HR_LOG_ERROR, "%s breaks the plugin contract: %s",
           module_name(module), what);
    return HR_BUG;
}

/* ------------------------------------------------------------------ log */

static void
write_log(hr_module *module, uint32_t level, const char *message)
{
    if (message == NULL || level > HR_LOG_TRACE)
        hr_host_misused(module, "log.write without message, or of an unknown "
                                "level");
    else
        hr_log((int)level, "%s: %s", module_name(module), message);
}

static int32_t
log_enabled(hr_module *module, uint32_t level)
{
    (void)module;
    return level <= HR_LOG_TRACE && hr_log_enabled((int)level);
}

static const hr_host_log log_table = {
    .struct_size = sizeof log_table,
    .write = write_log,
    .enabled = log_enabled,
};

/* ----------------------------------------------------------------- call */

static hr_status
fail_call(hr_module *module, hr_call *call, hr_status status,
          const char *message)
{
    if (call == NULL || message == NULL || status <= HR_OK)
        return hr_host_misused(module, "call.fail without call, status or "
                                       "message");
    return hr_call_fail(call, status, message);
}

static int32_t
call_cancelled(hr_module *module, hr_call *call)
{
    (void)module;
    return call != NULL && hr_call_over(call);
}

static void
forgive_call(hr_module *module, hr_call *call)
{
    (void)module;
    if (call != NULL)
        hr_call_forgive(call);
}

static const char *
call_reason(hr_module *module, hr_call *call)
{
    (void)module;
    return call != NULL ? hr_call_reason(call) : "";
}

static void
hint_call(hr_module *module, hr_call *call, hr_eligibility eligibility,
          int64_t wait_ms)
{
    if (call == NULL || eligibility < 0 ||
        eligibility >= HR_ELIGIBILITY_COUNT || wait_ms < 0 ||
        wait_ms > INT64_MAX / 1000)
        hr_host_misused(module, "call.hint without call, of an unknown "
                                "eligibility or with a negative wait");
    else
        hr_call_hint(call, eligibility, wait_ms * 1000);
}

static const hr_host_call call_table = {
    .struct_size = sizeof call_table,
    .fail = fail_call,
    .cancelled = call_cancelled,
    .forgive = forgive_call,
    .reason = call_reason,
    .hint = hint_call,
};

/* --------------------------------------------------------------- config */

static const char *
endpoint_name(hr_module *module, hr_endpoint *endpoint)
{
    (void)module;
    return hr_endpoint_name(endpoint);
}

static hr_settings *
endpoint_settings(hr_module *module, hr_endpoint *endpoint)
{
    (void)module;
    return hr_endpoint_settings(endpoint);
}

static const char *
setting_string(hr_module *module, hr_settings *settings, const char *name)
{
    (void)module;
    return settings != NULL ? hr_settings_text(settings, name) : NULL;
}

static int64_t
setting_number(hr_module *module, hr_settings *settings, const char *name)
{
    (void)module;
    return settings != NULL ? hr_settings_number(settings, name) : 0;
}

static const char *
endpoint_username(hr_module *module, hr_endpoint *endpoint)
{
    if (endpoint != NULL)
        return hr_endpoint_username(endpoint);
    hr_host_misused(module, "config.endpoint_username without endpoint");
    return NULL;
}

static const hr_host_config config_table = {
    .struct_size = sizeof config_table,
    .endpoint_name = endpoint_name,
    .endpoint_settings = endpoint_settings,
    .string = setting_string,
    .number = setting_number,
    .endpoint_username = endpoint_username,
};

/* ---------------------------------------------------------------- names */

static hr_status
add_name(hr_module *module, hr_call *call, hr_names *names, const char *name)
{
    char *copy;

    if (call == NULL || names == NULL || name == NULL)
        return hr_host_misused(module, "names.add without call, list or name");
    if (!names->valid(name)) {
        g_autofree char *safe = hr_text_one_line(name);
        g_autofree char *message = g_strdup_printf(
            "the registry lists '%.300s', which is no valid %s", safe,
            names->what);

        return hr_call_fail(call, HR_INVALID, message);
    }
    if (g_hash_table_contains(names->known, name))
        return HR_OK;
    if (names->list->len >= HR_NAMES_LIMIT)
        return hr_call_fail(call, HR_INVALID,
                            "the registry lists more than 10 million names");
    copy = g_strdup(name);
    g_hash_table_add(names->known, copy);
    g_ptr_array_add(names->list, copy);
    return HR_OK;
}

static uint64_t
count_names(hr_module *module, hr_names *names)
{
    (void)module;
    return names != NULL ? names->list->len : 0;
}

static const hr_host_names names_table = {
    .struct_size = sizeof names_table,
    .add = add_name,
    .count = count_names,
};

/* --------------------------------------------------------------- digest */

static int32_t
digest_valid(hr_module *module, const char *text)
{
    (void)module;
    return hr_digest_valid(text);
}

static hr_hash *
start_hash(hr_module *module, const char *like)
{
    (void)module;
    return (hr_hash *)hr_hash_new(like);
}

static void
update_hash(hr_module *module, hr_hash *hash, const void *data,
            uint64_t size_bytes)
{
    if (hash == NULL || (data == NULL && size_bytes > 0))
        hr_host_misused(module, "digest.update without hash or data");
    else
        hr_hash_update((HrHash *)hash, data, (size_t)size_bytes);
}

static void
finish_hash(hr_module *module, hr_hash *hash, char digest[HR_DIGEST_CAPACITY])
{
    (void)module;
    if (hash != NULL && digest != NULL)
        hr_hash_finish((HrHash *)hash, digest);
    hr_hash_free((HrHash *)hash);
}

static const hr_host_digest digest_table = {
    .struct_size = sizeof digest_table,
    .valid = digest_valid,
    .start = start_hash,
    .update = update_hash,
    .finish = finish_hash,
};

/* --------------------------------------------------------------- metric */

static void
count_metric(hr_module *module, const char *name, const char *help,
             uint64_t increment)
{
    static const char *const labels[] = {"plugin", NULL};
    const char *const values[] = {module_name(module), NULL};
    g_autofree char *full = NULL;

    if (module == NULL || name == NULL || help == NULL ||
        !g_str_has_suffix(name, "_total") ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") !=
            strlen(name)) {
        hr_host_misused(module, "metric.count of a bad name, or without help");
        return;
    }
    full = g_strconcat("harbor_replicator_plugin_", name, NULL);
    hr_sample_add(hr_metric_sample(hr_metric_declare(HR_METRIC_COUNTER, full,
                                                     help, labels, NULL, 0),
                                   values),
                  increment);
}

static const hr_host_metric metric_table = {
    .struct_size = sizeof metric_table,
    .count = count_metric,
};

/* ----------------------------------------------------------------- host */

const hr_host *
hr_host_table(void)
{
    static const hr_host host = {
        .struct_size = sizeof host,
        .abi_minor = HR_ABI_MINOR,
        .version = PACKAGE_VERSION,
        .log = &log_table,
        .call = &call_table,
        .config = &config_table,
        .names = &names_table,
        .http = &hr_host_http_table,
        .blob = &hr_host_blob_table,
        .digest = &digest_table,
        .metric = &metric_table,
    };

    return &host;
}
