/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plan: as it is written down, hashed and read again. */
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/document.h"
#include "model/item.h"
#include "sync/plan.h"

#define PLAN_VERSION 1

static HrJson *
parse_document(const char *document)
{
    return hr_json_parse(document, strlen(document), NULL);
}

static HrJson *
texts_to_json(const GPtrArray *texts)
{
    HrJson *json = hr_json_new_array();

    for (guint i = 0; i < texts->len; i++)
        hr_json_append_text(json, texts->pdata[i]);
    return json;
}

static HrJson *
change_to_json(const HrChange *change)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "kind", change->kind);
    hr_json_set_text(json, "key", change->key);
    hr_json_set_text(json, "from", change->from);
    hr_json_set_text(json, "action", hr_action_name(change->action));
    hr_json_set_text(json, "reason", change->reason);
    if (change->source != NULL)
        hr_json_set(json, "source", parse_document(change->source));
    if (change->target != NULL)
        hr_json_set(json, "target", parse_document(change->target));
    if (change->secrets)
        hr_json_set_boolean(json, "secrets", true);
    if (change->widens != NULL)
        hr_json_set(json, "widens", texts_to_json(change->widens));
    return json;
}

static HrJson *
problem_to_json(const HrProblem *problem)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "kind", problem->kind);
    hr_json_set_text(json, "key", problem->key);
    hr_json_set_text(json, "status", hr_status_name(problem->status));
    hr_json_set_text(json, "message", problem->message);
    return json;
}

static HrJson *
remark_to_json(const HrRemark *remark)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "kind", remark->kind);
    hr_json_set_text(json, "key", remark->key);
    hr_json_set_text(json, "message", remark->message);
    return json;
}

static HrJson *
remarks_to_json(const HrPlan *plan)
{
    HrJson *json = hr_json_new_array();

    for (guint i = 0; i < plan->remarks->len; i++)
        hr_json_append(json, remark_to_json(plan->remarks->pdata[i]));
    return json;
}

static bool
has_logins(const HrPlan *plan)
{
    return plan->logins.source[0] != '\0' || plan->logins.target[0] != '\0';
}

static HrJson *
logins_to_json(const HrPlan *plan)
{
    HrJson *json = hr_json_new_object();

    hr_json_set_text(json, "source", plan->logins.source);
    hr_json_set_text(json, "target", plan->logins.target);
    return json;
}

/* Everything that the hash covers. */
static HrJson *
body_to_json(const HrPlan *plan)
{
    HrJson *json = hr_json_new_object();
    HrJson *changes = hr_json_new_array();
    HrJson *problems = hr_json_new_array();

    for (guint i = 0; i < plan->changes->len; i++)
        hr_json_append(changes, change_to_json(plan->changes->pdata[i]));
    for (guint i = 0; i < plan->problems->len; i++)
        hr_json_append(problems, problem_to_json(plan->problems->pdata[i]));
    hr_json_set_number(json, "version", PLAN_VERSION);
    hr_json_set_text(json, "sync", plan->sync);
    hr_json_set_text(json, "source", plan->source);
    hr_json_set_text(json, "target", plan->target);
    if (has_logins(plan))
        hr_json_set(json, "logins", logins_to_json(plan));
    hr_json_set_number(json, "checked", (int64_t)plan->checked);
    hr_json_set_number(json, "unchanged", (int64_t)plan->unchanged);
    hr_json_set_number(json, "immutable", (int64_t)plan->immutable);
    hr_json_set_number(json, "vanished", (int64_t)plan->vanished);
    hr_json_set(json, "changes", changes);
    hr_json_set(json, "problems", problems);
    if (plan->remarks->len > 0)
        hr_json_set(json, "remarks", remarks_to_json(plan));
    return json;
}

/* Takes `json`. */
static void
hash_json(HrHash *state, HrJson *json)
{
    g_autofree char *text = hr_json_canonical(json);

    hr_hash_update(state, text, strlen(text) + 1);
    hr_json_unref(json);
}

/* The hash of a plan without building its whole text: pieces in order. */
void
hr_plan_hash(const HrPlan *plan, char hash[HR_DIGEST_CAPACITY])
{
    g_autoptr(HrHash) state = hr_hash_new(NULL);
    g_autofree char *head = g_strdup_printf(
        "%d\n%s\n%s\n%s\n%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
        " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
        PLAN_VERSION, plan->sync, plan->source, plan->target, plan->checked,
        plan->unchanged, plan->immutable, plan->vanished);

    hr_hash_update(state, head, strlen(head));
    if (has_logins(plan))
        hash_json(state, logins_to_json(plan));
    for (guint i = 0; i < plan->changes->len; i++)
        hash_json(state, change_to_json(plan->changes->pdata[i]));
    for (guint i = 0; i < plan->problems->len; i++)
        hash_json(state, problem_to_json(plan->problems->pdata[i]));
    for (guint i = 0; i < plan->remarks->len; i++)
        hash_json(state, remark_to_json(plan->remarks->pdata[i]));
    hr_hash_finish(state, hash);
}

