// SPDX-License-Identifier: MIT
//
// From a trace to one result per scheme: reads it once and lets every scheme's emulated system have each
// chunk.
#pragma once

#include <vector>

#include "trace/open.h"
#include "trace/replay.h"

namespace mmscale::trace {

struct SchemeResult {
  // What it was replayed as.
  ReplaySpec spec;
  ReplayResult result;
};

struct SessionResult {
  // Of the pass that was replayed.
  Facts facts;
  std::vector<SchemeResult> schemes;
  // In virtual time: more than one where memory has no room for all at once.
  std::size_t passes = 0;
};

// Replays `trace` as each of `specs` says, all of them in virtual time or all on silicon. In virtual time several at once,
// on so many threads; on silicon one after the other. Throws TraceError and what make_replay throws.
SessionResult replay_all(const Trace& trace, const std::vector<ReplaySpec>& specs, unsigned threads);

}  // namespace mmscale::trace
