// SPDX-License-Identifier: MIT
#include "machine/explorer/world.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace mmscale::machine::explorer {

namespace {

bool is_release(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

}  // namespace

Core::Core(World& the_world, unsigned number) : world(the_world), cpu(number), fiber_(Fiber::kStackBytes) {}

void Core::run_fiber(void* self) {
  Core& core = *static_cast<Core*>(self);
  core.world.run_(core.world.program_, core.cpu);
  Operation done;
  done.kind = Operation::Kind::done;
  done.name = "done";
  for (;;) core.stop_before(done);
}

void Core::stop_before(Operation& operation) {
  if (world.direct_) return;
  if (operation.location != nullptr) world.note_access(operation.location, cpu, observing);
  if (world.weak_ != nullptr && operation.location != nullptr && !operation.coherent) {
    if (operation.kind == Operation::Kind::store || operation.kind == Operation::Kind::rmw)
      world.note_writer(operation.location, cpu);
    if (!world.skip_private_ || !world.is_private(operation.location))
      operation.place = world.weak_->locate(operation.location, operation.bytes);
  }
  for (;;) {
    if (world.skip_private_ && is_local(operation) && ++skipped < kMaxSkipped) {
      if (is_weak(operation)) for_each_choice(operation, [this](std::uint32_t one) { choice = one; });
      return;
    }
    if (skipped >= kMaxSkipped) world.runaway_ = true;
    skipped = 0;
    pending = operation;
    fiber_.jump(world.thread_);
    if (chosen == Transition::Kind::step) return;
    take_interrupts();
  }
}

void Core::read(const void* location, void* value, std::size_t bytes) const {
  if (offered_ != nullptr) {
    std::memcpy(value, offered_, bytes);
    return;
  }
  for (unsigned i = buffered; i-- > 0;)
    if (buffer[i].location == location) {
      std::memcpy(value, &buffer[i].value, bytes);
      return;
    }
  std::memcpy(value, location, bytes);
}

void Core::perform_read(void* value, const Operation& operation) {
  if (world.weak_ == nullptr || world.direct_ || operation.coherent)
    return read(operation.location, value, operation.bytes);
  const bool rmw = operation.kind == Operation::Kind::rmw;
  if (!is_weak(operation)) {
    if (!rmw) world.weak_->private_access(cpu, operation.location, operation.order);
    return read(operation.location, value, operation.bytes);
  }
  const std::uint64_t word = world.weak_->read(cpu, operation.place, choice, operation.order, rmw);
  std::memcpy(value, &word, operation.bytes);
}

void Core::fence(std::memory_order order) {
  if (world.weak_ != nullptr && !world.direct_) world.weak_->fence(cpu, order);
}

void Core::acquire(IpiRequest& request) {
  if (world.weak_ == nullptr || world.direct_) return;
  world.weak_->acquire(cpu, request.known);
  request.known = Rc11::kNothing;
}

void Core::mark(const void* address) {
  if (world.weak_ != nullptr && !world.direct_) world.weak_->mark(cpu, address);
}

bool Core::knows_mark(const void* address) const {
  return world.weak_ == nullptr || world.direct_ || world.weak_->knows_mark(cpu, address);
}

void Core::write(void* location, const void* value, const Operation& operation) {
  if (world.weak_ != nullptr && !world.direct_ && !operation.coherent) {
    const bool rmw = operation.kind == Operation::Kind::rmw;
    std::uint64_t word = 0;
    std::memcpy(&word, value, operation.bytes);
    if (is_weak(operation)) {
      world.weak_->write(cpu, operation.place, choice, operation.order, word, rmw);
    } else {
      world.weak_->private_access(cpu, location, operation.order);
      std::memcpy(location, value, operation.bytes);
    }
    return;
  }
  const std::uint16_t number = operation.kind == Operation::Kind::store ? ++stores : stores;
  const bool to_memory = world.direct_ || world.memory_ == Memory::sc || world.memory_ == Memory::rc11 ||
                         operation.kind == Operation::Kind::rmw ||
                         (world.skip_private_ && world.is_private(location));
  if (to_memory) {
    std::memcpy(location, value, operation.bytes);
    return;
  }
  Store& store = buffer[buffered++];
  store = {location, 0, static_cast<std::uint16_t>(operation.bytes), number, is_release(operation.order)};
  std::memcpy(&store.value, value, operation.bytes);
}

bool Core::is_weak(const Operation& operation) const { return operation.place != Operation::kNoPlace; }

template <class F>
void Core::for_each_choice(const Operation& operation, F&& f) const {
  const auto readable = [&](std::memory_order order, bool rmw, auto&& with) {
    world.weak_->for_each_readable(cpu, operation.place, order, rmw, with);
  };
  switch (operation.kind) {
    case Operation::Kind::load:
      return readable(operation.order, false, [&](Time time, std::uint64_t) { f(time); });
    case Operation::Kind::rmw:
      return readable(operation.order, true, [&](Time time, std::uint64_t) { f(time); });
    case Operation::Kind::wait:
      return readable(operation.order, false, [&](Time time, const std::uint64_t& value) {
        offered_ = &value;
        const bool ends = operation.satisfied(operation.waiting);
        offered_ = nullptr;
        if (ends) f(time);
      });
    case Operation::Kind::store:
      return world.weak_->for_each_landing(cpu, operation.place, f);
    default:
      return;
  }
}

bool Core::is_eager() const {
  return pending.kind == Operation::Kind::store && is_weak(pending) &&
         (irqs_off || world.is_private(&inbox_location_));
}

bool Core::buffer_holds(const void* location) const {
  for (unsigned i = 0; i < buffered; ++i)
    if (buffer[i].location == location) return true;
  return false;
}

bool Core::needs_empty_buffer(const Operation& operation) const {
  switch (operation.kind) {
    case Operation::Kind::fence:
      return true;
    case Operation::Kind::rmw:
      return world.memory_ == Memory::tso || is_release(operation.order) || buffer_holds(operation.location);
    default:
      return false;
  }
}

bool Core::can_step() const {
  switch (pending.kind) {
    case Operation::Kind::done:
      return false;
    case Operation::Kind::wait:
      return pending.satisfied(pending.waiting);
    case Operation::Kind::store:
      return buffered < kBufferedStores;
    default:
      return buffered == 0 || !needs_empty_buffer(pending);
  }
}

bool Core::can_interrupt() const { return !irqs_off && waiting_requests != 0 && buffered == 0; }

bool Core::can_drain(unsigned index) const {
  if (world.memory_ == Memory::tso) return index == 0;
  if (buffer[index].release && index != 0) return false;
  for (unsigned i = 0; i < index; ++i)
    if (buffer[i].location == buffer[index].location) return false;
  return true;
}

void Core::drain(unsigned index) {
  std::memcpy(buffer[index].location, &buffer[index].value, buffer[index].bytes);
  std::copy(buffer.begin() + index + 1, buffer.begin() + buffered, buffer.begin() + index);
  --buffered;
}

bool Core::is_local(const Operation& operation) const {
  if (!irqs_off && !world.is_private(&inbox_location_)) return false;
  switch (operation.kind) {
    case Operation::Kind::local:
      return true;
    case Operation::Kind::fence:
      return buffered == 0;
    case Operation::Kind::load:
      return world.is_private(operation.location) ||
             (is_weak(operation) && world.is_own(operation.location, cpu));
    case Operation::Kind::store:
      return world.is_private(operation.location) ||
             (world.memory_ != Memory::sc && world.memory_ != Memory::rc11 && buffered + 1 < kBufferedStores);
    case Operation::Kind::rmw:
      return world.is_private(operation.location) && (buffered == 0 || !needs_empty_buffer(operation));
    case Operation::Kind::wait:
    case Operation::Kind::done:
      return false;
  }
  return false;
}

// The interrupt entry: all requests in the queue in the order they came, interrupts off, each acknowledged
// with a release store that its sender waits for.
void Core::take_interrupts() {
  irqs_off = true;
  std::array<IpiRequest*, kMaxCpus> requests_now = inbox;
  const unsigned count = waiting_requests;
  waiting_requests = 0;
  if (world.weak_ != nullptr)
    for (unsigned i = 0; i < count; ++i) world.weak_->acquire(cpu, requests_now[i]->known);
  for (unsigned i = 0; i < count; ++i) {
    IpiRequest& request = *requests_now[i];
    request.run(machine_, request.handler, request.info);
    Operation ack;
    ack.kind = Operation::Kind::store;
    ack.order = std::memory_order_release;
    ack.location = &request.busy;
    ack.bytes = sizeof(request.busy);
    ack.coherent = true;
    ack.name = "acknowledge the IPI";
    ack.where = std::source_location::current();
    stop_before(ack);
    if (world.weak_ != nullptr) request.known = world.weak_->publish(cpu);
    const std::uint32_t idle = 0;
    write(&request.busy, &idle, ack);
  }
  irqs_off = false;
}

World::World(unsigned cpus, Memory memory, Run run, void* program)
    : memory_(memory), run_(run), program_(program) {
  if (cpus == 0 || cpus > kMaxCpus) throw std::invalid_argument("explorer: 1 to 4 CPUs");
  if (memory == Memory::rc11) weak_ = std::make_unique<Rc11>(cpus);
  kernel_atomics(false);
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    cores_.push_back(std::make_unique<Core>(*this, cpu));
    // Its owner looks into it wherever interrupts are on.
    note_access(inbox_location(cpu), cpu);
  }
}

