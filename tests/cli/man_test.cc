// Man pages as groff sets them, and as `mayfly man` writes them.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

// As a terminal shows it, without bold and italic; fails the test for a warning.
std::string typeset(const std::string& page) {
  RunProgram groff("/usr/bin/env",
                   {"groff", "-man", "-ww", "-Tutf8", "-P-c", "-P-b", "-P-u", "-rLL=100n", page});
  CHECK(groff.wait() == 0);
  CHECK(groff.err() == "");
  return groff.out();
}

// Every page, as one run writes them.
struct Pages {
  Pages() : folder(make_folder() + "/share/man1") {
    const Outcome outcome = run_mayfly({"man", "--folder", folder});
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "");
    CHECK(outcome.err == "");
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      names.insert(entry.path().filename().string());
    }
  }
  std::string path(const std::string& name) const { return folder + "/" + name; }

  std::string folder;
  std::set<std::string> names;
};

}  // namespace

TEST_CASE("man: the pages of all commands are written, and groff sets each without a warning") {
  const Pages pages;
  for (const std::string name : {"mayfly.1", "mayfly-ingest.1", "mayfly-plugins.1",
                                 "mayfly-plugins-show.1", "mayfly-completion.1", "mayfly-man.1"}) {
    CHECK_MESSAGE(pages.names.contains(name), name);
  }
  for (const std::string& name : pages.names) {
    CAPTURE(name);
    const std::string text = typeset(pages.path(name));
    for (const std::string part :
         {"\nNAME\n", "\nSYNOPSIS\n", "\nDESCRIPTION\n", "\nOPTIONS\n", "\nEXIT STATUS\n",
          "\nENVIRONMENT\n", "\nEXAMPLES\n", "\nSEE ALSO\n", "       -q, --quiet\n",
          "       0      success"}) {
      CHECK_MESSAGE(contains(text, part), part);
    }
    // Each that is pointed at is there.
    for (std::size_t at = text.find("(1)"); at != std::string::npos;
         at = text.find("(1)", at + 1)) {
      std::size_t begin = at;
      while (begin > 0 && !std::isspace(static_cast<unsigned char>(text[begin - 1]))) --begin;
      std::string page = text.substr(begin, at - begin);
      for (char& c : page) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      CHECK_MESSAGE(pages.names.contains(page + ".1"), page);
    }
  }
}

TEST_CASE("man: what is copied from a page is what a shell reads") {
  const Pages pages;
  const std::string ingest = typeset(pages.path("mayfly-ingest.1"));
  for (const std::string part :
       {"         zcat big.csv.gz | mayfly ingest - --into big.db --table big\n",
        "mayfly ingest [OPTION]... --into DB FILE...\n", "       --pk COL,...\n",
        "       --on-error dead-letter|fail\n", "Default: dead-letter.",
        "Environment: MAYFLY_ON_ERROR.", "Rows that can't be stored"}) {
    CHECK_MESSAGE(contains(ingest, part), part << " in\n" << ingest);
  }
  CHECK(contains(typeset(pages.path("mayfly-completion.1")),
                 "mayfly completion zsh > ~/.zfunc/_mayfly\n"));
  CHECK(contains(typeset(pages.path("mayfly-signals.1")),
                 "mayfly signals app.db \"error.*\" --since 10m\n"));
}

TEST_CASE("man: a command's page is printed, named by its words as they are typed") {
  const Pages pages;
  CHECK(run_mayfly({"man"}).out == read_file(pages.path("mayfly.1")));
  CHECK(run_mayfly({"man", "ingest"}).out == read_file(pages.path("mayfly-ingest.1")));
  const Outcome show = run_mayfly({"man", "plugins", "show"});
  CHECK(show.status == 0);
  CHECK(show.err == "");
  CHECK(show.out == read_file(pages.path("mayfly-plugins-show.1")));
}

TEST_CASE("man: a command that there isn't is told with what it may have been") {
  const Outcome near = run_mayfly({"man", "ingets"});
  CHECK(near.status == 64);
  CHECK(near.out == "");
  CHECK(near.err ==
        "mayfly: error: expected a command of mayfly, found \"ingets\" (did you mean "
        "\"ingest\"?); \"mayfly --help\" lists what there is\n");
  const Outcome below = run_mayfly({"man", "plugins", "eat"});
  CHECK(below.status == 64);
  CHECK(below.err ==
        "mayfly: error: expected a command of mayfly plugins, found \"eat\"; "
        "\"mayfly plugins --help\" lists what there is\n");
  // Below one that has none there is nothing to list.
  const Outcome leaf = run_mayfly({"man", "run", "fast"});
  CHECK(leaf.status == 64);
  CHECK(contains(leaf.err, "mayfly run has no commands, found \"fast\""));
}

TEST_CASE("man: a folder that can't be made or written is told") {
  const std::string folder = make_folder();
  write_file(folder + "/file", "");
  const Outcome file = run_mayfly({"man", "--folder", folder + "/file"});
  CHECK(file.status == 73);
  CHECK(contains(file.err, folder + "/file: can't make "));
  std::filesystem::create_directories(folder + "/taken/mayfly.1");
  const Outcome taken = run_mayfly({"man", "--folder", folder + "/taken"});
  CHECK(taken.status == 73);
  CHECK(contains(taken.err, "/taken/mayfly.1: can't make this file: Is a directory"));
  const Outcome full = run_mayfly({"man", "--folder", folder, "ingest"});
  CHECK(full.status == 64);
  CHECK(contains(full.err, "COMMAND excludes --folder"));
}

TEST_CASE("man: a full disk is an I/O error, of a page as of a folder of them") {
  const std::string folder = make_folder();
  std::filesystem::create_symlink("/dev/full", folder + "/mayfly.1");
  const Outcome outcome = run_mayfly({"man", "--folder", folder});
  CHECK(outcome.status == 74);
  CHECK(contains(outcome.err, "/mayfly.1: can't write: No space left on device"));
}
