/* diagram_text.h - texts in a picture: how wide they are at most, cut and wrapped to fit, escaped for XML.
 *
 * Which font a viewer has is not known, so widths are the greatest of the usual ones. */
#pragma once

#include "base/buf.h"

typedef enum capi_text_face { CAPI_FACE_BOX, CAPI_FACE_LABEL } capi_text_face; /* Verdana 20 px; Arial 18 px */

double capi_text_width(capi_str text, capi_text_face face);
/* The text, or its beginning and its end with an ellipsis between them where it is wider. */
capi_str capi_text_fit(capi_str text, capi_text_face face, double width, capi_arena *arena);
/* At most `line_max` lines, broken at blanks where possible; the last one ends with an ellipsis when something is left.
 * Returns their number, 0 for a blank text. */
uint32_t capi_text_wrap(capi_str text, capi_text_face face, double width, capi_str *lines, uint32_t line_max,
                        capi_arena *arena);
/* Control characters become blanks, what XML does not allow U+FFFD. */
void capi_text_escape(capi_buf *to, capi_str text);
/* Whether its width is known well; if not, it has to be clipped. */
bool capi_text_is_ascii(capi_str text);
