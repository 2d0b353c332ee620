/* sim_test.c - seeds hold all invariants; without any one of the mechanisms that hold them, they do not. */
#include "base/test.h"
#include "sim/sim.h"

#include <stdlib.h>

enum { SEEDS = 200, SQLITE_SEEDS = 50, MUTANT_SEEDS = 5000 };

TEST(the_invariants_hold_whatever_happens)
{
    uint64_t crashes = 0;
    uint64_t takeovers = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        sim_report report;

        sim_run(&(sim_options){.seed = seed}, &report);
        if (report.has_failed)
            capi_test_fail(__FILE__, __LINE__, "seed %llu: %s", (unsigned long long)seed, report.words);
        crashes += report.crashes;
        takeovers += report.takeovers;
    }
    CHECK(crashes > SEEDS);
    CHECK(takeovers > SEEDS / 2);
}

TEST(the_invariants_hold_on_sqlite_while_its_files_fail)
{
    uint64_t disk_faults = 0;
    uint64_t batches = 0;

    for (uint64_t seed = 1; seed <= SQLITE_SEEDS; seed++) {
        sim_report report;

        sim_run(&(sim_options){.seed = seed, .store = SIM_STORE_SQLITE}, &report);
        if (report.has_failed)
            capi_test_fail(__FILE__, __LINE__, "seed %llu: %s", (unsigned long long)seed, report.words);
        disk_faults += report.disk_faults;
        batches += report.batches;
    }
    CHECK(disk_faults > SQLITE_SEEDS);
    CHECK(batches > SQLITE_SEEDS);
}

TEST(a_seed_repeats_its_run)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        sim_store store = seed % 2 ? SIM_STORE_SQLITE : SIM_STORE_MEMORY;
        sim_report first;
        sim_report second;

        sim_run(&(sim_options){.seed = seed, .store = store}, &first);
        sim_run(&(sim_options){.seed = seed, .store = store}, &second);
        CHECK(first.fingerprint == second.fingerprint);
        CHECK(first.steps == second.steps);
    }
}

TEST(every_mechanism_is_missed_when_it_is_switched_off)
{
    for (int mutant = SIM_SOUND + 1; mutant < SIM_MUTANTS; mutant++) {
        sim_report report = {0};

        for (uint64_t seed = 1; seed <= MUTANT_SEEDS && !report.has_failed; seed++)
            sim_run(&(sim_options){.seed = seed, .mutant = (sim_mutant)mutant}, &report);
        if (!report.has_failed)
            capi_test_fail(__FILE__, __LINE__, "no seed shows that %s: %s", sim_mutant_name((sim_mutant)mutant),
                           sim_mutant_what((sim_mutant)mutant));
    }
}
