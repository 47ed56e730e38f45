// SPDX-License-Identifier: MIT
//
// What the simulator knows of a machine: where its CPUs are and what things cost there. A machine file
// (model_file.h) is read into this; docs/simulator.md says what each parameter stands for and where its
// number comes from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "topology/layout.h"

namespace mmscale::machine::simulator {

// Virtual time. Integers, so that sums do not depend on their order.
using Picoseconds = std::uint64_t;
inline constexpr Picoseconds kPsPerNs = 1000;

// How far apart two CPUs are, as the coherence protocol sees it. A *domain* is the set of CPUs between which
// a line travels without asking its home: the socket on Intel (the LLC is inclusive of, or snoops, all its
// cores), the core complex on Zen, the chip on ARM and POWER; a core alone on Opterons.
enum class Reach { sibling, domain, package, other_package, other_group };
inline constexpr std::array<std::string_view, 5> kReachNames = {"smt-sibling", "domain", "package",
                                                                "other-package", "other-group"};
inline constexpr std::size_t kReaches = kReachNames.size();

// Who orders the owners of a line that several CPUs want.
enum class Protocol {
  home,   // the agent of a domain among its cores, the line's home among domains
  snoop,  // requests are broadcast, the owner itself answers, those who lost try again
};

// How a modified line gets from core to core within a domain, under Protocol::home.
enum class Handover {
  through,  // by way of the domain's agent, which can send the next snoop along with it: Intel's LLC slice,
            // Zen's L3
  direct,   // straight from core to core; the owner tells the agent, who then snoops for the next: AMBA CHI
};

// How a read-modify-write is made.
enum class Atomics {
  near,   // the line is fetched and the operation cannot fail: x86 lock prefix, ARM LSE
  ll_sc,  // load-linked, store-conditional: fails when another CPU wrote in between (POWER, ARMv8.0)
};

// Who answers a read of a line that several have and one wrote last.
enum class Supplier {
  agent,  // the domain's cache, which has it, too: reads follow each other at the port
  owner,  // the core that wrote it, each time, by way of the home, which does nothing else with the line meanwhile
};

// Which of the requests that wait at a line is served next.
enum class Arbitration {
  fifo,    // in the order in which they reach the owner's domain
  near,    // those of the owner's domain first, but not for ever
  random,  // the oldest of the owner's domain or the oldest from outside, drawn from the seed
};

// One emulated CPU's place. Numbers count over the whole machine.
struct Place {
  std::uint32_t core = 0;
  std::uint32_t domain = 0;
  std::uint32_t package = 0;
  std::uint32_t group = 0;  // of packages: directly connected, or on one side of the widest gap
};

struct Costs {
  // Of an access whose line is at hand in the right state.
  Picoseconds load = 0;
  Picoseconds store = 0;
  Picoseconds atomic = 0;  // a read-modify-write
  // smp_mb(), and smp_mb__after_atomic() where a read-modify-write is no full barrier.
  Picoseconds fence = 0;
  Picoseconds fence_after_rmw = 0;
  // A line nobody has: from memory, beyond the way to its home and back.
  Picoseconds memory = 0;
  // Handover::through: from leaving one core to being at the next of the domain, when that one has been
  // waiting.
  Picoseconds handoff = 0;
  // Handover::through: what a read takes longer than a write from a core of the domain that modified the line and has
  // done with it.
  Picoseconds modified_read = 0;
  // For how long a core goes on with a line it got, one operation right behind the other, before it lets it
  // go to who asks; 0: the operation it came for, and what the protocol leaves room for.
  Picoseconds visit = 0;
  // How long a read that is served from a shared line keeps the line's port busy.
  Picoseconds port = 0;
  // The same of one contender's tries in vain, load-linked and store-conditional, for each that succeeds.
  Picoseconds failed_try = 0;
  // Raising an interrupt: the sender's time for each target.
  Picoseconds ipi_send = 0;
  // Interrupt entry and exit on the target.
  Picoseconds ipi_handle = 0;
  // Leaving an idle state for an interrupt; 0: not known.
  Picoseconds idle_exit = 0;
  // One tick of the counter that think times are given in.
  Picoseconds tick = kPsPerNs;

  bool operator==(const Costs&) const = default;
};

struct Model {
  std::string name;
  std::string description;
  // "x86", "arm", "power": whose kernel runs on it.
  std::string kind;
  topology::Layout layout;

  Protocol protocol = Protocol::home;
  Handover handover = Handover::through;
  Supplier supplier = Supplier::agent;
  // Protocol::home: who tells the home that a line has gone to another domain, so that it serves the next: who got it,
  // as AMD's do, or who had it.
  bool requester_tells_home = false;
  // Whether who gets a line from another domain while others ask for it has to acknowledge that to the home, and keeps the
  // line until that has answered.
  bool acknowledges_conflicts = false;
  Atomics atomics = Atomics::near;
  Arbitration arbitration = Arbitration::fifo;
  Costs costs;
  // Protocol::home: one way of one message, `domain` between a core and its domain's agent, `package` and
  // further between two agents or an agent and a line's home, that far apart. Protocol::snoop: between two
  // cores. `sibling` in both: what a line costs that the other hardware thread of the core used last.
  std::array<Picoseconds, kReaches> leg{};
  // From raising an interrupt to its arrival.
  std::array<Picoseconds, kReaches> ipi_delivery{};

  // The place of each of layout.pus, by position there.
  std::vector<Place> places;
  std::uint64_t seed = 1;
  // Whether a think time is a mean, and each drawn from the exponential distribution that has it: arrivals that
  // know nothing of each other.
  bool random_think = false;
};

// Where CPUs are, by their OS indexes in the model's layout, and the package whose CPUs a NUMA node is local to. Throw
// std::invalid_argument for a CPU or a node that the model does not have.
std::vector<Place> places_of(const Model& model, const std::vector<unsigned>& pus);
std::uint32_t package_of_node(const Model& model, unsigned node);

constexpr Reach reach(const Place& a, const Place& b) {
  if (a.core == b.core) return Reach::sibling;
  if (a.domain == b.domain) return Reach::domain;
  if (a.package == b.package) return Reach::package;
  return a.group == b.group ? Reach::other_package : Reach::other_group;
}

}  // namespace mmscale::machine::simulator
