/* python_test.c - programs run in real workers, inside of the sandbox that this machine offers. */
#include "python/python.h"

#include "base/test.h"
#include "python/interpreter.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIELDS_MAX = 8 };

typedef struct fixture {
    capi_arena arena;
    capi_python_source source;
    capi_field inputs[FIELDS_MAX];
    capi_vec input_vecs[FIELDS_MAX];
    capi_python_field fields[FIELDS_MAX];
    capi_vec outputs[FIELDS_MAX];
    capi_python_program program;
    capi_python_limits limits;
    capi_python_worker *worker;
    uint32_t bad_row;
    capi_err err;
} fixture;

static void fixture_open(fixture *f, const char *code)
{
    *f = (fixture){.source = {CAPI_STR("code.py"), capi_str_of(code)}};
    f->program =
        (capi_python_program){.sources = &f->source, .source_count = 1, .inputs = f->inputs, .fields = f->fields};
    if (capi_python_describe(&f->arena, &(capi_python_facts){0}, &f->err) != CAPI_OK && strstr(f->err.text, "PATH"))
        SKIP("there is no python3");
}

static void fixture_close(fixture *f, bool is_well)
{
    capi_python_give(f->worker, is_well);
    capi_python_shutdown();
    capi_arena_deinit(&f->arena);
}

static void add_field(fixture *f, const char *name, capi_type type, const char *expression)
{
    f->fields[f->program.field_count++] = (capi_python_field){capi_str_of(name), type, capi_str_of(expression)};
}

static int64_t *add_ints(fixture *f, const char *name, capi_type type, uint32_t row_count)
{
    uint32_t i = f->program.input_count++;

    f->inputs[i] = (capi_field){capi_str_of(name), type};
    f->input_vecs[i] = capi_vec_new(&f->arena, type, capi_form_stored(type), row_count);
    memset(f->input_vecs[i].data, 0, row_count * capi_form_bytes(f->input_vecs[i].form));
    return f->input_vecs[i].int64s;
}

static void add_constant(fixture *f, const char *name, capi_value value)
{
    uint32_t i = f->program.input_count++;

    f->inputs[i] = (capi_field){capi_str_of(name), value.type};
    f->input_vecs[i] = capi_vec_constant(&f->arena, &value);
}

static capi_status page(fixture *f, uint32_t row_count)
{
    if (!f->worker) CAPI_TRY(capi_python_get(&f->program, &f->limits, &f->worker, &f->err));
    return capi_python_page(f->worker, &f->limits, f->input_vecs, row_count, 1000, &f->arena, f->outputs, &f->bad_row,
                            &f->err);
}

TEST(a_page_goes_to_python_and_back)
{
    fixture f;
    int64_t *values;

    fixture_open(&f, "def twice(v):\n    return v * 2\n");
    values = add_ints(&f, "v", CAPI_INT, 3000);
    for (int i = 0; i < 3000; i++)
        values[i] = i - 1000;
    add_field(&f, "x", CAPI_INT, "twice(r_v)");
    add_field(&f, "y", CAPI_STRING, "str(p_x)");
    CHECK_OK(page(&f, 3000), f.err);
    for (int i = 0; i < 3000; i++) {
        char text[32];

        CHECK_INT(f.outputs[0].int64s[i], 2 * (i - 1000));
        snprintf(text, sizeof text, "%d", 2 * (i - 1000));
        CHECK(capi_str_is(capi_view_str(&f.outputs[1].views[i]), text));
    }
    fixture_close(&f, true);
}

TEST(constants_stand_for_all_rows)
{
    fixture f;

    fixture_open(&f, "def join(*all):\n    return repr(all)\n");
    add_constant(&f, "s", (capi_value){CAPI_STRING, .string = CAPI_STR("a text of more than twelve bytes")});
    add_constant(&f, "d", (capi_value){CAPI_DECIMAL, .decimal = capi_decimal_from_cents(1200)});
    add_constant(&f, "b", (capi_value){CAPI_BOOL, .boolean = true});
    add_constant(&f, "f", (capi_value){CAPI_FLOAT, .real = 0.1});
    add_constant(&f, "t", (capi_value){CAPI_DATETIME, .instant = capi_instant_from_ms(0)});
    add_field(&f, "x", CAPI_STRING, "join(r_s, r_d, r_b, r_f, r_t)");
    CHECK_OK(page(&f, 2), f.err);
    for (int row = 0; row < 2; row++)
        CHECK_STR(capi_str_copy(&f.arena, capi_view_str(&f.outputs[0].views[row])).data,
                  "('a text of more than twelve bytes', 12, True, 0.1, '1970-01-01T00:00:00.000+00:00')");
    fixture_close(&f, true);
}

