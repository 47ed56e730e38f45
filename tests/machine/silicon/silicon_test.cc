// SPDX-License-Identifier: MIT
//
// Requests between emulated CPUs: on real threads with every transport, and by hand where the order of events
// matters.
#include "machine/silicon/silicon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/inline_transport.h"
#include "support/run_on_cpus.h"

namespace mmscale::machine::silicon {
namespace {

using testing::ElementsAre;
using testing::TestWithParam;
using Machine = Silicon<true>;

CpuMask set_of(std::initializer_list<unsigned> cpus, unsigned of = 4) {
  CpuMask mask(of);
  for (unsigned cpu : cpus) mask.set(cpu);
  return mask;
}

// Passes everything on, and tells when a raise is over.
class Observed final : public Transport {
 public:
  explicit Observed(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}
  std::string_view name() const override { return inner_->name(); }
  void attach(unsigned cpu, unsigned os_cpu, InterruptLine line) override {
    inner_->attach(cpu, os_cpu, line);
  }
  void detach(unsigned cpu) override { inner_->detach(cpu); }
  void raise(const CpuMask& targets) override {
    inner_->raise(targets);
    raised.fetch_add(1);
  }

  std::atomic<unsigned> raised{0};

 private:
  std::unique_ptr<Transport> inner_;
};

// `cpus` machines, each on a thread of its own, that run body(m). All exist before any body starts, and all
// take interrupts until the last body is over.
void run_machines(unsigned cpus, Transport& transport, const std::function<void(Machine&)>& body) {
  Machine::System system(cpus, transport);
  std::atomic<unsigned> ready{0};
  std::atomic<unsigned> over{0};
  const auto everybody = [cpus](unsigned n) { return n == cpus; };
  test::run_on_cpus(cpus, [&](unsigned cpu, unsigned os_cpu) {
    Machine m(system, cpu, os_cpu);
    ready.fetch_add(1);
    m.spin_until(ready, everybody);
    body(m);
    over.fetch_add(1);
    m.spin_until(over, everybody);
  });
}

// What handlers are told, and write. Plain memory on purpose: the request and its ack must order it.
struct Calls {
  struct PerCpu {
    unsigned handled = 0;
    std::thread::id thread;
    bool irqs_off = false;
  };
  std::vector<PerCpu> cpus = std::vector<PerCpu>(4);

