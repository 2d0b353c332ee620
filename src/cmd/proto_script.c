/* proto_script.c - looks at the records of a sample, then puts the script together. */
#include "cmd/proto_script.h"

#include "io/csv.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { PROTO_RECORDS_MAX = 100, PROTO_LAYOUT_BYTES = 40, PROTO_TABLE_BYTES_MAX = 42 };

#define PROTO_SOURCE_FOLDER "/tmp/capi_in/proto_file_reader_creator_quicktest"
#define PROTO_TARGET_FOLDER "/tmp/capi_out/proto_file_reader_creator_quicktest"

typedef struct proto_column {
    capi_str header; /* empty: by index */
    capi_str column; /* in the reader and the writer: "col_qty" */
    capi_str field;  /* in the table: "qty" */
    capi_proto_type type;
    char layout[PROTO_LAYOUT_BYTES]; /* of datetimes */
} proto_column;

typedef struct proto_sample {
    const capi_proto_options *options;
    capi_arena arena;
    proto_column *columns;
    uint32_t column_count;
    int64_t record; /* the next one */
    bool has_header;
} proto_sample;

/* ---- values ---- */

static bool takes_digits(capi_str *text, size_t least, size_t most)
{
    size_t count = 0;

    while (count < text->bytes && count < most && isdigit((unsigned char)text->data[count]))
        count++;
    *text = capi_str_slice(*text, count, text->bytes);
    return count >= least;
}

static bool takes_byte(capi_str *text, char byte)
{
    if (text->bytes == 0 || text->data[0] != byte) return false;
    *text = capi_str_slice(*text, 1, text->bytes);
    return true;
}

static capi_proto_type classify_number(capi_str text)
{
    capi_str digits;
    size_t before;

    if (!takes_byte(&text, '+')) takes_byte(&text, '-');
    digits = text;
    takes_digits(&text, 0, SIZE_MAX);
    before = digits.bytes - text.bytes;
    if (text.bytes == 0) return before ? CAPI_PROTO_INT : CAPI_PROTO_STRING;
    if (!takes_byte(&text, '.')) return CAPI_PROTO_STRING;
    digits = text;
    if (!takes_digits(&text, 1, SIZE_MAX) || text.bytes) return CAPI_PROTO_STRING;
    return digits.bytes == 2 ? CAPI_PROTO_DECIMAL : CAPI_PROTO_FLOAT;
}

static bool takes_parts(capi_str *text, size_t first_digits, char between)
{
    return takes_digits(text, first_digits, first_digits) && takes_byte(text, between) && takes_digits(text, 2, 2) &&
           takes_byte(text, between) && takes_digits(text, 2, 2);
}

/* YYYY-MM-DD, T or a blank, hh:mm:ss, perhaps .mmm or .uuuuuu, perhaps +hhmm or -hhmm */
static bool is_datetime(capi_str text, char layout[40])
{
    const char *fraction = "";
    const char *zone = "";
    bool has_t;

    if (!takes_parts(&text, 4, '-')) return false;
    has_t = takes_byte(&text, 'T');
    if (!has_t && !takes_byte(&text, ' ')) return false;
    if (!takes_parts(&text, 2, ':')) return false;
    if (takes_byte(&text, '.')) {
        capi_str digits = text;
        size_t count;

        takes_digits(&text, 0, SIZE_MAX);
        count = digits.bytes - text.bytes;
        if (count != 3 && count != 6) return false;
        fraction = count == 3 ? ".000" : ".000000";
    }
    if (takes_byte(&text, '+') || takes_byte(&text, '-')) {
        if (!takes_digits(&text, 4, 4)) return false;
        zone = "-0700";
    }
    if (text.bytes) return false;
    snprintf(layout, PROTO_LAYOUT_BYTES, "2006-01-02%c15:04:05%s%s", has_t ? 'T' : ' ', fraction, zone);
    return true;
}

static bool is_bool(capi_str text)
{
    static const char *const words[] = {"true", "false", "t", "f"};

    for (int i = 0; i < 4; i++)
        if (text.bytes == strlen(words[i]) && strncasecmp(text.data, words[i], text.bytes) == 0) return true;
    return false;
}

capi_proto_type capi_proto_classify(capi_str value, char layout[40])
{
    capi_str text = capi_str_trim(value);
    capi_proto_type number;

    if (text.bytes == 0) return CAPI_PROTO_NONE;
    number = classify_number(text);
    if (number != CAPI_PROTO_STRING) return number;
    if (is_bool(text)) return CAPI_PROTO_BOOL;
    return is_datetime(text, layout) ? CAPI_PROTO_DATETIME : CAPI_PROTO_STRING;
}

static bool is_number(capi_proto_type type)
{
    return type == CAPI_PROTO_INT || type == CAPI_PROTO_DECIMAL || type == CAPI_PROTO_FLOAT;
}