std::memory_order World::watched_order_at(Site::Kind kind, std::memory_order order,
                                          const std::source_location& where) {
  if (direct_ || order == std::memory_order_relaxed) return order;
  if (orders_.seen != nullptr && std::none_of(orders_.seen->begin(), orders_.seen->end(),
                                              [&](const Site& one) { return one.is_at(where); }))
    orders_.seen->push_back({where, kind, order});
  const bool weaker = orders_.weakening != nullptr && orders_.weakening->applies(where);
  if (weaker && orders_.applied != nullptr) *orders_.applied = true;
  return weaker ? orders_.weakening->order : order;
}

void World::kernel_atomics(bool on) {
  kernel_atomics_ = on;
  if (weak_ != nullptr) weak_->keep_events(!on);
}

void World::begin() {
  direct_ = false;
  if (weak_ != nullptr) weak_->begin();
  runaway_ = false;
  events_.clear();
  for (auto& core : cores_) {
    core->buffered = 0;
    core->stores = 0;
    core->skipped = 0;
    core->waiting_requests = 0;
    core->irqs_off = core->observing = core->sees_at_once = false;
    for (IpiRequest& request : core->requests) {
      request.busy = 0;
      request.known = Rc11::kNothing;
    }
    core->chosen = Transition::Kind::step;
    core->fiber_.start(Core::run_fiber, core.get());
    thread_.jump(core->fiber_);
  }
}

