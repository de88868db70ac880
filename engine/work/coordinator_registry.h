// CoordinatorRegistry: coordinators by name, configured in one place and made when they are first
// asked for.
//
//   using Orders = mayfly::WorkCoordinator<Order>;
//   mayfly::CoordinatorRegistry<Orders> orders;
//   MAYFLY_RETURN_IF_ERROR(orders.add([&] { return std::make_unique<Orders>(options, body); }));
//   MAYFLY_RETURN_IF_ERROR(orders.add("priority", [&] { ... }));
//   ...
//   auto priority = orders.get("priority");        // or get(), for the one without a name
//   if (priority.ok()) (*priority)->enqueue(order);
//   ...
//   mayfly::Status ended = orders.shutdown();      // all of them have done their work
//
// NAMES      "" is the default. Otherwise anything that isn't only blanks. A name is added once.
// INSTANCES  One for each name, the same for everybody who asks. They are shared, not lent: whoever
//            holds one may go on asking it things when the registry is gone, instead of having to
//            know who goes first. Nothing is made before it is asked for.
// ERRORS     Nothing throws. A factory that throws, or returns nothing, fails that get() alone:
//            nothing of it is kept, and the next get() tries again. So does one for an unknown name
//            once that has been added.
// SHUTDOWN   Once, with everything that was made, the newest first, since its factory may have
//            asked for older ones, which it then still works with: each is completed and drained,
//            or cancelled. Afterwards there is nothing to get. The destructor cancels what
//            shutdown() hasn't been called for.
// THREADS    Any. Who asks for a name that is being made waits for it; other names don't. A factory
//            may get() others; a circle of factories is an error for the one that would close it,
//            also where the circle goes through several threads.
#pragma once

#include <algorithm>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/work/registry_names.h"

namespace mayfly {

// What a registry needs to end what it has made. Each may return a Status.
template <class Coordinator>
concept RegistrableCoordinator = requires(Coordinator& coordinator) {
  coordinator.complete();
  coordinator.drain();
  coordinator.cancel();
};

// How a registry ends what it has made.
enum class RegistryShutdown : std::uint8_t {
  kDrain,   // what was accepted is done
  kCancel,  // what waits is cancelled, what runs is told to stop
};

template <RegistrableCoordinator Coordinator>
class CoordinatorRegistry {
 public:
  using Factory = std::function<std::unique_ptr<Coordinator>()>;

  CoordinatorRegistry() = default;
  CoordinatorRegistry(const CoordinatorRegistry&) = delete;
  CoordinatorRegistry& operator=(const CoordinatorRegistry&) = delete;
  ~CoordinatorRegistry() { (void)shutdown(RegistryShutdown::kCancel); }

  // kUsage for a blank name, one that was added before, an empty factory, or after shutdown().
  Status add(std::string name, Factory factory) {
    MAYFLY_RETURN_IF_ERROR(check_registry_name(name));
    if (!factory) return empty_factory_error(name);
    const std::lock_guard lock(mutex_);
    if (shut_down_) return registry_shut_down_error("add", name);
    if (entries_.contains(name)) return registered_twice_error(name);
    entries_[std::move(name)].factory = std::move(factory);
    return {};
  }
  // The one without a name.
  Status add(Factory factory) { return add(std::string(), std::move(factory)); }

  // kUsage for an unknown name (it says which there are), in a circle of factories and after
  // shutdown(); kInternal when the factory throws or returns nothing.
  Result<std::shared_ptr<Coordinator>> get(std::string_view name = {}) {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (shut_down_) return registry_shut_down_error("get", name);
      const auto found = entries_.find(name);
      if (found == entries_.end()) return unknown_name_error(name, names_locked());
      Entry& entry = found->second;
      if (entry.instance != nullptr) return entry.instance;
      if (entry.maker == std::thread::id()) return make(lock, found->first, entry);
      if (waits_for_me(entry)) return circle_of_factories_error(name);
      waiting_.emplace_back(std::this_thread::get_id(), &entry);
      made_.wait(lock, [&] { return entry.maker == std::thread::id(); });
      std::erase(waiting_, Waiting(std::this_thread::get_id(), &entry));
    }
  }

