#!/usr/bin/env python3
"""Parquet files through the whole program, both ways, beside pyarrow, DuckDB and Polars."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import ROOT, check, check_equal, check_fails, csv_reader, csv_writer, main, script, skip_if_not_built, test
from packages import python_with
from parquet_bytes import BYTE_ARRAY, DECIMAL, Column, data_page, parquet_file, plain_texts

PEERS = ("pyarrow", "duckdb", "polars", "pandas")
TYPES = {"s": "string", "i": "int", "f": "float", "b": "bool", "d": "decimal2", "t": "datetime"}
CODECS = ("gzip", "snappy", "zstd", "lz4", "uncompressed")


def peer(code, *arguments):
    """Runs Python with the peers; what it prints as JSON."""
    done = subprocess.run([python_with(*PEERS), "-c", code, *[str(item) for item in arguments]], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    check(done.returncode == 0, "the peer failed: %s" % done.stderr.decode())
    return json.loads(done.stdout or b"null")


def parquet_reader(urls, columns, defaults=None):
    """A file_table node; columns: name in the file -> type."""
    read, fields = {}, {}
    for number, (name, kind) in enumerate(columns.items()):
        read["c%d" % number] = {"parquet": {"col_name": name}, "col_type": kind}
        if defaults and name in defaults:
            read["c%d" % number]["col_default_value"] = defaults[name]
        fields["f%d" % number] = {"expression": "r.c%d" % number, "type": kind}
    return {"type": "file_table", "r": {"urls": urls, "columns": read}, "w": {"name": "rows", "fields": fields}}


def parquet_writer(columns, url, codec=None, top=None):
    node = {"type": "table_file", "r": {"table": "rows"}, "w": {"url_template": url, "columns": [
        {"name": "f%d" % number, "expression": "r.f%d" % number, "type": kind, "parquet": {"column_name": name}}
        for number, (name, kind) in enumerate(columns.items())]}}
    if codec:
        node["w"]["parquet"] = {"codec": codec}
    if top:
        node["w"]["top"] = top
    return node


def run_nodes(box, *arguments, **nodes):
    result = box.run(box.write("script.json", json.dumps(script(**nodes))), *arguments)
    skip_if_not_built(result.err)
    return result


def copied(box, source, columns, codec=None, top=None, defaults=None, arguments=()):
    """The file after a way through a table and back."""
    target = box.path("copy.parquet")
    result = run_nodes(box, *arguments, read=parquet_reader([source], columns, defaults),
                       write=parquet_writer(columns, target, codec, top))
    check(result.code == 0, "the run failed: %s" % result)
    return target


def csv_of(box, source, columns, defaults=None):
    """The lines of the file as our CSV."""
    names = {"f%d" % number: kind for number, kind in enumerate(columns.values())}
    result = run_nodes(box, read=parquet_reader([source], columns, defaults),
                       write=csv_writer("rows", names, box.path("copy.csv")))
    check(result.code == 0, "the run failed: %s" % result)
    return box.read("copy.csv").decode().split("\n")[1:-1]


# n rows of every type, with nulls; `extra` goes to write_table.
MAKE = """
import sys, json, datetime, decimal, pyarrow as pa, pyarrow.parquet as pq
path, n, extra = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
some = lambda i, every, value: None if i % every == 0 else value
start = datetime.datetime(1969, 12, 31, 20)
table = pa.table({
    "s": pa.array([some(i, 7, "text %d%s" % (i % 50, "\\u00e4x" * (i % 30))) for i in range(n)], pa.string()),
    "i": pa.array([some(i, 5, i * 1000003 - 77) for i in range(n)], pa.int64()),
    "f": pa.array([some(i, 9, i / 7) for i in range(n)], pa.float64()),
    "b": pa.array([some(i, 11, i % 3 == 0) for i in range(n)], pa.bool_()),
    "d": pa.array([some(i, 13, decimal.Decimal(i * i - 100) / 100) for i in range(n)], pa.decimal128(17, 2)),
    "t": pa.array([some(i, 17, start + datetime.timedelta(minutes=i, milliseconds=i % 1000)) for i in range(n)],
                  pa.timestamp("ms")),
    "nested": pa.array([[{"x": i}] for i in range(n)], pa.list_(pa.struct([("x", pa.int32())]))),
})
pq.write_table(table, path, **extra)
"""

# True if the copy holds what the file holds, with our values for nulls.
SAME = """
import sys, json, decimal, pyarrow as pa, pyarrow.parquet as pq, duckdb, polars
source, copy, key = sys.argv[1:4]
zero = {"s": "", "i": 0, "f": 0.0, "b": False, "d": decimal.Decimal(0), "t": None}
a, b = pq.read_table(source, columns=list(zero)), pq.read_table(copy)
assert b.schema.names == list(zero), b.schema
assert [str(kind) for kind in b.schema.types] == [
    "string", "int64", "double", "bool", "decimal128(17, 2)", "timestamp[ms]"], b.schema
