#!/usr/bin/env python3
"""Diagrams: DOT against texts written by hand; SVG read again, and its geometry checked."""
import glob
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, ROOT, Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, script, skip_if_not_built, test

GOLDEN = os.path.join(ROOT, "test", "golden", "diagrams")
ALL_NODES = [os.path.join(GOLDEN, "all_nodes.yaml"), "--set", "dir=" + GOLDEN]
TOOLBELT = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capitoolbelt")


def draw(box, *arguments):
    result = box.capi("diagram", *arguments)
    skip_if_not_built(result.err)
    check(result.code == 0, str(result))
    return result.out.decode("utf-8")


def tool(box, *arguments):
    done = subprocess.run([TOOLBELT] + list(arguments), stdin=subprocess.DEVNULL, capture_output=True, cwd=box.folder,
                          env=dict(os.environ, CAPI_DATA=box.path("state")), timeout=300)
    skip_if_not_built(done.stderr)
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


# ---- SVG, read again ----

SVG = "{http://www.w3.org/2000/svg}"
TAGS = {"svg", "style", "defs", "symbol", "marker", "path", "rect", "g", "title", "use", "text"}
ATTRIBUTES = {"class", "id", "viewBox", "d", "x", "y", "width", "height", "rx", "href", "stroke-width", "stroke-dasharray",
              "marker-end", "refX", "refY", "markerWidth", "markerHeight", "orient"}


class Rect:
    def __init__(self, element):
        self.x, self.y, self.width, self.height = (float(element.get(name)) for name in ("x", "y", "width", "height"))
        self.right, self.bottom = self.x + self.width, self.y + self.height
        self.classes = element.get("class").split()
        self.element = element

    def contains(self, x, y, slack=0.0):
        return self.x - slack <= x <= self.right + slack and self.y - slack <= y <= self.bottom + slack

    def middle(self):
        return self.x + self.width / 2


class Edge:
    """A path: its points, and points along its curves."""

    def __init__(self, element):
        self.classes = element.get("class").split()
        self.is_lookup = element.get("stroke-dasharray") is not None
        self.title = element.findtext(SVG + "title")
        self.points, self.way = [], []
        self.has_curves = "C" in element.get("d")
        for command, numbers in re.findall("([MLC])([^MLC]*)", element.get("d")):
            n = [float(number) for number in numbers.split()]
            ends = list(zip(n[0::2], n[1::2]))
            if command == "C":
                a, (b, c, d) = self.points[-1], ends
                for step in range(1, 17):
                    t = step / 16
                    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3)
                    self.way.append(tuple(sum(w * p[i] for w, p in zip(weights, (a, b, c, d))) for i in (0, 1)))
            elif command == "L":
                a, b = self.points[-1], ends[-1]
                self.way += [(a[0] + (b[0] - a[0]) * k / 8, a[1] + (b[1] - a[1]) * k / 8) for k in range(1, 9)]
            self.points.append(ends[-1])


class Picture:
    def __init__(self, text):
        root = ElementTree.fromstring(text)
        self.text, self.root = text, root
        self.width, self.height = float(root.get("width")), float(root.get("height"))
        for element in root.iter():
            check(element.tag.replace(SVG, "") in TAGS, "an unexpected element: %s" % element.tag)
            check(set(element.attrib) <= ATTRIBUTES, "unexpected attributes: %s" % element.attrib)
        self.groups = [group for group in root.iter(SVG + "g") if "box" in group.find(SVG + "rect").get("class").split()]
        self.boxes = [Rect(group.find(SVG + "rect")) for group in self.groups]
        self.lines = [[text.text or "" for text in group.iter(SVG + "text")] for group in self.groups]
        self.tooltips = [group.findtext(SVG + "title") for group in self.groups]
        self.icons = [group.find(SVG + "use").get("href") for group in self.groups]
        labels = [group for group in root.iter(SVG + "g") if "lbox" in group.find(SVG + "rect").get("class").split()]
        self.labels = [Rect(group.find(SVG + "rect")) for group in labels]
        self.label_lines = [[text.text or "" for text in group.iter(SVG + "text")] for group in labels]
        self.edges = [Edge(path) for path in root.iter(SVG + "path") if path.get("class", "").startswith("edge")]

    def box(self, name):
        return next(number for number, lines in enumerate(self.lines) if name in lines[:1])

    def color(self, class_names, property_name, is_dark=False):
        """What the style sheet says, without (or with) its dark part."""
        light, dark = self.root.findtext(SVG + "style").split("@media (prefers-color-scheme:dark){")
        found = None
        for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", dark if is_dark else light):
            for selector in selectors.split(","):
                wanted = selector.strip().replace(".capi ", "").strip(".").split(".")
                values = dict(pair.split(":", 1) for pair in body.split(";"))
                if set(wanted) <= set(class_names) and property_name in values:
                    found = values[property_name]
        return found