static capi_proto_type generalise(capi_proto_type a, capi_proto_type b)
{
    if (a == b || b == CAPI_PROTO_NONE) return a;
    if (a == CAPI_PROTO_NONE) return b;
    if (!is_number(a) || !is_number(b)) return CAPI_PROTO_STRING;
    return a == CAPI_PROTO_FLOAT || b == CAPI_PROTO_FLOAT ? CAPI_PROTO_FLOAT : CAPI_PROTO_DECIMAL;
}

/* One more value of the column. A layout reads all datetimes of a column, or it is no datetime. */
static void column_see(proto_column *column, capi_str value)
{
    char layout[PROTO_LAYOUT_BYTES] = "";
    capi_proto_type seen = capi_proto_classify(value, layout);

    if (seen == CAPI_PROTO_DATETIME && column->type == CAPI_PROTO_DATETIME && strcmp(layout, column->layout) != 0)
        seen = CAPI_PROTO_STRING;
    if (seen == CAPI_PROTO_DATETIME) memcpy(column->layout, layout, sizeof layout);
    column->type = generalise(column->type, seen);
}

/* ---- names ---- */

static capi_str to_word(capi_arena *arena, capi_str text)
{
    capi_str word = capi_str_copy(arena, text);
    char *bytes = (char *)word.data;

    for (size_t i = 0; i < word.bytes; i++)
        if (!isalnum((unsigned char)bytes[i]) || (unsigned char)bytes[i] >= 0x80) bytes[i] = '_';
    return word;
}

/* Names of fields that differ in letter case only are the same to databases, and these two are theirs. */
static bool is_taken(const proto_sample *sample, uint32_t count, capi_str name)
{
    if (name.bytes == strlen("rowid") && strncasecmp(name.data, "rowid", name.bytes) == 0) return true;
    if (name.bytes == strlen("batch_idx") && strncasecmp(name.data, "batch_idx", name.bytes) == 0) return true;
    for (uint32_t i = 0; i < count; i++) {
        capi_str other = sample->columns[i].field;

        if (other.bytes == name.bytes && strncasecmp(other.data, name.data, name.bytes) == 0) return true;
    }
    return false;
}

/* An identifier that no column before has. */
static capi_str unique_field(proto_sample *sample, uint32_t index, capi_str word)
{
    bool is_identifier = word.bytes && !isdigit((unsigned char)word.data[0]);
    capi_str first = is_identifier ? word : capi_str_format(&sample->arena, "f_%.*s", CAPI_STR_ARG(word));
    capi_str name = first;

    for (unsigned suffix = 2; is_taken(sample, index, name); suffix++)
        name = capi_str_format(&sample->arena, "%.*s_%u", CAPI_STR_ARG(first), suffix);
    return name;
}

/* "col_qty" for the field qty; what was only put in front to make an identifier is not needed here. */
static void name_column(proto_sample *sample, uint32_t index, capi_str word)
{
    proto_column *column = &sample->columns[index];
    capi_str rest;

    column->field = unique_field(sample, index, word);
    rest = column->field;
    if (capi_str_starts(rest, "f_") && !capi_str_starts(word, "f_")) rest = capi_str_slice(rest, 2, rest.bytes);
    column->column = capi_str_format(&sample->arena, "col_%.*s", CAPI_STR_ARG(rest));
    for (uint32_t i = 0; i < index; i++)
        if (capi_str_equal(sample->columns[i].column, column->column))
            column->column = capi_str_format(&sample->arena, "col_%.*s", CAPI_STR_ARG(column->field));
}

static void name_columns(proto_sample *sample, const capi_str *headers)
{
    for (uint32_t i = 0; i < sample->column_count; i++) {
        if (headers) sample->columns[i].header = capi_str_copy(&sample->arena, headers[i]);
        name_column(sample, i,
                    headers ? to_word(&sample->arena, headers[i]) : capi_str_format(&sample->arena, "%03u", i));
    }
}

/* Columns can be found by header only if each has one of its own. */
static bool headers_are_unique(const proto_sample *sample)
{
    for (uint32_t i = 0; i < sample->column_count; i++) {
        if (sample->columns[i].header.bytes == 0) return false;
        for (uint32_t j = 0; j < i; j++)
            if (capi_str_equal(sample->columns[i].header, sample->columns[j].header)) return false;
    }
    return true;
}

/* ---- records ---- */

