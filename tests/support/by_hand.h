// SPDX-License-Identifier: MIT
//
// An emulated system whose CPUs a test drives by hand, one call after the other on one thread, under the
// oracle.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernel/build.h"
#include "kernel/context_switch.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/lazy.h"
#include "kernel/lifecycle/powerpc.h"
#include "kernel/mm_life.h"
#include "machine/silicon/silicon.h"
#include "support/inline_transport.h"

namespace mmscale::test {

// What a counted borrow adds to mm_count.
template <class Scheme>
constexpr int kBorrow = Scheme::kCounted ? 1 : 0;

// One of the builds that a typed test runs in.
template <class TheScheme, class TheLifecycle>
struct Build {
  using Scheme = TheScheme;
  using Lifecycle = TheLifecycle;
};

class ByHandSystem {
 public:
  using Machine = machine::silicon::Silicon<true>;
  using Cpu = kernel::Cpu<Machine>;
  using Task = kernel::Task<Machine>;
  using Mm = kernel::Mm<Machine>;

  explicit ByHandSystem(kernel::Build<Machine> build, unsigned cpus = 2, unsigned mms = 4,
                        kernel::Rules rules = {})
      : transport(cpus),
        machines_(cpus, transport),
        memory_(kernel::MmSlab<Machine>::bytes(build, cpus, mms) / sizeof(Block) + 1),
        system(build, cpus, std::as_writable_bytes(std::span(memory_)), rules) {
    for (unsigned n = 0; n < cpus; ++n) {
      machine_.push_back(std::make_unique<Machine>(machines_, n, n));
      cpu_.push_back(std::make_unique<Cpu>(*machine_[n], system));
    }
  }

  Machine& m(unsigned n) { return *machine_[n]; }
  Cpu& cpu(unsigned n) { return *cpu_[n]; }
  Task& idle_task(unsigned n) { return cpu_[n]->idle; }
  Mm* init_mm() { return &system.init_mm; }
  kernel::Atomic<Machine, std::int32_t>& mm_count(Mm* mm) { return mm->mm_count(system.scheme.layout); }

  // A process of these threads, made on CPU `n`; none of them runs yet.
  Mm* fork(std::initializer_list<Task*> threads, unsigned n = 0, bool has_page_tables = true) {
    Mm* mm = kernel::mm_alloc(m(n), cpu(n), static_cast<std::int32_t>(threads.size()), has_page_tables);
    for (Task* task : threads) {
      task->mm = mm;
      task->active_mm = mm;
    }
    return mm;
  }

  void run(unsigned n, Task& next) { kernel::context_switch<kernel::ByTable>(m(n), cpu(n), next); }
  void idle(unsigned n) { run(n, cpu(n).idle); }
  // The current thread of CPU `n` dies, idle follows; true if its process died with it.
  bool exit(unsigned n) { return kernel::do_exit(m(n), cpu(n)); }
  void flush(unsigned n, Mm* mm) { system.lifecycle.flush_tlb_mm(m(n), cpu(n), mm, kernel::Freed::pages); }
  void unlazy(unsigned n, Mm* mm) { kernel::unlazy(m(n), cpu(n), mm); }

  // Takes every CPU, which must run its idle task, to init_mm, and frees what the scheme postponed.
  void drain() {
    for (unsigned n = 0; n < cpu_.size(); ++n)
      if (active(n) != init_mm()) unlazy(n, active(n));
    for (unsigned n = 0; n < cpu_.size(); ++n) system.scheme.drain(m(n), cpu(n), kernel::Drain::end);
  }

  Task* current(unsigned n) { return cpu(n).curr; }
  Mm* active(unsigned n) { return current(n)->active_mm; }
  static bool in_mask(Mm* mm, Cpu& cpu) { return (mm->cpumask(cpu.mask_word) & cpu.mask_bit) != 0; }
  bool in_mask(Mm* mm, unsigned n) { return in_mask(mm, cpu(n)); }
  static bool is_free(Mm* mm) { return (mm->generation & 1u) != 0; }

  kernel::Tally sum() const {
    kernel::Tally tally;
    for (const auto& cpu : cpu_) tally += cpu->tally;
    return tally;
  }

  // What the oracle found, as "CLASS on cpu N in WHERE".
  std::vector<std::string> findings() const {
    std::vector<std::string> lines;
    for (const kernel::Oracle::Finding& finding : system.oracle.findings())
      lines.push_back(std::string(to_string(finding.violation)) + " on cpu " + std::to_string(finding.cpu) +
                      " in " + finding.where);
    return lines;
  }

  InlineTransport transport;

 private:
  struct alignas(machine::kApart) Block {
    std::byte bytes[machine::kApart];
  };

  typename Machine::System machines_;
  std::vector<Block> memory_;

 public:
  kernel::System<Machine> system;

 private:
  std::vector<std::unique_ptr<Machine>> machine_;
  std::vector<std::unique_ptr<Cpu>> cpu_;
};

// The same for a scheme and a lifecycle that are known when the test is compiled, so that their state can be looked at.
template <class Scheme, class Lifecycle = kernel::lifecycle::Powerpc,
          kernel::Options kOptions = kernel::Options{}>
class ByHand : public ByHandSystem {
 public:
  explicit ByHand(unsigned cpus = 2, unsigned mms = 4, kernel::Rules rules = {})
      : ByHandSystem(build(), cpus, mms, rules) {}

  static kernel::Build<Machine> build() { return kernel::build_of<Scheme, Lifecycle, Machine>(kOptions); }

  // What the scheme and the lifecycle keep for CPU `n`.
  auto& scheme(unsigned n) { return kernel::scheme_state<Scheme::template PerCpu>(cpu(n)); }
  auto& lifecycle(unsigned n) { return kernel::arch_state<Lifecycle::template PerCpu>(cpu(n)); }
};

}  // namespace mmscale::test
