// The layers of ARCHITECTURE.md: a target depends only on rows above its own, and an outside
// library is used only by the layer that owns it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/runfile.h"

namespace {

using Names = std::vector<std::string>;

// Folder -> row. Folders of one row don't depend on each other.
const std::map<std::string, int> kRows = {
    {"engine/abi", 0},     {"engine/base", 1},    {"engine/data", 2},   {"engine/signal", 2},
    {"engine/policy", 2},  {"engine/net", 2},     {"engine/cache", 3},  {"engine/work", 4},
    {"engine/storage", 4}, {"engine/plugin", 4},  {"engine/config", 5}, {"engine/patterns", 5},
    {"engine/graph", 6},   {"engine/runtime", 7}, {"engine/otlp", 3},
};

// Outside library -> folders that may use it. fmt is base's, and whoever composes text has it from
// there.
const std::map<std::string, std::set<std::string>> kOwners = {
    {"concurrentqueue", {"engine/data", "engine/signal"}},
    {"libcurl", {"engine/net"}},
    {"simdjson", {"engine/data"}},
    {"zlib", {"engine/data"}},
    {"zstd", {"engine/data"}},
    {"sqlite3", {"engine/storage"}},
    {"tomlplusplus", {"engine/config"}},
    {"onetbb", {"engine/graph", "engine/work"}},
    {"fmt",
     {"engine/base", "engine/data", "engine/signal", "engine/storage", "engine/plugin",
      "engine/config", "engine/graph", "engine/runtime", "engine/cache", "engine/work"}},
};

// Outside library -> the one target that may use it.
const std::map<std::string, std::string> kTargetOwners = {
    {"spdlog", "//engine/storage/log_database:spdlog_sink"},
};

// What plugins are linked with, statically.
const std::set<std::string> kOfPlugins = {"engine/abi", "engine/base", "engine/data",
                                          "engine/net", "engine/otlp", "engine/policy",
                                          "plugins/sdk"};

Names words(const std::string& text) {
  std::istringstream stream(text);
  Names names;
  for (std::string name; stream >> name;) names.push_back(name);
  return names;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  REQUIRE(value != nullptr);
  return value;
}

std::string contents(const std::string& rootpath) {
  std::ifstream file(mayfly::testing::runfile(rootpath));
  REQUIRE_MESSAGE(file.good(), rootpath);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "//engine/data/readers:x" is of the folder engine/data.
std::string folder_of(const std::string& label) {
  std::string path = label.substr(2, label.find(':') - 2);
  const std::size_t second = path.find('/', path.find('/') + 1);
  return second == std::string::npos ? path : path.substr(0, second);
}

std::string full(const std::string& label) {
  if (label.find(':') != std::string::npos) return label;
  return label + ":" + label.substr(label.rfind('/') + 1);
}

bool is_source(const std::string& label) {
  const std::string name = label.substr(label.find(':') + 1);
  return name.ends_with(".cc") || name.ends_with(".h") || name.ends_with(".lds");
}

void check_engine(const std::string& from, const std::string& to) {
  const std::string owner = folder_of(from);
  if (to.starts_with("//third_party:")) {
    const std::string library = to.substr(to.find(':') + 1);
    if (const auto one = kTargetOwners.find(library); one != kTargetOwners.end()) {
      CHECK_MESSAGE(one->second == from, from << " may not use " << to);
      return;
    }
    const auto allowed = kOwners.find(library);
    REQUIRE_MESSAGE(allowed != kOwners.end(), from << " uses " << to << ", which no layer owns");
    CHECK_MESSAGE(allowed->second.contains(owner), from << " may not use " << to);
  } else if (to.starts_with("//engine/") && folder_of(to) != owner) {
    REQUIRE_MESSAGE(kRows.contains(folder_of(to)), folder_of(to) << " has no row");
    CHECK_MESSAGE(kRows.at(folder_of(to)) < kRows.at(owner),
                  from << " depends on " << to << ", which is not in a row above it");
  } else if (!to.starts_with("//engine/")) {
    CHECK_MESSAGE(false, from << " depends on " << to);
  }
}

void check_plugin(const std::string& from, const std::string& to) {
  if (to.starts_with("//third_party:")) return;  // named in its BUILD, linked into it
  const std::string folder = folder_of(to);
  CHECK_MESSAGE((folder == folder_of(from) || kOfPlugins.contains(folder) || folder == "plugins"),
                from << " depends on " << to << ", which isn't for plugins");
}

TEST_CASE("targets depend only on rows above their own, and on the libraries they own") {
  const Names targets = words(variable("LAYER_TARGETS"));
  const Names queries = words(variable("QUERIES"));
  REQUIRE(targets.size() == queries.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string from = full(targets[i]);
    bool found_itself = false;
    for (const std::string& to : words(contents(queries[i]))) {
      found_itself = found_itself || to == from;
      if (to == from || is_source(to)) continue;
      from.starts_with("//engine/") ? check_engine(from, to) : check_plugin(from, to);
    }
    CHECK_MESSAGE(found_itself, "the query of " << from << " is empty");
  }
}

TEST_CASE("every library of the engine is looked at") {
  std::set<std::string> known;
  for (const std::string& target : words(variable("LAYER_TARGETS"))) known.insert(full(target));
  for (const std::string& reached : words(contents(variable("REACHED")))) {
    // Smaller targets within a listed one's folder are its parts.
    const bool part = known.contains(reached) || folder_of(reached) == "engine/data" ||
                      folder_of(reached) == "engine/plugin" ||
                      folder_of(reached) == "engine/storage" ||
                      folder_of(reached) == "engine/config";
    CHECK_MESSAGE(part, reached << " is not in tests/layers/layers.bzl");
  }
}

// ConcurrentQueue is headers alone; dl is a part of the C library.
TEST_CASE("a program that embeds mayfly links SQLite, oneTBB and fmt, and nothing else") {
  std::set<std::string> linked;
  for (const std::string& library : words(contents(variable("LINKED")))) linked.insert(library);
  CHECK(linked == std::set<std::string>{"//third_party:concurrentqueue", "//third_party:fmt",
                                        "//third_party:onetbb", "//third_party:sqlite3"});
}

}  // namespace
