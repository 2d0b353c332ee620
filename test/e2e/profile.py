#!/usr/bin/env python3
"""table profile against the same calculation in Python: all types, no rows, one row, extreme numbers, long and odd strings."""
import collections
import csv
import io
import json
import math
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, check_equal, csv_reader, main, script, test

COLUMNS = {"i": "int", "f": "float", "d": "decimal2", "b": "bool", "s": "string", "t": ("datetime", "2006-01-02T15:04:05.000")}
BUCKETS, TOP, COUNTED = 16, 5, 16384
EMPTY = {"i": 0, "f": 0.0, "d": 0, "b": False, "s": "", "t": -2177452800000}
MS_A_DAY = 86400000


def civil(days):
    """Year, month, day of a day since 1970 (proleptic Gregorian)."""
    shifted = days + 719468
    era = shifted // 146097
    doe = shifted - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    month = (5 * doy + 2) // 153
    return yoe + era * 400 + (month >= 10), month + 3 if month < 10 else month - 9, doy - (153 * month + 2) // 5 + 1


def moment(ms):
    rest = ms % MS_A_DAY
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03d" % (*civil(ms // MS_A_DAY), rest // 3600000, rest // 60000 % 60, rest // 1000 % 60,
                                                  rest % 1000)


def cents(value):
    return "%s%d.%02d" % ("-" if value < 0 else "", abs(value) // 100, abs(value) % 100)


TEXT = {"i": str, "f": repr, "d": cents, "b": lambda value: str(value).lower(), "s": str, "t": moment}
SHOWN = {**TEXT, "t": lambda ms: moment(ms) + "Z"}


def profile_of(box, rows, *arguments):
    """The program's profile of the rows (of Python values; strings may be bytes), column by column."""
    names = list(rows[0]) if rows else list(COLUMNS)
    out = [",".join(names).encode()]
    for row in rows:
        cells = [row[name] if isinstance(row[name], bytes) else TEXT[name](row[name]).encode() for name in names]
        out.append(b",".join(b'"' + cell.replace(b'"', b'""') + b'"' for cell in cells))
    url = box.write("in.csv", b"\n".join(out) + b"\n")
    path = box.write("s.json", script(read=csv_reader([url], {name: COLUMNS[name] for name in names}, "t")))
    box.run_well(path)
    result = box.capi("table", "profile", "t", "--keyspace", "test", "--data", box.path("state"), "--output", "json", *arguments)
    check_equal(result.code, 0, str(result))
    found = json.loads(result.out.decode("utf-8"))
    check_equal(found["rows"], len(rows), "rows")
    return {column["name"]: column for column in found["columns"]}


def number_text(name, text):
    """Floats are written in several ways; the rest in one."""
    return float(text) if name == "f" and text is not None else text


def expected_histogram(name, values):
    low, high = min(values), max(values)
    if name in "bs" or low == high:
        return None
    counts = [0] * BUCKETS
    for value in values:
        if name == "f":
            scale = 1 if math.isfinite(high - low) else 0.5  # the width itself may be no double
            bucket = int((value * scale - low * scale) / (high * scale - low * scale) * BUCKETS)
        else:
            bucket = (value - low) * BUCKETS // (high - low)
        counts[min(BUCKETS - 1, bucket)] += 1
    return counts


def check_column(name, found, values):
    """values: of Python, without NaN."""
    counts = collections.Counter(values)
    what = "column %s: " % name
    check_equal(found["empty"], counts[EMPTY[name]], what + "empty")
    check_equal(number_text(name, found["minimum"]), number_text(name, SHOWN[name](min(values))), what + "minimum")
    check_equal(number_text(name, found["maximum"]), number_text(name, SHOWN[name](max(values))), what + "maximum")
    check_equal(found["exact"], len(counts) <= COUNTED, what + "exact")
    if found["exact"]:
        check_equal(found["distinct"], len(counts), what + "distinct")
    else:
        check(abs(found["distinct"] - len(counts)) < 0.03 * len(counts), "%s: %d" % (what, found["distinct"]))
    by_text = {number_text(name, SHOWN[name](value)): count for value, count in counts.items()}
    for top in found["frequent"]:
        check_equal(top["count"], by_text[number_text(name, top["value"])], what + "count of " + top["value"])
    wanted = sorted(counts.values(), reverse=True)[:TOP]
    if found["exact"]:
        check_equal([top["count"] for top in found["frequent"]], wanted, what + "most frequent")
    else:
        listed = [top["count"] for top in found["frequent"]]
        check_equal(listed, wanted[:len(listed)], what + "most frequent")
        check(len(listed) == TOP or wanted[len(listed)] <= found["others_at_most"], what + str(found))
    histogram, wanted = found.get("histogram"), expected_histogram(name, values)
    if histogram and wanted and name == "f":  # a value on a border may fall to either side
        check_equal(sum(histogram), sum(wanted), what + "histogram")
        check(all(abs(a - b) <= 2 for a, b in zip(histogram, wanted)), "%s%s, expected %s" % (what, histogram, wanted))
    else:
        check_equal(histogram, wanted, what + "histogram")


def random_value(rng, name, few):
    if name == "i":
        return rng.randrange(-20, 20) if few else rng.randrange(-2**63, 2**63)
    if name == "f":
        return float(rng.randrange(0, 9)) / 4 if few else rng.gauss(0, 1) * 10 ** rng.randrange(0, 6)
    if name == "d":
        return rng.randrange(-300, 300) if few else rng.randrange(-10**14, 10**14)
    if name == "b":
        return rng.random() < 0.3
    if name == "s":
        return rng.choice(["", "a", "b", "\u00e4", "Z", "zz"]) if few else "%x %s" % (rng.getrandbits(40), "x" * rng.randrange(40))
    return rng.randrange(-40, 40) * MS_A_DAY if few else rng.randrange(-62135596800000, 253402300800000)


def check_random(box, seed, row_count, few, names=tuple(COLUMNS)):
    rng = random.Random(seed)
    rows = [{name: random_value(rng, name, few) for name in names} for _ in range(row_count)]
    found = profile_of(box, rows)
    for name in names:
        check_column(name, found[name], [row[name] for row in rows])


@test
def few_different_values_are_counted_exactly(box):
    check_random(box, 1, 3000, True)


@test
def many_different_values_are_described(box):
    check_random(box, 2, 3000, False)


@test
def one_row_is_a_table_too(box):
    for seed in range(3):
        check_random(box, seed, 1, seed == 0)


@test
def more_values_than_are_counted_are_estimated(box):
    check_random(box, 3, 60000, False, ("i", "s", "t"))


@test
def frequent_values_are_found_among_many(box):
    rng = random.Random(4)
    rows = [{"i": rng.randrange(10**15)} for _ in range(40000)]
    for value, count in ((7, 9000), (-1, 8000), (0, 7999), (5, 6000)):
        rows += [{"i": value}] * count
    rng.shuffle(rows)
    found = profile_of(box, rows)["i"]
    check_column("i", found, [row["i"] for row in rows])
    check_equal([(top["value"], top["count"]) for top in found["frequent"]][:4],
                [("7", 9000), ("-1", 8000), ("0", 7999), ("5", 6000)])


@test
def a_table_without_rows_has_no_extremes(box):
    found = profile_of(box, [])
    check_equal(sorted(found), sorted(COLUMNS))
    for name, column in found.items():
        check_equal((column["minimum"], column["maximum"], column["distinct"], column["exact"], column["empty"], column["frequent"]),
                    (None, None, 0, True, 0, []), name)
        check("histogram" not in column, name)
    result = box.capi("table", "profile", "t", "--keyspace", "test", "--data", box.path("state"))
    check_equal(result.code, 0, str(result))
    rows = list(csv.DictReader(io.StringIO(box.capi("table", "profile", "t", "--keyspace", "test", "--data", box.path("state"),
                                                    "--output", "csv").out.decode())))
    check_equal([row["rows"] for row in rows], ["0"] * len(COLUMNS))


@test
def extreme_numbers_keep_their_digits_and_their_bucket(box):
    ints = [2**63 - 1, -2**63, 0, 1, -1]
    check_column("i", profile_of(box, [{"i": value} for value in ints])["i"], ints)
    near = [2**62 + i for i in range(40)]  # the same double, nearly
    check_column("i", profile_of(box, [{"i": value} for value in near])["i"], near)
    floats = [1.7e308, -1.7e308, 0.0, 1.0, 5e-324]
    check_column("f", profile_of(box, [{"f": value} for value in floats])["f"], floats)
    decimals = [2**63 - 1, -2**63, 0, 10, 100]
    check_column("d", profile_of(box, [{"d": value} for value in decimals])["d"], decimals)


@test
def what_is_no_number_is_neither_empty_nor_extreme(box):
    values = [math.nan, 2.5, math.inf, -1.0, math.nan, 0.0, -math.inf]
    found = profile_of(box, [{"f": str(value).encode()} for value in values])["f"]
    check_equal((found["empty"], found["distinct"], found["exact"]), (1, 6, True), str(found))
    check_equal((found["minimum"], found["maximum"]), ("-Inf", "+Inf"))
    check_equal(found["frequent"][0], {"value": "NaN", "count": 2})
    found = profile_of(box, [{"f": b"NaN"}, {"f": b"NaN"}])["f"]
    check_equal((found["minimum"], found["maximum"], found["empty"]), (None, None, 0))


@test
def long_strings_are_whole_for_programs(box):
    long = ["x" * 5000 + end for end in ("1", "1", "2", "")] + ["\u00fc" * 70000]
    check_column("s", profile_of(box, [{"s": value} for value in long])["s"], long)


@test
def odd_strings_stay_apart(box):
    odd = [b"quote \" and \\", b"line\nend", b"\x1b[2J\xc2\x9b31m", b"null", b" "]
    found = profile_of(box, [{"s": value} for value in odd])["s"]
    check_equal(found["distinct"], len(odd))
    check_equal({top["value"].encode() for top in found["frequent"]} - set(odd), set())
    result = box.capi("table", "profile", "t", "--keyspace", "test", "--data", box.path("state"))
    check(b"\x1b" not in result.out and b"\xc2\x9b" not in result.out, str(result))


@test
def the_result_does_not_depend_on_threads(box):
    rng = random.Random(5)
    profile_of(box, [{name: random_value(rng, name, name in "bs") for name in COLUMNS} for _ in range(30000)])
    words = ["table", "profile", "t", "--keyspace", "test", "--data", box.path("state"), "--output", "json", "--threads"]
    check_equal(box.capi(*words, "1").out, box.capi(*words, "7").out)


main()
