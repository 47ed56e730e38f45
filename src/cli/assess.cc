// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <vector>

#include "bench/families.h"
#include "campaign/attempt.h"
#include "campaign/google.h"
#include "campaign/record_file.h"
#include "campaign/session.h"
#include "cli/assessment.h"
#include "cli/case_options.h"
#include "cli/names.h"
#include "cli/own_lifecycle.h"
#include "cli/rules.h"
#include "machine/silicon/pool.h"
#include "machine/silicon/transport.h"
#include "machine/simulator/model_file.h"
#include "measure/environment.h"
#include "measure/findings.h"
#include "measure/output_file.h"
#include "measure/tick_rate.h"
#include "scheme/known.h"
#include "topology/fd.h"
#include "topology/quota.h"
#include "topology/topology.h"
#include "trace/recorder.h"
#include "trace/session.h"

namespace mmscale::cli {
namespace {

using campaign::Case;
using measure::Record;
using Windows = std::vector<Record>;

struct AssessOptions {
  std::vector<std::string> words;
  std::string trace;
  std::string record;
  std::vector<std::string> command;
  std::string lifecycle;
  std::chrono::nanoseconds window = std::chrono::milliseconds(200);
  std::string out;
  std::uint32_t repetitions = 9;
  double plant_ns = 0;
  double tick_rate = 0;
  bool accept_invalid = false;
  bool json = false;
};

class Assessor {
 public:
  Assessor(measure::Bench& bench, const AssessOptions& options, const std::string& why_lifecycle,
           const std::string& command_line)
      : bench_(bench), options_(options), layout_(bench.topology.layout()) {
    times_.measure = options.window;
    times_.warm = times_.measure / 4;
    choice_.placements = {topology::parse_placement("compact")};
    choice_.lifecycle = options.lifecycle;
    choice_.lifecycle_reason = why_lifecycle;
    choice_.settings.rules = rules_under(options.lifecycle);
    choice_.workloads = {"idle"};
    const auto transport = machine::silicon::choose_transport(std::nullopt);
    choice_.transport = transport.name;
    choice_.transport_reason = transport.reason;
    pus_ = topology::order(layout_, choice_.placements.front());
    usable_ = static_cast<unsigned>(pus_.size());
    if (bench.quota.cpus && *bench.quota.cpus < usable_)
      usable_ = std::max(1u, static_cast<unsigned>(*bench.quota.cpus));
    const std::vector<unsigned> used(pus_.begin(), pus_.begin() + usable_);
    const measure::Environment environment = measure::read_environment("/", used, command_line);
    kernel_lazy_tlb_ = environment["kernel_lazy_tlb"];
    if (options.out.empty()) return;
    auto context = campaign::context_json();
    for (const auto& [key, value] : environment.facts()) context[key] = value;
    for (const auto& [key, value] : safety_on_this_host({"refcount", "shootdown", "hazptr"}))
      context[key] = value;
    context["mmscale_world"] = "silicon";
    file_.emplace(options.out, context);
  }

  Assessment run() {
    Assessment result;
    result.placement = "compact";
    result.transport = fmt::format("{} ({})", choice_.transport, choice_.transport_reason);
    result.lifecycle = options_.lifecycle;
    result.kernel_lazy_tlb = kernel_lazy_tlb_;
    result.repetitions = options_.repetitions;
    result.accepts_invalid = options_.accept_invalid;
    result.all_cpus = usable_;
    result.online_cpus = topology::count(layout_).online;
    measure::TickRate ticks;
    ticks.begin();
    const std::vector<unsigned> counts = pair_counts();
    for (const unsigned cpus : counts) result.points.push_back(real_switches(cpus));
    for (const unsigned cpus : borrower_counts()) result.deaths.push_back(death(cpus));
    if (usable_ > 1) interrupts(result);
    ticks.end();
    const double ns_per_tick = ticks.ns_per_tick();
    // The counter's ticks may be long: what was planted is so many of them.
    const double planted =
        options_.plant_ns > 0 ? std::max(1.0, std::round(options_.plant_ns / ns_per_tick)) : 0;
    result.planted_ns = planted * ns_per_tick;
    for (SwitchPoint& point : result.points) emulate(point, ns_per_tick, planted);
    result.incomplete = incomplete_;
    return result;
  }

