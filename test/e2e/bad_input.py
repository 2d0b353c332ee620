#!/usr/bin/env python3
"""Input that is wrong: a message that names the place, the right exit code, nothing half done and nothing left behind.

Exit code 1: the run failed because of the data or the machine; 2: the script or the command line is wrong."""
import os
import resource
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, mount_small, script, test

COLUMNS = {"id": "int", "name": "string"}


def copy_script(box, source, columns=None, target="out/result.csv", **settings):
    """A script that copies a CSV file through a table into another CSV file; its path."""
    columns = columns or COLUMNS
    kinds = {name: kind[0] if isinstance(kind, tuple) else kind for name, kind in columns.items()}
    return box.write("copy.json", script(read=csv_reader([source], columns, "copied", **settings),
                                         write=csv_writer("copied", kinds, box.path(target))))


def check_left_nothing(box):
    check_equal(box.out_files(), [], "what lies in the output folder")
    for folder, _, names in os.walk(box.path("state")):
        for name in names:
            check(not name.endswith(".tmp"), "a temporary file was left behind: %s/%s" % (folder, name))


def fails_with_data(box, content, *words, columns=None, **settings):
    source = box.write("in.csv", content)
    result = box.run(copy_script(box, source, columns, **settings))
    check_fails(result, 1, *words)
    check_left_nothing(box)


def passes_with_data(box, content, expected, columns=None, **settings):
    source = box.write("in.csv", content)
    box.run_well(copy_script(box, source, columns, **settings))
    check_equal(box.read("out", "result.csv"), expected, "result.csv")
    check_equal(box.out_files(), ["result.csv"], "what lies in the output folder")


# ---- files ----

@test
def a_missing_input_file_is_named(box):
    check_fails(box.run(copy_script(box, box.path("no_such.csv"))), 1, "no_such.csv", "No such file", "read")
    check_left_nothing(box)


@test
def a_directory_is_no_input_file(box):
    os.mkdir(box.path("folder.csv"))
    check_fails(box.run(copy_script(box, box.path("folder.csv"))), 1, "folder.csv", "directory")
    check_left_nothing(box)


@test
def a_device_or_a_pipe_is_no_input_file(box):
    check_fails(box.run(copy_script(box, "/dev/zero")), 1, "/dev/zero", "device")
    os.mkfifo(box.path("pipe.csv"))
    check_fails(box.run(copy_script(box, box.path("pipe.csv")), timeout=60), 1, "pipe.csv", "pipe")
    check_left_nothing(box)


@test
def an_unreadable_input_file_is_named(box):
    if os.geteuid() == 0:
        raise Skip("root can read everything")
    source = box.write("secret.csv", "id,name\n1,a\n")
    os.chmod(source, 0)
    check_fails(box.run(copy_script(box, source)), 1, "secret.csv", "Permission denied")
    check_left_nothing(box)


@test
def an_empty_file_has_no_rows(box):
    passes_with_data(box, "", b"id,name\r\n")


@test
def a_file_of_a_header_alone_has_no_rows(box):
    passes_with_data(box, "id,name\n", b"id,name\r\n")


@test
def a_file_without_the_header_line_fails(box):
    fails_with_data(box, "1,a\n2,b\n", "in.csv", "id")


@test
def a_file_that_ends_before_its_header_line_fails(box):
    fails_with_data(box, "1,a\n2,b\n", "in.csv", hdr_line_idx=5, first_data_line_idx=6)


# ---- records and fields ----

@test
def a_row_with_another_number_of_fields_is_named_by_file_and_line(box):
    fails_with_data(box, "id,name\n1,a\n2,b,c\n3,d\n", "in.csv", "2", "3")
    fails_with_data(box, "id,name\n1,a\n2\n3,d\n", "in.csv")


@test
def a_quote_that_never_ends_takes_the_rest_of_the_file(box):
    passes_with_data(box, 'id,name\n1,"a\n2,b\n', b'id,name\r\n1,"a\n2,b\n"\n')


