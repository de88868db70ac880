#include "mayfly/storage/single_writer/parameter_binder.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <utility>

namespace mayfly {
namespace {

DbError refuse(std::string message) {
  return {.kind = DbError::Kind::kParameter, .message = std::move(message)};
}

}  // namespace

std::optional<DbError> ParameterBinder::check() const {
  for (std::size_t i = 1; i < params_.size(); ++i) {
    if (params_.name(i).empty() == by_name()) {
      return refuse("expected parameters all by name or all by position, found both");
    }
    for (std::size_t j = 0; by_name() && j < i; ++j) {
      if (params_.name(j) == params_.name(i)) {
        return refuse(fmt::format("parameter {} is given twice", params_.name(i)));
      }
    }
  }
  return std::nullopt;
}

std::optional<DbError> ParameterBinder::bind(SqliteStatement& statement) {
  const int places = sqlite3_bind_parameter_count(statement.get());
  for (int place = 1; place <= places; ++place) {
    const char* name = sqlite3_bind_parameter_name(statement.get(), place);
    std::size_t i = next_;
    if (by_name()) {
      if (name == nullptr || name[0] == '?') {
        return refuse(
            fmt::format("expected a parameter by position for {}, found names; name it "
                        "in the statement (:name)",
                        name != nullptr ? name : "?"));
      }
      i = index_of(name + 1);
      if (i == params_.size()) return refuse(fmt::format("parameter {} isn't given", name));
    } else {
      if (next_ == params_.size()) {
        return refuse(fmt::format("expected {} parameters, found {}",
                                  next_ + static_cast<std::size_t>(places - place + 1),
                                  params_.size()));
      }
      ++next_;
    }
    used_[i] = true;
    if (auto error = bind_one(statement, place, i)) return error;
  }
  return std::nullopt;
}

std::optional<DbError> ParameterBinder::check_all_used() const {
  for (std::size_t i = 0; i < used_.size(); ++i) {
    if (used_[i]) continue;
    if (!params_.name(i).empty()) {
      return refuse(fmt::format("the statement has no parameter :{}", params_.name(i)));
    }
    return refuse(fmt::format("expected {} parameters, found {}", next_, params_.size()));
  }
  return std::nullopt;
}

std::size_t ParameterBinder::index_of(std::string_view name) const {
  std::size_t i = 0;
  while (i < params_.size() && params_.name(i) != name) ++i;
  return i;
}

std::optional<DbError> ParameterBinder::bind_one(SqliteStatement& statement, int place,
                                                 std::size_t i) const {
  const Value value = params_.value(i);
  int code = SQLITE_OK;
  const auto size = static_cast<sqlite3_uint64>(value.text().size());
  switch (value.kind()) {
    case Value::Kind::kNull:
      code = sqlite3_bind_null(statement.get(), place);
      break;
    case Value::Kind::kInt64:
      code = sqlite3_bind_int64(statement.get(), place, value.int64());
      break;
    case Value::Kind::kFloat64:
      if (std::isnan(value.float64())) {
        return refuse(
            fmt::format("expected a number for parameter {}, found NaN, which SQLite "
                        "would store as NULL; give NULL if that is meant",
                        shown(i)));
      }
      code = sqlite3_bind_double(statement.get(), place, value.float64());
      break;
    case Value::Kind::kText:
      code = sqlite3_bind_text64(statement.get(), place, value.text().data(), size, SQLITE_STATIC,
                                 SQLITE_UTF8);
      break;
    case Value::Kind::kBlob:
      // A blob without bytes isn't NULL.
      code = size == 0 ? sqlite3_bind_zeroblob(statement.get(), place, 0)
                       : sqlite3_bind_blob64(statement.get(), place, value.text().data(), size,
                                             SQLITE_STATIC);
      break;
  }
  if (code == SQLITE_OK) return std::nullopt;
  DbError error = to_db_error(sqlite3_db_handle(statement.get()), code);
  error.message = fmt::format("binding parameter {}: {}", shown(i), error.message);
  return error;
}

std::string ParameterBinder::shown(std::size_t i) const {
  return params_.name(i).empty() ? fmt::format("{}", i + 1) : fmt::format(":{}", params_.name(i));
}

}  // namespace mayfly
