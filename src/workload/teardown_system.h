// SPDX-License-Identifier: MIT
//
// An emulated system whose CPU 0 ends one address space after the other, on real CPUs, as a Load: with and without the
// oracle.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernel/context_switch.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "kernel/lazy.h"
#include "kernel/mm_life.h"
#include "machine/silicon/clock.h"
#include "machine/silicon/home_memory.h"
#include "machine/silicon/silicon.h"
#include "machine/silicon/transport.h"
#include "workload/close_books.h"
#include "workload/interruptions.h"
#include "workload/led_rounds.h"
#include "workload/teardown_load.h"

namespace mmscale::workload {

// How often a CPU frees what the scheme postponed: Linux's tick at HZ=1000.
inline constexpr std::uint64_t kTeardownTickNs = 1'000'000;

// Mms that may be dead and not freed, beyond what the scheme says it holds back, before CPU 0 waits for some
// to be freed. Only a scheme that frees when others get round to it comes near.
inline constexpr unsigned kTeardownSpare = 64;

template <class Machine>
class TeardownSystem final : public Load {
 public:
  using Cpu = kernel::Cpu<Machine>;
  using Task = kernel::Task<Machine>;
  using Mm = kernel::Mm<Machine>;

  TeardownSystem(const kernel::Build<Machine>& build, const SiliconSpec& silicon, const TeardownSpec& spec,
                 TeardownObserver* observer)
      : spec_(spec),
        observer_(observer),
        memory_(kernel::MmSlab<Machine>::bytes(build, spec.cpus, slots(build, spec.cpus)), silicon.home_node),
        slot_bytes_(Mm::bytes(spec.cpus, build)),
        died_ns_(memory_.bytes().size() / slot_bytes_),
        transport_(machine::silicon::make_transport(silicon.transport, spec.cpus)),
        machine_system_(spec.cpus, *transport_),
        system_(build, spec.cpus, memory_.bytes(), silicon.rules),
        locals_(spec.cpus),
        rounds_(spec.cpus) {
    if (spec.cpus < 2 || spec.borrowers + spec.mask_only >= spec.cpus)
      throw std::invalid_argument(
          fmt::format("teardown: {} borrowers and {} CPUs in the mask only, among {} CPUs, one of "
                      "which drops",
                      spec.borrowers, spec.mask_only, spec.cpus));
    system_.mm_freed = [](void* self, Machine& m, Mm* mm) {
      static_cast<TeardownSystem*>(self)->note_freed(m, mm);
    };
    system_.mm_freed_context = this;
  }

  unsigned cpus() const override { return spec_.cpus; }
  std::uint32_t switches_per_round(unsigned) const override { return 0; }
  kernel::Tally tally(unsigned cpu) const override { return locals_[cpu]->cpu.tally; }
  void stop(unsigned) override { rounds_.stop(); }

  // Every CPU runs a user task of its own, in an mm that nobody else knows.
  void boot(unsigned cpu, unsigned os_cpu) override {
    locals_[cpu] = std::make_unique<Local>(machine_system_, system_, cpu, os_cpu);
    Local& local = *locals_[cpu];
    if (cpu == 0) local.freed_within.reserve(died_ns_.size());
    rendezvous(local);
    give_mm(local, local.home, kernel::mm_alloc(local.m, local.cpu, 1));
    kernel::schedule(local.m, local.cpu, local.home);
    local.interruptions.calibrate(local.m);
    rendezvous(local);
  }

  bool run(unsigned cpu, std::uint64_t rounds) override {
    Local& local = *locals_[cpu];
    for (; rounds != 0; --rounds)
      if (!(cpu == 0 ? lead(local) : follow(local))) return false;
    return true;
  }

  void finish(unsigned cpu) override {
    Local& local = *locals_[cpu];
    Machine& m = local.m;
    if (cpu == 0) {
      rounds_.end([&] { idle_turn(local); });
    } else {
      while (follow(local)) {
      }
    }
    // Frees from here on belong to the end of the run and are told to nobody.
    rendezvous(local);
    kernel::do_exit(m, local.cpu);
    rendezvous(local);
    Mm* borrowed = m.load(local.cpu.idle.active_mm, std::memory_order_relaxed);
    if (borrowed != &system_.init_mm) kernel::unlazy(m, local.cpu, borrowed);
    rendezvous(local);
    system_.scheme.drain(m, local.cpu, kernel::Drain::end);
    rendezvous(local);
    transport_->detach(cpu);
  }

