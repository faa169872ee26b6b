/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One source for several pipes: where they meet, and what carries them. */
#include "net/pipe-state.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"

/* How long pipes of one blob wait for each other.  Whoever wants the same and
 * is not much slower comes within a few round trips. */
#define MEETING_US (3 * G_USEC_PER_SEC)

/* How long a rider may hold up the others: so long, and a tenth of the time
 * that it has been carried. */
#define PATIENCE_US (3 * G_USEC_PER_SEC)
#define PATIENCE_SHARE 10

/* Where the pipes of a blob meet: in their endpoint's table until they are
 * complete, or the time is over. */
typedef struct Meeting {
    HrEndpoint *endpoint;
    uint64_t expected;
    uint64_t heard; /* those who are there, or do not come */
    GPtrArray *pipes;
    HrTimer timer;
    char digest[];
} Meeting;

/* Somebody who does not come. */
typedef struct Excuse {
    HrPost post;
    HrEndpoint *endpoint;
    HrCompany company;
    char digest[];
} Excuse;

static void
free_meeting(gpointer data)
{
    Meeting *meeting = data;

    hr_loop_disarm_on_loop(meeting->endpoint->loop, &meeting->timer);
    g_ptr_array_unref(meeting->pipes);
    g_free(meeting);
}

void
hr_endpoint_end_meetings_on_loop(HrEndpoint *endpoint)
{
    g_clear_pointer(&endpoint->meetings, g_hash_table_unref);
}

/* ------------------------------------------------------------ carriers */

static void
retire_cb(void *data)
{
    HrPipe *carrier = data;
    HrPipe *lender = carrier->lender;

    hr_notes_move(&carrier->source.send.attempt.endpoint->notes,
                  &carrier->notes);
    carrier->source.request = NULL;
    hr_call_free(g_steal_pointer(&carrier->call));
    g_clear_pointer(&carrier->riders, g_ptr_array_unref);
    hr_pipe_unref(carrier);
    hr_pipe_unref(lender);
}

/* The riders get its end as that of their source. */
void
hr_pipe_retire_carrier_on_loop(HrPipe *carrier)
{
    while (carrier->riders->len > 0) {
        HrPipe *rider = carrier->riders->pdata[carrier->riders->len - 1];
        GError *error = NULL;

        g_ptr_array_set_size(carrier->riders, (gint)carrier->riders->len - 1);
        rider->carrier = NULL;
        if (carrier->error != NULL)
            error = g_error_copy(carrier->error);
        else
            hr_pipe_verify(rider, &error);
        if (error != NULL || rider->target.request == NULL)
            hr_pipe_end_on_loop(rider, error, true);
        else
            hr_pipe_pump_later_on_loop(rider);
    }
    hr_loop_post(carrier->loop, &carrier->stop, retire_cb, carrier);
}

static HrPipe *
new_carrier(GPtrArray *pipes)
{
    HrPipe *first = pipes->pdata[0];
    HrPipe *carrier = g_new0(HrPipe, 1);
    HrPipeEnd *source = &carrier->source;

    atomic_init(&carrier->references, 1);
    carrier->digest = g_strdup(first->digest);
    carrier->label = g_strdup(first->label);
    carrier->size = first->size;
    carrier->loop = first->loop;
    carrier->call = hr_call_new(NULL, HR_TIME_NEVER);
    hr_call_set_priority(carrier->call, hr_call_priority(first->call));
    hr_call_set_parks(carrier->call, hr_call_parks(first->call));
    carrier->lender = first;
    atomic_fetch_add(&first->references, 1);
    source->pipe = carrier;
    source->request = first->source.request;
    hr_send_init(&source->send, source->request, true);
    source->send.attempt.progress = hr_call_progress(first->call);
    carrier->riders = g_ptr_array_ref(pipes);
    for (guint i = 0; i < pipes->len; i++)
        ((HrPipe *)pipes->pdata[i])->carrier = carrier;
    return carrier;
}

/* The source is admitted: now their targets need places too. */
void
hr_pipe_board_on_loop(HrPipe *carrier)
{
    g_autoptr(GPtrArray) riders =
        g_ptr_array_copy(carrier->riders, NULL, NULL);

    carrier->looked_us = hr_clock_monotonic_us();
    for (guint i = 0; i < riders->len; i++) {
        HrPipe *rider = riders->pdata[i];

        if (rider->ended)
            continue;
        rider->carried_since_us = carrier->looked_us;
        hr_pipe_admit_on_loop(rider);
        hr_pipe_enter_target_on_loop(rider);
    }
}

static bool
is_full(const HrPipe *pipe)
{
    return hr_ring_free_space(pipe->ring) < pipe->ring_bytes / 2;
}

bool
hr_pipe_riders_have_room(const HrPipe *carrier)
{
    for (guint i = 0; i < carrier->riders->len; i++)
        if (is_full(carrier->riders->pdata[i]))
            return false;
    return true;
}

