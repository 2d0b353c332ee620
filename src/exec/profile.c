/* profile.c - column statistics over the chunks of a table. */
#include "exec/profile.h"

#include "base/hash.h"
#include "exec/profile_sketch.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Different values counted exactly, of each column; fewer when a table is so wide that all sketches together would pass the budget. */
enum { COUNTED_MAX = 16384, COUNTED_MIN = 1024, SKETCHES_BYTES_MAX = 64 << 20 };

typedef struct column_work {
    capi_sketch sketch;
    bool has_range;
    int64_t low, high; /* of what is stored as int64: integers, cents, milliseconds, bools */
    double real_low, real_high;
    capi_buf text_low, text_high;
} column_work;

typedef struct profile_work {
    capi_arena *arena;
    column_work *columns;
    capi_table_profile *profile;
} profile_work;

/* ---- cells ---- */

static int64_t integer_at(const capi_vec *vec, uint32_t row)
{
    assert(vec->form == CAPI_FORM_BOOL || vec->form == CAPI_FORM_INT64 || vec->form == CAPI_FORM_CENTS ||
           vec->form == CAPI_FORM_MILLIS);
    if (vec->is_constant) row = 0;
    return vec->form == CAPI_FORM_BOOL ? vec->bools[row] : vec->int64s[row];
}

static double real_at(const capi_vec *vec, uint32_t row)
{
    return vec->doubles[vec->is_constant ? 0 : row];
}

static capi_str string_at(const capi_vec *vec, uint32_t row)
{
    return capi_view_str(&vec->views[vec->is_constant ? 0 : row]);
}

/* One key for both zeros, and one for all NaN. */
static uint64_t real_key(double value)
{
    uint64_t key;

    if (isnan(value)) value = NAN;
    if (value == 0) value = 0;
    memcpy(&key, &value, sizeof key);
    return key;
}

static uint64_t key_at(const capi_vec *vec, uint32_t row)
{
    if (vec->form == CAPI_FORM_DOUBLE) return real_key(real_at(vec, row));
    if (vec->form != CAPI_FORM_VIEW) return (uint64_t)integer_at(vec, row);
    capi_str text = string_at(vec, row);

    return capi_hash_bytes(text.data, text.bytes);
}

/* The value of what is stored as int64. */
static capi_value integer_value(capi_type type, int64_t stored)
{
    capi_value value = {.type = type};

    switch (type) {
    case CAPI_BOOL: value.boolean = stored != 0; break;
    case CAPI_DATETIME: value.instant = capi_instant_from_ms(stored); break;
    case CAPI_DECIMAL: value.decimal = capi_decimal_from_cents(stored); break;
    default: value.integer = stored; break;
    }
    return value;
}

/* ---- first scan ---- */

static uint64_t see_integers(column_work *column, const capi_vec *vec, uint32_t row_count)
{
    int64_t zero = vec->form == CAPI_FORM_MILLIS ? CAPI_INSTANT_ZERO_MS : 0;
    uint64_t empty = 0;

    for (uint32_t row = 0; row < row_count; row++) {
        int64_t value = integer_at(vec, row);

        empty += value == zero;
        if (!column->has_range) column->low = column->high = value;
        column->has_range = true;
        if (value < column->low) column->low = value;
        if (value > column->high) column->high = value;
    }
    return empty;
}

static uint64_t see_reals(column_work *column, const capi_vec *vec, uint32_t row_count)
{
    uint64_t empty = 0;

    for (uint32_t row = 0; row < row_count; row++) {
        double value = real_at(vec, row);

        if (isnan(value)) continue;
        empty += value == 0;
        if (!column->has_range) column->real_low = column->real_high = value;
        column->has_range = true;
        if (value < column->real_low) column->real_low = value;
        if (value > column->real_high) column->real_high = value;
    }
    return empty;
}

static void keep_text(capi_buf *kept, capi_str text)
{
    capi_buf_clear(kept);
    capi_buf_append_str(kept, text);
}

static uint64_t see_strings(column_work *column, const capi_vec *vec, uint32_t row_count)
{
    uint64_t empty = 0;

    for (uint32_t row = 0; row < row_count; row++) {
        capi_str text = string_at(vec, row);

        empty += text.bytes == 0;
        if (!column->has_range || capi_str_compare(text, capi_buf_str(&column->text_low)) < 0)
            keep_text(&column->text_low, text);
        if (!column->has_range || capi_str_compare(text, capi_buf_str(&column->text_high)) > 0)
            keep_text(&column->text_high, text);
        column->has_range = true;
    }
    return empty;
}

