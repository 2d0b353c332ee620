"""worker_stages.py - third part: a page goes through stages, each of one formula over whole columns or of several by row."""


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
