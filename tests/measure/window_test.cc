// SPDX-License-Identifier: MIT
#include "measure/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "machine/machine.h"
#include "machine/silicon/clock.h"
#include "measure/statistics.h"
#include "topology/bind.h"

namespace mmscale::measure {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Long enough for a loaded machine; whoever waits this long has found a bug.
constexpr auto kPatience = 20s;

bool eventually(const std::function<bool()>& happens) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!happens()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// A load that counts, and that a test can hold up. Its tally's lazy_grabs are its rounds, so that a window's
// tally says which rounds it took for its own.
class CountingLoad final : public workload::Load {
 public:
  explicit CountingLoad(unsigned cpus) : each_(cpus) {}

  unsigned cpus() const override { return static_cast<unsigned>(each_.size()); }
  void boot(unsigned cpu, unsigned os_cpu) override {
    each_[cpu].booted_on = os_cpu;
    each_[cpu].thread = std::this_thread::get_id();
    each_[cpu].on_its_cpu = sched_getcpu() == static_cast<int>(os_cpu);
  }
  bool run(unsigned cpu, std::uint64_t rounds) override {
    Each& own = each_[cpu];
    own.one_thread = own.one_thread && own.thread == std::this_thread::get_id();
    if (on_run && !on_run(cpu)) return false;
    for (std::uint64_t i = 0; i < rounds; ++i) machine::silicon::pause();
    own.rounds += rounds;
    own.batches.fetch_add(1);
    return true;
  }
  void finish(unsigned cpu) override {
    each_[cpu].stops_before_finish = stops.load();
    ++each_[cpu].finishes;
    finished.fetch_add(1);
  }
  void stop(unsigned cpu) override {
    stopped_by = cpu;
    finished_before_own_stop = each_[cpu].finishes;
    stops.fetch_add(1);
  }
  void open_window(unsigned cpu) override {
    ++each_[cpu].opened;
    each_[cpu].rounds_at_opening = each_[cpu].rounds;
  }
  void close_window(unsigned cpu) override {
    ++each_[cpu].closed;
    each_[cpu].rounds_within = each_[cpu].rounds - each_[cpu].rounds_at_opening;
  }
  std::uint32_t switches_per_round(unsigned cpu) const override { return 2 + cpu; }
  kernel::Tally tally(unsigned cpu) const override {
    kernel::Tally tally;
    tally.lazy_grabs = each_[cpu].rounds;
    each_[cpu].tallies.fetch_add(1);
    return tally;
  }
  std::vector<std::string> audit() override {
    finished_at_audit = finished.load();
    return problems;
  }

  // What the window is doing on a CPU, by how often it asked for the tally: once at the start and once at the
  // end.
  bool warming(unsigned cpu) const { return each_[cpu].tallies.load() == 0; }
  bool measuring(unsigned cpu) const { return each_[cpu].tallies.load() == 1; }
  bool closed(unsigned cpu) const { return each_[cpu].tallies.load() == 2; }
  unsigned batches(unsigned cpu) const { return each_[cpu].batches.load(); }

  struct alignas(machine::kApart) Each {
    std::uint64_t rounds = 0;
    std::atomic<unsigned> batches{0};
    mutable std::atomic<unsigned> tallies{0};
    std::thread::id thread;
    bool one_thread = true;
    bool on_its_cpu = false;
    unsigned booted_on = ~0u;
    unsigned opened = 0;
    unsigned closed = 0;
    std::uint64_t rounds_at_opening = 0;
    std::uint64_t rounds_within = 0;
    unsigned finishes = 0;
    unsigned stops_before_finish = 0;
  };
  const Each& of(unsigned cpu) const { return each_[cpu]; }

  // Before every batch; false: as if stopped in the middle.
  std::function<bool(unsigned cpu)> on_run;
  std::vector<std::string> problems;
  std::atomic<unsigned> stops{0};
  std::atomic<unsigned> finished{0};
  unsigned stopped_by = ~0u;
  unsigned finished_before_own_stop = 0;
  unsigned finished_at_audit = 0;

