#!/usr/bin/env python3
"""Files over http(s), s3 and sftp: scripts, data and results, with servers that drop, stall, cut and lie."""
import gzip
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, check_equal, check_fails, csv_reader, csv_writer, main, script, test
from servers import HttpServer, S3, Sftp, make_authority

ROWS = b"id,name\n" + b"".join(b"%d,name %d\n" % (i, i) for i in range(20000))
RESULT = b"id,name\r\n" + ROWS.split(b"\n", 1)[1]
COLUMNS = {"id": "int", "name": "string"}
QUICK = {"CAPI_TRANSFER_IDLE_TIMEOUT": "700", "CAPI_TRANSFER_RETRY_BUDGET": "3000"}


def copy(box, url, target=None, environment=None, name="copy.json", timeout=120):
    """Runs a script that copies a CSV file; the result of the process."""
    path = box.write(name, script(read=csv_reader([url], COLUMNS, "t"),
                                  write=csv_writer("t", COLUMNS, target or box.path("out/o.csv"))))
    return box.run(path, env={**os.environ, **QUICK, **(environment or {})}, timeout=timeout)


def copies(box, *arguments, **options):
    result = copy(box, *arguments, **options)
    check(result.code == 0, "the run failed: %s" % result)
    return box.read("out", "o.csv")


def leaves_nothing(box):
    """No temporary files, neither beside the output nor in the data folder."""
    check_equal(box.out_files(), [], "what lies in the output folder")
    left = [os.path.join(folder, name) for folder, _, names in os.walk(box.path("state")) for name in names
            if ".download" in name or "upload" in name or "unpacked" in name]
    check_equal(left, [], "temporary files")


# ---- local ----

@test
def a_file_url_of_another_machine_is_refused(box):
    os.makedirs(box.path("host/out"))
    source = box.write("host/in.csv", ROWS)
    inside = box.write("host/s.json", script(read=csv_reader([source], COLUMNS, "t")))
    check_equal(copies(box, "file://localhost" + source, "file://localhost" + box.path("out/o.csv")), RESULT)
    os.unlink(box.path("out/o.csv"))
    check_equal(box.run("file://localhost" + inside).code, 0, "exit code")
    before = os.getcwd()
    os.chdir(box.folder)  # where a relative path "host/in.csv" would be found
    for arguments in (("file://host/in.csv",), (source, "file://host/out/o.csv"), ("file://in.csv",)):
        check_fails(copy(box, *arguments), 2, arguments[-1], "names another machine")
    check_fails(box.run("file://host/s.json"), 2, "file://host/s.json", "names another machine")
    os.chdir(before)
    check_equal(os.listdir(box.path("host/out")), [], "what was written")
    leaves_nothing(box)


# ---- http ----

@test
def a_file_comes_by_http(box):
    with HttpServer({"/in.csv": lambda h, n, body: h.file(ROWS, body)}) as server:
        check_equal(copies(box, server.url("/in.csv")), RESULT)
        check_equal([(method, path) for method, path, _ in server.requests], [("GET", "/in.csv")])


@test
def redirects_are_followed_and_loops_end(box):
    with HttpServer({"/a": lambda h, n, body: h.say(302, Location="/b"), "/b": lambda h, n, body: h.file(ROWS, body),
                     "/loop": lambda h, n, body: h.say(302, Location="/loop")}) as server:
        check_equal(copies(box, server.url("/a")), RESULT)
        os.unlink(box.path("out/o.csv"))
        check_fails(copy(box, server.url("/loop")), 1, "cannot read \"%s\"" % server.url("/loop"), "redirects")
        leaves_nothing(box)


@test
def user_and_password_are_sent_and_not_shown(box):
    def page(handler, count, body):
        if handler.headers.get("Authorization") != "Basic bWU6c2VjcmV0":
            handler.say(401, b"who are you")
        else:
            handler.file(ROWS, body)

    with HttpServer({"/in.csv": page}) as server:
        check_equal(copies(box, server.url("/in.csv", "me:secret@")), RESULT)
        os.unlink(box.path("out/o.csv"))
        result = copy(box, server.url("/in.csv", "me:wrongword@"))
        check_fails(result, 1, "401", "me:...@127.0.0.1")
        check(b"wrongword" not in result.err + result.out, "the password is shown: %s" % result)


@test
def what_is_not_there_is_said_at_once(box):
    with HttpServer({"/gone": lambda h, n, body: h.say(410, b"gone for good")}) as server:
        check_fails(copy(box, server.url("/missing.csv")), 1, "404", server.url("/missing.csv"), "not here")
        check_fails(copy(box, server.url("/gone")), 1, "410", "gone for good")
        check_equal(len(server.requests), 2, "requests")
        leaves_nothing(box)


