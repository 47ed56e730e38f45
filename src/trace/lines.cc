// SPDX-License-Identifier: MIT
#include "trace/lines.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cstring>

#include "trace/event.h"

namespace mmscale::trace {

namespace {
constexpr std::size_t kBuffer = 256 << 10;
}

ByteReader::ByteReader(const std::string& path) : path_(path), buffer_(kBuffer) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0)
    throw TraceError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    throw TraceError(fmt::format("{}: not a file; a trace is read twice, so it cannot be a pipe", path));
  file_ = gzopen(path.c_str(), "rb");
  if (file_ == nullptr) throw TraceError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  gzbuffer(file_, kBuffer);
}

ByteReader::~ByteReader() { gzclose(file_); }

bool ByteReader::fill() {
  before_ += size_;
  at_ = size_ = 0;
  const int got = gzread(file_, buffer_.data(), static_cast<unsigned>(buffer_.size()));
  // A gzip stream that ends in the middle is an error only gzerror knows of.
  int error = Z_OK;
  const char* const what = gzerror(file_, &error);
  if (got < 0 || (got == 0 && error != Z_OK && error != Z_STREAM_END))
    fail(error == Z_BUF_ERROR ? "the gzip data ends in the middle"
         : error == Z_ERRNO   ? std::strerror(errno)
                              : what);
  size_ = static_cast<std::size_t>(got);
  return got > 0;
}

void ByteReader::fail(std::string_view what) const {
  throw TraceError(fmt::format("{}: byte {}: {}", path_, offset(), what));
}

bool LineReader::next(std::string_view& line) {
  joined_.clear();
  for (;;) {
    const std::string_view ahead = bytes_.peek();
    if (ahead.empty()) {
      if (joined_.empty()) return false;
      line = joined_;
      break;
    }
    const std::size_t end = ahead.find('\n');
    const std::string_view part = ahead.substr(0, end);
    if (joined_.size() + part.size() > kMost) {
      ++number_;
      fail(fmt::format("longer than {} characters", kMost));
    }
    bytes_.take(part.size() + (end != ahead.npos));
    if (end != ahead.npos && joined_.empty()) {
      line = part;
      break;
    }
    joined_ += part;
    if (end != ahead.npos) {
      line = joined_;
      break;
    }
  }
  ++number_;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

void LineReader::fail(std::string_view what) const {
  throw TraceError(fmt::format("{}: line {}: {}", bytes_.path(), number_, what));
}

}  // namespace mmscale::trace