  void close(const Assessment& assessment) {
    if (!file_) return;
    file_->append(to_record(assessment));
    file_->close();
  }

 private:
  // Pairs need two CPUs each: 2, 4, 8 ... and as many as there are.
  std::vector<unsigned> pair_counts() const {
    std::vector<unsigned> counts;
    const unsigned all = usable_ / 2 * 2;
    for (unsigned cpus = 2; cpus < all; cpus *= 2) counts.push_back(cpus);
    if (all >= 2) counts.push_back(all);
    return counts;
  }
  std::vector<unsigned> borrower_counts() const {
    std::vector<unsigned> counts;
    for (unsigned cpus = 1; cpus < usable_; cpus *= 2) counts.push_back(cpus);
    counts.push_back(usable_);
    return counts;
  }

  // All cases in turn, so that whatever drifts meets each alike; every other round backwards. Rounds in which a window
  // does not count are made up for, up to a limit.
  std::vector<Windows> interleaved(const std::vector<Case>& cases) {
    constexpr unsigned kMostTries = 4;
    std::vector<Windows> windows(cases.size());
    std::vector<bool> stuck(cases.size());
    unsigned counting = 0;
    for (unsigned repetition = 0;
         repetition < kMostTries * options_.repetitions && counting < options_.repetitions; ++repetition) {
      if (std::ranges::find(stuck, true) != stuck.end() && repetition >= options_.repetitions) break;
      for (std::size_t i = 0; i < cases.size(); ++i) {
        const std::size_t at = repetition % 2 == 0 ? i : cases.size() - 1 - i;
        if (stuck[at]) continue;
        campaign::Attempt tried =
            campaign::attempt(bench_, cases[at], repetition, options_.repetitions, times_);
        const Record& record = windows[at].emplace_back(std::move(tried.record));
        stuck[at] = tried.stuck;
        if (file_) file_->append(campaign::to_json(record));
        if (!record.window.audit.empty())
          throw std::runtime_error(
              fmt::format("{}: conservation broken: {}", record.name, record.window.audit.front()));
      }
      counting += std::ranges::all_of(windows, [this](const Windows& of_case) {
        return of_case.back().valid() || options_.accept_invalid;
      });
    }
    for (const Windows& of_case : windows)
      if (std::ranges::none_of(of_case, &Record::valid))
        fmt::print(stderr, "mmscale: {}: no valid window: {}\n", of_case.front().name,
                   of_case.back().window.verdict.reasons.front());
    return windows;
  }

  // What a switch took in a window, less the pauses: one for each message, of which that part was slept for.
  static std::optional<double> ns_per_switch(const Record& record, double pause_ns) {
    const auto ns = record.window.ns_per_switch();
    const auto slept = record.findings.counter("slept_share");
    if (!ns || pause_ns == 0) return ns;
    return slept > 0.0 ? std::optional(*ns - pause_ns / *slept) : std::nullopt;
  }
  // A window's figure, if the window counts.
  std::optional<double> figure(const Record& record, std::string_view counter, double pause_ns = 0) const {
    if (!record.valid() && !options_.accept_invalid) return std::nullopt;
    return counter.empty() ? ns_per_switch(record, pause_ns) : record.findings.counter(counter);
  }
  Figure over(const Windows& windows, std::string_view counter = {}, double pause_ns = 0) {
    std::vector<double> values;
    for (const Record& record : windows)
      if (const auto value = figure(record, counter, pause_ns)) values.push_back(*value);
    incomplete_ |= values.empty();
    return figure_of(values);
  }
  // The differences between windows that followed each other.
  Figure difference(const Windows& with, const Windows& without, double pause_ns = 0) {
    std::vector<double> values;
    for (std::size_t i = 0; i < std::min(with.size(), without.size()); ++i) {
      const auto a = figure(with[i], {}, pause_ns);
      const auto b = figure(without[i], {}, pause_ns);
      if (a && b) values.push_back(*a - *b);
    }
    incomplete_ |= values.empty();
    return figure_of(values);
  }

