// SPDX-License-Identifier: MIT
//
// Where a flush that the scheduler's events do not show would cost an IPI more. A powerpc radix kernel trims
// the mask of an mm at any flush of its only thread (flush_type_needed,
// arch/powerpc/mm/book3s64/radix_tlb.c), each CPU left behind by one IPI. Whether it happens there or at the
// next fork or death is the same in the sum, unless the mm is back on that CPU before: then there are two.
#pragma once

#include <cstdint>
#include <vector>

namespace mmscale::trace {

class UnseenTrims {
 public:
  // An mm begins: the number is new, or that of one that died.
  void born(std::uint32_t mm) {
    if (mm >= mms_.size()) mms_.resize(mm + 1);
    mms_[mm].clear();
  }
  // It is switched in on a CPU; true if its bit there may have been trimmed meanwhile.
  bool came(std::uint32_t mm, std::uint32_t cpu) {
    for (Bit& bit : mms_[mm])
      if (bit.cpu == cpu) {
        const bool doubtful = bit.doubtful;
        bit.doubtful = false;
        return doubtful;
      }
    mms_[mm].push_back({cpu, false});
    return false;
  }
  // Its only thread has run on a CPU, and may have flushed there.
  void alone(std::uint32_t mm, std::uint32_t cpu) {
    for (Bit& bit : mms_[mm])
      if (bit.cpu != cpu) bit.doubtful = true;
  }
  // Its only thread has flushed there for sure.
  void trimmed(std::uint32_t mm, std::uint32_t cpu) { mms_[mm] = {{cpu, false}}; }

 private:
  struct Bit {
    std::uint32_t cpu;
    bool doubtful;
  };
  // By mm: its mask.
  std::vector<std::vector<Bit>> mms_;
};

}  // namespace mmscale::trace
