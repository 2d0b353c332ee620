#include "script/python_scan.h"

#include "base/test.h"

static const char code[] = "# a comment: def hidden(a):\n"
                           "import math, json\n"
                           "from os.path import join, split as cut\n"
                           "def plain(a, b):\n"
                           "    def inner(x):\n"
                           "        return x\n"
                           "    return inner(a)\n"
                           "def none():\n"
                           "  pass\n"
                           "def spaced ( a ,\n"
                           "    b = (1, 2), # with a comment, and a comma\n"
                           "    c = \"x,)\" ) :\n"
                           "    return a\n"
                           "async def later(a): pass\n"
                           "def typed(a: int, b: 'dict[str, int]' = None) -> str:\n"
                           "    return ''\n"
                           "def many(a, *rest, **more): pass\n"
                           "def only(a, /, b, *, c=1): pass\n"
                           "def wants(a, *, c): pass\n"
                           "text = '''\n"
                           "def in_text(a):\n"
                           "'''\n"
                           "class Thing:\n"
                           "    def method(self): pass\n"
                           "square = lambda v: v * v\n"
                           "if True:\n"
                           "    def under_if(a, b): pass\n"
                           "else:\n"
                           "    def under_if(a): pass\n"
                           "@wrapped\n"
                           "def decorated(a): pass\n"
                           "x = plain(1, \\\n"
                           "def_ = 2\n"
                           ")\n"
                           "def last(a):return a";

static bool accepts(const capi_python_module *module, const char *name, uint32_t count)
{
    return capi_python_accepts(module, capi_str_of(name), count);
}

TEST(definitions_at_module_level_are_found_with_their_arguments)
{
    capi_arena arena = {0};
    capi_python_module module;

    capi_python_scan(&arena, capi_str_of(code), &module);
    CHECK(accepts(&module, "plain", 2) && !accepts(&module, "plain", 1) && !accepts(&module, "plain", 3));
    CHECK(accepts(&module, "none", 0) && !accepts(&module, "none", 1));
    CHECK(accepts(&module, "spaced", 1) && accepts(&module, "spaced", 3) && !accepts(&module, "spaced", 4));
    CHECK(accepts(&module, "later", 1));
    CHECK(accepts(&module, "typed", 1) && accepts(&module, "typed", 2) && !accepts(&module, "typed", 0));
    CHECK(accepts(&module, "many", 1) && accepts(&module, "many", 9) && !accepts(&module, "many", 0));
    CHECK(accepts(&module, "only", 2) && !accepts(&module, "only", 3));
    CHECK(!accepts(&module, "wants", 1) && !accepts(&module, "wants", 2));
    CHECK(accepts(&module, "last", 1));
    capi_arena_deinit(&arena);
}

TEST(what_may_be_callable_takes_any_arguments)
{
    capi_arena arena = {0};
    capi_python_module module;

    capi_python_scan(&arena, capi_str_of(code), &module);
    CHECK(accepts(&module, "join", 5) && accepts(&module, "cut", 1) && !accepts(&module, "split", 1));
    CHECK(accepts(&module, "Thing", 3));
    CHECK(accepts(&module, "square", 1));
    CHECK(accepts(&module, "decorated", 4));
    CHECK(accepts(&module, "under_if", 1) && accepts(&module, "under_if", 2) && !accepts(&module, "under_if", 3));
    capi_arena_deinit(&arena);
}

TEST(what_is_not_at_module_level_is_not_found)
{
    capi_arena arena = {0};
    capi_python_module module;

    capi_python_scan(&arena, capi_str_of(code), &module);
    CHECK(!accepts(&module, "inner", 1));
    CHECK(!accepts(&module, "method", 1));
    CHECK(!accepts(&module, "hidden", 1));
    CHECK(!accepts(&module, "in_text", 1));
    CHECK(!accepts(&module, "nothing", 0));
    capi_arena_deinit(&arena);
}

TEST(an_import_of_everything_may_bring_any_function)
{
    capi_arena arena = {0};
    capi_python_module module;

    capi_python_scan(&arena, CAPI_STR("from tools import *\n"), &module);
    CHECK(accepts(&module, "whatever", 3));
    capi_arena_deinit(&arena);
}
