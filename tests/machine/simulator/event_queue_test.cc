// SPDX-License-Identifier: MIT
#include "machine/simulator/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace mmscale::machine::simulator {
namespace {

TEST(EventQueue, OrdersByTimeThenByWho) {
  EventQueue queue;
  for (const Event event : {Event{5, 1}, Event{3, 9}, Event{5, 0}, Event{3, 2}}) queue.push(event);
  std::vector<std::pair<Picoseconds, std::uint32_t>> order;
  for (; !queue.empty(); queue.pop()) order.emplace_back(queue.top().time, queue.top().who);
  EXPECT_EQ(order, (std::vector<std::pair<Picoseconds, std::uint32_t>>{{3, 2}, {3, 9}, {5, 0}, {5, 1}}));
}

TEST(EventQueue, SortsWhateverTheOrderOfInsertion) {
  std::mt19937_64 random(1);
  EventQueue queue;
  std::vector<Event> events;
  for (std::uint32_t i = 0; i < 2000; ++i) events.push_back({random() % 500, i});
  for (const Event& event : events) queue.push(event);
  std::sort(events.begin(), events.end());
  for (const Event& event : events) {
    ASSERT_EQ(queue.top().time, event.time);
    ASSERT_EQ(queue.top().who, event.who);
    queue.pop();
  }
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace mmscale::machine::simulator
