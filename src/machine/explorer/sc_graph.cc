// SPDX-License-Identifier: MIT
#include "machine/explorer/sc_graph.h"

namespace mmscale::machine::explorer {

namespace {

template <class F>
void for_each_bit(EventSet set, F&& f) {
  for (; set != 0; set &= set - 1) f(static_cast<unsigned>(__builtin_ctzll(set)));
}

}  // namespace

void ScGraph::begin(unsigned cpus) {
  share_ = kMaxEvents / cpus;
  full_ = has_sc_access_ = false;
  present_ = 0;
  used_.fill(0);
}

EventSet ScGraph::add(const Event& event) {
  if (event.sc && event.location != nullptr) has_sc_access_ = true;
  if (used_[event.cpu] == share_) {
    full_ = true;
    return 0;
  }
  const unsigned number = event.cpu * share_ + used_[event.cpu]++;
  events_[number] = event;
  present_ |= EventSet{1} << number;
  return EventSet{1} << number;
}

// Extended coherence order: rf, mo, rb, and what follows from them. A message that nobody else touches has place 0.
bool ScGraph::eco(const Event& a, const Event& b) const {
  if (a.location == nullptr || a.location != b.location) return false;
  const std::uint32_t last = b.writes > b.reads ? b.writes : b.reads;
  if (a.writes != 0) return a.writes < last || (a.writes == b.reads);
  return a.reads != 0 && a.reads < last;
}

bool ScGraph::acyclic() const {
  std::array<EventSet, kMaxEvents> after{};  // sb
  std::array<EventSet, kMaxEvents> same{};   // the same location
  std::array<EventSet, kMaxEvents> hb{};     // happens before whom
  EventSet nodes = 0;
  for_each_bit(present_, [&](unsigned a) {
    if (events_[a].sc) nodes |= EventSet{1} << a;
    for_each_bit(events_[a].before, [&](unsigned b) { hb[b] |= EventSet{1} << a; });
    for_each_bit(present_, [&](unsigned b) {
      if (events_[a].cpu == events_[b].cpu && b > a) after[a] |= EventSet{1} << b;
      if (events_[a].location != nullptr && events_[a].location == events_[b].location)
        same[a] |= EventSet{1} << b;
    });
  });
  // scb = sb U sb!=loc;hb;sb!=loc U hb=loc U mo U rb
  std::array<EventSet, kMaxEvents> scb{};
  std::array<EventSet, kMaxEvents> coherent{};
  for_each_bit(present_, [&](unsigned s) {
    scb[s] = after[s] | (hb[s] & same[s]);
    for_each_bit(after[s] & ~same[s], [&](unsigned e1) {
      for_each_bit(hb[e1], [&](unsigned e2) { scb[s] |= after[e2] & ~same[e2]; });
    });
    const Event& from = events_[s];
    for_each_bit(same[s] & ~(EventSet{1} << s), [&](unsigned t) {
      const Event& to = events_[t];
      if (eco(from, to)) coherent[s] |= EventSet{1} << t;
      if (to.writes != 0 &&
          ((from.writes != 0 && from.writes < to.writes) || (from.reads != 0 && from.reads < to.writes)))
        scb[s] |= EventSet{1} << t;
    });
  });
  // What leads to each event: itself, and of a fence what happens before it.
  const auto ends = [&](EventSet reached) {
    EventSet out = reached & nodes;
    for_each_bit(nodes, [&](unsigned f) {
      if (events_[f].location == nullptr && (events_[f].before & reached) != 0) out |= EventSet{1} << f;
    });
    return out;
  };
  std::array<EventSet, kMaxEvents> psc{};
  for_each_bit(nodes, [&](unsigned a) {
    EventSet sources = EventSet{1} << a;
    const bool is_fence = events_[a].location == nullptr;
    if (is_fence) sources |= hb[a];
    EventSet reached = 0;
    for_each_bit(sources, [&](unsigned s) { reached |= scb[s]; });
    psc[a] = ends(reached);
    if (!is_fence) return;
    EventSet through = 0;
    for_each_bit(hb[a], [&](unsigned s) { through |= coherent[s]; });
    for_each_bit(nodes & ~(EventSet{1} << a), [&](unsigned f) {
      if (events_[f].location != nullptr) return;
      if ((hb[a] >> f & 1) != 0 || (events_[f].before & through) != 0) psc[a] |= EventSet{1} << f;
    });
  });
  for_each_bit(nodes, [&](unsigned via) {
    for_each_bit(nodes, [&](unsigned a) {
      if ((psc[a] >> via & 1) != 0) psc[a] |= psc[via];
    });
  });
  bool cyclic = false;
  for_each_bit(nodes, [&](unsigned a) { cyclic = cyclic || (psc[a] >> a & 1) != 0; });
  return !cyclic;
}

}  // namespace mmscale::machine::explorer
