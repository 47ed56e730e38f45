// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "bench/families.h"
#include "campaign/formats.h"
#include "cli/completion.h"
#include "cli/names.h"
#include "machine/silicon/transport.h"
#include "measure/output_file.h"
#include "scheme/known.h"
#include "topology/placement.h"
#include "topology/sharing.h"
#include "topology/text.h"
#include "workload/settings.h"

namespace mmscale::cli {
namespace {

constexpr double kMost32 = std::numeric_limits<std::uint32_t>::max();
// Whole numbers up to here are themselves as a double.
constexpr double kMostWhole = 9007199254740992.0;

std::vector<std::string_view> schemes() { return names_of(scheme::schemes()); }
std::vector<std::string_view> families() { return names_of(bench::families()); }
std::vector<std::string_view> simulated_families() { return {"switch", "floor", "bounce"}; }
std::vector<std::string_view> workloads() { return names_of(workload::patterns()); }
std::vector<std::string_view> all_of(std::span<const std::string_view> names) {
  return {names.begin(), names.end()};
}
std::vector<std::string_view> lifecycles() { return all_of(scheme::lifecycle_names()); }
std::vector<std::string_view> transports() { return all_of(machine::silicon::transport_names()); }
std::vector<std::string_view> sharings() { return all_of(topology::kSharingNames); }
std::vector<std::string_view> placements() { return all_of(topology::kPlacementNames); }

// Families that run the emulated kernel.
constexpr std::string_view kKernel = "switch,teardown,mix,explorer,simulator";

// Where an option is described.
constexpr std::string_view kBarriers = "docs/barriers.md", kDescribe = "docs/describe.md",
                           kExplorer = "docs/explorer.md", kFamilies = "docs/families.md",
                           kLifecycles = "docs/lifecycles.md", kMeasuring = "docs/measuring.md",
                           kRecords = "docs/records.md", kSchemes = "docs/schemes.md",
                           kSimulator = "docs/simulator.md", kTopology = "docs/topology.md",
                           kTraces = "docs/traces.md", kValidity = "docs/validity.md";

using More = OptionInfo::More;
// One whose value is in a record under `key`; of a condition windows that differ in it are not pooled.
OptionInfo recorded(std::string_view name, Value value, std::string_view page, std::string_view key,
                    std::string_view help, const More& more = {}) {
  return {name, value, page, key, help, more};
}
OptionInfo condition(std::string_view name, Value value, std::string_view page, std::string_view key,
                     std::string_view help, const More& more = {}) {
  return {name, value, page, key, help, more, true};
}
OptionInfo option(std::string_view name, Value value, std::string_view page, std::string_view help,
                  const More& more = {}) {
  return {name, value, page, {}, help, more};
}

std::vector<OptionInfo> with_settings(std::vector<OptionInfo> all) {
  all.insert(all.end(), workload::settings().begin(), workload::settings().end());
  return all;
}

}  // namespace

std::span<const OptionInfo> options() {
  using enum Value;
  static const std::vector<OptionInfo> kOptions = with_settings({
      // what is measured
      recorded("--family", names, kFamilies, "family", "What to measure, or all", {.choices = families}),
      recorded("sim --family", names, kSimulator, "family", "What to simulate: switch, floor, bounce, or all",
               {.choices = simulated_families}),
      recorded("--scheme", names, kSchemes, "scheme", "Schemes, comma-separated; default all that are safe",
               {.families = "switch,teardown,mix,simulator", .choices = schemes}),
      recorded("--workload", names, kFamilies, "workload", "Workloads, or all",
               {.families = "switch", .choices = workloads}),
      recorded("--sharing", names, kTopology, "sharing", "Who shares an mm, or a number of CPUs",
               {.families = "switch,mix", .choices = sharings}),
      recorded("--placement", names, kTopology, "placement", "Which CPUs come first, or a CPU list",
               {.choices = placements}),
      recorded("--cpus", cpu_counts, kMeasuring, "cpus",
               "CPU counts: 1,2,4, ranges, all, octave (8 per doubling); default: as the budget allows"),
      recorded("sim --cpus", cpu_counts, kSimulator, "cpus",
               "CPU counts: 1,2,4, ranges, all, octave (8 per doubling); default: one per doubling, and all"),
      option("--leave", text, kMeasuring,
             "Cores left to everything else: N, N/package or N/node; default: 1 on machines of more than 16 "
             "CPUs"),
      condition("--home", count, kTopology, "home_node",
                "NUMA node of the contended mm; default: the first CPU's", {.most = kMost32}),
      condition("--machine", name, kSimulator, "machine",
                "A machine model, by name or file (*.json); sim takes list, too: which there are, and what "
                "they are"),
      // the emulated kernel
      condition(
          "--lifecycle", name, kLifecycles, "lifecycle",
          "Whose rules for mm_cpumask and the lazy TLB; default: this kernel's, powerpc where none is its",
          {.families = kKernel, .choices = lifecycles}),
      condition("sim --lifecycle", name, kLifecycles, "lifecycle",
                "Whose rules for mm_cpumask; default: of the machine's kind, x86-2024, arm64 or powerpc",
                {.families = kKernel, .choices = lifecycles}),
      condition("--transport", name, kMeasuring, "transport",
                "How IPIs are sent; default: the first that works",
                {.families = "switch,teardown,mix,ipi", .choices = transports}),
      condition("replay --transport", name, kTraces, "transport", "--silicon: how IPIs are sent",
                {.choices = transports}),
      // the workload
      recorded("--exits", count, kFamilies, "exits_per_million",
               "mix: thread exits per million switches of a CPU, comma-separated",
               {.families = "mix", .most = 500'000}),
      recorded("--line-pus", text, kFamilies, "sampled_from",
               "line: pairs of so many PUs, or of all; default: all up to 512 that the budget has time for",
               {.families = "line"}),
      recorded("--loop", names, kSimulator, "scheme", "floor: the loops to simulate, or all",
               {.families = "floor"}),
      condition("--between", number, kSimulator, "between_ns",
                "floor: ns that the loop itself takes after each round", {.families = "floor", .most = 1e6}),
      condition("--inside", number, kSimulator, "inside_ns",
                "floor: ns in a lock's critical section, while a count is held, or before each try of cas",
                {.families = "floor", .most = 1e6}),
      condition("--delay", number, kSimulator, "delay_ns",
                "floor: ns after each round that other hardware threads of the core do not stretch",
                {.families = "floor", .most = 1e6}),
      condition("--lines", count, kSimulator, "walked_lines", "floor: lines of a walk",
                {.families = "floor", .least = 1, .most = 10'000}),
      condition("--rest-of-switch", text, kSimulator, "rest_of_switch",
                "What a switch takes beside the scheme's part: ns, or a file with lines 'CPUs ns'",
                {.families = "switch"}),
      condition("--random-think", flag, kSimulator, "random_think",
                "Draw what is between switches, with --think or --rest-of-switch as the mean",
                {.families = "switch"}),
      // time
      condition("--window", duration, kMeasuring, "window_ns",
                "Length of a measurement, e.g. 200ms; default: as the budget allows", {.least = 1}),
      condition("sim --window", duration, kSimulator, "window_ns",
                "Length of a measurement, in virtual time"),
      condition("--warm", duration, kMeasuring, "warm_ns",
                "Time before it; default: a quarter of the window"),
      option("--reps", count, kMeasuring, "Repetitions; default: 9 if the budget allows",
             {.least = 1, .most = 1'000'000}),
      option("--budget", duration, kMeasuring, "Time limit; unset options are chosen to fit"),
      // the simulation
      condition("--seed", count, kSimulator, "simulator_seed", "Of what the model draws at random",
                {.most = kMostWhole}),
      condition("--scale", number, kSimulator, "simulator_scale",
                "Multiplies every latency of the model, to see how much depends on them",
                {.least = 1e-3, .most = 1000}),
      // the replay
      condition("replay --lifecycle", names, kTraces, "lifecycle",
                "Whose rules for mm_cpumask and the lazy TLB, comma-separated, or all; default: of the "
                "kernel that the trace names, else powerpc, and refcount and shootdown under every other's",
                {.choices = lifecycles}),
      option("--timeline", file, kTraces,
             "Write what every CPU did, under each scheme, for ui.perfetto.dev (JSON; .gz too)"),
      condition("--silicon", flag, kTraces, "world", "Replay on this machine's CPUs, as fast as they go"),
      condition("replay --machine", name, kTraces, "machine",
                "Replay at the recorded times on this machine model, by name or file, or on all that have "
                "the CPUs and are of the lifecycle's kind; default: the smallest of these"),
      option("--until", duration, kTraces, "Only so much of the trace, e.g. 500ms"),
      option("--cpu", cpu_list, kTraces, "Only what happened on these CPUs, a list as 0-3,8"),
      option("--comm", text, kTraces, "Only tasks that have this name at some time"),
      option("--tick-rate", number, kTraces,
             "Ticks per second, where the trace's clock counts ticks (counter, uptime, x86-tsc, ...)",
             {.least = 1e-3, .most = 1e12}),
      option("--threads", count, kTraces, "Schemes replayed at a time; 0 is one per CPU", {.most = 4096}),
      // the explorer
      option("check --scheme", names, kExplorer, "Schemes, comma-separated, or all", {.choices = schemes}),
      option("check --lifecycle", names, kExplorer, "Lifecycles, comma-separated, or all",
             {.choices = lifecycles}),
      option("--case", names, kExplorer, "Cases, comma-separated, or all"),
      option("--verdicts", names, kExplorer,
             "What counts: dangling, compared, used, order, tlb, assert, leak, double-free, or all; a "
             "deadlock always does"),
      option("--memory", name, kExplorer,
             "Memory model: sc, tso, pso, rc11 (C++'s, without load buffering), or natural: tso for "
             "lifecycles of x86, rc11 for the others"),
      option("--weaken", text, kBarriers,
             "Every place in the source that asks for an order asks for less, one at a time: a table of what "
             "breaks. With FILE:LINE[:COLUMN]=ORDER only that place does, everywhere else it is as usual; "
             "ORDER is none (of a fence), relaxed, acquire, release or acq_rel"),
      option("--replay", text, kExplorer, "Show one schedule, as printed with a violation"),
      option("--svg", file, kExplorer,
             "Also draw the violation, or the schedule of --replay, into this file; of one --scheme, "
             "--lifecycle and --case"),
      option("--steps", count, kExplorer, "Steps for each case, 0 is without limit", {.most = kMostWhole}),
      option("--bound", count, kExplorer, "Preemptions at most; default: without bound. Explores unreduced",
             {.most = 1'000'000}),
      option("--most-cpus", count, kExplorer, "Only cases of at most so many CPUs, 0 is any", {.most = 64}),
      option("--most-mms", count, kExplorer, "Only cases that begin with at most so many mms, 0 is any",
             {.most = 64}),
      // the machine
      option("--synthetic", text, kTopology, "Show a made-up machine, e.g. 'pack:16 [numa] core:12 pu:8'"),
      option("--xml", file, kTopology, "Show the machine of a file that lstopo wrote"),
      option("--allow", cpu_list, kTopology, "Show it as if started by taskset with these CPUs, e.g. 0,4-7"),
      option("topo --placement", text, kTopology,
             "Show the order of: compact, scatter, socket, smt-first, smt-last, or a CPU list",
             {.choices = placements}),
      option("topo --cpus", count, kTopology, "Show only so many CPUs of that order",
             {.least = 1, .most = 1'000'000}),
      option("--time", duration, kValidity, "How long to look at the CPUs"),
      // calibration, recording
      option("calibrate --reps", count, kSimulator, "Windows for each number",
             {.least = 1, .most = 1'000'000}),
      option("--buffer", count, kTraces, "Ring buffer of each CPU, KiB", {.least = 64, .most = 1u << 20}),
      option("calibrate -o,--out", file, kSimulator, "The machine file (*.json); - is standard output"),
      option("calibrate --window", duration, kSimulator, "Length of a measurement"),
      option("calibrate --accept-invalid", flag, kSimulator,
             "Take invalid windows where there are no valid ones, and say so in the file"),
      option("record -o,--out", file, kTraces, "The trace; gzipped if it ends in .gz"),
      option("--seconds", duration, kTraces, "How long at most, in seconds or as 500ms, 2m"),
      option("--tracefs", file, kTraces, "Where tracefs is; default where it is mounted"),
      option("--hide-names", flag, kTraces,
             "Call tasks that the command did not start 'other', and leave the command out of the header"),
      // the assessment
      option("--record", duration, kTraces,
             "Record this machine, or the command, for so long at most, e.g. 10s"),
      recorded("assess --lifecycle", name, kLifecycles, "lifecycle",
               "Whose rules the emulated kernel has; default: this kernel's, powerpc where none is its",
               {.choices = lifecycles}),
      recorded("assess --window", duration, kMeasuring, "window_ns", "Length of a measurement"),
      option("assess --reps", count, kMeasuring, "Windows of each case", {.least = 5, .most = 1'000}),
      option("--plant", number, kValidity,
             "Also emulate a refcount whose switch takes so many ns longer, to see whether that is found",
             {.most = 1e6}),
      option("assess --out", file, kRecords, "File for the records (JSON); - is standard output"),
      option("--accept-invalid", flag, kValidity, "Take invalid windows, too"),
      // what becomes of it
      option("assess --json", flag, kDescribe, "What comes out as JSON"),
      option("check --json", flag, kExplorer, "Print JSON: one object for each scheme, lifecycle and case"),
      option("--json", flag, kDescribe, "Print JSON"),
      option("-o,--out", file, kRecords,
             "File for the records (JSON, Google Benchmark's format); - is standard output"),
      option("-q,--quiet", flag, kMeasuring, "Say nothing on standard error but what ends it"),
      option("--config", file, kMeasuring,
             "Take options that are not on the command line from this file (TOML): window = \"100ms\""),
      option("--completion", name, kDescribe, "Print what this shell completes command lines with",
             {.choices = shells}),
      option("--complete", flag, kDescribe,
             "Print what may stand in place of the last word; completions ask for it"),
      option("describe --out", file, kDescribe, "Write it to this file"),
      option("--man", file, kDescribe, "Write the manual's pages into this folder"),
      option("--format", name, kRecords, "What standard output has of the results; default: console",
             {.choices = campaign::formats}),
      option("--unsafe", flag, kSchemes, "Schemes that are unsafe under the lifecycle, too"),
      option("--dry-run", flag, kMeasuring, "Show what would be done, and how long it would take"),
      option("--live", flag, kMeasuring,
             "On a terminal, between windows: a bar for each scheme, and each package's share"),
  });
  return kOptions;
}

namespace {

constexpr std::pair<std::string_view, std::string_view> kValues[] = {
    {"flag", ""},           {"count", "N"},        {"number", "NUMBER"}, {"duration", "TIME"},
    {"name", "NAME"},       {"names", "NAME,..."}, {"text", "TEXT"},     {"file", "FILE"},
    {"cpu counts", "CPUS"}, {"cpu list", "CPUS"}};

}  // namespace

std::string_view to_string(Value value) { return kValues[static_cast<std::size_t>(value)].first; }
std::string_view placeholder(Value value) { return kValues[static_cast<std::size_t>(value)].second; }
Value value_of(std::string_view name) {
  return static_cast<Value>(std::ranges::find(kValues, name, [](const auto& one) { return one.first; }) -
                            kValues);
}

namespace {

// Whether "-o,--out" or "--a,!--b" has this name among its own.
bool is_called(std::string_view names, std::string_view name) {
  for (const std::string& one : split_list(names))
    if (std::string_view(one).substr(one.starts_with('!') ? 1 : 0) == name) return true;
  return false;
}

}  // namespace

const OptionInfo* find_option(std::string_view command, std::string_view name) {
  const std::string own = fmt::format("{} ", command);
  for (const OptionInfo& option : options())
    if (option.name.starts_with(own) && is_called(option.name.substr(own.size()), name)) return &option;
  for (const OptionInfo& option : options())
    if (option.name.starts_with('-') && is_called(option.name, name)) return &option;
  return nullptr;
}

namespace {

template <class Number>
Number parse(std::string_view option, std::string_view text, Number least, Number most, const char* what) {
  const auto value = topology::number<Number>(text);
  // What is not a number (NaN) is not between any.
  if (value && *value >= least && *value <= most) return *value;
  throw UsageError(fmt::format("{}: '{}' is {} from {} to {}", option, text, what, least, most));
}

}  // namespace

std::uint64_t parse_count(std::string_view option, std::string_view text, std::uint64_t least,
                          std::uint64_t most, bool or_none) {
  if (or_none && text == "0") return 0;
  return parse(option, text, least, most, or_none ? "neither 0 nor a whole number" : "not a whole number");
}

double parse_number(std::string_view option, std::string_view text, double least, double most) {
  return parse(option, text, least, most, "not a number");
}

namespace {

constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
    {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};

}  // namespace

std::chrono::nanoseconds parse_duration(std::string_view option, std::string_view text,
                                        std::chrono::nanoseconds least, std::chrono::nanoseconds most) {
  if (text == "0" && least.count() == 0) return least;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc()) {
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const auto& [name, ns] : kUnits)
      if (unit == name && value * ns >= 1 && value * ns <= static_cast<double>(most.count()))
        return std::chrono::nanoseconds(static_cast<std::int64_t>(value * ns));
  }
  const bool bounded = most < std::chrono::hours(1);
  throw UsageError(fmt::format(
      "{}: '{}' is not a duration {} with a unit (us, ms, s, m, h), such as {}", option, text,
      bounded ? fmt::format("from 0 to {}", duration_text(most)) : "above 0", bounded ? "2us" : "250ms"));
}

std::string duration_text(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<double>(duration.count());
  std::size_t unit = kUnits.size() - 1;
  while (unit > 0 && std::fmod(ns, kUnits[unit].second) != 0) --unit;
  return fmt::format("{}{}", ns / kUnits[unit].second, kUnits[unit].first);
}

namespace {

// How many bytes the UTF-8 character takes that the text begins with; 0 if it begins with none.
std::size_t utf8_length(std::string_view text) {
  if (static_cast<unsigned char>(text.front()) < 0x80) return 1;
  for (std::size_t length = 2; length <= std::min<std::size_t>(4, text.size()); ++length)
    if (nlohmann::json::accept(fmt::format("\"{}\"", text.substr(0, length)))) return length;
  return 0;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string visible;
  while (!text.empty()) {
    const auto code = static_cast<unsigned char>(text.front());
    std::size_t length = utf8_length(text);
    if (code == '\n') {
      visible += "\\n";
    } else if (code < 0x20 || code == 0x7f || length == 0) {
      visible += fmt::format("\\x{:02x}", code);
      length = 1;
    } else {
      visible += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return visible;
}

void make_folder_of(const std::string& path) {
  if (path.empty() || measure::is_standard_output(path)) return;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return;
  std::error_code error;
  std::error_code not_there;
  std::filesystem::create_directories(folder, error);
  if (error && !std::filesystem::exists(folder, not_there))
    throw std::runtime_error(fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
}

}  // namespace mmscale::cli
