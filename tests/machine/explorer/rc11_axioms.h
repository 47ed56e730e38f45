// SPDX-License-Identifier: MIT
//
// RC11 as its axioms say it (Lahav et al., PLDI 2017, figure 3 and 4; release sequences of C++20), by brute force: every
// reads-from and every modification order of a small straight program, those kept that the axioms allow. Written for
// nothing but to be compared with, and so with no idea in common with the explorer: relations are matrices, taken from
// the paper word for word.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <set>
#include <vector>

namespace mmscale::test {

// One instruction. A read-modify-write adds `value`.
struct Instruction {
  enum class Kind { load, store, rmw, fence };
  Kind kind;
  std::memory_order order;
  unsigned location = 0;
  std::uint64_t value = 0;
};

using Threads = std::vector<std::vector<Instruction>>;
// What each reading instruction read, thread by thread, and then what each location ends with.
using Outcome = std::vector<std::uint64_t>;

class Axioms {
 public:
  Axioms(const Threads& threads, unsigned locations) : locations_(locations) {
    // RC11 models a read-modify-write as a read and a write that follows it at once.
    for (unsigned l = 0; l < locations; ++l)
      add({true, false, false, kInit, l, std::memory_order_relaxed, 0});
    for (unsigned t = 0; t < threads.size(); ++t)
      for (const Instruction& one : threads[t]) {
        using Kind = Instruction::Kind;
        if (one.kind == Kind::fence) add({false, false, true, t, ~0u, one.order, 0});
        if (one.kind == Kind::load || one.kind == Kind::rmw)
          add({false, true, false, t, one.location, one.order, 0});
        if (one.kind == Kind::store) add({true, false, false, t, one.location, one.order, one.value});
        if (one.kind == Kind::rmw) {
          add({true, false, false, t, one.location, one.order, one.value});
          rmw_.set(size() - 2, size() - 1);
        }
      }
    for (Relation* empty : {&sb_, &same_, &rmw_, &rf_, &mo_}) empty->n = size();
    for (unsigned a = 0; a < size(); ++a)
      for (unsigned b = a + 1; b < size(); ++b) {
        if (events_[a].thread == events_[b].thread ? events_[a].thread != kInit : events_[a].thread == kInit)
          sb_.set(a, b);
        if (!events_[a].fence && events_[a].location == events_[b].location) same_.set(a, b), same_.set(b, a);
      }
    using enum std::memory_order;
    one_ = only([](const Event&) { return true; });
    write_ = only([](const Event& e) { return e.write; });
    read_ = only([](const Event& e) { return e.read; });
    fence_ = only([](const Event& e) { return e.fence; });
    releases_ =
        only([](const Event& e) { return e.order == release || e.order == acq_rel || e.order == seq_cst; });
    acquires_ =
        only([](const Event& e) { return e.order == acquire || e.order == acq_rel || e.order == seq_cst; });
    sc_fence_ = only([](const Event& e) { return e.fence && e.order == seq_cst; });
    sc_access_ = only([](const Event& e) { return !e.fence && e.order == seq_cst; });
    elsewhere_ = sb_ - same_;
  }

  std::set<Outcome> outcomes() {
    found_.clear();
    choose_writer(0);
    return found_;
  }

 private:
  static constexpr unsigned kMost = 32;
  static constexpr unsigned kInit = ~0u;

  struct Event {
    bool write;
    bool read;
    bool fence;
    unsigned thread;
    unsigned location;
    std::memory_order order;
    std::uint64_t value;
  };

  // As many rows as there are events.
  struct Relation {
    unsigned n = 0;
    std::array<std::uint32_t, kMost> rows{};

    void set(unsigned a, unsigned b) { rows[a] |= 1u << b; }
    bool has(unsigned a, unsigned b) const { return (rows[a] >> b & 1u) != 0; }
    Relation operator|(const Relation& other) const {
      Relation out{n};
      for (unsigned a = 0; a < n; ++a) out.rows[a] = rows[a] | other.rows[a];
      return out;
    }
    Relation operator&(const Relation& other) const {
      Relation out{n};
      for (unsigned a = 0; a < n; ++a) out.rows[a] = rows[a] & other.rows[a];
      return out;
    }
    Relation operator-(const Relation& other) const {
      Relation out{n};
      for (unsigned a = 0; a < n; ++a) out.rows[a] = rows[a] & ~other.rows[a];
      return out;
    }
    // Composition.
    Relation operator*(const Relation& other) const {
      Relation out{n};
      for (unsigned a = 0; a < n; ++a)
        for (std::uint32_t rest = rows[a]; rest != 0; rest &= rest - 1)
          out.rows[a] |= other.rows[static_cast<unsigned>(__builtin_ctz(rest))];
      return out;
    }
    Relation inverse() const {
      Relation out{n};
      for (unsigned a = 0; a < n; ++a)
        for (std::uint32_t rest = rows[a]; rest != 0; rest &= rest - 1)
          out.set(static_cast<unsigned>(__builtin_ctz(rest)), a);
      return out;
    }
    Relation plus() const {
      Relation out = *this;
      for (unsigned k = 0; k < n; ++k)
        for (unsigned a = 0; a < n; ++a)
          if (out.has(a, k)) out.rows[a] |= out.rows[k];
      return out;
    }
    bool irreflexive() const {
      for (unsigned a = 0; a < n; ++a)
        if (has(a, a)) return false;
      return true;
    }
  };

