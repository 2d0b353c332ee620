#!/usr/bin/env python3
"""Diagrams: DOT against texts written by hand; SVG read again, and its geometry checked."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, ROOT, Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, script, test

GOLDEN = os.path.join(ROOT, "test", "golden", "diagrams")
ALL_NODES = [os.path.join(GOLDEN, "all_nodes.yaml"), "--set", "dir=" + GOLDEN]
TOOLBELT = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capitoolbelt")


def draw(box, *arguments):
    result = box.capi("diagram", *arguments)
    check(result.code == 0, str(result))
    return result.out.decode("utf-8")


def tool(box, *arguments):
    done = subprocess.run([TOOLBELT] + list(arguments), stdin=subprocess.DEVNULL, capture_output=True, cwd=box.folder,
                          env=dict(os.environ, CAPI_DATA=box.path("state")), timeout=300)
    check(done.returncode == 0, done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8")


def golden(name):
    with open(os.path.join(GOLDEN, name), encoding="utf-8") as file:
        return file.read()


# ---- DOT ----

DETAILS = [("none", "none"), ("index", "index"), ("fields", "fields"), ("index,fields", "index_fields")]


@test
def dot_is_exactly_the_documented_text_at_every_detail(box):
    for detail, name in DETAILS:
        check_equal(draw(box, *ALL_NODES, "--format", "dot", "--detail", detail), golden("all_nodes_%s.dot" % name), detail)


@test
def the_toolbelt_draws_the_same_dot(box):
    params = "-params_file=" + box.write("params.json", {"dir": GOLDEN})
    common = ["validate_script", "-script_file=" + ALL_NODES[0], params]
    for flags, name in [(["-detail=idx"], "index"), (["-detail=field"], "fields"), (["-detail=idx,field"], "index_fields"),
                        ([], "index_fields"), (["-detail=neither"], "none")]:
        check_equal(tool(box, *common, "-format=dot", *flags), golden("all_nodes_%s.dot" % name), str(flags))
    for flags, name in [(["-idx_dag"], "index"), (["-field_dag"], "fields"), (["-idx_dag", "-field_dag"], "index_fields"),
                        (["-idx_dag=true"], "index"), (["-field_dag=true", "-idx_dag=false"], "fields")]:
        check_equal(tool(box, *common, *flags), golden("all_nodes_%s.dot" % name), str(flags))
    check_equal(tool(box, *common, "-format=capigraph"), tool(box, *common), "the default format")
    check(tool(box, *common).startswith("<svg "), "not SVG")
    check_equal(tool(box, *common, "-detail=idx"), draw(box, *ALL_NODES, "--detail", "index"), "SVG with indexes")
    check_equal(tool(box, *common, "-format=anything"), golden("all_nodes_index_fields.dot"), "an unknown format")


HOSTILE = ["a\"b", "back\\slash", "ends with \\", "{brace|bar}", "<p> & </p>", "]];}", "-- \" ]; } digraph x {", "tab\there",
           "new\nline", "carriage\rreturn", "//", "/* */", "# hash", "\\N \\G \\l", "&lt;&#38;", "\u202eright to left\u202c",
           "\u05d0\u05d1\u05d2 \u0627\u0644\u0639", "\u4e00\u4e8c\u4e09", "\U0001f600\U0001f1e9\U0001f1ea", "e\u0301\u0302\u0303", "\x01\x02\x1b[31m\x7f\x85",
           "\ufffe\uffff", "\ufdfd\ufdfd\ufdfd", "' onload='alert(1)", "]]>", "<!--", "%n%s", "x" * 10000, "\u754c" * 10000]


def hostile_script():
    """Each text once as a description and once in URLs; names and fields are identifiers anyway."""
    nodes = {}
    for number, text in enumerate(HOSTILE):
        read = csv_reader(["/in/%s" % text[:300], text[:300]], {"x": "int"}, "t%d" % number)
        write = csv_writer("t%d" % number, {"x": "int"}, ("/out/%s/%d" % (text[:300], number)).replace("{", "(").replace("}", ")"))
        read["desc"] = write["desc"] = text
        nodes["read%d" % number] = read
        nodes["write%d" % number] = write
    return script(**nodes)


@test
def graphviz_reads_hostile_texts(box):
    if not shutil.which("dot"):
        raise Skip("the program dot (Graphviz) is not installed")
    draw(box, box.write("s.json", hostile_script()), "--format", "dot", "--to", box.path("s.dot"))
    done = subprocess.run(["dot", "-Tplain", box.path("s.dot")], capture_output=True, timeout=300)
    check(done.returncode == 0, done.stderr.decode("utf-8", "replace"))
    boxes = [line for line in done.stdout.decode("utf-8").split("\n") if line.startswith("node ")]
    # A record for each node, a file for each end; nothing was made up out of the texts.
    check_equal(len(boxes), 4 * len(HOSTILE), "the number of boxes")
    for detail, name in DETAILS:
        path = os.path.join(GOLDEN, "all_nodes_%s.dot" % name)
        done = subprocess.run(["dot", "-Tsvg", path], capture_output=True, timeout=300)
        check(done.returncode == 0 and not done.stderr, done.stderr.decode("utf-8", "replace"))


main()
