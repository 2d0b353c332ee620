#!/usr/bin/env python3
"""Which nodes a run affects, and from which runs a node reads: worked examples of the standard policy with runs of a keyspace."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, check, check_equal, check_fails, csv_reader, csv_writer, main, script, test

TOOLBELT = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capitoolbelt")
INT = "int"


def table(source, target, batches=1, manual=False, **expressions):
    fields = {name: {"expression": text, "type": INT} for name, text in expressions.items()}
    return {"type": "table_table", "start_policy": "manual" if manual else "auto",
            "r": {"table": source, "expected_batches_total": batches}, "w": {"name": target, "fields": fields}}


def lookup(source, index, target, **expressions):
    fields = {name: {"expression": text, "type": INT} for name, text in expressions.items()}
    return {"type": "table_lookup_table", "r": {"table": source},
            "l": {"index_name": index, "join_on": "r.id", "group": False, "join_type": "left"},
            "w": {"name": target, "fields": fields}}


def reader(box, name, **more):
    return csv_reader([box.path(name + ".csv")], {"id": INT, name: INT}, name + "s", **more)


def set_inputs(box, a, b):
    box.write("a.csv", "id,a\n1,%s\n" % a)
    box.write("b.csv", "id,b\n1,%s\n" % b)


class Pipeline:
    """read_a -> joined <- read_b; joined -> sum (manual) -> out; and, if asked for, held, which waits for ever"""

    def __init__(self, box, a=10, b=5, with_held=False):
        self.box = box
        set_inputs(box, a, b)
        nodes = dict(
            read_a=reader(box, "a"), read_b=reader(box, "b", indexes={"idx_b": "unique(id)"}),
            join=lookup("as", "idx_b", "joined", id="r.id", a="r.a", b="l.b"),
            sum=table("joined", "sums", manual=True, total="r.a + r.b"),
            out=csv_writer("sums", {"total": INT}, box.path("out", "total_{run_id}.csv")))
        pipeline = script(**nodes)
        if with_held:
            pipeline["nodes"]["held"] = dict(table("joined", "helds", id="r.id"), dependency_policy="never")
            pipeline["dependency_policies"] = {
                "usual": self.usual(), "never": {"event_priority_order": "run_id(desc)", "rules": [
                    {"cmd": "wait", "expression": "nrs.run_id > 0"}]}}
        self.path = box.write("pipeline.json", pipeline)

    def usual(self):
        """The standard policy, as a sample file's script has it."""
        sample = subprocess.run([TOOLBELT, "proto_file_reader_creator", "-file", self.box.path("a.csv"), "-csv_hdr_line_idx=0",
                                 "-csv_first_line_idx=1"], capture_output=True, check=True,
                                env=dict(os.environ, CAPI_DATA=self.box.path("state")))
        return json.loads(sample.stdout)["dependency_policies"]["current_active_first_stopped_nogo"]

    def run(self, start=None, code=0):
        words = ["--start", start] if start else []
        result = self.box.run(self.path, *words)
        check_equal(result.code, code, str(result))
        return result

    def start(self, nodes):
        return self.tool("start_run", "-script_file=" + self.path, "-start_nodes=" + nodes).strip()

    def tool(self, command, *flags):
        done = subprocess.run([TOOLBELT, command, "-keyspace=test", *flags], capture_output=True, check=False,
                              env=dict(os.environ, CAPI_DATA=self.box.path("state")))
        check(done.returncode == 0, done.stderr)
        return done.stdout.decode()

    def totals(self, run):
        return self.box.read("out", "total_%05d.csv" % run).split()[1:]

    def comment(self, run, node):
        """What the first batch said in the end."""
        lines = self.tool("get_batch_history", "-run_id=%d" % run, "-node=" + node).splitlines()
        return lines[-1].split(",", 8)[8]

    def statuses(self, run):
        lines = self.tool("get_run_history").splitlines()[1:]
        return [line.split(",")[2] for line in lines if line.split(",")[1] == str(run)]


# ---- affected nodes ----

