/* load_file.c - the file that a node writes: its columns, condition, order and target. */
#include "script/loader.h"

enum { TOP_LIMIT_MAX = 5000000 };

/* ---- reading ---- */

static capi_str column_text(const draft_field *column, capi_setting setting, capi_setting old)
{
    const capi_tree *value = capi_settings_either(&column->csv, setting, &column->settings, old);

    return value ? value->string : CAPI_STR("");
}

static capi_str column_header(const draft_field *column)
{
    return column_text(column, CAPI_SET_OUT_HEADER, CAPI_SET_OUT_OLD_HEADER);
}

static capi_str column_format(const draft_field *column)
{
    return column_text(column, CAPI_SET_OUT_FORMAT, CAPI_SET_OUT_OLD_FORMAT);
}

static capi_str column_parquet_name(const draft_field *column)
{
    return capi_settings_string(&column->parquet, CAPI_SET_OUT_PARQUET_NAME);
}

static bool column_is_flat(const draft_field *column)
{
    return capi_settings_value(&column->settings, CAPI_SET_OUT_OLD_HEADER) ||
           capi_settings_value(&column->settings, CAPI_SET_OUT_OLD_FORMAT);
}

/* "column 3 "total"" in messages; columns need no name. */
static void about_column(capi_loader *loader, const draft_node *node, uint32_t number)
{
    capi_str name = node->fields[number].name;

    if (name.bytes)
        capi_loader_about(loader, node, "column \"%.*s\"", CAPI_STR_ARG(name));
    else
        capi_loader_about(loader, node, "column %u", number + 1);
}

static void read_column(capi_loader *loader, draft_node *node, uint32_t number, const capi_tree *tree)
{
    draft_field *column = &node->fields[number];
    const capi_tree *csv;

    *column = (draft_field){.tree = tree};
    about_column(loader, node, number);
    if (tree->kind == CAPI_TREE_NULL) capi_loader_error(loader, "V9", tree, "the column is null");
    capi_settings_read(&loader->report, &loader->source, tree, CAPI_SECTION_WRITER_COLUMN, "the column",
                       &column->settings);
    column->name = capi_settings_string(&column->settings, CAPI_SET_OUT_NAME);
    about_column(loader, node, number);
    csv = capi_settings_value(&column->settings, CAPI_SET_OUT_CSV);
    capi_settings_read(&loader->report, &loader->source, csv, CAPI_SECTION_WRITER_COLUMN_CSV, "csv", &column->csv);
    capi_settings_read(&loader->report, &loader->source, capi_settings_value(&column->settings, CAPI_SET_OUT_PARQUET),
                       CAPI_SECTION_WRITER_COLUMN_PARQUET, "parquet", &column->parquet);
    if (csv && column_is_flat(column))
        capi_loader_error(loader, "V9", csv,
                          "\"header\" or \"format\" stands beside a \"csv\" section; put it into that section");
    column->has_type = column->settings.map &&
                       capi_loader_type(loader, "V38", &column->settings, CAPI_SET_OUT_TYPE, tree, &column->type);
    if (column->name.bytes && !capi_is_identifier(column->name))
        capi_loader_error(
            loader, "S1", capi_settings_value(&column->settings, CAPI_SET_OUT_NAME),
            "column name \"%.*s\" is not an identifier: letters, digits and _, not beginning with a digit",
            CAPI_STR_ARG(column->name));
    if (column->name.bytes && capi_name_list_find(&node->written, column->name))
        capi_loader_error(loader, "S1", capi_settings_value(&column->settings, CAPI_SET_OUT_NAME),
                          "there is another column \"%.*s\"", CAPI_STR_ARG(column->name));
    capi_name_list_add(&node->written, column->name, column->has_type, column->type);
}

static bool writer_is_flat(const draft_node *node)
{
    if (capi_settings_value(&node->writer, CAPI_SET_FILE_OLD_SEPARATOR)) return true;
    for (uint32_t i = 0; i < node->field_count; i++)
        if (column_is_flat(&node->fields[i])) return true;
    return false;
}

/* The first column decides. */
static bool detect_kind(capi_loader *loader, const draft_node *node, capi_file_kind *kind)
{
    const draft_field *first = node->fields;

    if (node->field_count > 0 && (!first->settings.map || capi_settings_is_wrong(&first->settings, CAPI_SET_OUT_CSV) ||
                                  capi_settings_is_wrong(&first->settings, CAPI_SET_OUT_PARQUET) ||
                                  capi_settings_is_wrong(&first->settings, CAPI_SET_OUT_OLD_HEADER) ||
                                  capi_settings_is_wrong(&first->csv, CAPI_SET_OUT_HEADER) ||
                                  capi_settings_is_wrong(&first->parquet, CAPI_SET_OUT_PARQUET_NAME)))
        return false;
    if (node->field_count > 0) {
        *kind = column_parquet_name(first).bytes ? CAPI_FILE_PARQUET : CAPI_FILE_CSV;
        if (*kind == CAPI_FILE_PARQUET || column_header(first).bytes || writer_is_flat(node)) return true;
    }
    capi_loader_error(loader, "V35", node->field_count ? first->tree : capi_loader_key_of(node, "w"),
                      "it cannot be told whether the file is CSV or Parquet; give the first column a csv.header or a "
                      "parquet.column_name");
    return false;
}

