/* python_scan.c - reads Python line by logical line: brackets, strings and backslashes join lines, indentation nests them.
 *
 * Only what binds a name at module level counts, also inside if, try, with and loops, but not inside def and class. */
#include "script/python_scan.h"

enum { NESTING_MAX = 200 };

typedef struct python_block {
    uint32_t indent;
    bool is_scope; /* def or class: names inside are not the module's */
} python_block;

typedef struct python_scanner {
    capi_arena *arena;
    capi_str code;
    size_t at;
    python_block blocks[NESTING_MAX];
    uint32_t block_count;
    bool is_decorated;
    capi_python_module *out;
} python_scanner;

static int byte_at(const python_scanner *scanner, size_t at)
{
    return at < scanner->code.bytes ? (unsigned char)scanner->code.data[at] : -1;
}

static bool is_word_byte(int byte)
{
    return byte == '_' || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte >= 0x80;
}

/* ---- skipping ---- */

/* At a quote: behind the whole string, triple-quoted or not. */
static size_t skip_string(const python_scanner *scanner, size_t at)
{
    int quote = byte_at(scanner, at);
    bool is_long = byte_at(scanner, at + 1) == quote && byte_at(scanner, at + 2) == quote;

    at += is_long ? 3 : 1;
    for (; at < scanner->code.bytes; at++) {
        int byte = byte_at(scanner, at);

        if (byte == '\\')
            at++;
        else if (!is_long && byte == '\n')
            return at;
        else if (byte == quote && !is_long)
            return at + 1;
        else if (byte == quote && byte_at(scanner, at + 1) == quote && byte_at(scanner, at + 2) == quote)
            return at + 3;
    }
    return scanner->code.bytes;
}

static size_t skip_comment(const python_scanner *scanner, size_t at)
{
    while (at < scanner->code.bytes && scanner->code.data[at] != '\n')
        at++;
    return at;
}

/* One thing of a logical line: a byte, a string, a comment, or a joined line end; *depth counts open brackets. */
static size_t skip_one(const python_scanner *scanner, size_t at, uint32_t *depth)
{
    int byte = byte_at(scanner, at);

    if (byte == '"' || byte == '\'') return skip_string(scanner, at);
    if (byte == '#') return skip_comment(scanner, at);
    if (byte == '\\' && byte_at(scanner, at + 1) == '\r') return at + 3;
    if (byte == '\\') return at + 2;
    if (byte == '(' || byte == '[' || byte == '{') (*depth)++;
    if ((byte == ')' || byte == ']' || byte == '}') && *depth > 0) (*depth)--;
    return at + 1;
}

static size_t skip_logical_line(const python_scanner *scanner, size_t at)
{
    uint32_t depth = 0;

    while (at < scanner->code.bytes && (scanner->code.data[at] != '\n' || depth > 0))
        at = skip_one(scanner, at, &depth);
    return at < scanner->code.bytes ? at + 1 : scanner->code.bytes;
}

static size_t skip_blanks(const python_scanner *scanner, size_t at)
{
    for (;;) {
        int byte = byte_at(scanner, at);

        if (byte == '\\' && byte_at(scanner, at + 1) == '\n')
            at += 2;
        else if (byte == ' ' || byte == '\t' || byte == '\f' || byte == '\r')
            at++;
        else
            return at;
    }
}

static capi_str read_word(const python_scanner *scanner, size_t *at)
{
    size_t start = *at = skip_blanks(scanner, *at);

    while (is_word_byte(byte_at(scanner, *at)))
        (*at)++;
    return capi_str_slice(scanner->code, start, *at);
}

/* ---- definitions ---- */

static capi_python_function *add_function(python_scanner *scanner, capi_str name)
{
    capi_python_function *function = capi_new(scanner->arena, capi_python_function);

    function->name = name;
    function->args_max = UINT32_MAX;
    function->other = capi_map_put(&scanner->out->by_name, name, function);
    return function;
}

typedef struct parameter_list {
    uint32_t required, optional;
    bool takes_more;      /* *args */
    bool is_keyword_only; /* behind "*" */
    bool wants_keyword;   /* a keyword-only parameter without default: no call of ours can give it */
} parameter_list;

static void add_parameter(parameter_list *list, capi_str text, bool has_default)
{
    text = capi_str_trim(text);
    if (text.bytes == 0 || capi_str_is(text, "/") || capi_str_starts(text, "**")) return;
    if (text.data[0] == '*') {
        list->is_keyword_only = true;
        if (text.bytes > 1) list->takes_more = true;
    } else if (list->is_keyword_only)
        list->wants_keyword |= !has_default;
    else if (has_default)
        list->optional++;
    else
        list->required++;
}

/* At "(": counts the parameters; *end is behind ")". */
static bool read_parameters(const python_scanner *scanner, size_t at, size_t *end, parameter_list *list)
{
    size_t start = at + 1;
    uint32_t depth = 1;
    bool has_default = false;

    *list = (parameter_list){0};
    for (at++; at < scanner->code.bytes;) {
        int byte = byte_at(scanner, at);

        if (depth == 1 && (byte == ',' || byte == ')')) {
            add_parameter(list, capi_str_slice(scanner->code, start, at), has_default);
            start = at + 1;
            has_default = false;
            if (byte == ')') {
                *end = at + 1;
                return true;
            }
        }
        if (depth == 1 && byte == '=') has_default = true;
        if (depth == 1 && byte == '#') { /* not part of the parameter's text */
            if (capi_str_trim(capi_str_slice(scanner->code, start, at)).bytes == 0) start = skip_comment(scanner, at);
        }
        at = skip_one(scanner, at, &depth);
    }
    return false;
}

