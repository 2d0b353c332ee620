#!/usr/bin/env python3
"""What programs read: every command's JSON and CSV, with values that are hard to write; pipes that close, disks that are full; and
completion in real shells."""
import csv
import io
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, script, test

COLUMNS = {"i": "int", "f": "float", "d": "decimal2", "b": "bool", "s": "string",
           "t": ("datetime", "2006-01-02T15:04:05.000")}
ROWS = [
    ["9223372036854775807", "0.1", "92233720368547758.07", "true", 'quote " comma , back\\slash', "2024-02-29T23:59:59.999"],
    ["-9223372036854775808", "-1e308", "-0.01", "false", "line\none\r\ttab\x1b[31mred\x07", "1901-01-01T00:00:00.000"],
    ["0", "1e-320", "0.00", "true", "", "9999-12-31T00:00:00.000"],
    ["1", "NaN", "1.10", "false", "wörld \U0001f40e", "2024-01-01T00:00:00.000"],
    ["2", "+Inf", "2.00", "true", "-", "2024-01-01T00:00:00.000"],
]


def table(box):
    """A table with those rows."""
    lines = [",".join(COLUMNS).encode()]
    for row in ROWS:
        lines.append(b",".join(b'"' + cell.encode().replace(b'"', b'""') + b'"' for cell in row))
    path = box.write("s.json", script(read=csv_reader([box.write("in.csv", b"\n".join(lines) + b"\n")], COLUMNS, "t")))
    box.run_well(path)


def command(box, *words, **options):
    return box.capi(*words, "--keyspace", "test", "--data", box.path("state"), **options)


def rows_of_json(result):
    check_equal(result.code, 0, str(result))
    return json.loads(result.out.decode("utf-8"))


def rows_of_csv(result):
    check_equal(result.code, 0, str(result))
    return list(csv.DictReader(io.StringIO(result.out.decode("utf-8", "surrogateescape"), newline="")))


@test
def the_head_of_a_table_is_exact_in_json(box):
    table(box)
    rows = rows_of_json(command(box, "table", "head", "t", "--output", "json"))
    check_equal([row["i"] for row in rows], [2**63 - 1, -2**63, 0, 1, 2])
    check_equal([row["f"] for row in rows], [0.1, -1e308, 1e-320, "NaN", "+Inf"])
    check_equal([row["d"] for row in rows], [row[2] for row in ROWS])
    check_equal([row["b"] for row in rows], [True, False, True, False, True])
    check_equal([row["s"] for row in rows], [row[4] for row in ROWS])


@test
def the_head_of_a_table_is_exact_in_csv(box):
    table(box)
    rows = rows_of_csv(command(box, "table", "head", "t", "--output", "csv"))
    check_equal([row["s"].encode("utf-8", "surrogateescape") for row in rows],
                [row[4].encode() for row in ROWS])
    check_equal([row["d"] for row in rows], [row[2] for row in ROWS])


@test
def terminals_are_not_told_what_to_do(box):
    table(box)
    for words in (["table", "head", "t"], ["table", "profile", "t"], ["runs"], ["nodes"]):
        result = command(box, *words)
        check(b"\x1b" not in result.out + result.err and b"\x07" not in result.out + result.err,
              "%s prints control characters: %s" % (words, result))


@test
def every_listing_comes_in_three_forms(box):
    table(box)
    for words in (["runs"], ["nodes"], ["batches", "--node", "read"], ["table", "profile", "t"], ["table", "head", "t"],
                  ["watch", "--run", "1"]):
        text, rows = command(box, *words), rows_of_csv(command(box, *words, "--output", "csv"))
        found = rows_of_json(command(box, *words, "--output", "json"))
        check_equal(text.code, 0, str(text))
        found = found["columns"] if isinstance(found, dict) else found
        check_equal(len(found), len(rows), "rows of %s" % words)
        check_fails(command(box, *words, "--output", "xml"), 2, "xml", "table, json or csv")
    found = rows_of_json(box.capi("runs", "--data", box.path("state"), "--output", "json"))
    check_equal([(row["keyspace"], row["run_id"], row["status"]) for row in found], [("test", 1, "complete")])
    found = rows_of_json(box.capi("doctor", "--data", box.path("state"), "--output", "json"))
    check("store" in [row["what"] for row in found], str(found))


