// SPDX-License-Identifier: MIT
//
// Sleep sets (Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996): what was
// explored from a state need not be explored again after a sibling that commutes with it. Every class of
// executions that differ only in the order of commuting transitions is run to its end exactly once.
// Operations that commute with everything there will ever be are not even choices: those on locations that
// one CPU alone touches in all of the exploration, which is learned while exploring, and begun again when
// something learned turns out not to hold.
//
// Interleavings that do not commute often lead to the same state all the same. Where the search grows long,
// states are remembered (visited.h), and what begins in one of them is explored once.
#include "machine/explorer/explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace mmscale::machine::explorer {

namespace {

// Sanitizers keep books of their own about stacks, which do not go back.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kGoesBack = false;
#else
constexpr bool kGoesBack = true;
#endif

// Executions run blindly before the search, so that most of what is shared is known when it begins.
constexpr unsigned kScouts = 64;

// A state on the current path: what was chosen there, what is still to be chosen, what need not be.
struct Node {
  std::vector<Transition> open;
  std::size_t next = 0;
  std::vector<Transition> asleep;
  // What each of `open` is called once it sleeps (World::family).
  std::vector<Transition> sleeps_as;
  int preemptions = 0;

  const Transition& chosen() const { return open[next]; }
};

// A stack of what owns memory: an entry that is popped keeps it for the one that comes to stand there.
template <class T>
class Pile {
 public:
  bool empty() const { return used_ == 0; }
  std::size_t size() const { return used_; }
  T& back() { return all_[used_ - 1]; }
  T& operator[](std::size_t i) { return all_[i]; }
  // Holds whatever stood there before.
  T& push() {
    if (used_ == all_.size()) all_.emplace_back();
    return all_[used_++];
  }
  void pop() { --used_; }
  void clear() { used_ = 0; }

 private:
  std::vector<T> all_;
  std::size_t used_ = 0;
};

class Search {
 public:
  Search(Program& program, Memory memory, const Limits& limits, const std::function<void()>& completed)
      : program_(program),
        limits_(limits),
        completed_(completed),
        world_(
            program.cpus(), memory, [](void* p, unsigned cpu) { static_cast<Program*>(p)->run(cpu); },
            &program) {
    world_.kernel_atomics(program_.kernel_atomics());
    world_.set_orders(limits_.orders);
    world_.set_fault(limits_.fault);
    program_.attach(world_);
    regions_ = program_.state();
    initial_.begin_saving();
    program_memory(initial_);
  }

  Result explore() {
    reducing_ = limits_.reduce && limits_.preemptions < 0;
    world_.skip_private(reducing_);
    if (reducing_ && limits_.symmetry)
      world_.set_interchangeable(program_.interchangeable(), [](const void* p, const void* location) {
        return static_cast<const Program*>(p)->owner_of(location);
      });
    if (reducing_) scout();
    do {
      remembering_ = reducing_ && result_.steps >= limits_.remember_after;
      world_.forget_learned();
      path_.clear();
      points_.clear();
      visited_.clear();
      result_.executions = result_.covered = 0;
    } while (!search());
    world_.end();
    result_.states = visited_.size();
    return std::move(result_);
  }

  Replay replay(const Schedule& schedule) {
    Replay replayed;
    world_.record(true);
    restore();
    world_.begin();
    for (const Transition& wanted : schedule.transitions) {
      if (program_.violated()) break;
      perform_wanted(wanted);
    }
    last_cpu_ = schedule.transitions.empty() ? 0 : schedule.transitions.back().cpu;
    for (std::uint64_t steps = 0; !program_.violated() && steps < limits_.depth; ++steps) {
      const unsigned count = world_.enabled(enabled_);
      if (count == 0) break;
      const Transition next =
          *std::min_element(enabled_.begin(), enabled_.begin() + count,
                            [this](const auto& a, const auto& b) { return before(a, b); });
      last_cpu_ = next.kind == Transition::Kind::drain ? last_cpu_ : next.cpu;
      world_.perform(next);
    }
    replayed.events = world_.events();
    replayed.ending = judge_end();
    world_.end();
    return replayed;
  }

 private:
  void program_memory(Checkpoint& point) {
    for (const std::span<std::byte> region : regions_) point.memory(region.data(), region.size());
  }

  void restore() {
    world_.end();
    initial_.begin_restoring();
    program_memory(initial_);
  }