static void check_csv_columns(capi_loader *loader, draft_node *node)
{
    for (uint32_t i = 0; i < node->field_count; i++) {
        const draft_field *column = &node->fields[i];
        const capi_tree *value =
            capi_settings_either(&column->csv, CAPI_SET_OUT_FORMAT, &column->settings, CAPI_SET_OUT_OLD_FORMAT);
        capi_str format = column_format(column);
        capi_err err = {0};

        about_column(loader, node, i);
        if (column_parquet_name(column).bytes)
            capi_loader_error(loader, "S7", column->tree, "a Parquet column in a CSV file (the first column is CSV)");
        if (!column->settings.map || !column->has_type || capi_settings_is_wrong(&column->csv, CAPI_SET_OUT_FORMAT) ||
            capi_settings_is_wrong(&column->settings, CAPI_SET_OUT_OLD_FORMAT) ||
            capi_settings_is_wrong(&column->settings, CAPI_SET_OUT_CSV))
            continue;
        if (format.bytes == 0)
            capi_loader_error(loader, "S2", value ? value : column->tree, "\"format\" is missing; for example %s",
                              column->type == CAPI_INT        ? "%d"
                              : column->type == CAPI_FLOAT    ? "%f"
                              : column->type == CAPI_BOOL     ? "%t"
                              : column->type == CAPI_DATETIME ? "2006-01-02 15:04:05"
                                                              : "%s");
        else if (capi_csv_format_check(format, column->type, &err) != CAPI_OK)
            capi_loader_error(loader, "S2", value, "%s", err.text);
    }
}

static void check_parquet_columns(capi_loader *loader, draft_node *node)
{
    capi_map seen;

    capi_map_init(&seen, loader->report.arena);
    for (uint32_t i = 0; i < node->field_count; i++) {
        const draft_field *column = &node->fields[i];
        capi_str name = column_parquet_name(column);

        about_column(loader, node, i);
        if (name.bytes == 0) {
            if (column->settings.map && !capi_settings_is_wrong(&column->settings, CAPI_SET_OUT_PARQUET))
                capi_loader_error(loader, "S7", column->tree,
                                  "\"parquet.column_name\" is missing; the first column makes the file Parquet");
            continue;
        }
        if (capi_map_put(&seen, name, (void *)column))
            capi_loader_error(loader, "S7", capi_settings_value(&column->parquet, CAPI_SET_OUT_PARQUET_NAME),
                              "there is another Parquet column \"%.*s\"", CAPI_STR_ARG(name));
    }
}

static void read_codec(capi_loader *loader, draft_node *node, capi_file_sink *file)
{
    static const char *const known[] = {"gzip", "snappy", "zstd", "lz4", "uncompressed"};
    capi_settings parquet;
    const capi_tree *codec;

    capi_loader_about(loader, node, "w");
    capi_settings_read(&loader->report, &loader->source, capi_settings_value(&node->writer, CAPI_SET_FILE_PARQUET),
                       CAPI_SECTION_PARQUET_WRITER, "w.parquet", &parquet);
    codec = capi_settings_value(&parquet, CAPI_SET_FILE_CODEC);
    file->parquet_codec = CAPI_STR("gzip");
    if (!codec || codec->string.bytes == 0) return;
    file->parquet_codec = codec->string;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (capi_str_is(codec->string, known[i])) return;
    if (file->kind == CAPI_FILE_PARQUET)
        capi_loader_error(loader, "S2", codec,
                          "unknown codec \"%.*s\"; expected gzip, snappy, zstd, lz4 or uncompressed",
                          CAPI_STR_ARG(codec->string));
}

static void read_columns(capi_loader *loader, draft_node *node, capi_file_sink *file)
{
    const capi_tree *list = capi_settings_value(&node->writer, CAPI_SET_FILE_COLUMNS);
    bool is_known;

    node->written.is_unknown = capi_settings_is_wrong(&node->writer, CAPI_SET_FILE_COLUMNS);
    if (node->written.is_unknown) return;
    node->field_count = list ? list->count : 0;
    node->fields = capi_new_array(loader->scratch, draft_field, node->field_count);
    for (uint32_t i = 0; i < node->field_count; i++)
        read_column(loader, node, i, list->items[i]);
    node->written.is_unknown = node->field_count == 0;
    for (uint32_t i = 0; i < node->field_count; i++)
        if (!node->fields[i].settings.map || capi_settings_is_wrong(&node->fields[i].settings, CAPI_SET_OUT_NAME))
            node->written.is_unknown = true;
    capi_loader_about(loader, node, "w");
    is_known = detect_kind(loader, node, &file->kind);
    if (!is_known) return;
    capi_loader_check_kind(loader, node, "w", file->kind);
    if (file->kind == CAPI_FILE_CSV)
        check_csv_columns(loader, node);
    else
        check_parquet_columns(loader, node);
}

