/* settings.h - all settings of a script, as one table: the enum, the checks of names and types, and the manual come from it.
 *
 * A row: section, identifier, name in the script, type of its value, default, help. A section is one kind of map; what stands
 * below another setting is a section of its own ("r.csv" is CSV_READER). Settings marked OLD are the flat form of
 * Capillaries 1.1.6, accepted where the new one is absent. */
#pragma once

#include "script/source.h"
#include "script/tree.h"

typedef enum capi_setting_type {
    CAPI_SETTING_STRING,
    CAPI_SETTING_INT,
    CAPI_SETTING_BOOL,
    CAPI_SETTING_MAP,
    CAPI_SETTING_NAMES, /* map whose names are the author's */
    CAPI_SETTING_LIST,
    CAPI_SETTING_STRINGS,    /* list of strings */
    CAPI_SETTING_STRING_MAP, /* map of strings */
    CAPI_SETTING_ANY,        /* judged by whoever reads it */
} capi_setting_type;

#define CAPI_SECTIONS(X)                                                                                               \
    X(SCRIPT, "", "the script")                                                                                        \
    X(NODE, "nodes.*", "a node")                                                                                       \
    X(TABLE_READER, "r", "the reader of a table")                                                                      \
    X(FILE_READER, "r", "the reader of a file_table")                                                                  \
    X(CSV_READER, "r.csv", "the CSV settings of a file reader")                                                        \
    X(READER_COLUMN, "r.columns.*", "a column of a file reader")                                                       \
    X(READER_COLUMN_CSV, "r.columns.*.csv", "the CSV settings of a reader column")                                     \
    X(READER_COLUMN_PARQUET, "r.columns.*.parquet", "the Parquet settings of a reader column")                         \
    X(LOOKUP, "l", "a lookup")                                                                                         \
    X(PY_CALC, "p", "the settings of py_calc")                                                                         \
    X(CALCULATED_FIELD, "p.calculated_fields.*", "a calculated field")                                                 \
    X(TAG, "p", "the settings of tag_and_denormalize")                                                                 \
    X(TABLE_WRITER, "w", "the writer of a table")                                                                      \
    X(FIELD, "w.fields.*", "a field")                                                                                  \
    X(FILE_WRITER, "w", "the writer of a table_file")                                                                  \
    X(CSV_WRITER, "w.csv", "the CSV settings of a file writer")                                                        \
    X(PARQUET_WRITER, "w.parquet", "the Parquet settings of a file writer")                                            \
    X(TOP, "w.top", "the order of a file")                                                                             \
    X(WRITER_COLUMN, "w.columns[]", "a column of a file writer")                                                       \
    X(WRITER_COLUMN_CSV, "w.columns[].csv", "the CSV settings of a file column")                                       \
    X(WRITER_COLUMN_PARQUET, "w.columns[].parquet", "the Parquet settings of a file column")                           \
    X(POLICY, "dependency_policies.*", "a dependency policy")                                                          \
    X(RULE, "dependency_policies.*.rules[]", "a rule of a policy")

typedef enum capi_section {
#define X(id, path, what) CAPI_SECTION_##id,
    CAPI_SECTIONS(X)
#undef X
        CAPI_SECTION_COUNT,
} capi_section;

