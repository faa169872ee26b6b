/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sink: an open instance of a sink plugin, in the form the feed takes. */
#ifndef HR_PLUG_SINK_H
#define HR_PLUG_SINK_H

#include <glib.h>

#include "config/settings.h"
#include "observe/feed.h"
#include "plug/plugins.h"

/* Opens a sink and adds it to the feed, which closes it with the rest. */
gboolean
hr_sink_attach(HrPlugins *plugins, const hr_provider *provider,
               HrSettings *settings, HrFeed *feed, GError **error);

#endif
