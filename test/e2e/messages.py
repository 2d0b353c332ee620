#!/usr/bin/env python3
"""What an author reads about mistakes: for every rule the exact message, all mistakes at once, places in the file as it was written,
the JSON Schema, and limits.

test/golden/messages holds one file a case: the files, the command, what it prints, its exit code."""
import glob
import json
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, ROOT, check, check_equal, check_fails, csv_reader, main, script, test
from packages import python_with

CASES = os.path.join(ROOT, "test", "golden", "messages")
RULES = ["V%d" % i for i in range(1, 89)] + ["S%d" % i for i in range(1, 11)]
CANNOT_HAPPEN = {
    "V56": "an index name begins with idx, a table name must not (V22, V33)",
    "S10": "batch numbers have 32 bits here; V15 has the limit",
}


def sections(text):
    """The parts of a case: (title, content), in order."""
    parts = re.split(r"^--- (.*)\n", text, flags=re.M)
    return list(zip(parts[1::2], parts[2::2]))


def run_case(box, path):
    """The case as it is printed now."""
    with open(path, encoding="utf-8") as file:
        expected = file.read()
    folder = box.path(os.path.basename(path))
    os.mkdir(folder)
    got = expected[:expected.index("--- ")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAPI_") or name == "CAPI_BINARY"}
    for title, content in sections(expected):
        words = title.split()
        if words[0] in ("capillaries", "capitoolbelt"):
            done = subprocess.run([os.path.join(os.path.dirname(BINARY), words[0])] + words[1:], cwd=folder, env=environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            got += "--- %s\n%s--- exit code %d\n" % (title, done.stdout.decode("utf-8", "replace"), done.returncode)
        elif words[0] != "exit":
            got += "--- %s\n%s" % (title, content)
            with open(os.path.join(folder, title), "w", encoding="utf-8", newline="") as file:
                file.write(content)
    return got, expected


@test
def every_message_is_as_it_should_be(box):
    wrong = []
    for path in sorted(glob.glob(os.path.join(CASES, "*.txt"))):
        got, expected = run_case(box, path)
        if got != expected:
            wrong.append("%s prints\n%s" % (os.path.basename(path), got))
    check(not wrong, "%d cases differ; the first:\n%s" % (len(wrong), wrong[0] if wrong else ""))


@test
def every_rule_has_a_case_that_shows_it(box):
    missing = set(RULES) - set(CANNOT_HAPPEN)
    for path in glob.glob(os.path.join(CASES, "*.txt")):
        rule = re.match(r"[VS]\d+", os.path.basename(path)).group()
        with open(path, encoding="utf-8") as file:
            text = file.read()
        check("[%s]" % rule in text, "%s does not show its rule" % path)
        missing.discard(rule)
    check(not missing, "no case for " + ", ".join(sorted(missing)))


# ---- all at once ----

def mistakes(result):
    return re.findall(r"^(\S+?):(\d+):(\d+): error: (.*)$", result.err.decode(), re.M)


TEN = """nodes:
  read:
    type: file_table
    r:
      urls: ["in.csv"]
      csv: {hdr_line_idx: 0, first_data_line_idx: 1}
      columns:
        c_id: {csv: {col_hdr: id}, col_type: integer}
        c_name: {csv: {col_hdr: name}, col_type: string}
    w:
      name: items
      fields:
        id: {expression: r.c_id, type: int}
        name: {expression: r.c_nam, type: string}
        size: {expression: len(r.c_name) +, type: int}
  one:
    type: table_tabel
    r: {table: items}
    w: {name: one, fields: {id: {expression: r.id, type: int}}, indexes: {idx_one: unique(id)}}
  two:
    type: table_table
    r: {table: one, expected_batches_total: -1}
    w: {name: two, fields: {id: {expression: r.id, type: int}}}
  three:
    type: table_lookup_table
    r: {table: two}
    l: {index_name: idx_one, join_on: r.id, join_type: outer, group: "no"}
    w:
      name: three
      fields:
        id: {expression: l.id, type: int}
        size: {expression: bogus(r.id), type: int}
  four:
    type: table_table
    rerun_policy: retry
    r: {table: three}
    w:
      name: four
      having: w.size
      fields:
        size: {expression: r.size, type: int}
"""


@test
def ten_mistakes_are_ten_messages_in_the_order_of_the_text(box):
    result = box.capi("validate", box.write("s.yaml", TEN))
    check_equal(result.code, 2, "exit code")
    found = mistakes(result)
    check_equal([(int(line), re.search(r"\[(\w+)\]$", text).group(1)) for _, line, _, text in found],
                [(8, "S2"), (14, "V71"), (15, "V26"), (17, "V10"), (22, "V15"), (27, "V65"), (27, "V9"), (32, "V78"), (35, "V11"),
                 (39, "V75")])


@test
def text_and_json_say_the_same(box):
    path = box.write("s.yaml", TEN)
    found = json.loads(box.capi("validate", path, "--format", "json").out)
    check_equal([(item["line"], item["column"], "%s [%s]" % (item["message"], item["rule"])) for item in found
                 if item["severity"] == "error"],
                [(int(line), int(column), text) for _, line, column, text in mistakes(box.capi("validate", path))])
    check(all(item["file"] == path and item["length"] >= 1 for item in found), str(found))


# ---- places ----

MARK = "bogus_function"


def place_of(text, mark=MARK):
    """Line and column (in characters, from 1) of the mark."""
    before = text[:text.index(mark)]
    return before.count("\n") + 1, len(before.split("\n")[-1]) + 1


def with_expression(written, before="", field="x"):
    """A YAML script in which `written` stands for one expression, after `before`."""
    return (before + "nodes:\n  read:\n    type: file_table\n    r:\n      urls: [in.csv]\n      csv: {hdr_line_idx: 0, "
            "first_data_line_idx: 1}\n      columns:\n        c: {csv: {col_hdr: c}, col_type: int}\n    w:\n      name: t\n"
            "      fields:\n        %s:\n          type: int\n          expression: %s\n" % (field, written))


def written_ways(random_numbers):
    """The same expression, a call of an unknown function, in many kinds of YAML."""
    blanks = " " * random_numbers.randrange(1, 9)
    wide = random_numbers.choice(["ä", "漢字", "\U0001f40e", "plain"])
    many = "r.c + " * random_numbers.randrange(0, 200)
    yield "r.c +" + blanks + MARK + "(1)"
    yield many + MARK + "(1)"
    yield '"len(\\"%s\\") + %s(1)"' % (wide, MARK)
    yield '"len(\\"\\u00e4\\t%s\\") + %s(1)"' % (wide, MARK)
    yield "'len(\"it''s %s\") + %s(1)'" % (wide, MARK)
    yield "|\n            r.c +\n%s%s(1)\n" % (" " * 12 + blanks[1:] * 0, MARK)
    yield "|-\n              r.c +\n                %s(1)\n" % MARK
    yield ">\n            r.c +\n            r.c +\n            %s(1)\n" % MARK
    yield ">-\n            len(\"%s\") +\n            %s(1)\n" % (wide, MARK)
    yield '"r.c +\n            r.c + %s(1)"' % MARK
    yield '"r.c + \\\n            %s(1)"' % MARK
    yield "r.c +\n            %s(1)" % MARK


@test
def places_are_those_of_the_file(box):
    numbers = random.Random(20261125)
    for round_number in range(6):
        before = "".join("# %s\n" % numbers.choice(["ä", "x" * 300, "", "\t"]) for _ in range(numbers.randrange(4)))
        for written in written_ways(numbers):
            text = with_expression(written, before)
            for end in ("\n", "\r\n"):
                path = box.write("s.yaml", text.replace("\n", end))
                result = box.capi("validate", path)
                found = [(int(line), int(column)) for _, line, column, words in mistakes(result) if MARK in words]
                check_equal(found, [place_of(text)], "the place of %r (round %d, line ends %r)\n%s"
                            % (written, round_number, end, result.err.decode()))


@test
def places_in_json_are_those_of_the_file(box):
    for written in ('"r.c + %s(1)"', '"len(\\"a\\\\n\\") + %s(1)"', '"len(\\"\\u00e4\\ud83d\\udc0e\\") + %s(1)"',
                    '"\\u0072.c\\u0020+ %s(1)"', '   "r.c +\\t%s(1)"'):
        text = json.dumps(script(read=csv_reader(["in.csv"], {"c": "int"}, "t")), indent=1).replace('"r.c_c"', written % MARK)
        text = text.replace("r.c ", "r.c_c ").replace('"\\u0072.c\\', '"\\u0072.c_c\\')
        result = box.capi("validate", box.write("s.json", "\ufeff" * 0 + text))
        check_equal([(int(line), int(column)) for _, line, column, words in mistakes(result) if MARK in words],
                    [place_of(text)], "the place of %s\n%s" % (written, result.err.decode()))


@test
def parameters_do_not_move_places(box):
    for value in ("", "r.c", "r.c + r.c + r.c + r.c + r.c + r.c"):
        text = with_expression('"%s{p} %s(1)"' % ("r.c + " if not value else "", MARK if not value else "+ " + MARK))
        params = box.write("p.yaml", "p: \"%s\"\n" % value)
        result = box.capi("validate", box.write("s.yaml", text), "--params", params)
        check_equal([(int(line), int(column)) for _, line, column, words in mistakes(result) if MARK in words],
                    [place_of(text)], "the place after %r\n%s" % (value, result.err.decode()))


@test
def mistakes_of_a_parameter_are_shown_where_it_is_used(box):
    text = with_expression('"r.c + {p}"')
    result = box.capi("validate", box.write("s.yaml", text), "--params", box.write("p.yaml", "p: \"%s(1)\"\n" % MARK))
    found = [(int(line), int(column)) for _, line, column, words in mistakes(result) if MARK in words]
    check_equal(found, [place_of(text, "{p}")], result.err.decode())


@test
def long_lines_are_shown_around_the_place(box):
    text = with_expression('"%s %s(1) %s"' % ("r.c + " * 400, MARK, "+ r.c" * 400))
    result = box.capi("validate", box.write("s.yaml", text))
    lines = [line for line in result.err.decode().split("\n") if MARK in line]
    check(lines and all(len(line) < 400 for line in lines), "lines of %s characters" % [len(line) for line in lines])


# ---- the schema ----

CHECK_SCHEMA = """
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for line in sys.stdin:
    item = json.loads(line)
    errors = [error.message for error in validator.iter_errors(item["script"])]
    if bool(errors) == item["valid"]:
        print(item["name"], errors[:1])
"""


@test
def the_json_schema_takes_all_valid_scripts_and_refuses_bad_ones(box):
    python = python_with("jsonschema")
    with open(os.path.join(ROOT, "test", "golden", "script_validation.json"), encoding="utf-8") as file:
        cases = json.load(file)
    # Parameters may stand for numbers and lists: those scripts are checked as they are after that, by the program.
    valid = [case for case in cases if case["valid"] and not re.search(r"\|(number|bool|stringlist)\}", json.dumps(case["script"]))]
    check(len(valid) > 60, "only %d valid cases" % len(valid))
    bad = [{"nodes": {"a": 1}}, {"nodes": {"a": {"type": "file"}}}, {"nodes": []}, [],
           {"nodes": {"a": {"type": "table_table", "start_policy": "Manual", "r": {"table": "t"}, "w": {"name": "x"}}}},
           {"nodes": {"a": {"type": "table_table", "r": {"table": 1}, "w": {"name": "x"}}}},
           {"nodes": {"a": {"type": "file_table", "r": {"urls": "in.csv"}, "w": {"name": "x"}}}},
           {"nodes": {"a": {"type": "table_table", "r": {"table": "t"}, "w": {"name": "x", "fields": {"a": {"type": "integer"}}}}}}]
    lines = [json.dumps({"name": case["name"], "valid": True, "script": case["script"]}) for case in valid]
    lines += [json.dumps({"name": "bad %d" % i, "valid": False, "script": one}) for i, one in enumerate(bad)]
    done = subprocess.run([python, "-c", CHECK_SCHEMA, os.path.join(ROOT, "doc", "script.schema.json")],
                          input="\n".join(lines).encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    check_equal((done.returncode, done.stdout.decode()), (0, ""))


# ---- limits ----

@test
def large_scripts_are_read_soon(box):
    reader = csv_reader(["in.csv"], {"id": "int"}, "t0", indexes={"idx_t0": "unique(id)"})
    field = {"id": {"expression": "r.id", "type": "int"}}
    chain = {"read": reader}
    star = {"read": reader}
    for i in range(1, 10000):
        chain["n%d" % i] = {"type": "table_table", "r": {"table": "t%d" % (i - 1)}, "w": {"name": "t%d" % i, "fields": field}}
        star["n%d" % i] = {"type": "table_lookup_table", "r": {"table": "t0"},
                           "l": {"index_name": "idx_t0", "join_on": "r.id", "join_type": "left", "group": False},
                           "w": {"name": "t%d" % i, "fields": field}}
    wide = {"read": csv_reader(["in.csv"], {"f%d" % i: "int" for i in range(5000)}, "t")}
    for name, nodes in (("chain", chain), ("star", star), ("wide", wide)):
        path = box.write(name + ".json", script(**nodes))
        begin = time.monotonic()
        result = box.capi("validate", path)
        print("note: a %s of %d bytes took %.2f s" % (name, os.path.getsize(path), time.monotonic() - begin))
        check_equal(result.code, 0, result.err.decode()[-2000:])


@test
def what_is_too_large_or_too_deep_is_refused_by_a_limit(box):
    for expression, words in (("1" + "+1" * 500000, "expression"), ("(" * 100000 + "1" + ")" * 100000, "deep"),
                              ("-" * 1 + "!" * 100000 + "true", "deep"), ("int(" * 50000 + "1" + ")" * 50000, "deep")):
        node = csv_reader(["in.csv"], {"id": "int"}, "t")
        node["w"]["fields"]["id"]["expression"] = expression
        result = box.capi("validate", box.write("s.json", script(read=node)))
        check_fails(result, 2, "error")
        check(re.search(r"at most|too deep|more than|deeper|longer", result.err.decode()), result.err.decode()[-600:])
    for text in ("[" * 100000, '{"a":' * 100000):
        check_fails(box.capi("validate", box.write("s.json", text)), 2, "error")
        check_fails(box.capi("validate", box.write("s.yaml", text)), 2, "error")
    bomb = "a: &a [x]\n" + "".join("%s: &%s [%s]\n" % (b, b, ",".join(["*" + a] * 50)) for a, b in zip("abcdefgh", "bcdefghi"))
    check_fails(box.capi("validate", box.write("s.yaml", bomb)), 2, "error")


main()
