"""worker.py - the Python side of py_calc: loads the user's code once, then computes page after page.

It is started inside the sandbox, as the text of "python -c", with three descriptors:

    REQUESTS  pipe, read here    the program, then pages
    ANSWERS   pipe, written here every frame begins with the token, which the user's code is not given
    MEMORY    shared memory      columns of a page, and behind them the columns that were computed

doc/internals/python.md describes the frames. What the engine must be able to rely on (bounds, lengths, types) it checks
itself: this file shares its process with code that may do anything.
"""
import array
import builtins
import json
import linecache
import mmap
import os
import struct
import sys
import traceback
import types

REQUESTS, ANSWERS, MEMORY = 60, 61, 62
READY, FAILED, RESULT, ROWS_FAILED, NEED_MEMORY = 1, 2, 3, 4, 5
FAILURES_MAX = 8        # rows of a page that are reported with all their words
TEXT_MAX = 3000         # characters of such a report
CAUSE_MAX = 800         # characters of what an exception says, so that its place is told too
LINE_MAX = 160          # characters of a line of code
VALUE_MAX = 120         # characters of one value in it
INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
EXACT_MAX = 1 << 53     # up to here a double holds every integer
FRAME = "<py_calc>"     # the file name of generated code

# The user's code may replace whatever it reaches; these stay what they are. Functions that are built in become names of this
# module, so that it does not matter what the module "builtins" says later.
globals().update((name, value) for name, value in vars(builtins).items() if name[0] != "_")
_map_memory = mmap.mmap
_size_of = struct.calcsize
_read, _write, _exit = os.read, os.write, os._exit
_pack, _unpack = struct.pack, struct.unpack_from
_array, _memoryview, _bytes, _list, _map, _set, _type, _len, _str, _zip = (
    array.array, memoryview, bytes, list, map, set, type, len, str, zip)
_exception_only = traceback.format_exception_only
_user_code_failed = BaseException


# ---- frames ----

class Frames:
    """Both pipes."""

    def __init__(self):
        self.token = b""
        self.number = 0

    def take(self, count):
        data = bytearray()
        while _len(data) < count:
            piece = _read(REQUESTS, count - _len(data))
            if not piece:
                _exit(0)  # the engine is gone, or needs us no more
            data += piece
        return _bytes(data)

    def receive(self):
        (count,) = _unpack("<I", self.take(4))
        return Fields(self.take(count))

    def send(self, kind, payload):
        data = self.token + _pack("<IBI", self.number, kind, _len(payload)) + payload
        while data:
            data = data[_write(ANSWERS, data):]


class Fields:
    """Reads the parts of a request one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def numbers(self, layout):
        values = _unpack(layout, self.data, self.at)
        self.at += _size_of(layout)
        return values

    def number(self):
        return self.numbers("<I")[0]

    def raw(self):
        count = self.number()
        self.at += count
        return self.data[self.at - count:self.at]

    def text(self):
        return self.raw().decode("utf-8", "surrogateescape")


def text_bytes(text):
    return _pack("<I", _len(text)) + text


def encode(text):
    """Lone surrogates become U+FFFD, as in JSON."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")


# ---- what went wrong, in words ----

def shorten(text, limit=VALUE_MAX):
    return text if _len(text) <= limit else text[:limit] + "..."


def show(value):
    try:
        return shorten(repr(value))
    except _user_code_failed:
        return "<a value of type %s that cannot be shown>" % _type(value).__name__


def last_line(error):
    try:
        return shorten("".join(_exception_only(_type(error), error)).strip(), CAUSE_MAX)
    except _user_code_failed:
        return shorten(_type(error).__name__, CAUSE_MAX)


def frames_of(error):
    """(file, line, function) of the user's frames, outermost first."""
    found, step = [], error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename != FRAME and code.co_filename != "<string>":
            found.append((code.co_filename, step.tb_lineno, code.co_name))
        step = step.tb_next
    return found


def code_around(lines, number):
    first, last = max(1, number - 2), min(_len(lines), number + 2)
    return ["    %s%5d | %s" % ("> " if at == number else "  ", at, shorten(lines[at - 1].rstrip(), LINE_MAX)) for at in range(first, last + 1)]


