/* program.h - the names under which the one program is called: capillaries, capidaemon, capitoolbelt,
 * capiparquet. */
#pragma once

#include <stdbool.h>

/* Looks at argv[0] and runs what it names; the exit code. */
int capi_program_main(int argc, char **argv);
/* Called by a name of the reference, whose rules then hold: a configuration file is needed. */
bool capi_program_is_reference(void);
