"""worker_words.py - first part of the program that worker.py completes: the user's sources, and in words what went wrong.

The sources are one text, in which a statement may go on from one file to the next; messages name the file and its line.
"""
import array
import builtins
import json
import linecache
import mmap
import opcode
import operator
import os
import re
import struct
import sys
import traceback
import types

FAILURES_MAX = 8        # rows of a page that are reported with all their words
TEXT_MAX = 3000         # characters of such a report
CAUSE_MAX = 800         # characters of what an exception says, so that its place is told too
CAUSE_LINES_MAX = 10
LINE_MAX = 160          # characters of a line of code
VALUE_MAX = 120         # characters of one value in it
FRAME = "<py_calc>"     # the file name of generated code
OURS = (FRAME, "<string>")
SEVERAL = "<python_code_urls>"  # the file name of code that does not lie in one file

# The user's code may replace whatever it reaches; these stay what they are. Functions that are built in become names of this
# module, so that it does not matter what the module "builtins" says later.
globals().update((name, value) for name, value in vars(builtins).items() if name[0] != "_")
_map_memory = mmap.mmap
_size_of = struct.calcsize
_read, _write, _exit = os.read, os.write, os._exit
_pack, _unpack = struct.pack, struct.unpack_from
_array = array.array
_exception_only = traceback.format_exception_only
_exc_info = sys.exc_info
_get_trace, _set_trace, _get_profile, _set_profile = sys.gettrace, sys.settrace, sys.getprofile, sys.setprofile
_Code, _Function = types.CodeType, types.FunctionType
_match_coding = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)").match
_match_comment = re.compile(rb"^[ \t\f\r]*(?:#.*)?$").match
_user_code_failed = BaseException


def shorten(text, limit=VALUE_MAX):
    return text if len(text) <= limit else text[:limit] + "..."


def show(value):
    try:
        return shorten(repr(value))
    except _user_code_failed:
        return "<a value of type %s that cannot be shown>" % shorten(type(value).__name__)


def encode(text):
    """Lone surrogates become U+FFFD, as in JSON."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")


class Wrong(Exception):
    """A result that its declared type does not allow."""


class Unreadable(Exception):
    """A source that is no text."""


# ---- sources ----

def encoding_of(raw):
    """What the first two lines say, as Python reads them."""
    for line in raw.split(b"\n", 2)[:2]:
        found = _match_coding(line)
        if found:
            return found.group(1).decode("ascii")
        if not _match_comment(line):
            break
    return "utf-8"


def split_lines(text):
    """As Python counts them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


class Sources:
    """The user's files, each with a line end behind it, as one text."""

    def __init__(self):
        self.lines = {}   # name -> lines, for messages
        self.starts = []  # (lines of the text before the file, name)
        self.text = ""

    def add(self, name, raw):
        if raw[:3] == b"\xef\xbb\xbf":
            raw = raw[3:]
        self.lines[name] = split_lines(raw.decode("utf-8", "backslashreplace"))
        text = self.decode(name, raw)
        self.lines[name] = lines = split_lines(text)
        linecache.cache[name] = (len(text), None, [line + "\n" for line in lines], name)
        self.starts.append((self.text.count("\n"), name))
        self.text += "\n".join(lines) + "\n"

    def decode(self, name, raw):
        encoding = encoding_of(raw)
        try:
            text, at, problem = raw.decode(encoding), raw.find(b"\0"), "a NUL, which Python's sources cannot hold"
        except UnicodeDecodeError as error:
            at, problem = error.start, "the byte 0x%02x, which is no %s" % (raw[error.start], encoding)
            if encoding == "utf-8":
                problem += '; a first line such as "# coding: latin-1" tells what it is'
        except (LookupError, ValueError):
            at, problem = 0, "the encoding \"%s\", which is none" % encoding
        if at < 0:
            return text
        raise Unreadable("\n".join(["the source has %s" % problem] + self.show_place(name, raw.count(b"\n", 0, at) + 1)))

    def place(self, file, line):
        """The user's file and line of a place in the joined text."""
        if file != SEVERAL:
            return file, line
        for start, name in reversed(self.starts):
            if line > start:
                return name, line - start
        return file, line

    def compile(self):
        if len(self.starts) == 1:
            return compile(self.text, self.starts[0][1], "exec", dont_inherit=True)
        return self.relocate(compile(self.text, SEVERAL, "exec", dont_inherit=True))

    def relocate(self, code):
        """Functions that lie in one file get its name and their lines there."""
        name, first = self.place(SEVERAL, code.co_firstlineno)
        consts = tuple(self.relocate(const) if type(const) is _Code else const for const in code.co_consts)
        if code.co_name == "<module>" or self.place(SEVERAL, last_line_number(code))[0] != name:
            return code.replace(co_consts=consts)
        return code.replace(co_consts=consts, co_filename=name, co_firstlineno=first)

    def show_place(self, name, number, column=0):
        """The place, the code around it, and a caret if the column is known."""
        shown = ['  File "%s", line %d' % (name, number)]
        lines = self.lines.get(name, [])
        for at in range(max(1, number - 2), min(len(lines), number + 2) + 1):
            line = lines[at - 1].rstrip()
            if not line and at == len(lines) > number:
                continue  # behind the last line end
            shown.append("    %s%5d | %s" % ("> " if at == number else "  ", at, shorten(line, LINE_MAX)))
            if at == number and 0 < column <= min(len(line), LINE_MAX) + 1:
                shown.append(" " * 14 + "".join("\t" if c == "\t" else " " for c in line[:column - 1]) + "^")
        return shown


