/* work_alone.c - sets up what its parent has set up for itself, does one batch or seal, ends. */
#include "cmd/work_alone.h"

#include "cmd/config.h"
#include "cmd/options.h"
#include "cmd/remote.h"
#include "run/alone.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The child goes with its parent; one whose parent has gone before it could say so ends as well. */
static bool has_parent(const char *pid)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return (long)getppid() == strtol(pid, NULL, 10);
}

static capi_status work(const char *const words[CAPI_ALONE_WORDS], capi_config *config, capi_engine **engine,
                        capi_err *err)
{
    capi_engine_options options = {
        .data_folder = capi_str_of(words[CAPI_ALONE_DATA]),
        .thread_count = (uint32_t)strtoul(words[CAPI_ALONE_THREADS], NULL, 10),
        .batch_count_max = 1,
        .memory_bytes = strtoull(words[CAPI_ALONE_MEMORY], NULL, 10),
        .patience_ms = (uint32_t)strtoul(words[CAPI_ALONE_PATIENCE], NULL, 10),
        .must_exist = true,
        .net = capi_remote_settings(),
    };

    CAPI_TRY(capi_config_load(capi_str_of(words[CAPI_ALONE_CONFIG]), config, err));
    CAPI_TRY(capi_remote_configure(config, err));
    capi_config_apply_python(config);
    CAPI_TRY(capi_engine_open(&options, engine, err));
    return capi_alone_work(*engine, words, config->values[CAPI_CONFIG_PROCESSORS].json, STDOUT_FILENO, err);
}

int capi_work_alone_main(int argc, char **argv)
{
    const char *const *words = (const char *const *)argv + 2;
    capi_config config = {0};
    capi_engine *engine = NULL;
    capi_err err = {0};

    if (argc != CAPI_ALONE_WORDS + 2) return capi_command_complain(argv[1]);
    if (!has_parent(words[CAPI_ALONE_PARENT])) return CAPI_EXIT_FAILED;
    if (work(words, &config, &engine, &err) != CAPI_OK) printf("error\n%s", err.text);
    fflush(stdout);
    capi_engine_close(engine);
    capi_config_free(&config);
    return CAPI_EXIT_DONE;
}
