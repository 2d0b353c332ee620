/* kernel.h - what kernels are: functions that compute one operation over whole vectors.
 *
 * A kernel gets its operands as vectors of equal length and makes the result vector. It looks at types and forms once and
 * then runs a tight loop. At least one operand is a real vector, or row_count is 1: operands that are constants are read at
 * index 0 (kernel_step). It returns the number of rows that it computed: row_count, or the first row that failed, with the
 * cause in run->cause. Rows above a failing one need not be computed.
 *
 * expr_run is the scratch memory of one thread: result buffers that are handed out again when their value is no longer
 * needed, and the bytes of texts, which are forgotten at the next run. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "vec/vec.h"

enum {
    EXPR_TEXT_BYTES_MAX = 256 << 20,   /* one text */
    EXPR_RUN_TEXT_BYTES_MAX = 1 << 30, /* all texts of one run */
    EXPR_FORM_COUNT = CAPI_FORM_ZONE + 1,
    EXPR_REGEX_CACHE_MAX = 16,
};

typedef struct expr_run expr_run;
typedef struct expr_buffer expr_buffer;
typedef struct expr_regex expr_regex;

typedef struct expr_cached_regex {
    capi_buf pattern;
    expr_regex *regex;
    uint64_t used_at;
} expr_cached_regex;

struct expr_run {
    uint32_t row_max;   /* what buffers hold */
    capi_arena buffers; /* lives as long as the run */
    expr_buffer *free[EXPR_FORM_COUNT];
    uint32_t buffer_count;
    capi_arena texts; /* forgotten at the next run */
    char *text_next, *text_end;
    uint64_t text_bytes;
    capi_buf scratch, scratch_b; /* for one row at a time */
    capi_err cause;
    expr_cached_regex regexes[EXPR_REGEX_CACHE_MAX]; /* of patterns that vary */
    uint64_t regex_clock;
};

typedef struct expr_call {
    const capi_vec *args;
    uint32_t arg_count;
    uint32_t row_count;
    capi_type type;             /* of the result */
    uint32_t param;             /* a kernel's own variant: which comparison, ... */
    const void *prepared;       /* what was compiled from constant arguments, or NULL */
    const uint64_t *candidates; /* re.MatchString: one bit a row, rows without it cannot match; NULL: any may */
    expr_run *run;
} expr_call;

typedef uint32_t (*expr_kernel)(const expr_call *call, capi_vec *out);

/* ---- run.c: memory ---- */

void expr_run_init(expr_run *run, uint32_t row_max);
void expr_run_deinit(expr_run *run);
/* Forgets all texts. */
void expr_run_reset(expr_run *run);
/* An uninitialised vector, from the buffers. */
capi_vec expr_run_vec(expr_run *run, capi_type type, capi_form form);
/* Gives the memory of a vector made by expr_run_vec back. */
void expr_run_release(expr_run *run, const capi_vec *vec);
/* Room for one text, or NULL with the cause set. Not NUL-terminated, not aligned. */
char *expr_run_text(expr_run *run, uint64_t bytes);
/* A view of a copy. */
bool expr_run_put(expr_run *run, capi_view *to, const char *data, size_t bytes);

/* Fails at `row`: sets the cause and returns row. */
#define EXPR_FAIL(call, row, ...) (capi_err_set(&(call)->run->cause, CAPI_INVALID, __VA_ARGS__), (row))

/* How far to go from row to row: 0 for a constant. */
static inline uint32_t kernel_step(const capi_vec *vec)
{
    return vec->is_constant ? 0 : 1;
}

/* ---- the kernels, by file ---- */

enum { EXPR_ADD, EXPR_SUBTRACT, EXPR_MULTIPLY, EXPR_DIVIDE, EXPR_MODULO }; /* param of arithmetic */
enum { EXPR_EQ, EXPR_NE, EXPR_LT, EXPR_LE, EXPR_GT, EXPR_GE };             /* param of comparisons */

uint32_t expr_int_arithmetic(const expr_call *call, capi_vec *out);
uint32_t expr_int_negate(const expr_call *call, capi_vec *out);
uint32_t expr_float_arithmetic(const expr_call *call, capi_vec *out);
uint32_t expr_float_negate(const expr_call *call, capi_vec *out);
uint32_t expr_float_sqrt(const expr_call *call, capi_vec *out);
uint32_t expr_float_round(const expr_call *call, capi_vec *out);
uint32_t expr_decimal_arithmetic(const expr_call *call, capi_vec *out);
uint32_t expr_decimal_negate(const expr_call *call, capi_vec *out);

