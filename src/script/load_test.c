#include "script/load_fixture.h"

#include "vec/format.h"

static const char shop[] =
    "nodes:\n"
    "  read_orders:\n"
    "    type: file_table\n"
    "    r:\n"
    "      urls: [\"{dir}/orders1.csv\", \"{dir}/orders2.csv\"]\n"
    "      csv: {hdr_line_idx: 0, first_data_line_idx: 1, separator: \";\"}\n"
    "      columns:\n"
    "        c_id:   {csv: {col_hdr: \"id\"}, col_type: \"int\"}\n"
    "        c_cust: {csv: {col_hdr: \"cust\"}, col_type: \"string\"}\n"
    "        c_skip: {csv: {col_hdr: \"skip\"}, col_type: \"string\"}\n"
    "        c_sum:  {csv: {col_hdr: \"total\", col_format: \"%f\"}, col_type: \"decimal2\", col_default_value: "
    "\"0.0\"}\n"
    "    w:\n"
    "      name: orders\n"
    "      having: w.total > 0\n"
    "      fields:\n"
    "        id:    {expression: r.c_id, type: int}\n"
    "        cust:  {expression: r.c_cust, type: string}\n"
    "        total: {expression: r.c_sum, type: decimal2}\n"
    "      indexes:\n"
    "        idx_orders_cust: \"non_unique(cust(ignore_case), id)\"\n"
    "  customers:\n"
    "    type: distinct_table\n"
    "    rerun_policy: fail\n"
    "    r: {table: orders, expected_batches_total: 3}\n"
    "    w:\n"
    "      name: customers\n"
    "      fields:\n"
    "        unused: {expression: r.total, type: decimal2}\n"
    "        id: {expression: r.id, type: int}\n"
    "        cust: {expression: r.cust, type: string}\n"
    "      indexes: {idx_customers_cust: unique(cust)}\n"
    "  totals:\n"
    "    type: table_lookup_table\n"
    "    start_policy: manual\n"
    "    r: {table: customers, rowset_size: 5000}\n"
    "    l: {index_name: idx_orders_cust, join_on: \"r.id, r.cust\", join_type: left, group: true, filter: l.id > 0}\n"
    "    w:\n"
    "      name: totals\n"
    "      having: w.n >= 0\n"
    "      fields:\n"
    "        cust:  {expression: r.cust, type: string}\n"
    "        total: {expression: sum(l.total), type: decimal2, default_value: \"-1.005\"}\n"
    "        n:     {expression: count(), type: int}\n"
    "        some:  {expression: \"sum_if(l.id, r.id > 2)\", type: int}\n"
    "  report:\n"
    "    type: table_file\n"
    "    r: {table: totals, expected_batches_total: 2}\n"
    "    w:\n"
    "      url_template: \"{dir}/report_{run_id}_{ batch_idx }.csv\"\n"
    "      top: {order: \"total(desc),cust\", limit: 10}\n"
    "      csv: {separator: \"\\t\"}\n"
    "      columns:\n"
    "        - {name: cust, expression: r.cust, type: string, csv: {header: Customer, format: \"%s\"}}\n"
    "        - {name: total, expression: r.total, type: decimal2, csv: {header: Total, format: \"%s\"}}\n";

static void open_shop(load_bed *bed)
{
    *bed = (load_bed){0};
    bed->names[1] = "params.json";
    bed->texts[1] = "{\"dir\": \"data\"}";
    bed->options.params_url = CAPI_STR("params.json");
    load_open(bed, "shop.yaml", shop);
    load_must(bed);
}

static void check_text(capi_str text, const char *expected)
{
    char copy[300];

    snprintf(copy, sizeof copy, "%.*s", CAPI_STR_ARG(text));
    CHECK_STR(copy, expected);
}

TEST(a_file_reader_reads_only_the_columns_that_are_used)
{
    load_bed bed;
    const capi_node *node;

    open_shop(&bed);
    node = capi_script_node(bed.script, CAPI_STR("read_orders"));
    CHECK_INT(node->type, CAPI_NODE_FILE_TABLE);
    CHECK_INT(node->batches_total, 2);
    CHECK_INT(node->line, 2);
    check_text(node->source.urls[1], "data/orders2.csv");
    CHECK_INT(node->source.csv.separator, ';');
    CHECK_INT(node->source.csv.column_count, 4);
    CHECK(node->source.csv.columns[0].is_needed && node->source.csv.columns[1].is_needed);
    CHECK(!node->source.csv.columns[2].is_needed);
    check_text(node->source.csv.columns[3].default_text, "0.0");
    CHECK_INT(node->slot_count, 3);
    CHECK_INT(node->slots[2].column, 3);
    CHECK(node->policy == NULL && node->reader == NULL);
    load_close(&bed);
}

