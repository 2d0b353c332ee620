/* plan.c - see plan.h: gathers. plan_text.c and plan_json.c write it down. */
#include "cmd/plan.h"

#include "cmd/listing.h"
#include "cmd/remote.h"
#include "net/files.h"
#include "net/url.h"
#include "run/file_conflicts.h"
#include "run/source_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct planner {
    capi_plan *plan;
    capi_engine *engine; /* NULL: there is no state yet */
    capi_keyspace keyspace;
    bool has_keyspace;
    const bool *is_affected; /* by rank */
    uint32_t *steps;         /* by rank */
    uint32_t problem_capacity;
    uint32_t target_count;
} planner;

static void add_problem(planner *p, const capi_node *node, capi_str words)
{
    capi_plan *plan = p->plan;

    if (plan->problem_count == p->problem_capacity) {
        p->problem_capacity = p->problem_capacity ? 2 * p->problem_capacity : 16;
        plan->problems = capi_realloc(plan->problems, p->problem_capacity * sizeof *plan->problems);
    }
    plan->problems[plan->problem_count++] =
        capi_str_format(&plan->arena, "node \"%.*s\": %.*s", CAPI_STR_ARG(node->name), CAPI_STR_ARG(words));
}

/* ---- files ---- */

static capi_plan_file look_at_input(planner *p, capi_str url, uint64_t bytes)
{
    capi_arena *arena = &p->plan->arena;
    capi_plan_file file = {
        .url = capi_url_show(arena, url), .is_elsewhere = capi_url_scheme(url) != CAPI_SCHEME_LOCAL, .bytes = bytes};
    capi_str path = capi_str_copy(arena, capi_url_local_path(url));
    struct stat status;

    if (file.is_elsewhere) return file;
    if (stat(path.data, &status) != 0) {
        file.problem = capi_str_format(arena, "input file \"%s\": %s", path.data, strerror(errno));
        return file;
    }
    file.exists = true;
    file.bytes = (uint64_t)status.st_size;
    if (!S_ISREG(status.st_mode))
        file.problem = capi_str_format(arena, "input file \"%s\" is no regular file", path.data);
    else if (access(path.data, R_OK) != 0)
        file.problem = capi_str_format(arena, "input file \"%s\": %s", path.data, strerror(errno));
    return file;
}

static capi_str folder_of(capi_arena *arena, capi_str path)
{
    size_t end = path.bytes;

    while (end > 0 && path.data[end - 1] != '/')
        end--;
    return end == 0 ? CAPI_STR(".") : capi_str_copy(arena, capi_str_slice(path, 0, end > 1 ? end - 1 : 1));
}

static capi_plan_file look_at_output(planner *p, capi_str url)
{
    capi_arena *arena = &p->plan->arena;
    capi_plan_file file = {.url = capi_url_show(arena, url), .is_elsewhere = capi_url_scheme(url) != CAPI_SCHEME_LOCAL};
    capi_str path = capi_str_copy(arena, capi_url_local_path(url)), folder;
    struct stat status;

    if (file.is_elsewhere) return file;
    folder = folder_of(arena, path);
    if (stat(folder.data, &status) != 0 || !S_ISDIR(status.st_mode))
        file.problem =
            capi_str_format(arena, "the folder \"%s\" of output file \"%s\" does not exist", folder.data, path.data);
    else if (access(folder.data, W_OK) != 0)
        file.problem =
            capi_str_format(arena, "the folder \"%s\" of output file \"%s\" cannot be written", folder.data, path.data);
    else if (stat(path.data, &status) == 0) {
        file.exists = true;
        file.bytes = (uint64_t)status.st_size;
        if (!S_ISREG(status.st_mode))
            file.problem = capi_str_format(arena, "output file \"%s\" exists and is no regular file", path.data);
    }
    return file;
}

/* One name: a file, or all that match. */
static void plan_input(planner *p, capi_plan_node *out, capi_str url, uint32_t *capacity)
{
    capi_arena *arena = &p->plan->arena;
    capi_net_entry *entries = NULL;
    capi_net *net = NULL;
    capi_err err = {0};
    uint32_t count = 0;
    bool is_pattern = capi_files_is_pattern(url);
    capi_status st = is_pattern && capi_url_scheme(url) != CAPI_SCHEME_LOCAL ? capi_remote_net(&net, &err) : CAPI_OK;

    if (st == CAPI_OK) st = capi_files_match(net, url, arena, &entries, &count, &err);
    if (out->input_count + count + 1 > *capacity) {
        capi_plan_file *inputs = capi_new_array(arena, capi_plan_file, *capacity = 2 * *capacity + count + 1);

        memcpy(inputs, out->inputs, out->input_count * sizeof *inputs);
        out->inputs = inputs;
    }
    for (uint32_t i = 0; i < count; i++)
        out->inputs[out->input_count++] = look_at_input(p, entries[i].url, is_pattern ? entries[i].bytes : 0);
    if (st != CAPI_OK)
        out->inputs[out->input_count++] = (capi_plan_file){.url = capi_url_show(arena, url),
                                                           .is_elsewhere = capi_url_scheme(url) != CAPI_SCHEME_LOCAL,
                                                           .problem = capi_str_format(arena, "%s", err.text)};
}

