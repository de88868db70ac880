// Source: one plugin source on a thread of its own: it fills batches of the pool's intake and sends
// them on. An empty intake makes it wait; nothing is dropped or grown.
//
// THREADS  run() is the thread. request_stop, finished, fingerprint_at and progress: any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mayfly/graph/answers.h"
#include "mayfly/graph/inbox.h"
#include "mayfly/graph/plugin_instance.h"
#include "mayfly/graph/signal_control.h"
#include "mayfly/storage/source_position.h"

namespace mayfly {

class Source final : public PluginInstance {
 public:
  Source(const mayfly_plugin& plugin, std::string name, std::uint16_t index, Services& services,
         Answers& answers)
      : PluginInstance(plugin, std::move(name), index, services), answers_(answers) {}

  // Opens it, and takes the columns it declares for its schema.
  Status open_at(const mayfly_position* position);
  // What it is called in the offsets table; known once it is open.
  const std::string& key() const { return key_.empty() ? name() : key_; }
  // How the bytes of a record that it rejected are read again; empty: it didn't say. Likewise.
  const std::string& record_format() const { return record_format_; }
  // Can it be read again from a mark? Standard input can't, whatever the plugin says.
  bool replayable() const { return has(MAYFLY_REPLAYABLE) && key_ != "-"; }

  struct Wiring {
    Edge out;
    Edge record;  // to the writer, for error rows, which no node sees; unused when `out` goes there
    std::vector<AnsweredRange> answered;  // ascending, from the position on
    std::function<void()> finished;
  };
  // Before run().
  void wire(Wiring wiring) { wiring_ = std::move(wiring); }
  // Reads until the source ends, fails or is stopped; then calls `finished`.
  void run() noexcept;

  // Before run(): cancel_on stops it, defer_on lets it wait.
  void control(const SignalControls& controls);
  // While it is paused it doesn't read. Any thread.
  void set_paused(bool paused) { paused_.store(paused, std::memory_order_relaxed); }
  void request_stop() { stop_.store(true, std::memory_order_relaxed); }
  bool finished() const { return finished_.load(std::memory_order_acquire); }
  // Whether it came to its end, rather than being stopped.
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  // The ordinal after the last one it gave out; once finished.
  std::uint64_t ordinal_end() const { return ordinal_end_; }
  std::string fingerprint_at(std::uint64_t byte) const;
  void progress(std::uint64_t& done, std::uint64_t& total) const;

 private:
  void source_key(std::string_view key) override { key_ = key; }
  void record_format(std::string_view format) override { record_format_ = format; }
  mayfly_result batch_reserve(mayfly_batch* batch, std::uint64_t bytes) override;
  mayfly_result reject(mayfly_batch* batch, const mayfly_text& raw, std::uint64_t ordinal,
                       std::uint64_t byte_end, std::uint64_t line, std::uint32_t reason,
                       const mayfly_text& message) override;

  // Whether it may read now; else it has waited for a while.
  bool admitted();
  void send(mayfly_batch& batch);
  void push(mayfly_batch& batch, std::uint16_t head);
  // The rows that no earlier run answered; MAYFLY_REF_NONE when there are none.
  RowRef without_answered(mayfly_batch& batch);

  Answers& answers_;
  std::string key_;
  std::string record_format_;
  Wiring wiring_;
  std::size_t next_answered_ = 0;
  std::uint64_t ordinal_end_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<bool> finished_{false};
  std::atomic<bool> ended_{false};
  std::atomic<bool> paused_{false};
  std::mutex waiting_mutex_;  // of nothing: what a wait on the clock needs
  std::condition_variable waiting_;
  std::optional<SignalControl> control_;
};

}  // namespace mayfly