TEST(a_table_has_its_fields_in_the_order_of_the_script)
{
    load_bed bed;
    const capi_table_sink *table;

    open_shop(&bed);
    table = capi_script_table(bed.script, CAPI_STR("orders"))->table;
    CHECK_INT(table->schema.field_count, 3);
    check_text(table->schema.fields[0].name, "id");
    check_text(table->schema.fields[2].name, "total");
    CHECK_INT(table->schema.fields[2].type, CAPI_DECIMAL);
    CHECK_INT(table->fields[1].output, 1);
    CHECK(table->having && table->having_program);
    CHECK(capi_program_reads_slot(table->having_program, 2) && !capi_program_reads_slot(table->having_program, 0));
    CHECK_INT(table->index_count, 1);
    CHECK_INT(table->indexes[0].key.part_count, 2);
    CHECK(table->indexes[0].key.parts[0].ignore_case && table->indexes[0].owner->table == table);
    load_close(&bed);
}

TEST(a_lookup_matches_by_name_when_both_sides_have_the_same_names)
{
    load_bed bed;
    const capi_node *node;
    const capi_node *parents[2];

    open_shop(&bed);
    node = capi_script_node(bed.script, CAPI_STR("totals"));
    CHECK(node->lookup->is_left && node->lookup->is_grouped && node->lookup->filter_program);
    check_text(node->lookup->index->name, "idx_orders_cust");
    CHECK_INT(node->lookup->left_columns[0], 2); /* cust, though join_on names id first */
    CHECK_INT(node->lookup->left_columns[1], 1);
    CHECK_INT(capi_node_parents(node, parents), 2);
    check_text(parents[0]->name, "customers");
    check_text(parents[1]->name, "read_orders");
    CHECK_INT(node->rowset_size, 5000);
    CHECK(node->is_manual && node->policy);
    load_close(&bed);
}

TEST(a_lookup_matches_by_position_when_names_differ)
{
    static const char text[] =
        "nodes:\n"
        "  a: {type: file_table, r: {urls: [a], columns: {c: {col_type: int}}},\n"
        "      w: {name: a, fields: {x: {expression: r.c, type: int}, y: {expression: r.c, type: int}},\n"
        "          indexes: {idx_a: \"unique(y, x)\"}}}\n"
        "  b: {type: table_lookup_table, r: {table: a}, l: {index_name: idx_a, join_on: \"r.x,r.x\", join_type: "
        "inner},\n"
        "      w: {name: b, fields: {x: {expression: l.y, type: int}}}}\n";
    load_bed bed = {0};
    const capi_node *node;
    const capi_node *parents[2];

    load_open(&bed, "s.yaml", text);
    load_must(&bed);
    node = capi_script_node(bed.script, CAPI_STR("b"));
    CHECK_INT(node->lookup->left_columns[0], 0);
    CHECK_INT(node->lookup->left_columns[1], 0);
    CHECK_INT(capi_node_parents(node, parents), 1);
    CHECK_INT(node->slot_count, 1);
    CHECK_INT(node->slots[0].side, CAPI_SIDE_LOOKUP);
    CHECK_INT(node->slots[0].column, 1);
    load_close(&bed);
}

TEST(aggregates_and_defaults_are_ready_to_use)
{
    load_bed bed;
    const capi_table_sink *table;
    int64_t cents;

    open_shop(&bed);
    table = capi_script_table(bed.script, CAPI_STR("totals"))->table;
    CHECK(!table->fields[0].is_aggregate && !table->fields[0].uses_lookup);
    CHECK(table->fields[1].is_aggregate && table->fields[1].uses_lookup);
    CHECK(table->fields[1].agg_value != UINT32_MAX && table->fields[1].agg_condition == UINT32_MAX);
    CHECK(table->fields[1].output == UINT32_MAX);
    CHECK(table->fields[2].is_aggregate && table->fields[2].agg_value == UINT32_MAX);
    CHECK(table->fields[3].agg_condition != UINT32_MAX);
    CHECK(capi_decimal_is_cents(&table->fields[1].default_value.decimal, &cents));
    CHECK_INT(cents, -100); /* -1.005 as a double is a little less: 4.5 of the script specification */
    CHECK_INT(table->fields[2].default_value.type, CAPI_INT);
    load_close(&bed);
}

