/* load_py_calc.c - py_calc: Python sources, and fields that call their functions.
 *
 * An expression is a call of a function that the sources define, or a field as it is. Only its form, its names and the number
 * of arguments can be judged here; Python has the last word when the node runs. */
#include "script/loader.h"

#include "script/python_scan.h"
#include "script/topo.h"

#include <stdlib.h>

typedef struct py_field {
    capi_str name;
    const capi_tree *key, *expression;
    bool has_type;
    capi_type type;
    const capi_ast *ast;
} py_field;

static const capi_expression_rules py_rules = {"V44", "V68", "V44", "V44"};

/* ---- interpreter ---- */

/* The environment wins over the configuration, also with nothing in it. */
static void check_interpreter(capi_loader *loader, const draft_node *node)
{
    const char *variable = getenv("CAPI_PYCALC_INTERPRETER_PATH");

    if (!variable || capi_str_trim(capi_str_of(variable)).bytes) return;
    capi_loader_error(loader, "V43", capi_settings_value(&node->settings, CAPI_SET_NODE_PROCESSOR),
                      "CAPI_PYCALC_INTERPRETER_PATH is empty; expected a Python interpreter, such as python3");
}

/* ---- sources ---- */

/* The sources in order, each with a line end behind it. False if one cannot be read. */
static bool read_sources(capi_loader *loader, draft_node *node, capi_processor *processor)
{
    const capi_tree *urls = capi_settings_value(&node->processor, CAPI_SET_PY_URLS);
    capi_snapshot_text *sources = capi_new_array(loader->arena, capi_snapshot_text, urls ? urls->count + 1 : 1);
    bool is_ok = !capi_settings_is_wrong(&node->processor, CAPI_SET_PY_URLS);
    capi_buf buf = {0};

    for (uint32_t i = 0; urls && i < urls->count; i++) {
        capi_str text;

        capi_loader_check_url(loader, urls->items[i], false);
        if (!capi_loader_fetch(loader, "V46", urls->items[i]->string, urls->items[i], &text)) {
            is_ok = false;
            continue;
        }
        capi_loader_snapshot(loader, "python", urls->items[i]->string, text);
        sources[processor->python_source_count++] =
            (capi_snapshot_text){CAPI_STR("python"), capi_str_copy(loader->arena, urls->items[i]->string),
                                 capi_str_copy(loader->arena, text)};
        if (capi_str_starts(text, "\xEF\xBB\xBF")) text = capi_str_slice(text, 3, text.bytes);
        capi_buf_append_str(&buf, text);
        capi_buf_append_byte(&buf, '\n');
    }
    processor->python_sources = sources;
    processor->python_code = capi_str_copy(loader->arena, capi_buf_str(&buf));
    capi_buf_deinit(&buf);
    return is_ok;
}

/* ---- calls ---- */

