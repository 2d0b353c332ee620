/* start.c - begins a run: everything is checked before anything is written, then one operation of the state makes the run
 * visible with all its nodes, its snapshot and its target files, or not at all (invariant I3). */
#include "run/engine.h"
#include "run/file_conflicts.h"
#include "run/schema_text.h"
#include "run/source_files.h"

#include "base/file.h"
#include "net/net.h"
#include "net/url.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* More output files than this are not listed as targets: their names are only checked for the folder. */
enum { START_TARGETS_MAX = 100000 };

typedef struct start_lists {
    capi_run_node *nodes;
    uint32_t node_count;
    capi_snapshot_file *files;
    uint32_t file_count;
    capi_str *targets;
    uint32_t target_count;
} start_lists;

static bool is_local(capi_str url)
{
    return capi_url_scheme(url) == CAPI_SCHEME_LOCAL;
}

/* The absolute path of a target, whose folder must exist. */
static capi_status start_resolve_target(capi_str url, const capi_node *node, capi_arena *arena, capi_str *out,
                                        capi_err *err)
{
    capi_str path = capi_str_copy(arena, capi_url_local_path(url));
    const char *slash = strrchr(path.data, '/');
    capi_str folder =
        slash ? capi_str_copy(arena, capi_str_slice(path, 0, (size_t)(slash - path.data))) : CAPI_STR(".");
    char resolved[PATH_MAX];

    if (folder.bytes == 0) folder = CAPI_STR("/");
    /* A folder for each run is not there to be looked at yet. */
    if (capi_str_find(folder, CAPI_STR(CAPI_TARGET_RUN_ID)) >= 0) {
        if (path.data[0] == '/' || !getcwd(resolved, sizeof resolved))
            *out = path;
        else
            *out = capi_str_format(arena, "%s/%s", resolved, path.data);
        return CAPI_OK;
    }
    if (!capi_folder_exists(folder.data) || !realpath(folder.data, resolved))
        return capi_err_set(
            err, CAPI_INVALID,
            "the folder \"%s\" of the output file \"%s\" of node \"%.*s\" does not exist; make it first", folder.data,
            path.data, CAPI_STR_ARG(node->name));
    if (access(folder.data, W_OK) != 0)
        return capi_err_set(err, CAPI_INVALID,
                            "the folder \"%s\" of the output file of node \"%.*s\" cannot be written", folder.data,
                            CAPI_STR_ARG(node->name));
    *out = capi_str_format(arena, "%s/%s", resolved, slash ? slash + 1 : path.data);
    return CAPI_OK;
}

static capi_status start_add_targets(start_lists *lists, const capi_node *node, capi_arena *arena, capi_err *err)
{
    if (!node->file) return CAPI_OK;
    if (!is_local(node->file->url_template) && !capi_net_can_write(node->file->url_template))
        return capi_err_set(err, CAPI_INVALID,
                            "node \"%.*s\" writes \"%.*s\": expected a local path, file://, s3:// or sftp://",
                            CAPI_STR_ARG(node->name), CAPI_STR_ARG(node->file->url_template));
    for (uint32_t batch = 0; batch < node->batches_total && lists->target_count < START_TARGETS_MAX; batch++) {
        capi_str url = capi_file_sink_url_of_any_run(node->file, batch, arena);
        capi_str *target = &lists->targets[lists->target_count];

        *target = url;
        if (is_local(url)) CAPI_TRY(start_resolve_target(url, node, arena, target, err));
        lists->target_count++;
    }
    return CAPI_OK;
}

static void start_add_file(start_lists *lists, const char *kind, capi_str url, capi_str text)
{
    lists->files[lists->file_count++] = (capi_snapshot_file){capi_str_of(kind), url, text};
}

static capi_status start_add_nodes(start_lists *lists, capi_net *net, const capi_node **affected, uint32_t count,
                                   capi_arena *arena, capi_source_lists *sources, capi_err *err)
{
    lists->nodes = capi_new_array(arena, capi_run_node, count);
    for (uint32_t i = 0; i < count; i++) {
        capi_run_node *node = &lists->nodes[lists->node_count++];

        node->name = affected[i]->name;
        CAPI_TRY(capi_source_lists_add(sources, net, affected[i], arena, &node->batches_total, err));
    }
    return CAPI_OK;
}

static bool is_listed(capi_str list, capi_str name)
{
    while (list.bytes) {
        int64_t comma = capi_str_find(list, CAPI_STR(","));
        capi_str item = comma < 0 ? list : capi_str_slice(list, 0, (size_t)comma);

        if (capi_str_equal(capi_str_trim(item), name)) return true;
        list = comma < 0 ? (capi_str){0} : capi_str_slice(list, (size_t)comma + 1, list.bytes);
    }
    return false;
}

