#!/usr/bin/env python3
"""Real processes are killed at random moments; the results are those of a run in which nothing happened.

CAPI_KILLS says how often a daemon is killed (default 20), CAPI_SEED repeats a choice of moments."""
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, ROOT, Skip, check, check_equal, csv_reader, csv_writer, main, script, test

KILLS = int(os.environ.get("CAPI_KILLS", "20"))
SEED = int(os.environ.get("CAPI_SEED", str(int(time.time()))))
LEASE_MS = 1000
TABLES = ("sales", "shops", "joined", "sold", "totals")
FILES, BATCHES = 12, 300


# ---- the pipeline: files, a lookup, a distinct table, groups, many batches, files ----

def write_inputs(box):
    dice = random.Random(11)
    urls = []
    for file in range(FILES):
        lines = ["id,shop,amount"]
        for i in range(2000):
            lines.append("%d,shop %d,%d.%02d" % (file * 2000 + i, dice.randrange(300), dice.randrange(1000), i % 100))
        urls.append(box.write("sales%d.csv" % file, "\n".join(lines) + "\n"))
    lines = ["shop,name"] + ["shop %d,\"name, %d\"" % (i % 280, i) for i in range(400)]
    return urls, box.write("shops.csv", "\n".join(lines) + "\n")


def pipeline(box, inputs, out):
    urls, shops = inputs
    joined = {"id": "int", "shop": "string", "amount": "decimal2", "name": "string"}
    os.makedirs(box.path(out), exist_ok=True)
    return box.write(out + ".json", script(
        read_sales=csv_reader(urls, {"id": "int", "shop": "string", "amount": "decimal2"}, "sales",
                              {"idx_sales_shop": "non_unique(shop)"}),
        read_shops=csv_reader([shops], {"shop": "string", "name": "string"}, "shops",
                              {"idx_shops_shop": "non_unique(shop)"}),
        join={"type": "table_lookup_table", "r": {"table": "sales", "expected_batches_total": BATCHES},
              "l": {"index_name": "idx_shops_shop", "join_on": "r.shop", "join_type": "left"},
              "w": {"name": "joined", "fields": {
                  "id": {"expression": "r.id", "type": "int"},
                  "shop": {"expression": "r.shop", "type": "string"},
                  "amount": {"expression": "r.amount", "type": "decimal2"},
                  "name": {"expression": "l.name", "type": "string", "default_value": "nobody"}}}},
        distinct={"type": "distinct_table", "rerun_policy": "fail",
                  "r": {"table": "sales", "expected_batches_total": BATCHES},
                  "w": {"name": "sold", "fields": {"shop": {"expression": "r.shop", "type": "string"}},
                        "indexes": {"idx_sold": "unique(shop)"}}},
        group={"type": "table_lookup_table", "r": {"table": "sold", "expected_batches_total": BATCHES},
               "l": {"index_name": "idx_sales_shop", "join_on": "r.shop", "join_type": "inner", "group": True},
               "w": {"name": "totals", "fields": {
                   "shop": {"expression": "r.shop", "type": "string"},
                   "n": {"expression": "count()", "type": "int"},
                   "total": {"expression": "sum(l.amount)", "type": "decimal2"}}}},
        write_joined=csv_writer("joined", joined, box.path(out, "joined_{batch_idx|string}.csv"), batches=BATCHES),
        write_totals=csv_writer("totals", {"shop": "string", "n": "int", "total": "decimal2"},
                                box.path(out, "totals_{batch_idx|string}.csv"), batches=BATCHES),
        write_top=csv_writer("joined", joined, box.path(out, "top.csv"),
                             top={"order": "amount(desc),id,name", "limit": 300})))


def results(box, state, keyspace, out):
    content = {table: box.table(table, state, keyspace) for table in TABLES}
    for name in sorted(os.listdir(box.path(out))):
        content[name] = box.read(out, name)
    return content


def undisturbed(box, inputs):
    result = box.capi("run", pipeline(box, inputs, "calm_out"), "--data", box.path("calm"), "--keyspace", "calm")
    check_equal(result.code, 0, "the undisturbed run: %s" % result)
    return results(box, "calm", "calm", "calm_out")


def check_same(got, expected, what):
    check_equal(sorted(got), sorted(expected), "%s: names of tables and files" % what)
    for name in expected:
        check_equal(got[name], expected[name], "%s: %s" % (what, name))


# ---- processes ----