static void plan_inputs(planner *p, capi_plan_node *out)
{
    const capi_file_source *source = &out->node->source;
    uint32_t capacity = source->url_count;

    if (out->node->type != CAPI_NODE_FILE_TABLE) return;
    out->inputs = capi_new_array(&p->plan->arena, capi_plan_file, capacity);
    for (uint32_t i = 0; i < source->url_count; i++) {
        uint32_t before = out->input_count;

        plan_input(p, out, source->urls[i], &capacity);
        for (uint32_t k = before; k < out->input_count; k++)
            if (out->inputs[k].problem.bytes) add_problem(p, out->node, out->inputs[k].problem);
    }
}

static void plan_outputs(planner *p, capi_plan_node *out)
{
    const capi_node *node = out->node;

    if (!node->file) return;
    out->outputs = capi_new_array(&p->plan->arena, capi_plan_file, node->batches_total);
    for (uint32_t batch = 0; batch < node->batches_total && p->target_count < CAPI_PLAN_TARGETS_MAX; batch++) {
        capi_plan_file *file = &out->outputs[out->output_count++];

        p->target_count++;
        *file = look_at_output(p, capi_file_sink_url(node->file, p->plan->run_id, batch, &p->plan->arena));
        if (batch == 0 && file->problem.bytes)
            add_problem(p, node, file->problem); /* the others have the same folder */
    }
}

/* ---- tables ---- */

static capi_status plan_table(planner *p, capi_plan_node *out, const capi_node *maker, const capi_lookup *lookup,
                              capi_err *err)
{
    capi_plan_table *table = &out->tables[out->table_count++];
    capi_dependency dependency;
    capi_str problem;

    *table = (capi_plan_table){.maker = maker, .lookup = lookup, .is_in_run = p->is_affected[maker->rank]};
    if (table->is_in_run) {
        if (out->step <= p->steps[maker->rank]) out->step = p->steps[maker->rank] + 1;
        return CAPI_OK;
    }
    CAPI_TRY(capi_dependency_foresee(p->engine ? capi_engine_state(p->engine) : NULL,
                                     p->has_keyspace ? &p->keyspace : NULL, out->node, maker, &p->plan->arena,
                                     &dependency, &table->run_id, err));
    table->command = dependency.command;
    table->reason = dependency.reason;
    if (table->command == CAPI_POLICY_NOGO)
        add_problem(p, out->node, capi_str_format(&p->plan->arena, "would fail: %.*s", CAPI_STR_ARG(table->reason)));
    if (table->command != CAPI_POLICY_GO || !table->run_id) return CAPI_OK;
    CAPI_TRY(capi_plan_check_columns(capi_engine_state(p->engine), &p->keyspace, out->node, table, &p->plan->arena,
                                     &problem, err));
    if (problem.bytes) add_problem(p, out->node, problem);
    return CAPI_OK;
}

static capi_status plan_node(planner *p, const capi_node *node, capi_plan_node *out, capi_err *err)
{
    *out = (capi_plan_node){.node = node, .step = 1};
    plan_inputs(p, out);
    out->batches = node->type == CAPI_NODE_FILE_TABLE ? out->input_count : node->batches_total;
    if (node->reader) CAPI_TRY(plan_table(p, out, node->reader, NULL, err));
    if (node->lookup) CAPI_TRY(plan_table(p, out, node->lookup->index->owner, node->lookup, err));
    plan_outputs(p, out);
    p->steps[node->rank] = out->step;
    return CAPI_OK;
}

/* Manual nodes all of whose tables are there after the run, and at least one is made by it, come next. */
static void plan_rest(planner *p)
{
    const capi_script *script = p->plan->script;

    p->plan->next = capi_new_array(&p->plan->arena, const capi_node *, script->node_count + 1);
    p->plan->left_out = capi_new_array(&p->plan->arena, const capi_node *, script->node_count + 1);
    for (uint32_t i = 0; i < script->node_count; i++) {
        const capi_node *node = script->order[i], *parents[2];
        uint32_t count = capi_node_parents(node, parents);
        bool is_next = node->is_manual && count > 0;

        if (p->is_affected[node->rank]) continue;
        for (uint32_t j = 0; j < count; j++)
            is_next = is_next && p->is_affected[parents[j]->rank];
        if (is_next)
            p->plan->next[p->plan->next_count++] = node;
        else
            p->plan->left_out[p->plan->left_out_count++] = node;
    }
}

/* ---- state ---- */

