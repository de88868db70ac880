// WalGrowth: tells when readers, or a disk that fails, keep the write-ahead log from shrinking.
//
// A checkpoint moves the frames up to the oldest snapshot that somebody reads. Readers that come
// and go hinder it, too, but each time a newer frame does: one that two checkpoints kOldNs apart
// find at the same frame is old. It is told once the log has `pages_warned`, and again each time it
// has doubled. Where there is always some reader the log never begins anew, however short each is:
// of kMany times as many pages that is told, whoever reads.
//
// Checkpoints are the writer's, so a log that nobody writes to isn't told of; nor one that a single
// transaction made long, until the next.
//
// THREADS  The writer's.
#pragma once

#include <cstdint>

#include "mayfly/base/clock.h"

namespace mayfly {

class WalGrowth {
 public:
  // A snapshot is old at this age: a report's long statement may take as much, and nobody waits.
  static constexpr std::int64_t kOldNs = 250 * kMillisecond;
  static constexpr std::uint32_t kMany = 4;

  explicit WalGrowth(std::uint32_t pages_warned)
      : pages_warned_(pages_warned), warn_at_(pages_warned) {}

  // The log begins anew: nobody hinders it.
  void restarted() { *this = WalGrowth(pages_warned_); }

  // A checkpoint found `logged` frames, of which `moved` are in the database now.
  void checkpointed(std::uint32_t moved, std::uint32_t logged, std::int64_t now_ns) {
    const bool same = hindered_ && moved == moved_;
    hindered_ = moved < logged;
    logged_ = logged;
    if (!same) {
      moved_ = moved;
      since_ns_ = now_ns;
    }
    old_ = same && hindered_ && now_ns - since_ns_ >= kOldNs;
    next_ns_ = now_ns + kOldNs;
  }

  // With a log of so many frames: whether a checkpoint is wanted to know more.
  bool asks(std::uint32_t pages, std::int64_t now_ns) const {
    return hindered_ && pages >= warn_at_ && now_ns >= next_ns_;
  }

  // With a log of so many frames: whether it is to be told now.
  bool is_told(std::uint32_t pages) {
    const bool many = hindered_ && logged_ / kMany >= pages_warned_;
    if ((!old_ && !many) || pages < warn_at_) return false;
    old_ = false;
    warn_at_ = pages > UINT32_MAX / 2 ? UINT32_MAX : 2 * pages;
    return true;
  }

 private:
  std::uint32_t pages_warned_;
  std::uint32_t warn_at_;
  bool hindered_ = false;
  bool old_ = false;
  std::uint32_t logged_ = 0;   // by the last checkpoint
  std::uint32_t moved_ = 0;    // while hindered
  std::int64_t since_ns_ = 0;  // moved_ was first seen
  std::int64_t next_ns_ = 0;   // asks() then
};

}  // namespace mayfly