def describe(error, sources):
    """The last line of the traceback, the calls that led there, and the code around the place."""
    parts = [last_line(error)]
    frames = frames_of(error)
    if not any(file in sources for file, _, _ in frames):
        frames = []  # only our own way through libraries
    shown = frames if _len(frames) <= 10 else frames[:3] + [None] + frames[-6:]
    for frame in shown:
        parts.append("  ... %d more calls" % (_len(frames) - 9) if frame is None
                     else '  File "%s", line %d, in %s' % frame)
    for file, number, _ in reversed(frames):
        if file in sources:
            parts += code_around(sources[file], number)
            break
    return shorten("\n".join(parts), TEXT_MAX)


class Wrong(Exception):
    """A result that its declared type does not allow."""


# ---- json: is it as it came? ----

def json_state():
    encoder = json.encoder
    return [json.dumps, json.dumps.__code__, json.dumps.__defaults__, json.JSONEncoder, json._default_encoder,
            encoder.JSONEncoder, encoder.c_make_encoder, encoder.encode_basestring_ascii,
            encoder.encode_basestring, encoder._make_iterencode, encoder.INFINITY, _type(json._default_encoder)]


def encoder_state():
    state = dict(vars(json.JSONEncoder))
    state.update(("instance " + name, value) for name, value in vars(json._default_encoder).items())
    return state


def same(now, then):
    return _len(now) == _len(then) and all(a is b for a, b in _zip(now, then))


def unknown_constant(name):
    raise Wrong("%s is no value" % name)


class Json:
    """json.dumps as the user's code left it, and our own way back."""

    def __init__(self):
        self.parse = json.JSONDecoder(parse_constant=unknown_constant).decode
        self.state, self.encoder = json_state(), encoder_state()
        self.module = json
        self.namespace = {}

    def is_untouched(self):
        if self.namespace.get("json") is not self.module:
            return False
        try:
            now = encoder_state()
            return (same(json_state(), self.state) and now.keys() == self.encoder.keys()
                    and all(now[name] is value for name, value in self.encoder.items()))
        except AttributeError:
            return False

    def through(self, record):
        """The record as json.dumps of the user's module would give it to a reader."""
        return self.parse(self.namespace["json"].dumps(record))


# ---- results ----

PLAIN = {int, float, str, bool}


def declared_int(value):
    if _type(value) is float:
        if value != value or value in (float("inf"), float("-inf")):
            raise Wrong("expected a number, got %r" % value)
        value = int(value)
    elif _type(value) is not int:
        raise Wrong("expected a number, got %s %s" % (_type(value).__name__, show(value)))
    if not INT_MIN <= value <= INT_MAX:
        raise Wrong("%s does not fit a 64-bit integer" % shorten(_str(value)))
    return value


def declared_float(value):
    if _type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Wrong("an integer of %d bits does not fit a float" % value.bit_length()) from None
    if _type(value) is not float:
        raise Wrong("expected a number, got %s %s" % (_type(value).__name__, show(value)))
    if value != value or value in (float("inf"), float("-inf")):
        raise Wrong("expected a number, got %r" % value)
    return value


def declared_decimal(value):
    """In hundredths, rounded half away from zero."""
    if _type(value) is int:
        cents = value * 100
    else:
        from decimal import ROUND_HALF_UP, Context, Decimal
        value = declared_float(value)
        cents = int(Decimal(repr(value)).quantize(Decimal("0.01"), ROUND_HALF_UP, Context(prec=400)).scaleb(2)) \
            if abs(value) < 1e18 else INT_MAX + 1
    if not INT_MIN <= cents <= INT_MAX:
        raise Wrong("%s is too large for a decimal2" % show(value))
    return cents


def declared_string(value):
    if _type(value) is not _str:
        raise Wrong("expected a string, got %s %s" % (_type(value).__name__, show(value)))
    if "\0" in value:
        raise Wrong("%s has a NUL at character %d, which a string cannot hold" % (show(value), value.index("\0")))
    return value


def declared_bool(value):
    if _type(value) is not bool:
        raise Wrong("expected True or False, got %s %s" % (_type(value).__name__, show(value)))
    return value


DECLARED = {"int": declared_int, "float": declared_float, "decimal2": declared_decimal, "string": declared_string,
            "datetime": declared_string, "bool": declared_bool}


def pack_texts(values):
    """Texts with a NUL between them; None if one contains a NUL itself."""
    try:
        data = "\0".join(values).encode("utf-8")
    except UnicodeEncodeError:
        data = b"\0".join(_map(encode, values))
    return ("s", data) if data.count(b"\0") == _len(values) - 1 else None


