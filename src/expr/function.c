/* function.c - the function table. */
#include "expr/function.h"
#include "expr/expr.h"

#include "vec/layout.h"

#include <stdio.h>

#define STRING EXPR_TYPE(CAPI_STRING)
#define INT EXPR_TYPE(CAPI_INT)
#define FLOAT EXPR_TYPE(CAPI_FLOAT)
#define BOOL EXPR_TYPE(CAPI_BOOL)
#define DATETIME EXPR_TYPE(CAPI_DATETIME)
#define DECIMAL EXPR_TYPE(CAPI_DECIMAL)
#define MONTH EXPR_TYPE(CAPI_MONTH)
#define ZONE EXPR_TYPE(CAPI_ZONE)
#define NUMBER EXPR_NUMBERS

/* ---- what is compiled from constant arguments ---- */

static capi_status prepare_layout(capi_arena *arena, capi_str text, const void **out, capi_err *err)
{
    (void)err;
    *out = capi_layout_compile(arena, text);
    return CAPI_OK;
}

/* ---- conversions, by the type of their argument ---- */

static const expr_kernel to_string[CAPI_TYPE_COUNT] = {
    [CAPI_INT] = expr_string_of_int,        [CAPI_FLOAT] = expr_string_of_float,     [CAPI_BOOL] = expr_string_of_bool,
    [CAPI_DATETIME] = expr_string_of_other, [CAPI_DECIMAL] = expr_string_of_decimal, [CAPI_LENGTH] = expr_string_of_int,
    [CAPI_MONTH] = expr_string_of_other,    [CAPI_ZONE] = expr_string_of_other,
};
static const expr_kernel to_int[CAPI_TYPE_COUNT] = {
    [CAPI_STRING] = expr_int_of_string, [CAPI_FLOAT] = expr_int_of_float,     [CAPI_BOOL] = expr_int_of_bool,
    [CAPI_LENGTH] = expr_retype,        [CAPI_DECIMAL] = expr_int_of_decimal,
};
static const expr_kernel to_float[CAPI_TYPE_COUNT] = {
    [CAPI_STRING] = expr_float_of_string,   [CAPI_INT] = expr_float_of_int,    [CAPI_BOOL] = expr_float_of_bool,
    [CAPI_DECIMAL] = expr_float_of_decimal, [CAPI_LENGTH] = expr_float_of_int,
};
static const expr_kernel to_decimal[CAPI_TYPE_COUNT] = {
    [CAPI_STRING] = expr_decimal_of_string, [CAPI_INT] = expr_decimal_of_int,    [CAPI_FLOAT] = expr_decimal_of_float,
    [CAPI_BOOL] = expr_decimal_of_bool,     [CAPI_LENGTH] = expr_decimal_of_int,
};

/* ---- the table ---- */

#define IIF(word, result, types, result_type, example, value)                                                          \
    {                                                                                                                  \
        .help = {word ".iif", "(condition bool, a " result ", b " result ") " result,                                  \
                 "a if the condition holds, else b; both are evaluated", example, value},                              \
        .arg_min = 3, .arg_max = 3, .args = {BOOL, types, types}, .type = (result_type), .kernel = expr_iif            \
    }

