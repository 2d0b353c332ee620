/* partial.c - see partial.h. Expected ranges that lie close together become one; each is cut into segments, the unit of fetching. */
#include "net/partial.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    WHOLE_BYTES = 256 << 10, /* smaller files are one segment */
    TAIL_BYTES = 32 << 10,   /* fetched at once, since all that is known of a Parquet file stands at its end */
    GAP_BYTES = 16 << 10,    /* what lies between two ranges is rather fetched than asked for separately */
    SEGMENT_BYTES = 4 << 20,
};

typedef enum segment_state { SEGMENT_ABSENT, SEGMENT_COMING, SEGMENT_HERE } segment_state;

typedef struct segment {
    uint64_t offset, bytes;
    segment_state state;
} segment;

struct capi_partial {
    capi_net_file *file;
    capi_net_watch watch;
    uint64_t size_bytes;
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a segment's state */
    segment *segments;      /* by offset, without overlap */
    size_t segment_count, segment_capacity;
    uint64_t expected_bytes;
    _Atomic uint64_t fetched_bytes;
};

/* ---- segments ---- */

static void add_segments(capi_partial *file, uint64_t offset, uint64_t end)
{
    file->expected_bytes += end - offset;
    while (offset < end) {
        uint64_t bytes = end - offset < SEGMENT_BYTES ? end - offset : SEGMENT_BYTES;

        if (file->segment_count == file->segment_capacity) {
            file->segment_capacity = file->segment_capacity ? 2 * file->segment_capacity : 16;
            file->segments = capi_realloc(file->segments, file->segment_capacity * sizeof *file->segments);
        }
        file->segments[file->segment_count++] = (segment){.offset = offset, .bytes = bytes};
        offset += bytes;
    }
}

static int compare_ranges(const void *a, const void *b)
{
    uint64_t left = ((const capi_partial_range *)a)->offset, right = ((const capi_partial_range *)b)->offset;

    return left < right ? -1 : left > right;
}

void capi_partial_expect(capi_partial *file, const capi_partial_range *ranges, uint32_t count)
{
    capi_partial_range *sorted;
    uint64_t begin = 0, end = 0;

    if (file->size_bytes <= WHOLE_BYTES || count == 0) return;
    sorted = capi_malloc(count * sizeof *sorted);
    memcpy(sorted, ranges, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_ranges);
    file->segment_count = 0;
    file->expected_bytes = atomic_load(&file->fetched_bytes);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t from = sorted[i].offset < file->size_bytes ? sorted[i].offset : file->size_bytes;
        uint64_t to = from + (sorted[i].bytes < file->size_bytes - from ? sorted[i].bytes : file->size_bytes - from);

        if (from > end && from - end > GAP_BYTES) {
            add_segments(file, begin, end);
            begin = end = from;
        } else if (begin == end) {
            begin = end = from;
        }
        if (to > end) end = to;
    }
    add_segments(file, begin, end);
    free(sorted);
}