  std::vector<std::string> audit() override {
    std::uint64_t queued = 0;
    for (const auto& local : locals_) queued += local->m.ipi_tally().queued;
    return close_books(locals_[0]->m, system_, queued);
  }

 private:
  // What one CPU owns, allocated by its own thread.
  struct Local {
    Local(typename Machine::System& machines, kernel::System<Machine>& system, unsigned number,
          unsigned os_cpu)
        : m(machines, number, os_cpu), cpu(m, system) {}
    Machine m;
    Cpu cpu;
    // The task of this CPU's own process, and its thread in the process that is ended.
    Task home;
    Task victim;
    Interruptions interruptions;
    std::uint64_t last_tick_ns = machine::silicon::now_ns();
    // CPU 0: whether it is within the drop, and when the mms died that it freed there itself.
    bool dropping = false;
    std::vector<std::uint64_t> freed_within;
  };

  static unsigned slots(const kernel::Build<Machine>& build, unsigned cpus) {
    return cpus + cpus * build.scheme.held_back_per_cpu + kTeardownSpare;
  }

  bool borrows(unsigned cpu) const { return cpu >= 1 && cpu <= spec_.borrowers; }
  bool in_mask(unsigned cpu) const { return cpu >= 1 && cpu <= spec_.borrowers + spec_.mask_only; }

  std::atomic<std::uint64_t>& died_ns(const Mm* mm) {
    const auto offset = reinterpret_cast<const std::byte*>(mm) - memory_.bytes().data();
    return died_ns_[static_cast<std::size_t>(offset) / slot_bytes_].ns;
  }

  // CPU 0's round: bears a process, lets its threads run and die on the CPUs of its mask, and drops the last
  // user, as somebody who had looked into the process (get_task_mm) does after its threads are gone.
  bool lead(Local& local) {
    Machine& m = local.m;
    const auto wait = [&] { idle_turn(local); };
    Mm* mm = nullptr;
    if (!rounds_.lead([&] { wait(); }, [&] { mm = bear(local); })) return false;
    while (arrived_.load(std::memory_order_acquire) != (round_ + 1) * (cpus() - 1)) wait();

    held_.fetch_add(1, std::memory_order_relaxed);
    local.freed_within.clear();
    local.dropping = true;
    died_ns(mm).store(machine::silicon::now_ns(), std::memory_order_relaxed);
    const std::uint64_t begin = machine::silicon::ticks();
    kernel::mmput(m, local.cpu, mm);
    const std::uint64_t end = machine::silicon::ticks();
    local.dropping = false;
    dropped_.store(++round_, std::memory_order_release);

    const std::uint64_t freed_ns = machine::silicon::now_ns();
    const auto freed = static_cast<std::int64_t>(local.freed_within.size());
    const std::int64_t held = held_.fetch_sub(freed, std::memory_order_relaxed) - freed;
    if (observer_ != nullptr) {
      observer_->dropped(end - begin);
      for (const std::uint64_t died : local.freed_within) observer_->freed(0, freed_ns - died);
      observer_->held(held);
    }
    tick(local);
    return true;
  }

  // Any other CPU's.
  bool follow(Local& local) {
    Machine& m = local.m;
    const unsigned cpu = m.cpu();
    if (!rounds_.follow(cpu, [&] { idle_turn(local); })) return false;
    const std::uint64_t this_round = rounds_.followed(cpu) + 1;
    if (in_mask(cpu)) {
      // The thread runs, and exits: its CPU idles, lazily on the mm that it left.
      kernel::schedule(m, local.cpu, local.victim);
      kernel::do_exit(m, local.cpu);
      if (!borrows(cpu)) kernel::schedule(m, local.cpu, local.home);
    }
    arrived_.fetch_add(1, std::memory_order_release);
    const std::uint64_t lost = local.interruptions.spin_until(
        m, [&] { return dropped_.load(std::memory_order_acquire) >= this_round; });
    if (observer_ != nullptr && in_mask(cpu) == (spec_.borrowers + spec_.mask_only > 0))
      observer_->interrupted(cpu, lost);
    if (borrows(cpu)) {
      linger(local);
      kernel::schedule(m, local.cpu, local.home);
    }
    tick(local);
    rounds_.done(cpu);
    return true;
  }

