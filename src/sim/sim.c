/* sim.c - one world: who acts next, what goes wrong, what the operator does, when it ends. Everything comes from one generator
 * of random numbers, so a seed repeats it all. */
#include "sim/sim_inside.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

enum {
    CHAOS_MS = 15000,
    PATIENCE_MS = 300000, /* how long the calm may take until all has ended */
    STACK_MAX = 3,
    CHECK_STEPS = 60,
    DRIFT_PPM_MAX = 40000,
    OPERATOR_CRASHES = 10, /* commands are short, so they die more often */
};

/* ---- small things ---- */

uint32_t sim_dice(sim_world *world, uint32_t sides)
{
    return (uint32_t)(world->random.next(world->random.context) % sides);
}

bool sim_chance(sim_world *world, uint32_t of_1000)
{
    return sim_dice(world, 1000) < of_1000;
}

bool sim_is(const sim_world *world, sim_mutant mutant)
{
    return world->options.mutant == mutant;
}

void sim_trace(sim_world *world, const char *format, ...)
{
    va_list args;

    if (!world->options.trace) return;
    fprintf(world->options.trace, "%10.3f ", (double)world->now_ns / (double)SIM_MS);
    va_start(args, format);
    vfprintf(world->options.trace, format, args);
    va_end(args);
    fputc('\n', world->options.trace);
}

void sim_violation(sim_world *world, const char *format, ...)
{
    va_list args;

    if (world->report.has_failed) return;
    world->report.has_failed = true;
    va_start(args, format);
    vsnprintf(world->report.words, sizeof world->report.words, format, args);
    va_end(args);
    sim_trace(world, "VIOLATION %s", world->report.words);
}

void sim_fingerprint(sim_world *world, uint64_t value)
{
    world->report.fingerprint = capi_hash_combine(world->report.fingerprint, value);
}

/* ---- clocks: no two agree, and none runs at the right speed ---- */

static int64_t process_monotonic(void *context)
{
    const sim_process *process = context;
    const sim_world *world = process->world;

    if (sim_is(world, SIM_WALL_CLOCK)) return world->now_ns + process->wall_skew_ns;
    return process->clock_offset_ns + world->now_ns + world->now_ns / 1000000 * process->drift_ppm;
}

static int64_t process_wall(void *context)
{
    const sim_process *process = context;

    return INT64_C(1700000000000000000) + process->world->now_ns + process->wall_skew_ns;
}

static int64_t store_wall(void *context)
{
    const sim_world *world = context;

    return INT64_C(1700000000000000000) + world->now_ns + world->store_skew_ns;
}

static void clocks_set(sim_world *world, sim_process *process)
{
    process->wall_skew_ns = (int64_t)sim_dice(world, 7200000) * SIM_MS;
    process->clock_offset_ns = (int64_t)sim_dice(world, 1000000) * SIM_MS;
    process->drift_ppm = (int32_t)sim_dice(world, 2 * DRIFT_PPM_MAX) - DRIFT_PPM_MAX;
    process->clock = (capi_clock){process_wall, process_monotonic, process};
}

/* ---- processes ---- */

static capi_status load_script(void *context, const capi_run *run, capi_script **out, capi_err *err);

/* What all processes have, the operator included. */
void sim_process_init(sim_world *world, sim_process *process)
{
    *process = (sim_process){.world = world};
    capi_random_uid(&world->random, process->uid);
    process->random = capi_random_from_seed(&process->seed, world->random.next(world->random.context));
    clocks_set(world, process);
    process->store = sim_disk_connect(world);
    sim_state_init(&process->state, process);
}

static void process_begin(sim_world *world, sim_process *process)
{
    sim_process_init(world, process);
    process->is_alive = true;
    process->slot_count = 1 + sim_dice(world, SIM_SLOTS);
    sim_worker_init(&process->worker, process);
    process->agent = capi_agent_new(&(capi_agent_options){
        .state = &process->state.base,
        .clock = &process->clock,
        .random = &process->random,
        .worker = &process->worker.base,
        .process_uid = capi_str_of(process->uid),
        .slot_count = process->slot_count,
        .lease_ns = SIM_LEASE_NS,
        .patience_ns = sim_is(world, SIM_NO_PATIENCE) ? 1 : 0,
        .load = load_script,
        .load_context = process,
        .on_news = sim_news,
        .news_context = process,
    });
    for (uint32_t i = 0; i < SIM_ACTORS; i++)
        process->actors[i] =
            (sim_actor){.process = process, .kind = i, .due_ns = world->now_ns + sim_dice(world, 10 * SIM_MS)};
    sim_trace(world, "process %s begins with %u slots", process->uid, process->slot_count);
}

