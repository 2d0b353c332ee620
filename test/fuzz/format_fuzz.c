/* format_fuzz.c - any format, any bytes for it: see vec/format_fuzz.h. */
#include "vec/format_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_format(data, bytes);
    return 0;
}
