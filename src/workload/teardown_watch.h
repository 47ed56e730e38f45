// SPDX-License-Identifier: MIT
//
// Times the steps of teardown_program() on real CPUs, as a Load: with and without the oracle.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "machine/silicon/clock.h"
#include "workload/engine_load.h"
#include "workload/interruptions.h"
#include "workload/silicon_world.h"
#include "workload/teardown_load.h"

namespace mmscale::workload {

// How often a CPU frees what the scheme postponed: Linux's tick at HZ=1000.
inline constexpr std::uint64_t kTeardownTickNs = 1'000'000;

template <class M>
class TeardownWatch : public Watch<M> {
 public:
  TeardownWatch(const TeardownSpec& spec, std::size_t slots, TeardownObserver* observer)
      : spec_(spec), observer_(observer), died_ns_(slots), locals_(spec.cpus) {}

  void begin(M& m) override {
    locals_[m.cpu()] = std::make_unique<Local>();
    if (m.cpu() == 0) locals_[0]->freed_within.reserve(died_ns_.size());
    locals_[m.cpu()]->interruptions.calibrate(m);
  }

  // A borrower idles where it waits for the drop, and lingers.
  bool take(M& m, const BoundStep<M>& step) override {
    const bool idles = spec_.idle_exit.count() != 0 && spec_.borrows(m.cpu()) &&
                       (step.op == Op::await_event || step.op == Op::think);
    if (idles) m.idle_state(static_cast<std::uint32_t>(spec_.idle_exit.count()));
    const bool goes_on = watched(m, step);
    if (idles) m.idle_state(0);
    return goes_on;
  }

  void drain(M& m, kernel::Cpu<M>& cpu) override {
    const std::uint64_t begin = machine::silicon::ticks();
    cpu.system->scheme.drain(m, cpu, kernel::Drain::tick);
    if (observer_ != nullptr) observer_->drained(m.cpu(), machine::silicon::ticks() - begin);
  }

  // CPU 0 counts what it freed within the drop as freed at its end.
  void freed(M& m, kernel::Mm<M>* mm) override {
    std::atomic<std::uint64_t>& died_ns = died_ns_[this->engine().slot_of(mm)].ns;
    const std::uint64_t died = died_ns.load(std::memory_order_relaxed);
    // Not ended by a drop: a CPU's own mm, whose end is the run's.
    if (died == 0) return;
    died_ns.store(0, std::memory_order_relaxed);
    Local& local = *locals_[m.cpu()];
    if (local.dropping) {
      // Without a look at the clock: it would be in the time of the drop.
      local.freed_within.push_back(died);
      return;
    }
    held_.fetch_sub(1, std::memory_order_relaxed);
    if (observer_ != nullptr) observer_->freed(m.cpu(), machine::silicon::now_ns() - died);
  }

 private:
  bool watched(M& m, const BoundStep<M>& step) {
    Local& local = *locals_[m.cpu()];
    switch (step.op) {
      case Op::put_user:
        drop(m, local);
        return true;
      case Op::signal: {
        const bool goes_on = this->engine().take(m, step);
        if (m.cpu() == 0) tell_drop(local);
        return goes_on;
      }
      case Op::await_birth:
      case Op::await_event: {
        const auto awaited = this->engine().awaited_by(m, step);
        if (step.op == Op::await_birth || m.cpu() == 0) {
          while (!awaited.come(m)) idle_turn(m, local);
          return this->engine().take(m, step);
        }
        std::uint64_t lost = 0;
        {
          kernel::rcu::Idle<M> idle(m, this->engine().local(m).cpu);
          lost = local.interruptions.spin_until(m, [&] { return awaited.come(m); });
        }
        if (!this->engine().take(m, step)) return false;
        if (observer_ != nullptr && spec_.in_mask(m.cpu()) == (spec_.borrowers + spec_.mask_only > 0))
          observer_->interrupted(m.cpu(), lost);
        return true;
      }
      case Op::think:
        for (const std::uint64_t until =
                 machine::silicon::now_ns() + static_cast<std::uint64_t>(spec_.linger.count());
             machine::silicon::now_ns() < until;)
          idle_turn(m, local);
        return true;
      case Op::tick:
        tick(m, local);
        return true;
      default:
        return this->engine().take(m, step);
    }
  }

