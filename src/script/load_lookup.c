/* load_lookup.c - the right-hand table of a lookup: its index, what the rows are matched on, the filter. */
#include "script/loader.h"

enum { READ_BATCH_MAX = 20000 };

/* ---- reading ---- */

static void read_join_type(capi_loader *loader, draft_node *node, capi_lookup *lookup)
{
    const capi_tree *value = capi_settings_value(&node->lookup, CAPI_SET_LOOKUP_JOIN_TYPE);
    static const capi_str words[] = {{"inner", 5}, {"left", 4}};

    if (capi_settings_is_wrong(&node->lookup, CAPI_SET_LOOKUP_JOIN_TYPE)) return;
    lookup->is_left = node->is_left = value && capi_str_is(value->string, "left");
    if (value && (lookup->is_left || capi_str_is(value->string, "inner"))) return;
    if (!value)
        capi_loader_error(loader, "V65", capi_loader_key_of(node, "l"),
                          "\"join_type\" is missing; expected inner or left");
    else
        capi_loader_error(loader, "V65", value, "join_type is \"%.*s\"; expected inner or left%.*s",
                          CAPI_STR_ARG(value->string),
                          CAPI_STR_ARG(capi_did_you_mean(loader->scratch, value->string, words, 2)));
}

static void read_batch_size(capi_loader *loader, const draft_node *node, capi_setting setting)
{
    const capi_tree *value = capi_settings_value(&node->lookup, setting);

    if (value && value->integer > READ_BATCH_MAX)
        capi_loader_error(loader, "V66", value, "%s is %lld; at most %d are allowed (absent or 0: 3000)",
                          capi_setting_infos[setting].name, (long long)value->integer, READ_BATCH_MAX);
}

/* Types are checked in every node, the rest in lookups only. */
void capi_load_lookup_read(capi_loader *loader, draft_node *node)
{
    const capi_tree *tree = capi_settings_value(&node->settings, CAPI_SET_NODE_LOOKUP);
    capi_lookup *lookup;

    capi_loader_about(loader, node, "l");
    capi_settings_read(&loader->report, &loader->source, tree, CAPI_SECTION_LOOKUP, "l", &node->lookup);
    if (node->node->type != CAPI_NODE_LOOKUP || !node->has_type) return;
    lookup = capi_new(loader->arena, capi_lookup);
    node->node->lookup = lookup;
    node->lookable = &loader->unknown;
    /* Is it grouped or not? If that cannot be told, aggregates are not judged, which is_grouped allows. */
    node->is_grouped = true;
    if (!tree) {
        loader->has_unknown_lookup = true;
        if (!capi_settings_is_wrong(&node->settings, CAPI_SET_NODE_LOOKUP))
            capi_loader_error(loader, "V58", node->key, "the lookup section \"l\" is missing");
        return;
    }
    if (!node->lookup.map) return;
    read_join_type(loader, node, lookup);
    lookup->is_grouped = capi_settings_bool(&node->lookup, CAPI_SET_LOOKUP_GROUP);
    node->is_grouped = lookup->is_grouped || capi_settings_is_wrong(&node->lookup, CAPI_SET_LOOKUP_GROUP);
    read_batch_size(loader, node, CAPI_SET_LOOKUP_INDEX_BATCH);
    read_batch_size(loader, node, CAPI_SET_LOOKUP_RIGHT_BATCH);
}

/* ---- the index ---- */

static void report_unknown_index(capi_loader *loader, const draft_node *node, const capi_tree *value)
{
    uint32_t count = loader->index_by_name.count;
    capi_str *names;
    capi_str hint;

    if (!capi_report_may_hint(&loader->report)) {
        capi_loader_error(loader, "V58", value ? value : capi_loader_key_of(node, "l"), "no node makes index \"%.*s\"",
                          CAPI_STR_ARG(value ? value->string : CAPI_STR("")));
        return;
    }
    names = capi_new_array(loader->scratch, capi_str, count);
    for (uint32_t i = 0; i < count; i++)
        names[i] = loader->index_by_name.entries[i].name;
    if (!value || value->string.bytes == 0) {
        capi_loader_error(loader, "V58", value ? value : capi_loader_key_of(node, "l"),
                          "\"index_name\" must name an index of the right-hand table; indexes of this script are %.*s",
                          CAPI_STR_ARG(capi_words_join(loader->scratch, names, count, false)));
        return;
    }
    hint = capi_did_you_mean(loader->scratch, value->string, names, count);
    if (hint.bytes == 0)
        hint = capi_str_format(loader->scratch, "; indexes of this script are %.*s",
                               CAPI_STR_ARG(capi_words_join(loader->scratch, names, count, false)));
    capi_loader_error(loader, "V58", value, "no node makes index \"%.*s\"%.*s", CAPI_STR_ARG(value->string),
                      CAPI_STR_ARG(hint));
}

