// SPDX-License-Identifier: MIT
//
// Every interleaving of a small program, depth first: an execution is remembered as the choices that made it, and
// going back is putting memory and stacks back as they were, or running it again. Not a template: a program is an
// object with a few virtual functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "machine/explorer/schedule.h"
#include "machine/explorer/transition.h"
#include "machine/explorer/world.h"

namespace mmscale::machine::explorer {

// What is explored.
class Program {
 public:
  virtual ~Program() = default;

  virtual unsigned cpus() const = 0;
  // Once per exploration, before any execution: makes machines and the initial state, in direct operation.
  virtual void attach(World& world) = 0;
  // After attach: all memory that executions change, put back before each and in the middle of them. It must not move or
  // be freed, and nothing in it may own anything that an execution allocates.
  virtual std::vector<std::span<std::byte>> state() = 0;
  // A CPU's program, on its fiber.
  virtual void run(unsigned cpu) = 0;
  // In direct operation, when all CPUs are done: what is to be done and judged at the end.
  virtual void finish() {}
  // Whether the program is written in the kernel's atomics (World::kernel_atomics).
  virtual bool kernel_atomics() const { return false; }
  // CPUs that may change places, one bit each: the same program from the same initial state, up to the names of CPUs and
  // of what belongs to them alone, and no value says in which order they stand. What sees that order all the same is the
  // walk over them by number, and that shows: it touches what `owner_of` says is theirs.
  virtual CpuSet interchangeable() const { return 0; }
  // The CPU whose own a location is, although others may look at it; kMaxCpus if it is nobody's.
  virtual unsigned owner_of(const void*) const { return kMaxCpus; }
  // Whether what has happened so far in this execution is a violation. Looked at after every transition.
  virtual bool violated() const { return false; }
};

struct Limits {
  // Transitions in all; 0 is without limit.
  std::uint64_t steps = 0;
  // Transitions in one execution: a program that can run for ever would never come back.
  std::uint64_t depth = 20'000;
  // At most so many times may a CPU that could go on be left for another; -1 is without bound. With a bound
  // nothing is reduced, since sleep sets would rely on executions that the bound has cut off.
  int preemptions = -1;
  // False: explore every interleaving, commuting or not. To test the reduction.
  bool reduce = true;
  // Of executions that only tell interchangeable CPUs apart explore one. Only with reduce.
  bool symmetry = true;
  // After so many transitions the search begins again, remembering the states it was in: slower by the step,
  // and fewer of them where many interleavings lead to the same. Only with reduce.
  std::uint64_t remember_after = 200'000;
  // States of the execution at hand that are kept to go back to, some 20 KB each. From the last one that is kept, what
  // follows is run again.
  std::size_t points = 2'000;
  Orders orders = {};
  // To test the tests of rc11.
  Rc11::Fault fault = Rc11::Fault::none;
};

enum class Ending {
  exhausted,  // every interleaving was covered
  stopped,    // a limit came first
  violated,   // the program says so
  deadlock,   // nothing can ever happen again though some CPU is not done: all wait
};

constexpr std::string_view to_string(Ending ending) {
  constexpr std::string_view kNames[] = {"exhausted", "stopped", "violated", "deadlock"};
  return kNames[static_cast<std::size_t>(ending)];
}

struct Result {
  Ending ending = Ending::exhausted;
  // Executions that ran to their end, executions that were broken off as covered by others, and transitions
  // of both, each from its beginning: what two have in common counts twice, and is performed once where it is kept.
  std::uint64_t executions = 0;
  std::uint64_t covered = 0;
  std::uint64_t steps = 0;
  // Different states, where they were remembered.
  std::uint64_t states = 0;
  // The execution that ended the exploration, if violated or deadlocked.
  Schedule schedule;
};

// Explores until the first violation or deadlock, or to the end. `completed` is called after every full
// execution.
Result explore(Program& program, Memory memory, const Limits& limits,
               const std::function<void()>& completed = nullptr);

// What one schedule does.
struct Replay {
  Ending ending = Ending::exhausted;
  std::vector<Event> events;
};

// Runs `schedule` once more; what it leaves open goes on without preemption. Throws std::invalid_argument if
// it asks for something that cannot happen.
Replay replay(Program& program, const Schedule& schedule, const Orders& orders = {});

}  // namespace mmscale::machine::explorer
