#include "mayfly/file/row_shape.h"

#include <string>
#include <string_view>

#include "mayfly/file/fingerprint.h"

namespace mayfly::file {
namespace {

// Values one behind the other, none of which runs into the next.
class Values {
 public:
  void add(std::string_view text) {
    hash_ = hash_of(std::to_string(text.size()) + ":", hash_);
    hash_ = hash_of(text, hash_);
  }
  void add(std::int64_t number) { add(std::to_string(number)); }
  std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_ = kHashOfNothing;
};

constexpr std::int64_t kNone = -1;

std::int64_t number_of(std::optional<char> character) {
  return character ? static_cast<unsigned char>(*character) : kNone;
}

}  // namespace

std::uint64_t row_shape_of(const FileOptions& options) {
  Values values;
  values.add(options.format ? static_cast<std::int64_t>(*options.format) : kNone);
  values.add(options.encoding);
  values.add(number_of(options.delimiter));
  values.add(std::int64_t{options.find_delimiter});
  values.add(options.quote ? number_of(*options.quote) : kNone - 1);
  values.add(std::int64_t{options.backslash});
  values.add(number_of(options.comment));
  values.add(static_cast<std::int64_t>(options.skip_rows));
  values.add(std::int64_t{options.header});
  values.add(static_cast<std::int64_t>(options.columns.size()));
  for (const std::string& column : options.columns) values.add(column);
  values.add(static_cast<std::int64_t>(options.renamed.size()));
  for (const auto& [from, to] : options.renamed) {
    values.add(from);
    values.add(to);
  }
  values.add(static_cast<std::int64_t>(options.empty));
  values.add(static_cast<std::int64_t>(options.nulls.size()));
  for (const std::string& null : options.nulls) values.add(null);
  return values.hash();
}

}  // namespace mayfly::file
