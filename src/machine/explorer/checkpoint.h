// SPDX-License-Identifier: MIT
//
// A point of an execution, to go back to: bytes put aside and put back. What has a state lists it once, for both.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <vector>

namespace mmscale::machine::explorer {

class Checkpoint {
 public:
  // What is listed from here on is put aside.
  void begin_saving() {
    bytes_.clear();
    saving_ = true;
  }
  // What is listed from here on, in the same order, is put back.
  void begin_restoring() {
    at_ = 0;
    saving_ = false;
  }
  bool saving() const { return saving_; }

  void memory(void* at, std::size_t bytes) {
    // memcpy asks for addresses even of nothing.
    if (bytes == 0) return;
    if (saving_) {
      const auto* const from = static_cast<const std::byte*>(at);
      bytes_.insert(bytes_.end(), from, from + bytes);
    } else {
      std::memcpy(at, bytes_.data() + at_, bytes);
      at_ += bytes;
    }
  }
  template <class T>
  void value(T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    memory(&value, sizeof(value));
  }
  template <class T>
  void sequence(std::vector<T>& all) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::size_t count = all.size();
    value(count);
    all.resize(count);
    memory(all.data(), count * sizeof(T));
  }

 private:
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
  bool saving_ = true;
};

}  // namespace mmscale::machine::explorer
