// Completions as the shells themselves have them: the scripts that `mayfly completion` prints are
// loaded, and asked what they offer at the end of a line.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "tests/cli/cli_fixture.h"
#include "tests/support/runfile.h"

using namespace mayfly::testing;

namespace {

using Offers = std::set<std::string>;

std::string driver(const char* variable) {
  const char* path = std::getenv(variable);
  REQUIRE(path != nullptr);
  return std::filesystem::absolute(runfile(path)).string();
}

// A line's words as bash gives them to a completion: split at "=" too.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words = {""};
  for (const char c : line) {
    if (c == ' ') {
      words.emplace_back();
    } else if (c == '=') {
      if (!words.back().empty()) words.emplace_back();
      words.back() = "=";
    } else {
      if (words.back() == "=") words.emplace_back();
      words.back() += c;
    }
  }
  return words;
}

// The scripts, and a folder with a few files in which they are asked.
struct Shells {
  Shells() : folder(make_folder()), home(make_folder()) {
    for (const char* shell : {"bash", "zsh", "fish"}) {
      const Outcome outcome = run_mayfly({"completion", shell});
      REQUIRE(outcome.status == 0);
      REQUIRE(outcome.err.empty());
      write_file(script(shell), outcome.out);
    }
    write_file(folder + "/orders.csv", "");
    write_file(folder + "/our own.csv", "");
    std::filesystem::create_directory(folder + "/old");
  }

  std::string script(const std::string& shell) const { return home + "/script." + shell; }

  // What it prints, which is nothing to standard error, one offer a line.
  Offers run(std::vector<std::string> command) const {
    RunProgram program("/usr/bin/env", command,
                       {.environment = {{"HOME", home}}, .folder = folder});
    CHECK(program.wait() == 0);
    CHECK(program.err() == "");
    std::istringstream lines(program.out());
    Offers offers;
    for (std::string line; std::getline(lines, line);) {
      // fish: a description; zsh: blanks as they are typed; a folder's slash.
      line = line.substr(0, line.find('\t'));
      std::erase(line, '\\');
      if (line.ends_with('/')) line.pop_back();
      // fish offers the word whole.
      const std::size_t equals = line.find('=');
      if (equals != std::string::npos && equals + 1 < line.size()) line.erase(0, equals + 1);
      offers.insert(line);
    }
    return offers;
  }

  Offers bash(std::vector<std::string> words) const {
    words.insert(words.begin(), {"bash", "--norc", driver("COMPLETE_BASH"), script("bash")});
    return run(std::move(words));
  }
  Offers bash(const std::string& line) const { return bash(words_of(line)); }
  Offers zsh(const std::string& line) const {
    return run({"zsh", "-f", driver("COMPLETE_ZSH"), script("zsh"), line, home});
  }
  Offers fish(const std::string& line) const {
    return run({"fish", "--no-config", driver("COMPLETE_FISH"), script("fish"), line});
  }

  void check(const std::string& line, const Offers& expected) const {
    CAPTURE(line);
    CHECK(bash(line) == expected);
    CHECK(zsh(line) == expected);
    CHECK(fish(line) == expected);
  }

  std::string folder, home;
};

}  // namespace

namespace doctest {
template <>
struct StringMaker<Offers> {
  static String convert(const Offers& offers) {
    std::string text;
    for (const std::string& offer : offers) text += "[" + offer + "]";
    return text.c_str();
  }
};
}  // namespace doctest

TEST_CASE("completion: commands are offered, and those below them") {
  const Shells shells;
  shells.check("mayfly in", {"ingest"});
  shells.check("mayfly plugins ", {"check", "list", "schema", "show"});
  shells.check("mayfly plugins sh", {"show"});
  // A word is a command only where one can stand.
  shells.check("mayfly run plugins sch", {});
  for (const Offers& offers :
       {shells.bash("mayfly "), shells.zsh("mayfly "), shells.fish("mayfly ")}) {
    CHECK(offers.contains("ingest"));
    CHECK(offers.contains("run"));
    CHECK(offers.contains("completion"));
    CHECK(!offers.contains("show"));
    CHECK(!offers.contains("orders.csv"));
  }
}

TEST_CASE("completion: options are those of the command, with those of all commands") {
  const Shells shells;
  shells.check("mayfly ingest --on-", {"--on-error", "--on-extra"});
  shells.check("mayfly run --on-", {});
  shells.check("mayfly --vers", {"--version"});
  shells.check("mayfly plugins check --se", {"--set"});
  shells.check("mayfly plugins list --se", {});
  for (const char* command : {"", "ingest ", "plugins ", "plugins show ", "stats "}) {
    shells.check(std::string("mayfly ") + command + "--log", {"--log-format"});
  }
  // Behind options, values and arguments, be they called like a command.
  shells.check("mayfly --output json -v ingest --form", {"--format"});
  shells.check("mayfly --output=json ingest --form", {"--format"});
  shells.check("mayfly ingest - run --into stats --form", {"--format"});
}