/* Memory is gone; the store and the files stay as they are. */
static void process_vanish(sim_world *world, sim_process *process)
{
    process->is_doomed = true;
    capi_agent_free(process->agent);
    sim_worker_deinit(&process->worker);
    sim_disk_disconnect(world, process->store);
    process->agent = NULL;
    process->store = NULL;
    process->is_alive = false;
    process->restart_ns = world->now_ns + (int64_t)sim_dice(world, world->is_calm ? 100 : 3000) * SIM_MS;
}

bool sim_is_dead(sim_process *process)
{
    process->is_doomed = process->is_doomed || (process->parent && process->parent->is_doomed);
    return process->is_doomed;
}

bool sim_may_die(sim_process *process)
{
    sim_world *world = process->world;

    if (sim_is_dead(process) || world->is_calm || process->is_spared) return process->is_doomed;
    process->is_doomed = sim_dice(world, 10000) < world->crash_per_10000 * (process->agent ? 1 : OPERATOR_CRASHES);
    if (process->is_doomed) {
        world->report.crashes++;
        sim_trace(world, "process %s dies", process->uid);
    }
    return process->is_doomed;
}

/* A process that was told to end, and has nothing left to do, must hold nothing (I17). */
static void process_end(sim_world *world, sim_process *process)
{
    sim_trace(world, "process %s ends", process->uid);
    if (sim_holds_claims(world, process->uid)) sim_violation(world, "I17: a process ended and left a claim behind");
    (void)!capi_process_leave(&process->state.base, capi_str_of(process->uid), NULL);
    process_vanish(world, process);
}

static capi_status load_script(void *context, const capi_run *run, capi_script **out, capi_err *err)
{
    sim_process *process = context;
    sim_world *world = process->world;
    capi_str text = world->texts[world->version];
    capi_run now = *run;

    if (!sim_is(world, SIM_SCRIPT_OF_NOW)) return capi_run_script(&process->state.base, &now, out, err);
    return sim_script_load(world, &text, out);
}

/* ---- steps ---- */

static bool can_step(const sim_world *world, const sim_actor *actor)
{
    const sim_process *process = actor->process;

    return process->is_alive && !process->is_doomed && !actor->is_running &&
           process->asleep_until_ns <= world->now_ns && actor->kind < 2 + process->slot_count;
}

static int64_t when_again(sim_world *world, const sim_actor *actor, const capi_step *step)
{
    const sim_process *process = actor->process;
    int64_t wait_ns = step->again_ns ? step->again_ns - process_monotonic((void *)process) : 0;
    const sim_work *work = actor->kind >= 2 ? &process->worker.works[actor->kind - 2] : NULL;

    if (wait_ns < 0) wait_ns = 0;
    if (wait_ns > 2 * SIM_LEASE_NS) wait_ns = 2 * SIM_LEASE_NS;
    if (sim_is(world, SIM_NO_POLLING) && actor->kind != 1 && !step->did) return INT64_MAX;
    if (work && work->is_begun && !work->is_done && work->done_ns > world->now_ns + wait_ns)
        wait_ns = work->done_ns - world->now_ns;
    if (!world->is_calm && sim_chance(world, world->late_permille)) wait_ns += (int64_t)sim_dice(world, 1000) * SIM_MS;
    return world->now_ns + wait_ns + 20000 + sim_dice(world, SIM_MS);
}

