// Host: what a plugin may ask of the program that runs it, typed.
//
// Valid from configure to destroy, inside calls only, on the thread that makes the call. Times are
// nanoseconds on the host's monotonic clock; nodes have no other clock. Texts are copied by the
// host.
#pragma once

#include <charconv>
#include <cstdint>
#include <span>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"

// Of the SDK, and of what else is in line in a plugin, nothing is exported: here as in the others.
#pragma GCC visibility push(hidden)

namespace mayfly::sdk {

inline mayfly_text to_text(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view to_view(mayfly_text text) {
  return {text.data, static_cast<std::size_t>(text.size)};
}

// Which exit status a failure leads to.
enum class Failure : std::int32_t {
  kInternal = MAYFLY_FAIL_INTERNAL,
  kConfig = MAYFLY_FAIL_CONFIG,
  kInputMissing = MAYFLY_FAIL_INPUT_MISSING,
  kIo = MAYFLY_FAIL_IO,
};

enum class LogLevel : std::int32_t {
  kDebug = MAYFLY_LOG_DEBUG,
  kInfo = MAYFLY_LOG_INFO,
  kWarn = MAYFLY_LOG_WARN,
  kError = MAYFLY_LOG_ERROR,
};

constexpr std::uint64_t kAllRows = UINT64_MAX;

// Lets a sink's thread call its node: on_wake runs soon, once or more. Any thread, until the sink's
// state is destroyed.
class Waker {
 public:
  Waker() = default;
  Waker(const mayfly_host* host, mayfly_context* ctx) : host_(host), ctx_(ctx) {}
  void wake() const { host_->wake(ctx_); }

 private:
  const mayfly_host* host_ = nullptr;
  mayfly_context* ctx_ = nullptr;
};

class Host {
 public:
  Host() = default;
  Host(const mayfly_host* host, mayfly_context* ctx) : host_(host), ctx_(ctx) {}

  std::int64_t now_ns() const { return host_->now_ns(ctx_); }
  std::uint64_t random() const { return host_->random_u64(ctx_); }
  void log(LogLevel level, std::string_view text) const {
    host_->log(ctx_, static_cast<std::int32_t>(level), to_text(text));
  }
  // `return host.fail(...)`: records why and gives MAYFLY_FAILED. In configure and open a text
  // "option: expected ..., found ..." is told with the option's place in the file, and so is each
  // further one of a call of configure. Of a list it is the entry's place, if the text quotes the
  // entry, or says which it is: "option: entry 2: expected ...".
  mayfly_result fail(Failure failure, std::string_view text) const {
    return host_->fail(ctx_, static_cast<std::int32_t>(failure), to_text(text));
  }
  void count(std::uint32_t counter, std::uint64_t delta = 1) const {
    host_->counter_add(ctx_, counter, delta);
  }

  // `signal` is an index into raises[]. With an argument the name is "stem:argument".
  void raise(std::uint32_t signal, std::string_view argument = {}) const {
    host_->signal_raise(ctx_, signal, to_text(argument));
  }
  void raise(std::uint32_t signal, std::uint64_t argument) const {
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, argument);
    raise(signal, std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  void retract(std::uint32_t signal, std::string_view argument = {}) const {
    host_->signal_retract(ctx_, signal, to_text(argument));
  }

  // Nodes. One timer an id, 0 to 63; setting it again moves it. Due now: after this call's rows
  // have gone where they were routed, so also after rows held by this call are held.
  void set_timer(std::uint32_t timer, std::int64_t due_ns) const {
    host_->timer_set(ctx_, timer, due_ns);
  }
  void cancel_timer(std::uint32_t timer) const { host_->timer_cancel(ctx_, timer); }
  // Releases rows held under the tag, oldest first; they come in later calls of process. Rows that
  // the current call routes to HOLD aren't held yet. Returns how many will come.
  std::uint64_t resume(std::uint64_t tag, std::uint64_t rows_max = kAllRows) const {
    return host_->resume(ctx_, tag, rows_max);
  }
  std::uint64_t held(std::uint64_t tag) const { return host_->held(ctx_, tag); }
  // Nodes, from open on: signals present that listens[listen] means, or (listen_of) an option. A
  // look at the whole window: for decisions, not for rows.
  std::uint64_t signals_present(std::uint32_t listen) const {
    return host_->signals_present(ctx_, listen);
  }
  // Nodes, in configure: `return host.check_expression(kWhere, text)`. Whether what the option
  // holds can be prepared in open, as far as that is known without columns; why not is recorded.
  mayfly_result check_expression(std::uint32_t option, std::string_view expression) const {
    return host_->expr_check(ctx_, option, to_text(expression));
  }
  // Nodes, in open: SQL expressions over the columns that come in. Null: `return MAYFLY_FAILED`,
  // why is recorded.
  mayfly_expressions* prepare(std::span<const mayfly_text> expressions) const {
    return host_->expr_prepare(ctx_, expressions.data(),
                               static_cast<std::uint32_t>(expressions.size()));
  }
  // What the first of them is for each of the slice's rows, in their order: MAYFLY_TRUE ...
  mayfly_result test(mayfly_expressions* expressions, const mayfly_slice& slice,
                     std::uint8_t* truth) const {
    return host_->expr_test(ctx_, expressions, &slice, truth);
  }
  // Transforms: appends what they make of the slice's rows from `first` on; `taken` of them.
  mayfly_result fill(mayfly_expressions* expressions, const mayfly_slice& slice,
                     std::uint32_t first, mayfly_batch& made, std::uint8_t* truth,
                     std::uint32_t& taken) const {
    return host_->expr_fill(ctx_, expressions, &slice, first, &made, truth, &taken);
  }
  // Sinks, from open on.
  Waker waker() const { return {host_, ctx_}; }
  // Nanoseconds since 1970, by the wall clock.
  std::int64_t unix_ns() const { return host_->unix_ns(ctx_); }
  // Nodes, but for configure and open: the pipeline's figures, as many as there is room for.
  // Returns how many there are.
  std::uint32_t metrics(std::span<mayfly_metric> out) const {
    return host_->metrics(ctx_, out.data(), static_cast<std::uint32_t>(out.size()));
  }
  // Nodes, in open, once: keeps the pipeline's signals in a database.
  mayfly_result store_open(mayfly_store_options options) const {
    options.struct_size = sizeof options;
    return host_->store_open(ctx_, &options);
  }
  // Then, while rows flow.
  void store_flush() const { host_->store_flush(ctx_); }
  mayfly_store_stats store_stats() const {
    mayfly_store_stats stats{};
    stats.struct_size = sizeof stats;
    host_->store_stats(ctx_, &stats);
    return stats;
  }
  // The columns that come in; from open on.
  const mayfly_schema& schema() const { return *host_->schema(ctx_); }

  // Sources and transforms, in open: one column of what they put out.
  mayfly_result declare_column(std::string_view name, std::int32_t type,
                               std::uint32_t flags = 0) const {
    return host_->declare_column(ctx_, to_text(name), type, flags);
  }
  // Sources, in open: what the source is called in the offsets table.
  void source_key(std::string_view key) const { host_->source_key(ctx_, to_text(key)); }
  // Sources, in open: how the bytes of a record that it rejects are to be read again, as a JSON
  // object of options of the plugin dead_letters.
  void record_format(std::string_view json) const { host_->record_format(ctx_, to_text(json)); }
  // Room for `bytes` more in the batch's heap. MAYFLY_FULL: send the batch first.
  mayfly_result reserve(mayfly_batch& batch, std::uint64_t bytes) const {
    return host_->batch_reserve(ctx_, &batch, bytes);
  }
  struct ErrorRow {
    std::uint64_t ordinal = 0;
    std::uint64_t byte_end = 0;
    std::uint64_t line = 0;
    std::uint32_t reason = 0;  // index into reasons[]
    std::string_view message;  // what was expected and what was found
    std::string_view raw;      // the record
  };
  mayfly_result reject(mayfly_batch& batch, const ErrorRow& row) const {
    return host_->reject(ctx_, &batch, row.ordinal, row.byte_end, row.line, row.reason,
                         to_text(row.message), to_text(row.raw));
  }

  // Transforms. Null: return MAYFLY_BLOCKED, unless this call has emitted something.
  mayfly_batch* new_batch() const { return host_->batch_new(ctx_); }
  mayfly_result emit(std::uint32_t port, mayfly_batch* batch,
                     std::span<const mayfly_lineage> lineage) const {
    return host_->emit(ctx_, port, batch, lineage.data(),
                       static_cast<std::uint32_t>(lineage.size()));
  }

 private:
  const mayfly_host* host_ = nullptr;
  mayfly_context* ctx_ = nullptr;
};

}  // namespace mayfly::sdk

#pragma GCC visibility pop
