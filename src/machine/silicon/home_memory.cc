// SPDX-License-Identifier: MIT
#include "machine/silicon/home_memory.h"

#include <errno.h>
#include <fmt/core.h>
#include <numa.h>
#include <numaif.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace mmscale::machine::silicon {
namespace {

std::size_t round_up_to_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

// Restricts the mapping to one node before it is touched.
void bind_to_node(std::span<std::byte> memory, unsigned node) {
  if (static_cast<int>(node) > numa_max_node() || !numa_bitmask_isbitset(numa_all_nodes_ptr, node))
    throw HomeMemoryError(fmt::format("home node {} has no memory this process may use; highest node is {}",
                                      node, numa_max_node()));
  bitmask* nodes = numa_allocate_nodemask();
  numa_bitmask_setbit(nodes, node);
  const long failed =
      mbind(memory.data(), memory.size(), MPOL_BIND, nodes->maskp, nodes->size + 1, MPOL_MF_STRICT);
  const int error = errno;
  numa_free_nodemask(nodes);
  if (failed != 0) throw HomeMemoryError(fmt::format("home node {}: mbind: {}", node, std::strerror(error)));
}

std::optional<unsigned> node_of(void* page) {
  int node = -1;
  if (move_pages(0, 1, &page, nullptr, &node, 0) != 0 || node < 0) return std::nullopt;
  return static_cast<unsigned>(node);
}

}  // namespace

HomeMemory::HomeMemory(std::size_t bytes, unsigned node) {
  const std::size_t size = round_up_to_pages(bytes);
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    throw HomeMemoryError(fmt::format("{} bytes of memory: {}", size, std::strerror(errno)));
  bytes_ = {static_cast<std::byte*>(p), size};
  try {
    if (numa_available() >= 0) {
      bind_to_node(bytes_, node);
    } else if (node != 0) {
      throw HomeMemoryError(fmt::format("home node {}: this system has no NUMA support, only node 0", node));
    }
    std::memset(p, 0, size);
    node_ = node_of(p);
    if (node_ && *node_ != node)
      throw HomeMemoryError(fmt::format("home node {}: the kernel put the memory on node {}", node, *node_));
  } catch (...) {
    munmap(p, size);
    throw;
  }
}

HomeMemory::~HomeMemory() { munmap(bytes_.data(), bytes_.size()); }

}  // namespace mmscale::machine::silicon
