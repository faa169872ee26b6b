/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Document write: one change of a document being made. */
#include "sync/document-write.h"

#include <string.h>

#include "base/error.h"
#include "sync/document-plan.h"
#include "sync/document-secrets.h"

typedef struct Writing {
    const HrPass *pass;
    HrCall *call;
    HrChange *change;
    HrKind kind;
    bool fresh;
    bool *attempted;    /* a write, in this or an earlier run */
    HrDocument *source; /* as it is now; NULL: not looked at */
    HrDocument *found;  /* on the target; NULL: none */
    HrSecret *told;     /* its secret, where no registry tells; or NULL */
} Writing;

static void
forget(Writing *writing)
{
    g_clear_pointer(&writing->source, hr_document_free);
    g_clear_pointer(&writing->found, hr_document_free);
    g_clear_pointer(&writing->told, hr_secret_unref);
}

/* NULL without error if there is none. */
static HrDocument *
read_side(const Writing *writing, HrRegistry *registry, GError **error)
{
    const HrChange *change = writing->change;
    GError *failure = NULL;
    HrDocument *document = hr_registry_read_document(
        registry, writing->call, change->kind, change->key, &failure);

    if (hr_error_status(failure) == HR_NOT_FOUND)
        g_clear_error(&failure);
    if (failure != NULL)
        g_propagate_error(error, failure);
    return document;
}

static const char *
text_of(const HrDocument *document)
{
    return document != NULL ? document->text : NULL;
}

static bool
is_as_planned(const Writing *writing)
{
    return g_strcmp0(writing->change->target, text_of(writing->found)) == 0;
}

static HrResult
skip(GError **error, const char *reason)
{
    hr_error_set(error, HR_OK, "%s", reason);
    return HR_RESULT_SKIPPED;
}

/* The target is as it should be: by us, or by what else came into being with
 * something that was written before. */
static HrResult
settle(const Writing *writing, GError **error)
{
    return *writing->attempted ? HR_RESULT_DONE
                               : skip(error, "is there by now");
}

static HrResult
refuse_stale(GError **error, const char *side)
{
    hr_error_set(error, HR_PRECONDITION,
                 "the plan is stale: the %s has changed since; plan again",
                 side);
    return HR_RESULT_FAILED;
}

/* Takes what is to be done now instead of what was planned. */
static void
amend(HrChange *change, HrChange *now)
{
    g_free(change->source);
    g_free(change->target);
    g_clear_pointer(&change->widens, g_ptr_array_unref);
    change->action = now->action;
    change->secrets = now->secrets;
    change->source = g_steal_pointer(&now->source);
    change->target = g_steal_pointer(&now->target);
    change->widens = g_steal_pointer(&now->widens);
}

/* Compares both sides as they are now; HR_RESULT_PENDING: there is something
 * to write. */
static HrResult
compare_anew(Writing *writing, const HrFit *fit, GError **error)
{
    HrDocumentPair pair = {
        .kind = &writing->kind,
        .key = writing->change->key,
        .source = writing->source,
        .target = writing->found,
        .fit = fit,
    };
    GError *failure = NULL;
    g_autoptr(HrChange) now = hr_document_plan_compare(
        writing->pass, writing->call, &pair, &failure);

    if (failure == NULL && fit->error != NULL)
        failure = g_error_copy(fit->error);
    if (failure != NULL) {
        g_propagate_error(error, failure);
        return HR_RESULT_FAILED;
    }
    if (now == NULL)
        return settle(writing, error);
    hr_document_plan_judge_rights(writing->pass, now, writing->fresh);
    if (now->action == HR_ACTION_KEEP)
        return skip(error, now->reason);
    if (now->action == HR_ACTION_REFUSE) {
        hr_error_set(error, HR_CONFLICT, "%s", now->reason);
        return HR_RESULT_FAILED;
    }
    amend(writing->change, now);
    return HR_RESULT_PENDING;
}

