/* top.c - collects, prunes, spills, merges.
 *
 * Entries point to key and text in blocks. Whenever there are twice as many entries as the limit, the better half is kept and
 * its last key becomes the cutoff: rows that are not before it are refused without being formatted. */
#include "exec/top.h"

#include "base/file.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    TOP_PRUNE_ROWS_MIN = 4096,
    TOP_ENTRIES_FIRST = 256,
    TOP_BLOCK_BYTES_FIRST = 16 << 10,
    TOP_BLOCK_BYTES = 1 << 20,
    TOP_RUN_BUFFER_BYTES = 64 << 10,
};

typedef struct top_entry {
    uint64_t prefix; /* first 8 bytes of the key, as a number */
    uint64_t row;
    const char *data; /* key, then text */
    uint32_t key_bytes;
    uint32_t text_bytes;
} top_entry;

typedef struct top_block top_block;
struct top_block {
    top_block *older;
    size_t bytes;
    char data[];
};

typedef struct top_run {
    capi_file_reader *file;
    uint64_t end_bytes;
} top_run;

struct top_rows {
    capi_exec *exec;
    uint64_t limit;
    capi_str name;
    top_entry *entries;
    uint64_t count, capacity;
    top_block *block; /* newest first */
    char *next, *end;
    uint64_t reserved_bytes;
    bool has_cutoff;
    uint64_t cutoff_prefix;
    capi_buf cutoff; /* key */
    capi_buf runs;   /* top_run */
    uint32_t run_count;
};

/* ---- memory ---- */

top_rows *top_rows_new(capi_exec *exec, uint64_t limit, capi_str name)
{
    top_rows *top = capi_zmalloc(sizeof *top);

    top->exec = exec;
    top->limit = limit;
    top->name = name;
    return top;
}

static void top_release(top_rows *top, uint64_t bytes)
{
    capi_budget_release(top->exec->budget, bytes);
    top->reserved_bytes -= bytes;
}

static bool top_reserve(top_rows *top, uint64_t bytes)
{
    if (!exec_try_reserve(top->exec, bytes)) return false;
    top->reserved_bytes += bytes;
    return true;
}

static void free_blocks(top_rows *top, top_block *block)
{
    while (block) {
        top_block *older = block->older;

        top_release(top, block->bytes);
        free(block);
        block = older;
    }
}

void top_rows_free(top_rows *top)
{
    if (!top) return;
    free_blocks(top, top->block);
    top_release(top, top->reserved_bytes);
    free(top->entries);
    for (uint32_t i = 0; i < top->run_count; i++)
        capi_file_close(((top_run *)top->runs.data)[i].file);
    capi_buf_deinit(&top->runs);
    capi_buf_deinit(&top->cutoff);
    free(top);
}

static char *top_alloc(top_rows *top, size_t bytes)
{
    char *data;

    if (!top->next || (size_t)(top->end - top->next) < bytes) {
        size_t block_bytes = top->block ? top->block->bytes * 2 : TOP_BLOCK_BYTES_FIRST;
        top_block *block;

        if (block_bytes > TOP_BLOCK_BYTES) block_bytes = TOP_BLOCK_BYTES;
        if (block_bytes < bytes + sizeof *block) block_bytes = bytes + sizeof *block;
        if (!top_reserve(top, block_bytes)) return NULL;
        block = capi_malloc(block_bytes);
        block->older = top->block;
        block->bytes = block_bytes;
        top->block = block;
        top->next = block->data;
        top->end = (char *)block + block_bytes;
    }
    data = top->next;
    top->next += bytes;
    return data;
}

static bool top_grow_entries(top_rows *top)
{
    uint64_t capacity = top->capacity ? top->capacity * 2 : TOP_ENTRIES_FIRST;

    if (top->count < top->capacity) return true;
    /* Sorting needs as much again for a while. */
    if (!top_reserve(top, 2 * (capacity - top->capacity) * sizeof *top->entries)) return false;
    top->entries = capi_realloc(top->entries, capacity * sizeof *top->entries);
    top->capacity = capacity;
    return true;
}

/* ---- order ---- */

