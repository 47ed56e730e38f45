// SPDX-License-Identifier: MIT
//
// Bare instruction loops, run by the same windows as the schemes: what a figure consists of before any kernel
// is emulated. Nothing is ever subtracted; these stand beside.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "workload/load.h"

namespace mmscale::workload {

struct Floor {
  std::string_view name;
  std::string_view what;
  // Goes round so often with a counter, and says how often that reached zero.
  std::uint64_t (*run)(std::atomic<std::int32_t>& counter, std::uint64_t rounds);
  // Whether all CPUs have one counter.
  bool is_shared = false;
};

// incdec: inc and dec_and_test, back to back, by all CPUs on one line. private: the same, each CPU on a line
// of its own. empty: the loop without a body.
std::span<const Floor> floors();

// Loops that only a calibration needs, since nothing of them is shared. load: loads of a CPU's own line, none
// of which waits for another. store: stores to a CPU's own line. Of either execution out of order hides all
// it can.
std::span<const Floor> hits();

// One of floors() or hits(). One round is one pair, of fence, load and store one of it. `home_node` is where
// the shared line lives. Throws std::invalid_argument for another name.
std::unique_ptr<Load> make_floor_load(std::string_view name, unsigned cpus, unsigned home_node);

}  // namespace mmscale::workload
