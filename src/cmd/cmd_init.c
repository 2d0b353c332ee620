/* cmd_init.c - "capillaries init": a first script for a sample file, to be looked over and extended by its author. */
#include "cmd/commands.h"
#include "cmd/proto_script.h"

#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct init_job {
    const char *path;
    const char *to; /* NULL: standard output */
    capi_arena arena;
    capi_proto_sample sample;
    capi_proto_style style;
    capi_buf script;
} init_job;

/* ---- the sample ---- */

/* What --type says, else how the file begins. */
static capi_status is_parquet(const char *path, const char *type, bool *out, capi_err *err)
{
    capi_file_reader *file = NULL;
    char magic[4];
    size_t got = 0;
    capi_status st;

    if (type && strcmp(type, "csv") != 0 && strcmp(type, "parquet") != 0)
        return capi_err_set(err, CAPI_INVALID, "option \"--type\" is \"%s\", expected csv or parquet", type);
    CAPI_TRY(capi_file_open(path, &file, err));
    st = capi_file_read_at(file, 0, magic, sizeof magic, &got, err);
    capi_file_close(file);
    *out = type ? strcmp(type, "parquet") == 0 : got == sizeof magic && memcmp(magic, "PAR1", sizeof magic) == 0;
    return st;
}

static capi_status read_number(const capi_args *args, const char *option, int64_t *out, capi_err *err)
{
    const char *text = capi_args_value(args, option);
    char *rest;

    if (!text) return CAPI_OK;
    *out = strtoll(text, &rest, 10);
    if (rest > text && !*rest && *out >= 0 && *out < INT32_MAX) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "option \"--%s\" is \"%s\", expected the number of a record, from 0", option,
                        text);
}

/* --header, --first-record and --separator, with what the sample suggests in their place. */
static capi_status csv_options(const capi_args *args, capi_str text, capi_proto_csv *csv, capi_err *err)
{
    const char *header = capi_args_value(args, "header");
    const char *separator = capi_args_value(args, "separator");

    if (header && strcmp(header, "none") == 0)
        csv->header_record = -1;
    else
        CAPI_TRY(read_number(args, "header", &csv->header_record, err));
    csv->first_record = csv->header_record + 1;
    CAPI_TRY(read_number(args, "first-record", &csv->first_record, err));
    if (csv->first_record <= csv->header_record)
        return capi_err_set(err, CAPI_INVALID, "the first record, %lld, must stand after the header, %lld",
                            (long long)csv->first_record, (long long)csv->header_record);
    if (separator && strcmp(separator, "\\t") == 0) separator = "\t";
    if (separator && (strlen(separator) != 1 || (signed char)separator[0] < 0 || strchr("\"\r\n", separator[0])))
        return capi_err_set(err, CAPI_INVALID, "option \"--separator\" is \"%s\", expected one ASCII character",
                            separator);
    csv->separator = separator ? separator[0] : capi_proto_guess_separator(text);
    return CAPI_OK;
}

/* Its author may want the type all the same, and the default values that empty fields then get. */
static void note_empty(const capi_proto_column *column, uint32_t index)
{
    if (column->without_empty == CAPI_PROTO_NONE) return;
    fprintf(stderr,
            "note: column %u, \"%.*s\", would be %s, but has empty fields, which only string keeps; taken as string\n",
            index + 1, CAPI_STR_ARG(column->header.bytes ? column->header : column->field),
            capi_type_name(capi_proto_script_type(column->without_empty)));
}

static capi_status read_csv(init_job *job, const capi_args *args, capi_err *err)
{
    capi_proto_csv csv = {.is_careful = true};
    capi_str text;

    CAPI_TRY(capi_proto_read(job->path, &job->arena, &text, err));
    CAPI_TRY(csv_options(args, text, &csv, err));
    CAPI_TRY(capi_proto_sample_csv(text, &csv, &job->sample, err));
    for (uint32_t i = 0; i < job->sample.column_count; i++)
        note_empty(&job->sample.columns[i], i);
    return CAPI_OK;
}

