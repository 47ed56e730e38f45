// SPDX-License-Identifier: MIT
//
// One execution after the other of one small system: a fiber per emulated CPU that stops before each
// operation on shared state, a store buffer and an inbox per CPU, and what can happen next. Which of it
// happens is for the caller to choose (explore.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <vector>

#include "machine/explorer/checkpoint.h"
#include "machine/explorer/locations.h"
#include "machine/explorer/rc11.h"
#include "machine/explorer/site.h"
#include "machine/explorer/transition.h"
#include "machine/explorer/visited.h"
#include "machine/fiber/fiber.h"

namespace mmscale::machine::explorer {

inline constexpr unsigned kMaxCpus = 4;
// One bit for each.
using CpuSet = unsigned;
// Stores that a buffer holds before the next one must wait: Skylake's 56. No program here comes near it.
inline constexpr unsigned kBufferedStores = 56;
inline constexpr unsigned kMaxTransitions = kMaxCpus * (kBufferedStores + 2);

// An operation that a CPU is about to perform.
struct Operation {
  enum class Kind : std::uint8_t {
    local,  // touches nothing others see, but an interrupt may come before it
    fence,
    load,
    store,
    rmw,
    wait,  // spin_until
    done,  // the CPU's program is over; it only takes interrupts
  };

  Kind kind = Kind::local;
  std::memory_order order = std::memory_order_relaxed;
  const void* location = nullptr;
  std::size_t bytes = 0;
  // wait: whether the value now visible to this CPU ends it.
  bool (*satisfied)(const void* waiting) = nullptr;
  const void* waiting = nullptr;
  // Outside the memory model, seen by all at once: what the oracle keeps, and the machinery of IPIs.
  bool coherent = false;
  // Under rc11: the location's number (Rc11::locate), kNoPlace if it has no messages.
  static constexpr unsigned kNoPlace = ~0u;
  unsigned place = kNoPlace;
  // For reading a schedule: what the operation is called and where the kernel says it.
  const char* name = "";
  std::source_location where;
  std::uint64_t operand = 0;
};

class World;

// A request to run `handler(machine, info)` on another CPU, one per sender and target: call_single_data.
struct IpiRequest {
  void (*run)(void* machine, void* handler, void* info) = nullptr;
  void* handler = nullptr;
  void* info = nullptr;
  std::uint32_t busy = 0;
  // Under rc11: what the sender knew, and then what the target knew when it acknowledged.
  Rc11::Snapshot known = Rc11::kNothing;
};

// What an execution changes of a CPU, its stack apart. Of `buffer`, which is last, `buffered` stores are in use.
struct CoreState {
  struct Store {
    void* location;
    std::uint64_t value;
    std::uint16_t bytes;
    std::uint16_t number;
    bool release;
  };

  bool irqs_off = false;
  // While what looks at other CPUs does so in no order that matters.
  bool observing = false;
  bool sees_at_once = false;
  // Requests to others, by target.
  std::array<IpiRequest, kMaxCpus> requests;
  Operation pending;
  unsigned skipped = 0;
  Transition::Kind chosen = Transition::Kind::step;
  std::uint32_t choice = 0;
  std::uint16_t stores = 0;
  std::array<IpiRequest*, kMaxCpus> inbox;
  unsigned waiting_requests = 0;
  unsigned buffered = 0;
  std::array<Store, kBufferedStores> buffer;
};

// What the world keeps of one CPU.
class Core : private CoreState {
 public:
  Core(World& world, unsigned cpu);

  // Stops before `operation` until it is chosen; interrupts chosen meanwhile are handled here. Then the
  // caller performs it with the functions below.
  void stop_before(Operation& operation);

