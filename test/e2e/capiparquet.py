#!/usr/bin/env python3
"""capiparquet, and "capillaries parquet": print, compare and sort Parquet files that another program wrote."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, Result, Skip, check, check_equal, check_fails, main, mount_small, skip_if_not_built, test
from packages import python_with


def peer(code, *arguments):
    """Runs Python with pyarrow; what it prints as JSON."""
    done = subprocess.run([python_with("pyarrow"), "-c", "import sys, json, datetime, decimal, pyarrow as pa, "
                           "pyarrow.parquet as pq\n" + code, *[str(item) for item in arguments]],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    check(done.returncode == 0, "the peer failed: %s" % done.stderr.decode())
    return json.loads(done.stdout or b"null")


def tool(box, *arguments, timeout=300):
    """The program under its old name."""
    name = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capiparquet")
    done = subprocess.run([name, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=box.folder, timeout=timeout, check=False)
    skip_if_not_built(done.stderr)
    return Result(done.returncode, done.stdout, done.stderr)


SMALL = """
D, T = decimal.Decimal, datetime.datetime
pq.write_table(pa.table({
    "name": pa.array(["plain", "a,b", None, 'say "x"'], pa.string()),
    "n": pa.array([1, None, -9223372036854775808, 9223372036854775807], pa.int64()),
    "f": pa.array([0.1, 1e21, None, -0.5], pa.float64()),
    "ok": pa.array([True, False, None, True], pa.bool_()),
    "price": pa.array([D("1.50"), None, D("-0.01"), D("123456789012345.67")], pa.decimal128(17, 2)),
    "rate": pa.array([D("1.5000"), D("0.1234"), None, D("2.0000")], pa.decimal128(20, 4)),
    "at": pa.array([T(2024, 2, 29, 1, 2, 3, 456789), None, T(1969, 12, 31, 23, 59, 59, 999999), T(1, 1, 1)],
                   pa.timestamp("us")),
    "day": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1900, 1, 1), datetime.date(1970, 1, 1)], pa.date32()),
    "small": pa.array([1, 2, None, 255], pa.uint8()),
}), sys.argv[1])
"""


@test
def cat_prints_every_type_and_leaves_nulls_empty(box):
    peer(SMALL, box.path("a.parquet"))
    result = tool(box, "cat", "a.parquet")
    check_equal(result.code, 0, str(result))
    check_equal(result.out.decode(), """name,n,f,ok,price,rate,at,day,small
plain,1,0.1,true,1.50,1.50,2024-02-29T01:02:03.456789Z,2024-02-29T00:00:00.000000Z,1
"a,b",,1e+21,false,,0.1234,,,2
,-9223372036854775808,,,-0.01,,1969-12-31T23:59:59.999999Z,1900-01-01T00:00:00.000000Z,
say "x",9223372036854775807,-0.5,true,123456789012345.67,2.00,0001-01-01T00:00:00.000000Z,1970-01-01T00:00:00.000000Z,255
""")
    native = box.capi("parquet", "cat", box.path("a.parquet"))
    check_equal(native.out, result.out, "the native command's words")


# n rows; the second file has other row groups, another codec, and `change` applied to its columns.
PAIR = """
n, change = int(sys.argv[3]), sys.argv[4]
columns = {
    "i": pa.array(range(n), pa.int64()),
    "s": pa.array([None if i % 5 == 0 else "text %d" % (i % 100) for i in range(n)], pa.string()),
    "d": pa.array([decimal.Decimal(i) / 100 for i in range(n)], pa.decimal128(17, 2)),
    "t": pa.array([datetime.datetime(2024, 1, 1) + datetime.timedelta(milliseconds=i) for i in range(n)], pa.timestamp("ms")),
}
pq.write_table(pa.table(columns), sys.argv[1], row_group_size=1000)
if change == "value":
    column = columns["d"].to_pylist(); column[n - 2] += decimal.Decimal("0.01"); columns["d"] = pa.array(column, pa.decimal128(17, 2))
