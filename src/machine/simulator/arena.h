// SPDX-License-Identifier: MIT
//
// The memory that the emulated kernel's mms live in. There are as many as might be needed at worst, which
// with a counter for each CPU in each mm is gigabytes at a thousand CPUs; hardly any is ever touched.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <system_error>

namespace mmscale::machine::simulator {

// Zeroed, page-aligned memory that is backed where it is touched. Where it lies is of no consequence: lines
// are numbered by their first access.
class Arena {
 public:
  // Throws std::system_error if there is no address space.
  explicit Arena(std::size_t bytes) {
    void* const at =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mapping simulated memory");
    bytes_ = {static_cast<std::byte*>(at), bytes};
  }
  ~Arena() { munmap(bytes_.data(), bytes_.size()); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace mmscale::machine::simulator
