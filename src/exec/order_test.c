/* order_test.c - results come out in order, whoever brings them; a closed window keeps nobody waiting. */
#include "exec/order.h"

#include "base/arena.h"
#include "base/test.h"
#include "base/thread_pool.h"

#include <stdlib.h>

typedef struct numbers {
    exec_order *order;
    uint64_t expected;
    bool in_order;
    uint64_t fail_at;
    uint64_t missing;
} numbers;

static capi_status take(void *context, void *item, capi_err *err)
{
    numbers *state = context;
    uint64_t number = *(uint64_t *)item;

    free(item);
    if (number != state->expected++) state->in_order = false;
    if (number == state->fail_at) return capi_err_set(err, CAPI_UNAVAILABLE, "no room");
    return CAPI_OK;
}

static capi_status bring(void *context, uint32_t worker, uint64_t index, capi_err *err)
{
    numbers *state = context;
    uint64_t *item;

    (void)worker;
    if (index == state->missing) {
        exec_order_close(state->order);
        return capi_err_set(err, CAPI_INVALID, "number %d is missing", (int)index);
    }
    item = capi_malloc(sizeof *item);
    *item = index;
    return exec_order_put(state->order, index, item, index % 30, err);
}

static capi_status run(uint64_t count, uint64_t fail_at, uint64_t missing, numbers *state, capi_err *err)
{
    capi_thread_pool *pool = capi_thread_pool_new(4);
    capi_status st;

    *state = (numbers){.in_order = true, .fail_at = fail_at, .missing = missing};
    state->order = exec_order_new(3, 20, take, free, state);
    st = capi_parallel_for(pool, count, bring, state, err);
    exec_order_free(state->order);
    capi_thread_pool_free(pool);
    return st;
}

TEST(items_are_consumed_in_order)
{
    numbers state;
    capi_err err = {0};

    CHECK_OK(run(5000, UINT64_MAX, UINT64_MAX, &state, &err), err);
    CHECK(state.in_order);
    CHECK_INT(state.expected, 5000);
}

TEST(a_missing_item_lets_the_others_go)
{
    numbers state;
    capi_err err = {0};

    CHECK(run(5000, UINT64_MAX, 700, &state, &err) == CAPI_INVALID);
    CHECK_STR(err.text, "number 700 is missing");
    CHECK(state.in_order);
    CHECK(state.expected <= 700);
}

TEST(a_failure_to_consume_is_reported)
{
    numbers state;
    capi_err err = {0};

    CHECK(run(5000, 100, UINT64_MAX, &state, &err) == CAPI_UNAVAILABLE);
    CHECK_INT(state.expected, 101);
}
