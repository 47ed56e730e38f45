// SPDX-License-Identifier: MIT
//
// Family `line`: how long one cache line takes between any two PUs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/families.h"
#include "bench/line_sample.h"
#include "bench/stability.h"
#include "measure/cpuinfo.h"
#include "measure/findings.h"
#include "measure/hypervisor.h"
#include "measure/statistics.h"
#include "measure/text_file.h"
#include "measure/tick_rate.h"
#include "topology/distance.h"
#include "workload/line_load.h"
#include "workload/wrapped_load.h"

namespace mmscale::bench {
namespace {

// Visits that are kept of each pair: a window has some hundreds where there are few pairs, and the median of
// as many as these is as good. Of many pairs it has few.
std::size_t kept_visits(unsigned cpus) {
  return std::clamp<std::size_t>((1 << 20) / (std::size_t{cpus} * cpus), 8, 256);
}

// A visit on a machine of several packages: 144 round trips of two transfers at some 140 ns. A window takes four
// passes through all pairs: warming up, waiting until all are warm, the window, cooling down.
constexpr std::chrono::microseconds kVisit{40};
constexpr unsigned kPasses = 4;

// Made before the load, destroyed after it.
class Visits {
 public:
  explicit Visits(unsigned cpus) : cpus_(cpus), kept_(kept_visits(cpus)), pairs_(cpus * cpus) {
    for (unsigned a = 0; a < cpus; ++a)
      for (unsigned b = a + 1; b < cpus; ++b) pairs_[a * cpus + b].round_trip_ticks.reserve(kept_);
  }

  void visited(unsigned a, unsigned b, std::uint64_t ticks) {
    Pair& pair = pairs_[a * cpus_ + b];
    ++pair.visits;
    if (pair.round_trip_ticks.size() < kept_)
      pair.round_trip_ticks.push_back(static_cast<double>(ticks) / workload::kLineRoundTrips);
  }

  // Those in which `a` comes first are a's to forget, on its own thread.
  void forget(unsigned a) {
    for (unsigned b = a + 1; b < cpus_; ++b) {
      pairs_[a * cpus_ + b].visits = 0;
      pairs_[a * cpus_ + b].round_trip_ticks.clear();
    }
  }

  std::optional<double> round_trip_ticks(unsigned a, unsigned b) const {
    return measure::median(pairs_[a * cpus_ + b].round_trip_ticks);
  }
  // How far apart visits of one window are: the ninth decile over the first.
  double spread(unsigned a, unsigned b) const {
    const auto& ticks = pairs_[a * cpus_ + b].round_trip_ticks;
    return *measure::quantile(ticks, 0.9) / *measure::quantile(ticks, 0.1);
  }
  std::uint64_t visits(unsigned a, unsigned b) const { return pairs_[a * cpus_ + b].visits; }

 private:
  struct Pair {
    std::uint64_t visits = 0;
    std::vector<double> round_trip_ticks;
  };
  const unsigned cpus_;
  const std::size_t kept_;
  std::vector<Pair> pairs_;
};

// A distance in a record: of hundreds of PUs there are ten thousands.
char letter_of(topology::Distance distance) { return static_cast<char>('a' + static_cast<int>(distance)); }

// Distances of the PUs used, by position.
using Distances = std::vector<std::vector<topology::Distance>>;

class LineTrial final : private Visits, public workload::WrappedLoad, public measure::SelfMeasuring {
 public:
  LineTrial(std::vector<unsigned> pus, Distances distances, unsigned home_node, std::size_t sampled_from)
      : Visits(static_cast<unsigned>(pus.size())),
        WrappedLoad(workload::make_line_load(
            static_cast<unsigned>(pus.size()), home_node,
            [this](unsigned a, unsigned b, std::uint64_t ticks) { visited(a, b, ticks); })),
        pus_(std::move(pus)),
        distances_(std::move(distances)),
        home_node_(home_node),
        sampled_from_(sampled_from) {}

  // Visits that were begun before the window opened belong to it: a visit is far shorter than a window.
  void open_window(unsigned cpu) override {
    forget(cpu);
    if (cpu == 0) rate_.begin();
  }
  void close_window(unsigned cpu) override {
    if (cpu == 0) rate_.end();
  }

