/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Document verify: the documents of both sides, held against each other. */
#include "sync/document-verify.h"

#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "sync/document-secrets.h"
#include "sync/snapshot.h"
#include "sync/unheld.h"

/* A document that the target lacks. */
typedef struct Missing {
    const char *kind;
    char *key;
    char *text; /* as it would be there; NULL once it is settled */
} Missing;

typedef struct Verifier {
    const HrPass *pass;
    HrVerification *result; /* under mutex */
    GPtrArray *robots;      /* keys of those that both have; likewise */
    GArray *missing;        /* Missing; likewise */
    HrUnheld *unheld;       /* likewise */
    const char *side;       /* that is asked about secrets */
    pthread_mutex_t mutex;
} Verifier;

static void
add(const Verifier *verifier, HrDifferenceKind difference,
    const HrDocumentPair *pair, const char *message)
{
    hr_verification_add(verifier->result, difference, pair->kind->name,
                        pair->key, message);
}

static void
note_problem(void *data, const char *kind, const char *key,
             const GError *error)
{
    Verifier *verifier = data;

    HR_LOCKED(&verifier->mutex);
    hr_verification_add(verifier->result, HR_DIFFERENCE_UNKNOWN, kind, key,
                        error->message);
}

/* True if there is something to hold against the target. */
static bool
can_be_held(const Verifier *verifier, const HrDocumentPair *pair)
{
    const HrFit *fit = pair->fit;
    bool never = hr_error_status(fit->error) == HR_UNSUPPORTED;

    if (fit->error != NULL) {
        add(verifier, never ? HR_DIFFERENCE_KEPT : HR_DIFFERENCE_UNKNOWN, pair,
            fit->error->message);
        if (never && pair->target == NULL)
            hr_unheld_add(verifier->unheld, pair->kind->name, pair->key);
        return false;
    }
    for (guint i = 0; fit->lacks != NULL && i < fit->lacks->len; i++) {
        const HrLack *lack = fit->lacks->pdata[i];
        g_autofree char *message = g_strdup_printf(
            "cannot be held: %s: %s", lack->pointer, lack->reason);

        add(verifier, HR_DIFFERENCE_KEPT, pair, message);
    }
    return true;
}

static bool
is_protected(const HrDocument *document)
{
    return document != NULL && document->is_protected;
}

/* True if the target has what the source has; otherwise told. */
static bool
is_equal(const Verifier *verifier, const HrDocumentPair *pair)
{
    g_autofree char *line = NULL;

    if (pair->source == NULL) {
        if (!is_protected(pair->target))
            add(verifier, HR_DIFFERENCE_EXTRA, pair, "not on the source");
        return is_protected(pair->target);
    }
    if (!can_be_held(verifier, pair))
        return false;
    if (pair->target != NULL &&
        strcmp(pair->fit->held, pair->target->text) == 0 &&
        hr_secrets_agree(pair->source->secrets, pair->target->secrets))
        return true;
    if (is_protected(pair->source) || is_protected(pair->target)) {
        add(verifier, HR_DIFFERENCE_KEPT, pair, "protected, and different");
        return false;
    }
    if (pair->target == NULL) {
        Missing missing = {
            .kind = pair->kind->name,
            .key = g_strdup(pair->key),
            .text = g_strdup(pair->fit->held),
        };

        g_array_append_val(verifier->missing, missing);
        return false;
    }
    line = hr_document_compare_line(pair->target->text, pair->fit->held);
    add(verifier, HR_DIFFERENCE_OTHER, pair,
        *line != '\0' ? line : "another secret");
    return false;
}

