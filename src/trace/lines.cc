// SPDX-License-Identifier: MIT
#include "trace/lines.h"

#include <errno.h>
#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "topology/input_file.h"
#include "trace/event.h"

namespace mmscale::trace {

namespace {

constexpr std::size_t kBuffer = 256 << 10;
// Below it nothing is said about how much a file unpacks to.
constexpr std::uint64_t kFreeUnpacked = std::uint64_t{16} << 20;
constexpr std::string_view kGzip = "\x1f\x8b";

}  // namespace

ByteReader::ByteReader(const std::string& path) : path_(path), buffer_(kBuffer) {
  if (const std::string why = topology::unreadable(path); !why.empty())
    throw TraceError(fmt::format("{}: {}", path, why));
  file_.reset(std::fopen(path.c_str(), "rbe"));
  if (!file_) throw TraceError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  size_ = load(buffer_.data(), buffer_.size());
  if (!rest().starts_with(kGzip)) return;
  packed_ = true;
  packed_bytes_.swap(buffer_);
  buffer_.resize(kBuffer);
  stream_.next_in = reinterpret_cast<Bytef*>(packed_bytes_.data());
  stream_.avail_in = static_cast<uInt>(std::exchange(size_, 0));
  // 16 more than the largest window: gzip's head and nothing else.
  if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK)
    throw TraceError(fmt::format("{}: no memory to unpack it", path));
  in_member_ = true;
}

ByteReader::~ByteReader() {
  if (packed_) inflateEnd(&stream_);
}

std::size_t ByteReader::load(char* to, std::size_t most) {
  const std::size_t got = std::fread(to, 1, most, file_.get());
  if (got == 0 && std::ferror(file_.get()) != 0) fail(std::strerror(errno));
  loaded_ += got;
  return got;
}

bool ByteReader::load_packed() {
  if (stream_.avail_in != 0) return true;
  stream_.next_in = reinterpret_cast<Bytef*>(packed_bytes_.data());
  stream_.avail_in = static_cast<uInt>(load(packed_bytes_.data(), packed_bytes_.size()));
  return stream_.avail_in != 0;
}

// Behind a member: another, the zeros that a tape's block is filled up with, or the end.
void ByteReader::begin_member() {
  if (*stream_.next_in == 0) {
    ++stream_.next_in;
    --stream_.avail_in;
    return;
  }
  if (*stream_.next_in != static_cast<unsigned char>(kGzip.front()))
    fail("something that is not gzipped follows the gzip data");
  inflateReset(&stream_);
  in_member_ = true;
}

std::size_t ByteReader::unpack() {
  stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
  stream_.avail_out = static_cast<uInt>(buffer_.size());
  while (stream_.avail_out == buffer_.size() && load_packed()) {
    if (!in_member_) {
      begin_member();
      continue;
    }
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END)
      in_member_ = false;
    else if (result != Z_OK && result != Z_BUF_ERROR)
      fail(fmt::format("the gzip data is damaged{}{}", stream_.msg != nullptr ? ": " : "",
                       stream_.msg != nullptr ? stream_.msg : ""));
  }
  const std::size_t got = buffer_.size() - stream_.avail_out;
  if (got == 0 && in_member_) fail("the gzip data ends in the middle");
  if (before_ + got > kFreeUnpacked && (before_ + got) / kMostBlown > loaded_)
    fail(fmt::format("unpacks to more than {} times its size, which is no trace", kMostBlown));
  return got;
}

bool ByteReader::fill() {
  before_ += size_;
  at_ = size_ = 0;
  size_ = packed_ ? unpack() : load(buffer_.data(), buffer_.size());
  return size_ > 0;
}

void ByteReader::fail(std::string_view what) const {
  throw TraceError(fmt::format("{}: byte {}: {}", path_, offset(), what));
}

bool LineReader::next(std::string_view& line) {
  joined_.clear();
  for (bool whole = false; !whole;) {
    const std::string_view ahead = bytes_.peek();
    if (ahead.empty() && joined_.empty()) return false;
    if (ahead.empty()) break;
    const std::string_view part = ahead.substr(0, ahead.find('\n'));
    whole = part.size() < ahead.size();
    joined_ += part;
    bytes_.take(part.size() + whole);
    if (joined_.size() > kMost) {
      ++number_;
      fail(fmt::format("longer than {} characters", kMost));
    }
  }
  line = joined_;
  // An editor's byte order mark.
  if (number_++ == 0 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

void LineReader::fail(std::string_view what) const {
  throw TraceError(fmt::format("{}: line {}: {}", bytes_.path(), number_, what));
}

}  // namespace mmscale::trace
