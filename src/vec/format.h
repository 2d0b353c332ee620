/* format.h - Go-style formats: fmt.Sprintf, and the single-verb formats of CSV columns (out and in).
 *
 * A format is parsed once (capi_format_compile, capi_scan_compile) and then used for many values. Compiled formats live in
 * an arena and are read by any number of threads. Reference: the documentation of Go's package fmt. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "vec/type.h"

/* fmt.Sprintf(format, values...): never fails, mistakes are printed into the result ("%!d(string=abc)"). */
void capi_sprintf(capi_buf *to, capi_str format, const capi_value *values, uint32_t value_count);

/* The same with the format parsed once, for columns. NULL-safe: any format compiles. */
typedef struct capi_format capi_format;
const capi_format *capi_format_compile(capi_arena *arena, capi_str format);
void capi_format_apply(capi_buf *to, const capi_format *format, const capi_value *values, uint32_t value_count);

/* What a format comes to when it is one plain verb without flags, widths and literals, so that a writer of columns can call
 * the formatter of the type itself. */
typedef enum capi_format_plain {
    CAPI_FORMAT_NOT_PLAIN, /* use capi_format_apply */
    CAPI_FORMAT_TEXT,      /* the bytes as they are: "%s", "%v" of a string (and of a decimal given as text) */
    CAPI_FORMAT_INT,       /* capi_int_text */
    CAPI_FORMAT_FIXED,     /* capi_float_fixed_text with that many digits: "%f", "%.2f" */
    CAPI_FORMAT_SHORTEST,  /* capi_float_text: "%v", "%g" */
    CAPI_FORMAT_BOOL,      /* "true", "false" */
} capi_format_plain;
/* *digits is set for CAPI_FORMAT_FIXED. */
capi_format_plain capi_format_plain_of(const capi_format *format, capi_type type, unsigned *digits);

enum { CAPI_FLOAT_FIXED_DIGITS_MAX = 9, CAPI_FLOAT_FIXED_TEXT_MAX = 328 };
/* What "%.Nf" gives (N = digits, 0 to 9), "+Inf", "-Inf", "NaN"; exactly as printf rounds. Returns the bytes written. */
size_t capi_float_fixed_text(double value, unsigned digits, char text[CAPI_FLOAT_FIXED_TEXT_MAX]);

/* A CSV output format: must have exactly one verb that fits the type (appendix B; decimals are given as text with two
 * digits; datetimes take a layout instead, see layout.h). The message says which verbs fit. */
CAPI_MUST_USE capi_status capi_csv_format_check(capi_str format, capi_type type, capi_err *err);

/* An input format of a CSV column ("value(%d)", "%f"): one verb. type is INT, FLOAT or DECIMAL. */
typedef struct capi_scan capi_scan;
CAPI_MUST_USE capi_status capi_scan_compile(capi_arena *arena, capi_str format, capi_type type, const capi_scan **out,
                                            capi_err *err);
/* The message says what was expected where; offset is the place in the text. */
CAPI_MUST_USE capi_status capi_scan_int(const capi_scan *scan, capi_str text, int64_t *out, capi_err *err);
CAPI_MUST_USE capi_status capi_scan_float(const capi_scan *scan, capi_str text, double *out, capi_err *err);
/* True when the format is nothing but "%d" (or "%f"): callers may take a faster way for plain digits. */
bool capi_scan_is_plain(const capi_scan *scan);
