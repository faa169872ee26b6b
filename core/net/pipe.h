/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pipe: one blob on its way from a source to a target, through memory only.
 *
 *     source --> digest --> [ ring, 1 MiB ] --> target
 *       GET response                              PUT request
 *       or read function                          or write function
 *
 * When the ring is full the source is paused, when it is empty the target is.
 * The last bytes are held back until size and digest of the whole are known
 * to be right: a target never sees the end of a blob that is wrong.
 *
 * Local ends run on the worker that runs the pipes, never on a loop.  An HTTP
 * end runs on the loop of its endpoint; two HTTP ends are on one loop.
 */
#ifndef HR_NET_PIPE_H
#define HR_NET_PIPE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/net.h"

typedef struct HrPipe HrPipe;

/* Blobs of so many bytes take long: smaller ones go first. */
#define HR_PIPE_BIG_BYTES (16 * 1024 * 1024)

/* Those of so many bytes, as most configs and signatures are, take a round trip
 * and hardly any of the link: several take the place of one. */
#define HR_PIPE_TINY_BYTES (64 * 1024)

/* Reads up to `capacity` bytes into `buffer`; *size 0 is the end. */
typedef bool (*HrPipeRead)(void *data, HrCall *call, void *buffer,
                           size_t capacity, size_t *size, GError **error);

/* Takes all of `size` bytes. */
typedef bool (*HrPipeWrite)(void *data, HrCall *call, const void *bytes,
                            size_t size, GError **error);

/* A pipe for a blob of this digest and size.  `label` goes before every error
 * ("blob sha256:ab12..."). */
HrPipe *
hr_pipe_new(const char *digest, int64_t size, const char *label);

void
hr_pipe_free(HrPipe *pipe);

/* Set each end once.  `request` is copied. */
void
hr_pipe_source_request(HrPipe *pipe, HrEndpoint *endpoint,
                       const hr_http_request *request);

/* A source that content named by its address, for anybody: it is asked on
 * behalf of the endpoint, within its limits, but as a stranger's: without
 * credentials, certificates and headers of ours, and only by https. */
void
hr_pipe_source_address(HrPipe *pipe, HrEndpoint *endpoint, const char *url);

void
hr_pipe_source_read(HrPipe *pipe, HrPipeRead read, void *data);

void
hr_pipe_target_request(HrPipe *pipe, HrEndpoint *endpoint,
                       const hr_http_request *request);

void
hr_pipe_target_write(HrPipe *pipe, HrPipeWrite write, void *data);

/* `upload` is copied; see hr_host_blob::target_upload. */
void
hr_pipe_target_upload(HrPipe *pipe, HrEndpoint *endpoint,
                      const hr_blob_upload *upload);

/* The pipe goes on where `before`, which has run with the same blob, broke
 * off: what that one knows of the digest need not be read again.  Before the
 * run. */
void
hr_pipe_go_on(HrPipe *pipe, HrPipe *before);

/* Who wants the same blob of a source now, so that it can be read once for all
 * of them: bits of passes, and one's own among them.  All zero: nobody. */
typedef struct HrCompany {
    uint64_t members;
    uint64_t self;
} HrCompany;

/* The pipe waits for those of the others, for a moment, and then one GET feeds
 * all of them.  A target that holds up the others is let go: its pipe reads on
 * alone.  For a source that is a request.  Before the run. */
void
hr_pipe_share(HrPipe *pipe, HrCompany company);

/* Nobody needs to wait for `self`, who does not want the blob.  From any
 * thread. */
void
hr_pipe_share_without(HrEndpoint *source, const char *digest,
                      HrCompany company);

/* Runs `count` pipes at once and returns when all have ended, well or not;
 * each endpoint's limit of transfers holds over all callers.  One attempt
 * each: nothing is repeated here. */
void
hr_pipe_run(HrPipe *const *pipes, size_t count, HrCall *call);

/* After the run: true if the whole blob arrived, else false and the error
 * (a copy). */
bool
hr_pipe_result(const HrPipe *pipe, GError **error);

/* True if the failure was the source's (so that the target is not blamed). */
bool
hr_pipe_source_failed(const HrPipe *pipe);

/* Bytes that this pipe has sent to the target so far; from any thread. */
int64_t
hr_pipe_moved_bytes(const HrPipe *pipe);

/* How an upload stands, for who may go on with it. */
typedef struct HrPipeEnding {
    hr_status status;     /* HR_OK for one that arrived                  */
    unsigned http_status; /* of the last answer; 0: none came            */
    int64_t sent;         /* from the start of the blob on, whoever sent
                             it                                          */
    const char *location; /* of the session now, absolute; lives as long as
                             the pipe                                    */
} HrPipeEnding;

/* After the run; before it, `sent` is what the target has. */
void
hr_pipe_ending(const HrPipe *pipe, HrPipeEnding *ending);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HrPipe, hr_pipe_free)

#endif
