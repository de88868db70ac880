// SharedDatabase: what all who write to a database in a process have in common, whoever came first,
// the pipeline's writer or a SqliteSingleWriter: the queue in which they stand, and the connection
// by which they write.
//
// It lives as long as somebody holds it.
// THREADS  Any. What connection() gives: within a turn of the queue.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mayfly/storage/single_writer/commit_queue.h"
#include "mayfly/storage/single_writer/database_name.h"
#include "mayfly/storage/single_writer/shared_connection.h"

namespace mayfly {

class SharedDatabase {
 public:
  CommitQueue& queue() { return queue_; }
  // One for all who ask with the same vfs (empty: the default one) and mode, unless it became one
  // user's alone; a connection that only reads can't be lent to who writes. To be asked again by
  // who opens again: where there were two, there are until then.
  SharedConnection& connection(const std::string& vfs = {}, bool read_only = false);

 private:
  struct Place {
    Place(std::string name, bool only_reads);
    const std::string vfs;
    const bool read_only;
    SharedConnection connection;
  };
  CommitQueue queue_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Place>> places_;  // guarded by mutex_
};

std::shared_ptr<SharedDatabase> shared_database_of(const DatabaseName& name);

}  // namespace mayfly
