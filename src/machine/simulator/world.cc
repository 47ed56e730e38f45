// SPDX-License-Identifier: MIT
#include "machine/simulator/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace mmscale::machine::simulator {
namespace {

// Numbers the cores and domains that are in use from 0, as they first appear: a line's domains are a 64-bit
// set.
std::vector<Place> renumbered(std::vector<Place> places) {
  std::map<std::uint32_t, std::uint32_t> numbers;
  std::map<std::uint32_t, std::uint32_t> cores;
  for (Place& place : places) {
    place.domain =
        numbers.try_emplace(place.domain, static_cast<std::uint32_t>(numbers.size())).first->second;
    place.core = cores.try_emplace(place.core, static_cast<std::uint32_t>(cores.size())).first->second;
  }
  if (numbers.size() > World::kMostDomains)
    throw std::invalid_argument(fmt::format("simulator: {} coherence domains in use, {} is the most",
                                            numbers.size(), World::kMostDomains));
  return places;
}

template <std::uint32_t Place::*kMember>
unsigned count(const std::vector<Place>& places) {
  unsigned most = 0;
  for (const Place& place : places) most = std::max(most, place.*kMember + 1);
  return most;
}

// The home agent of each package: in the package's domain if it has but one, else as far from all of them as
// they are from each other.
std::vector<Place> home_agents(const Model& model, const std::vector<Place>& places) {
  std::map<std::uint32_t, Place> agents;
  for (const Place& place : model.places)
    agents.try_emplace(place.package, Place{kNobody, kNobody, place.package, place.group});
  std::map<std::uint32_t, std::uint32_t> model_domain;
  for (const Place& place : model.places)
    if (const auto [at, first] = model_domain.try_emplace(place.package, place.domain);
        !first && at->second != place.domain)
      at->second = kNobody;
  for (const Place& place : places)
    if (model_domain[place.package] != kNobody) agents[place.package].domain = place.domain;
  std::vector<Place> by_number(agents.empty() ? 0 : agents.rbegin()->first + 1);
  for (const auto& [package, agent] : agents) by_number[package] = agent;
  return by_number;
}

// What a store writes, without a call.
void put(void* to, const void* from, std::size_t bytes) {
  if (bytes == 8)
    std::memcpy(to, from, 8);
  else if (bytes == 4)
    std::memcpy(to, from, 4);
  else
    std::memcpy(to, from, bytes);
}

}  // namespace

World::World(const Model& model, const std::vector<Place>& given, std::uint32_t home_package,
             std::span<const std::byte> homed, Scheduling scheduling)
    : World(model, Renumbered{renumbered(given)}, home_package, homed, scheduling) {}

World::World(const Model& model, const Renumbered& renumbered, std::uint32_t home_package,
             std::span<const std::byte> homed, Scheduling scheduling)
    : costs_(model.costs),
      protocol_(model.protocol),
      handover_(model.handover),
      supplier_(model.supplier),
      requester_tells_home_(model.requester_tells_home),
      acknowledges_conflicts_(model.acknowledges_conflicts),
      atomics_(model.atomics),
      arbitration_(model.arbitration),
      scheduling_(scheduling),
      random_think_(model.random_think),
      leg_(model.leg),
      ipi_delivery_(model.ipi_delivery),
      home_package_(home_package),
      homed_begin_(reinterpret_cast<std::uintptr_t>(homed.data())),
      homed_end_(homed_begin_ + homed.size()),
      threads_(static_cast<std::uint32_t>(renumbered.places.size())),
      turns_(2 * threads_),
      lines_(count<&Place::core>(renumbered.places), count<&Place::domain>(renumbered.places),
             count<&Place::package>(renumbered.places)),
      agents_(home_agents(model, renumbered.places)),
      spent_(threads_),
      random_(model.seed) {
  const std::vector<Place>& places = renumbered.places;
  core_place_.resize(count<&Place::core>(places));
  asking_.resize(core_place_.size());
  domains_.resize(count<&Place::domain>(places));
  std::vector<std::uint32_t> first_of_core(core_place_.size(), kNobody);
  cpus_.resize(2 * places.size());
  for (std::uint32_t i = 0; i < threads_; ++i) {
    cpus_[i].id = i;
    cpus_[i].place = buffer_of(i).place = places[i];
    buffer_of(i).id = threads_ + i;
    domains_[places[i].domain] = core_place_[places[i].core] = places[i];
    std::uint32_t& first = first_of_core[places[i].core];
    if (first == kNobody) first = cpus_[i].next_sibling = i;
    cpus_[i].next_sibling = std::exchange(cpus_[first].next_sibling, i);
    fibers_.push_back(std::make_unique<Fiber>(Fiber::kStackBytes));
    cpus_[i].fiber = cpus_[i].follower = fibers_.back().get();
    cpus_[i].world = this;
  }
}

