#!/usr/bin/env python3
"""Ingests real files of Debian packages and compares every row with what Python's readers read.

Usage: compare.py MAYFLY      (exit status 0: all equal)
"""
import csv
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

UNICODE = "/usr/share/unicode/"
ISO = "/usr/share/iso-codes/json/"


def ingest(mayfly, folder, source, *options):
    """Rows of the table, in the order of the file, as the texts that SQLite gives."""
    database = os.path.join(folder, "real.db")
    for suffix in ("", "-wal", "-shm", "-mayfly.lock"):
        if os.path.exists(database + suffix):
            os.remove(database + suffix)
    command = [mayfly, "ingest", source, "--into", database, "--table", "t", "--output", "json", *options]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if run.returncode not in (0, 65):
        sys.exit("%s: exit status %d" % (" ".join(command), run.returncode))
    summary = json.loads(run.stdout)
    with sqlite3.connect(database) as connection:
        cursor = connection.execute("SELECT * FROM t ORDER BY rowid")
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
        rejected = connection.execute("SELECT ordinal FROM mayfly_dead_letters ORDER BY ordinal").fetchall() if run.returncode == 65 else []
    assert summary["rows_written"] == len(rows), summary
    assert summary["rows_rejected"] == len(rejected), summary
    return names, rows, [ordinal for (ordinal,) in rejected]


def same_text(stored, text):
    """A CSV field and what was stored for it: the same text, or the number that the text spells."""
    if stored is None:
        return text == ""
    if isinstance(stored, str):
        return stored == text
    return str(stored) == text or (isinstance(stored, float) and float(text) == stored)


def compare_csv(mayfly, folder, path, delimiter, header, quoting, comment=None):
    options = ["--format", "csv", "--delimiter", delimiter]
    if quoting == csv.QUOTE_NONE:
        options += ["--quote", "none"]
    if not header:
        options += ["--no-header"]
    if comment:
        options += ["--comment", comment]
    names, stored, rejected = ingest(mayfly, folder, path, *options, "--infer", "all")
    with open(path, newline="", encoding="utf-8") as file:
        lines = (line for line in file if not (comment and line.startswith(comment)))
        expected = [fields for fields in csv.reader(lines, delimiter=delimiter, quoting=quoting) if fields]
    if header:
        assert names == expected.pop(0), names
    # Records with more or fewer fields than there are columns: alone in the dead-letter table.
    assert rejected == [i for i, fields in enumerate(expected) if len(fields) != len(names)], rejected
    expected = [fields for fields in expected if len(fields) == len(names)]
    assert len(stored) == len(expected), (path, len(stored), len(expected))
    for number, (row, fields) in enumerate(zip(stored, expected)):
        assert len(row) == len(fields), (path, number, row, fields)
        for value, field in zip(row, fields):
            assert same_text(value, field), (path, number, value, field)
    return len(stored)


def compare_ndjson(mayfly, folder, path, key, compress):
    """iso-codes ships one JSON array: its members, a line each, are the NDJSON."""
    with open(path, encoding="utf-8") as file:
        expected = json.load(file)[key]
    lines = "".join(json.dumps(member, ensure_ascii=False) + "\n" for member in expected)
    source = os.path.join(folder, "real.ndjson" + (".gz" if compress else ""))
    opened = gzip.open(source, "wb") if compress else open(source, "wb")
    with opened as file:
        file.write(lines.encode())
    names, stored, rejected = ingest(mayfly, folder, source, "--infer", "all")
    assert not rejected
    assert len(stored) == len(expected), (path, len(stored), len(expected))
    for number, (row, member) in enumerate(zip(stored, expected)):
        assert set(member) <= set(names), (number, member)
        for name, value in zip(names, row):
            want = member.get(name)
            if isinstance(want, (dict, list)):
                assert json.loads(value) == want, (path, number, name, value, want)
            else:
                assert value == want, (path, number, name, value, want)
    return len(stored)


def main():
    mayfly = os.path.abspath(sys.argv[1])
    checks = [
        ("UnicodeData.txt", lambda d: compare_csv(mayfly, d, UNICODE + "UnicodeData.txt", ";", False, csv.QUOTE_NONE)),
        ("iso_639-3.json", lambda d: compare_ndjson(mayfly, d, ISO + "iso_639-3.json", "639-3", False)),
        ("iso_3166-2.json, gzip", lambda d: compare_ndjson(mayfly, d, ISO + "iso_3166-2.json", "3166-2", True)),
        ("iso_4217.json", lambda d: compare_ndjson(mayfly, d, ISO + "iso_4217.json", "4217", False)),
        ("Blocks.txt, with comments", lambda d: compare_csv(mayfly, d, UNICODE + "Blocks.txt", ";", False, csv.QUOTE_NONE, "#")),
        ("EmojiSources.txt, with comments", lambda d: compare_csv(mayfly, d, UNICODE + "EmojiSources.txt", ";", False, csv.QUOTE_NONE, "#")),
        ("iso_639-2.json", lambda d: compare_ndjson(mayfly, d, ISO + "iso_639-2.json", "639-2", False)),
        ("iso_3166-1.json", lambda d: compare_ndjson(mayfly, d, ISO + "iso_3166-1.json", "3166-1", True)),
        ("ubuntu.csv, which is ragged", lambda d: compare_csv(mayfly, d, "/usr/share/distro-info/ubuntu.csv", ",", True, csv.QUOTE_MINIMAL)),
        ("debian.csv, which is ragged", lambda d: compare_csv(mayfly, d, "/usr/share/distro-info/debian.csv", ",", True, csv.QUOTE_MINIMAL)),
    ]
    for name, check in checks:
        with tempfile.TemporaryDirectory() as folder:
            print("%s: %d rows equal" % (name, check(folder)))


main()
