/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Robot secret: derived from a master key; see robot-secret.h. */
#include "model/robot-secret.h"

#include <stdbool.h>
#include <string.h>

#include "base/digest.h"

#define LABEL "hr-robot-secret-v1"
#define LENGTH 32
#define LEAST 8
#define MOST 128

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#define LETTERS (sizeof alphabet - 1)

/* The largest multiple of LETTERS that a byte can hold. */
#define FAIR_LIMIT (256 / LETTERS * LETTERS)

/* The bytes T(1), T(2), ...  All of this is secret. */
typedef struct Stream {
    const HrSecret *key;
    const GByteArray *info;
    unsigned char block[HR_HMAC_BYTES];
    unsigned count; /* of blocks so far */
    unsigned used;  /* of the block     */
} Stream;

static void
append_part(GByteArray *info, const char *text, size_t length)
{
    static const guint8 zero = 0;

    g_byte_array_append(info, &zero, 1);
    g_byte_array_append(info, (const guint8 *)text, (guint)length);
}

static GByteArray *
make_info(unsigned version, const char *robot)
{
    const char *slash = strchr(robot, '/');
    const char *level = slash != NULL ? "project" : "system";
    const char *name = slash != NULL ? slash + 1 : robot;
    g_autofree char *number = g_strdup_printf("%u", version);
    GByteArray *info = g_byte_array_new();

    g_byte_array_append(info, (const guint8 *)LABEL, strlen(LABEL));
    append_part(info, number, strlen(number));
    append_part(info, level, strlen(level));
    append_part(info, robot, slash != NULL ? (size_t)(slash - robot) : 0);
    append_part(info, name, strlen(name));
    return info;
}

static void
next_block(Stream *stream)
{
    size_t kept = stream->count > 0 ? sizeof stream->block : 0;
    size_t size = kept + stream->info->len + 1;
    const char *key = hr_secret_reveal(stream->key);
    unsigned char *input = g_malloc(size);

    stream->count++;
    /* After 255 blocks the counter would come round; that a single group in
     * them is not good has a chance of less than one in 10 to the 500. */
    g_assert(stream->count <= 255);
    memcpy(input, stream->block, kept);
    memcpy(input + kept, stream->info->data, stream->info->len);
    input[size - 1] = (unsigned char)stream->count;
    hr_hmac_sha256(key, strlen(key), input, size, stream->block);
    stream->used = 0;
    hr_secret_wipe(input, size);
    g_free(input);
}

static char
next_character(Stream *stream)
{
    for (;;) {
        unsigned char byte;

        if (stream->count == 0 || stream->used == sizeof stream->block)
            next_block(stream);
        byte = stream->block[stream->used++];
        if (byte < FAIR_LIMIT)
            return alphabet[byte % LETTERS];
    }
}

HrSecret *
hr_robot_secret_derive(const HrSecret *key, unsigned version,
                       const char *robot)
{
    g_autoptr(GByteArray) info = make_info(version, robot);
    Stream stream = {.key = key, .info = info};
    char text[LENGTH + 1] = "";
    HrSecret *secret;

    do {
        for (unsigned i = 0; i < LENGTH; i++)
            text[i] = next_character(&stream);
    } while (hr_robot_secret_problem(text) != NULL);
    secret = hr_secret_new(text);
    hr_secret_wipe(text, sizeof text);
    hr_secret_wipe(&stream, sizeof stream);
    return secret;
}

const char *
hr_robot_secret_problem(const char *secret)
{
    glong length =
        g_utf8_validate(secret, -1, NULL) ? g_utf8_strlen(secret, -1) : -1;
    bool upper = false, lower = false, digit = false;

    if (length < 0)
        return "is no UTF-8";
    if (length < LEAST || length > MOST)
        return "has not 8 to 128 characters";
    for (; *secret != '\0'; secret++) {
        upper = upper || g_ascii_isupper(*secret);
        lower = lower || g_ascii_islower(*secret);
        digit = digit || g_ascii_isdigit(*secret);
        if (g_ascii_iscntrl(*secret))
            return "has a control character in it";
    }
    return !upper   ? "has no upper case letter"
           : !lower ? "has no lower case letter"
           : !digit ? "has no digit"
                    : NULL;
}
