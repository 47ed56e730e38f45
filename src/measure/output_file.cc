// SPDX-License-Identifier: MIT
#include "measure/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace mmscale::measure {
namespace {

// Locks the whole file for writing: 0, or the process that has it.
pid_t lock(int fd) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd, F_SETLK, &lock) == 0) return 0;
  // Filesystems without locks have no two that could be told apart.
  if (errno != EAGAIN && errno != EACCES) return 0;
  if (::fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
  return lock.l_pid;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// The file that a symbolic link names. To root only links of root are anybody's.
std::string followed(const std::string& path) {
  struct stat link;
  if (::lstat(path.c_str(), &link) != 0 || !S_ISLNK(link.st_mode)) return path;
  if (::geteuid() == 0 && link.st_uid != 0)
    throw OutputError(fmt::format(
        "cannot write {}: it is a symbolic link of user {}, which root does not follow", path, link.st_uid));
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr)
    throw OutputError(fmt::format("cannot write {}: where the link leads: {}", path, std::strerror(errno)));
  std::string target = resolved;
  ::free(resolved);
  return target;
}

}  // namespace

bool is_standard_output(std::string_view path) {
  constexpr std::array<std::string_view, 5> kNames = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1",
                                                      "/proc/thread-self/fd/1"};
  return std::find(kNames.begin(), kNames.end(), path) != kNames.end();
}

bool same_output(const std::string& a, const std::string& b) {
  if (is_standard_output(a) || is_standard_output(b)) return is_standard_output(a) && is_standard_output(b);
  std::error_code ignored;
  return std::filesystem::weakly_canonical(std::filesystem::absolute(a, ignored), ignored) ==
         std::filesystem::weakly_canonical(std::filesystem::absolute(b, ignored), ignored);
}

std::FILE* screen_beside(std::string_view path) { return is_standard_output(path) ? stderr : stdout; }

OutputFile::OutputFile(std::string path, Readers readers) : name_(std::move(path)), path_(name_) {
  if (is_standard_output(name_)) {
    name_ = "standard output";
    fd_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd_ < 0) fail(errno);
    return;
  }
  struct stat before;
  replaces_ = ::stat(path_.c_str(), &before) == 0;
  if (replaces_ && S_ISDIR(before.st_mode)) fail(EISDIR);
  if (replaces_ && !S_ISREG(before.st_mode)) {
    // Whoever opens a pipe that nobody reads waits for a reader.
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd_ < 0 && errno == ENXIO && S_ISFIFO(before.st_mode))
      throw OutputError(fmt::format("cannot write {}: a pipe that nobody reads", name_));
    if (fd_ < 0) fail(errno);
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) & ~O_NONBLOCK);
    return;
  }
  regular_ = true;
  path_ = followed(path_);
  if (replaces_) lock_existing();
  temporary_ = fmt::format("{}.{}.new", path_, ::getpid());
  // What a killed run left whose number we have been given.
  ::unlink(temporary_.c_str());
  fd_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
               readers == Readers::owner ? 0600 : 0666);
  if (fd_ < 0) {
    const int error = errno;
    temporary_.clear();
    close_all();
    fail(error);
  }
  if (replaces_ && readers == Readers::usual) {
    // The new file is as open as the one it replaces; a refusal leaves it as the umask has it.
    [[maybe_unused]] const int ignored = ::fchmod(fd_, before.st_mode & 0777);
  }
  lock(fd_);
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  close_all();
}

void OutputFile::close_all() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (old_fd_ >= 0) ::close(std::exchange(old_fd_, -1));
}

// What is there stays, and says to others that somebody is about to replace it.
void OutputFile::lock_existing() {
  old_fd_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (old_fd_ < 0) fail(errno);
  if (const pid_t other = lock(old_fd_); other != 0) {
    close_all();
    throw OutputError(fmt::format("cannot write {}: process {} is writing it", name_, other));
  }
}

void OutputFile::write(std::string_view bytes, off_t at) {
  while (!bytes.empty()) {
    const ssize_t written =
        regular_ ? ::pwrite(fd_, bytes.data(), bytes.size(), at) : ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
}

void OutputFile::cut(off_t length) {
  if (regular_ && ::ftruncate(fd_, length) != 0) fail(errno);
}

std::string OutputFile::contents(off_t length) const {
  std::string bytes(static_cast<std::size_t>(length), '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t part = ::pread(fd_, bytes.data() + got, bytes.size() - got, static_cast<off_t>(got));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) break;
    got += static_cast<std::size_t>(part);
  }
  bytes.resize(got);
  return bytes;
}

void OutputFile::publish() {
  if (temporary_.empty()) return;
  // Where there was no file, two may have begun one: the second must not take the first one's place.
  int done = replaces_ ? ::rename(temporary_.c_str(), path_.c_str())
                       : ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE);
  if (done != 0 && !replaces_ && (errno == EINVAL || errno == ENOSYS)) {
    done = ::link(temporary_.c_str(), path_.c_str());
    if (done == 0) ::unlink(temporary_.c_str());
  }
  if (done != 0) {
    if (errno == EEXIST)
      throw OutputError(fmt::format("cannot write {}: another process has made it meanwhile", name_));
    fail(errno);
  }
  temporary_.clear();
}

void OutputFile::commit() {
  if (fd_ < 0) return;
  // What cannot be waited for (a file system that has none, a sandbox that refuses) is written all the same.
  if (regular_ && ::fsync(fd_) != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT)) fail(errno);
  publish();
  if (regular_) {
    // The name too; a folder that cannot be opened keeps it in its own time.
    const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
      ::fsync(folder);
      ::close(folder);
    }
  }
  const int closed = ::close(std::exchange(fd_, -1));
  if (closed != 0) fail(errno);
  close_all();
}

std::string OutputFile::lost(off_t expected_length) const {
  if (!regular_) return {};
  const std::string& at = temporary_.empty() ? path_ : temporary_;
  struct stat ours;
  struct stat there;
  if (::fstat(fd_, &ours) != 0) return {};
  if (::lstat(at.c_str(), &there) != 0) return fmt::format("it was removed ({})", std::strerror(errno));
  if (!same_file(ours, there)) return "it was replaced by another file";
  if (ours.st_size < expected_length)
    return fmt::format("it was cut to {} of {} bytes", ours.st_size, expected_length);
  return {};
}

void OutputFile::fail(int error) const {
  throw OutputError(fmt::format("cannot write {}: {}", name_, std::strerror(error)));
}

void write_file(const std::string& path, std::string_view text, Readers readers) {
  OutputFile file(path, readers);
  file.write(text, 0);
  file.commit();
}

std::string gzip_member(std::string_view text) {
  z_stream stream = {};
  // 16: with a gzip header.
  constexpr int kGzip = 15 + 16;
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw OutputError("no memory to compress with");
  std::string out(::deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

}  // namespace mmscale::measure