elif change == "null":
    column = columns["i"].to_pylist(); column[0] = None; columns["i"] = pa.array(column, pa.int64())
elif change == "storage":
    columns["i"] = columns["i"].cast(pa.int32()); columns["t"] = columns["t"].cast(pa.timestamp("us"))
elif change == "type":
    columns["i"] = columns["i"].cast(pa.float64())
elif change == "order":
    columns = {name: columns[name] for name in ("s", "i", "d", "t")}
elif change == "columns":
    del columns["t"]
table = pa.table(columns)
pq.write_table(table.slice(0, n - 1) if change == "rows" else table, sys.argv[2], row_group_size=777, compression="zstd")
"""


@test
def files_with_equal_rows_are_equal_however_they_are_cut(box):
    for count in (0, 1, 20000):
        peer(PAIR, box.path("a.parquet"), box.path("b.parquet"), count, "")
        for flags in ((), ("-identical_schemas",)):
            result = tool(box, "diff", *flags, "a.parquet", "b.parquet")
            check_equal((result.code, result.out, result.err), (0, b"", b""), "equal files of %d rows" % count)


@test
def the_first_difference_is_said(box):
    for change, words in (("value", ["row 4999, column \"d\": 49.98 in \"a.parquet\", 49.99 in \"b.parquet\""]),
                          ("null", ["row 1, column \"i\": 0 in \"a.parquet\", empty in \"b.parquet\""]),
                          ("rows", ["\"a.parquet\" has 5000 rows, \"b.parquet\" has 4999"]),
                          ("type", ["column \"i\" is of type int in \"a.parquet\", of type float in \"b.parquet\""]),
                          ("order", ["column 1 is \"i\" in \"a.parquet\", \"s\" in \"b.parquet\""]),
                          ("columns", ["\"a.parquet\" has 4 columns, \"b.parquet\" has 3"])):
        peer(PAIR, box.path("a.parquet"), box.path("b.parquet"), 5000, change)
        result = tool(box, "diff", "a.parquet", "b.parquet")
        check_fails(result, 1, *words)
        check_equal(result.err.count(b"\n"), 1, "lines")


@test
def equal_values_stored_in_another_way_differ_only_if_asked(box):
    peer(PAIR, box.path("a.parquet"), box.path("b.parquet"), 5000, "storage")
    check_equal(tool(box, "diff", "a.parquet", "b.parquet").code, 0)
    check_fails(tool(box, "diff", "-identical_schemas", "a.parquet", "b.parquet"), 1,
                "column \"i\" is stored as INT64 in \"a.parquet\", as INT32 in \"b.parquet\"")


# n rows with keys that repeat, nulls, and columns that only a byte-for-byte copy keeps.
UNSORTED = """
n = int(sys.argv[2])
value = lambda i: (i * 7919 + 13) % max(n, 1)
table = pa.table({
    "id": pa.array(range(n), pa.int32()),
    "k": pa.array([None if value(i) % 11 == 0 else value(i) % 50 for i in range(n)], pa.int16()),
    "s": pa.array([None if i % 7 == 0 else "text %d" % (value(i) % 1000) for i in range(n)], pa.string()),
    "ns": pa.array([None if i % 3 == 0 else value(i) * 1000 + 7 for i in range(n)], pa.timestamp("ns")),
    "d": pa.array([decimal.Decimal(value(i)).scaleb(-5) for i in range(n)], pa.decimal128(30, 5)),
    "f": pa.array([None if i % 4 == 0 else value(i) / 3 for i in range(n)], pa.float32()),
    "b": pa.array([None if i % 5 == 0 else i % 2 == 0 for i in range(n)], pa.bool_()),
    "raw": pa.array([b"\\xff\\x00%d" % value(i) for i in range(n)], pa.binary()),
    "time": pa.array([value(i) % 86400000000 for i in range(n)], pa.time64("us")),
}, schema=pa.schema([pa.field("id", pa.int32(), nullable=False), ("k", pa.int16()), ("s", pa.string()),
                     ("ns", pa.timestamp("ns")), ("d", pa.decimal128(30, 5)), ("f", pa.float32()), ("b", pa.bool_()),
                     ("raw", pa.binary()), ("time", pa.time64("us"))], metadata={"note": "kept"}))
