/* cmd_export.c - "capillaries table export": a table that a run made, as a file for other programs. */
#include "cmd/commands.h"
#include "cmd/export.h"
#include "cmd/table_view.h"

#include "parquet/parquet.h"

#include <string.h>
#include <strings.h>

static const capi_export_form *const forms[] = {&capi_export_csv, &capi_export_parquet, &capi_export_arrow};

enum { FORM_COUNT = sizeof forms / sizeof *forms };

static bool has_ending(const capi_export_form *form, const char *path)
{
    size_t bytes = strlen(path);

    for (const char *const *ending = form->endings; *ending; ending++)
        if (bytes >= strlen(*ending) && strcasecmp(path + bytes - strlen(*ending), *ending) == 0) return true;
    return false;
}

/* "x.parquet" of "x.parquet.gz" is what would be packed. */
static const char *without_packing(const char *path, capi_arena *arena)
{
    if (capi_packing_of(capi_str_of(path)) == CAPI_PACKING_NONE) return path;
    return capi_str_format(arena, "%.*s", (int)(strrchr(path, '.') - path), path).data;
}

/* What --format says, else the ending of the file's name, else CSV. */
static capi_status find_form(const capi_args *args, capi_arena *arena, const capi_export_form **out, capi_err *err)
{
    const char *format = capi_args_value(args, "format");
    const char *to = capi_args_value(args, "to");

    *out = &capi_export_csv;
    for (int i = 0; i < FORM_COUNT; i++) {
        if (format ? strcmp(format, forms[i]->name) != 0 : !to || !has_ending(forms[i], without_packing(to, arena)))
            continue;
        *out = forms[i];
        return CAPI_OK;
    }
    if (!format) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "option \"--format\" is \"%s\", expected csv, parquet or arrow", format);
}

static capi_status refuse_option(const capi_args *args, const char *option, const capi_export_form *form,
                                 const capi_export_form *owner, capi_err *err)
{
    if (form == owner || !capi_args_value(args, option)) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "option \"--%s\" is for format %s, not for %s", option, owner->name,
                        form->name);
}

static capi_status check_options(const capi_args *args, const capi_export_form *form, capi_err *err)
{
    const char *to = capi_args_value(args, "to");

    CAPI_TRY(refuse_option(args, "separator", form, &capi_export_csv, err));
    CAPI_TRY(refuse_option(args, "codec", form, &capi_export_parquet, err));
    if (form->needs_parquet && !capi_parquet_is_built())
        return capi_err_set(err, CAPI_INVALID, "format \"%s\" is not available in this build, expected csv",
                            form->name);
    if (!form->is_text && to && capi_packing_of(capi_str_of(to)) != CAPI_PACKING_NONE)
        return capi_err_set(err, CAPI_INVALID,
                            "\"%s\": format \"%s\" is packed inside, expected a name without .gz or .zst", to,
                            form->name);
    if (!form->is_text && !to)
        return capi_err_set(err, CAPI_INVALID, "format \"%s\" needs a file: --to FILE", form->name);
    return CAPI_OK;
}

typedef struct export_job {
    const capi_export_form *form;
    void *sink;
} export_job;

static capi_status export_chunk(void *context, const capi_chunk *chunk, uint64_t first_row, capi_err *err)
{
    const export_job *job = context;

    (void)first_row;
    return job->form->add(job->sink, chunk, err);
}

static capi_status export_rows(capi_table_view *view, const capi_export_options *options, export_job *job,
                               capi_err *err)
{
    CAPI_TRY(job->form->open(options, &view->arena, &job->sink, err));
    CAPI_TRY(capi_table_scan(capi_engine_exec(view->engine), &view->input, &view->schema, 0,
                             view->input.content.row_count, export_chunk, job, err));
    return job->form->finish(job->sink, err);
}

static capi_status show_export(capi_table_view *view, const capi_args *args, capi_err *err)
{
    const char *to = capi_args_value(args, "to");
    const char *separator = capi_args_value(args, "separator");
    const char *codec = capi_args_value(args, "codec");
    capi_export_options options = {.schema = &view->schema,
                                   .separator = separator ? separator : ",",
                                   .codec = codec ? codec : "gzip",
                                   .packing = to ? capi_packing_of(capi_str_of(to)) : CAPI_PACKING_NONE};
    export_job job = {0};
    capi_status st;

    CAPI_TRY_OUT(find_form(args, &view->arena, &job.form, err));
    CAPI_TRY_OUT(check_options(args, job.form, err));
    if (to) CAPI_TRY_OUT(capi_file_create_beside(to, "export", &options.file, err));
    CAPI_TRY_OUT(export_rows(view, &options, &job, err));
out:
    if (job.sink) job.form->free(job.sink);
    if (st == CAPI_OK && options.file) return capi_file_publish(options.file, err);
    capi_file_writer_close(options.file);
    return st;
}

static int command_export(const capi_args *args)
{
    return capi_with_table_view(args, show_export);
}

static const capi_option export_options[] = {
    {"format", "FORMAT", "csv, parquet or arrow (default: by the ending of the file's name, else csv)", false},
    {"to", "FILE", "file to write (default: standard output; Parquet and Arrow need a file)", false},
    {"separator", "TEXT", "of CSV, between the columns (default: a comma)", false},
    {"codec", "NAME", "of Parquet: gzip, snappy, zstd, lz4 or uncompressed (default: gzip)", false},
    CAPI_OPTIONS_TABLE,
};

const capi_command capi_command_table_export = {
    .name = "table export",
    .arguments = "TABLE",
    .summary = "write a table to a file or to standard output",
    .details = "CSV is packed if the name of the file ends in `.gz` or `.zst`. Arrow is the IPC file format, also "
               "called Feather. Parquet and Arrow files have the types of the "
               "table: `string`, `int` (64 bits), `float` (64 bits), `bool`, `decimal2` as a decimal with two digits "
               "after the point, `datetime` as a timestamp in milliseconds, UTC. The zero datetime is empty in them.",
    .argument_min = 1,
    .argument_max = 1,
    .options = export_options,
    .option_count = sizeof export_options / sizeof *export_options,
    .run = command_export,
};
