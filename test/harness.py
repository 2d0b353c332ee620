"""What the end-to-end tests share: running the program in a folder of its own, and counting.

    from harness import check, main, test

    @test
    def a_missing_file_is_named(box):
        ...

    main()

Each test gets a Box: an empty folder, removed afterwards (CAPI_KEEP=1: kept when the test fails). An argument chooses the
tests whose name contains it. Only Python's standard library is used.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.environ.get("CAPI_BINARY", os.path.join(ROOT, "build", "dev", "bin", "capillaries"))

KEEP = os.environ.get("CAPI_KEEP")

_tests = []


class Skip(Exception):
    """Raised by a test that cannot run here; the reason is its text."""


def test(function):
    _tests.append(function)
    return function


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return "exit code %s\n--- standard output\n%s\n--- standard error\n%s" % (
            self.code, self.out.decode("utf-8", "replace")[-3000:], self.err.decode("utf-8", "replace")[-6000:])


class Box:
    """A folder with inputs, a data folder and outputs of one test."""

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix="capi_e2e_%s_" % name[:40])
        os.mkdir(self.path("out"))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, content):
        """Writes bytes, text, or anything else as JSON; returns the path."""
        if not isinstance(content, (bytes, str)):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode("utf-8")
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def read(self, *parts):
        with open(self.path(*parts), "rb") as file:
            return file.read()

    def out_files(self):
        """All names in the output folder, hidden ones included."""
        return sorted(os.listdir(self.path("out")))

    def capi(self, *arguments, timeout=300, **options):
        process = subprocess.Popen([BINARY] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, cwd=options.pop("cwd", ROOT), **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError("no end within %d seconds: %s\n%s" % (timeout, arguments,
                                                                      Result("timeout", out, err)))
        return Result(process.returncode, out, err)

    def run(self, script, *arguments, **options):
        return self.capi("run", script, "--data", self.path("state"), "--keyspace", "test", *arguments, **options)

    def run_well(self, script, *arguments, **options):
        result = self.run(script, *arguments, **options)
        check(result.code == 0, "the run failed: %s" % result)
        return result

    def table(self, name, state="state", keyspace="test"):
        """A table as CSV text."""
        result = self.capi("table", "export", name, "--keyspace", keyspace, "--data", self.path(state))
        check(result.code == 0, "could not export \"%s\": %s" % (name, result))
        return result.out

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def skip_if_not_built(words):
    """Raises Skip if the program says on standard error that its build leaves out what the test is about."""
    if b"not available in this build" in words:
        raise Skip("this build has no Parquet and Arrow files")


def mount_small(path, kilobytes):
    """A file system of that size at `path`; False if that cannot be had. Unmount it in the end."""
    os.makedirs(path, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=%dk" % kilobytes, "tmpfs", path]
    try:
        return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def check(condition, words="not true"):
    if not condition:
        raise AssertionError(words)


def check_equal(got, expected, what="value"):
    if got != expected:
        raise AssertionError("%s is\n%s\nexpected\n%s" % (what, show(got), show(expected)))


def show(value):
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) < 3000 else text[:3000] + "..."


def check_fails(result, code, *words):
    """The program said what is wrong: the exit code, all `words` on standard error, no crash, no sanitizer report."""
    text = result.err.decode("utf-8", "replace")
    check(result.code == code, "exit code %s, expected %s: %s" % (result.code, code, result))
    check("Sanitizer" not in text and "runtime error" not in text, "a sanitizer complains: %s" % result)
    for word in words:
        check(word in text, "standard error does not contain %r: %s" % (word, result))


# ---- scripts, put together in Python and written as JSON ----

def csv_reader(urls, columns, table, indexes=None, having=None, **csv):
    """A file_table node. columns: name -> type, or name -> (type, format)."""
    settings = {"hdr_line_idx": 0, "first_data_line_idx": 1}
    settings.update(csv)
    read, fields = {}, {}
    for name, kind in columns.items():
        kind, layout = kind if isinstance(kind, tuple) else (kind, None)
        read["c_" + name] = {"csv": {"col_hdr": name}, "col_type": kind}
        if layout:
            read["c_" + name]["csv"]["col_format"] = layout
        fields[name] = {"expression": "r.c_" + name, "type": kind}
    node = {"type": "file_table", "r": {"urls": urls, "csv": settings, "columns": read},
            "w": {"name": table, "fields": fields}}
    if indexes:
        node["w"]["indexes"] = indexes
    if having:
        node["w"]["having"] = having
    return node


FORMATS = {"int": "%d", "float": "%v", "string": "%s", "decimal2": "%s", "bool": "%t",
           "datetime": "2006-01-02T15:04:05.000"}


def csv_writer(table, columns, url, top=None, batches=1, having=None):
    """A table_file node. columns: name -> type."""
    node = {"type": "table_file", "r": {"table": table, "expected_batches_total": batches},
            "w": {"url_template": url, "columns": [
                {"name": name, "expression": "r." + name, "type": kind, "csv": {"header": name, "format": FORMATS[kind]}}
                for name, kind in columns.items()]}}
    if top:
        node["w"]["top"] = top
    if having:
        node["w"]["having"] = having
    return node


def script(**nodes):
    return {"nodes": nodes}


# ---- running ----

def main():
    passed = failed = skipped = 0
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if not os.path.exists(BINARY):
        print("FAILED there is no program %s" % BINARY)
        print("0 passed, 1 failed")
        sys.exit(1)
    for function in _tests:
        if wanted not in function.__name__:
            continue
        box = Box(function.__name__)
        try:
            function(box)
            passed += 1
        except Skip as reason:
            skipped += 1
            print("SKIPPED %s: %s" % (function.__name__, reason))
        except Exception as error:
            failed += 1
            print("FAILED %s" % function.__name__)
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
            print("  " + str(error).replace("\n", "\n  "))
            if KEEP:
                print("  its folder: %s" % box.folder)
                continue
        box.remove()
        sys.stdout.flush()
    print("%d passed, %d failed%s" % (passed, failed, ", %d skipped" % skipped if skipped else ""))
    sys.exit(1 if failed else 0)
