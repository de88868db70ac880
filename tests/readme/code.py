#!/usr/bin/env python3
"""C++ in pages is code that runs, and tables of options are those of the headers.

Each paragraph of a `cpp` block stands in one of the programs, which tests run, line by line (but for how far
it is indented), and all of a block in the same one. A table that begins with a struct's name and "default" has
all of its members, with the defaults as the header writes them.

Usage: code.py FILE.md... FILE.cc... FILE.h...
"""
import re
import sys


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def flat(text):
    return "\n".join(line.strip() for line in text.splitlines())


def stands_in(block, program):
    at = 0
    for paragraph in re.split(r"\n\s*\n", flat(block).strip()):
        at = ("\n" + program).find("\n" + paragraph + "\n", at)
        if at < 0:
            return False
        at += len(paragraph)
    return True


def check_blocks(page, text, programs):
    found = re.findall(r"^```cpp\n(.*?)^```", text, re.M | re.S)
    missing = [block for block in found if not any(stands_in(block, program) for program in programs)]
    for block in missing:
        print("%s: this stands in no program:\n%s" % (page, block))
    return len(found), len(missing)


def members(header, struct):
    """Name and default of each, as the header writes it; "" where it writes none."""
    body = re.search(r"^struct %s {\n(.*?)^};" % struct, header, re.M | re.S).group(1)
    body = re.sub(r"//.*", "", body)
    declared = re.findall(r"^\s*(?:const )?[\w:<>]+\*? (\w+)(?: = (.+))?;", body, re.M)
    assert len(declared) == body.count(";"), (struct, declared)
    return dict(declared)


def check_tables(page, text, headers):
    found = wrong = 0
    for struct, table in re.findall(r"^\| `(\w+)` \| default \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M):
        known = members(next(header for header in headers if "struct %s {" % struct in header), struct)
        told = dict([cell.strip().strip("`") for cell in row.split("|")[1:3]] for row in table.splitlines())
        found += 1
        for name in sorted(set(told) | set(known)):
            if told.get(name) != known.get(name):
                print("%s: %s.%s: expected %s, found %s" % (page, struct, name, known.get(name), told.get(name)))
                wrong += 1
    return found, wrong


def main():
    paths = sys.argv[1:]
    programs = [flat(read(path)) + "\n" for path in paths if path.endswith(".cc")]
    headers = [read(path) for path in paths if path.endswith(".h")]
    blocks = tables = wrong = 0
    for page in (path for path in paths if path.endswith(".md")):
        text = read(page)
        found, missing = check_blocks(page, text, programs)
        assert found > 0, page + " has no block of C++"
        blocks, wrong = blocks + found, wrong + missing
        found, missing = check_tables(page, text, headers)
        tables, wrong = tables + found, wrong + missing
    print("%d blocks, %d tables, %d wrong" % (blocks, tables, wrong))
    assert tables > 0
    sys.exit(1 if wrong else 0)


main()
