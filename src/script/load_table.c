/* load_table.c - the table that a node makes: its name, fields, condition and indexes. */
#include "script/loader.h"

#include "vec/layout.h"
#include "vec/number.h"

#include <math.h>

enum { NAME_BYTES_MAX = 42 };

static bool is_word(capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        char byte = text.data[i];

        if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
              byte == '_'))
            return false;
    }
    return text.bytes > 0;
}

/* ---- names ---- */

static void check_table_name(capi_loader *loader, const draft_node *node)
{
    static const char *const prefixes[] = {"idx", "wf", "system"};
    const capi_tree *value = capi_settings_value(&node->writer, CAPI_SET_TABLE_NAME);
    capi_str name;

    if (capi_settings_is_wrong(&node->writer, CAPI_SET_TABLE_NAME)) return;
    if (!value || value->string.bytes == 0) {
        capi_loader_error(loader, "S1", value ? value : capi_loader_key_of(node, "w"),
                          "\"name\" must name the table to make");
        return;
    }
    name = value->string;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (capi_str_starts(name, prefixes[i]))
            capi_loader_error(loader, "V22", value,
                              "table name \"%.*s\" begins with \"%s\"; idx, wf and system are reserved",
                              CAPI_STR_ARG(name), prefixes[i]);
    if (!is_word(name))
        capi_loader_error(loader, "V23", value, "table name \"%.*s\" may hold letters A-Z a-z, digits and _ only",
                          CAPI_STR_ARG(name));
    if (name.bytes > NAME_BYTES_MAX)
        capi_loader_error(loader, "V24", value, "table name \"%.*s\" has %zu bytes; at most %d are allowed",
                          CAPI_STR_ARG(name), name.bytes, NAME_BYTES_MAX);
}

static void check_index_name(capi_loader *loader, draft_index *index)
{
    capi_str name = index->index->name;

    if (!is_word(name) || !capi_str_starts(name, "idx") || name.bytes < 4)
        capi_loader_error(loader, "V33", index->key,
                          "index name \"%.*s\" must be \"idx\" and at least one more letter A-Z a-z, digit or _",
                          CAPI_STR_ARG(name));
    else if (name.bytes > NAME_BYTES_MAX)
        capi_loader_error(loader, "V34", index->key, "index name \"%.*s\" has %zu bytes; at most %d are allowed",
                          CAPI_STR_ARG(name), name.bytes, NAME_BYTES_MAX);
    else
        return;
    index->is_used = true; /* nobody can use it: that is no news */
}

