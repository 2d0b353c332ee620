#!/usr/bin/env python3
"""What a run shows of a file that is on its way for longer than a moment. Servers wait in the middle until it was seen."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, ROOT, Skip, check, check_equal, csv_reader, csv_writer, main, script, test
from servers import HttpServer

COLUMNS = {"id": "int", "name": "string"}
ROWS = b"id,name\n" + b"".join(b"%d,%s\n" % (i, b"n" * 100) for i in range(120000))
PATIENCE_S = 60


class Run:
    """A run in the background whose display is read; on a terminal if is_live."""

    def __init__(self, box, source, target, is_live=False, **environment):
        path = box.write("s.json", script(read=csv_reader([source], COLUMNS, "t"), write=csv_writer("t", COLUMNS, target)))
        self.text, self.changed = b"", threading.Condition()
        environment = {**os.environ, "TERM": "xterm", "CAPI_TRANSFER_IDLE_TIMEOUT": "60000", **environment}
        source_end, end = pty.openpty() if is_live else os.pipe()
        if is_live:
            fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self.process = subprocess.Popen([BINARY, "run", path, "--data", box.path("state"), "--keyspace", "test"], cwd=ROOT,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=end, env=environment)
        os.close(end)
        self.reader = threading.Thread(target=self.read, args=(source_end,), daemon=True)
        self.reader.start()

    def read(self, end):
        while True:
            try:
                piece = os.read(end, 65536)
            except OSError:  # how a terminal ends
                piece = b""
            with self.changed:
                self.text += piece
                self.changed.notify_all()
            if not piece:
                break
        os.close(end)

    def wait_for(self, pattern):
        """The first place where the display matches."""
        with self.changed:
            self.changed.wait_for(lambda: re.search(pattern, self.text) or self.process.poll() is not None, PATIENCE_S)
        found = re.search(pattern, self.text)
        check(found, "%r was not shown: %s" % (pattern, self.text[-1000:].decode("utf-8", "replace")))
        return found

    def end(self):
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join(PATIENCE_S)
        check_equal(code, 0, "exit code, with %s" % self.text.decode("utf-8", "replace"))


def half_then_wait(data, go):
    """A page that sends half the file and the rest when it may."""
    def page(handler, count, with_body):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:len(data) // 2])
        handler.wfile.flush()
        go.wait(PATIENCE_S)
        try:
            handler.wfile.write(data[len(data) // 2:])
        except ConnectionError:  # nobody waits any more
            handler.close_connection = True
    return page


def show_download(box, is_live):
    go = threading.Event()
    with HttpServer({"/in.csv": half_then_wait(ROWS, go)}) as server:
        run = Run(box, server.url("/in.csv"), box.path("out/o.csv"), is_live)
        try:
            found = run.wait_for(rb"read.*downloads ([\d.]+)M of ([\d.]+)M bytes, 0 rows read")
        finally:
            go.set()
            run.end()
        check_equal(float(found.group(2)), round(len(ROWS) / 1e6, 1), "megabytes")
        check(float(found.group(1)) <= len(ROWS) / 2e6 + 0.1, "%s megabytes have come" % found.group(1).decode())
        last = run.text.split(b"downloads")[-1]
        check(b"120k rows read" in last, "the end is not shown: %s" % run.text.decode("utf-8", "replace"))
        check_equal(box.read("out", "o.csv").count(b"\n"), 120001, "lines")


@test
def a_terminal_shows_a_download(box):
    show_download(box, True)


@test
def plain_lines_tell_of_a_download(box):
    show_download(box, False)


@test
def an_upload_is_shown(box):
    go = threading.Event()

    def bucket(handler, count, with_body):
        left = int(handler.headers["Content-Length"])
        left -= len(handler.rfile.read(left // 4))
        go.wait(PATIENCE_S)
        handler.rfile.read(left)
        handler.say(200, ETag='"v1"')

    with HttpServer({"/bucket/o.csv": bucket}) as server:
        run = Run(box, box.write("in.csv", ROWS), "s3://bucket/o.csv", True, CAPI_S3_ENDPOINT=server.url(""),
                  AWS_ACCESS_KEY_ID="A", AWS_SECRET_ACCESS_KEY="B", AWS_REGION="us-east-1")
        try:
            found = run.wait_for(rb"write.*uploads ([\d.]+)M of ([\d.]+)M bytes")
        finally:
            go.set()
            run.end()
        check_equal(float(found.group(2)), round((len(ROWS) + 1) / 1e6, 1), "megabytes")
        check_equal([method for method, _, _ in server.requests], ["PUT"], "requests")


def interrupt_while_it_stalls(box, name, reader, data):
    """A run that waits for a server ends at once when it is interrupted, and takes what it has fetched away."""
    go, reached = threading.Event(), threading.Event()

    def page(handler, count, body):
        if count == 1 and name == "in.parquet":
            handler.file(data, body)  # the first bytes
            return
        reached.set()
        half_then_wait(data, go)(handler, count, body)

    with HttpServer({"/" + name: page}) as server:
        path = box.write("s.json", script(read=reader(server.url("/" + name))))
        environment = {**os.environ, "CAPI_TRANSFER_IDLE_TIMEOUT": "600000"}
        process = subprocess.Popen([BINARY, "run", path, "--data", box.path("state"), "--keyspace", "test"], cwd=ROOT,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        try:
            check(reached.wait(PATIENCE_S), "the server was not asked")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError("it did not end: %s" % process.communicate()[1].decode("utf-8", "replace")) from None
        finally:
            go.set()
        if b"not available in this build" in err:
            raise Skip("this build has no Parquet files")
        check_equal(process.returncode, 130, "exit code, with %s" % err.decode("utf-8", "replace"))
        left = [item for folder, _, names in os.walk(box.path("state")) for item in names if ".download" in item]
        check_equal(left, [], "temporary files")


@test
def a_download_that_stalls_is_interrupted(box):
    interrupt_while_it_stalls(box, "in.csv", lambda url: csv_reader([url], COLUMNS, "t"), ROWS)


@test
def ranges_that_stall_are_interrupted(box):
    reader = lambda url: {"type": "file_table", "r": {"urls": [url], "columns": {
        "c": {"parquet": {"col_name": "c"}, "col_type": "int"}}}, "w": {"name": "t", "fields": {
            "c": {"expression": "r.c", "type": "int"}}}}
    interrupt_while_it_stalls(box, "in.parquet", reader, b"PAR1" + bytes(1000000))


@test
def an_upload_that_stalls_is_interrupted_and_can_be_resumed(box):
    go, reached, kept = threading.Event(), threading.Event(), []

    def bucket(handler, count, with_body):
        if count == 1:
            handler.rfile.read(1000)
            reached.set()
            go.wait(PATIENCE_S)
            handler.close_connection = True
            return
        kept.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        handler.say(200, ETag='"v1"')

    with HttpServer({"/bucket/o.csv": bucket}) as server:
        path = box.write("s.json", script(read=csv_reader([box.write("in.csv", ROWS)], COLUMNS, "t"),
                                          write=csv_writer("t", COLUMNS, "s3://bucket/o.csv")))
        environment = {**os.environ, "CAPI_TRANSFER_IDLE_TIMEOUT": "600000", "CAPI_S3_ENDPOINT": server.url(""),
                       "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B", "AWS_REGION": "us-east-1"}
        process = subprocess.Popen([BINARY, "run", path, "--data", box.path("state"), "--keyspace", "test"], cwd=ROOT,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        try:
            check(reached.wait(PATIENCE_S), "the server was not asked")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError("it did not end: %s" % process.communicate()[1].decode("utf-8", "replace")) from None
        finally:
            go.set()
        check_equal(process.returncode, 130, "exit code, with %s" % err.decode("utf-8", "replace"))
        left = [item for folder, _, names in os.walk(box.path("state")) for item in names if "upload" in item]
        check_equal(left, [], "temporary files")
        resumed = box.capi("resume", "--keyspace", "test", "--run", "1", "--data", box.path("state"), env=environment)
        check_equal(resumed.code, 0, str(resumed))
        check_equal(kept, [ROWS.replace(b"id,name\n", b"id,name\r\n")], "what arrived")


@test
def a_quick_file_is_not_shown(box):
    with HttpServer({"/in.csv": lambda h, n, body: h.file(b"id,name\n1,a\n", body)}) as server:
        run = Run(box, server.url("/in.csv"), box.path("out/o.csv"), True)
        run.end()
        check(b"downloads" not in run.text, run.text.decode("utf-8", "replace"))


main()
