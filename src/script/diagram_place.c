/* diagram_place.c - x of boxes and labels, heights of layers, and the points of edges. */
#include "script/diagram_layers.h"

#include <math.h>
#include <stdlib.h>

enum { PLACE_PASSES = 16, PLACE_WORK_MAX = 2000000 };

static const double GAP_X = 36;
static const double GAP_Y = 36;
static const double GAP_Y_MAX = 110;
static const double PASS_GAP_X = 14; /* beside a passing edge */
static const double MARGIN = 20;
static const double PORT_GAP = 26;    /* between the ends of edges at one side of a box */
static const double PORT_MARGIN = 24; /* from the corners of a box */
static const double LANE_GAP = 14;

/* ---- x ---- */

static bool is_box(const capi_layers *graph, const capi_layer_vertex *vertex)
{
    return vertex < graph->vertices + graph->box_count;
}

static double half_step(const capi_layer_vertex *a, const capi_layer_vertex *b)
{
    double gap = a->width <= CAPI_LAYOUT_PASS_WIDTH || b->width <= CAPI_LAYOUT_PASS_WIDTH ? PASS_GAP_X : GAP_X;

    return (a->width + b->width) / 2 + gap;
}

typedef struct pool {
    double sum, weight;
    uint32_t count;
} pool;

typedef struct placer {
    capi_layers *graph;
    pool *pools;
    double *offsets;
    double *weights; /* per vertex: how much its wish counts */
} placer;

/* Moves the vertices of a layer as near to their wishes (key) as order and widths allow, in the least squares sense: with
 * the needed distances taken off, wishes must not decrease; runs that do are pooled to their mean. */
static void place_layer(const placer *p, uint32_t layer)
{
    const uint32_t *order = p->graph->order[layer];
    uint32_t count = p->graph->counts[layer];
    uint32_t pool_count = 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        const capi_layer_vertex *vertex = &p->graph->vertices[order[i]];
        double weight = p->weights[order[i]];

        p->offsets[i] = i ? p->offsets[i - 1] + half_step(&p->graph->vertices[order[i - 1]], vertex) : 0;
        p->pools[pool_count++] = (pool){(vertex->key - p->offsets[i]) * weight, weight, 1};
        while (pool_count > 1) {
            pool *last = &p->pools[pool_count - 1];

            if (last->sum / last->weight >= last[-1].sum / last[-1].weight) break;
            last[-1].sum += last->sum;
            last[-1].weight += last->weight;
            last[-1].count += last->count;
            pool_count--;
        }
    }
    for (uint32_t k = 0; k < pool_count; k++)
        for (uint32_t i = 0; i < p->pools[k].count; i++, at++)
            p->graph->vertices[order[at]].x = p->pools[k].sum / p->pools[k].weight + p->offsets[at];
}

/* Long edges are to be straight before short ones, and labels stand above their reader rather than below their table. */
static double pull(const capi_layers *graph, const capi_layer_vertex *above, const capi_layer_vertex *below)
{
    if (is_box(graph, above)) return is_box(graph, below) ? 1 : 2;
    return is_box(graph, below) ? 4 : 8;
}

static void add_pulls(const capi_layers *graph, const capi_layer_vertex *vertex, bool look_up, double *sum,
                      double *weight)
{
    const uint32_t *list = look_up ? vertex->up : vertex->down;
    uint32_t count = look_up ? vertex->up_count : vertex->down_count;

    for (uint32_t i = 0; i < count; i++) {
        const capi_layer_vertex *other = &graph->vertices[list[i]];
        double force = look_up ? pull(graph, other, vertex) : pull(graph, vertex, other);

        *sum += other->x * force;
        *weight += force;
    }
}

static void wish(const placer *p, uint32_t v, bool looks_down)
{
    capi_layer_vertex *vertex = &p->graph->vertices[v];
    double sum = 0;
    double weight = 0;

    add_pulls(p->graph, vertex, true, &sum, &weight);
    if (looks_down || vertex->up_count == 0) add_pulls(p->graph, vertex, false, &sum, &weight);
    vertex->key = weight > 0 ? sum / weight : vertex->x;
    p->weights[v] = weight > 0 ? weight : 0.01;
}

