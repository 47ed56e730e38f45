// SPDX-License-Identifier: MIT
//
// Looks on at a replay in virtual time and writes its timeline. What it shows is read off the emulated kernel, whatever
// the scheme: the CPUs' tallies, active_mm, the calls on other CPUs. Looking takes no virtual time.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kernel/cpu.h"
#include "trace/replay_core.h"
#include "trace/steps.h"
#include "trace/timeline.h"

namespace mmscale::trace {

template <class Machine>
class ReplayWatch final : public Machine::CallWatch {
 public:
  using Cpu = kernel::Cpu<Machine>;
  using Mm = kernel::Mm<Machine>;

  // After every CPU has booted. `name`: the replay's; `cpus`: the trace's numbers of the emulated CPUs; `start_ns`: the
  // trace's beginning on the machines' clock. The core and the machines stay.
  ReplayWatch(TimelineFile& file, unsigned process, std::string name, const std::vector<std::uint32_t>& cpus,
              ReplayCore<Machine>& core, const std::vector<std::unique_ptr<Machine>>& machines,
              std::uint64_t start_ns)
      : timeline_(file, process, std::move(name), cpus),
        cpus_(cpus),
        core_(core),
        machines_(machines),
        start_ns_(start_ns),
        locals_(cpus.size()) {
    for (unsigned cpu = 0; cpu < locals_.size(); ++cpu) locals_[cpu].seen = core.tally(cpu);
    core.on_freed([](void* self, Machine& m, Mm* mm) { static_cast<ReplayWatch*>(self)->freed(m, mm); },
                  this);
  }
  ~ReplayWatch() { core_.on_freed(nullptr, nullptr); }
  ReplayWatch(const ReplayWatch&) = delete;
  ReplayWatch& operator=(const ReplayWatch&) = delete;

  // Around a step, on its CPU. `died`: with it an mm lost its last task.
  void begin(Machine& m, Cpu& cpu, const Step& step) {
    account(m, cpu);
    if (step.op == Op::leave_mm || step.op == Op::exec)
      locals_[m.cpu()].left = name_of(m.peek(cpu.curr)->mm.known());
    timeline_.begin(m.cpu(), Track::runs, now(m), function_of(step.op));
  }
  void end(Machine& m, Cpu& cpu, const Step& step, bool died) {
    account(m, cpu);
    if (step.op == Op::exec)
      bear(m.peek(cpu.curr)->mm.known(), step);
    else if (step.op == Op::born || step.op == Op::fork)
      bear(core_.task(step.slot).mm.known(), step);
    if (died) say(m, Track::runs, fmt::format("{} has no task any more", locals_[m.cpu()].left));
    timeline_.end(m.cpu(), Track::runs, now(m));
    if (step.op == Op::switch_to || step.op == Op::exec) show_task(m, cpu, step);
    show_borrow(m, cpu);
  }

  // A request for `target` is about to be queued, of all that this CPU queues the `number`th.
  void queues(Machine& m, unsigned target, std::uint64_t number, const void* info) override {
    Local& local = locals_[m.cpu()];
    for (const auto& [member, name] : kPurposes)
      if (core_.tally(m.cpu()).*member != local.seen.*member) local.purpose = name;
    account(m, kernel::this_cpu(m));
    say(m, Track::runs, fmt::format("IPI to CPU {}", cpus_[target]), call(m.cpu(), info));
    timeline_.arrow_from(m.cpu(), now(m), arrow(m.cpu(), number));
  }
  // Around its handler, on the CPU that was called.
  void handles(Machine& m, unsigned from, std::uint64_t number, const void* info) override {
    account(m, kernel::this_cpu(m));
    timeline_.begin(m.cpu(), Track::runs, now(m), fmt::format("IPI from CPU {}", cpus_[from]),
                    call(from, info));
    timeline_.arrow_to(m.cpu(), now(m), arrow(from, number));
    locals_[m.cpu()].before_handler = core_.tally(m.cpu());
  }
  void handled(Machine& m) override {
    account(m, kernel::this_cpu(m));
    const kernel::Tally found = core_.tally(m.cpu()).since(locals_[m.cpu()].before_handler);
    timeline_.end(m.cpu(), Track::runs, now(m),
                  found.ipis_useful != 0 ? R"("found": "a borrower")"
                  : found.ipis_user != 0 ? R"("found": "a user")"
                                         : R"("found": "nobody")");
    show_borrow(m, kernel::this_cpu(m));
  }

  // Not on a fiber.
  void flush() { timeline_.flush(); }
  // After the last step, when what was postponed has been freed. `sum`: what the replay counted.
  void finish(const kernel::Tally& sum) {
    std::uint64_t last = 0;
    for (const auto& machine : machines_) {
      account(*machine, kernel::this_cpu(*machine));
      last = std::max(last, now(*machine));
    }
    timeline_.finish(last, fmt::format("{} mm_count operations, {} IPIs, {} mms freed", sum.mm_count_ops(),
                                       sum.ipis_sent(), sum.mms_freed));
  }

 private:
  using Track = Timeline::Track;