 private:
  std::vector<Each> each_;
};

class WindowRun : public testing::Test {
 protected:
  WindowRun() : topology_(topology::Topology::host()), pool_(topology_), bench_{topology_, pool_, {}} {
    pus_ = topology::list(topology_.layout(), &topology::Pu::allowed);
    if (pus_.size() > 2) pus_.resize(2);
    // The last first: emulated CPU i must run where it is told, not on CPU i.
    std::reverse(pus_.begin(), pus_.end());
  }

  unsigned cpus() const { return static_cast<unsigned>(pus_.size()); }
  Window run(CountingLoad& load) { return run_window(bench_, load, pus_, {.warm = 1ms, .measure = 5ms}); }

  topology::Topology topology_;
  machine::silicon::Pool pool_;
  Bench bench_;
  std::vector<unsigned> pus_;
};

TEST_F(WindowRun, CountsTheRoundsBetweenItsStampsAndNoOthers) {
  CountingLoad load(cpus());
  const Window window = run(load);
  ASSERT_EQ(window.cpus.size(), cpus());
  std::uint64_t sum = 0;
  for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
    const CpuWindow& of = window.cpus[cpu];
    EXPECT_GT(of.rounds, 0u);
    EXPECT_EQ(of.rounds, of.tally.lazy_grabs);
    EXPECT_EQ(of.switches, of.rounds * (2 + cpu));
    EXPECT_GE(of.end_ns - of.start_ns, 5'000'000);
    EXPECT_LT(of.rounds, load.of(cpu).rounds) << "the warm-up was counted in";
    sum += of.rounds;
  }
  EXPECT_EQ(window.rounds(), sum);
  EXPECT_EQ(window.tally.lazy_grabs, sum);
}

TEST_F(WindowRun, ALoadKnowsItsWindow) {
  CountingLoad load(cpus());
  const Window window = run(load);
  for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
    EXPECT_EQ(load.of(cpu).opened, 1u);
    EXPECT_EQ(load.of(cpu).closed, 1u);
    EXPECT_EQ(load.of(cpu).rounds_within, window.cpus[cpu].rounds);
  }
}

TEST_F(WindowRun, EachCpuHasOnePinnedThread) {
  CountingLoad load(cpus());
  const Window window = run(load);
  for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
    EXPECT_EQ(load.of(cpu).booted_on, pus_[cpu]);
    EXPECT_TRUE(load.of(cpu).on_its_cpu);
    EXPECT_TRUE(load.of(cpu).one_thread);
    EXPECT_EQ(window.cpus[cpu].pu, pus_[cpu]);
    EXPECT_EQ(window.cpus[cpu].package, topology::find(topology_.layout(), pus_[cpu])->package);
  }
}

// On hundreds of CPUs most of the start of a window is making threads.
TEST_F(WindowRun, TheNextWindowHasTheSameThreads) {
  const auto threads = [this] {
    std::vector<pid_t> ids(pus_.size());
    pool_.run(
        pus_, [&ids](unsigned i) { ids[i] = ::gettid(); }, 30s);
    return ids;
  };
  EXPECT_EQ(threads(), threads());
}

TEST_F(WindowRun, NobodyMeasuresBeforeEverybodyIsWarm) {
  CountingLoad load(cpus());
  const unsigned last = cpus() - 1;
  bool waited = false;
  bool first_was_warming = true;
  load.on_run = [&](unsigned cpu) {
    if (cpu != last || waited) return true;
    waited = true;
    // Far beyond the warm-up of the others.
    std::this_thread::sleep_for(30ms);
    first_was_warming = load.warming(0);
    return true;
  };
  run(load);
  EXPECT_TRUE(first_was_warming);
}

TEST_F(WindowRun, EverybodyRunsUntilTheLastHasClosed) {
  CountingLoad load(cpus());
  bool kept_running = cpus() == 1;
  bool waited = false;
  load.on_run = [&](unsigned cpu) {
    if (cpu != 1 || waited || !load.measuring(1)) return true;
    waited = true;
    // The first CPU's window ends meanwhile; its load must not.
    if (!eventually([&] { return load.closed(0); })) return true;
    const unsigned before = load.batches(0);
    kept_running = eventually([&] { return load.batches(0) > before + 3; });
    return true;
  };
  const Window window = run(load);
  EXPECT_TRUE(kept_running);
  EXPECT_EQ(window.cpus[0].rounds, window.cpus[0].tally.lazy_grabs)
      << "what ran after the window was counted in";
}

