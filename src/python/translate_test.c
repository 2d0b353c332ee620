#include "python/translate.h"

#include "base/test.h"

static const capi_field readers[] = {{{"price", 5}, CAPI_DECIMAL}, {{"class", 5}, CAPI_STRING}, {{"x", 1}, CAPI_INT}};
static const capi_str processors[] = {{"total", 5}};
static const capi_python_names names = {readers, 3, processors, 1};

static void check_translation(const char *formula, const char *expected, unsigned expected_used)
{
    capi_arena arena = {0};
    bool used[3] = {false};
    capi_str got = capi_python_translate(&arena, capi_str_of(formula), &names, used);

    CHECK_STR(got.data, expected);
    CHECK_INT(used[0] | used[1] << 1 | used[2] << 2, expected_used);
    capi_arena_deinit(&arena);
}

TEST(fields_become_names)
{
    check_translation("f(r.price, p.total)", "f(r_price, p_total)", 1);
    check_translation("r.x", "r_x", 4);
    check_translation("f(r . x,r.\n\tx)", "f(r_x,r_x)", 4);
    check_translation("f(D[r.x], -r.x)", "f(D[r_x], -r_x)", 4);
    check_translation("f(r.class)", "f(r_class)", 2);
}

TEST(only_fields_become_names)
{
    check_translation("f(r.other, q.x, np.abs(r.x))", "f(r.other, q.x, np.abs(r_x))", 4);
    check_translation("f(a.r.x, xr.x, r2.x, p.x)", "f(a.r.x, xr.x, r2.x, p.x)", 0);
    check_translation("f(r.xx, r.pricey)", "f(r.xx, r.pricey)", 0);
    check_translation("f(\"r.x\", \"\\\"r.x\", 'r.x', r.x)", "f(\"r.x\", \"\\\"r.x\", 'r.x', r_x)", 4);
    check_translation("f(\"r.x", "f(\"r.x", 0);
    check_translation("", "", 0);
    check_translation("r.", "r.", 0);
    check_translation("f(1.r, r.x.imag)", "f(1.r, r_x.imag)", 4);
}

static void check_globals(const char *code, bool expected, unsigned expected_used)
{
    bool used[3] = {false};

    CHECK(capi_python_find_globals(capi_str_of(code), &names, used) == expected);
    CHECK_INT(used[0] | used[1] << 1 | used[2] << 2, expected_used);
}

TEST(code_that_reads_fields_as_globals_is_found)
{
    check_globals("def f(v):\n    return v + r_price\n", true, 1);
    check_globals("def f(v):\n    return p_total\n", true, 0);
    check_globals("def f(v):\n    return globals()['r_x']\n", true, 4);
    check_globals("def f(v):\n    return eval(v)\n", true, 0);
    check_globals("def f(r_y, pr_price, r_prices):\n    return evaluate(v)\n", false, 0);
    check_globals("", false, 0);
}