/* Sees one record; the sample is full with CAPI_STOPPED. */
static capi_status on_record(void *context, const capi_str *fields, uint32_t field_count, capi_err *err)
{
    proto_sample *sample = context;

    if (sample->record >= PROTO_RECORDS_MAX) return CAPI_STOPPED;
    if (!sample->columns) {
        sample->columns = capi_new_array(&sample->arena, proto_column, field_count + 1);
        sample->column_count = field_count;
    }
    for (uint32_t i = 0; i < field_count; i++)
        if (!capi_str_is_utf8(fields[i], NULL))
            return capi_err_set(err, CAPI_INVALID, "record %lld, field %u is not UTF-8", (long long)sample->record,
                                i + 1);
    if (sample->record == sample->options->header_record) {
        name_columns(sample, fields);
        sample->has_header = true;
    } else if (sample->record >= sample->options->first_record) {
        for (uint32_t i = 0; i < field_count; i++)
            column_see(&sample->columns[i], fields[i]);
    }
    sample->record++;
    return CAPI_OK;
}

/* Reads the sample; a failure leaves the columns that were seen. */
static capi_status sample_read(proto_sample *sample, capi_str text, capi_err *err)
{
    capi_status st = capi_csv_records(text, sample->options->separator, on_record, sample, err);

    if (st == CAPI_STOPPED) st = CAPI_OK;
    if (st == CAPI_OK && sample->column_count == 0) st = capi_err_set(err, CAPI_INVALID, "the file has no records");
    if (st == CAPI_OK && sample->options->header_record >= 0 && !sample->has_header)
        st = capi_err_set(err, CAPI_INVALID, "there is no record %lld for the header, only %lld records were looked at",
                          (long long)sample->options->header_record, (long long)sample->record);
    if (sample->column_count && !sample->has_header) name_columns(sample, NULL);
    return st;
}

/* ---- the script ---- */

static const char *type_name(capi_proto_type type)
{
    switch (type) {
    case CAPI_PROTO_DECIMAL: return "decimal2";
    case CAPI_PROTO_INT: return "int";
    case CAPI_PROTO_FLOAT: return "float";
    case CAPI_PROTO_BOOL: return "bool";
    case CAPI_PROTO_DATETIME: return "datetime";
    case CAPI_PROTO_NONE:
    case CAPI_PROTO_STRING: return "string";
    }
    return "string";
}

static const char *reader_format(const proto_column *column)
{
    switch (column->type) {
    case CAPI_PROTO_DECIMAL:
    case CAPI_PROTO_FLOAT: return "%f";
    case CAPI_PROTO_INT: return "%d";
    case CAPI_PROTO_DATETIME: return column->layout;
    case CAPI_PROTO_BOOL:
    case CAPI_PROTO_NONE:
    case CAPI_PROTO_STRING: return NULL;
    }
    return NULL;
}

