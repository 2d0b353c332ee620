/* secret_test.c - what is hidden, what is not, and that places stay. */
#include "base/secret.h"

#include "base/test.h"

TEST(passwords_and_signatures_in_urls_are_hidden_and_nothing_else)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"sftp://me:secret@host/a.csv", "sftp://me:******@host/a.csv"},
        {"- \"https://me:s:e@c@host:80/a?x=1\" # me:x@y", "- \"https://me:*****@host:80/a?x=1\" # me:x@y"},
        {"a https://u:pä@h, b ftp://v:q@i", "a https://u:**@h, b ftp://v:*@i"},
        {"https://h/a?X-Amz-Signature=abc&v=1&token=t#key", "https://h/a?X-Amz-Signature=***&v=1&token=*#key"},
        {"https://me@host/a:b@c", NULL},
        {"s3://bucket/key?list", NULL},
        {"no url: a:b@c", NULL},
        {"://", NULL},
        {"https://:@", NULL},
        {"", NULL},
    };
    capi_arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        capi_str shown = capi_secret_mask(capi_str_of(cases[i].text), &arena);

        if (!capi_str_is(shown, cases[i].shown ? cases[i].shown : cases[i].text))
            capi_test_fail(__FILE__, __LINE__, "\"%s\" is shown as \"%.*s\"", cases[i].text, CAPI_STR_ARG(shown));
        if (!cases[i].shown) CHECK(shown.data == cases[i].text);
    }
    capi_arena_deinit(&arena);
}
