// Coordinators: one pass over a collection, a long-lived queue, callbacks and pins, order by key,
// results, priorities, a registry, and a limit that changes while they run.
#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;

namespace {

struct WorkItem {
  std::string data;
};
struct Order {
  std::string customer;
  int number = 0;
};
struct Request {
  std::string address;
};
struct Response {
  std::string body;
};

// One-shot parallel processing: all items, eight at a time, and what became of them.
void one_pass() {
  const std::vector<std::string> files{"a.csv", "b.csv", "broken.csv"};

  const mayfly::ForEachResult result =
      mayfly::for_each(files, {.max_concurrency = 8}, [](const std::string& file) {
        if (file == "broken.csv") throw std::runtime_error("can't be read");
      });

  shown(result.processed == 3 && result.failed == 1, "for_each tries all, and says what failed");
}

// A queue that stays, with a window on what it does.
void long_lived() {
  mayfly::WorkCoordinator<WorkItem> work({.max_concurrency = 8,
                                          .max_tracked_operations = 200,
                                          .max_operation_lifetime_ns = 300 * mayfly::kSecond},
                                         [](WorkItem& item, mayfly::Operation& operation) {
                                           operation.raise("item.seen:" + item.data);
                                         });

  shown(work.enqueue({"data"}).ok(), "an item is taken");
  const auto running = work.running();  // what runs now
  const auto failed = work.failed();    // what failed lately
  const auto pending = work.pending_count();

  work.complete();
  shown(work.drain().ok() && work.counts().succeeded == 1, "drain waits for all of it");
  shown(work.has_signal("item.seen:data"), "operations say what they do");
  shown(running.size() + failed.size() + pending <= 1, "it can be looked at meanwhile");
}

// Called back when operations end and when they leave the window, where pins keep them.
void with_callbacks_and_pins() {
  std::atomic<int> ended{0};
  std::atomic<int> left{0};
  mayfly::WorkOptions options{.max_concurrency = 1, .max_tracked_operations = 1};
  options.on_finalized = [&](const mayfly::OperationSnapshot&) { ++left; };
  mayfly::WorkCoordinator<int> work(options, [](int) {});

  const auto first = work.enqueue(1);
  const auto note = [&](const mayfly::OperationSnapshot& one) { ended += one.finished(); };
  shown(work.on_done(*first, note).ok(), "a callback waits for an operation");
  shown(work.wait(*first).ok() && work.pin(*first), "one that is pinned stays in the window");
  for (const int item : {2, 3}) shown(work.enqueue(item).ok(), "others come");
  shown(work.wait_until_idle().ok() && ended == 1, "the callback came, once");
  shown(work.find(*first).has_value() && left == 2,
        "others left the window, the pinned one didn't");
  shown(work.unpin(*first) && work.enqueue(4).ok(), "once it is unpinned");
  work.complete();
  shown(work.drain().ok() && !work.find(*first) && left == 3, "it leaves for the next one");
}

// Items of a customer in their order; customers at the same time.
void by_key() {
  std::mutex mutex;
  std::string order_of_a;
  mayfly::KeyedWorkCoordinator<Order, std::string> work(
      {.max_concurrency = 16, .max_concurrency_per_key = 1},
      [](const Order& order) { return order.customer; },
      [&](Order& order) {
        const std::lock_guard lock(mutex);
        if (order.customer == "A") order_of_a += std::to_string(order.number);
      });

  for (const Order& order : {Order{"A", 1}, Order{"A", 2}, Order{"B", 3}, Order{"A", 4}}) {
    shown(work.enqueue(order).ok(), "an order is taken");
  }
  work.complete();
  shown(work.drain().ok() && order_of_a == "124", "a customer's orders run in their order");
}

// Values by id: waiting, or by co_await.
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};
using Fetch = mayfly::ResultCoordinator<Request, Response>;

Task fetch_both(Fetch& fetch, std::string& bodies) {
  // In statements of their own: g++ 12 copies temporaries of a co_await expression byte by byte.
  const auto one = fetch.enqueue({"one"});
  const auto two = fetch.enqueue({"two"});
  const auto first = co_await fetch.result(*one);
  const auto second = co_await fetch.result(*two);
  bodies = first->result().body + " " + second->result().body;
  fetch.complete();
}

void with_results() {
  Fetch fetch({.max_concurrency = 4}, [](Request& request) -> mayfly::Result<Response> {
    if (request.address.empty()) {
      return mayfly::Status(mayfly::Code::kUsage, "expected an address");
    }
    return Response{"of " + request.address};
  });

  const auto id = fetch.enqueue({"https://api.example.com"});
  const auto answer = fetch.wait_for_result(*id);
  shown(
      answer.ok() && answer->has_result() && answer->result().body == "of https://api.example.com",
      "a result is waited for by its id");

  const auto failed = fetch.wait_for_result(*fetch.enqueue({""}));
  shown(!failed->has_result() && failed->error == "expected an address",
        "or says why there is none");

  std::string bodies;
  fetch_both(fetch, bodies);
  while (!fetch.completed()) std::this_thread::yield();
  shown(fetch.drain().ok() && bodies == "of one of two", "co_await gives it too");
}

// What is critical overtakes what isn't.
void with_priorities() {
  std::mutex mutex;
  std::string order;
  mayfly::PriorityWorkCoordinator<std::string> work(
      {.max_concurrency = 1}, {{.name = "critical", .max_depth = 100}, {.name = "normal"}},
      [&](const std::string& item) {
        const std::lock_guard lock(mutex);
        order += item;
      });
  work.pause();  // so that there is a backlog to overtake
  for (const char* item : {"a", "b", "c"}) shown(work.enqueue(item).ok(), "an item is taken");
  shown(work.enqueue("!", "critical").ok(), "a critical one too");
  work.complete();
  shown(work.drain().ok() && order == "!abc", "the critical item comes first");
}

// Configured by name in one place, made when they are first asked for.
void from_a_registry() {
  using Work = mayfly::WorkCoordinator<WorkItem>;
  const auto body = [](WorkItem&) {};
  mayfly::CoordinatorRegistry<Work> registry;
  shown(registry
            .add([&] {
              return std::make_unique<Work>(mayfly::WorkOptions{.max_concurrency = 8}, body);
            })
            .ok(),
        "one without a name");
  shown(registry
            .add("priority",
                 [&] {
                   return std::make_unique<Work>(mayfly::WorkOptions{.max_concurrency = 4}, body);
                 })
            .ok(),
        "and one with a name");

  const auto unnamed = registry.get();
  const auto priority = registry.get("priority");
  shown(unnamed.ok() && priority.ok() && *unnamed != *priority, "each name has its own");
  shown(*registry.get() == *unnamed, "the same name gives the same one");
  shown((*unnamed)->enqueue({"data"}).ok(), "it works");
  shown(!registry.get("unknown").ok(), "an unknown name is an error");
  shown(registry.shutdown().ok(), "shutdown drains them all");
}

// A limit that follows the load.
void with_a_changing_limit() {
  mayfly::WorkCoordinator<int> work({.max_concurrency = 8, .dynamic_concurrency = true},
                                    [](int) {});
  shown(work.set_max_concurrency(16).ok(), "scaled up when load increases");
  shown(work.set_max_concurrency(4).ok() && work.max_concurrency() == 4,
        "scaled down when throttled");
}

}  // namespace

int main() {
  one_pass();
  long_lived();
  with_callbacks_and_pins();
  by_key();
  with_results();
  with_priorities();
  from_a_registry();
  with_a_changing_limit();
}
