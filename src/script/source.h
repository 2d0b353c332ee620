/* source.h - a text file of a script with its places, and how mistakes in it are reported.
 *
 * Parameters change the text before it is parsed. Whatever is parsed speaks of places in the changed text; `pieces` lead
 * back to the file as its author sees it. */
#pragma once

#include "base/diag.h"
#include "script/tree.h"

struct capi_source;

/* The value of a parameter, for messages about what it put into the script. */
typedef struct capi_source_value {
    capi_str name;
    const struct capi_source *file; /* NULL: not from a file */
    const capi_tree *tree;          /* in that file */
} capi_source_value;

/* From `at` in the changed text on (to the next piece), the text is that of the file from `from` on; or, if
 * from != to, it stands for the bytes from..to of the file as a whole. */
typedef struct capi_source_piece {
    uint32_t at;
    uint32_t from, to;
    bool is_replaced;
    const capi_source_value *value; /* what is put in there; NULL: no parameter's value */
} capi_source_piece;

typedef struct capi_source {
    capi_str url;
    capi_str original;
    capi_str text;                   /* with parameters put in */
    const capi_source_piece *pieces; /* ascending; none: text is original */
    uint32_t piece_count;
} capi_source;

/* Where bytes start..end of the changed text stand in the file. */
void capi_source_find(const capi_source *source, uint32_t start, uint32_t end, uint32_t *file_start,
                      uint32_t *file_end);

enum { CAPI_WARNING_MAX = 300, CAPI_HINT_MAX = 40 };

/* Where messages go, and what they are about at the moment. */
typedef struct capi_report {
    capi_arena *arena; /* for words */
    capi_diags *diags;
    capi_str context;       /* "in field "total" of node "join_items"", or empty */
    uint32_t hint_count;    /* see capi_report_may_hint */
    uint32_t warning_count; /* more than CAPI_WARNING_MAX are dropped, lest they crowd out the errors */
} capi_report;

/* A mistake at bytes start..end of source->text. source NULL: no file is to blame. rule NULL: none. */
void capi_report_error(capi_report *report, const char *rule, const capi_source *source, uint32_t start, uint32_t end,
                       const char *format, ...) CAPI_PRINTF(6, 7);
void capi_report_warning(capi_report *report, const char *rule, const capi_source *source, uint32_t start, uint32_t end,
                         const char *format, ...) CAPI_PRINTF(6, 7);
/* Joins words as "a, b, c", each quoted if `quote` is set; at most 20, then "...". In the arena. */
capi_str capi_words_join(capi_arena *arena, const capi_str *words, size_t count, bool quote);
/* Looking for what was meant among thousands of names takes its time: the first CAPI_HINT_MAX mistakes of a script get
 * that help. */
bool capi_report_may_hint(capi_report *report);
/* "; did you mean "x"?", or an empty text. */
capi_str capi_did_you_mean(capi_arena *arena, capi_str wrong, const capi_str *candidates, size_t count);
