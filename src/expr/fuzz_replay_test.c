/* fuzz_replay_test.c - runs the corpus of the fuzzer of expressions, with any compiler. */
#include "base/corpus.h"

#include "../../test/fuzz/expr_fuzz.c"

TEST(no_input_of_the_corpus_of_expressions_does_harm)
{
    capi_corpus_replay("expr", LLVMFuzzerTestOneInput);
}
