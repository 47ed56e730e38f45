// SPDX-License-Identifier: MIT
#include "machine/explorer/rc11.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace mmscale::machine::explorer {

namespace {

template <class F>
void for_each_fence(FenceSet set, F&& f) {
  for (; set != 0; set &= set - 1) f(static_cast<unsigned>(__builtin_ctzll(set)));
}

}  // namespace

Rc11::Rc11(unsigned cpus) : cpus_(cpus) {}

void Rc11::begin() {
  ++execution_;
  consistent_ = true;
  exhausted_ = false;
  snapshots_used_ = 0;
  fences_.clear();
  graph_.begin(static_cast<unsigned>(cpus_.size()));
  for (Cpu& cpu : cpus_) {
    cpu.now.seen.fill(0);
    cpu.acquirable.seen.fill(0);
    cpu.now.fences = cpu.acquirable.fences = 0;
    cpu.now.events = cpu.acquirable.events = 0;
    cpu.released = kNothing;
    cpu.fences = 0;
  }
}

// What is kept of views (`snapshots_`) is only ever added to, so that their number suffices. A location that was not
// asked for yet at that point is unknown again.
void Rc11::checkpoint(Checkpoint& point) {
  point.value(consistent_);
  point.value(exhausted_);
  point.value(snapshots_used_);
  point.sequence(fences_);
  if (keep_events_) point.value(graph_);
  std::size_t known = locations_.size();
  point.value(known);
  for (std::size_t l = 0; l < known; ++l) {
    point.value(locations_[l].execution);
    if (locations_[l].execution == execution_) point.sequence(locations_[l].messages);
  }
  for (std::size_t l = known; l < locations_.size(); ++l) locations_[l].execution = 0;
  for (Cpu& cpu : cpus_) {
    for (View* const view : {&cpu.now, &cpu.acquirable}) {
      point.memory(view->seen.data(), known * sizeof(Time));
      if (!point.saving())
        std::fill(view->seen.begin() + static_cast<std::ptrdiff_t>(known), view->seen.end(), 0);
      point.value(view->fences);
      point.value(view->events);
    }
    point.value(cpu.released);
    point.value(cpu.fences);
  }
}

unsigned Rc11::locate(const void* address, std::size_t bytes) {
  const auto [it, first] = numbers_.try_emplace(address, static_cast<unsigned>(locations_.size()));
  if (first) {
    if (locations_.size() == kMaxLocations)
      throw std::length_error("explorer: too many shared locations for --memory rc11");
    locations_.push_back({address, bytes, 0, {}, 0});
  }
  Location& location = locations_[it->second];
  if (location.execution != execution_) {
    location.execution = execution_;
    std::uint64_t value = 0;
    if (bytes != 0) std::memcpy(&value, address, bytes);
    location.messages.clear();
    location.messages.push_back({kApart, false, kNothing, 0, 0, value});
    // Everybody knows the initial value.
    for (Cpu& cpu : cpus_) cpu.now.seen[it->second] = cpu.acquirable.seen[it->second] = kApart;
  }
  return it->second;
}

void Rc11::copy(View& to, const View& from) const {
  std::copy_n(from.seen.begin(), locations_.size(), to.seen.begin());
  to.fences = from.fences;
  to.events = from.events;
}

void Rc11::join(View& to, const View& from) const {
  for (std::size_t i = 0; i < locations_.size(); ++i) to.seen[i] = std::max(to.seen[i], from.seen[i]);
  to.fences |= from.fences;
  to.events |= from.events;
}

// A location that is asked for later is unknown to the snapshot, which is older than all its messages.
Rc11::Snapshot Rc11::keep(const View& view) {
  if (snapshots_used_ == snapshots_.size()) snapshots_.emplace_back();
  View& kept = snapshots_[snapshots_used_];
  kept.seen.fill(0);
  copy(kept, view);
  return static_cast<Snapshot>(snapshots_used_++);
}

FenceSet Rc11::closure(FenceSet fences) const {
  FenceSet all = fences;
  for_each_fence(fences, [&](unsigned f) { all |= fences_[f].before; });
  return all;
}

