/* s3_xml.h - the answers of S3 that matter here: lists of objects, and the id of an upload in parts. */
#pragma once

#include "net/protocol.h"

typedef struct s3_answer {
    capi_buf upload_id;
    capi_buf next_token; /* of a list that goes on */
    bool is_truncated;
    bool is_error; /* the root is <Error>, although the status was 200 */
    capi_buf error_code, error_text;
} s3_answer;

/* Objects are added to `listing` (may be NULL) as "s3://<bucket>/<key>", their texts in the arena. CAPI_UNAVAILABLE when it is no
 * well-formed XML: half an answer. */
CAPI_MUST_USE capi_status s3_xml_read(capi_str text, capi_str bucket, capi_arena *arena, net_listing *listing,
                                      s3_answer *out, capi_err *err);
void s3_answer_deinit(s3_answer *answer);
