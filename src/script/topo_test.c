#include "script/topo.h"

#include "base/test.h"

#include <stdlib.h>

TEST(what_is_needed_comes_first_and_the_smaller_number_before_the_larger)
{
    const capi_topo_edge edges[] = {{4, 1}, {1, 0}, {3, 0}};
    uint32_t order[5];

    CHECK_INT(capi_topo_sort(5, edges, 3, order), 5);
    CHECK_INT(order[0], 2);
    CHECK_INT(order[1], 3);
    CHECK_INT(order[2], 4);
    CHECK_INT(order[3], 1);
    CHECK_INT(order[4], 0);
}

TEST(a_cycle_is_found_without_what_hangs_on_it)
{
    const capi_topo_edge edges[] = {{0, 1}, {1, 2}, {2, 3}, {3, 1}, {3, 4}};
    uint32_t order[5];
    uint32_t cycle[5];
    uint32_t ordered = capi_topo_sort(5, edges, 5, order);
    uint32_t length = capi_topo_cycle(5, edges, 5, order, ordered, cycle);

    CHECK_INT(ordered, 1);
    CHECK_INT(length, 3);
    for (uint32_t i = 0; i < length; i++) {
        uint32_t from = cycle[i];
        uint32_t to = cycle[(i + 1) % length];

        CHECK((from == 1 && to == 2) || (from == 2 && to == 3) || (from == 3 && to == 1));
    }
}

TEST(something_that_needs_itself_is_a_cycle)
{
    const capi_topo_edge edge = {0, 0};
    uint32_t order[1];
    uint32_t cycle[1];

    CHECK_INT(capi_topo_sort(1, &edge, 1, order), 0);
    CHECK_INT(capi_topo_cycle(1, &edge, 1, order, 0, cycle), 1);
}

TEST(a_chain_of_a_million_is_ordered)
{
    enum { COUNT = 1000000 };
    capi_topo_edge *edges = malloc((COUNT - 1) * sizeof *edges);
    uint32_t *order = malloc(COUNT * sizeof *order);

    for (uint32_t i = 0; i + 1 < COUNT; i++)
        edges[i] = (capi_topo_edge){i + 1, i};
    CHECK_INT(capi_topo_sort(COUNT, edges, COUNT - 1, order), COUNT);
    CHECK_INT(order[0], COUNT - 1);
    CHECK_INT(order[COUNT - 1], 0);
    free(edges);
    free(order);
}
