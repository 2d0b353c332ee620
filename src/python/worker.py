"""worker.py - the Python side of py_calc: loads the user's code once, then computes page after page.

It is started inside the sandbox, with worker_words.py and worker_values.py before it, as the text of "python -c", with three
descriptors:

    REQUESTS  pipe, read here    the program, then pages
    ANSWERS   pipe, written here every frame begins with the token, which the user's code is not given
    MEMORY    shared memory      columns of a page, and behind them the columns that were computed

doc/internals/python.md describes the frames. What the engine must be able to rely on (bounds, lengths, types) it checks
itself: this file shares its process with code that may do anything.
"""
REQUESTS, ANSWERS, MEMORY = 60, 61, 62
READY, FAILED, RESULT, ROWS_FAILED, NEED_MEMORY, STARTED, NEED_CARE = 1, 2, 3, 4, 5, 6, 7
AS_GLOBALS, WITH_CARE = 1, 2


# ---- frames ----

class ChannelLost(Exception):
    """The user's code has closed or replaced a descriptor."""


class Frames:
    """Both pipes."""

    def __init__(self):
        self.token = b""
        self.number = 0

    def take(self, count):
        data = bytearray()
        while len(data) < count:
            try:
                piece = _read(REQUESTS, count - len(data))
            except OSError:
                raise ChannelLost(REQUESTS) from None
            if not piece:
                _exit(0)  # the engine is gone, or needs us no more
            data += piece
        return bytes(data)

    def receive(self):
        (count,) = _unpack("<I", self.take(4))
        return Fields(self.take(count))

    def send(self, kind, payload=b""):
        data = self.token + _pack("<IBI", self.number, kind, len(payload)) + payload
        while data:
            try:
                data = data[_write(ANSWERS, data):]
            except OSError:
                raise ChannelLost(ANSWERS) from None


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
    return _pack("<I", len(text)) + text


# ---- fields and stages ----

class PageFailed(Exception):
    """No single row is to blame."""


def one_line(expression):
    return shorten(expression.replace("\n", " "), 300)


class Field:
    def __init__(self, name, declared, expression):
        self.name, self.declared, self.expression = name, declared, expression
        self.code = compile("(%s\n)" % expression, FRAME, "eval", dont_inherit=True)
        self.variable = "p_" + name
        self.shown = one_line(expression)

    def names(self):
        return self.code.co_names

    def fields_used(self):
        return [name for name in self.names() if name[:2] in ("r_", "p_")]

    def function(self):
        """The name of the function that is called at the top, or None."""
        tree = compile(self.expression.strip(), FRAME, "eval", 0x400, dont_inherit=True).body  # PyCF_ONLY_AST
        if type(tree).__name__ == "Call" and type(tree.func).__name__ == "Name":
            return tree.func.id
        return None


def vectorized(function):
    """Marks a function that takes whole columns and returns one."""
    function.capi_vectorized = True
    return function


class VectorStage:
    """One formula over whole columns."""

    def __init__(self, program, field, known):
        self.program, self.field = program, field
        self.inputs = [name for name in field.names() if name in known]
        self.compute = eval(compile("lambda %s: (%s\n)" % (", ".join(self.inputs), field.expression), FRAME, "eval",
                                    dont_inherit=True), program.namespace)

    def run(self, page):
        try:
            column = self.compute(*[page.vector(name) for name in self.inputs])
        except _user_code_failed as error:
            page.fail_whole(self.field, error)
        try:
            column = self.checked(column, page.count)
            page.columns[self.field.variable] = column
            self.pack(page, column)
        except PageFailed:
            raise
        except _user_code_failed as error:
            page.fail_whole(self.field, error)

    def checked(self, column, count):
        """A column whose values have an order; arrays that are more than their memory says, such as masked ones, become lists,
        and so do lists with items of numpy arrays in them."""
        numpy = self.program.numpy
        if numpy and not isinstance(column, (numpy.ndarray, numpy.generic)) and hasattr(type(column), "__array__"):
            column = numpy.asarray(column)
        known = (list, tuple, range, _array, memoryview) + ((numpy.ndarray,) if numpy else ())
        if not isinstance(column, known):
            raise Wrong("the formula returned %s, expected a column: a list, a tuple, an array, a memoryview or a numpy array"
                        % type(column).__name__)
        if isinstance(column, (list, tuple)) and type(column) not in (list, tuple):
            column = list(column)
        try:
            got = len(column)
        except (TypeError, NotImplementedError):
            raise Wrong("the formula returned a single value in a %s, expected a column" % type(column).__name__) from None
        if got != count:
            raise Wrong("the formula returned a column of %d values for %d rows" % (got, count))
        if numpy and isinstance(column, numpy.ndarray) and type(column) is not numpy.ndarray:
            return column.tolist()
        if numpy and type(column) in (list, tuple) and not set(map(type, column)) <= PLAIN:
            return [value.item() if isinstance(value, numpy.generic) else value for value in column]
        return column

    def pack(self, page, column):
        """At once: a later formula might change what this one returned."""
        program, field = self.program, self.field
        part = None if program.with_care else pack_buffer(field.declared, column)
        if part is not None:
            if self is not program.stages[-1]:
                part = part[0], bytes(part[1])
            page.packed[field.variable] = part
            return
        values = list(column.tolist() if hasattr(column, "tolist") else column)
        if program.with_care or not set(map(type, values)) <= PLAIN:
            for row, value in enumerate(values):
                if program.with_care or type(value) not in PLAIN:
                    try:
                        values[row] = program.json_alone(field, value)
                    except _user_code_failed as error:
                        page.fail_row(row, field, error, _exc_info()[2])
        page.pack(field, values)


