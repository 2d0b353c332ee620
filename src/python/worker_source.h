/* worker_source.h - the text of worker.py, which is part of the program. */
#pragma once

extern const char capi_python_worker_source[]; /* NUL-terminated */
