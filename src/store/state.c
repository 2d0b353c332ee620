/* state.c - the operations of state.h: arguments are checked here, once for all backends, and the words of refusals are
 * here, so that every backend says the same. */
#include "store/state.h"

#include "base/buf.h"
#include "store/state_backend.h"

#include <stdio.h>

enum {
    KEYSPACE_NAME_MAX = 48, /* what Cassandra allows */
    NODE_NAME_MAX = 255,    /* what capi_claim.node holds */
    BATCHES_MAX = 1000000000,
    UID_MAX = 64,
};

/* ---- words ---- */

capi_status state_no_keyspace(capi_err *err, capi_str name, const char *store)
{
    return capi_err_set(err, CAPI_NOT_FOUND, "unknown keyspace \"%.*s\" in %s", CAPI_STR_ARG(name), store);
}

capi_status state_dropped_keyspace(capi_err *err, const capi_keyspace *keyspace)
{
    return capi_err_set(err, CAPI_NOT_FOUND, "keyspace \"%.*s\" was dropped", CAPI_STR_ARG(keyspace->name));
}

capi_status state_no_run_id(capi_err *err, const capi_keyspace *keyspace, uint32_t run_id)
{
    return capi_err_set(err, CAPI_NOT_FOUND, "no such run: %u in keyspace \"%.*s\"", run_id,
                        CAPI_STR_ARG(keyspace->name));
}

capi_status state_run_id_was_given(capi_err *err, const capi_keyspace *keyspace, uint32_t run_id)
{
    return capi_err_set(err, CAPI_CONFLICT, "run id %u, or a greater one, was given before in keyspace \"%.*s\"",
                        run_id, CAPI_STR_ARG(keyspace->name));
}

capi_status state_no_run(capi_err *err, capi_str run_uid)
{
    return capi_err_set(err, CAPI_NOT_FOUND, "no such run: \"%.*s\"", CAPI_STR_ARG(run_uid));
}

capi_status state_no_node(capi_err *err, capi_str run_uid, capi_str node)
{
    return capi_err_set(err, CAPI_NOT_FOUND, "run \"%.*s\" has no node \"%.*s\"", CAPI_STR_ARG(run_uid),
                        CAPI_STR_ARG(node));
}

capi_status state_not_ours(capi_err *err, const capi_claim *claim)
{
    return capi_err_set(err, CAPI_CONFLICT, "batch %u of node \"%s\" is no longer claimed by attempt \"%s\"",
                        claim->batch_idx, claim->node, claim->attempt_uid);
}

capi_status state_seal_not_ours(capi_err *err, const capi_claim *claim)
{
    return capi_err_set(err, CAPI_CONFLICT, "the seal of node \"%s\" is no longer claimed by attempt \"%s\"",
                        claim->node, claim->attempt_uid);
}

capi_status state_nothing_to_claim(capi_err *err, capi_str node)
{
    return capi_err_set(err, CAPI_NOT_FOUND, "node \"%.*s\" has nothing to claim", CAPI_STR_ARG(node));
}

capi_status state_run_is_stopped(capi_err *err, capi_str run_uid)
{
    return capi_err_set(err, CAPI_STOPPED, "run \"%.*s\" is stopped", CAPI_STR_ARG(run_uid));
}

capi_status state_target_taken(capi_err *err, capi_str target, uint32_t run_id, capi_str keyspace)
{
    return capi_err_set(err, CAPI_CONFLICT, "file \"%.*s\" is being written by run %u of keyspace \"%.*s\"",
                        CAPI_STR_ARG(target), run_id, CAPI_STR_ARG(keyspace));
}

char *state_target_resolve(capi_str target, uint32_t run_id)
{
    const capi_str mark = CAPI_STR(CAPI_TARGET_RUN_ID);
    capi_buf path = {0};
    int64_t at;

    while ((at = capi_str_find(target, mark)) >= 0) {
        capi_buf_printf(&path, "%.*s%05u", (int)at, target.data, run_id);
        target = capi_str_slice(target, (size_t)at + mark.bytes, target.bytes);
    }
    capi_buf_append_str(&path, target);
    capi_buf_append_byte(&path, 0);
    return path.data;
}

capi_status state_node_unfinished(capi_err *err, capi_str node, int status)
{
    const char *is = status == CAPI_WORK_STOP_RECEIVED ? "was stopped" : "is not finished";

    return capi_err_set(err, CAPI_CONFLICT, "run cannot be completed: node \"%.*s\" %s", CAPI_STR_ARG(node), is);
}

