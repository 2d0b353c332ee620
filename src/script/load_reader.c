/* load_reader.c - where a node's rows come from: columns of files, or a table. */
#include "script/loader.h"

/* ---- file_table ---- */

typedef struct column_draft {
    capi_settings settings, csv, parquet;
    const capi_tree *key, *tree;
    capi_str header, parquet_name;
    const capi_tree *index, *format;
    bool is_flat;   /* 1.1.6: settings stand directly in the column */
    bool is_broken; /* where the column is in the file cannot be told */
} column_draft;

static void report_both_forms(capi_loader *loader, const capi_tree *at, const char *flat)
{
    capi_loader_error(loader, "V9", at, "\"%s\" stands beside a \"csv\" section; put it into that section", flat);
}

static void read_column_forms(capi_loader *loader, column_draft *column)
{
    const capi_tree *csv = capi_settings_value(&column->settings, CAPI_SET_COLUMN_CSV);
    const capi_tree *parquet = capi_settings_value(&column->settings, CAPI_SET_COLUMN_PARQUET);
    const capi_tree *header;
    static const capi_setting flat[] = {CAPI_SET_COLUMN_OLD_HEADER, CAPI_SET_COLUMN_OLD_INDEX,
                                        CAPI_SET_COLUMN_OLD_FORMAT};

    capi_settings_read(&loader->report, &loader->source, csv, CAPI_SECTION_READER_COLUMN_CSV, "csv", &column->csv);
    capi_settings_read(&loader->report, &loader->source, parquet, CAPI_SECTION_READER_COLUMN_PARQUET, "parquet",
                       &column->parquet);
    for (size_t i = 0; i < 3; i++) {
        const capi_tree *value = capi_settings_value(&column->settings, flat[i]);

        if (!value) continue;
        column->is_flat = true;
        if (csv) report_both_forms(loader, value, capi_setting_infos[flat[i]].name);
    }
    header = capi_settings_either(&column->csv, CAPI_SET_COLUMN_HEADER, &column->settings, CAPI_SET_COLUMN_OLD_HEADER);
    if (header) column->header = header->string;
    column->index =
        capi_settings_either(&column->csv, CAPI_SET_COLUMN_INDEX, &column->settings, CAPI_SET_COLUMN_OLD_INDEX);
    column->format =
        capi_settings_either(&column->csv, CAPI_SET_COLUMN_FORMAT, &column->settings, CAPI_SET_COLUMN_OLD_FORMAT);
    column->parquet_name = capi_settings_string(&column->parquet, CAPI_SET_COLUMN_PARQUET_NAME);
    column->is_broken = !column->settings.map || capi_settings_is_wrong(&column->settings, CAPI_SET_COLUMN_CSV) ||
                        capi_settings_is_wrong(&column->settings, CAPI_SET_COLUMN_PARQUET) ||
                        capi_settings_is_wrong(&column->settings, CAPI_SET_COLUMN_OLD_HEADER) ||
                        capi_settings_is_wrong(&column->settings, CAPI_SET_COLUMN_OLD_INDEX) ||
                        capi_settings_is_wrong(&column->settings, CAPI_SET_COLUMN_OLD_FORMAT) ||
                        capi_settings_is_wrong(&column->csv, CAPI_SET_COLUMN_HEADER) ||
                        capi_settings_is_wrong(&column->csv, CAPI_SET_COLUMN_INDEX) ||
                        capi_settings_is_wrong(&column->csv, CAPI_SET_COLUMN_FORMAT) ||
                        capi_settings_is_wrong(&column->parquet, CAPI_SET_COLUMN_PARQUET_NAME);
}

static void warn_odd_name(capi_loader *loader, const capi_tree *key)
{
    if (capi_is_identifier(key->string)) return;
    capi_loader_warning(loader, "S1", key, "column name \"%.*s\" is not an identifier, so nothing can refer to it",
                        CAPI_STR_ARG(key->string));
}

static void read_column(capi_loader *loader, draft_node *node, const capi_tree_member *member, column_draft *column)
{
    capi_type type = CAPI_STRING;
    bool has_type;

    capi_loader_about(loader, node, "column \"%.*s\"", CAPI_STR_ARG(member->key->string));
    *column = (column_draft){.key = member->key, .tree = member->value};
    warn_odd_name(loader, member->key);
    if (member->value->kind == CAPI_TREE_NULL) capi_loader_error(loader, "V9", member->key, "the column is null");
    capi_settings_read(&loader->report, &loader->source, member->value, CAPI_SECTION_READER_COLUMN, "the column",
                       &column->settings);
    read_column_forms(loader, column);
    has_type = column->settings.map &&
               capi_loader_type(loader, "S2", &column->settings, CAPI_SET_COLUMN_TYPE, member->key, &type);
    capi_name_list_add(&node->columns, member->key->string, has_type, type);
}

