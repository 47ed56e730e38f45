// SPDX-License-Identifier: MIT
#include "workload/ipi_load.h"

#include <fmt/format.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "machine/silicon/clock.h"
#include "machine/silicon/silicon.h"
#include "machine/silicon/transport.h"
#include "workload/rendezvous.h"

namespace mmscale::workload {
namespace {

using Machine = machine::silicon::Silicon<false>;

// Steps of a target's round: some 10 ns each.
constexpr int kTargetSteps = 64;

class IpiLoad final : public Load {
 public:
  IpiLoad(const IpiSpec& spec, IpiObserver observer)
      : does_(target_does(spec.transport)),
        observer_(std::move(observer)),
        transport_(machine::silicon::make_transport(spec.transport, spec.cpus)),
        system_(spec.cpus, *transport_),
        targets_(spec.cpus),
        machines_(spec.cpus),
        handled_(spec.cpus) {
    if (spec.targets == 0 || spec.targets >= spec.cpus)
      throw std::invalid_argument(
          fmt::format("ipi: {} targets among {} CPUs, one of which calls", spec.targets, spec.cpus));
    for (unsigned cpu = 1; cpu <= spec.targets; ++cpu) targets_.set(cpu);
  }

  unsigned cpus() const override { return static_cast<unsigned>(machines_.size()); }

  void boot(unsigned cpu, unsigned os_cpu) override {
    machines_[cpu] = std::make_unique<Machine>(system_, cpu, os_cpu);
    machines_[cpu]->set_percpu(&handled_[cpu]);
    rendezvous_.meet(*machines_[cpu]);
  }

  bool run(unsigned cpu, std::uint64_t rounds) override {
    if (cpu == 0)
      call(rounds);
    else if (does_ == TargetDoes::compute)
      compute(rounds);
    else
      pass_enable_points(*machines_[cpu], rounds);
    return true;
  }

  // All targets serve until the last call has returned.
  void finish(unsigned cpu) override {
    rendezvous_.meet(*machines_[cpu]);
    transport_->detach(cpu);
  }

  std::vector<std::string> audit() override {
    std::uint64_t handled = 0;
    for (const Handled& h : handled_) handled += h.requests;
    const std::uint64_t queued = machines_[0]->ipi_tally().queued;
    if (handled == queued) return {};
    return {fmt::format("IPIs handled, against queued: {} instead of {}", handled, queued)};
  }

 private:
  struct alignas(machine::kApart) Handled {
    std::uint64_t requests = 0;
  };

  static void handle(Machine& m, void*) { ++static_cast<Handled*>(m.percpu())->requests; }

  void call(std::uint64_t rounds) {
    Machine& m = *machines_[0];
    for (; rounds != 0; --rounds) {
      const std::uint64_t begin = machine::silicon::ticks();
      m.call_many(targets_, handle, nullptr);
      const std::uint64_t end = machine::silicon::ticks();
      if (observer_) observer_(end - begin, m.ipi_tally());
    }
  }

  // No memory is touched and no enable point passed: the handler runs when the interrupt arrives, or not at
  // all.
  static void compute(std::uint64_t rounds) {
    std::uint64_t x = rounds;
    for (std::uint64_t step = 0; step < rounds * kTargetSteps; ++step) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      asm volatile("" : "+r"(x));
    }
  }

  static void pass_enable_points(Machine& m, std::uint64_t rounds) {
    for (std::uint64_t step = 0; step < rounds * kTargetSteps; ++step) {
      m.take_interrupts();
      asm volatile("" ::: "memory");
    }
  }

  const TargetDoes does_;
  const IpiObserver observer_;
  std::unique_ptr<machine::silicon::Transport> transport_;
  Machine::System system_;
  machine::CpuMask targets_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<Handled> handled_;
  Rendezvous<std::atomic<std::uint64_t>> rendezvous_;
};

}  // namespace

TargetDoes target_does(std::string_view transport) {
  return transport == "signal" ? TargetDoes::compute : TargetDoes::enable_points;
}

std::string_view to_string(TargetDoes does) {
  return does == TargetDoes::compute ? "compute" : "enable_points";
}

std::unique_ptr<Load> make_ipi_load(const IpiSpec& spec, IpiObserver observer) {
  return std::make_unique<IpiLoad>(spec, std::move(observer));
}

}  // namespace mmscale::workload
