// SPDX-License-Identifier: MIT
#include "cli/machines.h"

#include <vector>

#include "cli/names.h"
#include "machine/simulator/model_file.h"
#include "machine/simulator/model_store.h"

namespace mmscale::cli {

machine::simulator::Model load_machine(std::string_view option, const std::string& given, double scale) {
  if (given.find('/') == std::string::npos && !given.ends_with(".json")) {
    const std::vector<std::string> names = machine::simulator::model_names();
    const std::vector<std::string_view> allowed(names.begin(), names.end());
    check_name(option, given, allowed);
  }
  return machine::simulator::load_model(given, scale);
}

}  // namespace mmscale::cli
