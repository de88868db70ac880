#include "mayfly/storage/write_buffer/spool_record.h"

#include <array>
#include <cstring>
#include <optional>

namespace mayfly {
namespace {

constexpr std::size_t kHead = 2 * sizeof(std::uint32_t);
constexpr std::size_t kNumberAndOp = sizeof(std::uint64_t) + 1;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82F63B78u : 0);
    table[byte] = rest;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

// Takes from the front; once something is missing, nothing is there any more.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T take() {
    T value{};
    if (bytes_.size() < sizeof value) {
      fail();
    } else {
      std::memcpy(&value, bytes_.data(), sizeof value);
      bytes_.remove_prefix(sizeof value);
    }
    return value;
  }
  std::string_view take_text() {
    const auto size = take<std::uint32_t>();
    if (size > bytes_.size()) fail();
    const std::string_view text = bytes_.substr(0, failed_ ? 0 : size);
    bytes_.remove_prefix(text.size());
    return text;
  }
  // How many of something that takes at least a byte each.
  std::uint32_t take_count() {
    const auto count = take<std::uint32_t>();
    if (count > bytes_.size()) fail();
    return failed_ ? 0 : count;
  }
  void fail() {
    failed_ = true;
    bytes_ = {};
  }
  bool has_failed() const { return failed_; }
  bool is_at_end() const { return !failed_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

void put_value(std::string& out, const Value& value) {
  put(out, static_cast<std::uint8_t>(value.kind()));
  switch (value.kind()) {
    case Value::Kind::kNull:
      break;
    case Value::Kind::kInt64:
      put(out, value.int64());
      break;
    case Value::Kind::kFloat64:
      put(out, value.float64());
      break;
    case Value::Kind::kText:
    case Value::Kind::kBlob:
      put_text(out, value.text());
      break;
  }
}

Value take_value(Reader& reader) {
  switch (static_cast<Value::Kind>(reader.take<std::uint8_t>())) {
    case Value::Kind::kNull:
      return nullptr;
    case Value::Kind::kInt64:
      return reader.take<std::int64_t>();
    case Value::Kind::kFloat64:
      return reader.take<double>();
    case Value::Kind::kText:
      return reader.take_text();
    case Value::Kind::kBlob: {
      const std::string_view blob = reader.take_text();
      return std::as_bytes(std::span(blob.data(), blob.size()));
    }
  }
  reader.fail();
  return nullptr;
}

// What stands behind a record's head. False: that isn't how a body looks.
bool read_body(std::string_view body, SpooledCall& call) {
  Reader reader(body);
  call.number = reader.take<std::uint64_t>();
  const auto op = reader.take<std::uint8_t>();
  if (op > static_cast<std::uint8_t>(BufferedOp::kDelete)) return false;
  call.op = static_cast<BufferedOp>(op);
  call.table = reader.take_text();
  call.data.clear();
  for (std::uint32_t left = reader.take_count(); left > 0 && !reader.has_failed(); --left) {
    const std::string_view column = reader.take_text();
    call.data.push_back({column, take_value(reader)});
  }
  call.keys.clear();
  for (std::uint32_t left = reader.take_count(); left > 0 && !reader.has_failed(); --left) {
    call.keys.push_back(reader.take_text());
  }
  return reader.is_at_end();
}

struct RecordHead {
  std::string_view body;
  std::uint32_t crc = 0;
};

// None: it would be longer than what is there.
std::optional<RecordHead> read_head(std::string_view bytes, RecordKey key) {
  Reader head(bytes);
  const std::uint32_t length = head.take<std::uint32_t>() ^ key.length;
  const auto crc = head.take<std::uint32_t>();
  if (bytes.size() < kHead || length > bytes.size() - kHead) return std::nullopt;
  return RecordHead{bytes.substr(kHead, length), crc};
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  for (const char byte : bytes) {
    crc = kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF] ^ (crc >> 8);
  }
  return ~crc;
}

bool append_record(std::string& out, RecordKey key, std::uint64_t number, BufferedOp op,
                   std::string_view table, std::span<const ColumnValue> data,
                   std::span<const std::string_view> keys) {
  std::size_t texts = table.size();
  for (const ColumnValue& one : data) texts += one.column.size() + one.value.text().size() + 16;
  for (const std::string_view column : keys) texts += column.size() + 16;
  if (texts > kSpoolRecordMax - 64) return false;
  const std::size_t begin = out.size();
  out.append(kHead, '\0');
  put(out, number);
  put(out, static_cast<std::uint8_t>(op));
  put_text(out, table);
  put(out, static_cast<std::uint32_t>(data.size()));
  for (const ColumnValue& one : data) {
    put_text(out, one.column);
    put_value(out, one.value);
  }
  put(out, static_cast<std::uint32_t>(keys.size()));
  for (const std::string_view column : keys) put_text(out, column);
  const std::string_view body = std::string_view(out).substr(begin + kHead);
  const std::uint32_t length = static_cast<std::uint32_t>(body.size()) ^ key.length;
  const std::uint32_t crc = crc32c(body, key.crc);
  std::memcpy(out.data() + begin, &length, sizeof length);
  std::memcpy(out.data() + begin + sizeof length, &crc, sizeof crc);
  return true;
}

std::size_t read_record(std::string_view bytes, RecordKey key, SpooledCall& call) {
  const auto head = read_head(bytes, key);
  if (!head || crc32c(head->body, key.crc) != head->crc || !read_body(head->body, call)) return 0;
  return kHead + head->body.size();
}

// How a body looks is known from a few of its bytes, what its checksum is from all of them: that is
// asked of what looks like one alone.
std::size_t find_record(std::string_view bytes, RecordKey key) {
  SpooledCall call;
  for (std::size_t at = 1; at + kHead + kNumberAndOp <= bytes.size(); ++at) {
    const auto head = read_head(bytes.substr(at), key);
    if (!head || head->body.size() < kNumberAndOp) continue;
    if (read_body(head->body, call) && crc32c(head->body, key.crc) == head->crc) return at;
  }
  return std::string_view::npos;
}

}  // namespace mayfly
