// SPDX-License-Identifier: MIT
#include "bench/bounce.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "measure/statistics.h"

namespace mmscale::bench {
namespace {

using machine::simulator::HandOver;
using machine::simulator::kNobody;
using machine::simulator::kPsPerNs;

// The line with the most changes of hands, of equals the one that was used first; kNobody if there is none.
std::uint32_t busiest(const std::vector<HandOver>& uses) {
  std::map<std::uint32_t, std::size_t> changes;
  for (const HandOver& use : uses)
    if (use.to != use.from) ++changes[use.line];
  const auto most = std::ranges::max_element(changes, {}, [](const auto& of_line) { return of_line.second; });
  return most == changes.end() ? kNobody : most->first;
}

}  // namespace

measure::Findings simulated_bounce_findings(const workload::SimulatorLoad& load,
                                            const topology::Layout& layout, const std::vector<unsigned>& pus,
                                            const measure::Window& window) {
  std::vector<HandOver> uses = load.hand_overs();
  const std::uint32_t line = busiest(uses);
  std::erase_if(uses, [line](const HandOver& use) { return use.line != line; });

  Bounced bounced{Transfers(pus.size(), std::vector<std::uint64_t>(pus.size())), {}, 0};
  std::map<topology::Distance, std::vector<double>> waits;
  // What the instruction itself takes is in an exchange's time on silicon, too.
  const double own = static_cast<double>(load.world().costs().atomic);
  for (const HandOver& use : uses) {
    ++bounced.taken[use.to][use.from];
    const topology::Distance distance = topology::distance(layout, *topology::find(layout, pus[use.to]),
                                                           *topology::find(layout, pus[use.from]));
    waits[distance].push_back((static_cast<double>(use.took) + own) / kPsPerNs);
    const measure::CpuWindow& cpu = window.cpus[use.to];
    bounced.per_second = *bounced.per_second + 1e9 / static_cast<double>(cpu.end_ns - cpu.start_ns);
  }
  for (auto& [distance, values] : waits) bounced.wait_ns[distance] = *measure::median(values);

  if (const auto* exchanges = dynamic_cast<const workload::Bouncing*>(&load))
    if (transfers_of(*exchanges, load.cpus()) != bounced.taken)
      throw std::runtime_error("bounce: what the exchanges found is not what the line knows");

  measure::Findings findings = bounce_findings(layout, pus, bounced, window);
  auto bounce = findings.details->at("bounce");
  bounce["line"] = line == kNobody ? "none" : load.what_is(load.world().lines().address_of(line));
  findings.add_details({{"bounce", bounce}});
  return findings;
}

}  // namespace mmscale::bench