@test
def an_answer_other_than_200_is_not_the_file(box):
    pages = {"/%d" % code: lambda h, n, body, code=code: h.say(code, b"" if code in (204, 205) else ROWS)
             for code in (201, 202, 203, 204, 205)}
    pages["/206"] = lambda h, n, body: h.say(206, ROWS, Content_Range="bytes 0-%d/%d" % (len(ROWS) - 1, len(ROWS)))
    with HttpServer(pages) as server:
        for page in pages:
            check_fails(copy(box, server.url(page)), 1, "cannot read \"%s\"" % server.url(page), "answers " + page[1:],
                        "expected 200")
            leaves_nothing(box)
        check_equal(len(server.requests), len(pages), "requests")


@test
def two_lengths_that_differ_are_refused(box):
    def page(*lengths):
        def say(handler, count, body):
            handler.send_response(200)
            for length in lengths:
                handler.send_header("Content-Length", length)
            handler.end_headers()
            handler.wfile.write(ROWS)
            handler.close_connection = True
        return say

    whole = str(len(ROWS))
    pages = {"/1": page(whole, "20"), "/2": page("20", whole), "/3": page(whole + ", 20"), "/4": page("20, " + whole)}
    with HttpServer({**pages, "/same": page(whole, whole)}) as server:
        for path in pages:
            check_fails(copy(box, server.url(path)), 1, "cannot read \"%s\"" % server.url(path), "Content-Length")
            leaves_nothing(box)
        check_equal(copies(box, server.url("/same")), RESULT)


@test
def a_server_that_fails_twice_is_asked_again(box):
    with HttpServer({"/in.csv": lambda h, n, body: h.say(503, b"busy") if n < 3 else h.file(ROWS, body)}) as server:
        check_equal(copies(box, server.url("/in.csv")), RESULT)
        check_equal(len(server.requests), 3, "requests")


@test
def a_server_that_always_fails_is_given_up(box):
    with HttpServer({"/in.csv": lambda h, n, body: h.say(500, b"sick")}) as server:
        check_fails(copy(box, server.url("/in.csv")), 1, "500", "sick", server.url("/in.csv"))
        check(3 <= len(server.requests), "it was asked %d times" % len(server.requests))
        leaves_nothing(box)


@test
def a_download_goes_on_where_it_broke_off(box):
    with HttpServer({"/in.csv": lambda h, n, body: h.file(ROWS, body, stop_at=n * 130000)}) as server:
        check_equal(copies(box, server.url("/in.csv")), RESULT)
        check_equal([headers.get("Range") for _, _, headers in server.requests],
                    [None, "bytes=130000-", "bytes=260000-"], "ranges")


@test
def a_server_without_ranges_begins_anew(box):
    def page(handler, count, body):
        handler.file(ROWS, body, etag=None, ranges=False, stop_at=100000 if count < 3 else None)

    with HttpServer({"/in.csv": page}) as server:
        check_equal(copies(box, server.url("/in.csv")), RESULT)


@test
def a_file_that_changes_meanwhile_is_read_anew(box):
    new = ROWS.replace(b"name ", b"NAME ")

    def page(handler, count, body):
        handler.file(ROWS if count == 1 else new, body, etag='"v%d"' % min(count, 2), stop_at=100000 if count == 1 else None)

    with HttpServer({"/in.csv": page}) as server:
        check_equal(copies(box, server.url("/in.csv")), RESULT.replace(b"name ", b"NAME ").replace(b"id,NAME", b"id,name"))


@test
def wrong_ranges_are_not_believed(box):
    def page(handler, count, body):
        if count == 1 or not handler.headers.get("Range"):
            handler.file(ROWS, body, stop_at=100000 if count == 1 else None)
            return
        handler.send_response(206)  # the range before the one that was asked for
        handler.send_header("Content-Range", "bytes 0-99999/%d" % len(ROWS))
        handler.send_header("Content-Length", "100000")
        handler.send_header("ETag", '"v1"')
        handler.end_headers()
        handler.wfile.write(ROWS[:100000])

    with HttpServer({"/in.csv": page}) as server:
        check_equal(copies(box, server.url("/in.csv")), RESULT)


@test
def half_a_file_is_an_error(box):
    with HttpServer({"/in.csv": lambda h, n, body: h.file(ROWS, body, ranges=False, etag=None, stop_at=50000)}) as server:
        check_fails(copy(box, server.url("/in.csv")), 1, "cannot read", server.url("/in.csv"))
        leaves_nothing(box)


@test
def a_server_that_stalls_is_left_and_asked_again(box):
    def page(handler, count, body):
        handler.file(ROWS, body, stop_at=100000 if count == 1 else None, stall=30 if count == 1 else 0)

    begin = time.monotonic()
    with HttpServer({"/in.csv": page}) as server:
        check_equal(copies(box, server.url("/in.csv"), environment={"CAPI_TRANSFER_IDLE_TIMEOUT": "300"}), RESULT)
        check(len(server.requests) == 2, "it was asked %d times" % len(server.requests))
    check(time.monotonic() - begin < 29, "it waited for the server")


