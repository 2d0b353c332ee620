#!/usr/bin/env python3
"""The daemon: configuration, log lines and files, metrics and health, several at a time, and how it ends."""
import glob
import gzip
import json
import os
import re
import signal
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import (BINARY, Result, Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, mount_small, script,
                     test)

DAEMON = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capidaemon")


def environment(box, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAPI_")}
    return dict(dict(kept, CAPI_DATA=box.path("state")), **more)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Daemon:
    """A daemon in the box's folder, which ends with the block."""

    def __init__(self, box, **variables):
        self.box = box
        self.out = open(box.path("daemon.out.%d" % len(glob.glob(box.path("daemon.out.*")))), "w+b")
        self.err = open(self.out.name.replace(".out.", ".err."), "w+b")
        self.process = subprocess.Popen([DAEMON], stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
                                        cwd=box.folder, env=environment(box, **variables))

    def __enter__(self):
        self.wait_for_line("daemon begins")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()
        self.out.close()
        self.err.close()

    def lines(self):
        with open(self.out.name, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def wait_for_line(self, message, seconds=60):
        until = time.time() + seconds
        while time.time() < until:
            found = [line for line in self.lines() if line["m"] == message]
            if found:
                return found[0]
            check(self.process.poll() is None, "the daemon ended: %s" % self.result())
            time.sleep(0.05)
        raise AssertionError("no line %r: %s" % (message, self.result()))

    def result(self):
        with open(self.out.name, "rb") as out, open(self.err.name, "rb") as err:
            return Result(self.process.poll(), out.read(), err.read())

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(timeout=60)
        return self.result()


def fails(box, *words, **variables):
    done = subprocess.run([DAEMON], stdin=subprocess.DEVNULL, capture_output=True, cwd=box.folder, timeout=60,
                          env=environment(box, **variables))
    check_fails(Result(done.returncode, done.stdout, done.stderr), 1, *words)


def get(port, path, method="GET"):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), method=method,
                                     data=b"x" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metrics(port):
    status, text = get(port, "/metrics")
    check_equal(status, 200)
    values = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            check(name not in values, "twice: " + name)
            values[name] = float(value)
    for name in re.findall(r"^# TYPE (\S+)", text, re.M):
        check(any(key.startswith(name) for key in values), "no value of " + name)
    return values


def small_script(box, rows=100, batches=4):
    box.write("in.csv", "id,name\n" + "".join("%d,n%d\n" % (i, i) for i in range(rows)))
    return box.write("s.json", script(
        read=csv_reader([box.path("in.csv")], {"id": "int", "name": "string"}, "things"),
        write=csv_writer("things", {"id": "int", "name": "string"}, box.path("out", "{batch_idx|string}.csv"), batches=batches)))


def start(box, path):
    result = box.capi("start", path, "--keyspace", "test", "--data", box.path("state"))
    check_equal(result.code, 0, str(result))


def wait_for_run(box, seconds=120):
    result = box.capi("watch", "--keyspace", "test", "--data", box.path("state"), timeout=seconds)
    check(result.code == 0, str(result))


@test
def what_keeps_it_from_beginning_is_exit_code_1(box):
    box.write("capidaemon.json", "{")
    fails(box, "capidaemon.json", "line 1")
    box.write("capidaemon.json", {"log": {"level": "loud"}})
    fails(box, "log.level", "loud")
    box.write("capidaemon.json", {"amqp10": {"retry_method": "again"}})
    fails(box, "amqp10.retry_method", "again")
    box.write("capidaemon.json", {"cassandra": {"hosts": ["h"]}})
    fails(box, "cassandra.hosts")
    box.write("capidaemon.json", {})
    fails(box, "CAPI_PROMETHEUS_EXPORTER_PORT", "x", CAPI_PROMETHEUS_EXPORTER_PORT="x")
    fails(box, "/nowhere/d.log", CAPI_LOG_FILE="/nowhere/d.log")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        fails(box, "port %d" % port, CAPI_PROMETHEUS_EXPORTER_PORT=str(port))
    fails(box, "address", CAPI_PROMETHEUS_EXPORTER_PORT="1", CAPI_PROMETHEUS_EXPORTER_ADDRESS="here")
    os.remove(box.path("capidaemon.json"))
    fails(box, "capidaemon.json", box.folder, CAPI_DATA="")
    check(not os.path.exists(box.path("state", "state.db-lock")))


@test
def the_log_says_what_is_done_in_lines_of_json(box):
    path = small_script(box)
    box.write("capidaemon.json", {"handler_executable_type": "my_daemon", "cassandra": {"password": "secret"},
                                  "daemon": {"thread_pool_size": 3}, "amqp": {"url": "x"}})
    with Daemon(box) as daemon:
        start(box, path)
        wait_for_run(box)
        done = daemon.wait_for_line("batch ok")
        ended = daemon.end(signal.SIGINT)
    check_equal(ended.code, 0)
    check(b"Sanitizer" not in ended.err, str(ended))
    lines = daemon.lines()
    check_equal(lines[0]["m"], "daemon begins")
    check_equal(lines[-1]["m"], "daemon ends")
    check(any("amqp" in line["m"] and line["l"] == "warn" for line in lines), str(ended))
    check_equal(list(done)[:12], ["l", "ts", "m", "i", "t", "f", "id", "ks", "run", "node", "bi", "age"])
    check(0 <= done["age"] < 60000, done)
    check_equal((done["ks"], done["run"], done["f"]), ("test", 1, "process_batch"))
    check(isinstance(done["bi"], int) and 1 <= done["t"] <= 3, done)
    check(re.fullmatch(r"[^/]+/my_daemon/\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", done["i"]), done)
    config = [line for line in lines if line["m"] == "configuration"][0]["config"]
    check_equal(config["daemon"]["thread_pool_size"], 3)
    check_equal(config["cassandra"]["password"], "...")
    check(b"secret" not in ended.out)
    check_equal(len([line for line in lines if line["m"] == "batch ok"]), 5)


@test
def a_failing_batch_is_logged_as_an_error(box):
    path = small_script(box)
    box.write("in.csv", "id,name\nx,y\n")
    with Daemon(box) as daemon:
        start(box, path)
        line = daemon.wait_for_line("batch failed")
    check_equal(line["l"], "error")
    check("in.csv" in line["error"], line)


@test
def nodes_that_wait_or_cannot_start_are_logged(box):
    box.write("in.csv", "id,name\nx,y\n")
    fields = {"id": {"expression": "r.id", "type": "int"}}
    path = box.write("s.json", script(
        read=csv_reader([box.path("in.csv")], {"id": "int", "name": "string"}, "things"),
        copy={"type": "table_table", "r": {"table": "things"}, "w": {"name": "copies", "fields": fields}},
        late={"type": "table_table", "start_policy": "manual", "r": {"table": "copies"}, "w": {"name": "last", "fields": fields}}))
    tool = os.path.join(os.path.dirname(BINARY), "capitoolbelt")
    box.write("ok.csv", "id,name\n1,y\n")
    ok = box.write("ok.json", open(path).read().replace("in.csv", "ok.csv"))
    done = subprocess.run([tool, "exec_node", "-keyspace=test", "-script_file=" + ok, "-node_id=read"], capture_output=True,
                          env=environment(box))
    check_equal(done.returncode, 0, done.stderr)
    with Daemon(box) as daemon:
        for node in ("late", "read"):
            done = subprocess.run([tool, "start_run", "-keyspace=test", "-script_file=" + path, "-start_nodes=" + node],
                                  capture_output=True, env=environment(box))
            check_equal(done.returncode, 0, done.stderr)
            if node == "late":
                waiting = daemon.wait_for_line("node waits")
        refused = daemon.wait_for_line("node cannot start")
        ended = daemon.end()
    check_equal([refused[key] for key in ("l", "ks", "run", "node")], ["warn", "test", 3, "copy"])
    check_equal([waiting[key] for key in ("l", "run", "node")], ["warn", 2, "late"])
    check("no rule of policy" in waiting["for"], waiting)
    check(refused["error"].startswith("nogo, rules (3,-1), "), refused)
    check(any(line["m"].startswith("no S3 credentials") or "S3" in line["m"] for line in daemon.lines()[:4]), str(ended))


@test
def the_log_file_turns_over_on_sighup(box):
    path = small_script(box)
    with Daemon(box, CAPI_LOG_FILE=box.path("d.log")) as daemon:
        check("daemon begins" in box.read("d.log").decode())
        daemon.process.send_signal(signal.SIGHUP)
        until = time.time() + 30
        while not glob.glob(box.path("d-*.log.gz")) and time.time() < until:
            time.sleep(0.05)
        start(box, path)
        wait_for_run(box)
    old = glob.glob(box.path("d-*.log.gz"))
    check_equal(len(old), 1)
    check(re.search(r"/d-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.log\.gz$", old[0]), old[0])
    with gzip.open(old[0]) as file:
        before = file.read()
    check(b"daemon begins" in before and b"batch ok" not in before, before)
    check("batch ok" in box.read("d.log").decode())
    check_equal(before + box.read("d.log"), daemon.result().out)


COUNTERS = ["msg_ack", "msg_retry", "msg_heartbeat", "node_dep_ready_cache_hit", "node_dep_ready_cache_miss",
            "node_dep_none", "node_dep_wait", "node_dep_go", "node_dep_nogo"]


def check_reference_metrics(text):
    """What dashboards of the reference look at is there, with its type, and buckets only grow."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.M))
    for name in ["capi_daemon_%s_count" % name for name in COUNTERS] + ["capi_script_def_cache_hit_count",
                                                                       "capi_script_def_cache_miss_count"]:
        check_equal(types.get(name), "counter", name)
    for name, bounds in [("capi_daemon_node_dep_ready_get_duration", ["0.001", "0.01", "0.1", "1", "+Inf"])] + [
            ("capi_%s_config_file_get_duration" % scheme, ["0.1", "1", "5", "+Inf"]) for scheme in ("http", "s3", "sftp")]:
        check_equal(types.get(name), "histogram", name)
        check_equal(re.findall(r'^%s_bucket\{le="([^"]+)"\}' % name, text, re.M), bounds, name)
    check_equal(set(types), set(helps), "names with TYPE and with HELP")
    for name in [name for name, kind in types.items() if kind == "histogram"]:
        counts = [int(count) for count in re.findall(r"^%s_bucket\S+ (\d+)$" % name, text, re.M)]
        check(counts == sorted(counts) and len(counts) > 1, "%s: %s" % (name, counts))
        check("\n%s_count %d\n" % (name, counts[-1]) in text and "\n%s_sum " % name in text, name)


@test
def options_of_the_command_line_show_in_the_log(box):
    done = subprocess.Popen([BINARY, "daemon", "--data", box.path("state"), "--lease-ms", "1500", "--batches", "3"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = [json.loads(done.stdout.readline()) for _ in range(2)]
    done.terminate()
    done.communicate(timeout=60)
    check_equal((lines[1]["config"]["daemon"]["lease"], lines[1]["config"]["daemon"]["thread_pool_size"]), (1500, 3))


@test
def the_configuration_says_what_formulas_may_read(box):
    box.write("secret.txt", "42")
    box.write("code.py", "def look(a):\n    with open(%r) as file:\n        return a + int(file.read())\n" % box.path("secret.txt"))
    source = csv_reader([box.write("in.csv", "id\n1\n")], {"id": "int"}, "things")
    formula = {"type": "table_custom_tfm_table", "custom_proc_type": "py_calc", "r": {"table": "things"},
               "p": {"python_code_urls": [box.path("code.py")],
                     "calculated_fields": {"sum": {"expression": "look(r.id)", "type": "int"}}},
               "w": {"name": "sums", "fields": {"sum": {"expression": "p.sum", "type": "int"}}}}
    path = box.write("s.json", script(read=source, formula=formula,
                                      write=csv_writer("sums", {"sum": "int"}, box.path("out", "{run_id|string}.csv"))))
    for settings, is_well in (({}, False), ({"python_read_paths": [box.path("secret.txt")]}, True), ({"python_sandbox": "off"}, True)):
        box.write("capidaemon.json", {"custom_processors": {"py_calc": dict(settings, python_interpreter_path="python3")}})
        with Daemon(box):
            start(box, path)
            watched = box.capi("watch", "--keyspace", "test", "--data", box.path("state"))
        check_equal(watched.code == 0, is_well, "%s: %s" % (settings, watched))
    check_equal([box.read("out", name) for name in box.out_files()], [b"sum\r\n43\n"] * 2)


@test
def metrics_and_health_are_served_on_loopback(box):
    path = small_script(box, rows=100, batches=4)
    port = free_port()
    with Daemon(box, CAPI_PROMETHEUS_EXPORTER_PORT=str(port)):
        check_equal(get(port, "/healthz"), (200, "ok\n"))
        check_equal(get(port, "/readyz"), (200, "ready\n"))
        check_equal(get(port, "/else")[0], 404)
        check_equal(get(port, "/metrics", "POST")[0], 405)
        check_equal(get(port, "/metrics", "DELETE")[0], 405)
        start(box, path)
        wait_for_run(box)
        until = time.time() + 30
        while metrics(port)["capi_daemon_msg_ack_count"] < 5 and time.time() < until:
            time.sleep(0.1)
        values = metrics(port)
        check_equal(values["capi_daemon_msg_ack_count"], 5)
        check_equal(values["capi_daemon_batches_failed_count"], 0)
        check_equal(values["capi_daemon_rows_read_count"], 200)
        check_equal(values["capi_daemon_queue_depth"], 0)
        check_equal(values["capi_daemon_batch_duration_seconds_count"], 5)
        check(values["capi_daemon_store_duration_seconds_count"] > 10)
        check(values["capi_daemon_node_dep_go_count"] >= 2)
        check_reference_metrics(get(port, "/metrics")[1])
        check(values["capi_daemon_msg_heartbeat_count"] >= 1, "no heartbeat")
        check(values["capi_daemon_node_dep_ready_get_duration_count"] >= 2, "no dependency check")
        check_equal((values["capi_script_def_cache_miss_count"], values["capi_script_def_cache_hit_count"]), (1, 5))
        for name in ("cpu_seconds_total", "open_fds", "max_fds", "virtual_memory_bytes", "virtual_memory_max_bytes",
                     "resident_memory_bytes", "start_time_seconds"):
            check("process_" + name in values, name)
        check(abs(values["process_start_time_seconds"] - time.time()) < 300, values["process_start_time_seconds"])
        check(values["process_open_fds"] > 3 and values["process_resident_memory_bytes"] > 1e6)


@test
def the_first_signal_gives_batches_back_and_another_daemon_goes_on(box):
    rows = 400000
    path = small_script(box, rows=rows, batches=40)
    for number in (signal.SIGTERM, signal.SIGINT):
        with Daemon(box, CAPI_LEASE="60000", CAPI_THREAD_POOL_SIZE="4") as daemon:
            if number == signal.SIGTERM:
                start(box, path)
            daemon.wait_for_line("batch ok")
            ended = daemon.end(number)
        check_equal(ended.code, 0, str(ended))
        batches = box.capi("batches", "--keyspace", "test", "--run", "1", "--node", "write", "--data", box.path("state"),
                           "--output", "json")
        check(b"\"running\"" not in batches.out, str(batches))
    with Daemon(box, CAPI_LEASE="60000"): # its lease is longer than this test: nothing was left behind
        wait_for_run(box, 50)
    got = sum(len(box.read("out", name).splitlines()) - 1 for name in box.out_files())
    check_equal(got, rows)
    check_equal(len(box.out_files()), 40)


@test
def several_share_a_run_and_leave_nothing_behind(box):
    path = small_script(box, rows=300000, batches=60)
    settings = {"CAPI_LEASE": "60000", "CAPI_THREAD_POOL_SIZE": "2"}  # the lease is longer than this test
    with Daemon(box, **settings) as first, Daemon(box, **settings) as second, Daemon(box, **settings) as third:
        start(box, path)
        for daemon in (first, second, third):
            daemon.wait_for_line("batch ok")
        for daemon, number in ((first, signal.SIGINT), (second, signal.SIGTERM), (third, signal.SIGTERM)):
            daemon.process.send_signal(number)
        for daemon in (first, second, third):
            check_equal(daemon.process.wait(timeout=60), 0)
        done = [(line["node"], line["bi"]) for daemon in (first, second, third) for line in daemon.lines()
                if line["m"] == "batch ok"]
        check_equal(len(done), len(set(done)), "batches done: %s" % sorted(done))
    nodes = json.loads(box.capi("batches", "--keyspace", "test", "--node", "write", "--data", box.path("state"),
                                "--output", "json").out)
    check_equal([batch["batch"] for batch in nodes if batch["status"] == "running"], [])
    resumed = box.capi("resume", "--keyspace", "test", "--run", "1", "--data", box.path("state"))
    check_equal(resumed.code, 0, str(resumed))
    check_equal(sum(len(box.read("out", name).splitlines()) - 1 for name in box.out_files()), 300000)
    check_equal(len(box.out_files()), 60)


@test
def what_a_killed_daemon_leaves_is_taken_over(box):
    path = small_script(box, rows=400000, batches=40)
    with Daemon(box, CAPI_LEASE="500") as first:
        start(box, path)
        first.wait_for_line("batch ok")
        first.process.kill()
        first.process.wait()
    with Daemon(box, CAPI_LEASE="500"), Daemon(box, CAPI_LEASE="500"):
        wait_for_run(box)
    check_equal(sum(len(box.read("out", name).splitlines()) - 1 for name in box.out_files()), 400000)


CLOCK = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
int clock_gettime(clockid_t id, struct timespec *out)
{
    int result = (int)syscall(SYS_clock_gettime, id, out);
    char text[32] = "";
    int file = id == CLOCK_REALTIME ? open(getenv("TEST_CLOCK"), O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return result;
    if (read(file, text, sizeof text - 1) > 0) out->tv_sec += atol(text);
    close(file);
    return result;
}
"""


@test
def clocks_that_are_set_forth_and_back_change_nothing(box):
    compiled = subprocess.run(["cc", "-shared", "-fPIC", "-o", box.path("clock.so"), box.write("clock.c", CLOCK)],
                              capture_output=True) if shutil.which("cc") else None
    if not compiled or compiled.returncode:
        raise Skip("no compiler")
    variables = {"LD_PRELOAD": box.path("clock.so"), "ASAN_OPTIONS": "verify_asan_link_order=0", "CAPI_LEASE": "500"}
    for number in range(3):
        box.write("clock.%d" % number, "0")
    path = small_script(box, rows=200000, batches=40)
    with Daemon(box, TEST_CLOCK=box.path("clock.0"), **variables) as first, \
            Daemon(box, TEST_CLOCK=box.path("clock.1"), **variables) as second, \
            Daemon(box, TEST_CLOCK=box.path("clock.2"), **variables) as third:
        start(box, path)
        for number, hours in ((0, 9), (1, -7), (0, -30)):
            first.wait_for_line("batch ok")
            box.write("clock.%d" % number, str(hours * 3600))
            time.sleep(0.3)
        third.process.kill()  # the others find out by their own monotonic clocks
        third.process.wait()
        wait_for_run(box)
        times = {line["ts"][:13] for line in first.lines()}
        check(len(times) > 1, "the clock did not jump: %s" % times)
        check(not [line for line in second.lines() if line["l"] == "error"], second.result())
    got = sum(len(box.read("out", name).splitlines()) - 1 for name in box.out_files())
    check_equal((got, len(box.out_files())), (200000, 40))
    history = box.capi("nodes", "--keyspace", "test", "--data", box.path("state"), "--output", "json")
    check_equal([node["status"] for node in json.loads(history.out)], ["success", "success"])


def until(condition, what, seconds=60):
    end = time.time() + seconds
    while not condition():
        check(time.time() < end, what)
        time.sleep(0.05)


def claims(box):
    with sqlite3.connect(box.path("state", "state.db"), timeout=60) as state:
        return state.execute("SELECT count(*) FROM batch WHERE owner <> ''").fetchone()[0]


@test
def signals_in_a_burst_are_one(box):
    with Daemon(box, CAPI_LEASE="3600000") as daemon:
        start(box, small_script(box, rows=500000, batches=100))
        until(lambda: claims(box) > 0, "no batch was begun")
        for signal_number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            daemon.process.send_signal(signal_number)
            time.sleep(0.002)
        check_equal(daemon.process.wait(timeout=60), 0)
        check_equal(claims(box), 0, "claims left")
        check_equal([line["m"] for line in daemon.lines()][-1], "daemon ends")


@test
def a_second_signal_ends_it_at_once(box):
    with Daemon(box) as daemon:
        start(box, small_script(box))
        wait_for_run(box)
        lock = sqlite3.connect(box.path("state", "state.db"), isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")  # it cannot say goodbye to the store now
        daemon.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        check(daemon.process.poll() is None, "it ended without having written to the store: %s" % daemon.result())
        daemon.process.send_signal(signal.SIGTERM)
        check_equal(daemon.process.wait(timeout=5), 130)
        lock.close()


@test
def a_store_that_is_removed_replaced_or_newer_ends_it(box):
    for change, words in ((lambda: shutil.rmtree(box.path("state")), "was removed"),
                          (lambda: os.replace(box.write("other", ""), box.path("state", "state.db")), "was replaced"),
                          (lambda: os.remove(box.path("state", "state.db-wal")), "was removed"),
                          (migrate(box), "use a newer program")):
        with Daemon(box, CAPI_LEASE="500") as daemon:
            change()
            check_equal(daemon.process.wait(timeout=60), 1)
            check_fails(daemon.result(), 1, words, "state.db")
            check_equal([line["m"] for line in daemon.lines() if line["l"] == "error"][-1], "daemon gives up")
        shutil.rmtree(box.path("state"), ignore_errors=True)


def migrate(box):
    def change():
        store = sqlite3.connect(box.path("state", "state.db"))
        store.execute("PRAGMA user_version = 9999")
        store.commit()
        store.close()
    return change


@test
def a_full_disk_makes_it_unready_until_there_is_room(box):
    if not mount_small(box.path("state"), 4096):
        raise Skip("cannot mount a small file system")
    port = free_port()
    try:
        with Daemon(box, CAPI_PROMETHEUS_EXPORTER_PORT=str(port), CAPI_LEASE="500"):
            until(lambda: get(port, "/readyz") == (200, "ready\n"), "it never got ready")
            with open(box.path("state", "filler"), "wb", 0) as filler:
                try:
                    while True:
                        filler.write(bytes(4096))
                except OSError:
                    pass
            until(lambda: get(port, "/readyz")[0] == 503, "a full disk does not show in /readyz")
            check_equal(get(port, "/healthz"), (200, "ok\n"))
            check(metrics(port)["capi_daemon_store_errors_count"] >= 1)
            os.remove(box.path("state", "filler"))
            until(lambda: get(port, "/readyz") == (200, "ready\n"), "it does not get ready again")
            start(box, small_script(box))
            wait_for_run(box)
    finally:
        subprocess.run(["umount", box.path("state")])


@test
def a_log_that_cannot_be_written_does_not_stop_work(box):
    if not mount_small(box.path("log"), 4):
        raise Skip("cannot mount a small file system")
    try:
        with Daemon(box, CAPI_LOG_FILE=box.path("log", "d.log"), CAPI_LOG_LEVEL="DEBUG") as daemon:
            start(box, small_script(box, batches=60))
            wait_for_run(box)
            until(lambda: len([line for line in daemon.lines() if line["m"] == "batch ok"]) == 61, "lines are missing")
            check(os.path.getsize(box.path("log", "d.log")) <= 4096)
            check_equal(daemon.end().code, 0)
    finally:
        subprocess.run(["umount", box.path("log")])


@test
def nobody_reading_its_output_does_not_stop_work(box):
    daemon = subprocess.Popen([DAEMON], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              cwd=box.folder, env=environment(box))
    daemon.stdout.readline()
    daemon.stdout.close()
    try:
        start(box, small_script(box))
        wait_for_run(box)
        check(daemon.poll() is None, "it ended")
    finally:
        daemon.terminate()
        check_equal(daemon.wait(timeout=60), 0)


@test
def log_files_turn_over_at_a_megabyte_and_ten_old_ones_stay(box):
    path = small_script(box, rows=10, batches=2)
    with Daemon(box, CAPI_LOG_FILE=box.path("d.log"), CAPI_LOG_LEVEL="Debug") as daemon:
        for number in range(12):
            with open(box.path("d.log"), "ab") as file:  # as if it had said much
                file.write(b"x" * (1 << 20) + b"\n")
            daemon.process.send_signal(signal.SIGHUP)
            until(lambda: box.read("d.log").count(b"x" * 100) == 0, "it does not turn over")
        start(box, path)
        wait_for_run(box)
    old = glob.glob(box.path("d-*.log.gz"))
    check_equal(len(old), 10, "old files: %s" % old)
    check_equal(len(glob.glob(box.path("d-*"))), 10)


@test
def secrets_are_shown_nowhere(box):
    box.write("password", "very secret 1\n")
    box.write("capidaemon.json", {"amqp10": {"url": "amqp://me:very%20secret%202@host/"}, "s3_endpoint": "http://u:very-secret-3@h:1"})
    port = free_port()
    with Daemon(box, CAPI_CASSANDRA_PASSWORD_FILE=box.path("password"), CAPI_CASSANDRA_USERNAME="secretary",
                CAPI_CAPIMQ_CLIENT_URL="http://x:very-secret-4@h/", CAPI_LOG_LEVEL="debug",
                CAPI_PROMETHEUS_EXPORTER_PORT=str(port)) as daemon:
        text = get(port, "/metrics")[1]
        ended = daemon.end()
    check_equal(ended.code, 0, str(ended))
    for output in (ended.out.decode(), ended.err.decode(), text):
        for word in ("very", "secretary"):
            check(word not in output, output)
    config = [line for line in daemon.lines() if line["m"] == "configuration"][0]["config"]
    check_equal((config["cassandra"]["username"], config["cassandra"]["password"], config["s3_endpoint"]),
                ("...", "...", "http://...@h:1"))
    fails(box, "CAPI_CASSANDRA_PASSWORD_FILE", "No such file", CAPI_CASSANDRA_PASSWORD_FILE=box.path("none"))


@test
def a_configuration_without_py_calc_refuses_formulas(box):
    box.write("code.py", "def look(a):\n    return a\n")
    formula = {"type": "table_custom_tfm_table", "custom_proc_type": "py_calc", "r": {"table": "things"},
               "p": {"python_code_urls": [box.path("code.py")],
                     "calculated_fields": {"sum": {"expression": "look(r.id)", "type": "int"}}},
               "w": {"name": "sums", "fields": {"sum": {"expression": "p.sum", "type": "int"}}}}
    path = box.write("s.json", script(
        read=csv_reader([box.write("in.csv", "id\n1\n")], {"id": "int"}, "things"), formula=formula))
    box.write("capidaemon.json", {"custom_processors": {"tag_and_denormalize": {}}})
    with Daemon(box):
        start(box, path)
        watched = box.capi("watch", "--keyspace", "test", "--data", box.path("state"))
        check_fails(watched, 1, "py_calc")
    box.write("capidaemon.json", {"custom_processors": {"py_calc": {"python_interpreter_path": "/no/such/python"}}})
    with Daemon(box):
        start(box, path)
        watched = box.capi("watch", "--keyspace", "test", "--data", box.path("state"))
        check_fails(watched, 1, "/no/such/python")


main()
