// SPDX-License-Identifier: MIT
#include "topology/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mmscale::topology {

std::string unreadable(const std::filesystem::path& path, std::uintmax_t most_bytes) {
  if (path.empty()) return "a file without a name";
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return fmt::format("cannot be read: {}", std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return "is a directory";
  if (!S_ISREG(status.st_mode)) return "no regular file: a pipe or a device";
  // Of the kernel's own streams the system says that they are files, which can be written at any time; they say they cannot.
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return fmt::format("cannot be read: {}", std::strerror(errno));
  pollfd ready = {fd, POLLOUT, 0};
  const int answer = ::poll(&ready, 1, 0);
  ::close(fd);
  if (answer == 0) return "no end: a stream of the kernel's, as trace_pipe is";
  if (static_cast<std::uintmax_t>(status.st_size) > most_bytes)
    return fmt::format("larger than {} KiB", most_bytes >> 10);
  return {};
}

}  // namespace mmscale::topology
