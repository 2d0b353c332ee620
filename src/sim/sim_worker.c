/* sim_worker.c - a worker whose batches take virtual time. Tables and files are hashes in the world, which survives crashes:
 * what a process had not finished when it died stays behind unfinished, as on a disk. */
#include "sim/sim_inside.h"

#include "run/table_input.h"

#include <stdlib.h>

enum { ALONE_BATCH_MS = 10, SHORT_BATCH_MS = 60, LONG_BATCH_MS = 2500, SHORT_SEAL_MS = 20, LATE_RENAME_MS = 15000 };

static sim_worker *worker_of(capi_worker *base)
{
    return (sim_worker *)base;
}

/* ---- files ---- */

sim_file *sim_file_find(sim_world *world, const char *name)
{
    for (uint32_t i = 0; i < world->file_count; i++)
        if (strcmp(world->files[i].name, name) == 0) return &world->files[i];
    return NULL;
}

static void file_remove(sim_world *world, sim_file *file)
{
    if (file) *file = world->files[--world->file_count];
}

static void file_make(sim_world *world, const char *name, const capi_claim *claim)
{
    sim_file *file;

    file_remove(world, sim_file_find(world, name));
    if (world->file_count == world->file_capacity) {
        world->file_capacity = world->file_capacity * 2 + 16;
        world->files = capi_realloc(world->files, world->file_capacity * sizeof *world->files);
    }
    file = &world->files[world->file_count++];
    *file = (sim_file){.batch_idx = claim->batch_idx, .made_ns = world->now_ns};
    snprintf(file->name, sizeof file->name, "%s", name);
    snprintf(file->run_uid, sizeof file->run_uid, "%s", claim->run_uid);
    snprintf(file->node, sizeof file->node, "%.31s", claim->node);
}

/* A file of a run must not take the place of one of a younger run. */
static void check_not_older(sim_world *world, const sim_file *file, const sim_file *replaced)
{
    const sim_start *start = sim_start_of(world, file->run_uid);
    const sim_start *other = replaced ? sim_start_of(world, replaced->run_uid) : NULL;

    if (start && other && start < other)
        sim_violation(world, "I5: \"%s\" of run %u replaces that of run %u, which came later", replaced->name,
                      start->run_id, other->run_id);
}

static capi_status file_rename(sim_world *world, const char *from, const char *to, capi_err *err)
{
    sim_file *file = sim_file_find(world, from);

    if (!file) return capi_err_set(err, CAPI_NOT_FOUND, "\"%s\" is gone", from);
    if (!file->is_whole) sim_violation(world, "I13: \"%s\" gets its name before it is whole", to);
    check_not_older(world, file, sim_file_find(world, to));
    file_remove(world, sim_file_find(world, to));
    file = sim_file_find(world, from); /* it may have moved */
    snprintf(file->name, SIM_NAME_MAX, "%s", to);
    return CAPI_OK;
}

/* The process sleeps between its look at the claim and the rename; when it wakes it does that, and dies. */
static bool rename_later(sim_process *process, const sim_work *work)
{
    sim_world *world = process->world;
    sim_late_rename *late = &world->late[world->late_count];

    if (world->is_calm || process->is_spared || world->late_count == SIM_LATE_MAX ||
        !sim_chance(world, world->late_rename_permille))
        return false;
    world->late_count++;
    late->due_ns = world->now_ns + (int64_t)sim_dice(world, LATE_RENAME_MS) * SIM_MS;
    snprintf(late->from, SIM_NAME_MAX, "%s", work->staged);
    snprintf(late->to, SIM_NAME_MAX, "%s", work->target);
    process->is_doomed = true;
    world->report.crashes++;
    sim_trace(world, "  %s sleeps before it renames \"%s\"", process->uid, work->staged);
    return true;
}

