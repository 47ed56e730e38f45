// SPDX-License-Identifier: MIT
//
// When did an exec change the mm? sched_process_exec comes only when the program is loaded. But the kernel
// gives the task its new name behind exec_mmap() (begin_new_exec, fs/exec.c): a switch away under the name of
// the file that is executed shows that the old mm was left before, on that CPU.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "trace/event.h"

namespace mmscale::trace {

class ExecWatch {
 public:
  // The n-th sched_switch, counted from 1.
  void switched(const Event& event, std::uint64_t n);
  // A sched_process_exec: the switch before which the mm had changed, if one shows it and the task went on on
  // another CPU since. Elsewhere it makes no difference.
  std::optional<std::uint64_t> executed(const Event& event);

 private:
  struct Name {
    // With which it was switched in; empty if unknown.
    Comm in;
    // The first it was switched away with since that differs: before which switch (0: none), and where.
    Comm out;
    std::uint64_t at = 0;
    std::uint32_t cpu = 0;
    bool moved = false;
  };
  std::unordered_map<std::int32_t, Name> names_;
};

}  // namespace mmscale::trace
