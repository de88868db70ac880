"""Writes tables by Python's csv and json: a request a line, an answer ("\\n") once its file is whole.

A request is an object with the table and all that a format leaves open; random_table.h has its members.
Its path alone is missing in what a failed test prints:

    echo 'REQUEST' | sed s,PATH,/tmp/table, | python3 write_tables.py
"""

import csv
import gzip
import io
import json
import random
import sys

QUOTING = {"minimal": csv.QUOTE_MINIMAL, "nonnumeric": csv.QUOTE_NONNUMERIC, "all": csv.QUOTE_ALL}


def quoted(table, delimiter):
    out = io.StringIO(newline="")
    quote = table["quote"]
    writer = csv.writer(
        out,
        delimiter=delimiter,
        quotechar=quote,
        lineterminator=table["line_end"],
        doublequote=True,
        quoting=QUOTING[table["quoting"]])
    writer.writerow(table["columns"])
    # Python writes None as it writes an empty text: another text says it, without quotes.
    null = table["null"]
    writer.writerows([null if cell is None else cell for cell in row] for row in table["rows"])
    return out.getvalue().replace(quote + null + quote, null)


def plain_tsv(table):
    """Without quotes and escapes; the table has no text that would need them."""
    def line(row):
        return "\t".join(table["null"] if cell is None else str(cell) for cell in row) + table["line_end"]
    return line(table["columns"]) + "".join(map(line, table["rows"]))


def escaped_tsv(table):
    """As databases export it: backslashes escape, \\N is NULL."""
    def cell(given):
        if given is None:
            return "\\N"
        return str(given).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")

    def line(row):
        return "\t".join(map(cell, row)) + table["line_end"]
    return line(table["columns"]) + "".join(map(line, table["rows"]))


def objects(table):
    rng = random.Random(table["order"])
    for row in table["rows"]:
        members = list(zip(table["columns"], row))
        first = members[0]
        rng.shuffle(members)
        # A key that is missing is NULL, as null is; without any there is no column.
        yield {key: cell for key, cell in members if cell is not None or key == first[0] or rng.random() < 0.5}


def json_text(table):
    ascii_only, shape = table["ascii_only"], table["shape"]
    if shape == "lines":
        return "".join(json.dumps(each, ensure_ascii=ascii_only) + "\n" for each in objects(table))
    if shape == "objects":
        return "".join(json.dumps(each, ensure_ascii=ascii_only, indent=1) + "\n" for each in objects(table))
    return json.dumps(list(objects(table)), ensure_ascii=ascii_only, indent=2 if shape == "pretty" else None)


WRITERS = {
    "csv": lambda table: quoted(table, table["delimiter"]),
    "quoted_tsv": lambda table: quoted(table, "\t"),
    "tsv": plain_tsv,
    "escaped_tsv": escaped_tsv,
    "ndjson": json_text,
    "json": json_text,
}


def main():
    for request in sys.stdin:
        table = json.loads(request)
        data = WRITERS[table["writer"]](table).encode(table["encoding"])
        with open(table["path"], "wb") as out:
            out.write(gzip.compress(data, 1) if table["packing"] == "gzip" else data)
        sys.stdout.write("\n")
        sys.stdout.flush()


main()
