/* tool_proto.c - toolbelt: proto_file_reader_creator. */
#include "cmd/proto_script.h"
#include "cmd/toolbelt.h"

#include "base/file.h"

#include <stdio.h>

enum { PROTO_BYTES_MAX = 64 << 20 };

static int complain(const char *words)
{
    fprintf(stderr, "error: %s\n  \"capitoolbelt proto_file_reader_creator -help\" lists the flags\n", words);
    return CAPI_EXIT_USAGE;
}

/* The beginning of a file is enough of a sample. */
static capi_status read_sample(const char *path, capi_arena *arena, capi_str *out, capi_err *err)
{
    capi_file_reader *file = NULL;
    uint64_t size;
    size_t got = 0;
    char *bytes;
    capi_status st;

    CAPI_TRY(capi_file_open(path, &file, err));
    size = capi_file_identity(file)->size_bytes;
    if (size > PROTO_BYTES_MAX) size = PROTO_BYTES_MAX;
    bytes = capi_arena_alloc(arena, (size_t)size);
    st = capi_file_read_at(file, 0, bytes, (size_t)size, &got, err);
    capi_file_close(file);
    *out = (capi_str){bytes, got};
    return st;
}

static int create(const char *path, const capi_proto_options *options)
{
    capi_arena arena = {0};
    capi_buf text = {0};
    capi_err err = {0};
    capi_str sample = {0};
    capi_status st = read_sample(path, &arena, &sample, &err);

    if (st == CAPI_OK) st = capi_proto_write(sample, options, &text, &err);
    if (text.bytes && (fwrite(text.data, 1, text.bytes, stdout) != text.bytes || fflush(stdout) != 0) && st == CAPI_OK)
        st = capi_err_set(&err, CAPI_UNAVAILABLE, "could not write to standard output");
    if (st != CAPI_OK) capi_err_note(&err, "in the sample file \"%s\"", path);
    capi_buf_deinit(&text);
    capi_arena_deinit(&arena);
    return st == CAPI_OK ? CAPI_EXIT_DONE : capi_tool_fail(&err);
}

static int tool_proto(const capi_args *args)
{
    const char *separator = capi_args_value(args, "csv_separator");
    capi_str type = capi_tool_text(args, "file_type");
    capi_proto_options options = {
        .file = capi_tool_text(args, "file"), .header_record = -1, .separator = separator ? separator[0] : ','};
    capi_err err = {0};

    if (!capi_tool_int(args, "csv_hdr_line_idx", &options.header_record) ||
        !capi_tool_int(args, "csv_first_line_idx", &options.first_record))
        return CAPI_EXIT_USAGE;
    if (options.file.bytes == 0) return complain("say which file: -file FILE");
    if (capi_str_is(type, "parquet")) {
        capi_err_set(&err, CAPI_INVALID, "this program cannot read Parquet files");
        return capi_tool_fail(&err);
    }
    if (type.bytes && !capi_str_is(type, "csv")) return complain("-file_type must be csv");
    if (!options.separator) return complain("-csv_separator is empty");
    if (options.first_record < 0 || options.header_record >= options.first_record)
        return complain("-csv_first_line_idx must be greater than -csv_hdr_line_idx, and not negative");
    if (options.header_record < -1) options.header_record = -1;
    return create(options.file.data, &options);
}

static const capi_option proto_flags[] = {
    {"file", "FILE", "a sample file", false},
    {"file_type", "TYPE", "csv (default)", false},
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
