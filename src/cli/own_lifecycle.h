// SPDX-License-Identifier: MIT
//
// Whose rules a kernel has: the one that runs here, one that is named, that of a machine model.
#pragma once

#include <string>
#include <string_view>

namespace mmscale::cli {

// The lifecycle of a kernel by what uname(2) calls its machine and release ("x86_64", "6.18.44-fc"): the rules of its
// architecture, and of the release that changed them last. Empty where none is known. Whether an x86 runs as a guest with
// paravirtual flushes, or has INVLPGB, is not looked at.
std::string_view lifecycle_of_kernel(std::string_view machine, std::string_view release);

// Whose rules are emulated where nobody says, and why.
struct ChosenLifecycle {
  std::string name;
  std::string why;
};

// That of a kernel which uname(2) calls so, or powerpc's, under which every scheme that mainline has is safe, where none is
// known. `whose`: "the trace's kernel".
ChosenLifecycle default_lifecycle(std::string_view machine, std::string_view release, std::string_view whose);

// The same of the kernel that runs here; lifecycle_of_kernel() alone: empty where none is known.
ChosenLifecycle default_lifecycle();
std::string own_lifecycle();

// The same of what runs on a machine model of that kind (Model::kind); and what kind of machine has a lifecycle: power, where
// shootdown is at home, for an architecture without a model.
std::string_view lifecycle_of_kind(std::string_view kind);
std::string_view kind_of_lifecycle(std::string_view lifecycle);

}  // namespace mmscale::cli
