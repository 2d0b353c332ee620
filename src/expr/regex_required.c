/* regex_required.c - collects the runs of known characters that stand side by side in every match.
 *
 * A run goes on through groups and places, and ends where anything may stand. Of a choice, each branch gives the clause that
 * says most; together they are one clause. */
#include "expr/regex_required.h"

#include "base/utf8.h"
#include "expr/regex_tree.h"

#include <stdlib.h>
#include <string.h>

enum { REQUIRED_TEXTS_MAX = 256, REQUIRED_TEXT_BYTES_MIN = 2, REQUIRED_TEXT_BYTES_MAX = 64 };
enum { RUNE_LONG_S = 0x17F, RUNE_KELVIN = 0x212A };

/* Without letters a run is the same whether it is folded or not. */
typedef struct required_run {
    char data[REQUIRED_TEXT_BYTES_MAX];
    uint32_t bytes;
    bool has_letters;
    bool is_folded;
} required_run;

typedef struct required_draft {
    expr_required_text texts[REQUIRED_TEXTS_MAX];
    uint32_t text_count;
    uint32_t clause_count;
} required_draft;

typedef struct required_walk {
    capi_arena *arena;
    required_draft *out;
    required_run run;
} required_walk;

static void walk_node(required_walk *walk, const regex_node *node);
static void collect(capi_arena *arena, const regex_node *root, required_draft *out);

static void end_run(required_walk *walk)
{
    required_run *run = &walk->run;
    required_draft *out = walk->out;

    if (run->bytes >= REQUIRED_TEXT_BYTES_MIN && out->text_count < REQUIRED_TEXTS_MAX) {
        const char *copy = capi_arena_copy(walk->arena, run->data, run->bytes);

        out->texts[out->text_count++] = (expr_required_text){copy, run->bytes, out->clause_count++, run->is_folded};
    }
    run->bytes = 0;
    run->has_letters = run->is_folded = false;
}

static bool is_letter(uint32_t rune)
{
    return (rune | 0x20) >= 'a' && (rune | 0x20) <= 'z';
}

/* Characters beyond ASCII have cases of their own, and U+FFFD stands for any byte that is no UTF-8: neither is looked for.
 * Nor are the two that folding takes for ASCII letters. */
static bool is_certain(const regex_node *node)
{
    uint32_t rune = node->rune;

    if (rune == CAPI_RUNE_BAD || rune == RUNE_LONG_S || rune == RUNE_KELVIN) return false;
    if (rune >= 0xD800 && rune < 0xE000) return false;
    return rune < 0x80 || !(node->flags & REGEX_FOLD);
}

static void walk_character(required_walk *walk, const regex_node *node)
{
    required_run *run = &walk->run;
    bool letter = is_letter(node->rune);
    bool is_folded = letter && node->flags & REGEX_FOLD;
    char bytes[4];
    uint32_t count;

    if (!is_certain(node)) {
        end_run(walk);
        return;
    }
    count = capi_utf8_write(is_folded ? node->rune | 0x20 : node->rune, bytes);
    if (letter && run->has_letters && run->is_folded != is_folded) end_run(walk);
    if (run->bytes + count > REQUIRED_TEXT_BYTES_MAX) end_run(walk);
    run->has_letters |= letter;
    run->is_folded |= is_folded;
    memcpy(run->data + run->bytes, bytes, count);
    run->bytes += count;
}

/* What the first clause of `out` from `from` on weighs: the length of its shortest text, less if it has many. */
static uint32_t clause_weight(const required_draft *out, uint32_t from)
{
    uint32_t bytes = REQUIRED_TEXT_BYTES_MAX;
    uint32_t count = 0;

    for (uint32_t i = from; i < out->text_count && out->texts[i].clause == out->texts[from].clause; i++) {
        if (out->texts[i].bytes < bytes) bytes = out->texts[i].bytes;
        count++;
    }
    return bytes * 8 - (count < 8 ? count : 8);
}

