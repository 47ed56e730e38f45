// SPDX-License-Identifier: MIT
//
// Memory that forked processes share with whoever forked them: where they meet, and where they leave results.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <system_error>
#include <type_traits>

namespace mmscale::host {

// `count` objects, made anew, in anonymous shared memory: processes forked later see the same ones. Nothing
// in them may own memory or point into a process' private part.
template <class T>
class SharedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  explicit SharedArray(std::size_t count) : count_(count) {
    void* const memory = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw std::system_error(errno, std::generic_category(), "memory to share with processes");
    objects_ = static_cast<T*>(memory);
    for (std::size_t i = 0; i < count_; ++i) ::new (objects_ + i) T();
  }
  ~SharedArray() { ::munmap(objects_, bytes()); }
  SharedArray(const SharedArray&) = delete;
  SharedArray& operator=(const SharedArray&) = delete;

  T& operator[](std::size_t i) const { return objects_[i]; }
  std::size_t size() const { return count_; }

 private:
  std::size_t bytes() const { return count_ == 0 ? 1 : count_ * sizeof(T); }

  std::size_t count_;
  T* objects_ = nullptr;
};

}  // namespace mmscale::host
