/* history_text.c - what the state keeps per run, node and batch becomes events, sorted by time. */
#include "cmd/history_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct history_event {
    int64_t ms;
    uint32_t run_id;
    uint32_t item; /* which node or batch: keeps the order of equal times */
    int status;
    capi_str comment;
} history_event;

typedef struct history_events {
    history_event *items;
    uint32_t count;
} history_events;

void capi_history_append_time(capi_buf *to, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char text[32];

    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    capi_buf_printf(to, "%s.%03d+0000", text, (int)(ms % 1000));
}

void capi_history_append_comment(capi_buf *to, capi_str comment)
{
    for (size_t i = 0; i < comment.bytes; i++) {
        char c = comment.data[i];

        capi_buf_append_byte(to, c == ',' ? ';' : c == '\n' || c == '\r' ? ' ' : c);
    }
}

static int compare_events(const void *a, const void *b)
{
    const history_event *left = a;
    const history_event *right = b;

    if (left->ms != right->ms) return left->ms < right->ms ? -1 : 1;
    if (left->run_id != right->run_id) return left->run_id < right->run_id ? -1 : 1;
    if (left->item != right->item) return left->item < right->item ? -1 : 1;
    return left->status < right->status ? -1 : left->status > right->status;
}

static void add_event(history_events *events, int64_t ms, uint32_t run_id, uint32_t item, int status, capi_str comment)
{
    if (ms) events->items[events->count++] = (history_event){ms, run_id, item, status, comment};
}

static history_events new_events(capi_arena *arena, uint32_t item_count, uint32_t events_per_item)
{
    return (history_events){.items = capi_new_array(arena, history_event, (size_t)item_count * events_per_item)};
}

/* ---- runs ---- */

static capi_str start_comment(const capi_run *run, capi_arena *arena)
{
    if (run->mode == CAPI_RUN_QUEUED) return CAPI_STR("api.StartRun");
    return capi_str_format(arena, "Toolbelt RunNode(%.*s)", CAPI_STR_ARG(run->start_nodes));
}

static capi_str complete_comment(const capi_run *run, capi_arena *arena)
{
    if (run->mode == CAPI_RUN_QUEUED || capi_str_find(run->complete_comment, CAPI_STR(":\"success\"")) < 0)
        return run->complete_comment;
    return capi_str_format(arena, "Toolbelt RunNode(%.*s), run successful", CAPI_STR_ARG(run->start_nodes));
}

void capi_history_runs(const capi_run *runs, uint32_t count, capi_arena *arena, capi_buf *to)
{
    history_events events = new_events(arena, count, 3);

    for (uint32_t i = 0; i < count; i++) {
        const capi_run *run = &runs[i];

        add_event(&events, run->start_ms, run->run_id, 0, CAPI_RUN_START, start_comment(run, arena));
        add_event(&events, run->complete_ms, run->run_id, 0, CAPI_RUN_COMPLETE, complete_comment(run, arena));
        add_event(&events, run->stop_ms, run->run_id, 0, CAPI_RUN_STOP, run->stop_comment);
    }
    qsort(events.items, events.count, sizeof *events.items, compare_events);
    capi_buf_append_text(to, "ts,run_id,status,comment\n");
    for (uint32_t i = 0; i < events.count; i++) {
        const history_event *event = &events.items[i];

        capi_history_append_time(to, event->ms);
        capi_buf_printf(to, ",%u,%d,", event->run_id, event->status);
        capi_history_append_comment(to, event->comment);
        capi_buf_append_byte(to, '\n');
    }
}

/* ---- nodes and batches ---- */

static bool is_final(capi_work_status status)
{
    return status == CAPI_WORK_SUCCESS || status == CAPI_WORK_FAIL || status == CAPI_WORK_STOP_RECEIVED;
}

static void add_work(history_events *events, uint32_t run_id, uint32_t item, capi_work_status status, int64_t start_ms,
                     int64_t final_ms, capi_str start_comment, capi_str end_comment)
{
    add_event(events, start_ms, run_id, item, CAPI_WORK_START, start_comment);
    if (is_final(status)) add_event(events, final_ms, run_id, item, status, end_comment);
}

void capi_history_nodes(const capi_history_node *nodes, uint32_t count, capi_arena *arena, capi_buf *to)
{
    history_events events = new_events(arena, count, 2);

    for (uint32_t i = 0; i < count; i++)
        add_work(&events, nodes[i].run_id, i, nodes[i].node->status, nodes[i].node->start_ms, nodes[i].node->final_ms,
                 nodes[i].start_comment, nodes[i].end_comment);
    qsort(events.items, events.count, sizeof *events.items, compare_events);
    capi_buf_append_text(to, "ts,run_id,script_node,status,comment\n");
    for (uint32_t i = 0; i < events.count; i++) {
        const history_event *event = &events.items[i];

        capi_history_append_time(to, event->ms);
        capi_buf_printf(to, ",%u,%.*s,%d,", event->run_id, CAPI_STR_ARG(nodes[event->item].node->name), event->status);
        capi_history_append_comment(to, event->comment);
        capi_buf_append_byte(to, '\n');
    }
}

void capi_history_batches(const capi_history_batch *batches, uint32_t count, capi_arena *arena, capi_buf *to)
{
    history_events events = new_events(arena, count, 2);

    for (uint32_t i = 0; i < count; i++)
        add_work(&events, batches[i].run_id, i, batches[i].batch->status, batches[i].batch->start_ms,
                 batches[i].batch->final_ms, (capi_str){0}, batches[i].end_comment);
    qsort(events.items, events.count, sizeof *events.items, compare_events);
    capi_buf_append_text(to, "ts,run_id,script_node,batch_idx,batches_total,status,first_token,last_token,comment\n");
    for (uint32_t i = 0; i < events.count; i++) {
        const history_event *event = &events.items[i];
        const capi_history_batch *item = &batches[event->item];

        capi_history_append_time(to, event->ms);
        capi_buf_printf(to, ",%u,%.*s,%u,%u,%d,%lld,%lld,", event->run_id, CAPI_STR_ARG(item->node),
                        item->batch->batch_idx, item->batch->batches_total, event->status,
                        (long long)item->batch->first_token, (long long)item->batch->last_token);
        capi_history_append_comment(to, event->comment);
        capi_buf_append_byte(to, '\n');
    }
}