@test
def nobody_there_is_said(box):
    check_fails(copy(box, "http://127.0.0.1:1/in.csv"), 1, "cannot read \"http://127.0.0.1:1/in.csv\"", "connect")
    check_fails(copy(box, "http://no-such-host.invalid/in.csv"), 1, "resolve")
    check_fails(copy(box, "http://127.0.0.1:99999/in.csv"), 1, "99999")


@test
def mistakes_in_the_data_name_the_url(box):
    with HttpServer({"/in.csv": lambda h, n, body: h.file(b"id,name\n1,a\nx2,b\n", body)}) as server:
        check_fails(copy(box, server.url("/in.csv")), 1, "file \"%s\"" % server.url("/in.csv"), "line 3", "x2")


@test
def scripts_and_parameters_come_by_http(box):
    text = script(read=csv_reader(["{source}"], COLUMNS, "t"), write=csv_writer("t", COLUMNS, box.path("out/o.csv")))
    pages = {"/s.json": lambda h, n, body: h.file(json.dumps(text).encode(), body),
             "/p.json": lambda h, n, body: h.file(b'{"source": "%s"}' % server.url("/in.csv").encode(), body),
             "/in.csv": lambda h, n, body: h.file(ROWS, body)}
    with HttpServer(pages) as server:
        box.run_well(server.url("/s.json"), "--params", server.url("/p.json"))
        check_equal(box.read("out", "o.csv"), RESULT)
        check_fails(box.capi("validate", server.url("/none.json")), 2, "404", server.url("/none.json"))


@test
def https_trusts_the_given_authorities_alone(box):
    authorities, context = make_authority(box.folder)
    others, _ = make_authority(box.folder, "other")
    with HttpServer({"/in.csv": lambda h, n, body: h.file(ROWS, body)}, context) as server:
        check_equal(copies(box, server.url("/in.csv"), environment={"CAPI_CA_PATH": authorities}), RESULT)
        os.unlink(box.path("out/o.csv"))
        for environment in ({}, {"CAPI_CA_PATH": others}):
            check_fails(copy(box, server.url("/in.csv"), environment=environment), 1, "certificate", server.url("/in.csv"))
        box.write("authority/bad.pem", "nothing")
        check_fails(copy(box, server.url("/in.csv"), environment={"CAPI_CA_PATH": authorities}), 2, "bad.pem", "PEM")
        leaves_nothing(box)


@test
def https_does_not_become_http(box):
    authorities, context = make_authority(box.folder)
    with HttpServer({"/in.csv": lambda h, n, body: h.file(ROWS, body)}) as plain:
        with HttpServer({"/in.csv": lambda h, n, body: h.say(302, Location=plain.url("/in.csv"))}, context) as server:
            check_fails(copy(box, server.url("/in.csv"), environment={"CAPI_CA_PATH": authorities}), 1, "cannot read")
        check_equal(plain.requests, [], "requests to the plain server")


# ---- packed files ----

@test
def packed_files_are_unpacked_and_packed(box):
    source = box.write("in.csv.gz", gzip.compress(ROWS))
    check_equal(copies(box, source), RESULT)
    result = copy(box, source, box.path("out/packed.csv.gz"))
    check(result.code == 0, "the run failed: %s" % result)
    check_equal(gzip.decompress(box.read("out", "packed.csv.gz")), RESULT)
    result = copy(box, source, box.path("out/packed.csv.zst"))
    check(result.code == 0, "the run failed: %s" % result)
    check_equal(copies(box, box.path("out/packed.csv.zst")), RESULT)


