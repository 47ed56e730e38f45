// SPDX-License-Identifier: MIT
//
// Traces that a test writes.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "trace/open.h"

namespace mmscale::trace {

// A file that goes when the test is over.
class File {
 public:
  explicit File(std::string_view content, const char* suffix = "") {
    path_ =
        testing::TempDir() + "trace-" + std::to_string(getpid()) + "-" + std::to_string(++number_) + suffix;
    if (std::string_view(suffix) == ".gz") {
      gzFile file = gzopen(path_.c_str(), "wb");
      gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
      gzclose(file);
    } else {
      std::ofstream(path_, std::ios::binary) << content;
    }
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::string& path() const { return path_; }

 private:
  static inline int number_ = 0;
  std::string path_;
};

inline std::vector<Event> read_all(const std::string& path) {
  std::vector<Event> events;
  const auto source = open_trace(path);
  for (Event event; source->next(event);) events.push_back(event);
  return events;
}

}  // namespace mmscale::trace
