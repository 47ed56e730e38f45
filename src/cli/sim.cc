// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bench/bounce.h"
#include "bench/families.h"
#include "campaign/console.h"
#include "campaign/cpu_counts.h"
#include "campaign/google.h"
#include "campaign/record_file.h"
#include "cli/case_options.h"
#include "cli/limits.h"
#include "cli/names.h"
#include "cli/own_lifecycle.h"
#include "cli/places.h"
#include "cli/rest_of_switch.h"
#include "machine/simulator/model_file.h"
#include "machine/simulator/model_store.h"
#include "measure/environment.h"
#include "measure/output_file.h"
#include "measure/simulated_window.h"
#include "workload/patterns.h"
#include "workload/simulated_bounce.h"
#include "workload/simulated_loops.h"
#include "workload/simulator_loads.h"

namespace mmscale::cli {
namespace {

using machine::simulator::kPsPerNs;
using machine::simulator::Model;
using machine::simulator::Picoseconds;

// The command line as typed.
struct SimOptions : CaseOptions {
  std::string machine;
  std::string loops = "private,incdec";
  std::string rest_of_switch;
  bool random_think = false;
  std::uint64_t seed = 1;
  double scale = 1;
  workload::LoopSpec loop;
};

// A switch that nothing delays takes some ten ns of virtual time.
constexpr std::chrono::nanoseconds kShortestWindow{100};

// Lines that a record reports on by themselves.
constexpr std::size_t kLinesReported = 4;

campaign::Choice make_choice(const SimOptions& options, const Model& model) {
  campaign::Choice choice = choose(options, {std::string(lifecycle_of_kind(model.kind)),
                                             fmt::format("that of machines of kind {}", model.kind)});
  if (auto& exit = choice.settings.processes.idle_exit; !exit)
    exit = std::chrono::nanoseconds(model.costs.idle_exit / kPsPerNs);
  std::size_t usable = model.places.size();
  for (const topology::Placement& placement : choice.placements)
    usable = std::min(usable, topology::order(model.layout, placement).size());
  const auto all = static_cast<unsigned>(usable);
  choice.cpu_counts = options.cpus.empty() ? campaign::octave_counts(all, 1)
                                           : campaign::parse_cpu_counts(
                                                 options.cpus, all, fmt::format("machine {}", model.name));
  choice.transport = "simulated";
  choice.transport_reason = "the model's IPIs";
  return choice;
}

// One thing to simulate, and how its load is made.
struct SimulatedCase {
  std::string name;
  measure::Subject subject;
  std::function<std::unique_ptr<workload::SimulatorLoad>(const Model&, const measure::Subject&)> make_load;
  // What its record says besides.
  nlohmann::ordered_json details = nlohmann::ordered_json::object();
  // Whether it asks who hands a line to whom.
  bool bounces = false;
};

std::unique_ptr<workload::SimulatorLoad> make_kernel(const Model& model, const measure::Subject& subject) {
  return workload::make_simulator_load(
      {.scheme = subject.scheme,
       .lifecycle = subject.lifecycle,
       .options = subject.settings.options,
       .rules = subject.settings.rules,
       .model = &model,
       .pus = subject.pus,
       .home_node = subject.home_node},
      bench::program_of(model.layout, subject, workload::find_pattern(subject.workload)->build));
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

// The same with it between its switches.
measure::Subject rested(measure::Subject subject, const std::optional<RestOfSwitch>& rest,
                        const Model& model) {
  if (rest)
    subject.settings.processes.think = static_cast<std::uint32_t>(
        std::llround(rest_of(*rest, model, subject) * kPsPerNs / static_cast<double>(model.costs.tick)));
  return subject;
}

// Of exchanges, and of every scheme and workload that were asked for.
void add_bounce_cases(std::vector<SimulatedCase>& cases, const campaign::Choice& choice, const Model& model,
                      const std::optional<RestOfSwitch>& rest, const nlohmann::ordered_json& drawn) {
  const auto add = [&](std::string name, const measure::Subject& subject, auto make_load,
                       nlohmann::ordered_json details = nlohmann::ordered_json::object()) {
    if (subject.pus.size() >= 2)
      cases.push_back({std::move(name), subject, make_load, std::move(details), true});
  };
  for (const campaign::Case& c : bench::bounce_cases(model.layout, choice))
    add(c.name, c.subject, [](const Model& m, const measure::Subject& s) {
      return workload::make_simulated_bounce(
          {.scheme = {}, .model = &m, .pus = s.pus, .home_node = s.home_node});
    });
  for (const campaign::Case& c : bench::switch_cases(model.layout, choice)) {
    measure::Subject subject = rested(c.subject, rest, model);
    subject.family = "bounce";
    add(
        fmt::format("bounce/{}/{}/{}/{}/cpus:{}", subject.scheme, subject.workload, subject.sharing,
                    subject.placement, subject.pus.size()),
        subject,
        [](const Model& m, const measure::Subject& s) {
          auto load = make_kernel(m, s);
          load->watch();
          return load;
        },
        drawn);
  }
}

std::vector<SimulatedCase> make_cases(const SimOptions& options, const campaign::Choice& choice,
                                      const Model& model, const std::optional<RestOfSwitch>& rest) {
  std::vector<SimulatedCase> cases;
  nlohmann::ordered_json drawn = nlohmann::ordered_json::object();
  drawn["rest_of_switch"] = rest ? options.rest_of_switch : "none";
  drawn["random_think"] = options.random_think;
  for (const std::string& family : choice.families) {
    if (family == "switch") {
      for (const campaign::Case& c : bench::switch_cases(model.layout, choice))
        cases.push_back({c.name, rested(c.subject, rest, model), make_kernel, drawn});
      continue;
    }
    if (family == "bounce") {
      add_bounce_cases(cases, choice, model, rest, drawn);
      continue;
    }
    for (const std::string& loop :
         parse_names("--loop", options.loops, names_of(workload::simulated_loops())))
      for (const topology::Placement& placement : choice.placements)
        for (const unsigned cpus : choice.cpu_counts) {
          const measure::Subject subject = bench::floor_subject(model.layout, choice, loop, placement, cpus);
          cases.push_back({fmt::format("floor/{}/{}/cpus:{}", loop, subject.placement, cpus),
                           subject,
                           [spec = options.loop](const Model& m, const measure::Subject& s) mutable {
                             spec.name = s.scheme;
                             spec.model = &m;
                             spec.pus = s.pus;
                             spec.home_node = s.home_node;
                             return workload::make_simulated_loop(spec);
                           },
                           {{"between_ns", options.loop.between_ns},
                            {"inside_ns", options.loop.inside_ns},
                            {"delay_ns", options.loop.delay_ns},
                            {"walked_lines", static_cast<double>(options.loop.lines)}}});
        }
  }
  return cases;
}

// The machine as readers of records know it: with other latencies or draws it is another one.
std::string machine_label(const Model& model, const SimOptions& options) {
  std::string label = model.name;
  if (options.scale != 1) label += fmt::format(" x{}", options.scale);
  if (options.seed != 1) label += fmt::format(" seed {}", options.seed);
  return label;
}

// What stands in a record file for the machine: the model, nothing of the host, so that the same command
// gives the same file on any.
nlohmann::ordered_json make_context(const Model& model, const SimOptions& options,
                                    const std::string& command_line) {
  measure::Environment environment = measure::read_environment("/no machine", {}, command_line);
  for (const char* key : {"kernel", "kernel_version", "kernel_config", "microcode", "mmu", "clocksource",
                          "cpus_online", "isolated_cpus", "nohz_full_cpus", "cpus_used"})
    environment.set(key, "simulated");
  for (const char* key : {"kernel_lazy_tlb", "boot_parameters", "frequency_detail"}) environment.set(key, "");
  environment.set("cpu_model", model.description);
  environment.set("smt", topology::count(model.layout).cores < model.places.size() ? "on" : "off");
  environment.set("hypervisor", "none");
  environment.set("numa_nodes", fmt::format("{}", model.layout.numa_nodes.size()));
  environment.set("numa_balancing", "off");
  nlohmann::ordered_json context = {{"date", fmt::format("{:%FT%T+00:00}", fmt::gmtime(std::time(nullptr)))},
                                    {"host_name", machine_label(model, options)},
                                    {"executable", "mmscale"},
                                    {"num_cpus", model.places.size()},
                                    {"caches", nlohmann::ordered_json::array()},
                                    {"load_avg", nlohmann::ordered_json::array()}};
  for (const auto& [key, value] : environment.facts()) context[key] = value;
  context["mmscale_world"] = "simulator";
  context["simulator_machine"] = model.name;
  context["simulator_seed"] = fmt::format("{}", options.seed);
  context["simulator_scale"] = fmt::format("{}", options.scale);
  return context;
}

nlohmann::ordered_json by_distance(std::span<const std::uint64_t> counts) {
  nlohmann::ordered_json json;
  for (std::size_t r = 0; r < machine::simulator::kReaches; ++r)
    json[std::string(machine::simulator::kReachNames[r])] = counts[r];
  return json;
}

// What silicon cannot tell, of the whole run, warming up and ending included; but where the time went is of the
// window, as its switches are.
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
  const machine::simulator::Spent spent = load.spent();
  const nlohmann::ordered_json time = {
      {"work", spent.work},     {"waiting", spent.waiting},       {"transfer", by_distance(spent.transfer)},
      {"fences", spent.fences}, {"interrupts", spent.interrupts}, {"spinning", spent.spinning},
      {"total", spent.total()}};
  return {{"accesses", all.accesses},
          {"events", all.events},
          {"requests", all.requests},
          {"waited_ns", all.waited / kPsPerNs},
          {"failed_conditionals", all.failed_conditionals},
          {"interrupts", all.interrupts},
          {"time_ps", time},
          {"lines", lines}};
}

// As shares of the CPUs' time in their windows.
void put_spent(measure::Findings& findings, const nlohmann::ordered_json& time) {
  const double total = time["total"];
  const auto put = [&](const std::string& name, double part) {
    if (total != 0) findings.put("spent_" + name, part / total);
  };
  for (const auto& [name, part] : time.items())
    if (part.is_object())
      for (const auto& [reach, of_it] : part.items()) put(fmt::format("{}_{}", name, reach), of_it);
    else if (name != "total")
      put(name, part);
}

measure::Record simulate(const SimulatedCase& c, const Model& model, const measure::WindowTimes& times,
                         std::optional<campaign::RecordFile>& file) {
  measure::Record record{c.name, c.subject, 0, 1, times, {}};
  const auto load = c.make_load(model, c.subject);
  record.window = measure::simulate_window(*load, model.layout, record.subject.pus, times);
  nlohmann::ordered_json details = c.details;
  if (c.bounces)
    record.findings =
        bench::simulated_bounce_findings(*load, model.layout, record.subject.pus, record.window);
  details["world"] = "simulator";
  details["machine"] = model.name;
  details["simulator"] = to_json(*load);
  put_spent(record.findings, details["simulator"]["time_ps"]);
  record.findings.add_details(details);
  if (file) file->append(campaign::to_json(record));
  if (!record.window.audit.empty())
    throw std::runtime_error(
        fmt::format("{}: conservation broken: {}", c.name, fmt::join(record.window.audit, "; ")));
  return record;
}

// Of each case its one record.
using Results = std::vector<std::vector<measure::Record>>;

// Which results are some scheme's switches and which refcount's in the same case, by their places.
std::vector<std::pair<std::size_t, std::size_t>> beside_refcount(const Results& results) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const measure::Subject& subject = results[i].front().subject;
    if (subject.family != "switch" || subject.scheme == "refcount") continue;
    const auto is_base = [&](const std::vector<measure::Record>& other) {
      const measure::Subject& s = other.front().subject;
      return s.scheme == "refcount" && s.workload == subject.workload && s.sharing == subject.sharing &&
             s.placement == subject.placement && s.pus == subject.pus;
    };
    const auto base = static_cast<std::size_t>(std::ranges::find_if(results, is_base) - results.begin());
    if (base != results.size()) pairs.emplace_back(i, base);
  }
  return pairs;
}

