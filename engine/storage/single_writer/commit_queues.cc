#include "mayfly/storage/single_writer/commit_queues.h"

#include <map>
#include <mutex>
#include <string>

namespace mayfly {
namespace {

struct CommitQueues {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<CommitQueue>> queues;  // guarded by mutex
};

CommitQueues& of_process() {
  // Never destroyed: a writer may be let go after main().
  static auto& queues = *new CommitQueues();
  return queues;
}

}  // namespace

std::shared_ptr<CommitQueue> commit_queue_of(const DatabaseName& name) {
  const std::string key = name.key();
  CommitQueues& all = of_process();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.queues, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<CommitQueue>& place = all.queues[key];
  std::shared_ptr<CommitQueue> queue = place.lock();
  if (queue == nullptr) place = queue = std::make_shared<CommitQueue>();
  return queue;
}

}  // namespace mayfly