static void actor_step(sim_world *world, sim_actor *actor)
{
    sim_process *process = actor->process;
    capi_step step = {0};
    capi_err err = {0};
    capi_status st;

    actor->is_running = true;
    actor->has_news = false;
    process->depth++;
    world->depth++;
    world->report.steps++;
    if (actor->kind == 0)
        st = capi_agent_dispatch_step(process->agent, &step, &err);
    else if (actor->kind == 1)
        st = capi_agent_beat_step(process->agent, &step, &err);
    else
        st = capi_agent_slot_step(process->agent, actor->kind - 2, &step, &err);
    if (step.did || st != CAPI_OK)
        sim_trace(world, "%s.%u %s %s", process->uid, actor->kind, step.did ? step.did : "-", capi_status_name(st));
    sim_fingerprint(world, (uint64_t)world->now_ns ^ actor->kind << 8 ^ st);
    world->depth--;
    process->depth--;
    actor->is_running = false;
    actor->due_ns = when_again(world, actor, &step);
    if (step.did) sim_ring_all(world);
    if (actor->has_news) actor->due_ns = world->now_ns + sim_dice(world, SIM_MS);
    if (process->depth > 0) return;
    if (process->is_doomed)
        process_vanish(world, process);
    else if (process->is_ending && capi_agent_is_idle(process->agent))
        process_end(world, process);
    else if (!world->is_calm && sim_dice(world, 10000) < world->sleep_per_10000) {
        process->asleep_until_ns = world->now_ns + (int64_t)sim_dice(world, 4000) * SIM_MS;
        world->report.sleeps++;
        sim_trace(world, "process %s sleeps until %.3f", process->uid,
                  (double)process->asleep_until_ns / (double)SIM_MS);
    }
}

void sim_interleave(sim_world *world)
{
    if (!world->is_calm) sim_rings_arrive(world);
    while (!world->is_calm && world->depth < STACK_MAX && sim_chance(world, world->interleave_permille)) {
        sim_process *process = &world->processes[sim_dice(world, SIM_PROCESSES)];
        sim_actor *actor = &process->actors[sim_dice(world, SIM_ACTORS)];

        if (process->is_alive && can_step(world, actor)) actor_step(world, actor);
    }
}

void sim_wake(sim_world *world, capi_str process_uid)
{
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        sim_process *process = &world->processes[i];

        if (!process->is_alive || !capi_str_is(process_uid, process->uid) || world->is_calm ||
            world->depth >= STACK_MAX)
            continue;
        if (process->asleep_until_ns <= world->now_ns || !sim_chance(world, 300)) continue;
        sim_trace(world, "process %s wakes in the last moment", process->uid);
        process->asleep_until_ns = world->now_ns;
        if (can_step(world, &process->actors[1])) actor_step(world, &process->actors[1]);
    }
}

/* ---- the world ---- */

static uint32_t one_of(sim_world *world, const uint32_t *values, uint32_t count)
{
    return values[sim_dice(world, count)];
}

static void choose_weather(sim_world *world)
{
    static const uint32_t faults[] = {0, 4, 20, 80};
    static const uint32_t crashes[] = {0, 10, 30, 80};
    static const uint32_t sleeps[] = {0, 20, 60, 120};
    static const uint32_t lates[] = {0, 20, 60};
    static const uint32_t interleaves[] = {0, 100, 300};
    static const uint32_t unavailables[] = {0, 0, 50, 200};
    static const uint32_t late_renames[] = {0, 0, 30, 200};
    static const uint32_t disks[] = {0, 10, 50, 200};
    static const uint32_t kills[] = {0, 2, 10};
    static const uint32_t losses[] = {0, 50, 200, 500, 1000};

    world->fault_permille = one_of(world, faults, 4);
    world->crash_per_10000 = one_of(world, crashes, 4);
    world->sleep_per_10000 = one_of(world, sleeps, 4);
    world->late_permille = one_of(world, lates, 3);
    world->interleave_permille = one_of(world, interleaves, 3);
    world->unavailable_permille = one_of(world, unavailables, 4);
    world->late_rename_permille = one_of(world, late_renames, 4);
    if (sim_is(world, SIM_NO_CLEARING)) world->late_rename_permille = 500;
    world->lost_permille = one_of(world, losses, 5);
    if (!world->disk) return;
    world->disk_permille = one_of(world, disks, 4);
    world->kill_permille = one_of(world, kills, 3);
}

