// SPDX-License-Identifier: MIT
#include "cli/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/durations.h"
#include "cli/home.h"
#include "cli/limits.h"
#include "cli/machines.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/replay_records.h"
#include "cli/rules.h"
#include "machine/silicon/pool.h"
#include "machine/silicon/transport.h"
#include "machine/simulator/model_file.h"
#include "measure/output_file.h"
#include "scheme/known.h"
#include "topology/cpu_list.h"
#include "topology/home.h"
#include "topology/topology.h"
#include "trace/session.h"
#include "trace/timeline.h"

namespace mmscale::cli {

namespace {

struct ReplayOptions {
  std::string file;
  std::string schemes;
  std::string lifecycles;
  std::string machine;
  bool silicon = false;
  std::string transport;
  std::string until;
  std::string cpus;
  std::string comm;
  double tick_rate = 0;
  std::string out;
  std::string timeline;
  std::uint32_t threads = 0;
  bool unsafe = false;
  RuleOptions rules;
};

trace::Filter make_filter(const ReplayOptions& options) {
  trace::Filter filter;
  if (!options.until.empty())
    filter.until_ns = static_cast<std::uint64_t>(parse_duration("--until", options.until).count());
  if (!options.cpus.empty())
    for (const unsigned cpu : topology::parse_cpu_list(options.cpus)) {
      if (cpu >= trace::kMostCpus)
        throw UsageError(fmt::format("--cpu {}: {} is the largest CPU number", cpu, trace::kMostCpus - 1));
      filter.cpus.insert(cpu);
    }
  filter.comm = options.comm;
  if (options.tick_rate != 0) filter.tick_rate = options.tick_rate;
  return filter;
}

// The machine in virtual time: the one asked for, else a POWER machine that is large enough, since powerpc is
// where shootdown is at home. Counts do not depend on it.
machine::simulator::Model choose_model(const ReplayOptions& options, std::size_t cpus) {
  using machine::simulator::load_model;
  if (!options.machine.empty()) {
    auto model = load_machine("--machine", options.machine);
    if (model.layout.pus.size() < cpus)
      throw UsageError(fmt::format("--machine {}: has {} CPUs, the trace {}; --cpu chooses some",
                                   options.machine, model.layout.pus.size(), cpus));
    return model;
  }
  auto small = load_model("power9-2c");
  if (small.layout.pus.size() >= cpus) return small;
  auto large = load_model("power8-16s");
  if (large.layout.pus.size() >= cpus) return large;
  throw UsageError(
      fmt::format("the trace has {} CPUs, {} is the largest machine at hand; --cpu chooses some, "
                  "--machine takes a file",
                  cpus, large.layout.pus.size()));
}

std::vector<unsigned> first_pus(const topology::Layout& layout, std::size_t cpus, bool allowed_only) {
  std::vector<unsigned> pus;
  for (const topology::Pu& pu : layout.pus)
    if (pu.allowed || !allowed_only) pus.push_back(pu.os_index);
  std::sort(pus.begin(), pus.end());
  if (pus.size() < cpus)
    throw UsageError(
        fmt::format("--silicon: the trace has {} CPUs, {} may be used here; --cpu chooses some, without "
                    "--silicon it is replayed in virtual time",
                    cpus, pus.size()));
  pus.resize(cpus);
  return pus;
}

void print_facts(std::FILE* screen, const trace::Facts& facts) {
  fmt::print(
      screen,
      "{}: {} events, {:.3f} s, {} CPUs; {} switches, {} forks, {} vforks, {} threads, {} execs, {} exits, "
      "{} "
      "migrations; "
      "{} mms born, {} died\n",
      facts.format, facts.events, static_cast<double>(facts.last_ns - facts.first_ns) * 1e-9,
      facts.cpus.size(), facts.switches, facts.forks, facts.vforks, facts.threads, facts.execs, facts.exits,
      facts.migrations, facts.born, facts.died);
  for (const std::string& line : facts.explain()) fmt::print(screen, "  {}\n", line);
}

std::string ratio(double value, std::optional<double> base) {
  return base && *base > 0 ? fmt::format("{:.2f}", value / *base) : "-";
}

// Of refcount under that lifecycle; the ratios are to it.
std::optional<double> reference_ns(const trace::SessionResult& session, std::string_view lifecycle) {
  for (const auto& [spec, result] : session.schemes)
    if (spec.scheme == "refcount" && spec.lifecycle == lifecycle)
      return static_cast<double>(result.kernel_ns);
  return std::nullopt;
}

void print_table(std::FILE* screen, const trace::SessionResult& session, std::string_view lifecycle) {
  const auto base = reference_ns(session, lifecycle);
  fmt::print(screen, "\nunder the rules of {}:\n", lifecycle);
  fmt::print(screen, "{:<20} {:>12} {:>10} {:>7} {:>7} {:>7} {:>8} {:>12} {:>8} {:>10} {:>10}\n", "scheme",
             "mm_count ops", "lines", "IPIs", "useful", "useless", "freed", "CPU time us", "/refcnt",
             "exit p50us", "max us");
  for (const auto& [spec, result] : session.schemes) {
    if (spec.lifecycle != lifecycle) continue;
    const auto microseconds = [](std::optional<double> ns) {
      return ns ? fmt::format("{:.2f}", *ns * 1e-3) : "-";
    };
    std::optional<double> longest;
    if (const auto max = result.teardown_ns.max()) longest = static_cast<double>(*max);
    fmt::print(
        screen, "{:<20} {:>12} {:>10} {:>7} {:>7} {:>7} {:>8} {:>12.1f} {:>8} {:>10} {:>10}\n", spec.scheme,
        result.sum.mm_count_ops(), result.lines ? fmt::format("{}", lines_moved(*result.lines)) : "-",
        result.sum.ipis_sent(), result.sum.ipis_useful, result.sum.ipis_useless, result.sum.mms_freed,
        static_cast<double>(result.kernel_ns) * 1e-3, ratio(static_cast<double>(result.kernel_ns), base),
        microseconds(result.teardown_ns.count() != 0 ? result.teardown_ns.quantile(0.5) : std::nullopt),
        microseconds(longest));
  }
}

// A line for each lifecycle: what it makes of the two schemes that mainline has.
void print_lifecycles(std::FILE* screen, const trace::SessionResult& session,
                      const std::vector<std::string>& lifecycles) {
  const auto cells = [&](std::string_view scheme, std::string_view lifecycle) {
    for (const auto& [spec, result] : session.schemes)
      if (spec.scheme == scheme && spec.lifecycle == lifecycle)
        return fmt::format("{:>12} {:>7} {:>7} {:>12.1f}", result.sum.mm_count_ops(), result.sum.ipis_sent(),
                           result.sum.ipis_useless, static_cast<double>(result.kernel_ns) * 1e-3);
    return fmt::format("{:>12} {:>7} {:>7} {:>12}", "-", "-", "-", "-");
  };
  fmt::print(screen, "\n{:<14} {:>40}   {:>40}\n", "", "refcount", "shootdown (-: not safe there)");
  const std::string head =
      fmt::format("{:>12} {:>7} {:>7} {:>12}", "mm_count ops", "IPIs", "useless", "CPU time us");
  fmt::print(screen, "{:<14} {} | {}\n", "lifecycle", head, head);
  for (const std::string& lifecycle : lifecycles)
    fmt::print(screen, "{:<14} {} | {}\n", lifecycle, cells("refcount", lifecycle),
               cells("shootdown", lifecycle));
}

// What is shown for one lifecycle after the other, and those under which only the mainline schemes are replayed.
struct Lifecycles {
  std::vector<std::string> whole;
  std::vector<std::string> others;
};

// Where shootdown is at home: in whole. Of all others only what mainline has, so that the default costs about twice what one
// lifecycle does, whatever their number.
Lifecycles choose_lifecycles(const ReplayOptions& options) {
  const auto names = scheme::lifecycle_names();
  if (!options.lifecycles.empty()) return {parse_names("--lifecycle", options.lifecycles, names), {}};
  Lifecycles chosen{{"powerpc"}, {}};
  if (!options.schemes.empty() && options.schemes != "all") return chosen;
  for (const std::string_view name : names)
    if (name != chosen.whole.front()) chosen.others.emplace_back(name);
  return chosen;
}

// `spec` once for each scheme and lifecycle.
std::vector<trace::ReplaySpec> choose_replays(const ReplayOptions& options, const Lifecycles& lifecycles,
                                              trace::ReplaySpec spec) {
  std::vector<trace::ReplaySpec> specs;
  const auto add = [&](const std::string& lifecycle, auto&& wanted) {
    spec.lifecycle = lifecycle;
    spec.rules = make_rules(options.rules, lifecycle);
    for (std::string& scheme : choose_schemes(options.schemes, options.unsafe, lifecycle, spec.rules, {})) {
      if (!wanted(scheme)) continue;
      spec.scheme = std::move(scheme);
      spec.process = static_cast<unsigned>(specs.size()) + 1;
      specs.push_back(spec);
    }
  };
  for (const std::string& lifecycle : lifecycles.whole) add(lifecycle, [](std::string_view) { return true; });
  for (const std::string& lifecycle : lifecycles.others)
    add(lifecycle, [](std::string_view scheme) { return scheme == "refcount" || scheme == "shootdown"; });
  return specs;
}

int run(const ReplayOptions& options, const std::string& command_line) {
  limit_cpu_time(kToRun);
  if (options.silicon && !options.machine.empty())
    throw UsageError("--silicon and --machine: real CPUs or a model, not both");
  if (options.silicon && !options.timeline.empty())
    throw UsageError("--timeline: of a replay in virtual time, not of --silicon");
  const Lifecycles lifecycles = choose_lifecycles(options);
  // What cannot be chosen is said before the trace is read.
  choose_replays(options, lifecycles, {});
  const trace::Trace trace(options.file, make_filter(options));
  const std::size_t cpus = trace.facts().cpus.size();

  trace::ReplaySpec spec;
  std::string transport = "modelled";
  std::string reason = "virtual time";
  std::optional<machine::simulator::Model> model;
  std::optional<topology::Topology> topology;
  std::optional<machine::silicon::Pool> pool;
  if (options.silicon) {
    topology.emplace(topology::Topology::host());
    pool.emplace(*topology);
    spec.pool = &*pool;
    spec.pus = first_pus(topology->layout(), cpus, true);
    spec.home_node = topology::nearest_memory(
        topology->layout(), topology::find(topology->layout(), spec.pus.front())->numa_node);
    const std::string unbound = note_home(topology->layout(), {spec.home_node});
    if (!options.transport.empty())
      check_name("--transport", options.transport, machine::silicon::transport_names());
    const auto choice = machine::silicon::choose_transport(
        options.transport.empty() ? std::nullopt : std::optional<std::string_view>(options.transport));
    transport = choice.name;
    spec.transport = transport;
    reason = choice.reason + (unbound.empty() ? "" : "; " + unbound);
  } else {
    model.emplace(choose_model(options, cpus));
    spec.model = &*model;
    spec.pus = first_pus(model->layout, cpus, false);
  }
  const ReplayPlace place{model ? model->layout : topology->layout(), model ? "simulator" : "silicon",
                          model ? model->name : "", transport, reason};
  const unsigned threads =
      options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<trace::ReplaySpec> specs = choose_replays(options, lifecycles, spec);
  std::optional<trace::TimelineFile> timeline;
  if (!options.timeline.empty()) {
    make_folder_of(options.timeline);
    const auto shown = [&](const trace::ReplaySpec& each) {
      return std::ranges::find(lifecycles.whole, each.lifecycle) != lifecycles.whole.end();
    };
    timeline.emplace(options.timeline, static_cast<std::size_t>(std::ranges::count_if(specs, shown)));
    for (trace::ReplaySpec& each : specs)
      if (shown(each)) each.timeline = &*timeline;
  }
  const auto session = trace::replay_all(trace, specs, threads);
  if (timeline) {
    timeline->close();
    for (const std::string& note : timeline->notes()) fmt::print(stderr, "mmscale: {}\n", note);
  }

  if (session.passes > 1)
    fmt::print(stderr, "mmscale: {} passes over the trace: memory has no room for {} schemes at once\n",
               session.passes, specs.size());
  std::FILE* const screen =
      measure::screen_beside(measure::is_standard_output(options.timeline) ? options.timeline : options.out);
  print_facts(screen, session.facts);
  fmt::print(screen, "{}\n",
             place.model.empty()
                 ? fmt::format("replayed on real CPUs as fast as they go, IPIs by {}", place.transport)
                 : fmt::format("replayed on {} in virtual time: every time below is the "
                               "model's, every count the trace's",
                               place.model));
  for (const std::string& lifecycle : lifecycles.whole) print_table(screen, session, lifecycle);
  if (!lifecycles.others.empty()) print_lifecycles(screen, session, lifecycles.others);
  make_folder_of(options.out);
  if (!options.out.empty()) write_replay_records(options.out, options.file, place, session, command_line);
  int status = 0;
  for (const auto& [replayed, result] : session.schemes)
    for (const std::string& problem : result.audit) {
      fmt::print(stderr, "mmscale: {} ({}): {}\n", replayed.scheme, replayed.lifecycle, problem);
      status = 1;
    }
  return status;
}

}  // namespace

void add_replay_command(CLI::App& app, const std::string& command_line, int& status) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = app.add_subcommand(
      "replay", "Replay a recorded scheduler trace under each scheme: mm_count, IPIs, time");
  command
      ->add_option(
          "FILE", options->file,
          "A trace: mmscale record's, trace-cmd's trace.dat, the kernel's trace file as text, or perf "
          "script's; text may be gzipped")
      ->required();
  Taker taker(*command);
  taker.take("--scheme", options->schemes);
  taker.take("--lifecycle", options->lifecycles);
  take_rule_options(taker, options->rules);
  taker.take("--machine", options->machine);
  taker.take("--silicon", options->silicon);
  taker.take("--transport", options->transport);
  taker.take("--until", options->until);
  taker.take("--cpu", options->cpus);
  taker.take("--comm", options->comm);
  taker.take("--tick-rate", options->tick_rate);
  taker.take("--out", options->out);
  taker.take("--timeline", options->timeline);
  taker.take("--threads", options->threads);
  taker.take("--unsafe", options->unsafe);
  command->callback([options, &command_line, &status] { status = run(*options, command_line); });
}

}  // namespace mmscale::cli
