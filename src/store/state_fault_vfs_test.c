/* state_fault_vfs_test.c - see state_fault_vfs_test.h; the tests with it are in state_fault_test.c. */
#include "store/state_fault_vfs_test.h"

#include "base/buf.h"
#include "base/random.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES_MAX = 8 };

typedef struct pending_write {
    uint64_t at;
    capi_buf bytes; /* empty: the file was cut to `at` */
    bool is_truncation;
    struct pending_write *next;
} pending_write;

typedef struct disk_file { /* what a power cut leaves of a file */
    char name[512];
    capi_buf image; /* synced */
    pending_write *first, **last;
} disk_file;

typedef struct fault_file {
    sqlite3_file base;
    disk_file *disk; /* NULL: shared memory, journals that are not kept */
    sqlite3_file *real;
} fault_file;

static sqlite3_vfs vfs;
static sqlite3_vfs *real_vfs;
static disk_file files[FILES_MAX];
static _Atomic uint64_t calls, fail_at, writes,
    cut_at; /* threads of other tests come by: fdatasync is ours in all of them */
static const char *_Atomic failed;

/* ---- faults ---- */

static bool fails(const char *call)
{
    if (cut_at && writes >= cut_at) return true;
    if (++calls != fail_at) return false;
    failed = call;
    return true;
}

static bool is_cut(void)
{
    return cut_at && ++writes >= cut_at;
}

/* ---- images ---- */

static disk_file *disk_of(const char *name)
{
    for (int i = 0; i < FILES_MAX; i++) {
        if (!files[i].name[0]) {
            snprintf(files[i].name, sizeof files[i].name, "%s", name);
            files[i].last = &files[i].first;
        }
        if (strcmp(files[i].name, name) == 0) return &files[i];
    }
    abort();
}

static void put_at(capi_buf *to, uint64_t at, const char *data, size_t bytes)
{
    while (to->bytes < at + bytes)
        capi_buf_append_byte(to, 0);
    if (bytes) memcpy(to->data + at, data, bytes);
}

static void apply(capi_buf *to, const pending_write *write, size_t bytes)
{
    if (write->is_truncation) {
        if (to->bytes > write->at) to->bytes = write->at;
    } else {
        put_at(to, write->at, write->bytes.data, bytes);
    }
}

static void remember(disk_file *disk, uint64_t at, const void *data, size_t bytes, bool is_truncation)
{
    pending_write *write;

    if (!disk) return;
    write = capi_zmalloc(sizeof *write);
    write->at = at;
    write->is_truncation = is_truncation;
    capi_buf_append(&write->bytes, data, bytes);
    *disk->last = write;
    disk->last = &write->next;
}

static void forget_pending(disk_file *disk, bool is_synced)
{
    for (pending_write *write = disk->first, *next; write; write = next) {
        next = write->next;
        if (is_synced) apply(&disk->image, write, write->bytes.bytes);
        capi_buf_deinit(&write->bytes);
        free(write);
    }
    disk->first = NULL;
    disk->last = &disk->first;
}

/* ---- a file ---- */

static int file_close(sqlite3_file *base)
{
    fault_file *file = (fault_file *)base;
    int code = file->real->pMethods ? file->real->pMethods->xClose(file->real) : SQLITE_OK;

    free(file->real);
    return code;
}

static int file_read(sqlite3_file *base, void *to, int bytes, sqlite3_int64 at)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return fails("xRead") ? SQLITE_IOERR_READ : real->pMethods->xRead(real, to, bytes, at);
}

static int file_write(sqlite3_file *base, const void *data, int bytes, sqlite3_int64 at)
{
    fault_file *file = (fault_file *)base;
    int code;

    if (fails("xWrite")) return calls % 2 ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    if (file->disk && is_cut()) {
        remember(file->disk, (uint64_t)at, data, (size_t)bytes, false); /* it may have got so far */
        return SQLITE_IOERR_WRITE;
    }
    code = file->real->pMethods->xWrite(file->real, data, bytes, at);
    if (code == SQLITE_OK) remember(file->disk, (uint64_t)at, data, (size_t)bytes, false);
    return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    fault_file *file = (fault_file *)base;
    int code;

    if (fails("xTruncate")) return SQLITE_IOERR_TRUNCATE;
    code = file->real->pMethods->xTruncate(file->real, size);
    if (code == SQLITE_OK) remember(file->disk, (uint64_t)size, "", 0, true);
    return code;
}

static int file_sync(sqlite3_file *base, int flags)
{
    fault_file *file = (fault_file *)base;
    int code;

    if (fails("xSync")) return SQLITE_IOERR_FSYNC;
    code = file->real->pMethods->xSync(file->real, flags);
    if (code == SQLITE_OK && file->disk) forget_pending(file->disk, true);
    return code;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return fails("xFileSize") ? SQLITE_IOERR_FSTAT : real->pMethods->xFileSize(real, size);
}

