#!/usr/bin/env python3
"""What an author reads about mistakes: for every rule the exact message, all mistakes at once, nothing that only follows from
another mistake, suggestions, places in the file as it was written, the JSON Schema, and limits.

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
    return (expected if is_left_out(got) else got), expected


def is_left_out(printed):
    """The case is about Parquet, and the build has none."""
    return "not available in this build" in printed


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


def said(item):
    """One item of the JSON as a line of the text."""
    place = item.get("file", "") + "".join(":%d" % item[key] for key in ("line", "column") if key in item)
    rule = " [%s]" % item["rule"] if "rule" in item else ""
    return "%s%s: %s%s" % (place + ": " if place else "", item["severity"], item["message"], rule)


@test
def text_and_json_say_the_same(box):
    count = 0
    for path in sorted(glob.glob(os.path.join(CASES, "*.txt"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        command = re.search(r"^--- capillaries (validate .*)\n", text, flags=re.M)
        if not command:
            continue
        run_case(box, path)
        folder = box.path(os.path.basename(path))
        done = subprocess.run([BINARY] + command.group(1).split() + ["--format", "json"], cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if is_left_out(done.stdout.decode()):
            continue
        found = json.loads(done.stdout)
        printed = text[command.end():]
        check_equal([said(item) for item in found], re.findall(r"^(?:\S+: )?(?:error|warning): .*$", printed, re.M), path)
        check_equal(["  " + item["context"] for item in found if "context" in item], re.findall(r"^  in .*$", printed, re.M),
                    path)
        check("exit code %d\n" % done.returncode in printed, "%s: exit code %d" % (path, done.returncode))
        for item in found:
            suggested = re.search(r'did you mean "([^"]*)"\?$', item["message"])
            check_equal(item.get("suggestion"), suggested and suggested.group(1), path)
            check("column" not in item or item["end_column"] == item["column"] + item["length"] > item["column"], str(item))
        count += len(found)
    check(count > 200, "only %d messages" % count)


@test
def json_and_yaml_give_the_same_messages(box):
    with open(os.path.join(ROOT, "test", "golden", "script_validation.json"), encoding="utf-8") as file:
        cases = [case for case in json.load(file) if not case["valid"] and "custom_processors" not in case]
    check(len(cases) > 150, "only %d cases" % len(cases))
    for case in cases:
        text = json.dumps(case["script"], indent=1)
        options = ["--params", box.write("p.json", json.dumps(case["params"]))] if case["params"] else []
        printed = []
        for kind in ("json", "yaml"):
            result = box.capi("validate", box.write("s." + kind, text), *options)
            check_equal(result.code, 2, case["name"] + " as " + kind)
            printed.append(result.err.decode().replace("s.yaml", "s.json"))
        if 'expected ","' in printed[0]:  # what may come next is not the same
            printed = [re.findall(r"json:(\d+:\d+): error: .*( \[V9\])", text) for text in printed]
        check_equal(printed[1], printed[0], case["name"])


# ---- nothing that follows from something else ----

@test
def one_mistake_is_one_message(box):
    whole = shop()
    check_equal(box.capi("validate", box.write("s.json", json.dumps(whole))).code, 0, "the script without mistakes")
    wrong = []
    for path, value, rule in ONE_MISTAKE:
        text = json.dumps(changed(whole, path, value), indent=1)
        result = box.capi("validate", box.write("s.json", text))
        found = mistakes(result)
        if [re.search(r"\[(\w+)\]$", words).group(1) for _, _, _, words in found] != [rule]:
            wrong.append("%s = %r is not one %s:\n%s" % ("/".join(map(str, path)), value, rule, result.err.decode()))
    check(not wrong, "\n".join(wrong))


REMOVED = object()


def shop():
    """A script with one node of each kind."""
    field = lambda expression, kind: {"expression": expression, "type": kind}
    return {"nodes": {
        "read": {"type": "file_table", "start_policy": "manual",
                 "r": {"urls": ["a.csv"], "csv": {"hdr_line_idx": 0, "first_data_line_idx": 1},
                       "columns": {"c_id": {"csv": {"col_hdr": "id"}, "col_type": "int"},
                                   "c_name": {"csv": {"col_hdr": "name"}, "col_type": "string"}}},
                 "w": {"name": "items", "fields": {"id": field("r.c_id", "int"), "name": field("r.c_name", "string")},
                       "indexes": {"idx_items_id": "unique(id)"}}},
        "orders": {"type": "table_table", "r": {"table": "items"},
                   "w": {"name": "orders", "having": "w.id > 0",
                         "fields": {"id": field("r.id", "int"), "name": field("r.name", "string")}}},
        "look": {"type": "table_lookup_table", "r": {"table": "orders"},
                 "l": {"index_name": "idx_items_id", "join_on": "r.id", "join_type": "left", "group": True, "filter": "l.id > 0"},
                 "w": {"name": "looked", "fields": {"id": field("r.id", "int"), "n": field("count()", "int"),
                                                    "all": field('string_agg(l.name, ",")', "string")}}},
        "one": {"type": "distinct_table", "rerun_policy": "fail", "r": {"table": "looked"},
                "w": {"name": "ones", "fields": {"id": field("r.id", "int")},
                      "indexes": {"idx_to_check_uniq_ones": "unique(id)"}}},
        "tags": {"type": "table_custom_tfm_table", "custom_proc_type": "tag_and_denormalize", "r": {"table": "ones"},
                 "p": {"tag_field_name": "tag", "tag_criteria": {"low": "r.id < 10"}},
                 "w": {"name": "tagged", "fields": {"id": field("r.id", "int"), "tag": field("p.tag", "string")}}},
        "write": {"type": "table_file", "r": {"table": "tagged"},
                  "w": {"url_template": "out.csv", "top": {"order": "id(desc)"},
                        "columns": [{"name": "id", "expression": "r.id", "type": "int", "csv": {"header": "id", "format": "%d"}},
                                    {"name": "tag", "expression": "r.tag", "type": "string",
                                     "csv": {"header": "tag", "format": "%s"}}]}}},
        "dependency_policies": {"standard": {"event_priority_order": "run_id(desc)", "is_default": True, "rules": [
            {"cmd": "go", "expression": "nrs.node_status == wfmodel.NodeBatchSuccess"}]}}}


def changed(tree, path, value):
    """A copy of the tree with another value at one place."""
    tree = json.loads(json.dumps(tree))
    at = tree
    for key in path[:-1]:
        at = at[key]
    if value is REMOVED:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return tree


def node(name, *path):
    return ("nodes", name) + path


# What later nodes read is wrong here; they are not to be told again.
ONE_MISTAKE = [
    (node("read"), "x", "V9"),
    (node("read", "type"), REMOVED, "V10"),
    (node("read", "type"), "bogus", "V10"),
    (node("read", "type"), 1, "V9"),
    (node("read", "r"), REMOVED, "V13"),
    (node("read", "r", "columns", "c_id", "col_type"), "text", "S2"),
    (node("read", "r", "columns", "c_id"), 1, "V9"),
    (node("read", "r", "columns", "c_id", "csv"), 1, "V9"),
    (node("read", "r", "columns", "c_id", "csv", "col_hdr"), 1, "V9"),
    (node("read", "r", "columns", "c_id", "csv"), {"col_idx": 0}, "V20"),
    (node("read", "r", "columns", "c_id"), {"parquet": {"col_name": "x"}, "col_type": "int"}, "S7"),
    (node("read", "w"), REMOVED, "V21"),
    (node("read", "w"), [], "V9"),
    (node("read", "w"), {}, "S1"),
    (node("read", "w", "name"), REMOVED, "S1"),
    (node("read", "w", "name"), "", "S1"),
    (node("read", "w", "name"), 7, "V9"),
    (node("read", "w", "fields"), [], "V9"),
    (node("read", "w", "fields", "id"), None, "V9"),
    (node("read", "w", "fields", "id", "type"), REMOVED, "V27"),
    (node("read", "w", "fields", "id", "type"), "number", "V27"),
    (node("read", "w", "fields", "id", "expression"), "r.c_id +", "V26"),
    (node("read", "w", "fields", "id", "expression"), "r.c_idd", "V71"),
    (node("read", "w", "fields", "id", "expression"), "r.c_name", "V78"),
    (node("read", "w", "indexes"), "x", "V9"),
    (node("read", "w", "indexes", "idx_items_id"), "unique(id", "V28"),
    (node("read", "w", "indexes", "idx_items_id"), "unique(idd)", "V29"),
    (node("read", "w", "indexes", "idx_items_id"), 1, "V9"),
    (node("orders", "r", "table"), "itmes", "V57"),
    (node("orders", "r", "table"), "", "V14"),
    (node("orders", "r"), 1, "V9"),
    (node("orders", "w", "having"), "w.idd > 0", "V70"),
    (node("look", "l"), REMOVED, "V58"),
    (node("look", "l"), "x", "V9"),
    (node("look", "l", "index_name"), "idx_bogus", "V58"),
    (node("look", "l", "index_name"), REMOVED, "V58"),
    (node("look", "l", "index_name"), 1, "V9"),
    (node("look", "l", "join_on"), "r.bogus", "V61"),
    (node("look", "l", "join_type"), REMOVED, "V65"),
    (node("look", "l", "group"), "yes", "V9"),
    (node("look", "w", "fields", "all", "expression"), "string_agg(l.nme, \",\")", "V71"),
    (node("one", "w", "indexes"), REMOVED, "V53"),
    (node("one", "w", "indexes", "idx_to_check_uniq_ones"), 1, "V9"),
    (node("one", "w", "indexes", "idx_to_check_uniq_ones"), "uniqe(id)", "V28"),
    (node("one", "rerun_policy"), REMOVED, "V52"),
    (node("one", "rerun_policy"), "fial", "V11"),
    (node("one", "rerun_policy"), "rerun", "V52"),
    (node("tags", "custom_proc_type"), "tag", "V41"),
    (node("tags", "custom_proc_type"), REMOVED, "V41"),
    (node("tags", "p"), REMOVED, "V9"),
    (node("tags", "p"), 1, "V9"),
    (node("tags", "p", "tag_field_name"), REMOVED, "S8"),
    (node("tags", "p", "tag_criteria"), "x", "V9"),
    (node("tags", "p", "tag_criteria", "low"), 1, "V9"),
    (node("write", "w", "columns"), [], "V35"),
    (node("write", "w", "columns"), {}, "V9"),
    (node("write", "w", "columns", 0), 1, "V9"),
    (node("write", "w", "columns", 0, "csv"), 1, "V9"),
    (node("write", "w", "columns", 0, "csv", "header"), 1, "V9"),
    (node("write", "w", "columns", 0, "type"), "integer", "V38"),
    (node("write", "w", "columns", 0, "name"), 1, "V9"),
    (node("write", "w", "columns", 0, "expression"), "r.idd", "V73"),
    (("dependency_policies", "standard", "rules", 0, "cmd"), "gone", "S6"),
    (("dependency_policies", "standard", "rules"), "x", "V81"),
    (("dependency_policies", "standard"), 1, "V81"),
    (("dependency_policies",), 1, "V9"),
    (("nodes",), 1, "V9"),
]


# ---- what was meant ----

@test
def names_with_a_slip_get_a_suggestion(box):
    wrong = []
    for path, value, meant in SLIPS:
        result = box.capi("validate", box.write("s.json", json.dumps(changed(shop(), path, value), indent=1)))
        if 'did you mean "%s"?' % meant not in result.err.decode():
            wrong.append('%s = %r: no "%s" in\n%s' % ("/".join(map(str, path)), value, meant, result.err.decode()))
    check(not wrong, "\n".join(wrong))


SLIPS = [
    (node("orders", "type"), "table_tabel", "table_table"),
    (node("orders", "start_policy"), "manul", "manual"),
    (node("orders", "rerun_policy"), "reurn", "rerun"),
    (node("orders", "dependency_policy"), "standart", "standard"),
    (node("orders", "star_policy"), "manual", "start_policy"),
    (node("orders", "r", "tabel"), "items", "table"),
    (node("orders", "r", "table"), "item", "items"),
    (node("orders", "w", "havin"), "w.id > 1", "having"),
    (node("orders", "w", "having"), "w.ids > 1", "w.id"),
    (node("orders", "w", "fields", "id", "typ"), "int", "type"),
    (node("orders", "w", "fields", "id", "type"), "itn", "int"),
    (node("orders", "w", "fields", "id", "expression"), "r.ib", "r.id"),
    (node("orders", "w", "fields", "id", "expression"), "id", "r.id"),
    (node("orders", "w", "fields", "id", "expression"), "lenn(r.name)", "len"),
    (node("orders", "w", "fields", "id", "expression"), "string.ReplaceAll(r.name)", "strings.ReplaceAll"),
    (node("read", "w", "indexes", "idx_items_id"), "unique(idd)", "id"),
    (node("read", "w", "indexes", "idx_items_id"), "unique(name(dessc))", "desc"),
    (node("look", "l", "index_name"), "idx_item_id", "idx_items_id"),
    (node("look", "l", "join_on"), "r.naem", "name"),
    (node("look", "l", "join_type"), "iner", "inner"),
    (node("look", "l", "filter"), "l.naem != \"\"", "l.name"),
    (node("look", "w", "fields", "n", "expression"), "coun()", "count"),
    (node("look", "w", "fields", "all", "expression"), "string_ag(l.name, \",\")", "string_agg"),
    (node("tags", "custom_proc_type"), "tag_and_denormalise", "tag_and_denormalize"),
    (node("tags", "p", "tag_criteria", "low"), "r.idd < 10", "r.id"),
    (node("write", "w", "top", "order"), "idd", "id"),
    (node("write", "w", "columns", 0, "expresion"), "r.id", "expression"),
    (node("write", "w", "columns", 0, "csv", "formt"), "%d", "format"),
    (("dependency_policies", "standard", "event_priority_order"), "run_idd", "run_id"),
    (("dependency_policies", "standard", "rules", 0, "cmd"), "nogoo", "nogo"),
    (("dependency_policies", "standard", "rules", 0, "expression"), "nrs.node_state == 1", "nrs.node_status"),
    (("dependency_policies", "standard", "rules", 0, "expression"), "nrs.node_status == wfmodel.NodeBatchSucess",
     "wfmodel.NodeBatchSuccess"),
    (("node",), {}, "nodes"),
]


# ---- places ----

MARK = "bogus_function"


def place_of(text, mark=MARK):
    """Line and column (in characters, from 1) of the mark."""
    before = text[:text.index(mark)]
    return before.count("\n") + 1, len(before.split("\n")[-1]) + 1


def check_place(box, result, text, mark, what):
    found = [(int(line), int(column)) for _, line, column, words in mistakes(result) if MARK in words]
    check_equal(found, [place_of(text, mark)], "the place in %s\n%s\n%s" % (what, text, result.err.decode()))


def with_expression(written, before="", field="x"):
    """A YAML script in which `written` stands for one expression, after `before`."""
    return (before + "nodes:\n  read:\n    type: file_table\n    r:\n      urls: [in.csv]\n      csv: {hdr_line_idx: 0, "
            "first_data_line_idx: 1}\n      columns:\n        c: {csv: {col_hdr: c}, col_type: int}\n    w:\n      name: t\n"
            "      fields:\n        %s:\n          type: int\n          expression: %s\n" % (field, written))


# Settings with an expression or an order in them: (where, beginnings of it that may be repeated, the end).
BOOLS = ['len("%s") > 0 &&', 'len("%s") < 5 ||', '"%s" != "" &&']
NUMBERS = ['len("%s") +', '2 * len("%s") -']
CONTAINERS = [
    (("nodes", "read", "w", "fields", "id", "expression"), NUMBERS, MARK + "(1)"),
    (("nodes", "look", "w", "fields", "id", "expression"), NUMBERS, "r." + MARK),
    (("nodes", "orders", "w", "having"), BOOLS, MARK + "(1)"),
    (("nodes", "look", "l", "filter"), BOOLS, "l." + MARK),
    (("nodes", "write", "w", "columns", 1, "expression"), ['"%s" +'], MARK + "(1)"),
    (("nodes", "write", "w", "having"), BOOLS, "w." + MARK),
    (("nodes", "tags", "p", "tag_criteria", "low"), BOOLS, MARK + "(1)"),
    (("nodes", "read", "w", "indexes", "idx_items_id"), ["unique(id, name,"], MARK + ")"),
    (("nodes", "write", "w", "top", "order"), ["id,", "tag(desc),"], MARK),
    (("dependency_policies", "standard", "event_priority_order"), ["run_id(desc),"], MARK),
    (("dependency_policies", "standard", "rules", 0, "expression"), ["nrs.run_id > 0 &&", "nrs.run_is_current ||"],
     "nrs." + MARK),
]
WIDE = ["plain", "\u00e4\u00f6", "\u6f22\u5b57", "\U0001f40e", "e\u0301", "it's", "# x", "a: b"]


def random_words(numbers, container):
    """The pieces of an expression; between them there may be anything that is blank."""
    _, beginnings, end = container
    many = 1 if "(" in beginnings[0] and beginnings[0].startswith("unique") else numbers.choice([0, 1, 2, 3, 60])
    words = [numbers.choice(beginnings) for _ in range(many)]
    return [word % numbers.choice(WIDE) if "%s" in word else word for word in words] + [end]


def joined(numbers, words, between):
    return "".join(word + numbers.choice(between) for word in words[:-1]) + words[-1]


def escaped(numbers, words, ways):
    """Some characters written as escapes; none of the last word, which is looked for."""
    return ["".join('\\"' if char == '"' and numbers.random() < 0.5 else
                    numbers.choice(ways)(char) if char == '"' or numbers.random() < 0.1 else char for char in word)
            for word in words[:-1]] + words[-1:]


def json_unicode(char):
    return json.dumps(char)[1:-1] if ord(char) > 0xFFFF else "\\u%04x" % ord(char)


YAML_ESCAPES = [lambda char: "\\U%08X" % ord(char),
                lambda char: "\\u%04x" % ord(char) if ord(char) < 0x10000 else "\\U%08x" % ord(char),
                lambda char: "\\x%02x" % ord(char) if ord(char) < 0x100 else "\\U%08x" % ord(char)]


def as_yaml(numbers, words, indent):
    """The expression in one of the ways YAML has for a text; `indent` is that of the name before it."""
    inside = " " * (indent + numbers.randrange(1, 5))
    blanks = [" ", "  ", " \t "]
    style = numbers.choice(["plain", "single", "double", "literal", "folded"])
    if style == "plain" and (words[0][0] in "\"'&*" or any(bad in word for word in words for bad in (": ", " #", "# "))):
        style = "single"
    if style == "plain":
        return style, joined(numbers, words, blanks[:2] + ["\n" + inside])
    if style == "single":
        return style, "'" + joined(numbers, [word.replace("'", "''") for word in words], blanks + ["\n" + inside]) + "'"
    if style == "double":
        folds = [" \n" + inside, " \\\n" + inside, "\\\n" + inside + "\\ "]
        return style, '"' + joined(numbers, escaped(numbers, words, YAML_ESCAPES), blanks + folds) + '"'
    head = ("|" if style == "literal" else ">") + numbers.choice(["", "-", "+"])
    more = "" if style == "folded" else numbers.choice(["", "  "])
    return style, head + "\n" + inside + joined(numbers, words, blanks + ["\n" + inside, "\n" + inside + more]) + "\n"


def yaml_of(tree, path, written, indent=0):
    """The tree as block YAML, with `written` for the value at the path."""
    text = ""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        name = " " * indent + ("- " if isinstance(tree, list) else json.dumps(key) + ": ")
        rest = path[1:] if path and path[0] == key else None
        if rest == []:
            text += name + written + ("" if written.endswith("\n") else "\n")
        elif isinstance(value, (dict, list)) and rest is not None:
            text += name.rstrip() + "\n" + yaml_of(value, rest, written, indent + 2)
        else:
            text += name + json.dumps(value) + "\n"
    return text


def json_of(numbers, tree, path, words):
    """The tree as JSON, with the words at the path."""
    text = json.dumps(changed(tree, path, "HERE"), indent=numbers.choice([None, 1, "\t"]), ensure_ascii=False)
    return text.replace('"HERE"', '"' + joined(numbers, escaped(numbers, words, [json_unicode]), [" ", "  ", "\\t", "\\n"]) + '"')


@test
def places_are_those_of_the_file(box):
    numbers = random.Random(20261125)
    seen = set()
    for round_number in range(400):
        container = numbers.choice(CONTAINERS)
        path, words = list(container[0]), random_words(numbers, container)
        tree = changed(shop(), path, "") if path[-1] in ("having",) else shop()
        kind = numbers.choice(["json", "yaml", "yaml", "yaml"])
        if kind == "json":
            style, text = "json", json_of(numbers, tree, path, words)
        else:
            style, written = as_yaml(numbers, words, 2 * len(path))
            text = yaml_of(tree, path, written)
        if kind == "yaml":
            text = "".join("# %s\n" % numbers.choice(WIDE) for _ in range(numbers.randrange(3))) + text
        end = numbers.choice(["\n", "\n", "\r\n"])
        mark = container[2][:container[2].index(MARK)] + MARK
        mark = mark if "." in mark else MARK
        bom = numbers.choice(["", "", "\ufeff"]) if kind == "yaml" and "\n" in text.split(MARK)[0] else ""
        result = box.capi("validate", box.write("s." + kind, bom + text.replace("\n", end)))
        check_place(box, result, text, mark, "round %d: %s in %s" % (round_number, style, "/".join(map(str, path))))
        seen.add((style, path[-1]))
    check(len(seen) > 40, "only %d ways" % len(seen))


@test
def places_stay_when_parameters_are_put_in(box):
    numbers = random.Random(1125)
    for round_number in range(100):
        container = numbers.choice(CONTAINERS[:7])
        path = list(container[0])
        words = random_words(numbers, container)
        values = {}
        for i in range(len(words) - 1):
            if numbers.random() < 0.5:
                values["p%d" % i] = words[i]
                words[i] = numbers.choice(["{p%d}", "{ p%d }", "{p%d|string}"]) % i
        if not values:
            continue
        values = {name: value.replace('"', "`") for name, value in values.items()}
        tree = changed(shop(), path, "") if path[-1] in ("having",) else shop()
        if numbers.random() < 0.5:
            kind, text = "json", json.dumps(changed(tree, path, " ".join(words)), ensure_ascii=False)
        else:
            kind, text = "yaml", yaml_of(tree, path, "|-\n" + " " * (2 * len(path) + 2) + " ".join(words))
        mark = container[2][:container[2].index(MARK)] + MARK
        mark = mark if "." in mark else MARK
        result = box.capi("validate", box.write("s." + kind, text), "--params", box.write("p.json", json.dumps(values)))
        check_place(box, result, text, mark, "round %d: %s, parameters %s" % (round_number, kind, values))


@test
def mistakes_of_a_parameter_are_shown_where_it_is_used_with_where_it_is_from(box):
    for name, params in (("p.yaml", "# values\np: r.c + 1 +  %s(1)\n"),
                         ("p.json", '{"q": "\u00e4",\n "p": "r.c +\\u0020 %s(1)"}')):
        path = box.write(name, params % MARK)
        for written in ('"r.c + {p}"', "1 + { p }", "|\n            2 *\n            {p|string}\n"):
            text = with_expression(written)
            result = box.capi("validate", box.write("s.yaml", text), "--params", path)
            reference = re.search(r"\{ ?p.*?\}", text).group()
            check_place(box, result, text, reference, name)
            check("(%s:%d:%d)" % ((path,) + place_of(params % MARK)) in result.err.decode(), result.err.decode())
            check('with parameter "p" = ' in result.err.decode(), result.err.decode())
    text = with_expression('"r.c + {p}"')
    result = box.capi("validate", box.write("s.yaml", text), "--set", "p=%s(1)" % MARK)
    check_place(box, result, text, "{p}", "--set")
    check('with parameter "p" = "%s(1)"\n' % MARK in result.err.decode(), result.err.decode())


@test
def long_lines_are_shown_around_the_place(box):
    text = with_expression('"%s %s(1) %s"' % ("r.c + " * 400, MARK, "+ r.c" * 400))
    result = box.capi("validate", box.write("s.yaml", text))
    lines = [line for line in result.err.decode().split("\n") if MARK in line]
    check(lines and all(len(line) < 400 for line in lines), "lines of %s characters" % [len(line) for line in lines])


# ---- the schema ----

CHECK_SCHEMA = """
import json, sys, jsonschema, yaml
schema = json.load(open(sys.argv[1], encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for line in sys.stdin:
    item = json.loads(line)
    script = item["script"] if "script" in item else yaml.safe_load(open(item["name"], encoding="utf-8"))
    errors = [error.message for error in validator.iter_errors(script)]
    if bool(errors) == item["valid"]:
        print(item["name"], errors[:1])
"""


# Every invalid case of these rules is refused by the schema already.
RULES_OF_SCHEMA = ["V%d" % i for i in (10, 11, 12, 13, 14, 15, 16, 17, 21, 22, 23, 24, 27, 28, 33, 34, 38, 41, 52, 60, 65, 66,
                                       76, 81)]


@test
def the_json_schema_takes_all_valid_scripts_and_refuses_bad_ones(box):
    python = python_with("jsonschema", "pyyaml")
    with open(os.path.join(ROOT, "test", "golden", "script_validation.json"), encoding="utf-8") as file:
        cases = json.load(file)
    valid = [case for case in cases if case["valid"]]
    check(len(valid) > 60, "only %d valid cases" % len(valid))
    examples = [path for path in glob.glob(os.path.join(ROOT, "examples", "*", "*.yaml")) if "params" not in path]
    check(examples, "no examples")
    refused = [case for case in cases if not case["valid"] and case["rule"] in RULES_OF_SCHEMA and not case["params"]]
    check(len(refused) > 30, "only %d cases to refuse" % len(refused))
    bad = [{"nodes": {"a": 1}}, {"nodes": {"a": {"type": "file"}}}, {"nodes": []}, [],
           {"nodes": {"a": {"type": "table_table", "start_policy": "Manual", "r": {"table": "t"}, "w": {"name": "x"}}}},
           {"nodes": {"a": {"type": "table_table", "r": {"table": 1}, "w": {"name": "x"}}}},
           {"nodes": {"a": {"type": "file_table", "r": {"urls": "in.csv"}, "w": {"name": "x"}}}},
           {"nodes": {"a": {"type": "table_table", "r": {"table": "t"},
                            "w": {"name": "x", "fields": {"a": {"type": "integer", "expression": "1"}}}}}},
           {"nodes": {"a": {"type": "table_table", "r": {"table": "t"},
                            "w": {"name": "x", "fields": {"2a": {"type": "int", "expression": "1"}}}}}},
           {"nodes": {}, "dependency_policies": {"a": {"rules": [{"cmd": "gone", "expression": "true"}]}}}]
    odd = {"nodes": {"a": {"type": "table_table", "r": {"table": "t"}, "x-note": 1, "_more": [],
                           "w": {"name": "x", "fields": {"\U0001f40e\u00e4_1": {"type": "int", "expression": "1"}}}}}}
    lines = [json.dumps({"name": case["name"], "valid": True, "script": case["script"]}) for case in valid]
    lines += [json.dumps({"name": case["name"], "valid": False, "script": case["script"]}) for case in refused]
    lines += [json.dumps({"name": path, "valid": True}) for path in examples]
    lines += [json.dumps({"name": "odd names", "valid": True, "script": odd})]
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
    def words_of(name, text):
        result = box.capi("validate", box.write(name, text))
        check_fails(result, 2, "error: ")
        check_equal(len(mistakes(result)), 1, "the number of mistakes")
        return mistakes(result)[0][3]

    for expression, words in (("1" + "+1" * 500000, "expression of 1000001 bytes is longer than the maximum of 262144 [V26]"),
                              ("1" * 500000, "expression of 500000 bytes is longer than the maximum of 262144 [V26]"),
                              ("(" * 100000 + "1" + ")" * 100000, "expression is nested deeper than 1000 levels [V26]"),
                              ("!" * 100000 + "true", "expression is nested deeper than 1000 levels [V26]"),
                              ("- " * 100000 + "1", "expression is nested deeper than 1000 levels [V26]"),
                              ("r.id" + "[1]" * 50000, "expression is nested deeper than 1000 levels [V26]"),
                              ("r" + ".id" * 50000, "expression is nested deeper than 1000 levels [V26]"),
                              ("int(" * 50000 + "1" + ")" * 50000, "expression is nested deeper than 1000 levels [V26]")):
        item = csv_reader(["in.csv"], {"id": "int"}, "t")
        item["w"]["fields"]["id"]["expression"] = expression
        check_equal(words_of("s.json", json.dumps(script(read=item))), words, expression[:20])
    for text in ("[" * 100000, '{"a":' * 100000):
        check_equal(words_of("s.json", text), "nested more than 500 deep [V9]")
        check_equal(words_of("s.yaml", text), "nested more than 500 deep [V9]")
    check_equal(words_of("s.yaml", "".join(" " * i + "a:\n" for i in range(1000))), "nested more than 500 deep [V9]")
    for begin, item in (("[x]", "*%s"), ("{x: 1}", "<<: *%s")):
        shape = "{%s}" if "<" in item else "[%s]"
        bomb = "a: &a %s\n" % begin + "".join("%s: &%s %s\n" % (b, b, shape % ",".join([item % a] * 50))
                                              for a, b in zip("abcdefgh", "bcdefghi"))
        check_equal(words_of("s.yaml", bomb), "aliases stand for more than 20000000 values [V9]")
    check_equal(words_of("s.yaml", "a: &a [*a]\n"), "this alias stands inside its own anchor [V9]")
    many = json.dumps({"nodes": {"n%d" % i: {} for i in range(100001)}})
    check_equal(words_of("s.json", many), "more than 100000 nodes [V9]")


@test
def a_file_of_a_gigabyte_is_refused_unread(box):
    for name in ("s.json", "s.yaml"):
        path = box.path(name)
        with open(path, "wb") as file:
            file.truncate(1 << 30)
        check_fails(box.capi("validate", path), 2, 'has 1073741824 bytes, expected at most 67108864 [V3]')
        check_fails(box.capi("validate", box.write("small.json", "{}"), "--params", path), 2, "expected at most 67108864 [V3]")


TEN_OF_ALL = [
    (node("read", "r", "csv", "hdr_line_idx"), "0"),
    (node("read", "w", "fields", "name", "expression"), "r.c_nam"),
    (node("read", "w", "indexes", "idx_items_id"), "unique(idd)"),
    (node("orders", "start_policy"), "Manual"),
    (node("orders", "w", "having"), "id > 0"),
    (node("look", "l", "join_type"), "outer"),
    (node("one", "rerun_policy"), REMOVED),
    (node("tags", "p", "tag_criteria", "low"), "r.id <"),
    (node("write", "w", "columns", 1, "expression"), "r.tag + 1"),
    (("dependency_policies", "standard", "rules", 0, "cmd"), "gone"),
]


@test
def any_of_ten_independent_mistakes_are_told_as_many_times(box):
    numbers = random.Random(4)
    for _ in range(60):
        tree = shop()
        made = numbers.sample(TEN_OF_ALL, numbers.randrange(1, 11))
        for path, value in made:
            tree = changed(tree, path, value)
        text = json.dumps(tree, indent=1)
        result = box.capi("validate", box.write("s.json", text))
        found = [(int(line), int(column)) for _, line, column, _ in mistakes(result)]
        check_equal(len(found), len(made), "%s\n%s" % (made, result.err.decode()))
        check_equal(found, sorted(found), "the order of\n" + result.err.decode())

@test
def passwords_in_urls_are_shown_to_nobody(box):
    url = "https://joe:s3cret@files.test/in.csv?token=s3cret"
    read = csv_reader([url], {"id": "int"}, "things")
    write = {"type": "table_file", "r": {"table": "things"}, "w": {"url_template": "sftp://joe:s3cret@files.test/out.csv", "columns": [
        {"csv": {"header": "id", "format": "%d"}, "name": "id", "expression": "r.id", "type": "int"}]}}
    good = json.dumps(script(read=read, write=write))
    wrong = good.replace("https:", "htps:").replace('"r.id"', '"r.idd"')
    wrong_path = box.write("wrong.json", wrong)
    good_path = box.write("good.json", good)
    for command in (["validate", wrong_path], ["validate", wrong_path, "--format", "json"], ["diagram", good_path, "--format", "dot"],
                    ["diagram", good_path], ["validate", good_path, "--plan", "--data", box.path("state")],
                    ["run", good_path, "--data", box.path("state")], ["batches", "--keyspace", "good", "--node", "read", "--data", box.path("state")]):
        result = box.capi(*command)
        shown = (result.out + result.err).decode()
        check("s3cret" not in shown, "%s shows the password:\n%s" % (command, shown))
        check("files.test" in shown, "%s shows no URL: the test is void\n%s" % (command, shown))
    check_equal([place for _, *place, _ in mistakes(box.capi("validate", wrong_path))], [place for _, *place, _ in mistakes(
        box.capi("validate", box.write("plain.json", wrong.replace("joe:s3cret@", "joe:ABCDEF@").replace("token=s3cret", "xxxxx=ABCDEF"))))])


main()
