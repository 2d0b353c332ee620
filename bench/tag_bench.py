#!/usr/bin/env python3
"""Measures tag_and_denormalize with thousands of regular expressions over one field.

    ./dev bench tags                                2,150 criteria, 20,000 rows of about 500 bytes
    ./dev bench tags --criteria 500 --rows 5000     fewer

The criteria are re.MatchString(`"k":"[^"]*Word[^"]*"`, r.spec), with several keys and many words; then the same without regard
to case, and with a choice of two words. First the criteria alone, in one program that matches them together and then one after
the other, and checks that both find the same; then whole runs of the product with all criteria and with one. All on one core.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "build", "bench", "tags")
ROW_BYTES = 500
KINDS = ["exact", "any case", "choices"]


def one_core():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def make_words(rng, count):
    words = set()
    while len(words) < count:
        words.add("".join(rng.choice("bcdfglmnprst") + rng.choice("aeiou") for _ in range(rng.randint(2, 5))).capitalize())
    return sorted(words)


def make_patterns(keys, words, count):
    """Key by key, so that every word is asked for with several keys if there are more criteria than words."""
    pairs = [(key, word) for key in keys for word in words]
    return ['"%s":"[^"]*%s[^"]*"' % pair for pair in pairs[:count]]


def make_text(rng, keys, words):
    """A JSON object of ROW_BYTES bytes or a little more; its words are seldom those that are asked for."""
    parts, size = [], 2
    while size < ROW_BYTES:
        part = '"%s":"%s"' % (keys[len(parts) % len(keys)], " ".join(rng.choice(words) for _ in range(rng.randint(1, 4))))
        parts.append(part)
        size += len(part) + 1
    return "{%s}" % ",".join(parts)


def fewer(arguments):
    """Rows for patterns that take long one after the other."""
    return max(1, arguments.rows // 10)


def make_data(arguments):
    rng = random.Random(42)
    words = make_words(rng, max(1, arguments.criteria // arguments.keys) + arguments.other_words)
    rng.shuffle(words)
    asked = words[arguments.other_words:]
    keys = ["k"] + make_words(rng, 11)
    patterns = make_patterns(keys[:arguments.keys], asked, arguments.criteria)
    kinds = {"exact": patterns, "any case": ["(?i)" + pattern.lower() for pattern in patterns],
             "choices": [re.sub("[A-Z][a-z]+", lambda word: "(%s|%s)" % (word[0], rng.choice(asked)), p) for p in patterns]}
    texts = [make_text(rng, keys, words) for _ in range(arguments.rows)]
    for kind in KINDS:
        with open(os.path.join(WORK, kind), "w") as file:
            file.writelines(pattern + "\n" for pattern in kinds[kind])
    for name, rows in (("texts", texts), ("fewer texts", texts[:fewer(arguments)])):
        with open(os.path.join(WORK, name), "w") as file:
            file.writelines(text + "\n" for text in rows)
    with open(os.path.join(WORK, "texts.csv"), "w") as file:
        file.write("spec\n")
        file.writelines('"%s"\n' % text.replace('"', '""') for text in texts)
    nodes = {"read": {"type": "file_table", "start_policy": "manual",
                      "r": {"urls": [os.path.join(WORK, "texts.csv")], "csv": {"hdr_line_idx": 0, "first_data_line_idx": 1},
                            "columns": {"spec": {"csv": {"col_hdr": "spec"}, "col_type": "string"}}},
                      "w": {"name": "t_read", "fields": {"spec": {"expression": "r.spec", "type": "string"}}}}}
    for name, used in (("all", patterns), ("one", patterns[:1])):
        criteria = {"tag%d" % i: "re.MatchString(`%s`, r.spec)" % pattern for i, pattern in enumerate(used)}
        nodes[name] = {"type": "table_custom_tfm_table", "custom_proc_type": "tag_and_denormalize", "start_policy": "manual",
                       "r": {"table": "t_read"}, "p": {"tag_field_name": "tag", "tag_criteria": criteria},
                       "w": {"name": "t_" + name, "fields": {"tag": {"expression": "p.tag", "type": "string"}}}}
    with open(os.path.join(WORK, "script.json"), "w") as file:
        json.dump({"nodes": nodes}, file)


def run(arguments, node):
    best = 1e9
    for _ in range(arguments.repeat):
        start = time.monotonic()
        done = subprocess.run([os.path.join(arguments.build, "bin", "capillaries"), "run", os.path.join(WORK, "script.json"),
                               "--keyspace", "bench", "--data", os.path.join(WORK, "state"), "--threads", "1", "--start", node],
                              stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=one_core)
        best = min(best, time.monotonic() - start)
        if done.returncode != 0:
            sys.exit("error: node \"%s\" failed: %s" % (node, done.stderr.decode("utf-8", "replace")))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--criteria", type=int, default=2150)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--keys", type=int, default=5, help="keys that are asked for")
    parser.add_argument("--other-words", type=int, default=3000, help="words that are not asked for")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--repeat", type=int, default=2, help="runs of each job; the fastest counts")
    arguments = parser.parse_args()

    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    make_data(arguments)
    print("%d criteria over rows of %d bytes" % (arguments.criteria, ROW_BYTES))
    for kind in KINDS:
        texts, rows = ("texts", arguments.rows) if kind == "exact" else ("fewer texts", fewer(arguments))
        lines = subprocess.run([os.path.join(arguments.build, "bin", "tag_bench"), os.path.join(WORK, kind),
                                os.path.join(WORK, texts)], check=True, capture_output=True, text=True,
                               preexec_fn=one_core).stdout.split()
        together, alone = float(lines[1]), float(lines[3])
        print("%-40s %8.3f s" % ("%s, %d rows, one after the other" % (kind, rows), alone))
        print("%-40s %8.3f s   %.0fx the speed (bar: 10x)" % ("%s, %d rows, together" % (kind, rows), together,
                                                              alone / together))
    run(arguments, "read")
    every, one = run(arguments, "all"), run(arguments, "one")
    print("%-40s %8.3f s" % ("whole run, one criterion", one))
    print("%-40s %8.3f s   %.1f times as long" % ("whole run, all criteria", every, every / one))


if __name__ == "__main__":
    main()
