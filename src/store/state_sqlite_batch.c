/* state_sqlite_batch.c - batches, seals and processes in SQLite: who works on what, decided by the attempt in the row. */
#include "store/state.h"

#include "store/state_sqlite_node.h"

/* ---- claims ---- */

typedef struct batch_choice {
    int64_t id; /* 0: none */
    bool is_new;
    bool is_repeated;
    uint32_t deaths;
    bool publishing;
    char attempt[UID_TEXT_MAX];
} batch_choice;

static capi_status choose_repeated(sqlite_state *sq, const node_decision *node, capi_str process_uid,
                                   capi_str operation_uid, batch_choice *out, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_BATCH_CLAIMED_BY, &row, err, "iitt", batch_id(node->node_id, 0),
                      batch_id_last(node->node_id), process_uid, operation_uid));
    if (!row) return CAPI_OK;
    out->id = sqlite3_column_int64(row, 0);
    sqlite_row_uid(row, 1, out->attempt);
    out->deaths = (uint32_t)sqlite3_column_int64(row, 2);
    out->publishing = sqlite3_column_int(row, 3) != 0;
    out->is_repeated = true;
    db_reset(row);
    return CAPI_OK;
}

/* The lowest of those given back, which lie below next_batch, else next_batch itself. */
static capi_status choose_lowest(sqlite_state *sq, const node_decision *node, batch_choice *out, capi_err *err)
{
    sqlite3_stmt *row = NULL;

    if (node->status != CAPI_WORK_START) return CAPI_OK;
    if (node->next_batch > node->done + node->claimed)
        CAPI_TRY(
            db_query(sq, SQL_BATCH_FREE, &row, err, "ii", batch_id(node->node_id, 0), batch_id_last(node->node_id)));
    if (row) {
        out->id = sqlite3_column_int64(row, 0);
        out->deaths = (uint32_t)sqlite3_column_int64(row, 1);
        out->publishing = sqlite3_column_int(row, 2) != 0;
        db_reset(row);
    } else if (node->next_batch < node->batches_total && node->rest_status == CAPI_WORK_NONE) {
        out->id = batch_id(node->node_id, node->next_batch);
        out->is_new = true;
    }
    return CAPI_OK;
}

static capi_status choice_claim(sqlite_state *sq, const node_decision *node, capi_str process_uid,
                                capi_str operation_uid, batch_choice *choice, capi_err *err)
{
    int64_t now_ms = state_now_ms(&sq->base);

    sqlite_new_uid(sq, choice->attempt);
    CAPI_TRY(db_exec(sq, choice->is_new ? SQL_BATCH_ADD : SQL_BATCH_CLAIM, err, "ittsi", choice->id, process_uid,
                     operation_uid, choice->attempt, now_ms));
    return db_exec(sq, choice->is_new ? SQL_NODE_CLAIMED_NEW : SQL_NODE_CLAIMED_FREE, err, "i", node->node_id);
}

static capi_status batch_choose(sqlite_state *sq, const node_decision *node, capi_str run_uid, capi_str name,
                                capi_str process_uid, capi_str operation_uid, batch_choice *out, capi_err *err)
{
    CAPI_TRY(choose_repeated(sq, node, process_uid, operation_uid, out, err));
    if (out->id) return CAPI_OK;
    if (node->stop_ms) return state_run_is_stopped(err, run_uid);
    CAPI_TRY(choose_lowest(sq, node, out, err));
    return out->id ? CAPI_OK : state_nothing_to_claim(err, name);
}

static capi_status batch_claim(sqlite_state *sq, capi_str run_uid, capi_str name, capi_str process_uid,
                               capi_str operation_uid, capi_claim *out, capi_err *err)
{
    node_decision node;
    batch_choice choice = {0};

    CAPI_TRY(sqlite_node_decide(sq, run_uid, name, &node, err));
    CAPI_TRY(batch_choose(sq, &node, run_uid, name, process_uid, operation_uid, &choice, err));
    if (!choice.is_repeated) CAPI_TRY(choice_claim(sq, &node, process_uid, operation_uid, &choice, err));
    state_make_claim(out, run_uid, name, capi_str_of(choice.attempt), (uint32_t)choice.id, node.batches_total,
                     choice.deaths, choice.publishing);
    return CAPI_OK;
}

