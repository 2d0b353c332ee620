/* script.h - a loaded script: a checked graph of nodes, with every name, type and expression resolved.
 *
 *     capi_script_load    text (JSON or YAML) + parameters -> graph, or all mistakes in one go, with their places
 *
 * The graph lives in the script's own arena, is immutable, and is shared by any number of threads. Tables are matched by
 * name; nodes refer to each other by pointer. Sections 2 to 10 of the script specification say what each setting means;
 * settings.h holds them as a table. */
#pragma once

#include "expr/expr.h"
#include "io/csv.h"
#include "vec/key.h"

enum { CAPI_SCRIPT_BYTES_MAX = 64 << 20, CAPI_SCRIPT_DEPTH_MAX = 500, CAPI_SCRIPT_NODE_MAX = 100000 };

typedef enum capi_node_type {
    CAPI_NODE_FILE_TABLE,
    CAPI_NODE_TABLE_TABLE,
    CAPI_NODE_LOOKUP,   /* table_lookup_table */
    CAPI_NODE_DISTINCT, /* distinct_table */
    CAPI_NODE_CUSTOM,   /* table_custom_tfm_table */
    CAPI_NODE_TABLE_FILE,
    CAPI_NODE_TYPE_COUNT,
} capi_node_type;

const char *capi_node_type_name(capi_node_type type); /* as in scripts */

typedef struct capi_node capi_node;
typedef struct capi_policy capi_policy;

/* ---- what expressions read ---- */

typedef enum capi_side { CAPI_SIDE_READER, CAPI_SIDE_LOOKUP, CAPI_SIDE_PROCESSOR, CAPI_SIDE_WRITER } capi_side;

/* Input vector number `slot` of the node's program is this column. */
typedef struct capi_slot {
    capi_side side;
    uint32_t column; /* READER: of the source table's schema, or of source.columns; LOOKUP: of the right table's schema;
                        PROCESSOR: processor field number */
    capi_str name;   /* without alias */
    capi_type type;
} capi_slot;

/* ---- tables ---- */

typedef struct capi_index {
    capi_str name;
    capi_key_def key; /* columns are positions in the schema of the table that owns it */
    const capi_node *owner;
} capi_index;

typedef struct capi_table_field {
    capi_str name;
    capi_type type;
    const capi_expr *expr;
    uint32_t output;                   /* of node->program, or UINT32_MAX for an aggregate */
    uint32_t agg_value, agg_condition; /* outputs of an aggregate's arguments, or UINT32_MAX */
    bool is_aggregate;
    bool uses_lookup;         /* mentions l.* */
    capi_value default_value; /* for unmatched left rows; zero value when not given */
} capi_table_field;

/* `w` of a node that makes a table. */
typedef struct capi_table_sink {
    capi_str name;
    capi_str table_options;         /* as written: for databases */
    capi_schema schema;             /* same order as fields */
    const capi_table_field *fields; /* script order */
    uint32_t field_count;
    const capi_index *indexes;
    uint32_t index_count;
    const capi_expr *having;            /* NULL: none */
    const capi_program *having_program; /* slot = field number, output 0 */
} capi_table_sink;

/* ---- files ---- */

typedef enum capi_file_kind { CAPI_FILE_CSV, CAPI_FILE_PARQUET } capi_file_kind;

/* `r` of a file_table. */
typedef struct capi_file_source {
    capi_file_kind kind;
    const capi_str *urls; /* with wildcards only in a script that is not yet of a run (capi_run_begin looks them up) */
    uint32_t url_count;
    capi_csv_options csv;          /* its columns are numbered like slots' `column` */
    const capi_str *parquet_names; /* per column, when kind is PARQUET */
} capi_file_source;

typedef struct capi_file_column {
    capi_str name;
    capi_type type;
    const capi_expr *expr;
    uint32_t output;         /* of node->program */
    capi_str header, format; /* CSV */
    capi_str parquet_name;
} capi_file_column;

