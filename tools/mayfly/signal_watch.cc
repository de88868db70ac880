#include "tools/mayfly/signal_watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

namespace mayfly::cli {
namespace {

// The same signal twice within this is one: `timeout` sends it to the program and to its group.
constexpr auto kOnce = std::chrono::milliseconds(50);

sigset_t watched_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

SignalWatch::SignalWatch(Callback callback) : callback_(std::move(callback)) {
  const sigset_t set = watched_signals();
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || stop_ < 0) {
    status_ = {Code::kInternal, fmt::format("can't watch for signals: {}", std::strerror(errno))};
    return;
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    status_ = {Code::kInternal, fmt::format("can't watch for signals: {}", error.what())};
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  }
}

SignalWatch::~SignalWatch() {
  if (thread_.joinable()) {
    ::eventfd_write(stop_, 1);
    thread_.join();
  }
  if (signals_ >= 0) ::close(signals_);
  if (stop_ >= 0) ::close(stop_);
}

void SignalWatch::run() {
  std::array<pollfd, 2> fds = {pollfd{signals_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
  int count = 0;
  int last = 0;
  std::chrono::steady_clock::time_point last_at;
  for (;;) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if ((fds[1].revents & POLLIN) != 0) return;
    if ((fds[0].revents & POLLIN) == 0) continue;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) != sizeof info) continue;
    const int signal = static_cast<int>(info.ssi_signo);
    const auto now = std::chrono::steady_clock::now();
    if (signal == last && now - last_at < kOnce) continue;
    last = signal;
    last_at = now;
    callback_(signal, ++count);
  }
}

}  // namespace mayfly::cli
