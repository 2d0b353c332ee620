/* history.c - sentences and tokens of histories. */
#include "run/history.h"

#include "net/url.h"

capi_str capi_failure_place(const capi_node *node, uint32_t batch_idx, uint32_t batches_total, capi_str script_url,
                            capi_str cause, capi_arena *arena)
{
    return capi_str_format(arena, "%.*s\n  in node \"%.*s\" (%s), batch %u of %u, script \"%.*s\"", CAPI_STR_ARG(cause),
                           CAPI_STR_ARG(node->name), capi_node_type_name(node->type), batch_idx, batches_total,
                           CAPI_STR_ARG(capi_url_show(arena, script_url)));
}

/* ---- batches ---- */

/* Rows of the table that an opened node reads; false if there is none, or it is gone. */
static capi_status rows_to_read(capi_state *state, const capi_run *run, const capi_node *node, capi_arena *arena,
                                bool *is_known, uint64_t *rows, capi_err *err)
{
    capi_node_state about;
    capi_node_state source;
    capi_status st;

    *is_known = false;
    CAPI_TRY(capi_node_get(state, run->run_uid, node->name, arena, &about, err));
    if (about.reader_run_uid.bytes == 0) return CAPI_OK;
    st = capi_node_get(state, about.reader_run_uid, node->reader->name, arena, &source, err);
    if (st == CAPI_NOT_FOUND) return CAPI_OK;
    *is_known = st == CAPI_OK;
    *rows = source.row_count;
    return st;
}

static bool has_result(const capi_batch_state *batch)
{
    return batch->status == CAPI_WORK_SUCCESS;
}

static capi_status set_tokens(capi_state *state, const capi_run *run, const capi_node *node, capi_arena *arena,
                              capi_batch_state *batches, uint32_t count, capi_err *err)
{
    bool is_known = node->type == CAPI_NODE_FILE_TABLE;
    uint64_t rows = 0;

    if (node->reader) CAPI_TRY(rows_to_read(state, run, node, arena, &is_known, &rows, err));
    for (uint32_t i = 0; i < count && is_known; i++) {
        capi_batch_state *batch = &batches[i];

        if (has_result(batch)) continue;
        batch->first_token = node->reader ? (int64_t)capi_batch_share(rows, i, count) : i;
        batch->last_token = node->reader ? (int64_t)capi_batch_share(rows, i + 1, count) - 1 : i;
    }
    return CAPI_OK;
}

capi_status capi_history_batches_of(capi_state *state, const capi_run *run, const capi_script *script, capi_str node,
                                    capi_arena *arena, capi_batch_state **out, uint32_t *count, capi_err *err)
{
    const capi_node *about = script ? capi_script_node(script, node) : NULL;
    bool is_whole = true;

    CAPI_TRY(capi_batch_list(state, run->run_uid, node, false, arena, out, count, err));
    for (uint32_t i = 0; i < *count; i++)
        is_whole = is_whole && has_result(&(*out)[i]);
    return is_whole || !about ? CAPI_OK : set_tokens(state, run, about, arena, *out, *count, err);
}

capi_str capi_history_batch_comment(const capi_run *run, const capi_script *script, capi_str node,
                                    const capi_batch_state *batch, capi_arena *arena)
{
    const capi_node *about = script ? capi_script_node(script, node) : NULL;

    /* One that never began was refused with its node, and says so. */
    if (batch->status != CAPI_WORK_FAIL || batch->start_ms == 0) return batch->comment;
    return capi_str_format(arena, "error running node %.*s of type %s in the script [%.*s]: [%.*s]", CAPI_STR_ARG(node),
                           about ? capi_node_type_name(about->type) : "unknown",
                           CAPI_STR_ARG(capi_url_show(arena, run->script_url)), CAPI_STR_ARG(batch->comment));
}

/* ---- nodes ---- */

static capi_status last_batch(capi_state *state, const capi_run *run, const capi_node_state *node, uint32_t *out,
                              capi_err *err)
{
    capi_arena scratch = {0};
    capi_batch_state *batches = NULL;
    uint32_t count = 0;
    int64_t last_ms = 0;
    capi_status st = capi_batch_list(state, run->run_uid, node->name, false, &scratch, &batches, &count, err);

    *out = 0;
    for (uint32_t i = 0; st == CAPI_OK && i < count; i++)
        if (batches[i].final_ms >= last_ms) {
            last_ms = batches[i].final_ms;
            *out = i;
        }
    capi_arena_deinit(&scratch);
    return st;
}

capi_status capi_history_node_comments(capi_state *state, const capi_run *run, const capi_node_state *node,
                                       capi_arena *arena, capi_node_comments *out, capi_err *err)
{
    bool has_ended_by_batches = node->status == CAPI_WORK_SUCCESS || node->batches_failed;
    uint32_t last;

    *out = (capi_node_comments){0};
    /* Batches are taken in order, so the first one is the first to begin. */
    if (node->start_ms) out->start = capi_str_format(arena, "marked started by batch 0 / %u", node->batches_total);
    if (node->status == CAPI_WORK_NONE || node->status == CAPI_WORK_START) return CAPI_OK;
    out->end = node->comment;
    if (!has_ended_by_batches) return CAPI_OK; /* stopped, or keys are not unique over all batches */
    CAPI_TRY(last_batch(state, run, node, &last, err));
    if (node->status == CAPI_WORK_SUCCESS)
        out->end =
            capi_str_format(arena, "marked completed by batch %u / %u - all batches ok", last, node->batches_total);
    else
        out->end =
            capi_str_format(arena, "marked completed with some failed batches by batch %u / %u - check batch history",
                            last, node->batches_total);
    return CAPI_OK;
}
