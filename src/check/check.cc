// SPDX-License-Identifier: MIT
#include "check/check.h"

#include <fmt/format.h>

#include <ctime>
#include <map>
#include <set>

#include "machine/explorer/schedule.h"
#include "scheme/known.h"

namespace mmscale::check {

namespace explorer = machine::explorer;

namespace {

// What this thread has had of a CPU: a machine that does other things as well is no slower explorer.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

bool is_bad(explorer::Ending ending) {
  return ending == explorer::Ending::violated || ending == explorer::Ending::deadlock;
}

// The same violation with few preemptions, if there is such a one nearby: with no store delayed and no old value read, or
// else under the memory model that showed it.
explorer::Schedule shortest(std::string_view scheme, std::string_view lifecycle, const Case& the_case,
                            const Options& options, explorer::Schedule found) {
  constexpr int kPreemptions = 2;
  constexpr std::uint64_t kSteps = 2'000'000;
  for (const explorer::Memory memory : {explorer::Memory::sc, found.memory})
    for (int preemptions = 0; preemptions <= kPreemptions; ++preemptions) {
      auto program = make_program(scheme, lifecycle, the_case, options.verdicts);
      explorer::Limits limits;
      limits.steps = kSteps;
      limits.preemptions = preemptions;
      limits.orders = options.orders;
      explorer::Result result = explorer::explore(*program, memory, limits);
      if (is_bad(result.ending)) return result.schedule;
    }
  return found;
}

// "a, b" of the classes that count, and where the first was seen.
void describe(Outcome& outcome, const explorer::Replay& replayed, const Program& program, unsigned verdicts) {
  if (replayed.ending == explorer::Ending::deadlock) {
    outcome.violation = "DEADLOCK";
    outcome.where = "every CPU waits";
    return;
  }
  for (const Finding& finding : program.findings()) {
    if ((verdicts & (1u << static_cast<unsigned>(finding.violation))) == 0) continue;
    const std::string name(kernel::to_string(finding.violation));
    if (outcome.violation.find(name) != std::string::npos) continue;
    if (outcome.where.empty()) outcome.where = finding.where;
    outcome.violation += (outcome.violation.empty() ? "" : ", ") + name;
  }
}

// Every class with what it means, the worst first.
struct Meaning {
  std::string_view name;
  std::string_view what;
};
constexpr Meaning kMeanings[] = {
    {"USED", "freed memory was used"},
    {"DOUBLE-FREE", "an mm was freed twice"},
    {"TLB", "a user access went through a translation that a flush had removed"},
    {"DANGLING", "an mm was freed while some CPU's active_mm still pointed at it"},
    {"ORDER", "membarrier(2)'s promise was broken"},
    {"DEADLOCK", "every CPU waits for ever"},
    {"ASSERT", "a rule of the kernel about contexts was broken"},
    {"LEAK", "an mm or a reference was left at the end"},
    {"COMPARED",
     "a pointer to a freed mm was compared with that of a live one; no freed memory is touched by that "
     "alone"},
};

}  // namespace

unsigned severity_of(std::string_view violation) {
  unsigned rank = 0;
  for (const Meaning& meaning : kMeanings) {
    if (violation.find(meaning.name) != std::string_view::npos) break;
    ++rank;
  }
  return rank;
}

std::string meaning_of(std::string_view violation) {
  std::string text;
  for (const Meaning& meaning : kMeanings)
    if (violation.find(meaning.name) != std::string_view::npos)
      text += fmt::format("{}{}", text.empty() ? "" : "; ", meaning.what);
  return text;
}

std::string function_of(std::string_view pretty) {
  pretty = pretty.substr(0, pretty.find('('));
  while (pretty.ends_with('>')) {
    std::size_t at = pretty.size();
    for (int depth = 0; at-- > 0;) {
      depth += pretty[at] == '>' ? 1 : pretty[at] == '<' ? -1 : 0;
      if (depth == 0) break;
    }
    if (at >= pretty.size()) break;
    pretty = pretty.substr(0, at);
  }
  return std::string(pretty.substr(pretty.find_last_of(": *&") + 1));
}

std::string file_of(std::string_view path) { return std::string(path.substr(path.find_last_of('/') + 1)); }

namespace {

// Of a read under rc11 that does not see the newest, of a store that is not the newest.
std::string older(unsigned newer, std::string_view how) {
  if (newer == 0) return {};
  return fmt::format(" ({} {} store{} made before)", how, newer, newer == 1 ? "" : "s");
}

// Empty for what no other CPU can tell.
std::string text_of(const explorer::Event& event, const Program& program) {
  using Kind = explorer::Operation::Kind;
  const explorer::Operation& operation = event.operation;
  if (event.transition.kind == explorer::Transition::Kind::interrupt) return "takes an interrupt";
  if (event.transition.kind == explorer::Transition::Kind::drain)
    return fmt::format("its store to {} reaches memory", program.name_of(operation.location));
  const std::string prefix = fmt::format("{} ({}:{}): ", function_of(operation.where.function_name()),
                                         file_of(operation.where.file_name()), operation.where.line());
  switch (operation.kind) {
    case Kind::load:
      return prefix +
             fmt::format("reads {}: {}", program.name_of(operation.location), program.value_of(event.after)) +
             older(event.newer, "older than");
    case Kind::store:
      return prefix +
             fmt::format("{} = {}", program.name_of(operation.location),
                         program.value_of(operation.operand)) +
             older(event.newer, "comes before");
    case Kind::rmw:
      if (std::string_view(operation.name).starts_with("send"))
        return prefix + fmt::format("{} {}", operation.name, operation.operand);
      return prefix +
             fmt::format("{} {} {}, was {}", program.name_of(operation.location), operation.name,
                         program.value_of(operation.operand), program.value_of(event.before)) +
             older(event.newer, "comes before");
    case Kind::wait:
      return prefix + "has waited long enough" + older(event.newer, "sees what is older than");
    case Kind::fence:
      return prefix + operation.name;
    case Kind::local:
    case Kind::done:
      break;
  }
  return {};
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  constexpr std::string_view kNames[] = {"safe", "bounded", "violated"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string_view to_string(Line::Kind kind) {
  constexpr std::string_view kNames[] = {"step", "drain", "interrupt"};
  return kNames[static_cast<std::size_t>(kind)];
}

explorer::Memory natural_memory(std::string_view lifecycle) {
  return scheme::lifecycle_info(lifecycle).total_store_order ? explorer::Memory::tso : explorer::Memory::rc11;
}

Outcome check(std::string_view scheme, std::string_view lifecycle, const Case& the_case,
              const Options& options) {
  const double start = cpu_seconds();
  auto program = make_program(scheme, lifecycle, the_case, options.verdicts);
  explorer::Limits limits;
  limits.steps = options.steps;
  limits.preemptions = options.preemptions;
  limits.orders = options.orders;
  limits.symmetry = options.symmetry;
  Outcome outcome;
  outcome.memory = options.memory.value_or(natural_memory(lifecycle));
  explorer::Result result = explorer::explore(*program, outcome.memory, limits);
  outcome.executions = result.executions;
  outcome.steps = result.steps;
  outcome.states = result.states;
  if (is_bad(result.ending)) {
    outcome.verdict = Verdict::violated;
    const explorer::Schedule schedule =
        options.shorten ? shortest(scheme, lifecycle, the_case, options, std::move(result.schedule))
                        : std::move(result.schedule);
    outcome.schedule = explorer::to_string(schedule);
    auto again = make_program(scheme, lifecycle, the_case, options.verdicts);
    describe(outcome, explorer::replay(*again, schedule, options.orders), *again, options.verdicts);
  } else if (result.ending == explorer::Ending::stopped || options.preemptions >= 0) {
    outcome.verdict = Verdict::bounded;
  }
  outcome.seconds = cpu_seconds() - start;
  return outcome;
}

Trace trace(std::string_view scheme, std::string_view lifecycle, const Case& the_case,
            std::string_view schedule, unsigned verdicts, const explorer::Orders& orders) {
  auto program = make_program(scheme, lifecycle, the_case, verdicts);
  const explorer::Replay replayed = explorer::replay(*program, explorer::parse_schedule(schedule), orders);
  Trace trace;
  trace.cpus = the_case.cpus();
  std::map<const void*, std::set<unsigned>> touched;
  for (const explorer::Event& event : replayed.events)
    touched[event.operation.location].insert(event.transition.cpu);
  for (const explorer::Event& event : replayed.events)
    if (std::string text = text_of(event, *program); !text.empty())
      trace.lines.push_back(
          {event.transition.cpu, event.transition.kind, std::move(text),
           event.operation.location == nullptr || touched[event.operation.location].size() > 1});
  Outcome outcome;
  describe(outcome, replayed, *program, verdicts);
  trace.violation = outcome.violation;
  trace.where = outcome.where;
  return trace;
}

std::vector<std::string> explain(std::string_view scheme, std::string_view lifecycle, const Case& the_case,
                                 std::string_view schedule, unsigned verdicts,
                                 const explorer::Orders& orders) {
  const Trace shown = trace(scheme, lifecycle, the_case, schedule, verdicts, orders);
  std::vector<std::string> lines;
  for (const Line& line : shown.lines)
    lines.push_back(fmt::format("{:>3}  CPU {}: {}", lines.size() + 1, line.cpu, line.text));
  if (shown.violation.empty()) {
    lines.push_back("no violation");
    return lines;
  }
  const std::size_t fatal = lines.size();
  lines.push_back(fmt::format("{}: {}", shown.violation, shown.where));
  lines.push_back(fmt::format("  shown by step {}: {}", fatal, meaning_of(shown.violation)));
  return lines;
}

}  // namespace mmscale::check
