// SPDX-License-Identifier: MIT
//
// A case brought to life: the emulated kernel's own source, with one scheme and one lifecycle, as a program
// for the explorer.
#include "machine/plain_inline.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "check/case.h"
#include "check/program.h"
#include "kernel/membarrier.h"
#include "machine/explorer/explorer.h"
#include "workload/close_books.h"
#include "workload/every_build.h"
#include "workload/take_step.h"

namespace mmscale::check {

namespace {

using Machine = machine::explorer::Explorer;
using Cpu = kernel::Cpu<Machine>;
using Task = kernel::Task<Machine>;
using Mm = kernel::Mm<Machine>;
template <class T>
using Atomic = kernel::Atomic<Machine, T>;

class KernelProgram final : public Program {
 public:
  // `verdicts`: one bit for each kernel::Violation that counts.
  KernelProgram(const kernel::Build<Machine>& build, const Case& the_case, unsigned verdicts)
      : build_(build), case_(the_case), verdicts_(verdicts) {}

  unsigned cpus() const override { return case_.cpus(); }
  bool kernel_atomics() const override { return true; }

  void attach(machine::explorer::World& world) override {
    all_ = std::make_unique<Everything>(build_, case_);
    all_->system.efi_mm = &all_->system.slab.make_init_mm();
    for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
      machines_.push_back(std::make_unique<Machine>(world, cpu));
      cpus_.push_back(std::make_unique<Cpu>(m(cpu), all_->system));
      if (case_.more.preempted_by != Case::kNobody)
        machines_[cpu]->set_preemption(
            [](void* self, unsigned n) { static_cast<KernelProgram*>(self)->preempt(n); }, this);
    }
    std::vector<std::int32_t> users;
    for (const unsigned mm : case_.task_mm) {
      if (users.size() <= mm) users.resize(mm + 1);
      ++users[mm];
    }
    std::vector<Mm*> mms;
    for (std::size_t mm = 0; mm < users.size(); ++mm)
      mms.push_back(kernel::mm_alloc(m(0), cpu(0), users[mm], case_.more.exit_flushes));
    for (std::size_t task = 0; task < case_.task_mm.size(); ++task)
      workload::settle(m(0), all_->tasks[task], mms[case_.task_mm[task]]);
    if (case_.more.registered) m(0).store(mms[0]->membarrier_state, 1u, std::memory_order_relaxed);
    first_mms_ = mms;
    for (const Case::Before& before : case_.before) perform(before.cpu, before.step);
  }

  std::vector<std::span<std::byte>> state() override {
    std::vector<std::span<std::byte>> regions = {
        bytes_of(*all_), std::as_writable_bytes(std::span(all_->memory)), all_->system.online.bytes(),
        all_->system.nohz.idle_cpus_mask.bytes()};
    for (const auto& cpu : cpus_) {
      // Of the rooms behind it what is in use.
      const auto at = reinterpret_cast<std::byte*>(cpu.get());
      regions.push_back({at, static_cast<std::size_t>(cpu->lifecycle_room - at)});
      regions.push_back({cpu->lifecycle_room, build_.lifecycle.per_cpu.bytes});
      regions.push_back({cpu->scheme_room, build_.scheme.per_cpu.bytes});
      regions.push_back(std::as_writable_bytes(std::span(cpu->rcu.began)));
      regions.push_back(cpu->targets.bytes());
    }
    return regions;
  }

  machine::explorer::CpuSet interchangeable() const override { return case_.more.interchangeable; }
  // Its area, its kernel thread, and what a scheme keeps for it behind each mm.
  unsigned owner_of(const void* location) const override {
    for (unsigned n = 0; n < cpus(); ++n)
      if (within(location, *cpus_[n]) || within(location, all_->kthreads[n])) return n;
    const std::size_t bytes = build_.scheme.per_mm_per_cpu.bytes;
    Mm* const mm = bytes == 0 ? nullptr : slab_mm(location);
    if (mm == nullptr) return machine::explorer::kMaxCpus;
    const auto offset = static_cast<const std::byte*>(location) - mm->per_cpu_room(cpus());
    return offset < 0 ? machine::explorer::kMaxCpus
                      : static_cast<unsigned>(offset) / static_cast<unsigned>(bytes);
  }

  void run(unsigned cpu) override {
    for (const Step& step : case_.programs[cpu]) perform(cpu, step);
    rest(cpu, true);
  }

