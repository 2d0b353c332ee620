#!/usr/bin/env python3
"""capitoolbelt: flags, outputs and exit codes of the reference on the embedded store; watch, gc, drop and doctor beside it."""
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from servers import HttpServer
from harness import BINARY, Result, Skip, check, check_equal, check_fails, csv_reader, csv_writer, main, script, test

TOOLBELT = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capitoolbelt")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000"


def environment(box, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAPI_")}
    return dict(dict(kept, CAPI_DATA=box.path("state")), **more)


def tool(box, *arguments, env=None, cwd=None):
    done = subprocess.run([TOOLBELT] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=cwd or box.folder, env=env or environment(box), timeout=120)
    return Result(done.returncode, done.stdout, done.stderr)


def well(result):
    check(result.code == 0, str(result))
    return result.out.decode()


def small_script(box, is_manual=False):
    box.write("in.csv", "id,name\n0,n0\n1,n1\n2,n2\n")
    write = csv_writer("things", {"id": "int", "name": "string"}, box.path("out", "o.csv"), top={"order": "id"})
    if is_manual:
        write["start_policy"] = "manual"
    return box.write("s.json", script(
        read=csv_reader([box.path("in.csv")], {"id": "int", "name": "string"}, "things", indexes={"idx_things": "unique(id)"}),
        write=write))


@test
def usage_and_unknown_commands(box):
    result = tool(box)
    check_equal(result.code, 0)
    for command in ("validate_script", "start_run", "stop_run", "exec_node", "get_run_history", "get_node_history",
                    "get_batch_history", "get_run_status_diagram", "drop_keyspace", "get_table_cql",
                    "proto_file_reader_creator", "check_db_connectivity", "check_queue_connectivity"):
        check(command.encode() in result.out, command)
    result = tool(box, "strat_run")
    check(result.code == 1 and b"strat_run" in result.out and b"start_run" in result.out, str(result))


@test
def wrong_flags_are_exit_code_2_and_help_is_0(box):
    result = tool(box, "get_run_history", "-keyspaec=x")
    check_fails(result, 2, "unknown flag \"-keyspaec\"", "did you mean \"-keyspace\"?", "  -keyspace NAME")
    check(b"capillaries" not in result.err and b"--" not in result.err, str(result))
    check_fails(tool(box, "get_run_history", "-keyspace"), 2, "flag \"-keyspace\" needs a value: -keyspace NAME")
    check_fails(tool(box, "exec_node", "-run_id=one"), 2, "one")
    check_fails(tool(box, "validate_script"), 2, "script_file")
    result = tool(box, "get_run_history", "-h", env=dict(environment(box), CAPI_LOG_LEVEL="nonsense"))
    check(result.code == 0 and b"  -keyspace NAME" in result.err and result.out == b"", str(result))
    check_equal(tool(box, "-h").out, tool(box).out)
    check_fails(tool(box, "validate_script"), 2, "  -script_file FILE")


@test
def a_missing_configuration_names_both_places(box):
    env = environment(box)
    del env["CAPI_DATA"]
    check_fails(tool(box, "check_db_connectivity", env=env), 1, "capitoolbelt.json", os.path.dirname(os.path.realpath(TOOLBELT)),
                box.folder)
    box.write("capitoolbelt.json", {"store": {"type": "embedded"}, "comment": 1})
    check_equal(well(tool(box, "check_db_connectivity", env=env)), "OK: [%s]\n" % os.path.realpath(box.path("capillaries_data")))
    box.write("capitoolbelt.json", "{\"log\": ")
    check_fails(tool(box, "check_db_connectivity", env=env), 1, "capitoolbelt.json", "line 1")
    box.write("capitoolbelt.json", {"cassandra": {"hosts": ["127.0.0.1"]}})
    check_fails(tool(box, "check_db_connectivity", env=env), 1, "cassandra.hosts", "embedded")
    check_fails(tool(box, "check_db_connectivity", env=environment(box, CAPI_THREAD_POOL_SIZE="x")), 1, "CAPI_THREAD_POOL_SIZE")


@test
def checking_the_store_makes_nothing(box):
    result = tool(box, "check_db_connectivity")
    check(result.code == 0 and b"no store yet" in result.err, str(result))
    check(not os.path.exists(box.path("state")), "the data folder was made")
    well(tool(box, "exec_node", "-keyspace=shop", "-script_file=" + small_script(box), "-node_id=read"))
    result = tool(box, "check_db_connectivity")
    check(result.code == 0 and result.err == b"" and result.out.decode() == "OK: [%s]\n" % box.path("state"), str(result))
    box.write("file", "")
    check_fails(tool(box, "check_db_connectivity", env=environment(box, CAPI_DATA=box.path("file"))), 1,
                "\"%s\" is a file, expected a folder" % box.path("file"))


@test
def what_is_wrong_in_the_environment_is_not_blamed_on_the_file(box):
    box.write("capitoolbelt.json", {"log": {"level": "info"}})
    result = tool(box, "check_db_connectivity", env=environment(box, CAPI_LOG_LEVEL="loud"))
    check_fails(result, 1, "environment variable CAPI_LOG_LEVEL is \"loud\"")
    check(b"capitoolbelt.json" not in result.err, str(result))


@test
def the_queue_is_checked_by_its_type(box):
    check(well(tool(box, "check_queue_connectivity")).startswith("OK: "))
    check_fails(tool(box, "check_queue_connectivity", env=environment(box, CAPI_MQ_TYPE="amqp10", CAPI_AMQP10_RETRY_METHOD="release")),
                1, "amqp10")


@test
def nodes_are_executed_one_by_one_and_the_history_tells(box):
    path = small_script(box)
    common = ["-keyspace=shop", "-script_file=" + path]
    out = well(tool(box, "exec_node", "-node_id", "read", *common))
    check(re.fullmatch(r"run 1, elapsed [0-9.hms]+\n", out), out)
    well(tool(box, "exec_node", "--node_id=write", *common))
    check_equal(box.read("out", "o.csv").replace(b"\r", b""), b"id,name\n0,n0\n1,n1\n2,n2\n")
    lines = well(tool(box, "get_run_history", "-keyspace=shop")).split("\n")
    check_equal(lines[0], "ts,run_id,status,comment")
    check(re.fullmatch(TIME + r",1,1,Toolbelt RunNode\(read\)", lines[1]), lines)
    check(re.fullmatch(TIME + r",1,2,Toolbelt RunNode\(read\); run successful", lines[2]), lines)
    lines = well(tool(box, "get_node_history", "-keyspace=shop", "-run_ids=2")).split("\n")
    check_equal(lines[0], "ts,run_id,script_node,status,comment")
    check(re.fullmatch(TIME + ",2,write,1,marked started by batch 0 / 1", lines[1]) and re.fullmatch(TIME + ",2,write,2,.*", lines[2]), lines)
    lines = well(tool(box, "get_batch_history", "-keyspace=shop", "-run_id= 1", "-node=read")).split("\n")
    check_equal(lines[0], "ts,run_id,script_node,batch_idx,batches_total,status,first_token,last_token,comment")
    check(re.fullmatch(TIME + ",1,read,0,1,2,0,0,inserter_elapsed: .*", lines[2]), lines)
    old = well(tool(box, "get_batch_history", "-keyspace=shop", "-run_ids=1", "-nodes=read"))
    check_equal(old, "\n".join(lines))
    check(len(well(tool(box, "get_batch_history", "-keyspace=shop", "-run_ids=")).split("\n")) == 6)


@test
def exec_node_says_what_fails(box):
    path = small_script(box)
    common = ["-keyspace=shop", "-script_file=" + path]
    check_fails(tool(box, "exec_node", "-node_id=nothing", *common), 1, "nothing")
    check_fails(tool(box, "exec_node", "-node_id=write", *common), 1, "things")
    box.write("in.csv", "id,name\nx,y\n")
    check_fails(tool(box, "exec_node", "-node_id=read", *common), 1, "in.csv", "id")
    check("\"read\":\"fail\"" in well(tool(box, "get_run_history", "-keyspace=shop")))
    check_fails(tool(box, "exec_node", "-node_id=read", "-run_id=2", *common), 1, "complete")
    check_fails(tool(box, "exec_node", "-node_id=read", "-run_id=0x80000000", *common), 1, "2147483648", "2147483647")


@test
def exec_node_does_not_wait(box):
    path = small_script(box, is_manual=True)
    well(tool(box, "start_run", "-keyspace=shop", "-script_file=" + path, "-start_nodes=read"))
    check_fails(tool(box, "exec_node", "-keyspace=shop", "-script_file=" + path, "-node_id=write"), 1, "waits for", "things")
    runs = well(tool(box, "get_run_history", "-keyspace=shop"))
    check(re.search(TIME + ",2,1,", runs) and not re.search(",2,3,", runs), runs)


@test
def daemons_do_not_touch_direct_runs_and_finish_started_ones(box):
    path = small_script(box)
    check_equal(well(tool(box, "start_run", "-keyspace=shop", "-script_file=" + path, "-start_nodes=read,,")), "1\n")
    check_fails(tool(box, "start_run", "-keyspace=shop", "-script_file=" + path, "-start_nodes=,"), 1, "start_nodes")
    check_fails(tool(box, "start_run", "-keyspace=shop", "-script_file=" + path, "-start_nodes=read,raed"), 1, "raed")
    check_fails(tool(box, "start_run", "-keyspace=fresh", "-script_file=" + path, "-start_nodes=raed"), 1, "raed")
    check_fails(tool(box, "get_run_history", "-keyspace=fresh"), 1, "unknown keyspace")
    daemon = subprocess.Popen([BINARY, "daemon", "--data", box.path("state")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        watched = box.capi("watch", "--keyspace", "shop", "--data", box.path("state"))
        check(watched.code == 0 and b"complete" in watched.err, str(watched))
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=60)
    runs = well(tool(box, "get_run_history", "-keyspace=shop"))
    check("api.StartRun" in runs and "{\"read\":\"success\";\"write\":\"success\"}" in runs, runs)


@test
def a_run_is_stopped_once_and_an_unknown_one_is_refused(box):
    path = small_script(box)
    well(tool(box, "start_run", "-keyspace=shop", "-script_file=" + path, "-start_nodes=read"))
    check_equal(well(tool(box, "stop_run", "-keyspace=shop", "-run_id=1")), "")
    runs = well(tool(box, "get_run_history", "-keyspace=shop"))
    check(re.search(TIME + ",1,3,stopped by toolbelt\n", runs), runs)
    check_fails(tool(box, "stop_run", "-keyspace=shop", "-run_id=7"), 1, "7")
    check_fails(tool(box, "stop_run", "-keyspace=shop", "-run_id="), 1, "run_id")
    check_fails(tool(box, "stop_run", "-keyspace=shop", "-run_id=40000"), 1, "40000")
    result = box.capi("watch", "--keyspace", "shop", "--data", box.path("state"))
    check_fails(result, 1, "stopped")


@test
def dropping_succeeds_also_when_there_is_nothing(box):
    path = small_script(box)
    check_equal(well(tool(box, "drop_keyspace", "-keyspace=shop")), "")
    well(tool(box, "exec_node", "-keyspace=shop", "-script_file=" + path, "-node_id=read"))
    well(tool(box, "drop_keyspace", "-keyspace=shop"))
    check_fails(tool(box, "get_run_history", "-keyspace=shop"), 1, "shop")
    check_equal(os.listdir(box.path("state", "tables")), [])


@test
def names_are_checked_everywhere_before_anything_is_made(box):
    path = small_script(box)
    for command in ("start_run", "stop_run", "exec_node", "get_run_history", "get_node_history", "get_batch_history",
                    "drop_keyspace"):
        for name in ("", "a-b", "system_x", "a b", "9x", "_x", "SYSTEM", "x" * 49):
            flags = ["-script_file=" + path, "-node_id=read"] if command == "exec_node" else []
            flags = ["-script_file=" + path, "-start_nodes=read"] if command == "start_run" else flags
            check_fails(tool(box, command, "-keyspace=" + name, *flags), 1, "keyspace name")
    check(not os.path.exists(box.path("state")), "the data folder was made")


@test
def a_script_is_validated_and_drawn(box):
    path = small_script(box)
    svg = well(tool(box, "validate_script", "-script_file=" + path))
    check("<svg" in svg and "idx_things" not in svg.split("<svg")[0], svg)
    dot = well(tool(box, "validate_script", "-script_file=" + path, "-format=dot", "-detail=idx"))
    check("digraph idx_fields {" in dot and "things (no parallelism)" in dot, dot)
    check_equal(well(tool(box, "validate_script", "-script_file=" + path, "-idx_dag=true")), dot)
    box.write("s.json", {"nodes": {"read": {"type": "file_tabel"}}})
    check_fails(tool(box, "validate_script", "-script_file=" + path), 1, "file_tabel")
    check_fails(tool(box, "validate_script", "-script_file=" + box.path("none.json")), 1, "none.json")


@test
def a_diagram_shows_the_status_of_a_run(box):
    path = small_script(box)
    common = ["-keyspace=shop", "-script_file=" + path]
    well(tool(box, "exec_node", "-node_id=read", *common))
    svg = well(tool(box, "get_run_status_diagram", "-run_id=1", *common))
    check("4CCC93" in svg.upper(), svg)
    dot = well(tool(box, "get_run_status_diagram", "-run_id=1", "-format=dot", *common))
    check("fillcolor=\"green\"" in dot and "fillcolor=\"white\"" in dot, dot)
    check_equal(well(tool(box, "drop_run_status_diagram", "-run_id=1", *common)), dot)
    check_fails(tool(box, "get_run_status_diagram", "-run_id=2", *common), 1, "2")


@test
def tables_are_told_as_cql(box):
    path = small_script(box)
    common = ["-keyspace=shop", "-script_file=" + path]
    cql = well(tool(box, "get_table_cql", "-run_id=1", "-start_nodes=read", *common)).split("\n")
    check_equal(cql[0], "-- Workflow")
    check_equal(len([line for line in cql if "wf_" in line and line.startswith("CREATE TABLE")]), 5)
    check_equal(cql[6:], [
        "INSERT INTO shop.wf_run_counter ( ks, last_run ) VALUES ( 'shop', 0 ) IF NOT EXISTS;",
        "-- read",
        "CREATE TABLE IF NOT EXISTS shop.things_00001 ( rowid BIGINT, batch_idx BIGINT, id BIGINT, name TEXT, "
        "PRIMARY KEY((rowid)));",
        "CREATE TABLE IF NOT EXISTS shop.idx_things_00001 ( key TEXT, rowid BIGINT, PRIMARY KEY((key)));", ""])
    check_equal(len(well(tool(box, "get_table_cql", "-run_id=1", *common)).split("\n")), 8)
    check_fails(tool(box, "get_table_cql", "-start_nodes=read", *common), 1, "run_id")
    pipeline = json.loads(open(path).read())
    pipeline["nodes"]["read"]["w"]["table_options"] = "  WITH gc_grace_seconds = 0\n"
    box.write("s.json", pipeline)
    cql = well(tool(box, "get_table_cql", "-run_id=123456", "-start_nodes=read", *common)).split("\n")[8:10]
    check_equal([line.split("PRIMARY KEY")[1] for line in cql],
                ["((rowid))) WITH gc_grace_seconds = 0;", "((key))) WITH gc_grace_seconds = 0;"])
    check("things_123456 (" in cql[0] and "idx_things_123456 (" in cql[1], cql)


PRODUCTS = ("id\tsku\tshipped at\tprice\tweight\tgone\n"
            "0a\t8840123\t2018-11-16 04:00:05\t288.79\t65.130\tfalse\n"
            "1b\t2847491\t2017-04-29 01:43:27\t163.04\t27.114\ttrue\n"
            "2\"c\t-5\t2017-01-02 00:00:00\t0.50\t0.001\tfalse\n")


@test
def a_script_is_made_from_a_sample_and_reproduces_it(box):
    sample = box.write("my-products.csv", PRODUCTS)
    made = tool(box, "proto_file_reader_creator", "-file_type=csv", "-csv_hdr_line_idx=0", "-csv_first_line_idx=1",
                "-csv_separator=\t", "-file=" + sample)
    text = well(made)
    check_equal(text.count("\"url_template\""), 1)
    check(made.err == b"" and text.endswith("}"), str(made))
    text = text.replace("/tmp/capi_in/proto_file_reader_creator_quicktest/my-products.csv", sample)
    text = text.replace("/tmp/capi_out/proto_file_reader_creator_quicktest", box.path("out"))
    text = text.replace("\"url_template\"", "\"top\": {\"order\": \"col_id(asc)\"},\"url_template\"")
    path = box.write("made.json", text)
    for node in ("read_file", "write_file"):
        well(tool(box, "exec_node", "-keyspace=shop", "-script_file=" + path, "-node_id=" + node))
    check_equal(box.read("out", "my-products.csv").replace(b"\r", b""), PRODUCTS.encode())
    check(json.loads(text)["nodes"]["read_file"]["w"]["name"] == "my_products_csv", text)


@test
def names_and_values_that_scripts_do_not_take_are_got_around(box):
    rows = "if,{p},ok,at,big\na,b,tRuE,2024-02-30 10:20:30,9223372036854775808\nc,d,false,2024-02-28 10:20:30,1\n"
    flags = ["-csv_hdr_line_idx=0", "-csv_first_line_idx=1"]
    sample = box.write("odd.csv", rows)
    text = well(tool(box, "proto_file_reader_creator", "-file=" + sample, *flags))
    text = text.replace("/tmp/capi_in/proto_file_reader_creator_quicktest/odd.csv", sample)
    text = text.replace("/tmp/capi_out/proto_file_reader_creator_quicktest", box.path("out"))
    path = box.write("made.json", text)
    for node in ("read_file", "write_file"):
        well(tool(box, "exec_node", "-keyspace=shop", "-script_file=" + path, "-node_id=" + node))
    check_equal(box.read("out", "odd.csv").replace(b"\r", b""), rows.encode())
    result = tool(box, "proto_file_reader_creator", "-file=" + box.write("a{run_id}.csv", rows), *flags)
    check_fails(result, 1, "a{run_id}.csv", "braces")
    check_equal(result.out, b"")


@test
def wrong_samples_are_told(box):
    sample = box.write("x.csv", "a,b\n1,2\n3\n")
    flags = ["-csv_hdr_line_idx=0", "-csv_first_line_idx=1", "-file=" + sample]
    result = tool(box, "proto_file_reader_creator", *flags)
    check_fails(result, 1, "x.csv")
    check("col_b" in result.out.decode(), "what was seen is missing: %s" % result)
    check_fails(tool(box, "proto_file_reader_creator", "-file=" + box.path("none.csv")), 1, "none.csv")
    check_fails(tool(box, "proto_file_reader_creator"), 2, "-file")
    check_fails(tool(box, "proto_file_reader_creator", "-file=x", "-csv_separator="), 2, "separator")
    check_fails(tool(box, "proto_file_reader_creator", "-file=x", "-csv_hdr_line_idx=1"), 2, "csv_first_line_idx")


@test
def a_foreign_damaged_or_newer_store_is_refused(box):
    os.mkdir(box.path("state"))
    box.write("state/state.db", "this is a letter to my aunt, and no database at all\n" * 50)
    check_fails(tool(box, "check_db_connectivity"), 1, "state.db")
    os.remove(box.path("state", "state.db"))
    well(tool(box, "start_run", "-keyspace=shop", "-script_file=" + small_script(box), "-start_nodes=read"))
    for suffix in ("-wal", "-shm"):
        if os.path.exists(box.path("state", "state.db" + suffix)):
            os.remove(box.path("state", "state.db" + suffix))
    with open(box.path("state", "state.db"), "r+b") as file:
        file.seek(60)
        file.write((9999).to_bytes(4, "big"))
    check_fails(tool(box, "check_db_connectivity"), 1, "newer")
    result = box.capi("doctor", "--data", box.path("state"))
    check(result.code == 1 and b"newer" in result.out, str(result))


@test
def a_data_folder_that_cannot_be_written_is_named(box):
    if os.geteuid() == 0:
        raise Skip("root may write anywhere")
    os.mkdir(box.path("state"))
    os.chmod(box.path("state"), stat.S_IRUSR | stat.S_IXUSR)
    check_fails(tool(box, "check_db_connectivity"), 1, "state")
    os.chmod(box.path("state"), stat.S_IRWXU)


@test
def a_data_folder_that_is_a_file_is_named(box):
    box.write("state", "x")
    check_fails(tool(box, "check_db_connectivity"), 1, box.path("state"))
    check(box.capi("doctor", "--data", box.path("state")).code == 1)


@test
def doctor_finds_nothing_wrong_and_makes_nothing(box):
    result = box.capi("doctor", "--data", box.path("fresh"))
    check(result.code == 0 and b"nothing is wrong" in result.out, str(result))
    check(not os.path.exists(box.path("fresh")))


@test
def old_runs_are_removed_with_their_tables(box):
    path = small_script(box)
    box.run_well(path)
    box.run_well(path)
    data = ["--data", box.path("state")]
    result = box.capi("gc", "--runs-older-than", "1h", *data)
    check(result.code == 0 and b"0 runs removed" in result.err, str(result))
    check_fails(box.capi("gc", "--runs-older-than", "soon", *data), 2, "soon")
    result = box.capi("drop", "--keyspace", "test", "--run", "1", *data)
    check_equal(result.code, 0)
    check_fails(box.capi("drop", "--keyspace", "test", "--run", "1", *data), 2, "1")
    result = box.capi("gc", "--runs-older-than", "0s", "--dry-run", *data)
    check(b"would remove run 2" in result.out, str(result))
    time.sleep(0.01)
    result = box.capi("gc", "--runs-older-than", "0s", *data)
    check(b"removed run 2" in result.out, str(result))
    left = [files for _, _, files in os.walk(box.path("state", "tables")) if files]
    check(not left, left)
    os.makedirs(box.path("state", "tables", "0123", "4567"))
    result = box.capi("gc", *data)
    check(b"1 left-over removed" in result.err and os.listdir(box.path("state", "tables", )) != ["0123"], str(result))


@test
def a_run_that_others_may_read_stays(box):
    path = small_script(box)
    box.run_well(path)
    data = ["--data", box.path("state"), "--keyspace", "test"]
    check_equal(box.capi("start", path, "--start", "write", *data).code, 0)
    check_fails(box.capi("drop", "--run", "1", *data), 2, "run 2 goes on")
    result = box.capi("gc", "--runs-older-than", "0s", *data)
    check(result.code == 0 and b"run 1 stays" in result.err, str(result))


@test
def watch_says_that_nobody_works(box):
    path = small_script(box)
    data = ["--data", box.path("state"), "--keyspace", "test"]
    check_equal(box.capi("start", path, *data).code, 0)
    watcher = subprocess.Popen([BINARY, "watch"] + data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(7)
    watcher.send_signal(signal.SIGINT)
    out, err = watcher.communicate(timeout=60)
    check(watcher.returncode == 130 and b"no process works on run 1" in err and b"goes on" in err, err.decode())
    check_fails(box.capi("watch", "--keyspace", "tset", "--data", box.path("state")), 2, "tset")
    check_fails(box.capi("watch", "--run", "9", *data), 2, "9")


@test
def run_ids_are_decimal_numbers_of_31_bits(box):
    path = small_script(box)
    well(tool(box, "exec_node", "-keyspace=shop", "-script_file=" + path, "-node_id=read"))
    for ids in ("0", "-1", "9999999999", "2147483648", "1e3", "0x1", "1,", ",1", "1,,1", "one", " "):
        check_fails(tool(box, "get_node_history", "-keyspace=shop", "-run_ids=" + ids), 1, "-run_ids", "1 to 2147483647")
        if "," not in ids:
            check_fails(tool(box, "get_batch_history", "-keyspace=shop", "-run_id=" + ids, "-node=read"), 1, "-run_id", "1 to 2147483647")
    one = well(tool(box, "get_node_history", "-keyspace=shop", "-run_ids= 1 "))
    check_equal(len(one.splitlines()), 3)
    check_equal(well(tool(box, "get_node_history", "-keyspace=shop", "-run_ids=")), one)
    check_fails(tool(box, "get_node_history", "-keyspace=shop", "-run_ids=1,5"), 1, "no such run: 5", "it has run 1 alone")
    check_fails(tool(box, "get_run_history", "-keyspace=shpo"), 1, "unknown keyspace \"shpo\"", "state.db", "did you mean \"shop\"?")
    check_fails(tool(box, "get_batch_history", "-keyspace=shop", "-run_id=1", "-node=raed"), 1, "has no node \"raed\"",
                "did you mean \"read\"?")


@test
def who_only_looks_makes_no_store(box):
    for command in ("get_run_history", "get_node_history", "stop_run", "drop_keyspace"):
        result = tool(box, command, "-keyspace=shop", *(["-run_id=1"] if command == "stop_run" else []))
        check_equal(result.code, 0 if command == "drop_keyspace" else 1, str(result))
        check(not os.path.exists(box.path("state")), "%s made the data folder" % command)


@test
def passwords_in_urls_are_shown_nowhere(box):
    def page(name):
        def answer(handler, count, with_body):
            content = box.read(name)
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            if with_body:
                handler.wfile.write(content)
        return answer

    box.write("in.csv", "id\n1\n2\n")
    with HttpServer({"/" + name: page(name) for name in ("in.csv", "s.json", "p.json", "bad.json")}) as server:
        box.write("s.json", script(read=csv_reader([server.url("/{file}", "me:t0psecret@")], {"id": "int"}, "things")))
        box.write("p.json", {"file": "in.csv"})
        box.write("bad.json", "{")
        path, params, bad = (server.url("/" + name, "me:t0psecret@") for name in ("s.json", "p.json", "bad.json"))
        data = ["--data", box.path("state")]
        flags = ["-keyspace=shop", "-script_file=" + path, "-params_file=" + params]
        results = [box.capi("run", path, "--params", params, "--keyspace", "shop", *data),
                   box.capi("run", bad, "--keyspace", "shop", *data),
                   box.capi("validate", bad), box.capi("validate", path, "--params", params),
                   tool(box, "start_run", "-start_nodes=read", *flags),
                   box.capi("resume", "--run", "2", "--keyspace", "shop", *data),
                   tool(box, "exec_node", "-node_id=read", *flags)]
        check_equal([result.code for result in results], [0, 2, 2, 0, 0, 0, 0], "\n".join(map(str, results)))
        for output in ("table", "json", "csv"):
            results += [box.capi("runs", "--output", output, *data), box.capi("nodes", "--keyspace", "shop", "--output", output, *data),
                        box.capi("batches", "--keyspace", "shop", "--node", "read", "--output", output, *data)]
        os.remove(box.path("in.csv"))
        results += [tool(box, "get_batch_history", "-keyspace=shop", "-run_id=1", "-node=read"),
                    tool(box, "get_run_history", "-keyspace=shop")]
        for result in results:
            check(b"t0psecret" not in result.out + result.err, str(result))
        check(b"http://me:...@127.0.0.1" in results[7].out, results[7])


@test
def watch_says_what_a_run_waits_for(box):
    pipeline = json.loads(box.read(small_script(box)))
    pipeline["nodes"]["write"]["dependency_policy"] = "odd"
    pipeline["dependency_policies"] = {"odd": {"event_priority_order": "run_id(desc)", "is_default": False, "rules": [
        {"cmd": "go", "expression": "nrs.run_id == 99"}]}}
    path = box.write("odd.json", pipeline)
    data = ["--data", box.path("state"), "--keyspace", "test"]
    words = b"node \"write\" waits for table \"things\": no rule of policy \"odd\" matches (node \"read\": success in run 1"
    ran = box.run(path)
    check(ran.code == 1 and words in ran.err and b"1 node waits for something that this process cannot do" in ran.err, str(ran))
    watcher = subprocess.Popen([BINARY, "watch"] + data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(7)
    watcher.send_signal(signal.SIGINT)
    err = watcher.communicate(timeout=60)[1]
    check(words in err and b"no node of it can be worked on now" in err and b"no process works" not in err, err.decode())
    check_equal(box.capi("stop", "--run", "1", *data).code, 0)
    check_fails(box.capi("resume", "--run", "1", *data), 1, "run 1 of keyspace \"test\" is stopped: stopped by the operator")


@test
def a_run_that_is_stopped_under_its_worker_is_not_called_complete(box):
    box.write("in.csv", "id\n" + "".join("%d\n" % i for i in range(50)))
    box.write("code.py", "import time\ndef look(a):\n    time.sleep(0.2)\n    return a\n")
    formula = {"type": "table_custom_tfm_table", "custom_proc_type": "py_calc", "r": {"table": "things", "expected_batches_total": 50},
               "p": {"python_code_urls": [box.path("code.py")],
                     "calculated_fields": {"sum": {"expression": "look(r.id)", "type": "int"}}},
               "w": {"name": "sums", "fields": {"sum": {"expression": "p.sum", "type": "int"}}}}
    path = box.write("s.json", script(read=csv_reader([box.path("in.csv")], {"id": "int"}, "things"), formula=formula))
    data = ["--data", box.path("state"), "--keyspace", "test"]
    runner = subprocess.Popen([BINARY, "run", path] + data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.time() + 60
    while b"running" not in box.capi("nodes", *data).out and time.time() < until:
        time.sleep(0.1)
    check_equal(box.capi("stop", "--run", "1", "--comment", "too slow", *data).code, 0)
    out, err = runner.communicate(timeout=60)
    check(runner.returncode == 1 and b"run 1 of keyspace \"test\" is stopped: too slow" in err, err.decode())


main()
