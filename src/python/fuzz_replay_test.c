/* fuzz_replay_test.c - runs the corpus of the fuzzer of Python workers, with any compiler. */
#include "base/corpus.h"

#include "../../test/fuzz/python_fuzz.c"

TEST(no_input_of_the_corpus_of_python_workers_does_harm)
{
    capi_corpus_replay("python", LLVMFuzzerTestOneInput);
}
