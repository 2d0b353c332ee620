/* err.h - how a call fails: a status says what the caller can do, an error object says it in words.
 *
 * Whatever can fail returns a capi_status. The words go into a capi_err that the caller owns, usually on its stack;
 * NULL is accepted everywhere. The first cause is kept; layers above add notes, innermost first:
 *
 *     error: table "loans" does not exist
 *       while loading lookup table "loans"
 *       in node "join_loans", batch 3 of 16
 *
 * An error object belongs to one thread at a time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum capi_status {
    CAPI_OK = 0,
    CAPI_INVALID,     /* the script or the data is wrong: tell the user, never retry */
    CAPI_NOT_FOUND,   /* an ordinary answer; the caller decides whether it matters */
    CAPI_CONFLICT,    /* somebody wrote first, or a unique key exists */
    CAPI_UNAVAILABLE, /* store, queue, disk or file server is away: retry later */
    CAPI_KILLED,      /* a process that worked for us was killed: by its work or from outside, so try it a few times */
    CAPI_NO_MEMORY,   /* a buffer sized by the data did not fit its budget */
    CAPI_STOPPED,     /* the run was stopped on request */
    CAPI_INTERNAL,    /* a bug of ours */
} capi_status;

#define CAPI_MUST_USE __attribute__((warn_unused_result))
#define CAPI_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

enum { CAPI_ERR_TEXT_MAX = 4096 };

typedef struct capi_err {
    capi_status status;
    uint32_t text_bytes;          /* without the final NUL */
    int64_t offset;               /* place in the text that was parsed, in bytes; -1 or 0 when there is none */
    uint32_t length_bytes;        /* how many bytes at `offset` are meant; 0: just the place */
    char text[CAPI_ERR_TEXT_MAX]; /* cause, then one note a line; cut with "..." when it does not fit */
} capi_err;

/* Sets status and text, replacing what was there; returns the status, so: return capi_err_set(err, CAPI_INVALID, ...). */
capi_status capi_err_set(capi_err *err, capi_status status, const char *format, ...) CAPI_PRINTF(3, 4);

/* Like capi_err_set, with the place in the parsed text that the message is about. */
capi_status capi_err_set_at(capi_err *err, capi_status status, int64_t offset, uint32_t length_bytes,
                            const char *format, ...) CAPI_PRINTF(5, 6);

/* Like capi_err_set; appends ": " and the words of errno value `errno_value`. Picks CAPI_NOT_FOUND for ENOENT,
 * CAPI_UNAVAILABLE for errors that may pass, else CAPI_INVALID. */
capi_status capi_err_set_errno(capi_err *err, int errno_value, const char *format, ...) CAPI_PRINTF(3, 4);

/* Appends a line that tells what was being done. Does nothing while the object holds no error. */
void capi_err_note(capi_err *err, const char *format, ...) CAPI_PRINTF(2, 3);

/* Copies an error to another object: for results that cross threads. */
void capi_err_copy(capi_err *to, const capi_err *from);

void capi_err_clear(capi_err *err);

/* "invalid", "unavailable", ... */
const char *capi_status_name(capi_status status);

/* Returns a failure from a function that owns nothing yet. */
#define CAPI_TRY(call)                                                                                                 \
    do {                                                                                                               \
        capi_status try_status_ = (call);                                                                              \
        if (__builtin_expect(try_status_ != CAPI_OK, 0)) return try_status_;                                           \
    } while (0)

/* Leaves through the label `out` with `st` set: for functions that clean up at one exit. */
#define CAPI_TRY_OUT(call)                                                                                             \
    do {                                                                                                               \
        st = (call);                                                                                                   \
        if (__builtin_expect(st != CAPI_OK, 0)) goto out;                                                              \
    } while (0)
