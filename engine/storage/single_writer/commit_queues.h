// commit_queue_of: the queue in which all stand who write to a database in this process: the
// pipeline's writer and the SqliteSingleWriter, whoever came first.
//
// It lives as long as somebody holds it.
// THREADS  Any.
#pragma once

#include <memory>

#include "mayfly/storage/single_writer/commit_queue.h"
#include "mayfly/storage/single_writer/database_name.h"

namespace mayfly {

std::shared_ptr<CommitQueue> commit_queue_of(const DatabaseName& name);

}  // namespace mayfly
