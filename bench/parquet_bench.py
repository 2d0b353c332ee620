#!/usr/bin/env python3
"""Measures Parquet to table and back against DuckDB on the same file, on this machine, now, with one thread each.

    ./dev bench parquet                   10 million rows, 9 columns, snappy
    ./dev bench parquet --rows 1000000    fewer
    ./dev bench parquet --file pyarrow    read a file by pyarrow instead of one by DuckDB

Times, memory and the comparison of results are those of bench.py. Bars: 1.2 times DuckDB's speed, at most half of its memory,
and a job that wants two columns of nine reads about the bytes of two.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

import bench

BAR = 1.2
MEMORY_BAR = 0.5
# What the program, its script and its state take beside the columns, in bytes.
READ_BESIDE = 4_000_000
TWO = {"key": "BIGINT", "price": "DECIMAL(18,2)"}

MAKE = {
    "duckdb": """
import duckdb, sys
duckdb.sql("SET enable_progress_bar=false")
duckdb.sql("COPY (SELECT * FROM %s) TO '%s' (FORMAT parquet, CODEC snappy)" % tuple(sys.argv[1:]))
""",
    "pyarrow": """
import duckdb, pyarrow.parquet, sys
duckdb.sql("SET enable_progress_bar=false")
pyarrow.parquet.write_table(duckdb.sql("SELECT * FROM " + sys.argv[1]).to_arrow_table(), sys.argv[2])
""",
}

COLUMN_BYTES = """
import duckdb, json, sys
print(json.dumps(dict(duckdb.execute("SELECT path_in_schema, sum(total_compressed_size) FROM parquet_metadata(?) GROUP BY 1",
                                     [sys.argv[1]]).fetchall()), default=int))
"""


def jobs(folder, source):
    theirs = os.path.join(folder, "theirs.parquet")

    def load(table, columns):
        names = ", ".join('"%s"' % name for name in columns)
        return ["CREATE OR REPLACE TABLE %s AS SELECT %s FROM read_parquet('%s')" % (table, names, source)]

    return [
        bench.Job("read", "Parquet to table, 9 columns", BAR, "read_facts", load("facts", bench.FACTS), bench.FACTS, "facts", "facts"),
        bench.Job("read_two", "Parquet to table, 2 columns of 9", None, "read_two", load("two", TWO), TWO, "two", "two"),
        bench.Job("write", "table to Parquet, 9 columns", BAR, "write_facts",
                  ["COPY facts TO '%s' (FORMAT parquet, CODEC snappy)" % theirs, "FSYNC " + theirs], bench.FACTS,
                  os.path.join(folder, "ours.parquet"), theirs),
    ]


def make_file(python, folder, maker):
    path = os.path.join(folder, "%s.parquet" % maker)
    if os.path.exists(path):
        return path
    if maker == "pyarrow":
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pyarrow"], check=True)
    bench.say("%s writes %s" % (maker, os.path.basename(path)))
    facts = bench.read_csv(os.path.join(folder, "facts.csv"), bench.FACTS)
    subprocess.run([python, "-c", MAKE[maker], facts, path + ".part"], check=True)
    os.rename(path + ".part", path)
    return path


def column_megabytes(python, path, columns):
    sizes = json.loads(subprocess.run([python, "-c", COLUMN_BYTES, path], check=True, capture_output=True, text=True).stdout)
    return sum(sizes[name] for name in columns) / 1e6


def run_job(arguments, python, folder, job, settings):
    ours, theirs = [], []
    for _ in range(arguments.repeat):
        ours.append(bench.run_ours(arguments.binary, folder, job, arguments.threads, "parquet.yaml", settings))
        theirs.append(bench.run_theirs(python, folder, job, arguments.threads))
    equal, sums = (True, []) if arguments.no_check else bench.check_equal(arguments.binary, python, folder, job)
    bench.say("%s: ours %.2f s, DuckDB %.2f s%s" % (job.name, min(ours)[0], min(theirs)[0],
                                                  "" if equal else "; DIFFERENT: %s" % sums))
    return job, min(ours), min(theirs), equal


def verdict(is_met):
    return "met" if is_met else "MISSED"


def print_bars(results, two_megabytes, all_megabytes):
    for job, ours, theirs, _ in results:
        if job.bar:
            print("%-36s speed %.2fx (bar %gx: %s), memory %.2fx (bar %gx: %s)" % (
                job.words, theirs[0] / ours[0], job.bar, verdict(theirs[0] / ours[0] >= job.bar),
                ours[2] / theirs[2], MEMORY_BAR, verdict(ours[2] <= MEMORY_BAR * theirs[2])))
        if job.name == "read_two" and ours[3]:
            print("%-36s %.1f MB read; these columns have %.1f MB, all %.1f MB (%s)" % (
                job.words, ours[3], two_megabytes, all_megabytes, verdict(ours[3] * 1e6 <= two_megabytes * 1.05e6 + READ_BESIDE)))


def remove_outputs(folder):
    shutil.rmtree(os.path.join(folder, "state"), ignore_errors=True)
    for name in ("duckdb.db", "duckdb.db.wal", "ours.parquet", "theirs.parquet"):
        if os.path.exists(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--binary", default=os.path.join(bench.ROOT, "build", "release", "bin", "capillaries"))
    parser.add_argument("--threads", type=int, default=1, help="for both (default: 1)")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each job, in turn; the fastest counts")
    parser.add_argument("--file", choices=["duckdb", "pyarrow"], default="duckdb", help="who wrote the file that is read")
    parser.add_argument("--job", action="append", help="only this job (needs the tables of an earlier run with --keep)")
    parser.add_argument("--keep", action="store_true", help="keep tables and outputs")
    parser.add_argument("--no-check", action="store_true", help="do not compare the results")
    arguments = parser.parse_args()

    os.makedirs(bench.WORK, exist_ok=True)
    python = bench.make_environment()
    folder = bench.make_data(arguments.rows)
    source = make_file(python, folder, arguments.file)
    if not arguments.job:
        remove_outputs(folder)
    settings = ["--set", "file=" + os.path.basename(source)]
    results = [run_job(arguments, python, folder, job, settings) for job in jobs(folder, source)
               if not arguments.job or job.name in arguments.job]
    print("%d rows, %d thread%s, file by %s, disk writes %.0f MB/s" % (
        arguments.rows, arguments.threads, "" if arguments.threads == 1 else "s", arguments.file,
        bench.disk_megabytes_per_second(folder)))
    bench.print_table(results)
    print_bars(results, column_megabytes(python, source, TWO), column_megabytes(python, source, bench.FACTS))
    if not arguments.keep and not arguments.job:
        remove_outputs(folder)
    sys.exit(0 if all(equal for _, _, _, equal in results) else 1)


if __name__ == "__main__":
    main()
