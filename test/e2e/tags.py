#!/usr/bin/env python3
"""tag_and_denormalize through the whole program: where criteria come from, what is wrong with them, and that thousands of
regular expressions matched together give what another engine gives one by one."""
import json
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, check_equal, check_fails, csv_reader, csv_writer, main, script, test

COLUMNS = {"i": "int", "s": "string", "u": "string"}


def quoted(text):
    return '"%s"' % text.replace('"', '""')


def run(box, settings, rows, arguments=()):
    """Tags rows of (i, s, u)."""
    source = box.write("in.csv", "i,s,u\n" + "".join("%d,%s,%s\n" % (i, quoted(s), quoted(u)) for i, s, u in rows))
    node = {"type": "table_custom_tfm_table", "custom_proc_type": "tag_and_denormalize", "r": {"table": "source"},
            "p": {"tag_field_name": "tag", **settings},
            "w": {"name": "tagged", "fields": {"tag": {"expression": "p.tag", "type": "string"},
                                               "i": {"expression": "r.i", "type": "int"}}}}
    path = box.write("tag.json", json.dumps(script(read=csv_reader([source], COLUMNS, "source"), compute=node,
                                                   write=csv_writer("tagged", {"tag": "string", "i": "int"},
                                                                    box.path("out/result.csv")))))
    return box.run(path, *arguments, timeout=120)


def tags(box, settings, rows, arguments=()):
    """The set of (tag, i) that comes out."""
    result = run(box, settings, rows, arguments)
    check(result.code == 0, "the run failed: %s" % result)
    lines = box.read("out", "result.csv").decode().replace("\r\n", "\n").split("\n")[1:-1]
    os.remove(box.path("out", "result.csv"))
    found = {(line.rsplit(",", 1)[0], int(line.rsplit(",", 1)[1])) for line in lines}
    check_equal(len(found), len(lines), "rows of the result, each once")
    return found


ROWS = [(10, "Fabric", "a"), (3, "fabric", "b"), (4, "", "c")]
CRITERIA = {"big": "r.i >= 10", "even": "r.i % 2 == 0", "fabric": "re.MatchString(`(?i)^FAB`, r.s)", "none": "r.u == `z`"}
TAGGED = {("big", 10), ("even", 10), ("even", 4), ("fabric", 10), ("fabric", 3)}


@test
def criteria_are_in_the_script_or_in_a_json_or_yaml_file(box):
    check_equal(tags(box, {"tag_criteria": CRITERIA}, ROWS), TAGGED)
    as_yaml = "# tags\n" + "".join("%s: '%s'\n" % pair for pair in CRITERIA.items())
    for name, text in (("c.json", json.dumps(CRITERIA)), ("c.yaml", as_yaml), ("c.yml", as_yaml),
                       ("tabs.yaml", json.dumps(CRITERIA, indent="\t")), ("c", json.dumps(CRITERIA))):
        check_equal(tags(box, {"tag_criteria_url": box.write(name, text)}, ROWS), TAGGED, name)


@test
def a_file_without_criteria_gives_no_rows(box):
    check_equal(tags(box, {"tag_criteria_url": box.write("c.json", "{}")}, ROWS), set())
    check_equal(tags(box, {"tag_criteria_url": box.write("c.yaml", "{}")}, ROWS), set())
    check_equal(tags(box, {"tag_criteria": {"": "true || r.i > 0", "a b": "r.i == 3"}}, ROWS),
                {("", 10), ("", 3), ("", 4), ("a b", 3)})


