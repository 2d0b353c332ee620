/* test_main.c - runs the tests that registered themselves, by cmocka, and sums them up in one line. */
#include "base/test.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct registered_test {
    const char *name;
    const char *file;
    void (*fn)(void);
} registered_test;

static registered_test *tests;
static size_t test_count;
static char skip_reason[256];
static char folder[256];

void capi_test_register(const char *name, const char *file, void (*fn)(void))
{
    tests = realloc(tests, (test_count + 1) * sizeof *tests);
    if (!tests) abort();
    tests[test_count++] = (registered_test){name, file, fn};
}

void capi_test_fail(const char *file, int line, const char *format, ...)
{
    char text[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error("%s:%d: %s\n", file, line, text);
    _fail(file, line);
    abort();
}

void capi_test_skip(const char *why)
{
    snprintf(skip_reason, sizeof skip_reason, "%s", why);
    _skip("", 0);
    abort();
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

const char *capi_test_folder(void)
{
    if (!folder[0]) {
        const char *parent = getenv("TMPDIR");

        snprintf(folder, sizeof folder, "%s/capi_test_XXXXXX", parent ? parent : "/tmp");
        if (!mkdtemp(folder)) {
            perror(folder);
            abort();
        }
    }
    return folder;
}

static void run_one(void **state)
{
    const registered_test *test = *state;

    test->fn();
    if (folder[0]) nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = 0;
}

int main(int argc, char **argv)
{
    size_t passed = 0;
    size_t failed = 0;
    size_t skipped = 0;

    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    for (size_t i = 0; i < test_count; i++) {
        struct CMUnitTest unit = {tests[i].name, run_one, NULL, NULL, &tests[i]};
        const struct CMUnitTest units[] = {unit};
        FILE *shown = stdout;
        int failures;

        if (argc > 1 && !strstr(tests[i].name, argv[1]) && !strstr(tests[i].file, argv[1])) continue;
        skip_reason[0] = 0;
        fflush(shown);
        failures = _cmocka_run_group_tests(tests[i].name, units, 1, NULL, NULL);
        if (failures)
            failed++;
        else if (skip_reason[0])
            skipped++;
        else
            passed++;
        if (failures) printf("FAILED %s (%s)\n", tests[i].name, tests[i].file);
        if (skip_reason[0]) printf("SKIPPED %s: %s\n", tests[i].name, skip_reason);
        folder[0] = 0;
    }
    free(tests);
    printf("%zu passed, %zu failed", passed, failed);
    if (skipped) printf(", %zu skipped", skipped);
    printf("\n");
    return failed ? 1 : 0;
}
