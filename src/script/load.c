/* load.c - loads a script: fetches the files, puts the parameters in, runs the phases, and hands out the graph. */
#include "script/loader.h"

#include "base/file.h"
#include "base/file_url.h"
#include "script/params.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- words ---- */

void capi_loader_about(capi_loader *loader, const draft_node *node, const char *part, ...)
{
    char words[512];
    va_list args;

    int bytes;

    if (part) {
        va_start(args, part);
        vsnprintf(words, sizeof words, part, args);
        va_end(args);
        bytes = snprintf(loader->about, sizeof loader->about, "in %s of node \"%.*s\"", words,
                         CAPI_STR_ARG(node->key->string));
    } else
        bytes = snprintf(loader->about, sizeof loader->about, "in node \"%.*s\"", CAPI_STR_ARG(node->key->string));
    if (bytes >= (int)sizeof loader->about) bytes = (int)sizeof loader->about - 1;
    loader->report.context = (capi_str){loader->about, bytes < 0 ? 0 : (size_t)bytes};
}

void capi_loader_error(capi_loader *loader, const char *rule, const capi_tree *value, const char *format, ...)
{
    char words[CAPI_ERR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    capi_report_error(&loader->report, rule, &loader->source, value ? value->start : 0, value ? value->end : 0, "%s",
                      words);
}

void capi_loader_warning(capi_loader *loader, const char *rule, const capi_tree *value, const char *format, ...)
{
    char words[CAPI_ERR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    capi_report_warning(&loader->report, rule, &loader->source, value ? value->start : 0, value ? value->end : 0, "%s",
                        words);
}

void capi_loader_order_mistakes(capi_loader *loader, const capi_source *source, const char *rule,
                                const capi_tree *value, const capi_order_mistake *mistakes)
{
    for (; mistakes; mistakes = mistakes->next) {
        uint32_t start;
        uint32_t end;

        capi_tree_locate(value, source->text, mistakes->start, mistakes->end, &start, &end);
        capi_report_error(&loader->report, rule ? rule : mistakes->rule, source, start, end, "%.*s",
                          CAPI_STR_ARG(mistakes->message));
    }
}

const capi_tree *capi_loader_key_of(const draft_node *node, const char *section)
{
    for (uint32_t i = 0; node->settings.map && i < node->settings.map->count; i++)
        if (capi_str_is(node->settings.map->members[i].key->string, section)) return node->settings.map->members[i].key;
    return node->key;
}

void capi_loader_check_kind(capi_loader *loader, const draft_node *node, const char *part, capi_file_kind kind)
{
    if (kind != CAPI_FILE_PARQUET || !loader->options->refuses_parquet) return;
    capi_loader_about(loader, node, "%s", part);
    capi_loader_error(loader, NULL, capi_loader_key_of(node, part),
                      "Parquet files are not available in this build of the program; expected CSV");
}

bool capi_loader_type(capi_loader *loader, const char *rule, const capi_settings *settings, capi_setting setting,
                      const capi_tree *missing_at, capi_type *out)
{
    const capi_tree *value = capi_settings_value(settings, setting);
    const char *name = capi_setting_infos[setting].name;
    capi_str words[CAPI_TYPE_STORED_COUNT];

    *out = CAPI_STRING;
    if (capi_settings_is_wrong(settings, setting)) return false;
    if (value && capi_type_from_name(value->string, out)) return true;
    *out = CAPI_STRING;
    if (!value) {
        capi_loader_error(loader, rule, missing_at,
                          "\"%s\" is missing; expected string, int, float, bool, datetime or decimal2", name);
        return false;
    }
    for (int i = 0; i < CAPI_TYPE_STORED_COUNT; i++)
        words[i] = capi_str_of(capi_type_name((capi_type)i));
    capi_loader_error(loader, rule, value,
                      "unknown type \"%.*s\"; expected string, int, float, bool, datetime or decimal2%.*s",
                      CAPI_STR_ARG(value->string),
                      CAPI_STR_ARG(capi_did_you_mean(loader->scratch, value->string, words, CAPI_TYPE_STORED_COUNT)));
    return false;
}

void capi_loader_check_url(capi_loader *loader, const capi_tree *url, bool is_target)
{
    static const char *const sources[] = {"file://", "http://", "https://", "s3://", "sftp://", NULL};
    static const char *const targets[] = {"file://", "s3://", "sftp://", NULL};
    capi_str text = url->string;

    if (text.bytes && memchr(text.data, 0, text.bytes))
        capi_loader_error(loader, "Q18", url, "a NUL byte in a file name");
    if (text.bytes == 0) capi_loader_error(loader, "V17", url, "an empty file name");
    if (capi_str_find(text, CAPI_STR("://")) < 0) return;
    if (capi_file_url_is_elsewhere(text)) {
        capi_loader_error(loader, "Q18", url, "\"%.*s\" names another machine; expected file:///path or a plain path",
                          CAPI_STR_ARG(text));
        return;
    }
    for (const char *const *scheme = is_target ? targets : sources; *scheme; scheme++)
        if (capi_str_starts(text, *scheme)) return;
    capi_loader_error(loader, "Q18", url, "\"%.*s\" has an unsupported scheme; expected a local path, %s",
                      CAPI_STR_ARG(text), is_target ? "s3:// or sftp://" : "http://, https://, s3:// or sftp://");
}

capi_expression_place capi_loader_place(capi_loader *loader, const capi_tree *value, const capi_expression_rules *rules)
{
    return (capi_expression_place){
        .report = &loader->report, .source = &loader->source, .value = value, .rules = rules};
}

/* Letters beyond ASCII are taken as they are. */
bool capi_is_identifier(capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool is_letter = byte == '_' || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;

        if (!is_letter && !(i > 0 && byte >= '0' && byte <= '9')) return false;
    }
    return text.bytes > 0;
}

/* ---- files ---- */

static capi_status fetch_local(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    capi_str path = capi_str_copy(arena, url);

    (void)context;
    if (capi_file_url_is_elsewhere(url))
        return capi_err_set(err, CAPI_INVALID, "\"%s\" names another machine, expected file:///path or a plain path",
                            path.data);
    if (!capi_str_starts(url, "file://") && capi_str_find(url, CAPI_STR("://")) >= 0)
        return capi_err_set(err, CAPI_INVALID, "\"%s\" cannot be read: only local files can", path.data);
    return capi_file_read_all(path.data, CAPI_SCRIPT_BYTES_MAX, arena, text, err);
}

static capi_status fetch(capi_loader *loader, capi_str url, capi_str *text, capi_err *err)
{
    capi_fetch_fn fn = loader->options->fetch ? loader->options->fetch : fetch_local;
    capi_status st = fn(loader->options->fetch_context, url, loader->arena, text, err);

    if (st == CAPI_OK && text->bytes > CAPI_SCRIPT_BYTES_MAX)
        return capi_err_set(err, CAPI_INVALID, "\"%.*s\" has more than %d MiB", CAPI_STR_ARG(url),
                            CAPI_SCRIPT_BYTES_MAX >> 20);
    if (st == CAPI_OK && !text->data) text->data = "";
    return st;
}

static void count_fetch_failure(capi_loader *loader, capi_status st)
{
    if (st != CAPI_UNAVAILABLE && st != CAPI_NOT_FOUND) return;
    if (loader->fetch_status != CAPI_UNAVAILABLE) loader->fetch_status = st;
    loader->fetch_error_count++;
}

bool capi_loader_fetch(capi_loader *loader, const char *rule, capi_str url, const capi_tree *at, capi_str *text)
{
    capi_err err = {0};
    capi_status st = fetch(loader, url, text, &err);

    if (st == CAPI_OK) return true;
    count_fetch_failure(loader, st);
    if (at)
        capi_loader_error(loader, rule, at, "%s", err.text);
    else
        capi_report_error(&loader->report, rule, NULL, 0, 0, "%s", err.text);
    return false;
}

void capi_loader_snapshot(capi_loader *loader, const char *kind, capi_str url, capi_str text)
{
    for (uint32_t i = 0; i < loader->snapshot_count; i++)
        if (capi_str_equal(loader->snapshot[i].url, url) && capi_str_is(loader->snapshot[i].kind, kind)) return;
    if (loader->snapshot_count == loader->snapshot_capacity) {
        uint32_t capacity = loader->snapshot_capacity ? loader->snapshot_capacity * 2 : 8;
        capi_snapshot_text *texts = capi_new_array(loader->arena, capi_snapshot_text, capacity);

        if (loader->snapshot_count) memcpy(texts, loader->snapshot, loader->snapshot_count * sizeof *texts);
        loader->snapshot = texts;
        loader->snapshot_capacity = capacity;
    }
    loader->snapshot[loader->snapshot_count++] = (capi_snapshot_text){capi_str_of(kind), url, text};
}

static bool check_ending(capi_loader *loader, const char *rule, capi_str url, const char *what)
{
    if (capi_str_ends(url, ".json") || capi_str_ends(url, ".yaml")) return true;
    if (url.bytes == 0)
        capi_report_error(&loader->report, rule, NULL, 0, 0, "no %s file is given", what);
    else
        capi_report_error(&loader->report, rule, NULL, 0, 0,
                          "the name of the %s file \"%.*s\" must end in .json or .yaml", what, CAPI_STR_ARG(url));
    return false;
}

/* Parses source->text; mistakes are reported under `rule`. NULL then. */
static const capi_tree *parse(capi_loader *loader, const char *rule, const capi_source *source)
{
    const capi_tree *tree = NULL;
    capi_err err = {0};
    capi_status st = capi_str_ends(source->url, ".json")
                         ? capi_tree_from_json(loader->arena, source->text, &tree, &err)
                         : capi_tree_from_yaml(loader->arena, source->text, &tree, &err);

    if (st == CAPI_OK) return tree;
    uint32_t at = err.offset > 0 ? (uint32_t)err.offset : 0;
    capi_report_error(&loader->report, rule, source, at, at + err.length_bytes, "%s", err.text);
    return NULL;
}

static capi_str shown_url(const capi_loader *loader, capi_str url)
{
    const capi_load_options *options = loader->options;

    return capi_str_copy(loader->arena, options->show_url ? options->show_url(loader->arena, url) : url);
}

static void load_params(capi_loader *loader, capi_params *params)
{
    const capi_load_options *options = loader->options;
    capi_source *source = &loader->params_source;
    const capi_tree *root = NULL;

    source->url = shown_url(loader, options->params_url);
    loader->script->params_url = source->url;
    if (source->url.bytes && check_ending(loader, "V2", source->url, "parameters") &&
        capi_loader_fetch(loader, "V3", options->params_url, NULL, &source->original)) {
        source->text = source->original;
        loader->script->params_text = source->original;
        root = parse(loader, "V4", source);
    }
    capi_params_read(&loader->report, source, root, options->set_names, options->set_values, options->set_count,
                     params);
}

/* The places of parameters, then of the script: false if there is nothing to go on with. */
static bool load_texts(capi_loader *loader)
{
    capi_diags *diags = loader->report.diags;
    capi_params params;
    bool has_params;

    loader->source.url = shown_url(loader, loader->options->script_url);
    loader->script->url = loader->source.url;
    if (check_ending(loader, "V1", loader->source.url, "script"))
        capi_loader_fetch(loader, "V3", loader->options->script_url, NULL, &loader->source.original);
    loader->script->text = loader->source.original;
    load_params(loader, &params);
    has_params = diags->error_count == 0;
    if (!loader->source.original.data) return false;
    if (has_params) {
        capi_params_apply(&loader->report, &params, loader->arena, &loader->source);
        if (diags->error_count > 0) return false;
    } else {
        return false; /* what depends on parameters would only look wrong */
    }
    loader->root = parse(loader, "V9", &loader->source);
    return loader->root != NULL;
}

/* The configuration's section; absent, it restricts nothing. */
static void load_processors(capi_loader *loader)
{
    capi_str text = loader->options->custom_processors_json;
    const capi_tree *tree = NULL;
    capi_err err = {0};

    if (!text.data) return;
    if (capi_tree_from_json(loader->arena, text, &tree, &err) != CAPI_OK) {
        capi_report_error(&loader->report, "V42", NULL, 0, 0, "custom_processors in the configuration: %s", err.text);
        return;
    }
    if (tree->kind == CAPI_TREE_NULL) return;
    if (tree->kind != CAPI_TREE_MAP)
        capi_report_error(&loader->report, "V42", NULL, 0, 0,
                          "custom_processors in the configuration is %s; expected a map",
                          capi_tree_kind_name(tree->kind));
    loader->processors = tree;
}

/* ---- phases ---- */

static uint32_t line_of(const capi_loader *loader, const capi_tree *tree, uint32_t *line, uint32_t *counted)
{
    uint32_t start;
    uint32_t end;

    capi_source_find(&loader->source, tree->start, tree->end, &start, &end);
    if (start < *counted) {
        *line = 1;
        *counted = 0;
    }
    for (; *counted < start; (*counted)++)
        *line += loader->source.original.data[*counted] == '\n';
    return *line;
}

static bool make_nodes(capi_loader *loader)
{
    const capi_tree *map = capi_settings_value(&loader->settings, CAPI_SET_NODES);
    uint32_t count = map ? map->count : 0;
    const capi_node **nodes;
    capi_node *made;
    uint32_t line = 1;
    uint32_t counted = 0;

    if (count > CAPI_SCRIPT_NODE_MAX) {
        capi_loader_error(loader, "V9", map, "more than %d nodes", CAPI_SCRIPT_NODE_MAX);
        return false;
    }
    loader->nodes = capi_new_array(loader->scratch, draft_node, count);
    loader->node_count = count;
    made = capi_new_array(loader->arena, capi_node, count);
    nodes = capi_new_array(loader->arena, const capi_node *, count);
    for (uint32_t i = 0; i < count; i++) {
        const capi_tree_member *member = &map->members[i];

        loader->nodes[i] = (draft_node){.node = &made[i], .key = member->key, .tree = member->value};
        made[i].name = member->key->string;
        made[i].line = line_of(loader, member->key, &line, &counted);
        nodes[i] = &made[i];
    }
    loader->script->nodes = nodes;
    loader->script->node_count = count;
    return true;
}

/* What a node would make whose type is not known. */
static void index_broken(capi_loader *loader, const draft_node *node)
{
    const capi_tree *writer = node->tree->kind == CAPI_TREE_MAP ? capi_tree_get(node->tree, "w") : NULL;
    const capi_tree *name = writer && writer->kind == CAPI_TREE_MAP ? capi_tree_get(writer, "name") : NULL;
    const capi_tree *indexes = writer && writer->kind == CAPI_TREE_MAP ? capi_tree_get(writer, "indexes") : NULL;

    if (name && name->kind == CAPI_TREE_STRING)
        capi_map_put(&loader->broken_tables, name->string, (void *)(uintptr_t)name);
    else
        loader->has_nameless_table = true;
    if (!writer || writer->kind != CAPI_TREE_MAP || (indexes && indexes->kind != CAPI_TREE_MAP))
        loader->has_nameless_index = true;
    for (uint32_t i = 0; indexes && indexes->kind == CAPI_TREE_MAP && i < indexes->count; i++)
        capi_map_put(&loader->broken_indexes, indexes->members[i].key->string, (void *)(uintptr_t)indexes);
}

static void index_table(capi_loader *loader, draft_node *node)
{
    capi_str name = node->node->table ? node->node->table->name : (capi_str){0};
    draft_node *other = name.bytes ? capi_map_get(&loader->node_by_table, name) : NULL;

    if (!node->has_type) {
        index_broken(loader, node);
        return;
    }
    if (name.bytes == 0) {
        if (node->node->type == CAPI_NODE_TABLE_FILE) return;
        loader->has_nameless_table = true;
        if (!capi_settings_value(&node->writer, CAPI_SET_TABLE_INDEXES)) loader->has_nameless_index = true;
        return;
    }
    if (!other) {
        capi_map_put(&loader->node_by_table, name, node);
        return;
    }
    capi_loader_about(loader, node, "w");
    capi_loader_error(loader, "V54", capi_settings_value(&node->writer, CAPI_SET_TABLE_NAME),
                      "table \"%.*s\" is also made by node \"%.*s\"", CAPI_STR_ARG(name),
                      CAPI_STR_ARG(other->node->name));
}

static void index_indexes(capi_loader *loader, draft_node *node)
{
    if (node->writer.map && node->node->type != CAPI_NODE_TABLE_FILE &&
        capi_settings_is_wrong(&node->writer, CAPI_SET_TABLE_INDEXES))
        loader->has_nameless_index = true;
    for (uint32_t i = 0; i < node->index_count; i++) {
        draft_index *index = &node->indexes[i];
        const draft_index *other = capi_map_get(&loader->index_by_name, index->index->name);

        if (!other) {
            capi_map_put(&loader->index_by_name, index->index->name, index);
            continue;
        }
        capi_loader_about(loader, node, "index \"%.*s\"", CAPI_STR_ARG(index->index->name));
        capi_loader_error(loader, "V55", index->key, "index \"%.*s\" is also made by node \"%.*s\"",
                          CAPI_STR_ARG(index->index->name), CAPI_STR_ARG(other->owner->node->name));
    }
}

static void warn_unused_indexes(capi_loader *loader, const draft_node *node)
{
    for (uint32_t i = 0; i < node->index_count; i++) {
        const draft_index *index = &node->indexes[i];
        capi_str name = index->index->name;

        if (index->is_used || capi_str_find(name, CAPI_STR("to_check_uniq")) >= 0) continue;
        capi_loader_about(loader, node, "index \"%.*s\"", CAPI_STR_ARG(name));
        capi_loader_warning(loader, "V67", index->key,
                            "no lookup uses index \"%.*s\"; consider removing it (or put to_check_uniq into its name)",
                            CAPI_STR_ARG(name));
    }
}

static void run_phases(capi_loader *loader)
{
    capi_settings_read(&loader->report, &loader->source, loader->root, CAPI_SECTION_SCRIPT, "the script",
                       &loader->settings);
    if (loader->root->kind == CAPI_TREE_NULL)
        capi_loader_error(loader, "V9", loader->root, "the script is empty; expected a map with \"nodes\"");
    if (!loader->settings.map || !make_nodes(loader)) return;
    capi_load_policies(loader);
    for (uint32_t i = 0; i < loader->node_count; i++)
        capi_load_node_read(loader, &loader->nodes[i]);
    for (uint32_t i = 0; i < loader->node_count; i++) {
        index_table(loader, &loader->nodes[i]);
        index_indexes(loader, &loader->nodes[i]);
    }
    for (uint32_t i = 0; i < loader->node_count; i++)
        capi_load_node_check(loader, &loader->nodes[i]);
    for (uint32_t i = 0; i < loader->node_count && !loader->has_unknown_lookup; i++)
        warn_unused_indexes(loader, &loader->nodes[i]);
    if (!capi_load_graph(loader) || loader->report.diags->error_count > 0) return;
    capi_load_targets_check(loader);
    for (uint32_t i = 0; i < loader->node_count; i++)
        capi_load_node_build(loader, &loader->nodes[i]);
}

/* Errors that are nothing but files that could not be had may pass by themselves. */
static capi_status result_of(const capi_loader *loader)
{
    uint32_t error_count = loader->report.diags->error_count;

    if (error_count == 0) return CAPI_OK;
    return error_count == loader->fetch_error_count ? loader->fetch_status : CAPI_INVALID;
}

capi_status capi_script_load(const capi_load_options *options, capi_script **out, capi_diags *diags)
{
    capi_script *script = capi_zmalloc(sizeof *script);
    capi_arena scratch = {0};
    capi_loader loader = {.options = options, .script = script, .arena = &script->arena, .scratch = &scratch};
    capi_status st;

    *out = NULL;
    loader.report = (capi_report){.arena = &scratch, .diags = diags};
    capi_map_init(&loader.node_by_table, loader.scratch);
    capi_map_init(&loader.index_by_name, loader.scratch);
    capi_map_init(&loader.broken_tables, loader.scratch);
    capi_map_init(&loader.broken_indexes, loader.scratch);
    capi_name_list_init(&loader.unknown, loader.scratch);
    loader.unknown.is_unknown = true;
    load_processors(&loader);
    if (load_texts(&loader)) run_phases(&loader);
    script->snapshot = loader.snapshot;
    script->snapshot_count = loader.snapshot_count;
    capi_diags_sort(diags);
    capi_arena_deinit(&scratch);
    st = result_of(&loader);
    if (st == CAPI_OK)
        *out = script;
    else
        capi_script_free(script);
    return st;
}
