/* file.h - local files, with the seam through which tests make them fail.
 *
 * A reader is one open file, read at any place by any number of threads (pread). A writer belongs to one thread. Nothing
 * is ever visible under its final name before it is whole: see capi_file_writer_publish. Messages name the file. */
#pragma once

#include "base/err.h"
#include "base/str.h"

typedef struct capi_file_id { /* what tells that a file is still the one that was opened */
    uint64_t device;
    uint64_t inode;
    uint64_t size_bytes;
    int64_t modified_ns;
} capi_file_id;

typedef struct capi_file_reader capi_file_reader;

/* Only regular files; a directory, a device or a missing file is an error that says so. */
CAPI_MUST_USE capi_status capi_file_open(const char *path, capi_file_reader **out, capi_err *err);
void capi_file_close(capi_file_reader *file);
const capi_file_id *capi_file_identity(const capi_file_reader *file); /* as it was when opened */
/* CAPI_CONFLICT with words if the file changed since it was opened. */
CAPI_MUST_USE capi_status capi_file_check_unchanged(const capi_file_reader *file, capi_err *err);
/* Reads up to `bytes` from `offset`; *got is less only at the end of the file. */
CAPI_MUST_USE capi_status capi_file_read_at(const capi_file_reader *file, uint64_t offset, void *to, size_t bytes,
                                            size_t *got, capi_err *err);
/* Asks the system to read ahead; only a hint. */
void capi_file_will_read(const capi_file_reader *file, uint64_t offset, uint64_t bytes);

/* The whole file, in the arena; an error if it has more than `max_bytes`. It may be a URL (file_url.h). */
CAPI_MUST_USE capi_status capi_file_read_all(const char *path, uint64_t max_bytes, capi_arena *arena, capi_str *out,
                                             capi_err *err);

/* A file being written beside its target as ".<name>.<suffix>.tmp", to be renamed when it is whole. */
typedef struct capi_file_writer capi_file_writer;

/* `suffix` tells attempts apart. The folder must exist; the message says so if it does not. */
CAPI_MUST_USE capi_status capi_file_create_beside(const char *target_path, const char *suffix, capi_file_writer **out,
                                                  capi_err *err);
/* A file under its own name from the start, made new or appended to: for segments and logs. *size_bytes is where it ends. */
CAPI_MUST_USE capi_status capi_file_append_to(const char *path, capi_file_writer **out, uint64_t *size_bytes,
                                              capi_err *err);
/* Writes all of it, or fails with the cause (full disk included). */
CAPI_MUST_USE capi_status capi_file_write(capi_file_writer *file, const void *data, size_t bytes, capi_err *err);
CAPI_MUST_USE capi_status capi_file_sync(capi_file_writer *file, capi_err *err);
/* Like capi_file_sync, but times need not be durable: data and size only. */
CAPI_MUST_USE capi_status capi_file_sync_data(capi_file_writer *file, capi_err *err);
/* Asks the system to begin writing these bytes to the disk, so that a sync later finds less to do; only a hint. */
void capi_file_start_writing(capi_file_writer *file, uint64_t offset, uint64_t bytes);
/* Sync, rename onto the target, sync the folder, close. On failure the temporary file is gone and so is *file. */
CAPI_MUST_USE capi_status capi_file_publish(capi_file_writer *file, capi_err *err);
/* Closes; what capi_file_create_beside made and was not published is removed. NULL is fine. */
void capi_file_writer_close(capi_file_writer *file);
const char *capi_file_writer_path(const capi_file_writer *file);

/* mkdir -p; 0700 for what it makes. */
CAPI_MUST_USE capi_status capi_folder_make(const char *path, capi_err *err);
CAPI_MUST_USE capi_status capi_folder_sync(const char *path, capi_err *err);
/* rm -r, bounded to the folder itself: symbolic links are removed, not followed. A missing folder is fine. */
CAPI_MUST_USE capi_status capi_folder_remove(const char *path, capi_err *err);
bool capi_folder_exists(const char *path);
/* CAPI_INVALID when the path lies on a network file system, which cannot keep our locks. */
CAPI_MUST_USE capi_status capi_folder_check_local(const char *path, capi_err *err);
/* For tests: folders whose path contains `path_part` (static text) lie on a file system with this magic number of statfs(2).
 * NULL: as they are. */
void capi_folder_pretend(const char *path_part, uint32_t magic);

/* Faults for tests: the operation number `fail_at` (counted from 1 over writes, syncs, renames and reads whose path
 * contains `path_part`) fails with errno_value. 0 switches faults off. Process-wide; not for use beside other threads. */
void capi_file_faults(const char *path_part, uint64_t fail_at, int errno_value);
