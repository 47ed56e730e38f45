// SPDX-License-Identifier: MIT
#include "host/switches.h"

#include <fmt/format.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "machine/silicon/clock.h"
#include "measure/file_limit.h"
#include "measure/leader.h"

namespace mmscale::host {
namespace {

// End 0 of a pair leads, end 1 answers.
constexpr unsigned kLead = 0;
constexpr unsigned kAnswer = 1;

struct alignas(machine::kApart) Pair {
  measure::Side lead;
  measure::Side answer;
  WireWords words;
};

void compute(std::chrono::nanoseconds time) {
  if (time.count() == 0) return;
  const auto end = machine::silicon::now_ns() + static_cast<std::uint64_t>(time.count());
  while (machine::silicon::now_ns() < end) {
  }
}

class PingPong {
 public:
  PingPong(Wire& wire, std::chrono::nanoseconds pause) : wire_(wire), pause_(pause) {}

  bool play(std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) tell(Message::ping);
    return true;
  }
  void probe() { tell(Message::probe); }
  void open() { tell(Message::snapshot); }
  void close() { tell(Message::snapshot); }
  void quit() { tell(Message::quit); }

 private:
  void tell(Message message) {
    compute(pause_);
    wire_.send_to(kAnswer, message);
    wire_.receive_at(kLead);
  }

  Wire& wire_;
  const std::chrono::nanoseconds pause_;
};

void lead(Wire& wire, Pair& pair, std::chrono::nanoseconds pause, measure::Phases& phases, unsigned pairs,
          const measure::WindowTimes& times, unsigned pu) {
  PingPong player(wire, pause);
  measure::Leader(player, phases, pairs, times, pu, pair.lead).run();
  player.quit();
}

void answer(Wire& wire, measure::Side& side, std::chrono::nanoseconds pause) {
  const measure::ThreadProbe probe;
  measure::PmuCounters pmu(measure::this_pmu());
  bool probed = false;
  bool opened = false;
  for (;;) {
    const Message message = wire.receive_at(kAnswer);
    if (message == Message::probe) {
      (probed ? side.alu_after : side.alu_before) = measure::alu_rate();
      probed = true;
    } else if (message == Message::snapshot) {
      if (opened) pmu.end();
      (opened ? side.after : side.before) = probe.snapshot();
      if (!opened) pmu.begin();
      opened = true;
    }
    compute(pause);
    wire.send_to(kLead, Message::ping);
    if (message != Message::quit) continue;
    side.pmu = pmu.reading();
    return;
  }
}

measure::PmuReading sum(const measure::PmuReading& a, const measure::PmuReading& b) {
  measure::PmuReading sum;
  for (std::size_t i = 0; i < sum.size(); ++i)
    if (a[i] && b[i]) sum[i] = *a[i] + *b[i];
  return sum;
}

std::int64_t departures(const measure::Side& side) {
  const measure::ThreadDisturbance thread = side.after - side.before;
  if (!thread.counted)
    throw CastError("the kernel does not say how often a thread switches: getrusage is refused");
  return thread.voluntary + thread.involuntary;
}

// Both ends on one CPU: what is judged is the CPU's, and the worse of the two.
measure::CpuConditions both(const Pair& pair, unsigned pu) {
  measure::CpuConditions conditions = pair.lead.conditions(pu);
  const measure::CpuConditions other = pair.answer.conditions(pu);
  if (other.thread.migrated || other.thread.cpu_before != pu) conditions.thread = other.thread;
  conditions.thread.involuntary = (pair.lead.after - pair.lead.before).involuntary + other.thread.involuntary;
  return conditions;
}

// The CPU windows of pair `i`: one, or two.
void fill(const Pair& pair, std::size_t i, Ends ends, measure::Window& window) {
  const auto take = [&pair](measure::CpuWindow& cpu, std::int64_t switches) {
    cpu.start_ns = pair.lead.start_ns;
    cpu.end_ns = pair.lead.end_ns;
    cpu.rounds = pair.lead.rounds;
    cpu.switches = static_cast<std::uint64_t>(switches);
  };
  if (ends == Ends::same_cpu) {
    measure::CpuWindow& cpu = window.cpus[i];
    take(cpu, departures(pair.lead) + departures(pair.answer));
    cpu.pmu = sum(pair.lead.pmu, pair.answer.pmu);
    window.conditions.cpus.push_back(both(pair, cpu.pu));
    // One CPU cannot answer itself without switching there and back; four for the window's edges.
    if (cpu.switches + 4 < 2 * cpu.rounds)
      window.audit.push_back(fmt::format("cpu {}: {} round trips, but the kernel counted {} switches", cpu.pu,
                                         cpu.rounds, cpu.switches));
    return;
  }
  measure::CpuWindow& first = window.cpus[2 * i];
  measure::CpuWindow& second = window.cpus[2 * i + 1];
  take(first, 2 * departures(pair.lead));
  take(second, 2 * departures(pair.answer));
  first.pmu = pair.lead.pmu;
  second.pmu = pair.answer.pmu;
  window.conditions.cpus.push_back(pair.lead.conditions(first.pu));
  window.conditions.cpus.push_back(pair.answer.conditions(second.pu));
}

// A round has two messages: one CPU has both and a switch each, or two have one each, where a sleep is two switches.
double slept_share(const measure::Window& window) {
  double rounds = 0, switches = 0;
  for (const measure::CpuWindow& cpu : window.cpus) {
    rounds += static_cast<double>(cpu.rounds);
    switches += static_cast<double>(cpu.switches);
  }
  return rounds == 0 ? 0 : std::min(1.0, switches / (2 * rounds));
}

std::vector<Process> processes_of(const SwitchSpec& spec, std::vector<Part> parts) {
  if (spec.tasks == Tasks::threads) return {std::move(parts)};
  std::vector<Process> processes;
  for (Part& part : parts) processes.push_back({std::move(part)});
  return processes;
}

}  // namespace

