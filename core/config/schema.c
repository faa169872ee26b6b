/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schema: the one table of what a configuration may say. */
#include "config/schema.h"

#include <glib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "model/robot-secret.h"

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)
#define GIGABYTE (INT64_C(1) << 30)
#define TERABYTE (INT64_C(1) << 40)

#define KEY(parent, name, type, fallback, minimum, maximum, help)             \
    {                                                                         \
        parent, name, HR_SCHEMA_##type, false, false, fallback, minimum,      \
            maximum, help                                                     \
    }
#define NEEDED(parent, name, type, help)                                      \
    {                                                                         \
        parent, name, HR_SCHEMA_##type, true, false, NULL, 0, 0, help         \
    }
/* A group that also takes the options of the plugin that it names. */
#define OPEN(parent, name, type, help)                                        \
    {                                                                         \
        parent, name, HR_SCHEMA_##type, false, true, NULL, 0, 0, help         \
    }

#define FILTER(parent, name, help)                                            \
    KEY(parent, name, GROUP, NULL, 0, 0, help),                               \
        KEY(parent "." name, "names", STRINGS, NULL, 0, 0,                    \
            "Exactly these; nothing is listed."),                             \
        KEY(parent "." name, "allow", STRINGS, NULL, 0, 0,                    \
            "Anchored regular expressions; left out: all."),                  \
        KEY(parent "." name, "deny", STRINGS, NULL, 0, 0,                     \
            "Anchored regular expressions; deny wins.")
#define FILTERS(parent)                                                       \
    FILTER(                                                                   \
        parent, "projects",                                                   \
        "Which projects are wanted: what repositories' names begin with."),   \
        FILTER(parent, "repositories", "Which repositories are wanted."),     \
        FILTER(parent, "tags", "Which tags are wanted."),                     \
        KEY(parent ".tags", "semver", STRING, NULL, 0, 0,                     \
            "Range of versions: \">=1.2, <2\", \"^1.4\"; tags that are none " \
            "are out."),                                                      \
        KEY(parent ".tags", "prereleases", BOOLEAN, "false", 0, 0,            \
            "Pre-releases lie in ranges that name none."),                    \
        KEY(parent ".tags", "min_age", DURATION, NULL, 1000, 36500 * DAY,     \
            "Images created later are out; those that do not say when, "      \
            "too."),                                                          \
        KEY(parent ".tags", "max_age", DURATION, NULL, 1000, 36500 * DAY,     \
            "Images created earlier are out; those that do not say when, "    \
            "too."),                                                          \
        KEY(parent ".tags", "sort", STRING, "semver", 0, 0,                   \
            "What latest goes by: semver, alphabetical or created."),         \
        KEY(parent ".tags", "latest", INTEGER, NULL, 1, 1000000,              \
            "So many tags of each repository, after all other rules."),       \
        KEY(parent ".tags", "immutable", STRINGS, NULL, 0, 0,                 \
            "Anchored regular expressions of tags that never move, as the "   \
            "owner of the registry promises: once on the target, nobody is "  \
            "asked about them."),                                             \
        KEY(parent, "platforms", STRINGS, NULL, 0, 0,                         \
            "Images wanted of an index: \"linux/amd64\", "                    \
            "\"linux/arm64/v8\"; "                                            \
            "left out: all.  The index itself stays as it is."),              \
        KEY(parent, "sparse_index", STRING, "complete", 0, 0,                 \
            "Where a registry takes no index without all of its images: "     \
            "complete brings them after all, fail says so.")

/* Numbers without a default here have the preset's; `policy show` tells.
 * Those with one have it from the preset `default`, and say it here for who
 * reads the schema; test-config compares. */
