/* tag_bench.c - how long many regular expressions over one text take, matched together and one after the other:
 * tag_bench PATTERNS TEXTS, two files with an item a line. Prints "together SECONDS" and "alone SECONDS"; the
 * two must find the same. */
#include "expr/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct lines {
    capi_str *items;
    uint32_t count;
} lines;

static void stop(const char *what)
{
    fprintf(stderr, "error: %s\n", what);
    exit(1);
}

static lines read_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    lines read = {0};
    char *line = NULL;
    size_t capacity = 0;
    ssize_t bytes;

    if (!file) stop(path);
    while ((bytes = getline(&line, &capacity, file)) > 0) {
        char *copy = capi_malloc((size_t)bytes);

        memcpy(copy, line, (size_t)bytes);
        read.items = capi_realloc(read.items, (read.count + 1) * sizeof *read.items);
        read.items[read.count++] = (capi_str){copy, (size_t)bytes - 1};
    }
    free(line);
    fclose(file);
    return read;
}

static capi_name_verdict find_name(void *context, capi_str alias, capi_str name, uint32_t *slot, capi_type *type)
{
    (void)context, (void)alias, (void)name;
    *slot = 0;
    *type = CAPI_STRING;
    return CAPI_NAME_KNOWN;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static capi_program *compile(capi_arena *arena, const lines *patterns)
{
    capi_scope scope = {.find = find_name};
    capi_program *program = capi_program_new(arena);

    for (uint32_t i = 0; i < patterns->count; i++) {
        const capi_expr *expr;
        char text[1024];
        capi_err err;

        snprintf(text, sizeof text, "re.MatchString(`%.*s`, r.spec)", CAPI_STR_ARG(patterns->items[i]));
        if (capi_expr_load(arena, capi_str_of(text), &scope, CAPI_BOOL, &expr, &err) != CAPI_OK) stop(err.text);
        capi_program_add(program, expr);
    }
    return program;
}

/* Seconds for all rows; *sum tells what matched. */
static double measure(const capi_program *program, const lines *texts, uint64_t *sum)
{
    capi_instant start_of_run = {0};
    capi_evaluator *evaluator = capi_evaluator_new(program, start_of_run);
    uint32_t count = capi_program_output_count(program);
    capi_vec *outputs = capi_malloc(count * sizeof *outputs);
    capi_arena arena = {0};
    capi_vec input = capi_vec_new(&arena, CAPI_STRING, CAPI_FORM_VIEW, CAPI_CHUNK_ROWS);
    double seconds = 0;

    *sum = 0;
    for (uint32_t first = 0; first < texts->count; first += CAPI_CHUNK_ROWS) {
        uint32_t rows = texts->count - first < CAPI_CHUNK_ROWS ? texts->count - first : CAPI_CHUNK_ROWS;
        double start = now();
        capi_err err;

        for (uint32_t row = 0; row < rows; row++)
            input.views[row] = capi_view_make(texts->items[first + row].data, texts->items[first + row].bytes);
        if (capi_evaluator_run(evaluator, &input, rows, outputs, NULL, NULL, &err) != CAPI_OK) stop(err.text);
        seconds += now() - start;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t row = 0; row < rows; row++)
                *sum += outputs[i].bools[row] * (uint64_t)(i + 1) * (first + row + 1);
    }
    capi_evaluator_free(evaluator);
    capi_arena_deinit(&arena);
    free(outputs);
    return seconds;
}

int main(int argc, char **argv)
{
    capi_arena arena = {0};
    uint64_t sums[2];
    lines patterns, texts;
    capi_program *alone, *together;

    if (argc != 3) stop("usage: tag_bench PATTERNS TEXTS");
    patterns = read_lines(argv[1]);
    texts = read_lines(argv[2]);
    together = compile(&arena, &patterns);
    capi_program_finish(together);
    alone = compile(&arena, &patterns);
    printf("together %.4f\n", measure(together, &texts, &sums[0]));
    printf("alone %.4f\n", measure(alone, &texts, &sums[1]));
    if (sums[0] != sums[1]) stop("the two ways found different rows");
    capi_arena_deinit(&arena);
    return 0;
}
