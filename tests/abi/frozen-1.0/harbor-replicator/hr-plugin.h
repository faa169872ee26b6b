/* SPDX-License-Identifier: MIT-0 */
/*
 * What a plugin tells about itself: the description behind its one exported
 * function.
 *
 * A plugin is the file PLUGINDIR/KIND-NAME.so, where KIND is "registry",
 * "strategy" or "sink" and NAME is the name of its (first) provider.
 */
#ifndef HR_PLUGIN_H
#define HR_PLUGIN_H

#include <harbor-replicator/hr-abi.h>
#include <harbor-replicator/hr-host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of provider; they tell what `ops` points to. */
enum {
    HR_KIND_REGISTRY = 1, /* hr_registry_ops, hr-registry.h */
    HR_KIND_STRATEGY = 2, /* hr_strategy_ops, hr-strategy.h */
    HR_KIND_SINK = 3      /* hr_sink_ops, hr-sink.h         */
};

/* How many threads a provider bears; the host does the locking. */
enum {
    /* One call at a time into the whole plugin. */
    HR_THREADS_SERIAL = 0,
    /* One call at a time into each instance. */
    HR_THREADS_PER_INSTANCE = 1,
    /* Any number of calls at once, on any instance; only open and close of
     * one instance never overlap other calls on it. */
    HR_THREADS_PARALLEL = 2
};

/* Types of an option in the configuration. */
enum {
    HR_OPTION_STRING = 1,
    HR_OPTION_INTEGER = 2,
    HR_OPTION_BOOLEAN = 3,
    HR_OPTION_SIZE = 4,     /* written as "5GiB", seen as bytes          */
    HR_OPTION_DURATION = 5, /* written as "10m", seen as milliseconds    */
    HR_OPTION_PATH = 6      /* a file name; relative to the configuration */
};

enum {
    HR_OPTION_REQUIRED = 1u << 0
};

/* One setting that a provider understands in its block of the
 * configuration, beside those that the host defines itself.  The host checks
 * type and presence and refuses options that nobody declared. */
typedef struct hr_option {
    uint32_t struct_size;
    uint32_t type;             /* HR_OPTION_STRING and so on              */
    const char *name;          /* lower case with underscores             */
    const char *default_value; /* as written in the file; NULL for none   */
    const char *help;          /* one sentence                            */
    uint32_t flags;            /* HR_OPTION_REQUIRED                      */
    uint32_t reserved;
} hr_option;

/* One thing that a plugin offers. */
typedef struct hr_provider {
    uint32_t struct_size;
    uint32_t kind;       /* HR_KIND_*                               */
    const char *name;    /* as in `type = "NAME"`; [a-z0-9-]        */
    const char *summary; /* one sentence                            */
    uint32_t threads;    /* HR_THREADS_*                            */
    uint32_t reserved;
    const void *ops; /* the table that `kind` tells             */
    const hr_option *const *options; /* ends in NULL; or NULL             */
} hr_provider;

/* The description of a plugin.  Static and constant: the host reads it at
 * any time, also without ever calling init. */
typedef struct hr_plugin {
    uint64_t magic; /* HR_PLUGIN_MAGIC                         */
    uint32_t struct_size;
    uint32_t abi_major;   /* HR_ABI_MAJOR it was compiled with       */
    uint32_t abi_minor;   /* HR_ABI_MINOR it was compiled with       */
    uint32_t needs_minor; /* the oldest host minor it can live with  */
    const char *name;     /* "registry-oci"                          */
    const char *version;  /* of the plugin, "1.2.0"                  */
    const char *licence;  /* SPDX expression                         */
    const char *summary;  /* one sentence                            */
    const hr_provider *const *providers; /* ends in NULL, at least one    */

    /* Called once, on the main thread, before anything else.  The plugin
     * keeps both pointers.  Anything but HR_OK means that the plugin cannot
     * be used; fini is then not called.  May be NULL. */
    hr_status (*init)(const hr_host *host, hr_module *module);

    /* Called once, on the main thread, after the last instance is closed and
     * the last call has returned.  The plugin stays mapped.  May be NULL. */
    void (*fini)(void);
} hr_plugin;

/* The exported function: returns the address of a static description and
 * does nothing else. */
#define HR_PLUGIN_ENTRY_SYMBOL "hr_plugin_entry_v1"
HR_EXPORT const hr_plugin *
hr_plugin_entry_v1(void);

#ifdef __cplusplus
}
#endif

#endif
