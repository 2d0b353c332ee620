/* load_node.c - what all nodes have, and which parts a node of each type has. */
#include "script/loader.h"

enum { BATCH_MS_DEFAULT = 60000 };

static const char *const node_type_names[] = {
    [CAPI_NODE_FILE_TABLE] = "file_table",         [CAPI_NODE_TABLE_TABLE] = "table_table",
    [CAPI_NODE_LOOKUP] = "table_lookup_table",     [CAPI_NODE_DISTINCT] = "distinct_table",
    [CAPI_NODE_CUSTOM] = "table_custom_tfm_table", [CAPI_NODE_TABLE_FILE] = "table_file",
};

const char *capi_node_type_name(capi_node_type type)
{
    return node_type_names[type];
}

static void read_type(capi_loader *loader, draft_node *node)
{
    const capi_tree *value = capi_settings_value(&node->settings, CAPI_SET_NODE_TYPE);
    capi_str words[CAPI_NODE_TYPE_COUNT];
    capi_str all;

    if (capi_settings_is_wrong(&node->settings, CAPI_SET_NODE_TYPE)) return;
    for (uint32_t i = 0; i < CAPI_NODE_TYPE_COUNT; i++) {
        words[i] = capi_str_of(node_type_names[i]);
        if (value && capi_str_equal(value->string, words[i])) {
            node->node->type = (capi_node_type)i;
            node->has_type = true;
            return;
        }
    }
    all = capi_words_join(loader->scratch, words, CAPI_NODE_TYPE_COUNT, false);
    if (!value)
        capi_loader_error(loader, "V10", node->key, "\"type\" is missing; expected one of %.*s", CAPI_STR_ARG(all));
    else {
        capi_str nearest = capi_str_nearest(value->string, words, CAPI_NODE_TYPE_COUNT);

        capi_loader_error(loader, "V10", value, "unknown node type \"%.*s\"; expected one of %.*s%.*s",
                          CAPI_STR_ARG(value->string), CAPI_STR_ARG(all),
                          CAPI_STR_ARG(capi_did_you_mean(loader->scratch, value->string, words, CAPI_NODE_TYPE_COUNT)));
        /* It is read on as what it most likely is, for the sake of the other mistakes in it. */
        for (uint32_t i = 0; i < CAPI_NODE_TYPE_COUNT && nearest.bytes; i++)
            if (capi_str_equal(nearest, words[i])) {
                node->node->type = (capi_node_type)i;
                node->has_type = true;
            }
    }
}

/* One of two words, the first if absent or empty; true: the second. */
static bool read_choice(capi_loader *loader, draft_node *node, capi_setting setting, const char *rule,
                        const char *first, const char *second)
{
    const capi_tree *value = capi_settings_value(&node->settings, setting);
    capi_str words[] = {capi_str_of(first), capi_str_of(second)};

    if (!value || value->string.bytes == 0 || capi_str_is(value->string, first)) return false;
    if (capi_str_is(value->string, second)) return true;
    capi_loader_error(loader, rule, value, "%s is \"%.*s\"; expected %s or %s%.*s", capi_setting_infos[setting].name,
                      CAPI_STR_ARG(value->string), first, second,
                      CAPI_STR_ARG(capi_did_you_mean(loader->scratch, value->string, words, 2)));
    return false;
}

/* Lists of start nodes are written with commas. */
static void check_name(capi_loader *loader, const draft_node *node)
{
    capi_str name = node->node->name;
    bool must_be_named = node->node->is_manual || node->node->type == CAPI_NODE_FILE_TABLE;

    if (capi_str_trim(name).bytes == 0) {
        capi_loader_error(loader, "S9", node->key, "a node needs a name");
        return;
    }
    if (capi_str_find(name, CAPI_STR(",")) < 0) return;
    if (must_be_named)
        capi_loader_error(loader, "S9", node->key,
                          "node name \"%.*s\" has a comma, so it can stand in no list of start nodes",
                          CAPI_STR_ARG(name));
    else
        capi_loader_warning(loader, "S9", node->key,
                            "node name \"%.*s\" has a comma, so the node cannot be a start node", CAPI_STR_ARG(name));
}

static void check_distinct_rerun(capi_loader *loader, const draft_node *node)
{
    const capi_tree *value = capi_settings_value(&node->settings, CAPI_SET_NODE_RERUN_POLICY);

    if (node->node->rerun_fails || capi_settings_is_wrong(&node->settings, CAPI_SET_NODE_RERUN_POLICY)) return;
    if (value && value->string.bytes && !capi_str_is(value->string, "rerun")) return; /* has been told */
    capi_loader_error(loader, "V52", value ? value : node->key, "a distinct_table must say \"rerun_policy\": \"fail\"");
}

