#!/usr/bin/env python3
"""Tests of compare_ingest, next to this file."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import sqlite3
import stat
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compare_ingest")


def load():
    loader = importlib.machinery.SourceFileLoader("compare_ingest", SCRIPT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare_ingest", loader))
    loader.exec_module(module)
    return module


compare_ingest = load()


def run(*argv):
    """Exit status, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = compare_ingest.main(list(argv))
        except SystemExit as leaving:
            status = leaving.code
    return status, out.getvalue(), err.getvalue()


# What a contender called "mayfly" gets: ingest SOURCE --into DB --table rows -q
FAKE_MAYFLY = """#!{python}
import csv, sqlite3, sys
db = sqlite3.connect(sys.argv[4])
db.execute({create!r})
with open(sys.argv[2], newline="") as lines:
    records = list(csv.reader(lines))[1:]
{sabotage}
db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", records)
db.commit()
"""


class CompareIngestTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def lines_of(self, name):
        with open(self.path(name), encoding="utf-8") as text:
            return text.readlines()

    def fake_mayfly(self, sabotage):
        with open(self.path("mayfly"), "w", encoding="utf-8") as program:
            program.write(FAKE_MAYFLY.format(python=sys.executable, create=compare_ingest.CREATE,
                                             sabotage=sabotage))
        os.chmod(self.path("mayfly"), stat.S_IRWXU)
        return self.path("mayfly")

    def run_fake(self, sabotage):
        return run("--mayfly", self.fake_mayfly(sabotage), "--only", "mayfly-csv", "--rows", "200",
                   "--rounds", "1", "--dir", self.folder.name)

    def test_one_seed_gives_one_file_and_another_seed_another(self):
        for label, seed in (("a", 1), ("b", 1), ("c", 2)):
            compare_ingest.generate(self.folder.name, label, 100, seed)
        texts = [self.lines_of(label + ".csv") for label in "abc"]
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    def test_both_formats_hold_the_same_rows_of_about_100_bytes(self):
        compare_ingest.generate(self.folder.name, "rows", 1000, 1)
        with open(self.path("rows.csv"), newline="", encoding="utf-8") as lines:
            from_csv = [dict(record) for record in compare_ingest.csv.DictReader(lines)]
        with open(self.path("rows.ndjson"), encoding="utf-8") as lines:
            from_json = [{k: str(v) for k, v in json.loads(line).items()} for line in lines]
        self.assertEqual(from_csv, from_json)
        self.assertTrue(80 < os.path.getsize(self.path("rows.csv")) / 1000 < 120)

    def test_the_small_file_is_the_beginning_of_the_large_one(self):
        compare_ingest.generate(self.folder.name, "rows", 100, 1)
        compare_ingest.generate(self.folder.name, "small", 10, 1)
        self.assertEqual(self.lines_of("small.ndjson"), self.lines_of("rows.ndjson")[:10])

    def test_the_checksum_notices_a_change_in_any_column(self):
        expected = compare_ingest.generate(self.folder.name, "rows", 50, 1)
        with open(self.path("rows.csv"), newline="", encoding="utf-8") as lines:
            records = list(compare_ingest.csv.reader(lines))[1:]
        for column in compare_ingest.COLUMNS:
            database = self.path(column + ".db")
            with contextlib.closing(sqlite3.connect(database)) as db:
                db.execute(compare_ingest.CREATE)
                db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", records)
                db.commit()
                compare_ingest.check(database, expected)
                value = f"{column} || 'x'" if column in ("name", "email", "city", "created") else f"{column} + 1"
                db.execute(f"UPDATE rows SET {column} = {value} WHERE rowid = 7")
                db.commit()
            with self.assertRaises(compare_ingest.Failed):
                compare_ingest.check(database, expected)

    def test_a_contender_that_loads_everything_is_measured(self):
        status, out, err = self.run_fake("")
        self.assertEqual((status, "mayfly-csv" in out), (0, True), err)

    def test_a_contender_that_drops_a_row_fails_the_run(self):
        status, out, err = self.run_fake("del records[17]")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("mayfly-csv: expected rows and checksums 200 ", err)

    def test_a_contender_that_exits_with_an_error_fails_the_run(self):
        status, _, err = self.run_fake("sys.exit('no disk')")
        self.assertEqual(status, 1)
        self.assertIn("found 1: no disk", err)

    def test_nothing_is_left_behind(self):
        self.run_fake("")
        self.assertEqual(os.listdir(self.folder.name), ["mayfly"])

    def test_a_contender_that_does_not_exist_is_a_usage_error(self):
        status, _, err = run("--only", "import,mayfly")
        self.assertEqual(status, 64)
        self.assertIn("no contender is called 'mayfly'", err)
        self.assertEqual(run("--rows", "many")[0], 64)
        self.assertEqual(run("--rows", "1")[0], 64)

    def test_a_missing_program_is_named(self):
        status, _, err = run("--mayfly", self.path("nowhere"), "--only", "mayfly-csv")
        self.assertEqual(status, 69)
        self.assertIn(self.path("nowhere"), err)

    def test_sqlite_and_python_load_every_row_and_ratios_are_to_the_bases(self):
        status, out, err = run("--only", "import,import-wal,python-csv,json-each,python-ndjson", "--rows",
                               "2000", "--rounds", "3", "--output", "json", "--dir", self.folder.name)
        self.assertEqual(status, 0, err)
        results = {r["name"]: r for r in json.loads(out)["results"]}
        self.assertEqual(len(results), 5)
        self.assertEqual(results["import"]["ratio_to_import"], 1)
        self.assertEqual(results["json-each"]["ratio_to_json_each"], 1)
        self.assertIsNone(results["python-csv"]["ratio_to_json_each"])
        for r in results.values():
            self.assertEqual((r["rows"], len(r["seconds"])), (2000, 3))
            self.assertLessEqual(r["rows_per_second_min"], r["rows_per_second"])
            self.assertGreater(r["peak_memory_mib"], 1)
            self.assertGreater(r["cpu_seconds"], 0)

    def test_a_busy_machine_is_warned_of(self):
        arguments = ("--only", "import", "--rows", "100", "--rounds", "1", "--dir", self.folder.name)
        with unittest.mock.patch("os.getloadavg", return_value=(99.0, 0, 0)):
            self.assertIn("the load is 99.00", run(*arguments)[2])
        with unittest.mock.patch("os.getloadavg", return_value=(0.1, 0, 0)):
            self.assertNotIn("the load", run(*arguments)[2])


if __name__ == "__main__":
    unittest.main()