  // The state in which `path_[depth]` chooses.
  struct Point {
    std::size_t depth = 0;
    unsigned last_cpu = 0;
    CpuSet moved = 0;
    Checkpoint memory;
  };

  void each_memory(Checkpoint& memory) {
    program_memory(memory);
    world_.checkpoint(memory);
  }

  // Keeps the state that the world is in, which is that of the last node.
  void make_point() {
    if (!kGoesBack || points_.size() == limits_.points) return;
    Point& point = points_.push();
    point.depth = path_.size() - 1;
    point.last_cpu = last_cpu_;
    point.moved = moved_;
    point.memory.begin_saving();
    each_memory(point.memory);
  }

  // To the state of the last node, or of one before it, from where it is to be run on. Returns how many nodes stand before
  // that one.
  std::size_t go_back() {
    while (!points_.empty() && points_.back().depth >= path_.size()) points_.pop();
    if (points_.empty()) {
      restore();
      world_.begin();
      last_cpu_ = kNobody;
      moved_ = 0;
      return 0;
    }
    Point& point = points_.back();
    last_cpu_ = point.last_cpu;
    moved_ = point.moved;
    point.memory.begin_restoring();
    each_memory(point.memory);
    result_.steps += point.depth;
    return point.depth;
  }

  // Without preemption first: the CPU that ran last goes on, then others, then interrupts; stores stay in
  // their buffers as long as they can.
  unsigned rank(const Transition& transition) const {
    switch (transition.kind) {
      case Transition::Kind::step:
        return transition.cpu == last_cpu_ ? 0 : 1 + transition.cpu;
      case Transition::Kind::interrupt:
        return 10 + transition.cpu;
      case Transition::Kind::drain:
        return 20 + transition.cpu;
    }
    return 0;
  }

  // Among the ways to perform a step under rc11, that which sees most first.
  bool before(const Transition& a, const Transition& b) const {
    if (world_.memory() != Memory::rc11 || rank(a) != rank(b)) return rank(a) < rank(b);
    return a.store > b.store;
  }

  // Runs programs to their ends under arbitrary schedules, to see what is shared.
  void scout() {
    std::uint64_t random = 0x9e3779b97f4a7c15u;
    for (unsigned i = 0; i < kScouts; ++i) {
      restore();
      world_.begin();
      for (std::uint64_t steps = 0; steps < limits_.depth && !program_.violated() && !world_.runaway();
           ++steps) {
        const unsigned count = world_.enabled(enabled_);
        if (count == 0) break;
        // xorshift64 (Marsaglia 2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        world_.perform(enabled_[random % count]);
      }
    }
  }

  // True when the search is over; false when it must begin again, since something was learned.
  bool search() {
    do {
      const std::size_t before = go_back();
      if (limits_.steps != 0 && result_.steps >= limits_.steps) {
        result_.steps = limits_.steps;
        result_.ending = Ending::stopped;
        return true;
      }
      asleep_.clear();
      preemptions_ = 0;
      for (std::size_t i = before; i < path_.size(); ++i)
        if (!advance(path_[i], i + 1 == path_.size())) return true;
      if (world_.learned()) return false;
      bool ran_to_end = false;
      if (!extend(ran_to_end)) return !world_.learned();
      if (world_.learned()) return false;
      if (reducing_ && !remembering_ && result_.steps >= limits_.remember_after) return false;
      if (ran_to_end) {
        ++result_.executions;
        const Ending ending = judge_end();
        if (ending != Ending::exhausted) return conclude(ending);
        if (completed_) completed_();
      } else {
        ++result_.covered;
      }
    } while (back_up());
    result_.ending = Ending::exhausted;
    return true;
  }

  // Performs what a node chose; works out what sleeps behind it if the path ends there. False if a limit is
  // hit.
  bool advance(const Node& node, bool last) {
    const Transition chosen = node.chosen();
    preemptions_ = node.preemptions;
    if (reducing_ && last) {
      const Footprint footprint = world_.footprint(chosen);
      asleep_.clear();
      for (const Transition& sleeper : node.asleep)
        if (!dependent(sleeper, world_.footprint(sleeper), chosen, footprint)) asleep_.push_back(sleeper);
    }
    if (chosen.kind != Transition::Kind::drain) {
      if (limits_.preemptions >= 0 && is_preemption(chosen)) ++preemptions_;
      last_cpu_ = chosen.cpu;
    }
    moved_ |= CpuSet{1} << chosen.cpu;
    world_.perform(chosen);
    ++result_.steps;
    if (limits_.steps == 0 || result_.steps < limits_.steps) return true;
    result_.ending = Ending::stopped;
    return false;
  }

