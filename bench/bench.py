#!/usr/bin/env python3
"""Measures our jobs against DuckDB's on the same files, on this machine, now, with one thread each.

    ./dev bench                  10 million rows
    ./dev bench --rows 1000000   fewer
    ./dev bench --job lookup     one job alone

Ours: the wall time of the whole process "capillaries run --start NODE --threads 1", the disk writes and fsyncs that make the
result durable included. DuckDB: an on-disk database with threads=1, from connecting to the end of the CHECKPOINT; the start of
its process and the import of the module are not counted; a file that it writes is fsynced within its time, as ours is. Both results are compared: the number of rows and a checksum over
all values. DuckDB comes from PyPI into a private environment under build/.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "build", "bench")
VENV = os.path.join(WORK, "venv")

FACTS = {"id": "BIGINT", "key": "BIGINT", "name": "VARCHAR", "category": "VARCHAR", "at": "TIMESTAMP",
         "price": "DECIMAL(18,2)", "cost": "DECIMAL(18,2)", "weight": "DOUBLE", "active": "BOOLEAN"}
DETAILS = {"key": "BIGINT", "amount": "DECIMAL(18,2)"}
COMPUTED = {"number": "BIGINT", "total": "DECIMAL(18,2)", "ratio": "DOUBLE"}
TOTALS = {"id": "BIGINT", "count": "BIGINT", "amount": "DECIMAL(18,2)"}


def read_csv(path, columns, options=""):
    kinds = ", ".join("'%s': '%s'" % item for item in columns.items())
    return "read_csv('%s', header=true, auto_detect=false, columns={%s}%s)" % (path, kinds, options)


# Our files have CR LF after the header and LF after the rows, which DuckDB takes only when it is told.
OUR_LINE_ENDS = ", new_line='\\n', strict_mode=false"


def load(table, path, columns):
    return ["CREATE OR REPLACE TABLE %s AS SELECT * FROM %s" % (table, read_csv(path, columns))]


class Job:
    """name, what it does, the bar (how many times faster than DuckDB we want to be), our node, DuckDB's statements, and what
    to compare: our table or file, and DuckDB's."""

    def __init__(self, name, words, bar, node, statements, columns, ours, theirs):
        self.name, self.words, self.bar, self.node = name, words, bar, node
        self.statements, self.columns, self.ours, self.theirs = statements, columns, ours, theirs


def jobs(folder):
    facts, details = os.path.join(folder, "facts.csv"), os.path.join(folder, "details.csv")
    theirs = os.path.join(folder, "theirs.csv")
    return [
        Job("read", "CSV to table, 9 columns", 2, "read_facts", load("facts", facts, FACTS), FACTS, "facts", "facts"),
        Job("read_details", "CSV to table, 2 columns", None, "read_details", load("details", details, DETAILS), DETAILS,
            "details", "details"),
        Job("write", "table to CSV, 9 columns", 2, "write_facts", ["COPY facts TO '%s' (HEADER)" % theirs, "FSYNC " + theirs], FACTS,
            os.path.join(folder, "ours.csv"), theirs),
        Job("compute", "three computed columns, one decimal", 1, "compute",
            ["CREATE OR REPLACE TABLE computed AS SELECT id * 3 - key % 1000 AS number, "
             "CAST(price * cost AS DECIMAL(18,2)) AS total, weight * 2.5 + CAST(id AS DOUBLE) AS ratio FROM facts"],
            COMPUTED, "computed", "computed"),
        Job("lookup", "grouped left lookup on an int key", 1, "lookup",
            ["CREATE OR REPLACE TABLE totals AS SELECT id, COALESCE(n, 0) AS count, "
             "CAST(COALESCE(total, 0) AS DECIMAL(18,2)) AS amount FROM facts LEFT JOIN "
             "(SELECT key, count(*) AS n, sum(amount) AS total FROM details GROUP BY key) USING (key)"],
            TOTALS, "totals", "totals"),
    ]


# ---- preparing ----

def say(words):
    print(words, file=sys.stderr, flush=True)


