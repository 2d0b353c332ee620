/* Keys against the golden table: equality and order under one definition, and the exact text of strings. */
#include "base/buf.h"
#include "base/test.h"
#include "vec/key.h"
#include "vec/key_text.h"
#include "vec/number.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <utf8proc.h>

enum { PARTS_MAX = 8 };

typedef struct golden_case {
    capi_str shape; /* definition and types: keys of one shape are comparable */
    capi_str key;
    capi_key_def def;
    capi_value values[PARTS_MAX];
    bool is_inexact; /* the reference compares numbers as doubles, or cannot compare them */
    capi_view ordered, equal;
} golden_case;

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static capi_str next_word(const char **at)
{
    const char *start = *at;

    while (is_word(**at))
        (*at)++;
    return (capi_str){start, (size_t)(*at - start)};
}

static capi_value parse_datetime(const char *text)
{
    int year, month, day, hour, minute, second, bytes;
    capi_zone zone = {0};
    int64_t nanoseconds = 0;

    CHECK(sscanf(text, "%d-%d-%dT%d:%d:%d%n", &year, &month, &day, &hour, &minute, &second, &bytes) == 6);
    text += bytes;
    if (*text == '.') {
        int64_t unit = 100000000;

        for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
            nanoseconds += (*text - '0') * unit;
    }
    if (*text == 'Z') {
        zone = (capi_zone){.name = capi_zone_utc_name, .name_bytes = 3};
    } else {
        int hours, minutes;

        CHECK(sscanf(text + 1, "%d:%d", &hours, &minutes) == 2);
        zone.offset_seconds = (hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
    }
    return (capi_value){.type = CAPI_DATETIME,
                        .instant = capi_instant_from_parts(year, month, day, hour, minute, second, nanoseconds, zone)};
}

static capi_value parse_value(capi_arena *arena, json_t *field, bool *is_inexact)
{
    const char *text = json_string_value(json_object_get(field, "value"));
    capi_str str = {text, json_string_length(json_object_get(field, "value"))};
    capi_value value = {0};

    CHECK(capi_type_from_name(capi_str_of(json_string_value(json_object_get(field, "type"))), &value.type));
    if (value.type == CAPI_STRING) value.string = capi_str_copy(arena, str);
    if (value.type == CAPI_INT) CHECK(capi_parse_int(str, &value.integer));
    if (value.type == CAPI_BOOL) CHECK(capi_parse_bool(str, &value.boolean));
    if (value.type == CAPI_FLOAT) {
        CHECK(capi_parse_float(str, &value.real) == CAPI_FLOAT_OK);
        *is_inexact |= !(fabs(value.real) < 1e33) || (fabs(value.real) < 1e-15 && !capi_str_is(str, "0"));
    }
    if (value.type == CAPI_DECIMAL) {
        CHECK(capi_decimal_parse(str, &value.decimal));
        *is_inexact |= str.bytes > 16;
    }
    if (value.type == CAPI_DATETIME) {
        value = parse_datetime(text);
        *is_inexact |= value.instant.seconds < -62135596800;
    }
    return value;
}

/* "unique(a(desc,20),b)" with the types of the fields. */
static void parse_case(capi_arena *arena, json_t *object, golden_case *out)
{
    const char *index = json_string_value(json_object_get(object, "index"));
    json_t *key = json_object_get(object, "key");
    capi_key_part *parts = capi_new_array(arena, capi_key_part, PARTS_MAX);
    capi_buf shape = {0};
    const char *at = strchr(index, '(') + 1;

    out->key = capi_str_copy(arena, (capi_str){json_string_value(key), json_string_length(key)});
    out->def.parts = parts;
    while (*at != ')') {
        capi_key_part *part = &parts[out->def.part_count];
        capi_str name = next_word(&at);
        json_t *field = json_object_getn(json_object_get(object, "fields"), name.data, name.bytes);

        CHECK(field && out->def.part_count < PARTS_MAX);
        out->values[out->def.part_count] = parse_value(arena, field, &out->is_inexact);
        part->type = out->values[out->def.part_count].type;
        part->length = CAPI_KEY_LENGTH_DEFAULT;
        if (*at == '(') {
            do {
                capi_str word;

                at++;
                word = next_word(&at);
                if (capi_str_is(word, "asc")) part->descending = false;
                if (capi_str_is(word, "desc")) part->descending = true;
                if (capi_str_is(word, "ignore_case")) part->ignore_case = true;
                if (capi_str_is(word, "case_sensitive")) part->ignore_case = false;
                if (word.data[0] >= '0' && word.data[0] <= '9') part->length = (uint32_t)atoi(word.data);
            } while (*at == ',');
            CHECK(*at++ == ')');
        }
        if (part->length < CAPI_KEY_LENGTH_MIN) part->length = CAPI_KEY_LENGTH_MIN;
        capi_buf_printf(&shape, "%s %d %d %u,", capi_type_name(part->type), part->descending, part->ignore_case,
                        part->length);
        out->def.part_count++;
        if (*at == ',') at++;
    }
    out->shape = capi_str_copy(arena, capi_buf_str(&shape));
    capi_buf_deinit(&shape);
}

/* A vector of one row that is no constant, in the form for computing if `wide`. */
static capi_vec vec_of(capi_arena *arena, const capi_value *value, bool wide)
{
    capi_vec vec = capi_vec_constant(arena, value);

    if (wide && value->type == CAPI_DATETIME) {
        vec = capi_vec_new(arena, CAPI_DATETIME, CAPI_FORM_INSTANT, 1);
        vec.instants[0] = value->instant;
    }
    if (wide && value->type == CAPI_DECIMAL) {
        vec = capi_vec_new(arena, CAPI_DECIMAL, CAPI_FORM_DECIMAL, 1);
        vec.decimals[0] = value->decimal;
    }
    vec.is_constant = false;
    return vec;
}

static capi_view build(capi_arena *arena, const golden_case *c, bool wide, bool ordered)
{
    capi_vec *columns = capi_new_array(arena, capi_vec, PARTS_MAX);
    capi_view key;

    for (uint32_t i = 0; i < c->def.part_count; i++)
        columns[i] = vec_of(arena, &c->values[i], wide);
    capi_keys_build(&c->def, columns, 1, ordered, arena, &key);
    return key;
}

static golden_case *load_cases(capi_arena *arena, uint32_t *count)
{
    FILE *file = fopen(CAPI_TEST_DATA "/golden/keys.jsonl", "r");
    golden_case *cases = capi_new_array(arena, golden_case, 4096);
    char *line = NULL;
    size_t capacity = 0;

    CHECK(file);
    *count = 0;
    while (getline(&line, &capacity, file) > 0) {
        json_error_t error;
        json_t *object = json_loads(line, JSON_ALLOW_NUL, &error);

        CHECK(object && *count < 4096);
        parse_case(arena, object, &cases[(*count)++]);
        json_decref(object);
    }
    free(line);
    fclose(file);
    return cases;
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

TEST(keys_equal_and_order_as_the_golden_table_does)
{
    capi_arena arena = {0};
    uint32_t count, pairs = 0;
    golden_case *cases = load_cases(&arena, &count);

    for (uint32_t i = 0; i < count; i++) {
        capi_view wide = build(&arena, &cases[i], true, true);

        cases[i].ordered = build(&arena, &cases[i], false, true);
        cases[i].equal = build(&arena, &cases[i], true, false);
        CHECK(capi_view_equal(&wide, &cases[i].ordered));
        wide = build(&arena, &cases[i], false, false);
        CHECK(capi_view_equal(&wide, &cases[i].equal));
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            int expected;

            if (cases[i].is_inexact || cases[j].is_inexact || !capi_str_equal(cases[i].shape, cases[j].shape)) continue;
            expected = capi_str_compare(cases[i].key, cases[j].key);
            if (sign(expected) != capi_key_compare(&cases[i].ordered, &cases[j].ordered))
                capi_test_fail(__FILE__, __LINE__, "order of %.*s and %.*s", CAPI_STR_ARG(cases[i].key),
                               CAPI_STR_ARG(cases[j].key));
            if ((expected == 0) != capi_view_equal(&cases[i].equal, &cases[j].equal))
                capi_test_fail(__FILE__, __LINE__, "equality of %.*s and %.*s", CAPI_STR_ARG(cases[i].key),
                               CAPI_STR_ARG(cases[j].key));
            pairs++;
        }
    }
    CHECK(count > 1000 && pairs > 1000);
    capi_arena_deinit(&arena);
}

/* The component as the reference writes it. */
static void append_golden_text(capi_buf *to, const capi_key_part *part, const capi_key_text *text)
{
    capi_buf plain = {0};

    capi_buf_append_str(&plain, text->text);
    while (plain.bytes < part->length + text->length_delta)
        capi_buf_append_byte(&plain, ' ');
    for (size_t i = 0; part->descending && i < plain.bytes; i++)
        capi_buf_printf(to, "%02x", (uint8_t)~plain.data[i]);
    if (!part->descending) capi_buf_append(to, plain.data, plain.bytes);
    capi_buf_deinit(&plain);
}

TEST(strings_in_keys_have_the_golden_text)
{
    capi_arena arena = {0};
    capi_key_scratch scratch = {.arena = &arena};
    uint32_t count, checked = 0;
    golden_case *cases = load_cases(&arena, &count);

    for (uint32_t i = 0; i < count; i++) {
        capi_buf text = {0};
        bool strings_only = true;

        for (uint32_t part = 0; part < cases[i].def.part_count; part++)
            strings_only &= cases[i].def.parts[part].type == CAPI_STRING;
        if (!strings_only) continue;
        for (uint32_t p = 0; p < cases[i].def.part_count; p++) {
            const capi_key_part *part = &cases[i].def.parts[p];
            capi_key_text made =
                capi_key_text_make(&scratch, cases[i].values[p].string, part->length, part->ignore_case);

            append_golden_text(&text, part, &made);
        }
        if (!capi_str_equal(capi_buf_str(&text), cases[i].key))
            capi_test_fail(__FILE__, __LINE__, "key is \"%.*s\", expected \"%.*s\" (case %u)",
                           CAPI_STR_ARG(capi_buf_str(&text)), CAPI_STR_ARG(cases[i].key), i);
        capi_buf_deinit(&text);
        checked++;
    }
    CHECK(checked > 100);
    capi_arena_deinit(&arena);
}

/* Keys of one component for all values, and what capi_key_compare says about neighbours. */
static void check_ascending(capi_type type, const capi_value *values, uint32_t count)
{
    capi_arena arena = {0};

    for (int descending = 0; descending < 2; descending++) {
        capi_key_part part = {.type = type, .descending = descending != 0, .length = 64};
        golden_case last = {.def = {.parts = &part, .part_count = 1}}, next = last;

        for (uint32_t i = 0; i + 1 < count; i++) {
            capi_view a, b;

            last.values[0] = values[i];
            next.values[0] = values[i + 1];
            a = build(&arena, &last, i % 2, true);
            b = build(&arena, &next, i % 3 == 0, true);
            if (capi_key_compare(&a, &b) != (descending ? 1 : -1))
                capi_test_fail(__FILE__, __LINE__, "%s value %u is not before the next", capi_type_name(type), i);
            a = build(&arena, &last, true, false);
            b = build(&arena, &next, true, false);
            CHECK(!capi_view_equal(&a, &b));
        }
    }
    capi_arena_deinit(&arena);
}

TEST(decimals_in_keys_are_ordered_by_their_exact_value)
{
    static const char *const texts[] = {"-9e399",
                                        "-1e100",
                                        "-12345678901234567890.5",
                                        "-92233720368547758.081",
                                        "-92233720368547758.08",
                                        "-92233720368547758.0799",
                                        "-92233720368547758.07",
                                        "-1.01",
                                        "-1.001",
                                        "-1.0005",
                                        "-1",
                                        "-0.011",
                                        "-0.01",
                                        "-0.0099",
                                        "-0.001",
                                        "-1e-300",
                                        "0",
                                        "1e-300",
                                        "0.001",
                                        "0.0019",
                                        "0.002",
                                        "0.00201",
                                        "0.01",
                                        "0.019",
                                        "0.02",
                                        "70368744177664.01",
                                        "70368744177664.02",
                                        "92233720368547758.07",
                                        "92233720368547758.071",
                                        "92233720368547758.079",
                                        "92233720368547758.08",
                                        "92233720368547758.09",
                                        "92233720368547760",
                                        "1e18",
                                        "1.5e18",
                                        "1e100",
                                        "9e399"};
    capi_value values[sizeof texts / sizeof texts[0]];
    uint32_t count = sizeof texts / sizeof texts[0];

    for (uint32_t i = 0; i < count; i++) {
        values[i].type = CAPI_DECIMAL;
        CHECK(capi_decimal_parse(capi_str_of(texts[i]), &values[i].decimal));
    }
    check_ascending(CAPI_DECIMAL, values, count);
}

TEST(ints_floats_bools_and_datetimes_in_keys_are_ordered_by_value)
{
    const capi_value ints[] = {{CAPI_INT, {.integer = INT64_MIN}}, {CAPI_INT, {.integer = -256}},
                               {CAPI_INT, {.integer = -1}},        {CAPI_INT, {.integer = 0}},
                               {CAPI_INT, {.integer = 255}},       {CAPI_INT, {.integer = INT64_MAX}}};
    const capi_value floats[] = {
        {CAPI_FLOAT, {.real = NAN}},     {CAPI_FLOAT, {.real = -INFINITY}}, {CAPI_FLOAT, {.real = -1e300}},
        {CAPI_FLOAT, {.real = -5e-324}}, {CAPI_FLOAT, {.real = 0}},         {CAPI_FLOAT, {.real = 5e-324}},
        {CAPI_FLOAT, {.real = 1}},       {CAPI_FLOAT, {.real = 1e33}},      {CAPI_FLOAT, {.real = INFINITY}}};
    const capi_value bools[] = {{CAPI_BOOL, {.boolean = false}}, {CAPI_BOOL, {.boolean = true}}};
    const capi_value datetimes[] = {{CAPI_DATETIME, {.instant = {INT64_MIN, 0, 0, NULL}}},
                                    {CAPI_DATETIME, {.instant = {-62135596801, 0, 0, NULL}}},
                                    {CAPI_DATETIME, {.instant = {-1, 999000, 3600, NULL}}},
                                    {CAPI_DATETIME, {.instant = {-1, 999000000, 0, "UTC"}}},
                                    {CAPI_DATETIME, {.instant = {0, 0, 0, "UTC"}}},
                                    {CAPI_DATETIME, {.instant = {0, 1000, -3600, NULL}}},
                                    {CAPI_DATETIME, {.instant = {0, 1000000, 0, "UTC"}}},
                                    {CAPI_DATETIME, {.instant = {INT64_MAX, 0, 0, NULL}}}};

    check_ascending(CAPI_INT, ints, sizeof ints / sizeof ints[0]);
    check_ascending(CAPI_FLOAT, floats, sizeof floats / sizeof floats[0]);
    check_ascending(CAPI_BOOL, bools, 2);
    check_ascending(CAPI_DATETIME, datetimes, sizeof datetimes / sizeof datetimes[0]);
}

static void check_same_key(capi_value a, capi_value b)
{
    capi_arena arena = {0};
    capi_key_part part = {.type = a.type, .length = 64};
    golden_case one = {.def = {.parts = &part, .part_count = 1}}, other = one;

    one.values[0] = a;
    other.values[0] = b;
    for (int ordered = 0; ordered < 2; ordered++) {
        capi_view key_a = build(&arena, &one, true, ordered), key_b = build(&arena, &other, true, ordered);
        uint64_t hashes[2];

        CHECK(capi_view_equal(&key_a, &key_b));
        capi_keys_hash(&key_a, 1, &hashes[0]);
        capi_keys_hash(&key_b, 1, &hashes[1]);
        CHECK(hashes[0] == hashes[1]);
    }
    capi_arena_deinit(&arena);
}

TEST(values_that_count_as_equal_have_one_key)
{
    check_same_key((capi_value){CAPI_FLOAT, {.real = 0.0}}, (capi_value){CAPI_FLOAT, {.real = -0.0}});
    check_same_key((capi_value){CAPI_FLOAT, {.real = NAN}}, (capi_value){CAPI_FLOAT, {.real = -NAN}});
    check_same_key((capi_value){CAPI_DATETIME, {.instant = {5, 1999, 3600, NULL}}},
                   (capi_value){CAPI_DATETIME, {.instant = {5, 1000, 0, "UTC"}}});
    check_same_key((capi_value){CAPI_DECIMAL, {.decimal = {.limb = {1500}, .scale = 3}}},
                   (capi_value){CAPI_DECIMAL, {.decimal = {.limb = {15}, .scale = 1}}});
    check_same_key((capi_value){CAPI_STRING, {.string = CAPI_STR("Caf\xc3\xa9  ")}},
                   (capi_value){CAPI_STRING, {.string = CAPI_STR("Cafe")}});
    check_same_key((capi_value){CAPI_STRING, {.string = CAPI_STR("\xff")}},
                   (capi_value){CAPI_STRING, {.string = CAPI_STR("\xef\xbf\xbd")}});
    check_same_key((capi_value){CAPI_STRING, {.string = CAPI_STR("\xe3\x81\x8c")}},
                   (capi_value){CAPI_STRING, {.string = CAPI_STR("\xe3\x81\x8b")}});
}

TEST(numbers_as_keys_agree_with_bytes_as_keys)
{
    static const int64_t numbers[] = {INT64_MIN, -1000, -1, 0, 1, 999, 1000, INT64_MAX};
    const capi_form forms[] = {CAPI_FORM_INT64, CAPI_FORM_MILLIS, CAPI_FORM_CENTS};
    const capi_type types[] = {CAPI_INT, CAPI_DATETIME, CAPI_DECIMAL};
    capi_arena arena = {0};

    for (unsigned kind = 0; kind < 6; kind++) {
        capi_key_part part = {.type = types[kind / 2], .descending = kind % 2 != 0};
        capi_key_def def = {.parts = &part, .part_count = 1};
        capi_vec vec = capi_vec_new(&arena, part.type, forms[kind / 2], 8);
        uint64_t values[8], equal_values[8];
        capi_view keys[8];

        memcpy(vec.data, numbers, sizeof numbers);
        CHECK(capi_key_is_int64(&def));
        CHECK(capi_keys_build_int64(&def, &vec, 8, true, values));
        CHECK(capi_keys_build_int64(&def, &vec, 8, false, equal_values));
        capi_keys_build(&def, &vec, 8, true, &arena, keys);
        for (unsigned i = 0; i < 8; i++) {
            for (unsigned j = 0; j < 8; j++) {
                CHECK(capi_key_compare(&keys[i], &keys[j]) == (values[i] > values[j]) - (values[i] < values[j]));
                CHECK((equal_values[i] == equal_values[j]) == (i == j));
            }
        }
    }
    capi_arena_deinit(&arena);
}

TEST(values_that_are_no_64_bit_number_are_told)
{
    capi_arena arena = {0};
    capi_key_part part = {.type = CAPI_DATETIME};
    capi_key_def def = {.parts = &part, .part_count = 1};
    capi_vec vec = capi_vec_new(&arena, CAPI_DATETIME, CAPI_FORM_INSTANT, 1);
    uint64_t value;

    vec.instants[0] = (capi_instant){.seconds = 1, .nanoseconds = 2000999, .offset_seconds = 60};
    CHECK(capi_keys_build_int64(&def, &vec, 1, false, &value) && value == (UINT64_C(1) << 63) + 1002);
    vec.instants[0].nanoseconds = 2001000;
    CHECK(!capi_keys_build_int64(&def, &vec, 1, false, &value));
    part.type = CAPI_FLOAT;
    CHECK(!capi_key_is_int64(&def));
    capi_arena_deinit(&arena);
}

TEST(a_key_without_components_is_empty)
{
    capi_arena arena = {0};
    capi_key_def def = {0};
    capi_view keys[2];

    capi_keys_build(&def, NULL, 2, true, &arena, keys);
    CHECK(keys[0].bytes == 0 && keys[1].bytes == 0);
    capi_arena_deinit(&arena);
}

TEST(components_do_not_run_into_each_other)
{
    capi_arena arena = {0};
    capi_key_part parts[] = {{.type = CAPI_STRING, .length = 16}, {.type = CAPI_STRING, .length = 16}};
    golden_case a = {.def = {.parts = parts, .part_count = 2}}, b = a;

    a.values[0] = b.values[1] = (capi_value){CAPI_STRING, {.string = CAPI_STR("ab")}};
    a.values[1] = b.values[0] = (capi_value){CAPI_STRING, {.string = CAPI_STR("")}};
    for (int ordered = 0; ordered < 2; ordered++) {
        capi_view key_a = build(&arena, &a, true, ordered), key_b = build(&arena, &b, true, ordered);

        CHECK(!capi_view_equal(&key_a, &key_b));
    }
    capi_arena_deinit(&arena);
}

/* What a string becomes, straight from the definition. */
static capi_str plain_normalise(capi_arena *arena, capi_str text)
{
    int32_t *characters = capi_arena_alloc(arena, (text.bytes * 4 + 8) * sizeof *characters);
    char *out = capi_arena_alloc(arena, text.bytes * 12 + 8);
    utf8proc_ssize_t count = 0;
    utf8proc_ssize_t kept = 0;
    size_t bytes = 0;

    count = utf8proc_decompose((const uint8_t *)text.data, (utf8proc_ssize_t)text.bytes, characters,
                               (utf8proc_ssize_t)text.bytes * 4 + 8, UTF8PROC_DECOMPOSE | UTF8PROC_STABLE);
    CHECK(count >= 0);
    for (utf8proc_ssize_t i = 0; i < count; i++)
        if (utf8proc_category(characters[i]) != UTF8PROC_CATEGORY_MN) characters[kept++] = characters[i];
    kept = utf8proc_normalize_utf32(characters, kept, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (utf8proc_ssize_t i = 0; i < kept; i++)
        bytes += (size_t)utf8proc_encode_char(characters[i], (uint8_t *)out + bytes);
    while (bytes && out[bytes - 1] == ' ')
        bytes--;
    return (capi_str){out, bytes};
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static int32_t random_character(uint64_t *state)
{
    static const struct {
        int32_t from, count;
    } ranges[] = {{0x20, 0x60},     {0xa0, 0x250},   {0x300, 0x70},   {0x370, 0x200},   {0x590, 0x370},
                  {0x900, 0x700},   {0x1100, 0x100}, {0x1e00, 0x200}, {0x2000, 0x1000}, {0x3040, 0xc0},
                  {0x4e00, 0x200},  {0xac00, 0x400}, {0xf900, 0x400}, {0xfe00, 0x200},  {0x1d150, 0x100},
                  {0x11080, 0x300}, {0, 0xd800},     {0xe000, 0x1000}};
    uint64_t bits = next_random(state);
    unsigned range = (unsigned)(bits % (sizeof ranges / sizeof ranges[0]));

    return ranges[range].from + (int32_t)((bits >> 8) % (uint32_t)ranges[range].count);
}

static void check_normalised(capi_arena *arena, capi_key_scratch *scratch, capi_str text)
{
    capi_key_text made = capi_key_text_make(scratch, text, CAPI_KEY_LENGTH_MAX, false);

    if (!capi_str_equal(made.text, plain_normalise(arena, text)))
        capi_test_fail(__FILE__, __LINE__, "\"%.*s\" becomes \"%.*s\"", CAPI_STR_ARG(text), CAPI_STR_ARG(made.text));
}

TEST(every_way_of_normalising_gives_what_the_definition_says)
{
    capi_arena arena = {0}, row_arena = {0};
    capi_key_scratch scratch = {.arena = &arena};
    uint64_t state = 2;
    char text[128];

    for (int32_t character = 1; character < 0x30000; character++) {
        size_t bytes;

        if (character >= 0xd800 && character < 0xe000) continue;
        bytes = (size_t)utf8proc_encode_char(character, (uint8_t *)text);
        check_normalised(&row_arena, &scratch, (capi_str){text, bytes});
        capi_arena_reset(&row_arena);
    }
    for (unsigned i = 0; i < 20000; i++) {
        size_t bytes = 0;

        for (uint64_t count = next_random(&state) % 12; count > 0; count--)
            bytes += (size_t)utf8proc_encode_char(random_character(&state), (uint8_t *)text + bytes);
        check_normalised(&row_arena, &scratch, (capi_str){text, bytes});
        capi_arena_reset(&row_arena);
    }
    capi_arena_deinit(&row_arena);
    capi_arena_deinit(&arena);
}

/* Order of two strings by the definition: padded with blanks to the same length. */
static int plain_order(capi_str a, capi_str b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t byte_a = i < a.bytes ? (uint8_t)a.data[i] : ' ';
        uint8_t byte_b = i < b.bytes ? (uint8_t)b.data[i] : ' ';

        if (byte_a != byte_b) return byte_a < byte_b ? -1 : 1;
    }
    return 0;
}

TEST(short_strings_are_ordered_as_if_padded)
{
    static const char alphabet[] = " \x01!a ";
    capi_arena arena = {0};
    capi_key_part part = {.type = CAPI_STRING, .length = 16};
    capi_key_def def = {.parts = &part, .part_count = 1};
    uint64_t state = 4;

    for (unsigned i = 0; i < 50000; i++) {
        char bytes[2][8];
        capi_vec vec = capi_vec_new(&arena, CAPI_STRING, CAPI_FORM_VIEW, 2);
        capi_view ordered[2], equal[2];
        int expected;

        for (unsigned side = 0; side < 2; side++) {
            size_t count = next_random(&state) % 6;

            for (size_t at = 0; at < count; at++)
                bytes[side][at] = alphabet[next_random(&state) % 5];
            vec.views[side] = capi_view_make(bytes[side], count);
        }
        expected = plain_order(capi_view_str(&vec.views[0]), capi_view_str(&vec.views[1]), 16);
        capi_keys_build(&def, &vec, 2, true, &arena, ordered);
        capi_keys_build(&def, &vec, 2, false, &arena, equal);
        CHECK(capi_key_compare(&ordered[0], &ordered[1]) == expected);
        CHECK(capi_view_equal(&equal[0], &equal[1]) == (expected == 0));
        capi_arena_reset(&arena);
    }
    capi_arena_deinit(&arena);
}

static void check_key_text(const char *text, uint32_t length, bool ignore_case, const char *expected, int32_t delta)
{
    capi_arena arena = {0};
    capi_key_scratch scratch = {.arena = &arena};
    capi_key_text made = capi_key_text_make(&scratch, capi_str_of(text), length, ignore_case);
    bool same = capi_str_is(made.text, expected) && made.length_delta == delta;

    if (!same) fprintf(stderr, "\"%.*s\" %d\n", CAPI_STR_ARG(made.text), made.length_delta);
    capi_arena_deinit(&arena);
    CHECK(same);
}

TEST(strings_in_keys_are_cut_by_bytes_and_upper_cased_one_to_one)
{
    check_key_text("0123456789abcdefgh", 16, false, "0123456789abcdef", 0);
    check_key_text("0123456789abcdefgh", 16, true, "0123456789ABCDEF", 0);
    check_key_text("0123456789abcde  h", 16, false, "0123456789abcde", 0);
    check_key_text("0123456789abcde\xd0\xb6", 16, false, "0123456789abcde\xd0", 0);
    check_key_text("0123456789abcde\xd0\xb6", 16, true, "0123456789ABCDE\xd0", 0);
    check_key_text("stra\xc3\x9f"
                   "e",
                   16, true,
                   "STRA\xc3\x9f"
                   "E",
                   0);
    check_key_text("\xc4\xb1", 16, true, "I", -1);
    check_key_text("\xc9\x90", 16, true, "\xe2\xb1\xaf", 1);
    check_key_text("\xc3\xb8", 16, true, "\xc3\x98", 0);
    check_key_text("a\xff\xfe"
                   "b",
                   16, false,
                   "a\xef\xbf\xbd\xef\xbf\xbd"
                   "b",
                   0);
    check_key_text("\xed\xa0\x80", 64, false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 0);
    check_key_text("", 16, true, "", 0);
}

TEST(any_bytes_make_a_key)
{
    capi_arena arena = {0};
    capi_key_part parts[] = {{.type = CAPI_STRING, .length = 16, .ignore_case = true, .descending = true},
                             {.type = CAPI_STRING, .length = 1024}};
    capi_key_def def = {.parts = parts, .part_count = 2};
    uint64_t state = 6;

    for (unsigned i = 0; i < 5000; i++) {
        char *bytes = capi_arena_alloc(&arena, 3000);
        capi_vec vecs[2] = {capi_vec_new(&arena, CAPI_STRING, CAPI_FORM_VIEW, 1)};
        capi_view key;
        size_t count = next_random(&state) % (i % 10 == 0 ? 3000 : 40);

        for (size_t at = 0; at < count; at++)
            bytes[at] = (char)next_random(&state);
        vecs[0].views[0] = capi_view_make(bytes, count);
        vecs[1] = vecs[0];
        capi_keys_build(&def, vecs, 1, i % 2, &arena, &key);
        capi_arena_reset(&arena);
    }
    capi_arena_deinit(&arena);
}
