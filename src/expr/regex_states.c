/* regex_states.c - follows all ways through a pattern at the same time (K. Thompson, "Regular expression search algorithm").
 *
 * A repeated character is one state that counts: its bits say how many rounds it may be in, and a character of its class
 * shifts them all (R. Baeza-Yates and G. Gonnet, "A new approach to text searching"). Repeated groups are written out.
 * States are made from the last to the first, so each knows what follows it. */
#include "expr/regex_states.h"

#include "base/utf8.h"
#include "expr/regex_class.h"
#include "expr/regex_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATES_MAX = 4096, STATES_WORDS_MAX = 16384 };

#define STATES_NONE UINT32_MAX

typedef enum state_kind {
    STATE_COUNT,  /* characters of a class, `min` to `max` of them, then `next` */
    STATE_EITHER, /* `next` and `other` */
    STATE_PLACE,  /* `next` where `place` is true */
    STATE_MATCH,
} state_kind;

typedef struct regex_state {
    state_kind kind;
    regex_place place;
    uint32_t next, other;
    uint32_t rune; /* COUNT, if there is no class */
    const expr_regex_class *class;
    bool has_max;
    uint32_t min;
    uint32_t top;        /* the highest bit: `max`; without one at least 1, then it stands for all above too */
    uint32_t first_word; /* of its bits */
} regex_state;

struct expr_regex_states {
    regex_state *items;
    uint32_t count, capacity;
    uint32_t word_count;
    uint32_t start;
};

/* ---- making ---- */

static uint32_t make(expr_regex_states *states, const regex_node *node, uint32_t next);

static uint32_t add(expr_regex_states *states, regex_state state)
{
    if (states->count == STATES_MAX) return STATES_NONE;
    if (states->count == states->capacity) {
        states->capacity = states->capacity ? 2 * states->capacity : 16;
        states->items = capi_realloc(states->items, states->capacity * sizeof *states->items);
    }
    states->items[states->count] = state;
    return states->count++;
}

static uint32_t word_count_of(const regex_state *state)
{
    return state->top / 64 + 1;
}

/* The class of a character that has others beside it, or NULL. */
static const expr_regex_class *class_of(const regex_node *node)
{
    static const char *const flags[] = {"", "i", "s", "is"};
    const char *wanted = flags[node->flags & (REGEX_FOLD | REGEX_DOT_ALL)];
    char source[16];

    if (node->kind == REGEX_CLASS) return expr_regex_class_ref(wanted, node->source.data, node->source.bytes);
    return expr_regex_class_ref(wanted, source, (size_t)snprintf(source, sizeof source, "\\x{%X}", node->rune));
}

static uint32_t make_count(expr_regex_states *states, const regex_node *node, uint32_t min, uint32_t max, uint32_t next)
{
    regex_state state = {.kind = STATE_COUNT, .next = next, .rune = node->rune, .min = min};
    uint32_t made;

    state.has_max = max != REGEX_NO_MAX;
    state.top = state.has_max ? max : min > 0 ? min : 1;
    state.first_word = states->word_count;
    states->word_count += word_count_of(&state);
    if (states->word_count > STATES_WORDS_MAX) return STATES_NONE;
    if (node->kind == REGEX_CLASS || node->flags & REGEX_FOLD) {
        state.class = class_of(node);
        if (!state.class) return STATES_NONE;
    }
    made = add(states, state);
    if (made == STATES_NONE) expr_regex_class_unref(state.class);
    return made;
}

/* Any number of rounds, also none. */
static uint32_t make_star(expr_regex_states *states, const regex_node *node, uint32_t next)
{
    uint32_t star = add(states, (regex_state){.kind = STATE_EITHER, .other = next});
    uint32_t body = star == STATES_NONE ? star : make(states, node, star);

    if (body == STATES_NONE) return STATES_NONE;
    states->items[star].next = body;
    return star;
}

