/* text_find_test.c - every place, every length, against the obvious search. */
#include "base/test.h"
#include "expr/text_find.h"

TEST(a_part_is_found_wherever_it_is)
{
    char text[80];

    for (size_t bytes = 0; bytes <= 70; bytes++) {
        for (size_t at = 0; at + 3 <= bytes; at++) {
            memset(text, 'a', sizeof text);
            memcpy(text + at, "axb", 3);
            CHECK(expr_text_find(text, bytes, "axb", 3) == text + at);
            CHECK(expr_text_find(text, bytes, "x", 1) == text + at + 1);
            CHECK(expr_text_find(text, bytes, "xb", 2) == text + at + 1);
            CHECK(expr_text_find(text, bytes, "xc", 2) == NULL);
            CHECK(expr_text_find(text, bytes, text, bytes) == text);
        }
    }
}

TEST(the_first_of_several_places_is_told)
{
    const char *text = "abababcabcabababababababababababababc";

    CHECK(expr_text_find(text, strlen(text), "abc", 3) == text + 4);
    CHECK(expr_text_find(text, strlen(text), "", 0) == text);
    CHECK(expr_text_find(text, 2, "aba", 3) == NULL);
    CHECK(expr_text_find(text + 10, strlen(text) - 10, "bc", 2) == text + strlen(text) - 2);
}
