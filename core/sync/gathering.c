/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gathering: passes of one source that read it once. */
#include "sync/gathering.h"

#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"

/* Manifests kept for others.  They come soon, or were left behind. */
#define KEPT_LIMIT_BYTES (4 * 1024 * 1024)

/* Who comes so much later was not meant to be waited for. */
#define COMPANY_US (5 * G_USEC_PER_SEC)

/* A part of all the time that is not too much to wait. */
#define PATIENCE_SHARE 10

/* How often a driver that waits looks around. */
#define LOOK_US (50 * 1000)

typedef enum Phase {
    PHASE_GATHERING,
    PHASE_LOADING,
    PHASE_OPEN
} Phase;

typedef struct Waiter {
    HrGatheringReady ready;
    void *data;
    uint64_t self;
} Waiter;

/* An artifact that passes will copy. */
typedef struct Root {
    uint64_t announced;
    uint64_t arrived;
    uint64_t company; /* from PHASE_LOADING on */
    Phase phase;
    int64_t since_us;   /* the first one is there; then: it is open */
    const void *leader; /* its copy */
    GArray *waiters;    /* Waiter; NULL while nobody waits */
    GList link;         /* in `gathering`, while somebody waits for others */
    char digest[];
} Root;

struct HrGathering {
    pthread_mutex_t mutex;
    HrCond changed;  /* a pass has announced, left, or caught up */
    unsigned joined; /* targets                                  */
    const void *targets[HR_GATHERING_LIMIT];
    unsigned running_passes[HR_GATHERING_LIMIT];
    uint64_t running;  /* some pass has begun, and is not over     */
    uint64_t planned;  /* all is announced                         */
    uint64_t behind;   /* not waited for any more                  */
    GHashTable *roots; /* digest -> Root                           */
    GQueue gathering;  /* Root that wait for others, oldest first  */
    unsigned waiting[HR_GATHERING_LIMIT]; /* copies of each pass    */
    int64_t held_us[HR_GATHERING_LIMIT];  /* others, by each pass   */
    int64_t moved_us[HR_GATHERING_LIMIT]; /* when a copy came last  */
    int64_t kept_us[HR_GATHERING_LIMIT];  /* when others last kept it */
    int64_t begun_us;
    GHashTable *kept; /* digest -> HrManifest */
    GQueue order;     /* of those, oldest first; borrowed */
    size_t kept_bytes;
};

static void
free_root(gpointer data)
{
    Root *root = data;

    if (root->waiters != NULL)
        g_array_unref(root->waiters);
    g_free(root);
}

static void
free_manifest(gpointer data)
{
    hr_manifest_free(data);
}

HrGathering *
hr_gathering_new(void)
{
    HrGathering *gathering = g_new0(HrGathering, 1);

    pthread_mutex_init(&gathering->mutex, NULL);
    hr_cond_init(&gathering->changed);
    gathering->roots =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_root);
    gathering->kept =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_manifest);
    return gathering;
}

void
hr_gathering_free(HrGathering *gathering)
{
    if (gathering == NULL)
        return;
    g_queue_clear(&gathering->order);
    g_hash_table_unref(gathering->kept);
    g_hash_table_unref(gathering->roots);
    hr_cond_clear(&gathering->changed);
    pthread_mutex_destroy(&gathering->mutex);
    g_free(gathering);
}

static unsigned
number_of(uint64_t self)
{
    return (unsigned)__builtin_ctzll(self);
}

uint64_t
hr_gathering_join(HrGathering *gathering, const void *target)
{
    HR_LOCKED(&gathering->mutex);
    for (unsigned i = 0; i < gathering->joined; i++)
        if (gathering->targets[i] == target)
            return UINT64_C(1) << i;
    if (gathering->joined == HR_GATHERING_LIMIT)
        return 0;
    gathering->targets[gathering->joined] = target;
    return UINT64_C(1) << gathering->joined++;
}

bool
hr_gathering_has_others(HrGathering *gathering)
{
    HR_LOCKED(&gathering->mutex);
    return gathering->joined > 1;
}

void
hr_gathering_begin(HrGathering *gathering, uint64_t self)
{
    HR_LOCKED(&gathering->mutex);
    if (gathering->running == 0)
        gathering->begun_us = hr_clock_monotonic_us();
    gathering->running |= self;
    gathering->running_passes[number_of(self)]++;
}