/* Opens the state only if it is there: a plan makes nothing. */
static capi_status open_state(planner *p, const capi_args *args, capi_err *err)
{
    capi_engine_options options = {.thread_count = 1};
    uint32_t last = 0;
    capi_status st;

    p->plan->run_id = 1;
    CAPI_TRY(capi_data_folder(args, &p->plan->arena, &options.data_folder, err));
    CAPI_TRY(capi_engine_check_folder(options.data_folder, err));
    if (!capi_engine_has_state(options.data_folder)) return CAPI_OK;
    CAPI_TRY(capi_engine_open(&options, &p->engine, err));
    st = capi_keyspace_open(capi_engine_state(p->engine), p->plan->keyspace, false, &p->plan->arena, &p->keyspace, err);
    if (st == CAPI_NOT_FOUND) {
        capi_err_clear(err);
        return CAPI_OK;
    }
    CAPI_TRY(st);
    p->has_keyspace = true;
    CAPI_TRY(capi_keyspace_last_run(capi_engine_state(p->engine), &p->keyspace, &last, err));
    p->plan->run_id = last + 1;
    return CAPI_OK;
}

static bool is_all_local(const capi_node *node)
{
    for (uint32_t i = 0; i < node->source.url_count; i++)
        if (capi_url_scheme(node->source.urls[i]) != CAPI_SCHEME_LOCAL) return false;
    return true;
}

/* Wildcards are looked up here; what comes of it is told with the node's inputs. No server is asked twice. */
static capi_status check_conflicts(planner *p, const capi_node *const *affected, uint32_t count, capi_err *err)
{
    capi_source_lists lists = {0};

    for (uint32_t i = 0; i < count; i++) {
        uint32_t batches;

        if (is_all_local(affected[i]))
            (void)!capi_source_lists_add(&lists, NULL, affected[i], &p->plan->arena, &batches, NULL);
    }
    return capi_file_conflicts_check(affected, count, lists.files, lists.count, err);
}

static capi_status plan_all(planner *p, const capi_args *args, capi_err *err)
{
    capi_plan *plan = p->plan;
    const capi_node **affected = NULL;
    uint32_t count = 0;
    bool *is_affected = capi_new_array(&plan->arena, bool, plan->script->node_count + 1);

    CAPI_TRY(capi_keyspace_check_name(plan->keyspace, err));
    if (!plan->start_nodes.bytes)
        return capi_err_set(err, CAPI_INVALID,
                            "no start node is named, and no node of the script reads only files and is not manual");
    CAPI_TRY(open_state(p, args, err));
    CAPI_TRY(capi_script_affected(plan->script, plan->start_nodes, &plan->arena, &affected, &count, err));
    CAPI_TRY(check_conflicts(p, affected, count, err));
    for (uint32_t i = 0; i < count; i++)
        is_affected[affected[i]->rank] = true;
    p->is_affected = is_affected;
    p->steps = capi_new_array(&plan->arena, uint32_t, plan->script->node_count + 1);
    plan->nodes = capi_new_array(&plan->arena, capi_plan_node, count + 1);
    for (uint32_t i = 0; i < count; i++)
        CAPI_TRY(plan_node(p, affected[i], &plan->nodes[plan->node_count++], err));
    plan_rest(p);
    return CAPI_OK;
}

capi_status capi_plan_make(const capi_args *args, const capi_script *script, capi_plan *out, capi_err *err)
{
    planner p = {.plan = out};
    capi_status st;

    *out = (capi_plan){.script = script};
    out->keyspace = capi_session_keyspace(args, script->url, &out->arena);
    out->start_nodes = capi_str_trim(capi_str_of(capi_args_value(args, "start")));
    if (!out->start_nodes.bytes) out->start_nodes = capi_script_default_start(script, &out->arena);
    st = plan_all(&p, args, err);
    capi_engine_close(p.engine);
    return st;
}

void capi_plan_deinit(capi_plan *plan)
{
    free(plan->problems);
    capi_arena_deinit(&plan->arena);
}

int capi_plan_command(const capi_args *args, const capi_script *script)
{
    capi_plan plan;
    capi_buf text = {0};
    capi_err err = {0};
    capi_output output;
    int exit_code;

    if (!capi_args_output(args, &output)) return CAPI_EXIT_USAGE;
    if (output == CAPI_OUTPUT_CSV) {
        fprintf(stderr, "error: a plan has no rows: expected --output table or json\n");
        return CAPI_EXIT_USAGE;
    }
    if (capi_plan_make(args, script, &plan, &err) != CAPI_OK) {
        exit_code = capi_command_fail(&err);
    } else {
        if (output == CAPI_OUTPUT_JSON)
            capi_plan_to_json(&plan, &text);
        else
            capi_plan_to_text(&plan, &text);
        fwrite(text.data, 1, text.bytes, stdout);
        exit_code = plan.problem_count ? CAPI_EXIT_FAILED : CAPI_EXIT_DONE;
    }
    capi_buf_deinit(&text);
    capi_plan_deinit(&plan);
    return exit_code;
}
