/* node_file_table.c - one batch is one file; its rows are computed like those of a table_table. */
#include "exec/node_rows.h"

capi_status exec_file_table(exec_batch *batch, capi_err *err)
{
    exec_scan *scan = NULL;
    capi_status st;

    CAPI_TRY_OUT(exec_scan_csv_open(batch, &scan, err));
    CAPI_TRY_OUT(exec_rows_to_table(batch, scan, err));
out:
    exec_scan_close(scan);
    return st;
}