#define RETRY(parent)                                                         \
    KEY(parent, "preset", STRING, NULL, 0, 0,                                 \
        "Set of numbers to start from; see policy show."),                    \
        KEY(parent, "attempts", INTEGER, NULL, 1, 10,                         \
            "Attempts at what may be repeated, all in all."),                 \
        KEY(parent, "base", DURATION, NULL, 1, 10 * MINUTE,                   \
            "First delay between attempts."),                                 \
        KEY(parent, "throttled_base", DURATION, NULL, 1, 10 * MINUTE,         \
            "The same when the server asks for fewer requests."),             \
        KEY(parent, "cap", DURATION, NULL, 1, 60 * MINUTE, "Longest delay."), \
        KEY(parent, "multiplier", NUMBER, NULL, 1, 10,                        \
            "Each delay is so many times the one before."),                   \
        KEY(parent, "jitter", STRING, NULL, 0, 0,                             \
            "How delays are spread: none, full, equal or decorrelated."),     \
        KEY(parent, "throttled_jitter", STRING, NULL, 0, 0,                   \
            "The same when the server asks for fewer requests."),             \
        KEY(parent, "deadline", DURATION, NULL, 0, DAY,                       \
            "Longest time for all attempts; 0s: no limit."),                  \
        KEY(parent, "timeout", DURATION, NULL, 100, 60 * MINUTE,              \
            "Longest attempt at a metadata request."),                        \
        KEY(parent, "park", DURATION, NULL, 0, 60 * MINUTE,                   \
            "Longer waits give the worker to other jobs."),                   \
        KEY(parent, "retry_after_cap", DURATION, NULL, 0, DAY,                \
            "Longest wait that a server may ask for.")

#define BREAKER(parent)                                                       \
    KEY(parent, "mode", STRING, NULL, 0, 0,                                   \
        "on, retry-only, report or off."),                                    \
        KEY(parent, "failure_rate", NUMBER, NULL, 1, 100,                     \
            "Percent of failures that opens it."),                            \
        KEY(parent, "connect_failures", INTEGER, NULL, 0, 1000,               \
            "Failed connections in a row that open it; 0: none do."),         \
        KEY(parent, "slow_rate", NUMBER, NULL, 0, 100,                        \
            "Percent of slow calls that opens it; 0: none does."),            \
        KEY(parent, "slow", DURATION, NULL, 0, 60 * MINUTE,                   \
            "A call that takes longer is slow."),                             \
        KEY(parent, "window", DURATION, NULL, 1000, 60 * MINUTE,              \
            "Time that the rates are counted over."),                         \
        KEY(parent, "window_calls", INTEGER, NULL, 1, 10000,                  \
            "Number of calls instead of a time."),                            \
        KEY(parent, "minimum_calls", INTEGER, NULL, 1, 10000,                 \
            "Calls in the window before rates count."),                       \
        KEY(parent, "open", DURATION, NULL, 1, 60 * MINUTE,                   \
            "How long it stays open first; doubles each time."),              \
        KEY(parent, "open_cap", DURATION, NULL, 1, DAY,                       \
            "Longest time that it stays open."),                              \
        KEY(parent, "open_jitter", NUMBER, NULL, 0, 1,                        \
            "Share by which that time is spread."),                           \
        KEY(parent, "calm", DURATION, NULL, 0, DAY,                           \
            "Closed so long, the next opening is a first one."),              \
        KEY(parent, "probes", INTEGER, NULL, 1, 100,                          \
            "Requests let in to find out whether it is well."),               \
        KEY(parent, "successes", INTEGER, NULL, 1, 100,                       \
            "Of those, how many must succeed."),                              \
        KEY(parent, "probe_timeout", DURATION, NULL, 1, 60 * MINUTE,          \
            "Without a decision in that time it opens again.")

#define BUDGET(parent)                                                        \
    KEY(parent, "tokens", INTEGER, NULL, 0, 1000000,                          \
        "What retries are paid from; 0: they cost nothing."),                 \
        KEY(parent, "cost", INTEGER, NULL, 0, 1000000, "Of one retry."),      \
        KEY(parent, "throttled_cost", INTEGER, NULL, 0, 1000000,              \
            "Of a retry that the server asked for."),                         \
        KEY(parent, "refund", INTEGER, NULL, 0, 1000000,                      \
            "For a request that succeeds at once."),                          \
        KEY(parent, "concurrent", INTEGER, NULL, 1, 256,                      \
            "Retries at the same time, at least."),                           \
        KEY(parent, "concurrent_percent", INTEGER, NULL, 0, 100,              \
            "Or so many percent of what is in flight.")