static void make_calm(sim_world *world)
{
    sim_trace(world, "calm");
    world->is_calm = true;
    world->fault_permille = world->disk_permille = world->kill_permille = world->unavailable_permille = 0;
    world->outage_until_ns = 0;
    world->end_ns = world->now_ns + PATIENCE_MS * SIM_MS;
}

static void world_init(sim_world *world, const sim_options *options)
{
    world->options = *options;
    world->random = capi_random_from_seed(&world->seed, options->seed * 0x9e3779b97f4a7c15u + 1);
    world->store_random = capi_random_from_seed(&world->store_seed, options->seed + 77);
    world->store_clock = (capi_clock){store_wall, store_wall, world};
    sim_disk_init(world);
    sim_scripts_make(world);
    choose_weather(world);
    world->calm_ns = (int64_t)(2000 + sim_dice(world, CHAOS_MS)) * SIM_MS;
    sim_process_init(world, &world->operator);
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        if (i == 0 || sim_chance(world, 600))
            process_begin(world, &world->processes[i]);
        else
            world->processes[i].restart_ns = INT64_MAX; /* never there */
    }
}

static void world_deinit(sim_world *world)
{
    world->is_calm = true;
    for (uint32_t i = 0; i < SIM_PROCESSES; i++)
        if (world->processes[i].is_alive) process_vanish(world, &world->processes[i]);
    for (uint32_t i = 0; i < SIM_VERSIONS; i++)
        capi_script_free(world->scripts[i]);
    sim_disk_disconnect(world, world->operator.store);
    sim_disk_deinit(world);
    free(world->entries);
    free(world->beats);
    free(world->blobs);
    free(world->files);
    capi_arena_deinit(&world->arena);
}

static int64_t actor_due(const sim_actor *actor)
{
    const sim_process *process = actor->process;

    return actor->due_ns > process->asleep_until_ns ? actor->due_ns : process->asleep_until_ns;
}

static sim_actor *next_actor(sim_world *world)
{
    sim_actor *next = NULL;

    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        sim_process *process = &world->processes[i];

        for (uint32_t k = 0; process->is_alive && k < 2 + process->slot_count; k++)
            if (!next || actor_due(&process->actors[k]) < actor_due(next)) next = &process->actors[k];
    }
    return next;
}

static sim_process *next_restart(sim_world *world)
{
    sim_process *next = NULL;

    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        sim_process *process = &world->processes[i];

        if (!process->is_alive && (!next || process->restart_ns < next->restart_ns)) next = process;
    }
    return next;
}

/* The next thing that happens. False: nothing ever will. */
static bool world_step(sim_world *world)
{
    sim_actor *actor = next_actor(world);
    sim_process *restart = next_restart(world);
    int64_t actor_ns = actor ? actor_due(actor) : INT64_MAX;
    int64_t restart_ns = restart ? restart->restart_ns : INT64_MAX;
    int64_t operator_ns = world->is_calm ? INT64_MAX : world->operator_ns;
    int64_t at_ns = actor_ns < restart_ns ? actor_ns : restart_ns;

    if (operator_ns < at_ns) at_ns = operator_ns;
    if (at_ns == INT64_MAX) return false;
    if (at_ns > world->now_ns) world->now_ns = at_ns;
    sim_mutant_tick(world);
    sim_late_renames(world);
    sim_rings_arrive(world);
    if (!world->is_calm && world->now_ns >= world->calm_ns) make_calm(world);
    if (at_ns == operator_ns)
        sim_operator_act(world);
    else if (at_ns == restart_ns)
        process_begin(world, restart);
    else
        actor_step(world, actor);
    return true;
}

void sim_run(const sim_options *options, sim_report *out)
{
    sim_world *world = capi_zmalloc(sizeof *world);

    world_init(world, options);
    for (uint64_t i = 1; !world->report.has_failed; i++) {
        bool is_over = !world_step(world) || (world->is_calm && world->now_ns > world->end_ns);

        if (sim_chance(world, 10)) sim_audit(world);
        if (!is_over && !(world->is_calm && i % CHECK_STEPS == 0 && sim_is_settled(world))) continue;
        sim_audit(world);
        sim_check_settled(world);
        sim_check_results(world);
        break;
    }
    world->report.virtual_ns = world->now_ns;
    *out = world->report;
    world_deinit(world);
    free(world);
}