TEST(a_file_writer_knows_columns_order_and_names)
{
    load_bed bed;
    const capi_file_sink *file;

    open_shop(&bed);
    file = capi_script_node(bed.script, CAPI_STR("report"))->file;
    CHECK_INT(file->column_count, 2);
    CHECK(file->csv != NULL && file->has_top);
    CHECK_INT(file->top_limit, 10);
    CHECK_INT(file->top_order.parts[0].column, 1);
    CHECK(file->top_order.parts[0].descending);
    check_text(capi_file_sink_url(file, 3, 7, &bed.arena), "data/report_00003_00007.csv");
    load_close(&bed);
}

TEST(all_mistakes_come_in_one_go_in_the_order_of_the_text)
{
    static const char text[] = "nodes:\n"
                               "  a:\n"
                               "    type: file_table\n"
                               "    start_policy: Manual\n"
                               "    r: {urls: [a], columns: {c: {col_type: int}}}\n"
                               "    w:\n"
                               "      name: idx_a\n"
                               "      fields:\n"
                               "        x: {expression: 'r.cc + r.dd', type: int}\n"
                               "        y: {expression: r.c, type: integer}\n"
                               "  b:\n"
                               "    type: table_table\n"
                               "    r: {table: nothing}\n"
                               "    w: {name: b, fields: {x: {expression: r.anything, type: int}}, having: \"w.x\"}\n";
    load_bed bed = {0};
    const char *rules[] = {"V12", "V22", "V71", "V71", "V27", "V57", "V75"};

    load_open(&bed, "s.yaml", text);
    CHECK(bed.status == CAPI_INVALID && !bed.script);
    CHECK_INT(bed.diags.count, 7);
    for (size_t i = 0; i < 7; i++)
        check_text(bed.diags.items[i].rule, rules[i]);
    CHECK_INT(bed.diags.items[2].line, 9);
    CHECK_INT(bed.diags.items[2].column, 26);
    CHECK_INT(bed.diags.items[2].length, 4);
    CHECK_INT(bed.diags.items[3].column, 33);
    check_text(bed.diags.items[2].context, "in field \"x\" of node \"a\"");
    check_text(bed.diags.items[2].message, "unknown field \"r.cc\"; did you mean \"r.c\"?");
    load_close(&bed);
}

TEST(places_inside_expressions_lead_through_escapes_and_parameters)
{
    load_bed bed = {0};

    bed.names[1] = "p.json";
    bed.texts[1] = "{\"long\": \"a very long value\", \"field\": \"nosuch\"}";
    bed.options.params_url = CAPI_STR("p.json");
    load_open(&bed, "s.json",
              "{\"nodes\": {\"a\": {\"type\": \"file_table\", \"r\": {\"urls\": [\"a\"], \"columns\": {\"c\": "
              "{\"col_type\": \"string\"}}},\n"
              "\"w\": {\"name\": \"a\", \"fields\": {\n"
              "\"x\": {\"expression\": \"\\\"{long}\\\" + r.bad\", \"type\": \"string\"},\n"
              "\"y\": {\"expression\": \"\\\"x\\\" + r.{field}\", \"type\": \"string\"}}}}}}\n");
    CHECK_INT(bed.diags.count, 2);
    CHECK_INT(bed.diags.items[0].line, 3);
    CHECK_INT(bed.diags.items[0].column, 35);
    CHECK_INT(bed.diags.items[0].length, 5);
    CHECK_INT(bed.diags.items[1].line, 4);
    CHECK_INT(bed.diags.items[1].column, 30);
    CHECK_INT(bed.diags.items[1].length, 9);
    load_close(&bed);
}

