#include "mayfly/data/readers/sampler.h"

#include <algorithm>

#include "mayfly/data/readers/cell_text.h"
#include "mayfly/data/readers/json_text.h"

namespace mayfly {
namespace {

// Fields of a header; SQLite's own limit of columns is 32,767.
constexpr std::uint32_t kFieldsMax = 32'767;

constexpr const char* kLoneCr =
    "expected lines that end in LF or CRLF, found CR alone (as of old Macs); convert them: "
    "tr '\\r' '\\n'";

// A carriage return that ends a line by itself.
bool has_lone_cr(std::string_view text) {
  for (std::size_t at = text.find('\r'); at != std::string_view::npos;
       at = text.find('\r', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] != '\n') return true;
  }
  return false;
}

// Of a line that isn't an object, and what is to be done about it.
std::string problem_of(const JsonScanner& scanner) {
  const std::string_view line = scanner.line();
  if (has_lone_cr(line)) return kLoneCr;
  const std::size_t begin = line.find_first_not_of(" \t\r");
  const char first = begin == std::string_view::npos ? '\0' : line[begin];
  if (first == '[') {
    return scanner.error() + "; of an array, each element goes on a line of its own: jq -c '.[]'";
  }
  if (first == '{') return scanner.error() + kOneLineHint;
  return scanner.error();
}

// Bytes of a byte order mark, at the beginning of a document.
std::size_t bom_size(std::span<const char> input, std::uint64_t byte) {
  const std::string_view text(input.data(), input.size());
  return byte == 0 && text.starts_with(kBom) ? kBom.size() : 0;
}

// Gives the columns their names, and says which of the file's couldn't be kept.
void name_columns(const std::vector<std::string>& given, bool from_file, Shape& shape) {
  constexpr std::size_t kTold = 5;
  std::size_t renamed = 0;
  for (std::string& name : unique_names(given)) {
    const std::size_t i = shape.columns.size();
    if (from_file && name != given[i] && ++renamed <= kTold) {
      if (renamed > 1) shape.renamed += ", ";
      append_excerpt(given[i], &shape.renamed);
      shape.renamed += " (column " + std::to_string(i + 1) + ") is ";
      // Of a long name what was changed is at its end.
      append_excerpt_of_end(name, &shape.renamed);
    }
    shape.columns.push_back({std::move(name)});
  }
  if (renamed > kTold) shape.renamed += ", and " + std::to_string(renamed - kTold) + " more";
}

}  // namespace

std::size_t Sampler::skip(std::string_view input) {
  const std::size_t newline = input.find('\n');
  skipping_ = newline == std::string_view::npos;
  return skipping_ ? input.size() : newline + 1;
}

CsvSampler::CsvSampler(const CsvDialect& dialect, bool header, std::vector<std::string> names,
                       std::uint64_t rows_max, std::uint64_t max_row_bytes)
    : Sampler(rows_max, max_row_bytes),
      dialect_(dialect),
      header_(header),
      names_(std::move(names)),
      names_given_(!names_.empty()),
      names_known_(!header && names_given_),
      scanner_(dialect, kFieldsMax) {}

std::size_t CsvSampler::feed(std::span<const char> input, bool at_end) {
  if (byte_ == 0 && input.size() < kBom.size() && !at_end) return 0;
  std::size_t used = bom_size(input, byte_);
  if (byte_ == 0) start_.byte = used;
  if (skipping_) used = skip({input.data(), input.size()});
  const char* const begin = input.data();
  scanner_.start(begin + used, begin + input.size(), at_end);
  while (!done()) {
    Scan scan = scanner_.next();
    if (scan == Scan::kMore) {
      const auto rest = static_cast<std::uint64_t>(begin + input.size() - scanner_.record());
      if (rest <= max_row_bytes_) break;
      if (!scanner_.give_up()) {
        if (looked_at_line_ends_ || !look_at_line_ends(scan, {scanner_.record(), rest})) {
          if (!names_known_ && header_ && header_error_.empty())
            header_error_ = too_long("header line");
        }
        passed_over_ = true;
        skipping_ = true;
        used = input.size();
        break;
      }
      scan = Scan::kNotClosed;
    }
    used = static_cast<std::size_t>(scanner_.record_end() - begin);
    const bool blank = scan == Scan::kBlank && (!names_known_ || names_.size() > 1);
    const bool is_header = header_ && !names_known_;
    if (is_header) {
      start_.byte = byte_ + used;
      start_.line += scanner_.newlines();
    }
    if (blank) continue;
    if (!looked_at_line_ends_) {
      const auto size = static_cast<std::size_t>(scanner_.record_end() - scanner_.record());
      look_at_line_ends(scan, {scanner_.record(), size});
    }
    if (scan != Scan::kRecord && scan != Scan::kBlank) {
      if (is_header && header_error_.empty()) {
        header_error_ =
            "field " + std::to_string(scanner_.broken_field()) +
            " of the header has a quote that isn't closed, or text behind its closing quote";
      }
      if (is_header) break;
      continue;
    }
    if (!names_known_ && take_names()) continue;
    ++rows_;
    const std::uint32_t count = scanner_.field_count();
    for (std::uint32_t i = 0; count == names_.size() && i < count; ++i) {
      inference_.add_text(i, scanner_.fields()[i].text());
    }
  }
  byte_ += used;
  return used;
}

std::string Sampler::too_long(std::string_view what) const {
  return "expected a " + std::string(what) + " of at most " + std::to_string(max_row_bytes_) +
         " bytes (max_row_bytes), found a longer one; is this text with lines?";
}

