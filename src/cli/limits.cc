// SPDX-License-Identifier: MIT
#include "cli/limits.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace mmscale::cli {
namespace {

std::array<char, 200> said_at_the_end{};

rlim_t cpu_seconds_used() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<rlim_t>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
}

}  // namespace

void limit_cpu_time(std::chrono::seconds most) {
  rlimit limit;
  if (getrlimit(RLIMIT_CPU, &limit) != 0) return;
  if (limit.rlim_cur == RLIM_INFINITY)
    limit.rlim_cur = std::min(limit.rlim_max, cpu_seconds_used() + static_cast<rlim_t>(most.count()));
  const auto text =
      fmt::format("mmscale: stopped after {} s of CPU time, which is the limit; ulimit -t sets another\n",
                  limit.rlim_cur);
  text.copy(said_at_the_end.data(), said_at_the_end.size() - 1);
  struct sigaction action {};
  action.sa_handler = [](int) {
    [[maybe_unused]] const ssize_t written =
        write(STDERR_FILENO, said_at_the_end.data(), std::strlen(said_at_the_end.data()));
    _exit(1);
  };
  sigaction(SIGXCPU, &action, nullptr);
  setrlimit(RLIMIT_CPU, &limit);
}

}  // namespace mmscale::cli
