// SPDX-License-Identifier: MIT
//
// The safety oracle: what went wrong, in the classes of docs/kernel.md. Reports never throw and never unwind,
// since they are made in the middle of the emulated kernel; whoever runs the system looks at the end.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mmscale::kernel {

enum class Violation {
  dangling,     // an mm was freed while some CPU's active_mm still pointed at it (DEBUG_VM_SHOOT_LAZIES)
  used,         // freed memory was loaded from
  assertion,    // a rule about the context of a call was broken
  leak,         // an mm or a reference was left at the end
  double_free,  // an mm was freed twice
  order,        // membarrier(2)'s promise was broken
  compared,     // a pointer to freed memory was compared with that of a live mm
  tlb,          // a CPU used a translation that a flush had removed
};

constexpr std::string_view to_string(Violation violation) {
  constexpr std::string_view kNames[] = {"DANGLING",    "USED",  "ASSERT",   "LEAK",
                                         "DOUBLE-FREE", "ORDER", "COMPARED", "TLB"};
  return kNames[static_cast<std::size_t>(violation)];
}

class Oracle {
 public:
  struct Finding {
    Violation violation;
    unsigned cpu;
    std::string where;
  };

  // Any CPU, through kernel::report (irq.h). Keeps the first kKept findings and counts the rest.
  void report(Violation violation, unsigned cpu, std::string_view where) {
    std::lock_guard lock(mutex_);
    if (findings_.size() < kKept) findings_.push_back({violation, cpu, std::string(where)});
    ++count_;
  }

  // For when all CPUs have stopped.
  const std::vector<Finding>& findings() const { return findings_; }
  std::uint64_t count() const { return count_; }

 private:
  static constexpr std::size_t kKept = 16;

  std::mutex mutex_;
  std::vector<Finding> findings_;
  std::uint64_t count_ = 0;
};

// The oracle of a world that runs all CPUs on one thread and puts memory back byte by byte between
// executions: neither locks nor allocates.
class OneThreadOracle {
 public:
  struct Finding {
    Violation violation;
    unsigned cpu;
    const char* where;
  };

  void report(Violation violation, unsigned cpu, const char* where) {
    if (count_ < findings_.size()) findings_[count_] = {violation, cpu, where};
    ++count_;
    seen_ |= 1u << static_cast<unsigned>(violation);
  }

  std::span<const Finding> findings() const {
    return std::span(findings_).first(std::min<std::size_t>(count_, findings_.size()));
  }
  std::uint64_t count() const { return count_; }
  // One bit for each class that was reported.
  unsigned seen() const { return seen_; }

 private:
  std::array<Finding, 16> findings_{};
  std::uint64_t count_ = 0;
  unsigned seen_ = 0;
};

template <class M>
struct OracleOf {
  using type = Oracle;
};
template <class M>
requires(M::kOneThread) struct OracleOf<M> {
  using type = OneThreadOracle;
};

}  // namespace mmscale::kernel
