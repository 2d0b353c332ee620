/* proto_script.c - puts a script together for the columns of a sample. */
#include "cmd/proto_script.h"

#include "cmd/yaml_text.h"

#include <stdlib.h>

enum { PROTO_TABLE_BYTES_MAX = 42 };

typedef struct proto_work {
    capi_proto_sample *sample;
    const capi_proto_style *style;
} proto_work;

/* Columns can be found by header only if each has one of its own. */
static bool headers_are_unique(const capi_proto_sample *sample)
{
    for (uint32_t i = 0; i < sample->column_count; i++) {
        if (sample->columns[i].header.bytes == 0) return false;
        for (uint32_t j = 0; j < i; j++)
            if (capi_str_equal(sample->columns[i].header, sample->columns[j].header)) return false;
    }
    return true;
}

/* The reference writes in a form of its own; ours is that in which the values came. */
static const char *writer_format(const capi_proto_column *column, bool is_reference)
{
    switch (column->type) {
    case CAPI_PROTO_INT: return "%d";
    case CAPI_PROTO_FLOAT: return is_reference ? "%.3f" : "%v";
    case CAPI_PROTO_BOOL: return "%t";
    case CAPI_PROTO_DATETIME: return is_reference ? "2006-01-02 15:04:05" : column->layout;
    case CAPI_PROTO_DECIMAL:
    case CAPI_PROTO_NONE:
    case CAPI_PROTO_STRING: return "%s";
    }
    return "%s";
}

static json_t *json_text(capi_str text)
{
    return json_stringn(text.data ? text.data : "", text.bytes);
}

static json_t *json_reference(capi_arena *arena, capi_str name)
{
    return json_text(capi_str_format(arena, "r.%.*s", CAPI_STR_ARG(name)));
}

/* ---- order of columns ---- */

static int compare_columns(const void *a, const void *b)
{
    const capi_proto_column *left = *(const capi_proto_column *const *)a;
    const capi_proto_column *right = *(const capi_proto_column *const *)b;

    return capi_str_compare(left->column, right->column);
}

static int compare_fields(const void *a, const void *b)
{
    const capi_proto_column *left = *(const capi_proto_column *const *)a;
    const capi_proto_column *right = *(const capi_proto_column *const *)b;

    return capi_str_compare(left->field, right->field);
}

/* As in the file; the reference sorts maps by their keys. */
static const capi_proto_column **ordered(const proto_work *work, int (*compare)(const void *a, const void *b))
{
    capi_proto_sample *sample = work->sample;
    const capi_proto_column **order =
        capi_new_array(&sample->arena, const capi_proto_column *, sample->column_count + 1);

    for (uint32_t i = 0; i < sample->column_count; i++)
        order[i] = &sample->columns[i];
    if (work->style->is_reference) qsort(order, sample->column_count, sizeof *order, compare);
    return order;
}

/* ---- reader, table, writer ---- */

static json_t *reader_column(const proto_work *work, const capi_proto_column *column, bool by_header)
{
    json_t *place = json_object();
    json_t *json = json_object();
    const char *format = work->sample->is_parquet ? NULL : capi_proto_reader_format(column);

    json_object_set_new(json, "col_type", json_string(capi_type_name(capi_proto_script_type(column->type))));
    if (work->sample->is_parquet)
        json_object_set_new(place, "col_name", json_text(column->header));
    else if (by_header)
        json_object_set_new(place, "col_hdr", json_text(column->header));
    else
        json_object_set_new(place, "col_idx", json_integer(column - work->sample->columns));
    if (format) json_object_set_new(place, "col_format", json_string(format));
    json_object_set_new(json, work->sample->is_parquet ? "parquet" : "csv", place);
    return json;
}

static json_t *make_separator(const proto_work *work)
{
    return json_stringn(&work->sample->csv.separator, 1);
}

static json_t *make_reader(const proto_work *work)
{
    const capi_proto_sample *sample = work->sample;
    const capi_proto_column **order = ordered(work, compare_columns);
    bool by_header = sample->has_header && headers_are_unique(sample);
    json_t *columns = json_object();
    json_t *reader = json_object();
    json_t *urls = json_array();

    json_array_append_new(urls, json_text(work->style->source));
    json_object_set_new(reader, "urls", urls);
    if (!sample->is_parquet) {
        json_t *csv = json_object();

        json_object_set_new(csv, "hdr_line_idx", json_integer(sample->has_header ? sample->csv.header_record : -1));
        json_object_set_new(csv, "first_data_line_idx", json_integer(sample->csv.first_record));
        json_object_set_new(csv, "separator", make_separator(work));
        json_object_set_new(reader, "csv", csv);
    }
    for (uint32_t i = 0; i < sample->column_count; i++)
        json_object_set_new(columns, order[i]->column.data, reader_column(work, order[i], by_header));
    json_object_set_new(reader, "columns", columns);
    return reader;
}

