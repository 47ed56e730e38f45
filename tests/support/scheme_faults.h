// SPDX-License-Identifier: MIT
//
// Schemes with one fault each. tests/scheme brings them by hand into the situation that shows the fault, the
// museum looks for it in every interleaving: hence every access is an operation of the machine.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "scheme/hazptr.h"
#include "scheme/mailbox.h"
#include "scheme/percpu.h"
#include "scheme/quiesce.h"
#include "scheme/shootdown_filter.h"

namespace mmscale::test {

using kernel::Cpu;
using kernel::Mm;
using kernel::Reaped;
using kernel::Site;
using kernel::Task;
using scheme::Hazptr;
using scheme::Mailbox;
using scheme::Percpu;
using scheme::Quiesce;
using scheme::ShootdownFilter;

// What another CPU does in the middle of users_gone, where a test says so.
inline std::function<void()> meanwhile;

struct PublishesNothing : ShootdownFilter {
  template <class M>
  static Mm<M>* lazy_enter(M& m, Cpu<M>& cpu, Mm<M>* mm, Site) {
    m.store(kernel::scheme_state<PerCpu>(cpu).lazy_mm, nullptr, std::memory_order_release);
    return mm;
  }
};

struct DoesNotScan : Hazptr {
  template <class M>
  static Reaped reap(M&, Cpu<M>&, Mm<M>*, Site) {
    return Reaped::free_now;
  }
};

struct ForgetsABorrower : Mailbox {
  template <class M>
  static void users_gone(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    auto& forgotten = kernel::scheme_state<PerCpu>(*cpu.system->cpus.back()).lazy_mm;
    auto* was = m.exchange(forgotten, nullptr, std::memory_order_acq_rel);
    Mailbox::users_gone(m, cpu, mm);
    m.store(forgotten, was, std::memory_order_release);
  }
};

struct DropsWhatIsStillBorrowed : Mailbox {
  template <class M>
  static void switched(M& m, Cpu<M>& cpu) {
    if (auto* mm = m.exchange(kernel::scheme_state<PerCpu>(cpu).drop_mm, nullptr, std::memory_order_acquire))
      kernel::mmdrop(m, cpu, mm, Site::context_switch);
  }
};

struct ForgetsTheDisplaced : Mailbox {
  template <class M>
  static void users_gone(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    for (auto* other : cpu.system->cpus)
      if (m.load(kernel::scheme_state<PerCpu>(*other).lazy_mm, std::memory_order_acquire) == mm)
        m.store(kernel::scheme_state<PerCpu>(*other).drop_mm, nullptr, std::memory_order_release);
    Mailbox::users_gone(m, cpu, mm);
  }
};

struct SumsNaively : Percpu {
  template <class M>
  static void users_gone(M& m, Cpu<M>&, Mm<M>* mm) {
    using enum std::memory_order;
    int sum = 0;
    for (unsigned c = 0; c < m.cpus(); ++c)
      sum += m.load(kernel::scheme_state<PerMmPerCpu>(mm, c, m.cpus()).count, acquire);
    if (meanwhile) meanwhile();
    m.fetch_add(mm->mm_count(kLayout), sum, seq_cst);
    for (unsigned c = 0; c < m.cpus(); ++c)
      m.store(kernel::scheme_state<PerMmPerCpu>(mm, c, m.cpus()).count, INT32_MIN / 2, release);
  }
};

struct PoisonsFirst : Percpu {
  template <class M>
  static void users_gone(M& m, Cpu<M>&, Mm<M>* mm) {
    using enum std::memory_order;
    int sum = 0;
    for (unsigned c = 0; c < m.cpus(); ++c)
      sum += m.exchange(kernel::scheme_state<PerMmPerCpu>(mm, c, m.cpus()).count, INT32_MIN / 2, seq_cst);
    if (meanwhile) meanwhile();
    m.fetch_add(mm->mm_count(kLayout), sum, seq_cst);
  }
};

struct DoesNotWait : Quiesce {
  template <class M>
  static Reaped reap(M&, Cpu<M>&, Mm<M>*, Site) {
    return Reaped::free_now;
  }
};

struct CountsSwitches : Quiesce {
  template <class M>
  static void switched(M& m, Cpu<M>& cpu) {
    m.fetch_add(kernel::scheme_state<PerCpu>(cpu).borrows, 2, std::memory_order_release);
  }
};

}  // namespace mmscale::test