capi_status sq_batch_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                           capi_str operation_uid, capi_claim *out, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_CLAIM, err));
    return db_end(sq, DB_CLAIM, batch_claim(sq, run_uid, node, process_uid, operation_uid, out, err), err);
}

/* The batch of a claim whose attempt is still the batch's last one, and its status; CAPI_CONFLICT if it is not. */
static capi_status claim_find(sqlite_state *sq, const capi_claim *claim, node_decision *node, int64_t *id, int *status,
                              capi_err *err)
{
    sqlite3_stmt *row;
    bool is_ours;

    CAPI_TRY(db_query(sq, SQL_NODE_DECISION, &row, err, "ss", claim->run_uid, claim->node));
    if (!row) return state_not_ours(err, claim);
    sqlite_row_decision(row, node);
    db_reset(row);
    *id = batch_id(node->node_id, claim->batch_idx);
    CAPI_TRY(db_query(sq, SQL_BATCH_DECISION, &row, err, "i", *id));
    if (!row) return state_not_ours(err, claim);
    *status = sqlite3_column_int(row, 0);
    is_ours = capi_str_is(db_text(row, 1), claim->attempt_uid);
    db_reset(row);
    return is_ours ? CAPI_OK : state_not_ours(err, claim);
}

static capi_status node_count(sqlite_state *sq, const node_decision *node, int64_t done, int64_t failed,
                              int64_t stopped, capi_err *err)
{
    CAPI_TRY(db_exec(sq, SQL_NODE_COUNT, err, "iiii", node->node_id, done, failed, stopped));
    if (!node->stop_ms) return CAPI_OK;
    return db_exec(sq, SQL_NODE_SETTLE, err, "ii", node->node_id, state_now_ms(&sq->base));
}

/* Takes the claim off a batch: it is free again, or stopped with its run. */
static capi_status batch_unclaim(sqlite_state *sq, const node_decision *node, int64_t id, capi_err *err)
{
    if (node->stop_ms)
        CAPI_TRY(db_exec(sq, SQL_BATCH_STOP, err, "iii", id, state_now_ms(&sq->base), node->node_id));
    else
        CAPI_TRY(db_exec(sq, SQL_BATCH_UNCLAIM, err, "i", id));
    return node_count(sq, node, node->stop_ms ? 1 : 0, 0, node->stop_ms ? 1 : 0, err);
}

static capi_status batch_release(sqlite_state *sq, const capi_claim *claim, capi_err *err)
{
    node_decision node;
    int64_t id = 0;
    int status = 0;

    CAPI_TRY(claim_find(sq, claim, &node, &id, &status, err));
    if (status == CAPI_WORK_SUCCESS || status == CAPI_WORK_FAIL) return state_not_ours(err, claim);
    return status == CAPI_WORK_START ? batch_unclaim(sq, &node, id, err) : CAPI_OK;
}

capi_status sq_batch_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_CLAIM, err));
    return db_end(sq, DB_CLAIM, batch_release(sq, claim, err), err);
}

static capi_status batch_note(sqlite_state *sq, const capi_claim *claim, capi_str note, capi_err *err)
{
    node_decision node;
    int64_t id = 0;
    int status = 0;

    CAPI_TRY(claim_find(sq, claim, &node, &id, &status, err));
    if (status != CAPI_WORK_START) return state_not_ours(err, claim);
    CAPI_TRY(db_exec(sq, SQL_BATCH_NOTE, err, "it", id, note));
    return db_exec(sq, SQL_NODE_NOTE, err, "it", node.node_id, note);
}

capi_status sq_batch_note(capi_state *state, const capi_claim *claim, capi_str note, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_CLAIM, err));
    return db_end(sq, DB_CLAIM, batch_note(sq, claim, note, err), err);
}

