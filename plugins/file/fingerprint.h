// Fingerprint: what identifies a file as it was read up to a byte, as text for the offsets table.
//
// dev=2049,ino=131,size=1048576,hash=9c1f...: device, inode and size of the file, and a hash of the
// 4 KiB before the byte; of a compressed file, of its first 4 KiB, since bytes before an
// uncompressed offset can't be found again without reading it all. Any thread: reads with pread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mayfly/data/readers/byte_source.h"

namespace mayfly::file {

// Empty when the file can't be examined.
std::string fingerprint_at(int fd, Encoding encoding, std::uint64_t byte);

// A hash of the file's first bytes.
std::uint64_t hash_beginning(int fd, std::uint64_t bytes);

// What differs between two, for people: "its size was 10 and is 12". Empty: nothing does.
std::string describe_difference(std::string_view was, std::string_view is);

}  // namespace mayfly::file
