// SPDX-License-Identifier: MIT
#include "campaign/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

namespace mmscale::campaign {
namespace {

constexpr std::string_view kTail = "\n  ]\n}\n";

// write(2) until all is written; 0 or the error.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

std::string indented(const nlohmann::ordered_json& value, int spaces) {
  const std::string text = value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string out;
  for (char c : text) {
    out += c;
    if (c == '\n') out.append(static_cast<std::size_t>(spaces), ' ');
  }
  return out;
}

}  // namespace

RecordFile::RecordFile(const std::string& path, const nlohmann::ordered_json& context) : path_(path) {
  fd_ = path == "-" ? dup(STDOUT_FILENO) : open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) fail(errno);
  struct stat status;
  seekable_ = path != "-" && fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  std::string head = "{\n  \"context\": " + indented(context, 2) + ",\n  \"benchmarks\": [";
  const auto end = static_cast<off_t>(head.size());
  if (seekable_) head += kTail;
  write_whole(head);
  end_ = end;
}

RecordFile::~RecordFile() {
  try {
    close();
  } catch (const RecordFileError&) {
    // Nobody is left to tell; whoever must know calls close().
  }
}

void RecordFile::append(const nlohmann::ordered_json& run) {
  std::string text = records_ == 0 ? "\n    " : ",\n    ";
  text += indented(run, 4);
  const auto length = static_cast<off_t>(text.size());
  if (seekable_) {
    text += kTail;
    if (lseek(fd_, end_, SEEK_SET) < 0) fail(errno);
  }
  write_whole(text);
  end_ += length;
  ++records_;
}

void RecordFile::close() {
  if (fd_ < 0) return;
  const int fd = std::exchange(fd_, -1);
  int error = seekable_ ? 0 : write_all(fd, kTail);
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error != 0) fail(error);
}

void RecordFile::write_whole(std::string_view text) {
  const int error = write_all(fd_, text);
  if (error == 0) return;
  if (seekable_ && end_ > 0) {
    // These bytes were there before, so a full disk has room for them.
    lseek(fd_, end_, SEEK_SET);
    write_all(fd_, kTail);
    if (ftruncate(fd_, end_ + static_cast<off_t>(kTail.size())) != 0) fail(errno);
  }
  fail(error);
}

void RecordFile::fail(int error) const {
  throw RecordFileError(fmt::format(
      "cannot write {}: {}{}", path_ == "-" ? "standard output" : path_, std::strerror(error),
      records_ == 0 ? "" : fmt::format("; what was recorded before is whole, {} in all", records_)));
}

}  // namespace mmscale::campaign
