// SPDX-License-Identifier: MIT
//
// Replays in the two worlds that have a clock.
#include "trace/replay.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "machine/silicon/home_memory.h"
#include "machine/silicon/silicon.h"
#include "machine/silicon/transport.h"
#include "machine/simulator/simulator.h"
#include "trace/replay_core.h"
#include "workload/always_checking.h"
#include "workload/build_by_name.h"

namespace mmscale::trace {
namespace {

using Silicon = machine::silicon::Silicon<workload::kAlwaysChecking>;
using Simulator = machine::simulator::Simulator<false>;

// Where the emulated CPUs are in a model, and the package that a NUMA node belongs to.
std::vector<machine::simulator::Place> places_of(const machine::simulator::Model& model,
                                                 const std::vector<unsigned>& pus) {
  std::vector<machine::simulator::Place> places;
  for (const unsigned os_index : pus) {
    const auto found = std::ranges::find(model.layout.pus, os_index, &topology::Pu::os_index);
    if (found == model.layout.pus.end())
      throw std::invalid_argument(fmt::format("{} has no CPU {}", model.name, os_index));
    places.push_back(model.places[static_cast<std::size_t>(found - model.layout.pus.begin())]);
  }
  return places;
}

std::uint32_t package_of_node(const machine::simulator::Model& model, unsigned node) {
  const auto local = std::ranges::find(model.layout.pus, node, &topology::Pu::numa_node);
  return local != model.layout.pus.end() ? local->package : model.layout.pus.front().package;
}

// What was added between two readings.
machine::simulator::Statistics since(machine::simulator::Statistics now,
                                     const machine::simulator::Statistics& before) {
  now.accesses -= before.accesses;
  for (std::size_t i = 0; i < machine::simulator::kReaches; ++i) {
    now.moved[i] -= before.moved[i];
    now.copied[i] -= before.copied[i];
  }
  now.requests -= before.requests;
  now.waited -= before.waited;
  now.failed_conditionals -= before.failed_conditionals;
  now.interrupts -= before.interrupts;
  return now;
}

// Zeroed memory that is only there when it is touched: slabs are sized for the worst case.
class Arena {
 public:
  explicit Arena(std::size_t bytes) : bytes_(bytes) {
    begin_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~Arena() { munmap(begin_, bytes_); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(begin_), bytes_}; }

 private:
  void* begin_ = nullptr;
  std::size_t bytes_;
};

// What both worlds' results have in common.
template <class Machine>
ReplayResult gather_result(const ReplayCore<Machine>& core, const std::vector<kernel::Tally>& begin,
                           const std::vector<std::unique_ptr<Machine>>& machines) {
  ReplayResult result;
  for (unsigned cpu = 0; cpu < machines.size(); ++cpu) {
    kernel::Tally tally = core.tally(cpu);
    tally.ipis_raised = machines[cpu]->ipi_tally().raised;
    result.cpus.push_back(tally.since(begin[cpu]));
    result.sum += result.cpus.back();
    result.switches.push_back(core.switches(cpu));
    result.kernel_ns += core.kernel_ns(cpu);
    result.teardown_ns.merge(core.teardown_ns(cpu));
  }
  return result;
}

// In virtual time: no step begins before its time in the trace.
class SimulatorReplay final : public Replay {
 public:
  SimulatorReplay(const kernel::Build<Simulator>& build, const ReplaySpec& spec, const Facts& facts)
      : memory_(ReplayCore<Simulator>::memory_bytes(build, facts, kMostHeld)),
        world_(*spec.model, places_of(*spec.model, spec.pus), package_of_node(*spec.model, spec.home_node),
               memory_.bytes()),
        system_(world_),
        core_(build, facts, memory_.bytes(), spec.rules),
        machines_(facts.cpus.size()) {}

  void begin() override {
    world_.run([this](unsigned cpu) {
      machines_[cpu] = std::make_unique<Simulator>(system_, cpu);
      core_.boot(*machines_[cpu]);
    });
    for (unsigned cpu = 0; cpu < machines_.size(); ++cpu) {
      begin_.push_back(core_.tally(cpu));
      start_ns_ = std::max(start_ns_, machines_[cpu]->now() + 1);
    }
    lines_ = world_.statistics();
  }

  void run(const Chunk& chunk) override {
    world_.run([&](unsigned cpu) {
      Simulator& m = *machines_[cpu];
      core_.run(m, chunk, [&](std::uint64_t when_ns) {
        using machine::simulator::kPsPerNs;
        for (const std::uint64_t end = start_ns_ + when_ns; m.now() < end;)
          m.think((end - m.now()) * kPsPerNs / world_.costs().tick + 1);
      });
    });
  }

