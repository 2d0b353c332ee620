#!/usr/bin/env python3
"""gc beside everything else: daemons work, runs are started and stopped, runs read tables of earlier runs, and all the time "gc"
removes whatever is over. It must never take what somebody reads, or will; what it has taken is gone from the listings, and in
the end nothing is left that nobody knows.

CAPI_KILLS says how many runs are started (default 20), CAPI_SEED repeats a choice."""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, check, check_equal, csv_reader, csv_writer, main, script, test

RUNS = max(12, int(os.environ.get("CAPI_KILLS", "20")))
SEED = int(os.environ.get("CAPI_SEED", str(int(time.time()))))
ROWS = 3000
NO_TABLE = "no run in this keyspace, this one included, executes node"


def pipeline(box):
    box.write("in.csv", "id,x\n" + "".join("%d,x%d\n" % (i, i % 7) for i in range(ROWS)))
    columns = {"id": "int", "x": "string"}
    fields = {name: {"expression": "r." + name, "type": kind} for name, kind in columns.items()}
    return box.write("s.json", script(
        read=csv_reader([box.path("in.csv")] * 2, columns, "things"),
        copy={"type": "table_table", "start_policy": "manual", "r": {"table": "things", "expected_batches_total": 10},
              "w": {"name": "copies", "fields": fields}},
        write=csv_writer("copies", columns, box.path("out", "{run_id|string}.csv"), top={"order": "id,x"})))


EXPECTED = b"id,x\r\n" + b"".join(b"%d,x%d\n" % (i, i % 7) * 2 for i in range(ROWS))


class Shop:
    def __init__(self, box):
        self.box, self.path, self.failures = box, pipeline(box), []
        self.place = ["--data", box.path("state"), "--keyspace", "ks"]

    def capi(self, *arguments):
        result = self.box.capi(*arguments)
        check("Sanitizer" not in result.err.decode("utf-8", "replace"), str(result))
        return result

    def start(self, *arguments):
        result = self.capi("start", self.path, *self.place, *arguments)
        check_equal(result.code, 0, str(result))
        return int(result.out)

    def listing(self, command, *arguments):
        result = self.capi(command, *self.place, "--output", "json", *arguments)
        return json.loads(result.out) if result.code == 0 else None

    def run(self, number):
        result = self.capi("runs", *self.place, "--output", "json")
        check_equal(result.code, 0, str(result))
        return next((run for run in json.loads(result.out) if run["run_id"] == number), None)

    def wait(self, number):
        """The run as it ended, with its nodes; None if gc has been faster."""
        end = time.time() + 120
        while True:
            run = self.run(number)
            nodes = self.listing("nodes", "--run", str(number))
            if run is None or nodes is None:
                return None
            if run["status"] != "running":
                return {node["node"]: (node["status"], node["comment"]) for node in nodes}
            check(time.time() < end, "run %d does not end: %s" % (number, nodes))
            time.sleep(0.05)

    def guarded(self, function, *arguments):
        """A thread whose failure is not lost."""
        def body():
            try:
                function(*arguments)
            except Exception as error:
                self.failures.append(error)
        thread = threading.Thread(target=body)
        thread.start()
        return thread

    def raise_failures(self):
        if self.failures:
            raise self.failures[0]


