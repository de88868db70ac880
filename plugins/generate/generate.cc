// Rows made from a seed: the same for the same seed, columns and row number, so that a source can
// go on from any row. For trying out pipelines, for tests and benchmarks.
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>

#include "mayfly/base/clock.h"
#include "mayfly/generate/column_spec.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::generate::ColumnSpec;

enum Option : std::uint32_t { kRows, kSeed, kColumns, kRate, kOptionCount };

constexpr mayfly_option kOptions[kOptionCount] = {
    sdk::int_option("rows", "1000", {"0", nullptr}, "How many rows; 0: without end."),
    sdk::int_option("seed", "1", {"0", nullptr}, "Another seed, other rows."),
    sdk::list_option("columns", "id:sequence,name:text:20,amount:float", {"1", "2000"},
                     "name:sequence:first, name:int:min:max, name:float:min:max, name:text:length, "
                     "name:bool or name:choice:A|B|C; what follows the kind may be left out but of "
                     "choice."),
    sdk::float_option("rate", "0", {"0", "1e9"}, "Rows a second; 0: as fast as they are taken."),
};

constexpr mayfly_named kPorts[] = {{"out", "Every row."}};

struct Generate : sdk::Source {
  std::uint64_t rows_max = 0;
  std::uint64_t seed = 0;
  double rate = 0;
  std::vector<ColumnSpec> columns;
  std::uint64_t options_hash = 0xCBF29CE484222325u;
  std::uint32_t heap_bytes = 0;  // a row's, at most
  std::uint64_t next = 0;        // ordinal
  std::uint64_t first = 0;       // ordinal at start_ns
  std::int64_t start_ns = 0;
  std::atomic<std::uint64_t> made{0};

  // FNV-1a, so that a mark made with other options is noticed.
  void hash(std::string_view text) {
    for (const char c : text) {
      options_hash = (options_hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    }
    options_hash *= 0x100000001B3u;  // two texts aren't their concatenation
  }

  mayfly_result configure(const sdk::Options& options) {
    rows_max = static_cast<std::uint64_t>(options.integer(kRows));
    seed = static_cast<std::uint64_t>(options.integer(kSeed));
    rate = options.number(kRate);
    hash(std::to_string(seed));
    mayfly_result result = MAYFLY_OK;  // each column that is wrong is told
    for (std::uint64_t i = 0; i < options.list_size(kColumns); ++i) {
      hash(options.list_at(kColumns, i));
      auto column = mayfly::generate::parse_column(options.list_at(kColumns, i));
      if (!column.ok()) {
        result = host.fail(sdk::Failure::kConfig, column.status().message());
        continue;
      }
      heap_bytes += column->heap_bytes_max();
      columns.push_back(std::move(column).value());
    }
    return result;
  }

  mayfly_result open(const mayfly_position& position) {
    for (const ColumnSpec& column : columns) {
      const mayfly_result declared = host.declare_column(column.name, column.type());
      if (declared != MAYFLY_OK) return declared;
    }
    if (position.resumed != 0) {
      if (sdk::to_view(position.fingerprint) != fingerprint_text()) {
        return host.fail(
            sdk::Failure::kInputMissing,
            "generate: seed or columns changed since the mark, so the rows are others; "
            "start anew, or set them back");
      }
      next = position.ordinal;
    }
    first = next;
    made.store(next, std::memory_order_relaxed);
    start_ns = host.now_ns();
    return MAYFLY_OK;
  }

  // How many rows may have been made by now; waits for one until the deadline.
  std::uint64_t rows_due(std::int64_t deadline_ns) {
    if (rate <= 0) return UINT64_MAX;
    const auto due_at = [this](std::int64_t now) {
      const double elapsed = static_cast<double>(now - start_ns) / mayfly::kSecond;
      return first + static_cast<std::uint64_t>(elapsed * rate);
    };
    std::int64_t now = host.now_ns();
    if (due_at(now) <= next) {
      const double seconds = static_cast<double>(next + 1 - first) / rate;
      const auto due_ns = start_ns + static_cast<std::int64_t>(seconds * mayfly::kSecond) + 1;
      const std::int64_t wait_ns =
          std::clamp<std::int64_t>(std::min(due_ns, deadline_ns) - now, 0, mayfly::kSecond);
      const timespec timeout{wait_ns / mayfly::kSecond, wait_ns % mayfly::kSecond};
      ::ppoll(nullptr, 0, &timeout, nullptr);
      now = host.now_ns();
    }
    return due_at(now);
  }

  mayfly_result poll(mayfly_batch& batch, std::int64_t deadline_ns) {
    const std::uint64_t due = rows_due(deadline_ns);
    const std::uint64_t end = rows_max == 0 ? due : std::min(due, rows_max);
    while (next < end && mayfly::has_room_for_row(batch)) {
      if (heap_bytes > mayfly::heap_left(batch)) {
        const mayfly_result room = host.reserve(batch, heap_bytes);
        if (room == MAYFLY_FULL) break;
        if (room == MAYFLY_BLOCKED) return MAYFLY_IDLE;
        if (room != MAYFLY_OK) {
          return host.fail(sdk::Failure::kConfig,
                           "generate: a row of " + std::to_string(heap_bytes) +
                               " bytes is larger than a batch may be; use shorter texts");
        }
      }
      put_row(batch);
    }
    made.store(next, std::memory_order_relaxed);  // a counter: orders nothing
    if (rows_max != 0 && next >= rows_max) return MAYFLY_END;
    return mayfly::has_room_for_row(batch) && next >= end ? MAYFLY_IDLE : MAYFLY_OK;
  }

  void put_row(mayfly_batch& batch) {
    mayfly::Rng rng(seed * 0x9E3779B97F4A7C15u + mayfly::Rng(next).next());
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
      mayfly::generate::put_value(columns[c], c, next, rng, batch);
    }
    ++next;
    mayfly::commit_row(batch, {.ordinal = next - 1, .byte_end = next, .line = next});
  }

  std::string fingerprint_text() const {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, options_hash, 16).ptr;
    return "options=" + std::string(text, end);
  }
  std::uint64_t fingerprint(std::uint64_t, std::span<char> out) const {
    const std::string text = fingerprint_text();
    if (text.size() > out.size()) return 0;
    std::memcpy(out.data(), text.data(), text.size());
    return text.size();
  }
  void progress(std::uint64_t& done, std::uint64_t& total) const {
    done = made.load(std::memory_order_relaxed);
    total = rows_max;
  }
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::source<Generate>({
    .name = "generate",
    .version = "0.1.0",
    .summary = "Makes rows from a seed, always the same ones.",
    .flags = MAYFLY_REPLAYABLE,
    .options = kOptions,
    .ports = kPorts,
}))
