#include "mayfly/data/readers/infer.h"

#include <unordered_set>

#include "mayfly/data/readers/number.h"

namespace mayfly {
namespace {

enum : std::uint16_t {
  kInteger = 1,     // also exact as a double
  kBigInteger = 2,  // an int64 that is not
  kReal = 4,
  kBool = 8,
  kString = 16,
  kNested = 32,
  kOther = 64,  // a JSON number that neither says
};
constexpr std::int64_t kWholeMax = 1ll << 53;  // up to here integers are doubles

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

}  // namespace

std::uint16_t& TypeInference::seen(std::uint32_t column) {
  if (column >= seen_.size()) seen_.resize(column + 1);
  return seen_[column];
}

void TypeInference::add_text(std::uint32_t column, std::string_view text) {
  std::uint16_t& bits = seen(column);
  if (text.empty() || (bits & kString) != 0) return;
  std::int64_t integer = 0;
  double real = 0;
  const bool is_real = parse_real(text, &real);
  if (parse_int64(text, &integer)) {
    bits |= is_real ? kInteger : kBigInteger;
  } else {
    bits |= is_real ? kReal : kString;
  }
}

ColumnType TypeInference::text_type(std::uint32_t column) const {
  const std::uint16_t bits = column < seen_.size() ? seen_[column] : 0;
  if (bits == 0 || (bits & kString) != 0) return ColumnType::kText;
  if ((bits & kReal) == 0) return ColumnType::kInt64;
  return (bits & kBigInteger) != 0 ? ColumnType::kText : ColumnType::kFloat64;
}

void TypeInference::add_json(std::uint32_t column, JsonKind kind, std::string_view text) {
  std::uint16_t& bits = seen(column);
  std::int64_t integer = 0;
  double real = 0;
  switch (kind) {
    case JsonKind::kNull:
      break;
    case JsonKind::kFalse:
    case JsonKind::kTrue:
      bits |= kBool;
      break;
    case JsonKind::kString:
      bits |= kString;
      break;
    case JsonKind::kObject:
    case JsonKind::kArray:
      bits |= kNested;
      break;
    case JsonKind::kNumber:
      if (parse_int64(text, &integer)) {
        bits |= integer >= -kWholeMax && integer <= kWholeMax ? kInteger : kBigInteger;
      } else if (text.find_first_of(".eE") == std::string_view::npos && text != "-0") {
        bits |= kOther;
      } else {
        bits |= parse_json_real(text, &real) ? kReal : kOther;
      }
      break;
  }
}

ColumnType TypeInference::json_type(std::uint32_t column) const {
  const std::uint16_t bits = column < seen_.size() ? seen_[column] : 0;
  switch (bits) {
    case kInteger:
    case kBigInteger:
    case kInteger | kBigInteger:
      return ColumnType::kInt64;
    case kReal:
    case kReal | kInteger:
      return ColumnType::kFloat64;
    case kBool:
      return ColumnType::kBool;
    case kString:
      return ColumnType::kText;
    case kNested:
      return ColumnType::kJson;
    default:
      return ColumnType::kAny;
  }
}

std::vector<std::string> unique_names(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  std::unordered_set<std::string> taken;
  for (const std::string& name : names) taken.insert(lower(name));
  std::unordered_set<std::string> used;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string name = names[i];
    const std::string stem = name.empty() ? "column" : name;
    // A name made up must not be one that another column was given.
    for (std::size_t number = name.empty() ? i + 1 : 2;
         name.empty() || used.contains(lower(name)) ||
         (name != names[i] && taken.contains(lower(name)));
         ++number) {
      name = stem + "_" + std::to_string(number);
    }
    used.insert(lower(name));
    out.push_back(std::move(name));
  }
  return out;
}

}  // namespace mayfly
