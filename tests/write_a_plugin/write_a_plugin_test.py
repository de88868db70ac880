#!/usr/bin/env python3
"""Follows plugins/WRITE_A_PLUGIN.md literally.

In order: a block behind a line "`name`:" becomes that file, in the folder where the commands are by then;
each `sh` block is run in the one shell, line by line, and every line must succeed; the lines of a `text`
block must be among what the commands before it have printed, in that order.

Usage: write_a_plugin_test.py WRITE_A_PLUGIN.md MAYFLY
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
DONE = "-- the line is done: "


class Shell:
    """One bash, so that a `cd` or an `export` lasts."""

    def __init__(self, folder, environment):
        self.bash = subprocess.Popen(["bash"], cwd=folder, env=environment, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, line):
        """Exit status and what was printed."""
        self.bash.stdin.write("{ %s\n} < /dev/null; echo; echo \"%s$?\"\n" % (line, DONE))
        self.bash.stdin.flush()
        printed = []
        for text in self.bash.stdout:
            if text.startswith(DONE):
                return int(text[len(DONE):]), "".join(printed)
            printed.append(text)
        sys.exit("the shell has ended in: %s\n%s" % (line, "".join(printed)))


def make_checkout(folder, mayfly):
    """What the page's commands use of this repository."""
    for path in ("tools", "engine", "plugins/sdk", "tests/layers"):
        shutil.copytree(path, os.path.join(folder, path))
    # Not a copy: mayfly finds its plugins beside itself.
    program = os.path.join(folder, "bazel-bin", "tools", "mayfly", "mayfly")
    os.makedirs(os.path.dirname(program))
    with open(program, "w", encoding="utf-8") as script:
        script.write('#!/bin/sh\nexec "%s" "$@"\n' % mayfly)
    os.chmod(program, 0o755)


def missing_line(wanted, printed):
    """The first of the lines that isn't behind the one before it; None: all are there."""
    lines = iter(line.rstrip() for line in printed.splitlines())
    return next((line for line in wanted.splitlines() if line.rstrip() not in lines), None)


def main():
    with open(sys.argv[1], encoding="utf-8") as page:
        blocks = [match.groupdict() for match in BLOCK.finditer(page.read())]
    counts = {kind: sum(block["kind"] == kind for block in blocks) for kind in ("sh", "cpp", "toml", "text")}
    assert counts["sh"] >= 5 and counts["cpp"] and counts["toml"] and counts["text"] >= 3, counts
    mayfly = os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        checkout = os.path.join(folder, "mayfly")
        home = os.path.join(folder, "home")
        os.makedirs(home)
        make_checkout(checkout, mayfly)
        shell = Shell(checkout, dict(os.environ, HOME=home))
        printed = ""
        for block in blocks:
            if block["file"]:
                assert block["kind"] != "sh", block["file"]
                where = shell.run("pwd")[1].strip()
                with open(os.path.join(where, block["file"]), "w", encoding="utf-8") as file:
                    file.write(block["text"])
            elif block["kind"] == "sh":
                printed = ""
                for line in block["text"].splitlines():
                    status, said = shell.run(line)
                    printed += said
                    print("$ %s\n%s[%d]" % (line, said, status))
                    if status != 0:
                        sys.exit("expected the line to succeed, found exit status %d: %s" % (status, line))
            elif block["kind"] == "text":
                missing = missing_line(block["text"], printed)
                if missing is not None:
                    sys.exit("expected the page's line, found it nowhere in what was printed: %s" % missing)
        shell.bash.stdin.close()
        sys.exit(shell.bash.wait())


main()