TEST(a_file_that_cannot_be_reached_may_come_back)
{
    load_bed bed = {0};

    load_open(&bed, "s.json", "{}");
    CHECK(bed.status == CAPI_OK);
    load_close(&bed);
    bed.options.script_url = CAPI_STR("away.json");
    load_run(&bed);
    CHECK_INT(bed.status, CAPI_UNAVAILABLE);
    load_close(&bed);
    bed.options.script_url = CAPI_STR("missing.json");
    load_run(&bed);
    CHECK_INT(bed.status, CAPI_NOT_FOUND);
    load_close(&bed);
    bed.options.script_url = CAPI_STR("s.yml");
    load_run(&bed);
    CHECK_INT(bed.status, CAPI_INVALID);
    load_close(&bed);
}

static const char formulas[] =
    "{\"nodes\": {\"a\": {\"type\": \"file_table\", \"r\": {\"urls\": [\"a\"], \"columns\": {\"c\": {\"col_type\": "
    "\"int\"}}},"
    "\"w\": {\"name\": \"a\", \"fields\": {\"x\": {\"expression\": \"r.c\", \"type\": \"int\"}}}},\n"
    "\"p\": {\"type\": \"table_custom_tfm_table\", \"custom_proc_type\": \"py_calc\", \"r\": {\"table\": \"a\"},\n"
    "\"p\": {\"python_code_urls\": [\"code.py\"], \"calculated_fields\": {\n"
    "\"second\": {\"expression\": \"twice(p.first)\", \"type\": \"int\"},\n"
    "\"first\": {\"expression\": \"twice(str(r.x))\", \"type\": \"int\"}}},\n"
    "\"w\": {\"name\": \"p\", \"fields\": {\"y\": {\"expression\": \"p.second\", \"type\": \"int\"}}}}}}\n";

TEST(python_formulas_come_in_the_order_in_which_they_need_each_other)
{
    load_bed bed = {0};
    const capi_node *node;

    bed.names[1] = "code.py";
    bed.texts[1] = "def twice(v):\n    return v * 2\n";
    load_open(&bed, "s.json", formulas);
    load_must(&bed);
    node = capi_script_node(bed.script, CAPI_STR("p"));
    CHECK_INT(node->processor->kind, CAPI_PROCESSOR_PY);
    CHECK_INT(node->processor->field_count, 2);
    check_text(node->processor->fields[0].name, "first");
    check_text(node->processor->fields[1].text, "twice(p.first)");
    check_text(node->processor->python_code, "def twice(v):\n    return v * 2\n\n");
    CHECK_INT(bed.script->snapshot_count, 1);
    check_text(bed.script->snapshot[0].kind, "python");
    CHECK_INT(node->slots[node->slot_count - 1].side, CAPI_SIDE_PROCESSOR);
    load_close(&bed);
}

TEST(python_functions_must_exist_with_that_many_arguments)
{
    load_bed bed = {0};

    bed.names[1] = "code.py";
    bed.texts[1] = "def twice(v, w):\n    return v * 2\n";
    load_open(&bed, "s.json", formulas);
    CHECK_INT(bed.diags.error_count, 2);
    check_text(bed.diags.items[0].rule, "V47");
    check_text(bed.diags.items[0].message, "\"twice\" is called with 1 argument, but defined as twice(v, w)");
    load_close(&bed);
    load_open(&bed, "s.json", formulas);
    CHECK_INT(bed.status, CAPI_NOT_FOUND);
    check_text(bed.diags.items[0].rule, "V46");
    load_close(&bed);
}

static void check_mistake(const char *text, const char *rule, const char *words)
{
    load_bed bed = {0};

    load_open(&bed, "s.yaml", text);
    if (bed.diags.error_count != 1)
        capi_test_fail(__FILE__, __LINE__, "%u mistakes:\n%s", bed.diags.error_count, load_words(&bed));
    for (uint32_t i = 0; i < bed.diags.count; i++)
        if (bed.diags.items[i].severity == CAPI_ERROR) {
            check_text(bed.diags.items[i].rule, rule);
            if (!strstr(load_words(&bed), words))
                capi_test_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", words, load_words(&bed));
        }
    load_close(&bed);
}

#define READ_A                                                                                                         \
    "nodes:\n  a: {type: file_table, r: {urls: [a], columns: {c: {col_type: int}}}, w: {name: a, fields: {x: "         \
    "{expression: r.c, type: int}}}}\n"