  // The value of `bytes` bytes at `location` as this CPU sees it: its own youngest store to it, or memory. While a
  // wait is being tried, the value it is tried with.
  void read(const void* location, void* value, std::size_t bytes) const;
  // The same for the operation that was chosen, which under rc11 reads the message that was chosen with it.
  void perform_read(void* value, const Operation& operation);
  // Into the buffer, to the place that was chosen, or to memory where the memory model or privacy says so.
  void write(void* location, const void* value, const Operation& operation);
  void fence(std::memory_order order);
  // Takes over what the target of `request` knew when it acknowledged.
  void acquire(IpiRequest& request);
  // A mark of this CPU, and whether it knows of the newest one of another (Rc11::mark).
  void mark(const void* address);
  bool knows_mark(const void* address) const;

  void set_machine(void* machine) { machine_ = machine; }

  World& world;
  const unsigned cpu;
  using CoreState::irqs_off;
  using CoreState::observing;
  using CoreState::requests;
  using CoreState::sees_at_once;

 private:
  friend class World;

  bool buffer_holds(const void* location) const;
  // Whether every store before this operation must have reached memory.
  bool needs_empty_buffer(const Operation& operation) const;
  bool can_step() const;
  // Under rc11: calls f(choice) for each way to perform the pending operation.
  template <class F>
  void for_each_choice(const Operation& operation, F&& f) const;
  bool is_weak(const Operation& operation) const;
  // A store that no other CPU and no interrupt has to be waited for: only where it lands is a choice.
  bool is_eager() const;
  bool can_interrupt() const;
  bool can_drain(unsigned index) const;
  void drain(unsigned index);
  // Whether no other CPU and no interrupt can tell when this happens, so that there is nothing to choose.
  bool is_local(const Operation& operation) const;
  void take_interrupts();
  static void run_fiber(void* self);

  // A CPU that does so much on its own never does anything else.
  static constexpr unsigned kMaxSkipped = 100'000;

  Fiber fiber_;
  // What a wait is tried with; nullptr while none is.
  mutable const std::uint64_t* offered_ = nullptr;
  void* machine_ = nullptr;
  // What pushes to the inbox write, as far as dependence goes.
  std::uint32_t inbox_location_ = 0;
};

// One performed transition, for reading.
struct Event {
  Transition transition;
  Operation operation;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  // Under rc11: how many stores to the location are newer than what was read, or than where it landed.
  unsigned newer = 0;
};

class World {
 public:
  // `run(cpu)` is a CPU's program, on its own fiber.
  using Run = void (*)(void* program, unsigned cpu);

  World(unsigned cpus, Memory memory, Run run, void* program);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  unsigned cpus() const { return static_cast<unsigned>(cores_.size()); }
  Core& core(unsigned cpu) { return *cores_[cpu]; }
  Memory memory() const { return memory_; }
  // seq_cst read-modify-writes and stores mean what the kernel's value-returning atomics and smp_store_mb() do: under
  // rc11 a full barrier on both sides, and not C++'s seq_cst.
  void kernel_atomics(bool on);
  void set_fault(Rc11::Fault fault) {
    if (weak_ != nullptr) weak_->set_fault(fault);
  }
  bool has_kernel_atomics() const { return kernel_atomics_; }
  // The order that a place asks for which is written with `order`.
  void set_orders(const Orders& orders) { orders_ = orders; }
  std::memory_order order_at(Site::Kind kind, std::memory_order order, const std::source_location& where) {
    if (orders_.seen == nullptr && orders_.weakening == nullptr) return order;
    return watched_order_at(kind, order, where);
  }
  // Under rc11: the execution at hand turned out to be none (Rc11::consistent).
  bool impossible() const { return weak_ != nullptr && !weak_->consistent(); }

  // Outside an execution operations are performed at once, on the caller's stack: to set up and to finish.
  bool direct() const { return direct_; }

