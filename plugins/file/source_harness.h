// SourceHarness: one source plugin with a host around it, but no engine: for tests of sources.
//
// Owns the plugin's state and one batch. Time is a ManualClock that stands still. One thread.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/data/readers/row_text.h"
#include "mayfly/plugin/options.h"
#include "mayfly/plugin/registry.h"

namespace mayfly::testing {

class SourceHarness {
 public:
  SourceHarness(std::string_view name, std::span<const RawOption> raw,
                std::uint32_t batch_rows = 1024)
      : registry_(search_of_process()), batch_rows_(batch_rows) {
    const auto library = registry_.find(name);
    if (!library.ok()) std::fputs(library.status().message().c_str(), stderr), std::abort();
    library_ = *library;
    const ParsedOptions parsed = parse_options(OptionTable(plugin().options), raw);
    options_ = parsed.values;
    if (!parsed.ok()) {
      error = to_status(name, parsed.errors).message();
      return;
    }
    state_ = std::aligned_alloc(plugin().state_align, rounded_size());
    std::memset(state_, 0, rounded_size());
    configured = plugin().configure(state_, &host(), context(), options_.data()) == MAYFLY_OK;
  }
  ~SourceHarness() {
    if (state_ != nullptr) plugin().destroy(state_);
    std::free(state_);
  }
  SourceHarness(const SourceHarness&) = delete;
  SourceHarness& operator=(const SourceHarness&) = delete;

  bool open(const mayfly_position& position = {.struct_size = sizeof(mayfly_position)}) {
    if (!configured || plugin().open(state_, &position) != MAYFLY_OK) return false;
    schema_ = Schema(columns);
    pool_ = std::make_unique<BatchPool>(
        BatchPoolOptions{.rows = batch_rows_, .columns = schema_.size(), .intake_batches = 1});
    return true;
  }
  // One call; its rows are added to rows and origins.
  mayfly_result poll(std::int64_t timeout_ns = 5 * kMillisecond) {
    mayfly_batch* batch = pool_->try_acquire(BatchPool::Part::kIntake, schema_);
    const mayfly_result result = plugin().poll(state_, batch, clock.now_ns() + timeout_ns);
    rows_read += batch->rows;
    for (std::uint32_t row = 0; keep_rows && row < batch->rows; ++row) {
      rows.push_back(row_line(*batch, row));
      origins.push_back(origin_line(*batch, row));
      byte_ends.push_back(batch->byte_end[row]);
    }
    pool_->release(batch);
    return result;
  }
  // To the end or a failure.
  mayfly_result poll_all() {
    mayfly_result result = MAYFLY_OK;
    while (result == MAYFLY_OK || result == MAYFLY_IDLE) result = poll();
    return result;
  }
  std::string fingerprint(std::uint64_t byte) const {
    char text[256];
    return {text, static_cast<std::size_t>(plugin().fingerprint(state_, byte, text, sizeof text))};
  }
  std::string schema_text() const {
    std::string out;
    for (const Column& column : columns) {
      out += (out.empty() ? "" : " ") + column.name + ":" + std::string(name_of(column.type));
    }
    return out;
  }
  const mayfly_plugin& plugin() const { return library_->plugin(); }
  void* state() { return state_; }

  ManualClock clock;
  bool configured = false;
  std::string error;  // what was given to fail
  std::int32_t failure_class = -1;
  std::vector<std::string> logged;
  std::string key;
  std::string record_format;
  std::vector<Column> columns;
  bool keep_rows = true;
  std::uint64_t rows_read = 0;
  std::vector<std::string> rows;
  std::vector<std::string> origins;
  std::vector<std::uint64_t> byte_ends;

 private:
  std::size_t rounded_size() const {
    const std::size_t align = plugin().state_align;
    return (plugin().state_size + align - 1) / align * align;
  }
  mayfly_context* context() { return reinterpret_cast<mayfly_context*>(this); }
  static SourceHarness& of(mayfly_context* context) {
    return *reinterpret_cast<SourceHarness*>(context);
  }
  static std::string text_of(mayfly_text text) {
    return {text.data, static_cast<std::size_t>(text.size)};
  }

  static const mayfly_host& host() {
    static const mayfly_host kHost = [] {
      mayfly_host host{};
      host.struct_size = sizeof host;
      host.now_ns = [](mayfly_context* c) { return of(c).clock.now_ns(); };
      host.random_u64 = [](mayfly_context*) -> std::uint64_t { return 4; };
      host.log = [](mayfly_context* c, std::int32_t, mayfly_text text) {
        of(c).logged.push_back(text_of(text));
      };
      host.fail = [](mayfly_context* c, std::int32_t failure, mayfly_text text) -> mayfly_result {
        of(c).failure_class = failure;
        of(c).error = text_of(text);
        return MAYFLY_FAILED;
      };
      host.counter_add = [](mayfly_context*, std::uint32_t, std::uint64_t) {};
      host.declare_column = [](mayfly_context* c, mayfly_text name, std::int32_t type,
                               std::uint32_t) -> mayfly_result {
        of(c).columns.push_back({text_of(name), static_cast<ColumnType>(type)});
        return MAYFLY_OK;
      };
      host.source_key = [](mayfly_context* c, mayfly_text key) { of(c).key = text_of(key); };
      host.record_format = [](mayfly_context* c, mayfly_text format) {
        of(c).record_format = text_of(format);
      };
      host.batch_reserve = [](mayfly_context* c, mayfly_batch* batch, std::uint64_t bytes) {
        return of(c).pool_->reserve_heap(batch, bytes);
      };
      host.reject = [](mayfly_context* c, mayfly_batch* batch, std::uint64_t ordinal,
                       std::uint64_t byte_end, std::uint64_t line, std::uint32_t reason,
                       mayfly_text message, mayfly_text raw) -> mayfly_result {
        const mayfly_result room = of(c).pool_->reserve_heap(batch, message.size + raw.size);
        if (room != MAYFLY_OK) return room;
        put_error_row(*batch, {ordinal, byte_end, line}, static_cast<std::uint16_t>(reason),
                      text_of(message), text_of(raw));
        return MAYFLY_OK;
      };
      return host;
    }();
    return kHost;
  }

  PluginRegistry registry_;
  std::uint32_t batch_rows_;
  std::shared_ptr<const PluginLibrary> library_;
  OptionValues options_;
  void* state_ = nullptr;
  Schema schema_;
  std::unique_ptr<BatchPool> pool_;
};

}  // namespace mayfly::testing
