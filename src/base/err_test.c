#include "base/test.h"

#include <errno.h>

TEST(the_first_cause_stays_and_notes_follow_it)
{
    capi_err err = {0};

    capi_err_note(&err, "nothing happened");
    CHECK_STR(err.text, "");
    CHECK(capi_err_set(&err, CAPI_NOT_FOUND, "table \"%s\" does not exist", "loans") == CAPI_NOT_FOUND);
    capi_err_note(&err, "in node \"%s\"", "join");
    CHECK_STR(err.text, "table \"loans\" does not exist\n  in node \"join\"");
    CHECK_INT(err.text_bytes, strlen(err.text));
    capi_err_clear(&err);
    CHECK_INT(err.status, CAPI_OK);
    CHECK_STR(err.text, "");
}

TEST(no_error_object_is_fine_everywhere)
{
    CHECK(capi_err_set(NULL, CAPI_INVALID, "x") == CAPI_INVALID);
    CHECK(capi_err_set_at(NULL, CAPI_INVALID, 1, 2, "x") == CAPI_INVALID);
    CHECK(capi_err_set_errno(NULL, ENOSPC, "x") == CAPI_UNAVAILABLE);
    capi_err_note(NULL, "x");
    capi_err_clear(NULL);
    capi_err_copy(NULL, NULL);
}

TEST(a_long_text_is_cut_and_further_notes_do_no_harm)
{
    capi_err err = {0};
    char text[CAPI_ERR_TEXT_MAX + 100];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    capi_err_set(&err, CAPI_INVALID, "%s", text);
    capi_err_note(&err, "%s", text);
    CHECK_INT(err.text_bytes, CAPI_ERR_TEXT_MAX - 1);
    CHECK_INT(strlen(err.text), CAPI_ERR_TEXT_MAX - 1);
    CHECK_STR(err.text + CAPI_ERR_TEXT_MAX - 4, "...");
}

TEST(a_text_is_cut_between_characters)
{
    for (size_t before = 0; before < 4; before++) {
        char text[3 * CAPI_ERR_TEXT_MAX + 8] = "";
        capi_err err = {0};

        memset(text, 'x', before);
        for (size_t at = before; at < CAPI_ERR_TEXT_MAX + 8; at += 3)
            memcpy(text + at, "日", 4);
        capi_err_set(&err, CAPI_INVALID, "%s", text);
        CHECK(capi_str_is_utf8((capi_str){err.text, err.text_bytes}, NULL));
        CHECK(err.text_bytes < CAPI_ERR_TEXT_MAX && strcmp(err.text + err.text_bytes - 3, "...") == 0);
        capi_err_note(&err, "%s", text);
        CHECK(capi_str_is_utf8((capi_str){err.text, err.text_bytes}, NULL) && err.text[err.text_bytes] == 0);
    }
}

TEST(errno_picks_the_status_and_gives_the_words)
{
    capi_err err = {0};

    CHECK(capi_err_set_errno(&err, ENOENT, "cannot open \"%s\"", "x") == CAPI_NOT_FOUND);
    CHECK_STR(err.text, "cannot open \"x\": No such file or directory");
    CHECK(capi_err_set_errno(&err, EIO, "x") == CAPI_UNAVAILABLE);
    CHECK(capi_err_set_errno(&err, ENOMEM, "x") == CAPI_NO_MEMORY);
    CHECK(capi_err_set_errno(&err, EACCES, "x") == CAPI_INVALID);
}

TEST(a_copy_has_everything)
{
    capi_err from = {0};
    capi_err to = {0};

    capi_err_set_at(&from, CAPI_INVALID, 7, 3, "bad");
    capi_err_note(&from, "there");
    capi_err_copy(&to, &from);
    CHECK_INT(to.offset, 7);
    CHECK_INT(to.length_bytes, 3);
    CHECK_INT(to.status, CAPI_INVALID);
    CHECK_STR(to.text, "bad\n  there");
}

TEST(every_status_has_a_name)
{
    for (int status = CAPI_OK; status <= CAPI_INTERNAL; status++)
        CHECK(strcmp(capi_status_name((capi_status)status), "unknown") != 0);
}
