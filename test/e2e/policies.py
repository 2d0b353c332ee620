#!/usr/bin/env python3
"""Dependency policies with real processes: the toolbelt starts and stops runs, a daemon works, the histories tell what was decided,
and the rows tell which run's tables were read.

    read_a -> join (looks up read_b's table) <- read_b        join -> sum (manual) -> out

Inputs are changed between runs, so that each row says from which run it comes."""
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

TEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, TEST)
import kill_at
from harness import BINARY, Result, Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, script, test

TOOLBELT = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capitoolbelt")
START, SUCCESS, FAIL, STOPPED = "1", "2", "3", "104"
COMPLETE, STOP = "2", "3"


# ---- scripts ----

def inputs(box, a, b="b1", is_b_wrong=False):
    box.write("a.csv", "id,a\n1,%s\n2,%s\n" % (a, a))
    box.write("b.csv", "id,b\n1,%s\n%s,%s\n" % (b, "x" if is_b_wrong else "2", b))


def pipeline(box, policies=None, name="s.json", **changes):
    """changes: settings added to nodes."""
    text = {"id": "int", "a": "string", "b": "string"}
    fields = {name: {"expression": "r." + name, "type": kind} for name, kind in text.items()}
    nodes = script(
        read_a=csv_reader([box.path("a.csv")], {"id": "int", "a": "string"}, "ta"),
        read_b=csv_reader([box.path("b.csv")], {"id": "int", "b": "string"}, "tb", {"idx_tb": "unique(id)"}),
        join={"type": "table_lookup_table", "r": {"table": "ta", "expected_batches_total": 2},
              "l": {"index_name": "idx_tb", "join_on": "r.id", "join_type": "inner"},
              "w": {"name": "joined", "fields": dict(fields, b={"expression": "l.b", "type": "string"})}},
        sum={"type": "table_table", "start_policy": "manual", "r": {"table": "joined"},
             "w": {"name": "summed", "fields": fields}},
        out=csv_writer("summed", text, box.path("out", "{run_id|string}.csv")))
    for node, settings in changes.items():
        nodes["nodes"][node].update(settings)
    if policies:
        nodes["dependency_policies"] = policies
    return box.write(name, nodes)


def policy(order, *rules, **more):
    return dict({"event_priority_order": order, "rules": [{"cmd": cmd, "expression": text} for cmd, text in rules]}, **more)


