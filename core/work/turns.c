/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turns: one job at a time for each name. */
#include "work/turns.h"

#include "base/lock.h"

/* Somebody who waits for a turn. */
typedef struct Waiter {
    void (*ready)(void *data);
    void *data;
} Waiter;

struct HrTurns {
    pthread_mutex_t mutex;
    GHashTable *queues; /* name of a turn that is taken -> GQueue of Waiter */
};

static void
free_queue(void *data)
{
    g_queue_free_full(data, g_free);
}

HrTurns *
hr_turns_new(void)
{
    HrTurns *turns = g_new0(HrTurns, 1);

    pthread_mutex_init(&turns->mutex, NULL);
    turns->queues =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_queue);
    return turns;
}

void
hr_turns_free(HrTurns *turns)
{
    if (turns == NULL)
        return;
    pthread_mutex_destroy(&turns->mutex);
    g_hash_table_unref(turns->queues);
    g_free(turns);
}

bool
hr_turns_take(HrTurns *turns, const char *name, void (*ready)(void *data),
              void *data)
{
    Waiter *waiter;
    GQueue *queue;

    HR_LOCKED(&turns->mutex);
    queue = g_hash_table_lookup(turns->queues, name);
    if (queue == NULL) {
        g_hash_table_insert(turns->queues, g_strdup(name), g_queue_new());
        return true;
    }
    waiter = g_new(Waiter, 1);
    *waiter = (Waiter){ready, data};
    g_queue_push_tail(queue, waiter);
    return false;
}

void
hr_turns_give(HrTurns *turns, const char *name)
{
    g_autofree Waiter *next = NULL;

    pthread_mutex_lock(&turns->mutex);
    next = g_queue_pop_head(g_hash_table_lookup(turns->queues, name));
    if (next == NULL)
        g_hash_table_remove(turns->queues, name);
    pthread_mutex_unlock(&turns->mutex);
    if (next != NULL)
        next->ready(next->data);
}
