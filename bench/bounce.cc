// SPDX-License-Identifier: MIT
//
// Family `bounce`: who hands a contended line to whom.
#include "bench/bounce.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/families.h"
#include "measure/statistics.h"
#include "measure/tick_rate.h"
#include "topology/distance.h"
#include "workload/wrapped_load.h"

namespace mmscale::bench {
namespace {

using topology::Distance;
using topology::Pu;

std::vector<const Pu*> pus_of(const topology::Layout& layout, const std::vector<unsigned>& os_indices) {
  std::vector<const Pu*> pus;
  for (const unsigned os_index : os_indices) pus.push_back(topology::find(layout, os_index));
  return pus;
}

struct Level {
  std::string_view name;
  unsigned (*group_of)(const Pu&);
};

// From fine to coarse.
constexpr std::array<Level, 6> kLevels = {{
    {"pu", [](const Pu& pu) { return pu.os_index; }},
    {"core", [](const Pu& pu) { return pu.core; }},
    {"llc", [](const Pu& pu) { return pu.llc; }},
    {"die", [](const Pu& pu) { return pu.die; }},
    {"numa", [](const Pu& pu) { return pu.numa_node; }},
    {"package", [](const Pu& pu) { return pu.package; }},
}};

// The matrix by groups of a level, groups in the order in which the placement comes to them. Null where the
// machine does not say, and where the level has one group.
nlohmann::ordered_json folded(const Level& level, const std::vector<const Pu*>& pus, const Transfers& taken) {
  std::vector<unsigned> ids;
  std::vector<std::size_t> group(pus.size());
  for (std::size_t i = 0; i < pus.size(); ++i) {
    const unsigned id = level.group_of(*pus[i]);
    if (id == topology::kNone) return nullptr;
    group[i] = static_cast<std::size_t>(std::find(ids.begin(), ids.end(), id) - ids.begin());
    if (group[i] == ids.size()) ids.push_back(id);
  }
  if (ids.size() < 2 || ids.size() > kMostBounceGroups) return nullptr;
  std::vector<std::vector<std::uint64_t>> counts(ids.size(), std::vector<std::uint64_t>(ids.size()));
  for (std::size_t i = 0; i < pus.size(); ++i)
    for (std::size_t j = 0; j < pus.size(); ++j) counts[group[i]][group[j]] += taken[i][j];
  return {{"level", level.name}, {"ids", ids}, {"taken", counts}};
}

// What sampled exchanges waited, by how far the line had to come. Each CPU writes its own.
class Waits {
 public:
  Waits(const topology::Layout& layout, const std::vector<unsigned>& pus) {
    for (const Pu* to : pus_of(layout, pus)) {
      OfCpu of;
      for (const Pu* from : pus_of(layout, pus))
        of.distance.push_back(topology::distance(layout, *to, *from));
      of.now.reserve(kKept);
      of_.push_back(std::move(of));
    }
  }

  void waited(unsigned cpu, unsigned before, std::uint64_t ticks) {
    OfCpu& of = of_[cpu];
    if (of.now.size() < kKept) of.now.push_back({of.distance[before], static_cast<double>(ticks)});
  }
  void open(unsigned cpu) { of_[cpu].now.clear(); }
  void close(unsigned cpu) {
    of_[cpu].window = of_[cpu].now;
    of_[cpu].now.clear();
  }

  std::map<Distance, double> medians() const {
    std::map<Distance, std::vector<double>> all;
    for (const OfCpu& of : of_)
      for (const Wait& wait : of.window) all[wait.distance].push_back(wait.ticks);
    std::map<Distance, double> medians;
    for (const auto& [distance, waits] : all) medians[distance] = *measure::median(waits);
    return medians;
  }

 private:
  // So many of a CPU; a window of many more is no better known.
  static constexpr std::size_t kKept = 4096;
  struct Wait {
    Distance distance;
    double ticks;
  };
  struct alignas(machine::kApart) OfCpu {
    std::vector<Distance> distance;
    std::vector<Wait> now;
    std::vector<Wait> window;
  };
  std::vector<OfCpu> of_;
};

class BounceTrial final : private Waits, public workload::WrappedLoad, public measure::SelfMeasuring {
 public:
  BounceTrial(const topology::Layout& layout, std::vector<unsigned> pus, unsigned home_node)
      : Waits(layout, pus),
        WrappedLoad(workload::make_bounce_load(
            static_cast<unsigned>(pus.size()), home_node,
            [this](unsigned cpu, unsigned before, std::uint64_t ticks) { waited(cpu, before, ticks); })),
        layout_(layout),
        pus_(std::move(pus)) {}