static capi_str lower_case(capi_arena *arena, capi_str text)
{
    char *copy = capi_arena_copy(arena, text.data, text.bytes);

    for (size_t i = 0; i < text.bytes; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z') copy[i] = (char)(copy[i] + 'a' - 'A');
    return (capi_str){copy, text.bytes};
}

/* Databases know no case in column names and keep two of their own. */
static void check_field_names(capi_loader *loader, draft_node *node)
{
    capi_map seen;

    capi_map_init(&seen, loader->report.arena);
    for (uint32_t i = 0; i < node->field_count; i++) {
        draft_field *field = &node->fields[i];
        capi_str lower = lower_case(loader->report.arena, field->name);
        const draft_field *other = capi_map_put(&seen, lower, field);

        capi_loader_about(loader, node, "field \"%.*s\"", CAPI_STR_ARG(field->name));
        if (!capi_is_identifier(field->name))
            capi_loader_error(
                loader, "S1", field->key,
                "field name \"%.*s\" is not an identifier: letters, digits and _, not beginning with a digit",
                CAPI_STR_ARG(field->name));
        if (capi_str_is(lower, "rowid") || capi_str_is(lower, "batch_idx"))
            capi_loader_error(loader, "S1", field->key, "field name \"%.*s\" is reserved", CAPI_STR_ARG(field->name));
        if (other)
            capi_loader_error(loader, "S1", field->key, "field names \"%.*s\" and \"%.*s\" differ in letter case only",
                              CAPI_STR_ARG(other->name), CAPI_STR_ARG(field->name));
    }
}

/* ---- reading ---- */

static void read_field(capi_loader *loader, draft_node *node, const capi_tree_member *member, draft_field *field)
{
    capi_loader_about(loader, node, "field \"%.*s\"", CAPI_STR_ARG(member->key->string));
    *field = (draft_field){.name = member->key->string, .key = member->key, .tree = member->value};
    if (member->value->kind == CAPI_TREE_NULL) capi_loader_error(loader, "V9", member->key, "the field is null");
    capi_settings_read(&loader->report, &loader->source, member->value, CAPI_SECTION_FIELD, "the field",
                       &field->settings);
    field->has_type = field->settings.map &&
                      capi_loader_type(loader, "V27", &field->settings, CAPI_SET_FIELD_TYPE, member->key, &field->type);
    capi_name_list_add(&node->written, field->name, field->has_type, field->type);
}

static void read_fields(capi_loader *loader, draft_node *node)
{
    const capi_tree *map = capi_settings_value(&node->writer, CAPI_SET_TABLE_FIELDS);

    node->written.is_unknown = capi_settings_is_wrong(&node->writer, CAPI_SET_TABLE_FIELDS);
    node->field_count = map ? map->count : 0;
    node->fields = capi_new_array(loader->scratch, draft_field, node->field_count);
    for (uint32_t i = 0; i < node->field_count; i++)
        read_field(loader, node, &map->members[i], &node->fields[i]);
    check_field_names(loader, node);
}

static void read_index(capi_loader *loader, draft_node *node, const capi_tree_member *member, draft_index *index,
                       capi_index *made)
{
    const capi_order_mistake *mistakes;

    made->name = member->key->string;
    made->owner = node->node;
    *index = (draft_index){.index = made, .owner = node, .key = member->key, .definition = member->value};
    capi_loader_about(loader, node, "index \"%.*s\"", CAPI_STR_ARG(made->name));
    check_index_name(loader, index);
    if (node->written.is_unknown) return;
    index->is_right =
        capi_order_read_index(loader->arena, member->value->string, &node->written, &made->key, &mistakes);
    capi_loader_order_mistakes(loader, &loader->source, NULL, member->value, mistakes);
}

static void read_indexes(capi_loader *loader, draft_node *node, capi_table_sink *table)
{
    const capi_tree *map = capi_settings_value(&node->writer, CAPI_SET_TABLE_INDEXES);
    uint32_t count = map ? map->count : 0;
    capi_index *made = capi_new_array(loader->arena, capi_index, count);

    node->indexes = capi_new_array(loader->scratch, draft_index, count);
    table->indexes = made;
    node->index_count = table->index_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = node->index_count;

        if (map->members[i].value->kind != CAPI_TREE_STRING) { /* has been told */
            capi_map_put(&loader->broken_indexes, map->members[i].key->string, (void *)(uintptr_t)map);
            continue;
        }
        read_index(loader, node, &map->members[i], &node->indexes[at], &made[at]);
        node->index_count = table->index_count = at + 1;
    }
}

static void check_distinct(capi_loader *loader, draft_node *node)
{
    const capi_tree *having = capi_settings_value(&node->writer, CAPI_SET_TABLE_HAVING);
    uint32_t unique_count = 0;
    const capi_tree *indexes = capi_settings_value(&node->writer, CAPI_SET_TABLE_INDEXES);
    bool is_known = !capi_settings_is_wrong(&node->writer, CAPI_SET_TABLE_INDEXES) &&
                    node->index_count == (indexes ? indexes->count : 0);

    capi_loader_about(loader, node, NULL);
    for (uint32_t i = 0; i < node->index_count; i++) {
        if (!node->indexes[i].is_right) is_known = false;
        if (!node->indexes[i].index->key.is_unique) continue;
        unique_count++;
        node->indexes[i].is_used = true;
    }
    if (is_known && unique_count != 1)
        capi_loader_error(loader, "V53", capi_loader_key_of(node, "w"),
                          "a distinct_table needs exactly one unique index, which says what is distinct; found %u",
                          unique_count);
    if (having && !capi_text_is_blank(having->string))
        capi_loader_error(loader, "S4", having,
                          "a distinct_table takes no \"having\"; filter in a table_table before or behind it");
}

void capi_load_table_read(capi_loader *loader, draft_node *node)
{
    const capi_tree *writer = capi_settings_value(&node->settings, CAPI_SET_NODE_WRITER);
    capi_table_sink *table = capi_new(loader->arena, capi_table_sink);

    node->node->table = table;
    if (!writer) {
        if (!capi_settings_is_wrong(&node->settings, CAPI_SET_NODE_WRITER))
            capi_loader_error(loader, "V21", node->key, "the writer \"w\" is missing");
        node->written.is_unknown = true;
        return;
    }
    capi_loader_about(loader, node, "w");
    capi_settings_read(&loader->report, &loader->source, writer, CAPI_SECTION_TABLE_WRITER, "w", &node->writer);
    table->name = capi_settings_string(&node->writer, CAPI_SET_TABLE_NAME);
    table->table_options = capi_settings_string(&node->writer, CAPI_SET_TABLE_OPTIONS);
    check_table_name(loader, node);
    read_fields(loader, node);
    read_indexes(loader, node, table);
    if (node->node->type == CAPI_NODE_DISTINCT) check_distinct(loader, node);
}

