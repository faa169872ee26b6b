/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plugins: find, trust, load, validate, promote, pin, drain, fini.
 *
 *     name --find--> file --trust--> dlopen --validate--> promote --> init
 *                     |                 |          |                    |
 *                     +------ refused with one sentence, unmapped ------+
 *                                                   (init failed: stays mapped)
 *
 * Main thread only, but for pinning.  A plugin that has run is never
 * unmapped: its threads' exit handlers and static data may still be in use.
 * The only folder with dlfcn.h.
 */
#ifndef HR_PLUG_PLUGINS_H
#define HR_PLUG_PLUGINS_H

#include <glib.h>
#include <harbor-replicator/hr-plugin.h>
#include <stdbool.h>

typedef struct HrPlugins HrPlugins;
typedef struct hr_module HrModule;

/* `directories` ends in NULL; the first that has the file wins. */
HrPlugins *
hr_plugins_new(const char *const *directories);

/* Drains and finis every plugin, newest first.  No instance is open. */
void
hr_plugins_free(HrPlugins *plugins);

/* The directories to look into: $HARBOR_REPLICATOR_PLUGIN_PATH (refused when
 * the program runs with raised privileges), else the build tree's when the
 * program runs from one, else the installed one.  Ends in NULL; caller frees
 * with g_strfreev. */
char **
hr_plugins_default_directories(void);

/* Finds a provider, loading KIND-NAME.so if no loaded plugin has it.
 * HR_CONFIG, with the file and what is wrong with it; a missing one lists the
 * names that are there. */
const hr_provider *
hr_plugins_provider(HrPlugins *plugins, uint32_t kind, const char *name,
                    GError **error);

/* The module that a provider of ours belongs to. */
HrModule *
hr_plugins_module(HrPlugins *plugins, const hr_provider *provider);

/* Loads every plugin file in the directories; those that are refused are
 * skipped, with their sentence added to `refusals` (char *, may be NULL). */
void
hr_plugins_load_all(HrPlugins *plugins, GPtrArray *refusals);

/* All loaded modules, oldest first; borrowed. */
const GPtrArray *
hr_plugins_modules(const HrPlugins *plugins);

const hr_plugin *
hr_module_description(const HrModule *module);

const char *
hr_module_file(const HrModule *module);

/* A pinned module is in use; fini waits for the last pin to go.  From any
 * thread. */
void
hr_module_pin(HrModule *module);

void
hr_module_unpin(HrModule *module);

/* Lock of a provider whose thread model is HR_THREADS_SERIAL. */
void
hr_module_lock(HrModule *module);

void
hr_module_unlock(HrModule *module);

/* Word for HR_KIND_* ("registry") and HR_THREADS_* ("per-instance"). */
const char *
hr_kind_name(uint32_t kind);

const char *
hr_threads_name(uint32_t threads);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrPlugins, hr_plugins_free)

#endif
