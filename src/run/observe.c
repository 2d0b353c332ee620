/* observe.c - what the state knows of each node, and, of those that have not begun, what their dependency check says. */
#include "run/observe.h"
#include "run/dependency.h"
#include "run/history.h"

static bool is_final(capi_work_status status)
{
    return status >= CAPI_WORK_SUCCESS;
}

static capi_status add_batches(capi_state *state, const capi_run *run, const capi_node *node, capi_arena *arena,
                               capi_node_view *view, capi_err *err)
{
    capi_batch_state *batches = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_batch_list(state, run->run_uid, view->name, false, arena, &batches, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        view->rows_read += batches[i].rows_read;
        view->rows_written += batches[i].rows_written;
        if (batches[i].status == CAPI_WORK_FAIL && view->comment.bytes == 0 && node)
            view->comment = capi_failure_place(node, i, count, run->script_url, batches[i].comment, arena);
    }
    return CAPI_OK;
}

static capi_status add_reason(capi_state *state, const capi_keyspace *keyspace, const capi_run *run,
                              const capi_node *node, capi_arena *arena, capi_node_view *view, capi_err *err)
{
    capi_dependency dependency;

    CAPI_TRY(capi_dependency_check(state, keyspace, run, node, arena, &dependency, err));
    view->waiting_for = dependency.command == CAPI_POLICY_GO ? CAPI_STR(CAPI_WAITS_FOR_PROCESS) : dependency.reason;
    return CAPI_OK;
}

static capi_status observe_node(capi_state *state, const capi_keyspace *keyspace, const capi_run *run,
                                const capi_node *node, const capi_node_state *about, capi_arena *arena,
                                capi_node_view *view, capi_err *err)
{
    int64_t end_ms = about->final_ms ? about->final_ms : capi_clock_wall_ms(&capi_clock_system);

    *view = (capi_node_view){
        .name = about->name,
        .type = node ? node->type : CAPI_NODE_TABLE_TABLE,
        .status = about->status,
        .batches_total = about->batches_total,
        .batches_done = about->batches_done,
        .batches_failed = about->batches_failed,
        .batches_running = about->batches_claimed,
        .fraction = is_final(about->status)     ? 1
                    : about->batches_total == 0 ? 0
                                                : (double)about->batches_done / about->batches_total,
        .elapsed_ms = about->start_ms && end_ms > about->start_ms ? end_ms - about->start_ms : 0,
        .comment = about->comment,
        .waiting_for = about->status == CAPI_WORK_START ? about->comment : (capi_str){0}, /* see capi_batch_note */
    };
    if (about->status != CAPI_WORK_NONE) return add_batches(state, run, node, arena, view, err);
    if (!node || run->status != CAPI_RUN_START) return CAPI_OK;
    return add_reason(state, keyspace, run, node, arena, view, err);
}

capi_status capi_run_observe(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id,
                             const capi_script *script, capi_arena *arena, capi_run *run, capi_run_view *out,
                             capi_err *err)
{
    capi_node_state *nodes = NULL;
    uint32_t count = 0;

    CAPI_TRY(capi_run_get(state, keyspace, run_id, arena, run, err));
    CAPI_TRY(capi_node_list(state, run->run_uid, arena, &nodes, &count, err));
    *out = (capi_run_view){.status = run->status, .node_count = count};
    out->nodes = capi_new_array(arena, capi_node_view, count + 1);
    for (uint32_t i = 0; i < count; i++)
        CAPI_TRY(observe_node(state, keyspace, run, capi_script_node(script, nodes[i].name), &nodes[i], arena,
                              &out->nodes[i], err));
    return CAPI_OK;
}
