// SPDX-License-Identifier: MIT
//
// Whether this process may say on which NUMA node its memory is.
#pragma once

#include <string>

namespace mmscale::machine::silicon {

// Empty where memory can be put on that node (OS number); else why not, in words. Tries it on one page. Containers
// are denied it as a rule: the default seccomp profile of Docker, containerd and Podman answers EPERM to mbind.
// HomeMemory is then wherever its first toucher is.
std::string why_unbound(unsigned node);

// What to tell people who measure all the same.
std::string unbound_text(unsigned node, const std::string& why);

}  // namespace mmscale::machine::silicon
