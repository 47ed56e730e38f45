// SPDX-License-Identifier: MIT
#include "workload/teardown_load.h"

#include <fmt/format.h>

#include <stdexcept>

#include "workload/build_by_name.h"
#include "workload/teardown_watch.h"

namespace mmscale::workload {
namespace {

using Machine = machine::silicon::Silicon<kAlwaysChecking>;

// Mms that may be dead and not freed, beyond what the scheme says it holds back, before CPU 0 waits for some
// to be freed. Only a scheme that frees when others get round to it comes near.
constexpr unsigned kSpare = 64;

}  // namespace

Program teardown_program(const TeardownSpec& spec) {
  if (spec.cpus < 2 || spec.borrowers + spec.mask_only >= spec.cpus)
    throw std::invalid_argument(
        fmt::format("teardown: {} borrowers and {} CPUs in the mask only, among {} CPUs, one of which drops",
                    spec.borrowers, spec.mask_only, spec.cpus));
  enum : std::uint32_t { kReady, kOver, kEvents };
  Program program;
  program.signals.resize(kEvents);
  program.signals[kReady] = spec.cpus - 1;
  program.signals[kOver] = 1;
  program.max_live_mms = spec.cpus + kSpare;
  // Every CPU has a task of a process of its own; the process that is ended comes after these.
  const std::uint32_t ended = spec.cpus;
  program.processes = spec.cpus + 1;
  for (std::uint32_t cpu = 0; cpu < spec.cpus; ++cpu) program.tasks.push_back({cpu, cpu});

  // CPU 0 drops the last user when all others are ready.
  program.cpus.push_back(
      {.steps =
           {{Op::bear, ended}, {Op::await_event, kReady}, {Op::put_user}, {Op::signal, kOver}, {Op::tick}},
       .before = {{Op::switch_to, 0}}});
  for (std::uint32_t cpu = 1; cpu < spec.cpus; ++cpu) {
    std::vector<Step> steps = {{Op::await_birth, ended}};
    if (spec.in_mask(cpu)) {
      // The thread runs, and exits: its CPU idles, lazily on the mm that it left.
      steps.push_back({Op::switch_to, static_cast<std::uint32_t>(program.tasks.size())});
      program.tasks.push_back({cpu, ended});
      steps.push_back({Op::exit, Step::kNobody});
      if (!spec.borrows(cpu)) steps.push_back({Op::switch_to, cpu});
    }
    steps.push_back({Op::signal, kReady});
    steps.push_back({Op::await_event, kOver});
    if (spec.borrows(cpu)) {
      if (spec.linger.count() != 0) steps.push_back({Op::think});
      steps.push_back({Op::switch_to, cpu});
    }
    steps.push_back({Op::tick});
    program.cpus.push_back({.steps = std::move(steps), .before = {{Op::switch_to, cpu}}});
  }
  return program;
}

std::unique_ptr<Load> make_teardown_load(const SiliconSpec& silicon, const TeardownSpec& spec,
                                         TeardownObserver* observer) {
  const auto build = build_by_name<Machine>(silicon.scheme, silicon.lifecycle, silicon.options);
  return std::make_unique<TeardownLoad<Machine>>(build, silicon, spec, observer);
}

std::size_t mm_slot_bytes(const SiliconSpec& silicon, unsigned cpus) {
  return kernel::Mm<Machine>::bytes(cpus, build_by_name<Machine>(silicon.scheme, silicon.lifecycle));
}

}  // namespace mmscale::workload
