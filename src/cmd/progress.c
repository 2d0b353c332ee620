/* progress.c - the live table redraws its lines in place; plain output says only what changed. */
#include "cmd/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR_CELLS = 20, LIVE_LINES_MAX = 60, PLAIN_EVERY_MS = 5000 };

struct capi_display {
    bool is_live;
    bool has_color;
    uint32_t lines_drawn;
    capi_work_status *seen; /* plain: last status said, per node */
    int64_t *said_ms;       /* plain: when a running node was last mentioned, by its own clock */
    uint32_t node_count;
};

capi_display *capi_display_new(void)
{
    capi_display *display = capi_zmalloc(sizeof *display);
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");

    display->is_live = isatty(2) && term && strcmp(term, "dumb") != 0;
    display->has_color = display->is_live && !(no_color && no_color[0]);
    return display;
}

void capi_display_free(capi_display *display)
{
    if (!display) return;
    free(display->seen);
    free(display->said_ms);
    free(display);
}

static const char *status_word(const capi_node_view *node)
{
    switch (node->status) {
    case CAPI_WORK_NONE: return "waiting";
    case CAPI_WORK_START: return "running";
    case CAPI_WORK_SUCCESS: return "done";
    case CAPI_WORK_FAIL: return "failed";
    case CAPI_WORK_STOP_RECEIVED: return "stopped";
    }
    return "";
}

static const char *status_color(capi_work_status status)
{
    switch (status) {
    case CAPI_WORK_START: return "\x1b[36m";
    case CAPI_WORK_SUCCESS: return "\x1b[32m";
    case CAPI_WORK_FAIL: return "\x1b[31m";
    case CAPI_WORK_NONE:
    case CAPI_WORK_STOP_RECEIVED: return "\x1b[2m";
    }
    return "";
}

/* 1234567 -> "1.23M" */
static void short_number(double value, char text[16])
{
    static const char units[] = " kMGT";
    unsigned unit = 0;

    while (value >= 1000 && unit < 4) {
        value /= 1000;
        unit++;
    }
    if (unit == 0)
        snprintf(text, 16, "%.0f", value);
    else
        snprintf(text, 16, "%.3g%c", value, units[unit]);
}

static void append_time_left(capi_buf *line, const capi_node_view *node)
{
    double left_s;

    if (node->status != CAPI_WORK_START || node->fraction < 0.01 || node->elapsed_ms < 1000) return;
    left_s = (double)node->elapsed_ms / 1000 * (1 - node->fraction) / node->fraction;
    capi_buf_printf(line, ", %.0f s left", left_s);
}

/* "downloads 12.3M of 45.6M bytes, " */
static void append_transfer(capi_buf *line, const capi_node_view *node)
{
    char done[16];
    char all[16];

    if (node->status != CAPI_WORK_START || node->transfer_done == 0) return;
    short_number((double)node->transfer_done, done);
    capi_buf_printf(line, "%s %s", node->is_upload ? "uploads" : "downloads", done);
    if (node->transfer_all) {
        short_number((double)node->transfer_all, all);
        capi_buf_printf(line, " of %s", all);
    }
    capi_buf_append_text(line, " bytes, ");
}

/* "12 of 40 batches, 1.2M rows, 350k rows/s" */
static void append_counts(capi_buf *line, const capi_node_view *node)
{
    char rows[16];
    char rate[16];

    if (node->batches_total > 1) capi_buf_printf(line, "%u of %u batches, ", node->batches_done, node->batches_total);
    append_transfer(line, node);
    short_number((double)node->rows_read, rows);
    capi_buf_printf(line, "%s rows read", rows);
    short_number((double)node->rows_written, rows);
    capi_buf_printf(line, ", %s written", rows);
    if (node->elapsed_ms >= 10) {
        short_number((double)node->rows_read * 1000 / (double)node->elapsed_ms, rate);
        capi_buf_printf(line, ", %s rows/s", rate);
    }
    if (node->batches_failed) capi_buf_printf(line, ", %u failed", node->batches_failed);
    append_time_left(line, node);
}

/* Why a node that has begun does not go on: a full disk, a server that does not answer. One line. */
static bool append_trouble(capi_buf *line, const capi_node_view *node)
{
    int bytes = 0;

    if (node->status != CAPI_WORK_START || node->waiting_for.bytes == 0) return false;
    while ((size_t)bytes < node->waiting_for.bytes && (unsigned char)node->waiting_for.data[bytes] >= ' ')
        bytes++;
    capi_buf_printf(line, "tries again: %.*s", bytes, node->waiting_for.data);
    return true;
}

static unsigned name_width(const capi_run_view *view)
{
    unsigned width = 4;

    for (uint32_t i = 0; i < view->node_count; i++)
        if (view->nodes[i].name.bytes > width) width = (unsigned)view->nodes[i].name.bytes;
    return width > 40 ? 40 : width;
}

