// SPDX-License-Identifier: MIT
// A file descriptor, closed with its owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace mmscale::topology {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  // Below 0 where there is none.
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace mmscale::topology
