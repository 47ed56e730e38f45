// SPDX-License-Identifier: MIT
//
// Family `mix`: switches and exits in every proportion, and from which exit rate on one scheme costs less
// than another.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "bench/crossover.h"
#include "bench/families.h"
#include "measure/findings.h"
#include "workload/mix_load.h"
#include "workload/silicon_loads.h"
#include "workload/wrapped_load.h"

namespace mmscale::bench {
namespace {

constexpr std::string_view kExits = "exits_per_million";

// Switches from birth to exit for so many exits in a million: the nearest even number, 0 for no exits.
std::uint64_t lifetime_of(std::uint32_t exits_per_million) {
  if (exits_per_million == 0) return 0;
  return std::max<std::uint64_t>(2, (500'000 + exits_per_million / 2) / exits_per_million * 2);
}

// The load of a window, which knows what it was asked for.
class MixTrial final : public workload::WrappedLoad, public measure::SelfMeasuring {
 public:
  MixTrial(std::unique_ptr<workload::Load> load, std::uint32_t exits_per_million)
      : WrappedLoad(std::move(load)), exits_per_million_(exits_per_million) {}

  measure::Findings findings(const measure::Window& window) const override {
    measure::Findings findings;
    const std::uint64_t lifetime = lifetime_of(exits_per_million_);
    findings.put(kExits, exits_per_million_);
    findings.put("lifetime", static_cast<double>(lifetime));
    if (window.switches() > 0)
      findings.put("mm_deaths_per_million", 1e6 * static_cast<double>(window.tally.mms_freed) /
                                                static_cast<double>(window.switches()));
    findings.details = std::make_shared<nlohmann::ordered_json>(
        nlohmann::ordered_json{{kExits, exits_per_million_}, {"lifetime", lifetime}});
    return findings;
  }

 private:
  const std::uint32_t exits_per_million_;
};

Case make_case(const topology::Layout& layout, const Choice& choice, const std::string& scheme,
               const topology::Sharing& sharing, const topology::Placement& placement, unsigned cpus,
               std::uint32_t exits) {
  measure::Subject subject = kernel_subject(layout, choice, "mix", scheme, placement, cpus);
  subject.workload = "mix";
  subject.sharing = topology::to_string(sharing);
  subject.think_cycles = choice.think;
  std::string name = fmt::format("mix/{}/{}/{}/cpus:{}/{}:{}", scheme, subject.sharing, subject.placement,
                                 cpus, kExits, exits);
  auto make_load = [scheme, choice, exits, home = subject.home_node,
                    groups =
                        topology::groups(layout, subject.pus, sharing)]() -> std::unique_ptr<workload::Load> {
    auto load = workload::make_silicon_load(silicon_spec(scheme, choice, home),
                                            workload::mix_program(groups, choice.think));
    return std::make_unique<MixTrial>(workload::make_mix_load(std::move(load), lifetime_of(exits)), exits);
  };
  return {std::move(name), std::move(subject), std::move(make_load)};
}

// What two schemes must have in common to be compared.
using Place = std::tuple<std::string, std::string, std::size_t>;  // sharing, placement, CPUs

// ns per switch by exits per million, each repetition at its place; empty where it is not valid.
using Curve = std::map<double, std::vector<std::optional<double>>>;

std::map<Place, std::map<std::string, Curve>> curves_of(Results results, std::vector<std::string>& schemes) {
  std::map<Place, std::map<std::string, Curve>> curves;
  for (const auto& repetitions : results)
    for (const measure::Record& record : repetitions) {
      if (record.subject.family != "mix") continue;
      const auto exits = record.findings.counter(kExits);
      if (!exits) continue;
      const measure::Subject& subject = record.subject;
      if (std::find(schemes.begin(), schemes.end(), subject.scheme) == schemes.end())
        schemes.push_back(subject.scheme);
      auto& values =
          curves[{subject.sharing, subject.placement, record.window.cpus.size()}][subject.scheme][*exits];
      values.resize(std::max<std::size_t>(values.size(), record.repetition + 1));
      if (record.valid()) values[record.repetition] = record.window.ns_per_switch();
    }
  return curves;
}

std::vector<SweepPoint> sweep_of(const Curve& a, const Curve& b) {
  std::vector<SweepPoint> points;
  for (const auto& [exits, values] : a)
    if (const auto other = b.find(exits); other != b.end()) points.push_back({exits, values, other->second});
  return points;
}

std::string exits_text(double exits) {
  return exits < 1000 ? fmt::format("{:.3g}", exits) : fmt::format("{:.3g} k", exits / 1000);
}

std::string text_of(const std::string& a, const std::string& b, const std::string& where,
                    const Crossover& crossover, std::span<const SweepPoint> sweep) {
  const auto& name = [&](Cheaper cheaper) { return cheaper == Cheaper::a ? a : b; };
  if (sweep.empty() || crossover.below == Cheaper::neither)
    return fmt::format("crossover {} vs {}, {}: nothing valid to compare", a, b, where);
  if (!crossover.at)
    return fmt::format(
        "no crossover between {} and {} from {} to {} exits per million switches, {}: {} costs less {}", a, b,
        exits_text(sweep.front().x), exits_text(sweep.back().x), where, name(crossover.below),
        crossover.crossings == 0 ? "throughout" : "at both ends, too close to call between");
  std::string text =
      fmt::format("crossover {} vs {}, {}: {} costs less from {} exits per million switches on", a, b, where,
                  name(crossover.above), exits_text(crossover.at->x));
  if (crossover.interval)
    text +=
        fmt::format(" ({} .. {}; {} of {} repetitions)", exits_text(crossover.interval->low),
                    exits_text(crossover.interval->high), crossover.with, crossover.with + crossover.without);
  if (crossover.crossings > 1) text += fmt::format("; they cross {} times", crossover.crossings);
  return text;
}

nlohmann::ordered_json sweep_json(std::span<const SweepPoint> sweep) {
  const auto median = [](const std::vector<std::optional<double>>& repetitions) -> nlohmann::ordered_json {
    std::vector<double> values;
    for (const auto& value : repetitions)
      if (value) values.push_back(*value);
    const auto middle = measure::median(values);
    return middle ? nlohmann::ordered_json(*middle) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const SweepPoint& point : sweep)
    json.push_back({{kExits, point.x}, {"ns_per_switch", {median(point.a), median(point.b)}}});
  return json;
}

Conclusion conclude(const std::string& a, const std::string& b, const Place& place,
                    std::span<const SweepPoint> sweep) {
  const auto& [sharing, placement, cpus] = place;
  const Crossover crossover = find_crossover(sweep);
  Conclusion conclusion;
  conclusion.name = fmt::format("mix/crossover/{}-vs-{}/{}/{}/cpus:{}", a, b, sharing, placement, cpus);
  conclusion.kind = "crossover";
  conclusion.repetitions = 1;
  conclusion.ns = crossover.at ? crossover.at->cost : 0;
  conclusion.text = text_of(a, b, fmt::format("{}/{}/cpus:{}", sharing, placement, cpus), crossover, sweep);
  const auto put = [&](std::string name, double value) {
    conclusion.counters.emplace_back(std::move(name), value);
  };
  if (crossover.at) put("crossover_exits_per_million", crossover.at->x);
  if (crossover.interval) {
    put("crossover_low", crossover.interval->low);
    put("crossover_high", crossover.interval->high);
    put("crossover_confidence", crossover.interval->confidence);
  }
  put("crossings", static_cast<double>(crossover.crossings));
  put("repetitions_with", static_cast<double>(crossover.with));
  put("repetitions_without", static_cast<double>(crossover.without));
  if (!sweep.empty()) {
    put("sweep_low", sweep.front().x);
    put("sweep_high", sweep.back().x);
    for (const SweepPoint& point : sweep)
      conclusion.repetitions = std::max(conclusion.repetitions, static_cast<unsigned>(point.a.size()));
  }
  const auto cheaper = [&](Cheaper which) -> nlohmann::ordered_json {
    if (which == Cheaper::neither) return nullptr;
    return which == Cheaper::a ? a : b;
  };
  conclusion.details = std::make_shared<nlohmann::ordered_json>(
      nlohmann::ordered_json{{"schema", measure::kSchema},
                             {"world", "silicon"},
                             {"family", "mix"},
                             {"record", "crossover"},
                             {"schemes", {a, b}},
                             {"sharing", sharing},
                             {"placement", placement},
                             {"cpus", cpus},
                             {"cheaper_below", cheaper(crossover.below)},
                             {"cheaper_above", cheaper(crossover.above)},
                             {"text", conclusion.text},
                             {"sweep", sweep_json(sweep)}});
  return conclusion;
}

// Pairs worth a line: everything against refcount, which is what most kernels run; all against the first
// where it was not measured.
std::vector<std::pair<std::string, std::string>> pairs_of(const std::vector<std::string>& schemes) {
  if (schemes.empty()) return {};
  const bool has_refcount = std::find(schemes.begin(), schemes.end(), "refcount") != schemes.end();
  const std::string reference = has_refcount ? "refcount" : schemes.front();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& scheme : schemes)
    if (scheme != reference) pairs.emplace_back(reference, scheme);
  return pairs;
}

}  // namespace

std::vector<Case> mix_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for (const auto& sharing : choice.sharings)
    for (const auto& placement : choice.placements)
      for (const unsigned cpus : choice.cpu_counts)
        for (const std::uint32_t exits : choice.exits_per_million)
          for (const auto& scheme : choice.schemes)
            cases.push_back(make_case(layout, choice, scheme, sharing, placement, cpus, exits));
  return cases;
}

std::vector<Conclusion> mix_conclusions(Results results) {
  std::vector<std::string> schemes;
  const auto curves = curves_of(results, schemes);
  std::vector<Conclusion> conclusions;
  for (const auto& [place, of_scheme] : curves)
    for (const auto& [a, b] : pairs_of(schemes)) {
      const auto curve_a = of_scheme.find(a);
      const auto curve_b = of_scheme.find(b);
      if (curve_a == of_scheme.end() || curve_b == of_scheme.end()) continue;
      conclusions.push_back(conclude(a, b, place, sweep_of(curve_a->second, curve_b->second)));
    }
  return conclusions;
}

}  // namespace mmscale::bench