static json_t *table_field(const capi_proto_column *column, capi_arena *arena)
{
    json_t *json = json_object();

    json_object_set_new(json, "expression", json_reference(arena, column->column));
    json_object_set_new(json, "type", json_string(capi_type_name(capi_proto_script_type(column->type))));
    return json;
}

static json_t *make_table(const proto_work *work)
{
    const capi_proto_column **order = ordered(work, compare_fields);
    capi_arena *arena = &work->sample->arena;
    json_t *fields = json_object();
    json_t *json = json_object();

    for (uint32_t i = 0; i < work->sample->column_count; i++)
        json_object_set_new(fields, capi_str_copy(arena, order[i]->field).data, table_field(order[i], arena));
    json_object_set_new(json, "name", json_text(work->style->table));
    if (work->style->is_reference) json_object_set_new(json, "table_options", json_string(""));
    json_object_set_new(json, "fields", fields);
    return json;
}

static json_t *writer_column(const proto_work *work, const capi_proto_column *column)
{
    json_t *place = json_object();
    json_t *json = json_object();
    json_t *header = json_text(column->header.bytes ? column->header : column->field);

    json_object_set_new(json, "expression", json_reference(&work->sample->arena, column->field));
    json_object_set_new(json, "name", json_text(column->column));
    json_object_set_new(json, "type", json_string(capi_type_name(capi_proto_script_type(column->type))));
    if (work->sample->is_parquet) {
        json_object_set_new(place, "column_name", header);
        json_object_set_new(json, "parquet", place);
    } else {
        json_object_set_new(place, "format", json_string(writer_format(column, work->style->is_reference)));
        json_object_set_new(place, "header", header);
        json_object_set_new(json, "csv", place);
    }
    return json;
}

static json_t *make_writer(const proto_work *work)
{
    json_t *columns = json_array();
    json_t *settings = json_object();
    json_t *json = json_object();

    for (uint32_t i = 0; i < work->sample->column_count; i++)
        json_array_append_new(columns, writer_column(work, &work->sample->columns[i]));
    json_object_set_new(json, "url_template", json_text(work->style->target));
    if (work->sample->is_parquet)
        json_object_set_new(settings, "codec", json_string("gzip"));
    else
        json_object_set_new(settings, "separator", make_separator(work));
    json_object_set_new(json, work->sample->is_parquet ? "parquet" : "csv", settings);
    json_object_set_new(json, "columns", columns);
    return json;
}

/* The stock policy: condition on the run, its status and the node's. */
static json_t *make_policies(void)
{
#define PROTO_CURRENT "nrs.run_is_current == true && "
#define PROTO_OTHER "nrs.run_is_current == false && "
#define PROTO_STARTED "nrs.run_status == wfmodel.RunStart && "
#define PROTO_BEFORE_END "(nrs.run_status == wfmodel.RunStart || nrs.run_status == wfmodel.RunNone) && "
#define PROTO_COMPLETE "nrs.run_status == wfmodel.RunComplete && "
    static const struct {
        const char *command, *expression;
    } rules[] = {
        {"go", PROTO_CURRENT PROTO_STARTED "nrs.node_status == wfmodel.NodeBatchSuccess"},
        {"wait", PROTO_CURRENT PROTO_BEFORE_END "nrs.node_status == wfmodel.NodeBatchNone"},
        {"wait", PROTO_CURRENT PROTO_BEFORE_END "nrs.node_status == wfmodel.NodeBatchStart"},
        {"nogo", PROTO_CURRENT PROTO_STARTED "nrs.node_status == wfmodel.NodeBatchFail"},
        {"go", PROTO_OTHER PROTO_STARTED "nrs.node_status == wfmodel.NodeBatchSuccess"},
        {"wait", PROTO_OTHER PROTO_BEFORE_END "nrs.node_status == wfmodel.NodeBatchNone"},
        {"wait", PROTO_OTHER PROTO_BEFORE_END "nrs.node_status == wfmodel.NodeBatchStart"},
        {"go", PROTO_OTHER PROTO_COMPLETE "nrs.node_status == wfmodel.NodeBatchSuccess"},
        {"nogo", PROTO_OTHER PROTO_COMPLETE "nrs.node_status == wfmodel.NodeBatchFail"},
        {"nogo", PROTO_OTHER "nrs.run_status == wfmodel.RunStop"},
    };
    json_t *list = json_array();
    json_t *policy = json_object();
    json_t *policies = json_object();

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "cmd", rules[i].command, "expression", rules[i].expression));
    json_object_set_new(policy, "is_default", json_true());
    json_object_set_new(policy, "event_priority_order", json_string("run_is_current(desc), run_id(desc)"));
    json_object_set_new(policy, "rules", list);
    json_object_set_new(policies, "current_active_first_stopped_nogo", policy);
    return policies;
}