void sim_late_renames(sim_world *world)
{
    for (uint32_t i = world->late_count; i-- > 0;) {
        sim_late_rename late = world->late[i];

        if (late.due_ns > world->now_ns) continue;
        world->late[i] = world->late[--world->late_count];
        if (file_rename(world, late.from, late.to, NULL) == CAPI_OK)
            sim_trace(world, "  \"%s\" is renamed late", late.from);
    }
}

static void name_files(sim_work *work, const capi_node *node, uint32_t run_id, uint32_t batch_idx, const char *attempt)
{
    capi_str url = capi_file_sink_url(node->file, run_id, batch_idx, &work->arena);
    const char *name = strrchr(url.data, '/') + 1;

    snprintf(work->target, SIM_NAME_MAX, "%s", url.data);
    snprintf(work->staged, SIM_NAME_MAX, "%.*s.%s.%s.tmp", (int)(name - url.data), url.data, name, attempt);
}

/* ---- tables ---- */

static bool is_of(const sim_blob *blob, const capi_claim *claim)
{
    return blob->batch_idx == claim->batch_idx && strcmp(blob->node, claim->node) == 0 &&
           strcmp(blob->run_uid, claim->run_uid) == 0;
}

/* Each attempt writes to a place of its own; or, with a mutant, behind what dead attempts at the batch have written. */
static uint32_t blob_make(sim_world *world, const capi_claim *claim)
{
    sim_blob *blob;

    for (uint32_t i = 0; sim_is(world, SIM_ROWS_STAY) && i < world->blob_count; i++)
        if (is_of(&world->blobs[i], claim)) {
            world->blobs[i].writers++;
            return i + 1;
        }
    if (world->blob_count == world->blob_capacity) {
        world->blob_capacity = world->blob_capacity * 2 + 64;
        world->blobs = capi_realloc(world->blobs, world->blob_capacity * sizeof *world->blobs);
    }
    blob = &world->blobs[world->blob_count++];
    *blob = (sim_blob){.batch_idx = claim->batch_idx, .writers = 1};
    snprintf(blob->run_uid, sizeof blob->run_uid, "%s", claim->run_uid);
    snprintf(blob->node, sizeof blob->node, "%.31s", claim->node);
    return world->blob_count;
}

void sim_tables_drop(sim_world *world, const char *run_uid)
{
    for (uint32_t i = 0; i < world->blob_count; i++)
        if (strcmp(world->blobs[i].run_uid, run_uid) == 0) world->blobs[i].is_removed = true;
}

/* A process that slept, and lost its claim, may find anything. */
static bool is_held(sim_world *world, const capi_claim *claim)
{
    const sim_entry *entry = sim_entry_of(world, claim->run_uid, claim->node, claim->batch_idx);

    return strcmp(entry->attempt, claim->attempt_uid) == 0;
}

static bool bit_of(const uint8_t *bitmap, uint64_t row)
{
    return !bitmap || (bitmap[row / 8] >> row % 8 & 1);
}

/* What a batch sees of a table: every block, and which rows survive. */
static uint64_t table_read(sim_world *world, const capi_claim *claim, const capi_table_input *input)
{
    const capi_table_content *content;
    uint64_t hash = 1;
    uint64_t row = 0;

    if (!input) return 0;
    content = &input->content;
    for (uint64_t i = 0; i < content->extent_count; i++) {
        const sim_blob *blob = &world->blobs[content->extents[i].segment - 1];

        if (blob->is_removed && is_held(world, claim))
            sim_violation(world, "I8: a batch reads a table that was removed with its run");
        if (!blob->is_whole || blob->rows != content->extents[i].row_count)
            sim_violation(world, "I8: a batch reads a block that is not whole");
        hash = sim_mix(hash, blob->value);
        for (uint32_t k = 0; k < blob->rows; k++)
            hash = sim_mix(hash, bit_of(content->survivors, row++));
    }
    return hash;
}

/* ---- batches ---- */

