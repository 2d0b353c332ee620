#!/usr/bin/env python3
"""Parquet files that lie elsewhere: only the footer and the needed columns are fetched, and every fault on the way is met."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Skip, check, check_equal, check_fails, csv_writer, main, script, test
from packages import python_with
from servers import HttpServer, S3, Sftp

PEERS = ("pyarrow", "duckdb", "polars", "pandas")  # as in parquet.py, so that they are installed once
ROWS, GROUP_ROWS, COLUMN_COUNT = 120000, 20000, 9
TWO = ["c2", "c7"]
ALL = ["c%d" % number for number in range(COLUMN_COUNT)]
QUICK = {"CAPI_TRANSFER_IDLE_TIMEOUT": "700", "CAPI_TRANSFER_RETRY_BUDGET": "3000"}
MAKE = """
import sys, random, pyarrow as pa, pyarrow.parquet as pq
path, rows, group, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
numbers = random.Random(7)
table = pa.table({"c%d" % c: pa.array([numbers.getrandbits(60) for _ in range(rows)], pa.int64()) for c in range(count)})
pq.write_table(table, path, row_group_size=group, compression="none", use_dictionary=False)
"""


def make(box, rows=ROWS, group=GROUP_ROWS, name="in.parquet"):
    done = subprocess.run([python_with(*PEERS), "-c", MAKE, box.path(name), str(rows), str(group), str(COLUMN_COUNT)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    check(done.returncode == 0, "the peer failed: %s" % done.stderr.decode())
    return box.read(name)


def run(box, url, columns, environment=None):
    """Copies columns of the file to CSV; the result of the process."""
    nodes = script(
        read={"type": "file_table", "w": {"name": "t", "fields": {
            name: {"expression": "r.x_" + name, "type": "int"} for name in columns}},
              "r": {"urls": [url], "columns": {
                  "x_" + name: {"parquet": {"col_name": name}, "col_type": "int"} for name in columns}}},
        write=csv_writer("t", {name: "int" for name in columns}, box.path("out/o.csv")))
    result = box.run(box.write("s.json", nodes), env={**os.environ, **QUICK, **(environment or {})})
    if b"not available in this build" in result.err:
        raise Skip("this build has no Parquet files")
    return result


def copied(box, url, columns, environment=None):
    result = run(box, url, columns, environment)
    check(result.code == 0, "the run failed: %s" % result)
    found = box.read("out", "o.csv")
    os.unlink(box.path("out/o.csv"))
    return found


def leaves_nothing(box):
    check_equal(box.out_files(), [], "what lies in the output folder")
    left = [os.path.join(folder, name) for folder, _, names in os.walk(box.path("state")) for name in names
            if ".download" in name or "unpacked" in name]
    check_equal(left, [], "temporary files")


def ranges(server):
    """Methods and ranges that were asked for."""
    return [(method, headers.get("Range")) for method, _, headers in server.requests]


def start_of(handler):
    """Where the range begins that is asked for."""
    return int(handler.headers.get("Range", "bytes=0-")[6:].split("-")[0])


@test
def only_the_wanted_columns_are_fetched(box):
    data = make(box)
    with HttpServer({"/in.parquet": lambda h, n, body: h.file(data, body)}) as server:
        expected = copied(box, box.path("in.parquet"), TWO)
        check_equal(len(expected.split(b"\n")), ROWS + 2, "lines")
        check_equal(copied(box, server.url("/in.parquet"), TWO), expected)
        wanted = 2 * ROWS * 8
        check(wanted <= server.sent <= wanted + 100000, "%d bytes were sent for columns of %d; the file has %d" % (
            server.sent, wanted, len(data)))
        check(all(method == "GET" and asked for method, asked in ranges(server)), "requests: %s" % ranges(server))
        check(len(server.requests) <= 2 + 2 * ROWS // GROUP_ROWS, "%d requests" % len(server.requests))


@test
def all_columns_come_in_large_pieces(box):
    data = make(box)
    with HttpServer({"/in.parquet": lambda h, n, body: h.file(data, body)}) as server:
        check_equal(copied(box, server.url("/in.parquet"), ALL), copied(box, box.path("in.parquet"), ALL))
        check(server.sent <= len(data) + 100000, "%d bytes of %d were sent" % (server.sent, len(data)))
        check(len(server.requests) <= 3 + len(data) // (4 << 20) + 1, "requests: %s" % ranges(server))


@test
def a_small_file_comes_at_once(box):
    data = make(box, 1000, 300)
    with HttpServer({"/in.parquet": lambda h, n, body: h.file(data, body)}) as server:
        check_equal(copied(box, server.url("/in.parquet"), TWO), copied(box, box.path("in.parquet"), TWO))
        check_equal(ranges(server), [("GET", "bytes=0-3"), ("GET", "bytes=0-%d" % (len(data) - 1))])


@test
def without_ranges_the_file_is_downloaded(box):
    data = make(box)
    with HttpServer({"/in.parquet": lambda h, n, body: h.file(data, body, ranges=False)}) as server:
        check_equal(copied(box, server.url("/in.parquet"), TWO), copied(box, box.path("in.parquet"), TWO))
        check_equal(ranges(server), [("GET", "bytes=0-3"), ("GET", None)])
        leaves_nothing(box)


@test
def a_file_that_changes_meanwhile_is_an_error(box):
    data = make(box)
    later = {"another ETag": lambda h, body: h.file(data, body, etag='"v2"'),
             "If-Match refused": lambda h, body: h.say(412, b"another one"),
             "another length": lambda h, body: h.file(data + b"x", body),
             "no ranges any more": lambda h, body: h.file(data, body, ranges=False)}
    for what, page in later.items():
        with HttpServer({"/in.parquet": lambda h, n, body: h.file(data, body) if n < 4 else page(h, body)}) as server:
            result = run(box, server.url("/in.parquet"), TWO)
            check_fails(result, 1, "cannot read \"%s\"" % server.url("/in.parquet"),
                        "no ranges" if what == "no ranges any more" else "changed")
            check(len(server.requests) < 3 + 2 * ROWS // GROUP_ROWS, "%d requests (%s)" % (len(server.requests), what))
            leaves_nothing(box)
    times = ["Wed, 01 Jan 2025 00:00:00 GMT", "Wed, 01 Jan 2025 00:00:01 GMT"]
    with HttpServer({"/in.parquet": lambda h, n, body: h.file(data, body, etag=None, Last_Modified=times[n > 3])}) as server:
        check_fails(run(box, server.url("/in.parquet"), TWO), 1, "changed", server.url("/in.parquet"))
        leaves_nothing(box)


@test
def what_breaks_or_stalls_is_asked_for_again(box):
    data = make(box)

    def page(handler, count, body):
        start = start_of(handler)
        handler.file(data, body, stop_at=start + 1000 if count % 3 == 0 else None, stall=20 if count == 6 else 0)

    with HttpServer({"/in.parquet": page}) as server:
        check_equal(copied(box, server.url("/in.parquet"), TWO, {"CAPI_TRANSFER_IDLE_TIMEOUT": "300"}),
                    copied(box, box.path("in.parquet"), TWO))
        check(len(server.requests) > 8, "requests: %s" % ranges(server))
        check(server.sent < 2 * ROWS * 8 + 200000, "%d bytes were sent" % server.sent)
        leaves_nothing(box)


@test
def what_never_comes_is_given_up(box):
    data = make(box)
    bad = {"sick": lambda h, body: h.say(500, b"sick"),
           "only": lambda h, body: h.file(data, body, stop_at=start_of(h) + 100)}
    for word, page in bad.items():
        with HttpServer({"/in.parquet": lambda h, n, body: h.file(data, body) if n < 4 else page(h, body)}) as server:
            check_fails(run(box, server.url("/in.parquet"), TWO), 1, server.url("/in.parquet"), "attempts")
            check(len(server.requests) >= 6, "requests: %s" % ranges(server))
            leaves_nothing(box)
    with HttpServer({"/text.parquet": lambda h, n, body: h.file(b"id,name\n" * 50000, body),
                     "/empty.parquet": lambda h, n, body: h.file(b"", body, ranges=False)}) as server:
        check_fails(run(box, server.url("/missing.parquet"), TWO), 1, "404", server.url("/missing.parquet"), "not here")
        check_fails(run(box, server.url("/text.parquet"), TWO), 1, server.url("/text.parquet"), "like a Parquet file")
        check_fails(run(box, server.url("/empty.parquet"), TWO), 1, server.url("/empty.parquet"), "0 bytes")
        leaves_nothing(box)


@test
def redirects_and_head_refused_do_not_matter(box):
    data = make(box)
    pages = {"/in.parquet": lambda h, n, body: h.file(data, body) if body else h.say(403),
             "/a.parquet": lambda h, n, body: h.say(302, Location="/in.parquet")}
    with HttpServer(pages) as server:
        check_equal(copied(box, server.url("/a.parquet"), TWO), copied(box, box.path("in.parquet"), TWO))


@test
def columns_come_from_s3(box):
    make(box)
    with S3(box) as s3:
        s3.python_code("s3.create_bucket(Bucket='bucket')\n"
                       "s3.put_object(Bucket='bucket', Key='p/in.parquet', Body=open(sys.argv[1], 'rb'))", box.path("in.parquet"))
        check_equal(copied(box, "s3://bucket/p/in.parquet", TWO, s3.environment), copied(box, box.path("in.parquet"), TWO))
        check_fails(run(box, "s3://bucket/none.parquet", TWO, s3.environment), 1, "s3://bucket/none.parquet", "404", "NoSuchKey")
        with open(box.path("s3.log"), encoding="utf-8", errors="replace") as log:
            lines = [line for line in log if "/bucket/p/in.parquet" in line and "GET" in line]
        check(len(lines) > 2 and all(" 206 " in line for line in lines), "requests: %s" % "".join(lines))
        leaves_nothing(box)


@test
def files_of_sftp_are_downloaded(box):
    make(box)
    with Sftp(box) as sftp:
        check_equal(copied(box, sftp.url(box.path("in.parquet")), TWO, sftp.environment),
                    copied(box, box.path("in.parquet"), TWO))
        leaves_nothing(box)


main()