rows = lambda table: list(zip(*[table[name].to_pylist() for name in zero]))
expected = [tuple(zero[name] if value is None else value for name, value in zip(zero, row)) for row in rows(a)]
if key:
    expected.sort(key=lambda row: (row[1], row[2]), reverse=True)
assert rows(b) == expected
assert duckdb.sql("select * from '%s'" % copy).fetchall() == expected
assert polars.read_parquet(copy).rows() == expected
json.dump(len(expected), sys.stdout)
"""


@test
def every_type_and_codec_survives_the_way_through_a_table(box):
    source = box.path("in.parquet")
    for codec in CODECS + ("brotli",):
        peer(MAKE, source, 5000, json.dumps({"compression": "none" if codec == "uncompressed" else codec,
                                             "row_group_size": 1777}))
        copy = copied(box, source, TYPES, codec if codec in CODECS else None)
        check_equal(peer(SAME, source, copy, ""), 5000, codec)
        os.remove(copy)


@test
def every_page_version_and_encoding_is_read(box):
    source = box.path("in.parquet")
    for extra in ({"data_page_version": "2.0"}, {"use_dictionary": False}, {"data_page_size": 512},
                  {"data_page_version": "2.0", "use_dictionary": False, "write_page_checksum": True, "column_encoding":
                   {"s": "DELTA_BYTE_ARRAY", "i": "DELTA_BINARY_PACKED", "f": "BYTE_STREAM_SPLIT", "b": "RLE"}},
                  {"use_dictionary": False, "column_encoding": {"s": "DELTA_LENGTH_BYTE_ARRAY", "i": "BYTE_STREAM_SPLIT"}},
                  {"dictionary_pagesize_limit": 64, "data_page_size": 256},
                  {"store_decimal_as_integer": True}, {"row_group_size": 10}):
        peer(MAKE, source, 3000, json.dumps(extra))
        copy = copied(box, source, TYPES, "snappy")
        check_equal(peer(SAME, source, copy, ""), 3000, extra)
        os.remove(copy)


@test
def no_row_and_one_row(box):
    source = box.path("in.parquet")
    for count in (0, 1):
        peer(MAKE, source, count, "{}")
        copy = copied(box, source, TYPES)
        check_equal(peer(SAME, source, copy, ""), count)
        os.remove(copy)


@test
def large_row_groups_are_shared_by_threads(box):
    source = box.path("in.parquet")
    peer(MAKE, source, 700000, "{}")
    copy = copied(box, source, TYPES, "snappy", arguments=("--threads", "4"))
    check_equal(peer(SAME, source, copy, ""), 700000)


@test
def top_orders_rows(box):
    source = box.path("in.parquet")
    peer(MAKE, source, 9000, "{}")
    copy = copied(box, source, TYPES, "zstd", top={"order": "f1(desc),f2(desc)", "limit": 9000})
    check_equal(peer(SAME, source, copy, "key"), 9000)


# Three million rows in 30 row groups, with nulls, and a nested column that nobody wants.
MAKE_MANY = """
import sys, duckdb, pyarrow.parquet as pq
duckdb.sql("SET enable_progress_bar = false")
rows = duckdb.sql('''
    SELECT CASE WHEN i % 7 = 0 THEN NULL ELSE 'text ' || (i * 7919 % 60000) || repeat('x', CAST(i % 30 AS INTEGER)) END AS s,
           CASE WHEN i % 5 = 0 THEN NULL ELSE i * 1000003 - 77 END AS i, i / 7.0::DOUBLE AS f, i % 3 = 0 AS b,
           CASE WHEN i % 13 = 0 THEN NULL ELSE CAST((i * 31 % 1000000007) / 100.0 AS DECIMAL(17, 2)) END AS d,
           CASE WHEN i % 17 = 0 THEN NULL
                ELSE CAST(TIMESTAMP '1969-12-31 20:00:00' + to_milliseconds(i * 61007) AS TIMESTAMP_MS) END AS t,
           [{'x': i}] AS nested
    FROM range(3000000) r(i)''').to_arrow_table()
