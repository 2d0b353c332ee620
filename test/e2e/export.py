#!/usr/bin/env python3
"""Tables as files for other programs: what pandas, Polars and DuckDB find in an exported Parquet or Arrow file."""
import gzip
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, check_equal, check_fails, csv_reader, main, script, skip_if_not_built, test
from packages import python_with

PEERS = ("pyarrow", "duckdb", "polars", "pandas")
COLUMNS = {"s": "string", "i": "int", "f": "float", "b": "bool", "d": "decimal2",
           "t": ("datetime", "2006-01-02T15:04:05.000000000")}

# What is in the source, and what the peers must see. Tables keep milliseconds, rounded down; the zero datetime is empty.
ROWS = [
    ("Zoë, \"x\"", "9223372036854775807", "0.1", "true", "1.005", "2024-02-29T10:20:30.123456789",
     ["Zoë, \"x\"", 9223372036854775807, "0x1.999999999999ap-4", True, "1.01", "2024-02-29T10:20:30.123"]),
    ("", "-9223372036854775808", "-1e300", "false", "-0.015", "1969-12-31T23:59:59.999999999",
     ["", -9223372036854775808, "-0x1.7e43c8800759cp+996", False, "-0.02", "1969-12-31T23:59:59.999"]),
    ("a text longer than what lies inline", "0", "5e-324", "true", "123456789012345.67", "9999-12-31T00:00:00.000000001",
     ["a text longer than what lies inline", 0, "0x0.0000000000001p-1022", True, "123456789012345.67",
      "9999-12-31T00:00:00.000"]),
    ("日本", "7", "-0", "false", "0", "1901-01-01T00:00:00.000000000",
     ["日本", 7, "-0x0.0p+0", False, "0.00", None]),
]

# The rows that every peer sees, in the form of ROWS, are those of the file `expected`.
LOOK = """
import sys, json, datetime, decimal, duckdb, polars, pandas, pyarrow as pa, pyarrow.parquet as pq
form, path, expected, decimals = sys.argv[1:5]
expected = json.load(open(expected))
arrow = pq.read_table(path) if form == "parquet" else pa.ipc.open_file(path).read_all()
assert arrow.schema.names == ["s", "i", "f", "b", "d", "t"], arrow.schema
assert [str(kind) for kind in arrow.schema.types] == ["string", "int64", "double", "bool", decimals, "timestamp[ms]"], \
    arrow.schema
plain = lambda value: (value.hex() if isinstance(value, float) else str(value) if isinstance(value, decimal.Decimal) else
                       None if value is pandas.NaT else
                       value.isoformat(timespec="milliseconds") if isinstance(value, datetime.datetime) else value)
def same(rows, who):
    rows = [[plain(value) for value in row] for row in rows]
    assert len(rows) == len(expected), (who, len(rows), len(expected))
    for number, (row, right) in enumerate(zip(rows, expected)):
        assert row == right, (who, number, row, right)
if form == "parquet":
    frame, polar, duck = pandas.read_parquet(path), polars.read_parquet(path), duckdb.sql("select * from '%s'" % path)
else:
    frame, polar, duck = pandas.read_feather(path), polars.read_ipc(path), duckdb.sql("select * from arrow")
same([list(row.values()) for row in arrow.to_pylist()], "pyarrow")
same(frame.astype(object).values.tolist(), "pandas")
same(polar.rows(), "polars")
same(duck.fetchall(), "duckdb")
assert [str(kind) for kind in polar.dtypes[:4]] == ["String", "Int64", "Float64", "Boolean"], polar.dtypes
assert str(duck.types[4]) == decimals.replace("decimal128", "DECIMAL").replace(" ", ""), duck.types
chunks = pq.ParquetFile(path).num_row_groups if form == "parquet" else pa.ipc.open_file(path).num_record_batches
json.dump(chunks, sys.stdout)
"""

DECIMALS = {"parquet": "decimal128(17, 2)", "arrow": "decimal128(19, 2)"}


def line_of(row):
    quoted = '"%s"' % row[0].replace('"', '""')
    return ",".join((quoted,) + row[1:6]) + "\n"


def table_of(box, *sources):
    urls = [box.write("in%d.csv" % number, "s,i,f,b,d,t\n" + "".join(line_of(row) for row in rows))
            for number, rows in enumerate(sources)]
    box.run_well(box.write("s.json", json.dumps(script(read=csv_reader(urls, COLUMNS, "rows")))))


def export(box, *arguments):
    result = box.capi("table", "export", "rows", "--keyspace", "test", "--data", box.path("state"), *arguments)
    skip_if_not_built(result.err)
    return result