static uint64_t key_prefix(const char *key, uint32_t bytes)
{
    uint64_t prefix = 0;

    memcpy(&prefix, key, bytes < 8 ? bytes : 8);
    return __builtin_bswap64(prefix);
}

static int key_compare(const char *a, uint32_t a_bytes, const char *b, uint32_t b_bytes)
{
    uint32_t bytes = a_bytes < b_bytes ? a_bytes : b_bytes;
    int order = bytes ? memcmp(a, b, bytes) : 0;

    if (order) return order;
    return a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
}

static bool entry_before(const top_entry *a, const top_entry *b)
{
    int order;

    if (a->prefix != b->prefix) return a->prefix < b->prefix;
    if (a->key_bytes <= 8 && a->key_bytes == b->key_bytes) return a->row < b->row;
    order = key_compare(a->data, a->key_bytes, b->data, b->key_bytes);
    return order ? order < 0 : a->row < b->row;
}

static void sort_insertion(top_entry *entries, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++) {
        top_entry moved = entries[i];
        uint64_t at = i;

        for (; at > 0 && entry_before(&moved, &entries[at - 1]); at--)
            entries[at] = entries[at - 1];
        entries[at] = moved;
    }
}

/* Merge sort; `spare` is as large as `entries`. */
static void sort_entries(top_entry *entries, top_entry *spare, uint64_t count)
{
    uint64_t half = count / 2;
    uint64_t left = 0, right = half, to = 0;

    if (count <= 16) {
        sort_insertion(entries, count);
        return;
    }
    sort_entries(entries, spare, half);
    sort_entries(entries + half, spare, count - half);
    if (!entry_before(&entries[half], &entries[half - 1])) return;
    memcpy(spare, entries, half * sizeof *entries);
    while (left < half && right < count)
        entries[to++] = entry_before(&entries[right], &spare[left]) ? entries[right++] : spare[left++];
    memcpy(entries + to, spare + left, (half - left) * sizeof *entries);
}

void top_rows_sort(top_rows *top)
{
    top_entry *spare;

    if (top->count > 1) {
        spare = capi_malloc(top->count * sizeof *spare);
        sort_entries(top->entries, spare, top->count);
        free(spare);
    }
    if (top->count > top->limit) top->count = top->limit;
}

/* ---- collecting ---- */

bool top_rows_wants(const top_rows *top, const capi_view *key)
{
    uint64_t prefix;

    if (!top->has_cutoff) return true;
    prefix = key_prefix(capi_view_data(key), key->bytes);
    if (prefix != top->cutoff_prefix) return prefix < top->cutoff_prefix;
    return key_compare(capi_view_data(key), key->bytes, top->cutoff.data, (uint32_t)top->cutoff.bytes) < 0;
}

/* After sorting: `limit` rows are before or at the last key, so later rows have to be before it. */
static void set_cutoff(top_rows *top)
{
    const top_entry *last;

    if (top->count < top->limit || top->limit == 0) return;
    last = &top->entries[top->limit - 1];
    if (top->has_cutoff && key_compare(last->data, last->key_bytes, top->cutoff.data, (uint32_t)top->cutoff.bytes) >= 0)
        return;
    top->has_cutoff = true;
    top->cutoff_prefix = last->prefix;
    capi_buf_clear(&top->cutoff);
    capi_buf_append(&top->cutoff, last->data, last->key_bytes);
}

/* Keeps the first `limit` rows; false if there is no memory to copy them. */
static bool top_prune(top_rows *top)
{
    top_block *old = top->block;

    top_rows_sort(top);
    set_cutoff(top);
    top->block = NULL;
    top->next = top->end = NULL;
    for (uint64_t i = 0; i < top->count; i++) {
        top_entry *entry = &top->entries[i];
        size_t bytes = (size_t)entry->key_bytes + entry->text_bytes;
        char *data = top_alloc(top, bytes);

        if (!data) { /* the old blocks go on living behind the new ones */
            top_block *oldest = top->block;

            while (oldest && oldest->older)
                oldest = oldest->older;
            if (oldest)
                oldest->older = old;
            else
                top->block = old;
            return false;
        }
        memcpy(data, entry->data, bytes);
        entry->data = data;
    }
    free_blocks(top, old);
    return true;
}

