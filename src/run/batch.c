/* batch.c - claim in hand: run the batch, publish its file, commit its result. */
#include "run/batch.h"
#include "run/table_input.h"

#include "base/clock.h"
#include "base/file.h"

#include <time.h>

enum { BATCH_DEATHS_MAX = 3, COMMIT_TRIES = 10 };

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

/* A store that is away for a moment must not lose a finished batch: repeating a commit is safe (state.h). */
static capi_status commit(const capi_batch_context *context, const capi_claim *claim, const capi_batch_result *result,
                          capi_err *err)
{
    capi_status st = CAPI_OK;

    for (unsigned try = 0; try < COMMIT_TRIES; try++) {
        st = capi_batch_finish(context->state, claim, result, err);
        if (st != CAPI_UNAVAILABLE) break;
        pause_ms(20u << try);
    }
    return st;
}

static capi_status commit_failure(const capi_batch_context *context, const capi_claim *claim, capi_err *cause,
                                  capi_err *err)
{
    capi_batch_result result = {.status = CAPI_WORK_FAIL, .last_token = -1};

    capi_err_note(cause, "in node \"%.*s\" (%s), batch %u of %u, script \"%.*s\"", CAPI_STR_ARG(context->node->name),
                  capi_node_type_name(context->node->type), claim->batch_idx, claim->batches_total,
                  CAPI_STR_ARG(context->script->url));
    result.comment = (capi_str){cause->text, cause->text_bytes};
    return commit(context, claim, &result, err);
}

static capi_str input_name(const capi_batch_context *context, const capi_claim *claim)
{
    const capi_node *node = context->node;

    if (!context->reader)
        return claim->batch_idx < node->source.url_count ? node->source.urls[claim->batch_idx] : CAPI_STR("");
    return node->source_table;
}

static capi_str statistics(const capi_batch_context *context, const capi_claim *claim, const capi_batch_output *output,
                           int64_t elapsed_ns, capi_arena *arena)
{
    double seconds = elapsed_ns > 0 ? (double)elapsed_ns / 1e9 : 1e-9;
    capi_str from = input_name(context, claim);
    capi_str to = output->file ? output->target
                               : capi_str_format(arena, "%.*s_%05u", CAPI_STR_ARG(context->node->table->name),
                                                 context->run->run_id);
    capi_str text = capi_str_format(arena, "inserter_elapsed: %.4f s; %.*s -> %.*s; row_reads: %llu, %.1f r/s; ", seconds,
                                    CAPI_STR_ARG(from), CAPI_STR_ARG(to), (unsigned long long)output->rows_read,
                                    (double)output->rows_read / seconds);

    if (output->rows_read == 0) return text;
    return capi_str_format(arena, "%.*srow_writes: %llu, %.1f w/s; ", CAPI_STR_ARG(text),
                           (unsigned long long)output->rows_written, (double)output->rows_written / seconds);
}

/* The file takes its final name only while the claim is ours: design, section 4. */
static capi_status publish_file(const capi_batch_context *context, const capi_claim *claim, capi_batch_output *output,
                                capi_err *err)
{
    capi_file_writer *file = output->file;

    if (!file) return CAPI_OK;
    CAPI_TRY(capi_batch_publish(context->state, claim, capi_str_of(capi_file_writer_path(file)), output->target, err));
    output->file = NULL; /* capi_file_publish ends it, whatever happens */
    return capi_file_publish(file, err);
}

static capi_status run_and_commit(const capi_batch_context *context, const capi_claim *claim, capi_progress *progress,
                                  capi_batch_output *output, capi_arena *arena, capi_buf *extents, capi_err *err)
{
    int64_t begin_ns = capi_clock_system.monotonic_ns(capi_clock_system.context);
    capi_batch_task task = {
        .node = context->node,
        .keyspace_uid = context->run->keyspace_uid,
        .run_uid = context->run->run_uid,
        .attempt_uid = capi_str_of(claim->attempt_uid),
        .run_id = context->run->run_id,
        .batch_idx = claim->batch_idx,
        .batches_total = claim->batches_total,
        .now = capi_instant_from_ms(context->run->start_ms),
        .input = context->reader,
        .lookup = context->lookup,
        .progress = progress,
    };
    capi_batch_result result = {.status = CAPI_WORK_SUCCESS};

    if (claim->deaths >= BATCH_DEATHS_MAX)
        return capi_err_set(err, CAPI_INVALID, "the process that worked on this batch died %u times", claim->deaths);
    CAPI_TRY(capi_batch_run(context->exec, &task, arena, output, err));
    capi_extents_encode(extents, output->extents, output->extent_count);
    result.extents = context->node->table ? capi_buf_str(extents) : (capi_str){0};
    result.rows_read = output->rows_read;
    result.rows_written = output->rows_written;
    result.bytes_written = output->bytes_written;
    result.first_token = output->first_token;
    result.last_token = output->last_token;
    result.comment = statistics(context, claim, output,
                                capi_clock_system.monotonic_ns(capi_clock_system.context) - begin_ns, arena);
    CAPI_TRY(publish_file(context, claim, output, err));
    return commit(context, claim, &result, err);
}

