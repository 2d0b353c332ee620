/* diags_json.h - mistakes and warnings as JSON, for editors. */
#pragma once

#include "base/diag.h"

/* One array; an item has file, line, column, length, end_column, severity, rule, message, suggestion, context, excerpt:
 *     [{"file":"shop.yaml","line":14,"column":22,"length":8,"end_column":30,"severity":"error","rule":"V71",
 *       "message":"unknown field \"r.pricee\"; did you mean \"r.price\"?","suggestion":"r.price", ...}]
 * Columns count characters from 1. Fields that do not apply are left out. */
void capi_diags_to_json(const capi_diags *diags, capi_buf *to);
