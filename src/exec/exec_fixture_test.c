/* exec_fixture_test.c - see exec_fixture.h. */
#include "exec/exec_fixture.h"

#include "base/file.h"

#include <stdlib.h>

static char *text_path(exec_fixture *f, const char *name)
{
    return (char *)capi_str_format(&f->arena, "%s/%s", f->folder, name).data;
}

void exec_fixture_open(exec_fixture *f, uint32_t threads, uint64_t budget_bytes)
{
    capi_str data;

    *f = (exec_fixture){.folder = capi_test_folder()};
    data = capi_str_of(text_path(f, "data"));
    f->budget.limit_bytes = budget_bytes;
    f->pool = capi_thread_pool_new(threads);
    CHECK_OK(
        capi_tables_open_embedded(&(capi_tables_options){.folder = data, .budget = &f->budget}, &f->tables, &f->err),
        f->err);
    capi_exec_init(&f->exec, f->pool, f->tables, &f->budget, capi_str_of(text_path(f, "temp")));
}

void exec_fixture_close(exec_fixture *f)
{
    capi_exec_deinit(&f->exec);
    capi_tables_close(f->tables);
    capi_thread_pool_free(f->pool);
    capi_script_free(f->script);
    CHECK_INT(f->budget.used_bytes, 0);
    capi_arena_deinit(&f->arena);
}

void exec_fixture_put(exec_fixture *f, const char *name, const char *text)
{
    FILE *file = fopen(text_path(f, name), "wb");

    CHECK(file != NULL);
    CHECK(fwrite(text, 1, strlen(text), file) == strlen(text));
    CHECK(fclose(file) == 0);
}

const char *exec_fixture_get(exec_fixture *f, const char *name)
{
    capi_str text;
    char *out;
    size_t bytes = 0;

    CHECK_OK(capi_file_read_all(text_path(f, name), 64 << 20, &f->arena, &text, &f->err), f->err);
    out = capi_arena_alloc(&f->arena, text.bytes + 1);
    for (size_t i = 0; i < text.bytes; i++)
        if (text.data[i] != '\r') out[bytes++] = text.data[i];
    out[bytes] = 0;
    return out;
}

static capi_status fetch(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    (void)arena;
    if (!capi_str_is(url, "test.yaml")) return capi_err_set(err, CAPI_NOT_FOUND, "no file \"%.*s\"", CAPI_STR_ARG(url));
    *text = capi_str_of(context);
    return CAPI_OK;
}

void exec_fixture_load(exec_fixture *f, const char *yaml)
{
    capi_str name = CAPI_STR("dir");
    capi_str value = capi_str_of(f->folder);
    capi_load_options options = {
        .script_url = CAPI_STR("test.yaml"),
        .set_names = &name,
        .set_values = &value,
        .set_count = 1,
        .fetch = fetch,
        .fetch_context = (void *)(uintptr_t)yaml,
    };
    capi_diags diags;
    capi_buf text = {0};

    capi_script_free(f->script);
    f->script = NULL;
    capi_diags_init(&diags, &f->arena);
    if (capi_script_load(&options, &f->script, &diags) != CAPI_OK) {
        capi_diags_print(&diags, &text);
        capi_test_fail(__FILE__, __LINE__, "the script does not load: %.*s", (int)text.bytes, text.data);
    }
    f->results = capi_new_array(&f->arena, capi_table_input, f->script->node_count + 1);
    f->outputs = capi_new_array(&f->arena, capi_batch_output, f->script->node_count + 1);
}

static uint32_t node_number(exec_fixture *f, const capi_node *node)
{
    for (uint32_t i = 0; i < f->script->node_count; i++)
        if (f->script->nodes[i] == node) return i;
    CHECK(!"the node is one of the script");
    return 0;
}

static capi_status run_batch(exec_fixture *f, const capi_node *node, uint32_t batch_idx, capi_table_content *out)
{
    uint32_t number = node_number(f, node);
    char attempt[17];
    capi_batch_output output = {0};
    capi_batch_task task = {
        .node = node,
        .keyspace_uid = CAPI_STR("k"),
        .run_uid = CAPI_STR("r"),
        .run_id = 1,
        .batch_idx = batch_idx,
        .batches_total = node->batches_total,
        .now = {.seconds = 1000000000, .zone_name = "UTC"},
        .progress = &f->progress,
    };
    capi_status st;

    snprintf(attempt, sizeof attempt, "%016x", ++f->attempt_count);
    task.attempt_uid = capi_str_of(attempt);
    if (node->reader) task.input = &f->results[node_number(f, node->reader)];
    if (node->lookup) task.lookup = &f->results[node_number(f, node->lookup->index->owner)];
    st = capi_batch_run(&f->exec, &task, &f->arena, &output, &f->err);
    if (st == CAPI_OK && output.file) {
        struct capi_file_writer *file = output.file;

        output.file = NULL;
        st = capi_file_publish(file, &f->err);
    }
    *out = (capi_table_content){.extent_count = output.extent_count};
    out->extents = capi_arena_copy(&f->arena, output.extents, output.extent_count * sizeof *output.extents);
    for (uint32_t i = 0; i < output.extent_count; i++)
        out->row_count += output.extents[i].row_count;
    f->outputs[number] = output;
    f->outputs[number].extents = NULL;
    capi_batch_output_deinit(&output);
    return st;
}