@test
def wrong_criteria_are_told_before_the_run(box):
    def told(settings, *words):
        result = run(box, settings, ROWS)
        check(result.code not in (0, 1) or b"error" in result.err, str(result))
        check_fails(result, result.code, *words)
        check(result.code != 0 and box.out_files() == [], str(result))

    told({}, "tag_criteria")
    told({"tag_criteria": {}}, "tag_criteria")
    told({"tag_criteria": CRITERIA, "tag_criteria_url": box.write("c.json", "{}")}, "both")
    told({"tag_criteria_url": box.path("missing.json")}, "missing.json")
    told({"tag_criteria_url": box.write("empty.json", " \n")}, "empty.json", "is empty")
    told({"tag_criteria_url": box.write("bad.json", "{'a': 1}")}, "bad.json", ":1:2")
    told({"tag_criteria_url": box.write("bad.yaml", "a: [\n")}, "bad.yaml")
    told({"tag_criteria_url": box.write("list.yaml", "- a\n")}, "list.yaml", "expected a map")
    told({"tag_criteria_url": box.write("number.yaml", "a: 1\n")}, "number.yaml", 'tag "a"', ":1:4")
    told({"tag_criteria_url": box.write("field.yaml", "\na: r.none == 1\n")}, "field.yaml", ":2:", "none")
    told({"tag_criteria": {"x": ""}}, 'tag "x"')
    told({"tag_criteria": {"x": "r.i"}}, 'tag "x"', "bool")
    told({"tag_criteria": {"x": "p.tag == `a`"}}, 'tag "x"', "p.tag")
    told({"tag_criteria": {"x": "nothing(r.i)"}}, 'tag "x"', "nothing")
    told({"tag_criteria": {"x": "re.MatchString(`(?=a)`, r.s)"}}, 'tag "x"', "(?=")
    told({"tag_criteria": {"x": "re.MatchString(`(a)\\1`, r.s)"}}, 'tag "x"', "\\1")
    told({"tag_criteria": {"x": "re.MatchString(`(a`, r.s)"}}, 'tag "x"', "(a")


@test
def a_tag_that_is_there_twice_has_its_last_criterion_and_a_warning(box):
    twice = '{"big": "r.i >= 10",\n "odd": "r.i % 2 == 1",\n "big": "r.i >= 4"}'
    expected = {("big", 10), ("big", 4), ("odd", 3)}

    def warned(*words):
        result = box.capi("validate", box.path("tag.json"))
        check_equal(result.code, 0, str(result))
        said = [line for line in result.err.decode().split("\n") if "more than once" in line]
        check(len(said) == 1, str(result))
        for word in (": warning: ", '"big" is there', "the last one counts") + words:
            check(word in said[0], said[0])

    check_equal(tags(box, {"tag_criteria_url": box.write("c.json", twice)}, ROWS), expected)
    warned("c.json:3:2", "in the criteria file")
    run(box, {"tag_criteria": CRITERIA}, ROWS)
    box.write("tag.json", box.read("tag.json").decode().replace(json.dumps(CRITERIA), twice))
    warned("tag.json:3:2", "in tag_criteria")
    check_fails(run(box, {"tag_criteria_url": box.write("c.yaml", "big: r.i > 1\nbig: r.i > 2\n")}, ROWS), 2,
                "c.yaml:2:1", "twice")


@test
def messages_are_short_lines_of_valid_text(box):
    long_tag = "ž" * 3000
    bad = "(?:" + "ž" * 3000
    for criteria, words in (({"a\nb\x7f": "100 / (r.i - 3) > 1"}, ['tag "a\\nb\\x7f": integer division', "100 / (r.i - 3)", "row 1"]),
                            ({long_tag: "100 / (r.i - 3) > 1"}, ['žžž...": integer division']),
                            ({"x": "re.MatchString(`%s` + r.s, r.s)" % bad}, ['žžž..." is not valid: ', 'criterion of tag "x"']),
                            ({"a\nb": "re.MatchString(`%s`, r.s)" % bad}, ['žžž..." is not valid: ', 'in tag "a\\nb" of node']),
                            ({long_tag: "r.none == 1"}, ['žžž..." of node "compute"'])):
        result = run(box, {"tag_criteria": criteria}, ROWS)
        check(result.code != 0, str(result))
        said = result.err.decode()  # strictly UTF-8
        said = said[said.index("error: "):]
        for word in words:
            check(word in said, "%s not in %s" % (word, said))
        check(all(len(line.encode()) < 1000 for line in said.split("\n")), said)


