/* block_builder.c - collects rows column by column until they make a block.
 *
 * Columns lie here as the format wants them: values in arrays, strings as lengths and all bytes in a row, so a chunk is
 * added with one loop per column and a block is encoded without another look at the rows. */
#include "store/table_store.h"

#include <stdlib.h>

enum { BUILDER_ROWS_FIRST = 2048 };

typedef struct builder_column {
    capi_type type;
    capi_buf values; /* 8 bytes a row; bools 1; strings 4: lengths */
    capi_buf bytes;  /* strings */
} builder_column;

struct capi_block_builder {
    capi_table_writer *writer;
    capi_budget *budget;
    capi_arena arena;
    capi_schema schema;
    builder_column *columns;
    bool has_strings;
    uint32_t fixed_row_bytes; /* of a row without the bytes of its strings */
    uint32_t row_count;
    uint64_t data_bytes; /* raw bytes collected */
    uint64_t reserved_bytes;
    bool with_hashes;
    capi_buf hashes;
    column_source *sources;
    capi_vec *stored;     /* of the chunk being added: in stored form */
    capi_buf *converted;  /* memory for those that had to be converted */
    capi_buf string_rows; /* uint64_t per row of the chunk: bytes of its strings */
    capi_buf extents;     /* capi_extent */
};

capi_block_builder *capi_block_builder_new(capi_table_writer *writer, const capi_schema *schema, bool with_hashes)
{
    capi_block_builder *builder = capi_zmalloc(sizeof *builder);
    capi_field *fields = capi_new_array(&builder->arena, capi_field, schema->field_count);

    builder->writer = writer;
    builder->budget = table_writer_tables(writer)->budget;
    builder->with_hashes = with_hashes;
    builder->columns = capi_new_array(&builder->arena, builder_column, schema->field_count);
    builder->sources = capi_new_array(&builder->arena, column_source, schema->field_count);
    builder->stored = capi_new_array(&builder->arena, capi_vec, schema->field_count);
    builder->converted = capi_new_array(&builder->arena, capi_buf, schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        capi_type type = schema->fields[i].type;

        fields[i] = (capi_field){capi_str_copy(&builder->arena, schema->fields[i].name), type};
        builder->columns[i].type = type;
        builder->has_strings = builder->has_strings || type == CAPI_STRING;
        builder->fixed_row_bytes += type == CAPI_STRING ? 4 : type == CAPI_BOOL ? 1 : 8;
    }
    if (with_hashes) builder->fixed_row_bytes += 8;
    builder->schema = (capi_schema){fields, schema->field_count};
    return builder;
}

static void builder_empty(capi_block_builder *builder)
{
    for (uint32_t i = 0; i < builder->schema.field_count; i++) {
        capi_buf_clear(&builder->columns[i].values);
        capi_buf_clear(&builder->columns[i].bytes);
    }
    capi_buf_clear(&builder->hashes);
    builder->row_count = 0;
    builder->data_bytes = 0;
}

void capi_block_builder_reset(capi_block_builder *builder)
{
    builder_empty(builder);
    capi_buf_clear(&builder->extents);
}

void capi_block_builder_free(capi_block_builder *builder)
{
    if (!builder) return;
    for (uint32_t i = 0; i < builder->schema.field_count; i++) {
        capi_buf_deinit(&builder->columns[i].values);
        capi_buf_deinit(&builder->columns[i].bytes);
        capi_buf_deinit(&builder->converted[i]);
    }
    capi_buf_deinit(&builder->hashes);
    capi_buf_deinit(&builder->string_rows);
    capi_buf_deinit(&builder->extents);
    if (builder->budget) capi_budget_release(builder->budget, builder->reserved_bytes);
    capi_arena_deinit(&builder->arena);
    free(builder);
}

/* ---- stored form ---- */