static capi_status batch_publish(sqlite_state *sq, const capi_claim *claim, capi_str staged, capi_str target,
                                 capi_err *err)
{
    node_decision node;
    int64_t id = 0;
    int status = 0;

    CAPI_TRY(claim_find(sq, claim, &node, &id, &status, err));
    if (status != CAPI_WORK_START) return state_not_ours(err, claim);
    return db_exec(sq, SQL_BATCH_PUBLISH, err, "itt", id, staged, target);
}

capi_status sq_batch_publish(capi_state *state, const capi_claim *claim, capi_str staged, capi_str target,
                             capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    return db_end(sq, DB_RESULT, batch_publish(sq, claim, staged, target, err), err);
}

static capi_status batch_publication(sqlite_state *sq, const capi_claim *claim, capi_arena *arena, capi_str *staged,
                                     capi_str *target, capi_err *err)
{
    node_decision node;
    sqlite3_stmt *row;
    int64_t id = 0;
    int status = 0;

    CAPI_TRY(claim_find(sq, claim, &node, &id, &status, err));
    if (status != CAPI_WORK_START) return state_not_ours(err, claim);
    CAPI_TRY(db_query(sq, SQL_BATCH_DECISION, &row, err, "i", id));
    *staged = db_copy_text(row, 2, arena);
    *target = db_copy_text(row, 3, arena);
    db_reset(row);
    return CAPI_OK;
}

capi_status sq_batch_publication(capi_state *state, const capi_claim *claim, capi_arena *arena, capi_str *staged,
                                 capi_str *target, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, batch_publication(sq, claim, arena, staged, target, err), err);
}

static capi_status batch_finish(sqlite_state *sq, const capi_claim *claim, const capi_batch_result *result,
                                capi_err *err)
{
    node_decision node;
    int64_t id = 0;
    int status = 0;

    CAPI_TRY(claim_find(sq, claim, &node, &id, &status, err));
    if (status == CAPI_WORK_SUCCESS || status == CAPI_WORK_FAIL) return CAPI_OK; /* it was this attempt */
    if (status != CAPI_WORK_START) return state_not_ours(err, claim);
    CAPI_TRY(db_exec(sq, SQL_BATCH_FINISH, err, "iiiiiiiitb", id, (int64_t)result->status, state_now_ms(&sq->base),
                     (int64_t)result->rows_read, (int64_t)result->rows_written, (int64_t)result->bytes_written,
                     result->first_token, result->last_token, result->comment, result->extents));
    return node_count(sq, &node, 1, result->status == CAPI_WORK_FAIL, 0, err);
}

capi_status sq_batch_finish(capi_state *state, const capi_claim *claim, const capi_batch_result *result, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    return db_end(sq, DB_RESULT, batch_finish(sq, claim, result, err), err);
}

/* ---- lists of batches ---- */

static void row_batch(sqlite3_stmt *row, bool with_extents, capi_arena *arena, capi_batch_state *out)
{
    int status = sqlite3_column_int(row, 1);
    bool was_worked_on = status == CAPI_WORK_START || status == CAPI_WORK_SUCCESS || status == CAPI_WORK_FAIL;

    out->status = (capi_work_status)status;
    out->owner = db_copy_text(row, 2, arena);
    if (was_worked_on) out->attempt_uid = db_copy_text(row, 3, arena);
    out->rows_read = (uint64_t)sqlite3_column_int64(row, 4);
    out->rows_written = (uint64_t)sqlite3_column_int64(row, 5);
    out->bytes_written = (uint64_t)sqlite3_column_int64(row, 6);
    out->first_token = sqlite3_column_int64(row, 7);
    out->last_token = sqlite3_column_int64(row, 8);
    out->start_ms = sqlite3_column_int64(row, 9);
    out->final_ms = sqlite3_column_int64(row, 10);
    out->deaths = (uint32_t)sqlite3_column_int64(row, 11);
    out->comment = db_copy_text(row, 12, arena);
    if (!with_extents) return;
    out->extents = db_copy_text(row, 13, arena);
    out->survivors = db_copy_text(row, 14, arena);
}

