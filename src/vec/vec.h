/* vec.h - column vectors: an array of values of one type, or one value that stands for all rows.
 *
 * A vector has no validity bits (there is no NULL). Its memory belongs to whoever made it: the arena of a chunk, a block of
 * the cache, a constant of a program. A vector is passed as a small struct by pointer and read by any thread that the owner
 * hands it to; nobody writes to a vector that was handed over.
 *
 * Type and *form* are two things: the type is what the script says, the form is how the values lie in memory. Two types
 * have two forms, and a kernel looks at the form once per vector, never per row:
 *
 *     type      form          array of
 *     string    VIEW          capi_view      length, 4-byte prefix, pointer; up to 12 bytes inline
 *     int       INT64         int64_t        (also length, month)
 *     float     DOUBLE        double
 *     bool      BOOL          uint8_t        0 or 1
 *     datetime  MILLIS        int64_t        ms since 1970, UTC: as stored in tables
 *               INSTANT       capi_instant   while computing, when there is a zone or there are nanoseconds
 *     decimal2  CENTS         int64_t        hundredths: as stored, and whenever all values fit
 *               DECIMAL       capi_decimal   while computing, otherwise
 *     zone      ZONE          capi_zone
 */
#pragma once

#include "base/err.h"
#include "vec/type.h"

enum { CAPI_CHUNK_ROWS = 2048, CAPI_BLOCK_ROWS = 65536 };

typedef enum capi_form {
    CAPI_FORM_VIEW,
    CAPI_FORM_INT64,
    CAPI_FORM_DOUBLE,
    CAPI_FORM_BOOL,
    CAPI_FORM_MILLIS,
    CAPI_FORM_INSTANT,
    CAPI_FORM_CENTS,
    CAPI_FORM_DECIMAL,
    CAPI_FORM_ZONE,
} capi_form;

/* A string of up to 4 GiB. Up to 12 bytes lie inline, zero-padded; longer ones keep their first 4 bytes beside the pointer.
 * So two views differ early without following a pointer. */
typedef struct capi_view {
    uint32_t bytes;
    union {
        char inlined[12];
        struct {
            char prefix[4];
            uint32_t data_low; /* pointer in two halves: keeps the struct at 16 bytes and 4-byte aligned */
            uint32_t data_high;
        };
    };
} capi_view;

enum { CAPI_VIEW_INLINE_MAX = 12 };

static inline const char *capi_view_data(const capi_view *view)
{
    if (view->bytes <= CAPI_VIEW_INLINE_MAX) return view->inlined;
    return (const char *)(uintptr_t)((uint64_t)view->data_high << 32 | view->data_low);
}

/* Borrows a short string from *view itself: valid while the view stays where it is. */
static inline capi_str capi_view_str(const capi_view *view)
{
    return (capi_str){capi_view_data(view), view->bytes};
}

/* `data` must outlive the view when bytes > 12. */
static inline capi_view capi_view_make(const char *data, size_t bytes)
{
    capi_view view = {.bytes = (uint32_t)bytes};

    if (bytes <= CAPI_VIEW_INLINE_MAX) {
        memset(view.inlined, 0, sizeof view.inlined);
        if (bytes) memcpy(view.inlined, data, bytes);
    } else {
        memcpy(view.prefix, data, 4);
        view.data_low = (uint32_t)(uintptr_t)data;
        view.data_high = (uint32_t)((uint64_t)(uintptr_t)data >> 32);
    }
    return view;
}

static inline bool capi_view_equal(const capi_view *a, const capi_view *b)
{
    uint64_t first_a, first_b;

    memcpy(&first_a, a, 8);
    memcpy(&first_b, b, 8);
    if (first_a != first_b) return false;
    if (a->bytes <= CAPI_VIEW_INLINE_MAX) return memcmp(a->inlined + 4, b->inlined + 4, 8) == 0;
    return memcmp(capi_view_data(a), capi_view_data(b), a->bytes) == 0;
}

typedef struct capi_vec {
    capi_type type;
    capi_form form;
    bool is_constant; /* one value at index 0 for all rows */
    union {
        void *data;
        capi_view *views;
        int64_t *int64s; /* INT64, MILLIS, CENTS */
        double *doubles;
        uint8_t *bools;
        capi_instant *instants;
        capi_decimal *decimals;
        capi_zone *zones;
    };
} capi_vec;

size_t capi_form_bytes(capi_form form); /* of one value */
/* The form in which tables keep a type. */
capi_form capi_form_stored(capi_type type);

/* An uninitialised vector of row_max values in the arena (64-byte aligned). */
capi_vec capi_vec_new(capi_arena *arena, capi_type type, capi_form form, uint32_t row_max);
/* A constant; strings are copied to the arena. Decimals become CENTS when they fit exactly; datetimes MILLIS when they are
 * UTC and whole milliseconds. */
capi_vec capi_vec_constant(capi_arena *arena, const capi_value *value);
/* The value of one row; strings are borrowed from the vector. */
capi_value capi_vec_get(const capi_vec *vec, uint32_t row);
/* out[i] = in[rows[i]], in the same form; string bytes are shared, not copied. A constant stays one. */
capi_vec capi_vec_gather(capi_arena *arena, const capi_vec *in, const uint32_t *rows, uint32_t row_count);
/* The rows from..from+count of a vector, sharing its memory. */
capi_vec capi_vec_slice(const capi_vec *vec, uint32_t from);

/* To the stored form: decimals rounded to 2 digits, datetimes to milliseconds (down). Constants are spread over all rows.
 * CAPI_INVALID with *bad_row set when a value does not fit. Shares memory when nothing changes. */
CAPI_MUST_USE capi_status capi_vec_to_stored(capi_arena *arena, const capi_vec *in, uint32_t row_count, capi_vec *out,
                                             uint32_t *bad_row, capi_err *err);

/* The text of a value as string() gives it, appended. For messages too. */
struct capi_buf;
void capi_value_append_text(struct capi_buf *buf, const capi_value *value);

/* Up to CAPI_CHUNK_ROWS rows as equally long vectors. */
typedef struct capi_chunk {
    capi_vec *columns; /* in the order of the schema it belongs to */
    uint32_t column_count;
    uint32_t row_count;
} capi_chunk;