static int64_t work_time(sim_world *world, const sim_process *process)
{
    uint32_t longest_ms = sim_chance(world, 60) ? LONG_BATCH_MS : SHORT_BATCH_MS;

    if (process->parent) longest_ms = ALONE_BATCH_MS; /* time passes for all while it works */

    return (int64_t)sim_dice(world, longest_ms) * SIM_MS;
}

/* The script is the one with which the run was started. */
static void check_script(sim_world *world, const capi_work_item *item)
{
    const sim_start *start = sim_start_of(world, item->claim->run_uid);
    const capi_node *node = start ? capi_script_node(world->scripts[start->version], item->node->name) : NULL;

    if (node && !capi_str_equal(node->desc, item->node->desc))
        sim_violation(world, "I14: batch %s/%u does what another version of the script says", item->claim->node,
                      item->claim->batch_idx);
}

static void work_begin(sim_process *process, sim_work *work, const capi_work_item *item)
{
    sim_world *world = process->world;

    check_script(world, item);
    work->is_begun = true;
    work->claim = *item->claim;
    work->done_ns = world->now_ns + work_time(world, process);
    if (item->node->file) {
        name_files(work, item->node, item->run->run_id, item->claim->batch_idx, item->claim->attempt_uid);
        file_make(world, work->staged, item->claim);
    } else {
        work->blob = blob_make(world, item->claim);
    }
    sim_trace(world, "  %s begins %s/%u", process->uid, item->claim->node, item->claim->batch_idx);
}

static void table_write(sim_world *world, const sim_work *work)
{
    sim_blob *blob = &world->blobs[work->blob - 1];

    blob->value = blob->writers > 1 ? sim_mix(work->value, blob->writers) : work->value;
    blob->rows = work->rows;
    blob->is_whole = true;
}

static void extents_make(sim_work *work)
{
    capi_extent extent = {.segment = work->blob, .offset = 64, .length_bytes = 64, .row_count = work->rows};

    capi_buf_clear(&work->extents);
    capi_extents_encode(&work->extents, &extent, work->rows > 0);
}

static void work_end(sim_process *process, sim_work *work, const capi_work_item *item, capi_work_outcome *out)
{
    sim_world *world = process->world;
    uint32_t idx = item->claim->batch_idx;
    uint64_t value = sim_batch_value(item->node, idx, table_read(world, item->claim, item->reader),
                                     table_read(world, item->claim, item->lookup));
    sim_file *file = sim_file_find(world, work->staged);

    work->is_done = true;
    work->value = value;
    work->rows = sim_batch_rows(item->node, value);
    out->status = CAPI_OK;
    out->has_file = false;
    out->result = (capi_batch_result){.status = CAPI_WORK_SUCCESS, .rows_written = work->rows, .last_token = -1};
    if (item->node->table) {
        work->writes_late = sim_is(world, SIM_COMMIT_FIRST);
        if (!work->writes_late) table_write(world, work);
        extents_make(work);
        out->result.extents = capi_buf_str(&work->extents);
        return;
    }
    if (file) {
        file->value = value;
        file->is_whole = true;
    }
    out->has_file = !sim_is(world, SIM_RENAME_LAST);
    work->renames_late = !out->has_file;
    out->staged = capi_str_of(work->staged);
    out->target = capi_str_of(work->target);
}

static bool worker_batch(capi_worker *base, uint32_t slot, const capi_work_item *item, capi_work_outcome *out)
{
    sim_process *process = worker_of(base)->process;
    sim_world *world = process->world;
    sim_work *work = &worker_of(base)->works[slot];

    if (process->is_doomed) return false;
    if (!work->is_begun) work_begin(process, work, item);
    if (sim_may_die(process)) return false;
    if (world->now_ns < work->done_ns) {
        out->status = CAPI_STOPPED;
        return item->progress->stop;
    }
    if (sim_batch_kills(item->node, item->claim->batch_idx)) {
        process->is_doomed = true;
        world->report.poisoned++;
        sim_trace(world, "process %s is killed by %s/%u", process->uid, item->claim->node, item->claim->batch_idx);
        return false;
    }
    if (sim_chance(world, world->unavailable_permille))
        out->status = capi_err_set(&out->err, CAPI_UNAVAILABLE, "the table store does not answer");
    else if (sim_batch_fails(item->node, item->claim->batch_idx))
        out->status = capi_err_set(&out->err, CAPI_INVALID, "wrong data");
    else
        work_end(process, work, item, out);
    return true;
}

