/* Runs the corpus of the fuzzers through the same functions, with any compiler. */
#include "base/corpus.h"
#include "base/test.h"
#include "vec/format_fuzz.h"

/* Two fuzzers that are a file of their own; their helpers may have the same names. */
#define LLVMFuzzerTestOneInput fuzz_text_one
#include "../../test/fuzz/text_fuzz.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_key_one
#define pair key_pair
#include "../../test/fuzz/key_fuzz.c"
#undef pair
#undef LLVMFuzzerTestOneInput

static int format_one(const uint8_t *data, size_t bytes)
{
    fuzz_format(data, bytes);
    return 0;
}

static int layout_one(const uint8_t *data, size_t bytes)
{
    fuzz_layout(data, bytes);
    return 0;
}

static int scan_one(const uint8_t *data, size_t bytes)
{
    fuzz_scan(data, bytes);
    return 0;
}

TEST(the_corpus_of_the_format_fuzzer_does_no_harm)
{
    capi_corpus_replay("format", format_one);
}

TEST(the_corpus_of_the_layout_fuzzer_does_no_harm)
{
    capi_corpus_replay("layout", layout_one);
}

TEST(the_corpus_of_the_scan_fuzzer_does_no_harm)
{
    capi_corpus_replay("scan", scan_one);
}

TEST(the_corpus_of_the_text_fuzzer_does_no_harm)
{
    capi_corpus_replay("text", fuzz_text_one);
}

TEST(the_corpus_of_the_key_fuzzer_does_no_harm)
{
    capi_corpus_replay("key", fuzz_key_one);
}