/* All batches as the node's rest says. */
static capi_status batches_of_rest(sqlite_state *sq, capi_str run_uid, capi_str node, capi_arena *arena,
                                   capi_batch_state **out, uint32_t *count, capi_err *err)
{
    capi_batch_state batch = {.last_token = -1};
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_NODE_GET, &row, err, "tt", run_uid, node));
    if (!row) return sqlite_no_node(sq, run_uid, node, err);
    batch.batches_total = (uint32_t)sqlite3_column_int64(row, 1);
    batch.status = (capi_work_status)sqlite3_column_int(row, 13);
    batch.final_ms = sqlite3_column_int64(row, 14);
    batch.comment = db_copy_text(row, 15, arena);
    db_reset(row);
    *count = batch.batches_total;
    *out = capi_new_array(arena, capi_batch_state, *count);
    for (uint32_t i = 0; i < *count; i++) {
        (*out)[i] = batch;
        (*out)[i].batch_idx = i;
    }
    return CAPI_OK;
}

static capi_status batch_list(sqlite_state *sq, capi_str run_uid, capi_str name, bool with_extents, capi_arena *arena,
                              capi_batch_state **out, uint32_t *count, capi_err *err)
{
    node_decision node;
    sqlite3_stmt *row;

    CAPI_TRY(sqlite_node_decide(sq, run_uid, name, &node, err));
    CAPI_TRY(batches_of_rest(sq, run_uid, name, arena, out, count, err));
    CAPI_TRY(db_query(sq, with_extents ? SQL_BATCH_LIST_EXTENTS : SQL_BATCH_LIST, &row, err, "ii",
                      batch_id(node.node_id, 0), batch_id_last(node.node_id)));
    while (row) {
        uint32_t idx = (uint32_t)sqlite3_column_int64(row, 0);

        if (idx < *count) row_batch(row, with_extents, arena, &(*out)[idx]);
        CAPI_TRY(db_next(sq, &row, err));
    }
    return CAPI_OK;
}

capi_status sq_batch_list(capi_state *state, capi_str run_uid, capi_str node, bool with_extents, capi_arena *arena,
                          capi_batch_state **out, uint32_t *count, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, batch_list(sq, run_uid, node, with_extents, arena, out, count, err), err);
}

/* ---- seals ---- */

static capi_status seal_claim(sqlite_state *sq, capi_str run_uid, capi_str name, capi_str process_uid,
                              capi_str operation_uid, capi_claim *out, capi_err *err)
{
    node_decision node;
    bool is_repeated;

    CAPI_TRY(sqlite_node_decide(sq, run_uid, name, &node, err));
    is_repeated = node.seal_owner[0] && capi_str_is(process_uid, node.seal_owner) &&
                  capi_str_is(operation_uid, node.seal_operation);
    if (!is_repeated) {
        if (node.status != CAPI_WORK_START || node.done < node.batches_total || node.seal_owner[0])
            return state_nothing_to_claim(err, name);
        sqlite_new_uid(sq, node.seal_attempt);
        CAPI_TRY(db_exec(sq, SQL_NODE_SEAL, err, "itts", node.node_id, process_uid, operation_uid, node.seal_attempt));
    }
    state_make_claim(out, run_uid, name, capi_str_of(node.seal_attempt), 0, node.batches_total, node.seal_deaths,
                     false);
    return CAPI_OK;
}

capi_status sq_seal_claim(capi_state *state, capi_str run_uid, capi_str node, capi_str process_uid,
                          capi_str operation_uid, capi_claim *out, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_CLAIM, err));
    return db_end(sq, DB_CLAIM, seal_claim(sq, run_uid, node, process_uid, operation_uid, out, err), err);
}

static capi_status seal_find(sqlite_state *sq, const capi_claim *claim, node_decision *node, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_NODE_DECISION, &row, err, "ss", claim->run_uid, claim->node));
    if (!row) return state_seal_not_ours(err, claim);
    sqlite_row_decision(row, node);
    db_reset(row);
    return strcmp(node->seal_attempt, claim->attempt_uid) == 0 ? CAPI_OK : state_seal_not_ours(err, claim);
}

