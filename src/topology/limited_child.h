// SPDX-License-Identifier: MIT
//
// Libraries that read other programs' files make of a damaged one what they will: an exit, an allocation of the length
// that they found, a wild pointer, a loop. They read in a process of their own, which hands what it found over through a
// pipe, and whose death is an error like any other.
#pragma once

#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <string>

namespace mmscale::topology {

class LimitedChild {
 public:
  // What the work may take: CPU time, and address space (not where a sanitizer has its shadow in it).
  struct Limits {
    rlim_t cpu_seconds = 10;
    rlim_t memory_bytes = rlim_t{1} << 30;
  };

  // Runs `work` in a child, which writes to the stream that it is given and returns the child's exit status. What
  // it prints is lost; no memory, std::bad_alloc, is status kNoMemory. Throws std::system_error: no pipe, no process.
  LimitedChild(Limits limits, const std::function<int(std::FILE* out)>& work);
  // Kills it if it still runs.
  ~LimitedChild();
  LimitedChild(const LimitedChild&) = delete;
  LimitedChild& operator=(const LimitedChild&) = delete;

  static constexpr int kNoMemory = 125;

  // Reads so many bytes of what it writes; fewer at the end.
  std::size_t read(void* to, std::size_t bytes) const;

  struct Ending {
    int status = 0;
    // Why it did not come to an exit of its own, or ran out of memory; else empty.
    std::string broke;
  };
  // Waits for its end.
  Ending ended();

 private:
  const Limits limits_;
  std::FILE* in_ = nullptr;
  pid_t pid_ = -1;
};

}  // namespace mmscale::topology
