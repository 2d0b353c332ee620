/* number.h - numbers and bools from text and to text, as the script language reads and writes them. */
#pragma once

#include "base/str.h"

/* `[+-]?[0-9]+` within int64; nothing else. */
bool capi_parse_int(capi_str text, int64_t *out);

typedef enum capi_float_parse { CAPI_FLOAT_OK, CAPI_FLOAT_SYNTAX, CAPI_FLOAT_RANGE } capi_float_parse;
/* Go's ParseFloat: decimal or hexadecimal (with p exponent), single underscores between digits, inf, infinity (signed or
 * not), nan (unsigned) in any case; overflow is CAPI_FLOAT_RANGE, underflow gives 0. The nearest double, ties to even. */
capi_float_parse capi_parse_float(capi_str text, double *out);

/* Exactly 1 t T TRUE true True 0 f F FALSE false False. */
bool capi_parse_bool(capi_str text, bool *out);

enum { CAPI_NUMBER_TEXT_MAX = 32 };
/* The shortest digits that read back, exponent form outside 1e-4 <= |x| < 1e6: "1e+06", "-0", "+Inf", "NaN". Returns the
 * bytes written (no NUL). */
size_t capi_float_text(double value, char text[CAPI_NUMBER_TEXT_MAX]);
size_t capi_int_text(int64_t value, char text[CAPI_NUMBER_TEXT_MAX]);

/* Shortest digits and decimal exponent (C shim over double-conversion): value = 0.d1d2d3... * 10^*point. value is finite
 * and not negative. Returns the number of digits (1..17). */
unsigned capi_double_shortest(double value, char digits[18], int *point);
/* The nearest double for `[+-]?digits[.digits][e[+-]digits]`; the text must already be known to have that form. */
double capi_double_from_text(const char *text, size_t bytes);
