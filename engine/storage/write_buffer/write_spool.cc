#include "mayfly/storage/write_buffer/write_spool.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <unordered_set>
#include <utility>

#include "mayfly/storage/database_file.h"

namespace mayfly {
namespace {

// visit(begin, end, call) for each whole record, those behind damage too. Returns where the last
// ends.
template <class Visit>
std::size_t visit_records(std::string_view bytes, RecordKey key, Visit visit) {
  SpooledCall call;
  std::size_t end = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    if (const std::size_t length = read_record(bytes.substr(at), key, call)) {
      end = at + length;
      visit(at, end, call);
      at = end;
      continue;
    }
    const std::size_t next = find_record(bytes.substr(at), key);
    if (next == std::string_view::npos) break;
    at += next;
  }
  return end;
}

}  // namespace

std::string SpoolLoss::text() const {
  std::string text;
  if (calls != 0) {
    text = std::to_string(calls) + " missing, the first of them call " + std::to_string(first);
  }
  if (file) text += (text.empty() ? "" : ", and ") + std::string("no whole file at its path");
  if (bytes != 0) {
    text += (text.empty() ? "" : ", and ") + std::to_string(bytes) +
            " bytes that are no record, at " + where;
  }
  return text;
}

WriteSpool::WriteSpool(const std::string& path, SpoolSync sync)
    : path_(resolved_path(path)),
      old_path_(path_ + ".old"),
      new_path_(path_ + ".new"),
      made_path_(path_ + ".made"),
      sync_(sync) {}
WriteSpool::~WriteSpool() {
  if (is_made_) ::unlink(made_path_.c_str());
}

DbResult<std::unique_ptr<WriteSpool>> WriteSpool::open(const std::string& path, SpoolSync sync,
                                                       const SpoolId& fresh_id) {
  std::unique_ptr<WriteSpool> spool(new WriteSpool(path, sync));
  if (const auto locked = spool->lock_.acquire(path + ".lock"); !locked.ok()) {
    return locked.error();
  }
  if (const auto opened = spool->open_files(fresh_id); !opened.ok()) return opened.error();
  return spool;
}

DbResult<void> WriteSpool::open_files(const SpoolId& fresh_id) {
  auto file = SpoolFile::open(path_);
  if (!file.ok()) return file.error();
  auto old = SpoolFile::open(old_path_);
  if (!old.ok()) return old.error();
  has_superseded_ = *file != nullptr && (*file)->header().is_all && *old != nullptr;
  if (has_superseded_) *old = nullptr;
  has_old_ = *old != nullptr;
  if (*file == nullptr) {
    // This is the first, or a process ended between the two names of a rotation, and then there is
    // a new one. A part of a header nobody leaves but a loss of power.
    struct stat found {};
    const bool is_there = ::stat(path_.c_str(), &found) == 0;
    is_lost_ = is_there || (has_old_ && ::access(new_path_.c_str(), F_OK) != 0);
    is_blank_ = is_there && found.st_size == 0 && ::access(old_path_.c_str(), F_OK) != 0;
    is_made_ = is_lost_;
    is_fresh_ = !has_old_;
    const SpoolHeader header = {.id = has_old_ ? (*old)->header().id : fresh_id,
                                .base = has_old_ ? (*old)->header().base : 0};
    file = SpoolFile::create(is_lost_ ? made_path_ : new_path_, header);
    if (!file.ok()) return file.error();
    // Once, whatever the options want: an empty file by this name would be taken for a lost one.
    if (const auto synced = (*file)->sync(); !synced.ok()) return synced;
    if (!is_lost_ && ::rename(new_path_.c_str(), path_.c_str()) != 0) {
      return system_error(errno, "naming spool " + path_);
    }
    sync_folder_of(path_);
  } else {
    ::unlink(new_path_.c_str());  // never whole, or a copy of what is elsewhere
  }
  file_ = std::move(*file);
  id_ = file_->header().id;
  base_ = newest_base_ = file_->header().base;
  if (has_old_) {
    base_ = std::min(base_, (*old)->header().base);
    newest_base_ = std::max(newest_base_, (*old)->header().base);
    old_bytes_ = (*old)->size();
  }
  const auto all = file_->read_all();
  if (!all.ok()) return all.error();
  const std::size_t end =
      visit_records(*all, id_.key, [](std::size_t, std::size_t, const SpooledCall&) {});
  whole_ = SpoolFile::kHeaderBytes + end;
  return {};
}

