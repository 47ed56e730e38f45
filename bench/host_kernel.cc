// SPDX-License-Identifier: MIT
//
// Family `host_kernel`: what the running kernel itself does, beside the emulation of it.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/families.h"
#include "host/calls.h"
#include "host/deaths.h"
#include "host/kernel_counts.h"
#include "host/switches.h"
#include "measure/kernel_config.h"
#include "measure/statistics.h"

namespace mmscale::bench {
namespace {

using host::Answer;
using measure::kPercent;
using measure::WindowTimes;

// How the running kernel keeps a borrowed mm alive. Read once: it is a file of some 200 KiB, and compressed.
const std::string& lazy_tlb_of_this_kernel() {
  static const std::string text = [] {
    utsname name = {};
    if (uname(&name) != 0) return std::string("unknown: uname failed");
    return measure::lazy_tlb_of(measure::find_kernel_config(name.release), name.release);
  }();
  return text;
}

// What concerns every case: added to the object `kernel` of its details.
void add_kernel(Answer& answer) {
  nlohmann::ordered_json kernel = {{"lazy_tlb", lazy_tlb_of_this_kernel()},
                                   {"idle_driver", host::idle_driver()}};
  kernel.update(answer.findings.details->at("kernel"));
  answer.findings.add_details({{"kernel", kernel}});
}

template <class Ask>
Case make_case(const topology::Layout& layout, const topology::Placement& placement, unsigned cpus,
               const std::string& question, Ask ask) {
  measure::Subject subject;
  subject.family = "host_kernel";
  subject.scheme = "host";
  subject.placement = topology::to_string(placement);
  subject.pus = topology::place(layout, placement, cpus);
  std::string name = fmt::format("host_kernel/{}/{}/cpus:{}", question, subject.placement, cpus);
  return {.name = std::move(name),
          .subject = subject,
          .make_load = {},
          .ask = [ask, pus = subject.pus](const measure::Bench& bench, const WindowTimes& times) {
            Answer answer = ask(bench, std::span<const unsigned>(pus), times);
            add_kernel(answer);
            return answer;
          }};
}

void add_switches(const topology::Layout& layout, const topology::Placement& placement, unsigned cpus,
                  std::vector<Case>& cases) {
  for (const auto primitive : {host::Primitive::futex, host::Primitive::pipe})
    for (const auto tasks : {host::Tasks::threads, host::Tasks::processes})
      for (const auto ends : {host::Ends::same_cpu, host::Ends::cross_cpu}) {
        if (ends == host::Ends::cross_cpu && cpus % 2 != 0) continue;
        cases.push_back(host_switch_case(layout, placement, cpus, {primitive, tasks, ends, {}}));
      }
}

void add_calls(const topology::Layout& layout, const topology::Placement& placement, unsigned cpus,
               std::vector<Case>& cases) {
  for (const auto call : {host::Call::munmap, host::Call::membarrier}) {
    if (call == host::Call::membarrier && !host::no_membarrier().empty()) continue;
    for (const auto others : {host::Others::running, host::Others::lazy}) {
      // Alone there is nobody to do anything.
      if (cpus == 1 && others == host::Others::lazy) continue;
      cases.push_back(make_case(layout, placement, cpus,
                                fmt::format("{}/{}", host::kCallNames[static_cast<std::size_t>(call)],
                                            host::kOthersNames[static_cast<std::size_t>(others)]),
                                [call, others](const measure::Bench& bench, std::span<const unsigned> pus,
                                               const WindowTimes& times) {
                                  return host::ask_calls(bench, call, others, pus, times);
                                }));
    }
  }
}

// "99.1 to 99.8 % of its switches from idle"
std::string share_text(const std::optional<double>& low, const std::optional<double>& high) {
  if (!high) return "share of switches from idle unavailable";
  if (!low) return fmt::format("at most {:.1f} % of its switches from idle", *high * kPercent);
  return fmt::format("{:.1f} to {:.1f} % of its switches from idle", *low * kPercent, *high * kPercent);
}

}  // namespace

Case host_switch_case(const topology::Layout& layout, const topology::Placement& placement, unsigned cpus,
                      const host::SwitchSpec& spec) {
  std::string question =
      fmt::format("switch/{}/{}/{}", host::kPrimitiveNames[static_cast<std::size_t>(spec.primitive)],
                  host::kTasksNames[static_cast<std::size_t>(spec.tasks)],
                  host::kEndsNames[static_cast<std::size_t>(spec.ends)]);
  if (spec.pause.count() != 0) question += fmt::format("/pause:{}ns", spec.pause.count());
  return make_case(layout, placement, cpus, question,
                   [spec](const measure::Bench& bench, std::span<const unsigned> pus,
                          const WindowTimes& times) { return host::ask_switches(bench, spec, pus, times); });
}

std::vector<Case> host_kernel_cases(const topology::Layout& layout, const Choice& choice) {
  std::vector<Case> cases;
  for (const auto& placement : choice.placements)
    for (const unsigned cpus : choice.cpu_counts) {
      add_switches(layout, placement, cpus, cases);
      cases.push_back(
          make_case(layout, placement, cpus, "exit",
                    [](const measure::Bench& bench, std::span<const unsigned> pus, const WindowTimes& times) {
                      return host::ask_deaths(bench, pus, times);
                    }));
      add_calls(layout, placement, cpus, cases);
    }
  return cases;
}

std::vector<Conclusion> host_kernel_conclusions(Results results) {
  std::vector<Conclusion> conclusions;
  for (const std::vector<measure::Record>& windows : results) {
    if (windows.empty() || windows.front().subject.family != "host_kernel") continue;
    const measure::Record& first = windows.front();
    Conclusion conclusion;
    conclusion.name = first.name;
    conclusion.kind = "kernel";
    conclusion.repetitions = first.repetitions;
    const auto put = [&](const char* counter) {
      const auto value = measure::median(measure::of_valid(
          windows, [counter](const measure::Record& record) { return record.findings.counter(counter); }));
      if (value) conclusion.counters.emplace_back(counter, *value);
      return value;
    };
    const bool any = std::any_of(windows.begin(), windows.end(), [](const auto& r) { return r.valid(); });
    std::vector<std::string> parts, ipis;
    if (any && first.findings.operation.empty()) {
      const auto low = put("idle_share_low");
      parts.push_back(share_text(low, put("idle_share_high")));
    }
    for (const auto& [counter, row] :
         {std::pair{"reschedule_ipis_per_operation", "reschedule"},
          std::pair{"function_call_ipis_per_operation", "function call"},
          std::pair{"tlb_ipis_per_operation", "TLB"}, std::pair{"other_ipis_per_operation", "other"}})
      if (const auto value = put(counter)) ipis.push_back(fmt::format("{:.2f} {}", *value, row));
    parts.push_back(ipis.empty() ? "IPIs unavailable"
                                 : fmt::format("{} IPIs per operation", fmt::join(ipis, ", ")));
    conclusion.text = any ? fmt::format("{}: {}", first.name, fmt::join(parts, ", "))
                          : fmt::format("{}: no valid window", first.name);
    conclusion.details = std::make_shared<nlohmann::ordered_json>(
        nlohmann::ordered_json{{"family", "host_kernel"}, {"record", "kernel"}, {"text", conclusion.text}});
    conclusions.push_back(std::move(conclusion));
  }
  if (conclusions.empty()) return conclusions;
  if (const std::string reason = host::no_membarrier(); !reason.empty())
    conclusions.back().text += fmt::format("\nhost_kernel/membarrier: unavailable ({})", reason);
  conclusions.back().text += fmt::format("\nthis kernel: lazy TLB {}; idle driver {}",
                                         lazy_tlb_of_this_kernel(), host::idle_driver());
  return conclusions;
}

Family host_kernel_family() {
  return {.name = "host_kernel",
          .what = "the running kernel's own switches, deaths and interrupting calls",
          .cases = host_kernel_cases,
          .conclude = host_kernel_conclusions,
          .place = 8};
}

}  // namespace mmscale::bench