TEST(additional_checks_find_what_would_fail_later)
{
    check_mistake(READ_A
                  "  b: {type: table_table, r: {table: c}, w: {name: b, fields: {x: {expression: r.x, type: int}}}}\n"
                  "  c: {type: table_table, r: {table: b}, w: {name: c, fields: {x: {expression: r.x, type: int}}}}\n",
                  "S5", "nodes need each other's tables in a circle: \"b\" -> \"c\" -> \"b\"");
    check_mistake(READ_A "  b: {type: table_table, r: {table: a}, w: {name: b, fields: {x: {expression: r.x, type: "
                         "int}, X: {expression: r.x, type: int}}}}\n",
                  "S1", "differ in letter case only");
    check_mistake(
        READ_A "  b: {type: table_table, r: {table: a}, w: {name: b, fields: {rowid: {expression: r.x, type: int}}}}\n",
        "S1", "is reserved");
    check_mistake(READ_A "  b: {type: table_file, r: {table: a, expected_batches_total: 2}, w: {url_template: b.csv, "
                         "columns: [{name: x, expression: r.x, type: int, csv: {header: x, format: '%d'}}]}}\n",
                  "Q29", "2 batches would all write this one file");
    check_mistake(READ_A "  b: {type: table_file, r: {table: a}, w: {url_template: b.csv, csv: {separator: '\"'}, "
                         "columns: [{name: x, expression: r.x, type: int, csv: {header: x, format: '%d'}}]}}\n",
                  "S2", "a separator must not hold a quote, a line end or a NUL byte");
    check_mistake(READ_A "  b: {type: table_file, r: {table: a}, w: {url_template: b.csv, separator: \"\\r\\n\", "
                         "columns: [{name: x, expression: r.x, type: int, header: x, format: '%d'}]}}\n",
                  "S2", "a separator must not hold a quote, a line end or a NUL byte");
    check_mistake(READ_A "  b: {type: table_file, r: {table: a}, w: {url_template: b.csv, columns: [{name: x, "
                         "expression: r.x, type: int, csv: {header: x}}]}}\n",
                  "S2", "\"format\" is missing; for example %d");
    check_mistake(READ_A "  b: {type: table_file, r: {table: a}, w: {url_template: b.csv, columns: [{name: x, "
                         "expression: r.x, type: int, csv: {header: x, format: '%s'}}]}}\n",
                  "S2", "%s");
    check_mistake("nodes:\n  a: {type: file_table, r: {urls: [a], columns: {c: {col_type: datetime}}}, w: {name: a, "
                  "fields: {}}}\n",
                  "S2", "in column \"c\" of node \"a\"");
    check_mistake("nodes:\n  a: {type: file_table, r: {urls: [a], separator: ab, columns: {c: {col_type: int}}}, w: "
                  "{name: a, fields: {}}}\n",
                  "S2", "must be a single ASCII character");
    check_mistake("nodes:\n  a: {type: file_table, r: {urls: ['ftp://x'], columns: {c: {col_type: int}}}, w: {name: a, "
                  "fields: {}}}\n",
                  "Q18", "unsupported scheme");
    check_mistake("nodes:\n  a: {type: file_table, r: {urls: ['file://host/x'], columns: {c: {col_type: int}}}, w: {name: "
                  "a, fields: {}}}\n",
                  "Q18", "names another machine");
    check_mistake("nodes:\n  a: {type: file_table, r: {urls: [a], csv: {hdr_line_idx: -1}, columns: {c: {col_type: "
                  "int, csv: {col_hdr: c}}}}, w: {name: a, fields: {}}}\n",
                  "S7", "must not be negative");
    check_mistake(READ_A "  b: {type: table_custom_tfm_table, custom_proc_type: py_calc, p: 5, r: {table: a}, w: "
                         "{name: b, fields: {x: {expression: p.x, type: int}}}}\n",
                  "V9", "p is a whole number; expected a map");
    check_mistake(READ_A "dependency_policies: {p: {rules: [{cmd: gogo, expression: nrs.run_is_current}]}}\n", "S6",
                  "unknown command \"gogo\"");
    check_mistake("", "V9", "the script is empty");
    check_mistake("nodes: {a: null}", "V9", "the node is null");
}

