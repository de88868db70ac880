#include "mayfly/work/coordinator_registry.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/work/work_coordinator.h"

namespace mayfly {
namespace {

// Notes down what happens to it.
class Fake {
 public:
  explicit Fake(std::string name, std::vector<std::string>* log = nullptr)
      : name_(std::move(name)), log_(log) {}

  const std::string& name() const { return name_; }
  Status complete() { return note("complete"); }
  Status drain() {
    (void)note("drain");
    return name_ == "stuck" ? Status(Code::kInternal, "its source failed") : Status();
  }
  void cancel() { (void)note("cancel"); }

 private:
  Status note(std::string_view what) {
    if (log_ != nullptr) log_->push_back(name_ + " " + std::string(what));
    return {};
  }

  const std::string name_;
  std::vector<std::string>* const log_;
};

using Registry = CoordinatorRegistry<Fake>;

Registry::Factory factory_of(std::string name, std::vector<std::string>* log = nullptr) {
  return [name, log] { return std::make_unique<Fake>(name, log); };
}

TEST_CASE("P19: unnamed and named coordinators are had by name, each the same for all") {  // C074
  Registry registry;
  CHECK(registry.add(factory_of("default")).ok());
  CHECK(registry.add("priority", factory_of("priority")).ok());
  CHECK(registry.add("bulk", factory_of("bulk")).ok());
  CHECK(registry.made() == 0);
  const auto unnamed = registry.get();
  REQUIRE(unnamed.ok());
  CHECK((*unnamed)->name() == "default");
  CHECK(*registry.get("") == *unnamed);
  CHECK(*registry.get("priority") == *registry.get("priority"));
  CHECK(*registry.get("priority") != *registry.get("bulk"));
  CHECK(registry.made() == 3);
  CHECK(registry.names() == std::vector<std::string>{"", "bulk", "priority"});
}

TEST_CASE("C074: an unknown name is an error that says what there is, until it is added") {
  Registry registry;
  CHECK(registry.get().status().message() ==
        "get: the default coordinator isn't registered; registered: none. Call add(factory) first");
  CHECK(registry.add(factory_of("default")).ok());
  CHECK(registry.add("bulk", factory_of("bulk")).ok());
  const auto unknown = registry.get("priority");
  CHECK(unknown.status().code() == Code::kUsage);
  CHECK(unknown.status().message() ==
        "get: the coordinator 'priority' isn't registered; registered: '' (default), 'bulk'. Call "
        "add(\"priority\", factory) first");
  CHECK(registry.add("priority", factory_of("priority")).ok());
  CHECK(registry.get("priority").ok());
}

TEST_CASE("CoordinatorRegistry: blank names, second factories and empty ones are refused") {
  Registry registry;
  CHECK(registry.add(" \t", factory_of("x")).message() ==
        "add: expected a name, or \"\" for the default, found ' \t'");
  CHECK(registry.add("a", nullptr).message() ==
        "add: expected a factory for the coordinator 'a', found an empty function");
  CHECK(registry.add("a", factory_of("first")).ok());
  CHECK(registry.add("a", factory_of("second")).message() ==
        "add: the coordinator 'a' was added before; expected another name");
  CHECK((*registry.get("a"))->name() == "first");
}

TEST_CASE(
    "CoordinatorRegistry: a factory that fails fails the call, and the next call tries again") {
  Registry registry;
  int calls = 0;
  CHECK(registry
            .add([&]() -> std::unique_ptr<Fake> {
              if (++calls == 1) throw std::runtime_error("no route to host");
              if (calls == 2) throw 2;
              if (calls == 3) return nullptr;
              return std::make_unique<Fake>("fourth");
            })
            .ok());
  const auto first = registry.get();
  CHECK(first.status().code() == Code::kInternal);
  CHECK(first.status().message() ==
        "the default coordinator wasn't made: its factory: no route to host");
  CHECK_FALSE(registry.get().ok());
  CHECK_FALSE(registry.get().ok());
  CHECK(registry.made() == 0);
  CHECK((*registry.get())->name() == "fourth");
  CHECK(calls == 4);
}

// All threads are let go while the first one is still in the factory, so that they meet the name
// being made; the factory goes on once they have all been let go.
TEST_CASE("CoordinatorRegistry: who asks for a name that is being made gets the same instance") {
  Registry registry;
  std::latch in_factory(1);
  std::latch asking(3);
  std::atomic<int> calls{0};
  CHECK(registry
            .add([&] {
              ++calls;
              in_factory.count_down();
              asking.wait();
              return std::make_unique<Fake>("one");
            })
            .ok());
  std::vector<std::shared_ptr<Fake>> had(4);
  std::vector<std::jthread> threads;
  threads.emplace_back([&] { had[0] = *registry.get(); });
  in_factory.wait();
  for (int i = 1; i < 4; ++i) {
    threads.emplace_back([&, i] {
      asking.count_down();
      had[i] = *registry.get();
    });
  }
  threads.clear();
  CHECK(calls == 1);
  for (const auto& one : had) CHECK(one == had[0]);
}

// The factory of one name waits until another name has been had by another thread.
TEST_CASE("CoordinatorRegistry: a name that is being made doesn't hold up others") {
  Registry registry;
  std::latch in_factory(1);
  std::latch other_had(1);
  CHECK(registry
            .add("slow",
                 [&] {
                   in_factory.count_down();
                   other_had.wait();
                   return std::make_unique<Fake>("slow");
                 })
            .ok());
  CHECK(registry.add("other", factory_of("other")).ok());
  std::jthread slow([&] { CHECK(registry.get("slow").ok()); });
  in_factory.wait();
  CHECK(registry.get("other").ok());
  other_had.count_down();
}

TEST_CASE("CoordinatorRegistry: a factory may ask for others, but not for itself") {
  Registry registry;
  CHECK(registry.add("base", factory_of("base")).ok());
  CHECK(registry
            .add("top",
                 [&] {
                   CHECK(registry.get("base").ok());
                   const auto itself = registry.get("top");
                   CHECK(itself.status().code() == Code::kUsage);
                   CHECK(itself.status().message() ==
                         "get: the coordinator 'top' is being made and waits for the factory that "
                         "asks for it now");
                   CHECK(registry.shutdown().code() == Code::kUsage);
                   return std::make_unique<Fake>("top");
                 })
            .ok());
  CHECK(registry.get("top").ok());
  CHECK(registry.made() == 2);
}

// Both factories are entered before either asks for the other: whoever comes second would close the
// circle and is told so; it then goes without, and the other one gets it.
TEST_CASE(
    "CoordinatorRegistry: a circle of factories through two threads is an error, not a hang") {
  Registry registry;
  std::latch both(2);
  std::atomic<int> refused{0};
  const auto needs = [&](std::string name, std::string other) {
    return [&, name, other] {
      both.arrive_and_wait();
      if (!registry.get(other).ok()) ++refused;
      return std::make_unique<Fake>(name);
    };
  };
  CHECK(registry.add("a", needs("a", "b")).ok());
  CHECK(registry.add("b", needs("b", "a")).ok());
  {
    std::jthread a([&] { CHECK(registry.get("a").ok()); });
    std::jthread b([&] { CHECK(registry.get("b").ok()); });
  }
  CHECK(refused == 1);
}

TEST_CASE("CoordinatorRegistry: shutdown completes and drains, the newest first") {
  std::vector<std::string> log;
  Registry registry;
  for (const char* name : {"a", "b", "never"})
    CHECK(registry.add(name, factory_of(name, &log)).ok());
  CHECK(registry.get("b").ok());
  CHECK(registry.get("a").ok());
  CHECK(registry.shutdown().ok());
  CHECK(log == std::vector<std::string>{"a complete", "a drain", "b complete", "b drain"});
  CHECK(registry.shutdown().ok());
  CHECK(log.size() == 4);
  CHECK(registry.get("a").status().message() ==
        "get: expected the coordinator 'a' before shutdown(), found it after");
  CHECK(registry.add("c", factory_of("c")).code() == Code::kUsage);
}

TEST_CASE(
    "CoordinatorRegistry: shutdown tells the first failure, and ends the others all the same") {
  std::vector<std::string> log;
  Registry registry;
  CHECK(registry.add("a", factory_of("a", &log)).ok());
  CHECK(registry.add("stuck", factory_of("stuck", &log)).ok());
  CHECK(registry.get("a").ok());
  CHECK(registry.get("stuck").ok());
  CHECK(registry.shutdown().message() == "its source failed");
  CHECK(log.back() == "a drain");
}

TEST_CASE("CoordinatorRegistry: its destruction cancels, and who holds a coordinator keeps it") {
  std::vector<std::string> log;
  std::shared_ptr<Fake> held;
  {
    Registry registry;
    CHECK(registry.add(factory_of("a", &log)).ok());
    held = *registry.get();
  }
  CHECK(log == std::vector<std::string>{"a cancel"});
  CHECK(held->name() == "a");
}

// The shutdown begins while a factory runs: it has to wait for it, and to end what it makes.
TEST_CASE("CoordinatorRegistry: shutdown ends what is being made when it begins") {
  std::vector<std::string> log;
  Registry registry;
  std::latch in_factory(1);
  std::latch shutting_down(1);
  CHECK(registry
            .add([&] {
              in_factory.count_down();
              shutting_down.wait();
              return std::make_unique<Fake>("late", &log);
            })
            .ok());
  std::jthread maker([&] { CHECK(registry.get().ok()); });
  in_factory.wait();
  std::jthread shutter([&] {
    shutting_down.count_down();
    CHECK(registry.shutdown().ok());
  });
  maker.join();
  shutter.join();
  CHECK(log == std::vector<std::string>{"late complete", "late drain"});
}

TEST_CASE("CoordinatorRegistry: coordinators that work are drained when it shuts down") {
  using Sums = WorkCoordinator<int>;
  std::atomic<int> sum{0};
  CoordinatorRegistry<Sums> registry;
  const auto adds = [&] {
    return std::make_unique<Sums>(WorkOptions{.max_concurrency = 2}, [&](int n) { sum += n; });
  };
  CHECK(registry.add(adds).ok());
  CHECK(registry.add("other", adds).ok());
  for (int n = 1; n <= 10; ++n) {
    CHECK((*registry.get())->enqueue(n).ok());
    CHECK((*registry.get("other"))->enqueue(n).ok());
  }
  CHECK(registry.shutdown().ok());
  CHECK(sum == 110);
}

}  // namespace
}  // namespace mayfly
