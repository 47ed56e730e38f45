// SPDX-License-Identifier: MIT
#include "workload/simulated_loops.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "workload/bare_simulator_load.h"

namespace mmscale::workload {
namespace {

using enum std::memory_order;
using machine::simulator::Condition;
using machine::simulator::Picoseconds;
using machine::simulator::Waiting;
using Machine = machine::simulator::Simulator<false>;

struct alignas(machine::kApart) Word {
  std::uint32_t value = 0;
  std::uint32_t next = 0;  // mcs
};

// What all loops work on.
struct Shared {
  Shared(unsigned cpus, unsigned lines) : own(2 * cpus), mine(cpus), slot(cpus), slots(cpus), walked(lines) {
    for (unsigned cpu = 0; cpu < cpus; ++cpu) mine[cpu] = cpu;
  }
  std::span<const std::byte> homed() const { return std::as_bytes(std::span(&word, 2)); }
  Word word;
  Word guarded;
  // private: a line for each CPU. clh, mcs: the nodes of its queue; which of them each CPU has at the moment.
  std::vector<Word> own;
  std::vector<std::uint32_t> mine;
  // clh: which, as the lock knows it, in an array whose slots CPUs get as they come; 0 for none yet.
  std::vector<std::uint32_t> slot;
  std::uint32_t slots_taken = 0;
  std::vector<Word> slots;
  std::vector<Word> walked;
  // pass: for waiting without a look at the line; set when the waiting shall end.
  machine::simulator::World* world = nullptr;
  bool stopped = false;
};

// Between the two halves of a round: a critical section, or a holder's own work.
struct Work {
  Picoseconds inside = 0;
  unsigned lines = 1;
  // cas: what a branch costs that was predicted wrong.
  Picoseconds mispredicted = 0;
};
using Round = void (*)(Machine& m, Shared& shared, const Work& work);

void pair(Machine& m, Word& word) {
  m.fetch_add(word.value, 1, relaxed);
  m.fetch_sub(word.value, 1, seq_cst);
}

auto is_turn_of(const Machine& m, const Shared& s) {
  return
      [&s, cpu = m.cpu(), cpus = m.cpus()](std::uint32_t value) { return s.stopped || value % cpus == cpu; };
}

// Waits for this CPU's turn. Who waits does not ask for the line, so that no request overlaps another: what
// one takes is what a line costs that its owner has left alone, as in a published latency.
void await_turn(Machine& m, Shared& s) {
  const auto is_mine = is_turn_of(m, s);
  while (!is_mine(s.word.value))
    s.world->spin(m.cpu(), Condition::of(s.word.value, is_mine), Waiting::is_told);
}

void pass(Machine& m, Shared& s, const Work&) {
  await_turn(m, s);
  m.fetch_add(s.word.value, 1, relaxed);
}

void pass_read(Machine& m, Shared& s, const Work&) {
  m.spin_until(s.word.value, is_turn_of(m, s));
  m.fetch_add(s.word.value, 1, relaxed);
}

void cas(Machine& m, Shared& s, const Work& work) {
  std::uint32_t seen = m.load(s.word.value, relaxed);
  for (;;) {
    const std::uint32_t expected = seen;
    m.compute(work.inside);
    seen = m.compare_exchange(s.word.value, expected, expected + 1);
    if (seen == expected) return;
    // Who succeeds is chance, and so is what was predicted.
    if (s.world->drawn_below(2) == 0) m.compute(work.mispredicted);
  }
}

template <bool kAdds>
void ticket(Machine& m, Shared& s, const Work& work) {
  const std::uint32_t ticket = m.fetch_add(s.word.next, 1, relaxed);
  m.spin_until(s.word.value, [ticket](std::uint32_t serving) { return serving == ticket; });
  if (kAdds) m.store(s.guarded.value, m.load(s.guarded.value, relaxed) + 1, relaxed);
  m.compute(work.inside);
  m.store(s.word.value, m.load(s.word.value, relaxed) + 1, release);
}

// Nodes count from 1: 0 is nobody.
void mcs(Machine& m, Shared& s, const Work& work) {
  const std::uint32_t self = m.cpu() + 1;
  Word& node = s.own[m.cpu()];
  m.store(node.next, 0, relaxed);
  const std::uint32_t before = m.exchange(s.word.value, self, acq_rel);
  if (before != 0) {
    m.store(node.value, 1, relaxed);
    m.store(s.own[before - 1].next, self, release);
    m.spin_until(node.value, [](std::uint32_t waits) { return waits == 0; });
  }
  m.compute(work.inside);
  if (m.load(node.next, acquire) == 0) {
    if (m.compare_exchange(s.word.value, self, 0) == self) return;
    m.spin_until(node.next, [](std::uint32_t next) { return next != 0; });
  }
  m.store(s.own[node.next - 1].value, 0, release);
}

// Nodes go from CPU to CPU, so where each finds its own is written in every round: eight pointers to a line.
void clh(Machine& m, Shared& s, const Work& work) {
  std::uint32_t& slot = s.slot[m.cpu()];
  if (slot == 0) slot = ++s.slots_taken;
  Word& pointers = s.slots[(slot - 1) / 8];
  m.load(pointers.value, relaxed);
  const std::uint32_t node = s.mine[m.cpu()];
  m.store(s.own[node].value, 1, relaxed);
  // Nodes count from 1 in the queue's tail: 0 is nobody.
  const std::uint32_t before = m.exchange(s.word.value, node + 1, acq_rel);
  m.store(s.own[node].next, before, relaxed);
  if (before != 0) m.spin_until(s.own[before - 1].value, [](std::uint32_t taken) { return taken == 0; });
  m.compute(work.inside);
  m.load(pointers.value, relaxed);
  m.load(s.own[node].next, relaxed);
  m.store(s.own[node].value, 0, release);
  // The queue now owns that node, this CPU the one before it, which the first of all has to spare.
  s.mine[m.cpu()] = before != 0 ? before - 1 : static_cast<std::uint32_t>(s.mine.size()) + m.cpu();
  m.store(pointers.value, s.mine[m.cpu()], relaxed);
}

struct LoopRow {
  SimulatedLoop loop;
  Round round;
};

constexpr std::array<LoopRow, 13> kLoops = {{
    {{"private", "inc + dec_and_test, each CPU on a line of its own"},
     [](Machine& m, Shared& s, const Work&) { pair(m, s.own[m.cpu()]); }},
    {{"incdec", "inc + dec_and_test, all CPUs on one line"},
     [](Machine& m, Shared& s, const Work&) { pair(m, s.word); }},
    {{"apart", "the same with the work of a holder between them (--inside)"},
     [](Machine& m, Shared& s, const Work& work) {
       m.fetch_add(s.word.value, 1, relaxed);
       m.compute(work.inside);
       m.fetch_sub(s.word.value, 1, seq_cst);
     }},
    {{"walk", "one atomic increment of each of several lines (--lines), all CPUs in one order"},
     [](Machine& m, Shared& s, const Work& work) {
       for (unsigned line = 0; line < work.lines; ++line) m.fetch_add(s.walked[line].value, 1, relaxed);
     }},
    {{"add", "one atomic increment, all CPUs on one line"},
     [](Machine& m, Shared& s, const Work&) { m.fetch_add(s.word.value, 1, relaxed); }},
    {{"pass", "one atomic increment by each CPU in turn, the others waiting without asking"}, pass},
    {{"pass-read", "the same, by CPUs that read the line until it is their turn"}, pass_read},
    {{"count", "a plain load and a plain store of one line and a full fence, by all CPUs"},
     [](Machine& m, Shared& s, const Work&) {
       m.store(s.word.value, m.load(s.word.value, relaxed) + 1, relaxed);
       m.fence();
     }},
    {{"ticket", "a ticket lock taken and released, both its counters in the line that all wait at"},
     ticket<false>},
    {{"ticket-add", "the same around an increment of a counter in a line of its own"}, ticket<true>},
    {{"cas",
      "an increment by load and compare-and-swap, tried until it succeeds (--inside: before each try)"},
     cas},
    {{"clh", "a CLH queue lock taken and released, each CPU waiting at a line of its own"}, clh},
    {{"mcs", "an MCS queue lock taken and released, each CPU waiting at a line of its own"}, mcs},
}};

Picoseconds picoseconds(double ns) {
  return static_cast<Picoseconds>(ns * static_cast<double>(machine::simulator::kPsPerNs) + 0.5);
}

class SimulatedLoopLoad final : public BareSimulatorLoad<Shared> {
 public:
  SimulatedLoopLoad(const LoopSpec& spec, Round round)
      : BareSimulatorLoad(std::make_unique<Shared>(static_cast<unsigned>(spec.pus.size()), spec.lines),
                          *spec.model, spec.pus, spec.home_node),
        // 14 cycles of an A76, 16.5 of a Skylake (7-cpu.com). Of load-linked and store-conditional it is in failed_try.
        work_{picoseconds(spec.inside_ns), spec.lines,
              picoseconds(spec.model->atomics == machine::simulator::Atomics::near ? 5 : 0)},
        between_(picoseconds(spec.between_ns)),
        delay_(picoseconds(spec.delay_ns)),
        round_(round) {
    lines_->world = &world_;
  }

