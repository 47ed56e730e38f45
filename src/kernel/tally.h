// SPDX-License-Identifier: MIT
//
// What one emulated CPU counted. On lines of its own and written by its own thread only; read by others when
// the CPU has stopped.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "machine/machine.h"

namespace mmscale::kernel {

struct alignas(machine::kApart) Tally {
  // mm_count changes made by lazy borrowing (mmgrab_lazy_tlb, mmdrop_lazy_tlb); those of unlazy() apart,
  // because it runs in IPI handlers, which may interrupt an increment of the others.
  std::uint64_t lazy_grabs = 0;
  std::uint64_t lazy_drops = 0;
  std::uint64_t lazy_grabs_unlazy = 0;
  std::uint64_t lazy_drops_unlazy = 0;

  // IPIs this CPU handled that found it borrowing the mm, those that did not, and those of a flush that found
  // it running in the mm, where the flush was due.
  std::uint64_t ipis_useful = 0;
  std::uint64_t ipis_useless = 0;
  std::uint64_t ipis_user = 0;
  // Requests this CPU queued for other CPUs: to shoot a dead mm's borrowers at the last drop, to flush at
  // exit, to trim the mask of a living mm, and to flush a living mm.
  std::uint64_t ipis_shoot = 0;
  std::uint64_t ipis_exit_flush = 0;
  std::uint64_t ipis_trim = 0;
  std::uint64_t ipis_flush = 0;
  // Those of them that found the target's call queue empty, so that an interrupt was raised; from the
  // Machine.
  std::uint64_t ipis_raised = 0;
  // Calls that on_each_cpu_mask made on the dropping CPU itself, no IPI; and those that found it the
  // borrower.
  std::uint64_t ipis_local = 0;
  std::uint64_t shoot_self = 0;

  // Threads that went through exit_mm; mms allocated and freed.
  std::uint64_t exits = 0;
  std::uint64_t mms_born = 0;
  std::uint64_t mms_freed = 0;

  struct Field {
    std::string_view name;
    std::uint64_t Tally::*member;
  };
  // Every counter with its name in a record.
  static constexpr std::array<Field, 17> fields();

  Tally& operator+=(const Tally& other) {
    for (const Field& field : fields()) this->*field.member += other.*field.member;
    return *this;
  }
  // What was counted since `earlier`.
  Tally since(const Tally& earlier) const {
    Tally difference = *this;
    for (const Field& field : fields()) difference.*field.member -= earlier.*field.member;
    return difference;
  }
  // Requests sent, for whatever purpose.
  std::uint64_t ipis_sent() const { return ipis_shoot + ipis_exit_flush + ipis_trim + ipis_flush; }
  std::uint64_t ipis_handled() const { return ipis_useful + ipis_useless + ipis_user; }
  // Atomic changes of an mm_count on behalf of lazy borrowing.
  std::uint64_t mm_count_ops() const {
    return lazy_grabs + lazy_drops + lazy_grabs_unlazy + lazy_drops_unlazy;
  }
};

constexpr std::array<Tally::Field, 17> Tally::fields() {
  return {{{"lazy_grabs", &Tally::lazy_grabs},
           {"lazy_drops", &Tally::lazy_drops},
           {"lazy_grabs_unlazy", &Tally::lazy_grabs_unlazy},
           {"lazy_drops_unlazy", &Tally::lazy_drops_unlazy},
           {"ipis_useful", &Tally::ipis_useful},
           {"ipis_useless", &Tally::ipis_useless},
           {"ipis_user", &Tally::ipis_user},
           {"ipis_shoot", &Tally::ipis_shoot},
           {"ipis_exit_flush", &Tally::ipis_exit_flush},
           {"ipis_trim", &Tally::ipis_trim},
           {"ipis_flush", &Tally::ipis_flush},
           {"ipis_raised", &Tally::ipis_raised},
           {"ipis_local", &Tally::ipis_local},
           {"shoot_self", &Tally::shoot_self},
           {"exits", &Tally::exits},
           {"mms_born", &Tally::mms_born},
           {"mms_freed", &Tally::mms_freed}}};
}

}  // namespace mmscale::kernel
