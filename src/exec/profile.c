/* profile.c - column statistics over chunks: HyperLogLog for distinct values (Flajolet, Fusy, Gandouet, Meunier, 2007),
 * Misra-Gries for frequent ones (1982), which is exact while the values fit its table. */
#include "exec/profile.h"

#include "base/hash.h"

#include <math.h>
#include <stdlib.h>

enum { HLL_BITS = 12, HLL_REGISTERS = 1 << HLL_BITS, COUNTERS = 2048, SLOTS = 2 * COUNTERS, TEXT_MAX = 80 };

typedef struct counter {
    uint64_t hash; /* of the whole text */
    uint64_t count;
    uint32_t text_bytes;
    char text[TEXT_MAX]; /* its beginning */
} counter;

typedef struct column_work {
    uint8_t registers[HLL_REGISTERS];
    counter slots[SLOTS]; /* open addressing; count 0: free */
    uint32_t used;
    bool overflowed; /* some count was given up: counts are lower bounds */
    bool has_range;
    capi_value minimum, maximum; /* strings lie in the buffers below */
    capi_buf minimum_text, maximum_text;
    double low, high; /* of numbers and datetimes */
} column_work;

typedef struct profile_work {
    capi_arena *arena;
    capi_buf text;
    column_work *columns;
    capi_table_profile *profile;
} profile_work;

/* ---- values ---- */

static bool is_number(capi_type type)
{
    return type == CAPI_INT || type == CAPI_FLOAT || type == CAPI_DECIMAL || type == CAPI_DATETIME;
}

static double number_of(const capi_value *value)
{
    int64_t ms = 0;

    switch (value->type) {
    case CAPI_INT: return (double)value->integer;
    case CAPI_FLOAT: return value->real;
    case CAPI_DECIMAL: return capi_decimal_to_double(&value->decimal);
    case CAPI_DATETIME: return capi_instant_to_ms(&value->instant, &ms) ? (double)ms : 0;
    default: return 0;
    }
}

static int compare_values(const capi_value *a, const capi_value *b)
{
    switch (a->type) {
    case CAPI_STRING: return capi_str_compare(a->string, b->string);
    case CAPI_FLOAT: return a->real < b->real ? -1 : a->real > b->real;
    case CAPI_BOOL: return (int)a->boolean - (int)b->boolean;
    case CAPI_DATETIME: return capi_instant_compare(&a->instant, &b->instant);
    case CAPI_DECIMAL: return capi_decimal_compare(&a->decimal, &b->decimal);
    default: return a->integer < b->integer ? -1 : a->integer > b->integer;
    }
}

static bool is_empty(const capi_value *value)
{
    capi_value zero = capi_value_zero(value->type);

    return compare_values(value, &zero) == 0;
}

static void keep_value(capi_value *kept, capi_buf *text, const capi_value *value)
{
    *kept = *value;
    if (value->type != CAPI_STRING) return;
    capi_buf_clear(text);
    capi_buf_append_str(text, value->string);
    kept->string = capi_buf_str(text);
}

/* ---- frequent values ---- */

static counter *find_slot(column_work *column, uint64_t hash)
{
    uint32_t at = (uint32_t)hash % SLOTS;

    while (column->slots[at].count && column->slots[at].hash != hash)
        at = (at + 1) % SLOTS;
    return &column->slots[at];
}

/* Takes one off every count. Those that had one are gone, so this happens once in many new values. */
static void give_up_one_each(column_work *column)
{
    counter *kept = capi_malloc(sizeof column->slots);
    uint32_t count = 0;

    for (uint32_t i = 0; i < SLOTS; i++)
        if (column->slots[i].count > 1) kept[count++] = column->slots[i];
    memset(column->slots, 0, sizeof column->slots);
    for (uint32_t i = 0; i < count; i++) {
        kept[i].count--;
        *find_slot(column, kept[i].hash) = kept[i];
    }
    column->used = count;
    column->overflowed = true;
    free(kept);
}

static void count_value(column_work *column, uint64_t hash, capi_str text)
{
    counter *slot = find_slot(column, hash);

    if (slot->count) {
        slot->count++;
        return;
    }
    if (column->used == COUNTERS) {
        give_up_one_each(column);
        return;
    }
    slot->hash = hash;
    slot->count = 1;
    slot->text_bytes = (uint32_t)(text.bytes < TEXT_MAX ? text.bytes : TEXT_MAX);
    if (slot->text_bytes) memcpy(slot->text, text.data, slot->text_bytes);
    column->used++;
}

static void count_distinct(column_work *column, uint64_t hash)
{
    uint64_t rest = hash << HLL_BITS | (uint64_t)1 << (HLL_BITS - 1);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    uint8_t *reg = &column->registers[hash >> (64 - HLL_BITS)];

    if (rank > *reg) *reg = rank;
}

static double estimate_distinct(const column_work *column)
{
    double sum = 0;
    uint32_t zeros = 0;
    double estimate;

    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        sum += ldexp(1, -column->registers[i]);
        zeros += column->registers[i] == 0;
    }
    estimate = 0.7213 / (1 + 1.079 / HLL_REGISTERS) * HLL_REGISTERS * HLL_REGISTERS / sum;
    if (estimate <= 2.5 * HLL_REGISTERS && zeros) estimate = HLL_REGISTERS * log((double)HLL_REGISTERS / zeros);
    return estimate;
}

