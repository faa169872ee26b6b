/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A secret lives on pages of its own, which are locked in memory and left out
 * of core dumps where the system allows.
 */
#include "base/secret.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct HrSecret {
    atomic_int references;
    size_t mapped;
    char *text;
};

HrSecret *
hr_secret_new(const char *text)
{
    HrSecret *secret = g_new0(HrSecret, 1);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = strlen(text) + 1;

    atomic_init(&secret->references, 1);
    secret->mapped = (size + page - 1) / page * page;
    secret->text = mmap(NULL, secret->mapped, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (secret->text == MAP_FAILED)
        g_error("no memory for a secret");
    /* Best effort: an unprivileged process may lock very little. */
    (void)mlock(secret->text, secret->mapped);
    (void)madvise(secret->text, secret->mapped, MADV_DONTDUMP);
    memcpy(secret->text, text, size);
    return secret;
}

HrSecret *
hr_secret_ref(HrSecret *secret)
{
    atomic_fetch_add(&secret->references, 1);
    return secret;
}

void
hr_secret_unref(HrSecret *secret)
{
    if (secret == NULL || atomic_fetch_sub(&secret->references, 1) != 1)
        return;
    hr_secret_wipe(secret->text, secret->mapped);
    munmap(secret->text, secret->mapped);
    g_free(secret);
}

const char *
hr_secret_reveal(const HrSecret *secret)
{
    return secret->text;
}

void
hr_secret_wipe(void *data, size_t size)
{
    explicit_bzero(data, size);
}