// What each of those is to its refcount with the rest of a switch between them; `longer`: the same cases with a rest that
// has grown, where the results are bounds.
std::string gains(const std::vector<std::pair<std::size_t, std::size_t>>& pairs, const Results& results,
                  const Results& longer, const RestOfSwitch& rest, const Model& model) {
  std::string text;
  for (const auto& [i, base] : pairs) {
    const auto gain = [i, base](const Results& of) { return of[i].front().rate() / of[base].front().rate(); };
    text += fmt::format("{}: ", results[i].front().name);
    double given = gain(results);
    if (!longer.empty()) {
      // Where CPUs fall into step the longer rest may leave a little more.
      const bool is_loss = given < 1;
      double grown = gain(longer);
      if (is_loss != (grown > given)) std::swap(grown, given);
      text += fmt::format("~{:.3g} to at {} ", grown, is_loss ? "least" : "most");
    }
    text += fmt::format("~{:.3g} x refcount, {:.0f} ns of a switch being the rest\n", given,
                        rest_of(rest, model, results[i].front().subject));
  }
  if (!longer.empty())
    text += fmt::format(
        "Bounds: one rest of a switch for all numbers of CPUs, of which a core's hardware threads have an "
        "even share each: what SMT\ngains is not in it. A kernel's grows with the CPUs, since its other "
        "shared lines contend, too, and the longer it is the less\na scheme gains or loses: the first figure "
        "is with {:.2g} times that rest, as it grew in print from one pair of CPUs to 104.\nA table "
        "(--rest-of-switch FILE) has it by CPUs.\n",
        RestOfSwitch::kGrowth);
  return text;
}

