/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Saved plans.  The input is read as it is, where its hash is hardly ever
 * right, and then once more with the hash that belongs to what it says.
 */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "model/item.h"
#include "model/json.h"
#include "sync/plan.h"

const char fuzz_noun[] = "plan";

static void
check_change(const HrChange *change)
{
    g_autofree char *digest = NULL;
    g_autofree char *media_type = NULL;
    g_autofree char *repository = NULL;
    g_autofree char *reference = NULL;
    uint64_t size;

    g_assert_cmpstr(change->kind, ==, HR_KIND_TAG);
    g_assert_true(
        hr_tag_key_parse(change->key, &repository, &reference, NULL));
    g_assert_true(hr_tag_document_parse(change->source, &digest, &media_type,
                                        &size, NULL));
    fuzz_check_digest(digest);
    g_assert_cmpuint(size, <=, G_MAXINT64);
    g_assert_nonnull(change->reason);
}

/* What was read is written, and read, as the same. */
static void
check_plan(const HrPlan *plan)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrJson) json = hr_plan_to_json(plan);
    g_autoptr(HrPlan) again = hr_plan_from_json(json, &error);
    g_autoptr(HrJson) same = NULL;
    g_autofree char *one = hr_json_canonical(json);
    g_autofree char *other = NULL;

    g_assert_no_error(error);
    same = hr_plan_to_json(again);
    other = hr_json_canonical(same);
    g_assert_cmpstr(one, ==, other);
    g_assert_cmpuint(plan->checked, <=, G_MAXINT64);
    g_assert_cmpuint(plan->unchanged, <=, G_MAXINT64);
    g_assert_cmpuint(plan->immutable, <=, G_MAXINT64);
    g_assert_cmpuint(plan->vanished, <=, G_MAXINT64);
    for (guint i = 0; i < plan->changes->len; i++)
        check_change(plan->changes->pdata[i]);
}

static void
read_plan(const HrJson *json)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HrPlan) plan = hr_plan_from_json(json, &error);

    fuzz_check_error(plan == NULL, error);
    if (plan != NULL)
        check_plan(plan);
    else
        g_assert_cmpint(hr_error_status(error), ==, HR_INVALID);
}

static char *
copy_text(const HrJson *object, const char *name)
{
    return g_strdup(hr_json_text(hr_json_get(object, name)));
}

static char *
copy_document(const HrJson *object, const char *name)
{
    const HrJson *document = hr_json_get(object, name);

    return document != NULL ? hr_json_canonical(document) : NULL;
}

static void
add_change(HrPlan *plan, const HrJson *json)
{
    const char *action = hr_json_text(hr_json_get(json, "action"));
    HrChange *change = g_new0(HrChange, 1);

    change->kind = HR_KIND_TAG;
    change->key = copy_text(json, "key");
    change->from = copy_text(json, "from");
    change->reason = copy_text(json, "reason");
    change->source = copy_document(json, "source");
    change->target = copy_document(json, "target");
    if (action != NULL)
        hr_action_from_name(action, &change->action);
    if (change->key != NULL && change->source != NULL)
        hr_plan_add(plan, change);
    else
        hr_change_free(change);
}

static void
add_problem(HrPlan *plan, const HrJson *json)
{
    const char *key = hr_json_text(hr_json_get(json, "key"));
    const char *message = hr_json_text(hr_json_get(json, "message"));
    g_autoptr(GError) error = NULL;

    if (key == NULL || message == NULL)
        return;
    hr_error_set(&error, HR_NETWORK, "%s", message);
    hr_plan_add_problem(plan, key, error);
}

/* The plan that the input describes, however badly. */
static void
read_sealed(const HrJson *json)
{
    const HrJson *changes = hr_json_get(json, "changes");
    const HrJson *problems = hr_json_get(json, "problems");
    g_autoptr(HrPlan) plan = hr_plan_new("sync", "source", "target");
    g_autoptr(HrJson) sealed = NULL;
    int64_t checked = 0;

    hr_json_number(hr_json_get(json, "checked"), &checked);
    plan->checked = (uint64_t)checked;
    for (size_t i = 0; i < hr_json_length(changes); i++)
        add_change(plan, hr_json_at(changes, i));
    for (size_t i = 0; i < hr_json_length(problems); i++)
        add_problem(plan, hr_json_at(problems, i));
    hr_plan_seal(plan);
    sealed = hr_plan_to_json(plan);
    read_plan(sealed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(HrJson) json = hr_json_parse((const char *)data, size, NULL);

    if (json == NULL)
        return 0;
    read_plan(json);
    read_sealed(json);
    return 0;
}
