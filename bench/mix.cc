// SPDX-License-Identifier: MIT
//
// Family `mix`: switches and exits in every proportion, and from which exit rate on one scheme costs less
// than another.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "bench/crossover.h"
#include "bench/families.h"
#include "machine/silicon/transport.h"
#include "measure/findings.h"
#include "topology/text.h"
#include "workload/mix_load.h"
#include "workload/silicon_loads.h"
#include "workload/wrapped_load.h"

namespace mmscale::bench {
namespace {

constexpr std::string_view kExits = "exits_per_million";
// Its interrupts cost their sender nothing: the other side of the bracket about what the kernel's cost.
constexpr std::string_view kFreeTransport = "doorbell";

std::string_view suffix_of(std::string_view transport) {
  return transport == kFreeTransport ? "/transport:doorbell" : "";
}

// Transports take system calls where a kernel writes to its interrupt controller, or nothing at all: what its
// own IPIs cost lies between.
std::string_view bias_of(std::string_view transport) {
  return transport == kFreeTransport ? "which cost nothing, the kernel's own more"
                                     : "which cost more than the kernel's own";
}

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
    findings.add_details({{kExits, exits_per_million_}, {"lifetime", lifetime}});
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
  subject.settings.processes = workload::find_pattern("exit")->used_of(choice.settings.processes);
  // It is the findings' to say how long one lives.
  subject.settings.processes.lifetime = 0;
  std::string name = fmt::format("mix/{}/{}/{}/cpus:{}/{}:{}{}", scheme, subject.sharing, subject.placement,
                                 cpus, kExits, exits, suffix_of(choice.transport));
  return {std::move(name), std::move(subject),
          [&layout, exits](const measure::Subject& s) -> std::unique_ptr<workload::Load> {
            auto load =
                workload::make_silicon_load(silicon_spec(s), program_of(layout, s, workload::mix_program));
            return std::make_unique<MixTrial>(workload::make_mix_load(std::move(load), lifetime_of(exits)),
                                              exits);
          }};
}

// What two schemes must have in common to be compared.
using Place =
    std::tuple<std::string, std::string, std::size_t, std::string>;  // sharing, placement, CPUs, transport

// ns per switch of the valid windows, by exits per million.
using Curve = std::map<double, std::vector<double>>;

struct Measured {
  std::map<Place, std::map<std::string, Curve>> curves;
  std::vector<std::string> schemes;  // in the order of their cases
  unsigned repetitions = 0;
};

Measured measured_of(Results results) {
  Measured measured;
  auto& [curves, schemes, asked] = measured;
  for (const auto& repetitions : results)
    for (const measure::Record& record : repetitions) {
      if (record.subject.family != "mix") continue;
      const auto exits = record.findings.counter(kExits);
      if (!exits) continue;
      const measure::Subject& subject = record.subject;
      if (!topology::contains(schemes, subject.scheme)) schemes.push_back(subject.scheme);
      auto& values = curves[{subject.sharing, subject.placement, record.window.cpus.size(),
                             subject.transport}][subject.scheme][*exits];
      asked = std::max(asked, record.repetition + 1);
      const auto cost = record.window.ns_per_switch();
      if (record.valid() && cost) values.push_back(*cost);
    }
  return measured;
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

// Where the crossing lies, and how far to trust that.
std::string interval_text(const Crossover& crossover, unsigned repetitions) {
  const std::string valid = crossover.windows_least == crossover.windows_most
                                ? fmt::format("{}", crossover.windows_most)
                                : fmt::format("{} to {}", crossover.windows_least, crossover.windows_most);
  const std::string windows = fmt::format("{} of {} windows beside it valid", valid, repetitions);
  if (!crossover.low && !crossover.high)
    return fmt::format("no interval: too few windows decide; {}", windows);
  const std::string range =
      !crossover.low    ? fmt::format("at most {}", exits_text(*crossover.high))
      : !crossover.high ? fmt::format("at least {}", exits_text(*crossover.low))
                        : fmt::format("{} .. {}", exits_text(*crossover.low), exits_text(*crossover.high));
  return fmt::format("{} with {:.0f} % confidence; {}", range, 100 * crossover.confidence, windows);
}

std::string text_of(const std::string& a, const std::string& b, const std::string& where,
                    const Crossover& crossover, std::span<const SweepPoint> sweep, unsigned repetitions) {
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
  text += fmt::format(" ({})", interval_text(crossover, repetitions));
  if (crossover.crossings > 1) text += fmt::format("; they cross {} times", crossover.crossings);
  return text;
}

nlohmann::ordered_json sweep_json(std::span<const SweepPoint> sweep) {
  const auto median = [](const std::vector<double>& windows) -> nlohmann::ordered_json {
    const auto middle = measure::median(windows);
    return middle ? nlohmann::ordered_json(*middle) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const SweepPoint& point : sweep)
    json.push_back({{kExits, point.x}, {"ns_per_switch", {median(point.a), median(point.b)}}});
  return json;
}

Conclusion conclude(const std::string& a, const std::string& b, const Place& place,
                    std::span<const SweepPoint> sweep, unsigned repetitions) {
  const auto& [sharing, placement, cpus, transport] = place;
  const Crossover crossover = find_crossover(sweep);
  Conclusion conclusion;
  conclusion.name = fmt::format("mix/crossover/{}-vs-{}/{}/{}/cpus:{}{}", a, b, sharing, placement, cpus,
                                suffix_of(transport));
  conclusion.kind = "crossover";
  conclusion.repetitions = repetitions;
  conclusion.ns = crossover.at ? crossover.at->cost : 0;
  conclusion.text = text_of(
      a, b,
      fmt::format("{}/{}/cpus:{}, IPIs by {}, {}", sharing, placement, cpus, transport, bias_of(transport)),
      crossover, sweep, repetitions);
  const auto put = [&](std::string name, double value) {
    conclusion.counters.emplace_back(std::move(name), value);
  };
  if (crossover.at) put("crossover_exits_per_million", crossover.at->x);
  if (crossover.low) put("crossover_low", *crossover.low);
  if (crossover.high) put("crossover_high", *crossover.high);
  if (crossover.low || crossover.high) put("crossover_confidence", crossover.confidence);
  put("crossings", static_cast<double>(crossover.crossings));
  if (crossover.at) {
    put("windows_least", static_cast<double>(crossover.windows_least));
    put("windows_most", static_cast<double>(crossover.windows_most));
  }
  if (!sweep.empty()) {
    put("sweep_low", sweep.front().x);
    put("sweep_high", sweep.back().x);
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
                             {"transport", transport},
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
  const bool has_refcount = topology::contains(schemes, "refcount");
  const std::string reference = has_refcount ? "refcount" : schemes.front();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& scheme : schemes)
    if (scheme != reference) pairs.emplace_back(reference, scheme);
  return pairs;
}

}  // namespace

std::vector<Case> mix_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  const auto add = [&](const Choice& of, const auto& sharing, const auto& placement, unsigned cpus) {
    for (const std::uint32_t exits : of.exits_per_million)
      for (const auto& scheme : of.schemes)
        cases.push_back(make_case(layout, of, scheme, sharing, placement, cpus, exits));
  };
  Choice free = choice;
  free.transport = kFreeTransport;
  free.transport_reason = "to bracket what the kernel's own IPIs cost";
  free.transport_caveat = machine::silicon::make_transport(kFreeTransport, 1)->caveat();
  const bool brackets =
      choice.transport != kFreeTransport && topology::contains(choice.transports, kFreeTransport);
  for (const auto& sharing : choice.sharings)
    for (const auto& placement : choice.placements)
      for (const unsigned cpus : choice.cpu_counts) {
        add(choice, sharing, placement, cpus);
        if (brackets && cpus == choice.cpu_counts.back()) add(free, sharing, placement, cpus);
      }
  return cases;
}

std::vector<Conclusion> mix_conclusions(Results results) {
  const Measured measured = measured_of(results);
  std::vector<Conclusion> conclusions;
  for (const auto& [place, of_scheme] : measured.curves)
    for (const auto& [a, b] : pairs_of(measured.schemes)) {
      const auto curve_a = of_scheme.find(a);
      const auto curve_b = of_scheme.find(b);
      if (curve_a == of_scheme.end() || curve_b == of_scheme.end()) continue;
      conclusions.push_back(
          conclude(a, b, place, sweep_of(curve_a->second, curve_b->second), measured.repetitions));
    }
  return conclusions;
}

Family mix_family() {
  return {.name = "mix",
          .what = "switch rate against exit rate, and where two schemes cost the same",
          .cases = mix_cases,
          .conclude = mix_conclusions,
          .place = 3};
}

}  // namespace mmscale::bench
