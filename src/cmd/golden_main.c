/* golden_main.c - runs every golden table of a folder: "golden DIR [LIMIT]".
 *
 * A table is run in a child process that keeps its place and its counts in shared memory: if a case brings it down, that case
 * has failed, and the next child goes on behind it. */
#include "cmd/golden.h"

#include "base/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct golden_kind {
    const char *name;
    golden_case_fn run;
} golden_kind;

static const golden_kind kinds[] = {
    {"expressions", golden_expression}, {"script_validation", golden_script}, {"keys", golden_key},
    {"csv_read", golden_csv_read},      {"csv_write", golden_csv_write},      {"csv_records", golden_csv_records},
};

enum { TABLE_BYTES_MAX = 1 << 30, SHOWN_DEFAULT = 10, CASE_TEXT_MAX = 600, CASE_SECONDS_MAX = 60 };

typedef struct golden_progress {
    size_t at; /* the case that runs now */
    size_t passed;
    size_t failed;
} golden_progress;

/* ---- reading tables ---- */

static void add_lines(json_t *table, capi_str text, const char *path)
{
    size_t line_number = 0;

    while (text.bytes) {
        const char *end = memchr(text.data, '\n', text.bytes);
        size_t bytes = end ? (size_t)(end - text.data) : text.bytes;
        json_error_t error;
        json_t *object;

        line_number++;
        if (capi_str_trim(capi_str_slice(text, 0, bytes)).bytes) {
            object = json_loadb(text.data, bytes, JSON_ALLOW_NUL, &error);
            if (!object) fprintf(stderr, "error: %s:%zu: %s\n", path, line_number, error.text);
            json_array_append_new(table, object ? object : json_object());
        }
        text = capi_str_slice(text, end ? bytes + 1 : bytes, text.bytes);
    }
}

/* The cases of a file as one array, or NULL if there is no such file. */
static json_t *read_table(const char *path)
{
    capi_arena arena = {0};
    json_error_t error;
    json_t *table = NULL;
    capi_str text;
    capi_err err = {0};

    if (access(path, F_OK) != 0) return NULL;
    if (capi_file_read_all(path, TABLE_BYTES_MAX, &arena, &text, &err) != CAPI_OK) {
        fprintf(stderr, "error: %s\n", err.text);
    } else if (capi_str_ends(capi_str_of(path), ".jsonl")) {
        table = json_array();
        add_lines(table, text, path);
    } else {
        table = json_loadb(text.data, text.bytes, JSON_ALLOW_NUL, &error);
        if (!table) fprintf(stderr, "error: %s:%d: %s\n", path, error.line, error.text);
    }
    capi_arena_deinit(&arena);
    return table;
}

/* ---- running ---- */

static void show_case(const json_t *table, size_t index)
{
    char *text = json_dumps(json_array_get(table, index), JSON_COMPACT);

    printf("  case %zu: %.*s\n", index + 1, CASE_TEXT_MAX, text ? text : "?");
    free(text);
}

static void show_failure(const json_t *table, size_t index, const golden_failure *failure)
{
    show_case(table, index);
    printf("    got:      %.*s\n", CAPI_STR_ARG(capi_buf_str(&failure->got)));
    printf("    expected: %.*s\n", CAPI_STR_ARG(capi_buf_str(&failure->expected)));
}

static void run_case(const golden_kind *kind, const json_t *table, golden_progress *progress, size_t shown_max)
{
    golden_failure failure = {0};
    capi_arena arena = {0};

    alarm(CASE_SECONDS_MAX);
    if (kind->run(table, progress->at, &arena, &failure)) {
        progress->passed++;
    } else {
        if (progress->failed++ < shown_max) show_failure(table, progress->at, &failure);
    }
    alarm(0);
    capi_buf_deinit(&failure.got);
    capi_buf_deinit(&failure.expected);
    capi_arena_deinit(&arena);
}

static void run_in_child(const golden_kind *kind, const json_t *table, golden_progress *progress, size_t shown_max)
{
    while (progress->at < json_array_size(table)) {
        pid_t child;
        int status = 0;

        fflush(stdout);
        child = fork();
        if (child == 0) {
            for (; progress->at < json_array_size(table); progress->at++)
                run_case(kind, table, progress, shown_max);
            fflush(stdout);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0) {
            perror("error: could not start a process");
            exit(2);
        }
        if (progress->at < json_array_size(table)) {
            if (progress->failed++ < shown_max) {
                show_case(table, progress->at);
                printf("    crashed: %s\n", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it ended the process");
            }
            progress->at++;
        }
    }
}

/* One table of a kind, if the file is there. True if it was. */
static bool run_table(const golden_kind *kind, const char *path, golden_progress *progress, size_t shown_max,
                      golden_progress *total)
{
    json_t *table = read_table(path);

    if (!table) return false;
    *progress = (golden_progress){0};
    run_in_child(kind, table, progress, shown_max);
    printf("%s: %zu cases, %zu failed\n", path, json_array_size(table), progress->failed);
    total->passed += progress->passed;
    total->failed += progress->failed;
    json_decref(table);
    return true;
}

static size_t run_folder(const char *folder, golden_progress *progress, size_t shown_max, golden_progress *total)
{
    static const char *const places[] = {"", "golden/"};
    static const char *const endings[] = {"json", "jsonl"};
    size_t found = 0;

    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t p = 0; p < 2; p++)
            for (size_t e = 0; e < 2; e++) {
                char path[4096];

                snprintf(path, sizeof path, "%s/%s%s.%s", folder, places[p], kinds[k].name, endings[e]);
                found += run_table(&kinds[k], path, progress, shown_max, total);
            }
    return found;
}

int main(int argc, char **argv)
{
    size_t shown_max = argc > 2 ? strtoul(argv[2], NULL, 10) : SHOWN_DEFAULT;
    golden_progress total = {0};
    golden_progress *progress;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: golden DIR [FAILURES SHOWN PER TABLE]\n");
        return 2;
    }
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED) {
        perror("error: could not map memory");
        return 2;
    }
    if (run_folder(argv[1], progress, shown_max, &total) == 0) {
        fprintf(stderr, "error: there are no golden tables in \"%s\"\n", argv[1]);
        return 2;
    }
    printf("%zu passed, %zu failed\n", total.passed, total.failed);
    return total.failed ? 1 : 0;
}