@test
def a_quote_in_the_middle_of_a_field_is_data(box):
    passes_with_data(box, 'id,name\n1,a"b"c\n2,"a"b"\n', b'id,name\r\n1,a"b"c\n2,a"b\n')


@test
def a_number_that_is_none_is_shown_with_its_place(box):
    fails_with_data(box, "id,name\n1,a\nseven,b\n", "in.csv", "seven", "id")


@test
def numbers_out_of_range_are_refused(box):
    fails_with_data(box, "id,name\n9223372036854775808,a\n", "in.csv", "9223372036854775808")
    passes_with_data(box, "id,name\n-9223372036854775808,a\n", b"id,name\r\n-9223372036854775808,a\n")


@test
def decimals_out_of_range_are_refused(box):
    columns = {"d": "decimal2", "x": "int"}
    fails_with_data(box, "d,x\n92233720368547758.08,1\n", "in.csv", "92233720368547758.08", columns=columns)
    fails_with_data(box, "d,x\n1e30,1\n", "in.csv", "out of range", columns=columns)


@test
def floats_out_of_range_are_refused(box):
    fails_with_data(box, "f,x\n1e400,1\n", "1e400", columns={"f": "float", "x": "int"})


@test
def a_datetime_that_does_not_fit_its_layout_is_shown(box):
    fails_with_data(box, "t,x\n2024-02-30 00:00:00,1\n", "in.csv", "2024-02-30 00:00:00",
                    columns={"t": ("datetime", "2006-01-02 15:04:05"), "x": "int"})


@test
def bytes_that_are_no_utf8_pass_or_are_named_but_never_change(box):
    content = b"id,name\n1,\xff\xfeabc\xc3\n"
    result = box.run(copy_script(box, box.write("in.csv", content)))
    if result.code == 0:
        check_equal(box.read("out", "result.csv"), b"id,name\r\n1,\xff\xfeabc\xc3\n", "result.csv")
    else:
        check_fails(result, 1, "in.csv", "UTF-8")
        check_left_nothing(box)


@test
def nul_bytes_pass_or_are_named_but_never_change(box):
    content = b"id,name\n1,a\0b\n"
    result = box.run(copy_script(box, box.write("in.csv", content)))
    if result.code == 0:
        check_equal(box.read("out", "result.csv"), b"id,name\r\n1,a\0b\n", "result.csv")
    else:
        check_fails(result, 1, "in.csv")
        check_left_nothing(box)
    fails_with_data(box, b"id,name\n1\0,a\n", "in.csv", "id")


@test
def a_field_of_100_megabytes_passes_or_is_refused_cleanly(box):
    field = b"x" * (100 << 20)
    result = box.run(copy_script(box, box.write("in.csv", b'id,name\n1,"' + field + b'"\n2,b\n')))
    if result.code == 0:
        check(box.read("out", "result.csv") == b"id,name\r\n1," + field + b"\n2,b\n", "result.csv is not the input")
    else:
        check_fails(result, 1, "in.csv")
        check_left_nothing(box)


@test
def many_columns_pass(box):
    names = ["c%d" % i for i in range(2000)]
    content = ",".join(names) + "\n" + ",".join(str(i) for i in range(2000)) + "\n"
    passes_with_data(box, content, b"c1999,c0\r\n1999,0\n", columns={"c1999": "int", "c0": "int"})


@test
def a_unique_index_names_what_comes_twice(box):
    fails_with_data(box, "id,name\n1,a\n2,b\n1,c\n", "idx_twice", indexes={"idx_twice_to_check_uniq": "unique(id)"})


@test
def a_division_by_zero_names_field_node_and_values(box):
    source = box.write("in.csv", "id,name\n1,a\n0,b\n")
    pipeline = script(read=csv_reader([source], COLUMNS, "copied"),
                      divide={"type": "table_table", "r": {"table": "copied"},
                              "w": {"name": "divided", "fields": {"q": {"expression": "10 / r.id", "type": "int"}}}},
                      write=csv_writer("divided", {"q": "int"}, box.path("out/result.csv")))
    check_fails(box.run(box.write("s.json", pipeline)), 1, "divide", "zero", "10 / r.id")
    check_left_nothing(box)