def daemon(box):
    return subprocess.Popen([BINARY, "daemon", "--data", box.path("state"), "--lease-ms", "2000"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check_reader(shop, number, nodes, counts):
    """A run at "copy": it has copied a table, whole; or there was none any more when it began."""
    if nodes["copy"][0] == "success":
        check_equal(nodes["write"][0], "success", "node write of run %d" % number)
        check_equal(shop.box.read("out", "%05d.csv" % number), EXPECTED, "the file of run %d" % number)
        counts["read"] += 1
    else:
        check_equal(nodes["copy"][0], "failed", "node copy of run %d" % number)
        check(NO_TABLE in nodes["copy"][1], "run %d failed for another reason than that gc came first: %s" % (number, nodes))
        counts["came too late"] += 1


def known_folders(box):
    """Folders of tables by run: what is there, and gc finds nothing in it that is not known."""
    folders = []
    for keyspace in os.listdir(box.path("state", "tables")):
        folders += os.listdir(box.path("state", "tables", keyspace))
    return folders


@test
def gc_beside_runs_takes_nothing_that_is_read(box):
    dice = random.Random(SEED)
    shop = Shop(box)
    counts = {"read": 0, "came too late": 0, "removed": 0, "stopped": 0}
    is_over = threading.Event()
    quiet = [threading.Lock(), threading.Lock()]

    def collect(lock):
        while not is_over.is_set():
            with lock:
                result = shop.capi("gc", "--runs-older-than", "0s", "--data", box.path("state"))
            if not (result.code == 2 and b"no store" in result.err):
                check_equal(result.code, 0, "gc: %s" % result)
                counts["removed"] += result.out.count(b"removed run")

    daemons = [daemon(box), daemon(box)]
    def start_both():
        shop.start()
        if dice.random() < 0.4:
            time.sleep(dice.uniform(0, 0.3))
        return shop.start("--start", "copy")

    collectors = [shop.guarded(collect, lock) for lock in quiet]
    try:
        for _ in range(RUNS):
            is_in_time = dice.random() < 0.5
            if is_in_time:  # once the second run is there, gc must leave it what it reads
                with quiet[0], quiet[1]:
                    reader = start_both()
            else:
                reader = start_both()
            if dice.random() < 0.2:
                shop.capi("stop", *shop.place, "--run", str(reader))
                counts["stopped"] += 1
                continue
            nodes = shop.wait(reader)
            if nodes:
                check_reader(shop, reader, nodes, counts)
                check(not is_in_time or nodes["copy"][0] == "success", "gc has taken what run %d would read: %s" % (reader, nodes))
            elif os.path.exists(box.path("out", "%05d.csv" % reader)):
                check_equal(box.read("out", "%05d.csv" % reader), EXPECTED, "the file of run %d" % reader)
                counts["read"] += 1
            else:
                check(not is_in_time, "gc has taken what run %d would read" % reader)
                counts["came too late"] += 1
            shop.raise_failures()
        end = time.time() + 120
        while any(run["status"] == "running" for run in shop.listing("runs")):
            check(time.time() < end, "a run does not end: %s" % shop.listing("runs"))
    finally:
        is_over.set()
        for thread in collectors:
            thread.join()
        for process in daemons:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(60) for process in daemons]
    shop.raise_failures()
    check(all(code in (0, 130) for code in codes), "daemons ended with %s" % codes)
    check(counts["read"] > 0, "no run has read a table: %s" % counts)
    check_equal(shop.capi("gc", "--runs-older-than", "0s", "--data", box.path("state")).code, 0)
    check_equal(shop.listing("runs"), [], "runs after the last gc")
    check_equal(known_folders(box), [], "folders of tables after the last gc")
    print("note: seed %d, %s" % (SEED, counts))


@test
def gc_beside_drops_of_the_keyspace(box):
    shop = Shop(box)
    is_over = threading.Event()

    def collect():
        while not is_over.is_set():
            result = shop.capi("gc", "--runs-older-than", "0s", "--data", box.path("state"))
            check(result.code == 0 or b"no store" in result.err, "gc: %s" % result)

    collectors = [shop.guarded(collect), shop.guarded(collect)]
    try:
        for _ in range(RUNS // 2):
            result = shop.capi("run", shop.path, *shop.place)
            check_equal(result.code, 0, "a run: %s" % result)
            result = shop.capi("drop", *shop.place)
            check_equal(result.code, 0, "drop: %s" % result)
            shop.raise_failures()
    finally:
        is_over.set()
        for thread in collectors:
            thread.join()
    shop.raise_failures()
    check_equal(shop.capi("gc", "--data", box.path("state")).code, 0)
    check_equal(os.listdir(box.path("state", "tables")), [], "folders of keyspaces")


@test
def a_live_reader_keeps_the_tables_of_an_old_run(box):
    """Nobody works: the run that will read stays open for as long as we like."""
    shop = Shop(box)
    check_equal(shop.capi("run", shop.path, *shop.place).code, 0)
    reader = shop.start("--start", "copy")
    for _ in range(3):
        result = shop.capi("gc", "--runs-older-than", "0s", "--data", box.path("state"))
        check(result.code == 0 and b"run 1 stays: run 2 goes on and may read its tables" in result.err, str(result))
    check_equal(shop.capi("resume", "--run", str(reader), *shop.place).code, 0)
    check_equal(box.read("out", "00002.csv"), EXPECTED)
    check_equal(shop.capi("gc", "--runs-older-than", "0s", "--data", box.path("state")).code, 0)
    check_equal(shop.listing("runs"), [])
    check_equal(known_folders(box), [])


@test
def gc_that_is_killed_is_finished_by_the_next(box):
    dice = random.Random(SEED)
    shop = Shop(box)
    for i in range(RUNS // 3):
        for _ in range(4):
            check_equal(shop.capi("run", shop.path, *shop.place).code, 0)
        began = time.time()
        process = subprocess.Popen([BINARY, "gc", "--runs-older-than", "0s", "--data", box.path("state")], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0, 0.1))
        process.kill()
        process.wait()
        # What is listed can be read, what is not is gone.
        for run in shop.listing("runs"):
            result = shop.capi("table", "export", "things", "--run", str(run["run_id"]), *shop.place)
            check_equal(result.code, 0, "table of run %d after gc was killed: %s" % (run["run_id"], result))
            check_equal(result.out.count(b"\n"), 2 * ROWS + 1, "its lines")
        result = shop.capi("gc", "--runs-older-than", "0s", "--data", box.path("state"))
        check_equal(result.code, 0, str(result))
        check_equal((shop.listing("runs"), known_folders(box)), ([], []), "after the next gc")


main()
