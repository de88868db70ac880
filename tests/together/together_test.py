"""together_test.py MAYFLY PIPELINE.toml PLUGIN.so...: the pipeline with its thirteen nodes answers every row
once: killed again and again while it runs, and while somebody else keeps its database locked."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

INPUT = "/usr/share/unicode/UnicodeData.txt"
KILLS = 8
# Longer than the writer waits before it gives rows back.
LOCKED_SECONDS = 2


def expect(holds, what):
    if not holds:
        sys.exit("FAIL " + what)


class Pipeline:
    """It in a folder of its own."""

    def __init__(self, mayfly, pipeline, environment):
        self.command = [mayfly, "run", pipeline]
        self.environment = environment
        self.folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.path = os.path.join(self.folder, "characters.db")

    def start(self, *options):
        return subprocess.Popen([*self.command, *options], cwd=self.folder, env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def start_last(self):
        return self.start("--output", "json", "-v")

    def end(self, last):
        """What the last run says of itself."""
        out, err = last.communicate(timeout=120)
        print(err, out)
        expect(last.returncode in (0, 65), f"expected status 0 or 65, found {last.returncode}")
        return json.loads(out)

    def signals(self):
        """What happened is beside the rows, in the order in which it did."""
        database = sqlite3.connect(self.path)
        names = [name for (name,) in database.execute("SELECT signal FROM signals ORDER BY id")]
        print("signals", len(names), sorted({stem(name) for name in names}))
        return names

    def check_rows(self, summary):
        """Every row has one answer: written, refused, dropped, or consumed by what was made of it."""
        with open(INPUT, encoding="utf-8") as file:
            rows = [line.rstrip("\n").split(";") for line in file]
        wanted = {row[0]: (row[1], row[2]) for row in rows if row[2] != "Cc"}
        database = sqlite3.connect(self.path)
        written = database.execute("SELECT code, name, category, letter FROM characters").fetchall()
        codes = {row[0] for row in written}
        expect(len(codes) == len(written), "no character is there twice")
        for code, name, category, letter in written:
            expect(wanted.get(code) == (name, category), f"{code} is as it is in the file")
            expect(letter == int(category.startswith("L")), f"{code}: a letter or none")
        letters = database.execute(
            "SELECT json_extract(columns, '$.code'), code, count(*) FROM mayfly_dead_letters GROUP BY 1, 2"
        ).fetchall()
        for code, reason, count in letters:
            expect(reason == "injected_error" and count == 1, f"{code} was refused once, by chance")
            expect(code in wanted and code not in codes, f"{code} isn't written, too")
        lost = len(wanted) - len(written) - len(letters)
        share = lost / len(wanted)
        expect(0.003 < share < 0.03, f"one in a hundred was dropped by chance, found {share}")
        offsets = database.execute("SELECT low FROM mayfly_offsets WHERE source = ?", (INPUT,)).fetchone()
        expect(offsets == (len(rows),), f"everything is answered: {offsets} of {len(rows)}")
        expect(database.execute("SELECT count(*) FROM mayfly_offset_ranges").fetchone() == (0,),
               "nothing is answered out of turn in the end")

        controls = len(rows) - len(wanted)
        expect(summary["rows_read"] == len(rows), "every row was read once")
        expect(summary["rows_written"] == len(written), "the summary counts what all runs wrote")
        expect(summary["rows_rejected"] == len(letters), "and what they refused")
        expect(summary["rows_dropped"] == controls + lost, f"{controls} controls and {lost} by chance were dropped")
        answers = ("written", "ignored", "rejected", "dropped", "consumed")
        expect(summary["rows_read"] + summary["rows_made"] == sum(summary["rows_" + a] for a in answers),
               "each row that was read or made has one answer")


def stem(name):
    return name.split(":")[0]


def first(signals, wanted):
    """Where it stands."""
    for i, name in enumerate(signals):
        if stem(name) == wanted:
            return i
    sys.exit(f"FAIL expected the signal {wanted}")


def killed_again_and_again(pipeline):
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    chance = random.Random(seed)
    interrupted = 0
    for _ in range(KILLS):
        run = pipeline.start("-q")
        try:
            run.wait(timeout=chance.uniform(0.02, 0.15))
        except subprocess.TimeoutExpired:
            run.send_signal(chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT]))
            interrupted += 1
        run.communicate()
    print("interrupted", interrupted)
    expect(interrupted > 0, "at least one run was stopped in its middle")
    pipeline.check_rows(pipeline.end(pipeline.start_last()))

    # A killed run may have lost the last moments of its signals; the last run's are whole.
    signals = pipeline.signals()
    expect(signals[-1] == "drain.done", f"the end is the last that was raised, found {signals[-1]}")
    ended = len(signals) - 1
    started = max(i for i, name in enumerate(signals) if name == "drain.started")
    before = [i for i, name in enumerate(signals[:ended]) if name == "drain.done"]
    begun = before[-1] + 1 if before else 0
    last = signals[begun:]
    expect(begun <= started < ended, "the drain starts before it is done")
    faults = [i for i, name in enumerate(signals) if stem(name) == "error.fault"]
    anomalies = [i for i, name in enumerate(signals) if stem(name) == "anomaly.detected"]
    expect(len(faults) >= 3, "the faults were told")
    expect(anomalies and faults[2] < anomalies[0], "the third fault made an anomaly, and no earlier one")
    commits = [i for i, name in enumerate(signals[started:ended]) if name.startswith("write.done")]
    expect(commits or not any(name.startswith("write.done") for name in last),
           "the drain's rows were committed before it was done")


def lock(path, run):
    """The database, as soon as it has rows; None: the run was over before."""
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    while run.poll() is None:
        try:
            if database.execute("SELECT count(*) FROM characters").fetchone() > (0,):
                database.execute("BEGIN IMMEDIATE")
                return database
        except sqlite3.OperationalError:  # no table yet, or it is being written
            pass
        time.sleep(0.002)
    return None


def locked_by_somebody_else(pipeline):
    run = pipeline.start_last()
    while run.poll() is None and not os.path.exists(pipeline.path):
        time.sleep(0.002)
    other = lock(pipeline.path, run)
    expect(other is not None, "the database could be locked while rows were written")
    time.sleep(LOCKED_SECONDS)
    other.execute("COMMIT")
    other.close()
    pipeline.check_rows(pipeline.end(run))

    signals = pipeline.signals()
    acts = ["write.busy", "circuit-failure", "circuit-open", "circuit-half-open", "circuit-closed", "drain.started"]
    places = [first(signals, act) for act in acts]
    expect(places == sorted(places), f"expected {acts} in this order, found them at {places}")
    expect(first(signals, "retry.attempt.failed") < first(signals, "retry.succeeded.after.retry"),
           "what failed was tried again, and written")


def main():
    mayfly, pipeline = (os.path.abspath(path) for path in sys.argv[1:3])
    folders = {os.path.dirname(os.path.realpath(path)) for path in sys.argv[3:]}
    environment = dict(os.environ, MAYFLY_PLUGIN_PATH=":".join(sorted(folders)))
    for scenario in (killed_again_and_again, locked_by_somebody_else):
        print("==", scenario.__name__)
        scenario(Pipeline(mayfly, pipeline, environment))


main()
