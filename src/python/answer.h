/* answer.h - what a worker's answers say about failures and results, read with distrust. Private to src/python/.
 *
 * The worker shares its process with the user's code, so a payload may hold anything. */
#pragma once

#include "python/columns.h"

CAPI_MUST_USE capi_status answer_no_sense(capi_err *err);
/* Text from a worker as a terminal and a log can take it: bytes that are no UTF-8 and control characters other than line
 * breaks and tabs are written as \xNN. */
void answer_append_words(capi_str words, capi_buf *to);
/* Always CAPI_INVALID: `prefix` and the words. */
capi_status answer_failed(const char *prefix, capi_str words, capi_err *err);
/* Always CAPI_INVALID: the lowest row that failed with all its words, then the others in short. *bad_row stays as it is when
 * the payload makes no sense. first_row: the number of the page's first row. */
capi_status answer_rows_failed(capi_str payload, uint32_t row_count, uint64_t first_row, uint32_t *bad_row,
                               capi_err *err);
/* Where the columns of the results lie: parts[field_count]. */
CAPI_MUST_USE capi_status answer_parts(capi_str payload, uint32_t field_count, columns_part *parts, capi_err *err);
