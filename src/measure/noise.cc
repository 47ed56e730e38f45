// SPDX-License-Identifier: MIT
#include "measure/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "machine/silicon/clock.h"
#include "measure/disturbance.h"
#include "topology/bind.h"

namespace mmscale::measure {
namespace {

// Two looks at the clock are some 30 ns apart.
constexpr std::int64_t kGap = 1'000;

CpuNoise look(unsigned cpu, std::int64_t length) {
  using machine::silicon::now_ns;
  CpuNoise noise;
  noise.cpu = cpu;
  const ThreadProbe probe;
  const ThreadSnapshot before = probe.snapshot();
  TimeKeeper keeper;
  keeper.open(cpu);
  const auto start = static_cast<std::int64_t>(now_ns());
  std::int64_t last = start;
  while (last - start < length) {
    const auto now = static_cast<std::int64_t>(now_ns());
    if (now - last > kGap) {
      noise.lost_ns += now - last;
      ++noise.gaps;
      keeper.batch(std::chrono::nanoseconds(now - last), 1);
    }
    last = now;
  }
  noise.account = keeper.close(std::chrono::nanoseconds(last - start));
  // Read a little before and after the account.
  if (const auto waited = (probe.snapshot() - before).wait_ns)
    noise.waited_ns = std::min(*waited, noise.account.elapsed_ns);
  return noise;
}

}  // namespace

Noise look_at_noise(machine::silicon::Pool& pool, std::span<const unsigned> cpus,
                    std::chrono::nanoseconds length) {
  Noise noise;
  for (const unsigned cpu : cpus) noise.cpus.emplace_back().cpu = cpu;
  std::vector<std::size_t> asked(cpus.size());
  std::iota(asked.begin(), asked.end(), 0);
  // Those that do not even run a thread are left out at a second try.
  const auto cannot_run = [&](std::size_t at) {
    try {
      pool.run(
          cpus.subspan(at, 1), [](unsigned) {}, std::chrono::seconds(30));
      return false;
    } catch (const std::runtime_error& error) {
      noise.missing += fmt::format("{}{}", noise.missing.empty() ? "" : "; ", error.what());
      return true;
    }
  };
  for (const bool last : {false, true}) {
    std::vector<unsigned> on;
    for (const std::size_t at : asked) on.push_back(cpus[at]);
    try {
      pool.run(
          on, [&](unsigned i) { noise.cpus[asked[i]] = look(on[i], length.count()); },
          10 * length + std::chrono::seconds(30));
      break;
    } catch (const topology::BindError& error) {
      if (last) noise.missing = error.what();
      std::erase_if(asked, cannot_run);
    } catch (const topology::StuckError& error) {
      noise.missing = error.what();
      break;
    }
  }
  return noise;
}

}  // namespace mmscale::measure