/* A node of unknown type is read no further. */
void capi_load_node_read(capi_loader *loader, draft_node *node)
{
    capi_node *made = node->node;
    int64_t batch_ms;

    capi_name_list_init(&node->written, loader->scratch);
    capi_name_list_init(&node->produced, loader->scratch);
    node->slots.arena = loader->arena;
    node->written.is_unknown = true;
    capi_loader_about(loader, node, NULL);
    if (node->tree->kind == CAPI_TREE_NULL)
        capi_loader_error(loader, "V9", node->key, "the node is null; expected a map");
    capi_settings_read(&loader->report, &loader->source, node->tree, CAPI_SECTION_NODE, "the node", &node->settings);
    if (!node->settings.map) return;
    made->desc = capi_settings_string(&node->settings, CAPI_SET_NODE_DESC);
    made->is_manual = read_choice(loader, node, CAPI_SET_NODE_START_POLICY, "V12", "auto", "manual");
    made->rerun_fails = read_choice(loader, node, CAPI_SET_NODE_RERUN_POLICY, "V11", "rerun", "fail");
    batch_ms = capi_settings_int(&node->settings, CAPI_SET_NODE_BATCH_TIME);
    made->max_batch_ms = batch_ms ? batch_ms : BATCH_MS_DEFAULT;
    read_type(loader, node);
    check_name(loader, node);
    capi_load_lookup_read(loader, node);
    if (!node->has_type) return;
    node->written.is_unknown = false;
    capi_loader_about(loader, node, NULL);
    if (made->type == CAPI_NODE_DISTINCT) check_distinct_rerun(loader, node);
    capi_load_reader_read(loader, node);
    if (made->type == CAPI_NODE_CUSTOM) {
        capi_loader_about(loader, node, NULL);
        capi_load_processor_read(loader, node);
    }
    capi_loader_about(loader, node, NULL);
    if (made->type == CAPI_NODE_TABLE_FILE)
        capi_load_file_read(loader, node);
    else
        capi_load_table_read(loader, node);
}

static void check_policy(capi_loader *loader, draft_node *node)
{
    const capi_tree *value = capi_settings_value(&node->settings, CAPI_SET_NODE_POLICY);
    capi_str *names;
    capi_str hint;

    if (node->node->type == CAPI_NODE_FILE_TABLE) return;
    node->node->policy = loader->default_policy;
    if (!value || value->string.bytes == 0) return;
    node->node->policy = capi_loader_policy(loader, value->string);
    if (node->node->policy) return;
    names = capi_new_array(loader->arena, capi_str, loader->policy_count);
    for (uint32_t i = 0; i < loader->policy_count; i++)
        names[i] = capi_policy_name(loader->policies[i]);
    hint = capi_did_you_mean(loader->scratch, value->string, names, loader->policy_count);
    if (hint.bytes == 0)
        hint = capi_str_format(loader->scratch, "; policies of this script are %.*s",
                               CAPI_STR_ARG(capi_words_join(loader->scratch, names, loader->policy_count, false)));
    capi_loader_about(loader, node, NULL);
    capi_loader_error(loader, "V88", value, "there is no policy \"%.*s\"%.*s", CAPI_STR_ARG(value->string),
                      CAPI_STR_ARG(hint));
}

/* Lookups of other nodes read this node's fields: they were known when it was read. */
void capi_load_node_check(capi_loader *loader, draft_node *node)
{
    if (!node->has_type) return;
    check_policy(loader, node);
    capi_load_reader_check(loader, node);
    if (node->node->type == CAPI_NODE_LOOKUP) capi_load_lookup_check(loader, node);
    if (node->node->type == CAPI_NODE_CUSTOM) capi_load_processor_check(loader, node);
    if (node->node->type == CAPI_NODE_TABLE_FILE)
        capi_load_file_check(loader, node);
    else
        capi_load_table_check(loader, node);
}

void capi_load_node_build(capi_loader *loader, draft_node *node)
{
    if (node->node->type == CAPI_NODE_TABLE_FILE)
        capi_load_file_build(loader, node);
    else
        capi_load_table_build(loader, node);
    if (node->node->type == CAPI_NODE_LOOKUP) capi_load_lookup_build(loader, node);
    if (node->node->type == CAPI_NODE_CUSTOM) capi_load_processor_build(loader, node);
    node->node->slots = node->slots.items;
    node->node->slot_count = node->slots.count;
    capi_load_reader_build(node);
}
