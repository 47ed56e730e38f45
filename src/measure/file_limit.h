// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

namespace mmscale::measure {

// Lets this process open as many files as it may at most. What is opened for each CPU (event counters, pipes)
// is more than the usual limit of 1,024 on a machine of some hundred CPUs.
inline void raise_file_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace mmscale::measure
