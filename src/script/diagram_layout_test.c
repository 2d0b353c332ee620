#include "script/diagram_layout.h"

#include "base/random.h"
#include "base/test.h"

#include <time.h>

static bool overlap(const capi_layout_box *a, const capi_layout_box *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height && b->y < a->y + a->height;
}

/* Every box and every label, as one list. */
static void check_nothing_overlaps(const capi_layout_box *boxes, uint32_t box_count, const capi_layout_edge *edges,
                                   uint32_t edge_count, capi_layout_size size)
{
    uint32_t count = 0;
    capi_arena arena = {0};
    capi_layout_box *all = capi_new_array(&arena, capi_layout_box, (size_t)box_count + edge_count);

    for (uint32_t b = 0; b < box_count; b++)
        all[count++] = boxes[b];
    for (uint32_t e = 0; e < edge_count; e++)
        if (edges[e].label.width > 0) all[count++] = edges[e].label;
    for (uint32_t a = 0; a < count; a++) {
        CHECK(all[a].x >= 0 && all[a].y >= 0);
        CHECK(all[a].x + all[a].width <= size.width && all[a].y + all[a].height <= size.height);
        for (uint32_t b = a + 1; b < count; b++)
            CHECK(!overlap(&all[a], &all[b]));
    }
    capi_arena_deinit(&arena);
}

TEST(a_chain_stands_in_one_column)
{
    capi_arena arena = {0};
    capi_layout_box boxes[3] = {{100, 40}, {100, 40}, {100, 40}};
    capi_layout_edge edges[2] = {{.from = 0, .to = 1}, {.from = 1, .to = 2}};
    capi_layout_size size = capi_diagram_layout(boxes, 3, edges, 2, &arena);

    CHECK(boxes[0].x == boxes[1].x && boxes[1].x == boxes[2].x);
    CHECK(boxes[0].y < boxes[1].y && boxes[1].y < boxes[2].y);
    CHECK(edges[0].points[0].y == boxes[0].y + 40);
    CHECK(edges[0].points[edges[0].point_count - 1].y == boxes[1].y);
    check_nothing_overlaps(boxes, 3, edges, 2, size);
    capi_arena_deinit(&arena);
}

TEST(two_chains_that_can_be_drawn_without_a_crossing_are)
{
    capi_arena arena = {0};
    capi_layout_box boxes[4] = {{80, 30}, {80, 30}, {80, 30}, {80, 30}};
    /* 0 -> 3 and 1 -> 2: in the order of their numbers the edges would cross. */
    capi_layout_edge edges[2] = {{.from = 0, .to = 3}, {.from = 1, .to = 2}};

    capi_diagram_layout(boxes, 4, edges, 2, &arena);
    CHECK((boxes[0].x < boxes[1].x) == (boxes[3].x < boxes[2].x));
    capi_arena_deinit(&arena);
}

TEST(no_boxes_make_an_empty_picture)
{
    capi_arena arena = {0};
    capi_layout_size size = capi_diagram_layout(NULL, 0, NULL, 0, &arena);

    CHECK(size.width > 0 && size.height > 0);
    capi_arena_deinit(&arena);
}

TEST(in_random_graphs_boxes_and_labels_never_overlap)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        capi_random_seeded state;
        capi_random random = capi_random_from_seed(&state, seed);
        capi_arena arena = {0};
        uint32_t box_count = 2 + (uint32_t)(random.next(random.context) % 300);
        capi_layout_box *boxes = capi_new_array(&arena, capi_layout_box, box_count);
        capi_layout_edge *edges = capi_new_array(&arena, capi_layout_edge, (size_t)box_count * 2);
        uint32_t edge_count = 0;
        capi_layout_size size;

        for (uint32_t b = 0; b < box_count; b++) {
            boxes[b].width = 50 + (double)(random.next(random.context) % 300);
            boxes[b].height = 30 + (double)(random.next(random.context) % 100);
            for (uint32_t i = 0; b > 0 && i < random.next(random.context) % 3; i++) {
                capi_layout_edge *edge = &edges[edge_count++];

                edge->from = (uint32_t)(random.next(random.context) % b);
                edge->to = b;
                if (random.next(random.context) % 2) {
                    edge->label.width = 40 + (double)(random.next(random.context) % 200);
                    edge->label.height = 20 + (double)(random.next(random.context) % 80);
                }
            }
        }
        size = capi_diagram_layout(boxes, box_count, edges, edge_count, &arena);
        check_nothing_overlaps(boxes, box_count, edges, edge_count, size);
        capi_arena_deinit(&arena);
    }
}