capi_status state_run_unfinished(capi_err *err, uint32_t run_id)
{
    return capi_err_set(err, CAPI_CONFLICT, "run %u is still being worked on", run_id);
}

capi_status state_run_is_read(capi_err *err, uint32_t run_id, uint32_t reader_id)
{
    return capi_err_set(err, CAPI_CONFLICT, "run %u stays: run %u goes on and may read its tables", run_id, reader_id);
}

capi_status state_node_is_open(capi_err *err, capi_str node)
{
    return capi_err_set(err, CAPI_CONFLICT, "node \"%.*s\" was opened before", CAPI_STR_ARG(node));
}

capi_status state_beat_moved(capi_err *err, capi_str process_uid, uint64_t expected, uint64_t actual)
{
    return capi_err_set(err, CAPI_CONFLICT, "process \"%.*s\" is alive: its beat is %llu, expected %llu",
                        CAPI_STR_ARG(process_uid), (unsigned long long)actual, (unsigned long long)expected);
}

static void copy_text(char *to, size_t size, capi_str text)
{
    size_t bytes = text.bytes < size ? text.bytes : size - 1;

    if (bytes) memcpy(to, text.data, bytes);
    to[bytes] = 0;
}

void state_make_claim(capi_claim *out, capi_str run_uid, capi_str node, capi_str attempt_uid, uint32_t batch_idx,
                      uint32_t batches_total, uint32_t deaths, bool publishing)
{
    memset(out, 0, sizeof *out);
    copy_text(out->run_uid, sizeof out->run_uid, run_uid);
    copy_text(out->node, sizeof out->node, node);
    copy_text(out->attempt_uid, sizeof out->attempt_uid, attempt_uid);
    out->batch_idx = batch_idx;
    out->batches_total = batches_total;
    out->deaths = deaths;
    out->publishing = publishing;
}

/* ---- checks ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The lower case of an ASCII letter; the locale does not matter. */
static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool state_names_equal(capi_str a, capi_str b)
{
    if (a.bytes != b.bytes) return false;
    for (size_t i = 0; i < a.bytes; i++)
        if (fold(a.data[i]) != fold(b.data[i])) return false;
    return true;
}

capi_status capi_keyspace_check_name(capi_str name, capi_err *err)
{
    if (name.bytes == 0)
        return capi_err_set(err, CAPI_INVALID, "keyspace name is empty, expected letters, digits or \"_\"");
    if (name.bytes > KEYSPACE_NAME_MAX)
        return capi_err_set(err, CAPI_INVALID, "keyspace name \"%.*s\" has %zu bytes, expected at most %d",
                            CAPI_STR_ARG(name), name.bytes, (int)KEYSPACE_NAME_MAX);
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.data[i];

        if (is_letter(c) || (c >= '0' && c <= '9') || c == '_') continue;
        return capi_err_set(err, CAPI_INVALID,
                            "keyspace name \"%.*s\" is invalid: expected letters, digits and \"_\" only",
                            CAPI_STR_ARG(name));
    }
    if (!is_letter(name.data[0]))
        return capi_err_set(err, CAPI_INVALID, "keyspace name \"%.*s\" is invalid: expected a letter first",
                            CAPI_STR_ARG(name));
    if (name.bytes >= 6 && state_names_equal(capi_str_slice(name, 0, 6), CAPI_STR("system")))
        return capi_err_set(err, CAPI_INVALID, "keyspace name \"%.*s\" is reserved: it must not begin with \"system\"",
                            CAPI_STR_ARG(name));
    return CAPI_OK;
}

static capi_status check_uid(const char *what, capi_str uid, capi_err *err)
{
    if (uid.bytes > 0 && uid.bytes <= UID_MAX) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "%s \"%.*s\" has %zu bytes, expected 1 to %d", what, CAPI_STR_ARG(uid),
                        uid.bytes, (int)UID_MAX);
}

