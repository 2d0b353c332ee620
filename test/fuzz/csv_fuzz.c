/* csv_fuzz.c - any bytes as a CSV file, read in all ways, which must agree (src/io/csv_fuzz.h). */
#include "io/csv_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    csv_fuzz(data, bytes);
    return 0;
}
