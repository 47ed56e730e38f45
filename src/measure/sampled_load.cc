// SPDX-License-Identifier: MIT
#include "measure/sampled_load.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "machine/silicon/clock.h"

namespace mmscale::measure {

SampledLoad::SampledLoad(std::unique_ptr<workload::Load> inner, std::uint32_t one_in)
    : WrappedLoad(std::move(inner)), one_in_(one_in), samplers_(cpus()) {
  for (unsigned cpu = 0; cpu < cpus(); ++cpu)
    if (sampled_steps(steps(cpu)).empty())
      throw std::invalid_argument("latency can only be sampled of a load that consists of switches");
}

std::vector<std::uint32_t> SampledLoad::sampled_steps(std::span<const workload::Step> steps) {
  std::vector<std::uint32_t> switches;
  for (std::uint32_t i = 0; i < steps.size(); ++i)
    if (steps[i].op == workload::Op::switch_to || steps[i].op == workload::Op::idle) switches.push_back(i);
  return switches;
}

void SampledLoad::boot(unsigned cpu, unsigned os_cpu) {
  samplers_[cpu] = std::make_unique<Sampler>();
  Sampler& sampler = *samplers_[cpu];
  sampler.steps = sampled_steps(steps(cpu));
  sampler.rounds_between = std::max<std::uint64_t>(1, one_in_ / switches_per_round(cpu)) - 1;
  sampler.rounds_left = sampler.rounds_between;
  inner().boot(cpu, os_cpu);
}

bool SampledLoad::run(unsigned cpu, std::uint64_t rounds) {
  Sampler& sampler = *samplers_[cpu];
  while (rounds != 0) {
    const std::uint64_t unsampled = std::min(rounds, sampler.rounds_left);
    if (unsampled != 0 && !inner().run(cpu, unsampled)) return false;
    sampler.rounds_left -= unsampled;
    rounds -= unsampled;
    if (rounds == 0) break;
    if (!sampled_round(cpu, sampler)) return false;
    sampler.rounds_left = sampler.rounds_between;
    --rounds;
  }
  return true;
}

bool SampledLoad::sampled_round(unsigned cpu, Sampler& sampler) {
  using machine::silicon::ticks;
  const std::uint32_t step = sampler.steps[sampler.next];
  if (++sampler.next == sampler.steps.size()) sampler.next = 0;
  const auto all = static_cast<std::uint32_t>(steps(cpu).size());
  if (!inner().run_part(cpu, 0, step, 1)) return false;
  const std::uint64_t clock_begin = ticks();
  inner().run_part(cpu, step, step, 1);
  const std::uint64_t begin = ticks();
  if (!inner().run_part(cpu, step, step + 1, 1)) return false;
  const std::uint64_t end = ticks();
  sampler.clock.record(begin - clock_begin);
  sampler.latency.record(end - begin);
  return inner().run_part(cpu, step + 1, all, 1);
}

void SampledLoad::open_window(unsigned cpu) {
  samplers_[cpu]->latency.clear();
  samplers_[cpu]->clock.clear();
  samplers_[cpu]->clock_step_ticks = clock_cost().step_ticks;
  samplers_[cpu]->rate.begin();
  inner().open_window(cpu);
}

void SampledLoad::close_window(unsigned cpu) {
  inner().close_window(cpu);
  samplers_[cpu]->rate.end();
}

Findings SampledLoad::findings(const Window&) const {
  Findings findings;
  Histogram latency;
  Histogram clock;
  for (const auto& sampler : samplers_) {
    latency.merge(sampler->latency);
    clock.merge(sampler->clock);
  }
  // One rate for all: the counters of all CPUs run at the same one where a counter can be used as a clock.
  const double ns_per_tick = samplers_[0]->rate.ns_per_tick();
  findings.put("latency_ns", latency, ns_per_tick);
  findings.put("clock_ns", clock, ns_per_tick);
  findings.put("clock_step_ns", samplers_[0]->clock_step_ticks * ns_per_tick);
  findings.put("latency_one_in", one_in_);
  findings.add_details({{"latency_one_in", one_in_}});
  return findings;
}

}  // namespace mmscale::measure
