/* load_tag.c - tag_and_denormalize: a name for the tag, and a condition for each tag, here or in a file. */
#include "base/buf.h"
#include "script/loader.h"

typedef struct tag_draft {
    const capi_source *source;
    const capi_tree *map;
} tag_draft;

enum { TAG_SHOWN_BYTES = 100 };

/* A tag may be any text. */
static capi_str shown(capi_loader *loader, const capi_tree *tag)
{
    return capi_str_visible(loader->arena, tag->string, TAG_SHOWN_BYTES);
}

static void check_members(capi_loader *loader, const capi_source *source, const capi_tree *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const capi_tree *key = map->members[i].key;
        const capi_tree *value = map->members[i].value;
        capi_str tag;

        if (value->kind == CAPI_TREE_STRING && !map->members[i].is_repeated) continue;
        tag = shown(loader, key);
        if (map->members[i].is_repeated)
            capi_report_warning(&loader->report, NULL, source, key->start, key->end,
                                "tag \"%.*s\" is there more than once in the criteria file; the last one counts",
                                CAPI_STR_ARG(tag));
        if (value->kind == CAPI_TREE_STRING) continue;
        capi_report_error(&loader->report, "V50", source, value->start, value->end,
                          "the criterion of tag \"%.*s\" is %s; expected a string", CAPI_STR_ARG(tag),
                          capi_tree_kind_name(value->kind));
    }
}

/* JSON whatever it is called, so that every file of the reference is understood; what is named as YAML and is no JSON is YAML. */
static capi_status parse_criteria(capi_arena *arena, const capi_source *source, const capi_tree **out, capi_err *err)
{
    capi_status st = capi_tree_from_json(arena, source->text, out, err);

    if (st == CAPI_OK || !(capi_str_ends(source->url, ".yaml") || capi_str_ends(source->url, ".yml"))) return st;
    *err = (capi_err){0};
    return capi_tree_from_yaml(arena, source->text, out, err);
}

static bool read_criteria_file(capi_loader *loader, const capi_tree *url, tag_draft *out)
{
    capi_source *source = capi_new(loader->arena, capi_source);
    capi_err err = {0};

    source->url = url->string;
    capi_loader_check_url(loader, url, false);
    if (!capi_loader_fetch(loader, "V50", url->string, url, &source->original)) return false;
    capi_loader_snapshot(loader, "criteria", url->string, source->original);
    source->text = source->original;
    out->source = source;
    if (capi_text_is_blank(source->text)) {
        capi_loader_error(loader, "V50", url, "the criteria file \"%.*s\" is empty", CAPI_STR_ARG(url->string));
        return false;
    }
    if (parse_criteria(loader->arena, source, &out->map, &err) != CAPI_OK) {
        uint32_t at = err.offset > 0 ? (uint32_t)err.offset : 0;

        capi_report_error(&loader->report, "V50", source, at, at + err.length_bytes, "%s", err.text);
        return false;
    }
    if (out->map->kind != CAPI_TREE_MAP) {
        capi_report_error(&loader->report, "V50", source, out->map->start, out->map->end,
                          "the criteria file holds %s; expected a map of tags and conditions",
                          capi_tree_kind_name(out->map->kind));
        return false;
    }
    check_members(loader, source, out->map);
    return true;
}

static bool find_criteria(capi_loader *loader, draft_node *node, tag_draft *out)
{
    const capi_tree *criteria = capi_settings_value(&node->processor, CAPI_SET_TAG_CRITERIA);
    const capi_tree *url =
        capi_settings_either(&node->processor, CAPI_SET_TAG_URL, &node->processor, CAPI_SET_TAG_OLD_URI);
    bool has_criteria = criteria && criteria->count > 0;
    bool has_url = url && url->string.bytes > 0;

    if (capi_settings_is_wrong(&node->processor, CAPI_SET_TAG_CRITERIA) ||
        capi_settings_is_wrong(&node->processor, CAPI_SET_TAG_URL) ||
        capi_settings_is_wrong(&node->processor, CAPI_SET_TAG_OLD_URI))
        return false;
    if (has_criteria == has_url) {
        capi_loader_error(loader, "V49", url ? url : capi_loader_key_of(node, "p"),
                          has_url ? "both \"tag_criteria\" and \"tag_criteria_url\" are given; one of them must go"
                                  : "either \"tag_criteria\" (not empty) or \"tag_criteria_url\" must be given");
        if (!has_criteria) return false;
    }
    *out = (tag_draft){&loader->source, criteria};
    return has_criteria || read_criteria_file(loader, url, out);
}

