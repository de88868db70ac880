#!/usr/bin/env python3
"""`mayfly plugins schema` against all examples, against files that are wrong, and against `plugins show`.

Usage: schema_test.py MAYFLY README.md PIPELINE.md PLUGIN.so... EXAMPLE.toml...
"""
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

from json_schema import Validator

MAYFLY, README, PAGE = (os.path.abspath(path) for path in sys.argv[1:4])
PLUGINS = [path for path in sys.argv[4:] if path.endswith(".so")]
EXAMPLES = [path for path in sys.argv[4:] if path.endswith(".toml")]
ENVIRONMENT = dict(os.environ, MAYFLY_PLUGIN_PATH=":".join(os.path.abspath(os.path.dirname(path)) for path in PLUGINS))

PIPELINE = """
[pipeline]
name = "orders"
batch_rows = 512
drain_deadline = "30s"

[source.orders]
plugin = "generate"
rows = 10
cancel_on = ["batch.full:9*"]

[node.groups]
plugin = "batch"
input = "orders"
timeout = "1s"
defer_on = ["circuit-open*"]
resume_on = ["circuit-closed*"]

[node.breaker]
plugin = "circuit_breaker"
input = ["groups"]

[writer]
input = ["breaker.out"]
database = "orders.db"
table = "orders"
mode = "upsert"
primary_key = ["id"]

[writer.columns]
id = "INTEGER"
name = "text"

[[reaction]]
on = "batch.full*"
do = "pause"
target = "orders"

[[reaction]]
on = "batch.timeout*"
do = "set"
target = "breaker"
option = "state"
value = "closed"

[[reaction]]
on = "batch.full*"
do = "drain"
"""


