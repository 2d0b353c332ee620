/* help_examples.c - lines to begin with: shown by "capillaries COMMAND --help" and in the manual. test/e2e/help_examples.py runs
 * them in this order, in a folder with a script of this name. */
#include "cmd/help.h"

static const capi_help_example examples[] = {
    {"run", "capillaries run shop.yaml --params params.yaml", "everything up to the manual nodes"},
    {"run", "capillaries run shop.yaml --set day=2024-05-01 --start report",
     "one manual node, from the tables of the run before"},
    {"resume", "capillaries resume --keyspace shop --run 1", ""},
    {"start", "capillaries start shop.yaml --params params.yaml --keyspace night --description nightly",
     "for a daemon to work on; prints the run's id"},
    {"daemon", "capillaries daemon --data state", "until SIGINT or SIGTERM"},
    {"init", "capillaries init sales.csv --to sales.yaml", "look it over, then run it"},
    {"init", "capillaries init sales.csv --table raw_sales --target raw.csv >raw.yaml", ""},
    {"validate", "capillaries validate shop.yaml --params params.yaml", ""},
    {"validate", "capillaries validate shop.yaml --set day=2024-05-01 --plan --start report",
     "what the next run would read, do and write"},
    {"diagram", "capillaries diagram shop.yaml --params params.yaml --to shop.svg", ""},
    {"diagram", "capillaries diagram shop.yaml --params params.yaml --run 1 --format dot", "with the state of a run"},
    {"runs", "capillaries runs", "of all keyspaces"},
    {"nodes", "capillaries nodes --keyspace shop --run 1", ""},
    {"nodes", "capillaries nodes --keyspace shop --output json", "of the newest run, for programs"},
    {"batches", "capillaries batches --keyspace shop --run 1 --node read", ""},
    {"watch", "capillaries watch --keyspace night", "the newest run, until it ends"},
    {"stop", "capillaries stop --keyspace shop --run 2 --comment \"wrong prices\"", "no later run reads its tables"},
    {"drop", "capillaries drop --keyspace shop --run 2", "one run"},
    {"drop", "capillaries drop --keyspace night", "all of it"},
    {"gc", "capillaries gc --runs-older-than 30d --dry-run", ""},
    {"doctor", "capillaries doctor --data state", ""},
    {"table head", "capillaries table head sales --keyspace shop --rows 20", ""},
    {"table profile", "capillaries table profile sales --keyspace shop", ""},
    {"table export", "capillaries table export sales --keyspace shop --to sales.csv", ""},
    {"table export", "capillaries table export sales --keyspace shop --to sales.parquet --codec zstd", ""},
    {"parquet cat", "capillaries parquet cat sales.parquet", ""},
    {"parquet diff", "capillaries parquet diff sales.parquet copy.parquet", "exit code 1 if they differ"},
    {"parquet sort", "capillaries parquet sort copy.parquet \"id(desc)\"", ""},
    {"eval", "capillaries eval 'decimal2(1.005) * 2'", ""},
    {"schema", "capillaries schema >script.schema.json", ""},
    {"completion", "capillaries completion bash >capillaries.bash", ""},
    {"help", "capillaries help run", ""},
    {"help", "capillaries help --man >capillaries.1", ""},
    {"version", "capillaries version", ""},
};

enum { EXAMPLE_COUNT = sizeof examples / sizeof *examples };

const capi_help_example *capi_help_examples_of(const capi_command *command, uint32_t *count)
{
    const capi_help_example *first = NULL;

    *count = 0;
    for (uint32_t i = 0; i < EXAMPLE_COUNT; i++) {
        if (strcmp(examples[i].command, command->name) != 0) continue;
        if (!first) first = &examples[i];
        ++*count;
    }
    return first;
}
