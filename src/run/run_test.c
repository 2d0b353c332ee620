/* run_test.c - whole runs in one process: from CSV files to CSV files, failures, manual nodes, second runs. */
#include "base/file.h"
#include "base/test.h"
#include "run/engine.h"
#include "run/run.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct place { /* one test's folder with its engine */
    capi_arena arena;
    const char *folder;
    capi_engine *engine;
} place;

static capi_str path_in(place *here, const char *name)
{
    return capi_str_format(&here->arena, "%s/%s", here->folder, name);
}

static void put(place *here, const char *name, const char *text)
{
    FILE *file = fopen(path_in(here, name).data, "w");

    CHECK(file != NULL);
    CHECK(fwrite(text, 1, strlen(text), file) == strlen(text));
    CHECK(fclose(file) == 0);
}

static const char *get(place *here, const char *name)
{
    capi_str text;
    capi_err err = {0};

    if (capi_file_read_all(path_in(here, name).data, 1 << 20, &here->arena, &text, &err) != CAPI_OK) return NULL;
    return text.data;
}

static void place_open(place *here, uint32_t threads)
{
    capi_err err = {0};

    *here = (place){.folder = capi_test_folder()};
    CHECK_OK(capi_engine_open(&(capi_engine_options){.data_folder = path_in(here, "data"),
                                                     .thread_count = threads,
                                                     .memory_bytes = 256 << 20},
                              &here->engine, &err),
             err);
}

static void place_close(place *here)
{
    capi_engine_close(here->engine);
    capi_arena_deinit(&here->arena);
}

static capi_script *load(place *here, const char *name)
{
    capi_str dir_names[] = {CAPI_STR("dir")};
    capi_str dir_values[] = {capi_str_of(here->folder)};
    capi_load_options options = {
        .script_url = path_in(here, name), .set_names = dir_names, .set_values = dir_values, .set_count = 1};
    capi_script *script = NULL;
    capi_diags diags;
    capi_err err = {0};

    capi_diags_init(&diags, &here->arena);
    if (capi_script_load(&options, &script, &diags) != CAPI_OK) {
        capi_diags_to_err(&diags, &err);
        capi_test_fail(__FILE__, __LINE__, "the script does not load: %s", err.text);
    }
    return script;
}

static capi_work_result run_nodes(place *here, const capi_script *script, const char *start, capi_run *run)
{
    capi_start_options start_options = {
        .keyspace = CAPI_STR("test"), .script = script, .start_nodes = capi_str_of(start)};
    capi_keyspace keyspace;
    capi_work_result result = {0};
    capi_err err = {0};

    CHECK_OK(capi_run_begin(here->engine, &start_options, &here->arena, run, &err), err);
    CHECK_OK(capi_keyspace_open(here->engine->state, CAPI_STR("test"), false, &here->arena, &keyspace, &err), err);
    CHECK_OK(capi_run_work(here->engine,
                           &(capi_work_options){.script = script, .keyspace = &keyspace, .run = run, .interval_ms = 50},
                           &here->arena, &result, &err),
             err);
    CHECK_OK(capi_run_get(here->engine->state, &keyspace, run->run_id, &here->arena, run, &err), err);
    return result;
}

static const char sales_script[] =
    "nodes:\n"
    "  read_sales:\n"
    "    type: file_table\n"
    "    r:\n"
    "      urls: [\"{dir}/sales.csv\"]\n"
    "      csv: {hdr_line_idx: 0, first_data_line_idx: 1}\n"
    "      columns:\n"
    "        c_item: {csv: {col_hdr: item}, col_type: string}\n"
    "        c_count: {csv: {col_hdr: count}, col_type: int}\n"
    "    w:\n"
    "      name: sales\n"
    "      fields:\n"
    "        item: {expression: r.c_item, type: string}\n"
    "        count: {expression: r.c_count * 2, type: int}\n"
    "      indexes: {idx_sales_item: non_unique(item)}\n"
    "  read_items:\n"
    "    type: file_table\n"
    "    r:\n"
    "      urls: [\"{dir}/items.csv\"]\n"
    "      csv: {first_data_line_idx: 1}\n"
    "      columns: {c_item: {csv: {col_hdr: item}, col_type: string}}\n"
    "    w:\n"
    "      name: items\n"
    "      fields: {item: {expression: r.c_item, type: string}}\n"
    "  total:\n"
    "    type: table_lookup_table\n"
    "    r: {table: items, expected_batches_total: 2}\n"
    "    l: {index_name: idx_sales_item, join_on: r.item, join_type: left, group: true}\n"
    "    w:\n"
    "      name: totals\n"
    "      fields:\n"
    "        item: {expression: r.item, type: string}\n"
    "        sum: {expression: sum(l.count), type: int}\n"
    "  report:\n"
    "    type: table_file\n"
    "    start_policy: manual\n"
    "    r: {table: totals}\n"
    "    w:\n"
    "      url_template: \"{dir}/report.csv\"\n"
    "      columns:\n"
    "        - {name: item, expression: r.item, type: string, csv: {header: Item, format: \"%s\"}}\n"
    "        - {name: sum, expression: r.sum, type: int, csv: {header: Sum, format: \"%d\"}}\n";