TEST(unconnected_parts_stand_on_shelves)
{
    capi_arena arena = {0};
    capi_layout_box boxes[64];
    capi_layout_edge edges[2] = {{.from = 60, .to = 3, .label = {.width = 90, .height = 20}},
                                 {.from = 60, .to = 61, .label = {.width = 90, .height = 20}, .leader = 1}};
    capi_layout_size size;

    for (int i = 0; i < 64; i++)
        boxes[i] = (capi_layout_box){.width = 200, .height = 50};
    size = capi_diagram_layout(boxes, 64, edges, 2, &arena);
    edges[1].label.width = 0; /* the same label as that of edge 0 */
    check_nothing_overlaps(boxes, 64, edges, 2, size);
    CHECK(size.width < 3 * size.height && size.height < 3 * size.width);
    /* The only part of two rows is the highest, so it stands first. */
    CHECK(boxes[60].y < boxes[3].y && boxes[3].y == boxes[61].y && boxes[60].y <= boxes[0].y);
    CHECK(edges[0].points[0].y == boxes[60].y + 50);
    CHECK(edges[1].points[edges[1].point_count - 1].y == boxes[61].y);
    capi_arena_deinit(&arena);
}

TEST(edges_with_one_label_part_below_it)
{
    capi_arena arena = {0};
    capi_layout_box boxes[4] = {{100, 40}, {100, 40}, {100, 40}, {100, 40}};
    capi_layout_edge edges[3] = {{.from = 0, .to = 1, .label = {.width = 90, .height = 20}},
                                 {.from = 0, .to = 2, .label = {.width = 90, .height = 20}, .leader = 1},
                                 {.from = 0, .to = 3, .label = {.width = 90, .height = 20}, .leader = 1}};

    capi_diagram_layout(boxes, 4, edges, 3, &arena);
    for (int e = 1; e < 3; e++) {
        CHECK(edges[e].label.x == edges[0].label.x && edges[e].label.y == edges[0].label.y);
        CHECK(edges[e].points[0].y == edges[0].label.y + 20);
        CHECK(edges[e].points[0].x == edges[0].label.x + 45);
    }
    CHECK(edges[0].points[0].y == boxes[0].y + 40);
    capi_arena_deinit(&arena);
}

/* A chain of boxes, each of which also reads one far above it: more passing edges than get vertices. */
TEST(too_many_long_edges_run_beside_the_boxes)
{
    enum { COUNT = 1500 };
    capi_arena arena = {0};
    capi_layout_box *boxes = capi_new_array(&arena, capi_layout_box, COUNT);
    capi_layout_edge *edges = capi_new_array(&arena, capi_layout_edge, COUNT * 2);
    uint32_t edge_count = 0;
    uint32_t outside = 0;
    double right = 0;
    capi_layout_size size;

    for (uint32_t b = 0; b < COUNT; b++) {
        boxes[b] = (capi_layout_box){.width = 100, .height = 40};
        if (b > 0) edges[edge_count++] = (capi_layout_edge){.from = b - 1, .to = b};
        if (b > 1)
            edges[edge_count++] = (capi_layout_edge){.from = b / 2, .to = b, .label = {.width = 60, .height = 20}};
    }
    size = capi_diagram_layout(boxes, COUNT, edges, edge_count, &arena);
    check_nothing_overlaps(boxes, COUNT, edges, edge_count, size);
    for (uint32_t b = 0; b < COUNT; b++)
        right = boxes[b].x + boxes[b].width > right ? boxes[b].x + boxes[b].width : right;
    for (uint32_t e = 0; e < edge_count; e++) {
        bool is_outside = false;

        for (uint32_t i = 0; i < edges[e].point_count; i++) {
            CHECK(edges[e].points[i].x > 0 && edges[e].points[i].x < size.width);
            CHECK(i == 0 || edges[e].points[i].y >= edges[e].points[i - 1].y);
            if (edges[e].points[i].x > right) is_outside = true;
        }
        outside += is_outside;
    }
    CHECK(outside > 100);
    capi_arena_deinit(&arena);
}
