#!/usr/bin/env python3
"""A disk that is full while a run works: everybody is told, nothing is lost, and with room the run goes on by itself."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, mount_small, script, test

ROWS = 100000
COLUMNS = {"id": "int", "name": "string"}


def copy_script(box, target):
    box.write("in.csv", "id,name\n" + "".join("%d,number %d of the rows\n" % (i, i) for i in range(ROWS)))
    return box.write("s.json", script(read=csv_reader([box.path("in.csv")], COLUMNS, "things"), write=csv_writer("things", COLUMNS, target)))


def until(condition, what, seconds=60):
    end = time.time() + seconds
    while not condition():
        check(time.time() < end, what())
        time.sleep(0.1)


def listed(box, *command):
    result = box.capi(*command, "--keyspace", "test", "--data", box.path("state"), "--output", "json")
    return json.loads(result.out) if result.code == 0 else []


def begin_run(box, path):
    """What it says goes to run.txt."""
    with open(box.path("run.txt"), "wb") as said:
        return subprocess.Popen([BINARY, "run", path, "--keyspace", "test", "--data", box.path("state")], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=said)


@test
def a_full_disk_of_the_target_is_told_everywhere_and_waited_for(box):
    if not mount_small(box.path("out"), 1024):
        raise Skip("cannot mount a small file system")
    try:
        path = copy_script(box, box.path("out", "o.csv"))
        run = begin_run(box, path)
        words = "No space left on device"

        def has_said():
            return all(any(words in row["comment"] for row in listed(box, *command)) for command in (["nodes"], ["batches", "--node", "write"]))

        until(has_said, lambda: "neither nodes nor batches tell: %s" % listed(box, "nodes"))
        until(lambda: words in box.read("run.txt").decode(), lambda: "the run does not tell: %s" % box.read("run.txt"))
        check_equal([row["status"] for row in listed(box, "nodes")], ["success", "running"])
        check_equal(run.poll(), None)
        subprocess.run(["mount", "-o", "remount,size=20m", box.path("out")], check=True)
        check_equal(run.wait(timeout=60), 0)
        check_equal(len(box.read("out", "o.csv").splitlines()), ROWS + 1)
        check_equal(box.out_files(), ["o.csv"])
        nodes = listed(box, "nodes")
        check_equal([(row["status"], row["rows"]) for row in nodes], [("success", ROWS), ("success", ROWS)])
        check(not any(words in row["comment"] for row in nodes), "the trouble is over: %s" % nodes)
    finally:
        subprocess.run(["umount", box.path("out")])


@test
def a_full_disk_of_the_data_folder_is_told_and_waited_for(box):
    if not mount_small(box.path("state"), 1536):
        raise Skip("cannot mount a small file system")
    try:
        path = copy_script(box, box.path("out", "o.csv"))
        run = begin_run(box, path)
        until(lambda: b"No space left on device" in box.read("run.txt"), lambda: "the run does not tell: %s" % box.read("run.txt"))
        for command in (["nodes"], ["batches", "--node", "read"]):
            listing = box.capi(*command, "--keyspace", "test", "--data", box.path("state"), "--output", "json")
            check_equal(listing.code, 0, str(listing))
            check(b"No space left on device" in listing.out + listing.err, "%s: %s" % (command, listing))
        check_equal(run.poll(), None)
        subprocess.run(["mount", "-o", "remount,size=40m", box.path("state")], check=True)
        check_equal(run.wait(timeout=60), 0)
        check_equal(len(box.read("out", "o.csv").splitlines()), ROWS + 1)
    finally:
        subprocess.run(["umount", box.path("state")])


@test
def how_long_a_full_disk_is_waited_for_can_be_told(box):
    if not mount_small(box.path("out"), 1024):
        raise Skip("cannot mount a small file system")
    try:
        path = copy_script(box, box.path("out", "o.csv"))
        began = time.time()
        result = box.run(path, "--patience-ms", "500")
        check_fails(result, 1, "No space left on device", "o.csv")
        check(time.time() - began < 25, "it took %.0f s, which is nearly as long as without the option" % (time.time() - began))
        check_equal([row["status"] for row in listed(box, "nodes")], ["success", "failed"])
        check_equal(box.out_files(), [])
    finally:
        subprocess.run(["umount", box.path("out")])


@test
def who_has_room_goes_on_while_others_wait_for_it(box):
    """A daemon with two runs, one of which writes to a full disk: no batch of either fails."""
    if not mount_small(box.path("out"), 1024):
        raise Skip("cannot mount a small file system")
    env = dict(os.environ, CAPI_PATIENCE="3600000")
    os.mkdir(box.path("roomy"))
    daemon = None
    try:
        copy_script(box, box.path("out", "o.csv"))
        fields = {name: kind for name, kind in COLUMNS.items()}
        read = csv_reader([box.path("in.csv")], COLUMNS, "things")
        paths = [box.write(name + ".json", script(read=read, write=csv_writer("things", fields, box.path(name, "{batch_idx|string}.csv"),
                                                                              batches=2))) for name in ("out", "roomy")]
        for number, path in enumerate(paths):
            check_equal(box.capi("start", path, "--keyspace", "test", "--data", box.path("state")).out, b"%d\n" % (number + 1))
        daemon = subprocess.Popen([BINARY, "daemon", "--data", box.path("state")], stdin=subprocess.DEVNULL, env=env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        words = "No space left on device"
        until(lambda: any(words in row["comment"] for row in listed(box, "nodes", "--run", "1")), lambda: "run 1 does not tell")
        until(lambda: [row["status"] for row in listed(box, "nodes", "--run", "2")] == ["success", "success"],
              lambda: "run 2 does not end: %s" % listed(box, "nodes", "--run", "2"))
        check_equal([row["status"] for row in listed(box, "nodes", "--run", "1")], ["success", "running"])
        subprocess.run(["mount", "-o", "remount,size=20m", box.path("out")], check=True)
        until(lambda: [row["status"] for row in listed(box, "nodes", "--run", "1")] == ["success", "success"],
              lambda: "run 1 does not end: %s" % listed(box, "nodes", "--run", "1"))
        for name in box.out_files():
            check_equal(box.read("out", name), box.read("roomy", name), name)
        check_equal(box.out_files(), sorted(os.listdir(box.path("roomy"))))
    finally:
        if daemon:
            daemon.kill()
            daemon.wait()
        subprocess.run(["umount", box.path("out")])


@test
def who_looks_at_a_full_data_folder_is_told(box):
    if not mount_small(box.path("state"), 4096):
        raise Skip("cannot mount a small file system")
    try:
        path = box.write("s.json", script(read=csv_reader([box.write("in.csv", "id,name\n1,a\n")], COLUMNS, "things")))
        box.run_well(path)
        with open(box.path("state", "ballast"), "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"0" * 4096)
            except OSError:
                pass
        for command in (["nodes", "--keyspace", "test"], ["batches", "--keyspace", "test", "--node", "read"], ["runs"]):
            listing = box.capi(*command, "--data", box.path("state"))
            check(listing.code in (0, 1), str(listing))  # SQLite may need a page for those who only read, too
            check(b"No space left on device" in listing.err and box.path("state").encode() in listing.err, "%s: %s" % (command, listing))
        doctor = box.capi("doctor", "--data", box.path("state"))
        check(doctor.code == 1 and b"No space left on device" in doctor.out, str(doctor))
    finally:
        subprocess.run(["umount", box.path("state")])


main()