unsigned World::enabled(std::array<Transition, kMaxTransitions>& transitions) const {
  using enum Transition::Kind;
  unsigned count = 0;
  for (const auto& core : cores_) {
    const auto cpu = static_cast<std::uint8_t>(core->cpu);
    if (core->is_weak(core->pending))
      core->for_each_choice(core->pending, [&](std::uint32_t choice) {
        if (count < kMaxTransitions - kMaxCpus) transitions[count++] = {step, cpu, choice};
      });
    else if (core->can_step())
      transitions[count++] = {step, cpu, 0};
    if (core->can_interrupt()) transitions[count++] = {interrupt, cpu, 0};
    for (unsigned i = 0; i < core->buffered; ++i)
      if (core->can_drain(i)) transitions[count++] = {drain, cpu, core->buffer[i].number};
  }
  return count;
}

Footprint World::footprint(const Transition& transition) const {
  const Core& core = *cores_[transition.cpu];
  switch (transition.kind) {
    case Transition::Kind::interrupt:
      return {&core.inbox_location_, true, nullptr};
    case Transition::Kind::drain:
      for (unsigned i = 0; i < core.buffered; ++i)
        if (core.buffer[i].number == transition.store) return {core.buffer[i].location, true, nullptr};
      return {};
    case Transition::Kind::step:
      break;
  }
  const Operation& operation = core.pending;
  if (core.is_weak(operation)) {
    if (operation.kind != Operation::Kind::rmw) return {};
    return {operation.location, true, nullptr, transition.store};
  }
  switch (operation.kind) {
    case Operation::Kind::load:
    case Operation::Kind::wait:
      return {operation.location, false, operation.location};
    case Operation::Kind::store:
      return memory_ == Memory::sc || operation.coherent ? Footprint{operation.location, true, nullptr}
                                                         : Footprint{};
    case Operation::Kind::rmw:
      return {operation.location, true, operation.location};
    default:
      return {};
  }
}

