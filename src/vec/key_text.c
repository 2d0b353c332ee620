/* key_text.c - strings as key components.
 *
 * Three ways, each for what the one before leaves: ASCII (nothing to normalise), characters that map one to one or vanish
 * whatever stands beside them (Latin, Greek, Cyrillic, Arabic, kana, Chinese; a table made once), and the whole algorithm of
 * Unicode normalisation. */
#include "vec/key_text.h"

#include <pthread.h>
#include <utf8proc.h>

enum {
    REPLACEMENT = 0xfffd,
    DECOMPOSED_MAX = 32, /* room for one character; canonical ones take up to 4 */
    LOW_END = 0x900,
    HIGH_START = 0x1e00, /* Latin Extended Additional ... kana */
    HIGH_END = 0x3100,
    IDEOGRAPH_START = 0x4e00,
    IDEOGRAPH_END = 0xa000,
    VANISHES = 0xfffe,
    NEEDS_CONTEXT = 0xffff,
};

/* What a character becomes by NFD, removal of nonspacing marks and NFC: one character, VANISHES or NEEDS_CONTEXT. */
static uint16_t low_map[LOW_END];
static uint16_t high_map[HIGH_END - HIGH_START];
/* Upper-case of the same characters. */
static uint16_t low_upper[LOW_END];
static uint16_t high_upper[HIGH_END - HIGH_START];
static pthread_once_t maps_once = PTHREAD_ONCE_INIT;

static bool is_nonspacing(int32_t character)
{
    return utf8proc_category(character) == UTF8PROC_CATEGORY_MN;
}

/* Appends the canonical decomposition without nonspacing marks; returns the number of characters. */
static unsigned decompose(int32_t character, int32_t *to)
{
    int32_t parts[DECOMPOSED_MAX];
    int boundary = 0;
    utf8proc_ssize_t count =
        utf8proc_decompose_char(character, parts, DECOMPOSED_MAX, UTF8PROC_DECOMPOSE | UTF8PROC_STABLE, &boundary);
    unsigned kept = 0;

    for (utf8proc_ssize_t i = 0; i < count && i < DECOMPOSED_MAX; i++)
        if (!is_nonspacing(parts[i])) to[kept++] = parts[i];
    return kept;
}

static uint16_t map_character(int32_t character)
{
    int32_t parts[DECOMPOSED_MAX];
    unsigned count = decompose(character, parts);

    if (count == 0) return VANISHES;
    if (count > 1 || parts[0] >= VANISHES) return NEEDS_CONTEXT;
    if (utf8proc_get_property(parts[0])->combining_class != 0) return NEEDS_CONTEXT;
    return (uint16_t)parts[0];
}

/* One to one: the sharp s has no capital (the library would give U+1E9E). */
static int32_t upper_one(int32_t character)
{
    return character == 0xdf ? character : utf8proc_toupper(character);
}

static void make_maps(void)
{
    for (int32_t c = 0; c < LOW_END; c++) {
        low_map[c] = map_character(c);
        low_upper[c] = (uint16_t)upper_one(c);
    }
    for (int32_t c = HIGH_START; c < HIGH_END; c++) {
        high_map[c - HIGH_START] = map_character(c);
        high_upper[c - HIGH_START] = (uint16_t)upper_one(c);
    }
}

static uint32_t look_up(int32_t character)
{
    if (character < LOW_END) return low_map[character];
    if (character >= HIGH_START && character < HIGH_END) return high_map[character - HIGH_START];
    if (character >= IDEOGRAPH_START && character < IDEOGRAPH_END) return (uint32_t)character;
    return character == REPLACEMENT ? REPLACEMENT : NEEDS_CONTEXT;
}

