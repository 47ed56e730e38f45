// SPDX-License-Identifier: MIT
#include "host/wire.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace mmscale::host {

Wire::Wire(Primitive primitive, WireWords& words) : primitive_(primitive), words_(&words) {
  if (primitive_ != Primitive::pipe) return;
  for (auto& pipe : pipes_)
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
      const int error = errno;
      for (const auto& made : pipes_)
        for (const int fd : made)
          if (fd >= 0) ::close(fd);
      throw std::system_error(error, std::generic_category(), "a pipe between two ends (see ulimit -n)");
    }
}

Wire::~Wire() {
  for (const auto& pipe : pipes_)
    for (const int fd : pipe)
      if (fd >= 0) ::close(fd);
}

Wire::Wire(Wire&& other) noexcept
    : primitive_(other.primitive_),
      words_(other.words_),
      pipes_(std::exchange(other.pipes_, {{{-1, -1}, {-1, -1}}})) {}

void Wire::send_to(unsigned end, Message message) {
  if (primitive_ == Primitive::futex) {
    FutexWord& word = words_->to[end].message;
    // release: the other end sees what was done before the message.
    word.store(static_cast<std::uint32_t>(message), std::memory_order_release);
    futex_wake(word, 1, FutexScope::shared_page);
    return;
  }
  const char byte = static_cast<char>(message);
  while (::write(pipes_[end][1], &byte, 1) != 1)
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "writing to the other end");
}

Message Wire::receive_at(unsigned end) {
  if (primitive_ == Primitive::futex) {
    FutexWord& word = words_->to[end].message;
    std::uint32_t message = 0;
    while ((message = word.load(std::memory_order_acquire)) == 0)
      futex_wait(word, 0, FutexScope::shared_page);
    // relaxed: the sender looks at nothing here before it has an answer.
    word.store(0, std::memory_order_relaxed);
    return static_cast<Message>(message);
  }
  char byte = 0;
  for (;;) {
    const ssize_t got = ::read(pipes_[end][0], &byte, 1);
    if (got == 1) return static_cast<Message>(byte);
    if (got == 0) throw std::runtime_error("the other end of a pipe is gone");
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "reading from the other end");
  }
}

}  // namespace mmscale::host