static void find_index(capi_loader *loader, draft_node *node)
{
    const capi_tree *value = capi_settings_value(&node->lookup, CAPI_SET_LOOKUP_INDEX);

    if (capi_settings_is_wrong(&node->lookup, CAPI_SET_LOOKUP_INDEX)) {
        loader->has_unknown_lookup = true;
        return;
    }
    node->right = value ? capi_map_get(&loader->index_by_name, value->string) : NULL;
    if (!node->right) loader->has_unknown_lookup = true;
    if (!node->right && value && value->string.bytes &&
        (loader->has_nameless_index || capi_map_get(&loader->broken_indexes, value->string))) {
        node->lookable = &loader->unknown;
        return;
    }
    if (!node->right) {
        report_unknown_index(loader, node, value);
        return;
    }
    node->right->is_used = true;
    node->lookable = &node->right->owner->written;
    ((capi_lookup *)node->node->lookup)->index = node->right->index;
}

/* ---- join_on ---- */

typedef struct join_field {
    capi_str name;
    size_t start, end;     /* in join_on */
    const capi_name *left; /* NULL: unknown */
} join_field;

static void report_join(capi_loader *loader, const capi_tree *value, const char *rule, const join_field *field,
                        const char *message)
{
    uint32_t start;
    uint32_t end;

    capi_tree_locate(value, loader->source.text, field->start, field->end, &start, &end);
    capi_report_error(&loader->report, rule, &loader->source, start, end, "%s", message);
}

static void report_join_name(capi_loader *loader, draft_node *node, const capi_tree *value, const join_field *field)
{
    capi_str *names;
    capi_str hint = {0};

    if (capi_report_may_hint(&loader->report)) {
        names = capi_new_array(loader->scratch, capi_str, node->readable->count);
        for (uint32_t i = 0; i < node->readable->count; i++)
            names[i] = node->readable->items[i].name;
        hint = capi_did_you_mean(loader->scratch, field->name, names, node->readable->count);
    }
    report_join(loader, value, "V61", field,
                capi_str_format(loader->scratch, "table \"%.*s\" has no field \"%.*s\"%.*s",
                                CAPI_STR_ARG(node->node->source_table), CAPI_STR_ARG(field->name), CAPI_STR_ARG(hint))
                    .data);
}

/* One item of the list: "r.name", blanks around dot and item are ignored. */
static bool read_join_field(capi_loader *loader, draft_node *node, const capi_tree *value, join_field *field)
{
    capi_str item = capi_str_slice(value->string, field->start, field->end);
    int64_t dot = capi_str_find(item, CAPI_STR("."));
    capi_str alias = capi_str_trim(dot < 0 ? item : capi_str_slice(item, 0, (size_t)dot));

    field->name = dot < 0 ? CAPI_STR("") : capi_str_trim(capi_str_slice(item, (size_t)dot + 1, item.bytes));
    if (dot < 0 || alias.bytes == 0 || field->name.bytes == 0 || capi_str_find(field->name, CAPI_STR(".")) >= 0) {
        report_join(loader, value, "V59", field,
                    capi_str_format(loader->scratch,
                                    "\"%.*s\" is not a field of the left table; expected r.name, more than one as "
                                    "r.a,r.b",
                                    CAPI_STR_ARG(item))
                        .data);
        return false;
    }
    if (!capi_str_is(alias, "r")) {
        report_join(loader, value, "V60", field,
                    capi_str_format(loader->scratch, "alias \"%.*s\" in join_on; expected r, the left table",
                                    CAPI_STR_ARG(alias))
                        .data);
        return false;
    }
    if (node->readable->is_unknown) return true;
    field->left = capi_name_list_find(node->readable, field->name);
    if (!field->left) report_join_name(loader, node, value, field);
    return field->left != NULL;
}

static uint32_t count_items(capi_str text)
{
    uint32_t count = 1;

    for (size_t i = 0; i < text.bytes; i++)
        count += text.data[i] == ',';
    return count;
}

/* Leaves out the blanks around an item, so that they are not underlined. */
static void trim_item(capi_str text, join_field *field)
{
    capi_str item = capi_str_slice(text, field->start, field->end);
    capi_str trimmed = capi_str_trim(item);

    if (trimmed.bytes == 0) return;
    field->start = (size_t)(trimmed.data - text.data);
    field->end = field->start + trimmed.bytes;
}

static join_field *read_join_on(capi_loader *loader, draft_node *node, const capi_tree *value, uint32_t *count,
                                bool *is_right)
{
    join_field *fields;
    size_t at = 0;

    *count = count_items(value->string);
    *is_right = true;
    fields = capi_new_array(loader->scratch, join_field, *count);
    for (uint32_t i = 0; i < *count; i++) {
        capi_str rest = capi_str_slice(value->string, at, value->string.bytes);
        int64_t comma = capi_str_find(rest, CAPI_STR(","));

        fields[i].start = at;
        fields[i].end = comma < 0 ? value->string.bytes : at + (size_t)comma;
        at = fields[i].end + 1;
        trim_item(value->string, &fields[i]);
        if (!read_join_field(loader, node, value, &fields[i])) *is_right = false;
    }
    return fields;
}

/* ---- matching left fields with components ---- */