  struct alignas(machine::kApart) Local {
    Interruptions interruptions;
    std::uint64_t last_tick_ns = machine::silicon::now_ns();
    // CPU 0: the last drop's length; whether it is within one, and when the mms died that it freed there itself.
    std::uint64_t dropped_ticks = 0;
    bool dropping = false;
    std::vector<std::uint64_t> freed_within;
  };

  // CPU 0, as somebody who had looked into the process (get_task_mm) does after its threads are gone.
  void drop(M& m, Local& local) {
    auto& cpu = this->engine().local(m).cpu;
    auto& hands = this->engine().local(m).hands;
    held_.fetch_add(1, std::memory_order_relaxed);
    local.freed_within.clear();
    local.dropping = true;
    died_ns_[this->engine().slot_of(hands.used)].ns.store(machine::silicon::now_ns(),
                                                          std::memory_order_relaxed);
    const std::uint64_t begin = machine::silicon::ticks();
    put_user(m, cpu, hands);
    local.dropped_ticks = machine::silicon::ticks() - begin;
    local.dropping = false;
  }

  void tell_drop(Local& local) {
    const std::uint64_t freed_ns = machine::silicon::now_ns();
    const auto freed = static_cast<std::int64_t>(local.freed_within.size());
    const std::int64_t held = held_.fetch_sub(freed, std::memory_order_relaxed) - freed;
    if (observer_ == nullptr) return;
    observer_->dropped(local.dropped_ticks);
    for (const std::uint64_t died : local.freed_within) observer_->freed(0, freed_ns - died);
    observer_->held(held);
  }

  // What a CPU does over and over while it waits: interrupts on, and its tick.
  void idle_turn(M& m, Local& local) {
    {
      kernel::rcu::Idle<M> idle(m, this->engine().local(m).cpu);
      m.take_interrupts();
      m.pause();
    }
    tick(m, local);
  }

  void tick(M& m, Local& local) {
    kernel::Cpu<M>& cpu = this->engine().local(m).cpu;
    if (!cpu.system->scheme.drains) return;
    const std::uint64_t now = machine::silicon::now_ns();
    if (now - local.last_tick_ns < kTeardownTickNs) return;
    local.last_tick_ns = now;
    drain(m, cpu);
  }

  struct Died {
    std::atomic<std::uint64_t> ns{0};
  };

  const TeardownSpec spec_;
  TeardownObserver* const observer_;
  // When each slot's mm lost its last user; 0 while it has one.
  std::vector<Died> died_ns_;
  std::vector<std::unique_ptr<Local>> locals_;
  alignas(machine::kApart) std::atomic<std::int64_t> held_{0};
};

// The load is its own watch.
template <class M>
class TeardownLoad final : private TeardownWatch<M>, public EngineLoad<M, SiliconWorld<M>> {
 public:
  TeardownLoad(const kernel::Build<M>& build, const SiliconSpec& silicon, const TeardownSpec& spec,
               TeardownObserver* observer)
      : TeardownWatch<M>(spec, slots(build, spec), observer),
        TeardownLoad::EngineLoad(build, teardown_program(spec), silicon.rules, run_steps<kernel::ByTable, M>,
                                 this, silicon.home_node, silicon.transport) {}

 private:
  static std::size_t slots(const kernel::Build<M>& build, const TeardownSpec& spec) {
    return Engine<M>::memory_bytes(build, teardown_program(spec)) / kernel::Mm<M>::bytes(spec.cpus, build);
  }
};

}  // namespace mmscale::workload
