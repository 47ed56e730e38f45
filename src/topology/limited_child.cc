// SPDX-License-Identifier: MIT
#include "topology/limited_child.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>
#include <system_error>
#include <utility>

namespace mmscale::topology {
namespace {

void set_limits(const LimitedChild::Limits& limits) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit memory{limits.memory_bytes, limits.memory_bytes};
  setrlimit(RLIMIT_AS, &memory);
#endif
  // A second later the kernel kills what has caught SIGXCPU.
  const rlimit seconds{limits.cpu_seconds, limits.cpu_seconds + 1};
  setrlimit(RLIMIT_CPU, &seconds);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
}

[[noreturn]] void run(int out, const LimitedChild::Limits& limits, const std::function<int(int)>& work) {
  set_limits(limits);
  // What a library prints about the file would stand beside our one line.
  const int null = open("/dev/null", O_WRONLY);
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  signal(SIGPIPE, SIG_IGN);
  int status = LimitedChild::kNoMemory;
  try {
    status = work(out);
  } catch (const std::bad_alloc&) {
  } catch (...) {
    status = 1;
  }
  _exit(status);
}

}  // namespace

LimitedChild::LimitedChild(Limits limits, const std::function<int(int out)>& work) : limits_(limits) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "no pipe");
  pid_ = fork();
  const int error = errno;
  if (pid_ == 0) {
    close(ends[0]);
    run(ends[1], limits, work);
  }
  close(ends[1]);
  if (pid_ < 0) {
    close(ends[0]);
    throw std::system_error(error, std::generic_category(), "no process");
  }
  in_ = ends[0];
}

LimitedChild::~LimitedChild() {
  if (in_ >= 0) close(in_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::size_t LimitedChild::read(char* to, std::size_t most) const {
  for (;;) {
    const ssize_t got = ::read(in_, to, most);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return 0;
  }
}

LimitedChild::Ending LimitedChild::ended() {
  int status = 0;
  const pid_t pid = std::exchange(pid_, -1);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  Ending ending;
  if (WIFSIGNALED(status)) {
    const int by = WTERMSIG(status);
    ending.broke = by == SIGXCPU ? fmt::format("it takes more than {} s of CPU time", limits_.cpu_seconds)
                                 : fmt::format("{}", strsignal(by));
  } else {
    ending.status = WEXITSTATUS(status);
    if (ending.status == kNoMemory)
      ending.broke = fmt::format("it takes more than {} MiB of memory", limits_.memory_bytes >> 20);
  }
  return ending;
}

}  // namespace mmscale::topology