/* ---- expressions ---- */

static const char *aggregate_hint(const draft_node *node)
{
    return node->node->type == CAPI_NODE_LOOKUP ? "set \"group\": true in \"l\""
                                                : "only lookups with \"group\": true aggregate";
}

static capi_name_scope field_scope(const draft_node *node, capi_slot_list *slots)
{
    capi_name_scope scope = {.slots = slots, .allows_aggregates = node->is_grouped};

    capi_name_scope_add(&scope, "r", node->readable, true, CAPI_SIDE_READER);
    capi_name_scope_add(&scope, "l", node->lookable, true, CAPI_SIDE_LOOKUP);
    capi_name_scope_add(&scope, "p", node->processed, true, CAPI_SIDE_PROCESSOR);
    capi_name_scope_add(&scope, "w", &node->written, false, CAPI_SIDE_WRITER);
    return scope;
}

static void check_field(capi_loader *loader, draft_node *node, draft_field *field)
{
    static const capi_expression_rules rules = {"V26", "V71", "V78", "V76"};
    const capi_tree *value = capi_settings_value(&field->settings, CAPI_SET_FIELD_EXPRESSION);
    capi_name_scope scope = field_scope(node, &node->slots);
    capi_expression_place place;

    capi_loader_about(loader, node, "field \"%.*s\"", CAPI_STR_ARG(field->name));
    if (!field->settings.map || capi_settings_is_wrong(&field->settings, CAPI_SET_FIELD_EXPRESSION)) return;
    if (!value) {
        capi_loader_error(loader, "V76", field->key, "the \"expression\" is missing");
        return;
    }
    place = capi_loader_place(loader, value, &rules);
    place.aggregate_hint = aggregate_hint(node);
    capi_expression_load(loader->arena, &place, &scope, field->has_type ? &field->type : NULL,
                         capi_str_format(loader->report.arena, "field \"%.*s\"", CAPI_STR_ARG(field->name)).data,
                         &field->expr);
    if (field->expr && node->is_grouped && !capi_expr_is_aggregate(field->expr) &&
        capi_expr_uses_alias(field->expr, CAPI_STR("l")))
        capi_loader_warning(loader, NULL, value,
                            "grouped, but no aggregate: of several right rows the last one gives the value");
}

static void check_having(capi_loader *loader, draft_node *node)
{
    static const capi_expression_rules rules = {"V25", "V70", "V75", "V75"};
    const capi_tree *value = capi_settings_value(&node->writer, CAPI_SET_TABLE_HAVING);
    capi_name_scope scope = {0};
    capi_expression_place place;
    capi_type wanted = CAPI_BOOL;

    if (!value || capi_text_is_blank(value->string)) return;
    capi_loader_about(loader, node, "having");
    capi_name_scope_add(&scope, "w", &node->written, true, CAPI_SIDE_WRITER);
    capi_name_scope_add(&scope, "r", node->readable, false, CAPI_SIDE_READER);
    capi_name_scope_add(&scope, "l", node->lookable, false, CAPI_SIDE_LOOKUP);
    capi_name_scope_add(&scope, "p", node->processed, false, CAPI_SIDE_PROCESSOR);
    place = capi_loader_place(loader, value, &rules);
    capi_expression_load(loader->arena, &place, &scope, &wanted, "\"having\"", &node->having);
}

/* ---- defaults ---- */

