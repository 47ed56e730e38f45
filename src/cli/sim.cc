// SPDX-License-Identifier: MIT
#include "cli/sim.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/families.h"
#include "campaign/console.h"
#include "campaign/cpu_counts.h"
#include "campaign/google.h"
#include "campaign/record_file.h"
#include "cli/durations.h"
#include "cli/names.h"
#include "cli/rest_of_switch.h"
#include "cli/rules.h"
#include "kernel/lifecycle/catalogue.h"
#include "machine/simulator/model_file.h"
#include "measure/environment.h"
#include "measure/simulated_window.h"
#include "workload/patterns.h"
#include "workload/simulated_loops.h"
#include "workload/simulator_loads.h"

namespace mmscale::cli {
namespace {

using machine::simulator::kPsPerNs;
using machine::simulator::Model;
using machine::simulator::Picoseconds;

// The command line as typed.
struct Options {
  std::string machine;
  std::string families = "switch";
  std::string schemes;
  std::string workloads = "idle,kthread,user,exit";
  std::string sharings = "all";
  std::string placements = "compact";
  std::string cpus;
  std::string lifecycle;
  std::string loops = "private,incdec";
  std::string window = "100us";
  std::string warm;
  std::string out;
  std::optional<unsigned> home;
  RuleOptions rules;
  std::uint32_t think = 0;
  std::string rest_of_switch;
  bool random_think = false;
  std::uint32_t lifetime = 100;
  std::uint64_t seed = 1;
  double scale = 1;
  double between = 0;
  double inside = 0;
  double delay = 0;
  unsigned lines = 4;
  bool unsafe = false;
  bool dry_run = false;
};

// Lines that a record reports on by themselves.
constexpr std::size_t kLinesReported = 4;

constexpr double kMostNs = 1e6;
constexpr unsigned kMostLines = 10'000;

Picoseconds picoseconds(const char* option, double ns) {
  if (!(ns >= 0 && ns <= kMostNs)) throw UsageError(fmt::format("{} {}: 0 to {} ns", option, ns, kMostNs));
  return static_cast<Picoseconds>(ns * static_cast<double>(kPsPerNs) + 0.5);
}

// The rules of the kernel that runs on such machines, where none are asked for.
std::string lifecycle_of(const Options& options, const Model& model) {
  if (!options.lifecycle.empty()) return options.lifecycle;
  return model.kind == "x86" ? "x86-2024" : model.kind == "arm" ? "arm64" : "powerpc";
}

campaign::Choice make_choice(const Options& options, const Model& model) {
  campaign::Choice choice;
  constexpr std::string_view kFamilies[] = {"switch", "floor"};
  choice.families = parse_names("--family", options.families, kFamilies);
  choice.workloads = parse_names("--workload", options.workloads, names_of(workload::patterns()));
  choice.lifecycle = lifecycle_of(options, model);
  check_name("--lifecycle", choice.lifecycle, kernel::lifecycle::Catalogue::names());
  choice.rules = make_rules(options.rules, choice.lifecycle);
  choice.schemes =
      choose_schemes(options.schemes, options.unsafe, choice.lifecycle, choice.rules, choice.workloads);
  for (const std::string& text : split_list(options.sharings))
    choice.sharings.push_back(topology::parse_sharing(text));
  if (options.placements.find_first_not_of("0123456789,-") == std::string::npos)
    choice.placements.push_back(topology::parse_placement(options.placements));
  else
    for (const std::string& text : split_list(options.placements))
      choice.placements.push_back(topology::parse_placement(text));
  std::size_t usable = model.places.size();
  for (const topology::Placement& placement : choice.placements)
    usable = std::min(usable, topology::order(model.layout, placement).size());
  const auto all = static_cast<unsigned>(usable);
  choice.cpu_counts = options.cpus.empty() ? campaign::octave_counts(all, 1)
                                           : campaign::parse_cpu_counts(
                                                 options.cpus, all, fmt::format("machine {}", model.name));
  choice.transport = "simulated";
  choice.transport_reason = "the model's IPIs";
  choice.home_node = options.home;
  choice.think = options.think;
  choice.lifetime = options.lifetime;
  choice.migrate_every = options.rules.migrate_every;
  choice.page_tables = !options.rules.no_page_tables;
  choice.deep_idle = options.rules.deep_idle;
  if (options.lifetime < 2 || options.lifetime % 2 != 0)
    throw UsageError(
        fmt::format("--lifetime {}: must be an even number of switches, at least 2", options.lifetime));
  return choice;
}

// One thing to simulate, and how its load is made.
struct SimulatedCase {
  std::string name;
  measure::Subject subject;
  std::function<std::unique_ptr<workload::SimulatorLoad>(const Model&)> make_load;
};

std::unique_ptr<workload::SimulatorLoad> make_kernel(const Model& model, const measure::Subject& subject,
                                                     const kernel::Rules& rules) {
  const auto groups = topology::groups(model.layout, subject.pus, topology::parse_sharing(subject.sharing));
  workload::PatternParameters parameters{.groups = groups,
                                         .think = subject.think_cycles,
                                         .lifetime = subject.lifetime,
                                         .deep_idle = subject.deep_idle,
                                         .page_tables = subject.page_tables};
  if (subject.lifetime == 0) parameters.lifetime = workload::PatternParameters().lifetime;
  if (subject.migrate_every != 0) parameters.migrate_every = subject.migrate_every;
  return workload::make_simulator_load({.scheme = subject.scheme,
                                        .lifecycle = subject.lifecycle,
                                        .rules = rules,
                                        .model = &model,
                                        .pus = subject.pus,
                                        .home_node = subject.home_node},
                                       workload::find_pattern(subject.workload)->build(parameters));
}

// The rest of a switch in a case. One number is that of a CPU whose core is its own: hardware threads that switch
// on one core share it, evenly. A table was measured with whoever was there.
double rest_of(const RestOfSwitch& rest, const Model& model, const measure::Subject& subject) {
  const auto cpus = static_cast<unsigned>(subject.pus.size());
  if (!rest.is_upper_bound()) return rest.ns(cpus);
  std::set<unsigned> cores;
  for (const unsigned pu : subject.pus) cores.insert(topology::find(model.layout, pu)->core);
  return rest.ns(cpus) * cpus / static_cast<double>(cores.size());
}

std::vector<SimulatedCase> make_cases(const Options& options, const campaign::Choice& choice,
                                      const Model& model) {
  std::vector<SimulatedCase> cases;
  std::optional<RestOfSwitch> rest;
  if (!options.rest_of_switch.empty()) rest = RestOfSwitch::parse(options.rest_of_switch);
  for (const std::string& family : choice.families) {
    if (family == "switch") {
      for (const campaign::Case& c : bench::switch_cases(model.layout, choice)) {
        measure::Subject subject = c.subject;
        if (rest)
          subject.think_cycles = static_cast<std::uint32_t>(std::llround(
              rest_of(*rest, model, subject) * kPsPerNs / static_cast<double>(model.costs.tick)));
        cases.push_back({c.name, subject, [subject, rules = choice.rules](const Model& m) {
                           return make_kernel(m, subject, rules);
                         }});
      }
      continue;
    }
    const Picoseconds between = picoseconds("--between", options.between);
    const Picoseconds inside = picoseconds("--inside", options.inside);
    const Picoseconds delay = picoseconds("--delay", options.delay);
    if (options.lines == 0 || options.lines > kMostLines)
      throw UsageError(fmt::format("--lines {}: from 1 to {}", options.lines, kMostLines));
    for (const std::string& loop :
         parse_names("--loop", options.loops, names_of(workload::simulated_loops())))
      for (const topology::Placement& placement : choice.placements)
        for (const unsigned cpus : choice.cpu_counts) {
          measure::Subject subject;
          subject.family = "floor";
          subject.scheme = loop;
          subject.placement = topology::to_string(placement);
          subject.pus = topology::place(model.layout, placement, cpus);
          subject.home_node = bench::home_of(model.layout, choice, subject.pus);
          cases.push_back({fmt::format("floor/{}/{}/cpus:{}", loop, subject.placement, cpus), subject,
                           [subject, between, inside, delay, lines = options.lines](const Model& m) {
                             return workload::make_simulated_loop({.name = subject.scheme,
                                                                   .model = &m,
                                                                   .pus = subject.pus,
                                                                   .home_node = subject.home_node,
                                                                   .between = between,
                                                                   .inside = inside,
                                                                   .delay = delay,
                                                                   .lines = lines});
                           }});
        }
  }
  return cases;
}

// The machine as readers of records know it: with other latencies or draws it is another one.
std::string machine_label(const Model& model, const Options& options) {
  std::string label = model.name;
  if (options.scale != 1) label += fmt::format(" x{}", options.scale);
  if (options.seed != 1) label += fmt::format(" seed {}", options.seed);
  return label;
}

// What stands in a record file for the machine: the model, nothing of the host, so that the same command
// gives the same file on any.
nlohmann::ordered_json make_context(const Model& model, const Options& options,
                                    const std::string& command_line) {
  measure::Environment environment;
  const std::string none = "simulated";
  environment.kernel_release = environment.kernel_version = environment.kernel_config_source = none;
  environment.cpu_model = model.description;
  environment.microcode = environment.mmu = environment.clocksource = none;
  environment.thp = environment.aslr = "unknown";
  environment.numa_balancing = "off";
  environment.cpus_online = environment.isolated_cpus = environment.nohz_full_cpus = environment.cpus_used =
      none;
  environment.hypervisor = "none";
  environment.smt = topology::count(model.layout).cores < model.places.size();
  environment.numa_nodes = static_cast<unsigned>(model.layout.numa_nodes.size());
  environment.build = measure::this_build();
  environment.command_line = command_line;
  char date[32];
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  std::strftime(date, sizeof date, "%FT%T+00:00", gmtime_r(&now, &utc));
  nlohmann::ordered_json context = {{"date", date},
                                    {"host_name", machine_label(model, options)},
                                    {"executable", "mmscale"},
                                    {"num_cpus", model.places.size()},
                                    {"caches", nlohmann::ordered_json::array()},
                                    {"load_avg", nlohmann::ordered_json::array()}};
  for (const auto& [key, value] : measure::to_context(environment)) context[key] = value;
  context["mmscale_world"] = "simulator";
  context["simulator_machine"] = model.name;
  context["simulator_seed"] = fmt::format("{}", options.seed);
  context["simulator_scale"] = fmt::format("{}", options.scale);
  return context;
}

nlohmann::ordered_json by_distance(const std::uint64_t (&counts)[machine::simulator::kReaches]) {
  nlohmann::ordered_json json;
  for (std::size_t r = 0; r < machine::simulator::kReaches; ++r)
    json[std::string(machine::simulator::kReachNames[r])] = counts[r];
  return json;
}

// What silicon cannot tell, of the whole run: warming up and ending included.
nlohmann::ordered_json to_json(const workload::SimulatorLoad& load) {
  const machine::simulator::Statistics& all = load.statistics();
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  for (const workload::LineReport& line : load.busiest_lines(kLinesReported)) {
    nlohmann::ordered_json kept = nlohmann::ordered_json::array();
    for (const Picoseconds time : line.kept) kept.push_back(time / kPsPerNs);
    const machine::simulator::LineStatistics& s = line.statistics;
    lines.push_back({{"what", line.what},
                     {"moved", by_distance(s.moved)},
                     {"copied", by_distance(s.copied)},
                     {"requests", s.requests},
                     {"waited_ns", s.waited / kPsPerNs},
                     {"queue_mean", static_cast<double>(s.queued) / static_cast<double>(s.requests)},
                     {"queue_longest", s.longest},
                     {"kept_ns_by_package", kept}});
  }
  return {{"accesses", all.accesses},
          {"events", all.events},
          {"requests", all.requests},
          {"waited_ns", all.waited / kPsPerNs},
          {"failed_conditionals", all.failed_conditionals},
          {"interrupts", all.interrupts},
          {"lines", lines}};
}

measure::Record simulate(const SimulatedCase& c, const Model& model, const measure::WindowTimes& times,
                         std::optional<campaign::RecordFile>& file) {
  measure::Record record{c.name, c.subject, 0, 1, times, {}};
  const auto load = c.make_load(model);
  record.window = measure::simulate_window(*load, model.layout, record.subject.pus, times);
  record.findings.details = std::make_shared<nlohmann::ordered_json>(
      nlohmann::ordered_json{{"world", "simulator"}, {"machine", model.name}, {"simulator", to_json(*load)}});
  if (file) file->append(campaign::to_json(record));
  if (!record.window.audit.empty())
    throw std::runtime_error(
        fmt::format("{}: conservation broken: {}", c.name, fmt::join(record.window.audit, "; ")));
  return record;
}

// What each scheme's switches are to refcount's with the rest of a switch between them.
std::string gains(const std::vector<std::vector<measure::Record>>& results, const RestOfSwitch& rest,
                  const Model& model) {
  std::string text;
  for (const auto& result : results) {
    const measure::Record& record = result.front();
    if (record.subject.family != "switch" || record.subject.scheme == "refcount") continue;
    const auto is_base = [&](const std::vector<measure::Record>& other) {
      const measure::Subject& s = other.front().subject;
      return s.scheme == "refcount" && s.workload == record.subject.workload &&
             s.sharing == record.subject.sharing && s.placement == record.subject.placement &&
             s.pus == record.subject.pus;
    };
    const auto base = std::ranges::find_if(results, is_base);
    if (base == results.end()) continue;
    text += fmt::format("{}: {}{:.3g} x refcount, {:.0f} ns of a switch being the rest\n", record.name,
                        rest.is_upper_bound() ? "at most " : "",
                        campaign::rate_of(record) / campaign::rate_of(base->front()),
                        rest_of(rest, model, record.subject));
  }
  if (!text.empty() && rest.is_upper_bound())
    text +=
        "Upper bounds: one rest of a switch for all numbers of CPUs. A kernel's grows with them, since its "
        "other "
        "shared lines contend, too,\nand the longer it is the less a scheme gains. A table (--rest-of-switch "
        "FILE) has it by CPUs.\n";
  return text;
}

void check_home(const Model& model, const Options& options) {
  if (!options.home) return;
  std::vector<unsigned> nodes;
  for (const topology::NumaNode& node : model.layout.numa_nodes) nodes.push_back(node.os_index);
  if (nodes.empty()) nodes.push_back(0);
  if (std::find(nodes.begin(), nodes.end(), *options.home) == nodes.end())
    throw UsageError(fmt::format("--home {}: {} has no such NUMA node; there are {}", *options.home,
                                 model.name, fmt::join(nodes, ", ")));
}

int run(const Options& options, const std::string& command_line) {
  if (!(options.scale > 0 && options.scale <= 1000))
    throw UsageError(fmt::format("--scale {}: more than 0, 1000 at most", options.scale));
  Model model = machine::simulator::load_model(options.machine, options.scale);
  model.seed = options.seed;
  model.random_think = options.random_think;
  if (!options.rest_of_switch.empty()) {
    if (options.think != 0)
      throw UsageError("--think and --rest-of-switch: both say what comes between two switches");
    // Its ns are the ticks.
    model.costs.tick = kPsPerNs;
  }
  check_home(model, options);
  const campaign::Choice choice = make_choice(options, model);
  measure::WindowTimes times;
  times.measure = parse_duration("--window", options.window);
  times.warm = options.warm.empty() ? times.measure / 4 : parse_duration("--warm", options.warm);
  const std::vector<SimulatedCase> cases = make_cases(options, choice, model);
  if (options.dry_run) {
    for (const SimulatedCase& c : cases) fmt::print("{}\n", c.name);
    return 0;
  }

  std::optional<campaign::RecordFile> file;
  if (!options.out.empty()) file.emplace(options.out, make_context(model, options, command_line));
  std::vector<std::vector<measure::Record>> results;
  for (const SimulatedCase& c : cases) results.push_back({simulate(c, model, times, file)});
  if (file) file->close();
  // Standard output belongs to the records if they go there.
  std::FILE* const screen = options.out == "-" ? stderr : stdout;
  fmt::print(screen, "SIMULATED, not measured: {} ({})\n{}", model.name, model.description,
             campaign::results_table(results));
  if (!options.rest_of_switch.empty())
    fmt::print(screen, "{}", gains(results, RestOfSwitch::parse(options.rest_of_switch), model));
  return 0;
}

}  // namespace

void add_sim_command(CLI::App& app, const std::string& command_line, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* sim = app.add_subcommand("sim", "Simulate another machine: the same records, in virtual time");
  sim->add_option("--machine", options->machine,
                  fmt::format("A machine model: {}, or a file (*.json)",
                              fmt::join(machine::simulator::model_names(), ", ")))
      ->required();
  sim->add_option("--family", options->families, "What to simulate: switch, floor, or all")
      ->capture_default_str();
  sim->add_option("--scheme", options->schemes, "Schemes, comma-separated; default all that are safe");
  sim->add_option("--workload", options->workloads, "Workloads, or all")->capture_default_str();
  sim->add_option("--sharing", options->sharings, "Who shares an mm, as for bench")->capture_default_str();
  sim->add_option("--placement", options->placements, "Which CPUs come first, as for bench")
      ->capture_default_str();
  sim->add_option(
      "--cpus", options->cpus,
      "CPU counts: 1,2,4, ranges, all, octave (8 per doubling); default: one per doubling, and all");
  sim->add_option("--home", options->home, "NUMA node of the contended mm; default: that of the first CPU");
  sim->add_option("--lifecycle", options->lifecycle,
                  "Whose rules for mm_cpumask; default: of the machine's kind, x86-2024, arm64 or powerpc");
  add_rule_options(*sim, options->rules);
  sim->add_option("--think", options->think, "Ticks of the model's counter between switches")
      ->capture_default_str();
  sim->add_option("--rest-of-switch", options->rest_of_switch,
                  "What a switch takes beside the scheme's part: ns, or a file with lines 'CPUs ns'");
  sim->add_flag("--random-think", options->random_think,
                "Draw what is between switches, with --think or --rest-of-switch as the mean");
  sim->add_option("--lifetime", options->lifetime, "Switches per CPU in a life, as for bench")
      ->capture_default_str();
  sim->add_option("--loop", options->loops,
                  fmt::format("floor: {}, or all", fmt::join(names_of(workload::simulated_loops()), ", ")))
      ->capture_default_str();
  sim->add_option("--between", options->between, "floor: ns that the loop itself takes after each round")
      ->capture_default_str();
  sim->add_option("--inside", options->inside,
                  "floor: ns in a lock's critical section, or while a count is held")
      ->capture_default_str();
  sim->add_option("--delay", options->delay,
                  "floor: ns after each round that other hardware threads of the core do not stretch")
      ->capture_default_str();
  sim->add_option("--lines", options->lines, "floor: lines of a walk")->capture_default_str();
  sim->add_option("--window", options->window, "Length of a measurement, in virtual time")
      ->capture_default_str();
  sim->add_option("--warm", options->warm, "Virtual time before it; default: a quarter of the window");
  sim->add_option("--seed", options->seed, "Of what the model draws at random")->capture_default_str();
  sim->add_option("--scale", options->scale,
                  "Multiplies every latency of the model, to see how much depends on them")
      ->capture_default_str();
  sim->add_option("--out", options->out,
                  "File for the records (JSON, Google Benchmark's format); - is standard output");
  sim->add_flag("--unsafe", options->unsafe, "Run schemes that are unsafe under the lifecycle, too");
  sim->add_flag("--dry-run", options->dry_run, "Show what would be simulated");
  sim->callback([options, &command_line, &status] { status = run(*options, command_line); });
}

}  // namespace mmscale::cli