static bool reader_is_flat(const draft_node *node, const column_draft *columns, uint32_t count)
{
    if (capi_settings_value(&node->reader, CAPI_SET_READER_OLD_HEADER_LINE) ||
        capi_settings_value(&node->reader, CAPI_SET_READER_OLD_FIRST_LINE) ||
        capi_settings_value(&node->reader, CAPI_SET_READER_OLD_SEPARATOR))
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (columns[i].is_flat) return true;
    return false;
}

/* Parquet if columns have Parquet names; CSV if something says where a column is, or there is just one. */
static bool detect_kind(capi_loader *loader, draft_node *node, const column_draft *columns, uint32_t count,
                        capi_file_kind *kind)
{
    uint32_t parquet_count = 0;
    uint32_t whole_count = 0;
    bool is_csv = count == 1 || (reader_is_flat(node, columns, count) && count > 0);

    for (uint32_t i = 0; i < count; i++) {
        if (columns[i].is_broken) continue;
        whole_count++;
        parquet_count += columns[i].parquet_name.bytes > 0;
        is_csv |= columns[i].header.bytes > 0 || (columns[i].index && columns[i].index->integer > 0);
    }
    *kind = parquet_count * 2 > whole_count ? CAPI_FILE_PARQUET : CAPI_FILE_CSV;
    if (parquet_count * 2 == whole_count && !is_csv) *kind = CAPI_FILE_PARQUET;
    if (parquet_count == 0 && whole_count < count && (!is_csv || whole_count == 0)) return false;
    if (parquet_count == 0 && !is_csv) {
        capi_loader_error(loader, "V18", capi_loader_key_of(node, "r"),
                          "it cannot be told whether the files are CSV or Parquet; give columns with csv.col_hdr, "
                          "csv.col_idx or parquet.col_name");
        return false;
    }
    if (parquet_count == 0 || parquet_count == whole_count) return true;
    for (uint32_t i = 0; i < count; i++) {
        bool is_parquet = columns[i].parquet_name.bytes > 0;

        if (columns[i].is_broken || is_parquet == (*kind == CAPI_FILE_PARQUET)) continue;
        capi_loader_about(loader, node, "column \"%.*s\"", CAPI_STR_ARG(columns[i].key->string));
        capi_loader_error(loader, "S7", columns[i].key,
                          "%u of %u columns are %s, this one is %s; a file is all CSV or all Parquet",
                          is_parquet ? whole_count - parquet_count : parquet_count, whole_count,
                          is_parquet ? "CSV" : "Parquet", is_parquet ? "Parquet" : "CSV");
    }
    return false;
}

/* By header or by index, but all the same way. */
static void check_addressing(capi_loader *loader, draft_node *node, const column_draft *columns, uint32_t count)
{
    uint32_t by_header = 0;
    uint32_t whole_count = 0;
    const column_draft *other = NULL;

    for (uint32_t i = 0; i < count; i++) {
        const column_draft *column = &columns[i];

        if (column->is_broken) continue;
        whole_count++;
        by_header += column->header.bytes > 0;
        if (column->header.bytes) continue;
        if (!other) other = column;
        capi_loader_about(loader, node, "column \"%.*s\"", CAPI_STR_ARG(column->key->string));
        if (column->index && column->index->integer < 0)
            capi_loader_error(loader, "V19", column->index, "column index %lld is negative; indexes begin with 0",
                              (long long)column->index->integer);
    }
    if (by_header == 0 || !other) return;
    capi_loader_about(loader, node, "column \"%.*s\"", CAPI_STR_ARG(other->key->string));
    capi_loader_error(loader, "V20", other->index ? other->index : other->key,
                      "%u of %u columns are found by header, this one by index; give all a col_hdr, or none", by_header,
                      whole_count);
}

