/* must.h - checks of fuzzers and their replays: they hold in every build, unlike assert. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define CAPI_MUST(condition)                                                                                           \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)
