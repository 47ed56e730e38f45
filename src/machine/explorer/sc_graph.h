// SPDX-License-Identifier: MIT
//
// RC11's condition on SC accesses, taken literally: of the events of one execution the relation psc must be
// acyclic (Lahav et al., PLDI 2017, figure 4). For small programs: there is no compact form of it as there is for
// SC fences alone.
#pragma once

#include <array>
#include <cstdint>

namespace mmscale::machine::explorer {

// One bit for each event of an execution.
using EventSet = std::uint64_t;
inline constexpr unsigned kMaxEvents = 64;

class ScGraph {
 public:
  struct Event {
    unsigned cpu = 0;
    // nullptr: a fence.
    const void* location = nullptr;
    // Places in modification order, 0 if it does not read or write.
    std::uint32_t reads = 0;
    std::uint32_t writes = 0;
    bool sc = false;
    // All that happens before it.
    EventSet before = 0;
  };

  // Each CPU has its share of the bits, so that an event's number does not depend on what others did before.
  void begin(unsigned cpus);

  // The event's bit; 0 if there is no room for it.
  EventSet add(const Event& event);

  bool full() const { return full_; }
  // Whether there is an SC access, without which the SC fences alone decide.
  bool has_sc_access() const { return has_sc_access_; }
  bool acyclic() const;

  // Calls f(event) in order of the bits.
  template <class F>
  void for_each(F&& f) const {
    for (unsigned i = 0; i < kMaxEvents; ++i)
      if ((present_ >> i & 1) != 0) f(events_[i]);
  }

 private:
  bool eco(const Event& a, const Event& b) const;

  unsigned share_ = kMaxEvents;
  bool full_ = false;
  bool has_sc_access_ = false;
  EventSet present_ = 0;
  std::array<Event, kMaxEvents> events_;
  std::array<unsigned, kMaxEvents> used_{};
};

}  // namespace mmscale::machine::explorer
