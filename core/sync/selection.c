/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Selection: what a sync wants, and by which rule. */
#include "sync/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/schema.h"
#include "model/created.h"
#include "model/referrer.h"

#define DAY_US (INT64_C(86400) * G_USEC_PER_SEC)

/* False, and by which rule, if the project of a repository is out. */
static bool
wants_project(const HrSelect *select, const char *repository, char **rule)
{
    g_autofree char *project = g_strndup(repository, strcspn(repository, "/"));
    g_autofree char *own = NULL;
    bool in = hr_filter_judge(&select->projects, project,
                              rule != NULL ? &own : NULL);

    if (!in && rule != NULL)
        *rule = g_strconcat("project: ", own, NULL);
    return in;
}

bool
hr_selection_wants_repository(const HrSelect *select, const char *repository,
                              HrExplanation *explanation)
{
    g_autofree char *rule = NULL;
    bool in = select == NULL ||
              (wants_project(select, repository,
                             explanation != NULL ? &rule : NULL) &&
               hr_filter_judge(&select->repositories, repository,
                               explanation != NULL ? &rule : NULL));

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

/* The newest first; HR_CREATED_UNKNOWN is before all times. */
static gint
order_times(gconstpointer left, gconstpointer right)
{
    const HrCandidate *one = *(const HrCandidate *const *)left;
    const HrCandidate *other = *(const HrCandidate *const *)right;

    if (one->created_us != other->created_us)
        return one->created_us > other->created_us ? -1 : 1;
    return strcmp(other->tag, one->tag);
}

static GCompareFunc
find_order(HrTagOrder order)
{
    static const GCompareFunc orders[] = {
        [HR_TAG_ORDER_SEMVER] = order_versions,
        [HR_TAG_ORDER_ALPHABETICAL] = order_texts,
        [HR_TAG_ORDER_CREATED] = order_times,
    };

    return orders[order];
}

/* True for a tag that is gone: it is shown to whoever walks, who says so, but
 * takes no place among the latest. */
static bool
has_vanished(const HrCandidate *candidate)
{
    return candidate->seen[0] != NULL &&
           candidate->seen[0]->status == HR_NOT_FOUND;
}

static void
judge_age(const HrSelection *selection, HrCandidate *candidate)
{
    const HrSelect *select = selection->select;
    bool known = candidate->created_us != HR_CREATED_UNKNOWN;
    int64_t age_us = known ? selection->now_us - candidate->created_us : 0;

    if (candidate->seen[0] != NULL && candidate->seen[0]->status != HR_OK)
        candidate->out = HR_TAG_RULE_UNREADABLE;
    else if (candidate->taken)
        return;
    else if (select->min_age_us > 0 && (!known || age_us < select->min_age_us))
        candidate->out = HR_TAG_RULE_MIN_AGE;
    else if (select->max_age_us > 0 && (!known || age_us > select->max_age_us))
        candidate->out = HR_TAG_RULE_MAX_AGE;
}

static void
keep_latest(HrSelection *selection)
{
    const HrSelect *select = selection->select;
    g_autoptr(GPtrArray) in = g_ptr_array_new();

    for (guint i = 0; i < selection->count; i++)
        if (selection->candidates[i].out == HR_TAG_RULE_NONE &&
            !has_vanished(&selection->candidates[i]))
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
        selection->candidates[i].created_us = HR_CREATED_UNKNOWN;
        if (select != NULL)
            judge(select, &selection->candidates[i]);
    }
    return selection;
}

bool
hr_selection_needs_ages(const HrSelection *selection)
{
    const HrSelect *select = selection->select;

    return select != NULL &&
           (select->min_age_us > 0 || select->max_age_us > 0 ||
            (select->order == HR_TAG_ORDER_CREATED && select->latest > 0));
}

bool
hr_selection_spares_taken(const HrSelection *selection)
{
    const HrSelect *select = selection->select;

    return select->max_age_us == 0 &&
           (select->order != HR_TAG_ORDER_CREATED || select->latest == 0);
}

void
hr_selection_finish(HrSelection *selection, int64_t now_us)
{
    const HrSelect *select = selection->select;

    selection->now_us = now_us;
    for (guint i = 0; select != NULL && i < selection->count; i++) {
        HrCandidate *candidate = &selection->candidates[i];

        if (candidate->out == HR_TAG_RULE_NONE && !has_vanished(candidate))
            judge_age(selection, candidate);
    }
    if (select != NULL && select->latest > 0)
        keep_latest(selection);
}

