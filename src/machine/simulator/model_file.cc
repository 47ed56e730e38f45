// SPDX-License-Identifier: MIT
#include "machine/simulator/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "machine/simulator/model_store.h"
#include "topology/topology.h"

namespace mmscale::machine::simulator {
namespace {

using nlohmann::json;

// A latency above this is a slip of the unit: no access takes a millisecond.
constexpr double kMostNs = 1e6;

// What a parameter costs, in ns, on machines of a kind whose own number nobody published. docs/simulator.md
// names the source of each.
struct Default {
  std::string_view name;
  Picoseconds Costs::*cost;
  double x86;
  double arm;
  double power;
};
constexpr Default kDefaults[] = {
    {"load", &Costs::load, 1, 1, 1},
    {"store", &Costs::store, 1, 1, 1},
    {"atomic", &Costs::atomic, 7, 7, 20},
    {"fence", &Costs::fence, 17, 17, 17},
    {"fence_after_rmw", &Costs::fence_after_rmw, 0, 17, 17},
    {"memory", &Costs::memory, 80, 80, 80},
    {"handoff", &Costs::handoff, 16.5, 0, 0},
    {"modified_read", &Costs::modified_read, 13, 0, 0},
    {"visit", &Costs::visit, 0, 0, 0},
    {"port", &Costs::port, 1, 1, 1},
    {"failed_try", &Costs::failed_try, 0, 10, 2},
    {"ipi_send", &Costs::ipi_send, 200, 200, 200},
    {"ipi_handle", &Costs::ipi_handle, 500, 500, 500},
    {"idle_exit", &Costs::idle_exit, 0, 0, 0},
    {"tick", &Costs::tick, 0.4, 40, 2},
};
// From raising to arrival, whatever the distance: published pairs hardly depend on it.
constexpr double kIpiDelivery = 350;

class Reader {
 public:
  Reader(const json& file, std::string_view origin, double scale)
      : file_(file), origin_(origin), scale_(scale) {}

  Model read() const {
    if (!file_.is_object()) fail("not a JSON object");
    check_keys();
    Model model;
    model.name = text("name");
    model.description = text("description");
    read_layout(model);
    const std::string kind = choice("kind", {"x86", "arm", "power"});
    model.kind = kind;
    model.protocol = choice("protocol", {"home", "snoop"}) == "home" ? Protocol::home : Protocol::snoop;
    // Which of the two nobody published for a machine of its own: docs/simulator.md has the evidence for each
    // kind.
    model.handover = kind == "x86" ? Handover::through : Handover::direct;
    model.atomics = choice("atomics", {"near", "ll-sc"}) == "near" ? Atomics::near : Atomics::ll_sc;
    if (of_home(model, "reads_from", "agent", "owner", "which says who answers a home"))
      model.supplier = Supplier::owner;
    model.requester_tells_home =
        of_home(model, "home_hears_from", "owner", "requester", "which says who tells a home");
    model.acknowledges_conflicts =
        of_home(model, "conflicts", "passed-on", "acknowledged", "which a home does");
    const std::string arbitration = choice("arbitration", {"fifo", "near", "random"});
    model.arbitration = arbitration == "fifo"   ? Arbitration::fifo
                        : arbitration == "near" ? Arbitration::near
                                                : Arbitration::random;
    read_costs(model, kind);
    read_legs(model);
    // Where nobody has measured it: the agent answers the next reader when the one before has its data.
    if (model.protocol == Protocol::home && !at("costs_ns").contains("port"))
      model.costs.port = 2 * model.leg[static_cast<std::size_t>(Reach::domain)];
    return model;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ModelError(fmt::format("{}: {}", origin_, what));
  }

  void check_keys() const {
    static const std::set<std::string> kKnown = {
        "schema",   "name",       "description",        "topology",   "cpus",
        "domain",   "kind",       "protocol",           "atomics",    "arbitration",
        "costs_ns", "one_way_ns", "packages_per_group", "reads_from", "home_hears_from",
        "conflicts"};
    for (const auto& [key, value] : file_.items())
      if (!kKnown.contains(key)) fail(fmt::format("unknown key '{}'", key));
    if (file_.value("schema", json()) != 1) fail("'schema' must be 1");
  }

  // Whether an optional key of what has a home is said, and not as the default is.
  bool of_home(const Model& model, const char* key, const char* otherwise, const char* other,
               std::string_view why) const {
    if (!file_.contains(key) || choice(key, {otherwise, other}) != other) return false;
    if (model.protocol == Protocol::snoop)
      fail(fmt::format("'{}' is '{}', {}: the protocol is 'snoop'", key, other, why));
    return true;
  }