class RowStage:
    """Formulas computed row by row: a loop is generated, in which r_x and p_y are local, so it runs as fast as a loop
    written by hand. Only if the user's code mentions them as globals are they globals."""

    def __init__(self, program, fields, inputs, as_globals):
        self.program, self.fields, self.as_globals = program, fields, as_globals
        used = set(name for field in fields for name in field.names())
        self.inputs = [name for name in inputs if as_globals or name in used]
        # The loop's own names are none of those that formulas mention; all others are the user's module's.
        self.own = "_"
        while any(name.startswith(self.own) for name in used):
            self.own += "_"
        self.kept = []  # fields whose objects other stages need
        self.loop = None

    def make_loop(self):
        made = {}
        source = self.source()
        exec(compile(source, FRAME, "exec", dont_inherit=True), self.program.namespace, made)
        self.loop = made[self.own + "loop"]

    def source(self):
        own, every = self.own, range(len(self.fields))
        variables = [field.variable for field in self.fields]
        parameters = ["rows", "fail", "take", "type", "failed", "int", "float", "str", "bool"]
        parameters += ["k%d" % i for i in every] + ["a%d" % i for i in every] + ["o%d" % i for i in range(len(self.kept))]
        lines = ["def %sloop(%s):" % (own, ", ".join(own + name for name in parameters))]
        if self.as_globals:
            lines.append(" global " + ", ".join(self.inputs + variables))
        lines += [" while True:", "  try:", "   for %s in %srows:" % (", ".join(self.inputs) or own + "row", own)]
        self.lines = []
        for field in self.fields:
            self.lines.append(sum(line.count("\n") + 1 for line in lines) + 1)
            lines.append("    %s = (%s\n    )" % (field.variable, field.expression))
        self.result_line = sum(line.count("\n") + 1 for line in lines) + 1
        for i, field in enumerate(self.kept):
            lines.append("    %so%d(%s)" % (own, i, field.variable))
        record = ", ".join("%r: %s" % (field.name, field.variable) for field in self.fields)
        dump = ["%sv = %stake(json.dumps({%s}))" % (own, own, record)]
        dump += ["%sa%d(%sv[%d])" % (own, i, own, i) for i in every]
        if self.program.with_care:
            lines += ["    " + line for line in dump]
        else:
            # Not "in a set", which would ask types of the user's.
            lines.append("    if " + " and ".join("(" + " or ".join("%stype(%s) is %s%s" % (own, variable, own, kind) for kind in kinds) + ")"
                                                  for variable, kinds in zip(variables, map(self.kinds, every))) + ":")
            lines += ["     %sa%d(%s)" % (own, i, variable) for i, variable in enumerate(variables)]
            lines += ["    else:"] + ["     " + line for line in dump]
        lines += ["   return", "  except %sfailed:" % own, "   %sfail()" % own]
        return "\n".join(lines)

    def kinds(self, at):
        """The plain types as the loop's names, the likeliest first: k0 is what the declared type of field 0 is made of."""
        natural = NATURAL[self.fields[at].declared]
        return ["k%d" % at] + [name for name, kind in (("int", int), ("float", float), ("str", str), ("bool", bool)) if kind is not natural]

    def run(self, page):
        outputs = [[] for _ in self.fields]
        kept = [[] for _ in self.kept]
        columns = [page.items(name) for name in self.inputs]
        rows = iter(zip(*columns) if len(columns) > 1 else columns[0] if columns else range(page.count))

        def fail():
            kind, error, trace = _exc_info()
            row = min(map(len, outputs))
            for values in outputs + kept:
                del values[row:]
                values.append(None)
            self.blame(page, row, error, trace)

        try:
            self.program.while_traced(self.loop, rows, fail, self.take, type, BaseException, int, float, str, bool,
                                      *[NATURAL[field.declared] for field in self.fields],
                                      *[values.append for values in outputs], *[values.append for values in kept])
        except _user_code_failed as error:
            page.fail_whole(self.fields[0], error)  # not the formula itself: a trace function, say
        for field, values in zip(self.kept, kept):
            page.columns[field.variable] = values
        for field, values in zip(self.fields, outputs):
            page.results[field.variable] = values
        for field, values in zip(self.fields, outputs):
            page.pack(field, values)

    def take(self, text):
        """The values of a row that went through json.dumps, in the order of the fields."""
        record = self.program.json.parse(text)
        return [self.program.json_member(record, field) for field in self.fields]

    def blame(self, page, row, error, trace):
        """The field that failed, with the values its formula saw, which are still in the loop."""
        frame = trace.tb_frame
        values = self.program.namespace if self.as_globals else frame.f_locals
        line = trace.tb_lineno or 0
        found = self.fields[0]
        for field, start in zip(self.fields, self.lines):
            if line >= start:
                found = field
        if line >= self.result_line:
            found = self.culprit(values)
        page.fail_row(row, found, error, trace, values)

    def culprit(self, values):
        """json.dumps names no field: the first whose value alone cannot be written is meant."""
        for field in self.fields:
            try:
                self.program.json_alone(field, values[field.variable])
            except _user_code_failed:
                return field
        return self.fields[0]


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
        self.columns = {}   # variable -> objects that formulas see
        self.results = {}   # variable -> values of formulas by row
        self.packed = {}    # variable -> what the engine gets
        self.failures = set()  # rows
        self.told = {}         # the lowest of them -> words

    def bytes_at(self, offset, count):
        return memoryview(self.program.memory.map)[offset:offset + count]

    # ---- columns ----

    def items(self, name):
        """A column as a list of Python values."""
        column = self.columns.get(name)
        if column is None:
            column = self.columns[name] = self.input_items(*self.parts[name])
        if type(column) is not list:  # given by a vectorised formula
            column = self.columns[name] = list(column.tolist() if hasattr(column, "tolist") else column)
        return column

    def input_items(self, kind, declared, offset, count):
        if kind in "dq":
            return self.bytes_at(offset, count).cast(kind).tolist()
        if kind == "b":
            return self.bytes_at(offset, count).cast("?").tolist()
        if kind == "s":
            return str(self.bytes_at(offset, count), "utf-8", "surrogateescape").split("\0")
        if kind == "o":
            return self.texts_by_ends(offset, count)
        # "m": doubles, and behind them the positions and values of the whole numbers, which are ints
        head, values = 8 * self.count, self.bytes_at(offset, count)
        items = values[:head].cast("d").tolist()
        wholes = (count - head) // 16
        for row, whole in zip(values[head:head + 8 * wholes].cast("q").tolist(), values[head + 8 * wholes:].cast("q").tolist()):
            items[row] = whole
        return items

    def texts_by_ends(self, offset, count):
        ends = self.bytes_at(offset, 8 * self.count).cast("Q").tolist()
        data = bytes(self.bytes_at(offset + 8 * self.count, count - 8 * self.count))
        starts = [0] + ends
        return [data[start:end].decode("utf-8", "surrogateescape") for start, end in zip(starts, ends)]

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

    def words(self, error, trace):
        return str(error) if isinstance(error, Wrong) else describe(error, trace, self.program.sources)

    def fail_row(self, row, field, error, trace=None, values=None):
        if row in self.failures:
            return
        self.failures.add(row)
        if len(self.told) == FAILURES_MAX:
            last = max(self.told)
            if row > last:
                return
            del self.told[last]
        shown = []
        for name in field.fields_used():
            if values is not None and name in values:
                value = values[name]
            elif name in self.results:
                value = self.results[name][row]
            elif name in self.columns or name in self.parts:
                value = self.items(name)[row]
            else:
                continue
            shown.append("%s.%s = %s" % (name[0], name[2:], show(value)))
        self.told[row] = shorten("field \"%s\": %s\n  formula %s, row %d of the page%s" % (
            field.name, self.words(error, trace), field.shown, row,
            ", where " + ", ".join(shown) if shown else ""), 2 * TEXT_MAX)

    def fail_whole(self, field, error):
        raise PageFailed("field \"%s\", formula %s: %s" % (field.name, field.shown,
                                                           self.words(error, _exc_info()[2]))) from None

    def report(self):
        payload = _pack("<II", len(self.failures), len(self.told))
        for row, words in sorted(self.told.items()):
            payload += _pack("<I", row) + text_bytes(encode(words))
        return payload

    # ---- results ----

    def pack(self, field, values):
        """A column of plain values, and of what json.dumps made of others."""
        part = pack_fast(field.declared, values) if values and not self.failures else None
        if part is None:
            convert, converted = DECLARED[field.declared], []
            for row, value in enumerate(values):
                if row in self.failures:
                    continue
                try:
                    converted.append(convert(value))
                except Wrong as error:
                    self.fail_row(row, field, error)
            part = None if self.failures else pack_declared(field.declared, converted)
        self.packed[field.variable] = part

    def answer(self, frames):
        program = self.program
        for stage in program.stages:
            if not self.failures:  # a column with holes would only hide what made them
                stage.run(self)
        if not program.with_care and not program.json.is_as_it_came():
            frames.send(NEED_CARE)  # some row has changed json.dumps: which, and what came of it, only another try can tell
            return
        if self.failures:
            frames.send(ROWS_FAILED, self.report())
            return
        payload, at = b"", self.free
        views = []
        for kind, data in [self.packed[field.variable] for field in program.fields]:
            view = memoryview(data).cast("B")
            views.append((at, view))
            payload += _pack("<BQQ", ord(kind), at, len(view))
            at = (at + len(view) + 63) & ~63
        program.memory.ask_for(at, frames)
        memory = program.memory.map
        for offset, view in views:
            memory[offset:offset + len(view)] = view
        frames.send(RESULT, payload)