static capi_status value_does_not_fit(const capi_block_builder *builder, uint32_t column, const capi_vec *vec,
                                      uint32_t row, capi_err *err)
{
    capi_value value = capi_vec_get(vec, vec->is_constant ? 0 : row);
    capi_buf text = {0};

    capi_value_append_text(&text, &value);
    capi_err_set(err, CAPI_INVALID, "value %.*s of column \"%.*s\" cannot be stored as %s: it is out of range",
                 (int)text.bytes, text.data, CAPI_STR_ARG(builder->schema.fields[column].name),
                 capi_type_name(builder->schema.fields[column].type));
    capi_buf_deinit(&text);
    return CAPI_INVALID;
}

/* Converts the rows that are asked for, each to its own place; the first row that does not fit, or row_count. */
static uint32_t convert_decimals(const capi_decimal *from, const uint32_t *rows, uint32_t row_count, int64_t *to)
{
    for (uint32_t i = 0; i < row_count; i++) {
        uint32_t row = rows ? rows[i] : i;

        if (!capi_decimal_to_cents(&from[row], &to[i])) return i;
    }
    return row_count;
}

static uint32_t convert_instants(const capi_instant *from, const uint32_t *rows, uint32_t row_count, int64_t *to)
{
    for (uint32_t i = 0; i < row_count; i++) {
        uint32_t row = rows ? rows[i] : i;

        if (!capi_instant_to_ms(&from[row], &to[i])) return i;
    }
    return row_count;
}

/* One column of the chunk in stored form: itself, or converted values of the selected rows, then without selection. */
static uint32_t builder_convert(capi_block_builder *builder, uint32_t column, const capi_vec *vec, const uint32_t *rows,
                                uint32_t row_count)
{
    static const uint32_t first_row[1] = {0};
    capi_vec *stored = &builder->stored[column];
    capi_buf *memory = &builder->converted[column];
    uint32_t count = vec->is_constant ? 1 : row_count;
    uint32_t good;

    *stored = *vec;
    if (vec->form != CAPI_FORM_DECIMAL && vec->form != CAPI_FORM_INSTANT) return row_count;
    if (vec->is_constant) rows = first_row;
    capi_buf_clear(memory);
    stored->data = capi_buf_reserve(memory, (size_t)count * sizeof(int64_t));
    stored->form = capi_form_stored(vec->type);
    good = vec->form == CAPI_FORM_DECIMAL ? convert_decimals(vec->decimals, rows, count, stored->int64s)
                                          : convert_instants(vec->instants, rows, count, stored->int64s);
    return good == count ? row_count : good;
}

/* Of several values that cannot be stored the one in the lowest row counts, there the first column. */
static capi_status builder_convert_all(capi_block_builder *builder, const capi_vec *columns, const uint32_t *rows,
                                       uint32_t row_count, uint32_t *bad_row, uint32_t *bad_column, capi_err *err)
{
    uint32_t lowest = row_count;
    uint32_t lowest_column = 0;

    for (uint32_t column = 0; column < builder->schema.field_count; column++) {
        uint32_t bad;

        if (columns[column].type != builder->schema.fields[column].type)
            return capi_err_set(err, CAPI_INTERNAL, "column \"%.*s\" gets a value of type %s, expected %s",
                                CAPI_STR_ARG(builder->schema.fields[column].name), capi_type_name(columns[column].type),
                                capi_type_name(builder->schema.fields[column].type));
        bad = builder_convert(builder, column, &columns[column], rows, row_count);
        if (bad < lowest) {
            lowest = bad;
            lowest_column = column;
        }
    }
    if (lowest == row_count) return CAPI_OK;
    if (bad_row) *bad_row = rows ? rows[lowest] : lowest;
    if (bad_column) *bad_column = lowest_column;
    return value_does_not_fit(builder, lowest_column, &columns[lowest_column], rows ? rows[lowest] : lowest, err);
}

/* ---- adding rows from..to of the selection ---- */