static void read_top(capi_loader *loader, draft_node *node, capi_file_sink *file)
{
    const capi_tree *top = capi_settings_value(&node->writer, CAPI_SET_FILE_TOP);
    const capi_order_mistake *mistakes;
    capi_settings settings;
    const capi_tree *order;
    const capi_tree *limit;

    capi_loader_about(loader, node, "w.top");
    capi_settings_read(&loader->report, &loader->source, top, CAPI_SECTION_TOP, "w.top", &settings);
    order = capi_settings_value(&settings, CAPI_SET_TOP_ORDER);
    limit = capi_settings_value(&settings, CAPI_SET_TOP_LIMIT);
    file->top_limit = limit && limit->integer > 0 ? (uint64_t)limit->integer : TOP_LIMIT_MAX;
    if (!order || capi_text_is_blank(order->string)) {
        if (limit) capi_loader_warning(loader, "Q31", limit, "\"limit\" without \"order\" has no effect");
        return;
    }
    if (file->top_limit > TOP_LIMIT_MAX)
        capi_loader_error(loader, "V39", limit, "limit %lld is more than %d", (long long)limit->integer, TOP_LIMIT_MAX);
    if (node->written.is_unknown) return;
    file->has_top = capi_order_read(loader->arena, order->string, &node->written, &file->top_order, &mistakes);
    capi_loader_order_mistakes(loader, &loader->source, "V40", order, mistakes);
}

static void read_url(capi_loader *loader, draft_node *node, capi_file_sink *file)
{
    const capi_tree *url = capi_settings_value(&node->writer, CAPI_SET_FILE_URL);

    if (capi_settings_is_wrong(&node->writer, CAPI_SET_FILE_URL)) return;
    if (!url || url->string.bytes == 0) {
        capi_loader_error(loader, "S2", url ? url : capi_loader_key_of(node, "w"),
                          "\"url_template\" must say where to write");
        return;
    }
    file->url_template = url->string;
    capi_loader_check_url(loader, url, true);
    if (node->node->batches_total > 1 && capi_str_find(url->string, CAPI_STR("{batch_idx|string}")) < 0)
        capi_loader_error(loader, "Q29", url,
                          "%u batches would all write this one file; put {batch_idx} into the name, or set "
                          "expected_batches_total to 1",
                          node->node->batches_total);
}

/* What stands between values must not be what quotes them, or ends the line: no reader could tell. */
static void check_separator(capi_loader *loader, const draft_node *node)
{
    const capi_tree *separator =
        capi_settings_either(&node->reader_csv, CAPI_SET_FILE_SEPARATOR, &node->writer, CAPI_SET_FILE_OLD_SEPARATOR);
    capi_str text = separator ? separator->string : (capi_str){0};

    if (text.bytes == 0) return;
    for (size_t i = 0; i < text.bytes; i++)
        if (text.data[i] == 0 || strchr("\"\r\n", text.data[i])) {
            capi_loader_error(loader, "S2", separator,
                              "a separator must not hold a quote, a line end or a NUL byte: no reader could tell the "
                              "values apart");
            return;
        }
    if (text.bytes > 1 || (unsigned char)text.data[0] >= 0x80)
        capi_loader_warning(
            loader, "S2", separator,
            "separator \"%.*s\" is not a single ASCII character: no node of a script can read the file%s",
            CAPI_STR_ARG(text), capi_str_is(text, "\\t") ? "; a tab is written \"\\t\" in double quotes" : "");
}

void capi_load_file_read(capi_loader *loader, draft_node *node)
{
    const capi_tree *writer = capi_settings_value(&node->settings, CAPI_SET_NODE_WRITER);
    capi_file_sink *file = capi_new(loader->arena, capi_file_sink);
    const capi_tree *csv;

    node->node->file = file;
    if (!writer) {
        if (!capi_settings_is_wrong(&node->settings, CAPI_SET_NODE_WRITER))
            capi_loader_error(loader, "V21", node->key, "the writer \"w\" is missing");
        node->written.is_unknown = true;
        return;
    }
    capi_loader_about(loader, node, "w");
    capi_settings_read(&loader->report, &loader->source, writer, CAPI_SECTION_FILE_WRITER, "w", &node->writer);
    csv = capi_settings_value(&node->writer, CAPI_SET_FILE_CSV);
    capi_settings_read(&loader->report, &loader->source, csv, CAPI_SECTION_CSV_WRITER, "w.csv", &node->reader_csv);
    if (csv && capi_settings_value(&node->writer, CAPI_SET_FILE_OLD_SEPARATOR))
        capi_loader_error(loader, "V9", csv, "\"separator\" stands beside a \"csv\" section; put it into that section");
    check_separator(loader, node);
    read_url(loader, node, file);
    read_columns(loader, node, file);
    read_codec(loader, node, file);
    read_top(loader, node, file);
}

