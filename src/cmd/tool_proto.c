/* tool_proto.c - toolbelt: proto_file_reader_creator. */
#include "cmd/proto_script.h"
#include "cmd/toolbelt.h"

#include <stdio.h>

#define PROTO_SOURCE_FOLDER "/tmp/capi_in/proto_file_reader_creator_quicktest"
#define PROTO_TARGET_FOLDER "/tmp/capi_out/proto_file_reader_creator_quicktest"

static int complain(const char *words)
{
    fprintf(stderr, "error: %s\n  \"capitoolbelt proto_file_reader_creator -help\" lists the flags\n", words);
    return CAPI_EXIT_USAGE;
}

static capi_status read_sample(const char *path, const capi_proto_csv *csv, capi_arena *arena,
                               capi_proto_sample *sample, capi_err *err)
{
    capi_budget budget = {.limit_bytes = capi_budget_default_limit_bytes()};
    capi_str text = {0};

    if (!csv) return capi_proto_sample_parquet(path, &budget, sample, err);
    CAPI_TRY(capi_proto_read(path, arena, &text, err));
    return capi_proto_sample_csv(text, csv, sample, err);
}

/* What is known of a wrong sample is written all the same. */
static int create(capi_str path, const capi_proto_csv *csv)
{
    capi_arena arena = {0};
    capi_proto_sample sample = {0};
    capi_buf text = {0};
    capi_err err = {0};
    capi_str name = path;
    capi_status st;

    for (size_t i = 0; i < path.bytes; i++)
        if (path.data[i] == '/') name = capi_str_slice(path, i + 1, path.bytes);
    st = capi_proto_check_name(name, &err);
    if (st == CAPI_OK) st = read_sample(path.data, csv, &arena, &sample, &err);
    if (sample.column_count) {
        capi_proto_style style = {
            .source = capi_str_format(&arena, "%s/%.*s", PROTO_SOURCE_FOLDER, CAPI_STR_ARG(name)),
            .target = capi_str_format(&arena, "%s/%.*s", PROTO_TARGET_FOLDER, CAPI_STR_ARG(name)),
            .table = capi_proto_table_name(path, &arena),
            .is_reference = true,
        };

        capi_proto_write(&sample, &style, &text);
    }
    if (text.bytes && (fwrite(text.data, 1, text.bytes, stdout) != text.bytes || fflush(stdout) != 0) && st == CAPI_OK)
        st = capi_err_set(&err, CAPI_UNAVAILABLE, "could not write to standard output");
    if (st != CAPI_OK) capi_err_note(&err, "in the sample file \"%s\"", path.data);
    capi_buf_deinit(&text);
    capi_proto_sample_deinit(&sample);
    capi_arena_deinit(&arena);
    return st == CAPI_OK ? CAPI_EXIT_DONE : capi_tool_fail(&err);
}

static int tool_proto(const capi_args *args)
{
    const char *separator = capi_args_value(args, "csv_separator");
    capi_str type = capi_tool_text(args, "file_type");
    capi_str file = capi_tool_text(args, "file");
    capi_proto_csv csv = {.header_record = -1, .separator = separator ? separator[0] : ','};

    if (!capi_tool_int(args, "csv_hdr_line_idx", &csv.header_record) ||
        !capi_tool_int(args, "csv_first_line_idx", &csv.first_record))
        return CAPI_EXIT_USAGE;
    if (file.bytes == 0) return complain("say which file: -file FILE");
    if (capi_str_is(type, "parquet")) return create(file, NULL);
    if (type.bytes && !capi_str_is(type, "csv")) return complain("-file_type must be csv or parquet");
    if (!csv.separator) return complain("-csv_separator is empty");
    if (csv.first_record < 0 || csv.header_record >= csv.first_record)
        return complain("-csv_first_line_idx must be greater than -csv_hdr_line_idx, and not negative");
    if (csv.header_record < -1) csv.header_record = -1;
    return create(file, &csv);
}

static const capi_option proto_flags[] = {
    {"file", "FILE", "a sample file", false},
    {"file_type", "TYPE", "csv (default) or parquet", false},
    {"csv_hdr_line_idx", "N", "record with the headers, counted from 0; -1 (default): there is none", false},
    {"csv_first_line_idx", "N", "first record with data (default: 0)", false},
    {"csv_separator", "CHAR", "what stands between fields (default: a comma)", false},
};

const capi_command capi_tool_proto_file_reader_creator = {
    .name = "proto_file_reader_creator",
    .arguments = "",
    .summary = "make a first script that reads and writes files like a sample",
    .options = proto_flags,
    .option_count = sizeof proto_flags / sizeof *proto_flags,
    .run = tool_proto,
};
