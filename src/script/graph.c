/* graph.c - the order of nodes, and which of them take part in a run.
 *
 * All walks are loops over arrays: scripts of any depth need no C stack. */
#include "script/loader.h"

#include "script/topo.h"

#include <stdlib.h>

/* ---- order ---- */

static int compare_names(const void *a, const void *b)
{
    const draft_node *const *first = a;
    const draft_node *const *second = b;

    return capi_str_compare((*first)->node->name, (*second)->node->name);
}

static void add_edge(capi_topo_edge *edges, uint32_t *count, const draft_node *from, const draft_node *to)
{
    edges[(*count)++] = (capi_topo_edge){from->node->rank, to->node->rank};
}

static void report_cycle(capi_loader *loader, draft_node **by_name, const uint32_t *cycle, uint32_t length)
{
    capi_buf path = {0};

    for (uint32_t i = 0; i <= length && i < 20; i++)
        capi_buf_printf(&path, "%s\"%.*s\"", i ? " -> " : "", CAPI_STR_ARG(by_name[cycle[i % length]]->node->name));
    if (length >= 20) capi_buf_append_text(&path, " ...");
    loader->report.context = (capi_str){0};
    capi_loader_error(loader, "S5", by_name[cycle[0]]->key, "nodes need each other's tables in a circle: %.*s",
                      CAPI_STR_ARG(capi_buf_str(&path)));
    capi_buf_deinit(&path);
}

