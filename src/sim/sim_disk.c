/* sim_disk.c - the store behind the state: memory; or SQLite with a connection for each process, whose calls to its files fail now
 * and then. A call that failed may have taken effect: a connection that does nothing else sees whether something was committed. */
#include "sim/sim_inside.h"

#include "base/file.h"
#include "store/state_fault_vfs_test.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

/* Calls and writes of SQLite, about as many as one operation makes; commands of the operator are killed more often. */
enum { FAULT_SPREAD = 16, WRITE_SPREAD = 12, START_WRITE_SPREAD = 32, OPERATOR_KILLS = 30 };

struct sim_disk {
    char folder[200];
    sqlite3 *observer;
    sqlite3_stmt *version;
    int64_t version_before;
    bool is_armed;
    bool is_deadly; /* a process dies at one of its writes */
};

/* Another number after every commit of somebody else. */
static int64_t data_version(sim_disk *disk)
{
    int64_t version = -1;

    if (sqlite3_step(disk->version) == SQLITE_ROW) version = sqlite3_column_int64(disk->version, 0);
    sqlite3_reset(disk->version);
    return version;
}

static void observe(sim_disk *disk)
{
    char path[240];

    snprintf(path, sizeof path, "%s/state.db", disk->folder);
    if (sqlite3_open_v2(path, &disk->observer, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(disk->observer, "PRAGMA data_version", -1, &disk->version, NULL) != SQLITE_OK)
        abort();
}

capi_state *sim_disk_connect(sim_world *world)
{
    capi_state *store = NULL;
    capi_err err = {0};

    if (!world->disk) return world->memory;
    if (capi_state_open_sqlite(capi_str_of(world->disk->folder), &world->store_clock, &world->store_random, &store,
                               &err) != CAPI_OK) {
        fprintf(stderr, "sim: %s\n", err.text);
        abort();
    }
    return store;
}

void sim_disk_disconnect(sim_world *world, capi_state *store)
{
    if (world->disk) capi_state_close(store);
}

void sim_disk_init(sim_world *world)
{
    if (world->options.store == SIM_STORE_MEMORY) {
        if (capi_state_open_memory(&world->store_clock, &world->store_random, &world->memory, NULL) != CAPI_OK) abort();
    } else {
        world->disk = capi_zmalloc(sizeof *world->disk);
        snprintf(world->disk->folder, sizeof world->disk->folder, "%s/capi_sim_XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(world->disk->folder)) abort();
        fault_vfs_install();
        world->memory = sim_disk_connect(world);
        observe(world->disk);
    }
    world->store = world->memory;
}

void sim_disk_deinit(sim_world *world)
{
    sim_disk *disk = world->disk;

    capi_state_close(world->memory);
    if (!disk) return;
    sqlite3_finalize(disk->version);
    sqlite3_close(disk->observer);
    fault_vfs_remove();
    (void)!capi_folder_remove(disk->folder, NULL);
    free(disk);
}

void sim_disk_begin(sim_world *world, sim_process *process)
{
    sim_disk *disk = world->disk;
    uint32_t kill_permille = world->kill_permille * (process == &world->operator? OPERATOR_KILLS : 1);

    if (!disk) return;
    disk->is_deadly = !process->is_spared && sim_chance(world, kill_permille);
    if (!disk->is_deadly && !sim_chance(world, world->disk_permille)) return;
    disk->version_before = data_version(disk);
    disk->is_armed = true;
    if (disk->is_deadly)
        fault_vfs_cut(1 + sim_dice(world, process == &world->operator? START_WRITE_SPREAD : WRITE_SPREAD));
    else
        fault_vfs_fail(1 + sim_dice(world, FAULT_SPREAD));
}

/* From the write at which it was to die on, nothing has reached the files. */
static bool disk_killed(sim_world *world, sim_process *process)
{
    bool is_dead = fault_vfs_is_cut();
    uint64_t cut_at = fault_vfs_writes();

    fault_vfs_cut(0);
    if (!is_dead) return false;
    process->is_doomed = true;
    world->report.crashes++;
    world->report.disk_kills++;
    sim_trace(world, "  %s dies at write %llu to the disk", process->uid, (unsigned long long)cut_at);
    return true;
}

bool sim_disk_end(sim_world *world, sim_process *process, capi_status status)
{
    const char *failed;

    if (!world->disk || !world->disk->is_armed) return false;
    world->disk->is_armed = false;
    if (world->disk->is_deadly)
        return disk_killed(world, process) && status == CAPI_UNAVAILABLE &&
               data_version(world->disk) != world->disk->version_before;
    failed = fault_vfs_failed();
    fault_vfs_fail(0);
    if (!failed) return false;
    world->report.disk_faults++;
    sim_trace(world, "  %s: %s failed, so the call is %s", process->uid, failed, capi_status_name(status));
    return status == CAPI_UNAVAILABLE && data_version(world->disk) != world->disk->version_before;
}
