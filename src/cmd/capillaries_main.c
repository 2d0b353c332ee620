/* capillaries_main.c - the program. */
#include "cmd/options.h"

#include <signal.h>

int main(int argc, char **argv)
{
    /* Writing to a closed pipe, or beyond a limit on file sizes, is an ordinary error of the call. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return capi_command_main(argc, argv);
}
