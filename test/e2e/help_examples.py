#!/usr/bin/env python3
"""The examples in the help of each command work: run as they stand, one after another, in one folder."""
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, check, check_equal, csv_reader, csv_writer, main, script, test


def capillaries(*words):
    return subprocess.run([BINARY, *words], check=True, capture_output=True, text=True).stdout


def commands():
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?) {2,}", capillaries("--help"), re.M)


def examples(command):
    text = capillaries(*command.split(), "--help")
    return re.findall(r"^  (capillaries .*)", text.split("\nexample")[1], re.M) if "\nexample" in text else []


@test
def every_command_has_examples_of_itself(box):
    check(len(commands()) > 20, commands())
    for command in commands():
        lines = examples(command)
        check(1 <= len(lines) <= 3, "command \"%s\" has %d examples: a row of src/cmd/help_examples.c is missing" % (command, len(lines)))
        for line in lines:
            check(line.startswith("capillaries %s" % command), line)
            check(line in capillaries("help", "--markdown"), "not in the manual: " + line)


def shop(box):
    """The script of the examples."""
    box.write("sales.csv", "id,price\n1,2.50\n2,3.00\n")
    fields = {"id": "int", "price": "decimal2"}
    read = csv_reader(["sales.csv"], fields, "sales")
    report = dict(csv_writer("sales", fields, "report_{day}.csv", top={"order": "id"}), start_policy="manual")
    box.write("shop.yaml", script(read=read, report=report))
    box.write("params.yaml", '{"day": "2024-05-01"}')


def run_daemon(line, folder, environment):
    """Until the run that was started before is complete."""
    daemon = subprocess.Popen(["bash", "-c", "exec " + line], cwd=folder, env=environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
    watch = subprocess.run([BINARY, "watch", "--keyspace", "night"], cwd=folder, env=environment, capture_output=True)
    daemon.send_signal(signal.SIGTERM)
    err = daemon.communicate(timeout=60)[1]
    check(watch.returncode == 0 and daemon.returncode == 0, "%s\n%s" % (watch.stderr, err))


@test
def the_examples_do_what_they_say(box):
    shop(box)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAPI_")}
    environment = dict(kept, CAPI_DATA=box.path("state"), PATH=os.path.dirname(os.path.abspath(BINARY)) + ":" + os.environ["PATH"])
    has_parquet = "parquet cat" in commands()
    for command in commands():
        for line in examples(command):
            if command == "daemon":
                run_daemon(line, box.folder, environment)
                continue
            if command == "parquet diff":
                shutil.copy(box.path("sales.parquet"), box.path("copy.parquet"))
            if ".parquet" in line and not has_parquet:
                continue
            done = subprocess.run(["bash", "-euc", line], cwd=box.folder, env=environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=120)
            check(done.returncode == 0, "%s\nends with %d: %s" % (line, done.returncode, done.stderr.decode()))
    check_equal(box.read("report_2024-05-01.csv").split(), b"id,price 1,2.50 2,3.00".split())
    check_equal(box.read("sales.csv").split(), b"id,price 1,2.50 2,3.00".split())
    for name in ("sales.yaml", "raw.yaml"):
        made = subprocess.run([BINARY, "validate", box.path(name)], capture_output=True)
        check_equal(made.returncode, 0, made.stderr)
    for name in ("shop.svg", "script.schema.json", "capillaries.bash", "capillaries.1"):
        check(len(box.read(name)) > 1000, name)


main()
