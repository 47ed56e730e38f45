// SPDX-License-Identifier: MIT
//
// Between replay.cc, which finds what a spec names, and the translation units that make it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "scheme/catalogue.h"
#include "trace/replay.h"

namespace mmscale::trace {

// Which schemes are built: all, but under a sanitizer, where each takes long to compile, one of each kind.
#if defined(MMSCALE_ALWAYS_CHECKING)
using ReplaySchemes = scheme::SchemeList<scheme::Refcount, scheme::Shootdown, scheme::ShootdownExitflush,
                                         scheme::Quiesce, scheme::Mailbox>;
#else
using ReplaySchemes = scheme::Catalogue;
#endif

// Where the emulated CPUs are in a model, and the package that a NUMA node belongs to.
std::vector<machine::simulator::Place> places_of(const machine::simulator::Model& model,
                                                 const std::vector<unsigned>& pus);
std::uint32_t package_of_node(const machine::simulator::Model& model, unsigned node);
// What was added between two readings.
machine::simulator::Statistics since(machine::simulator::Statistics now,
                                     const machine::simulator::Statistics& before);

// Defined in replay_worlds.h, instantiated in a translation unit for each lifecycle. nullptr if there is no
// such scheme.
template <class Lifecycle>
std::unique_ptr<Replay> make_replay_under(const ReplaySpec& spec, const Facts& facts);

}  // namespace mmscale::trace