void
hr_gathering_announce(HrGathering *gathering, uint64_t self,
                      const char *digest)
{
    size_t size = strlen(digest) + 1;
    Root *root;

    HR_LOCKED(&gathering->mutex);
    root = g_hash_table_lookup(gathering->roots, digest);
    if (root == NULL) {
        root = g_malloc0(sizeof *root + size);
        memcpy(root->digest, digest, size);
        root->link.data = root;
        g_hash_table_insert(gathering->roots, root->digest, root);
    }
    root->announced |= self;
}

/* ---------------------------------------------------------- who waits */

/* Those who will come, as far as they are waited for. */
static uint64_t
expected_locked(const HrGathering *gathering, const Root *root)
{
    return root->announced & gathering->running & ~gathering->behind;
}

/* Takes the waiter at `index` off, to be told without the lock. */
static void
release_locked(HrGathering *gathering, Root *root, guint index, GArray *woken)
{
    Waiter waiter = g_array_index(root->waiters, Waiter, index);

    g_array_remove_index(root->waiters, index);
    gathering->waiting[number_of(waiter.self)]--;
    g_array_append_val(woken, waiter);
    hr_cond_broadcast(&gathering->changed);
}

static void
wake(GArray *woken)
{
    for (guint i = 0; i < woken->len; i++) {
        const Waiter *waiter = &g_array_index(woken, Waiter, i);

        waiter->ready(waiter->data);
    }
    g_array_unref(woken);
}

static GArray *
new_woken(void)
{
    return g_array_new(false, false, sizeof(Waiter));
}

/* Nobody else is waited for: `leader` reads, the rest wait for that. */
static void
begin_loading_locked(HrGathering *gathering, Root *root, const void *leader)
{
    root->phase = PHASE_LOADING;
    root->company = root->arrived;
    root->leader = leader;
    g_queue_unlink(&gathering->gathering, &root->link);
}

/* Has those begin who are complete without whoever was left behind. */
static void
review_locked(HrGathering *gathering, GArray *woken)
{
    GList *link = gathering->gathering.head;

    while (link != NULL) {
        Root *root = link->data;

        link = link->next;
        if ((expected_locked(gathering, root) & ~root->arrived) != 0)
            continue;
        begin_loading_locked(gathering, root,
                             g_array_index(root->waiters, Waiter, 0).data);
        release_locked(gathering, root, 0, woken);
    }
}

static void
leave_behind_locked(HrGathering *gathering, uint64_t passes)
{
    if ((passes & ~gathering->behind) == 0)
        return;
    gathering->behind |= passes;
    hr_log(HR_LOG_DEBUG, "a pass is left behind by others of its source");
    hr_cond_broadcast(&gathering->changed);
}

/* ------------------------------------------------------------ drivers */

/* Somebody was held up since then by these passes, with so much of what it
 * has. */
static void
hold_locked(HrGathering *gathering, uint64_t by, int64_t since_us,
            double share)
{
    int64_t now = hr_clock_monotonic_us();
    int64_t patience_us = HR_GATHERING_PATIENCE_US +
                          (now - gathering->begun_us) / PATIENCE_SHARE;

    for (unsigned i = 0; i < HR_GATHERING_LIMIT; i++) {
        if ((by & UINT64_C(1) << i) == 0)
            continue;
        gathering->held_us[i] += (int64_t)((double)(now - since_us) * share);
        if (gathering->held_us[i] > patience_us)
            leave_behind_locked(gathering, UINT64_C(1) << i);
    }
}

/* Waits while `held` says so; whoever it is for is left behind in the end. */
static void
wait_locked(HrGathering *gathering, uint64_t self, HrLane *lane,
            HrCancel *cancel,
            uint64_t (*held_by)(HrGathering *gathering, uint64_t self))
{
    for (;;) {
        uint64_t by = held_by(gathering, self);
        int64_t now = hr_clock_monotonic_us();

        if (by == 0 || hr_cancel_triggered(cancel))
            return;
        hr_cond_wait_until(&gathering->changed, &gathering->mutex,
                           now + LOOK_US);
        hold_locked(gathering, by & held_by(gathering, self), now,
                    lane != NULL ? hr_pool_idle_share(lane) : 1);
    }
}

