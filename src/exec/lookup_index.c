/* lookup_index.c - which indexes there are, who uses them, and their columns.
 *
 * One lock guards the list and the `is_busy` flag of each index; the work itself is done without it. Indexes that nobody uses
 * stay for the next batch, as long as they take no more than a quarter of the budget or until memory is wanted elsewhere. */
#include "exec/large.h"
#include "exec/lookup_build.h"

#include <pthread.h>
#include <stdlib.h>

struct capi_index_cache {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* an index is not busy any more */
    capi_budget *budget;
    _Atomic uint64_t used_bytes; /* of all indexes */
    lookup_index *first;
    uint64_t clock;
};

struct capi_index_cache *exec_index_cache_new(capi_budget *budget)
{
    struct capi_index_cache *cache = capi_zmalloc(sizeof *cache);

    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->changed, NULL);
    cache->budget = budget;
    return cache;
}

/* ---- memory ---- */

static bool cache_take(struct capi_index_cache *cache, uint64_t bytes, uint64_t most_bytes)
{
    uint64_t used = cache->used_bytes;

    do {
        if (used + bytes > most_bytes) return false;
    } while (!atomic_compare_exchange_weak(&cache->used_bytes, &used, used + bytes));
    return true;
}

capi_status lookup_reserve(capi_exec *exec, lookup_index *index, uint64_t bytes, capi_err *err)
{
    struct capi_index_cache *cache = exec->indexes;
    uint64_t limit = exec->budget->limit_bytes;
    uint64_t own = index->pass_bits ? limit / 8 : limit / 2;
    uint64_t all = index->pass_bits ? limit - limit / 8 : limit - limit / 4;
    capi_status st;

    if (index->reserved_bytes + bytes > own)
        return capi_err_set(err, CAPI_NO_MEMORY,
                            "a lookup index needs more than %llu bytes, its part of the memory budget",
                            (unsigned long long)own);
    if (!cache_take(cache, bytes, all)) {
        exec_index_cache_trim(cache);
        if (!cache_take(cache, bytes, all))
            return capi_err_set(err, CAPI_NO_MEMORY,
                                "lookup indexes need more than %llu bytes, their part of the memory budget",
                                (unsigned long long)all);
    }
    st = exec_reserve(exec, bytes, "a lookup index", err);
    if (st == CAPI_OK)
        index->reserved_bytes += bytes;
    else
        cache->used_bytes -= bytes;
    return st;
}

void lookup_release(capi_exec *exec, lookup_index *index, uint64_t bytes)
{
    capi_budget_release(exec->budget, bytes);
    exec->indexes->used_bytes -= bytes;
    index->reserved_bytes -= bytes;
}

capi_status lookup_own_texts(capi_exec *exec, lookup_index *index, capi_view *views, uint32_t count, lookup_text *text,
                             capi_err *err)
{
    uint64_t bytes = 0;
    char *to;

    for (uint32_t i = 0; i < count; i++)
        if (views[i].bytes > CAPI_VIEW_INLINE_MAX) bytes += views[i].bytes;
    if (bytes == 0) return CAPI_OK;
    CAPI_TRY(lookup_reserve(exec, index, bytes, err));
    to = text->data = exec_large_alloc(bytes);
    text->bytes = bytes;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length = views[i].bytes;

        if (length <= CAPI_VIEW_INLINE_MAX) continue;
        memcpy(to, capi_view_data(&views[i]), length);
        views[i] = capi_view_make(to, length);
        to += length;
    }
    return CAPI_OK;
}

/* Returns the bytes that were freed. */
static uint64_t free_texts(lookup_text *texts, uint64_t block_count)
{
    uint64_t bytes = 0;

    if (!texts) return 0;
    for (uint64_t block = 0; block < block_count; block++) {
        exec_large_free(texts[block].data, texts[block].bytes);
        bytes += texts[block].bytes;
    }
    free(texts);
    return bytes;
}

/* Likewise. */
static uint64_t forget_column(const lookup_index *index, lookup_column *column)
{
    uint64_t bytes = column->vec.data ? index->row_count * capi_form_bytes(column->vec.form) : 0;

    exec_large_free(column->vec.data, bytes);
    bytes += free_texts(column->texts, index->block_count);
    *column = (lookup_column){0};
    return bytes;
}

