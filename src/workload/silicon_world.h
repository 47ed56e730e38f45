// SPDX-License-Identifier: MIT
//
// What emulated CPUs stand on where they are pinned threads.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "machine/silicon/home_memory.h"
#include "machine/silicon/silicon.h"
#include "machine/silicon/transport.h"

namespace mmscale::workload {

// Whether loads for measuring have the oracle in, too: only in builds that measure nothing (sanitizers),
// where one set of builds is enough.
#if defined(MMSCALE_ALWAYS_CHECKING)
inline constexpr bool kAlwaysChecking = true;
#else
inline constexpr bool kAlwaysChecking = false;
#endif

template <class Machine>
class SiliconWorld {
 public:
  SiliconWorld(std::size_t bytes, unsigned cpus, unsigned home_node, std::string_view transport)
      : memory_(bytes, home_node),
        transport_(machine::silicon::make_transport(transport, cpus)),
        system_(cpus, *transport_) {}

  std::span<std::byte> bytes() const { return memory_.bytes(); }

  // From the CPU's own thread, as detach.
  std::unique_ptr<Machine> machine(unsigned cpu, unsigned os_cpu) {
    return std::make_unique<Machine>(system_, cpu, os_cpu);
  }
  // At the end, when all requests have been answered: its Machine may be destroyed by another thread, and a signal that is
  // still on its way must not find it then.
  void detach(unsigned cpu) { transport_->detach(cpu); }

  template <class Result, class Body>
  Result on_cpu_0(Body&& body) {
    return body();
  }

 private:
  machine::silicon::HomeMemory memory_;
  std::unique_ptr<machine::silicon::Transport> transport_;
  typename Machine::System system_;
};

}  // namespace mmscale::workload