/* From now on it reads for itself, when there is room. */
static void
let_go(HrPipe *rider)
{
    HrPipe *carrier = rider->carrier;

    g_ptr_array_remove(carrier->riders, rider);
    rider->carrier = NULL;
    rider->adrift = true;
    hr_notes_add(&rider->notes, HR_LOG_DEBUG,
                 g_strdup_printf("%s: is too slow for the others, reads on "
                                 "alone",
                                 rider->label));
}

void
hr_pipe_let_laggards_go_on_loop(HrPipe *carrier)
{
    int64_t now = hr_clock_monotonic_us();
    int64_t step = now - carrier->looked_us;
    g_autoptr(GPtrArray) full = g_ptr_array_new();

    carrier->looked_us = now;
    for (guint i = 0; carrier->source.paused && i < carrier->riders->len; i++)
        if (is_full(carrier->riders->pdata[i]))
            g_ptr_array_add(full, carrier->riders->pdata[i]);
    /* All of them together hold up nobody. */
    if (full->len == carrier->riders->len)
        return;
    for (guint i = 0; i < full->len; i++) {
        HrPipe *rider = full->pdata[i];
        int64_t carried_us = now - rider->carried_since_us;

        rider->held_others_us += step;
        if (rider->held_others_us > PATIENCE_US + carried_us / PATIENCE_SHARE)
            let_go(rider);
    }
}

/* ------------------------------------------------------------ meetings */

static void
open_meeting(Meeting *meeting)
{
    g_autoptr(GPtrArray) pipes = g_ptr_array_ref(meeting->pipes);
    HrPipe *carrier;

    for (guint i = 0; i < pipes->len; i++)
        ((HrPipe *)pipes->pdata[i])->meeting = NULL;
    g_hash_table_remove(meeting->endpoint->meetings, meeting->digest);
    if (pipes->len == 1)
        hr_pipe_begin_alone_on_loop(pipes->pdata[0]);
    if (pipes->len < 2)
        return;
    carrier = new_carrier(pipes);
    hr_pipe_enter_source_on_loop(carrier);
}

static void
open_cb(void *data)
{
    open_meeting(data);
}

static Meeting *
find_meeting(HrEndpoint *endpoint, const char *digest, HrCompany company)
{
    size_t size = strlen(digest) + 1;
    Meeting *meeting;

    if (endpoint->meetings == NULL)
        endpoint->meetings =
            g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_meeting);
    meeting = g_hash_table_lookup(endpoint->meetings, digest);
    if (meeting != NULL)
        return meeting;
    meeting = g_malloc0(sizeof *meeting + size);
    memcpy(meeting->digest, digest, size);
    meeting->endpoint = endpoint;
    meeting->expected = company.members;
    meeting->pipes = g_ptr_array_new();
    g_hash_table_insert(endpoint->meetings, meeting->digest, meeting);
    hr_loop_arm_on_loop(endpoint->loop, &meeting->timer,
                        hr_clock_monotonic_us() + MEETING_US, open_cb,
                        meeting);
    return meeting;
}

static void
hear(Meeting *meeting, HrCompany company)
{
    /* Others may be waited for elsewhere: those of both come here. */
    meeting->expected &= company.members;
    meeting->heard |= company.self;
    if ((meeting->expected & ~meeting->heard) == 0)
        open_meeting(meeting);
}

static void
excuse_cb(void *data)
{
    Excuse *excuse = data;

    hear(find_meeting(excuse->endpoint, excuse->digest, excuse->company),
         excuse->company);
    g_free(excuse);
}

void
hr_pipe_share_without(HrEndpoint *source, const char *digest,
                      HrCompany company)
{
    size_t size = strlen(digest) + 1;
    Excuse *excuse;

    if (company.members == 0 || source->url == NULL)
        return;
    excuse = g_malloc0(sizeof *excuse + size);
    memcpy(excuse->digest, digest, size);
    excuse->endpoint = source;
    excuse->company = company;
    hr_loop_post(source->loop, &excuse->post, excuse_cb, excuse);
}

bool
hr_pipe_meet_on_loop(HrPipe *pipe)
{
    HrEndpoint *endpoint;
    Meeting *meeting;

    if (pipe->company.members == 0 || pipe->source.request == NULL)
        return false;
    endpoint = pipe->source.request->endpoint;
    meeting = find_meeting(endpoint, pipe->digest, pipe->company);
    /* What goes on in the middle is of no use to those who begin. */
    if (pipe->received > 0 || pipe->offset > 0) {
        hear(meeting, pipe->company);
        return false;
    }
    pipe->meeting = meeting;
    g_ptr_array_add(meeting->pipes, pipe);
    hear(meeting, pipe->company);
    return true;
}

void
hr_pipe_part_on_loop(HrPipe *pipe)
{
    Meeting *meeting = pipe->meeting;
    HrPipe *carrier = pipe->carrier;

    pipe->meeting = NULL;
    pipe->carrier = NULL;
    if (meeting != NULL)
        g_ptr_array_remove(meeting->pipes, pipe);
    if (carrier == NULL)
        return;
    g_ptr_array_remove(carrier->riders, pipe);
    if (carrier->riders->len == 0)
        hr_pipe_end_on_loop(carrier, NULL, false);
    else
        hr_pipe_pump_later_on_loop(carrier);
}