TEST_F(WindowRun, StopReleasesWhoWaitsForOthers) {
  CountingLoad load(cpus());
  bool waited = false;
  std::atomic<bool> blocked{false};
  std::atomic<bool> released{cpus() == 1};
  load.on_run = [&](unsigned cpu) {
    if (cpu == 0 && cpus() > 1 && load.closed(0)) {
      blocked = true;
      released = eventually([&] { return load.stops.load() > 0; });
      return false;
    }
    if (cpu == 1 && !waited && load.measuring(1)) {
      waited = true;
      eventually([&] { return blocked.load(); });
    }
    return true;
  };
  run(load);
  EXPECT_TRUE(released);
}

TEST_F(WindowRun, StopsOnceByWhoClosesLast) {
  CountingLoad load(cpus());
  bool waited = false;
  load.on_run = [&](unsigned cpu) {
    if (cpu != 1 || waited || !load.measuring(1)) return true;
    eventually([&] { return load.closed(0); });
    // It has closed behind its tally when it runs on.
    const unsigned before = load.batches(0);
    waited = eventually([&] { return load.batches(0) > before + 1; });
    return true;
  };
  run(load);
  EXPECT_EQ(load.stops, 1u);
  EXPECT_EQ(load.stopped_by, cpus() - 1);
  EXPECT_EQ(load.finished_before_own_stop, 0u);
  EXPECT_EQ(load.of(cpus() - 1).stops_before_finish, 1u);
  for (unsigned cpu = 0; cpu < cpus(); ++cpu) EXPECT_EQ(load.of(cpu).finishes, 1u);
}

TEST_F(WindowRun, IsJudgedByWhatWasSeen) {
  CountingLoad load(cpus());
  const Window window = run(load);
  EXPECT_EQ(window.conditions.window_ns, 5'000'000);
  EXPECT_TRUE(window.conditions.pinned);
  EXPECT_TRUE(window.conditions.topology_is_this_system);
  ASSERT_EQ(window.conditions.cpus.size(), cpus());
  std::vector<MeasuredSpan> spans;
  for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
    EXPECT_EQ(window.conditions.cpus[cpu].cpu, pus_[cpu]);
    EXPECT_EQ(window.conditions.cpus[cpu].thread.cpu_before, pus_[cpu]);
    EXPECT_GT(window.conditions.cpus[cpu].alu_rate_before, 0);
    EXPECT_GT(window.conditions.cpus[cpu].alu_rate_after, 0);
    EXPECT_EQ(window.conditions.machine.steal[cpu].cpu, pus_[cpu]);
    spans.push_back({window.cpus[cpu].start_ns, window.cpus[cpu].end_ns});
  }
  EXPECT_EQ(window.overlap, overlap_fraction(spans));
  EXPECT_EQ(window.conditions.overlap, window.overlap);
  // Whether the machine was quiet is not ours to say; that the verdict follows from what was seen, is.
  EXPECT_EQ(window.verdict.reasons, judge(window.conditions).reasons);
  EXPECT_EQ(window.verdict.valid, window.verdict.reasons.empty());
}

TEST_F(WindowRun, TheAuditComesLastAndMakesItInvalid) {
  CountingLoad load(cpus());
  load.problems = {"mm 3 freed twice", "cpu 1 lost a reference"};
  const Window window = run(load);
  EXPECT_EQ(load.finished_at_audit, cpus());
  EXPECT_THAT(window.audit, ElementsAre("mm 3 freed twice", "cpu 1 lost a reference"));
  EXPECT_FALSE(window.verdict.valid);
  EXPECT_THAT(window.verdict.reasons, testing::Contains("conservation: mm 3 freed twice"));
}

TEST_F(WindowRun, ACleanAuditIsNoReason) {
  CountingLoad load(cpus());
  const Window window = run(load);
  EXPECT_THAT(window.audit, IsEmpty());
  EXPECT_THAT(window.verdict.reasons, testing::Each(Not(HasSubstr("conservation"))));
}