static void add8(const int64_t *restrict from, const uint32_t *restrict rows, uint32_t start, uint32_t count,
                 int64_t *restrict to)
{
    if (!rows)
        memcpy(to, from + start, (size_t)count * sizeof *to);
    else
        for (uint32_t i = 0; i < count; i++)
            to[i] = from[rows[start + i]];
}

static void add1(const uint8_t *restrict from, const uint32_t *restrict rows, uint32_t start, uint32_t count,
                 uint8_t *restrict to)
{
    if (!rows)
        memcpy(to, from + start, count);
    else
        for (uint32_t i = 0; i < count; i++)
            to[i] = from[rows[start + i]];
}

static uint64_t view_bytes(const capi_view *views, const uint32_t *rows, uint32_t start, uint32_t count)
{
    uint64_t bytes = 0;

    if (!rows)
        for (uint32_t i = 0; i < count; i++)
            bytes += views[start + i].bytes;
    else
        for (uint32_t i = 0; i < count; i++)
            bytes += views[rows[start + i]].bytes;
    return bytes;
}

/* Short strings are copied 12 bytes at a time, whatever their length: the buffer has room, the next one overwrites it. */
static void add_views(const capi_view *views, const uint32_t *rows, uint32_t start, uint32_t count,
                      uint32_t *restrict lengths, char *restrict to)
{
    for (uint32_t i = 0; i < count; i++) {
        const capi_view *view = &views[rows ? rows[start + i] : start + i];
        uint32_t bytes = view->bytes;

        lengths[i] = bytes;
        if (bytes <= CAPI_VIEW_INLINE_MAX)
            memcpy(to, view->inlined, CAPI_VIEW_INLINE_MAX);
        else
            memcpy(to, capi_view_data(view), bytes);
        to += bytes;
    }
}

static void add_constant(builder_column *column, const capi_vec *vec, uint32_t count)
{
    char *to = column->values.data + column->values.bytes;

    if (vec->form == CAPI_FORM_BOOL) {
        memset(to, vec->bools[0], count);
    } else if (vec->form == CAPI_FORM_VIEW) {
        capi_str text = capi_view_str(&vec->views[0]);
        char *bytes = column->bytes.data + column->bytes.bytes;

        for (uint32_t i = 0; i < count; i++) {
            ((uint32_t *)to)[i] = (uint32_t)text.bytes;
            if (text.bytes) memcpy(bytes + i * text.bytes, text.data, text.bytes);
        }
    } else {
        for (uint32_t i = 0; i < count; i++)
            ((int64_t *)to)[i] = vec->int64s[0];
    }
}

static uint32_t value_bytes(capi_type type)
{
    return type == CAPI_STRING ? 4 : type == CAPI_BOOL ? 1 : 8;
}

static uint64_t column_string_bytes(const capi_vec *vec, const uint32_t *rows, uint32_t start, uint32_t count)
{
    if (vec->type != CAPI_STRING) return 0;
    if (vec->is_constant) return (uint64_t)vec->views[0].bytes * count;
    return view_bytes(vec->views, rows, start, count);
}

/* Room for the rows in a buffer; growth is paid from the budget. */
static capi_status builder_grow(capi_block_builder *builder, capi_buf *buf, uint64_t more, capi_err *err)
{
    uint64_t before = buf->capacity_bytes;
    uint64_t wanted;

    if (before - buf->bytes >= more) return CAPI_OK;
    wanted = before * 2 > buf->bytes + more ? before * 2 : buf->bytes + more;
    if (builder->budget)
        CAPI_TRY(
            block_cache_reserve(&table_writer_tables(builder->writer)->cache, wanted - before, "rows of a table", err));
    builder->reserved_bytes += wanted - before;
    capi_buf_reserve(buf, wanted - buf->bytes);
    /* capi_buf may round up by its own rules: below 64 bytes, which nobody counts. */
    return CAPI_OK;
}

