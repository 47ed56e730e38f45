// SPDX-License-Identifier: MIT
#include "trace/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mmscale::trace {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

// Events as a test writes them: a microsecond apart.
class Script {
 public:
  Script& switched(std::uint32_t cpu, std::int32_t from, std::int32_t to, char state = 'S') {
    Event& event = add(Kind::switched, cpu, from);
    event.other = to;
    event.state = state;
    return *this;
  }
  Script& newtask(std::uint32_t cpu, std::int32_t pid, std::int32_t child, std::uint64_t flags = 0) {
    Event& event = add(Kind::newtask, cpu, pid);
    event.other = child;
    event.flags = flags;
    return *this;
  }
  Script& fork(std::uint32_t cpu, std::int32_t pid, std::int32_t child) {
    add(Kind::fork, cpu, pid).other = child;
    return *this;
  }
  Script& exec(std::uint32_t cpu, std::int32_t pid, std::int32_t old_pid) {
    add(Kind::exec, cpu, pid).other = old_pid;
    return *this;
  }
  Script& exit(std::uint32_t cpu, std::int32_t pid) {
    add(Kind::exit, cpu, pid);
    return *this;
  }
  Script& lost(std::uint64_t count) {
    add(Kind::lost, 0, 0).count = count;
    return *this;
  }
  Script& task(std::int32_t pid, std::int32_t tgid, bool kernel) {
    Event& event = add(Kind::task, 0, pid);
    event.tgid = tgid;
    event.kernel = kernel;
    return *this;
  }
  // The last event's name(s): of the task that is left or executes, and of the one that comes.
  Script& named(std::string_view comm, std::string_view other = "") {
    events_.back().comm = Comm(comm);
    events_.back().other_comm = Comm(other);
    return *this;
  }
  Script& of_process(std::int32_t tgid) {
    events_.back().tgid = tgid;
    return *this;
  }

  // Both passes. `steps`: the second one's, of all CPUs.
  Facts build(std::vector<Step>* steps = nullptr) const {
    Builder survey;
    for (const Event& event : events_) survey.add(event);
    const Facts facts = survey.finish();
    Builder builder(facts);
    for (const Event& event : events_) builder.add(event);
    if (steps != nullptr)
      for (const auto& cpu : builder.chunk().cpus) steps->insert(steps->end(), cpu.begin(), cpu.end());
    Facts built = builder.finish();
    built.cpus = facts.cpus;
    built.origins = facts.origins;
    return built;
  }

 private:
  Event& add(Kind kind, std::uint32_t cpu, std::int32_t pid) {
    Event event;
    event.kind = kind;
    event.time_ns = 1000 * (events_.size() + 1);
    event.cpu = cpu;
    event.pid = pid;
    events_.push_back(event);
    return events_.back();
  }

  std::vector<Event> events_;
};

std::vector<Op> ops(const std::vector<Step>& steps) {
  std::vector<Op> ops;
  for (const Step& step : steps) ops.push_back(step.op);
  return ops;
}

TEST(Builder, ThreadsShareTheirMmAndTheLastEndsIt) {
  const Facts facts = Script()
                          .newtask(0, 1, 10)
                          .switched(0, 1, 10)
                          .newtask(0, 10, 11, kCloneVm | kCloneThread)
                          .exit(0, 10)
                          .switched(0, 10, 11, 'X')
                          .exit(0, 11)
                          .switched(0, 11, 0, 'X')
                          .build();
  EXPECT_EQ(facts.forks, 1u);
  EXPECT_EQ(facts.threads, 1u);
  EXPECT_EQ(facts.died, 1u);
  EXPECT_EQ(facts.adopted, 1u);
}

// vfork: the child borrows the parent's mm until it executes; no mm dies by that.
TEST(Builder, ExecAfterVforkLeavesTheParentItsMm) {
  const Facts facts = Script()
                          .newtask(0, 1, 10)
                          .switched(0, 1, 10)
                          .newtask(0, 10, 20, 0x4100)
                          .switched(0, 10, 20)
                          .exec(0, 20, 20)
                          .exit(0, 20)
                          .switched(0, 20, 10, 'X')
                          .exit(0, 10)
                          .switched(0, 10, 0)
                          .build();
  EXPECT_EQ(facts.vforks, 1u);
  EXPECT_EQ(facts.threads, 0u);
  EXPECT_EQ(facts.born, 2u);
  EXPECT_EQ(facts.died, 2u);
}

// A thread that executes takes over the leader's pid.
TEST(Builder, ExecByAThreadRenamesIt) {
  const Facts facts = Script()
                          .newtask(0, 1, 10)
                          .switched(0, 1, 10)
                          .newtask(0, 10, 11, kCloneVm | kCloneThread)
                          .exit(0, 10)
                          .switched(0, 10, 11, 'X')
                          .exec(0, 10, 11)
                          .exit(0, 10)
                          .switched(0, 10, 0, 'X')
                          .build();
  EXPECT_EQ(facts.died, 2u);
  EXPECT_EQ(facts.of(Oddity::missed_switch).count, 0u);
  EXPECT_EQ(facts.of(Oddity::dead).count, 0u);
}