/* ---- the script ---- */

capi_str capi_proto_table_name(capi_str path, capi_arena *arena)
{
    static const char *const reserved[] = {"idx", "wf", "system"};
    size_t begin = path.bytes;
    capi_str name;

    while (begin && path.data[begin - 1] != '/')
        begin--;
    name = capi_proto_word(arena, capi_str_slice(path, begin, path.bytes));
    for (int i = 0; i < 3; i++)
        if (capi_str_starts(name, reserved[i])) name = capi_str_format(arena, "t_%.*s", CAPI_STR_ARG(name));
    if (name.bytes > PROTO_TABLE_BYTES_MAX) name.bytes = PROTO_TABLE_BYTES_MAX;
    return name;
}

static json_t *make_script(const proto_work *work)
{
    json_t *read = json_object();
    json_t *write = json_object();
    json_t *source = json_object();
    json_t *nodes = json_object();
    json_t *script = json_object();

    json_object_set_new(read, "type", json_string("file_table"));
    json_object_set_new(read, "desc", json_string("Read the file to a table"));
    if (work->style->is_reference) json_object_set_new(read, "start_policy", json_string("manual"));
    json_object_set_new(read, "r", make_reader(work));
    json_object_set_new(read, "w", make_table(work));
    json_object_set_new(source, "table", json_text(work->style->table));
    json_object_set_new(write, "type", json_string("table_file"));
    json_object_set_new(write, "desc", json_string("Write the table to a file"));
    json_object_set_new(write, "r", source);
    json_object_set_new(write, "w", make_writer(work));
    json_object_set_new(nodes, "read_file", read);
    json_object_set_new(nodes, "write_file", write);
    json_object_set_new(script, "nodes", nodes);
    if (work->style->is_reference) json_object_set_new(script, "dependency_policies", make_policies());
    return script;
}

/* Names of columns in the file may have braces, which the text of a script has only for parameters: there \u007b is the same
 * to JSON and YAML. In the places of users' own text, such as urls, braces stay. */
static bool is_name_of_file(capi_str before)
{
    static const char *const places[] = {"col_hdr", "header", "col_name", "column_name"};

    before = capi_str_trim(before);
    if (!capi_str_ends(before, ":")) return false;
    before.bytes--;
    if (capi_str_ends(before, "\"")) before.bytes--;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (capi_str_ends(before, places[i])) return true;
    return false;
}

static void append_script(capi_buf *to, capi_str script)
{
    bool is_name = false;
    bool is_inside = false;

    for (size_t i = 0; i < script.bytes; i++) {
        if (script.data[i] == '"') {
            size_t from = i > 32 ? i - 32 : 0;

            is_inside = !is_inside;
            is_name = is_inside && is_name_of_file(capi_str_slice(script, from, i));
        }
        if (is_name && script.data[i] == '{')
            capi_buf_append_text(to, "\\u007b");
        else
            capi_buf_append_byte(to, script.data[i]);
        if (is_inside && script.data[i] == '\\') capi_buf_append_byte(to, script.data[++i]);
    }
}

void capi_proto_write(capi_proto_sample *sample, const capi_proto_style *style, capi_buf *to)
{
    proto_work work = {sample, style};
    json_t *script = make_script(&work);
    capi_buf text = {0};

    if (style->is_yaml) {
        capi_yaml_append(&text, script);
    } else {
        char *json = json_dumps(script, JSON_INDENT(1));

        capi_buf_append_text(&text, json ? json : "");
        free(json);
    }
    append_script(to, capi_buf_str(&text));
    capi_buf_deinit(&text);
    json_decref(script);
}