pq.write_table(rows, sys.argv[1], row_group_size=100000)
"""

SAME_MANY = """
import sys, json, decimal, pyarrow as pa, pyarrow.parquet as pq
source, copy = sys.argv[1:3]
zero = {"s": "", "i": 0, "f": 0.0, "b": False, "d": decimal.Decimal(0), "t": None}
a, b = pq.read_table(source, columns=list(zero)), pq.read_table(copy)
for number, name in enumerate(zero):
    expected = a[name].cast(b.schema.field(name).type)
    if zero[name] is not None:
        expected = expected.fill_null(pa.scalar(zero[name], expected.type))
    assert b[name].equals(expected), name
    assert b.schema.field(number).name == name
json.dump([b.num_rows, pq.ParquetFile(copy).num_row_groups], sys.stdout)
"""


@test
def three_million_rows_go_both_ways(box):
    source = box.path("in.parquet")
    peer(MAKE_MANY, source)
    copy = copied(box, source, TYPES, "snappy", arguments=("--threads", "8"))
    check_equal(peer(SAME_MANY, source, copy), [3000000, 23])


MAKE_ODD = """
import sys, datetime, decimal, pyarrow as pa, pyarrow.parquet as pq
D = decimal.Decimal
base = datetime.datetime(1950, 2, 3, 4, 5, 6, 789999)
table = pa.table({
    "a ns/x": pa.array([-1, 1709288430500999123], pa.timestamp("ns")),
    "us": pa.array([base, None], pa.timestamp("us")),
    "day": pa.array([datetime.date(1969, 12, 31), None], pa.date32()),
    "u32": pa.array([4294967295, None], pa.uint32()),
    "i8": pa.array([-128, None], pa.int8()),
    "f32": pa.array([0.5, None], pa.float32()),
    "d9": pa.array([D("-12.5"), None], pa.decimal128(9, 1)),
    "d38": pa.array([D("12345678901.12"), D("-0.01")], pa.decimal128(38, 2)),
    "d5": pa.array([D("1.00500"), D("-1.00500")], pa.decimal128(17, 5)),
    "u64": pa.array([1, 2 ** 63], pa.uint64()),
    "list": pa.array([[1], None]),
})
pq.write_table(table, sys.argv[1])
pq.write_table(table.select(["a ns/x", "us"]), sys.argv[2], use_deprecated_int96_timestamps=True)
"""


@test
def other_forms_of_our_types_are_read(box):
    source, old = box.path("in.parquet"), box.path("old.parquet")
    peer(MAKE_ODD, source, old)
    columns = {"a ns/x": "datetime", "us": "datetime", "day": "datetime", "u32": "int", "i8": "int", "f32": "float",
               "d9": "decimal2", "d38": "decimal2", "d5": "decimal2"}
    lines = csv_of(box, source, columns, {"i8": "17", "us": "2001-02-03T04:05:06.007+00:00", "d9": "1.5"})
    check_equal(lines[0], "1969-12-31 23:59:59.999,1950-02-03 04:05:06.789,1969-12-31 00:00:00.000,4294967295,-128,0.5,"
                          "-12.50,12345678901.12,1.01".replace(" ", "T"))
    check_equal(lines[1], "2024-03-01 10:20:30.500,2001-02-03 04:05:06.007,1901-01-01 00:00:00.000,0,17,0,"
                          "1.50,-0.01,-1.01".replace(" ", "T"))
    check_equal(csv_of(box, old, {"a ns/x": "datetime", "us": "datetime"})[0],
                "1969-12-31T23:59:59.999,1950-02-03T04:05:06.789")
    check_equal(csv_of(box, source, {"day": "int"}), ["-1", "0"])


MAKE_DECIMALS = """
import sys, json, decimal, pyarrow as pa, pyarrow.parquet as pq
D = decimal.Decimal
values = [D("-9999999.99"), D("9999999.99"), D("0.00"), None, D("-0.01")]
table = pa.table({"int32": pa.array(values, pa.decimal128(9, 2)), "int64": pa.array(values, pa.decimal128(18, 2)),
                  "fixed": pa.array(values, pa.decimal128(20, 2)), "wide": pa.array(values, pa.decimal256(60, 4))})
