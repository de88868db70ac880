#include "mayfly/storage/single_writer/writer_registry.h"

#include <optional>
#include <system_error>
#include <utility>

#include "mayfly/storage/database_file.h"
#include "mayfly/storage/own_thread.h"
#include "mayfly/storage/single_writer/shared_database.h"
#include "mayfly/storage/single_writer/single_writer_impl.h"

namespace mayfly {
namespace {

DbError opened_within(const DatabaseName& name) {
  return {.message = "opening " + name.path +
                     ": expected a call while this thread isn't writing to that database, found "
                     "one from within a transaction, a callback or a listener, which would wait "
                     "for itself; open the writer before"};
}

}  // namespace

// Holds a place's mutex, with its holder's name on it.
class WriterRegistry::HeldPlace {
 public:
  // Not by the thread that has it.
  explicit HeldPlace(Place& place) : lock_(place.mutex), holder_(place.holder) {}

 private:
  const std::lock_guard<std::mutex> lock_;
  const ThreadMark::Here holder_;
};

WriterRegistry& WriterRegistry::of_process() {
  // Never destroyed: a writer may be let go after main().
  static auto& registry = *new WriterRegistry();
  return registry;
}

DbResult<std::shared_ptr<SqliteSingleWriter>> WriterRegistry::get_or_create(
    std::string_view database, const SingleWriterOptions& options) {
  auto name = DatabaseName::parse(database);
  if (!name.ok()) return name.error();
  if (const Status status = check_single_writer_options(options); !status.ok()) {
    return DbError{.kind = DbError::Kind::kParameter, .message = status.message()};
  }
  Place& place = place_of(name->key());
  // Declared before the place is held, which letting the last one go does, too.
  std::shared_ptr<SqliteSingleWriter> writer = place.find();
  if (writer != nullptr) return share(std::move(writer), *name);
  // Whoever holds the place may be waiting for its turn: one who has it doesn't wait for the place.
  if (shared_database_of(*name)->queue().is_within() || place.holder.is_here()) {
    return opened_within(*name);
  }
  const HeldPlace held(place);
  writer = place.find();
  if (writer != nullptr) return share(std::move(writer), *name);
  return open(place, std::move(*name), options);
}

DbResult<std::shared_ptr<SqliteSingleWriter>> WriterRegistry::share(
    std::shared_ptr<SqliteSingleWriter> writer, const DatabaseName& name) {
  const bool only_reads = name.mode == DatabaseName::Mode::kReadOnly;
  if (writer->impl_->is_read_only() == only_reads) return writer;
  return DbError{.kind = DbError::Kind::kParameter,
                 .message = name.path + ": expected the mode of who has it open (" +
                            (only_reads ? "writing" : "Mode=ReadOnly") + "), found " +
                            (only_reads ? "Mode=ReadOnly" : "one that writes") +
                            "; ask for the same, or let go of the other first"};
}

std::shared_ptr<SqliteSingleWriter> WriterRegistry::Place::find() {
  const std::lock_guard lock(writer_mutex);
  return writer.lock();
}

void WriterRegistry::Place::put(const std::shared_ptr<SqliteSingleWriter>& opened) {
  const std::lock_guard lock(writer_mutex);
  writer = opened;
}

WriterRegistry::Place& WriterRegistry::place_of(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return places_[key];
}

DbResult<std::shared_ptr<SqliteSingleWriter>> WriterRegistry::open(
    Place& place, DatabaseName name, const SingleWriterOptions& options) {
  using Mode = DatabaseName::Mode;
  if (name.mode != Mode::kMemory) {
    if (const Status status = check_database_file(name.path); !status.ok()) {
      return DbError{.kind = DbError::Kind::kCannotOpen, .message = status.message()};
    }
  }
  const std::string path = name.path;
  auto impl = std::make_unique<SqliteSingleWriter::Impl>(std::move(name), options);
  try {
    if (const SqliteError error = impl->open(); !error.ok()) {
      return to_db_error(error, "opening " + path);
    }
  } catch (const std::system_error& error) {
    return no_thread("opening " + path, error);
  }
  std::shared_ptr<SqliteSingleWriter> writer(
      new SqliteSingleWriter(std::move(impl)),
      [&place](SqliteSingleWriter* old) { destroy(place, old); });
  place.put(writer);
  return writer;
}

void WriterRegistry::destroy(Place& place, SqliteSingleWriter* writer) {
  const auto end = [&place, writer] {
    std::optional<HeldPlace> held;
    // By open(), when there is no memory to share it with.
    if (!place.holder.is_here()) held.emplace(place);
    delete writer;
  };
  // The last one let go in a callback of the writer's own: its thread can't wait for itself.
  // Without another nobody can: then it stays open, as one more user of the database.
  if (writer->impl_->is_within()) {
    (void)run_on_own_thread(end);
  } else {
    end();
  }
}

}  // namespace mayfly