static void read_separator(capi_loader *loader, draft_node *node, capi_csv_options *csv)
{
    const capi_tree *separator =
        capi_settings_either(&node->reader_csv, CAPI_SET_CSV_SEPARATOR, &node->reader, CAPI_SET_READER_OLD_SEPARATOR);

    csv->separator = ',';
    if (!separator || separator->string.bytes == 0) return;
    csv->separator = separator->string.data[0];
    if (separator->string.bytes == 1 && (unsigned char)csv->separator < 0x80 && csv->separator) return;
    capi_loader_error(loader, "S2", separator, "separator \"%.*s\" must be a single ASCII character%s",
                      CAPI_STR_ARG(separator->string),
                      capi_str_is(separator->string, "\\t") ? "; a tab is written \"\\t\" in double quotes" : "");
}

static int64_t line_index(const capi_tree *value)
{
    return value ? value->integer : 0;
}

static void read_csv_lines(capi_loader *loader, draft_node *node, bool has_headers, capi_csv_options *csv)
{
    const capi_tree *header = capi_settings_either(&node->reader_csv, CAPI_SET_CSV_HEADER_LINE, &node->reader,
                                                   CAPI_SET_READER_OLD_HEADER_LINE);
    const capi_tree *first =
        capi_settings_either(&node->reader_csv, CAPI_SET_CSV_FIRST_LINE, &node->reader, CAPI_SET_READER_OLD_FIRST_LINE);

    csv->header_line = line_index(header);
    csv->first_data_line = line_index(first) < 0 ? 0 : line_index(first);
    if (has_headers && csv->header_line < 0)
        capi_loader_error(loader, "S7", header,
                          "columns are found by header, so hdr_line_idx %lld must not be negative",
                          (long long)csv->header_line);
    else if (csv->header_line < 0)
        csv->header_line = 0;
}

static void fill_csv_column(const draft_node *node, const column_draft *column, uint32_t number, capi_csv_column *out)
{
    const capi_name *name = &node->columns.items[number];
    const capi_tree *fallback = capi_settings_value(&column->settings, CAPI_SET_COLUMN_DEFAULT);

    *out = (capi_csv_column){.name = name->name, .header = column->header, .type = name->type, .is_needed = true};
    if (column->index && column->header.bytes == 0)
        out->index = column->index->integer < 0            ? 0
                     : column->index->integer < UINT32_MAX ? (uint32_t)column->index->integer
                                                           : UINT32_MAX - 1;
    if (column->format) out->format = column->format->string;
    out->has_default = fallback != NULL;
    if (fallback) out->default_text = fallback->string;
}

/* Formats and defaults, column by column so that each mistake has its place. */
static void check_csv_column(capi_loader *loader, draft_node *node, const column_draft *column,
                             const capi_csv_column *csv, const capi_csv_options *options)
{
    capi_csv_options single = *options;
    capi_csv_column alone = *csv;
    const capi_tree *fallback = capi_settings_value(&column->settings, CAPI_SET_COLUMN_DEFAULT);
    capi_err err = {0};

    single.columns = &alone;
    single.column_count = 1;
    single.header_line = 0;
    capi_loader_about(loader, node, "column \"%.*s\"", CAPI_STR_ARG(column->key->string));
    alone.has_default = false;
    if (capi_csv_options_check(&single, &err) != CAPI_OK) {
        capi_loader_error(loader, "S2", column->format ? column->format : column->key, "%s", err.text);
        return;
    }
    if (!fallback) return;
    alone.has_default = true;
    if (capi_csv_options_check(&single, &err) != CAPI_OK) capi_loader_error(loader, "S2", fallback, "%s", err.text);
}

static void read_csv(capi_loader *loader, draft_node *node, const column_draft *columns, uint32_t count)
{
    capi_csv_options *csv = &node->node->source.csv;
    bool has_headers = false;

    for (uint32_t i = 0; i < count; i++)
        has_headers |= columns[i].header.bytes > 0;
    check_addressing(loader, node, columns, count);
    capi_loader_about(loader, node, "r");
    read_separator(loader, node, csv);
    read_csv_lines(loader, node, has_headers, csv);
    node->csv_columns = capi_new_array(loader->arena, capi_csv_column, count);
    csv->columns = node->csv_columns;
    csv->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        fill_csv_column(node, &columns[i], i, &node->csv_columns[i]);
        if (node->columns.items[i].has_type && !columns[i].is_broken)
            check_csv_column(loader, node, &columns[i], &node->csv_columns[i], csv);
    }
}