static capi_status worker_rename(capi_worker *base, uint32_t slot, capi_err *err)
{
    sim_process *process = worker_of(base)->process;
    sim_work *work = &worker_of(base)->works[slot];
    const sim_entry *entry;
    capi_status st;

    if (process->is_doomed || sim_may_die(process) || rename_later(process, work))
        return capi_err_set(err, CAPI_INTERNAL, "dead");
    entry = sim_entry_of(process->world, work->claim.run_uid, work->claim.node, work->claim.batch_idx);
    if (strcmp(entry->attempt, work->claim.attempt_uid) != 0)
        sim_violation(process->world, "I5: \"%s\" is renamed by attempt %s, but the claim is of \"%s\"", work->target,
                      work->claim.attempt_uid, entry->attempt);
    sim_trace(process->world, "  %s renames \"%s\"", process->uid, work->staged);
    st = file_rename(process->world, work->staged, work->target, err);
    sim_may_die(process);
    return st;
}

/* ---- seals ---- */

static capi_str survivors_of(const capi_table_content *content, const sim_world *world, capi_arena *arena)
{
    uint64_t rows = content->extent_count ? content->extents[0].row_count : 0;
    uint8_t *bits = capi_arena_zalloc(arena, rows / 8 + 1);

    for (uint32_t row = 0; row < rows; row++)
        if (sim_survives(world->blobs[content->extents[0].segment - 1].value, row))
            bits[row / 8] |= (uint8_t)(1 << row % 8);
    return (capi_str){(const char *)bits, (rows + 7) / 8};
}

static void seal_decide(sim_world *world, const capi_work_item *item, const capi_table_content *contents,
                        const capi_batch_state *batches, uint32_t count, capi_arena *arena, capi_seal_result *seal)
{
    bool is_stopped = false;
    bool has_failed = false;
    capi_str *survivors = capi_new_array(arena, capi_str, count);

    for (uint32_t i = 0; i < count; i++) {
        has_failed = has_failed || batches[i].status == CAPI_WORK_FAIL;
        is_stopped = is_stopped || batches[i].status == CAPI_WORK_STOP_RECEIVED;
        survivors[i] = survivors_of(&contents[i], world, arena);
    }
    seal->status = has_failed ? CAPI_WORK_FAIL : is_stopped ? CAPI_WORK_STOP_RECEIVED : CAPI_WORK_SUCCESS;
    if (seal->status == CAPI_WORK_SUCCESS && sim_has_duplicates(item->node)) {
        seal->status = CAPI_WORK_FAIL;
        seal->comment = CAPI_STR("duplicates");
    }
    if (item->node->type == CAPI_NODE_DISTINCT) seal->survivors = survivors;
}

static bool worker_seal(capi_worker *base, uint32_t slot, const capi_work_item *item, capi_work_outcome *out)
{
    sim_process *process = worker_of(base)->process;
    sim_world *world = process->world;
    sim_work *work = &worker_of(base)->works[slot];
    capi_table_content *contents = NULL;
    capi_batch_state *batches = NULL;
    uint32_t count = 0;

    if (process->is_doomed || sim_may_die(process)) return false;
    if (!work->is_begun) {
        work->is_begun = true;
        work->done_ns = world->now_ns + (int64_t)sim_dice(world, SHORT_SEAL_MS) * SIM_MS;
    }
    if (world->now_ns < work->done_ns) {
        out->status = CAPI_STOPPED;
        return item->progress->stop;
    }
    out->seal = (capi_seal_result){0};
    out->status = capi_batch_contents_load(&process->state.base, capi_str_of(item->claim->run_uid), item->node->name,
                                           &work->arena, &contents, &batches, &count, &out->err);
    if (out->status == CAPI_OK) seal_decide(world, item, contents, batches, count, &work->arena, &out->seal);
    return true;
}

