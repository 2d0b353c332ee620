/* order.c - a ring of slots under one lock; whoever fills the slot that is next in turn empties all that follow. */
#include "exec/order.h"

#include "base/arena.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct exec_order {
    pthread_mutex_t lock;
    pthread_cond_t moved; /* `next` or is_closed changed */
    exec_order_fn consume;
    void (*drop)(void *item);
    void *context;
    uint64_t next; /* index that is consumed next */
    bool is_consuming;
    bool is_closed;
    uint32_t window;
    void *items[]; /* by index modulo window; NULL: not there yet */
};

exec_order *exec_order_new(uint32_t window, exec_order_fn consume, void (*drop)(void *item), void *context)
{
    exec_order *order = capi_zmalloc(sizeof *order + window * sizeof *order->items);

    pthread_mutex_init(&order->lock, NULL);
    pthread_cond_init(&order->moved, NULL);
    order->consume = consume;
    order->drop = drop;
    order->context = context;
    order->window = window;
    return order;
}

void exec_order_free(exec_order *order)
{
    if (!order) return;
    for (uint32_t i = 0; i < order->window; i++)
        if (order->items[i]) order->drop(order->items[i]);
    pthread_cond_destroy(&order->moved);
    pthread_mutex_destroy(&order->lock);
    free(order);
}

/* Called and returns with the lock held. */
static capi_status order_consume(exec_order *order, capi_err *err)
{
    capi_status st = CAPI_OK;

    order->is_consuming = true;
    while (st == CAPI_OK && !order->is_closed && order->items[order->next % order->window]) {
        void *item = order->items[order->next % order->window];

        order->items[order->next % order->window] = NULL;
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

capi_status exec_order_put(exec_order *order, uint64_t index, void *item, capi_err *err)
{
    capi_status st = CAPI_OK;

    pthread_mutex_lock(&order->lock);
    while (!order->is_closed && index >= order->next + order->window)
        pthread_cond_wait(&order->moved, &order->lock);
    if (order->is_closed) {
        pthread_mutex_unlock(&order->lock);
        order->drop(item);
        return CAPI_OK;
    }
    order->items[index % order->window] = item;
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