static uint64_t
held_by_planning(HrGathering *gathering, uint64_t self)
{
    return gathering->running & ~gathering->planned & ~gathering->behind &
           ~self;
}

void
hr_gathering_await(HrGathering *gathering, uint64_t self, HrCancel *cancel)
{
    HR_LOCKED(&gathering->mutex);
    gathering->planned |= self;
    hr_cond_broadcast(&gathering->changed);
    wait_locked(gathering, self, NULL, cancel, held_by_planning);
}

/* Those whom most of our copies wait for. */
static uint64_t
held_by_copies(HrGathering *gathering, uint64_t self)
{
    uint64_t by = 0;

    if (gathering->waiting[number_of(self)] < HR_GATHERING_WAITING_LIMIT)
        return 0;
    for (GList *link = gathering->gathering.head; link != NULL;
         link = link->next) {
        const Root *root = link->data;

        if ((root->arrived & self) != 0)
            by |= expected_locked(gathering, root) & ~root->arrived;
    }
    return by;
}

void
hr_gathering_pace(HrGathering *gathering, uint64_t self, HrLane *lane,
                  HrCancel *cancel)
{
    GArray *woken = new_woken();

    pthread_mutex_lock(&gathering->mutex);
    wait_locked(gathering, self, lane, cancel, held_by_copies);
    review_locked(gathering, woken);
    pthread_mutex_unlock(&gathering->mutex);
    wake(woken);
}

void
hr_gathering_leave(HrGathering *gathering, uint64_t self)
{
    GArray *woken = new_woken();

    pthread_mutex_lock(&gathering->mutex);
    if (--gathering->running_passes[number_of(self)] == 0)
        gathering->running &= ~self;
    review_locked(gathering, woken);
    hr_cond_broadcast(&gathering->changed);
    pthread_mutex_unlock(&gathering->mutex);
    wake(woken);
}

/* Those whom copies of each pass wait for. */
static void
find_holders_locked(const HrGathering *gathering,
                    uint64_t held_by[HR_GATHERING_LIMIT])
{
    memset(held_by, 0, HR_GATHERING_LIMIT * sizeof *held_by);
    for (GList *link = gathering->gathering.head; link != NULL;
         link = link->next) {
        const Root *root = link->data;
        uint64_t missing = expected_locked(gathering, root) & ~root->arrived;

        for (unsigned i = 0; i < gathering->joined; i++)
            if ((root->arrived & UINT64_C(1) << i) != 0)
                held_by[i] |= missing;
    }
}

/* A pass that waits for others may have no copy left that could come
 * elsewhere.  It is kept by them as long as that leads, directly or through
 * others, to one that gets on or that waits for nobody: that one is on time or
 * late by itself.  Those who only wait for each other are kept by nobody. */
static void
note_kept_locked(HrGathering *gathering, int64_t now_us)
{
    uint64_t held_by[HR_GATHERING_LIMIT];
    uint64_t leads = 0;
    uint64_t before;

    find_holders_locked(gathering, held_by);
    for (unsigned i = 0; i < gathering->joined; i++)
        if (held_by[i] == 0 ||
            now_us - gathering->moved_us[i] <= HR_GATHERING_PATIENCE_US)
            leads |= UINT64_C(1) << i;
    do {
        before = leads;
        for (unsigned i = 0; i < gathering->joined; i++) {
            if ((held_by[i] & leads) == 0)
                continue;
            leads |= UINT64_C(1) << i;
            gathering->kept_us[i] = now_us;
        }
    } while (leads != before);
}

/* Those whom an artifact has waited for, and who have got nowhere else
 * either, though nobody kept them. */
static uint64_t
late_locked(const HrGathering *gathering, const Root *root, int64_t now_us,
            bool over)
{
    uint64_t missing = expected_locked(gathering, root) & ~root->arrived;
    uint64_t late = 0;

    for (unsigned i = 0; i < gathering->joined; i++) {
        int64_t idle_us = MAX(gathering->moved_us[i], gathering->kept_us[i]);

        if (over ||
            now_us - MAX(root->since_us, idle_us) > HR_GATHERING_PATIENCE_US)
            late |= UINT64_C(1) << i;
    }
    return missing & late;
}

