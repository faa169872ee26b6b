/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Quantile: counters for (f^(i-1), f^i], f = 1.01 / 0.99.
 *
 * The value told for a bucket lies so between its bounds that neither is more
 * than 1 % from it: 2 f^i / (f + 1).  A day has 1261 of them, 5 KiB a half;
 * two halves take turns.
 */
#include "guard/quantile.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define ERROR 0.01
#define FACTOR ((1 + ERROR) / (1 - ERROR))

#define LONGEST_US (INT64_C(24) * 60 * 60 * 1000000)

/* ln(LONGEST_US) / ln(FACTOR) is 1259.1: buckets 0 (1 us) to 1260. */
#define BUCKETS 1261

typedef struct Half {
    uint64_t total;
    uint32_t counts[BUCKETS];
} Half;

struct HrQuantile {
    int64_t span_us;
    double per_log; /* 1 / ln(FACTOR) */
    bool begun;
    int64_t begun_us; /* when the current half began */
    unsigned current; /* 0 or 1 */
    Half halves[2];
};

HrQuantile *
hr_quantile_new(int64_t span_us)
{
    HrQuantile *quantile = g_new0(HrQuantile, 1);

    quantile->span_us = MAX(span_us, 0);
    quantile->per_log = 1 / log(FACTOR);
    return quantile;
}

void
hr_quantile_free(HrQuantile *quantile)
{
    g_free(quantile);
}

static void
clear(Half *half)
{
    if (half->total > 0)
        memset(half, 0, sizeof *half);
}

void
hr_quantile_reset(HrQuantile *quantile)
{
    clear(&quantile->halves[0]);
    clear(&quantile->halves[1]);
    quantile->begun = false;
}

/* Drops what is too old by now.  Time that goes backwards stands. */
static void
turn(HrQuantile *quantile, int64_t now_us)
{
    int64_t spans;

    if (quantile->span_us == 0)
        return;
    if (!quantile->begun) {
        quantile->begun = true;
        quantile->begun_us = now_us;
    }
    if (now_us - quantile->begun_us < quantile->span_us)
        return;
    spans = (now_us - quantile->begun_us) / quantile->span_us;
    quantile->begun_us += spans * quantile->span_us;
    quantile->current ^= 1;
    clear(&quantile->halves[quantile->current]);
    if (spans > 1)
        clear(&quantile->halves[quantile->current ^ 1]);
}

void
hr_quantile_record(HrQuantile *quantile, int64_t now_us, int64_t value_us)
{
    Half *half;
    unsigned i;

    turn(quantile, now_us);
    half = &quantile->halves[quantile->current];
    value_us = CLAMP(value_us, 1, LONGEST_US);
    i = (unsigned)ceil(log((double)value_us) * quantile->per_log);
    /* A full counter stays full: better than to start at 0 again. */
    if (half->counts[i] == UINT32_MAX)
        return;
    half->counts[i]++;
    half->total++;
}

uint64_t
hr_quantile_count(HrQuantile *quantile, int64_t now_us)
{
    turn(quantile, now_us);
    return quantile->halves[0].total + quantile->halves[1].total;
}

int64_t
hr_quantile_value(HrQuantile *quantile, int64_t now_us, double share)
{
    uint64_t total = hr_quantile_count(quantile, now_us);
    uint64_t rank = (uint64_t)ceil(CLAMP(share, 0, 1) * (double)total);
    uint64_t seen = 0;
    unsigned i;

    if (total == 0)
        return 0;
    rank = CLAMP(rank, 1, total);
    for (i = 0; i < BUCKETS - 1; i++) {
        seen += quantile->halves[0].counts[i];
        seen += quantile->halves[1].counts[i];
        if (seen >= rank)
            break;
    }
    return llround(2 * pow(FACTOR, i) / (FACTOR + 1));
}