/* Appends the best clause of a branch to the open clause of `out`; false if there is none or no room. */
static bool take_best_clause(const required_draft *branch, required_draft *out)
{
    uint32_t best = 0;

    if (branch->text_count == 0) return false;
    for (uint32_t i = 1; i < branch->text_count; i++)
        if (branch->texts[i].clause != branch->texts[i - 1].clause &&
            clause_weight(branch, i) > clause_weight(branch, best))
            best = i;
    for (uint32_t i = best; i < branch->text_count && branch->texts[i].clause == branch->texts[best].clause; i++) {
        if (out->text_count == REQUIRED_TEXTS_MAX) return false;
        out->texts[out->text_count] = branch->texts[i];
        out->texts[out->text_count++].clause = out->clause_count;
    }
    return true;
}

static void walk_choice(required_walk *walk, const regex_node *node)
{
    required_draft *out = walk->out;
    required_draft *branch = capi_malloc(sizeof *branch);
    uint32_t text_count;
    bool all = true;

    end_run(walk);
    text_count = out->text_count;
    for (uint32_t i = 0; i < node->child_count && all; i++) {
        collect(walk->arena, node->children[i], branch);
        all = take_best_clause(branch, out);
    }
    if (all)
        out->clause_count++;
    else
        out->text_count = text_count;
    free(branch);
}

/* The first of several rounds follows what stands before; what stands behind follows the last. */
static void walk_repeat(required_walk *walk, const regex_node *node)
{
    uint32_t rounds = node->min < REQUIRED_TEXT_BYTES_MAX ? node->min : REQUIRED_TEXT_BYTES_MAX;

    if (node->children[0]->kind != REGEX_CHARACTER && rounds > 1) rounds = 1;
    for (uint32_t i = 0; i < rounds; i++)
        walk_node(walk, node->children[0]);
    if (rounds != node->min || node->min != node->max) end_run(walk);
}

static void walk_node(required_walk *walk, const regex_node *node)
{
    switch (node->kind) {
    case REGEX_CHARACTER: walk_character(walk, node); return;
    case REGEX_CLASS: end_run(walk); return;
    case REGEX_PLACE: return;
    case REGEX_SEQUENCE:
        for (uint32_t i = 0; i < node->child_count; i++)
            walk_node(walk, node->children[i]);
        return;
    case REGEX_CHOICE: walk_choice(walk, node); return;
    case REGEX_REPEAT: walk_repeat(walk, node); return;
    }
}

static void collect(capi_arena *arena, const regex_node *root, required_draft *out)
{
    required_walk walk = {.arena = arena, .out = out};

    *out = (required_draft){0};
    walk_node(&walk, root);
    end_run(&walk);
}

/* One block: the head, the texts, their bytes. */
static expr_required *finish(const required_draft *draft)
{
    size_t bytes = sizeof(expr_required) + draft->text_count * sizeof(expr_required_text);
    expr_required *required;
    expr_required_text *texts;
    char *at;

    for (uint32_t i = 0; i < draft->text_count; i++)
        bytes += draft->texts[i].bytes;
    required = capi_zmalloc(bytes);
    texts = (expr_required_text *)(required + 1);
    at = (char *)(texts + draft->text_count);
    for (uint32_t i = 0; i < draft->text_count; i++) {
        texts[i] = draft->texts[i];
        texts[i].data = memcpy(at, draft->texts[i].data, draft->texts[i].bytes);
        at += draft->texts[i].bytes;
        required->is_folded |= texts[i].is_folded;
    }
    required->texts = texts;
    required->text_count = draft->text_count;
    required->clause_count = draft->clause_count;
    return required;
}

expr_required *expr_required_new(const char *pattern, size_t bytes)
{
    required_draft *draft = capi_zmalloc(sizeof *draft);
    capi_arena arena = {0};
    const regex_node *root = expr_regex_tree(&arena, (capi_str){pattern, bytes});
    expr_required *required;

    if (root) collect(&arena, root, draft);
    required = finish(draft);
    capi_arena_deinit(&arena);
    free(draft);
    return required;
}

void expr_required_free(expr_required *required)
{
    free(required);
}