TEST(texts_with_nul_arrive_whole)
{
    fixture f;

    fixture_open(&f, "def show(s):\n    return repr(s)\n");
    (void)add_ints(&f, "s", CAPI_STRING, 3);
    f.input_vecs[0].views[0] = capi_view_make("a\0b", 3);
    f.input_vecs[0].views[1] = capi_view_make("", 0);
    f.input_vecs[0].views[2] = capi_view_make("c", 1);
    add_field(&f, "x", CAPI_STRING, "show(r_s)");
    CHECK_OK(page(&f, 3), f.err);
    CHECK(capi_str_is(capi_view_str(&f.outputs[0].views[0]), "'a\\x00b'"));
    CHECK(capi_str_is(capi_view_str(&f.outputs[0].views[1]), "''"));
    CHECK(capi_str_is(capi_view_str(&f.outputs[0].views[2]), "'c'"));
    fixture_close(&f, true);
}

/* Random doubles with few digits and many: the short way to hundredths agrees with the exact one. */
TEST(decimals_are_rounded_as_their_shortest_text)
{
    enum { ROWS = 20000 };
    fixture f;
    double *values;
    uint64_t seed = 1;

    fixture_open(&f, "def same(v):\n    return v\n");
    values = (double *)add_ints(&f, "v", CAPI_FLOAT, ROWS);
    for (int i = 0; i < ROWS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        values[i] = (double)(int64_t)(seed >> 33) / (i % 3 == 0 ? 1000 : i % 3 == 1 ? 200 : 1e7) - 1e5;
        if (i % 7 == 0) values[i] *= 1e4;
    }
    add_field(&f, "x", CAPI_DECIMAL, "same(r_v)");
    CHECK_OK(page(&f, ROWS), f.err);
    for (int i = 0; i < ROWS; i++) {
        capi_decimal decimal;
        int64_t cents = 0;

        CHECK(capi_decimal_from_double(values[i], &decimal) && capi_decimal_to_cents(&decimal, &cents));
        CHECK_INT(f.outputs[0].int64s[i], cents);
    }
    fixture_close(&f, true);
}

TEST(results_larger_than_the_memory_make_it_grow)
{
    fixture f;
    int64_t *values;

    fixture_open(&f, "def big(v):\n    return 'x' * v\n");
    values = add_ints(&f, "v", CAPI_INT, 3);
    values[0] = 5000000, values[1] = 0, values[2] = 7;
    add_field(&f, "x", CAPI_STRING, "big(r_v)");
    CHECK_OK(page(&f, 3), f.err);
    CHECK_INT(f.outputs[0].views[0].bytes, 5000000);
    CHECK_INT(f.outputs[0].views[2].bytes, 7);
    CHECK_OK(page(&f, 3), f.err);
    CHECK_INT(f.outputs[0].views[0].bytes, 5000000);
    fixture_close(&f, true);
}

TEST(the_lowest_row_is_reported_first)
{
    fixture f;
    int64_t *values;

    fixture_open(&f, "def f(v):\n    return 1 // v\ndef g(v):\n    return None if v == 7 else 1\n");
    values = add_ints(&f, "v", CAPI_INT, 10);
    for (int i = 0; i < 10; i++)
        values[i] = i == 8 ? 0 : i == 4 ? 7 : 1;
    add_field(&f, "x", CAPI_INT, "f(r_v)");
    add_field(&f, "y", CAPI_INT, "g(r_v)");
    CHECK(page(&f, 10) == CAPI_INVALID);
    CHECK_INT(f.bad_row, 4);
    CHECK_ERR(f.err, "field \"y\": expected a number, got NoneType None");
    CHECK_ERR(f.err, "formula g(r_v), row 4 of the page, where r.v = 7");
    CHECK_ERR(f.err, "row 1008: field \"x\": ZeroDivisionError");
    fixture_close(&f, false);
}

