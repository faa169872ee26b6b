/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verify: proves that the target equals the source, or lists where not. */
#include "sync/verify.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/lock.h"
#include "model/item.h"
#include "model/kind.h"
#include "model/referrer.h"
#include "sync/artifact.h"
#include "sync/blob-presence.h"
#include "sync/document-verify.h"
#include "sync/seen-content.h"
#include "sync/walk.h"

typedef struct Verifier {
    const HrPass *pass;
    bool deep;
    HrVerification *result; /* under mutex */
    pthread_mutex_t mutex;
    GHashTable *whole; /* digests known to be whole, "repository@digest" */
    HrSeenContent *seen;
} Verifier;

const char *
hr_difference_name(HrDifferenceKind kind)
{
    static const char *const names[] = {
        [HR_DIFFERENCE_MISSING] = "missing",
        [HR_DIFFERENCE_EXTRA] = "extra",
        [HR_DIFFERENCE_OTHER] = "different",
        [HR_DIFFERENCE_DAMAGED] = "damaged",
        [HR_DIFFERENCE_UNKNOWN] = "unknown",
        [HR_DIFFERENCE_KEPT] = "kept",
    };

    return names[kind];
}

static void
free_difference(gpointer data)
{
    HrDifference *difference = data;

    g_free(difference->key);
    g_free(difference->message);
    g_free(difference);
}

void
hr_verification_free(HrVerification *verification)
{
    if (verification == NULL)
        return;
    g_ptr_array_unref(verification->differences);
    g_ptr_array_unref(verification->kept);
    g_free(verification);
}

void
hr_verification_add(HrVerification *result, HrDifferenceKind kind,
                    const char *item_kind, const char *key,
                    const char *message)
{
    HrDifference *difference = g_new0(HrDifference, 1);

    difference->kind = kind;
    difference->item_kind = hr_kind_intern(item_kind);
    difference->key = g_strdup(key);
    difference->message = g_strdup(message);
    g_ptr_array_add(kind == HR_DIFFERENCE_KEPT ? result->kept
                                               : result->differences,
                    difference);
}

static void
add_difference(Verifier *verifier, HrDifferenceKind kind, const char *key,
               const char *message)
{
    HR_LOCKED(&verifier->mutex);
    hr_verification_add(verifier->result, kind, NULL, key, message);
}

static void
note_problem(void *data, const char *key, const GError *error)
{
    add_difference(data, HR_DIFFERENCE_UNKNOWN, key, error->message);
}

/* Discards bytes: a blob is read only for its digest. */
static bool
discard(void *data, HrCall *call, const void *bytes, size_t size,
        GError **error)
{
    (void)data;
    (void)call;
    (void)bytes;
    (void)size;
    (void)error;
    return true;
}

static bool
read_blob(Verifier *verifier, const char *repository, const HrDescriptor *blob,
          HrCall *call, GError **error)
{
    g_autoptr(HrBlobReading) reading =
        hr_blob_reading_new(verifier->pass->target, repository, blob->digest,
                            blob->size, call, error);
    HrPipe *pipe;

    if (reading == NULL)
        return false;
    pipe = hr_blob_reading_pipe(reading);
    hr_pipe_target_write(pipe, discard, NULL);
    hr_pipe_run(&pipe, 1, call);
    return hr_pipe_result(pipe, error);
}

static bool
check_presence(Verifier *verifier, const char *repository,
               const GPtrArray *blobs, HrCall *call, GError **error)
{
    const HrDescriptor *missing;

    if (!hr_blob_presence_check(verifier->pass->target, repository, blobs,
                                call, &missing, error))
        return false;
    return missing == NULL ||
           hr_error_set(error, HR_INTEGRITY,
                        "blob %s is missing or has another size",
                        missing->digest);
}

/* Loads the artifact from the target itself, which checks every manifest's
 * digest, then looks for the blobs. */
