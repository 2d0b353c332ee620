/* expr_fixture.h - what tests of expressions share: a scope of a few fields, and one call from text to values. */
#pragma once

#include "base/buf.h"
#include "base/test.h"
#include "expr/expr.h"

enum { FIXTURE_FIELDS = 10 };

typedef struct expr_fixture {
    capi_arena arena;
    capi_scope scope;
    capi_vec inputs[FIXTURE_FIELDS]; /* by slot; unset ones must not be read */
    capi_err err;
    uint32_t bad_row, bad_output;
    char text[8192]; /* what fixture_eval gave */
} expr_fixture;

/* r.i, r.j int; r.f float; r.d, r.e decimal2; r.s, r.u string; r.b bool; r.t datetime; l.v int; w.x is prohibited. */
void fixture_init(expr_fixture *fixture);
void fixture_deinit(expr_fixture *fixture);

void fixture_ints(expr_fixture *fixture, const char *name, const int64_t *values, uint32_t count);
void fixture_floats(expr_fixture *fixture, const char *name, const double *values, uint32_t count);
void fixture_bools(expr_fixture *fixture, const char *name, const uint8_t *values, uint32_t count);
void fixture_texts(expr_fixture *fixture, const char *name, const char *const *values, uint32_t count);
/* Decimals as texts; in hundredths if they fit. */
void fixture_decimals(expr_fixture *fixture, const char *name, const char *const *values, uint32_t count);
void fixture_millis(expr_fixture *fixture, const char *name, const int64_t *values, uint32_t count);

/* Loads the expression, whatever its type; NULL and the error otherwise. */
const capi_expr *fixture_load(expr_fixture *fixture, const char *text);
/* "1 2 3": the values of all rows; or "error: ..." */
const char *fixture_eval(expr_fixture *fixture, const char *text, uint32_t row_count);
/* The values of a vector, appended to fixture->text. */
void fixture_show(expr_fixture *fixture, const capi_vec *vec, uint32_t row_count);