HrJson *
hr_plan_to_json(const HrPlan *plan)
{
    HrJson *json = body_to_json(plan);

    hr_json_set_text(json, "hash", plan->hash);
    return json;
}

static char *
document_from_json(const HrJson *json)
{
    return hr_json_is_object(json) ? hr_json_canonical(json) : NULL;
}

/* A tag's document and keys must be what they claim to be: they become
 * requests. */
static bool
check_content(const HrChange *change, GError **error)
{
    const char *const documents[] = {change->source, change->target};
    const char *const keys[] = {change->key, change->from};

    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *digest = NULL;
        g_autofree char *media_type = NULL;
        g_autofree char *repository = NULL;
        g_autofree char *reference = NULL;
        uint64_t size;

        if (documents[i] != NULL &&
            !hr_tag_document_parse(documents[i], &digest, &media_type, &size,
                                   error))
            return false;
        if (keys[i] != NULL &&
            !hr_tag_key_parse(keys[i], &repository, &reference, error))
            return false;
    }
    return true;
}

static bool
check_change(const HrChange *change, GError **error)
{
    bool extra =
        change->action == HR_ACTION_EXTRA && !hr_change_is_content(change);

    if (extra ? change->target == NULL : change->source == NULL)
        return hr_error_set(error, HR_INVALID,
                            "a change lacks the document that it is about");
    if (hr_change_is_content(change))
        return check_content(change, error);
    return hr_document_key_valid(change->key) ||
           hr_error_set(error, HR_INVALID, "a change has a key that is none");
}

static GPtrArray *
texts_from_json(const HrJson *list)
{
    GPtrArray *texts;

    if (hr_json_length(list) == 0)
        return NULL;
    texts = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < hr_json_length(list); i++) {
        const char *text = hr_json_text(hr_json_at(list, i));

        if (text != NULL)
            g_ptr_array_add(texts, g_strdup(text));
    }
    return texts;
}

static HrChange *
change_from_json(const HrJson *json, GError **error)
{
    g_autoptr(HrChange) change = g_new0(HrChange, 1);
    const char *kind = hr_json_text(hr_json_get(json, "kind"));
    const char *action = hr_json_text(hr_json_get(json, "action"));

    change->key = g_strdup(hr_json_text(hr_json_get(json, "key")));
    change->from = g_strdup(hr_json_text(hr_json_get(json, "from")));
    change->reason = g_strdup(hr_json_text(hr_json_get(json, "reason")));
    change->source = document_from_json(hr_json_get(json, "source"));
    change->target = document_from_json(hr_json_get(json, "target"));
    hr_json_boolean(hr_json_get(json, "secrets"), &change->secrets);
    change->widens = texts_from_json(hr_json_get(json, "widens"));
    if (kind != NULL && hr_kind_name_valid(kind))
        change->kind = hr_kind_intern(kind);
    if (change->kind == NULL || change->key == NULL ||
        change->reason == NULL || action == NULL ||
        !hr_action_from_name(action, &change->action)) {
        hr_error_set(error, HR_INVALID,
                     "a change lacks a known kind, key, action or reason");
        return NULL;
    }
    if (!check_change(change, error))
        return NULL;
    return g_steal_pointer(&change);
}

static bool
read_count(const HrJson *json, const char *name, uint64_t *count)
{
    int64_t number;

    if (!hr_json_number(hr_json_get(json, name), &number) || number < 0)
        return false;
    *count = (uint64_t)number;
    return true;
}

static bool
read_counters(HrPlan *plan, const HrJson *json)
{
    int64_t version = 0;

    return hr_json_number(hr_json_get(json, "version"), &version) &&
           version == PLAN_VERSION &&
           read_count(json, "checked", &plan->checked) &&
           read_count(json, "unchanged", &plan->unchanged) &&
           read_count(json, "immutable", &plan->immutable) &&
           read_count(json, "vanished", &plan->vanished);
}

static void
read_login(const HrJson *json, const char *side,
           char login[HR_DIGEST_CAPACITY])
{
    const char *text = hr_json_text(hr_json_get(json, side));

    if (text != NULL)
        g_strlcpy(login, text, HR_DIGEST_CAPACITY);
}

