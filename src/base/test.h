/* test.h - tests that register themselves.
 *
 *     TEST(an_empty_text_has_no_words)
 *     {
 *         CHECK(word_count("") == 0);
 *         CHECK_STR(name, "expected");
 *     }
 *
 * A test program links test_main.c, runs all tests of its folder (or those whose name contains the argument), and ends
 * with the line "N passed, N failed". A CHECK that fails ends its test. SKIP("why") reports a part that cannot be had. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void capi_test_register(const char *name, const char *file, void (*fn)(void));
_Noreturn void capi_test_fail(const char *file, int line, const char *format, ...) CAPI_PRINTF(3, 4);
_Noreturn void capi_test_skip(const char *why);
/* A fresh, empty folder, removed with all its content when the test ends well. */
const char *capi_test_folder(void);

#define TEST(name)                                                                                                     \
    static void name(void);                                                                                            \
    __attribute__((constructor)) static void register_##name(void)                                                     \
    {                                                                                                                  \
        capi_test_register(#name, __FILE__, name);                                                                     \
    }                                                                                                                  \
    static void name(void)

#define SKIP(why) capi_test_skip(why)

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) capi_test_fail(__FILE__, __LINE__, "not true: %s", #condition);                              \
    } while (0)

#define CHECK_INT(actual, expected)                                                                                    \
    do {                                                                                                               \
        long long actual_ = (long long)(actual);                                                                       \
        long long expected_ = (long long)(expected);                                                                   \
        if (actual_ != expected_)                                                                                      \
            capi_test_fail(__FILE__, __LINE__, "%s is %lld, expected %lld", #actual, actual_, expected_);              \
    } while (0)

/* `actual` is a C string. */
#define CHECK_STR(actual, expected)                                                                                    \
    do {                                                                                                               \
        const char *actual_ = (actual);                                                                                \
        const char *expected_ = (expected);                                                                            \
        if (!actual_ || strcmp(actual_, expected_) != 0)                                                               \
            capi_test_fail(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #actual, actual_ ? actual_ : "(null)", \
                           expected_);                                                                                 \
    } while (0)

/* `call` must give CAPI_OK; shows the words of `err` otherwise. */
#define CHECK_OK(call, err)                                                                                            \
    do {                                                                                                               \
        capi_status status_ = (call);                                                                                  \
        if (status_ != CAPI_OK)                                                                                        \
            capi_test_fail(__FILE__, __LINE__, "%s gave %s: %s", #call, capi_status_name(status_), (err).text);        \
    } while (0)

/* The text of `err` must contain `part`. */
#define CHECK_ERR(err, part)                                                                                           \
    do {                                                                                                               \
        if (!strstr((err).text, (part)))                                                                               \
            capi_test_fail(__FILE__, __LINE__, "the error is \"%s\", expected it to contain \"%s\"", (err).text,       \
                           (part));                                                                                    \
    } while (0)