@test
def manual_nodes_block_what_lies_below_them_unless_they_are_start_nodes(box):
    set_inputs(box, 1, 2)
    review = dict(table("cleans", "reviews", id="r.id"), start_policy="manual")
    review["w"]["indexes"] = {"idx_reviews": "unique(id)"}
    clean = table("as", "cleans", id="r.id")
    clean["w"]["indexes"] = {"idx_clean": "unique(id)"}
    path = box.write("s.json", script(
        read_a=reader(box, "a"), clean=clean, review=review, totals=lookup("reviews", "idx_clean", "totals", id="l.id"),
        out=csv_writer("totals", {"id": INT}, box.path("out", "o.csv")), detail=table("cleans", "details", id="r.id")))
    for start, affected in (("read_a", "read_a clean detail"), ("review", "review totals out"),
                            ("read_a,review", "read_a clean detail review totals out"), ("totals", "totals out"),
                            ("read_a,out", "read_a clean detail out"), ("detail", "detail")):
        plan = box.capi("validate", path, "--plan", "--output", "json", "--start", start, "--data", box.path("state"))
        named = [node["name"] for node in json.loads(plan.out)["nodes"]]
        check_equal(sorted(named), sorted(affected.split()), start)


@test
def start_nodes_are_kept_as_a_tidy_list(box):
    pipeline = Pipeline(box)
    pipeline.run("read_b, read_a,,read_b ,")
    runs = box.capi("runs", "--keyspace", "test", "--data", box.path("state"), "--output", "json")
    check_equal(json.loads(runs.out)[0]["start_nodes"], "read_b,read_a")
    check_fails(box.run(pipeline.path, "--start", " , "), 2, "no start node is named")
    check_fails(box.run(pipeline.path, "--start", "reed_a,joyn,read_b"), 2, "reed_a", "joyn", "read_a", "join")


# ---- from which runs ----

@test
def one_run_reads_its_own_tables(box):
    pipeline = Pipeline(box)
    pipeline.run()
    check(" as_00001 -> joined_00001" in pipeline.comment(1, "join"), pipeline.comment(1, "join"))
    check_equal(pipeline.statuses(1), ["1", "2"])
    check_equal(box.out_files(), [])


@test
def a_failed_parent_refuses_its_children_and_the_run_is_complete(box):
    pipeline = Pipeline(box, b="none")
    result = pipeline.run(code=1)
    check(b"b.csv" in result.err, str(result))
    check(re.match(r"nogo; rules \([012];3\); ", pipeline.comment(1, "join")), pipeline.comment(1, "join"))
    check_equal(pipeline.statuses(1), ["1", "2"])


@test
def a_later_run_reads_the_tables_of_a_complete_one(box):
    pipeline = Pipeline(box)
    pipeline.run()
    pipeline.run("sum")
    check(" joined_00001 -> sums_00002" in pipeline.comment(2, "sum"), pipeline.comment(2, "sum"))
    check(" sums_00002 -> " in pipeline.comment(2, "out"), pipeline.comment(2, "out"))
    check_equal(pipeline.totals(2), [b"15"])


@test
def a_node_that_is_done_is_read_while_its_run_goes_on(box):
    pipeline = Pipeline(box, with_held=True)
    result = pipeline.run(code=1)
    check(b"node \"held\" waits" in result.err, str(result))
    check_equal(pipeline.statuses(1), ["1"])
    pipeline.run("sum")
    check_equal(pipeline.totals(2), [b"15"])


@test
def tables_of_two_runs_are_joined_when_one_was_read_anew(box):
    pipeline = Pipeline(box)
    pipeline.run()
    set_inputs(box, 100, 7)
    pipeline.run("read_a")
    check(" as_00002 -> joined_00002" in pipeline.comment(2, "join"), pipeline.comment(2, "join"))
    check_equal(box.table("joined").split(), b"id,a,b 1,100,5".split())
    pipeline.run("sum")
    check_equal(pipeline.totals(3), [b"105"])


@test
def a_run_that_has_begun_and_not_made_the_table_is_waited_for(box):
    pipeline = Pipeline(box)
    pipeline.run()
    check_equal(pipeline.start("read_a"), "2")
    result = pipeline.run("sum", code=1)
    check(b"node \"sum\" waits for table \"joined\" (node \"join\": not started in run 2, which is running; rule 5" in result.err,
          str(result))
    check_equal(box.capi("resume", "--keyspace", "test", "--run", "2", "--data", box.path("state")).code, 0)
    check_equal(box.capi("resume", "--keyspace", "test", "--run", "3", "--data", box.path("state")).code, 0)
    check(" joined_00002 -> sums_00003" in pipeline.comment(3, "sum"), pipeline.comment(3, "sum"))


