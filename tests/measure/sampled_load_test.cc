// SPDX-License-Identifier: MIT
#include "measure/sampled_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "measure/window.h"

namespace mmscale::measure {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using workload::Op;
using workload::Step;

// Notes which steps it is made to run, in order: a whole round as -1.
class Recorder final : public workload::Load {
 public:
  explicit Recorder(std::vector<Step> steps) : steps_(std::move(steps)) {}

  unsigned cpus() const override { return 1; }
  void boot(unsigned, unsigned) override {}
  bool run(unsigned, std::uint64_t rounds) override {
    whole_rounds += rounds;
    return true;
  }
  void finish(unsigned) override {}
  void stop(unsigned) override {}
  std::uint32_t switches_per_round(unsigned) const override { return workload::count_switches(steps_); }
  kernel::Tally tally(unsigned) const override { return {}; }
  std::span<const Step> steps(unsigned) const override { return steps_; }
  bool run_part(unsigned, std::uint32_t first, std::uint32_t last, std::uint64_t times) override {
    EXPECT_EQ(times, 1u);
    for (std::uint32_t step = first; step < last; ++step) parts.push_back(step);
    if (last == first + 1) alone.push_back(first);
    return true;
  }
  std::vector<std::string> audit() override { return {}; }

  std::uint64_t whole_rounds = 0;
  std::vector<std::uint32_t> parts;
  std::vector<std::uint32_t> alone;

 private:
  const std::vector<Step> steps_;
};

const std::vector<Step> kRound = {{Op::switch_to, 0}, {Op::think, 5}, {Op::idle}, {Op::think, 5}};

struct Sampled {
  explicit Sampled(std::vector<Step> steps, std::uint32_t one_in) {
    auto inner = std::make_unique<Recorder>(std::move(steps));
    recorder = inner.get();
    load = std::make_unique<SampledLoad>(std::move(inner), one_in);
    load->boot(0, 0);
    load->open_window(0);
  }
  double samples() {
    load->close_window(0);
    return load->findings(Window()).counter("latency_ns_count").value();
  }
  Recorder* recorder;
  std::unique_ptr<SampledLoad> load;
};

TEST(SampledSteps, AreSwitchesButNotExits) {
  EXPECT_THAT(SampledLoad::sampled_steps(kRound), ElementsAre(0, 2));
  const std::vector<Step> life = {{Op::await_birth, 0}, {Op::switch_to, 0}, {Op::exit, 0}};
  EXPECT_THAT(SampledLoad::sampled_steps(life), ElementsAre(1));
  EXPECT_THAT(SampledLoad::sampled_steps({}), IsEmpty());
}

// One switch in 8 of rounds of two: one round in four, and of it one switch.
TEST(SampledLoad, SamplesOneInSoMany) {
  Sampled sampled(kRound, 8);
  sampled.load->run(0, 40);
  EXPECT_EQ(sampled.recorder->whole_rounds, 30u);
  EXPECT_EQ(sampled.recorder->parts.size(), 10 * kRound.size());
  EXPECT_EQ(sampled.samples(), 10);
}

TEST(SampledLoad, ASampledRoundIsARoundInOrder) {
  Sampled sampled(kRound, 2);
  sampled.load->run(0, 2);
  EXPECT_THAT(sampled.recorder->parts, ElementsAre(0, 1, 2, 3, 0, 1, 2, 3));
}

TEST(SampledLoad, SwitchesTakeTurns) {
  // A round of three switches and nothing else, so that what runs alone is what is timed or stands at an end.
  Sampled sampled(
      {{Op::think, 1}, {Op::switch_to, 0}, {Op::switch_to, 1}, {Op::idle}, {Op::think, 1}, {Op::think, 1}},
      1);
  sampled.load->run(0, 3);
  std::vector<std::uint32_t> timed;
  for (const std::uint32_t step : sampled.recorder->alone)
    if (step == 1 || step == 2 || step == 3) timed.push_back(step);
  EXPECT_THAT(timed, ElementsAre(1, 2, 3));
}

TEST(SampledLoad, ManyShortRunsSampleAsOneLong) {
  Sampled sampled(kRound, 8);
  for (int i = 0; i < 40; ++i) sampled.load->run(0, 1);
  EXPECT_EQ(sampled.recorder->whole_rounds, 30u);
  EXPECT_EQ(sampled.samples(), 10);
}

TEST(SampledLoad, OnlyTheWindowCounts) {
  Sampled sampled(kRound, 2);
  sampled.load->run(0, 5);
  sampled.load->open_window(0);
  sampled.load->run(0, 3);
  EXPECT_EQ(sampled.samples(), 3);
}

TEST(SampledLoad, SaysItsRateAndWhatTheClockCosts) {
  Sampled sampled(kRound, 2);
  sampled.load->run(0, 5);
  sampled.load->close_window(0);
  const Findings findings = sampled.load->findings(Window());
  EXPECT_EQ(findings.counter("latency_one_in"), 2);
  for (const char* name : {"latency_ns_p50", "latency_ns_p999", "latency_ns_max", "clock_ns_p50"})
    EXPECT_TRUE(findings.counter(name)) << name;
  EXPECT_FALSE(findings.operation_ns) << "the operation stays the switch that the window counts";
}

TEST(SampledLoad, RefusesALoadWithoutSwitches) {
  EXPECT_THROW(SampledLoad(std::make_unique<Recorder>(std::vector<Step>{}), 8), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::measure
