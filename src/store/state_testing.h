/* state_testing.h - what tests of the state share: a clock that is turned by hand, seeded ids, the backends to run over. */
#pragma once

#include "base/buf.h"
#include "base/test.h"
#include "store/state.h"
#include "store/state_timed.h"

#include <stdlib.h>

typedef struct test_clock {
    int64_t wall_ms;
} test_clock;

static inline int64_t test_wall_ns(void *context)
{
    return ((const test_clock *)context)->wall_ms * 1000000;
}

/* One store seen through two handles, as two processes see it; the memory backend has one. */
typedef struct state_rig {
    const char *name;
    capi_state *first, *second;
    capi_arena arena;
    test_clock time;
    capi_clock clock;
    capi_random_seeded seed;
    capi_random random;
    capi_keyspace keyspace;
    capi_run run;
} state_rig;

enum { STATE_BACKENDS = 4 };

static inline void state_rig_open(state_rig *rig, int backend)
{
    static const char *const names[STATE_BACKENDS] = {"memory", "sqlite", "sqlite twice", "memory, timed"};
    static capi_state_times times;
    capi_err err = {0};

    *rig = (state_rig){.name = names[backend], .time.wall_ms = 1700000000000};
    rig->clock = (capi_clock){.wall_ns = test_wall_ns, .monotonic_ns = test_wall_ns, .context = &rig->time};
    rig->random = capi_random_from_seed(&rig->seed, 42);
    if (backend == 0 || backend == 3)
        CHECK_OK(capi_state_open_memory(&rig->clock, &rig->random, &rig->first, &err), err);
    else
        CHECK_OK(capi_state_open_sqlite(capi_str_of(capi_test_folder()), &rig->clock, &rig->random, &rig->first, &err),
                 err);
    if (backend == 3) rig->first = capi_state_timed_new(rig->first, &times);
    rig->second = rig->first;
    if (backend == 2)
        CHECK_OK(capi_state_open_sqlite(capi_str_of(capi_test_folder()), &rig->clock, &rig->random, &rig->second, &err),
                 err);
}

static inline void state_rig_close(state_rig *rig)
{
    char path[400];

    if (rig->second != rig->first) capi_state_close(rig->second);
    capi_state_close(rig->first);
    capi_arena_deinit(&rig->arena);
    snprintf(path, sizeof path, "%s/state.db", capi_test_folder());
    remove(path);
}

/* A keyspace "ks" with run 1 of nodes "read" (3 batches), "calc" (2) and "out" (1). */
static inline void state_rig_start(state_rig *rig)
{
    static const capi_run_node nodes[] = {{CAPI_STR("read"), 3}, {CAPI_STR("calc"), 2}, {CAPI_STR("out"), 1}};
    capi_run_spec spec = {.operation_uid = CAPI_STR("start-1"),
                          .script_url = CAPI_STR("script.yaml"),
                          .params_url = CAPI_STR("params.yaml"),
                          .start_nodes = CAPI_STR("read,calc"),
                          .description = CAPI_STR("nightly"),
                          .owner = CAPI_STR("p1"),
                          .nodes = nodes,
                          .node_count = 3};
    capi_err err = {0};

    CHECK_OK(capi_keyspace_open(rig->first, CAPI_STR("ks"), true, &rig->arena, &rig->keyspace, &err), err);
    CHECK_OK(capi_run_start(rig->first, &rig->keyspace, &spec, &rig->arena, &rig->run, &err), err);
}

#define FOR_EACH_BACKEND(rig)                                                                                          \
    for (int backend_ = 0; backend_ < STATE_BACKENDS && (state_rig_open(rig, backend_), 1);                            \
         state_rig_close(rig), backend_++)