static capi_status first_scan(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    profile_work *work = context;

    (void)err;
    for (uint32_t c = 0; c < chunk->column_count; c++) {
        const capi_vec *vec = &chunk->columns[c];
        column_work *column = &work->columns[c];

        work->profile->columns[c].empty_count +=
            vec->form == CAPI_FORM_VIEW     ? see_strings(column, vec, chunk->row_count)
            : vec->form == CAPI_FORM_DOUBLE ? see_reals(column, vec, chunk->row_count)
                                            : see_integers(column, vec, chunk->row_count);
        for (uint32_t row = 0; row < chunk->row_count; row++)
            capi_sketch_add(&column->sketch, key_at(vec, row), first_row + row);
    }
    return CAPI_OK;
}

static capi_value text_value(const profile_work *work, capi_str text)
{
    return (capi_value){.type = CAPI_STRING, .string = capi_str_copy(work->arena, text)};
}

static void finish_first(profile_work *work, uint32_t c)
{
    capi_column_profile *profile = &work->profile->columns[c];
    column_work *column = &work->columns[c];

    profile->is_exact = capi_sketch_is_exact(&column->sketch);
    profile->distinct = capi_sketch_distinct(&column->sketch);
    if (!profile->is_exact) capi_sketch_begin_recount(&column->sketch);
    profile->has_range = column->has_range;
    if (!column->has_range) return;
    switch (profile->type) {
    case CAPI_STRING:
        profile->minimum = text_value(work, capi_buf_str(&column->text_low));
        profile->maximum = text_value(work, capi_buf_str(&column->text_high));
        break;
    case CAPI_FLOAT:
        profile->minimum = (capi_value){.type = CAPI_FLOAT, .real = column->real_low};
        profile->maximum = (capi_value){.type = CAPI_FLOAT, .real = column->real_high};
        profile->has_histogram =
            isfinite(column->real_low) && isfinite(column->real_high) && column->real_low < column->real_high;
        break;
    default:
        profile->minimum = integer_value(profile->type, column->low);
        profile->maximum = integer_value(profile->type, column->high);
        profile->has_histogram = profile->type != CAPI_BOOL && column->low < column->high;
        break;
    }
}

/* ---- second scan ---- */

static void sort_integers(const column_work *column, const capi_vec *vec, uint32_t row_count, uint64_t *histogram)
{
    uint64_t width = (uint64_t)column->high - (uint64_t)column->low;

    for (uint32_t row = 0; row < row_count; row++) {
        uint64_t offset = (uint64_t)integer_at(vec, row) - (uint64_t)column->low;
        uint64_t bucket = (uint64_t)((unsigned __int128)offset * CAPI_PROFILE_BUCKETS / width);

        histogram[bucket < CAPI_PROFILE_BUCKETS ? bucket : CAPI_PROFILE_BUCKETS - 1]++;
    }
}

static void sort_reals(const column_work *column, const capi_vec *vec, uint32_t row_count, uint64_t *histogram)
{
    double scale = isfinite(column->real_high - column->real_low) ? 1 : 0.5; /* the width itself may be no double */
    double low = column->real_low * scale;
    double width = column->real_high * scale - low;

    for (uint32_t row = 0; row < row_count; row++) {
        double value = real_at(vec, row);
        int bucket;

        if (isnan(value)) continue;
        bucket = (int)((value * scale - low) / width * CAPI_PROFILE_BUCKETS);
        histogram[bucket < CAPI_PROFILE_BUCKETS ? bucket : CAPI_PROFILE_BUCKETS - 1]++;
    }
}

static capi_status second_scan(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    profile_work *work = context;

    (void)err;
    for (uint32_t c = 0; c < chunk->column_count; c++) {
        const capi_vec *vec = &chunk->columns[c];
        capi_column_profile *profile = &work->profile->columns[c];
        column_work *column = &work->columns[c];

        for (uint32_t row = 0; !profile->is_exact && row < chunk->row_count; row++)
            capi_sketch_recount(&column->sketch, key_at(vec, row), first_row + row);
        if (!profile->has_histogram) continue;
        if (vec->form == CAPI_FORM_DOUBLE)
            sort_reals(column, vec, chunk->row_count, profile->histogram);
        else
            sort_integers(column, vec, chunk->row_count, profile->histogram);
    }
    return CAPI_OK;
}

/* ---- frequent values ---- */

typedef struct cell_fetch {
    const profile_work *work;
    uint32_t column;
    capi_value value;
} cell_fetch;