static capi_status builder_add_column(capi_block_builder *builder, uint32_t index, const uint32_t *rows, uint32_t start,
                                      uint32_t count, capi_err *err)
{
    builder_column *column = &builder->columns[index];
    const capi_vec *vec = &builder->stored[index];
    uint64_t string_bytes = column_string_bytes(vec, rows, start, count);
    uint64_t bytes = (uint64_t)count * value_bytes(column->type);
    char *to;

    CAPI_TRY(builder_grow(builder, &column->values,
                          builder->row_count ? bytes : (uint64_t)BUILDER_ROWS_FIRST * 4 + bytes, err));
    if (column->type == CAPI_STRING)
        CAPI_TRY(builder_grow(builder, &column->bytes, string_bytes + COLUMN_SLACK_BYTES, err));
    to = column->values.data + column->values.bytes;
    if (vec->is_constant)
        add_constant(column, vec, count);
    else if (column->type == CAPI_STRING)
        add_views(vec->views, rows, start, count, (uint32_t *)to, column->bytes.data + column->bytes.bytes);
    else if (column->type == CAPI_BOOL)
        add1(vec->bools, rows, start, count, (uint8_t *)to);
    else
        add8(vec->int64s, vec->data == builder->converted[index].data ? NULL : rows, start, count, (int64_t *)to);
    column->values.bytes += bytes;
    column->bytes.bytes += string_bytes;
    return CAPI_OK;
}

static capi_status builder_add(capi_block_builder *builder, const uint32_t *rows, uint32_t start, uint32_t count,
                               uint64_t data_bytes, const uint64_t *key_hashes, capi_err *err)
{
    for (uint32_t column = 0; column < builder->schema.field_count; column++)
        CAPI_TRY(builder_add_column(builder, column, rows, start, count, err));
    if (builder->with_hashes) {
        CAPI_TRY(builder_grow(builder, &builder->hashes, (uint64_t)count * 8, err));
        add8((const int64_t *)key_hashes, rows, start, count,
             (int64_t *)(builder->hashes.data + builder->hashes.bytes));
        builder->hashes.bytes += (size_t)count * 8;
    }
    builder->row_count += count;
    builder->data_bytes += data_bytes;
    return CAPI_OK;
}

/* ---- blocks ---- */

static capi_status builder_write(capi_block_builder *builder, capi_err *err)
{
    capi_extent extent;

    for (uint32_t i = 0; i < builder->schema.field_count; i++) {
        const builder_column *column = &builder->columns[i];
        column_source *source = &builder->sources[i];

        *source = (column_source){.type = (uint8_t)column->type, .int64s = (const int64_t *)column->values.data};
        if (column->type != CAPI_STRING) continue;
        memset(column->bytes.data + column->bytes.bytes, 0, COLUMN_SLACK_BYTES);
        source->bytes = column->bytes.data;
        source->byte_count = column->bytes.bytes;
    }
    CAPI_TRY(table_write_sources(builder->writer, builder->sources, builder->row_count,
                                 builder->with_hashes ? (const uint64_t *)builder->hashes.data : NULL, &extent, err));
    capi_buf_append(&builder->extents, &extent, sizeof extent);
    builder_empty(builder);
    return CAPI_OK;
}

/* Bytes of the strings of each selected row. */
static const uint64_t *builder_string_rows(capi_block_builder *builder, const uint32_t *rows, uint32_t row_count)
{
    uint64_t *sums = (uint64_t *)capi_buf_reserve(&builder->string_rows, (size_t)row_count * sizeof *sums);

    memset(sums, 0, (size_t)row_count * sizeof *sums);
    for (uint32_t column = 0; column < builder->schema.field_count; column++) {
        const capi_vec *vec = &builder->stored[column];

        if (vec->type != CAPI_STRING) continue;
        for (uint32_t i = 0; i < row_count; i++)
            sums[i] += vec->views[vec->is_constant ? 0 : rows ? rows[i] : i].bytes;
    }
    return sums;
}