void capi_load_tag_read(capi_loader *loader, draft_node *node)
{
    const capi_tree *tree = capi_settings_value(&node->settings, CAPI_SET_NODE_PROCESSOR_SETTINGS);
    const capi_tree *field;

    capi_settings_read(&loader->report, &loader->source, tree, CAPI_SECTION_TAG, "p", &node->processor);
    if (!node->processor.map) return;
    field = capi_settings_value(&node->processor, CAPI_SET_TAG_FIELD);
    if (capi_settings_is_wrong(&node->processor, CAPI_SET_TAG_FIELD)) {
        node->processed = &loader->unknown;
    } else if (!field || field->string.bytes == 0) {
        capi_loader_error(loader, "S8", field ? field : capi_loader_key_of(node, "p"),
                          "\"tag_field_name\" must name the field that holds the tag");
        node->processed = &loader->unknown;
    } else {
        capi_name_list_add(&node->produced, field->string, true, CAPI_STRING);
    }
}

static void check_criterion(capi_loader *loader, draft_node *node, const tag_draft *draft, uint32_t number)
{
    static const capi_expression_rules rules = {"V51", "V68", "V74", "S3"};
    const capi_tree_member *member = &draft->map->members[number];
    capi_name_scope scope = {.slots = &node->slots};
    capi_expression_place place = capi_loader_place(loader, member->value, &rules);
    capi_type wanted = CAPI_BOOL;
    capi_str tag = shown(loader, member->key);

    capi_loader_about(loader, node, "tag \"%.*s\"", CAPI_STR_ARG(tag));
    place.source = draft->source;
    capi_name_scope_add(&scope, "r", node->readable, true, CAPI_SIDE_READER);
    capi_name_scope_add(&scope, "p", &node->produced, false, CAPI_SIDE_PROCESSOR);
    capi_name_scope_add(&scope, "w", &node->written, false, CAPI_SIDE_WRITER);
    capi_expression_load(loader->arena, &place, &scope, &wanted, "the criterion", &node->criteria[number]);
}

void capi_load_tag_check(capi_loader *loader, draft_node *node)
{
    capi_processor *processor = (capi_processor *)node->node->processor;
    tag_draft draft;
    capi_tag *tags;

    capi_loader_about(loader, node, "p");
    if (!find_criteria(loader, node, &draft)) return;
    node->criterion_count = draft.map->count;
    node->criteria = capi_new_array(loader->arena, const capi_expr *, node->criterion_count);
    tags = capi_new_array(loader->arena, capi_tag, node->criterion_count);
    for (uint32_t i = 0; i < node->criterion_count; i++) {
        if (draft.map->members[i].value->kind == CAPI_TREE_STRING) check_criterion(loader, node, &draft, i);
        tags[i] = (capi_tag){draft.map->members[i].key->string, node->criteria[i]};
    }
    if (draft.source != &loader->source) processor->criteria_url = draft.source->url;
    processor->tags = tags;
    processor->tag_count = node->criterion_count;
}

void capi_load_tag_build(capi_loader *loader, draft_node *node)
{
    capi_processor *processor = (capi_processor *)node->node->processor;
    capi_processor_field *field = capi_new(loader->arena, capi_processor_field);
    capi_program *program = capi_program_new(loader->arena);

    field->name = node->produced.items[0].name;
    field->type = CAPI_STRING;
    processor->fields = field;
    processor->field_count = 1;
    for (uint32_t i = 0; i < node->criterion_count; i++)
        capi_program_add(program, node->criteria[i]);
    capi_program_finish(program);
    processor->tag_program = program;
}
