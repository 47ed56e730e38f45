// SPDX-License-Identifier: MIT
//
// How an inter-processor interrupt reaches a thread that stands for a CPU. The request itself always travels
// through the target's call queue (inbox.h); a transport only has to make the target look there.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "machine/cpumask.h"

namespace mmscale::machine::silicon {

// What a transport calls on the target, in the target's own thread, possibly from a signal handler.
struct InterruptLine {
  void (*deliver)(void* cpu) = nullptr;
  void* cpu = nullptr;
};

// raise() is called by senders, once per call_many, with the targets whose queue was empty. Everything here
// is off the switch path, so a virtual call is fine.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual std::string_view name() const = 0;

  // Called by each emulated CPU's own thread before and after a run. `os_cpu` is the PU it is pinned to.
  virtual void attach(unsigned cpu, unsigned os_cpu, InterruptLine line) = 0;
  virtual void detach(unsigned cpu) = 0;

  // Makes every CPU of `targets` take its interrupts soon.
  virtual void raise(const CpuMask& targets) = 0;

  // What a reader of a record must know of this transport's cost; empty if nothing.
  virtual std::string caveat() const { return {}; }
};

struct TransportChoice {
  std::string name;
  // Why this one: "asked for", or "default" and what kept the ones before it from working.
  std::string reason;
};

// The transports' names, most faithful first; also the order in which a default is tried.
std::span<const std::string_view> transport_names();

// Decides which transport runs: the one asked for if it works here (else std::runtime_error saying why it
// does not), or the first of transport_names() that does. Registers the process with membarrier(2) where that is
// tried.
TransportChoice choose_transport(std::optional<std::string_view> asked);

// A transport of that name between `cpus` emulated CPUs.
std::unique_ptr<Transport> make_transport(std::string_view name, unsigned cpus);

}  // namespace mmscale::machine::silicon