  ReplayResult finish() override {
    const auto lines = since(world_.statistics(), lines_);
    std::uint64_t end_ns = 0;
    for (const auto& machine : machines_) end_ns = std::max(end_ns, machine->now());
    world_.run([this](unsigned cpu) { core_.settle(*machines_[cpu]); });
    ReplayResult result = gather_result(core_, begin_, machines_);
    result.span_ns = end_ns - start_ns_;
    result.lines = lines;
    world_.run([this](unsigned cpu) { core_.finish(*machines_[cpu]); });
    std::uint64_t queued = 0;
    for (const auto& machine : machines_) queued += machine->ipi_tally().queued;
    // Loads values only, but in virtual time like everything: on CPU 0's fiber.
    world_.run([&](unsigned cpu) {
      if (cpu == 0) result.audit = core_.audit(*machines_[0], queued);
    });
    return result;
  }

 private:
  // Address space, not memory.
  static constexpr std::uint64_t kMostHeld = 1 << 20;

  Arena memory_;
  machine::simulator::World world_;
  Simulator::System system_;
  ReplayCore<Simulator> core_;
  std::vector<std::unique_ptr<Simulator>> machines_;
  std::vector<kernel::Tally> begin_;
  std::uint64_t start_ns_ = 0;
  machine::simulator::Statistics lines_;
};

// On real CPUs, as fast as they go.
class SiliconReplay final : public Replay {
 public:
  SiliconReplay(const kernel::Build<Silicon>& build, const ReplaySpec& spec, const Facts& facts)
      : pool_(*spec.pool),
        pus_(spec.pus),
        memory_(ReplayCore<Silicon>::memory_bytes(build, facts, kMostHeld), spec.home_node),
        transport_(
            machine::silicon::make_transport(spec.transport, static_cast<unsigned>(facts.cpus.size()))),
        system_(static_cast<unsigned>(facts.cpus.size()), *transport_),
        core_(build, facts, memory_.bytes(), spec.rules),
        machines_(facts.cpus.size()) {}

  void begin() override {
    on_all([this](unsigned cpu) {
      machines_[cpu] = std::make_unique<Silicon>(system_, cpu, pus_[cpu]);
      core_.boot(*machines_[cpu]);
    });
    for (unsigned cpu = 0; cpu < machines_.size(); ++cpu) begin_.push_back(core_.tally(cpu));
  }

  void run(const Chunk& chunk) override {
    const std::uint64_t begin = machines_[0]->now();
    on_all([&](unsigned cpu) { core_.run(*machines_[cpu], chunk, [](std::uint64_t) {}); });
    span_ns_ += machines_[0]->now() - begin;
  }

  ReplayResult finish() override {
    on_all([this](unsigned cpu) { core_.settle(*machines_[cpu]); });
    ReplayResult result = gather_result(core_, begin_, machines_);
    result.span_ns = span_ns_;
    on_all([this](unsigned cpu) {
      core_.finish(*machines_[cpu]);
      // On the CPU's own thread: a signal that is still on its way must not find the Machine gone.
      transport_->detach(cpu);
    });
    std::uint64_t queued = 0;
    for (const auto& machine : machines_) queued += machine->ipi_tally().queued;
    result.audit = core_.audit(*machines_[0], queued);
    return result;
  }

 private:
  // This memory is there from the start.
  static constexpr std::uint64_t kMostHeld = 4096;
  // For one chunk, which takes milliseconds: only a bug or a CPU that was taken away reaches it.
  static constexpr std::chrono::minutes kPatience{2};

  template <class Body>
  void on_all(Body&& body) {
    pool_.run(pus_, body, kPatience);
  }

  machine::silicon::Pool& pool_;
  const std::vector<unsigned> pus_;
  machine::silicon::HomeMemory memory_;
  std::unique_ptr<machine::silicon::Transport> transport_;
  Silicon::System system_;
  ReplayCore<Silicon> core_;
  std::vector<std::unique_ptr<Silicon>> machines_;
  std::vector<kernel::Tally> begin_;
  std::uint64_t span_ns_ = 0;
};

}  // namespace

std::unique_ptr<Replay> make_replay(const ReplaySpec& spec, const Facts& facts) {
  if (spec.model != nullptr)
    return std::make_unique<SimulatorReplay>(
        workload::build_by_name<Simulator>(spec.scheme, spec.lifecycle, spec.options), spec, facts);
  return std::make_unique<SiliconReplay>(
      workload::build_by_name<Silicon>(spec.scheme, spec.lifecycle, spec.options), spec, facts);
}

}  // namespace mmscale::trace
