// SPDX-License-Identifier: MIT
//
// The museum's room of those who follow a dangling active_mm: verdicts USED and COMPARED.
#include "museum.h"

#include <vector>

#include "scheme/hazptr.h"
#include "scheme/refcount.h"
#include "scheme/shootdown.h"
#include "scheme/shootdown_filter_all.h"
#include "scheme/untracked.h"

#if !defined(__SANITIZE_THREAD__)
namespace mmscale::check {
namespace {

// The other side of the dispute: x86's switch_mm never looks at the dangling pointer, so that it takes a
// reader of its own to use freed memory: an NMI handler, or a call of EFI firmware that puts the pointer
// aside and loads it again. What happens without one is a comparison (membarrier_switch_mm).
TEST(Museum, WhatDanglesOnX86IsUsedOnlyByAReaderOfItsOwn) {
  const Case with_nmi = the_case("alone");
  Case without = with_nmi;
  std::erase_if(without.programs[0], [](const Step& step) { return step.op == Act::nmi; });
  Case with_efi = without;
  with_efi.programs[0].insert(with_efi.programs[0].begin() + 1, Step{Act::efi});
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2017>(Violation::dangling, without)));
  EXPECT_FALSE((shows<scheme::Shootdown, X86_2017>(Violation::used, without)));
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2017>(Violation::used, with_nmi)));
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2017>(Violation::used, with_efi)));
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2017>(Violation::compared, without)));
  for (const Case& one : {without, with_nmi, with_efi}) {
    EXPECT_FALSE((shows<scheme::Refcount, X86_2017>(Violation::used, one)));
    EXPECT_FALSE((shows<scheme::Refcount, X86_2017>(Violation::compared, one)));
  }
}

// The same since 6.14, where it takes two flushes and another CPU.
TEST(Museum, WhatDanglesOnX86Since614IsUsedOnlyByAReaderOfItsOwn) {
  Case without = the_case("trimmed");
  without.programs[1] = {{Act::run, 1}};
  Case with_nmi = without;
  with_nmi.programs[1] = {{Act::nmi}, {Act::run, 1}};
  Case with_efi = without;
  with_efi.programs[1] = {{Act::efi}, {Act::run, 1}};
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2024>(Violation::dangling, without)));
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2024>(Violation::compared, without)));
  EXPECT_FALSE((shows<scheme::Shootdown, X86_2024>(Violation::used, without)));
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2024>(Violation::used, with_nmi)));
  EXPECT_TRUE((shows<scheme::Shootdown, X86_2024>(Violation::used, with_efi)));
}

// Found here: a borrow that is put aside is hidden from whoever asks active_mm, and no mask, filter or hazard
// pointer helps. "The mm can not change under us" holds as long as it is counted.
TEST(Museum, ABorrowPutAsideIsHiddenFromAShooter) {
  EXPECT_TRUE((shows<scheme::Hazptr, X86_2017>(Violation::used, the_case("efi"))));
  EXPECT_TRUE((shows<scheme::ShootdownFilterAll, X86_2017>(Violation::used, the_case("efi"))));
  EXPECT_FALSE((shows<scheme::Refcount, X86_2017>(Violation::used, the_case("efi"))));
}

// A process born in the memory of a dead one: switch_mm's prev == next is true of two different mms.
TEST(Museum, AStalePointerMayEqualThatOfANewMm) {
  Case reborn = the_case("reuse");
  reborn.programs[0].push_back({Act::run, 0});
  EXPECT_TRUE((shows<scheme::Untracked, Powerpc>(Violation::compared, reborn)));
  EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(Violation::compared, reborn)));
}

}  // namespace
}  // namespace mmscale::check
#endif