/* ---- expressions ---- */

static void check_column(capi_loader *loader, draft_node *node, uint32_t number)
{
    static const capi_expression_rules rules = {"V37", "V73", "V80", "S3"};
    draft_field *column = &node->fields[number];
    const capi_tree *value = capi_settings_value(&column->settings, CAPI_SET_OUT_EXPRESSION);
    capi_name_scope scope = {.slots = &node->slots};
    capi_expression_place place;

    about_column(loader, node, number);
    if (!column->settings.map || capi_settings_is_wrong(&column->settings, CAPI_SET_OUT_EXPRESSION)) return;
    if (!value) {
        capi_loader_error(loader, "S3", column->tree, "the \"expression\" is missing");
        return;
    }
    capi_name_scope_add(&scope, "r", node->readable, true, CAPI_SIDE_READER);
    capi_name_scope_add(&scope, "w", &node->written, false, CAPI_SIDE_WRITER);
    place = capi_loader_place(loader, value, &rules);
    place.aggregate_hint = "only lookups with \"group\": true aggregate";
    capi_expression_load(loader->arena, &place, &scope, column->has_type ? &column->type : NULL, "the column",
                         &column->expr);
}

static void check_having(capi_loader *loader, draft_node *node)
{
    static const capi_expression_rules rules = {"V36", "V72", "V79", "V79"};
    const capi_tree *value = capi_settings_value(&node->writer, CAPI_SET_FILE_HAVING);
    capi_name_scope scope = {0};
    capi_expression_place place;
    capi_type wanted = CAPI_BOOL;

    if (!value || capi_text_is_blank(value->string)) return;
    capi_loader_about(loader, node, "having");
    capi_name_scope_add(&scope, "w", &node->written, true, CAPI_SIDE_WRITER);
    capi_name_scope_add(&scope, "r", node->readable, false, CAPI_SIDE_READER);
    place = capi_loader_place(loader, value, &rules);
    capi_expression_load(loader->arena, &place, &scope, &wanted, "\"having\"", &node->having);
}

void capi_load_file_check(capi_loader *loader, draft_node *node)
{
    for (uint32_t i = 0; i < node->field_count; i++)
        check_column(loader, node, i);
    check_having(loader, node);
}

/* ---- programs ---- */

static void build_csv(capi_loader *loader, draft_node *node, capi_file_sink *file)
{
    capi_csv_out_column *columns = capi_new_array(loader->arena, capi_csv_out_column, node->field_count);
    const capi_tree *separator =
        capi_settings_either(&node->reader_csv, CAPI_SET_FILE_SEPARATOR, &node->writer, CAPI_SET_FILE_OLD_SEPARATOR);
    capi_err err = {0};

    for (uint32_t i = 0; i < node->field_count; i++)
        columns[i] = (capi_csv_out_column){file->columns[i].header, file->columns[i].format, file->columns[i].type};
    if (capi_csv_writer_new(loader->arena, separator && separator->string.bytes ? separator->string : CAPI_STR(","),
                            columns, node->field_count, &file->csv, &err) != CAPI_OK) {
        capi_loader_about(loader, node, "w");
        capi_loader_error(loader, "S2", separator ? separator : node->key, "%s", err.text);
    }
}

void capi_load_file_build(capi_loader *loader, draft_node *node)
{
    capi_file_sink *file = (capi_file_sink *)node->node->file;
    capi_file_column *columns = capi_new_array(loader->arena, capi_file_column, node->field_count);
    capi_program *program = capi_program_new(loader->arena);

    for (uint32_t i = 0; i < node->field_count; i++) {
        const draft_field *column = &node->fields[i];

        columns[i] = (capi_file_column){
            .name = column->name,
            .type = column->type,
            .expr = column->expr,
            .output = capi_program_add(program, column->expr),
            .header = column_header(column),
            .format = column_format(column),
            .parquet_name = column_parquet_name(column),
        };
    }
    file->columns = columns;
    file->column_count = node->field_count;
    file->having = node->having;
    node->node->program = program;
    if (file->kind == CAPI_FILE_CSV) build_csv(loader, node, file);
    if (node->having) {
        capi_program *having = capi_program_new(loader->arena);

        capi_program_add(having, node->having);
        file->having_program = having;
    }
}
