/* expression.h - loads one expression of a script: parses it, judges its names, checks its type, and reports what is wrong at
 * its place in the file. */
#pragma once

#include "script/names.h"
#include "script/source.h"
#include "script/tree.h"

/* The rules of script specification 11.4 that apply where the expression stands. */
typedef struct capi_expression_rules {
    const char *syntax; /* "V26" */
    const char *names;  /* "V71" */
    const char *types;  /* "V78" */
    const char *blank;  /* "V76" */
    const char *alias;  /* an alias that means nothing here, if that is another rule than names */
} capi_expression_rules;

typedef struct capi_expression_place {
    capi_report *report;
    const capi_source *source;
    const capi_tree *value; /* a string */
    const capi_expression_rules *rules;
    const char *aggregate_hint; /* why there may be no aggregate here */
} capi_expression_place;

/* Parses, and judges names and plain identifiers. False: reported. */
bool capi_expression_parse(capi_arena *arena, const capi_expression_place *place, capi_name_scope *scope,
                           const capi_ast **out);
/* Parses and checks; wanted NULL: any type. *out is NULL if the expression is wrong or cannot be judged because what it
 * reads is wrong itself (which is reported where it is). `what` is its result in messages: `field "total"`. */
bool capi_expression_load(capi_arena *arena, const capi_expression_place *place, capi_name_scope *scope,
                          const capi_type *wanted, const char *what, const capi_expr **out);
/* The place in the file of bytes from..to of the string. */
void capi_expression_report(const capi_expression_place *place, const char *rule, size_t from, size_t to,
                            const char *format, ...) CAPI_PRINTF(5, 6);
/* Empty or white space. */
bool capi_text_is_blank(capi_str text);
