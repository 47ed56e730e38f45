// SPDX-License-Identifier: MIT
#include "cli/assessment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

namespace mmscale::cli {
namespace {

// Below that part nobody sees it.
constexpr double kMatters = 0.01;

std::string time(double ns) {
  // Three digits, which from there on are the next unit's.
  constexpr double kNext = 999.5;
  const double size = std::abs(ns);
  if (size >= kNext * 1e6) return fmt::format("{:.3g} s", ns * 1e-9);
  if (size >= kNext * 1e3) return fmt::format("{:.3g} ms", ns * 1e-6);
  if (size >= kNext) return fmt::format("{:.3g} us", ns * 1e-3);
  return fmt::format("{:.3g} ns", ns);
}

std::string text(const Figure& figure) {
  if (!figure.median) return "no valid window";
  if (!figure.interval) return time(*figure.median);
  return fmt::format("{} [{}, {}]", time(*figure.median), time(figure.interval->low),
                     time(figure.interval->high));
}

std::string some_cpus(unsigned cpus) { return fmt::format("{} CPU{}", cpus, cpus == 1 ? "" : "s"); }

// Whether it is more than nothing, or less, as far as its windows can tell.
bool is_seen(const Figure& f) { return f.interval && f.interval->low > 0; }
bool is_gain(const Figure& f) { return f.interval && f.interval->high < 0; }

// Two digits at least, none of them in a power of ten.
std::string percent(double part) {
  const double size = std::abs(part * measure::kPercent);
  const int digits = size > 0 && size < 10 ? 1 - static_cast<int>(std::floor(std::log10(size))) : 0;
  return fmt::format("{:.{}f} %", part * measure::kPercent, digits);
}

// The upper end of a figure, and of mm_count's own instructions, which are not in what sharing costs.
std::optional<double> with_instructions(const Figure& figure, const SwitchPoint& point) {
  if (!figure.interval) return std::nullopt;
  const auto& own = point.instructions.interval;
  return std::max(0.0, figure.interval->high + (own ? std::max(0.0, own->high) : 0.0));
}

// The upper end of what a scheme without mm_count would spare in each switch: all of it, where nothing better is known.
std::optional<double> most_spared(const SwitchPoint& point) {
  if (!point.threads.interval) return std::nullopt;
  if (!point.counted) return with_instructions(point.mm_count, point);
  const auto most =
      agreement(point) == Agreement::agree ? with_instructions(point.mm_count, point) : bound(point);
  return std::min(point.threads.interval->high, most.value_or(INFINITY));
}

// How much more often a program switches, as a part, that does nothing else and is spared so much of each, out of the least
// that one may take. Empty where that is nearly all of it.
std::optional<double> gain_of(std::optional<double> spared, const SwitchPoint& point) {
  constexpr double kNearlyAll = 0.9;
  if (!spared || !point.counted || !point.threads.interval) return std::nullopt;
  const double threads = point.threads.interval->low;
  return *spared > kNearlyAll * threads ? std::nullopt : std::optional(*spared / (threads - *spared));
}

// Why nothing is known of its CPU time, where its counts are there.
std::string why_no_share(const Assessment& a) {
  if (a.workload->lost != 0)
    return fmt::format(": its tracer lost {} events or more (mmscale record --buffer makes room for more)",
                       a.workload->lost);
  if (a.workload->cpus > a.all_cpus)
    return fmt::format(": it has {}, and what a switch takes was measured with {}",
                       some_cpus(a.workload->cpus), a.all_cpus);
  return {};
}

std::string point_in_words(const SwitchPoint& point) {
  std::string words;
  if (!point.sharing.interval)
    return fmt::format(
        "What sharing an mm costs with {} CPUs is unknown: too few pairs of windows count, {} (threads {}, "
        "processes {}).\n",
        point.cpus, point.sharing.windows, text(point.threads), text(point.processes));
  if (point.pause_ns > 0)
    words += fmt::format(
        "With {} CPUs pairs compute {} between two messages, which is not in the figures: so {:.0f} % of the "
        "messages are slept for.\n",
        point.cpus, time(point.pause_ns), point.slept_share * measure::kPercent);
  words += fmt::format("Sharing an mm costs {}{} a switch with {} CPUs here (threads {}, processes {}).\n",
                       is_seen(point.sharing) ? "" : "nothing that could be seen: ", text(point.sharing),
                       point.cpus, text(point.threads), text(point.processes));
  if (is_gain(point.sharing))
    words +=
        "Threads switch faster: what else they share spares more than mm_count costs, so that is no bound of "
        "what a scheme would give.\n";
  if (!point.counted)
    return words +
           fmt::format(
               "The kernel that runs here counts nothing, so that is not mm_count. Counting would cost "
               "{} a switch more, as emulated.\n",
               text(point.mm_count));
  // Where they do not meet the one or the other is more.
  const bool is_above =
      point.mm_count.interval && point.mm_count.interval->low > point.sharing.interval->high;
  const std::array<std::string_view, 4> kEmulation = {
      "mm_count explains {} of it, as emulated with that switch around it.\n",
      is_above
          ? "The emulation says {} for mm_count, which is more than all that sharing costs here: the "
            "emulation "
            "is wrong, or what else threads share spares something.\n"
          : "The emulation says {} for mm_count, which is another figure: what sharing costs here is not, "
            "or not only, mm_count.\n",
      "The emulation says {} for mm_count. These windows cannot tell that from nothing: "
      "they neither bear it out nor contradict it.\n",
      "Whether mm_count explains that is unknown: too few emulated windows count ({}).\n"};
  words += fmt::format(fmt::runtime(kEmulation.at(static_cast<std::size_t>(agreement(point)))),
                       text(point.mm_count));
  if (!bound(point)) return words;
  const auto gain = most_gain(point);
  if (!gain)
    return words + "What any other scheme would give nobody can tell: the windows are too far apart.\n";
  const auto emulated = emulated_gain(point);
  const bool finer = emulated && *emulated < *gain && agreement(point) != Agreement::disagree;
  words += fmt::format(
      "Shootdown, or any other scheme, would give {}{} in a program that does nothing but switch{}\n",
      *gain == 0 ? "nothing" : "at most " + percent(*gain),
      finer ? fmt::format(", as emulated {},", percent(*emulated)) : "",
      *gain >= kMatters ? "." : ": it does not matter.");
  if (!point.instructions.interval)
    words +=
        "mm_count's own instructions, which processes spend, too, are not in that: too few emulated windows "
        "count.\n";
  return words;
}

nlohmann::ordered_json json_of(const Figure& figure) {
  nlohmann::ordered_json json = {{"windows", figure.windows}};
  if (figure.median) json["median_ns"] = *figure.median;
  if (figure.interval)
    json["interval_ns"] = {{"low", figure.interval->low},
                           {"high", figure.interval->high},
                           {"confidence", figure.interval->confidence}};
  return json;
}

constexpr std::array<std::string_view, 4> kAgreementNames = {"agree", "disagree", "cannot_tell", "unknown"};

bool is_counted(const Assessment& a) { return a.workload && a.workload->unavailable.empty(); }
// And whether they say what its CPU time is spent on.
bool has_counts(const Assessment& a) { return is_counted(a) && why_no_share(a).empty(); }

}  // namespace

Figure figure_of(std::span<const double> values) {
  constexpr double kLeastConfidence = 0.9;
  Figure figure{measure::median(values), measure::median_interval(values), values.size()};
  if (figure.interval && figure.interval->confidence < kLeastConfidence) figure.interval.reset();
  return figure;
}

Agreement agreement(const SwitchPoint& point) {
  const auto& real = point.sharing.interval;
  const auto& emulated = point.mm_count.interval;
  if (!real || !emulated || !point.counted) return Agreement::unknown;
  if (is_gain(point.sharing) || real->low > emulated->high || emulated->low > real->high)
    return Agreement::disagree;
  return is_seen(point.sharing) && is_seen(point.mm_count) ? Agreement::agree : Agreement::cannot_tell;
}

std::optional<double> bound(const SwitchPoint& point) {
  return is_gain(point.sharing) || !point.counted ? std::nullopt : with_instructions(point.sharing, point);
}

std::optional<double> most_gain(const SwitchPoint& point) { return gain_of(bound(point), point); }

std::optional<double> emulated_gain(const SwitchPoint& point) {
  return gain_of(with_instructions(point.mm_count, point), point);
}

std::optional<double> share_of(const Assessment& assessment, double ns) {
  if (!has_counts(assessment)) return std::nullopt;
  const Workload& workload = *assessment.workload;
  constexpr double kSwitchesPerBorrow = 2;
  return static_cast<double>(workload.borrows) * kSwitchesPerBorrow * ns * 1e-9 /
         (workload.seconds * workload.cpus);
}

std::optional<double> workload_share(const Assessment& assessment) {
  if (assessment.points.empty()) return std::nullopt;
  const auto spared = most_spared(assessment.points.back());
  const auto share = spared ? share_of(assessment, *spared) : std::nullopt;
  return share <= 1.0 ? share : std::nullopt;
}

std::optional<double> interrupts_share(const Assessment& assessment) {
  const auto& ns = assessment.interrupt_running.interval;
  if (!ns || !has_counts(assessment)) return std::nullopt;
  const Workload& workload = *assessment.workload;
  // Who sends waits, and who is interrupted takes no longer than that.
  return static_cast<double>(workload.interrupts) * 2 * ns->high * 1e-9 / (workload.seconds * workload.cpus);
}

std::string in_words(const Assessment& a) {
  std::string words;
  if (a.accepts_invalid) words += "Windows that do not count were taken, too, as asked for.\n";
  if (a.kernel_lazy_tlb.starts_with("unknown"))
    words +=
        fmt::format("Whether the kernel that runs here counts is not known, and taken for granted ({}).\n",
                    a.kernel_lazy_tlb);
  if (a.all_cpus < a.online_cpus)
    words += fmt::format("Of {} CPUs {} may be used here at a time, and all that follows is of those.\n",
                         a.online_cpus, a.all_cpus);
  if (!a.points.empty())
    words += fmt::format("{:>5} {:>30} {:>30} {:>26} {:>26} {:>26}\n", "CPUs", "threads", "processes",
                         "sharing", "mm_count, emulated", "shootdown spares");
  for (const SwitchPoint& p : a.points)
    words += fmt::format("{:>5} {:>30} {:>30} {:>26} {:>26} {:>26}\n", p.cpus, text(p.threads),
                         text(p.processes), text(p.sharing), text(p.mm_count), text(p.shootdown));
  words += "\n";
  for (const Death& death : a.deaths)
    words += fmt::format("A death with {} lazy on the mm: {}.\n", some_cpus(death.lazy), text(death.ns));
  if (a.interrupt_running.windows != 0)
    words += fmt::format(
        "Interrupting one CPU that computes: {} (membarrier; on another socket where there is one).\n",
        text(a.interrupt_running));
  if (a.flush_running.windows != 0 || a.flush_idle.windows != 0)
    words += fmt::format(
        "munmap of a page another CPU may have cached: {} where it computes, {} where it idles.\n",
        text(a.flush_running), text(a.flush_idle));
  words += "\n";
  if (a.points.empty() && a.kernel_lazy_tlb != "shootdown")
    words += "With one CPU nobody shares a line: mm_count costs its own instructions and nothing else.\n";
  for (const SwitchPoint& p : a.points) words += point_in_words(p);
  for (const SwitchPoint& p : a.points)
    if (p.planted.median)
      words += fmt::format("Planted: {} a switch; found with {} CPUs: {}{}.\n", time(a.planted_ns), p.cpus,
                           is_seen(p.planted) ? "" : "nothing that could be seen, ", text(p.planted));
  if (!a.workload) return words;
  const Workload& w = *a.workload;
  if (!is_counted(a)) {
    words += fmt::format("{}: unavailable ({})\n", w.name, w.unavailable);
    return words;
  }
  const auto rate = [&w](std::uint64_t count) {
    const double each = static_cast<double>(count) / w.seconds;
    return each < 100 ? fmt::format("{:.3g}", each) : fmt::format("{:.0f}", each);
  };
  words +=
      fmt::format("{}: {} switches, {} borrows, {} deaths a second on {}, in {}.\n", w.name, rate(w.switches),
                  rate(w.borrows), rate(w.deaths), some_cpus(w.cpus), time(w.seconds * 1e9));
  const auto share = workload_share(a);
  if (!share) return words + fmt::format("What of its CPU time that is, is unknown{}.\n", why_no_share(a));
  const SwitchPoint& widest = a.points.back();
  words += fmt::format("Of its CPU time {} at most {}{}{}\n",
                       widest.counted ? "mm_count takes" : "counting would take", percent(*share),
                       !widest.counted || most_spared(widest) < widest.threads.interval->high
                           ? ""
                           : ", were it all of a switch",
                       *share < kMatters ? ": it does not matter." : ".");
  const auto spared = [&a](const Figure& figure) {
    return is_seen(figure) || is_gain(figure) ? percent(*share_of(a, *figure.median))
                                              : "nothing that could be seen";
  };
  if (agreement(widest) == Agreement::agree)
    words +=
        fmt::format("Shootdown would spare {} of its CPU time, hazptr {}, less what they do at a death.\n",
                    spared(widest.shootdown), spared(widest.hazptr));
  if (const auto cost = interrupts_share(a))
    words +=
        fmt::format("Shootdown would interrupt {} CPUs a second at deaths: at most {} of its CPU time.\n",
                    rate(w.interrupts), percent(*cost));
  return words;
}

nlohmann::ordered_json to_json(const Assessment& a) {
  nlohmann::ordered_json json = {{"placement", a.placement},
                                 {"lifecycle", a.lifecycle},
                                 {"kernel_lazy_tlb", a.kernel_lazy_tlb},
                                 {"transport", a.transport},
                                 {"repetitions", a.repetitions},
                                 {"accepts_invalid", a.accepts_invalid},
                                 {"cpus", a.all_cpus},
                                 {"online_cpus", a.online_cpus},
                                 {"points", nlohmann::ordered_json::array()},
                                 {"deaths", nlohmann::ordered_json::array()}};
  for (const SwitchPoint& p : a.points) {
    nlohmann::ordered_json point = {
        {"cpus", p.cpus},
        {"pause_ns", p.pause_ns},
        {"slept_share", p.slept_share},
        {"counted", p.counted},
        {"threads", json_of(p.threads)},
        {"processes", json_of(p.processes)},
        {"sharing", json_of(p.sharing)},
        {"mm_count", json_of(p.mm_count)},
        {"shootdown_spares", json_of(p.shootdown)},
        {"hazptr_spares", json_of(p.hazptr)},
        {"instructions", json_of(p.instructions)},
        {"agreement", kAgreementNames.at(static_cast<std::size_t>(agreement(p)))}};
    if (const auto most = bound(p)) point["most_spared_ns"] = *most;
    if (const auto gain = most_gain(p)) point["most_gain"] = *gain;
    if (const auto gain = emulated_gain(p)) point["emulated_gain"] = *gain;
    if (a.planted_ns > 0) {
      point["planted_ns"] = a.planted_ns;
      point["planted_found"] = json_of(p.planted);
    }
    json["points"].push_back(std::move(point));
  }
  for (const Death& death : a.deaths)
    json["deaths"].push_back({{"lazy_cpus", death.lazy}, {"ns", json_of(death.ns)}});
  json["interrupt_running"] = json_of(a.interrupt_running);
  json["flush_running"] = json_of(a.flush_running);
  json["flush_idle"] = json_of(a.flush_idle);
  if (a.workload) {
    const Workload& w = *a.workload;
    json["workload"] = {{"name", w.name}};
    if (!is_counted(a)) {
      json["workload"]["unavailable"] = w.unavailable;
    } else {
      json["workload"].update({{"seconds", w.seconds},
                               {"cpus", w.cpus},
                               {"switches", w.switches},
                               {"borrows", w.borrows},
                               {"deaths", w.deaths},
                               {"interrupts", w.interrupts},
                               {"lost", w.lost}});
      if (const auto share = workload_share(a)) json["workload"]["most_cpu_share"] = *share;
      if (const auto share = interrupts_share(a)) json["workload"]["interrupts_cpu_share"] = *share;
    }
  }
  json["incomplete"] = a.incomplete;
  json["in_words"] = in_words(a);
  return json;
}

nlohmann::ordered_json to_record(const Assessment& a) {
  nlohmann::ordered_json details = to_json(a);
  details["family"] = "assess";
  details["record"] = "assessment";
  const std::string name = fmt::format("assess/{}/cpus:{}", a.placement, a.all_cpus);
  nlohmann::ordered_json record = {{"name", name}, {"run_name", name}};
  record.update(nlohmann::ordered_json::parse(R"({
    "run_type": "aggregate", "repetitions": 0, "threads": 1,
    "aggregate_name": "assessment", "aggregate_unit": "time", "iterations": 1, "real_time": 0.0, "cpu_time": 0.0,
    "time_unit": "ns"})"));
  record["repetitions"] = a.repetitions;
  record["mmscale"] = std::move(details);
  return record;
}

}  // namespace mmscale::cli
