/* text_set.c - an automaton that follows all parts at the same time (A. V. Aho and M. J. Corasick, "Efficient string
 * matching"). A state stands for the longest beginning of a part that the text just ended with; one look into a table gives
 * the state after the next byte. Bytes that occur in no part are one class, so the table is narrow. */
#include "expr/text_set.h"

#include "expr/text_fold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SET_TABLE_MAX = 4 << 20, /* entries: 16 MB */
    SET_PART_BYTES_MAX = 16, /* what is looked for is seldom told apart later than here */
};

#define SET_FOUND 0x80000000u /* in an entry of the table: a part ends here */

struct expr_text_set {
    expr_text_case text_case;
    uint8_t classes[256];
    uint32_t class_count;
    uint32_t state_count;
    uint32_t *next;    /* [state + class]: the next state; states are multiples of class_count */
    uint32_t *numbers; /* by state / class_count: the part that ends here, or EXPR_TEXT_SET_NONE */
    uint32_t *shorter; /* the next state of which a part ends here too; 0 if there is none */
};

static capi_str beginning(capi_str part)
{
    if (part.bytes > SET_PART_BYTES_MAX) part.bytes = SET_PART_BYTES_MAX;
    return part;
}

/* Makes letters of both cases one class. */
static void fold_classes(expr_text_set *set)
{
    for (unsigned char c = 'a'; c <= 'z'; c++)
        set->classes[c - 'a' + 'A'] = set->classes[c];
}

static uint8_t fold(const expr_text_set *set, char byte)
{
    return (uint8_t)(set->text_case == EXPR_TEXT_FOLDED ? expr_lower(byte) : byte);
}

/* Classes of bytes, and how many states there are at most. */
static uint32_t measure(expr_text_set *set, const capi_str *parts, uint32_t count)
{
    size_t state_max = 1;

    set->class_count = 1;
    for (uint32_t i = 0; i < count; i++) {
        capi_str part = beginning(parts[i]);

        for (size_t at = 0; at < part.bytes; at++) {
            uint8_t *class = &set->classes[fold(set, part.data[at])];

            if (*class == 0 && set->class_count < 256) *class = (uint8_t)set->class_count++;
        }
        state_max += part.bytes;
    }
    if (set->text_case == EXPR_TEXT_FOLDED) fold_classes(set);
    if (state_max > SET_TABLE_MAX / set->class_count) state_max = SET_TABLE_MAX / set->class_count;
    return (uint32_t)state_max;
}

/* The state of the whole part, made where it is not there; 0 if there is no room. */
static uint32_t add_part(expr_text_set *set, capi_str part, uint32_t state_max)
{
    uint32_t state = 0;

    if (set->state_count + part.bytes > state_max) return 0;
    for (size_t at = 0; at < part.bytes; at++) {
        uint32_t *entry = &set->next[state + set->classes[(uint8_t)part.data[at]]];

        if (*entry == 0) *entry = set->state_count++ * set->class_count;
        state = *entry;
    }
    return state;
}

/* Fills in what follows a byte that continues no part: what follows it in the state of the longest shorter end. Breadth
 * first, so those are complete already. */
static void connect(expr_text_set *set)
{
    uint32_t width = set->class_count;
    uint32_t *queue = capi_malloc(set->state_count * sizeof *queue);
    uint32_t *ends = capi_zmalloc(set->state_count * sizeof *ends); /* by state: the longest shorter one */
    uint32_t head = 0;
    uint32_t tail = 0;

    queue[tail++] = 0;
    while (head < tail) {
        uint32_t state = queue[head++];
        uint32_t end = ends[state / width];

        for (uint32_t class = 0; class < width; class ++) {
            uint32_t *entry = &set->next[state + class];
            uint32_t of_end = state == 0 ? 0 : set->next[end + class];

            if (*entry == 0) {
                *entry = of_end;
                continue;
            }
            ends[*entry / width] = of_end;
            set->shorter[*entry / width] =
                set->numbers[of_end / width] != EXPR_TEXT_SET_NONE ? of_end : set->shorter[of_end / width];
            queue[tail++] = *entry;
        }
    }
    assert(tail == set->state_count);
    free(queue);
    free(ends);
}

static void note_found(expr_text_set *set)
{
    uint32_t width = set->class_count;

    for (size_t i = 0; i < (size_t)set->state_count * width; i++) {
        uint32_t state = set->next[i] / width;

        if (set->numbers[state] != EXPR_TEXT_SET_NONE || set->shorter[state]) set->next[i] |= SET_FOUND;
    }
}

expr_text_set *expr_text_set_new(capi_arena *arena, const capi_str *parts, uint32_t count, expr_text_case text_case,
                                 uint32_t *numbers, uint32_t *number_count)
{
    expr_text_set *set = capi_new(arena, expr_text_set);
    uint32_t state_max;
    uint32_t *table;

    set->text_case = text_case;
    state_max = measure(set, parts, count);
    table = capi_zmalloc(capi_array_bytes((size_t)state_max * set->class_count, sizeof *table));
    set->state_count = 1;
    set->next = table;
    set->shorter = capi_new_array(arena, uint32_t, state_max);
    set->numbers = capi_new_array(arena, uint32_t, state_max);
    memset(set->numbers, 0xff, state_max * sizeof *set->numbers);
    *number_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t state = add_part(set, beginning(parts[i]), state_max);
        uint32_t *number = &set->numbers[state / set->class_count];

        numbers[i] = EXPR_TEXT_SET_NONE;
        if (state == 0) continue;
        if (*number == EXPR_TEXT_SET_NONE) *number = (*number_count)++;
        numbers[i] = *number;
    }
    connect(set);
    note_found(set);
    set->next = capi_arena_copy(arena, table, (size_t)set->state_count * set->class_count * sizeof *table);
    free(table);
    return set;
}

/* Marks the parts that end in this state. */
static void mark_found(const expr_text_set *set, uint32_t state, uint64_t *words, size_t stride, uint64_t bit)
{
    for (uint32_t end = state; end; end = set->shorter[end / set->class_count]) {
        uint32_t number = set->numbers[end / set->class_count];

        if (number != EXPR_TEXT_SET_NONE) words[number * stride] |= bit;
    }
}

static void mark_exact(const expr_text_set *set, capi_str text, uint64_t *words, size_t stride, uint64_t bit)
{
    const uint8_t *classes = set->classes;
    const uint32_t *next = set->next;
    uint32_t state = 0;

    for (size_t at = 0; at < text.bytes; at++) {
        uint32_t entry = next[state + classes[(uint8_t)text.data[at]]];

        state = entry & ~SET_FOUND;
        if (entry & SET_FOUND) mark_found(set, state, words, stride, bit);
    }
}

static void mark_folded(const expr_text_set *set, capi_str text, uint64_t *words, size_t stride, uint64_t bit)
{
    const uint8_t *classes = set->classes;
    const uint32_t *next = set->next;
    uint32_t state = 0;

    for (size_t at = 0; at < text.bytes; at++) {
        uint8_t byte = (uint8_t)text.data[at];
        uint32_t entry;

        if (byte >= 0xC5) byte = expr_letter_at(text.data, text.bytes, &at);
        entry = next[state + classes[byte]];
        state = entry & ~SET_FOUND;
        if (entry & SET_FOUND) mark_found(set, state, words, stride, bit);
    }
}

void expr_text_set_mark(const expr_text_set *set, capi_str text, uint64_t *words, size_t stride, uint64_t bit)
{
    if (set->text_case == EXPR_TEXT_FOLDED)
        mark_folded(set, text, words, stride, bit);
    else
        mark_exact(set, text, words, stride, bit);
}
