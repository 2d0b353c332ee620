/* regex_chain.c - a chain is a row of links: a text, before it any number of bytes of a class.
 *
 * Every link gives the ends of what it matches together with those before it, in ascending order. From each end of the link
 * before, its gap reaches as far as bytes of its class go, and its text is looked for up to there, but never twice at one
 * place. Ends inside of one run share the end of it, so no byte is looked at more than a few times a link.
 *
 * Without regard to case, texts and members of classes are in lower case, and so is what is searched.
 *
 * Texts and members of classes are ASCII, so it is all the same whether bytes or characters are compared: a class without "^"
 * takes no byte of other characters, one with it takes them all. */
#include "expr/regex_chain.h"

#include "base/arena.h"
#include "expr/text_find.h"
#include "expr/text_fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_LINKS_MAX = 8, CHAIN_TEXT_BYTES_MAX = 256 };

#define CHAIN_END SIZE_MAX

typedef struct chain_class {
    uint64_t members[4]; /* one bit a byte */
} chain_class;

typedef struct chain_link {
    chain_class gap; /* between the link before and the text */
    uint8_t gap_min; /* 0 or 1 bytes */
    bool has_stop;   /* one byte alone is not in the class: `stop` */
    char stop;
    uint16_t text_at; /* in chain->texts */
    uint16_t text_bytes;
} chain_link;

struct expr_regex_chain {
    bool is_folded; /* texts, classes and what is searched have no upper case */
    uint32_t link_count;
    chain_link links[CHAIN_LINKS_MAX];
    char texts[CHAIN_TEXT_BYTES_MAX];
};

/* ---- reading a pattern ---- */

typedef struct chain_reader {
    const char *at, *end;
    expr_regex_chain *chain;
    uint32_t text_bytes;
} chain_reader;

static void class_add(chain_class *set, unsigned char first, unsigned char last)
{
    for (unsigned byte = first; byte <= last; byte++)
        set->members[byte / 64] |= 1ull << byte % 64;
}