// What a model is of: a CPU of it is a hardware thread, as one of Linux is.
std::string shape_of(const Model& model) {
  const topology::Counts counts = topology::count(model.layout);
  return fmt::format("{}; {} CPUs: {} sockets of {} cores of {} hardware threads", model.description,
                     counts.pus, counts.packages, counts.cores / std::max(counts.packages, 1u),
                     counts.pus / std::max(counts.cores, 1u));
}

// --machine list: every model's name with what it is, those next to each other that are most alike: by kind, then
// sockets, then CPUs.
int list_machines() {
  std::vector<Model> models;
  for (const std::string& name : machine::simulator::model_names())
    models.push_back(machine::simulator::load_model(name, 1.0));
  std::ranges::stable_sort(models, {}, [](const Model& model) {
    const topology::Counts counts = topology::count(model.layout);
    return std::tuple(model.kind, counts.packages, counts.pus);
  });
  std::size_t width = 0;
  for (const Model& model : models) width = std::max(width, model.name.size());
  for (const Model& model : models)
    fmt::print("{:<{}}  {:<5}  {}\n", model.name, width, model.kind, shape_of(model));
  return 0;
}

int run(const SimOptions& options, const Command& command, const std::string& command_line) {
  limit_cpu_time(kToRun);
  if (options.machine == "list") return list_machines();
  Model model = load_machine(options.machine, options.scale);
  model.seed = options.seed;
  model.random_think = options.random_think;
  std::optional<RestOfSwitch> rest;
  if (!options.rest_of_switch.empty()) {
    rest = RestOfSwitch::parse(options.rest_of_switch);
    if (options.choice.settings.processes.think != 0)
      throw UsageError("--think and --rest-of-switch: both say what comes between two switches");
    // Its ns are the ticks.
    model.costs.tick = kPsPerNs;
  }
  if (options.random_think && !rest && options.choice.settings.processes.think == 0)
    throw UsageError("--random-think: of what mean? --rest-of-switch or --think says so");
  check_home(model.layout, options.choice.home_node, model.name);
  const campaign::Choice choice = make_choice(options, model);
  measure::WindowTimes times;
  times.measure = *options.window;
  check_window(times.measure, kShortestWindow);
  times.warm = options.warm.value_or(times.measure / 4);
  const std::vector<SimulatedCase> cases = make_cases(options, choice, model, rest);
  // Here the lines tell of every scheme who hands them to whom, so that bounce takes all that switch does.
  campaign::Choice asked = choice;
  std::ranges::replace(asked.families, "bounce", "switch");
  say_unused(command, asked);
  const std::string machine = fmt::format("{}: {}\n", model.name, shape_of(model));
  if (options.dry_run) {
    std::FILE* const screen = measure::screen_beside(options.out);
    for (const SimulatedCase& c : cases) fmt::print(screen, "{}\n", c.name);
    fmt::print(screen, "{}", machine);
    return 0;
  }

  make_folder_of(options.out);
  std::optional<campaign::RecordFile> file;
  if (!options.out.empty()) file.emplace(options.out, make_context(model, options, command_line));
  Results results;
  for (const SimulatedCase& c : cases) results.push_back({simulate(c, model, times, file)});
  if (file) file->close();
  // Standard output belongs to the records if they go there.
  std::FILE* const screen = measure::screen_beside(options.out);
  fmt::print(screen, "SIMULATED, not measured: {}~ marks what was computed.\n{}", machine,
             campaign::results_table(results, "~"));
  if (!rest) return 0;
  const auto pairs = beside_refcount(results);
  if (pairs.empty())
    fmt::print(screen,
               "What a scheme gains is to refcount's switches in the same case, and there are none.\n");
  Results longer;
  if (rest->is_upper_bound() && !pairs.empty())
    for (SimulatedCase c : cases) {
      std::uint32_t& think = c.subject.settings.processes.think;
      think = static_cast<std::uint32_t>(std::min<double>(think * RestOfSwitch::kGrowth, UINT32_MAX));
      std::optional<campaign::RecordFile> nowhere;
      longer.push_back({simulate(c, model, times, nowhere)});
    }
  fmt::print(screen, "{}", gains(pairs, results, longer, *rest, model));
  return 0;
}

}  // namespace

void add_sim_command(Start& start) {
  auto options = std::make_shared<SimOptions>();
  options->choice.families = {"switch"};
  options->window = std::chrono::microseconds(100);
  Command command(start, "sim", "Simulate another machine: the same records, in virtual time");
  command.require("--machine", options->machine);
  take_case_options(command, *options);
  command.take("--loop", options->loops);
  command.take("--between", options->loop.between_ns);
  command.take("--inside", options->loop.inside_ns);
  command.take("--delay", options->loop.delay_ns);
  command.take("--lines", options->loop.lines);
  command.take("--rest-of-switch", options->rest_of_switch);
  command.take("--random-think", options->random_think);
  command.take("--seed", options->seed);
  command.take("--scale", options->scale);
  command.run([options, command, &start] { return run(*options, command, start.command_line); });
}

}  // namespace mmscale::cli
