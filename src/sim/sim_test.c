/* sim_test.c - seeds hold all invariants; without any one of the mechanisms that hold them, they do not. */
#include "base/test.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 200, SQLITE_SEEDS = 50, MUTANT_SEEDS = 5000 };

TEST(the_invariants_hold_whatever_happens)
{
    sim_report total = {0};

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        sim_report report;

        sim_run(&(sim_options){.seed = seed}, &report);
        if (report.has_failed)
            capi_test_fail(__FILE__, __LINE__, "seed %llu: %s", (unsigned long long)seed, report.words);
        total.crashes += report.crashes;
        total.takeovers += report.takeovers;
        total.rings += report.rings;
        total.poisoned += report.poisoned;
        total.start_kills += report.start_kills;
        total.collected += report.collected;
    }
    CHECK(total.crashes > SEEDS);
    CHECK(total.takeovers > SEEDS / 2);
    CHECK(total.rings > SEEDS);
    CHECK(total.poisoned > SEEDS / 20);
    CHECK(total.start_kills > SEEDS / 20);
    CHECK(total.collected > SEEDS / 20);
}

TEST(the_invariants_hold_on_sqlite_while_its_files_fail)
{
    sim_report total = {0};

    for (uint64_t seed = 1; seed <= SQLITE_SEEDS; seed++) {
        sim_report report;

        sim_run(&(sim_options){.seed = seed, .store = SIM_STORE_SQLITE}, &report);
        if (report.has_failed)
            capi_test_fail(__FILE__, __LINE__, "seed %llu: %s", (unsigned long long)seed, report.words);
        total.disk_faults += report.disk_faults;
        total.disk_kills += report.disk_kills;
        total.start_kills += report.start_kills;
        total.batches += report.batches;
    }
    CHECK(total.disk_faults > SQLITE_SEEDS);
    CHECK(total.disk_kills > SQLITE_SEEDS / 5);
    CHECK(total.start_kills > SQLITE_SEEDS / 10);
    CHECK(total.batches > SQLITE_SEEDS);
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

/* The words of a violation begin with "I5:". */
static bool says(const sim_report *report, const char *invariant)
{
    size_t bytes = strlen(invariant);

    return report->has_failed && strncmp(report->words, invariant, bytes) == 0 && report->words[bytes] == ':';
}

TEST(every_mechanism_is_missed_when_it_is_switched_off)
{
    for (int i = SIM_SOUND + 1; i < SIM_MUTANTS; i++) {
        sim_mutant mutant = (sim_mutant)i;
        sim_report report = {0};

        for (uint64_t seed = 1; seed <= MUTANT_SEEDS && !says(&report, sim_mutant_says(mutant)); seed++)
            sim_run(&(sim_options){.seed = seed, .mutant = mutant}, &report);
        if (!says(&report, sim_mutant_says(mutant)))
            capi_test_fail(__FILE__, __LINE__, "no seed says %s when %s (%s); the last says: %s",
                           sim_mutant_says(mutant), sim_mutant_what(mutant), sim_mutant_name(mutant), report.words);
    }
}

/* Together with the test above: each of I1 .. I17 has a check that can fail. */
TEST(every_invariant_has_a_mutant)
{
    for (int number = 1; number <= 17; number++) {
        char invariant[16];
        bool has_mutant = false;

        snprintf(invariant, sizeof invariant, "I%d", number);
        for (int i = SIM_SOUND + 1; i < SIM_MUTANTS; i++)
            has_mutant = has_mutant || strcmp(sim_mutant_says((sim_mutant)i), invariant) == 0;
        if (!has_mutant) capi_test_fail(__FILE__, __LINE__, "no mutant breaks %s", invariant);
    }
}
