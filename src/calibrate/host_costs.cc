// SPDX-License-Identifier: MIT
#include "calibrate/host_costs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "machine/simulator/model_file.h"

namespace mmscale::calibrate {
namespace {

using machine::simulator::kReaches;
using machine::simulator::kReachNames;
using machine::simulator::Reach;
using nlohmann::ordered_json;

// Of the parts of an interrupt, in ns: docs/simulator.md names the source of each.
constexpr double kSend = 200;
constexpr double kDelivery = 350;
constexpr double kHandle = 500;

// To a hundredth of a ns: more digits than any window bears out.
double rounded(double ns) { return std::round(ns * 100) / 100; }

ordered_json number(double ns, const char* quality, const std::string& source) {
  return {{"value", rounded(ns)}, {"quality", quality}, {"source", source}};
}
ordered_json number(const Reading& reading) { return number(reading.ns, "H", reading.source); }

void put(ordered_json& costs, const char* name, const std::optional<Reading>& reading,
         std::vector<std::string>& notes) {
  if (reading)
    costs[name] = number(*reading);
  else
    notes.push_back(fmt::format("costs_ns.{}: not measured, the default of its kind", name));
}

void put_ipis(ordered_json& json, const HostCosts& costs, std::vector<std::string>& notes) {
  if (!costs.call) {
    notes.push_back("costs_ns.ipi_send, ipi_delivery, ipi_handle: not measured, the defaults of the kind");
    return;
  }
  const auto& way = costs.one_way[static_cast<std::size_t>(costs.call_reach)];
  const double lines = kCallLines * (way ? way->ns : 0);
  double rest = std::max(0.0, costs.call->ns - lines);
  const std::string of = fmt::format("of {} ({:.4g} ns), less {} line transfers ({:.4g} ns)",
                                     costs.call->source, costs.call->ns, kCallLines, lines);
  double shared = kDelivery + kHandle;
  std::string proportion = fmt::format("{:g} : {:g}", kDelivery, kHandle);
  if (costs.call_more && costs.more_targets > 1) {
    const double each =
        std::clamp((costs.call_more->ns - costs.call->ns) / (costs.more_targets - 1), 0.0, rest);
    json["ipi_send"] = number(each, "D",
                              fmt::format("what each of {} targets adds to a call of one: {} ({:.4g} ns)",
                                          costs.more_targets, costs.call_more->source, costs.call_more->ns));
    rest -= each;
  } else {
    shared += kSend;
    proportion = fmt::format("{:g} : {}", kSend, proportion);
    json["ipi_send"] = number(rest * kSend / shared, "D",
                              fmt::format("{}; divided as the defaults are, {}", of, proportion));
  }
  const std::string divided = fmt::format("{}; divided as the defaults are, {}", of, proportion);
  json["ipi_delivery"] = number(rest * kDelivery / shared, "D", divided);
  json["ipi_handle"] = number(rest * kHandle / shared, "D", divided);
}

// Two CPUs that want one line all the time take turns: visit, hand-off, visit, hand-off, so that an operation of either, of
// which a pair is two, takes what it takes alone and its share of a hand-off.
//
// Where a line goes through an agent the hand-off is a number of its own. A visit and a hand-off take the one way: two CPUs
// that pass a line on by compare-and-swap try all the time, too. So as many operations are a visit as fit into that, and the
// hand-off is what the pair leaves for it, a leg at least. Where it goes straight the hand-off is a leg.
void put_visit(ordered_json& costs, const Reading& contended, const Reading& one_way,
               const machine::simulator::Model& model) {
  // The longest visit, ns: from there on the hand-off is lost in the noise of the window.
  constexpr double kMost = 1000;
  const auto ns = [](machine::simulator::Picoseconds ps) {
    return static_cast<double>(ps) / machine::simulator::kPsPerNs;
  };
  const double atomic = ns(model.costs.atomic);
  const double leg = ns(model.leg[static_cast<std::size_t>(Reach::domain)]);
  const double each = contended.ns / 4;
  const double share = each - atomic;
  std::string source =
      fmt::format("of {} ({:.4g} ns a pair): two CPUs take turns, ", contended.source, contended.ns);
  double operations = share * kMost > leg * atomic ? leg / share : kMost / atomic;
  double visit = operations * atomic;
  if (model.handover == machine::simulator::Handover::through) {
    operations = std::max(std::round(one_way.ns / each), std::ceil(operations));
    // The last of them is under way when it ends.
    visit = std::min((operations - 0.5) * atomic, kMost);
    source += fmt::format("{:g} operations a time, as fit into {:.4g} ns", operations, one_way.ns);
    costs["handoff"] = number(std::max(operations * share, leg), "D", source);
  } else {
    source += fmt::format("{:.4g} ns from one to the other", leg);
  }
  // One operation is what every owner completes.
  costs["visit"] = number(operations < 2 ? 0 : visit, "D", source);
}

ordered_json one_way_json(const HostCosts& costs) {
  ordered_json json = ordered_json::object();
  for (std::size_t r = 0; r < kReaches; ++r) {
    if (!costs.one_way[r]) continue;
    Reading reading = *costs.one_way[r];
    // Two clocks, two windows: siblings that pass a line on as fast as they operate on it can come
    // out faster.
    if (r == static_cast<std::size_t>(Reach::sibling) && costs.atomic && reading.ns < costs.atomic->ns) {
      reading.source +=
          fmt::format("; measured {:.4g}, less than the atomic operation in it, which is taken", reading.ns);
      reading.ns = costs.atomic->ns;
    }
    json[std::string(kReachNames[r])] = number(reading);
  }
  return json;
}

}  // namespace

MachineFile machine_file(const HostCosts& costs) {
  MachineFile file;
  ordered_json ns = ordered_json::object();
  put(ns, "load", costs.load, file.notes);
  put(ns, "store", costs.store, file.notes);
  put(ns, "atomic", costs.atomic, file.notes);
  put(ns, "fence", costs.fence, file.notes);
  put_ipis(ns, costs, file.notes);
  if (costs.tick) {
    ns["tick"] = number(*costs.tick);
    // A counter of some GHz: a hundredth of a ns would be percents of it.
    ns["tick"]["value"] = std::round(costs.tick->ns * 1e5) / 1e5;
  } else {
    file.notes.push_back("costs_ns.tick: not measured, the default of its kind");
  }
  file.notes.push_back(
      fmt::format("costs_ns.{}memory, port, modified_read, failed_try, idle_exit: nothing here "
                  "measures them, the defaults of the kind",
                  costs.kind == "x86" ? "" : "fence_after_rmw, "));
  if (costs.kind != "power")
    file.notes.push_back(
        "home_hears_from, conflicts: not known of this host, owner and passed-on are taken; of AMD's "
        "machines and of Intel's before Skylake docs/simulator.md says otherwise");
  file.json = {{"schema", 1},
               {"name", costs.name},
               {"description", costs.description},
               {"topology", costs.topology},
               {"cpus", costs.cpus},
               {"domain", costs.domain},
               {"kind", costs.kind},
               {"protocol", costs.kind == "power" ? "snoop" : "home"},
               {"atomics", costs.ll_sc ? "ll-sc" : "near"},
               {"arbitration", "fifo"},
               {"costs_ns", ns},
               {"one_way_ns", one_way_json(costs)}};
  try {
    constexpr std::string_view kOrigin = "what was measured makes no machine";
    const machine::simulator::Model model = machine::simulator::parse_model(file.json.dump(), kOrigin);
    if (costs.contended) {
      put_visit(file.json["costs_ns"], *costs.contended,
                *costs.one_way[static_cast<std::size_t>(Reach::domain)], model);
      (void)machine::simulator::parse_model(file.json.dump(), kOrigin);
    } else {
      file.notes.push_back("costs_ns.visit, handoff: not measured, the defaults of the kind");
    }
  } catch (const machine::simulator::ModelError& error) {
    throw CalibrationError(error.what());
  }
  return file;
}

std::string line_domain(const topology::Layout& layout) {
  std::map<unsigned, std::set<unsigned>> caches, dies, cores;  // of a package, of a package, of a cache
  for (const topology::Pu& pu : layout.pus) {
    if (!pu.allowed) continue;
    caches[pu.package].insert(pu.llc);
    dies[pu.package].insert(pu.die);
    cores[pu.llc].insert(pu.core);
  }
  const auto several = [](const auto& sets) {
    return std::any_of(sets.begin(), sets.end(), [](const auto& set) { return set.second.size() > 1; });
  };
  if (several(caches) && several(cores)) return "llc";
  return several(dies) ? "die" : "package";
}

std::string machine_kind() {
#if defined(__x86_64__)
  return "x86";
#elif defined(__aarch64__)
  return "arm";
#elif defined(__powerpc64__)
  return "power";
#else
  throw CalibrationError("calibrate: no machine model is of this processor; there are x86, arm, power");
#endif
}

}  // namespace mmscale::calibrate