  void add(const Event& event) { events_.push_back(event); }
  unsigned size() const { return static_cast<unsigned>(events_.size()); }

  // The identity on those events that f holds for.
  template <class F>
  Relation only(F&& f) const {
    Relation out{size()};
    for (unsigned a = 0; a < size(); ++a)
      if (f(events_[a])) out.set(a, a);
    return out;
  }

  // reads-from, one read after the other.
  void choose_writer(unsigned event) {
    if (event == size()) {
      if (!(sb_ | rf_).plus().irreflexive()) return;
      return choose_order(0);
    }
    if (!events_[event].read) return choose_writer(event + 1);
    for (unsigned w = 0; w < size(); ++w) {
      if (!events_[w].write || events_[w].location != events_[event].location) continue;
      rf_.set(w, event);
      choose_writer(event + 1);
      rf_.rows[w] &= ~(1u << event);
    }
  }

  // Modification order, one location after the other; the initial write is the first.
  void choose_order(unsigned location) {
    if (location == locations_) {
      if (Outcome one = outcome(); !found_.contains(one) && consistent()) found_.insert(std::move(one));
      return;
    }
    std::vector<unsigned> writes;
    for (unsigned w = 0; w < size(); ++w)
      if (events_[w].write && events_[w].location == location) writes.push_back(w);
    const Relation before = mo_;
    do {
      mo_ = before;
      for (std::size_t i = 0; i < writes.size(); ++i)
        for (std::size_t j = i + 1; j < writes.size(); ++j) mo_.set(writes[i], writes[j]);
      last_[location] = writes.back();
      choose_order(location + 1);
    } while (std::next_permutation(writes.begin() + 1, writes.end()));
    mo_ = before;
  }

  bool consistent() const {
    const Relation rb = (rf_.inverse() * mo_) - one_;
    const Relation eco = (rf_ | mo_ | rb).plus();
    // Of COHERENCE what program order alone says, since most fail here.
    if (!(sb_ * eco).irreflexive()) return false;
    for (const std::uint32_t row : (rmw_ & (rb * mo_)).rows)  // ATOMICITY
      if (row != 0) return false;
    const Relation rs = write_ * (one_ | (rf_ * rmw_).plus());
    const Relation sw =
        releases_ * (one_ | (fence_ * sb_)) * rs * rf_ * read_ * (one_ | (sb_ * fence_)) * acquires_;
    const Relation hb = (sb_ | sw).plus();
    if (!hb.irreflexive() || !(hb * eco).irreflexive()) return false;  // COHERENCE
    if (!eco.irreflexive()) return false;
    const Relation scb = sb_ | (elsewhere_ * hb * elsewhere_) | (hb & same_) | mo_ | rb;
    const Relation hb0 = one_ | hb;
    const Relation base = (sc_access_ | sc_fence_ * hb0) * scb * (sc_access_ | hb0 * sc_fence_);
    const Relation fences = sc_fence_ * (hb | hb * eco * hb) * sc_fence_;
    return (base | fences).plus().irreflexive();  // SC
  }

  // What was written by event w, and so read from it.
  std::uint64_t value_of(unsigned w) const {
    for (unsigned r = 0; r < size(); ++r)
      if (rmw_.has(r, w)) return value_read(r) + events_[w].value;
    return events_[w].value;
  }
  std::uint64_t value_read(unsigned r) const {
    for (unsigned w = 0; w < size(); ++w)
      if (rf_.has(w, r)) return value_of(w);
    return 0;
  }

  Outcome outcome() const {
    Outcome out;
    for (unsigned r = 0; r < size(); ++r)
      if (events_[r].read) out.push_back(value_read(r));
    for (unsigned l = 0; l < locations_; ++l) out.push_back(value_of(last_[l]));
    return out;
  }

  const unsigned locations_;
  std::vector<Event> events_;
  Relation sb_;
  Relation same_;
  Relation rmw_;
  Relation one_, write_, read_, fence_, releases_, acquires_, sc_fence_, sc_access_, elsewhere_;
  Relation rf_;
  Relation mo_;
  std::array<unsigned, 8> last_{};
  std::set<Outcome> found_;
};

}  // namespace mmscale::test