  measure::Findings findings(const measure::Window&) const override {
    const double ns_per_tick = rate_.ns_per_tick();
    std::vector<double> all;
    std::vector<double> spreads;
    std::map<topology::Distance, std::vector<double>> by_distance;
    std::uint64_t least_visits = UINT64_MAX;
    nlohmann::ordered_json one_way = nlohmann::ordered_json::array();
    nlohmann::ordered_json distance = nlohmann::ordered_json::array();
    for (unsigned i = 0; i < pus_.size(); ++i) {
      nlohmann::ordered_json times = nlohmann::ordered_json::array();
      std::string letters;
      for (unsigned j = i + 1; j < pus_.size(); ++j) {
        letters += letter_of(distances_[i][j]);
        const auto ticks = round_trip_ticks(i, j);
        times.push_back(ticks ? nlohmann::ordered_json(std::round(*ticks / 2 * ns_per_tick * 1000) / 1000)
                              : nullptr);
        least_visits = std::min(least_visits, visits(i, j));
        if (!ticks) continue;
        spreads.push_back(spread(i, j));
        all.push_back(*ticks / 2 * ns_per_tick);
        by_distance[distances_[i][j]].push_back(all.back());
      }
      one_way.push_back(std::move(times));
      distance.push_back(std::move(letters));
    }

    nlohmann::ordered_json names = nlohmann::ordered_json::object();
    for (const topology::Distance at : topology::kDistances)
      names[std::string(1, letter_of(at))] = topology::to_string(at);

    measure::Findings findings;
    const double median = measure::median(all).value_or(0);
    findings.operation = "transfer";
    findings.operation_ns = median;
    findings.put("one_way_ns", median);
    findings.put("one_way_ns_min", measure::quantile(all, 0));
    findings.put("one_way_ns_max", measure::quantile(all, 1));
    findings.put("round_trip_ns", 2 * median);
    for (const auto& [at, times] : by_distance)
      findings.put(fmt::format("one_way_ns_{}", topology::to_string(at)), measure::median(times));
    findings.put("pairs", static_cast<double>(all.size()));
    findings.put("visits", static_cast<double>(least_visits));
    findings.put("visit_spread", measure::median(spreads));
    findings.add_details({{"sampled_from", sampled_from_},
                          {"matrix",
                           {{"pus", pus_},
                            {"home_node", home_node_},
                            {"pairs_ns", std::move(one_way)},
                            {"pairs_distance", std::move(distance)},
                            {"distances", std::move(names)}}}});
    return findings;
  }

 private:
  const std::vector<unsigned> pus_;
  const Distances distances_;
  const unsigned home_node_;
  const std::size_t sampled_from_;
  measure::TickRate rate_;
};

// A pair of PUs, and its one-way times in the valid windows.
struct Pair {
  unsigned a = 0;
  unsigned b = 0;
  std::vector<double> one_way_ns;

  double median() const { return *measure::median(one_way_ns); }
};

std::vector<Pair> pairs_of(std::span<const measure::Record> windows) {
  std::vector<Pair> pairs;
  for (const measure::Record& record : windows) {
    if (!record.valid() || !record.findings.details) continue;
    const auto& matrix = record.findings.details->at("matrix");
    const std::vector<unsigned> pus = matrix.at("pus");
    std::size_t pair = 0;
    for (std::size_t i = 0; i < pus.size(); ++i)
      for (std::size_t j = i + 1; j < pus.size(); ++j, ++pair) {
        if (pair == pairs.size()) pairs.push_back({pus[i], pus[j], {}});
        const auto& ns = matrix.at("pairs_ns").at(i).at(j - i - 1);
        if (!ns.is_null()) pairs[pair].one_way_ns.push_back(ns);
      }
  }
  std::erase_if(pairs, [](const Pair& pair) { return pair.one_way_ns.empty(); });
  return pairs;
}

std::string pair_text(const Pair& pair) {
  std::string text = fmt::format("CPUs {} and {} {:.3g} ns", pair.a, pair.b, pair.median());
  if (const auto interval = measure::median_interval(pair.one_way_ns))
    text += fmt::format(" ({:.3g} .. {:.3g} with {:.0f} % confidence)", interval->low, interval->high,
                        100 * interval->confidence);
  return text;
}

std::string seconds_text(std::chrono::nanoseconds time) {
  return fmt::format("{:.3g} s", std::chrono::duration<double>(time).count());
}

// From the first window's start to the last one's end: a number that held for so long.
std::chrono::nanoseconds span_of(std::span<const measure::Record> windows) {
  std::int64_t first = INT64_MAX;
  std::int64_t last = 0;
  for (const measure::Record& record : windows)
    for (const measure::CpuWindow& cpu : record.window.cpus) {
      first = std::min(first, cpu.start_ns);
      last = std::max(last, cpu.end_ns);
    }
  return std::chrono::nanoseconds(std::max<std::int64_t>(0, last - first));
}

Distances distances_of(const topology::Layout& layout, const std::vector<topology::Pu>& places) {
  Distances distances;
  for (const topology::Pu& a : places) {
    std::vector<topology::Distance> row;
    for (const topology::Pu& b : places) row.push_back(topology::distance(layout, a, b));
    distances.push_back(std::move(row));
  }
  return distances;
}

}  // namespace

std::chrono::nanoseconds line_window(unsigned pus) {
  return kPasses * (std::uint64_t{pus} * (pus - 1) / 2) * kVisit;
}

std::vector<Case> line_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  const unsigned cpus = choice.cpu_counts.back();
  if (cpus < 2) return cases;
  for (const auto& placement : choice.placements) {
    measure::Subject subject = subject_on(layout, choice, "line", placement, cpus);
    subject.scheme = "cas";
    subject.pus = line_sample(subject.pus, choice.line_pus);
    std::string name = fmt::format("line/cas/{}/cpus:{}", subject.placement, subject.pus.size());
    // What a distance is made from, and not all distances: a plan may ask for cases and run none.
    topology::Layout levels;
    levels.reported = layout.reported;
    std::vector<topology::Pu> places;
    for (const unsigned pu : subject.pus) places.push_back(*topology::find(layout, pu));
    const auto least = line_window(static_cast<unsigned>(subject.pus.size()));
    cases.push_back(
        {.name = std::move(name),
         .subject = std::move(subject),
         .make_load =
             [levels = std::move(levels), places = std::move(places), cpus](const measure::Subject& s) {
               return std::make_unique<LineTrial>(s.pus, distances_of(levels, places), s.home_node, cpus);
             },
         .least = least});
  }
  return cases;
}