static void join_batches(exec_fixture *f, const capi_node *node, const capi_table_content *batches,
                         const capi_seal_output *seal)
{
    capi_table_input *to = &f->results[node_number(f, node)];
    uint64_t extent_count = 0, rows = 0, bits = 0;
    capi_extent *extents;
    uint8_t *bitmap;

    for (uint32_t i = 0; i < node->batches_total; i++) {
        extent_count += batches[i].extent_count;
        rows += batches[i].row_count;
    }
    extents = capi_new_array(&f->arena, capi_extent, extent_count + 1);
    bitmap = capi_arena_zalloc(&f->arena, rows / 8 + 1);
    extent_count = rows = 0;
    for (uint32_t i = 0; i < node->batches_total; i++) {
        if (batches[i].extent_count)
            memcpy(extents + extent_count, batches[i].extents, batches[i].extent_count * sizeof *extents);
        extent_count += batches[i].extent_count;
        for (uint64_t row = 0; row < batches[i].row_count; row++, rows++) {
            unsigned bit = seal->survivors ? (uint8_t)seal->survivors[i].data[row / 8] >> row % 8 & 1 : 1;

            bitmap[rows / 8] |= (uint8_t)(bit << rows % 8);
            bits += bit;
        }
    }
    CHECK_INT(seal->row_count, bits);
    *to = (capi_table_input){.address = {CAPI_STR("k"), CAPI_STR("r"), node->table->name}};
    to->content = (capi_table_content){extents, extent_count, seal->survivors ? bitmap : NULL, bits};
}

static capi_status seal(exec_fixture *f, const capi_node *node, const capi_table_content *batches)
{
    capi_seal_output output;
    capi_seal_task task = {
        .node = node,
        .address = {CAPI_STR("k"), CAPI_STR("r"), node->table->name},
        .batches = batches,
        .batch_count = node->batches_total,
    };

    CAPI_TRY(capi_seal_run(&f->exec, &task, &f->arena, &output, &f->err));
    if (output.has_duplicates) return capi_err_set(&f->err, CAPI_INVALID, "%.*s", CAPI_STR_ARG(output.duplicate));
    join_batches(f, node, batches, &output);
    return CAPI_OK;
}

capi_status exec_fixture_run_node(exec_fixture *f, const char *name)
{
    const capi_node *node = capi_script_node(f->script, capi_str_of(name));
    capi_table_content *batches;

    CHECK(node != NULL);
    batches = capi_new_array(&f->arena, capi_table_content, node->batches_total);
    for (uint32_t i = 0; i < node->batches_total; i++)
        CAPI_TRY(run_batch(f, node, i, &batches[i]));
    return node->table ? seal(f, node, batches) : CAPI_OK;
}

const char *exec_fixture_run(exec_fixture *f)
{
    for (uint32_t i = 0; i < f->script->node_count; i++) {
        const char *name = capi_str_copy(&f->arena, f->script->order[i]->name).data;

        if (exec_fixture_run_node(f, name) != CAPI_OK) return f->err.text;
    }
    return NULL;
}

void exec_fixture_run_script(exec_fixture *f, const char *yaml)
{
    const char *message;

    exec_fixture_load(f, yaml);
    message = exec_fixture_run(f);
    if (message) capi_test_fail(__FILE__, __LINE__, "the script does not run: %s", message);
}

static capi_status print_chunk(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    capi_buf *to = context;

    (void)err;
    for (uint32_t row = 0; row < chunk->row_count; row++) {
        if (first_row + row) capi_buf_append_byte(to, '|');
        for (uint32_t column = 0; column < chunk->column_count; column++) {
            capi_value value = capi_vec_get(&chunk->columns[column], row);

            if (column) capi_buf_append_byte(to, ',');
            capi_value_append_text(to, &value);
        }
    }
    return CAPI_OK;
}

const char *exec_fixture_table(exec_fixture *f, const char *name)
{
    const capi_node *node = capi_script_node(f->script, capi_str_of(name));
    capi_buf text = {0};
    const char *out;

    CHECK_OK(capi_table_scan(&f->exec, &f->results[node_number(f, node)], &node->table->schema, 0, UINT64_MAX,
                             print_chunk, &text, &f->err),
             f->err);
    out = capi_str_copy(&f->arena, capi_buf_str(&text)).data;
    capi_buf_deinit(&text);
    return out;
}

uint64_t exec_fixture_rows(exec_fixture *f, const char *name)
{
    return f->results[node_number(f, capi_script_node(f->script, capi_str_of(name)))].content.row_count;
}
