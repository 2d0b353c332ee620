/* names.h - what alias.name means where an expression stands.
 *
 * A name list is one table's fields, one file's columns, ...; a scope says which lists an expression may read under which
 * alias, and which it may not although they exist. Slots, the inputs of a node's program, are numbered as columns are first
 * used. */
#pragma once

#include "base/hash.h"
#include "expr/expr.h"
#include "script/script.h"

typedef struct capi_name {
    capi_str name;
    uint32_t number; /* column or field number */
    bool has_type;   /* false: its type is wrong, which is reported elsewhere */
    capi_type type;
} capi_name;

typedef struct capi_name_list {
    capi_name *items;
    uint32_t count, capacity;
    capi_map by_name;
    bool is_unknown; /* what it holds cannot be told, as its maker is missing: no name is judged */
} capi_name_list;

void capi_name_list_init(capi_name_list *list, capi_arena *arena);
/* Adds a name with the next number; the first of equal names is the one that is found. */
capi_name *capi_name_list_add(capi_name_list *list, capi_str name, bool has_type, capi_type type);
const capi_name *capi_name_list_find(const capi_name_list *list, capi_str name);

/* The slots of one node. */
typedef struct capi_slot_list {
    capi_arena *arena;
    capi_slot *items;
    uint32_t count, capacity;
    uint32_t *of_column[4]; /* per side: column -> slot + 1; 0: none yet */
    uint32_t column_count[4];
} capi_slot_list;

uint32_t capi_slot_list_use(capi_slot_list *slots, capi_side side, const capi_name *name);

typedef struct capi_scope_alias {
    const char *alias;
    const capi_name_list *names; /* NULL: there is nothing under this alias */
    bool is_allowed;             /* false: known, but not for this expression */
    capi_side side;
    uint32_t base; /* without slots: input number = base + number of the name */
} capi_scope_alias;

enum { CAPI_SCOPE_ALIAS_MAX = 4 };

typedef struct capi_name_scope {
    capi_scope_alias aliases[CAPI_SCOPE_ALIAS_MAX];
    uint32_t alias_count;
    capi_slot_list *slots; /* NULL: inputs are numbered by base + number */
    bool allows_aggregates;
    bool allows_plain_names; /* py_calc */
    bool is_unresolved;      /* out: a name was met whose meaning or type cannot be told */
} capi_name_scope;

void capi_name_scope_add(capi_name_scope *scope, const char *alias, const capi_name_list *names, bool is_allowed,
                         capi_side side);
/* For capi_scope.find. */
capi_name_verdict capi_name_scope_find(void *scope, capi_str alias, capi_str name, uint32_t *slot, capi_type *type);
/* All allowed names as "r.a"; for suggestions. */
capi_str *capi_name_scope_words(const capi_name_scope *scope, capi_arena *arena, uint32_t *count);
/* "r.*, l.*" */
capi_str capi_name_scope_aliases(const capi_name_scope *scope, capi_arena *arena);
