/* sim_script.c - random scripts, and what their nodes make: a batch makes a hash of what it reads, so a row that is missing,
 * double or from the wrong run shows in every table after it. What a node does besides (fails, has duplicates) stands in its
 * description, which is part of the script and so of the run's snapshot. */
#include "sim/sim_inside.h"

#include "base/hash.h"

#include <stdlib.h>

enum { NODES_MIN = 3 };

typedef struct shape_node { /* the same in all versions of the script */
    char kind;              /* r: reads files, t: table, d: distinct, l: lookup, f: file */
    uint32_t reader, lookup;
    bool is_manual, rerun_fails, has_run_id;
} shape_node;

typedef struct shape {
    shape_node nodes[SIM_NODES_MAX];
    uint32_t count;
} shape;

static uint32_t some_table(sim_world *world, const shape *made)
{
    uint32_t at;

    do
        at = sim_dice(world, made->count);
    while (made->nodes[at].kind == 'f');
    return at;
}

static void shape_make(sim_world *world, shape *out)
{
    uint32_t wanted = NODES_MIN + sim_dice(world, SIM_NODES_MAX - NODES_MIN + 1);
    uint32_t readers = 1 + sim_dice(world, 2);

    for (out->count = 0; out->count < wanted; out->count++) {
        shape_node *node = &out->nodes[out->count];

        *node = (shape_node){.kind = out->count < readers ? 'r' : "ttdllff"[sim_dice(world, 7)]};
        node->rerun_fails = sim_chance(world, 60);
        node->has_run_id = sim_chance(world, 500);
        if (node->kind == 'r') continue;
        node->reader = some_table(world, out);
        node->lookup = some_table(world, out);
        node->is_manual = sim_chance(world, 100);
    }
}

static void put_description(sim_world *world, capi_buf *to, uint32_t version, const shape_node *node)
{
    capi_buf_printf(to, "\"desc\":\"version %u", version);
    if (sim_chance(world, 40)) capi_buf_printf(to, ", batch %u fails", sim_dice(world, 3));
    if (sim_chance(world, 30)) capi_buf_printf(to, ", item %u kills", sim_dice(world, 3));
    if (sim_chance(world, 60) && strchr("rtl", node->kind)) capi_buf_printf(to, ", duplicates");
    capi_buf_printf(to, "\",");
}

static void put_reader(sim_world *world, capi_buf *to, const shape_node *node)
{
    uint32_t batches = 1 + sim_dice(world, sim_chance(world, 200) ? 9 : 3);

    if (node->kind != 'r') {
        capi_buf_printf(to, "\"r\":{\"table\":\"t%u\",\"expected_batches_total\":%u},", node->reader, batches);
        return;
    }
    capi_buf_printf(to, "\"r\":{\"urls\":[");
    for (uint32_t i = 0; i < batches; i++)
        capi_buf_printf(to, "%s\"/in/%u.csv\"", i ? "," : "", i);
    capi_buf_printf(to, "],\"csv\":{\"hdr_line_idx\":0,\"first_data_line_idx\":1},"
                        "\"columns\":{\"c_a\":{\"csv\":{\"col_hdr\":\"a\"},\"col_type\":\"int\"}}},");
}

static void put_writer(capi_buf *to, const shape_node *node, uint32_t number)
{
    if (node->kind == 'f') {
        capi_buf_printf(to,
                        "\"w\":{\"url_template\":\"/out/n%u%s_{batch_idx|string}.csv\",\"columns\":[{\"name\":\"a\","
                        "\"expression\":\"r.a\",\"type\":\"int\",\"csv\":{\"header\":\"a\",\"format\":\"%%d\"}}]}",
                        number, node->has_run_id ? "_{run_id|string}" : "");
        return;
    }
    if (node->kind == 'l')
        capi_buf_printf(to, "\"l\":{\"index_name\":\"idx_t%u\",\"join_on\":\"r.a\",\"join_type\":\"left\"},",
                        node->lookup);
    capi_buf_printf(to,
                    "\"w\":{\"name\":\"t%u\",\"fields\":{\"a\":{\"expression\":\"r.%s\",\"type\":\"int\"}},"
                    "\"indexes\":{\"idx_t%u\":\"%sunique(a)\"}}",
                    number, node->kind == 'r' ? "c_a" : "a", number, node->kind == 'd' ? "" : "non_");
}

static void put_node(sim_world *world, capi_buf *to, const shape_node *node, uint32_t number, uint32_t version)
{
    static const struct {
        char kind;
        const char *name;
    } types[] = {{'r', "file_table"},
                 {'t', "table_table"},
                 {'d', "distinct_table"},
                 {'l', "table_lookup_table"},
                 {'f', "table_file"}};
    const char *type = "";

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].kind == node->kind) type = types[i].name;
    capi_buf_printf(to, "%s\"n%u\":{\"type\":\"%s\",", number ? "," : "", number, type);
    put_description(world, to, version, node);
    if (node->is_manual) capi_buf_printf(to, "\"start_policy\":\"manual\",");
    if (node->rerun_fails || node->kind == 'd') capi_buf_printf(to, "\"rerun_policy\":\"fail\",");
    put_reader(world, to, node);
    put_writer(to, node, number);
    capi_buf_printf(to, "}\n");
}

static capi_status fetch_text(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    (void)url;
    (void)err;
    *text = capi_str_copy(arena, *(const capi_str *)context);
    return CAPI_OK;
}