STANDARD = [
    ("go", "nrs.run_is_current == true && nrs.run_status == wfmodel.RunStart && nrs.node_status == wfmodel.NodeBatchSuccess"),
    ("wait", "nrs.run_is_current == true && (nrs.run_status == wfmodel.RunStart || nrs.run_status == wfmodel.RunNone) && "
             "nrs.node_status == wfmodel.NodeBatchNone"),
    ("wait", "nrs.run_is_current == true && (nrs.run_status == wfmodel.RunStart || nrs.run_status == wfmodel.RunNone) && "
             "nrs.node_status == wfmodel.NodeBatchStart"),
    ("nogo", "nrs.run_is_current == true && nrs.run_status == wfmodel.RunStart && nrs.node_status == wfmodel.NodeBatchFail"),
    ("go", "nrs.run_is_current == false && nrs.run_status == wfmodel.RunStart && nrs.node_status == wfmodel.NodeBatchSuccess"),
    ("wait", "nrs.run_is_current == false && (nrs.run_status == wfmodel.RunStart || nrs.run_status == wfmodel.RunNone) && "
             "nrs.node_status == wfmodel.NodeBatchNone"),
    ("wait", "nrs.run_is_current == false && (nrs.run_status == wfmodel.RunStart || nrs.run_status == wfmodel.RunNone) && "
             "nrs.node_status == wfmodel.NodeBatchStart"),
    ("go", "nrs.run_is_current == false && nrs.run_status == wfmodel.RunComplete && nrs.node_status == wfmodel.NodeBatchSuccess"),
    ("nogo", "nrs.run_is_current == false && nrs.run_status == wfmodel.RunComplete && nrs.node_status == wfmodel.NodeBatchFail"),
    ("nogo", "nrs.run_is_current == false && nrs.run_status == wfmodel.RunStop"),
]
# As scripts of 1.1.6 have it: another alias, other fields, no rule for stopped runs, and "no match" means nogo.
OLD = [
    ("go", "e.run_is_current == true && e.run_final_status == wfmodel.RunStart && e.node_status == wfmodel.NodeBatchSuccess"),
    ("wait", "e.run_is_current == true && e.run_final_status == wfmodel.RunStart && e.node_status == wfmodel.NodeBatchNone"),
    ("wait", "e.run_is_current == true && e.run_final_status == wfmodel.RunStart && e.node_status == wfmodel.NodeBatchStart"),
    ("nogo", "e.run_is_current == true && e.run_final_status == wfmodel.RunStart && e.node_status == wfmodel.NodeBatchFail"),
    ("go", "e.run_is_current == false && e.run_final_status == wfmodel.RunStart && e.node_status == wfmodel.NodeBatchSuccess"),
    ("wait", "e.run_is_current == false && e.run_final_status == wfmodel.RunStart && e.node_status == wfmodel.NodeBatchNone"),
    ("wait", "e.run_is_current == false && e.run_final_status == wfmodel.RunStart && e.node_status == wfmodel.NodeBatchStart"),
    ("go", "e.run_is_current == false && e.run_final_status == wfmodel.RunComplete && e.node_status == wfmodel.NodeBatchSuccess"),
    ("nogo", "e.run_is_current == false && e.run_final_status == wfmodel.RunComplete && e.node_status == wfmodel.NodeBatchFail"),
]
FORMS = {
    "built in": None,
    "written out": {"current_active_first_stopped_nogo": policy("run_is_current(desc), run_id(desc)", *STANDARD, is_default=True)},
    "of 1.1.6": {"current_active_first_stopped_nogo": policy("run_is_current(desc),node_start_ts(desc)", *OLD, is_default=True)},
}


# ---- processes ----