static hr_status
status_from_name(const char *name)
{
    for (hr_status status = HR_OK; status <= HR_CONFIG; status++) {
        if (strcmp(hr_status_name(status), name) == 0)
            return status;
    }
    return HR_UNKNOWN;
}

static bool
read_problems(HrPlan *plan, const HrJson *list, GError **error)
{
    for (size_t i = 0; i < hr_json_length(list); i++) {
        const HrJson *json = hr_json_at(list, i);
        const char *kind = hr_json_text(hr_json_get(json, "kind"));
        const char *key = hr_json_text(hr_json_get(json, "key"));
        const char *status = hr_json_text(hr_json_get(json, "status"));
        const char *message = hr_json_text(hr_json_get(json, "message"));
        HrProblem *problem;

        if (key == NULL || status == NULL || message == NULL)
            return hr_error_set(error, HR_INVALID,
                                "a problem lacks key, status or message");
        problem = g_new0(HrProblem, 1);
        problem->kind = hr_kind_intern(kind);
        problem->key = g_strdup(key);
        problem->status = status_from_name(status);
        problem->message = g_strdup(message);
        g_ptr_array_add(plan->problems, problem);
    }
    return true;
}

static bool
read_remarks(HrPlan *plan, const HrJson *list, GError **error)
{
    for (size_t i = 0; i < hr_json_length(list); i++) {
        const HrJson *json = hr_json_at(list, i);
        const char *kind = hr_json_text(hr_json_get(json, "kind"));
        const char *key = hr_json_text(hr_json_get(json, "key"));
        const char *message = hr_json_text(hr_json_get(json, "message"));

        if (kind == NULL || key == NULL || message == NULL)
            return hr_error_set(error, HR_INVALID,
                                "a remark lacks kind, key or message");
        hr_plan_add_remark(plan, kind, key, message);
    }
    return true;
}

/* What a plan of ours never says.  Of two changes of one item, only one would
 * be held against both sides. */
static bool
check_sense(const HrPlan *plan, GError **error)
{
    g_autoptr(GHashTable) names =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < plan->changes->len; i++) {
        const HrChange *change = plan->changes->pdata[i];
        char *name = hr_plan_item_name(change->kind, change->key);

        if (hr_change_writes(change) &&
            (change->action == HR_ACTION_CREATE) != (change->target == NULL)) {
            g_free(name);
            return hr_error_set(error, HR_INVALID,
                                "a change creates what is there, or updates "
                                "what is not");
        }
        if (!g_hash_table_add(names, name))
            return hr_error_set(error, HR_INVALID,
                                "there are two changes of %s: plan again",
                                name);
    }
    return true;
}

HrPlan *
hr_plan_from_json(const HrJson *json, GError **error)
{
    const char *sync = hr_json_text(hr_json_get(json, "sync"));
    const char *source = hr_json_text(hr_json_get(json, "source"));
    const char *target = hr_json_text(hr_json_get(json, "target"));
    const char *hash = hr_json_text(hr_json_get(json, "hash"));
    const HrJson *changes = hr_json_get(json, "changes");
    g_autoptr(HrPlan) plan = NULL;

    if (sync == NULL || source == NULL || target == NULL || hash == NULL ||
        !hr_json_is_array(changes)) {
        hr_error_set(error, HR_INVALID,
                     "not a plan: it needs sync, source, target, hash and "
                     "changes; write one with `plan --out FILE`");
        return NULL;
    }
    plan = hr_plan_new(sync, source, target);
    if (!read_counters(plan, json)) {
        hr_error_set(error, HR_INVALID,
                     "not a plan of version %d: plan again with this program",
                     PLAN_VERSION);
        return NULL;
    }
    read_login(hr_json_get(json, "logins"), "source", plan->logins.source);
    read_login(hr_json_get(json, "logins"), "target", plan->logins.target);
    for (size_t i = 0; i < hr_json_length(changes); i++) {
        HrChange *change = change_from_json(hr_json_at(changes, i), error);

        if (change == NULL)
            return NULL;
        hr_plan_add(plan, change);
    }
    if (!read_problems(plan, hr_json_get(json, "problems"), error) ||
        !read_remarks(plan, hr_json_get(json, "remarks"), error))
        return NULL;
    hr_plan_seal(plan);
    if (strcmp(plan->hash, hash) != 0) {
        hr_error_set(error, HR_INVALID,
                     "the plan was changed after it was written (its hash "
                     "does not match): plan again");
        return NULL;
    }
    if (!check_sense(plan, error))
        return NULL;
    return g_steal_pointer(&plan);
}
