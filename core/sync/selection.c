/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Selection: what a sync wants, and by which rule. */
#include "sync/selection.h"

#include <stdlib.h>
#include <string.h>

bool
hr_selection_wants_repository(const HrSelect *select, const char *repository,
                              HrExplanation *explanation)
{
    g_autofree char *rule = NULL;
    bool in =
        select == NULL || hr_filter_judge(&select->repositories, repository,
                                          explanation != NULL ? &rule : NULL);

    if (explanation != NULL)
        hr_explanation_add(explanation, repository, NULL, in,
                           rule != NULL ? rule : "everything is wanted");
    return in;
}

static void
judge(const HrSelect *select, HrCandidate *candidate)
{
    if (select->semver != NULL || select->latest > 0)
        candidate->is_version =
            hr_version_parse(&candidate->version, candidate->tag);
    if (!hr_filter_judge(&select->tags, candidate->tag, NULL))
        candidate->out = HR_TAG_RULE_NAME;
    else if (select->semver != NULL &&
             !(candidate->is_version &&
               hr_version_range_holds(select->semver, &candidate->version,
                                      select->prereleases)))
        candidate->out = HR_TAG_RULE_SEMVER;
}

bool
hr_selection_admits_tag(const HrSelect *select, const char *tag)
{
    HrCandidate candidate = {.tag = (char *)tag};

    if (select != NULL)
        judge(select, &candidate);
    hr_version_clear(&candidate.version);
    return candidate.out == HR_TAG_RULE_NONE;
}

/* The newest first: versions before what is none. */
static gint
order_versions(gconstpointer left, gconstpointer right)
{
    const HrCandidate *one = *(const HrCandidate *const *)left;
    const HrCandidate *other = *(const HrCandidate *const *)right;
    int order = 0;

    if (one->is_version != other->is_version)
        return one->is_version ? -1 : 1;
    if (one->is_version)
        order = hr_version_compare(&other->version, &one->version);
    return order != 0 ? order : strcmp(other->tag, one->tag);
}

/* The last of the alphabet first, as dates are written. */
static gint
order_texts(gconstpointer left, gconstpointer right)
{
    const HrCandidate *one = *(const HrCandidate *const *)left;
    const HrCandidate *other = *(const HrCandidate *const *)right;

    return strcmp(other->tag, one->tag);
}

static GCompareFunc
find_order(HrTagOrder order)
{
    return order == HR_TAG_ORDER_SEMVER ? order_versions : order_texts;
}

static void
keep_latest(HrSelection *selection)
{
    const HrSelect *select = selection->select;
    g_autoptr(GPtrArray) in = g_ptr_array_new();

    for (guint i = 0; i < selection->count; i++)
        if (selection->candidates[i].out == HR_TAG_RULE_NONE)
            g_ptr_array_add(in, &selection->candidates[i]);
    g_ptr_array_sort(in, find_order(select->order));
    for (guint i = 0; i < in->len; i++) {
        HrCandidate *candidate = in->pdata[i];

        candidate->rank = i + 1;
        if (i >= select->latest)
            candidate->out = HR_TAG_RULE_LATEST;
    }
}

HrSelection *
hr_selection_new(const HrSelect *select, const GPtrArray *tags)
{
    HrSelection *selection = g_new0(HrSelection, 1);

    selection->select = select;
    selection->count = tags->len;
    selection->candidates = g_new0(HrCandidate, (gsize)tags->len + 1);
    for (guint i = 0; i < tags->len; i++) {
        selection->candidates[i].tag = g_strdup(tags->pdata[i]);
        if (select != NULL)
            judge(select, &selection->candidates[i]);
    }
    if (select != NULL && select->latest > 0)
        keep_latest(selection);
    return selection;
}

void
hr_selection_free(HrSelection *selection)
{
    if (selection == NULL)
        return;
    for (guint i = 0; i < selection->count; i++) {
        g_free(selection->candidates[i].tag);
        hr_version_clear(&selection->candidates[i].version);
    }
    g_free(selection->candidates);
    g_free(selection);
}

static int
compare_tag(const void *tag, const void *candidate)
{
    return strcmp(tag, ((const HrCandidate *)candidate)->tag);
}

const HrCandidate *
hr_selection_find(const HrSelection *selection, const char *tag)
{
    return bsearch(tag, selection->candidates, selection->count,
                   sizeof *selection->candidates, compare_tag);
}

char *
hr_selection_reason(const HrSelection *selection, const HrCandidate *candidate)
{
    const HrSelect *select = selection->select;
    char *rule = NULL;

    if (select == NULL)
        return g_strdup("everything is wanted");
    if (candidate->rank > 0)
        return g_strdup_printf("latest %u: it is number %u", select->latest,
                               candidate->rank);
    if (candidate->out != HR_TAG_RULE_NAME && select->semver != NULL)
        return g_strdup_printf("semver %s%s", select->semver_text,
                               candidate->is_version ? ""
                                                     : ": it is no version");
    hr_filter_judge(&select->tags, candidate->tag, &rule);
    return rule;
}

void
hr_selection_explain(const HrSelection *selection, const char *repository,
                     HrExplanation *explanation)
{
    for (guint i = 0; i < selection->count; i++) {
        const HrCandidate *candidate = &selection->candidates[i];
        g_autofree char *reason = hr_selection_reason(selection, candidate);

        hr_explanation_add(explanation, repository, candidate->tag,
                           candidate->out == HR_TAG_RULE_NONE, reason);
    }
}