void
hr_selection_set_aside(HrSelection *selection)
{
    const HrSelect *select = selection->select;

    if (select == NULL || select->tags.names != NULL ||
        (select->latest == 0 && select->min_age_us == 0 &&
         select->max_age_us == 0))
        return;
    for (guint i = 0; i < selection->count; i++) {
        HrCandidate *candidate = &selection->candidates[i];

        if (candidate->out == HR_TAG_RULE_NONE &&
            hr_companion_of(candidate->tag) != HR_COMPANION_NONE)
            candidate->out = HR_TAG_RULE_COMPANION;
    }
}

void
hr_tag_seen_free(HrTagSeen *seen)
{
    if (seen == NULL)
        return;
    g_free(seen->digest);
    g_free(seen->media_type);
    g_free(seen->message);
    g_free(seen);
}

void
hr_selection_free(HrSelection *selection)
{
    if (selection == NULL)
        return;
    for (guint i = 0; i < selection->count; i++) {
        g_free(selection->candidates[i].tag);
        hr_version_clear(&selection->candidates[i].version);
        hr_tag_seen_free(selection->candidates[i].seen[0]);
        hr_tag_seen_free(selection->candidates[i].seen[1]);
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

static char *
describe_age(const HrSelection *selection, const HrCandidate *candidate)
{
    g_autofree char *short_age = NULL;
    int64_t age_us;

    if (candidate->taken)
        return g_strdup("the target has it already");
    if (candidate->created_us == HR_CREATED_UNKNOWN)
        return g_strdup("its creation time is not known");
    age_us = selection->now_us - candidate->created_us;
    if (age_us < 0)
        return g_strdup("its creation time lies in the future");
    if (age_us >= 2 * DAY_US)
        return g_strdup_printf("created %" G_GINT64_FORMAT " days ago",
                               age_us / DAY_US);
    short_age = hr_text_format_duration(age_us);
    return g_strdup_printf("created %s ago", short_age);
}

static char *
explain_age(const HrSelection *selection, const HrCandidate *candidate)
{
    const HrSelect *select = selection->select;
    bool is_minimum =
        candidate->out == HR_TAG_RULE_MIN_AGE ||
        (candidate->out != HR_TAG_RULE_MAX_AGE && select->min_age_us > 0);
    int64_t limit_us = is_minimum ? select->min_age_us : select->max_age_us;
    g_autofree char *limit = hr_schema_format_duration(limit_us / 1000);
    g_autofree char *age = describe_age(selection, candidate);

    return g_strdup_printf("%s %s: %s", is_minimum ? "min_age" : "max_age",
                           limit, age);
}

/* Of one that the rules of age looked at, and let through or not. */
static char *
explain_late_rule(const HrSelection *selection, const HrCandidate *candidate)
{
    const HrSelect *select = selection->select;
    g_autofree char *age = NULL;

    if (candidate->out == HR_TAG_RULE_UNREADABLE)
        return g_strdup_printf("its age could not be found out: %s",
                               candidate->seen[0]->message);
    if (has_vanished(candidate))
        return g_strdup("it vanished from the source after it was listed");
    if (candidate->rank == 0)
        return select->min_age_us > 0 || select->max_age_us > 0
                   ? explain_age(selection, candidate)
                   : NULL;
    if (select->order == HR_TAG_ORDER_CREATED)
        age = describe_age(selection, candidate);
    return g_strdup_printf("latest %u: it is number %u%s%s", select->latest,
                           candidate->rank, age != NULL ? ", " : "",
                           age != NULL ? age : "");
}

char *
hr_selection_reason(const HrSelection *selection, const HrCandidate *candidate)
{
    const HrSelect *select = selection->select;
    char *rule = NULL;

    if (select == NULL)
        return g_strdup("everything is wanted");
    if (candidate->out == HR_TAG_RULE_COMPANION)
        return g_strdup("it belongs to a digest, and comes with that");
    if (candidate->out != HR_TAG_RULE_NAME &&
        candidate->out != HR_TAG_RULE_SEMVER)
        rule = explain_late_rule(selection, candidate);
    if (rule != NULL)
        return rule;
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