class Memory:
    def __init__(self):
        self.size, self.map = 0, None

    def grow_to(self, size):
        if size > self.size:
            try:
                self.map = _map_memory(MEMORY, size)  # the old one goes when nobody looks at it any more
            except (ValueError, OSError) as error:
                if getattr(error, "errno", None) == 12:
                    raise MemoryError("%d bytes for a page" % size) from None
                raise ChannelLost(MEMORY) from None
            self.size = size

    def ask_for(self, size, frames):
        if size <= self.size:
            return
        frames.send(NEED_MEMORY, _pack("<Q", size))
        self.grow_to(frames.receive().numbers("<Q")[0])


class Program:
    """What the first request says: sources, inputs, fields."""

    def __init__(self, request, sources):
        self.memory = Memory()
        self.json = Json()
        self.sources = sources  # for messages, also about failures while loading
        self.fields = []
        self.numpy = None
        self.tracing = None, None
        flags = request.number()
        files = [(request.text(), request.raw()) for _ in range(request.number())]
        self.inputs = [("r_" + request.text(), request.text()) for _ in range(request.number())]
        fields = [(request.text(), request.text(), request.text()) for _ in range(request.number())]
        code = self.compile(files)
        self.namespace = self.load(code)
        self.json.namespace = self.namespace
        self.dump = eval(compile("lambda record: json.dumps(record)", FRAME, "eval", dont_inherit=True), self.namespace)
        self.with_care = (flags & WITH_CARE != 0 or not self.json.is_as_it_came()
                          or may_change_json(code, self.namespace))
        self.stages = self.plan(fields, flags & AS_GLOBALS != 0)

    def compile(self, files):
        try:
            for name, raw in files:
                self.sources.add(name, raw)
            return self.sources.compile()
        except Unreadable as error:
            raise PageFailed(str(error)) from None
        except SyntaxError as error:
            raise PageFailed(describe_syntax(error, self.sources)) from None

    def load(self, code):
        module = types.ModuleType("__main__")
        namespace = module.__dict__
        namespace.update(json=json, traceback=traceback, vectorized=vectorized, __builtins__=builtins)
        sys.modules["__main__"] = module
        sys.argv = ["-"]
        self.while_traced(exec, code, namespace)
        return namespace

    def while_traced(self, function, *arguments):
        """Calls it as the user's code would have it traced; our own code is nobody's to trace."""
        try:
            _set_trace(self.tracing[0])
            _set_profile(self.tracing[1])
            return function(*arguments)
        finally:
            tracing = _get_trace(), _get_profile()
            _set_profile(None)
            _set_trace(None)
            self.tracing = tracing

    def is_vectorized(self, field):
        return getattr(self.namespace.get(field.function()), "capi_vectorized", False) is True

    def plan(self, fields, as_globals):
        stages = []
        known = [variable for variable, _ in self.inputs]
        for name, declared, expression in fields:
            try:
                field = Field(name, declared, expression)
                marked = self.is_vectorized(field)
            except (SyntaxError, ValueError) as error:
                words = error.msg if isinstance(error, SyntaxError) else str(error)
                raise PageFailed('field "%s": the formula %s is no Python: %s' % (name, one_line(expression), words)) from None
            self.fields.append(field)
            if marked:
                self.find_numpy()
                stages.append(VectorStage(self, field, known))
            elif stages and type(stages[-1]) is RowStage:
                stages[-1] = RowStage(self, stages[-1].fields + [field], known_before, as_globals)
            else:
                known_before = list(known)
                stages.append(RowStage(self, [field], known_before, as_globals))
            known.append(field.variable)
        for at, stage in enumerate(stages):
            if type(stage) is RowStage:
                used = set(name for later in stages[at + 1:] for name in later.inputs)
                stage.kept = [field for field in stage.fields if field.variable in used]
                stage.make_loop()
        return stages

    def json_member(self, record, field):
        if field.name not in record:
            raise Wrong("json.dumps left field \"%s\" out" % field.name)
        return record[field.name]

    def json_alone(self, field, value):
        """What json.dumps makes of a value that is in no record with others."""
        return self.json_member(self.json.parse(self.while_traced(self.dump, {field.name: value})), field)

    def find_numpy(self):
        if self.numpy is None:
            try:
                import numpy
                self.numpy = numpy
            except ImportError:
                self.numpy = False

    def as_vector(self, column):
        if self.numpy and isinstance(column, memoryview):
            return self.numpy.frombuffer(column, dtype={"d": "f8", "q": "i8", "?": "?"}[column.format])
        return column


