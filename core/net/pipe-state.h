/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a pipe, shared by its parts.  Internal to core/net.
 *
 *     pipe.c         the worker's part: local ends, waiting, results
 *     pipe-loop.c    the loop's part: permits, pace, starting and ending
 *     pipe-source.c  the GET on the loop
 *     pipe-target.c  the PUT on the loop
 *     pipe-share.c   one GET for several pipes
 *
 * The ring has one producer and one consumer, the loop or the worker each.
 * `verified` is set by the producer's side when the source has ended and all
 * its bytes are right; before that the consumer leaves HR_PIPE_HELD_BYTES in
 * the ring.
 *
 * Pipes that share a source meet first, on its loop.  Then a carrier, a pipe
 * without a target or a ring, has the GET; the pipes ride along, and it hands
 * each buffer to all of their rings.
 *
 *     meeting --complete, or late--> carrier --end of the GET--> verified
 *        |                              '--held up the others--> adrift
 *        '--only one came--> alone            (reads on by itself)
 *
 * A rider has no leg at the source, and the carrier none at a target: each end
 * takes its place alone.  Who rides may wait for the carrier's place with its
 * own, never the other way round.
 *
 * Two flags cross threads when one end is local.  Both sides change them by
 * exchange, and whoever finds one set by the other wakes it: of two that act
 * at the same time one always sees what the other did.
 *
 *     loop_wants    the loop's end is paused: the worker kicks the loop
 *     worker_wants  the worker waits: the loop wakes the call
 */
#ifndef HR_NET_PIPE_STATE_H
#define HR_NET_PIPE_STATE_H

#include <stdatomic.h>

#include "base/ring.h"
#include "base/trail.h"
#include "net/pipe.h"
#include "net/send.h"

#define HR_PIPE_RING_BYTES (1024 * 1024)

/* What the target does not get before the source was found right. */
#define HR_PIPE_HELD_BYTES (64 * 1024)

/* A local end reads and writes this much at a time. */
#define HR_PIPE_CHUNK_BYTES (256 * 1024)

/* What moved on one end since when, for finding out that it stalls. */
typedef struct HrPace {
    int64_t since_us;
    int64_t bytes;
} HrPace;

/* An upload in the distribution protocol's session: everything in one PUT, or
 * PATCH requests and a PUT without a body.
 *
 *     start --> part --answer--> part --answer--> ... --> last part: PUT
 *
 * Every answer to a part names the place for the next one. */
typedef struct HrUpload {
    bool used;           /* the target is one                            */
    int64_t chunk_bytes; /* of a PATCH; 0: no PATCH                      */
    char *location;      /* absolute: where the next part goes           */
    char *url;           /* of the part under way                        */
    int64_t part_start;  /* it has the bytes from here                   */
    int64_t part_end;    /* to before here                               */
    bool last;           /* it is the PUT                                */
    char range[80];      /* its Content-Range                            */
    struct curl_slist range_header;
} HrUpload;

/* An end that is an HTTP request: an operation of one leg, which is repeated
 * by whoever runs the pipe. */
typedef struct HrPipeEnd {
    HrRequest *request; /* NULL: a local end */
    HrPipe *pipe;
    HrOperation operation;
    HrSend send;
    HrPost chore;
    bool chore_due;
    HrPace pace;
    int64_t held_until_us; /* the rate of bytes is limited */
    bool begun;            /* on its way through the stages */
    bool started;          /* on the wire */
    bool started_body;     /* the first bytes of an answer are looked at */
    bool paused;
    bool through;       /* it has ended well */
    HrRetryState retry; /* of the source: how often it was resumed */
} HrPipeEnd;

struct HrPipe {
    atomic_int references;
    char *digest;
    char *label;
    int64_t size;
    int64_t offset; /* that the target has already: it gets the rest */
    HrCall *call;

    HrPipeEnd source;
    HrPipeEnd target;
    HrUpload upload;
    HrPipeRead read;
    HrPipeWrite write;
    void *read_data;
    void *write_data;

    /* The producer's: */
    HrTrail *trail;
    int64_t received; /* from the start of the blob on, however it came */

    HrRing *ring;
    size_t ring_bytes;
    atomic_bool verified;
    atomic_bool loop_wants;
    atomic_bool worker_wants;
    atomic_bool admitted; /* permits are there: a local source may read */
    atomic_int_fast64_t moved;

    /* The loop's: */
    HrLoop *loop; /* NULL: both ends are local */
    HrPost begin;
    HrPost kick;
    HrPost stop;
    HrPost chore;
    atomic_bool kicked; /* a kick is on its way */
    bool chore_due;
    HrTimer timer;
    char *redirect_url; /* where the source was last sent to */
    char *redirect_host;
    unsigned hops;
    int64_t resumed_at; /* the source's answer starts there; 0: anew     */
    int64_t skip;       /* bytes that came again, though not asked for   */
    GError *fault; /* found in a callback of the source, told at its end */
    bool ended;