  // Goes on from the end of the path until the execution is over or covered. False if the search ends here.
  bool extend(bool& ran_to_end) {
    ran_to_end = false;
    for (;;) {
      if (world_.learned()) return false;
      if (world_.impossible()) return true;
      if (program_.violated()) return !conclude(Ending::violated);
      const unsigned count = world_.enabled(enabled_);
      if (count == 0) {
        ran_to_end = true;
        return true;
      }
      if (path_.size() >= limits_.depth || world_.runaway()) {
        result_.ending = Ending::stopped;
        return false;
      }
      unsigned eager = world_.eager_cpu();
      if (eager != world_.cpus() && must_wait(eager)) eager = world_.cpus();
      if (remembering_ && eager == world_.cpus()) {
        const Digest now = state();
        if (visited_.covers(now, names_of(asleep_))) return true;
      }
      Node& node = path_.push();
      node.open.clear();
      node.next = 0;
      node.asleep = asleep_;
      node.preemptions = preemptions_;
      for (unsigned i = 0; i < count; ++i) {
        const Transition& candidate = enabled_[i];
        if (eager != world_.cpus() && (candidate.cpu != eager || candidate.kind != Transition::Kind::step))
          continue;
        if (must_wait(candidate.cpu)) continue;
        if (std::find(asleep_.begin(), asleep_.end(), world_.family(candidate)) != asleep_.end()) continue;
        if (limits_.preemptions >= 0 && preemptions_ >= limits_.preemptions && is_preemption(candidate))
          continue;
        node.open.push_back(candidate);
      }
      if (node.open.empty()) {
        path_.pop();
        return true;
      }
      std::sort(node.open.begin(), node.open.end(),
                [this](const Transition& a, const Transition& b) { return before(a, b); });
      node.sleeps_as = node.open;
      if (world_.memory() == Memory::rc11)
        for (Transition& one : node.sleeps_as) one = world_.family(one);
      if (node.open.size() > 1) make_point();
      if (!advance(node, true)) return false;
    }
  }

  // What sleeps, by the names that it has in every state with the same digest. Behind state().
  const std::vector<Transition>& names_of(const std::vector<Transition>& asleep) {
    if (world_.memory() != Memory::rc11) return asleep;
    names_.clear();
    for (const Transition& one : asleep) names_.push_back(world_.normal(one));
    return names_;
  }

  Digest state() {
    for (const std::span<std::byte> region : regions_) digester_.add(region);
    world_.add_state(digester_);
    digester_.add_value(moved_ & world_.interchangeable());
    return digester_.take();
  }

  // Whether the CPU has not begun, nor has one of a smaller number that it may change places with: every execution in
  // which they begin the other way round is this one with the two renamed.
  bool must_wait(unsigned cpu) const {
    const CpuSet idle = world_.interchangeable() & ~moved_;
    return (idle >> cpu & 1) != 0 && (idle & ((CpuSet{1} << cpu) - 1)) != 0;
  }

  // Whether the choice takes the CPU away from one that could go on.
  bool is_preemption(const Transition& candidate) {
    if (candidate.kind == Transition::Kind::drain || candidate.cpu == last_cpu_) return false;
    std::array<Transition, kMaxTransitions> now;
    const unsigned count = world_.enabled(now);
    return std::any_of(now.begin(), now.begin() + count, [this](const Transition& other) {
      return other.kind == Transition::Kind::step && other.cpu == last_cpu_;
    });
  }

  // To the next choice not made yet; false if there is none.
  bool back_up() {
    while (!path_.empty()) {
      Node& node = path_.back();
      if (reducing_) node.asleep.push_back(node.sleeps_as[node.next]);
      if (++node.next < node.open.size()) return true;
      path_.pop();
    }
    return false;
  }

  Ending judge_end() {
    if (program_.violated()) return Ending::violated;
    if (!world_.over()) return Ending::deadlock;
    world_.end();
    program_.finish();
    return program_.violated() ? Ending::violated : Ending::exhausted;
  }

