/* order.c - a ring of slots under one lock; whoever fills the slot that is next in turn empties all that follow. */
#include "exec/order.h"

#include "base/arena.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct order_slot {
    void *item; /* NULL: not there yet */
    uint64_t bytes;
} order_slot;

struct exec_order {
    pthread_mutex_t lock;
    pthread_cond_t moved; /* `next` or is_closed changed */
    exec_order_fn consume;
    void (*drop)(void *item);
    void *context;
    uint64_t next; /* index that is consumed next */
    bool is_consuming;
    bool is_closed;
    uint64_t bytes_max;
    uint64_t waiting_bytes; /* of the items in the slots */
    uint32_t window;
    order_slot slots[]; /* by index modulo window */
};

exec_order *exec_order_new(uint32_t window, uint64_t bytes_max, exec_order_fn consume, void (*drop)(void *item),
                           void *context)
{
    exec_order *order = capi_zmalloc(sizeof *order + window * sizeof *order->slots);

    pthread_mutex_init(&order->lock, NULL);
    pthread_cond_init(&order->moved, NULL);
    order->consume = consume;
    order->drop = drop;
    order->context = context;
    order->bytes_max = bytes_max;
    order->window = window;
    return order;
}

void exec_order_free(exec_order *order)
{
    if (!order) return;
    for (uint32_t i = 0; i < order->window; i++)
        if (order->slots[i].item) order->drop(order->slots[i].item);
    pthread_cond_destroy(&order->moved);
    pthread_mutex_destroy(&order->lock);
    free(order);
}

/* Called and returns with the lock held. */
static capi_status order_consume(exec_order *order, capi_err *err)
{
    capi_status st = CAPI_OK;

    order->is_consuming = true;
    while (st == CAPI_OK && !order->is_closed && order->slots[order->next % order->window].item) {
        order_slot *slot = &order->slots[order->next % order->window];
        void *item = slot->item;

        order->waiting_bytes -= slot->bytes;
        *slot = (order_slot){0};
        pthread_mutex_unlock(&order->lock);
        st = order->consume(order->context, item, err);
        pthread_mutex_lock(&order->lock);
        order->next++;
        if (st != CAPI_OK) order->is_closed = true;
        pthread_cond_broadcast(&order->moved);
    }
    order->is_consuming = false;
    return st;
}

static bool must_wait(const exec_order *order, uint64_t index, uint64_t bytes)
{
    if (order->is_closed || index == order->next) return false;
    return index >= order->next + order->window || order->waiting_bytes + bytes > order->bytes_max;
}

capi_status exec_order_put(exec_order *order, uint64_t index, void *item, uint64_t bytes, capi_err *err)
{
    capi_status st = CAPI_OK;

    pthread_mutex_lock(&order->lock);
    while (must_wait(order, index, bytes))
        pthread_cond_wait(&order->moved, &order->lock);
    if (order->is_closed) {
        pthread_mutex_unlock(&order->lock);
        order->drop(item);
        return CAPI_OK;
    }
    order->slots[index % order->window] = (order_slot){item, bytes};
    order->waiting_bytes += bytes;
    if (!order->is_consuming) st = order_consume(order, err);
    pthread_mutex_unlock(&order->lock);
    return st;
}

void exec_order_close(exec_order *order)
{
    pthread_mutex_lock(&order->lock);
    order->is_closed = true;
    pthread_cond_broadcast(&order->moved);
    pthread_mutex_unlock(&order->lock);
}
