#!/usr/bin/env python3
"""What an operator finds in the histories of runs, nodes and batches: comments, tokens, names of keyspaces, direct execution."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, Result, check, check_equal, check_fails, csv_reader, csv_writer, main, script, test

TOOLBELT = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capitoolbelt")


def tool(box, *arguments):
    env = {name: value for name, value in os.environ.items() if not name.startswith("CAPI_")}
    env["CAPI_DATA"] = box.path("state")
    done = subprocess.run([TOOLBELT] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=box.folder, env=env, timeout=120)
    return Result(done.returncode, done.stdout, done.stderr)


def well(result):
    check(result.code == 0, str(result))
    return result.out.decode()


def small_script(box, name="s.json"):
    box.write("in.csv", "id,name\n0,n0\n1,n1\n2,n2\n")
    return box.write(name, script(
        read=csv_reader([box.path("in.csv")], {"id": "int", "name": "string"}, "things"),
        write=csv_writer("things", {"id": "int", "name": "string"}, box.path("out", "o.csv"), top={"order": "id"})))


# ---- keyspaces ----

WRONG_NAMES = [("2024_shop", "letter first"), ("_a", "letter first"), ("SYSTEM", "system"), ("Systematic", "system"),
               ("a" * 49, "at most 48"), ("a-b", "letters, digits"), ("", "empty")]


@test
def every_command_refuses_names_that_cannot_be_keyspaces(box):
    path = small_script(box)
    native = [["run", path], ["start", path], ["validate", "--plan", path], ["runs"], ["nodes"], ["batches", "--node", "read"],
              ["stop", "--run", "1"], ["drop"], ["table", "head", "things"], ["resume", "--run", "1"],
              ["watch", "--run", "1"]]
    for name, words in WRONG_NAMES[:6]:
        for command in native:
            result = box.capi(*command, "--keyspace", name, "--data", box.path("state"))
            check_fails(result, 2, words)
            check(not os.path.exists(box.path("state", "tables", name)), command)
    script_flags = ["-script_file=" + path]
    tools = [["start_run", "-start_nodes=read"] + script_flags, ["exec_node", "-node_id=read"] + script_flags,
             ["stop_run", "-run_id=1"], ["get_run_history"], ["get_node_history"],
             ["get_batch_history", "-run_id=1", "-node=read"], ["drop_keyspace"],
             ["get_run_status_diagram", "-run_id=1"] + script_flags, ["get_table_cql", "-run_id=1"] + script_flags]
    for name, words in WRONG_NAMES:
        for command in tools:
            check_fails(tool(box, *command, "-keyspace=" + name), 1, words)


@test
def case_does_not_tell_keyspaces_apart(box):
    path = small_script(box)
    well(box.capi("run", path, "--keyspace", "Shop", "--data", box.path("state")))
    well(box.capi("run", path, "--keyspace", "shop", "--data", box.path("state")))
    listed = well(box.capi("runs", "--output", "csv", "--data", box.path("state")))
    check_equal([line.split(",")[:2] for line in listed.split("\n")[1:3]], [["Shop", "1"], ["Shop", "2"]])
    well(tool(box, "drop_keyspace", "-keyspace=SHOP"))
    check_equal(len(well(box.capi("runs", "--output", "csv", "--data", box.path("state"))).split("\n")), 2)


@test
def a_keyspace_named_like_its_script_has_a_name_that_is_allowed(box):
    for name, keyspace in [("2024.json", "script_2024"), ("_draft.json", "script__draft"), ("System.json", "script_System"),
                           ("a b.json", "a_b"), ("b" * 48 + ".json", "b" * 48)]:
        well(box.capi("run", small_script(box, name), "--data", box.path("state")))
        check(keyspace in well(box.capi("runs", "--output", "csv", "--data", box.path("state"))), keyspace)
    check_fails(box.capi("run", small_script(box, "c" * 49 + ".json"), "--data", box.path("state")), 2, "at most 48")


# ---- nodes and batches ----

STATISTICS = (r"inserter_elapsed: \d+\.\d{4} s; (\S+) -> (\S+); row_reads: (\d+); \d+\.\d r/s; "
              r"(?:row_writes: (\d+); \d+\.\d w/s; )?")


def events(box, command, *flags, columns):
    """The lines of a history: tuples of the named columns."""
    lines = well(tool(box, command, *flags)).split("\n")
    names = lines[0].split(",")
    rows = [dict(zip(names, line.split(",", len(names) - 1))) for line in lines[1:] if line]
    return [tuple(row[name] for name in columns) for row in rows]


def nodes_of(box, *runs):
    return events(box, "get_node_history", "-keyspace=test", "-run_ids=" + ",".join(runs),
                  columns=("script_node", "status", "comment"))


def batches_of(box, run, node, *columns):
    return events(box, "get_batch_history", "-keyspace=test", "-run_id=" + run, "-node=" + node, columns=columns)


def table_node(source, target, expressions, batches=1, **more):
    fields = {name: {"expression": text, "type": "int"} for name, text in expressions.items()}
    return dict({"type": "table_table", "r": {"table": source, "expected_batches_total": batches},
                 "w": {"name": target, "fields": fields}}, **more)


def numbers(box, text="id\n0\n1\n2\n3\n4\n5\n"):
    return csv_reader([box.write("numbers.csv", text)], {"id": "int"}, "numbers")


@test
def nodes_tell_by_which_batch_they_were_started_and_completed(box):
    box.run_well(box.write("s.json", script(read=numbers(box), copy=table_node("numbers", "copies", {"id": "r.id"}, 3))))
    found = nodes_of(box, "1")
    check_equal(found[0], ("read", "1", "marked started by batch 0 / 1"))
    check_equal(found[1], ("read", "2", "marked completed by batch 0 / 1 - all batches ok"))
    check_equal(found[2], ("copy", "1", "marked started by batch 0 / 3"))
    check(re.fullmatch(r"marked completed by batch [012] / 3 - all batches ok", found[3][2]), found)


@test
def statistics_name_files_and_tables_of_their_runs(box):
    manual = {"start_policy": "manual"}
    path = box.write("s.json", script(
        read=numbers(box), copy=table_node("numbers", "copies", {"id": "r.id"}, 2, **manual),
        write=dict(csv_writer("copies", {"id": "int"}, box.path("out", "o.csv"), top={"order": "id"}), **manual)))
    box.run_well(path)
    box.run_well(path, "--start", "copy")
    box.run_well(path, "--start", "write")

    def told(run, node):
        ended = [comment for status, comment in batches_of(box, run, node, "status", "comment") if status == "2"]
        return [re.fullmatch(STATISTICS, comment.replace(",", ";")).groups() for comment in ended]

    check_equal(told("1", "read"), [(box.path("numbers.csv"), "numbers_00001", "6", "6")])
    check_equal(told("2", "copy"), [("numbers_00001", "copies_00002", "3", "3")] * 2)
    check_equal(told("3", "write"), [("copies_00002", box.path("out", "o.csv"), "6", "6")])


@test
def rows_that_a_batch_before_has_too_are_not_counted_as_written(box):
    fields = {"id": {"expression": "r.id", "type": "int"}}
    box.run_well(box.write("s.json", script(
        read=numbers(box, "id\n1\n1\n2\n3\n2\n4\n1\n1\n1\n"),
        dedup={"type": "distinct_table", "r": {"table": "numbers", "expected_batches_total": 3}, "rerun_policy": "fail",
               "w": {"name": "once", "fields": fields, "indexes": {"idx_once": "unique(id)"}}})))
    ended = {row[0]: row[2] for row in batches_of(box, "1", "dedup", "batch_idx", "status", "comment") if row[1] == "2"}
    counts = [re.fullmatch(STATISTICS, ended[batch]).groups() for batch in "012"]
    check_equal(counts, [("numbers_00001", "once_00001", "3", count) for count in ("2", "2", "0")])
    native = well(box.capi("batches", "--node", "dedup", "--keyspace", "test", "--data", box.path("state"), "--output", "csv"))
    check_equal([line.split(",")[3] for line in native.split("\n")[1:4]], ["2", "2", "0"])


@test
def failures_and_nogos_have_their_sentences(box):
    path = box.write("s.json", script(read=numbers(box), divide=table_node("numbers", "shares", {"x": "12 / (r.id - 4)"}, 2),
                                      after=table_node("shares", "last", {"x": "r.x"}, 2)))
    result = box.run(path)
    check_fails(result, 1, "integer division by zero", "in node \"divide\" (table_table), batch 1 of 2, script \"%s\"" % path)
    found = nodes_of(box, "1")
    failed = "marked completed with some failed batches by batch %s / 2 - check batch history"
    check(("divide", "3", failed % 0) in found or ("divide", "3", failed % 1) in found, found)
    check(("after", "3", failed % 1) in found, found)
    found = batches_of(box, "1", "divide", "batch_idx", "status", "first_token", "last_token", "comment")
    comment = [row[4] for row in found if row[:2] == ("1", "3")][0]
    check(re.fullmatch(r"error running node divide of type table_table in the script \[%s\]: \[row 4 of table .*division by zero.*\]"
                       % re.escape(path), comment) and "in node" not in comment, comment)
    check_equal([row[2:4] for row in found if row[0] == "0"], [("0", "2")] * 2)
    check_equal([row[2:4] for row in found if row[0] == "1"], [("3", "5")] * 2)
    found = batches_of(box, "1", "after", "status", "comment")
    check_equal([row[0] for row in found], ["3", "3"])
    check(all(row[1].startswith("nogo; rules (3;-1); ") and "shares" in row[1] for row in found), found)
    check_fails(box.run(path, "--start", "after"), 1, "nogo, rules (8,-1), ")


@test
def a_failed_or_running_reader_of_files_tells_which_file(box):
    good, bad = box.write("good.csv", "id\n1\n"), box.write("bad.csv", "id\nx\n")
    check_fails(box.run(box.write("s.json", script(read=csv_reader([good, bad], {"id": "int"}, "numbers")))), 1, "bad.csv")
    found = batches_of(box, "1", "read", "batch_idx", "status", "first_token", "last_token")
    check_equal(sorted(found), [("0", "1", "0", "0"), ("0", "2", "0", "0"), ("1", "1", "1", "1"), ("1", "3", "1", "1")])
    native = well(box.capi("batches", "--node", "read", "--keyspace", "test", "--data", box.path("state"), "--output", "csv"))
    check_equal([line.split(",")[4:6] for line in native.split("\n")[1:3]], [["0", "0"], ["1", "1"]])


# ---- exec_node ----

def chain(box):
    """read -> copy (3 batches) -> write"""
    return box.write("chain.json", script(
        read=numbers(box), copy=table_node("numbers", "copies", {"id": "r.id"}, 3),
        write=csv_writer("copies", {"id": "int"}, box.path("missing", "o.csv"), top={"order": "id"})))


def exec_node(box, path, node, *flags):
    return tool(box, "exec_node", "-keyspace=test", "-script_file=" + path, "-node_id=" + node, *flags)


@test
def a_direct_run_affects_what_lies_below_and_executes_its_node_alone(box):
    path = chain(box)
    well(exec_node(box, path, "read"))
    native = well(box.capi("nodes", "--keyspace", "test", "--data", box.path("state"), "--output", "csv"))
    check_equal([line.split(",")[:2] for line in native.split("\n")[1:4]],
                [["read", "success"], ["copy", "none"], ["write", "none"]])
    well(exec_node(box, path, "copy"))
    os.mkdir(box.path("missing"))
    well(exec_node(box, path, "write"))
    check_equal(box.read("missing", "o.csv").split(), b"id 0 1 2 3 4 5".split())
    runs = events(box, "get_run_history", "-keyspace=test", columns=("run_id", "status", "comment"))
    check_equal(runs, [row for run, node in (("1", "read"), ("2", "copy"), ("3", "write"))
                       for row in ((run, "1", "Toolbelt RunNode(%s)" % node),
                                   (run, "2", "Toolbelt RunNode(%s); run successful" % node))])


@test
def batches_of_a_direct_run_are_executed_in_order(box):
    path = chain(box)
    well(exec_node(box, path, "read"))
    well(exec_node(box, path, "copy"))
    found = batches_of(box, "2", "copy", "batch_idx", "status", "ts")
    times = {row[:2]: row[2] for row in found}
    for batch in (1, 2):
        check(times[(str(batch), "1")] >= times[(str(batch - 1), "2")], found)
    check(("copy", "2", "marked completed by batch 2 / 3 - all batches ok") in nodes_of(box, "2"))


@test
def a_direct_run_that_would_have_to_wait_stays_and_can_be_gone_on_with(box):
    path = chain(box)
    box.write("read.json", script(read=numbers(box)))
    well(tool(box, "start_run", "-keyspace=test", "-script_file=" + box.path("read.json"), "-start_nodes=read"))
    check_fails(exec_node(box, path, "copy"), 1, "does not wait", "numbers", "-run_id=2")
    runs = events(box, "get_run_history", "-keyspace=test", columns=("run_id", "status"))
    check_equal(runs, [("1", "1"), ("2", "1")])
    well(box.capi("resume", "--keyspace", "test", "--run", "1", "--data", box.path("state")))
    check_fails(box.capi("resume", "--keyspace", "test", "--run", "2", "--data", box.path("state")), 2, "exec_node -run_id=2")
    check(well(exec_node(box, path, "copy", "-run_id=2")).startswith("run 2, elapsed "))
    check_fails(exec_node(box, path, "copy", "-run_id=2"), 1, "run 2 is complete")
    check_fails(exec_node(box, path, "copy", "-run_id=1"), 1, "run 1 is complete")


@test
def a_direct_run_may_take_an_id_that_was_never_given(box):
    path = chain(box)
    check(well(exec_node(box, path, "read", "-run_id=7")).startswith("run 7, elapsed "))
    check(well(exec_node(box, path, "read")).startswith("run 8, elapsed "))
    check_fails(exec_node(box, path, "read", "-run_id=3"), 1, "run id 3, or a greater one, was given before")
    well(box.capi("drop", "--keyspace", "test", "--run", "8", "--data", box.path("state")))
    check_fails(exec_node(box, path, "read", "-run_id=8"), 1, "was given before")
    well(exec_node(box, path, "read", "-run_id=70000"))
    check_equal(batches_of(box, "70000", "read", "run_id", "status"), [("70000", "1"), ("70000", "2")])
    check("numbers_70000" in batches_of(box, "70000", "read", "comment")[1][0])
    well(box.capi("nodes", "--run", "70000", "--keyspace", "test", "--data", box.path("state")))


main()