def load_program(frames):
    sources = Sources()
    try:
        request = frames.receive()
        frames.send(STARTED)  # from here on the user's code counts
        return Program(request, sources)
    except (PageFailed, ChannelLost):
        raise
    except _user_code_failed as error:
        raise PageFailed(describe(error, _exc_info()[2], sources)) from None


def compute_page(program, request, frames):
    try:
        (frames.number,) = request.numbers("<I")
        Page(program, request).answer(frames)
    except (PageFailed, ChannelLost):
        raise
    except _user_code_failed as error:
        raise PageFailed(describe(error, _exc_info()[2], program.sources)) from None


def serve(frames):
    program = None
    while True:
        try:
            if program is None:
                program = load_program(frames)
                frames.send(READY, bytes([any(isinstance(stage, VectorStage) for stage in program.stages)]))
            else:
                compute_page(program, frames.receive(), frames)
        except PageFailed as error:
            frames.send(FAILED, encode(str(error)))
            if program is None:
                return


def main(serve=serve, lost=ChannelLost, any_error=BaseException, write=_write, end=_exit):
    """What it needs is in its arguments: the user's code may have emptied this module."""
    frames = Frames()
    frames.token = frames.take(16)
    try:
        serve(frames)
    except lost as error:
        write(2, b"the Python code closed or replaced descriptor %d, which the worker needs\n" % error.args[0])
        end(1)
    except any_error:
        write(2, b"the Python code has damaged the worker that runs it\n")
        end(1)


main()
