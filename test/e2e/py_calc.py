#!/usr/bin/env python3
"""Formulas in Python: exact values both ways, what users see of their mistakes, and a sandbox that holds.

Each test runs the whole program: a CSV file is read, computed by py_calc and written. The sandbox tests do what hostile code
would do; each must end in a failed batch with a clear message, or in no effect, within seconds."""
import ctypes
import errno
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, script, test

HEADER = {"i": "int", "f": "float", "s": "string", "b": "bool", "d": "decimal2",
          "t": ("datetime", "2006-01-02T15:04:05.000-07:00")}


def py_node(table, columns, code_url, fields, **reader):
    """A py_calc node that keeps all columns and adds the calculated fields: name -> (expression, type)."""
    wanted = {name: {"expression": "r." + name, "type": kind} for name, kind in columns.items()}
    wanted.update({name: {"expression": "p." + name, "type": kind} for name, (_, kind) in fields.items()})
    return {"type": "table_custom_tfm_table", "custom_proc_type": "py_calc", "r": {"table": table, **reader},
            "p": {"python_code_urls": code_url if isinstance(code_url, list) else [code_url],
                  "calculated_fields": {name: {"expression": text, "type": kind} for name, (text, kind) in fields.items()}},
            "w": {"name": "computed", "fields": wanted}}


def run(box, code, fields, data, columns=None, environment=None, arguments=(), timeout=60, formats=None,
        preexec_fn=None, **reader):
    """Runs it; the result of the process."""
    columns = columns or {"i": "int"}
    kinds = {name: kind[0] if isinstance(kind, tuple) else kind for name, kind in columns.items()}
    source = box.write("in.csv", data)
    if isinstance(code, list):
        urls = [box.write("code%d.py" % i, text) for i, text in enumerate(code)]
    else:
        urls = box.write("code.py", code)
    results = {name: kind for name, (_, kind) in fields.items()}
    writer = csv_writer("computed", results, box.path("out/result.csv"))
    for column in writer["w"]["columns"]:
        column["csv"]["format"] = (formats or {}).get(column["name"], column["csv"]["format"])
    path = box.write("py.json", json.dumps(script(read=csv_reader([source], columns, "source"),
                                       compute=py_node("source", kinds, urls, fields, **reader), write=writer)))
    return box.run(path, *arguments, timeout=timeout, env={**os.environ, **(environment or {})}, preexec_fn=preexec_fn)


def results(box, *arguments, **options):
    """The lines of the result, without the header."""
    result = run(box, *arguments, **options)
    check(result.code == 0, "the run failed: %s" % result)
    return box.read("out", "result.csv").decode("utf-8", "surrogateescape").split("\r\n", 1)[1].split("\n")[:-1]


def numbers(count, name="i"):
    return name + "\n" + "".join("%d\n" % i for i in range(count))


def fails(box, code, *words, fields=None, data=None, **options):
    """One row, one formula f(r.i); the batch must fail with these words, and the process must not."""
    fields = fields or {"x": ("f(r.i)", "int")}
    result = run(box, code, fields, data or numbers(1), **options)
    check_fails(result, 1, "compute", *words)
    check_equal(box.out_files(), [], "what lies in the output folder")
    return result.err.decode("utf-8", "replace")


# ---- values ----

@test
def values_of_all_types_arrive_as_python_sees_them(box):
    code = "def show(v):\n    return type(v).__name__ + ' ' + repr(v)\n"
    data = ("i,f,s,b,d,t\n"
            "9223372036854775807,0.1,\\n'x,true,12.00,2018-07-02T16:26:46.000+00:00\n"
            "-9223372036854775808,1e300,,false,-12.50,2018-07-02T16:26:46.123-05:00\n"
            "9007199254740993,2.5e-324,\u00e9\u4e2d\U0001f600,true,0.07,1901-01-01T00:00:00.000+00:00\n")
    fields = {name: ("show(r.%s)" % name, "string") for name in HEADER}
    check_equal(results(box, code, fields, data, HEADER), [
        "int 9223372036854775807,float 0.1,str \"\\\\n'x\",bool True,int 12,str '2018-07-02T16:26:46.000+00:00'",
        "int -9223372036854775808,float 1e+300,str '',bool False,float -12.5,str '2018-07-02T21:26:46.123+00:00'",
        "int 9007199254740993,float 5e-324,str '\u00e9\u4e2d\U0001f600',bool True,float 0.07,"
        "str '1901-01-01T00:00:00.000+00:00'"])


@test
def values_of_all_types_come_back_as_they_went(box):
    code = "def same(v):\n    return v\n"
    data = ("i,f,s,b,d,t\n"
            "9223372036854775807,0.1,a\\b,true,9007199254740.93,2018-07-02T16:26:46.789+00:00\n"
            "-9223372036854775808,-1e300,\u4e2d,false,-0.01,1901-01-01T00:00:00.000+00:00\n"
            "0,0,x'y,true,3,9999-12-31T23:59:59.999+00:00\n")
    fields = {"x" + name: ("same(r.%s)" % name, kind[0] if isinstance(kind, tuple) else kind) for name, kind in HEADER.items()}
    check_equal(results(box, code, fields, data, HEADER), [
        "9223372036854775807,0.1,a\\b,true,9007199254740.93,2018-07-02T16:26:46.789",
        "-9223372036854775808,-1e+300,\u4e2d,false,-0.01,1901-01-01T00:00:00.000",
        "0,0,x'y,true,3.00,9999-12-31T23:59:59.999"])


@test
def fields_can_be_used_without_a_function(box):
    check_equal(results(box, "x = 1\n", {"x": ("r.i", "int"), "y": ("p.x", "int"), "z": ("str(p.y)", "string")}, numbers(2)),
                ["0,0,0", "1,1,1"])


@test
def texts_may_hold_quotes_blanks_and_any_character(box):
    code = "def twice(s):\n    return s + '|' + s\ndef lone(s):\n    return s[:1] + '\\udc80\\U0001f600'\n"
    fields = {"x": ("twice(r.s)", "string"), "n": ("len(p.z)", "int"), "z": ("lone(r.s)", "string")}
    check_equal(results(box, code, fields, "s\nit's\n \\ \n\u4e2d\x01\n", {"s": "string"}),
                ["it's|it's,3,i\ufffd\U0001f600", " \\ | \\ ,3, \ufffd\U0001f600",
                 "\u4e2d\x01|\u4e2d\x01,3,\u4e2d\ufffd\U0001f600"])


@test
def the_ends_of_all_types_come_back_as_they_went(box):
    code = ("import math\ndef same(v):\n    return v\ndef sign(v):\n    return math.copysign(1, v)\n"
            "def tiny(i):\n    return [5e-324, 1.7976931348623157e308, -0.0][i]\n")
    columns = {"i": "int", "f": "float", "d": "decimal2", "t": HEADER["t"]}
    data = ("i,f,d,t\n0,-0.0,-92233720368547758.08,0001-01-01T00:00:00.000+00:00\n"
            "1,1.7976931348623157e308,92233720368547758.07,9999-12-31T23:59:59.999+14:00\n"
            "2,5e-324,-0.01,1969-12-31T23:59:59.999-12:00\n")
    fields = {"i2": ("same(r.i)", "int"), "s": ("sign(r.f)", "float"), "r": ("str(r.f)", "string"), "u": ("str(r.t)", "string"),
              "t2": ("same(r.t)", "datetime"), "y": ("tiny(r.i)", "float"), "z": ("sign(p.y)", "float"), "v": ("str(r.d)", "string")}
    check_equal(results(box, code, fields, data, columns), [
        "0,-1,-0.0,0001-01-01T00:00:00.000+00:00,0001-01-01T00:00:00.000,5e-324,1,-9.223372036854776e+16",
        "1,1,1.7976931348623157e+308,9999-12-31T09:59:59.999+00:00,9999-12-31T09:59:59.999,1.7976931348623157e+308,1,9.223372036854776e+16",
        "2,1,5e-324,1970-01-01T11:59:59.999+00:00,1970-01-01T11:59:59.999,-0,-1,-0.01"])


@test
def ints_are_cut_floats_take_ints_decimals_are_rounded_half_away_from_zero(box):
    code = "def pick(i):\n    return [3.9, -3.9, 7, 0.5][i]\ndef money(i):\n    return [1.005, -1.005, 12, 2.675][i]\n"
    fields = {"n": ("pick(r.i)", "int"), "f": ("pick(r.i)", "float"), "d": ("money(r.i)", "decimal2")}
    check_equal(results(box, code, fields, numbers(4)),
                ["3,3.9,1.01", "-3,-3.9,-1.01", "7,7,12.00", "0,0.5,2.68"])


@test
def decimals_are_rounded_alike_in_any_company(box):
    """A column that has integers of more digits than a double takes another way than one of doubles alone."""
    expected = {"0.005": "0.01", "-0.005": "-0.01", "1.005": "1.01", "-2.675": "-2.68", "5e-324": "0.00", "-1e-07": "0.00",
                "0.0049999999999999": "0.00", "123456789.995": "123456790.00", "1e15": "1000000000000000.00", "-0.0": "0.00", "12": "12.00",
                "1e-3": "0.00", "4503599627370496": "4503599627370496.00", "35184372088832.625": "35184372088832.63",
                "-35184372088832.375": "-35184372088832.38", "17592186044416.125": "17592186044416.13"}
    code = "import decimal\n%s\nV = [%s]\ndef f(i):\n    return V[i]\n"
    for broken, last, shown in (("", "0.5", "0.50"), ("", "(1 << 56) + 1", "72057594037927937.00"),
                                ("decimal.Decimal = None; decimal.getcontext().prec = 1", "(1 << 56) + 1", "72057594037927937.00")):
        check_equal(results(box, code % (broken, ", ".join(list(expected) + [last])), {"x": ("f(r.i)", "decimal2")},
                            numbers(len(expected) + 1)), list(expected.values()) + [shown], last)
        os.remove(box.path("out", "result.csv"))


@test
def a_datetime_keeps_its_offset_inside_the_node(box):
    code = "def at(i):\n    return ['2018-07-02T16:26:46.000+02:00', '2018-07-02T16:26:46.500+00:00'][i]\n"
    check_equal(results(box, code, {"t": ("at(r.i)", "datetime")}, numbers(2)),
                ["2018-07-02T14:26:46.000", "2018-07-02T16:26:46.500"])