DbResult<void> WriteSpool::settle() {
  if (is_made_) {
    if (::rename(made_path_.c_str(), path_.c_str()) != 0) {
      return system_error(errno, "naming spool " + path_);
    }
    sync_folder_of(path_);
  }
  is_lost_ = is_made_ = false;
  if (has_superseded_) ::unlink(old_path_.c_str());
  has_superseded_ = false;
  return torn_bytes() == 0 ? DbResult<void>() : file_->truncate(whole_);
}

DbResult<void> WriteSpool::renew(const SpoolId& fresh_id) {
  auto made = SpoolFile::create(new_path_, {.id = fresh_id});
  if (!made.ok()) return made.error();
  if (const auto synced = (*made)->sync(); !synced.ok()) return synced;
  if (::rename(new_path_.c_str(), path_.c_str()) != 0) {
    return system_error(errno, "naming spool " + path_);
  }
  sync_folder_of(path_);
  file_ = std::move(*made);
  id_ = fresh_id;
  base_ = newest_base_ = 0;
  return {};
}

DbResult<void> WriteSpool::visit_files(FileVisitor visitor) const {
  if (has_old_) {
    const auto old = SpoolFile::open(old_path_);
    if (!old.ok()) return old.error();
    if (*old != nullptr) {
      if (const auto visited = visitor(**old, old_path_); !visited.ok()) return visited;
    }
  }
  return visitor(*file_, path_);
}

DbResult<void> WriteSpool::visit(FunctionRef<void(const SpooledCall&)> visitor) const {
  return visit_files([&](const SpoolFile& file, const std::string&) -> DbResult<void> {
    const auto all = file.read_all();
    if (!all.ok()) return all.error();
    visit_records(*all, id_.key,
                  [&](std::size_t, std::size_t, const SpooledCall& call) { visitor(call); });
    return {};
  });
}

DbResult<SpoolLoss> WriteSpool::loss(const SpoolState& committed) const {
  SpoolLoss loss;
  loss.file = is_lost_;
  std::uint64_t known = committed.upto;  // up to this call nothing else can be missing
  const auto expect_all_before = [&](std::uint64_t number) {
    if (number <= known + 1) return;
    std::uint64_t missing = number - known - 1;
    for (const std::uint64_t call : committed.beyond) missing -= call > known && call < number;
    if (missing != 0 && loss.calls == 0) {
      for (loss.first = known + 1; committed.beyond.count(loss.first) != 0;) ++loss.first;
    }
    loss.calls += missing;
    known = number - 1;
  };
  // Of a call that is in by itself the record tells whose row it was, so that earlier calls for it
  // aren't made again: without it they would be.
  std::unordered_set<std::uint64_t> unfound = committed.beyond;
  std::uint64_t first_pending = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t all_upto = 0;  // a file that has all has no earlier calls of such rows either
  const auto visited = visit_files([&](const SpoolFile& file,
                                       const std::string& path) -> DbResult<void> {
    const auto all = file.read_all();
    if (!all.ok()) return all.error();
    const SpoolHeader& header = file.header();
    if (header.is_all) {
      all_upto = std::max(all_upto, header.base);
    } else {
      expect_all_before(header.base + 1);
    }
    known = std::max(known, header.base);
    std::size_t last_end = 0;
    visit_records(*all, id_.key, [&](std::size_t begin, std::size_t end, const SpooledCall& call) {
      // Of what is committed nothing is needed. A file that has all isn't in the order of numbers,
      // but its rows are in that of their first calls, so this holds there, too.
      if (begin != last_end && call.number - 1 > committed.upto) {
        if (loss.bytes == 0) {
          loss.where = "byte " + std::to_string(SpoolFile::kHeaderBytes + last_end) + " of " + path;
        }
        loss.bytes += begin - last_end;
      }
      last_end = end;
      expect_all_before(call.number);
      known = std::max(known, call.number);
      unfound.erase(call.number);
      if (call.number > committed.upto && committed.beyond.count(call.number) == 0) {
        first_pending = std::min(first_pending, call.number);
      }
    });
    return {};
  });
  if (!visited.ok()) return visited.error();
  for (const std::uint64_t call : committed.beyond) expect_all_before(call);
  for (const std::uint64_t call : unfound) {
    if (call <= all_upto || call <= first_pending) continue;
    loss.first = loss.calls == 0 ? call : std::min(loss.first, call);
    ++loss.calls;
  }
  return loss;
}

DbResult<void> WriteSpool::append(std::string_view record, std::uint64_t number) {
  if (broken_.load(std::memory_order_relaxed)) {
    return DbError{.kind = DbError::Kind::kIo,
                   .message = "writing to spool " + path_ +
                              ": expected a file that can be shortened after an error, found one "
                              "that can't; what is buffered is flushed, then stop"};
  }
  auto done = file_->append(record);
  if (file_->is_broken()) broken_.store(true, std::memory_order_relaxed);
  if (!done.ok()) return done;
  last_record_ = record.size();
  appended_.store(number + undone_.load(std::memory_order_relaxed),
                  std::memory_order_release);  // partner: sync()
  return {};
}