/* True if what was to be created is there since its project is, as a quota:
 * that is nobody's decision, and no conflict. */
static bool
came_with_project(const Writing *writing, const HrFit *fit)
{
    return writing->fresh && writing->change->target == NULL &&
           writing->found != NULL && !writing->found->is_protected &&
           g_strcmp0(fit->held, writing->change->source) == 0;
}

static HrResult
take_over(Writing *writing)
{
    writing->change->action = HR_ACTION_UPDATE;
    writing->change->target = g_strdup(writing->found->text);
    return HR_RESULT_PENDING;
}

/* Looks at the source as it is now. */
static HrResult
refresh(Writing *writing, GError **error)
{
    const HrPass *pass = writing->pass;
    const HrChange *change = writing->change;
    GError *failure = NULL;
    HrFit fit = {.kind = change->kind, .key = change->key};
    HrResult result = HR_RESULT_FAILED;

    writing->source = read_side(writing, pass->source, &failure);
    if (failure != NULL) {
        g_propagate_error(error, failure);
        return HR_RESULT_FAILED;
    }
    if (writing->source == NULL)
        return pass->exact ? refuse_stale(error, "source")
                           : skip(error, "vanished from the source");
    fit.text = writing->source->text;
    fit.secrets = writing->source->secrets;
    fit.found = text_of(writing->found);
    if (!hr_registry_fit_documents(pass->target, writing->call, &fit, 1,
                                   error))
        result = HR_RESULT_FAILED;
    else if (g_strcmp0(fit.held, change->source) == 0 &&
             is_as_planned(writing))
        result = HR_RESULT_PENDING;
    else if (came_with_project(writing, &fit))
        result = take_over(writing);
    else if (pass->exact)
        result =
            refuse_stale(error, is_as_planned(writing) ? "source" : "target");
    else
        result = compare_anew(writing, &fit, error);
    hr_fit_clear(&fit);
    return result;
}

/* Looks at both sides, as far as has to be; HR_RESULT_PENDING: there is
 * something to write. */
static HrResult
look(Writing *writing, GError **error)
{
    const HrChange *change = writing->change;
    GError *failure = NULL;

    writing->found = read_side(writing, writing->pass->target, &failure);
    if (failure != NULL) {
        g_propagate_error(error, failure);
        return HR_RESULT_FAILED;
    }
    if (!is_as_planned(writing) &&
        g_strcmp0(change->source, text_of(writing->found)) == 0)
        return settle(writing, error);
    if (is_as_planned(writing) && !change->secrets)
        return HR_RESULT_PENDING;
    return refresh(writing, error);
}

/* What was written must be there as it was written. */
static bool
check_written(const Writing *writing, GError **error)
{
    const HrChange *change = writing->change;
    g_autoptr(HrDocument) there =
        hr_registry_read_document(writing->pass->target, writing->call,
                                  change->kind, change->key, error);
    g_autofree char *difference = NULL;

    if (there == NULL) {
        g_prefix_error(error, "it was written, but not found again: ");
        return false;
    }
    if (strcmp(there->text, change->source) == 0)
        return true;
    difference = hr_document_compare_line(there->text, change->source);
    return hr_error_set(error, HR_UNSUPPORTED, "differs after the write: %s",
                        difference);
}

/* A robot that is created needs a secret, and so does one that has another; one
 * whose rights change keeps what it has. */
static bool
find_secret(Writing *writing, GError **error)
{
    const HrPass *pass = writing->pass;
    const HrChange *change = writing->change;
    bool same = writing->found != NULL &&
                strcmp(change->source, writing->found->text) == 0;
    GError *failure = NULL;

    if (!hr_document_secrets_known(pass, pass->target, change->kind) ||
        (writing->found != NULL && !same && !pass->check_secrets))
        return true;
    writing->told =
        hr_robot_secrets_get(pass->robot_secrets, change->key, &failure);
    if (failure == NULL)
        return true;
    g_propagate_error(error, failure);
    return false;
}

