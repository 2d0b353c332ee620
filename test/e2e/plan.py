#!/usr/bin/env python3
"""validate --plan and run --dry-run: what a run would do, exactly, and nothing is made by asking."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, check_equal, check_fails, csv_reader, csv_writer, main, script, test


def nodes(box):
    """Two files, a lookup, a manual node behind it, and files in batches."""
    items = box.write("items.csv", "id,sku\n1,a\n2,b\n")
    more = box.write("more.csv", "id,sku\n3,a\n")
    products = box.write("products.csv", "sku,price\na,1.50\n")
    return script(
        read_items=csv_reader([items, more], {"id": "int", "sku": "string"}, "items"),
        read_products=csv_reader([products], {"sku": "string", "price": "decimal2"}, "products",
                                 indexes={"idx_products_sku": "unique(sku)"}),
        priced={"type": "table_lookup_table",
                "r": {"table": "items", "expected_batches_total": 2},
                "l": {"index_name": "idx_products_sku", "join_on": "r.sku", "group": False, "join_type": "left"},
                "w": {"name": "priced_items", "fields": {
                    "id": {"expression": "r.id", "type": "int"},
                    "price": {"expression": "l.price", "type": "decimal2"}}}},
        checked={"type": "table_table", "start_policy": "manual", "r": {"table": "priced_items"},
                 "w": {"name": "checked_items", "fields": {"id": {"expression": "r.id", "type": "int"}}}},
        write=csv_writer("checked_items", {"id": "int"}, box.path("out/{run_id|string}_{batch_idx|string}.csv"), batches=2))


FIRST = """run 1 of keyspace "test" from read_items,read_products: 3 of 5 nodes

step 1
  read_items, file_table
    reads    file {0}/items.csv, 15 B
    reads    file {0}/more.csv, 11 B
    writes   table items: 2 fields
    batches  2, one for each file
  read_products, file_table
    reads    file {0}/products.csv, 17 B
    writes   table products: 2 fields; index idx_products_sku (unique)
    batches  1, one for each file

step 2
  priced, table_lookup_table
    reads    table items of this run (node read_items)
    looks up table products of this run (node read_products), by index idx_products_sku, left join
    writes   table priced_items: 2 fields
    batches  2
    policy   current_active_first_stopped_nogo

waits for the operator
  look at the tables, then start node checked: --start checked

not in this run
  write
"""

SECOND = """run 2 of keyspace "test" from checked: 2 of 5 nodes

step 1
  checked, table_table, manual
    reads    table priced_items of run 1 (node priced)
    writes   table checked_items: 1 field
    batches  1
    policy   current_active_first_stopped_nogo

step 2
  write, table_file
    reads    table checked_items of this run (node checked)
    writes   file {0}/out/00002_00000.csv, OVERWRITES 6 B
    writes   file {0}/out/00002_00001.csv
    batches  2, one file each
    policy   current_active_first_stopped_nogo

not in this run
  read_items
  read_products
  priced
"""


def plan(box, *arguments):
    return box.capi("validate", box.path("s.json"), "--plan", "--keyspace", "test", "--data", box.path("state"), *arguments)


@test
def a_plan_says_what_a_run_would_do_and_makes_nothing(box):
    box.write("s.json", nodes(box))
    before = sorted(os.listdir(box.folder))
    result = plan(box)
    check_equal(result.code, 0, "exit code")
    check_equal(result.out.decode(), FIRST.format(box.folder))
    dry = box.run(box.path("s.json"), "--dry-run")
    check_equal((dry.code, dry.out, dry.err), (0, result.out, b""), "the dry run")
    check_equal(sorted(os.listdir(box.folder)), before, "the folder")
    check_equal(box.out_files(), [], "outputs")


@test
def a_later_run_is_planned_upon_the_earlier_ones(box):
    box.write("s.json", nodes(box))
    box.run_well(box.path("s.json"))
    box.write("out/00002_00000.csv", "other\n")
    result = plan(box, "--start", "checked")
    check_equal(result.code, 0, "exit code")
    check_equal(result.out.decode(), SECOND.format(box.folder))
    box.run_well(box.path("s.json"), "--start", "checked")
    check_equal(box.out_files(), ["00002_00000.csv", "00002_00001.csv"], "outputs")


@test
def what_would_make_the_run_fail_is_said(box):
    box.write("s.json", nodes(box))
    os.unlink(box.path("more.csv"))
    result = plan(box)
    check_equal(result.code, 1, "exit code")
    text = result.out.decode()
    check("reads    file %s/more.csv, MISSING" % box.folder in text, text)
    check(text.endswith("the run would fail\n  node \"read_items\": input file \"%s/more.csv\": No such file or directory\n"
                        % box.folder), text)
    os.rmdir(box.path("out"))
    text = plan(box, "--start", "write").out.decode()
    check("table checked_items of an earlier run (node checked): THERE IS NONE" in text, text)
    check("CANNOT BE WRITTEN" in text and "the folder \"%s/out\"" % box.folder in text, text)
    check("no run in this keyspace, this one included, executes node \"checked\"" in text, text)


@test
def a_stopped_run_is_not_planned_upon(box):
    box.write("s.json", nodes(box))
    box.run_well(box.path("s.json"))
    box.capi("stop", "--keyspace", "test", "--run", "1", "--data", box.path("state"))
    result = plan(box, "--start", "checked")
    check_equal(result.code, 1, "exit code")
    check(b"NOT TO BE READ" in result.out and b"which is stopped" in result.out, str(result))


@test
def programs_get_json(box):
    box.write("s.json", nodes(box))
    found = json.loads(plan(box, "--output", "json").out)
    check_equal([(node["name"], node["step"], node["batches"]) for node in found["nodes"]],
                [("read_items", 1, 2), ("read_products", 1, 1), ("priced", 2, 2)])
    check_equal(found["waits_for_operator"], ["checked"])
    check_equal(found["problems"], [])
    check_equal(found["nodes"][2]["reads_tables"][1],
                {"table": "products", "node": "read_products", "in_this_run": True, "index": "idx_products_sku",
                 "join": "left", "grouped": False})
    check_fails(plan(box, "--output", "csv"), 2, "table or json")


@test
def mistakes_come_first(box):
    broken = nodes(box)
    broken["nodes"]["checked"]["r"]["table"] = "priced_item"
    box.write("s.json", broken)
    result = plan(box)
    check_fails(result, 2, "priced_item")
    check_equal(result.out, b"", "standard output")
    box.write("s.json", nodes(box))
    check_fails(plan(box, "--start", "nobody"), 2, "nobody")


@test
def many_files_are_summed_up(box):
    names = [box.write("in%04d.csv" % i, "id\n%d\n" % i) for i in range(1000)]
    box.write("s.json", script(read=csv_reader(names, {"id": "int"}, "t"),
                               write=csv_writer("t", {"id": "int"}, box.path("out/{batch_idx|string}.csv"), batches=300)))
    for i in range(100):
        box.write("out/%05d.csv" % i, "")
    text = plan(box).out.decode()
    check("and 994 more: 1000 files, 6.9 kB" in text, text)
    check("and 294 more: 300 files, 100 are OVERWRITTEN" in text, text)


main()