  // Begins an execution: every CPU runs to its first operation. State other than the world's own is the
  // caller's to restore.
  void begin();
  // What can happen now. Empty: all is over, or nothing can ever happen again.
  unsigned enabled(std::array<Transition, kMaxTransitions>& transitions) const;
  Footprint footprint(const Transition& transition) const;
  // Under rc11, of a step: the transition with all its choices where they commute together, to sleep as one; with its
  // choice as it is called in add_state's normal form; and as a schedule has it, newer messages counted.
  Transition family(const Transition& transition) const;
  Transition normal(const Transition& transition) const;
  Transition as_written(const Transition& transition) const;
  // The CPU whose pending store is the only thing that need be looked at now, or cpus().
  unsigned eager_cpu() const;
  void perform(const Transition& transition);
  // Every program is over, every store in memory, every request handled.
  bool over() const;
  // Back to direct operation.
  void end() { direct_ = true; }

  // Puts aside what an execution has done to the world so far, or goes back there: instead of running it again, where
  // executions since had the way to this point in common. Memory other than the world's own is the caller's.
  void checkpoint(Checkpoint& point);

  // Locations that only one CPU has ever touched in an execution, and inboxes that nobody ever pushed to,
  // need no choice points as long as that holds. skip_private(true) leaves such operations out; when one
  // turns out not to be private after all, the execution proves nothing (`learned`) and exploration must
  // begin again.
  void skip_private(bool skip) { skip_private_ = skip; }
  bool learned() const { return learned_; }
  void forget_learned() { learned_ = false; }
  // Whether, in this execution, a CPU went on for ever with private operations alone, or rc11 has no room for more.
  bool runaway() const { return runaway_ || (weak_ != nullptr && weak_->exhausted()); }
  // Whether the CPU's pending operation would have been skipped, and whether the oldest store of its buffer
  // is private: to follow a schedule made with skipping in a world that does not skip.
  bool pending_is_local(unsigned cpu) const;
  bool oldest_store_is_private(unsigned cpu) const;

  // CPUs that may change places until one is told from another: by somebody else's touching what is its own
  // (`owner_of`, and its queue of IPIs). That is learned as privacy is.
  using OwnerOf = unsigned (*)(const void* program, const void* location);
  void set_interchangeable(CpuSet cpus, OwnerOf owner_of) {
    interchangeable_ = cpus;
    owner_of_ = owner_of;
  }
  CpuSet interchangeable() const { return interchangeable_; }

  // Keeps a readable record of what is performed, from begin on.
  void record(bool on) { recording_ = on; }
  const std::vector<Event>& events() const { return events_; }

  // Puts `request` on the target's queue. Called when the sender's step on inbox_location(target) was chosen.
  const void* inbox_location(unsigned target) const { return &cores_[target]->inbox_location_; }
  void push(unsigned sender, unsigned target, IpiRequest& request);
  // In direct operation: the request runs on the target at once.
  void interrupt_directly(unsigned target, IpiRequest& request);

  // All of the world's state at a choice that decides what can happen from here on: stacks, buffers, queues.
  void add_state(Digester& digester) const;

  // Notes the value that the CPU's last step found and left, for the record.
  void note_value(unsigned cpu, std::uint64_t before, std::uint64_t after);

 private:
  friend class Core;

  std::memory_order watched_order_at(Site::Kind kind, std::memory_order order,
                                     const std::source_location& where);
  bool is_private(const void* location) const;
  // Whether a load of `cpu` can read nothing but the newest message: nobody else ever writes.
  bool is_own(const void* location, unsigned cpu) const;
  void note_writer(const void* location, unsigned cpu);
  void note_access(const void* location, unsigned cpu, bool observed = false);
  void note_owner(const void* location, unsigned cpu);

  Memory memory_;
  Run run_;
  void* program_;
  Fiber thread_;
  std::vector<std::unique_ptr<Core>> cores_;
  bool direct_ = true;
  bool skip_private_ = false;
  bool learned_ = false;
  bool runaway_ = false;
  bool recording_ = false;
  std::vector<Event> events_;
  Locations locations_;
  std::unique_ptr<Rc11> weak_;
  bool kernel_atomics_ = false;
  Orders orders_;
  CpuSet interchangeable_ = 0;
  OwnerOf owner_of_ = nullptr;
};

}  // namespace mmscale::machine::explorer