std::vector<Conclusion> line_conclusions(Results results) {
  std::vector<Conclusion> conclusions;
  for (const std::vector<measure::Record>& windows : results) {
    if (windows.empty() || windows.front().subject.family != "line") continue;
    std::vector<Pair> pairs = pairs_of(windows);
    Conclusion conclusion;
    conclusion.name = fmt::format("{}/stability", windows.front().name);
    conclusion.kind = "stability";
    conclusion.repetitions = windows.front().repetitions;
    conclusion.text = windows.front().name + ": ";
    std::size_t unstable = 0;
    const Pair* worst = nullptr;
    double worst_range = 0;
    std::sort(pairs.begin(), pairs.end(),
              [](const Pair& x, const Pair& y) { return x.median() < y.median(); });
    for (const Pair& pair : pairs) {
      const Stability stability = stability_of(pair.one_way_ns);
      if (stability.stable()) continue;
      ++unstable;
      if (stability.greatest / stability.least <= worst_range) continue;
      worst_range = stability.greatest / stability.least;
      worst = &pair;
    }
    if (pairs.empty()) {
      conclusion.text += "no valid window";
    } else {
      conclusion.ns = pairs[pairs.size() / 2].median();
      conclusion.text += "one way between " + pair_text(pairs.front());
      if (pairs.size() > 1)
        conclusion.text += fmt::format(", the nearest, and between {}, the farthest of {} pairs",
                                       pair_text(pairs.back()), pairs.size());
      if (worst != nullptr) {
        conclusion.text += fmt::format("; CPUs {} and {} {}", worst->a, worst->b,
                                       complaint(stability_of(worst->one_way_ns)));
        if (pairs.size() > 1) conclusion.text += fmt::format("; {} pairs are unstable", unstable);
      }
      conclusion.text +=
          fmt::format("; {} windows in {}", pairs.front().one_way_ns.size(), seconds_text(span_of(windows)));
      if (const std::string hypervisor = measure::read_hypervisor(
              measure::parse_cpuinfo(measure::read_text("/proc/cpuinfo").value_or("")));
          hypervisor != "none")
        conclusion.text += fmt::format(
            "; hypervisor {}: the host may move these CPUs, and the number with them", hypervisor);
    }
    conclusion.counters = {{"pairs", static_cast<double>(pairs.size())},
                           {"unstable_pairs", static_cast<double>(unstable)}};
    if (worst != nullptr) conclusion.counters.emplace_back("worst_range", worst_range);
    nlohmann::ordered_json details = {{"family", "line"}, {"record", "stability"}, {"text", conclusion.text}};
    if (worst != nullptr) details["worst_pair"] = {worst->a, worst->b};
    conclusion.details = std::make_shared<nlohmann::ordered_json>(std::move(details));
    conclusions.push_back(std::move(conclusion));
  }
  return conclusions;
}

Family line_family() {
  return {.name = "line",
          .what = "passing a cache line between every pair of PUs",
          .cases = line_cases,
          .least_cpus = 2,
          .conclude = line_conclusions,
          .place = 5};
}

}  // namespace mmscale::bench
