/* type.h - the six data types of the script language, the three that only expressions know, and single values.
 *
 * There is no NULL: a value is always there (spec: the zero value stands for nothing). */
#pragma once

#include "base/str.h"
#include "vec/decimal.h"
#include "vec/instant.h"

typedef enum capi_type {
    CAPI_STRING,
    CAPI_INT,
    CAPI_FLOAT,
    CAPI_BOOL,
    CAPI_DATETIME,
    CAPI_DECIMAL, /* "decimal2" */
    CAPI_LENGTH,  /* what len() gives: an int that cannot be stored */
    CAPI_MONTH,   /* time.January .. time.December */
    CAPI_ZONE,    /* time.UTC, time.FixedZone() */
} capi_type;

enum { CAPI_TYPE_STORED_COUNT = 6, CAPI_TYPE_COUNT = 9 };

/* "string", "int", "float", "bool", "datetime", "decimal2", "length", "month", "zone" */
const char *capi_type_name(capi_type type);
/* False if `name` is none of the six stored types. */
bool capi_type_from_name(capi_str name, capi_type *out);

/* One value, for constants, defaults and tests. Strings are borrowed. */
typedef struct capi_value {
    capi_type type;
    union {
        int64_t integer; /* INT, LENGTH, MONTH (1..12) */
        double real;
        bool boolean;
        capi_str string;
        capi_decimal decimal;
        capi_instant instant;
        capi_zone zone;
    };
} capi_value;

/* The zero value of a type: 0, false, empty, 1901-01-01T00:00:00Z. */
capi_value capi_value_zero(capi_type type);

typedef struct capi_field {
    capi_str name;
    capi_type type;
} capi_field;

/* The columns of a table, in the order of the script. */
typedef struct capi_schema {
    const capi_field *fields;
    uint32_t field_count;
} capi_schema;

/* Position of the field, or -1. */
int32_t capi_schema_find(const capi_schema *schema, capi_str name);