const void* World::read(unsigned cpu, const void* address) {
  Cpu& c = cpus_[cpu];
  const std::uint32_t index = lines_.index_of(address);
  if (index == c.storing_to) [[unlikely]] {
    if (const Cpu& buffer = buffer_of(cpu); buffer.address == address) {
      c.time += costs_.load;
      return buffer.value.data();
    }
    drain(c);
  }
  const Line& line = lines_[index];
  if (!lines_.at_hand(line, c.place.core)) [[unlikely]]
    request(c, index, Wish::read);
  c.time += costs_.load;
  return address;
}

// Stores become visible one after the other: the buffer has room for one whose line is not here, the next
// store waits for that.
void World::store(unsigned cpu, void* address, const void* value, std::size_t bytes) {
  Cpu& c = cpus_[cpu];
  const std::uint32_t index = lines_.index_of(address);
  drain(c);
  if (lines_[index].last_user != cpu) [[unlikely]] {
    if (lines_[index].owner != c.place.core) {
      Cpu& buffer = buffer_of(cpu);
      buffer.time = c.time;
      buffer.address = address;
      buffer.bytes = static_cast<std::uint32_t>(bytes);
      put(buffer.value.data(), value, bytes);
      c.storing_to = index;
      c.time += costs_.store;
      send(buffer, index, Wish::own);
      return;
    }
    acquire(c, index, Wish::own);
  } else if (watching_) [[unlikely]] {
    note(index, cpu, cpu, 0);
  }
  c.time += costs_.store;
  put(address, value, bytes);
  end_write(cpu, index);
}

void World::await_store(Cpu& c) {
  charge(c, &Spent::work);
  c.state = State::draining;
  schedule(c, kNever);
  wait(c);
  charge(c, &Spent::fences);
}

// The line that a buffered store waits for is here.
void World::finish_store(Cpu& buffer, Picoseconds time) {
  Cpu& c = cpus_[thread_of(buffer)];
  schedule(buffer, kNever);
  put(buffer.address, buffer.value.data(), buffer.bytes);
  buffer.address = nullptr;
  const std::uint32_t index = std::exchange(c.storing_to, kNobody);
  const Picoseconds done = time + costs_.store;
  written(c.id, index, done);
  if (c.state == State::draining) schedule(c, std::max(c.time, done));
}

std::uint32_t World::begin_rmw(unsigned cpu, const void* address) {
  Cpu& c = cpus_[cpu];
  const std::uint32_t index = lines_.index_of(address);
  drain(c);
  if (lines_[index].last_user != cpu) [[unlikely]]
    acquire(c, index, Wish::modify);
  else if (watching_) [[unlikely]]
    note(index, cpu, cpu, 0);
  c.time += costs_.atomic;
  return index;
}

void World::end_write(unsigned cpu, std::uint32_t index) { written(cpu, index, cpus_[cpu].time); }

// What a thread wrote is there from `time` on.
void World::written(std::uint32_t thread, std::uint32_t index, Picoseconds time) {
  Line& line = lines_[index];
  if (line.last_user == thread) line.busy_until = time;
  if (line.spinners != kNobody) [[unlikely]]
    wake_spinners(line, time);
}

void World::compute(unsigned cpu, Picoseconds time) {
  Cpu& c = cpus_[cpu];
  std::uint64_t sharing = 1;
  for (std::uint32_t at = c.next_sibling; at != cpu; at = cpus_[at].next_sibling) {
    const Cpu& sibling = cpus_[at];
    // Who is granted a line wakes later than it asked.
    const Picoseconds turn = turns_.of(at);
    const bool runs = sibling.state == State::ready && (turn == kNever || turn == sibling.time);
    sharing += runs || sibling.state == State::spinning || sibling.polls;
  }
  c.time += sharing * time;
}

Picoseconds World::drawn(Picoseconds mean) {
  return static_cast<Picoseconds>(std::exponential_distribution<>()(random_) * static_cast<double>(mean));
}

void World::fiber_main(void* argument) {
  Cpu& c = *static_cast<Cpu*>(argument);
  World& world = *c.world;
  (*world.body_)(c.id);
  world.drain(c);
  c.state = State::done;
  if (--world.live_ == 0) c.fiber->jump(world.thread_);
  world.schedule(c, kNever);
  world.wait(c);
}