/* Ranks by name first, so that ties are broken by name; then by order. */
bool capi_load_graph(capi_loader *loader)
{
    uint32_t count = loader->node_count;
    draft_node **by_name = capi_new_array(loader->scratch, draft_node *, count);
    capi_topo_edge *edges = capi_new_array(loader->scratch, capi_topo_edge, (size_t)count * 2);
    uint32_t *order = capi_new_array(loader->scratch, uint32_t, (size_t)count + 1);
    const capi_node **sorted = capi_new_array(loader->arena, const capi_node *, count);
    const capi_node **names = capi_new_array(loader->arena, const capi_node *, count);
    uint32_t edge_count = 0;
    uint32_t ordered;

    for (uint32_t i = 0; i < count; i++)
        by_name[i] = &loader->nodes[i];
    if (count) qsort(by_name, count, sizeof *by_name, compare_names);
    for (uint32_t i = 0; i < count; i++) {
        by_name[i]->node->rank = i;
        names[i] = by_name[i]->node;
    }
    loader->script->by_name = names;
    for (uint32_t i = 0; i < count; i++) {
        draft_node *node = &loader->nodes[i];

        if (node->source) add_edge(edges, &edge_count, node->source, node);
        if (node->right) add_edge(edges, &edge_count, node->right->owner, node);
    }
    ordered = capi_topo_sort(count, edges, edge_count, order);
    if (ordered < count) {
        uint32_t *cycle = capi_new_array(loader->arena, uint32_t, (size_t)count + 1);
        uint32_t length = capi_topo_cycle(count, edges, edge_count, order, ordered, cycle);

        report_cycle(loader, by_name, cycle, length);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = by_name[order[i]]->node;
    for (uint32_t i = 0; i < count; i++)
        ((capi_node *)sorted[i])->rank = i;
    loader->script->order = sorted;
    return true;
}

/* ---- affected nodes ---- */

typedef struct affected_marks { /* by rank */
    bool *is_start, *is_below, *is_blocked, *is_affected;
} affected_marks;

static const capi_node *next_name(const capi_script *script, capi_str *rest, capi_str *name)
{
    int64_t comma = capi_str_find(*rest, CAPI_STR(","));

    *name = capi_str_trim(comma < 0 ? *rest : capi_str_slice(*rest, 0, (size_t)comma));
    *rest = comma < 0 ? (capi_str){0} : capi_str_slice(*rest, (size_t)comma + 1, rest->bytes);
    return capi_script_node(script, *name);
}

static void add_missing(const capi_script *script, capi_str name, capi_arena *arena, capi_buf *missing)
{
    capi_str *names = capi_new_array(arena, capi_str, script->node_count);

    for (uint32_t i = 0; i < script->node_count; i++)
        names[i] = script->nodes[i]->name;
    capi_buf_printf(missing, "%s\"%.*s\"%.*s", missing->bytes ? ", " : "", CAPI_STR_ARG(name),
                    CAPI_STR_ARG(capi_did_you_mean(arena, name, names, script->node_count)));
}

static capi_status mark_start(const capi_script *script, capi_str start, capi_arena *arena, bool *is_start,
                              capi_err *err)
{
    capi_buf missing = {0};
    capi_str rest = start;
    bool has_any = false;
    capi_status st = CAPI_OK;

    while (rest.bytes) {
        capi_str name;
        const capi_node *node = next_name(script, &rest, &name);

        if (name.bytes == 0) continue;
        has_any = true;
        if (node)
            is_start[node->rank] = true;
        else
            add_missing(script, name, arena, &missing);
    }
    if (missing.bytes)
        st = capi_err_set(err, CAPI_INVALID, "the script has no node %.*s", CAPI_STR_ARG(capi_buf_str(&missing)));
    else if (!has_any)
        st = capi_err_set(err, CAPI_INVALID, "no start node is named");
    capi_buf_deinit(&missing);
    return st;
}

/* In topological order every parent is settled before its children, so one pass does for each of the three steps of
 * section 9. */
static void mark_nodes(const capi_script *script, affected_marks *marks)
{
    for (uint32_t i = 0; i < script->node_count; i++) {
        const capi_node *node = script->order[i];
        const capi_node *parents[2];
        uint32_t parent_count = capi_node_parents(node, parents);

        for (uint32_t j = 0; j < parent_count; j++) {
            uint32_t parent = parents[j]->rank;

            if (marks->is_start[parent] || marks->is_below[parent]) marks->is_below[i] = true;
            if (marks->is_blocked[parent] && !marks->is_start[parent]) marks->is_blocked[i] = true;
        }
        if (node->is_manual) marks->is_blocked[i] = true;
        if (!marks->is_below[i]) marks->is_blocked[i] = false;
        marks->is_affected[i] = marks->is_start[i];
        for (uint32_t j = 0; j < parent_count; j++)
            if (marks->is_affected[parents[j]->rank] && !marks->is_blocked[i]) marks->is_affected[i] = true;
    }
}

capi_status capi_script_affected(const capi_script *script, capi_str start, capi_arena *arena, const capi_node ***out,
                                 uint32_t *count, capi_err *err)
{
    uint32_t node_count = script->node_count;
    affected_marks marks = {
        .is_start = capi_new_array(arena, bool, node_count),
        .is_below = capi_new_array(arena, bool, node_count),
        .is_blocked = capi_new_array(arena, bool, node_count),
        .is_affected = capi_new_array(arena, bool, node_count),
    };

    CAPI_TRY(mark_start(script, start, arena, marks.is_start, err));
    mark_nodes(script, &marks);
    *out = capi_new_array(arena, const capi_node *, node_count);
    *count = 0;
    for (uint32_t i = 0; i < node_count; i++)
        if (marks.is_affected[i]) (*out)[(*count)++] = script->order[i];
    return CAPI_OK;
}

capi_str capi_script_default_start(const capi_script *script, capi_arena *arena)
{
    capi_buf buf = {0};
    capi_str start;

    for (uint32_t i = 0; i < script->node_count; i++) {
        const capi_node *node = script->order[i];

        if (node->type != CAPI_NODE_FILE_TABLE || node->is_manual) continue;
        capi_buf_printf(&buf, "%s%.*s", buf.bytes ? "," : "", CAPI_STR_ARG(node->name));
    }
    start = capi_str_copy(arena, capi_buf_str(&buf));
    capi_buf_deinit(&buf);
    return start;
}