pq.write_table(table, sys.argv[1], row_group_size=997)
pq.write_table(table, sys.argv[1] + ".original")
"""

# The sorted file has the rows of the original by k descending (a null is 0), s ascending (a null is empty), then as they were.
SORTED = """
original, table = pq.read_table(sys.argv[1] + ".original"), pq.read_table(sys.argv[1])
assert table.schema.equals(original.schema, check_metadata=True), (table.schema, original.schema)
assert pq.ParquetFile(sys.argv[1]).schema.equals(pq.ParquetFile(sys.argv[1] + ".original").schema)
rows = lambda table: list(zip(*[column.to_pylist() for column in table.columns])) if table.num_rows else []
expected = sorted(rows(original.set_column(3, "ns", original["ns"].cast(pa.int64()))), key=lambda row: (-(row[1] or 0), row[2] or ""))
found = rows(table.set_column(3, "ns", table["ns"].cast(pa.int64())))
assert found == expected, [pair for pair in zip(found, expected) if pair[0] != pair[1]][:1]
groups = pq.ParquetFile(sys.argv[1]).metadata
codecs = {groups.row_group(g).column(c).compression for g in range(groups.num_row_groups) for c in range(groups.num_columns)}
assert codecs <= {"GZIP"}, codecs
json.dump(len(found), sys.stdout)
"""


@test
def sort_orders_rows_and_changes_nothing_else(box):
    path = box.path("a.parquet")
    for count in (0, 1, 2, 30000):
        peer(UNSORTED, path, count)
        result = tool(box, "sort", "a.parquet", "k(desc),s(asc)")
        check_equal((result.code, result.out, result.err), (0, b"", b""), str(result))
        check_equal(peer(SORTED, path), count)
    check_equal(sorted(name for name in os.listdir(box.folder) if "parquet" in name), ["a.parquet", "a.parquet.original"])


@test
def a_sorted_file_keeps_its_permissions(box):
    peer(UNSORTED, box.path("a.parquet"), 10)
    for mode in (0o600, 0o640, 0o664):
        os.chmod(box.path("a.parquet"), mode)
        check_equal(tool(box, "sort", "a.parquet", "k").code, 0)
        check_equal(os.stat(box.path("a.parquet")).st_mode & 0o7777, mode)


@test
def a_full_disk_leaves_the_file_as_it_was(box):
    peer(UNSORTED, box.path("a.parquet"), 60000)
    if not mount_small(box.path("out"), 1 + os.path.getsize(box.path("a.parquet")) * 3 // 2 // 1024):
        raise Skip("no file system of a small size can be had")
    try:
        before = box.read("a.parquet")
        box.write(os.path.join("out", "a.parquet"), before)
        check_fails(tool(box, "sort", os.path.join("out", "a.parquet"), "s"), 1, "a.parquet", "No space left on device")
        check_equal(box.read("out", "a.parquet") == before, True, "the file is the same")
        check_equal(box.out_files(), ["a.parquet"])
    finally:
        subprocess.run(["umount", box.path("out")], check=False)


@test
def every_type_is_a_key(box):
    path = box.path("a.parquet")
    for key in ("id", "k", "s", "ns", "d", "f", "b"):
        for direction in ("asc", "desc"):
            peer(UNSORTED, path, 2000)
            check_equal(tool(box, "sort", "a.parquet", "%s(%s)" % (key, direction)).code, 0)
            peer("""