Answer ask_switches(const measure::Bench& bench, const SwitchSpec& spec, std::span<const unsigned> pus,
                    const measure::WindowTimes& times) {
  const bool cross = spec.ends == Ends::cross_cpu;
  if (pus.empty() || (cross && pus.size() % 2 != 0))
    throw std::invalid_argument(
        fmt::format("pairs across CPUs need an even number of CPUs, not {}", pus.size()));
  const auto pairs = static_cast<unsigned>(cross ? pus.size() / 2 : pus.size());

  const SharedArray<measure::Phases> phases(1);
  // Each pair on pages of its own: a futex that is keyed by its page counts a user of it in and out at every call.
  std::deque<SharedArray<Pair>> pages;
  for (unsigned i = 0; i < pairs; ++i) pages.emplace_back(1);
  if (spec.primitive == Primitive::pipe) measure::raise_file_limit();
  std::vector<Wire> wires;
  for (unsigned i = 0; i < pairs; ++i) wires.emplace_back(spec.primitive, pages[i][0].words);
  std::vector<Part> parts;
  for (unsigned i = 0; i < pairs; ++i) {
    const unsigned pu = pus[cross ? 2 * i : i];
    parts.push_back(
        {pu, [&, i, pu] { lead(wires[i], pages[i][0], spec.pause, phases[0], pairs, times, pu); }});
    parts.push_back(
        {pus[cross ? 2 * i + 1 : i], [&, i] { answer(wires[i], pages[i][0].answer, spec.pause); }});
  }
  Cast cast(bench.topology, processes_of(spec, std::move(parts)));
  const Witness witness = act(bench, cast, pus, times);

  Answer result{.window = measure::empty_window(bench, pus), .findings = {}};
  for (unsigned i = 0; i < pairs; ++i) fill(pages[i][0], i, spec.ends, result.window);
  judge_window(bench, witness, times, true, result.window);
  nlohmann::ordered_json details = {{"question", "switch"},
                                    {"primitive", kPrimitiveNames[static_cast<std::size_t>(spec.primitive)]},
                                    {"tasks", kTasksNames[static_cast<std::size_t>(spec.tasks)]},
                                    {"ends", kEndsNames[static_cast<std::size_t>(spec.ends)]}};
  if (spec.primitive == Primitive::futex) details["futex_key"] = "page";
  if (spec.pause.count() != 0) details["pause_ns"] = spec.pause.count();
  result.findings.put("slept_share", slept_share(result.window));
  report(witness.account, static_cast<double>(witness.account.switches), result.findings, details);
  return result;
}

}  // namespace mmscale::host