static capi_status check_node(const capi_run_spec *spec, uint32_t index, capi_err *err)
{
    const capi_run_node *node = &spec->nodes[index];

    if (node->name.bytes == 0 || node->name.bytes > NODE_NAME_MAX)
        return capi_err_set(err, CAPI_INVALID, "node name \"%.*s\" has %zu bytes, expected 1 to %d",
                            CAPI_STR_ARG(node->name), node->name.bytes, (int)NODE_NAME_MAX);
    if (node->batches_total > BATCHES_MAX)
        return capi_err_set(err, CAPI_INVALID, "node \"%.*s\" has %u batches, expected at most %d",
                            CAPI_STR_ARG(node->name), node->batches_total, (int)BATCHES_MAX);
    for (uint32_t i = 0; i < index; i++)
        if (capi_str_equal(spec->nodes[i].name, node->name))
            return capi_err_set(err, CAPI_INVALID, "node \"%.*s\" is listed twice", CAPI_STR_ARG(node->name));
    return CAPI_OK;
}

static capi_status check_spec(const capi_run_spec *spec, capi_err *err)
{
    if (spec->operation_uid.bytes) CAPI_TRY(check_uid("operation", spec->operation_uid, err));
    if (spec->node_count == 0) return capi_err_set(err, CAPI_INVALID, "a run needs at least one node");
    for (uint32_t i = 0; i < spec->node_count; i++)
        CAPI_TRY(check_node(spec, i, err));
    return CAPI_OK;
}

static capi_status check_claim(capi_str process_uid, capi_str operation_uid, capi_err *err)
{
    CAPI_TRY(check_uid("process", process_uid, err));
    return check_uid("operation", operation_uid, err);
}

/* ---- operations ---- */

capi_status capi_state_check(capi_state *state, capi_err *err)
{
    return state->ops->check ? state->ops->check(state, err) : CAPI_OK;
}

capi_status capi_state_check_writable(capi_state *state, uint32_t patience_ms, capi_err *err)
{
    return state->ops->check_writable ? state->ops->check_writable(state, patience_ms, err) : CAPI_OK;
}

void capi_state_close(capi_state *state)
{
    if (state) state->ops->close(state);
}

capi_status capi_keyspace_open(capi_state *state, capi_str name, bool create, capi_arena *arena, capi_keyspace *out,
                               capi_err *err)
{
    CAPI_TRY(capi_keyspace_check_name(name, err));
    return state->ops->keyspace_open(state, name, create, arena, out, err);
}

capi_status capi_keyspace_list(capi_state *state, capi_arena *arena, capi_keyspace **out, uint32_t *count,
                               capi_err *err)
{
    return state->ops->keyspace_list(state, arena, out, count, err);
}

capi_status capi_keyspace_drop(capi_state *state, capi_str name, capi_arena *arena, capi_str *uid, capi_err *err)
{
    CAPI_TRY(capi_keyspace_check_name(name, err));
    return state->ops->keyspace_drop(state, name, arena, uid, err);
}

capi_status capi_keyspace_last_run(capi_state *state, const capi_keyspace *keyspace, uint32_t *out, capi_err *err)
{
    return state->ops->keyspace_last_run(state, keyspace, out, err);
}

capi_status capi_run_start(capi_state *state, const capi_keyspace *keyspace, const capi_run_spec *spec,
                           capi_arena *arena, capi_run *out, capi_err *err)
{
    CAPI_TRY(check_spec(spec, err));
    return state->ops->run_start(state, keyspace, spec, arena, out, err);
}

capi_status capi_run_get(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                         capi_run *out, capi_err *err)
{
    return state->ops->run_get(state, keyspace, run_id, arena, out, err);
}

capi_status capi_run_list(capi_state *state, const capi_keyspace *keyspace, capi_arena *arena, capi_run **out,
                          uint32_t *count, capi_err *err)
{
    return state->ops->run_list(state, keyspace, arena, out, count, err);
}

capi_status capi_run_snapshot(capi_state *state, capi_str run_uid, capi_arena *arena, capi_snapshot_file **out,
                              uint32_t *count, capi_err *err)
{
    return state->ops->run_snapshot(state, run_uid, arena, out, count, err);
}

capi_status capi_run_stop(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_str comment,
                          capi_err *err)
{
    return state->ops->run_stop(state, keyspace, run_id, comment, err);
}

capi_status capi_run_complete(capi_state *state, capi_str run_uid, capi_str comment, capi_err *err)
{
    return state->ops->run_complete(state, run_uid, comment, err);
}

capi_status capi_run_forget(capi_state *state, const capi_keyspace *keyspace, uint32_t run_id, capi_arena *arena,
                            capi_str *run_uid, capi_err *err)
{
    return state->ops->run_forget(state, keyspace, run_id, arena, run_uid, err);
}

