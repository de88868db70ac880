#!/usr/bin/env python3
"""What comments_to_docs makes of a header, line by line."""
import os
import subprocess
import sys
import tempfile
import unittest

FILTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "comments_to_docs")


def turned(text):
    """The turned text, and what was complained about."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.h")
        with open(path, "w", encoding="utf-8") as header:
            header.write(text)
        run = subprocess.run([sys.executable, FILTER, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, check=True)
        return run.stdout, run.stderr.replace(path, "x.h")


HEADER = """// Ring: a few of the newest.
//
//   Ring<int> ring(3);
//
// OWNERSHIP  Owns them,
//            all of them.
#pragma once

namespace a {

template <class T>
class Ring {
"""


class CommentsToDocs(unittest.TestCase):
    def test_the_first_comment_is_the_files_and_the_named_types(self):
        text, complaints = turned(HEADER)
        self.assertEqual(text.splitlines(), [
            "/// @file", "/// Ring: a few of the newest.", "/// @code{.cpp}", "///   Ring<int> ring(3);",
            "/// @endcode", "/// <p><b>Ownership</b> Owns them,", "/// all of them.", "", "namespace a {", "",
            "/** A few of the newest. See x.h. */ template <class T>", "class Ring {"])
        self.assertEqual(complaints, "")

    def test_lines_keep_their_numbers(self):
        text, _ = turned(HEADER + "};\n}  // namespace a\n")
        self.assertEqual(text.count("\n"), HEADER.count("\n") + 2)

    def test_comments_before_and_behind_declarations_are_theirs(self):
        text, _ = turned("\n// Of a.\nvoid a();\nint b;  // of b\n        // and more of b\nint c;\n")
        self.assertEqual(text, "\n/// Of a.\nvoid a();\nint b;  ///< of b\n        ///< and more of b\nint c;\n")

    def test_comments_of_enumerators_and_of_c_are_turned_too(self):
        text, _ = turned("\n/* Kinds. */\nenum {\n  A = 1, /* first */\n};\n")
        self.assertEqual(text, "\n/// Kinds.\nenum {\n  A = 1, ///< first\n};\n")

    def test_comments_within_bodies_and_parameters_stay(self):
        for text in ["\nvoid a() {\n  // why\n  b();  // how\n}\n", "\nvoid a(int b,  // what\n       int c);\n",
                     "\nint a = [] {\n  // why\n  return 1;\n}();\n", "\n}  // namespace a\n",
                     "\n// About all that follows.\n\nint a;\n", "\nint a;  // NOLINT(x)\n"]:
            self.assertEqual(turned(text)[0], text)

    def test_what_doxygen_reads_as_something_else_is_escaped(self):
        text, _ = turned("\n// a<b> & `c::d` @e #f 100% \\g\nint a;\n")
        self.assertEqual(text, "\n/// a&lt;b&gt; &amp; <code>c\\::d</code> \\@e \\#f 100\\% \\\\g\nint a;\n")
        text, _ = turned('\nconst char* a = "// no comment";\n')
        self.assertEqual(text, '\nconst char* a = "// no comment";\n')

    def test_a_type_that_nobody_explains_is_complained_about(self):
        _, complaints = turned("\nnamespace a {\nstruct B {\n  struct C {\n  };\n};\n// D.\nenum class D {\n};\n"
                               "struct E;\n}\n")
        self.assertEqual(complaints, "x.h:3: error: B has no comment\n")


if __name__ == "__main__":
    unittest.main()
