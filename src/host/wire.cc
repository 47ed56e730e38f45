// SPDX-License-Identifier: MIT
#include "host/wire.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace mmscale::host {

Wire::Wire(Primitive primitive, WireWords& words) : primitive_(primitive), words_(&words) {
  if (primitive_ != Primitive::pipe) return;
  for (auto& pipe : pipes_) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw std::system_error(errno, std::generic_category(), "a pipe between two ends (see ulimit -n)");
    pipe = {topology::Fd(ends[0]), topology::Fd(ends[1])};
  }
}

void Wire::send_to(unsigned end, Message message) {
  if (primitive_ == Primitive::futex) {
    FutexWord& word = words_->to[end].message;
    // release: the other end sees what was done before the message.
    word.store(static_cast<std::uint32_t>(message), std::memory_order_release);
    futex_wake(word, 1, FutexScope::shared_page);
    return;
  }
  const char byte = static_cast<char>(message);
  while (::write(pipes_[end][1].get(), &byte, 1) != 1)
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
    const ssize_t got = ::read(pipes_[end][0].get(), &byte, 1);
    if (got == 1) return static_cast<Message>(byte);
    if (got == 0) throw std::runtime_error("the other end of a pipe is gone");
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "reading from the other end");
  }
}

}  // namespace mmscale::host