def overlapping(rects):
    """Pairs that share area, by a sweep from top to bottom."""
    pairs, open_rects = [], []
    for rect in sorted(rects, key=lambda rect: rect.y):
        open_rects = [other for other in open_rects if other.bottom > rect.y + 0.01]
        pairs += [(rect, other) for other in open_rects if rect.x < other.right - 0.01 and other.x < rect.right - 0.01]
        open_rects.append(rect)
    return pairs


class Grid:
    """Finds the rectangles at a point."""

    def __init__(self, rects, size=400.0):
        self.size, self.cells = size, {}
        for rect in rects:
            for i in range(int(rect.x // size), int(rect.right // size) + 1):
                for j in range(int(rect.y // size), int(rect.bottom // size) + 1):
                    self.cells.setdefault((i, j), []).append(rect)

    def at(self, x, y, slack=0.0):
        return [rect for rect in self.cells.get((int(x // self.size), int(y // self.size)), ())
                if rect.contains(x, y, slack)]


def check_edges(picture):
    boxes, labels = Grid(picture.boxes), Grid(picture.labels)
    for edge in picture.edges:
        (x, y), (end_x, end_y) = edge.points[0], edge.points[-1]
        starts = [rect for rect in boxes.at(x, y - 0.2, 0.3) + labels.at(x, y - 0.2, 0.3) if abs(rect.bottom - y) < 0.3]
        ends = [rect for rect in boxes.at(end_x, end_y + 0.2, 0.3) if abs(rect.y - end_y) < 0.3]
        check(len(starts) == 1 and len(ends) == 1, "an edge from %s to %s: %d starts, %d ends" %
              (edge.points[0], edge.points[-1], len(starts), len(ends)))
        edge.start, edge.end = starts[0], ends[0]
        check(all(a[1] <= b[1] + 0.01 for a, b in zip(edge.points, edge.points[1:])), "an edge runs upwards")
        for x, y in edge.way[:-1]:
            check(not boxes.at(x, y, -0.5), "an edge runs through a box at %.1f, %.1f" % (x, y))
            for label in labels.at(x, y, -0.5):
                # Only under its own label, which stands on it.
                check(abs(label.middle() - x) < 0.3, "an edge runs through a label at %.1f, %.1f" % (x, y))


def check_geometry(picture):
    rects = picture.boxes + picture.labels
    for rect in rects:
        check(rect.x >= 0 and rect.y >= 0 and rect.right <= picture.width and rect.bottom <= picture.height,
              "something is outside of the picture")
    check(not overlapping(rects), "rectangles overlap")
    for group, box in zip(picture.groups, picture.boxes):
        icon = group.find(SVG + "use")
        icon_right = float(icon.get("x")) + float(icon.get("width"))
        for text in group.findall(SVG + "text"):
            check(text.text.isascii(), "a text of unknown width is not clipped: %r" % text.text)
            check(float(text.get("x")) > icon_right, "a text begins in the icon")
            check(box.y + 15 < float(text.get("y")) < box.bottom - 5, "a text is outside of its box")
            # Em widths of Verdana for a few letters, and less than any for the others.
            least = sum({"m": 0.973, "w": 0.818, "W": 0.989, "_": 0.636, "0": 0.636}.get(c, 0.27) for c in text.text) * 20
            check(float(text.get("x")) + least < box.right, "a text is wider than its box: %s" % text.text)
        for clip in group.findall(SVG + "svg"):
            check(icon_right < float(clip.get("x")) and float(clip.get("x")) + float(clip.get("width")) <= box.right + 0.1,
                  "a clipped text is outside of its box")
    check_edges(picture)
    return picture


def picture(box, *arguments):
    return check_geometry(Picture(draw(box, *arguments)))


# ---- scripts ----

def copy(source, table, **more):
    return dict({"type": "table_table", "r": {"table": source},
                 "w": {"name": table, "fields": {"x": {"expression": "r.x", "type": "int"}},
                       "indexes": {"idx_" + table: "unique(x)"}}}, **more)


def join(source, right, table):
    return {"type": "table_lookup_table", "r": {"table": source},
            "l": {"index_name": "idx_" + right, "join_on": "r.x", "join_type": "inner", "group": False},
            "w": {"name": table, "fields": {"x": {"expression": "r.x", "type": "int"}, "y": {"expression": "l.x", "type": "int"}},
                  "indexes": {"idx_" + table: "unique(x)"}}}


def graph(node_count, parents):
    """parents(i): None for a node that reads a file, one number, or two: table and lookup."""
    nodes = {}
    for i in range(node_count):
        above = parents(i)
        if above is None:
            node = csv_reader(["/in/%d.csv" % i], {"x": "int"}, "t%d" % i, indexes={"idx_t%d" % i: "unique(x)"})
        elif isinstance(above, int):
            node = copy("t%d" % above, "t%d" % i)
        else:
            node = join("t%d" % above[0], "t%d" % above[1], "t%d" % i)
        nodes["n%05d" % i] = node
    return script(**nodes)


def random_graph(node_count, seed):
    pick = random.Random(seed)

    def parents(i):
        kind = pick.random()
        if i < 3 or kind < 0.1:
            return None
        near = pick.randrange(max(0, i - 40), i)
        return near if kind < 0.5 else (near, pick.randrange(i))

    return graph(node_count, parents)


def layered_graph(width, depth, seed):
    pick = random.Random(seed)
    return graph(width * depth, lambda i: None if i < width else tuple(
        (i // width - 1) * width + pick.randrange(width) for _ in range(2)))


# ---- what a picture says ----

PALETTE = ["#023EFF", "#FF7C00", "#1AC938", "#E8000B", "#8B2BE2", "#9F4800", "#F14CC1", "#A3A3A3", "#FFC400", "#00D7FF"]


@test
def boxes_say_what_the_nodes_do(box):
    svg = picture(box, *ALL_NODES)
    python, wanted = GOLDEN + "/formulas.py", {
        "read_items": ["file_table", "Reads \"all\" of C:\\in", "/data/in/.../items_a.csv", "items"],
        "copy_items": ["table_table", "items", "copies"],
        "join_names": ["lookup", "Joins <b>&</b>", "left join", "idx_names", "joined"],
        "count_names": ["lookup", "inner join, grouped", "idx_names", "counts"],
        "distinct_names": ["distinct", "idx_names", "names"],
        "tag_items": ["tags", "(inline)", "tagged"],
        "write_csv": ["csv", "For \"them\"", "joined", "/data/out/.../joined_{run_id|string}.csv"],
        "write_parquet": ["parquet", "halves", "halves.parquet"]}
    for name, lines in wanted.items():
        number = svg.box(name)
        check_equal([svg.icons[number]] + svg.lines[number], ["#capi-" + lines[0], name] + lines[1:], name)
    number = svg.box("halve")
    parts = python.split("/")
    short = python if len(parts) <= 4 else "/".join(parts[:3]) + "/.../" + parts[-1]
    check_equal([svg.icons[number]] + svg.lines[number], ["#capi-python", "halve", short, "halves"], "halve")
    check_equal(svg.tooltips[svg.box("join_names")], "Joins <b>&</b>", "a tooltip")
    for name, rect in zip([lines[0] for lines in svg.lines], svg.boxes):
        is_manual = name in ("read_items", "join_names", "write_parquet")
        check_equal(rect.element.get("stroke-width"), "5" if is_manual else "1", "the border of " + name)
        check_equal(rect.element.get("rx"), "10", "the corners")


def labels(svg):
    return sorted(svg.label_lines)


@test
def edges_say_what_is_read(box):
    svg = picture(box, *ALL_NODES, "--detail", "none")
    check_equal(labels(svg), [], "labels without detail")
    check_equal({edge.title for edge in svg.edges}, {None}, "tooltips without detail")
    svg = picture(box, *ALL_NODES, "--detail", "index")
    check_equal(labels(svg), sorted([
        ["copies", "(5 batches)"], ["halves", "(no parallelism)"], ["idx_names", "(lookup)"], ["items", "(2 batches)"],
        ["items", "(4 batches)"], ["items", "(no parallelism)"], ["items", "(no parallelism)"], ["joined", "(no parallelism)"],
        ["names", "(no parallelism)"]]), "labels with indexes; both lookups share one")
    check("idx_names (lookup)" in {edge.title for edge in svg.edges}, "the tooltip of a lookup")
    svg = picture(box, *ALL_NODES, "--detail", "fields")
    # Fields of formulas and criteria count, in contrast to DOT; a lookup that reads no field has no label.
    check_equal(labels(svg), sorted([
        ["id", "name"], ["id", "name"], ["name"], ["name"], ["name"], ["id", "price"], ["id", "price"], ["id", "title"],
        ["half"]]), "labels with fields")
    svg = picture(box, *ALL_NODES)
    check(["items", "(2 batches)", "id", "price"] in labels(svg), "index and fields: %s" % labels(svg))
    dashed = [lines for lines, rect in zip(svg.label_lines, svg.labels) if rect.element.get("stroke-dasharray")]
    check_equal(sorted(dashed), [["idx_names", "(lookup)"], ["idx_names", "(lookup)", "name"]], "dashed labels")
    check_equal(len([edge for edge in svg.edges if edge.is_lookup]), 2, "dashed edges")


@test
def families_have_the_colors_of_the_palette_the_largest_first(box):
    nodes = {}
    for family in range(11):
        nodes["z%02d" % (10 - family)] = csv_reader(["/f"], {"x": "int"}, "f%d" % family)
        for member in range(family, 12):
            nodes["f%02d_%02d" % (family, member)] = copy("f%d" % family, "f%d_%d" % (family, member))
    path = box.write("s.json", script(**nodes))
    svg = picture(box, path)
    for family in range(11):
        rect = svg.boxes[svg.box("z%02d" % (10 - family))]
        check_equal(svg.color(rect.classes, "fill"), PALETTE[family % 10], "the colour of family %d" % family)
        check_equal(svg.color(rect.classes, "fill-opacity"), ".3", "its opacity")
        reader = svg.boxes[svg.box("f%02d_11" % family)]
        check_equal(reader.classes, rect.classes, "the family's colour")
    for edge in svg.edges:
        check_equal(svg.color(edge.classes, "stroke"), svg.color(edge.start.classes, "stroke"), "the colour of an edge")
    plain = picture(box, path, "--plain")
    check(not any(color in plain.text for color in PALETTE), "colours although --plain")


def brightness(color):
    """Relative luminance as for contrast ratios."""
    if len(color) == 4:
        color = "#" + "".join(c * 2 for c in color[1:])
    parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    high, low = sorted((brightness(a), brightness(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(top, below, part):
    full = [c if len(c) == 7 else "#" + "".join(d * 2 for d in c[1:]) for c in (top, below)]
    return "#" + "".join("%02x" % round(int(full[0][i:i + 2], 16) * part + int(full[1][i:i + 2], 16) * (1 - part))
                         for i in (1, 3, 5))


@test
def texts_can_be_read_on_light_and_dark_pages(box):
    svg = picture(box, box.write("s.json", graph(11, lambda i: None)))
    for is_dark in (False, True):
        page, text, label = (svg.color([name], "fill", is_dark) for name in ("page", "txt", "lbl"))
        check(contrast(label, page) >= 4.5, "the contrast of labels")
        check((brightness(page) < 0.1) == is_dark, "the page")
        for rect in svg.boxes:
            fill = svg.color(rect.classes, "fill", is_dark)
            check(contrast(text, mixed(fill, page, 0.3)) >= 4.5, "the contrast of text on %s" % fill)
            check(not is_dark or contrast(svg.color(rect.classes, "stroke", True), page) >= 4.5, "the contrast of %s" % fill)


# ---- hostile texts, and geometry ----

def allowed(text):
    """As XML parsers give it back: controls are blanks, what XML cannot hold is replaced."""
    return "".join(" " if c < " " or "\x7f" <= c < "\xa0" else "\ufffd" if c in "\ufffe\uffff" else c for c in text)


@test
def hostile_texts_are_only_text(box):
    svg = picture(box, box.write("s.json", hostile_script()))
    for number, text in enumerate(HOSTILE):
        for name in ("read%d" % number, "write%d" % number):
            check_equal(svg.tooltips[svg.box(name)], allowed(text), "the tooltip of " + name)
    check_equal(len(svg.boxes), 2 * len(HOSTILE), "the number of boxes")
    check(svg.width < 100000, "a long text makes the picture %d wide" % svg.width)


@test
def the_examples_are_drawn_without_overlaps(box):
    paths = [path for kind in ("yaml", "json") for path in glob.glob(os.path.join(ROOT, "examples", "*", "*." + kind))
             if not os.path.basename(path).startswith("params")]
    check(paths, "there are no examples")
    for path in paths:
        params = [name for name in (os.path.join(os.path.dirname(path), "params." + kind) for kind in ("yaml", "json"))
                  if os.path.exists(name)]
        for detail, _ in DETAILS:
            picture(box, path, *(["--params", params[0]] if params else []), "--detail", detail)


@test
def other_scripts_are_drawn_without_overlaps(box):
    """CAPI_DIAGRAM_SCRIPTS: scripts and their parameters, as in "a.yaml:p.yaml b.json"."""
    words = os.environ.get("CAPI_DIAGRAM_SCRIPTS", "").split()
    if not words:
        raise Skip("CAPI_DIAGRAM_SCRIPTS names no scripts")
    for word in words:
        path, _, params = word.partition(":")
        for detail, _ in DETAILS:
            picture(box, path, *(["--params", params] if params else []), "--detail", detail)


@test
def random_scripts_are_drawn_without_overlaps(box):
    for seed in range(8):
        path = box.write("s.json", random_graph(20 + 12 * seed, seed))
        for detail, _ in DETAILS:
            picture(box, path, "--detail", detail)


@test
def lookups_are_curves_and_equal_labels_are_drawn_once(box):
    svg = picture(box, box.write("s.json", graph(42, lambda i: None if i < 2 else (0, 1))), "--detail", "index")
    lookups = [edge for edge in svg.edges if edge.is_lookup]
    check_equal(len(lookups), 40, "lookup edges")
    check_equal(len([lines for lines in svg.label_lines if "(lookup)" in lines]), 1, "labels of the same lookup")
    check(all(edge.has_curves for edge in lookups if abs(edge.points[0][0] - edge.points[-1][0]) > 1), "lookups are curves")


def straight_crossings(edges, place):
    """Crossings of straight lines between (layer, rank) pairs."""
    def side(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    lines = [(place[a], place[b]) for a, b in edges]
    return sum(1 for i, (a, b) in enumerate(lines) for c, d in lines[:i]
               if not {a, b} & {c, d} and side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0)


@test
def edges_cross_far_less_than_in_the_order_of_names(box):
    for seed in range(4):
        svg = picture(box, box.write("s.json", layered_graph(8, 6, seed)), "--detail", "none")
        numbers = {id(rect): number for number, rect in enumerate(svg.boxes)}
        edges = [(numbers[id(edge.start)], numbers[id(edge.end)]) for edge in svg.edges]
        rows = {}
        for number, rect in enumerate(svg.boxes):
            rows.setdefault(round(rect.y + rect.height / 2), []).append(number)
        ours, by_name = {}, {}
        for layer, y in enumerate(sorted(rows)):
            for rank, number in enumerate(sorted(rows[y], key=lambda number: svg.boxes[number].x)):
                ours[number] = (rank, layer)
            for rank, number in enumerate(sorted(rows[y], key=lambda number: svg.lines[number][0])):
                by_name[number] = (rank, layer)
        found, naive = straight_crossings(edges, ours), straight_crossings(edges, by_name)
        check(found < naive * 0.4, "%d crossings, %d in the order of names" % (found, naive))


@test
def a_tree_has_no_crossings(box):
    pick = random.Random(5)
    order = list(range(1, 60))
    pick.shuffle(order)
    names = [0] + order  # names say nothing about places
    nodes = {"n%02d" % names[0]: csv_reader(["/f"], {"x": "int"}, "t0")}
    for i in range(1, 60):
        nodes["n%02d" % names[i]] = copy("t%d" % pick.randrange(max(0, i - 9), i), "t%d" % i)
    svg = picture(box, box.write("s.json", script(**nodes)))
    place = {}
    for number, rect in enumerate(svg.boxes):
        place[id(rect)] = (rect.middle(), rect.y + rect.height / 2)
    check_equal(straight_crossings([(id(edge.start), id(edge.end)) for edge in svg.edges], place), 0, "crossings of a tree")


# ---- large scripts ----

LARGE = {
    "chain": lambda count: graph(count, lambda i: i - 1 if i else None),
    "star": lambda count: graph(count, lambda i: (1, 0) if i > 1 else None),
    "random": lambda count: random_graph(count, 1),
    "long lookups": lambda count: deep_graph(count, 2),
    "layered": lambda count: layered_graph(int(count ** 0.5), int(count ** 0.5), 3),
}


def deep_graph(node_count, seed):
    pick = random.Random(seed)
    return graph(node_count, lambda i: (i - 1, pick.randrange(i)) if i else None)


@test
def a_thousand_nodes_are_drawn_without_overlaps(box):
    for kind, make in LARGE.items():
        svg = picture(box, box.write("s.json", make(1000)))
        check(len(svg.boxes) > 900, "%s: %d boxes" % (kind, len(svg.boxes)))
        print("%s: %d boxes, %d edges, %.0f x %.0f" % (kind, len(svg.boxes), len(svg.edges), svg.width, svg.height))


@test
def ten_thousand_nodes_are_drawn_in_bounded_memory(box):
    for kind in ("long lookups", "star"):
        text = draw(box, box.write("s.json", LARGE[kind](10000)))
        check_equal(text.count('<rect class="box'), 10000, "the number of boxes of " + kind)
    # Of the hungriest child so far; with a sanitizer, memory that was given back counts for a while.
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    check(used < 2000, "%d MB were used" % used)


# ---- a run ----

def run_script(box):
    """One node that succeeds, one that fails, one that never starts."""
    box.write("in.csv", "x\n1\n0\n")
    bad = copy("t", "bad")
    bad["w"]["fields"]["x"]["expression"] = "10 / r.x"
    return box.write("shop.json", script(
        read=csv_reader([box.path("in.csv")], {"x": "int"}, "t", indexes={"idx_t": "unique(x)"}), bad=bad,
        after=copy("bad", "after", desc="never <starts>"), waits=copy("t", "waits", start_policy="manual")))


@test
def a_run_is_drawn_with_the_colors_of_its_statuses(box):
    path, common = run_script(box), ["--data", box.path("state"), "--keyspace", "shop"]
    result = box.capi("run", path, *common)
    check(result.code == 1, str(result))
    svg = picture(box, path, *common, "--run", "1")
    for name, color in {"read": "#4CCC93", "bad": "#F84143", "waits": "#fff"}.items():
        number = svg.box(name)
        check_equal(svg.lines[number], [name], "the text of a box")
        check_equal(svg.color(svg.boxes[number].classes, "fill"), color, "the colour of " + name)
    check_equal(svg.boxes[svg.box("waits")].element.get("stroke-width"), "5", "the border of a manual node")
    check_equal(svg.tooltips[svg.box("after")], "never <starts>", "a tooltip")
    check_equal(labels(svg), [], "labels")
    dot = draw(box, path, *common, "--run", "1", "--format", "dot")
    check('"t" [shape=record, penwidth="1", fontsize="20", fillcolor="green"' in dot, dot)
    check('"bad" [shape=record, penwidth="1", fontsize="20", fillcolor="red"' in dot, dot)
    check('"waits" [shape=record, penwidth="6", fontsize="20", fillcolor="white"' in dot, dot)
    check('"t" -> "bad" [style=solid, fontsize="18", label="t (no parallelism)"];' in dot, dot)
    tool_words = ["-keyspace=shop", "-run_id=1", "-script_file=" + path]
    check_equal(tool(box, "get_run_status_diagram", *tool_words), svg.text, "the toolbelt's picture")
    check_equal(tool(box, "get_run_status_diagram", "-format=dot", *tool_words), dot, "the toolbelt's DOT")
    check_equal(tool(box, "drop_run_status_diagram", *tool_words), dot, "the old name of the command")


@test
def options_that_cannot_be_are_refused(box):
    path, common = run_script(box), ["--data", box.path("state"), "--keyspace", "shop"]
    check_fails(box.capi("diagram", path, "--format", "png"), 2, "png", "svg or dot")
    for detail in ("indexes", "index;fields", "index,", "", "none,index", "xindex"):
        check_fails(box.capi("diagram", path, "--detail", detail), 2, '"%s"' % detail, "index, fields")
    for run_id in ("0", "x", "-1", ""):
        check_fails(box.capi("diagram", path, *common, "--run", run_id), 2, "--run")
    check_fails(box.capi("diagram", path, *common, "--run", "1"), 2, "shop")
    check_fails(box.capi("diagram", box.path("none.json")), 2, "none.json")
    result = box.capi("diagram", path, "--to", box.path("no", "folder.svg"))
    check(result.code != 0 and b"folder.svg" in result.err, str(result))


@test
def a_picture_is_written_to_a_file_whole_or_not_at_all(box):
    path, to = run_script(box), box.path("out", "s.svg")
    check_equal(draw(box, path, "--to", to), "", "standard output")
    with open(to, encoding="utf-8") as file:
        check_equal(file.read(), draw(box, path), "the file")
    box.write("shop.json", "{")
    check_fails(box.capi("diagram", path, "--to", to), 2, "shop.json")
    check_equal(box.out_files(), ["s.svg"], "the output folder")


@test
def the_picture_in_the_manual_is_that_of_the_example(box):
    shop = os.path.join("examples", "shop")
    with open(os.path.join(ROOT, "doc", "shop.svg"), encoding="utf-8") as file:
        check(file.read() == draw(box, os.path.join(shop, "shop.yaml"), "--params", os.path.join(shop, "params.yaml")),
              "doc/shop.svg is not up to date: capillaries diagram examples/shop/shop.yaml --params ... --to doc/shop.svg")


main()
