/* temp_folder.h - a process's folder for what does not fit its memory: <data>/temp-<process uid>.
 *
 * It is made locked (flock), and the lock ends with the process, however that ends. So a folder whose lock can be had belongs
 * to nobody, and whoever works in the data folder, or collects garbage, removes it. */
#pragma once

#include <stdint.h>

typedef struct capi_temp_folder {
    char *path;
    int lock_fd;
} capi_temp_folder;

/* On a disk that is full one can still look at what is there: then the folder is not made, and its path another one, which no
 * sweep takes; whoever needs it makes it and gets the error. */
void capi_temp_folder_make(const char *data_folder, const char *process_uid, capi_temp_folder *out);
/* Removes it with all that is in it. One that was never made (all zero) is fine. */
void capi_temp_folder_remove(capi_temp_folder *folder);
/* Removes those of dead processes, and says how many these were. What cannot be removed stays. */
uint32_t capi_temp_folders_sweep(const char *data_folder);
