/* toolbelt.h - capitoolbelt: the commands of the reference, with its flags, outputs and exit codes.
 *
 * Exit codes: 0 done, 1 anything that went wrong, 2 wrong flags. Results go to standard output, everything else to standard
 * error. Flags are -name value, -name=value, or both with two dashes; parsing ends at the first other word. */
#pragma once

#include "cmd/config.h"
#include "cmd/options.h"

/* In the order of the usage. The tables of the commands' flags are like those of the native commands. */
extern const capi_command *const capi_toolbelt_commands[];
extern const uint32_t capi_toolbelt_command_count;

int capi_toolbelt_main(int argc, char **argv);

/* ---- for the files of the toolbelt ---- */

extern const capi_command capi_tool_validate_script;
extern const capi_command capi_tool_start_run;
extern const capi_command capi_tool_stop_run;
extern const capi_command capi_tool_exec_node;
extern const capi_command capi_tool_get_run_history;
extern const capi_command capi_tool_get_node_history;
extern const capi_command capi_tool_get_batch_history;
extern const capi_command capi_tool_get_run_status_diagram;
extern const capi_command capi_tool_drop_run_status_diagram;
extern const capi_command capi_tool_drop_keyspace;
extern const capi_command capi_tool_get_table_cql;
extern const capi_command capi_tool_proto_file_reader_creator;
extern const capi_command capi_tool_check_db_connectivity;
extern const capi_command capi_tool_check_queue_connectivity;

/* The value of a flag, empty if it was not given. */
capi_str capi_tool_text(const capi_args *args, const char *flag);
/* A run id: decimal digits, 1 to CAPI_RUN_ID_MAX, blanks around are ignored. */
CAPI_MUST_USE capi_status capi_tool_run_id(capi_str text, const char *flag, uint32_t *out, capi_err *err);
/* A list of them with commas; an empty list is empty. */
CAPI_MUST_USE capi_status capi_tool_run_ids(capi_str text, const char *flag, capi_arena *arena, uint32_t **out,
                                            uint32_t *count, capi_err *err);
/* An integer flag: decimal, 0x... or 0..., may be negative. Prints what is wrong and returns false. */
bool capi_tool_int(const capi_args *args, const char *flag, int64_t *out);

/* Prints the flags of a command that was used wrongly; the exit code. */
int capi_tool_usage(const capi_command *command);
/* Prints the error as one; the exit code. */
int capi_tool_fail(const capi_err *err);

/* -script_file and -params_file. Mistakes are printed; NULL when there is no script. */
capi_script *capi_tool_script(const capi_args *args);

/* The store that the configuration names. */
CAPI_MUST_USE capi_status capi_tool_data_folder(capi_arena *arena, capi_str *out, capi_err *err);
CAPI_MUST_USE capi_status capi_tool_open(capi_engine **out, capi_err *err);
/* The same, but a store that is not there is not made: CAPI_NOT_FOUND. */
CAPI_MUST_USE capi_status capi_tool_open_old(capi_engine **out, capi_err *err);
const capi_config *capi_tool_config(void);