  // An mm's number is the same under every scheme: mms are born in the trace's order.
  struct Name {
    std::uint64_t number = 0;
    std::string text;
  };
  struct Local {
    // What the timeline has shown of the CPU's tally.
    kernel::Tally seen;
    kernel::Tally before_handler;
    // What this CPU last called others for.
    std::string_view purpose;
    // Of the mm that the current task is leaving.
    std::string left;
    bool runs = false;
    // The mm it is shown to borrow, 0 for none.
    std::uint64_t borrowed = 0;
  };
  static constexpr std::array<std::pair<std::uint64_t kernel::Tally::*, std::string_view>, 4> kPurposes = {
      {{&kernel::Tally::ipis_shoot, "shoot lazy"},
       {&kernel::Tally::ipis_exit_flush, "exit flush"},
       {&kernel::Tally::ipis_trim, "trim the mask"},
       {&kernel::Tally::ipis_flush, "flush"}}};

  static constexpr std::pair<Op, std::string_view> kFunctions[] = {{Op::switch_to, "context_switch"},
                                                                   {Op::fork, "dup_mm"},
                                                                   {Op::clone, "clone"},
                                                                   {Op::exec, "exec_mmap"},
                                                                   {Op::leave_mm, "exit_mm"}};

  static std::string_view function_of(Op op) {
    for (const auto& [of, name] : kFunctions)
      if (of == op) return name;
    return "was there before";
  }
  static std::string task_name(const Step& step) {
    return step.comm.view().empty() ? fmt::format("pid {}", step.pid) : std::string(step.comm.view());
  }
  static std::uint64_t arrow(unsigned from, std::uint64_t number) {
    return std::uint64_t{from} << 40 | number;
  }

  std::uint64_t now(const Machine& m) const { return m.now() - start_ns_; }
  void say(Machine& m, Track track, std::string_view what, std::string_view args = {}) {
    timeline_.instant(m.cpu(), track, now(m), what, args);
  }
  std::string name_of(const void* mm) const {
    const auto found = names_.find(mm);
    return found == names_.end() ? "several mms" : found->second.text;
  }
  std::string call(unsigned from, const void* info) const {
    return fmt::format(R"("to": "{}", "mm": {})", locals_[from].purpose, json_string(name_of(info)));
  }

  // Shows what this CPU has done to mm_counts since it was last asked.
  void account(Machine& m, Cpu& cpu) {
    Local& local = locals_[m.cpu()];
    const kernel::Tally done = cpu.tally.since(local.seen);
    local.seen = cpu.tally;
    if (const std::uint64_t taken = done.lazy_grabs + done.lazy_grabs_unlazy; taken != 0)
      say(m, Track::borrows, fmt::format("mm_count +{}", taken), fmt::format(R"("n": {})", taken));
    if (const std::uint64_t dropped = done.lazy_drops + done.lazy_drops_unlazy; dropped != 0)
      say(m, Track::borrows, fmt::format("mm_count -{}", dropped), fmt::format(R"("n": {})", dropped));
  }

  void bear(const Mm* mm, const Step& step) {
    if (mm == nullptr) return;
    ++born_;
    names_[mm] = {born_, fmt::format("mm {} of {}/{}", born_, task_name(step), step.pid)};
  }
  void freed(Machine& m, const Mm* mm) {
    say(m, Track::runs, "freed " + name_of(mm));
    names_.erase(mm);
  }

  void show_task(Machine& m, Cpu& cpu, const Step& step) {
    Local& local = locals_[m.cpu()];
    if (std::exchange(local.runs, step.slot != Step::kIdle)) timeline_.end(m.cpu(), Track::runs, now(m));
    if (!local.runs) return;
    const Mm* const mm = m.peek(cpu.curr)->mm.known();
    timeline_.begin(
        m.cpu(), Track::runs, now(m), task_name(step),
        fmt::format(R"("pid": {}, "mm": {})", step.pid, json_string(mm == nullptr ? "none" : name_of(mm))));
  }
  void show_borrow(Machine& m, Cpu& cpu) {
    Local& local = locals_[m.cpu()];
    const auto& task = *m.peek(cpu.curr);
    const Mm* const active = m.peek(task.active_mm);
    std::uint64_t number = 0;
    if (task.mm.known() == nullptr && active != nullptr && active != &cpu.system->init_mm)
      if (const auto found = names_.find(active); found != names_.end()) number = found->second.number;
    if (number == local.borrowed) return;
    if (local.borrowed != 0) timeline_.end(m.cpu(), Track::borrows, now(m));
    local.borrowed = number;
    if (number != 0) timeline_.begin(m.cpu(), Track::borrows, now(m), name_of(active));
  }

  Timeline timeline_;
  const std::vector<std::uint32_t> cpus_;
  ReplayCore<Machine>& core_;
  const std::vector<std::unique_ptr<Machine>>& machines_;
  const std::uint64_t start_ns_;
  std::vector<Local> locals_;
  std::unordered_map<const void*, Name> names_;
  std::uint64_t born_ = 0;
};

}  // namespace mmscale::trace