# ---- scripts ----

def check_script_fails(box, name, content, *words):
    path = box.write(name, content)
    check_fails(box.capi("validate", path, timeout=120), 2, *words)
    check_fails(box.run(path, timeout=120), 2, *words)
    check_left_nothing(box)


@test
def a_missing_script_is_named(box):
    check_fails(box.capi("validate", box.path("no.yaml")), 2, "no.yaml")
    check_fails(box.run(box.path("no.yaml")), 2, "no.yaml")


@test
def a_script_that_is_neither_json_nor_yaml_is_refused(box):
    check_script_fails(box, "script.txt", "nodes:\n", "script.txt")


@test
def broken_json_and_yaml_are_shown_where_they_break(box):
    check_script_fails(box, "a.json", '{"nodes": {"a": {"type": }}}', "a.json:1:")
    check_script_fails(box, "a.json", '{"nodes": {}} x', "a.json")
    check_script_fails(box, "a.yaml", "nodes:\n  a: [1, 2\n  b: 3\n", "a.yaml:")
    check_script_fails(box, "a.yaml", "nodes: {}\nnodes: {}\n", "a.yaml", "nodes")
    check_script_fails(box, "a.json", "", "a.json")
    check_script_fails(box, "a.json", b"\xff\xfe\x00", "a.json")
    check_script_fails(box, "a.yaml", b"nodes: \"\xff\"\n", "a.yaml")
    check_script_fails(box, "a.json", b'{"nodes": {"a\0b": {}}}', "a.json")


@test
def deep_nesting_is_refused(box):
    depth = 200000
    check_script_fails(box, "deep.json", '{"nodes":' + "[" * depth + "]" * depth + "}", "deep.json")
    check_script_fails(box, "deep.yaml", "nodes: " + "[" * depth + "]" * depth + "\n", "deep.yaml")
    check_script_fails(box, "deep.yaml", "".join(" " * i + "a:\n" for i in range(3000)), "deep.yaml")


@test
def alias_bombs_are_refused(box):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 30):
        lines.append("a%d: &a%d [%s]" % (i, i, ", ".join(["*a%d" % (i - 1)] * 10)))
    check_script_fails(box, "bomb.yaml", "\n".join(lines) + "\nnodes: {}\n", "bomb.yaml")


@test
def an_alias_that_holds_itself_is_refused(box):
    check_script_fails(box, "self.yaml", "nodes: &a\n  x: *a\n", "self.yaml")


@test
def deeply_nested_expressions_are_refused(box):
    source = box.write("in.csv", "id,name\n1,a\n")
    for expression in ("(" * 100000 + "1" + ")" * 100000, "-" * 1 + "- " * 50000 + "1", "1" + "+1" * 100000,
                       "int(" * 50000 + "1" + ")" * 50000):
        node = csv_reader([source], COLUMNS, "copied")
        node["w"]["fields"]["deep"] = {"expression": expression, "type": "int"}
        check_script_fails(box, "s.json", script(read=node), "s.json")


@test
def a_cycle_of_nodes_is_named(box):
    def node(source, target):
        return {"type": "table_table", "r": {"table": source},
                "w": {"name": target, "fields": {"a": {"expression": "1", "type": "int"}}}}
    check_script_fails(box, "s.json", script(first=node("t2", "t1"), second=node("t1", "t2")), "first", "second")


@test
def a_table_that_nobody_makes_is_named_with_the_nearest_name(box):
    source = box.write("in.csv", "id,name\n1,a\n")
    pipeline = script(read=csv_reader([source], COLUMNS, "copied"),
                      write=csv_writer("copied_", {"id": "int"}, box.path("out/result.csv")))
    check_script_fails(box, "s.json", pipeline, "copied_", "copied")


