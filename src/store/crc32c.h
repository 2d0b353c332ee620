/* crc32c.h - the checksum of column files: CRC-32C (Castagnoli), as in iSCSI, ext4 and Snappy frames. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The checksum of `data`, continuing `crc` (0 to begin). */
uint32_t capi_crc32c(uint32_t crc, const void *data, size_t bytes);

/* The same from a table, for machines without the instruction; tests compare both. */
uint32_t capi_crc32c_portable(uint32_t crc, const void *data, size_t bytes);
