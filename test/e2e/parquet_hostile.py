#!/usr/bin/env python3
"""Parquet files that lie, bombs among them, and encrypted ones: an error that names the file and what is wrong, in bounded memory;
never a crash, never rows that are not there."""
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, ROOT, Result, Skip, check, check_equal, check_fails, main, script, test
from packages import python_with
from parquet_bytes import *

MEMORY = "128M"
# With what sanitizers take. Bombs want gigabytes.
RSS_MAX_MB = 700
BIG = 2 ** 31 - 1


def run_measured(box, name, columns, threads=1):
    """The result, and the peak memory in megabytes."""
    read, fields = {}, {}
    for number, (column, kind) in enumerate(columns.items()):
        read["c%d" % number] = {"parquet": {"col_name": column}, "col_type": kind}
        fields["f%d" % number] = {"expression": "r.c%d" % number, "type": kind}
    path = box.write("script.json", json.dumps(script(read={
        "type": "file_table", "r": {"urls": [box.path(name)], "columns": read}, "w": {"name": "rows", "fields": fields}})))
    options = os.environ.get("ASAN_OPTIONS", "")
    environment = {**os.environ, "ASAN_OPTIONS": options + (":" if options else "") + "quarantine_size_mb=8"}
    with open(box.path("err"), "wb") as err:
        process = subprocess.Popen([BINARY, "run", path, "--data", box.path("state"), "--keyspace", "test", "--memory", MEMORY,
                                    "--threads", str(threads)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err,
                                   cwd=ROOT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    result = Result(process.returncode, b"", box.read("err"))
    if b"not available in this build" in result.err:
        raise Skip("this build has no Parquet files")
    return result, usage.ru_maxrss / 1024


def check_refused(box, what, content, *words, columns=None):
    """By one thread, or by several, which cut large row groups."""
    box.write("forged.parquet", content)
    box.refused = getattr(box, "refused", 0) + 1
    result, megabytes = run_measured(box, "forged.parquet", columns or {"c": "int"}, 1 + 3 * (box.refused % 2))
    try:
        check_fails(result, 1, "forged.parquet", "1 node failed", *words)
    except AssertionError as error:
        raise AssertionError("%s: %s" % (what, error)) from None
    check(megabytes < RSS_MAX_MB, "%s: took %d MB" % (what, megabytes))


def check_read(box, content, columns, rows):
    """A file as it should be: what the forged ones differ from."""
    box.write("good.parquet", content)
    result, _ = run_measured(box, "good.parquet", columns)
    check(result.code == 0, str(result))
    check_equal(box.table("rows").decode().split("\n")[1:-1], rows)


def ints(pages, rows, **more):
    return Column("c", INT64, pages, rows, **more)


def texts(pages, rows, **more):
    return Column("c", BYTE_ARRAY, pages, rows, converted=UTF8, **more)


TWO = data_page(plain_ints([7, 8]), 2)


@test
def a_file_put_together_by_hand_is_read(box):
    check_read(box, parquet_file([ints([TWO], 2)], 2), {"c": "int"}, ["7", "8"])
    check_read(box, parquet_file([ints([data_page(levels(2) + plain_ints([7, 8]), 2)], 2, repetition=OPTIONAL)], 2), {"c": "int"},
               ["7", "8"])
    check_read(box, parquet_file([ints([data_page_v2(plain_ints([7, 8]), 2)], 2)], 2), {"c": "int"}, ["7", "8"])
    check_read(box, parquet_file([texts([dictionary_page(plain_texts([b"a", b"b"]), 2), data_page(b"\1\3\1", 2, RLE_DICTIONARY)],
                                        2, has_dictionary=True)], 2), {"c": "string"}, ["b", "a"])
    check_read(box, parquet_file([ints([data_page(snappy_zeros(1600), 200, unpacked=1600)], 200, codec=SNAPPY)], 200), {"c": "int"},
               ["0"] * 200)
    check_read(box, parquet_file([ints([data_page(gzip_bytes(2, b"\1" + bytes(7)), 2, unpacked=16)], 2, codec=GZIP)], 2),
               {"c": "int"}, ["1", "1"])


@test
def row_counts_that_are_not_true_are_refused(box):
    for what, content, words in (
            ("more rows than values", parquet_file([ints([TWO], 3)], 3), ["column \"c\"", "2 of 3 values"]),
            ("fewer rows than values", parquet_file([ints([TWO], 1)], 1), ["column \"c\"", "2 values", "1 rows"]),
            ("huge counts everywhere", parquet_file([ints([TWO], 2 ** 62)], 2 ** 62), []),
            ("a huge row group", parquet_file([ints([TWO], 2)], 2, group_rows=2 ** 62), ["row groups have", "footer says 2"]),
            ("row groups that overflow together",
             parquet_file([], 2, groups=[structure(f1=[], f2=0, f3=2 ** 63 - 1)] * 3), []),
            ("negative rows", parquet_file([ints([TWO], -2)], -2), ["-2 rows"]),
            ("a column of fewer values", parquet_file([ints([TWO], 2, values=1)], 2), ["has 1 values", "2 rows"]),
            ("a column of negative values", parquet_file([ints([TWO], 2, values=-2)], 2), ["-2 values"]),
            ("two columns of which one is shorter",
             parquet_file([ints([TWO], 2), Column("d", INT64, [data_page(plain_ints([1]), 1)], 2)], 2),
             ["column \"d\"", "1 of 2 values"])):
        columns = {"c": "int", "d": "int"} if "two columns" in what else {"c": "int"}
        check_refused(box, what, content, *words, columns=columns)


@test
def counts_in_pages_that_are_not_true_are_refused(box):
    few = plain_ints([7, 8])
    for what, page, rows in (
            ("values that are not there", data_page(few, 1000), 1000), ("huge count", data_page(few, BIG), BIG),
            ("negative count", data_page(few, -2), 2), ("another count than the row group", data_page(few, 1), 2),
            ("v2: more rows than values", data_page_v2(few, 2, rows=3), 2),
            ("v2: values that are not there", data_page_v2(few, BIG), BIG),
            ("v2: levels longer than the page", data_page_v2(few, 2, levels_bytes=1000), 2),
            ("v2: huge levels", data_page_v2(few, 2, levels_bytes=BIG, rep_bytes=BIG), 2),
            ("v2: negative levels", data_page_v2(few, 2, levels_bytes=-1), 2),
            ("an encoding that nobody knows", data_page(few, 2, encoding=77), 2),
            ("bit-packed integers", data_page(few, 2, encoding=BIT_PACKED), 2)):
        check_refused(box, what, parquet_file([ints([page], rows)], rows))
    for what, page, rows in (
            ("levels that are cut off", data_page(struct.pack("<I", BIG) + b"\4\1", 2), 2),
            ("levels of negative size", data_page(struct.pack("<i", -1) + b"\4\1" + few, 2), 2),
            ("fewer levels than values", data_page(levels(1) + few, 2), 2)):
        check_refused(box, what, parquet_file([ints([page], rows, repetition=OPTIONAL)], rows))


@test
def sizes_and_offsets_that_are_not_true_are_refused(box):
    few = plain_ints([7, 8])
    for what, content in (
            ("a page past its chunk", parquet_file([ints([data_page(few, 2, packed=BIG)], 2)], 2)),
            ("a page of negative size", parquet_file([ints([data_page(few, 2, packed=-16)], 2)], 2)),
            ("a page that unpacks to a negative size", parquet_file([ints([data_page(few, 2, unpacked=-1)], 2)], 2)),
            ("two sizes of a page that is not packed", parquet_file([ints([data_page(few, 2, unpacked=17)], 2)], 2)),
            ("a page that does not match its checksum", parquet_file([ints([data_page(few, 2, crc=I32(5))], 2)], 2)),
            ("a chunk past the file", parquet_file([ints([TWO], 2, size=2 ** 40)], 2)),
            ("a chunk of negative size", parquet_file([ints([TWO], 2, size=-1)], 2)),
            ("a chunk too short for its page", parquet_file([ints([TWO], 2, size=5)], 2)),
            ("a chunk of no bytes", parquet_file([ints([TWO], 2, size=0)], 2)),
            ("an offset past the file", parquet_file([ints([TWO], 2, offset=2 ** 62)], 2)),
            ("a negative offset", parquet_file([ints([TWO], 2, offset=-4)], 2)),
            ("the first byte of the file as a page", parquet_file([ints([TWO], 2, offset=0)], 2)),
            ("the footer as a page", parquet_file([ints([TWO], 2, offset=4 + len(TWO))], 2)),
            ("a dictionary behind the data", parquet_file([ints([TWO, TWO], 4, dictionary=4 + len(TWO), offset=5)], 4)),
            ("pages of no values for ever", parquet_file([ints([data_page(b"", 0)] * 5000, 2)], 2)),
            ("a footer longer than the file", parquet_file([ints([TWO], 2)], 2, footer_bytes=BIG)),
            ("a footer of 4 GiB", parquet_file([ints([TWO], 2)], 2, footer_bytes=0xffffffff)),
            ("a footer of no bytes", parquet_file([ints([TWO], 2)], 2, footer_bytes=0)),
            ("half a footer", parquet_file([ints([TWO], 2)], 2, footer_bytes=20)),
            ("a file that is cut off", parquet_file([ints([TWO], 2)], 2)[:-9]),
            ("only the ends of a file", b"PAR1PAR1"), ("a short file", b"PAR1"), ("an empty file", b""),
            ("no Parquet file", b"a,b\n1,2\n" * 100)):
        check_refused(box, what, content)


@test
def columns_that_share_their_bytes_are_read_or_refused(box):
    content = parquet_file([ints([TWO], 2), Column("d", INT64, [TWO], 2, offset=4)], 2)
    box.write("forged.parquet", content)
    result, _ = run_measured(box, "forged.parquet", {"c": "int", "d": "int"})
    if result.code == 0:
        check_equal(box.table("rows"), b"f0,f1\r\n7,7\n8,8\n")
    else:
        check_fails(result, 1, "forged.parquet")


def gibibyte(codec):
    """A gibibyte of zeros, packed."""
    if codec == GZIP:
        return gzip_bytes(1024, bytes(1 << 20))
    if codec == SNAPPY:
        return snappy_zeros(1 << 30)
    code = {ZSTD: "zstd", BROTLI: "brotli", LZ4_RAW: "lz4_raw"}[codec]
    done = subprocess.run([python_with("pyarrow"), "-c", "import pyarrow as pa, sys\nsys.stdout.buffer.write("
                           "pa.compress(bytes(1 << 30), sys.argv[1], asbytes=True))", code], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Skip("pyarrow cannot pack with %s" % code)
    return done.stdout


@test
def bombs_are_refused_in_bounded_memory(box):
    for codec in (GZIP, SNAPPY, ZSTD, BROTLI, LZ4_RAW):
        bomb = gibibyte(codec)
        name = "codec %d" % codec
        rows = 1 << 27
        check_refused(box, name + ", true to its size", parquet_file([ints([data_page(bomb, rows, unpacked=1 << 30)], rows, codec=codec)],
                                                                     rows), "memory")
        check_refused(box, name + ", a small size", parquet_file([ints([data_page(bomb, 2, unpacked=16)], 2, codec=codec)], 2),
                      "page")
        check_refused(box, name + ", a dictionary", parquet_file(
            [ints([dictionary_page(bomb, rows, unpacked=1 << 30), data_page(b"\1\4\0", 2, RLE_DICTIONARY)], 2, codec=codec,
                  has_dictionary=True)], 2), "memory")
        check_refused(box, name + ", v2", parquet_file([ints([data_page_v2(bomb, 2, unpacked=16)], 2, codec=codec)], 2), "page")


@test
def pages_that_claim_gigabytes_are_refused(box):
    for codec in (SNAPPY, GZIP, ZSTD, BROTLI, LZ4, LZ4_RAW):
        for page in (data_page(b"\0\1\2", 2, unpacked=BIG), data_page_v2(b"\0\1\2", 2, unpacked=BIG),
                     data_page(b"", 2, unpacked=BIG), data_page(varint(BIG) + b"\0\0", 2, unpacked=1 << 20)):
            check_refused(box, "codec %d" % codec, parquet_file([ints([page], 2, codec=codec)], 2))


@test
def dictionaries_that_lie_are_refused(box):
    entries = dictionary_page(plain_ints([5, 6]), 2)

    def indexes(payload, values=2):
        return data_page(payload, values, RLE_DICTIONARY)

    for what, pages in (
            ("an index past the end", [entries, indexes(b"\3\4\5")]), ("no dictionary", [indexes(b"\1\4\0")]),
            ("two dictionaries", [entries, entries, indexes(b"\1\4\0")]),
            ("more entries than bytes", [dictionary_page(plain_ints([5]), BIG), indexes(b"\1\4\0")]),
            ("negative entries", [dictionary_page(plain_ints([5]), -1), indexes(b"\1\4\0")]),
            ("indexes of 255 bits", [entries, indexes(b"\xff\4" + b"\1" * 40)]),
            ("indexes that end", [entries, indexes(b"\1")]), ("no indexes", [entries, indexes(b"")]),
            ("a run that is too short", [entries, indexes(b"\1\2\0")]),
            ("a dictionary alone", [entries])):
        check_refused(box, what, parquet_file([ints(pages, 2, has_dictionary=True)], 2))
    short = dictionary_page(struct.pack("<I", BIG) + b"abc", 1)
    check_refused(box, "a text longer than the page", parquet_file([texts([short, indexes(b"\1\4\0")], 2, has_dictionary=True)], 2),
                  columns={"c": "string"})


@test
def deltas_that_lie_are_refused(box):
    def head(block, parts, count, first=0):
        return varint(block) + varint(parts) + varint(count) + zigzag(first)

    for what, payload in (
            ("a huge block", head(2 ** 40, 4, 2)), ("no parts", head(128, 0, 2)), ("a block of nothing", head(0, 4, 2)),
            ("a huge number of parts", head(128, 2 ** 40, 2)), ("a huge count", head(128, 4, 2 ** 40)),
            ("parts of 255 bits", head(128, 4, 2) + zigzag(0) + b"\xff\xff\xff\xff" + bytes(64)),
            ("deltas that are cut off", head(128, 4, 2)), ("nothing", b"")):
        check_refused(box, what, parquet_file([ints([data_page(payload, 2, DELTA_BINARY)], 2)], 2))
    # Every text is the one before and a byte: n texts take n * n / 2 bytes.
    count = 100_000
    growing = head(128, 4, count) + (zigzag(1) + bytes(4)) * -(-(count - 1) // 128)
    ones = head(128, 4, count, 1) + (zigzag(0) + bytes(4)) * -(-(count - 1) // 128)
    bomb = data_page(growing + ones + b"x" * count, count, DELTA_BYTES)
    check_refused(box, "texts that grow", parquet_file([texts([bomb], count)], count), columns={"c": "string"})
    for what, payload, encoding in (
            ("lengths below 0", head(128, 4, 2, -5) + zigzag(0) + bytes(4), DELTA_LENGTH),
            ("lengths past the page", head(128, 4, 2, BIG) + zigzag(0) + bytes(4) + b"ab", DELTA_LENGTH),
            ("prefixes past the text", head(128, 4, 2, 7) + zigzag(0) + bytes(4) + head(128, 4, 2, 1) + zigzag(0) + bytes(4) + b"ab",
             DELTA_BYTES),
            ("more prefixes than texts", head(128, 4, 2, 0) + zigzag(0) + bytes(4) + head(128, 4, 1, 1) + b"ab", DELTA_BYTES)):
        check_refused(box, what, parquet_file([texts([data_page(payload, 2, encoding)], 2)], 2), columns={"c": "string"})
    good = head(128, 4, 2, 0) + zigzag(1) + bytes(4) + head(128, 4, 2, 2) + zigzag(-1) + bytes(4) + b"abc"
    check_read(box, parquet_file([texts([data_page(good, 2, DELTA_BYTES)], 2)], 2), {"c": "string"}, ["ab", "ac"])


@test
def texts_that_are_none_are_refused(box):
    for what, payload in (("a length past the page", struct.pack("<I", BIG) + b"ab"), ("no UTF-8", plain_texts([b"\xff\xfe"])),
                          ("half a letter", plain_texts([b"a\xc3"])), ("a page that ends", struct.pack("<I", 2) + b"a")):
        check_refused(box, what, parquet_file([texts([data_page(payload, 1)], 1)], 1), columns={"c": "string"})


@test
def schemas_that_lie_are_refused(box):
    root, leaf = structure(f4="root", f5=I32(1)), Column("c", INT64, [TWO], 2).element()
    deep = [structure(f4="n", f5=I32(1))] * 20000
    huge_list = RawList(list_of(12, 2 ** 31 - 1, b""))
    nested = Raw(b"\x2c" * 100000)
    for what, content in (
            ("children that are not there", parquet_file([ints([TWO], 2)], 2, root_children=1000)),
            ("a huge number of children", parquet_file([ints([TWO], 2)], 2, root_children=BIG)),
            ("a negative number of children", parquet_file([ints([TWO], 2)], 2, root_children=-1)),
            ("no schema", parquet_file([ints([TWO], 2)], 2, schema=[structure(f4="root")])),
            ("columns that nobody mentions", parquet_file([ints([TWO], 2)], 2, schema=[root, leaf, leaf])),
            ("20,000 levels", parquet_file([ints([TWO], 2)], 2, schema=[root] + deep + [leaf])),
            ("a row group of fewer columns", parquet_file([ints([TWO], 2)], 2, group_columns=0)),
            ("a list of 2^31 row groups", parquet_file([ints([TWO], 2)], 2, footer=structure(
                f1=I32(1), f2=[root, leaf], f3=2, f4=huge_list))),
            ("a schema of 2^31 elements", parquet_file([ints([TWO], 2)], 2, footer=structure(
                f1=I32(1), f2=huge_list, f3=2, f4=[structure(f1=[], f2=0, f3=2)]))),
            ("structs in structs", parquet_file([ints([TWO], 2)], 2, footer=nested)),
            ("a footer of zeros", parquet_file([ints([TWO], 2)], 2, footer=bytes(100)))):
        check_refused(box, what, content)
    for length in (0, -1, BIG, 1000):
        column = Column("c", FIXED, [data_page(b"\1" * 16, 2)], 2, type_length=length, converted=DECIMAL, scale=2, precision=9)
        check_refused(box, "decimals of %d bytes" % length, parquet_file([column], 2), columns={"c": "decimal2"})


ENCRYPT = """
import base64, sys, pyarrow as pa, pyarrow.parquet as pq, pyarrow.parquet.encryption as pe

class Client(pe.KmsClient):
    def __init__(self, settings):
        pe.KmsClient.__init__(self)
    def wrap_key(self, key, name):
        return base64.b64encode(key)
    def unwrap_key(self, key, name):
        return base64.b64decode(key)

path, is_plain = sys.argv[1], sys.argv[2] == "plain"
table = pa.table({"c": pa.array(range(1000), pa.int64()), "open": pa.array(range(1000), pa.int64())})
settings = pe.EncryptionConfiguration(footer_key="f", column_keys={"k": ["c"]}, plaintext_footer=is_plain)
factory = pe.CryptoFactory(lambda settings: Client(settings))
properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), settings)
with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
    writer.write_table(table)
"""


def encrypt(box, how):
    done = subprocess.run([python_with("pyarrow"), "-c", ENCRYPT, box.path("secret.parquet"), how], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise Skip("this pyarrow cannot encrypt: %s" % done.stdout.decode().strip().split("\n")[-1])


@test
def encrypted_files_are_refused_as_such(box):
    encrypt(box, "closed")
    result, _ = run_measured(box, "secret.parquet", {"c": "int"})
    check_fails(result, 1, "secret.parquet", "encrypted")


@test
def of_a_file_with_encrypted_columns_the_others_are_read(box):
    encrypt(box, "plain")
    result, _ = run_measured(box, "secret.parquet", {"c": "int"})
    check_fails(result, 1, "secret.parquet", "\"c\"", "encrypted")
    result, _ = run_measured(box, "secret.parquet", {"open": "int"})
    check(result.code == 0, str(result))
    check_equal(box.table("rows").decode().split("\n")[1:-1], [str(number) for number in range(1000)])


if __name__ == "__main__":
    main()
