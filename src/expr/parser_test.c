/* parser_test.c - what parses, to what tree, and the words and places of syntax errors. */
#include "base/buf.h"
#include "base/test.h"
#include "expr/expr.h"

#include <stdlib.h>

/* The tree with all parentheses: (+ 1 (* 2 3)). */
static void show(const capi_ast *ast, capi_buf *to)
{
    if (ast->arg_count == 0) {
        capi_buf_append_str(to, capi_ast_text(ast));
        return;
    }
    capi_buf_append_byte(to, '(');
    if (ast->alias.bytes) capi_buf_printf(to, "%.*s.", CAPI_STR_ARG(ast->alias));
    capi_buf_append_str(to, ast->name);
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        capi_buf_append_byte(to, ' ');
        show(ast->args[i], to);
    }
    capi_buf_append_byte(to, ')');
}

static const char *parse(const char *text)
{
    static char result[8192];
    capi_arena arena = {0};
    capi_buf buf = {0};
    capi_err err = {0};
    const capi_ast *ast;

    if (capi_expr_parse(&arena, capi_str_of(text), &ast, &err) == CAPI_OK) {
        show(ast, &buf);
        snprintf(result, sizeof result, "%.*s", (int)buf.bytes, buf.data);
    } else {
        snprintf(result, sizeof result, "%lld+%u %s", (long long)err.offset, err.length_bytes, err.text);
    }
    capi_buf_deinit(&buf);
    capi_arena_deinit(&arena);
    return result;
}

TEST(operators_bind_by_precedence_and_to_the_left)
{
    CHECK_STR(parse("1 + 2 * 3"), "(+ 1 (* 2 3))");
    CHECK_STR(parse("10 - 3 - 2"), "(- (- 10 3) 2)");
    CHECK_STR(parse("true || false && 1 < 2 + 3"), "(|| true (&& false (< 1 (+ 2 3))))");
    CHECK_STR(parse("!r.b == false"), "(== (! r.b) false)");
    CHECK_STR(parse("- -1"), "(- (- 1))");
    CHECK_STR(parse("1 < 2 == true"), "(== (< 1 2) true)");
}

TEST(calls_and_fields_have_an_alias_and_a_name)
{
    CHECK_STR(parse("string.iif(r . a, f(1,), x)"), "(string.iif r . a (f 1) x)");
    CHECK_STR(parse("string.iif(true,\n\"a\",\n\"b\")"), "(string.iif true \"a\" \"b\")");
}

TEST(a_line_end_after_an_operand_ends_the_expression)
{
    CHECK_STR(parse("1 +\n2"), "(+ 1 2)");
    CHECK_STR(parse("\n 1 \n\n"), "1");
    CHECK_STR(parse("1 /* a\nb */"), "1");
    CHECK_STR(parse("1 + 2 // three"), "(+ 1 2)");
    CHECK_STR(parse("1\n// more\n"), "1");
    CHECK_STR(parse("1\n+ 2"),
              "2+1 expected an operator or the end of the expression at line 2, column 1, found \"+\"");
    CHECK_STR(parse("1 /* \n */ + 2"),
              "10+1 expected an operator or the end of the expression at line 2, column 5, found \"+\"");
    CHECK_STR(
        parse("f(1\n, 2)"),
        "3+1 expected \",\" or \")\" at column 4, found the end of the line (break lines after operators and commas)");
}

TEST(a_syntax_error_names_what_was_expected_and_where)
{
    CHECK_STR(parse("(a + 1"), "6+0 expected \")\" at column 7");
    CHECK_STR(parse("1 2"), "2+1 expected an operator or the end of the expression at column 3, found \"2\"");
    CHECK_STR(parse("r.type"), "2+4 expected a name after \".\" at column 3, found the reserved word \"type\"");
    CHECK_STR(parse("r.i<-1"), "3+2 expected an operator or the end of the expression at column 4, found \"<-\"");
    CHECK_STR(parse("1--1"), "1+2 expected an operator or the end of the expression at column 2, found \"--\"");
    CHECK_STR(parse("f(x...)"), "3+3 expected \",\" or \")\" at column 4, found \"...\"");
    CHECK_STR(parse("1;"), "1+1 expected an operator or the end of the expression at column 2, found \";\"");
    CHECK_STR(parse(""), "0+0 expression is empty");
    CHECK_STR(parse(" // nothing"), "0+0 expression is empty");
    CHECK_STR(parse("1 + žluť é"), "11+2 expected an operator or the end of the expression at column 10, found \"é\"");
}

TEST(what_other_languages_have_gets_a_hint)
{
    CHECK_STR(parse("r.a = 1"),
              "4+1 expected an operator or the end of the expression at column 5, found \"=\"; did you "
              "mean \"==\"?");
    CHECK_STR(parse("r.a and r.b"), "4+3 expected an operator or the end of the expression at column 5, found \"and\"; "
                                    "did you mean \"&&\"?");
    CHECK_STR(parse("f(not r.b)"), "6+1 expected \",\" or \")\" at column 7, found \"r\"; \"not\" is written \"!\"");
    CHECK_STR(parse("r.a <> r.b"), "5+1 expected an operand at column 6, found \">\"; \"not equal\" is \"!=\"");
    CHECK_STR(parse("r.a ? 1 : 2"), "4+1 unexpected character \"?\"; a choice is int.iif(condition, a, b) at column 5");
}