static const HrSecret *
secrets_of(const Writing *writing)
{
    if (writing->told != NULL)
        return writing->told;
    return writing->source != NULL ? writing->source->secrets : NULL;
}

/* What was told must be what is there now: a registry that takes a secret and
 * keeps another would be told it in every pass. */
static bool
check_secret(const Writing *writing, GError **error)
{
    const HrChange *change = writing->change;
    g_autoptr(GError) failure = NULL;

    if (writing->told == NULL ||
        hr_registry_check_secret(writing->pass->target, writing->call,
                                 change->kind, change->key, writing->told,
                                 &failure) ||
        hr_error_status(failure) != HR_AUTH_DENIED)
        return true;
    return hr_error_set(error, HR_UNSUPPORTED,
                        "its secret was set, and is not taken: %s",
                        failure->message);
}

/* Who moves from one side to the other needs the same secret there; what the
 * source has is changed by adopting only. */
static void
note_source_secret(const Writing *writing, GError **note)
{
    const HrPass *pass = writing->pass;
    const HrChange *change = writing->change;
    g_autoptr(GError) failure = NULL;

    if (writing->told == NULL || writing->found != NULL ||
        !hr_registry_has_secrets(pass->source) ||
        hr_registry_check_secret(pass->source, writing->call, change->kind,
                                 change->key, writing->told, &failure) ||
        hr_error_status(failure) != HR_AUTH_DENIED)
        return;
    hr_error_set(note, HR_OK,
                 "the source has another secret: `robots adopt --robot %s` "
                 "makes them the same",
                 change->key);
}

static HrResult
write_document(Writing *writing, atomic_uint_least64_t *written,
               GError **error)
{
    const HrChange *change = writing->change;

    if (!find_secret(writing, error))
        return HR_RESULT_FAILED;
    *writing->attempted = true;
    if (!hr_registry_write_document(writing->pass->target, writing->call,
                                    change->kind, change->key, change->source,
                                    text_of(writing->found),
                                    secrets_of(writing), error))
        return HR_RESULT_FAILED;
    atomic_fetch_add(written, 1);
    if (!check_written(writing, error) || !check_secret(writing, error))
        return HR_RESULT_FAILED;
    note_source_secret(writing, error);
    return HR_RESULT_DONE;
}

/* True if somebody else has made it in between. */
static bool
was_overtaken(const Writing *writing, const GError *error)
{
    return hr_error_status(error) == HR_CONFLICT && writing->found == NULL &&
           !writing->pass->exact;
}

/* True if there is nothing that it could be about: content that was not
 * selected, or did not come. */
static bool
lacks_content(const Writing *writing, const GError *error)
{
    return hr_error_status(error) == HR_NOT_FOUND &&
           writing->kind.scope == HR_SCOPE_CONTENT;
}

HrResult
hr_document_write_run(const HrPass *pass, HrCall *call, HrChange *change,
                      bool fresh, bool *attempted,
                      atomic_uint_least64_t *written, GError **error)
{
    Writing writing = {
        .pass = pass,
        .call = call,
        .change = change,
        .kind = hr_kind_of(change->kind),
        .fresh = fresh,
        .attempted = attempted,
    };
    GError *failure = NULL;
    HrResult result = look(&writing, &failure);

    if (result == HR_RESULT_PENDING)
        result = write_document(&writing, written, &failure);
    if (result == HR_RESULT_FAILED && was_overtaken(&writing, failure)) {
        g_clear_error(&failure);
        forget(&writing);
        result = look(&writing, &failure);
        if (result == HR_RESULT_PENDING)
            result = write_document(&writing, written, &failure);
    }
    if (result == HR_RESULT_FAILED && lacks_content(&writing, failure)) {
        g_clear_error(&failure);
        result = skip(&failure, "what it is about is not on the target");
    }
    forget(&writing);
    if (failure != NULL)
        g_propagate_error(error, failure);
    return result;
}
