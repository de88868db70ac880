// What stands at a database's path, looked at before it is opened or anything is made beside it.
#pragma once

#include <string>

#include "mayfly/base/status.h"

namespace mayfly {

// A regular file, or nothing yet: OK. A folder: Code::kCannotCreate. A device, a pipe or a socket:
// Code::kIo; reading a pipe would wait for ever. Links are followed.
Status check_database_file(const std::string& path);

// The same path, wherever the process goes: of the folder in which it is now. As it is where that
// can't be told, and where it is empty.
std::string absolute_path(const std::string& path);
// The same, behind every symbolic link: of the file that is there, or that would be made. A link that
// leads elsewhere later leads nobody astray who has this.
std::string resolved_path(const std::string& path);

}  // namespace mayfly