  bool conclude(Ending ending) {
    result_.ending = ending;
    Schedule chosen{world_.memory(), {}};
    for (std::size_t i = 0; i < path_.size(); ++i) chosen.transitions.push_back(path_[i].chosen());
    result_.schedule = reducing_ || chosen.memory == Memory::rc11 ? spelled_out(chosen) : chosen;
    return true;
  }

  // The same execution with every operation a step of its own: local operations as soon as they can be,
  // private stores to memory as soon as they are the oldest.
  Schedule spelled_out(const Schedule& chosen) {
    Schedule full{chosen.memory, {}};
    restore();
    world_.skip_private(false);
    world_.begin();
    const auto perform = [&](const Transition& transition) {
      full.transitions.push_back(world_.as_written(transition));
      world_.perform(transition);
    };
    const auto settle = [&] {
      if (!reducing_) return;
      for (bool progress = true; progress && !program_.violated();) {
        progress = false;
        for (std::uint8_t cpu = 0; cpu < world_.cpus() && !program_.violated(); ++cpu) {
          while (world_.oldest_store_is_private(cpu)) {
            drain_oldest(cpu, perform);
            progress = true;
          }
          if (world_.pending_is_local(cpu)) {
            perform(step_of(cpu));
            progress = true;
          }
        }
      }
    };
    settle();
    for (const Transition& transition : chosen.transitions) {
      if (program_.violated()) break;
      // A private location has no messages where private ones are skipped, and here it has.
      const bool open = transition.kind == Transition::Kind::step && transition.store == 0;
      perform(open ? step_of(transition.cpu) : transition);
      settle();
    }
    world_.skip_private(reducing_);
    return full;
  }

  // The one thing that the CPU's pending operation can do.
  Transition step_of(std::uint8_t cpu) {
    const unsigned count = world_.enabled(enabled_);
    for (unsigned i = 0; i < count; ++i)
      if (enabled_[i].kind == Transition::Kind::step && enabled_[i].cpu == cpu) return enabled_[i];
    return {Transition::Kind::step, cpu, 0};
  }

  template <class F>
  void drain_oldest(std::uint8_t cpu, F&& perform) {
    const unsigned count = world_.enabled(enabled_);
    for (unsigned i = 0; i < count; ++i)
      if (enabled_[i].kind == Transition::Kind::drain && enabled_[i].cpu == cpu) {
        perform(Transition(enabled_[i]));
        return;
      }
  }

  // A schedule names a drain by its CPU alone under tso.
  void perform_wanted(const Transition& wanted) {
    const unsigned count = world_.enabled(enabled_);
    for (unsigned i = 0; i < count; ++i) {
      const Transition& now = enabled_[i];
      if (now.kind != wanted.kind || now.cpu != wanted.cpu) continue;
      if (now.kind == Transition::Kind::drain && world_.memory() == Memory::pso && now.store != wanted.store)
        continue;
      if (world_.memory() == Memory::rc11 && world_.as_written(now).store != wanted.store) continue;
      world_.perform(Transition(now));
      return;
    }
    throw std::invalid_argument(fmt::format("the schedule asks for '{}', which cannot happen there",
                                            to_string(Schedule{world_.memory(), {wanted}})));
  }

  Program& program_;
  const Limits limits_;
  const std::function<void()>& completed_;
  World world_;
  std::vector<std::span<std::byte>> regions_;
  // What stands in them when an execution begins.
  Checkpoint initial_;
  bool reducing_ = false;
  bool remembering_ = false;
  Digester digester_;
  Visited visited_;
  Pile<Node> path_;
  Pile<Point> points_;
  std::array<Transition, kMaxTransitions> enabled_;
  // Of the state reached.
  std::vector<Transition> asleep_;
  std::vector<Transition> names_;
  static constexpr unsigned kNobody = kMaxCpus;
  unsigned last_cpu_ = kNobody;
  int preemptions_ = 0;
  // Which CPUs have begun, in the execution at hand.
  CpuSet moved_ = 0;
  Result result_;
};

}  // namespace

Result explore(Program& program, Memory memory, const Limits& limits,
               const std::function<void()>& completed) {
  return Search(program, memory, limits, completed).explore();
}

Replay replay(Program& program, const Schedule& schedule, const Orders& orders) {
  Limits limits;
  limits.orders = orders;
  return Search(program, schedule.memory, limits, nullptr).replay(schedule);
}

}  // namespace mmscale::machine::explorer
