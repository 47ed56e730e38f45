// SPDX-License-Identifier: MIT
#include "calibrate/host_costs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "machine/simulator/model_file.h"
#include "machine/simulator/simulator.h"
#include "topology/synthetic_form.h"

namespace mmscale::calibrate {
namespace {

using machine::simulator::Model;
using machine::simulator::parse_model;
using machine::simulator::Reach;
using testing::AllOf;
using testing::Contains;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using Machine = machine::simulator::Simulator<false>;

std::optional<Reading>& way(HostCosts& costs, Reach reach) {
  return costs.one_way[static_cast<std::size_t>(reach)];
}

HostCosts costs_of(const std::string& topology) {
  const auto machine = topology::Topology::synthetic(topology);
  HostCosts costs;
  costs.name = "host";
  costs.description = "made by a test";
  costs.kind = "x86";
  costs.topology = topology::synthetic_form(machine);
  costs.cpus = machine.pus().size();
  costs.domain = line_domain(machine.layout());
  costs.load = {1.5, "loads"};
  costs.store = {0.5, "stores"};
  costs.atomic = {5, "atomics"};
  costs.fence = {12, "fences"};
  costs.tick = {0.38461, "ticks"};
  way(costs, Reach::domain) = {40, "line"};
  costs.contended = {30, "pairs"};
  costs.call = {5000, "calls"};
  return costs;
}

// What a pair of atomic operations takes each of the model's first two CPUs, which want one line all the
// time, ns.
double simulated_pair(const Model& model) {
  struct alignas(machine::kApart) {
    std::uint32_t value = 0;
  } word;
  machine::simulator::World world(model, {model.places.begin(), model.places.begin() + 2}, 0, {});
  Machine::System system(world);
  Machine first(system, 0);
  Machine second(system, 1);
  constexpr unsigned kPairs = 10'000;
  world.run([&](unsigned cpu) {
    for (unsigned i = 0; i < 2 * kPairs; ++i)
      (cpu == 0 ? first : second).fetch_add(word.value, 1, std::memory_order_relaxed);
  });
  return static_cast<double>(world.now(0)) / machine::simulator::kPsPerNs / kPairs;
}

// How long a call of `targets` others takes in the model, ns, when it is not the first one.
double simulated_call(const Model& model, unsigned targets) {
  machine::simulator::World world(model, {model.places.begin(), model.places.begin() + targets + 1}, 0, {});
  Machine::System system(world);
  std::vector<std::unique_ptr<Machine>> machines;
  for (unsigned cpu = 0; cpu <= targets; ++cpu) machines.push_back(std::make_unique<Machine>(system, cpu));
  constexpr unsigned kCalls = 10;
  double ns = 0;
  world.run([&](unsigned cpu) {
    Machine& m = *machines[cpu];
    if (cpu != 0) {
      m.rest(1'000'000'000);
      return;
    }
    machine::CpuMask mask(targets + 1);
    for (unsigned target = 1; target <= targets; ++target) mask.set(target);
    const auto call = [&] {
      m.call_many(
          mask, [](Machine&, void*) {}, nullptr);
    };
    call();
    const std::uint64_t begin = m.now();
    for (unsigned i = 0; i < kCalls; ++i) call();
    ns = static_cast<double>(m.now() - begin) / kCalls;
  });
  return ns;
}

TEST(HostCosts, MakeAMachineThatCostsWhatWasMeasured) {
  const MachineFile file = machine_file(costs_of("pack:1 [numa] l3:1 core:2 pu:1"));
  const Model model = parse_model(file.json.dump(), "test");
  EXPECT_EQ(model.costs.load, 1'500u);
  EXPECT_EQ(model.costs.store, 500u);
  EXPECT_EQ(model.costs.atomic, 5'000u);
  EXPECT_EQ(model.costs.fence, 12'000u);
  EXPECT_EQ(model.costs.tick, 385u);
  EXPECT_EQ(file.json["costs_ns"]["atomic"],
            nlohmann::ordered_json({{"value", 5.0}, {"quality", "H"}, {"source", "atomics"}}));
  EXPECT_THAT(
      file.notes,
      ElementsAre(HasSubstr("memory, port, modified_read, failed_try, idle_exit: nothing here measures"),
                  HasSubstr("home_hears_from, conflicts: not known of this host")));
}

TEST(HostCosts, ASimulatedCallTakesAsLongAsTheMeasuredOne) {
  HostCosts costs = costs_of("pack:1 [numa] l3:1 core:8 pu:1");
  EXPECT_THAT(simulated_call(parse_model(machine_file(costs).json.dump(), "test"), 1), DoubleNear(5000, 250));
  costs.call_more = {8000, "more calls"};
  costs.more_targets = 7;
  const MachineFile file = machine_file(costs);
  EXPECT_EQ(file.json["costs_ns"]["ipi_send"]["value"], 500.0);
  EXPECT_THAT(simulated_call(parse_model(file.json.dump(), "test"), 1), DoubleNear(5000, 250));
}

TEST(HostCosts, ASimulatedPairOnOneLineTakesAsLongAsTheMeasuredOne) {
  HostCosts costs = costs_of("pack:1 [numa] l3:1 core:2 pu:1");
  for (double ns = 21; ns < 200; ns += 3) {
    costs.contended = {ns, "pairs"};
    EXPECT_NEAR(simulated_pair(parse_model(machine_file(costs).json.dump(), "test")), ns, 0.02 * ns) << ns;
  }
  // One operation for each time the line comes: no visit to speak of.
  costs.contended = {150, "pairs"};
  EXPECT_EQ(machine_file(costs).json["costs_ns"]["visit"]["value"], 0.0);
  EXPECT_EQ(machine_file(costs).json["costs_ns"]["handoff"]["value"], 32.5);
  // As fast as if nobody else were there.
  costs.contended = {19, "pairs"};
  EXPECT_EQ(machine_file(costs).json["costs_ns"]["visit"]["value"], 997.5);
  costs.contended.reset();
  EXPECT_THAT(machine_file(costs).notes, Contains(HasSubstr("costs_ns.visit, handoff: not measured")));
}

TEST(HostCosts, OfOneCpuLackWhatTakesTwo) {
  HostCosts costs = costs_of("pack:1 [numa] core:1 pu:1");
  way(costs, Reach::domain).reset();
  costs.call.reset();
  const MachineFile file = machine_file(costs);
  EXPECT_EQ(parse_model(file.json.dump(), "test").places.size(), 1u);
  EXPECT_THAT(file.notes, Contains(HasSubstr("ipi_send, ipi_delivery, ipi_handle: not measured")));
}

TEST(HostCosts, WithoutAClassThatTheMachineHasAreRefused) {
  HostCosts costs = costs_of("pack:2 [numa] l3:1 core:2 pu:1");
  try {
    machine_file(costs);
    FAIL() << "accepted";
  } catch (const CalibrationError& error) {
    EXPECT_THAT(error.what(), HasSubstr("class 'other-package' is missing"));
  }
  way(costs, Reach::other_package) = {120, "line"};
  EXPECT_EQ(parse_model(machine_file(costs).json.dump(), "test").places.size(), 4u);
}

TEST(HostCosts, SiblingsThatAreFasterThanAnAtomicTakeAsLong) {
  HostCosts costs = costs_of("pack:1 [numa] core:2 pu:2");
  way(costs, Reach::sibling) = {4, "line"};
  const auto sibling = machine_file(costs).json["one_way_ns"]["smt-sibling"];
  EXPECT_EQ(sibling["value"], 5.0);
  EXPECT_THAT(std::string(sibling["source"]), HasSubstr("measured 4, less than the atomic operation"));
}

TEST(HostCosts, TheDomainIsWhereALineNeedsNoHome) {
  const auto domain = [](const char* text) {
    return line_domain(topology::Topology::synthetic(text).layout());
  };
  EXPECT_EQ(domain("pack:2 [numa] l3:1 core:4 pu:2"), "package");
  EXPECT_EQ(domain("pack:2 [numa] l3:4 core:4 pu:2"), "llc");
  EXPECT_EQ(domain("pack:1 [numa] die:2 core:4 pu:1"), "die");
  EXPECT_EQ(domain("pack:1 [numa] core:4 l2:1 pu:1"), "package") << "a cache of a core's own";
}

TEST(SyntheticForm, IsReadBackAsTheSameMachine) {
  for (const char* text : {"pack:2 [numa] l3:2 core:4 pu:2", "pack:1 [numa] core:1 pu:1", "[numa] pu:3"}) {
    const auto machine = topology::Topology::synthetic(text);
    const auto again = topology::Topology::synthetic(topology::synthetic_form(machine));
    EXPECT_EQ(machine.layout().pus, again.layout().pus) << text;
  }
}

}  // namespace
}  // namespace mmscale::calibrate
