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


@test
def not_all_of_a_million_files_are_looked_at(box):
    box.write("s.json", script(read=csv_reader([box.write("in.csv", "id\n1\n")], {"id": "int"}, "t"),
                               write=csv_writer("t", {"id": "int"}, box.path("out/{batch_idx|string}.csv"), batches=1000000)))
    box.write("out/00007.csv", "")
    text = plan(box).out.decode()
    check("and 999994 more: 1000000 files; of the first 100000, 1 is OVERWRITTEN\n" in text, text)


@test
def names_of_files_do_not_command_the_terminal(box):
    hostile = box.path("a\x1b[31m\nb\x7f\u009b2J.csv")
    box.write("s.json", script(read=csv_reader([hostile], {"id": "int"}, "t"),
                               write=csv_writer("t", {"id": "int"}, box.path("out/\x1b[2J.csv"))))
    result = plan(box)
    check_equal(result.code, 1, "exit code")
    check(not any(bad in result.out for bad in (b"\x1b", b"\x7f", b"\xc2\x9b", b"\nb")), str(result))
    check("/a [31m b  2J.csv, MISSING\n" in result.out.decode(), str(result))
    found = json.loads(plan(box, "--output", "json").out)
    check_equal(found["nodes"][0]["reads_files"][0]["url"], hostile)


@test
def what_a_run_refuses_at_once_a_plan_refuses_too(box):
    path = box.write("s.json", nodes(box))
    for words in (["--keyspace", "../x"], ["--keyspace", "system"], ["--data", path], ["--start", ","], ["--start", "nobody"]):
        words = words + ["--data", box.path("none")] if "--data" not in words else words
        real, planned = box.capi("run", path, *words), box.capi("run", path, "--dry-run", *words)
        check_equal((planned.code, planned.out), (real.code, b""), str(words))
        check_equal(planned.err.split(b"\n")[0], real.err.split(b"\n")[0], str(words))
    path = box.write("m.json", script(read=dict(csv_reader([box.write("in.csv", "id\n1\n")], {"id": "int"}, "t"),
                                                start_policy="manual")))
    real, planned = box.capi("run", path, "--data", box.path("none")), box.capi("run", path, "--dry-run", "--data", box.path("none"))
    check_equal((planned.code, planned.err), (real.code, real.err), "only manual nodes")
    check_equal(box.capi("run", path, "--dry-run", "--start", "read", "--data", box.path("none2")).code, 0, "started by hand")
    check(not os.path.exists(box.path("none2")), "the data folder was made")


@test
def nodes_of_one_run_do_not_get_in_each_others_files(box):
    out = box.path("out", "same.csv")
    write = csv_writer("things", {"id": "int"}, out)
    read = csv_reader([box.write("in.csv", "id\n1\n")], {"id": "int"}, "things")
    other_way = csv_writer("things", {"id": "int"}, os.path.join(box.path("out"), "..", "out", "same.csv"))
    box.write("s.json", script(read=read, write=write, again=other_way))
    for words in (["validate", "--plan"], ["run"], ["start"]):
        result = box.capi(*words, box.path("s.json"), "--data", box.path("state"), "--keyspace", "test")
        check_fails(result, 2, "nodes \"again\" and \"write\" of one run would both write \"%s\"" % out)
    check(not os.path.exists(box.path("state", "state.db")) or b"test" not in box.capi("runs", "--data", box.path("state")).out)
    box.write("s.json", script(read=read, write=write, again=dict(other_way, start_policy="manual")))
    check_equal(plan(box).code, 0)
    box.run_well(box.path("s.json"))
    box.run_well(box.path("s.json"), "--start", "again")
    box.write("s.json", script(read=read, write=write, back=csv_reader([out], {"id": "int"}, "back")))
    check_fails(plan(box), 2, "node \"write\" would write \"%s\", which node \"back\" of the same run reads" % out)
    result = box.run(box.path("s.json"))
    box.write("w.json", script(read=read, write=write, back=csv_reader([box.path("out", "*.csv")], {"id": "int"}, "back")))
    for words in (["validate", "--plan"], ["run"]):
        looked_up = box.capi(*words, box.path("w.json"), "--data", box.path("state"), "--keyspace", "test")
        check_fails(looked_up, 2, "node \"write\" would write \"%s\", which node \"back\" of the same run reads" % out)
    check_fails(result, 2, "before or after", "warning: node \"back\" reads this file, before or after it is written", "[Q29]")


@test
def a_file_may_be_replaced_with_what_was_made_of_it(box):
    path = box.write("in.csv", "id\n3\n1\n2\n")
    box.write("s.json", script(read=csv_reader([path], {"id": "int"}, "things"),
                               write=csv_writer("things", {"id": "int"}, path, top={"order": "id"})))
    check_equal(plan(box).code, 0)
    result = box.run_well(box.path("s.json"))
    check(b"warning: node \"read\" reads this file: the next run will read what this one has written" in result.err, str(result))
    check_equal(box.read("in.csv").split(), b"id 1 2 3".split())


