// SPDX-License-Identifier: MIT
#include "workload/simulated_loops.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "machine/simulator/simulator.h"
#include "workload/simulator_loads.h"

namespace mmscale::workload {
namespace {

using enum std::memory_order;
using machine::simulator::Condition;
using machine::simulator::Picoseconds;
using Machine = machine::simulator::Simulator<false>;

struct alignas(machine::kApart) Word {
  std::uint32_t value = 0;
  std::uint32_t next = 0;  // mcs
};

// What all loops work on.
struct Shared {
  explicit Shared(unsigned cpus) : own(2 * cpus), mine(cpus) {
    for (unsigned cpu = 0; cpu < cpus; ++cpu) mine[cpu] = cpu;
  }
  Word word;
  Word serving;
  // private: a line for each CPU. clh, mcs: the nodes of its queue; which of them each CPU has at the moment.
  std::vector<Word> own;
  std::vector<std::uint32_t> mine;
  // pass: for waiting without a look at the line; set when the waiting shall end.
  machine::simulator::World* world = nullptr;
  bool stopped = false;
};

using Round = void (*)(Machine& m, Shared& shared, Picoseconds inside);

void pair(Machine& m, Word& word) {
  m.fetch_add(word.value, 1, relaxed);
  m.fetch_sub(word.value, 1, seq_cst);
}

// Waits for this CPU's turn. Who waits does not ask for the line, so that no request overlaps another: what
// one takes is what a line costs that its owner has left alone, as in a published latency.
void await_turn(Machine& m, Shared& s) {
  const auto is_mine = [&s, cpu = m.cpu(), cpus = m.cpus()](std::uint32_t value) {
    return s.stopped || value % cpus == cpu;
  };
  while (!is_mine(s.word.value)) s.world->spin(m.cpu(), Condition::of(s.word.value, is_mine));
}

void pass(Machine& m, Shared& s, Picoseconds) {
  await_turn(m, s);
  m.fetch_add(s.word.value, 1, relaxed);
}

void pass_read(Machine& m, Shared& s, Picoseconds) {
  await_turn(m, s);
  m.load(s.word.value, relaxed);
  m.fetch_add(s.word.value, 1, relaxed);
}

// Nodes count from 1: 0 is nobody.
void mcs(Machine& m, Shared& s, Picoseconds inside) {
  const std::uint32_t self = m.cpu() + 1;
  Word& node = s.own[m.cpu()];
  m.store(node.next, 0, relaxed);
  const std::uint32_t before = m.exchange(s.word.value, self, acq_rel);
  if (before != 0) {
    m.store(node.value, 1, relaxed);
    m.store(s.own[before - 1].next, self, release);
    m.spin_until(node.value, [](std::uint32_t waits) { return waits == 0; });
  }
  m.compute(inside);
  if (m.load(node.next, acquire) == 0) {
    if (m.compare_exchange(s.word.value, self, 0)) return;
    m.spin_until(node.next, [](std::uint32_t next) { return next != 0; });
  }
  m.store(s.own[node.next - 1].value, 0, release);
}

struct Loop {
  SimulatedLoop loop;
  Round round;
};

constexpr std::array<Loop, 9> kLoops = {{
    {{"private", "inc + dec_and_test, each CPU on a line of its own"},
     [](Machine& m, Shared& s, Picoseconds) { pair(m, s.own[m.cpu()]); }},
    {{"incdec", "inc + dec_and_test, all CPUs on one line"},
     [](Machine& m, Shared& s, Picoseconds) { pair(m, s.word); }},
    {{"add", "one atomic increment, all CPUs on one line"},
     [](Machine& m, Shared& s, Picoseconds) { m.fetch_add(s.word.value, 1, relaxed); }},
    {{"pass", "one atomic increment by each CPU in turn, the others waiting without asking"}, pass},
    {{"pass-read", "the same, with a load before"}, pass_read},
    {{"count", "a plain load and a plain store of one line and a full fence, by all CPUs"},
     [](Machine& m, Shared& s, Picoseconds) {
       m.store(s.word.value, m.load(s.word.value, relaxed) + 1, relaxed);
       m.fence();
     }},
    {{"ticket", "a ticket lock taken and released, all waiting at one line"},
     [](Machine& m, Shared& s, Picoseconds inside) {
       const std::uint32_t ticket = m.fetch_add(s.word.value, 1, relaxed);
       m.spin_until(s.serving.value, [ticket](std::uint32_t serving) { return serving == ticket; });
       m.compute(inside);
       m.store(s.serving.value, ticket + 1, release);
     }},
    {{"clh", "a CLH queue lock taken and released, each CPU waiting at a line of its own"},
     [](Machine& m, Shared& s, Picoseconds inside) {
       const std::uint32_t node = s.mine[m.cpu()];
       m.store(s.own[node].value, 1, relaxed);
       // Nodes count from 1 in the queue's tail: 0 is nobody.
       const std::uint32_t before = m.exchange(s.word.value, node + 1, acq_rel);
       if (before != 0) m.spin_until(s.own[before - 1].value, [](std::uint32_t taken) { return taken == 0; });
       m.compute(inside);
       m.store(s.own[node].value, 0, release);
       // The queue now owns that node, this CPU the one before it, which the first of all has to spare.
       s.mine[m.cpu()] = before != 0 ? before - 1 : static_cast<std::uint32_t>(s.mine.size()) + m.cpu();
     }},
    {{"mcs", "an MCS queue lock taken and released, each CPU waiting at a line of its own"}, mcs},
}};

class SimulatedLoopLoad final : public SimulatorLoad {
 public:
  SimulatedLoopLoad(const LoopSpec& spec, const SimulatorSpec& place, Round round)
      : cpus_(static_cast<unsigned>(spec.pus.size())),
        inside_(spec.inside),
        between_(spec.between),
        round_(round),
        shared_(std::make_unique<Shared>(cpus_)),
        world_(*spec.model, places_of(place), package_of_node(place),
               std::as_bytes(std::span(&shared_->word, 2))),
        system_(world_) {
    for (unsigned cpu = 0; cpu < cpus_; ++cpu) machines_.push_back(std::make_unique<Machine>(system_, cpu));
    shared_->world = &world_;
  }