def pack_fast(declared, values, kinds):
    """(kind, data) if all values may go as they are; else None. `kinds` holds their exact types."""
    try:
        if declared in ("string", "datetime"):
            return pack_texts(values) if kinds == {_str} else None
        if declared == "bool":
            return ("b", _bytes(values)) if kinds == {bool} else None
        if declared == "int":
            return ("q", _array("q", values)) if kinds == {int} else None
        if declared == "float":
            return ("d", _array("d", values)) if kinds <= {int, float} else None
        if kinds == {float}:
            return "d", _array("d", values)
        if kinds <= {int, float} and -EXACT_MAX < min(values) and max(values) < EXACT_MAX:
            return "d", _array("d", values)
    except OverflowError:
        pass
    return None


def pack_declared(declared, values):
    if declared in ("string", "datetime"):
        return pack_texts(values)
    if declared == "bool":
        return "b", _bytes(values)
    if declared == "float":
        return "d", _array("d", values)
    return ("c" if declared == "decimal2" else "q"), _array("q", values)


BUFFERS = {"float": {"d": "d"}, "int": {"q": "q", "l": "q"}, "bool": {"?": "b"},
           "decimal2": {"d": "d"}}


def pack_buffer(declared, column):
    """A numpy array or another object with memory of the right kind goes as it is; else None."""
    if _type(column) in (_list, tuple):
        return None
    try:
        view = _memoryview(column)
    except (TypeError, ValueError, BufferError):
        return None
    kind = BUFFERS.get(declared, {}).get(view.format)
    if kind is None or view.ndim != 1 or not view.c_contiguous or (kind == "q" and view.itemsize != 8):
        return None
    return kind, view


# ---- fields and stages ----

class Field:
    def __init__(self, name, declared, expression):
        self.name, self.declared, self.expression = name, declared, expression
        self.code = compile("(%s\n)" % expression, FRAME, "eval", dont_inherit=True)
        self.variable = "p_" + name

    def names(self):
        return self.code.co_names

    def function(self):
        """The name of the function that is called at the top, or None."""
        tree = compile(self.expression.strip(), FRAME, "eval", 0x400, dont_inherit=True).body  # PyCF_ONLY_AST
        if _type(tree).__name__ == "Call" and _type(tree.func).__name__ == "Name":
            return tree.func.id
        return None


def vectorized(function):
    """Marks a function that takes whole columns and returns one."""
    function.capi_vectorized = True
    return function


class VectorStage:
    """One formula over whole columns."""

    def __init__(self, field, known, namespace):
        self.field = field
        self.inputs = [name for name in field.names() if name in known]
        self.compute = eval(compile("lambda %s: (%s\n)" % (", ".join(self.inputs), field.expression), FRAME, "eval",
                                    dont_inherit=True), namespace)

    def run(self, page):
        try:
            column = self.compute(*[page.vector(name) for name in self.inputs])
            count = column_length(column)
        except _user_code_failed as error:
            page.fail_whole(self.field, error)
            return
        if count != page.count:
            page.fail_whole(self.field, Wrong("the formula returned a column of %d values for %d rows" % (count, page.count)))
            return
        try:
            page.columns[self.field.variable] = page.program.without_scalars(column)
        except _user_code_failed as error:
            page.fail_whole(self.field, error)


def column_length(column):
    if isinstance(column, (_str, _bytes, dict)) or not hasattr(column, "__len__"):
        raise Wrong("the formula returned %s, expected a column" % _type(column).__name__)
    try:
        return _len(column)
    except TypeError:
        raise Wrong("the formula returned a single value in a %s, expected a column" % _type(column).__name__) from None


