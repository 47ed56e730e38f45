// SPDX-License-Identifier: MIT
// What this program was built from and how.
#pragma once

#include <string>

namespace mmscale::measure {

struct BuildInfo {
  std::string version;     // of the project, "0.1.0"
  std::string revision;    // git's, "-dirty" behind it when files differed; "unknown" outside of a checkout
  std::string compiler;    // name and version
  std::string flags;       // compiler flags of the build type and the user, not the warnings
  std::string build_type;  // CMake's; "none" when it was left empty
  std::string sanitizer;   // as given to -fsanitize=; empty for none
  bool optimised = false;  // by the compiler's own word, not by the name of the build type
};

BuildInfo this_build();

}  // namespace mmscale::measure