uint32_t expr_compare_int(const expr_call *call, capi_vec *out);
uint32_t expr_compare_float(const expr_call *call, capi_vec *out);
uint32_t expr_compare_decimal(const expr_call *call, capi_vec *out);
uint32_t expr_compare_bool(const expr_call *call, capi_vec *out);
uint32_t expr_compare_datetime(const expr_call *call, capi_vec *out);
uint32_t expr_compare_string(const expr_call *call, capi_vec *out);

uint32_t expr_logic_and(const expr_call *call, capi_vec *out);
uint32_t expr_logic_or(const expr_call *call, capi_vec *out);
uint32_t expr_logic_not(const expr_call *call, capi_vec *out);
uint32_t expr_iif(const expr_call *call, capi_vec *out);

uint32_t expr_retype(const expr_call *call, capi_vec *out); /* length to int: same numbers */
uint32_t expr_int_of_bool(const expr_call *call, capi_vec *out);
uint32_t expr_int_of_float(const expr_call *call, capi_vec *out);
uint32_t expr_int_of_decimal(const expr_call *call, capi_vec *out);
uint32_t expr_int_of_string(const expr_call *call, capi_vec *out);
uint32_t expr_float_of_bool(const expr_call *call, capi_vec *out);
uint32_t expr_float_of_int(const expr_call *call, capi_vec *out);
uint32_t expr_float_of_decimal(const expr_call *call, capi_vec *out);
uint32_t expr_float_of_string(const expr_call *call, capi_vec *out);
uint32_t expr_decimal_of_bool(const expr_call *call, capi_vec *out);
uint32_t expr_decimal_of_int(const expr_call *call, capi_vec *out);
uint32_t expr_decimal_of_float(const expr_call *call, capi_vec *out);
uint32_t expr_decimal_of_string(const expr_call *call, capi_vec *out);

uint32_t expr_string_concat(const expr_call *call, capi_vec *out);
uint32_t expr_string_length(const expr_call *call, capi_vec *out);
uint32_t expr_string_replace(const expr_call *call, capi_vec *out);
uint32_t expr_string_of_int(const expr_call *call, capi_vec *out);
uint32_t expr_string_of_float(const expr_call *call, capi_vec *out);
uint32_t expr_string_of_decimal(const expr_call *call, capi_vec *out);
uint32_t expr_string_of_bool(const expr_call *call, capi_vec *out);
uint32_t expr_string_of_other(const expr_call *call, capi_vec *out); /* datetime, month, zone */
uint32_t expr_string_sprintf(const expr_call *call, capi_vec *out);  /* prepared: by expr_prepare_format */
capi_status expr_prepare_format(capi_arena *arena, capi_str text, const void **out, capi_err *err);
uint32_t expr_string_match(const expr_call *call, capi_vec *out); /* prepared: by expr_prepare_regex */
capi_status expr_prepare_regex(capi_arena *arena, capi_str text, const void **out, capi_err *err);

uint32_t expr_time_parse(const expr_call *call, capi_vec *out);  /* prepared: capi_layout */
uint32_t expr_time_format(const expr_call *call, capi_vec *out); /* prepared: capi_layout */
uint32_t expr_time_date(const expr_call *call, capi_vec *out);
uint32_t expr_time_zone(const expr_call *call, capi_vec *out);
uint32_t expr_time_unix(const expr_call *call, capi_vec *out);
uint32_t expr_time_unix_ms(const expr_call *call, capi_vec *out);
uint32_t expr_time_diff_ms(const expr_call *call, capi_vec *out);

/* ---- shared by kernels ---- */

/* Decimals and datetimes in their general form; what is in it already is shared. *made tells that `out` is to be released. */
capi_vec expr_widen(expr_run *run, const capi_vec *in, uint32_t row_count, bool *made);

/* Collects decimals row by row, as CENTS as long as they fit. */
typedef struct expr_decimal_writer {
    expr_run *run;
    capi_vec cents;
    capi_vec decimals;
    bool is_wide;
} expr_decimal_writer;

expr_decimal_writer expr_decimal_writer_start(expr_run *run);
void expr_decimal_writer_widen(expr_decimal_writer *writer, uint32_t row_count);
capi_vec expr_decimal_writer_finish(expr_decimal_writer *writer);

static inline void expr_decimal_writer_put(expr_decimal_writer *writer, uint32_t row, const capi_decimal *value)
{
    int64_t cents;

    if (!writer->is_wide) {
        if (capi_decimal_is_cents(value, &cents)) {
            writer->cents.int64s[row] = cents;
            return;
        }
        expr_decimal_writer_widen(writer, row);
    }
    writer->decimals.decimals[row] = *value;
}
