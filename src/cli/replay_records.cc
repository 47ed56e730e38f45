// SPDX-License-Identifier: MIT
#include "cli/replay_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "campaign/google.h"
#include "campaign/record_file.h"
#include "cli/rules.h"
#include "measure/environment.h"
#include "measure/record.h"
#include "scheme/known.h"

namespace mmscale::cli {
namespace {

// A trace's name in that of its record: without folders and without what would part the name.
std::string short_name(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == ':' || c == ' '; }, '_');
  return name;
}

measure::Record make_record(const std::string& trace, const ReplayPlace& place, const trace::Facts& facts,
                            const trace::SchemeResult& scheme) {
  const auto& [spec, result] = scheme;
  measure::Record record;
  record.name = fmt::format("replay/{}/{}/{}/cpus:{}", short_name(trace), spec.scheme, spec.lifecycle,
                            facts.cpus.size());
  record.subject.family = "replay";
  record.subject.workload = short_name(trace);
  record.subject.scheme = spec.scheme;
  record.subject.sharing = "recorded";
  record.subject.placement = "compact";
  record.subject.lifecycle = spec.lifecycle;
  record.subject.settings = spec.settings;
  record.subject.settings.processes = measure::Subject().settings.processes;
  record.subject.settings.processes.idle_exit = spec.settings.processes.idle_exit;
  record.subject.absent = scheme::lifecycle_info(spec.lifecycle).absent;
  record.subject.transport = place.transport;
  record.subject.transport_reason = place.transport_reason;
  record.subject.home_node = spec.home_node;
  record.subject.pus = spec.pus;
  const auto span = static_cast<std::int64_t>(std::max<std::uint64_t>(result.span_ns, 1));
  record.times.measure = std::chrono::nanoseconds(span);
  for (std::size_t cpu = 0; cpu < result.cpus.size(); ++cpu) {
    measure::CpuWindow window;
    window.pu = spec.pus[cpu];
    if (const topology::Pu* pu = topology::find(place.layout, window.pu)) window.package = pu->package;
    window.end_ns = span;
    window.rounds = 1;
    window.switches = result.switches[cpu];
    window.tally = result.cpus[cpu];
    record.window.cpus.push_back(window);
  }
  record.window.tally = result.sum;
  record.window.overlap = 1;
  record.window.audit = result.audit;
  record.window.verdict.valid = result.audit.empty();
  if (!result.audit.empty()) record.window.verdict.reasons = {"conservation: " + result.audit.front()};
  return record;
}

// What a trace adds. ipis_exit_flush and shoot_self are what a tracer on the real kernel counts: calls of
// do_exit_flush_lazy_tlb queued, whatever flush they are for, and runs of do_shoot_lazy_tlb on the dropping
// CPU, whether or not it borrowed.
void add_findings(measure::Record& record, const ReplayPlace& place, const trace::Facts& facts,
                  const trace::SchemeResult& scheme) {
  const trace::ReplayResult& result = scheme.result;
  auto& findings = record.findings;
  const auto put = [&findings](std::string_view name, std::uint64_t value) {
    findings.put(name, static_cast<double>(value));
  };
  // Time between two switches is the trace's, not the scheme's: what is compared is what they cost.
  const std::uint64_t switches =
      std::accumulate(result.switches.begin(), result.switches.end(), std::uint64_t{0});
  findings.operation_ns =
      static_cast<double>(result.kernel_ns) / static_cast<double>(std::max<std::uint64_t>(switches, 1));
  findings.operation = "switch";
  put("switches", switches);
  put("span_ns", result.span_ns);
  put("kernel_ns", result.kernel_ns);
  findings.put("teardown_ns", result.teardown_ns);
  put("trace_events", facts.events);
  put("trace_switches", facts.switches);
  put("mms_adopted", facts.adopted);
  put("mms_died", facts.died);
  put("migrations", facts.migrations);
  put("steps", facts.steps);
  nlohmann::ordered_json details = {{"world", place.world},
                                    {"trace", facts.format},
                                    {"trace_cpus", facts.cpus},
                                    {"notes", facts.explain()}};
  if (!place.model.empty()) details["machine"] = place.model;
  if (result.lines) {
    put("lines_moved", lines_moved(*result.lines));
    put("line_requests", result.lines->requests);
    put("line_wait_ns", result.lines->waited / machine::simulator::kPsPerNs);
    for (std::size_t i = 0; i < machine::simulator::kReaches; ++i)
      details["lines_by_distance"][std::string(machine::simulator::kReachNames[i])] =
          result.lines->moved[i] + result.lines->copied[i];
  }
  for (std::size_t i = 0; i < trace::kOddities; ++i)
    put(fmt::format("odd_{}", trace::kOddityNames[i]), facts.odd[i].count);
  findings.add_details(details);
}

}  // namespace

std::uint64_t lines_moved(const machine::simulator::Statistics& lines) {
  return std::accumulate(lines.moved.begin(), lines.moved.end(), std::uint64_t{0}) +
         std::accumulate(lines.copied.begin(), lines.copied.end(), std::uint64_t{0});
}

void write_replay_records(const std::string& out, const ReplayOrigin& origin,
                          std::span<const Replayed> replayed, const std::string& command_line) {
  nlohmann::ordered_json context = campaign::context_json();
  for (const auto& [key, value] : measure::read_environment("/", {}, command_line).facts())
    context[key] = value;
  context["mmscale_world"] = replayed.front().place.world;
  campaign::RecordFile file(out, context);
  for (const auto& [place, session] : replayed)
    for (const trace::SchemeResult& scheme : session.schemes) {
      measure::Record record = make_record(origin.trace, place, session.facts, scheme);
      record.subject.lifecycle_reason = origin.lifecycle_reason;
      if (replayed.size() > 1) record.name += "/machine:" + place.model;
      add_findings(record, place, session.facts, scheme);
      nlohmann::ordered_json json = campaign::to_json(record);
      const kernel::Tally& sum = scheme.result.sum;
      json["ipis_exit_flush"] = static_cast<double>(sum.ipis_exit_flush + sum.ipis_trim);
      json["ipis_exit_flush_deaths"] = static_cast<double>(sum.ipis_exit_flush);
      json["shoot_self"] = static_cast<double>(sum.ipis_local);
      json["shoot_self_borrowing"] = static_cast<double>(sum.shoot_self);
      nlohmann::ordered_json& details = json["mmscale"];
      for (const auto& [key, value] : {std::pair{"trace_kernel", origin.kernel},
                                       {"trace_machine", origin.machine},
                                       {"trace_processor", origin.processor},
                                       {"unsafe", why_unsafe(scheme.spec.scheme, scheme.spec.lifecycle,
                                                             scheme.spec.settings.rules, {})}})
        if (!value.empty()) details[key] = value;
      file.append(json);
    }
  file.close();
}

}  // namespace mmscale::cli
