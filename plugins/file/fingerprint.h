// Fingerprint: what identifies a file as it was read up to a byte, as text for the offsets table.
//
// dev=2049,ino=131,size=1048576,hash=9c1f...: device, inode and size of the file, and a hash of the
// 4 KiB before the byte; of a file that isn't read verbatim (compressed, or in another encoding),
// of its first 4 KiB, since bytes before an offset of what it becomes can't be found again without
// reading it all. Behind it stand a row's shape and how the file began when it was read. Any thread:
// reads with pread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mayfly::file {

// Empty when the file can't be examined. size_seen: how large it once was; one that is smaller now
// was cut, and what was read of it isn't there any more, so the larger size is the one told.
std::string fingerprint_at(int fd, bool verbatim, std::uint64_t byte, std::uint64_t size_seen = 0);

// Whether the bytes before the mark are those that they were.
bool has_same_content(std::string_view was, std::string_view is);

// FNV-1a: to notice a change, not to withstand an attack. `hash`: of what stands before.
constexpr std::uint64_t kHashOfNothing = 0xCBF29CE484222325u;
std::uint64_t hash_of(std::span<const char> bytes, std::uint64_t hash = kHashOfNothing);

// 0 when it can't be examined.
std::uint64_t size_of(int fd);

// Up to `size` bytes from there; fewer at its end.
std::string bytes_at(int fd, std::uint64_t offset, std::size_t size);

// Its size and when it was last written: another text after a write, but for one that leaves the
// size, within a tick of the file system's clock.
std::string state_of(int fd);

bool is_same_file(int one, int other);

// The same with what the options say of a row's shape (row_shape.h).
std::string with_shape(std::string fingerprint, std::uint64_t shape);
// Whether both say it, and not the same.
bool has_other_shape(std::string_view was, std::string_view is);

// The same with how the file began when it was read, which a file that was written over meanwhile
// doesn't any more: ",begin=SIZE.HASH".
std::string with_beginning(std::string fingerprint, std::string_view beginning);
// Whether it says so, and the file begins otherwise now.
bool begins_otherwise(std::string_view was, int fd);

// What differs between two, for people: "its size was 10 and is 12". Empty: nothing but the shape
// and the beginning does.
std::string describe_difference(std::string_view was, std::string_view is);

}  // namespace mayfly::file