def mayfly(*arguments):
    return subprocess.run([MAYFLY, *arguments], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def schema_of_all():
    run = mayfly("plugins", "schema")
    assert run.returncode == 0 and run.stderr == "", run
    return json.loads(run.stdout)


def toml_value(value):
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s = %s" % (json.dumps(name), toml_value(one)) for name, one in value.items())
    if isinstance(value, list):
        return "[%s]" % ", ".join(toml_value(one) for one in value)
    return json.dumps(value)


def toml_text(document):
    """With its tables in the form of sections, since that is what messages are about."""
    lines = []
    for section, table in document.items():
        if isinstance(table, list) and table and isinstance(table[0], dict):
            for one in table:
                lines += ["[[%s]]" % section] + ["%s = %s" % (key, toml_value(value)) for key, value in one.items()]
        elif section in ("source", "node"):
            for name, step in table.items():
                lines += ["[%s.%s]" % (section, json.dumps(name))]
                lines += ["%s = %s" % (key, toml_value(value)) for key, value in step.items()]
        elif isinstance(table, dict):
            lines += ["[%s]" % section] + ["%s = %s" % (key, toml_value(value)) for key, value in table.items()]
        else:
            lines.insert(0, "%s = %s" % (section, toml_value(table)))
    return "\n".join(lines) + "\n"


def validated(document):
    """Exit status and words of `mayfly validate`."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pipeline.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(toml_text(document))
        run = mayfly("validate", path)
        return run.returncode, run.stdout + run.stderr


def at(document, path):
    for part in path:
        document = document[part]
    return document


class Schema(unittest.TestCase):
    def setUp(self):
        self.schema = schema_of_all()
        self.validator = Validator(self.schema)

    def test_every_example_is_valid(self):
        self.assertEqual(len(EXAMPLES), len(PLUGINS))
        for example in EXAMPLES:
            with open(example, "rb") as file:
                self.assertEqual(self.validator.errors(tomllib.load(file)), [], example)

    def test_the_pages_pipelines_are_valid(self):
        for page in (README, PAGE):
            pipelines = re.findall(r"^```toml\n(.*?)^```", read(page), re.M | re.S)
            self.assertGreater(len(pipelines), 0, page)
            for pipeline in pipelines:
                self.assertEqual(self.validator.errors(tomllib.loads(pipeline)), [], pipeline)

    def test_the_page_has_every_option_with_its_default(self):
        for section, elsewhere in (("pipeline", set()), ("writer", {"input", "columns", "database", "table"})):
            table = re.search(r"^\| `\[%s\]` \| default .*\n\|[-|]+\n((?:\|.*\n)+)" % section, read(PAGE), re.M)
            told = {}
            for row in table.group(1).splitlines():
                names, defaults = (re.findall(r"`(.*?)`", cell) for cell in row.split("|")[1:3])
                told.update(zip(names, defaults or [None] * len(names), strict=True))
            known = {name: json.dumps(option["default"]).strip('"') if "default" in option else None
                     for name, option in self.schema["properties"][section]["properties"].items()
                     if name not in elsewhere}
            self.assertEqual(told, known)

    def test_a_file_with_all_sections_is_valid_here_and_there(self):
        document = tomllib.loads(PIPELINE)
        self.assertEqual(self.validator.errors(document), [])
        status, said = validated(document)
        self.assertEqual(status, 0, said)

    def test_what_is_refused_here_is_refused_by_validate(self):
        step = lambda **more: {"plugin": "pass", "input": "orders", **more}
        cases = [
            # Where, and what stands there; None: nothing.
            (("writer",), None), (("source",), None), (("soruce",), {}), (("pipeline", "batch_rows"), 0),
            (("pipeline", "batch_rows"), True), (("pipeline", "name"), ""), (("pipeline", "name"), "n" * 65),
            (("pipeline", "drain_deadline"), "soon"), (("pipeline", "drain_deadline"), 30),
            (("pipeline", "batch_bytes"), "many"), (("pipeline", "batchs"), 4), (("pipeline",), 7),
            (("source", "orders", "plugin"), None), (("source", "orders", "plugin"), "generat"),
            (("source", "orders", "plugin"), "batch"), (("source", "orders", "input"), "groups"),
            (("source", "orders", "rows"), -1), (("source", "orders", "rows"), 1.5), (("source", "orders", "rows"), [1]),
            (("source", "orders", "rosw"), 1), (("source", "orders", "columns"), []),
            (("source", "orders", "columns"), [7]), (("source", "orders", "cancel_on"), []),
            (("source", "orders", "cancel_on"), ["a b"]), (("source", "Orders"), {"plugin": "generate"}),
            (("source", "writer"), {"plugin": "generate"}),
            (("node", "groups", "input"), None), (("node", "groups", "input"), []), (("node", "groups", "input"), 7),
            (("node", "groups", "defer_on"), None), (("node", "groups", "cancel"), ["x"]),
            (("node", "groups", "plugin"), "generate"), (("node", "more"), step(rows=1)),
            (("node", "more"), {"plugin": "dedupe", "input": "orders"}),
            (("node", "more"), {"plugin": "dedupe", "input": "orders", "keys": ["id"], "nulls": "same"}),
            (("writer", "table"), None), (("writer", "input"), None), (("writer", "mode"), "merge"),
            (("writer", "jitter"), 1.5), (("writer", "alter"), 1), (("writer", "columns"), "id"),
            (("writer", "columns", "id"), "number"),
            (("reaction", 0, "on"), None), (("reaction", 0, "do"), "stop"), (("reaction", 0, "target"), None),
            (("reaction", 0, "option"), "rows"), (("reaction", 1, "value"), None), (("reaction", 1, "option"), None),
            (("reaction", 2, "target"), "orders"), (("reaction", 2, "on"), "a b"), (("reaction",), {"on": "x"}),
        ]
        for path, value in cases:
            with self.subTest(path=path, value=value):
                document = tomllib.loads(PIPELINE)
                place = at(document, path[:-1])
                if value is None:
                    del place[path[-1]]
                else:
                    place[path[-1]] = copy.deepcopy(value)
                self.assertNotEqual(self.validator.errors(document), [], "the schema accepts it")
                status, said = validated(document)
                self.assertEqual(status, 78, said)

    def test_what_may_be_written_in_several_ways_is_valid_in_each(self):
        cases = [
            (("pipeline", "batch_bytes"), 200000), (("pipeline", "batch_bytes"), "1.5MiB"),
            (("pipeline", "drain_deadline"), "1m30s"), (("node", "groups", "input"), ["orders"]),
            (("node", "groups", "defer_on"), "circuit-open, circuit-half*"), (("writer", "group_delay"), 0),
            (("writer", "primary_key"), "id, name"), (("writer", "jitter"), 0), (("writer", "columns", "id"), "BigInt"),
            (("reaction", 2, "on"), "batch.*"),
        ]
        for path, value in cases:
            with self.subTest(path=path, value=value):
                document = tomllib.loads(PIPELINE)
                at(document, path[:-1])[path[-1]] = value
                self.assertEqual(self.validator.errors(document), [])
                status, said = validated(document)
                self.assertEqual(status, 0, said)

    def test_a_plugin_by_its_path_may_have_any_options(self):
        document = tomllib.loads(PIPELINE)
        document["node"]["groups"] = {"plugin": "./libmine.so", "input": "orders", "anything": 1}
        self.assertEqual(self.validator.errors(document), [])

    def test_every_plugin_has_its_options_in_the_schema_as_show_gives_them(self):
        controls = {"cancel_on", "defer_on", "resume_on"}
        for path in PLUGINS:
            name = os.path.basename(path)[len("lib"):-len(".so")]
            shown = json.loads(mayfly("plugins", "show", name, "--output", "json").stdout)
            # A sink stands where nodes do.
            section = "source" if shown["kind"] == "source" else "node"
            step = self.schema["$defs"]["%s.%s" % (section, name)]
            options = {option["name"]: option for option in shown["options"]}
            inputs = {"input"} if section == "node" else set()
            self.assertEqual(set(step["properties"]), set(options) | controls | inputs | {"plugin"}, name)
            required = {option["name"] for option in shown["options"] if option["required"]}
            self.assertEqual(set(step["required"]), required | inputs | {"plugin"}, name)
            for option in options.values():
                found = step["properties"][option["name"]]
                self.assertIn(option["help"], found["description"])
                self.assertEqual("default" in found, option["default"] is not None)
                if option["type"] == "choice":
                    self.assertEqual(found["enum"], option["choices"])
                if "default" in found:
                    self.assertEqual(self.validator.errors(found["default"], found), [], "%s.%s" % (name, option["name"]))

    def test_show_gives_the_whole_descriptor(self):
        for path in PLUGINS:
            name = os.path.basename(path)[len("lib"):-len(".so")]
            run = mayfly("plugins", "show", name, "--output", "json")
            shown = json.loads(run.stdout)
            text = mayfly("plugins", "show", name).stdout
            self.assertEqual(list(shown), ["name", "version", "summary", "kind", "abi", "path", "flags", "options", "ports",
                                           "counters", "reasons", "raises", "listens"])
            self.assertEqual(os.path.realpath(shown["path"]), os.path.realpath(path))
            for option in shown["options"]:
                self.assertEqual(list(option), ["name", "type", "required", "unique", "signals", "runtime", "default",
                                                "minimum", "maximum", "choices", "help"])
                self.assertIn("  %s: %s" % (option["name"], option["type"]), text)
                self.assertIn(option["help"], text)
                for flag, said in (("required", ", required"), ("runtime", ", may change at run time"),
                                   ("signals", ", globs of signals"), ("unique", ", another in every source")):
                    line = next(line for line in text.splitlines() if line.startswith("  %s: " % option["name"]))
                    self.assertEqual(option[flag], said in line, line)
            for table in ("ports", "counters", "reasons", "raises", "listens"):
                for row in shown[table]:
                    self.assertEqual(list(row), ["name", "help"])
                    self.assertTrue(row["help"], name)
                    self.assertRegex(text, "(?m)^  %s +%s$" % (re.escape(row["name"]), re.escape(row["help"])))


class TheValidator(unittest.TestCase):
    """The test's own: it must see what it is there for."""

    def test_it_refuses_what_it_should(self):
        for schema, good, bad in (
                ({"type": "integer"}, 1, True), ({"type": ["string", "array"]}, [], 1), ({"const": 1}, 1, True),
                ({"enum": ["a"]}, "a", "b"), ({"pattern": "^a$"}, "a", "a\n"), ({"minimum": 1}, 1, 0),
                ({"maximum": 1}, 1, 2), ({"minLength": 1}, "a", ""), ({"maxLength": 1}, "a", "ab"),
                ({"minItems": 1}, [1], []), ({"maxItems": 1}, [1], [1, 2]), ({"items": {"type": "string"}}, ["a"], [1]),
                ({"properties": {"a": False}}, {"b": 1}, {"a": 1}), ({"required": ["a"]}, {"a": 1}, {}),
                ({"properties": {"a": True}, "additionalProperties": False}, {"a": 1}, {"b": 1}),
                ({"propertyNames": {"pattern": "^a"}}, {"a": 1}, {"b": 1}), ({"not": {"const": 1}}, 2, 1),
                ({"dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}),
                ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 1, 3), ({"anyOf": [{"const": 1}, {"const": 2}]}, 2, 3),
                ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"c": 1}, {"a": 1}),
                ({"$ref": "#/$defs/one", "$defs": {"one": {"const": 1}}}, 1, 2)):
            self.assertEqual(Validator(schema).errors(good), [], schema)
            self.assertNotEqual(Validator(schema).errors(bad), [], schema)

    def test_a_keyword_that_it_doesnt_know_is_an_error(self):
        with self.assertRaises(AssertionError):
            Validator({"multipleOf": 2}).errors(3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
