/* scan_fuzz.c - any scan, any bytes for it: see vec/format_fuzz.h. */
#include "vec/format_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_scan(data, bytes);
    return 0;
}
