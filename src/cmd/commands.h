/* commands.h - the commands, one file each; capillaries_main.c lists them. */
#pragma once

#include "cmd/options.h"

extern const capi_command capi_command_run;
extern const capi_command capi_command_init;
extern const capi_command capi_command_validate;
extern const capi_command capi_command_table_head;
extern const capi_command capi_command_table_export;
extern const capi_command capi_command_table_profile;
extern const capi_command capi_command_parquet_cat;
extern const capi_command capi_command_parquet_diff;
extern const capi_command capi_command_parquet_sort;
extern const capi_command capi_command_diagram;
extern const capi_command capi_command_runs;
extern const capi_command capi_command_nodes;
extern const capi_command capi_command_batches;
extern const capi_command capi_command_stop;
extern const capi_command capi_command_drop;
extern const capi_command capi_command_resume;
extern const capi_command capi_command_start;
extern const capi_command capi_command_daemon;
extern const capi_command capi_command_eval;
extern const capi_command capi_command_schema;
extern const capi_command capi_command_completion;
extern const capi_command capi_command_help;
extern const capi_command capi_command_watch;
extern const capi_command capi_command_gc;
extern const capi_command capi_command_doctor;
extern const capi_command capi_command_version;

/* From here on SIGINT and SIGTERM are noted; one that comes half a second after the first ends the process. */
void capi_catch_interrupts(void);
const _Atomic int *capi_interrupts(void);
