/* loader.h - what the parts of the loader share: the nodes as they come into being.
 *
 *     load.c           the files, the phases, the result
 *     load_node.c      settings that all nodes have
 *     load_reader.c    r of a file_table, r of the others
 *     load_table.c     w of a node that makes a table: names, fields, indexes
 *     load_file.c      w of a table_file
 *     load_targets.c   files that several nodes name
 *     load_lookup.c    l
 *     load_tag.c, load_py_calc.c    p
 *     load_policy.c    dependency_policies
 *
 * Phases, as in section 11.1 of the script specification: every part has a _read function that looks at its settings alone,
 * and a _check function that runs when all nodes are read, so that names lead to other nodes. After a mistake the phases
 * go on with what is known; what depends on something wrong is marked unknown and not judged. Programs are compiled last,
 * by the _build functions, if there is no mistake at all. */
#pragma once

#include "script/expression.h"
#include "script/names.h"
#include "script/order.h"
#include "script/script.h"
#include "script/settings.h"

typedef struct draft_index draft_index;
typedef struct draft_node draft_node;

struct draft_index {
    capi_index *index;
    draft_node *owner;
    const capi_tree *key, *definition;
    bool is_right; /* its definition is without mistakes */
    bool is_used;
};

typedef struct draft_field { /* of a table, or a column of a file */
    capi_settings settings, csv, parquet;
    capi_str name;
    const capi_tree *tree, *key; /* key NULL for file columns */
    bool has_type;
    capi_type type;
    const capi_expr *expr; /* NULL: wrong, or not judged */
} draft_field;

struct draft_node {
    capi_node *node;
    const capi_tree *key, *tree;
    capi_settings settings, reader, reader_csv, lookup, processor, writer;
    bool has_type;

    /* r */
    capi_name_list columns;         /* file_table */
    const capi_name_list *readable; /* r.*: columns, or the fields of the source table, or unknown */
    draft_node *source;             /* makes the source table */
    capi_csv_column *csv_columns;   /* is_needed is set when the slots are known */

    /* l */
    draft_index *right;
    const capi_name_list *lookable; /* l.*; NULL: no lookup */
    bool is_grouped, is_left;
    const capi_expr *filter;

    /* p */
    capi_name_list produced;
    const capi_name_list *processed; /* p.*; NULL: no processor */
    const capi_expr **criteria;
    uint32_t criterion_count;

    /* w */
    capi_name_list written; /* w.* */
    draft_field *fields;
    uint32_t field_count;
    draft_index *indexes;
    uint32_t index_count;
    const capi_expr *having;

    capi_slot_list slots;
};

typedef struct capi_loader {
    const capi_load_options *options;
    capi_script *script;
    capi_arena *arena;   /* of the script */
    capi_arena *scratch; /* until the script is loaded: drafts, names, words */
    capi_report report;
    char about[1024]; /* holds report.context */
    capi_source source, params_source;
    const capi_tree *root;
    capi_settings settings; /* top level */

    draft_node *nodes;
    uint32_t node_count;
    capi_map node_by_table, index_by_name;  /* draft_node, draft_index */
    capi_map broken_tables, broken_indexes; /* of nodes that could not be read: nobody is told that they do not exist */
    bool has_nameless_table;                /* a node's table has no usable name, so any name may be meant for it */
    bool has_nameless_index;                /* likewise for indexes */
    bool has_unknown_lookup;                /* which index a lookup uses cannot be told */
    capi_name_list unknown;                 /* a list that stands for what cannot be told */

    const capi_tree *processors; /* custom_processors of the configuration, or NULL: not restricted */

    const capi_policy **policies;
    uint32_t policy_count;
    const capi_policy *default_policy;

    capi_snapshot_text *snapshot;
    uint32_t snapshot_count, snapshot_capacity;

    capi_status fetch_status; /* of the worst file that could not be fetched */
    uint32_t fetch_error_count;
} capi_loader;

/* ---- words ---- */