@test
def a_calculated_field_sees_the_raw_python_object_of_another(box):
    code = "def pair(i):\n    return Pair(i)\nclass Pair(int):\n    def both(self):\n        return self * 2\n" \
           "def second(p):\n    return p.both()\n"
    check_equal(results(box, code, {"b": ("second(p.a)", "int"), "a": ("pair(r.i)", "int")}, numbers(3)),
                ["0,0", "2,1", "4,2"])


@test
def the_example_of_the_manual(box):
    code = "def tax(v):\n    return round(v * 1.1, 2)\n"
    check_equal(results(box, code, {"t": ("tax(r.v)", "decimal2"), "u": ("str(p.t)", "string")}, "v\n10.00\n2.50\n",
                        {"v": "decimal2"}), ["11.00,11.0", "2.75,2.75"])


@test
def many_rows_keep_their_order_over_pages_and_threads(box):
    code = "def f(i):\n    return i * 3\n"
    lines = results(box, code, {"x": ("f(r.i)", "int")}, numbers(200000), rowset_size=777, expected_batches_total=3,
                    arguments=("--threads", "2"))
    check(lines == [str(3 * i) for i in range(200000)], "rows are wrong or out of order")


# ---- the user's module ----

@test
def user_code_is_the_main_module(box):
    code = ("import sys\nassert __name__ == '__main__'\nassert sys.argv == ['-']\nassert sys.path[0] == ''\n"
            "assert '__file__' not in globals()\njson.dumps, traceback.format_exc\n"
            "def f(i):\n    return sys.modules['__main__'].k + i\nk = 5\n")
    check_equal(results(box, code, {"x": ("f(r.i)", "int")}, numbers(2)), ["5", "6"])


@test
def fields_are_globals_for_code_that_reads_them_so(box):
    code = "def f(i):\n    return i + r_j + p_a\ndef g(i):\n    return i\n"
    check_equal(results(box, code, {"a": ("g(r.i)", "int"), "x": ("f(p.a)", "int")}, "i,j\n1,10\n2,20\n",
                        {"i": "int", "j": "int"}), ["1,12", "2,24"])


@test
def globals_that_are_looked_for_by_name_are_there(box):
    for how in ("globals()['r_' + n]", "getattr(sys.modules[__name__], 'r_' + n)", "eval('r_' + n)"):
        check_equal(results(box, "import sys\ndef f(i):\n    n = 'j'\n    return i + %s\n" % how, {"x": ("f(r.i)", "int")}, "i,j\n1,10\n2,20\n",
                            {"i": "int", "j": "int"}), ["11", "22"], how)
        os.remove(box.path("out", "result.csv"))


@test
def names_are_replaced_where_they_are_fields_and_nowhere_else(box):
    code = "import math as np\ndef f(a, b, c):\n    return '%s %s %s' % (a, b, c)\ndef xr(i):\n    return i\nr = 5\n"
    check_equal(results(box, code, {"x": ('f("r.i", xr(r . i), r.i + len("p.x"))', "string")}, "i\n1\n"), ["r.i 1 4"])


@test
def printing_does_no_harm(box):
    code = "import sys\ndef f(i):\n    print('x' * 10000)\n    print('y' * 10000, file=sys.stderr)\n    return i\n"
    check_equal(results(box, code, {"x": ("f(r.i)", "int")}, numbers(300))[299], "299")


@test
def state_lasts_within_a_page(box):
    code = "seen = []\ndef f(i):\n    seen.append(i)\n    return len(seen)\n"
    check_equal(results(box, code, {"x": ("f(r.i)", "int")}, numbers(5)), ["1", "2", "3", "4", "5"])


@test
def a_patched_json_encoder_is_heeded(box):
    code = ("import decimal\ndef patched(self, o):\n    return float(o) if isinstance(o, decimal.Decimal) else 1 / 0\n"
            "json.JSONEncoder.default = patched\ndef f(i):\n    return decimal.Decimal(i) / 4\n")
    check_equal(results(box, code, {"x": ("f(r.i)", "float")}, numbers(3)), ["0", "0.25", "0.5"])


