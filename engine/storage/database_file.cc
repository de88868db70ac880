#include "mayfly/storage/database_file.h"

#include <filesystem>
#include <system_error>

namespace mayfly {

Status check_database_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto refuse = [&path](Code code, const char* found) {
    return Status(
        code, path + ": expected a file for the database, found " + found + "; name another path");
  };
  switch (fs::status(path, error).type()) {
    case fs::file_type::directory:
      return refuse(Code::kCannotCreate, "a folder");
    case fs::file_type::fifo:
      return refuse(Code::kIo, "a pipe");
    case fs::file_type::socket:
      return refuse(Code::kIo, "a socket");
    case fs::file_type::block:
    case fs::file_type::character:
      return refuse(Code::kIo, "a device");
    default:
      return {};  // what can't be looked at is told by who opens it
  }
}

std::string absolute_path(const std::string& path) {
  if (path.empty()) return path;
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

std::string resolved_path(const std::string& path) {
  constexpr int kLinksMax = 40;  // as the kernel has it
  namespace fs = std::filesystem;
  std::error_code error;
  // SQLite makes the file that a link leads to.
  fs::path target = absolute_path(path);
  for (int links = 0; links < kLinksMax && fs::is_symlink(target, error); ++links) {
    const fs::path next = fs::read_symlink(target, error);
    if (error) break;
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  const fs::path real = fs::weakly_canonical(target, error);
  return error || path.empty() ? absolute_path(path) : real.string();
}

}  // namespace mayfly
