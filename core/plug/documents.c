/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of a registry: identity, lists, reading, writing. */
#include "plug/documents.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "plug/registry-instance.h"

/* Documents of one kind; no registry holds as many. */
#define DOCUMENTS_LIMIT 1000000u

bool
hr_registry_has_secrets(const HrRegistry *registry)
{
    return hr_registry_has_documents(registry) &&
           HR_HAS(registry->ops, hr_registry_ops, check_secrets) &&
           registry->ops->check_secrets != NULL;
}

bool
hr_registry_has_documents(const HrRegistry *registry)
{
    const hr_registry_ops *ops = registry->ops;

    return HR_HAS(ops, hr_registry_ops, write_document) &&
           ops->knows != NULL && ops->list_documents != NULL &&
           ops->read_document != NULL && ops->write_document != NULL;
}

bool
hr_registry_has_identity(const HrRegistry *registry)
{
    return HR_HAS(registry->ops, hr_registry_ops, identify) &&
           registry->ops->identify != NULL;
}

/* What is shown must be one line. */
static void
settle_text(char *text, size_t capacity)
{
    g_autofree char *line = NULL;

    text[capacity - 1] = '\0';
    line = hr_text_one_line(text);
    g_strlcpy(text, line, capacity);
}

bool
hr_registry_identify(HrRegistry *registry, HrCall *call, hr_identity *identity,
                     GError **error)
{
    hr_status status;

    memset(identity, 0, sizeof *identity);
    identity->struct_size = sizeof *identity;
    hr_registry_enter(registry, call);
    status = registry->ops->identify(registry->plugin, call, identity);
    settle_text(identity->principal, sizeof identity->principal);
    settle_text(identity->product, sizeof identity->product);
    identity->fingerprint[sizeof identity->fingerprint - 1] = '\0';
    return hr_registry_leave(registry, call, status, error);
}

bool
hr_registry_knows(HrRegistry *registry, HrCall *call, const char *kind,
                  uint32_t access, GError **error)
{
    hr_status status;

    if (!hr_registry_has_documents(registry))
        return hr_error_set(error, HR_UNSUPPORTED, "%s: it holds content only",
                            hr_registry_name(registry));
    hr_registry_enter(registry, call);
    status = registry->ops->knows(registry->plugin, call, kind, access);
    return hr_registry_leave(registry, call, status, error);
}

static void
free_gap(gpointer data)
{
    HrDocumentGap *gap = data;

    g_free(gap->scope);
    g_clear_error(&gap->error);
    g_free(gap);
}

static void
free_document(gpointer data)
{
    hr_document_free(data);
}

void
hr_document_list_free(HrDocumentList *list)
{
    if (list == NULL)
        return;
    g_ptr_array_unref(list->documents);
    g_ptr_array_unref(list->gaps);
    g_free(list);
}