capi_status capi_batch_work(const capi_batch_context *context, const capi_claim *claim, capi_progress *progress,
                            capi_batch_totals *totals, capi_err *err)
{
    capi_arena arena = {0};
    capi_buf extents = {0};
    capi_batch_output output = {0};
    capi_err cause = {0};
    capi_status st = run_and_commit(context, claim, progress, &output, &arena, &extents, &cause);

    *totals = (capi_batch_totals){CAPI_WORK_SUCCESS, output.rows_read, output.rows_written};
    if (st == CAPI_STOPPED) {
        totals->status = CAPI_WORK_NONE;
        (void)!capi_batch_release(context->state, claim, NULL);
        capi_err_copy(err, &cause);
    } else if (st != CAPI_OK) {
        totals->status = CAPI_WORK_FAIL;
        st = commit_failure(context, claim, &cause, err);
    }
    if (st == CAPI_CONFLICT) { /* somebody else's now: what we made is garbage, and nobody sees it */
        totals->status = CAPI_WORK_NONE;
        st = CAPI_OK;
    }
    capi_batch_output_deinit(&output);
    capi_buf_deinit(&extents);
    capi_arena_deinit(&arena);
    return st;
}

static capi_work_status status_of_batches(const capi_batch_state *batches, uint32_t count, capi_str *comment)
{
    capi_work_status status = CAPI_WORK_SUCCESS;

    for (uint32_t i = 0; i < count; i++) {
        if (batches[i].status == CAPI_WORK_FAIL) {
            *comment = batches[i].comment;
            return CAPI_WORK_FAIL;
        }
        if (batches[i].status == CAPI_WORK_STOP_RECEIVED) status = CAPI_WORK_STOP_RECEIVED;
    }
    return status;
}

static capi_status seal_table(const capi_batch_context *context, const capi_table_content *contents, uint32_t count,
                              capi_arena *arena, capi_seal_result *result, capi_err *err)
{
    capi_seal_output output = {0};
    capi_seal_task task = {
        .node = context->node,
        .address = {context->run->keyspace_uid, context->run->run_uid, context->node->table->name},
        .batches = contents,
        .batch_count = count,
    };

    CAPI_TRY(capi_seal_run(context->exec, &task, arena, &output, err));
    result->row_count = output.row_count;
    result->survivors = output.survivors;
    if (output.has_duplicates) {
        result->status = CAPI_WORK_FAIL;
        result->comment = output.duplicate;
    }
    return CAPI_OK;
}

static void seal_fail(capi_seal_result *result, const capi_err *cause, capi_arena *arena)
{
    *result = (capi_seal_result){.status = CAPI_WORK_FAIL,
                                 .comment = capi_str_copy(arena, (capi_str){cause->text, cause->text_bytes})};
}

capi_status capi_seal_work(const capi_batch_context *context, const capi_claim *claim, capi_work_status *status,
                           capi_err *err)
{
    capi_arena arena = {0};
    capi_table_content *contents = NULL;
    capi_batch_state *batches = NULL;
    uint32_t count = 0;
    capi_seal_result result = {0};
    capi_err cause = {0};
    capi_status st;

    CAPI_TRY_OUT(capi_batch_contents_load(context->state, capi_str_of(claim->run_uid), context->node->name, &arena,
                                          &contents, &batches, &count, err));
    result.status = status_of_batches(batches, count, &result.comment);
    for (uint32_t i = 0; i < count; i++)
        result.row_count += context->node->table ? contents[i].row_count : batches[i].rows_written;
    if (result.status == CAPI_WORK_SUCCESS && context->node->table &&
        seal_table(context, contents, count, &arena, &result, &cause) != CAPI_OK)
        seal_fail(&result, &cause, &arena);
    *status = result.status;
    st = capi_node_seal_finish(context->state, claim, &result, err);
    if (st == CAPI_CONFLICT) st = CAPI_OK; /* sealed by somebody else */
out:
    capi_arena_deinit(&arena);
    return st;
}
