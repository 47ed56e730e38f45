// SPDX-License-Identifier: MIT
#include "measure/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>

#include "machine/silicon/clock.h"
#include "measure/disturbance.h"
#include "measure/text_file.h"
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
  noise.waited_ns = (probe.snapshot() - before).wait_ns;
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

std::vector<InterruptRow> parse_interrupts(std::string_view text, std::span<const unsigned> cpus) {
  // The head names the columns: only CPUs that are online have one.
  auto head = next_line(text);
  std::vector<unsigned> columns;
  for (auto word = next_word(head); word.starts_with("CPU"); word = next_word(head))
    columns.push_back(static_cast<unsigned>(to_integer(word.substr(3)).value_or(0)));
  std::vector<InterruptRow> rows;
  while (!text.empty()) {
    auto line = next_line(text);
    const auto key = next_word(line);
    if (!key.ends_with(':')) continue;
    std::vector<std::int64_t> counts(cpus.size());
    bool whole = true;
    for (const unsigned column : columns) {
      const auto count = to_integer(next_word(line));
      whole = whole && count;
      const auto at = std::ranges::find(cpus, column);
      if (count && at != cpus.end()) counts[static_cast<std::size_t>(at - cpus.begin())] = *count;
    }
    if (whole)
      rows.push_back(
          {std::string(key.substr(0, key.size() - 1)), std::string(trimmed(line)), std::move(counts)});
  }
  return rows;
}

std::vector<std::pair<std::string, double>> busiest(std::span<const InterruptRow> before,
                                                    std::span<const InterruptRow> after, std::size_t index,
                                                    double seconds) {
  std::vector<std::pair<std::string, double>> rates;
  for (const InterruptRow& row : after) {
    const auto then = std::ranges::find(before, row.name, &InterruptRow::name);
    const std::int64_t count = row.counts[index] - (then == before.end() ? 0 : then->counts[index]);
    if (count > 0)
      rates.emplace_back(fmt::format("{} ({})", row.name, row.description),
                         static_cast<double>(count) / seconds);
  }
  std::ranges::sort(rates, std::greater(), &std::pair<std::string, double>::second);
  rates.resize(std::min<std::size_t>(rates.size(), 3));
  return rates;
}

}  // namespace mmscale::measure