// A CPU may read nothing older than its view, nor older than what an SC fence knew that comes before one that this
// CPU is behind: psc_F would be cyclic.
Time Rc11::floor(unsigned cpu, unsigned location, FenceSet fences) const {
  Time least = fault_ == Fault::own_view_ignored ? 0 : cpus_[cpu].now.seen[location];
  if (fault_ == Fault::sc_fences_unordered) return least;
  for_each_fence(closure(fences) & ~cpus_[cpu].now.fences, [&](unsigned f) {
    least = std::max(least, snapshots_[static_cast<std::size_t>(fences_[f].view)].seen[location]);
  });
  return least;
}

bool Rc11::may_acquire(unsigned cpu, unsigned location, const Message& message) const {
  if (message.view == kNothing) return true;
  const FenceSet more = snapshots_[static_cast<std::size_t>(message.view)].fences & ~cpus_[cpu].now.fences;
  return more == 0 || message.time >= floor(cpu, location, cpus_[cpu].now.fences | more);
}

std::size_t Rc11::index_of(const Location& location, Time time) const {
  std::size_t i = location.messages.size();
  while (i-- > 0)
    if (location.messages[i].time == time) return i;
  throw std::logic_error("explorer: no such message");
}

unsigned Rc11::newer(unsigned location, Time time) const {
  const Location& at = locations_[location];
  return static_cast<unsigned>(at.messages.size() - 1 - index_of(at, time));
}

// `fences` happen before an access to the location that stands before all that is newer than `time`: they come before
// every SC fence that knew of something newer.
void Rc11::put_before(FenceSet fences, unsigned location, Time time) {
  if (fences == 0) return;
  FenceSet later = 0;
  for (unsigned f = 0; f < fences_.size(); ++f)
    if (snapshots_[static_cast<std::size_t>(fences_[f].view)].seen[location] > time)
      later |= FenceSet{1} << f;
  if (later == 0) return;
  const FenceSet all = closure(fences);
  for (unsigned f = 0; f < fences_.size(); ++f)
    if ((later >> f & 1) != 0 || (fences_[f].before & later) != 0) fences_[f].before |= all;
}

std::uint64_t Rc11::read(unsigned cpu, unsigned location, Time time, std::memory_order order, bool rmw) {
  Cpu& reader = cpus_[cpu];
  Location& at = locations_[location];
  Message& message = at.messages[index_of(at, time)];
  if (message.view != kNothing) {
    const View& carried = snapshots_[static_cast<std::size_t>(message.view)];
    join(reader.acquirable, carried);
    if (is_acquire(order) && fault_ != Fault::acquire_joins_nothing) join(reader.now, carried);
  }
  reader.now.seen[location] = std::max(reader.now.seen[location], time);
  reader.acquirable.seen[location] = std::max(reader.acquirable.seen[location], time);
  message.read |= reader.now.fences;
  put_before(reader.now.fences, location, time);
  if (!rmw) note_event(cpu, {cpu, at.address, time, 0, order == std::memory_order_seq_cst, 0});
  return message.value;
}

void Rc11::write(unsigned cpu, unsigned location, Time behind, std::memory_order order, std::uint64_t value,
                 bool rmw) {
  Cpu& writer = cpus_[cpu];
  Location& at = locations_[location];
  const std::size_t index = index_of(at, behind);
  const bool newest = index + 1 == at.messages.size();
  const Time time = newest ? behind + kApart : behind + (at.messages[index + 1].time - behind) / 2;
  if (time == behind || time < behind) {
    exhausted_ = true;
    return;
  }
  writer.now.seen[location] = time;
  writer.acquirable.seen[location] = std::max(writer.acquirable.seen[location], time);
  put_before(writer.now.fences, location, time);
  note_event(cpu, {cpu, at.address, rmw ? behind : 0, time, order == std::memory_order_seq_cst, 0});
  Snapshot view = is_release(order) ? keep(writer.now) : writer.released;
  if (rmw) {
    // A read-modify-write goes on with the release sequence of what it read.
    at.messages[index].taken = true;
    const Snapshot head = fault_ == Fault::release_sequence_cut ? kNothing : at.messages[index].view;
    if (view == kNothing) {
      view = head;
    } else if (head != kNothing && head != view) {
      if (!is_release(order)) view = keep(snapshots_[static_cast<std::size_t>(view)]);
      join(snapshots_[static_cast<std::size_t>(view)], snapshots_[static_cast<std::size_t>(head)]);
    }
  }
  at.messages.insert(at.messages.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                     {time, false, view, writer.now.fences, 0, value});
  if (newest && at.bytes != 0) std::memcpy(const_cast<void*>(at.address), &value, at.bytes);
}

