#!/usr/bin/env python3
"""Measures formulas in Python against a bare Python loop over lists that does the same, on one core.

    ./dev bench python                 5 million rows (strings: 2 million)
    ./dev bench python --rows 500000   fewer

Ours: the wall time of the whole process "capillaries run --start NODE --threads 1", all on one core: reading the table, the
worker's start, the formulas, writing the result durably. The bare loop: the loop alone, in a fresh interpreter, inputs already
in lists. numpy comes from PyPI into a private environment under build/; all are computed by that interpreter.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "build", "bench", "python")
VENV = os.path.join(WORK, "venv")
NODE_SECONDS = {}  # the fastest of each node, by its own clock

CODE = """
def scale(x, y):
    return x * 0.5 + y

def join(a, b):
    return a + "/" + b

@vectorized
def scale_column(x, y):
    return x * 0.5 + y
"""

BARE = """
import json, random, sys, time
rows, kind = int(sys.argv[1]), sys.argv[2]
exec(sys.argv[3].replace("@vectorized", ""))
if kind == "scale":
    first, second, function = [float(i % 1000) for i in range(rows)], [i * 0.25 for i in range(rows)], scale
else:
    first, second, function = ["name %d" % (i % 1000) for i in range(rows)], ["text %d" % i for i in range(rows)], join
out = []
start = time.perf_counter()
for one, two in zip(first, second):
    out.append(function(one, two))