@test
def all_mistakes_of_a_script_are_told_at_once(box):
    node = csv_reader([box.path("in.csv")], COLUMNS, "copied")
    node["w"]["fields"]["a"] = {"expression": "r.c_idd + 1", "type": "int"}
    node["w"]["fields"]["b"] = {"expression": "r.c_name + 1", "type": "int"}
    node["w"]["fields"]["c"] = {"expression": "1 +", "type": "int"}
    node["w"]["fields"]["d"] = {"expression": "1", "type": "integer"}
    path = box.write("s.json", script(read=node))
    check_fails(box.capi("validate", path), 2, "c_idd", "r.c_name + 1", "1 +", "integer")


@test
def parameters_that_are_wrong_are_named(box):
    good = copy_script(box, box.write("in.csv", "id,name\n1,a\n"))
    check_fails(box.run(good, "--params", box.path("no.json")), 2, "no.json")
    check_fails(box.run(good, "--params", box.write("p.json", "[1]")), 2, "p.json")
    check_fails(box.run(good, "--params", box.write("p.json", '{"x": null}')), 2, "x")
    missing = box.write("m.json", script(read=csv_reader(["{dir_inn}/in.csv"], COLUMNS, "copied")))
    check_fails(box.run(missing), 2, "dir_inn")


@test
def start_nodes_that_do_not_exist_are_named(box):
    good = copy_script(box, box.write("in.csv", "id,name\n1,a\n"))
    check_fails(box.run(good, "--start", "raed"), 2, "raed", "read")


# ---- outputs ----

@test
def a_target_folder_that_is_missing_is_named(box):
    source = box.write("in.csv", "id,name\n1,a\n")
    result = box.run(copy_script(box, source, target="nowhere/result.csv"))
    check(result.code in (1, 2), str(result))
    check_fails(result, result.code, "nowhere")
    check_left_nothing(box)


@test
def a_target_that_is_a_directory_stays_one(box):
    source = box.write("in.csv", "id,name\n1,a\n")
    os.mkdir(box.path("out", "result.csv"))
    result = box.run(copy_script(box, source))
    check(result.code in (1, 2), str(result))
    check_fails(result, result.code, "result.csv", "directory")
    check_equal(box.out_files(), ["result.csv"], "what lies in the output folder")


@test
def a_target_folder_that_cannot_be_written_is_named(box):
    if os.geteuid() == 0:
        raise Skip("root can write everywhere")
    source = box.write("in.csv", "id,name\n1,a\n")
    os.chmod(box.path("out"), stat.S_IRUSR | stat.S_IXUSR)
    result = box.run(copy_script(box, source))
    os.chmod(box.path("out"), 0o700)
    check(result.code in (1, 2), str(result))
    check_fails(result, result.code, "result.csv")
    check_left_nothing(box)


def large_input(box, rows=20000):
    return box.write("in.csv", "id,name\n" + "".join("%d,some name that takes room %d\n" % (i, i * 7919)
                                                     for i in range(rows)))


