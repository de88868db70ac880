// WriterRegistry: one SqliteSingleWriter for each database of a process.
//
// A writer belongs to those who hold it; the registry only knows the way to it. A database whose
// last holder is letting go can't be opened again before it is closed: who asks for it meanwhile
// waits.
//
// THREADS  Any. Databases don't wait for each other.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/database_name.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {

class WriterRegistry {
 public:
  static WriterRegistry& of_process();

  DbResult<std::shared_ptr<SqliteSingleWriter>> get_or_create(std::string_view database,
                                                              const SingleWriterOptions& options);

 private:
  // One database's. The mutex is held while its writer is opened, or destroyed; meanwhile what
  // either raises may be heard by a listener, on the same thread.
  struct Place {
    std::mutex mutex;
    std::atomic<std::thread::id> holder;  // of the mutex; none: no thread
    std::weak_ptr<SqliteSingleWriter> writer;
  };

  class HeldPlace;

  Place& place_of(const std::string& key);
  static DbResult<std::shared_ptr<SqliteSingleWriter>> open(Place& place, DatabaseName name,
                                                            const SingleWriterOptions& options);
  static void destroy(Place& place, SqliteSingleWriter* writer);

  std::mutex mutex_;
  std::map<std::string, Place> places_;  // guarded by mutex_; a place stays
};

}  // namespace mayfly
