/* capillaries_main.c - the program. */
#include "cmd/options.h"

int main(int argc, char **argv)
{
    return capi_command_main(argc, argv);
}