  // A process with a thread on each CPU of its mask, and CPU 0 as a user besides.
  Mm* bear(Local& local) {
    const auto users = static_cast<std::int32_t>(1 + spec_.borrowers + spec_.mask_only);
    Mm* mm = kernel::mm_alloc(local.m, local.cpu, users);
    while (mm == nullptr) {
      drain(local);
      idle_turn(local);
      mm = kernel::mm_alloc(local.m, local.cpu, users);
    }
    for (unsigned cpu = 1; cpu < cpus(); ++cpu)
      if (in_mask(cpu)) give_mm(local, locals_[cpu]->victim, mm);
    return mm;
  }

  static void give_mm(Local& local, Task& task, Mm* mm) {
    task.mm = mm;
    local.m.store(task.active_mm, mm, std::memory_order_relaxed);
  }

  void linger(Local& local) {
    if (spec_.linger.count() == 0) return;
    const std::uint64_t until = machine::silicon::now_ns() + static_cast<std::uint64_t>(spec_.linger.count());
    while (machine::silicon::now_ns() < until) idle_turn(local);
  }

  // What a CPU does over and over while it waits: interrupts on, and its tick.
  void idle_turn(Local& local) {
    local.m.take_interrupts();
    local.m.pause();
    tick(local);
  }

  void tick(Local& local) {
    if (system_.scheme.drains) {
      const std::uint64_t now = machine::silicon::now_ns();
      if (now - local.last_tick_ns < kTeardownTickNs) return;
      local.last_tick_ns = now;
      drain(local);
    }
  }

  void drain(Local& local) {
    const std::uint64_t begin = machine::silicon::ticks();
    system_.scheme.drain(local.m, local.cpu, kernel::Drain::tick);
    if (observer_ != nullptr) observer_->drained(local.m.cpu(), machine::silicon::ticks() - begin);
  }

  // Called by whatever frees an mm, interrupts off. CPU 0 counts what it freed within the drop as freed at
  // its end.
  void note_freed(Machine& m, Mm* mm) {
    Local& local = *locals_[m.cpu()];
    const std::uint64_t died = died_ns(mm).load(std::memory_order_relaxed);
    // A CPU's own mm, whose end is the run's.
    if (died == 0) return;
    died_ns(mm).store(0, std::memory_order_relaxed);
    if (local.dropping) {
      // Without a look at the clock: it would be in the time of the drop.
      local.freed_within.push_back(died);
      return;
    }
    held_.fetch_sub(1, std::memory_order_relaxed);
    if (observer_ != nullptr) observer_->freed(m.cpu(), machine::silicon::now_ns() - died);
  }

  void rendezvous(Local& local) {
    const std::uint64_t n = cpus();
    const std::uint64_t all = (arrivals_.fetch_add(1, std::memory_order_acq_rel) / n + 1) * n;
    local.m.spin_until(arrivals_, [all](std::uint64_t arrivals) { return arrivals >= all; });
  }

  struct alignas(sizeof(std::uint64_t)) Died {
    std::atomic<std::uint64_t> ns{0};
  };

  const TeardownSpec spec_;
  TeardownObserver* const observer_;
  machine::silicon::HomeMemory memory_;
  const std::size_t slot_bytes_;
  // When each slot's mm lost its last user; 0 while it has one.
  std::vector<Died> died_ns_;
  std::unique_ptr<machine::silicon::Transport> transport_;
  typename Machine::System machine_system_;
  kernel::System<Machine> system_;
  std::vector<std::unique_ptr<Local>> locals_;
  LedRounds rounds_;
  // CPU 0: rounds done.
  std::uint64_t round_ = 0;
  alignas(machine::kApart) std::atomic<std::uint64_t> arrived_{0};
  alignas(machine::kApart) std::atomic<std::uint64_t> dropped_{0};
  alignas(machine::kApart) std::atomic<std::int64_t> held_{0};
  alignas(machine::kApart) std::atomic<std::uint64_t> arrivals_{0};
};

}  // namespace mmscale::workload
