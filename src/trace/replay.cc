// SPDX-License-Identifier: MIT
#include "trace/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "kernel/lifecycle/catalogue.h"
#include "trace/replay_under.h"

namespace mmscale::trace {

std::vector<machine::simulator::Place> places_of(const machine::simulator::Model& model,
                                                 const std::vector<unsigned>& pus) {
  std::vector<machine::simulator::Place> places;
  for (const unsigned os_index : pus) {
    const auto found = std::ranges::find(model.layout.pus, os_index, &topology::Pu::os_index);
    if (found == model.layout.pus.end())
      throw std::invalid_argument(fmt::format("{} has no CPU {}", model.name, os_index));
    places.push_back(model.places[static_cast<std::size_t>(found - model.layout.pus.begin())]);
  }
  return places;
}

std::uint32_t package_of_node(const machine::simulator::Model& model, unsigned node) {
  const auto local = std::ranges::find(model.layout.pus, node, &topology::Pu::numa_node);
  return local != model.layout.pus.end() ? local->package : model.layout.pus.front().package;
}

machine::simulator::Statistics since(machine::simulator::Statistics now,
                                     const machine::simulator::Statistics& before) {
  now.accesses -= before.accesses;
  for (std::size_t i = 0; i < machine::simulator::kReaches; ++i) {
    now.moved[i] -= before.moved[i];
    now.copied[i] -= before.copied[i];
  }
  now.requests -= before.requests;
  now.waited -= before.waited;
  now.failed_conditionals -= before.failed_conditionals;
  now.interrupts -= before.interrupts;
  return now;
}

namespace {

using Lifecycles = kernel::lifecycle::LifecycleList<MMSCALE_REPLAY_LIFECYCLES>;

}  // namespace

std::vector<std::string_view> replay_lifecycles() {
  const auto names = Lifecycles::names();
  return {names.begin(), names.end()};
}

std::vector<std::string_view> replay_schemes() {
  std::vector<std::string_view> names;
  for (const scheme::SchemeInfo* info : ReplaySchemes::infos()) names.push_back(info->name);
  return names;
}

std::unique_ptr<Replay> make_replay(const ReplaySpec& spec, const Facts& facts) {
  std::unique_ptr<Replay> replay;
  Lifecycles::for_each([&]<class Lifecycle> {
    if (Lifecycle::kName == spec.lifecycle) replay = make_replay_under<Lifecycle>(spec, facts);
  });
  if (!replay)
    throw std::invalid_argument(
        fmt::format("no scheme '{}' under lifecycle '{}' to replay", spec.scheme, spec.lifecycle));
  return replay;
}

}  // namespace mmscale::trace
