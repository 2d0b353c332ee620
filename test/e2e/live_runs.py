#!/usr/bin/env python3
"""Two live runs: files of their own are allowed, one file for both is not."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, check_equal, check_fails, csv_reader, csv_writer, main, script, test


def write_script(box, name, target):
    source = box.write("in.csv", "id\n1\n2\n")
    return box.write(name, script(read=csv_reader([source], {"id": "int"}, "t"), write=csv_writer("t", {"id": "int"}, target)))


def start(box, path, keyspace="test"):
    return box.capi("start", path, "--keyspace", keyspace, "--data", box.path("state"))


@test
def runs_with_files_of_their_own_live_side_by_side(box):
    path = write_script(box, "s.json", box.path("out/{run_id|string}.csv"))
    check_equal([start(box, path).out, start(box, path).out], [b"1\n", b"2\n"])
    for run in ("1", "2"):
        result = box.capi("resume", "--keyspace", "test", "--run", run, "--data", box.path("state"))
        check(result.code == 0, str(result))
    check_equal(box.out_files(), ["00001.csv", "00002.csv"])


@test
def one_file_is_written_by_one_live_run(box):
    path = write_script(box, "s.json", box.path("out/{run_id|string}.csv"))
    fixed = write_script(box, "fixed.json", box.path("out/00001.csv"))
    check_equal(start(box, path).out, b"1\n")
    check_fails(start(box, fixed, "other"), 2, "file \"%s\" is being written by run 1 of keyspace \"test\"" % box.path("out/00001.csv"))
    check_fails(start(box, path, "third"), 2, "00001.csv", "run 1 of keyspace \"test\"")
    check(box.capi("stop", "--keyspace", "test", "--run", "1", "--data", box.path("state")).code == 0)
    check_equal(start(box, fixed, "other").out, b"1\n")


@test
def a_folder_for_each_run_may_be_made_before_it_is_written(box):
    path = write_script(box, "s.json", box.path("out/{run_id|string}/o.csv"))
    os.mkdir(box.path("out/00001"))
    check(box.run(path).code == 0, "the run with a folder")
    check_equal(box.read("out/00001/o.csv"), b"id\r\n1\n2\n")
    check_fails(box.run(path), 1, box.path("out/00002"))


@test
def a_rule_that_fails_ends_the_run_with_its_reason(box):
    content = script(read=csv_reader([box.write("in.csv", "id\n1\n")], {"id": "int"}, "t"),
                     write=csv_writer("t", {"id": "int"}, box.path("out/o.csv")))
    content["dependency_policies"] = {"odd": {"is_default": True, "event_priority_order": "run_id(desc)", "rules": [
        {"cmd": "go", "expression": "10 / (nrs.run_id - 1) > 100"}]}}
    path = box.write("s.json", content)
    check_fails(box.run(path), 1, "policy \"odd\" cannot be evaluated for table \"t\"", "division by zero")
    check(b"complete" in box.capi("runs", "--data", box.path("state")).out, "the run is not complete")


main()
