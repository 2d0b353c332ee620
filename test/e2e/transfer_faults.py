#!/usr/bin/env python3
"""Refusals, expired keys, servers that take or send half: every error names the URL and the cause, and nothing is left in temporary
folders. Faults of downloads by http are in transports.py, those of ranges in parquet_ranges.py."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, check_equal, check_fails, csv_reader, csv_writer, main, script, test
from servers import HttpServer, Sftp

COLUMNS = {"id": "int", "name": "string"}
ROWS = b"id,name\n" + b"".join(b"%d,name %d\n" % (i, i) for i in range(20000))
LARGE = b"id,name\n" + b"".join(b"%d,%s\n" % (i, b"x" * 200) for i in range(180000))  # goes to s3 in three parts
RESULT = b"id,name\r\n" + ROWS.split(b"\n", 1)[1]
QUICK = {"CAPI_TRANSFER_IDLE_TIMEOUT": "700", "CAPI_TRANSFER_RETRY_BUDGET": "3000"}
BARE = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOLD", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "old", "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true"}


def refusal(code, message):
    return ("<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s</Message></Error>" % (code, message)).encode()


def copy(box, source, target=None, **environment):
    path = box.write("s.json", script(read=csv_reader([source], COLUMNS, "t"),
                                      write=csv_writer("t", COLUMNS, target or box.path("out/o.csv"))))
    return box.run(path, env={**BARE, "HOME": box.folder, **QUICK, **environment})


def copies(box, *arguments, **environment):
    result = copy(box, *arguments, **environment)
    check(result.code == 0, "the run failed: %s" % result)
    return result


def fails(box, result, url, *words):
    """The message names the URL and the cause; nothing lies about."""
    check_fails(result, 1, url, *words)
    check_equal(box.out_files(), [], "what lies in the output folder")
    left = [os.path.join(folder, name) for folder, _, names in os.walk(box.path("state")) for name in names
            if "/temp-" in folder or re.search(r"\.download|upload|unpacked", name)]
    check_equal(left, [], "temporary files")


def take(handler, bytes_at_most=1 << 60):
    """Reads what is sent, or its beginning; the bytes."""
    length = int(handler.headers.get("Content-Length", 0))
    taken = handler.rfile.read(min(length, bytes_at_most))
    if len(taken) < length:
        handler.close_connection = True
    return taken


# ---- what a server says no to ----

@test
def refusals_of_s3_are_told(box):
    kinds = {"ExpiredToken": 400, "InvalidAccessKeyId": 403, "SignatureDoesNotMatch": 403, "AccessDenied": 403, "NoSuchKey": 404}
    source = box.write("in.csv", ROWS)
    for code, status in kinds.items():
        def page(handler, count, body):
            take(handler)
            handler.say(status, refusal(code, "words of " + code))

        with HttpServer({"/bucket/x.csv": page}) as server:
            for arguments in (("s3://bucket/x.csv",), (source, "s3://bucket/x.csv")):
                fails(box, copy(box, *arguments, CAPI_S3_ENDPOINT=server.url(""), **KEYS), "s3://bucket/x.csv", str(status), code,
                      "words of " + code)
            check(len(server.requests) <= 6, "%s: %d requests" % (code, len(server.requests)))


@test
def missing_credentials_are_told_with_the_url(box):
    source = box.write("in.csv", ROWS)
    environment = {"CAPI_S3_ENDPOINT": "http://127.0.0.1:1", "AWS_EC2_METADATA_DISABLED": "true"}
    fails(box, copy(box, "s3://bucket/x.csv", **environment), "cannot read \"s3://bucket/x.csv\"", "no credentials")
    fails(box, copy(box, source, "s3://bucket/o.csv", **environment), "cannot write \"s3://bucket/o.csv\"", "no credentials")
    result = box.run(box.write("w.json", script(read=csv_reader(["s3://bucket/*.csv"], COLUMNS, "t"))),
                     env={**BARE, "HOME": box.folder, **environment})
    check_fails(result, 2, "s3://bucket/*.csv", "no credentials")


class Role:
    """The server that gives an instance its keys; the first ones are refused by the bucket."""

    def __init__(self, expiration):
        self.given = 0
        self.expiration = expiration
        base = "/latest/meta-data/iam/security-credentials/"
        self.pages = {"/latest/api/token": lambda h, n, body: (take(h), h.say(200, b"token")),
                      base: lambda h, n, body: h.say(200, b"role"), base + "role": self.keys, "/bucket/in.csv": self.bucket}

    def keys(self, handler, count, body):
        self.given += 1
        handler.say(200, ('{"Code": "Success", "AccessKeyId": "AKIA%d", "SecretAccessKey": "s", "Token": "token%d", "Expiration": '
                          '"%s"}' % (self.given, self.given, self.expiration)).encode())

    def bucket(self, handler, count, body):
        if "AKIA1/" in handler.headers.get("Authorization", ""):
            handler.say(400, refusal("ExpiredToken", "The provided token has expired."))
        else:
            handler.file(ROWS, body)


@test
def expired_keys_of_a_role_are_asked_for_again(box):
    for expiration in ("2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z"):  # refused unexpectedly; known to be old
        role = Role(expiration)
        with HttpServer(role.pages) as server:
            copies(box, "s3://bucket/in.csv", CAPI_S3_ENDPOINT=server.url(""), AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url(""),
                   AWS_REGION="us-east-1")
            check_equal(box.read("out", "o.csv"), RESULT)
            check(role.given >= 2, "keys were asked for %d times" % role.given)
        os.unlink(box.path("out/o.csv"))


# ---- uploads that do not arrive ----

@test
def an_upload_that_is_refused_or_breaks_off_is_given_up(box):
    source = box.write("in.csv", ROWS)
    pages = {"500": lambda h, n, body: (take(h), h.say(500, refusal("InternalError", "sick"))),
             "cannot write": lambda h, n, body: take(h, 50000)}
    for word, page in pages.items():
        with HttpServer({"/bucket/o.csv": page}) as server:
            fails(box, copy(box, source, "s3://bucket/o.csv", CAPI_S3_ENDPOINT=server.url(""), **KEYS), "s3://bucket/o.csv", word,
                  "attempts")
            check(len(server.requests) >= 3, "it was tried %d times" % len(server.requests))


@test
def an_upload_that_breaks_off_once_is_sent_again(box):
    source = box.write("in.csv", ROWS)
    kept = []

    def page(handler, count, body):
        if count == 1:
            take(handler, 50000)
            return
        kept.append(take(handler))
        handler.say(200, ETag='"v1"')

    with HttpServer({"/bucket/o.csv": page}) as server:
        copies(box, source, "s3://bucket/o.csv", CAPI_S3_ENDPOINT=server.url(""), **KEYS)
        check_equal(kept, [RESULT], "what arrived")


@test
def parts_are_taken_back_when_one_is_refused(box):
    source = box.write("in.csv", LARGE)

    def page(handler, count, body):
        take(handler)
        if "uploads=" in handler.path:
            handler.say(200, b"<InitiateMultipartUploadResult><UploadId>id1</UploadId></InitiateMultipartUploadResult>")
        elif handler.command == "DELETE":
            handler.say(204)
        elif "partNumber=2" in handler.path:
            handler.say(403, refusal("AccessDenied", "not this one"))
        else:
            handler.say(200, ETag='"part"')

    with HttpServer({"/bucket/o.csv": page}) as server:
        fails(box, copy(box, source, "s3://bucket/o.csv", CAPI_S3_ENDPOINT=server.url(""), **KEYS), "s3://bucket/o.csv", "403",
              "AccessDenied", "not this one")
        check_equal([method for method, _, _ in server.requests], ["POST", "PUT", "PUT", "DELETE"], "requests")
        check("uploadId=id1" in server.requests[-1][1], "what is taken back: %s" % server.requests[-1][1])


class Parts:
    """A bucket that takes uploads in parts, and answers as the test says: lists of answers, the last one for ever."""

    def __init__(self, begin=None, complete=None):
        started = b"<InitiateMultipartUploadResult><UploadId>id1</UploadId></InitiateMultipartUploadResult>"
        self.begin = begin or [started]
        self.complete = complete or [b"<CompleteMultipartUploadResult><ETag>x-3</ETag></CompleteMultipartUploadResult>"]
        self.seen = []

    def page(self, handler, count, body):
        take(handler)
        kind = "begin" if "uploads=" in handler.path else "complete" if handler.command == "POST" else handler.command
        self.seen.append(kind)
        answers = {"begin": self.begin, "complete": self.complete}.get(kind)
        if answers:
            handler.say(200, answers[min(self.seen.count(kind), len(answers)) - 1])
        else:
            handler.say(204 if kind == "DELETE" else 200, ETag='"part"')


@test
def an_error_that_comes_with_200_is_given_up_within_the_budget(box):
    source = box.write("in.csv", LARGE)
    sick = refusal("InternalError", "words of it")
    for bucket, words in ((Parts(complete=[sick]), ("InternalError", "words of it")), (Parts(complete=[b""]), ("XML",)),
                          (Parts(begin=[b"<x/>"]), ("begins no upload",)), (Parts(begin=[sick]), ("InternalError",))):
        with HttpServer({"/bucket/o.csv": bucket.page}) as server:
            fails(box, copy(box, source, "s3://bucket/o.csv", CAPI_S3_ENDPOINT=server.url(""), **KEYS),
                  "cannot write \"s3://bucket/o.csv\"", "attempts", *words)
        tried = max(bucket.seen.count("begin"), bucket.seen.count("complete"))
        check(2 <= tried <= 8, "it was tried %d times: %s" % (tried, bucket.seen))
        check(bucket.seen.count("PUT") in (0, 3), "the parts were sent again: %s" % bucket.seen)
        check_equal(bucket.seen.count("DELETE"), bucket.seen.count("PUT") // 3, "what is taken back: %s" % bucket.seen)


@test
def an_error_that_comes_with_200_and_will_not_pass_is_told_at_once(box):
    source = box.write("in.csv", LARGE)
    bucket = Parts(complete=[refusal("InvalidPart", "which one")])
    with HttpServer({"/bucket/o.csv": bucket.page}) as server:
        fails(box, copy(box, source, "s3://bucket/o.csv", CAPI_S3_ENDPOINT=server.url(""), **KEYS),
              "cannot write \"s3://bucket/o.csv\"", "InvalidPart", "which one")
    check_equal(bucket.seen, ["begin", "PUT", "PUT", "PUT", "complete", "DELETE"], "requests")


@test
def an_upload_whose_end_fails_once_is_ended_again_and_not_sent_again(box):
    source = box.write("in.csv", LARGE)
    bucket = Parts(complete=[refusal("InternalError", "sick"), Parts().complete[0]])
    with HttpServer({"/bucket/o.csv": bucket.page}) as server:
        copies(box, source, "s3://bucket/o.csv", CAPI_S3_ENDPOINT=server.url(""), **KEYS)
    check_equal(bucket.seen, ["begin", "PUT", "PUT", "PUT", "complete", "complete"], "requests")


# ---- sftp ----

@test
def strangers_are_told_with_the_url(box):
    with Sftp(box) as sftp:
        path = box.write("in.csv", ROWS)
        stranger = box.write("others", "[127.0.0.1]:1 ssh-ed25519 " + "A" * 68 + "\n")
        environment = {name: value for name, value in sftp.environment.items() if name.startswith("CAPI_")}
        for hosts in (stranger, box.path("none")):
            for arguments in ((sftp.url(path),), (path, sftp.url(box.path("out/o.csv")))):
                fails(box, copy(box, *arguments, **{**environment, "CAPI_KNOWN_HOSTS": hosts}), arguments[-1],
                      "host key" if hosts == stranger else "known hosts", hosts)


@test
def a_place_that_cannot_be_written_is_told(box):
    with Sftp(box) as sftp:
        path = box.write("in.csv", ROWS)
        box.write("file", b"")
        environment = {name: value for name, value in sftp.environment.items() if name.startswith("CAPI_")}
        target = sftp.url(box.path("file/o.csv"))
        fails(box, copy(box, path, target, **environment), "cannot write \"%s\"" % target)
        os.makedirs(box.path("away/o.csv/full"))
        target = sftp.url(box.path("away/o.csv"))
        fails(box, copy(box, path, target, **environment), "cannot write \"%s\"" % target)
        check_equal(os.listdir(box.path("away")), ["o.csv"], "what lies beside the target")


main()
