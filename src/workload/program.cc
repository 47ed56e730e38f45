// SPDX-License-Identifier: MIT
#include "workload/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace mmscale::workload {
namespace {

// In Op's order.
constexpr std::string_view kNames[] = {
    "switch_to", "idle",        "run",         "exit",         "born",       "thread",    "clone",
    "fork",      "exec",        "flush_pages", "flush_tables", "touch",      "use_mm",    "unuse_mm",
    "serve",     "served",      "hold",        "let_go",       "get_user",   "put_user",  "flush_other",
    "efi",       "deep_idle",   "stop_tick",   "busy_tick",    "tick",       "offline",   "replug",
    "think",     "await_birth", "bear",        "hand_off",     "await_task", "signal",    "await_event",
    "join",      "leave_mm",    "kthread",     "nmi",          "slow_side",  "fast_side", "fast_store",
    "fast_load"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Op::fast_load) + 1);

// Of which a line of text says the operand.
constexpr Op kWithOperand[] = {Op::clone, Op::serve,    Op::stop_tick,  Op::think,  Op::await_birth,
                               Op::bear,  Op::hand_off, Op::await_task, Op::signal, Op::await_event};

}  // namespace

std::uint32_t count_switches(const std::vector<Step>& steps) {
  std::uint32_t switches = 0;
  for (const Step& step : steps)
    if (step.op == Op::switch_to || step.op == Op::idle || step.op == Op::exit) ++switches;
  return switches;
}

std::string to_string(const Program& program, std::uint32_t cpu) {
  std::string text;
  for (const Step& step : program.cpus[cpu].steps) {
    if (!text.empty()) text += ' ';
    if (step.op == Op::switch_to) {
      const std::uint32_t process = program.tasks[step.operand].process;
      text += process == TaskSpec::kKernelThread ? fmt::format("kthread{}", step.operand)
                                                 : fmt::format("task{}/mm{}", step.operand, process);
    } else {
      text += kNames[static_cast<std::size_t>(step.op)];
      if (std::ranges::find(kWithOperand, step.op) != std::end(kWithOperand))
        text += fmt::format("{}", step.operand);
    }
  }
  return text;
}

}  // namespace mmscale::workload
