#!/usr/bin/env python3
"""A start is killed at each of its steps: every call with which it changes files, the state's, its log's, its locks.

After each kill there is a whole run or none, "runs" says which, and the data folder is as good as before: the run that is there is
carried on to its end, another one is started, "gc" removes both, and nothing is left. Beside a daemon, which sees the folder while
it changes, the same.

By default every few steps are taken, which ones is chosen by CAPI_SEED; with CAPI_KILLS=200 or more, all."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

TEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, TEST)
import kill_at
from harness import BINARY, Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, script, test

KILLS = int(os.environ.get("CAPI_KILLS", "20"))
SEED = int(os.environ.get("CAPI_SEED", str(int(time.time()))))
NO_LEAKS = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # that looks at threads as a debugger does, and finds one there
KILLED = 128 + signal.SIGKILL
ROWS = b"id,x\n1,a\n2,b\n3,c\n"


def pipeline(box):
    source = box.write("in.csv", ROWS)
    return box.write("s.json", script(
        read=csv_reader([source, source], {"id": "int", "x": "string"}, "things"),
        sort=csv_writer("things", {"id": "int", "x": "string"}, box.path("out", "sorted.csv"),
                        top={"order": "id,x", "limit": 10}),
        write=csv_writer("things", {"id": "int", "x": "string"}, box.path("out", "o{batch_idx|string}.csv"), batches=3)))


NODES = [("read", 2), ("sort", 1), ("write", 3)]
SORTED = b"id,x\r\n1,a\n1,a\n2,b\n2,b\n3,c\n3,c\n"


def place(box, state):
    return ["--data", box.path(state), "--keyspace", "ks"]


def killed_start(box, path, state, step):
    """The names of the steps it came to, and whether it was killed."""
    process = subprocess.run([sys.executable, os.path.join(TEST, "kill_at.py"), str(step), box.path("steps"), BINARY,
                              "start", path] + place(box, state), env=NO_LEAKS, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    check(process.returncode in (0, KILLED), "a traced start ended with %d: %s" % (process.returncode, process.stderr))
    return box.read("steps").decode().split("\n")[:-1], process.returncode == KILLED, process.stdout


def steps_of_start(box, path, state):
    if not kill_at.can_trace():
        raise Skip("programs cannot be traced here")
    steps, was_killed, said = killed_start(box, path, state, 0)
    check_equal((was_killed, said), (False, b"1\n"), "a start that is not killed")
    check(len(steps) > 50, "a start takes %d steps" % len(steps))
    return steps


def chosen(steps):
    """All, or every few and the last ones, where the run becomes visible."""
    if KILLS >= 200:
        return range(1, len(steps) + 1)
    stride = max(1, len(steps) // KILLS)
    first = random.Random(SEED).randrange(stride) + 1
    return sorted(set(range(first, len(steps) + 1, stride)) | set(range(len(steps) - 3, len(steps) + 1)))


def runs(box, state):
    """None: there is no store, or no keyspace, which both are said."""
    result = box.capi("runs", *place(box, state), "--output", "json")
    if result.code == 0:
        return json.loads(result.out)
    check_fails(result, 2 if b"no store" in result.err or b"keyspace" in result.err else -1)
    return None


def nodes(box, state, run):
    result = box.capi("nodes", *place(box, state), "--run", str(run), "--output", "json")
    check_equal(result.code, 0, str(result))
    return json.loads(result.out)


def check_whole(box, state, run, what):
    got = [(node["node"], node["batches"]) for node in nodes(box, state, run)]
    check_equal(sorted(got), NODES, "nodes of the run that %s left" % what)


def carry_on(box, path, state, found, what):
    """The run that is there ends well, and then another one does."""
    for run in found:
        check_equal(run["status"], "running", "the run that %s left" % what)
        check_whole(box, state, run["run_id"], what)
        check_fails(box.capi("start", path, *place(box, state)), 2, "written by run %d" % run["run_id"])
        result = box.capi("resume", "--run", str(run["run_id"]), *place(box, state))
        check_equal(result.code, 0, "resume after %s: %s" % (what, result))
        os.remove(box.path("out", "sorted.csv"))
    result = box.capi("run", path, *place(box, state))
    check_equal(result.code, 0, "the next run after %s: %s" % (what, result))
    check_equal(box.read("out", "sorted.csv"), SORTED, "what the next run writes")
    check_equal([run["status"] for run in runs(box, state)], ["complete"] * (1 + len(found)), "runs after %s" % what)


def check_nothing_left(box, state):
    result = box.capi("gc", "--runs-older-than", "0s", "--data", box.path(state))
    check_equal(result.code, 0, str(result))
    check_equal(runs(box, state), [], "runs after gc")
    left = [os.path.join(folder, name) for folder, _, names in os.walk(box.path(state, "tables")) for name in names]
    left += [name for name in os.listdir(box.path(state)) if name.startswith("temp")]
    check_equal(left, [], "what is left in the data folder")
    check_equal([name for name in box.out_files() if name.startswith(".")], [], "what is left beside the outputs")


@test
def a_start_that_makes_the_data_folder_is_killed_at_each_step(box):
    path = pipeline(box)
    steps = steps_of_start(box, path, "state0")
    seen = kills = 0
    for step in chosen(steps):
        what = "a start killed at step %d of %d, %s," % (step, len(steps), steps[step - 1])
        done, was_killed, said = killed_start(box, path, "state", step)
        kills += was_killed
        found = runs(box, "state") or []
        check(len(found) <= 1, "%s left %d runs" % (what, len(found)))
        check(found or not said, "%s said %s, and there is no run" % (what, said))
        seen += len(found)
        carry_on(box, path, "state", found, what)
        check_nothing_left(box, "state")
        shutil.rmtree(box.path("state"))
    check(kills > 5 and 0 < seen, "%d kills, %d runs" % (kills, seen))
    print("note: %d of %d steps, %d runs were there" % (kills, len(steps), seen))


@test
def a_start_beside_other_runs_is_killed_at_each_step(box):
    path = pipeline(box)
    state = "state"
    check_equal(box.capi("run", path, *place(box, state)).code, 0, "the first run")
    steps, _, _ = killed_start(box, path, state, 0)
    check_equal(box.capi("resume", "--run", "2", *place(box, state)).code, 0, "the second run")
    known, seen, kills = 2, 0, 0
    for step in chosen(steps):
        what = "a start killed at step %d of %d, %s," % (step, len(steps), steps[step - 1])
        kills += killed_start(box, path, state, step)[1]
        all_runs = runs(box, state)
        found = [run for run in all_runs if run["run_id"] > known]
        check_equal(len(all_runs), known + len(found), "runs after %s" % what)
        check(len(found) <= 1, "%s left %d runs" % (what, len(found)))
        for run in found:
            check_equal((run["run_id"], run["status"]), (known + 1, "running"), "the run that %s left" % what)
            check_whole(box, state, run["run_id"], what)
            check_fails(box.capi("start", path, *place(box, state)), 2, "written by run %d" % run["run_id"])
            check_equal(box.capi("resume", "--run", str(run["run_id"]), *place(box, state)).code, 0, "resume after " + what)
        seen += len(found)
        known += len(found)
    check(kills > 5 and 0 < seen, "%d kills, %d runs" % (kills, seen))
    check_equal([run["status"] for run in runs(box, state)], ["complete"] * known, "all runs")
    check_nothing_left(box, state)
    print("note: %d of %d steps, %d runs were there" % (kills, len(steps), seen))


def wait_for_ends(box, state, daemon):
    until = time.time() + 60
    while any(run["status"] == "running" for run in runs(box, state)):
        check(time.time() < until, "a run does not end: %s" % runs(box, state))
        check(daemon.poll() is None, "the daemon ended with %s" % daemon.returncode)


@test
def a_daemon_works_on_what_a_killed_start_has_left(box):
    path = pipeline(box)
    state = "state"
    steps = steps_of_start(box, path, state)
    daemon = subprocess.Popen([BINARY, "daemon", "--data", box.path(state), "--lease-ms", "1000"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_ends(box, state, daemon)
        for step in list(chosen(steps))[-12:]:
            killed_start(box, path, state, step)
            wait_for_ends(box, state, daemon)
        found = runs(box, state)
        check_equal([run["status"] for run in found], ["complete"] * len(found), "all runs")
        for run in found:
            check_whole(box, state, run["run_id"], "a killed start")
            check_equal({node["status"] for node in nodes(box, state, run["run_id"])}, {"success"}, "nodes")
        check_equal(box.read("out", "sorted.csv"), SORTED, "the output")
        daemon.send_signal(signal.SIGTERM)
        check(daemon.wait(30) in (0, 130), "the daemon ended with %s" % daemon.returncode)
    finally:
        daemon.kill()
        daemon.wait()


main()
