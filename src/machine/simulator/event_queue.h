// SPDX-License-Identifier: MIT
//
// What happens next at the lines: a 4-ary heap of (time, who). Ordered by both, so that the order is total
// and does not depend on the order of insertion; four children to a node, since a level costs a cache miss
// and a comparison does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "machine/simulator/model.h"

namespace mmscale::machine::simulator {

struct Event {
  Picoseconds time = 0;
  // A line.
  std::uint32_t who = 0;

  // Without a branch: which of two events is earlier is a coin toss to a branch predictor.
  constexpr bool operator<(const Event& other) const {
    return static_cast<bool>(static_cast<unsigned>(time < other.time) |
                             (static_cast<unsigned>(time == other.time) & (who < other.who)));
  }
};

class EventQueue {
 public:
  bool empty() const { return heap_.empty(); }
  const Event& top() const { return heap_.front(); }

  void push(Event event) {
    std::size_t hole = heap_.size();
    heap_.push_back(event);
    while (hole != 0) {
      const std::size_t parent = (hole - 1) / kChildren;
      if (!(event < heap_[parent])) break;
      heap_[hole] = heap_[parent];
      hole = parent;
    }
    heap_[hole] = event;
  }

  void pop() {
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
  }

  void clear() { heap_.clear(); }

 private:
  static constexpr std::size_t kChildren = 4;

  // Puts `event` where the top is missing.
  void sink(Event event) {
    std::size_t hole = 0;
    for (;;) {
      const std::size_t first = hole * kChildren + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      const std::size_t end = first + kChildren < heap_.size() ? first + kChildren : heap_.size();
      for (std::size_t child = first + 1; child < end; ++child)
        least = heap_[child] < heap_[least] ? child : least;
      if (!(heap_[least] < event)) break;
      heap_[hole] = heap_[least];
      hole = least;
    }
    heap_[hole] = event;
  }

  std::vector<Event> heap_;
};

}  // namespace mmscale::machine::simulator
