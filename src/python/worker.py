"""worker.py - the Python side of py_calc: loads the user's code once, then computes page after page.

It is started inside the sandbox, with worker_words.py, worker_values.py and worker_stages.py before it, as the text of
"python -c", with three descriptors:

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
        """A column for a vectorised formula: read-only memory (a numpy array where numpy is there), or a list of its own."""
        if name not in self.parts:
            column = self.columns[name]
            return self.program.as_vector([*column] if type(column) is list else column)
        kind, declared, offset, count = self.parts[name]
        if kind == "m":
            kind, count = "d", 8 * self.count
        if kind not in "dqb":
            return [*self.items(name)]
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
