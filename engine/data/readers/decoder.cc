#include "mayfly/data/readers/decoder.h"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <limits>

namespace mayfly {
namespace {

class GzipDecoder final : public Decoder {
 public:
  ~GzipDecoder() override { inflateEnd(&stream_); }

  bool start() {
    constexpr int kGzipOnly = 16;
    return inflateInit2(&stream_, MAX_WBITS + kGzipOnly) == Z_OK;
  }

  Step decode(std::span<const char> in, std::span<char> out) override {
    if (in.empty() && between_) return {};
    if (between_) {
      if (const Step step = between_members(in); step.consumed > 0 || step.error != nullptr) {
        return step;
      }
      inflateReset(&stream_);
      between_ = false;
    }
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    // zlib's interface is not const; it doesn't write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(std::min(in.size(), kMost));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min(out.size(), kMost));
    const uInt in_before = stream_.avail_in;
    const uInt out_before = stream_.avail_out;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    Step step{in_before - stream_.avail_in, out_before - stream_.avail_out, nullptr};
    if (result == Z_STREAM_END) {
      between_ = true;
      first_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      step.error = stream_.msg != nullptr ? stream_.msg : "the gzip stream is corrupt";
    }
    return step;
  }

  bool complete() const override { return between_; }

 private:
  // Zeros pad the last member of a file on tape; anything but a member is refused.
  Step between_members(std::span<const char> in) {
    if (!first_ && !in.empty() && in[0] == '\0') {
      const auto end = std::find_if(in.begin(), in.end(), [](char c) { return c != '\0'; });
      return {static_cast<std::size_t>(end - in.begin()), 0, nullptr};
    }
    if (!in.empty() && in[0] != '\x1f') return {0, 0, "bytes that are no gzip member follow"};
    return {};
  }

  z_stream stream_{};
  bool between_ = true;
  bool first_ = true;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {}
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  bool start() const { return context_ != nullptr; }

  Step decode(std::span<const char> in, std::span<char> out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_, &output, &input);
    Step step{input.pos, output.pos, nullptr};
    if (ZSTD_isError(result)) {
      step.error = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge
                       ? kWindowTooLarge
                       : ZSTD_getErrorName(result);
    } else if (input.pos > 0 || output.pos > 0) {
      complete_ = result == 0;
    }
    return step;
  }

  bool complete() const override { return complete_; }

 private:
  ZSTD_DCtx* context_;
  bool complete_ = true;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(Encoding encoding) {
  if (encoding == Encoding::kGzip) {
    auto gzip = std::make_unique<GzipDecoder>();
    if (gzip->start()) return gzip;
  } else {
    auto zstd = std::make_unique<ZstdDecoder>();
    if (zstd->start()) return zstd;
  }
  return nullptr;
}

}  // namespace mayfly
