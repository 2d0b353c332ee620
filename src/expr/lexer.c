/* lexer.c - the tokens of expressions. They are Go's, matched longest first, even those that no expression may contain:
 * so "r.i<-1" is an error and not a comparison. */
#include "expr/lexer.h"

#include "expr/expr.h"

#include <stdio.h>
#include <utf8proc.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The byte at lexer->at + ahead, or 0 at the end (the text holds no NUL). */
static char peek(const expr_lexer *lexer, uint32_t ahead)
{
    size_t at = (size_t)lexer->at + ahead;

    return at < lexer->text.bytes ? lexer->text.data[at] : 0;
}

capi_str lexer_place(capi_str text, uint32_t offset, char buffer[64])
{
    unsigned line = 1;
    unsigned column = 1;
    int bytes;

    for (size_t i = 0; i < offset && i < text.bytes; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if ((text.data[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    if (line == 1)
        bytes = snprintf(buffer, 64, "column %u", column);
    else
        bytes = snprintf(buffer, 64, "line %u, column %u", line, column);
    return (capi_str){buffer, (size_t)bytes};
}

static capi_status lexer_fail(const expr_lexer *lexer, uint32_t from, uint32_t to, const char *what, capi_err *err)
{
    char buffer[64];
    capi_str place = lexer_place(lexer->text, from, buffer);

    return capi_err_set_at(err, CAPI_INVALID, from, to > from ? to - from : 1, "%s at %.*s", what, CAPI_STR_ARG(place));
}

static capi_status check_no_mark(capi_str text, capi_err *err)
{
    const char mark[] = "\xEF\xBB\xBF";

    for (size_t at = 1; at + 3 <= text.bytes; at++)
        if (memcmp(text.data + at, mark, 3) == 0)
            return capi_err_set_at(err, CAPI_INVALID, (int64_t)at, 3, "byte order mark inside the expression");
    return CAPI_OK;
}

capi_status lexer_check_text(capi_str text, capi_err *err)
{
    size_t bad_at = 0;
    const char *nul;

    if (text.bytes > CAPI_EXPR_BYTES_MAX)
        return capi_err_set_at(err, CAPI_INVALID, 0, 0, "expression of %zu bytes is longer than the maximum of %d",
                               text.bytes, CAPI_EXPR_BYTES_MAX);
    if (text.bytes == 0) return CAPI_OK;
    if (!capi_str_is_utf8(text, &bad_at))
        return capi_err_set_at(err, CAPI_INVALID, (int64_t)bad_at, 1, "byte 0x%02x at offset %zu is not valid UTF-8",
                               (unsigned char)text.data[bad_at], bad_at);
    nul = memchr(text.data, 0, text.bytes);
    if (nul)
        return capi_err_set_at(err, CAPI_INVALID, nul - text.data, 1, "NUL character at offset %td", nul - text.data);
    return check_no_mark(text, err);
}

expr_lexer lexer_start(capi_str text)
{
    return (expr_lexer){.text = text, .at = capi_str_starts(text, "\xEF\xBB\xBF") ? 3 : 0};
}

/* ---- white space and comments ---- */

/* Skips a comment at lexer->at; *has_newline tells whether it ends the line. */
static capi_status skip_comment(expr_lexer *lexer, bool *has_newline, capi_err *err)
{
    uint32_t from = lexer->at;

    lexer->at += 2;
    if (lexer->text.data[from + 1] == '/') {
        while (lexer->at < lexer->text.bytes && peek(lexer, 0) != '\n')
            lexer->at++;
        return CAPI_OK;
    }
    while (lexer->at < lexer->text.bytes) {
        if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
            lexer->at += 2;
            return CAPI_OK;
        }
        if (peek(lexer, 0) == '\n') *has_newline = true;
        lexer->at++;
    }
    return lexer_fail(lexer, from, from + 2, "comment without its \"*/\"", err);
}

/* Skips to the next token; *newline tells that the expression has ended before it. */
static capi_status skip_space(expr_lexer *lexer, bool *newline, capi_err *err)
{
    *newline = false;
    for (;;) {
        char c = peek(lexer, 0);

        if (c == '\n' && lexer->ends_line) *newline = true;
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            lexer->at++;
        } else if (c == '/' && (peek(lexer, 1) == '/' || peek(lexer, 1) == '*')) {
            bool has_newline = false;

            CAPI_TRY(skip_comment(lexer, &has_newline, err));
            if (has_newline && lexer->ends_line) *newline = true;
        } else {
            return CAPI_OK;
        }
    }
}

/* ---- names ---- */

static const char *const keywords[] = {
    "break", "case",   "chan",   "const",  "continue", "default", "defer",     "else", "fallthrough",
    "for",   "func",   "go",     "goto",   "if",       "import",  "interface", "map",  "package",
    "range", "return", "select", "struct", "switch",   "type",    "var",
};

/* Bytes of the letter, digit or underscore at lexer->at, or 0. */
static uint32_t name_character(const expr_lexer *lexer, bool is_first)
{
    const utf8proc_uint8_t *data = (const utf8proc_uint8_t *)lexer->text.data + lexer->at;
    utf8proc_int32_t code;
    utf8proc_ssize_t bytes;
    utf8proc_category_t category;
    char c = peek(lexer, 0);

    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return 1;
    if (is_digit(c)) return is_first ? 0 : 1;
    if ((unsigned char)c < 0x80) return 0;
    bytes = utf8proc_iterate(data, (utf8proc_ssize_t)(lexer->text.bytes - lexer->at), &code);
    if (bytes <= 0) return 0;
    category = utf8proc_category(code);
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) return (uint32_t)bytes;
    return category == UTF8PROC_CATEGORY_ND && !is_first ? (uint32_t)bytes : 0;
}

static void lex_name(expr_lexer *lexer, expr_token *out)
{
    uint32_t from = lexer->at;
    uint32_t step;

    while ((step = name_character(lexer, lexer->at == from)) > 0)
        lexer->at += step;
    out->text = capi_str_slice(lexer->text, from, lexer->at);
    out->kind = TOKEN_NAME;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (capi_str_is(out->text, keywords[i])) out->kind = TOKEN_KEYWORD;
    lexer->ends_line = true;
}

/* ---- numbers ---- */

typedef struct number_shape {
    int base;       /* 2, 8, 10, 16 */
    bool old_octal; /* starts with 0 and is no other base */
    bool is_float;
    bool has_underscore;
    char bad_digit; /* a digit too high for the base, or 0 */
    uint32_t digit_count;
} number_shape;

static void skip_digits(expr_lexer *lexer, number_shape *shape)
{
    for (;; lexer->at++) {
        char c = peek(lexer, 0);

        if (c == '_') {
            shape->has_underscore = true;
            continue;
        }
        if (shape->base == 16 ? !is_hex(c) : !is_digit(c)) return;
        shape->digit_count++;
        if (shape->base <= 8 && c >= '0' + shape->base && !shape->bad_digit) shape->bad_digit = c;
        if (shape->old_octal && c >= '8' && !shape->bad_digit) shape->bad_digit = c;
    }
}

static void number_prefix(expr_lexer *lexer, number_shape *shape)
{
    char c = peek(lexer, 1) | 0x20;

    shape->base = 10;
    if (peek(lexer, 0) != '0') return;
    if (c == 'x')
        shape->base = 16;
    else if (c == 'o')
        shape->base = 8;
    else if (c == 'b')
        shape->base = 2;
    else
        shape->old_octal = true;
    if (shape->base != 10) lexer->at += 2;
}

/* Underscores stand between digits, or between a base prefix and a digit. */
static bool underscores_fit(capi_str text)
{
    bool after_digit = false;
    size_t at = 0;

    if (text.bytes >= 2 && text.data[0] == '0' && strchr("xXoObB", text.data[1])) {
        after_digit = true;
        at = 2;
    }
    for (; at < text.bytes; at++) {
        char c = text.data[at];

        if (c == '_') {
            if (!after_digit || at + 1 >= text.bytes || !is_hex(text.data[at + 1])) return false;
            after_digit = false;
        } else {
            after_digit = is_hex(c);
        }
    }
    return true;
}

static capi_status lex_exponent(expr_lexer *lexer, const number_shape *shape, capi_err *err)
{
    uint32_t from = lexer->at;
    number_shape digits = {.base = 10};
    char letter = peek(lexer, 0) | 0x20;

    if (letter == 'e' && shape->base != 10)
        return lexer_fail(lexer, from, from + 1, "exponent with e needs a decimal number", err);
    if (letter == 'p' && shape->base != 16)
        return lexer_fail(lexer, from, from + 1, "exponent with p needs a hexadecimal number", err);
    lexer->at++;
    if (peek(lexer, 0) == '+' || peek(lexer, 0) == '-') lexer->at++;
    skip_digits(lexer, &digits);
    if (digits.digit_count == 0) return lexer_fail(lexer, from, lexer->at, "exponent has no digits", err);
    return CAPI_OK;
}

static capi_status check_number(const expr_lexer *lexer, const expr_token *out, const number_shape *shape,
                                bool is_imaginary, capi_err *err)
{
    uint32_t end = lexer->at;

    if (shape->digit_count == 0) return lexer_fail(lexer, out->offset, end, "number has no digits", err);
    if (shape->bad_digit && !(shape->old_octal && (shape->is_float || is_imaginary))) {
        char buffer[64];
        capi_str place = lexer_place(lexer->text, out->offset, buffer);

        if (shape->old_octal)
            return capi_err_set_at(err, CAPI_INVALID, out->offset, end - out->offset,
                                   "digit %c in a number with a leading zero at %.*s", shape->bad_digit,
                                   CAPI_STR_ARG(place));
        return capi_err_set_at(err, CAPI_INVALID, out->offset, end - out->offset,
                               "digit %c in a number of base %d at %.*s", shape->bad_digit, shape->base,
                               CAPI_STR_ARG(place));
    }
    if (!underscores_fit(out->text))
        return lexer_fail(lexer, out->offset, end, "\"_\" must stand between digits in the number", err);
    return CAPI_OK;
}

static capi_status lex_number(expr_lexer *lexer, expr_token *out, capi_err *err)
{
    number_shape shape = {0};
    bool is_imaginary = false;
    bool has_exponent = false;
    char letter;

    number_prefix(lexer, &shape);
    skip_digits(lexer, &shape);
    if (peek(lexer, 0) == '.') {
        if (shape.base == 2 || shape.base == 8)
            return lexer_fail(lexer, lexer->at, lexer->at + 1, "point in a number that is not decimal", err);
        shape.is_float = true;
        lexer->at++;
        skip_digits(lexer, &shape);
    }
    letter = peek(lexer, 0) | 0x20;
    if (letter == 'e' || letter == 'p') {
        CAPI_TRY(lex_exponent(lexer, &shape, err));
        shape.is_float = has_exponent = true;
    }
    if (shape.base == 16 && shape.is_float && !has_exponent)
        return lexer_fail(lexer, out->offset, lexer->at, "hexadecimal number with a point needs a p exponent", err);
    if (peek(lexer, 0) == 'i') {
        is_imaginary = true;
        lexer->at++;
    }
    out->text = capi_str_slice(lexer->text, out->offset, lexer->at);
    CAPI_TRY(check_number(lexer, out, &shape, is_imaginary, err));
    out->kind = TOKEN_ODD;
    if (is_imaginary)
        out->odd = "imaginary number";
    else if (shape.base != 10)
        out->odd = shape.base == 16 ? "hexadecimal number" : shape.base == 8 ? "octal number" : "binary number";
    else if (memchr(out->text.data, '_', out->text.bytes))
        out->odd = "number with underscores";
    else
        out->kind = shape.is_float ? TOKEN_FLOAT : TOKEN_INT;
    lexer->ends_line = true;
    return CAPI_OK;
}

/* ---- texts ---- */

static int hex_value(char c)
{
    return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* lexer->at is at the backslash; skips the escape sequence. */
static capi_status skip_escape(expr_lexer *lexer, char quote, capi_err *err)
{
    uint32_t from = lexer->at;
    char c = peek(lexer, 1);
    uint32_t digit_count;
    uint32_t code = 0;
    uint32_t base = 16;
    uint32_t code_max = 0x10FFFF;

    lexer->at += 2;
    if (c == quote || (c && strchr("abfnrtv\\", c))) return CAPI_OK;
    if (c >= '0' && c <= '7') {
        digit_count = 3;
        base = 8;
        code_max = 255;
        lexer->at--;
    } else if (c == 'x') {
        digit_count = 2;
        code_max = 255;
    } else if (c == 'u') {
        digit_count = 4;
    } else if (c == 'U') {
        digit_count = 8;
    } else {
        return lexer_fail(lexer, from, from + 2, "unknown escape sequence (raw texts in backquotes need none)", err);
    }
    for (uint32_t i = 0; i < digit_count; i++, lexer->at++) {
        char digit = peek(lexer, 0);

        if (base == 16 ? !is_hex(digit) : !(digit >= '0' && digit <= '7'))
            return lexer_fail(lexer, from, lexer->at + 1, "escape sequence with too few digits", err);
        code = code * base + (uint32_t)hex_value(digit);
    }
    if (code > code_max || (code >= 0xD800 && code < 0xE000))
        return lexer_fail(lexer, from, lexer->at, "escape sequence is no valid character", err);
    return CAPI_OK;
}

static capi_status lex_quoted(expr_lexer *lexer, expr_token *out, capi_err *err)
{
    lexer->at++;
    for (;;) {
        char c = peek(lexer, 0);

        if (c == 0 || c == '\n')
            return lexer_fail(lexer, out->offset, lexer->at, "text without its closing quotation mark", err);
        if (c == '"') break;
        if (c == '\\')
            CAPI_TRY(skip_escape(lexer, '"', err));
        else
            lexer->at++;
    }
    lexer->at++;
    out->kind = TOKEN_STRING;
    out->text = capi_str_slice(lexer->text, out->offset, lexer->at);
    lexer->ends_line = true;
    return CAPI_OK;
}

static capi_status lex_raw(expr_lexer *lexer, expr_token *out, capi_err *err)
{
    const char *end;

    lexer->at++;
    end = memchr(lexer->text.data + lexer->at, '`', lexer->text.bytes - lexer->at);
    if (!end) return lexer_fail(lexer, out->offset, out->offset + 1, "raw text without its closing backquote", err);
    lexer->at = (uint32_t)(end - lexer->text.data) + 1;
    out->kind = TOKEN_RAW;
    out->text = capi_str_slice(lexer->text, out->offset, lexer->at);
    lexer->ends_line = true;
    return CAPI_OK;
}

static capi_status lex_rune(expr_lexer *lexer, expr_token *out, capi_err *err)
{
    uint32_t character_count = 0;

    lexer->at++;
    for (;;) {
        char c = peek(lexer, 0);

        if (c == 0 || c == '\n')
            return lexer_fail(lexer, out->offset, lexer->at, "character without its closing quotation mark", err);
        if (c == '\'') break;
        if (c == '\\') {
            CAPI_TRY(skip_escape(lexer, '\'', err));
        } else {
            do
                lexer->at++;
            while ((peek(lexer, 0) & 0xC0) == 0x80);
        }
        character_count++;
    }
    lexer->at++;
    if (character_count != 1)
        return lexer_fail(lexer, out->offset, lexer->at,
                          "character literal does not hold one character (texts have double quotes)", err);
    out->kind = TOKEN_ODD;
    out->odd = "character literal";
    out->text = capi_str_slice(lexer->text, out->offset, lexer->at);
    lexer->ends_line = true;
    return CAPI_OK;
}

/* ---- operators ---- */

static const char *const operators[] = {
    "<<=", ">>=", "&^=", "...", "&&", "||", "<-", "++", "--", "==", "!=", "<=", ">=", ":=", "+=", "-=",
    "*=",  "/=",  "%=",  "&=",  "|=", "^=", "<<", ">>", "&^", "+",  "-",  "*",  "/",  "%",  "&",  "|",
    "^",   "<",   ">",   "=",   "!",  "(",  ")",  "[",  "]",  "{",  "}",  ",",  ";",  ".",  ":",  "~",
};

static capi_status lex_operator(expr_lexer *lexer, expr_token *out, capi_err *err)
{
    capi_str rest = capi_str_slice(lexer->text, lexer->at, lexer->text.bytes);
    uint32_t bytes = 1;
    char what[64];

    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!capi_str_starts(rest, operators[i])) continue;
        out->kind = TOKEN_OPERATOR;
        out->text = capi_str_slice(rest, 0, strlen(operators[i]));
        lexer->at += (uint32_t)out->text.bytes;
        lexer->ends_line =
            strchr(")]}", out->text.data[0]) != NULL || capi_str_is(out->text, "++") || capi_str_is(out->text, "--");
        return CAPI_OK;
    }
    while (bytes < rest.bytes && (rest.data[bytes] & 0xC0) == 0x80)
        bytes++;
    snprintf(what, sizeof what, "unexpected character \"%.*s\"%s", (int)bytes, rest.data,
             rest.data[0] == '?' ? "; a choice is int.iif(condition, a, b)" : "");
    return lexer_fail(lexer, lexer->at, lexer->at + bytes, what, err);
}

capi_status lexer_next(expr_lexer *lexer, expr_token *out, capi_err *err)
{
    uint32_t from = lexer->at;
    bool newline;
    char c;

    CAPI_TRY(skip_space(lexer, &newline, err));
    *out = (expr_token){.offset = lexer->at};
    if (newline) {
        *out = (expr_token){.kind = TOKEN_NEWLINE, .offset = from, .text = CAPI_STR("")};
        lexer->ends_line = false;
        return CAPI_OK;
    }
    if (lexer->at >= lexer->text.bytes) {
        out->kind = TOKEN_END;
        return CAPI_OK;
    }
    c = peek(lexer, 0);
    if (name_character(lexer, true)) {
        lex_name(lexer, out);
        return CAPI_OK;
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) return lex_number(lexer, out, err);
    if (c == '"') return lex_quoted(lexer, out, err);
    if (c == '`') return lex_raw(lexer, out, err);
    if (c == '\'') return lex_rune(lexer, out, err);
    return lex_operator(lexer, out, err);
}