/* Columns that no script can read are left out, and told. */
static capi_status read_parquet(init_job *job, const capi_args *args, capi_err *err)
{
    static const char *const only_csv[] = {"header", "first-record", "separator"};
    capi_budget budget = {.limit_bytes = capi_budget_default_limit_bytes()};
    capi_status st;

    for (int i = 0; i < 3; i++)
        if (capi_args_value(args, only_csv[i]))
            return capi_err_set(err, CAPI_INVALID, "option \"--%s\" is for CSV, and the sample is a Parquet file",
                                only_csv[i]);
    st = capi_proto_sample_parquet(job->path, &budget, &job->sample, err);
    if (st != CAPI_INVALID || job->sample.column_count == 0) return st;
    fprintf(stderr, "note: %s; left out\n", err->text);
    capi_err_clear(err);
    return CAPI_OK;
}

/* ---- the script ---- */

/* "/data/items.csv" becomes "/data/items.out.csv". What packs a sample stays at the end. */
static capi_str target_of(capi_str source, capi_arena *arena)
{
    size_t name = source.bytes;
    size_t dot;

    while (name && source.data[name - 1] != '/')
        name--;
    for (dot = name; dot < source.bytes && source.data[dot] != '.'; dot++)
        ;
    return capi_str_format(arena, "%.*s.out%.*s", CAPI_STR_ARG(capi_str_slice(source, 0, dot)),
                           CAPI_STR_ARG(capi_str_slice(source, dot, source.bytes)));
}

/* Without the endings of the file's name, unless nothing else is there. */
static capi_str table_of(capi_str path, capi_arena *arena)
{
    size_t end = path.bytes;

    for (size_t i = path.bytes; i > 0 && path.data[i - 1] != '/'; i--)
        if (path.data[i - 1] == '.' && i > 1 && path.data[i - 2] != '/') end = i - 1;
    return capi_proto_table_name(capi_str_slice(path, 0, end), arena);
}

static capi_status choose_style(init_job *job, const capi_args *args, capi_err *err)
{
    const char *format = capi_args_value(args, "format");
    const char *given[] = {capi_args_value(args, "source"), capi_args_value(args, "target"),
                           capi_args_value(args, "table")};
    char whole[PATH_MAX];
    capi_str path = capi_str_of(realpath(job->path, whole) ? whole : job->path);

    if (format && strcmp(format, "yaml") != 0 && strcmp(format, "json") != 0)
        return capi_err_set(err, CAPI_INVALID, "option \"--format\" is \"%s\", expected yaml or json", format);
    if ((!given[0] || !given[1]) && capi_proto_check_name(path, err) != CAPI_OK) {
        capi_err_note(err, "give %s another way, with \"--%s\"", given[0] ? "the target" : "the source",
                      given[0] ? "target" : "source");
        return CAPI_INVALID;
    }
    job->style = (capi_proto_style){
        .source = given[0] ? capi_str_of(given[0]) : capi_str_copy(&job->arena, path),
        .target = given[1] ? capi_str_of(given[1]) : target_of(path, &job->arena),
        .table = given[2] ? capi_str_of(given[2]) : table_of(path, &job->arena),
        .is_yaml = format ? strcmp(format, "yaml") == 0 : !job->to || !capi_str_ends(capi_str_of(job->to), ".json"),
    };
    return CAPI_OK;
}

static void write_script(init_job *job)
{
    if (job->style.is_yaml)
        capi_buf_append_text(&job->script, "# Made from a sample by \"capillaries init\": look over names, types and "
                                           "formats, and go on from here.\n");
    capi_proto_write(&job->sample, &job->style, &job->script);
    if (!job->style.is_yaml) capi_buf_append_byte(&job->script, '\n');
}