#define HEDGE(parent)                                                         \
    KEY(parent, "on", BOOLEAN, NULL, 0, 0,                                    \
        "Ask small things a second time when the answer is late."),           \
        KEY(parent, "delay", DURATION, NULL, 1, 60 * MINUTE,                  \
            "At least so late; else later than 19 of 20 answers."),           \
        KEY(parent, "samples", INTEGER, NULL, 10, 100000,                     \
            "Answers to learn from before the first."),                       \
        KEY(parent, "percent", NUMBER, NULL, 0, 50,                           \
            "Of the requests, at most."),                                     \
        KEY(parent, "burst", INTEGER, NULL, 1, 1000, "Of them at once."),     \
        KEY(parent, "body_limit", SIZE, NULL, 1, GIGABYTE,                    \
            "Larger answers are not asked for twice.")

#define CLASS(parent, name, help)                                             \
    KEY(parent ".classes", name, GROUP, NULL, 0, 0, help),                    \
        RETRY(parent ".classes." name)

#define ERROR_RULES(parent)                                                   \
    KEY(parent, "errors", LIST, NULL, 0, 0,                                   \
        "What answers of this registry mean, where it differs."),             \
        KEY(parent ".errors[]", "status", INTEGER, "0", 400, 599,             \
            "HTTP status; left out: any."),                                   \
        KEY(parent ".errors[]", "code", STRING, NULL, 0, 0,                   \
            "Error code of the body; left out: any."),                        \
        NEEDED(parent ".errors[]", "category", STRING,                        \
               "What it is: transient, throttled, quota, immutable, ..."),    \
        KEY(parent ".errors[]", "eligibility", STRING, NULL, 0, 0,            \
            "What may be done: never, if-idempotent, after, park, ...")

#define POLICY(parent)                                                        \
    RETRY(parent),                                                            \
        KEY(parent, "requests", INTEGER, "16", 1, 256,                        \
            "Metadata requests in flight, at most."),                         \
        KEY(parent, "transfers", INTEGER, "4", 1, 64,                         \
            "Blobs in flight, at most; four of up to 64 KiB count as one, "   \
            "and those that wait for their other end do not count."),         \
        KEY(parent, "adaptive", BOOLEAN, NULL, 0, 0,                          \
            "Take fewer where more does no good."),                           \
        KEY(parent, "rate", NUMBER, NULL, 0, 1000000,                         \
            "Requests a second; 0: no limit."),                               \
        KEY(parent, "burst", NUMBER, NULL, 1, 1000000, "Of them at once."),   \
        KEY(parent, "bandwidth", SIZE, NULL, 0, TERABYTE,                     \
            "Bytes of blobs a second; 0: no limit."),                         \
        KEY(parent, "learn", BOOLEAN, NULL, 0, 0,                             \
            "Slow down when the server says so."),                            \
        KEY(parent, "adapt_delays", BOOLEAN, NULL, 0, 0,                      \
            "Stretch delays while failures go on."),                          \
        KEY(parent, "connect_timeout", DURATION, "10s", 100, 10 * MINUTE,     \
            "Longest wait for a connection."),                                \
        KEY(parent, "stall", DURATION, "30s", 1000, DAY,                      \
            "A blob that moves less than 1 KiB/s for so long is given up."),  \
        KEY(parent, "patience", DURATION, "1m", 0, DAY,                       \
            "How long a job may wait for better times in one pass."),         \
        KEY(parent, "budget", GROUP, NULL, 0, 0,                              \
            "What all retries of the endpoint are paid from."),               \
        BUDGET(parent ".budget"),                                             \
        KEY(parent, "breaker", GROUP, NULL, 0, 0,                             \
            "When to stop asking an endpoint that keeps failing."),           \
        BREAKER(parent ".breaker"),                                           \
        KEY(parent, "hedge", GROUP, NULL, 0, 0,                               \
            "Asking a second time when the answer is late."),                 \
        HEDGE(parent ".hedge"),                                               \
        KEY(parent, "classes", GROUP, NULL, 0, 0,                             \
            "Retries of one class of operations."),                           \
        CLASS(parent, "auth", "Tokens."),                                     \
        CLASS(parent, "read", "GET and HEAD of metadata."),                   \
        CLASS(parent, "write", "POST, PUT, PATCH, DELETE of metadata."),      \
        CLASS(parent, "blob", "Bodies of blobs, both ways."),                 \
        ERROR_RULES(parent)

