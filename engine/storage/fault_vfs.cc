#include "mayfly/storage/fault_vfs.h"

#include <new>

namespace mayfly {

// Followed in memory by the real VFS's file.
struct FaultFile {
  sqlite3_file base;  // first: SQLite hands out its address
  FaultVfs* owner;
  std::string* path;

  static FaultFile* of(sqlite3_file* file) { return reinterpret_cast<FaultFile*>(file); }
  static sqlite3_file* real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(of(file) + 1);
  }
  static int check(sqlite3_file* file, FaultVfs::Operation operation) {
    return of(file)->owner->check(operation, *of(file)->path);
  }
};

namespace {

using Operation = FaultVfs::Operation;

sqlite3_file* real(sqlite3_file* file) { return FaultFile::real(file); }

constexpr sqlite3_io_methods kMethods = [] {
  sqlite3_io_methods m{};
  m.iVersion = 3;
  m.xClose = [](sqlite3_file* f) {
    const int code = real(f)->pMethods->xClose(real(f));
    delete FaultFile::of(f)->path;
    return code;
  };
  m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), to, n, at);
  };
  m.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
    const int code = FaultFile::check(f, Operation::kWrite);
    return code != SQLITE_OK ? code : real(f)->pMethods->xWrite(real(f), from, n, at);
  };
  m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
    const int code = FaultFile::check(f, Operation::kTruncate);
    return code != SQLITE_OK ? code : real(f)->pMethods->xTruncate(real(f), size);
  };
  m.xSync = [](sqlite3_file* f, int flags) {
    const int code = FaultFile::check(f, Operation::kSync);
    return code != SQLITE_OK ? code : real(f)->pMethods->xSync(real(f), flags);
  };
  m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    return real(f)->pMethods->xFileSize(real(f), size);
  };
  m.xLock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); };
  m.xUnlock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); };
  m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
  };
  m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
    return real(f)->pMethods->xFileControl(real(f), op, arg);
  };
  m.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
  m.xDeviceCharacteristics = [](sqlite3_file* f) {
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
  };
  m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
  };
  m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
  };
  m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
  m.xShmUnmap = [](sqlite3_file* f, int remove) {
    return real(f)->pMethods->xShmUnmap(real(f), remove);
  };
  m.xFetch = [](sqlite3_file* f, sqlite3_int64 at, int n, void** out) {
    return real(f)->pMethods->xFetch(real(f), at, n, out);
  };
  m.xUnfetch = [](sqlite3_file* f, sqlite3_int64 at, void* p) {
    return real(f)->pMethods->xUnfetch(real(f), at, p);
  };
  return m;
}();

}  // namespace

FaultVfs::FaultVfs(std::string name) : name_(std::move(name)) {
  real_ = sqlite3_vfs_find(nullptr);
  vfs_ = *real_;
  vfs_.zName = name_.c_str();
  vfs_.szOsFile = static_cast<int>(sizeof(FaultFile)) + real_->szOsFile;
  vfs_.pAppData = this;
  vfs_.xOpen = open;
  // The others take the VFS only to ask for pAppData, which unix's file functions need to be its
  // own.
  vfs_.xDelete = [](sqlite3_vfs* v, const char* path, int sync) {
    sqlite3_vfs* r = static_cast<FaultVfs*>(v->pAppData)->real_;
    return r->xDelete(r, path, sync);
  };
  vfs_.xAccess = [](sqlite3_vfs* v, const char* path, int flags, int* out) {
    sqlite3_vfs* r = static_cast<FaultVfs*>(v->pAppData)->real_;
    return r->xAccess(r, path, flags, out);
  };
  vfs_.xFullPathname = [](sqlite3_vfs* v, const char* path, int size, char* out) {
    sqlite3_vfs* r = static_cast<FaultVfs*>(v->pAppData)->real_;
    return r->xFullPathname(r, path, size, out);
  };
  sqlite3_vfs_register(&vfs_, 0);
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(&vfs_); }

void FaultVfs::fail_next(Operation operation, int skip, int code, std::string suffix,
                         bool lasting) {
  const std::lock_guard lock(mutex_);
  fail_locked(operation, skip, code, std::move(suffix), lasting);
}

void FaultVfs::fail_locked(Operation operation, int skip, int code, std::string suffix,
                           bool lasting) {
  operation_ = operation;
  skip_ = skip;
  code_ = code;
  suffix_ = std::move(suffix);
  lasting_ = lasting;
}

void FaultVfs::then_fail(Operation operation, int code, std::string suffix) {
  const std::lock_guard lock(mutex_);
  then_ = operation;
  then_code_ = code;
  then_suffix_ = std::move(suffix);
}

int FaultVfs::check(Operation operation, const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (path.size() < suffix_.size() ||
      path.compare(path.size() - suffix_.size(), suffix_.size(), suffix_) != 0) {
    return SQLITE_OK;
  }
  ++counts_[static_cast<int>(operation)];
  if (operation != operation_ || skip_-- > 0) return SQLITE_OK;
  const int code = code_;
  skip_ = 0;
  if (!lasting_) operation_ = Operation::kNone;
  if (then_ != Operation::kNone) {
    fail_locked(then_, 0, then_code_, then_suffix_, true);
    then_ = Operation::kNone;
  }
  return code;
}

int FaultVfs::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  auto* self = static_cast<FaultVfs*>(vfs->pAppData);
  file->pMethods = nullptr;
  const std::string name = path != nullptr ? path : "";
  if (const int code = self->check(Operation::kOpen, name); code != SQLITE_OK) return code;
  FaultFile* fault = FaultFile::of(file);
  const int code = self->real_->xOpen(self->real_, path, FaultFile::real(file), flags, out);
  if (code != SQLITE_OK) return code;
  fault->owner = self;
  fault->path = new std::string(name);
  fault->base.pMethods = &kMethods;
  return SQLITE_OK;
}

DefaultVfs::DefaultVfs(const FaultVfs& vfs) : before_(sqlite3_vfs_find(nullptr)) {
  sqlite3_vfs_register(sqlite3_vfs_find(vfs.name().c_str()), 1);
}

DefaultVfs::~DefaultVfs() { sqlite3_vfs_register(before_, 1); }

}  // namespace mayfly
