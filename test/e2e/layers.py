#!/usr/bin/env python3
"""The include layers: a folder of src/ may use only the folders below it."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What each folder may include, besides itself.
DIRECT = {
    "base": [],
    "net": ["base"],
    "vec": ["base"],
    "expr": ["vec"],
    "io": ["vec"],
    "parquet": ["vec"],
    "store": ["vec"],
    "queue": ["vec"],
    "python": ["vec"],
    "script": ["expr", "io"],
    "exec": ["script", "store", "io", "parquet", "python", "net"],
    "run": ["exec", "queue"],
    "sim": ["run"],
    "web": ["run"],
    "cmd": ["web", "run", "sim"],
}


def below(folder):
    """All folders that `folder` may use, itself included."""
    allowed = {folder}
    for lower in DIRECT[folder]:
        allowed |= below(lower)
    return allowed


def includes(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if match:
                yield number, match.group(1)


def wrong_includes(folder, path):
    allowed = below(folder)
    for number, name in includes(path):
        place = "%s:%d" % (os.path.relpath(path, ROOT), number)
        if path.endswith("_test.c") and re.fullmatch(r"\.\./\.\./test/fuzz/\w+_fuzz\.c", name):
            continue  # the fuzzer whose corpus the test replays
        if path.endswith("_test.c") and name.startswith("../../test/fuzz/"):
            continue  # tests replay the inputs of the fuzzers
        if "/" not in name:
            yield '%s: include "%s" is relative, expected "folder/%s"' % (place, name, name)
        elif name.split("/")[0] not in allowed:
            yield '%s: folder "%s" must not use "%s"' % (place, folder, name)
        elif not os.path.exists(os.path.join(ROOT, "src", name)):
            yield '%s: there is no "%s"' % (place, name)


def main():
    passed = failed = 0
    for folder in sorted(os.listdir(os.path.join(ROOT, "src"))):
        directory = os.path.join(ROOT, "src", folder)
        if not os.path.isdir(directory):
            continue
        if folder not in DIRECT:
            print('FAILED src/%s: the folder has no place among the layers' % folder)
            failed += 1
            continue
        for name in sorted(os.listdir(directory)):
            if not name.endswith((".c", ".h", ".cc")):
                continue
            mistakes = list(wrong_includes(folder, os.path.join(directory, name)))
            for mistake in mistakes:
                print("FAILED " + mistake)
            passed, failed = passed + (not mistakes), failed + bool(mistakes)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
