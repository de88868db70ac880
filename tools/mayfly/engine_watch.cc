#include "tools/mayfly/engine_watch.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <system_error>

namespace mayfly::cli {
namespace {

constexpr auto kStep = std::chrono::milliseconds(100);
constexpr std::int64_t kStoreAgainNs = 60 * kSecond;

// What the writer said last of the database that it can't write.
std::string why_it_waits(const Engine& engine) {
  const std::string busy = "another connection has it locked";
  std::string why = busy;
  for (const Signal& said : engine.signals().sense("write.*")) {
    if (said.is("write.busy")) why = busy;
    if (said.stem() == "write.error") why = said.argument();
  }
  return why;
}

}  // namespace

EngineWatch::EngineWatch(const Engine& engine, const Clock& clock, Console& console,
                         std::int64_t deadline_ns)
    : engine_(engine), clock_(clock), console_(console), notice_(console, deadline_ns) {
  if (!console.shows(Level::kWarning)) return;
  try {
    thread_ = std::thread([this] { watch(); });
  } catch (const std::system_error&) {
    return;  // then it isn't told; the writer waits all the same
  }
}

EngineWatch::~EngineWatch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void EngineWatch::watch() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kStep, [this] { return done_; })) look();
  look();
}

void EngineWatch::look() {
  look_at_log();
  look_at_stores();
  const std::int64_t since_ns = engine_.outage_since_ns();
  // One that was given up isn't over; what ended the run is said elsewhere.
  if (since_ns == 0 && engine_.failed()) return;
  notice_.update(clock_.now_ns(), since_ns, [this] { return why_it_waits(engine_); });
}

void EngineWatch::look_at_log() {
  for (const Signal& said : engine_.signals().sense("wal.growing:*")) {
    if (said.at_ns <= growth_told_ns_) continue;
    growth_told_ns_ = said.at_ns;
    const std::string_view argument = said.argument();  // Npages, or Npages:DATABASE
    const std::string_view pages = argument.substr(0, argument.find('p'));
    const std::size_t colon = argument.find(':');
    console_.warning(fmt::format(
        "the write-ahead log of {} has grown to {} pages, since readers keep old snapshots: it "
        "can't shrink until their transactions end",
        colon == std::string_view::npos ? "the database" : argument.substr(colon + 1), pages));
  }
}

void EngineWatch::look_at_stores() {
  for (const Signal& said : engine_.signals().sense("window.flush.error:*")) {
    const std::string_view why = said.argument();  // DATABASE: MESSAGE
    const std::string_view database = why.substr(0, why.find(": "));
    const auto store = stores_next_ns_.try_emplace(std::string(database), said.at_ns).first;
    if (said.at_ns < store->second) continue;
    store->second = said.at_ns + kStoreAgainNs;
    console_.warning(fmt::format(
        "signals can't be stored in {}; it is tried again until a drain's deadline passes", why));
  }
}

}  // namespace mayfly::cli
