#!/usr/bin/env python3
"""Random criteria of tag_and_denormalize, compared with what Python says of every row: conditions over several fields, joined
and negated, with many patterns over each text, in several batches and threads."""
import json
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, check_equal, csv_reader, main, script, test

COLUMNS = {"id": "int", "i": "int", "j": "int", "f": "float", "d": "decimal2", "b": "bool", "s": "string", "u": "string",
           "w": "string"}
WORDS = ["fabric", "Fabric", "cotton", "WOOL", "wool", "task", "tasK", "taſk", "Kelvin", "\u212aelvin", "straße", "STRASSE",
         "Größe", "größe", "шёлк", "ШЁЛК", "x", "ab", "abab", "a1b2", "7", "2024", "-", ".", ",", "\U0001f642", "size:L", "[x]"]
NAMES = ["", "red", "Red", "blue", "green", "cotton"]


class Row:
    def __init__(self, pick, number):
        self.id, self.i, self.j = number, pick.randint(0, 60), pick.randint(0, 9)
        self.f, self.d, self.b = pick.randint(0, 400) / 4, pick.randint(0, 2000), pick.random() < 0.5
        self.s = " ".join(pick.choice(WORDS) for _ in range(pick.randint(0, 7)))
        self.u = "".join(pick.choice(WORDS) for _ in range(pick.randint(0, 4)))
        self.w = pick.choice(NAMES)

    def line(self):
        return "%d,%d,%d,%s,%d.%02d,%s,\"%s\",\"%s\",%s\n" % (self.id, self.i, self.j, self.f, self.d // 100, self.d % 100,
                                                         "true" if self.b else "false", self.s, self.u, self.w)


# ---- criteria: text and what Python makes of it ----

def pattern(pick):
    """In a syntax that both engines understand in the same way."""
    def atom(depth):
        kind = pick.randrange(12)
        if kind < 5:
            return re.escape(pick.choice(WORDS))
        if kind == 5 and depth:
            return "(?:%s)" % "|".join(sequence(depth - 1) for _ in range(pick.randint(1, 3)))
        if kind == 6 and depth:
            return "(%s)" % sequence(depth - 1)
        if kind == 7 and depth:
            if pick.random() < 0.5:  # of fixed words only, lest Python tries all ways to part a text
                return "(?:%s|%s)%s" % (*(re.escape(pick.choice(WORDS)) for _ in range(2)), pick.choice(["*", "+", "{1,}", "*?"]))
            return "(?:%s)%s" % (sequence(depth - 1), pick.choice(["?", "{2}", "{0,2}", "??"]))
        return pick.choice(["[a-z]", "[^a-z ]", "[0-9]+", ".", ".*", "[^ ]*", "[ёк]", "[ A-Zſ]?", "[^k]", "a*", "[xy.,]", ".{3,60}"])

    def sequence(depth):
        return "".join(atom(depth) for _ in range(pick.randint(1, 3)))

    text = sequence(1)
    if pick.random() < 0.15:
        text += "|" + sequence(1)
        text = "(?:%s)" % text
    text = pick.choice(["", "", "", "^", "\\A"]) + text + pick.choice(["", "", "", "$", "\\z"])
    return pick.choice(["", "", "", "(?i)", "(?i)", "(?s)", "(?is)"]) + text


def match(pick):
    text = pattern(pick)
    compiled = re.compile(text.replace("\\z", "\\Z").replace("$", "\\Z"))
    name, of = pick.choice([("r.s", lambda r: r.s), ("r.s", lambda r: r.s), ("r.s", lambda r: r.s), ("r.u", lambda r: r.u),
                            ("(r.u + r.w)", lambda r: r.u + r.w), ("r.w", lambda r: r.w),
                            ("strings.ReplaceAll(r.s, ` `, ``)", lambda r: r.s.replace(" ", ""))])
    return "re.MatchString(`%s`, %s)" % (text, name), lambda r: compiled.search(of(r)) is not None