@test
def a_stopped_run_refuses_those_that_would_read_its_tables(box):
    pipeline = Pipeline(box)
    pipeline.run()
    pipeline.tool("stop_run", "-run_id=1")
    check_equal(pipeline.statuses(1), ["1", "2", "3"])
    check_fails(pipeline.run("sum", code=1), 1, "nogo, rules (9,-1), ")
    check_equal(pipeline.statuses(2), ["1", "2"])
    lines = pipeline.tool("get_run_history").splitlines()
    check(re.search(r",2,2,\{\"sum\":\"fail\";\"out\":\"fail\"\}$", lines[-1]), lines)


@test
def the_newest_run_decides_even_if_an_older_one_has_good_tables(box):
    pipeline = Pipeline(box)
    pipeline.run()
    pipeline.run()
    pipeline.tool("stop_run", "-run_id=2")
    check_fails(pipeline.run("sum", code=1), 1, "nogo, rules (9,-1), ", "run 2")


@test
def a_run_that_lists_a_node_and_never_executes_it_is_passed_over(box):
    pipeline = Pipeline(box)
    pipeline.run()
    pipeline.tool("exec_node", "-script_file=" + pipeline.path, "-node_id=read_a")
    pipeline.run("sum")
    check(" joined_00001 -> sums_00003" in pipeline.comment(3, "sum"), pipeline.comment(3, "sum"))


@test
def an_edited_script_reads_earlier_tables_if_they_have_the_columns_that_are_read(box):
    set_inputs(box, 10, 5)
    b_reader = reader(box, "b", indexes={"idx_b": "unique(id)"})
    box.run_well(box.write("one.json", script(read_a=reader(box, "a"), read_b=b_reader)))

    def edited(table, fields, node, problem=None):
        script_nodes = json.loads(json.dumps(dict(read_a=reader(box, "a"), read_b=b_reader, late=node)))
        script_nodes[table]["w"]["fields"].update(fields)
        path = box.write("two.json", script(**script_nodes))
        plan = box.capi("validate", path, "--plan", "--start", "late", "--keyspace", "test", "--data", box.path("state"))
        check_equal(plan.code, 1 if problem else 0, str(plan))
        check(not problem or ("node \"late\": " + problem).encode() in plan.out, str(plan))
        return box.run(path, "--start", "late")

    copy = table("as", "copies", id="r.id", a="r.a")
    more = {"more": {"expression": "r.c_id + 1", "type": INT}}
    joined = lookup("as", "idx_b", "joined", id="r.id", b="l.b")
    check_equal(edited("read_a", more, copy).code, 0)
    check_equal(edited("read_a", {"a": {"expression": "string(r.c_a)", "type": "string"}}, table("as", "ids", id="r.id")).code, 0)
    check_equal(edited("read_b", more, joined).code, 0)
    problem = "table \"as\" of run 1 has no column \"more\""
    check_fails(edited("read_a", more, table("as", "copies", more="r.more"), problem), 1, "the stored table \"as\" has no column \"more\"",
                "in node \"late\"")
    check_fails(edited("read_b", more, lookup("as", "idx_b", "joined", more="l.more"), problem.replace('"as"', '"bs"')), 1, "has no column \"more\"")
    check_fails(edited("read_a", {"a": {"expression": "float(r.c_a)", "type": "float"}}, table("as", "copies", a="int(r.a)"),
                       "column \"a\" of table \"as\" of run 1 is int, expected float"), 1,
                "column \"a\" of the stored table \"as\" is int, expected float")


@test
def a_first_stop_stays_and_unknown_runs_cannot_be_stopped(box):
    pipeline = Pipeline(box)
    check_equal(pipeline.start("read_a,read_b"), "1")
    stop = ["stop", "--keyspace", "test", "--data", box.path("state"), "--run"]
    for comment in ("first", "second"):
        check_equal(box.capi(*stop, "1", "--comment", comment).code, 0)
    lines = pipeline.tool("get_run_history").splitlines()
    check_equal([line.split(",", 3)[1:] for line in lines[1:]], [["1", "1", "api.StartRun"], ["1", "3", "first"]])
    check_fails(box.capi(*stop, "2"), 2, "no such run")
    nodes = pipeline.tool("get_node_history").splitlines()[1:]
    check_equal([line.split(",")[2:4] for line in nodes], [[node, "104"] for node in ("read_a", "read_b", "join")])


main()