static const char *default_words(capi_type type)
{
    switch (type) {
    case CAPI_INT: return "a whole number";
    case CAPI_FLOAT:
    case CAPI_DECIMAL: return "a number";
    case CAPI_BOOL: return "one of 1 t T TRUE true True 0 f F FALSE false False";
    case CAPI_DATETIME: return "a datetime like 2006-01-02T15:04:05.000-07:00";
    case CAPI_STRING:
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return "text";
}

/* Cents of a default: the text as a double times 100, rounded half away from zero (script specification, 4.5). */
static bool parse_cents(capi_str text, capi_value *out)
{
    double number;
    double cents;

    if (capi_parse_float(text, &number) != CAPI_FLOAT_OK || !isfinite(number)) return false;
    cents = round(number * 100);
    if (fabs(cents) >= 9.2233720368547758e18) return false;
    out->decimal = capi_decimal_from_cents((int64_t)cents);
    return true;
}

static bool parse_datetime(capi_arena *arena, capi_str text, capi_value *out)
{
    const capi_layout *layout = capi_layout_compile(arena, CAPI_STR("2006-01-02T15:04:05.000-07:00"));

    return capi_layout_parse(layout, text, arena, &out->instant, NULL) == CAPI_OK;
}

static bool parse_default(capi_arena *arena, capi_str text, capi_type type, capi_value *out)
{
    *out = capi_value_zero(type);
    text = capi_str_trim(text);
    if (text.bytes == 0) return true;
    switch (type) {
    case CAPI_INT: return capi_parse_int(text, &out->integer);
    case CAPI_FLOAT: return capi_parse_float(text, &out->real) == CAPI_FLOAT_OK;
    case CAPI_BOOL: return capi_parse_bool(text, &out->boolean);
    case CAPI_DECIMAL: return parse_cents(text, out);
    case CAPI_DATETIME: return parse_datetime(arena, text, out);
    case CAPI_STRING: out->string = text; return true;
    case CAPI_LENGTH:
    case CAPI_MONTH:
    case CAPI_ZONE: break;
    }
    return false;
}

/* A default that can never be used is only worth a warning: such scripts run. */
static void check_default(capi_loader *loader, draft_node *node, const draft_field *field)
{
    const capi_tree *value = capi_settings_value(&field->settings, CAPI_SET_FIELD_DEFAULT);
    bool is_used = node->is_left && field->expr &&
                   (capi_expr_is_aggregate(field->expr) || capi_expr_uses_alias(field->expr, CAPI_STR("l")));
    capi_value parsed;

    if (!value || !field->has_type || parse_default(loader->arena, value->string, field->type, &parsed)) return;
    capi_loader_about(loader, node, "field \"%.*s\"", CAPI_STR_ARG(field->name));
    if (is_used)
        capi_loader_error(loader, "S2", value, "default_value \"%.*s\" is not %s, as type %s wants",
                          CAPI_STR_ARG(value->string), default_words(field->type), capi_type_name(field->type));
    else
        capi_loader_warning(loader, "S2", value, "default_value \"%.*s\" is not %s, as type %s wants; it is never used",
                            CAPI_STR_ARG(value->string), default_words(field->type), capi_type_name(field->type));
}

void capi_load_table_check(capi_loader *loader, draft_node *node)
{
    for (uint32_t i = 0; i < node->field_count; i++) {
        check_field(loader, node, &node->fields[i]);
        check_default(loader, node, &node->fields[i]);
    }
    if (node->node->type != CAPI_NODE_DISTINCT) check_having(loader, node);
}

/* ---- programs ---- */

static void build_field(capi_loader *loader, const draft_field *field, capi_program *program, capi_table_field *made)
{
    const capi_tree *fallback = capi_settings_value(&field->settings, CAPI_SET_FIELD_DEFAULT);

    *made = (capi_table_field){.name = field->name, .type = field->type, .expr = field->expr};
    made->output = made->agg_value = made->agg_condition = UINT32_MAX;
    made->is_aggregate = capi_expr_is_aggregate(field->expr);
    made->uses_lookup = capi_expr_uses_alias(field->expr, CAPI_STR("l"));
    if (made->is_aggregate)
        capi_program_add_aggregate(program, field->expr, &made->agg_value, &made->agg_condition);
    else
        made->output = capi_program_add(program, field->expr);
    if (!fallback || !parse_default(loader->arena, fallback->string, field->type, &made->default_value))
        made->default_value = capi_value_zero(field->type);
}

void capi_load_table_build(capi_loader *loader, draft_node *node)
{
    capi_table_sink *table = (capi_table_sink *)node->node->table;
    capi_table_field *fields = capi_new_array(loader->arena, capi_table_field, node->field_count);
    capi_field *columns = capi_new_array(loader->arena, capi_field, node->field_count);
    capi_program *program = capi_program_new(loader->arena);

    for (uint32_t i = 0; i < node->field_count; i++) {
        build_field(loader, &node->fields[i], program, &fields[i]);
        columns[i] = (capi_field){fields[i].name, fields[i].type};
    }
    table->schema = (capi_schema){columns, node->field_count};
    table->fields = fields;
    table->field_count = node->field_count;
    table->having = node->having;
    node->node->program = program;
    if (node->having) {
        capi_program *having = capi_program_new(loader->arena);

        capi_program_add(having, node->having);
        table->having_program = having;
    }
}
