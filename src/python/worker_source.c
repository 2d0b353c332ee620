/* worker_source.c - takes worker.py into the program, as it is. */
#include "python/worker_source.h"

__asm__(".section .rodata\n"
        ".global capi_python_worker_source\n"
        ".type capi_python_worker_source, @object\n"
        "capi_python_worker_source:\n"
        ".incbin \"" CAPI_PYTHON_WORKER "\"\n"
        ".byte 0\n"
        ".size capi_python_worker_source, . - capi_python_worker_source\n"
        ".previous\n");
