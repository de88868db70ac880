#include "mayfly/patterns/dynamic_concurrency.h"

namespace mayfly {
namespace {

ScaleOptions scale_of(const DynamicConcurrencyOptions& options) {
  if (options.min < 1 || options.max < options.min) {
    throw std::invalid_argument("dynamic concurrency: expected 1 <= min <= max, found min " +
                                std::to_string(options.min) + " and max " +
                                std::to_string(options.max));
  }
  return {.min = static_cast<std::uint32_t>(options.min),
          .max = static_cast<std::uint32_t>(options.max),
          .cooldown_ns = options.cooldown_ns};
}

}  // namespace

ScaledLimit::ScaledLimit(SignalSink& sink, const DynamicConcurrencyOptions& options,
                         const Clock& clock, std::function<void(int)> apply)
    : clock_(clock),
      apply_(std::move(apply)),
      scale_(scale_of(options)),
      later_(clock),
      up_(sink.subscribe(options.up_on, [this](const SignalEvent&) { heard(true); })),
      down_(sink.subscribe(options.down_on, [this](const SignalEvent&) { heard(false); })) {}

ScaledLimit::~ScaledLimit() {
  up_.reset();
  down_.reset();
  later_.stop();
}

void ScaledLimit::heard(bool up) {
  std::unique_lock lock(mutex_);
  const std::int64_t now_ns = clock_.now_ns();
  changed(lock, up ? scale_.up(now_ns) : scale_.down(now_ns));
}

void ScaledLimit::changed(std::unique_lock<std::mutex>& lock, bool has_changed) {
  const std::int64_t due_ns = scale_.due_ns();
  lock.unlock();
  if (has_changed) {
    const std::lock_guard applying(apply_mutex_);
    lock.lock();
    const auto limit = static_cast<int>(scale_.limit());
    lock.unlock();
    apply_(limit);
  }
  if (due_ns == kNever) return;
  later_.call_at(due_ns, [this] {
    std::unique_lock again(mutex_);
    changed(again, scale_.advance(clock_.now_ns()));
  });
}

}  // namespace mayfly
