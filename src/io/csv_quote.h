/* csv_quote.h - which texts need quotes in a CSV file, and writing them. */
#pragma once

#include "vec/vec.h"

/* What asks for quotes: a comma, the separator, CR, LF; and a quote at the start. */
typedef struct capi_csv_special {
    capi_str separator;
    char first; /* byte of the separator; a comma if that is empty */
} capi_csv_special;

capi_csv_special capi_csv_special_of(capi_str separator);

/* True for a byte that asks for quotes, or may be the start of a separator that does. */
static inline bool capi_csv_is_special(const capi_csv_special *special, char byte)
{
    return byte == ',' || byte == '\n' || byte == '\r' || byte == special->first;
}

bool capi_csv_needs_quotes(const capi_csv_special *special, capi_str text);

/* Both write at most 2 * bytes + 2 bytes that count, and return their end; the second may write 16 bytes more. */
char *capi_csv_put_text(const capi_csv_special *special, capi_str text, char *to);
char *capi_csv_put_view(const capi_csv_special *special, const capi_view *view, char *to);