def last_line_number(code):
    if hasattr(code, "co_lines"):
        return max([line for _, _, line in code.co_lines() if line] or [code.co_firstlineno])
    last = line = code.co_firstlineno
    for step in code.co_lnotab[1::2]:
        line += step if step < 128 else step - 256
        last = max(last, line)
    return last


# ---- what went wrong ----

def memory_words():
    try:
        import resource
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    except _user_code_failed:
        return ""
    return " (the worker may use %d MiB)" % (limit >> 20) if limit > 0 else ""


def say(error):
    """What the traceback would say last; further lines of it stand out."""
    try:
        if isinstance(error, SyntaxError):
            text = "%s: %s" % (type(error).__name__, error)
        else:
            text = "".join(_exception_only(type(error), error)).strip()
    except _user_code_failed:
        text = type(error).__name__
    if isinstance(error, MemoryError):
        text += memory_words()
    lines = shorten(text, CAUSE_MAX).split("\n")
    if len(lines) > CAUSE_LINES_MAX:
        lines[CAUSE_LINES_MAX:] = ["..."]
    return "\n    ".join(lines)


def calls_of(trace, sources):
    """The user's calls, outermost first, and the innermost that is in the sources: (file, line, function). Of very many, and
    there may be millions, some of the first and the last."""
    first, last, count, innermost = [], [], 0, None
    while trace is not None:
        code = trace.tb_frame.f_code
        file = code.co_filename
        if file not in OURS:
            call = file, trace.tb_lineno or 0, code.co_name
            count += 1
            if len(first) < 3:
                first.append(call)
            else:
                last.append(call)
                if len(last) > 7:
                    del last[0]
            if file == SEVERAL or file in sources.lines:
                innermost = call
        trace = trace.tb_next
    if count > 10:
        del last[0]
        first.append(None)
    calls = [call and sources.place(*call[:2]) + call[2:] for call in first + last]
    return calls, innermost and sources.place(*innermost[:2]) + innermost[2:], count - 9


def describe(error, trace, sources):
    """The last line of the traceback, the calls that led there, and the code around the place."""
    parts = [say(error)]
    calls, innermost, left_out = calls_of(trace, sources)
    if innermost:  # else it is only our own way through libraries
        parts += ["  ... %d more calls" % left_out if call is None else '  File "%s", line %d, in %s' % call for call in calls]
        parts += sources.show_place(*innermost[:2])[1:]
    return shorten("\n".join(parts), TEXT_MAX)


def describe_syntax(error, sources):
    """An error that compiling the user's own text has found."""
    name, number = sources.place(error.filename, error.lineno or 0)
    parts = ["%s: %s" % (type(error).__name__, error.msg)]
    return shorten("\n".join(parts + sources.show_place(name, number, error.offset or 0)), TEXT_MAX)
