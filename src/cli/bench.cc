// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/families.h"
#include "campaign/budget.h"
#include "campaign/console.h"
#include "campaign/cpu_counts.h"
#include "campaign/session.h"
#include "cli/case_options.h"
#include "cli/names.h"
#include "cli/own_lifecycle.h"
#include "cli/places.h"
#include "machine/silicon/pool.h"
#include "machine/silicon/transport.h"
#include "measure/environment.h"
#include "measure/output_file.h"
#include "measure/pmu.h"
#include "scheme/known.h"
#include "topology/cpu_list.h"
#include "topology/leave.h"
#include "topology/quota.h"
#include "topology/text.h"
#include "topology/topology.h"

namespace mmscale::cli {
namespace {

// The command line as typed.
struct BenchOptions : CaseOptions {
  std::string transport;
  std::chrono::nanoseconds budget = std::chrono::minutes(3);
  std::optional<std::uint32_t> repetitions;
  std::string leave;
  std::string line_pus;
  bool live = false;
  std::string format;
};

// How many CPUs may be used, and what says so.
struct Limit {
  unsigned cpus = 0;
  std::string why;
};

Limit usable_cpus(const topology::Layout& layout, const std::vector<topology::Placement>& placements,
                  const topology::CpuQuota& quota) {
  Limit limit{~0u, {}};
  for (const topology::Placement& placement : placements) {
    const std::vector<unsigned> order = topology::order(layout, placement);
    if (order.size() >= limit.cpus) continue;
    limit.cpus = static_cast<unsigned>(order.size());
    std::vector<unsigned> ascending = order;
    std::ranges::sort(ascending);
    limit.why = placement.order == topology::Order::kList
                    ? fmt::format("--placement {}", topology::to_string(placement))
                    : fmt::format("allowed: {}", topology::format_cpu_list(ascending));
  }
  // A quota of 1.5 CPUs keeps one CPU busy and throttles two.
  if (quota.cpus && *quota.cpus < limit.cpus) {
    limit.cpus = std::max(1u, static_cast<unsigned>(*quota.cpus));
    limit.why = fmt::format("CPU quota of {:g} CPUs, {}", *quota.cpus, quota.source);
  }
  return limit;
}

std::vector<std::string> working_transports() {
  std::vector<std::string> names;
  for (const std::string_view name : machine::silicon::transport_names()) {
    try {
      names.push_back(machine::silicon::choose_transport(name).name);
    } catch (const std::runtime_error&) {
      // Why it does not work is said where it is asked for.
    }
  }
  return names;
}

campaign::Choice make_choice(const BenchOptions& options) {
  campaign::Choice choice = choose(options, default_lifecycle());
  const auto transport = machine::silicon::choose_transport(
      options.transport.empty() ? std::nullopt : std::optional<std::string_view>(options.transport));
  choice.transport = transport.name;
  choice.transport_reason = transport.reason;
  choice.transport_caveat = machine::silicon::make_transport(transport.name, 1)->caveat();
  choice.transports = options.transport.empty() ? working_transports() : std::vector{choice.transport};
  std::ranges::sort(choice.exits_per_million);
  return choice;
}

bool chosen(const campaign::Choice& choice, std::string_view family) {
  return topology::contains(choice.families, family);
}

std::vector<campaign::Case> make_cases(const topology::Layout& layout, const campaign::Choice& choice) {
  std::vector<campaign::Case> cases;
  for (const bench::Family& family : bench::families())
    if (chosen(choice, family.name))
      for (campaign::Case& c : family.cases(layout, choice)) cases.push_back(std::move(c));
  return cases;
}

// What the cases take that are left by the filter.
std::vector<campaign::CaseTime> times_of_cases(const topology::Layout& layout, campaign::Choice choice,
                                               const std::vector<unsigned>& cpu_counts,
                                               const std::string& filter) {
  choice.cpu_counts = cpu_counts;
  std::vector<campaign::CaseTime> times;
  for (const campaign::Case& c : campaign::filtered(make_cases(layout, choice), filter))
    times.push_back({static_cast<unsigned>(c.subject.pus.size()), c.least});
  return times;
}

// Of how many PUs family `line` measures the pairs: what is asked for, else of as many as are done three times in a
// tenth of the budget, or in half of it if nothing else is measured. Says so.
unsigned line_pus(const std::string& text, unsigned all, const campaign::Choice& choice,
                  std::chrono::nanoseconds budget) {
  unsigned pus = all;
  if (!text.empty() && text != "all") {
    pus = topology::number<unsigned>(text).value_or(0);
    if (pus < 2) throw UsageError(fmt::format("--line-pus {}: a number of PUs from 2 on, or all", text));
  } else if (text.empty()) {
    const auto part = budget / (choice.families.size() > 1 ? 10 : 2);
    for (const unsigned most : {512u, 256u, 128u, 64u}) {
      pus = std::min(all, most);
      if (campaign::kLeastRepetitions * bench::line_window(pus) <= part) break;
    }
  }
  pus = std::min(pus, all);
  if (!chosen(choice, "line") || all < 2) return pus;
  const auto pairs = [](unsigned n) { return std::uint64_t{n} * (n - 1) / 2; };
  fmt::print(stderr, "line: {} pairs of {} PUs, a window of at least {}{}\n", pairs(pus), pus,
             campaign::rounded_text(bench::line_window(pus)),
             pus < all ? fmt::format("; {} CPUs have {}, {} a window (--line-pus all)", all, pairs(all),
                                     campaign::rounded_text(bench::line_window(all)))
                       : "");
  return pus;
}

// Plans what fits into the budget. Of all families those that take longest are left out, one after the other, where
// not even the smallest plan of all fits; and says so.
campaign::Plan plan_within(const campaign::BudgetRequest& request, bool may_leave_out,
                           campaign::Choice& choice) {
  campaign::Plan plan = campaign::make_plan(request);
  const std::chrono::nanoseconds all = plan.expected;
  std::vector<std::string> left_out;
  while (may_leave_out && plan.expected > request.budget && choice.families.size() > 1) {
    std::vector<std::string> families = choice.families;
    std::chrono::nanoseconds longest{-1};
    std::string costly;
    for (const std::string& family : families) {
      choice.families = {family};
      const auto time = campaign::time_of(plan, request.cases(plan.cpu_counts));
      if (time <= longest) continue;
      longest = time;
      costly = family;
    }
    std::erase(families, costly);
    choice.families = std::move(families);
    left_out.push_back(fmt::format("{} ({})", costly, campaign::rounded_text(longest)));
    plan = campaign::make_plan(request);
  }
  if (!left_out.empty())
    fmt::print(stderr, "mmscale: not measured, for want of time: {}; --budget {} has room for all\n",
               fmt::join(left_out, ", "), campaign::rounded_text(all));
  return plan;
}

// A family that needs more CPUs than there are has no cases: says so, in an error if it leaves nothing
// to measure.
void check_families(const campaign::Choice& choice, const Limit& limit, bool anything_left) {
  for (const bench::Family& family : bench::families()) {
    if (!chosen(choice, family.name)) continue;
    if (choice.cpu_counts.back() >= family.least_cpus) continue;
    const std::string why =
        fmt::format("--family {}: needs {} CPUs, {} in use; {} can be used ({})", family.name,
                    family.least_cpus, choice.cpu_counts.back(), limit.cpus, limit.why);
    if (!anything_left) throw std::runtime_error(why);
    fmt::print(stderr, "mmscale: {}\n", why);
  }
}

// Takes out of the layout what is left to everything else, and says so.
void leave_cpus(const std::string& text, topology::Layout& layout) {
  topology::Leave leave = topology::default_leave(layout);
  std::vector<unsigned> left;
  try {
    if (!text.empty()) leave = topology::parse_leave(text);
    left = topology::to_leave(layout, leave);
  } catch (const std::invalid_argument& error) {
    throw UsageError(fmt::format("--leave: {}", error.what()));
  }
  if (left.empty()) return;
  for (topology::Pu& pu : layout.pus)
    if (std::binary_search(left.begin(), left.end(), pu.os_index)) pu.allowed = false;
  topology::stay_on(left);
  fmt::print(stderr, "CPUs {} are left to everything else ({})\n", topology::format_cpu_list(left),
             text.empty()
                 ? fmt::format("the default above {} CPUs; --leave 0 takes all", topology::kLeaveAbove)
                 : "--leave " + text);
}

int run(const BenchOptions& options, const Command& command, const std::string& command_line) {
  std::vector<std::string> rest = command.rest();
  auto google = campaign::GoogleFlags::take_from(rest);
  if (!rest.empty()) throw UsageError(command.unknown_argument(rest.front()));
  if (!options.format.empty()) google.format = options.format;

  const topology::Topology topology = topology::Topology::host();
  topology::Layout layout = topology.layout();
  // A list of CPUs says itself what is used.
  const bool is_list = options.placements.find_first_not_of("0123456789,-") == std::string::npos;
  if (is_list && !options.leave.empty()) throw UsageError("--leave: --placement names the CPUs already");
  if (!is_list) leave_cpus(options.leave, layout);
  const topology::CpuQuota quota = topology::read_cpu_quota();
  campaign::Choice choice = make_choice(options);
  check_home(layout, options.choice.home_node, "this machine");
  for (topology::Placement& placement : choice.placements) placement = topology::settle(layout, placement);

  const Limit limit = usable_cpus(layout, choice.placements, quota);
  campaign::BudgetRequest request;
  request.budget = options.budget;
  request.all_cpus = limit.cpus;
  request.cases = [&](const std::vector<unsigned>& cpu_counts) {
    return times_of_cases(layout, choice, cpu_counts, google.filter);
  };
  if (!options.cpus.empty())
    request.cpu_counts = campaign::parse_cpu_counts(options.cpus, limit.cpus, limit.why);
  request.window = options.window;
  if (request.window) check_window(*request.window, kShortestMeasured);
  request.warm = options.warm;
  request.repetitions = options.repetitions;
  if (google.repetitions != 0) request.repetitions = google.repetitions;
  choice.line_pus = line_pus(options.line_pus, request.cpu_counts ? request.cpu_counts->back() : limit.cpus,
                             choice, request.budget);
  const campaign::Plan plan =
      plan_within(request, options.choice.families.size() == bench::families().size(), choice);
  choice.cpu_counts = plan.cpu_counts;

  campaign::SessionSetup setup;
  setup.cases = campaign::filtered(make_cases(layout, choice), google.filter);
  check_families(choice, limit, !setup.cases.empty());
  for (const bench::Family& family : bench::families())
    if (family.conclude != nullptr && chosen(choice, family.name)) setup.conclude.push_back(family.conclude);
  if (setup.cases.empty())
    throw UsageError(fmt::format("--benchmark_filter={}: no case has such a name", google.filter));
  say_unused(command, choice);
  setup.times = plan.times;
  setup.repetitions = plan.repetitions;
  // Who asks for so many repetitions gets so many; a plan wants an answer to each of its questions.
  if (!request.repetitions)
    setup.spare = std::max<std::size_t>(1, setup.cases.size() * plan.repetitions / campaign::kSpareShare);
  setup.out = options.out;
  setup.live = options.live;
  if (!google.out.empty()) {
    const bool records = google.out_format == "json";
    if (!setup.out.empty() && (records || measure::same_output(setup.out, google.out)))
      throw UsageError("--out and --benchmark_out are the same file; give one of them");
    if (records) setup.out = google.out;
  }
  if (measure::is_standard_output(setup.out) && google.format != "console")
    throw UsageError(fmt::format("--out - and {}={}: both on standard output",
                                 options.format.empty() ? "--benchmark_format" : "--format", google.format));

  if (google.list_tests || options.dry_run) {
    for (const campaign::Case& c : setup.cases) fmt::print(measure::screen_beside(setup.out), "{}\n", c.name);
    if (google.list_tests) return 0;
  }
  fmt::print(stderr, "{} cases x {} repetitions, windows of {} after {} warming up: about {}\n",
             setup.cases.size(), setup.repetitions, campaign::rounded_text(plan.times.measure),
             campaign::rounded_text(plan.times.warm), campaign::rounded_text(plan.expected));
  if (plan.expected > request.budget)
    fmt::print(stderr, "mmscale: that is more than the budget of {}\n", duration_text(options.budget));
  if (std::any_of(setup.cases.begin(), setup.cases.end(),
                  [](const auto& c) { return !c.subject.lifecycle.empty(); }))
    fmt::print(stderr, "lifecycle {} ({}){}\nIPI transport {} ({}){}{}\n", choice.lifecycle,
               choice.lifecycle_reason, left_out(options.schemes, choice.schemes), choice.transport,
               choice.transport_reason, choice.transport_caveat.empty() ? "" : "; ", choice.transport_caveat);
  fmt::print(stderr, "PMU counters: {}\n", measure::this_pmu().summary());
  if (limit.why.starts_with("CPU quota"))
    fmt::print(stderr, "CPUs: at most {} ({})\n", limit.cpus, limit.why);
  std::set<unsigned> homes;
  for (const campaign::Case& c : setup.cases)
    if (c.make_load) homes.insert(c.subject.home_node);
  const std::string unbound = note_home(layout, homes);
  if (options.dry_run) return 0;

  make_folder_of(setup.out);
  std::set<unsigned> used;
  for (const campaign::Case& c : setup.cases) used.insert(c.subject.pus.begin(), c.subject.pus.end());
  setup.context = measure::read_environment("/", std::vector(used.begin(), used.end()), command_line).facts();
  setup.context.emplace_back("mmscale_world", "silicon");
  for (auto& fact : safety_on_this_host(choice.schemes)) setup.context.push_back(std::move(fact));
  if (layout.source != "this host") setup.context.emplace_back("topology", layout.source);
  if (!unbound.empty()) setup.context.emplace_back("home_unbound", unbound);
  setup.google = std::move(google);

  machine::silicon::Pool pool(topology);
  measure::Bench where{topology, pool, quota};
  return static_cast<int>(campaign::run_session(where, std::move(setup)));
}

}  // namespace

void add_bench_command(Start& start) {
  auto options = std::make_shared<BenchOptions>();
  // What is measured when nobody says what: the question that the project is about, and the floor under it.
  for (const bench::Family& family : bench::families())
    if (family.by_default) options->choice.families.emplace_back(family.name);
  Command command(start, "bench", "Measure on this machine");
  take_case_options(command, *options);
  command.take("--leave", options->leave);
  command.take("--line-pus", options->line_pus);
  command.take("--transport", options->transport);
  command.take("--exits", options->choice.exits_per_million);
  command.take("--reps", options->repetitions);
  command.take("--budget", options->budget);
  command.take("--live", options->live);
  command.take("--format", options->format);
  command.leave_rest();
  command.footer(
      "Google Benchmark's --benchmark_* flags work, too: --benchmark_filter=REGEX, --benchmark_list_tests,\n"
      "--benchmark_format=console|json|csv, --benchmark_repetitions=N, ...");
  command.run([options, command, &start] { return run(*options, command, start.command_line); });
}

}  // namespace mmscale::cli