static bool
check_content(Verifier *verifier, const char *repository, const char *digest,
              HrCall *call, GError **error)
{
    HrArtifactPlace place = {
        .source = verifier->pass->target,
        .source_repository = repository,
        .platforms = hr_pass_platforms(verifier->pass),
        .foreign_layers = verifier->pass->foreign_layers,
    };
    g_autoptr(HrArtifact) artifact =
        hr_artifact_load(&place, digest, call, error);

    /* What an index names may never have been brought: an unchanged pass
     * does not look below a tag. */
    if (artifact == NULL && error != NULL &&
        hr_error_status(*error) == HR_PRECONDITION)
        g_prefix_error(error, "`once --complete` may bring what is missing: ");
    if (artifact == NULL ||
        !check_presence(verifier, repository, artifact->blobs, call, error))
        return false;
    for (guint i = 0; verifier->deep && i < artifact->blobs->len; i++)
        if (!read_blob(verifier, repository, artifact->blobs->pdata[i], call,
                       error))
            return false;
    HR_LOCKED(&verifier->mutex);
    verifier->result->manifests += artifact->manifests->len;
    verifier->result->blobs += artifact->blobs->len;
    return true;
}

/* As check_content, once for tags that name the same artifact. */
static bool
check_content_once(Verifier *verifier, const hr_manifest_query *target,
                   HrCall *call, GError **error)
{
    g_autofree char *name =
        g_strconcat(target->repository, "@", target->digest, NULL);
    bool known;

    pthread_mutex_lock(&verifier->mutex);
    known = g_hash_table_contains(verifier->whole, name);
    pthread_mutex_unlock(&verifier->mutex);
    if (known)
        return true;
    if (!check_content(verifier, target->repository, target->digest, call,
                       error))
        return false;
    HR_LOCKED(&verifier->mutex);
    g_hash_table_add(verifier->whole, g_steal_pointer(&name));
    return true;
}

static void
report_query(Verifier *verifier, const char *key, const HrRegistry *registry,
             const hr_manifest_query *query)
{
    g_autofree char *message = g_strdup_printf(
        "%s: %s", hr_registry_name(registry),
        query->message[0] != '\0' ? query->message
                                  : hr_status_name(query->status));

    add_difference(verifier, HR_DIFFERENCE_UNKNOWN, key, message);
}

/* True unless it is a referrer that the target does not list. */
static bool
is_listed(Verifier *verifier, const char *key, const HrTie *tie)
{
    g_autofree char *message = NULL;

    if (tie == NULL || !tie->referrer || tie->listed)
        return true;
    message = g_strdup_printf("there, but not listed: %s", tie->reason);
    add_difference(verifier, HR_DIFFERENCE_MISSING, key, message);
    return false;
}

/* True if the two sides name the same digest; otherwise reports how not. */
static bool
same_digest(Verifier *verifier, const char *key, const HrSighting *sighting)
{
    const hr_manifest_query *source = sighting->source;
    const hr_manifest_query *target = sighting->target;
    const HrPass *pass = verifier->pass;
    g_autofree char *message = NULL;

    if (source->status != HR_OK && source->status != HR_NOT_FOUND) {
        report_query(verifier, key, pass->source, source);
        return false;
    }
    if (target->status != HR_OK && target->status != HR_NOT_FOUND) {
        report_query(verifier, key, pass->target, target);
        return false;
    }
    if (source->status == HR_NOT_FOUND) {
        if (target->status == HR_OK || sighting->named)
            add_difference(verifier,
                           target->status == HR_OK ? HR_DIFFERENCE_EXTRA
                                                   : HR_DIFFERENCE_MISSING,
                           key, "not on the source");
        return false;
    }
    if (target->status == HR_NOT_FOUND) {
        add_difference(verifier, HR_DIFFERENCE_MISSING, key,
                       sighting->tie != NULL ? sighting->tie->reason
                                             : "not on the target");
        return false;
    }
    if (strcmp(source->digest, target->digest) == 0)
        return is_listed(verifier, key, sighting->tie);
    message = g_strdup_printf("%s on the source, %s on the target",
                              source->digest, target->digest);
    add_difference(verifier, HR_DIFFERENCE_OTHER, key, message);
    return false;
}

static void
verify_sighting(Verifier *verifier, HrCall *call, const HrSighting *sighting)
{
    const hr_manifest_query *target = sighting->target;
    g_autofree char *key = hr_tag_key(target->repository, target->reference);
    g_autoptr(GError) error = NULL;

    atomic_fetch_add(&verifier->pass->progress->checked, 1);
    pthread_mutex_lock(&verifier->mutex);
    verifier->result->checked++;
    pthread_mutex_unlock(&verifier->mutex);
    if (!same_digest(verifier, key, sighting))
        return;
    if (!check_content_once(verifier, target, call, &error)) {
        add_difference(verifier, HR_DIFFERENCE_DAMAGED, key, error->message);
        return;
    }
    HR_LOCKED(&verifier->mutex);
    verifier->result->equal++;
}

