#include "mayfly/data/readers/csv_sampler.h"

#include <algorithm>

#include "mayfly/data/readers/utf8_watch.h"

namespace mayfly {
namespace {

// Fields of a header; SQLite's own limit of columns is 32,767.
constexpr std::uint32_t kFieldsMax = 32'767;

std::string mistake_in(const std::string& name, std::size_t number) {
  const std::string field = "field " + std::to_string(number) + " of the header";
  if (name.find('\0') != std::string::npos) {
    return "expected names of columns, found a NUL in " + field +
           "; is this text? Take it out, or pass over that line and name the columns (--skip-rows, "
           "--no-header, --columns)";
  }
  if (is_valid_utf8(name)) return {};
  std::string message;
  describe_invalid_utf8(name, &message);
  return field + ": " + message;
}

}  // namespace

CsvSampler::CsvSampler(CsvSampling sampling, const SampleLimits& limits)
    : Sampler(limits, sampling.dialect.newline),
      sampling_(std::move(sampling)),
      names_(sampling_.header ? std::vector<std::string>() : sampling_.names),
      names_known_(!names_.empty()),
      scanner_(sampling_.dialect, kFieldsMax) {}

std::size_t CsvSampler::feed(std::span<const char> input, bool at_end) {
  std::size_t used = 0;
  if (!pass_preamble({input.data(), input.size()}, at_end, &used)) return used;
  const char* const begin = input.data();
  scanner_.start(begin + used, begin + input.size(), at_end);
  while (!done()) {
    Scan scan = scanner_.next();
    if (scan == Scan::kMore) {
      const auto rest = static_cast<std::uint64_t>(begin + input.size() - scanner_.record());
      if (rest <= limits_.max_row_bytes) break;
      if (!scanner_.give_up()) {
        const bool is_line =
            looked_at_line_ends_ || !look_at_line_ends(scan, {scanner_.record(), rest});
        if (is_line && is_at_header() && header_error_.empty()) {
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
    const bool is_header = is_at_header();
    if (is_header) {
      start_.byte = byte_ + used;
      start_.line += scanner_.newlines();
    }
    if (blank || scan == Scan::kComment) continue;
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
    if (scanner_.field_count() == names_.size()) look_at_values();
  }
  byte_ += used;
  return used;
}

void CsvSampler::look_at_values() {
  for (std::uint32_t i = 0; i < names_.size(); ++i) {
    const CsvField& field = scanner_.fields()[i];
    if (is_null_text(field, sampling_.nulls)) continue;
    inference_.add_text(i, field.text());
  }
}

// By the first record. True: its lines end in CR alone, so it isn't the record that it seems.
bool CsvSampler::look_at_line_ends(Scan scan, std::string_view record) {
  looked_at_line_ends_ = true;
  bool found = newline_ == '\n' && has_lone_cr(record);
  if (found && scan == Scan::kRecord) {
    const std::span<const CsvField> fields(scanner_.fields(),
                                           std::min(scanner_.field_count(), kFieldsMax));
    found = std::ranges::any_of(
        fields, [](const CsvField& field) { return !field.quoted && has_lone_cr(field.text()); });
    // Within a value it may be meant; in a name, or where no line ends otherwise, it isn't.
    found = found && (sampling_.header || !record.ends_with('\n'));
  }
  if (found && header_error_.empty()) header_error_ = kLoneCr;
  return found;
}

// The first record says the columns. True when it is the header.
bool CsvSampler::take_names() {
  names_known_ = true;
  const std::span<const CsvField> fields(scanner_.fields(),
                                         std::min(scanner_.field_count(), kFieldsMax));
  for (const CsvField& field : fields) {
    names_.emplace_back(sampling_.header ? csv_value(field, sampling_.dialect, &scratch_)
                                         : std::string_view());
    if (header_error_.empty()) header_error_ = mistake_in(names_.back(), names_.size());
  }
  return sampling_.header;
}

Result<Shape> CsvSampler::shape(bool infer) const {
  if (!header_error_.empty()) return Status(Code::kNoInput, header_error_);
  if (!names_known_ && passed_over_) return Status(Code::kNoInput, too_long("first row"));
  if (!names_known_ && limits_.lines_skipped > 1) {
    return Status(Code::kNoInput,
                  "expected a first record behind " + std::to_string(limits_.lines_skipped) +
                      " lines that are left out, found the end; leave out fewer (--skip-rows, or "
                      "skip_rows in a pipeline)");
  }
  if (!names_known_) {
    return Status(Code::kNoInput,
                  sampling_.header
                      ? "expected a header line, found nothing; is the file whole? One "
                        "without rows has a header all the same"
                      : "expected a first row, found nothing; of a file that may be "
                        "empty, name the columns (--columns)");
  }
  Shape shape;
  shape.start = start_;
  name_columns(names_, sampling_.header, shape);
  for (std::uint32_t i = 0; i < shape.columns.size(); ++i) {
    shape.columns[i].type = infer ? inference_.text_type(i) : ColumnType::kText;
  }
  return shape;
}

}  // namespace mayfly