@test
def a_full_disk_under_the_output_leaves_the_old_file(box):
    path = copy_script(box, large_input(box), target="small/result.csv")
    if mount_small(box.path("small"), 256):
        try:
            box.write("small/result.csv", "old\n")
            result = box.run(path)
            check_equal(sorted(os.listdir(box.path("small"))), ["result.csv"], "what lies on the full disk")
            check_equal(box.read("small/result.csv"), b"old\n", "result.csv")
        finally:
            subprocess.run(["umount", box.path("small")])
    else:
        # No such disk to be had: a limit on the size of files fails at the same place. The tables are small enough.
        box.write("small/result.csv", "old\n")
        limit = 256 << 10
        result = box.run(path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        check_equal(sorted(os.listdir(box.path("small"))), ["result.csv"], "what lies beside the output")
    check_fails(result, 1)
    check(b"No space left on device" in result.err or b"File too large" in result.err, str(result))


@test
def a_full_disk_under_the_tables_is_an_ordinary_error(box):
    path = copy_script(box, large_input(box, 200000))
    if not mount_small(box.path("state"), 2048):
        raise Skip("cannot mount a small file system")
    try:
        result = box.run(path, timeout=60)
        check_fails(result, 1, "No space left on device")
        check_left_nothing(box)
    finally:
        subprocess.run(["umount", box.path("state")])


@test
def a_file_size_limit_is_an_ordinary_error(box):
    path = copy_script(box, large_input(box, 100000))
    limit = 1 << 20
    result = box.run(path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    check_fails(result, 1, "File too large")
    check_left_nothing(box)


@test
def a_failed_run_does_not_touch_the_output_of_the_run_before(box):
    path = copy_script(box, box.write("in.csv", "id,name\n1,a\n"))
    box.run_well(path)
    box.write("in.csv", "id,name\n1,a\nx,b\n")
    check_fails(box.run(path), 1, "in.csv")
    check_equal(box.read("out", "result.csv"), b"id,name\r\n1,a\n", "result.csv")
    check_equal(box.out_files(), ["result.csv"], "what lies in the output folder")


@test
def a_data_folder_that_is_a_file_is_refused(box):
    path = copy_script(box, box.write("in.csv", "id,name\n1,a\n"))
    box.write("state", "")
    result = box.run(path)
    check(result.code in (1, 2, 3), str(result))
    check_fails(result, result.code, "state")


# ---- names, stores and disks ----

def finished_run(box):
    path = copy_script(box, box.write("in.csv", "id,name\n1,a\n"))
    box.run_well(path)
    return path


def look(box, *arguments):
    return box.capi(*arguments, "--data", box.path("state"))


@test
def a_run_id_is_a_number_from_1_to_2147483647(box):
    finished_run(box)
    for command in (["nodes"], ["batches", "--node", "read"], ["watch"], ["stop"], ["drop"], ["resume"], ["table", "head", "copied"]):
        for run in ("0", "-1", "9999999999", "2147483648", "1e3", " 1", "0x1", "", "1,2", "one"):
            result = look(box, *command, "--keyspace", "test", "--run=" + run)
            check_fails(result, 2, "\"--run\" is \"%s\"" % run, "1 to 2147483647")
            check_equal(len(result.err.splitlines()), 1, str(result))
        check_fails(look(box, *command, "--keyspace", "test", "--run", "7"), 2, "no such run: 7", "it has run 1 alone")


@test
def what_is_not_there_is_told_with_the_store_and_the_nearest_name(box):
    finished_run(box)
    store = box.path("state", "state.db")
    for command in (["runs"], ["nodes"], ["batches", "--node", "read"], ["watch"], ["stop", "--run", "1"], ["drop"],
                    ["gc", "--runs-older-than", "1d"], ["resume", "--run", "1"], ["table", "head", "copied"]):
        check_fails(look(box, *command, "--keyspace", "tset"), 2, "unknown keyspace \"tset\"", store, "did you mean \"test\"?")
    check_fails(look(box, "batches", "--keyspace", "test", "--node", "raed"), 2, "run 1 of keyspace \"test\" has no node \"raed\"",
                "did you mean \"read\"?")


@test
def who_only_looks_makes_no_store(box):
    for command in (["runs"], ["nodes", "--keyspace", "test"], ["watch", "--keyspace", "test"], ["gc"],
                    ["drop", "--keyspace", "test"], ["table", "head", "copied", "--keyspace", "test"]):
        check_fails(look(box, *command), 2, "there is no store in", box.path("state"))
        check(not os.path.exists(box.path("state")), "%s made the data folder" % command)


def put_state(box, content):
    for suffix in ("-wal", "-shm"):
        if os.path.exists(box.path("state", "state.db" + suffix)):
            os.remove(box.path("state", "state.db" + suffix))
    box.write("state/state.db", content)


@test
def a_damaged_state_file_is_refused_and_stays_as_it_is(box):
    path = finished_run(box)
    with open(box.path("state", "state.db"), "rb") as file:
        good = file.read()
    random_bytes = bytes((i * 7919 + i // 13) % 251 for i in range(8192))
    for content in (random_bytes, good[:50], good[:100], good[:len(good) // 2], good[:100] + random_bytes * (len(good) // 8192 + 1),
                    b"SQLite format 3\0", b"x"):
        put_state(box, content)
        for result in (look(box, "runs"), box.run(path)):
            check_fails(result, 2, box.path("state", "state.db"))
        doctor = look(box, "doctor")
        check(doctor.code == 1 and b"wrong    store" in doctor.out, str(doctor))
        check_equal(box.read("state", "state.db"), content, "the damaged file")
    put_state(box, good)
    result = look(box, "runs")
    check(b"complete" in result.out, str(result))


@test
def flipped_pages_end_in_an_error_or_in_the_right_answer(box):
    path = finished_run(box)
    with open(box.path("state", "state.db"), "rb") as file:
        good = file.read()
    put_state(box, good)
    right = look(box, "nodes", "--keyspace", "test").out
    for page in range(len(good) // 4096):
        first = page * 4096 + (100 if page == 0 else 0)
        put_state(box, good[:first] + bytes(255 - byte for byte in good[first:page * 4096 + 4096]) + good[page * 4096 + 4096:])
        result = look(box, "nodes", "--keyspace", "test")
        if result.code == 0:
            check_equal(result.out, right, "the nodes, with page %d flipped" % page)
        else:
            check_fails(result, 2, "damaged", "state.db")
            doctor = look(box, "doctor")
            check(doctor.code == 1 and b"wrong    store" in doctor.out, "doctor sees no damage in page %d: %s" % (page, doctor))
        check(box.run(path).code in (0, 1, 2))


@test
def a_state_file_that_was_emptied_or_removed_does_not_forget_its_tables(box):
    path = finished_run(box)
    put_state(box, b"")
    for words in ("is empty", "is missing"):
        for result in (look(box, "runs"), box.run(path), look(box, "gc"), look(box, "daemon"), look(box, "drop", "--keyspace", "test")):
            check_fails(result, 2, words, "tables", "put it back from a copy")
        check_equal(len(os.listdir(box.path("state", "tables"))), 1, "folders of keyspaces")
        if words == "is empty":
            os.remove(box.path("state", "state.db"))
        check_equal(os.path.exists(box.path("state", "state.db")), False, "the state file is made anew")
    shutil.rmtree(box.path("state", "tables"))
    box.run_well(path)


@test
def a_read_only_data_folder_is_told(box):
    path = copy_script(box, box.write("in.csv", "id,name\n1,a\n"))
    if not mount_small(box.path("state"), 20480):
        raise Skip("cannot mount a small file system")
    try:
        box.run_well(path)
        subprocess.run(["mount", "-o", "remount,ro", box.path("state")], check=True)
        for result in (box.run(path), look(box, "runs"), look(box, "daemon")):
            check_fails(result, 2, "cannot work in the data folder", "Read-only file system")
        doctor = look(box, "doctor")
        check(doctor.code == 1 and b"cannot be written" in doctor.out, str(doctor))
    finally:
        subprocess.run(["umount", box.path("state")])


@test
def a_disk_that_is_full_at_the_first_opening_does_no_lasting_harm(box):
    path = copy_script(box, box.write("in.csv", "id,name\n1,a\n"))
    for kilobytes in (8, 16, 24, 40, 64, 100):
        if not mount_small(box.path("state"), kilobytes):
            raise Skip("cannot mount a small file system")
        try:
            check_fails(box.run(path), 1, "No space left on device", "state.db")
            subprocess.run(["mount", "-o", "remount,size=20m", box.path("state")], check=True)
            box.run_well(path)
        finally:
            subprocess.run(["umount", box.path("state")])


main()