static const join_field *field_named(const join_field *fields, uint32_t count, capi_str name)
{
    for (uint32_t i = 0; i < count; i++)
        if (capi_str_equal(fields[i].name, name)) return &fields[i];
    return NULL;
}

static bool component_named(const draft_index *right, capi_str name)
{
    const capi_key_def *key = &right->index->key;

    for (uint32_t i = 0; i < key->part_count; i++)
        if (capi_str_equal(right->owner->written.items[key->parts[i].column].name, name)) return true;
    return false;
}

/* By name if both sides have the same set of names, else by position (quirk Q10). */
static bool match_by_name(const draft_node *node, const join_field *fields, uint32_t count)
{
    const capi_key_def *key = &node->right->index->key;

    for (uint32_t i = 0; i < key->part_count; i++)
        if (!field_named(fields, count, node->right->owner->written.items[key->parts[i].column].name)) return false;
    for (uint32_t i = 0; i < count; i++)
        if (!component_named(node->right, fields[i].name)) return false;
    return true;
}

static void check_pair(capi_loader *loader, draft_node *node, const capi_tree *value, const join_field *field,
                       const capi_name *right)
{
    if (!field->left->has_type || !right->has_type || field->left->type == right->type) return;
    report_join(loader, value, "V63", field,
                capi_str_format(loader->scratch,
                                "r.%.*s is %s, but it is matched with \"%.*s\" of index \"%.*s\", which is %s",
                                CAPI_STR_ARG(field->name), capi_type_name(field->left->type), CAPI_STR_ARG(right->name),
                                CAPI_STR_ARG(node->right->index->name), capi_type_name(right->type))
                    .data);
}

static void match_fields(capi_loader *loader, draft_node *node, const capi_tree *value, const join_field *fields,
                         uint32_t count)
{
    const capi_key_def *key = &node->right->index->key;
    uint32_t *left = capi_new_array(loader->arena, uint32_t, key->part_count);
    bool by_name;

    if (count != key->part_count) {
        capi_loader_error(loader, "V62", value, "join_on has %u field%s, but index \"%.*s\" has %u component%s", count,
                          count == 1 ? "" : "s", CAPI_STR_ARG(node->right->index->name), key->part_count,
                          key->part_count == 1 ? "" : "s");
        return;
    }
    by_name = match_by_name(node, fields, count);
    for (uint32_t i = 0; i < count; i++) {
        const capi_name *right = &node->right->owner->written.items[key->parts[i].column];
        const join_field *field = by_name ? field_named(fields, count, right->name) : &fields[i];

        left[i] = field->left->number;
        check_pair(loader, node, value, field, right);
    }
    ((capi_lookup *)node->node->lookup)->left_columns = left;
}

static void check_join_on(capi_loader *loader, draft_node *node)
{
    const capi_tree *value = capi_settings_value(&node->lookup, CAPI_SET_LOOKUP_JOIN_ON);
    join_field *fields;
    uint32_t count;
    bool is_right;

    if (capi_settings_is_wrong(&node->lookup, CAPI_SET_LOOKUP_JOIN_ON)) return;
    if (!value || capi_text_is_blank(value->string)) {
        capi_loader_error(loader, "V59", value ? value : capi_loader_key_of(node, "l"),
                          "\"join_on\" must list the left fields: r.a,r.b");
        return;
    }
    fields = read_join_on(loader, node, value, &count, &is_right);
    if (is_right && node->right && node->right->is_right && !node->readable->is_unknown)
        match_fields(loader, node, value, fields, count);
}

/* ---- filter ---- */

static void check_filter(capi_loader *loader, draft_node *node)
{
    static const capi_expression_rules rules = {"V64", "V69", "V74", "V74"};
    const capi_tree *value = capi_settings_value(&node->lookup, CAPI_SET_LOOKUP_FILTER);
    capi_name_scope scope = {0};
    capi_expression_place place;
    capi_type wanted = CAPI_BOOL;

    if (!value || capi_text_is_blank(value->string)) return;
    capi_loader_about(loader, node, "l.filter");
    capi_name_scope_add(&scope, "l", node->lookable, true, CAPI_SIDE_LOOKUP);
    capi_name_scope_add(&scope, "r", node->readable, false, CAPI_SIDE_READER);
    capi_name_scope_add(&scope, "w", &node->written, false, CAPI_SIDE_WRITER);
    place = capi_loader_place(loader, value, &rules);
    capi_expression_load(loader->arena, &place, &scope, &wanted, "\"filter\"", &node->filter);
}

void capi_load_lookup_check(capi_loader *loader, draft_node *node)
{
    if (!node->lookup.map) return;
    capi_loader_about(loader, node, "l");
    find_index(loader, node);
    check_join_on(loader, node);
    check_filter(loader, node);
}

void capi_load_lookup_build(capi_loader *loader, draft_node *node)
{
    capi_lookup *lookup = (capi_lookup *)node->node->lookup;

    lookup->filter = node->filter;
    if (node->filter) {
        capi_program *program = capi_program_new(loader->arena);

        capi_program_add(program, node->filter);
        lookup->filter_program = program;
    }
}