/* ---- scans ---- */

static void see_value(profile_work *work, uint32_t c, const capi_value *value)
{
    column_work *column = &work->columns[c];
    uint64_t hash;

    capi_buf_clear(&work->text);
    capi_value_append_text(&work->text, value);
    hash = capi_hash_bytes(work->text.data, work->text.bytes);
    count_distinct(column, hash);
    count_value(column, hash, capi_buf_str(&work->text));
    work->profile->columns[c].empty_count += is_empty(value);
    if (value->type == CAPI_FLOAT && isnan(value->real)) return;
    if (!column->has_range || compare_values(value, &column->minimum) < 0)
        keep_value(&column->minimum, &column->minimum_text, value);
    if (!column->has_range || compare_values(value, &column->maximum) > 0)
        keep_value(&column->maximum, &column->maximum_text, value);
    column->has_range = true;
}

static capi_status first_scan(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    profile_work *work = context;

    (void)first_row;
    (void)err;
    for (uint32_t c = 0; c < chunk->column_count; c++)
        for (uint32_t row = 0; row < chunk->row_count; row++) {
            capi_value value = capi_vec_get(&chunk->columns[c], row);

            see_value(work, c, &value);
        }
    return CAPI_OK;
}

static capi_status second_scan(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    profile_work *work = context;

    (void)first_row;
    (void)err;
    for (uint32_t c = 0; c < chunk->column_count; c++) {
        capi_column_profile *profile = &work->profile->columns[c];
        const column_work *column = &work->columns[c];

        for (uint32_t row = 0; profile->has_histogram && row < chunk->row_count; row++) {
            capi_value value = capi_vec_get(&chunk->columns[c], row);
            double number = number_of(&value);
            double place = (number - column->low) / (column->high - column->low) * CAPI_PROFILE_BUCKETS;
            int bucket = place >= CAPI_PROFILE_BUCKETS ? CAPI_PROFILE_BUCKETS - 1 : (int)place;

            if (isfinite(number) && bucket >= 0) profile->histogram[bucket]++;
        }
    }
    return CAPI_OK;
}

/* ---- results ---- */

static int compare_counters(const void *a, const void *b)
{
    const counter *x = a;
    const counter *y = b;

    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return capi_str_compare((capi_str){x->text, x->text_bytes}, (capi_str){y->text, y->text_bytes});
}

static capi_str value_text(profile_work *work, const capi_value *value)
{
    capi_buf_clear(&work->text);
    capi_value_append_text(&work->text, value);
    return capi_str_copy(work->arena, capi_buf_str(&work->text));
}

static void finish_column(profile_work *work, uint32_t c)
{
    capi_column_profile *profile = &work->profile->columns[c];
    column_work *column = &work->columns[c];

    profile->is_exact = !column->overflowed;
    profile->distinct = profile->is_exact ? column->used : estimate_distinct(column);
    qsort(column->slots, SLOTS, sizeof *column->slots, compare_counters);
    for (uint32_t i = 0; i < CAPI_PROFILE_TOP && column->slots[i].count; i++) {
        const counter *slot = &column->slots[i];
        capi_str text = {slot->text, slot->text_bytes};
        size_t bad_at;

        if (!capi_str_is_utf8(text, &bad_at)) text.bytes = bad_at; /* cut within a character */
        text = capi_str_copy(work->arena, text);
        profile->top[profile->top_count++] = (capi_profile_value){text, slot->count};
    }
    if (!column->has_range) return;
    profile->minimum = value_text(work, &column->minimum);
    profile->maximum = value_text(work, &column->maximum);
    column->low = number_of(&column->minimum);
    column->high = number_of(&column->maximum);
    profile->has_histogram =
        is_number(profile->type) && isfinite(column->low) && isfinite(column->high) && column->low < column->high;
}

capi_status capi_table_profile_make(capi_exec *exec, const capi_table_input *input, const capi_schema *schema,
                                    capi_arena *arena, capi_table_profile *out, capi_err *err)
{
    profile_work work = {.arena = arena, .profile = out};
    uint64_t rows = input->content.row_count;
    bool has_histogram = false;
    capi_status st;

    *out = (capi_table_profile){.row_count = rows, .column_count = schema->field_count};
    out->columns = capi_new_array(arena, capi_column_profile, schema->field_count);
    work.columns = capi_zmalloc(capi_array_bytes(schema->field_count, sizeof *work.columns));
    for (uint32_t c = 0; c < schema->field_count; c++) {
        out->columns[c].name = schema->fields[c].name;
        out->columns[c].type = schema->fields[c].type;
    }
    CAPI_TRY_OUT(capi_table_scan(exec, input, schema, 0, rows, first_scan, &work, err));
    for (uint32_t c = 0; c < schema->field_count; c++) {
        finish_column(&work, c);
        has_histogram = has_histogram || out->columns[c].has_histogram;
    }
    if (has_histogram) CAPI_TRY_OUT(capi_table_scan(exec, input, schema, 0, rows, second_scan, &work, err));
out:
    for (uint32_t c = 0; c < schema->field_count; c++) {
        capi_buf_deinit(&work.columns[c].minimum_text);
        capi_buf_deinit(&work.columns[c].maximum_text);
    }
    free(work.columns);
    capi_buf_deinit(&work.text);
    return st;
}
