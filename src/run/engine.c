/* engine.c - opens and closes what a process needs to work: state, tables, threads, memory budget. */
#include "run/engine.h"
#include "run/wake.h"

#include "base/file.h"
#include "net/net.h"
#include "store/state_timed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { ENGINE_BATCHES_DEFAULT = 5, ENGINE_BATCHES_MAX = 100 };

static capi_str engine_path(capi_engine *engine, const char *name)
{
    return capi_str_format(&engine->arena, "%.*s/%s", CAPI_STR_ARG(engine->folder), name);
}

/* Each thread and each open batch needs room of its own: with a small budget fewer of them work at once, and the rows are the
 * same. */
enum { ENGINE_THREAD_BYTES = 24 << 20, ENGINE_BATCH_BYTES = 12 << 20 };

static uint32_t bounded(uint32_t wanted, uint64_t budget_bytes, uint64_t each_bytes)
{
    uint64_t most = budget_bytes / each_bytes;

    if (most < 1) most = 1;
    return wanted > most ? (uint32_t)most : wanted;
}

/* An empty state is what a disk that was full at the first opening leaves, and a missing one is a new folder. But where there
 * are tables there was a state: to go on without it would forget all runs, and "gc" would then take their tables. */
static capi_status engine_check_not_emptied(capi_engine *engine, capi_err *err)
{
    struct stat info;
    DIR *tables = opendir(engine_path(engine, "tables").data);
    uint32_t count = 0;
    bool is_missing = stat(engine_path(engine, "state.db").data, &info) != 0;

    for (struct dirent *entry; tables && (entry = readdir(tables));)
        count += entry->d_name[0] != '.';
    if (tables) closedir(tables);
    if (count == 0 || (!is_missing && info.st_size > 0)) return CAPI_OK;
    return capi_err_set(
        err, CAPI_INVALID,
        "state file \"%s\" is %s, but \"%s\" holds tables: put it back from a copy, or remove the tables "
        "to begin anew without their runs",
        engine_path(engine, "state.db").data, is_missing ? "missing" : "empty", engine_path(engine, "tables").data);
}

/* Without its last part, and without slashes at the end; "." above a relative name. */
static capi_str folder_above(capi_str path)
{
    size_t end = path.bytes;

    while (end > 0 && path.data[end - 1] != '/')
        end--;
    while (end > 1 && path.data[end - 1] == '/')
        end--;
    return end ? capi_str_slice(path, 0, end) : CAPI_STR(".");
}

/* The folder itself, or the nearest one above it that is there. */
static capi_str nearest_existing(capi_str folder, capi_arena *arena, struct stat *info)
{
    capi_str path = folder;

    while (path.bytes > 1 && path.data[path.bytes - 1] == '/')
        path.bytes--;
    while (stat(capi_str_copy(arena, path).data, info) != 0 && !capi_str_is(path, ".") && !capi_str_is(path, "/"))
        path = folder_above(path);
    return capi_str_copy(arena, path);
}

capi_status capi_engine_check_folder(capi_str folder, capi_err *err)
{
    capi_arena arena = {0};
    struct stat info = {.st_mode = S_IFDIR};
    capi_str there = nearest_existing(folder, &arena, &info);
    capi_status st = CAPI_OK;

    if (!S_ISDIR(info.st_mode))
        st = capi_err_set(err, CAPI_INVALID, "\"%.*s\" is a file, expected a folder", CAPI_STR_ARG(there));
    else if (access(there.data, W_OK | X_OK) != 0)
        st = capi_err_set_errno(err, errno, "cannot %s \"%.*s\"",
                                capi_str_equal(there, folder) ? "work in the data folder" : "make a folder in",
                                CAPI_STR_ARG(there));
    if (st == CAPI_OK) st = capi_folder_check_local(capi_str_copy(&arena, folder).data, err);
    capi_arena_deinit(&arena);
    return st;
}

static capi_status engine_open_folder(capi_engine *engine, bool must_exist, capi_err *err)
{
    const char *folder = engine->folder.data;

    CAPI_TRY(capi_engine_check_folder(engine->folder, err));
    CAPI_TRY(engine_check_not_emptied(engine, err));
    if (must_exist && !capi_engine_has_state(engine->folder))
        return capi_err_set(err, CAPI_NOT_FOUND,
                            "there is no store in \"%s\": \"%s\" is missing; the first run makes it", folder,
                            engine_path(engine, "state.db").data);
    CAPI_TRY(capi_folder_make(folder, err));
    if (access(folder, R_OK | W_OK | X_OK) != 0)
        return capi_err_set_errno(err, errno, "cannot work in the data folder \"%s\"", folder);
    return CAPI_OK;
}

/* Blocks are read again cheaply from the system's own cache; a large one of ours costs more in fresh pages than it saves
 * (writing a table of 10 M rows took 1.9 s with 128 MiB, 3.5 s with 3 GiB). */
enum { ENGINE_CACHE_BYTES = 128 << 20 };

static uint64_t cache_bytes(uint64_t budget_bytes)
{
    return budget_bytes / 4 < ENGINE_CACHE_BYTES ? budget_bytes / 4 : ENGINE_CACHE_BYTES;
}

static capi_status engine_open_stores(capi_engine *engine, const capi_engine_options *options, capi_err *err)
{
    capi_tables_options tables = {
        .folder = engine_path(engine, "tables"),
        .budget = &engine->budget,
        .cache_bytes = cache_bytes(engine->budget.limit_bytes),
        .compress = options->compress,
    };

    CAPI_TRY(capi_state_open_sqlite(engine->folder, &capi_clock_system, &capi_random_system, &engine->state, err));
    if (options->times) engine->state = capi_state_timed_new(engine->state, options->times);
    CAPI_TRY(capi_tables_open_embedded(&tables, &engine->tables, err));
    return CAPI_OK;
}

