// SPDX-License-Identifier: MIT
//
// Family `explorer`: how fast `mmscale check` goes through interleavings. Each CPU explores the same small
// case to its end, over and over, and shares nothing with the others.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bench/families.h"
#include "check/case.h"
#include "check/program.h"
#include "machine/explorer/explore.h"
#include "machine/machine.h"
#include "measure/findings.h"
#include "workload/bare_load.h"

namespace mmscale::bench {
namespace {

// A scheme with an IPI under the lifecycle whose rules it was made for, in a case of some 40,000 transitions:
// 3 ms.
constexpr std::string_view kScheme = "shootdown";
constexpr std::string_view kLifecycle = "powerpc";
constexpr std::string_view kCase = "last-drop-elsewhere";

// The two ways to search: by executions alone, or remembering states from the first transition on.
struct Search {
  std::string_view name;
  std::uint64_t remember_after;
};
constexpr std::array kSearches = {Search{"stateless", UINT64_MAX}, Search{"remembering", 0}};

class ExplorerTrial final : public workload::BareLoad, public measure::SelfMeasuring {
 public:
  ExplorerTrial(const Search& search, unsigned cpus) : BareLoad(cpus), search_(search), explored_(cpus) {}

  // A round is one exploration from attaching the program to its end. Steps are those of all its executions, each from its
  // beginning (explore.h).
  bool run(unsigned cpu, std::uint64_t rounds) override {
    namespace explorer = machine::explorer;
    Explored& mine = explored_[cpu];
    for (; rounds != 0; --rounds) {
      const auto program = check::make_program(kScheme, kLifecycle, check::find_case(kCase), ~0u);
      explorer::Limits limits;
      limits.remember_after = search_.remember_after;
      const explorer::Result result = explorer::explore(*program, explorer::Memory::tso, limits);
      mine.all_exhausted = mine.all_exhausted && result.ending == explorer::Ending::exhausted;
      mine.steps += result.steps;
      mine.executions += result.executions;
    }
    return true;
  }

  void open_window(unsigned cpu) override { explored_[cpu].opened = explored_[cpu]; }
  void close_window(unsigned cpu) override { explored_[cpu].closed = explored_[cpu]; }

  measure::Findings findings(const measure::Window& window) const override {
    double steps_per_second = 0;
    double executions_per_second = 0;
    for (unsigned cpu = 0; cpu < cpus(); ++cpu) {
      const Explored& mine = explored_[cpu];
      const double seconds = window.cpus[cpu].seconds();
      if (seconds <= 0) continue;
      steps_per_second += static_cast<double>(mine.closed.steps - mine.opened.steps) / seconds;
      executions_per_second += static_cast<double>(mine.closed.executions - mine.opened.executions) / seconds;
    }
    measure::Findings findings;
    findings.operation = "step";
    findings.operation_ns = steps_per_second > 0 ? 1e9 * cpus() / steps_per_second : 0;
    findings.put("ns_per_step", findings.operation_ns);
    findings.put("steps_per_second", steps_per_second);
    findings.put("steps_per_second_per_cpu", steps_per_second / cpus());
    findings.put("executions_per_second", executions_per_second);
    findings.add_details({{"explored", fmt::format("{}/{}/{}", kScheme, kLifecycle, kCase)}});
    return findings;
  }

  std::vector<std::string> audit() override {
    std::vector<std::string> problems;
    for (unsigned cpu = 0; cpu < cpus(); ++cpu)
      if (!explored_[cpu].all_exhausted)
        problems.push_back(
            fmt::format("cpu {} did not exhaust {} under {} in {}", cpu, kScheme, kLifecycle, kCase));
    return problems;
  }

 private:
  struct Counts {
    std::uint64_t steps = 0;
    std::uint64_t executions = 0;
  };
  struct alignas(machine::kApart) Explored : Counts {
    Counts opened;
    Counts closed;
    bool all_exhausted = true;
  };

  const Search search_;
  std::vector<Explored> explored_;
};

}  // namespace

std::vector<Case> explorer_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for (const auto& placement : choice.placements)
    for (const unsigned cpus : choice.cpu_counts)
      for (const Search& search : kSearches) {
        measure::Subject subject = subject_on(layout, choice, "explorer", placement, cpus);
        subject.scheme = search.name;
        std::string name = fmt::format("explorer/{}/{}/cpus:{}", search.name, subject.placement, cpus);
        cases.push_back({std::move(name), std::move(subject), [search, cpus](const measure::Subject&) {
                           return std::make_unique<ExplorerTrial>(search, cpus);
                         }});
      }
  return cases;
}

Family explorer_family() {
  return {.name = "explorer",
          .what = "exploring interleavings: steps per second of mmscale check",
          .cases = explorer_cases,
          .place = 7};
}

}  // namespace mmscale::bench