TEST_F(WindowRun, IsAccountedFor) {
  CountingLoad load(cpus());
  const Window window = run(load);
  for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
    const CpuConditions& conditions = window.conditions.cpus[cpu];
    ASSERT_TRUE(conditions.account);
    ASSERT_TRUE(conditions.account->ran_ns);
    EXPECT_EQ(conditions.account->elapsed_ns, window.cpus[cpu].end_ns - window.cpus[cpu].start_ns);
    // It ran in between, and the clocks were read beside the stamps.
    EXPECT_GT(*conditions.account->ran_ns, 0);
    EXPECT_LT(*conditions.account->ran_ns, conditions.account->elapsed_ns + 1'000'000);
    EXPECT_GT(conditions.account->longest_gap_ns, 0);
    EXPECT_LE(conditions.account->longest_gap_ns, conditions.account->elapsed_ns);
    EXPECT_EQ(conditions.account->away_ns, 0);
    EXPECT_TRUE(conditions.thread.bound);
  }
  EXPECT_TRUE(window.conditions.coupled || cpus() == 1) << "a load of which nothing is known";
}

// A load that stands still for a tenth of its window: nothing runs in that time, and nobody is waited for.
TEST_F(WindowRun, AThreadThatStoodStillIsSeen) {
  CountingLoad load(cpus());
  bool stood = false;
  load.on_run = [&](unsigned cpu) {
    if (cpu != 0 || stood || !load.measuring(0)) return true;
    stood = true;
    std::this_thread::sleep_for(5ms);
    return true;
  };
  const Window window = run_window(bench_, load, pus_, {.warm = 1ms, .measure = 50ms});
  ASSERT_TRUE(stood);
  const CpuAccount& account = *window.conditions.cpus[0].account;
  EXPECT_GE(account.elapsed_ns - *account.ran_ns, 5'000'000);
  EXPECT_GE(account.longest_gap_ns, 5'000'000);
  EXPECT_GE(loss_of(window.conditions.cpus[0], 0, window.conditions).all() *
                static_cast<double>(account.elapsed_ns),
            4.99e6);
  EXPECT_FALSE(window.verdict.valid);
}

// What never comes back is given up; its threads stand where they are, and others take their places.
TEST_F(WindowRun, WhoDoesNotComeBackIsParked) {
  const std::vector<unsigned> one = {pus_[0]};
  static std::atomic<std::uint64_t> hung{0};
  EXPECT_THROW(pool_.run(
                   one,
                   [](unsigned) {
                     for (;;) hung.fetch_add(1);
                   },
                   200ms),
               topology::StuckError);
  const std::uint64_t then = hung.load();
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(hung.load(), then);
  bool came_back = false;
  pool_.run(
      one, [&](unsigned) { came_back = true; }, 20s);
  EXPECT_TRUE(came_back);
}

// Not under a sanitizer: its own allocator has locks that everybody takes.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(WindowRun, AProcessCanBeMadeAfterThreadsWereParkedInMalloc) {
  const auto park_and_fork = [this] {
    for (int round = 0; round < 3; ++round) try {
        pool_.run(
            pus_,
            [](unsigned) {
              for (;;) {
                void* volatile large = std::malloc(60'000);
                std::free(large);
              }
            },
            50ms);
        std::_Exit(2);
      } catch (const topology::StuckError&) {
      }
    const pid_t child = machine::silicon::Pool::fork();
    if (child == 0) ::_exit(0);
    int status = 1;
    std::_Exit(::waitpid(child, &status, 0) == child && status == 0 ? 0 : 1);
  };
  // In a process of its own: it ends with malloc's locks taken.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(park_and_fork(), testing::ExitedWithCode(0), "");
}
#endif

// A thread that takes no signal is frozen, stopped by a debugger, or waits for a CPU that has no time for it.
TEST_F(WindowRun, WhoCannotEvenBeParkedIsLeft) {
  const std::vector<unsigned> one = {pus_[0]};
  static std::atomic<bool> released{false};
  EXPECT_THROW(pool_.run(
                   one,
                   [](unsigned) {
                     sigset_t all;
                     sigfillset(&all);
                     pthread_sigmask(SIG_BLOCK, &all, nullptr);
                     while (!released) std::this_thread::yield();
                   },
                   20ms),
               topology::StuckError);
  bool came_back = false;
  pool_.run(
      one, [&](unsigned) { came_back = true; }, 20s);
  EXPECT_TRUE(came_back);
  released = true;
}

