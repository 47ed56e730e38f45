// SPDX-License-Identifier: MIT
//
// A file, gzipped or not, read as bytes and as lines, in constant memory.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mmscale::trace {

// Bytes of a file; what begins with gzip's magic is unpacked, all members of it, and nothing else may follow
// them. Every failure is a TraceError that names the file and the byte (of what is unpacked).
class ByteReader {
 public:
  explicit ByteReader(const std::string& path);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  // The next byte, -1 at the end.
  int get() { return at_ < size_ || fill() ? static_cast<unsigned char>(buffer_[at_++]) : -1; }
  // What is at hand without reading on, at least one byte unless the file is at its end; take() consumes of
  // it.
  std::string_view peek() { return at_ < size_ || fill() ? rest() : std::string_view(); }
  void take(std::size_t bytes) { at_ += bytes; }
  bool packed() const { return packed_; }
  std::uint64_t offset() const { return before_ + at_; }
  const std::string& path() const { return path_; }

  // What is unpacked may be so many times as long as the file: a trace packs to a tenth or a thirtieth, and
  // deflate can blow zeros up a thousand times.
  static constexpr std::uint64_t kMostBlown = 300;

  // Throws TraceError: "PATH: byte N: WHAT".
  [[noreturn]] void fail(std::string_view what) const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  bool fill();
  // Bytes of the file itself; 0 at its end.
  std::size_t load(char* to, std::size_t most);
  bool load_packed();
  std::size_t unpack();
  void begin_member();
  std::string_view rest() const { return {buffer_.data() + at_, size_ - at_}; }

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  // Of a gzipped file only: what is read of it, and the state of unpacking it.
  bool packed_ = false;
  bool in_member_ = false;
  z_stream stream_{};
  std::vector<char> packed_bytes_;
  std::uint64_t loaded_ = 0;
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  std::uint64_t before_ = 0;
};

// Lines of at most kMost characters.
class LineReader {
 public:
  static constexpr std::size_t kMost = 64 << 10;

  explicit LineReader(const std::string& path) : bytes_(path) {}

  // The next line without its end; valid until the next call. False at the end.
  bool next(std::string_view& line);
  std::uint64_t number() const { return number_; }

  // Throws TraceError: "PATH: line N: WHAT".
  [[noreturn]] void fail(std::string_view what) const;

 private:
  ByteReader bytes_;
  std::string joined_;
  std::uint64_t number_ = 0;
};

}  // namespace mmscale::trace