void capi_layers_place(capi_layers *graph, capi_arena *arena)
{
    placer p = {graph, capi_new_array(arena, pool, graph->vertex_count),
                capi_new_array(arena, double, graph->vertex_count), capi_new_array(arena, double, graph->vertex_count)};
    uint32_t passes = PLACE_WORK_MAX / (graph->vertex_count + 1);

    if (passes > PLACE_PASSES) passes = PLACE_PASSES;
    if (passes < 4) passes = 4;
    for (uint32_t l = 0; l < graph->layer_count; l++) {
        for (uint32_t i = 0; i < graph->counts[l]; i++) {
            graph->vertices[graph->order[l][i]].key = 0;
            p.weights[graph->order[l][i]] = 1;
        }
        place_layer(&p, l);
    }
    for (uint32_t pass = 0; pass < passes; pass++)
        for (uint32_t i = 0; i < graph->layer_count; i++) {
            uint32_t l = pass % 2 ? graph->layer_count - 1 - i : i;

            for (uint32_t k = 0; k < graph->counts[l]; k++)
                wish(&p, graph->order[l][k], pass > 0);
            place_layer(&p, l);
        }
}

/* ---- rows ---- */

typedef struct writer {
    const capi_layers *graph;
    capi_layout_box *boxes;
    capi_layout_edge *edges;
    double *tops, *heights; /* per layer */
    double *out_x, *in_x;   /* per edge: where it leaves the upper box and reaches the lower one */
    double *lane_x;         /* per edge with a lane */
    double shift;           /* from vertices' x to the picture's */
    double right;           /* of all vertices and lanes */
} writer;

/* The farther an edge goes sideways between two layers, the more room it gets downwards. */
static double gap_below(const writer *w, uint32_t layer)
{
    double farthest = 0;

    for (uint32_t i = 0; i < w->graph->counts[layer]; i++) {
        const capi_layer_vertex *vertex = &w->graph->vertices[w->graph->order[layer][i]];

        for (uint32_t d = 0; d < vertex->down_count; d++)
            farthest = fmax(farthest, fabs(w->graph->vertices[vertex->down[d]].x - vertex->x));
    }
    return fmin(GAP_Y + farthest * 0.06, GAP_Y_MAX);
}

static void lay_out_rows(writer *w)
{
    const capi_layers *graph = w->graph;
    double y = MARGIN;

    for (uint32_t l = 0; l < graph->layer_count; l++) {
        for (uint32_t i = 0; i < graph->counts[l]; i++)
            w->heights[l] = fmax(w->heights[l], graph->vertices[graph->order[l][i]].height);
        w->tops[l] = y;
        y += w->heights[l] + gap_below(w, l);
    }
}

/* ---- where edges meet boxes ---- */

typedef struct port {
    uint32_t box, edge;
    double towards; /* x of the next vertex */
} port;

static int compare_ports(const void *a, const void *b)
{
    const port *x = a;
    const port *y = b;

    if (x->box != y->box) return x->box < y->box ? -1 : 1;
    if (x->towards != y->towards) return x->towards < y->towards ? -1 : 1;
    return x->edge < y->edge ? -1 : x->edge > y->edge;
}

/* Ends at one side of a box stand as near below or above the next vertex as the box is wide, in the order of where they go. */
static void spread_side(const capi_layout_box *box, port *ports, uint32_t count, double *x)
{
    double left = box->x + fmin(PORT_MARGIN, box->width / 2);
    double right = box->x + box->width - fmin(PORT_MARGIN, box->width / 2);
    double gap = count > 1 ? fmin(PORT_GAP, (right - left) / (count - 1)) : 0;

    for (uint32_t i = 0; i < count; i++) {
        double at = fmin(fmax(ports[i].towards, left), right);

        ports[i].towards = i > 0 ? fmax(at, ports[i - 1].towards + gap) : at;
    }
    for (uint32_t i = count; i-- > 0;) {
        double most = i + 1 < count ? ports[i + 1].towards - gap : right;

        x[ports[i].edge] = ports[i].towards = fmin(ports[i].towards, most);
    }
}

