/* unpack_test.c - what the packer packs, the unpacker unpacks; cut off and damaged files are refused. */
#include "io/unpack.h"

#include "base/buf.h"
#include "base/random.h"
#include "base/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static capi_buf pack(capi_packing packing, capi_str text, size_t step)
{
    capi_packer *packer = capi_packer_new(packing);
    capi_buf out = {0};

    for (size_t at = 0; at < text.bytes; at += step)
        CHECK(capi_packer_add(packer, text.data + at, text.bytes - at < step ? text.bytes - at : step, false, &out,
                              NULL) == CAPI_OK);
    CHECK(capi_packer_add(packer, "", 0, true, &out, NULL) == CAPI_OK);
    capi_packer_free(packer);
    return out;
}

/* The unpacked text in *out. */
static capi_status unpack(capi_packing packing, capi_str packed, capi_buf *out, capi_err *err)
{
    char in_path[] = "/tmp/capi_unpack_XXXXXX", out_path[] = "/tmp/capi_unpack_XXXXXX";
    int in = mkstemp(in_path), to = mkstemp(out_path);
    capi_status st;
    ssize_t got;

    CHECK(in >= 0 && to >= 0);
    CHECK(write(in, packed.data ? packed.data : "", packed.bytes) == (ssize_t)packed.bytes);
    st = capi_unpack_file(packing, in_path, CAPI_STR("x.packed"), to, NULL, NULL, err);
    capi_buf_clear(out);
    lseek(to, 0, SEEK_SET);
    while ((got = read(to, capi_buf_reserve(out, 65536), 65536)) > 0)
        out->bytes += (size_t)got;
    close(in);
    close(to);
    unlink(in_path);
    unlink(out_path);
    return st;
}

static capi_buf random_text(uint64_t seed, size_t bytes)
{
    capi_random_seeded state;
    capi_random random = capi_random_from_seed(&state, seed);
    capi_buf text = {0};

    while (text.bytes < bytes)
        capi_buf_printf(&text, "%llu,%s\n", (unsigned long long)(random.next(random.context) % 1000),
                        random.next(random.context) % 2 ? "yes" : "no");
    return text;
}

TEST(the_ending_of_a_name_says_how_it_is_packed)
{
    CHECK(capi_packing_of(CAPI_STR("a.csv.gz")) == CAPI_PACKING_GZIP &&
          capi_packing_of(CAPI_STR("A.CSV.GZ")) == CAPI_PACKING_GZIP);
    CHECK(capi_packing_of(CAPI_STR("https://h/a.csv.zst?v=1.csv")) == CAPI_PACKING_ZSTD);
    CHECK(capi_packing_of(CAPI_STR("s3://b/a.csv.gz?x")) == CAPI_PACKING_NONE);
    CHECK(capi_packing_of(CAPI_STR("a.csv")) == CAPI_PACKING_NONE &&
          capi_packing_of(CAPI_STR(".gz")) == CAPI_PACKING_NONE);
}

TEST(packed_text_comes_back)
{
    for (capi_packing packing = CAPI_PACKING_GZIP; packing <= CAPI_PACKING_ZSTD; packing++)
        for (size_t bytes = 0; bytes < 5000000; bytes = bytes * 7 + 1) {
            capi_buf text = random_text(bytes, bytes), packed = pack(packing, capi_buf_str(&text), 100003), back = {0};

            CHECK(unpack(packing, capi_buf_str(&packed), &back, NULL) == CAPI_OK);
            CHECK(capi_str_equal(capi_buf_str(&text), capi_buf_str(&back)));
            capi_buf_reserve(&packed, packed.bytes); /* it is appended to itself: a second member or frame */
            capi_buf_append(&packed, packed.data, packed.bytes);
            CHECK(unpack(packing, capi_buf_str(&packed), &back, NULL) == CAPI_OK && back.bytes == 2 * text.bytes);
            capi_buf_deinit(&text);
            capi_buf_deinit(&packed);
            capi_buf_deinit(&back);
        }
}

TEST(whatever_is_cut_off_is_refused)
{
    for (capi_packing packing = CAPI_PACKING_GZIP; packing <= CAPI_PACKING_ZSTD; packing++) {
        capi_buf text = random_text(7, 3000), packed = pack(packing, capi_buf_str(&text), 3000), back = {0};

        for (size_t bytes = 0; bytes < packed.bytes; bytes++) {
            capi_err err = {0};

            CHECK(unpack(packing, (capi_str){packed.data, bytes}, &back, &err) == CAPI_INVALID);
            CHECK(strstr(err.text, "x.packed"));
        }
        capi_buf_deinit(&text);
        capi_buf_deinit(&packed);
        capi_buf_deinit(&back);
    }
}

TEST(a_changed_byte_is_refused_or_harmless)
{
    for (capi_packing packing = CAPI_PACKING_GZIP; packing <= CAPI_PACKING_ZSTD; packing++) {
        capi_buf text = random_text(8, 2000), packed = pack(packing, capi_buf_str(&text), 2000), back = {0};

        for (size_t at = 0; at < packed.bytes; at++) {
            packed.data[at] ^= 0x55;
            if (unpack(packing, capi_buf_str(&packed), &back, NULL) == CAPI_OK)
                CHECK(capi_str_equal(capi_buf_str(&text),
                                     capi_buf_str(&back))); /* a byte of the header that means nothing */
            packed.data[at] ^= 0x55;
        }
        capi_buf_deinit(&text);
        capi_buf_deinit(&packed);
        capi_buf_deinit(&back);
    }
}
