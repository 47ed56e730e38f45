// SPDX-License-Identifier: MIT
//
// Every file that mmscale writes. What was there before stays until the new one is whole; two that write the same file
// do not meet in it; nothing is written through a link that somebody else has laid; and what becomes of the file
// meanwhile is noticed.
#pragma once

#include <stdio.h>
#include <sys/types.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace mmscale::measure {

// what() is one line that names the file.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Whether a path is "-" or one of the names of standard output.
bool is_standard_output(std::string_view path);

// Whether two paths are of one file, which may not be there yet: what is written to the one would be lost to the other.
bool same_output(const std::string& a, const std::string& b);

// Where what is said to a human goes: standard output, but standard error if that belongs to what is written to `path`.
std::FILE* screen_beside(std::string_view path);

// Who may read a file: the umask decides, or only its owner (traces name everybody's processes).
enum class Readers { usual, owner };

// A regular file is written to a temporary one beside it, PATH.PID.new, which takes its place by rename(2). Anything
// else (a pipe, a terminal, /dev/full) is written as it comes. "-" and the names of standard output are standard output.
class OutputFile {
 public:
  // Opens the temporary file and locks `path`. Throws OutputError if it cannot be written or another run of mmscale is
  // writing it, whose process id it says; or if `path` is a symbolic link that, to root, a stranger has made.
  explicit OutputFile(std::string path, Readers readers = Readers::usual);
  // What was not published is gone.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // What is called a file in messages.
  std::string name() const { return name_; }
  // Whether it can be written anywhere but at its end, and has a place to take.
  bool is_regular() const { return regular_; }
  // Whether there was such a file before.
  bool replaces() const { return replaces_; }

  // Writes at `at` of a regular file, else at the end. Whole, or OutputError.
  void write(std::string_view bytes, off_t at);
  // Cuts a regular file to that length.
  void cut(off_t length);

  // The first bytes of a regular file, also of one that has been removed.
  std::string contents(off_t length) const;

  // Puts the file in its place, once, from where it goes on being written. Throws OutputError if another run has put
  // one there meanwhile that was not there before.
  void publish();
  // Publishes it if that has not been done, with its contents on the disk, and closes it.
  void commit();

  // Why what has been written is no longer there for others to find: the file was removed, replaced or cut by somebody
  // else. Empty if it is there.
  std::string lost(off_t expected_length) const;

 private:
  [[noreturn]] void fail(int error) const;
  void lock_existing();
  void close_all();

  std::string name_;
  std::string path_;
  std::string temporary_;  // empty once published
  int fd_ = -1;
  int old_fd_ = -1;  // holds the lock on what was there before
  bool regular_ = false;
  bool replaces_ = false;
};

// Writes a whole file in one go. Throws OutputError.
void write_file(const std::string& path, std::string_view text, Readers readers = Readers::usual);

// `text` as one member of a gzip file; members may follow each other.
std::string gzip_member(std::string_view text);

}  // namespace mmscale::measure
