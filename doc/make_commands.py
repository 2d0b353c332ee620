#!/usr/bin/env python3
"""Writes the command reference from what the program says about itself: doc/make_commands.py PROGRAM > doc/commands.md.

"./dev manual" calls it, and a test compares the result with the page that is checked in."""
import re
import subprocess
import sys

INTRODUCTION = """\
<!-- Made by "./dev manual" from the program's own help; edit the help, or doc/make_commands.py. -->
# Commands

    capillaries COMMAND [OPTIONS] [ARGUMENTS]

`capillaries --help` lists the commands, `capillaries COMMAND --help` the options of one.

| Exit code | |
|---|---|
| 0 | done |
| 1 | the run failed: data, files, disk |
| 2 | the command line, the script, its parameters or the configuration are wrong |
| 3 | a service that is needed cannot be reached |
| 130 | interrupted; `resume` goes on with the run |

Messages go to standard error, results to standard output.

**The data folder** holds the state and the tables of all keyspaces: `--data DIR`, else the environment variable `CAPI_DATA`,
else `$XDG_DATA_HOME/capillaries`, else `~/.local/share/capillaries`. It must lie on a local disk.

**A keyspace** is a working area of runs and their tables. A run leaves its tables in the keyspace, and later runs may start
from them.

**Results do not depend on** `--threads`, `--memory` or `--batches`.
"""

# What the help has no room for.
MORE = {
    "run": """\
On a terminal a table of the nodes is kept up to date; elsewhere there is a line for each node that is done. The first Ctrl-C
lets batches that are under way give back what they had begun; a second one ends the process at once. Nothing half done is ever
visible: the rows of a batch appear together, and a file appears when it is whole.
""",
    "validate": """\
```
shop.yaml:55:33: error: unknown field "r.c_quantty"; did you mean "r.c_quantity"? [V71]
   55 |         quantity: {expression: "r.c_quantty", type: "int"}
      |                                 ^~~~~~~~~~~
  in field "quantity" of node "read_items"
```
""",
    "table export": """\
Values are written in full: decimals with two digits, floats with as many as it takes to read them back, datetimes as
`2006-01-02T15:04:05.000Z`. A file appears when it is whole.
""",
}


def help_of(program, *command):
    return subprocess.run([program, *command, "--help"], check=True, capture_output=True, text=True).stdout


def commands(program):
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +\S", help_of(program).split("\n\n", 2)[-1], re.M)


def cell(text):
    return text.replace("|", "\\|")


def section(program, command):
    text = help_of(program, *command.split())
    usage, summary, *details = [part for part in text.strip("\n").split("\n\n")]
    options = details.pop()
    lines = ["## " + command, "", "    " + usage.replace("usage: ", ""), ""]
    lines += [summary[0].upper() + summary[1:] + "."]
    for part in details:
        lines += ["", part]
    if command in MORE:
        lines += ["", MORE[command].rstrip("\n")]
    rows = [row for row in re.findall(r"^  (--\S+(?: \S+)?)  +(.*)$", options, re.M) if row[0] != "--help"]
    if rows:
        lines += ["", "| Option | |", "|---|---|"]
        lines += ["| `%s` | %s |" % (cell(option), cell(words)) for option, words in rows]
    return "\n".join(lines) + "\n"


def page(program):
    return INTRODUCTION + "".join("\n" + section(program, command) for command in commands(program))


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))