void WriteSpool::undo() {
  // Another thread may have synced the record, and be about to say so: its number is given again,
  // but its place isn't.
  undone_.fetch_add(1, std::memory_order_relaxed);
  if (!file_->truncate(file_->size() - last_record_).ok()) {
    broken_.store(true, std::memory_order_relaxed);
  }
}

DbResult<void> WriteSpool::sync(std::uint64_t number) {
  if (sync_ == SpoolSync::kNone) return {};
  // Who comes while the disk works waits here, and then finds that it is done: one call of the disk
  // for all of them.
  const std::lock_guard lock(sync_mutex_);
  // At least the place of this call: places only grow.
  if (synced_ >= number + undone_.load(std::memory_order_relaxed)) return {};
  const std::uint64_t upto = appended_.load(std::memory_order_acquire);  // partner: append()
  std::shared_ptr<SpoolFile> file, before;
  {
    const std::lock_guard files(files_mutex_);
    file = file_;
    before = before_;
  }
  if (before != nullptr) {
    if (const auto done = before->sync(); !done.ok()) return done;
  }
  if (const auto done = file->sync(); !done.ok()) return done;
  synced_ = upto;
  return {};
}

void WriteSpool::use(std::shared_ptr<SpoolFile> file) {
  const std::lock_guard files(files_mutex_);
  before_ = std::exchange(file_, std::move(file));
}

// The file that is appended to has the old one's name: as such the next process would find it,
// beside the new one that was prepared.
bool WriteSpool::is_named() {
  if (misnamed_ && ::rename(old_path_.c_str(), path_.c_str()) == 0) has_old_ = misnamed_ = false;
  return !misnamed_;
}

void WriteSpool::begin_rotation() { rotating_ = is_named() && !has_old_; }

void WriteSpool::prepare_rotation(std::uint64_t last_number) {
  if (has_old_) return;
  auto made = SpoolFile::create(new_path_, {.id = id_, .base = last_number});
  if (!made.ok()) return;
  if (sync_ == SpoolSync::kEachWrite && !(*made)->sync().ok()) return;
  // What is appended meanwhile goes to the old one, by whatever name. From here to where the new
  // one is in its place nothing may throw.
  if (::rename(path_.c_str(), old_path_.c_str()) != 0) return;
  has_old_ = true;
  if (::rename(new_path_.c_str(), path_.c_str()) != 0) {
    misnamed_ = true;
    is_named();
    return;
  }
  if (sync_ == SpoolSync::kEachWrite) sync_folder_of(path_);
  next_ = std::move(*made);
}

void WriteSpool::rotate() {
  rotating_ = false;
  if (next_ == nullptr) return;
  old_bytes_ = file_->size();
  use(std::exchange(next_, nullptr));
}

void WriteSpool::drop_old() {
  if (!has_old_ || misnamed_) return;
  if (::unlink(old_path_.c_str()) == 0 || errno == ENOENT) has_old_ = false;
  old_bytes_ = 0;
}

void WriteSpool::empty() {
  if (file_->size() <= SpoolFile::kHeaderBytes) return;
  if (!file_->truncate(SpoolFile::kHeaderBytes).ok()) {
    broken_.store(true, std::memory_order_relaxed);
  }
}

DbResult<void> WriteSpool::rewrite(std::uint64_t last_number,
                                   FunctionRef<bool(std::string&)> write) {
  if (rotating_ || misnamed_) return {};
  auto made = SpoolFile::create(new_path_, {.id = id_, .base = last_number, .is_all = true});
  if (!made.ok()) return made.error();
  std::string all;
  DbResult<void> done;
  if (!write(all)) done = DbError{.kind = DbError::Kind::kTooBig, .message = "a row is too long"};
  if (done.ok()) done = (*made)->append(all);
  if (done.ok() && sync_ == SpoolSync::kEachWrite) done = (*made)->sync();
  if (done.ok() && ::rename(new_path_.c_str(), path_.c_str()) != 0) {
    done = system_error(errno, "naming spool " + path_);
  }
  if (!done.ok()) {
    ::unlink(new_path_.c_str());
    return done;
  }
  if (sync_ == SpoolSync::kEachWrite) sync_folder_of(path_);
  use(std::move(*made));
  ::unlink(old_path_.c_str());
  old_bytes_ = 0;
  return {};
}

}  // namespace mayfly
