/* diagram_text.c - widths, cutting, wrapping and escaping. */
#include "script/diagram_text.h"

#include <math.h>

enum { ASCII_FIRST = 0x20, ASCII_COUNT = 95 };

/* Thousandths of the font size: the wider of Verdana and DejaVu Sans; Arial, which Liberation Sans equals. */
static const uint16_t box_widths[ASCII_COUNT] = {
    352, 401, 460, 838, 636, 1076, 780, 275, 454, 454, 636, 838, 364, 454,  364, 454, 636, 636, 636,
    636, 636, 636, 636, 636, 636,  636, 454, 454, 838, 838, 838, 545, 1000, 684, 686, 698, 771, 632,
    575, 775, 752, 421, 455, 693,  557, 863, 748, 787, 603, 787, 695, 684,  616, 732, 684, 989, 685,
    615, 685, 454, 454, 454, 838,  636, 636, 613, 635, 550, 635, 615, 352,  635, 634, 278, 344, 592,
    278, 974, 634, 612, 635, 635,  427, 521, 394, 634, 592, 818, 592, 592,  525, 636, 454, 636, 838};
static const uint16_t label_widths[ASCII_COUNT] = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584};

static const struct {
    const uint16_t *widths;
    double size;
} faces[] = {[CAPI_FACE_BOX] = {box_widths, 20}, [CAPI_FACE_LABEL] = {label_widths, 18}};

static const double HINTING = 1.03; /* rounded to whole pixels, glyphs may be a little wider */
static const capi_str ellipsis = {"\xe2\x80\xa6", 3};

/* ---- characters ---- */

/* The character at *at, which moves past it; U+FFFD for what is not UTF-8. */
static uint32_t next_char(capi_str text, size_t *at)
{
    unsigned char c = (unsigned char)text.data[(*at)++];
    uint32_t more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    uint32_t code = c & (0x3F >> more);

    if (c < 0x80) return c;
    if (c < 0xC0) return 0xFFFD;
    for (; more > 0; more--) {
        if (*at == text.bytes || ((unsigned char)text.data[*at] & 0xC0) != 0x80) return 0xFFFD;
        code = code << 6 | ((unsigned char)text.data[(*at)++] & 0x3F);
    }
    return code;
}

static double char_width(uint32_t code, capi_text_face face)
{
    double size = faces[face].size / 1000 * HINTING;

    if (code < ASCII_FIRST) return faces[face].widths[0] * size;
    if (code < ASCII_FIRST + ASCII_COUNT) return faces[face].widths[code - ASCII_FIRST] * size;
    if (code < 0x590) return 850 * size;
    return (code < 0x10000 ? 1050 : 1350) * size; /* as wide as high; emoji are wider */
}

double capi_text_width(capi_str text, capi_text_face face)
{
    double width = 0;

    for (size_t at = 0; at < text.bytes;)
        width += char_width(next_char(text, &at), face);
    return width;
}

bool capi_text_is_ascii(capi_str text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if ((unsigned char)text.data[i] >= 0x80) return false;
    return true;
}

/* ---- cutting ---- */

/* How many bytes of whole characters fit into the width. */
static size_t bytes_that_fit(capi_str text, capi_text_face face, double width)
{
    size_t at = 0;

    while (at < text.bytes) {
        size_t next = at;

        width -= char_width(next_char(text, &next), face);
        if (width < 0) break;
        at = next;
    }
    return at;
}

static size_t back_one(capi_str text, size_t at)
{
    do
        at--;
    while (at > 0 && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    return at;
}

capi_str capi_text_fit(capi_str text, capi_text_face face, double width, capi_arena *arena)
{
    double half = (width - capi_text_width(ellipsis, face)) / 2;
    size_t from;
    size_t to;

    if (bytes_that_fit(text, face, width) == text.bytes) return text;
    from = bytes_that_fit(text, face, half);
    for (to = text.bytes; to > from;) {
        size_t before = back_one(text, to);

        half -= capi_text_width(capi_str_slice(text, before, to), face);
        if (half < 0) break;
        to = before;
    }
    return capi_str_format(arena, "%.*s%.*s%.*s", (int)from, text.data, CAPI_STR_ARG(ellipsis), (int)(text.bytes - to),
                           text.data + to);
}

/* ---- wrapping ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The end of the first line: before the last blank that fits, else where the width ends, but never nothing. */
static size_t line_end(capi_str text, capi_text_face face, double width)
{
    size_t fits = bytes_that_fit(text, face, width);
    size_t end = fits;

    if (fits == text.bytes) return fits;
    while (end > 0 && !is_blank(text.data[end]))
        end--;
    if (end > 0) return end;
    if (fits == 0) next_char(text, &fits);
    return fits;
}

static capi_str without_blanks(capi_str text)
{
    size_t from = 0;
    size_t to = text.bytes;

    while (from < to && is_blank(text.data[from]))
        from++;
    while (to > from && is_blank(text.data[to - 1]))
        to--;
    return capi_str_slice(text, from, to);
}

uint32_t capi_text_wrap(capi_str text, capi_text_face face, double width, capi_str *lines, uint32_t line_max,
                        capi_arena *arena)
{
    uint32_t count = 0;
    capi_str rest = without_blanks(text);

    while (rest.bytes > 0 && count < line_max) {
        size_t end = line_end(rest, face, width);
        capi_str line = without_blanks(capi_str_slice(rest, 0, end));

        rest = without_blanks(capi_str_slice(rest, end, rest.bytes));
        if (count + 1 == line_max && rest.bytes > 0) {
            size_t keep = bytes_that_fit(line, face, fmax(0, width - capi_text_width(ellipsis, face)));

            line = capi_str_format(arena, "%.*s%.*s", (int)keep, line.data, CAPI_STR_ARG(ellipsis));
        }
        lines[count++] = line;
    }
    return count;
}

/* ---- escaping ---- */

static bool is_xml(uint32_t code)
{
    return code < 0xD800 || (code >= 0xE000 && code < 0xFFFE) || (code >= 0x10000 && code < 0x110000);
}

void capi_text_escape(capi_buf *to, capi_str text)
{
    for (size_t at = 0; at < text.bytes;) {
        size_t from = at;
        uint32_t code = next_char(text, &at);

        switch (code) {
        case '&': capi_buf_append_text(to, "&amp;"); break;
        case '<': capi_buf_append_text(to, "&lt;"); break;
        case '>': capi_buf_append_text(to, "&gt;"); break;
        case '"': capi_buf_append_text(to, "&quot;"); break;
        case '\'': capi_buf_append_text(to, "&#39;"); break;
        case 0xFFFD: capi_buf_append_text(to, "\xef\xbf\xbd"); break;
        default:
            if (code < 0x20 || (code >= 0x7F && code < 0xA0))
                capi_buf_append_byte(to, ' ');
            else if (is_xml(code))
                capi_buf_append(to, text.data + from, at - from);
            else
                capi_buf_append_text(to, "\xef\xbf\xbd");
        }
    }
}