  // Everybody exits, goes to init_mm and frees what it postponed; whatever is left then has leaked.
  void finish() override {
    for (Atomic<std::uint32_t>& asked : all_->need_resched) m(0).store(asked, 0u, std::memory_order_relaxed);
    for (unsigned n = 0; n < cpus(); ++n) workload::leave(m(n), cpu(n));
    for (Task& task : all_->tasks)
      if (task.mm.get(m(0)) != nullptr) {
        kernel::schedule(m(0), cpu(0), task);
        workload::leave(m(0), cpu(0));
      }
    // CPUs that are online end as they began: a counted scheme holds a reference on init_mm for each.
    unsigned online = 0;
    for (unsigned n = 0; n < cpus(); ++n) {
      if (offline(n))
        kernel::finish_cpu(m(0), cpu(0), cpu(n));
      else
        ++online;
      workload::go_to_init_mm(m(n), cpu(n));
    }
    for (unsigned round = 0; round < 2; ++round)
      for (unsigned n = 0; n < cpus(); ++n) build_.scheme.drain(m(n), cpu(n), kernel::Drain::end);
    const workload::Books books = workload::read_books(m(0), all_->system, online);
    if (books.mms_left() > 0)
      kernel::report(m(0), cpu(0), kernel::Violation::leak, "an mm is left at the end");
    if (books.init_mm_count != 1 + books.on_init_mm())
      kernel::report(m(0), cpu(0), kernel::Violation::leak, "init_mm's mm_count is wrong at the end");
    if (forbidden_order())
      kernel::report(m(0), cpu(0), kernel::Violation::order, "both sides of membarrier(2) read 0");
  }

  bool violated() const override { return (all_->system.oracle.seen() & verdicts_) != 0; }

  std::vector<Finding> findings() const override {
    std::vector<Finding> found;
    for (const auto& one : all_->system.oracle.findings())
      found.push_back({one.violation, one.cpu, one.where});
    return found;
  }

  std::string name_of(const void* location) const override {
    for (unsigned n = 0; n < cpus(); ++n) {
      const Cpu& c = *cpus_[n];
      if (location == &c.curr) return fmt::format("CPU {}'s curr", n);
      if (location == &c.loaded_mm) return fmt::format("CPU {}'s loaded_mm", n);
      if (location == &c.idle.active_mm) return fmt::format("CPU {}'s idle->active_mm", n);
      if (location == &c.idle.on_cpu) return fmt::format("CPU {}'s idle->on_cpu", n);
      if (location == c.idle.mm.location()) return fmt::format("CPU {}'s idle->mm", n);
      if (location == all_->kthreads[n].mm.location()) return fmt::format("CPU {}'s kthread->mm", n);
      if (location == &all_->kthreads[n].active_mm) return fmt::format("CPU {}'s kthread->active_mm", n);
      if (location == &all_->kthreads[n].on_cpu) return fmt::format("CPU {}'s kthread->on_cpu", n);
      if (within(location, c.scheme_room)) return fmt::format("CPU {}'s part of the scheme", n);
      if (within(location, c.lifecycle_room)) return fmt::format("CPU {}'s TLB state", n);
    }
    for (std::size_t t = 0; t < case_.task_mm.size(); ++t) {
      if (location == all_->tasks[t].mm.location()) return fmt::format("task {}'s mm", t);
      if (location == &all_->tasks[t].active_mm) return fmt::format("task {}'s active_mm", t);
      if (location == &all_->tasks[t].on_cpu) return fmt::format("task {}'s on_cpu", t);
    }
    for (unsigned n = 0; n < cpus(); ++n)
      if (location == &all_->need_resched[n]) return fmt::format("CPU {}'s need_resched", n);
    if (location == &all_->x) return "x";
    if (location == &all_->y) return "y";
    if (const std::string field = field_of(all_->system.init_mm, location); !field.empty())
      return field + " of init_mm";
    if (Mm* const mm = slab_mm(location); mm != nullptr) {
      const std::string field = field_of(*mm, location);
      return (field.empty() ? "the scheme's part" : field) + " of " + name_of_mm(mm);
    }
    return "a shared word";
  }

  std::string value_of(std::uint64_t value) const override {
    const auto is = [value](const void* object) { return value == reinterpret_cast<std::uintptr_t>(object); };
    if (is(&all_->system.init_mm)) return "init_mm";
    if (is(all_->system.efi_mm)) return "efi_mm";
    for (std::size_t mm = 0; mm < first_mms_.size(); ++mm)
      if (is(first_mms_[mm])) return fmt::format("mm {}", mm);
    for (std::size_t task = 0; task < case_.task_mm.size(); ++task)
      if (is(&all_->tasks[task])) return fmt::format("task {}", task);
    for (unsigned n = 0; n < cpus(); ++n) {
      if (is(&cpus_[n]->idle)) return fmt::format("CPU {}'s idle task", n);
      if (is(&all_->kthreads[n])) return fmt::format("CPU {}'s kthread", n);
    }
    if (Mm* const mm = slab_mm(reinterpret_cast<const void*>(value)); mm != nullptr) return name_of_mm(mm);
    return fmt::format("{}", value);
  }