class Works:
    """A daemon on the box's data folder, and the toolbelt beside it."""

    def __init__(self, box):
        self.box = box
        env = {name: value for name, value in os.environ.items() if not name.startswith("CAPI_")}
        self.env = dict(env, CAPI_DATA=box.path("state"))

    def __enter__(self):
        self.daemon = subprocess.Popen([BINARY, "daemon", "--data", self.box.path("state"), "--lease-ms", "1000"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, kind, *_):
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(30)
        if kind is None:
            check(code in (0, 130), "the daemon ended with %s" % code)

    def tool(self, *arguments):
        done = subprocess.run([TOOLBELT] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.env, cwd=self.box.folder, timeout=120)
        return Result(done.returncode, done.stdout, done.stderr)

    def well(self, *arguments):
        result = self.tool(*arguments)
        check_equal(result.code, 0, str(result))
        return result.out.decode()

    def start(self, path, nodes):
        return int(self.well("start_run", "-keyspace=ks", "-script_file=" + path, "-start_nodes=" + nodes))

    def stop(self, run):
        self.well("stop_run", "-keyspace=ks", "-run_id=%d" % run)

    def history(self, command, *arguments):
        text = self.well(command, "-keyspace=ks", *arguments)
        return list(csv.DictReader(io.StringIO(text)))

    def runs(self):
        """run -> its statuses, in the order in which they came."""
        found = {}
        for row in self.history("get_run_history"):
            found.setdefault(int(row["run_id"]), []).append(row["status"])
        return found

    def nodes(self, run):
        """node -> its last status."""
        return {row["script_node"]: row["status"] for row in self.history("get_node_history", "-run_ids=%d" % run)}

    def batches(self, run, node):
        rows = self.history("get_batch_history", "-run_ids=%d" % run, "-nodes=" + node)
        return [(row["status"], row["comment"]) for row in rows if row["status"] != START]

    def until(self, condition, what):
        end = time.time() + 60
        while not condition():
            check(time.time() < end, "%s: %s" % (what, self.well("get_run_history", "-keyspace=ks") +
                                                self.well("get_node_history", "-keyspace=ks")))
            time.sleep(0.05)

    def end(self, run):
        self.until(lambda: self.runs()[run] != [START], "run %d does not end" % run)

    def go(self, path, nodes):
        run = self.start(path, nodes)
        self.end(run)
        return run

    def rows(self, run):
        """What the run's file says: from which runs' inputs its rows come."""
        lines = self.box.read("out", "%05d.csv" % run).decode().split()
        check_equal(lines[0], "id,a,b")
        return sorted(lines[1:])


def rows(a, b):
    return ["1,%s,%s" % (a, b), "2,%s,%s" % (a, b)]


def check_nogo(works, run, node, rules, *words):
    """All batches of the node failed because the rules of those numbers said nogo; "." is any."""
    found = works.batches(run, node)
    check(found and all(status == FAIL for status, _ in found), found)
    for _, comment in found:
        check(re.match(r"nogo[;,] rules \(%s[;,]%s\)[;,] " % rules, comment), comment)
        for word in words:
            check(word in comment, comment)


# ---- the worked examples, with the standard policy in all its forms ----

def with_all_forms(box, body):
    for number, (form, policies) in enumerate(FORMS.items()):
        folder = "form%d" % number
        inner = type(box)(folder)
        try:
            with Works(inner) as works:
                body(inner, works, pipeline(inner, policies), form)
        except AssertionError as error:
            raise AssertionError("policy %s: %s" % (form, error))
        finally:
            inner.remove()


@test
def a_run_waits_for_its_own_tables_and_later_runs_read_them(box):
    def body(box, works, path, form):
        inputs(box, "a1")
        check_equal(works.go(path, "read_a,read_b"), 1)
        check_equal(works.nodes(1), {"read_a": SUCCESS, "read_b": SUCCESS, "join": SUCCESS})
        check_equal(works.runs()[1], [START, COMPLETE])
        inputs(box, "a9", "b9")
        check_equal(works.go(path, "sum"), 2)
        check_equal(works.nodes(2), {"sum": SUCCESS, "out": SUCCESS})
        check_equal(works.rows(2), rows("a1", "b1"))
        check_equal(works.go(path, "sum"), 3)
        check_equal(works.rows(3), rows("a1", "b1"))
    with_all_forms(box, body)


@test
def reader_and_lookup_may_come_from_different_runs(box):
    def body(box, works, path, form):
        inputs(box, "a1", "b1")
        works.go(path, "read_a,read_b")
        inputs(box, "a2", "b2")
        works.go(path, "read_a")  # and so join, whose own table ta is waited for; tb is that of run 1
        works.go(path, "sum")
        check_equal(works.rows(3), rows("a2", "b1"))
        works.go(path, "read_b")
        works.go(path, "sum")
        check_equal(works.rows(5), rows("a2", "b2"))
    with_all_forms(box, body)


@test
def a_failed_table_is_nogo_for_all_below_it(box):
    def body(box, works, path, form):
        inputs(box, "a1", "b1", is_b_wrong=True)
        works.go(path, "read_a,read_b")
        check_equal(works.nodes(1), {"read_a": SUCCESS, "read_b": FAIL, "join": FAIL})
        check_equal(len(works.batches(1, "join")), 2)
        check_nogo(works, 1, "join", (".", 3), "tb")  # read_a may not have ended yet
        check_equal(works.runs()[1], [START, COMPLETE])
        works.go(path, "sum")
        check_equal(works.nodes(2), {"sum": FAIL, "out": FAIL})
        check_nogo(works, 2, "sum", (8, -1), "joined")
        check_nogo(works, 2, "out", (3, -1), "summed")
        check_equal(works.runs()[2], [START, COMPLETE])
        check_equal(box.out_files(), [])
        # Better inputs, new runs.
        inputs(box, "a3", "b3")
        works.go(path, "read_a,read_b")
        works.go(path, "sum")
        check_equal(works.rows(4), rows("a3", "b3"))
    with_all_forms(box, body)


@test
def results_of_a_stopped_run_are_not_read(box):
    def body(box, works, path, form):
        inputs(box, "a1")
        works.go(path, "read_a,read_b")
        works.stop(1)
        check_equal(works.runs()[1], [START, COMPLETE, STOP])
        works.go(path, "sum")
        check_equal(works.nodes(2), {"sum": FAIL, "out": FAIL})
        check_nogo(works, 2, "sum", (-1 if form == "of 1.1.6" else 9, -1), "joined")
    with_all_forms(box, body)


@test
def the_youngest_run_decides_even_if_it_was_stopped(box):
    def body(box, works, path, form):
        inputs(box, "a1", "b1")
        works.go(path, "read_a,read_b")
        inputs(box, "a2", "b2")
        works.go(path, "read_a,read_b")
        works.stop(2)
        works.go(path, "sum")
        if form == "of 1.1.6":  # has no rule for stopped runs, so the next one decides
            check_equal(works.rows(3), rows("a1", "b1"))
        else:
            check_equal(works.nodes(3), {"sum": FAIL, "out": FAIL})
            check_nogo(works, 3, "sum", (9, -1))
    with_all_forms(box, body)


@test
def a_run_need_not_wait_for_the_end_of_the_run_it_reads(box):
    inputs(box, "a1")
    path = pipeline(box)
    with Works(box) as works:
        works.start(waiting_pipeline(box), "read_a,read_b")
        works.until(lambda: works.nodes(1).get("join") == SUCCESS, "join does not end")
        works.go(path, "sum")
        check_equal(works.runs()[1], [START])
        check_equal(works.rows(2), rows("a1", "b1"))
        works.stop(1)
        check_equal(works.nodes(1), {"read_a": SUCCESS, "read_b": SUCCESS, "join": SUCCESS, "late": STOPPED})
        check_equal(works.batches(1, "late"), [(STOPPED, works.batches(1, "late")[0][1])])
        check_equal(works.runs()[1], [START, STOP])


def waiting_pipeline(box):
    """With a node that waits for ever."""
    policies = dict(FORMS["written out"], never=policy("run_id(desc)", ("wait", "nrs.run_id > 0")))
    content = json.loads(box.read(pipeline(box, policies, name="waiting.json")))
    content["nodes"]["late"] = dict(csv_writer("joined", {"id": "int"}, box.path("out", "late.csv")), dependency_policy="never")
    return box.write("waiting.json", content)


# ---- stops and starts ----

@test
def a_stopped_run_is_followed_by_another_one(box):
    inputs(box, "a1")
    waiting = waiting_pipeline(box)
    with Works(box) as works:
        for run in (1, 2, 3):
            check_equal(works.start(waiting, "read_a,read_b"), run)
            check_fails(works.tool("start_run", "-keyspace=ks", "-script_file=" + waiting, "-start_nodes=read_a,read_b"), 1,
                        "late.csv", "run %d" % run)
            works.until(lambda: works.nodes(run).get("join") == SUCCESS, "join does not end")
            works.stop(run)
            works.stop(run)
            check_equal(works.runs()[run], [START, STOP])
            check_equal(works.nodes(run)["late"], STOPPED)
        path = pipeline(box, FORMS["written out"])
        inputs(box, "a4")
        works.go(path, "read_a,read_b")
        works.go(path, "sum")
        check_equal(works.rows(5), rows("a4", "b1"))
        check_equal([works.runs()[run][-1] for run in (1, 2, 3, 4, 5)], [STOP, STOP, STOP, COMPLETE, COMPLETE])


@test
def a_run_whose_start_was_killed_decides_nothing(box):
    if not kill_at.can_trace():
        raise Skip("programs cannot be traced here")
    inputs(box, "a1")
    path = pipeline(box)
    with Works(box) as works:
        works.go(path, "read_a,read_b")
        for step in (5, 25, 45):
            killed = subprocess.run([sys.executable, os.path.join(TEST, "kill_at.py"), str(step), box.path("steps"), BINARY, "start",
                                     path, "--start", "read_a,read_b", "--keyspace", "ks", "--data", box.path("state")],
                                    env=dict(works.env, ASAN_OPTIONS="detect_leaks=0"), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            check_equal(killed.returncode, 128 + signal.SIGKILL, "the exit code of a killed start")
        check_equal(sorted(works.runs()), [1])
        works.go(path, "sum")
        check_equal(works.rows(2), rows("a1", "b1"))


# ---- policies of a script ----

@test
def a_policy_may_read_the_oldest_run_and_pass_over_stopped_ones(box):
    oldest = policy("run_id(asc)", ("go", "nrs.run_status == wfmodel.RunComplete && nrs.node_status == wfmodel.NodeBatchSuccess"),
                    ("go", "nrs.run_is_current && nrs.node_status == wfmodel.NodeBatchSuccess"),
                    ("wait", "nrs.run_is_current && nrs.node_status != wfmodel.NodeBatchFail"))
    path = pipeline(box, dict(FORMS["written out"], oldest=oldest), sum={"dependency_policy": "oldest"})
    with Works(box) as works:
        for number in (1, 2, 3):
            inputs(box, "a%d" % number, "b%d" % number)
            works.go(path, "read_a,read_b")
        works.go(path, "sum")
        check_equal(works.rows(4), rows("a1", "b1"))
        works.stop(1)
        works.go(path, "sum")
        check_equal(works.rows(5), rows("a2", "b2"))
        # The other nodes have the default policy: the youngest.
        works.go(path, "read_a,read_b,sum")
        check_equal(works.nodes(6)["out"], SUCCESS)
        check_equal(works.rows(6), rows("a2", "b2"))


@test
def without_a_rule_that_matches_a_node_waits_and_says_so(box):
    picky = policy("run_id(desc)", ("go", "nrs.run_id == 3 && nrs.run_status == wfmodel.RunComplete"))
    path = pipeline(box, dict(FORMS["written out"], picky=picky), sum={"dependency_policy": "picky"})
    inputs(box, "a1")
    with Works(box) as works:
        works.go(path, "read_a,read_b")
        check_equal(works.start(path, "sum"), 2)
        with open(box.path("watched"), "wb") as said:
            watcher = subprocess.Popen([BINARY, "watch", "--keyspace", "ks", "--run", "2", "--data", box.path("state")],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        works.until(lambda: b"no rule of policy \"picky\" matches (node \"join\": success in run 1" in box.read("watched"),
                    "nobody says what the run waits for")
        check_equal(works.nodes(2), {})
        check_equal(works.runs()[2], [START])
        # What it waits for comes later.
        inputs(box, "a3")
        check_equal(works.go(path, "read_a,read_b"), 3)
        works.end(2)
        check_equal(watcher.wait(60), 0, "the exit code of watch")
        check_equal(works.rows(2), rows("a3", "b1"))


@test
def a_policy_that_says_go_too_early_waits_for_the_table(box):
    eager = policy("run_id(desc)", ("go", "nrs.run_id > 0"))
    path = pipeline(box, {"eager": dict(eager, is_default=True)})
    inputs(box, "a1")
    with Works(box) as works:
        works.go(path, "read_a,read_b,sum")
        check_equal(works.nodes(1), {name: SUCCESS for name in ("read_a", "read_b", "join", "sum", "out")})
        check_equal(works.rows(1), rows("a1", "b1"))


@test
def a_table_that_no_run_makes_fails_the_node_with_a_hint(box):
    path = pipeline(box)
    inputs(box, "a1")
    with Works(box) as works:
        works.go(path, "sum")
        check_equal(works.nodes(1), {"sum": FAIL, "out": FAIL})
        status, comment = works.batches(1, "sum")[0]
        check(status == FAIL and "joined" in comment and "join" in comment and "start" in comment, comment)


main()
