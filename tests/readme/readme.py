#!/usr/bin/env python3
"""Runs every `sh` block of READMEs line by line, and the first's pipeline, with mayfly on the PATH.

Usage: readme.py MAYFLY README.md...
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


def main():
    mayfly = os.path.abspath(sys.argv[1])
    readme = ""
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            readme += file.read()
    commands = [line for block in re.findall(r"^```sh\n(.*?)^```", readme, re.M | re.S) for line in block.splitlines()]
    pipeline = re.search(r"^```toml\n(.*?)^```", readme, re.M | re.S).group(1)
    assert len(commands) >= 8, commands
    with tempfile.TemporaryDirectory() as folder:
        write = lambda name, text: open(os.path.join(folder, name), "w", encoding="utf-8").write(text)
        write("people.csv", PEOPLE)
        write("orders.ndjson", ORDERS)
        write("pipeline.toml", pipeline)
        with contextlib.closing(sqlite3.connect(os.path.join(folder, "app.db"))) as database:
            database.executescript(SIGNALS)
        with contextlib.closing(sqlite3.connect(os.path.join(folder, "shop.db"))) as database:
            database.executescript(LETTERS)
        subprocess.run(["gzip", "-k", "people.csv"], cwd=folder, check=True)
        os.makedirs(os.path.join(folder, "bin"))
        # Not a copy: mayfly finds its plugins beside itself.
        with open(os.path.join(folder, "bin", "mayfly"), "w", encoding="utf-8") as script:
            script.write('#!/bin/sh\nexec "%s" "$@"\n' % mayfly)
        os.chmod(os.path.join(folder, "bin", "mayfly"), 0o755)
        environment = dict(os.environ, HOME=folder, PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"])
        failed = 0
        for command in commands:
            run = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            print("$ %s\n%s[%d]" % (command, run.stdout, run.returncode))
            failed += run.returncode != 0
        sys.exit(1 if failed else 0)


main()
