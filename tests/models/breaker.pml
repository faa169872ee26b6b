/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Circuit breaker: the state word and its generation, with callers whose
 * answers come late, or never count.
 *
 * core/guard/breaker.c keeps state and generation in one word; every change is
 * one compare-and-exchange that adds one to the generation, and a ticket of
 * another generation counts nowhere.  Here `epoch` is what the generation
 * stands for, without an end; the model knows it, the breaker does not.
 *
 * Mutants, which must be found out:
 *   NO_GENERATION_CHECK   answers count whatever generation they are of
 *   WRAPPING_GENERATION   the generation is one bit
 * LIVENESS leaves the epoch out, so that the states are finite without a bound,
 * and takes fewer callers.
 */
#ifdef LIVENESS
#define CALLERS 2
#define CLOCKS 1
#define PROBES 1
#define SUCCESSES 1
#else
#define CALLERS 3
#define CLOCKS 2
#define PROBES 2
#define SUCCESSES 2
#endif

#if defined(WRAPPING_GENERATION)
#define MODULUS 2
#elif defined(LIVENESS)
#define MODULUS 4
#else
#define MODULUS 200
#endif

#ifdef LIVENESS
#define MAY_CHANGE true
#define COUNT_EPOCH skip
#else
/* So many changes show everything: a generation of one bit is round after
 * two. */
#define MAY_CHANGE (epoch < 8)
#define COUNT_EPOCH epoch++
#endif

mtype = { closed, open, half_open };

mtype state = closed;
byte generation = 0;
byte epoch = 0;
byte callbacks = 0;
byte out = 0;        /* probes handed out in this generation */
byte successes = 0;
byte live = 0;       /* probes of this epoch that are under way */

/* Compare and exchange: who read another word loses. */
inline change(read_state, read_generation, to)
{
    if
    :: state == read_state && generation == read_generation && MAY_CHANGE ->
        state = to;
        generation = (generation + 1) % MODULUS;
        COUNT_EPOCH;
        live = 0;
        if
        :: to == half_open -> out = 0; successes = 0
        :: else -> skip
        fi;
#ifndef LIVENESS
        /* The winner, and nobody else, runs the callback. */
        callbacks++;
        assert(callbacks == epoch)
#endif
    :: else -> skip
    fi
}

/* An answer that counts must be of this epoch. */
inline counts()
{
#ifndef LIVENESS
    assert(my_epoch == epoch);
#endif
    skip
}

#ifdef NO_GENERATION_CHECK
#define IS_CURRENT true
#else
#define IS_CURRENT (ticket == generation)
#endif

active [CALLERS] proctype caller()
{
    byte ticket;
    byte my_epoch;
    bool held;
    bool probe;

    do
    :: true ->
        held = false;
        probe = false;
        atomic {
            if
            :: state == closed -> held = true
            :: state == half_open &&
               out < (successes == 0 -> 1 : PROBES) ->
                /* One goes first. */
                held = true;
                probe = true;
                out++;
                live++;
                assert(live <= PROBES)
            :: else -> skip
            fi;
            ticket = generation;
            my_epoch = epoch
        }
        if
        :: !held -> skip
        :: held ->
            /* The answer takes as long as it takes. */
            atomic {
                if
                :: probe && my_epoch == epoch && state == half_open &&
                   live > 0 -> live--
                :: else -> skip
                fi;
                if
                :: IS_CURRENT && state == closed ->
                    if
                    :: true -> counts()
                    :: true -> counts(); change(closed, generation, open)
                    fi
                :: IS_CURRENT && state == half_open && probe ->
                    if
                    :: true ->
                        counts();
                        successes++;
                        if
                        :: successes >= SUCCESSES ->
                            change(half_open, generation, closed)
                        :: else -> skip
                        fi
                    :: true -> counts(); change(half_open, generation, open)
                    :: true ->
                        /* Cancelled: its place goes to another. */
                        counts();
                        out--
                    fi
                :: else -> skip
                fi
            }
        :: held ->
            /* Never comes back. */
            skip
        fi
    od
}

/* Time: read first, change later; another may have changed it meanwhile. */
active [CLOCKS] proctype clock()
{
    mtype read_state;
    byte read_generation;

    do
    :: state == open ->
        atomic { read_state = state; read_generation = generation }
        atomic {
            if
            :: read_state == open ->
                change(open, read_generation, half_open)
            :: else -> skip
            fi
        }
    :: state == half_open ->
        atomic { read_state = state; read_generation = generation }
        atomic {
            if
            :: read_state == half_open ->
                change(half_open, read_generation, open)
            :: else -> skip
            fi
        }
    od
}

#ifdef LIVENESS
ltl open_is_left { [] ((state == open) -> <> (state != open)) }
#endif