  std::string what_is(std::uintptr_t at) const override {
    if (at == reinterpret_cast<std::uintptr_t>(&lines_->word)) return "the shared line";
    return at == reinterpret_cast<std::uintptr_t>(&lines_->guarded) ? "what the lock guards"
                                                                    : "a CPU's own line";
  }

  bool run(unsigned cpu, std::uint64_t rounds) override {
    for (; rounds != 0; --rounds) {
      round_(*machines_[cpu], *lines_, work_);
      world_.compute(cpu, spread(between_));
      world_.spend(cpu, spread(delay_));
    }
    return true;
  }
  void stop(unsigned cpu) override {
    if (round_ != pass && round_ != pass_read) return;
    lines_->stopped = true;
    // Wakes whoever waits for its turn.
    machines_[cpu]->fetch_add(lines_->word.value, 0, relaxed);
  }

 private:
  // Rounds of one length fall into step, which none keep on a machine: each is up to a fifth shorter or longer.
  Picoseconds spread(Picoseconds mean) {
    const Picoseconds fifth = mean / 5;
    return mean - fifth + world_.drawn_below(2 * fifth);
  }

  const Work work_;
  const Picoseconds between_;
  const Picoseconds delay_;
  const Round round_;
};

}  // namespace

std::span<const SimulatedLoop> simulated_loops() {
  static const auto loops = [] {
    std::array<SimulatedLoop, kLoops.size()> all;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = kLoops[i].loop;
    return all;
  }();
  return loops;
}

std::unique_ptr<SimulatorLoad> make_simulated_loop(const LoopSpec& spec) {
  for (const LoopRow& loop : kLoops)
    if (loop.loop.name == spec.name) return std::make_unique<SimulatedLoopLoad>(spec, loop.round);
  throw std::invalid_argument(fmt::format("no loop '{}'", spec.name));
}

}  // namespace mmscale::workload
