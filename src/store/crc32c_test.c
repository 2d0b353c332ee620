#include "base/test.h"
#include "store/crc32c.h"

TEST(crc32c_of_known_texts)
{
    char zeros[32] = {0};

    CHECK_INT(capi_crc32c(0, "123456789", 9), 0xe3069283); /* the check value of the polynomial */
    CHECK_INT(capi_crc32c(0, zeros, 32), 0x8a9136aa);      /* RFC 3720, B.4 */
    CHECK_INT(capi_crc32c(0, "", 0), 0);
}

TEST(crc32c_by_instruction_and_by_table_agree_at_every_length)
{
    static uint8_t data[10000];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
    for (size_t bytes = 0; bytes < sizeof data; bytes += bytes < 100 ? 1 : 397)
        CHECK_INT(capi_crc32c(5, data + bytes % 7, bytes - bytes % 7),
                  capi_crc32c_portable(5, data + bytes % 7, bytes - bytes % 7));
}

TEST(crc32c_continues_where_it_ended)
{
    uint32_t first = capi_crc32c(0, "12345", 5);

    CHECK_INT(capi_crc32c(first, "6789", 4), 0xe3069283);
}