#define CAPI_SETTINGS(X)                                                                                               \
    X(SCRIPT, NODES, "nodes", NAMES, "none", "node name -> node")                                                      \
    X(SCRIPT, POLICIES, "dependency_policies", NAMES, "the standard policy", "policy name -> policy")                  \
    X(NODE, NODE_TYPE, "type", STRING, "required", "node type")                                                        \
    X(NODE, NODE_DESC, "desc", STRING, "empty", "description for people")                                              \
    X(NODE, NODE_START_POLICY, "start_policy", STRING, "auto", "auto, or manual: runs only if named as start node")    \
    X(NODE, NODE_RERUN_POLICY, "rerun_policy", STRING, "rerun",                                                        \
      "rerun or fail: what to do with a batch already begun")                                                          \
    X(NODE, NODE_POLICY, "dependency_policy", STRING, "the default policy", "name in dependency_policies")             \
    X(NODE, NODE_BATCH_TIME, "max_batch_processing_time", INT, "60000", "milliseconds before a batch is taken over")   \
    X(NODE, NODE_HANDLER, "handler_exe_type", STRING, "capi_daemon", "accepted, without effect")                       \
    X(NODE, NODE_PROCESSOR, "custom_proc_type", STRING, "none", "py_calc or tag_and_denormalize")                      \
    X(NODE, NODE_READER, "r", MAP, "required", "where rows come from")                                                 \
    X(NODE, NODE_LOOKUP, "l", MAP, "none", "the right-hand table of a lookup")                                         \
    X(NODE, NODE_PROCESSOR_SETTINGS, "p", ANY, "none", "settings of the processor")                                    \
    X(NODE, NODE_WRITER, "w", MAP, "required", "where rows go to")                                                     \
    X(TABLE_READER, READER_TABLE, "table", STRING, "required", "source table")                                         \
    X(TABLE_READER, READER_BATCHES, "expected_batches_total", INT, "1", "number of parallel batches, 0..1000000")      \
    X(TABLE_READER, READER_ROWSET, "rowset_size", INT, "1000", "rows read at once, 0..100000; no effect on results")   \
    X(FILE_READER, READER_URLS, "urls", STRINGS, "required",                                                           \
      "source files, one batch each; wildcards and folders too")                                                       \
    X(FILE_READER, READER_COLUMNS, "columns", NAMES, "required", "name -> column")                                     \
    X(FILE_READER, READER_CSV, "csv", MAP, "none", "CSV settings")                                                     \
    X(FILE_READER, READER_OLD_HEADER_LINE, "hdr_line_idx", INT, "0", "OLD: csv.hdr_line_idx")                          \
    X(FILE_READER, READER_OLD_FIRST_LINE, "first_data_line_idx", INT, "0", "OLD: csv.first_data_line_idx")             \
    X(FILE_READER, READER_OLD_SEPARATOR, "separator", STRING, ",", "OLD: csv.separator")                               \
    X(CSV_READER, CSV_HEADER_LINE, "hdr_line_idx", INT, "0", "index of the header line")                               \
    X(CSV_READER, CSV_FIRST_LINE, "first_data_line_idx", INT, "0", "lines before this index are skipped")              \
    X(CSV_READER, CSV_SEPARATOR, "separator", STRING, ",", "one character")                                            \
    X(READER_COLUMN, COLUMN_TYPE, "col_type", STRING, "required", "data type")                                         \
    X(READER_COLUMN, COLUMN_DEFAULT, "col_default_value", STRING, "zero value", "used when the cell is empty")         \
    X(READER_COLUMN, COLUMN_CSV, "csv", MAP, "none", "CSV settings")                                                   \
    X(READER_COLUMN, COLUMN_PARQUET, "parquet", MAP, "none", "Parquet settings")                                       \
    X(READER_COLUMN, COLUMN_OLD_HEADER, "col_hdr", STRING, "empty", "OLD: csv.col_hdr")                                \
    X(READER_COLUMN, COLUMN_OLD_INDEX, "col_idx", INT, "0", "OLD: csv.col_idx")                                        \
    X(READER_COLUMN, COLUMN_OLD_FORMAT, "col_format", STRING, "empty", "OLD: csv.col_format")                          \
    X(READER_COLUMN_CSV, COLUMN_HEADER, "col_hdr", STRING, "empty", "header text")                                     \
    X(READER_COLUMN_CSV, COLUMN_INDEX, "col_idx", INT, "0", "column index from 0, used if there is no col_hdr")        \
    X(READER_COLUMN_CSV, COLUMN_FORMAT, "col_format", STRING, "empty", "%d or %f pattern, or datetime layout")         \
    X(READER_COLUMN_PARQUET, COLUMN_PARQUET_NAME, "col_name", STRING, "empty", "Parquet column name")                  \
    X(LOOKUP, LOOKUP_INDEX, "index_name", STRING, "required", "index of the right-hand table")                         \
    X(LOOKUP, LOOKUP_JOIN_ON, "join_on", STRING, "required", "left fields: r.a,r.b")                                   \
    X(LOOKUP, LOOKUP_JOIN_TYPE, "join_type", STRING, "required", "inner or left")                                      \
    X(LOOKUP, LOOKUP_GROUP, "group", BOOL, "false", "one row per left row, aggregates allowed")                        \
    X(LOOKUP, LOOKUP_FILTER, "filter", STRING, "none", "condition over l.*")                                           \
    X(LOOKUP, LOOKUP_INDEX_BATCH, "idx_read_batch_size", INT, "3000", "at most 20000; no effect on results")           \
    X(LOOKUP, LOOKUP_RIGHT_BATCH, "right_lookup_read_batch_size", INT, "3000", "at most 20000; no effect on results")  \
    X(PY_CALC, PY_URLS, "python_code_urls", STRINGS, "none", "Python sources, concatenated")                           \
    X(PY_CALC, PY_FIELDS, "calculated_fields", NAMES, "none", "name -> expression and type")                           \
    X(CALCULATED_FIELD, CALCULATED_EXPRESSION, "expression", STRING, "required", "f(...), r.x or p.x")                 \
    X(CALCULATED_FIELD, CALCULATED_TYPE, "type", STRING, "required", "data type")                                      \
    X(TAG, TAG_FIELD, "tag_field_name", STRING, "required", "the tag is p.<this name>")                                \
    X(TAG, TAG_CRITERIA, "tag_criteria", STRING_MAP, "none", "tag -> condition over r.*")                              \
    X(TAG, TAG_URL, "tag_criteria_url", STRING, "none", "JSON or YAML file with such a map")                           \
    X(TAG, TAG_OLD_URI, "tag_criteria_uri", STRING, "none", "OLD: tag_criteria_url")                                   \
    X(TABLE_WRITER, TABLE_NAME, "name", STRING, "required", "table name")                                              \
    X(TABLE_WRITER, TABLE_FIELDS, "fields", NAMES, "empty", "name -> field")                                           \
    X(TABLE_WRITER, TABLE_HAVING, "having", STRING, "none", "condition over w.*")                                      \
    X(TABLE_WRITER, TABLE_INDEXES, "indexes", STRING_MAP, "empty", "name -> index definition")                         \
    X(TABLE_WRITER, TABLE_OPTIONS, "table_options", STRING, "empty", "for CREATE TABLE of a database")                 \
    X(FIELD, FIELD_EXPRESSION, "expression", STRING, "required", "value of the field")                                 \
    X(FIELD, FIELD_TYPE, "type", STRING, "required", "data type")                                                      \
    X(FIELD, FIELD_DEFAULT, "default_value", STRING, "zero value", "left lookup: when there is no right row")          \
    X(FILE_WRITER, FILE_URL, "url_template", STRING, "required", "target; {batch_idx} and {run_id} are replaced")      \
    X(FILE_WRITER, FILE_COLUMNS, "columns", LIST, "required", "columns in file order")                                 \
    X(FILE_WRITER, FILE_HAVING, "having", STRING, "none", "condition over w.<column name>")                            \
    X(FILE_WRITER, FILE_TOP, "top", MAP, "none", "order and limit")                                                    \
    X(FILE_WRITER, FILE_CSV, "csv", MAP, "none", "CSV settings")                                                       \
    X(FILE_WRITER, FILE_PARQUET, "parquet", MAP, "none", "Parquet settings")                                           \
    X(FILE_WRITER, FILE_OLD_SEPARATOR, "separator", STRING, ",", "OLD: csv.separator")                                 \
    X(CSV_WRITER, FILE_SEPARATOR, "separator", STRING, ",", "between fields")                                          \
    X(PARQUET_WRITER, FILE_CODEC, "codec", STRING, "gzip", "gzip, snappy, zstd, lz4 or uncompressed")                  \
    X(TOP, TOP_ORDER, "order", STRING, "none", "sorts the rows of the file: a(desc),b")                                \
    X(TOP, TOP_LIMIT, "limit", INT, "5000000", "rows kept, at most 5000000")                                           \
    X(WRITER_COLUMN, OUT_NAME, "name", STRING, "empty", "name for having and top.order")                               \
    X(WRITER_COLUMN, OUT_EXPRESSION, "expression", STRING, "required", "value of the column")                          \
    X(WRITER_COLUMN, OUT_TYPE, "type", STRING, "required", "data type")                                                \
    X(WRITER_COLUMN, OUT_CSV, "csv", MAP, "none", "CSV settings")                                                      \
    X(WRITER_COLUMN, OUT_PARQUET, "parquet", MAP, "none", "Parquet settings")                                          \
    X(WRITER_COLUMN, OUT_OLD_HEADER, "header", STRING, "empty", "OLD: csv.header")                                     \
    X(WRITER_COLUMN, OUT_OLD_FORMAT, "format", STRING, "empty", "OLD: csv.format")                                     \
    X(WRITER_COLUMN_CSV, OUT_HEADER, "header", STRING, "empty", "header text")                                         \
    X(WRITER_COLUMN_CSV, OUT_FORMAT, "format", STRING, "required", "%d, %f, %s, %t, or datetime layout")               \
    X(WRITER_COLUMN_PARQUET, OUT_PARQUET_NAME, "column_name", STRING, "required", "Parquet column name")               \
    X(POLICY, POLICY_DEFAULT, "is_default", BOOL, "false", "used by nodes that name no policy")                        \
    X(POLICY, POLICY_ORDER, "event_priority_order", STRING, "empty", "which runs are looked at first")                 \
    X(POLICY, POLICY_RULES, "rules", LIST, "empty", "the first rule that is true decides")                             \
    X(RULE, RULE_COMMAND, "cmd", STRING, "required", "go, wait or nogo")                                               \
    X(RULE, RULE_EXPRESSION, "expression", STRING, "required", "condition over nrs.* and wfmodel.*")