class RowStage:
    """Formulas computed row by row: a loop is generated, in which r_x and p_y are local, so it runs as fast as a loop
    written by hand. Only if the user's code mentions them as globals are they globals."""

    def __init__(self, fields, inputs, as_globals, namespace):
        self.fields = fields
        used = _set(name for field in fields for name in field.names())
        self.inputs = [name for name in inputs if as_globals or name in used]
        made = {}
        source, self.lines = self.source(as_globals)
        # The names of the loop are its own; all others are the user's module's.
        exec(compile(source, FRAME, "exec", dont_inherit=True), namespace, made)
        self.loop = made["capi_loop"]

    def source(self, as_globals):
        columns = ["capi_c%d" % i for i in range(_len(self.inputs))]
        outputs = ["capi_o%d" % i for i in range(_len(self.fields))]
        lines = ["def capi_loop(capi_rows, capi_fail, %s):" % ", ".join(outputs)]
        if as_globals:
            lines.append(" global " + ", ".join(self.inputs + [field.variable for field in self.fields]))
        for i in range(_len(self.fields)):
            lines.append(" capi_a%d = capi_o%d.append" % (i, i))
        lines += [" while True:", "  try:", "   for %s in capi_rows:" % (", ".join(self.inputs) or "capi_row")]
        starts = []
        for field in self.fields:
            starts.append(sum(line.count("\n") + 1 for line in lines) + 1)
            lines.append("    %s = (%s\n    )" % (field.variable, field.expression))
        for i, field in enumerate(self.fields):
            lines.append("    capi_a%d(%s)" % (i, field.variable))
        lines += ["   return", "  except capi_base_exception as capi_error:", "   capi_fail(capi_error)"]
        lines[0] = lines[0].replace("capi_fail,", "capi_fail, capi_base_exception,")
        return "\n".join(lines), starts

    def field_of(self, error):
        line = error.__traceback__.tb_lineno if error.__traceback__ else 0
        found = self.fields[0]
        for field, start in _zip(self.fields, self.lines):
            if line >= start:
                found = field
        return found

    def run(self, page):
        outputs = [[] for _ in self.fields]
        columns = [page.items(name) for name in self.inputs]
        rows = iter(_zip(*columns) if _len(columns) > 1 else columns[0] if columns else range(page.count))

        def fail(error):
            row = min(_map(_len, outputs))
            for values in outputs:
                del values[row:]
                values.append(None)
            page.fail_row(row, self.field_of(error), error)

        self.loop(rows, fail, BaseException, *outputs)
        for field, values in _zip(self.fields, outputs):
            page.columns[field.variable] = values


# ---- pages ----

