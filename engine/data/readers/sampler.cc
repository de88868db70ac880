#include "mayfly/data/readers/sampler.h"

#include "mayfly/data/readers/cell_text.h"
#include "mayfly/data/readers/infer.h"

namespace mayfly {

bool has_lone_cr(std::string_view text) {
  for (std::size_t at = text.find('\r'); at != std::string_view::npos;
       at = text.find('\r', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] != '\n') return true;
  }
  return false;
}

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

bool Sampler::pass_preamble(std::string_view input, bool at_end, std::size_t* used) {
  *used = 0;
  if (byte_ == 0) {
    if (input.size() < kBom.size() && !at_end) return false;
    if (input.starts_with(kBom)) *used = kBom.size();
    start_.byte = *used;
  }
  while (lines_left_ > 0) {
    const std::size_t newline = input.find(newline_, *used);
    if (newline == std::string_view::npos) {
      *used = input.size();
      byte_ += *used;
      start_.byte = byte_;
      return false;
    }
    *used = newline + 1;
    start_.byte = byte_ + *used;
    ++start_.line;
    --lines_left_;
  }
  if (skipping_) *used += skip(input.substr(*used));
  return true;
}

std::size_t Sampler::skip(std::string_view input) {
  const std::size_t newline = input.find(newline_);
  skipping_ = newline == std::string_view::npos;
  return skipping_ ? input.size() : newline + 1;
}

std::string Sampler::too_long(std::string_view what) const {
  return "expected a " + std::string(what) + " of at most " +
         std::to_string(limits_.max_row_bytes) +
         " bytes (max_row_bytes), found a longer one; is this text with lines?";
}

}  // namespace mayfly
