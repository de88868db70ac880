#!/usr/bin/env python3
"""What tools/new_plugin refuses, and what it changes beside the folder that it writes."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

LAYERS = "tests/layers/layers.bzl"


class Checkout:
    """A folder with what the tool looks at."""

    def __init__(self, folder):
        self.root = folder
        for name in ("tools", "plugins", "tests/layers"):
            os.makedirs(os.path.join(folder, name))
        shutil.copy("tools/new_plugin", os.path.join(folder, "tools", "new_plugin"))
        shutil.copyfile(LAYERS, os.path.join(folder, LAYERS))

    def run(self, *arguments):
        """Exit status, standard output, standard error."""
        run = subprocess.run([sys.executable, os.path.join(self.root, "tools", "new_plugin"), *arguments], cwd="/",
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        return run.returncode, run.stdout, run.stderr

    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def write(self, path, text):
        with open(os.path.join(self.root, path), "w", encoding="utf-8") as file:
            file.write(text)

    def plugins(self):
        return sorted(os.listdir(os.path.join(self.root, "plugins")))


class NewPlugin(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.checkout = Checkout(folder.name)

    def refused(self, status, said, *arguments):
        """It says so, and writes nothing."""
        layers = self.checkout.text(LAYERS)
        plugins = self.checkout.plugins()
        found, out, err = self.checkout.run(*arguments)
        self.assertEqual((found, out, err), (status, "", "new_plugin: %s\n" % said))
        self.assertEqual(self.checkout.text(LAYERS), layers)
        self.assertEqual(self.checkout.plugins(), plugins)

    def test_it_names_what_it_has_written_and_what_to_do_next(self):
        status, out, err = self.checkout.run("tally")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, "".join(line + "\n" for line in (
            "plugins/tally/BUILD.bazel", "plugins/tally/README.md", "plugins/tally/example.toml",
            "plugins/tally/tally.cc", "plugins/tally/tally_test.cc", "tests/layers/layers.bzl: libtally.so",
            "next: bazel test //plugins/tally/... //tests/layers/...")))
        self.assertEqual(self.checkout.plugins(), ["tally"])
        self.assertEqual(os.stat(os.path.join(self.checkout.root, "plugins/tally")).st_mode & 0o777, 0o755)

    def test_nothing_of_the_template_is_left_in_what_it_writes(self):
        for arguments in (("of_several_words",), ("--source", "one_more")):
            self.assertEqual(self.checkout.run(*arguments)[0], 0)
        for plugin in self.checkout.plugins():
            for file in os.listdir(os.path.join(self.checkout.root, "plugins", plugin)):
                self.assertNotIn("@", self.checkout.text("plugins/%s/%s" % (plugin, file)))
        self.assertIn("struct OfSeveralWordsNode", self.checkout.text("plugins/of_several_words/of_several_words.cc"))
        self.assertIn("struct OneMoreSource", self.checkout.text("plugins/one_more/one_more.cc"))

    def test_the_library_is_added_to_the_layers_in_the_order_of_the_alphabet(self):
        before = self.checkout.text(LAYERS).splitlines()
        for name in ("tally", "aaa", "zzz"):
            self.assertEqual(self.checkout.run(name)[0], 0)
        after = self.checkout.text(LAYERS).splitlines()
        added = ['    "//plugins/%s:lib%s.so",' % (name, name) for name in ("aaa", "tally", "zzz")]
        self.assertEqual([line for line in after if line not in added], before)
        plugins = [line for line in after if line.startswith('    "//plugins/')]
        self.assertEqual(plugins, sorted(plugins))
        self.assertEqual([line for line in after if line in added], added)

    def test_the_build_file_is_that_of_the_folders_whose_plugins_are_built_and_tested(self):
        for name in ("tally", "numbers"):
            with open("tests/new_plugin/%s/BUILD.bazel" % name, encoding="utf-8") as file:
                built = iter(file.read().splitlines())
            with open("tests/new_plugin/%s/BUILD.written" % name, encoding="utf-8") as file:
                # Each line is found behind the one before it.
                missing = [line for line in file.read().splitlines() if line and line not in built]
            self.assertEqual(missing, [], name)

    def test_a_name_of_other_letters_is_refused_with_one_that_would_do(self):
        rule = "expected a name of small letters, digits and underscores that begins with a letter, found "
        self.refused(64, rule + '"RowCounter"; try "row_counter"', "RowCounter")
        self.refused(64, rule + '"row-counter"; try "row_counter"', "row-counter")
        self.refused(64, rule + '"2rows"; try "rows"', "2rows")
        self.refused(64, rule + '"../rows"; try "rows"', "../rows")
        self.refused(64, rule + '"rows\n"; try "rows"', "rows\n")
        self.refused(64, rule + '""', "")
        self.refused(64, rule + '"_"', "_")
        self.refused(64, rule + '"\u00e9t\u00e9"; try "t"', "\u00e9t\u00e9")

    def test_a_name_that_makes_lines_too_long_is_refused(self):
        self.refused(64, 'expected a name of at most 32 letters, found 33 in "%s"; choose a shorter one' % ("a" * 33),
                     "a" * 33)
        self.assertEqual(self.checkout.run("a" * 32)[0], 0)

    def test_a_folder_that_is_there_is_left_alone(self):
        self.assertEqual(self.checkout.run("tally")[0], 0)
        self.checkout.write("plugins/tally/tally.cc", "mine")
        self.refused(73, "plugins/tally is there already; choose another name, or remove it first", "tally")
        self.assertEqual(self.checkout.text("plugins/tally/tally.cc"), "mine")
        os.symlink("nowhere", os.path.join(self.checkout.root, "plugins", "link"))
        self.refused(73, "plugins/link is there already; choose another name, or remove it first", "link")

    def test_a_library_that_the_layers_name_already_is_refused(self):
        self.refused(73, "tests/layers/layers.bzl names libpass.so already, though plugins/pass isn't there; "
                         "remove that line first", "pass")

    def test_no_name_two_names_and_unknown_options_are_refused_with_the_usage(self):
        usage = "Usage: tools/new_plugin [--source] NAME"
        self.refused(64, "expected one name, found none; " + usage)
        self.refused(64, "expected one name, found 2; " + usage, "one", "two")
        self.refused(64, 'unknown option "--sink"; ' + usage, "--sink", "one")

    def test_a_folder_that_isnt_mayflys_is_refused(self):
        os.remove(os.path.join(self.checkout.root, LAYERS))
        status, _, err = self.checkout.run("tally")
        self.assertEqual(status, 70)
        self.assertIn("expected Mayfly's folder, with plugins and tests/layers/layers.bzl in it", err)
        self.checkout.write(LAYERS, "LAYER_TARGETS = []\n")
        self.assertEqual(self.checkout.run("tally")[0], 70)
        self.assertEqual(self.checkout.plugins(), [])


if __name__ == "__main__":
    unittest.main()
