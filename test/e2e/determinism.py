#!/usr/bin/env python3
"""Same input, same output: tables and files do not depend on the number of threads or batches."""
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Skip, check, check_equal, csv_reader, csv_writer, main, script, test

SALES = {"id": "int", "shop": "string", "amount": "decimal2", "weight": "float", "at": ("datetime", "2006-01-02 15:04:05")}
SHOPS = {"shop": "string", "rank": "int", "name": "string"}


def write_inputs(box, rows=6000, files=3):
    """Sales in several files, and shops of which some are double and some unknown."""
    dice = random.Random(7)
    urls = []
    number = 0
    for file in range(files):
        lines = ["id,shop,amount,weight,at"]
        # Files of different sizes: the second has no rows at all.
        for _ in range(0 if file == 1 else rows // files):
            number += 1
            lines.append("%d,shop %d,%d.%02d,%.17g,2024-%02d-%02d %02d:00:%02d" % (
                number, int(dice.random() * 90), int(dice.random() * 1000), int(dice.random() * 100),
                dice.random() * 1e6 - 5e5, 1 + int(dice.random() * 12), 1 + int(dice.random() * 28),
                int(dice.random() * 24), int(dice.random() * 60)))
        urls.append(box.write("sales%d.csv" % file, "\n".join(lines) + "\n"))
    lines = ["shop,rank,name"]
    for i in range(120):
        lines.append('shop %d,%d,"the ""%d"", really"' % (i % 80, int(dice.random() * 50), i))
    return urls, box.write("shops.csv", "\n".join(lines) + "\n")


def pipeline(box, urls, shops, batches, out):
    joined = {"id": "int", "shop": "string", "amount": "decimal2", "rank": "int", "name": "string"}
    return script(
        read_sales=csv_reader(urls, SALES, "sales", {"idx_sales_shop": "non_unique(shop)"}, having="w.amount > 10"),
        read_shops=csv_reader([shops], SHOPS, "shops", {"idx_shops_shop": "non_unique(shop)"}),
        join={"type": "table_lookup_table", "r": {"table": "sales", "expected_batches_total": batches},
              "l": {"index_name": "idx_shops_shop", "join_on": "r.shop", "join_type": "left"},
              "w": {"name": "joined", "fields": {
                  "id": {"expression": "r.id", "type": "int"},
                  "shop": {"expression": "r.shop", "type": "string"},
                  "amount": {"expression": "r.amount", "type": "decimal2"},
                  "rank": {"expression": "l.rank", "type": "int", "default_value": "-1"},
                  "name": {"expression": "l.name", "type": "string", "default_value": "nobody"}}}},
        distinct={"type": "distinct_table", "rerun_policy": "fail",
                  "r": {"table": "sales", "expected_batches_total": batches},
                  "w": {"name": "sold", "fields": {"shop": {"expression": "r.shop", "type": "string"},
                                                   "first_id": {"expression": "r.id", "type": "int"}},
                        "indexes": {"idx_sold": "unique(shop)"}}},
        group={"type": "table_lookup_table", "r": {"table": "sold", "expected_batches_total": batches},
               "l": {"index_name": "idx_sales_shop", "join_on": "r.shop", "join_type": "inner", "group": True,
                     "filter": "l.id > 5"},
               "w": {"name": "totals", "fields": {
                   "shop": {"expression": "r.shop", "type": "string"},
                   "first_id": {"expression": "r.first_id", "type": "int"},
                   "n": {"expression": "count()", "type": "int"},
                   # Sums of floats depend on their order, and so do lists.
                   "weight": {"expression": "sum(l.weight)", "type": "float"},
                   "ids": {"expression": "string_agg(string(l.id), \" \")", "type": "string"},
                   "last": {"expression": "max(time.Unix(l.at))", "type": "int"},
                   "average": {"expression": "avg(l.amount)", "type": "decimal2"}}}},
        write_joined=csv_writer("joined", joined, box.path(out, "joined_{batch_idx}.csv"), batches=batches),
        write_totals=csv_writer("totals", {"shop": "string", "n": "int", "weight": "float", "ids": "string"},
                                box.path(out, "totals_{batch_idx}.csv"), batches=batches),
        write_top=csv_writer("joined", joined, box.path(out, "top.csv"),
                             top={"order": "amount(desc),id,name", "limit": 500}))


def joined_in_batch_order(box, out, prefix):
    """The files of all batches as one: the header of the first, the lines of all."""
    names = [name for name in sorted(os.listdir(box.path(out))) if name.startswith(prefix)]
    parts = [box.read(out, name).split(b"\r\n", 1) for name in names]
    for header, _ in parts:
        check_equal(header, parts[0][0], "the header of a batch")
    return parts[0][0] + b"\r\n" + b"".join(lines for _, lines in parts)


def results(box, urls, shops, batches, threads, *arguments):
    name = "b%d_t%d" % (batches, threads)
    os.mkdir(box.path(name))
    path = box.write(name + ".json", pipeline(box, urls, shops, batches, name))
    result = box.capi("run", path, "--data", box.path(name + "_state"), "--keyspace", "test", "--threads", str(threads),
                      *arguments)
    check_equal((result.code, b""), (0, b""), "run with %s: %s" % (name, result))
    check_equal(len(os.listdir(box.path(name))), 2 * batches + 1, "number of files")
    content = {table: box.table(table, name + "_state") for table in ("sales", "shops", "joined", "sold", "totals")}
    content["joined files"] = joined_in_batch_order(box, name, "joined_")
    content["totals files"] = joined_in_batch_order(box, name, "totals_")
    content["top file"] = box.read(name, "top.csv")
    return content


def check_same(box, variants):
    urls, shops = write_inputs(box)
    first = None
    for batches, threads, arguments in variants:
        got = results(box, urls, shops, batches, threads, *arguments)
        first = first or got
        for name in first:
            check_equal(got[name], first[name], "%s with %d batches and %d threads" % (name, batches, threads))


@test
def results_do_not_depend_on_the_number_of_threads(box):
    check_same(box, [(4, 1, []), (4, 2, []), (4, 8, [])])


@test
def results_do_not_depend_on_the_number_of_batches(box):
    check_same(box, [(1, 2, []), (2, 8, []), (7, 1, []), (64, 2, [])])


def parquet_files(box, source, threads):
    """Everything of it, a part of it, and of its first rows the top: written with so many threads."""
    name = "t%d" % threads
    os.mkdir(box.path(name))
    columns = {"id": "int", "name": "string", "shop": "string", "amount": "decimal2", "at": "datetime"}
    fields = [{"name": field, "expression": "r." + field, "type": kind, "parquet": {"column_name": field}}
              for field, kind in columns.items()]

    def writer(file, **more):
        return {"type": "table_file", "r": {"table": "rows"},
                "w": {"url_template": box.path(name, file), "parquet": {"codec": "snappy"}, "columns": fields, **more}}

    read = csv_reader([source], {"id": "int", "name": "string", "shop": "string", "amount": "decimal2",
                                 "at": ("datetime", "2006-01-02 15:04:05")}, "rows", having="w.id % 7 != 3")
    result = box.run(box.write(name + ".json", json.dumps(script(
        read=read, all=writer("all.parquet"), part=writer("part.parquet", having="w.amount > 500 && w.id > 1000"),
        top=writer("top.parquet", top={"order": "amount(desc),id", "limit": 5000})))),
        "--data", box.path(name + "_state"), "--threads", str(threads))
    if b"not available in this build" in result.err:
        raise Skip("this build has no Parquet files")
    check_equal(result.code, 0, str(result))
    return {file: box.read(name, file) for file in ("all.parquet", "part.parquet", "top.parquet")}


@test
def parquet_files_do_not_depend_on_the_number_of_threads(box):
    dice = random.Random(3)
    lines = ["id,name,shop,amount,at"]
    for number in range(350000):
        draw = dice.getrandbits(60)
        # Rows of very different lengths: morsels, blocks and chunks end anywhere.
        lines.append("%d,%s,shop %d,%d.%02d,20%02d-03-04 05:06:07" % (
            number, "x" * (draw % 40 + (number // 50000) * 7), draw % 90, draw % 997, draw % 100, 10 + draw % 20))
    source = box.write("rows.csv", "\n".join(lines) + "\n")
    first = parquet_files(box, source, 1)
    check(len(first["part.parquet"]) * 3 < len(first["all.parquet"]) * 2, "a part is smaller than everything")
    for threads in (2, 8):
        for file, content in parquet_files(box, source, threads).items():
            check(content == first[file], "%s with %d threads is the file that one thread writes" % (file, threads))


@test
def a_table_of_fewer_rows_than_batches_has_all_its_rows(box):
    path = box.write("in.csv", "a\n1\n2\n3\n")
    for batches in (1, 2, 3, 5, 100):
        out = "out%d" % batches
        os.mkdir(box.path(out))
        pipeline_path = box.write("s.json", script(
            read=csv_reader([path], {"a": "int"}, "t"),
            write=csv_writer("t", {"a": "int"}, box.path(out, "x{batch_idx}.csv"), batches=batches)))
        result = box.capi("run", pipeline_path, "--data", box.path("state%d" % batches), "--keyspace", "test")
        check_equal(result.code, 0, str(result))
        check_equal(joined_in_batch_order(box, out, "x"), b"a\r\n1\n2\n3\n", "%d batches" % batches)


@test
def a_table_keeps_the_order_of_its_files_and_of_their_lines(box):
    urls = [box.write("in%d.csv" % i, "a\n" + "".join("%d\n" % (i * 1000 + k) for k in range(1000)))
            for i in (5, 3, 9)]
    path = box.write("s.json", script(read=csv_reader(urls, {"a": "int"}, "t")))
    box.run_well(path, "--threads", "8")
    got = [int(line) for line in box.table("t").split()[1:]]
    check_equal(got, [i * 1000 + k for i in (5, 3, 9) for k in range(1000)], "rows")


main()
