// SPDX-License-Identifier: MIT
#pragma once

namespace mmscale::workload {

// A Load whose CPUs share nothing but what they contend for says so by deriving from this too: one that stands still
// cannot hold the others up. (Of a Load that consists of steps, the steps tell.)
class ContendsOnly {
 public:
  virtual ~ContendsOnly() = default;
};

}  // namespace mmscale::workload