TEST_CASE("completion: the words of an option are offered behind it, with a blank or with =") {
  const Shells shells;
  shells.check("mayfly ingest --format ", {"auto", "csv", "json", "ndjson", "tsv"});
  shells.check("mayfly ingest --format=n", {"ndjson"});
  shells.check("mayfly --output ", {"json", "text"});
  shells.check("mayfly plugins show --color a", {"always", "auto"});
  shells.check("mayfly graph orders.csv --as=", {"dot", "mermaid"});
  shells.check("mayfly graph --as dot --color n", {"never"});
}

TEST_CASE("completion: files and folders where a path stands, nothing where anything does") {
  const Shells shells;
  shells.check("mayfly ingest o", {"old", "orders.csv", "our own.csv"});
  shells.check("mayfly ingest orders.csv or", {"orders.csv"});
  shells.check("mayfly ingest --into o", {"old", "orders.csv", "our own.csv"});
  shells.check("mayfly ingest --schema=or", {"orders.csv"});
  shells.check("mayfly --plugin-dir o", {"old"});
  shells.check("mayfly stats or", {"orders.csv"});
  shells.check("mayfly ingest --batch-rows ", {});
  shells.check("mayfly ingest --table o", {});
  // The first argument is a file, the second is a pattern, and there is no third.
  shells.check("mayfly signals or", {"orders.csv"});
  shells.check("mayfly signals orders.csv o", {});
  shells.check("mayfly stats orders.csv o", {});
}

TEST_CASE("completion: arguments that are words are offered as such") {
  const Shells shells;
  shells.check("mayfly completion ", {"bash", "fish", "zsh"});
  // Where no argument is left zsh offers options, without being asked for them by a dash.
  CHECK(shells.bash("mayfly completion zsh ") == Offers{});
  CHECK(shells.fish("mayfly completion zsh ") == Offers{});
  CHECK(!shells.zsh("mayfly completion zsh ").contains("fish"));
  shells.check("mayfly man ing", {"ingest"});
  shells.check("mayfly man plugins sho", {"show"});
  shells.check("mayfly man --folder o", {"old"});
}

TEST_CASE("completion: behind -- everything is an argument") {
  const Shells shells;
  shells.check("mayfly ingest -- or", {"orders.csv"});
  shells.check("mayfly ingest -- --form", {});
  shells.check("mayfly ingest --into d.db -- --format or", {"orders.csv"});
}

TEST_CASE("completion: bash has it also where = doesn't part words, as COMP_WORDBREAKS can say") {
  const Shells shells;
  CHECK(shells.bash(std::vector<std::string>{"mayfly", "--output=j"}) == Offers{"json"});
  CHECK(shells.bash(std::vector<std::string>{"mayfly", "--output=json", "in"}) == Offers{"ingest"});
}

TEST_CASE("completion: zsh takes back what can't stand beside what is there") {
  const Shells shells;
  CHECK(shells.zsh("mayfly ingest --ig") == Offers{"--ignore"});
  CHECK(shells.zsh("mayfly ingest --upsert --ig") == Offers{});
  CHECK(shells.zsh("mayfly ingest --pk a --p") == Offers{"--pk", "--plugin-dir"});
  CHECK(shells.zsh("mayfly ingest --table a --tab") == Offers{});
}

TEST_CASE("completion: each script is one that its shell reads without a word") {
  const Shells shells;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    CHECK(shells.run({shell, "-n", shells.script(shell)}) == Offers{});
  }
  // As a file of $fpath, as zsh wants it: the first call defines the functions and completes.
  std::filesystem::create_directory(shells.home + "/functions");
  std::filesystem::copy_file(shells.script("zsh"), shells.home + "/functions/_mayfly");
  write_file(shells.script("zsh"), "fpath+=$FOLDER/functions\ncompinit -u -D\n");
  CHECK(shells.zsh("mayfly plugins sh") == Offers{"show"});
}

TEST_CASE("completion: another shell's name, and none, are told with those that there are") {
  const Outcome other = run_mayfly({"completion", "ksh"});
  CHECK(other.status == 64);
  CHECK(other.out.empty());
  CHECK(other.err ==
        "mayfly: error: SHELL: expected bash, zsh or fish, found \"ksh\"\n"
        "mayfly: try: mayfly completion --help\n");
  const Outcome none = run_mayfly({"completion"});
  CHECK(none.status == 64);
  CHECK(contains(none.err, "SHELL is required"));
}