static uint32_t make_repeat(expr_regex_states *states, const regex_node *node, uint32_t next)
{
    const regex_node *child = node->children[0];
    uint32_t at = next;

    if (child->kind == REGEX_CHARACTER || child->kind == REGEX_CLASS)
        return make_count(states, child, node->min, node->max, next);
    if (node->max == REGEX_NO_MAX) at = make_star(states, child, next);
    for (uint32_t i = node->min; node->max != REGEX_NO_MAX && i < node->max && at != STATES_NONE; i++) {
        at = make(states, child, at);
        if (at != STATES_NONE) at = add(states, (regex_state){.kind = STATE_EITHER, .next = at, .other = next});
    }
    for (uint32_t i = 0; i < node->min && at != STATES_NONE; i++)
        at = make(states, child, at);
    return at;
}

static uint32_t make_choice(expr_regex_states *states, const regex_node *node, uint32_t next)
{
    uint32_t at = make(states, node->children[node->child_count - 1], next);

    for (uint32_t i = node->child_count - 1; i > 0 && at != STATES_NONE; i--) {
        uint32_t branch = make(states, node->children[i - 1], next);

        if (branch == STATES_NONE) return STATES_NONE;
        at = add(states, (regex_state){.kind = STATE_EITHER, .next = branch, .other = at});
    }
    return at;
}

/* The first state of the node, behind which `next` follows; STATES_NONE if there are too many. */
static uint32_t make(expr_regex_states *states, const regex_node *node, uint32_t next)
{
    switch (node->kind) {
    case REGEX_CHARACTER:
    case REGEX_CLASS: return make_count(states, node, 1, 1, next);
    case REGEX_PLACE: return add(states, (regex_state){.kind = STATE_PLACE, .place = node->place, .next = next});
    case REGEX_SEQUENCE:
        for (uint32_t i = node->child_count; i > 0 && next != STATES_NONE; i--)
            next = make(states, node->children[i - 1], next);
        return next;
    case REGEX_CHOICE: return make_choice(states, node, next);
    case REGEX_REPEAT: return make_repeat(states, node, next);
    }
    return STATES_NONE;
}

expr_regex_states *expr_regex_states_new(const char *pattern, size_t bytes)
{
    expr_regex_states *states = capi_zmalloc(sizeof *states);
    capi_arena arena = {0};
    const regex_node *root = expr_regex_tree(&arena, (capi_str){pattern, bytes});

    states->start = root ? make(states, root, add(states, (regex_state){.kind = STATE_MATCH})) : STATES_NONE;
    capi_arena_deinit(&arena);
    if (states->start != STATES_NONE) return states;
    expr_regex_states_free(states);
    return NULL;
}

void expr_regex_states_free(expr_regex_states *states)
{
    if (!states) return;
    for (uint32_t i = 0; i < states->count; i++)
        expr_regex_class_unref(states->items[i].class);
    free(states->items);
    free(states);
}

/* ---- matching ---- */

/* The counting states that are active at one place of the text. */
typedef struct state_list {
    uint32_t *items;
    uint32_t count;
    uint64_t *words; /* the bits of all states; of those in the list they count */
} state_list;

typedef struct state_search {
    const expr_regex_states *states;
    const char *text;
    size_t bytes;
    size_t at;
    uint32_t round;  /* one more for each character */
    uint32_t *seen;  /* by state: in which round it was reached last */
    uint32_t *stack; /* states that are still to be reached */
    state_list now, then;
    bool is_found;
} state_search;

size_t expr_regex_states_room(const expr_regex_states *states)
{
    return 2 * states->word_count * sizeof(uint64_t) + (5 * (size_t)states->count + 2) * sizeof(uint32_t);
}

static void search_init(state_search *search, const expr_regex_states *states, void *room)
{
    uint32_t count = states->count;

    search->states = states;
    search->round = 1;
    search->now.words = room;
    search->then.words = search->now.words + states->word_count;
    search->seen = (uint32_t *)(search->then.words + states->word_count);
    search->now.items = search->seen + count;
    search->then.items = search->now.items + count;
    search->stack = search->then.items + count;
    memset(search->seen, 0, count * sizeof *search->seen);
}

