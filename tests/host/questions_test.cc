// SPDX-License-Identifier: MIT
//
// Every question to the running kernel, asked for a few milliseconds. What comes out must hold together on
// any machine, loaded or not; how fast it was is nobody's business here.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "host/calls.h"
#include "host/deaths.h"
#include "host/switches.h"
#include "measure/file_limit.h"
#include "topology/placement.h"

namespace mmscale::host {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

constexpr measure::WindowTimes kTimes = {.warm = 1ms, .measure = 5ms};

class QuestionsTest : public testing::Test {
 protected:
  // The first so many CPUs; all there are, if there are fewer.
  std::vector<unsigned> pus(std::size_t count) const {
    auto order = topology::order(topology_.layout(), topology::parse_placement("compact"));
    order.resize(std::min(order.size(), count));
    return order;
  }

  const topology::Topology topology_ = topology::Topology::host();
  machine::silicon::Pool pool_{topology_};
  const measure::Bench bench_{topology_, pool_, {}};
};

void expect_whole(const Answer& answer, std::size_t cpus) {
  EXPECT_THAT(answer.window.audit, IsEmpty());
  EXPECT_EQ(answer.window.cpus.size(), cpus);
  EXPECT_FALSE(answer.window.pmu.empty());
  EXPECT_TRUE(answer.findings.counter("kernel_operations"));
  EXPECT_TRUE(answer.findings.details->contains("kernel"));
}

TEST_F(QuestionsTest, SwitchesOfEveryKindAreCountedByTheKernel) {
  for (const auto primitive : {Primitive::futex, Primitive::pipe})
    for (const auto tasks : {Tasks::threads, Tasks::processes})
      for (const auto ends : {Ends::same_cpu, Ends::cross_cpu}) {
        SCOPED_TRACE(fmt::format("{} {} {}", static_cast<int>(primitive), static_cast<int>(tasks),
                                 static_cast<int>(ends)));
        const auto cpus = pus(2);
        if (ends == Ends::cross_cpu && cpus.size() < 2) continue;
        const Answer answer = ask_switches(bench_, {primitive, tasks, ends}, cpus, kTimes);
        expect_whole(answer, cpus.size());
        for (const measure::CpuWindow& cpu : answer.window.cpus) {
          EXPECT_GT(cpu.rounds, 0u);
          EXPECT_GT(cpu.switches, 0u);
          // Each end sleeps once a round trip at most, and may be preempted besides. Across CPUs the answer may be there before
          // it sleeps.
          if (ends == Ends::same_cpu) {
            EXPECT_GE(cpu.switches + 4, 2 * cpu.rounds);
          }
        }
        if (ends == Ends::same_cpu) {
          EXPECT_GE(answer.findings.counter("kernel_operations"), answer.window.rounds());
        } else {
          EXPECT_GT(answer.findings.counter("kernel_operations"), 0);
        }
      }
}

TEST_F(QuestionsTest, PairsAcrossCpusNeedAnEvenNumber) {
  const SwitchSpec spec{Primitive::futex, Tasks::threads, Ends::cross_cpu};
  EXPECT_THROW(ask_switches(bench_, spec, pus(1), kTimes), std::invalid_argument);
  EXPECT_THROW(ask_switches(bench_, spec, {}, kTimes), std::invalid_argument);
}

TEST_F(QuestionsTest, CallsAreTimedOneByOne) {
  for (const auto call : {Call::munmap, Call::membarrier}) {
    if (call == Call::membarrier && !no_membarrier().empty()) continue;
    for (const auto others : {Others::running, Others::lazy}) {
      const auto cpus = pus(2);
      const Answer answer = ask_calls(bench_, call, others, cpus, kTimes);
      expect_whole(answer, cpus.size());
      EXPECT_EQ(answer.findings.counter("calls"), answer.findings.counter("call_ns_count"));
      EXPECT_EQ(answer.findings.counter("calls"), answer.window.cpus[0].rounds);
      EXPECT_GT(answer.findings.operation_ns, 0);
      EXPECT_EQ(answer.findings.counter("targets"), cpus.size() - 1);
    }
  }
}

TEST_F(QuestionsTest, DeathsAreTimedOneByOne) {
  for (const std::size_t count : {1u, 2u}) {
    const auto cpus = pus(count);
    const Answer answer = ask_deaths(bench_, cpus, kTimes);
    expect_whole(answer, cpus.size());
    EXPECT_GE(answer.findings.counter("deaths"), 1);
    EXPECT_EQ(answer.findings.counter("deaths"), answer.findings.counter("death_ns_count"));
    EXPECT_GT(answer.findings.operation_ns, 0);
    EXPECT_EQ(answer.findings.counter("borrowers"), cpus.size() - 1);
  }
}

TEST(FileLimit, IsAtItsMostOnceRaised) {
  measure::raise_file_limit();
  measure::raise_file_limit();
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

}  // namespace
}  // namespace mmscale::host
