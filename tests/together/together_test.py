"""together_test.py MAYFLY PIPELINE.toml PLUGIN.so...: the pipeline with its thirteen nodes, killed again and
again while it runs, answers every row once."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile

INPUT = "/usr/share/unicode/UnicodeData.txt"
KILLS = 8


def expect(holds, what):
    if not holds:
        sys.exit("FAIL " + what)


def main():
    mayfly, pipeline = (os.path.abspath(path) for path in sys.argv[1:3])
    folders = {os.path.dirname(os.path.realpath(path)) for path in sys.argv[3:]}
    environment = dict(os.environ, MAYFLY_PLUGIN_PATH=":".join(sorted(folders)))
    folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    chance = random.Random(seed)

    def start(*options):
        return subprocess.Popen([mayfly, "run", pipeline, *options], cwd=folder, env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    interrupted = 0
    for _ in range(KILLS):
        run = start("-q")
        try:
            run.wait(timeout=chance.uniform(0.02, 0.15))
        except subprocess.TimeoutExpired:
            run.send_signal(chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT]))
            interrupted += 1
        run.communicate()
    last = start("--output", "json", "-v")
    out, err = last.communicate(timeout=120)
    print(err, out, "interrupted", interrupted)
    expect(interrupted > 0, "at least one run was stopped in its middle")
    expect(last.returncode in (0, 65), f"expected status 0 or 65, found {last.returncode}")
    summary = json.loads(out)

    with open(INPUT, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split(";") for line in file]
    wanted = {row[0]: (row[1], row[2]) for row in rows if row[2] != "Cc"}
    database = sqlite3.connect(os.path.join(folder, "characters.db"))
    written = database.execute("SELECT code, name, category, letter FROM characters").fetchall()
    expect(len({row[0] for row in written}) == len(written), "no character is there twice")
    for code, name, category, letter in written:
        expect(wanted.get(code) == (name, category), f"{code} is as it is in the file")
        expect(letter == int(category.startswith("L")), f"{code}: a letter or none")
    letters = database.execute(
        "SELECT json_extract(columns, '$.code'), code, count(*) FROM mayfly_dead_letters GROUP BY 1, 2"
    ).fetchall()
    for code, reason, count in letters:
        expect(reason == "injected_error" and count == 1, f"{code} was refused once, by chance")
        expect(code in wanted and code not in {row[0] for row in written}, f"{code} isn't written, too")

    # Every row has one answer: written, refused, dropped, or consumed by what was made of it.
    lost = len(wanted) - len(written) - len(letters)
    share = lost / len(wanted)
    expect(0.003 < share < 0.03, f"one in a hundred was dropped by chance, found {share}")
    offsets = database.execute("SELECT low FROM mayfly_offsets WHERE source = ?", (INPUT,)).fetchone()
    expect(offsets == (len(rows),), f"everything is answered: {offsets} of {len(rows)}")
    expect(database.execute("SELECT count(*) FROM mayfly_offset_ranges").fetchone() == (0,),
           "nothing is answered out of turn in the end")
    controls = sum(row[2] == "Cc" for row in rows)
    expect(summary["rows_read"] == len(rows), "every row was read once")
    expect(summary["rows_dropped"] == controls + lost, f"{controls} controls and {lost} by chance were dropped")
    answers = ("written", "ignored", "rejected", "dropped", "consumed")
    expect(summary["rows_read"] + summary["rows_made"] == sum(summary["rows_" + a] for a in answers),
           "each row that was read or made has one answer")
    expect(summary["rows_written"] == len(written), "the summary counts what all runs wrote")
    expect(summary["rows_rejected"] == len(letters), "and what they refused")

    # What happened is beside the rows, in the order in which it did. A killed run may have lost the
    # last moments of it; the last run's is whole.
    signals = [name for (name,) in database.execute("SELECT signal FROM signals ORDER BY id")]
    print("signals", len(signals), sorted({name.split(":")[0] for name in signals}))
    expect(signals[-1] == "drain.done", f"the end is the last that was raised, found {signals[-1]}")
    ended = len(signals) - 1
    started = max(i for i, name in enumerate(signals) if name == "drain.started")
    before = [i for i, name in enumerate(signals[:ended]) if name == "drain.done"]
    begun = before[-1] + 1 if before else 0
    last = signals[begun:]
    expect(begun <= started < ended, "the drain starts before it is done")
    faults = [i for i, name in enumerate(signals) if name.split(":")[0] == "error.fault"]
    anomalies = [i for i, name in enumerate(signals) if name.split(":")[0] == "anomaly.detected"]
    expect(len(faults) >= 3, "the faults were told")
    expect(anomalies and faults[2] < anomalies[0], "the third fault made an anomaly, and no earlier one")
    commits = [i for i, name in enumerate(signals[started:ended]) if name.startswith("write.done")]
    expect(commits or not any(name.startswith("write.done") for name in last),
           "the drain's rows were committed before it was done")


main()
