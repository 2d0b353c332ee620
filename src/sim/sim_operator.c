/* sim_operator.c - what people do: they start, stop and remove runs, drop the keyspace, edit the script, end processes, turn
 * clocks, and die in the middle of all that. */
#include "sim/sim_inside.h"

#include <stdlib.h>

enum { OPERATOR_TRIES = 6, STOP_AND_START_PERMILLE = 300 };

static capi_state *operator_state(sim_world *world)
{
    return &world->operator.state.base;
}

/* A command that gets no answer tries again, unless it was killed. */
static bool goes_on(const sim_world *world, capi_status status, int tries)
{
    return status == CAPI_UNAVAILABLE && tries < OPERATOR_TRIES && !world->operator.is_doomed;
}

/* The next command is another process. */
static void operator_revive(sim_world *world)
{
    if (!world->operator.is_doomed) return;
    sim_trace(world, "the operator's command is dead");
    sim_disk_disconnect(world, world->operator.store);
    sim_process_init(world, &world->operator);
}

static capi_status operator_open(sim_world *world, capi_arena *arena, bool create, capi_keyspace *out)
{
    capi_status st = CAPI_UNAVAILABLE;

    for (int i = 0; goes_on(world, st, i); i++)
        st = capi_keyspace_open(operator_state(world), CAPI_STR("ks"), create, arena, out, NULL);
    return st;
}

/* Some node by itself, or all that need nothing else. */
static capi_str choose_start(sim_world *world, const capi_script *script)
{
    if (world->start_count == 0 || sim_chance(world, 500)) return capi_script_default_start(script, &world->arena);
    return script->nodes[sim_dice(world, script->node_count)]->name;
}

static void make_spec(sim_world *world, sim_start *start, capi_arena *arena, capi_run_spec *spec,
                      capi_snapshot_file *snapshot)
{
    const capi_script *script = world->scripts[start->version];
    const capi_node **affected = NULL;
    uint32_t count = 0;
    uint32_t target_max = 0;
    capi_str *targets;

    if (capi_script_affected(script, start->start_nodes, arena, &affected, &count, NULL) != CAPI_OK) abort();
    start->nodes = capi_new_array(&world->arena, capi_run_node, count);
    start->node_count = count;
    for (uint32_t i = 0; i < count; i++) {
        start->nodes[i] = (capi_run_node){affected[i]->name, affected[i]->batches_total};
        target_max += affected[i]->batches_total;
    }
    targets = capi_new_array(arena, capi_str, target_max);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; affected[i]->file && k < affected[i]->batches_total; k++)
            targets[spec->target_count++] = capi_file_sink_url_of_any_run(affected[i]->file, k, arena);
    *snapshot = (capi_snapshot_file){CAPI_STR("script"), CAPI_STR("/script.json"), world->texts[start->version]};
    spec->nodes = start->nodes;
    spec->node_count = count;
    spec->files = snapshot;
    spec->file_count = 1;
    spec->targets = targets;
}

/* Tries a few times, or dies in the middle. */
static void start_run(sim_world *world)
{
    uint32_t number = world->start_count;
    sim_start *start = &world->starts[number];
    capi_arena arena = {0};
    capi_keyspace keyspace;
    capi_snapshot_file snapshot;
    capi_run run;
    capi_run_spec spec = {.operation_uid = capi_str_format(&arena, "start-%u", number),
                          .script_url = CAPI_STR("/script.json"),
                          .description = capi_str_format(&arena, "start %u", number)};
    capi_status st = CAPI_UNAVAILABLE;

    *start = (sim_start){.version = world->version};
    start->start_nodes = choose_start(world, world->scripts[world->version]);
    spec.start_nodes = start->start_nodes;
    make_spec(world, start, &arena, &spec, &snapshot);
    world->start_count++;
    sim_trace(world, "operator starts %.*s with version %u", CAPI_STR_ARG(start->start_nodes), start->version);
    if (operator_open(world, &arena, true, &keyspace) == CAPI_OK)
        for (int i = 0; goes_on(world, st, i); i++)
            st = capi_run_start(operator_state(world), &keyspace, &spec, &arena, &run, NULL);
    start->is_answered = st == CAPI_OK;
    world->report.start_kills += world->operator.is_doomed;
    capi_arena_deinit(&arena);
}