 private:
  struct alignas(kernel::kLine) Block {
    std::byte bytes[kernel::kLine];
  };

  // All that executions change, apart from the per-CPU areas.
  struct Everything {
    Everything(const kernel::Build<Machine>& build, const Case& the_case)
        : memory(kernel::MmSlab<Machine>::bytes(build, the_case.cpus(), kMms) / sizeof(Block) + 1),
          system(build, the_case.cpus(), std::as_writable_bytes(std::span(memory)), the_case.more.rules) {}

    std::vector<Block> memory;
    kernel::System<Machine> system;
    std::array<Task, 4> tasks;
    std::array<Task, machine::explorer::kMaxCpus> kthreads;
    std::array<workload::Hands<Machine>, machine::explorer::kMaxCpus> hands{};
    // Of each CPU: in idle or user mode, as RCU sees it.
    std::array<bool, machine::explorer::kMaxCpus> resting{true, true, true, true};
    // Of each CPU: TIF_NEED_RESCHED of its task.
    std::array<Atomic<std::uint32_t>, machine::explorer::kMaxCpus> need_resched{};
    // The user program that leans on membarrier(2): its variables, and what the two sides read.
    Atomic<std::uint32_t> x{0};
    Atomic<std::uint32_t> y{0};
    std::uint32_t slow_read = 1;
    std::uint32_t fast_read = 1;
  };

  static constexpr unsigned kMms = 6;

  Machine& m(unsigned n) { return *machines_[n]; }
  Cpu& cpu(unsigned n) { return *cpus_[n]; }

  void perform(unsigned n, const Step& step) {
    if (build_.scheme.uses_rcu) {
      if (all_->resting[n]) kernel::rcu::Idle<Machine>::leave(m(n), cpu(n));
      all_->resting[n] = false;
    }
    act(n, step);
    rest(n, false);
  }

  // What RCU is told behind a step: idle and user mode are one long quiescent state, which a kernel thread is
  // not in until its program is over and it sleeps.
  void rest(unsigned n, bool over) {
    if (build_.scheme.uses_rcu) {
      Task* const task = &workload::current(m(n), cpu(n));
      if (all_->resting[n] || (!over && task == &all_->kthreads[n])) return;
      kernel::rcu::Idle<Machine>::enter(m(n), cpu(n));
      all_->resting[n] = true;
    }
  }

  void act(unsigned n, const Step& step) {
    using enum std::memory_order;
    Task& task = step.operand < all_->tasks.size() ? all_->tasks[step.operand] : cpu(n).idle;
    switch (step.op) {
      case Act::run:
        workload::await_off_cpu(m(n), task);
        return schedule(n, task);
      case Act::idle:
        return schedule(n, cpu(n).idle);
      case Act::kthread:
        return schedule(n, all_->kthreads[n]);
      case Act::nmi:
        return nmi(n);
      case Act::signal:
        return m(n).store(all_->need_resched[step.operand], 1u, relaxed);
      case Act::slow_side:
        m(n).store(all_->x, 1u, relaxed);
        if (kernel::membarrier_private_expedited(m(n), cpu(n))) all_->slow_read = m(n).load(all_->y, relaxed);
        return;
      case Act::fast_side:
        m(n).store(all_->y, 1u, relaxed);
        all_->fast_read = m(n).load(all_->x, relaxed);
        return;
      case Act::fast_store:
        return m(n).store(all_->y, 1u, relaxed);
      case Act::fast_load:
        all_->fast_read = m(n).load(all_->x, relaxed);
        return;
      default:
        workload::take_step(m(n), cpu(n), all_->hands[n], {step.op, step.operand, &task},
                            [&] { return kernel::mm_alloc(m(n), cpu(n), 1); });
    }
  }

  // The rq lock itself is left out (Options::rq_lock). Its smp_mb__after_spinlock(), membarrier's barrier before the
  // store to rq->curr, is nothing under TSO, where stores keep their order.
  void schedule(unsigned n, Task& next) {
    if (m(n).memory() == machine::explorer::Memory::rc11) m(n).fence();
    kernel::schedule(m(n), cpu(n), next);
  }

