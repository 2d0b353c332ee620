/* capillaries_main.c - the program. */
#include "cmd/options.h"
#include "cmd/program.h"
#include "python/python.h"

#include <signal.h>

int main(int argc, char **argv)
{
    int exit_code;

    /* Writing to a closed pipe, or beyond a limit on file sizes, is an ordinary error of the call. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    exit_code = capi_command_end(capi_program_main(argc, argv));
    capi_python_shutdown();
    return exit_code;
}