static void
visit_for_verify(void *data, HrCall *call, const HrSighting *sightings,
                 size_t count)
{
    Verifier *verifier = data;

    for (size_t i = 0; i < count; i++) {
        hr_seen_content_note(verifier->seen, &sightings[i]);
        verify_sighting(verifier, call, &sightings[i]);
    }
}

/* True for what is looked at with the digest that it belongs to; lists of
 * referrers may be the target's own. */
static bool
is_followed(const HrPass *pass, const HrCandidate *candidate, const char *tag)
{
    return pass->referrers &&
           (hr_companion_of(tag) == HR_COMPANION_FALLBACK ||
            (candidate != NULL && candidate->out == HR_TAG_RULE_COMPANION));
}

/* A tag of the target that is not selected: none of this sync's business, or
 * left from before, or something that the source never had or has lost. */
static void
judge_unselected(Verifier *verifier, const HrSelection *selection,
                 const char *key, const char *tag)
{
    const HrCandidate *candidate = hr_selection_find(selection, tag);
    g_autofree char *reason = NULL;

    if (is_followed(verifier->pass, candidate, tag) ||
        !hr_selection_admits_tag(selection->select, tag) ||
        (candidate != NULL && candidate->out == HR_TAG_RULE_UNREADABLE))
        return;
    if (candidate == NULL) {
        add_difference(verifier, HR_DIFFERENCE_EXTRA, key,
                       "not on the source");
        return;
    }
    reason = hr_selection_reason(selection, candidate);
    add_difference(verifier, HR_DIFFERENCE_KEPT, key, reason);
}

/* Finds tags that only the target has.  Only where the source's tags were
 * listed: what is named says nothing about what is not. */
static void
find_extra_tags(void *data, HrCall *call, const char *repository,
                const HrSelection *selection)
{
    Verifier *verifier = data;
    const HrPass *pass = verifier->pass;
    g_autoptr(GPtrArray) present = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;

    if (selection == NULL || pass->target_repository != NULL)
        return;
    name = hr_pass_target_name(pass, repository);
    present = hr_registry_list_tags(pass->target, call, name, &error);
    if (present == NULL) {
        if (hr_error_status(error) != HR_NOT_FOUND)
            note_problem(verifier, name, error);
        return;
    }
    for (guint i = 0; i < present->len; i++) {
        const char *tag = present->pdata[i];
        const HrCandidate *candidate = hr_selection_find(selection, tag);
        g_autofree char *key = NULL;

        if (candidate != NULL && candidate->out == HR_TAG_RULE_NONE)
            continue;
        key = hr_tag_key(name, tag);
        judge_unselected(verifier, selection, key, tag);
    }
}

static gint
order_differences(gconstpointer left, gconstpointer right)
{
    const HrDifference *one = *(const HrDifference *const *)left;
    const HrDifference *other = *(const HrDifference *const *)right;
    int order = g_strcmp0(one->item_kind, other->item_kind);

    return order != 0 ? order : strcmp(one->key, other->key);
}

HrVerification *
hr_verify_run(const HrPass *pass, bool deep, GError **error)
{
    g_autoptr(HrVerification) result = g_new0(HrVerification, 1);
    g_autoptr(GHashTable) whole =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(HrSeenContent) seen = hr_seen_content_new(pass);
    Verifier verifier = {
        .pass = pass,
        .deep = deep,
        .result = result,
        .whole = whole,
        .seen = seen,
    };
    HrVisitor visitor = {
        .visit = visit_for_verify,
        .listed = find_extra_tags,
        .problem = note_problem,
        .data = &verifier,
        .follows = true,
        .proves = true,
    };
    bool walked;

    result->differences = g_ptr_array_new_with_free_func(free_difference);
    result->kept = g_ptr_array_new_with_free_func(free_difference);
    if (!hr_pass_probe(pass, false, NULL, error) ||
        !hr_document_verify(pass, result, error))
        return NULL;
    pthread_mutex_init(&verifier.mutex, NULL);
    walked = !hr_pass_wants_content(pass) || hr_walk(pass, &visitor, error);
    pthread_mutex_destroy(&verifier.mutex);
    if (!walked)
        return NULL;
    hr_seen_content_narrow_verification(seen, result);
    g_ptr_array_sort(result->differences, order_differences);
    g_ptr_array_sort(result->kept, order_differences);
    return g_steal_pointer(&result);
}