void World::perform(const Transition& transition) {
  Core& core = *cores_[transition.cpu];
  if (transition.kind == Transition::Kind::drain) {
    for (unsigned i = 0; i < core.buffered; ++i) {
      if (core.buffer[i].number != transition.store) continue;
      if (recording_) {
        Operation operation;
        operation.location = core.buffer[i].location;
        operation.operand = core.buffer[i].value;
        operation.bytes = core.buffer[i].bytes;
        operation.name = "store reaches memory";
        events_.push_back({transition, operation, 0, 0});
      }
      core.drain(i);
      break;
    }
    // What only waited for the buffer to be empty, as a barrier does, is no choice.
    if (!skip_private_ || !core.is_local(core.pending)) return;
    core.chosen = Transition::Kind::step;
    thread_.jump(core.fiber_);
    return;
  }
  if (recording_) events_.push_back({transition, core.pending, 0, 0, as_written(transition).store});
  core.chosen = transition.kind;
  core.choice = transition.store;
  thread_.jump(core.fiber_);
}

Transition World::family(const Transition& transition) const {
  if (transition.kind != Transition::Kind::step || weak_ == nullptr) return transition;
  const Operation& pending = cores_[transition.cpu]->pending;
  if (pending.kind != Operation::Kind::store) return transition;
  return {transition.kind, transition.cpu, 0};
}

Transition World::normal(const Transition& transition) const {
  if (transition.kind != Transition::Kind::step || transition.store == 0) return transition;
  if (weak_ == nullptr) return transition;
  return {transition.kind, transition.cpu,
          1 + weak_->rank(cores_[transition.cpu]->pending.place, transition.store)};
}

Transition World::as_written(const Transition& transition) const {
  if (weak_ == nullptr || transition.kind != Transition::Kind::step || transition.store == 0)
    return transition;
  return {transition.kind, transition.cpu,
          weak_->newer(cores_[transition.cpu]->pending.place, transition.store)};
}

unsigned World::eager_cpu() const {
  if (weak_ != nullptr && skip_private_)
    for (const auto& core : cores_)
      if (core->is_eager()) return core->cpu;
  return cpus();
}

bool World::over() const {
  for (const auto& core : cores_)
    if (core->pending.kind != Operation::Kind::done || core->buffered != 0 || core->waiting_requests != 0)
      return false;
  return true;
}

bool World::pending_is_local(unsigned cpu) const { return cores_[cpu]->is_local(cores_[cpu]->pending); }

bool World::oldest_store_is_private(unsigned cpu) const {
  const Core& core = *cores_[cpu];
  return core.buffered != 0 && is_private(core.buffer[0].location);
}