static const expr_function functions[] = {
    {.help = {"len", "(s string) length", "the number of bytes of s", "len(\"abc\") + 0", "3"},
     .arg_min = 1,
     .arg_max = 1,
     .args = {STRING},
     .type = CAPI_LENGTH,
     .kernel = expr_string_length},

    {.help = {"string", "(x any) string", "the text of a value", "string(1.5)", "1.5"},
     .arg_min = 1,
     .arg_max = 1,
     .args = {EXPR_ANY},
     .type = CAPI_STRING,
     .by_type = to_string},
    {.help = {"int", "(x string, bool or number) int",
              "the int that a text holds; a number without its fraction; 1 or 0", "int(\"42\") + 1", "43"},
     .arg_min = 1,
     .arg_max = 1,
     .args = {STRING | BOOL | NUMBER},
     .type = CAPI_INT,
     .by_type = to_int},
    {.help = {"float", "(x string, bool or number) float",
              "the float nearest to a number or to the number that a text holds", "float(\"2.5\")", "2.5"},
     .arg_min = 1,
     .arg_max = 1,
     .args = {STRING | BOOL | NUMBER},
     .type = CAPI_FLOAT,
     .by_type = to_float},
    {.help = {"decimal2", "(x string, bool or number) decimal2",
              "the exact decimal of a number or text; does not round", "decimal2(\"10.25\")", "10.25"},
     .arg_min = 1,
     .arg_max = 1,
     .args = {STRING | BOOL | NUMBER},
     .type = CAPI_DECIMAL,
     .by_type = to_decimal},

    IIF("int", "int", INT, CAPI_INT, "int.iif(2 > 1, 10, 20)", "10"),
    IIF("float", "float", FLOAT, CAPI_FLOAT, "float.iif(false, 1.5, 2.5)", "2.5"),
    IIF("decimal2", "decimal2", DECIMAL, CAPI_DECIMAL, "decimal2.iif(true, decimal2(\"0.5\"), decimal2(0))", "0.5"),
    IIF("string", "string", STRING, CAPI_STRING, "string.iif(1 == 1, \"yes\", \"no\")", "yes"),
    IIF("time", "datetime", DATETIME, CAPI_DATETIME, "time.iif(true, time.Parse(\"2006\", \"2024\"), time.Now())",
        "2024-01-01 00:00:00 +0000 UTC"),

    {.help = {"math.Sqrt", "(x number) float", "the square root; NaN of a negative number", "math.Sqrt(16)", "4"},
     .arg_min = 1,
     .arg_max = 1,
     .args = {NUMBER},
     .type = CAPI_FLOAT,
     .kernel = expr_float_sqrt,
     .wants_float = true},
    {.help = {"math.Round", "(x number) float", "the nearest integer, half away from zero", "math.Round(2.5)", "3"},
     .arg_min = 1,
     .arg_max = 1,
     .args = {NUMBER},
     .type = CAPI_FLOAT,
     .kernel = expr_float_round,
     .wants_float = true},

    {.help = {"strings.ReplaceAll", "(s string, old string, new string) string", "s with every old replaced by new",
              "strings.ReplaceAll(\"a-b-c\", \"-\", \"\")", "abc"},
     .arg_min = 3,
     .arg_max = 3,
     .args = {STRING, STRING, STRING},
     .type = CAPI_STRING,
     .kernel = expr_string_replace},
    {.help = {"re.MatchString", "(pattern string, s string) bool", "whether an RE2 pattern matches anywhere in s",
              "re.MatchString(`^[A-Z]+-[0-9]+$`, \"AB-17\")", "true"},
     .arg_min = 2,
     .arg_max = 2,
     .args = {STRING, STRING},
     .type = CAPI_BOOL,
     .kernel = expr_string_match,
     .prepare = expr_prepare_regex},
    {.help = {"fmt.Sprintf", "(format string, a any, ...) string", "a formatted text, by the rules of Go's package fmt",
              "fmt.Sprintf(\"%05d %s\", 42, \"x\")", "00042 x"},
     .arg_min = 2,
     .arg_max = EXPR_ARGS_ANY,
     .args = {STRING, EXPR_ANY},
     .type = CAPI_STRING,
     .kernel = expr_string_sprintf,
     .prepare = expr_prepare_format},

    {.help = {"time.Parse", "(layout string, s string) datetime", "reads a datetime written as the layout shows",
              "time.Parse(\"2006-01-02\", \"2024-05-01\")", "2024-05-01 00:00:00 +0000 UTC"},
     .arg_min = 2,
     .arg_max = 2,
     .args = {STRING, STRING},
     .type = CAPI_DATETIME,
     .kernel = expr_time_parse,
     .prepare = prepare_layout},
    {.help = {"time.Format", "(t datetime, layout string) string", "writes a datetime as the layout shows",
              "time.Format(time.Date(2024, time.May, 1, 9, 5, 0, 0, time.UTC), \"02.01.06 15:04\")", "01.05.24 09:05"},
     .arg_min = 2,
     .arg_max = 2,
     .args = {DATETIME, STRING},
     .type = CAPI_STRING,
     .kernel = expr_time_format,
     .prepare = prepare_layout,
     .prepared_arg = 1},
    {.help = {"time.Date", "(year int, month month, day, hour, minute, second, nanosecond int, zone zone) datetime",
              "the datetime with these parts; parts out of range are normalised",
              "time.Date(2023, time.February, 30, 0, 0, 0, 0, time.UTC)", "2023-03-02 00:00:00 +0000 UTC"},
     .arg_min = 8,
     .arg_max = 8,
     .args = {INT, MONTH, INT, INT, INT, INT, INT, ZONE},
     .type = CAPI_DATETIME,
     .kernel = expr_time_date},
    {.help = {"time.FixedZone", "(name string, offset int) zone", "a zone so many seconds east of UTC",
              "time.Date(2024, time.May, 1, 9, 0, 0, 0, time.FixedZone(\"\", 7200))",
              "2024-05-01 09:00:00 +0200 +0200"},
     .arg_min = 2,
     .arg_max = 2,
     .args = {STRING, INT},
     .type = CAPI_ZONE,
     .kernel = expr_time_zone},
    {.help = {"time.Now", "() datetime", "when the run started, the same for the whole run", "time.Now() == time.Now()",
              "true"},
     .type = CAPI_DATETIME},
    {.help = {"time.Unix", "(t datetime) int", "seconds since 1970, rounded down",
              "time.Unix(time.Date(1970, time.January, 2, 0, 0, 0, 0, time.UTC))", "86400"},
     .arg_min = 1,
     .arg_max = 1,
     .args = {DATETIME},
     .type = CAPI_INT,
     .kernel = expr_time_unix},
    {.help = {"time.UnixMilli", "(t datetime) int", "milliseconds since 1970, rounded down",
              "time.UnixMilli(time.Date(1970, time.January, 1, 0, 0, 1, 0, time.UTC))", "1000"},
     .arg_min = 1,
     .arg_max = 1,
     .args = {DATETIME},
     .type = CAPI_INT,
     .kernel = expr_time_unix_ms},
    {.help = {"time.DiffMilli", "(a datetime, b datetime) int", "a - b in milliseconds, at most about 292 years",
              "time.DiffMilli(time.Parse(\"15:04\", \"10:01\"), time.Parse(\"15:04\", \"10:00\"))", "60000"},
     .arg_min = 2,
     .arg_max = 2,
     .args = {DATETIME, DATETIME},
     .type = CAPI_INT,
     .kernel = expr_time_diff_ms},
    {.help = {"time.Before", "(a datetime, b datetime) bool", "whether a is the earlier instant",
              "time.Before(time.Parse(\"2006\", \"2023\"), time.Parse(\"2006\", \"2024\"))", "true"},
     .arg_min = 2,
     .arg_max = 2,
     .args = {DATETIME, DATETIME},
     .type = CAPI_BOOL,
     .kernel = expr_compare_datetime,
     .param = EXPR_LT},
    {.help = {"time.After", "(a datetime, b datetime) bool", "whether a is the later instant",
              "time.After(time.Parse(\"2006\", \"2023\"), time.Parse(\"2006\", \"2024\"))", "false"},
     .arg_min = 2,
     .arg_max = 2,
     .args = {DATETIME, DATETIME},
     .type = CAPI_BOOL,
     .kernel = expr_compare_datetime,
     .param = EXPR_GT},

    {.help = {"count", "() int", "aggregate: the number of rows"}, .aggregate = EXPR_AGGREGATE_COUNT, .type = CAPI_INT},
    {.help = {"count_if", "(condition bool) int", "aggregate: the number of rows that satisfy the condition"},
     .aggregate = EXPR_AGGREGATE_COUNT,
     .has_condition = true,
     .arg_min = 1,
     .arg_max = 1,
     .args = {BOOL},
     .type = CAPI_INT},
    {.help = {"sum", "(x number) number", "aggregate: the sum; of decimals exact"},
     .aggregate = EXPR_AGGREGATE_SUM,
     .arg_min = 1,
     .arg_max = 1,
     .args = {NUMBER}},
    {.help = {"sum_if", "(x number, condition bool) number", "aggregate: the sum over rows that satisfy the condition"},
     .aggregate = EXPR_AGGREGATE_SUM,
     .has_condition = true,
     .arg_min = 2,
     .arg_max = 2,
     .args = {NUMBER, BOOL}},
    {.help = {"avg", "(x number) number", "aggregate: the average; of ints toward zero, of decimals to 2 digits"},
     .aggregate = EXPR_AGGREGATE_AVG,
     .arg_min = 1,
     .arg_max = 1,
     .args = {NUMBER}},
    {.help = {"avg_if", "(x number, condition bool) number",
              "aggregate: the average over rows that satisfy the condition"},
     .aggregate = EXPR_AGGREGATE_AVG,
     .has_condition = true,
     .arg_min = 2,
     .arg_max = 2,
     .args = {NUMBER, BOOL}},
    {.help = {"min", "(x number or string) same", "aggregate: the smallest value"},
     .aggregate = EXPR_AGGREGATE_MIN,
     .arg_min = 1,
     .arg_max = 1,
     .args = {NUMBER | STRING}},
    {.help = {"min_if", "(x number or string, condition bool) same",
              "aggregate: the smallest value of rows that satisfy the condition"},
     .aggregate = EXPR_AGGREGATE_MIN,
     .has_condition = true,
     .arg_min = 2,
     .arg_max = 2,
     .args = {NUMBER | STRING, BOOL}},
    {.help = {"max", "(x number or string) same", "aggregate: the greatest value"},
     .aggregate = EXPR_AGGREGATE_MAX,
     .arg_min = 1,
     .arg_max = 1,
     .args = {NUMBER | STRING}},
    {.help = {"max_if", "(x number or string, condition bool) same",
              "aggregate: the greatest value of rows that satisfy the condition"},
     .aggregate = EXPR_AGGREGATE_MAX,
     .has_condition = true,
     .arg_min = 2,
     .arg_max = 2,
     .args = {NUMBER | STRING, BOOL}},
    {.help = {"string_agg", "(s string, separator literal) string", "aggregate: the texts joined"},
     .aggregate = EXPR_AGGREGATE_JOIN,
     .arg_min = 2,
     .arg_max = 2,
     .args = {STRING, STRING},
     .type = CAPI_STRING},
    {.help = {"string_agg_if", "(s string, separator literal, condition bool) string",
              "aggregate: the texts of rows that satisfy the condition, joined"},
     .aggregate = EXPR_AGGREGATE_JOIN,
     .has_condition = true,
     .arg_min = 3,
     .arg_max = 3,
     .args = {STRING, STRING, BOOL},
     .type = CAPI_STRING},
};