static void live_line(const capi_display *display, const capi_node_view *node, unsigned width, capi_buf *to)
{
    unsigned cells = (unsigned)(node->fraction * BAR_CELLS + 0.5);

    capi_buf_printf(to, "  %-*.*s ", (int)width, (int)(node->name.bytes < width ? node->name.bytes : width),
                    node->name.data);
    if (display->has_color) capi_buf_append_text(to, status_color(node->status));
    capi_buf_printf(to, "%-8s", status_word(node));
    if (display->has_color) capi_buf_append_text(to, "\x1b[0m");
    capi_buf_append_text(to, " [");
    for (unsigned i = 0; i < BAR_CELLS; i++)
        capi_buf_append_byte(to, i < cells ? '#' : '.');
    capi_buf_printf(to, "] %3.0f%%  ", node->fraction * 100);
    if (node->status == CAPI_WORK_NONE) {
        if (node->waiting_for.bytes) capi_buf_printf(to, "waits for %.*s", CAPI_STR_ARG(node->waiting_for));
    } else if (!append_trouble(to, node)) {
        append_counts(to, node);
    }
}

static unsigned terminal_columns(void)
{
    struct winsize size;

    return ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* Cuts a line to the terminal's width, not counting colour codes, so that redrawing in place works. */
static void append_cut(capi_buf *to, capi_str line, unsigned columns)
{
    unsigned used = 0;

    for (size_t i = 0; i < line.bytes; i++) {
        if (line.data[i] == '\x1b') {
            while (i < line.bytes && line.data[i] != 'm')
                capi_buf_append_byte(to, line.data[i++]);
            capi_buf_append_byte(to, 'm');
            continue;
        }
        if (((unsigned char)line.data[i] & 0xC0) != 0x80 && used++ >= columns - 1) continue;
        capi_buf_append_byte(to, line.data[i]);
    }
}

static void draw_live(capi_display *display, const capi_run_view *view)
{
    unsigned width = name_width(view);
    unsigned columns = terminal_columns();
    uint32_t shown = view->node_count < LIVE_LINES_MAX ? view->node_count : LIVE_LINES_MAX;
    capi_buf frame = {0};
    capi_buf line = {0};

    if (display->lines_drawn) capi_buf_printf(&frame, "\x1b[%uA", display->lines_drawn);
    for (uint32_t i = 0; i < shown; i++) {
        capi_buf_clear(&line);
        live_line(display, &view->nodes[i], width, &line);
        capi_buf_append_text(&frame, "\r\x1b[K");
        append_cut(&frame, capi_buf_str(&line), columns);
        capi_buf_append_byte(&frame, '\n');
    }
    display->lines_drawn = shown;
    if (frame.bytes) fwrite(frame.data, 1, frame.bytes, stderr);
    fflush(stderr);
    capi_buf_deinit(&line);
    capi_buf_deinit(&frame);
}

static void say_plain(const capi_node_view *node)
{
    capi_buf line = {0};

    capi_buf_printf(&line, "%.*s: %s", CAPI_STR_ARG(node->name), status_word(node));
    if (node->status == CAPI_WORK_NONE) {
        capi_buf_printf(&line, " for %.*s", CAPI_STR_ARG(node->waiting_for));
    } else {
        if (node->status == CAPI_WORK_START) capi_buf_printf(&line, ", %.0f%%", node->fraction * 100);
        capi_buf_append_text(&line, ", ");
        if (!append_trouble(&line, node)) append_counts(&line, node);
        if (node->status != CAPI_WORK_START) capi_buf_printf(&line, ", %.2f s", (double)node->elapsed_ms / 1000);
    }
    fprintf(stderr, "%.*s\n", (int)line.bytes, line.data);
    capi_buf_deinit(&line);
}

static void draw_plain(capi_display *display, const capi_run_view *view)
{
    if (view->node_count == 0) return; /* the run is not taken up yet */
    if (!display->seen) {
        display->node_count = view->node_count;
        display->seen = capi_zmalloc(view->node_count * sizeof *display->seen);
        display->said_ms = capi_zmalloc(view->node_count * sizeof *display->said_ms);
    }
    for (uint32_t i = 0; i < view->node_count && i < display->node_count; i++) {
        const capi_node_view *node = &view->nodes[i];
        bool is_running = node->status == CAPI_WORK_START; /* said every few seconds, not at once */
        bool is_news =
            is_running ? node->elapsed_ms - display->said_ms[i] >= PLAIN_EVERY_MS : node->status != display->seen[i];

        if (!is_news) continue;
        say_plain(node);
        display->seen[i] = node->status;
        display->said_ms[i] = node->elapsed_ms;
    }
    fflush(stderr);
}

void capi_display_watch(void *context, const capi_run_view *view)
{
    capi_display *display = context;

    if (display->is_live)
        draw_live(display, view);
    else
        draw_plain(display, view);
}