/* ---- ends ---- */

/* Removes what is not named yet of one target. */
static void clear_target(sim_world *world, const capi_node *node, uint32_t run_id, uint32_t batch_idx)
{
    sim_work names = {0};
    size_t prefix;

    name_files(&names, node, run_id, batch_idx, "0123456789abcdef");
    prefix = strlen(names.staged) - strlen("0123456789abcdef.tmp");
    for (uint32_t i = world->file_count; i-- > 0;)
        if (strncmp(world->files[i].name, names.staged, prefix) == 0) file_remove(world, &world->files[i]);
    capi_arena_deinit(&names.arena);
}

static void worker_clear(capi_worker *base, const capi_run *run, const capi_node *node)
{
    const sim_process *process = worker_of(base)->process;

    if (process->is_doomed || sim_is(process->world, SIM_NO_CLEARING)) return;
    for (uint32_t i = 0; i < node->batches_total; i++)
        clear_target(process->world, node, run->run_id, i);
}

static void worker_tidy(capi_worker *base, const capi_work_item *item)
{
    const sim_process *process = worker_of(base)->process;

    if (!item->node->file || process->is_doomed || sim_is(process->world, SIM_NO_TIDYING)) return;
    clear_target(process->world, item->node, item->run->run_id, item->claim->batch_idx);
}

/* Of a dead process only the memory goes. */
static void worker_discard(capi_worker *base, uint32_t slot)
{
    sim_process *process = worker_of(base)->process;
    sim_work *work = &worker_of(base)->works[slot];

    if (!process->is_doomed && work->staged[0]) {
        if (work->renames_late) (void)!file_rename(process->world, work->staged, work->target, NULL);
        file_remove(process->world, sim_file_find(process->world, work->staged));
    }
    if (!process->is_doomed && work->writes_late) table_write(process->world, work);
    capi_buf_deinit(&work->extents);
    capi_arena_deinit(&work->arena);
    *work = (sim_work){0};
}

/* Of a child: what it tells its parent. */
static void worker_ended(capi_worker *base, uint32_t slot, const capi_work_item *item, const capi_work_outcome *outcome,
                         bool is_seal, capi_work_end end)
{
    sim_worker *worker = worker_of(base);

    (void)slot;
    (void)item;
    worker->has_committed = end == CAPI_WORK_COMMITTED;
    worker->committed = is_seal ? outcome->seal.status : outcome->result.status;
}

/* A child has no children. */
static const struct capi_worker_ops child_ops = {
    .batch = worker_batch,
    .rename = worker_rename,
    .seal = worker_seal,
    .clear = worker_clear,
    .tidy = worker_tidy,
    .ended = worker_ended,
    .discard = worker_discard,
};

static const struct capi_worker_ops worker_ops = {
    .batch = worker_batch,
    .rename = worker_rename,
    .seal = worker_seal,
    .clear = worker_clear,
    .tidy = worker_tidy,
    .alone = sim_worker_alone,
    .discard = worker_discard,
};

void sim_worker_init(sim_worker *worker, sim_process *process)
{
    bool has_children = !process->parent && !sim_is(process->world, SIM_NOT_ALONE);

    *worker = (sim_worker){.base = {.ops = has_children ? &worker_ops : &child_ops}, .process = process};
}

void sim_worker_deinit(sim_worker *worker)
{
    for (uint32_t i = 0; i < SIM_SLOTS; i++)
        worker_discard(&worker->base, i);
}