const HrDocument *
hr_document_list_find(const HrDocumentList *list, const char *key)
{
    guint low = 0;
    guint high = list->documents->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        const HrDocument *document = list->documents->pdata[middle];
        int order = strcmp(key, document->key);

        if (order == 0)
            return document;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Takes documents of one kind. */
typedef struct Taker {
    hr_document_sink sink;
    const HrRegistry *registry;
    const char *kind;
    HrDocumentList *list;
} Taker;

static hr_status
take_document(hr_document_sink *sink, hr_call *call,
              const hr_document *document)
{
    Taker *taker = (Taker *)sink;
    GError *error = NULL;
    HrDocument *taken;

    if (taker->list->documents->len >= DOCUMENTS_LIMIT) {
        hr_error_set(&error, HR_INVALID, "more than %u documents of kind %s",
                     DOCUMENTS_LIMIT, taker->kind);
        return hr_call_fail_error(call, error);
    }
    taken = hr_document_take(document, taker->kind, &error);
    if (taken == NULL)
        return hr_call_fail_error(call, error);
    g_ptr_array_add(taker->list->documents, taken);
    return HR_OK;
}

static void
take_gap(hr_document_sink *sink, const char *scope, hr_status status,
         const char *message)
{
    Taker *taker = (Taker *)sink;
    HrDocumentGap *gap = g_new0(HrDocumentGap, 1);
    g_autofree char *line = hr_text_one_line(
        message != NULL && *message != '\0' ? message
                                            : hr_status_name(status));

    gap->scope = hr_text_one_line(scope);
    hr_error_set(&gap->error, status, "%s: %s",
                 hr_registry_name(taker->registry), line);
    g_ptr_array_add(taker->list->gaps, gap);
}

static Taker
begin_taking(const HrRegistry *registry, const char *kind)
{
    Taker taker = {
        .sink = {.struct_size = sizeof(hr_document_sink),
                 .take = take_document,
                 .gap = take_gap},
        .registry = registry,
        .kind = kind,
        .list = g_new0(HrDocumentList, 1),
    };

    taker.list->documents = g_ptr_array_new_with_free_func(free_document);
    taker.list->gaps = g_ptr_array_new_with_free_func(free_gap);
    return taker;
}

static gint
order_documents(gconstpointer left, gconstpointer right)
{
    const HrDocument *one = *(const HrDocument *const *)left;
    const HrDocument *other = *(const HrDocument *const *)right;

    return strcmp(one->key, other->key);
}

/* Two of one key would be written over each other for ever. */
static bool
check_unique(const HrRegistry *registry, const HrDocumentList *list,
             GError **error)
{
    for (guint i = 1; i < list->documents->len; i++) {
        const HrDocument *one = list->documents->pdata[i - 1];
        const HrDocument *other = list->documents->pdata[i];

        if (strcmp(one->key, other->key) == 0)
            return hr_error_set(error, HR_INVALID,
                                "%s: it lists two documents of kind %s with "
                                "the key %s",
                                hr_registry_name(registry), one->kind,
                                one->key);
    }
    return true;
}

const HrDocumentGap *
hr_document_list_gap(const HrDocumentList *list, const char *key)
{
    for (guint i = 0; i < list->gaps->len; i++) {
        const HrDocumentGap *gap = list->gaps->pdata[i];
        size_t length = strlen(gap->scope);

        if (strncmp(key, gap->scope, length) == 0 &&
            (length == 0 || key[length] == '\0' || key[length] == '/' ||
             key[length] == '@'))
            return gap;
    }
    return NULL;
}

HrDocumentList *
hr_registry_list_documents(HrRegistry *registry, HrCall *call,
                           const char *kind, const char *const *projects,
                           const char *const *repositories, GError **error)
{
    hr_document_scope scope = {
        .struct_size = sizeof scope,
        .kind = kind,
        .projects = projects,
        .repositories = repositories,
    };
    Taker taker = begin_taking(registry, kind);
    g_autoptr(HrDocumentList) list = taker.list;
    hr_status status;

    hr_registry_enter(registry, call);
    status = registry->ops->list_documents(registry->plugin, call, &scope,
                                           &taker.sink);
    if (!hr_registry_leave(registry, call, status, error))
        return NULL;
    g_ptr_array_sort(list->documents, order_documents);
    if (!check_unique(registry, list, error))
        return NULL;
    return g_steal_pointer(&list);
}

HrDocument *
hr_registry_read_document(HrRegistry *registry, HrCall *call, const char *kind,
                          const char *key, GError **error)
{
    Taker taker = begin_taking(registry, kind);
    g_autoptr(HrDocumentList) list = taker.list;
    hr_status status;

    hr_registry_enter(registry, call);
    status = registry->ops->read_document(registry->plugin, call, kind, key,
                                          &taker.sink);
    if (!hr_registry_leave(registry, call, status, error))
        return NULL;
    if (list->gaps->len > 0) {
        const HrDocumentGap *gap = list->gaps->pdata[0];

        g_propagate_error(error, g_error_copy(gap->error));
        return NULL;
    }
    if (list->documents->len != 1 ||
        strcmp(((HrDocument *)list->documents->pdata[0])->key, key) != 0) {
        hr_error_set(error, HR_BUG,
                     "%s: the plugin was asked for %s %s and gave something "
                     "else",
                     hr_registry_name(registry), kind, key);
        return NULL;
    }
    return g_ptr_array_steal_index(list->documents, 0);
}

bool
hr_registry_write_document(HrRegistry *registry, HrCall *call,
                           const char *kind, const char *key, const char *text,
                           const char *found, const HrSecret *secrets,
                           GError **error)
{
    hr_document_write write = {
        .struct_size = sizeof write,
        .action = found != NULL ? HR_WRITE_UPDATE : HR_WRITE_CREATE,
        .kind = kind,
        .key = key,
        .text = text,
        .found = found,
        .secrets = secrets != NULL ? hr_secret_reveal(secrets) : NULL,
    };
    hr_status status;

    hr_registry_enter(registry, call);
    status = registry->ops->write_document(registry->plugin, call, &write);
    return hr_registry_leave(registry, call, status, error);
}

bool
hr_registry_check_secret(HrRegistry *registry, HrCall *call, const char *kind,
                         const char *key, const HrSecret *secrets,
                         GError **error)
{
    hr_secret_check check = {
        .struct_size = sizeof check,
        .kind = kind,
        .key = key,
        .secrets = hr_secret_reveal(secrets),
        .status = HR_BUG,
        .message = "the plugin left this question unanswered",
    };
    hr_secret_check *const checks[] = {&check};
    hr_status status;

    if (!hr_registry_has_secrets(registry))
        return hr_error_set(error, HR_UNSUPPORTED,
                            "%s: it cannot tell whether a secret is right",
                            hr_registry_name(registry));
    hr_registry_enter(registry, call);
    status = registry->ops->check_secrets(registry->plugin, call, checks, 1);
    if (!hr_registry_leave(registry, call, status, error))
        return false;
    if (check.status == HR_OK)
        return true;
    settle_text(check.message, sizeof check.message);
    return hr_error_set(
        error, check.status, "%s: %s", hr_registry_name(registry),
        check.message[0] != '\0' ? check.message
                                 : hr_status_name(check.status));
}
