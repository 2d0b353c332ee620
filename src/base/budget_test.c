#include "base/budget.h"
#include "base/test.h"

TEST(what_does_not_fit_is_refused_with_the_figures)
{
    capi_budget budget = {.limit_bytes = 100};
    capi_err err = {0};

    CHECK_OK(capi_budget_reserve(&budget, 60, "an index", &err), err);
    CHECK(capi_budget_reserve(&budget, 41, "an index", &err) == CAPI_NO_MEMORY);
    CHECK_STR(err.text, "an index needs 41 bytes more than the memory budget of 100 bytes leaves (60 in use)");
    CHECK(!capi_budget_try_reserve(&budget, UINT64_MAX));
    CHECK(capi_budget_try_reserve(&budget, 40));
    capi_budget_release(&budget, 100);
    CHECK_INT(budget.used_bytes, 0);
    CHECK_INT(budget.peak_bytes, 100);
}

TEST(the_default_limit_is_between_nothing_and_everything)
{
    CHECK(capi_budget_default_limit_bytes() > 1 << 20);
}
