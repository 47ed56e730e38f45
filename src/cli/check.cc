// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "check/check.h"
#include "check/diagram.h"
#include "check/weaken.h"
#include "cli/limits.h"
#include "cli/names.h"
#include "kernel/oracle.h"
#include "measure/output_file.h"
#include "measure/spread.h"
#include "scheme/known.h"

namespace mmscale::cli {

namespace {

struct Arguments {
  std::string schemes = "all";
  std::string lifecycles = "all";
  std::string cases = "all";
  std::string verdicts = "all";
  std::string memory = "natural";
  std::string replay;
  std::string svg;
  std::uint64_t steps = check::Options{}.steps;
  std::optional<std::uint32_t> bound;
  // At most so large a case; 0 is without limit.
  std::uint32_t cpus = 0;
  std::uint32_t mms = 0;
  bool json = false;
  // Empty: nothing is weakened; kEveryPlace: each place by itself; else that one.
  std::string weaken;
};

constexpr std::string_view kEveryPlace = "every";

struct Cell {
  std::string scheme;
  std::string lifecycle;
  const check::Case* the_case;
  check::Outcome outcome;
};

// How many address spaces a case begins with.
unsigned mms_of(const check::Case& one) {
  return 1 + *std::max_element(one.task_mm.begin(), one.task_mm.end());
}

// The cases asked for that are no larger than --most-cpus and --most-mms allow.
std::vector<const check::Case*> chosen_cases(const Arguments& arguments) {
  std::vector<const check::Case*> chosen;
  for (const std::string& name : parse_names("--case", arguments.cases, names_of(check::cases()))) {
    const check::Case& one = check::find_case(name);
    if ((arguments.cpus == 0 || one.cpus() <= arguments.cpus) &&
        (arguments.mms == 0 || mms_of(one) <= arguments.mms))
      chosen.push_back(&one);
  }
  if (!chosen.empty()) return chosen;
  throw UsageError(fmt::format("no case of '{}' has at most --most-cpus {} and --most-mms {} (0: any)",
                               arguments.cases, arguments.cpus, arguments.mms));
}

// "dangling,used" to one bit each.
unsigned parse_verdicts(const std::string& text) {
  using enum kernel::Violation;
  std::vector<std::pair<std::string, kernel::Violation>> known;
  for (const kernel::Violation violation :
       {dangling, compared, used, order, tlb, assertion, leak, double_free}) {
    std::string name(kernel::to_string(violation));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    known.emplace_back(std::move(name), violation);
  }
  std::vector<std::string_view> allowed;
  for (const auto& [name, violation] : known) allowed.push_back(name);
  unsigned verdicts = 0;
  for (const std::string& wanted : parse_names("--verdicts", text, allowed))
    for (const auto& [name, violation] : known)
      if (name == wanted) verdicts |= 1u << static_cast<unsigned>(violation);
  return verdicts;
}

// Nothing: each lifecycle's own.
std::optional<machine::explorer::Memory> parse_memory(const std::string& text) {
  std::vector<std::string_view> allowed = {"natural"};
  for (const auto memory : machine::explorer::kMemories) allowed.push_back(to_string(memory));
  check_name("--memory", text, allowed);
  for (const auto memory : machine::explorer::kMemories)
    if (to_string(memory) == text) return memory;
  return std::nullopt;
}

// The steps of an interleaving, numbered as they are printed.
nlohmann::json to_json(const check::Trace& trace) {
  nlohmann::json steps = nlohmann::json::array();
  for (const check::Line& line : trace.lines)
    steps.push_back({{"step", steps.size() + 1},
                     {"cpu", line.cpu},
                     {"kind", check::to_string(line.kind)},
                     {"shared", line.shared},
                     {"text", line.text}});
  return steps;
}

check::Trace trace_of(const Cell& cell, const check::Options& options) {
  return check::trace(cell.scheme, cell.lifecycle, *cell.the_case, cell.outcome.schedule, options.verdicts,
                      options.orders);
}

nlohmann::json to_json(const Cell& cell, const check::Options& options) {
  nlohmann::json json = {{"scheme", cell.scheme},
                         {"lifecycle", cell.lifecycle},
                         {"case", cell.the_case->name},
                         {"memory", to_string(cell.outcome.memory)},
                         {"verdict", check::to_string(cell.outcome.verdict)},
                         {"violation", cell.outcome.violation},
                         {"where", cell.outcome.where},
                         {"executions", cell.outcome.executions},
                         {"steps", cell.outcome.steps},
                         {"states", cell.outcome.states},
                         {"seconds", cell.outcome.seconds},
                         {"schedule", cell.outcome.schedule}};
  if (cell.outcome.verdict == check::Verdict::violated)
    json["interleaving"] = to_json(trace_of(cell, options));
  return json;
}

// The worst of a scheme's cases under a lifecycle.
std::string summary(const std::vector<Cell>& cells, std::string_view scheme, std::string_view lifecycle) {
  check::Verdict worst = check::Verdict::safe;
  std::string violations;
  for (const Cell& cell : cells) {
    if (cell.scheme != scheme || cell.lifecycle != lifecycle) continue;
    worst = std::max(worst, cell.outcome.verdict);
    for (const std::string& one : split_list(cell.outcome.violation)) {
      const std::string name = one.substr(std::min(one.find_first_not_of(' '), one.size()));
      if (!name.empty() && violations.find(name) == std::string::npos)
        violations += (violations.empty() ? "" : "+") + name;
    }
  }
  return violations.empty() ? std::string(check::to_string(worst)) : violations;
}

void print_table(const std::vector<Cell>& cells, const std::vector<std::string>& schemes,
                 const std::vector<std::string>& lifecycles,
                 std::optional<machine::explorer::Memory> memory) {
  std::map<std::string, std::size_t> widths;
  std::size_t first = 0;
  for (const std::string& scheme : schemes) {
    first = std::max(first, scheme.size());
    for (const std::string& lifecycle : lifecycles)
      widths[lifecycle] =
          std::max({widths[lifecycle], lifecycle.size(), summary(cells, scheme, lifecycle).size()});
  }
  const auto print_row = [&](std::string line, auto cell) {
    line = fmt::format("{:<{}}", line, first);
    for (const std::string& lifecycle : lifecycles)
      line += fmt::format("  {:<{}}", cell(lifecycle), widths[lifecycle]);
    fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  };
  print_row("", [](const std::string& lifecycle) { return lifecycle; });
  print_row("", [&](const std::string& lifecycle) {
    return to_string(memory.value_or(check::natural_memory(lifecycle)));
  });
  for (const std::string& scheme : schemes)
    print_row(scheme, [&](const std::string& lifecycle) { return summary(cells, scheme, lifecycle); });
}

// What the catalogue predicts of a scheme under a lifecycle, so that prediction and finding stand together. The cases are
// explored with irqs_off_activate_mm.
std::string prediction(std::string_view scheme, std::string_view lifecycle) {
  const scheme::Safety* safety = scheme::find_scheme(scheme)->under(lifecycle);
  if (safety == nullptr) return {};
  const std::string with =
      safety->only_with.empty() ? "" : fmt::format(" with {}, as explored here", safety->only_with);
  return fmt::format("{}{}: {}", safety->safe ? "safe" : "unsafe", with, safety->because);
}

void print_steps(const Cell& cell, const check::Options& options) {
  for (const std::string& line : check::explain(cell.scheme, cell.lifecycle, *cell.the_case,
                                                cell.outcome.schedule, options.verdicts, options.orders))
    fmt::print("{}\n", line);
}

void print_cases(const std::vector<Cell>& cells, const check::Options& options) {
  fmt::print("{} under {}, memory {}:\n", cells[0].scheme, cells[0].lifecycle,
             to_string(cells[0].outcome.memory));
  std::size_t width = 0;
  for (const Cell& cell : cells) width = std::max(width, cell.the_case->name.size());
  for (const Cell& cell : cells) {
    const check::Outcome& outcome = cell.outcome;
    const std::string states = outcome.states == 0 ? "" : fmt::format("  {} states", outcome.states);
    const std::string violation = outcome.violation.empty() ? "" : "  " + outcome.violation;
    fmt::print("{:<{}}  {:<8}  {:>8} executions  {:>10} steps  {:7.2f} s{}{}\n", cell.the_case->name, width,
               check::to_string(outcome.verdict), outcome.executions, outcome.steps, outcome.seconds, states,
               violation);
  }
  std::vector<const Cell*> violated;
  for (const Cell& cell : cells)
    if (cell.outcome.verdict == check::Verdict::violated) violated.push_back(&cell);
  // What matters most first.
  std::ranges::stable_sort(violated, {},
                           [](const Cell* cell) { return check::severity_of(cell->outcome.violation); });
  for (const Cell* cell : violated) {
    fmt::print("\n{}: {}\n", cell->the_case->name, cell->the_case->what);
    print_steps(*cell, options);
    fmt::print("--replay {}\n", cell->outcome.schedule);
  }
  const std::string predicted = prediction(cells[0].scheme, cells[0].lifecycle);
  if (!predicted.empty()) fmt::print("\npredicted (mmscale schemes): {}\n", predicted);
}

void write_svg(const std::string& path, const Cell& cell, const check::Options& options) {
  measure::write_file(
      path, check::to_svg(trace_of(cell, options),
                          fmt::format("{} under {}, {}", cell.scheme, cell.lifecycle, cell.the_case->name)));
}

// Shows the schedule of one case: in words, as JSON, as a picture.
void replay(const Arguments& arguments, const Cell& cell, const check::Options& options) {
  if (!arguments.svg.empty()) write_svg(arguments.svg, cell, options);
  if (!arguments.json) return print_steps(cell, options);
  const check::Trace trace = trace_of(cell, options);
  const nlohmann::json json = {{"scheme", cell.scheme},         {"lifecycle", cell.lifecycle},
                               {"case", cell.the_case->name},   {"violation", trace.violation},
                               {"where", trace.where},          {"schedule", cell.outcome.schedule},
                               {"interleaving", to_json(trace)}};
  fmt::print("{}\n", json.dump(2));
}

// Those of `cases` that say something of the scheme, and of the lifecycle, unless they were asked for by name.
std::vector<const check::Case*> concerning(std::string_view scheme, std::string_view lifecycle,
                                           const std::vector<const check::Case*>& cases, bool by_name) {
  std::vector<const check::Case*> chosen;
  std::ranges::copy_if(cases, std::back_inserter(chosen), [&](const check::Case* one) {
    return one->concerns(scheme) && (by_name || one->concerns_lifecycle(lifecycle));
  });
  return chosen;
}

// Every order in the source weakened by itself, under one scheme and lifecycle.
struct Weakened {
  std::string scheme;
  std::string lifecycle;
  std::vector<check::Place> places;
};

std::string needed_for(const check::Place& place) {
  const check::Trial& last = place.trials.back();
  if (place.trials.size() == 1 && last.verdict != check::Verdict::violated)
    return fmt::format("nothing we know{}", last.verdict == check::Verdict::bounded ? " (bounded)" : "");
  std::string text;
  for (const check::Trial& trial : place.trials)
    if (trial.verdict == check::Verdict::violated)
      text += fmt::format("{}{}: {} in {}", text.empty() ? "" : "; ", trial.order, trial.violation,
                          trial.case_name);
    else
      text += fmt::format("; {} is enough{}", trial.order,
                          trial.verdict == check::Verdict::bounded ? " (bounded)" : "");
  return text;
}

nlohmann::json to_json(const Weakened& one) {
  nlohmann::json places = nlohmann::json::array();
  for (const check::Place& place : one.places) {
    nlohmann::json trials = nlohmann::json::array();
    for (const check::Trial& trial : place.trials)
      trials.push_back({{"order", trial.order},
                        {"verdict", check::to_string(trial.verdict)},
                        {"case", trial.case_name},
                        {"violation", trial.violation},
                        {"where", trial.where},
                        {"schedule", trial.schedule}});
    places.push_back({{"file", place.file},
                      {"line", place.line},
                      {"column", place.column},
                      {"function", place.function},
                      {"kind", place.kind},
                      {"order", place.order},
                      {"cases", place.cases},
                      {"trials", trials}});
  }
  return {{"scheme", one.scheme}, {"lifecycle", one.lifecycle}, {"places", places}};
}

void print_weakened(const Weakened& one) {
  fmt::print("{} under {}: every place that asks for an order, and what breaks when it asks for less\n",
             one.scheme, one.lifecycle);
  for (const check::Place& place : one.places) {
    fmt::print("{}:{} {}: {} {}: {}\n", place.file, place.line, place.function, place.order, place.kind,
               needed_for(place));
    for (const check::Trial& trial : place.trials)
      if (trial.verdict == check::Verdict::violated)
        fmt::print("  --case {} --weaken {}:{}:{}={} --replay {}\n", trial.case_name, place.file, place.line,
                   place.column, trial.order == "acquire and release" ? "acq_rel" : trial.order,
                   trial.schedule);
  }
}

void weaken_every_place(const Arguments& arguments, const std::vector<std::string>& schemes,
                        const std::vector<std::string>& lifecycles,
                        const std::vector<const check::Case*>& cases, const check::Options& options) {
  std::vector<Weakened> all;
  for (const std::string& scheme : schemes)
    for (const std::string& lifecycle : lifecycles) all.push_back({scheme, lifecycle, {}});
  measure::spread(all.size(), std::thread::hardware_concurrency(), [&](std::size_t i) {
    Weakened& one = all[i];
    one.places =
        check::weaken(one.scheme, one.lifecycle,
                      concerning(one.scheme, one.lifecycle, cases, arguments.cases != "all"), options);
  });
  if (arguments.json) {
    nlohmann::json json = nlohmann::json::array();
    for (const Weakened& one : all) json.push_back(to_json(one));
    fmt::print("{}\n", json.dump(2));
    return;
  }
  for (const Weakened& one : all) print_weakened(one);
}

void run(const Arguments& arguments) {
  limit_cpu_time(kToRun);
  const auto schemes = parse_names("--scheme", arguments.schemes, names_of(scheme::schemes()));
  const auto known_lifecycles = scheme::lifecycle_names();
  const auto lifecycles = parse_names("--lifecycle", arguments.lifecycles, known_lifecycles);
  const auto wanted_cases = chosen_cases(arguments);
  check::Options options;
  options.verdicts = parse_verdicts(arguments.verdicts);
  options.memory = parse_memory(arguments.memory);
  options.steps = arguments.steps;
  if (arguments.bound) options.preemptions = static_cast<int>(*arguments.bound);
  const bool one = schemes.size() == 1 && lifecycles.size() == 1;
  std::optional<machine::explorer::Weakening> weakening;
  if (!arguments.weaken.empty() && arguments.weaken != kEveryPlace) {
    try {
      weakening = check::parse_weakening(arguments.weaken);
    } catch (const std::invalid_argument& error) {
      throw UsageError(fmt::format("--weaken {}", error.what()));
    }
    options.orders.weakening = &*weakening;
  }
  if (arguments.weaken == kEveryPlace && (!arguments.replay.empty() || !arguments.svg.empty()))
    throw UsageError("--weaken without a place shows a table: it goes with neither --replay nor --svg");

  const bool single = one && wanted_cases.size() == 1;
  if (!arguments.replay.empty() && !single)
    throw UsageError("--replay needs one --scheme, one --lifecycle and one --case");
  if (!arguments.svg.empty() && !single)
    throw UsageError("--svg needs one --scheme, one --lifecycle and one --case");
  if (!arguments.replay.empty()) {
    Cell cell{schemes[0], lifecycles[0], wanted_cases[0], {}};
    cell.outcome.schedule = arguments.replay;
    return replay(arguments, cell, options);
  }
  if (arguments.weaken == kEveryPlace) {
    options.shorten = false;
    return weaken_every_place(arguments, schemes, lifecycles, wanted_cases, options);
  }

  std::vector<Cell> cells;
  for (const std::string& scheme : schemes)
    for (const std::string& lifecycle : lifecycles)
      for (const check::Case* the_case :
           concerning(scheme, lifecycle, wanted_cases, arguments.cases != "all"))
        cells.push_back({scheme, lifecycle, the_case, {}});
  if (cells.empty())
    throw UsageError(
        fmt::format("--case {}: asks nothing of --scheme {}", arguments.cases, arguments.schemes));
  std::atomic<bool> applied = !weakening.has_value();
  measure::spread(cells.size(), std::thread::hardware_concurrency(), [&](std::size_t i) {
    Cell& cell = cells[i];
    check::Options here = options;
    bool passed = false;
    here.orders.applied = &passed;
    cell.outcome = check::check(cell.scheme, cell.lifecycle, *cell.the_case, here);
    if (passed) applied = true;
  });
  if (!applied)
    throw UsageError(fmt::format("--weaken '{}': nothing at {}:{} asks for an order in what was explored",
                                 arguments.weaken, weakening->file, weakening->line));
  if (!arguments.svg.empty()) {
    if (cells[0].outcome.verdict != check::Verdict::violated)
      throw std::runtime_error(
          fmt::format("--svg '{}': nothing to draw, {} under {} shows no violation in {}", arguments.svg,
                      schemes[0], lifecycles[0], cells[0].the_case->name));
    write_svg(arguments.svg, cells[0], options);
  }
  if (arguments.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const Cell& cell : cells) all.push_back(to_json(cell, options));
    fmt::print("{}\n", all.dump(2));
    return;
  }
  if (one) return print_cases(cells, options);
  print_table(cells, schemes, lifecycles, options.memory);
  std::uint64_t executions = 0;
  std::uint64_t steps = 0;
  double seconds = 0;
  for (const Cell& cell : cells) {
    executions += cell.outcome.executions;
    steps += cell.outcome.steps;
    seconds += cell.outcome.seconds;
  }
  fmt::print(
      "\n{} executions, {} steps, {:.1f} s of CPU time, {:.1f} M steps/s. safe: every interleaving of every "
      "case; bounded: none found, but not exhausted.\nOne --scheme and one --lifecycle show the cases and "
      "the interleavings.\n",
      executions, steps, seconds, static_cast<double>(steps) / 1e6 / std::max(seconds, 1e-9));
}

}  // namespace

void add_check_command(Start& start) {
  Command command(
      start, "check",
      "Explore every interleaving of small cases: is a scheme safe under an architecture's rules?");
  auto arguments = std::make_shared<Arguments>();
  command.take("--scheme", arguments->schemes);
  command.take("--lifecycle", arguments->lifecycles);
  command.take("--case", arguments->cases);
  command.take("--verdicts", arguments->verdicts);
  command.take("--memory", arguments->memory);
  command.take("--steps", arguments->steps);
  command.take("--bound", arguments->bound);
  command.take("--most-cpus", arguments->cpus);
  command.take("--most-mms", arguments->mms);
  command.take("--weaken", arguments->weaken, kEveryPlace);
  command.take("--replay", arguments->replay);
  command.take("--svg", arguments->svg);
  command.take("--json", arguments->json);
  command.run([arguments] {
    run(*arguments);
    return 0;
  });
}

}  // namespace mmscale::cli
