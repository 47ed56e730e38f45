// SPDX-License-Identifier: MIT
#include "campaign/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>

#include "measure/statistics.h"

namespace mmscale::campaign {

namespace {

// Standard error may be a stream without a descriptor of its own, from which messages are lost in silence.
int descriptor_of(std::FILE* out) { return out == stderr ? STDERR_FILENO : fileno(out); }

// What a line of progress says of the record.
std::string figure_of(const measure::Record& record) {
  if (record.findings.operation_ns)
    return fmt::format("{} per {}", time_text(*record.findings.operation_ns), record.findings.operation);
  return with_si_prefix(record.rate()) + std::string(record.subject.operation->unit);
}

// Windows that could not be measured say nothing of it.
bool is_timed(const std::vector<measure::Record>& repetitions) {
  return std::ranges::any_of(repetitions,
                             [](const auto& record) { return record.findings.operation_ns.has_value(); });
}

bool is_counted(const std::vector<measure::Record>& repetitions) {
  return !repetitions.empty() && !is_timed(repetitions);
}

// Of the valid repetitions: the median of a quantile of the operation.
std::optional<double> median_of_quantile(const std::vector<measure::Record>& repetitions,
                                         std::string_view suffix) {
  return measure::median(measure::of_valid(repetitions, [suffix](const measure::Record& record) {
    return record.findings.counter(fmt::format("{}_{}", record.findings.distribution, suffix));
  }));
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kQuantiles = {
    {{"p90", "p90"}, {"p99", "p99"}, {"p999", "p99.9"}, {"max", "max"}}};

// Cases whose operation is timed: its median over the windows with the interval, and the quantiles within a
// window where some case has them.
std::string times_table(std::span<const std::vector<measure::Record>> cases, std::size_t width,
                        std::string_view mark) {
  const auto marked = [mark](double ns) { return std::string(mark) + time_text(ns); };
  const bool quantiles = std::any_of(cases.begin(), cases.end(), [](const auto& repetitions) {
    return std::ranges::any_of(repetitions,
                               [](const auto& record) { return !record.findings.distribution.empty(); });
  });
  std::string text = fmt::format("{:<{}}  {:>10}  {:>19}", "case", width, "median", "interval");
  if (quantiles)
    for (const auto& [suffix, head] : kQuantiles) text += fmt::format("  {:>9}", head);
  text += fmt::format("  {:>7}\n", "valid");
  for (const auto& repetitions : cases) {
    if (!is_timed(repetitions)) continue;
    const auto times = measure::of_valid(
        repetitions, [](const measure::Record& record) { return record.findings.operation_ns; });
    const auto median = measure::median(times);
    const auto interval = measure::median_interval(times);
    text += fmt::format(
        "{:<{}}  {:>10}  {:>19}", repetitions.front().name, width, median ? marked(*median) : "none valid",
        interval ? fmt::format("{} .. {}", marked(interval->low), marked(interval->high)) : "");
    if (quantiles)
      for (const auto& [suffix, head] : kQuantiles) {
        const auto time = median_of_quantile(repetitions, suffix);
        text += fmt::format("  {:>9}", time ? marked(*time) : "");
      }
    text += fmt::format("  {:>7}\n", fmt::format("{}/{}", times.size(), repetitions.size()));
  }
  return text;
}

// A terminal that can move its cursor: TERM=dumb, an editor's shell or a serial line, says of itself that it cannot.
bool can_overwrite(std::FILE* out) {
  const char* term = std::getenv("TERM");
  return isatty(descriptor_of(out)) != 0 && !(term != nullptr && std::string_view(term) == "dumb");
}

// In the first of these units, each a thousand times the one before, in which it has at most three digits.
template <std::size_t n>
std::string in_units(double value, const std::array<std::string_view, n>& units) {
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < n; ++unit) value /= 1000;
  return fmt::format("{:.{}f} {}", value, value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2, units[unit]);
}

}  // namespace

std::string time_text(double ns) {
  return in_units(ns, std::array<std::string_view, 4>{"ns", "us", "ms", "s"});
}

std::string with_si_prefix(double value) {
  return in_units(value, std::array<std::string_view, 5>{"", "k", "M", "G", "T"});
}

std::string rounded_text(std::chrono::nanoseconds duration) {
  using namespace std::chrono;
  if (duration < milliseconds(1)) return fmt::format("{}us", duration_cast<microseconds>(duration).count());
  if (duration < seconds(1)) return fmt::format("{}ms", duration_cast<milliseconds>(duration).count());
  const auto total = round<seconds>(duration).count();
  if (total < 60) return fmt::format("{}s", total);
  if (total < 3600) return fmt::format("{}m{:02}s", total / 60, total % 60);
  return fmt::format("{}h{:02}m", total / 3600, total / 60 % 60);
}

Progress::Progress(std::FILE* out, unsigned windows, bool live)
    : out_(out), terminal_(can_overwrite(out)), windows_(windows) {
  if (live && terminal_) live_.emplace();
}

void Progress::starting(std::string_view name, unsigned repetition) {
  if (!terminal_) return;
  const std::string head =
      fmt::format("[{}/{}] {} #{} {}", done_ + 1, std::max(windows_, done_ + 1), name, repetition + 1, eta());
  // Here and not when a window has ended: nothing is drawn while one runs, and each is drawn once.
  if (live_)
    draw(head);
  else
    fmt::print(out_, "\r\033[K{}", head);
  std::fflush(out_);
}

// The head and the view below it, in place of the last ones.
void Progress::draw(const std::string& head) {
  winsize size = {};
  if (ioctl(descriptor_of(out_), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    size.ws_col = 80;
    size.ws_row = 24;
  }
  // The last column stays free: what is written there makes some terminals go on in the next line.
  const unsigned width = std::max(size.ws_col - 1, 1);
  std::string text = erased() + head.substr(0, width);
  // One line is the head's.
  const auto lines = live_->lines(width, size.ws_row - 1u);
  for (const std::string& line : lines) text += "\r\n" + line;
  drawn_below_ = lines.size();
  fmt::print(out_, "{}", text);
}

// What takes the head and the view away and leaves the cursor where the head began.
std::string Progress::erased() const {
  return (drawn_below_ == 0 ? "" : fmt::format("\033[{}A", drawn_below_)) + "\r\033[J";
}

void Progress::finished(const measure::Record& record) {
  ++done_;
  if (live_) {
    live_->add(record);
    return;
  }
  if (terminal_) {
    if (!record.valid())
      fmt::print(out_, "\r\033[K{} #{}: invalid: {}\n", record.name, record.repetition + 1,
                 record.window.verdict.reasons.front());
    return;
  }
  fmt::print(
      out_, "[{}/{}] {} #{}: {}, overlap {:.3f}{}\n", done_, std::max(windows_, done_), record.name,
      record.repetition + 1, figure_of(record), record.window.overlap.value_or(0),
      record.valid() ? "" : fmt::format(", invalid: {}", fmt::join(record.window.verdict.reasons, "; ")));
  std::fflush(out_);
}

void Progress::end() {
  if (live_)
    fmt::print(out_, "{}", erased());
  else if (terminal_ && done_ > 0)
    fmt::print(out_, "\r\033[K");
  std::fflush(out_);
}

std::string Progress::eta() const {
  // There are more windows than planned where --benchmark_min_time asks for them.
  if (done_ == 0 || done_ >= windows_) return {};
  const auto elapsed = std::chrono::steady_clock::now() - begin_;
  return "ETA " + rounded_text(elapsed / done_ * (windows_ - done_));
}

std::string pmu_table(std::span<const std::vector<measure::Record>> cases) {
  std::string text;
  for (const auto& repetitions : cases) {
    std::map<std::string, std::vector<double>> per_operation;
    for (const measure::Record& record : repetitions) {
      const measure::Window& window = record.window;
      const auto operations = window.switches() > 0 ? window.switches() : window.rounds();
      for (std::size_t i = 0; i < window.pmu_events.size() && record.valid() && operations > 0; ++i)
        if (const auto count = window.pmu_count(i))
          per_operation[window.pmu_events[i]].push_back(static_cast<double>(*count) /
                                                        static_cast<double>(operations));
    }
    std::vector<std::string> parts;
    for (const auto& [event, values] : per_operation)
      parts.push_back(fmt::format("{:.4g} {}", *measure::median(values), event));
    if (!parts.empty())
      text += fmt::format("{}: {} per operation\n", repetitions.front().name, fmt::join(parts, ", "));
  }
  return text;
}

namespace {

constexpr std::string_view kReference = "refcount";

// What cases have in common that differ in their scheme only.
std::string without_scheme(const measure::Record& record) {
  std::string name = record.name;
  const std::string part = fmt::format("/{}/", record.subject.scheme);
  if (const auto at = name.find(part); at != std::string::npos) name.replace(at, part.size(), "//");
  return name;
}

// The median rate of the reference, for each case that has one in these.
std::map<std::string, double> reference_rates(std::span<const std::vector<measure::Record>> cases) {
  std::map<std::string, double> rates;
  for (const auto& repetitions : cases) {
    if (!is_counted(repetitions) || repetitions.front().subject.scheme != kReference) continue;
    if (const auto rate =
            measure::median(measure::of_valid(repetitions, std::mem_fn(&measure::Record::rate)));
        rate && *rate > 0)
      rates[without_scheme(repetitions.front())] = *rate;
  }
  return rates;
}

}  // namespace

std::string results_table(std::span<const std::vector<measure::Record>> cases, std::string_view mark) {
  std::size_t width = 4;
  for (const auto& repetitions : cases)
    if (!repetitions.empty()) width = std::max(width, repetitions.front().name.size());
  std::string text;
  if (std::any_of(cases.begin(), cases.end(), is_timed)) text = times_table(cases, width, mark);
  if (std::none_of(cases.begin(), cases.end(), is_counted)) return text;
  if (!text.empty()) text += "\n";
  const std::map<std::string, double> references = reference_rates(cases);
  text += fmt::format("{:<{}}  {:>17}  {:>19}  {:>10}  {:>11}  {:>7}\n", "case", width, "operations/s",
                      "interval", "ns per CPU", "to refcount", "valid");
  for (const auto& repetitions : cases) {
    if (!is_counted(repetitions)) continue;
    const auto rates = measure::of_valid(repetitions, std::mem_fn(&measure::Record::rate));
    const auto ns = measure::of_valid(repetitions, std::mem_fn(&measure::Record::cpu_ns));
    const auto rate = measure::median(rates);
    const auto interval = measure::median_interval(rates);
    const auto reference = references.find(without_scheme(repetitions.front()));
    text += fmt::format("{:<{}}  {:>17}  {:>19}  {:>10}  {:>11}  {:>7}\n", repetitions.front().name, width,
                        rate ? std::string(mark) + with_si_prefix(*rate) +
                                   std::string(repetitions.front().subject.operation->unit)
                             : "no valid window",
                        interval ? fmt::format("{0}{1} .. {0}{2}", mark, with_si_prefix(interval->low),
                                               with_si_prefix(interval->high))
                                 : "",
                        rate ? fmt::format("{}{:.2f}", mark, *measure::median(ns)) : "",
                        rate && reference != references.end()
                            ? fmt::format("{}{:.3g} x", mark, *rate / reference->second)
                            : "",
                        fmt::format("{}/{}", rates.size(), repetitions.size()));
  }
  return text;
}

}  // namespace mmscale::campaign
