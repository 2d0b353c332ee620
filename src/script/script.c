/* script.c - small questions to a loaded script. */
#include "script/loader.h"

#include <stdlib.h>

void capi_script_free(capi_script *script)
{
    if (!script) return;
    capi_arena_deinit(&script->arena);
    free(script);
}

const capi_node *capi_script_node(const capi_script *script, capi_str name)
{
    uint32_t low = 0;
    uint32_t high = script->node_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = capi_str_compare(script->by_name[middle]->name, name);

        if (order == 0) return script->by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const capi_node *capi_script_table(const capi_script *script, capi_str table)
{
    for (uint32_t i = 0; i < script->node_count; i++)
        if (script->nodes[i]->table && capi_str_equal(script->nodes[i]->table->name, table)) return script->nodes[i];
    return NULL;
}

uint32_t capi_node_parents(const capi_node *node, const capi_node *parents[2])
{
    uint32_t count = 0;

    if (node->reader) parents[count++] = node->reader;
    if (node->lookup && node->lookup->index && node->lookup->index->owner != node->reader)
        parents[count++] = node->lookup->index->owner;
    return count;
}

const capi_schema *capi_node_schema(const capi_node *node)
{
    return node->table ? &node->table->schema : NULL;
}

static void append_number(capi_buf *to, uint32_t number)
{
    capi_buf_printf(to, "%05u", number);
}

static capi_str sink_url(const capi_file_sink *sink, const uint32_t *run_id, uint32_t batch_idx, capi_arena *arena)
{
    static const capi_str batch = {"{batch_idx|string}", 18};
    static const capi_str run = {"{run_id|string}", 15};
    capi_str rest = sink->url_template;
    capi_buf buf = {0};
    capi_str url;

    while (rest.bytes) {
        size_t step = 1;

        if (capi_str_starts(rest, batch.data)) {
            append_number(&buf, batch_idx);
            step = batch.bytes;
        } else if (run_id && capi_str_starts(rest, run.data)) {
            append_number(&buf, *run_id);
            step = run.bytes;
        } else
            capi_buf_append_byte(&buf, rest.data[0]);
        rest = capi_str_slice(rest, step, rest.bytes);
    }
    url = capi_str_copy(arena, capi_buf_str(&buf));
    capi_buf_deinit(&buf);
    return url;
}

capi_str capi_file_sink_url(const capi_file_sink *sink, uint32_t run_id, uint32_t batch_idx, capi_arena *arena)
{
    return sink_url(sink, &run_id, batch_idx, arena);
}

capi_str capi_file_sink_url_of_any_run(const capi_file_sink *sink, uint32_t batch_idx, capi_arena *arena)
{
    return sink_url(sink, NULL, batch_idx, arena);
}