static void spread_ports(const writer *w, port *ports, uint32_t count, double *x)
{
    if (count > 1) qsort(ports, count, sizeof *ports, compare_ports);
    for (uint32_t first = 0, next; first < count; first = next) {
        for (next = first + 1; next < count && ports[next].box == ports[first].box;)
            next++;
        spread_side(&w->boxes[ports[first].box], &ports[first], next - first, x);
    }
}

static void find_ports(writer *w, capi_arena *arena)
{
    const capi_layers *graph = w->graph;
    port *ports = capi_new_array(arena, port, graph->edge_count);
    uint32_t count = 0;

    for (uint32_t e = 0; e < graph->edge_count; e++) {
        double towards = graph->vertices[graph->chains[e].vertices[0]].x + w->shift;

        if (!w->edges[e].leader) ports[count++] = (port){w->edges[e].from, e, towards};
    }
    spread_ports(w, ports, count, w->out_x);
    for (uint32_t e = 0; e < graph->edge_count; e++) {
        const capi_layer_chain *chain = &graph->chains[e];

        ports[e] = (port){w->edges[e].to, e, graph->vertices[chain->vertices[chain->count - 1]].x + w->shift};
    }
    spread_ports(w, ports, graph->edge_count, w->in_x);
}

/* ---- lanes ---- */

typedef struct lane_end {
    uint32_t layer, edge;
} lane_end;

static int compare_lane_ends(const void *a, const void *b)
{
    const lane_end *x = a;
    const lane_end *y = b;

    if (x->layer != y->layer) return x->layer < y->layer ? -1 : 1;
    return x->edge < y->edge ? -1 : x->edge > y->edge;
}

/* From top to bottom, an edge takes the lane that became free last, or a new one. */
static void find_lanes(writer *w, capi_arena *arena)
{
    const capi_layers *graph = w->graph;
    lane_end *starts = capi_new_array(arena, lane_end, graph->edge_count);
    lane_end *ends = capi_new_array(arena, lane_end, graph->edge_count);
    uint32_t *free_lanes = capi_new_array(arena, uint32_t, graph->edge_count);
    uint32_t *lanes = capi_new_array(arena, uint32_t, graph->edge_count);
    uint32_t count = 0;
    uint32_t ended = 0;
    uint32_t free_count = 0;
    uint32_t lane_count = 0;

    for (uint32_t e = 0; e < graph->edge_count; e++) {
        if (!graph->chains[e].has_lane) continue;
        starts[count] = (lane_end){graph->vertices[graph->chains[e].vertices[0]].layer, e};
        ends[count++] = (lane_end){graph->vertices[graph->chains[e].vertices[1]].layer, e};
    }
    if (count > 1) {
        qsort(starts, count, sizeof *starts, compare_lane_ends);
        qsort(ends, count, sizeof *ends, compare_lane_ends);
    }
    for (uint32_t i = 0; i < count; i++) {
        for (; ended < count && ends[ended].layer <= starts[i].layer; ended++)
            free_lanes[free_count++] = lanes[ends[ended].edge];
        lanes[starts[i].edge] = free_count ? free_lanes[--free_count] : lane_count++;
        w->lane_x[starts[i].edge] = w->right + LANE_GAP * (lanes[starts[i].edge] + 1);
    }
    w->right += LANE_GAP * lane_count;
}

/* ---- points ---- */

static void add_point(capi_layout_edge *edge, double x, double y)
{
    if (edge->point_count > 0) {
        const capi_layout_point *last = &edge->points[edge->point_count - 1];

        if (last->x == x && last->y == y) return;
    }
    edge->points[edge->point_count++] = (capi_layout_point){x, y};
}