enum { FUNCTION_COUNT = sizeof functions / sizeof *functions };

static bool name_is(const char *full, capi_str alias, capi_str name)
{
    capi_str text = capi_str_of(full);

    if (alias.bytes == 0) return capi_str_equal(text, name);
    return text.bytes == alias.bytes + 1 + name.bytes && memcmp(full, alias.data, alias.bytes) == 0 &&
           full[alias.bytes] == '.' && memcmp(full + alias.bytes + 1, name.data, name.bytes) == 0;
}

const expr_function *expr_function_find(capi_str alias, capi_str name)
{
    for (uint32_t i = 0; i < FUNCTION_COUNT; i++)
        if (name_is(functions[i].help.name, alias, name)) return &functions[i];
    return NULL;
}

capi_str expr_function_nearest(capi_str alias, capi_str name)
{
    capi_str names[FUNCTION_COUNT];
    char wrong[128];
    int bytes;

    for (uint32_t i = 0; i < FUNCTION_COUNT; i++)
        names[i] = capi_str_of(functions[i].help.name);
    bytes =
        snprintf(wrong, sizeof wrong, "%.*s%s%.*s", CAPI_STR_ARG(alias), alias.bytes ? "." : "", CAPI_STR_ARG(name));
    if (bytes < 0 || (size_t)bytes >= sizeof wrong) return (capi_str){0};
    return capi_str_nearest((capi_str){wrong, (size_t)bytes}, names, FUNCTION_COUNT);
}

static capi_function_help helps[FUNCTION_COUNT];

/* Once, before any thread: the list is read-only afterwards. */
__attribute__((constructor)) static void fill_helps(void)
{
    for (uint32_t i = 0; i < FUNCTION_COUNT; i++)
        helps[i] = functions[i].help;
}

const capi_function_help *capi_functions(uint32_t *count)
{
    *count = FUNCTION_COUNT;
    return helps;
}

expr_kernel expr_conversion(capi_type from, capi_type to)
{
    return to == CAPI_FLOAT ? to_float[from] : to_decimal[from];
}