def make_environment():
    python = os.path.join(VENV, "bin", "python")
    if os.path.exists(python) and subprocess.run([python, "-c", "import duckdb"], capture_output=True).returncode == 0:
        return python
    say("installing DuckDB into %s" % os.path.relpath(VENV, ROOT))
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "duckdb"], check=True)
    return python


def make_data(rows):
    folder = os.path.join(WORK, "rows_%d" % rows)
    if not os.path.exists(os.path.join(folder, "done")):
        say("generating %d rows" % rows)
        os.makedirs(folder, exist_ok=True)
        generator = os.path.join(WORK, "generate")
        subprocess.run(["gcc", "-O2", "-o", generator, os.path.join(ROOT, "bench", "generate.c")], check=True)
        subprocess.run([generator, str(rows), folder], check=True)
        open(os.path.join(folder, "done"), "w").close()
    return folder


def disk_megabytes_per_second(folder):
    """Sequential writing with an fsync at the end: what no engine can be faster than."""
    path = os.path.join(folder, "disk_speed")
    block = os.urandom(1 << 20)
    start = time.monotonic()
    with open(path, "wb", buffering=0) as file:
        for _ in range(512):
            file.write(block)
        os.fsync(file.fileno())
    seconds = time.monotonic() - start
    os.remove(path)
    return 512 / seconds


# ---- running ----

def run_measured(command, log_path):
    """Exit code, wall seconds, processor seconds, peak memory in megabytes, megabytes read (0: this system does not tell)."""
    with open(log_path, "wb") as log:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        seconds = time.monotonic() - start
        megabytes_read = read_by(process.pid) / 1e6
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, megabytes_read


def read_by(pid):
    """Bytes that an ended process has asked read() and the like for."""
    try:
        with open("/proc/%d/io" % pid) as file:
            return next((int(line.split()[1]) for line in file if line.startswith("rchar:")), 0)
    except OSError:
        return 0


def fail(words, log_path):
    say("error: " + words)
    with open(log_path, "rb") as log:
        say(log.read().decode("utf-8", "replace")[-3000:])
    sys.exit(1)


def run_ours(binary, folder, job, threads, script="bench.yaml", settings=()):
    log = os.path.join(folder, "ours_%s.log" % job.name)
    os.sync()
    code, seconds, processor_seconds, megabytes, megabytes_read = run_measured(
        [binary, "run", os.path.join(ROOT, "bench", script), "--set", "dir=" + folder, *settings, "--keyspace", "bench", "--data",
         os.path.join(folder, "state"), "--threads", str(threads), "--start", job.node], log)
    if code != 0:
        fail("our job \"%s\" failed" % job.name, log)
    return seconds, processor_seconds, megabytes, megabytes_read


DUCKDB_RUN = """
import duckdb, json, os, sys, time
database, threads, statements = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
start = time.monotonic()
connection = duckdb.connect(database)
connection.execute("SET threads=%d" % threads)
connection.execute("SET enable_progress_bar=false")
for statement in statements:
    if statement.startswith("FSYNC "):
        file = os.open(statement[6:], os.O_RDONLY)
        os.fsync(file)
        os.close(file)
    else:
        connection.execute(statement)
connection.execute("CHECKPOINT")
connection.close()
print(json.dumps(time.monotonic() - start))
"""


def run_theirs(python, folder, job, threads):
    log = os.path.join(folder, "theirs_%s.log" % job.name)
    os.sync()
    code, _, processor_seconds, megabytes, _ = run_measured(
        [python, "-c", DUCKDB_RUN, os.path.join(folder, "duckdb.db"), str(threads), json.dumps(job.statements)], log)
    if code != 0:
        fail("DuckDB's job \"%s\" failed" % job.name, log)
    with open(log) as file:
        return float(file.read().strip().splitlines()[-1]), processor_seconds, megabytes


# ---- comparing ----

DUCKDB_CHECKSUM = """
import duckdb, json, sys
database, sources = sys.argv[1], json.loads(sys.argv[2])
connection = duckdb.connect(database)
connection.execute("SET enable_progress_bar=false")
for source, columns in sources:
    names = ", ".join('"%s"' % name for name in columns)
    print(*connection.execute('SELECT count(*), sum(CAST(hash(%s) AS HUGEINT)) FROM %s' % (names, source)).fetchone())
"""