static void put_sales(place *here)
{
    put(here, "sales.yaml", sales_script);
    put(here, "sales.csv", "item,count\na,1\nb,2\na,5\n");
    put(here, "items.csv", "item\na\nb\nc\n");
}

TEST(two_runs_take_a_script_from_files_to_a_file)
{
    place here;
    capi_script *script;
    capi_run run;
    capi_work_result result;

    place_open(&here, 2);
    put_sales(&here);
    script = load(&here, "sales.yaml");

    result = run_nodes(&here, script, "", &run);
    CHECK_INT(result.nodes_failed, 0);
    CHECK_INT(run.status, CAPI_RUN_COMPLETE);
    CHECK(get(&here, "report.csv") == NULL);

    result = run_nodes(&here, script, "report", &run);
    CHECK_INT(result.nodes_failed, 0);
    CHECK_INT(run.run_id, 2);
    CHECK_STR(get(&here, "report.csv"), "Item,Sum\r\na,12\nb,4\nc,0\n");

    capi_script_free(script);
    place_close(&here);
}

TEST(a_wrong_value_fails_its_node_and_those_below_and_the_run_still_ends)
{
    place here;
    capi_script *script;
    capi_run run;
    capi_work_result result;

    place_open(&here, 2);
    put_sales(&here);
    put(&here, "sales.csv", "item,count\na,1\nb,two\n");
    script = load(&here, "sales.yaml");

    result = run_nodes(&here, script, "", &run);
    CHECK_INT(run.status, CAPI_RUN_COMPLETE);
    CHECK_INT(result.nodes_failed, 2);
    CHECK(strstr(result.first_failure.data, "two") != NULL);
    CHECK(strstr(result.first_failure.data, "line 3") != NULL);
    CHECK(strstr(result.first_failure.data, "read_sales") != NULL);

    capi_script_free(script);
    place_close(&here);
}

TEST(a_run_that_needs_a_table_nobody_made_says_so)
{
    place here;
    capi_script *script;
    capi_run run;
    capi_work_result result;

    place_open(&here, 1);
    put_sales(&here);
    script = load(&here, "sales.yaml");

    result = run_nodes(&here, script, "report", &run);
    CHECK_INT(result.nodes_failed, 1);
    CHECK(strstr(result.first_failure.data, "totals") != NULL);
    CHECK(strstr(result.first_failure.data, "start nodes") != NULL);
    CHECK(get(&here, "report.csv") == NULL);

    capi_script_free(script);
    place_close(&here);
}

TEST(a_missing_target_folder_is_said_before_the_run_starts)
{
    place here;
    capi_script *script;
    capi_run run;
    capi_err err = {0};
    char *text;

    place_open(&here, 1);
    put_sales(&here);
    text = strdup(sales_script);
    memcpy(strstr(text, "/report.csv"), "/no/rep.csv", 11);
    put(&here, "sales.yaml", text);
    free(text);
    script = load(&here, "sales.yaml");

    CHECK(capi_run_begin(
              here.engine,
              &(capi_start_options){.keyspace = CAPI_STR("test"), .script = script, .start_nodes = CAPI_STR("report")},
              &here.arena, &run, &err) == CAPI_INVALID);
    CHECK_ERR(err, "does not exist; make it first");

    capi_script_free(script);
    place_close(&here);
}

TEST(a_table_is_found_without_the_script)
{
    place here;
    capi_script *script;
    capi_run run;
    capi_keyspace keyspace;
    capi_schema schema;
    capi_table_input input;
    capi_err err = {0};

    place_open(&here, 1);
    put_sales(&here);
    script = load(&here, "sales.yaml");
    run_nodes(&here, script, "", &run);
    capi_script_free(script);

    CHECK_OK(capi_keyspace_open(here.engine->state, CAPI_STR("test"), false, &here.arena, &keyspace, &err), err);
    CHECK_OK(capi_run_table(here.engine, &keyspace, CAPI_STR("totals"), 0, &here.arena, &schema, &input, &err), err);
    CHECK_INT(schema.field_count, 2);
    CHECK_INT(schema.fields[1].type, CAPI_INT);
    CHECK_INT(input.content.row_count, 3);
    CHECK(capi_run_table(here.engine, &keyspace, CAPI_STR("nothing"), 0, &here.arena, &schema, &input, &err) ==
          CAPI_NOT_FOUND);
    CHECK_ERR(err, "\"nothing\"");
    place_close(&here);
}
