#!/usr/bin/env python3
"""Scripts made from a sample: they are valid, run as they are, and write what the sample holds."""
import gzip
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, Result, check, check_equal, check_fails, main, skip_if_not_built, test
from packages import python_with

CSV = ("order id;qty;price;rate;sold at;gift;note;none;day;zip\n"
       "A1;2;0.50;0.125;2024-01-05T10:00:00.250;true;\"a;b\";;2024-02-29;01234\n"
       "B7;-1;12.25;7;2024-01-06T11:30:00.000;false;\"\"\"x\"\" said\";;1999-12-31;99999\n"
       "B8;0;3;1.5;2024-01-06T11:30:00.999;true;Zoë;;2024-01-01;00000\n")

PARQUET = """
import sys, datetime, decimal, pyarrow as pa, pyarrow.parquet as pq
D, T = decimal.Decimal, datetime.datetime
columns = {
    "name of it": pa.array(["a", "b,c", "Zo\\u00eb"], pa.string()),
    "n": pa.array([1, -2, 9223372036854775807], pa.int64()),
    "f/x": pa.array([0.1, -1e300, 0.0], pa.float64()),
    "ok": pa.array([True, False, True], pa.bool_()),
    "1st price": pa.array([D("1.50"), D("-0.01"), D("123456789012345.67")], pa.decimal128(17, 2)),
    "at": pa.array([T(2024, 2, 29, 1, 2, 3, 456000), None, T(1969, 12, 31, 23, 59, 59, 999000)], pa.timestamp("ms")),
}
if len(sys.argv) > 2:
    columns["list"] = pa.array([[1], [2], [3]])
pq.write_table(pa.table(columns), sys.argv[1])
"""