void Rc11::fence(unsigned cpu, std::memory_order order) {
  Cpu& self = cpus_[cpu];
  if (is_acquire(order) && fault_ != Fault::acquire_fence_forgotten) copy(self.now, self.acquirable);
  if (order == std::memory_order_seq_cst) return sc_fence(cpu);
  note_event(cpu, {cpu, nullptr, 0, 0, false, 0});
  if (is_release(order) && fault_ != Fault::release_fence_forgotten) self.released = keep(self.now);
}

// Before it come the SC fences that happen before it, and those that happen before an access which what this one
// knows of stands behind (psc_F = hb U hb;eco;hb).
void Rc11::sc_fence(unsigned cpu) {
  Cpu& self = cpus_[cpu];
  if (fences_.size() == kMaxFences) {
    exhausted_ = true;
    return;
  }
  FenceSet before = self.now.fences;
  for (std::size_t l = 0; l < locations_.size(); ++l) {
    if (locations_[l].execution != execution_) continue;
    for (const Message& message : locations_[l].messages) {
      if (message.time > self.now.seen[l]) break;
      before |= message.written;
      if (message.time < self.now.seen[l]) before |= message.read;
    }
  }
  const auto number = static_cast<unsigned>(fences_.size());
  before = closure(before);
  self.now.fences |= FenceSet{1} << number;
  self.acquirable.fences |= FenceSet{1} << number;
  note_event(cpu, {cpu, nullptr, 0, 0, true, 0});
  self.released = keep(self.now);
  fences_.push_back({cpu, self.fences++, self.released, before});
}

Rc11::Snapshot Rc11::publish(unsigned cpu) { return keep(cpus_[cpu].now); }

void Rc11::acquire(unsigned cpu, Snapshot snapshot) {
  if (snapshot == kNothing || fault_ == Fault::ipi_carries_nothing) return;
  join(cpus_[cpu].now, snapshots_[static_cast<std::size_t>(snapshot)]);
  join(cpus_[cpu].acquirable, snapshots_[static_cast<std::size_t>(snapshot)]);
}

void Rc11::mark(unsigned cpu, const void* address) {
  const unsigned location = locate(address, 0);
  Message& message = locations_[location].messages.back();
  message.time += kApart;
  cpus_[cpu].now.seen[location] = cpus_[cpu].acquirable.seen[location] = message.time;
}

bool Rc11::knows_mark(unsigned cpu, const void* address) const {
  const auto found = numbers_.find(address);
  if (found == numbers_.end() || locations_[found->second].execution != execution_) return true;
  return cpus_[cpu].now.seen[found->second] >= newest(found->second);
}

void Rc11::note_event(unsigned cpu, ScGraph::Event event) {
  if (!keep_events_) return;
  Cpu& self = cpus_[cpu];
  event.before = self.now.events;
  const EventSet bit = graph_.add(event);
  self.now.events |= bit;
  self.acquirable.events |= bit;
  if (!graph_.has_sc_access() || fault_ == Fault::sc_accesses_unordered) return;
  if (graph_.full())
    exhausted_ = true;
  else if (!graph_.acyclic())
    consistent_ = false;
}

void Rc11::private_access(unsigned cpu, const void* address, std::memory_order order) {
  note_event(cpu, {cpu, address, 0, 0, order == std::memory_order_seq_cst, 0});
}

FenceSet Rc11::renamed(FenceSet fences) const {
  FenceSet out = 0;
  for_each_fence(closure(fences) & live_, [&](unsigned f) { out |= FenceSet{1} << new_name_[f]; });
  return out;
}

std::uint32_t Rc11::rank(unsigned location, Time time) const {
  const Location& at = locations_[location];
  if (at.execution != execution_ || time <= at.oldest) return 0;
  std::uint32_t rank = 0;
  for (std::size_t i = at.messages.size(); i-- > 0 && at.messages[i].time > at.oldest;)
    rank += at.messages[i].time <= time ? 1 : 0;
  return rank;
}

void Rc11::add_view(const View& view) {
  for (unsigned l = 0; l < locations_.size(); ++l)
    if (const std::uint32_t at = rank(l, view.seen[l]); at != 0) {
      form_.push_back(l);
      form_.push_back(at);
    }
  const FenceSet fences = renamed(view.fences);
  for (const std::uint64_t word : {fences, view.events}) {
    form_.push_back(static_cast<std::uint32_t>(word));
    form_.push_back(static_cast<std::uint32_t>(word >> 32));
  }
  form_.push_back(~0u);
}

