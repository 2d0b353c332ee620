/* session.h - what most commands begin with: load a script, find the data folder, open the engine. */
#pragma once

#include "cmd/config.h"
#include "cmd/options.h"

/* --data, else CAPI_DATA, else $XDG_DATA_HOME/capillaries, else ~/.local/share/capillaries. */
CAPI_MUST_USE capi_status capi_data_folder(const capi_args *args, capi_arena *arena, capi_str *out, capi_err *err);

/* Loads the script of the first word with --params and --set. Mistakes and warnings are printed to standard error; NULL with
 * *exit_code set when there is no script. */
capi_script *capi_session_script(const capi_args *args, int *exit_code);
/* The same, but mistakes and warnings go to *diags (its arena is the caller's) and nothing is printed but a wrong --set. */
capi_script *capi_session_script_quietly(const capi_args *args, capi_diags *diags, int *exit_code);

/* The --set values, split at their first "="; prints what is wrong and returns false. */
enum { CAPI_SETS_MAX = 256 };
bool capi_session_sets(const capi_args *args, capi_str names[CAPI_SETS_MAX], capi_str values[CAPI_SETS_MAX],
                       uint32_t *count);

/* What --threads, --memory, --batches, --patience-ms and --lease-ms say, else the configuration (NULL: none); without the data folder. Prints
 * what is wrong and returns false. */
bool capi_session_options(const capi_args *args, const capi_config *config, capi_engine_options *out);

/* Opens the engine with --data, --threads and --memory; prints what is wrong and sets *exit_code when it cannot. */
capi_engine *capi_session_engine(const capi_args *args, int *exit_code);
/* The same for commands that look at what is there: a store that is not there is an error, and not made. */
capi_engine *capi_session_old_engine(const capi_args *args, int *exit_code);

/* The keyspace of --keyspace, or one named like the script's file ("shop" for examples/shop.yaml, "script_2024" for 2024.yaml). */
capi_str capi_session_keyspace(const capi_args *args, capi_str script_url, capi_arena *arena);

/* Rows shared by the option tables of several commands. */
#define CAPI_OPTIONS_SCRIPT                                                                                            \
    {"params", "FILE", "parameters of the script (.json or .yaml)", false},                                            \
    {                                                                                                                  \
        "set", "NAME=VALUE", "one parameter, before those of the file", true                                           \
    }
#define CAPI_OPTION_KEYSPACE                                                                                           \
    {                                                                                                                  \
        "keyspace", "NAME", "working area that holds runs and tables (default: named like the script)", false          \
    }
#define CAPI_OPTIONS_ENGINE                                                                                            \
    {"data", "DIR", "data folder (default: CAPI_DATA, else the user's data folder)", false},                           \
        {"threads", "N", "threads that work on rows (default: one per core)", false},                                  \
        {"memory", "BYTES", "memory budget, such as 2G (default: half of the machine)", false},                        \
        {"batches", "N", "batches open at once (default: 5)", false},                                                  \
        {"patience-ms", "MS",                                                                                          \
         "how long a batch is tried again while a disk, server or store is away (default: 30000, a daemon: 300000)",   \
         false},                                                                                                       \
    {                                                                                                                  \
        "lease-ms", "MS", "a process silent so long is dead, and its work taken over (default: 10000)", false          \
    }