static bool is_continuation(char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The bytes of the character at `at`, or 0 if they are no UTF-8. One and two bytes are done here. */
static unsigned decode(const char *at, const char *end, int32_t *character)
{
    uint8_t first = (uint8_t)*at;
    utf8proc_ssize_t bytes;

    if (first < 0x80) {
        *character = first;
        return 1;
    }
    if (first >= 0xc2 && first < 0xe0 && end - at > 1 && is_continuation(at[1])) {
        *character = (first & 0x1f) << 6 | (at[1] & 0x3f);
        return 2;
    }
    bytes = utf8proc_iterate((const uint8_t *)at, end - at, character);
    return bytes > 0 ? (unsigned)bytes : 0;
}

/* Returns the bytes written, up to 4. */
static unsigned encode(int32_t character, char *to)
{
    if (character < 0x80) {
        to[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        to[0] = (char)(0xc0 | character >> 6);
        to[1] = (char)(0x80 | (character & 0x3f));
        return 2;
    }
    return (unsigned)utf8proc_encode_char(character, (uint8_t *)to);
}

/* The next character; a byte that is no UTF-8 is U+FFFD. */
static int32_t next_character(const char **at, const char *end)
{
    int32_t character;
    unsigned bytes = decode(*at, end, &character);

    *at += bytes ? bytes : 1;
    return bytes ? character : REPLACEMENT;
}

static bool is_ascii(const char *data, size_t bytes)
{
    uint64_t all = 0;
    size_t i = 0;

    for (; i + 8 <= bytes; i += 8) {
        uint64_t word;

        memcpy(&word, data + i, 8);
        all |= word;
    }
    for (; i < bytes; i++)
        all |= (uint8_t)data[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

static void reserve_bytes(capi_key_scratch *scratch, uint32_t bytes)
{
    if (scratch->byte_max >= bytes) return;
    scratch->bytes = capi_arena_alloc(scratch->arena, bytes);
    scratch->byte_max = bytes;
}

static void reserve_characters(capi_key_scratch *scratch, uint32_t count)
{
    if (scratch->character_max >= count) return;
    scratch->characters = capi_arena_alloc(scratch->arena, count * sizeof scratch->characters[0]);
    scratch->character_max = count;
}

/* At least `length` bytes of the result, or all; false if a character needs its context. */
static bool map_each(capi_key_scratch *scratch, capi_str text, uint32_t length, uint32_t *bytes)
{
    const char *at = text.data;
    const char *end = text.data + text.bytes;
    uint32_t count = 0;

    while (at < end && count < length) {
        uint32_t mapped;

        if ((uint8_t)*at < 0x80) {
            scratch->bytes[count++] = *at++;
            continue;
        }
        mapped = look_up(next_character(&at, end));
        if (mapped == NEEDS_CONTEXT) return false;
        if (mapped == VANISHES) continue;
        count += encode((int32_t)mapped, scratch->bytes + count);
    }
    /* What follows the cut could still join the last character, if it is of the kind that needs its context. */
    while (at < end && (uint8_t)*at >= 0x80) {
        uint32_t mapped = look_up(next_character(&at, end));

        if (mapped == NEEDS_CONTEXT) return false;
        if (mapped != VANISHES) break;
    }
    *bytes = count;
    return true;
}

/* Sorts each run of combining characters by combining class, keeping equal ones in order. */
static void order_canonically(int32_t *characters, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        int32_t character = characters[i];
        int class = utf8proc_get_property(character)->combining_class;
        uint32_t to = i;

        if (class == 0) continue;
        while (to > 0 && utf8proc_get_property(characters[to - 1])->combining_class > class) {
            characters[to] = characters[to - 1];
            to--;
        }
        characters[to] = character;
    }
}

static uint32_t normalise_fully(capi_key_scratch *scratch, capi_str text, uint32_t length)
{
    /* A composed character is made of 4 at most, so this many give more than `length` bytes. */
    uint32_t character_max = 4 * length + 64;
    const char *at = text.data;
    const char *end = text.data + text.bytes;
    utf8proc_ssize_t character_count;
    uint32_t count = 0;
    uint32_t bytes = 0;

    reserve_characters(scratch, character_max + DECOMPOSED_MAX);
    while (at < end && count < character_max)
        count += decompose(next_character(&at, end), scratch->characters + count);
    order_canonically(scratch->characters, count);
    character_count = utf8proc_normalize_utf32(scratch->characters, count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (utf8proc_ssize_t i = 0; i < character_count && bytes < length; i++)
        bytes += encode(scratch->characters[i], scratch->bytes + bytes);
    return bytes;
}

static int32_t upper(int32_t character)
{
    if (character < LOW_END) return low_upper[character];
    if (character >= HIGH_START && character < HIGH_END) return high_upper[character - HIGH_START];
    if (character >= IDEOGRAPH_START && character < IDEOGRAPH_END) return character;
    return upper_one(character);
}

static void upper_ascii(const char *from, char *to, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)(from[i] - ((uint8_t)(from[i] - 'a') < 26 ? 'a' - 'A' : 0));
}

/* Upper-cases the first `bytes` bytes of the scratch; what is no character (broken by the cut) stays. */
static capi_str upper_text(capi_key_scratch *scratch, uint32_t bytes)
{
    const char *at = scratch->bytes;
    const char *end = at + bytes;
    char *start = scratch->bytes + scratch->byte_max / 2; /* a character grows from 2 bytes to 3 at most */
    char *to = start;

    while (at < end) {
        int32_t character;
        unsigned size = decode(at, end, &character);

        if (size == 0) {
            *to++ = *at++;
            continue;
        }
        at += size;
        to += encode(upper(character), to);
    }
    return (capi_str){start, (size_t)(to - start)};
}

static capi_str without_end_blanks(capi_str text)
{
    while (text.bytes && text.data[text.bytes - 1] == ' ')
        text.bytes--;
    return text;
}

capi_key_text capi_key_text_make(capi_key_scratch *scratch, capi_str text, uint32_t length, bool ignore_case)
{
    capi_str cut = {text.data, text.bytes < length ? text.bytes : length};
    capi_key_text result = {0};
    uint32_t bytes;

    if (is_ascii(cut.data, cut.bytes)) {
        cut = without_end_blanks(cut);
        if (ignore_case) {
            reserve_bytes(scratch, length);
            upper_ascii(cut.data, scratch->bytes, cut.bytes);
            cut.data = scratch->bytes;
        }
        result.text = cut;
        return result;
    }
    pthread_once(&maps_once, make_maps);
    reserve_bytes(scratch, 4 * length + 64);
    if (!map_each(scratch, text, length, &bytes)) bytes = normalise_fully(scratch, text, length);
    if (bytes > length) bytes = length;
    result.text = without_end_blanks((capi_str){scratch->bytes, bytes});
    if (ignore_case) {
        bytes = (uint32_t)result.text.bytes;
        result.text = upper_text(scratch, bytes);
        result.length_delta = (int32_t)result.text.bytes - (int32_t)bytes;
    }
    return result;
}