static capi_status seal_finish(sqlite_state *sq, const capi_claim *claim, const capi_seal_result *result, capi_err *err)
{
    node_decision node;

    CAPI_TRY(seal_find(sq, claim, &node, err));
    if (state_work_is_final(node.status)) return CAPI_OK;
    if (!node.seal_owner[0]) return state_seal_not_ours(err, claim);
    CAPI_TRY(db_exec(sq, SQL_NODE_SEALED, err, "iiiit", node.node_id, (int64_t)result->status, state_now_ms(&sq->base),
                     (int64_t)result->row_count, result->comment));
    for (uint32_t i = 0; result->survivors && i < node.next_batch; i++) {
        if (result->survivors[i].bytes == 0) continue;
        CAPI_TRY(db_exec(sq, SQL_BATCH_SURVIVORS, err, "ib", batch_id(node.node_id, i), result->survivors[i]));
        if (!result->batches) continue;
        CAPI_TRY(db_exec(sq, SQL_BATCH_RETOLD, err, "iit", batch_id(node.node_id, i),
                         (int64_t)result->batches[i].rows_written, result->batches[i].comment));
    }
    return CAPI_OK;
}

capi_status sq_seal_finish(capi_state *state, const capi_claim *claim, const capi_seal_result *result, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    return db_end(sq, DB_RESULT, seal_finish(sq, claim, result, err), err);
}

/* A death takes the attempt away too, so that it can do nothing any more. */
static capi_status seal_unclaim(sqlite_state *sq, const node_decision *node, const char *attempt, int64_t deaths,
                                capi_err *err)
{
    CAPI_TRY(db_exec(sq, SQL_NODE_SEAL_FREE, err, "isi", node->node_id, attempt, deaths));
    if (!node->stop_ms) return CAPI_OK;
    return db_exec(sq, SQL_NODE_SETTLE, err, "ii", node->node_id, state_now_ms(&sq->base));
}

static capi_status seal_release(sqlite_state *sq, const capi_claim *claim, capi_err *err)
{
    node_decision node;

    CAPI_TRY(seal_find(sq, claim, &node, err));
    if (state_work_is_final(node.status)) return state_seal_not_ours(err, claim);
    return node.seal_owner[0] ? seal_unclaim(sq, &node, node.seal_attempt, 0, err) : CAPI_OK;
}

capi_status sq_seal_release(capi_state *state, const capi_claim *claim, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_CLAIM, err));
    return db_end(sq, DB_CLAIM, seal_release(sq, claim, err), err);
}

/* ---- processes ---- */

capi_status sq_process_beat(capi_state *state, capi_str process_uid, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    capi_status st;

    CAPI_TRY(db_begin(sq, DB_CLAIM, err));
    st = db_check_same(sq, err);
    if (st == CAPI_OK) st = db_exec(sq, SQL_PROCESS_BEAT, err, "t", process_uid);
    return db_end(sq, DB_CLAIM, st, err);
}

static capi_status process_list(sqlite_state *sq, capi_arena *arena, capi_process **out, uint32_t *count, capi_err *err)
{
    sqlite3_stmt *row;
    capi_buf list = {0};
    capi_status st = db_query(sq, SQL_PROCESS_LIST, &row, err, "");

    while (st == CAPI_OK && row) {
        capi_process process = {db_copy_text(row, 0, arena), (uint64_t)sqlite3_column_int64(row, 1),
                                (uint32_t)sqlite3_column_int64(row, 2)};

        capi_buf_append(&list, &process, sizeof process);
        st = db_next(sq, &row, err);
    }
    *count = (uint32_t)(list.bytes / sizeof **out);
    *out = capi_arena_copy(arena, list.data, list.bytes);
    capi_buf_deinit(&list);
    return st;
}

capi_status sq_process_list(capi_state *state, capi_arena *arena, capi_process **out, uint32_t *count, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_READ, err));
    return db_end(sq, DB_READ, process_list(sq, arena, out, count, err), err);
}