static void start_at_label(const writer *w, capi_layout_edge *edge)
{
    edge->label = w->edges[edge->leader - 1].label;
    add_point(edge, edge->label.x + edge->label.width / 2, edge->label.y + edge->label.height);
}

static void edge_points(writer *w, uint32_t e, capi_arena *arena)
{
    const capi_layer_chain *chain = &w->graph->chains[e];
    capi_layout_edge *edge = &w->edges[e];
    const capi_layout_box *from = &w->boxes[edge->from];
    const capi_layout_box *to = &w->boxes[edge->to];
    uint32_t from_layer = w->graph->vertices[edge->from].layer;

    edge->point_count = 0;
    edge->points = capi_new_array(arena, capi_layout_point, (size_t)chain->count * 2 + 6);
    if (edge->leader) {
        start_at_label(w, edge);
    } else {
        add_point(edge, w->out_x[e], from->y + from->height);
        add_point(edge, w->out_x[e], w->tops[from_layer] + w->heights[from_layer]); /* past higher boxes of the row */
    }
    for (uint32_t i = 0; i < chain->count; i++) {
        const capi_layer_vertex *pass = &w->graph->vertices[chain->vertices[i]];
        double x = pass->x + w->shift;
        double top = w->tops[pass->layer];
        double bottom = top + w->heights[pass->layer];

        if (i == chain->label_at && edge->label.width > 0 && !edge->leader) {
            edge->label.x = x - edge->label.width / 2;
            edge->label.y = top + (w->heights[pass->layer] - edge->label.height) / 2;
        }
        if (i == 1 && chain->has_lane) {
            uint32_t leaves = w->graph->vertices[chain->vertices[0]].layer;

            add_point(edge, w->lane_x[e], w->tops[leaves + 1]);
            add_point(edge, w->lane_x[e], w->tops[pass->layer - 1] + w->heights[pass->layer - 1]);
        }
        if (i > 0 || !edge->leader) add_point(edge, x, top);
        add_point(edge, x, bottom);
    }
    add_point(edge, w->in_x[e], w->tops[w->graph->vertices[edge->to].layer]);
    add_point(edge, w->in_x[e], to->y);
}

capi_layout_size capi_layers_write(const capi_layers *graph, capi_layout_box *boxes, capi_layout_edge *edges,
                                   capi_arena *arena)
{
    writer w = {.graph = graph, .boxes = boxes, .edges = edges};
    double left = INFINITY;
    double right = -INFINITY;

    if (graph->vertex_count == 0) return (capi_layout_size){2 * MARGIN, 2 * MARGIN};
    for (uint32_t v = 0; v < graph->vertex_count; v++) {
        left = fmin(left, graph->vertices[v].x - graph->vertices[v].width / 2);
        right = fmax(right, graph->vertices[v].x + graph->vertices[v].width / 2);
    }
    w.shift = MARGIN - left;
    w.right = right + w.shift;
    w.tops = capi_new_array(arena, double, graph->layer_count);
    w.heights = capi_new_array(arena, double, graph->layer_count);
    w.out_x = capi_new_array(arena, double, graph->edge_count);
    w.in_x = capi_new_array(arena, double, graph->edge_count);
    w.lane_x = capi_new_array(arena, double, graph->edge_count);
    lay_out_rows(&w);
    for (uint32_t b = 0; b < graph->box_count; b++) {
        const capi_layer_vertex *vertex = &graph->vertices[b];

        boxes[b].x = vertex->x - vertex->width / 2 + w.shift;
        boxes[b].y = w.tops[vertex->layer] + (w.heights[vertex->layer] - vertex->height) / 2;
    }
    find_ports(&w, arena);
    find_lanes(&w, arena);
    for (uint32_t e = 0; e < graph->edge_count; e++)
        edge_points(&w, e, arena);
    return (capi_layout_size){w.right + MARGIN,
                              w.tops[graph->layer_count - 1] + w.heights[graph->layer_count - 1] + MARGIN};
}