def random_pattern(pick):
    parts = ["ab", "abc", "bcd", "cab", '"k":"', '[^"]*', '"', "[a-c ]*", ".*", "x?", "(?:ab|bc)", "a{2,3}", "[^a]", "b+",
             "a long part", "\\.", "(?:abc)*", "\\d", "\\w+", "A", "ABC"]
    text = "".join(pick.choice(parts) for _ in range(pick.randint(1, 5)))
    text = pick.choice(["", "", "", "^"]) + text + pick.choice(["", "", "", "\\z"])
    return pick.choice(["", "", "", "(?i)"]) + text


def random_text(pick):
    parts = ["ab", "abc", "bcd", "cab", "x", '"k":"', '"', " ", "1", "dabcab", "a long part of a text", "AB", ".", "aa", "aaa"]
    return "".join(pick.choice(parts) for _ in range(pick.randint(0, 9)))


@test
def patterns_matched_together_give_what_another_engine_gives(box):
    for seed in range(4):
        pick = random.Random(seed)
        rows = [(i, random_text(pick), random_text(pick)) for i in range(900)]
        criteria, expected = {}, set()
        for number in range(500):
            first, second, form = random_pattern(pick), random_pattern(pick), pick.randrange(7)
            s, u = "re.MatchString(`%s`, r.s)" % first, "re.MatchString(`%s`, r.u)" % second
            also = "re.MatchString(`%s`, r.s)" % second
            criteria["t%d" % number] = [s, "!" + s, s + " && " + u, s + " || " + also, "r.i > 400 && !(%s || %s)" % (s, u),
                                        "%s == %s" % (s, also), "(%s) && r.s != r.u" % u][form]
            one, two = (re.compile(p.replace("\\z", "\\Z"), re.ASCII) for p in (first, second))
            for i, text, other in rows:
                a, b, c = one.search(text), two.search(other), two.search(text)
                differ = text.strip('"') != other.strip('"')  # as texts are compared
                if [a, not a, a and b, a or c, i > 400 and not (a or b), bool(a) == bool(c), b and differ][form]:
                    expected.add(("t%d" % number, i))
        found = tags(box, {"tag_criteria": criteria}, rows, ("--threads", "2"))
        for tag, i in sorted(found ^ expected)[:1]:
            check(False, "seed %d: %s for row %s: %s" % (seed, criteria[tag], rows[i], (tag, i) in found))


@test
def thousands_of_different_texts_are_told_apart(box):
    pick = random.Random(1)
    words = ["".join(pick.choice("abcd") for _ in range(pick.randint(4, 9))) for _ in range(2500)]
    criteria = {"t%d" % n: 're.MatchString(`"k":"[^"]*%s[^"]*"`, r.s)' % word for n, word in enumerate(words)}
    rows = [(i, '{"j":"%s","k":"%s"}' % (pick.choice(words), " ".join(pick.choices(words, k=3))), "") for i in range(200)]
    expected = {("t%d" % n, i) for i, s, _ in rows for n, word in enumerate(words) if word in s.split('"k":"')[1]}
    check_equal(tags(box, {"tag_criteria": criteria}, rows), expected)


@test
def automata_with_too_many_states_are_right_all_the_same(box):
    """Patterns whose automata would have 2^n states, more than the memory of any of them has room for."""
    pick = random.Random(2)
    rows = [(i, "".join(pick.choice("ab") for _ in range(3000)) + pick.choice(["c", "d"]), "") for i in range(8)]
    criteria = {"t%d" % n: "re.MatchString(`a[ab]{%d,%d}c`, r.s)" % (n, n) for n in range(20, 60)}
    criteria.update({"n%d" % n: "!re.MatchString(`(?:a|b)*a(?:a|b){%d,%d}d`, r.s)" % (n, n) for n in range(20, 60)})
    expected = {("t%d" % n, i) for i, s, _ in rows for n in range(20, 60) if s[-1] == "c" and s[-2 - n] == "a"}
    expected |= {("n%d" % n, i) for i, s, _ in rows for n in range(20, 60) if not (s[-1] == "d" and s[-2 - n] == "a")}
    check_equal(tags(box, {"tag_criteria": criteria}, rows), expected)


if __name__ == "__main__":
    main()