TEST(a_malformed_literal_is_a_syntax_error)
{
    CHECK_STR(parse("08"), "0+2 digit 8 in a number with a leading zero at column 1");
    CHECK_STR(parse("\"\\d\""), "1+2 unknown escape sequence (raw texts in backquotes need none) at column 2");
    CHECK_STR(parse("\"abc"), "0+4 text without its closing quotation mark at column 1");
    CHECK_STR(parse("`abc"), "0+1 raw text without its closing backquote at column 1");
    CHECK_STR(parse("1e"), "1+1 exponent has no digits at column 2");
    CHECK_STR(parse("1__0"), "0+4 \"_\" must stand between digits in the number at column 1");
    CHECK_STR(parse("0x"), "0+2 number has no digits at column 1");
    CHECK_STR(parse("'ab'"),
              "0+4 character literal does not hold one character (texts have double quotes) at column 1");
    CHECK_STR(parse("\"\\ud800\""), "1+6 escape sequence is no valid character at column 2");
    CHECK_STR(parse("\"\\400\""), "1+4 escape sequence is no valid character at column 2");
    CHECK_STR(parse("1 # 2"), "2+1 unexpected character \"#\" at column 3");
    CHECK_STR(parse("1 /* 2"), "2+2 comment without its \"*/\" at column 3");
}

TEST(literals_of_other_languages_still_parse)
{
    const char *const texts[] = {"0x1F",   "0o7",   "0b1",  "1_000",  "'a'",    "'\\''",  "1i",
                                 "0x1p-2", "08.5i", "x[1]", "x[1:2]", "r.a.b",  "f(x).y", "(f)(1)",
                                 "^1",     "&x",    "*x",   "<-x",    "1 &^ 2", "1 << 2"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        capi_arena arena = {0};
        capi_err err = {0};
        const capi_ast *ast;

        CHECK_OK(capi_expr_parse(&arena, capi_str_of(texts[i]), &ast, &err), err);
        capi_arena_deinit(&arena);
    }
    CHECK_STR(parse("08.5"), "08.5");
    CHECK_STR(parse("09e1"), "09e1");
}

static capi_status parse_repeated(const char *before, const char *middle, const char *after, int times, capi_err *err)
{
    capi_arena arena = {0};
    capi_buf buf = {0};
    const capi_ast *ast;
    capi_status st;

    for (int i = 0; i < times; i++)
        capi_buf_append_text(&buf, before);
    capi_buf_append_text(&buf, middle);
    for (int i = 0; i < times; i++)
        capi_buf_append_text(&buf, after);
    st = capi_expr_parse(&arena, capi_buf_str(&buf), &ast, err);
    capi_buf_deinit(&buf);
    capi_arena_deinit(&arena);
    return st;
}

TEST(depth_and_size_are_bounded)
{
    capi_err err = {0};

    CHECK_OK(parse_repeated("(", "1", ")", 1000, &err), err);
    CHECK(parse_repeated("(", "1", ")", 1001, &err) == CAPI_INVALID);
    CHECK_ERR(err, "nested deeper than 1000 levels");
    CHECK(parse_repeated("(", "1", ")", 100000, &err) == CAPI_INVALID);
    CHECK(parse_repeated("- ", "1", "", 100000, &err) == CAPI_INVALID);
    CHECK(parse_repeated("f(", "1", ")", 1000, &err) == CAPI_INVALID);
    CHECK(parse_repeated("1 + ", "1", "", 1000, &err) == CAPI_INVALID);
    CHECK_OK(parse_repeated("1 + ", "1", "", 999, &err), err);
    CHECK(parse_repeated("x", "", "[1]", 2000, &err) == CAPI_INVALID);
    CHECK(parse_repeated(" ", "1", " ", 200000, &err) == CAPI_INVALID);
    CHECK_ERR(err, "longer than the maximum of 262144");
    CHECK(parse_repeated("a||b&&c==d+e*(", "1", ")", 999, &err) == CAPI_INVALID);
}

TEST(text_that_is_no_utf8_is_refused)
{
    CHECK_STR(parse("\"a\xff\""), "2+1 byte 0xff at offset 2 is not valid UTF-8");
    CHECK_STR(parse("1 \xEF\xBB\xBF"), "2+3 byte order mark inside the expression");
    CHECK_STR(parse("\xEF\xBB\xBF 1"), "1");
}

TEST(the_place_of_parentheses_includes_them)
{
    capi_arena arena = {0};
    const capi_ast *ast;

    CHECK(capi_expr_parse(&arena, CAPI_STR("2 * (r.a + 1)"), &ast, NULL) == CAPI_OK);
    CHECK_INT(ast->args[1]->offset, 4);
    CHECK_INT(ast->args[1]->length_bytes, 9);
    CHECK(ast->args[1]->in_parentheses);
    CHECK_INT(ast->length_bytes, 13);
    capi_arena_deinit(&arena);
}