#define PASSWORD_HELP                                                         \
    "Where the password is: env:NAME, file:/PATH, cred:NAME or exec:HELPER."

const HrSchemaKey hr_schema[] = {
    KEY("", "workers", INTEGER, "16", 1, 256,
        "Threads that carry out the work of one sync."),
    KEY("", "loops", INTEGER, "2", 1, 16, "Threads that move bytes."),
    KEY("", "parallel_syncs", INTEGER, "4", 1, 64,
        "Syncs that run at once; the others follow."),
    KEY("", "allow_inline_secrets", BOOLEAN, "false", 0, 0,
        "Accept passwords in this file instead of references."),
    KEY("", "bandwidth", SIZE, "0", 0, TERABYTE,
        "Bytes of blobs a second, over all endpoints and both directions; 0: "
        "no limit."),
    KEY("", "profile", STRING, "production", 0, 0,
        "Defaults of all policies: production, development or ci."),
    KEY("", "policies", LIST, NULL, 0, 0,
        "Named policies that endpoints refer to."),
    NEEDED("policies[]", "name", STRING, "The name to refer to."),
    POLICY("policies[]"),
    KEY("", "authfile", STRING, NULL, 0, 0,
        "File with saved logins, for endpoints without a username; left out: "
        "$REGISTRY_AUTH_FILE, then those of podman and docker; \"\": none."),
    KEY("", "credentials", LIST, NULL, 0, 0,
        "Named credentials that endpoints refer to."),
    NEEDED("credentials[]", "name", STRING, "The name to refer to."),
    NEEDED("credentials[]", "username", STRING, "User or robot account."),
    NEEDED("credentials[]", "password", STRING, PASSWORD_HELP),
    KEY("", "selects", LIST, NULL, 0, 0,
        "Named selections that syncs refer to."),
    NEEDED("selects[]", "name", STRING, "The name to refer to."),
    FILTERS("selects[]"),
    NEEDED("", "endpoints", LIST, "The registries."),
    NEEDED("endpoints[]", "name", STRING, "The name that syncs refer to."),
    NEEDED("endpoints[]", "type", STRING,
           "Kind of registry: the NAME of a plugin registry-NAME."),
    KEY("endpoints[]", "url", STRING, NULL, 0, 0,
        "Address: https://HOST[:PORT][/PATH] or http://."),
    KEY("endpoints[]", "username", STRING, NULL, 0, 0,
        "User or robot account; left out: anonymous."),
    KEY("endpoints[]", "password", STRING, NULL, 0, 0, PASSWORD_HELP),
    KEY("endpoints[]", "credentials", STRING, NULL, 0, 0,
        "Name of an entry of credentials, instead of username and "
        "password."),
    KEY("endpoints[]", "token_hosts", STRINGS, NULL, 0, 0,
        "Hosts of token servers, beside the registry's own, that may get the "
        "password: \"HOST\" or \"HOST:PORT\"."),
    KEY("endpoints[]", "allow_private", BOOLEAN, "false", 0, 0,
        "It may send us to private addresses (redirects, token servers) even "
        "if its own are public."),
    KEY("endpoints[]", "http2", BOOLEAN, "true", 0, 0,
        "HTTP/2 is used where the registry offers it (never for the bytes of "
        "blobs)."),
    KEY("endpoints[]", "tls", GROUP, NULL, 0, 0, "Trust."),
    KEY("endpoints[].tls", "ca", STRING, NULL, 0, 0,
        "File with the CA certificates to trust; left out: the system's."),
    KEY("endpoints[].tls", "cert", STRING, NULL, 0, 0,
        "File with the client's certificate; left out: none."),
    KEY("endpoints[].tls", "key", STRING, NULL, 0, 0,
        "File with the key of the client's certificate."),
    KEY("endpoints[].tls", "insecure", BOOLEAN, "false", 0, 0,
        "Do not verify certificates; warned about at every run."),
    KEY("endpoints[]", "policy", GROUP, NULL, 0, 0,
        "Limits and patience, or the name of an entry of policies."),
    POLICY("endpoints[].policy"),
    KEY("", "syncs", LIST, NULL, 0, 0, "What is replicated where."),
    NEEDED("syncs[]", "name", STRING, "The name to call it by."),
    NEEDED("syncs[]", "source", STRING, "Name of the endpoint to read."),
    NEEDED("syncs[]", "target", STRING, "Name of the endpoint to write."),
    KEY("syncs[]", "mode", STRING, "one-way", 0, 0,
        "one-way: the target follows the source."),
    KEY("syncs[]", "kinds", STRINGS, NULL, 0, 0,
        "Kinds of items: tag, project, member, robot, ... (doc/kinds); left "
        "out: all that both ends have, but for user."),
    KEY("syncs[]", "escalation", STRING, "mark", 0, 0,
        "A change that gives somebody rights that he did not have: mark (it "
        "is made, and told), refuse or allow."),
    KEY("syncs[]", "select", GROUP, NULL, 0, 0,
        "What is wanted, or the name of an entry of selects."),
    FILTERS("syncs[].select"),
    KEY("syncs[]", "referrers", BOOLEAN, "true", 0, 0,
        "Signatures, SBOMs and the like come with what they refer to, also "
        "past the rules for tags; false: only what the rules select."),
    KEY("syncs[]", "rename", GROUP, NULL, 0, 0,
        "What repositories are called on the target; left out: the same."),
    KEY("syncs[].rename", "strip", STRING, NULL, 0, 0,
        "Taken from the front of a name that begins so: \"library/\"."),
    KEY("syncs[].rename", "prefix", STRING, NULL, 0, 0,
        "Put before the name: \"mirror/\"."),
    KEY("syncs[].rename", "template", STRING, NULL, 0, 0,
        "The whole name, with {repository}, {namespace} and {basename}; in "
        "the place of prefix."),
    KEY("syncs[]", "foreign_layers", STRING, "skip", 0, 0,
        "Layers that registries do not distribute (Windows): skip, or include "
        "from the source or from the https addresses in the manifest."),
    KEY("syncs[]", "robot_secrets", GROUP, NULL, 0, 0,
        "The secrets of robot accounts, which no registry gives out."),
    KEY("syncs[].robot_secrets", "from", STRING, "keep", 0, 0,
        "keep: each endpoint has its own; report: likewise, and it is told; "
        "file, env, exec, derive: they are the same at both ends."),
    KEY("syncs[].robot_secrets", "path", STRING, NULL, 0, 0,
        "file: directory of files PROJECT/ROBOT, or ROBOT for those of the "
        "system, each of mode 0600."),
    KEY("syncs[].robot_secrets", "prefix", STRING, NULL, 0, 0,
        "env: what the variables' names begin with; the robot follows in "
        "upper case, with _ for what is no letter or digit."),
    KEY("syncs[].robot_secrets", "command", STRING, NULL, 0, 0,
        "exec: program that reads PROJECT/ROBOT, or ROBOT, and a line break, "
        "and prints the secret."),
    KEY("syncs[].robot_secrets", "key", STRING, NULL, 0, 0,
        "derive: where the master key is, of 32 characters or more: "
        "env:NAME, file:/PATH, cred:NAME or exec:HELPER."),
    KEY("syncs[].robot_secrets", "version", INTEGER, "1", 1,
        HR_ROBOT_VERSION_MAXIMUM,
        "derive: another number gives other secrets; see `robots rotate`."),
    KEY("syncs[].robot_secrets", "check", STRING, "complete", 0, 0,
        "When secrets are tried at the target: complete (once --complete, "
        "verify) or always."),
    OPEN("syncs[]", "conflict", GROUP,
         "What to do about items that differ; takes the strategy's options."),
    KEY("syncs[].conflict", "default", STRING, "source-wins", 0, 0,
        "The NAME of a plugin strategy-NAME."),
    KEY("", "sinks", LIST, NULL, 0, 0, "Where metrics and events go."),
    NEEDED("sinks[]", "type", STRING, "The NAME of a plugin sink-NAME."),
    {0},
};