capi_status sim_script_load(sim_world *world, capi_str *text, capi_script **out)
{
    capi_load_options options = {.script_url = CAPI_STR("/script.json"), .fetch = fetch_text, .fetch_context = text};
    capi_diags diags;
    capi_err err = {0};

    capi_diags_init(&diags, &world->arena);
    if (capi_script_load(&options, out, &diags) == CAPI_OK) return CAPI_OK;
    capi_diags_to_err(&diags, &err);
    fprintf(stderr, "the script of seed %llu does not load: %s\n%.*s\n", (unsigned long long)world->options.seed,
            err.text, CAPI_STR_ARG(*text));
    abort();
}

void sim_scripts_make(sim_world *world)
{
    shape made;

    shape_make(world, &made);
    for (uint32_t version = 0; version < SIM_VERSIONS; version++) {
        capi_buf text = {0};

        capi_buf_printf(&text, "{\"nodes\":{\n");
        for (uint32_t i = 0; i < made.count; i++)
            put_node(world, &text, &made.nodes[i], i, version);
        capi_buf_printf(&text, "}}\n");
        world->texts[version] = capi_str_copy(&world->arena, capi_buf_str(&text));
        (void)!sim_script_load(world, &world->texts[version], &world->scripts[version]);
        capi_buf_deinit(&text);
    }
    sim_trace(world, "script\n%.*s", CAPI_STR_ARG(world->texts[0]));
}

/* ---- what nodes make ---- */

uint64_t sim_mix(uint64_t a, uint64_t b)
{
    return capi_hash_combine(a, b);
}

/* The number after some words of a description is that. */
static bool has_number(const capi_node *node, capi_str words, uint32_t number)
{
    int64_t at = capi_str_find(node->desc, words);

    return at >= 0 && (uint32_t)(node->desc.data[at + (int64_t)words.bytes] - '0') == number;
}

bool sim_batch_fails(const capi_node *node, uint32_t batch_idx)
{
    return has_number(node, CAPI_STR(", batch "), batch_idx);
}

bool sim_batch_kills(const capi_node *node, uint32_t batch_idx)
{
    return has_number(node, CAPI_STR(", item "), batch_idx);
}

bool sim_has_duplicates(const capi_node *node)
{
    return capi_str_ends(node->desc, "duplicates");
}

uint64_t sim_batch_value(const capi_node *node, uint32_t batch_idx, uint64_t reader, uint64_t lookup)
{
    uint64_t value = capi_hash_bytes(node->desc.data, node->desc.bytes);

    value = sim_mix(value, capi_hash_bytes(node->name.data, node->name.bytes));
    value = sim_mix(value, (uint64_t)batch_idx << 32 | node->batches_total);
    return sim_mix(sim_mix(value, reader), lookup);
}

uint32_t sim_batch_rows(const capi_node *node, uint64_t value)
{
    return node->table ? (uint32_t)(value >> 7) % 12 : 5;
}

bool sim_survives(uint64_t batch_value, uint32_t row)
{
    return sim_mix(batch_value, row) % 4 != 0;
}

uint64_t sim_table_add(uint64_t hash, uint64_t value, uint32_t rows, bool (*survives)(uint64_t value, uint32_t row))
{
    if (rows == 0) return hash;
    hash = sim_mix(hash, value);
    for (uint32_t row = 0; row < rows; row++)
        hash = sim_mix(hash, !survives || survives(value, row));
    return hash;
}

/* ---- what they must make ---- */

sim_start *sim_start_of(sim_world *world, const char *run_uid)
{
    for (uint32_t i = 0; i < world->start_count; i++)
        if (world->starts[i].is_known && strcmp(world->starts[i].run_uid, run_uid) == 0) return &world->starts[i];
    return NULL;
}

const sim_inputs *sim_inputs_of(const sim_start *start, capi_str node)
{
    for (uint32_t i = 0; i < start->input_count; i++)
        if (capi_str_is(node, start->inputs[i].node)) return &start->inputs[i];
    return NULL;
}

static uint64_t expected_table(sim_world *world, capi_str run_uid, capi_str name);

static void expected_inputs(sim_world *world, const sim_start *start, const capi_node *node, uint64_t *reader,
                            uint64_t *lookup)
{
    const sim_inputs *inputs = sim_inputs_of(start, node->name);

    *reader = *lookup = 0;
    if (!node->reader || !inputs) return;
    *reader = expected_table(world, capi_str_of(inputs->reader_run_uid), node->reader->name);
    if (node->lookup)
        *lookup = expected_table(world, capi_str_of(inputs->lookup_run_uid), node->lookup->index->owner->name);
}

static uint64_t expected_table(sim_world *world, capi_str run_uid, capi_str name)
{
    const sim_start *start = run_uid.bytes ? sim_start_of(world, run_uid.data) : NULL;
    const capi_node *node = start ? capi_script_node(world->scripts[start->version], name) : NULL;
    uint64_t hash = 1;
    uint64_t reader;
    uint64_t lookup;

    if (!node) return hash;
    expected_inputs(world, start, node, &reader, &lookup);
    for (uint32_t i = 0; i < node->batches_total; i++) {
        uint64_t value = sim_batch_value(node, i, reader, lookup);

        hash = sim_table_add(hash, value, sim_batch_rows(node, value),
                             node->type == CAPI_NODE_DISTINCT ? sim_survives : NULL);
    }
    return hash;
}

uint64_t sim_expected(sim_world *world, const sim_start *start, const capi_node *node, uint32_t batch_idx)
{
    uint64_t reader;
    uint64_t lookup;

    expected_inputs(world, start, node, &reader, &lookup);
    return sim_batch_value(node, batch_idx, reader, lookup);
}