/* `w` of a table_file. */
typedef struct capi_file_sink {
    capi_file_kind kind;
    capi_str url_template; /* with {batch_idx|string} and {run_id|string} still in it */
    const capi_file_column *columns;
    uint32_t column_count;
    const capi_csv_writer *csv; /* kind CSV */
    capi_str parquet_codec;
    const capi_expr *having;
    const capi_program *having_program; /* slot = column number, output 0 */
    bool has_top;
    capi_key_def top_order; /* columns are column numbers */
    uint64_t top_limit;
} capi_file_sink;

/* The file of one batch: reserved references replaced. */
capi_str capi_file_sink_url(const capi_file_sink *sink, uint32_t run_id, uint32_t batch_idx, capi_arena *arena);
/* The same before the run has an id: {run_id|string} stays. */
capi_str capi_file_sink_url_of_any_run(const capi_file_sink *sink, uint32_t batch_idx, capi_arena *arena);

/* ---- lookup ---- */

typedef struct capi_lookup {
    const capi_index *index;      /* owner: the node that makes the right table */
    const uint32_t *left_columns; /* of the source table's schema, one per index component, in component order */
    bool is_left;                 /* join_type */
    bool is_grouped;
    const capi_expr *filter;            /* NULL: none */
    const capi_program *filter_program; /* slot = right table's schema column, output 0 */
} capi_lookup;

/* ---- custom processors ---- */

/* A text that was read besides the script. */
typedef struct capi_snapshot_text {
    capi_str kind; /* "python", "criteria" */
    capi_str url;
    capi_str text;
} capi_snapshot_text;

typedef struct capi_processor_field {
    capi_str name;
    capi_type type;
    const capi_ast *ast; /* py_calc: checked by the processor's own rules */
    capi_str text;
} capi_processor_field;

typedef struct capi_tag {
    capi_str tag;
    const capi_expr *criterion;
} capi_tag;

typedef enum capi_processor_kind { CAPI_PROCESSOR_TAG, CAPI_PROCESSOR_PY } capi_processor_kind;

typedef struct capi_processor {
    capi_processor_kind kind;
    const capi_processor_field *fields; /* py_calc: in dependency order; tag: the one tag field */
    uint32_t field_count;
    capi_str python_code;                     /* all sources, concatenated */
    const capi_snapshot_text *python_sources; /* each by itself, in order */
    uint32_t python_source_count;
    capi_str criteria_url; /* tag: empty when the criteria stand in the script */
    const capi_tag *tags;
    uint32_t tag_count;
    const capi_program *tag_program; /* output i = criterion of tag i; slots are the node's */
} capi_processor;

/* ---- nodes ---- */

struct capi_node {
    capi_str name, desc;
    capi_node_type type;
    bool is_manual;
    bool rerun_fails;          /* rerun_policy: fail */
    int64_t max_batch_ms;      /* max_batch_processing_time */
    const capi_policy *policy; /* nodes that read tables */
    uint32_t rank;             /* position in topological order, ties by name */
    uint32_t line;             /* in the script */

    capi_file_source source; /* FILE_TABLE */
    capi_str source_table;   /* others */
    const capi_node *reader; /* makes source_table */
    uint32_t batches_total;  /* URLs or expected_batches_total */
    uint32_t rowset_size;
    const capi_lookup *lookup;       /* LOOKUP, else NULL */
    const capi_processor *processor; /* CUSTOM, else NULL */

    const capi_slot *slots; /* inputs of program */
    uint32_t slot_count;
    const capi_program *program; /* fields or columns of the writer */

    const capi_table_sink *table; /* all but TABLE_FILE */
    const capi_file_sink *file;   /* TABLE_FILE */
};

/* 0, 1 or 2 nodes whose tables this node reads: reader first, then lookup; a table on both sides counts once. */
uint32_t capi_node_parents(const capi_node *node, const capi_node *parents[2]);
/* The settings of a table's schema as stored: what readers of this node's result see. */
const capi_schema *capi_node_schema(const capi_node *node);

/* ---- policies ---- */

typedef enum capi_policy_command { CAPI_POLICY_GO, CAPI_POLICY_WAIT, CAPI_POLICY_NOGO } capi_policy_command;

typedef struct capi_policy_event { /* fields of alias nrs, and of the 1.1.6 alias e */
    int64_t run_id;
    bool run_is_current;
    int64_t run_status;
    int64_t node_status;
    int64_t run_start_ms, run_completed_ms, run_stopped_ms, node_start_ms, node_status_ms; /* 1.1.6 only; 0: not yet */
} capi_policy_event;

