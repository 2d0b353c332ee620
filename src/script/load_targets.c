/* load_targets.c - files that several nodes name: written twice, or read and written. What a run refuses (run/file_conflicts.h) is
 * said when the script is loaded; the nodes may be meant for different runs, so these are warnings. Names are compared as texts. */
#include "script/loader.h"

#include "base/file_url.h"

/* Two ways to say the same: "file:///x", "./x". */
static capi_str plain_name(capi_str url)
{
    url = capi_file_url_path(url);
    while (capi_str_starts(url, "./"))
        url = capi_str_slice(url, 2, url.bytes);
    return url;
}

/* Does `node` read, over any number of tables, what `above` makes? Parents have lower ranks. */
static bool is_below(const capi_loader *loader, const capi_node *node, const capi_node *above)
{
    bool *is_reached = capi_new_array(loader->scratch, bool, loader->node_count);

    is_reached[node->rank] = true;
    for (uint32_t rank = node->rank + 1; rank-- > above->rank;) {
        const capi_node *parents[2];
        uint32_t count = is_reached[rank] ? capi_node_parents(loader->script->order[rank], parents) : 0;

        for (uint32_t p = 0; p < count; p++)
            is_reached[parents[p]->rank] = true;
    }
    return is_reached[above->rank];
}

static void check_written(capi_loader *loader, capi_map *writers, draft_node *node, const capi_tree *url)
{
    capi_str name = plain_name(url->string);
    const draft_node *other = capi_map_get(writers, name);

    if (!other) {
        capi_map_put(writers, name, node);
        return;
    }
    capi_loader_about(loader, node, "w");
    capi_loader_warning(loader, "Q29", url, "node \"%.*s\" writes this file too; a run that executes both is refused",
                        CAPI_STR_ARG(other->node->name));
}

static void check_read(capi_loader *loader, const capi_map *writers, const draft_node *reader)
{
    for (uint32_t i = 0; i < reader->node->source.url_count; i++) {
        const draft_node *writer = capi_map_get(writers, plain_name(reader->node->source.urls[i]));
        const capi_tree *url = writer ? capi_settings_value(&writer->writer, CAPI_SET_FILE_URL) : NULL;

        if (!writer) continue;
        capi_loader_about(loader, writer, "w");
        if (is_below(loader, writer->node, reader->node))
            capi_loader_warning(loader, "Q29", url,
                                "node \"%.*s\" reads this file: the next run will read what this one has written",
                                CAPI_STR_ARG(reader->node->name));
        else
            capi_loader_warning(
                loader, "Q29", url,
                "node \"%.*s\" reads this file, before or after it is written; a run that executes both "
                "is refused",
                CAPI_STR_ARG(reader->node->name));
    }
}

void capi_load_targets_check(capi_loader *loader)
{
    capi_map writers;

    capi_map_init(&writers, loader->scratch);
    for (uint32_t i = 0; i < loader->node_count; i++) {
        draft_node *node = &loader->nodes[i];

        if (node->node->file)
            check_written(loader, &writers, node, capi_settings_value(&node->writer, CAPI_SET_FILE_URL));
    }
    for (uint32_t i = 0; i < loader->node_count; i++)
        if (loader->nodes[i].node->type == CAPI_NODE_FILE_TABLE) check_read(loader, &writers, &loader->nodes[i]);
}
