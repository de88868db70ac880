// WriterRegistry: one SqliteSingleWriter for each database of a process.
//
// A writer belongs to those who hold it; the registry only knows the way to it. Who asks for a
// database whose writer is ending waits for that; who comes between the last holder's letting go
// and the end opens it anew, by the connection that is there (shared_database.h).
//
// THREADS  Any. Databases don't wait for each other.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/database_name.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "mayfly/storage/thread_mark.h"

namespace mayfly {

class WriterRegistry {
 public:
  static WriterRegistry& of_process();

  DbResult<std::shared_ptr<SqliteSingleWriter>> get_or_create(std::string_view database,
                                                              const SingleWriterOptions& options);

 private:
  // One database's. `mutex` is held while its writer is opened, or destroyed; meanwhile what either
  // raises may be heard by a listener, on the same thread. Who asks for one that is open doesn't
  // wait for that.
  struct Place {
    std::shared_ptr<SqliteSingleWriter> find();
    void put(const std::shared_ptr<SqliteSingleWriter>& opened);

    std::mutex mutex;
    ThreadMark holder;        // of `mutex`
    std::mutex writer_mutex;  // guards what follows, for a moment
    std::weak_ptr<SqliteSingleWriter> writer;
  };
  class HeldPlace;

  Place& place_of(const std::string& key);
  // If it is open in the mode that is asked for.
  static DbResult<std::shared_ptr<SqliteSingleWriter>> share(
      std::shared_ptr<SqliteSingleWriter> writer, const DatabaseName& name);
  static DbResult<std::shared_ptr<SqliteSingleWriter>> open(Place& place, DatabaseName name,
                                                            const SingleWriterOptions& options);
  static void destroy(Place& place, SqliteSingleWriter* writer);

  std::mutex mutex_;
  std::map<std::string, Place> places_;  // guarded by mutex_; a place stays
};

}  // namespace mayfly