static void read_parquet(capi_loader *loader, draft_node *node, const column_draft *columns, uint32_t count)
{
    capi_csv_options *csv = &node->node->source.csv;
    capi_str *names = capi_new_array(loader->arena, capi_str, count);

    csv->separator = ',';
    node->csv_columns = capi_new_array(loader->arena, capi_csv_column, count);
    csv->columns = node->csv_columns;
    csv->column_count = count;
    node->node->source.parquet_names = names;
    for (uint32_t i = 0; i < count; i++) {
        fill_csv_column(node, &columns[i], i, &node->csv_columns[i]);
        names[i] = columns[i].parquet_name;
    }
}

static void read_flat_forms(capi_loader *loader, draft_node *node)
{
    static const capi_setting flat[] = {CAPI_SET_READER_OLD_HEADER_LINE, CAPI_SET_READER_OLD_FIRST_LINE,
                                        CAPI_SET_READER_OLD_SEPARATOR};
    const capi_tree *csv = capi_settings_value(&node->reader, CAPI_SET_READER_CSV);

    capi_settings_read(&loader->report, &loader->source, csv, CAPI_SECTION_CSV_READER, "r.csv", &node->reader_csv);
    for (size_t i = 0; csv && i < 3; i++)
        if (capi_settings_value(&node->reader, flat[i]))
            report_both_forms(loader, capi_settings_value(&node->reader, flat[i]), capi_setting_infos[flat[i]].name);
}

static void read_columns(capi_loader *loader, draft_node *node)
{
    const capi_tree *map = capi_settings_value(&node->reader, CAPI_SET_READER_COLUMNS);
    uint32_t count = map ? map->count : 0;
    column_draft *columns = capi_new_array(loader->scratch, column_draft, count);
    capi_file_kind kind;

    node->columns.is_unknown = capi_settings_is_wrong(&node->reader, CAPI_SET_READER_COLUMNS);
    if (node->columns.is_unknown) return;
    for (uint32_t i = 0; i < count; i++)
        read_column(loader, node, &map->members[i], &columns[i]);
    capi_loader_about(loader, node, "r");
    if (!detect_kind(loader, node, columns, count, &kind)) {
        node->columns.is_unknown = count == 0;
        return;
    }
    node->node->source.kind = kind;
    capi_loader_check_kind(loader, node, "r", kind);
    if (kind == CAPI_FILE_CSV)
        read_csv(loader, node, columns, count);
    else
        read_parquet(loader, node, columns, count);
}

typedef struct url_list {
    capi_str *items;
    uint32_t count, capacity;
} url_list;

static void add_urls(capi_loader *loader, url_list *list, const capi_str *urls, uint32_t count)
{
    if (count > list->capacity - list->count) {
        capi_str *items;

        list->capacity = 2 * list->capacity + count;
        items = capi_new_array(loader->arena, capi_str, list->capacity);
        memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
    }
    memcpy(list->items + list->count, urls, count * sizeof *urls);
    list->count += count;
}

static void read_urls(capi_loader *loader, draft_node *node)
{
    const capi_tree *urls = capi_settings_value(&node->reader, CAPI_SET_READER_URLS);
    const capi_load_options *options = loader->options;
    url_list list = {0};

    if (capi_settings_is_wrong(&node->reader, CAPI_SET_READER_URLS)) return;
    if (!urls || urls->count == 0) {
        capi_loader_error(loader, "V17", urls ? urls : capi_loader_key_of(node, "r"),
                          "\"urls\" must hold at least one file");
        return;
    }
    list = (url_list){.items = capi_new_array(loader->arena, capi_str, urls->count), .capacity = urls->count};
    for (uint32_t i = 0; i < urls->count; i++) {
        const capi_str *items = &urls->items[i]->string;
        uint32_t count = 1;

        capi_loader_check_url(loader, urls->items[i], false);
        if (options->expand) options->expand(options->fetch_context, *items, loader->arena, &items, &count);
        add_urls(loader, &list, items, count);
    }
    node->node->source.urls = list.items;
    node->node->source.url_count = list.count;
    node->node->batches_total = list.count;
}

/* ---- tables ---- */

enum { BATCHES_MAX = 1000000, ROWSET_MAX = 100000, ROWSET_DEFAULT = 1000 };

static void read_range(capi_loader *loader, const draft_node *node, capi_setting setting, const char *rule, int64_t max,
                       uint32_t fallback, uint32_t *out)
{
    const capi_tree *value = capi_settings_value(&node->reader, setting);

    *out = fallback;
    if (!value || value->integer == 0) return;
    if (value->integer < 0 || value->integer > max) {
        capi_loader_error(loader, rule, value, "%s is %lld; expected 0 to %lld (absent or 0: %u)",
                          capi_setting_infos[setting].name, (long long)value->integer, (long long)max, fallback);
        return;
    }
    *out = (uint32_t)value->integer;
}

