// SPDX-License-Identifier: MIT
//
// The file records go to: one JSON document that is complete after every record, whatever happens next.
#pragma once

#include <sys/types.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "measure/output_file.h"

namespace mmscale::campaign {

// {"context": {...}, "benchmarks": [...]}: Google Benchmark's format. A record and the document's closing
// brackets are written in one go over the brackets before; if that fails half-way (a full disk), the old end
// is put back. On something that cannot seek (a pipe, /dev/full) the brackets come with close(). A name that ends
// in .gz is written by gzip, some records to a member; the last member is written anew with each.
//
// A file of that name that was there before stays until close(), or the end of the RecordFile if it has a record by
// then: meanwhile the new one is beside it (measure::OutputFile).
class RecordFile {
 public:
  // Begins the file and writes the context. "-" is standard output.
  RecordFile(const std::string& path, const nlohmann::ordered_json& context);
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  // Throws measure::OutputError; what was in the file before is then still whole.
  void append(const nlohmann::ordered_json& run);

  // Ends the document. Nothing can be appended after.
  void close();

  // What somebody else did to the file while it was written, and where the records are now; empty if nothing. Said on
  // standard error when it was noticed.
  const std::string& mishap() const { return mishap_; }

 private:
  std::string packed(std::string_view text) const;
  void begin();
  void write_whole(std::string_view text);
  void look_after();
  [[noreturn]] void fail(const measure::OutputError& error) const;

  const std::string path_;
  const bool compressed_;
  std::string head_;
  std::string tail_;
  std::optional<measure::OutputFile> file_;
  // What is before is written for good. There is the last member, packed and as text, and then the closing brackets.
  off_t end_ = 0;
  std::string member_;
  std::string open_;
  unsigned records_ = 0;
  std::string mishap_;
};

}  // namespace mmscale::campaign