  const json& at(const char* key) const {
    const auto found = file_.find(key);
    if (found == file_.end()) fail(fmt::format("'{}' is missing", key));
    return *found;
  }

  std::string text(const char* key) const {
    const json& value = at(key);
    if (!value.is_string() || value.get_ref<const std::string&>().empty())
      fail(fmt::format("'{}' must be a text", key));
    return value;
  }

  unsigned count(const json& value, const char* key) const {
    if (!value.is_number_unsigned() || value == 0u || value > 1'000'000u)
      fail(fmt::format("'{}' must be a count from 1 on", key));
    return value;
  }

  std::string choice(const char* key, std::initializer_list<std::string_view> allowed) const {
    const std::string value = text(key);
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
      fail(fmt::format("'{}' is '{}'; there are {}", key, value, fmt::join(allowed, ", ")));
    return value;
  }

  // {"value": 47.5, "quality": "E", "source": "..."}, in ns.
  double number(const json& entry, const std::string& where) const {
    if (!entry.is_object() || !entry.contains("value") || !entry["value"].is_number())
      fail(fmt::format("{} must be an object with a number as 'value'", where));
    const double value = entry["value"];
    if (value < 0) fail(fmt::format("{} is negative: {}", where, value));
    if (!(value <= kMostNs)) fail(fmt::format("{} is {} ns, more than any access takes", where, value));
    const std::string quality = entry.value("quality", "");
    static const std::set<std::string> kQualities = {"E", "T", "D", "I", "M", "H"};
    if (!kQualities.contains(quality)) fail(fmt::format("{} needs a 'quality': E, T, D, I, M or H", where));
    if (entry.value("source", "").empty()) fail(fmt::format("{} needs a 'source'", where));
    return value;
  }

  void read_layout(Model& model) const {
    const std::string description = text("topology");
    try {
      model.layout = topology::Topology::synthetic(description).layout();
    } catch (const topology::TopologyError& error) {
      fail(fmt::format("'topology': {}", error.what()));
    }
    const unsigned cpus = count(at("cpus"), "cpus");
    if (cpus != model.layout.pus.size())
      fail(fmt::format("'cpus' is {}, but '{}' has {} PUs", cpus, description, model.layout.pus.size()));
    const std::string domain = choice("domain", {"package", "die", "llc", "core"});
    const unsigned per_group =
        file_.contains("packages_per_group") ? count(file_["packages_per_group"], "packages_per_group") : 0;
    for (const topology::Pu& pu : model.layout.pus) model.places.push_back(place_of(pu, domain, per_group));
  }

  Picoseconds ps(double ns) const { return static_cast<Picoseconds>(std::llround(ns * scale_ * kPsPerNs)); }

  void read_costs(Model& model, const std::string& kind) const {
    const json& costs = at("costs_ns");
    if (!costs.is_object()) fail("'costs_ns' must be an object");
    std::set<std::string> known = {"ipi_delivery"};
    for (const Default& entry : kDefaults) {
      const std::string name(entry.name);
      known.insert(name);
      double ns = kind == "x86" ? entry.x86 : kind == "arm" ? entry.arm : entry.power;
      if (costs.contains(name)) ns = number(costs[name], fmt::format("costs_ns.{}", name));
      // A tick measures think times, it is no latency.
      model.costs.*entry.cost =
          entry.cost == &Costs::tick ? static_cast<Picoseconds>(std::llround(ns * kPsPerNs)) : ps(ns);
    }
    // Virtual time passes with each of these, or a loop would have no end.
    const std::initializer_list<std::pair<const char*, Picoseconds>> passing = {
        {"load", model.costs.load},
        {"store", model.costs.store},
        {"atomic", model.costs.atomic},
        {"memory", model.costs.memory},
        {"tick", model.costs.tick}};
    for (const auto& [name, cost] : passing)
      if (cost == 0) fail(fmt::format("costs_ns.{} must be more than 0, also after --scale", name));
    double delivery = kIpiDelivery;
    if (costs.contains("ipi_delivery")) delivery = number(costs["ipi_delivery"], "costs_ns.ipi_delivery");
    model.ipi_delivery.fill(ps(delivery));
    for (const auto& [key, value] : costs.items())
      if (!known.contains(key)) fail(fmt::format("costs_ns: unknown cost '{}'", key));
  }

