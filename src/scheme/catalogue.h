// SPDX-License-Identifier: MIT
//
// The one table of schemes. A scheme is one header in this folder and one line here; everything else
// (benchmarks, tests, documentation) walks the table. The headers are included through a list that CMake
// makes of the folder.
#pragma once

#include "scheme/all_schemes.h"
#include "scheme/info.h"

namespace mmscale::scheme {

template <class... Schemes>
struct SchemeList {
  // Calls f.template operator()<Scheme>() for each, in order.
  template <class F>
  static constexpr void for_each(F&& f) {
    (f.template operator()<Schemes>(), ...);
  }
  static constexpr std::array<const SchemeInfo*, sizeof...(Schemes)> infos() { return {&Schemes::kInfo...}; }
};

using Catalogue = SchemeList<  //
    Untracked,                 //
    Refcount,                  //
    RefcountPacked,            //
    RefcountRcu,               //
    Sticky,                    //
    Shootdown,                 //
    ShootdownExitflush,        //
    ShootdownExitinit,         //
    ShootdownVmspace0,         //
    ShootdownMmput,            //
    ShootdownRegistered,       //
    ShootdownBatch,            //
    ShootdownFilter,           //
    ShootdownFilterAll,        //
    ShootdownLoaded,           //
    ShootdownTrim,             //
    Quiesce,                   //
    Implicit,                  //
    Mailbox2021,               //
    Mailbox2022,               //
    Mailbox,                   //
    MailboxFenced,             //
    Hazptr,                    //
    Percpu,                    //
    Nonlazy,                   //
    Rcu                        //
    >;

}  // namespace mmscale::scheme
