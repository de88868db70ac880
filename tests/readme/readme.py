#!/usr/bin/env python3
"""Does what pages show: one page after the other, each in a folder of its own, with mayfly on the PATH.

In the order of the page:

    toml     a whole pipeline: written to the file that its first line names ("# people.toml"), else to
             pipeline.toml, and valid
    sh       run line by line; each ends with 0
    console  lines behind "$ " are run; what they say, both streams together, is what follows them

Usage: readme.py MAYFLY PAGE.md...
"""
import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

PEOPLE = "id,name,score\n1,Ada,1.5\n2,Grace,2.5\n3,\"Lovelace, Ada\",3.5\n"
# What a persistent window makes.
SIGNALS = """
CREATE TABLE signals(id INTEGER PRIMARY KEY, operation_id INTEGER NOT NULL, signal TEXT NOT NULL, key TEXT,
                     timestamp TEXT NOT NULL, created_at TEXT DEFAULT CURRENT_TIMESTAMP);
INSERT INTO signals(operation_id, signal, key, timestamp)
VALUES (0, 'error.disk', 'host-1', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
"""
# What ingest leaves: a row that the table takes by now, and a record that nobody will correct.
LETTERS = """
CREATE TABLE orders(id INTEGER PRIMARY KEY, total REAL);
CREATE TABLE mayfly_dead_letters(id INTEGER PRIMARY KEY, at TEXT, source TEXT, ordinal INTEGER, line INTEGER, node TEXT,
                                 code TEXT, reason TEXT, columns TEXT, raw BLOB, target TEXT, attempts INTEGER);
INSERT INTO mayfly_dead_letters VALUES
(7, '2026-01-31T12:00:00.000000Z', 'orders.csv', 5, 7, 'writer', 'not_null', 'NOT NULL constraint failed: orders.total',
 '{"id":6,"total":null}', NULL, 'orders', 0),
(8, '2026-01-31T12:00:00.000000Z', 'orders.csv', 6, 8, 'file', 'fields', 'expected 2 fields, found 1', NULL, x'37',
 'orders', 0);
"""
ORDERS = '{"id": 1, "total": 9.5}\n{"id": 2, "total": 12}\n{"id": 1, "total": 10}\n'


def blocks(text):
    """Language and text of each block that is something to do, in order."""
    return re.findall(r"^```(toml|sh|console)\n(.*?)^```", text, re.M | re.S)


def transcript(text):
    """(command, what it says) of a console block."""
    assert text.startswith("$ "), text
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


class Folder:
    """What the pages' commands find, and a shell in it."""

    def __init__(self, path, mayfly):
        self.path = path
        self.write("people.csv", PEOPLE)
        self.write("orders.ndjson", ORDERS)
        self.database("app.db", SIGNALS)
        self.database("shop.db", LETTERS)
        subprocess.run(["gzip", "-k", "people.csv"], cwd=path, check=True)
        # Not a copy: mayfly finds its plugins beside itself.
        os.makedirs(os.path.join(path, "bin"))
        self.write("bin/mayfly", '#!/bin/sh\nexec "%s" "$@"\n' % mayfly)
        os.chmod(os.path.join(path, "bin", "mayfly"), 0o755)
        self.environment = dict(os.environ, HOME=path, PATH=os.path.join(path, "bin") + ":" + os.environ["PATH"])

    def write(self, name, text):
        with open(os.path.join(self.path, name), "w", encoding="utf-8") as file:
            file.write(text)

    def database(self, name, script):
        with contextlib.closing(sqlite3.connect(os.path.join(self.path, name))) as database:
            database.executescript(script)

    def run(self, command):
        run = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.path, env=self.environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             check=False)
        print("$ %s\n%s[%d]" % (command, run.stdout, run.returncode))
        return run


def do_block(folder, language, text):
    """How many of its commands didn't do what they should."""
    if language == "sh":
        return sum(folder.run(line).returncode != 0 for line in text.splitlines())
    if language == "toml":
        named = re.match(r"# (\w+\.toml)\n", text)
        name = named.group(1) if named else "pipeline.toml"
        folder.write(name, text)
        return int(folder.run("mayfly validate " + name).returncode != 0)
    failed = 0
    for command, expected in transcript(text):
        found = folder.run(command).stdout
        if found != expected:
            print("expected:\n" + expected)
            failed += 1
    return failed


def main():
    mayfly = os.path.abspath(sys.argv[1])
    failed = 0
    for page in sys.argv[2:]:
        with open(page, encoding="utf-8") as file:
            found = blocks(file.read())
        assert found, page + " shows nothing to do"
        print("\n== " + page)
        with tempfile.TemporaryDirectory() as path:
            folder = Folder(path, mayfly)
            failed += sum(do_block(folder, language, text) for language, text in found)
    sys.exit(1 if failed else 0)


main()