pq.write_table(table, sys.argv[1], store_decimal_as_integer=True, **json.loads(sys.argv[2]))
file = pq.ParquetFile(sys.argv[1])
json.dump([file.schema.column(i).physical_type for i in range(4)], sys.stdout)
"""


@test
def decimals_are_read_in_all_four_storages(box):
    source = box.path("in.parquet")
    names = ("int32", "int64", "fixed", "wide")
    for extra in ({}, {"use_dictionary": False}, {"data_page_version": "2.0", "use_dictionary": False, "column_encoding": {
            "int32": "DELTA_BINARY_PACKED", "int64": "BYTE_STREAM_SPLIT", "fixed": "BYTE_STREAM_SPLIT", "wide": "DELTA_BYTE_ARRAY"}}):
        stored = peer(MAKE_DECIMALS, source, json.dumps(extra))
        check_equal(stored, ["INT32", "INT64", "FIXED_LEN_BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"])
        lines = csv_of(box, source, dict.fromkeys(names, "decimal2"))
        check_equal(lines, [",".join([value] * 4) for value in ("-9999999.99", "9999999.99", "0.00", "0.00", "-0.01")], str(extra))
    # As many bytes as a value needs, and more.
    texts = [b"\xff", b"", b"\x00\x80", b"\xff\xff\xff\x00", b"\x00" * 40 + b"\x7b"]
    column = Column("d", BYTE_ARRAY, [data_page(plain_texts(texts), 5)], 5, converted=DECIMAL, scale=2, precision=30)
    box.write("bytes.parquet", parquet_file([column], 5))
    check_equal(csv_of(box, box.path("bytes.parquet"), {"d": "decimal2"}), ["-0.01", "0.00", "1.28", "-2.56", "1.23"])


@test
def what_does_not_fit_is_said_before_rows_are_read(box):
    source = box.path("in.parquet")
    peer(MAKE_ODD, source, box.path("old.parquet"))
    for columns, words in (({"nope": "int"}, ['has no column "nope"']), ({"u32": "string"}, ["u32", "INT32", "string"]),
                           ({"list": "int"}, ["list", "group"]), ({"D9": "decimal2"}, ['has no column "D9"']),
                           ({"u64": "int"}, ["row 2", "u64", "9223372036854775808", "too large"])):
        result = run_nodes(box, read=parquet_reader([source], columns), write=csv_writer("rows", {
            "f0": list(columns.values())[0]}, box.path("copy.csv")))
        check_fails(result, 1, "in.parquet", *words)


@test
def a_build_without_parquet_refuses_the_script_at_once(box):
    nodes = {"read": parquet_reader(["none.parquet"], {"i": "int"}), "write": parquet_writer({"i": "int"}, "out.parquet")}
    path = box.write("s.json", json.dumps(script(**nodes)))
    result = box.capi("validate", path)
    if result.code == 0:
        check_fails(box.run(path), 1, "none.parquet")
        return
    for result in (result, box.run(path)):
        check_fails(result, 2, "Parquet files are not available in this build of the program; expected CSV",
                    "in r of node \"read\"", "in w of node \"write\"", "2 errors")
    check(not os.path.exists(box.path("state")), "a run was started")


if __name__ == "__main__":
    main()
