#!/usr/bin/env python3
"""The command line: help, wrong usage, and what the commands print."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, check_equal, check_fails, csv_reader, main, script, test


def small_run(box):
    source = box.write("in.csv", "id,name,price,at,ok\n1,Zoë,2.5,2024-02-29 10:00:00,T\n2,\"a,b\",-0.05,,0\n")
    path = box.write("s.json", script(read=csv_reader([source], {
        "id": "int", "name": "string", "price": "decimal2", "at": ("datetime", "2006-01-02 15:04:05"), "ok": "bool"},
        "things")))
    return path, box.run_well(path)


@test
def the_version_is_a_number(box):
    result = box.capi("version")
    check_equal(result.code, 0)
    check(re.search(rb"\b\d+\.\d+\.\d+\b", result.out), str(result))


@test
def help_lists_the_commands_and_each_command_its_options(box):
    result = box.capi("--help")
    check_equal(result.code, 0)
    for command in (b"run", b"validate", b"table head", b"table export", b"version"):
        check(command in result.out, str(result))
    result = box.capi("run", "--help")
    check_equal(result.code, 0)
    for option in (b"--params", b"--start", b"--threads", b"--memory", b"--set", b"--data", b"--keyspace"):
        check(option in result.out, str(result))


@test
def wrong_usage_says_what_is_wrong(box):
    check(box.capi().code == 2, "no command at all")
    check_fails(box.capi("rnu"), 2, "rnu")
    check_fails(box.capi("run"), 2)
    path, _ = small_run(box)
    check_fails(box.run(path, "--thraeds", "2"), 2, "thraeds", "threads")
    check_fails(box.run(path, "--threads", "0"), 2, "threads", "0")
    check_fails(box.run(path, "--threads", "many"), 2, "many")
    check_fails(box.run(path, "--memory", "1X"), 2, "1X")
    check_fails(box.run(path, "--set", "nothing"), 2, "nothing")


@test
def every_node_of_a_short_run_is_reported(box):
    _, result = small_run(box)
    check(b"read: done, " in result.err and b"2 written" in result.err, str(result))


@test
def a_table_is_shown_and_exported(box):
    _, result = small_run(box)
    check(b"complete" in result.err, str(result))
    check_equal(box.table("things"), "id,name,price,at,ok\r\n1,Zoë,2.50,2024-02-29T10:00:00.000Z,true\n"
                                     "2,\"a,b\",-0.05,1901-01-01T00:00:00.000Z,false\n".encode(), "the export")
    head = box.capi("table", "head", "things", "--keyspace", "test", "--data", box.path("state"), "--rows", "1")
    check_equal(head.code, 0)
    check("Zoë".encode() in head.out and b"a,b" not in head.out, str(head))


@test
def a_table_or_keyspace_that_does_not_exist_is_named(box):
    small_run(box)
    result = box.capi("table", "head", "thinks", "--keyspace", "test", "--data", box.path("state"))
    check(result.code != 0, str(result))
    check_fails(result, result.code, "thinks")
    result = box.capi("table", "head", "things", "--keyspace", "toast", "--data", box.path("state"))
    check(result.code != 0, str(result))
    check_fails(result, result.code, "toast")


@test
def validate_says_that_a_script_is_well(box):
    path, _ = small_run(box)
    check_equal(box.capi("validate", path).code, 0)
    result = box.capi("validate", path, "--plan", "--data", box.path("none"))
    check(b"read" in result.out and b"things" in result.out, str(result))


@test
def a_file_where_the_data_folder_should_be_is_told(box):
    path = box.write("s.json", script(read=csv_reader([box.write("in.csv", "x\n1\n")], {"x": "int"}, "things")))
    box.write("file", "")
    for folder in (box.path("file"), box.path("file", "below"), box.path("file", "far", "below") + "/"):
        for words in (["run", path], ["start", path], ["runs"], ["daemon"], ["gc"], ["validate", "--plan", path],
                      ["table", "head", "things", "--keyspace", "k"]):
            check_fails(box.capi(*words, "--data", folder), 2, "\"%s\" is a file, expected a folder" % box.path("file"))


@test
def what_was_done_before_is_shown_when_a_run_is_gone_on_with(box):
    path = box.write("s.json", script(read=csv_reader([box.write("in.csv", "x\n1\n2\n3\n")], {"x": "int"}, "things")))
    box.run_well(path)
    result = box.capi("resume", "--keyspace", "test", "--run", "1", "--data", box.path("state"))
    check(result.code == 0 and b"read: done, 3 rows read, 3 written" in result.err, str(result))


main()
