"""A validator for those keywords of JSON Schema (2020-12) that `mayfly plugins schema` uses.

Any other keyword is an error, so that none is passed over. Only the standard library is needed. Numbers are
TOML's: an integer is no float, and true is neither.
"""
import re

ANNOTATIONS = {"$schema", "$defs", "title", "description", "default"}
TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


def is_same(a, b):
    return a == b and isinstance(a, bool) == isinstance(b, bool)


class Validator:
    """Of one schema, the whole of it: references begin at its root."""

    def __init__(self, root):
        self.root = root

    def resolve(self, reference):
        assert reference.startswith("#/"), reference
        schema = self.root
        for part in reference[2:].split("/"):
            schema = schema[part]
        return schema

    def errors(self, value, schema=None, path="$"):
        """What is wrong with it, as texts; none: it is valid."""
        schema = self.root if schema is None else schema
        if isinstance(schema, bool):
            return [] if schema else ["%s: nothing is expected here" % path]
        found = []
        for keyword, argument in schema.items():
            if keyword in ANNOTATIONS or keyword == "then":
                continue
            method = getattr(self, "check_" + keyword.replace("$", ""), None)
            assert method is not None, "the test's validator doesn't know \"%s\"; teach it" % keyword
            found += method(argument, value, schema, path)
        return found

    def is_valid(self, value, schema):
        return not self.errors(value, schema)

    def check_ref(self, argument, value, _, path):
        return self.errors(value, self.resolve(argument), path)

    def check_type(self, argument, value, _, path):
        types = argument if isinstance(argument, list) else [argument]
        return [] if any(TYPES[name](value) for name in types) else ["%s: expected %s" % (path, " or ".join(types))]

    def check_const(self, argument, value, _, path):
        return [] if is_same(argument, value) else ["%s: expected %r" % (path, argument)]

    def check_enum(self, argument, value, _, path):
        return [] if any(is_same(one, value) for one in argument) else ["%s: expected one of %r" % (path, argument)]

    def check_pattern(self, argument, value, _, path):
        if not isinstance(value, str) or re.search(argument.replace("$", r"\Z"), value):
            return []
        return ["%s: expected what matches %s" % (path, argument)]

    @staticmethod
    def bounded(fits, path, what, argument):
        return [] if fits else ["%s: expected %s %s" % (path, what, argument)]

    def check_minimum(self, argument, value, _, path):
        return self.bounded(not TYPES["number"](value) or value >= argument, path, "at least", argument)

    def check_maximum(self, argument, value, _, path):
        return self.bounded(not TYPES["number"](value) or value <= argument, path, "at most", argument)

    def check_minLength(self, argument, value, _, path):
        return self.bounded(not isinstance(value, str) or len(value) >= argument, path, "characters, at least", argument)

    def check_maxLength(self, argument, value, _, path):
        return self.bounded(not isinstance(value, str) or len(value) <= argument, path, "characters, at most", argument)

    def check_minItems(self, argument, value, _, path):
        return self.bounded(not isinstance(value, list) or len(value) >= argument, path, "entries, at least", argument)

    def check_maxItems(self, argument, value, _, path):
        return self.bounded(not isinstance(value, list) or len(value) <= argument, path, "entries, at most", argument)

    def check_items(self, argument, value, _, path):
        if not isinstance(value, list):
            return []
        return [error for i, one in enumerate(value) for error in self.errors(one, argument, "%s[%d]" % (path, i))]

    def check_properties(self, argument, value, _, path):
        if not isinstance(value, dict):
            return []
        return [error for name, schema in argument.items() if name in value
                for error in self.errors(value[name], schema, "%s.%s" % (path, name))]

    def check_additionalProperties(self, argument, value, schema, path):
        if not isinstance(value, dict):
            return []
        return [error for name in value if name not in schema.get("properties", {})
                for error in self.errors(value[name], argument, "%s.%s" % (path, name))]

    def check_propertyNames(self, argument, value, _, path):
        if not isinstance(value, dict):
            return []
        return [error for name in value for error in self.errors(name, argument, "%s.%s" % (path, name))]

    def check_required(self, argument, value, _, path):
        return ["%s: %s is missing" % (path, name) for name in argument if isinstance(value, dict) and name not in value]

    def check_dependentRequired(self, argument, value, schema, path):
        if not isinstance(value, dict):
            return []
        return [error for name, needed in argument.items() if name in value
                for error in self.check_required(needed, value, schema, path)]

    def check_not(self, argument, value, _, path):
        return ["%s: not this" % path] if self.is_valid(value, argument) else []

    def check_allOf(self, argument, value, _, path):
        return [error for schema in argument for error in self.errors(value, schema, path)]

    def check_anyOf(self, argument, value, _, path):
        alternatives = [self.errors(value, schema, path) for schema in argument]
        return [] if not all(alternatives) else [error for errors in alternatives for error in errors]

    def check_if(self, argument, value, schema, path):
        return self.errors(value, schema["then"], path) if self.is_valid(value, argument) else []