static capi_status fetch_string(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    cell_fetch *fetch = context;

    (void)first_row;
    (void)err;
    fetch->value = text_value(fetch->work, string_at(&chunk->columns[fetch->column], 0));
    return CAPI_OK;
}

/* The value of a key: itself, but a string only has its hash there, and is read again. */
static capi_status value_of_slot(const profile_work *work, uint32_t c, const capi_sketch_slot *slot, capi_exec *exec,
                                 const capi_table_input *input, const capi_schema *schema, capi_value *out,
                                 capi_err *err)
{
    capi_type type = schema->fields[c].type;
    cell_fetch fetch = {.work = work, .column = c};

    if (type == CAPI_STRING) {
        CAPI_TRY(capi_table_scan(exec, input, schema, slot->first - 1, 1, fetch_string, &fetch, err));
        *out = fetch.value;
    } else if (type == CAPI_FLOAT) {
        *out = (capi_value){.type = CAPI_FLOAT};
        memcpy(&out->real, &slot->key, sizeof out->real);
    } else {
        *out = integer_value(type, (int64_t)slot->key);
    }
    return CAPI_OK;
}

static capi_status finish_top(profile_work *work, uint32_t c, capi_exec *exec, const capi_table_input *input,
                              const capi_schema *schema, capi_err *err)
{
    capi_column_profile *profile = &work->profile->columns[c];
    const capi_sketch *sketch = &work->columns[c].sketch;
    capi_sketch_slot top[CAPI_PROFILE_TOP + 1];
    uint32_t count = capi_sketch_top(sketch, top, CAPI_PROFILE_TOP + 1);

    profile->others_at_most = sketch->given_up;
    for (uint32_t i = 0; i < count; i++) {
        if (i == CAPI_PROFILE_TOP || top[i].count < sketch->given_up) {
            if (top[i].count > profile->others_at_most) profile->others_at_most = top[i].count;
            break;
        }
        profile->top[i].count = top[i].count;
        profile->top_count++;
        CAPI_TRY(value_of_slot(work, c, &top[i], exec, input, schema, &profile->top[i].value, err));
    }
    return CAPI_OK;
}

/* ---- all of it ---- */

static uint32_t counted_limit(uint32_t column_count)
{
    uint32_t limit = COUNTED_MAX;

    while (limit > COUNTED_MIN && (uint64_t)limit * 2 * sizeof(capi_sketch_slot) * column_count > SKETCHES_BYTES_MAX)
        limit /= 2;
    return limit;
}

static void begin(profile_work *work, const capi_schema *schema)
{
    capi_table_profile *profile = work->profile;

    profile->columns = capi_new_array(work->arena, capi_column_profile, schema->field_count);
    work->columns = capi_zmalloc(capi_array_bytes(schema->field_count, sizeof *work->columns));
    for (uint32_t c = 0; c < schema->field_count; c++) {
        profile->columns[c].name = schema->fields[c].name;
        profile->columns[c].type = schema->fields[c].type;
        capi_sketch_init(&work->columns[c].sketch, counted_limit(schema->field_count));
    }
}

static void end(profile_work *work)
{
    for (uint32_t c = 0; c < work->profile->column_count; c++) {
        capi_sketch_deinit(&work->columns[c].sketch);
        capi_buf_deinit(&work->columns[c].text_low);
        capi_buf_deinit(&work->columns[c].text_high);
    }
    free(work->columns);
}

capi_status capi_table_profile_make(capi_exec *exec, const capi_table_input *input, const capi_schema *schema,
                                    capi_arena *arena, capi_table_profile *out, capi_err *err)
{
    profile_work work = {.arena = arena, .profile = out};
    uint64_t rows = input->content.row_count;
    bool needs_second = false;
    capi_status st;

    *out = (capi_table_profile){.row_count = rows, .column_count = schema->field_count};
    begin(&work, schema);
    CAPI_TRY_OUT(capi_table_scan(exec, input, schema, 0, rows, first_scan, &work, err));
    for (uint32_t c = 0; c < schema->field_count; c++) {
        finish_first(&work, c);
        needs_second = needs_second || out->columns[c].has_histogram || !out->columns[c].is_exact;
    }
    if (needs_second) CAPI_TRY_OUT(capi_table_scan(exec, input, schema, 0, rows, second_scan, &work, err));
    for (uint32_t c = 0; c < schema->field_count; c++)
        CAPI_TRY_OUT(finish_top(&work, c, exec, input, schema, err));
out:
    end(&work);
    return st;
}