typedef enum capi_setting {
#define X(section, id, name, type, default_text, help) CAPI_SET_##id,
    CAPI_SETTINGS(X)
#undef X
        CAPI_SETTING_COUNT,
} capi_setting;

typedef struct capi_setting_info {
    capi_section section;
    const char *name;
    capi_setting_type type;
    const char *default_text; /* "required", "empty", or a value */
    const char *help;         /* "OLD: ..." for the form of 1.1.6 */
} capi_setting_info;

extern const capi_setting_info capi_setting_infos[CAPI_SETTING_COUNT];
/* Where settings of a section stand, "r.columns.*"; and what the section is, "a field". */
const char *capi_section_path(capi_section section);
const char *capi_section_what(capi_section section);

enum { CAPI_SECTION_SETTINGS_MAX = 16 };

/* The settings of one map, checked for type. Settings that are absent, null or of a wrong type are NULL. */
typedef struct capi_settings {
    const capi_tree *map; /* NULL: there is no such map */
    capi_section section;
    capi_setting first; /* of the section */
    const capi_tree *values[CAPI_SECTION_SETTINGS_MAX];
    bool is_wrong[CAPI_SECTION_SETTINGS_MAX]; /* there, but of a wrong type: already reported */
} capi_settings;

/* Wrong types are errors (rule "V9", or V81 in policies), unknown names are warnings with a suggestion. `map` may be NULL or
 * of any kind; `path` is what to call it ("r", "field \"total\""). */
void capi_settings_read(capi_report *report, const capi_source *source, const capi_tree *map, capi_section section,
                        const char *path, capi_settings *out);

/* The value, or NULL. */
const capi_tree *capi_settings_value(const capi_settings *settings, capi_setting setting);
bool capi_settings_is_wrong(const capi_settings *settings, capi_setting setting);
/* The value, or empty, 0, false. */
capi_str capi_settings_string(const capi_settings *settings, capi_setting setting);
int64_t capi_settings_int(const capi_settings *settings, capi_setting setting);
bool capi_settings_bool(const capi_settings *settings, capi_setting setting);
/* The value of the new setting, else of the old one, or NULL. */
const capi_tree *capi_settings_either(const capi_settings *current, capi_setting setting, const capi_settings *old,
                                      capi_setting old_setting);

/* All settings as a manual page in Markdown. */
void capi_settings_append_manual(capi_buf *to);