// The pids are exchanged on the way through exec, before it is traced: the thread goes on as its leader, and
// the leader, dead, as the thread.
TEST(Builder, AThreadOnItsWayThroughExecIsNobodyElse) {
  const Facts facts = Script()
                          .newtask(0, 1, 10)
                          .switched(0, 1, 10)
                          .newtask(0, 10, 11, kCloneVm | kCloneThread)
                          .switched(1, 0, 11)
                          .exit(0, 10)
                          .switched(1, 10, 0, 'R')
                          .switched(0, 11, 0, 'X')
                          .switched(2, 0, 10)
                          .exec(2, 10, 11)
                          .exit(2, 10)
                          .switched(2, 10, 0, 'Z')
                          .build();
  EXPECT_EQ(facts.adopted, 1u);
  EXPECT_EQ(facts.born, 2u);
  EXPECT_EQ(facts.died, 2u);
  for (const Oddity oddity : {Oddity::missed_switch, Oddity::two_places, Oddity::dead, Oddity::reborn})
    EXPECT_EQ(facts.of(oddity).count, 0u);
}

// 10 leaves CPU 0 as `leaving`, goes on on CPU 1, and its exec of "b" is traced there.
std::vector<Op> ops_of_exec(std::string_view leaving, std::uint64_t* either_cpu) {
  std::vector<Step> steps;
  const Facts facts = Script()
                          .newtask(0, 1, 10)
                          .switched(0, 1, 10)
                          .named("init", "a")
                          .switched(0, 10, 0, 'R')
                          .named(leaving, "swapper/0")
                          .switched(1, 0, 10)
                          .named("swapper/1", leaving)
                          .exec(1, 10, 10)
                          .named("b")
                          .build(&steps);
  EXPECT_EQ(facts.execs, 1u);
  EXPECT_EQ(facts.born, 2u);
  EXPECT_EQ(facts.died, 1u);
  *either_cpu = facts.of(Oddity::either_cpu).count;
  return ops(steps);
}

TEST(Builder, ANewNameShowsThatAnExecHasChangedTheMm) {
  std::uint64_t either_cpu = 0;
  // CPU 0's steps, then CPU 1's.
  EXPECT_THAT(ops_of_exec("b", &either_cpu), ElementsAre(Op::born, Op::switch_to, Op::fork, Op::switch_to,
                                                         Op::exec, Op::switch_to, Op::switch_to));
  EXPECT_EQ(either_cpu, 0u);
  // Without it nobody knows; nor by a name that another program has.
  for (const std::string_view name : {"a", "c"}) {
    EXPECT_THAT(ops_of_exec(name, &either_cpu), ElementsAre(Op::born, Op::switch_to, Op::fork, Op::switch_to,
                                                            Op::switch_to, Op::switch_to, Op::exec));
    EXPECT_EQ(either_cpu, 1u) << name;
  }
}

TEST(Builder, WhoMovesAsleepOrByTheStopperIsNotOnItsWayThroughExecOrExit) {
  for (const auto& [state, next, doubts] :
       {std::tuple{'R', 12, 1u}, std::tuple{'D', 12, 1u}, std::tuple{'S', 12, 0u}, std::tuple{'R', 13, 0u}}) {
    const Facts facts = Script()
                            .newtask(0, 1, 10)
                            .switched(0, 1, 10)
                            .switched(0, 10, next, state)
                            .named("a", next == 13 ? "migration/0" : "kworker/0:1")
                            .switched(1, 0, 10)
                            .exit(1, 10)
                            .build();
    EXPECT_EQ(facts.of(Oddity::either_cpu).count, doubts) << state << ' ' << next;
  }
}

// 10 goes from CPU 0 to 1 and back: a flush of its own on 1 would have taken 0 out of its mask. Not while
// there is another thread, and not where a fork on CPU 1 has done it for sure.
TEST(Builder, CountsWhereAFlushThatNobodySeesCostsAnIpiMore) {
  const auto there_and_back = [](bool thread, bool forks) {
    Script script;
    script.newtask(0, 1, 10).switched(0, 1, 10);
    if (thread) script.newtask(0, 10, 11, kCloneVm | kCloneThread);
    script.switched(0, 10, 0).switched(1, 0, 10);
    if (forks) script.newtask(1, 10, 20);
    const Facts facts = script.switched(1, 10, 0).switched(0, 0, 10).switched(0, 10, 0).build();
    return facts.of(Oddity::came_back).count;
  };
  EXPECT_EQ(there_and_back(false, false), 1u);
  EXPECT_EQ(there_and_back(true, false), 0u);
  EXPECT_EQ(there_and_back(false, true), 0u);
}

// call_usermodehelper: a kernel thread's child has no mm until it executes.
TEST(Builder, AKernelThreadsChildGetsItsMmByExec) {
  const Facts facts = Script()
                          .switched(0, 0, 5)
                          .newtask(0, 5, 30, kCloneVm)
                          .switched(0, 5, 30, kStateIdle)
                          .exec(0, 30, 30)
                          .exit(0, 30)
                          .switched(0, 30, 0, 'X')
                          .build();
  EXPECT_EQ(facts.adopted, 0u);
  EXPECT_EQ(facts.born, 1u);
  EXPECT_EQ(facts.died, 1u);
}