static capi_status start_collect(const capi_start_options *options, capi_str start, capi_net *net,
                                 const capi_node **affected, uint32_t count, capi_arena *arena, start_lists *lists,
                                 capi_err *err)
{
    const capi_script *script = options->script;
    capi_source_lists sources = {0};
    uint64_t target_max = 0;

    CAPI_TRY(start_add_nodes(lists, net, affected, count, arena, &sources, err));
    if (options->mode == CAPI_RUN_QUEUED)
        CAPI_TRY(capi_file_conflicts_check(affected, count, sources.files, sources.count, err));
    for (uint32_t i = 0; i < count; i++)
        if (affected[i]->file) target_max += affected[i]->batches_total;
    if (target_max > START_TARGETS_MAX) target_max = START_TARGETS_MAX;
    lists->files = capi_new_array(arena, capi_snapshot_file,
                                  (size_t)count + script->snapshot_count + options->set_count + sources.count + 2);
    lists->targets = capi_new_array(arena, capi_str, target_max + 1);

    start_add_file(lists, "script", script->url, script->text);
    if (script->params_url.bytes) start_add_file(lists, "params", script->params_url, script->params_text);
    for (uint32_t i = 0; i < options->set_count; i++)
        start_add_file(lists, "set", options->set_names[i], options->set_values[i]);
    for (uint32_t i = 0; i < script->snapshot_count; i++)
        lists->files[lists->file_count++] =
            (capi_snapshot_file){script->snapshot[i].kind, script->snapshot[i].url, script->snapshot[i].text};
    for (uint32_t i = 0; i < sources.count; i++)
        lists->files[lists->file_count++] = sources.files[i];
    for (uint32_t i = 0; i < count; i++) {
        const capi_node *node = affected[i];

        if (node->table)
            start_add_file(lists, "schema", node->table->name,
                           capi_schema_to_text(node->name, &node->table->schema, arena));
        /* Of a direct run the start nodes alone are executed. */
        if (options->mode == CAPI_RUN_DIRECT && !is_listed(start, node->name)) continue;
        CAPI_TRY(start_add_targets(lists, node, arena, err));
    }
    return CAPI_OK;
}

/* Without blanks, empty items and repetitions: "a, b,,a" becomes "a,b". */
static capi_str tidy_list(capi_str list, capi_arena *arena)
{
    capi_buf kept = {0};
    capi_str text;

    while (list.bytes) {
        int64_t comma = capi_str_find(list, CAPI_STR(","));
        capi_str item = capi_str_trim(comma < 0 ? list : capi_str_slice(list, 0, (size_t)comma));

        if (item.bytes && !is_listed(capi_buf_str(&kept), item))
            capi_buf_printf(&kept, "%s%.*s", kept.bytes ? "," : "", CAPI_STR_ARG(item));
        list = comma < 0 ? (capi_str){0} : capi_str_slice(list, (size_t)comma + 1, list.bytes);
    }
    text = capi_str_copy(arena, capi_buf_str(&kept));
    capi_buf_deinit(&kept);
    return text;
}

capi_status capi_run_begin(capi_engine *engine, const capi_start_options *options, capi_arena *arena, capi_run *out,
                           capi_err *err)
{
    capi_str start = tidy_list(options->start_nodes, arena);
    const capi_node **affected = NULL;
    uint32_t count = 0;
    start_lists lists = {0};
    capi_keyspace keyspace;
    char operation_uid[CAPI_UID_BYTES];
    capi_status st;

    CAPI_TRY(capi_keyspace_check_name(options->keyspace, err));
    if (start.bytes == 0 && capi_str_trim(options->start_nodes).bytes)
        return capi_err_set(err, CAPI_INVALID, "no start node is named");
    if (start.bytes == 0) start = capi_script_default_start(options->script, arena);
    if (start.bytes == 0)
        return capi_err_set(err, CAPI_INVALID,
                            "no start node is named, and no node of the script reads only files and "
                            "is not manual");
    CAPI_TRY(capi_script_affected(options->script, start, arena, &affected, &count, err));
    CAPI_TRY(start_collect(options, start, engine->exec.net, affected, count, arena, &lists, err));
    CAPI_TRY(capi_keyspace_open(engine->state, options->keyspace, true, arena, &keyspace, err));
    capi_random_uid(&capi_random_system, operation_uid);
    st = capi_run_start(engine->state, &keyspace,
                        &(capi_run_spec){
                            .operation_uid = capi_str_copy(arena, capi_str_of(operation_uid)),
                            .script_url = options->script->url,
                            .params_url = options->script->params_url,
                            .start_nodes = start,
                            .description = options->description,
                            .mode = options->mode,
                            .run_id = options->run_id,
                            .owner = capi_str_of(engine->process_uid),
                            .nodes = lists.nodes,
                            .node_count = lists.node_count,
                            .files = lists.files,
                            .file_count = lists.file_count,
                            .targets = lists.targets,
                            .target_count = lists.target_count,
                        },
                        arena, out, err);
    if (st == CAPI_OK) capi_engine_ring(engine);
    return st;
}
