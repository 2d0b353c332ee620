/* help_functions.c - the page of functions and aggregates, doc/functions.md. */
#include "cmd/help.h"

#include "expr/expr.h"

/* A "|" would end the cell. */
static void append_cell(capi_buf *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') capi_buf_append_byte(to, '\\');
        capi_buf_append_byte(to, *text);
    }
}

/* Code that holds a backquote stands between two of them. */
static void append_code(capi_buf *to, const char *text)
{
    const char *fence = strchr(text, '`') ? "``" : "`";

    capi_buf_append_text(to, fence);
    append_cell(to, text);
    capi_buf_append_text(to, fence);
}

static void append_function(capi_buf *to, const capi_function_help *function)
{
    capi_buf_printf(to, "| `%s%s` | ", function->name, function->signature);
    append_cell(to, function->help);
    capi_buf_append_text(to, " | ");
    append_code(to, function->example);
    capi_buf_append_text(to, " | `");
    append_cell(to, function->value);
    capi_buf_append_text(to, "` |\n");
}

static void append_aggregate(capi_buf *to, const capi_function_help *function)
{
    static const char prefix[] = "aggregate: ";
    const char *help = function->help;

    if (strncmp(help, prefix, sizeof prefix - 1) == 0) help += sizeof prefix - 1;
    capi_buf_printf(to, "| `%s%s` | ", function->name, function->signature);
    append_cell(to, help);
    capi_buf_append_text(to, " |\n");
}

void capi_help_append_functions(capi_buf *to)
{
    uint32_t count;
    const capi_function_help *functions = capi_functions(&count);

    capi_buf_append_text(
        to,
        "<!-- Written by \"capillaries help --functions\" from the table of functions; edit that, then ./dev manual. "
        "-->\n"
        "# Functions and aggregates\n\n"
        "How they are used, and what the types mean: [expressions.md](expressions.md). *number* stands for int, "
        "float,\n"
        "decimal2 and the length that `len` gives.\n\n"
        "## Functions\n\n| function | | example | value |\n|---|---|---|---|\n");
    for (uint32_t i = 0; i < count; i++)
        if (functions[i].example) append_function(to, &functions[i]);
    capi_buf_append_text(to,
                         "\n## Aggregates\n\n"
                         "Only in the fields of a `table_lookup_table` with `l.group: true`, and only as the whole\n"
                         "expression.\n\n| aggregate | |\n|---|---|\n");
    for (uint32_t i = 0; i < count; i++)
        if (!functions[i].example) append_aggregate(to, &functions[i]);
}
