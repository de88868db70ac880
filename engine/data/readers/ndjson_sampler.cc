#include "mayfly/data/readers/ndjson_sampler.h"

#include "mayfly/data/readers/json_text.h"

namespace mayfly {
namespace {

// SQLite's own limit of columns.
constexpr std::size_t kKeysMax = 32'767;

// Of a line that isn't an object, and what is to be done about it.
std::string problem_of(const JsonScanner& scanner) {
  const std::string_view line = scanner.line();
  if (has_lone_cr(line)) return kLoneCr;
  const std::size_t begin = line.find_first_not_of(" \t\r");
  const char first = begin == std::string_view::npos ? '\0' : line[begin];
  if (first == '[') return scanner.error() + "; of an array, read it as one (--format json)";
  if (first == '{') return scanner.error() + kOneLineHint;
  return scanner.error();
}

}  // namespace

NdjsonSampler::NdjsonSampler(std::vector<std::string> keys, const SampleLimits& limits)
    : Sampler(limits, '\n'), fixed_(!keys.empty()), keys_(std::move(keys)) {
  for (std::uint32_t i = 0; i < keys_.size(); ++i) columns_.emplace(keys_[i], i);
}

std::size_t NdjsonSampler::feed(std::span<const char> input, bool at_end) {
  std::size_t skipped = 0;
  if (!pass_preamble({input.data(), input.size()}, at_end, &skipped)) return skipped;
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
    look_at(line, Of::kLines);
  }
  auto used = static_cast<std::size_t>(cursor - input.data());
  if (!done() && input.size() - used > limits_.max_row_bytes) {
    if (first_problem_.empty()) first_problem_ = too_long("line");
    skipping_ = true;
    used = input.size();
  }
  byte_ += used;
  return used;
}

void NdjsonSampler::look_at(JsonScanner::Line line, Of of) {
  ++rows_;
  const bool taken = line == JsonScanner::Line::kObject && take_members();
  if (taken || !first_problem_.empty()) return;
  first_problem_ = of == Of::kLines ? problem_of(scanner_) : scanner_.error();
}

// False: it breaks on the way, so what it began with says nothing.
bool NdjsonSampler::take_members() {
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
      if (fixed_ || keys_.size() >= kKeysMax) continue;
      found = columns_.emplace(key, static_cast<std::uint32_t>(keys_.size())).first;
      keys_.push_back(key);
    }
    inference_.add_json(found->second, each.kind, each.text);
  }
  return true;
}

std::size_t JsonSampler::feed(std::span<const char> input, bool at_end) {
  std::size_t used = 0;
  if (!pass_preamble({input.data(), input.size()}, at_end, &used)) return used;
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* cursor = begin + used;
  if (!splitter_) {
    while (cursor != end &&
           (*cursor == ' ' || *cursor == '\t' || *cursor == '\r' || *cursor == '\n')) {
      if (*cursor == '\n') ++start_.line;
      ++cursor;
    }
    if (cursor != end) {
      is_array_ = *cursor == '[';
      if (is_array_) ++cursor;
      splitter_.emplace(is_array_);
    }
    start_.byte = byte_ + static_cast<std::uint64_t>(cursor - begin);
  }
  if (skipping_element_) {
    const char* const stop = end_of_overlong_.find(cursor, end);
    skipping_element_ = stop == nullptr;
    cursor = skipping_element_ ? end : stop;
  }
  if (splitter_) splitter_->start(cursor, end, at_end);
  while (splitter_ && !skipping_element_ && !done()) {
    const JsonSplitter::Piece piece = splitter_->next();
    cursor = splitter_->begin_of_element();
    if (piece == JsonSplitter::Piece::kEnd || piece == JsonSplitter::Piece::kUnclosed) break;
    if (piece == JsonSplitter::Piece::kMore) {
      if (static_cast<std::uint64_t>(end - cursor) <= limits_.max_row_bytes) break;
      if (first_problem_.empty()) first_problem_ = too_long("value");
      end_of_overlong_ = splitter_->end_of_element();
      splitter_->pass_element();
      skipping_element_ = true;
      cursor = end;
      break;
    }
    const std::string_view element = splitter_->element();
    flat_.resize(element.size() + kReadPadding);
    flatten_json(element, flat_.data());
    scanner_.start(flat_.data(), flat_.data() + element.size());
    const JsonScanner::Line line = scanner_.next_line();
    if (splitter_->expected().empty()) look_at(line, Of::kJson);
    cursor += element.size();
  }
  used = static_cast<std::size_t>(cursor - begin);
  byte_ += used;
  return used;
}

Result<Shape> NdjsonSampler::shape(bool infer) const {
  if (keys_.empty()) {
    return Status(
        Code::kNoInput,
        "expected a line with a JSON object, found none" +
            (first_problem_.empty() ? "; of a file that may be empty, name the columns (--columns)"
                                    : ": " + first_problem_));
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
