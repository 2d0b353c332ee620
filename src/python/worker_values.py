"""worker_values.py - second part: from what formulas return to what the engine takes.

Values of exact type int, float, str or bool are what they are. All others are what the user's json.dumps makes of them, and
that is asked right behind their row: an object may be changed by the next row, and so may be json.dumps itself.
"""
INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
EXACT_MAX = 1 << 53     # up to here a double holds every integer
PLAIN = {int, float, str, bool}
NATURAL = {"int": int, "float": float, "decimal2": float, "string": str, "datetime": str, "bool": bool}


# ---- json: is it as it came? ----

_json, _encoder, _JSONEncoder, _default_encoder = json, json.encoder, json.JSONEncoder, json._default_encoder
_is, _parts_of_function = operator.is_, operator.attrgetter("__code__", "__defaults__", "__kwdefaults__")


def code_within(code):
    """The code of all functions in it."""
    for const in code.co_consts:
        if type(const) is _Code:
            yield const
            yield from code_within(const)


STORES = {opcode.opmap[name] for name in ("STORE_ATTR", "DELETE_ATTR", "STORE_SUBSCR", "DELETE_SUBSCR", "STORE_GLOBAL",
                                          "DELETE_GLOBAL") if name in opcode.opmap}
CHANGERS = {"setattr", "delattr", "__setattr__", "__dict__", "vars", "globals", "exec", "eval"}
PARTS_OF_JSON = {"dumps", "encoder", "JSONEncoder", "_default_encoder", "json"}


def may_change_json(code, namespace):
    """Whether a function might change json.dumps, and back before the page ends, when that would not be seen any more. It errs
    on the side of yes, but where json is only called."""
    parts = PARTS_OF_JSON | {name for name, value in namespace.items()
                             if any(value is part for part in (_encoder, _JSONEncoder, _default_encoder, _json.dumps))}
    modules = {"json"} | {name for name, value in namespace.items() if value is _json}
    for within in code_within(code):
        names = set(within.co_names) | {const for const in within.co_consts if type(const) is str}
        touched = names & parts - modules
        if "STORE_GLOBAL" in opcode.opmap and names & modules and opcode.opmap["STORE_GLOBAL"] in within.co_code[::2]:
            return True
        if (touched or names & modules and names & CHANGERS) and (STORES & set(within.co_code[::2]) or names & CHANGERS):
            return True
    return False


def unknown_constant(name):
    raise Wrong("%s is no value" % name)


class Json:
    """json.dumps of the user's module, and our own way back."""

    def __init__(self):
        self.scan = json.JSONDecoder(parse_constant=unknown_constant).scan_once
        self.namespace = {}
        self.functions = []
        self.functions = [value for value in self.state_now() if type(value) is _Function]
        self.keywords = [function.__kwdefaults__ for function in self.functions if function.__kwdefaults__]
        self.state = self.state_now()

    def state_now(self):
        """All that decides what json.dumps makes of plain values. The method "default" is asked about other values only. It is
        asked for after every page, and so it is lists that are compared by identity."""
        state = [type(_default_encoder)]
        state += vars(_json).values()
        state += vars(_encoder).values()
        for owner in (_JSONEncoder, _default_encoder):
            state += [value for name, value in vars(owner).items() if name != "default"]
        if self.functions:
            for parts in map(_parts_of_function, self.functions):
                state += parts
            for keywords in self.keywords:
                state += keywords.values()
        return state

    def is_as_it_came(self):
        if self.namespace.get("json") is not _json:
            return False
        now = self.state_now()
        return len(now) == len(self.state) and all(map(_is, now, self.state))

    def parse(self, text):
        if type(text) is not str:
            text = str(text)  # as print would
        text = text.strip(" \t\r\n")
        try:
            record, end = self.scan(text, 0)
        except StopIteration:
            end = -1
        except ValueError as error:
            raise Wrong("json.dumps gave no JSON, but %s (%s)" % (show(text), shorten(str(error)))) from None
        if end != len(text) or type(record) is not dict:
            raise Wrong("json.dumps gave no JSON object, but %s" % show(text))
        return record