static bool is_builtin(capi_str name)
{
    static const char *const names[] = {"str", "int", "float", "round", "len", "bool", "abs"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (capi_str_is(name, names[i])) return true;
    return false;
}

typedef struct py_check {
    capi_loader *loader;
    capi_expression_place place;
    const capi_python_module *module;
    bool knows_module; /* false: a source is missing, so functions are not judged */
} py_check;

static void report_function(py_check *check, const capi_ast *call)
{
    capi_arena *arena = check->loader->arena;
    const capi_python_function *found = capi_map_get(&check->module->by_name, call->name);
    capi_str signatures[8];
    size_t count = 0;

    for (; found && count < 8; found = found->other)
        if (found->signature.bytes) signatures[count++] = found->signature;
    if (count > 0) {
        capi_expression_report(&check->place, "V47", call->offset, call->offset + call->length_bytes,
                               "\"%.*s\" is called with %u argument%s, but defined as %.*s", CAPI_STR_ARG(call->name),
                               call->arg_count, call->arg_count == 1 ? "" : "s",
                               CAPI_STR_ARG(capi_words_join(arena, signatures, count, false)));
    } else {
        uint32_t names_count = check->module->by_name.count;
        capi_str *names = capi_new_array(arena, capi_str, names_count);

        for (uint32_t i = 0; i < names_count; i++)
            names[i] = check->module->by_name.entries[i].name;
        capi_expression_report(&check->place, "V47", call->offset, call->offset + call->length_bytes,
                               "the Python sources define no function \"%.*s\" with %u argument%s%.*s",
                               CAPI_STR_ARG(call->name), call->arg_count, call->arg_count == 1 ? "" : "s",
                               CAPI_STR_ARG(capi_did_you_mean(arena, call->name, names, names_count)));
    }
}

/* A call and the calls that are its arguments, and so on; the parser bounds the depth. */
static void check_call(py_check *check, const capi_ast *call)
{
    if (call->alias.bytes) {
        capi_expression_report(&check->place, "V44", call->offset, call->offset + call->length_bytes,
                               "\"%.*s.%.*s\" is called; only plain functions can be, write a function that calls it",
                               CAPI_STR_ARG(call->alias), CAPI_STR_ARG(call->name));
        return;
    }
    if (check->knows_module && !(is_builtin(call->name) && call->arg_count == 1) &&
        !capi_python_accepts(check->module, call->name, call->arg_count))
        report_function(check, call);
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (call->args[i]->kind == CAPI_AST_CALL && !call->args[i]->in_parentheses) check_call(check, call->args[i]);
}

/* What our grammar has and Python has not: the first such operator or text outside of texts. */
static bool find_foreign(capi_str text, size_t *start, size_t *bytes)
{
    static const char *const foreign[] = {"&&", "||", "&^", "`"};

    for (size_t at = 0; at < text.bytes; at++) {
        char quote = text.data[at];

        *start = at;
        *bytes = quote == '!' && (at + 1 == text.bytes || text.data[at + 1] != '=') ? 1 : 0;
        for (size_t i = 0; i < sizeof foreign / sizeof *foreign && !*bytes; i++)
            if (capi_str_starts(capi_str_slice(text, at, text.bytes), foreign[i])) *bytes = strlen(foreign[i]);
        if (*bytes) return true;
        if (quote != '"' && quote != '\'') continue;
        for (at++; at < text.bytes && text.data[at] != quote; at++)
            at += text.data[at] == '\\';
    }
    return false;
}

static void check_form(py_check *check, const capi_ast *ast)
{
    capi_str text = check->place.value->string;
    size_t start, bytes;

    if (find_foreign(text, &start, &bytes)) {
        capi_expression_report(&check->place, "V44", (uint32_t)start, (uint32_t)(start + bytes),
                               "Python has no \"%.*s\"; write a function that does this", (int)bytes,
                               text.data + start);
        return;
    }
    if (ast->kind == CAPI_AST_CALL && !ast->in_parentheses) {
        check_call(check, ast);
        return;
    }
    if (ast->kind == CAPI_AST_FIELD && !ast->in_parentheses) return;
    capi_expression_report(&check->place, "V44", 0, check->place.value->string.bytes,
                           "expected a call of a function of yours, f(...), or one field, r.x or p.x");
}

/* ---- fields ---- */

static void read_field(capi_loader *loader, draft_node *node, const capi_tree_member *member)
{
    capi_settings settings;
    capi_type type = CAPI_STRING;
    bool has_type;

    capi_loader_about(loader, node, "calculated field \"%.*s\"", CAPI_STR_ARG(member->key->string));
    if (member->value->kind == CAPI_TREE_NULL) capi_loader_error(loader, "V9", member->key, "the field is null");
    capi_settings_read(&loader->report, &loader->source, member->value, CAPI_SECTION_CALCULATED_FIELD, "the field",
                       &settings);
    has_type = settings.map && capi_loader_type(loader, "V45", &settings, CAPI_SET_CALCULATED_TYPE, member->key, &type);
    capi_name_list_add(&node->produced, member->key->string, has_type, type);
    if (settings.map && !capi_settings_value(&settings, CAPI_SET_CALCULATED_EXPRESSION) &&
        !capi_settings_is_wrong(&settings, CAPI_SET_CALCULATED_EXPRESSION))
        capi_loader_error(loader, "V44", member->key, "the \"expression\" is missing");
}

void capi_load_py_calc_read(capi_loader *loader, draft_node *node)
{
    const capi_tree *tree = capi_settings_value(&node->settings, CAPI_SET_NODE_PROCESSOR_SETTINGS);
    const capi_tree *fields;

    capi_settings_read(&loader->report, &loader->source, tree, CAPI_SECTION_PY_CALC, "p", &node->processor);
    if (!node->processor.map) return;
    fields = capi_settings_value(&node->processor, CAPI_SET_PY_FIELDS);
    if (capi_settings_is_wrong(&node->processor, CAPI_SET_PY_FIELDS)) node->processed = &loader->unknown;
    for (uint32_t i = 0; fields && i < fields->count; i++)
        read_field(loader, node, &fields->members[i]);
}

static void check_field(py_check *check, draft_node *node, py_field *field)
{
    capi_name_scope scope = {.slots = &node->slots, .allows_plain_names = true};
    capi_name_scope processor_scope;

    capi_loader_about(check->loader, node, "calculated field \"%.*s\"", CAPI_STR_ARG(field->name));
    check->place = capi_loader_place(check->loader, field->expression, &py_rules);
    capi_name_scope_add(&scope, "r", node->readable, true, CAPI_SIDE_READER);
    capi_name_scope_add(&scope, "p", &node->produced, true, CAPI_SIDE_PROCESSOR);
    processor_scope = scope;
    if (!capi_expression_parse(check->loader->arena, &check->place, &processor_scope, &field->ast)) {
        if (!field->ast) return;
    }
    check_form(check, field->ast);
}

/* ---- order ---- */

typedef struct edge_list {
    capi_topo_edge *items;
    uint32_t count, capacity;
} edge_list;

static void collect_edges(capi_arena *arena, const draft_node *node, const capi_ast *ast, uint32_t after,
                          edge_list *edges)
{
    if (ast->kind == CAPI_AST_FIELD && capi_str_is(ast->alias, "p")) {
        const capi_name *name = capi_name_list_find(&node->produced, ast->name);

        if (name && edges->count == edges->capacity) {
            uint32_t capacity = edges->capacity ? edges->capacity * 2 : 16;
            capi_topo_edge *items = capi_new_array(arena, capi_topo_edge, capacity);

            if (edges->count) memcpy(items, edges->items, edges->count * sizeof *items);
            edges->items = items;
            edges->capacity = capacity;
        }
        if (name) edges->items[edges->count++] = (capi_topo_edge){name->number, after};
    }
    for (uint32_t i = 0; i < ast->arg_count; i++)
        collect_edges(arena, node, ast->args[i], after, edges);
}

static void report_cycle(capi_loader *loader, draft_node *node, const py_field *fields, uint32_t count,
                         const edge_list *edges, const uint32_t *order, uint32_t ordered)
{
    uint32_t *cycle = capi_new_array(loader->arena, uint32_t, count + 1);
    uint32_t length = capi_topo_cycle(count, edges->items, edges->count, order, ordered, cycle);
    capi_buf path = {0};

    for (uint32_t i = 0; i <= length && i < 20; i++)
        capi_buf_printf(&path, "%sp.%.*s", i ? " -> " : "", CAPI_STR_ARG(fields[cycle[i % length]].name));
    capi_loader_about(loader, node, "p");
    capi_loader_error(loader, "V48", fields[cycle[0]].key, "calculated fields need each other in a circle: %.*s",
                      CAPI_STR_ARG(capi_buf_str(&path)));
    capi_buf_deinit(&path);
}

static void order_fields(capi_loader *loader, draft_node *node, const py_field *fields, uint32_t count)
{
    capi_processor *processor = (capi_processor *)node->node->processor;
    capi_processor_field *made = capi_new_array(loader->arena, capi_processor_field, count);
    uint32_t *order = capi_new_array(loader->scratch, uint32_t, count + 1);
    edge_list edges = {0};
    uint32_t ordered;

    for (uint32_t i = 0; i < count; i++)
        if (fields[i].ast) collect_edges(loader->scratch, node, fields[i].ast, i, &edges);
    ordered = capi_topo_sort(count, edges.items, edges.count, order);
    if (ordered < count) {
        report_cycle(loader, node, fields, count, &edges, order, ordered);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const py_field *field = &fields[order[i]];

        made[i] = (capi_processor_field){field->name, field->type, field->ast,
                                         field->expression ? field->expression->string : CAPI_STR("")};
    }
    processor->fields = made;
    processor->field_count = count;
}

void capi_load_py_calc_check(capi_loader *loader, draft_node *node)
{
    const capi_tree *map = capi_settings_value(&node->processor, CAPI_SET_PY_FIELDS);
    uint32_t count = map ? map->count : 0;
    py_field *fields = capi_new_array(loader->scratch, py_field, count);
    capi_processor *processor = (capi_processor *)node->node->processor;
    capi_python_module module;
    py_check check = {.loader = loader, .module = &module};

    capi_loader_about(loader, node, "p");
    check_interpreter(loader, node);
    check.knows_module = read_sources(loader, node, processor);
    capi_python_scan(loader->scratch, processor->python_code, &module);
    for (uint32_t i = 0; i < count; i++) {
        const capi_tree *expression = capi_tree_get(map->members[i].value, "expression");
        const capi_name *name = &node->produced.items[i];

        fields[i] =
            (py_field){.name = name->name, .key = map->members[i].key, .has_type = name->has_type, .type = name->type};
        if (!expression || expression->kind != CAPI_TREE_STRING) continue;
        fields[i].expression = expression;
        check_field(&check, node, &fields[i]);
    }
    order_fields(loader, node, fields, count);
}
