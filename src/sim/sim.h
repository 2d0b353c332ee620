/* sim.h - the machinery of runs on a virtual clock, from a seed: many processes on one thread, and everything that can go wrong.
 *
 * A world has a state (the memory backend, or SQLite), virtual files and tables, and up to four processes. Each process is an agent with a
 * worker whose batches take virtual time and whose results are hashes of what they read. The seed decides a script, when
 * runs are started, stopped and dropped, when processes crash (before or after any call has taken effect), sleep through their
 * lease and wake, which calls fail, which steps are late and which news are lost. After a while the world becomes calm; then
 * every run must come to its end, and all invariants of the workflow specification (I1 .. I17) must have held.
 *
 * A mutant is a world in which one mechanism that holds the invariants is switched off; the simulator must notice. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* name, what is switched off, and what the simulator says then: the invariant with whose number the violation begins. */
#define SIM_MUTANT_LIST(X)                                                                                             \
    X(SOUND, "nothing", "")                                                                                            \
    X(ROWS_STAY, "what a dead attempt has written stays in the table", "I1")                                           \
    X(NOT_ALONE, "three deaths fail a batch, whoever was to blame", "I1")                                              \
    X(NO_TAKEOVER, "nobody is buried", "I2")                                                                           \
    X(NO_END_OF_DEATHS, "a batch that kills whoever takes it is given out for ever", "I2")                             \
    X(START_IN_PARTS, "a start that fails leaves a part of the run behind", "I3")                                      \
    X(START_AGAIN, "a start that is repeated starts another run", "I3")                                                \
    X(CLAIM_AGAIN, "a claim that is repeated takes another batch", "I4")                                               \
    X(STOP_AGAIN, "a stop that is repeated is another stop", "I4")                                                     \
    X(NO_FENCE, "a result is taken from whoever comes, whoever has the claim", "I5")                                   \
    X(NO_PUBLISHING, "a file may be renamed by whoever has made it, whoever has the claim", "I5")                      \
    X(NO_CLEARING, "files of earlier runs stay beside the targets of a node that is opened", "I5")                     \
    X(NO_POLLING, "steps wait for news for ever", "I6")                                                                \
    X(STOP_REWRITES, "a stop changes what had ended before", "I7")                                                     \
    X(OPEN_EARLY, "a node counts as ended when it has begun", "I8")                                                    \
    X(NO_SEAL, "a node has ended as soon as its batches have", "I8")                                                   \
    X(COMMIT_FIRST, "the commit comes before the rows are written", "I8")                                              \
    X(GC_FORGETS_READERS, "runs are removed although others read them", "I8")                                          \
    X(STOP_LATE, "a stop takes effect later than it returns", "I9")                                                    \
    X(NO_PATIENCE, "a batch fails when a store fails once", "I10")                                                     \
    X(SEAL_FORGIVES, "the seal does not mind duplicates", "I11")                                                       \
    X(SEAL_KEEPS_ALL, "the seal forgets which rows survive", "I12")                                                    \
    X(RENAME_LAST, "the commit comes before the file has its name", "I13")                                             \
    X(SCRIPT_OF_NOW, "scripts are read again while a run works", "I14")                                                \
    X(RUNS_BY_NUMBER, "claims name runs by their number", "I15")                                                       \
    X(BURY_THE_LIVING, "a process is buried although it beat again", "I16")                                            \
    X(WALL_CLOCK, "leases are measured by clocks that jump", "I16")                                                    \
    X(KEEP_ON_EXIT, "a process that is told to end keeps its claims", "I17")                                           \
    X(NO_TIDYING, "files of dead attempts stay beside the target", "tidy")

typedef enum sim_mutant {
#define SIM_MUTANT_ENUM(name, what, says) SIM_##name,
    SIM_MUTANT_LIST(SIM_MUTANT_ENUM)
#undef SIM_MUTANT_ENUM
        SIM_MUTANTS
} sim_mutant;

const char *sim_mutant_name(sim_mutant mutant);
const char *sim_mutant_what(sim_mutant mutant);
/* "I5": how the words of a report begin that shows it. */
const char *sim_mutant_says(sim_mutant mutant);

typedef enum sim_store {
    SIM_STORE_MEMORY,
    SIM_STORE_SQLITE, /* a connection for each process; calls of SQLite to its files fail as well */
} sim_store;

typedef struct sim_options {
    uint64_t seed;
    sim_mutant mutant;
    sim_store store;
    FILE *trace; /* every event is written to it; NULL: none */
} sim_options;

typedef struct sim_report {
    bool has_failed;
    char words[600];      /* which invariant, and how */
    uint64_t fingerprint; /* the same for the same seed */
    uint64_t steps, calls, faults, crashes, sleeps, takeovers, runs, batches;
    uint64_t disk_faults, disk_kills, start_kills, rings, collected, poisoned, children;
    int64_t virtual_ns;
} sim_report;

void sim_run(const sim_options *options, sim_report *out);
