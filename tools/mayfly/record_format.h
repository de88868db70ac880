// RecordFormat: what is needed to write dead letters once more as they would have been: how their
// bytes are read, options of the plugin dead_letters, and the writer's `select` and `per_batch`
// (engine/storage/dead_letters.h).
//
// Values only; connections are borrowed for the call. THREADS  One at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/plugin/options.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly::cli {

// What a source said, or nothing.
class RecordFormat {
 public:
  // Of a JSON object whose members are texts, numbers and lists of them; empty: nothing was said.
  // kConfig: it isn't one.
  static Result<RecordFormat> parse(SqliteConnection& connection, std::string_view json);

  bool empty() const { return options_.empty(); }
  // An option's list, or nothing.
  std::vector<std::string> list(std::string_view option) const;
  // An option's text or number; empty: it isn't there.
  std::string text(std::string_view option) const;
  bool ignores_extra() const { return text("on_extra") == "ignore"; }
  void set(std::string_view option, RawValue value);
  void remove(std::string_view option);

  const std::vector<RawOption>& options() const { return options_; }
  std::string json() const;

 private:
  std::vector<RawOption> options_;
};

// SQL for a letter's format, as JSON, in a query of mayfly_dead_letters called l: NULL where its
// source said nothing, also in databases that are older.
Result<std::string> format_sql(SqliteConnection& connection);
// Takes out the formats that no letter refers to any more. Within a transaction, or by itself.
Status forget_unused_formats(SqliteConnection& connection);

}  // namespace mayfly::cli
