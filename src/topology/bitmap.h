// SPDX-License-Identifier: MIT
// A set of CPUs of any size. cpu_set_t ends at CPU 1,023, hwloc's bitmaps do not.
#pragma once

#include <hwloc.h>

#include <memory>
#include <new>
#include <vector>

namespace mmscale::topology {

class Bitmap {
 public:
  Bitmap() : bits_(hwloc_bitmap_alloc()) {
    if (!bits_) throw std::bad_alloc();
  }
  explicit Bitmap(unsigned only) : Bitmap() {
    if (hwloc_bitmap_only(get(), only) != 0) throw std::bad_alloc();
  }

  hwloc_bitmap_t get() const { return bits_.get(); }
  bool contains(unsigned index) const { return hwloc_bitmap_isset(get(), index) != 0; }
  bool operator==(const Bitmap& other) const { return hwloc_bitmap_isequal(get(), other.get()) != 0; }

 private:
  struct Free {
    void operator()(hwloc_bitmap_t bits) const { hwloc_bitmap_free(bits); }
  };
  std::unique_ptr<hwloc_bitmap_s, Free> bits_;
};

// The members of a finite set, ascending.
inline std::vector<unsigned> members(hwloc_const_bitmap_t bits) {
  std::vector<unsigned> indexes;
  for (int i = hwloc_bitmap_first(bits); i >= 0; i = hwloc_bitmap_next(bits, i)) {
    indexes.push_back(static_cast<unsigned>(i));
  }
  return indexes;
}

}  // namespace mmscale::topology
