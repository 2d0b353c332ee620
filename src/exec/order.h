/* order.h - a bounded window that puts results of parallel work back into order.
 *
 * Workers put what they made for index 0, 1, 2, ... in any order; it is consumed in order, by one thread at a time. A worker
 * waits when it is a whole window ahead, or when too many bytes wait already. The lowest index that is not there yet never
 * waits, so somebody always proceeds. */
#pragma once

#include "base/err.h"

typedef struct exec_order exec_order;

/* Takes the item over, whatever it returns. */
typedef capi_status (*exec_order_fn)(void *context, void *item, capi_err *err);

/* drop: frees an item that will not be consumed. */
exec_order *exec_order_new(uint32_t window, uint64_t bytes_max, exec_order_fn consume, void (*drop)(void *item),
                           void *context);
void exec_order_free(exec_order *order); /* NULL is fine */
/* bytes: about what the item takes. May consume items of other indexes too; a failure of theirs is returned. After a close
 * the item is dropped: CAPI_OK. */
CAPI_MUST_USE capi_status exec_order_put(exec_order *order, uint64_t index, void *item, uint64_t bytes, capi_err *err);
/* An index failed: nobody waits for it any more. */
void exec_order_close(exec_order *order);