  // A question to the running kernel; none where it cannot be put to this one.
  std::optional<Case> host_case(const std::string& question, unsigned cpus,
                                const std::string& placement = "compact") const {
    campaign::Choice choice = choice_;
    choice.placements = {topology::parse_placement(placement)};
    choice.cpu_counts = {cpus};
    const std::string name = fmt::format("host_kernel/{}/{}/cpus:{}", question, placement, cpus);
    for (Case& c : bench::host_kernel_cases(layout_, choice))
      if (c.name == name) return c;
    return std::nullopt;
  }
  std::vector<Case> pairs(unsigned cpus, std::chrono::nanoseconds pause) const {
    std::vector<Case> cases;
    for (const auto tasks : {host::Tasks::threads, host::Tasks::processes})
      cases.push_back(bench::host_switch_case(layout_, choice_.placements.front(), cpus,
                                              {host::Primitive::futex, tasks, host::Ends::cross_cpu, pause}));
    return cases;
  }

  // The shortest pause with which nearly all messages are slept for, by threads and by processes: ends that do not
  // sleep make no switch and take their time all the same, and how often they do differs between the two.
  void choose_pause(SwitchPoint& point) {
    constexpr double kNearlyAll = 0.98;
    for (const unsigned ns : {0, 1'000, 2'000, 4'000, 8'000, 16'000, 32'000}) {
      point.pause_ns = ns;
      point.slept_share = 1;
      for (const Case& c : pairs(point.cpus, std::chrono::nanoseconds(ns))) {
        const Record record = campaign::attempt(bench_, c, 0, 1, times_).record;
        point.slept_share = std::min(point.slept_share, record.findings.counter("slept_share").value_or(0));
      }
      if (point.slept_share >= kNearlyAll) return;
    }
  }

  SwitchPoint real_switches(unsigned cpus) {
    SwitchPoint point;
    point.cpus = cpus;
    point.counted = kernel_lazy_tlb_ != "shootdown";
    choose_pause(point);
    const std::vector<Windows> windows =
        interleaved(pairs(cpus, std::chrono::nanoseconds(static_cast<int>(point.pause_ns))));
    point.threads = over(windows[0], {}, point.pause_ns);
    point.processes = over(windows[1], {}, point.pause_ns);
    point.sharing = difference(windows[0], windows[1], point.pause_ns);
    return point;
  }

  Death death(unsigned cpus) {
    const std::vector<Windows> windows = interleaved({host_case("exit", cpus).value()});
    Death death;
    death.lazy = cpus - 1;
    death.ns = over(windows[0], "death_ns_p50");
    return death;
  }

  void interrupts(Assessment& result) {
    const auto call_ns = [this](const char* question) {
      // Far away, since that is what a bound is made of.
      const auto c = host_case(question, 2, "scatter");
      return c ? over(interleaved({*c}).front(), "call_ns_p50") : Figure{};
    };
    result.interrupt_running = call_ns("membarrier/running");
    result.flush_idle = call_ns("munmap/lazy");
    result.flush_running = call_ns("munmap/running");
  }

  Case emulated(const std::string& scheme, const std::string& sharing, unsigned cpus, double rest_ticks) {
    campaign::Choice choice = choice_;
    choice.cpu_counts = {cpus};
    choice.schemes = {scheme};
    choice.sharings = {topology::parse_sharing(sharing)};
    choice.settings.processes.think = static_cast<std::uint32_t>(rest_ticks);
    return bench::switch_cases(layout_, choice).front();
  }

  // Threads and processes again, as the emulated kernel switches them with the rest of a switch in between.
  void emulate(SwitchPoint& point, double ns_per_tick, double planted_ticks) {
    if (!point.processes.median) return;
    const double rest = std::round((*point.processes.median + point.pause_ns) / ns_per_tick);
    std::vector<Case> cases = {
        emulated("refcount", "all", point.cpus, rest), emulated("refcount", "private", point.cpus, rest),
        emulated("shootdown", "all", point.cpus, rest), emulated("hazptr", "all", point.cpus, rest)};
    if (planted_ticks > 0) cases.push_back(emulated("refcount", "all", point.cpus, rest + planted_ticks));
    const std::vector<Windows> windows = interleaved(cases);
    point.mm_count = difference(windows[0], windows[1]);
    point.shootdown = difference(windows[0], windows[2]);
    point.hazptr = difference(windows[0], windows[3]);
    point.instructions = difference(windows[1], windows[2]);
    if (planted_ticks > 0) point.planted = difference(windows[4], windows[0]);
  }

