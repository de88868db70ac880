#include "mayfly/dead_letters/dead_letter_source.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "mayfly/base/clock.h"

namespace mayfly::dead_letters {
namespace {

class HostSink final : public LetterSink {
 public:
  explicit HostSink(const sdk::Host& host) : host_(host) {}
  mayfly_result reserve(mayfly_batch& batch, std::uint64_t bytes) override {
    return host_.reserve(batch, bytes);
  }
  mayfly_result reject(mayfly_batch& batch, const RowOrigin& origin, ReadError reason,
                       std::string_view message, std::string_view raw) override {
    return reject_letter(batch, origin, static_cast<std::uint16_t>(reason), message, raw);
  }
  mayfly_result reject_letter(mayfly_batch& batch, const RowOrigin& origin, std::uint16_t reason,
                              std::string_view message, std::string_view raw) override {
    const mayfly_result result = host_.reject(batch, {.ordinal = origin.ordinal,
                                                      .byte_end = origin.byte_end,
                                                      .line = origin.line,
                                                      .reason = reason,
                                                      .message = message,
                                                      .raw = raw});
    failed_ |= result == MAYFLY_FAILED;
    return result;
  }
  bool failed() const { return failed_; }

 private:
  sdk::Host host_;
  bool failed_ = false;
};

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  return real != nullptr ? std::string(real.get()) : path;
}

}  // namespace

mayfly_result DeadLetterSource::configure(const sdk::Options& values) {
  mayfly_result result = MAYFLY_OK;
  for (const std::string& mistake : parse_options(values, options_)) {
    result = host.fail(sdk::Failure::kConfig, mistake);
  }
  return result;
}

mayfly_result DeadLetterSource::fail(const Status& status) const {
  switch (status.code()) {
    case Code::kNoInput:
      return host.fail(sdk::Failure::kInputMissing, status.message());
    case Code::kIo:
      return host.fail(sdk::Failure::kIo, status.message());
    default:
      return host.fail(sdk::Failure::kInternal, status.message());
  }
}

mayfly_result DeadLetterSource::open(const mayfly_position& position) {
  auto file = LetterFile::open(options_.path);
  if (!file.ok()) return fail(file.status());
  file_ = std::move(*file);
  reader_ = std::make_unique<LetterReader>(options_);
  identity_ = options_.key.empty() ? file_->identity() : "key=" + options_.key;
  if (position.resumed != 0) {
    first_rank_ = position.ordinal;
    if (const std::string_view marked = sdk::to_view(position.fingerprint); marked != identity_) {
      return fail({Code::kNoInput, options_.path + ": changed since the mark at letter " +
                                       std::to_string(position.ordinal + 1) + ": expected " +
                                       std::string(marked) + ", found " + identity_});
    }
  }
  host.source_key(options_.key.empty() ? real_path(options_.path) : options_.key);
  for (const Column& column : options_.columns) {
    const auto type = options_.typed ? static_cast<std::int32_t>(column.type) : MAYFLY_ANY;
    if (host.declare_column(column.name, type) != MAYFLY_OK) return MAYFLY_FAILED;
  }
  return MAYFLY_OK;
}

std::uint64_t DeadLetterSource::fingerprint(std::uint64_t, std::span<char> out) const {
  if (identity_.size() > out.size()) return 0;
  std::memcpy(out.data(), identity_.data(), identity_.size());
  return identity_.size();
}

Result<bool> DeadLetterSource::take_next() {
  do {
    MAYFLY_ASSIGN_OR_RETURN(letter_, file_->next());
  } while (letter_ && *letter_->rank < first_rank_);
  if (letter_) first_rank_ = *letter_->rank + 1;  // ordinals ascend
  return letter_.has_value();
}

mayfly_result DeadLetterSource::poll(mayfly_batch& batch, std::int64_t deadline_ns) {
  HostSink sink(host);
  for (;;) {
    if (!letter_) {
      const auto there = take_next();
      if (!there.ok()) return fail(there.status());
      if (!*there) return MAYFLY_END;
    }
    const LetterReader::Put put = reader_->put(*letter_, batch, sink);
    if (sink.failed()) return MAYFLY_FAILED;
    if (put == LetterReader::Put::kRow) {
      letter_.reset();
      if (host.now_ns() >= deadline_ns) return MAYFLY_OK;
      continue;
    }
    if (batch.rows > 0) return MAYFLY_OK;
    // A large heap isn't free: others give it back in their time.
    const std::int64_t left_ns = std::clamp<std::int64_t>(deadline_ns - host.now_ns(), 0, kSecond);
    const timespec timeout{left_ns / kSecond, left_ns % kSecond};
    ::ppoll(nullptr, 0, &timeout, nullptr);
    return MAYFLY_IDLE;
  }
}

}  // namespace mayfly::dead_letters