TEST_F(WindowRun, ACpuThatDoesNotExistIsAnError) {
  CountingLoad load(1);
  EXPECT_THROW(run_window(bench_, load, {100'000}, {.warm = 1ms, .measure = 1ms}), topology::BindError);
}

// The figures, by hand: CPU 4 made 1,000 rounds of 2 switches in 10 ms, CPU 5 on another package 3,000 in 20
// ms.
Window two_cpus() {
  Window window;
  window.cpus.resize(2);
  window.cpus[0] = {.pu = 4,
                    .package = 0,
                    .start_ns = 0,
                    .end_ns = 10'000'000,
                    .rounds = 1000,
                    .switches = 2000,
                    .tally = {}};
  window.cpus[1] = {.pu = 5,
                    .package = 7,
                    .start_ns = 0,
                    .end_ns = 20'000'000,
                    .rounds = 3000,
                    .switches = 6000,
                    .tally = {}};
  return window;
}

TEST(WindowFigures, AreSumsOfRatesAndMeansOfTimes) {
  const Window window = two_cpus();
  EXPECT_EQ(window.rounds(), 4000u);
  EXPECT_EQ(window.switches(), 8000u);
  // Each CPU's rate over its own time: 200 k + 300 k.
  EXPECT_DOUBLE_EQ(window.switches_per_second(), 500e3);
  EXPECT_DOUBLE_EQ(window.rounds_per_second(), 250e3);
  // All CPU time over all events: 30 ms / 8,000.
  EXPECT_DOUBLE_EQ(window.ns_per_switch().value(), 3750);
  EXPECT_DOUBLE_EQ(window.ns_per_round().value(), 7500);
}

TEST(WindowFigures, FairnessIsOfRatesNotOfCounts) {
  const Window window = two_cpus();
  // 100 k and 150 k rounds/s.
  EXPECT_DOUBLE_EQ(window.max_min_ratio().value(), 1.5);
  EXPECT_DOUBLE_EQ(window.jain().value(), 250.0 * 250.0 / (2 * (100.0 * 100.0 + 150.0 * 150.0)));
}

TEST(WindowFigures, SharesOfPackagesAddUp) {
  const Window window = two_cpus();
  EXPECT_DOUBLE_EQ(window.share_of_package(0), 0.25);
  EXPECT_DOUBLE_EQ(window.share_of_package(7), 0.75);
  EXPECT_DOUBLE_EQ(window.share_of_package(1), 0);
}

TEST(WindowFigures, ACpuThatGotNothing) {
  Window window = two_cpus();
  window.cpus[0].rounds = window.cpus[0].switches = 0;
  EXPECT_DOUBLE_EQ(window.switches_per_second(), 300e3);
  EXPECT_DOUBLE_EQ(window.ns_per_switch().value(), 5000) << "its time was spent all the same";
  EXPECT_DOUBLE_EQ(window.jain().value(), 0.5);
  EXPECT_EQ(window.max_min_ratio(), std::numeric_limits<double>::infinity());
}

TEST(WindowFigures, NothingHappened) {
  for (Window window : {Window{}, two_cpus()}) {
    for (CpuWindow& cpu : window.cpus) cpu.rounds = cpu.switches = 0;
    EXPECT_EQ(window.switches_per_second(), 0);
    EXPECT_EQ(window.ns_per_switch(), std::nullopt);
    EXPECT_EQ(window.ns_per_round(), std::nullopt);
    EXPECT_EQ(window.jain(), std::nullopt);
    EXPECT_EQ(window.max_min_ratio(), std::nullopt);
    EXPECT_EQ(window.share_of_package(0), 0);
  }
}

TEST(WindowFigures, AWindowWithoutLengthHasNoRate) {
  Window window = two_cpus();
  window.cpus[0].end_ns = window.cpus[0].start_ns;
  EXPECT_DOUBLE_EQ(window.switches_per_second(), 300e3);
}

}  // namespace
}  // namespace mmscale::measure
