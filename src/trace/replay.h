// SPDX-License-Identifier: MIT
//
// A trace replayed through the emulated kernel, in virtual time or on real CPUs, every scheme of the
// catalogue by name.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/tally.h"
#include "machine/silicon/pool.h"
#include "machine/simulator/model.h"
#include "machine/simulator/world.h"
#include "measure/histogram.h"
#include "trace/facts.h"
#include "trace/steps.h"
#include "trace/timeline.h"
#include "workload/settings.h"

namespace mmscale::trace {

struct ReplaySpec {
  std::string scheme;
  std::string lifecycle = "powerpc";
  // All but the processes, which are the trace's.
  workload::Settings settings = {};
  // In virtual time: the machine. Null on silicon.
  const machine::simulator::Model* model = nullptr;
  // In virtual time: what it is shown in, as which of its processes. Null for none.
  TimelineFile* timeline = nullptr;
  unsigned process = 0;
  // On silicon: where the threads live, and how IPIs are sent.
  machine::silicon::Pool* pool = nullptr;
  std::string_view transport = {};
  // Emulated CPU i is there: OS indexes of the model's layout, or of this system.
  std::vector<unsigned> pus;
  unsigned home_node = 0;
};

struct ReplayResult {
  // Of each CPU, and of all, from the first step to the last; what ends the tasks that outlive the trace is
  // not in it.
  std::vector<kernel::Tally> cpus;
  kernel::Tally sum;
  std::vector<std::uint64_t> switches;
  // From the first step to the end of the last, on this world's clock.
  std::uint64_t span_ns = 0;
  // What all CPUs together spent in the steps: switching, forking, exiting, waiting for IPIs they sent.
  // Handlers that interrupted a CPU between two steps are not in it.
  std::uint64_t kernel_ns = 0;
  // Of every step with which an mm died: from its begin to its end.
  measure::Histogram teardown_ns;
  // Virtual time only: lines that moved or were copied from one CPU to another.
  std::optional<machine::simulator::Statistics> lines;
  // After everything has ended: what does not add up (workload/audit.h), and tasks whose switches in and out
  // differ.
  std::vector<std::string> audit;
};

class Replay {
 public:
  virtual ~Replay() = default;
  virtual void begin() = 0;
  virtual void run(const Chunk& chunk) = 0;
  virtual ReplayResult finish() = 0;
};

// Throws std::invalid_argument for a scheme or lifecycle that does not exist, PUs that the machine does not
// have, and what the silicon world throws.
std::unique_ptr<Replay> make_replay(const ReplaySpec& spec, const Facts& facts);

}  // namespace mmscale::trace
