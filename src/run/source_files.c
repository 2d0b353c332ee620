/* source_files.c - see source_files.h */
#include "run/source_files.h"

static const capi_snapshot_file *find(const capi_snapshot_file *files, uint32_t count, capi_str url, uint32_t *index)
{
    for (*index = 0; *index < count; (*index)++)
        if (capi_str_is(files[*index].kind, CAPI_SNAPSHOT_FILES) && capi_str_equal(files[*index].url, url))
            return &files[*index];
    return NULL;
}

static capi_status list_text(const capi_net_entry *entries, uint32_t count, capi_arena *arena, capi_str *out,
                             capi_err *err)
{
    capi_buf text = {0};
    capi_status st = CAPI_OK;

    for (uint32_t i = 0; st == CAPI_OK && i < count; i++) {
        if (memchr(entries[i].url.data, '\n', entries[i].url.bytes))
            st = capi_err_set(err, CAPI_INVALID, "the name of the file \"%.*s\" holds a line end",
                              CAPI_STR_ARG(entries[i].url));
        if (i) capi_buf_append_byte(&text, '\n');
        capi_buf_append_str(&text, entries[i].url);
    }
    *out = capi_str_copy(arena, capi_buf_str(&text));
    capi_buf_deinit(&text);
    return st;
}

static void append(capi_source_lists *lists, capi_arena *arena, capi_snapshot_file file, uint32_t count)
{
    if (lists->count == lists->capacity) {
        uint32_t capacity = lists->capacity ? 2 * lists->capacity : 8;
        capi_snapshot_file *files = capi_new_array(arena, capi_snapshot_file, capacity);
        uint32_t *counts = capi_new_array(arena, uint32_t, capacity);

        if (lists->count) {
            memcpy(files, lists->files, lists->count * sizeof *files);
            memcpy(counts, lists->counts, lists->count * sizeof *counts);
        }
        lists->files = files;
        lists->counts = counts;
        lists->capacity = capacity;
    }
    lists->files[lists->count] = file;
    lists->counts[lists->count++] = count;
}

static capi_status look_up(capi_source_lists *lists, capi_net *net, capi_str url, capi_arena *arena, uint32_t *count,
                           capi_err *err)
{
    capi_net_entry *entries = NULL;
    capi_str text;
    uint32_t index;

    if (find(lists->files, lists->count, url, &index)) {
        *count = lists->counts[index];
        return CAPI_OK;
    }
    CAPI_TRY(capi_files_match(net, url, arena, &entries, count, err));
    if (*count == 1 && capi_str_equal(entries[0].url, url)) return CAPI_OK;
    CAPI_TRY(list_text(entries, *count, arena, &text, err));
    append(lists, arena, (capi_snapshot_file){CAPI_STR(CAPI_SNAPSHOT_FILES), url, text}, *count);
    return CAPI_OK;
}

capi_status capi_source_lists_add(capi_source_lists *lists, capi_net *net, const capi_node *node, capi_arena *arena,
                                  uint32_t *batches, capi_err *err)
{
    uint64_t total = 0;

    *batches = node->batches_total;
    if (node->type != CAPI_NODE_FILE_TABLE) return CAPI_OK;
    for (uint32_t i = 0; i < node->source.url_count; i++) {
        uint32_t count = 0;
        capi_str url = node->source.urls[i];
        capi_status st = look_up(lists, net, url, arena, &count, err);

        total += count;
        if (st != CAPI_OK) {
            capi_err_note(err, "while looking up \"%.*s\" of node \"%.*s\"", CAPI_STR_ARG(capi_url_show(arena, url)),
                          CAPI_STR_ARG(node->name));
            return st;
        }
    }
    if (total > CAPI_SOURCE_FILES_MAX && total > node->source.url_count)
        return capi_err_set(err, CAPI_INVALID, "node \"%.*s\" reads %llu files: at most %d are allowed",
                            CAPI_STR_ARG(node->name), (unsigned long long)total, (int)CAPI_SOURCE_FILES_MAX);
    *batches = (uint32_t)total;
    return CAPI_OK;
}

bool capi_source_has_patterns(const capi_script *script)
{
    for (uint32_t i = 0; i < script->node_count; i++)
        for (uint32_t k = 0; k < script->nodes[i]->source.url_count; k++)
            if (capi_files_is_pattern(script->nodes[i]->source.urls[k])) return true;
    return false;
}

bool capi_source_list_read(const capi_snapshot_file *files, uint32_t file_count, capi_str url, capi_arena *arena,
                           const capi_str **urls, uint32_t *count)
{
    uint32_t index, lines = 1;
    const capi_snapshot_file *file = find(files, file_count, url, &index);
    capi_str text, *items;

    if (!file) return false;
    text = capi_str_copy(arena, file->text);
    for (size_t i = 0; i < text.bytes; i++)
        lines += text.data[i] == '\n';
    items = capi_new_array(arena, capi_str, lines);
    for (uint32_t i = 0; i < lines; i++) {
        int64_t end = capi_str_find(text, CAPI_STR("\n"));

        items[i] = end < 0 ? text : capi_str_slice(text, 0, (size_t)end);
        if (end >= 0) text = capi_str_slice(text, (size_t)end + 1, text.bytes);
    }
    *urls = items;
    *count = lines;
    return true;
}
