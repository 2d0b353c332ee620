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


main()
