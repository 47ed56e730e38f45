// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "cli/limits.h"
#include "cli/names.h"
#include "cli/own_lifecycle.h"
#include "cli/places.h"
#include "cli/replay_records.h"
#include "cli/rules.h"
#include "machine/silicon/pool.h"
#include "machine/silicon/transport.h"
#include "machine/simulator/model_file.h"
#include "machine/simulator/model_store.h"
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
  std::vector<std::string> lifecycles;
  std::string machine;
  bool silicon = false;
  std::string transport;
  std::optional<std::chrono::nanoseconds> until;
  std::string cpus;
  std::string comm;
  double tick_rate = 0;
  std::string out;
  std::string timeline;
  std::uint32_t threads = 0;
  bool unsafe = false;
  workload::Settings settings;
};

trace::Filter make_filter(const ReplayOptions& options) {
  trace::Filter filter;
  if (options.until) filter.until_ns = static_cast<std::uint64_t>(options.until->count());
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

// The machines in virtual time: the one asked for, else the smallest of the lifecycle's kind that has the CPUs, or all
// such. Counts do not depend on it.
std::vector<machine::simulator::Model> choose_models(const ReplayOptions& options, std::string_view lifecycle,
                                                     std::size_t cpus) {
  using machine::simulator::Model;
  std::vector<Model> models;
  const bool all = options.machine == "all";
  if (!options.machine.empty() && !all) {
    models.push_back(load_machine(options.machine));
    if (const std::size_t most = models.front().layout.pus.size(); most < cpus)
      throw UsageError(fmt::format("--machine {}: has {} CPUs, the trace {}; --cpu chooses some",
                                   options.machine, most, cpus));
    return models;
  }
  std::size_t most = 0;
  for (const std::string& name : machine::simulator::model_names()) {
    Model model = machine::simulator::load_model(name);
    if (model.kind != kind_of_lifecycle(lifecycle)) continue;
    most = std::max(most, model.layout.pus.size());
    if (model.layout.pus.size() >= cpus) models.push_back(std::move(model));
  }
  if (models.empty())
    throw UsageError(
        fmt::format("the trace has {} CPUs, {} is the largest machine for lifecycle {} at hand; --cpu "
                    "chooses some, --machine takes a file",
                    cpus, most, lifecycle));
  std::ranges::stable_sort(models, {}, [](const Model& model) { return model.layout.pus.size(); });
  if (!all) models.erase(models.begin() + 1, models.end());
  return models;
}

// The model's PUs in the order in which Linux numbers them on such a machine: on x86 a hardware thread of every core comes
// before any sibling, elsewhere siblings follow each other.
std::vector<unsigned> numbered_pus(const machine::simulator::Model& model, std::size_t cpus) {
  std::vector<topology::Pu> pus = model.layout.pus;
  std::ranges::sort(pus, {}, [&](const topology::Pu& pu) {
    return std::pair(model.kind == "x86" ? pu.smt : 0, pu.os_index);
  });
  std::vector<unsigned> numbers;
  for (const topology::Pu& pu : std::span(pus).first(cpus)) numbers.push_back(pu.os_index);
  return numbers;
}

std::vector<unsigned> first_pus(const topology::Layout& layout, std::size_t cpus) {
  std::vector<unsigned> pus = topology::list(layout, &topology::Pu::allowed);
  if (pus.size() < cpus)
    throw UsageError(
        fmt::format("--silicon: the trace has {} CPUs, {} may be used here; --cpu chooses some, without "
                    "--silicon it is replayed in virtual time",
                    cpus, pus.size()));
  pus.resize(cpus);
  return pus;
}

void print_facts(std::FILE* screen, const trace::Facts& facts) {
  fmt::print(screen,
             "{}: {} events, {:.3f} s, {} CPUs; {} switches, {} forks, {} vforks, {} threads, {} execs, {} "
             "exits, {} migrations; {} mms born, {} died\n",
             facts.format, facts.events, static_cast<double>(facts.last_ns - facts.first_ns) * 1e-9,
             facts.cpus.size(), facts.switches, facts.forks, facts.vforks, facts.threads, facts.execs,
             facts.exits, facts.migrations, facts.born, facts.died);
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

// Of every scheme but refcount the least and the most of its CPU time against refcount's, over the models.
void print_band(std::FILE* screen, std::span<const Replayed> replayed, std::string_view lifecycle) {
  std::map<std::string, std::pair<double, double>> bands;
  for (const Replayed& one : replayed) {
    const auto base = reference_ns(one.session, lifecycle);
    if (!base || *base == 0) return;
    for (const auto& [spec, result] : one.session.schemes) {
      if (spec.scheme == "refcount" || spec.lifecycle != lifecycle) continue;
      const double part = static_cast<double>(result.kernel_ns) / *base;
      const auto [band, first] = bands.try_emplace(spec.scheme, part, part);
      band->second = {std::min(band->second.first, part), std::max(band->second.second, part)};
    }
  }
  std::vector<std::string> parts;
  for (const auto& [scheme, band] : bands)
    parts.push_back(fmt::format("{} {:.2f} to {:.2f}", scheme, band.first, band.second));
  fmt::print(screen, "CPU time /refcnt, least to most of {} models: {}\n", replayed.size(),
             fmt::join(parts, ", "));
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

// The trace's own in whole. Of all others only what mainline has, so that the default costs about twice what one lifecycle
// does, whatever their number.
Lifecycles choose_lifecycles(const ReplayOptions& options, std::string_view own) {
  const auto names = scheme::lifecycle_names();
  if (!options.lifecycles.empty()) return {options.lifecycles, {}};
  Lifecycles chosen{{std::string(own)}, {}};
  if (!options.schemes.empty() && options.schemes != "all") return chosen;
  for (const std::string_view name : names)
    if (name != own) chosen.others.emplace_back(name);
  return chosen;
}

// Whose rules a trace has, and why: those of the kernel that it names.
ChosenLifecycle own_lifecycle_of(const trace::Trace& trace) {
  const std::string kernel = trace.recorded("kernel");
  ChosenLifecycle own = default_lifecycle(trace.recorded("machine"), kernel, "the trace's kernel");
  if (kernel.empty()) own.why = "the trace does not name its kernel; --lifecycle chooses";
  return own;
}

// `spec` once for each scheme and lifecycle.
std::vector<trace::ReplaySpec> choose_replays(const ReplayOptions& options, const Lifecycles& lifecycles,
                                              trace::ReplaySpec spec, bool unsafe) {
  std::vector<trace::ReplaySpec> specs;
  const auto add = [&](const std::string& lifecycle, auto&& wanted) {
    spec.lifecycle = lifecycle;
    kernel::Rules& rules = spec.settings.rules;
    rules = rules_under(lifecycle, options.settings.rules);
    for (std::string& scheme : choose_schemes(options.schemes, unsafe, lifecycle, rules, {})) {
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
  if (!options.timeline.empty() && !options.out.empty() &&
      measure::same_output(options.out, options.timeline))
    throw UsageError(fmt::format("--timeline {}: --out is the same file", options.timeline));
  if (options.silicon && options.settings.processes.idle_exit)
    throw UsageError("--idle-exit: of a replay in virtual time; with --silicon no CPU idles");
  // What cannot be chosen under any lifecycle is said before a long trace is read.
  const bool is_asked = !options.lifecycles.empty();
  choose_replays(options, choose_lifecycles(options, "powerpc"), {}, options.unsafe || !is_asked);
  const trace::Trace trace(options.file, make_filter(options));
  const std::size_t cpus = trace.facts().cpus.size();
  const auto [own, why_own] = own_lifecycle_of(trace);
  const std::string why = is_asked ? "asked for" : why_own;
  const Lifecycles lifecycles = choose_lifecycles(options, own);
  const ReplayOrigin origin{options.file, trace.recorded("kernel"), trace.recorded("machine"),
                            trace.recorded("processor"), why};

  std::vector<machine::simulator::Model> models;
  std::optional<topology::Topology> topology;
  std::optional<machine::silicon::Pool> pool;
  std::optional<trace::TimelineFile> timeline;
  std::vector<Replayed> replayed;
  const unsigned threads =
      options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  const auto replay_here = [&](const trace::ReplaySpec& spec, const ReplayPlace& place) {
    std::vector<trace::ReplaySpec> specs = choose_replays(options, lifecycles, spec, options.unsafe);
    // Of one model: on others the same happens at other times.
    if (!options.timeline.empty() && replayed.empty()) {
      const auto shown = [&](const trace::ReplaySpec& each) {
        return topology::contains(lifecycles.whole, each.lifecycle);
      };
      make_folder_of(options.timeline);
      timeline.emplace(options.timeline, static_cast<std::size_t>(std::ranges::count_if(specs, shown)));
      for (trace::ReplaySpec& each : specs)
        if (shown(each)) each.timeline = &*timeline;
    }
    replayed.push_back({place, trace::replay_all(trace, specs, threads)});
    if (const std::size_t passes = replayed.back().session.passes; passes > 1)
      fmt::print(stderr, "mmscale: {} passes over the trace: memory has no room for {} schemes at once\n",
                 passes, specs.size());
  };
  trace::ReplaySpec spec;
  spec.settings = options.settings;
  if (options.silicon) {
    topology.emplace(topology::Topology::host());
    pool.emplace(*topology);
    spec.pool = &*pool;
    spec.pus = first_pus(topology->layout(), cpus);
    spec.home_node = topology::nearest_memory(
        topology->layout(), topology::find(topology->layout(), spec.pus.front())->numa_node);
    const std::string unbound = note_home(topology->layout(), {spec.home_node});
    const auto choice = machine::silicon::choose_transport(
        options.transport.empty() ? std::nullopt : std::optional<std::string_view>(options.transport));
    spec.transport = choice.name;
    replay_here(spec, {topology->layout(), "silicon", "", choice.name,
                       choice.reason + (unbound.empty() ? "" : "; " + unbound)});
  } else {
    models = choose_models(options, lifecycles.whole.front(), cpus);
    for (const machine::simulator::Model& model : models) {
      spec.model = &model;
      spec.pus = numbered_pus(model, cpus);
      replay_here(spec, {model.layout, "simulator", model.name, "modelled", "virtual time"});
    }
  }
  if (timeline) {
    timeline->close();
    for (const std::string& note : timeline->notes()) fmt::print(stderr, "mmscale: {}\n", note);
  }

  const Replayed& first = replayed.front();
  std::FILE* const screen =
      measure::screen_beside(measure::is_standard_output(options.timeline) ? options.timeline : options.out);
  print_facts(screen, first.session.facts);
  fmt::print(
      screen, "lifecycle {}: {}\n{}\n", fmt::join(lifecycles.whole, ","), why,
      first.place.model.empty()
          ? fmt::format("replayed on real CPUs as fast as they go, IPIs by {}", first.place.transport)
          : fmt::format(
                "replayed on {} in virtual time: every time below is the model's, every count the trace's",
                first.place.model));
  for (const std::string& lifecycle : lifecycles.whole) {
    print_table(screen, first.session, lifecycle);
    if (replayed.size() > 1) print_band(screen, replayed, lifecycle);
  }
  if (!lifecycles.others.empty()) print_lifecycles(screen, first.session, lifecycles.others);
  make_folder_of(options.out);
  if (!options.out.empty()) write_replay_records(options.out, origin, replayed, command_line);
  int status = 0;
  for (const Replayed& one : replayed)
    for (const auto& [each, result] : one.session.schemes)
      for (const std::string& problem : result.audit) {
        fmt::print(stderr, "mmscale: {} ({}): {}\n", each.scheme, each.lifecycle, problem);
        status = 1;
      }
  return status;
}

}  // namespace

void add_replay_command(Start& start) {
  auto options = std::make_shared<ReplayOptions>();
  Command command(start, "replay",
                  "Replay a recorded scheduler trace under each scheme: mm_count, IPIs, time");
  command.require_word("FILE", options->file,
                       "A trace: mmscale record's, trace-cmd's trace.dat, the kernel's trace file as text, "
                       "or perf script's; text may be gzipped");
  command.take("--scheme", options->schemes);
  command.take("--lifecycle", options->lifecycles);
  command.take(options->settings);
  command.take("--machine", options->machine);
  command.take("--silicon", options->silicon);
  command.take("--transport", options->transport);
  command.take("--until", options->until);
  command.take("--cpu", options->cpus);
  command.take("--comm", options->comm);
  command.take("--tick-rate", options->tick_rate);
  command.take("--out", options->out);
  command.take("--timeline", options->timeline);
  command.take("--threads", options->threads);
  command.take("--unsafe", options->unsafe);
  command.run([options, &start] { return run(*options, start.command_line); });
}

}  // namespace mmscale::cli