static capi_status process_beat_of(sqlite_state *sq, capi_str process_uid, uint64_t *beat, capi_err *err)
{
    sqlite3_stmt *row;

    *beat = 0;
    CAPI_TRY(db_query(sq, SQL_PROCESS_GET, &row, err, "t", process_uid));
    if (row) *beat = (uint64_t)sqlite3_column_int64(row, 0);
    db_reset(row);
    return CAPI_OK;
}

static capi_status node_decide_by_id(sqlite_state *sq, int64_t node_id, node_decision *out, capi_err *err)
{
    sqlite3_stmt *row;

    CAPI_TRY(db_query(sq, SQL_NODE_DECISION_BY_ID, &row, err, "i", node_id));
    if (!row) return capi_err_set(err, CAPI_INVALID, "state file \"%s\" is damaged: a batch has no node", sq->path);
    sqlite_row_decision(row, out);
    db_reset(row);
    return CAPI_OK;
}

static capi_status free_batches(sqlite_state *sq, const int64_t *ids, size_t count, int64_t deaths, capi_err *err)
{
    node_decision node;

    for (size_t i = 0; i < count; i++) {
        CAPI_TRY(node_decide_by_id(sq, ids[i] >> 32, &node, err));
        CAPI_TRY(db_exec(sq, SQL_BATCH_DIED, err, "ii", ids[i], deaths));
        CAPI_TRY(batch_unclaim(sq, &node, ids[i], err));
    }
    return CAPI_OK;
}

static capi_status free_seals(sqlite_state *sq, const int64_t *ids, size_t count, int64_t deaths, capi_err *err)
{
    node_decision node;

    for (size_t i = 0; i < count; i++) {
        CAPI_TRY(node_decide_by_id(sq, ids[i], &node, err));
        CAPI_TRY(seal_unclaim(sq, &node, "", deaths, err));
    }
    return CAPI_OK;
}

/* Takes all claims off a process. */
static capi_status process_free_claims(sqlite_state *sq, capi_str process_uid, int64_t deaths, capi_err *err)
{
    capi_buf batches = {0};
    capi_buf seals = {0};
    capi_status st;

    CAPI_TRY_OUT(sqlite_collect_numbers(sq, SQL_BATCH_OWNED, process_uid, &batches, err));
    CAPI_TRY_OUT(sqlite_collect_numbers(sq, SQL_NODE_SEALING_BY, process_uid, &seals, err));
    CAPI_TRY_OUT(free_batches(sq, (const int64_t *)batches.data, batches.bytes / sizeof(int64_t), deaths, err));
    CAPI_TRY_OUT(free_seals(sq, (const int64_t *)seals.data, seals.bytes / sizeof(int64_t), deaths, err));
out:
    capi_buf_deinit(&batches);
    capi_buf_deinit(&seals);
    return st;
}

static capi_status process_bury(sqlite_state *sq, capi_str process_uid, uint64_t beat, capi_err *err)
{
    uint64_t actual = 0;

    CAPI_TRY(process_beat_of(sq, process_uid, &actual, err));
    if (actual != beat) return state_beat_moved(err, process_uid, beat, actual);
    return process_free_claims(sq, process_uid, 1, err);
}

capi_status sq_process_bury(capi_state *state, capi_str process_uid, uint64_t beat, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_RESULT, err));
    return db_end(sq, DB_RESULT, process_bury(sq, process_uid, beat, err), err);
}

static capi_status process_leave(sqlite_state *sq, capi_str process_uid, capi_err *err)
{
    CAPI_TRY(process_free_claims(sq, process_uid, 0, err));
    return db_exec(sq, SQL_PROCESS_DELETE, err, "t", process_uid);
}

capi_status sq_process_leave(capi_state *state, capi_str process_uid, capi_err *err)
{
    sqlite_state *sq = sq_of(state);

    CAPI_TRY(db_begin(sq, DB_CLAIM, err));
    return db_end(sq, DB_CLAIM, process_leave(sq, process_uid, err), err);
}