static capi_str one_line(capi_arena *arena, capi_str text)
{
    char *copy = capi_arena_copy(arena, text.data, text.bytes);

    for (size_t i = 0; i < text.bytes; i++)
        if ((unsigned char)copy[i] < 0x20) copy[i] = ' ';
    return (capi_str){copy, text.bytes > 100 ? 100 : text.bytes};
}

/* Behind "def". */
static void read_def(python_scanner *scanner, size_t at)
{
    capi_str name = read_word(scanner, &at);
    capi_python_function *function;
    parameter_list list;
    size_t end;

    at = skip_blanks(scanner, at);
    if (byte_at(scanner, at) == '[') { /* type parameters */
        uint32_t depth = 0;

        do
            at = skip_one(scanner, at, &depth);
        while (depth > 0 && at < scanner->code.bytes);
        at = skip_blanks(scanner, at);
    }
    if (name.bytes == 0 || byte_at(scanner, at) != '(' || !read_parameters(scanner, at, &end, &list)) return;
    function = add_function(scanner, name);
    function->signature =
        one_line(scanner->arena, capi_str_slice(scanner->code, (size_t)(name.data - scanner->code.data), end));
    if (scanner->is_decorated) return;
    function->args_min = list.wants_keyword ? UINT32_MAX : list.required;
    function->args_max = list.takes_more ? UINT32_MAX : list.required + list.optional;
}

/* Behind "import" of a from-import: names, each perhaps "as" another. */
static void read_import_names(python_scanner *scanner, size_t at, size_t end)
{
    while (at < end) {
        capi_str name;
        size_t next;

        while (at < end && !is_word_byte(byte_at(scanner, at)) && byte_at(scanner, at) != '*')
            at++;
        if (byte_at(scanner, at) == '*') {
            scanner->out->imports_all = true;
            return;
        }
        name = read_word(scanner, &at);
        next = at;
        if (capi_str_is(read_word(scanner, &next), "as")) {
            at = next;
            name = read_word(scanner, &at);
        }
        if (name.bytes) add_function(scanner, name);
    }
}

static void read_from(python_scanner *scanner, size_t at, size_t end)
{
    while (at < end) {
        capi_str word = read_word(scanner, &at);

        if (capi_str_is(word, "import")) {
            read_import_names(scanner, at, end);
            return;
        }
        if (word.bytes == 0) at++;
    }
}

/* "name =", "name: type =" bind a value that may be callable. */
static void read_assignment(python_scanner *scanner, capi_str name, size_t at)
{
    at = skip_blanks(scanner, at);
    if ((byte_at(scanner, at) == '=' && byte_at(scanner, at + 1) != '=') || byte_at(scanner, at) == ':')
        add_function(scanner, name);
}

static void push_block(python_scanner *scanner, uint32_t indent, bool is_scope)
{
    if (scanner->block_count < NESTING_MAX) scanner->blocks[scanner->block_count++] = (python_block){indent, is_scope};
}

static bool is_module_level(const python_scanner *scanner)
{
    for (uint32_t i = 0; i < scanner->block_count; i++)
        if (scanner->blocks[i].is_scope) return false;
    return true;
}

static bool opens_block(capi_str word)
{
    static const char *const words[] = {"if",  "elif",  "else", "try",   "except", "finally",
                                        "for", "while", "with", "match", "case"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (capi_str_is(word, words[i])) return true;
    return false;
}

static void read_statement(python_scanner *scanner, size_t at, size_t end, uint32_t indent)
{
    bool is_module = is_module_level(scanner);
    capi_str word = read_word(scanner, &at);

    if (capi_str_is(word, "async")) word = read_word(scanner, &at);
    if (capi_str_is(word, "def")) {
        if (is_module) read_def(scanner, at);
        push_block(scanner, indent, true);
    } else if (capi_str_is(word, "class")) {
        capi_str name = read_word(scanner, &at);

        if (is_module && name.bytes) add_function(scanner, name);
        push_block(scanner, indent, true);
    } else if (opens_block(word)) {
        push_block(scanner, indent, false);
    } else if (is_module && capi_str_is(word, "from")) {
        read_from(scanner, at, end);
    } else if (is_module && word.bytes) {
        read_assignment(scanner, word, at);
    }
}

void capi_python_scan(capi_arena *arena, capi_str code, capi_python_module *out)
{
    python_scanner scanner = {.arena = arena, .code = code, .out = out};

    *out = (capi_python_module){0};
    capi_map_init(&out->by_name, arena);
    if (capi_str_starts(code, "\xEF\xBB\xBF")) scanner.at = 3;
    while (scanner.at < code.bytes) {
        size_t start = skip_blanks(&scanner, scanner.at);
        uint32_t indent = (uint32_t)(start - scanner.at);
        size_t end = skip_logical_line(&scanner, start);
        int first = byte_at(&scanner, start);

        if (first != '\n' && first != '#' && first >= 0) {
            while (scanner.block_count > 0 && scanner.blocks[scanner.block_count - 1].indent >= indent)
                scanner.block_count--;
            if (first != '@') read_statement(&scanner, start, end, indent);
            scanner.is_decorated = first == '@';
        }
        scanner.at = end;
    }
}

bool capi_python_accepts(const capi_python_module *module, capi_str name, uint32_t arg_count)
{
    const capi_python_function *function = capi_map_get(&module->by_name, name);

    if (!function) return module->imports_all;
    for (; function; function = function->other)
        if (function->args_min <= arg_count && arg_count <= function->args_max) return true;
    return false;
}
