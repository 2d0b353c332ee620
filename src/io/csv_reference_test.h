/* csv_reference_test.h - for tests: the dialect as the specification puts it, one byte after the other, and nasty texts.
 *
 * Written for clearness, and on purpose in another way than csv_record.c: line ends are made LF first, then one state per
 * byte. */
#pragma once

#include "base/buf.h"
#include "base/random.h"
#include "base/test.h"

enum { REFERENCE_RECORDS_MAX = 512, REFERENCE_FIELDS_MAX = 4096 };

typedef struct reference {
    capi_buf bytes;                      /* of all values, one behind the other */
    uint32_t ends[REFERENCE_FIELDS_MAX]; /* in `bytes` */
    uint32_t field_total;
    uint32_t first_field[REFERENCE_RECORDS_MAX + 1]; /* [record]: number of its first field */
    uint32_t line[REFERENCE_RECORDS_MAX];            /* [record]: physical line of its start, from 0 */
    uint32_t record_count;
} reference;

static inline void reference_end_field(reference *all)
{
    CHECK(all->field_total < REFERENCE_FIELDS_MAX);
    all->ends[all->field_total++] = (uint32_t)all->bytes.bytes;
}

static inline void reference_end_record(reference *all)
{
    reference_end_field(all);
    CHECK(all->record_count < REFERENCE_RECORDS_MAX);
    all->first_field[++all->record_count] = all->field_total;
}

static inline void reference_parse(reference *all, capi_str text, char separator)
{
    enum { BEGIN_RECORD, BEGIN_FIELD, PLAIN, QUOTED, QUOTE } state = BEGIN_RECORD;
    capi_buf lines = {0};
    uint32_t line = 0;

    all->bytes.bytes = 0;
    all->field_total = all->record_count = 0;
    all->first_field[0] = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        bool is_last = i + 1 == text.bytes;

        if (text.data[i] == '\r' && (is_last || text.data[i + 1] == '\n')) continue;
        capi_buf_append_byte(&lines, text.data[i]);
    }
    for (size_t i = 0; i < lines.bytes; i++) {
        char c = lines.data[i];

        if (state == BEGIN_RECORD && c == '\n') {
            line++;
            continue;
        }
        if (state == BEGIN_RECORD && all->record_count < REFERENCE_RECORDS_MAX) all->line[all->record_count] = line;
        line += c == '\n';
        if (state == QUOTE && c != '"' && c != separator && c != '\n') {
            capi_buf_append_byte(&all->bytes, '"'); /* lazy: it was data */
            state = QUOTED;
        }
        if (state == QUOTED) {
            if (c == '"')
                state = QUOTE;
            else
                capi_buf_append_byte(&all->bytes, c);
        } else if (state == QUOTE && c == '"') {
            capi_buf_append_byte(&all->bytes, c);
            state = QUOTED;
        } else if (c == separator) {
            reference_end_field(all);
            state = BEGIN_FIELD;
        } else if (c == '\n') {
            reference_end_record(all);
            state = BEGIN_RECORD;
        } else if (c == '"' && state != PLAIN) {
            state = QUOTED;
        } else {
            capi_buf_append_byte(&all->bytes, c);
            state = PLAIN;
        }
    }
    if (state != BEGIN_RECORD) reference_end_record(all);
    capi_buf_deinit(&lines);
}

static inline capi_str reference_field(const reference *all, uint32_t record, uint32_t field)
{
    uint32_t number = all->first_field[record] + field;
    uint32_t start = number ? all->ends[number - 1] : 0;

    return (capi_str){all->bytes.data ? all->bytes.data + start : "", all->ends[number] - start};
}

static inline uint32_t reference_field_count(const reference *all, uint32_t record)
{
    return all->first_field[record + 1] - all->first_field[record];
}

static inline uint64_t nasty_number(const capi_random *random, uint64_t below)
{
    return random->next(random->context) % below;
}

/* A text full of quotes, separators and line ends in all orders, some of it with long runs of letters between. Half of them
 * have the same number of fields in most records. */
static inline void nasty_text(const capi_random *random, capi_buf *to)
{
    static const char *const pieces[] = {"\"",       "\"", ",", ",",    "\n",  "\r\n", "\r",     "a",
                                         "\xc3\xa9", " ",  ";", "\"\"", "\",", ",\"",  "\"\n\"", "a,b\n"};
    uint64_t length = nasty_number(random, 8) == 0 ? nasty_number(random, 200) : nasty_number(random, 24);
    uint64_t kinds = nasty_number(random, 3) ? 16 : 10;
    bool has_runs = nasty_number(random, 3) == 0;
    bool is_regular = nasty_number(random, 2) == 0;

    capi_buf_clear(to);
    for (uint64_t i = 0; i < length; i++) {
        if (has_runs && nasty_number(random, 10) == 0)
            for (uint64_t run = nasty_number(random, 140); run > 0; run--)
                capi_buf_append_byte(to, 'x');
        if (!is_regular) {
            capi_buf_append_text(to, pieces[nasty_number(random, kinds)]);
            continue;
        }
        switch (nasty_number(random, 6)) {
        case 0: capi_buf_append_text(to, "\"q,\n\"\"\",b\r\n"); break;
        case 1: capi_buf_append_text(to, "\"\",\"\"\n"); break;
        case 2: capi_buf_append_text(to, "5\" pipe,\"lazy\" text\"\n"); break;
        case 3: capi_buf_append_text(to, nasty_number(random, 4) ? "\n" : "\r\n"); break;
        case 4: capi_buf_append_text(to, nasty_number(random, 9) ? "x,\r\n" : "1,2,3\n"); break;
        default: capi_buf_append_text(to, "plain,row\n");
        }
    }
}
