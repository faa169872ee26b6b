/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kinds of documents a pass is about. */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "sync/snapshot-state.h"

/* Kinds that are left out for the same reason. */
typedef struct Reason {
    char *text;
    GString *kinds;
} Reason;

typedef struct Choice {
    const HrPass *pass;
    bool writes;
    const HrDocumentVisitor *visitor;
    GPtrArray *chosen;
    GPtrArray *left_out; /* Reason: what is not synchronised, and why */
    bool denied;         /* some of it for want of rights             */
} Choice;

/* True if documents of a kind can be had where they are needed. */
static bool
can_have(const Choice *choice, HrCall *call, const char *kind, GError **error)
{
    const HrPass *pass = choice->pass;

    return hr_registry_knows(pass->source, call, kind, HR_ACCESS_READ,
                             error) &&
           hr_registry_knows(pass->target, call, kind, HR_ACCESS_READ,
                             error) &&
           (!choice->writes || hr_registry_knows(pass->target, call, kind,
                                                 HR_ACCESS_WRITE, error));
}

static void
free_reason(void *data)
{
    Reason *reason = data;

    g_free(reason->text);
    g_string_free(reason->kinds, TRUE);
    g_free(reason);
}

static Reason *
find_reason(GPtrArray *reasons, const char *text)
{
    Reason *made;

    for (guint i = 0; i < reasons->len; i++) {
        Reason *reason = reasons->pdata[i];

        if (strcmp(reason->text, text) == 0)
            return reason;
    }
    made = g_new0(Reason, 1);
    made->text = g_strdup(text);
    made->kinds = g_string_new(NULL);
    g_ptr_array_add(reasons, made);
    return made;
}

static void
leave_out(Choice *choice, const char *kind, const GError *error)
{
    Reason *reason = find_reason(choice->left_out, error->message);

    g_string_append_printf(reason->kinds, "%s%s",
                           reason->kinds->len > 0 ? ", " : "", kind);
    choice->denied =
        choice->denied || hr_error_status(error) != HR_UNSUPPORTED;
}

static void
log_left_out(const Choice *choice)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < choice->left_out->len; i++) {
        const Reason *reason = choice->left_out->pdata[i];

        g_string_append_printf(text, "%s%s (%s)", i > 0 ? "; " : "",
                               reason->kinds->str, reason->text);
    }
    if (text->len > 0)
        hr_log(choice->denied ? HR_LOG_WARNING : HR_LOG_INFO,
               "%s: not synchronised: %s", choice->pass->name, text->str);
}

static void
consider(Choice *choice, const char *name, bool named)
{
    g_autoptr(HrCall) call = hr_pass_call(choice->pass);
    g_autoptr(GError) error = NULL;
    HrKind kind = hr_kind_of(name);

    if (can_have(choice, call, name, &error))
        g_ptr_array_add(choice->chosen, g_memdup2(&kind, sizeof kind));
    else if (named)
        choice->visitor->problem(choice->visitor->data, kind.name, "", error);
    else
        leave_out(choice, name, error);
}

static void
consider_all(Choice *choice)
{
    const HrPass *pass = choice->pass;

    if (!hr_registry_has_documents(pass->source) ||
        !hr_registry_has_documents(pass->target))
        return;
    for (unsigned i = 0; hr_kind_standard(i) != NULL; i++) {
        const HrKind *kind = hr_kind_standard(i);

        /* Where repositories get other names, projects do, too. */
        if (!kind->opt_in &&
            (pass->rename == NULL || kind->scope == HR_SCOPE_SYSTEM))
            consider(choice, kind->name, false);
    }
}

GPtrArray *
hr_snapshot_choose(const HrPass *pass, char *const *kinds, bool writes,
                   const HrDocumentVisitor *visitor)
{
    g_autoptr(GPtrArray) left_out =
        g_ptr_array_new_with_free_func(free_reason);
    Choice choice = {
        .pass = pass,
        .writes = writes,
        .visitor = visitor,
        .chosen = g_ptr_array_new_with_free_func(g_free),
        .left_out = left_out,
    };

    if (kinds == NULL)
        kinds = pass->kinds;
    if (kinds == NULL)
        consider_all(&choice);
    for (char *const *kind = kinds; kind != NULL && *kind != NULL; kind++)
        if (!hr_kind_is_content(*kind))
            consider(&choice, *kind, true);
    log_left_out(&choice);
    return choice.chosen;
}
