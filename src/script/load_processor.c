/* load_processor.c - which custom processor a node has, and whether the environment has it. */
#include "script/loader.h"

#include <stdlib.h>

static const char *const processor_names[] = {
    [CAPI_PROCESSOR_TAG] = "tag_and_denormalize", [CAPI_PROCESSOR_PY] = "py_calc"};

static bool find_kind(capi_loader *loader, draft_node *node, capi_processor_kind *kind)
{
    const capi_tree *value = capi_settings_value(&node->settings, CAPI_SET_NODE_PROCESSOR);
    const capi_str words[] = {CAPI_STR("tag_and_denormalize"), CAPI_STR("py_calc")};

    if (capi_settings_is_wrong(&node->settings, CAPI_SET_NODE_PROCESSOR)) return false;
    for (int i = CAPI_PROCESSOR_TAG; i <= CAPI_PROCESSOR_PY; i++)
        if (value && capi_str_is(value->string, processor_names[i])) {
            *kind = (capi_processor_kind)i;
            return true;
        }
    if (!value)
        capi_loader_error(loader, "V41", node->key,
                          "\"custom_proc_type\" is missing; expected py_calc or tag_and_denormalize");
    else
        capi_loader_error(
            loader, "V41", value, "unknown processor \"%.*s\"; expected py_calc or tag_and_denormalize%.*s",
            CAPI_STR_ARG(value->string), CAPI_STR_ARG(capi_did_you_mean(loader->scratch, value->string, words, 2)));
    return false;
}

/* Without a section for custom processors both exist; with one, it decides. */
static void check_environment(capi_loader *loader, draft_node *node, capi_processor_kind kind)
{
    const capi_tree *value = capi_settings_value(&node->settings, CAPI_SET_NODE_PROCESSOR);
    const char *variable = getenv("CAPI_PYCALC_INTERPRETER_PATH");
    const capi_tree *entry;
    const capi_tree *path;

    if (!loader->processors) return;
    entry = capi_tree_get(loader->processors, processor_names[kind]);
    if (!entry || entry->kind == CAPI_TREE_NULL) {
        capi_loader_error(
            loader, "V42", value,
            "the configuration has custom_processors, but no entry \"%s\" among them; add one (it may be {})",
            processor_names[kind]);
        return;
    }
    if (kind != CAPI_PROCESSOR_PY || variable) return; /* the variable wins; load_py_calc.c looks at it */
    path = capi_tree_get(entry, "python_interpreter_path");
    if (!path || path->kind != CAPI_TREE_STRING || capi_str_trim(path->string).bytes == 0)
        capi_loader_error(
            loader, "V43", value,
            "the configuration names no Python interpreter; set custom_processors.py_calc.python_interpreter_path");
}

void capi_load_processor_read(capi_loader *loader, draft_node *node)
{
    const capi_tree *settings = capi_settings_value(&node->settings, CAPI_SET_NODE_PROCESSOR_SETTINGS);
    capi_processor *processor = capi_new(loader->arena, capi_processor);
    capi_processor_kind kind = CAPI_PROCESSOR_TAG;

    node->node->processor = processor;
    node->processed = &loader->unknown;
    if (!find_kind(loader, node, &kind)) return;
    processor->kind = kind;
    check_environment(loader, node, kind);
    if (!settings) {
        if (!capi_settings_is_wrong(&node->settings, CAPI_SET_NODE_PROCESSOR_SETTINGS))
            capi_loader_error(loader, "V9", node->key, "the settings \"p\" of %s are missing", processor_names[kind]);
        return;
    }
    if (settings->kind == CAPI_TREE_MAP) node->processed = &node->produced;
    capi_loader_about(loader, node, "p");
    if (kind == CAPI_PROCESSOR_TAG)
        capi_load_tag_read(loader, node);
    else
        capi_load_py_calc_read(loader, node);
}

void capi_load_processor_check(capi_loader *loader, draft_node *node)
{
    if (!node->processor.map) return;
    if (node->node->processor->kind == CAPI_PROCESSOR_TAG)
        capi_load_tag_check(loader, node);
    else
        capi_load_py_calc_check(loader, node);
}

void capi_load_processor_build(capi_loader *loader, draft_node *node)
{
    if (node->node->processor->kind == CAPI_PROCESSOR_TAG) capi_load_tag_build(loader, node);
}
