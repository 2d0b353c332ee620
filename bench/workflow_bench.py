#!/usr/bin/env python3
"""What running costs besides the work: empty batches, histories, an idle daemon, news, and a dead process.

    bench/workflow_bench.py --binary build/release/bin/capillaries [--batches 100000]

Each figure stands beside its bar; fsync is what the disk itself takes for one."""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time


def script(folder, batches):
    reader = {"type": "file_table", "r": {"urls": [folder + "/in.csv"], "csv": {"hdr_line_idx": 0, "first_data_line_idx": 1},
                                         "columns": {"c": {"csv": {"col_hdr": "id"}, "col_type": "int"}}},
              "w": {"name": "t", "fields": {"id": {"expression": "r.c", "type": "int"}}}}
    nodes = {"read": reader}
    if batches:
        nodes["many"] = {"type": "table_table", "r": {"table": "t", "expected_batches_total": batches},
                         "w": {"name": "u", "fields": {"id": {"expression": "r.id", "type": "int"}}}}
    return {"nodes": nodes}


def slow_script(folder):
    """One batch that takes a second, by a formula."""
    found = script(folder, 0)
    found["nodes"]["slow"] = {"type": "table_custom_tfm_table", "custom_proc_type": "py_calc", "r": {"table": "t"},
                              "p": {"python_code_urls": [folder + "/slow.py"],
                                    "calculated_fields": {"x": {"expression": "slow(r.id)", "type": "int"}}},
                              "w": {"name": "s", "fields": {"x": {"expression": "p.x", "type": "int"}}}}
    return found


class Bench:
    def __init__(self, binary, folder):
        self.binary, self.folder = os.path.abspath(binary), folder
        with open(folder + "/in.csv", "w", encoding="utf-8") as file:
            file.write("id\n1\n")
        with open(folder + "/slow.py", "w", encoding="utf-8") as file:
            file.write("import time\n\ndef slow(a):\n    time.sleep(60)\n    return a\n")

    def write(self, name, content):
        with open("%s/%s.json" % (self.folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file)
        return "%s/%s.json" % (self.folder, name)

    def capi(self, *words, data="state"):
        done = subprocess.run([self.binary, *words, "--data", self.folder + "/" + data], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            sys.exit("%s: %s" % (" ".join(words), done.stderr.decode()))
        return done.stdout.decode()

    def daemon(self, data, lease_ms=10000):
        log = open("%s/%s.log" % (self.folder, data), "ab")
        return subprocess.Popen([self.binary, "daemon", "--data", self.folder + "/" + data, "--lease-ms", str(lease_ms)],
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def lines(self, data, words):
        with open("%s/%s.log" % (self.folder, data), encoding="utf-8") as file:
            return sum(words in line for line in file)


def show(what, value, unit, bar):
    print("%-62s %10.3f %-6s %s" % (what, value, unit, bar))


def fsync_ms(folder):
    times = []
    with open(folder + "/fsync", "wb") as file:
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            begin = time.monotonic()
            os.fsync(file.fileno())
            times.append((time.monotonic() - begin) * 1000)
    return statistics.median(times)


def empty_batches(bench, count):
    path = bench.write("many", script(bench.folder, count))
    begin = time.monotonic()
    bench.capi("run", path, "--keyspace", "k")
    show("an empty batch, of %d in one node" % count, (time.monotonic() - begin) * 1000 / count, "ms", "under 2")
    for words in (["runs"], ["nodes", "--run", "1"], ["batches", "--run", "1", "--node", "many"]):
        begin = time.monotonic()
        bench.capi(*words, "--keyspace", "k", "--output", "csv")
        show("%s, then" % words[0], time.monotonic() - begin, "s", "under 1")


def processor_seconds(process):
    with open("/proc/%d/stat" % process.pid, encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_daemon(bench):
    daemon = bench.daemon("idle")
    time.sleep(2)
    begin = processor_seconds(daemon)
    time.sleep(10)
    show("an idle daemon, of one core", (processor_seconds(daemon) - begin) * 10, "%", "under 1")
    path, times = bench.write("one", script(bench.folder, 0)), []
    for i in range(10):
        bench.capi("start", path, "--keyspace", "k", data="idle")
        begin = time.monotonic()
        while bench.lines("idle", '"batch ok"') <= i:
            time.sleep(0.0002)
        times.append((time.monotonic() - begin) * 1000)
        time.sleep(0.3)
    show("from the end of start to the first batch of an idle daemon", statistics.median(times), "ms", "")
    daemon.terminate()
    daemon.wait()


def takeover(bench):
    path = bench.write("slow", slow_script(bench.folder))
    bench.capi("start", path, "--keyspace", "k", data="dead")
    first = bench.daemon("dead", 1000)
    state = bench.folder + "/dead"

    def running():
        rows = json.loads(bench.capi("batches", "--keyspace", "k", "--run", "1", "--node", "slow", "--output", "json", data="dead"))
        return rows[0]["status"] == "running"

    while not os.path.exists(state) or not running():
        time.sleep(0.02)
    second = bench.daemon("dead", 1000)
    time.sleep(3)
    first.send_signal(signal.SIGKILL)
    begin = time.monotonic()
    while not bench.lines("dead", "took over the work of a dead process"):
        time.sleep(0.005)
    show("until the work of a killed daemon is taken over (lease 1 s)", time.monotonic() - begin, "s", "at most 2")
    first.wait()
    second.send_signal(signal.SIGKILL)
    second.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--batches", type=int, default=100000)
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="capi_bench_")
    try:
        bench = Bench(arguments.binary, folder)
        show("an fsync of 4 KiB on this disk", fsync_ms(folder), "ms", "")
        empty_batches(bench, arguments.batches)
        idle_daemon(bench)
        takeover(bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
