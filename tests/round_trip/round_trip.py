"""Random tables, written by Python's csv and json and read by mayfly, are in the database as they were.

    round_trip.py MAYFLY TABLES [SEED]

Values are texts of all that a format may have trouble with, numbers, empty ones and None; what a
format can't say (None in CSV without a text for it) isn't tried. A table that differs is shown with
its seed, and its file is named.
"""

import csv
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile

PIECES = [
    "", "a", "Z\u00fcrich", "\U0001f600", "\u2028", "x y", " ", ",", ";", "\t", "|", '"', '""', "'", "\\", "\\N", "\\n",
    "#", "sep=;", "007", "+5", "1e5", "0x1F", "NA", "NULL", "null", "true", "[1]", '{"a":1}', "\ufeff", "\u0000", "a\nb",
    "a\r\nb", "a\rb", "\n", "=1+1", "-", "--", "1,5", "12345678901234567890", "9" * 40, "1.10",
]


def text(rng, lines):
    value = "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 4)))
    return value if lines else value.replace("\r", "").replace("\n", "")


def value(rng, kind, lines):
    if kind == "text":
        return text(rng, lines)
    if kind == "integer":
        return rng.choice([0, 1, -1, 2**63 - 1, -2**63, rng.randint(-10**6, 10**6)])
    return rng.choice([0.5, -1.25, 1e-7, 1e22, rng.randint(-10**6, 10**6) / 128])


def table(rng, lines):
    """Columns with kinds, and rows; the first column tells the rows apart."""
    kinds = ["integer"] + [rng.choice(["text", "text", "integer", "real"]) for _ in range(rng.randint(1, 5))]
    rows = []
    for number in range(rng.randint(1, 60)):
        rows.append([number] + [None if rng.random() < 0.1 else value(rng, kind, lines) for kind in kinds[1:]])
    return ["c%d" % i for i in range(len(kinds))], kinds, rows


def write_csv(path, rng, columns, rows):
    """A dialect by chance; what mayfly is to be told of it."""
    delimiter = rng.choice([",", ";", "\t", "|"])
    quote = rng.choice(['"', "'"])
    end = rng.choice(["\n", "\r\n", "\r"])
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16"])
    # With CR alone Python leaves an LF without quotes, and nobody can tell which of the two ends a line.
    quoting = csv.QUOTE_NONNUMERIC if end == "\r" else rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])
    with open(path, "w", encoding=encoding, newline="") as out:
        writer = csv.writer(
            out, delimiter=delimiter, quotechar=quote, lineterminator=end, doublequote=True, quoting=quoting)
        writer.writerow(columns)
        # Python writes None as it writes an empty text: another text says it, without quotes.
        for row in rows:
            line = []
            for cell in row:
                line.append("\x01NULL" if cell is None else cell)
            writer.writerow(line)
    with open(path, "r", encoding=encoding, newline="") as file:
        written = file.read()
    with open(path, "w", encoding=encoding, newline="") as out:
        out.write(written.replace(quote + "\x01NULL" + quote, "\x01NULL"))
    options = ["--format", "csv", "--delimiter", "tab" if delimiter == "\t" else delimiter, "--quote", quote]
    return options + ["--null", "\x01NULL"]


def write_tsv(path, rng, columns, rows):
    """As databases export it: backslashes escape."""
    def cell(given):
        if given is None:
            return "\\N"
        escaped = str(given).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
        return escaped
    end = rng.choice(["\n", "\r\n"])
    with open(path, "w", encoding="utf-8", newline="") as out:
        for row in [columns] + rows:
            out.write("\t".join(cell(each) for each in row) + end)
    return ["--format", "tsv", "--escape", "backslash"]


def write_json(path, rng, columns, rows):
    objects = []
    for row in rows:
        members = list(zip(columns, row))
        rng.shuffle(members)
        # A key that is missing is NULL, as null is.
        objects.append({key: cell for key, cell in members if cell is not None or rng.random() < 0.5})
    ascii_only = rng.random() < 0.5
    with open(path, "w", encoding="utf-8", newline="") as out:
        shape = rng.choice(["lines", "array", "pretty"])
        if shape == "lines":
            for each in objects:
                out.write(json.dumps(each, ensure_ascii=ascii_only) + "\n")
            return ["--format", "ndjson"]
        json.dump(objects, out, ensure_ascii=ascii_only, indent=2 if shape == "pretty" else None)
        return ["--format", "json"]


def check(mayfly, seed, folder):
    rng = random.Random(seed)
    write = rng.choice([write_csv, write_tsv, write_json])
    columns, kinds, rows = table(rng, True)
    path = os.path.join(folder, "table")
    options = write(path, rng, columns, rows)
    types = {"text": "text", "integer": "int64", "real": "float64"}
    options += ["--types", ",".join("%s=%s" % (c, types[k]) for c, k in zip(columns, kinds))]
    options += ["--columns", ",".join(columns)]
    database = os.path.join(folder, "t.db")
    run = subprocess.run(
        [mayfly, "ingest", path, "--into", database, "--table", "t", "--output", "json"] + options,
        capture_output=True, text=True, check=False)
    expected = [tuple(row) for row in rows]
    found = []
    if run.returncode == 0:
        connection = sqlite3.connect(database)
        found = connection.execute("SELECT * FROM t ORDER BY c0").fetchall()
        connection.close()
    for name in os.listdir(folder):
        if name != "table":
            os.remove(os.path.join(folder, name))
    if run.returncode == 0 and found == expected:
        return True
    print("seed %d: %s, status %d\n%s" % (seed, " ".join(map(repr, options)), run.returncode, run.stderr))
    for got, wanted in zip(found, expected):
        if got != wanted:
            print("  found %r\n  expected %r" % (got, wanted))
            break
    return False


def main():
    mayfly, tables = sys.argv[1], int(sys.argv[2])
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    failed = 0
    for seed in range(first, first + tables):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
            failed += 0 if check(mayfly, seed, folder) else 1
        if failed >= 3:
            break
    print("%d of %d tables differ" % (failed, tables))
    return 1 if failed else 0


sys.exit(main())
