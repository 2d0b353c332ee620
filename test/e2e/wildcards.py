#!/usr/bin/env python3
"""Wildcards and folders in "urls": looked up once, when the run is started; local, s3 and sftp. http has no lists and says so."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, check, check_equal, check_fails, csv_reader, csv_writer, main, script, test
from servers import HttpServer, S3, Sftp

TOOLBELT = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "capitoolbelt")
COLUMNS = {"id": "int"}


def content(number):
    return b"id\n%d\n" % number


def make_files(box, *names, folder="in"):
    """Files whose one row is their number."""
    os.makedirs(box.path(folder), exist_ok=True)
    for number, name in enumerate(names, 1):
        os.makedirs(os.path.dirname(box.path(folder, name)), exist_ok=True)
        box.write(os.path.join(folder, name), content(number))


def copier(box, *urls, name="copy.json"):
    return box.write(name, script(read=csv_reader(list(urls), COLUMNS, "t"),
                                  write=csv_writer("t", COLUMNS, box.path("out/o.csv"))))


def ids(box):
    return [int(line) for line in box.read("out", "o.csv").split()[1:]]


def copied(box, *urls, environment=None):
    box.run_well(copier(box, *urls), env={**os.environ, **(environment or {})})
    return ids(box)


def refused(box, url, *words, environment=None):
    """The run does not start: nothing is there afterwards."""
    check_fails(box.run(copier(box, url), env={**os.environ, **(environment or {})}), 2, url, *words)
    check_equal(box.out_files(), [], "files")
    runs = box.capi("history", "--keyspace", "test", "--data", box.path("state"), "--output", "json")
    check(runs.code != 0 or json.loads(runs.out) in ([], {}), "there is a run: %s" % runs)


# ---- local ----

@test
def files_that_match_are_read_by_name(box):
    make_files(box, "b.csv", "a10.csv", "a2.csv", "c.txt", ".hidden.csv", "sub.csv/x.csv", "z[1].csv")
    check_equal(copied(box, box.path("in/*.csv")), [2, 3, 1, 7])
    check_equal(copied(box, box.path("in/a?.csv")), [3])
    check_equal(copied(box, box.path("in/[!ab]*")), [4, 7])
    check_equal(copied(box, "file://" + box.path("in/a*.csv")), [2, 3])
    check_equal(copied(box, box.path("in/*/*.csv")), [6])
    check_equal(copied(box, box.path("in/.*.csv")), [5])
    check_equal(copied(box, box.path("in/c.txt"), box.path("in/b*"), box.path("in/c*")), [4, 1, 4])


@test
def a_folder_is_what_lies_in_it(box):
    make_files(box, "b.csv", "a.csv", ".hidden.csv", "sub/x.csv")
    check_equal(copied(box, box.path("in/")), [2, 1])
    check_equal(copied(box, box.path("in/s*/")), [4])
    os.symlink(box.path("in/sub/x.csv"), box.path("in/link.csv"))
    check_equal(copied(box, box.path("in/")), [2, 1, 4])


@test
def a_file_of_that_very_name_goes_first(box):
    make_files(box, "a1.csv", "a[1].csv", "a*.csv", "p[1]/x.csv", "p1/x.csv")
    check_equal(copied(box, box.path("in/a[1].csv")), [2])
    check_equal(copied(box, box.path("in/a*.csv")), [3])
    check_equal(copied(box, box.path("in/p[1]/")), [4])
    check_equal(copied(box, box.path("in/p[1]/*")), [4])
    check_equal(copied(box, box.path("in/p[12]/*")), [5])


@test
def what_matches_and_is_no_file_is_not_left_out_in_silence(box):
    make_files(box, "a.csv", "c.csv")
    os.symlink("nowhere", box.path("in/b.csv"))
    for url in ("in/*.csv", "in/"):
        refused(box, box.path(url), box.path("in/b.csv"), "a link that leads nowhere")
    os.remove(box.path("in/b.csv"))
    os.mkfifo(box.path("in/b.csv"))
    refused(box, box.path("in/*.csv"), box.path("in/b.csv"), "a special file")
    os.remove(box.path("in/b.csv"))
    os.symlink("a.csv", box.path("in/b.csv"))
    os.mkdir(box.path("in/d.csv"))
    check_equal(len(copied(box, box.path("in/*.csv"))), 3)


@test
def nothing_that_matches_is_an_error_at_the_start(box):
    make_files(box, "a.csv", "sub/x.csv")
    refused(box, box.path("in/*.tsv"), "no file matches", "node \"read\"")
    refused(box, box.path("in/sub/x.csv/"), "no file matches", "cannot read the folder", "Not a directory")
    refused(box, box.path("none/*.csv"), "cannot read the folder", box.path("none/"), "No such file")
    os.mkdir(box.path("in/empty"))
    refused(box, box.path("in/empty/"), "no file lies in")
    os.mkdir(box.path("in/odd"))
    with open(box.path("in/odd/a\nb.csv"), "wb") as file:
        file.write(content(1))
    refused(box, box.path("in/odd/*"), "line end")


@test
def nodes_that_do_not_run_are_not_looked_up(box):
    make_files(box, "a.csv")
    nodes = script(read=csv_reader([box.path("in/*.csv")], COLUMNS, "t"), other=csv_reader([box.path("none/*")], COLUMNS, "u"),
                   write=csv_writer("t", COLUMNS, box.path("out/o.csv")))
    box.run_well(box.write("s.json", nodes), "--start", "read")
    check_equal(ids(box), [1])


@test
def relative_names_hold_for_other_folders(box):
    make_files(box, "b.csv", "a.csv")
    path = copier(box, "in/*.csv")
    started = box.capi("start", path, "--data", box.path("state"), "--keyspace", "test", cwd=box.folder)
    check_equal(started.code, 0, str(started))
    resumed = box.capi("resume", "--keyspace", "test", "--run", "1", "--data", box.path("state"), cwd=box.path("out"))
    check_equal(resumed.code, 0, str(resumed))
    check_equal(ids(box), [2, 1])


@test
def the_list_is_that_of_the_start(box):
    make_files(box, "b.csv", "a.csv")
    path = copier(box, box.path("in/*.csv"))
    started = box.capi("start", path, "--data", box.path("state"), "--keyspace", "test")
    check_equal(started.code, 0, str(started))
    make_files(box, "b.csv", "a.csv", "c.csv")
    resumed = box.capi("resume", "--keyspace", "test", "--run", "1", "--data", box.path("state"))
    check_equal(resumed.code, 0, str(resumed))
    check_equal(ids(box), [2, 1])
    check_equal(copied(box, box.path("in/*.csv")), [2, 1, 3])
    started = box.capi("start", path, "--data", box.path("state"), "--keyspace", "test")
    check_equal(started.code, 0, str(started))
    os.unlink(box.path("in/b.csv"))
    resumed = box.capi("resume", "--keyspace", "test", "--run", "3", "--data", box.path("state"))
    check_fails(resumed, 1, box.path("in/b.csv"))


@test
def the_toolbelt_takes_wildcards_too(box):
    make_files(box, "b.csv", "a.csv")
    path = copier(box, box.path("in/*.csv"))
    environment = {**os.environ, "CAPI_DATA": box.path("state")}
    done = subprocess.run([TOOLBELT, "exec_node", "-keyspace", "test", "-script_file", path, "-node_id", "read"], env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    check_equal(done.returncode, 0, str(done))
    check_equal(box.table("t").split(), [b"id", b"2", b"1"])


@test
def a_plan_shows_the_files(box):
    make_files(box, "b.csv", "a.csv")
    plan = box.capi("validate", copier(box, box.path("in/*.csv")), "--plan", "--data", box.path("state"))
    check_equal(plan.code, 0, str(plan))
    for words in ("file %s, 5 B\n" % box.path("in/a.csv"), "file %s, 5 B\n" % box.path("in/b.csv"), "batches  2,"):
        check(words in plan.out.decode(), "the plan lacks %r: %s" % (words, plan))
    plan = box.capi("validate", copier(box, box.path("in/")), "--plan", "--output", "json", "--data", box.path("state"))
    node = json.loads(plan.out)["nodes"][0]
    check_equal((node["batches"], [file["url"] for file in node["reads_files"]]), (2, [box.path("in/a.csv"), box.path("in/b.csv")]))
    plan = box.capi("validate", copier(box, box.path("in/*.x")), "--plan", "--data", box.path("state"))
    check_equal(plan.code, 1, str(plan))
    check("no file matches \"%s\"" % box.path("in/*.x") in plan.out.decode(), str(plan))
    check(not os.path.exists(box.path("state")), "the plan made something")


# ---- elsewhere ----

def fill_s3(s3, *keys):
    s3.python_code("s3.create_bucket(Bucket='bucket')\n"
                   "for n, key in enumerate(sys.argv[1:], 1): s3.put_object(Bucket='bucket', Key=key, Body=b'id\\n%d\\n' % n)",
                   *keys)


@test
def s3_is_listed(box):
    with S3(box) as s3:
        fill_s3(s3, "p/b.csv", "p/a c+%.csv", "p/q/x.csv", "p/", "p/.h.csv", "p/a[1].csv", "p/a1.csv", "r/q/y.csv")
        check_equal(copied(box, "s3://bucket/p/*.csv", environment=s3.environment), [2, 7, 6, 1])
        check_equal(copied(box, "s3://bucket/p/", environment=s3.environment), [2, 7, 6, 1])
        check_equal(copied(box, "s3://bucket/*/q/*", environment=s3.environment), [3, 8])
        check_equal(copied(box, "s3://bucket/p/a[1].csv", environment=s3.environment), [6])
        check_equal(copied(box, "s3://bucket/p/[b]*", environment=s3.environment), [1])
        os.unlink(box.path("out/o.csv"))
        check_fails(box.run(copier(box, "s3://bucket/p/*.txt"), env=s3.environment), 2, "no file matches \"s3://bucket/p/*.txt\"")
        check_fails(box.run(copier(box, "s3://nobucket/*"), env=s3.environment), 2, "s3://nobucket/*", "NoSuchBucket")
        plan = box.capi("validate", copier(box, "s3://bucket/p/"), "--plan", "--data", box.path("none"), env=s3.environment)
        check(plan.code == 0 and "file s3://bucket/p/a c+%.csv, 5 B\n" in plan.out.decode(), str(plan))
        check_equal(box.out_files(), [], "files")


@test
def long_lists_of_s3_come_in_pages(box):
    with S3(box) as s3:
        s3.python_code("s3.create_bucket(Bucket='bucket')\n"
                       "for n in range(1100): s3.put_object(Bucket='bucket', Key='p/%04d.%s' % (n, 'txt' if n % 100 else 'csv'), "
                       "Body=b'id\\n%d\\n' % n)")
        check_equal(copied(box, "s3://bucket/p/*.csv", environment=s3.environment), list(range(0, 1100, 100)))


@test
def folders_of_sftp_are_listed(box):
    with Sftp(box) as sftp:
        make_files(box, "b.csv", "a c.csv", "sub/x.csv", ".h.csv", "a[1].csv", "a1.csv", "a?.csv", "p[1]/x.csv")
        os.symlink(box.path("in/sub/x.csv"), box.path("in/link.csv"))

        def got(path):
            return copied(box, sftp.url(box.path(path)), environment=sftp.environment)

        check_equal(got("in/*.csv"), [2, 6, 7, 5, 1, 3])
        check_equal(got("in/"), [2, 6, 7, 5, 1, 3])
        check_equal(got("in/a[1].csv"), [5])
        check_equal(got("in/a?.csv"), [7])
        check_equal(got("in/p[1]/x.csv"), [8])
        check_equal(got("in/p[1]/*"), [8])
        os.unlink(box.path("out/o.csv"))
        refused(box, sftp.url(box.path("in/*.txt")), "no file matches", environment=sftp.environment)
        refused(box, sftp.url(box.path("none/*.txt")), "none", environment=sftp.environment)
        refused(box, sftp.url(box.path("i*/x.csv")), "last part", environment=sftp.environment)


@test
def http_has_no_lists(box):
    pages = {"/in*.csv": lambda h, n, body: h.file(content(1), body), "/export/": lambda h, n, body: h.file(content(2), body),
             "/folder/": lambda h, n, body: h.say(200, b"<html>", Content_Type="text/html; charset=utf-8"),
             "/a[1].csv": lambda h, n, body: h.file(content(3), body),
             "/no*head": lambda h, n, body: h.file(content(4)) if body else h.say(405)}
    with HttpServer(pages) as server:
        refused(box, server.url("/*.csv"), "http has no list of files")
        refused(box, server.url("/folder/"), "http has no list of files")
        check_equal(copied(box, server.url("/in*.csv")), [1])
        check_equal(copied(box, server.url("/export/")), [2])
        check_equal(copied(box, server.url("/a[1].csv?x=*")), [3])
        check_equal(copied(box, server.url("/no*head")), [4])


main()