static capi_status put_script(const init_job *job, capi_err *err)
{
    capi_file_writer *file = NULL;
    capi_status st;

    if (!job->to) {
        if (fwrite(job->script.data, 1, job->script.bytes, stdout) == job->script.bytes && fflush(stdout) == 0)
            return CAPI_OK;
        return capi_err_set(err, CAPI_UNAVAILABLE, "could not write to standard output");
    }
    if (access(job->to, F_OK) == 0)
        return capi_err_set(err, CAPI_INVALID, "\"%s\" is there already, and is not written over", job->to);
    CAPI_TRY(capi_file_create_beside(job->to, "init", &file, err));
    st = capi_file_write(file, job->script.data, job->script.bytes, err);
    if (st == CAPI_OK) return capi_file_publish(file, err);
    capi_file_writer_close(file);
    return st;
}

static capi_status init_script(init_job *job, const capi_args *args, capi_err *err)
{
    bool has_parquet = false;
    capi_status st = is_parquet(job->path, capi_args_value(args, "type"), &has_parquet, err);

    if (st == CAPI_OK) st = has_parquet ? read_parquet(job, args, err) : read_csv(job, args, err);
    if (st != CAPI_OK) {
        capi_err_note(err, "in the sample file \"%s\"", job->path);
        return st;
    }
    CAPI_TRY(choose_style(job, args, err));
    write_script(job);
    return put_script(job, err);
}

/* ---- the command ---- */

static int command_init(const capi_args *args)
{
    init_job job = {.path = capi_args_word(args, 0), .to = capi_args_value(args, "to")};
    capi_err err = {0};
    capi_status st = init_script(&job, args, &err);

    capi_buf_deinit(&job.script);
    capi_proto_sample_deinit(&job.sample);
    capi_arena_deinit(&job.arena);
    return st == CAPI_OK ? CAPI_EXIT_DONE : capi_command_fail(&err);
}

static const capi_option init_options[] = {
    {"to", "FILE", "script to write, which must not be there yet (default: standard output)", false},
    {"format", "FORMAT", "yaml or json (default: by the ending of the script's name, else yaml)", false},
    {"type", "TYPE", "what the sample is, csv or parquet (default: by its first bytes)", false},
    {"header", "N", "record of a CSV sample with the headers, counted from 0, or none (default: 0)", false},
    {"first-record", "N", "first record with data (default: the one after the header)", false},
    {"separator", "CHAR", "between the fields, \\t for a tab (default: the one of , ; tab | that fits)", false},
    {"source", "URL", "what the script reads (default: the sample)", false},
    {"target", "URL", "what the script writes (default: beside the sample, NAME.out.ENDING)", false},
    {"table", "NAME", "name of the table (default: that of the sample, without its endings)", false},
};

const capi_command capi_command_init = {
    .name = "init",
    .arguments = "SAMPLE",
    .summary = "make a first script from a sample file",
    .details =
        "The script is ready to run: one node reads files like the sample into a table, another writes the table to "
        "a file of the same form. Types of a CSV sample are guessed from its first 100 records, and are the narrowest "
        "of `int`, `decimal2`, `float`, `bool`, `datetime` and `string` that reads all of them and loses nothing: "
        "numbers with leading zeros or more than 15 digits, and datetimes finer than milliseconds or with another "
        "offset than `+0000`, are texts. So is a column with empty fields, with a note that tells the type of its "
        "other "
        "fields: to read it as that type, change it in the script, where `col_default_value` says what empty fields "
        "then are. Those of a Parquet sample are in the file; columns that no script can read, such as lists, are left "
        "out, with a note. A column whose name expressions do not take gets another one in the script (`if` becomes "
        "`f_if`); a sample with braces in its own name needs `--source` and `--target`. A sample that ends in `.gz` or "
        "`.zst` is unpacked.",
    .manual = "```sh\ncapillaries init orders.csv --to orders.yaml\ncapillaries run orders.yaml\n```",
    .argument_min = 1,
    .argument_max = 1,
    .options = init_options,
    .option_count = sizeof init_options / sizeof *init_options,
    .run = command_init,
};