/* How many rows from `start` on still fit the block that is being collected, and their bytes: at least one if it is empty. */
static uint32_t builder_fit(const capi_block_builder *builder, const uint64_t *string_rows, uint32_t start,
                            uint32_t row_count, uint64_t *data_bytes)
{
    uint32_t row_max = CAPI_BLOCK_ROWS - builder->row_count;
    uint64_t bytes = 0;
    uint32_t count = 0;

    while (count < row_max && start + count < row_count) {
        uint64_t more = builder->fixed_row_bytes + (string_rows ? string_rows[start + count] : 0);

        if (builder->data_bytes + bytes + more > BLOCK_DATA_MAX && builder->row_count + count > 0) break;
        bytes += more;
        count++;
    }
    *data_bytes = bytes;
    return count;
}

static uint64_t builder_chunk_bytes(const capi_block_builder *builder, const uint32_t *rows, uint32_t row_count)
{
    uint64_t bytes = (uint64_t)row_count * builder->fixed_row_bytes;

    for (uint32_t column = 0; column < builder->schema.field_count; column++)
        bytes += column_string_bytes(&builder->stored[column], rows, 0, row_count);
    return bytes;
}

static bool builder_is_full(const capi_block_builder *builder)
{
    return builder->row_count == CAPI_BLOCK_ROWS || builder->data_bytes >= BLOCK_DATA_MAX;
}

/* Adds the rows piece by piece, writing a block whenever one is full. */
static capi_status builder_split(capi_block_builder *builder, const uint32_t *rows, uint32_t row_count,
                                 const uint64_t *key_hashes, capi_err *err)
{
    const uint64_t *string_rows = builder->has_strings ? builder_string_rows(builder, rows, row_count) : NULL;

    for (uint32_t start = 0; start < row_count;) {
        uint64_t bytes = 0;
        uint32_t count = builder_fit(builder, string_rows, start, row_count, &bytes);

        if (count) CAPI_TRY(builder_add(builder, rows, start, count, bytes, key_hashes, err));
        start += count;
        if (builder_is_full(builder) || start < row_count) CAPI_TRY(builder_write(builder, err));
    }
    return CAPI_OK;
}

capi_status capi_block_builder_append(capi_block_builder *builder, const capi_vec *columns, const uint32_t *rows,
                                      uint32_t row_count, const uint64_t *key_hashes, uint32_t *bad_row,
                                      uint32_t *bad_column, capi_err *err)
{
    uint64_t bytes;

    if (row_count == 0) return CAPI_OK;
    if (builder->with_hashes && !key_hashes)
        return capi_err_set(err, CAPI_INTERNAL, "rows of a table with a unique index come without key hashes");
    CAPI_TRY(builder_convert_all(builder, columns, rows, row_count, bad_row, bad_column, err));
    bytes = builder_chunk_bytes(builder, rows, row_count);
    if (builder->row_count + row_count > CAPI_BLOCK_ROWS || builder->data_bytes + bytes > BLOCK_DATA_MAX)
        return builder_split(builder, rows, row_count, key_hashes, err);
    CAPI_TRY(builder_add(builder, rows, 0, row_count, bytes, key_hashes, err));
    return builder_is_full(builder) ? builder_write(builder, err) : CAPI_OK;
}

capi_status capi_block_builder_take(capi_block_builder *builder, capi_extent **extents, uint32_t *extent_count,
                                    capi_err *err)
{
    *extents = NULL;
    *extent_count = 0;
    if (builder->row_count) CAPI_TRY(builder_write(builder, err));
    *extent_count = (uint32_t)(builder->extents.bytes / sizeof **extents);
    *extents = (capi_extent *)builder->extents.data;
    builder->extents = (capi_buf){0};
    return CAPI_OK;
}
