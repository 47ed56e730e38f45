// SPDX-License-Identifier: MIT
#include "machine/silicon/home_memory.h"

#include <errno.h>
#include <fmt/core.h>
#include <numaif.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <vector>

#include "machine/silicon/home_binding.h"

// libnuma says of its own accord, before main, what it cannot read. What cannot be done shows where it is tried.
extern "C" {
void numa_warn(int, char*, ...) {}
void numa_error(char*) {}
}

namespace mmscale::machine::silicon {
namespace {

std::size_t page_size() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

std::size_t round_up_to_pages(std::size_t bytes) {
  const std::size_t page = page_size();
  return (bytes + page - 1) / page * page;
}

std::optional<unsigned> node_of(void* page) {
  int node = -1;
  if (move_pages(0, 1, &page, nullptr, &node, 0) != 0 || node < 0) return std::nullopt;
  return static_cast<unsigned>(node);
}

// Restricts the mapping to one node and touches it. Empty, or why it may be elsewhere. Not through libnuma, which
// needs /proc and /sys and takes get_mempolicy's answer for mbind's.
std::string bind_and_touch(std::span<std::byte> memory, unsigned node) {
  constexpr unsigned kBits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> nodes(node / kBits + 1);
  nodes.back() = 1ul << (node % kBits);
  std::string why;
  // The kernel reads one bit less than it is told.
  if (mbind(memory.data(), memory.size(), MPOL_BIND, nodes.data(), kBits * nodes.size() + 1,
            MPOL_MF_STRICT) != 0) {
    // EPERM: a container's seccomp profile. ENOSYS: a kernel without NUMA, or gVisor.
    if (errno != EPERM && errno != EACCES && errno != ENOSYS)
      throw std::runtime_error(errno == EINVAL
                                   ? fmt::format("home node {} has no memory this process may use", node)
                                   : fmt::format("home node {}: mbind: {}", node, std::strerror(errno)));
    why = fmt::format("mbind: {}", std::strerror(errno));
  }
  std::memset(memory.data(), 0, memory.size());
  const std::optional<unsigned> found = node_of(memory.data());
  if (why.empty() && found && *found != node)
    why = fmt::format("mbind succeeded, but the memory is on node {}", *found);
  return why;
}

std::span<std::byte> map(std::size_t size) {
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    throw std::runtime_error(fmt::format("{} bytes of memory: {}", size, std::strerror(errno)));
  return {static_cast<std::byte*>(p), size};
}

}  // namespace

std::string why_unbound(unsigned node) {
  const std::span<std::byte> page = map(page_size());
  std::string why;
  try {
    why = bind_and_touch(page, node);
  } catch (const std::runtime_error& error) {
    why = error.what();
  }
  munmap(page.data(), page.size());
  return why;
}

std::string unbound_text(unsigned node, const std::string& why) {
  return fmt::format("the contended memory is not bound to node {} ({}); it is where the kernel puts it",
                     node, why);
}

HomeMemory::HomeMemory(std::size_t bytes, unsigned node) : bytes_(map(round_up_to_pages(bytes))) {
  try {
    bind_and_touch(bytes_, node);
    node_ = node_of(bytes_.data());
  } catch (...) {
    munmap(bytes_.data(), bytes_.size());
    throw;
  }
}

HomeMemory::~HomeMemory() { munmap(bytes_.data(), bytes_.size()); }

}  // namespace mmscale::machine::silicon
