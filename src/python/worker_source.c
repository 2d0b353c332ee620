/* worker_source.c - takes the parts of the worker into the program, as they are, one behind the other. */
#include "python/worker_source.h"

__asm__(".section .rodata\n"
        ".global capi_python_worker_source\n"
        ".type capi_python_worker_source, @object\n"
        "capi_python_worker_source:\n"
        ".incbin \"" CAPI_PYTHON_WORKER "worker_words.py\"\n"
        ".incbin \"" CAPI_PYTHON_WORKER "worker_values.py\"\n"
        ".incbin \"" CAPI_PYTHON_WORKER "worker_stages.py\"\n"
        ".incbin \"" CAPI_PYTHON_WORKER "worker.py\"\n"
        ".byte 0\n"
        ".size capi_python_worker_source, . - capi_python_worker_source\n"
        ".previous\n");
