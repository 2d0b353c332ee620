#!/usr/bin/env python3
"""The manual is true: the quick start runs as it is written, and the command reference names every command and option."""
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
def the_command_reference_names_every_command_and_option(box):
    text = page("doc/commands.md")
    overview = box.capi("--help").out.decode()
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +\S", overview.split("\n\n", 2)[-1], re.M)
    check(len(commands) >= 5, "commands found in the help: %s" % commands)
    for command in commands:
        check("## %s" % command in text, "doc/commands.md has no section for \"%s\"" % command)
        section = text.split("## %s\n" % command)[1].split("\n## ")[0]
        details = box.capi(*command.split(), "--help").out.decode()
        for option in re.findall(r"^  (--[a-z-]+)", details, re.M):
            check(option == "--help" or option in section, "the section \"%s\" lacks %s" % (command, option))


@test
def every_page_that_is_linked_is_there(box):
    for name in ("README.md", "src/README.md", "doc/README.md", "doc/quick-start.md", "doc/commands.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page(name)):
            path = os.path.join(ROOT, os.path.dirname(name), target)
            check(os.path.exists(path), "%s links to %s, which is not there" % (name, target))


main()