TEST(Builder, OfAnUnknownTaskItSaysWhatItTookItFor) {
  const Facts facts = Script().switched(0, 0, 7).switched(0, 7, 8, kStateIdle).switched(0, 8, 0).build();
  ASSERT_EQ(facts.origins.size(), 2u);
  EXPECT_EQ(facts.origins[0].what, Origin::What::kernel);
  EXPECT_EQ(facts.origins[1].what, Origin::What::guess_user);
  EXPECT_EQ(facts.adopted, 1u);
  EXPECT_THAT(facts.explain(), testing::Contains(HasSubstr("of unknown kind, taken for processes")));
}

TEST(Builder, TheSnapshotSettlesWhoSharesAnMm) {
  std::vector<Step> steps;
  const Facts facts = Script()
                          .task(7, 7, false)
                          .task(8, 7, false)
                          .task(9, 9, true)
                          .switched(0, 0, 7)
                          .switched(0, 7, 8)
                          .switched(0, 8, 9)
                          .build(&steps);
  EXPECT_EQ(facts.adopted, 1u);
  EXPECT_THAT(ops(steps),
              ElementsAre(Op::born, Op::switch_to, Op::join, Op::switch_to, Op::thread, Op::switch_to));
  for (const Origin& origin : facts.origins) EXPECT_TRUE(origin.recorded);
}

TEST(Builder, AForkWithoutFlagsIsAThreadWhereItsProcessSaysSo) {
  const Facts facts = Script()
                          .fork(0, 1, 10)
                          .fork(0, 1, 11)
                          .switched(0, 1, 10)
                          .switched(0, 10, 11)
                          .of_process(10)
                          .switched(0, 11, 0)
                          .of_process(1)
                          .build();
  EXPECT_EQ(facts.of(Oddity::no_flags).count, 2u);
  EXPECT_EQ(facts.forks, 1u);
  EXPECT_EQ(facts.threads, 1u);
}

TEST(Builder, MigratedTasksAreWaitedFor) {
  std::vector<Step> steps;
  const Facts facts = Script()
                          .switched(0, 0, 7)
                          .switched(0, 7, 0)
                          .switched(1, 0, 7)
                          .switched(1, 7, 0)
                          .switched(0, 0, 7)
                          .build(&steps);
  EXPECT_EQ(facts.migrations, 2u);
  EXPECT_THAT(steps, ElementsAre(Field(&Step::op, Op::born), Field(&Step::turns, 0u), Field(&Step::turns, 0u),
                                 Field(&Step::turns, 2u), Field(&Step::turns, 1u), Field(&Step::turns, 0u)));
}

// Between its exit and its last switch a task may be preempted, and moved; it has no mm any more.
TEST(Builder, ADyingTaskMayComeBack) {
  const Facts facts = Script()
                          .newtask(0, 1, 10)
                          .switched(0, 1, 10)
                          .exit(0, 10)
                          .switched(0, 10, 0, 'R')
                          .switched(1, 0, 10)
                          .switched(1, 10, 0, 'X')
                          .newtask(0, 1, 10)
                          .switched(0, 1, 0)
                          .build();
  EXPECT_EQ(facts.origins.size(), 1u);
  EXPECT_EQ(facts.adopted, 1u);
  EXPECT_EQ(facts.died, 1u);
  EXPECT_EQ(facts.migrations, 0u);
  EXPECT_EQ(facts.of(Oddity::reborn).count, 0u);
}

TEST(Builder, CountsWhatDoesNotFit) {
  // CPU 0 goes on with 8 although it had switched to 7; 7 appears on CPU 1 while CPU 0 runs it.
  EXPECT_EQ(Script().switched(0, 0, 7).switched(0, 8, 0).build().of(Oddity::missed_switch).count, 1u);
  const Facts places = Script().switched(0, 0, 7).switched(1, 0, 7).switched(0, 7, 9).build();
  EXPECT_EQ(places.of(Oddity::two_places).count, 1u);
  EXPECT_EQ(places.of(Oddity::missed_switch).count, 0u);
  EXPECT_EQ(Script().newtask(0, 1, 7).newtask(0, 1, 7).switched(0, 1, 7).build().of(Oddity::reborn).count,
            1u);
  EXPECT_EQ(Script().switched(0, 0, 7).exit(0, 7).exit(0, 7).switched(0, 7, 0).build().of(Oddity::dead).count,
            1u);
}

TEST(Builder, BehindLostEventsNothingIsExpected) {
  const Facts facts = Script().switched(0, 0, 7).lost(5).switched(0, 8, 0).build();
  EXPECT_EQ(facts.of(Oddity::lost).count, 5u);
  EXPECT_EQ(facts.of(Oddity::missed_switch).count, 0u);
  EXPECT_THAT(facts.explain(), testing::Contains(HasSubstr("events were lost by the tracer")));
}

}  // namespace
}  // namespace mmscale::trace
