/* sim_news.c - announcements: from step to step in a process, and from process to process by a ring. They say that there may be
 * something to do, not what. They are lost, late, repeated, overtake one another, and reach a process that has begun after
 * they were sent; in some worlds all are lost. Nothing may depend on them (I6), and none may do harm (I4). */
#include "sim/sim_inside.h"

enum { LATEST_MS = 3000, LATEST_WHEN_CALM_MS = 50, RING_PERMILLE = 150, COPIES_MAX = 3 };

static bool is_lost(sim_world *world)
{
    return sim_chance(world, world->lost_permille);
}

void sim_news(void *context)
{
    sim_process *process = context;
    sim_world *world = process->world;

    for (uint32_t i = 0; i < SIM_ACTORS; i++) {
        sim_actor *actor = &process->actors[i];
        int64_t soon_ns = world->now_ns + sim_dice(world, SIM_MS);

        if (is_lost(world)) continue;
        actor->has_news = true;
        if (soon_ns < actor->due_ns) actor->due_ns = soon_ns;
    }
}

static void ring_one(sim_world *world, uint32_t process)
{
    uint32_t latest_ms = world->is_calm ? LATEST_WHEN_CALM_MS : LATEST_MS;

    if (is_lost(world) || world->ring_count == SIM_RINGS_MAX) return;
    world->report.rings++;
    world->rings[world->ring_count++] =
        (sim_ring){process, world->now_ns + (int64_t)sim_dice(world, sim_chance(world, 700) ? 5 : latest_ms) * SIM_MS};
}

/* The product rings after some deeds, other programs may touch the file whenever they like: here it is after any. */
void sim_ring_all(sim_world *world)
{
    if (!sim_chance(world, RING_PERMILLE)) return;
    for (uint32_t i = 0; i < SIM_PROCESSES; i++)
        for (uint32_t copies = sim_dice(world, COPIES_MAX + 1); copies; copies--)
            ring_one(world, i);
}

void sim_rings_arrive(sim_world *world)
{
    for (uint32_t i = world->ring_count; i-- > 0;) {
        sim_ring ring = world->rings[i];
        sim_process *process = &world->processes[ring.process];

        if (ring.due_ns > world->now_ns) continue;
        world->rings[i] = world->rings[--world->ring_count];
        if (!process->is_alive || process->is_doomed) continue;
        sim_trace(world, "  %s hears a ring", process->uid);
        capi_agent_hear(process->agent);
    }
}