void World::add_state(Digester& digester) const {
  if (weak_ != nullptr) {
    std::array<Rc11::Snapshot, kMaxCpus * kMaxCpus> known;
    std::size_t count = 0;
    for (const auto& core : cores_)
      for (const IpiRequest& request : core->requests) known[count++] = request.known;
    weak_->add_state(digester, std::span(known).first(count));
  }
  for (const auto& core : cores_) {
    digester.add(core->fiber_.live_stack());
    digester.add_value(core->irqs_off);
    digester.add_value(core->stores);
    digester.add_value(core->buffered);
    digester.add_value(core->waiting_requests);
    for (unsigned i = 0; i < core->buffered; ++i) {
      const CoreState::Store& store = core->buffer[i];
      digester.add_value(store.location);
      digester.add_value(store.value);
      digester.add_value(store.number);
    }
    for (unsigned i = 0; i < core->waiting_requests; ++i) digester.add_value(core->inbox[i]);
    for (const IpiRequest& request : core->requests) digester.add_value(request.busy);
  }
}

void World::checkpoint(Checkpoint& point) {
  direct_ = false;
  for (const auto& core : cores_) {
    CoreState& state = *core;
    point.memory(&state, offsetof(CoreState, buffer));
    point.memory(state.buffer.data(), state.buffered * sizeof(CoreState::Store));
    std::span<std::byte> stack = core->fiber_.live_stack();
    std::size_t bytes = stack.size();
    point.value(bytes);
    if (!point.saving()) stack = core->fiber_.with_live_stack(bytes);
    point.memory(stack.data(), bytes);
  }
  if (weak_ != nullptr) weak_->checkpoint(point);
}

void World::push(unsigned sender, unsigned target, IpiRequest& request) {
  Core& core = *cores_[target];
  request.busy = 1;
  if (weak_ != nullptr) request.known = weak_->publish(sender);
  core.inbox[core.waiting_requests++] = &request;
}

void World::interrupt_directly(unsigned target, IpiRequest& request) {
  Core& core = *cores_[target];
  const bool were_off = core.irqs_off;
  core.irqs_off = true;
  request.run(core.machine_, request.handler, request.info);
  core.irqs_off = were_off;
}

bool World::is_private(const void* location) const {
  return locations_.find(location).toucher != Locations::kShared;
}

bool World::is_own(const void* location, unsigned cpu) const {
  const std::uint32_t writer = locations_.find(location).writer;
  return writer == Locations::kNobody || writer == cpu;
}

// That nobody writes a location, or one CPU alone, is learned as privacy is.
void World::note_writer(const void* location, unsigned cpu) {
  Locations::Facts& facts = locations_[location];
  if (facts.writer == cpu || facts.writer == Locations::kShared) return;
  const bool first = facts.writer == Locations::kNobody;
  facts.writer = first ? cpu : Locations::kShared;
  if (!first || facts.toucher == Locations::kShared) learned_ = true;
}

void World::note_access(const void* location, unsigned cpu, bool observed) {
  if (interchangeable_ != 0 && !observed) note_owner(location, cpu);
  Locations::Facts& facts = locations_[location];
  if (facts.toucher == cpu || facts.toucher == Locations::kShared) return;
  const bool first = facts.toucher == Locations::kNobody;
  facts.toucher = first ? cpu : Locations::kShared;
  if (!first) learned_ = true;
}

void World::note_owner(const void* location, unsigned cpu) {
  unsigned owner = owner_of_(program_, location);
  for (const auto& core : cores_)
    if (location == &core->inbox_location_) owner = core->cpu;
  if (owner == cpu || owner >= kMaxCpus || (interchangeable_ >> owner & 1) == 0) return;
  interchangeable_ = 0;
  learned_ = true;
}

void World::note_value(unsigned cpu, std::uint64_t before, std::uint64_t after) {
  if (!recording_ || direct_) return;
  for (std::size_t i = events_.size(); i-- > 0;)
    if (events_[i].transition.cpu == cpu && events_[i].transition.kind == Transition::Kind::step) {
      events_[i].before = before;
      events_[i].after = after;
      return;
    }
}

}  // namespace mmscale::machine::explorer