/* ---- runs ---- */

static capi_status run_write(top_rows *top, capi_file_writer *file, capi_err *err)
{
    capi_buf buf = {0};
    capi_status st = CAPI_OK;

    for (uint64_t i = 0; i < top->count && st == CAPI_OK; i++) {
        const top_entry *entry = &top->entries[i];

        capi_buf_append(&buf, &entry->row, sizeof entry->row);
        capi_buf_append(&buf, &entry->key_bytes, sizeof entry->key_bytes);
        capi_buf_append(&buf, &entry->text_bytes, sizeof entry->text_bytes);
        capi_buf_append(&buf, entry->data, (size_t)entry->key_bytes + entry->text_bytes);
        if (buf.bytes < TOP_RUN_BUFFER_BYTES) continue;
        st = capi_file_write(file, buf.data, buf.bytes, err);
        capi_buf_clear(&buf);
    }
    if (st == CAPI_OK) st = capi_file_write(file, buf.data, buf.bytes, err);
    capi_buf_deinit(&buf);
    return st;
}

/* Writes the collected rows as a sorted run and forgets them. The file has no name any more as soon as it is open. */
static capi_status top_spill(top_rows *top, capi_err *err)
{
    capi_arena arena = {0};
    capi_file_writer *file = NULL;
    uint64_t size = 0;
    top_run run = {0};
    const char *folder = capi_str_copy(&arena, top->exec->temp_folder).data;
    const char *path = capi_str_format(&arena, "%s/%.*s_%u.run", folder, CAPI_STR_ARG(top->name), top->run_count).data;
    capi_status st;

    top_rows_sort(top);
    set_cutoff(top);
    CAPI_TRY_OUT(capi_folder_make(folder, err));
    (void)unlink(path);
    CAPI_TRY_OUT(capi_file_append_to(path, &file, &size, err));
    CAPI_TRY_OUT(run_write(top, file, err));
    CAPI_TRY_OUT(capi_file_open(path, &run.file, err));
    run.end_bytes = capi_file_identity(run.file)->size_bytes;
    capi_buf_append(&top->runs, &run, sizeof run);
    top->run_count++;
    top->count = 0;
    free_blocks(top, top->block);
    top->block = NULL;
    top->next = top->end = NULL;
out:
    if (file) (void)unlink(path);
    capi_file_writer_close(file);
    capi_arena_deinit(&arena);
    if (st != CAPI_OK) capi_err_note(err, "while sorting rows in the temporary folder");
    return st;
}

capi_status top_rows_add(top_rows *top, const capi_view *key, uint64_t row, capi_str text, capi_err *err)
{
    size_t bytes = (size_t)key->bytes + text.bytes;
    char *data = NULL;

    if (text.bytes > UINT32_MAX)
        return capi_err_set(err, CAPI_INVALID, "a line of %zu bytes is too long to be sorted", text.bytes);
    if (top->count >= 2 * top->limit && top->count >= TOP_PRUNE_ROWS_MIN) (void)top_prune(top);
    if (top_grow_entries(top)) data = top_alloc(top, bytes);
    if (!data && top->count) {
        CAPI_TRY(top_spill(top, err));
        if (top_grow_entries(top)) data = top_alloc(top, bytes);
    }
    if (!data)
        return capi_err_set(err, CAPI_NO_MEMORY, "no room in the memory budget for a row of %zu bytes to be sorted",
                            bytes);
    memcpy(data, capi_view_data(key), key->bytes);
    if (text.bytes) memcpy(data + key->bytes, text.data, text.bytes);
    top->entries[top->count++] = (top_entry){
        .prefix = key_prefix(data, key->bytes),
        .row = row,
        .data = data,
        .key_bytes = key->bytes,
        .text_bytes = (uint32_t)text.bytes,
    };
    return CAPI_OK;
}

/* ---- merging ---- */

