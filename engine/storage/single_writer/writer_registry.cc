#include "mayfly/storage/single_writer/writer_registry.h"

#include <optional>
#include <stdexcept>
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

// A place's lock, with its holder's name on it.
class WriterRegistry::HeldPlace {
 public:
  // Empty if it would have waited for this thread itself; or, if it may not wait, for any other.
  static std::optional<HeldPlace> take(Place& place, bool may_wait) {
    if (place.holder.load(std::memory_order_relaxed) == std::this_thread::get_id()) return {};
    std::unique_lock lock(place.mutex, std::defer_lock);
    if (may_wait) {
      lock.lock();
    } else if (!lock.try_lock()) {
      return {};
    }
    return HeldPlace(place, std::move(lock));
  }

  HeldPlace(HeldPlace&&) noexcept = default;
  HeldPlace& operator=(HeldPlace&&) = delete;
  HeldPlace(const HeldPlace&) = delete;
  HeldPlace& operator=(const HeldPlace&) = delete;
  ~HeldPlace() {
    if (lock_.owns_lock()) place_->holder.store({}, std::memory_order_relaxed);
  }

 private:
  HeldPlace(Place& place, std::unique_lock<std::mutex> lock)
      : place_(&place), lock_(std::move(lock)) {
    // Only this thread compares it with its own: no order is needed.
    place.holder.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }

  Place* place_;
  std::unique_lock<std::mutex> lock_;
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
  // Whoever holds the lock may be waiting for its turn: one who has it doesn't wait for the lock.
  const bool is_within = shared_database_of(*name)->queue().is_within();
  // Before the lock, which letting the last one go takes: gone behind it.
  std::shared_ptr<SqliteSingleWriter> writer;
  const auto held = HeldPlace::take(place, !is_within);
  if (!held) return opened_within(*name);
  writer = place.writer.lock();
  if (writer != nullptr) {
    const bool only_reads = name->mode == DatabaseName::Mode::kReadOnly;
    if (writer->impl_->is_read_only() == only_reads) return writer;
    return DbError{.kind = DbError::Kind::kParameter,
                   .message = name->path + ": expected the mode of who has it open (" +
                              (only_reads ? "writing" : "Mode=ReadOnly") + "), found " +
                              (only_reads ? "Mode=ReadOnly" : "one that writes") +
                              "; ask for the same, or let go of the other first"};
  }
  if (is_within) return opened_within(*name);
  return open(place, std::move(*name), options);
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
  if (const SqliteError error = impl->open(); !error.ok()) {
    return to_db_error(error, "opening " + path);
  }
  std::shared_ptr<SqliteSingleWriter> writer(
      new SqliteSingleWriter(std::move(impl)),
      [&place](SqliteSingleWriter* old) { destroy(place, old); });
  place.writer = writer;
  return writer;
}

void WriterRegistry::destroy(Place& place, SqliteSingleWriter* writer) {
  const auto end = [&place, writer] {
    const auto held = HeldPlace::take(place, true);
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
