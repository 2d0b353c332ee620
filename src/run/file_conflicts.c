/* file_conflicts.c - all names that are written go into a map; what is read is looked up there. */
#include "run/file_conflicts.h"
#include "run/source_files.h"

#include "base/hash.h"
#include "net/url.h"

#include <limits.h>
#include <stdlib.h>

/* Local names as absolute ones, so that two ways to the same folder are one. */
static capi_str one_name(capi_str url, capi_arena *arena)
{
    capi_str path = capi_str_copy(arena, capi_url_local_path(url));
    size_t slash = path.bytes;
    char folder[PATH_MAX];

    if (capi_url_scheme(url) != CAPI_SCHEME_LOCAL) return url;
    while (slash > 0 && path.data[slash - 1] != '/')
        slash--;
    if (!realpath(slash ? capi_str_copy(arena, capi_str_slice(path, 0, slash)).data : ".", folder)) return path;
    return capi_str_format(arena, "%s/%.*s", folder, (int)(path.bytes - slash), path.data + slash);
}

static bool is_below(const capi_node *node, const capi_node *above, capi_arena *arena)
{
    const capi_node **waiting = capi_new_array(arena, const capi_node *, node->rank + 2);
    bool *is_seen = capi_new_array(arena, bool, node->rank + 1);
    uint32_t count = 0;

    waiting[count++] = node;
    while (count) {
        const capi_node *parents[2];
        const capi_node *at = waiting[--count];
        uint32_t parent_count = capi_node_parents(at, parents);

        if (at == above) return true;
        for (uint32_t p = 0; p < parent_count; p++)
            if (!is_seen[parents[p]->rank]) {
                is_seen[parents[p]->rank] = true;
                waiting[count++] = parents[p];
            }
    }
    return false;
}

static capi_status add_written(capi_map *writers, const capi_node *node, capi_arena *arena, capi_err *err)
{
    for (uint32_t batch = 0; batch < node->batches_total && batch < CAPI_CONFLICT_BATCHES_MAX; batch++) {
        capi_str url = capi_file_sink_url_of_any_run(node->file, batch, arena);
        capi_str name = one_name(url, arena);
        const capi_node *other = capi_map_get(writers, name);

        if (other)
            return capi_err_set(err, CAPI_INVALID,
                                "nodes \"%.*s\" and \"%.*s\" of one run would both write \"%.*s\"; start them in "
                                "different runs, or write different files",
                                CAPI_STR_ARG(other->name), CAPI_STR_ARG(node->name),
                                CAPI_STR_ARG(capi_url_show(arena, url)));
        capi_map_put(writers, name, (void *)(uintptr_t)node);
    }
    return CAPI_OK;
}

static capi_status check_read(const capi_map *writers, const capi_node *node, capi_str url, capi_arena *arena,
                              capi_err *err)
{
    const capi_node *writer = capi_map_get(writers, one_name(url, arena));

    if (!writer || is_below(writer, node, arena)) return CAPI_OK;
    return capi_err_set(
        err, CAPI_INVALID,
        "node \"%.*s\" would write \"%.*s\", which node \"%.*s\" of the same run reads, before or after; "
        "start them in different runs",
        CAPI_STR_ARG(writer->name), CAPI_STR_ARG(capi_url_show(arena, url)), CAPI_STR_ARG(node->name));
}

static capi_status check_reader(const capi_map *writers, const capi_node *node, const capi_snapshot_file *lists,
                                uint32_t list_count, capi_arena *arena, capi_err *err)
{
    for (uint32_t i = 0; i < node->source.url_count; i++) {
        const capi_str *urls = &node->source.urls[i];
        uint32_t count = 1;

        (void)capi_source_list_read(lists, list_count, node->source.urls[i], arena, &urls, &count);
        for (uint32_t j = 0; j < count; j++)
            CAPI_TRY(check_read(writers, node, urls[j], arena, err));
    }
    return CAPI_OK;
}

capi_status capi_file_conflicts_check(const capi_node *const *nodes, uint32_t count, const capi_snapshot_file *lists,
                                      uint32_t list_count, capi_err *err)
{
    capi_arena arena = {0};
    capi_map writers;
    capi_status st = CAPI_OK;

    capi_map_init(&writers, &arena);
    for (uint32_t i = 0; i < count; i++)
        if (nodes[i]->file) CAPI_TRY_OUT(add_written(&writers, nodes[i], &arena, err));
    for (uint32_t i = 0; i < count && writers.count; i++)
        if (nodes[i]->type == CAPI_NODE_FILE_TABLE)
            CAPI_TRY_OUT(check_reader(&writers, nodes[i], lists, list_count, &arena, err));
out:
    capi_arena_deinit(&arena);
    return st;
}
