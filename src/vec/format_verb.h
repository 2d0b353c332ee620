/* format_verb.h - one directive of a format and one value: what format.c, format_verb.c, format_float.c and
 * format_quote.c share. */
#pragma once

#include "vec/format.h"

/* A directive with its widths known: "%-8.3f". */
typedef struct capi_format_spec {
    uint32_t verb; /* a code point */
    uint32_t width;
    uint32_t precision;
    bool has_width, has_precision;
    bool plus, minus, sharp, space, zero;
    bool is_source; /* "%#v": strings in quotes */
} capi_format_spec;

/* Appends the value as the directive says. */
void capi_format_value(capi_buf *to, const capi_format_spec *spec, const capi_value *value);
/* "int64", "time.Time", ... */
const char *capi_format_type_name(capi_type type);

/* Appends the text, filled up to the width: with zeros on the left if the flag says so and `zeros_allowed`. */
void capi_format_pad(capi_buf *to, const capi_format_spec *spec, capi_str text, bool zeros_allowed);
void capi_format_fill(capi_buf *to, char fill, size_t count);

/* One of the verbs b e E f F g G v x X. */
void capi_format_float(capi_buf *to, const capi_format_spec *spec, double value);

/* A Go string in double quotes (or in back quotes for the flag # if that can be); ASCII only with the flag +. */
void capi_format_quoted(capi_buf *to, const capi_format_spec *spec, capi_str text);
/* A character in single quotes. */
void capi_format_quoted_rune(capi_buf *to, const capi_format_spec *spec, uint32_t rune);
/* True if Go would print the character as it is. */
bool capi_rune_is_print(uint32_t rune);