  // Those that were added, in order; "" is the default.
  std::vector<std::string> names() const {
    const std::lock_guard lock(mutex_);
    return names_locked();
  }
  // How many have been made.
  std::size_t made() const {
    const std::lock_guard lock(mutex_);
    return order_.size();
  }

  // Waits for factories that run, ends everything that was made, and returns the first failure. A
  // second call does nothing. kUsage within a factory.
  Status shutdown(RegistryShutdown how = RegistryShutdown::kDrain) {
    std::vector<Entry*> order;
    {
      std::unique_lock lock(mutex_);
      if (makes_any()) return shutdown_in_factory_error();
      shut_down_ = true;
      made_.wait(lock, [this] { return making_ == 0; });
      order.swap(order_);
    }
    Status first;
    for (auto entry = order.rbegin(); entry != order.rend(); ++entry) {
      Status status = end(*(*entry)->instance, how);
      if (first.ok()) first = std::move(status);
      (*entry)->instance.reset();
    }
    return first;
  }

 private:
  struct Entry {
    Factory factory;
    std::shared_ptr<Coordinator> instance;
    std::thread::id maker;  // the thread that runs the factory now
  };
  using Waiting = std::pair<std::thread::id, const Entry*>;

  // Runs the factory without the lock.
  Result<std::shared_ptr<Coordinator>> make(std::unique_lock<std::mutex>& lock,
                                            const std::string& name, Entry& entry) {
    entry.maker = std::this_thread::get_id();
    ++making_;
    lock.unlock();
    std::shared_ptr<Coordinator> instance;
    Status status;
    try {
      instance = entry.factory();
      if (instance == nullptr) status = factory_error(name, "returned nothing");
    } catch (const std::exception& error) {
      status = factory_error(name, error.what());
    } catch (...) {
      status = factory_error(name, "something that isn't a std::exception");
    }
    lock.lock();
    entry.maker = std::thread::id();
    --making_;
    made_.notify_all();
    if (!status.ok()) return status;
    entry.instance = instance;
    order_.push_back(&entry);
    return instance;
  }
  // Whether the entry's maker waits, over any number of others, for what this thread makes.
  bool waits_for_me(const Entry& entry) const {
    const Entry* next = &entry;
    for (std::size_t step = 0; step <= waiting_.size(); ++step) {
      if (next->maker == std::this_thread::get_id()) return true;
      const auto waiting = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& one) {
        return one.first == next->maker;
      });
      if (waiting == waiting_.end()) return false;
      next = waiting->second;
    }
    return false;
  }
  bool makes_any() const {
    return std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) {
      return entry.second.maker == std::this_thread::get_id();
    });
  }
  std::vector<std::string> names_locked() const {
    std::vector<std::string> names;
    for (const auto& [name, entry] : entries_) names.push_back(name);
    return names;
  }
  template <class Call>
  static Status answer(Call call) {
    if constexpr (std::same_as<decltype(call()), Status>) {
      return call();
    } else {
      call();
      return {};
    }
  }
  static Status end(Coordinator& coordinator, RegistryShutdown how) {
    if (how == RegistryShutdown::kCancel) return answer([&] { return coordinator.cancel(); });
    Status completed = answer([&] { return coordinator.complete(); });
    Status drained = answer([&] { return coordinator.drain(); });
    return completed.ok() ? std::move(drained) : std::move(completed);
  }

  mutable std::mutex mutex_;
  std::condition_variable made_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<Entry*> order_;  // those that have been made, the oldest first
  std::vector<Waiting> waiting_;
  int making_ = 0;
  bool shut_down_ = false;
};

}  // namespace mayfly