  void open_window(unsigned cpu) override {
    WrappedLoad::open_window(cpu);
    open(cpu);
    if (cpu == 0) rate_.begin();
  }
  void close_window(unsigned cpu) override {
    WrappedLoad::close_window(cpu);
    close(cpu);
    if (cpu == 0) rate_.end();
  }

  measure::Findings findings(const measure::Window& window) const override {
    const auto& load = static_cast<const workload::BounceLoad&>(inner());
    Bounced bounced{transfers_of(load, load.cpus()), medians(), {}};
    for (auto& [distance, wait] : bounced.wait_ns) wait *= rate_.ns_per_tick();
    return bounce_findings(layout_, pus_, bounced, window);
  }

 private:
  const topology::Layout& layout_;
  const std::vector<unsigned> pus_;
  measure::TickRate rate_;
};

}  // namespace

Transfers transfers_of(const workload::Bouncing& load, unsigned cpus) {
  Transfers taken;
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    const auto row = load.taken_from(cpu);
    taken.emplace_back(row.begin(), row.end());
  }
  return taken;
}

measure::Findings bounce_findings(const topology::Layout& layout, const std::vector<unsigned>& of,
                                  const Bounced& bounced, const measure::Window& window) {
  const std::vector<const Pu*> pus = pus_of(layout, of);
  std::map<Distance, double> by_distance;
  std::vector<double> of_cpu;
  double exchanges = 0;
  double kept = 0;
  for (std::size_t i = 0; i < pus.size(); ++i) {
    double own = 0;
    for (std::size_t j = 0; j < pus.size(); ++j) {
      const auto count = static_cast<double>(bounced.taken[i][j]);
      own += count;
      if (i == j)
        kept += count;
      else
        by_distance[topology::distance(layout, *pus[i], *pus[j])] += count;
    }
    of_cpu.push_back(own);
    exchanges += own;
  }
  const double transfers = exchanges - kept;

  measure::Findings findings;
  findings.operation = "exchange";
  const double rate = bounced.per_second.value_or(window.rounds_per_second());
  findings.operation_ns = rate > 0 ? 1e9 / rate : 0;
  findings.put("exchanges", exchanges);
  findings.put("exchanges_per_second", rate);
  findings.put("transfers", transfers);
  if (exchanges > 0) findings.put("transfer_share", transfers / exchanges);
  if (transfers > 0) {
    findings.put("run_length", exchanges / transfers);
    for (const auto& [distance, count] : by_distance)
      findings.put(fmt::format("share_{}", topology::to_string(distance)), count / transfers);
  }
  findings.put("fairness", measure::jain_index(of_cpu));
  for (const auto& [distance, ns] : bounced.wait_ns)
    findings.put(fmt::format("wait_ns_{}", topology::to_string(distance)), ns);

  nlohmann::ordered_json levels = nlohmann::ordered_json::array();
  for (const Level& level : kLevels) {
    nlohmann::ordered_json matrix = folded(level, pus, bounced.taken);
    if (matrix.is_null()) continue;
    // Levels that group no differently say the same: the coarsest name is the one that people know, but for a CPU's own.
    if (!levels.empty() && levels.back().at("ids").size() == matrix.at("ids").size()) {
      if (levels.back().at("level") == kLevels.front().name) continue;
      levels.erase(levels.size() - 1);
    }
    levels.push_back(std::move(matrix));
  }
  findings.add_details({{"bounce", {{"levels", levels}}}});
  return findings;
}

std::vector<Case> bounce_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for_each_place(choice, 2, [&](const auto& placement, unsigned cpus) {
    measure::Subject subject = subject_on(layout, choice, "bounce", placement, cpus);
    subject.scheme = "exchange";
    std::string name = fmt::format("bounce/exchange/{}/cpus:{}", subject.placement, cpus);
    cases.push_back({std::move(name), std::move(subject), [&layout](const measure::Subject& s) {
                       return std::make_unique<BounceTrial>(layout, s.pus, s.home_node);
                     }});
  });
  return cases;
}

Family bounce_family() {
  return {.name = "bounce",
          .what = "which CPU hands a contended line to which",
          .cases = bounce_cases,
          .least_cpus = 2,
          .place = 6};
}

}  // namespace mmscale::bench
