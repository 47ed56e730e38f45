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
  template <class K, Site kSite>
  static auto* lazy_enter(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    m.store(cpu.scheme.lazy_mm, nullptr, std::memory_order_release);
    return mm;
  }
};

struct DoesNotScan : Hazptr {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine&, Cpu<K>&, typename Task<K>::Mm*) {
    return Reaped::free_now;
  }
};

struct ForgetsABorrower : Mailbox {
  template <class K>
  static void users_gone(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    auto& forgotten = cpu.system->cpus.back()->scheme.lazy_mm;
    auto* was = m.exchange(forgotten, nullptr, std::memory_order_acq_rel);
    Mailbox::users_gone<K>(m, cpu, mm);
    m.store(forgotten, was, std::memory_order_release);
  }
};

struct DropsWhatIsStillBorrowed : Mailbox {
  template <class K>
  static void switched(typename K::Machine& m, Cpu<K>& cpu) {
    if (auto* mm = m.exchange(cpu.scheme.drop_mm, nullptr, std::memory_order_acquire))
      kernel::mmdrop<K, Site::context_switch>(m, cpu, mm);
  }
};

struct ForgetsTheDisplaced : Mailbox {
  template <class K>
  static void users_gone(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    for (auto* other : cpu.system->cpus)
      if (m.load(other->scheme.lazy_mm, std::memory_order_acquire) == mm)
        m.store(other->scheme.drop_mm, nullptr, std::memory_order_release);
    Mailbox::users_gone<K>(m, cpu, mm);
  }
};

struct SumsNaively : Percpu {
  template <class K>
  static void users_gone(typename K::Machine& m, Cpu<K>&, typename Task<K>::Mm* mm) {
    using enum std::memory_order;
    int sum = 0;
    for (unsigned c = 0; c < m.cpus(); ++c) sum += m.load(mm->scheme_of(c, m.cpus()).count, acquire);
    if (meanwhile) meanwhile();
    m.fetch_add(mm->mm_count, sum, seq_cst);
    for (unsigned c = 0; c < m.cpus(); ++c) m.store(mm->scheme_of(c, m.cpus()).count, INT32_MIN / 2, release);
  }
};

struct PoisonsFirst : Percpu {
  template <class K>
  static void users_gone(typename K::Machine& m, Cpu<K>&, typename Task<K>::Mm* mm) {
    using enum std::memory_order;
    int sum = 0;
    for (unsigned c = 0; c < m.cpus(); ++c)
      sum += m.exchange(mm->scheme_of(c, m.cpus()).count, INT32_MIN / 2, seq_cst);
    if (meanwhile) meanwhile();
    m.fetch_add(mm->mm_count, sum, seq_cst);
  }
};

struct DoesNotWait : Quiesce {
  template <class K, Site kSite>
  static Reaped reap(typename K::Machine&, Cpu<K>&, typename Task<K>::Mm*) {
    return Reaped::free_now;
  }
};

struct CountsSwitches : Quiesce {
  template <class K>
  static void switched(typename K::Machine& m, Cpu<K>& cpu) {
    m.fetch_add(cpu.scheme.borrows, 2, std::memory_order_release);
  }
};

}  // namespace mmscale::test
