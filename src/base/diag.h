/* diag.h - a list of mistakes and warnings, each with its place in a text file: what a compiler prints.
 *
 *     shop.yaml:14:22: error: unknown field "r.pricee"; did you mean "r.price"?
 *        14 |     expression: "r.pricee * 2"
 *           |                  ^~~~~~~~
 *       in field "total" of node "join_items"
 *
 * The list lives in an arena, in order of the place in the text. One thread at a time. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

typedef enum capi_severity { CAPI_ERROR, CAPI_WARNING } capi_severity;

typedef struct capi_diag {
    capi_severity severity;
    capi_str file;           /* URL or path as the user gave it */
    uint32_t line;           /* from 1; 0: the file as a whole */
    uint32_t column;         /* from 1, in characters; 0: the line as a whole */
    uint32_t length;         /* characters to underline, at least 1 when column > 0 */
    capi_str excerpt;        /* the line itself, without its end; cut around the place when very long */
    uint32_t excerpt_column; /* where `column` falls in the excerpt, from 1 */
    capi_str rule;           /* "V26", or empty */
    capi_str message;        /* one line, lower case, no full stop */
    capi_str context;        /* "in field \"total\" of node \"join_items\"", or empty */
} capi_diag;

typedef struct capi_diags {
    capi_arena *arena;
    capi_diag *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t error_count;
} capi_diags;

enum { CAPI_DIAG_MAX = 1000 }; /* more are counted and not kept */

void capi_diags_init(capi_diags *diags, capi_arena *arena);
/* Copies *diag with its texts. Line, column and excerpt are taken from byte `offset` of `text` when text.data is not NULL. */
void capi_diags_add(capi_diags *diags, const capi_diag *diag, capi_str text, uint64_t offset, uint32_t length_bytes);
/* Line and column, from 1, of byte `offset`. */
void capi_diag_place(capi_str text, uint64_t offset, uint32_t *line, uint32_t *column);
void capi_diags_sort(capi_diags *diags);
/* What a message suggests: x, if it ends in `did you mean "x"?`; else empty. */
capi_str capi_diag_suggestion(const capi_diag *diag);
void capi_diag_print(const capi_diag *diag, capi_buf *to);
void capi_diags_print(const capi_diags *diags, capi_buf *to);
/* The first error's words as an error object, with the number of further ones. */
capi_status capi_diags_to_err(const capi_diags *diags, capi_err *err);
