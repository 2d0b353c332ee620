/* diagram_pack.c - parts of a graph that nothing connects are laid out each by itself and put on shelves, the highest first. */
#include "script/diagram_layers.h"

#include <math.h>
#include <stdlib.h>

static const double SHAPE = 1.8; /* width of the whole over its height, about */

typedef struct part {
    uint32_t *boxes, *edges; /* numbers in the whole graph */
    uint32_t box_count, edge_count;
    uint32_t number;
    capi_layout_box *placed_boxes;
    capi_layout_edge *placed_edges;
    capi_layout_size size;
} part;

typedef struct packing {
    capi_layout_box *boxes;
    capi_layout_edge *edges;
    uint32_t box_count, edge_count;
    uint32_t *part_of;    /* per box */
    uint32_t *local_box;  /* per box: its number in its part */
    uint32_t *local_edge; /* per edge */
    part *parts;
    uint32_t part_count;
} packing;

/* ---- parts ---- */

static uint32_t find(uint32_t *parent, uint32_t box)
{
    while (parent[box] != box)
        box = parent[box] = parent[parent[box]];
    return box;
}

/* The lowest box of a part stands for it, so that parts are numbered in the order of their first boxes. */
static void find_parts(packing *p, capi_arena *arena)
{
    uint32_t *parent = capi_new_array(arena, uint32_t, p->box_count);

    for (uint32_t b = 0; b < p->box_count; b++)
        parent[b] = b;
    for (uint32_t e = 0; e < p->edge_count; e++) {
        uint32_t x = find(parent, p->edges[e].from);
        uint32_t y = find(parent, p->edges[e].to);

        parent[x > y ? x : y] = x < y ? x : y;
    }
    p->part_of = capi_new_array(arena, uint32_t, p->box_count);
    for (uint32_t b = 0; b < p->box_count; b++) {
        uint32_t first = find(parent, b);

        p->part_of[b] = first == b ? p->part_count++ : p->part_of[first];
    }
}

static void fill_parts(packing *p, capi_arena *arena)
{
    p->parts = capi_new_array(arena, part, p->part_count);
    p->local_box = capi_new_array(arena, uint32_t, p->box_count);
    p->local_edge = capi_new_array(arena, uint32_t, p->edge_count);
    for (uint32_t b = 0; b < p->box_count; b++)
        p->local_box[b] = p->parts[p->part_of[b]].box_count++;
    for (uint32_t e = 0; e < p->edge_count; e++)
        p->local_edge[e] = p->parts[p->part_of[p->edges[e].to]].edge_count++;
    for (uint32_t i = 0; i < p->part_count; i++) {
        part *one = &p->parts[i];

        one->number = i;
        one->boxes = capi_new_array(arena, uint32_t, one->box_count);
        one->edges = capi_new_array(arena, uint32_t, one->edge_count);
    }
    for (uint32_t b = 0; b < p->box_count; b++)
        p->parts[p->part_of[b]].boxes[p->local_box[b]] = b;
    for (uint32_t e = 0; e < p->edge_count; e++)
        p->parts[p->part_of[p->edges[e].to]].edges[p->local_edge[e]] = e;
}

static void lay_out_part(const packing *p, part *one, capi_arena *arena)
{
    one->placed_boxes = capi_new_array(arena, capi_layout_box, one->box_count);
    one->placed_edges = capi_new_array(arena, capi_layout_edge, one->edge_count);
    for (uint32_t b = 0; b < one->box_count; b++)
        one->placed_boxes[b] = p->boxes[one->boxes[b]];
    for (uint32_t e = 0; e < one->edge_count; e++) {
        capi_layout_edge *edge = &one->placed_edges[e];

        *edge = p->edges[one->edges[e]];
        edge->from = p->local_box[edge->from];
        edge->to = p->local_box[edge->to];
        if (edge->leader) edge->leader = p->local_edge[edge->leader - 1] + 1;
    }
    one->size = capi_layers_lay_out(one->placed_boxes, one->box_count, one->placed_edges, one->edge_count, arena);
}

/* ---- shelves ---- */

static int compare_parts(const void *a, const void *b)
{
    const part *x = a;
    const part *y = b;

    if (x->size.height != y->size.height) return x->size.height > y->size.height ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void put_part(const packing *p, const part *one, double x, double y)
{
    for (uint32_t b = 0; b < one->box_count; b++) {
        p->boxes[one->boxes[b]].x = one->placed_boxes[b].x + x;
        p->boxes[one->boxes[b]].y = one->placed_boxes[b].y + y;
    }
    for (uint32_t e = 0; e < one->edge_count; e++) {
        const capi_layout_edge *placed = &one->placed_edges[e];
        capi_layout_edge *edge = &p->edges[one->edges[e]];

        edge->points = placed->points;
        edge->point_count = placed->point_count;
        for (uint32_t i = 0; i < edge->point_count; i++) {
            edge->points[i].x += x;
            edge->points[i].y += y;
        }
        edge->label.x = placed->label.x + x;
        edge->label.y = placed->label.y + y;
    }
}

static capi_layout_size put_on_shelves(packing *p)
{
    capi_layout_size size = {0, 0};
    double area = 0;
    double x = 0;
    double shelf = 0;
    double shelf_height = 0;
    double width;

    for (uint32_t i = 0; i < p->part_count; i++)
        area += p->parts[i].size.width * p->parts[i].size.height;
    width = sqrt(area * SHAPE);
    for (uint32_t i = 0; i < p->part_count; i++)
        width = fmax(width, p->parts[i].size.width);
    qsort(p->parts, p->part_count, sizeof *p->parts, compare_parts);
    for (uint32_t i = 0; i < p->part_count; i++) {
        const part *one = &p->parts[i];

        if (x > 0 && x + one->size.width > width) {
            x = 0;
            shelf += shelf_height;
            shelf_height = 0;
        }
        put_part(p, one, x, shelf);
        x += one->size.width;
        shelf_height = fmax(shelf_height, one->size.height);
        size.width = fmax(size.width, x);
        size.height = shelf + shelf_height;
    }
    return size;
}

capi_layout_size capi_diagram_layout(capi_layout_box *boxes, uint32_t box_count, capi_layout_edge *edges,
                                     uint32_t edge_count, capi_arena *arena)
{
    packing p = {.boxes = boxes, .edges = edges, .box_count = box_count, .edge_count = edge_count};

    if (box_count == 0) return capi_layers_lay_out(boxes, 0, edges, 0, arena);
    find_parts(&p, arena);
    fill_parts(&p, arena);
    for (uint32_t i = 0; i < p.part_count; i++)
        lay_out_part(&p, &p.parts[i], arena);
    return put_on_shelves(&p);
}
