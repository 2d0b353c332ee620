/* engine.h - the inside of capi_engine, for the files of run/. */
#pragma once

#include "run/alone.h"
#include "run/temp_folder.h"

struct capi_engine {
    capi_arena arena;
    capi_str folder;
    capi_temp_folder temp; /* of this process; gone at the end */
    char process_uid[CAPI_UID_BYTES];
    capi_budget budget;
    uint32_t batch_count_max;
    int64_t lease_ns, patience_ns; /* 0: the default */
    bool has_worked;               /* so the state knows this process */
    bool can_work_alone;
    capi_alone alone;
    capi_state *state;
    capi_tables *tables;
    capi_thread_pool *pool;
    capi_exec exec;
    bool exec_is_open;
};