void World::run(const std::function<void(unsigned)>& body) {
  body_ = &body;
  live_ = cpus();
  line_events_.clear();
  Picoseconds begin = 0;
  const std::span all = std::span(cpus_).first(threads_);
  for (const Cpu& c : all) begin = std::max(begin, c.time);
  for (Cpu& c : all) {
    charge(c, &Spent::work);
    c.time = c.charged = begin;
    c.state = State::ready;
    c.fiber->start(fiber_main, &c);
    schedule(c, begin);
  }
  // All times are equal, so the first is CPU 0.
  thread_.jump(*cpus_.front().fiber);
  if (live_ == 0) return;
  std::vector<std::uint32_t> waiting;
  for (const Cpu& c : all)
    if (c.state != State::done) waiting.push_back(c.id);
  throw Deadlock(fmt::format("simulator: {} of {} CPUs wait for ever, CPU {} first", waiting.size(), cpus(),
                             waiting.front()));
}

void World::schedule(Cpu& c, Picoseconds time) {
  goes_on_until_ = std::min(goes_on_until_, time);
  // Those that poll come all at once, so that hardly any is the earliest; of others, how far up it is no processor guesses.
  if (c.polls)
    turns_.change(c.id, time);
  else
    turns_.set(c.id, time);
}

void World::schedule(std::uint32_t line, Picoseconds time) {
  goes_on_until_ = std::min(goes_on_until_, time);
  lines_[line].event_at = time;
  line_events_.push({time, line});
}

// Lets whoever is earlier go first.
void World::yield(Cpu& c) {
  schedule(c, c.time);
  wait(c);
}

// The fiber of whoever is due after `c`, whose turn is scheduled or will be by another CPU; null if `c` is. At the same time
// CPUs go before lines.
Fiber* World::next_fiber(Cpu& c) {
  for (;;) {
    const std::uint32_t earliest = turns_.next();
    const Picoseconds time = turns_.of(earliest);
    if (!line_events_.empty() && line_events_.top().time < time) {
      const Event event = line_events_.top();
      line_events_.pop();
      ++statistics_.events;
      line_event(event.who, event.time);
      continue;
    }
    if (time == kNever) return &thread_;
    Cpu& next = cpus_[earliest];
    ++statistics_.events;
    if (next.state == State::requesting) {
      schedule(next, kNever);
      arrive(next, time);
      continue;
    }
    if (next.fiber == nullptr) {
      finish_store(next, time);
      continue;
    }
    if (next.polls && !poll_ends(next, time)) continue;
    if (next.state == State::spinning) stop_spinning(next);
    next.state = State::ready;
    next.time = std::max(next.time, time);
    goes_on_until_ = 0;
    if (&next == &c) return nullptr;
    // CPUs in lockstep follow each other in the same order again and again: while one begins to run, the host fetches what
    // the one after it will need.
    c.follower = next.fiber;
    next.follower->prefetch();
    return next.fiber;
  }
}

// The same of the running CPU, and finds out how long it is the earliest.
Fiber* World::take_turn(Cpu& c) {
  goes_on_until_ = turns_.set(c.id, c.time);
  if (!line_events_.empty()) goes_on_until_ = std::min(goes_on_until_, line_events_.top().time + 1);
  return c.time >= goes_on_until_ || scheduling_ == Scheduling::always_queue ? next_fiber(c) : nullptr;
}

void World::sleep_interruptibly(Cpu& c, State state, Picoseconds until) {
  c.state = state;
  if (!c.irqs_off && c.interrupt_at < until) until = std::max(c.interrupt_at, c.time);
  schedule(c, until);
  wait(c);
}

void World::sleep_until(unsigned cpu, Picoseconds time) {
  Cpu& c = cpus_[cpu];
  if (time > c.time) sleep_interruptibly(c, State::sleeping, time);
}

bool World::spin(unsigned cpu, const Condition& condition, Waiting waiting) {
  Cpu& c = cpus_[cpu];
  c.looks = waiting == Waiting::polls;
  c.line = lines_.index_of(condition.address);
  if (spins_.empty()) spins_.resize(threads_);
  spins_[cpu] = condition;
  charge(c, &Spent::work);
  join_spinners(c);
  sleep_interruptibly(c, State::spinning, kNever);
  charge(c, &Spent::spinning);
  return std::exchange(c.found, false);
}

// Those that are told, and of the same, are in the list as one: where all meet, all wait for the same, and each that
// comes writes.
void World::join_spinners(Cpu& c) {
  Line& line = lines_[c.line];
  if (!c.looks && line.spinners != kNobody) {
    Cpu& first = cpus_[line.spinners];
    if (!first.looks && spins_[first.id] == spins_[c.id]) {
      c.beside = true;
      c.next = first.id;
      c.along = std::exchange(first.along, c.id);
      if (c.along != kNobody) cpus_[c.along].next = c.id;
      return;
    }
  }
  c.next = std::exchange(line.spinners, c.id);
}

