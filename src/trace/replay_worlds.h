// SPDX-License-Identifier: MIT
//
// Replays in the two worlds that have a clock. A template for the translation units that instantiate it, one
// for each lifecycle (src/CMakeLists.txt).
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "machine/silicon/home_memory.h"
#include "machine/silicon/silicon.h"
#include "machine/silicon/transport.h"
#include "machine/simulator/simulator.h"
#include "trace/replay_core.h"
#include "trace/replay_under.h"
#include "workload/always_checking.h"

namespace mmscale::trace {

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
template <class K>
ReplayResult gather_result(const ReplayCore<K>& core, const std::vector<kernel::Tally>& begin,
                           const std::vector<std::unique_ptr<typename K::Machine>>& machines) {
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
template <class K>
class SimulatorReplay final : public Replay {
 public:
  using Machine = typename K::Machine;

  SimulatorReplay(const ReplaySpec& spec, const Facts& facts)
      : memory_(ReplayCore<K>::memory_bytes(facts, kMostHeld)),
        world_(*spec.model, places_of(*spec.model, spec.pus), package_of_node(*spec.model, spec.home_node),
               memory_.bytes()),
        system_(world_),
        core_(facts, memory_.bytes(), spec.rules),
        machines_(facts.cpus.size()) {}

  void begin() override {
    world_.run([this](unsigned cpu) {
      machines_[cpu] = std::make_unique<Machine>(system_, cpu);
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
      Machine& m = *machines_[cpu];
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
  typename Machine::System system_;
  ReplayCore<K> core_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<kernel::Tally> begin_;
  std::uint64_t start_ns_ = 0;
  machine::simulator::Statistics lines_;
};

// On real CPUs, as fast as they go.
template <class K>
class SiliconReplay final : public Replay {
 public:
  using Machine = typename K::Machine;

  SiliconReplay(const ReplaySpec& spec, const Facts& facts)
      : pool_(*spec.pool),
        pus_(spec.pus),
        memory_(ReplayCore<K>::memory_bytes(facts, kMostHeld), spec.home_node),
        transport_(
            machine::silicon::make_transport(spec.transport, static_cast<unsigned>(facts.cpus.size()))),
        system_(static_cast<unsigned>(facts.cpus.size()), *transport_),
        core_(facts, memory_.bytes(), spec.rules),
        machines_(facts.cpus.size()) {}

  void begin() override {
    on_all([this](unsigned cpu) {
      machines_[cpu] = std::make_unique<Machine>(system_, cpu, pus_[cpu]);
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
  typename Machine::System system_;
  ReplayCore<K> core_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<kernel::Tally> begin_;
  std::uint64_t span_ns_ = 0;
};

template <class Lifecycle>
std::unique_ptr<Replay> make_replay_under(const ReplaySpec& spec, const Facts& facts) {
  using machine::silicon::Silicon;
  using machine::simulator::Simulator;
  std::unique_ptr<Replay> replay;
  ReplaySchemes::for_each([&]<class Scheme> {
    if (Scheme::kInfo.name != spec.scheme) return;
    if (spec.model != nullptr)
      replay =
          std::make_unique<SimulatorReplay<kernel::Build<Simulator<false>, Scheme, Lifecycle>>>(spec, facts);
    else
      replay = std::make_unique<
          SiliconReplay<kernel::Build<Silicon<workload::kAlwaysChecking>, Scheme, Lifecycle>>>(spec, facts);
  });
  return replay;
}

}  // namespace mmscale::trace
