/* Types, zero values, schemas. */
#include "base/test.h"
#include "vec/type.h"

TEST(type_names_come_back_as_types_if_they_can_be_stored)
{
    for (int type = 0; type < CAPI_TYPE_COUNT; type++) {
        capi_type found;
        bool stored = capi_type_from_name(capi_str_of(capi_type_name((capi_type)type)), &found);

        CHECK(stored == (type < CAPI_TYPE_STORED_COUNT));
        CHECK(!stored || (int)found == type);
    }
    CHECK(!capi_type_from_name(CAPI_STR("decimal"), &(capi_type){0}));
}

TEST(the_zero_datetime_is_the_year_1901)
{
    capi_value zero = capi_value_zero(CAPI_DATETIME);
    capi_civil civil;

    capi_instant_to_civil(&zero.instant, &civil);
    CHECK(civil.year == 1901 && civil.month == 1 && civil.day == 1 && civil.hour == 0);
}

TEST(a_field_is_found_by_its_exact_name)
{
    capi_field fields[] = {{CAPI_STR("a"), CAPI_INT}, {CAPI_STR("B"), CAPI_STRING}};
    capi_schema schema = {fields, 2};

    CHECK_INT(capi_schema_find(&schema, CAPI_STR("B")), 1);
    CHECK_INT(capi_schema_find(&schema, CAPI_STR("b")), -1);
    CHECK_INT(capi_schema_find(&schema, CAPI_STR("")), -1);
}
