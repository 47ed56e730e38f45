// SPDX-License-Identifier: MIT
#include "workload/program.h"

#include <fmt/format.h>

namespace mmscale::workload {

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
    switch (step.op) {
      case Op::switch_to: {
        const std::uint32_t process = program.tasks[step.operand].process;
        text += process == TaskSpec::kKernelThread ? fmt::format("kthread{}", step.operand)
                                                   : fmt::format("task{}/mm{}", step.operand, process);
        break;
      }
      case Op::idle:
        text += "idle";
        break;
      case Op::exit:
        text += "exit";
        break;
      case Op::await_birth:
        text += fmt::format("await{}", step.operand);
        break;
      case Op::think:
        text += fmt::format("think{}", step.operand);
        break;
      case Op::use_mm:
        text += fmt::format("use-mm{}", step.operand);
        break;
      case Op::unuse_mm:
        text += "unuse-mm";
        break;
      case Op::exec:
        text += "exec";
        break;
      case Op::clone:
        text += fmt::format("clone{}", step.operand);
        break;
      case Op::grab:
        text += "grab";
        break;
      case Op::drop:
        text += "drop";
        break;
      case Op::madvise:
        text += "madvise";
        break;
      case Op::munmap:
        text += "munmap";
        break;
      case Op::deep_idle:
        text += "deep-idle";
        break;
      case Op::hand_off:
        text += fmt::format("hand-off{}", step.operand);
        break;
      case Op::await_task:
        text += fmt::format("await-task{}", step.operand);
        break;
      case Op::replug:
        text += "replug";
        break;
    }
  }
  return text;
}

}  // namespace mmscale::workload
