// PluginInstance: one configured instance of a plugin: its state, its context and the host's table.
//
// The calls of mayfly_host arrive at the virtual functions below. What an instance of this kind
// can't be asked for (a source that resumes rows, say) fails the instance with a message that says
// so.
//
// OWNERSHIP  The instance owns the plugin's state and destroys it. The descriptor is the
// registry's. THREADS    Serial: its thread (a source) or its activation (a node). failure() and
// counter() may be
//            read by anyone.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/base/rng.h"
#include "mayfly/base/status.h"
#include "mayfly/data/schema.h"
#include "mayfly/graph/services.h"
#include "mayfly/plugin/listens.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

class PluginInstance {
 public:
  // `index` tells instances apart in batch.judge and in the seeds of their generators.
  PluginInstance(const mayfly_plugin& plugin, std::string name, std::uint16_t index,
                 Services& services);
  virtual ~PluginInstance();
  PluginInstance(const PluginInstance&) = delete;
  PluginInstance& operator=(const PluginInstance&) = delete;

  // Values checked by the option parser; they stay alive as long as the instance.
  Status configure(const OptionValues& values);
  // Before the first row; collects the columns that the plugin declares.
  Status open(const mayfly_position* position);

  const mayfly_plugin& plugin() const { return plugin_; }
  const std::string& name() const { return name_; }
  std::uint16_t index() const { return index_; }
  bool has(std::uint32_t flag) const { return (plugin_.flags & flag) != 0; }
  // What it listens to; from configure on.
  const std::vector<Listen>& listens() const { return listens_; }
  // What it puts out: declared at open, or what comes in.
  const Schema& schema() const { return schema_; }
  std::uint64_t counter(std::uint32_t i) const {
    return counters_[i].load(std::memory_order_relaxed);
  }
  // Ok until a call failed.
  Status failure() const;
  // The same without a lock: also when the plugin didn't heed that the host refused a call.
  bool has_failed() const { return has_failed_.load(std::memory_order_relaxed); }

 protected:
  friend struct HostCalls;

  void* state() { return state_.get(); }
  mayfly_context* context();
  // Ends the plugin's state, and its threads with it. Who overrides what they may call does it
  // before it ends itself.
  void destroy_plugin();
  void set_schema(Schema schema) { schema_ = std::move(schema); }
  const std::vector<Column>& declared() const { return declared_; }
  Services& services() { return services_; }
  mayfly_result fail(std::int32_t failure_class, std::string_view text);

  // mayfly_host, call by call.
  virtual mayfly_result declare_column(std::string_view name, std::int32_t type,
                                       std::uint32_t flags);
  virtual void source_key(std::string_view key);
  virtual void record_format(std::string_view format);
  virtual const mayfly_schema* input_schema();
  virtual void timer_set(std::uint32_t timer, std::int64_t due_ns);
  virtual void timer_cancel(std::uint32_t timer);
  virtual std::uint64_t resume(std::uint64_t tag, std::uint64_t max_rows);
  virtual std::uint64_t held(std::uint64_t tag);
  virtual mayfly_result batch_reserve(mayfly_batch* batch, std::uint64_t bytes);
  virtual mayfly_result reject(mayfly_batch* batch, const mayfly_text& raw, std::uint64_t ordinal,
                               std::uint64_t byte_end, std::uint64_t line, std::uint32_t reason,
                               const mayfly_text& message);
  virtual mayfly_batch* batch_new();
  virtual mayfly_result emit(std::uint32_t port, mayfly_batch* batch, const mayfly_lineage* lineage,
                             std::uint32_t count);
  virtual std::uint64_t signals_present(std::uint32_t listen);
  virtual void wake();  // any thread
  virtual std::uint32_t metrics(std::span<mayfly_metric> out);
  virtual mayfly_result store_open(const mayfly_store_options& options);
  virtual void store_flush();
  virtual mayfly_result store_stats(mayfly_store_stats& out);
  virtual mayfly_result expr_check(std::uint32_t option, std::string_view expression);
  virtual mayfly_expressions* expr_prepare(std::span<const mayfly_text> expressions);
  virtual mayfly_result expr_test(mayfly_expressions* expressions, const mayfly_slice* slice,
                                  std::uint8_t* truth);
  virtual mayfly_result expr_fill(mayfly_expressions* expressions, const mayfly_slice* slice,
                                  std::uint32_t first, mayfly_batch* made, std::uint8_t* truth,
                                  std::uint32_t* taken);

 private:
  struct FreeState {
    void operator()(void* state) const;
  };
  mayfly_result misuse(std::string_view call);
  void raise(std::uint32_t signal, std::string_view argument);
  void retract(std::uint32_t signal, std::string_view argument);

  const mayfly_plugin& plugin_;
  const std::string name_;
  const std::uint16_t index_;
  Services& services_;
  Rng rng_;
  std::unique_ptr<void, FreeState> state_;
  bool configured_ = false;
  Schema schema_;
  std::vector<Column> declared_;
  std::vector<StemId> raises_;
  std::vector<Listen> listens_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> counters_;
  mutable std::mutex failure_mutex_;
  Status failure_;
  std::atomic<bool> has_failed_{false};
};

}  // namespace mayfly
