#!/usr/bin/env python3
"""The manual is true: the quick start runs as it is written, and the command reference is what the program says."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BINARY, ROOT, check, check_equal, main, test


def page(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def blocks(text, language):
    return re.findall(r"^```%s\n(.*?)^```" % language, text, re.M | re.S)


@test
def the_quick_start_works_as_it_is_written(box):
    text = page("doc/quick-start.md")
    shell = blocks(text, "sh")
    yaml = blocks(text, "yaml")
    environment = dict(os.environ, PATH=os.path.dirname(os.path.abspath(BINARY)) + ":" + os.environ["PATH"])

    def run(commands):
        result = subprocess.run(["bash", "-euc", commands], cwd=box.folder, env=environment, capture_output=True)
        check(result.returncode == 0, "%s\nfailed: %s" % (commands, result.stderr.decode("utf-8", "replace")))
        return result.stdout.decode("utf-8")

    run(shell[0])
    with open(box.path("my", "sales.yaml"), "w", encoding="utf-8") as file:
        file.write(yaml[0])
    check("Lyon" in run(shell[1]), "the table sales is not shown")
    with open(box.path("my", "sales.yaml"), "a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(yaml[1:]))
    check_equal(run(shell[2]).split("Country,Sales,Amount")[1], "\r\nFR,2,15.75\n?,1,11.00\nNO,1,7.00\n", "the report")


@test
def the_pages_that_the_program_writes_are_up_to_date(box):
    for words, name in ((("help", "--markdown"), "doc/commands.md"), (("help", "--man"), "doc/capillaries.1"),
                        (("help", "--functions"), "doc/functions.md"), (("schema",), "doc/script.schema.json")):
        made = subprocess.run([BINARY, *words], check=True, capture_output=True, text=True).stdout
        check(len(made) > 1000, "what %s writes is short: %s" % (" ".join(words), made))
        check(made == page(name), "%s is not up to date: ./dev manual" % name)


@test
def the_schema_is_json_and_bash_takes_its_completion(box):
    schema = json.loads(page("doc/script.schema.json"))
    check(schema["type"] == "object" and "nodes" in schema["properties"], "the schema: %.200s" % schema)
    for shell in ("bash", "zsh", "fish"):
        words = subprocess.run([BINARY, "completion", shell], check=True, capture_output=True, text=True).stdout
        check("diagram" in words and "keyspace" in words, "completion for %s: %.200s" % (shell, words))
    words = subprocess.run([BINARY, "completion", "bash"], check=True, capture_output=True).stdout
    check(subprocess.run(["bash", "-n"], input=words).returncode == 0, "bash does not take its completion")


@test
def every_page_that_is_linked_is_there(box):
    for name in ("README.md", "src/README.md", "doc/README.md", "doc/quick-start.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page(name)):
            path = os.path.join(ROOT, os.path.dirname(name), target)
            check(os.path.exists(path), "%s links to %s, which is not there" % (name, target))


main()