  // The published one-way latencies of a line that two CPUs pass to and fro are the sum of legs; which,
  // depends on the protocol. docs/simulator.md derives these rules.
  void read_legs(Model& model) const {
    const json& entries = at("one_way_ns");
    if (!entries.is_object()) fail("'one_way_ns' must be an object");
    for (const auto& [key, value] : entries.items())
      if (std::find(kReachNames.begin(), kReachNames.end(), key) == kReachNames.end())
        fail(fmt::format("one_way_ns: unknown class '{}'; there are {}", key, fmt::join(kReachNames, ", ")));
    std::array<bool, kReaches> exists{};
    const Place& first = model.places.front();
    for (const Place& a : model.places) exists[static_cast<std::size_t>(reach(first, a))] = true;
    exists[0] = has_siblings(model);

    const double atomic = static_cast<double>(model.costs.atomic);
    double to_and_from_agents = 0;
    double within_package = 0;
    for (std::size_t r = 0; r < kReaches; ++r) {
      const std::string name(kReachNames[r]);
      if (!entries.contains(name)) {
        if (exists[r])
          fail(fmt::format("one_way_ns: class '{}' is missing, and the topology has such CPUs", name));
        // No such CPUs. A core that is a domain of its own is where its agent is.
        model.leg[r] = r <= static_cast<std::size_t>(Reach::domain) ? 0 : model.leg[r - 1];
        continue;
      }
      const double one_way = static_cast<double>(ps(number(entries[name], "one_way_ns." + name)));
      const double way = one_way - atomic;
      if (way < 0)
        fail(fmt::format("one_way_ns.{} is less than the atomic operation it contains ({} ns)", name,
                         atomic / 1000));
      const double core_legs = model.handover == Handover::through ? 4 : 3;
      double leg = 0;
      if (r == static_cast<std::size_t>(Reach::sibling))
        leg = way;
      else if (model.protocol == Protocol::snoop)
        leg = way / (model.atomics == Atomics::ll_sc ? 4 : 2);
      else if (r == static_cast<std::size_t>(Reach::domain))
        leg = way / core_legs;
      else if (r == static_cast<std::size_t>(Reach::package))
        leg = (way - to_and_from_agents) / 3;
      else
        leg = (way - to_and_from_agents - within_package) / 2;
      if (leg < 0) fail(fmt::format("one_way_ns.{} is less than a nearer way that is part of it", name));
      model.leg[r] = static_cast<Picoseconds>(std::llround(leg));
      if (r == static_cast<std::size_t>(Reach::domain)) to_and_from_agents = 4 * leg;
      if (r == static_cast<std::size_t>(Reach::package)) within_package = leg;
    }
  }

  static bool has_siblings(const Model& model) {
    std::set<std::uint32_t> cores;
    for (const Place& place : model.places)
      if (!cores.insert(place.core).second) return true;
    return false;
  }

  const json& file_;
  std::string_view origin_;
  double scale_;
};

// The library's message without its number.
std::string_view in_words(const json::exception& error) {
  const std::string_view what = error.what();
  return what.substr(what.find("] ") + 2);
}

// A machine file has three levels.
constexpr int kMostDepth = 16;

}  // namespace

Place place_of(const topology::Pu& pu, std::string_view domain, unsigned packages_per_group) {
  return {pu.core,
          domain == "package" ? pu.package
          : domain == "die"   ? pu.die
          : domain == "core"  ? pu.core
                              : pu.llc,
          pu.package, packages_per_group == 0 ? 0 : pu.package / packages_per_group};
}

Model parse_model(std::string_view text, std::string_view origin, double scale) {
  json file;
  try {
    // Copies of what is nested deeply would take as deep a stack.
    file = json::parse(text, [&](int depth, json::parse_event_t, const json&) {
      if (depth > kMostDepth)
        throw ModelError(fmt::format("{}: nested more than {} deep: no machine file", origin, kMostDepth));
      return true;
    });
  } catch (const json::parse_error& error) {
    const std::size_t byte = std::min(error.byte, text.size());
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(byte), '\n');
    throw ModelError(fmt::format("{}: not JSON from line {} on", origin, line));
  } catch (const json::exception& error) {
    throw ModelError(fmt::format("{}: {}", origin, in_words(error)));
  }
  try {
    return Reader(file, origin, scale).read();
  } catch (const json::exception& error) {
    // A value of another type than was asked for, which the reader has not looked at first.
    throw ModelError(fmt::format("{}: {}", origin, in_words(error)));
  }
}

Model load_model(std::string_view name_or_path, double scale) {
  const std::string given(name_or_path);
  if (given.find('/') != std::string::npos || given.ends_with(".json"))
    return parse_model(read_model_file(given), given, scale);
  if (const std::optional<std::string> text = model_text(given))
    return parse_model(*text, given + ".json", scale);
  throw ModelError(fmt::format("there is no machine '{}'; there are {}, or a file (*.json)", given,
                               fmt::join(model_names(), ", ")));
}

}  // namespace mmscale::machine::simulator
