/* budget.c - one atomic counter with a limit. */
#include "base/budget.h"

#include <stdio.h>
#include <unistd.h>

static uint64_t read_limit(const char *path)
{
    unsigned long long bytes = 0;
    FILE *file = fopen(path, "re");

    if (!file) return 0;
    if (fscanf(file, "%llu", &bytes) != 1) bytes = 0;
    fclose(file);
    return bytes;
}

uint64_t capi_budget_default_limit_bytes(void)
{
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t group = read_limit("/sys/fs/cgroup/memory.max");

    if (group == 0) group = read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    if (group && group < machine) machine = group;
    return machine / 2;
}

/* Compare and set rather than add and take back: a request that fails must not make another one fail beside it. */
bool capi_budget_try_reserve(capi_budget *budget, uint64_t bytes)
{
    uint64_t used = atomic_load(&budget->used_bytes);
    uint64_t peak;

    do {
        if (bytes > budget->limit_bytes || used > budget->limit_bytes - bytes) return false;
    } while (!atomic_compare_exchange_weak(&budget->used_bytes, &used, used + bytes));
    used += bytes;
    peak = atomic_load(&budget->peak_bytes);
    while (used > peak && !atomic_compare_exchange_weak(&budget->peak_bytes, &peak, used))
        continue;
    return true;
}

capi_status capi_budget_reserve(capi_budget *budget, uint64_t bytes, const char *what, capi_err *err)
{
    if (capi_budget_try_reserve(budget, bytes)) return CAPI_OK;
    return capi_err_set(err, CAPI_NO_MEMORY,
                        "%s needs %llu bytes more than the memory budget of %llu bytes leaves (%llu in use)", what,
                        (unsigned long long)bytes, (unsigned long long)budget->limit_bytes,
                        (unsigned long long)atomic_load(&budget->used_bytes));
}

void capi_budget_release(capi_budget *budget, uint64_t bytes)
{
    atomic_fetch_sub(&budget->used_bytes, bytes);
}
