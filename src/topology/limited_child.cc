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

[[noreturn]] void run(std::FILE* out, const LimitedChild::Limits& limits,
                      const std::function<int(std::FILE*)>& work) {
  set_limits(limits);
  // What a library prints about the file would stand beside our one line.
  const int null = open("/dev/null", O_WRONLY);
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  signal(SIGPIPE, SIG_IGN);
  int status = LimitedChild::kNoMemory;
  try {
    status = work(out);
    std::fflush(out);
  } catch (const std::bad_alloc&) {
  } catch (...) {
    status = 1;
  }
  _exit(status);
}

}  // namespace

LimitedChild::LimitedChild(Limits limits, const std::function<int(std::FILE* out)>& work) : limits_(limits) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "no pipe");
  in_ = fdopen(ends[0], "r");
  pid_ = in_ == nullptr ? -1 : fork();
  const int error = errno;
  if (pid_ == 0) {
    close(ends[0]);
    run(fdopen(ends[1], "w"), limits, work);
  }
  close(ends[1]);
  if (pid_ > 0) return;
  in_ == nullptr ? close(ends[0]) : std::fclose(in_);
  throw std::system_error(error, std::generic_category(), "no process");
}

LimitedChild::~LimitedChild() {
  std::fclose(in_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::size_t LimitedChild::read(void* to, std::size_t bytes) const {
  std::size_t got = 0;
  do {
    std::clearerr(in_);
    got += std::fread(static_cast<char*>(to) + got, 1, bytes - got, in_);
  } while (got < bytes && std::ferror(in_) && errno == EINTR);
  return got;
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
