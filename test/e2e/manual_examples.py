#!/usr/bin/env python3
"""Every example of the manual is true: commands run as they are written, expressions have the values shown, links lead somewhere.

A page may hold, in its order: ```yaml, ```json or ```python blocks whose first line is "# file: NAME" (// in JSON: none, so a
JSON file is written by a command), ```sh blocks, which run in the folder of the page, and ```output blocks: what the commands
before printed to standard output and standard error. "..." alone on a line stands for any lines.
"""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, ROOT, check, check_equal, check_fails, main, test

PAGES = sorted(glob.glob(os.path.join(ROOT, "doc", "*.md"))) + [os.path.join(ROOT, "README.md")]
# Their blocks are of another kind: manual.py runs the quick start, the others show parts of files and one-off installations.
NOT_RUN = {"quick-start.md", "commands.md", "python.md", "README.md"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def blocks(text):
    """(language, content) of every fenced block."""
    return re.findall(r"^```(\w*)[^\n]*\n(.*?)^```$", text, re.M | re.S)


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def code(cell):
    """What stands between the backquotes of a cell, or None."""
    match = re.fullmatch(r"(`+)(.*?)\1", cell)
    if not match:
        return None
    text = match.group(2)
    if match.group(1) != "`" and text.startswith(" ") and text.endswith(" "):
        text = text[1:-1]
    return text.replace("\\|", "|")


def value_tables(text):
    """(expression, value) of every row below a heading "| ... expression or example | value |"."""
    head = None
    for line in text.splitlines():
        if not line.startswith("|"):
            head = None
            continue
        row = cells(line)
        if head is None:
            head = row
        elif row[-1] != "---" and head[-1] == "value" and head[-2] in ("expression", "example"):
            yield code(row[-2]), code(row[-1])


def lines_match(pattern, text):
    parts = re.split(r"^\.\.\.\n", pattern, flags=re.M)
    return re.fullmatch("(?:.*\n)*".join(re.escape(part) for part in parts), text) is not None


def run_page(box, path):
    environment = dict(os.environ, PATH=os.path.dirname(os.path.abspath(BINARY)) + ":" + os.environ["PATH"], HOME=box.folder)
    environment.pop("CAPI_DATA", None)
    printed, ran = "", 0
    for language, content in blocks(read(path)):
        if language == "sh":
            done = subprocess.run(["bash", "-uc", content], cwd=box.folder, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            printed, ran = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n"), ran + 1
            check("Sanitizer" not in printed, printed)
            if "not available in this build" in printed: # and so is what follows on the page
                return ran
            check(done.returncode == 0, "%s: exit code %d of\n%s\n%s" % (path, done.returncode, content, printed))
        elif language == "output":
            check(lines_match(content, printed), "%s shows\n%s\nprinted was\n%s" % (path, content, printed))
        elif content.startswith("# file: "):
            name = content.split("\n", 1)[0][len("# file: "):].strip()
            os.makedirs(os.path.dirname(box.path(name)), exist_ok=True)
            box.write(name, content)
    return ran


@test
def the_commands_of_all_pages_do_what_they_show(box):
    ran = 0
    for path in PAGES:
        if os.path.basename(path) in NOT_RUN:
            continue
        folder = box.path(os.path.basename(path))
        os.mkdir(folder)
        page_box = type("PageBox", (), {"folder": folder, "path": lambda self, *parts: os.path.join(self.folder, *parts),
                                        "write": type(box).write})()
        ran += run_page(page_box, path)
    check(ran >= 5, "only %d blocks of commands" % ran)


@test
def the_expressions_of_all_tables_have_the_values_shown(box):
    count = 0
    for path in PAGES:
        for expression, value in value_tables(read(path)):
            check(expression is not None and value is not None, "%s: a row without code" % path)
            result = box.capi("eval", "--", expression)
            check(result.code == 0, "%s: %s: %s" % (path, expression, result))
            check_equal(result.out.decode("utf-8").split(" ", 1)[1].rstrip("\n"), value, expression)
            count += 1
    check(count > 50, "only %d expressions" % count)


@test
def eval_tells_what_is_wrong(box):
    for expression, code, *words in (("1 +", 2, "expected an operand", "\n  1 +\n     ^"),
                                     ('"a" + 1', 2, 'operator "+" does not take string and int', '\n  "a" + 1\n  ^'),
                                     ("len(r.name)", 2, "r.name"), ("sum(1)", 2, "sum"),
                                     ("1 / 0", 2, "division by zero"),
                                     ('time.Unix(time.Now()) / (time.Unix(time.Now()) - time.Unix(time.Now()))', 1,
                                      "division by zero")):
        check_fails(box.capi("eval", expression), code, *words)
    check_fails(box.capi("eval"), 2, "eval")


@test
def all_functions_have_an_example_or_are_aggregates(box):
    text = box.capi("help", "--functions").out.decode("utf-8")
    functions, aggregates = text.split("## Aggregates")
    check(functions.count("\n| `") >= 20 and aggregates.count("\n| `") == 12, text)


@test
def links_lead_to_pages_and_headings_that_are_there(box):
    def anchors(path):
        text = re.sub(r"^```.*?^```$", "", read(path), flags=re.M | re.S)
        return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-")
                for head in re.findall(r"^#+ (.*)$", text, re.M)}

    count = 0
    for path in PAGES:
        text = re.sub(r"^```.*?^```$", "", read(path), flags=re.M | re.S)
        text = re.sub(r"`[^`\n]*`", "", text)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            there = os.path.join(os.path.dirname(path), name) if name else path
            check(os.path.exists(there), "%s links to %s, which is not there" % (path, target))
            if anchor:
                check(anchor in anchors(there), "%s links to %s: no such heading" % (path, target))
            count += 1
    check(count > 20, "only %d links" % count)


@test
def the_index_names_every_page(box):
    index = read(os.path.join(ROOT, "doc", "README.md"))
    for path in PAGES[:-1]:
        name = os.path.basename(path)
        check(name == "README.md" or "(%s)" % name in index, "doc/README.md does not name %s" % name)


@test
def every_setting_of_the_configuration_is_in_the_manual(box):
    manual = read(os.path.join(ROOT, "doc", "operating.md"))
    settings = re.findall(r'X\(\w+, "([^"]+)", \w+, USED,\s*"([^"]*)",[\s\\]*"([^"]*)"',
                          read(os.path.join(ROOT, "src", "cmd", "config.h")))
    check(len(settings) > 20, "only %d settings" % len(settings))
    for key, default, variable in settings:
        row = "| `%s` | %s | %s |" % (key, "`%s`" % variable if variable else "", "`%s`" % default if default else "")
        check(row in manual, "doc/operating.md lacks %s" % row)


@test
def the_commands_of_the_readme_run(box):
    for name in ("examples",):
        os.symlink(os.path.join(ROOT, name), box.path(name))
    os.makedirs(box.path("build", "release", "bin"))
    os.symlink(os.path.abspath(BINARY), box.path("build", "release", "bin", "capillaries"))
    by_hand = [content for language, content in blocks(read(PAGES[-1])) if language == "sh" and "capillaries=" in content]
    check_equal(len(by_hand), 1, "blocks of commands")
    done = subprocess.run(["bash", "-euc", by_hand[0]], cwd=box.folder, capture_output=True, timeout=120)
    check(done.returncode == 0 and b"Refunded" in done.stdout, "%s\n%s" % (done.stdout, done.stderr))


def pages_pipeline(box, node, code, columns):
    """A file, the node of the page, and a file of what it makes."""
    fields = "".join("        %s: {expression: r.c_%s, type: %s}\n" % (name, name, kind) for name, kind in columns.items())
    reads = "".join("        c_%s: {csv: {col_hdr: %s}, col_type: %s}\n" % (name, name, kind) for name, kind in columns.items())
    made = re.findall(r"^      (\w+): *\{expression: \"\w\.\w+\", type: (\w+)\}", node[node.index("  w:"):], re.M)
    table = re.search(r"name: (\w+)", node).group(1)
    formats = {"string": "%s", "decimal2": "%s", "float": "%v", "int": "%d"}
    written = "".join("        - {name: %s, expression: r.%s, type: %s, csv: {header: %s, format: \"%s\"}}\n"
                      % (name, name, kind, name, formats[kind]) for name, kind in made)
    box.write(re.search(r"python_code_urls: \[(\S+)\]", node).group(1), code)
    return box.write("page.yaml", "nodes:\n  read:\n    type: file_table\n    r:\n      urls: [orders.csv]\n      csv: {hdr_line_idx: 0, "
                     "first_data_line_idx: 1}\n      columns:\n%s    w:\n      name: orders\n      fields:\n%s%s  write:\n    type: "
                     "table_file\n    r: {table: %s}\n    w:\n      url_template: out.csv\n      columns:\n%s"
                     % (reads, fields, "".join("  " + line + "\n" for line in node.rstrip("\n").split("\n")), table, written))


@test
def the_examples_of_the_page_about_python_run(box):
    found = blocks(read(os.path.join(ROOT, "doc", "python.md")))
    node = next(content for language, content in found if language == "yaml")
    by_row, by_column = [content for language, content in found if language == "python"]
    box.write("orders.csv", "order_id,value,country\na,100,DE\nb,10,FR\n")
    path = pages_pipeline(box, node, by_row, {"order_id": "string", "value": "decimal2", "country": "string"})
    result = box.run(path, cwd=box.folder)
    check(result.code == 0, str(result))
    check_equal(box.read("out.csv").decode().split(), ["order_id,tax,label", "a,19.00,19.0", "b,2.00,2.0"])
    box.write("orders.csv", "order_id,x,y\na,3,1\nb,5,0.5\n")
    node = node.replace("tax(r.value, r.country)", "scale(r.x, r.y)").replace("decimal2", "float").replace(
        "str(p.tax)", "p.tax").replace("label: {expression: \"p.tax\", type: string}", "label: {expression: \"p.tax\", type: float}")
    node = node.replace("label:    {expression: \"p.label\", type: string}", "label:    {expression: \"p.label\", type: float}")
    path = pages_pipeline(box, node, by_column, {"order_id": "string", "x": "float", "y": "float"})
    result = box.run(path, cwd=box.folder)
    check(result.code == 0, str(result))
    check_equal(box.read("out.csv").decode().split(), ["order_id,tax,label", "a,2.5,2.5", "b,3,3"])


main()