/* Sets what messages are about: "in <part> of node "name"". part NULL: "in node "name"". Formatted. */
void capi_loader_about(capi_loader *loader, const draft_node *node, const char *part, ...) CAPI_PRINTF(3, 4);
/* A mistake at a value of the script; value NULL: at `otherwise`. */
void capi_loader_error(capi_loader *loader, const char *rule, const capi_tree *value, const char *format, ...)
    CAPI_PRINTF(4, 5);
void capi_loader_warning(capi_loader *loader, const char *rule, const capi_tree *value, const char *format, ...)
    CAPI_PRINTF(4, 5);
/* Says, at `r` or `w`, that the program has no Parquet, if the options say so. */
void capi_loader_check_kind(capi_loader *loader, const draft_node *node, const char *part, capi_file_kind kind);
/* Mistakes of an index definition or an order in `value`; rule NULL: their own. */
void capi_loader_order_mistakes(capi_loader *loader, const capi_source *source, const char *rule,
                                const capi_tree *value, const capi_order_mistake *mistakes);
/* The place to blame for a setting that is missing: the key of the map it is missing in. */
const capi_tree *capi_loader_key_of(const draft_node *node, const char *section);
/* The data type named by a setting; reports under `rule` if it is none. */
bool capi_loader_type(capi_loader *loader, const char *rule, const capi_settings *settings, capi_setting setting,
                      const capi_tree *missing_at, capi_type *out);
/* An unsupported scheme is an error. */
void capi_loader_check_url(capi_loader *loader, const capi_tree *url, bool is_target);
/* Fetches a file; failures are reported under `rule` at `at` (NULL: no place) and counted. */
bool capi_loader_fetch(capi_loader *loader, const char *rule, capi_str url, const capi_tree *at, capi_str *text);
void capi_loader_snapshot(capi_loader *loader, const char *kind, capi_str url, capi_str text);
/* A place for expressions of the script file. */
capi_expression_place capi_loader_place(capi_loader *loader, const capi_tree *value,
                                        const capi_expression_rules *rules);
bool capi_is_identifier(capi_str text);

/* ---- parts ---- */

void capi_load_node_read(capi_loader *loader, draft_node *node);
void capi_load_node_check(capi_loader *loader, draft_node *node);
void capi_load_node_build(capi_loader *loader, draft_node *node);

void capi_load_reader_read(capi_loader *loader, draft_node *node);
void capi_load_reader_check(capi_loader *loader, draft_node *node);
void capi_load_reader_build(draft_node *node);

void capi_load_lookup_read(capi_loader *loader, draft_node *node);
void capi_load_lookup_check(capi_loader *loader, draft_node *node);
void capi_load_lookup_build(capi_loader *loader, draft_node *node);

void capi_load_table_read(capi_loader *loader, draft_node *node);
void capi_load_table_check(capi_loader *loader, draft_node *node);
void capi_load_table_build(capi_loader *loader, draft_node *node);

void capi_load_file_read(capi_loader *loader, draft_node *node);
void capi_load_file_check(capi_loader *loader, draft_node *node);
void capi_load_file_build(capi_loader *loader, draft_node *node);

/* Files that several nodes name. When all nodes have their ranks. */
void capi_load_targets_check(capi_loader *loader);

void capi_load_processor_read(capi_loader *loader, draft_node *node);
void capi_load_processor_check(capi_loader *loader, draft_node *node);
void capi_load_processor_build(capi_loader *loader, draft_node *node);

void capi_load_tag_read(capi_loader *loader, draft_node *node);
void capi_load_tag_check(capi_loader *loader, draft_node *node);
void capi_load_tag_build(capi_loader *loader, draft_node *node);

void capi_load_py_calc_read(capi_loader *loader, draft_node *node);
void capi_load_py_calc_check(capi_loader *loader, draft_node *node);

void capi_load_policies(capi_loader *loader);
const capi_policy *capi_loader_policy(const capi_loader *loader, capi_str name);

/* Ranks nodes in topological order, ties by name; cycles are reported and false. */
bool capi_load_graph(capi_loader *loader);