def by_definition(code, fields, rows):
    """What one interpreter prints that gets the code and then, as its statements, row after row: the meaning of py_calc."""
    program = "import json, traceback\n" + code + "\n"
    for row in rows:
        program += "r_i = %d\n" % row
        program += "".join("p_%s = %s\n" % (name, text.replace("r.", "r_").replace("p.", "p_")) for name, text in fields.items())
        program += "print(json.dumps({%s}))\n" % ", ".join("%r: p_%s" % (name, name) for name in fields)
    done = subprocess.run([sys.executable, "-"], input=program.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


# Each leaves json as it came until row 2 or longer, and then changes what becomes of the values of f, g and h.
CHANGES_OF_JSON = {
    "dumps": "def change():\n    json.dumps = lambda o: old(dict(o, x=99, y='new'))\n",
    "dumps under another name": "import json as other\ndef change():\n    setattr(other, 'dump' + 's', lambda o: old(dict(o, x=99)))\n",
    "the name json": "def change():\n    global json\n    json = type('J', (), {'dumps': staticmethod(lambda o: old(dict(o, y='new')))})\n",
    "keyword arguments": "def change():\n    json.dumps.__kwdefaults__['default'] = lambda o: 'changed'\n",
    "a method of the encoder's": "def change():\n    json._default_encoder.default = lambda o: 'changed'\n",
    "the code of dumps": "def change():\n    json.dumps.__code__ = other.__code__\ndef other(o):\n    return '{\"x\": 7, \"y\": \"b\", \"z\": \"1\"}'\n",
    "the code of encode": "def change():\n    json.JSONEncoder.encode.__code__ = other.__code__\ndef other(self, o):\n"
                          "    return '{\"x\": 7, \"y\": \"b\", \"z\": \"1\"}'\n",
    "keyword arguments of encode": "json.JSONEncoder.encode = wrapped = lambda self, o, *, extra=0: encode(self, dict(o, x=o['x'] + extra))\n"
                                   "def change():\n    wrapped.__kwdefaults__['extra'] = 30\n",
    "a method of the class": "def change():\n    json.JSONEncoder.default = lambda self, o: 'changed'\n",
    "a method that sees all": "def change():\n    json.JSONEncoder.iterencode = lambda self, o, _one_shot=False: ['{\"x\":3,', '\"y\":\"\",\"z\":\"0\"}']\n",
    "a method of the encoder": "def change():\n    json._default_encoder.encode = lambda o: old({'x': 5, 'y': 'e', 'z': 'e'})\n",
    "the class of the encoder": "class Other(json.JSONEncoder):\n    def encode(self, o):\n        return old(dict(o, x=-1))\n"
                                "def change():\n    json._default_encoder.__class__ = Other\n",
    "the default encoder": "def change():\n    json._default_encoder = json.JSONEncoder(default=lambda o: 'new')\n",
    "how texts are written": "def change():\n    json.encoder.encode_basestring_ascii = lambda s: '\"%s\"' % (s if len(s) < 2 else s.upper())\n"
                             "    json.encoder.c_make_encoder = None\n",
    "dumps every other row": "def change():\n    json.dumps = (lambda o: old(dict(o, x=99))) if i % 2 else first\n",
    "an attribute every other row": "def change():\n    vars(json)['dumps'] = (lambda o: old(dict(o, y=type(o['y']).__name__))) if i % 2 else first\n",
    "a class every other row": "from json import JSONEncoder as E\ndef change():\n"
                               "    E.encode = (lambda self, o: encode(self, dict(o, x=1))) if i % 2 else encode\n",
    "the last row": "def change():\n    if i == 5:\n        json.dumps = lambda o: old(dict(o, x=99))\n",
    "nothing": "def change():\n    pass\n",
    "before it is loaded": "count = 0\ndef counting(self, o):\n    global count\n    count += 1\n    return encode(self, dict(o, x=count))\n"
                           "json.JSONEncoder.encode = counting\ndef change():\n    pass\n",
}

# A value that json writes by a call, which changes what the next rows see; an object that all rows share; plain values.
ODD_VALUES = """
encode, first = json.JSONEncoder.encode, json.dumps
def old(o):
    return '{%s}' % ', '.join('"%s": %s' % (k, v if type(v) is int else '"%s"' % (v if type(v) is str else ask(None, v)))
                              for k, v in o.items())
class Odd:
    pass
shared, asked = Odd(), 0
def ask(self, o):
    global asked
    asked += 1
    return str(o.value) + '/' + str(asked)
json.JSONEncoder.default = ask
def f(v):
    global i
    i = v
    if v >= 2:
        change()
    return v + asked
def g(v):
    shared.value = v
    return shared if v % 3 == 0 else 'text'
def h(v):
    shared.value = -v
    return 'asked %d' % asked
"""
PLAIN_VALUES = ODD_VALUES.replace("shared if v % 3 == 0 else 'text'", "'text'").replace("json.JSONEncoder.default = ask\n", "")


@test
def each_row_goes_through_json_as_it_is_then(box):
    fields = {"x": ("f(r.i)", "int"), "y": ("g(r.i)", "string"), "z": ("h(p.x)", "string")}
    for kind, values in (("odd", ODD_VALUES), ("plain", PLAIN_VALUES), ("global", ODD_VALUES.replace("'text'", "'text %d' % r_i"))):
        for name, change in CHANGES_OF_JSON.items():
            code = values + change
            expected = by_definition(code, {field: text for field, (text, _) in fields.items()}, range(6))
            check_equal(results(box, code, fields, numbers(6)), ["%s,%s,%s" % (row["x"], row["y"], row["z"]) for row in expected],
                        "%s, %s values" % (name, kind))
            os.remove(box.path("out", "result.csv"))


@test
def json_that_a_later_page_changes_is_heeded_from_that_row_on(box):
    code = ("def f(i):\n    if i == 1500:\n        change('json', 'dumps', lambda o: '{\"x\": -1}')\n    return i\n"
            "def change(module, name, value):\n    import importlib\n    setattr(importlib.import_module(module), name, value)\n")
    lines = results(box, code, {"x": ("f(r.i)", "int")}, numbers(2000), rowset_size=1000, arguments=("--threads", "1"))
    check(lines == [str(i if i < 1500 else -1) for i in range(2000)], "%s ... %s" % (lines[1495:1505], lines[:3]))


@test
def types_that_pretend_to_be_others_do_not_pass_as_them(box):
    code = ("class Meta(type):\n    __hash__ = lambda self: hash(int)\n    __eq__ = lambda self, other: True\n"
            "class Odd(metaclass=Meta):\n    def __index__(self):\n        return 7\nclass Wide(int, metaclass=Meta):\n    pass\n"
            "def f(i):\n    return Odd() if i else Wide(5)\n")
    fails(box, code, "row 1 of table", "TypeError: Object of type Odd is not JSON serializable", data=numbers(2))


@test
def subclasses_go_through_json(box):
    code = ("import enum\nclass Color(enum.IntEnum):\n    RED = 3\nclass Text(str):\n    pass\n"
            "def f(i):\n    return Color.RED\ndef g(i):\n    return Text(i)\n")
    check_equal(results(box, code, {"x": ("f(r.i)", "int"), "y": ("g(r.i)", "string")}, numbers(1)), ["3,0"])


@test
def formulas_that_are_no_python_are_told(box):
    code = "def f(i):\n    return i\n"
    for formula, what in (("f(r.i > 1 && r.i < 3)", "&&"), ("f(r.i > 1 || r.i < 3)", "||"), ("f(!r.i)", "!"), ("f(r.i &^ 1)", "&^"),
                          ("f(`text`)", "`"), ("f(r.i != 1 && !r.i)", "&&")):
        result = run(box, code, {"x": (formula, "bool")}, numbers(1))
        check_fails(result, 2, 'Python has no "%s"' % what, 'calculated field "x"', "[V44]")
    check_equal(results(box, code, {"x": ('f("&& || ! ` \\" !")', "string"), "y": ("f(r.i != 1)", "bool"), "z": ("f('!')", "string")}, numbers(1)),
                ['&& || ! ` " !,true,!'])
    os.remove(box.path("out", "result.csv"))
    lines = "def f(a,b):\n    return a / b if a else float('nan')\n"
    fails(box, lines, "formula f(r_i,  0 + r_i), row 0", fields={"x": ("f(r.i,\n 0 +\nr.i)", "float")}, data="i\n0\n")
    fails(box, lines, "formula f(1,  r_i), row 0", fields={"x": ("f(1,\n r.i)", "float")}, data="i\n0\n")
    text = fails(box, code, 'field "x": the formula f(010) is no Python: ', fields={"x": ("f(010)", "int")})
    check("py_calc>" not in text, text)
    check_equal(results(box, [code, "\ufeffdef g(i):\n    return i\n"], {"x": ("g(r.i)", "int")}, numbers(1)), ["0"])


@test
def several_sources_are_one_module_and_messages_name_the_right_one(box):
    check_equal(results(box, ["def a(i):\n    return b(i)", "def b(i):\n    return 7 // i"],
                        {"x": ("a(r.i)", "int")}, "i\n7\n"), ["1"])
    os.remove(box.path("out", "result.csv"))
    fails(box, ["def a(i):\n    return b(i)", "# one\ndef b(i):\n    return 7 // i"], "ZeroDivisionError",
          'code0.py", line 2, in a', 'code1.py", line 3, in b', ">     3 |     return 7 // i", fields={"x": ("a(r.i)", "int")})


@test
def a_statement_may_go_on_in_the_next_source(box):
    sources = ["def a(i):\n    if i == 1:\n        return b(i)", "    elif i == 2:\n        return 1 // 0\n    return c(i)\nx = (1,",
               "     2)\ndef b(i):\n    return i * 10\nclass C:\n    def d(self, i):\n        return (lambda v: v // (i - 3))(i)\n"
               "def c(i):\n    return C().d(i)\n"]
    check_equal(results(box, sources, {"x": ("a(r.i)", "int")}, "i\n1\n4\n"), ["10", "4"])
    os.remove(box.path("out", "result.csv"))
    fails(box, sources, "ZeroDivisionError", 'code1.py", line 2, in a', ">     2 |         return 1 // 0", "      3 |     return c(i)",
          fields={"x": ("a(r.i)", "int")}, data="i\n2\n")
    fails(box, sources, 'code1.py", line 3, in a', 'code2.py", line 8, in c', 'code2.py", line 6, in d', 'code2.py", line 6, in <lambda>',
          ">     6 |         return (lambda", fields={"x": ("a(r.i)", "int")}, data="i\n3\n")
    where = ["import sys\ndef a(i):\n    return b(i)\n", "def b(i):\n    c = b.__code__\n    return c.co_filename[-8:] + ' %d' % c.co_firstlineno\n"]
    check_equal(results(box, where, {"x": ("a(r.i)", "string")}, numbers(1)), ["code1.py 1"])
    os.remove(box.path("out", "result.csv"))
    fails(box, ["def f(i):\n    return i\n", "x = 1\ny = = 2\n"], 'code1.py", line 2', ">     2 | y = = 2\n", "SyntaxError")
    fails(box, ["def f(i):\n    return i\n", "x = 1\n1 / 0\n"], 'code1.py", line 2, in <module>', ">     2 | 1 / 0")
    fails(box, ["def f(i):\n    return i\nx = (1,", "2"], "SyntaxError", '.py", line ')


@test
def no_name_of_the_users_module_is_taken(box):
    code = "capi_loop = capi_a0 = capi_o0 = capi_rows = capi_fail = capi_error = capi_base_exception = 1\n" + "".join(
        "%s = %d\n" % (name, 100 + n) for n, name in enumerate(NAMES_OF_A_USER)) + \
        "def f(i, *names):\n    return ' '.join(map(str, (i,) + names))\n"
    check_equal(results(box, code, {"x": ("f(r.i, %s)" % ", ".join(NAMES_OF_A_USER), "string"), "y": ("f(p.x, rows, _)", "string")},
                        numbers(2)),
                ["%d %s,%d %s 101 110" % (row, values, row, values)
                 for values in [" ".join(str(100 + n) for n in range(len(NAMES_OF_A_USER)))] for row in range(2)])


NAMES_OF_A_USER = ("capi_rows", "rows", "capi_a0", "capi_o0", "capi_fail", "_rows", "__rows", "_type", "plain", "fail", "_", "__",
                   "_a0", "_k0", "_v", "_loop", "loop", "take", "capi_row", "capi_loop", "capi_c0", "record", "r_none", "p_none", "json_")


@test
def sources_in_other_encodings_are_read_and_shown(box):
    plain = "def f(i):\n    return '\u00e9\u20ac' + str(i)\n"
    for head, encoding in (("# coding: iso-8859-15\n", "iso-8859-15"), ("#!/usr/bin/python\n# -*- coding: cp1252 -*-\n", "cp1252"),
                           ("", "utf-8"), ("\ufeff", "utf-8"), ("\ufeff# coding: utf-8\n", "utf-8")):
        text = head + plain
        check_equal(results(box, text.encode(encoding), {"x": ("f(r.i)", "string")}, numbers(1)), ["\u00e9\u20ac0"], head)
        os.remove(box.path("out", "result.csv"))
        fails(box, text.replace("str(i)", "i").encode(encoding), "TypeError", "return '\u00e9\u20ac' + i", fields={"x": ("f(r.i)", "string")})
    check_equal(results(box, [b"# coding: latin-1\nA = '\xe9'\n", "B = '\u00e9'\ndef f(i):\n    return A + B\n".encode()],
                        {"x": ("f(r.i)", "string")}, numbers(1)), ["\u00e9\u00e9"])
    os.remove(box.path("out", "result.csv"))
    fails(box, b"def f(i):\n    return i\n# caf\xe9\n", "the byte 0xe9, which is no utf-8", 'code.py", line 3', ">     3 | # caf\\xe9")
    fails(box, "# coding: klingon\ndef f(i):\n    return i\n", 'the encoding "klingon", which is none', 'code.py", line 1')
    fails(box, "# coding: rot13\ndef f(i):\n    return i\n", 'the encoding "rot13"', 'code.py", line 1')
    fails(box, b"def f(i):\n    return i\n'\0'\n", "the source has a NUL", 'code.py", line 3')
    fails(box, b"def f(i):\r\n    return (\r\n      i / 0)\r\n", "ZeroDivisionError", 'code.py", line 3', ">     3 |       i / 0)")


@test
def threads_that_are_left_behind_do_no_harm(box):
    code = ("import threading, time\ndef spin():\n    while True:\n        time.sleep(0.001)\n"
            "def f(i):\n    if i < 3:\n        threading.Thread(target=spin).start()\n    return i\n")
    check_equal(len(results(box, code, {"x": ("f(r.i)", "int")}, numbers(5000), expected_batches_total=3)), 5000)


@test
def an_empty_table_starts_no_worker(box):
    check_equal(results(box, "def f(i):\n    return i\n", {"x": ("f(r.i)", "int")}, "i\n",
                        environment={"CAPI_PYCALC_INTERPRETER_PATH": "/no/such/python"}), [])


# ---- mistakes ----

@test
def an_exception_shows_field_row_values_traceback_and_code(box):
    text = fails(box, "def g(v):\n    # divides\n    return 1 // v\n\ndef f(v, s):\n    return g(v)\n",
                 'row 2 of table "source"', 'field "x"', "ZeroDivisionError", 'formula f(r_i, r_s)', "r.i = 0", "r.s = 'c'",
                 'code.py", line 6, in f', 'code.py", line 3, in g', ">     3 |     return 1 // v", "      2 |     # divides",
                 "row 2 of the page", fields={"x": ("f(r.i, r.s)", "int")}, data="i,s\n1,a\n2,b\n0,c\n3,d\n0,e\n",
                 columns={"i": "int", "s": "string"})
    check("1 more row of this page failed" in text and "row 4: " in text, text)


@test
def results_of_a_wrong_type_are_told(box):
    for value, kind, words in [
            ("None", "int", "expected a number, got NoneType None"), ("True", "int", "expected a number, got bool True"),
            ("'1'", "float", "expected a number, got str '1'"), ("1", "string", "expected a string, got int 1"),
            ("1", "bool", "expected True or False, got int 1"), ("2 ** 63", "int", "does not fit a 64-bit integer"),
            ("float('nan')", "float", "nan"), ("float('inf')", "decimal2", "inf"), ("float('nan')", "int", "nan"),
            ("[1]", "int", "got list [1]"), ("{}", "string", "got dict {}"), ("10 ** 400", "float", "does not fit a float"),
            ("1e300", "decimal2", "too large for a decimal2"), ("10 ** 17", "decimal2", "too large for a decimal2"),
            ("object()", "int", "TypeError: Object of type object is not JSON serializable"),
            ("'2018-07-02'", "datetime", "2018-07-02"), ("'2018-07-02T16:26:46.000Z'", "datetime", "field \"x\""),
            ("'2018-07-02T16:26:46+00:00'", "datetime", "row 0"), ("b'x'", "string", "bytes"),
            ("'a' + chr(0)", "string", "has a NUL at character 1, which a string cannot hold")]:
        fails(box, "def f(i):\n    return %s\n" % value, 'field "x"', "row 0 of table", words, fields={"x": ("f(r.i)", kind)})
        check(box.out_files() == [], "a file was written")


@test
def code_that_does_not_load_is_shown(box):
    fails(box, "def f(i):\n    return i\nx = = 1\n", "does not load", "code.py", "line 3", "SyntaxError")
    fails(box, "def f(i):\n    return i\nimport no_such_module\n", "ModuleNotFoundError", 'line 3', "no_such_module")
    fails(box, "def f(i):\n    return i\nimport sys\nsys.exit(3)\n", "SystemExit: 3")
    fails(box, "def f(i):\n    return i\nimport sys\nprint('last words', file=sys.stderr, flush=True)\nimport os\nos._exit(9)\n",
          "exit code 9", "last words")


@test
def what_python_says_in_several_lines_stands_out_from_the_rest(box):
    text = fails(box, "def f(i):\n    raise ValueError('first\\nsecond\\n\\n  in node \"x\"')\n", 'field "x": ValueError: first\n',
                 "\n    second\n", '\n      in node "x"\n', 'code.py", line 2, in f')
    check(text.index("second") < text.index("code.py"), text)
    text = fails(box, "def f(i):\n    raise ValueError('line\\n' * 100)\n", "...", 'code.py", line 2, in f')
    check(text.count("line\n") < 12, text)
    fails(box, "def f(i):\n    return eval('1 +')\n", 'field "x": SyntaxError: ', "(<string>, line 1)", 'code.py", line 2, in f')
    text = fails(box, "def f(i):\n    return i\n\tx = (1 +* 2)\n", "", 'code.py", line 3', ">     3 | \tx = (1 +* 2)")
    text = fails(box, "def f(i):\n    return i\nx = 1 +* 2\n", "does not load: SyntaxError: invalid syntax", 'code.py", line 3',
                 ">     3 | x = 1 +* 2\n                     ^\n")


@test
def trace_functions_see_the_users_code_and_their_mistakes_are_told(box):
    code = ("import sys\nseen = []\ndef trace(frame, event, argument):\n    seen.append(frame.f_code.co_name)\n"
            "def f(i):\n    return seen.count('f')\nsys.%s(trace)\n")
    for function in ("settrace", "setprofile"):
        found = results(box, code % function, {"x": ("f(r.i)", "int")}, numbers(3))
        check(found == (["1", "2", "3"] if function == "settrace" else ["2", "6", "10"]), "%s: %s" % (function, found))
        os.remove(box.path("out", "result.csv"))
    bad = "import sys\ndef trace(*all):\n    return 1 // 0\ndef f(i):\n    %s\n    return i\n%s\n"
    for function in ("sys.settrace(trace)", "sys.setprofile(trace)"):
        for row, load in ((function, ""), ("", function)):
            text = fails(box, bad % (row, load), "ZeroDivisionError", 'code.py", line 3, in trace', ">     3 |     return 1 // 0",
                         data=numbers(3))
            check("<string>" not in text and "worker" not in text.replace("py_calc", ""), text)


@test
def code_that_closes_the_channel_is_told_so(box):
    for number, body in ((61, "def f(i):\n    os.close(61)\n    return i\n"), (61, "def f(i):\n    return i\nos.close(61)\n"),
                         (60, "def f(i):\n    return i\nos.close(60)\n"), (61, "def f(i):\n    return i\nos.dup2(os.open('/dev/null', 0), 61)\n")):
        text = fails(box, "import os\n" + body, "closed or replaced descriptor %d" % number)
        check("Traceback" not in text and "<string>" not in text, text)
    code = "import os\nos.close(62)\ndef f(s):\n    return s * 1000\n"
    fails(box, code, "closed or replaced descriptor 62", data="s\n" + "abcdef\n" * 9000, columns={"s": "string"}, fields={"x": ("f(r.s)", "string")})


@test
def exceptions_that_cannot_be_shown_and_exits_are_row_errors(box):
    fails(box, "class E(Exception):\n    def __str__(self):\n        raise E()\ndef f(i):\n    raise E()\n", "row 0", "E")
    fails(box, "import sys\ndef f(i):\n    sys.exit(1)\n", "row 0", "SystemExit: 1")
    fails(box, "def f(i):\n    return f(i)\n", "row 0", "RecursionError", "more calls")


@test
def an_interpreter_that_is_none_is_told(box):
    fails(box, "def f(i):\n    return i\n", "/no/such/python", "No such file",
          environment={"CAPI_PYCALC_INTERPRETER_PATH": "/no/such/python"})
    fails(box, "def f(i):\n    return i\n", "no_such_python_anywhere", "PATH",
          environment={"CAPI_PYCALC_INTERPRETER_PATH": "no_such_python_anywhere"})
    fails(box, "def f(i):\n    return i\n", "/bin/true", "no Python interpreter",
          environment={"CAPI_PYCALC_INTERPRETER_PATH": "/bin/true"})


@test
def no_interpreter_at_all_is_a_mistake_that_validation_finds(box):
    path = box.write("py.json", json.dumps(script(
        read=csv_reader([box.write("in.csv", numbers(1))], {"i": "int"}, "source"),
        compute=py_node("source", {"i": "int"}, box.write("code.py", "def f(i):\n    return i\n"), {"x": ("f(r.i)", "int")}))))
    for empty in ("", " "):
        environment = {**os.environ, "CAPI_PYCALC_INTERPRETER_PATH": empty}
        for command in ("validate", "run"):
            arguments = ("--data", box.path("state")) if command == "run" else ()
            result = box.capi(command, path, *arguments, env=environment)
            check_fails(result, 2, 'node "compute"', "CAPI_PYCALC_INTERPRETER_PATH is empty")
    check(box.capi("validate", path).code == 0, "a script with the usual interpreter")


@test
def options_of_the_interpreter_and_their_values_are_heeded(box):
    code = "import sys, warnings\ndef f(i):\n    return '%s %s' % (sys._xoptions.get('mine'), sys.flags.optimize)\n"
    check_equal(results(box, code, {"x": ("f(r.i)", "string")}, numbers(1),
                        environment={"CAPI_PYCALC_INTERPRETER_PARAMS": "-u,-,-X,mine=7,-W,ignore,-OO"}), ["7 2"])


@test
def parameters_that_are_none_of_the_interpreters_options_are_told(box):
    code = "def f(i):\n    return i\n"
    for params, words in (("-Z", '"python3" with the parameters -Z is no Python interpreter that works'), ("-u,-,-Z", "nknown option"),
                          ("foo", '"foo", expected options'), ("-c,print(1)", '"-c", expected options'), ("-m,json", '"-m"'),
                          ("-OOc", '"-OOc"'), ("--version", '"--version"'), ("-X", 'ends with "-X", which takes a value'), ("-X,utf8=0,x.py", '"x.py"'),
                          (",".join(["-O"] * 33), "more than 32 parameters"), ("-X,utf8=7", "it says")):
        fails(box, code, words, environment={"CAPI_PYCALC_INTERPRETER_PATH": "python3", "CAPI_PYCALC_INTERPRETER_PARAMS": params})
    check_equal(results(box, code, {"x": ("f(r.i)", "int")}, numbers(1), environment={
        "CAPI_PYCALC_INTERPRETER_PARAMS": " -u , - ,, -OOW , error, --check-hash-based-pycs, never,-Xutf8"}), ["0"])


@test
def modules_in_the_working_directory_do_not_run_outside_of_the_sandbox(box):
    os.mkdir(box.path("here"))
    for module in ("site", "os", "sys", "posixpath", "sitecustomize", "json", "encodings"):
        box.write("here/%s.py" % module, "open(%r, 'w').write(__name__)\n" % box.path("here/was_run"))
    path = box.write("py.json", json.dumps(script(
        read=csv_reader([box.write("in.csv", numbers(1))], {"i": "int"}, "source"),
        compute=py_node("source", {"i": "int"}, box.write("code.py", "def f(i):\n    return i\n"), {"x": ("f(r.i)", "int")}))))
    result = box.run(path, cwd=box.path("here"))
    check(not os.path.exists(box.path("here/was_run")), "it ran")
    check(result.code == 0, str(result))


@test
def an_interpreter_that_was_killed_is_asked_again(box):
    """By somebody who kills processes, or by the system: that says nothing about the interpreter."""
    for signal_name in ("KILL", "TERM"):
        marker = box.path("was_killed_" + signal_name)
        killed_once = box.write("python_" + signal_name, "#!/bin/sh\nif [ ! -e %s ]; then touch %s; kill -%s $$; fi\nexec python3 \"$@\"\n" %
                                (marker, marker, signal_name))
        os.chmod(killed_once, 0o755)
        check_equal(results(box, "def f(i):\n    return i + 1\n", {"x": ("f(r.i)", "int")}, numbers(1),
                            environment={"CAPI_PYCALC_INTERPRETER_PATH": killed_once}), ["1"])
        check(os.path.exists(marker), "the interpreter was not killed")


@test
def an_interpreter_that_cannot_serve_is_told(box):
    plain = box.write("plain", "#!/bin/sh\n")
    old = box.write("old", "#!/bin/sh\nprintf '/bin/sh\\0003.7.16\\000'\n")
    os.chmod(old, 0o755)
    for path, words in ((plain, "Permission denied"), (box.folder, "Permission denied"), (old, "3.8 or later is needed")):
        fails(box, "def f(i):\n    return i\n", path, words, environment={"CAPI_PYCALC_INTERPRETER_PATH": path})


def kernel_without(*calls):
    """Run before the program starts: these system calls are not known any more, as with an older kernel."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = [struct.pack("<HBBI", 0x20, 0, 0, 0)]  # load the number of the call
    for number in calls:
        code += [struct.pack("<HBBI", 0x15, 0, 1, number), struct.pack("<HBBI", 0x06, 0, 0, 0x00050000 | errno.ENOSYS)]
    code.append(struct.pack("<HBBI", 0x06, 0, 0, 0x7fff0000))
    filter_code = ctypes.create_string_buffer(b"".join(code))
    program = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(filter_code)))

    def before():
        if not filter_code or libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0:
            os._exit(99)
    return before


LANDLOCK_CALL, SECCOMP_CALL = 444, 317


@test
def a_kernel_with_one_layer_is_enough_and_with_none_too_little(box):
    if os.uname().machine != "x86_64":
        raise Skip("numbers of system calls are those of x86-64")
    code, fields = "def f(i):\n    return i\n", {"x": ("f(r.i)", "int")}
    for missing, there, body in (((LANDLOCK_CALL,), b"seccomp", "open('/tmp/capi_py_escape', 'w')"),
                                 ((SECCOMP_CALL,), b"Landlock", "open('/etc/passwd')")):
        before = kernel_without(*missing)
        check_equal(results(box, code, fields, numbers(1), preexec_fn=before), ["0"])
        os.remove(box.path("out", "result.csv"))
        doctor = box.capi("doctor", "--data", box.path("state"), preexec_fn=before)
        check(there in doctor.out and (b"Landlock" in doctor.out) + (b"seccomp" in doctor.out) == 1, str(doctor))
        fails(box, escape_code(box, "return 1 if %s else 0" % body), "PermissionError", preexec_fn=before)
    before = kernel_without(LANDLOCK_CALL, SECCOMP_CALL)
    fails(box, code, "neither Landlock nor seccomp", "CAPI_PYTHON_SANDBOX=off", preexec_fn=before)
    check(b"neither Landlock nor seccomp" in box.capi("doctor", "--data", box.path("state"), preexec_fn=before).out, "doctor")
    check_equal(results(box, code, fields, numbers(1), preexec_fn=before, environment={"CAPI_PYTHON_SANDBOX": "off"}), ["0"])


# ---- the sandbox ----

ESCAPES = {
    "opens a file outside": ("return len(open('/etc/passwd').read())", "PermissionError"),
    "opens its own input": ("return len(open(INPUT).read())", "PermissionError"),
    "lists a folder": ("import os\n    return len(os.listdir('/etc'))", "PermissionError"),
    "writes a file": ("open('/tmp/capi_py_escape', 'w').write('x')\n    return 1", "PermissionError"),
    "writes beside its input": ("open(INPUT + '.x', 'w').write('x')\n    return 1", "PermissionError"),
    "removes a file": ("import os\n    os.remove(INPUT)\n    return 1", "PermissionError"),
    "renames a file": ("import os\n    os.rename(INPUT, INPUT + '.x')\n    return 1", "PermissionError"),
    "makes a folder": ("import os\n    os.mkdir('/tmp/capi_py_escape')\n    return 1", "PermissionError"),
    "connects to loopback": ("import socket\n    socket.create_connection(('127.0.0.1', PORT), 2)\n    return 1", "Error"),
    "makes a local socket": ("import socket\n    socket.socket(socket.AF_UNIX)\n    return 1", "PermissionError"),
    "starts a program": ("import os\n    os.execv('/bin/true', ['true'])", "PermissionError"),
    "starts a shell": ("import subprocess\n    subprocess.run(['/bin/true'])\n    return 1", "PermissionError"),
    "starts python again": ("import os, sys\n    os.execv(sys.executable, ['python3', '-c', '1'])", "PermissionError"),
    "forks": ("import os\n    os.fork()\n    return 1", "PermissionError"),
    "signals its parent": ("import os\n    os.kill(os.getppid(), 9)\n    return 1", "PermissionError"),
    "signals all": ("import os\n    os.kill(-1, 9)\n    return 1", "PermissionError"),
    "reads its parent's memory": ("import os\n    return len(open('/proc/%d/maps' % os.getppid()).read())", "PermissionError"),
    "reads its parent's environment": ("import os\n    return len(open('/proc/%d/environ' % os.getppid(), 'rb').read())",
                                       "PermissionError"),
    "raises its limits": ("import resource\n    resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))\n    return 1",
                          "Error"),
    "uses up memory": ("x = bytearray(1 << 40)\n    return len(x)", "MemoryError"),
    "fills memory bit by bit": ("x = []\n    while True:\n        x.append(bytearray(1 << 24))", "MemoryError (the worker may use 256 MiB)"),
    "empties the worker": ("import sys\n    sys._getframe(1).f_back.f_globals.clear()\n    return i", "has damaged the worker"),
    "empties all it finds": ("import gc\n    for o in gc.get_objects():\n        if type(o) is dict and 'REQUESTS' in o:\n            o.clear()\n"
                             "    return i", "has damaged the worker"),
    "uses up descriptors": ("import os\n    while True:\n        os.dup(1)", "Too many open files"),
    "makes a memory file": ("import os\n    return os.memfd_create('x')", "PermissionError"),
    "changes its memory file": ("import os\n    os.ftruncate(62, 0)\n    return 1", "PermissionError"),
    "exits": ("import os\n    os._exit(7)", "exit code 7"),
    "crashes": ("import ctypes\n    ctypes.string_at(0)\n    return 1", "signal 11"),
    "aborts": ("import os\n    os.abort()", "was killed by signal"),
    "closes its channel": ("import os\n    os.close(60)\n    os.close(61)\n    return 1", "Python worker"),
    "writes garbage": ("import os\n    os.write(61, b'garbage' * 100)\n    return 1", "no answer"),
    "writes false frames": ("import os, struct\n    os.write(61, bytes(16) + struct.pack('<IBI', 1, 3, 17) + bytes(17))\n"
                            "    return 1", "no answer"),
    "opens a file by its root in proc": ("return len(open('/proc/self/root/etc/passwd').read())", "PermissionError"),
    "opens a file by its folder in proc": ("return len(open('/proc/self/cwd/in.csv').read())", "Error"),
    "opens a file beside a descriptor": ("import os\n    return os.open('etc/passwd', 0, dir_fd=os.open('/', 0x200000))",
                                         "PermissionError"),
    "opens a pipe by its number": ("return open('/proc/self/fd/61', 'wb').write(b'x')", "Error"),
    "opens its memory to write": ("return open('/proc/self/mem', 'r+b').seek(0)", "PermissionError"),
    "makes a link": ("import os\n    os.symlink('/etc/passwd', '/tmp/capi_py_escape')\n    return 1", "PermissionError"),
    "makes a file in shared memory": ("return open('/dev/shm/capi_py_escape', 'w').write('x')", "PermissionError"),
    "makes a file without a name": ("import os\n    return os.open('/tmp', os.O_TMPFILE | os.O_RDWR)", "PermissionError"),
    "changes a mode": ("import os\n    os.chmod(INPUT, 0)\n    return 1", "PermissionError"),
    "changes a time": ("import os\n    os.utime(INPUT)\n    return 1", "PermissionError"),
    "leaves its folder": ("import os\n    os.chdir('/etc')\n    return 1", "PermissionError"),
    "makes an abstract socket": ("import socket\n    socket.socket(socket.AF_UNIX).connect('\\0x')\n    return 1",
                                 "PermissionError"),
    "makes a pair of sockets": ("import socket\n    socket.socketpair()\n    return 1", "PermissionError"),
    "spawns a program": ("import os\n    return os.posix_spawn('/bin/true', ['true'], {})", "PermissionError"),
    "uses multiprocessing": ("import multiprocessing as m\n    p = m.Process(target=f)\n    p.start()\n    return 1", "Error"),
    "looks at its parent's descriptors": ("import os\n    return len(os.listdir('/proc/%d/fd' % os.getppid()))",
                                          "PermissionError"),
    "opens its parent's memory": ("import os\n    return len(open('/proc/%d/mem' % os.getppid(), 'rb').read(1))",
                                  "PermissionError"),
    "raises its parent's limits": ("import os, resource\n    resource.prlimit(os.getppid(), 7, (1, 1))\n    return 1",
                                   "PermissionError"),
    "sends a signal by a descriptor": ("import os\n    return os.pidfd_open(os.getppid())", "Error"),
    "signals itself": ("import os\n    os.kill(os.getpid(), 9)\n    return 1", "PermissionError"),
    "maps memory without end": ("import mmap\n    keep = []\n    while True:\n        keep.append(mmap.mmap(-1, 1 << 26))", "Error"),
    "keeps what it fills": ("import sys\n    sys.keep = keep = []\n    while True:\n        keep.append(bytearray(1 << 20))",
                            "MemoryError"),
    "starts threads without end": ("import threading, time\n    while True:\n"
                                   "        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
                                   "can't start new thread"),
    "starts small threads without end": ("import threading, time\n    threading.stack_size(32768)\n    while True:\n"
                                         "        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
                                         "more than 512 threads"),
    "calls itself without end": ("import sys\n    sys.setrecursionlimit(1 << 30)\n    g = lambda n: g(n + 1)\n    return g(0)",
                                 ""),
    "nests without end": ("x = []\n    for _ in range(1000000):\n        x = [x]\n    return x", "RecursionError"),
    "interrupts itself": ("import _thread\n    _thread.interrupt_main()\n    return 1 if i else 1 / i", "field"),
    "writes on its standard error for ever and dies": ("import os\n    for _ in range(300):\n"
                                                       "        os.write(2, b'w' * 4096)\n    os._exit(5)", "exit code 5"),
    "hides in an old system call": ("import ctypes, mmap\n    page = mmap.mmap(-1, 4096, prot=7)\n"
                                    "    page.write(bytes.fromhex('b814000000cd80c3'))\n"
                                    "    code = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))\n"
                                    "    return code() and 1 / 0", "Python"),
    "writes garbage and dies": ("import os\n    os.write(61, b'x')\n    os._exit(0)", "Python worker"),
}


def escape_code(box, body, port=1):
    return "PORT = %d\nINPUT = %r\ndef f(i):\n    %s\n" % (port, box.path("in.csv"), body)


@test
def hostile_code_ends_in_a_failed_batch(box):
    os.environ["CAPI_SECRET"] = "secret"
    for name, (body, words) in ESCAPES.items():
        before = time.monotonic()
        try:
            text = fails(box, escape_code(box, body), words, arguments=("--memory", "64M"))
        except AssertionError as error:
            raise AssertionError("code that %s: %s" % (name, error))
        check(time.monotonic() - before < 60, "code that %s took long" % name)
        check("<string>" not in text, "code that %s sees the worker: %s" % (name, text))
        check(os.path.exists(box.path("in.csv")) and not os.path.exists(box.path("in.csv.x")), "code that %s did so" % name)
        check(not os.path.exists("/tmp/capi_py_escape"), "code that %s wrote a file" % name)


# ---- code that has dug out the channel ----

STEAL = """
import ctypes, os, struct, sys, threading
def steal(name):
    frame = sys._getframe()
    while frame:
        if name in frame.f_locals and 'capi' not in frame.f_code.co_name and frame.f_code.co_filename == '<string>':
            return frame.f_locals[name]
        frame = frame.f_back
def send(kind, payload):
    steal('frames').send(kind, payload)
    return 1
"""

FALSE_FRAMES = {
    "an offset far outside": ("send(3, struct.pack('<BQQ', ord('q'), 1 << 60, 8))", "makes no sense"),
    "an offset that overflows": ("send(3, struct.pack('<BQQ', ord('q'), (1 << 64) - 8, 16))", "makes no sense"),
    "a length that overflows": ("send(3, struct.pack('<BQQ', ord('q'), 64, (1 << 64) - 8))", "makes no sense"),
    "an odd offset": ("send(3, struct.pack('<BQQ', ord('q'), 3, 8))", "makes no sense"),
    "another length": ("send(3, struct.pack('<BQQ', ord('q'), 0, 16))", "makes no sense"),
    "another kind of column": ("send(3, struct.pack('<BQQ', ord('d'), 0, 8))", "makes no sense"),
    "no kind at all": ("send(3, struct.pack('<BQQ', 0, 0, 8))", "makes no sense"),
    "too few columns": ("send(3, b'')", "makes no sense"),
    "too many columns": ("send(3, bytes(34))", "makes no sense"),
    "an unknown answer": ("send(77, b'')", "makes no sense"),
    "a wish for care, again and again": ("send(7, b'')", "makes no sense"),
    "a start in the middle": ("send(6, b'')", "makes no sense"),
    "an answer without its row": ("send(4, struct.pack('<II', 1, 1))", "makes no sense"),
    "a row outside": ("send(4, struct.pack('<IIII', 1, 1, 5, 0))", "makes no sense"),
    "a text that is cut": ("send(4, struct.pack('<IIII', 1, 1, 0, 4000000000))", "makes no sense"),
    "more rows than it tells": ("send(4, struct.pack('<IIII', 9, 9, 0, 2) + b'ab')", "ab"),
    "words that are no text": ("send(2, b'\\xff\\x00\\x1b[31m bad')", "bad"),
    "a frame that is too large": ("send(2, bytes(2 << 20))", "an answer to another page"),
    "a demand for too much memory": ("send(5, struct.pack('<Q', 1 << 62))", "at most"),
    "a demand for more than it has": ("send(5, struct.pack('<Q', (1 << 28) + 1))", "at most 268435456 are possible"),
    "a demand that is cut": ("send(5, b'abc')", "makes no sense"),
    "one demand after the other": ("[send(5, struct.pack('<Q', 1 << 20)) for _ in range(9)] and 1", "makes no sense"),
    "an answer to another page": ("setattr(steal('frames'), 'number', 77) or send(3, bytes(17))", "an answer to another page"),
    "half a frame": ("os.write(61, steal('frames').token + b'ab') and os._exit(0)", "exit code 0"),
}


@test
def false_frames_with_the_right_token_are_refused(box):
    for name, (body, words) in FALSE_FRAMES.items():
        text = fails(box, STEAL + "def f(i):\n    return %s\n" % body, words, arguments=("--memory", "64M"))
        check("\x1b" not in text and "\0" not in text and "Traceback" not in text, "%s: %r" % (name, text))


@test
def scribbling_over_the_shared_memory_harms_nobody_else(box):
    """The code takes the worker over: threads write all over the memory while page after page is answered."""
    code = STEAL + """
libc = ctypes.CDLL(None)
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
def scribble(address, size, byte):
    while True:
        libc.memset(address, byte, size)
def f(d, s):
    frames, page = steal('frames'), steal('page')
    memory = page.program.memory.map
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for byte in (0x7f, 0x11):
        threading.Thread(target=scribble, args=(address, len(memory), byte), daemon=True).start()
    count = page.count
    while True:
        frames.send(3, struct.pack('<BQQ', ord('KIND'), 0, 8 * count if 'KIND' != 's' else count - 1))
        frames.number, count = frames.receive().numbers('<II')
"""
    data = "d,s\n" + "".join("%d.00,%s\n" % (i, "x" * (i % 40)) for i in range(100000))
    for kind, declared in (("c", "decimal2"), ("d", "decimal2"), ("q", "int"), ("s", "string")):
        result = run(box, code.replace("KIND", kind), {"x": ("f(r.d, r.s)", declared)}, data, {"d": "decimal2", "s": "string"},
                     rowset_size=1000, environment={"CAPI_PYCALC_EXECUTION_TIMEOUT": "20000"})
        check(result.code in (0, 1) and b"Sanitizer" not in result.err and b"rror:" not in result.err.replace(b"\nerror:", b""), "%s" % result)
        if box.out_files():
            os.remove(box.path("out", "result.csv"))


@test
def words_without_end_do_not_hide_the_clock(box):
    code = """
import ctypes, threading
libc = ctypes.CDLL(None)
def shout():
    text = ctypes.create_string_buffer(1 << 20)
    while True:
        libc.write(2, text, 1 << 20)
def f(i):
    for _ in range(4):
        threading.Thread(target=shout, daemon=True).start()
    while True:
        pass
"""
    before = time.monotonic()
    fails(box, code, "500 ms", "execution_timeout", environment={"CAPI_PYCALC_EXECUTION_TIMEOUT": "500"})
    check(time.monotonic() - before < 30, "it took %.1f s" % (time.monotonic() - before))


@test
def last_words_that_are_no_text_are_shown_as_text(box):
    text = fails(box, "import os\ndef f(i):\n    os.write(2, b'a\\xff\\0\\x1b[31mb')\n    os._exit(3)\n", "exit code 3", "[31mb")
    check("\x1b" not in text and "\0" not in text, repr(text))


@test
def whatever_an_exception_says_its_place_is_told(box):
    for body in ("raise ValueError('x' * 10000000)", "raise ValueError('a\\0b')", "raise ValueError('a\\x1b[31m')", "raise ValueError('a\\u202e\\u2066b\\x9b1m')",
                 "raise ValueError('\\udc80')", "raise ValueError('line\\n' * 5000)", "raise BaseException(i)",
                 "raise KeyboardInterrupt()", "raise SystemExit('\\0')", "raise GeneratorExit()",
                 "raise type('E' * 5000, (Exception,), {})()", "exec('1/0')", "raise ExceptionGroup('many', [ValueError(1)] * 500)"):
        text = fails(box, "def f(i):\n    %s\n" % body, 'field "x"', "row 0 of the page", "r.i = 0",
                     'code.py", line 2, in f', ">     2 |     ")
        check(not any(c in text for c in "\x1b\0\u202e\u2066\x9b"), "%s: %r" % (body, text[:500]))


@test
def changing_what_the_worker_itself_uses_has_no_effect(box):
    head = "import builtins, gc, json, linecache, os, struct, sys, traceback\n"
    for change in ("for name in dir(builtins):\n    if name[0] != '_' and name not in ('range', 'setattr', 'str'):\n"
                   "        setattr(builtins, name, None)\n",
                   "struct.pack = struct.unpack_from = struct.calcsize = None\n", "os.read = os.write = os._exit = None\n",
                   "sys.modules.clear()\n", "traceback.format_exception_only = None\nlinecache.cache = None\n",
                   "import mmap, array, types\nmmap.mmap = array.array = types.ModuleType = None\n",
                   "sys.stdout = sys.stderr = sys.excepthook = None\n", "gc.disable()\ngc.set_threshold(1)\n",
                   "sys.setrecursionlimit(60)\n", "import atexit, time\natexit.register(time.sleep, 100)\n",
                   "import signal\nfor n in (2, 10, 15):\n    signal.signal(n, lambda *a: 1 / 0)\n"):
        check_equal(results(box, head + change + "def f(i, s):\n    return i\ndef g(s):\n    return s + s\n",
                            {"x": ("f(r.i, r.s)", "int"), "y": ("g(r.s)", "string")}, "i,s\n5,a\n6,b\n",
                            {"i": "int", "s": "string"}), ["5,aa", "6,bb"])
        os.remove(box.path("out", "result.csv"))


@test
def the_memory_of_all_workers_is_within_the_budget(box):
    code = ("import os, resource, time\ntime.sleep(0.2)\ndef f(i):\n"
            "    return '%d,%d' % (os.getpid(), resource.getrlimit(resource.RLIMIT_AS)[0])\n")
    for memory, most in (("32M", 1), ("500M", 1), ("600M", 1), ("1200M", 2), ("2400M", 4), ("64G", 4)):
        lines = set(results(box, code, {"x": ("f(r.i)", "string")}, numbers(400000), formats={"x": "%s"},
                            arguments=("--threads", "4", "--memory", memory)))
        limits = [int(line.strip('"').split(",")[1]) for line in lines]
        check(1 <= len(limits) <= most, "%d workers with a budget of %s" % (len(limits), memory))
        megabytes = int(memory[:-1]) << (10 if memory[-1] == "G" else 0)
        check(len(limits) == 1 or sum(limits) <= megabytes << 20, "%s with a budget of %s" % (limits, memory))
        check(memory != "64G" or len(limits) > 1, "one worker where there is room for more")
        os.remove(box.path("out", "result.csv"))


@test
def the_environment_is_not_passed_on(box):
    code = "import os\ndef f(i):\n    return ' '.join(sorted(os.environ))\n"
    lines = results(box, code, {"x": ("f(r.i)", "string")}, numbers(1), environment={"CAPI_SECRET": "s", "AWS_SECRET": "s"})
    check("SECRET" not in lines[0] and "PATH" in lines[0], lines[0])


@test
def raw_system_calls_are_stopped_too(box):
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
CALLS = {
    "fork": (57,), "vfork": (58,), "clone without thread": (56, 17, 0, 0, 0, 0), "clone3": (435, 0, 0),
    "ptrace": (101, 16, os.getppid(), 0, 0), "process_vm_readv": (310, os.getppid(), 0, 0, 0, 0, 0),
    "pidfd_open": (434, os.getppid(), 0), "socket": (41, 2, 1, 0), "bpf": (321, 0, 0, 0), "io_uring_setup": (425, 1, 0),
    "userfaultfd": (323, 0), "keyctl": (250, 0, 0), "mount": (165, 0, 0, 0, 0, 0), "unshare": (272, 0x10000000),
    "setuid": (105, 0), "seccomp": (317, 1, 0, 0), "prctl dumpable": (157, 4, 1, 0, 0, 0), "prlimit": (302, 0, 7, 1, 0),
    "kill": (62, os.getppid(), 9), "tgkill": (234, os.getppid(), os.getppid(), 9), "execveat": (322, -100, 0, 0, 0, 0),
    "chmod": (90, b"/no/such/file", 0o777), "openat for writing": (257, -100, b"/dev/null", 1), "open_by_handle_at": (304, 0, 0, 0),
    "memfd_create": (319, b"x", 0), "setsid": (112,), "fcntl setown": (72, 0, 8, os.getppid()), "shmget": (29, 0, 1, 0),
    "ioctl TIOCSTI": (16, 0, 0x5412, b"x"), "execve": (59, b"/bin/true", 0, 0),
}
def f(i):
    wrong = []
    for name, call in CALLS.items():
        ctypes.set_errno(0)
        got = libc.syscall(*[ctypes.c_long(a) if isinstance(a, int) else a for a in call])
        if got != -1 or ctypes.get_errno() not in (1, 38):
            wrong.append("%s gave %d, errno %d" % (name, got, ctypes.get_errno()))
    for at, flags in [(0x100000, 0x32), (0x10000, 0x32), (0, 0x32), (0x1ff000, 0x100022), (0x400000, 0x122), (0, 0x122)]:
        got = libc.mmap(at, 4096, 3, flags, -1, 0)
        if got not in (None, 0xffffffffffffffff):
            wrong.append("mmap at %x, flags %x gave %x" % (at, flags, got))
    for at in (0x100000, 0x110000):
        if libc.syscall(59, ctypes.c_long(at), None, None) != -1:
            wrong.append("execve")
    return ", ".join(wrong)
"""
    if os.uname().machine != "x86_64":
        raise Skip("numbers of system calls are those of x86-64")
    check_equal(results(box, code, {"x": ("f(r.i)", "string")}, numbers(1)), [""])


@test
def threads_are_limited_by_number_and_by_memory_for_their_stacks(box):
    code = """
import threading
leave, started = threading.Event(), []
def f(i):
    threading.stack_size(i)
    try:
        while len(started) < COUNT:
            started.append(threading.Thread(target=leave.wait, daemon=True))
            started[-1].start()
    except RuntimeError as error:
        return str(error)
    return str(len(started))
"""
    fields = {"x": ("f(r.i)", "string")}
    check_equal(results(box, code.replace("COUNT", "500"), fields, "i\n65536\n", timeout=120), ["500"])
    os.remove(box.path("out", "result.csv"))
    check_equal(results(box, code.replace("COUNT", "40"), fields, "i\n0\n", arguments=("--memory", "64M")), ["can't start new thread"])


@test
def nothing_reaches_a_listening_socket(box):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.1)
        body = "import socket\n    socket.create_connection(('127.0.0.1', PORT), 2)\n    return 1"
        fails(box, escape_code(box, body, listener.getsockname()[1]), "PermissionError")
        try:
            listener.accept()
            check(False, "the formula connected")
        except socket.timeout:
            pass