capi_status capi_node_list(capi_state *state, capi_str run_uid, capi_arena *arena, capi_node_state **out,
                           uint32_t *count, capi_err *err)
{
    return state->ops->node_list(state, run_uid, arena, out, count, err);
}

capi_status capi_node_get(capi_state *state, capi_str run_uid, capi_str node, capi_arena *arena, capi_node_state *out,
                          capi_err *err)
{
    return state->ops->node_get(state, run_uid, node, arena, out, err);
}

capi_status capi_node_open(capi_state *state, capi_str run_uid, capi_str node, capi_str reader_run_uid,
                           capi_str lookup_run_uid, capi_arena *arena, capi_node_state *out, capi_err *err)
{
    return state->ops->node_open(state, run_uid, node, reader_run_uid, lookup_run_uid, arena, out, err);
}

capi_status capi_node_refuse(capi_state *state, capi_str run_uid, capi_str node, capi_str comment, capi_err *err)
{
    return state->ops->node_refuse(state, run_uid, node, comment, err);
}

capi_status capi_batch_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                             capi_str operation_uid, capi_claim *out, capi_err *err)
{
    CAPI_TRY(check_claim(process_uid, operation_uid, err));
    return state->ops->batch_claim(state, run_uid, node, process_uid, operation_uid, out, err);
}

capi_status capi_batch_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    return state->ops->batch_release(state, claim, err);
}

capi_status capi_batch_note(capi_state *state, const capi_claim *claim, capi_str note, capi_err *err)
{
    return state->ops->batch_note(state, claim, note, err);
}

capi_status capi_batch_publish(capi_state *state, const capi_claim *claim, capi_str staged, capi_str target,
                               capi_err *err)
{
    return state->ops->batch_publish(state, claim, staged, target, err);
}

capi_status capi_batch_publication(capi_state *state, const capi_claim *claim, capi_arena *arena, capi_str *staged,
                                   capi_str *target, capi_err *err)
{
    return state->ops->batch_publication(state, claim, arena, staged, target, err);
}

capi_status capi_batch_finish(capi_state *state, const capi_claim *claim, const capi_batch_result *result,
                              capi_err *err)
{
    if (result->status != CAPI_WORK_SUCCESS && result->status != CAPI_WORK_FAIL)
        return capi_err_set(err, CAPI_INTERNAL, "batch result has status %d, expected success or fail",
                            (int)result->status);
    return state->ops->batch_finish(state, claim, result, err);
}

capi_status capi_batch_list(capi_state *state, capi_str run_uid, capi_str node, bool with_extents, capi_arena *arena,
                            capi_batch_state **out, uint32_t *count, capi_err *err)
{
    return state->ops->batch_list(state, run_uid, node, with_extents, arena, out, count, err);
}

capi_status capi_node_seal_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                                 capi_str operation_uid, capi_claim *out, capi_err *err)
{
    CAPI_TRY(check_claim(process_uid, operation_uid, err));
    return state->ops->seal_claim(state, run_uid, node, process_uid, operation_uid, out, err);
}

capi_status capi_node_seal_finish(capi_state *state, const capi_claim *claim, const capi_seal_result *result,
                                  capi_err *err)
{
    if (!state_work_is_final(result->status))
        return capi_err_set(err, CAPI_INTERNAL, "seal has status %d, expected a final one", (int)result->status);
    return state->ops->seal_finish(state, claim, result, err);
}

capi_status capi_node_seal_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    return state->ops->seal_release(state, claim, err);
}

capi_status capi_process_beat(capi_state *state, capi_str process_uid, capi_err *err)
{
    CAPI_TRY(check_uid("process", process_uid, err));
    return state->ops->process_beat(state, process_uid, err);
}

capi_status capi_process_list(capi_state *state, capi_arena *arena, capi_process **out, uint32_t *count, capi_err *err)
{
    return state->ops->process_list(state, arena, out, count, err);
}

capi_status capi_process_bury(capi_state *state, capi_str process_uid, uint64_t beat, capi_err *err)
{
    CAPI_TRY(check_uid("process", process_uid, err));
    return state->ops->process_bury(state, process_uid, beat, err);
}

capi_status capi_process_leave(capi_state *state, capi_str process_uid, capi_err *err)
{
    CAPI_TRY(check_uid("process", process_uid, err));
    return state->ops->process_leave(state, process_uid, err);
}