typedef struct capi_policy_verdict {
    capi_policy_command command;
    uint32_t event; /* which of the events decided (after sorting they keep their number) */
    int32_t rule;   /* -1: no rule matched, so: wait */
} capi_policy_verdict;

capi_str capi_policy_name(const capi_policy *policy);
/* Sorts by event_priority_order, ties by run id, highest first; the first rule that is true decides. At least one event. */
CAPI_MUST_USE capi_status capi_policy_decide(const capi_policy *policy, const capi_policy_event *events, uint32_t count,
                                             capi_policy_verdict *out, capi_err *err);

/* ---- the script ---- */

typedef struct capi_script {
    capi_arena arena;
    capi_str url, params_url;
    capi_str text, params_text;    /* as read: for the snapshot */
    const capi_node *const *nodes; /* script order */
    uint32_t node_count;
    const capi_node *const *by_name;    /* sorted by name */
    const capi_node *const *order;      /* topological order, ties by name */
    const capi_snapshot_text *snapshot; /* python sources and criteria files that were read */
    uint32_t snapshot_count;
} capi_script;

const capi_node *capi_script_node(const capi_script *script, capi_str name); /* or NULL */
/* The node that makes a table, or NULL. */
const capi_node *capi_script_table(const capi_script *script, capi_str table);

/* ---- loading ---- */

/* How files are fetched: local paths by default; callers with other transports, or with a run's snapshot, give their own. */
typedef capi_status (*capi_fetch_fn)(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err);

/* The files that a name among the "urls" of a reader stands for, in a run whose files are fixed; false: it stands for itself. */
typedef bool (*capi_expand_fn)(void *context, capi_str url, capi_arena *arena, const capi_str **urls, uint32_t *count);

typedef struct capi_load_options {
    capi_str script_url;
    capi_str params_url; /* empty: none */
    const capi_str
        *set_names; /* parameters given one by one (--set name=value): before those of the file; they take the */
    const capi_str *set_values; /* type of the file's parameter of that name, or are strings */
    uint32_t set_count;
    capi_fetch_fn fetch; /* NULL: local files */
    void *fetch_context;
    capi_expand_fn expand; /* with fetch_context; NULL: all names stand for themselves, wildcards or not */
    capi_str (*show_url)(capi_arena *arena,
                         capi_str url); /* how the two URLs are kept and told: without passwords; NULL: as given */
    capi_str custom_processors_json;    /* configuration section; data NULL: absent, so both processors exist */
    bool refuses_parquet;               /* Parquet files are a mistake: this program can neither read nor write them */
} capi_load_options;

/* CAPI_OK: *out is the script (free with capi_script_free); diags may hold warnings. CAPI_INVALID: diags holds every mistake.
 * CAPI_UNAVAILABLE, CAPI_NOT_FOUND: a file could not be fetched (also in diags). diags' arena is the caller's. */
CAPI_MUST_USE capi_status capi_script_load(const capi_load_options *options, capi_script **out, capi_diags *diags);
void capi_script_free(capi_script *script);

/* ---- graph ---- */

/* Section 9: the nodes that take part in a run with these start nodes, in topological order. Names that do not exist are an
 * error that lists them. `start` is comma-separated; blanks around names are ignored. */
CAPI_MUST_USE capi_status capi_script_affected(const capi_script *script, capi_str start, capi_arena *arena,
                                               const capi_node ***out, uint32_t *count, capi_err *err);
/* Start nodes when none are named: every node that reads only files and is not manual, comma-separated. */
capi_str capi_script_default_start(const capi_script *script, capi_arena *arena);

/* ---- for tests and tools ---- */

/* One index definition over a schema, as in w.indexes. */
CAPI_MUST_USE capi_status capi_index_parse(capi_arena *arena, capi_str text, const capi_schema *schema,
                                           capi_key_def *out, capi_err *err);
/* An order expression ("a(desc),b"), as in top.order. */
CAPI_MUST_USE capi_status capi_order_parse(capi_arena *arena, capi_str text, const capi_schema *schema,
                                           capi_key_def *out, capi_err *err);