const HrSchemaKey *
hr_schema_find(const char *parent, const char *name)
{
    for (const HrSchemaKey *key = hr_schema; key->name != NULL; key++)
        if (strcmp(key->parent, parent) == 0 && strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

const char *
hr_schema_type_name(HrSchemaType type)
{
    static const char *const names[] = {
        [HR_SCHEMA_GROUP] = "group",       [HR_SCHEMA_LIST] = "list",
        [HR_SCHEMA_STRING] = "string",     [HR_SCHEMA_STRINGS] = "strings",
        [HR_SCHEMA_INTEGER] = "integer",   [HR_SCHEMA_BOOLEAN] = "boolean",
        [HR_SCHEMA_DURATION] = "duration", [HR_SCHEMA_NUMBER] = "number",
        [HR_SCHEMA_SIZE] = "size",
    };

    return names[type];
}

char *
hr_schema_path(const HrSchemaKey *key)
{
    return g_strconcat(key->parent, *key->parent != '\0' ? "." : "", key->name,
                       key->type == HR_SCHEMA_LIST ? "[]" : "", NULL);
}

char *
hr_schema_format_duration(int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        {"d", DAY}, {"h", 60 * MINUTE}, {"m", MINUTE}, {"s", 1000}, {"ms", 1},
    };
    unsigned unit = 0;

    if (ms == 0)
        return g_strdup("0s");
    while (ms % units[unit].ms != 0)
        unit++;
    return g_strdup_printf("%" G_GINT64_FORMAT "%s", ms / units[unit].ms,
                           units[unit].name);
}

static char *
format_size_range(const HrSchemaKey *key)
{
    g_autofree char *minimum = hr_text_format_size(key->minimum);
    g_autofree char *maximum = hr_text_format_size(key->maximum);

    return g_strconcat(minimum, " to ", maximum, NULL);
}

char *
hr_schema_format_range(const HrSchemaKey *key)
{
    g_autofree char *minimum = NULL;
    g_autofree char *maximum = NULL;

    if (key->minimum == key->maximum)
        return NULL;
    if (key->type == HR_SCHEMA_SIZE)
        return format_size_range(key);
    if (key->type != HR_SCHEMA_DURATION)
        return g_strdup_printf("%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                               key->minimum, key->maximum);
    minimum = hr_schema_format_duration(key->minimum);
    maximum = hr_schema_format_duration(key->maximum);
    return g_strconcat(minimum, " to ", maximum, NULL);
}

/* "integer 1 to 256, default 8" */
static char *
describe_value(const HrSchemaKey *key)
{
    g_autofree char *range = hr_schema_format_range(key);
    GString *text = g_string_new(hr_schema_type_name(key->type));

    if (range != NULL)
        g_string_append_printf(text, " %s", range);
    if (key->required)
        g_string_append(text, ", required");
    if (key->fallback != NULL)
        g_string_append_printf(text, ", default %s", key->fallback);
    return g_string_free(text, false);
}

char *
hr_config_schema_text(void)
{
    GString *out = g_string_new(NULL);

    for (const HrSchemaKey *key = hr_schema; key->name != NULL; key++) {
        g_autofree char *path = hr_schema_path(key);
        g_autofree char *value = describe_value(key);

        g_string_append_printf(out, "%-34s  %-34s  %s\n", path, value,
                               key->help);
    }
    return g_string_free(out, false);
}

static void
append_member(GString *out, const char *name, const char *value)
{
    g_string_append(out, ", ");
    hr_text_append_json(out, name);
    g_string_append(out, ": ");
    hr_text_append_json(out, value);
}

char *
hr_config_schema_json(void)
{
    GString *out = g_string_new("{\"version\": 1, \"keys\": [");

    for (const HrSchemaKey *key = hr_schema; key->name != NULL; key++) {
        g_autofree char *path = hr_schema_path(key);

        g_string_append(out, key == hr_schema ? "\n  {" : ",\n  {");
        g_string_append(out, "\"path\": ");
        hr_text_append_json(out, path);
        append_member(out, "type", hr_schema_type_name(key->type));
        g_string_append_printf(out, ", \"required\": %s",
                               key->required ? "true" : "false");
        if (key->fallback != NULL)
            append_member(out, "default", key->fallback);
        if (key->minimum != key->maximum)
            g_string_append_printf(out,
                                   ", \"minimum\": %" G_GINT64_FORMAT
                                   ", \"maximum\": %" G_GINT64_FORMAT,
                                   key->minimum, key->maximum);
        append_member(out, "help", key->help);
        g_string_append_c(out, '}');
    }
    g_string_append(out, "\n]}\n");
    return g_string_free(out, false);
}
