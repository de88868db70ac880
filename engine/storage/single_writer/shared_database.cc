#include "mayfly/storage/single_writer/shared_database.h"

#include <map>
#include <utility>

namespace mayfly {
namespace {

struct SharedDatabases {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<SharedDatabase>> databases;  // guarded by mutex
};

SharedDatabases& of_process() {
  // Never destroyed: a writer may be let go after main().
  static auto& databases = *new SharedDatabases();
  return databases;
}

}  // namespace

SharedDatabase::Place::Place(std::string name, bool only_reads)
    : vfs(std::move(name)),
      read_only(only_reads),
      connection({.read_only = read_only, .vfs = vfs.empty() ? nullptr : vfs.c_str()}) {}

SharedConnection& SharedDatabase::connection(const std::string& vfs, bool read_only) {
  const std::lock_guard lock(mutex_);
  for (const auto& place : places_) {
    if (place->vfs == vfs && place->read_only == read_only && !place->connection.is_personal()) {
      return place->connection;
    }
  }
  places_.push_back(std::make_unique<Place>(vfs, read_only));
  return places_.back()->connection;
}

std::shared_ptr<SharedDatabase> shared_database_of(const DatabaseName& name) {
  const std::string key = name.key();
  SharedDatabases& all = of_process();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.databases, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<SharedDatabase>& place = all.databases[key];
  std::shared_ptr<SharedDatabase> database = place.lock();
  if (database == nullptr) place = database = std::make_shared<SharedDatabase>();
  return database;
}

}  // namespace mayfly