TEST(an_idle_worker_is_used_again_and_keeps_its_state)
{
    fixture f;

    fixture_open(&f, "n = 0\ndef count(v):\n    global n\n    n += 1\n    return n\n");
    (void)add_ints(&f, "v", CAPI_INT, 5);
    add_field(&f, "x", CAPI_INT, "count(r_v)");
    CHECK_OK(page(&f, 5), f.err);
    capi_python_give(f.worker, true);
    f.worker = NULL;
    CHECK_OK(page(&f, 5), f.err);
    CHECK_INT(f.outputs[0].int64s[4], 10);
    capi_python_give(f.worker, false); /* it is ended: a new one starts anew */
    f.worker = NULL;
    CHECK_OK(page(&f, 5), f.err);
    CHECK_INT(f.outputs[0].int64s[4], 5);
    fixture_close(&f, true);
}

TEST(a_worker_that_died_while_idle_is_replaced)
{
    fixture f;

    fixture_open(&f, "import os, threading, time\ndef die():\n    time.sleep(0.01)\n    os._exit(1)\n"
                     "def f(v):\n    return os.getpid()\n");
    (void)add_ints(&f, "v", CAPI_INT, 1);
    add_field(&f, "x", CAPI_INT, "f(r_v)");
    CHECK_OK(page(&f, 1), f.err);
    capi_python_give(f.worker, true);
    f.worker = NULL;
    kill((pid_t)f.outputs[0].int64s[0], SIGKILL);
    usleep(100000);
    CHECK_OK(page(&f, 1), f.err);
    fixture_close(&f, true);
}

TEST(the_module_is_loaded_before_the_first_page_and_must_load)
{
    fixture f;

    fixture_open(&f, "def f(v):\n    return v\n\nraise ValueError('not today')\n");
    (void)add_ints(&f, "v", CAPI_INT, 1);
    add_field(&f, "x", CAPI_INT, "f(r_v)");
    CHECK(page(&f, 1) == CAPI_INVALID);
    CHECK_ERR(f.err, "the Python code does not load: ValueError: not today");
    CHECK_ERR(f.err, "File \"code.py\", line 4");
    CHECK_ERR(f.err, ">     4 | raise ValueError");
    fixture_close(&f, false);
}

TEST(a_formula_that_is_no_python_is_shown)
{
    fixture f;

    fixture_open(&f, "def f(v):\n    return v\n");
    (void)add_ints(&f, "v", CAPI_INT, 1);
    add_field(&f, "x", CAPI_INT, "f(r_v && true)");
    CHECK(page(&f, 1) == CAPI_INVALID);
    CHECK_ERR(f.err, "field \"x\"");
    CHECK_ERR(f.err, "the formula f(r_v && true) is no Python: invalid syntax");
    fixture_close(&f, false);
}

static bool stop_soon(void *context)
{
    return --*(int *)context < 0;
}

TEST(a_page_is_left_when_the_batch_is_stopped)
{
    fixture f;
    int patience = 3;

    fixture_open(&f, "def f(v):\n    while True:\n        pass\n");
    (void)add_ints(&f, "v", CAPI_INT, 1);
    add_field(&f, "x", CAPI_INT, "f(r_v)");
    CHECK_OK(capi_python_get(&f.program, &f.limits, &f.worker, &f.err), f.err);
    f.limits.should_stop = stop_soon;
    f.limits.stop_context = &patience;
    CHECK(page(&f, 1) == CAPI_STOPPED);
    fixture_close(&f, false);
}

TEST(a_page_is_left_after_its_time)
{
    fixture f;

    fixture_open(&f, "import time\ndef f(v):\n    time.sleep(100)\n");
    (void)add_ints(&f, "v", CAPI_INT, 1);
    add_field(&f, "x", CAPI_INT, "f(r_v)");
    CHECK_OK(capi_python_get(&f.program, &f.limits, &f.worker, &f.err), f.err);
    f.limits.page_timeout_ms = 100;
    CHECK(page(&f, 1) == CAPI_INVALID);
    CHECK_INT(f.bad_row, CAPI_PYTHON_NO_ROW);
    CHECK_ERR(f.err, "more than 100 ms");
    fixture_close(&f, false);
}