  static void count(Machine& m, void* self) {
    PerCpu& mine = static_cast<Calls*>(self)->cpus[m.cpu()];
    ++mine.handled;
    mine.thread = std::this_thread::get_id();
    mine.irqs_off = m.irqs_disabled();
  }
};

class OverTransport : public TestWithParam<std::string_view> {
 protected:
  std::unique_ptr<Transport> transport(unsigned cpus) { return make_transport(GetParam(), cpus); }
};
INSTANTIATE_TEST_SUITE_P(Silicon, OverTransport, testing::ValuesIn(transport_names()),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(OverTransport, RunsTheHandlerOnceOnEachOtherTargetAndWaits) {
  constexpr unsigned kCalls = 500;
  const auto over = transport(2);
  Calls calls;
  std::thread::id target;
  unsigned missed = 0;
  run_machines(2, *over, [&](Machine& m) {
    if (m.cpu() == 1) {
      target = std::this_thread::get_id();
      return;
    }
    for (unsigned i = 1; i <= kCalls; ++i) {
      m.call_many(set_of({0, 1}), Calls::count, &calls);
      missed += calls.cpus[1].handled != i;
    }
    EXPECT_EQ(m.ipi_tally().queued, kCalls);
    EXPECT_EQ(m.ipi_tally().raised, kCalls);
  });
  EXPECT_EQ(missed, 0u);
  EXPECT_EQ(calls.cpus[0].handled, 0u);
  EXPECT_EQ(calls.cpus[1].handled, kCalls);
  EXPECT_EQ(calls.cpus[1].thread, target);
  EXPECT_TRUE(calls.cpus[1].irqs_off);
}

TEST_P(OverTransport, AnIdleStateIsLeftForEachInterrupt) {
  constexpr std::uint32_t kExitNs = 3'000'000;
  const auto over = transport(2);
  Calls calls;
  std::atomic<bool> idles{false};
  run_machines(2, *over, [&](Machine& m) {
    if (m.cpu() == 1) {
      m.idle_state(kExitNs);
      idles = true;
      return;
    }
    while (!idles) m.pause();
    for (unsigned call = 0; call < 2; ++call) {
      const std::uint64_t start = m.now();
      m.call_many(set_of({1}), Calls::count, &calls);
      EXPECT_GE(m.now() - start, kExitNs);
    }
  });
}

// One of two others: membarrier has another command for it than for everybody.
TEST_P(OverTransport, InterruptsOnlyTheTargets) {
  const auto over = transport(3);
  Calls calls;
  run_machines(3, *over, [&](Machine& m) {
    if (m.cpu() != 0) return;
    for (unsigned i = 0; i < 10; ++i) m.call_many(set_of({2}), Calls::count, &calls);
    for (unsigned i = 0; i < 5; ++i) m.call_many(set_of({1, 2}), Calls::count, &calls);
    m.call_many(set_of({}), Calls::count, &calls);
    m.call_many(set_of({0}), Calls::count, &calls);
    EXPECT_EQ(m.ipi_tally().queued, 20u);
  });
  EXPECT_EQ(calls.cpus[0].handled, 0u);
  EXPECT_EQ(calls.cpus[1].handled, 5u);
  EXPECT_EQ(calls.cpus[2].handled, 15u);
}

TEST_P(OverTransport, HoldsRequestsWhileInterruptsAreOff) {
  Observed over(transport(2));
  std::atomic<bool> off{false};
  Calls calls;
  run_machines(2, over, [&](Machine& m) {
    if (m.cpu() == 0) {
      while (!off.load()) m.pause();
      m.call_many(set_of({1}), Calls::count, &calls);
      return;
    }
    m.irq_disable();
    off = true;
    m.spin_until(over.raised, [](unsigned raised) { return raised == 1; });
    // Whatever the sender's raise left under way arrives here at the latest: signals on the way out of a
    // system call.
    syscall(SYS_getppid);
    EXPECT_EQ(calls.cpus[1].handled, 0u);
    m.irq_enable();
    EXPECT_EQ(calls.cpus[1].handled, 1u);
    EXPECT_FALSE(m.irqs_disabled());
  });
}

// An interrupt that arrives while a handler runs is taken when it is over: interrupts are off in there.
TEST_P(OverTransport, DoesNotNestHandlers) {
  Observed over(transport(3));
  struct Shared {
    Observed& over;
    std::atomic<bool> first_runs{false};
    unsigned seconds_during_first = 0;
    unsigned seconds = 0;
  } shared{over};
  const auto first = [](Machine&, void* info) {
    Shared& s = *static_cast<Shared*>(info);
    s.first_runs = true;
    while (s.over.raised.load() < 2) pause();
    syscall(SYS_getppid);
    s.seconds_during_first = s.seconds;
  };
  const auto second = [](Machine&, void* info) { ++static_cast<Shared*>(info)->seconds; };
  run_machines(3, over, [&](Machine& m) {
    if (m.cpu() == 0) m.call_many(set_of({2}), first, &shared);
    if (m.cpu() == 1) {
      m.spin_until(shared.first_runs, [](bool runs) { return runs; });
      m.call_many(set_of({2}), second, &shared);
    }
  });
  EXPECT_EQ(shared.seconds_during_first, 0u);
  EXPECT_EQ(shared.seconds, 1u);
}

TEST_P(OverTransport, SendersThatCallEachOtherServeWhileTheyWait) {
  constexpr unsigned kCalls = 500;
  const auto over = transport(2);
  Calls calls;
  run_machines(2, *over, [&](Machine& m) {
    for (unsigned i = 0; i < kCalls; ++i) m.call_many(set_of({0, 1}), Calls::count, &calls);
  });
  EXPECT_EQ(calls.cpus[0].handled, kCalls);
  EXPECT_EQ(calls.cpus[1].handled, kCalls);
}

TEST_P(OverTransport, ThinkingAndWaitingTakeInterrupts) {
  const auto over = transport(2);
  Calls calls;
  std::atomic<bool> sent{false};
  run_machines(2, *over, [&](Machine& m) {
    if (m.cpu() == 0) {
      m.call_many(set_of({1}), Calls::count, &calls);
      sent = true;
      m.call_many(set_of({1}), Calls::count, &calls);
      return;
    }
    while (calls.cpus[1].handled == 0) m.think(1000);
    m.spin_until(sent, [](bool yes) { return yes; });
    while (calls.cpus[1].handled == 1) m.take_interrupts();
  });
  EXPECT_EQ(calls.cpus[1].handled, 2u);
}

// The target computes: it looks at nothing but its own atomic, and never polls.
TEST(Silicon, SignalInterruptsATargetThatNeverPolls) {
  const auto over = make_transport("signal", 2);
  std::atomic<bool> interrupted{false};
  run_machines(2, *over, [&](Machine& m) {
    if (m.cpu() == 0)
      m.call_many(
          set_of({1}), [](Machine&, void* flag) { *static_cast<std::atomic<bool>*>(flag) = true; },
          &interrupted);
    else
      while (!interrupted.load(std::memory_order_relaxed)) {
      }
  });
  EXPECT_TRUE(interrupted);
}

class AtEnablePoints : public OverTransport {};
INSTANTIATE_TEST_SUITE_P(Silicon, AtEnablePoints, testing::Values("membarrier", "doorbell"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(AtEnablePoints, HandlersWaitForOne) {
  Observed over(transport(2));
  Calls calls;
  // Until its body begins, CPU 1 takes interrupts as it waits for the others.
  std::atomic<bool> begun{false};
  run_machines(2, over, [&](Machine& m) {
    if (m.cpu() == 0) {
      while (!begun.load()) m.pause();
      m.call_many(set_of({1}), Calls::count, &calls);
      return;
    }
    begun.store(true);
    while (over.raised.load() == 0) m.pause();
    for (unsigned i = 0; i < 1000; ++i) m.pause();
    EXPECT_EQ(calls.cpus[1].handled, 0u);
    m.take_interrupts();
    EXPECT_EQ(calls.cpus[1].handled, 1u);
  });
}

// Machines on one thread.
struct OneThread {
  explicit OneThread(unsigned cpus) : transport(cpus), system(cpus, transport) {
    for (unsigned cpu = 0; cpu < cpus; ++cpu) machines.push_back(std::make_unique<Machine>(system, cpu, cpu));
  }
  Machine& operator[](unsigned cpu) { return *machines[cpu]; }

  test::InlineTransport transport;
  Machine::System system;
  std::vector<std::unique_ptr<Machine>> machines;
};

TEST(Silicon, KnowsItsNumberAndItsPerCpuArea) {
  OneThread m(3);
  int area = 0;
  m[2].set_percpu(&area);
  EXPECT_EQ(m[2].cpu(), 2u);
  EXPECT_EQ(m[2].cpus(), 3u);
  EXPECT_EQ(m[2].percpu(), &area);
  EXPECT_EQ(m[1].percpu(), nullptr);
}

// The second request to CPU 2 finds the first still queued, so nothing is raised there for it.
TEST(Silicon, RaisesOnlyWhereTheQueueWasEmpty) {
  OneThread m(4);
  std::vector<std::vector<unsigned>> raises;
  std::vector<unsigned> senders_handled_by_2;
  struct Info {
    std::vector<unsigned>* log;
    unsigned sender;
  };
  Info from_0{&senders_handled_by_2, 0};
  Info from_1{&senders_handled_by_2, 1};
  const auto log = [](Machine& self, void* info) {
    if (self.cpu() == 2) static_cast<Info*>(info)->log->push_back(static_cast<Info*>(info)->sender);
  };
  m.transport.on_raise = [&](const CpuMask& targets) {
    raises.emplace_back();
    targets.for_each([&](unsigned cpu) { raises.back().push_back(cpu); });
    if (raises.size() == 1) {
      m[1].call_many(set_of({2, 3}), log, &from_1);
    } else {
      m.transport.deliver(2);
      m.transport.deliver(3);
    }
  };
  m[0].call_many(set_of({2}), log, &from_0);

  EXPECT_THAT(raises, ElementsAre(ElementsAre(2u), ElementsAre(3u)));
  EXPECT_THAT(senders_handled_by_2, ElementsAre(0u, 1u));
  EXPECT_EQ(m[0].ipi_tally().queued, 1u);
  EXPECT_EQ(m[0].ipi_tally().raised, 1u);
  EXPECT_EQ(m[1].ipi_tally().queued, 2u);
  EXPECT_EQ(m[1].ipi_tally().raised, 1u);
}

TEST(Silicon, ExchangesFetchesAndStoresAsStdAtomicDoes) {
  OneThread m(1);
  Machine::Atomic<std::uint64_t> word{1};
  using enum std::memory_order;
  EXPECT_EQ(m[0].fetch_add(word, 4, relaxed), 1u);
  EXPECT_EQ(m[0].fetch_sub(word, 1, relaxed), 5u);
  EXPECT_EQ(m[0].fetch_or(word, 3, relaxed), 4u);
  EXPECT_EQ(m[0].fetch_and(word, 6, relaxed), 7u);
  EXPECT_EQ(m[0].exchange(word, 9, acq_rel), 6u);
  m[0].store(word, 2, release);
  EXPECT_EQ(m[0].load(word, acquire), 2u);
}

TEST(Silicon, ClocksRunForward) {
  OneThread m(1);
  const std::uint64_t before = m[0].now();
  const std::uint64_t ticks_before = ticks();
  m[0].think(10'000);
  EXPECT_GE(ticks() - ticks_before, 10'000u);
  EXPECT_GT(m[0].now(), before);
}

using SiliconDeathTest = testing::Test;

TEST(SiliconDeathTest, SendingWithInterruptsOffIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  OneThread m(2);
  m[0].irq_disable();
  EXPECT_DEATH(m[0].call_many(set_of({1}), Calls::count, nullptr),
               "BUG: cpu 0: call_many with interrupts off");
}

TEST(SiliconDeathTest, SendingFromAHandlerIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  OneThread m(2);
  const auto sends = [](Machine& self, void* info) { self.call_many(set_of({0}), Calls::count, info); };
  EXPECT_DEATH(m[0].call_many(set_of({1}), sends, nullptr), "BUG: cpu 1: call_many .* from an IPI handler");
}

}  // namespace
}  // namespace mmscale::machine::silicon