static void read_table(capi_loader *loader, draft_node *node)
{
    capi_node *made = node->node;

    made->source_table = capi_settings_string(&node->reader, CAPI_SET_READER_TABLE);
    if (made->source_table.bytes == 0 && !capi_settings_is_wrong(&node->reader, CAPI_SET_READER_TABLE)) {
        const capi_tree *value = capi_settings_value(&node->reader, CAPI_SET_READER_TABLE);

        capi_loader_error(loader, "V14", value ? value : capi_loader_key_of(node, "r"),
                          "\"table\" must name the table to read");
    }
    read_range(loader, node, CAPI_SET_READER_BATCHES, "V15", BATCHES_MAX, 1, &made->batches_total);
    read_range(loader, node, CAPI_SET_READER_ROWSET, "V16", ROWSET_MAX, ROWSET_DEFAULT, &made->rowset_size);
}

void capi_load_reader_read(capi_loader *loader, draft_node *node)
{
    const capi_tree *reader = capi_settings_value(&node->settings, CAPI_SET_NODE_READER);
    bool is_file = node->node->type == CAPI_NODE_FILE_TABLE;

    capi_name_list_init(&node->columns, loader->scratch);
    node->node->batches_total = 1;
    node->node->rowset_size = ROWSET_DEFAULT;
    if (!reader) {
        if (!capi_settings_is_wrong(&node->settings, CAPI_SET_NODE_READER))
            capi_loader_error(loader, "V13", node->key, "the reader \"r\" is missing");
        node->columns.is_unknown = true;
        return;
    }
    capi_loader_about(loader, node, "r");
    capi_settings_read(&loader->report, &loader->source, reader,
                       is_file ? CAPI_SECTION_FILE_READER : CAPI_SECTION_TABLE_READER, "r", &node->reader);
    if (is_file) {
        read_flat_forms(loader, node);
        read_urls(loader, node);
        read_columns(loader, node);
    } else {
        read_table(loader, node);
    }
}

static void report_unknown_table(capi_loader *loader, const draft_node *node)
{
    capi_str wrong = node->node->source_table;
    capi_str *tables;
    uint32_t count = 0;
    capi_str hint;

    if (loader->has_nameless_table || capi_map_get(&loader->broken_tables, wrong)) return;
    if (!capi_report_may_hint(&loader->report)) {
        capi_loader_error(loader, "V57", capi_settings_value(&node->reader, CAPI_SET_READER_TABLE),
                          "no node makes table \"%.*s\"", CAPI_STR_ARG(wrong));
        return;
    }
    tables = capi_new_array(loader->scratch, capi_str, loader->node_count);
    for (uint32_t i = 0; i < loader->node_by_table.count; i++)
        tables[count++] = loader->node_by_table.entries[i].name;
    hint = capi_did_you_mean(loader->scratch, wrong, tables, count);
    if (hint.bytes == 0)
        hint = capi_str_format(loader->scratch, "; tables of this script are %.*s",
                               CAPI_STR_ARG(capi_words_join(loader->scratch, tables, count, false)));
    capi_loader_error(loader, "V57", capi_settings_value(&node->reader, CAPI_SET_READER_TABLE),
                      "no node makes table \"%.*s\"%.*s", CAPI_STR_ARG(wrong), CAPI_STR_ARG(hint));
}

void capi_load_reader_check(capi_loader *loader, draft_node *node)
{
    if (node->node->type == CAPI_NODE_FILE_TABLE) {
        node->readable = &node->columns;
        return;
    }
    node->readable = &loader->unknown;
    if (node->node->source_table.bytes == 0) return;
    capi_loader_about(loader, node, "r");
    node->source = capi_map_get(&loader->node_by_table, node->node->source_table);
    if (!node->source) {
        report_unknown_table(loader, node);
        return;
    }
    node->readable = &node->source->written;
    node->node->reader = node->source->node;
}

void capi_load_reader_build(draft_node *node)
{
    for (uint32_t i = 0; i < node->node->source.csv.column_count; i++)
        node->csv_columns[i].is_needed = false;
    for (uint32_t i = 0; i < node->slots.count; i++)
        if (node->slots.items[i].side == CAPI_SIDE_READER && node->node->type == CAPI_NODE_FILE_TABLE)
            node->csv_columns[node->slots.items[i].column].is_needed = true;
}
