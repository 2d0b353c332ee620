/* commands.c - the list of commands, in the order of the help. */
#include "cmd/commands.h"

const capi_command *const capi_commands[] = {
    &capi_command_run,           &capi_command_resume,       &capi_command_start,       &capi_command_daemon,
    &capi_command_init,          &capi_command_validate,     &capi_command_diagram,     &capi_command_runs,
    &capi_command_nodes,         &capi_command_batches,      &capi_command_watch,       &capi_command_stop,
    &capi_command_drop,          &capi_command_gc,           &capi_command_doctor,      &capi_command_table_head,
    &capi_command_table_profile, &capi_command_table_export, &capi_command_parquet_cat, &capi_command_parquet_diff,
    &capi_command_parquet_sort,  &capi_command_eval,         &capi_command_schema,      &capi_command_completion,
    &capi_command_help,          &capi_command_version,
};

const uint32_t capi_command_count = sizeof capi_commands / sizeof *capi_commands;