static void operator_start(sim_world *world)
{
    if (world->start_count < SIM_STARTS) start_run(world);
}

static bool is_there(const sim_start *start)
{
    return start->is_known && !start->is_dropped && !start->is_forgotten;
}

static void operator_stop(sim_world *world)
{
    const sim_start *start = &world->starts[sim_dice(world, world->start_count)];
    capi_arena arena = {0};
    capi_status st = CAPI_UNAVAILABLE;

    if (!is_there(start)) return;
    sim_trace(world, "operator stops run %u", start->run_id);
    world->stop_count++;
    for (int i = 0; goes_on(world, st, i); i++)
        st = capi_run_stop(operator_state(world), &(capi_keyspace){CAPI_STR("ks"), capi_str_of(start->keyspace_uid)},
                           start->run_id, capi_str_format(&arena, "stop %u", world->stop_count), NULL);
    capi_arena_deinit(&arena);
    if (!sim_chance(world, STOP_AND_START_PERMILLE)) return;
    operator_revive(world);
    operator_start(world);
}

/* All runs that are over, as gc does. */
static void operator_collect(sim_world *world)
{
    sim_trace(world, "operator removes old runs");
    for (uint32_t i = 0; i < world->start_count; i++) {
        const sim_start *start = &world->starts[i];
        capi_keyspace keyspace = {CAPI_STR("ks"), capi_str_of(start->keyspace_uid)};
        capi_arena arena = {0};
        capi_str uid;
        capi_status st = CAPI_UNAVAILABLE;

        for (int k = 0; is_there(start) && goes_on(world, st, k); k++)
            st = capi_run_forget(operator_state(world), &keyspace, start->run_id, &arena, &uid, NULL);
        capi_arena_deinit(&arena);
    }
}

static void operator_drop(sim_world *world)
{
    capi_arena arena = {0};
    capi_str uid;
    capi_status st = CAPI_UNAVAILABLE;

    sim_trace(world, "operator drops the keyspace");
    for (int i = 0; goes_on(world, st, i); i++)
        st = capi_keyspace_drop(operator_state(world), CAPI_STR("ks"), &arena, &uid, NULL);
    capi_arena_deinit(&arena);
    operator_revive(world);
    operator_start(world);
}

static void end_some_process(sim_world *world)
{
    sim_process *process = &world->processes[sim_dice(world, SIM_PROCESSES)];

    if (!process->is_alive || process->is_doomed || process->is_ending) return;
    sim_trace(world, "process %s is told to end", process->uid);
    process->is_ending = true;
    capi_agent_stop(process->agent);
}

static void turn_clocks(sim_world *world)
{
    world->store_skew_ns = (int64_t)sim_dice(world, 3600000) * SIM_MS;
    for (uint32_t i = 0; i < SIM_PROCESSES; i++)
        world->processes[i].wall_skew_ns += (int64_t)sim_dice(world, 60000) * SIM_MS;
}

void sim_operator_act(sim_world *world)
{
    uint32_t roll = sim_dice(world, 100);

    operator_revive(world);
    world->operator_ns = world->now_ns + (int64_t)(300 + sim_dice(world, 2500)) * SIM_MS;
    if (world->start_count == 0 || roll < 25)
        operator_start(world);
    else if (roll < 36)
        operator_stop(world);
    else if (roll < 41)
        operator_drop(world);
    else if (roll < 47)
        operator_collect(world);
    else if (roll < 60)
        world->version = sim_dice(world, SIM_VERSIONS);
    else if (roll < 80)
        end_some_process(world);
    else if (roll < 90)
        turn_clocks(world);
    else if (world->fault_permille)
        world->outage_until_ns = world->now_ns + (int64_t)sim_dice(world, 3000) * SIM_MS;
    sim_ring_all(world);
    sim_fingerprint(world, roll);
}
