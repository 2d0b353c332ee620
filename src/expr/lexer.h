/* lexer.h - cuts the text of an expression into the tokens of Go, newlines included where they end the expression.
 *
 *     expr_lexer lexer = lexer_start(text);
 *     expr_token token;
 *     CAPI_TRY(lexer_next(&lexer, &token, err));     until TOKEN_END
 *
 * Tokens point into the text. The lexer checks the form of literals and leaves their values to the parser. */
#pragma once

#include "base/err.h"
#include "base/str.h"

typedef enum token_kind {
    TOKEN_END,
    TOKEN_NEWLINE, /* a line end after an operand: ends the expression */
    TOKEN_NAME,
    TOKEN_KEYWORD, /* Go's 25 words */
    TOKEN_INT,     /* decimal digits */
    TOKEN_FLOAT,   /* decimal, without underscores */
    TOKEN_ODD,     /* well formed and never valid: 0x1F, 1_000, 1i, 'a' */
    TOKEN_STRING,  /* "..." */
    TOKEN_RAW,     /* `...` */
    TOKEN_OPERATOR,
} token_kind;

typedef struct expr_token {
    token_kind kind;
    uint32_t offset;
    capi_str text;   /* as written, quotes included */
    const char *odd; /* TOKEN_ODD: what it is, for the message */
} expr_token;

typedef struct expr_lexer {
    capi_str text;
    uint32_t at;
    bool ends_line; /* a newline at `at` would end the expression */
} expr_lexer;

/* The text as a whole: its size, UTF-8, no NUL. */
CAPI_MUST_USE capi_status lexer_check_text(capi_str text, capi_err *err);
expr_lexer lexer_start(capi_str text);
CAPI_MUST_USE capi_status lexer_next(expr_lexer *lexer, expr_token *out, capi_err *err);

/* For messages: "column 7", or "line 2, column 7". */
capi_str lexer_place(capi_str text, uint32_t offset, char buffer[64]);
