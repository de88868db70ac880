#include "mayfly/generate/column_spec.h"

#include <algorithm>
#include <charconv>

namespace mayfly::generate {
namespace {

constexpr std::uint32_t kLengthMax = 65'536;
constexpr std::int64_t kNumberMax = 1'000'000'000'000'000;  // hundredths of it stay within 64 bits

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Status bad(std::string_view text, std::string_view expected) {
  return Status(Code::kConfig, "columns: expected " + std::string(expected) + ", found \"" +
                                   std::string(text) + "\"");
}

bool parse_number(std::string_view text, std::int64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size() && *value >= -kNumberMax &&
         *value <= kNumberMax;
}

Result<ColumnSpec> parse_range(std::string_view text, const std::vector<std::string_view>& parts,
                               ColumnSpec column) {
  if (parts.size() != 2 && parts.size() != 4)
    return bad(text, "a minimum and a maximum, or neither");
  if (parts.size() == 4 &&
      (!parse_number(parts[2], &column.minimum) || !parse_number(parts[3], &column.maximum) ||
       column.minimum > column.maximum)) {
    return bad(text, "two whole numbers, the first not above the second");
  }
  if (column.kind == ColumnSpec::Kind::kFloat) {
    column.minimum *= 100;
    column.maximum *= 100;
  }
  return column;
}

Result<ColumnSpec> parse_choices(std::string_view text, const std::vector<std::string_view>& parts,
                                 ColumnSpec column) {
  if (parts.size() < 3 || parts[2].empty()) return bad(text, "name:choice:A|B|C");
  const auto from = static_cast<std::size_t>(parts[2].data() - text.data());
  for (const std::string_view choice : split(text.substr(from), '|')) {  // may hold colons
    column.choices.emplace_back(choice);
  }
  return column;
}

}  // namespace

std::int32_t ColumnSpec::type() const {
  switch (kind) {
    case Kind::kFloat:
      return MAYFLY_FLOAT64;
    case Kind::kText:
    case Kind::kChoice:
      return MAYFLY_TEXT;
    case Kind::kBool:
      return MAYFLY_BOOL;
    case Kind::kSequence:
    case Kind::kInt:
      break;
  }
  return MAYFLY_INT64;
}

std::uint32_t ColumnSpec::heap_bytes_max() const {
  std::size_t most = length;
  for (const std::string& choice : choices) most = std::max(most, choice.size());
  return static_cast<std::uint32_t>(most);
}

Result<ColumnSpec> parse_column(std::string_view text) {
  using Kind = ColumnSpec::Kind;
  const std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() < 2 || parts[0].empty()) return bad(text, "name:kind");
  ColumnSpec column;
  column.name = parts[0];
  const std::string_view kind = parts[1];
  if (kind == "int" || kind == "float") {
    column.kind = kind == "int" ? Kind::kInt : Kind::kFloat;
    column.maximum = kind == "int" ? 1'000'000 : 1'000;
    return parse_range(text, parts, std::move(column));
  }
  if (kind == "choice") {
    column.kind = Kind::kChoice;
    return parse_choices(text, parts, std::move(column));
  }
  std::int64_t number = kind == "text" ? 20 : 1;
  if (kind == "sequence" || kind == "text") {
    column.kind = kind == "text" ? Kind::kText : Kind::kSequence;
    if (parts.size() > 3 || (parts.size() == 3 && !parse_number(parts[2], &number))) {
      return bad(text, kind == "text" ? "name:text:length" : "name:sequence:first");
    }
    column.minimum = number;
    if (kind == "text") {
      if (number < 1 || number > kLengthMax) return bad(text, "a length of 1 to 65536");
      column.length = static_cast<std::uint32_t>(number);
    }
    return column;
  }
  if (kind != "bool" || parts.size() != 2) {
    return bad(text, "sequence, int, float, text, bool or choice after the name");
  }
  column.kind = Kind::kBool;
  return column;
}

void put_value(const ColumnSpec& column, std::uint32_t index, std::uint64_t ordinal, Rng& rng,
               mayfly_batch& batch) {
  const auto range = static_cast<std::uint64_t>(column.maximum - column.minimum) + 1;
  switch (column.kind) {
    case ColumnSpec::Kind::kSequence:
      put_int64(batch, index, column.minimum + static_cast<std::int64_t>(ordinal));
      break;
    case ColumnSpec::Kind::kInt:
      put_int64(batch, index, column.minimum + static_cast<std::int64_t>(rng.below(range)));
      break;
    case ColumnSpec::Kind::kFloat:
      put_float64(
          batch, index,
          static_cast<double>(column.minimum + static_cast<std::int64_t>(rng.below(range))) / 100);
      break;
    case ColumnSpec::Kind::kBool:
      put_int64(batch, index, static_cast<std::int64_t>(rng.next() >> 63));
      break;
    case ColumnSpec::Kind::kChoice:
      put_text(batch, index, column.choices[rng.below(column.choices.size())]);
      break;
    case ColumnSpec::Kind::kText: {
      constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz234567";
      char* out = batch.heap + batch.heap_used;
      std::uint64_t bits = 0;
      for (std::uint32_t i = 0; i < column.length; ++i, bits >>= 5) {
        if (i % 12 == 0) bits = rng.next();
        out[i] = kLetters[bits & 31];
      }
      put_text(batch, index, {out, column.length});
      break;
    }
  }
}

}  // namespace mayfly::generate
