/* diags_json.h - mistakes and warnings as JSON, for editors. */
#pragma once

#include "base/diag.h"

/* One array; an item has file, line, column, length, severity, rule, message, context, excerpt:
 *     [{"file":"shop.yaml","line":14,"column":22,"length":8,"severity":"error","rule":"V71","message":"..."}]
 * Fields that do not apply are left out. */
void capi_diags_to_json(const capi_diags *diags, capi_buf *to);