  void run_all(const std::function<void(unsigned)>& body) override { world_.run(body); }
  void rest(unsigned cpu, Picoseconds time) override { machines_[cpu]->rest(time); }
  Picoseconds now(unsigned cpu) const override { return world_.now(cpu); }
  const machine::simulator::Statistics& statistics() const override { return world_.statistics(); }
  std::vector<LineReport> busiest_lines(std::size_t most) const override {
    return workload::busiest_lines(world_, most, [this](std::uintptr_t at) {
      if (at == reinterpret_cast<std::uintptr_t>(&shared_->word)) return "the shared line";
      return at == reinterpret_cast<std::uintptr_t>(&shared_->serving) ? "now serving" : "a CPU's own line";
    });
  }

  unsigned cpus() const override { return cpus_; }
  void boot(unsigned, unsigned) override {}
  bool run(unsigned cpu, std::uint64_t rounds) override {
    for (; rounds != 0; --rounds) {
      round_(*machines_[cpu], *shared_, inside_);
      world_.compute(cpu, between_);
    }
    return true;
  }
  void finish(unsigned) override {}
  void stop(unsigned cpu) override {
    if (round_ != pass && round_ != pass_read) return;
    shared_->stopped = true;
    // Wakes whoever waits for its turn.
    machines_[cpu]->fetch_add(shared_->word.value, 0, relaxed);
  }
  std::uint32_t switches_per_round(unsigned) const override { return 0; }
  kernel::Tally tally(unsigned) const override { return {}; }
  std::vector<std::string> audit() override { return {}; }

 private:
  const unsigned cpus_;
  const Picoseconds inside_;
  const Picoseconds between_;
  const Round round_;
  const std::unique_ptr<Shared> shared_;
  machine::simulator::World world_;
  Machine::System system_;
  std::vector<std::unique_ptr<Machine>> machines_;
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
  const SimulatorSpec place{.scheme = {}, .model = spec.model, .pus = spec.pus, .home_node = spec.home_node};
  for (const Loop& loop : kLoops)
    if (loop.loop.name == spec.name) return std::make_unique<SimulatedLoopLoad>(spec, place, loop.round);
  throw std::invalid_argument(fmt::format("no loop '{}'", spec.name));
}

}  // namespace mmscale::workload
