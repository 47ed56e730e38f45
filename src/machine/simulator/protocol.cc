// SPDX-License-Identifier: MIT
//
// What an access costs that does not hit. One mechanism a function; docs/simulator.md names the evidence for
// each.
#include <algorithm>
#include <bit>
#include <utility>

#include "machine/simulator/world.h"

namespace mmscale::machine::simulator {

// Between two agents, or an agent and a home: nothing where they are one.
Picoseconds World::between(const Place& a, const Place& b) const {
  if (a.domain == b.domain) return 0;
  if (a.package == b.package) return leg_[static_cast<std::size_t>(Reach::package)];
  return leg_[static_cast<std::size_t>(a.group == b.group ? Reach::other_package : Reach::other_group)];
}

// Between a core and whom it asks: its domain's agent, or on a bus the owner.
Picoseconds World::core_leg() const { return leg_[static_cast<std::size_t>(Reach::domain)]; }

// From one hardware thread of a core to another.
Picoseconds World::sibling_leg() const { return leg_[static_cast<std::size_t>(Reach::sibling)]; }

Picoseconds World::bus_leg(const Line& line, const Cpu& c) const {
  return line.owner == kNobody ? core_leg()
                               : leg_[static_cast<std::size_t>(reach(c.place, core_place_[line.owner]))];
}

// Returns when the request is answered, with the line in the state asked for.
void World::request(Cpu& c, std::uint32_t index, Wish wish) {
  charge(c, &Spent::work);
  send(c, index, wish);
  wait(c);
  charge_request(c);
}

// A request leaves for the agent of its domain, or goes out on the bus.
void World::send(Cpu& c, std::uint32_t index, Wish wish) {
  Line& line = lines_[index];
  if (line.home == kNobody) find_home(line, c, index);
  c.wish = wish;
  c.line = index;
  c.state = State::requesting;
  ++statistics_.requests;
  schedule(c, c.time + (protocol_ == Protocol::snoop ? bus_leg(line, c) : core_leg()));
}

// First touch, as the kernel places pages, unless the memory was bound to a node.
void World::find_home(Line& line, const Cpu& c, std::uint32_t index) {
  const std::uintptr_t address = lines_.address_of(index);
  line.home = address >= homed_begin_ && address < homed_end_ ? home_package_ : c.place.package;
}

// Until the line is here and it is this hardware thread's turn: siblings' operations follow each other,
// though both find the line in their cache. Then the operation to come is in flight: the line does not leave
// before it is over. Where it goes through an agent, who waits for a sibling's operation has none in flight: if
// somebody else asks meanwhile, the line leaves first, and this is a miss.
void World::acquire(Cpu& c, std::uint32_t index, Wish wish) {
  if (lines_[index].owner != c.place.core) {
    request(c, index, wish);
    return;
  }
  charge(c, &Spent::work);
  Line& line = lines_[index];
  const Picoseconds asked = c.time;
  const Picoseconds sibling = sibling_leg();
  const Picoseconds free = std::max(c.time, line.busy_until);
  const std::uint32_t from = std::exchange(line.last_user, c.id);
  line.busy_until = free + sibling + costs_.atomic;
  c.time = free;
  charge(c, &Spent::waiting);
  if (handover_ == Handover::through && free != asked) {
    line.in_flight_until = free;
    line.in_flight_of = from;
    yield(c);
    if (lines_[index].owner != c.place.core) {
      request(c, index, wish);
      return;
    }
  }
  c.time += sibling;
  charge_transfer(c, Reach::sibling);
  if (watching_) note(index, c.id, from, c.time - asked);
  yield(c);
}

// What a read-modify-write by load-linked and store-conditional costs beyond the line's way: the
// store-conditional goes out once more, and whoever waits has read the line and tried in vain meanwhile, so
// that each success takes the port for the tries of every contender. So the cost of an operation grows
// with their number (Graviton 1, POWER5+), where operations that cannot fail do not care. Who only reads tries nothing.
// The tries are counted, not simulated one by one, and the contenders get through in turn: what real ones win by trying
// again sooner than others nobody has published.
Picoseconds World::conditional(const Line& line, Picoseconds way) {
  if (atomics_ == Atomics::near) return 0;
  statistics_.failed_conditionals += line.contending;
  return (protocol_ == Protocol::snoop ? 2 * way : 0) + line.contending * costs_.failed_try;
}

// A core has one miss buffer for a line: while a sibling's request waits, this one waits behind it, and asks
// when the line has been there. (A thread asks for no line that its own store buffer waits for.)
bool World::behind_sibling(Cpu& c) {
  const Asking& asking = asking_[c.place.core];
  if (asking.requests == 0) return false;
  Cpu* first = &cpus_[asking.requests == 1 ? asking.sum : c.id];
  const std::uint32_t self = thread_of(c);
  for (std::uint32_t at = cpus_[self].next_sibling; asking.requests > 1 && at != self;
       at = cpus_[at].next_sibling)
    for (Cpu* sibling : {&cpus_[at], &buffer_of(at)})
      if (sibling->state == State::queued && sibling->line == c.line && !sibling->chained) first = sibling;
  if (first == &c || first->line != c.line) return false;
  std::uint32_t* link = &first->behind;
  while (*link != kNobody) link = &cpus_[*link].behind;
  *link = c.id;
  c.chained = true;
  return true;
}

void World::arrive(Cpu& c, Picoseconds time) {
  Line& line = lines_[c.line];
  LineStatistics& statistics = lines_.statistics(c.line);
  c.state = State::queued;
  c.arrived = time;
  ++statistics.requests;
  statistics.queued += line.waiting;
  statistics.longest = std::max<std::uint64_t>(statistics.longest, ++line.waiting);
  if (!behind_sibling(c)) enqueue(line, c, time);
  if (line.snooping_for == kNobody) serve(c.line, time);
}

void World::enqueue(Line& line, Cpu& c, Picoseconds time) {
  const std::uint32_t domain = queue_of(c);
  Queue& queue = lines_.queue(line, domain);
  ++line.asking;
  ++asking_[c.place.core].requests;
  asking_[c.place.core].sum += c.id;
  line.contending += c.wish == Wish::modify;
  c.next = kNobody;
  (queue.first == kNobody ? queue.first : cpus_[queue.last].next) = c.id;
  queue.last = c.id;
  if (line.owner_domain != domain) ask_home(line, domain, time);
}

// The agent of a domain asks for a line on behalf of all its cores, once.
void World::ask_home(Line& line, std::uint32_t domain, Picoseconds time) {
  Queue& queue = lines_.queue(line, domain);
  if (queue.asked) return;
  queue.asked = true;
  queue.at_home = time + (protocol_ == Protocol::snoop ? 0 : between(domains_[domain], agents_[line.home]));
  queue.next_domain = kNobody;
  (line.first_domain == kNobody ? line.first_domain : lines_.queue(line, line.last_domain).next_domain) =
      domain;
  line.last_domain = domain;
}

// Takes the request that is served next off a domain's queue, one of those that were there `by` then. Its sibling asks then.
World::Cpu& World::take(Line& line, std::uint32_t domain, Picoseconds by, Picoseconds time) {
  Queue& queue = lines_.queue(line, domain);
  std::uint32_t before = before_next(line, queue, by);
  // Who waits for a sibling's operation has none in flight: another core comes before.
  if (const std::uint32_t next = before == kNobody ? queue.first : cpus_[before].next;
      handover_ == Handover::through && cpus_[next].place.core == line.owner && queue.first != queue.last)
    before = next == queue.last ? kNobody : next;
  return take_behind(line, domain, before, time);
}

// The one behind `before`, the first behind nobody.
World::Cpu& World::take_behind(Line& line, std::uint32_t domain, std::uint32_t before, Picoseconds time) {
  Queue& queue = lines_.queue(line, domain);
  std::uint32_t& link = before == kNobody ? queue.first : cpus_[before].next;
  Cpu& c = cpus_[link];
  link = c.next;
  if (queue.last == c.id) queue.last = before;
  --asking_[c.place.core].requests;
  asking_[c.place.core].sum -= c.id;
  c.state = State::ready;
  if (c.wish == Wish::read) read_along(line, c, time);
  if (c.behind != kNobody) {
    Cpu& sibling = cpus_[std::exchange(c.behind, kNobody)];
    sibling.chained = false;
    enqueue(line, sibling, time);
  }
  --line.waiting;
  --line.asking;
  line.contending -= c.wish == Wish::modify;
  waits_no_more(c, time);
  return c;
}

void World::waits_no_more(Cpu& c, Picoseconds time) {
  c.waited = time - c.arrived;
  lines_.statistics(c.line).waited += c.waited;
  statistics_.waited += c.waited;
}

// Siblings that wait behind a read to read, too, have the line when it has it.
void World::read_along(Line& line, Cpu& c, Picoseconds time) {
  while (c.behind != kNobody && cpus_[c.behind].wish == Wish::read) {
    Cpu& sibling = cpus_[c.behind];
    c.behind = std::exchange(sibling.behind, kNobody);
    sibling.chained = false;
    sibling.state = State::ready;
    sibling.next = std::exchange(c.along, sibling.id);
    --line.waiting;
    waits_no_more(sibling, time);
  }
}

// Others would wait for ever if the nearest always came first.
constexpr std::uint32_t kMostPassedOver = 64;

// For so many turns at most a domain keeps a line that the home's snoop waits for, where domains come in order.
constexpr std::uint32_t kMostTurns = 8;

// Among how many of the oldest chance decides, in a domain and on a bus.
constexpr std::uint32_t kDomainCandidates = 64;
constexpr std::uint32_t kBusCandidates = 16;

// Which request comes before the one served next: one of a domain's oldest, of those that were there `by` then; on a bus
// that one's, the one before the owner's nearest, or nobody.
std::uint32_t World::before_next(Line& line, const Queue& queue, Picoseconds by) {
  std::uint32_t before = kNobody;
  if (protocol_ == Protocol::home || arbitration_ == Arbitration::random) {
    const std::uint32_t candidates =
        std::min(line.asking, protocol_ == Protocol::home ? kDomainCandidates : kBusCandidates);
    for (std::uint64_t skip = candidates > 1 ? random_() % candidates : 0; skip != 0; --skip) {
      const std::uint32_t here = before == kNobody ? queue.first : cpus_[before].next;
      if (protocol_ == Protocol::home) {
        if (here == queue.last) break;
        const Cpu& behind = cpus_[cpus_[here].next];
        if (behind.place.core == line.owner || behind.arrived > by) break;
      }
      before = here;
    }
    return before;
  }
  if (line.owner == kNobody || arbitration_ == Arbitration::fifo) return before;
  std::uint32_t previous = kNobody;
  Reach nearest = reach(cpus_[queue.first].place, core_place_[line.owner]);
  for (std::uint32_t at = queue.first; at != kNobody; previous = at, at = cpus_[at].next) {
    const Reach distance = reach(cpus_[at].place, core_place_[line.owner]);
    if (distance >= nearest) continue;
    nearest = distance;
    before = previous;
  }
  if (before != kNobody && ++line.passed_over <= kMostPassedOver) return before;
  line.passed_over = 0;
  return kNobody;
}

// The home has sent its snoop for the domain that asked first, or for a core of it.
void World::forget_first_domain(Line& line) {
  line.first_domain = lines_.queue(line, line.first_domain).next_domain;
}

// What the domain asked for is done with.
void World::ask_again(Line& line, std::uint32_t domain, Picoseconds time) {
  Queue& queue = lines_.queue(line, domain);
  queue.asked = false;
  if (queue.first != kNobody && line.owner_domain != domain) ask_home(line, domain, time);
}

// Whether the owner's agent serves a core of its own next, or the home's snoop, which is there at
// `remote_at`. Nothing in the published figures says that near ones go first everywhere.
bool World::own_domain_first(Line& line, const Queue& own, Picoseconds remote_at, Picoseconds time) {
  const bool came_first = cpus_[own.first].arrived <= remote_at;
  if (remote_at > time) return came_first;
  if (arbitration_ == Arbitration::random) return random_() % 2 == 0;
  const std::uint32_t most = arbitration_ != Arbitration::fifo ? kMostPassedOver
                             : came_first                      ? kMostTurns
                                                               : 0;
  return ++line.passed_over <= most;
}

// The agent that has the line takes up waiting requests one after the other, as long as none needs it to be
// fetched from its owner first.
void World::serve(std::uint32_t index, Picoseconds time) {
  for (;;) {
    Line& line = lines_[index];
    if (line.waiting == 0) return;
    if (line.port_free > time) {
      schedule(index, line.port_free);
      return;
    }
    if (line.owner == kNobody) {
      if (!serve_unowned(index, time)) return;
      continue;
    }
    // Asks an owner. On a bus all requests are in one queue, which is nobody's own.
    std::uint32_t domain = line.first_domain;
    Picoseconds by = kNever;
    if (protocol_ == Protocol::home) {
      const Queue& own = lines_.queue(line, line.owner_domain);
      // A sibling of the owner has the line after the operation in flight, unless another core asks before.
      if (handover_ == Handover::through && line.asking == 1 && own.first != kNobody &&
          cpus_[own.first].place.core == line.owner && line.busy_until > time + core_leg()) {
        schedule(index, line.busy_until - core_leg());
        return;
      }
      Picoseconds remote_at = kNever;
      if (domain != kNobody) remote_at = snoop_from_home(line, index, domain);
      if (own.first != kNobody && own_domain_first(line, own, remote_at, time)) {
        domain = line.owner_domain;
        // Chance among its cores must not make another domain wait for longer.
        by = std::max(remote_at, cpus_[own.first].arrived);
      } else if (remote_at > time) {
        schedule(index, remote_at);
        return;
      }
    }
    Cpu& c = take(line, domain, by, time);
    if (domain != line.owner_domain) {
      forget_first_domain(line);
      if (protocol_ == Protocol::snoop) ask_again(line, domain, time);
    }
    // The snoop is on its way; meanwhile the owner goes on.
    line.snooping_for = c.id;
    schedule(index, time + (protocol_ == Protocol::snoop ? 0 : core_leg()));
    return;
  }
}

// When the home's snoop for a domain that waits is at the owner's agent. Who waited when the owner got the line
// has come with it as a conflict, and needs no snoop: the owner goes on for some operations at most.
Picoseconds World::snoop_from_home(Line& line, std::uint32_t index, std::uint32_t domain) {
  constexpr Picoseconds kMostOperations = 8;
  const Picoseconds at_home = lines_.queue(line, domain).at_home;
  const Picoseconds since = lines_.statistics(index).since;
  const Picoseconds snooped =
      std::max(at_home, line.home_free) + between(agents_[line.home], domains_[line.owner_domain]);
  return at_home <= since ? std::min(snooped, since + kMostOperations * costs_.atomic) : snooped;
}

void World::line_event(std::uint32_t index, Picoseconds time) {
  Line& line = lines_[index];
  if (line.event_at != time) return;
  line.event_at = kNever;
  if (line.snooping_for != kNobody)
    hand_over(index, time);
  else
    serve(index, time);
}

// The snoop has reached the owner: it finishes the operation in flight and gives the line away.
//
// Through the domain's agent: the next snoop arrives with the line, so each visit is one operation, unless
// the machine has longer ones.
//
// Direct: the data go to the next, "done" to the agent, who only then serves the request after that. So the
// next owner keeps the line for a leg at least, and completes as many operations as fit.
//
// To another domain: that has it until the home has heard that it arrived, and its snoop for the next domain
// has come; meanwhile its own cores pass the line on among themselves.
//
// A bus has no visits: the next request is heard as soon as the line is there.
void World::hand_over(std::uint32_t index, Picoseconds time) {
  if (visit_goes_on(index, time)) return;
  Line& line = lines_[index];
  Cpu& c = cpus_[line.snooping_for];
  const Place& owner = core_place_[line.owner];
  const bool sibling_waits = time < line.in_flight_until;
  const Picoseconds leaves = std::max(time, sibling_waits ? line.in_flight_until : line.busy_until);
  const bool reads = c.wish == Wish::read;
  const Picoseconds leg = core_leg();
  const std::uint32_t from = line.owner_domain;
  const std::uint32_t to = queue_of(c);
  const std::uint32_t user = sibling_waits ? line.in_flight_of : line.last_user;
  line.snooping_for = kNobody;
  line.kept_until = 0;
  count_transfer(index, owner, c.place, reads);
  c.came = reach(owner, c.place);

  Picoseconds data = 0;
  if (owner.core == c.place.core) {
    data = leaves + sibling_leg();
    line.port_free = leaves;
  } else if (protocol_ == Protocol::snoop) {
    data = leaves + leg_[static_cast<std::size_t>(reach(owner, c.place))];
    line.port_free = reads ? leaves + costs_.port : data;
  } else if (from == to) {
    data = within_domain(c, time, leaves);
    line.port_free = handover_ == Handover::through ? data - leg : leaves + leg;
  } else {
    line.passed_over = 0;
    const Picoseconds sent = leaves + leg;
    line.port_free = sent + between(owner, c.place);
    data = line.port_free + leg;
    line.home_free = requester_tells_home_ ? data + leg + between(c.place, agents_[line.home])
                                           : sent + between(owner, agents_[line.home]);
    // Who else waits is a conflict, which goes to the home and is answered.
    if (acknowledges_conflicts_ && line.waiting != 0 && !reads)
      line.kept_until = data + 2 * (leg + between(c.place, agents_[line.home]));
  }
  if (c.wish == Wish::modify) {
    const Picoseconds more = conditional(line, data - leaves);
    data += more;
    line.port_free += more;
  }
  if (watching_) note(index, thread_of(c), user, data - c.time);
  if (reads && owner.core == c.place.core) {
    line.busy_until = std::max(line.busy_until, data);
  } else if (reads) {
    leave_owner(index, leaves);
    lines_.share(line, owner);
    lines_.share(line, c.place);
    line.busy_until = data;
    if (supplier_ == Supplier::agent) line.supplier = c.place.core;
    if (protocol_ == Protocol::home) lines_.queue(line, to).copy_at = data - leg;
  } else {
    become_owner(index, c, data);
  }
  if (protocol_ == Protocol::home) {
    ask_again(line, to, leaves);
    if (from != to) ask_again(line, from, leaves + leg);
  }
  grant(c, data);
  if (line.kept_until != 0) serve_siblings(index, c, to, leaves);
  if (line.waiting != 0) schedule(index, line.port_free);
}

// The line came for all hardware threads of the core: who asked for it to write has it after the one that it is granted to.
void World::serve_siblings(std::uint32_t index, const Cpu& c, std::uint32_t domain, Picoseconds time) {
  Line& line = lines_[index];
  const Picoseconds sibling = sibling_leg();
  std::uint32_t before = kNobody;
  for (std::uint32_t at = lines_.queue(line, domain).first; at != kNobody;) {
    Cpu& waits = cpus_[at];
    at = waits.next;
    if (waits.place.core != c.place.core || waits.wish == Wish::read) {
      before = waits.id;
      continue;
    }
    take_behind(line, domain, before, time);
    const std::uint32_t user = std::exchange(line.last_user, thread_of(waits));
    if (watching_) note(index, line.last_user, user, line.busy_until + sibling - waits.time);
    waits.came = Reach::sibling;
    grant(waits, line.busy_until + sibling);
    line.busy_until += sibling + costs_.atomic;
  }
}

// An owner whose conflict the home has not acknowledged keeps the line. One that works on it, with less than an operation's
// time between two, is not interrupted before its visit is over: the snoop is answered then, or when it stops.
bool World::visit_goes_on(std::uint32_t index, Picoseconds time) {
  const Line& line = lines_[index];
  Picoseconds until = line.kept_until;
  if (costs_.visit != 0)
    until = std::max(
        until, std::min(line.busy_until + costs_.atomic, lines_.statistics(index).since + costs_.visit));
  if (time >= until) return false;
  schedule(index, until);
  return true;
}

// When the line is there: two legs from an owner who had done with it, and modified_read more for who only reads, or one leg
// if it goes straight. To who has been waiting, through an agent that knew it for long, it takes what published throughput
// says, if only the way of the request itself is over.
Picoseconds World::within_domain(const Cpu& c, Picoseconds snooped, Picoseconds leaves) const {
  const Picoseconds leg = core_leg();
  if (handover_ == Handover::direct) return leaves + leg;
  if (leaves == snooped && c.arrived + leg == snooped)
    return leaves + 2 * leg + (c.wish == Wish::read ? costs_.modified_read : 0);
  return std::max(leaves + std::max(costs_.handoff, leg), c.arrived + 3 * leg);
}

// Nobody may write the line: it is shared, or in memory only. False if the next request is not there yet.
bool World::serve_unowned(std::uint32_t index, Picoseconds time) {
  Line& line = lines_[index];
  const std::uint32_t domain = line.first_domain;
  const Cpu& first = cpus_[lines_.queue(line, domain).first];
  const Place agent = first.place;
  const std::uint64_t own_domain = std::uint64_t{1} << agent.domain;
  // What stays within a domain is settled there, whatever the line's home.
  const bool local = first.wish == Wish::read
                         ? supplier_ == Supplier::agent && (line.domains & own_domain) != 0
                         : line.domains == own_domain;
  const Place& by = local ? agent : agents_[line.home];
  const Picoseconds start =
      local ? time : std::max({time, lines_.queue(line, domain).at_home, line.home_free});
  if (start > time) {
    schedule(index, start);
    return false;
  }
  Cpu& c = take(line, domain, kNever, time);
  const bool reads = c.wish == Wish::read && line.domains != 0;
  // While it only reads, a domain stays the first, and whoever of it comes next is served next.
  const bool stays = (reads || protocol_ == Protocol::snoop) && lines_.queue(line, domain).first != kNobody;
  if (!stays) {
    forget_first_domain(line);
    lines_.queue(line, domain).asked = false;
  }
  const Picoseconds leg = core_leg();
  c.came = std::max(reach(by, agent), Reach::domain);
  if (line.domains == 0) {
    // Exclusive even to a reader: the next write of a line that nobody else has asks nobody.
    const Picoseconds data = time + costs_.memory + between(by, agent) + leg;
    line.port_free = time + costs_.port;
    become_owner(index, c, data);
    grant(c, data);
  } else if (reads) {
    grant(c, answer(line, c, local, time));
    lines_.share(line, c.place);
  } else {
    c.came = farthest_sharer(line, agent);
    Picoseconds done = std::max(time, line.busy_until) + invalidation(line, agent, by);
    if (c.wish == Wish::modify) done += conditional(line, 0);
    lines_.invalidate_sharers(line);
    // Who spins on its copy misses as soon as it is gone, so its request is there before the write is done. On x86 its
    // pipeline starts again first, lest loads be out of order, and the write is done.
    if (line.spinners != kNobody && handover_ == Handover::direct)
      wake_spinners(line, std::max(time, line.busy_until) + leg);
    // The agent through which the last answer went sends the next snoop right behind it.
    line.port_free = handover_ == Handover::through ? done - leg : done;
    become_owner(index, c, done);
    grant(c, done);
  }
  return true;
}

// When a reader of a shared line has it.
//
// In a domain that has it, from the cache that its cores share: one read after the other at its port, and none
// waits for another's data. A domain that has not asks the home, and who answers is the domain that read it
// last, or the core that wrote it: the home does no more with the line until that is over, so domains read one
// after the other.
Picoseconds World::answer(Line& line, const Cpu& c, bool local, Picoseconds time) {
  const Picoseconds leg = core_leg();
  Queue& queue = lines_.queue(line, c.place.domain);
  if (protocol_ == Protocol::snoop) {
    line.port_free = time + costs_.port;
    return time + leg;
  }
  if (local) {
    line.port_free = time + costs_.port;
    return std::max(time + leg, queue.copy_at) + leg;
  }
  const bool from_core = supplier_ == Supplier::owner;
  const Place& home = agents_[line.home];
  const Place& supplier = core_place_[line.supplier];
  const Picoseconds sent = time + between(home, supplier) + (from_core ? 2 * leg : 0);
  queue.copy_at = sent + between(supplier, c.place);
  const Picoseconds data = queue.copy_at + leg;
  line.home_free = (from_core ? data + leg : queue.copy_at) + between(c.place, home);
  if (from_core)
    line.port_free = line.home_free;
  else
    line.supplier = c.place.core;
  line.busy_until = std::max(line.busy_until, data);
  return data;
}

// All sharers are told at once, and the writer waits for the farthest. They answer whoever told them where
// lines pass an agent, else the writer. On a bus it told them itself, as if all were near.
Picoseconds World::invalidation(const Line& line, const Place& writer, const Place& by) const {
  const Picoseconds leg = core_leg();
  Picoseconds farthest = 0;
  for (std::uint64_t rest = line.domains; rest != 0; rest &= rest - 1) {
    const Place& sharer = domains_[static_cast<std::size_t>(std::countr_zero(rest))];
    Picoseconds way = 2 * std::max(leg, between(sharer, writer)) - leg;
    if (protocol_ == Protocol::home && handover_ == Handover::through)
      way = 2 * between(by, sharer) + between(by, writer) + 3 * leg;
    else if (protocol_ == Protocol::home)
      way = between(by, sharer) + between(sharer, writer) + 2 * leg;
    farthest = std::max(farthest, way);
  }
  return std::max(farthest, leg);
}

Reach World::farthest_sharer(const Line& line, const Place& writer) const {
  Reach farthest = Reach::domain;
  for (std::uint64_t rest = line.domains; rest != 0; rest &= rest - 1)
    farthest = std::max(farthest, reach(domains_[static_cast<std::size_t>(std::countr_zero(rest))], writer));
  return farthest;
}

void World::count_transfer(std::uint32_t index, const Place& from, const Place& to, bool reads) {
  const auto distance = static_cast<std::size_t>(reach(from, to));
  LineStatistics& statistics = lines_.statistics(index);
  ++(reads ? statistics.copied : statistics.moved)[distance];
  ++(reads ? statistics_.copied : statistics_.moved)[distance];
}

void World::leave_owner(std::uint32_t index, Picoseconds time) {
  Line& line = lines_[index];
  LineStatistics& statistics = lines_.statistics(index);
  if (line.owner != kNobody && time > statistics.since)
    lines_.kept(index)[core_place_[line.owner].package] += time - statistics.since;
  line.owner = line.owner_domain = line.last_user = kNobody;
}

void World::become_owner(std::uint32_t index, Cpu& c, Picoseconds time) {
  Line& line = lines_[index];
  leave_owner(index, line.busy_until);
  line.owner = c.place.core;
  line.owner_domain = protocol_ == Protocol::home ? c.place.domain : kNobody;
  line.last_user = thread_of(c);
  line.supplier = c.place.core;
  lines_.statistics(index).since = time;
  // At least the operation it came for.
  line.busy_until = time + costs_.atomic;
}

void World::grant(Cpu& c, Picoseconds time) {
  c.state = State::ready;
  schedule(c, time);
  for (std::uint32_t at = std::exchange(c.along, kNobody); at != kNobody; at = cpus_[at].next) {
    cpus_[at].came = c.came;
    schedule(cpus_[at], time);
  }
}

}  // namespace mmscale::machine::simulator