@test
def deeds_are_told_to_programs(box):
    table(box)
    path = box.path("s.json")
    nodes = rows_of_json(box.run(path, "--output", "json"))
    check_equal([(node["node"], node["status"], node["rows"]) for node in nodes], [("read", "success", 5)])
    check_equal(rows_of_json(command(box, "start", path, "--output", "json")),
                [{"deed": "started", "keyspace": "test", "run_id": 3}])
    check_equal(rows_of_json(command(box, "stop", "--run", "3", "--output", "json")),
                [{"deed": "stopped", "keyspace": "test", "run_id": 3}])
    check_equal(rows_of_csv(command(box, "gc", "--runs-older-than", "0s", "--dry-run", "--output", "csv")),
                [{"deed": "would remove", "keyspace": "test", "run_id": str(run)} for run in (1, 2, 3)])
    check_equal(rows_of_json(command(box, "drop", "--run", "1", "--output", "json")),
                [{"deed": "removed", "keyspace": "test", "run_id": 1}])
    check_equal(rows_of_json(command(box, "drop", "--output", "json")),
                [{"deed": "removed", "keyspace": "test", "run_id": 0}])
    check_equal(rows_of_json(box.capi("runs", "--data", box.path("state"), "--output", "json")), [])


@test
def a_reader_who_leaves_ends_the_program_quietly(box):
    table(box)
    for words in ("table export t --keyspace test --data " + box.path("state"), "help --markdown"):
        done = subprocess.run(["bash", "-c", "set -o pipefail; %s %s | head -n 1 >/dev/null" % (BINARY, words)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        check(b"anitizer" not in done.stderr and b"rror" not in done.stderr, done.stderr.decode())


@test
def a_full_disk_behind_standard_output_is_an_error(box):
    table(box)
    for words in (["table", "export", "t", "--keyspace", "test"], ["table", "head", "t", "--keyspace", "test", "--output", "json"],
                  ["runs", "--output", "csv"], ["nodes", "--keyspace", "test"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BINARY, *words, "--data", box.path("state")], stdout=full, stderr=subprocess.PIPE, check=False)
        check(done.returncode != 0, "%s: exit code 0" % words)
        check(b"standard output" in done.stderr, "%s: %s" % (words, done.stderr.decode()))


@test
def no_color_and_no_terminal_mean_no_escapes(box):
    path = box.write("s.json", script(read=csv_reader([box.write("in.csv", "i\n1\n")], {"i": "int"}, "t")))
    result = box.run(path)
    check(b"\x1b" not in result.err, str(result))
    if not shutil.which("script"):
        raise Skip("there is no script program to make a terminal with")
    line = "%s run %s --keyspace x --data %s" % (BINARY, path, box.path("state"))
    done = subprocess.run(["script", "-qec", line, "/dev/null"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"}, check=False)
    check(b"\x1b[3" not in done.stdout and b"\x1b[9" not in done.stdout, repr(done.stdout))


# ---- completion ----

def completion(shell):
    return subprocess.run([BINARY, "completion", shell], stdout=subprocess.PIPE, check=True).stdout.decode()


def bash_completes(box, words):
    """What bash offers for the last of the words."""
    text = completion("bash") + """
COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
spec=$(complete -p capillaries); function=${spec##*-F }; function=${function%%%% *}
$function capillaries "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%%s\\n' "${COMPREPLY[@]}"
""" % " ".join("'%s'" % word for word in words)
    done = subprocess.run(["bash", "--norc", "-c", text], cwd=box.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    check(done.returncode == 0 and not done.stderr, done.stderr.decode())
    return {word.strip() for word in done.stdout.decode().split("\n")} - {""}


@test
def bash_completes_commands_options_and_files(box):
    box.write("pipeline.yaml", "x")
    check_equal(bash_completes(box, ["capillaries", "val"]), {"validate"})
    check_equal(bash_completes(box, ["capillaries", "table", "pro"]), {"profile"})
    check("--params" in bash_completes(box, ["capillaries", "run", "--pa"]), "no --params")
    check_equal(bash_completes(box, ["capillaries", "run", "pipe"]), {"pipeline.yaml"})
    check_equal(bash_completes(box, ["capillaries", "runs", "--output", ""]), {"table", "json", "csv"})


ZSH = r"""
zmodload zsh/zpty
zpty shell 'TERM=dumb zsh -f -i'
zpty -w shell "PS1='' PROMPT='' RPS1=''; autoload -Uz compinit; compinit -u -D; source $1; $2; $3; print REA''DY"
zpty -r -m shell out '*READY*'
zpty -w -n shell "$4"$'\t'
zpty -r -m shell out '*DONE*'
zpty -d shell
"""

# Notes what matches, and lets zsh go on.
COMPADD = """compadd() { local -a found; builtin compadd -O found "$@"; print -rl -- "${found[@]}" >>found; builtin compadd "$@" }"""

# The tabulator key says when it is done.
KEY = """tabulator() { zle expand-or-complete; print DO''NE }; zle -N tabulator; bindkey '^I' tabulator"""


def zsh_completes(box, line):
    """What zsh finds when the tabulator key is pressed behind the line."""
    source = box.write("completion.zsh", completion("zsh"))
    box.write("found", "")
    done = subprocess.run(["zsh", "-f", "-c", ZSH, "zsh", source, COMPADD, KEY, line], cwd=box.folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    check(done.returncode == 0, done.stdout.decode())
    return {word for word in box.read("found").decode().split("\n") if word}


def fish_completes(box, line):
    source = box.write("completion.fish", completion("fish"))
    done = subprocess.run(["fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", source, line], cwd=box.folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "HOME": box.folder}, check=False)
    check(done.returncode == 0, done.stdout.decode())
    return {word.split("\t")[0] for word in done.stdout.decode().split("\n")} - {""}


def check_shell(box, shell, completes):
    if not shutil.which(shell):
        raise Skip("%s is not installed" % shell)
    box.write("pipeline.yaml", "x")
    box.write("parameters.json", "{}")
    for line, wanted in (("capillaries val", {"validate"}), ("capillaries table pro", {"profile"}),
                         ("capillaries run --dry", {"--dry-run"}), ("capillaries table head --ro", {"--rows"}),
                         ("capillaries runs --output ", {"table", "json", "csv"}), ("capillaries completion ", {"bash", "zsh", "fish"}),
                         ("capillaries run pipe", {"pipeline.yaml"}), ("capillaries run --params param", {"parameters.json"}),
                         ("capillaries nothing --x", set())):
        check_equal(completes(box, line), wanted, "%s for %r" % (shell, line))
    found = completes(box, "capillaries ")
    for name in ("run", "resume", "table", "doctor", "completion"):
        check(name in found, "%s does not offer %s, but %s" % (shell, name, found))


@test
def zsh_completes_when_the_key_is_pressed(box):
    check_shell(box, "zsh", zsh_completes)


@test
def fish_completes_when_the_key_is_pressed(box):
    check_shell(box, "fish", fish_completes)


@test
def the_version_is_told_to_programs(box):
    words = box.capi("version").out.decode().split()
    check_equal(rows_of_json(box.capi("version", "--output", "json")), [{"program": words[0], "version": words[1]}])
    check_equal(rows_of_csv(box.capi("version", "--output", "csv")), [{"program": words[0], "version": words[1]}])
    check_equal(box.capi("--version").out.decode().split(), words)
    check_fails(box.capi("version", "--output", "xml"), 2, "xml")


@test
def closed_standard_files_are_no_failure_and_no_file_takes_their_place(box):
    source = csv_reader([box.write("in.csv", "id\n1\n")], {"id": "int"}, "things")
    path = box.write("s.json", script(read=source, write=csv_writer("things", {"id": "int"}, box.path("out/o.csv"))))
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", "exec %s run %s --data %s %s" % (BINARY, path, box.path("state"), closed)], stdin=subprocess.DEVNULL,
                              capture_output=True)
        check_equal(done.returncode, 0, "%s: %s" % (closed, done.stderr.decode()))
        check_equal(box.read("out", "o.csv").split(), [b"id", b"1"], closed)
    done = subprocess.run(["sh", "-c", "exec %s version >&-" % BINARY], capture_output=True)
    check(done.returncode != 0 and b"standard output" in done.stderr, str(done))

main()