// A write took the line from whoever spins on it: all of them read it again, whether or not what they wait for
// has come, and what they find when it is there decides.
void World::wake_spinners(Line& line, Picoseconds time) {
  for (std::uint32_t at = std::exchange(line.spinners, kNobody); at != kNobody;) {
    Cpu& c = cpus_[at];
    at = c.next;
    if (!c.looks) {
      if (spins_[c.id].holds())
        tell(c, time);
      else
        c.next = std::exchange(line.spinners, c.id);
      continue;
    }
    // An interrupt was to wake it: it does, and the CPU reads when it is through.
    if (c.interrupt_at <= std::max(time, c.time) && !c.irqs_off) {
      c.state = State::sleeping;
      continue;
    }
    c.time = std::max(time, c.time);
    c.polls = true;
    if (lines_.at_hand(line, c.place.core)) {
      // A sibling wrote it.
      c.state = State::ready;
      schedule(c, c.time + sibling_leg());
    } else {
      send(c, c.line, Wish::read);
    }
  }
}

// What that CPU and those with it are told of has come.
void World::tell(Cpu& c, Picoseconds time) {
  for (std::uint32_t at = c.id; at != kNobody; at = std::exchange(cpus_[at].along, kNobody)) {
    Cpu& told = cpus_[at];
    told.beside = false;
    told.state = State::sleeping;
    if (told.interrupt_at > std::max(time, told.time) || told.irqs_off)
      schedule(told, std::max(time, told.time));
  }
}

// A spinner's read is answered. True if it goes on: it found what it waits for, or an interrupt.
bool World::poll_ends(Cpu& c, Picoseconds time) {
  c.time = std::max(c.time, time);
  const bool interrupted = c.interrupt_at <= c.time && !c.irqs_off;
  if (!interrupted && !spins_[c.id].holds()) {
    Line& line = lines_[c.line];
    if (lines_.at_hand(line, c.place.core)) {
      c.state = State::spinning;
      join_spinners(c);
      schedule(c, c.irqs_off ? kNever : std::max(c.interrupt_at, c.time));
    } else {
      send(c, c.line, Wish::read);
    }
    return false;
  }
  c.polls = false;
  c.found = !interrupted;
  if (c.found) c.time += costs_.load;
  return true;
}

// Takes a CPU that an interrupt woke off its line's spinners.
void World::stop_spinning(Cpu& c) {
  const std::uint32_t along = std::exchange(c.along, kNobody);
  if (std::exchange(c.beside, false)) {
    cpus_[c.next].along = along;
    if (along != kNobody) cpus_[along].next = c.next;
    return;
  }
  std::uint32_t* link = &lines_[c.line].spinners;
  while (*link != kNobody && *link != c.id) link = &cpus_[*link].next;
  if (*link == kNobody) return;
  *link = c.next;
  if (along == kNobody) return;
  Cpu& heir = cpus_[along];
  heir.beside = false;
  heir.next = std::exchange(*link, heir.id);
}

void World::raise(unsigned cpu, unsigned target) {
  Cpu& from = cpus_[cpu];
  Cpu& to = cpus_[target];
  charge(from, &Spent::work);
  from.time += costs_.ipi_send;
  charge(from, &Spent::interrupts);
  ++statistics_.interrupts;
  const Picoseconds at = from.time + ipi_delivery_[static_cast<std::size_t>(reach(from.place, to.place))];
  to.interrupt_at = std::min(to.interrupt_at, at);
  const bool interruptible = (to.state == State::spinning || to.state == State::sleeping) && !to.irqs_off;
  const Picoseconds wake = std::max(to.interrupt_at, to.time);
  if (interruptible && wake < turns_.of(target)) schedule(to, wake);
}

Spent World::spent(unsigned cpu) const {
  const Cpu& c = cpus_[cpu];
  Spent spent = spent_[cpu];
  (c.interrupts != 0 ? spent.interrupts : spent.work) += c.time - c.charged;
  return spent;
}

// What a request took that has been answered.
void World::charge_request(Cpu& c) {
  const Picoseconds answered = std::exchange(c.time, c.charged + std::min(c.waited, c.time - c.charged));
  charge(c, &Spent::waiting);
  c.time = answered;
  charge_transfer(c, c.came);
}

void World::note(std::uint32_t index, std::uint32_t to, std::uint32_t from, Picoseconds took) {
  const std::uintptr_t address = lines_.address_of(index);
  if (address >= homed_begin_ && address < homed_end_) hand_overs_.push_back({index, to, from, took});
}

}  // namespace mmscale::machine::simulator