@test
def files_that_are_no_files_are_told(box):
    os.mkdir(box.path("folder.csv"))
    os.symlink("nowhere", box.path("link.csv"))
    os.mkfifo(box.path("pipe.csv"))
    with open(box.path("big.csv"), "wb") as big:
        big.truncate(5 * 10**12)
    box.write("s.json", script(read=csv_reader([box.path(name + ".csv") for name in ("folder", "link", "pipe", "big")],
                                               {"id": "int"}, "t"),
                               write=csv_writer("t", {"id": "int"}, box.path("folder.csv")),
                               write_big=csv_writer("t", {"id": "int"}, box.path("big.csv"))))
    result = plan(box)
    check_equal(result.code, 1, "exit code")
    text = result.out.decode().replace(box.folder + "/", "")
    for line in ("reads    file folder.csv, CANNOT BE READ", "reads    file link.csv, MISSING", "reads    file pipe.csv, CANNOT BE READ",
                 "reads    file big.csv, 5.0 TB", "writes   file folder.csv, CANNOT BE WRITTEN", "writes   file big.csv, OVERWRITES 5.0 TB",
                 'node "read": input file "folder.csv" is no regular file'):
        check(line + "\n" in text, "%s is not in\n%s" % (line, text))


SEVERAL = """run 1 of keyspace "test" from read_b,read_a: 4 of 4 nodes

step 1
  read_a, file_table
    reads    file {0}/a_17.csv, 5 B
    writes   table a: 1 field; indexes idx_a_one (unique), idx_a_two
    batches  1, one for each file
  read_b, file_table, manual
    reads    file {0}/b.csv, 5 B
    writes   table b: 1 field
    batches  1, one for each file

step 2
  joined, table_lookup_table
    reads    table b of this run (node read_b)
    looks up table a of this run (node read_a), by index idx_a_two, inner join, grouped
    writes   table joined_b: 1 field
    batches  3
    policy   current_active_first_stopped_nogo

step 3
  write, table_file
    reads    table joined_b of this run (node joined)
    writes   file {0}/out/17_00001_00000.csv
    writes   file {0}/out/17_00001_00001.csv
    batches  2, one file each
    policy   current_active_first_stopped_nogo
"""


@test
def several_start_nodes_and_parameters_are_planned(box):
    box.write("a_17.csv", "x\n1\n\n")
    box.write("b.csv", "x\n2\n\n")
    reader = csv_reader([box.path("a_{day}.csv")], {"x": "int"}, "a", indexes={"idx_a_one": "unique(x)", "idx_a_two": "non_unique(x)"})
    box.write("s.json", script(
        read_a=reader,
        read_b=dict(csv_reader([box.path("b.csv")], {"x": "int"}, "b"), start_policy="manual"),
        joined={"type": "table_lookup_table", "r": {"table": "b", "expected_batches_total": "{lookups|number}"},
                "l": {"index_name": "idx_a_two", "join_on": "r.x", "group": True, "join_type": "inner"},
                "w": {"name": "joined_b", "fields": {"n": {"expression": "count()", "type": "int"}}}},
        write=csv_writer("joined_b", {"n": "int"}, box.path("out/{day}_{run_id|string}_{batch_idx|string}.csv"), batches=2)))
    box.write("p.json", {"day": "17", "lookups": 3})
    result = plan(box, "--params", box.path("p.json"), "--start", "read_b,read_a")
    check_equal(result.code, 0, str(result))
    check_equal(result.out.decode(), SEVERAL.format(box.folder))
    check_fails(plan(box, "--start", "read_b,read_a"), 2, "day")


@test
def the_next_run_is_numbered_after_all_that_ever_were(box):
    box.write("s.json", nodes(box))
    box.run_well(box.path("s.json"))
    box.run_well(box.path("s.json"))
    check(b"run 3 of keyspace" in plan(box).out)
    for run in ("2", "1"):
        dropped = box.capi("drop", "--keyspace", "test", "--run", run, "--data", box.path("state"))
        check_equal(dropped.code, 0, str(dropped))
        check(b"run 3 of keyspace" in plan(box).out)


def contents(folder):
    found = {}
    for path, _, names in os.walk(folder):
        found[path] = sorted(names)
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                found[os.path.join(path, name)] = file.read()
    return found


@test
def a_plan_leaves_the_state_as_it_is(box):
    box.write("s.json", nodes(box))
    box.run_well(box.path("s.json"))
    before = contents(box.folder)
    for words in ([], ["--start", "checked"], ["--start", "write"], ["--keyspace", "other"], ["--output", "json"]):
        plan(box, *words)
        now = contents(box.folder)
        check_equal([path for path in {**before, **now} if before.get(path) != now.get(path)], [], "changed by %s" % words)


main()
