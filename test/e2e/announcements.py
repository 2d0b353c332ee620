#!/usr/bin/env python3
"""The file "wake", by which processes tell each other that there is work: rings that are lost, that come by the thousand, a file that
is removed, replaced, or cannot be. Runs go on all the same (I6), and rings change nothing (I4)."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, check, check_equal, csv_reader, csv_writer, main, script, test

ROWS, RUNS = 200, 5
COLUMNS = {"id": "int"}


def pipeline(box):
    box.write("in.csv", "id\n" + "".join("%d\n" % i for i in range(ROWS)))
    fields = {"id": {"expression": "r.id", "type": "int"}}
    return box.write("s.json", script(
        read=csv_reader([box.path("in.csv")] * 3, COLUMNS, "t0"),
        copy={"type": "table_table", "r": {"table": "t0", "expected_batches_total": 6}, "w": {"name": "t1", "fields": fields}},
        write=csv_writer("t1", COLUMNS, box.path("out", "{run_id|string}_{batch_idx|string}.csv"), batches=4)))


def place(box):
    return ["--data", box.path("state"), "--keyspace", "ks"]


def start(box, path):
    result = box.capi("start", path, *place(box))
    check_equal(result.code, 0, str(result))
    return int(result.out)


def runs(box):
    result = box.capi("runs", *place(box), "--output", "json")
    check_equal(result.code, 0, str(result))
    return json.loads(result.out)


def wait_for_ends(box, daemons):
    end = time.time() + 90
    while any(run["status"] == "running" for run in runs(box)):
        check(time.time() < end, "runs do not end: %s" % runs(box))
        check(all(daemon.poll() is None for daemon in daemons), "a daemon has ended")
        time.sleep(0.05)


def check_results(box, numbers):
    check_equal([run["status"] for run in runs(box)], ["complete"] * len(numbers), "runs")
    for number in numbers:
        content = b"".join(box.read("out", "%05d_%05d.csv" % (number, batch)).split(b"\n", 1)[1] for batch in range(4))
        check_equal(content, b"".join(b"%d\n" % i for i in range(ROWS)) * 3, "the files of run %d" % number)


class Daemons:
    def __init__(self, box, count):
        self.processes = [subprocess.Popen([BINARY, "daemon", "--data", box.path("state")], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(count)]

    def __enter__(self):
        return self.processes

    def __exit__(self, kind, *_):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(30) for process in self.processes]
        if kind is None:
            check(all(code in (0, 130) for code in codes), "daemons ended with %s" % codes)


class Meanwhile:
    """Does something again and again, in a thread."""

    def __init__(self, deed):
        self.deed, self.count, self.is_over = deed, 0, threading.Event()
        self.thread = threading.Thread(target=self.body)

    def body(self):
        while not self.is_over.is_set():
            try:
                self.deed()
                self.count += 1
            except OSError:
                pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


def work(box, path, deed=lambda: time.sleep(0.1)):
    with Daemons(box, 2) as daemons, Meanwhile(deed) as meanwhile:
        numbers = [start(box, path) for _ in range(RUNS)]
        wait_for_ends(box, daemons)
    check_results(box, numbers)
    return meanwhile.count


@test
def thousands_of_rings_change_nothing(box):
    path = pipeline(box)

    def ring():
        os.utime(box.path("state", "wake"))
        time.sleep(0.0002)

    check(work(box, path, ring) > 100, "there were not many rings")


@test
def a_wake_file_that_goes_and_comes_loses_rings_and_nothing_else(box):
    path = pipeline(box)

    def remove():
        time.sleep(0.01)
        os.remove(box.path("state", "wake"))

    check(work(box, path, remove) > 0, "the file was never removed")


@test
def without_a_wake_file_processes_look_from_time_to_time(box):
    path = pipeline(box)
    os.makedirs(box.path("state", "wake"))  # nobody can open a folder for writing
    work(box, path)
    check(os.path.isdir(box.path("state", "wake")), "the folder has gone")


@test
def a_wake_file_that_leads_elsewhere_is_not_followed(box):
    path = pipeline(box)
    os.makedirs(box.path("state"), mode=0o700)
    box.write("precious", "content")
    os.utime(box.path("precious"), (1, 1))
    os.symlink(box.path("precious"), box.path("state", "wake"))
    work(box, path)
    check_equal(os.stat(box.path("precious")).st_mtime, 1, "the time of the file behind the link")


main()