/* The segment in which the byte lies, or NULL. */
static segment *find_segment(capi_partial *file, uint64_t offset)
{
    size_t low = 0, high = file->segment_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (file->segments[middle].offset + file->segments[middle].bytes <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < file->segment_count && file->segments[low].offset <= offset ? &file->segments[low] : NULL;
}

/* ---- fetching ---- */

typedef struct fetch_call {
    capi_partial *file;
    uint64_t told; /* of this transfer, so far */
} fetch_call;

static bool fetch_is_stopped(void *context)
{
    const capi_partial *file = ((fetch_call *)context)->file;

    return file->watch.is_stopped && file->watch.is_stopped(file->watch.context);
}

/* A transfer that begins anew goes back. */
static void fetch_progress(void *context, uint64_t bytes_done, uint64_t bytes_all)
{
    fetch_call *call = context;
    capi_partial *file = call->file;
    uint64_t done = atomic_fetch_add(&file->fetched_bytes, bytes_done - call->told) + bytes_done - call->told;

    (void)bytes_all;
    call->told = bytes_done;
    if (file->watch.progress) file->watch.progress(file->watch.context, done, file->expected_bytes);
}

/* To memory, or, with `to` NULL, to the temporary file. */
static capi_status fetch(capi_partial *file, uint64_t offset, void *to, size_t bytes, capi_err *err)
{
    fetch_call call = {file, 0};
    bool gave_up = false;
    capi_net_watch watch = {
        .is_stopped = fetch_is_stopped, .progress = fetch_progress, .context = &call, .gave_up = &gave_up};
    capi_status st = to ? capi_net_read_at(file->file, offset, to, bytes, &watch, err)
                        : capi_net_copy_at(file->file, offset, bytes, file->fd, &watch, err);

    return gave_up ? CAPI_INVALID : st;
}

/* Returns when the segment is here; one thread fetches it, the others wait. A failure is everybody's own. */
static capi_status need(capi_partial *file, segment *s, capi_err *err)
{
    capi_status st = CAPI_OK;

    pthread_mutex_lock(&file->lock);
    while (s->state == SEGMENT_COMING)
        pthread_cond_wait(&file->changed, &file->lock);
    if (s->state == SEGMENT_ABSENT) {
        s->state = SEGMENT_COMING;
        pthread_mutex_unlock(&file->lock);
        st = fetch(file, s->offset, NULL, s->bytes, err);
        pthread_mutex_lock(&file->lock);
        s->state = st == CAPI_OK ? SEGMENT_HERE : SEGMENT_ABSENT;
        pthread_cond_broadcast(&file->changed);
    }
    pthread_mutex_unlock(&file->lock);
    return st;
}

static bool is_expected(capi_partial *file, uint64_t offset, uint64_t end)
{
    while (offset < end) {
        const segment *s = find_segment(file, offset);

        if (!s) return false;
        offset = s->offset + s->bytes;
    }
    return true;
}

static capi_status read_fetched(capi_partial *file, uint64_t offset, char *to, size_t bytes, capi_err *err)
{
    while (bytes > 0) {
        ssize_t got = pread(file->fd, to, bytes, (off_t)offset);

        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return capi_err_set_errno(err, got < 0 ? errno : EIO, "cannot read a temporary file");
        to += got;
        offset += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return CAPI_OK;
}

capi_status capi_partial_read_at(capi_partial *file, uint64_t offset, void *to, size_t bytes, capi_err *err)
{
    uint64_t end = offset + bytes;

    if (!is_expected(file, offset, end)) return fetch(file, offset, to, bytes, err);
    for (uint64_t at = offset; at < end;) {
        segment *s = find_segment(file, at);

        CAPI_TRY(need(file, s, err));
        at = s->offset + s->bytes;
    }
    return read_fetched(file, offset, to, bytes, err);
}

/* ---- opening ---- */

capi_status capi_partial_open(capi_net *net, capi_str url, const capi_net_watch *watch, capi_partial **out,
                              capi_err *err)
{
    capi_partial *file = capi_zmalloc(sizeof *file);
    bool gave_up = false;
    capi_net_watch opening = {.is_stopped = watch->is_stopped, .context = watch->context, .gave_up = &gave_up};
    capi_status st;

    *out = NULL;
    *file = (capi_partial){.watch = *watch, .fd = -1};
    pthread_mutex_init(&file->lock, NULL);
    pthread_cond_init(&file->changed, NULL);
    st = capi_net_open(net, url, &opening, &file->file, err);
    if (gave_up) st = CAPI_INVALID;
    if (st == CAPI_OK && capi_net_has_ranges(file->file)) {
        file->size_bytes = capi_net_file_bytes(file->file);
        add_segments(file, file->size_bytes <= WHOLE_BYTES ? 0 : file->size_bytes - TAIL_BYTES, file->size_bytes);
        st = capi_net_temporary_fd(net, &file->fd, err);
        if (st == CAPI_OK) {
            *out = file;
            return CAPI_OK;
        }
    }
    capi_partial_close(file);
    return st;
}

void capi_partial_close(capi_partial *file)
{
    if (!file) return;
    if (file->fd >= 0) close(file->fd);
    capi_net_file_close(file->file);
    pthread_cond_destroy(&file->changed);
    pthread_mutex_destroy(&file->lock);
    free(file->segments);
    free(file);
}

uint64_t capi_partial_size_bytes(const capi_partial *file)
{
    return file->size_bytes;
}