class Daemons:
    """Some daemons on one data folder, each with a log of its own."""

    def __init__(self, box, count):
        self.box, self.kills, self.takeovers = box, 0, []
        self.processes = [self.begin() for _ in range(count)]

    def begin(self):
        log = open(self.box.path("daemon.log"), "ab")
        process = subprocess.Popen([BINARY, "daemon", "--data", self.box.path("state"), "--lease-ms", str(LEASE_MS)],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.box.folder)
        log.close()
        return process

    def kill(self, number):
        self.processes[number].kill()
        self.processes[number].wait()
        self.kills += 1
        self.processes[number] = self.begin()

    def check_alive(self):
        for process in self.processes:
            check(process.poll() is None, "a daemon ended by itself with %s:\n%s" % (
                process.returncode, self.box.read("daemon.log")[-3000:].decode("utf-8", "replace")))

    def end(self):
        """SIGTERM; all must end well, soon."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(30) for process in self.processes]
        check(all(code in (0, 130) for code in codes), "daemons ended with %s" % codes)

    def abandon(self):
        for process in self.processes:
            process.kill()
            process.wait()


def start(box, path, keyspace):
    result = box.capi("start", path, "--data", box.path("state"), "--keyspace", keyspace)
    check_equal(result.code, 0, str(result))
    return int(result.out)


def listing(box, command, keyspace, *arguments):
    result = box.capi(command, "--data", box.path("state"), "--keyspace", keyspace, "--output", "json", *arguments)
    check_equal(result.code, 0, str(result))
    return json.loads(result.out)


def has_ended(box, keyspace):
    return all(run["status"] != "running" for run in listing(box, "runs", keyspace))


def wait_for_end(box, keyspace, meanwhile, timeout=120):
    until = time.time() + timeout
    while not has_ended(box, keyspace):
        check(time.time() < until, "the run does not end: %s" % listing(box, "nodes", keyspace, "--run", "1"))
        meanwhile()


def check_success(box, keyspace, run="1"):
    for node in listing(box, "nodes", keyspace, "--run", run):
        check_equal(node["status"], "success", "node %s" % node)


def deaths(box):
    with sqlite3.connect(box.path("state", "state.db")) as state:
        return state.execute("SELECT sum(deaths) FROM batch").fetchone()[0]


# ---- daemons ----

@test
def killed_daemons_change_nothing(box):
    dice = random.Random(SEED)
    inputs = write_inputs(box)
    expected = undisturbed(box, inputs)
    daemons = Daemons(box, 3)
    rounds = 0

    def kill_one():
        # Often long enough for a takeover, sometimes in the middle of one.
        time.sleep(dice.uniform(0.7, 1.6) if dice.random() < 0.5 else dice.uniform(0.02, 0.4))
        daemons.check_alive()
        daemons.kill(dice.randrange(3))

    try:
        while daemons.kills < KILLS:
            rounds += 1
            keyspace = out = "round%d" % rounds
            start(box, pipeline(box, inputs, out), keyspace)
            wait_for_end(box, keyspace, kill_one)
            check_success(box, keyspace)
            check_same(results(box, "state", keyspace, out), expected, "seed %d, round %d" % (SEED, rounds))
        daemons.end()
    finally:
        daemons.abandon()
    print("note: %d kills, %d rounds, %d batches whose process died" % (daemons.kills, rounds, deaths(box)))


@test
def work_of_a_dead_daemon_is_taken_over_within_two_leases(box):
    """The only daemon dies with claims; another has been there for a while."""
    inputs = write_inputs(box)
    measured = []
    for attempt in range(5):
        keyspace = out = "k%d" % attempt
        daemons = Daemons(box, 2)
        try:
            time.sleep(0.5)
            path = pipeline(box, inputs, out)
            start(box, path, keyspace)
            for _ in range(200):
                if any(node["status"] != "none" for node in listing(box, "nodes", keyspace, "--run", "1")):
                    break
            claimed = None
            daemons.processes[0].kill()
            began = time.time()
            for _ in range(2000):
                running = [node["name" if "name" in node else "node"] for node in listing(box, "nodes", keyspace, "--run", "1")
                           if node["status"] == "running"]
                if has_ended(box, keyspace):
                    break
                claimed = running
            measured.append(time.time() - began)
            check_success(box, keyspace)
            check(claimed is not None or measured[-1] < 1, "nothing ran")
        finally:
            daemons.abandon()
    # The rest of the run is included, and so is a slow machine.
    check(max(measured) < 2 * LEASE_MS / 1000 + 8, "the runs went on for %s s after the kill" % measured)
    print("note: runs ended %s s after a kill" % ", ".join("%.1f" % seconds for seconds in measured))


@test
def a_daemon_that_is_told_to_end_leaves_nothing_to_wait_for(box):
    """Claims are given back: with a lease of an hour, the next daemon goes on at once."""
    inputs = write_inputs(box)
    expected = undisturbed(box, inputs)
    start(box, pipeline(box, inputs, "out1"), "ks")
    command = [BINARY, "daemon", "--data", box.path("state"), "--lease-ms", "3600000"]
    dice = random.Random(SEED)
    until = time.time() + 100
    while not has_ended(box, "ks"):
        check(time.time() < until, "the run does not end")
        with open(box.path("daemon.log"), "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=box.folder)
        time.sleep(dice.uniform(0.3, 0.9))
        process.send_signal(signal.SIGTERM)
        # -SIGTERM: on a slow machine it had not begun yet.
        check(process.wait(30) in (0, 130, -signal.SIGTERM), "the daemon ended with %s" % process.returncode)
    check_success(box, "ks")
    check_same(results(box, "state", "ks", "out1"), expected, "ended daemons")


# ---- one process ----

@test
def a_killed_start_leaves_a_whole_run_or_none(box):
    dice = random.Random(SEED)
    inputs = write_inputs(box)
    path = pipeline(box, inputs, "started")
    began = time.time()
    box.capi("start", path, "--data", box.path("state"), "--keyspace", "first")
    usual = time.time() - began
    nodes = [(node["node"], node["batches"]) if "batches" in node else node["node"]
             for node in listing(box, "nodes", "first", "--run", "1")]
    box.capi("stop", "--data", box.path("state"), "--keyspace", "first", "--run", "1")
    seen = 0
    for i in range(max(10, KILLS // 2)):
        keyspace = "k%d" % i
        process = subprocess.Popen([BINARY, "start", path, "--data", box.path("state"), "--keyspace", keyspace],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(dice.uniform(0.2, 1.1) * usual)
        process.kill()
        said = process.communicate()[0]
        result = box.capi("runs", "--data", box.path("state"), "--keyspace", keyspace, "--output", "json")
        runs = json.loads(result.out) if result.code == 0 else []
        check(len(runs) <= 1, "one start made %d runs" % len(runs))
        check(runs or not said, "the start said %r, and there is no run" % said)
        for run in runs:
            seen += 1
            got = [(node["node"], node["batches"]) if "batches" in node else node["node"]
                   for node in listing(box, "nodes", keyspace, "--run", str(run["run_id"]))]
            check_equal(got, nodes, "nodes of a run whose start was killed")
            box.capi("stop", "--data", box.path("state"), "--keyspace", keyspace, "--run", str(run["run_id"]))
    print("note: %d starts killed, %d runs there" % (i + 1, seen))


@test
def a_killed_run_is_resumed(box):
    dice = random.Random(SEED)
    inputs = write_inputs(box)
    expected = undisturbed(box, inputs)
    for i in range(max(3, KILLS // 10)):
        keyspace = out = "k%d" % i
        place = ["--data", box.path("state"), "--keyspace", keyspace, "--lease-ms", str(LEASE_MS)]
        command = [BINARY, "run", pipeline(box, inputs, out)] + place
        kills = 0
        while True:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, cwd=ROOT)
            time.sleep(dice.uniform(0.1, 0.8))
            process.kill()
            words = process.communicate()[1]
            kills += 1
            if process.returncode == 0:
                break
            result = box.capi("runs", "--data", box.path("state"), "--keyspace", keyspace, "--output", "json")
            if result.code == 0 and json.loads(result.out):
                command = [BINARY, "resume", "--run", "1"] + place
            check(process.returncode == -signal.SIGKILL, "ended with %s: %s" % (process.returncode, words))
            if kills >= 3:
                result = box.capi(*command[1:])
                check_equal(result.code, 0, "the last resume: %s" % result)
                break
        check_success(box, keyspace)
        check_same(results(box, "state", keyspace, out), expected, "seed %d, killed run %d" % (SEED, i))


# ---- a full disk ----

def mount_small(box, megabytes):
    folder = box.path("small")
    os.mkdir(folder)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % megabytes, "tmpfs", folder],
                                           stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("a small file system can be mounted by root only")
    return folder


@test
def a_run_on_a_full_disk_goes_on_when_there_is_room(box):
    folder = mount_small(box, 48)
    try:
        inputs = write_inputs(box)
        expected = undisturbed(box, inputs)
        # The state and the first tables fit, then a file takes all the room that is left.
        path = pipeline(box, inputs, "full_out")
        place = ["--data", os.path.join(folder, "state"), "--keyspace", "ks"]
        check_equal(box.capi("start", path, *place).code, 0, "start")
        with open(os.path.join(folder, "ballast"), "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 65536)
            except OSError:
                pass
        process = subprocess.Popen([BINARY, "resume", "--run", "1"] + place, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(2)
        is_waiting = process.poll() is None
        os.remove(os.path.join(folder, "ballast"))
        out, err = process.communicate(timeout=120)
        words = (out + err).decode("utf-8", "replace")
        check("Sanitizer" not in words, words)
        if not is_waiting:
            # It gave up with the cause, which is right as well; then it can be resumed.
            check("o space" in words or "full" in words, words)
            result = box.capi("resume", "--run", "1", *place)
            check_equal(result.code, 0, str(result))
        else:
            check_equal(process.returncode, 0, words)
        os.symlink(os.path.join(folder, "state"), box.path("full"))
        check_same(results(box, "full", "ks", "full_out"), expected, "full disk")
    finally:
        subprocess.run(["umount", "-l", folder], check=False)

def start_slow_batch(box, seconds, end="return a"):
    """A run whose node "slow" has one batch that takes so long."""
    box.write("code.py", "import time\n\ndef slow(a):\n    time.sleep(%d)\n    %s\n" % (seconds, end))
    source = csv_reader([box.write("in.csv", "id\n1\n")], {"id": "int"}, "things")
    slow = {"type": "table_custom_tfm_table", "custom_proc_type": "py_calc", "r": {"table": "things"},
            "p": {"python_code_urls": [box.path("code.py")],
                  "calculated_fields": {"x": {"expression": "slow(r.id)", "type": "int"}}},
            "w": {"name": "slow_things", "fields": {"x": {"expression": "p.x", "type": "int"}}}}
    path = box.write("s.json", script(read=source, slow=slow, write=csv_writer("slow_things", {"x": "int"}, box.path("out/o.csv"))))
    check(box.capi("start", path, "--keyspace", "test", "--data", box.path("state")).code == 0)


def ignore_ends_of_children():
    """As some supervisors do, whose programs inherit it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def start_daemon(box):
    """Its configuration is spoilt as soon as it has read it: it works by what it has read."""
    config = box.write("daemon.json", json.dumps({"log": {"level": "info"}}))
    with open(box.path("daemon.log"), "ab") as log:
        begin = log.tell()
        daemon = subprocess.Popen([BINARY, "daemon", "--config", config, "--data", box.path("state"), "--lease-ms", "500"], stdout=log,
                                  stderr=subprocess.STDOUT, preexec_fn=ignore_ends_of_children)
    wait_until(lambda: b"daemon begins" in box.read("daemon.log")[begin:], "the daemon does not begin")
    box.write("daemon.json", "{ half of a")
    return daemon


