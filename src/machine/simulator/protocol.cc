// SPDX-License-Identifier: MIT
//
// What an access costs that does not hit. One mechanism a function; docs/simulator.md names the evidence for
// each.
#include <algorithm>
#include <bit>

#include "machine/simulator/world.h"

namespace mmscale::machine::simulator {

Picoseconds World::leg(const Place& a, const Place& b) const {
  return leg_[static_cast<std::size_t>(reach(a, b))];
}

Picoseconds World::leg(const Agent& agent, const Place& place) const {
  return agent.local ? leg_[static_cast<std::size_t>(agent.reach)] : leg(agent.place, place);
}

// Who orders this request. A line that stays within a core or a domain is handed on there, whatever its home:
// on Intel a pair of one socket measures the same wherever the line is homed, while on Zen, whose domain is
// the core complex, a pair of one socket but two complexes pays the way to a home on the other socket. On a
// snooping bus the owner itself answers.
World::Agent World::agent(const Line& line, const Cpu& c) const {
  if (line.owner != kNobody) {
    const Place& owner = cpus_[line.owner].place;
    const Reach to_owner = reach(c.place, owner);
    if (to_owner <= Reach::domain) return {owner, true, to_owner};
    if (protocol_ == Protocol::snoop) return {owner};
  } else {
    const std::uint64_t own_domain = std::uint64_t{1} << c.place.domain;
    const bool enough = c.wish == Wish::read ? (line.domains & own_domain) != 0 : line.domains == own_domain;
    if (enough) return {c.place, true, Reach::domain};
  }
  return {agents_[line.home]};
}

// A request leaves for the line's agent. Returns when it is answered, with the line in the state asked for,
// or with false if a store-conditional failed.
bool World::request(Cpu& c, std::uint32_t index, Wish wish) {
  Line& line = lines_[index];
  if (line.home == kNobody) find_home(line, c, index);
  c.wish = wish;
  c.line = index;
  c.state = State::requesting;
  ++statistics_.requests;
  schedule(c, c.time + leg(agent(line, c), c.place));
  wait(c);
  return c.granted;
}

// First touch, as the kernel places pages, unless the memory was bound to a node.
void World::find_home(Line& line, const Cpu& c, std::uint32_t index) {
  const std::uintptr_t address = lines_.address_of(index);
  line.home = address >= homed_begin_ && address < homed_end_ ? home_package_ : c.place.package;
}

// Load-linked fetches a copy to read, store-conditional asks to own it, and fails if anybody wrote in
// between: then all over again. So each success costs a round of reads by all who want the line, and the cost
// of an operation grows with their number (POWER5+, Graviton 1), where operations that cannot fail do not
// care.
//
// Who failed often enough gets the line for good: cores keep it from others for a while then, or the farthest
// would never get through. How often is from memory.
void World::load_linked_store_conditional(Cpu& c, std::uint32_t index) {
  constexpr int kPatience = 8;
  for (int failures = 0; failures < kPatience; ++failures) {
    if (lines_[index].owner != c.id && !lines_.shared_by(lines_[index], c.id)) request(c, index, Wish::read);
    if (lines_[index].owner == c.id) return;
    c.version = lines_[index].version;
    if (request(c, index, Wish::conditional)) return;
    ++statistics_.failed_conditionals;
  }
  request(c, index, Wish::own);
}

void World::arrive(Cpu& c, Picoseconds time) {
  Line& line = lines_[c.line];
  c.state = State::queued;
  c.arrived = time;
  c.next = kNobody;
  (line.first_waiter == kNobody ? line.first_waiter : cpus_[line.last_waiter].next) = c.id;
  line.last_waiter = c.id;
  if (!line.event_pending) serve(c.line, time);
}

// Takes the request that is served next off the list. Which one is a property of the interconnect: nothing in
// the published figures says that near ones go first everywhere.
World::Cpu& World::take_waiter(Line& line) {
  std::uint32_t before = kNobody;
  std::uint32_t chosen = line.first_waiter;
  if (arbitration_ == Arbitration::near && line.owner != kNobody) {
    std::uint32_t previous = kNobody;
    Reach nearest = Reach::other_group;
    bool first = true;
    for (std::uint32_t at = line.first_waiter; at != kNobody; previous = at, at = cpus_[at].next) {
      const Reach distance = reach(cpus_[at].place, cpus_[line.owner].place);
      if (!first && distance >= nearest) continue;
      first = false;
      nearest = distance;
      chosen = at;
      before = previous;
    }
  } else if (arbitration_ == Arbitration::random) {
    std::uint64_t waiting = 0;
    for (std::uint32_t at = line.first_waiter; at != kNobody; at = cpus_[at].next) ++waiting;
    for (std::uint64_t skip = random_() % waiting; skip != 0; --skip) {
      before = chosen;
      chosen = cpus_[chosen].next;
    }
  }
  Cpu& c = cpus_[chosen];
  (before == kNobody ? line.first_waiter : cpus_[before].next) = c.next;
  if (line.last_waiter == chosen) line.last_waiter = before;
  return c;
}

// The line's port takes up waiting requests one after the other, as long as none needs the line to be fetched
// from its owner first.
void World::serve(std::uint32_t index, Picoseconds time) {
  Line& line = lines_[index];
  while (line.first_waiter != kNobody) {
    if (line.port_free > time) {
      schedule(index, line.port_free);
      return;
    }
    Cpu& c = take_waiter(line);
    statistics_.waited += time - c.arrived;
    if (c.wish == Wish::conditional && c.version != line.version) {
      line.port_free = time + costs_.port;
      grant(c, time + leg(agent(line, c), c.place), false);
    } else if (line.owner != kNobody) {
      // The snoop is on its way; meanwhile the owner goes on.
      line.snooping_for = c.id;
      const Cpu& owner = cpus_[line.owner];
      schedule(index, time + (protocol_ == Protocol::snoop ? 0 : leg(agent(line, c), owner.place)));
      return;
    } else {
      serve_unowned(line, c, time);
    }
  }
}

void World::line_event(std::uint32_t index, Picoseconds time) {
  lines_[index].event_pending = false;
  if (lines_[index].snooping_for != kNobody)
    hand_over(index, time);
  else
    serve(index, time);
}

// The snoop has reached the owner: it finishes the operation in flight, sends the data to the one who asked,
// and "done" to the agent, who only then serves the next. So from its arrival an owner keeps the line for the
// way owner -> agent -> owner less the data leg, and completes as many operations as fit: several, and the
// more the farther it is from home. A snooping bus has no such visit: the next request is heard as soon as
// the line is there.
void World::hand_over(std::uint32_t index, Picoseconds time) {
  Line& line = lines_[index];
  Cpu& c = cpus_[line.snooping_for];
  Cpu& owner = cpus_[line.owner];
  const Agent by = agent(line, c);
  const Picoseconds leaves = std::max(time, line.busy_until);
  const Picoseconds data = leaves + leg(owner.place, c.place);
  line.snooping_for = kNobody;
  const auto distance = static_cast<std::size_t>(reach(owner.place, c.place));
  if (c.wish == Wish::read) {
    ++statistics_.copied[distance];
    line.owner = kNobody;
    lines_.share(line, owner.id, owner.place);
    lines_.share(line, c.id, c.place);
    line.port_free = leaves + (protocol_ == Protocol::snoop ? costs_.port : leg(by, owner.place));
  } else {
    ++statistics_.moved[distance];
    line.port_free = protocol_ == Protocol::snoop ? data : leaves + leg(by, owner.place);
    become_owner(line, c, data);
  }
  grant(c, data);
  if (line.first_waiter != kNobody) schedule(index, line.port_free);
}

// Nobody may write the line: it is shared, or in memory only.
void World::serve_unowned(Line& line, Cpu& c, Picoseconds time) {
  const Agent by = agent(line, c);
  if (line.domains == 0) {
    const Picoseconds data = time + costs_.memory + leg(by, c.place);
    line.port_free = time + costs_.port;
    // Exclusive even to a reader: the next write of a line that nobody else has asks nobody.
    become_owner(line, c, data);
    grant(c, data);
  } else if (c.wish == Wish::read) {
    // Read fan-out: one after the other at the port, but none waits for another's data.
    line.port_free = time + costs_.port;
    lines_.share(line, c.id, c.place);
    grant(c, time + (by.local ? 2 : 1) * leg(by, c.place));
  } else {
    const Picoseconds done = time + invalidation(line, c, by);
    lines_.invalidate_sharers(line);
    line.port_free = done;
    become_owner(line, c, done);
    grant(c, done);
  }
}

// All sharers are told at once and answer the writer: it waits for the farthest.
Picoseconds World::invalidation(const Line& line, const Cpu& c, const Agent& by) const {
  Picoseconds farthest = leg(by, c.place);
  for (std::uint64_t rest = line.domains; rest != 0; rest &= rest - 1) {
    const Place& sharer = domains_[static_cast<std::size_t>(std::countr_zero(rest))];
    farthest = std::max(farthest, leg(by, sharer) + leg(sharer, c.place));
  }
  return farthest;
}

void World::become_owner(Line& line, Cpu& c, Picoseconds time) {
  line.owner = c.id;
  ++line.version;
  // At least the operation it came for.
  line.busy_until = time + costs_.atomic;
}

void World::grant(Cpu& c, Picoseconds time, bool granted) {
  c.state = State::ready;
  c.granted = granted;
  schedule(c, time);
}

}  // namespace mmscale::machine::simulator
