#include "mayfly/graph/driver.h"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "mayfly/base/thread_name.h"

namespace mayfly {
namespace {

namespace flow = oneapi::tbb::flow;

constexpr std::uint32_t kNodesMax = 4096;
constexpr std::uint32_t kWords = kNodesMax / 64;
// An idle driver looks at the clock this often, for clocks that don't run with the machine's.
constexpr std::int64_t kSleepMaxNs = kSecond;

struct WakeUp {};

struct Body {
  Activation* activation;
  flow::continue_msg operator()(WakeUp) const noexcept {
    activation->activate();
    return {};
  }
};
// What makes a lightweight body run inside try_put.
static_assert(noexcept(std::declval<const Body&>()(WakeUp{})));

using WakeUpNode = flow::function_node<WakeUp, flow::continue_msg, flow::queueing_lightweight>;

}  // namespace

// One slot, reserved for the driver: bodies never depend on a worker being free.
struct Driver::FlowGraph {
  oneapi::tbb::task_arena arena{1, 1};
  std::optional<flow::graph> graph;
  std::vector<std::unique_ptr<WakeUpNode>> nodes;

  FlowGraph() {
    arena.execute([this] { graph.emplace(); });
  }
  ~FlowGraph() {
    arena.execute([this] {
      graph->wait_for_all();
      nodes.clear();
      graph.reset();
    });
  }
};

Driver::Driver(const Clock& clock)
    : clock_(clock),
      flow_(std::make_unique<FlowGraph>()),
      scheduled_(std::make_unique<std::atomic<std::uint64_t>[]>(kWords)) {}

Driver::~Driver() { stop(); }

Driver::NodeIndex Driver::add(Activation& activation) {
  activations_.push_back(&activation);
  flow_->arena.execute([&] {
    flow_->nodes.push_back(
        std::make_unique<WakeUpNode>(*flow_->graph, flow::serial, Body{&activation}));
  });
  return static_cast<NodeIndex>(activations_.size() - 1);
}

void Driver::schedule(NodeIndex node) {
  if (activations_[node]->pending_.exchange(true, std::memory_order_acq_rel)) return;
  scheduled_[node / 64].fetch_or(1ull << (node % 64));  // seq_cst: see `sleeping`
  wake_thread();
}

void Driver::run_inside(NodeIndex node) {
  if (activations_[node]->pending_.exchange(true, std::memory_order_acq_rel)) return;
  flow_->nodes[node]->try_put(WakeUp{});
}

void Driver::nudge() {
  nudged_.store(true);
  wake_thread();
}

void Driver::wake_thread() {
  if (sleeping_.exchange(false)) wake_.release();
}

bool Driver::run_pending() {
  const std::int64_t now_ns = clock_.now_ns();
  for (NodeIndex n = 0; n < activations_.size(); ++n) {
    if (activations_[n]->next_due_ns() <= now_ns) schedule(n);
  }
  bool worked = false;
  const std::uint32_t words = (static_cast<std::uint32_t>(activations_.size()) + 63) / 64;
  for (std::uint32_t word = 0; word < words; ++word) {
    std::uint64_t bits = scheduled_[word].exchange(0);
    if (bits == 0) continue;
    worked = true;
    flow_->arena.execute([&] {
      for (; bits != 0; bits &= bits - 1) {
        flow_->nodes[word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits))]->try_put(
            WakeUp{});
      }
      flow_->graph->wait_for_all();
    });
  }
  if (idle_work_ && (worked || nudged_.exchange(false) || now_ns >= idle_due_ns_)) {
    idle_due_ns_ = idle_work_(now_ns);
  }
  return worked;
}

std::int64_t Driver::next_due_ns() const {
  std::int64_t due = idle_due_ns_;
  for (const Activation* activation : activations_) {
    due = std::min(due, activation->next_due_ns());
  }
  return due;
}

void Driver::start() {
  if (idle_work_) idle_due_ns_ = 0;
  thread_ = std::thread([this] { loop(); });
}

void Driver::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true);
  wake_thread();
  wake_.release();
  thread_.join();
}

void Driver::loop() {
  name_this_thread("mayfly-driver");
  while (!stopping_.load()) {
    if (run_pending()) continue;
    sleeping_.store(true);
    bool pending = nudged_.load() || stopping_.load();
    const std::uint32_t words = (static_cast<std::uint32_t>(activations_.size()) + 63) / 64;
    for (std::uint32_t word = 0; word < words; ++word) pending |= scheduled_[word].load() != 0;
    const std::int64_t now_ns = clock_.now_ns();
    const std::int64_t due_ns = next_due_ns();
    if (!pending && due_ns > now_ns) wake_.acquire_for(std::min(due_ns - now_ns, kSleepMaxNs));
    // Whoever took `sleeping` before us has posted or will post: a permit too many wakes us once
    // for nothing, which is harmless.
    sleeping_.store(false);
  }
}

}  // namespace mayfly
