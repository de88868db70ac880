// WriteSpool: the file in which a write buffer keeps what it accepted until that is committed, so
// that a crash loses nothing.
//
// FILES      "<path>" takes what is accepted. When a flush begins it becomes "<path>.old", which
//            goes once all of it is committed, and a new one begins; never are there more.
//            "<path>.new" is one that isn't whole yet ("<path>.made", where one was lost);
//            "<path>.lock" is held as long as the spool is open.
// HEADER     48 bytes, twice: the magic with the format, an id that the database knows too, the
//            number of the newest call before this file, the records' key, which the database
//            doesn't know, a flag (what "<path>.old" has, this one has too), a checksum. Then
//            records (spool_record.h). One copy is enough. A file of another format is refused.
// TORN       Behind the last whole record of "<path>" may be a part of one, which was never
//            acknowledged, since its process ended meanwhile: settle() takes it off.
// LOSS       A call's number is one more than that of the call before it, so what a damaged file
//            or one that was taken away had in it is missed: loss(). Whole records behind damage
//            are found again, and nothing that a caller put into one passes for a record. What
//            isn't missed: the last records, when they are damaged as a torn one would be, and all
//            files together. A file of which both headers are damaged counts as one that isn't
//            there: no record in it can be told from other bytes.
// ERRORS     A record that can't be written isn't there: what was written of it is cut off. When
//            that isn't possible either, nothing more is taken.
// THREADS    append, undo, begin_rotation, rotate, empty, rewrite and bytes under the buffer's
//            lock; the rotation's steps and drop_old by one flush at a time; sync any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "mayfly/base/function_ref.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/write_buffer/spool_file.h"
#include "mayfly/storage/write_buffer/spool_progress.h"
#include "mayfly/storage/write_buffer/spool_record.h"
#include "mayfly/storage/write_buffer/write_buffer_options.h"

namespace mayfly {

// What is missing of a spool.
struct SpoolLoss {
  std::uint64_t calls = 0;
  std::uint64_t first = 0;  // of them; 0: none is known by its number
  std::size_t bytes = 0;    // that are no record, before whole ones
  bool file = false;        // "<path>" isn't there, or isn't whole
  std::string where;        // the first of these bytes are: "byte 123 of /x.spool"

  bool is_any() const { return calls != 0 || bytes != 0 || file; }
  std::string text() const;  // for people
};

class WriteSpool {
 public:
  // Changes no file with records, until settle(), but "<path>.new", where it is what a process that
  // ended left of a rewrite: a copy of what is in the others. kBusy: another buffer has it.
  // kCorrupt: the file is something else, and stays as it is.
  // fresh_id: for a spool that is made.
  static DbResult<std::unique_ptr<WriteSpool>> open(const std::string& path, SpoolSync sync,
                                                    const SpoolId& fresh_id);
  ~WriteSpool();

  const SpoolId& id() const { return id_; }
  // Before the first call of the files.
  std::uint64_t base() const { return base_; }
  // At least so many calls there were.
  std::uint64_t newest_base() const { return newest_base_; }
  // Bytes behind the last whole record.
  std::size_t torn_bytes() const { return file_->size() - whole_; }
  // Away with what a crash left: torn bytes, and an old file that the newer one has all of.
  DbResult<void> settle();
  std::size_t bytes() const { return file_->size() + old_bytes_.load(std::memory_order_relaxed); }

  // Each call in the files, as they were made. Before the first append.
  DbResult<void> visit(FunctionRef<void(const SpooledCall&)> visitor) const;
  // Of the calls that aren't committed, and of those by which it is known which others are. Before
  // the first append.
  DbResult<SpoolLoss> loss(const SpoolState& committed) const;
  // "<path>" isn't there, or isn't whole, and was.
  bool is_lost() const { return is_lost_; }
  // It is there with no byte in it, and is the only one: perhaps somebody made it beforehand.
  bool is_blank() const { return is_blank_; }
  // And so it is.
  void take_blank() { is_lost_ = false; }
  // Nothing is in any file, and it isn't by this open() that there are some.
  bool is_emptied() const { return !is_fresh_ && !is_lost_ && bytes() == SpoolFile::kHeaderBytes; }
  // An emptied one becomes another spool. Before the first append.
  DbResult<void> renew(const SpoolId& fresh_id);

  // The kernel has the record when this returns.
  DbResult<void> append(std::string_view record, std::uint64_t number);
  // The last one is not there.
  void undo();
  // All up to this call are on disk, where the options want that.
  DbResult<void> sync(std::uint64_t number);

  // In three steps, of which the middle one needs no lock, since it works with files. Nothing
  // happens while there is an old file, or when no new one can be made or named.
  void begin_rotation();
  void prepare_rotation(std::uint64_t last_number);
  // What is appended from now on goes to the file that was prepared.
  void rotate();
  // All that is in the old file is committed.
  void drop_old();
  // All that is in any file is.
  void empty();
  // All records in all files by what `write` appends; false: nothing is done. On an error
  // everything stays, and so it does within a rotation, or after one that couldn't take back a
  // name.
  DbResult<void> rewrite(std::uint64_t last_number, FunctionRef<bool(std::string&)> write);

 private:
  WriteSpool(const std::string& path, SpoolSync sync);
  DbResult<void> open_files(const SpoolId& fresh_id);
  // Each file with its name, the older one first.
  using FileVisitor = FunctionRef<DbResult<void>(const SpoolFile&, const std::string& path)>;
  DbResult<void> visit_files(FileVisitor visitor) const;
  void use(std::shared_ptr<SpoolFile> file);
  // Whether file_ has its own name; it is given it where it can be. By the flushing thread.
  bool is_named();

  const std::string path_;
  const std::string old_path_;
  const std::string new_path_;
  // In the place of a lost one, until settle(): by that name it would be taken for a rotation's.
  const std::string made_path_;
  const SpoolSync sync_;
  SpoolId id_;
  SpoolLock lock_;
  std::uint64_t base_ = 0;
  std::uint64_t newest_base_ = 0;
  bool is_lost_ = false;         // "<path>" was
  bool is_blank_ = false;        // "<path>" was
  bool is_made_ = false;         // file_ is at made_path_
  bool is_fresh_ = false;        // nothing was there, or nothing that is whole
  bool has_superseded_ = false;  // an old file, which the other has all of
  std::size_t whole_ = 0;        // bytes of file_ up to the end of its last whole record, at first
  std::size_t last_record_ = 0;  // its bytes
  std::atomic<std::size_t> old_bytes_{0};
  bool has_old_ = false;               // of the flushing thread
  bool rotating_ = false;              // the names are being changed
  std::atomic<bool> misnamed_{false};  // file_ is at old_path_: a rotation couldn't be undone
  std::atomic<bool> broken_{false};
  std::shared_ptr<SpoolFile> next_;  // made, but not used yet

  std::mutex
      files_mutex_;  // guards the pointers, for sync(); the buffer's lock is held to set them
  std::shared_ptr<SpoolFile> file_;
  std::shared_ptr<SpoolFile> before_;       // what was appended to before file_
  std::atomic<std::uint64_t> undone_{0};    // records
  std::atomic<std::uint64_t> appended_{0};  // the newest's place: its number and undone_ before it
  std::mutex sync_mutex_;                   // guards what follows; held while the disk works
  std::uint64_t synced_ = 0;                // up to this place
};

}  // namespace mayfly