typedef struct top_source { /* sorted rows: in memory, or a run */
    const top_entry *entries;
    uint64_t count, at;
    const top_run *run;
    uint64_t offset; /* in the run: what is not in the buffer yet */
    capi_buf buf;
    size_t buf_at;
    top_entry current;
    bool is_done;
} top_source;

/* At least `bytes` bytes in the buffer at buf_at. */
static capi_status source_fill(top_source *source, size_t bytes, capi_err *err)
{
    size_t have = source->buf.bytes - source->buf_at;
    size_t wanted = bytes > TOP_RUN_BUFFER_BYTES ? bytes : TOP_RUN_BUFFER_BYTES;
    size_t got = 0;

    if (have >= bytes) return CAPI_OK;
    if (have) memmove(source->buf.data, source->buf.data + source->buf_at, have);
    source->buf.bytes = have;
    source->buf_at = 0;
    CAPI_TRY(capi_file_read_at(source->run->file, source->offset, capi_buf_reserve(&source->buf, wanted), wanted, &got,
                               err));
    source->offset += got;
    source->buf.bytes += got;
    if (source->buf.bytes < bytes)
        return capi_err_set(err, CAPI_UNAVAILABLE, "a temporary file of a sort is too short");
    return CAPI_OK;
}

static capi_status source_next(top_source *source, capi_err *err)
{
    top_entry *entry = &source->current;
    const char *from;

    if (!source->run) {
        if (source->at == source->count)
            source->is_done = true;
        else
            *entry = source->entries[source->at++];
        return CAPI_OK;
    }
    if (source->offset == source->run->end_bytes && source->buf_at == source->buf.bytes) {
        source->is_done = true;
        return CAPI_OK;
    }
    CAPI_TRY(source_fill(source, 16, err));
    from = source->buf.data + source->buf_at;
    memcpy(&entry->row, from, 8);
    memcpy(&entry->key_bytes, from + 8, 4);
    memcpy(&entry->text_bytes, from + 12, 4);
    CAPI_TRY(source_fill(source, (size_t)16 + entry->key_bytes + entry->text_bytes, err));
    entry->data = source->buf.data + source->buf_at + 16;
    entry->prefix = key_prefix(entry->data, entry->key_bytes);
    source->buf_at += (size_t)16 + entry->key_bytes + entry->text_bytes;
    return CAPI_OK;
}

static uint32_t make_sources(top_rows **tops, uint32_t count, top_source *sources)
{
    uint32_t source_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (!tops[i]) continue;
        sources[source_count++] = (top_source){.entries = tops[i]->entries, .count = tops[i]->count};
        for (uint32_t run = 0; run < tops[i]->run_count; run++)
            sources[source_count++] = (top_source){.run = (const top_run *)tops[i]->runs.data + run};
    }
    return source_count;
}

static top_source *first_source(top_source *sources, uint32_t count)
{
    top_source *first = NULL;

    for (uint32_t i = 0; i < count; i++)
        if (!sources[i].is_done && (!first || entry_before(&sources[i].current, &first->current))) first = &sources[i];
    return first;
}

capi_status top_rows_merge(top_rows **tops, uint32_t count, uint64_t limit, top_fn fn, void *context, capi_err *err)
{
    uint32_t source_max = 0;
    uint32_t source_count;
    top_source *sources;
    capi_status st = CAPI_OK;

    for (uint32_t i = 0; i < count; i++)
        source_max += tops[i] ? 1 + tops[i]->run_count : 0;
    sources = capi_zmalloc((source_max + 1) * sizeof *sources);
    source_count = make_sources(tops, count, sources);
    for (uint32_t i = 0; i < source_count; i++)
        CAPI_TRY_OUT(source_next(&sources[i], err));
    for (uint64_t row = 0; row < limit; row++) {
        top_source *source = first_source(sources, source_count);
        const top_entry *entry;

        if (!source) break;
        entry = &source->current;
        CAPI_TRY_OUT(fn(context, (capi_str){entry->data + entry->key_bytes, entry->text_bytes}, err));
        CAPI_TRY_OUT(source_next(source, err));
    }
out:
    for (uint32_t i = 0; i < source_count; i++)
        capi_buf_deinit(&sources[i].buf);
    free(sources);
    return st;
}
