// SPDX-License-Identifier: MIT
#include "measure/noise.h"

#include <fmt/format.h>

#include <algorithm>

#include "machine/silicon/clock.h"
#include "measure/disturbance.h"
#include "measure/text_file.h"

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
  noise.waited_ns = (probe.snapshot() - before).wait_ns;
  return noise;
}

}  // namespace

std::vector<CpuNoise> look_at_noise(machine::silicon::Pool& pool, std::span<const unsigned> cpus,
                                    std::chrono::nanoseconds length) {
  std::vector<CpuNoise> noise(cpus.size());
  pool.run(
      cpus, [&](unsigned i) { noise[i] = look(cpus[i], length.count()); },
      10 * length + std::chrono::seconds(30));
  return noise;
}

Interrupts parse_interrupts(std::string_view text, std::span<const unsigned> cpus) {
  Interrupts interrupts;
  auto head = next_line(text);
  std::vector<unsigned> columns;
  for (auto word = next_word(head); word.starts_with("CPU"); word = next_word(head))
    columns.push_back(static_cast<unsigned>(to_integer(word.substr(3)).value_or(0)));
  while (!text.empty()) {
    auto line = next_line(text);
    const auto key = next_word(line);
    if (!key.ends_with(':')) continue;
    std::vector<std::int64_t> counts(cpus.size());
    std::string_view rest = line;
    bool whole = true;
    for (const unsigned column : columns) {
      const auto count = to_integer(next_word(rest));
      whole = whole && count;
      const auto at = std::find(cpus.begin(), cpus.end(), column);
      if (count && at != cpus.end()) counts[static_cast<std::size_t>(at - cpus.begin())] = *count;
    }
    // Rows that count for the machine and not for each CPU (ERR, MIS).
    if (!whole) continue;
    interrupts[fmt::format("{} ({})", key.substr(0, key.size() - 1), trimmed(rest))] = std::move(counts);
  }
  return interrupts;
}

std::vector<std::pair<std::string, double>> busiest(const Interrupts& before, const Interrupts& after,
                                                    std::size_t index, double seconds) {
  std::vector<std::pair<std::string, double>> rates;
  for (const auto& [name, counts] : after) {
    const auto then = before.find(name);
    const std::int64_t count = counts[index] - (then == before.end() ? 0 : then->second[index]);
    if (count > 0) rates.emplace_back(name, static_cast<double>(count) / seconds);
  }
  std::sort(rates.begin(), rates.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  rates.resize(std::min<std::size_t>(rates.size(), 3));
  return rates;
}

}  // namespace mmscale::measure
