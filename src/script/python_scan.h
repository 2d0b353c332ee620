/* python_scan.h - finds what a Python source defines at module level that can be called, without running it.
 *
 * It errs on the side of finding: what could be callable in a way that cannot be told (imported names, classes, assigned
 * values, decorated functions) takes any number of arguments. */
#pragma once

#include "base/hash.h"

typedef struct capi_python_function {
    capi_str name;
    capi_str signature; /* "f(a, b=1)", for messages; empty if it cannot be told */
    uint32_t args_min, args_max;
    struct capi_python_function *other; /* another definition of the same name */
} capi_python_function;

typedef struct capi_python_module {
    capi_map by_name; /* capi_python_function */
    bool imports_all; /* "from x import *": any name may exist */
} capi_python_module;

void capi_python_scan(capi_arena *arena, capi_str code, capi_python_module *out);
/* True if a call of `name` with this many arguments can work. */
bool capi_python_accepts(const capi_python_module *module, capi_str name, uint32_t arg_count);