/* A worker that changes its answers behind the worker program's back: every kind of nonsense is found. */
TEST(results_that_make_no_sense_are_refused)
{
    static const char *const attacks[] = {
        "d['pack_texts'] = lambda values: ('s', b'only one')",
        "d['pack_texts'] = lambda values: ('s', b'a\\0b\\0c\\0d')",
        "d['pack_texts'] = lambda values: ('s', b'\\xff\\0b\\0c')",
        "d['pack_texts'] = lambda values: ('q', b'12345678')",
        "d['pack_texts'] = lambda values: ('?', b'a\\0b\\0c')",
        "f = d['_pack']; d['_pack'] = lambda layout, *v: f(layout, *((v[0], 1 << 62, v[2]) if layout == '<BQQ' else "
        "v))",
        "f = d['_pack']; d['_pack'] = lambda layout, *v: f(layout, *((v[0], v[1], 1 << 63) if layout == '<BQQ' else "
        "v))",
        "f = d['_pack']; d['_pack'] = lambda layout, *v: f(layout, *((v[0], 3, 5) if layout == '<BQQ' else v))",
        "f = d['_pack']; d['_pack'] = lambda layout, *v: f(layout, *((v[0] + 1, v[1], v[2]) if layout == '<IBI' else "
        "v))",
        "f = d['_pack']; d['_pack'] = lambda layout, *v: f(layout, *((v[0], 77, v[2]) if layout == '<IBI' else v))",
        "f = d['_pack']; d['_pack'] = lambda layout, *v: f(layout, *((v[0], v[1], 1 << 31) if layout == '<IBI' else "
        "v))",
        "f = d['_pack']; d['_pack'] = lambda layout, *v: f(layout, *((v[0], 5, v[2]) if layout == '<IBI' else v))",
        "f = d['_pack']; d['_pack'] = lambda layout, *v: f(layout, *((v[0], 4, v[2]) if layout == '<IBI' else v))",
    };

    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        fixture f;
        char code[1024];

        snprintf(code, sizeof code,
                 "import sys\nframe = sys._getframe()\nwhile frame.f_back:\n    frame = frame.f_back\nd = "
                 "frame.f_globals\n%s\n"
                 "def g(v):\n    return str(v)\n",
                 attacks[i]);
        fixture_open(&f, code);
        (void)add_ints(&f, "v", CAPI_INT, 3);
        add_field(&f, "x", CAPI_STRING, "g(r_v)");
        if (page(&f, 3) != CAPI_INVALID) capi_test_fail(__FILE__, __LINE__, "attack %zu succeeded", i);
        CHECK(strstr(f.err.text, "Python worker") || strstr(f.err.text, "no answer"));
        fixture_close(&f, false);
    }
}

TEST(the_doctor_learns_interpreter_and_layers)
{
    fixture f;
    capi_python_facts facts;

    fixture_open(&f, "");
    CHECK_OK(capi_python_describe(&f.arena, &facts, &f.err), f.err);
    CHECK(facts.executable.data[0] == '/' && facts.version.data[0] == '3');
    CHECK(facts.is_sandboxed && capi_str_starts(facts.sandbox, "no_new_privs"));
    fixture_close(&f, false);
}

typedef struct racer {
    pthread_t thread;
    _Atomic int wrong;
} racer;

static void *race(void *context)
{
    racer *it = context;

    for (int round = 0; round < 5; round++) {
        fixture f = {.source = {CAPI_STR("code.py"), CAPI_STR("def f(v):\n    return v + 1\n")}};

        f.program =
            (capi_python_program){.sources = &f.source, .source_count = 1, .inputs = f.inputs, .fields = f.fields};
        add_ints(&f, "v", CAPI_INT, 100)[99] = 41;
        add_field(&f, "x", CAPI_INT, "f(r_v)");
        if (page(&f, 100) != CAPI_OK || f.outputs[0].int64s[99] != 42) it->wrong++;
        capi_python_give(f.worker, round % 2 == 0);
        capi_arena_deinit(&f.arena);
    }
    return NULL;
}

TEST(threads_share_the_idle_workers)
{
    fixture f;
    racer racers[4] = {0};

    fixture_open(&f, "");
    for (int i = 0; i < 4; i++)
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    for (int i = 0; i < 4; i++) {
        pthread_join(racers[i].thread, NULL);
        CHECK_INT(racers[i].wrong, 0);
    }
    fixture_close(&f, false);
}
