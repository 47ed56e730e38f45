// SPDX-License-Identifier: MIT
#pragma once

#include "scheme/mailbox.h"

namespace mmscale::scheme {

// Mailbox that keeps membarrier(2) working on every architecture: the full barrier that the drop's atomic
// was, between the store to rq->curr and user code, explicit on kernel -> user. One fence per round trip more
// than as posted. None is due on user -> kernel: membarrier passes over CPUs whose current task has no mm.
//
// Needs of the lifecycle, and memory order, otherwise: mailbox's.
//
// x86: 1 locked instructions or fences of its own in the measured loop (tests/workload/fast_path_test.py).
struct MailboxFenced : Mailbox {
  template <class M>
  MMSCALE_INLINE static void lazy_exit(M& m, Cpu<M>&, Mm<M>*, Site) {
    m.fence();
  }

  static constexpr SchemeInfo kInfo = {
      .name = "mailbox-fenced",
      .summary = "mailbox with membarrier's full barrier where the drop's atomic was",
      .on_entry = "release store to a line of this CPU's own",
      .on_exit = "release store to that line, full barrier; one load of it at every switch",
      .last_drop = "as mailbox",
      .origin =
          "mmscale, after Nicholas Piggin's objection of January 2022 that powerpc needs a barrier there",
      .upstream = "never",
      .safety = kSafety,
  };
};

}  // namespace mmscale::scheme