OPERATORS = {"==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
             ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


def comparison(pick):
    sign = pick.choice(list(OPERATORS))
    compare = OPERATORS[sign]
    number, small = pick.randint(0, 60), pick.randint(1, 9)
    return pick.choice([
        ("r.i %s %d" % (sign, number), lambda r: compare(r.i, number)),
        ("r.i + r.j * %d %s %d" % (small, sign, number), lambda r: compare(r.i + r.j * small, number)),
        ("r.i %% %d == r.j" % small, lambda r: r.i % small == r.j),
        ("r.f %s %d.5" % (sign, number), lambda r: compare(r.f, number + 0.5)),
        ("r.d %s decimal2(%d)" % (sign, small), lambda r: compare(r.d, small * 100)),
        ("r.b == %s" % ("true" if small % 2 else "false"), lambda r: r.b == bool(small % 2)),
        ("r.w %s `%s`" % ("==" if small % 2 else "!=", NAMES[small % len(NAMES)]),
         lambda r: (r.w == NAMES[small % len(NAMES)]) == bool(small % 2)),
        ("len(r.u) %s %d" % (sign, small), lambda r: compare(len(r.u.encode()), small)),
        ("r.i < 0", lambda r: False),
        ("r.i >= 0", lambda r: True),
    ])


def condition(pick, depth):
    kind = pick.randrange(8)
    if depth == 0 or kind < 3:
        return match(pick) if pick.random() < 0.7 else comparison(pick)
    (a, is_a), (b, is_b) = condition(pick, depth - 1), condition(pick, depth - 1)
    if kind == 3:
        return "!(%s)" % a, lambda r: not is_a(r)
    if kind == 4:
        return "(%s) == (%s)" % (a, b), lambda r: is_a(r) == is_b(r)
    if kind == 5:
        return "(%s) || (%s)" % (a, b), lambda r: is_a(r) or is_b(r)
    return "(%s) && (%s)" % (a, b), lambda r: is_a(r) and is_b(r)


# ---- runs ----

def tagged(box, criteria, rows, threads, batches):
    """The pairs (tag, id) that come out, sorted."""
    files = []
    for number in range(2):
        part = rows[number * len(rows) // 2:(number + 1) * len(rows) // 2]
        files.append(box.write("in%d.csv" % number, ",".join(COLUMNS) + "\n" + "".join(row.line() for row in part)))
    node = {"type": "table_custom_tfm_table", "custom_proc_type": "tag_and_denormalize",
            "r": {"table": "source", "expected_batches_total": batches},
            "p": {"tag_field_name": "tag", "tag_criteria_url": box.write("criteria.json", criteria)},
            "w": {"name": "tagged", "fields": {"tag": {"expression": "p.tag", "type": "string"},
                                               "id": {"expression": "r.id", "type": "int"}}}}
    path = box.write("tag.json", json.dumps(script(read=csv_reader(files, COLUMNS, "source"), compute=node)))
    box.run_well(path, "--threads", str(threads), timeout=600)
    lines = box.table("tagged").decode().replace("\r\n", "\n").split("\n")[1:-1]
    return sorted((line.split(",")[0], int(line.split(",")[1])) for line in lines)


def compare(box, conditions, rows, threads, batches):
    criteria = {"t%d" % n: text for n, (text, _) in enumerate(conditions)}
    found = tagged(box, criteria, rows, threads, batches)
    expected = sorted(("t%d" % n, row.id) for n, (_, is_true) in enumerate(conditions) for row in rows if is_true(row))
    for tag, number in sorted(set(found) ^ set(expected))[:1]:
        row = next(row for row in rows if row.id == number)
        check(False, "%s for %s: %s" % (criteria[tag], row.line(), (tag, number) in found))
    check_equal(len(found), len(expected), "rows of the result")
    return len(found)


@test
def random_conditions_give_what_python_says(box):
    for seed in range(4):
        pick = random.Random(seed)
        rows = [Row(pick, number) for number in range([2100, 1, 65, 600][seed])]
        conditions = [condition(pick, 3) for _ in range(400)]
        found = compare(box, conditions, rows, pick.choice([1, 2]), pick.choice([1, 7]))
        check(0 < found < len(conditions) * len(rows), found)


@test
def ten_thousand_criteria_give_what_python_says(box):
    pick = random.Random(99)
    rows = [Row(pick, number) for number in range(150)]
    check(compare(box, [condition(pick, 1) for _ in range(10_000)], rows, 2, 3) > 10_000, "few rows")


@test
def criteria_of_which_none_is_true_give_no_rows(box):
    pick = random.Random(5)
    rows = [Row(pick, number) for number in range(300)]
    never = [("re.MatchString(`%s`, r.%s)" % (text, field), lambda r: False)
             for field in "suw" for number in range(20)
             for text in ("word%d" % number, "(?i)WORD%d[^ ]*" % number, "(no%d|none%d)" % (number, number), "a\\bb", "[^\\x00-\\x{10FFFF}]")]
    check_equal(compare(box, never, rows, 2, 5), 0)


if __name__ == "__main__":
    main()