static bool class_has(const chain_class *set, unsigned char byte)
{
    return set->members[byte / 64] >> byte % 64 & 1;
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Punctuation behind a backslash stands for itself. */
static bool is_quoted(char c)
{
    return c > ' ' && c < 0x7f && !is_alphanumeric(c);
}

static bool read_class_escape(chain_class *set, char c)
{
    switch (c) {
    case 'w':
        class_add(set, 'a', 'z');
        class_add(set, 'A', 'Z');
        class_add(set, '_', '_');
        class_add(set, '0', '9');
        return true;
    case 'd': class_add(set, '0', '9'); return true;
    case 's':
        class_add(set, '\t', '\n');
        class_add(set, '\f', '\r');
        class_add(set, ' ', ' ');
        return true;
    default:
        if (is_quoted(c)) class_add(set, (unsigned char)c, (unsigned char)c);
        return is_quoted(c);
    }
}

static bool read_class_member(chain_reader *reader, chain_class *set)
{
    char c = *reader->at;

    if (c == '\\') {
        bool is_range;

        if (reader->end - reader->at < 3) return false;
        is_range = reader->at[2] == '-' && reader->end - reader->at > 3 && reader->at[3] != ']';
        if (is_range || !read_class_escape(set, reader->at[1])) return false;
        reader->at += 2;
        return true;
    }
    if ((unsigned char)c >= 0x80 || c == '[') return false;
    if (reader->end - reader->at > 3 && reader->at[1] == '-' && reader->at[2] != ']') {
        char last = reader->at[2];

        if (!is_alphanumeric(c) || !is_alphanumeric(last)) return false;
        class_add(set, (unsigned char)c, (unsigned char)last);
        reader->at += 3;
        return true;
    }
    class_add(set, (unsigned char)c, (unsigned char)c);
    reader->at++;
    return true;
}

/* Upper case becomes lower case; the text has none. */
static void class_fold(chain_class *set)
{
    for (unsigned char c = 'A'; c <= 'Z'; c++)
        if (class_has(set, c)) class_add(set, c | 0x20, c | 0x20);
    for (unsigned char c = 'A'; c <= 'Z'; c++)
        set->members[c / 64] &= ~(1ull << c % 64);
}

/* [...]; false if it is of an unusual kind. */
static bool read_class(chain_reader *reader, chain_class *set)
{
    bool is_negated;

    *set = (chain_class){0};
    reader->at++;
    is_negated = reader->at < reader->end && *reader->at == '^';
    reader->at += is_negated;
    if (reader->at < reader->end && *reader->at == ']') return false;
    while (reader->at < reader->end && *reader->at != ']')
        if (!read_class_member(reader, set)) return false;
    if (reader->at == reader->end) return false;
    reader->at++;
    if (reader->chain->is_folded) class_fold(set);
    for (int i = 0; i < 4 && is_negated; i++)
        set->members[i] = ~set->members[i];
    return true;
}

static void find_stop(chain_link *link)
{
    uint32_t count = 0;

    for (unsigned byte = 0; byte < 256; byte++) {
        if (class_has(&link->gap, (unsigned char)byte)) continue;
        link->stop = (char)byte;
        count++;
    }
    link->has_stop = count == 1;
}

/* A class or a dot, and the star or plus behind it. */
static bool read_gap(chain_reader *reader, chain_link *link)
{
    if (*reader->at == '.') {
        class_add(&link->gap, '\n', '\n');
        for (int i = 0; i < 4; i++)
            link->gap.members[i] = ~link->gap.members[i];
        reader->at++;
    } else if (!read_class(reader, &link->gap)) {
        return false;
    }
    if (reader->at == reader->end || (*reader->at != '*' && *reader->at != '+')) return false;
    link->gap_min = *reader->at++ == '+';
    find_stop(link);
    return true;
}

static bool read_text(chain_reader *reader, chain_link *link)
{
    expr_regex_chain *chain = reader->chain;

    link->text_at = (uint16_t)reader->text_bytes;
    while (reader->at < reader->end && *reader->at != '[' && *reader->at != '.') {
        char c = *reader->at++;

        if (c == '\\') {
            if (reader->at == reader->end || !is_quoted(*reader->at)) return false;
            c = *reader->at++;
        } else if (c == 0 || (unsigned char)c >= 0x80 || strchr("*+?()|]{}^$", c)) {
            return false;
        }
        if (reader->text_bytes == CHAIN_TEXT_BYTES_MAX) return false;
        chain->texts[reader->text_bytes++] = chain->is_folded ? expr_lower(c) : c;
        link->text_bytes++;
    }
    return true;
}

/* A text, then gaps and texts by turns. A gap that ends the pattern may be empty, so it says nothing. */
static bool read_chain(chain_reader *reader)
{
    expr_regex_chain *chain = reader->chain;

    while (reader->at < reader->end) {
        chain_link *link = &chain->links[chain->link_count];

        if (chain->link_count == CHAIN_LINKS_MAX) return false;
        if (chain->link_count > 0 && !read_gap(reader, link)) return false;
        if (chain->link_count > 0 && reader->at == reader->end) return link->gap_min == 0;
        if (!read_text(reader, link) || link->text_bytes == 0) return false;
        chain->link_count++;
    }
    return chain->link_count > 0;
}

expr_regex_chain *expr_regex_chain_new(const char *pattern, size_t bytes)
{
    expr_regex_chain *chain = capi_zmalloc(sizeof *chain);
    chain_reader reader = {.at = pattern, .end = pattern + bytes, .chain = chain};

    chain->is_folded = bytes >= 4 && memcmp(pattern, "(?i)", 4) == 0;
    if (chain->is_folded) reader.at += 4;
    if (read_chain(&reader)) return chain;
    free(chain);
    return NULL;
}

void expr_regex_chain_free(expr_regex_chain *chain)
{
    free(chain);
}

bool expr_regex_chain_is_folded(const expr_regex_chain *chain)
{
    return chain->is_folded;
}

/* ---- matching ---- */

/* Where one link stands in the text. */
typedef struct chain_place {
    bool is_open;   /* an end of the link before is known */
    size_t run_end; /* how far the gap may reach from there */
    size_t from;    /* the text is looked for from here */
} chain_place;

typedef struct chain_search {
    const expr_regex_chain *chain;
    const char *text;
    size_t bytes;
    chain_place places[CHAIN_LINKS_MAX];
} chain_search;

/* The first place of the link's text from `from` to `last`. */
static size_t find_text(const chain_search *search, const chain_link *link, size_t from, size_t last)
{
    size_t end = search->bytes - last < link->text_bytes ? search->bytes : last + link->text_bytes;
    const char *found;

    if (from >= end) return CHAIN_END;
    found = expr_text_find(search->text + from, end - from, search->chain->texts + link->text_at, link->text_bytes);
    return found ? (size_t)(found - search->text) : CHAIN_END;
}

/* Where the bytes of the gap's class that begin at `from` end. */
static size_t end_of_run(const chain_search *search, const chain_link *link, size_t from)
{
    if (link->has_stop) {
        const char *found = memchr(search->text + from, link->stop, search->bytes - from);

        return found ? (size_t)(found - search->text) : search->bytes;
    }
    while (from < search->bytes && class_has(&link->gap, (unsigned char)search->text[from]))
        from++;
    return from;
}

/* The next end of links 0 to number, or CHAIN_END. */
static size_t next_end(chain_search *search, uint32_t number)
{
    const chain_link *link = &search->chain->links[number];
    chain_place *place = &search->places[number];

    if (number == 0) {
        place->is_open = true;
        place->run_end = search->bytes;
    }
    for (;;) {
        size_t at = place->is_open ? find_text(search, link, place->from, place->run_end) : CHAIN_END;
        size_t before;

        if (at != CHAIN_END) {
            place->from = at + 1;
            return at + link->text_bytes;
        }
        before = number > 0 ? next_end(search, number - 1) : CHAIN_END;
        if (before == CHAIN_END) return CHAIN_END;
        if (!place->is_open || place->run_end < before) place->run_end = end_of_run(search, link, before);
        if (place->from < before + link->gap_min) place->from = before + link->gap_min;
        place->is_open = true;
    }
}

bool expr_regex_chain_match(const expr_regex_chain *chain, const char *text, size_t bytes)
{
    chain_search search;

    search.chain = chain;
    search.text = text;
    search.bytes = bytes;
    memset(search.places, 0, chain->link_count * sizeof *search.places);
    return next_end(&search, chain->link_count - 1) != CHAIN_END;
}