static capi_status engine_open_net(capi_engine *engine, const capi_engine_options *options, capi_err *err)
{
    capi_net_settings settings = options->net ? *options->net : (capi_net_settings){0};

    settings.temporary_path = engine->temp.path;
    return capi_net_new(&settings, &engine->exec.net, err);
}

static bool write_private(const char *path, capi_str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_well = fd >= 0 && write(fd, text.data, text.bytes) == (ssize_t)text.bytes;

    if (fd >= 0) close(fd);
    return is_well;
}

/* The file may be edited while this process works by what it said at the beginning, so children get a copy of that. */
static void prepare_alone(capi_engine *engine, const capi_engine_options *options)
{
    capi_str config_path = {0};

    if (!options->can_work_alone || access("/proc/self/exe", X_OK) != 0) return;
    if (options->alone_config.bytes) {
        config_path = capi_str_format(&engine->arena, "%s/config.json", engine->temp.path);
        if (!write_private(config_path.data, options->alone_config)) return;
    }
    engine->can_work_alone = true;
    engine->alone = (capi_alone){.data_folder = engine->folder,
                                 .config_path = config_path,
                                 .thread_count = options->thread_count,
                                 .patience_ms = options->patience_ms,
                                 .lease_ns = engine->lease_ns ? engine->lease_ns : CAPI_LEASE_NS};
}

capi_status capi_engine_open(const capi_engine_options *options, capi_engine **out, capi_err *err)
{
    capi_engine *engine = capi_zmalloc(sizeof *engine);
    capi_status st;

    engine->folder = capi_str_copy(&engine->arena, options->data_folder);
    engine->budget.limit_bytes = options->memory_bytes ? options->memory_bytes : capi_budget_default_limit_bytes();
    engine->batch_count_max = options->batch_count_max ? options->batch_count_max : ENGINE_BATCHES_DEFAULT;
    if (engine->batch_count_max > ENGINE_BATCHES_MAX) engine->batch_count_max = ENGINE_BATCHES_DEFAULT;
    engine->batch_count_max = bounded(engine->batch_count_max, engine->budget.limit_bytes, ENGINE_BATCH_BYTES);
    engine->lease_ns = (int64_t)options->lease_ms * 1000000;
    engine->patience_ns = (int64_t)options->patience_ms * 1000000;
    capi_random_uid(&capi_random_system, engine->process_uid);

    CAPI_TRY_OUT(engine_open_folder(engine, options->must_exist, err));
    CAPI_TRY_OUT(engine_open_stores(engine, options, err));
    engine->pool = capi_thread_pool_new(bounded(options->thread_count ? options->thread_count : capi_core_count(),
                                                engine->budget.limit_bytes, ENGINE_THREAD_BYTES));
    capi_temp_folder_make(engine->folder.data, engine->process_uid, &engine->temp);
    capi_exec_init(&engine->exec, engine->pool, engine->tables, &engine->budget, capi_str_of(engine->temp.path));
    engine->exec_is_open = true;
    prepare_alone(engine, options);
    CAPI_TRY_OUT(engine_open_net(engine, options, err));
out:
    if (st != CAPI_OK) {
        capi_err_note(err, "while opening the data folder \"%.*s\"", CAPI_STR_ARG(engine->folder));
        capi_engine_close(engine);
        engine = NULL;
    }
    *out = engine;
    return st;
}

void capi_engine_ring(capi_engine *engine)
{
    capi_wake *wake = capi_wake_open(engine->folder.data);

    capi_wake_ring(wake);
    capi_wake_close(wake);
}

bool capi_engine_has_state(capi_str data_folder)
{
    capi_arena arena = {0};
    bool is_there = access(capi_str_format(&arena, "%.*s/state.db", CAPI_STR_ARG(data_folder)).data, F_OK) == 0;

    capi_arena_deinit(&arena);
    return is_there;
}

/* Less than what the smallest write needs. */
enum { ENGINE_ROOM_BYTES = 64 << 10 };

capi_status capi_engine_check_writable(capi_engine *engine, uint32_t patience_ms, capi_err *err)
{
    struct statvfs disk;

    CAPI_TRY(capi_state_check(engine->state, err));
    CAPI_TRY(capi_state_check_writable(engine->state, patience_ms, err));
    if (statvfs(engine->folder.data, &disk) != 0 || disk.f_blocks == 0) return CAPI_OK;
    if ((uint64_t)disk.f_bavail * disk.f_frsize >= ENGINE_ROOM_BYTES && (disk.f_favail > 0 || disk.f_files == 0))
        return CAPI_OK;
    return capi_err_set(err, CAPI_UNAVAILABLE, "the disk of the data folder \"%s\" is full: %s", engine->folder.data,
                        strerror(ENOSPC));
}

void capi_engine_close(capi_engine *engine)
{
    if (!engine) return;
    if (engine->exec_is_open) {
        capi_net_free(engine->exec.net);
        capi_exec_deinit(&engine->exec);
    }
    capi_temp_folder_remove(&engine->temp);
    if (engine->pool) capi_thread_pool_free(engine->pool);
    if (engine->state) {
        if (engine->has_worked) (void)!capi_process_leave(engine->state, capi_str_of(engine->process_uid), NULL);
        capi_state_close(engine->state);
    }
    if (engine->tables) capi_tables_close(engine->tables);
    capi_arena_deinit(&engine->arena);
    free(engine);
}

capi_state *capi_engine_state(capi_engine *engine)
{
    return engine->state;
}

capi_exec *capi_engine_exec(capi_engine *engine)
{
    return &engine->exec;
}

capi_str capi_engine_process_uid(const capi_engine *engine)
{
    return capi_str_of(engine->process_uid);
}
