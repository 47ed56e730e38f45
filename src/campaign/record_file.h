// SPDX-License-Identifier: MIT
//
// The file records go to: one JSON document that is complete after every record, whatever happens next.
#pragma once

#include <sys/types.h>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mmscale::campaign {

// what() is one line that names the file.
class RecordFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// {"context": {...}, "benchmarks": [...]}: Google Benchmark's format. A record and the document's closing
// brackets are written in one go over the brackets before; if that fails half-way (a full disk), the old end
// is put back. On something that cannot seek (a pipe, /dev/full) the brackets come with close().
class RecordFile {
 public:
  // Creates or empties the file and writes the context. "-" is standard output.
  RecordFile(const std::string& path, const nlohmann::ordered_json& context);
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  // Throws RecordFileError; what was in the file before is then still whole.
  void append(const nlohmann::ordered_json& run);

  // Ends the document. Nothing can be appended after.
  void close();

 private:
  void write_whole(std::string_view text);
  [[noreturn]] void fail(int error) const;

  std::string path_;
  int fd_ = -1;
  bool seekable_ = false;
  // Where the closing brackets begin.
  off_t end_ = 0;
  unsigned records_ = 0;
};

}  // namespace mmscale::campaign
