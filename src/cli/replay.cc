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

namespace mmscale::cli {

namespace {

struct ReplayOptions {
  std::string file;
  std::string schemes;
  std::string lifecycle = "powerpc";
  std::string machine;
  bool silicon = false;
  std::string transport;
  std::string until;
  std::string cpus;
  std::string comm;
  double tick_rate = 0;
  std::string out;
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

void print_table(std::FILE* screen, const trace::SessionResult& session) {
  const auto refcount =
      std::ranges::find(session.schemes, std::string_view("refcount"), &trace::SchemeResult::scheme);
  std::optional<double> base;
  if (refcount != session.schemes.end()) base = static_cast<double>(refcount->result.kernel_ns);
  fmt::print(screen, "\n{:<20} {:>12} {:>10} {:>7} {:>7} {:>7} {:>8} {:>12} {:>8} {:>10} {:>10}\n", "scheme",
             "mm_count ops", "lines", "IPIs", "useful", "useless", "freed", "CPU time us", "/refcnt",
             "exit p50us", "max us");
  for (const auto& [scheme, result] : session.schemes) {
    const auto microseconds = [](std::optional<double> ns) {
      return ns ? fmt::format("{:.2f}", *ns * 1e-3) : "-";
    };
    std::optional<double> longest;
    if (const auto max = result.teardown_ns.max()) longest = static_cast<double>(*max);
    fmt::print(
        screen, "{:<20} {:>12} {:>10} {:>7} {:>7} {:>7} {:>8} {:>12.1f} {:>8} {:>10} {:>10}\n", scheme,
        result.sum.mm_count_ops(), result.lines ? fmt::format("{}", lines_moved(*result.lines)) : "-",
        result.sum.ipis_sent(), result.sum.ipis_useful, result.sum.ipis_useless, result.sum.mms_freed,
        static_cast<double>(result.kernel_ns) * 1e-3, ratio(static_cast<double>(result.kernel_ns), base),
        microseconds(result.teardown_ns.count() != 0 ? result.teardown_ns.quantile(0.5) : std::nullopt),
        microseconds(longest));
  }
}

int run(const ReplayOptions& options, const std::string& command_line) {
  limit_cpu_time(kToRun);
  check_name("--lifecycle", options.lifecycle, scheme::lifecycle_names());
  if (options.silicon && !options.machine.empty())
    throw UsageError("--silicon and --machine: real CPUs or a model, not both");
  const kernel::Rules rules = make_rules(options.rules, options.lifecycle);
  const auto schemes = choose_schemes(options.schemes, options.unsafe, options.lifecycle, rules, {});
  const trace::Trace trace(options.file, make_filter(options));
  const std::size_t cpus = trace.facts().cpus.size();

  trace::ReplaySpec spec;
  spec.lifecycle = options.lifecycle;
  spec.rules = rules;
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
  const auto session = trace::replay_all(trace, spec, schemes, threads);

  if (session.passes > 1)
    fmt::print(stderr, "mmscale: {} passes over the trace: memory has no room for {} schemes at once\n",
               session.passes, schemes.size());
  std::FILE* const screen = measure::screen_beside(options.out);
  print_facts(screen, session.facts);
  fmt::print(screen, "{}\n",
             place.model.empty()
                 ? fmt::format("replayed on real CPUs as fast as they go, IPIs by {}", place.transport)
                 : fmt::format("replayed on {} in virtual time: every time below is the "
                               "model's, every count the trace's",
                               place.model));
  print_table(screen, session);
  make_folder_of(options.out);
  if (!options.out.empty())
    write_replay_records(options.out, options.file, spec, place, session, command_line);
  int status = 0;
  for (const auto& [scheme, result] : session.schemes)
    for (const std::string& problem : result.audit) {
      fmt::print(stderr, "mmscale: {}: {}\n", scheme, problem);
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
  taker.take("--lifecycle", options->lifecycle);
  take_rule_options(taker, options->rules);
  taker.take("--machine", options->machine);
  taker.take("--silicon", options->silicon);
  taker.take("--transport", options->transport);
  taker.take("--until", options->until);
  taker.take("--cpu", options->cpus);
  taker.take("--comm", options->comm);
  taker.take("--tick-rate", options->tick_rate);
  taker.take("--out", options->out);
  taker.take("--threads", options->threads);
  taker.take("--unsafe", options->unsafe);
  command->callback([options, &command_line, &status] { status = run(*options, command_line); });
}

}  // namespace mmscale::cli