def python_worker(parent):
    """The process that computes formulas for it, or None."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, encoding="ascii", errors="replace") as stat, open("/proc/%s/cmdline" % pid, "rb") as words:
                if int(stat.read().rsplit(")", 1)[1].split()[1]) == parent and b"python" in words.read():
                    return int(pid)
        except (OSError, IndexError):
            continue
    return None


@test
def signals_to_python_workers_change_nothing(box):
    """As "systemctl stop" sends them to all processes of a service; and a worker that is killed is replaced."""
    start_slow_batch(box, 3)
    daemon = start_daemon(box)
    try:
        wait_until(lambda: python_worker(daemon.pid) and deaths_of_slow_batch(box) == 0, "no worker")
        time.sleep(1)
        worker = python_worker(daemon.pid)
        for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            os.kill(worker, signal_number)
        time.sleep(0.2)
        check_equal(python_worker(daemon.pid), worker, "the worker")
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: status_of_run(box) == "complete", "the run does not end")
        check_equal(slow_batch(box)["status"], "success", str(slow_batch(box)))
    finally:
        daemon.terminate()
        daemon.wait(60)


def slow_batch(box):
    result = box.capi("batches", "--keyspace", "test", "--run", "1", "--node", "slow", "--data", box.path("state"), "--output", "json")
    return json.loads(result.out)[0] if result.code == 0 else {"status": "none"}


def deaths_of_slow_batch(box):
    """While it is worked on; None: it is not."""
    with sqlite3.connect("file:%s?mode=ro" % box.path("state", "state.db"), uri=True) as state:
        rows = state.execute("SELECT b.deaths FROM batch b JOIN node n ON n.node_id = b.id >> 32 WHERE n.name = 'slow' "
                             "AND b.status = 1 AND b.owner <> ''").fetchall()
    return rows[0][0] if rows else None


def wait_until(condition, what, seconds=60):
    until = time.time() + seconds
    while not condition():
        check(time.time() < until, what)
        time.sleep(0.05)


def status_of_run(box):
    return json.loads(box.capi("runs", "--data", box.path("state"), "--output", "json").out)[0]["status"]


def child_alone(parent):
    """The process that works on one batch for its parent, or None."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as words, open("/proc/%s/stat" % pid, encoding="ascii", errors="replace") as stat:
                ours = int(stat.read().rsplit(")", 1)[1].split()[1]) == parent
                if ours and b"work-alone" in words.read():
                    return int(pid)
        except (OSError, IndexError):
            continue
    return None


