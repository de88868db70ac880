// TomlDocument: a TOML file as sections of entries, without the parser's types.
//
// A syntax error doesn't hide the rest of the file: the line it is on (a section, if it is a
// section's header) is left out and the file is read again, until it parses or kSyntaxErrorsMax
// were found.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mayfly/config/diagnostic.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

constexpr std::size_t kSyntaxErrorsMax = 20;

// One key and its value, with their places in the file.
struct TomlEntry {
  std::string key;
  TextPlace place = {};                  // of the key
  TextPlace value_place = {};            // of the value
  std::vector<TextPlace> elements = {};  // of a list's values
  // Tables that share a name ([[reaction]]), each an entry without a key.
  struct Tables {
    std::vector<TomlEntry> entries;
  };
  std::variant<RawValue, std::vector<TomlEntry>, Tables> value;

  const RawValue* raw() const { return std::get_if<RawValue>(&value); }
  const std::vector<TomlEntry>* tables() const {
    const auto* tables = std::get_if<Tables>(&value);
    return tables == nullptr ? nullptr : &tables->entries;
  }
  const std::vector<TomlEntry>* table() const {
    return std::get_if<std::vector<TomlEntry>>(&value);
  }
};

struct TomlDocument {
  std::vector<TomlEntry> entries;  // top level, in the file's order
  std::vector<Diagnostic> errors;
  // Sections ("node.retry") of which something was left out: what is missing there may not be.
  std::set<std::string> incomplete;
};

TomlDocument read_toml(std::string_view text);

}  // namespace mayfly