static int file_lock(sqlite3_file *base, int level)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return fails("xLock") ? SQLITE_IOERR_LOCK : real->pMethods->xLock(real, level);
}

static int file_unlock(sqlite3_file *base, int level)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return real->pMethods->xUnlock(real, level);
}

static int file_is_reserved(sqlite3_file *base, int *out)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return real->pMethods->xCheckReservedLock(real, out);
}

static int file_control(sqlite3_file *base, int operation, void *argument)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return real->pMethods->xFileControl(real, operation, argument);
}

static int file_sector(sqlite3_file *base)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return real->pMethods->xSectorSize(real);
}

static int file_device(sqlite3_file *base)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return real->pMethods->xDeviceCharacteristics(real);
}

static int file_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **out)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return fails("xShmMap") ? SQLITE_IOERR_SHMMAP : real->pMethods->xShmMap(real, page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    if (flags & SQLITE_SHM_LOCK && fails("xShmLock")) return SQLITE_BUSY;
    return real->pMethods->xShmLock(real, offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *base)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    real->pMethods->xShmBarrier(real);
}

static int file_shm_unmap(sqlite3_file *base, int is_deleted)
{
    sqlite3_file *real = ((fault_file *)base)->real;

    return real->pMethods->xShmUnmap(real, is_deleted);
}

/* Version 2: without memory maps of the database, every read comes by. */
static const sqlite3_io_methods methods = {
    2,           file_close,   file_read,     file_write,       file_truncate, file_sync,
    file_size,   file_lock,    file_unlock,   file_is_reserved, file_control,  file_sector,
    file_device, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap};

static int vfs_open(sqlite3_vfs *unused, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
    fault_file *file = (fault_file *)base;
    int code;

    (void)unused;
    *file = (fault_file){0};
    if (fails("xOpen")) return SQLITE_CANTOPEN;
    file->real = capi_zmalloc((size_t)real_vfs->szOsFile);
    code = real_vfs->xOpen(real_vfs, name, file->real, flags, out_flags);
    if (code != SQLITE_OK) {
        free(file->real);
        return code;
    }
    if (name && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) file->disk = disk_of(name);
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

/* The product syncs the log beside SQLite: this stands before the C library's. */
int fdatasync(int fd)
{
    char link[64], path[1024];
    ssize_t bytes;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bytes = readlink(link, path, sizeof path);
    if (bytes > 4 && memcmp(path + bytes - 4, "-wal", 4) == 0) {
        if (fails("fdatasync")) { /* also after the cut */
            errno = EIO;
            return -1;
        }
        for (int i = 0; i < FILES_MAX; i++)
            if (capi_str_ends(capi_str_of(files[i].name), "-wal")) forget_pending(&files[i], true);
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* ---- outside ---- */

void fault_vfs_install(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "fault";
    vfs.szOsFile = sizeof(fault_file);
    vfs.xOpen = vfs_open;
    vfs.pNext = NULL;
    sqlite3_vfs_register(&vfs, 1);
}

void fault_vfs_remove(void)
{
    sqlite3_vfs_unregister(&vfs);
    sqlite3_vfs_register(real_vfs, 1);
    fault_vfs_reset();
}

void fault_vfs_fail(uint64_t at)
{
    calls = 0;
    fail_at = at;
    failed = NULL;
}

uint64_t fault_vfs_calls(void)
{
    return calls;
}

const char *fault_vfs_failed(void)
{
    return failed;
}

void fault_vfs_cut(uint64_t at)
{
    writes = 0;
    cut_at = at;
}

bool fault_vfs_is_cut(void)
{
    return cut_at && writes >= cut_at;
}

uint64_t fault_vfs_writes(void)
{
    return writes;
}

void fault_vfs_save(const char *folder, uint64_t seed)
{
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, seed);

    for (int i = 0; i < FILES_MAX && files[i].name[0]; i++) {
        const char *slash = strrchr(files[i].name, '/');
        char path[1024];
        FILE *out;

        for (const pending_write *write = files[i].first; write; write = write->next)
            switch (random.next(random.context) % 3) {
            case 0: break;
            case 1: apply(&files[i].image, write, write->bytes.bytes); break;
            default: apply(&files[i].image, write, write->bytes.bytes / 2); break;
            }
        snprintf(path, sizeof path, "%s%s", folder, slash);
        out = fopen(path, "wb");
        if (!out) abort();
        if (files[i].image.bytes) fwrite(files[i].image.data, 1, files[i].image.bytes, out);
        fclose(out);
    }
}

void fault_vfs_reset(void)
{
    for (int i = 0; i < FILES_MAX; i++) {
        if (files[i].name[0]) forget_pending(&files[i], false);
        capi_buf_deinit(&files[i].image);
        files[i] = (disk_file){0};
    }
    calls = fail_at = writes = cut_at = 0;
    failed = NULL;
}