    HrCompany company;
    struct Meeting *meeting; /* where it waits; or NULL                   */
    HrPipe *carrier;         /* that it rides on; or NULL                 */
    GPtrArray *riders;       /* of a carrier; NULL: it is none            */
    HrPipe *lender;          /* whose request it has; a reference         */
    int64_t looked_us;       /* of a carrier, for who holds up others     */
    int64_t carried_since_us;
    int64_t held_others_us;
    bool adrift; /* let go, and not reading yet */

    /* The loop's until `done` is raised, then the worker's: */
    GError *error;
    bool source_failed;
    HrNotes notes;
    atomic_bool done;

    /* The worker's: */
    GError *local_error;
    bool local_source_failed;
    bool read_over;
    bool finished;
};

/* ---- anywhere */

void
hr_pipe_unref(HrPipe *pipe);

/* Counts and hashes bytes of the source; false if they are too many. */
bool
hr_pipe_take(HrPipe *pipe, const void *bytes, size_t size, GError **error);

/* Of `size` bytes that were just taken, how many at their start the target has
 * already: they are not for the ring. */
size_t
hr_pipe_known_bytes(const HrPipe *pipe, size_t size);

/* At the end of the source: sets `verified` if size and digest are right. */
bool
hr_pipe_verify(HrPipe *pipe, GError **error);

/* Bytes that the consumer may take now. */
size_t
hr_pipe_available(const HrPipe *pipe);

/* Counts bytes that the target took. */
void
hr_pipe_count_moved(HrPipe *pipe, size_t size);

/* How much has to be there, or free, before somebody is woken for it. */
size_t
hr_pipe_batch_bytes(const HrPipe *pipe);

/* Has the loop look at the pipe again. */
void
hr_pipe_kick(HrPipe *pipe);

/* ---- on the loop */

void
hr_pipe_begin_cb(void *data);

void
hr_pipe_stop_cb(void *data);

/* Looks at the pipe again later in this turn. */
void
hr_pipe_pump_later_on_loop(HrPipe *pipe);

/* Ends the loop's part; takes `error` (NULL: all is well).  Never from
 * within a callback of libcurl. */
void
hr_pipe_end_on_loop(HrPipe *pipe, GError *error, bool source_failed);

void
hr_pace_restart(HrPace *pace, int64_t bytes);

/* The error for a connection that ended `bytes` into the blob, or never
 * stood. */
void
hr_pipe_connection_error(const HrPipe *pipe, const HrAttempt *attempt,
                         CURLcode code, int64_t bytes, GError **error);

/* The source has failed, though not for good: takes `error` and goes on where
 * it broke off, when the guards say so.  False (and the error is still the
 * caller's) if it may not. */
bool
hr_pipe_resume_source_later_on_loop(HrPipe *pipe, GError *error);

/* Takes an end's leg as far as it goes now. */
void
hr_pipe_advance_end_on_loop(HrPipeEnd *end);

/* The transport stages of the two ends; see HrSend.start. */
bool
hr_pipe_start_source_cb(void *data);

bool
hr_pipe_start_target_cb(void *data);

/* Has the pipe wait for those that it shares its source with; false if there
 * are none. */
bool
hr_pipe_meet_on_loop(HrPipe *pipe);

void
hr_pipe_begin_alone_on_loop(HrPipe *pipe);

void
hr_pipe_enter_source_on_loop(HrPipe *pipe);

void
hr_pipe_enter_target_on_loop(HrPipe *pipe);

/* It ends: nobody waits for it, or carries it, any more. */
void
hr_pipe_part_on_loop(HrPipe *pipe);

/* Of a carrier: its riders may move; have room; hold up the others; get its
 * end. */
void
hr_pipe_board_on_loop(HrPipe *carrier);

bool
hr_pipe_riders_have_room(const HrPipe *carrier);

void
hr_pipe_let_laggards_go_on_loop(HrPipe *carrier);

void
hr_pipe_retire_carrier_on_loop(HrPipe *carrier);

/* Permits are there: bytes may move. */
void
hr_pipe_admit_on_loop(HrPipe *pipe);

/* Tells the guards of bytes that moved at an end. */
void
hr_pipe_count_on_loop(HrPipeEnd *end, size_t size);

/* True if the end has to wait until its bytes are paid for; it is pumped
 * then. */
bool
hr_pipe_is_held_on_loop(HrPipeEnd *end);

void
hr_pipe_resume_source_on_loop(HrPipe *pipe);

void
hr_pipe_resume_target_on_loop(HrPipe *pipe);

/* True if the server has answered before it got everything. */
bool
hr_pipe_target_refused(const HrPipe *pipe);

/* True if the server has all of what it was to get with this request: it may
 * need time to put that away. */
bool
hr_pipe_target_fed(HrPipe *pipe);

#endif