class Page:
    """One page of rows: its columns, made when they are asked for, and what failed."""

    def __init__(self, program, request):
        self.program = program
        self.count, size, self.free = request.numbers("<IQQ")
        program.memory.grow_to(size)
        self.parts = {}
        for variable, declared in program.inputs:
            kind = chr(request.numbers("<B")[0])
            self.parts[variable] = (kind, declared) + request.numbers("<QQ")
        self.columns = {}
        self.failures = {}  # row -> (field, words)
        self.failed_count = 0

    def bytes_at(self, offset, count):
        return _memoryview(self.program.memory.map)[offset:offset + count]

    def items(self, name):
        """A column as a list of Python values."""
        column = self.columns.get(name)
        if column is None:
            column = self.columns[name] = self.input_items(*self.parts[name])
        if _type(column) is not _list:  # given by a vectorised formula
            column = self.columns[name] = self.as_list(name, column)
        return column

    def as_list(self, name, column):
        field = next(field for field in self.program.fields if field.variable == name)
        try:
            values = _list(column.tolist() if hasattr(column, "tolist") else column)
        except _user_code_failed as error:
            self.fail_whole(field, error)
        if _len(values) != self.count:
            self.fail_whole(field, Wrong("the formula returned a column of %d values for %d rows" % (_len(values), self.count)))
        return values

    def input_items(self, kind, declared, offset, count):
        if kind in "dq":
            return self.bytes_at(offset, count).cast(kind).tolist()
        if kind == "b":
            return self.bytes_at(offset, count).cast("?").tolist()
        if kind == "s":
            return _str(self.bytes_at(offset, count), "utf-8", "surrogateescape").split("\0")
        if kind == "o":
            return self.texts_by_ends(offset, count)
        # "m": doubles, and behind them the positions and values of the whole numbers, which are ints
        head, values = 8 * self.count, self.bytes_at(offset, count)
        items = values[:head].cast("d").tolist()
        wholes = (count - head) // 16
        for row, whole in _zip(values[head:head + 8 * wholes].cast("q").tolist(), values[head + 8 * wholes:].cast("q").tolist()):
            items[row] = whole
        return items

    def texts_by_ends(self, offset, count):
        ends = self.bytes_at(offset, 8 * self.count).cast("Q").tolist()
        data = _bytes(self.bytes_at(offset + 8 * self.count, count - 8 * self.count))
        starts = [0] + ends
        return [data[start:end].decode("utf-8", "surrogateescape") for start, end in _zip(starts, ends)]

    def vector(self, name):
        """A column for a vectorised formula: read-only memory (a numpy array where numpy is there), or a list of texts."""
        if name not in self.parts:
            return self.program.as_vector(self.columns[name])
        kind, declared, offset, count = self.parts[name]
        if kind == "m":
            kind, count = "d", 8 * self.count
        if kind not in "dqb":
            return self.items(name)
        view = self.bytes_at(offset, count).cast("?" if kind == "b" else kind).toreadonly()
        return self.program.as_vector(view)

    # ---- failures ----

    def fail_row(self, row, field, error):
        if row in self.failures:
            return
        self.failed_count += 1
        words = ""
        if _len([1 for known in self.failures.values() if known[1]]) < FAILURES_MAX:
            words = describe(error, self.program.sources) if not isinstance(error, Wrong) else _str(error)
        self.failures[row] = (field, words)

    def fail_whole(self, field, error):
        words = describe(error, self.program.sources) if not isinstance(error, Wrong) else _str(error)
        raise PageFailed("field \"%s\", formula %s: %s" % (field.name, shorten(field.expression, 300), words))

    def report(self):
        payload = _pack("<II", _len(self.failures), sum(1 for f in self.failures.values() if f[1]))
        for row in sorted(self.failures):
            field, words = self.failures[row]
            if not words:
                continue
            values = []
            for name in self.program.names_of(field):
                column = self.columns.get(name)
                if column is not None or name in self.parts:
                    values.append("%s.%s = %s" % (name[0], name[2:], show(self.items(name)[row])))
            text = "field \"%s\": %s\n  formula %s, row %d of the page%s" % (
                field.name, words, shorten(field.expression, 300), row, ", where " + ", ".join(values) if values else "")
            payload += _pack("<I", row) + text_bytes(encode(shorten(text, 2 * TEXT_MAX)))
        return payload

    # ---- results ----

    def results(self):
        """(kind, data) of every field, or None with failures recorded."""
        is_plain = self.program.json.is_untouched() and not self.failures
        packed = []
        if is_plain:
            for field in self.program.fields:
                column = self.columns[field.variable]
                part = pack_buffer(field.declared, column)
                if part is None:
                    values = self.items(field.variable)
                    part = pack_fast(field.declared, values, _set(_map(_type, values)))
                if part is None:
                    break
                packed.append(part)
        return packed if is_plain and _len(packed) == _len(self.program.fields) else self.results_by_row()

    def results_by_row(self):
        """The long way: every row through json.dumps where that may matter, every value against its declared type."""
        fields = self.program.fields
        is_plain = self.program.json.is_untouched()
        columns = [self.items(field.variable) for field in fields]
        converted = [[] for _ in fields]
        for row in range(self.count):
            if row in self.failures:
                continue
            field = fields[0]
            try:
                record = {field.name: column[row] for field, column in _zip(fields, columns)}
                if not is_plain or not all(_type(value) in PLAIN for value in record.values()):
                    record = self.program.json.through(record)
                    if _type(record) is not dict:
                        raise Wrong("json.dumps gave no object")
                for field, values in _zip(fields, converted):
                    if field.name not in record:
                        raise Wrong("json.dumps left it out")
                    values.append(DECLARED[field.declared](record[field.name]))
            except _user_code_failed as error:
                self.fail_row(row, self.culprit(row, columns, field), error)
        if self.failures:
            return None
        return [pack_declared(field.declared, values) for field, values in _zip(fields, converted)]

    def culprit(self, row, columns, reached):
        """json.dumps names no field: the first whose value alone cannot be written is meant."""
        for field, column in _zip(self.program.fields, columns):
            if _type(column[row]) in PLAIN:
                continue
            try:
                self.program.json.through({field.name: column[row]})
            except _user_code_failed:
                return field
        return reached

    def answer(self, frames):
        for stage in self.program.stages:
            stage.run(self)
        packed = self.results() if self.count else []
        if packed is None:
            frames.send(ROWS_FAILED, self.report())
            return
        payload, at = b"", self.free
        views = []
        for kind, data in packed:
            view = _memoryview(data).cast("B")
            views.append((at, view))
            payload += _pack("<BQQ", ord(kind), at, _len(view))
            at = (at + _len(view) + 63) & ~63
        self.program.memory.ask_for(at, frames)
        memory = self.program.memory.map
        for offset, view in views:
            memory[offset:offset + _len(view)] = view
        frames.send(RESULT, payload)


class PageFailed(Exception):
    """No single row is to blame."""