  // preempt_schedule_irq(): if somebody has asked for it, another task runs, and this one goes on.
  void preempt(unsigned n) {
    using enum std::memory_order;
    if (m(n).load(all_->need_resched[n], relaxed) == 0) return;
    m(n).store(all_->need_resched[n], 0u, relaxed);
    Task& preempted = workload::current(m(n), cpu(n));
    schedule(n, case_.more.preempted_by == Case::kKthread ? all_->kthreads[n]
                                                          : all_->tasks[case_.more.preempted_by]);
    schedule(n, preempted);
  }

  // An NMI handler is not interrupted by IPIs, so that a shooter waits until it is over.
  void nmi(unsigned n) {
    using enum std::memory_order;
    kernel::IrqSave irq(m(n));
    Mm* active = m(n).load(
        build_.scheme.has_active_mm ? workload::current(m(n), cpu(n)).active_mm : cpu(n).loaded_mm, relaxed);
    kernel::note_use(m(n), active);
    if ((m(n).load(active->generation, relaxed) & 1u) != 0)
      kernel::report(m(n), cpu(n), kernel::Violation::used, "an NMI reads active_mm's context");
  }

  bool offline(unsigned n) {
    return (m(n).load(all_->system.cpu_online_mask(cpu(n).mask_word), std::memory_order_relaxed) &
            cpu(n).mask_bit) == 0;
  }

  bool forbidden_order() const { return all_->slow_read == 0 && all_->fast_read == 0; }

  template <class T>
  static std::span<std::byte> bytes_of(T& object) {
    return {reinterpret_cast<std::byte*>(&object), sizeof(T)};
  }
  template <class T>
  static bool within(const void* location, const T& object) {
    const auto* at = static_cast<const std::byte*>(location);
    const auto* first = reinterpret_cast<const std::byte*>(&object);
    return at >= first && at < first + sizeof(T);
  }

  // The mm whose slot of the slab `address` lies in; nullptr if in none.
  Mm* slab_mm(const void* address) const {
    const auto bytes = std::as_writable_bytes(std::span(all_->memory));
    const auto* at = static_cast<const std::byte*>(address);
    if (std::less<>{}(at, bytes.data()) || !std::less<>{}(at, bytes.data() + bytes.size())) return nullptr;
    const std::size_t slot = static_cast<std::size_t>(at - bytes.data()) / Mm::bytes(cpus(), build_);
    return std::launder(reinterpret_cast<Mm*>(bytes.data() + slot * Mm::bytes(cpus(), build_)));
  }

  // "mm 0" of those there at first; one that was born later is told by its slot.
  std::string name_of_mm(const Mm* mm) const {
    if (mm == &all_->system.init_mm) return "init_mm";
    if (mm == all_->system.efi_mm) return "efi_mm";
    for (std::size_t first = 0; first < first_mms_.size(); ++first)
      if (mm == first_mms_[first]) return fmt::format("mm {}", first);
    const auto* const slab = std::as_bytes(std::span(all_->memory)).data();
    return fmt::format(
        "the new mm in slot {}",
        static_cast<std::size_t>(reinterpret_cast<const std::byte*>(mm) - slab) / Mm::bytes(cpus(), build_));
  }

  std::string field_of(Mm& mm, const void* location) const {
    if (location == &mm.mm_count(build_.scheme.layout)) return "mm_count";
    if (location == &mm.mm_users) return "mm_users";
    if (location == &mm.pgd) return "pgd";
    if (location == &mm.membarrier_state) return "membarrier_state";
    if (location == &mm.active_cpus) return "active_cpus";
    if (location == &mm.generation) return "generation";
    if (location == &mm.cpumask(0)) return "mm_cpumask";
    if (within(location, mm)) return "another field";
    return {};
  }

  const kernel::Build<Machine> build_;
  const Case& case_;
  const unsigned verdicts_;
  std::unique_ptr<Everything> all_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<std::unique_ptr<Cpu>> cpus_;
  std::vector<Mm*> first_mms_;
};

}  // namespace

std::unique_ptr<Program> make_program(const kernel::Build<Machine>& build, const Case& the_case,
                                      unsigned verdicts) {
  return std::make_unique<KernelProgram>(build, the_case, verdicts);
}

std::unique_ptr<Program> make_program(std::string_view scheme, std::string_view lifecycle,
                                      const Case& the_case, unsigned verdicts) {
  return make_program(workload::build_by_name<Machine>(scheme, lifecycle), the_case, verdicts);
}

}  // namespace mmscale::check