@test
def code_that_never_returns_is_ended_by_the_time_limit(box):
    for body in ("while True:\n        pass", "import time\n    time.sleep(1000)", "import os\n    os.read(60, 1)",
                 "import signal, time\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    time.sleep(1000)"):
        before = time.monotonic()
        fails(box, "def f(i):\n    %s\n" % body, "500 ms", "execution_timeout",
              environment={"CAPI_PYCALC_EXECUTION_TIMEOUT": "500"})
        check(time.monotonic() - before < 15, "it took %.1f s" % (time.monotonic() - before))


@test
def code_that_does_not_finish_loading_is_ended_by_the_time_limit(box):
    before = time.monotonic()
    fails(box, "def f(i):\n    return i\nwhile True:\n    pass\n", "500 ms", "execution_timeout", "while the Python code was loaded",
          environment={"CAPI_PYCALC_EXECUTION_TIMEOUT": "500"})
    check(time.monotonic() - before < 25, "it took %.1f s" % (time.monotonic() - before))


@test
def the_rows_of_a_page_that_ends_its_worker_are_told(box):
    fails(box, "import os\ndef f(i):\n    if i == 7:\n        os._exit(9)\n    return i\n", "exit code 9",
          'while rows 6 to 8 of table "source" were computed', data=numbers(10), rowset_size=3, arguments=("--threads", "1"))