print(time.perf_counter() - start)
"""


def say(words):
    print(words, file=sys.stderr, flush=True)


def one_core():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def make_environment():
    python = os.path.join(VENV, "bin", "python")
    if os.path.exists(python) and subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode == 0:
        return python
    say("installing numpy into %s" % os.path.relpath(VENV, ROOT))
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "numpy"], check=True)
    return python


def reader(name, columns):
    return {"type": "file_table", "r": {"urls": [os.path.join(WORK, name + ".csv")],
                                        "csv": {"hdr_line_idx": 0, "first_data_line_idx": 1},
                                        "columns": {c: {"csv": {"col_hdr": c}, "col_type": kind} for c, kind in columns.items()}},
            "w": {"name": name, "fields": {c: {"expression": "r." + c, "type": kind} for c, kind in columns.items()}}}


def formula(table, name, expression, kind):
    return {"type": "table_custom_tfm_table", "custom_proc_type": "py_calc", "start_policy": "manual", "r": {"table": table},
            "p": {"python_code_urls": [os.path.join(WORK, "code.py")],
                  "calculated_fields": {"z": {"expression": expression, "type": kind}}},
            "w": {"name": name, "fields": {"z": {"expression": "p.z", "type": kind}}}}


def plain(table, name, expression, kind):
    return {"type": "table_table", "start_policy": "manual", "r": {"table": table},
            "w": {"name": name, "fields": {"z": {"expression": expression, "type": kind}}}}


def make_data(rows, text_rows):
    with open(os.path.join(WORK, "code.py"), "w") as file:
        file.write(CODE)
    with open(os.path.join(WORK, "numbers.csv"), "w") as file:
        file.write("x,y\n")
        file.writelines("%d,%s\n" % (i % 1000, i * 0.25) for i in range(rows))
    with open(os.path.join(WORK, "texts.csv"), "w") as file:
        file.write("a,b\n")
        file.writelines("name %d,text %d\n" % (i % 1000, i) for i in range(text_rows))
    with open(os.path.join(WORK, "few.csv"), "w") as file:
        file.write("x,y\n" + "1,2\n" * 10)
    nodes = {
        "numbers": reader("numbers", {"x": "float", "y": "float"}),
        "texts": reader("texts", {"a": "string", "b": "string"}),
        "few": reader("few", {"x": "float", "y": "float"}),
        "by_row": formula("numbers", "t_by_row", "scale(r.x, r.y)", "float"),
        "by_column": formula("numbers", "t_by_column", "scale_column(r.x, r.y)", "float"),
        "no_python": plain("numbers", "t_no_python", "r.x * 0.5 + r.y", "float"),
        "joined": formula("texts", "t_joined", "join(r.a, r.b)", "string"),
        "few_rows": formula("few", "t_few", "scale(r.x, r.y)", "float"),
        "few_plain": plain("few", "t_few_plain", "r.x * 0.5 + r.y", "float"),
    }
    with open(os.path.join(WORK, "script.json"), "w") as file:
        json.dump({"nodes": nodes}, file)


def run(arguments, node, python, repeat=None):
    best = None
    for _ in range(repeat or arguments.repeat):
        start = time.monotonic()
        done = subprocess.run([arguments.binary, "run", os.path.join(WORK, "script.json"), "--keyspace", "bench", "--data",
                               os.path.join(WORK, "state"), "--threads", "1", "--start", node], stdin=subprocess.DEVNULL,
                              capture_output=True, preexec_fn=one_core,
                              env={**os.environ, "CAPI_PYCALC_INTERPRETER_PATH": python})
        seconds = time.monotonic() - start
        if done.returncode != 0:
            say(done.stderr.decode("utf-8", "replace"))
            sys.exit("error: node \"%s\" failed" % node)
        best = seconds if best is None else min(best, seconds)
        said = node_seconds(done.stderr.decode("utf-8", "replace"), node)
        NODE_SECONDS[node] = min(NODE_SECONDS.get(node, said), said)
    return best


def node_seconds(words, node):
    """What the run says the node took: with its worker's start and imports, without the program's."""
    found = re.search(r"^%s: done.* ([0-9.]+) s$" % node, words, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def bare(arguments, python, rows, kind):
    return min(float(subprocess.run([python, "-c", BARE, str(rows), kind, CODE], check=True, capture_output=True, text=True,
                                    preexec_fn=one_core).stdout) for _ in range(arguments.repeat))


def start_seconds(python, statement):
    best = 1e9
    for _ in range(10):
        start = time.monotonic()
        subprocess.run([python, "-c", statement], check=True, preexec_fn=one_core)
        best = min(best, time.monotonic() - start)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--binary", default=os.path.join(ROOT, "build", "release", "bin", "capillaries"))
    parser.add_argument("--repeat", type=int, default=2, help="runs of each job; the fastest counts")
    arguments = parser.parse_args()
    text_rows = arguments.rows * 2 // 5

    os.makedirs(WORK, exist_ok=True)
    python = make_environment()
    shutil.rmtree(os.path.join(WORK, "state"), ignore_errors=True)
    make_data(arguments.rows, text_rows)
    run(arguments, "numbers,texts,few", python, 1)
    by_row, by_column = run(arguments, "by_row", python), run(arguments, "by_column", python)
    no_python, joined = run(arguments, "no_python", python), run(arguments, "joined", python)
    few, few_plain = run(arguments, "few_rows", python, 10), run(arguments, "few_plain", python, 10)
    loop, text_loop = bare(arguments, python, arguments.rows, "scale"), bare(arguments, python, text_rows, "join")
    print("%-44s %8s %12s %14s %8s" % ("job", "s", "bare loop s", "more, us/row", "bar"))
    print("%-44s %8.2f %12.2f %14.3f %8s" % ("x*0.5+y by row, %d rows" % arguments.rows, by_row, loop,
                                             (by_row - loop) / arguments.rows * 1e6, "0.25"))
    print("%-44s %8.2f %12.2f %14.3f %8s" % ("two strings, %d rows" % text_rows, joined, text_loop,
                                             (joined - text_loop) / text_rows * 1e6, "0.5"))
    print("%-44s %8.2f %12s %14s" % ("x*0.5+y without Python", no_python, "-", "-"))
    print("%-44s %8.2f" % ("x*0.5+y vectorised, numpy", by_column))
    # What is left when reading, writing and the import of numpy, which are the same however the formula runs, are taken off.
    import_seconds = start_seconds(python, "import numpy") - start_seconds(python, "pass")
    alone = max(by_column - no_python - import_seconds, 1e-3)
    print("%-44s %8.3f   %.0fx the speed by row (bar: 20x); the import of numpy takes %.3f s" % (
        "  the formula alone", alone, (by_row - no_python) / alone, import_seconds))
    print("%-44s by row %.2f, vectorised %.2f (import of numpy included), without Python %.2f" % (
        "  by the clock of the node, s", NODE_SECONDS["by_row"], NODE_SECONDS["by_column"], NODE_SECONDS["no_python"]))
    print("%-44s %8.3f   without Python %.3f s (bar: 0.150)" % ("10 rows, whole process", few, few_plain))
    shutil.rmtree(os.path.join(WORK, "state"), ignore_errors=True)


if __name__ == "__main__":
    main()
