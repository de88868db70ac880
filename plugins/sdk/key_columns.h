// KeyColumns: an option that lists the columns of a key, and the hash of a row's key.
//
// configure copies the names, open looks them up among the columns that come in. Equal keys have
// equal hashes, and hash_row (rows.h) says what is equal; for spreading and ordering by key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/sdk/host.h"
#include "mayfly/sdk/options.h"
#include "mayfly/sdk/rows.h"

#pragma GCC visibility push(hidden)

namespace mayfly::sdk {

// An option of at least one name.
constexpr mayfly_option key_option(const char* name, const char* help) {
  return required(list_option(name, nullptr, {"1", "64"}, help));
}

class KeyColumns {
 public:
  // `name` is the option's, for messages; static.
  void configure(const Options& options, std::uint32_t option, const char* name) {
    option_ = name;
    names_.clear();
    for (std::uint64_t i = 0; i < options.list_size(option); ++i) {
      names_.emplace_back(options.list_at(option, i));
    }
  }

  mayfly_result open(const Host& host) {
    columns_.clear();
    for (const std::string& name : names_) {
      const auto column = find_column(host.schema(), name);
      if (!column) {
        return host.fail(Failure::kConfig,
                         std::string(option_) + ": " + unknown_column(host.schema(), name));
      }
      columns_.push_back(*column);
    }
    return MAYFLY_OK;
  }

  std::uint64_t hash(const mayfly_batch& batch, std::uint32_t row) const {
    return hash_row(batch, columns_, row);
  }

  // What to say of a column that isn't there; kept for plugins that were written when it stood
  // here.
  static std::string unknown(const mayfly_schema& schema, const std::string& name) {
    return unknown_column(schema, name);
  }

 private:
  const char* option_ = "";
  std::vector<std::string> names_;
  std::vector<std::uint32_t> columns_;
};

}  // namespace mayfly::sdk

#pragma GCC visibility pop