@test
def a_page_may_take_its_time_where_no_limit_is_set(box):
    check_equal(results(box, "import time\ndef f(i):\n    time.sleep(0.7)\n    return i\n", {"x": ("f(r.i)", "int")}, numbers(1)),
                ["0"])


@test
def no_worker_outlives_the_process(box):
    code = "import os\ndef f(i):\n    return os.getpid()\n"
    pids = set(results(box, code, {"x": ("f(r.i)", "int")}, numbers(100), rowset_size=10))
    time.sleep(0.5)
    for pid in pids:
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                check(b"worker.py" not in file.read(), "worker %s is still alive" % pid)
        except OSError:
            pass


def start_endless(box):
    """A run whose formula never returns: the process, and the pid of its worker as soon as there is one."""
    box.write("in.csv", numbers(1))
    code = box.write("code.py", "def f(i):\n    while True:\n        pass\n")
    path = box.write("py.json", json.dumps(script(read=csv_reader([box.path("in.csv")], {"i": "int"}, "source"),
                                                  compute=py_node("source", {"i": "int"}, code, {"x": ("f(r.i)", "int")}))))
    process = subprocess.Popen([BINARY, "run", path, "--data", box.path("state"), "--keyspace", "test"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for _ in range(200):
        time.sleep(0.1)
        for pid in os.listdir("/proc"):
            try:
                with open("/proc/%s/stat" % pid) as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                with open("/proc/%s/cmdline" % pid, "rb") as file:
                    if int(fields[1]) == process.pid and b"worker.py" in file.read():
                        if int(fields[11]) > 50:  # half a second of work: it is in the formula
                            return process, int(pid)
            except (OSError, ValueError):
                pass
    process.kill()
    raise AssertionError("there is no worker")


def check_gone(pid):
    for _ in range(50):
        try:
            with open("/proc/%d/stat" % pid) as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return
        except OSError:
            return
        time.sleep(0.1)
    raise AssertionError("worker %d is still alive" % pid)


@test
def an_interrupt_ends_a_formula_that_never_returns(box):
    process, worker = start_endless(box)
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    check(process.returncode == 130, "exit code %d: %s" % (process.returncode, err.decode()))
    check_gone(worker)


@test
def a_worker_dies_with_an_engine_that_is_killed(box):
    process, worker = start_endless(box)
    process.kill()
    process.communicate()
    check_gone(worker)


@test
def the_sandbox_can_be_switched_off(box):
    code = "def f(i):\n    return open('/etc/hostname').read() and 1\n"
    if os.path.exists("/etc/hostname"):
        check_equal(results(box, code, {"x": ("f(r.i)", "int")}, numbers(1), environment={"CAPI_PYTHON_SANDBOX": "off"}), ["1"])
        os.remove(box.path("out", "result.csv"))
    fails(box, code, "CAPI_PYTHON_SANDBOX", '"maybe"', environment={"CAPI_PYTHON_SANDBOX": "maybe"})


@test
def folders_can_be_opened_for_reading(box):
    box.write("data.txt", "hello")
    code = "def f(i):\n    return len(open(%r).read())\n" % box.path("data.txt")
    fails(box, code, "PermissionError")
    fails(box, code, 'CAPI_PYTHON_READ_PATHS has "data.txt", expected paths that begin with /',
          environment={"CAPI_PYTHON_READ_PATHS": box.folder + ":data.txt"})
    check_equal(results(box, code, {"x": ("f(r.i)", "int")}, numbers(1),
                        environment={"CAPI_PYTHON_READ_PATHS": box.path("data.txt")}), ["5"])


@test
def the_standard_library_works_inside(box):
    code = """
import collections, csv, datetime, decimal, fractions, hashlib, itertools, math, random, re, statistics, string, sys
def f(i):
    if sys.version_info >= (3, 9):
        import zoneinfo
        zoneinfo.ZoneInfo("Europe/Berlin")
    return hashlib.sha256(str(i).encode()).hexdigest()[:4] + re.sub("a", "b", "aa") + str(statistics.mean([1, 3]))
"""
    check_equal(results(box, code, {"x": ("f(r.i)", "string")}, numbers(1)), ["5fecbb2"])


# ---- vectorised ----

@test
def a_vectorised_formula_gets_and_gives_whole_columns(box):
    code = """
@vectorized
def twice(column):
    return [2 * value for value in column]
@vectorized
def total(a, b, s):
    assert len(a) == len(b) == len(s)
    return [x + y + len(z) for x, y, z in zip(a, b, s)]
def plain(v):
    return -v
"""
    fields = {"a": ("twice(r.i)", "int"), "b": ("plain(p.a)", "int"), "c": ("total(p.a, p.b, r.s)", "int"),
              "d": ("plain(p.c)", "int")}
    data = "i,s\n" + "".join("%d,%s\n" % (i, "x" * (i % 3)) for i in range(5000))
    lines = results(box, code, fields, data, {"i": "int", "s": "string"})
    check(lines == ["%d,%d,%d,%d" % (2 * i, -2 * i, i % 3, -(i % 3)) for i in range(5000)], lines[:10])


@test
def a_vectorised_formula_that_changes_its_columns_changes_them_for_itself(box):
    code = """
@vectorized
def shuffled(texts):
    texts.sort(reverse=True)
    del texts[2:]
    return [0] * 4
@vectorized
def spoilt(values):
    if type(values) is list:
        values[0] = 99
        values.append(5)
    return [0] * 4
def same(v):
    return v
"""
    fields = {"a": ("shuffled(r.s)", "int"), "b": ("same(r.s)", "string"), "c": ("same(r.i)", "int"), "d": ("spoilt(p.c)", "int"),
              "e": ("same(p.c)", "int"), "f": ("spoilt(p.b)", "int"), "g": ("same(p.b)", "string")}
    data = "i,s\n" + "".join("%d,s%d\n" % (i, i) for i in range(4))
    check_equal(results(box, code, fields, data, {"i": "int", "s": "string"}), ["0,s%d,%d,0,%d,0,s%d" % (i, i, i, i) for i in range(4)])


@test
def all_rows_with_values_that_fit_no_type_are_counted(box):
    for code, kind, words in (("def f(i):\n    return float('nan') if i % 2 else 1.0\n", "float", "got nan"),
                              ("def f(i):\n    return 1e300 if i % 2 else 1.0\n", "decimal2", "too large"),
                              ("def f(i):\n    return 'x%d' % i if i % 2 else '2020-01-01T00:00:00.000+01:00'\n", "datetime", "x1")):
        fails(box, code, words, "row 1", "2 more rows of this page failed", fields={"x": ("f(r.i)", kind)}, data=numbers(6))


@test
def a_vectorised_formula_may_give_memory(box):
    code = ("import array\n@vectorized\ndef half(c):\n    return array.array('d', [v / 2 for v in c])\n"
            "@vectorized\ndef cut(c):\n    return memoryview(array.array('q', c))\n@vectorized\ndef odd(c):\n"
            "    return [v % 2 == 1 for v in c]\n")
    fields = {"h": ("half(r.i)", "float"), "d": ("half(r.i)", "decimal2"), "n": ("cut(r.i)", "int"), "o": ("odd(r.i)", "bool")}
    check_equal(results(box, code, fields, numbers(3)), ["0,0.00,0,false", "0.5,0.50,1,true", "1,1.00,2,false"])


@test
def mistakes_of_vectorised_formulas_are_told(box):
    head = "@vectorized\ndef f(c):\n    "
    fails(box, head + "return [1]\n", 'field "x"', "a column of 1 values for 3 rows", data=numbers(3))
    fails(box, head + "return 5\n", "returned int, expected a column", data=numbers(3))
    fails(box, head + "return 'abc'\n", "returned str, expected a column", data=numbers(3))
    fails(box, head + "return c[7]\n", 'field "x"', "IndexError", 'code.py", line 3', data=numbers(3))
    fails(box, head + "return [1, None, 3]\n", "row 1 of table", "NoneType", data=numbers(3))
    fails(box, head + "c[0] = 1\n", "read-only", data=numbers(3)) if not has_numpy() else None


@test
def a_row_that_fails_is_not_hidden_by_a_later_column(box):
    code = "def f(v):\n    return 6 // (v - 1)\n@vectorized\ndef g(c):\n    return [v * 2 for v in c]\n"
    text = fails(box, code, 'row 1 of table', 'field "x": ZeroDivisionError', 'code.py", line 2, in f', "where r.i = 1", data=numbers(3),
                 fields={"x": ("f(r.i)", "int"), "y": ("g(p.x)", "int")})
    check("NoneType" not in text, text)


@test
def a_column_has_an_order_and_a_length(box):
    head = "import array, collections\n@vectorized\ndef f(c):\n    return %s\n"
    for value in ("[7, 8, 9]", "(7, 8, 9)", "range(7, 10)", "array.array('q', [7, 8, 9])", "array.array('b', [7, 8, 9])",
                  "memoryview(bytes([7, 8, 9]))", "type('L', (list,), {})([7, 8, 9])", "memoryview(array.array('h', [7, 0, 8, 0, 9]))[::2]"):
        check_equal(results(box, head % value, {"x": ("f(r.i)", "int")}, numbers(3)), ["7", "8", "9"], value)
        os.remove(box.path("out", "result.csv"))
    for value, kind in (("{7, 8, 9}", "set"), ("frozenset(c)", "frozenset"), ("{7: 1, 8: 1, 9: 1}", "dict"), ("iter([7, 8, 9])", "list_iterator"),
                        ("(v for v in c)", "generator"), ("map(int, c)", "map"), ("bytes([7, 8, 9])", "bytes"), ("'789'", "str"),
                        ("{7: 1, 8: 1, 9: 1}.keys()", "dict_keys"), ("collections.deque([7, 8, 9])", "deque"), ("None", "NoneType"),
                        ("bytearray(3)", "bytearray")):
        fails(box, head % value, 'field "x"', "returned %s, expected a column: a list" % kind, data=numbers(3))


@test
def columns_that_lie_about_themselves_are_found_out(box):
    head = ("class Odd%s:\n    def __len__(self):\n        return 3\n    def __iter__(self):\n        %s\n"
            "@vectorized\ndef f(c):\n    return Odd()\ndef g(v):\n    return v\n")
    fields = {"x": ("f(r.i)", "int"), "y": ("g(p.x)", "int")}
    for wanted in ({"x": fields["x"]}, fields):
        fails(box, head % ("", "return iter([1])"), 'field "x"', "returned Odd, expected a column", data=numbers(3), fields=wanted)
        for body, words in (("return iter([1])", "a column of 1 values for 3 rows"), ("return iter(range(9))", "9 values for 3 rows"),
                            ("raise ValueError('none')", "ValueError: none"), ("raise SystemExit(4)", "SystemExit: 4"),
                            ("return 5", "TypeError")):
            fails(box, head % ("(list)", body), 'field "x"', words, data=numbers(3), fields=wanted)


@test
def a_column_is_taken_before_a_later_formula_changes_it(box):
    code = ("import array\nclass Box:\n    pass\njson.JSONEncoder.default = lambda self, o: o.v\n"
            "column = %s\nsame = Box()\nitems = [same] * 3\n"
            "@vectorized\ndef f(c, n):\n    for k in range(3):\n        column[k] = int(c[k]) + n\n    return column\n"
            "@vectorized\ndef g(n):\n    same.v = n[0]\n    return items\ndef h(n):\n    same.v = 50 + n\n    return same\n")
    fields = {"a": ("f(r.i, 1)", "int"), "b": ("f(r.i, 2)", "int"), "c": ("g(p.b)", "int"), "d": ("h(r.i)", "int"), "e": ("g(p.a)", "int")}
    for kept in ("array.array('q', [0, 0, 0])", "[0, 0, 0]"):
        check_equal(results(box, code % kept, fields, numbers(3)), ["1,2,2,50,2", "2,3,2,51,2", "3,4,2,52,2"], kept)
        os.remove(box.path("out", "result.csv"))


@test
def arrays_of_numpy_that_cannot_be_taken_are_told(box):
    if not has_numpy():
        raise Skip("numpy is not installed")
    for body, kind, words in (("numpy.ma.array([1., 2., 3.], mask=[0, 1, 0])", "float", "NoneType"),
                              ("numpy.array(['2018-07-02'] * 3, dtype='M8[ms]')", "datetime", "datetime"),
                              ("numpy.array(3.0)", "float", "a single value in a ndarray, expected a column"),
                              ("numpy.zeros((3, 2))", "float", "got list [0.0, 0.0]"), ("c * 1j", "float", "complex"),
                              ("numpy.array([1, 2, 3], 'u8') + numpy.uint64(2 ** 63)", "int", "does not fit")):
        fails(box, "import numpy\n@vectorized\ndef f(c):\n    return %s\n" % body, 'field "x"', words, data=numbers(3),
              fields={"x": ("f(r.i)", kind)})


def has_numpy():
    return os.system("%s -c 'import numpy' >/dev/null 2>&1" % os.environ.get("CAPI_PYCALC_INTERPRETER_PATH", "python3")) == 0


@test
def numpy_works_in_the_sandbox(box):
    if not has_numpy():
        raise Skip("numpy is not installed")
    code = ("import numpy\n@vectorized\ndef f(x, y):\n    assert isinstance(x, numpy.ndarray)\n    return x * 0.5 + y\n"
            "@vectorized\ndef big(x):\n    return x > 1\ndef one(v):\n    return numpy.float64(v)\n")
    code += "class Series:\n    def __array__(self, *all, **more):\n        return numpy.array([7, 8])\n@vectorized\ndef series(x):\n    return Series()\n"
    fields = {"z": ("f(r.x, r.y)", "float"), "b": ("big(r.x)", "bool"), "o": ("one(r.x)", "float"), "n": ("f(r.x, r.y)", "int"),
              "s": ("series(r.x)", "int")}
    check_equal(results(box, code, fields, "x,y\n1,2\n3,4\n", {"x": "float", "y": "float"}),
                ["2.5,false,1,2,7", "5.5,true,3,5,8"])


@test
def what_a_module_remembers_stays_with_its_node_and_run(box):
    box.write("code.py", "n = 0\n\ndef count(a):\n    global n\n    n += 1\n    return n\n")
    source = csv_reader([box.write("in.csv", "i\n1\n2\n3\n")], {"i": "int"}, "source")
    nodes = {"read": source}
    for name in ("one", "two"):
        node = py_node("source", {"i": "int"}, box.path("code.py"), {"c": ("count(r.i)", "int")})
        node["w"]["name"] = "computed_" + name
        nodes[name] = node
        nodes["write_" + name] = csv_writer("computed_" + name, {"c": "int"}, box.path("out/%s_{run_id|string}.csv" % name))
    path = box.write("s.json", script(**nodes))
    for arguments in (["--threads", "1", "--batches", "1"], []):
        box.run_well(path, *arguments)
    check_equal({box.read("out", name) for name in box.out_files()}, {b"c\r\n1\n2\n3\n"}, "the results")
    daemon = subprocess.Popen([BINARY, "daemon", "--data", box.path("state")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for keyspace in ("alice", "bob"):
            check(box.capi("start", path, "--keyspace", keyspace, "--data", box.path("state")).code == 0)
            check(box.capi("watch", "--keyspace", keyspace, "--data", box.path("state")).code == 0)
            check_equal({box.read("out", name) for name in box.out_files()}, {b"c\r\n1\n2\n3\n"}, "the results of " + keyspace)
    finally:
        daemon.terminate()
        daemon.wait(60)


@test
def a_thread_left_behind_meets_no_other_batch(box):
    """It would end the worker, half a second later, in the middle of somebody else's batch."""
    code = """import os, threading, time

def leave():
    time.sleep(0.5)
    os._exit(3)

def f(a):
    if a == 3:
        threading.Thread(target=leave, daemon=True).start()
    else:
        time.sleep(0.3)
    return a
"""
    found = results(box, code, {"x": ("f(r.i)", "int")}, numbers(8), arguments=("--threads", "1", "--batches", "1"),
                    expected_batches_total=8)
    check_equal(found, [str(i) for i in range(8)])


if __name__ == "__main__":
    main()