void Rc11::add_state(Digester& digester, std::span<const Snapshot> snapshots) {
  // With events every place counts; without, what everybody is behind can neither be read nor stored before.
  for (unsigned l = 0; l < locations_.size(); ++l) {
    Location& at = locations_[l];
    if (at.execution != execution_) continue;
    at.oldest = cpus_[0].now.seen[l];
    for (const Cpu& cpu : cpus_) at.oldest = std::min(at.oldest, cpu.now.seen[l]);
    if (keep_events_) at.oldest = kApart;
  }
  // An SC fence whose knowledge everybody has constrains nobody, and nothing can come to stand before it.
  live_ = 0;
  std::array<unsigned, kMaxFences> order;
  unsigned live = 0;
  for (unsigned f = 0; f < fences_.size(); ++f) {
    const View& known = snapshots_[static_cast<std::size_t>(fences_[f].view)];
    bool matters = keep_events_;
    for (unsigned l = 0; l < locations_.size() && !matters; ++l)
      matters = locations_[l].execution == execution_ && known.seen[l] > locations_[l].oldest;
    if (!matters) continue;
    live_ |= FenceSet{1} << f;
    order[live++] = f;
  }
  std::sort(order.begin(), order.begin() + live, [this](unsigned a, unsigned b) {
    return fences_[a].cpu != fences_[b].cpu ? fences_[a].cpu < fences_[b].cpu
                                            : fences_[a].number < fences_[b].number;
  });
  for (unsigned i = 0; i < live; ++i) new_name_[order[i]] = static_cast<std::uint8_t>(i);

  form_.clear();
  const auto add = [&](std::uint64_t word) {
    form_.push_back(static_cast<std::uint32_t>(word));
    form_.push_back(static_cast<std::uint32_t>(word >> 32));
  };
  const auto add_snapshot = [&](Snapshot snapshot) {
    if (snapshot != kNothing)
      add_view(snapshots_[static_cast<std::size_t>(snapshot)]);
    else
      form_.push_back(~1u);
  };
  // The SC fences before everything that is gone come before every SC fence that is still to be.
  FenceSet gone = 0;
  for (unsigned l = 0; l < locations_.size(); ++l) {
    const Location& at = locations_[l];
    if (at.execution != execution_) continue;
    for (const Message& message : at.messages) {
      if (message.time <= at.oldest) gone |= message.written;
      if (message.time < at.oldest) {
        gone |= message.read;
        continue;
      }
      if (message.time == at.oldest && at.messages.back().time == at.oldest && message.view == kNothing &&
          message.read == 0 && !message.taken)
        continue;
      form_.push_back(l);
      form_.push_back(message.taken ? 1 : 0);
      add(message.value);
      add(message.time > at.oldest ? renamed(message.written) : 0);
      add(renamed(message.read));
      add_snapshot(message.view);
    }
  }
  add(renamed(gone));
  for (const Cpu& cpu : cpus_) {
    add_view(cpu.now);
    add_view(cpu.acquirable);
    add_snapshot(cpu.released);
  }
  for (unsigned i = 0; i < live; ++i) {
    form_.push_back(fences_[order[i]].cpu);
    add_snapshot(fences_[order[i]].view);
    add(renamed(fences_[order[i]].before));
  }
  for (const Snapshot snapshot : snapshots) add_snapshot(snapshot);
  if (keep_events_)
    graph_.for_each([&](const ScGraph::Event& event) {
      const auto found = event.location == nullptr ? numbers_.end() : numbers_.find(event.location);
      form_.push_back(event.cpu);
      add(reinterpret_cast<std::uintptr_t>(event.location));
      form_.push_back(found == numbers_.end() ? 0 : rank(found->second, event.reads));
      form_.push_back(found == numbers_.end() ? 0 : rank(found->second, event.writes));
      form_.push_back((event.sc ? 1u : 0u) | (event.reads != 0 ? 2u : 0u) | (event.writes != 0 ? 4u : 0u));
      add(event.before);
    });
  digester.add(std::as_bytes(std::span(form_)));
}

}  // namespace mmscale::machine::explorer