@test
def however_often_processes_are_killed_an_innocent_batch_succeeds(box):
    start_slow_batch(box, 3)
    for life in range(6):
        daemon = start_daemon(box)
        wait_until(lambda: deaths_of_slow_batch(box) == life, "batch not begun in life %d" % (life + 1))
        child = None
        if life >= 2:
            wait_until(lambda: child_alone(daemon.pid), "no process of its own in life %d" % (life + 1))
            child = child_alone(daemon.pid)
        daemon.kill()
        daemon.wait(60)
        if child:
            wait_until(lambda: not os.path.exists("/proc/%d/exe" % child), "the child outlives its parent")
    daemon = start_daemon(box)
    try:
        wait_until(lambda: status_of_run(box) == "complete", "the run does not end")
        check_equal(slow_batch(box)["status"], "success", str(slow_batch(box)))
        check_equal(box.read("out", "o.csv").split(), [b"x", b"1"])
    finally:
        daemon.terminate()
        daemon.wait(60)
    check_equal([name for name in os.listdir(box.path("state")) if name.startswith("temp-")], [], "temporary folders")


@test
def a_batch_that_kills_every_process_fails_in_the_end(box):
    """Two die on it among other work, three more with nothing else to do."""
    start_slow_batch(box, 600)
    for life in range(2):
        daemon = start_daemon(box)
        wait_until(lambda: deaths_of_slow_batch(box) == life, "batch not begun in life %d" % (life + 1))
        daemon.kill()
        daemon.wait(60)
    daemon = start_daemon(box)
    try:
        killed = set()
        # What comes from people only counts for nothing, and one that is stopped is not waited for.
        for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSTOP, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
            wait_until(lambda: child_alone(daemon.pid) not in (None, *killed), "no process of its own for the batch")
            killed.add(child_alone(daemon.pid))
            os.kill(child_alone(daemon.pid), signal_number)
        wait_until(lambda: status_of_run(box) == "complete", "the run does not end")
        check_equal(daemon.poll(), None)
    finally:
        daemon.terminate()
        daemon.wait(60)
    found = slow_batch(box)
    check_equal(found["status"], "failed")
    check("5 processes died while working on this batch, the last 3 of them with nothing else to do" in found["comment"], found["comment"])
    check("signal 6 (Aborted)" in found["comment"], found["comment"])
    check_equal(box.out_files(), [], "outputs")


@test
def a_batch_that_is_done_alone_can_be_interrupted_and_fail(box):
    start_slow_batch(box, 4, "raise ValueError('no good')")
    for life in range(2):
        daemon = start_daemon(box)
        wait_until(lambda: deaths_of_slow_batch(box) == life, "batch not begun in life %d" % (life + 1))
        daemon.kill()
        daemon.wait(60)
    daemon = start_daemon(box)
    wait_until(lambda: child_alone(daemon.pid), "no process of its own")
    child = child_alone(daemon.pid)
    daemon.terminate()
    check_equal(daemon.wait(60), 0)
    check(not os.path.exists("/proc/%d/exe" % child), "the child outlives its parent")
    check_equal(deaths_of_slow_batch(box), None, "a claim is left")
    daemon = start_daemon(box)
    try:
        wait_until(lambda: status_of_run(box) == "complete", "the run does not end")
    finally:
        daemon.terminate()
        daemon.wait(60)
    found = slow_batch(box)
    check_equal(found["status"], "failed")
    check("ValueError: no good" in found["comment"] and "code.py" in found["comment"], found["comment"])


main()