static void
visit(void *data, HrCall *call, const HrDocumentPair *pair)
{
    Verifier *verifier = data;

    (void)call;
    atomic_fetch_add(&verifier->pass->progress->checked, 1);
    atomic_fetch_add(&verifier->pass->progress->documents, 1);
    HR_LOCKED(&verifier->mutex);
    verifier->result->checked++;
    if (pair->kind->rank == HR_RANK_ROBOT && pair->source != NULL &&
        pair->target != NULL && !is_protected(pair->source) &&
        !is_protected(pair->target))
        g_ptr_array_add(verifier->robots, g_strdup(pair->key));
    if (is_equal(verifier, pair))
        verifier->result->equal++;
}

static void
note_secret(void *data, HrCall *call, const char *key, const GError *error)
{
    Verifier *verifier = data;
    bool denied = hr_error_status(error) == HR_AUTH_DENIED;
    g_autofree char *message = g_strdup_printf(
        "its secret on the %s is not the one that robot_secrets tells",
        verifier->side);

    (void)call;
    HR_LOCKED(&verifier->mutex);
    hr_verification_add(verifier->result,
                        denied ? HR_DIFFERENCE_OTHER : HR_DIFFERENCE_UNKNOWN,
                        "robot", key, denied ? message : error->message);
}

/* What robot_secrets tells must be right at both ends. */
static bool
verify_secrets(Verifier *verifier, GError **error)
{
    const HrPass *pass = verifier->pass;
    HrRegistry *const registries[] = {pass->source, pass->target};
    static const char *const sides[] = {"source", "target"};

    for (unsigned i = 0; i < G_N_ELEMENTS(sides); i++) {
        verifier->side = sides[i];
        if (hr_document_secrets_known(pass, registries[i], "robot") &&
            !hr_document_secrets_check(pass, registries[i], verifier->robots,
                                       note_secret, verifier, error))
            return false;
    }
    return true;
}

static void
clear_missing(gpointer data)
{
    Missing *missing = data;

    g_free(missing->key);
    g_free(missing->text);
}

static void
settle(const Verifier *verifier, Missing *missing, HrDifferenceKind kind,
       const char *message)
{
    hr_verification_add(verifier->result, kind, missing->kind, missing->key,
                        message);
    g_clear_pointer(&missing->text, g_free);
}

/* Tells what is missing; what needs something that cannot be there is not. */
static void
settle_missing(Verifier *verifier)
{
    GArray *all = verifier->missing;
    bool found = true;

    while (found) {
        found = false;
        for (guint i = 0; i < all->len; i++) {
            Missing *missing = &g_array_index(all, Missing, i);
            g_autofree char *reason =
                missing->text != NULL
                    ? hr_unheld_reason(verifier->unheld, missing->kind,
                                       missing->key, missing->text)
                    : NULL;

            if (reason == NULL)
                continue;
            found = true;
            hr_unheld_add(verifier->unheld, missing->kind, missing->key);
            settle(verifier, missing, HR_DIFFERENCE_KEPT, reason);
        }
    }
    for (guint i = 0; i < all->len; i++) {
        Missing *missing = &g_array_index(all, Missing, i);

        if (missing->text != NULL)
            settle(verifier, missing, HR_DIFFERENCE_MISSING,
                   "not on the target");
    }
}

bool
hr_document_verify(const HrPass *pass, HrVerification *result, GError **error)
{
    g_autoptr(GPtrArray) robots = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HrUnheld) unheld = hr_unheld_new();
    g_autoptr(GArray) missing = g_array_new(false, false, sizeof(Missing));
    Verifier verifier = {
        .pass = pass,
        .result = result,
        .robots = robots,
        .missing = missing,
        .unheld = unheld,
    };
    HrDocumentVisitor visitor = {
        .visit = visit,
        .problem = note_problem,
        .data = &verifier,
    };
    bool walked;

    g_array_set_clear_func(missing, clear_missing);
    pthread_mutex_init(&verifier.mutex, NULL);
    walked = hr_snapshot_walk(pass, NULL, false, &visitor, error) &&
             verify_secrets(&verifier, error);
    pthread_mutex_destroy(&verifier.mutex);
    settle_missing(&verifier);
    return walked;
}
