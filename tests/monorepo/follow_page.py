#!/usr/bin/env python3
"""Whether this workspace is what README.md shows, and whether it builds and runs as that says.

Each block without a language is a file, the one that the text before it named last: the whole file, but of C++
a part. Each line of `sh` ends with 0.

Usage: follow_page.py, in this folder
"""
import os
import re
import subprocess
import sys
import tempfile


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_files(page):
    shown = []
    for before, block in re.findall(r"(.*?)^```\n(.*?)^```\n", page, re.M | re.S):
        named = [name for name in re.findall(r"`([^`\n]+)`", before) if os.path.isfile(name)]
        if not named:
            sys.exit("README.md: no file is named before this:\n" + block)
        text = read(named[-1])
        if (block not in text) if named[-1].endswith(".cc") else (block != text):
            sys.exit("README.md: this isn't what %s has:\n%s" % (named[-1], block))
        shown.append(named[-1])
    missing = {"WORKSPACE", "MODULE.bazel", ".bazelrc", "app/BUILD.bazel", "plugin/BUILD.bazel"} - set(shown)
    if missing:
        sys.exit("README.md doesn't show " + ", ".join(sorted(missing)))
    print("%d files are as the page shows them" % len(shown))


def main():
    page = read("README.md")
    check_files(re.sub(r"^```sh\n.*?^```\n", "", page, flags=re.M | re.S))
    commands = [line for block in re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S) for line in block.splitlines()]
    assert commands
    with tempfile.TemporaryDirectory() as folder:
        for command in commands:
            print("$ " + command, flush=True)
            run = subprocess.run(["bash", "-c", command], env=dict(os.environ, TMPDIR=folder), check=False,
                                 stdin=subprocess.DEVNULL)
            if run.returncode != 0:
                sys.exit("expected 0, found %d" % run.returncode)


main()