static void index_free(struct capi_index_cache *cache, lookup_index *index)
{
    capi_table_reader_close(index->reader);
    exec_large_free(index->dense, index->dense_count * sizeof *index->dense);
    for (uint32_t part = 0; index->parts && part < 1u << index->part_bits; part++)
        exec_large_free(index->parts[part].slots, index->parts[part].alloc_bytes);
    free(index->parts);
    exec_large_free(index->views, index->row_count * sizeof *index->views);
    (void)free_texts(index->texts, index->block_count);
    exec_large_free(index->rows, index->row_count * sizeof *index->rows);
    free(index->block_first);
    exec_large_free(index->picked, index->row_count * sizeof *index->picked);
    for (uint32_t column = 0; column < index->schema.field_count; column++) {
        (void)forget_column(index, &index->columns[column]);
    }
    capi_budget_release(cache->budget, index->reserved_bytes);
    cache->used_bytes -= index->reserved_bytes;
    capi_arena_deinit(&index->arena);
    free(index);
}

void exec_index_cache_free(struct capi_index_cache *cache)
{
    if (!cache) return;
    while (cache->first) {
        lookup_index *index = cache->first;

        cache->first = index->next;
        index_free(cache, index);
    }
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* ---- letting go ---- */

/* Frees unused indexes, least recently used first, until they take at most keep_bytes. Called with the lock held. */
static void cache_trim(struct capi_index_cache *cache, uint64_t keep_bytes)
{
    for (;;) {
        lookup_index **oldest = NULL;
        uint64_t idle_bytes = 0;
        lookup_index *freed;

        for (lookup_index **at = &cache->first; *at; at = &(*at)->next) {
            if ((*at)->ref_count) continue;
            idle_bytes += (*at)->reserved_bytes;
            if (!oldest || (*at)->used_at < (*oldest)->used_at) oldest = at;
        }
        if (!oldest || idle_bytes <= keep_bytes) return;
        freed = *oldest;
        *oldest = freed->next;
        index_free(cache, freed);
    }
}

void exec_index_cache_trim(struct capi_index_cache *cache)
{
    if (!cache) return;
    pthread_mutex_lock(&cache->lock);
    cache_trim(cache, 0);
    pthread_mutex_unlock(&cache->lock);
}

void lookup_index_release(capi_exec *exec, lookup_index *index)
{
    struct capi_index_cache *cache = exec->indexes;

    if (!index) return;
    pthread_mutex_lock(&cache->lock);
    index->ref_count--;
    index->used_at = ++cache->clock;
    cache_trim(cache, cache->budget->limit_bytes / 4);
    pthread_mutex_unlock(&cache->lock);
}

/* ---- finding and building ---- */

static bool same_key(const capi_key_def *a, const capi_key_def *b)
{
    if (a->part_count != b->part_count) return false;
    for (uint32_t i = 0; i < a->part_count; i++)
        if (a->parts[i].column != b->parts[i].column || a->parts[i].type != b->parts[i].type ||
            a->parts[i].ignore_case != b->parts[i].ignore_case || a->parts[i].length != b->parts[i].length)
            return false;
    return true;
}

static bool same_schema(const capi_schema *a, const capi_schema *b)
{
    if (a->field_count != b->field_count) return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (a->fields[i].type != b->fields[i].type || !capi_str_equal(a->fields[i].name, b->fields[i].name))
            return false;
    return true;
}

static lookup_index *cache_find(const struct capi_index_cache *cache, const lookup_index_spec *spec)
{
    const capi_table_address *address = &spec->table->address;

    for (lookup_index *index = cache->first; index; index = index->next)
        if (capi_str_equal(index->address.keyspace_uid, address->keyspace_uid) &&
            capi_str_equal(index->address.run_uid, address->run_uid) &&
            capi_str_equal(index->address.table, address->table) && same_key(&index->key, spec->key) &&
            same_schema(&index->schema, spec->schema))
            return index;
    return NULL;
}

static lookup_index *index_new(const lookup_index_spec *spec)
{
    lookup_index *index = capi_zmalloc(sizeof *index);
    const capi_table_address *address = &spec->table->address;
    capi_field *fields = capi_new_array(&index->arena, capi_field, spec->schema->field_count);

    index->address = (capi_table_address){
        capi_str_copy(&index->arena, address->keyspace_uid),
        capi_str_copy(&index->arena, address->run_uid),
        capi_str_copy(&index->arena, address->table),
    };
    for (uint32_t i = 0; i < spec->schema->field_count; i++)
        fields[i] =
            (capi_field){capi_str_copy(&index->arena, spec->schema->fields[i].name), spec->schema->fields[i].type};
    index->schema = (capi_schema){fields, spec->schema->field_count};
    index->key = *spec->key;
    index->key.parts =
        capi_arena_copy(&index->arena, spec->key->parts, spec->key->part_count * sizeof *spec->key->parts);
    index->is_int64 = capi_key_is_int64(&index->key);
    index->columns = capi_new_array(&index->arena, lookup_column, spec->schema->field_count + 1);
    index->pass = spec->pass;
    index->pass_bits = spec->pass_bits;
    return index;
}

static capi_status index_open(capi_exec *exec, lookup_index *index, const lookup_index_spec *spec, capi_err *err)
{
    CAPI_TRY(capi_table_reader_open(exec->tables, &index->address, &index->schema, &spec->table->content,
                                    &index->reader, err));
    index->block_count = capi_table_reader_block_count(index->reader);
    return lookup_index_build(exec, index, spec->progress, err);
}

static void cache_remove(struct capi_index_cache *cache, lookup_index *index)
{
    lookup_index **at = &cache->first;

    while (*at != index)
        at = &(*at)->next;
    *at = index->next;
}

/* Takes an idle index and builds it. Called and left with the lock held. */
static capi_status cache_build(capi_exec *exec, lookup_index *index, const lookup_index_spec *spec, capi_err *err)
{
    struct capi_index_cache *cache = exec->indexes;
    capi_status st;

    index->is_busy = true;
    pthread_mutex_unlock(&cache->lock);
    st = index_open(exec, index, spec, err);
    pthread_mutex_lock(&cache->lock);
    index->is_busy = false;
    index->is_built = st == CAPI_OK;
    pthread_cond_broadcast(&cache->changed);
    return st;
}

capi_status lookup_index_acquire(capi_exec *exec, const lookup_index_spec *spec, lookup_index **out, capi_err *err)
{
    struct capi_index_cache *cache = exec->indexes;
    lookup_index *index;
    capi_status st = CAPI_OK;

    *out = NULL;
    pthread_mutex_lock(&cache->lock);
    while ((index = cache_find(cache, spec)) && index->is_busy)
        pthread_cond_wait(&cache->changed, &cache->lock);
    if (!index) {
        index = index_new(spec);
        index->ref_count = 1;
        index->next = cache->first;
        cache->first = index;
        st = cache_build(exec, index, spec, err);
        if (st != CAPI_OK) { /* whoever waited builds anew, or fails for itself */
            cache_remove(cache, index);
            index_free(cache, index);
            index = NULL;
        }
    } else {
        index->ref_count++;
    }
    pthread_mutex_unlock(&cache->lock);
    *out = index;
    if (st != CAPI_OK)
        capi_err_note(err, "while building the index of lookup table \"%.*s\"",
                      CAPI_STR_ARG(spec->table->address.table));
    return st;
}

capi_status lookup_index_make(capi_exec *exec, const lookup_index_spec *spec, lookup_index **out, capi_err *err)
{
    lookup_index *index = index_new(spec);
    capi_status st = index_open(exec, index, spec, err);

    *out = index;
    if (st == CAPI_OK) return CAPI_OK;
    *out = NULL;
    index_free(exec->indexes, index);
    return st;
}

void lookup_index_discard(capi_exec *exec, lookup_index *index)
{
    if (index) index_free(exec->indexes, index);
}

/* ---- columns ---- */

typedef struct column_load {
    lookup_index *index;
    capi_exec *exec;
    const bool *wanted;
    const capi_progress *progress;
} column_load;

/* The rows of a block that belong to the index, as one array at *to. */
static void load_values(const lookup_index *index, uint64_t block_index, const capi_vec *from, char *to)
{
    uint64_t first = index->block_first[block_index];
    uint32_t count = (uint32_t)(index->block_first[block_index + 1] - first);
    size_t width = capi_form_bytes(from->form);
    capi_arena arena = {0};
    capi_vec gathered;

    if (!index->picked) {
        memcpy(to, from->data, count * width);
        return;
    }
    gathered = capi_vec_gather(&arena, from, index->picked + first, count);
    memcpy(to, gathered.data, count * width);
    capi_arena_deinit(&arena);
}

static capi_status load_block(void *context, uint32_t worker, uint64_t block_index, capi_err *err)
{
    column_load *load = context;
    lookup_index *index = load->index;
    uint64_t first = index->block_first[block_index];
    uint32_t count = (uint32_t)(index->block_first[block_index + 1] - first);
    capi_block block = {0};
    capi_status st = CAPI_OK;

    (void)worker;
    if (load->progress && load->progress->stop)
        return capi_err_set(err, CAPI_STOPPED, "the batch was stopped on request");
    if (count == 0) return CAPI_OK;
    CAPI_TRY(capi_table_read_block(index->reader, block_index, load->wanted, false, &block, err));
    for (uint32_t column = 0; column < index->schema.field_count && st == CAPI_OK; column++) {
        lookup_column *to = &index->columns[column];
        char *data;

        if (!load->wanted[column]) continue;
        data = (char *)to->vec.data + first * capi_form_bytes(to->vec.form);
        load_values(index, block_index, &block.columns[column], data);
        if (to->vec.form == CAPI_FORM_VIEW)
            st = lookup_own_texts(load->exec, index, (capi_view *)data, count, &to->texts[block_index], err);
    }
    capi_block_release(&block);
    return st;
}

static capi_status load_columns(column_load *load, capi_err *err)
{
    lookup_index *index = load->index;
    uint64_t fixed_bytes = 0;
    capi_status st;

    for (uint32_t column = 0; column < index->schema.field_count; column++)
        if (load->wanted[column])
            fixed_bytes += index->row_count * capi_form_bytes(capi_form_stored(index->schema.fields[column].type));
    CAPI_TRY(lookup_reserve(load->exec, index, fixed_bytes, err));
    for (uint32_t column = 0; column < index->schema.field_count; column++) {
        lookup_column *to = &index->columns[column];
        capi_type type = index->schema.fields[column].type;

        if (!load->wanted[column]) continue;
        to->vec = (capi_vec){.type = type, .form = capi_form_stored(type)};
        to->vec.data = exec_large_alloc(index->row_count * capi_form_bytes(to->vec.form));
        to->texts = type == CAPI_STRING ? capi_zmalloc((index->block_count + 1) * sizeof *to->texts) : NULL;
    }
    st = capi_parallel_for(load->exec->pool, index->block_count, load_block, load, err);
    for (uint32_t column = 0; column < index->schema.field_count; column++) {
        if (!load->wanted[column]) continue;
        if (st == CAPI_OK)
            index->columns[column].is_loaded = true;
        else
            lookup_release(load->exec, index, forget_column(index, &index->columns[column]));
    }
    return st;
}

capi_status lookup_index_load(capi_exec *exec, lookup_index *index, const bool *needed, const capi_progress *progress,
                              capi_err *err)
{
    struct capi_index_cache *cache = exec->indexes;
    bool *wanted = capi_zmalloc(index->schema.field_count + 1);
    column_load load = {.index = index, .exec = exec, .wanted = wanted, .progress = progress};
    bool is_any = false;
    capi_status st = CAPI_OK;

    pthread_mutex_lock(&cache->lock);
    while (index->is_busy)
        pthread_cond_wait(&cache->changed, &cache->lock);
    for (uint32_t column = 0; column < index->schema.field_count; column++) {
        wanted[column] = needed[column] && !index->columns[column].is_loaded;
        is_any = is_any || wanted[column];
    }
    if (is_any) {
        index->is_busy = true;
        pthread_mutex_unlock(&cache->lock);
        st = load_columns(&load, err);
        pthread_mutex_lock(&cache->lock);
        index->is_busy = false;
        pthread_cond_broadcast(&cache->changed);
    }
    pthread_mutex_unlock(&cache->lock);
    free(wanted);
    return st;
}

const capi_vec *lookup_index_column(const lookup_index *index, uint32_t column)
{
    return &index->columns[column].vec;
}

const uint32_t *lookup_index_rows(const lookup_index *index)
{
    return index->rows;
}

uint64_t lookup_index_row_number(const lookup_index *index, uint32_t row)
{
    uint64_t low = 0, high = index->block_count;

    if (!index->picked) return row;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (index->block_first[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return capi_table_reader_first_row(index->reader, low) + index->picked[row];
}
