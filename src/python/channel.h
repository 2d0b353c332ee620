/* channel.h - frames to and from one worker process, and its memory. Private to src/python/.
 *
 *     request   u32 bytes, payload                       (before the first one: the token, 16 bytes)
 *     answer    token, u32 number of the page, u8 kind, u32 bytes, payload
 *
 * All numbers are little-endian. An answer without the token, with another number or with too many bytes ends the worker. */
#pragma once

#include "python/process.h"
#include "python/python.h"

enum {
    CHANNEL_READY = 1,
    CHANNEL_FAILED = 2,
    CHANNEL_RESULT = 3,
    CHANNEL_ROWS_FAILED = 4,
    CHANNEL_NEED_MEMORY = 5,
    CHANNEL_STARTED = 6, /* the interpreter runs; the user's code comes next */
    CHANNEL_NEED_CARE =
        7, /* the page changed the json module: it must be computed again, with care from its first row */
};

enum { CHANNEL_TOKEN_BYTES = 16, CHANNEL_HEAD_BYTES = CHANNEL_TOKEN_BYTES + 9, CHANNEL_ANSWER_BYTES_MAX = 1 << 20 };
#define CHANNEL_MEMORY_BYTES_MAX (UINT64_C(1) << 30)

typedef struct channel {
    pid_t pid; /* 0: none */
    int socket_fd;
    int stderr_fd;
    int memory_fd;
    char *memory;
    uint64_t memory_bytes;
    uint32_t number; /* of the page that is being computed */
    char token[CHANNEL_TOKEN_BYTES];
    capi_buf stderr_tail;
} channel;

typedef struct channel_answer {
    int kind;
    capi_str payload; /* in the caller's buffer */
} channel_answer;

CAPI_MUST_USE capi_status channel_open(channel *to, uint64_t memory_limit_bytes, capi_err *err);
void channel_close(channel *to);
/* Makes the shared memory at least so large. */
CAPI_MUST_USE capi_status channel_reserve(channel *to, uint64_t bytes, capi_err *err);
/* The first bytes of all. */
CAPI_MUST_USE capi_status channel_send_token(channel *to, const capi_python_limits *limits, capi_err *err);
CAPI_MUST_USE capi_status channel_send(channel *to, capi_str payload, const capi_python_limits *limits, capi_err *err);
/* The next answer. A worker that died, sent something else or takes too long is an error, and no longer usable. */
CAPI_MUST_USE capi_status channel_receive(channel *to, const capi_python_limits *limits, capi_buf *buf,
                                          channel_answer *out, capi_err *err);
/* For a worker that waits: alive, and has sent nothing since. */
bool channel_is_quiet(channel *to);
void channel_append_u32(capi_buf *to, uint32_t value);
void channel_append_u64(capi_buf *to, uint64_t value);
void channel_append_text(capi_buf *to, capi_str text); /* with its length in front */