def parquet_sample(box, *more):
    path = box.path("my sample.parquet")
    done = subprocess.run([python_with("pyarrow"), "-c", PARQUET, path, *more], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    check(done.returncode == 0, done.stderr.decode())
    return path


def init(box, *arguments):
    result = box.capi("init", *arguments)
    skip_if_not_built(result.err)
    return result


def runs_as_it_is(box, script):
    result = box.capi("validate", script)
    check_equal((result.code, result.err), (0, b""), "the made script: %s" % result)
    box.run_well(script)


@test
def a_script_for_a_csv_file_reproduces_it(box):
    sample = box.write("orders.csv", CSV)
    for name in ("made.yaml", "made.json"):
        result = init(box, sample, "--to", box.path(name))
        check_equal((result.code, result.out, result.err), (0, b"", b""), str(result))
        runs_as_it_is(box, box.path(name))
        check_equal(box.read("orders.out.csv").replace(b"\r", b""), CSV.replace(";3;", ";3.00;").encode(), name)
        os.remove(box.path("orders.out.csv"))
    text = box.read("made.yaml").decode()
    for words in ('name: "orders"\n', 'separator: ";"', "col_order_id: {col_type: \"string\", csv: {col_hdr: \"order id\"}}",
                  'col_price: {col_type: "decimal2"', 'col_rate: {col_type: "float"', 'col_qty: {col_type: "int"',
                  'col_format: "2006-01-02T15:04:05.000"', 'col_gift: {col_type: "bool"', 'col_none: {col_type: "string"',
                  'col_day: {col_type: "datetime", csv: {col_hdr: "day", col_format: "2006-01-02"}}',
                  'col_zip: {col_type: "string"'):
        check(words in text, "%r is not in\n%s" % (words, text))
    check(list(json.loads(box.read("made.json"))["nodes"]) == ["read_file", "write_file"], "the same script as JSON")
    check_equal(init(box, sample).out, box.read("made.yaml"), "standard output")


@test
def options_say_what_the_sample_does_not(box):
    sample = box.write("x.csv", "made by hand\nid|a,b\n(unit)|(unit)\n7|x\n")
    result = init(box, box.write("y.csv", "7|x,\n8|y,z\n"), "--header", "none", "--separator", "|", "--table", "t1",
                  "--source", "{dir}/*.csv", "--target", "{dir}/out/all.csv", "--to", box.path("y.yaml"))
    check_equal(result.code, 0, str(result))
    os.remove(sample)
    box.run_well(box.path("y.yaml"), "--set", "dir=" + box.folder)
    check_equal(box.read("out", "all.csv").replace(b"\r", b""), b'f_000|f_001\n7|"x,"\n8|"y,z"\n')
    check_equal(box.table("t1").replace(b"\r", b""), b'f_000,f_001\n7,"x,"\n8,"y,z"\n')
    sample = box.write("x.csv", "id|a,b\n(unit)|(unit)\n7|x\n")
    text = init(box, sample, "--first-record", "2", "--separator", "|").out.decode()
    check('hdr_line_idx: 0, first_data_line_idx: 2, separator: "|"' in text and 'col_id: {col_type: "int"' in text, text)


@test
def a_packed_sample_is_unpacked(box):
    sample = box.write("orders.csv.gz", gzip.compress(CSV.encode()))
    check_equal(init(box, sample, "--to", box.path("s.yaml")).code, 0)
    runs_as_it_is(box, box.path("s.yaml"))
    check_equal(gzip.decompress(box.read("orders.out.csv.gz")).replace(b"\r", b""), CSV.replace(";3;", ";3.00;").encode())


@test
def what_a_type_would_change_or_refuse_stays_text(box):
    rows = ("if,{p},\"{run_id|string}\",type,_,true,qty,gift,price,at,no bool,no day,fine,zone\n"
            "a,b,c,d,e,y,1,true,0.50,2024-01-05 10:00:00,tRuE,2024-02-30 10:20:30,2024-02-20 05:20:30.123456,"
            "2024-02-20T05:20:30-0500\n"
            ",,,,,,,,,,false,2024-02-28 10:20:30,2024-02-20 05:20:30.000000,2024-02-20T05:20:30+0000\n")
    sample = box.write("s.csv", rows)
    for name in ("made.yaml", "made.json"):
        result = init(box, sample, "--to", box.path(name))
        check_equal(result.code, 0, str(result))
        notes = result.err.decode().splitlines()
        check_equal([note.split(",")[1].strip() for note in notes], ['"qty"', '"gift"', '"price"', '"at"'], str(notes))
        check("would be decimal2, but has empty fields" in notes[2], notes[2])
        runs_as_it_is(box, box.path(name))
        check_equal(box.read("s.out.csv").replace(b"\r", b""), rows.replace('"', "").encode(), name)
        os.remove(box.path("s.out.csv"))


@test
def a_sample_with_braces_in_its_name_needs_another(box):
    sample = box.write("a{run_id}.csv", "a\n1\n")
    check_fails(init(box, sample), 2, "a{run_id}.csv", "braces", "--source")
    check_fails(init(box, sample, "--source", "x"), 2, "braces", "--target")
    check_equal(init(box, sample, "--source", "x", "--target", "y").code, 0)


def same_files(box, left, right):
    result = box.capi("parquet", "diff", left, right)
    check_equal((result.code, result.err), (0, b""), "the copy: %s" % result)


@test
def a_script_for_a_parquet_file_reproduces_it(box):
    sample = parquet_sample(box)
    check_equal(init(box, sample, "--to", box.path("made.yaml")).code, 0)
    runs_as_it_is(box, box.path("made.yaml"))
    same_files(box, sample, box.path("my sample.out.parquet"))
    text = box.read("made.yaml").decode()
    check('col_1st_price: {col_type: "decimal2", parquet: {col_name: "1st price"}}' in text, text)
    check('name: "my_sample"' in text and "csv" not in text, text)


@test
def columns_that_no_script_can_read_are_left_out_with_a_note(box):
    sample = parquet_sample(box, "list")
    result = init(box, sample, "--to", box.path("made.yaml"))
    check_equal((result.code, result.err.decode()),
                (0, 'note: column 7, "list", is a group, which is no type of scripts; left out\n'))
    runs_as_it_is(box, box.path("made.yaml"))
    check_fails(box.capi("parquet", "diff", sample, box.path("my sample.out.parquet")), 2, "list")


@test
def parquet_columns_with_odd_names(box):
    make = ("import sys, pyarrow as pa, pyarrow.parquet as pq\n"
            "names = sys.argv[2:]\n"
            "pq.write_table(pa.Table.from_arrays([pa.array([str(i)]) for i in range(len(names))], names=names), sys.argv[1])\n")
    for names, kept, note in ((["{x}", "if", "{run_id|string}"], None, ""),
                              (["a", "b", "a"], ["a", "b"], 'column 3, "a", has the name of another, and scripts find'),
                              (["a", ""], ["a"], 'column 2, "", has no name, and scripts find')):
        sample = box.path("s.parquet")
        for path, columns in ((sample, names), (box.path("kept.parquet"), kept or names)):
            done = subprocess.run([python_with("pyarrow"), "-c", make, path, *columns], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False)
            check(done.returncode == 0, done.stdout.decode())
        result = init(box, sample, "--to", box.path("made.yaml"))
        check(result.code == 0 and note in result.err.decode() and bool(note) == bool(result.err), str(result))
        runs_as_it_is(box, box.path("made.yaml"))
        same_files(box, box.path("kept.parquet"), box.path("s.out.parquet"))
        for name in ("made.yaml", "s.out.parquet"):
            os.remove(box.path(name))


@test
def the_toolbelt_makes_a_script_for_a_parquet_file_that_reproduces_it(box):
    def tool(*arguments):
        done = subprocess.run([os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capitoolbelt"), *arguments],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=box.folder,
                              env=dict(os.environ, CAPI_DATA=box.path("state")), timeout=300, check=False)
        skip_if_not_built(done.stderr)
        return Result(done.returncode, done.stdout, done.stderr)

    sample = parquet_sample(box)
    made = tool("proto_file_reader_creator", "-file_type=parquet", "-file=" + sample)
    check_equal((made.code, made.err), (0, b""), str(made))
    text = made.out.decode()
    script = json.loads(text)
    check_equal(text.count('"url_template"'), 1)
    check("csv" not in text and text.endswith("}"), text)
    reader = script["nodes"]["read_file"]["r"]
    check_equal(reader["urls"], ["/tmp/capi_in/proto_file_reader_creator_quicktest/my sample.parquet"])
    check_equal(reader["columns"]["col_name_of_it"], {"col_type": "string", "parquet": {"col_name": "name of it"}})
    check_equal(list(reader["columns"]), sorted(reader["columns"]), "the reader's columns")
    check_equal(script["nodes"]["write_file"]["w"]["parquet"], {"codec": "gzip"})
    check_equal([column["type"] for column in script["nodes"]["write_file"]["w"]["columns"]],
                ["string", "int", "float", "bool", "decimal2", "datetime"])
    text = text.replace("/tmp/capi_in/proto_file_reader_creator_quicktest/my sample.parquet", sample)
    text = text.replace("/tmp/capi_out/proto_file_reader_creator_quicktest", box.path("out"))
    text = text.replace('"url_template"', '"top": {"order": "col_n(desc)"},"url_template"')
    path = box.write("made.json", text)
    for node in ("read_file", "write_file"):
        result = tool("exec_node", "-keyspace=shop", "-script_file=" + path, "-node_id=" + node)
        check_equal(result.code, 0, str(result))
    check_equal(box.capi("parquet", "sort", sample, "n(desc)").code, 0)
    same_files(box, sample, box.path("out", "my sample.parquet"))
    wrong = tool("proto_file_reader_creator", "-file_type=parquet", "-file=" + parquet_sample(box, "list"))
    check_fails(wrong, 1, '"list", is a group', "my sample.parquet")
    check("col_ok" in json.loads(wrong.out)["nodes"]["read_file"]["r"]["columns"], "what was seen is missing")


@test
def what_is_no_sample_is_told(box):
    sample = box.write("x.csv", "a,b\n1,2\n3\n")
    before = box.write("there.yaml", "mine")
    for arguments, words in (([sample], ("x.csv", "record 2 has 1 field")), ([box.path("none.csv")], ("none.csv",)),
                             ([box.write("empty.csv", "")], ("no records", "empty.csv")), ([box.folder], ("directory",)),
                             ([sample, "--type", "xml"], ("xml", "csv or parquet")),
                             ([sample, "--header", "-2"], ("--header", "-2")),
                             ([sample, "--header", "1", "--first-record", "1"], ("after the header",)),
                             ([sample, "--separator", "||"], ("--separator", "one ASCII character")),
                             ([box.write("ok.csv", "a\n1\n"), "--format", "xml"], ("yaml or json",)),
                             ([box.path("ok.csv"), "--to", before], ("there.yaml", "already")),
                             ([box.path("ok.csv"), "--to", box.path("nowhere", "x.yaml")], ("nowhere",)),
                             ([box.write("no.gz", "abc")], ("no.gz",))):
        result = init(box, *arguments)
        check_fails(result, 2, *words)
        check_equal(result.out, b"", "standard output")
    check_equal(box.read("there.yaml"), b"mine")
    result = init(box, box.write("bad.parquet", "PAR1 and nothing else"))
    check_fails(result, 2, "bad.parquet", "Parquet file")


main()
