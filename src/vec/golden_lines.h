/* golden_lines.h - tests over tables with one JSON object a line, in test/golden/. For tests only. */
#pragma once

#include "base/test.h"
#include "vec/layout.h"
#include "vec/number.h"
#include "vec/type.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Checks one line; fails the test by itself. */
typedef void (*golden_line_fn)(json_t *line, capi_arena *arena, unsigned number);

static inline void golden_each_line(const char *file, golden_line_fn check)
{
    char path[512];
    char *text = NULL;
    size_t capacity = 0;
    unsigned number = 0;
    ssize_t bytes;
    FILE *in;

    snprintf(path, sizeof path, CAPI_TEST_DATA "/golden/%s", file);
    in = fopen(path, "r");
    if (!in) capi_test_fail(__FILE__, __LINE__, "cannot open %s", path);
    while ((bytes = getline(&text, &capacity, in)) > 0) {
        capi_arena arena = {0};
        json_t *line = json_loadb(text, (size_t)bytes, JSON_ALLOW_NUL, NULL);

        number++;
        if (!line) capi_test_fail(__FILE__, __LINE__, "line %u of %s is no JSON", number, file);
        check(line, &arena, number);
        json_decref(line);
        capi_arena_deinit(&arena);
    }
    free(text);
    fclose(in);
    CHECK(number > 0);
}

/* Empty, with data NULL, if there is no such key. */
static inline capi_str golden_text(json_t *line, const char *key)
{
    json_t *value = json_object_get(line, key);

    return (capi_str){json_string_value(value), json_string_length(value)};
}

static inline bool golden_is_error(json_t *line)
{
    return json_is_true(json_object_get(line, "error"));
}

static inline capi_instant golden_instant(capi_str text, capi_arena *arena)
{
    const capi_layout *layout = capi_layout_compile(arena, CAPI_STR("2006-01-02T15:04:05.999999999Z07:00"));
    capi_instant instant = {0};
    capi_err err = {0};

    CHECK_OK(capi_layout_parse(layout, text, arena, &instant, &err), err);
    return instant;
}

/* A value written as type and text. */
static inline capi_value golden_value(capi_str type, capi_str text, capi_arena *arena)
{
    capi_value value = {0};

    if (capi_str_is(type, "length") || capi_str_is(type, "month") || capi_str_is(type, "int")) {
        value.type = capi_str_is(type, "length") ? CAPI_LENGTH : capi_str_is(type, "month") ? CAPI_MONTH : CAPI_INT;
        CHECK(capi_parse_int(text, &value.integer));
        return value;
    }
    if (capi_str_is(type, "zone")) {
        value.type = CAPI_ZONE;
        value.zone = (capi_zone){0, (uint32_t)text.bytes, capi_str_copy(arena, text).data};
        return value;
    }
    CHECK(capi_type_from_name(type, &value.type));
    if (value.type == CAPI_STRING) value.string = text;
    if (value.type == CAPI_FLOAT) CHECK(capi_parse_float(text, &value.real) == CAPI_FLOAT_OK);
    if (value.type == CAPI_BOOL) value.boolean = capi_str_is(text, "true");
    if (value.type == CAPI_DECIMAL) CHECK(capi_decimal_parse(text, &value.decimal));
    if (value.type == CAPI_DATETIME) value.instant = golden_instant(text, arena);
    return value;
}
