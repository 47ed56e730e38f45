// SPDX-License-Identifier: MIT
//
// Replays in the two worlds that have a clock.
#include "trace/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "trace/replay_core.h"
#include "trace/replay_watch.h"
#include "workload/build_by_name.h"
#include "workload/silicon_world.h"
#include "workload/simulator_world.h"

namespace mmscale::trace {
namespace {

using Silicon = machine::silicon::Silicon<workload::kAlwaysChecking>;
using Simulator = workload::SimulatorWorld::Machine;

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

// What both worlds' results have in common.
template <class Machine>
ReplayResult gather_result(const ReplayCore<Machine>& core, const std::vector<kernel::Tally>& begin,
                           const std::vector<std::unique_ptr<Machine>>& machines) {
  ReplayResult result;
  for (unsigned cpu = 0; cpu < machines.size(); ++cpu) {
    result.cpus.push_back(workload::tally_of(core.tally(cpu), *machines[cpu]).since(begin[cpu]));
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
      : world_(ReplayCore<Simulator>::memory_bytes(build, facts, kMostHeld),
               static_cast<unsigned>(facts.cpus.size()), *spec.model, places_of(*spec.model, spec.pus),
               package_of_node(*spec.model, spec.home_node)),
        core_(build, facts, world_.bytes(), spec),
        machines_(facts.cpus.size()),
        spec_(spec),
        trace_cpus_(facts.cpus) {}
  ~SimulatorReplay() override { world_.watch_calls(nullptr); }

  void begin() override {
    world_.fibers().run([this](unsigned cpu) {
      machines_[cpu] = world_.machine(cpu, cpu);
      core_.boot(*machines_[cpu]);
    });
    for (unsigned cpu = 0; cpu < machines_.size(); ++cpu) {
      begin_.push_back(core_.tally(cpu));
      start_ns_ = std::max(start_ns_, machines_[cpu]->now() + 1);
    }
    lines_ = world_.fibers().statistics();
    if (spec_.timeline == nullptr) return;
    watch_.emplace(*spec_.timeline, spec_.process, fmt::format("{} ({})", spec_.scheme, spec_.lifecycle),
                   trace_cpus_, core_, machines_, start_ns_);
    world_.watch_calls(&*watch_);
  }

  void run(const Chunk& chunk) override {
    world_.fibers().run([&](unsigned cpu) {
      Simulator& m = *machines_[cpu];
      const auto sleep = [&](std::uint64_t when_ns) {
        using machine::simulator::kPsPerNs;
        for (const std::uint64_t end = start_ns_ + when_ns; m.now() < end;)
          m.think((end - m.now()) * kPsPerNs / world_.fibers().costs().tick + 1);
      };
      core_.run(m, chunk, sleep, watch_ ? &*watch_ : nullptr);
    });
    if (watch_) watch_->flush();
  }

  ReplayResult finish() override {
    const auto lines = since(world_.fibers().statistics(), lines_);
    std::uint64_t end_ns = 0;
    for (const auto& machine : machines_) end_ns = std::max(end_ns, machine->now());
    world_.fibers().run([this](unsigned cpu) { core_.settle(*machines_[cpu]); });
    ReplayResult result = gather_result(core_, begin_, machines_);
    result.span_ns = end_ns - start_ns_;
    result.lines = lines;
    if (watch_) watch_->finish(result.sum);
    world_.watch_calls(nullptr);
    watch_.reset();
    world_.fibers().run([this](unsigned cpu) { core_.finish(*machines_[cpu]); });
    result.audit = world_.on_cpu_0<std::vector<std::string>>(
        [this] { return core_.audit(*machines_[0], workload::queued_by(machines_)); });
    return result;
  }

 private:
  // Address space, not memory.
  static constexpr std::uint64_t kMostHeld = 1 << 20;

  workload::SimulatorWorld world_;
  ReplayCore<Simulator> core_;
  std::vector<std::unique_ptr<Simulator>> machines_;
  std::vector<kernel::Tally> begin_;
  std::uint64_t start_ns_ = 0;
  const ReplaySpec spec_;
  const std::vector<std::uint32_t> trace_cpus_;
  std::optional<ReplayWatch<Simulator>> watch_;
  machine::simulator::Statistics lines_;
};

// On real CPUs, as fast as they go.
class SiliconReplay final : public Replay {
 public:
  SiliconReplay(const kernel::Build<Silicon>& build, const ReplaySpec& spec, const Facts& facts)
      : pool_(*spec.pool),
        pus_(spec.pus),
        world_(ReplayCore<Silicon>::memory_bytes(build, facts, kMostHeld),
               static_cast<unsigned>(facts.cpus.size()), spec.home_node, spec.transport),
        core_(build, facts, world_.bytes(), spec),
        machines_(facts.cpus.size()) {}

  void begin() override {
    on_all([this](unsigned cpu) {
      machines_[cpu] = world_.machine(cpu, pus_[cpu]);
      core_.boot(*machines_[cpu]);
    });
    for (unsigned cpu = 0; cpu < machines_.size(); ++cpu) begin_.push_back(core_.tally(cpu));
  }

  void run(const Chunk& chunk) override {
    const std::uint64_t begin = machines_[0]->now();
    constexpr NoWatch* kNobody = nullptr;
    on_all([&](unsigned cpu) {
      core_.run(
          *machines_[cpu], chunk, [](std::uint64_t) {}, kNobody);
    });
    span_ns_ += machines_[0]->now() - begin;
  }

  ReplayResult finish() override {
    on_all([this](unsigned cpu) { core_.settle(*machines_[cpu]); });
    ReplayResult result = gather_result(core_, begin_, machines_);
    result.span_ns = span_ns_;
    on_all([this](unsigned cpu) {
      core_.finish(*machines_[cpu]);
      world_.detach(cpu);
    });
    result.audit = core_.audit(*machines_[0], workload::queued_by(machines_));
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
  workload::SiliconWorld<Silicon> world_;
  ReplayCore<Silicon> core_;
  std::vector<std::unique_ptr<Silicon>> machines_;
  std::vector<kernel::Tally> begin_;
  std::uint64_t span_ns_ = 0;
};

}  // namespace

std::unique_ptr<Replay> make_replay(const ReplaySpec& spec, const Facts& facts) {
  if (spec.model != nullptr)
    return std::make_unique<SimulatorReplay>(
        workload::build_by_name<Simulator>(spec.scheme, spec.lifecycle, spec.settings.options), spec, facts);
  return std::make_unique<SiliconReplay>(
      workload::build_by_name<Silicon>(spec.scheme, spec.lifecycle, spec.settings.options), spec, facts);
}

}  // namespace mmscale::trace
