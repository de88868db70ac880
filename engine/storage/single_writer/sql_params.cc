#include "mayfly/storage/single_writer/sql_params.h"

#include <span>

namespace mayfly {

SqlParams& SqlParams::add(std::string_view name, const Value& value) {
  Entry& entry = entries_.emplace_back();
  entry.name = name;
  entry.kind = value.kind();
  switch (value.kind()) {
    case Value::Kind::kNull:
      break;
    case Value::Kind::kInt64:
      entry.int64 = value.int64();
      break;
    case Value::Kind::kFloat64:
      entry.float64 = value.float64();
      break;
    case Value::Kind::kText:
    case Value::Kind::kBlob:
      entry.text = value.text();
      break;
  }
  return *this;
}

Value SqlParams::value(std::size_t i) const {
  const Entry& entry = entries_[i];
  switch (entry.kind) {
    case Value::Kind::kNull:
      break;
    case Value::Kind::kInt64:
      return entry.int64;
    case Value::Kind::kFloat64:
      return entry.float64;
    case Value::Kind::kText:
      return std::string_view(entry.text);
    case Value::Kind::kBlob:
      return std::as_bytes(std::span(entry.text));
  }
  return nullptr;
}

}  // namespace mayfly
