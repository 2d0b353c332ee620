/* node_file_table.c - one batch is one file; its rows are computed like those of a table_table. */
#include "exec/node_rows.h"

capi_status exec_scan_file_open(exec_batch *batch, exec_scan **out, capi_err *err)
{
    static capi_status (*const opens[])(exec_batch *, capi_str, exec_scan **, capi_err *) = {
        [CAPI_FILE_CSV] = exec_scan_csv_open,
        [CAPI_FILE_PARQUET] = exec_scan_parquet_open,
    };
    const capi_file_source *source = &batch->node->source;
    uint32_t index = batch->task->batch_idx;

    *out = NULL;
    if (index >= source->url_count)
        return capi_err_set(err, CAPI_INVALID, "batch %u has no file: node \"%.*s\" has %u URLs", index,
                            CAPI_STR_ARG(batch->node->name), source->url_count);
    batch->out->first_token = batch->out->last_token = index;
    return opens[source->kind](batch, source->urls[index], out, err);
}

capi_status exec_file_table(exec_batch *batch, capi_err *err)
{
    exec_scan *scan = NULL;
    capi_status st;

    CAPI_TRY_OUT(exec_scan_file_open(batch, &scan, err));
    CAPI_TRY_OUT(exec_rows_to_table(batch, scan, err));
out:
    exec_scan_close(scan);
    return st;
}