static const char *writer_format(capi_proto_type type)
{
    switch (type) {
    case CAPI_PROTO_INT: return "%d";
    case CAPI_PROTO_FLOAT: return "%.3f";
    case CAPI_PROTO_BOOL: return "%t";
    case CAPI_PROTO_DATETIME: return "2006-01-02 15:04:05";
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

static json_t *reader_column(const proto_column *column, uint32_t index, bool by_header)
{
    json_t *csv = json_object();
    json_t *json = json_object();
    const char *format = reader_format(column);

    json_object_set_new(json, "col_type", json_string(type_name(column->type)));
    if (by_header)
        json_object_set_new(csv, "col_hdr", json_text(column->header));
    else
        json_object_set_new(csv, "col_idx", json_integer(index));
    if (format) json_object_set_new(csv, "col_format", json_string(format));
    json_object_set_new(json, "csv", csv);
    return json;
}

static json_t *table_field(const proto_column *column, capi_arena *arena)
{
    json_t *json = json_object();

    json_object_set_new(json, "expression", json_reference(arena, column->column));
    json_object_set_new(json, "type", json_string(type_name(column->type)));
    return json;
}

static json_t *writer_column(const proto_column *column, capi_arena *arena)
{
    json_t *csv = json_object();
    json_t *json = json_object();

    json_object_set_new(json, "expression", json_reference(arena, column->field));
    json_object_set_new(json, "name", json_text(column->column));
    json_object_set_new(json, "type", json_string(type_name(column->type)));
    json_object_set_new(csv, "format", json_string(writer_format(column->type)));
    json_object_set_new(csv, "header", json_text(column->header.bytes ? column->header : column->field));
    json_object_set_new(json, "csv", csv);
    return json;
}

/* Columns by the name that their key has, since keys of maps are sorted. */
static int compare_columns(const void *a, const void *b)
{
    return capi_str_compare((*(const proto_column *const *)a)->column, (*(const proto_column *const *)b)->column);
}

static int compare_fields(const void *a, const void *b)
{
    return capi_str_compare((*(const proto_column *const *)a)->field, (*(const proto_column *const *)b)->field);
}

static const proto_column **sorted(proto_sample *sample, int (*compare)(const void *a, const void *b))
{
    const proto_column **order = capi_new_array(&sample->arena, const proto_column *, sample->column_count + 1);

    for (uint32_t i = 0; i < sample->column_count; i++)
        order[i] = &sample->columns[i];
    qsort(order, sample->column_count, sizeof *order, compare);
    return order;
}

static json_t *make_separator(const proto_sample *sample)
{
    return json_stringn(&sample->options->separator, 1);
}

static json_t *make_reader(proto_sample *sample, capi_str file)
{
    const proto_column **order = sorted(sample, compare_columns);
    bool by_header = sample->has_header && headers_are_unique(sample);
    json_t *columns = json_object();
    json_t *reader = json_object();
    json_t *urls = json_array();
    json_t *csv = json_object();

    json_array_append_new(
        urls, json_text(capi_str_format(&sample->arena, "%s/%.*s", PROTO_SOURCE_FOLDER, CAPI_STR_ARG(file))));
    json_object_set_new(csv, "hdr_line_idx", json_integer(sample->has_header ? sample->options->header_record : -1));
    json_object_set_new(csv, "first_data_line_idx", json_integer(sample->options->first_record));
    json_object_set_new(csv, "separator", make_separator(sample));
    for (uint32_t i = 0; i < sample->column_count; i++)
        json_object_set_new(columns, order[i]->column.data,
                            reader_column(order[i], (uint32_t)(order[i] - sample->columns), by_header));
    json_object_set_new(reader, "urls", urls);
    json_object_set_new(reader, "csv", csv);
    json_object_set_new(reader, "columns", columns);
    return reader;
}

static json_t *make_table(proto_sample *sample, capi_str table)
{
    const proto_column **order = sorted(sample, compare_fields);
    json_t *fields = json_object();
    json_t *json = json_object();

    for (uint32_t i = 0; i < sample->column_count; i++)
        json_object_set_new(fields, capi_str_copy(&sample->arena, order[i]->field).data,
                            table_field(order[i], &sample->arena));
    json_object_set_new(json, "name", json_text(table));
    json_object_set_new(json, "table_options", json_string(""));
    json_object_set_new(json, "fields", fields);
    return json;
}

static json_t *make_writer(proto_sample *sample, capi_str file)
{
    json_t *columns = json_array();
    json_t *csv = json_object();
    json_t *json = json_object();

    for (uint32_t i = 0; i < sample->column_count; i++)
        json_array_append_new(columns, writer_column(&sample->columns[i], &sample->arena));
    json_object_set_new(json, "url_template",
                        json_text(capi_str_format(&sample->arena, "%s/%.*s", PROTO_TARGET_FOLDER, CAPI_STR_ARG(file))));
    json_object_set_new(csv, "separator", make_separator(sample));
    json_object_set_new(json, "csv", csv);
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

/* "/data/items.csv" makes the table items_csv. */
static capi_str table_name(proto_sample *sample, capi_str file)
{
    static const char *const reserved[] = {"idx", "wf", "system"};
    capi_str name = to_word(&sample->arena, file);

    for (int i = 0; i < 3; i++)
        if (capi_str_starts(name, reserved[i])) name = capi_str_format(&sample->arena, "t_%.*s", CAPI_STR_ARG(name));
    if (name.bytes > PROTO_TABLE_BYTES_MAX) name.bytes = PROTO_TABLE_BYTES_MAX;
    return name;
}

static json_t *make_script(proto_sample *sample)
{
    capi_str path = sample->options->file;
    size_t begin = path.bytes;
    capi_str file;
    capi_str table;
    json_t *nodes = json_object();
    json_t *script = json_object();

    while (begin && path.data[begin - 1] != '/')
        begin--;
    file = capi_str_slice(path, begin, path.bytes);
    table = table_name(sample, file);
    json_object_set_new(nodes, "read_file",
                        json_pack("{s:s, s:s, s:s, s:o, s:o}", "type", "file_table", "desc", "Read the file to a table",
                                  "start_policy", "manual", "r", make_reader(sample, file), "w",
                                  make_table(sample, table)));
    json_object_set_new(nodes, "write_file",
                        json_pack("{s:s, s:s, s:{s:o}, s:o}", "type", "table_file", "desc", "Write the table to a file",
                                  "r", "table", json_text(table), "w", make_writer(sample, file)));
    json_object_set_new(script, "nodes", nodes);
    json_object_set_new(script, "dependency_policies", make_policies());
    return script;
}

capi_status capi_proto_write(capi_str text, const capi_proto_options *options, capi_buf *to, capi_err *err)
{
    proto_sample sample = {.options = options};
    capi_status st = sample_read(&sample, text, err);

    if (sample.column_count) {
        json_t *script = make_script(&sample);
        char *json = json_dumps(script, JSON_INDENT(1));

        capi_buf_append_text(to, json ? json : "");
        free(json);
        json_decref(script);
    }
    capi_arena_deinit(&sample.arena);
    return st;
}
