// SPDX-License-Identifier: MIT
//
// The latency of single context switches, by sampling.
#pragma once

#include <memory>
#include <vector>

#include "machine/machine.h"
#include "measure/clock_cost.h"
#include "measure/findings.h"
#include "measure/histogram.h"
#include "measure/tick_rate.h"
#include "workload/wrapped_load.h"

namespace mmscale::measure {

// One context switch in so many is timed. A power of two far above what a sample costs (some 50 to 100 ns)
// over what a switch costs (from 1 ns): throughput stays within 2 % of that without sampling;
// docs/latency.md shows it.
inline constexpr std::uint32_t kLatencyOneIn = 8192;

// Runs the loop unchanged; between batches it times one switch of one round, whose steps are run one after the other, by
// two readings of the CPU's counter. Which switch takes turns, so that every kind of the round gets its share. A sample
// contains the reading and the call into the loop; what these cost without a switch is sampled each time, too.
class SampledLoad final : public workload::WrappedLoad, public SelfMeasuring {
 public:
  // A round with more than `one_in` switches is sampled every time. Throws std::invalid_argument if the load
  // has no steps.
  explicit SampledLoad(std::unique_ptr<workload::Load> inner, std::uint32_t one_in = kLatencyOneIn);

  void boot(unsigned cpu, unsigned os_cpu) override;
  bool run(unsigned cpu, std::uint64_t rounds) override;
  void open_window(unsigned cpu) override;
  void close_window(unsigned cpu) override;

  // latency_ns, clock_ns, clock_step_ns, latency_one_in.
  Findings findings(const Window& window) const override;

  // The steps of a round that are sampled: switches, exits excepted, since they do more than switch.
  static std::vector<std::uint32_t> sampled_steps(std::span<const workload::Step> steps);

 private:
  // What one CPU samples, allocated by its own thread.
  struct alignas(machine::kApart) Sampler {
    std::vector<std::uint32_t> steps;
    std::size_t next = 0;
    std::uint64_t rounds_between = 0;
    std::uint64_t rounds_left = 0;
    Histogram latency;
    Histogram clock;
    TickRate rate;
    double clock_step_ticks = 0;
  };

  bool sampled_round(unsigned cpu, Sampler& sampler);

  const std::uint32_t one_in_;
  std::vector<std::unique_ptr<Sampler>> samplers_;
};

}  // namespace mmscale::measure