// By the first record. True: its lines end in CR alone, so it isn't the record that it seems.
bool CsvSampler::look_at_line_ends(Scan scan, std::string_view record) {
  looked_at_line_ends_ = true;
  bool found = has_lone_cr(record);
  if (found && scan == Scan::kRecord) {
    const std::span<const CsvField> fields(scanner_.fields(),
                                           std::min(scanner_.field_count(), kFieldsMax));
    found = std::ranges::any_of(
        fields, [](const CsvField& field) { return !field.quoted && has_lone_cr(field.text()); });
    // Within a value it may be meant; in a name, or where no line ends otherwise, it isn't.
    found = found && ((header_ && !names_given_) || !record.ends_with('\n'));
  }
  if (found && header_error_.empty()) header_error_ = kLoneCr;
  return found;
}

// The first record says the columns. True when it is the header.
bool CsvSampler::take_names() {
  names_known_ = true;
  const std::span<const CsvField> fields(scanner_.fields(),
                                         std::min(scanner_.field_count(), kFieldsMax));
  if (names_given_) {
    if (scanner_.field_count() != names_.size() && header_error_.empty()) {
      header_error_ = "expected a header of " + std::to_string(names_.size()) +
                      " fields, as there are names of columns, found " +
                      std::to_string(scanner_.field_count());
    }
    return true;
  }
  for (const CsvField& field : fields) {
    names_.emplace_back(header_ ? csv_value(field, dialect_.quote.value_or('"'), &scratch_)
                                : std::string_view());
    if (names_.back().find('\0') != std::string::npos && header_error_.empty()) {
      header_error_ = "expected names of columns, found a NUL in field " +
                      std::to_string(names_.size()) +
                      " of the header; is this text? Take it out, or give the columns' names";
    }
  }
  return header_;
}

Result<Shape> CsvSampler::shape(bool infer) const {
  if (!header_error_.empty()) return Status(Code::kNoInput, header_error_);
  if (!names_known_ && passed_over_) return Status(Code::kNoInput, too_long("first row"));
  if (!names_known_) {
    return Status(Code::kNoInput, header_
                                      ? "expected a header line, found nothing"
                                      : "expected a first row, found nothing; name the columns");
  }
  Shape shape;
  shape.start = start_;
  name_columns(names_, header_, shape);
  for (std::uint32_t i = 0; i < shape.columns.size(); ++i) {
    shape.columns[i].type = infer ? inference_.text_type(i) : ColumnType::kText;
  }
  return shape;
}

NdjsonSampler::NdjsonSampler(std::vector<std::string> keys, std::uint64_t rows_max,
                             std::uint64_t max_row_bytes)
    : Sampler(rows_max, max_row_bytes), fixed_(!keys.empty()), keys_(std::move(keys)) {
  for (std::uint32_t i = 0; i < keys_.size(); ++i) columns_.emplace(keys_[i], i);
}

std::size_t NdjsonSampler::feed(std::span<const char> input, bool at_end) {
  if (byte_ == 0 && input.size() < kBom.size() && !at_end) return 0;
  const std::size_t bom = bom_size(input, byte_);
  if (byte_ == 0) start_.byte = bom;
  const std::size_t skipped = skipping_ ? skip({input.data(), input.size()}) : bom;
  const std::string_view text(input.data() + skipped, input.size() - skipped);
  const std::size_t newline = text.rfind('\n');
  const std::size_t size =
      at_end ? text.size() : (newline == std::string_view::npos ? 0 : newline + 1);
  scanner_.start(text.data(), text.data() + size);
  const char* cursor = text.data();
  while (!done()) {
    const JsonScanner::Line line = scanner_.next_line();
    if (line == JsonScanner::Line::kEnd) break;
    cursor = scanner_.next();
    if (line == JsonScanner::Line::kBlank) continue;
    ++rows_;
    const bool taken = line == JsonScanner::Line::kObject && take_line();
    if (!taken && first_problem_.empty()) first_problem_ = problem_of(scanner_);
  }
  auto used = static_cast<std::size_t>(cursor - input.data());
  if (!done() && input.size() - used > max_row_bytes_) {
    if (first_problem_.empty()) first_problem_ = too_long("line");
    skipping_ = true;
    used = input.size();
  }
  byte_ += used;
  return used;
}

// False: it breaks on the way, so what it began with says nothing.
bool NdjsonSampler::take_line() {
  members_.clear();
  JsonMember member{};
  JsonScanner::Step step;
  while ((step = scanner_.next_member(&member)) == JsonScanner::Step::kMember) {
    members_.push_back(member);
  }
  if (step == JsonScanner::Step::kBroken) return false;
  for (const JsonMember& each : members_) {
    std::string key(each.key.size(), '\0');
    const auto size = unescape_json(each.key, key.data());
    if (!size) continue;
    key.resize(*size);
    if (key.find('\0') != std::string::npos) {
      if (first_problem_.empty()) first_problem_ = "a key has a NUL, so it can't name a column";
      continue;
    }
    auto found = columns_.find(key);
    if (found == columns_.end()) {
      if (fixed_ || keys_.size() >= kFieldsMax) continue;
      found = columns_.emplace(key, static_cast<std::uint32_t>(keys_.size())).first;
      keys_.push_back(key);
    }
    inference_.add_json(found->second, each.kind, each.text);
  }
  return true;
}

Result<Shape> NdjsonSampler::shape(bool infer) const {
  if (keys_.empty()) {
    return Status(Code::kNoInput,
                  "expected a line with a JSON object, found none" +
                      (first_problem_.empty() ? "; name the columns" : ": " + first_problem_));
  }
  Shape shape;
  shape.start = start_;
  shape.keys = keys_;
  name_columns(keys_, true, shape);
  for (std::uint32_t i = 0; i < shape.columns.size(); ++i) {
    shape.columns[i].type = infer ? inference_.json_type(i) : ColumnType::kAny;
  }
  return shape;
}

}  // namespace mayfly