key, down = sys.argv[2], sys.argv[3] == "desc"
zero = {"s": "", "b": False, "d": decimal.Decimal(0), "ns": -2177452800000000000}.get(key, 0)
column = pq.read_table(sys.argv[1])[key]
values = [zero if value is None else value for value in (column.cast(pa.int64()) if key == "ns" else column).to_pylist()]
expected = sorted(values, reverse=down)
assert len(values) == 2000 and values == expected, (key, [pair for pair in zip(values, expected) if pair[0] != pair[1]][:3])
""", path, key, direction)


@test
def what_cannot_be_done_is_said_and_the_file_stays(box):
    peer(UNSORTED, box.path("a.parquet"), 5000)
    peer("pq.write_table(pa.table({'i': [2, 1], 'list': [[1], [2]]}), sys.argv[1])", box.path("nested.parquet"))
    peer("pq.write_table(pa.table({'i': [2, 1]}), sys.argv[1])", box.path("good.parquet"))
    before = box.read("a.parquet")
    box.write("text.parquet", "this is no Parquet file at all")
    box.write("cut.parquet", before[:-100])
    box.write("torn.parquet", before[:200] + b"\xff" * 2000 + before[2200:])
    for code, arguments, words in (
            (1, ("sort", "a.parquet", "nope(asc)"), ("a.parquet", "nope")),
            (1, ("sort", "a.parquet", "k(up)"), ("up", "asc")),
            (1, ("sort", "a.parquet", " "), ("no column",)),
            (1, ("sort", "a.parquet", "raw"), ("raw", "BYTE_ARRAY")),
            (1, ("sort", "nested.parquet", "i"), ("nested.parquet", "list", "nested")),
            (1, ("sort", "-memory", "100K", "a.parquet", "k"), ("a.parquet", "memory budget")),
            (1, ("sort", "-memory", "300K", "a.parquet", "s"), ("keys to sort by",)),
            (1, ("sort", "torn.parquet", "id"), ("torn.parquet",)),
            (1, ("cat", "none.parquet"), ("none.parquet", "No such file")),
            (1, ("cat", "."), ("directory",)),
            (1, ("cat", "text.parquet"), ("text.parquet", "Parquet file")),
            (1, ("cat", "cut.parquet"), ("cut.parquet",)),
            (1, ("cat", "a.parquet"), ("a.parquet", "raw", "BYTE_ARRAY")),
            (1, ("cat", "nested.parquet"), ("nested.parquet", "list", "group")),
            (1, ("diff", "good.parquet", "none.parquet"), ("none.parquet",)),
            (1, ("diff", "none.parquet", "good.parquet"), ("none.parquet",)),
            (2, ("cat",), ("FILE",)),
            (2, ("cat", "a.parquet", "b.parquet"), ("FILE",)),
            (2, ("diff", "a.parquet"), ("LEFT RIGHT",)),
            (2, ("diff", "-identical_schema", "a.parquet", "a.parquet"), ("identical_schemas",)),
            (2, ("paste", "a.parquet"), ("parquet cat",))):
        check_fails(tool(box, *arguments), code, *words)
    check_equal(box.read("a.parquet"), before, "the file")
    check_equal([name for name in os.listdir(box.folder) if name.startswith(".")], [], "files that were left")
    check_equal(box.capi("parquet", "cat", box.path("none.parquet")).code, 2, "exit code of the native command")


@test
def without_arguments_it_tells_how_it_is_used(box):
    for arguments in ((), ("-h",), ("--help",)):
        result = tool(box, *arguments)
        check_equal((result.code, result.err), (0, b""))
        for words in (b"cat FILE", b"diff [-identical_schemas] LEFT RIGHT", b"sort FILE"):
            check(words in result.out, str(result))


@test
def a_large_file_needs_little_memory(box):
    peer(PAIR, box.path("a.parquet"), box.path("b.parquet"), 300000, "value")
    check_fails(tool(box, "diff", "-memory", "8M", "a.parquet", "b.parquet"), 1, "row 299999, column \"d\"")
    result = tool(box, "cat", "-memory", "4M", "a.parquet")
    check_equal((result.code, result.out.count(b"\n")), (0, 300001))


main()
