/* capillaries_main.c - the program. */
#include "cmd/options.h"
#include "cmd/program.h"
#include "python/python.h"

#include <fcntl.h>
#include <signal.h>

/* Standard files that were closed must not become the numbers of others. Nothing can be read from or written to these: who tries
 * gets an error, as from closed ones. */
static void open_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0) (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    int exit_code;

    /* Writing to a closed pipe, or beyond a limit on file sizes, is an ordinary error of the call. */
    open_standard_files();
    signal(SIGCHLD, SIG_DFL); /* whoever started us may have ignored it: then no child's end could be seen */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    exit_code = capi_command_end(capi_program_main(argc, argv));
    capi_python_shutdown();
    return exit_code;
}
