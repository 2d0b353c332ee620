/* regex_tree.h - what a regular expression says, as a tree: for what is to be known about a pattern without RE2's help.
 *
 * The tree is exact for patterns that RE2 accepts; of others it is of no use, but reading them does no harm. Whether a repeat
 * is lazy and what groups are called is left out: neither changes whether a text matches. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

typedef enum regex_kind {
    REGEX_CHARACTER, /* one character that is known: `rune`; also others of its case if REGEX_FOLD */
    REGEX_CLASS,     /* one character of several: `source` says which */
    REGEX_PLACE,     /* no character: `place` says where it is true */
    REGEX_SEQUENCE,  /* all children, one after the other; perhaps none */
    REGEX_CHOICE,    /* one of the children */
    REGEX_REPEAT,    /* the only child `min` to `max` times */
} regex_kind;

typedef enum regex_place {
    REGEX_TEXT_START,
    REGEX_TEXT_END,
    REGEX_LINE_START,
    REGEX_LINE_END,
    REGEX_WORD_EDGE,
    REGEX_NO_WORD_EDGE,
} regex_place;

enum {
    REGEX_FOLD = 1,    /* (?i) */
    REGEX_DOT_ALL = 2, /* (?s) */
    REGEX_LINES = 4,   /* (?m) */
};

#define REGEX_NO_MAX UINT32_MAX

typedef struct regex_node regex_node;

struct regex_node {
    regex_kind kind;
    uint8_t flags;
    regex_place place;
    uint32_t rune;
    capi_str source; /* as in the pattern */
    uint32_t min, max;
    uint32_t child_count;
    regex_node **children;
};

/* NULL if the pattern is not understood. The tree points into the pattern. */
const regex_node *expr_regex_tree(capi_arena *arena, capi_str pattern);