def source_of(place, columns, options=""):
    """A table, or a file, whose values then have the types that are compared."""
    if place.endswith(".csv"):
        return read_csv(place, columns, options)
    if place.endswith(".parquet"):
        casts = ", ".join('CAST("%s" AS %s) AS "%s"' % (name, kind, name) for name, kind in columns.items())
        return "(SELECT %s FROM read_parquet('%s'))" % (casts, place)
    return place


def check_equal(binary, python, folder, job):
    ours = job.ours
    if not ours.endswith((".csv", ".parquet")):
        ours = os.path.join(folder, "export.csv")
        subprocess.run([binary, "table", "export", job.ours, "--keyspace", "bench", "--data", os.path.join(folder, "state"),
                        "--to", ours], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sources = [[source_of(ours, job.columns, OUR_LINE_ENDS), list(job.columns)],
               [source_of(job.theirs, job.columns), list(job.columns)]]
    sums = subprocess.run([python, "-c", DUCKDB_CHECKSUM, os.path.join(folder, "duckdb.db"), json.dumps(sources)], check=True,
                          capture_output=True, text=True).stdout.split("\n")
    if ours.endswith("export.csv"):
        os.remove(ours)
    return sums[0] == sums[1], sums


def print_table(results):
    print("%-36s %8s %8s %7s %5s %10s %10s %9s %9s  %s" % ("job", "ours s", "DuckDB s", "ratio", "bar", "ours CPU s",
                                                        "DuckDB CPU", "ours MB", "DuckDB MB", "results"))
    for job, ours, theirs, equal in results:
        print("%-36s %8.2f %8.2f %6.2fx %5s %10.2f %10.2f %9.0f %9.0f  %s" % (
            job.words, ours[0], theirs[0], theirs[0] / ours[0], "%gx" % job.bar if job.bar else "-", ours[1], theirs[1],
            ours[2], theirs[2], "equal" if equal else "DIFFERENT"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--binary", default=os.path.join(ROOT, "build", "release", "bin", "capillaries"))
    parser.add_argument("--threads", type=int, default=1, help="for both (default: 1)")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each job, in turn; the fastest counts")
    parser.add_argument("--job", action="append", help="only this job (needs the tables of an earlier full run)")
    parser.add_argument("--keep", action="store_true", help="keep tables and outputs")
    parser.add_argument("--no-check", action="store_true", help="do not compare the results")
    arguments = parser.parse_args()

    os.makedirs(WORK, exist_ok=True)
    python = make_environment()
    folder = make_data(arguments.rows)
    if not arguments.job:
        shutil.rmtree(os.path.join(folder, "state"), ignore_errors=True)
        for name in ("duckdb.db", "duckdb.db.wal"):
            if os.path.exists(os.path.join(folder, name)):
                os.remove(os.path.join(folder, name))
    results = []
    for job in jobs(folder):
        if arguments.job and job.name not in arguments.job:
            continue
        ours, theirs = [], []
        for _ in range(arguments.repeat):
            ours.append(run_ours(arguments.binary, folder, job, arguments.threads))
            theirs.append(run_theirs(python, folder, job, arguments.threads))
        equal, sums = (True, []) if arguments.no_check else check_equal(arguments.binary, python, folder, job)
        results.append((job, min(ours), min(theirs), equal))
        say("%s: ours %.2f s, DuckDB %.2f s%s" % (job.name, min(ours)[0], min(theirs)[0],
                                                "" if equal else "; DIFFERENT: %s" % sums))
    print("%d rows, %d thread%s, disk writes %.0f MB/s" % (arguments.rows, arguments.threads,
                                                          "" if arguments.threads == 1 else "s",
                                                          disk_megabytes_per_second(folder)))
    print_table(results)
    if not arguments.keep and not arguments.job:
        shutil.rmtree(os.path.join(folder, "state"), ignore_errors=True)
        for name in ("duckdb.db", "ours.csv", "theirs.csv"):
            if os.path.exists(os.path.join(folder, name)):
                os.remove(os.path.join(folder, name))
    sys.exit(0 if all(equal for _, _, _, equal in results) else 1)


if __name__ == "__main__":
    main()
