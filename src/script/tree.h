/* tree.h - JSON and YAML as one tree of values, each with its place in the text.
 *
 * Both readers build the same nodes, so nothing behind them knows which of the two a script was written in. Strings are
 * decoded; where a byte of a decoded string came from is found again only when a message needs it (capi_tree_locate), so
 * positions inside strings cost nothing while all is well.
 *
 * A YAML alias is the tree of its anchor, shared, not copied; `weight` counts what a full walk would visit and is bounded, so
 * that a few lines of aliases cannot stand for billions of values. */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum {
    CAPI_TREE_DEPTH_MAX = 500,
    CAPI_TREE_WEIGHT_MAX = 20000000, /* values, counted as if aliases were copied */
};

typedef enum capi_tree_kind {
    CAPI_TREE_NULL,
    CAPI_TREE_BOOL,
    CAPI_TREE_INT,    /* whole and within 64 bits */
    CAPI_TREE_NUMBER, /* any other number */
    CAPI_TREE_STRING,
    CAPI_TREE_LIST,
    CAPI_TREE_MAP,
} capi_tree_kind;

typedef enum capi_tree_style { /* how a string was written */
                               CAPI_TREE_JSON,
                               CAPI_TREE_PLAIN,
                               CAPI_TREE_SINGLE_QUOTED,
                               CAPI_TREE_DOUBLE_QUOTED,
                               CAPI_TREE_LITERAL,
                               CAPI_TREE_FOLDED,
} capi_tree_style;

typedef struct capi_tree capi_tree;
typedef struct capi_tree_member capi_tree_member;

struct capi_tree {
    capi_tree_kind kind : 8;
    capi_tree_style style : 8; /* strings */
    uint32_t start, end;       /* in the text, in bytes: quotes and brackets included */
    uint32_t count;            /* members or items */
    uint32_t weight;
    union {
        bool boolean;
        int64_t integer;
        double number;
        capi_str string;
        capi_tree_member *members; /* in the order of the text */
        const capi_tree **items;
    };
};

struct capi_tree_member {
    const capi_tree *key; /* a string */
    const capi_tree *value;
    bool is_repeated; /* JSON: an earlier member had the same name; this is the last one */
};

/* On failure err->offset and err->length_bytes tell the place. Texts of more than 4 GiB are not for us. */
CAPI_MUST_USE capi_status capi_tree_from_json(capi_arena *arena, capi_str text, const capi_tree **out, capi_err *err);
CAPI_MUST_USE capi_status capi_tree_from_yaml(capi_arena *arena, capi_str text, const capi_tree **out, capi_err *err);

/* The value of a map's member, or NULL. Compares name by name: for small maps and tests. */
const capi_tree *capi_tree_get(const capi_tree *map, const char *name);

/* "string", "whole number", ... for messages. */
const char *capi_tree_kind_name(capi_tree_kind kind);

/* Where bytes from..to of a decoded string stand in the text. Falls back to the whole value when that cannot be told. */
void capi_tree_locate(const capi_tree *string, capi_str text, size_t from, size_t to, uint32_t *start, uint32_t *end);
