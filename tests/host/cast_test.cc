// SPDX-License-Identifier: MIT
#include "host/cast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "topology/bind.h"
#include "topology/placement.h"

namespace mmscale::host {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Long enough for a loaded machine.
constexpr auto kPatience = 20s;

struct Seen {
  std::atomic<pid_t> process{0};
  std::atomic<int> cpu{-1};
};

class CastTest : public testing::Test {
 protected:
  unsigned pu() const {
    return topology::order(topology_.layout(), topology::parse_placement("compact")).front();
  }
  Part part(std::function<void()> body) const { return {pu(), std::move(body)}; }
  Part look(std::size_t i) const {
    return part([this, i] {
      seen_[i].process = getpid();
      seen_[i].cpu = sched_getcpu();
    });
  }
  // A zombie is dead, whenever its new parent gets round to collecting it.
  static bool alive(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number, comm, state;
    return stat >> number >> comm >> state && state != "Z" && state != "X";
  }
  // What goes wrong in a cast of that one part.
  std::string complaint(Part part) const {
    try {
      Cast cast(topology_, {{std::move(part)}});
      cast.act(kPatience);
      cast.dismiss();
    } catch (const CastError& error) {
      return error.what();
    }
    return "none";
  }

  const topology::Topology topology_ = topology::Topology::host();
  const SharedArray<Seen> seen_{3};
};

TEST_F(CastTest, ThreadsShareAProcessAndProcessesDoNot) {
  Cast cast(topology_, {{look(0), look(1)}, {look(2)}});
  EXPECT_EQ(seen_[0].process, 0) << "acted before the gate";
  cast.act(kPatience);
  EXPECT_EQ(seen_[0].process, cast.processes()[0]);
  EXPECT_EQ(seen_[1].process, cast.processes()[0]);
  EXPECT_EQ(seen_[2].process, cast.processes()[1]);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(seen_[i].cpu, static_cast<int>(pu()));
  const std::vector<pid_t> processes = cast.processes();
  for (const pid_t process : processes) EXPECT_TRUE(alive(process)) << "behind the second gate";
  cast.dismiss();
  for (const pid_t process : processes) EXPECT_FALSE(alive(process));
}

TEST_F(CastTest, NobodyOutlivesIt) {
  std::vector<pid_t> processes;
  {
    Cast cast(topology_, {{part([] { pause(); })}, {look(0)}});
    processes = cast.processes();
  }
  for (const pid_t process : processes) EXPECT_FALSE(alive(process));
}

// A process in between makes the cast and is killed: what a user's kill -9 is to mmscale.
TEST_F(CastTest, NobodyOutlivesItsMaker) {
  const SharedArray<Seen> made(1);
  const pid_t maker = fork();
  if (maker == 0) {
    Cast cast(topology_, {{part([&] {
                made[0].process = getpid();
                for (;;) pause();
              })}});
    cast.act(kPatience);
    _exit(0);
  }
  while (made[0].process == 0) usleep(1000);
  kill(maker, SIGKILL);
  waitpid(maker, nullptr, 0);
  for (int i = 0; i < 10'000 && alive(made[0].process); ++i) usleep(1000);
  EXPECT_FALSE(alive(made[0].process));
}

TEST_F(CastTest, TheTerminalsSignalsAreNotForThem) {
  Cast cast(topology_, {{part([] { raise(SIGINT); })}});
  cast.act(kPatience);
  EXPECT_NO_THROW(cast.dismiss());
}

TEST_F(CastTest, SaysWhatWentWrong) {
  EXPECT_EQ(complaint(part([] { throw std::runtime_error("no luck"); })), "no luck");
  EXPECT_THAT(complaint(part([] { raise(SIGKILL); })), HasSubstr("was killed by signal 9"));
  EXPECT_THAT(complaint(part([] { _exit(3); })), HasSubstr("ended early (status 3)"));
  EXPECT_THAT(complaint({100'000, [] {}}), HasSubstr("100000"));
}

TEST_F(CastTest, MournsEvenWhereItsParentIgnoredChildren) {
  signal(SIGCHLD, SIG_IGN);
  EXPECT_THAT(complaint(part([] { raise(SIGKILL); })), HasSubstr("was killed by signal 9"));
}

TEST_F(CastTest, DoesNotWaitForEver) {
  Cast cast(topology_, {{part([] { pause(); })}, {look(0)}});
  try {
    cast.act(1ms);
    ADD_FAILURE() << "came back";
  } catch (const topology::StuckError& error) {
    EXPECT_STREQ(error.what(), "1 of 2 threads did not come back from a window");
  }
}

}  // namespace
}  // namespace mmscale::host