static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_place(const state_search *search, regex_place place)
{
    size_t at = search->at;
    bool is_start = at == 0;
    bool is_end = at == search->bytes;
    bool is_edge = (!is_start && is_word_byte(search->text[at - 1])) != (!is_end && is_word_byte(search->text[at]));

    switch (place) {
    case REGEX_TEXT_START: return is_start;
    case REGEX_TEXT_END: return is_end;
    case REGEX_LINE_START: return is_start || search->text[at - 1] == '\n';
    case REGEX_LINE_END: return is_end || search->text[at] == '\n';
    case REGEX_WORD_EDGE: return is_edge;
    case REGEX_NO_WORD_EDGE: return !is_edge;
    }
    return false;
}

/* The bits of a counting state in the list to come, where it now is. */
static uint64_t *listed(state_search *search, uint32_t number)
{
    const regex_state *state = &search->states->items[number];
    uint64_t *words = search->then.words + state->first_word;

    if (search->seen[number] == search->round) return words;
    search->seen[number] = search->round;
    search->then.items[search->then.count++] = number;
    memset(words, 0, word_count_of(state) * sizeof *words);
    return words;
}

/* Reaches the state, and those that follow it without a character. A state is expanded once a round, so the stack suffices. */
static void reach(state_search *search, uint32_t number)
{
    uint32_t depth = 0;

    search->stack[depth++] = number;
    while (depth > 0) {
        const regex_state *state;

        number = search->stack[--depth];
        state = &search->states->items[number];
        if (state->kind == STATE_COUNT) {
            uint64_t *words = listed(search, number);

            if (words[0] & 1) continue;
            words[0] |= 1;
            if (state->min == 0) search->stack[depth++] = state->next;
            continue;
        }
        if (search->seen[number] == search->round) continue;
        search->seen[number] = search->round;
        if (state->kind == STATE_MATCH) search->is_found = true;
        if (state->kind == STATE_EITHER) search->stack[depth++] = state->other;
        if (state->kind == STATE_EITHER || (state->kind == STATE_PLACE && is_place(search, state->place)))
            search->stack[depth++] = state->next;
    }
}

/* Shifts the bits of a state by one into those it has already; true if one of the new says that it may end. */
static bool count_on(const regex_state *state, const uint64_t *from, uint64_t *to)
{
    uint32_t last = state->top / 64;
    uint64_t top = 1ull << state->top % 64;
    uint64_t carry = 0;
    bool may_end = false;

    for (uint32_t i = 0; i <= last; i++) {
        uint64_t word = from[i] << 1 | carry;

        carry = from[i] >> 63;
        if (i == last) word &= top | (top - 1);
        if (i == last && !state->has_max) word |= from[i] & top;
        to[i] |= word;
        if (i > state->min / 64)
            may_end |= word != 0;
        else if (i == state->min / 64)
            may_end |= word >> state->min % 64 != 0;
    }
    return may_end;
}

static bool is_character_of(const regex_state *state, uint32_t rune)
{
    return state->class ? expr_regex_class_has(state->class, rune) : state->rune == rune;
}

/* All states that the character leads to. */
static void step(state_search *search, uint32_t rune)
{
    for (uint32_t i = 0; i < search->now.count; i++) {
        uint32_t number = search->now.items[i];
        const regex_state *state = &search->states->items[number];

        if (!is_character_of(state, rune)) continue;
        if (count_on(state, search->now.words + state->first_word, listed(search, number))) reach(search, state->next);
    }
}

bool expr_regex_states_match(const expr_regex_states *states, const char *text, size_t bytes, void *room)
{
    const regex_state *start = &states->items[states->start];
    bool at_start_only = start->kind == STATE_PLACE && start->place == REGEX_TEXT_START;
    state_search search = {.text = text, .bytes = bytes};

    search_init(&search, states, room);
    reach(&search, states->start);
    while (!search.is_found && search.at < bytes && (search.then.count > 0 || !at_start_only)) {
        state_list now = search.then;
        uint32_t rune = capi_utf8_read(text, bytes, &search.at);

        search.then = search.now;
        search.then.count = 0;
        search.now = now;
        search.round++;
        step(&search, rune);
        if (!at_start_only) reach(&search, states->start);
    }
    return search.is_found;
}
