#include "tools/mayfly/file_schemas.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "mayfly/base/clock.h"
#include "mayfly/graph/answers.h"
#include "mayfly/graph/services.h"
#include "mayfly/graph/source.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly::cli {
namespace {

ColumnType common_type(ColumnType a, ColumnType b, bool keyed) {
  if (a == b) return a;
  const auto is = [&](ColumnType x, ColumnType y) {
    return (a == x && b == y) || (a == y && b == x);
  };
  if (is(ColumnType::kInt64, ColumnType::kFloat64)) return ColumnType::kFloat64;
  return keyed ? ColumnType::kAny : ColumnType::kText;
}

std::string names_of(const Schema& schema) {
  std::string text;
  for (const Column& column : schema.columns()) {
    text += (text.empty() ? "" : ", ") + column.name;
  }
  return text;
}

bool same_names(const Schema& a, const Schema& b) {
  return std::ranges::equal(a.columns(), b.columns(), {}, &Column::name, &Column::name);
}

// The table takes its columns from the first; by name, and without case.
bool has_all_of(const Schema& a, const Schema& b) {
  return std::ranges::all_of(
      b.columns(), [&a](const Column& column) { return a.find(column.name).has_value(); });
}

Status refuse(const FileSchema& first, const FileSchema& other) {
  const bool same = has_all_of(first.schema, other.schema) &&
                    has_all_of(other.schema, first.schema) &&
                    first.schema.size() == other.schema.size();
  // Several files are read as one, by place; one by one their columns go by name.
  return {Code::kConfig,
          fmt::format("expected the same columns{} in every file, found in {}: {}; in {}: {}. "
                      "Ingest them one by one{}",
                      same ? ", in the same order and spelling," : "", first.file,
                      names_of(first.schema), other.file, names_of(other.schema),
                      has_all_of(first.schema, other.schema) ? "" : ", the second with --alter")};
}

}  // namespace

Result<Schema> read_schema(const SourcePlan& plan) {
  const SystemClock clock;
  SignalSink signals(clock);
  Services services{.clock = clock, .signals = signals, .pool = nullptr, .seed = 0, .log = {}};
  Answers answers;
  Source source(plan.plugin->plugin(), plan.name, 0, services, answers);
  MAYFLY_RETURN_IF_ERROR(source.configure(plan.options));
  MAYFLY_RETURN_IF_ERROR(source.open_at(nullptr));
  return source.schema();
}

Result<Schema> unify(const std::vector<FileSchema>& files, bool keyed) {
  const FileSchema& first = files.front();
  std::vector<Column> columns = first.schema.columns();
  for (const FileSchema& other : files) {
    if (!keyed && !same_names(first.schema, other.schema)) {
      return refuse(first, other);
    }
    for (const Column& column : other.schema.columns()) {
      const auto known = std::ranges::find_if(columns, [&column](const Column& earlier) {
        return is_same_column(earlier.name, column.name);
      });
      if (known == columns.end()) {
        columns.push_back(column);
      } else if (known->name != column.name) {
        return Status(Code::kConfig,
                      fmt::format("expected keys that differ by more than upper and lower case, "
                                  "found \"{}\" and, in {}, \"{}\"; rename one of them (jq), or "
                                  "ingest the files one by one",
                                  known->name, other.file, column.name));
      } else {
        known->type = common_type(known->type, column.type, keyed);
      }
    }
  }
  return Schema(std::move(columns));
}

}  // namespace mayfly::cli