class Memory:
    def __init__(self):
        self.size, self.map = 0, None

    def grow_to(self, size):
        if size > self.size:
            self.map = _map_memory(MEMORY, size)  # the old one goes when nobody looks at it any more
            self.size = size

    def ask_for(self, size, frames):
        if size <= self.size:
            return
        frames.send(NEED_MEMORY, _pack("<Q", size))
        self.grow_to(frames.receive().numbers("<Q")[0])


class Program:
    """What the first request says: sources, inputs, fields."""

    def __init__(self, request, sources_by_name):
        self.memory = Memory()
        self.json = Json()
        self.sources = sources_by_name  # for messages, also about failures while loading
        self.fields = []
        self.numpy = None
        as_globals = request.number() != 0
        sources = [(request.text(), request.raw()) for _ in range(request.number())]
        self.inputs = [("r_" + request.text(), request.text()) for _ in range(request.number())]
        fields = [(request.text(), request.text(), request.text()) for _ in range(request.number())]
        self.namespace = self.load(sources)
        self.json.namespace = self.namespace
        self.stages = self.plan(fields, as_globals)

    def load(self, sources):
        module = types.ModuleType("__main__")
        namespace = module.__dict__
        namespace.update(json=json, traceback=traceback, vectorized=vectorized, __builtins__=builtins)
        sys.modules["__main__"] = module
        sys.argv = ["-"]
        for name, text in sources:
            lines = text.decode("utf-8", "replace").splitlines()
            self.sources[name] = lines
            linecache.cache[name] = (_len(text), None, [line + "\n" for line in lines], name)
        for name, text in sources:
            exec(compile(text, name, "exec", dont_inherit=True), namespace)
        return namespace

    def is_vectorized(self, field):
        return getattr(self.namespace.get(field.function()), "capi_vectorized", False) is True

    def plan(self, fields, as_globals):
        stages, group, group_inputs = [], [], None
        known = [variable for variable, _ in self.inputs]
        for name, declared, expression in fields:
            try:
                field = Field(name, declared, expression)
                marked = self.is_vectorized(field)
            except (SyntaxError, ValueError) as error:
                raise PageFailed('field "%s": %s\n  formula %s' % (name, last_line(error), shorten(expression, 300))) from None
            self.fields.append(field)
            if marked:
                if group:
                    stages.append(RowStage(group, group_inputs, as_globals, self.namespace))
                    group = []
                stages.append(VectorStage(field, known, self.namespace))
                self.find_numpy()
            else:
                if not group:
                    group_inputs = _list(known)
                group.append(field)
            known.append(field.variable)
        if group:
            stages.append(RowStage(group, group_inputs, as_globals, self.namespace))
        return stages

    def names_of(self, field):
        return [name for name in field.names() if name[:2] in ("r_", "p_")]

    def find_numpy(self):
        if self.numpy is None:
            try:
                import numpy
                self.numpy = numpy
            except ImportError:
                self.numpy = False

    def without_scalars(self, column):
        """Items of numpy arrays that found their way into a list become Python's own values; so do arrays that are more than
        their memory says, such as masked ones."""
        if self.numpy and isinstance(column, self.numpy.ndarray) and _type(column) is not self.numpy.ndarray:
            return column.tolist()
        if self.numpy and _type(column) in (_list, tuple):
            if not _set(_map(_type, column)) <= PLAIN:
                scalar = self.numpy.generic
                return [value.item() if isinstance(value, scalar) else value for value in column]
        return column

    def as_vector(self, column):
        if self.numpy and isinstance(column, _memoryview):
            return self.numpy.frombuffer(column, dtype={"d": "f8", "q": "i8", "?": "?"}[column.format])
        return column


def main():
    frames = Frames()
    frames.token = frames.take(16)
    sources = {}
    try:
        program = Program(frames.receive(), sources)
    except PageFailed as error:
        frames.send(FAILED, encode(_str(error)))
        return
    except _user_code_failed as error:
        frames.send(FAILED, encode(describe(error, sources)))
        return
    frames.send(READY, bytes([any(isinstance(stage, VectorStage) for stage in program.stages)]))
    while True:
        request = frames.receive()
        (frames.number,) = request.numbers("<I")
        try:
            Page(program, request).answer(frames)
        except PageFailed as error:
            frames.send(FAILED, encode(_str(error)))
        except _user_code_failed as error:
            frames.send(FAILED, encode(last_line(error)))


main()
