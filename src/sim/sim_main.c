/* sim_main.c - the program "sim": runs seeds, and shows the trace of one that fails. */
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>

typedef struct sim_arguments {
    uint64_t count, from;
    bool traces;
    sim_mutant mutant;
    sim_store store;
} sim_arguments;

static int usage(void)
{
    fprintf(stderr, "usage: sim [--seeds N] [--from SEED] [--trace SEED] [--store memory|sqlite] [--mutant NAME]\n");
    for (int i = 0; i < SIM_MUTANTS; i++)
        fprintf(stderr, "  %-19s %-5s %s\n", sim_mutant_name((sim_mutant)i), sim_mutant_says((sim_mutant)i),
                sim_mutant_what((sim_mutant)i));
    return 2;
}

static bool parse_mutant(const char *name, sim_mutant *out)
{
    for (int i = 0; i < SIM_MUTANTS; i++)
        if (strcmp(name, sim_mutant_name((sim_mutant)i)) == 0) {
            *out = (sim_mutant)i;
            return true;
        }
    return false;
}

static bool parse_store(const char *name, sim_store *out)
{
    *out = strcmp(name, "sqlite") == 0 ? SIM_STORE_SQLITE : SIM_STORE_MEMORY;
    return *out == SIM_STORE_SQLITE || strcmp(name, "memory") == 0;
}

static bool parse(int argc, char **argv, sim_arguments *out)
{
    *out = (sim_arguments){.count = 200, .from = 1};
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t number = strtoull(argv[i + 1], NULL, 10);

        if (strcmp(argv[i], "--seeds") == 0)
            out->count = number;
        else if (strcmp(argv[i], "--from") == 0)
            out->from = number;
        else if (strcmp(argv[i], "--trace") == 0)
            out->count = 1, out->from = number, out->traces = true;
        else if (strcmp(argv[i], "--store") == 0) {
            if (!parse_store(argv[i + 1], &out->store)) return false;
        } else if (strcmp(argv[i], "--mutant") != 0 || !parse_mutant(argv[i + 1], &out->mutant))
            return false;
    }
    return argc % 2 == 1;
}

/* Every number of a report, in the order in which they are shown. */
#define COUNTS(X)                                                                                                      \
    X(runs, "runs")                                                                                                    \
    X(batches, "batches")                                                                                              \
    X(steps, "steps")                                                                                                  \
    X(calls, "store calls")                                                                                            \
    X(faults, "faults")                                                                                                \
    X(disk_faults, "disk faults")                                                                                      \
    X(crashes, "crashes")                                                                                              \
    X(disk_kills, "of them in a write")                                                                                \
    X(start_kills, "starts killed")                                                                                    \
    X(poisoned, "processes poisoned")                                                                                  \
    X(children, "children for one batch alone")                                                                        \
    X(sleeps, "sleeps")                                                                                                \
    X(takeovers, "takeovers")                                                                                          \
    X(rings, "announcements")                                                                                          \
    X(collected, "runs removed")

static void add(sim_report *total, const sim_report *one)
{
#define ADD(field, words) total->field += one->field;
    COUNTS(ADD)
#undef ADD
    total->virtual_ns += one->virtual_ns;
}

static void show(const sim_report *total)
{
#define SHOW(field, words) fprintf(stderr, "%llu " words ", ", (unsigned long long)total->field);
    COUNTS(SHOW)
#undef SHOW
    fprintf(stderr, "%.0f virtual minutes\n", (double)total->virtual_ns / 60e9);
}

static void show_failure(const sim_arguments *arguments, uint64_t seed, const sim_report *report)
{
    sim_report again;

    printf("seed %llu: %s\n", (unsigned long long)seed, report->words);
    if (arguments->mutant != SIM_SOUND) return;
    sim_run(&(sim_options){.seed = seed, .store = arguments->store, .trace = stdout}, &again);
    printf("repeat it with: sim%s --trace %llu\n", arguments->store ? " --store sqlite" : "", (unsigned long long)seed);
}

int main(int argc, char **argv)
{
    sim_arguments arguments;
    sim_report total = {0};
    uint64_t failed = 0;

    if (!parse(argc, argv, &arguments)) return usage();
    for (uint64_t i = 0; i < arguments.count; i++) {
        uint64_t seed = arguments.from + i;
        sim_report report;

        sim_run(&(sim_options){.seed = seed,
                               .mutant = arguments.mutant,
                               .store = arguments.store,
                               .trace = arguments.traces ? stdout : NULL},
                &report);
        add(&total, &report);
        if (!report.has_failed) continue;
        if (arguments.mutant != SIM_SOUND || (failed == 0 && !arguments.traces))
            show_failure(&arguments, seed, &report);
        failed++;
    }
    show(&total);
    printf("%llu passed, %llu failed\n", (unsigned long long)(arguments.count - failed), (unsigned long long)failed);
    return failed ? 1 : 0;
}
