// SPDX-License-Identifier: MIT
#include "topology/input_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mmscale::topology {

std::string unreadable(const std::filesystem::path& path, std::uintmax_t most_bytes) {
  if (path.empty()) return "a file without a name";
  struct stat status;
  if (::stat(path.c_str(), &status) != 0 || ::access(path.c_str(), R_OK) != 0)
    return fmt::format("cannot be read: {}", std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return "is a directory";
  if (!S_ISREG(status.st_mode)) return "no regular file: a pipe or a device";
  if (static_cast<std::uintmax_t>(status.st_size) > most_bytes)
    return fmt::format("larger than {} KiB", most_bytes >> 10);
  return {};
}

}  // namespace mmscale::topology
