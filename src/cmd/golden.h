/* golden.h - runs tables of cases ("golden tables"): one JSON object a case, with what must come out.
 *
 * A table kind is a file name and a function that runs one case; each kind has its own golden_<kind>.c. golden_main.c finds
 * the files and counts. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "vec/type.h"

#include <jansson.h>
#include <stdbool.h>

/* What a case function says when the case does not hold. */
typedef struct golden_failure {
    capi_buf got;
    capi_buf expected;
} golden_failure;

/* True if the case holds. `all` is the whole table, for kinds that compare cases with each other. */
typedef bool (*golden_case_fn)(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure);

bool golden_expression(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure);
bool golden_script(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure);
bool golden_key(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure);
bool golden_csv_read(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure);
bool golden_csv_write(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure);
bool golden_csv_records(const json_t *all, size_t index, capi_arena *arena, golden_failure *failure);

/* ---- shared by the kinds ---- */

/* A string member, or empty. Borrowed from the object; may hold NULs. */
capi_str golden_text(const json_t *object, const char *key);
bool golden_flag(const json_t *object, const char *key);
/* The value of {"type": ..., "value": "text"}, written as the tables write values. Strings are borrowed from the object. */
CAPI_MUST_USE capi_status golden_value(const json_t *object, capi_arena *arena, capi_value *out, capi_err *err);
/* A value as the tables write it: floats in the shortest form, datetimes in RFC 3339 with milliseconds. */
void golden_append_value(capi_buf *to, const capi_value *value);
/* The type as the tables name it: a length is an int. */
const char *golden_type_name(capi_type type);
/* Compares a result with the members "error", "type" (if has_type) and "value" of the case. */
bool golden_check_value(const json_t *object, bool has_type, capi_status st, const capi_value *value,
                        const capi_err *err, golden_failure *failure);