void
hr_gathering_tick(HrGathering *gathering, int64_t now_us, bool over)
{
    GArray *woken = new_woken();

    pthread_mutex_lock(&gathering->mutex);
    note_kept_locked(gathering, now_us);
    for (GList *link = gathering->gathering.head; link != NULL;
         link = link->next) {
        const Root *root = link->data;

        leave_behind_locked(gathering,
                            late_locked(gathering, root, now_us, over));
    }
    review_locked(gathering, woken);
    pthread_mutex_unlock(&gathering->mutex);
    wake(woken);
}

/* ------------------------------------------------------------- copies */

bool
hr_gathering_arrive(HrGathering *gathering, uint64_t self, const char *digest,
                    HrGatheringReady ready, void *data, int64_t now_us)
{
    Waiter waiter = {ready, data, self};
    Root *root;

    HR_LOCKED(&gathering->mutex);
    root = g_hash_table_lookup(gathering->roots, digest);
    gathering->moved_us[number_of(self)] = now_us;
    if (root == NULL || root->phase == PHASE_OPEN ||
        (gathering->behind & self) != 0 ||
        (root->announced & (root->announced - 1)) == 0)
        return true;
    if (root->arrived == 0) {
        root->since_us = now_us;
        g_queue_push_tail_link(&gathering->gathering, &root->link);
    }
    if (root->phase == PHASE_GATHERING) {
        root->arrived |= self;
        if ((expected_locked(gathering, root) & ~root->arrived) == 0) {
            begin_loading_locked(gathering, root, data);
            return true;
        }
    }
    if (root->waiters == NULL)
        root->waiters = g_array_new(false, false, sizeof(Waiter));
    g_array_append_val(root->waiters, waiter);
    gathering->waiting[number_of(self)]++;
    return false;
}

uint64_t
hr_gathering_company(HrGathering *gathering, uint64_t self, const char *digest,
                     const void *data, bool *leads, int64_t now_us)
{
    const Root *root;

    HR_LOCKED(&gathering->mutex);
    root = g_hash_table_lookup(gathering->roots, digest);
    *leads = root != NULL && root->leader == data;
    if (root == NULL || root->phase == PHASE_GATHERING ||
        (root->company & self) == 0 || root->company == self)
        return 0;
    if (root->phase == PHASE_OPEN && now_us - root->since_us > COMPANY_US)
        return 0;
    return root->company;
}

void
hr_gathering_loaded(HrGathering *gathering, const char *digest)
{
    GArray *woken = new_woken();
    Root *root;

    pthread_mutex_lock(&gathering->mutex);
    root = g_hash_table_lookup(gathering->roots, digest);
    root->phase = PHASE_OPEN;
    root->leader = NULL;
    root->since_us = hr_clock_monotonic_us();
    while (root->waiters != NULL && root->waiters->len > 0)
        release_locked(gathering, root, 0, woken);
    g_clear_pointer(&root->waiters, g_array_unref);
    pthread_mutex_unlock(&gathering->mutex);
    wake(woken);
}

/* ---------------------------------------------------------- manifests */

HrManifest *
hr_gathering_find(HrGathering *gathering, const char *digest)
{
    HrManifest *manifest;

    HR_LOCKED(&gathering->mutex);
    manifest = g_hash_table_lookup(gathering->kept, digest);
    return manifest != NULL ? hr_manifest_ref(manifest) : NULL;
}

static void
forget_oldest_locked(HrGathering *gathering)
{
    HrManifest *manifest = g_queue_pop_head(&gathering->order);

    gathering->kept_bytes -= g_bytes_get_size(manifest->bytes);
    g_hash_table_remove(gathering->kept, manifest->digest);
}

void
hr_gathering_keep(HrGathering *gathering, HrManifest *manifest)
{
    size_t size = g_bytes_get_size(manifest->bytes);

    HR_LOCKED(&gathering->mutex);
    if (g_hash_table_contains(gathering->kept, manifest->digest))
        return;
    g_hash_table_insert(gathering->kept, manifest->digest,
                        hr_manifest_ref(manifest));
    g_queue_push_tail(&gathering->order, manifest);
    gathering->kept_bytes += size;
    while (gathering->kept_bytes > KEPT_LIMIT_BYTES)
        forget_oldest_locked(gathering);
}
