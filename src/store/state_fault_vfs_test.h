/* state_fault_vfs_test.h - a layer under SQLite that makes its calls fail, and remembers what a power cut would lose. One thread.
 *
 * Writes go through to the real files. Beside that, each file has an image of what is surely on the disk: what it held when it was
 * last synced, by SQLite or by the product (fdatasync of the log is looked at too). A power cut keeps of each write since then all, nothing, or the first half. */
#pragma once

#include "base/str.h"

#include <stdint.h>

/* Becomes the default file system of SQLite until fault_vfs_remove. */
void fault_vfs_install(void);
void fault_vfs_remove(void);

/* Call number `fail_at` (from 1; 0: none) fails, once. Counts begin anew. */
void fault_vfs_fail(uint64_t fail_at);
uint64_t fault_vfs_calls(void);     /* since then */
const char *fault_vfs_failed(void); /* "xWrite", ..., or NULL: the call was never reached */

/* Writes since then are counted; number `cut_at` and all after it do not happen: the call fails, and so does every later one. */
void fault_vfs_cut(uint64_t cut_at);
bool fault_vfs_is_cut(void); /* that write was reached */
uint64_t fault_vfs_writes(void);
/* Writes what is left after the cut to <folder>/state.db and -wal. `seed` decides about each unsynced write. */
void fault_vfs_save(const char *folder, uint64_t seed);
/* Forgets all files and images. */
void fault_vfs_reset(void);
