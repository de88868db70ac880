// The records of a write buffer's spool: one call each, as bytes.
//
//   u32 length of what follows the checksum | u32 checksum of it | u64 number of the call | u8 op |
//   table | u32 columns, for each: name, u8 kind, value | u32 key columns, for each: name
//
// Names, texts and blobs are a u32 length and their bytes; numbers 8 bytes. The machine's byte
// order: a spool isn't carried to another. The checksum is CRC-32C.
//
// KEY      Records are looked for within damage, and there may be what a caller gave: a blob of
//          bytes that look like records. So the checksum goes on from a number, and the length is
//          combined with another, that the spool's header alone has (RecordKey): who doesn't read
//          the file makes nothing that passes for a record of it, but by a chance of 1 to 2^64.
// SOURCE   G. Castagnoli, S. Brauer, M. Herrmann: Optimization of Cyclic Redundancy-Check Codes
//          with 24 and 32 Parity Bits (IEEE Transactions on Communications 41, 1993): its
//          polynomial.
// THREADS  Any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/storage/write_buffer/buffered_row.h"

namespace mayfly {

// A call as it stands in a spool. Points into what it was read from.
struct SpooledCall {
  std::uint64_t number = 0;
  BufferedOp op = BufferedOp::kUpsert;
  std::string_view table;
  std::vector<ColumnValue> data;
  std::vector<std::string_view> keys;
};

// By which a spool knows its own records. Not a secret from who reads the file.
struct RecordKey {
  std::uint32_t length = 0;  // combined with the length, by exclusive or
  std::uint32_t crc = 0;     // the checksum of what isn't there before the record
};

// before: the checksum of what stands in front of these bytes.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

// Behind what is in `out`. False, and nothing was added: longer than a record may be.
constexpr std::size_t kSpoolRecordMax = std::size_t{1} << 30;
bool append_record(std::string& out, RecordKey key, std::uint64_t number, BufferedOp op,
                   std::string_view table, std::span<const ColumnValue> data,
                   std::span<const std::string_view> keys);

// The record at the beginning of `bytes`: its length with everything, 0 when there is no whole one.
std::size_t read_record(std::string_view bytes, RecordKey key, SpooledCall& call);

// Where in `bytes`, which don't begin with one, the next whole record does; npos: nowhere.
std::size_t find_record(std::string_view bytes, RecordKey key);

}  // namespace mayfly
