// SPDX-License-Identifier: MIT
#include "bench/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "measure/statistics.h"

namespace mmscale::bench {
namespace {

double rate_of(const measure::Record& record) {
  return record.subject.family == "floor" ? record.window.rounds_per_second()
                                          : record.window.switches_per_second();
}

std::string_view unit_of(const measure::Record& record) {
  return record.subject.family == "floor" ? "pairs/s" : "switches/s";
}

}  // namespace

std::string with_si_prefix(double value) {
  constexpr std::array<std::string_view, 5> kPrefixes = {"", "k", "M", "G", "T"};
  std::size_t prefix = 0;
  while (value >= 999.5 && prefix + 1 < kPrefixes.size()) {
    value /= 1000;
    ++prefix;
  }
  const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, kPrefixes[prefix]);
}

std::string duration_text(std::chrono::nanoseconds duration) {
  using namespace std::chrono;
  if (duration < milliseconds(1)) return fmt::format("{}us", duration_cast<microseconds>(duration).count());
  if (duration < seconds(1)) return fmt::format("{}ms", duration_cast<milliseconds>(duration).count());
  const auto total = round<seconds>(duration).count();
  if (total < 60) return fmt::format("{}s", total);
  if (total < 3600) return fmt::format("{}m{:02}s", total / 60, total % 60);
  return fmt::format("{}h{:02}m", total / 3600, total / 60 % 60);
}

Progress::Progress(std::FILE* out, unsigned windows)
    : out_(out), terminal_(isatty(fileno(out)) != 0), windows_(windows) {}

void Progress::starting(const measure::Record& record) {
  if (!terminal_) return;
  fmt::print(out_, "\r\033[K[{}/{}] {} #{} {}", done_ + 1, std::max(windows_, done_ + 1), record.name,
             record.repetition + 1, eta());
  std::fflush(out_);
}

void Progress::finished(const measure::Record& record) {
  ++done_;
  if (terminal_) {
    if (!record.valid())
      fmt::print(out_, "\r\033[K{} #{}: invalid: {}\n", record.name, record.repetition + 1,
                 record.window.verdict.reasons.front());
    return;
  }
  fmt::print(
      out_, "[{}/{}] {} #{}: {}{}, overlap {:.3f}{}\n", done_, std::max(windows_, done_), record.name,
      record.repetition + 1, with_si_prefix(rate_of(record)), unit_of(record),
      record.window.overlap.value_or(0),
      record.valid() ? "" : fmt::format(", invalid: {}", fmt::join(record.window.verdict.reasons, "; ")));
  std::fflush(out_);
}

void Progress::end() {
  if (terminal_ && done_ > 0) fmt::print(out_, "\r\033[K");
  std::fflush(out_);
}

std::string Progress::eta() const {
  // There are more windows than planned where --benchmark_min_time asks for them.
  if (done_ == 0 || done_ >= windows_) return {};
  const auto elapsed = std::chrono::steady_clock::now() - begin_;
  return "ETA " + duration_text(elapsed / done_ * (windows_ - done_));
}

std::string results_table(std::span<const std::vector<measure::Record>> cases) {
  std::size_t width = 4;
  for (const auto& repetitions : cases)
    if (!repetitions.empty()) width = std::max(width, repetitions.front().name.size());
  std::string text = fmt::format("{:<{}}  {:>17}  {:>19}  {:>10}  {:>7}\n", "case", width, "operations/s",
                                 "interval", "ns per CPU", "valid");
  for (const auto& repetitions : cases) {
    if (repetitions.empty()) continue;
    std::vector<double> rates;
    std::vector<double> ns;
    for (const measure::Record& record : repetitions) {
      if (!record.valid()) continue;
      rates.push_back(rate_of(record));
      ns.push_back(record.cpu_ns());
    }
    const auto rate = measure::median(rates);
    const auto interval = measure::median_interval(rates);
    text += fmt::format(
        "{:<{}}  {:>17}  {:>19}  {:>10}  {:>7}\n", repetitions.front().name, width,
        rate ? with_si_prefix(*rate) + std::string(unit_of(repetitions.front())) : "no valid window",
        interval ? fmt::format("{} .. {}", with_si_prefix(interval->low), with_si_prefix(interval->high))
                 : "",
        rate ? fmt::format("{:.2f}", *measure::median(ns)) : "",
        fmt::format("{}/{}", rates.size(), repetitions.size()));
  }
  return text;
}

}  // namespace mmscale::bench
