// SPDX-License-Identifier: MIT
#include "cli/messages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <streambuf>
#include <string>

#include "cli/options.h"

namespace mmscale::cli {
namespace {

// Writes what can be written. A pipe that nobody reads is an error of the write, not a signal; standard output keeps
// the signal, which ends whoever writes for nobody.
ssize_t write_or_lose(void*, const char* text, size_t length) {
  if (quiet()) return static_cast<ssize_t>(length);
  sigset_t pipe;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  for (size_t done = 0; done < length;) {
    const ssize_t written = ::write(STDERR_FILENO, text + done, length - done);
    if (written > 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EAGAIN) {
      // Somebody has made it non-blocking; whoever does not read for a second is not read to.
      pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, 1000) != 1) break;
    } else if (errno != EINTR) {
      break;
    }
  }
  if (sigismember(&pending, SIGPIPE) == 0) {
    const timespec now = {};
    sigtimedwait(&pipe, nullptr, &now);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return static_cast<ssize_t>(length);
}

// std::cerr is Google Benchmark's: what it says comes out as a message of ours, line by line.
class Attributed final : public std::streambuf {
  int_type overflow(int_type c) override {
    if (c == traits_type::eof()) return traits_type::not_eof(c);
    if (c == '\n')
      say();
    else
      line_ += traits_type::to_char_type(c);
    return c;
  }
  void say() {
    fmt::print(stderr, "mmscale: Google Benchmark: {}\n", printable(line_));
    line_.clear();
  }

  std::string line_;
};

}  // namespace

bool& quiet() {
  static bool is_quiet = false;
  return is_quiet;
}

void make_messages_losable() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest that is free. Of standard output a write still fails, as it would have.
    if (::open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd) return;
  }
  FILE* const losable =
      ::fopencookie(nullptr, "w", {.read = {}, .write = write_or_lose, .seek = {}, .close = {}});
  if (losable == nullptr) return;
  ::setvbuf(losable, nullptr, _IONBF, 0);
  stderr = losable;
  // For as long as there is a std::cerr.
  std::cerr.rdbuf(new Attributed);
}

}  // namespace mmscale::cli