# ---- declared types ----

def integer_words(value):
    return str(value) if value.bit_length() < 400 else "an integer of %d bits" % value.bit_length()


def check_finite(value):
    if value != value or value in (float("inf"), float("-inf")):
        raise Wrong("expected a number, got %r" % value)


def declared_int(value):
    if type(value) is float:
        check_finite(value)
        value = int(value)
    elif type(value) is not int:
        raise Wrong("expected a number, got %s %s" % (type(value).__name__, show(value)))
    if not INT_MIN <= value <= INT_MAX:
        raise Wrong("%s does not fit a 64-bit integer" % integer_words(value))
    return value


def declared_float(value):
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Wrong("%s does not fit a float" % integer_words(value)) from None
    if type(value) is not float:
        raise Wrong("expected a number, got %s %s" % (type(value).__name__, show(value)))
    check_finite(value)
    return value


def cents_of(text):
    """A float as Python writes it, "-1.005" or "1e-07", in hundredths, rounded half away from zero."""
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits, shift = int(whole + fraction), int(exponent or 0) - len(fraction) + 2
    unit = 10 ** max(-shift, 0)
    cents = (2 * digits * 10 ** max(shift, 0) + unit) // (2 * unit)
    return -cents if mantissa[0] == "-" else cents


def declared_decimal(value):
    """In hundredths."""
    cents = value * 100 if type(value) is int else cents_of(repr(declared_float(value)))
    if not INT_MIN <= cents <= INT_MAX:
        raise Wrong("%s is too large for a decimal2" % (integer_words(value) if type(value) is int else repr(value)))
    return cents


def declared_string(value):
    if type(value) is not str:
        raise Wrong("expected a string, got %s %s" % (type(value).__name__, show(value)))
    if "\0" in value:
        raise Wrong("%s has a NUL at character %d, which a string cannot hold" % (show(value), value.index("\0")))
    return value


def declared_bool(value):
    if type(value) is not bool:
        raise Wrong("expected True or False, got %s %s" % (type(value).__name__, show(value)))
    return value


DECLARED = {"int": declared_int, "float": declared_float, "decimal2": declared_decimal, "string": declared_string,
            "datetime": declared_string, "bool": declared_bool}


# ---- columns for the engine: (kind, data) ----

def pack_texts(values):
    """Texts with a NUL between them; None if one contains a NUL itself."""
    try:
        data = "\0".join(values).encode("utf-8")
    except UnicodeEncodeError:
        data = b"\0".join(map(encode, values))
    return ("s", data) if data.count(b"\0") == len(values) - 1 else None


def pack_fast(declared, values):
    """The column if all values may go as they are; else None."""
    kinds = set(map(type, values))
    try:
        if declared in ("string", "datetime"):
            return pack_texts(values) if kinds == {str} else None
        if declared == "bool":
            return ("b", bytes(values)) if kinds == {bool} else None
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
        return "b", bytes(values)
    if declared == "float":
        return "d", _array("d", values)
    return ("c" if declared == "decimal2" else "q"), _array("q", values)


BUFFERS = {"float": {"d": "d"}, "int": {"q": "q", "l": "q"}, "bool": {"?": "b"},
           "decimal2": {"d": "d"}}


def pack_buffer(declared, column):
    """A numpy array or another object with memory of the right kind goes as it is; else None."""
    if type(column) in (list, tuple):
        return None
    try:
        view = memoryview(column)
    except (TypeError, ValueError, BufferError):
        return None
    kind = BUFFERS.get(declared, {}).get(view.format)
    if kind is None or view.ndim != 1 or not view.c_contiguous or (kind == "q" and view.itemsize != 8):
        return None
    return kind, view
