/* parquet_rows.c - see parquet_rows.h. Each column is asked for twice: its values, and where they are null. */
#include "cmd/parquet_rows.h"

#include "cmd/program.h"

static capi_status open_columns(capi_parquet_rows *rows, capi_budget *budget, capi_err *err)
{
    capi_parquet_column *columns = capi_new_array(&rows->arena, capi_parquet_column, 2 * rows->field_count + 1);

    for (uint32_t i = 0; i < rows->field_count; i++) {
        const capi_parquet_field *field = &rows->fields[i];

        if (field->type == (capi_type)CAPI_TYPE_STORED_COUNT)
            return capi_err_set(err, CAPI_INVALID,
                                "file \"%s\", column \"%.*s\": it is %.*s, which is no type of scripts", rows->path,
                                CAPI_STR_ARG(field->name), CAPI_STR_ARG(field->description));
        columns[2 * i] = (capi_parquet_column){
            .name = field->name,
            .type = field->type,
            .is_needed = true,
            .default_value = capi_value_zero(field->type),
        };
        columns[2 * i + 1] = (capi_parquet_column){.name = field->name, .is_needed = true, .is_null_flag = true};
    }
    return capi_parquet_open(rows->path, rows->path, columns, 2 * rows->field_count, false, budget, &rows->file, err);
}

capi_status capi_parquet_rows_open(const char *path, capi_budget *budget, capi_parquet_rows *out, capi_err *err)
{
    capi_status st;

    *out = (capi_parquet_rows){.path = path};
    CAPI_TRY_OUT(capi_parquet_describe(path, path, budget, &out->arena, &out->fields, &out->field_count, err));
    CAPI_TRY_OUT(open_columns(out, budget, err));
    out->cursor = capi_parquet_cursor_new(out->file);
out:
    if (st != CAPI_OK) capi_parquet_rows_close(out);
    return st;
}

void capi_parquet_rows_close(capi_parquet_rows *rows)
{
    capi_parquet_cursor_free(rows->cursor);
    capi_parquet_close(rows->file);
    capi_arena_deinit(&rows->arena);
    *rows = (capi_parquet_rows){0};
}

capi_status capi_parquet_rows_next(capi_parquet_rows *rows, bool *is_there, capi_err *err)
{
    *is_there = true;
    if (rows->chunk && rows->at + 1 < rows->chunk->row_count) {
        rows->at++;
        rows->row++;
        return CAPI_OK;
    }
    rows->at = 0;
    CAPI_TRY(capi_parquet_cursor_next(rows->cursor, &rows->chunk, &rows->row, err));
    *is_there = rows->chunk != NULL;
    return CAPI_OK;
}

bool capi_parquet_rows_value(const capi_parquet_rows *rows, uint32_t field, capi_value *out)
{
    const capi_vec *columns = &rows->chunk->columns[2 * field];

    *out = capi_vec_get(&columns[0], rows->at);
    return !columns[1].bools[rows->at];
}

void capi_parquet_append_value(capi_buf *to, const capi_value *value)
{
    char text[32];
    capi_civil civil;
    int64_t cents;

    if (value->type == CAPI_DECIMAL && capi_decimal_is_cents(&value->decimal, &cents)) {
        capi_buf_append(to, text, capi_cents_text_fixed(cents, text));
    } else if (value->type == CAPI_DATETIME) {
        capi_instant_to_civil(&value->instant, &civil);
        capi_buf_printf(to, "%04lld-%02u-%02uT%02u:%02u:%02u.%06uZ", (long long)civil.year, civil.month, civil.day,
                        civil.hour, civil.minute, civil.second, civil.nanoseconds / 1000);
    } else {
        capi_value_append_text(to, value);
    }
}

bool capi_parquet_tool_budget(const capi_args *args, capi_budget *out)
{
    uint64_t bytes = capi_budget_default_limit_bytes();

    if (!capi_args_bytes(args, "memory", &bytes)) return false;
    out->limit_bytes = bytes;
    return true;
}

int capi_parquet_tool_fail(const capi_err *err)
{
    int exit_code = capi_command_fail(err);

    return capi_program_is_reference() && exit_code == CAPI_EXIT_USAGE ? CAPI_EXIT_FAILED : exit_code;
}
