/* text_fold_test.c - letters in lower case, the two strange ones too, wherever they stand. */
#include "base/test.h"
#include "expr/text_fold.h"

static const char *folded(const char *text)
{
    static char out[256];

    out[expr_text_fold(text, strlen(text), out)] = 0;
    return out;
}

TEST(ascii_letters_become_lower_case)
{
    CHECK_STR(folded(""), "");
    CHECK_STR(folded("A"), "a");
    CHECK_STR(folded("@AZ[`az{ 09"), "@az[`az{ 09");
    CHECK_STR(folded("THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG"), "the quick brown fox jumps over the lazy dog");
    CHECK_STR(folded("ÄÉ Ω"), "ÄÉ Ω");
}

TEST(the_long_s_and_the_kelvin_sign_are_letters_at_every_place)
{
    for (size_t before = 0; before < 40; before++) {
        char text[128], wanted[128];

        memset(text, 'X', before);
        memset(wanted, 'x', before);
        strcpy(text + before, "\xC5\xBF\xE2\x84\xAA"
                              "Y0123456789ABCDEF\xE2\x84\xC5\xC5\xBF\xE2");
        strcpy(wanted + before, "sky0123456789abcdef\xE2\x84\xC5s\xE2");
        CHECK_STR(folded(text), wanted);
    }
}
