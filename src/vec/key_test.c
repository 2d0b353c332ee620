/* Keys against the golden table: equality and order under one definition, and the exact text of strings. */
#include "base/test.h"
#include "base/buf.h"
#include "vec/key.h"
#include "vec/key_text.h"
#include "vec/number.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

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