@test
def half_a_packed_file_is_an_error(box):
    packed = gzip.compress(ROWS)
    check_fails(copy(box, box.write("in.csv.gz", packed[:len(packed) // 2])), 1, "in.csv.gz", "cut off")
    check_fails(copy(box, box.write("text.csv.zst", ROWS)), 1, "text.csv.zst", "zstd")
    with HttpServer({"/in.csv.gz": lambda h, n, body: h.file(packed, body)}) as server:
        check_equal(copies(box, server.url("/in.csv.gz?x=1")), RESULT)


# ---- s3 ----

@test
def files_go_to_s3_and_come_back(box):
    with S3(box) as s3:
        s3.python_code("s3.create_bucket(Bucket='bucket')\n"
                       "s3.put_object(Bucket='bucket', Key='in/a b+c=%.csv', Body=open(sys.argv[1], 'rb'))", box.write("in.csv", ROWS))
        result = copy(box, "s3://bucket/in/a b+c=%.csv", "s3://bucket/out/{run_id|string} x/o.csv", s3.environment)
        check(result.code == 0, "the run failed: %s" % result)
        check_equal(s3.python_code("print(s3.get_object(Bucket='bucket', Key='out/00001 x/o.csv')['Body'].read().decode(), end='')")
                    .encode().replace(b"\r", b""), RESULT.replace(b"\r", b""))
        check_fails(copy(box, "s3://bucket/none.csv", environment=s3.environment), 1, "s3://bucket/none.csv", "404", "NoSuchKey")
        check_fails(copy(box, "s3://nobucket/x.csv", environment=s3.environment), 1, "404", "NoSuchBucket")
        check_fails(copy(box, "s3://bucket/in/a b+c=%.csv", "s3://nobucket/o.csv", s3.environment), 1, "s3://nobucket/o.csv",
                    "NoSuchBucket")
        leaves_nothing(box)


@test
def large_files_go_in_parts(box):
    many = b"id,name\n" + b"".join(b"%d,%s\n" % (i, b"x" * 200) for i in range(180000))
    with S3(box) as s3:
        s3.python_code("s3.create_bucket(Bucket='bucket')")
        result = copy(box, box.write("in.csv", many), "s3://bucket/o.csv", s3.environment)
        check(result.code == 0, "the run failed: %s" % result)
        what = s3.python_code("h = s3.head_object(Bucket='bucket', Key='o.csv')\nprint(h['ContentLength'], h['ETag'])\n"
                              "print(s3.list_multipart_uploads(Bucket='bucket').get('Uploads', []))")
        check_equal(what.split("\n")[0].split()[0], str(len(many) + 1), "length")
        check(what.split("\n")[0].endswith('-3"'), "it did not go in three parts: " + what)
        check_equal(what.split("\n")[1], "[]", "unfinished uploads")
        check_equal(copies(box, "s3://bucket/o.csv", environment=s3.environment), many.replace(b"id,name\n", b"id,name\r\n"))


@test
def missing_credentials_say_where_they_were_looked_for(box):
    bare = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    bare.update(HOME=box.folder, AWS_EC2_METADATA_DISABLED="true", CAPI_S3_ENDPOINT="http://127.0.0.1:1")
    path = box.write("s.json", script(read=csv_reader(["s3://bucket/x.csv"], COLUMNS, "t"),
                                      write=csv_writer("t", COLUMNS, box.path("out/o.csv"))))
    check_fails(box.run(path, env=bare), 1, "no credentials", "AWS_ACCESS_KEY_ID", "~/.aws/credentials")
    os.mkdir(box.path(".aws"))
    box.write(".aws/credentials", "[default]\naws_access_key_id = A\naws_secret_access_key = B\n")
    check_fails(box.run(path, env={**bare, **QUICK}), 1, "s3://bucket/x.csv", "connect")


# ---- sftp ----

@test
def files_go_by_sftp_and_come_back(box):
    with Sftp(box) as sftp:
        source = box.write("in file.csv", ROWS)
        target = box.path("out/new/folder/o.csv")
        for _ in range(2):  # the second replaces the first
            result = copy(box, sftp.url(source), sftp.url(target), sftp.environment)
            check(result.code == 0, "the run failed: %s" % result)
            check_equal(box.read("out/new/folder/o.csv"), RESULT)
        check_equal(os.listdir(box.path("out/new/folder")), ["o.csv"], "the folder")
        check_fails(copy(box, sftp.url("/none/x.csv"), environment=sftp.environment), 1, sftp.url("/none/x.csv"))
        leaves = [name for name in os.listdir(box.path("state")) if name.startswith("temp-")]
        check_equal(leaves, [], "temporary folders")


@test
def strange_servers_and_users_are_refused(box):
    with Sftp(box) as sftp:
        source = sftp.url(box.write("in.csv", ROWS))
        stranger = box.write("others", "[127.0.0.1]:1 ssh-ed25519 " + "A" * 68 + "\n")
        check_fails(copy(box, source, environment={**sftp.environment, "CAPI_KNOWN_HOSTS": stranger}), 1, "host key", stranger)
        check_fails(copy(box, source, environment={**sftp.environment, "CAPI_KNOWN_HOSTS": box.path("none")}), 1, "known hosts",
                    box.path("none"))
        check_fails(copy(box, source.replace(sftp.user + "@", "somebody@"), environment=sftp.environment), 1, "somebody",
                    "private_keys")
        other = box.path("ssh/other")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
        check_fails(copy(box, source, environment={**sftp.environment, "CAPI_PRIVATE_KEYS": "%s:%s" % (sftp.user, other)}), 1,
                    source)
        leaves_nothing(box)
        trusting = {**sftp.environment, "CAPI_KNOWN_HOSTS": box.path("none"), "CAPI_CHECK_HOST_KEYS": "false"}
        check_equal(copies(box, source, environment=trusting), RESULT)


main()