def look(box, form, rows, *arguments):
    """The number of row groups or record batches of the exported table, which has exactly these rows."""
    path = box.path("out", "rows." + form)
    result = export(box, "--to", path, "--format", form, *arguments)
    check_equal(result.code, 0, str(result))
    expected = box.write("expected.json", json.dumps([row[6] for row in rows]))
    done = subprocess.run([python_with(*PEERS), "-c", LOOK, form, path, expected, DECIMALS[form]],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600,
                          check=False)
    check(done.returncode == 0, "a peer sees something else: %s" % done.stderr.decode())
    return json.loads(done.stdout)


@test
def every_type_is_seen_by_other_programs_as_it_is(box):
    table_of(box, ROWS)
    for form in DECIMALS:
        check_equal(look(box, form, ROWS), 1, form)


@test
def every_codec_is_read_by_other_programs(box):
    table_of(box, ROWS)
    for codec in ("gzip", "snappy", "zstd", "lz4", "uncompressed"):
        look(box, "parquet", ROWS, "--codec", codec)


@test
def an_empty_table_has_its_columns(box):
    table_of(box, [])
    for form in DECIMALS:
        check_equal(look(box, form, []), 0, form)


@test
def a_table_of_one_row(box):
    for row in range(len(ROWS)):
        table_of(box, ROWS[row:row + 1])
        for form in DECIMALS:
            look(box, form, ROWS[row:row + 1])


@test
def the_rows_of_several_batches_come_in_the_order_of_the_table(box):
    def row(number):
        text = "row %d %s" % (number, "and more" * (number % 5))
        at = "20%02d-01-02T03:04:05.%03d" % (number % 90 + 10, number % 1000)
        return (text, str(number), repr(number / 8), "true" if number % 3 == 0 else "false", "%d.%02d" % (number, number % 100),
                at + "999999", [text, number, (number / 8).hex(), number % 3 == 0, "%d.%02d" % (number, number % 100), at])
    rows = [row(number) for number in range(150000)]
    table_of(box, rows[:50000], rows[50000:50001], [], rows[50001:])
    check_equal(look(box, "parquet", rows), 2)
    check(look(box, "arrow", rows) > 1, "several record batches")


@test
def the_form_follows_the_name_of_the_file(box):
    table_of(box, ROWS)
    for name, begin in (("a.parquet", b"PAR1"), ("a.arrow", b"ARROW1"), ("a.csv", b"s,i,f"), ("a", b"s,i,f")):
        check_equal(export(box, "--to", box.path("out", name)).code, 0, name)
        check(box.read("out", name).startswith(begin), name)
    check_equal(export(box, "--to", box.path("out", "b.parquet"), "--format", "csv").code, 0)
    check_equal(box.read("out", "b.parquet"), box.read("out", "a.csv"))
    for name, begin in (("c.PARQUET", b"PAR1"), ("c.feather", b"ARROW1"), ("c.ipc", b"ARROW1"), ("c.CSV", b"s,i,f")):
        check_equal(export(box, "--to", box.path("out", name)).code, 0, name)
        check(box.read("out", name).startswith(begin), name)


@test
def csv_is_packed_as_the_name_of_the_file_says(box):
    table_of(box, ROWS)
    check_equal(export(box, "--to", box.path("out", "a.csv")).code, 0)
    for name in ("a.csv.gz", "a.GZ"):
        check_equal(export(box, "--to", box.path("out", name)).code, 0)
        check_equal(gzip.decompress(box.read("out", name)), box.read("out", "a.csv"), name)
    check_equal(export(box, "--to", box.path("out", "a.csv.zst")).code, 0)
    check_equal(box.read("out", "a.csv.zst")[:4], b"\x28\xb5\x2f\xfd")
    check_fails(export(box, "--to", box.path("out", "x.parquet.gz")), 2, "x.parquet.gz", "packed inside")
    check_fails(export(box, "--to", box.path("out", "x.zst"), "--format", "arrow"), 2, "x.zst", "packed inside")
    check("x.zst" not in box.out_files() and "x.parquet.gz" not in box.out_files(), str(box.out_files()))


@test
def wrong_options_are_explained(box):
    table_of(box, ROWS)
    check_fails(export(box, "--format", "xml"), 2, "xml", "csv, parquet or arrow")
    check_fails(export(box, "--format", "parquet"), 2, "--to FILE")
    check_fails(export(box, "--format", "arrow", "--codec", "zstd", "--to", box.path("out", "x")), 2, "--codec", "parquet")
    check_fails(export(box, "--format", "parquet", "--separator", ";", "--to", box.path("out", "x")), 2, "--separator", "csv")
    check_fails(export(box, "--codec", "lzo", "--to", box.path("out", "x.parquet")), 2, "lzo")
    check_fails(export(box, "--to", box.path("none", "x.arrow")), 2, "none")
    check_equal(box.out_files(), [], "files that were left")


main()