TEST(a_default_value_is_judged_only_where_it_is_used)
{
    load_bed bed = {0};

    load_open(&bed, "s.yaml",
              "nodes:\n  a: {type: file_table, r: {urls: [a], columns: {c: {col_type: int}}}, "
              "w: {name: a, fields: {x: {expression: r.c, type: int, default_value: many}}}}\n");
    load_must(&bed);
    CHECK_INT(bed.diags.count, 1);
    CHECK(strstr(load_words(&bed), "warning: default_value \"many\" is not a whole number"));
    load_close(&bed);
}

TEST(misspelt_settings_are_warned_of)
{
    load_bed bed = {0};

    load_open(&bed, "s.yaml",
              "x-notes: hello\n"
              "nodes:\n  a: {type: file_table, strat_policy: manual, r: {urls: [a], columns: {c: {col_type: int}}}, w: "
              "{name: a, fields: {}}}\n");
    load_must(&bed);
    CHECK_INT(bed.diags.count, 1);
    CHECK(strstr(load_words(&bed), "did you mean \"start_policy\"?"));
    load_close(&bed);
}

TEST(names_that_json_repeats_are_warned_of)
{
    load_bed bed = {0};

    load_open(&bed, "s.json",
              "{\"nodes\": {\"a\": 1, \"a\": {\"type\": \"file_table\", \"r\": {\"urls\": [\"a\"], \"columns\": "
              "{\"c\": {\"col_type\": \"int\"}}},"
              "\"w\": {\"name\": \"x\", \"name\": \"a\"}}}}");
    load_must(&bed);
    CHECK_INT(bed.diags.count, 2);
    CHECK(strstr(load_words(&bed), "\"a\" is there more than once in nodes; the last one counts"));
    CHECK(strstr(load_words(&bed), "\"name\" is there more than once in w; the last one counts"));
    load_close(&bed);
}

TEST(names_that_depend_on_a_wrong_section_are_not_judged)
{
    check_mistake("nodes:\n  a: {type: file_table, r: {urls: [a], columns: 1}, w: {name: a, fields: {x: {expression: "
                  "r.c + r.d, type: int}}}}\n",
                  "V9", "\"columns\" is a whole number");
    check_mistake(READ_A "  b: {type: table_lookup_table, r: {table: a}, l: {index_name: idx_b, join_on: r.x, "
                         "join_type: left, group: true},"
                         " w: {name: b, fields: {x: {expression: sum(l.y), type: int}}}}\n",
                  "V58", "no node makes index \"idx_b\"");
}

TEST(a_separator_of_several_characters_is_for_other_programs)
{
    load_bed bed = {0};

    load_open(&bed, "s.yaml",
              READ_A "  b: {type: table_file, r: {table: a}, w: {url_template: b.csv, csv: {separator: '||'}, "
                     "columns: [{name: x, expression: r.x, type: int, csv: {header: x, format: '%d'}}]}}\n");
    CHECK_INT(bed.status, CAPI_OK);
    CHECK(strstr(load_words(&bed), "warning: separator \"||\" is not a single ASCII character"));
    load_close(&bed);
}

TEST(parquet_files_are_a_mistake_of_programs_that_have_none)
{
    static const char *text =
        "nodes:\n"
        "  a: {type: file_table, r: {urls: [a], columns: {c: {col_type: int, parquet: {col_name: c}}}},\n"
        "      w: {name: a, fields: {x: {expression: r.c, type: int}}}}\n"
        "  b: {type: table_file, r: {table: a}, w: {url_template: b, columns: [\n"
        "      {name: x, expression: r.x, type: int, parquet: {column_name: x}}]}}\n";
    load_bed bed = {0};

    load_open(&bed, "s.yaml", text);
    load_must(&bed);
    load_close(&bed);
    bed.options.refuses_parquet = true;
    load_open(&bed, "s.yaml", text);
    CHECK_INT(bed.status, CAPI_INVALID);
    CHECK_INT(bed.diags.count, 2);
    CHECK(strstr(load_words(&bed), "s.yaml:2:25: error: Parquet files are not available in this build of the program"));
    CHECK(strstr(load_words(&bed), "in r of node \"a\""));
    CHECK(strstr(load_words(&bed), "s.yaml:4:40: error: Parquet files are not available"));
    load_close(&bed);
}