  measure::Bench& bench_;
  const AssessOptions& options_;
  const topology::Layout& layout_;
  measure::WindowTimes times_;
  campaign::Choice choice_;
  std::vector<unsigned> pus_;
  unsigned usable_ = 0;
  std::string kernel_lazy_tlb_;
  bool incomplete_ = false;
  std::optional<campaign::RecordFile> file_;
};

// Counts are the trace's, whatever the model.
Workload count(const std::string& path, const std::string& called, double tick_rate) {
  const trace::Trace trace(path, {.tick_rate = tick_rate > 0 ? std::optional(tick_rate) : std::nullopt});
  const std::size_t cpus = trace.facts().cpus.size();
  const auto model = machine::simulator::load_model("power8-16s");
  if (model.layout.pus.size() < cpus)
    throw std::runtime_error(
        fmt::format("{}: {} CPUs, {} are the most", called, cpus, model.layout.pus.size()));
  trace::ReplaySpec spec;
  spec.model = &model;
  for (std::size_t i = 0; i < cpus; ++i) spec.pus.push_back(model.layout.pus[i].os_index);
  spec.scheme = "refcount";
  std::vector<trace::ReplaySpec> specs(2, spec);
  specs.back().scheme = "shootdown";
  const trace::SessionResult session = trace::replay_all(trace, specs, 1);
  const trace::Facts& facts = session.facts;
  if (facts.last_ns <= facts.first_ns)
    throw std::runtime_error(fmt::format("{}: no time passes in it", called));
  Workload workload;
  workload.name = called;
  workload.seconds = static_cast<double>(facts.last_ns - facts.first_ns) * 1e-9;
  workload.cpus = static_cast<unsigned>(cpus);
  workload.switches = facts.switches;
  workload.borrows = session.schemes.front().result.sum.lazy_grabs;
  workload.interrupts = session.schemes.back().result.sum.ipis_shoot;
  workload.deaths = facts.died;
  workload.lost = facts.of(trace::Oddity::lost).count;
  return workload;
}

std::string scratch_folder() {
  const char* const folder = std::getenv("TMPDIR");
  return folder != nullptr && folder[0] != '\0' ? folder : "/tmp";
}

// A file that has no name, so that it is gone however this ends.
topology::Fd nameless_file() {
  std::string path = scratch_folder() + "/mmscale-assess-XXXXXX";
  topology::Fd file(::mkostemp(path.data(), O_CLOEXEC));
  if (file.get() < 0)
    throw std::system_error(errno, std::generic_category(), fmt::format("{}: a file to record to", path));
  ::unlink(path.c_str());
  return file;
}

// Runs this very program as `mmscale record`, with that file as its standard output. Returns its exit status.
int record(const AssessOptions& options, const topology::Fd& file) {
  std::vector<std::string> words = {"mmscale", "record", "-o", "-"};
  if (!options.record.empty()) words.insert(words.end(), {"--seconds", options.record});
  if (!options.command.empty()) words.push_back("--");
  words.insert(words.end(), options.command.begin(), options.command.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = machine::silicon::Pool::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork of mmscale record");
  if (child == 0) {
    // Where this process is killed it ends in order.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::dup2(file.get(), STDOUT_FILENO);
    ::execv("/proc/self/exe", arguments.data());
    ::_exit(1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waiting for mmscale record");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// The machine is assessed all the same where nobody may record; nothing where the command is none.
std::optional<Workload> recorded(const AssessOptions& options) {
  Workload workload;
  workload.name = options.command.empty() ? fmt::format("{} of this machine", options.record)
                                          : fmt::format("{}", fmt::join(options.command, " "));
  try {
    // Whether anybody may, and why not.
    trace::Recorder({.tracefs = trace::find_tracefs(), .buffer_kib = 64});
    const topology::Fd file = nameless_file();
    const int status = record(options, file);
    if (status == kCannotRun) return std::nullopt;
    if (status != 0)
      throw std::runtime_error(
          fmt::format("mmscale record to a file under {} ended with status {} and its message",
                      scratch_folder(), status));
    return count(fmt::format("/proc/self/fd/{}", file.get()), workload.name, 0);
  } catch (const std::exception& error) {
    workload.unavailable = error.what();
    return workload;
  }
}

int run(AssessOptions options, const std::string& command_line) {
  check_window(options.window, kShortestMeasured);
  if (!options.record.empty()) parse_duration("--record", options.record);
  if (!options.trace.empty() && !options.record.empty())
    throw UsageError("TRACE and --record both name a workload; give one");
  if (options.tick_rate > 0 && options.trace.empty())
    throw UsageError("--tick-rate: of a TRACE, and none is given");
  if (options.json && measure::is_standard_output(options.out))
    throw UsageError(fmt::format("--out {} and --json: both on standard output", options.out));
  std::string why_lifecycle = "asked for";
  if (options.lifecycle.empty()) {
    const ChosenLifecycle own = default_lifecycle();
    options.lifecycle = own.name;
    why_lifecycle = own.why;
  }
  const topology::Topology topology = topology::Topology::host();
  if (!topology.is_this_system())
    throw UsageError(
        fmt::format("assess: {} is not this host, and cannot be measured", topology.layout().source));
  std::optional<Workload> workload;
  if (!options.trace.empty()) workload = count(options.trace, options.trace, options.tick_rate);
  machine::silicon::Pool pool(topology);
  measure::Bench where{topology, pool, topology::read_cpu_quota()};
  // Before anything is recorded or measured in vain.
  make_folder_of(options.out);
  Assessor assessor(where, options, why_lifecycle, command_line);
  if (!options.record.empty() || !options.command.empty()) {
    workload = recorded(options);
    if (!workload) return static_cast<int>(campaign::Outcome::failed);
  }
  fmt::print(stderr, "lifecycle {} ({})\n", options.lifecycle, why_lifecycle);
  Assessment assessment = assessor.run();
  assessment.workload = std::move(workload);
  assessment.incomplete |= assessment.workload && !workload_share(assessment);
  assessor.close(assessment);
  if (options.json)
    fmt::print("{}\n", to_json(assessment).dump(2));
  else
    fmt::print(measure::screen_beside(options.out), "{}", in_words(assessment));
  return static_cast<int>(assessment.incomplete ? campaign::Outcome::nothing_valid : campaign::Outcome::ok);
}

}  // namespace

void add_assess_command(Start& start) {
  auto options = std::make_shared<AssessOptions>();
  Command command(start, "assess", "What mm_count costs on this machine, and what another scheme would give");
  command.take_words(
      "WORKLOAD", options->words,
      "A recording, as for replay; or, after --, a command to record from its start to its end");
  command.take("--record", options->record);
  command.take("--tick-rate", options->tick_rate);
  command.take("--lifecycle", options->lifecycle);
  command.take("--window", options->window);
  command.take("--reps", options->repetitions);
  command.take("--plant", options->plant_ns);
  command.take("--out", options->out);
  command.take("--accept-invalid", options->accept_invalid);
  command.take("--json", options->json);
  command.footer(
      "Status 3: something had no valid window, or was not recorded; what rests on it is said to be "
      "unknown.");
  command.run([options, &start] {
    if (start.behind_dashes) {
      options->command = *start.behind_dashes;
      if (options->command.empty()) throw UsageError("assess: no command after --");
      if (options->words != options->command)
        throw UsageError("TRACE and a command both name a workload; give one");
    } else if (options->words.size() > 1) {
      throw UsageError("assess takes one TRACE; a command stands after --");
    } else if (!options->words.empty()) {
      options->trace = options->words.front();
      if (options->trace.empty()) throw UsageError("TRACE: its value is empty");
    }
    return run(*options, start.command_line);
  });
}

}  // namespace mmscale::cli
