// SPDX-License-Identifier: MIT
//
// Memory whose NUMA node is known: the home of the contended line.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace mmscale::machine::silicon {

// Page-aligned, zeroed, resident memory, all of it on one node. Unmapped when destroyed, so that the next
// window gets other physical pages and repetitions average over what a line's address does to its home slice.
class HomeMemory {
 public:
  // On NUMA node `node` (OS number); throws std::runtime_error if it has no memory for us. Where the kernel does not let us
  // choose (home_binding.h), wherever it is first touched.
  HomeMemory(std::size_t bytes, unsigned node);
  ~HomeMemory();
  HomeMemory(const HomeMemory&) = delete;
  HomeMemory& operator=(const HomeMemory&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }

  // The node the kernel says the first page is on; empty where it cannot say.
  std::optional<unsigned> node() const { return node_; }

 private:
  std::span<std::byte> bytes_;
  std::optional<unsigned> node_;
};

}  // namespace mmscale::machine::silicon
