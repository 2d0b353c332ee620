/* translate.c - one pass over the text: texts are skipped, words are looked at. */
#include "python/translate.h"

#include "base/buf.h"

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return is_word_start(c) || (c >= '0' && c <= '9');
}

static size_t word_end(capi_str text, size_t at)
{
    while (at < text.bytes && is_word(text.data[at]))
        at++;
    return at;
}

static size_t skip_blanks(capi_str text, size_t at)
{
    while (at < text.bytes && strchr(" \t\r\n", text.data[at]))
        at++;
    return at;
}

/* Behind the text that begins at `at`; backslashes protect what follows. */
static size_t text_end(capi_str text, size_t at)
{
    char quote = text.data[at++];

    while (at < text.bytes && text.data[at] != quote)
        at += text.data[at] == '\\' && at + 1 < text.bytes ? 2 : 1;
    return at < text.bytes ? at + 1 : text.bytes;
}

static int64_t find_reader(const capi_python_names *names, capi_str name)
{
    for (uint32_t i = 0; i < names->reader_count; i++)
        if (capi_str_equal(names->readers[i].name, name)) return i;
    return -1;
}

static bool is_processor(const capi_python_names *names, capi_str name)
{
    for (uint32_t i = 0; i < names->processor_count; i++)
        if (capi_str_equal(names->processors[i], name)) return true;
    return false;
}

/* alias.name: true if it is a field. */
static bool is_field(const capi_python_names *names, capi_str alias, capi_str name, bool *used)
{
    int64_t reader;

    if (capi_str_is(alias, "p")) return is_processor(names, name);
    if (!capi_str_is(alias, "r")) return false;
    reader = find_reader(names, name);
    if (reader >= 0) used[reader] = true;
    return reader >= 0;
}

capi_str capi_python_translate(capi_arena *arena, capi_str formula, const capi_python_names *names, bool *used)
{
    capi_buf out = {0};
    capi_str result;
    bool after_dot = false; /* the word is an attribute of something */
    size_t at = 0;

    while (at < formula.bytes) {
        char c = formula.data[at];
        size_t end = at + 1;

        if (c == '"' || c == '\'') {
            end = text_end(formula, at);
        } else if (is_word(c)) {
            size_t dot, name;

            end = word_end(formula, at);
            dot = skip_blanks(formula, end);
            name = dot < formula.bytes && formula.data[dot] == '.' ? skip_blanks(formula, dot + 1) : formula.bytes;
            if (!after_dot && name < formula.bytes) {
                capi_str alias = capi_str_slice(formula, at, end);
                capi_str field = capi_str_slice(formula, name, word_end(formula, name));

                if (is_field(names, alias, field, used)) {
                    capi_buf_append_str(&out, alias);
                    capi_buf_append_byte(&out, '_');
                    capi_buf_append_str(&out, field);
                    at = name + field.bytes;
                    continue;
                }
            }
        }
        capi_buf_append(&out, formula.data + at, end - at);
        if (!strchr(" \t\r\n", c)) after_dot = c == '.';
        at = end;
    }
    result = capi_str_copy(arena, capi_buf_str(&out));
    capi_buf_deinit(&out);
    return result;
}

static bool reaches_globals(capi_str word)
{
    static const char *const words[] = {"globals",  "eval",        "exec",      "vars",
                                        "__main__", "__globals__", "f_globals", "__name__"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (capi_str_is(word, words[i])) return true;
    return false;
}

bool capi_python_find_globals(capi_str code, const capi_python_names *names, bool *used)
{
    bool reaches_all = false;
    bool found = false;

    for (size_t at = 0; at < code.bytes;) {
        size_t end = at + 1;

        if (is_word(code.data[at])) {
            capi_str word;

            end = word_end(code, at);
            word = capi_str_slice(code, at, end);
            if (word.bytes > 2 && word.data[1] == '_') {
                capi_str alias = capi_str_slice(word, 0, 1);

                found |= is_field(names, alias, capi_str_slice(word, 2, word.bytes), used);
            }
            reaches_all |= reaches_globals(word);
        }
        at = end;
    }
    return found || reaches_all;
}
