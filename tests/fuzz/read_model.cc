// SPDX-License-Identifier: MIT
//
// A machine model of any bytes is read, or is a ModelError of one line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "machine/simulator/model_file.h"
#include "machine/simulator/model_store.h"

// Those of the build are no part of this.
std::span<const mmscale::machine::simulator::BuiltInModel> mmscale::machine::simulator::built_in_models() {
  return {};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mmscale::machine::simulator;
  try {
    const Model model = parse_model({reinterpret_cast<const char*>(data), size}, "input");
    if (model.places.size() != model.layout.pus.size()) std::abort();
  } catch (const ModelError&) {
  }
  return 0;
}
