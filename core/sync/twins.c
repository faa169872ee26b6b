/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Twins: tags of one artifact in one repository. */
#include "sync/twins.h"

#include "base/lock.h"

typedef struct Waiter {
    HrTwinReady ready;
    void *data;
} Waiter;

/* All tags of one artifact. */
typedef struct Family {
    unsigned tags;
    unsigned put;     /* of those, as far as they are there */
    bool busy;        /* one of them is bringing it         */
    HrManifest *root; /* once it is there; until all are    */
    GArray *waiters;  /* NULL while nobody waits */
} Family;

struct HrTwins {
    pthread_mutex_t mutex;
    GHashTable *once;     /* hashes of what one tag leads to, as most do */
    GHashTable *families; /* "repository@digest" -> Family */
};

static void
free_family(gpointer data)
{
    Family *family = data;

    if (family->root != NULL)
        hr_manifest_free(family->root);
    if (family->waiters != NULL)
        g_array_unref(family->waiters);
    g_free(family);
}

HrTwins *
hr_twins_new(void)
{
    HrTwins *twins = g_new0(HrTwins, 1);

    pthread_mutex_init(&twins->mutex, NULL);
    twins->once = g_hash_table_new(NULL, NULL);
    twins->families =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_family);
    return twins;
}

void
hr_twins_free(HrTwins *twins)
{
    if (twins == NULL)
        return;
    g_hash_table_unref(twins->once);
    g_hash_table_unref(twins->families);
    pthread_mutex_destroy(&twins->mutex);
    g_free(twins);
}

static char *
make_key(const char *repository, const char *digest)
{
    return g_strconcat(repository, "@", digest, NULL);
}

/* NULL for an only child: nobody waits for it.  What only has its hash may be
 * taken for a twin, who goes on by itself as well. */
static Family *
find_family(HrTwins *twins, const char *repository, const char *digest)
{
    g_autofree char *key = make_key(repository, digest);

    return g_hash_table_lookup(twins->families, key);
}

void
hr_twins_add(HrTwins *twins, const char *repository, const char *digest)
{
    g_autofree char *key = make_key(repository, digest);
    Family *family;

    HR_LOCKED(&twins->mutex);
    family = g_hash_table_lookup(twins->families, key);
    if (family == NULL) {
        if (g_hash_table_add(twins->once, GUINT_TO_POINTER(g_str_hash(key))))
            return;
        family = g_new0(Family, 1);
        family->tags = 1;
        g_hash_table_insert(twins->families, g_steal_pointer(&key), family);
    }
    family->tags++;
}

bool
hr_twins_enter(HrTwins *twins, const char *repository, const char *digest,
               HrTwinReady ready, void *data)
{
    Waiter waiter = {ready, data};
    Family *family;

    HR_LOCKED(&twins->mutex);
    family = find_family(twins, repository, digest);
    if (family == NULL || family->root != NULL)
        return true;
    if (!family->busy) {
        family->busy = true;
        return true;
    }
    if (family->waiters == NULL)
        family->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    g_array_append_val(family->waiters, waiter);
    return false;
}

HrManifest *
hr_twins_root(HrTwins *twins, const char *repository, const char *digest)
{
    Family *family;

    HR_LOCKED(&twins->mutex);
    family = find_family(twins, repository, digest);
    return family != NULL && family->root != NULL
               ? hr_manifest_ref(family->root)
               : NULL;
}

/* Takes off who may go on: all of them once the root is there, else the
 * first. */
static void
take_waiters(Family *family, GArray *woken)
{
    guint count = family->waiters != NULL ? family->waiters->len : 0;

    if (family->root == NULL) {
        count = MIN(count, 1);
        family->busy = count == 1;
    }
    if (count == 0)
        return;
    g_array_append_vals(woken, family->waiters->data, count);
    g_array_remove_range(family->waiters, 0, count);
}

/* One more is there; what nobody will ask for any more is let go of. */
static void
take_root(Family *family, HrManifest *root)
{
    if (family->root == NULL)
        family->root = hr_manifest_ref(root);
    if (++family->put == family->tags)
        g_clear_pointer(&family->root, hr_manifest_free);
}

void
hr_twins_leave(HrTwins *twins, const char *repository, const char *digest,
               HrManifest *root)
{
    g_autoptr(GArray) woken = g_array_new(FALSE, FALSE, sizeof(Waiter));
    Family *family;

    pthread_mutex_lock(&twins->mutex);
    family = find_family(twins, repository, digest);
    if (family != NULL) {
        if (root != NULL)
            take_root(family, root);
        take_waiters(family, woken);
    }
    pthread_mutex_unlock(&twins->mutex);
    for (guint i = 0; i < woken->len; i++) {
        Waiter *waiter = &g_array_index(woken, Waiter, i);

        waiter->ready(waiter->data);
    }
}
